/*
 * kernel/thread.h: threads and the scheduler.
 *
 * Kernel code is not preempted: a thread leaves the hart when it sleeps,
 * yields, or is interrupted in U-mode by the timer. Ready threads wait in one
 * queue per hart; an idle hart steals.
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

enum thread_state { THREAD_READY, THREAD_RUNNING, THREAD_SLEEPING, THREAD_DEAD };

struct thread {
	/* switch.S knows these first two */
	uint64_t             ksp;               /* saved kernel stack pointer when not running */
	uint64_t             kstack_top;        /* trapframe lies just below */
	struct task         *task;
	struct list          task_link;
	struct list          run_link;          /* ready queue or wait bucket */
	enum thread_state    state;
	uint32_t             ref_count;
	uint64_t             id;
	const void          *wait_event;
	bool                 wait_interruptible;
	bool                 wait_result;
	bool                 terminating;
	unsigned             hart;              /* where it ran last */
	uint64_t             pinned;            /* set of harts it may run on */
	void               (*start)(void *);    /* kernel threads */
	void                *start_arg;
	struct kern_reason   reason;
	/* exception handler of DESIGN section 6; 0: none */
	vm_offset_t          exc_handler, exc_stack;
	bool                 in_handler;
	bool                 fp_used;
	uint64_t             fp[33];
	uint64_t             held_locks;        /* debug */
	uint64_t             ticks;
};

void thread_init(void);
struct thread *current_thread(void);
/* A kernel thread of kernel_task. NULL: shortage. */
struct thread *kthread_create(const char *name, void (*start)(void *), void *arg);
/* A U-mode thread of t at pc with stack pointer sp and a0. Starts when resumed by thread_start. */
kern_return_t thread_create_user(struct task *t, vm_offset_t pc, vm_offset_t sp, uint64_t a0, struct thread **thread);
void thread_start(struct thread *th);
void thread_exit(void) noreturn_fn;
void thread_yield(void);
/* Lets others run if the time slice is over; for long kernel loops. */
void thread_checkpoint(void);
/* Sleeps at least this many microseconds; FALSE when interrupted. */
bool thread_sleep_us(uint64_t us);

/* Hart entry into scheduling; never returns. */
void sched_start(void) noreturn_fn;
/* From the timer interrupt. */
void sched_tick(void);

#endif
