/*
 * kernel/power.h: the end of a run.
 *
 * An SBI shutdown always makes QEMU exit 0, so a verdict goes through the test
 * finisher where the tree has one, and always through the console's last line:
 * "atlas: exit status N".
 */
#ifndef KERNEL_POWER_H
#define KERNEL_POWER_H

#include <base/types.h>

void power_off(int status) noreturn_fn;
void power_reboot(void) noreturn_fn;

#endif
