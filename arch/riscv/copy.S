/*
 * copy.S: moving bytes between kernel and user addresses.
 *
 * The only code that runs with SUM set. One of the two pointers is a user
 * address; the caller (copy.c) has checked that its range lies in user space.
 * A fault here is resolved by vm_fault and retried; one that cannot be resolved
 * resumes at copy_fault with the code in a0 (copy_recover). No stack is used,
 * so that copy_fault can return to the caller from any instruction.
 *
 * One aligned word, which is what most calls copy, at once. Else bytes until the
 * destination is aligned, then 64 bytes and 8 bytes a turn, then bytes; below 16
 * bytes, 4 bytes a turn when everything is a multiple of 4. Pointers that are not
 * congruent modulo 8 go by bytes throughout: misaligned accesses are legal, but
 * firmware emulates them on some boards.
 */
#include <arch/csr.h>

	.text
	.globl  copy_start, copy_end, copy_fault

	.balign 4
copy_start:

/* kern_return_t copy_bytes(void *dst, const void *src, size_t n) */
	.globl  copy_bytes
	.type   copy_bytes, @function
copy_bytes:
	li      t6, SSTATUS_SUM
	li      t1, 8
	or      t0, a0, a1
	andi    t2, t0, 7
	bne     a2, t1, 7f
	bnez    t2, 7f
	csrs    sstatus, t6
	ld      t0, 0(a1)
	sd      t0, 0(a0)
	csrc    sstatus, t6
	li      a0, 0
	ret

7:	csrs    sstatus, t6
	add     a3, a0, a2              /* end of dst */
	li      t1, 16
	bltu    a2, t1, 8f
	xor     t0, a0, a1
	andi    t0, t0, 7
	bnez    t0, 5f

1:	andi    t0, a0, 7               /* up to alignment */
	beqz    t0, 2f
	lb      t1, 0(a1)
	addi    a1, a1, 1
	sb      t1, 0(a0)
	addi    a0, a0, 1
	j       1b

2:	addi    t5, a3, -64             /* 64 bytes a turn */
	bgtu    a0, t5, 4f
3:	ld      t0, 0(a1)
	ld      t1, 8(a1)
	ld      t2, 16(a1)
	ld      t3, 24(a1)
	ld      t4, 32(a1)
	ld      a4, 40(a1)
	ld      a5, 48(a1)
	ld      a6, 56(a1)
	addi    a1, a1, 64
	sd      t0, 0(a0)
	sd      t1, 8(a0)
	sd      t2, 16(a0)
	sd      t3, 24(a0)
	sd      t4, 32(a0)
	sd      a4, 40(a0)
	sd      a5, 48(a0)
	sd      a6, 56(a0)
	addi    a0, a0, 64
	bleu    a0, t5, 3b

4:	addi    t5, a3, -8              /* words */
	bgtu    a0, t5, 5f
	ld      t0, 0(a1)
	addi    a1, a1, 8
	sd      t0, 0(a0)
	addi    a0, a0, 8
	j       4b

5:	beq     a0, a3, 6f              /* bytes */
	lb      t0, 0(a1)
	addi    a1, a1, 1
	sb      t0, 0(a0)
	addi    a0, a0, 1
	j       5b

6:	csrc    sstatus, t6
	li      a0, 0
	ret

8:	or      t0, t0, a2              /* fewer than 16 */
	andi    t0, t0, 3
	bnez    t0, 5b
9:	beq     a0, a3, 6b              /* 4 bytes a turn */
	lw      t0, 0(a1)
	addi    a1, a1, 4
	sw      t0, 0(a0)
	addi    a0, a0, 4
	j       9b
	.size   copy_bytes, . - copy_bytes

/*
 * kern_return_t copy_string(char *dst, const char *src, size_t n, size_t *copied)
 * Stops behind a NUL or after n bytes; *copied (kernel memory) counts the bytes
 * written, NUL included.
 */
	.globl  copy_string
	.type   copy_string, @function
copy_string:
	li      t6, SSTATUS_SUM
	csrs    sstatus, t6
	mv      t1, a0
	add     a2, a2, a0
1:	beq     a0, a2, 2f
	lbu     t0, 0(a1)
	addi    a1, a1, 1
	sb      t0, 0(a0)
	addi    a0, a0, 1
	bnez    t0, 1b
2:	csrc    sstatus, t6
	sub     a0, a0, t1
	sd      a0, 0(a3)
	li      a0, 0
	ret
	.size   copy_string, . - copy_string

copy_end:
/* a0 = result of the fault */
copy_fault:
	li      t6, SSTATUS_SUM
	csrc    sstatus, t6
	ret
