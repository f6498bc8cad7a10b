/*
 * signal.S: the two ends of a signal.
 *
 * __atlas_exception_entry: the kernel comes here on the thread's exception
 *   stack, a0 = struct atlas_exception. tp and gp are those of the interrupted
 *   code; gp is set anew, in case that code was lost. The C code below it uses
 *   no floating point, so those registers are still the interrupted code's.
 *
 * __atlas_signal_run: where exception_return continues when a handler is to
 *   run: on the interrupted stack or the alternate one, no longer "in the
 *   handler" for the kernel, so that the user's handler may fault, longjmp or
 *   return. s0 = the signal's frame (signal.c). It keeps the FP registers in
 *   the frame, calls the handler, and lets signal.c resume from the frame.
 */
	.text
	.global __atlas_exception_entry
	.type __atlas_exception_entry, @function
__atlas_exception_entry:
	.option push
	.option norelax
	la	gp, __global_pointer$
	.option pop
	li	ra, 0
	call	__atlas_exception	/* (frame): does not return */
	ebreak
	.size __atlas_exception_entry, . - __atlas_exception_entry

	.global __atlas_signal_run
	.type __atlas_signal_run, @function
__atlas_signal_run:
	/* a0 signo, a1 siginfo, a2 ucontext, s0 frame, s1 handler, s2 FP area */
	.irp n, 0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25,26,27,28,29,30,31
	fsd	f\n, (\n * 8)(s2)
	.endr
	frcsr	t0
	sd	t0, (32 * 8)(s2)
	jalr	s1
	.irp n, 0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25,26,27,28,29,30,31
	fld	f\n, (\n * 8)(s2)
	.endr
	ld	t0, (32 * 8)(s2)
	fscsr	t0
	mv	a0, s0
	call	__atlas_signal_return	/* (frame): does not return */
	ebreak
	.size __atlas_signal_run, . - __atlas_signal_run

	.section .note.GNU-stack, "", @progbits
