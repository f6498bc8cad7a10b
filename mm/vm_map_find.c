/*
 * vm_map_find.c: where a new range goes.
 *
 * Placement is a pure function over the store: it looks at gaps and changes
 * nothing, so that it can be tested without objects and explained to people.
 *
 * First fit: the lowest address at or above `from` that satisfies the mask.
 * Only gaps of at least `size` are visited, each found in O(log n) by the gap
 * tree; a mask may reject some of them.
 *
 * The mask is Mach's: bits that must be zero in the address, any pattern. For
 * 2^n - 1 the step (a + mask) & ~mask gives the next aligned address; for other
 * patterns it gives a legal one at or above a, not always the lowest.
 *
 * Random places need random numbers from outside: the machine's owner seeds a
 * generator once (vm_map_random_seed), and mixes in more whenever it likes.
 */
#include "vm_map_impl.h"

static uint64_t vm_map_random_state;

void
vm_map_random_seed(uint64_t seed)
{
	__atomic_fetch_xor(&vm_map_random_state, seed, __ATOMIC_RELAXED);
}

/* A counter in steps of the golden ratio, its bits mixed so that each depends on all. */
uint64_t
vm_map_random(void)
{
	uint64_t x = __atomic_add_fetch(&vm_map_random_state, 0x9e3779b97f4a7c15ul, __ATOMIC_RELAXED);

	x = (x ^ x >> 32) * 0xd6e8feb86659fd93ul;
	x = (x ^ x >> 29) * 0xd6e8feb86659fd93ul;
	return x ^ x >> 32;
}

vm_map_entry_t
vm_map_first_free(vm_map_t map)
{
	vm_map_entry_t header = vm_map_to_entry(map), e;

	if (vm_map_gap_after(map, header) != 0)
		return header;
	e = vm_map_store_next_gap(map, header, 1);
	return e != NULL ? e : vm_map_last_entry(map);
}

/* The lowest a >= at with a & mask == 0; FALSE when that wraps. */
static bool
align_up(vm_offset_t at, vm_offset_t mask, vm_offset_t *a)
{
	*a = (at + mask) & ~mask;
	return *a >= at && at + mask >= at;
}

kern_return_t
vm_map_find_first_fit(vm_map_t map, vm_offset_t from, vm_size_t size, vm_offset_t mask,
    vm_offset_t *addr, vm_map_entry_t *after)
{
	vm_offset_t min = map->min_offset, max = map->max_offset, at, a;
	vm_map_entry_t e;

	if (from < min)
		from = min;
	if (from >= max || size > max - from)
		return KERN_FAIL(KERN_NO_SPACE, "0x%lx bytes from 0x%lx on do not fit below 0x%lx",
		    size, from, max);
	at = from;
	if (vm_map_lookup_entry(map, from, &e))
		at = e->vme_end;
	while (e != NULL) {
		vm_offset_t limit = e->vme_next == vm_map_to_entry(map) ? max : e->vme_next->vme_start;

		if (!align_up(at, mask, &a))
			break;
		if (a <= limit && size <= limit - a) {
			*addr = a;
			*after = e;
			return KERN_SUCCESS;
		}
		e = vm_map_store_next_gap(map, e, size);
		if (e != NULL)
			at = e->vme_end;
	}
	return KERN_FAIL(KERN_NO_SPACE, "no gap of 0x%lx bytes (address mask 0x%lx) from 0x%lx to 0x%lx",
	    size, mask, from, max);
}
