/*
 * arch/hart_boot.h: what a hart that is started finds, between hart.c and entry.S.
 *
 * One entry a hart, filled before the firmware is asked and kept for ever: a hart
 * may come late, and may come to where the boot hart began (entry.S: hart_late).
 */
#ifndef ARCH_HART_BOOT_H
#define ARCH_HART_BOOT_H

#define HB_SATP     0
#define HB_SP       8
#define HB_HART     16
#define HB_HARTID   24
#define HB_CALLED   32
#define HB_SIZE     64

#ifndef __ASSEMBLER__

#include <machine/hart.h>

struct hart_boot {
	uint64_t     satp;
	uint64_t     sp;                /* linked addresses */
	struct hart *hart;
	uint64_t     hartid;
	uint32_t     called;            /* 1: the rest is valid */
	uint32_t     state;             /* hart.c */
} __attribute__((aligned(HB_SIZE)));

_Static_assert(offsetof(struct hart_boot, satp) == HB_SATP, "entry.S");
_Static_assert(offsetof(struct hart_boot, sp) == HB_SP, "entry.S");
_Static_assert(offsetof(struct hart_boot, hart) == HB_HART, "entry.S");
_Static_assert(offsetof(struct hart_boot, hartid) == HB_HARTID, "entry.S");
_Static_assert(offsetof(struct hart_boot, called) == HB_CALLED, "entry.S");
_Static_assert(sizeof(struct hart_boot) == HB_SIZE, "entry.S");

extern struct hart_boot hart_boot[MAXHARTS];
/* 1: no hart will be called any more; who waits in entry.S parks. */
extern uint32_t hart_calls_closed;

#endif
#endif
