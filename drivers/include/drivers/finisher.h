/*
 * drivers/finisher.h: ending the run through a device.
 *
 * QEMU's test finisher (sifive,test0/1) carries an exit status to the host; a
 * syscon-poweroff or syscon-reboot node is the same without a status. Where the
 * tree has neither, both functions return and the caller asks SBI.
 */
#ifndef DRIVERS_FINISHER_H
#define DRIVERS_FINISHER_H

#include <base/types.h>

/* TRUE: there is a device that carries a status. */
bool finisher_present(void);
/* Ends the run; returns only if no device did it. status: 0..127 on QEMU. */
void finisher_exit(int status);
void finisher_reboot(void);

#endif
