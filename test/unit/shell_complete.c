/*
 * shell_complete: what can stand at the cursor.
 */
#include <string.h>
#include <base/test.h>
#include <shell_edit.h>

static struct shell_completion c;

static int
run_nothing(struct cmd_ctx *ctx)
{
	(void)ctx;
	return 0;
}

#define COMMAND_HERE(id, name_, ...) COMMAND_DEFINE(id, name_, run_nothing, "t", "b", "h", ##__VA_ARGS__)

COMMAND_HERE(c_expect, "expect", ARG(CODE, "code"), OPT(LINE, "command", ""));
COMMAND_HERE(c_help, "help", OPT(TOPIC, "command", ""));
COMMAND_HERE(c_run, "run", OPT(REST, "program", ""));
COMMAND_HERE(c_task_fork, "task fork", ARG(TASK, "parent"), ARG(WORD, "name"));
COMMAND_HERE(c_task_kill, "task kill", ARG(TASK, "task"));
COMMAND_HERE(c_test_run, "test run", OPT(WORD, "glob", ""));
static const struct cmd_word flag_words[] = { { "fixed", 0 }, { "anywhere", 1 }, { NULL, 0 } };
COMMAND_HERE(c_copyout, "copyout", ARG(MAP, "map"), ARG(COPY, "copy"), OPTW(FLAGS, "flags", "", flag_words));
COMMAND_HERE(c_vm_map, "vm_map", ARG(TASK, "task"), ARG(NUM, "addr"), OPT(PROT, "cur", "rw-"),
    OPT(INHERIT, "inherit", "copy"), OPT(TASK, "into", ""));

static const struct command *const table[] = {
	&c_copyout, &c_expect, &c_help, &c_run, &c_task_fork, &c_task_kill, &c_test_run, &c_vm_map,
};
static const struct shell_env env = { NULL, NULL, table, nitems(table), NULL };

static void
tasks(struct shell_completion *to)
{
	shell_candidate(to, "t1");
	shell_candidate(to, "t2");
}

static void
files(struct shell_completion *to)
{
	shell_candidate(to, "hello");
}

static void
variables(struct shell_completion *to)
{
	shell_candidate(to, "addr");
	shell_candidate(to, "size");
}

static void
objects(enum cmd_type type, struct shell_completion *to)
{
	shell_candidate(to, type == CMD_MAP ? "map1" : "copy1");
}

static void
tests(struct shell_completion *to)
{
	shell_candidate(to, "map.one");
}

static const struct shell_names names = { tasks, files, variables, tests, objects };

/* The candidates, a blank behind each. */
static const char *
offers(const char *line)
{
	memset(&c, 0, sizeof(c));
	shell_complete(&env, &names, line, strlen(line), &c);
	return c.list;
}

static bool
offers_are(const char *line, const char *list)
{
	return strcmp(offers(line), list) == 0;
}

TEST(shell_complete, commands)
{
	ASSERT_TRUE(offers_are("", "copyout expect help run task test vm_map "));
	ASSERT_TRUE(offers_are("t", "task test "));
	ASSERT_EQ(strcmp(c.common, "t"), 0);
	ASSERT_TRUE(offers_are("task ", "fork kill "));
	ASSERT_TRUE(offers_are("task k", "kill "));
	ASSERT_EQ(c.start, 5);
	ASSERT_TRUE(offers_are("x; ru", "run "));
	ASSERT_TRUE(offers_are("nope ", ""));
}

TEST(shell_complete, arguments)
{
	ASSERT_TRUE(offers_are("task kill ", "t1 t2 "));
	ASSERT_TRUE(offers_are("task kill t2", "t2 "));
	ASSERT_TRUE(offers_are("task kill t1 ", ""));
	ASSERT_TRUE(offers_are("run ", "hello "));
	ASSERT_TRUE(offers_are("test run ", "map.one glob= "));
	ASSERT_TRUE(offers_are("vm_map t1 0 ", "rwx rw- r-x r-- none cur= inherit= into= "));
	ASSERT_TRUE(offers_are("vm_map t1 0 i", "inherit= into= "));
	ASSERT_EQ(strcmp(c.common, "in"), 0);
	ASSERT_TRUE(offers_are("vm_map t1 0 inherit=copy i", "into= "));
	ASSERT_TRUE(offers_are("vm_map t1 0 inherit=", "share copy none zero "));
	ASSERT_EQ(c.start, 20);
	ASSERT_TRUE(offers_are("vm_map t1 0 into=t", "t1 t2 "));
	ASSERT_TRUE(offers_are("vm_map t1 0 cur=rw", "rwx rw- "));
	ASSERT_TRUE(offers_are("copyout ", "map1 flags= "));
	ASSERT_TRUE(offers_are("copyout map1 ", "copy1 flags= "));
	ASSERT_TRUE(offers_are("copyout map1 copy1 flags=f", "fixed "));
	ASSERT_EQ(c.start, 25);
	ASSERT_TRUE(offers_are("copyout map1 copy1 flags=fixed|a", "anywhere "));
	ASSERT_EQ(c.start, 31);
}

TEST(shell_complete, nested_and_topics)
{
	offers("expect KERN_NO");
	ASSERT_TRUE(strstr(c.list, "KERN_NO_SPACE ") != NULL);
	ASSERT_TRUE(strstr(c.list, "KERN_SUCCESS") == NULL);
	ASSERT_TRUE(offers_are("expect KERN_NO_SPACE ta", "task "));
	ASSERT_TRUE(offers_are("expect KERN_NO_SPACE task kill ", "t1 t2 "));
	ASSERT_TRUE(offers_are("expect KERN_FAILURE expect KERN_FAILURE ru", "run "));
	ASSERT_TRUE(offers_are("help ta", "task "));
	ASSERT_TRUE(offers_are("help task ", "fork kill "));
	ASSERT_TRUE(offers_are("echo $a", "addr "));
	ASSERT_EQ(c.start, 6);
}

TEST(shell_complete, long_lists_are_cut)
{
	unsigned i;

	memset(&c, 0, sizeof(c));
	c.prefix = "";
	for (i = 0; i < 1000; i++)
		shell_candidate(&c, "abcdefghi");
	ASSERT_EQ(c.n, 1000);
	ASSERT_LE(strlen(c.list), sizeof(c.list) - 1);
	ASSERT_EQ(strlen(c.list) % 10, 0);
}
