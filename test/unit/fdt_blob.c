/*
 * fdt_blob.c: see fdt_blob.h.
 */
#include <stdarg.h>
#include <string.h>
#include <base/print.h>
#include "fdt_blob.h"

static struct {
	uint8_t  structure[BLOB_MAX - 4096];
	size_t   structure_len;
	char     strings[2048];
	size_t   strings_len;
	uint64_t reserve[32][2];
	size_t   reserves;
	uint8_t  out[BLOB_MAX];
} blob;

void
blob_put32(uint8_t *at, uint32_t v)
{
	at[0] = (uint8_t)(v >> 24);
	at[1] = (uint8_t)(v >> 16);
	at[2] = (uint8_t)(v >> 8);
	at[3] = (uint8_t)v;
}

void
blob_start(void)
{
	memset(&blob, 0, sizeof(blob));
}

void
blob_token(uint32_t t)
{
	KASSERT(blob.structure_len + 4 <= sizeof(blob.structure), ("test tree too large"));
	blob_put32(blob.structure + blob.structure_len, t);
	blob.structure_len += 4;
}

/* Padded with zeros to a whole token. */
static void
put_data(const void *data, size_t len)
{
	size_t padded = (len + 3) & ~(size_t)3;

	KASSERT(blob.structure_len + padded <= sizeof(blob.structure), ("test tree too large"));
	if (len != 0)
		memcpy(blob.structure + blob.structure_len, data, len);
	blob.structure_len += padded;
}

void
blob_node(const char *name)
{
	blob_token(1);
	put_data(name, strlen(name) + 1);
}

void
blob_end(void)
{
	blob_token(2);
}

/* The offset of a name in the strings block, added when it is new. */
static uint32_t
name_offset(const char *name)
{
	size_t at = 0, len = strlen(name) + 1;

	while (at < blob.strings_len) {
		if (strcmp(blob.strings + at, name) == 0)
			return (uint32_t)at;
		at += strlen(blob.strings + at) + 1;
	}
	KASSERT(at + len <= sizeof(blob.strings), ("test tree has too many names"));
	memcpy(blob.strings + at, name, len);
	blob.strings_len += len;
	return (uint32_t)at;
}

void
blob_bytes(const char *name, const void *data, size_t len)
{
	blob_token(3);
	blob_token((uint32_t)len);
	blob_token(name_offset(name));
	put_data(data, len);
}

void
blob_string(const char *name, const char *value)
{
	blob_bytes(name, value, strlen(value) + 1);
}

void
blob_cells(const char *name, unsigned count, ...)
{
	va_list ap;

	blob_token(3);
	blob_token(4 * count);
	blob_token(name_offset(name));
	va_start(ap, count);
	while (count-- > 0)
		blob_token(va_arg(ap, unsigned));
	va_end(ap);
}

void
blob_reg64(uint64_t base, uint64_t size)
{
	blob_cells("reg", 4, (unsigned)(base >> 32), (unsigned)base, (unsigned)(size >> 32),
	    (unsigned)size);
}

void
blob_reserve(uint64_t base, uint64_t size)
{
	KASSERT(blob.reserves < nitems(blob.reserve) - 1, ("too many reservations"));
	blob.reserve[blob.reserves][0] = base;
	blob.reserve[blob.reserves++][1] = size;
}

uint8_t *
blob_finish(size_t *size)
{
	size_t reserve = 40, structure, strings, i;
	uint8_t *o = blob.out;

	blob_token(9);
	structure = reserve + 16 * (blob.reserves + 1);
	strings = structure + blob.structure_len;
	*size = strings + blob.strings_len;
	KASSERT(*size <= sizeof(blob.out), ("test tree too large"));
	blob_put32(o, 0xd00dfeed);
	blob_put32(o + 4, (uint32_t)*size);
	blob_put32(o + 8, (uint32_t)structure);
	blob_put32(o + 12, (uint32_t)strings);
	blob_put32(o + 16, (uint32_t)reserve);
	blob_put32(o + 20, 17);
	blob_put32(o + 24, 16);
	blob_put32(o + 32, (uint32_t)blob.strings_len);
	blob_put32(o + 36, (uint32_t)blob.structure_len);
	for (i = 0; i <= blob.reserves; i++) {
		blob_put32(o + reserve + 16 * i, (uint32_t)(blob.reserve[i][0] >> 32));
		blob_put32(o + reserve + 16 * i + 4, (uint32_t)blob.reserve[i][0]);
		blob_put32(o + reserve + 16 * i + 8, (uint32_t)(blob.reserve[i][1] >> 32));
		blob_put32(o + reserve + 16 * i + 12, (uint32_t)blob.reserve[i][1]);
	}
	memcpy(o + structure, blob.structure, blob.structure_len);
	memcpy(o + strings, blob.strings, blob.strings_len);
	return o;
}
