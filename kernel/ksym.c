/*
 * ksym.c: from a code address to a name.
 *
 * The build writes the table (scripts/gen-symtab) and links it in:
 *
 *	ksym_base        address of the first function
 *	ksym_offsets     count + 1 offsets from it, ascending; the last is the end of the text
 *	ksym_names       count names, one after the other, each with its NUL
 *
 * Four bytes and the name is all a function costs: no index of the names is
 * kept, the i-th is found by counting NULs, because only crash reports and
 * people ask. All of it is read-only data; nothing here can fail or sleep.
 */
#include <kernel/ksym.h>

extern const uint64_t ksym_base, ksym_count;
extern const uint32_t ksym_offsets[];
extern const char     ksym_names[];

/* The largest i with ksym_offsets[i] <= off; off is below the end. */
static size_t
ksym_search(uint64_t off)
{
	size_t low = 0, high = ksym_count;

	while (high - low > 1) {
		size_t mid = low + (high - low) / 2;

		if (ksym_offsets[mid] <= off)
			low = mid;
		else
			high = mid;
	}
	return low;
}

const char *
ksym_name(uint64_t pc, uint64_t *offset)
{
	uint64_t off = pc - ksym_base;
	const char *name = ksym_names;
	size_t i;

	if (pc < ksym_base || off >= ksym_offsets[ksym_count])
		return NULL;
	i = ksym_search(off);
	if (offset != NULL)
		*offset = off - ksym_offsets[i];
	while (i-- > 0)
		while (*name++ != '\0')
			;
	return name;
}
