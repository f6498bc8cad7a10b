/*
 * arch/timer.h: the time counter and this hart's next timer interrupt.
 *
 * `time` counts at the tree's timebase-frequency; on some boards reading it
 * traps to firmware (hundreds of cycles), so hot paths must not. The interrupt
 * is level-like: it stays pending until a later deadline is set.
 */
#ifndef ARCH_TIMER_H
#define ARCH_TIMER_H

#include <stdbool.h>
#include <stdint.h>

extern uint64_t timer_hz;       /* ticks per second */
extern bool     timer_sstc;     /* the comparator is ours, no firmware call */
extern bool     timer_silent;   /* neither: no timer interrupt ever comes; idle harts ask timer_due */

/* Boot, after sbi_init: frequency (0: 10 MHz is assumed) and whether the isa string has sstc. */
void     timer_init(uint64_t hz, bool isa_sstc);
uint64_t timer_now(void);                       /* ticks */
uint64_t timer_us(void);                        /* microseconds since timer_init */
uint64_t timer_us_to_ticks(uint64_t us);
/* Next interrupt of this hart at `deadline` (ticks, absolute); ~0: none. Clears a pending one. */
void     timer_set(uint64_t deadline);
/* Where timer_silent: has this hart's deadline passed? Then it is as if the interrupt came. */
bool     timer_due(void);

#endif
