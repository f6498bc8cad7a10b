/*
 * machine/trapframe.h: the registers of an interrupted or calling context.
 *
 * Trap entry saves what C may clobber (ra, sp, gp, tp, t0-t6, a0-a7, pc,
 * status); s0-s11 stay in the hart's registers, the C code preserves them. The
 * s-registers in the frame are valid only when `full` is set (slow paths:
 * exceptions that go to a handler, fork, crash reports).
 */
#ifndef MACHINE_TRAPFRAME_H
#define MACHINE_TRAPFRAME_H

#include <stdint.h>

struct trapframe {
	uint64_t x[32];         /* by register number; x[0] unused */
	uint64_t sepc, sstatus, scause, stval;
	uint64_t full;          /* s0-s11 (x8, x9, x18-x27) are valid */
	uint64_t pad;
};

#endif
