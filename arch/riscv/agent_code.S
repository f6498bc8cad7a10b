/*
 * agent_code.S: what an agent thread runs in U-mode (kernel/agent.c).
 *
 * Position independent, less than a page; copied into a page that all tasks
 * map read-execute. An operation begins at its label with
 *
 *	a0 = address, a1 = size (or the value to store), a2 = fill pattern
 *
 * and ends in agent_done with the result in a0: an ecall that the kernel takes
 * from agent threads only, and from which it never returns here: the next
 * request begins at its own label with all registers set anew.
 *
 * There is no stack. A fault that is not resolved ends the request as well.
 */
#include <arch/trap.h>

	.section .rodata
	.balign 8
	.globl	agent_code_start, agent_code_end
	.globl	agent_load1, agent_load2, agent_load4, agent_load8
	.globl	agent_store1, agent_store2, agent_store4, agent_store8
	.globl	agent_touch_read, agent_touch_write, agent_fill, agent_sum, agent_exec
agent_code_start:

agent_load1:
	lbu	a0, 0(a0)
	j	agent_done
agent_load2:
	lhu	a0, 0(a0)
	j	agent_done
agent_load4:
	lwu	a0, 0(a0)
	j	agent_done
agent_load8:
	ld	a0, 0(a0)
	j	agent_done

agent_store1:
	sb	a1, 0(a0)
	j	agent_done
agent_store2:
	sh	a1, 0(a0)
	j	agent_done
agent_store4:
	sw	a1, 0(a0)
	j	agent_done
agent_store8:
	sd	a1, 0(a0)
	j	agent_done

	/* One byte at a0, then the first of each later page. a1 = bytes, not 0. */
agent_touch_read:
	add	a1, a0, a1
	li	t0, 4096
	neg	t1, t0
1:	lbu	t2, 0(a0)
	add	a0, a0, t0
	and	a0, a0, t1
	bltu	a0, a1, 1b
	j	agent_done

agent_touch_write:
	add	a1, a0, a1
	li	t0, 4096
	neg	t1, t0
1:	lbu	t2, 0(a0)
	sb	t2, 0(a0)
	add	a0, a0, t0
	and	a0, a0, t1
	bltu	a0, a1, 1b
	j	agent_done

	/* a2 = the byte, eight times. In order, so that it stops where it faults. */
agent_fill:
	add	a1, a0, a1
1:	beq	a0, a1, agent_done
	andi	t0, a0, 7
	beqz	t0, 2f
	sb	a2, 0(a0)
	addi	a0, a0, 1
	j	1b
2:	addi	t0, a1, -64
	bltu	t0, a0, 4f
3:	sd	a2, 0(a0)
	sd	a2, 8(a0)
	sd	a2, 16(a0)
	sd	a2, 24(a0)
	sd	a2, 32(a0)
	sd	a2, 40(a0)
	sd	a2, 48(a0)
	sd	a2, 56(a0)
	addi	a0, a0, 64
	bgeu	t0, a0, 3b
4:	addi	t0, a1, -8
5:	bltu	t0, a0, 6f
	sd	a2, 0(a0)
	addi	a0, a0, 8
	j	5b
6:	beq	a0, a1, agent_done
	sb	a2, 0(a0)
	addi	a0, a0, 1
	j	6b

	/* Bytes up to alignment, then eight at a time in four lanes of 16 bits. */
agent_sum:
	add	a1, a0, a1
	li	a3, 0
	li	t3, 0x00ff00ff00ff00ff
	li	t4, 0x0001000100010001
1:	beq	a0, a1, 4f
	andi	t0, a0, 7
	beqz	t0, 2f
	lbu	t1, 0(a0)
	addi	a0, a0, 1
	add	a3, a3, t1
	j	1b
2:	addi	t0, a1, -8
3:	bltu	t0, a0, 5f
	ld	t1, 0(a0)
	addi	a0, a0, 8
	srli	t2, t1, 8
	and	t1, t1, t3
	and	t2, t2, t3
	add	t1, t1, t2              /* four sums of two bytes */
	mul	t1, t1, t4
	srli	t1, t1, 48              /* their sum: below 2^11 */
	add	a3, a3, t1
	j	3b
5:	beq	a0, a1, 4f
	lbu	t1, 0(a0)
	addi	a0, a0, 1
	add	a3, a3, t1
	j	5b
4:	mv	a0, a3
	j	agent_done

agent_exec:
	jalr	a0

agent_done:
	li	a7, TRAP_SYSCALLS - 2
	ecall
	ebreak
	.balign 8
agent_code_end:
