/*
 * kernel/initrd.h: files of the initial ramdisk, a cpio archive (newc form).
 *
 * The archive is read where the firmware put it, through the direct map, and
 * never changed. It comes from outside: every length is checked against the
 * end before it is believed, and a damaged archive simply ends at the damage.
 */
#ifndef KERNEL_INITRD_H
#define KERNEL_INITRD_H

#include <base/types.h>

struct initrd_file {
	const char    *name;            /* terminated; without a leading "./" or "/" */
	const uint8_t *data;
	size_t         size;
	uint32_t       mode;            /* as in stat: 0100000 is a plain file, 0040000 a directory */
};

/* Could an archive begin here? */
bool initrd_begins(const void *data, size_t size);
/* Boot, once: the physical range of the archive; an empty one is allowed. */
void initrd_init(paddr_t start, paddr_t end);
/* The same over memory that is mapped anyway (tests). */
void initrd_set(const void *data, size_t size);
void initrd_get(const void **data, size_t *size);

/* *cursor: 0 for the first file, then as left. FALSE: no more, or damaged from here on. */
bool initrd_next(size_t *cursor, struct initrd_file *f);
/* The plain file with this name ("./" and "/" in front are ignored on both sides). */
bool initrd_lookup(const char *path, struct initrd_file *f);

#endif
