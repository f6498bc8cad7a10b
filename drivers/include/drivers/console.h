/*
 * drivers/console.h: what a console device offers to the kernel.
 */
#ifndef DRIVERS_CONSOLE_H
#define DRIVERS_CONSOLE_H

#include <base/types.h>

struct console_device {
	const char *name;
	void      (*putc)(struct console_device *d, char c);    /* waits for room, bounded */
	int       (*getc)(struct console_device *d);            /* -1: nothing there */
	void      (*irq_enable)(struct console_device *d);      /* receive interrupts on; NULL: poll only */
	void       *cookie;
	uint32_t    irq;                /* PLIC source, or 0: poll */
};

#endif
