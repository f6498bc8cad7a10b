/*
 * kernel/thread.h: threads and the scheduler.
 *
 * Kernel code is not preempted: a thread leaves the hart when it sleeps,
 * yields, or is interrupted in U-mode by the timer. Ready threads wait in one
 * queue per hart; an idle hart steals.
 *
 *	           thread_start                 sched_switch
 *	  (made) ---------------> READY <------------------------> RUNNING
 *	                            ^                               |    |
 *	                   wake_all |                       wait_on |    | thread_exit
 *	                            +--------- SLEEPING <-----------+    v
 *	                                                               DEAD (reaped by its task)
 */
#ifndef KERNEL_THREAD_H
#define KERNEL_THREAD_H

#include <base/kern_return.h>
#include <base/list.h>
#include <base/lock.h>
#include <machine/trapframe.h>
#include <kernel/task.h>

#define KSTACK_PAGES        4           /* 16 KiB, guard of 4 pages on either side */
#define KSTACK_GUARD_PAGES  4

#define THREAD_NAME_MAX     16
#define THREAD_NO_HART      (~0u)
#define THREAD_ANY_HART     (~(uint64_t)0)

enum thread_state { THREAD_READY, THREAD_RUNNING, THREAD_SLEEPING, THREAD_DEAD };

struct agent;

struct thread {
	/* switch.S knows these first two */
	uint64_t             ksp;               /* saved kernel stack pointer when not running */
	uint64_t             kstack_top;        /* trapframe lies just below */
	struct task         *task;
	vm_map_t             map;               /* what it runs on; NULL: a kernel thread, on whatever is loaded */
	struct list          task_link;         /* task->threads, or task->dead */
	struct list          run_link;          /* ready queue or wait bucket */
	enum thread_state    state;
	uint32_t             on_hart;           /* its stack is in use by a hart */
	unsigned             hart;              /* where it runs, or ran last */
	bool                 requeue;           /* to be made ready once it is off its stack */
	bool                 user;              /* returns to U-mode */
	bool                 terminating;
	bool                 wait_interruptible;
	bool                 wait_result;
	const void          *wait_event;
	uint64_t             id;
	uint64_t             pinned;            /* set of harts it may run on */
	void               (*start)(void *);    /* kernel threads */
	void                *start_arg;
	struct kern_reason   reason;
	/* sleepers of a hart, by deadline (sched.c) */
	struct list          sleep_link;
	uint64_t             deadline;
	unsigned             sleep_hart;        /* THREAD_NO_HART: on no list */
	/* user addresses of the exception handler and its stack; 0: none */
	vm_offset_t          exc_handler, exc_stack;
	bool                 in_handler;
	/* floating point: valid here unless harts[fp_hart].fp_owner is this thread */
	bool                 fp_used;
	unsigned             fp_hart;
	uint64_t             fp[33];            /* f0-f31, fcsr */
	struct agent        *agent;             /* this is its task's agent thread */
	uint64_t             ticks;
	char                 name[THREAD_NAME_MAX];
#if ATLAS_DEBUG
	struct lock_trace    locks;             /* those it holds */
#endif
};

void thread_init(void);
static inline struct thread *current_thread(void) { return hart_self()->thread; }
/* The saved user registers of a thread that is not in U-mode now. */
static inline struct trapframe *
thread_frame(const struct thread *th)
{
	return (struct trapframe *)th->kstack_top - 1;
}
/* A kernel thread of kernel_task, started. NULL: shortage. */
struct thread *kthread_create(const char *name, void (*start)(void *), void *arg);
/* The map of the running thread; kernel threads': kernel_map. (map_switch.c) */
vm_map_t current_map(void);
/* The same without the kernel's: NULL for kernel threads. */
static inline vm_map_t current_map_fast(void) { return current_thread()->map; }
/*
 * Makes map, which has page tables and which the caller holds, the running thread's, and loads it. Returns the one
 * before, to be given back here in the end: before a return to U-mode, and before the reference is dropped.
 */
vm_map_t vm_map_switch(vm_map_t map);

/* A U-mode thread of t at pc with stack pointer sp and a0. Starts when resumed by thread_start. */
kern_return_t thread_create_user(struct task *t, vm_offset_t pc, vm_offset_t sp, uint64_t a0, struct thread **thread);
/* As thread_create_user, with a copy of all registers of the calling thread (fork). */
kern_return_t thread_create_copy(struct task *t, const struct trapframe *tf, struct thread **thread);
/* The agent thread of t: runs start(its frame) in the kernel first. */
kern_return_t thread_create_agent(struct task *t, struct agent *agent, void (*start)(void *), struct thread **thread);
/* Every thread that was made must be started, even when its task is ending. */
void thread_start(struct thread *th);
void thread_exit(void) noreturn_fn;
/* Asks th to end: its interruptible waits fail, and it exits at its return to U-mode. th must stay. */
void thread_interrupt(struct thread *th);
void thread_yield(void);
/* Restricts the calling thread to a set of harts, and moves it there. */
void thread_pin(uint64_t harts_set);
/* Lets interrupts in, and others run if the time slice is over; for long kernel loops. No locks held. */
void thread_checkpoint(void);
/* Sleeps at least this many microseconds; FALSE when interrupted. */
bool thread_sleep_us(uint64_t us);

/* Threads that exist, all tasks together. */
unsigned thread_count(void);
/* Kernel stacks kept for reuse beyond the standing ones go back to kmem. */
void thread_trim(void);

/* Hart entry into scheduling; never returns. */
void sched_start(void) noreturn_fn;
/* From the timer interrupt. */
void sched_tick(void);

/* --- between thread.c, sched.c, task.c --- */

void sched_init(void);
void sched_enqueue(struct thread *th);          /* made ready: to a queue, perhaps an IPI */
void sched_switch(void);                        /* leaves the hart; state says why */
void thread_free(struct thread *th);            /* DEAD and off its stack, or never started */
bool thread_is_off(const struct thread *th);    /* DEAD and off its stack */
/* A hart's idle thread, over the stack that the hart booted on (0: the boot hart's). */
struct thread *thread_make_idle(uint64_t stack_top);
void thread_fp_sync(struct thread *th);         /* th runs: its registers are in th->fp afterwards */
void wait_init(void);
/* The time of th is over: its wait, if it is in one, ends as if woken. th stays while the caller's sleep_lock is held. */
void wait_time_over(struct thread *th);
/* The running thread's next wait ends after so many microseconds at the latest. */
void sched_deadline_set(uint64_t us);
/* Takes that back. FALSE: the time was over. */
bool sched_deadline_clear(void);

#endif
