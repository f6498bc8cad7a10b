/*
 * shell.c: the shell's thread: reads lines, runs commands, keeps the verdict.
 *
 *	keys ──edit──> line ─┐
 *	script ─────> lines ─┴─ shell_line ─ for each command: split, find, bind, run ─> $? $kr
 *
 * The language is in shell_*.c, free of kernel state. What nests (source,
 * repeat, expect) takes its large parts from a small fixed stack instead of the
 * thread's, and is refused beyond SHELL_DEPTH lines or twice as many commands.
 *
 * In a script every command must succeed: it stops at the first that does not,
 * says where, and the run ends with status 1. At the prompt a line goes on.
 *
 * All state here belongs to the shell's thread; no locks.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <arch/paging.h>
#include <base/print.h>
#include <kernel/boot.h>
#include <kernel/console.h>
#include <kernel/initrd.h>
#include <kernel/power.h>
#include <kernel/version.h>
#include <machine/hart.h>
#include "shell.h"

#define COMMANDS_MAX 256

SET_DECLARE(commands, const struct command);

static const struct command *table[COMMANDS_MAX];
struct shell_env shell_env = { vars_get, shell_task, table, 0, shell_object };
struct shell_last shell_last;

/* A line being run, and a command being run. */
struct line_frame {
	char               text[SHELL_LINE_MAX];
	struct shell_words words;
};
static struct line_frame lines[SHELL_DEPTH];
static struct cmd_ctx    contexts[2 * SHELL_DEPTH];
static struct shell_error error;                /* what was refused last; shown at once */
static unsigned          line_depth, context_depth;
static unsigned          script_depth;          /* > 0: a failure ends the line, too */
static struct edit       editor;

static void
sort_commands(void)
{
	const struct command *const *p;
	unsigned i;

	KASSERT(SET_COUNT(commands) <= COMMANDS_MAX, ("%lu commands, room for %d",
	    (unsigned long)SET_COUNT(commands), COMMANDS_MAX));
	SET_FOREACH(p, commands) {
		for (i = shell_env.ncommands++; i > 0 && strcmp(table[i - 1]->name, (*p)->name) > 0; i--)
			table[i] = table[i - 1];
		table[i] = *p;
	}
}

/* --- results and errors --- */

/* The line with a caret under [col, col + len): a window of it when it is long. */
static void
show_error(const char *line, const struct shell_error *e)
{
	size_t from = e->col > 60 ? e->col - 40 : 0, n = strlen(line), i;
	char row[80];

	for (i = 0; i < sizeof(row) - 1 && from + i < n; i++)
		row[i] = line[from + i] >= ' ' && line[from + i] <= '~' ? line[from + i] :
		    line[from + i] == '\t' ? ' ' : '?';
	row[i] = '\0';
	kprintf("  %s\n  %*s^", row, (int)(e->col - from), "");
	for (i = 1; i < e->len && e->col - from + i < sizeof(row) - 1; i++)
		kprintf("~");
	kprintf(" %s\n", e->text);
}

static noinline int
usage_error(const char *line, const struct shell_error *e, const struct command *cmd)
{
	char synopsis[256];

	show_error(line, e);
	if (cmd != NULL) {
		shell_synopsis(cmd, synopsis, sizeof(synopsis));
		kprintf("usage: %s\n", synopsis);
	}
	shell_last.status = 2;
	return 2;
}

int
cmd_usage(struct cmd_ctx *c, unsigned i, const char *fmt, ...)
{
	const struct shell_word *last = &c->words->word[c->words->n - 1];
	struct shell_error e;
	va_list ap;

	e.col = i < CMD_ARGS_MAX ? c->arg[i].col : last->col + last->len + 1;
	e.len = i < CMD_ARGS_MAX ? c->arg[i].len : 1;
	va_start(ap, fmt);
	vsnprintf(e.text, sizeof(e.text), fmt, ap);
	va_end(ap);
	return usage_error(c->words->line, &e, c->cmd);
}

/* Every "name=value" of the outputs becomes a variable; as JSON also a member. */
static void
take_outputs(const struct cmd_ctx *c, const char *s)
{
	char name[SHELL_NAME_MAX], value[SHELL_VALUE_MAX];
	size_t n, v;

	while (*s != '\0') {
		s += strspn(s, " ");
		n = shell_name_length(s);
		v = strcspn(s, " ");
		if (n != 0 && s[n] == '=' && n < sizeof(name) && v - n - 1 < sizeof(value)) {
			memcpy(name, s, n);
			name[n] = '\0';
			memcpy(value, s + n + 1, v - n - 1);
			value[v - n - 1] = '\0';
			cmd_set_text(name, value);
			if (c->json)
				json_key_text(",", name, value);
		}
		s += v;
	}
}

int
cmd_result(struct cmd_ctx *c, kern_return_t kr, const char *fmt, ...)
{
	char text[400] = "";
	va_list ap;

	shell_last.kr = kr;
	shell_last.has_kr = true;
	if (kr != KERN_SUCCESS) {
		kern_reason_text(kern_reason(), text, sizeof(text));
	} else if (fmt != NULL) {
		va_start(ap, fmt);
		vsnprintf(text, sizeof(text), fmt, ap);
		va_end(ap);
	}
	if (c->json)
		json_key_text("{", "kr", kern_return_name(kr));
	else
		kprintf("%s%s%s\n", kern_return_name(kr),
		    text[0] == '\0' ? "" : kr == KERN_SUCCESS ? " " : ": ", text);
	if (kr == KERN_SUCCESS)
		take_outputs(c, text);
	else if (c->json)
		json_key_text(",", "reason", text);
	if (c->json)
		kprintf("}\n");
	return kr != KERN_SUCCESS;
}

/* --- running --- */

static void
release_tasks(struct cmd_ctx *c)
{
	unsigned i;

	for (i = 0; i < CMD_ARGS_MAX; i++)
		if (c->arg[i].task != NULL)
			task_deallocate(c->arg[i].task);
}

/* The result without $?: what the command itself says. */
static int
run_command(struct shell_words *w, unsigned at)
{
	const struct command *cmd;
	struct cmd_ctx *c;
	unsigned used;
	int status;

	shell_last.has_kr = false;
	cmd = shell_find(&shell_env, w, at, &used, &error);
	if (cmd == NULL)
		return usage_error(w->line, &error, NULL);
	if (context_depth == nitems(contexts)) {
		shell_error_set(&error, w->word[at].col, w->word[at].len, "commands nest too deeply");
		return usage_error(w->line, &error, NULL);
	}
	c = &contexts[context_depth++];
	if (shell_bind(&shell_env, cmd, w, at + used, c, &error)) {
		kern_reason()->fmt = NULL;
		status = cmd->run(c);
	} else {
		status = usage_error(w->line, &error, cmd);
	}
	release_tasks(c);
	context_depth--;
	return status;
}

int
shell_run(struct shell_words *w, unsigned at)
{
	int status = run_command(w, at);

	if (!shell_last.has_kr && status != 2)
		shell_last.kr = status == 0 ? KERN_SUCCESS : KERN_FAILURE;
	shell_last.status = status;
	return status;
}

uint64_t
shell_run_code(struct shell_words *w, unsigned at)
{
	return shell_run(w, at) == 2 ? SHELL_CODE_USAGE : (uint64_t)shell_last.kr;
}

int
shell_line(const char *line)
{
	struct line_frame *f;
	size_t pos = 0, start, end;
	int status = 0;

	if (line_depth == SHELL_DEPTH || strlen(line) >= SHELL_LINE_MAX) {
		kprintf("shell: %s\n", line_depth == SHELL_DEPTH ? "lines nest too deeply" : "the line is too long");
		return shell_last.status = 2;
	}
	f = &lines[line_depth++];
	strcpy(f->text, line);
	while (shell_next(f->text, &pos, &start, &end)) {
		if (shell_split(&shell_env, f->text, start, end, &f->words, &error))
			status = shell_run(&f->words, 0);
		else
			status = usage_error(f->text, &error, NULL);
		shell_reap();
		if (status != 0 && script_depth > 0)
			break;
		if (cmd_interrupted()) {
			kprintf("interrupted\n");
			status = shell_last.status = 1;
			break;
		}
	}
	line_depth--;
	return status;
}

/* One line of a script, without its end; FALSE: too long. */
static bool
copy_line(char *buf, const char *s, size_t n)
{
	while (n > 0 && (s[n - 1] == '\r' || s[n - 1] == ' ' || s[n - 1] == '\t'))
		n--;
	if (n >= SHELL_LINE_MAX)
		return false;
	memcpy(buf, s, n);
	buf[n] = '\0';
	return true;
}

int
shell_script(const char *name, const char *text, size_t size)
{
	static char buffers[SHELL_DEPTH][SHELL_LINE_MAX];
	const char *end = text + size, *next;
	unsigned number = 0;
	char *line;
	int status = 0;

	if (script_depth == SHELL_DEPTH) {
		kprintf("%s: scripts nest too deeply\n", name);
		return 1;
	}
	line = buffers[script_depth++];
	for (; text < end && status == 0; text = next) {
		next = memchr(text, '\n', (size_t)(end - text));
		next = next == NULL ? end : next + 1;
		number++;
		if (!copy_line(line, text, (size_t)(next - text) - (next[-1] == '\n'))) {
			kprintf("%s:%u: the line is longer than %d characters\n", name, number, SHELL_LINE_MAX - 1);
			status = 1;
		} else if (memchr(text, '\0', (size_t)(next - text)) != NULL) {
			kprintf("%s:%u: a NUL in the line: this is no script\n", name, number);
			status = 1;
		} else if (shell_line(line) != 0) {
			kprintf("%s:%u: failed: %s\n", name, number, line + strspn(line, " \t"));
			status = 1;
		}
	}
	script_depth--;
	return status;
}

/* --- the thread --- */

static void
complete_line(const char *line, size_t cursor, struct shell_completion *c)
{
	shell_complete(&shell_env, &shell_names, line, cursor, c);
}

static void
greet(void)
{
	char pages[24];

	vars_get("pages", pages, sizeof(pages));
	kprintf("\nAtlas %s on %s, %u hart%s, %llu MiB of memory.\n", ATLAS_VERSION, paging_mode_name(),
	    hart_count, hart_count == 1 ? "" : "s", strtoull(pages, NULL, 10) >> (20 - PAGE_SHIFT));
	kprintf("`help` lists what it can do; Tab completes, arrows edit and recall; `poweroff` ends.\n\n");
}

static void
interactive(void)
{
	enum edit_event event;
	int c;

	editor.write = console_write;
	editor.complete = complete_line;
	for (;;) {
		edit_begin(&editor, SHELL_PROMPT);
		do {
			c = console_getc();
			event = c < 0 ? EDIT_CANCEL : edit_key(&editor, c);
		} while (event == EDIT_MORE);
		if (event == EDIT_EOF)
			kprintf("`poweroff` ends the machine.\n");
		if (event != EDIT_LINE)
			continue;
		edit_remember(&editor, editor.line);
		interrupt_enable(true);
		shell_line(editor.line);
		interrupt_enable(false);
	}
}

static int
boot_script(const char *name)
{
	struct initrd_file f;

	if (!initrd_lookup(name, &f)) {
		kprintf("shell: no file %s in the initial ramdisk\n", name);
		return 1;
	}
	interrupt_enable(true);
	return shell_script(name, (const char *)f.data, f.size);
}

void
shell_main(void *arg)
{
	char script[128];

	(void)arg;
	sort_commands();
	interrupt_init();
	if (boot_arg("script", script, sizeof(script)))
		power_off(boot_script(script));
	greet();
	interactive();
}
