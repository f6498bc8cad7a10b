/*
 * syscall_task.c: system calls that make, end and name tasks.
 *
 * A call that gives a handle first writes to its output, then acts: a bad
 * pointer is found before anything is made, and task_fork's child finds 0
 * there. What is made and cannot be handed over is taken back (task_discard).
 */
#include <kernel/task.h>
#include <kernel/thread.h>
#include <arch/trap.h>
#include <atlas/abi.h>
#include <machine/copy.h>
#include "syscall.h"

/* A child that its parent never learned of: ends, and leaves no corpse. Drops the caller's reference. */
static void
task_discard(struct task *parent, struct task *t)
{
	struct task *ended;

	task_terminate(t);
	if (task_wait_child(parent, t, false, &ended) == KERN_SUCCESS)
		task_deallocate(ended);
	task_deallocate(t);
}

/* A child of parent, and a handle for it in the calling task. *task: one more reference. */
static kern_return_t
task_make_child(struct task *parent, bool inherit, uint32_t *handle, struct task **task)
{
	kern_return_t kr = task_create(parent, inherit ? parent : NULL, "", task);

	if (kr != KERN_SUCCESS)
		return kr;
	task_reference(*task);
	kr = handle_insert(current_task(), HANDLE_TASK, *task, handle);
	if (kr != KERN_SUCCESS) {
		task_deallocate(*task);
		task_discard(parent, *task);
	}
	return kr;
}

kern_return_t
sys_task_create(uint64_t parent, uint64_t inherit, uint64_t child_out)
{
	struct task *p = handle_task(current_task(), (uint32_t)parent), *t;
	uint32_t handle = 0;
	kern_return_t kr;

	if (p == NULL)
		return KERN_INVALID_ARGUMENT;
	kr = output_probe(child_out, sizeof(handle));
	if (kr == KERN_SUCCESS)
		kr = task_make_child(p, (uint32_t)inherit != 0, &handle, &t);
	if (kr == KERN_SUCCESS) {
		kr = copyout(&handle, child_out, sizeof(handle));
		if (kr != KERN_SUCCESS) {
			handle_remove(current_task(), handle);
			task_discard(p, t);
		} else
			task_deallocate(t);
	}
	task_deallocate(p);
	return kr;
}

/* The child's thread, not started. The frame's results are the child's for a moment. */
static kern_return_t
task_fork_thread(struct task *t, struct trapframe *tf, uint64_t child_out, uint32_t handle,
    struct thread **th)
{
	kern_return_t kr;

	trap_frame_result(tf, KERN_SUCCESS, 1);
	kr = thread_create_copy(t, tf, th);
	if (kr != KERN_SUCCESS)
		return kr;
	kr = copyout(&handle, child_out, sizeof(handle));
	if (kr != KERN_SUCCESS) {
		thread_interrupt(*th);          /* it must run to leave */
		thread_start(*th);
	}
	return kr;
}

void
sys_task_fork_full(struct trapframe *tf)
{
	uint64_t child_out = tf->x[10];
	struct task *self = current_task(), *t;
	struct thread *th;
	uint32_t handle = 0;
	kern_return_t kr = copyout(&handle, child_out, sizeof(handle));

	if (kr == KERN_SUCCESS)
		kr = task_make_child(self, true, &handle, &t);
	if (kr == KERN_SUCCESS) {
		kr = task_fork_thread(t, tf, child_out, handle, &th);
		if (kr == KERN_SUCCESS) {
			thread_start(th);
			task_deallocate(t);
		} else {
			handle_remove(self, handle);
			task_discard(self, t);
		}
	}
	trap_frame_result(tf, (uint64_t)kr, 0);
}

kern_return_t
sys_task_terminate(uint64_t task)
{
	struct task *t = handle_task(current_task(), (uint32_t)task);
	kern_return_t kr;

	if (t == NULL)
		return KERN_INVALID_ARGUMENT;
	if (t == current_task())
		task_deallocate(t);             /* does not return: its threads keep it */
	kr = task_terminate(t);
	task_deallocate(t);
	return kr;
}

kern_return_t
sys_task_wait(uint64_t task, uint64_t status_out, uint64_t flags)
{
	struct task *self = current_task(), *child = NULL, *ended;
	struct atlas_task_status s = { 0 };
	kern_return_t kr;

	if ((uint32_t)task != 0 && (child = handle_task(self, (uint32_t)task)) == NULL)
		return KERN_INVALID_ARGUMENT;
	kr = copyout(&s, status_out, sizeof(s));
	if (kr == KERN_SUCCESS)
		kr = task_wait_child(self, child, (flags & 1) == 0, &ended);
	if (child != NULL)
		task_deallocate(child);
	if (kr != KERN_SUCCESS)
		return kr;
	s.id = ended->id;
	s.how = ended->end;
	s.status = ended->status;
	s.addr = ended->end_addr;
	s.pc = ended->end_pc;
	s.access = ended->end_access;
	task_deallocate(ended);
	return copyout(&s, status_out, sizeof(s));
}

kern_return_t
sys_handle_deallocate(uint64_t handle)
{
	return handle_remove(current_task(), (uint32_t)handle);
}

uint64_t
sys_task_id(uint64_t task)
{
	struct task *t = handle_task(current_task(), (uint32_t)task);
	uint64_t id;

	if (t == NULL)
		return 0;
	id = t->id;
	task_deallocate(t);
	return id;
}

kern_return_t
sys_task_resume(uint64_t task, uint64_t pc, uint64_t sp, uint64_t a0)
{
	struct task *t = handle_task(current_task(), (uint32_t)task);
	struct thread *th;
	kern_return_t kr;

	if (t == NULL)
		return KERN_INVALID_ARGUMENT;
	kr = thread_create_user(t, pc, sp, a0, &th);
	if (kr == KERN_SUCCESS)
		thread_start(th);
	task_deallocate(t);
	return kr;
}

uint64_t
sys_task_parent_id(void)
{
	return task_parent_id(current_task());
}
