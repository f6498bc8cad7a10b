/*
 * arch/csr.h: control and status registers, as C and assembly see them.
 *
 * Accessors are macros because a CSR number is part of the instruction. Those
 * that change what later accesses mean carry a memory clobber, so that the
 * compiler moves no load or store across them.
 */
#ifndef ARCH_CSR_H
#define ARCH_CSR_H

/* sstatus */
#define SSTATUS_SIE         0x00000002
#define SSTATUS_SPIE        0x00000020
#define SSTATUS_SPP         0x00000100
#define SSTATUS_VS          0x00000600
#define SSTATUS_FS          0x00006000
#define SSTATUS_FS_OFF      0x00000000
#define SSTATUS_FS_INITIAL  0x00002000
#define SSTATUS_FS_CLEAN    0x00004000
#define SSTATUS_FS_DIRTY    0x00006000
#define SSTATUS_XS          0x00018000
#define SSTATUS_SUM         0x00040000
#define SSTATUS_MXR         0x00080000

/* sie, sip */
#define SIE_SSIE            0x002       /* software: IPI */
#define SIE_STIE            0x020       /* timer */
#define SIE_SEIE            0x200       /* external: PLIC */

/* scause */
#define SCAUSE_INTERRUPT    (1ul << 63)
#define IRQ_S_SOFT          1
#define IRQ_S_TIMER         5
#define IRQ_S_EXT           9

#define EXC_INST_MISALIGNED 0
#define EXC_INST_ACCESS     1
#define EXC_ILLEGAL_INST    2
#define EXC_BREAKPOINT      3
#define EXC_LOAD_MISALIGNED 4
#define EXC_LOAD_ACCESS     5
#define EXC_STORE_MISALIGNED 6
#define EXC_STORE_ACCESS    7
#define EXC_ECALL_U         8
#define EXC_ECALL_S         9
#define EXC_INST_PAGE       12
#define EXC_LOAD_PAGE       13
#define EXC_STORE_PAGE      15

/* satp */
#define SATP_MODE_SHIFT     60
#define SATP_MODE_BARE      0ul
#define SATP_MODE_SV39      8ul
#define SATP_MODE_SV48      9ul
#define SATP_MODE_SV57      10ul
#define SATP_ASID_SHIFT     44
#define SATP_ASID_MASK      0xfffful
#define SATP_PPN_MASK       ((1ul << 44) - 1)

/* Sstc's comparator, by number: the assembler's -march need not know it. */
#define CSR_STIMECMP        0x14d

#ifndef __ASSEMBLER__

#include <stdint.h>

#define CSR_STR_(x) #x
#define CSR_STR(x)  CSR_STR_(x)

#define csr_read(csr) \
	({ \
		uint64_t csr_v_; \
		__asm__ volatile("csrr %0, " CSR_STR(csr) : "=r"(csr_v_) :: "memory"); \
		csr_v_; \
	})
#define csr_write(csr, v) \
	__asm__ volatile("csrw " CSR_STR(csr) ", %0" :: "rK"((uint64_t)(v)) : "memory")
#define csr_set(csr, v) \
	__asm__ volatile("csrs " CSR_STR(csr) ", %0" :: "rK"((uint64_t)(v)) : "memory")
#define csr_clear(csr, v) \
	__asm__ volatile("csrc " CSR_STR(csr) ", %0" :: "rK"((uint64_t)(v)) : "memory")

/* Local fences. The kernel's own global leaves have G set: no ASID variant drops them. */
static inline void
sfence_vma_all(void)
{
	__asm__ volatile("sfence.vma" ::: "memory");
}

static inline void
sfence_vma_va(uint64_t va)
{
	__asm__ volatile("sfence.vma %0, zero" :: "r"(va) : "memory");
}

static inline void
sfence_vma_asid(uint64_t asid)
{
	__asm__ volatile("sfence.vma zero, %0" :: "r"(asid) : "memory");
}

static inline void
sfence_vma_va_asid(uint64_t va, uint64_t asid)
{
	__asm__ volatile("sfence.vma %0, %1" :: "r"(va), "r"(asid) : "memory");
}

static inline void
fence_i(void)
{
	__asm__ volatile("fence.i" ::: "memory");
}

static inline void
wfi(void)
{
	__asm__ volatile("wfi" ::: "memory");
}

#endif /* __ASSEMBLER__ */
#endif
