/*
 * kernel/task.h: tasks: a map, threads, handles, a parent that learns the end.
 *
 * A task is referenced by its parent's or the shell's name, by handles, and by
 * its threads. Terminating it stops its threads, empties its map and keeps a
 * small corpse (exit status) until the parent has waited for it; a task without
 * parent leaves the lists at its end, and goes with the last reference.
 *
 * Locks: task_tree_lock (rank TASK, outermost) protects parent, children,
 * link, ended; task->lock (rank TASK) protects threads, handles, terminating
 * and how it ends. `map` is constant: it is emptied at the end, and released
 * with the last reference to the task.
 */
#ifndef KERNEL_TASK_H
#define KERNEL_TASK_H

#include <base/list.h>
#include <base/lock.h>
#include <mm/vm_map.h>

#define TASK_NAME_MAX       32
#define TASK_HANDLES_MAX    4095
#define TASK_THREADS_MAX    256

/* How a task ended, as its parent learns it. */
enum task_end {
	TASK_RUNNING = 0,
	TASK_EXITED,            /* status: its own exit status */
	TASK_KILLED,            /* terminated by another */
	TASK_EXCEPTION,         /* status: KERN_* code; addr, access: of the fault */
};

struct handle_table;
struct agent;
struct thread;

struct task {
	struct spinlock     lock;
	uint32_t            ref_count;
	uint64_t            id;
	char                name[TASK_NAME_MAX];
	vm_map_t            map;
	struct list         threads;            /* all that have not exited */
	struct list         dead;               /* exited, stack perhaps still in use */
	unsigned            nthreads;           /* in `threads` */
	unsigned            nuser;              /* of these, not the agent */
	struct task        *parent;             /* NULL: the shell's */
	struct list         children, sibling;
	struct list         link;               /* all tasks */
	struct handle_table *handles;
	enum task_end       end;
	int                 status;
	vm_offset_t         end_addr, end_pc;
	vm_prot_t           end_access;
	bool                terminating;
	bool                ended;              /* no threads, map empty */
	struct agent       *agent;              /* shell's helper thread, or NULL */
};

/* What to record when a task ends. */
struct task_how {
	enum task_end end;
	int           status;
	vm_offset_t   addr, pc;
	vm_prot_t     access;
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
/* The calling thread's task ends like this. */
void task_exit(const struct task_how *how) noreturn_fn;
/* Sleeps until t has ended; interruptible: KERN_ABORTED. */
kern_return_t task_wait(struct task *t);
/*
 * The end of a child, collected: child NULL: any. *ended: one reference.
 * KERN_FAILURE: no such child. KERN_NOT_WAITING: none has ended, and sleep is
 * FALSE. KERN_ABORTED: interrupted.
 */
kern_return_t task_wait_child(struct task *parent, struct task *child, bool sleep, struct task **ended);
/* Referenced, or NULL. */
struct task *task_by_name(const char *name);
/* The i-th task in creation order, referenced; NULL past the last. */
struct task *task_nth(unsigned i);
unsigned task_count(void);
/* Sleeps until tasks that ended on their own, before this call, are freed (if nobody else refers to them). */
void task_settle(void);
/* TRUE: there are such tasks. */
bool task_settling(void);
/* id of the parent, 0: none. */
uint64_t task_parent_id(struct task *t);

/* The task of the running thread; kernel threads belong to kernel_task. */
struct task *current_task(void);
extern struct task *kernel_task;

/* --- for thread.c --- */

/* Threads can be made now. */
void task_start_reaper(void);

/* th, made for t, is counted in. KERN_TERMINATED, KERN_RESOURCE_SHORTAGE (too many). */
kern_return_t task_add_thread(struct task *t, struct thread *th, bool agent);
/* The running thread leaves its task, and ends it when it was the last. */
void task_remove_thread(struct thread *th);

/* --- handles: names that a task has for kernel objects --- */

enum handle_type { HANDLE_NONE = 0, HANDLE_TASK, HANDLE_NAMED_ENTRY, HANDLE_MEMORY_OBJECT, HANDLE_TYPES };

/* Consumes one reference to object on success. KERN_RESOURCE_SHORTAGE, KERN_TERMINATED. */
kern_return_t handle_insert(struct task *t, enum handle_type type, void *object, uint32_t *handle);
/* One more use of a handle: it names the same until it is removed as often. KERN_INVALID_NAME, KERN_UREFS_OVERFLOW. */
kern_return_t handle_again(struct task *t, uint32_t handle);
/* The task behind a handle of t, referenced; ATLAS_TASK_SELF is t itself. NULL: names no task. */
struct task *handle_task(struct task *t, uint32_t handle);
/* What a handle of t of this type names, referenced. NULL: names none (the reason says so). */
void *handle_object(struct task *t, uint32_t handle, enum handle_type type);
/* The same for any type but a task's; *type says which. */
void *handle_memory(struct task *t, uint32_t handle, enum handle_type *type);
/* The same for a task or a named entry: what can stand for a map. */
void *handle_target(struct task *t, uint32_t handle, enum handle_type *type);
/* Drops a reference that one of these gave; NULL allowed. */
void handle_release(enum handle_type type, void *object);
/* One use less; the last one frees the handle. KERN_INVALID_NAME: names nothing. */
kern_return_t handle_remove(struct task *t, uint32_t handle);
/* All of them; t has no threads any more. */
void handle_remove_all(struct task *t);
unsigned handle_count(struct task *t);
void handle_init(void);
void futex_init(void);

/* --- programs --- */

/*
 * Loads an ELF64 program from the initrd into a new task and starts its main
 * thread with argv. KERN_NOT_FOUND: no such file; KERN_INVALID_ARGUMENT: not a
 * program we can run (the reason says why); KERN_RESOURCE_SHORTAGE.
 */
kern_return_t task_run(const char *path, int argc, char *const argv[], struct task **task);
/*
 * Maps the program of `size` bytes at `image` into map. *entry: its first pc.
 * KERN_INVALID_ARGUMENT with a reason, or the map's refusal; what was mapped
 * until then stays (the caller throws the map away).
 */
kern_return_t elf_load(vm_map_t map, const void *image, size_t size, vm_offset_t *entry);

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

void agent_init(void);
void agent_free(struct agent *a);               /* with its task */
void agent_exit(struct agent *a);               /* its thread ends */
/* The agent's access failed: the request is over; tf becomes the next one. */
struct trapframe;
void agent_fault(struct trapframe *tf, kern_return_t code, vm_offset_t addr, vm_prot_t access);

#endif
