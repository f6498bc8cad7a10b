/*
 * jump.S: a boot loader in three instructions, to start the flat image at any
 * address: QEMU's loader device puts it there, and firmware starts this. With
 * TREE, the kernel is told that its device tree is there.
 */
	.globl	_start
_start:
	li	t0, ADDRESS
#ifdef TREE
	li	a1, TREE
#endif
	jr	t0
