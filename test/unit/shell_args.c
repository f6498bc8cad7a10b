/*
 * shell_args: finding a command, binding its arguments, and where the caret goes.
 */
#include <stdio.h>
#include <string.h>
#include <base/test.h>
#include <shell_lang.h>

static struct shell_words words;
static struct cmd_ctx     ctx;
static struct shell_error error;

static int
run_nothing(struct cmd_ctx *c)
{
	(void)c;
	return 0;
}

/* Not in the set of commands: for this file alone. */
#define COMMAND_HERE(id, name_, ...) COMMAND_DEFINE(id, name_, run_nothing, "t", "b", "h", ##__VA_ARGS__)

COMMAND_HERE(c_alloc, "alloc", ARG(TASK, "task"), ARG(SIZE, "size"), OPT(NUM, "addr", "0x10"),
    OPT(WORD, "flags", ""), OPT(BOOL, "zero", "yes"));
COMMAND_HERE(c_echo, "echo", OPT(REST, "words", ""));
COMMAND_HERE(c_expect, "expect", ARG(CODE, "code"), OPT(LINE, "command", ""));
COMMAND_HERE(c_map, "map", ARG(PROT, "prot"), OPT(PROT, "max", "rwx"), OPT(INHERIT, "inherit", "copy"));
static const struct cmd_word flag_words[] = { { "fixed", 0 }, { "anywhere", 1 }, { "overwrite", 0x4000 }, { NULL, 0 } };
COMMAND_HERE(c_copy, "copy", ARG(COPY, "copy"), OPTW(FLAGS, "flags", "anywhere", flag_words),
    OPTW(ENUM, "one", "", flag_words), OPT(NEW, "name", ""));
COMMAND_HERE(c_set, "set", OPT(WORD, "name", ""), OPT(REST, "value", ""));
COMMAND_HERE(c_show, "show", OPT(WORD, "what", ""));
COMMAND_HERE(c_show_map, "show map", ARG(TASK, "task"));
COMMAND_HERE(c_task_list, "task list");

static const struct command *const table[] = {
	&c_alloc, &c_copy, &c_echo, &c_expect, &c_map, &c_set, &c_show, &c_show_map, &c_task_list,
};

static bool
variable(const char *name, char *buf, size_t size)
{
	if (strcmp(name, "a") != 0)
		return false;
	snprintf(buf, size, "0x1000");
	return true;
}

static struct task *
find_task(const char *name)
{
	return strcmp(name, "t1") == 0 ? (struct task *)(void *)&words : NULL;
}

static bool
find_object(enum cmd_type type, const char *name, struct cmd_value *v)
{
	v->held = (struct held *)(void *)&words;
	return type == CMD_COPY && strcmp(name, "c1") == 0;
}

static const struct shell_env env = { variable, find_task, table, nitems(table), find_object };

/* The command that the line binds to; NULL: `error` says why not. */
static const struct command *
bind(const char *line)
{
	size_t pos = 0, start, end;
	const struct command *cmd;
	unsigned used;

	memset(&error, 0, sizeof(error));
	if (!shell_next(line, &pos, &start, &end) || !shell_split(&env, line, start, end, &words, &error))
		return NULL;
	cmd = shell_find(&env, &words, 0, &used, &error);
	if (cmd == NULL || !shell_bind(&env, cmd, &words, used, &ctx, &error))
		return NULL;
	return cmd;
}

TEST(shell_args, positions_names_defaults)
{
	ASSERT_TRUE(bind("alloc t1 2M") == &c_alloc);
	ASSERT_TRUE(ctx.arg[0].task != NULL);
	ASSERT_EQ(ctx.arg[1].num, 2ul << 20);
	ASSERT_EQ(ctx.arg[2].num, 0x10);
	ASSERT_FALSE(ctx.arg[2].given);
	ASSERT_EQ(strcmp(ctx.arg[3].word, ""), 0);
	ASSERT_EQ(ctx.arg[4].num, 1);
	ASSERT_FALSE(ctx.json);

	ASSERT_TRUE(bind("alloc t1 addr=$a+1P zero=0 4K flags=x -j") == &c_alloc);
	ASSERT_EQ(ctx.arg[1].num, 4096);
	ASSERT_EQ(ctx.arg[2].num, 0x2000);
	ASSERT_TRUE(ctx.arg[2].given);
	ASSERT_EQ(strcmp(ctx.arg[3].word, "x"), 0);
	ASSERT_EQ(ctx.arg[4].num, 0);
	ASSERT_TRUE(ctx.json);

	ASSERT_TRUE(bind("alloc t1 4K 0x20 fixed no") == &c_alloc);
	ASSERT_EQ(ctx.arg[2].num, 0x20);
	ASSERT_EQ(strcmp(ctx.arg[3].word, "fixed"), 0);
	ASSERT_EQ(ctx.arg[4].num, 0);
	/* Positional ones skip what has a name already. */
	ASSERT_TRUE(bind("alloc size=1K t1 0x20") == &c_alloc);
	ASSERT_EQ(ctx.arg[1].num, 1024);
	ASSERT_EQ(ctx.arg[2].num, 0x20);
	ASSERT_TRUE(bind("alloc t1 'size=4K'") == NULL);
	ASSERT_TRUE(bind("alloc t1 size=\"1 + 2\"") == &c_alloc);
	ASSERT_EQ(ctx.arg[1].num, 3);
}

TEST(shell_args, protections)
{
	ASSERT_TRUE(bind("map rw-") == &c_map);
	ASSERT_EQ(ctx.arg[0].num, 3);
	ASSERT_FALSE(ctx.arg[0].given2);
	ASSERT_EQ(ctx.arg[1].num, 7);
	ASSERT_EQ(ctx.arg[2].num, 1);
	ASSERT_TRUE(bind("map r--/rw- inherit=none max=none") == &c_map);
	ASSERT_EQ(ctx.arg[0].num, 1);
	ASSERT_EQ(ctx.arg[0].num2, 3);
	ASSERT_TRUE(ctx.arg[0].given2);
	ASSERT_EQ(ctx.arg[1].num, 0);
	ASSERT_EQ(ctx.arg[2].num, 2);
}

TEST(shell_args, words_and_held_names)
{
	ASSERT_TRUE(bind("copy c1") == &c_copy);
	ASSERT_TRUE(ctx.arg[0].held != NULL);
	ASSERT_EQ(ctx.arg[1].num, 1);
	ASSERT_FALSE(ctx.arg[2].given);
	ASSERT_TRUE(bind("copy c1 flags=overwrite|anywhere one=overwrite name=x") == &c_copy);
	ASSERT_EQ(ctx.arg[1].num, 0x4001);
	ASSERT_EQ(ctx.arg[2].num, 0x4000);
	ASSERT_EQ(strcmp(ctx.arg[3].word, "x"), 0);
	ASSERT_TRUE(bind("copy c1 flags=0x80|fixed one=1+2") == &c_copy);
	ASSERT_EQ(ctx.arg[1].num, 0x80);
	ASSERT_EQ(ctx.arg[2].num, 3);
	ASSERT_TRUE(bind("copy c1 flags=fixed|") == NULL);
	ASSERT_TRUE(bind("copy c1 one=fixed|anywhere") == NULL);
	ASSERT_TRUE(strstr(error.text, "fixed, anywhere, overwrite or a number") != NULL);
}

TEST(shell_args, rest_is_left_alone)
{
	ASSERT_TRUE(bind("echo -j a=b 2Q") == &c_echo);
	ASSERT_EQ(ctx.argc, 3);
	ASSERT_EQ(strcmp(ctx.argv[0], "-j"), 0);
	ASSERT_FALSE(ctx.json);
	ASSERT_TRUE(bind("echo") == &c_echo);
	ASSERT_EQ(ctx.argc, 0);
	ASSERT_TRUE(bind("set x name=1 -j") == &c_set);
	ASSERT_EQ(ctx.argc, 2);
	ASSERT_EQ(strcmp(ctx.argv[0], "name=1"), 0);
	ASSERT_TRUE(bind("set -j") == &c_set);
	ASSERT_TRUE(ctx.json);
	ASSERT_FALSE(ctx.arg[0].given);
	ASSERT_TRUE(bind("expect KERN_NO_SPACE alloc t1 2Q -j") == &c_expect);
	ASSERT_EQ(ctx.arg[0].num, 3);
	ASSERT_EQ(ctx.rest, 2);
	ASSERT_EQ(ctx.argc, 4);
	ASSERT_FALSE(ctx.json);
}

TEST(shell_args, longest_name_wins)
{
	ASSERT_TRUE(bind("show map t1") == &c_show_map);
	ASSERT_TRUE(bind("show it") == &c_show);
	ASSERT_TRUE(bind("show") == &c_show);
	ASSERT_TRUE(bind("task list") == &c_task_list);
	ASSERT_TRUE(bind("task") == NULL);
	ASSERT_EQ(error.col, 5);
	ASSERT_TRUE(bind("task lis") == NULL);
	ASSERT_EQ(error.col, 5);
	ASSERT_EQ(error.len, 3);
	ASSERT_TRUE(bind("  nope") == NULL);
	ASSERT_EQ(error.col, 2);
	ASSERT_EQ(error.len, 4);
}

struct caret {
	const char *line;
	unsigned    col, len;
};

TEST(shell_args, carets)
{
	static const struct caret cases[] = {
		{ "alloc t1 2Q", 10, 1 }, { "alloc t1 0x", 9, 2 }, { "alloc t1 12abc", 11, 1 },
		{ "alloc t1 $a+2Q", 9, 5 },             /* expanded: the whole word */
		{ "alloc t1 4K addr=2Q", 18, 1 }, { "alloc t1 4K addr=", 17, 1 }, { "alloc t1 4K addr=1+", 19, 1 },
		{ "alloc t9 4K", 6, 2 }, { "alloc t1", 9, 1 }, { "alloc", 6, 1 }, { "alloc t1 4K zero=2", 12, 6 },
		{ "alloc t1 4K adr=1", 12, 3 }, { "alloc t1 4K 1 x 1 extra", 18, 5 },
		{ "alloc t1 4K addr=1 addr=2", 19, 6 }, { "alloc t1 4K 1 addr=2", 14, 6 },
		{ "map rwz", 4, 3 }, { "map rwx max=q", 8, 5 }, { "map rwx inherit=x", 8, 9 },
		{ "expect KERN_X echo", 7, 6 }, { "expect KERN_SUCCESS", 20, 1 }, { "expect", 7, 1 },
		{ "task list x", 10, 1 }, { "copy c2", 5, 2 }, { "copy c1 flags=fix", 8, 9 }, { "copy c1 one=9x", 8, 6 },
	};
	unsigned i;

	for (i = 0; i < nitems(cases); i++) {
		ASSERT_TRUE(bind(cases[i].line) == NULL);
		ASSERT_EQ(error.col, cases[i].col);
		ASSERT_EQ(error.len, cases[i].len);
		ASSERT_TRUE(error.text[0] != '\0');
	}
}

TEST(shell_args, synopsis)
{
	char buf[128];

	shell_synopsis(&c_alloc, buf, sizeof(buf));
	ASSERT_EQ(strcmp(buf, "alloc TASK SIZE [addr=0x10] [flags=...] [zero=yes]"), 0);
	shell_synopsis(&c_expect, buf, sizeof(buf));
	ASSERT_EQ(strcmp(buf, "expect CODE COMMAND..."), 0);
	shell_synopsis(&c_echo, buf, sizeof(buf));
	ASSERT_EQ(strcmp(buf, "echo [WORDS...]"), 0);
	shell_synopsis(&c_task_list, buf, 5);
	ASSERT_EQ(strcmp(buf, "task"), 0);
}
