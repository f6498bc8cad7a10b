/*
 * kernel/task.h: tasks: a map, threads, handles, a parent that learns the end.
 *
 * A task is referenced by its parent's or the shell's name, by handles, and by
 * its threads. Terminating it stops its threads, empties its map and keeps a
 * small corpse (exit status) until the parent or the shell has waited for it.
 *
 * Locks: task->lock (rank TASK) protects threads, handles, state.
 */
#ifndef KERNEL_TASK_H
#define KERNEL_TASK_H

#include <base/list.h>
#include <base/lock.h>
#include <mm/vm_map.h>

#define TASK_NAME_MAX       32
#define TASK_HANDLES_MAX    4096
#define TASK_THREADS_MAX    256

/* How a task ended, as its parent learns it. */
enum task_end {
	TASK_RUNNING = 0,
	TASK_EXITED,            /* status: its own exit status */
	TASK_KILLED,            /* terminated by another */
	TASK_EXCEPTION,         /* status: KERN_* code; addr, access: of the fault */
};

struct handle_table;

struct task {
	struct spinlock     lock;
	uint32_t            ref_count;
	uint64_t            id;
	char                name[TASK_NAME_MAX];
	vm_map_t            map;
	struct list         threads;
	unsigned            nthreads;
	struct task        *parent;             /* NULL: the shell's */
	struct list         children, sibling;
	struct list         link;               /* all tasks */
	struct handle_table *handles;
	enum task_end       end;
	int                 status;
	vm_offset_t         end_addr, end_pc;
	vm_prot_t           end_access;
	bool                terminating;
	struct thread      *agent;              /* shell's helper thread, or NULL */
};

void task_init(void);

/*
 * A new task. inherit NULL: an empty map; else vm_map_fork of that task's map.
 * One reference for the caller. KERN_RESOURCE_SHORTAGE: nothing made.
 * name: copied, cut; "" gives "task<id>".
 */
kern_return_t task_create(struct task *parent, struct task *inherit, const char *name, struct task **task);
void task_reference(struct task *t);
void task_deallocate(struct task *t);
/* Ends the task (idempotent); returns when its map is empty, unless it ends the caller's own task. */
kern_return_t task_terminate(struct task *t);
/* Sleeps until t has ended; interruptible. */
kern_return_t task_wait(struct task *t);
/* Referenced, or NULL. */
struct task *task_by_name(const char *name);
/* The i-th task in creation order, referenced; NULL past the last. */
struct task *task_nth(unsigned i);

/* The task of the running thread; kernel threads belong to kernel_task. */
struct task *current_task(void);
extern struct task *kernel_task;

/* --- programs --- */

/*
 * Loads an ELF64 program from the initrd into a new task and starts its main
 * thread with argv. KERN_NOT_FOUND: no such file; KERN_INVALID_ARGUMENT: not a
 * program we can run (the reason says why); KERN_RESOURCE_SHORTAGE.
 */
kern_return_t task_run(const char *path, int argc, char *const argv[], struct task **task);

/* --- the agent: U-mode accesses for the shell --- */

enum agent_op {
	AGENT_LOAD,             /* value = *(width)addr */
	AGENT_STORE,            /* *(width)addr = value */
	AGENT_TOUCH_READ,       /* one load per page of [addr, addr+size) */
	AGENT_TOUCH_WRITE,      /* loads and stores back one byte per page */
	AGENT_FILL,             /* byte value over [addr, addr+size) */
	AGENT_SUM,              /* value = sum of the bytes of [addr, addr+size), mod 2^64 */
	AGENT_EXEC,             /* calls addr as a function; value = its a0 */
};

struct agent_request {
	enum agent_op op;
	vm_offset_t   addr;
	vm_size_t     size;
	unsigned      width;            /* LOAD, STORE: 1, 2, 4, 8 */
	uint64_t      value;
	/* out, when the access faulted: */
	vm_offset_t   fault_addr;
	vm_prot_t     fault_access;
};
/*
 * Runs the request in U-mode in t by its agent thread (made on first use) and
 * waits. KERN_SUCCESS, the KERN_* code of an access that could not be resolved
 * (fault_addr says where), KERN_TERMINATED when the task ended.
 * AGENT accesses of a width must not cross into other bytes; misaligned is allowed.
 */
kern_return_t task_agent(struct task *t, struct agent_request *r);

#endif
