/*
 * tasks.c: the tasks that the shell keeps alive, and words for how one ended.
 *
 * A task without threads lives by references only: the one that made it. The
 * shell keeps those in a list. A task that ends on its own (a program in the
 * background, a system call made through `exec`) leaves the kernel's list of
 * tasks by itself; the shell finds it ended after the next command, says so,
 * and lets go. Everything here belongs to the shell's thread.
 */
#include <string.h>
#include <base/list.h>
#include <base/print.h>
#include <mm/vm_kern.h>
#include <mm/zone.h>
#include "shell.h"

struct held_task {
	struct list  link;
	struct task *task;
};

static struct zone held_zone;
static struct list held_tasks = { &held_tasks, &held_tasks };

kern_return_t
shell_hold(struct task *t)
{
	struct held_task *h;

	if (held_zone.name == NULL)
		zone_init(&held_zone, "shell.tasks", sizeof(struct held_task));
	h = zalloc(&held_zone);
	if (h == NULL) {
		task_terminate(t);
		task_deallocate(t);
		return KERN_FAIL(KERN_RESOURCE_SHORTAGE, "no memory to remember the task");
	}
	h->task = t;
	list_push_back(&held_tasks, &h->link);
	return KERN_SUCCESS;
}

static void
release(struct held_task *h)
{
	struct task *t = h->task;

	list_remove(&h->link);
	zfree(&held_zone, h);
	task_deallocate(t);
}

void
shell_release(struct task *t)
{
	struct list *l;
	struct held_task *h;

	list_foreach(l, &held_tasks) {
		h = list_entry(l, struct held_task, link);
		if (h->task == t) {
			release(h);
			return;
		}
	}
}

struct task *
shell_task(const char *name)
{
	struct task *t = task_by_name(name);
	struct shell_error e;
	uint64_t id;
	unsigned i;

	if (t != NULL)
		return t;
	if (strcmp(name, "kernel") == 0) {
		task_reference(kernel_task);
		return kernel_task;
	}
	if (name[0] < '0' || name[0] > '9' || !shell_expr(name, &id, &e))
		return NULL;
	for (i = 0; (t = task_nth(i)) != NULL; i++) {
		if (t->id == id)
			return t;
		task_deallocate(t);
	}
	return NULL;
}

vm_map_t
cmd_map_to_show(const struct cmd_value *v)
{
	return v->map != NULL ? v->map : kernel_map;
}

const char *
access_text(vm_prot_t access)
{
	return access & VM_PROT_EXECUTE ? "fetch from" : access & VM_PROT_WRITE ? "write to" :
	    access & VM_PROT_READ ? "read from" : "instruction at";
}

void
shell_reap(void)
{
	struct list *l, *n;
	struct held_task *h;
	struct task *t;

	list_foreach_safe(l, n, &held_tasks) {
		h = list_entry(l, struct held_task, link);
		t = h->task;
		if (!__atomic_load_n(&t->ended, __ATOMIC_ACQUIRE))
			continue;
		if (t->end == TASK_EXITED)
			kprintf("[%s exited with status %d]\n", t->name, t->status);
		else if (t->end == TASK_EXCEPTION)
			kprintf("[%s ended by %s: %s 0x%lx at pc 0x%lx]\n", t->name, kern_return_name(t->status),
			    access_text(t->end_access), t->end_addr, t->end_pc);
		else
			kprintf("[%s was killed]\n", t->name);
		release(h);
	}
}

int
shell_report_end(struct cmd_ctx *c, struct task *t)
{
	switch (t->end) {
	case TASK_EXITED:
		cmd_set_num("exit", (uint64_t)(int64_t)t->status);
		if (t->status == 0)
			return cmd_result(c, KERN_SUCCESS, "exit=0");
		return cmd_result(c, KERN_FAIL(KERN_FAILURE, "%s exited with status %d", t->name, t->status), NULL);
	case TASK_EXCEPTION:
		return cmd_result(c, KERN_FAIL(t->status, "%s 0x%lx at pc 0x%lx ended %s",
		    access_text(t->end_access), t->end_addr, t->end_pc, t->name), NULL);
	default:
		return cmd_result(c, KERN_FAIL(KERN_TERMINATED, "%s was killed", t->name), NULL);
	}
}
