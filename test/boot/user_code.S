/*
 * user_code.S: small programs for the boot-time tests, run in U-mode.
 *
 * Each lies between name and name_end, is position independent, and begins
 * with a0 = its argument and sp = the end of its data page. It ends by
 * task_exit: status 0 is good, else it says what was wrong.
 */
	.macro	PROGRAM name
	.balign 8
	.globl	\name, \name\()_end
\name:
	.endm
	.macro	END name
	.balign 8
\name\()_end:
	.endm
	.macro	SYSCALL number
	li	a7, \number
	ecall
	.endm
	.macro	EXIT status
	li	a0, \status
	SYSCALL 2
	.endm

	.section .rodata

	/* Ends with its argument as status. */
PROGRAM user_exit
	SYSCALL 2
END user_exit

	/* Never ends by itself. */
PROGRAM user_spin
1:	j	1b
END user_spin

	/* Sleeps for an hour. */
PROGRAM user_sleep
	li	a0, 3600000000
	SYSCALL 6
	EXIT	1
END user_sleep

	/*
	 * All registers but sp, tp and s11 hold their number times a constant while
	 * page after page of [s11, sp) faults in, until a register differs or none
	 * is left. tp counts pages; gp and ra are checked like any other.
	 */
PROGRAM user_registers
	mv	s11, a0
	mv	tp, zero
	.irp r, ra,gp,t0,t1,t2,s0,s1,a0,a1,a2,a3,a4,a5,a6,a7,s2,s3,s4,s5,s6,s7,s8,s9,s10,t3,t4,t5,t6
	addi	tp, tp, 1
	slli	\r, tp, 32
	add	\r, \r, tp
	.endr
	li	tp, 512                         /* 2 MiB */
1:	sd	tp, 0(s11)
	ld	zero, 0(s11)
	sd	s11, 8(s11)
	addi	s11, s11, 2047
	addi	s11, s11, 2047
	addi	s11, s11, 2
	addi	tp, tp, -1
	bnez	tp, 1b
	.irp r, ra,gp,t0,t1,t2,s0,s1,a0,a1,a2,a3,a4,a5,a6,a7,s2,s3,s4,s5,s6,s7,s8,s9,s10,t3,t4,t5,t6
	addi	tp, tp, 1
	slli	s11, tp, 32
	add	s11, s11, tp
	bne	s11, \r, 2f
	.endr
	EXIT	0
2:	mv	a0, tp
	SYSCALL 2
END user_registers

	/* A system call keeps sp, gp, tp, ra, s0-s11 and clears a1-a7, t0-t6. */
PROGRAM user_syscall
	mv	s11, sp
	li	tp, 0
	.irp r, ra,gp,t0,t1,t2,s0,s1,a0,a1,a2,a3,a4,a5,a6,s2,s3,s4,s5,s6,s7,s8,s9,s10,t3,t4,t5,t6
	addi	tp, tp, 1
	slli	\r, tp, 32
	add	\r, \r, tp
	.endr
	SYSCALL 0
	bnez	a0, 9f
	.irp r, a1,a2,a3,a4,a5,a6,a7,t0,t1,t2,t3,t4,t5,t6
	bnez	\r, 9f
	.endr
	bne	sp, s11, 9f
	li	t0, 27
	bne	tp, t0, 9f
	srli	t0, ra, 32
	li	t1, 1
	bne	t0, t1, 9f
	srli	t0, gp, 32
	li	t1, 2
	bne	t0, t1, 9f
	srli	t0, s0, 32
	li	t1, 6
	bne	t0, t1, 9f
	srli	t0, s10, 32
	li	t1, 23
	bne	t0, t1, 9f
	/* Numbers without a call: 46 is KERN_NOT_SUPPORTED. */
	li	s0, 46
	.irp n, 18,99,127,128,129,1000000,-1
	SYSCALL \n
	bne	a0, s0, 9f
	.endr
	/* The agent's own number is none for others. */
	SYSCALL 126
	bne	a0, s0, 9f
	EXIT	0
9:	EXIT	1
END user_syscall

	/* Pointers that lead nowhere: 1 is KERN_INVALID_ADDRESS, 2 KERN_PROTECTION_FAILURE. */
PROGRAM user_pointers
	mv	s1, sp
	li	s2, -1
	.irp p, 0,8,-8,-1,0x4000000000,0xffffffff80000000,0xffffffc080200000
	li	s0, \p
	li	a0, -1                          /* vm_allocate(self, p, 4096, anywhere) */
	mv	a1, s0
	li	a2, 4096
	li	a3, 1
	SYSCALL 40
	li	t0, 1
	bne	a0, t0, 9f
	mv	a0, s0                          /* console_write(p, 8): minus the code */
	li	a1, 8
	SYSCALL 3
	bne	a0, s2, 9f
	mv	a0, s0                          /* vm_map(p) */
	SYSCALL 47
	li	t0, 1
	bne	a0, t0, 9f
	mv	a0, s0                          /* exception_return(p) */
	SYSCALL 10
	li	t0, 1
	bne	a0, t0, 9f
	mv	a0, s0                          /* task_fork(p) */
	SYSCALL 21
	li	t0, 1
	bne	a0, t0, 9f
	.endr
	/* Readable but not writable: its own code. */
	li	a0, -1
	lla	a1, user_pointers
	SYSCALL 40
	beqz	a0, 9f
	lla	a0, user_pointers
	SYSCALL 21
	li	t0, 2
	bne	a0, t0, 9f
	EXIT	0
9:	EXIT	1
END user_pointers

	/* exception_return from a structure whose second half is not there: no register changes. */
PROGRAM user_half_frame
	mv	s1, sp
	li	s2, 42
	addi	s3, sp, -200                    /* x[20] would lie at sp */
	mv	a0, s3
	SYSCALL 10
	li	t0, 1
	bne	a0, t0, 9f
	bne	s1, sp, 9f
	li	t0, 42
	bne	s2, t0, 9f
	addi	t0, sp, -200
	bne	s3, t0, 9f
	EXIT	0
9:	EXIT	1
END user_half_frame

	/* Jumps to its argument, loads or stores there, executes what it should not. */
PROGRAM user_jump
	jr	a0
END user_jump
PROGRAM user_load
	ld	a0, 0(a0)
	EXIT	1
END user_load
PROGRAM user_store
	sd	a0, 0(a0)
	EXIT	1
END user_store
PROGRAM user_illegal
	.4byte	0xffffffff
END user_illegal
PROGRAM user_break
	ebreak
	EXIT	1
END user_break
PROGRAM user_csr
	csrr	a0, sstatus
	EXIT	1
END user_csr

	/*
	 * A handler that steps over 100 faults, and then sees that s0 and t0 of the
	 * interrupted code survived.
	 */
PROGRAM user_handler
	lla	a0, 5f
	mv	a1, sp
	SYSCALL 9
	addi	sp, sp, -1024
	mv	s2, sp
	li	s0, 100
	li	t0, 77
	li	s1, 0
1:	.4byte	0x00003023                      /* sd zero, 0(zero) */
	addi	s0, s0, -1
	bnez	s0, 1b
	li	t1, 77
	bne	t0, t1, 9f
	bne	sp, s2, 9f
	li	t1, 100
	bne	s1, t1, 9f
	EXIT	0
9:	EXIT	1
5:	ld	t1, 0(a0)                       /* code */
	li	t2, 1
	bne	t1, t2, 9b
	ld	t1, 16(a0)                      /* addr */
	bnez	t1, 9b
	ld	t1, 24(a0)                      /* access: write */
	li	t2, 2
	bne	t1, t2, 9b
	ld	t1, 32(a0)                      /* pc */
	addi	t1, t1, 4
	sd	t1, 32(a0)
	ld	t1, (40 + 9 * 8)(a0)            /* s1 of the interrupted code */
	addi	t1, t1, 1
	sd	t1, (40 + 9 * 8)(a0)
	li	t0, 1
	li	s0, 2
	SYSCALL 10
	EXIT	2
END user_handler

	/* A handler that faults itself. */
PROGRAM user_handler_faults
	lla	a0, 1f
	mv	a1, sp
	SYSCALL 9
	ld	zero, 0(zero)
	EXIT	1
1:	ld	zero, 8(zero)
	EXIT	2
END user_handler_faults

	/* A handler whose stack is not there. */
PROGRAM user_handler_no_stack
	lla	a0, 1f
	li	a1, 0x4000
	SYSCALL 9
	ld	zero, 16(zero)
	EXIT	1
1:	EXIT	2
END user_handler_no_stack

	/* Forks children that exit with 7; a0 = how many. */
PROGRAM user_forks
	mv	s0, a0
	addi	sp, sp, -128
1:	sw	zero, 0(sp)
	mv	a0, sp
	SYSCALL 21
	bnez	a0, 9f
	lw	s1, 0(sp)
	beqz	s1, 2f
	mv	a0, s1                          /* task_wait(child, status, 0) */
	addi	a1, sp, 16
	li	a2, 0
	SYSCALL 23
	bnez	a0, 9f
	lw	t0, 24(sp)
	li	t1, 1
	bne	t0, t1, 9f
	lw	t0, 28(sp)
	li	t1, 7
	bne	t0, t1, 9f
	mv	a0, s1
	SYSCALL 24
	bnez	a0, 9f
	mv	a0, s1                          /* the handle is gone: KERN_INVALID_NAME */
	SYSCALL 24
	li	t0, 15
	bne	a0, t0, 9f
	addi	s0, s0, -1
	bnez	s0, 1b
	EXIT	0
2:	li	t0, 1                           /* the child: a1 was 1 */
	bne	a1, t0, 9f
	EXIT	7
9:	EXIT	1
END user_forks

	/* Forks and ends: the child sleeps on without a parent. */
PROGRAM user_orphan
	addi	sp, sp, -64
	mv	a0, sp
	SYSCALL 21
	lw	s1, 0(sp)
	beqz	s1, 1f
	EXIT	0
1:	li	a0, 20000
	SYSCALL 6
	EXIT	0
END user_orphan
