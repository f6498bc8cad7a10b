/*
 * crt0.S: where threads begin and end.
 *
 * The kernel starts a program at _start with a0 = argc, a1 = argv and sp on
 * the stack; tp and gp are the program's own affair. tp points to the thread's
 * block of thread-local data (the RISC-V ABI puts nothing below it).
 *
 * A thread made by thread_create starts at __atlas_thread_start with
 * a0 = its struct atlas_thread, whose first word is its tp.
 */
	.section .text.start, "ax"
	.global _start
	.type _start, @function
_start:
	.option push
	.option norelax
	la	gp, __global_pointer$
	.option pop
	la	tp, __tls_main
	andi	sp, sp, -16
	li	s0, 0			/* ends the chain of frames */
	li	ra, 0
	call	__atlas_start		/* (argc, argv): does not return */
	ebreak
	.size _start, . - _start

	.text
	.global __atlas_thread_start
	.type __atlas_thread_start, @function
__atlas_thread_start:
	.option push
	.option norelax
	la	gp, __global_pointer$
	.option pop
	ld	tp, 0(a0)
	li	s0, 0
	li	ra, 0
	call	__atlas_thread_main	/* (self): does not return */
	ebreak
	.size __atlas_thread_start, . - __atlas_thread_start

/*
 * __atlas_thread_leave(uint32_t *done): says that the thread has ended, and
 * ends it. From the store on, the joiner may free the very stack we stand on,
 * so nothing touches it after that.
 */
	.global __atlas_thread_leave
	.type __atlas_thread_leave, @function
__atlas_thread_leave:
	li	t0, 1
	fence	rw, w
	sw	t0, 0(a0)
	li	a1, -1
	li	a7, 12			/* futex_wake */
	ecall
	li	a7, 1			/* thread_exit */
	ecall
	ebreak
	.size __atlas_thread_leave, . - __atlas_thread_leave

	.section .note.GNU-stack, "", @progbits
