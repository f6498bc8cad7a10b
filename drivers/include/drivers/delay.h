/*
 * drivers/delay.h: time, for devices that need some.
 *
 * An upcall: arch/riscv supplies it on the machine, the tests on the host.
 */
#ifndef DRIVERS_DELAY_H
#define DRIVERS_DELAY_H

#include <base/types.h>

/* Returns after at least so many microseconds, without sleeping. Any lock may be held. */
void delay_us(uint64_t us);

#endif
