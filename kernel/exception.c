/*
 * exception.c: faults of U-mode: resolved, handed to a handler, or the end.
 *
 *	page fault ─> user_fault ─> vm_fault: resolved ─> back
 *	                              │ refused
 *	  user_exception <────────────┘
 *	    ├─ KERN_ABORTED: the thread was waiting for a pager when it was ended
 *	    ├─ agent thread: its request is over (agent.c)
 *	    ├─ handler: struct atlas_exception at the top of its stack,
 *	    │    pc = handler, sp = a0 = the structure ── exception_return ──> resumed
 *	    └─ none, its stack is bad, or it faults itself: the task ends with
 *	         TASK_EXCEPTION, code, address, pc, access
 *
 * A handler is running from the delivery until exception_return, or until the
 * thread faults with a stack pointer that is not on the handler's stack (the
 * program left the handler by longjmp).
 */
#include <kernel/task.h>
#include <kernel/thread.h>
#include <arch/trap.h>
#include <atlas/abi.h>
#include <machine/copy.h>
#include "syscall.h"

#define HANDLER_STACK_MAX   0x10000u    /* so far below exc_stack sp still is on its stack */

kern_return_t
user_fault(vm_offset_t va, vm_prot_t access)
{
	vm_map_t map = current_map_fast();

	if (map == NULL)
		return KERN_FAIL(KERN_INVALID_ADDRESS, "a kernel thread has nothing at 0x%lx", va);
	return vm_fault(map, va, access);
}

static bool
exception_in_handler(const struct thread *th, const struct trapframe *tf)
{
	return th->in_handler && th->exc_stack - tf->x[2] <= HANDLER_STACK_MAX;
}

/* The registers go out straight from the frame: the two arrays are the same. */
_Static_assert(offsetof(struct atlas_exception, x) + 32 * sizeof(uint64_t) ==
    sizeof(struct atlas_exception), "x is the last member");
_Static_assert(offsetof(struct atlas_exception, pc) + sizeof(uint64_t) ==
    offsetof(struct atlas_exception, x), "pc stands before x");

static kern_return_t
exception_deliver(struct thread *th, struct trapframe *tf, kern_return_t code, vm_prot_t access)
{
	const uint64_t head[] = { (uint64_t)code, tf->scause, tf->stval, access, tf->sepc };
	vm_offset_t frame = (th->exc_stack - sizeof(struct atlas_exception)) & ~15ul;
	kern_return_t kr;

	_Static_assert(sizeof(head) == offsetof(struct atlas_exception, x), "the members before x");
	tf->x[0] = 0;
	kr = copyout(tf->x, frame + sizeof(head), sizeof(tf->x));
	if (kr == KERN_SUCCESS)
		kr = copyout(head, frame, sizeof(head));
	if (kr != KERN_SUCCESS)
		return kr;
	th->in_handler = true;
	tf->sepc = th->exc_handler;
	tf->x[1] = 0;
	tf->x[2] = frame;
	tf->x[10] = frame;
	return KERN_SUCCESS;
}

void
user_exception(struct trapframe *tf, kern_return_t code, vm_prot_t access)
{
	struct thread *th = current_thread();
	struct task_how how;

	if (th->agent != NULL) {
		agent_fault(tf, code, tf->stval, access);
		return;
	}
	/* The fault was given up because the thread is to end: nobody is to hear of it. */
	if (code == KERN_ABORTED && th->terminating)
		thread_exit();
	if (th->exc_handler != 0 && !exception_in_handler(th, tf) &&
	    exception_deliver(th, tf, code, access) == KERN_SUCCESS)
		return;
	how.end = TASK_EXCEPTION;
	how.status = code;
	how.addr = tf->stval;
	how.pc = tf->sepc;
	how.access = access;
	task_exit(&how);
}

kern_return_t
sys_exception_handler(uint64_t pc, uint64_t sp)
{
	struct thread *th = current_thread();

	th->exc_handler = pc;
	th->exc_stack = sp;
	th->in_handler = false;
	return KERN_SUCCESS;
}

/*
 * The registers come straight into the frame once both ends of the structure,
 * and with them all its pages, were read: a call that fails changes nothing. Only if
 * another thread unmaps the structure meanwhile, it fails with those read so far.
 */
void
sys_exception_return_full(struct trapframe *tf)
{
	const uint64_t x = tf->x[10] + offsetof(struct atlas_exception, x);
	const size_t word = sizeof(uint64_t);
	uint64_t pc, last;
	kern_return_t kr;

	_Static_assert(sizeof(struct atlas_exception) <= PAGE_SIZE, "no page between the ends");
	kr = copyin(x + sizeof(tf->x) - word, &last, word);
	if (kr == KERN_SUCCESS)
		kr = copyin(x - word, &pc, word);
	if (kr == KERN_SUCCESS)
		kr = copyin(x, tf->x, sizeof(tf->x));
	if (kr != KERN_SUCCESS) {
		trap_frame_result(tf, (uint64_t)kr, 0);
		return;
	}
	current_thread()->in_handler = false;
	/* pc needs no check: sret goes to U-mode, which faults where it may not be. */
	tf->sepc = pc;
}
