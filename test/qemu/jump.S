/*
 * jump.S: a boot loader in three instructions, to start the flat image at any
 * address: QEMU's loader device puts it there, and firmware starts this.
 */
	.globl	_start
_start:
	li	t0, ADDRESS
	jr	t0
