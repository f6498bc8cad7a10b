/*
 * entry.S: the first instructions of the boot hart, and of every other one.
 *
 *	firmware ──> _start (header) ──> boot: one hart only, stvec, move to a
 *	  megapage boundary if need be, clear BSS, stack
 *	    ──> paging_boot (C, physical addresses): first line, page tables
 *	    ──> satp ──> kernel_main (C, linked addresses)
 *	hart_start (HSM) ──> hart_entry ──> satp ──> hart_main (C)
 *	  or, by mistake, ──> _start ──> hart_late ──> hart_entry
 *
 * Paging is switched on by letting the fetch after the write of satp fault:
 * physical addresses are not mapped, and stvec names the linked address of the
 * next instruction. So no identity mapping is needed, and where satp does not
 * take the mode the code simply goes on at physical addresses and says so.
 *
 * Until trap_init every trap ends in early_trap: a message through SBI and the
 * end, never a loop.
 *
 * Harts that come to _start behind the boot hart: firmware without HSM lets all
 * in, and firmware with it may send a hart that was asked for to where the first
 * one began (OpenSBI 1.1 says that a hart is to start before it says where). They
 * wait in hart_late until the boot hart says where the running image is
 * (boot_home), and then until one of these is true: hart_boot[] has an entry for
 * them, so they were asked for and begin there; or hart_calls_closed, so they
 * park. All that they touch before is code of this section and two words behind
 * it, in the image's first page: where the image moved up, that page stays as it
 * was, because what lies below the running image is never given out.
 *
 * Before paging all code is position independent: medany addressing, no jump
 * tables, no pointers that the linker initialised.
 */
#include <arch/csr.h>
#include <arch/hart_boot.h>
#include <machine/param.h>

#define BOOT_STACK_SIZE     16384
#define EARLY_STACK_SIZE    2048
#define MEGAPAGE            0x200000

	.section .head.text, "ax", @progbits
	.globl  _start
	.option push
	.option norvc
	/* Linux's boot header: U-Boot's booti and others look for it. */
	j       boot
	.word   0
	.dword  0x200000                /* text_offset from the start of memory */
	.dword  _image_size             /* with BSS */
	.dword  0                       /* little endian */
	.word   2                       /* header version 0.2 */
	.word   0
	.dword  0
	.ascii  "RISCV\0\0\0"
	.ascii  "RSC\x05"
	.word   0
	.option pop

/* a0 = hart id, a1 = device tree (physical) */
boot:
	csrw    sie, zero
	csrw    sip, zero
	li      t0, SSTATUS_FS | SSTATUS_VS | SSTATUS_SUM | SSTATUS_MXR | SSTATUS_SIE
	csrc    sstatus, t0
	csrw    sscratch, zero
	lla     t0, early_trap
	csrw    stvec, t0

	lla     t0, boot_lottery
	li      t1, 1
	amoswap.w t1, t1, (t0)
	beqz    t1, boot_align

/* Not the first: a0 = hart id; a1 is whatever firmware left there. */
hart_late:
	lla     t0, boot_home
	call    hart_pause
	ld      t1, 0(t0)
	beqz    t1, hart_late
	fence   r, rw
	fence.i
	lla     t2, _start
	lla     t3, hart_called
	sub     t3, t3, t2
	add     t1, t1, t3
	jr      t1
hart_called:
	lla     t4, early_trap
	csrw    stvec, t4
	lla     t0, hart_calls_closed
	lw      t5, 0(t0)               /* before the table: what was called stays there */
	fence   r, r
	lla     a1, hart_boot
	li      t2, MAXHARTS
1:	lw      t3, HB_CALLED(a1)
	beqz    t3, 2f
	fence   r, r
	ld      t3, HB_HARTID(a1)
	beq     t3, a0, hart_entry
2:	addi    a1, a1, HB_SIZE
	addi    t2, t2, -1
	bnez    t2, 1b
	bnez    t5, hart_park
	call    hart_pause
	j       hart_called

/* Some time without the bus; t6, ra. Interrupts are off, so wfi could be for ever. */
hart_pause:
	li      t6, 512
1:	addi    t6, t6, -1
	bnez    t6, 1b
	ret

hart_park:
	wfi
	j       hart_park

	/*
	 * Not on a megapage boundary: copy the image up to the next one, from
	 * the end down. This loop lies in the first page and the distance is a
	 * multiple of pages, so it does not overwrite itself.
	 */
boot_align:
	lla     t0, _start
	li      t1, MEGAPAGE - 1
	and     t2, t0, t1
	li      t3, 0
	beqz    t2, boot_clear
	add     t3, t0, t1
	not     t1, t1
	and     t3, t3, t1              /* destination */
	sub     t3, t3, t0              /* distance */
	lla     t1, _data_end
1:	addi    t1, t1, -8
	ld      t4, 0(t1)
	add     t5, t1, t3
	sd      t4, 0(t5)
	bne     t1, t0, 1b
	fence.i
	lla     t1, boot_moved
	add     t1, t1, t3
	jr      t1
boot_moved:
	lla     t0, early_trap
	csrw    stvec, t0

boot_clear:
	lla     t0, _bss_start
	lla     t1, _bss_end            /* both multiples of 64 */
1:	sd      zero, 0(t0)
	sd      zero, 8(t0)
	sd      zero, 16(t0)
	sd      zero, 24(t0)
	sd      zero, 32(t0)
	sd      zero, 40(t0)
	sd      zero, 48(t0)
	sd      zero, 56(t0)
	addi    t0, t0, 64
	bne     t0, t1, 1b

	/* Late harts may look at hart_boot[] now; they came to where t3 ago was _start. */
	lla     t0, _start
	lla     t1, boot_home
	fence   rw, w
	sd      t0, 0(t1)
	sub     t1, t1, t3
	sd      t0, 0(t1)

	lla     sp, boot_stack_top
	lla     tp, harts
	mv      s0, a0
	mv      s1, a1
	mv      a0, a1
	call    paging_boot             /* (dtb): satp */
	lla     t0, _start
	li      s2, 0xffffffff80000000
	sub     s2, s2, t0              /* linked minus loaded */
	lla     t1, boot_paged
	add     t1, t1, s2
	csrw    stvec, t1
	sfence.vma
	csrw    satp, a0
	/* Still here: the mode did not take. */
	lla     t0, early_trap
	csrw    stvec, t0
	call    paging_refused

	.balign 4
boot_paged:
	sfence.vma
	lla     t0, early_trap
	csrw    stvec, t0
	add     sp, sp, s2
	add     tp, tp, s2
	mv      a0, s0
	mv      a1, s1
	li      s0, 0
	call    kernel_main             /* (hartid, dtb) */
	j       hart_park

/* a0 = hart id, a1 = physical address of this hart's struct hart_boot */
	.globl  hart_entry
	.balign 4
hart_entry:
	csrw    sie, zero
	li      t0, SSTATUS_FS | SSTATUS_VS | SSTATUS_SUM | SSTATUS_MXR | SSTATUS_SIE
	csrc    sstatus, t0
	csrw    sscratch, zero
	ld      a2, HB_SATP(a1)
	ld      sp, HB_SP(a1)           /* linked addresses */
	ld      tp, HB_HART(a1)
	lla     t0, _start
	li      t2, 0xffffffff80000000
	sub     t2, t2, t0
	lla     t1, hart_paged
	add     t1, t1, t2
	csrw    stvec, t1
	sfence.vma
	csrw    satp, a2
	j       hart_park
	.balign 4
hart_paged:
	sfence.vma
	fence.i
	lla     t0, early_trap
	csrw    stvec, t0
	li      s0, 0
	call    hart_main
	j       hart_park

/*
 * A trap before trap_init. The first one is reported, by the one hart that took
 * it; a trap inside the report stops.
 */
	.balign 4
	.globl  early_trap
early_trap:
	lla     t0, early_trapped
	li      t1, 1
	amoswap.w t1, t1, (t0)
	bnez    t1, hart_park
	lla     sp, early_stack_top
	csrr    a0, scause
	csrr    a1, sepc
	csrr    a2, stval
	call    early_trap_report
	j       hart_park

	/* Here and not in data: what is written before the image moves, and found there after. */
	.balign 8
boot_home:
	.dword  0                       /* physical _start of the image that runs; 0: not yet */
boot_lottery:
	.word   0                       /* 1: the boot hart has come */

	/* Not in BSS: used before it is cleared. */
	.section .data
	.balign 4
early_trapped:
	.word   0

	.section .bss.page_aligned, "aw", @nobits
	.balign 4096
	.globl  boot_stack, boot_stack_top
boot_stack:
	.space  BOOT_STACK_SIZE
boot_stack_top:
	.section .bss
	.balign 16
	.space  EARLY_STACK_SIZE
early_stack_top:
