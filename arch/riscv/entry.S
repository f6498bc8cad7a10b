/*
 * entry.S: the first instructions of the boot hart, and of every other one.
 *
 *	firmware ──> _start (header) ──> boot: one hart only, stvec, move to a
 *	  megapage boundary if need be, clear BSS, stack
 *	    ──> paging_boot (C, physical addresses): first line, page tables
 *	    ──> satp ──> kernel_main (C, linked addresses)
 *	hart_start (HSM) ──> hart_entry ──> satp ──> hart_main (C)
 *
 * Paging is switched on by letting the fetch after the write of satp fault:
 * physical addresses are not mapped, and stvec names the linked address of the
 * next instruction. So no identity mapping is needed, and where satp does not
 * take the mode the code simply goes on at physical addresses and says so.
 *
 * Until trap_init every trap ends in early_trap: a message through SBI and the
 * end, never a loop.
 *
 * Before paging all code is position independent: medany addressing, no jump
 * tables, no pointers that the linker initialised.
 */
#include <arch/csr.h>

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

	/* Firmware without HSM lets all harts in: the first one boots. */
	lla     t0, boot_lottery
	li      t1, 1
	amoadd.w t1, t1, (t0)
	beqz    t1, boot_align
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
	ld      a2, 0(a1)               /* satp */
	ld      sp, 8(a1)               /* linked addresses */
	ld      tp, 16(a1)
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

	/* Not in BSS: used before it is cleared. */
	.section .data
	.balign 4
boot_lottery:
	.word   0
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
