/*
 * trap.S: from U-mode into the kernel and back, and traps of the kernel itself.
 *
 * Who interrupted whom is told by sscratch: the hart pointer while U-mode runs,
 * 0 while the kernel does. The trap frame lies at the top of the running
 * thread's kernel stack; hart->kstack points to it.
 *
 *	U-mode ──ecall──> syscall: ra, sp, tp, pc saved; table[a7](a0..a5)
 *	   │                 └─ full call: the rest too, f(frame) ──> trap_return_full
 *	   ├──fault──────> from_user: what C may clobber is saved; trap_user()
 *	   │                 └─ not resolved: s-registers too; trap_user_slow()
 *	   └──interrupt──> from_user, likewise
 *	kernel ──────────> from_kernel: everything is saved on the current stack
 *
 * s0-s11 and gp are left alone on the fast paths: C preserves the former, the
 * kernel does not use the latter (no __global_pointer$), and switch.S keeps
 * them for a thread that sleeps. A system call clobbers t0-t6 and a1-a7 by its
 * ABI, so it saves none of them, but clears them: nothing of the kernel leaks.
 *
 * Invariants: in the kernel tp is the hart and sscratch is 0; sstatus.SPP and
 * SUM are 0 except inside from_kernel's restore and the copy routines, so the
 * way back to U-mode need not write sstatus.
 *
 * Failure: a kernel stack that overflows faults on its guard; from_kernel sees
 * sp outside the stack and reports on the hart's emergency stack.
 */
#include <arch/csr.h>
#include <arch/trap.h>

	.macro SAVE_S
	sd	gp, TF_X(3)(sp)
	sd	s0, TF_X(8)(sp)
	sd	s1, TF_X(9)(sp)
	sd	s2, TF_X(18)(sp)
	sd	s3, TF_X(19)(sp)
	sd	s4, TF_X(20)(sp)
	sd	s5, TF_X(21)(sp)
	sd	s6, TF_X(22)(sp)
	sd	s7, TF_X(23)(sp)
	sd	s8, TF_X(24)(sp)
	sd	s9, TF_X(25)(sp)
	sd	s10, TF_X(26)(sp)
	sd	s11, TF_X(27)(sp)
	.endm

	.macro LOAD_S
	ld	gp, TF_X(3)(sp)
	ld	s0, TF_X(8)(sp)
	ld	s1, TF_X(9)(sp)
	ld	s2, TF_X(18)(sp)
	ld	s3, TF_X(19)(sp)
	ld	s4, TF_X(20)(sp)
	ld	s5, TF_X(21)(sp)
	ld	s6, TF_X(22)(sp)
	ld	s7, TF_X(23)(sp)
	ld	s8, TF_X(24)(sp)
	ld	s9, TF_X(25)(sp)
	ld	s10, TF_X(26)(sp)
	ld	s11, TF_X(27)(sp)
	.endm

	/* ra, t1-t6, a0-a7: with t0, sp and tp all that C may clobber. */
	.macro SAVE_C
	sd	ra, TF_X(1)(sp)
	sd	t1, TF_X(6)(sp)
	sd	t2, TF_X(7)(sp)
	sd	a0, TF_X(10)(sp)
	sd	a1, TF_X(11)(sp)
	sd	a2, TF_X(12)(sp)
	sd	a3, TF_X(13)(sp)
	sd	a4, TF_X(14)(sp)
	sd	a5, TF_X(15)(sp)
	sd	a6, TF_X(16)(sp)
	sd	a7, TF_X(17)(sp)
	sd	t3, TF_X(28)(sp)
	sd	t4, TF_X(29)(sp)
	sd	t5, TF_X(30)(sp)
	sd	t6, TF_X(31)(sp)
	.endm

	/* These and t0. */
	.macro LOAD_C
	ld	ra, TF_X(1)(sp)
	ld	t0, TF_X(5)(sp)
	ld	t1, TF_X(6)(sp)
	ld	t2, TF_X(7)(sp)
	ld	a0, TF_X(10)(sp)
	ld	a1, TF_X(11)(sp)
	ld	a2, TF_X(12)(sp)
	ld	a3, TF_X(13)(sp)
	ld	a4, TF_X(14)(sp)
	ld	a5, TF_X(15)(sp)
	ld	a6, TF_X(16)(sp)
	ld	a7, TF_X(17)(sp)
	ld	t3, TF_X(28)(sp)
	ld	t4, TF_X(29)(sp)
	ld	t5, TF_X(30)(sp)
	ld	t6, TF_X(31)(sp)
	.endm

	.section .text.trap, "ax", @progbits
	.balign 64
	.globl	trap_entry
	.type	trap_entry, @function
trap_entry:
	csrrw	tp, sscratch, tp
	beqz	tp, from_kernel
	sd	sp, H_SCRATCH(tp)
	ld	sp, H_KSTACK(tp)
	sd	t0, TF_X(5)(sp)
	csrr	t0, scause
	addi	t0, t0, -EXC_ECALL_U
	bnez	t0, from_user

	/* A system call. t0-t6 are free. */
	csrr	t0, sepc
	ld	t1, H_SCRATCH(tp)
	csrrw	t2, sscratch, zero
	addi	t0, t0, 4
	sd	ra, TF_X(1)(sp)
	sd	t1, TF_X(2)(sp)
	sd	t2, TF_X(4)(sp)
	sd	t0, TF_SEPC(sp)
	li	t3, TRAP_SYSCALLS
	bgeu	a7, t3, syscall_unknown
	slli	a7, a7, 3
	la	t0, syscall_table
	add	t0, t0, a7
	ld	t0, 0(t0)
	jalr	t0
syscall_return:
#if defined(ATLAS_DEBUG) && ATLAS_DEBUG
	sd	a0, TF_X(10)(sp)
	call	trap_check_return
	ld	a0, TF_X(10)(sp)
#endif
	ld	t0, H_NEED_RESCHED(tp)
	bnez	t0, syscall_work
	ld	t0, TF_SEPC(sp)
	ld	ra, TF_X(1)(sp)
	csrw	sscratch, tp
	csrw	sepc, t0
	ld	tp, TF_X(4)(sp)
	ld	sp, TF_X(2)(sp)
	li	t0, 0
	li	t1, 0
	li	t2, 0
	li	t3, 0
	li	t4, 0
	li	t5, 0
	li	t6, 0
	li	a1, 0
	li	a2, 0
	li	a3, 0
	li	a4, 0
	li	a5, 0
	li	a6, 0
	li	a7, 0
	sret

syscall_work:
	sd	a0, TF_X(10)(sp)
	call	trap_work
	ld	a0, TF_X(10)(sp)
	j	syscall_return

syscall_unknown:
	la	t0, syscall_table
	ld	t0, (TRAP_SYSCALLS - 1) * 8(t0)
	jalr	t0
	j	syscall_return
	.size	trap_entry, . - trap_entry

/*
 * The common part of system calls that need the caller's whole context; trap
 * frame at sp, t0 = the function. t0-t6 and a1-a7 of the frame are written too:
 * they hold whatever the stack's last owner left.
 */
	.globl	trap_syscall_full
	.type	trap_syscall_full, @function
trap_syscall_full:
	sd	zero, TF_X(5)(sp)
	sd	zero, TF_X(6)(sp)
	sd	zero, TF_X(7)(sp)
	sd	a0, TF_X(10)(sp)
	sd	a1, TF_X(11)(sp)
	sd	a2, TF_X(12)(sp)
	sd	a3, TF_X(13)(sp)
	sd	a4, TF_X(14)(sp)
	sd	a5, TF_X(15)(sp)
	sd	a6, TF_X(16)(sp)
	sd	a7, TF_X(17)(sp)
	sd	zero, TF_X(28)(sp)
	sd	zero, TF_X(29)(sp)
	sd	zero, TF_X(30)(sp)
	sd	zero, TF_X(31)(sp)
	SAVE_S
	li	t1, 1
	sd	t1, TF_FULL(sp)
	mv	a0, sp
	jalr	t0
	j	trap_return_full
	.size	trap_syscall_full, . - trap_syscall_full

/* Entries of syscall_table for these calls. */
	.macro	SYSCALL_FULL name
	.globl	\name\()_entry
	.type	\name\()_entry, @function
\name\()_entry:
	la	t0, \name\()_full
	j	trap_syscall_full
	.size	\name\()_entry, . - \name\()_entry
	.endm

	SYSCALL_FULL sys_task_fork
	SYSCALL_FULL sys_exception_return
	SYSCALL_FULL sys_agent_done

/* Exceptions other than ecall, and interrupts. t0 is saved; sp is the frame. */
	.type	from_user, @function
from_user:
	SAVE_C
	ld	t0, H_SCRATCH(tp)
	csrrw	t1, sscratch, zero
	csrr	t2, sepc
	sd	t0, TF_X(2)(sp)
	sd	t1, TF_X(4)(sp)
	sd	t2, TF_SEPC(sp)
	csrr	a1, scause
	csrr	a2, stval
	mv	a0, sp
	call	trap_user
	bnez	a0, from_user_slow
user_return:
#if defined(ATLAS_DEBUG) && ATLAS_DEBUG
	call	trap_check_return
#endif
	ld	t0, H_NEED_RESCHED(tp)
	bnez	t0, user_work
	ld	t0, TF_SEPC(sp)
	csrw	sscratch, tp
	csrw	sepc, t0
	LOAD_C
	ld	tp, TF_X(4)(sp)
	ld	sp, TF_X(2)(sp)
	sret

user_work:
	call	trap_work
	j	user_return

from_user_slow:
	SAVE_S
	li	t0, 1
	sd	t0, TF_FULL(sp)
	mv	a1, a0
	mv	a0, sp
	call	trap_user_slow
	j	trap_return_full
	.size	from_user, . - from_user

	.globl	trap_return_user
	.type	trap_return_user, @function
trap_return_user:
	mv	sp, a0
trap_return_full:
	sd	zero, TF_FULL(sp)
	ld	t0, H_NEED_RESCHED(tp)
	bnez	t0, 1f
	LOAD_S
	j	user_return
1:	call	trap_work
	j	trap_return_full
	.size	trap_return_user, . - trap_return_user

/*
 * A trap of the kernel: a fault in the copy routines, an interrupt in the idle
 * loop's window, or a mistake. tp is 0, sscratch the hart.
 */
	.type	from_kernel, @function
from_kernel:
	csrrw	tp, sscratch, zero
	sd	t0, H_SCRATCH+8(tp)
	sd	t1, H_SCRATCH+16(tp)
	sd	sp, H_SCRATCH+24(tp)
	/* Is there room for a frame between the stack's bottom and sp? */
	ld	t0, H_KSTACK(tp)
	beqz	t0, 1f                          /* boot: no thread yet */
	li	t1, TRAP_KSTACK_BYTES - TF_SIZE
	sub	t0, t0, t1                      /* bottom of the stack */
	sub	t0, sp, t0
	addi	t0, t0, -TF_SIZE
	bleu	t0, t1, 1f
	/* On the emergency stack already, because the report itself trapped? */
	ld	t0, H_EMERGENCY(tp)
	sub	t1, t0, sp
	addi	t1, t1, -1
	li	t0, TRAP_EMERGENCY_BYTES - TF_SIZE
	bltu	t1, t0, 1f
	ld	sp, H_EMERGENCY(tp)
1:	addi	sp, sp, -TF_SIZE
	SAVE_C
	SAVE_S
	sd	tp, TF_X(4)(sp)
	ld	t0, H_SCRATCH+8(tp)
	ld	t1, H_SCRATCH+16(tp)
	ld	t2, H_SCRATCH+24(tp)
	sd	t0, TF_X(5)(sp)
	sd	t1, TF_X(6)(sp)
	sd	t2, TF_X(2)(sp)
	/*
	 * The handler may sleep, and other threads run before this one goes on:
	 * they must find SPP and SUM clear.
	 */
	li	t0, SSTATUS_SPP | SSTATUS_SUM
	csrrc	t0, sstatus, t0
	csrr	t1, sepc
	csrr	t2, scause
	csrr	t3, stval
	sd	t0, TF_SSTATUS(sp)
	sd	t1, TF_SEPC(sp)
	sd	t2, TF_SCAUSE(sp)
	sd	t3, TF_STVAL(sp)
	li	t0, 1
	sd	t0, TF_FULL(sp)
	mv	a0, sp
	call	trap_kernel
	/* Perhaps on another hart now: tp is right, the saved one is not. */
	ld	t0, TF_SEPC(sp)
	ld	t1, TF_SSTATUS(sp)
	csrw	sepc, t0
	li	t2, SSTATUS_SPP | SSTATUS_SUM | SSTATUS_SPIE
	csrc	sstatus, t2
	and	t1, t1, t2
	csrs	sstatus, t1
	LOAD_S
	LOAD_C
	ld	sp, TF_X(2)(sp)
	sret
	.size	from_kernel, . - from_kernel
