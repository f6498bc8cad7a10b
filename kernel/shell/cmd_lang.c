/*
 * cmd_lang.c: set, echo, expect, assert, repeat, source, sleep: what makes
 * lines into scripts.
 */
#include <string.h>
#include <stdio.h>
#include <base/print.h>
#include <kernel/initrd.h>
#include <kernel/thread.h>
#include "shell.h"

/* The words of REST with blanks between; FALSE: too long. */
static bool
join(const struct cmd_ctx *c, char *buf, size_t size)
{
	size_t used = 0, n;
	int i;

	buf[0] = '\0';
	for (i = 0; i < c->argc; i++) {
		n = strlen(c->argv[i]);
		if (used + n + 2 > size)
			return false;
		if (i > 0)
			buf[used++] = ' ';
		memcpy(buf + used, c->argv[i], n + 1);
		used += n;
	}
	return true;
}

static int
list_variables(struct cmd_ctx *c)
{
	static const struct column columns[] = {
		{ "name", "NAME", COL_TEXT, -16 }, { "value", "VALUE", COL_TEXT, -1 },
	};
	char value[SHELL_VALUE_MAX];
	struct listing l;
	const char *name;
	unsigned i;

	list_begin(&l, c, columns, nitems(columns));
	for (i = 0; vars_nth(i, &name, value, sizeof(value)); i++) {
		list_text(&l, name);
		list_text(&l, value);
	}
	return 0;
}

static bool
looks_like_a_number(const char *s)
{
	return strchr("0123456789(+-~", s[0]) != NULL && s[0] != '\0';
}

static int
cmd_set(struct cmd_ctx *c)
{
	char value[SHELL_VALUE_MAX];
	struct shell_error e;
	uint64_t number;

	if (!c->arg[0].given)
		return list_variables(c);
	if (shell_name_length(c->arg[0].word) != strlen(c->arg[0].word))
		return cmd_usage(c, 0, "no name: letters, digits and _ make one, and no digit begins it");
	if (c->argc == 0)
		return cmd_usage(c, CMD_ARGS_MAX, "the value is missing");
	if (!join(c, value, sizeof(value)))
		return cmd_usage(c, 0, "the value is longer than %d characters", SHELL_VALUE_MAX - 1);
	if (looks_like_a_number(value)) {
		if (shell_expr(value, &number, &e))
			snprintf(value, sizeof(value), strpbrk(value, "xX") != NULL ? "0x%lx" : "%lu", number);
		else if (value[0] >= '0' && value[0] <= '9')
			return cmd_usage(c, 0, "%s: %s", value, e.text);
	}
	if (!vars_set(c->arg[0].word, value))
		return cmd_usage(c, 0, "cannot be set (computed by the shell, too long, or no room)");
	return 0;
}

COMMAND(set, cmd_set, "language", "set a variable, or list all",
    "The value is evaluated when it is an expression (`set a $addr + 2M`), and text\n"
    "otherwise; $NAME stands for it from then on. Each output of a result line sets the\n"
    "variable of its name: $addr, $size, $value, ... The shell computes:\n"
    "  $?            0 done, 1 refused, 2 usage    $kr    name of the last result code\n"
    "  $free_pages   free pages, all caches empty  $pages $mem   pages, bytes of memory\n"
    "  $harts        harts that run threads        $mode  Sv39, Sv48 or Sv57\n"
    "  $max_address  first address above user space",
    OPT(WORD, "name", ""), OPT(REST, "value", ""));

static int
cmd_echo(struct cmd_ctx *c)
{
	int i;

	for (i = 0; i < c->argc; i++)
		kprintf("%s%s", i > 0 ? " " : "", c->argv[i]);
	kprintf("\n");
	return 0;
}

COMMAND(echo, cmd_echo, "language", "print its words",
    "Variables are expanded outside single quotes: echo \"at $addr\" 'not $addr'",
    OPT(REST, "words", ""));

static int
cmd_expect(struct cmd_ctx *c)
{
	uint64_t want = c->arg[0].num, got = shell_run_code(c->words, c->rest);

	if (got == want)
		return 0;
	kprintf("expect: %s was expected, and %s came\n", c->arg[0].word,
	    got == SHELL_CODE_USAGE ? "a usage error" : kern_return_name((kern_return_t)got));
	shell_last.has_kr = false;      /* the failure is ours, whatever the inner result was */
	return 1;
}

COMMAND(expect, cmd_expect, "language", "run a command that must give this result",
    "Succeeds only if COMMAND's result is CODE; says what came otherwise. USAGE as code:\n"
    "the command line itself must be refused.\n"
    "  expect KERN_NO_SPACE vm_allocate t1 4K addr=$a\n"
    "  expect USAGE vm_allocate t1 2Q",
    ARG(CODE, "code"), OPT(LINE, "command", ""));

static bool
compare(const char *op, int order, bool *holds)
{
	static const struct {
		const char *op;
		bool        less, equal, more;
	} ops[] = {
		{ "==", 0, 1, 0 }, { "!=", 1, 0, 1 }, { "<", 1, 0, 0 },
		{ "<=", 1, 1, 0 }, { ">", 0, 0, 1 }, { ">=", 0, 1, 1 },
	};
	unsigned i;

	for (i = 0; i < nitems(ops); i++)
		if (strcmp(op, ops[i].op) == 0) {
			*holds = order < 0 ? ops[i].less : order == 0 ? ops[i].equal : ops[i].more;
			return true;
		}
	return false;
}

static int
cmd_assert(struct cmd_ctx *c)
{
	const char *left = c->arg[0].word, *op = c->arg[1].word, *right = c->arg[2].word;
	struct shell_error e;
	uint64_t a, b;
	bool numbers, holds;

	numbers = shell_expr(left, &a, &e) && shell_expr(right, &b, &e);
	if (!compare(op, numbers ? (a > b) - (a < b) : strcmp(left, right), &holds))
		return cmd_usage(c, 1, "no comparison (== != < <= > >=)");
	if (!numbers && strcmp(op, "==") != 0 && strcmp(op, "!=") != 0)
		return cmd_usage(c, 1, "%s and %s cannot be ordered: not both are numbers", left, right);
	if (holds)
		return 0;
	if (numbers)
		kprintf("assert: 0x%lx %s 0x%lx does not hold\n", a, op, b);
	else
		kprintf("assert: '%s' %s '%s' does not hold\n", left, op, right);
	return 1;
}

COMMAND(assert, cmd_assert, "language", "compare two values; fails when it does not hold",
    "Both sides are expressions; == and != also compare text. Blanks inside an expression\n"
    "need quotes.\n"
    "  assert $addr == 0x400000;  assert \"$size + 4K\" <= 64M;  assert $kr == KERN_SUCCESS",
    ARG(WORD, "left"), ARG(WORD, "op"), ARG(WORD, "right"));

static int
cmd_repeat(struct cmd_ctx *c)
{
	bool line = c->argc == 1 && strpbrk(c->argv[0], " ;") != NULL;
	uint64_t i;
	int status = 0;

	for (i = 0; i < c->arg[0].num && status == 0; i++) {
		status = line ? shell_line(c->argv[0]) : shell_run(c->words, c->rest);
		shell_reap();
		if (cmd_interrupted())
			return 1;
	}
	if (status != 0)
		kprintf("repeat: failed in round %lu of %lu\n", i, c->arg[0].num);
	return status;
}

COMMAND(repeat, cmd_repeat, "language", "run a command many times",
    "Stops at the first failure. One quoted word is a whole line; in single quotes its\n"
    "variables are expanded anew each time:\n"
    "  repeat 100 'task fork t1 t2; poke t2 $a 1; task kill t2'",
    ARG(NUM, "count"), OPT(LINE, "command", ""));

static int
cmd_source(struct cmd_ctx *c)
{
	const char *name = c->arg[0].word;
	struct initrd_file f;

	if (!initrd_lookup(name, &f))
		return cmd_result(c, KERN_FAIL(KERN_NOT_FOUND, "no file %s in the initial ramdisk", name), NULL);
	return shell_script(name, (const char *)f.data, f.size);
}

COMMAND(source, cmd_source, "language", "run the lines of a file",
    "The file comes from the initial ramdisk (see `ls`). The first line that fails ends it.",
    ARG(FILE, "file"));

static int
do_sleep(struct cmd_ctx *c)
{
	uint64_t left = c->arg[0].num;

	for (; left > 0 && !cmd_interrupted(); left--)
		thread_sleep_us(1000);
	return 0;
}

COMMAND(sleep, do_sleep, "language", "wait for so many milliseconds",
    "Others go on meanwhile. Ctrl-C ends it.\n"
    "  sleep 100",
    ARG(NUM, "ms"));
