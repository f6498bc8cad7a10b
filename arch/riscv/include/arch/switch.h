/*
 * arch/switch.h: from one thread's kernel stack to another's, and the FPU.
 */
#ifndef ARCH_SWITCH_H
#define ARCH_SWITCH_H

/* What a switch saves on the stack it leaves: ra, gp, s0-s11. */
#define SWITCH_FRAME        112

#ifndef __ASSEMBLER__

#include <stdint.h>
#include <arch/csr.h>

struct thread;

/*
 * Leaves prev (its first word receives sp) for next. Returns when somebody
 * switches to prev again, perhaps on another hart, and gives the thread that
 * ran before there, which is off its stack now.
 */
struct thread *switch_context(struct thread *prev, struct thread *next);

/*
 * The sp of a thread that has never run: the first switch to it calls
 * sched_started(previous thread) with this stack, which must not return.
 */
uint64_t switch_prepare(uint64_t stack_top);
void sched_started(struct thread *prev);        /* kernel/sched.c */

/* fp: f0-f31, then fcsr. sstatus.FS must not be off. */
void fpu_save(uint64_t *fp);
void fpu_restore(const uint64_t *fp);

static inline uint64_t fpu_state(void) { return csr_read(sstatus) & SSTATUS_FS; }

static inline void
fpu_set_state(uint64_t fs)
{
	csr_clear(sstatus, SSTATUS_FS);
	csr_set(sstatus, fs);
}

#endif /* __ASSEMBLER__ */
#endif
