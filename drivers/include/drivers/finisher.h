/*
 * drivers/finisher.h: ending the run through a device.
 *
 * QEMU's test finisher (sifive,test0/1) carries an exit status to the host. Where
 * the tree has none, finisher_exit returns and the caller asks the firmware, then
 * what drivers/reset.h knows.
 */
#ifndef DRIVERS_FINISHER_H
#define DRIVERS_FINISHER_H

#include <base/types.h>

/* TRUE: there is a device that carries a status. */
bool finisher_present(void);
/* Ends the run; returns only if no device did it. status: 0..127 on QEMU. */
void finisher_exit(int status);

#endif
