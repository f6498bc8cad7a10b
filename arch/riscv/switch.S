/*
 * switch.S: the context switch.
 *
 * A thread leaves the hart inside a C function, so only what C preserves must
 * be kept: ra, sp, s0-s11; and gp, which the kernel never touches and which
 * therefore still is the user's. tp stays: it belongs to the hart.
 */
#include <arch/switch.h>

	.section .text.switch, "ax", @progbits
	.globl	switch_context
	.type	switch_context, @function
switch_context:
	addi	sp, sp, -SWITCH_FRAME
	sd	ra, 0(sp)
	sd	gp, 8(sp)
	sd	s0, 16(sp)
	sd	s1, 24(sp)
	sd	s2, 32(sp)
	sd	s3, 40(sp)
	sd	s4, 48(sp)
	sd	s5, 56(sp)
	sd	s6, 64(sp)
	sd	s7, 72(sp)
	sd	s8, 80(sp)
	sd	s9, 88(sp)
	sd	s10, 96(sp)
	sd	s11, 104(sp)
	sd	sp, 0(a0)
	ld	sp, 0(a1)
	ld	ra, 0(sp)
	ld	gp, 8(sp)
	ld	s0, 16(sp)
	ld	s1, 24(sp)
	ld	s2, 32(sp)
	ld	s3, 40(sp)
	ld	s4, 48(sp)
	ld	s5, 56(sp)
	ld	s6, 64(sp)
	ld	s7, 72(sp)
	ld	s8, 80(sp)
	ld	s9, 88(sp)
	ld	s10, 96(sp)
	ld	s11, 104(sp)
	addi	sp, sp, SWITCH_FRAME
	ret
	.size	switch_context, . - switch_context

/* (stack top): builds the frame that switch_context will pop. */
	.globl	switch_prepare
	.type	switch_prepare, @function
switch_prepare:
	addi	a0, a0, -SWITCH_FRAME
	la	t0, switch_first
	sd	t0, 0(a0)
	sd	zero, 8(a0)
	sd	zero, 16(a0)
	sd	zero, 24(a0)
	sd	zero, 32(a0)
	sd	zero, 40(a0)
	sd	zero, 48(a0)
	sd	zero, 56(a0)
	sd	zero, 64(a0)
	sd	zero, 72(a0)
	sd	zero, 80(a0)
	sd	zero, 88(a0)
	sd	zero, 96(a0)
	sd	zero, 104(a0)
	ret
	.size	switch_prepare, . - switch_prepare

/* a0 = the thread that ran before. */
	.type	switch_first, @function
switch_first:
	li	ra, 0                           /* backtraces end here */
	tail	sched_started
	.size	switch_first, . - switch_first
