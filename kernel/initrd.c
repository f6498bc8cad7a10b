/*
 * initrd.c: reading the initial ramdisk (kernel/initrd.h).
 *
 *	header (110 bytes of ASCII) | name, NUL | pad to 4 | data | pad to 4 | next header
 *
 * Every entry is decoded anew: archives are small, and there is no state that
 * could disagree with the bytes. All arithmetic is on offsets that were first
 * compared with what is left.
 */
#include <kernel/initrd.h>
#include <machine/vmparam.h>
#include <string.h>

#define CPIO_HEADER     110u
#define CPIO_MODE       14u             /* offsets of the fields we need */
#define CPIO_FILESIZE   54u
#define CPIO_NAMESIZE   94u
#define CPIO_NAME_MAX   4096u

#define MODE_TYPE       0170000u
#define MODE_FILE       0100000u

static const char *initrd_data;
static size_t      initrd_bytes;

void
initrd_set(const void *data, size_t size)
{
	initrd_data = data;
	initrd_bytes = size;
}

void
initrd_init(paddr_t start, paddr_t end)
{
	if (end > start && end <= DIRECT_SIZE)
		initrd_set(phys_to_virt(start), end - start);
}

bool
initrd_begins(const void *data, size_t size)
{
	return size >= CPIO_HEADER &&
	    (memcmp(data, "070701", 6) == 0 || memcmp(data, "070702", 6) == 0);
}

void
initrd_get(const void **data, size_t *size)
{
	*data = initrd_data;
	*size = initrd_bytes;
}

/* Eight hexadecimal digits at p. FALSE: they are not. */
static bool
cpio_field(const char *p, uint32_t *value)
{
	uint32_t v = 0;

	for (unsigned i = 0; i < 8; i++) {
		char c = p[i];
		unsigned digit;

		if (c >= '0' && c <= '9')
			digit = (unsigned)(c - '0');
		else if (c >= 'a' && c <= 'f')
			digit = (unsigned)(c - 'a') + 10;
		else if (c >= 'A' && c <= 'F')
			digit = (unsigned)(c - 'A') + 10;
		else
			return false;
		v = v << 4 | digit;
	}
	*value = v;
	return true;
}

static const char *
skip_prefix(const char *name)
{
	for (;;) {
		if (name[0] == '/')
			name++;
		else if (name[0] == '.' && name[1] == '/')
			name += 2;
		else
			return name;
	}
}

/* Bytes to skip so that an offset becomes a multiple of 4. */
static size_t
pad4(size_t offset)
{
	return -offset & 3;
}

bool
initrd_next(size_t *cursor, struct initrd_file *f)
{
	size_t at = *cursor, left;
	const char *h;
	uint32_t mode, size, namesize;

	if (at > initrd_bytes || initrd_bytes - at < CPIO_HEADER)
		return false;
	h = initrd_data + at;
	if (!initrd_begins(h, CPIO_HEADER) || !cpio_field(h + CPIO_MODE, &mode) ||
	    !cpio_field(h + CPIO_FILESIZE, &size) || !cpio_field(h + CPIO_NAMESIZE, &namesize))
		return false;
	at += CPIO_HEADER;
	left = initrd_bytes - at;
	if (namesize == 0 || namesize > CPIO_NAME_MAX || namesize > left ||
	    initrd_data[at + namesize - 1] != '\0')
		return false;
	f->name = skip_prefix(initrd_data + at);
	if (strcmp(f->name, "TRAILER!!!") == 0)
		return false;
	at += namesize;
	at += pad4(at);
	if (at > initrd_bytes || size > initrd_bytes - at)
		return false;
	f->data = (const uint8_t *)initrd_data + at;
	f->size = size;
	f->mode = mode;
	at += size;
	*cursor = at + pad4(at);
	return true;
}

bool
initrd_lookup(const char *path, struct initrd_file *f)
{
	size_t cursor = 0;

	path = skip_prefix(path);
	while (initrd_next(&cursor, f))
		if ((f->mode & MODE_TYPE) == MODE_FILE && strcmp(f->name, path) == 0)
			return true;
	return false;
}
