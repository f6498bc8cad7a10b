/*
 * agent.c: accesses of the shell that are accesses of the task.
 *
 *	task_agent (shell's thread)          the agent's thread
 *	  state IDLE -> PENDING ──wake──>   agent_next: frame filled, -> U-mode
 *	  sleeps                              code page: load, store, fill, ...
 *	                                      ecall or unresolved fault:
 *	  DONE <────────wake──────────────  agent_complete, then agent_next: sleeps
 *
 * What the agent does are real loads, stores and fetches of U-mode, so every
 * page fault takes the way of a program's. It is made with the first request;
 * its code is one page that all tasks share, mapped read-execute at AGENT_CODE
 * below the top of user space and not inherited. A task may unmap or replace
 * it: the worst that happens is that its own requests fail.
 *
 * Locks: agent->lock (rank TASK) protects state and request. The request lies
 * on the stack of its caller, who does not return before it is DONE or DEAD.
 */
#include <kernel/task.h>
#include <kernel/thread.h>
#include <arch/trap.h>
#include <atlas/abi.h>
#include <base/wait.h>
#include <machine/vmparam.h>
#include <mm/vm_object.h>
#include <mm/vm_page.h>
#include <mm/zone.h>
#include <string.h>
#include "syscall.h"

#define AGENT_CODE      (vm_max_address - MEGAPAGE_SIZE)

_Static_assert((int)ATLAS_SYSCALL_MAX == TRAP_SYSCALLS, "the table's size");

enum agent_state { AGENT_IDLE, AGENT_PENDING, AGENT_RUNNING, AGENT_DONE, AGENT_DEAD };

struct agent {
	struct spinlock       lock;
	enum agent_state      state;
	struct agent_request *request;
	kern_return_t         result;
};

static struct zone agent_zone;
static vm_object_t agent_object;        /* the code page; one reference is ours for ever */

extern char agent_code_start[], agent_code_end[];
extern char agent_load1[], agent_load2[], agent_load4[], agent_load8[];
extern char agent_store1[], agent_store2[], agent_store4[], agent_store8[];
extern char agent_touch_read[], agent_touch_write[], agent_fill[], agent_sum[], agent_exec[];

void
agent_init(void)
{
	struct vm_page *m = NULL;

	zone_init(&agent_zone, "agent", sizeof(struct agent));
	agent_object = vm_object_allocate(PAGE_SIZE, 0);
	if (agent_object != VM_OBJECT_NULL) {
		agent_object->holders = 1;              /* ours, for vm_check */
		agent_object->one_mapping = false;      /* every task maps it, */
		agent_object->copy_strategy = MEMORY_OBJECT_COPY_DELAY; /* on purpose (M15) */
		spin_lock(&agent_object->lock);
		m = vm_object_page_alloc(agent_object, 0, true);
		spin_unlock(&agent_object->lock);
	}
	if (m == NULL)
		panic("no memory for the agents' code page");
	memcpy(vm_page_va(m), agent_code_start, (size_t)(agent_code_end - agent_code_start));
}

/* --- the agent's side --- */

static const char *
agent_entry(const struct agent_request *r)
{
	unsigned w = (unsigned)__builtin_ctz(r->width | 16);
	const char *const load[] = { agent_load1, agent_load2, agent_load4, agent_load8 };
	const char *const store[] = { agent_store1, agent_store2, agent_store4, agent_store8 };

	switch (r->op) {
	case AGENT_LOAD:
		return load[w];
	case AGENT_STORE:
		return store[w];
	case AGENT_TOUCH_READ:
		return agent_touch_read;
	case AGENT_TOUCH_WRITE:
		return agent_touch_write;
	case AGENT_FILL:
		return agent_fill;
	case AGENT_SUM:
		return agent_sum;
	default:
		return agent_exec;
	}
}

/* Sleeps until there is a request, and makes tf its beginning. */
static void
agent_next(struct agent *a, struct trapframe *tf)
{
	struct agent_request *r;

	spin_lock(&a->lock);
	while (a->state != AGENT_PENDING) {
		if (!wait_on(a, &a->lock, true))
			thread_exit();
		spin_lock(&a->lock);
	}
	a->state = AGENT_RUNNING;
	r = a->request;
	memset(tf, 0, sizeof(*tf));
	tf->sepc = AGENT_CODE + (uint64_t)(agent_entry(r) - agent_code_start);
	tf->x[10] = r->addr;
	tf->x[11] = r->op == AGENT_STORE ? r->value : r->size;
	tf->x[12] = (r->value & 0xff) * 0x0101010101010101ul;
	spin_unlock(&a->lock);
}

static void
agent_complete(struct agent *a, kern_return_t result, enum agent_state state)
{
	spin_lock(&a->lock);
	a->result = result;
	a->state = state;
	spin_unlock(&a->lock);
	wake_all(a);
}

static void
agent_start(void *arg)
{
	struct trapframe *tf = arg;

	agent_next(current_thread()->agent, tf);
	trap_return_user(tf);
}

void
sys_agent_done_full(struct trapframe *tf)
{
	struct agent *a = current_thread()->agent;

	if (a == NULL) {
		trap_frame_result(tf, KERN_NOT_SUPPORTED, 0);
		return;
	}
	a->request->value = tf->x[10];
	agent_complete(a, KERN_SUCCESS, AGENT_DONE);
	agent_next(a, tf);
}

void
agent_fault(struct trapframe *tf, kern_return_t code, vm_offset_t addr, vm_prot_t access)
{
	struct agent *a = current_thread()->agent;

	a->request->fault_addr = addr;
	a->request->fault_access = access;
	agent_complete(a, code, AGENT_DONE);
	agent_next(a, tf);
}

void
agent_exit(struct agent *a)
{
	agent_complete(a, KERN_TERMINATED, AGENT_DEAD);
}

void
agent_free(struct agent *a)
{
	zfree(&agent_zone, a);
}

/* --- the caller's side --- */

/* Maps the code page unless it (or what the task put there) is there already. */
static kern_return_t
agent_map_code(struct task *t)
{
	vm_offset_t addr = AGENT_CODE;
	struct vm_map_enter_args args = {
		.size = PAGE_SIZE, .flags = VM_FLAGS_FIXED, .object = agent_object,
		.cur = VM_PROT_READ | VM_PROT_EXECUTE, .max = VM_PROT_READ | VM_PROT_EXECUTE,
		.inheritance = VM_INHERIT_NONE,
	};
	kern_return_t kr;

	if (vm_map_check_protection(t->map, addr, addr + PAGE_SIZE, VM_PROT_READ | VM_PROT_EXECUTE))
		return KERN_SUCCESS;
	vm_object_reference(agent_object);
	kr = vm_map_enter(t->map, &addr, &args);
	if (kr != KERN_SUCCESS)
		vm_object_deallocate(agent_object);
	return kr;
}

/* t's agent without a thread, as it begins. NULL: shortage. */
static struct agent *
agent_struct(struct task *t)
{
	struct agent *a = zalloc(&agent_zone), *other;

	if (a == NULL)
		return NULL;
	spin_init(&a->lock, LOCK_TASK);
	a->state = AGENT_DEAD;
	a->request = NULL;
	spin_lock(&t->lock);
	other = t->agent;
	if (other == NULL)
		t->agent = a;
	spin_unlock(&t->lock);
	if (other != NULL) {
		zfree(&agent_zone, a);
		return other;
	}
	return a;
}

/* t's agent with a thread: a new one where there was none, or where code run by AGENT_EXEC ended it. */
static kern_return_t
agent_make(struct task *t)
{
	struct agent *a = t->agent != NULL ? t->agent : agent_struct(t);
	struct thread *th;
	kern_return_t kr;
	bool dead;

	if (a == NULL)
		return KERN_FAIL(KERN_RESOURCE_SHORTAGE, "no memory for an agent");
	spin_lock(&a->lock);
	dead = a->state == AGENT_DEAD;
	if (dead)
		a->state = AGENT_IDLE;
	spin_unlock(&a->lock);
	if (!dead)
		return KERN_SUCCESS;
	kr = thread_create_agent(t, a, agent_start, &th);
	if (kr != KERN_SUCCESS)
		agent_complete(a, kr, AGENT_DEAD);
	else
		thread_start(th);
	return kr;
}

/* Ends with a->lock held and state IDLE. */
static kern_return_t
agent_acquire(struct task *t, struct agent *a)
{
	spin_lock(&a->lock);
	while (a->state != AGENT_IDLE) {
		if (a->state == AGENT_DEAD) {
			spin_unlock(&a->lock);
			return KERN_FAIL(KERN_TERMINATED, "the agent of task %lu has ended", t->id);
		}
		if (!wait_on(a, &a->lock, true))
			return KERN_FAIL(KERN_ABORTED, "the thread that waits is ending itself");
		spin_lock(&a->lock);
	}
	return KERN_SUCCESS;
}

static kern_return_t
agent_run(struct task *t, struct agent *a, struct agent_request *r)
{
	kern_return_t kr = agent_acquire(t, a);

	if (kr != KERN_SUCCESS)
		return kr;
	a->request = r;
	a->state = AGENT_PENDING;
	spin_unlock(&a->lock);
	wake_all(a);
	spin_lock(&a->lock);
	while (a->state != AGENT_DONE && a->state != AGENT_DEAD) {
		wait_on(a, &a->lock, false);
		spin_lock(&a->lock);
	}
	kr = a->result;
	if (a->state == AGENT_DONE)
		a->state = AGENT_IDLE;
	spin_unlock(&a->lock);
	wake_all(a);
	return kr;
}

static kern_return_t
agent_check(const struct agent_request *r)
{
	bool sized = r->op != AGENT_LOAD && r->op != AGENT_STORE && r->op != AGENT_EXEC;

	if (r->op > AGENT_EXEC)
		return KERN_FAIL(KERN_INVALID_ARGUMENT, "there is no access number %d", (int)r->op);
	if ((r->op == AGENT_LOAD || r->op == AGENT_STORE) &&
	    r->width != 1 && r->width != 2 && r->width != 4 && r->width != 8)
		return KERN_FAIL(KERN_INVALID_ARGUMENT, "width %u is not 1, 2, 4 or 8", r->width);
	if (sized && r->addr + r->size < r->addr)
		return KERN_FAIL(KERN_INVALID_ADDRESS, "0x%lx bytes at 0x%lx wrap around",
		    r->size, r->addr);
	return KERN_SUCCESS;
}

kern_return_t
task_agent(struct task *t, struct agent_request *r)
{
	kern_return_t kr = agent_check(r);

	if (kr != KERN_SUCCESS)
		return kr;
	r->fault_addr = 0;
	r->fault_access = VM_PROT_NONE;
	if (r->size == 0 && r->op >= AGENT_TOUCH_READ && r->op <= AGENT_SUM) {
		r->value = 0;
		return KERN_SUCCESS;
	}
	if (t == kernel_task)
		return KERN_FAIL(KERN_INVALID_TASK, "the kernel's task has no user memory");
	kr = agent_map_code(t);
	if (kr == KERN_SUCCESS)
		kr = agent_make(t);
	if (kr != KERN_SUCCESS)
		return kr;
	kr = agent_run(t, t->agent, r);
	if (kr != KERN_SUCCESS && r->fault_access != VM_PROT_NONE)
		return KERN_FAIL(kr, "access to 0x%lx could not be resolved", r->fault_addr);
	return kr;
}
