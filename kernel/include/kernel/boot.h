/*
 * kernel/boot.h: what boot found out, for those who come later.
 */
#ifndef KERNEL_BOOT_H
#define KERNEL_BOOT_H

#include <drivers/platform.h>

/* The decoded device tree; read only once boot is over. */
extern struct platform boot_platform;

/*
 * The value of boot argument `name` ("mode" of "mode=sv39 ..."): copied into
 * buf, terminated, cut. A value may be quoted with " to hold blanks. A bare
 * word has the value "". FALSE: not there.
 */
bool boot_arg(const char *name, char *buf, size_t size);

#endif
