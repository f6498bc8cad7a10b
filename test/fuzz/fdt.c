/*
 * fdt.c: fuzz target of the device tree reader and of the platform decoder.
 *
 * Whatever the bytes: no access outside them, no endless loop, a sentence for
 * every refusal; and a tree that both we and libfdt accept is read alike.
 *
 * Bytes changed at random are mostly no trees, and both readers refuse them at
 * once. So half of the changes are made to tokens: one of them, or a node with
 * all that is in it, is doubled, moved, removed or made NOPs, and the header is
 * made to fit again.
 */
#include "prog_fdt/oracle.h"

#define TOKENS_MAX 1024u

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max, unsigned seed);
size_t LLVMFuzzerMutate(uint8_t *data, size_t size, size_t max);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fdt f;
	bool good;
	/* Exactly as large, so that one byte too far is seen; libfdt wants it aligned to 8. */
	void *copy = malloc(size);

	if (copy == NULL)
		return 0;
	memcpy(copy, data, size);
	good = exercise(copy, size);
	if (good && fdt_open(copy, size, &f) && fdt_check_full(copy, size) == 0)
		good = compare_tree(&f, copy);
	if (!good) {
		fprintf(stderr, "%s\n", oracle_said);
		abort();
	}
	free(copy);
	return 0;
}

/* --- mutation --- */

/* Tokens of the structure block: token i is [at[i], at[i + 1]), counted from the start of the blob. */
struct tokens {
	uint32_t at[TOKENS_MAX + 1];
	uint32_t n;
};

/* libfdt needs no more than a header for this; n is 0 where there is no tree. */
static void
find_tokens(const void *blob, size_t size, struct tokens *t)
{
	uint32_t start, tag;
	int at = 0, next;

	t->n = 0;
	if (size < sizeof(struct fdt_header) || fdt_check_header(blob) != 0 || fdt_totalsize(blob) > size ||
	    fdt_version(blob) < 17)
		return;
	start = fdt_off_dt_struct(blob);
	do {
		tag = fdt_next_tag(blob, at, &next);
		if (next < 0)
			return;
		t->at[t->n++] = start + (uint32_t)at;
		t->at[t->n] = start + (uint32_t)next;
		at = next;
	} while (tag != FDT_END && t->n < TOKENS_MAX);
}

/* The token behind i, or behind the node that begins there. */
static uint32_t
behind(const void *blob, const struct tokens *t, uint32_t i, bool whole)
{
	unsigned depth = 0;
	uint32_t tag;

	do {
		tag = fdt32_ld((const fdt32_t *)((const char *)blob + t->at[i++]));
		depth += tag == FDT_BEGIN_NODE;
		depth -= tag == FDT_END_NODE && depth > 0;
	} while (whole && depth > 0 && i < t->n);
	return i;
}

/*
 * Puts len bytes of `in` where [at, at + gone) was, in the structure block, and
 * moves what lies behind. Returns the new size, or size when there is no room.
 */
static size_t
splice(uint8_t *blob, size_t size, size_t max, uint32_t at, uint32_t gone, const uint8_t *in, uint32_t len)
{
	if (size - gone + len > max)
		return size;
	memmove(blob + at + len, blob + at + gone, size - at - gone);
	memcpy(blob + at, in, len);
	fdt_set_totalsize(blob, fdt_totalsize(blob) - gone + len);
	fdt_set_size_dt_struct(blob, fdt_size_dt_struct(blob) - gone + len);
	if (fdt_off_dt_strings(blob) > at)
		fdt_set_off_dt_strings(blob, fdt_off_dt_strings(blob) - gone + len);
	if (fdt_off_mem_rsvmap(blob) > at)
		fdt_set_off_mem_rsvmap(blob, fdt_off_mem_rsvmap(blob) - gone + len);
	return size - gone + len;
}

size_t
LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max, unsigned seed)
{
	static const uint8_t nop[4] = { 0, 0, 0, FDT_NOP };
	static struct tokens t;
	static uint8_t *copy;
	static size_t room;
	uint32_t i, to, end, len;

	find_tokens(data, size, &t);
	if (t.n == 0 || seed % 2 == 0)
		return LLVMFuzzerMutate(data, size, max);
	if (room < size) {
		copy = realloc(copy, size);
		room = size;
	}
	memcpy(copy, data, size);
	i = seed / 16 % t.n;
	to = seed / 16 / t.n % t.n;
	end = behind(data, &t, i, seed / 8 % 2);
	len = t.at[end] - t.at[i];
	switch (seed / 2 % 4) {
	case 0:         /* a NOP before it */
		return splice(data, size, max, t.at[i], 0, nop, sizeof(nop));
	case 1:         /* nothing but NOPs there */
		for (uint32_t at = t.at[i]; at < t.at[end]; at += sizeof(nop))
			memcpy(data + at, nop, sizeof(nop));
		return size;
	case 2:         /* gone, or without its value */
		return splice(data, size, max, t.at[i], len, nop, 0);
	default:        /* once more, somewhere */
		return splice(data, size, max, t.at[to], 0, copy + t.at[i], len);
	}
}
