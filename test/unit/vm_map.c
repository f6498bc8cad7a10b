/*
 * vm_map: entries: placing, clipping, merging, protection, inheritance,
 * removal, and the codes of the map layer. Cases that other systems got wrong
 * have a test of their own.
 */
#include "vm_fixture.h"

#define A (64 * M)      /* a place to work at */

TEST(vm_map, allocate_anywhere_takes_the_lowest_gap)
{
	vm_map_t map = fixture_map();
	vm_address_ut a = vm_address_u(0x123456);

	ASSERT_EQ(vm_allocate(map, &a, vm_size_u(3 * P), VM_FLAGS_ANYWHERE), KERN_SUCCESS);
	ASSERT_EQ(a.v, VM_MIN_ADDRESS);
	ASSERT_TRUE(fixture_allocate(map, VM_MIN_ADDRESS + 5 * P, P));
	ASSERT_EQ(vm_allocate(map, &a, vm_size_u(3 * P), VM_FLAGS_ANYWHERE), KERN_SUCCESS);
	ASSERT_EQ(a.v, VM_MIN_ADDRESS + 6 * P);
	ASSERT_EQ(vm_allocate(map, &a, vm_size_u(2 * P), VM_FLAGS_ANYWHERE), KERN_SUCCESS);
	ASSERT_EQ(a.v, VM_MIN_ADDRESS + 3 * P);
	ASSERT_TRUE(fixture_sound(map, NULL));
	vm_map_deallocate(map);
}

TEST(vm_map, whole_space_can_be_allocated_once)
{
	vm_map_t map = fixture_map();
	vm_address_ut a = vm_address_u(0);

	ASSERT_EQ(vm_allocate(map, &a, vm_size_u(vm_max_address - VM_MIN_ADDRESS), VM_FLAGS_ANYWHERE), KERN_SUCCESS);
	ASSERT_EQ(a.v, VM_MIN_ADDRESS);
	ASSERT_EQ(vm_allocate(map, &a, vm_size_u(P), VM_FLAGS_ANYWHERE), KERN_NO_SPACE);
	ASSERT_EQ(a.v, VM_MIN_ADDRESS);
	ASSERT_EQ(vm_deallocate(map, vm_address_u(vm_max_address - P), vm_size_u(P)), KERN_SUCCESS);
	ASSERT_EQ(vm_allocate(map, &a, vm_size_u(P), VM_FLAGS_ANYWHERE), KERN_SUCCESS);
	ASSERT_EQ(a.v, vm_max_address - P);
	ASSERT_STORE(map, vm_max_address - 1, 7);
	ASSERT_LOAD(map, vm_max_address - 1, 7);
	ASSERT_TRUE(fixture_sound(map, NULL));
	vm_map_deallocate(map);
}

TEST(vm_map, fixed_refuses_overlap_of_every_shape_and_changes_nothing)
{
	vm_map_t map = fixture_map();

	ASSERT_TRUE(fixture_allocate(map, A + 4 * P, 4 * P));
	for (uint64_t s = 0; s < 12; s++)
		for (uint64_t n = 1; n + s <= 12; n++) {
			bool hit = s < 8 && s + n > 4;

			ASSERT_EQ(fixture_allocate(map, A + s * P, n * P), !hit);
			if (!hit)
				ASSERT_EQ(vm_deallocate(map, vm_address_u(A + s * P), vm_size_u(n * P)), KERN_SUCCESS);
			ASSERT_EQ(map->size, 4 * P);
		}
	ASSERT_TRUE(fixture_sound(map, NULL));
	vm_map_deallocate(map);
}

TEST(vm_map, removal_of_every_shape_leaves_the_rest)
{
	for (uint64_t s = 0; s < 10; s++)
		for (uint64_t n = 1; n + s <= 10; n++) {
			vm_map_t map = fixture_map();

			ASSERT_TRUE(fixture_allocate(map, A + 2 * P, 3 * P));
			ASSERT_TRUE(fixture_allocate(map, A + 6 * P, 2 * P));
			for (uint64_t i = 0; i < 10; i++)
				(void)fixture_store(map, A + i * P, (uint8_t)(i + 1));
			ASSERT_EQ(vm_deallocate(map, vm_address_u(A + s * P), vm_size_u(n * P)), KERN_SUCCESS);
			for (uint64_t i = 0; i < 10; i++) {
				bool had = (i >= 2 && i < 5) || (i >= 6 && i < 8);
				uint8_t v = 0;
				kern_return_t kr = fixture_load(map, A + i * P, &v);

				ASSERT_EQ(kr, had && (i < s || i >= s + n) ? KERN_SUCCESS : KERN_INVALID_ADDRESS);
				ASSERT_EQ(v, kr == KERN_SUCCESS ? i + 1 : 0);
			}
			ASSERT_TRUE(fixture_sound(map, NULL));
			vm_map_deallocate(map);
		}
}

TEST(vm_map, neighbours_that_are_alike_become_one_entry)
{
	vm_map_t map = fixture_map();

	ASSERT_TRUE(fixture_allocate(map, A, 2 * P));
	ASSERT_TRUE(fixture_allocate(map, A + 2 * P, 2 * P));
	ASSERT_EQ(fixture_entries(map), 1);
	ASSERT_EQ(vm_protect(map, vm_address_u(A + P), vm_size_u(P), false, VM_PROT_READ), KERN_SUCCESS);
	ASSERT_EQ(fixture_entries(map), 3);
	ASSERT_EQ(vm_protect(map, vm_address_u(A + P), vm_size_u(P), false, VM_PROT_DEFAULT), KERN_SUCCESS);
	ASSERT_EQ(fixture_entries(map), 1);
	ASSERT_EQ(vm_inherit(map, vm_address_u(A + 3 * P), vm_size_u(P), VM_INHERIT_NONE), KERN_SUCCESS);
	ASSERT_EQ(fixture_entries(map), 2);
	ASSERT_EQ(vm_inherit(map, vm_address_u(A), vm_size_u(4 * P), VM_INHERIT_COPY), KERN_SUCCESS);
	ASSERT_EQ(fixture_entries(map), 1);
	ASSERT_TRUE(fixture_sound(map, NULL));
	vm_map_deallocate(map);
}

TEST(vm_map, memory_allocated_again_after_its_tail_was_freed_reads_zero)
{
	vm_map_t map = fixture_map();

	ASSERT_TRUE(fixture_allocate(map, A, 4 * P));
	ASSERT_STORE(map, A, 1);
	ASSERT_STORE(map, A + 3 * P, 9);
	ASSERT_EQ(vm_deallocate(map, vm_address_u(A + 2 * P), vm_size_u(2 * P)), KERN_SUCCESS);
	ASSERT_TRUE(fixture_allocate(map, A + 2 * P, 2 * P));
	ASSERT_LOAD(map, A + 3 * P, 0);
	ASSERT_LOAD(map, A, 1);
	ASSERT_TRUE(fixture_sound(map, NULL));
	vm_map_deallocate(map);
}

TEST(vm_map, neighbours_with_different_needs_copy_stay_apart)
{
	vm_map_t map = fixture_map(), child;

	ASSERT_TRUE(fixture_allocate(map, A, 2 * P));
	ASSERT_STORE(map, A, 1);
	ASSERT_STORE(map, A + P, 2);
	ASSERT_EQ(vm_inherit(map, vm_address_u(A + P), vm_size_u(P), VM_INHERIT_NONE), KERN_SUCCESS);
	child = vm_map_fork(map);
	ASSERT_EQ(vm_inherit(map, vm_address_u(A + P), vm_size_u(P), VM_INHERIT_COPY), KERN_SUCCESS);
	ASSERT_EQ(fixture_entries(map), 2);
	ASSERT_STORE(map, A, 3);
	ASSERT_LOAD(child, A, 1);
	ASSERT_LOAD(map, A + P, 2);
	ASSERT_TRUE(fixture_sound(map, child, NULL));
	vm_map_deallocate(child);
	vm_map_deallocate(map);
}

TEST(vm_map, protect_is_all_or_nothing)
{
	vm_map_t map = fixture_map();

	ASSERT_TRUE(fixture_allocate(map, A, 2 * P));
	ASSERT_TRUE(fixture_allocate(map, A + 3 * P, P));
	ASSERT_EQ(vm_protect(map, vm_address_u(A), vm_size_u(4 * P), false, VM_PROT_READ), KERN_INVALID_ADDRESS);
	ASSERT_STORE(map, A, 1);
	ASSERT_EQ(vm_protect(map, vm_address_u(A + P), vm_size_u(P), true, VM_PROT_READ), KERN_SUCCESS);
	ASSERT_EQ(vm_protect(map, vm_address_u(A), vm_size_u(2 * P), false, VM_PROT_DEFAULT), KERN_PROTECTION_FAILURE);
	ASSERT_EQ(fixture_store(map, A + P, 1), KERN_PROTECTION_FAILURE);
	ASSERT_STORE(map, A, 2);
	ASSERT_EQ(fixture_entries(map), 3);
	ASSERT_TRUE(fixture_sound(map, NULL));
	vm_map_deallocate(map);
}

TEST(vm_map, protection_takes_effect_on_existing_leaves)
{
	vm_map_t map = fixture_map();

	ASSERT_TRUE(fixture_allocate(map, A, P));
	ASSERT_STORE(map, A, 1);
	ASSERT_EQ(vm_protect(map, vm_address_u(A), vm_size_u(P), false, VM_PROT_READ), KERN_SUCCESS);
	ASSERT_EQ(fixture_store(map, A, 2), KERN_PROTECTION_FAILURE);
	ASSERT_LOAD(map, A, 1);
	ASSERT_EQ(vm_protect(map, vm_address_u(A), vm_size_u(P), false, VM_PROT_WRITE), KERN_SUCCESS);
	ASSERT_EQ(fixture_leaf(map, A), VM_PROT_NONE);
	ASSERT_EQ(vm_protect(map, vm_address_u(A), vm_size_u(P), false, VM_PROT_NONE), KERN_SUCCESS);
	ASSERT_EQ(fixture_load(map, A, &(uint8_t){ 0 }), KERN_PROTECTION_FAILURE);
	ASSERT_EQ(vm_protect(map, vm_address_u(A), vm_size_u(P), false, VM_PROT_DEFAULT), KERN_SUCCESS);
	ASSERT_LOAD(map, A, 1);
	vm_map_deallocate(map);
}

TEST(vm_map, prot_copy_gives_a_private_writable_copy)
{
	vm_map_t map = fixture_map(), child;

	ASSERT_TRUE(fixture_allocate(map, A, 4 * P));
	for (uint64_t i = 0; i < 4; i++)
		ASSERT_STORE(map, A + i * P, (uint8_t)(i + 1));
	ASSERT_EQ(vm_inherit(map, vm_address_u(A), vm_size_u(4 * P), VM_INHERIT_SHARE), KERN_SUCCESS);
	child = vm_map_fork(map);
	ASSERT_EQ(vm_protect(map, vm_address_u(A), vm_size_u(4 * P), true, VM_PROT_READ), KERN_SUCCESS);
	ASSERT_EQ(vm_protect(map, vm_address_u(A + P), vm_size_u(2 * P), false, VM_PROT_DEFAULT), KERN_PROTECTION_FAILURE);
	ASSERT_EQ(vm_protect(map, vm_address_u(A + P), vm_size_u(4 * P), false, VM_PROT_DEFAULT | VM_PROT_COPY), KERN_INVALID_ADDRESS);
	ASSERT_EQ(vm_protect(map, vm_address_u(A + P), vm_size_u(2 * P), false, VM_PROT_ALL | VM_PROT_COPY), KERN_PROTECTION_FAILURE);
	ASSERT_EQ(fixture_entries(map), 1);
	ASSERT_EQ(vm_protect(map, vm_address_u(A + P), vm_size_u(2 * P), false, VM_PROT_DEFAULT | VM_PROT_COPY), KERN_SUCCESS);
	ASSERT_EQ(fixture_entries(map), 3);
	ASSERT_STORE(map, A + P, 50);
	ASSERT_LOAD(child, A + P, 2);
	ASSERT_STORE(child, A + 2 * P, 60);
	ASSERT_LOAD(map, A + 2 * P, 3);
	ASSERT_STORE(child, A, 70);
	ASSERT_LOAD(map, A, 70);
	ASSERT_EQ(fixture_store(map, A, 1), KERN_PROTECTION_FAILURE);
	ASSERT_TRUE(fixture_sound(map, child, NULL));
	vm_map_deallocate(map);
	vm_map_deallocate(child);
}

TEST(vm_map, mask_is_honoured_and_refused)
{
	vm_map_t map = fixture_map();
	struct vm_map_user_args a = { .size = vm_size_u(P), .mask = M - 1, .flags = VM_FLAGS_ANYWHERE,
	    .cur = VM_PROT_READ, .max = VM_PROT_ALL, .inheritance = VM_INHERIT_COPY };
	vm_address_ut at = vm_address_u(5 * P);

	ASSERT_EQ(vm_map_user(map, &at, &a), KERN_SUCCESS);
	ASSERT_EQ(at.v, M);
	a.flags = VM_FLAGS_FIXED;
	at = vm_address_u(M + P);
	ASSERT_EQ(vm_map_user(map, &at, &a), KERN_NO_SPACE);
	a.flags = VM_FLAGS_ANYWHERE;
	a.mask = ~0ul;
	at = vm_address_u(P);
	ASSERT_EQ(vm_map_user(map, &at, &a), KERN_NO_SPACE);
	ASSERT_EQ(at.v, P);
	vm_map_deallocate(map);
}

TEST(vm_map, overwrite_replaces_several_entries_in_one_step)
{
	vm_map_t map = fixture_map();
	vm_address_ut a = vm_address_u(A + P);

	for (uint64_t i = 0; i < 6; i += 2)
		ASSERT_TRUE(fixture_allocate(map, A + i * P, P));
	for (uint64_t i = 0; i < 6; i += 2)
		ASSERT_STORE(map, A + i * P, 5);
	ASSERT_EQ(vm_allocate(map, &a, vm_size_u(3 * P), VM_FLAGS_OVERWRITE), KERN_SUCCESS);
	ASSERT_LOAD(map, A, 5);
	ASSERT_LOAD(map, A + 2 * P, 0);
	ASSERT_LOAD(map, A + 4 * P, 5);
	ASSERT_TRUE(fixture_sound(map, NULL));
	vm_map_deallocate(map);
}

TEST(vm_map, first_fit_is_the_lowest_in_a_fragmented_map)
{
	vm_map_t map = fixture_map();
	uint64_t x = 1234567;

	for (uint64_t i = 0; i < 300; i++) {
		x ^= x << 13; x ^= x >> 7; x ^= x << 17;
		(void)fixture_allocate(map, P + (x % 2048) * P, (1 + (x >> 32) % 3) * P);
	}
	for (uint64_t size = 1; size < 40; size += 3) {
		vm_address_ut got = vm_address_u(0);
		vm_offset_t want = 0;
		vm_map_entry_t e;

		for (vm_offset_t at = P; want == 0; at += P) {
			bool free = true;

			for (vm_offset_t q = at; q < at + size * P && free; q += P)
				free = !vm_map_lookup_entry(map, q, &e);
			if (free)
				want = at;
		}
		ASSERT_EQ(vm_allocate(map, &got, vm_size_u(size * P), VM_FLAGS_ANYWHERE), KERN_SUCCESS);
		ASSERT_EQ(got.v, want);
		ASSERT_TRUE(fixture_sound(map, NULL));
	}
	vm_map_deallocate(map);
}

TEST(vm_map, gaps_stay_right_while_the_tree_turns)
{
	vm_map_t map = fixture_map();
	uint64_t x = 42;

	for (uint64_t i = 0; i < 3000; i++) {
		x ^= x << 13; x ^= x >> 7; x ^= x << 17;
		if (x & 0x100000)
			(void)fixture_allocate(map, P + (x % 4096) * 2 * P, P);
		else
			(void)vm_deallocate(map, vm_address_u(P + (x % 4096) * 2 * P), vm_size_u(3 * P));
		if (i % 10 == 0)
			ASSERT_TRUE(fixture_sound(map, NULL));
	}
	/* In order: every second page, then the holes are found one after the other. */
	ASSERT_EQ(vm_deallocate(map, vm_address_u(P), vm_size_u(vm_max_address - P)), KERN_SUCCESS);
	for (uint64_t i = 0; i < 600; i++)
		ASSERT_TRUE(fixture_allocate(map, P + i * 2 * P, P));
	ASSERT_TRUE(fixture_sound(map, NULL));
	for (uint64_t i = 0; i < 600; i++) {
		vm_address_ut a = vm_address_u(0);

		ASSERT_EQ(vm_allocate(map, &a, vm_size_u(P), VM_FLAGS_ANYWHERE), KERN_SUCCESS);
		ASSERT_EQ(a.v, 2 * P + i * 2 * P);
	}
	vm_map_deallocate(map);
}

TEST(vm_map, versions_tell_whether_the_map_moved_on)
{
	vm_map_t map = fixture_map();
	vm_map_version_t v;

	vm_map_lock_read(map);
	v.main_timestamp = map->timestamp;
	vm_map_unlock_read(map);
	ASSERT_TRUE(vm_map_verify(map, &v));
	vm_map_verify_done(map);
	ASSERT_TRUE(fixture_allocate(map, A, P));
	ASSERT_FALSE(vm_map_verify(map, &v));
	vm_map_lock_read(map);
	ASSERT_FALSE(vm_map_lock_read_to_write(map));
	ASSERT_TRUE(rw_write_held(&map->lock));
	vm_map_unlock(map);
	vm_map_deallocate(map);
}
