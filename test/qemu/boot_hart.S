/*
 * boot_hart.S: chooses which hart boots; the firmware would let chance decide.
 *
 * It stands at the start of memory, where QEMU starts all harts in M-mode with
 * a2 = the firmware's struct of arguments; OpenSBI, which runs anywhere, stands
 * OFFSET bytes above. Hart HART enters it first, alone, and is told to come back
 * here in S-mode before the kernel: then the others may enter, too late to boot.
 */
#define NEXT_ADDRESS	16		/* words of the struct */
#define BOOT_HART	40

	.globl	_start
_start:
	csrr	t0, mhartid
	li	t1, HART
	beq	t0, t1, first
1:	fence	rw, rw
	lw	t0, others_may
	beqz	t0, 1b
	j	enter

first:	la	t0, info
	li	t1, 6
2:	ld	t2, 0(a2)
	sd	t2, 0(t0)
	addi	a2, a2, 8
	addi	t0, t0, 8
	addi	t1, t1, -1
	bnez	t1, 2b
	la	t0, info
	ld	t1, NEXT_ADDRESS(t0)
	sd	t1, kernel, t2
	la	t1, started
	sd	t1, NEXT_ADDRESS(t0)
	li	t1, HART
	sd	t1, BOOT_HART(t0)
enter:	la	a2, info
	la	t0, _start
	li	t1, OFFSET
	add	t0, t0, t1
	jr	t0

started:				/* in S-mode, with what the kernel is to get in a0 and a1 */
	ld	t2, kernel
	li	t0, 1
	fence	rw, rw
	sw	t0, others_may, t1
	jr	t2

	.balign	8
info:	.fill	6, 8, 0
kernel:	.dword	0
others_may:
	.word	0
