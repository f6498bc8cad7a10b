/*
 * names.c: what can be completed: tasks, what is held, files, variables, tests.
 */
#include <stdio.h>
#include <base/test.h>
#include <kernel/initrd.h>
#include "shell.h"

SET_DECLARE(tests, const struct test_case);

static void
task_names(struct shell_completion *c)
{
	struct task *t;
	unsigned i;

	for (i = 0; (t = task_nth(i)) != NULL; i++) {
		shell_candidate(c, t->name);
		task_deallocate(t);
	}
}

static void
object_names(enum cmd_type type, struct shell_completion *c)
{
	if (type == CMD_MAP)
		task_names(c);
	held_names(type, c);
}

static void
file_names(struct shell_completion *c)
{
	struct initrd_file f;
	size_t cursor = 0;

	while (initrd_next(&cursor, &f))
		if ((f.mode & 0170000) == 0100000)
			shell_candidate(c, f.name);
}

static void
variable_names(struct shell_completion *c)
{
	char value[SHELL_VALUE_MAX];
	const char *name;
	unsigned i;

	for (i = 0; vars_nth(i, &name, value, sizeof(value)); i++)
		shell_candidate(c, name);
}

static void
test_names(struct shell_completion *c)
{
	const struct test_case *const *t;
	char name[96];

	SET_FOREACH(t, tests) {
		snprintf(name, sizeof(name), "%s.%s", (*t)->suite, (*t)->name);
		shell_candidate(c, name);
	}
}

const struct shell_names shell_names = { task_names, file_names, variable_names, test_names, object_names };
