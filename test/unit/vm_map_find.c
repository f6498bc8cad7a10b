/*
 * Placement: each strategy against a search by brute force over the same map,
 * its bounds, the index for alignments, and the options of a map.
 */
#include <mm/vm_map_find.h>
#include "vm_fixture.h"
#include "vm_map_impl.h"

#define BASE    (1024 * M)
#define SPAN    (64 * M)        /* the part of the map that is played with */

static uint64_t seed;

static uint64_t
draw(uint64_t below)
{
	seed = seed * 6364136223846793005ul + 1442695040888963407ul;
	return (seed >> 33) % below;
}

static kern_return_t
find(vm_map_t map, vm_offset_t *addr, vm_size_t length, uint32_t space, vm_offset_t max_addr)
{
	struct vm_map_find_args a = {
		.what = { .prot = VM_PROT_DEFAULT, .max = VM_PROT_ALL }, .length = length, .max_addr = max_addr, .find_space = space,
	};

	return vm_map_find(map, addr, &a);
}

static kern_return_t
find_object(vm_map_t map, vm_offset_t *addr, vm_size_t length, uint32_t space, vm_object_t object, vm_object_offset_t offset)
{
	struct vm_map_find_args a = {
		.what = { .object = object, .offset = offset, .prot = VM_PROT_DEFAULT, .max = VM_PROT_ALL },
		.length = length, .find_space = space,
	};
	kern_return_t kr;

	vm_object_reference(object);
	kr = vm_map_find(map, addr, &a);
	if (kr != KERN_SUCCESS)
		vm_object_deallocate(object);
	return kr;
}

/* The lowest page from `from` on where size bytes fit below end with (a - phase) & mask == 0: page by page. 0: none. */
static vm_offset_t
oracle(vm_map_t map, vm_offset_t from, vm_size_t size, vm_offset_t end, vm_offset_t mask, vm_offset_t phase)
{
	for (vm_offset_t a = from; a + size <= end; a += P) {
		vm_map_entry_t e = vm_map_first_entry(map);

		if (((a - phase) & mask) != 0)
			continue;
		while (e != vm_map_to_entry(map) && e->vme_end <= a)
			e = e->vme_next;
		if (e == vm_map_to_entry(map) || e->vme_start >= a + size)
			return a;
	}
	return 0;
}

/* Entries here and there in the span; all else is taken. */
static vm_map_t
fragmented(vm_size_t span)
{
	vm_map_t map = vm_map_create(pmap_create(), BASE, BASE + span, true);

	for (vm_offset_t at = BASE; at < BASE + span; ) {
		vm_size_t size = (1 + draw(64)) * P;

		if (size > BASE + span - at)
			size = BASE + span - at;
		if (draw(3) != 0 && !fixture_allocate(map, at, size))
			kprintf("# nothing allocated at 0x%lx\n", (unsigned long)at);
		at += size;
		if (draw(16) == 0)
			at = (at + 2 * M) & ~MEGAPAGE_MASK;
	}
	return map;
}

TEST(vm_map_find, any_is_the_lowest_gap_from_the_hint_on)
{
	vm_map_t map = fixture_map();
	vm_offset_t at = 0;

	ASSERT_EQ(find(map, &at, 4 * P, VMFS_ANY_SPACE, 0), KERN_SUCCESS);
	ASSERT_EQ(at, vm_map_min(map));
	ASSERT_TRUE(fixture_allocate(map, BASE, 4 * P));
	ASSERT_TRUE(fixture_allocate(map, BASE + 6 * P, P));
	at = BASE + P;                  /* inside an entry: its end */
	ASSERT_EQ(find(map, &at, 2 * P, VMFS_ANY_SPACE, 0), KERN_SUCCESS);
	ASSERT_EQ(at, BASE + 4 * P);
	at = BASE + 100 * P;            /* free: there */
	ASSERT_EQ(find(map, &at, 2 * P, VMFS_ANY_SPACE, 0), KERN_SUCCESS);
	ASSERT_EQ(at, BASE + 100 * P);
	at = BASE + 99 * P;             /* free, but not far enough */
	ASSERT_EQ(find(map, &at, 2 * P, VMFS_ANY_SPACE, 0), KERN_SUCCESS);
	ASSERT_EQ(at, BASE + 102 * P);
	ASSERT_TRUE(fixture_sound(map, NULL));
	vm_map_deallocate(map);
}

TEST(vm_map_find, findspace_gives_the_maximum_less_the_length_and_one_more_when_there_is_none)
{
	vm_map_t map = vm_map_create(pmap_create(), BASE, BASE + 8 * P, true);

	ASSERT_EQ(vm_map_findspace(map, 0, 8 * P), BASE);
	ASSERT_EQ(vm_map_findspace(map, BASE + P, 7 * P), BASE + P);
	ASSERT_EQ(vm_map_findspace(map, BASE + P, 8 * P), BASE + 8 * P - 8 * P + 1);
	ASSERT_EQ(vm_map_findspace(map, BASE + 8 * P, P), BASE + 7 * P + 1);
	ASSERT_EQ(vm_map_findspace(map, ~0ul, P), BASE + 7 * P + 1);
	ASSERT_TRUE(fixture_allocate(map, BASE + 2 * P, P));
	ASSERT_TRUE(fixture_allocate(map, BASE + 4 * P, P));
	ASSERT_EQ(vm_map_findspace(map, 0, 2 * P), BASE);
	ASSERT_EQ(vm_map_findspace(map, BASE + P, 2 * P), BASE + 5 * P);
	ASSERT_EQ(vm_map_findspace(map, BASE + 2 * P, P), BASE + 3 * P);
	ASSERT_EQ(vm_map_findspace(map, 0, 4 * P), BASE + 4 * P + 1);
	vm_map_deallocate(map);
}

TEST(vm_map_find, max_addr_ends_the_range)
{
	vm_map_t map = fixture_map();
	vm_offset_t at = BASE;

	ASSERT_TRUE(fixture_allocate(map, BASE, 4 * P));
	ASSERT_EQ(find(map, &at, 2 * P, VMFS_ANY_SPACE, BASE + 5 * P), KERN_NO_SPACE);
	at = BASE;
	ASSERT_EQ(find(map, &at, 2 * P, VMFS_ANY_SPACE, BASE + 6 * P), KERN_SUCCESS);
	ASSERT_EQ(at, BASE + 4 * P);
	at = BASE;
	ASSERT_EQ(find(map, &at, P, VMFS_ANY_SPACE, BASE), KERN_NO_SPACE);
	at = BASE;
	ASSERT_EQ(find(map, &at, M, VMFS_SUPER_SPACE, BASE + 2 * M - P), KERN_NO_SPACE);
	at = BASE;
	ASSERT_EQ(find(map, &at, M, VMFS_SUPER_SPACE, BASE + 2 * M), KERN_SUCCESS);
	ASSERT_EQ(at, BASE + M);
	at = BASE + 64 * M;             /* a fixed place knows no max_addr */
	ASSERT_EQ(find(map, &at, P, VMFS_NO_SPACE, BASE), KERN_SUCCESS);
	vm_map_deallocate(map);
}

TEST(vm_map_find, no_space_is_there_or_nowhere)
{
	vm_map_t map = fixture_map();
	vm_offset_t at = BASE;

	ASSERT_EQ(find(map, &at, 4 * P, VMFS_NO_SPACE, 0), KERN_SUCCESS);
	ASSERT_EQ(at, BASE);
	at = BASE + 3 * P;
	ASSERT_EQ(find(map, &at, P, VMFS_NO_SPACE, 0), KERN_NO_SPACE);
	at = BASE - P;
	ASSERT_EQ(find(map, &at, 2 * P, VMFS_NO_SPACE, 0), KERN_NO_SPACE);
	at = vm_map_max(map) - P;
	ASSERT_EQ(find(map, &at, 2 * P, VMFS_NO_SPACE, 0), KERN_INVALID_ADDRESS);
	at = vm_map_min(map) - P;
	ASSERT_EQ(find(map, &at, 2 * P, VMFS_NO_SPACE, 0), KERN_INVALID_ADDRESS);
	at = -P;
	ASSERT_EQ(find(map, &at, 2 * P, VMFS_NO_SPACE, 0), KERN_INVALID_ADDRESS);
	/* Searching, the same length is only too much. */
	at = 0;
	ASSERT_EQ(find(map, &at, -P, VMFS_ANY_SPACE, 0), KERN_NO_SPACE);
	at = -P;
	ASSERT_EQ(find(map, &at, 2 * P, VMFS_ANY_SPACE, 0), KERN_NO_SPACE);
	ASSERT_EQ(fixture_entries(map), 1);
	vm_map_deallocate(map);
}

TEST(vm_map_find, what_no_strategy_is)
{
	static const uint32_t none[] = { 4, 5, 255, 257, VMFS_ALIGNED_SPACE(1), VMFS_ALIGNED_SPACE(11), VMFS_ALIGNED_SPACE(64),
		VMFS_ALIGNED_SPACE(255), VMFS_ALIGNED_SPACE(12) | 1, ~0u };
	vm_map_t map = fixture_map();
	vm_offset_t at = BASE;

	for (unsigned i = 0; i < nitems(none); i++)
		ASSERT_EQ(find(map, &at, P, none[i], 0), KERN_INVALID_ARGUMENT);
	ASSERT_EQ(find(map, &at, 0, VMFS_ANY_SPACE, 0), KERN_INVALID_ARGUMENT);
	ASSERT_EQ(find(map, &at, P + 1, VMFS_ANY_SPACE, 0), KERN_INVALID_ARGUMENT);
	at = BASE + 1;
	ASSERT_EQ(find(map, &at, P, VMFS_ANY_SPACE, 0), KERN_INVALID_ARGUMENT);
	ASSERT_EQ(fixture_entries(map), 0);
	vm_map_deallocate(map);
}

TEST(vm_map_find, super_aligns_what_holds_a_superpage)
{
	vm_map_t map = fixture_map();
	vm_offset_t at = BASE + P;

	ASSERT_EQ(find(map, &at, M, VMFS_SUPER_SPACE, 0), KERN_SUCCESS);
	ASSERT_EQ(at, BASE + M);
	at = BASE + P;                  /* none in it: as any */
	ASSERT_EQ(find(map, &at, M - P, VMFS_SUPER_SPACE, 0), KERN_SUCCESS);
	ASSERT_EQ(at, BASE + P);
	at = BASE + 8 * M + P;          /* without an object optimal is any */
	ASSERT_EQ(find(map, &at, M, VMFS_OPTIMAL_SPACE, 0), KERN_SUCCESS);
	ASSERT_EQ(at, BASE + 8 * M + P);
	vm_map_deallocate(map);
}

/* The object's superpages begin at offset 3 pages: mappings are congruent, and one leaf serves each. */
TEST(vm_map_find, super_follows_the_colour_of_the_object)
{
	vm_map_t map = fixture_map();
	vm_object_t object = vm_object_allocate(4 * M, M - 3 * P);
	vm_offset_t at = BASE, whole = BASE, small = BASE;

	ASSERT_EQ(find_object(map, &whole, 4 * M, VMFS_SUPER_SPACE, object, 0), KERN_SUCCESS);
	ASSERT_EQ(whole, BASE + M - 3 * P);
	ASSERT_EQ(find_object(map, &at, 2 * M, VMFS_OPTIMAL_SPACE, object, M), KERN_SUCCESS);
	ASSERT_EQ(at & MEGAPAGE_MASK, M - 3 * P);
	/* The second megapage does not fit into what is asked for. */
	ASSERT_EQ(find_object(map, &small, M + 2 * P, VMFS_SUPER_SPACE, object, 0), KERN_SUCCESS);
	ASSERT_EQ(small, BASE + 5 * M - 3 * P + (at == BASE + 5 * M - 3 * P ? 2 * M : 0));
	ASSERT_TRUE(fixture_sound(map, NULL));
	vm_map_deallocate(map);
	vm_object_deallocate(object);
}

TEST(vm_map_find, optimal_falls_back_to_any)
{
	vm_map_t map = vm_map_create(pmap_create(), BASE + P, BASE + 2 * M, true);
	vm_object_t object = vm_object_allocate(M, 0);
	vm_offset_t at = BASE + P;

	ASSERT_TRUE(fixture_allocate(map, BASE + 2 * M - P, P));
	ASSERT_EQ(find_object(map, &at, M, VMFS_SUPER_SPACE, object, 0), KERN_NO_SPACE);
	at = BASE + P;
	ASSERT_EQ(find_object(map, &at, M, VMFS_OPTIMAL_SPACE, object, 0), KERN_SUCCESS);
	ASSERT_EQ(at, BASE + P);
	ASSERT_TRUE(fixture_sound(map, NULL));
	vm_map_deallocate(map);
	vm_object_deallocate(object);
}

TEST(vm_map_find, aligned_ignores_the_object)
{
	vm_map_t map = fixture_map();
	vm_object_t object = vm_object_allocate(4 * M, 5 * P);

	for (uint32_t n = 12; n < 34; n++) {
		vm_offset_t at = BASE + P;

		ASSERT_EQ(find_object(map, &at, M, VMFS_ALIGNED_SPACE(n), object, P), KERN_SUCCESS);
		ASSERT_EQ(at & ((1ul << n) - 1), 0);
		ASSERT_EQ(vm_map_remove(map, at, at + M, 0), KERN_SUCCESS);
	}
	vm_map_deallocate(map);
	vm_object_deallocate(object);
}

TEST(vm_map_find, find_aligned_only_looks)
{
	vm_map_t map = fixture_map();
	vm_offset_t at = BASE + P;

	vm_map_lock(map);
	ASSERT_EQ(vm_map_find_aligned(map, &at, P, 0, 64 * P), KERN_SUCCESS);
	ASSERT_EQ(at, BASE + 64 * P);
	ASSERT_EQ(vm_map_find_aligned(map, &at, P, 0, 0), KERN_SUCCESS);
	ASSERT_EQ(at, BASE + 64 * P);
	at = BASE + P;
	ASSERT_EQ(vm_map_find_aligned(map, &at, P, BASE + 64 * P, 64 * P), KERN_NO_SPACE);
	ASSERT_EQ(vm_map_find_aligned(map, &at, P, 0, 3 * P), KERN_INVALID_ARGUMENT);
	vm_map_unlock(map);
	ASSERT_EQ(fixture_entries(map), 0);
	vm_map_deallocate(map);
}

TEST(vm_map_find, min_takes_the_hint_and_then_begins_again)
{
	vm_map_t map = vm_map_create(pmap_create(), BASE, BASE + 16 * P, true);
	struct vm_map_find_args a = {
		.what = { .prot = VM_PROT_DEFAULT, .max = VM_PROT_ALL }, .length = 4 * P, .min_addr = BASE + 2 * P,
		.find_space = VMFS_ANY_SPACE,
	};
	vm_offset_t at = BASE + 8 * P;

	ASSERT_EQ(vm_map_find_min(map, &at, &a), KERN_SUCCESS);
	ASSERT_EQ(at, BASE + 8 * P);
	at = BASE + 13 * P;             /* too near to the end */
	ASSERT_EQ(vm_map_find_min(map, &at, &a), KERN_SUCCESS);
	ASSERT_EQ(at, BASE + 2 * P);
	at = 0;
	ASSERT_EQ(vm_map_find_min(map, &at, &a), KERN_SUCCESS);
	ASSERT_EQ(at, BASE + 12 * P);
	at = BASE + 10 * P;
	ASSERT_EQ(vm_map_find_min(map, &at, &a), KERN_NO_SPACE);
	a.length = 2 * P;               /* there are two pages, but below min_addr */
	at = 0;
	ASSERT_EQ(vm_map_find_min(map, &at, &a), KERN_SUCCESS);
	ASSERT_EQ(at, BASE + 6 * P);
	at = 0;
	ASSERT_EQ(vm_map_find_min(map, &at, &a), KERN_NO_SPACE);
	ASSERT_EQ(vm_map_findspace(map, 0, 2 * P), BASE);
	vm_map_deallocate(map);
}

/* Random maps, random questions; what is found is taken, so gaps vanish, and now and then some come back. */
TEST(vm_map_find, agrees_with_brute_force)
{
	for (unsigned round = 0; round < 4; round++) {
		vm_map_t map;

		seed = round * 977;
		map = fragmented(SPAN / 4);
		for (unsigned i = 0; i < 120; i++) {
			static const unsigned shifts[] = { 12, 13, 14, 16, 18, 20, 21, 22 };
			unsigned shift = shifts[draw(nitems(shifts))];
			bool super = draw(3) == 0, any = draw(3) == 0;
			vm_size_t size = (super && draw(2) ? 512 + draw(600) : 1 + draw(48)) * P;
			vm_offset_t from = BASE + draw(SPAN / 4 / P) * P / (1 + draw(4) * 8), at = from & ~PAGE_MASK;
			vm_offset_t end = draw(4) == 0 ? BASE + draw(SPAN / 4 / P) * P : BASE + SPAN / 4, expect, want = at;
			vm_offset_t mask = any || (super && size < M) ? 0 : super ? M - 1 : (1ul << shift) - 1;
			kern_return_t kr;

			expect = oracle(map, at, size, end, mask, 0);
			kr = find(map, &at, size, any ? VMFS_ANY_SPACE : super ? VMFS_SUPER_SPACE : VMFS_ALIGNED_SPACE(shift),
			    end == BASE + SPAN / 4 ? 0 : end);
			ASSERT_EQ(kr, expect != 0 ? KERN_SUCCESS : KERN_NO_SPACE);
			if (kr == KERN_SUCCESS)
				ASSERT_EQ(at, expect);
			else if (draw(3) == 0)
				ASSERT_EQ(vm_map_remove(map, want, want + (1 + draw(200)) * P, 0), KERN_SUCCESS);
		}
		ASSERT_TRUE(fixture_sound(map, NULL));
		vm_map_deallocate(map);
	}
}

/* The first gap, from `from` on, whose first address by Mach's rule leaves enough; 0: none. */
static vm_offset_t
mach_oracle(vm_map_t map, vm_offset_t from, vm_size_t size, vm_offset_t mask)
{
	vm_map_entry_t header = vm_map_to_entry(map), e = header;

	do {
		vm_offset_t at = e == header ? vm_map_min(map) : e->vme_end, end = at + vm_map_gap_after(map, e);

		at = ((at > from ? at : from) + mask) & ~mask;
		if (at + size <= end)
			return at;
		e = e->vme_next;
	} while (e != header);
	return 0;
}

/* Any bits: for masks that are not 2^n - 1 Mach's rule is not always the lowest address. */
TEST(vm_map_find, masks_of_any_pattern_follow_machs_rule)
{
	static const vm_offset_t masks[] = { 0x1fff, 0x2000, 0x5000, 0xf0fff, 0x12f000, 0x80000, 0x3ff000, 0xaaaaa000 };
	vm_map_t map;

	seed = 42;
	map = fragmented(SPAN / 4);
	vm_map_lock(map);
	for (unsigned i = 0; i < 400; i++) {
		vm_offset_t mask = masks[i % nitems(masks)], from = BASE + draw(SPAN / 4 / P) * P, at = 0, expect;
		vm_size_t size = (1 + draw(20)) * P;
		vm_map_entry_t after;
		kern_return_t kr;

		expect = mach_oracle(map, from, size, (mask | 0xfff) & ~PAGE_MASK);
		kr = vm_map_find_first_fit(map, from, size, mask, &at, &after);
		ASSERT_EQ(kr, expect != 0 ? KERN_SUCCESS : KERN_NO_SPACE);
		if (kr == KERN_SUCCESS)
			ASSERT_EQ(at, expect);
	}
	vm_map_unlock(map);
	vm_map_deallocate(map);
}

/* --- the index --- */

/* n gaps of three pages, none of which holds two pages at a multiple of 16 K; then, after room, one that does. */
static vm_map_t
misaligned(unsigned n, vm_offset_t *fits)
{
	vm_map_t map = vm_map_create(pmap_create(), BASE, BASE + (n + 4ul) * 4 * P, true);

	for (unsigned i = 0; i < n; i++)
		if (!fixture_allocate(map, BASE + i * 4ul * P, P))
			kprintf("# nothing allocated at %u\n", i);
	*fits = BASE + n * 4ul * P;
	return map;
}

static uint64_t
looked(vm_map_t map, vm_size_t size, uint32_t space, vm_offset_t *at)
{
	struct vm_map_trace trace = { .looked = 0 };
	struct vm_map_find_args a = { .length = size, .find_space = space, .trace = &trace };
	struct vm_map_search s;
	kern_return_t kr;

	vm_map_lock(map);
	kr = vm_map_choose(map, &a, 0, &s);
	vm_map_unlock(map);
	*at = kr == KERN_SUCCESS ? s.at : 0;
	return trace.looked;
}

TEST(vm_map_find, many_misaligned_gaps_are_passed_over_once)
{
	vm_offset_t fits, at;
	vm_map_t map = misaligned(2000, &fits);
	uint64_t first = looked(map, 3 * P, VMFS_ALIGNED_SPACE(14), &at);

	ASSERT_EQ(at, fits);
	ASSERT_LE(first, 2000 / 8 + 34);
	ASSERT_LE(looked(map, 3 * P, VMFS_ALIGNED_SPACE(14), &at), 2);
	ASSERT_EQ(at, fits);
	/* What must fail is told so at the root. */
	ASSERT_TRUE(fixture_allocate(map, fits, 16 * P));
	ASSERT_LE(looked(map, 3 * P, VMFS_ALIGNED_SPACE(14), &at), 1);
	ASSERT_EQ(at, 0);
	/* A finer alignment gets its own, a coarser demand uses it. */
	ASSERT_LE(looked(map, 3 * P, VMFS_ALIGNED_SPACE(15), &at), 1);
	ASSERT_LE(looked(map, 2 * P, VMFS_ALIGNED_SPACE(13), &at), 2);
	ASSERT_EQ(at, BASE + 2 * P);
	ASSERT_TRUE(fixture_sound(map, NULL));
	vm_map_deallocate(map);
}

TEST(vm_map_find, the_index_survives_every_change_of_the_store)
{
	struct vm_map_align align = { .mask = 4 * P - 1, .phase = P };
	vm_map_t map;

	seed = 7;
	map = fragmented(SPAN / 8);
	vm_map_lock(map);
	vm_map_store_index(map, &align);
	vm_map_unlock(map);
	for (unsigned i = 0; i < 400; i++) {
		vm_offset_t at = BASE + draw(SPAN / 8 / P) * P;
		vm_size_t size = (1 + draw(12)) * P;

		if (size > BASE + SPAN / 8 - at)
			size = BASE + SPAN / 8 - at;
		switch (draw(4)) {
		case 0:
			(void)fixture_allocate(map, at, size);
			break;
		case 1:
			ASSERT_EQ(vm_map_remove(map, at, at + size, 0), KERN_SUCCESS);
			break;
		case 2:
			(void)vm_map_protect(map, at, at + P, VM_PROT_READ, false);
			break;
		default:
			(void)vm_map_protect(map, at, at + P, VM_PROT_DEFAULT, false);
		}
		ASSERT_TRUE(vm_map_store_check(map));
		vm_map_lock(map);               /* it is in use */
		(void)vm_map_store_next_aligned(map, vm_map_to_entry(map), P);
		vm_map_unlock(map);
	}
	/* And it says the truth: from anywhere, the next gap with room. */
	for (vm_map_entry_t e = vm_map_first_entry(map); e != vm_map_to_entry(map); e = e->vme_next)
		for (vm_size_t size = P; size < 20 * P; size += 3 * P) {
			vm_map_entry_t f = e->vme_next;
			vm_offset_t a = 0;

			for (; f != vm_map_to_entry(map); f = f->vme_next) {
				(void)vm_map_align(f->vme_end, &align, &a);
				if (a + size <= f->vme_end + vm_map_gap_after(map, f))
					break;
			}
			ASSERT_EQ((uintptr_t)vm_map_store_next_aligned(map, e, size), f == vm_map_to_entry(map) ? 0 : (uintptr_t)f);
		}
	vm_map_deallocate(map);
}

TEST(vm_map_find, an_index_that_nobody_uses_is_given_up)
{
	vm_offset_t fits, at, slot = BASE + 40 * P;
	vm_map_t map = misaligned(2000, &fits);
	unsigned changes = 0;

	for (unsigned round = 0; round < 2; round++) {
		(void)looked(map, 3 * P, VMFS_ALIGNED_SPACE(14), &at);
		ASSERT_EQ(at, fits);
		ASSERT_NE(map->align.mask, 0);
		/* In use it stays. */
		for (unsigned i = 0; i < 4000; i++) {
			ASSERT_EQ(vm_map_remove(map, slot, slot + P, 0), KERN_SUCCESS);
			ASSERT_TRUE(fixture_allocate(map, slot, P));
			if (i % 512 == 0)
				ASSERT_LE(looked(map, 3 * P, VMFS_ALIGNED_SPACE(14), &at), 2);
		}
		ASSERT_NE(map->align.mask, 0);
		ASSERT_TRUE(fixture_sound(map, NULL));
		for (changes = 0; map->align.mask != 0 && changes < 10000; changes += 2) {
			ASSERT_EQ(vm_map_remove(map, slot, slot + P, 0), KERN_SUCCESS);
			ASSERT_TRUE(fixture_allocate(map, slot, P));
		}
		ASSERT_GE(changes, 2000 / 8);
		ASSERT_LE(changes, 2000);
		ASSERT_TRUE(fixture_sound(map, NULL));
	}
	vm_map_deallocate(map);
}

TEST(vm_map_find, resize_and_resize_free_keep_the_gaps)
{
	vm_map_t map = fixture_map();
	vm_map_entry_t e, f;

	ASSERT_TRUE(fixture_allocate(map, BASE, 4 * P));
	ASSERT_TRUE(fixture_allocate(map, BASE + 16 * P, 4 * P));
	ASSERT_TRUE(fixture_allocate(map, BASE + 24 * P, P));
	vm_map_lock(map);
	e = fixture_entry(map, BASE);
	f = fixture_entry(map, BASE + 16 * P);
	e->vme_end += 4 * P;            /* the end */
	map->size += 4 * P;
	vm_map_entry_resize_free(map, e);
	ASSERT_TRUE(vm_map_store_check(map));
	f->vme_start -= 4 * P;          /* the start: the entry before is told */
	f->offset = 0;
	map->size += 4 * P;
	vm_map_entry_resize_free(map, e);
	ASSERT_TRUE(vm_map_store_check(map));
	ASSERT_EQ(vm_map_findspace(map, BASE, 4 * P), BASE + 8 * P);
	ASSERT_EQ(vm_map_findspace(map, BASE, 5 * P), BASE + 25 * P);
	vm_map_entry_resize(map, e, 4 * P);
	ASSERT_TRUE(vm_map_store_check(map));
	ASSERT_EQ(vm_map_findspace(map, BASE, 4 * P), BASE + 20 * P);
	vm_map_entry_resize(map, f, -4 * (int64_t)P);
	vm_map_entry_resize(map, e, -11 * (int64_t)P);
	ASSERT_TRUE(vm_map_store_check(map));
	ASSERT_EQ(vm_map_findspace(map, BASE, 11 * P), BASE + P);
	ASSERT_EQ(vm_map_findspace(map, BASE, 8 * P), BASE + P);
	ASSERT_EQ(map->size, 6 * P);
	vm_map_unlock(map);
	ASSERT_TRUE(fixture_sound(map, NULL));
	vm_map_deallocate(map);
}

/* --- what a search tells --- */

TEST(vm_map_find, a_trace_tells_of_each_gap)
{
	struct vm_map_trace t = { .looked = 0 };
	struct vm_map_find_args a = {
		.what = { .prot = VM_PROT_DEFAULT, .max = VM_PROT_ALL }, .length = M, .find_space = VMFS_SUPER_SPACE, .trace = &t,
	};
	vm_map_t map = vm_map_create(pmap_create(), BASE + P, BASE + 8 * M, true);
	vm_offset_t at = BASE + P;

	ASSERT_TRUE(fixture_allocate(map, BASE + 3 * P, P));
	ASSERT_TRUE(fixture_allocate(map, BASE + 2 * M - P, P));
	ASSERT_EQ(vm_map_find(map, &at, &a), KERN_SUCCESS);
	ASSERT_EQ(at, BASE + 2 * M);
	ASSERT_EQ(t.looked, 3);
	ASSERT_EQ(t.n, 3);
	ASSERT_EQ(t.look[0].verdict, GAP_TOO_SMALL);
	ASSERT_EQ(t.look[0].end, BASE + 3 * P);
	ASSERT_EQ(t.look[1].verdict, GAP_MISALIGNED);
	ASSERT_EQ(t.look[1].at, BASE + M);
	ASSERT_EQ(t.look[2].verdict, GAP_TAKEN);
	t = (struct vm_map_trace){ .looked = 0 };
	a.length = 7 * M;
	at = BASE + P;
	ASSERT_EQ(vm_map_find(map, &at, &a), KERN_NO_SPACE);
	ASSERT_EQ(t.look[t.n - 1].verdict, GAP_NONE_LEFT);
	t = (struct vm_map_trace){ .looked = 0 };
	a.length = 2 * M;
	a.max_addr = BASE + 4 * M;
	at = BASE + 3 * M;
	ASSERT_EQ(vm_map_find(map, &at, &a), KERN_NO_SPACE);
	ASSERT_EQ(t.look[t.n - 1].verdict, GAP_BEYOND);
	vm_map_deallocate(map);
}

TEST(vm_map_find, a_trace_is_bounded_and_ends_with_the_end)
{
	vm_offset_t fits, at;
	vm_map_t map = misaligned(400, &fits);
	struct vm_map_trace t = { .looked = 0 };
	struct vm_map_find_args a = { .length = 3 * P, .find_space = VMFS_ALIGNED_SPACE(14), .trace = &t };
	struct vm_map_search s;

	vm_map_lock(map);
	ASSERT_EQ(vm_map_choose(map, &a, 0, &s), KERN_SUCCESS);
	vm_map_unlock(map);
	at = s.at;
	ASSERT_EQ(at, fits);
	ASSERT_EQ(t.n, VM_MAP_TRACE_MAX);
	ASSERT_GE(t.looked, VM_MAP_TRACE_MAX + 1);
	ASSERT_EQ(t.look[VM_MAP_TRACE_MAX - 1].verdict, GAP_TAKEN);
	ASSERT_EQ(t.look[VM_MAP_TRACE_MAX - 1].at, fits);
	vm_map_deallocate(map);
}

/* --- options --- */

TEST(vm_map_find, options_are_known_and_inherited)
{
	vm_map_t map = fixture_map(), child;

	ASSERT_EQ(vm_map_set_options(map, 1, 0), KERN_INVALID_ARGUMENT);
	ASSERT_EQ(vm_map_set_options(map, ~0u, 0), KERN_INVALID_ARGUMENT);
	ASSERT_EQ(vm_map_set_options(map, VM_MAP_ASLR | VM_MAP_WXORX | VM_MAP_CLUSTER, 5), KERN_SUCCESS);
	child = vm_map_fork(map);
	ASSERT_TRUE(child != NULL);
	ASSERT_EQ(child->options, map->options);
	vm_map_deallocate(child);
	vm_map_deallocate(map);
}

static void
place_sixteen(uint64_t with, vm_offset_t *at)
{
	vm_map_t map = fixture_map();

	if (vm_map_set_options(map, VM_MAP_ASLR, with) != KERN_SUCCESS)
		kprintf("# no ASLR\n");
	for (unsigned i = 0; i < 16; i++) {
		at[i] = BASE;
		if (find(map, &at[i], (1 + i % 3) * P, VMFS_ANY_SPACE, 0) != KERN_SUCCESS)
			at[i] = 0;
	}
	vm_map_deallocate(map);
}

TEST(vm_map_find, aslr_follows_its_seed)
{
	vm_offset_t a[16], b[16], c[16];
	unsigned same = 0;

	place_sixteen(1, a);
	place_sixteen(1, b);
	place_sixteen(2, c);
	for (unsigned i = 0; i < 16; i++) {
		ASSERT_EQ(a[i], b[i]);
		ASSERT_TRUE(a[i] >= BASE && page_aligned(a[i]));
		same += a[i] == c[i];
	}
	ASSERT_LE(same, 2);
}

TEST(vm_map_find, aslr_keeps_the_strategy_and_the_limits)
{
	vm_map_t map = fixture_map();
	vm_offset_t at;

	ASSERT_EQ(vm_map_set_options(map, VM_MAP_ASLR, 3), KERN_SUCCESS);
	for (unsigned i = 0; i < 8; i++) {
		at = BASE;
		ASSERT_EQ(find(map, &at, M, VMFS_SUPER_SPACE, 0), KERN_SUCCESS);
		ASSERT_EQ(at & MEGAPAGE_MASK, 0);
		ASSERT_GE(at, BASE);
		at = BASE;
		ASSERT_EQ(find(map, &at, P, VMFS_ANY_SPACE, BASE + 64 * M), KERN_SUCCESS);
		ASSERT_TRUE(at >= BASE && at < BASE + 64 * M);
	}
	/* With no room to choose from, what there is. */
	at = 2 * BASE;
	ASSERT_EQ(find(map, &at, P, VMFS_ANY_SPACE, 2 * BASE + P), KERN_SUCCESS);
	ASSERT_EQ(at, 2 * BASE);
	at = 3 * BASE;
	ASSERT_EQ(vm_map_set_options(map, VM_MAP_ASLR | VM_MAP_ASLR_IGNSTART, 3), KERN_SUCCESS);
	at = 0;
	ASSERT_EQ(find(map, &at, P, VMFS_ANY_SPACE, 0), KERN_SUCCESS);
	ASSERT_TRUE(at < BASE);
	vm_map_deallocate(map);
}

TEST(vm_map_find, clusters_grow_from_their_lowest_piece)
{
	vm_map_t map = fixture_map();
	vm_offset_t first = BASE, at;

	ASSERT_EQ(vm_map_set_options(map, VM_MAP_CLUSTER_ALWAYS, 0), KERN_SUCCESS);
	ASSERT_EQ(find(map, &first, P, VMFS_ANY_SPACE, 0), KERN_SUCCESS);
	ASSERT_EQ(first, BASE);
	at = 4 * BASE;                  /* not there: beside the first */
	ASSERT_EQ(find(map, &at, P, VMFS_ANY_SPACE, 0), KERN_SUCCESS);
	ASSERT_EQ(at, BASE + P);
	at = 4 * BASE;                  /* with a limit it is no cluster's */
	ASSERT_EQ(find(map, &at, P, VMFS_ANY_SPACE, 8 * BASE), KERN_SUCCESS);
	ASSERT_EQ(at, 4 * BASE);
	ASSERT_EQ(map->anon_loc, BASE);
	/* Only those without a wish. */
	ASSERT_EQ(vm_map_set_options(map, VM_MAP_CLUSTER, 0), KERN_SUCCESS);
	at = 5 * BASE;
	ASSERT_EQ(find(map, &at, P, VMFS_ANY_SPACE, 0), KERN_SUCCESS);
	ASSERT_EQ(at, 5 * BASE);
	ASSERT_EQ(map->anon_loc, 0);
	at = 0;
	ASSERT_EQ(find(map, &at, P, VMFS_ANY_SPACE, 0), KERN_SUCCESS);
	ASSERT_EQ(map->anon_loc, at);
	ASSERT_EQ(vm_map_remove(map, at, at + P, 0), KERN_SUCCESS);
	ASSERT_TRUE(fixture_sound(map, NULL));
	vm_map_deallocate(map);
}

TEST(vm_map_find, wxorx_refuses_memory_that_is_both)
{
	struct vm_map_find_args a = {
		.what = { .prot = VM_PROT_ALL, .max = VM_PROT_ALL }, .length = P, .find_space = VMFS_ANY_SPACE,
	};
	vm_map_t map = fixture_map();
	vm_offset_t at = BASE;

	ASSERT_EQ(vm_map_set_options(map, VM_MAP_WXORX, 0), KERN_SUCCESS);
	ASSERT_EQ(vm_map_find(map, &at, &a), KERN_PROTECTION_FAILURE);
	a.what.prot = VM_PROT_READ | VM_PROT_EXECUTE;
	ASSERT_EQ(vm_map_find(map, &at, &a), KERN_SUCCESS);
	ASSERT_TRUE(fixture_allocate(map, 2 * BASE, P));
	ASSERT_EQ(fixture_entries(map), 2);
	vm_map_deallocate(map);
}
