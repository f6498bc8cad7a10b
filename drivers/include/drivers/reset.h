/*
 * drivers/reset.h: ways to switch off or restart that the device tree names.
 *
 * Each is found and mapped at boot, so that using it needs nothing but stores:
 * it must work from a crash report. Ways are tried in the order of their rank,
 * after the firmware's (kernel/power.c).
 */
#ifndef DRIVERS_RESET_H
#define DRIVERS_RESET_H

#include <base/types.h>

enum reset_what { RESET_OFF, RESET_RESTART };

/* What disturbs least is tried first. */
enum { RESET_BY_REGISTER, RESET_BY_PIN, RESET_BY_WATCHDOG };

struct reset_way {
	const char *name;               /* constant: what the tree calls it */
	unsigned    rank;               /* RESET_BY_* */
	void      (*run)(void *arg);    /* returns when it did not work, after some seconds at most */
	void       *arg;
};

/* From a driver's attach, with interrupts off. FALSE: no room; way is copied. */
bool reset_add(enum reset_what what, const struct reset_way *way);
/* Way i in the order of trying; NULL: there are no more. */
const struct reset_way *reset_way(enum reset_what what, unsigned i);

#endif
