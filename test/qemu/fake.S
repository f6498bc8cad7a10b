/*
 * fake.S: a stand-in for the kernel, to test scripts/run: says MESSAGE through
 * SBI, then stores CODE to virt's test finisher, or hangs when CODE is 0.
 */
	.globl	_start
_start:
	.option	norvc
	j	1f			/* the Linux Image header */
	nop
	.dword	0x200000		/* text_offset */
	.dword	0x100000		/* image_size */
	.dword	0
	.word	2, 0
	.dword	0
	.dword	0x5643534952		/* "RISCV" */
	.word	0x05435352		/* "RSC\x05" */
	.word	0
1:	la	s0, message
2:	lbu	a0, 0(s0)
	beqz	a0, 3f
	li	a7, 1			/* legacy console_putchar */
	ecall
	addi	s0, s0, 1
	j	2b
3:	li	t0, 0x100000
	li	t1, CODE
	beqz	t1, .
	sw	t1, 0(t0)
	j	.
message:
	.asciz	MESSAGE
