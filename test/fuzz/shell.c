/*
 * shell.c: fuzz target of the shell's language and line editor.
 *
 * The first byte chooses: bytes as a line to be split, bound and completed, or
 * bytes as keys. Whatever they are: no access outside, no endless loop, a
 * column inside the line for every error, and the editor's invariants.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <shell_edit.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define CHECK(c) \
	do { \
		if (!(c)) { \
			fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #c); \
			abort(); \
		} \
	} while (0)

static int
run_nothing(struct cmd_ctx *c)
{
	(void)c;
	return 0;
}

#define COMMAND_HERE(id, name_, ...) COMMAND_DEFINE(id, name_, run_nothing, "t", "b", "h", ##__VA_ARGS__)

COMMAND_HERE(c_a, "a", ARG(TASK, "task"), ARG(SIZE, "size"), OPT(NUM, "addr", "0x10"), OPT(BOOL, "b", "1"));
COMMAND_HERE(c_e, "e", ARG(CODE, "code"), OPT(LINE, "command", ""));
COMMAND_HERE(c_p, "p", ARG(PROT, "prot"), OPT(INHERIT, "inherit", "copy"), OPT(WORD, "w", ""), OPT(FILE, "f", ""));
COMMAND_HERE(c_r, "r", OPT(REST, "words", ""));
COMMAND_HERE(c_s, "s", OPT(TOPIC, "command", ""));
static const struct cmd_word flag_words[] = { { "fixed", 0 }, { "any", 1 }, { NULL, 0 } };
COMMAND_HERE(c_f, "f", ARG(MAP, "map"), OPTW(FLAGS, "flags", "any", flag_words), OPTW(ENUM, "one", "", flag_words), OPT(NEW, "name", ""));
COMMAND_HERE(c_s_m, "s m", ARG(TASK, "task"));

static const struct command *const table[] = { &c_a, &c_e, &c_f, &c_p, &c_r, &c_s, &c_s_m };

static bool
variable(const char *name, char *buf, size_t size)
{
	if (name[0] == 'u')
		return false;
	snprintf(buf, size, name[0] == 'l' ? "%0250d" : "%d", 42);
	return true;
}

static struct task *
task(const char *name)
{
	return name[0] == 't' ? (struct task *)(void *)(uintptr_t)&table : NULL;
}

static bool
object(enum cmd_type type, const char *name, struct cmd_value *v)
{
	v->held = type == CMD_MAP ? (struct held *)(void *)(uintptr_t)&table : NULL;
	return name[0] == 'm';
}

static void
offer_object(enum cmd_type type, struct shell_completion *c)
{
	shell_candidate(c, type == CMD_MAP ? "m1" : "x");
}

static void
offer(struct shell_completion *c)
{
	shell_candidate(c, "t1");
	shell_candidate(c, "t22");
	shell_candidate(c, "");
}

static const struct shell_env env = { variable, task, table, nitems(table), object };
static const struct shell_names names = { offer, offer, offer, offer, offer_object };

/* Runs on from `at` as the shell does, through commands that hold commands. */
static void
bind(struct shell_words *w, size_t length)
{
	static struct cmd_ctx c;
	const struct command *cmd;
	struct shell_error e;
	unsigned at = 0, used;

	for (;;) {
		cmd = shell_find(&env, w, at, &used, &e);
		if (cmd == NULL || !shell_bind(&env, cmd, w, at + used, &c, &e)) {
			CHECK(e.col <= length + 1 && e.text[0] != '\0');
			return;
		}
		CHECK(c.argc >= 0 && (unsigned)c.argc + c.rest == w->n);
		if (cmd != &c_e)
			return;
		at = c.rest;
	}
}

static void
fuzz_line(const char *line, size_t length)
{
	static struct shell_words w;
	static struct shell_completion completion;
	struct shell_error e;
	char json[64], synopsis[40];
	size_t pos = 0, start, end, last = 0;
	uint64_t v, max;
	bool has_max;

	while (shell_next(line, &pos, &start, &end)) {
		CHECK(start < end && end <= length && start >= last && pos >= end);
		last = end;
		if (shell_split(&env, line, start, end, &w, &e)) {
			CHECK(w.n > 0 && w.n <= SHELL_WORDS_MAX && w.used <= SHELL_TEXT_MAX);
			bind(&w, length);
		} else {
			CHECK(e.col + e.len <= length + 1 && e.text[0] != '\0');
		}
	}
	if (!shell_expr(line, &v, &e))
		CHECK(e.col + e.len <= length + 1 && e.text[0] != '\0');
	shell_prot(line, &v, &max, &has_max);
	shell_inherit(line, &v);
	shell_code(line, &v);
	shell_bool(line, &v);
	shell_glob(line, "vm_map.clip_start");
	CHECK(shell_glob("*", line));
	CHECK(shell_json_string(line, json, sizeof(json)) < sizeof(json));
	shell_synopsis(table[length % nitems(table)], synopsis, sizeof(synopsis));
	memset(&completion, 0, sizeof(completion));
	shell_complete(&env, &names, line, length / 2, &completion);
	CHECK(completion.start <= length / 2 && strlen(completion.list) < sizeof(completion.list));
}

static void
ignore(const char *s, size_t n)
{
	while (n > 0)
		CHECK(s[--n] != '\0');
}

static void
complete(const char *line, size_t cursor, struct shell_completion *c)
{
	shell_complete(&env, &names, line, cursor, c);
}

static void
fuzz_keys(const char *keys, size_t n)
{
	static struct edit e;
	size_t i;

	memset(&e, 0, sizeof(e));
	e.write = ignore;
	e.complete = complete;
	edit_begin(&e, "atlas> ");
	for (i = 0; i < n; i++) {
		enum edit_event event = edit_key(&e, (unsigned char)keys[i]);

		CHECK(e.cursor <= e.len && e.len < SHELL_LINE_MAX && e.line[e.len] == '\0');
		CHECK(strlen(e.line) == e.len && e.left <= e.cursor && e.history_used <= sizeof(e.history));
		if (event == EDIT_LINE)
			edit_remember(&e, e.line);
		if (event != EDIT_MORE)
			edit_begin(&e, "atlas> ");
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *line;

	if (size == 0 || size > 4 * SHELL_LINE_MAX)
		return 0;
	line = malloc(size);
	CHECK(line != NULL);
	memcpy(line, data + 1, size - 1);
	line[size - 1] = '\0';
	if (data[0] & 1)
		fuzz_keys(line, size - 1);
	else
		fuzz_line(line, strlen(line));
	free(line);
	return 0;
}
