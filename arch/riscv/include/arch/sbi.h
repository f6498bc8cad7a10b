/*
 * arch/sbi.h: calls to the firmware below (RISC-V Supervisor Binary Interface).
 *
 * sbi_init probes once which extensions exist; sbi_has answers from that.
 * Before sbi_init only the console calls may be used: they probe by
 * themselves. Every call's result is returned or checked; where the standard
 * extension is missing the legacy call does the work if there is one.
 *
 * Sets of harts are words of dense indices (bit i = harts[i]), as everywhere
 * in the kernel; sbi.c turns them into the firmware's base-and-mask pairs, so
 * hart ids may be sparse. The calling hart may be in the set.
 */
#ifndef ARCH_SBI_H
#define ARCH_SBI_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct sbiret {
	long     error;         /* 0, or SBI_ERR_* */
	uint64_t value;
};

#define SBI_SUCCESS              0
#define SBI_ERR_FAILED          (-1)
#define SBI_ERR_NOT_SUPPORTED   (-2)
#define SBI_ERR_INVALID_PARAM   (-3)
#define SBI_ERR_DENIED          (-4)
#define SBI_ERR_INVALID_ADDRESS (-5)
#define SBI_ERR_ALREADY_AVAILABLE (-6)
#define SBI_ERR_ALREADY_STARTED (-7)
#define SBI_ERR_ALREADY_STOPPED (-8)

#define SBI_EXT_BASE    0x10
#define SBI_EXT_TIME    0x54494D45
#define SBI_EXT_IPI     0x735049
#define SBI_EXT_RFENCE  0x52464E43
#define SBI_EXT_HSM     0x48534D
#define SBI_EXT_SRST    0x53525354
#define SBI_EXT_DBCN    0x4442434E

/* Bits of sbi_info.has: extensions, probed, ... */
#define SBI_HAS_TIME    0x01u
#define SBI_HAS_IPI     0x02u
#define SBI_HAS_RFENCE  0x04u
#define SBI_HAS_HSM     0x08u
#define SBI_HAS_SRST    0x10u
#define SBI_HAS_DBCN    0x20u
/* ... and what can be done at all, by extension or legacy call (sbi_init_calls). */
#define SBI_CAN_TIME    0x100u
#define SBI_CAN_IPI     0x200u
#define SBI_CAN_RFENCE  0x400u

struct sbi_info {
	uint32_t has;
	uint64_t spec_version;          /* major << 24 | minor; 0: legacy (0.1) */
	uint64_t impl_id, impl_version;
	uint64_t mvendorid, marchid, mimpid;
};
extern struct sbi_info sbi_info;

/* The raw call: extension, function, up to six arguments. */
struct sbiret sbi_call(uint64_t ext, uint64_t fid, uint64_t a0, uint64_t a1,
    uint64_t a2, uint64_t a3, uint64_t a4, uint64_t a5);

void sbi_init(void);
/*
 * Boot, after sbi_init, harts[0] is known, interrupts off: tries the legacy
 * calls where an extension is missing (each on this hart alone) and sets the
 * SBI_CAN_* bits. Leaves the timer far away; a software interrupt of this hart
 * may be pending.
 */
void sbi_init_calls(void);
static inline bool sbi_has(uint32_t bit) { return (sbi_info.has & bit) != 0; }

/*
 * Console. Position independent, need no sbi_init: usable before paging.
 * sbi_getchar: -1 when nothing is there or the firmware has no input.
 */
void sbi_putchar(char c);
int  sbi_getchar(void);

/* The next timer interrupt of this hart, absolute, in ticks of `time`; ~0: never. */
void sbi_set_timer(uint64_t deadline);

/* Software interrupt to these harts. FALSE: the firmware refused. */
bool sbi_send_ipi(uint64_t hart_set);

/*
 * Remote fences; complete when they return. size 0 or ~0: the whole address
 * space. A refusal is a panic: there is no other way to keep TLBs right.
 */
void sbi_remote_fence_i(uint64_t hart_set);
void sbi_remote_sfence_vma(uint64_t hart_set, uint64_t start, uint64_t size);
void sbi_remote_sfence_vma_asid(uint64_t hart_set, uint64_t start, uint64_t size, uint64_t asid);

/* Starts firmware's hart `hartid` at physical pc, with a1 = opaque. 0 or SBI_ERR_*. */
long sbi_hart_start(uint64_t hartid, uint64_t pc, uint64_t opaque);
/* HSM state (0 started, 1 stopped, ...) or SBI_ERR_*. */
long sbi_hart_status(uint64_t hartid);

/* Return only when the firmware cannot. */
void sbi_shutdown(void);
void sbi_reboot(void);

#endif
