/*
 * arch/early.h: words before there is anything to say them with.
 *
 * Straight to SBI, no locks, no formatting, position independent: usable from
 * the first C instruction on, before and after paging.
 */
#ifndef ARCH_EARLY_H
#define ARCH_EARLY_H

#include <base/types.h>

void early_puts(const char *s);
void early_puthex(uint64_t v);
/* Says why and shuts down through SBI; where that fails, waits for ever. */
void early_stop(const char *why) noreturn_fn;
/* entry.S: a trap before trap_init. */
void early_trap_report(uint64_t scause, uint64_t sepc, uint64_t stval) noreturn_fn;

#endif
