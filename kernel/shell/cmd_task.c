/*
 * cmd_task.c: task create, fork, kill, wait, list, info; run, ls.
 */
#include <string.h>
#include <stdio.h>
#include <base/print.h>
#include <kernel/initrd.h>
#include <kernel/thread.h>
#include <mm/pmap.h>
#include "held.h"

/* A name that no task has and that scripts can use. */
static kern_return_t
check_name(const char *name)
{
	struct task *other;

	if (strlen(name) >= TASK_NAME_MAX)
		return KERN_FAIL(KERN_INVALID_ARGUMENT, "a task's name has at most %d characters", TASK_NAME_MAX - 1);
	if (held_find(CMD_HELD, name) != NULL)
		return KERN_FAIL(KERN_NAME_EXISTS, "the name is that of something held: drop it first");
	other = name[0] != '\0' ? task_by_name(name) : NULL;
	if (other == NULL)
		return KERN_SUCCESS;
	task_deallocate(other);
	return KERN_FAIL(KERN_NAME_EXISTS, "there is a task %s", name);
}

static int
create(struct cmd_ctx *c, struct task *inherit, const char *name)
{
	struct task *t;
	uint64_t id;
	kern_return_t kr = check_name(name);

	if (inherit == kernel_task)
		kr = KERN_FAIL(KERN_INVALID_ARGUMENT, "the kernel's task cannot be inherited from");
	if (kr == KERN_SUCCESS)
		kr = task_create(NULL, inherit, name, &t);
	if (kr != KERN_SUCCESS)
		return cmd_result(c, kr, NULL);
	id = t->id;
	return cmd_result(c, shell_hold(t), "id=%lu", id);
}

static int
do_task_create(struct cmd_ctx *c)
{
	return create(c, NULL, c->arg[0].word);
}

COMMAND_NAMED(task_create, "task create", do_task_create, "task", "a task with an empty map",
    "  task create t1\n"
    "KERN_NAME_EXISTS, KERN_RESOURCE_SHORTAGE",
    ARG(WORD, "name"));

static int
do_task_fork(struct cmd_ctx *c)
{
	return create(c, c->arg[0].task, c->arg[1].word);
}

COMMAND_NAMED(task_fork, "task fork", do_task_fork, "task", "a task that inherits another's memory",
    "Entry by entry, as its inheritance says (vm_inherit): shared, copied, or absent. Threads\n"
    "are not copied.\n"
    "  task fork t1 t2\n"
    "KERN_NAME_EXISTS, KERN_RESOURCE_SHORTAGE",
    ARG(TASK, "parent"), ARG(WORD, "name"));

static int
do_task_kill(struct cmd_ctx *c)
{
	struct task *t = c->arg[0].task;
	kern_return_t kr;

	if (t == kernel_task)
		return cmd_result(c, KERN_FAIL(KERN_INVALID_ARGUMENT, "the kernel's task cannot be ended"), NULL);
	kr = task_terminate(t);
	if (kr == KERN_SUCCESS)
		shell_release(t);
	return cmd_result(c, kr, NULL);
}

COMMAND_NAMED(task_kill, "task kill", do_task_kill, "task", "end a task",
    "Its threads stop, its memory is given back, and its name is free again.",
    ARG(TASK, "task"));

static int
do_task_wait(struct cmd_ctx *c)
{
	struct task *t = c->arg[0].task;
	int status;

	if (t == kernel_task)
		return cmd_result(c, KERN_FAIL(KERN_INVALID_ARGUMENT, "the kernel's task does not end"), NULL);
	while (!__atomic_load_n(&t->ended, __ATOMIC_ACQUIRE)) {
		if (cmd_interrupted())
			return cmd_result(c, KERN_FAIL(KERN_ABORTED, "interrupted"), NULL);
		thread_sleep_us(2000);
	}
	status = shell_report_end(c, t);
	shell_release(t);
	return status;
}

COMMAND_NAMED(task_wait, "task wait", do_task_wait, "task", "wait until a task has ended, and say how",
    "Ctrl-C ends the waiting, not the task. A task without threads does not end by itself.",
    ARG(TASK, "task"));

static const char *
state_text(const struct task *t)
{
	if (t->ended)
		return t->end == TASK_EXITED ? "exited" : t->end == TASK_EXCEPTION ? "exception" : "killed";
	return t->terminating ? "ending" : t->nthreads > 0 ? "running" : "empty";
}

static void
task_row(struct listing *l, struct task *t)
{
	struct pmap_stats stats;
	vm_map_t map = t->map;

	memset(&stats, 0, sizeof(stats));
	if (map != NULL && map->pmap != NULL)
		pmap_stats(map->pmap, &stats);
	list_num(l, t->id);
	list_num(l, task_parent_id(t));
	list_text(l, t->name);
	list_text(l, state_text(t));
	list_num(l, t->nthreads);
	list_num(l, handle_count(t));
	list_num(l, map != NULL ? map->hdr.nentries : 0);
	list_num(l, map != NULL ? map->size : 0);
	list_num(l, stats.resident);
	list_num(l, stats.megapages);
	list_num(l, stats.tables);
	list_num(l, map != NULL ? map->id : 0);
}

static int
list_tasks(struct cmd_ctx *c, struct task *one)
{
	static const struct column columns[] = {
		{ "id", "ID", COL_COUNT, 6 }, { "parent", "PARENT", COL_COUNT, 6 }, { "name", "NAME", COL_TEXT, -16 },
		{ "state", "STATE", COL_TEXT, -9 }, { "threads", "THREADS", COL_COUNT, 7 },
		{ "handles", "HANDLES", COL_COUNT, 7 }, { "entries", "ENTRIES", COL_COUNT, 7 },
		{ "size", "SIZE", COL_BYTES, 8 }, { "resident", "RES", COL_COUNT, 8 },
		{ "megapages", "MEGA", COL_COUNT, 5 }, { "tables", "TABLES", COL_COUNT, 6 }, { "map", "MAP", COL_COUNT, 4 },
	};
	struct listing l;
	struct task *t;
	unsigned i;

	list_begin(&l, c, columns, nitems(columns));
	if (one != NULL)
		task_row(&l, one);
	for (i = 0; one == NULL && (t = task_nth(i)) != NULL; i++) {
		task_row(&l, t);
		task_deallocate(t);
	}
	return 0;
}

static int
do_list(struct cmd_ctx *c)
{
	return list_tasks(c, NULL);
}

#define TASK_LIST_HELP \
	"Columns: threads, handles, entries of the map, bytes mapped (SIZE), pages resident in the\n" \
	"page tables (RES), megapage leaves, page-table pages, number of the map."

COMMAND_NAMED(task_list, "task list", do_list, "task", "all tasks", TASK_LIST_HELP);

COMMAND_NAMED(show_tasks, "show tasks", do_list, "show", "all tasks", TASK_LIST_HELP);

static int
do_task_info(struct cmd_ctx *c)
{
	static const struct column columns[] = {
		{ "thread", "THREAD", COL_COUNT, 6 }, { "name", "NAME", COL_TEXT, -16 },
		{ "state", "STATE", COL_TEXT, -8 }, { "hart", "HART", COL_COUNT, 4 }, { "ticks", "TICKS", COL_COUNT, 8 },
		{ "fp", "FP", COL_TEXT, -3 },
	};
	static const char *const states[] = { "ready", "running", "sleeping", "dead" };
	struct task *t = c->arg[0].task;
	struct listing threads;
	struct thread *th;
	struct list *l;

	list_tasks(c, t);
	list_begin(&threads, c, columns, nitems(columns));
	spin_lock(&t->lock);
	list_foreach(l, &t->threads) {
		th = list_entry(l, struct thread, task_link);
		list_num(&threads, th->id);
		list_text(&threads, th->name);
		list_text(&threads, states[th->state & 3]);
		list_num(&threads, th->hart);
		list_num(&threads, th->ticks);
		list_text(&threads, th->fp_used ? "yes" : "no");
	}
	spin_unlock(&t->lock);
	return 0;
}

COMMAND_NAMED(task_info, "task info", do_task_info, "task", "a task and its threads",
    TASK_LIST_HELP, ARG(TASK, "task"));

/* --- programs --- */

static int
do_run(struct cmd_ctx *c)
{
	bool background = c->argc > 1 && strcmp(c->argv[c->argc - 1], "&") == 0;
	int argc = c->argc - background, status;
	struct task *t;
	kern_return_t kr;

	if (argc == 0)
		return cmd_usage(c, CMD_ARGS_MAX, "the program is missing (see `ls`)");
	kr = task_run(c->argv[0], argc, c->argv, &t);
	if (kr != KERN_SUCCESS)
		return cmd_result(c, kr, NULL);
	if (background) {
		uint64_t id = t->id;

		return cmd_result(c, shell_hold(t), "id=%lu", id);
	}
	interrupt_target(t);
	kr = task_wait(t);
	interrupt_target(NULL);
	status = kr == KERN_SUCCESS ? shell_report_end(c, t) : cmd_result(c, kr, NULL);
	task_deallocate(t);
	return status;
}

COMMAND(run, do_run, "task", "run a program of the initial ramdisk",
    "Waits for its end and gives its exit status ($exit); a fault that ended it is the result,\n"
    "with address and pc. Ctrl-C ends it. A last word & leaves it running.\n"
    "  run hello one 'two three'\n"
    "KERN_FAILURE: exit status not 0; KERN_NOT_FOUND; KERN_INVALID_ARGUMENT: not a program",
    OPT(REST, "program", ""));

static int
do_ls(struct cmd_ctx *c)
{
	static const struct column columns[] = {
		{ "size", "SIZE", COL_COUNT, 10 }, { "mode", "MODE", COL_TEXT, -6 }, { "name", "NAME", COL_TEXT, -1 },
	};
	struct initrd_file f;
	struct listing l;
	size_t cursor = 0;
	char mode[12];

	list_begin(&l, c, columns, nitems(columns));
	while (initrd_next(&cursor, &f)) {
		if (!shell_glob(c->arg[0].word, f.name))
			continue;
		snprintf(mode, sizeof(mode), "%06o", (unsigned)f.mode);
		list_num(&l, f.size);
		list_text(&l, mode);
		list_text(&l, f.name);
	}
	return 0;
}

COMMAND(ls, do_ls, "task", "files of the initial ramdisk",
    "  ls 'h*'",
    OPT(WORD, "pattern", "*"));
