/*
 * vm_map_remap: memory mapped once more, by sharing or as a copy.
 */
#include "vm_fixture.h"
#include "vm_map_impl.h"

#define A       (64 * M)
#define B       (96 * M)
#define PAGES   6u

static vm_map_t map, into;

static void
begin(void)
{
	map = fixture_map();
	into = fixture_map();
}

static void
end(void)
{
	vm_map_deallocate(map);
	vm_map_deallocate(into);
}

/* All invariants of the two maps and of those that they share memory with. */
static bool
sound(vm_map_t third)
{
	return fixture_sound_all(map, into, third, NULL);
}

static vm_prot_t cur, max;

/* Maps [from, +size) of src to *to in dst. */
static kern_return_t
remap(vm_map_t dst, vm_offset_t *to, vm_map_t src, vm_offset_t from, vm_size_t size, bool copy, uint32_t flags)
{
	struct vm_map_remap_args a = {
		.size = size, .flags = flags, .src = src, .src_addr = from, .copy = copy, .inheritance = VM_INHERIT_DEFAULT,
	};

	return vm_map_remap(dst, to, &a, &cur, &max);
}

TEST(vm_map_remap, a_share_is_the_same_memory)
{
	vm_offset_t at = VM_MIN_ADDRESS;
	paddr_t pa, pb;

	begin();
	ASSERT_TRUE(fixture_fill(map, A, PAGES, 1));
	ASSERT_TRUE(pmap_extract(map->pmap, A, &pa));
	ASSERT_EQ(remap(into, &at, map, A, PAGES * P, false, VM_FLAGS_ANYWHERE), KERN_SUCCESS);
	ASSERT_EQ(at, VM_MIN_ADDRESS);
	ASSERT_EQ(cur, VM_PROT_DEFAULT);
	ASSERT_EQ(max, VM_PROT_ALL);
	ASSERT_EQ(fixture_leaf(map, A), VM_PROT_DEFAULT);       /* no page was touched on either side */
	ASSERT_EQ(fixture_leaf(into, at), VM_PROT_NONE);
	ASSERT_TRUE(fixture_holds(into, at, PAGES, 1));
	ASSERT_TRUE(pmap_extract(into->pmap, at, &pb));
	ASSERT_EQ(pa, pb);
	ASSERT_STORE(into, at, 50);
	ASSERT_LOAD(map, A, 50);
	ASSERT_STORE(map, A + P, 51);
	ASSERT_LOAD(into, at + P, 51);
	ASSERT_TRUE(fixture_entry(map, A)->is_shared && fixture_entry(into, at)->is_shared);
	ASSERT_TRUE(sound(NULL));
	ASSERT_EQ(vm_deallocate(map, vm_address_u(A), vm_size_u(PAGES * P)), KERN_SUCCESS);
	ASSERT_LOAD(into, at, 50);
	ASSERT_TRUE(sound(NULL));
	end();
}

TEST(vm_map_remap, sharing_a_part_leaves_the_rest_private)
{
	vm_offset_t at = B;
	vm_map_t child;

	begin();
	ASSERT_TRUE(fixture_fill(map, A, PAGES, 1));
	ASSERT_EQ(remap(into, &at, map, A + 2 * P, 2 * P, false, VM_FLAGS_FIXED), KERN_SUCCESS);
	ASSERT_STORE(map, A + 2 * P, 60);
	ASSERT_LOAD(into, B, 60);
	ASSERT_FALSE(fixture_entry(map, A)->is_shared);
	ASSERT_TRUE(fixture_entry(map, A + 2 * P)->is_shared);
	ASSERT_FALSE(fixture_entry(map, A + 4 * P)->is_shared);
	child = vm_map_fork(map);
	ASSERT_STORE(map, A, 61);
	ASSERT_STORE(into, B + P, 62);
	ASSERT_STORE(map, A + 4 * P, 63);
	ASSERT_LOAD(child, A, 1);
	ASSERT_LOAD(child, A + 2 * P, 60);
	ASSERT_LOAD(child, A + 3 * P, 4);
	ASSERT_LOAD(child, A + 4 * P, 5);
	ASSERT_STORE(child, A + 3 * P, 64);
	ASSERT_LOAD(map, A + 3 * P, 62);
	ASSERT_TRUE(sound(child));
	vm_map_deallocate(child);
	end();
}

TEST(vm_map_remap, sharing_what_is_being_copied_keeps_the_copy)
{
	vm_offset_t at = B;
	vm_map_t child;

	begin();
	ASSERT_TRUE(fixture_fill(map, A, PAGES, 1));
	child = vm_map_fork(map);
	ASSERT_LOAD(map, A, 1);
	ASSERT_EQ(remap(into, &at, map, A, PAGES * P, false, VM_FLAGS_FIXED), KERN_SUCCESS);
	ASSERT_STORE(map, A, 70);
	ASSERT_LOAD(into, B, 70);
	ASSERT_STORE(into, B + P, 71);
	ASSERT_LOAD(map, A + P, 71);
	ASSERT_TRUE(fixture_holds(child, A, PAGES, 1));
	ASSERT_TRUE(sound(child));
	vm_map_deallocate(child);
	end();
}

TEST(vm_map_remap, a_copy_goes_its_own_way)
{
	vm_offset_t at = B, again = B + 16 * P;

	begin();
	ASSERT_TRUE(fixture_fill(map, A, PAGES, 1));
	ASSERT_EQ(remap(into, &at, map, A + P, 4 * P, true, VM_FLAGS_FIXED), KERN_SUCCESS);
	ASSERT_FALSE(fixture_entry(map, A + P)->is_shared);
	ASSERT_STORE(map, A + P, 80);
	ASSERT_STORE(into, B + P, 81);
	ASSERT_LOAD(into, B, 2);
	ASSERT_LOAD(map, A + 2 * P, 3);
	ASSERT_TRUE(sound(NULL));
	/* Of shared memory, too. */
	ASSERT_EQ(remap(into, &again, into, B, 4 * P, false, VM_FLAGS_FIXED), KERN_SUCCESS);
	at = A;
	ASSERT_EQ(remap(into, &at, into, again, 4 * P, true, VM_FLAGS_FIXED), KERN_SUCCESS);
	ASSERT_STORE(into, B, 82);
	ASSERT_LOAD(into, again, 82);
	ASSERT_LOAD(into, A, 2);
	ASSERT_STORE(into, A + P, 83);
	ASSERT_LOAD(into, again + P, 81);
	ASSERT_TRUE(sound(NULL));
	end();
}

TEST(vm_map_remap, a_copy_of_wired_memory_is_made_at_once)
{
	vm_offset_t at = B;

	begin();
	ASSERT_TRUE(fixture_fill(map, A, PAGES, 1));
	ASSERT_EQ(vm_map_wire(map, A, A + PAGES * P, VM_PROT_DEFAULT, true), KERN_SUCCESS);
	ASSERT_EQ(remap(into, &at, map, A, PAGES * P, true, VM_FLAGS_FIXED), KERN_SUCCESS);
	ASSERT_EQ(fixture_leaf(map, A), VM_PROT_DEFAULT);
	ASSERT_EQ(fixture_entry(into, B)->wired_count, 0);
	ASSERT_STORE(map, A, 90);
	ASSERT_TRUE(fixture_holds(into, B, PAGES, 1));
	/* Shared, it stays wired for those who wired it. */
	at = A;
	ASSERT_EQ(remap(into, &at, map, A, PAGES * P, false, VM_FLAGS_FIXED), KERN_SUCCESS);
	ASSERT_EQ(fixture_entry(into, A)->wired_count, 0);
	ASSERT_STORE(into, A + P, 91);
	ASSERT_LOAD(map, A + P, 91);
	ASSERT_TRUE(sound(NULL));
	end();
}

TEST(vm_map_remap, rights_are_those_that_all_pieces_have)
{
	struct vm_map_remap_args a = { .size = 3 * P, .src = NULL, .src_addr = A, .inheritance = VM_INHERIT_NONE };
	vm_offset_t at = B;

	begin();
	a.src = map;
	ASSERT_TRUE(fixture_fill(map, A, 3, 1));
	ASSERT_EQ(vm_protect(map, vm_address_u(A), vm_size_u(P), false, VM_PROT_READ | VM_PROT_EXECUTE), KERN_SUCCESS);
	ASSERT_EQ(vm_protect(map, vm_address_u(A + P), vm_size_u(P), true, VM_PROT_DEFAULT), KERN_SUCCESS);
	ASSERT_EQ(vm_map_remap(into, &at, &a, &cur, &max), KERN_SUCCESS);
	ASSERT_EQ(cur, VM_PROT_READ);
	ASSERT_EQ(max, VM_PROT_DEFAULT);
	ASSERT_EQ(fixture_entry(into, B)->protection, VM_PROT_READ | VM_PROT_EXECUTE);
	ASSERT_EQ(fixture_entry(into, B + P)->protection, VM_PROT_DEFAULT);
	ASSERT_EQ(fixture_entry(into, B + P)->max_protection, VM_PROT_DEFAULT);
	ASSERT_EQ(fixture_entry(into, B)->inheritance, VM_INHERIT_NONE);
	ASSERT_EQ(fixture_entry(map, A)->inheritance, VM_INHERIT_COPY);
	/* Bounded: what is asked must be there, and is what is given. */
	a.bounded = true;
	at = B + 16 * P;
	cur = VM_PROT_DEFAULT;
	max = VM_PROT_DEFAULT;
	ASSERT_EQ(vm_map_remap(into, &at, &a, &cur, &max), KERN_PROTECTION_FAILURE);
	cur = VM_PROT_READ;
	max = VM_PROT_ALL;
	ASSERT_EQ(vm_map_remap(into, &at, &a, &cur, &max), KERN_PROTECTION_FAILURE);
	ASSERT_EQ(vm_map_remap(into, &at, &a, &(vm_prot_t){ VM_PROT_WRITE }, &(vm_prot_t){ VM_PROT_READ }), KERN_INVALID_ARGUMENT);
	ASSERT_EQ(vm_map_remap(into, &at, &a, &(vm_prot_t){ VM_PROT_COPY }, &(vm_prot_t){ 0x17 }), KERN_INVALID_ARGUMENT);
	max = VM_PROT_READ;
	ASSERT_EQ(vm_map_remap(into, &at, &a, &cur, &max), KERN_SUCCESS);
	ASSERT_EQ(fixture_entry(into, at)->max_protection, VM_PROT_READ);
	ASSERT_EQ(fixture_entry(into, at + 2 * P)->protection, VM_PROT_READ);
	ASSERT_TRUE(sound(NULL));
	end();
}

TEST(vm_map_remap, a_refusal_cannot_be_seen_afterwards)
{
	struct vm_region_basic_info info;
	vm_address_ut addr = vm_address_u(A);
	vm_offset_t at = B;
	vm_size_ut size;

	begin();
	ASSERT_TRUE(fixture_fill(map, A, PAGES, 1));
	ASSERT_TRUE(fixture_fill(into, B + P, 1, 9));
	ASSERT_EQ(remap(into, &at, map, A, PAGES * P, false, VM_FLAGS_FIXED), KERN_NO_SPACE);
	ASSERT_EQ(remap(into, &at, map, A + P, PAGES * P, false, VM_FLAGS_FIXED), KERN_INVALID_ADDRESS);
	at = vm_max_address - P;
	ASSERT_EQ(remap(into, &at, map, A, PAGES * P, false, VM_FLAGS_FIXED), KERN_INVALID_ADDRESS);
	ASSERT_EQ(remap(into, &at, map, A, PAGES * P, false, VM_FLAGS_ANYWHERE), KERN_NO_SPACE);
	at = 0;
	ASSERT_EQ(remap(into, &at, map, A, PAGES * P, false, VM_FLAGS_FIXED), KERN_INVALID_ADDRESS);
	ASSERT_EQ(remap(into, &at, map, A, 0, false, VM_FLAGS_ANYWHERE), KERN_INVALID_ARGUMENT);
	ASSERT_EQ(remap(into, &at, map, -P, 2 * P, false, VM_FLAGS_ANYWHERE), KERN_INVALID_ARGUMENT);
	ASSERT_EQ(at, 0);
	ASSERT_EQ(vm_region_basic(map, &addr, &size, &info), KERN_SUCCESS);
	ASSERT_FALSE(info.shared);
	ASSERT_EQ(size.v, PAGES * P);
	ASSERT_LOAD(into, B + P, 9);
	ASSERT_STORE(map, A, 2);
	ASSERT_TRUE(sound(NULL));
	end();
}

/* Also of one piece among many; what is only readable, or not executable, comes in. */
TEST(vm_map_remap, a_wxorx_target_takes_nothing_that_is_writable_and_executable)
{
	vm_offset_t at = B;

	begin();
	ASSERT_TRUE(fixture_fill(map, A, PAGES, 1));
	ASSERT_TRUE(fixture_fill(into, B, 1, 9));
	ASSERT_EQ(vm_protect(map, vm_address_u(A + P), vm_size_u(P), false, VM_PROT_ALL), KERN_SUCCESS);
	ASSERT_EQ(vm_map_set_options(into, VM_MAP_WXORX, 0), KERN_SUCCESS);
	ASSERT_EQ(remap(into, &at, map, A, PAGES * P, false, VM_FLAGS_FIXED | VM_FLAGS_OVERWRITE), KERN_PROTECTION_FAILURE);
	ASSERT_EQ(remap(into, &at, map, A, PAGES * P, true, VM_FLAGS_ANYWHERE), KERN_PROTECTION_FAILURE);
	ASSERT_EQ(at, B);
	ASSERT_TRUE(fixture_holds(into, B, 1, 9));
	ASSERT_EQ(fixture_entries(into), 1);
	ASSERT_TRUE(sound(NULL));
	ASSERT_EQ(vm_protect(map, vm_address_u(A + P), vm_size_u(P), false, VM_PROT_READ | VM_PROT_EXECUTE), KERN_SUCCESS);
	ASSERT_EQ(remap(into, &at, map, A, PAGES * P, false, VM_FLAGS_FIXED | VM_FLAGS_OVERWRITE), KERN_SUCCESS);
	ASSERT_TRUE(fixture_holds(into, B, PAGES, 1));
	ASSERT_TRUE(sound(NULL));
	end();
}

TEST(vm_map_remap, placing_follows_hint_and_mask)
{
	struct vm_map_remap_args a = { .size = 2 * P, .mask = M - 1, .flags = VM_FLAGS_ANYWHERE, .src_addr = A };
	vm_offset_t at = A + P;

	begin();
	a.src = map;
	ASSERT_TRUE(fixture_fill(map, A, 2, 1));
	ASSERT_EQ(vm_map_remap(map, &at, &a, &cur, &max), KERN_SUCCESS);
	ASSERT_EQ(at, A + M);
	a.flags = VM_FLAGS_FIXED;
	at = A + 3 * M + P;
	ASSERT_EQ(vm_map_remap(map, &at, &a, &cur, &max), KERN_NO_SPACE);
	ASSERT_TRUE(fixture_holds(map, A + M, 2, 1));
	ASSERT_TRUE(sound(NULL));
	end();
}

TEST(vm_map_remap, overwriting_its_own_source_gives_the_contents_of_before)
{
	begin();
	for (unsigned copy = 0; copy < 2; copy++) {
		vm_offset_t at = A + 2 * P;

		ASSERT_TRUE(fixture_fill(map, A, PAGES + 2, 1));
		ASSERT_EQ(remap(map, &at, map, A, PAGES * P, copy, VM_FLAGS_OVERWRITE), KERN_SUCCESS);
		ASSERT_TRUE(fixture_holds(map, A, 2, 1));
		ASSERT_TRUE(fixture_holds(map, A + 2 * P, PAGES, 1));
		ASSERT_STORE(map, A + P, 99);
		ASSERT_LOAD(map, A + 3 * P, copy ? 2 : 99);
		ASSERT_TRUE(sound(NULL));
		ASSERT_EQ(vm_deallocate(map, vm_address_u(A), vm_size_u((PAGES + 2) * P)), KERN_SUCCESS);
	}
	/* Exactly onto itself. */
	ASSERT_TRUE(fixture_fill(map, A, PAGES, 1));
	ASSERT_EQ(remap(map, &(vm_offset_t){ A }, map, A, PAGES * P, true, VM_FLAGS_OVERWRITE), KERN_SUCCESS);
	ASSERT_EQ(remap(map, &(vm_offset_t){ A }, map, A, PAGES * P, false, VM_FLAGS_OVERWRITE), KERN_SUCCESS);
	ASSERT_TRUE(fixture_holds(map, A, PAGES, 1));
	ASSERT_STORE(map, A, 3);
	ASSERT_TRUE(sound(NULL));
	end();
}

TEST(vm_map_remap, overwriting_permanent_memory_seals_it)
{
	vm_offset_t at = B;
	vm_address_ut addr = vm_address_u(B + P);

	begin();
	ASSERT_TRUE(fixture_fill(map, A, PAGES, 1));
	ASSERT_EQ(vm_allocate(into, &addr, vm_size_u(P), VM_FLAGS_PERMANENT), KERN_SUCCESS);
	ASSERT_EQ(remap(into, &at, map, A, PAGES * P, false, VM_FLAGS_OVERWRITE), KERN_NO_SPACE);
	ASSERT_EQ(fixture_entry(into, B + P)->max_protection, VM_PROT_NONE);
	ASSERT_FALSE(fixture_entry(map, A)->is_shared);
	at = A;
	ASSERT_EQ(remap(into, &at, map, A, PAGES * P, false, VM_FLAGS_PERMANENT), KERN_SUCCESS);
	ASSERT_EQ(vm_deallocate(into, vm_address_u(A), vm_size_u(PAGES * P)), KERN_SUCCESS);
	ASSERT_EQ(fixture_entry(into, A)->protection, VM_PROT_NONE);
	ASSERT_LOAD(map, A, 1);
	end();
}

TEST(vm_map_remap, untouched_memory_is_shared_for_real)
{
	vm_offset_t at = B;

	begin();
	ASSERT_TRUE(fixture_allocate(map, A, PAGES * P));
	ASSERT_EQ(vm_protect(map, vm_address_u(A + 2 * P), vm_size_u(2 * P), true, VM_PROT_NONE), KERN_SUCCESS);
	ASSERT_EQ(remap(into, &at, map, A, PAGES * P, false, VM_FLAGS_FIXED), KERN_SUCCESS);
	ASSERT_STORE(into, B, 5);
	ASSERT_LOAD(map, A, 5);
	ASSERT_STORE(map, A + 4 * P, 6);
	ASSERT_LOAD(into, B + 4 * P, 6);
	/* What can never be used is only a reservation. */
	ASSERT_TRUE(fixture_entry(map, A + 2 * P)->object.vm_object == NULL);
	ASSERT_TRUE(fixture_entry(into, B + 2 * P)->object.vm_object == NULL);
	ASSERT_EQ(cur, VM_PROT_NONE);
	ASSERT_EQ(max, VM_PROT_NONE);
	/* A copy of untouched memory stays untouched. */
	at = B + 16 * P;
	ASSERT_TRUE(fixture_allocate(map, B, P));
	ASSERT_EQ(remap(into, &at, map, B, P, true, VM_FLAGS_FIXED), KERN_SUCCESS);
	ASSERT_TRUE(fixture_entry(map, B)->object.vm_object == NULL);
	ASSERT_TRUE(fixture_entry(into, at)->object.vm_object == NULL);
	ASSERT_TRUE(sound(NULL));
	end();
}

TEST(vm_map_remap, a_target_that_wires_wires_or_is_as_before)
{
	vm_offset_t at = B;

	begin();
	ASSERT_TRUE(fixture_fill(map, A, PAGES, 1));
	ASSERT_TRUE(fixture_fill(into, B, PAGES, 31));
	into->wiring_required = true;
	vm_map_wire_limit = 1;
	ASSERT_EQ(remap(into, &at, map, A, PAGES * P, false, VM_FLAGS_OVERWRITE), KERN_RESOURCE_SHORTAGE);
	vm_map_wire_limit = 0;
	ASSERT_TRUE(fixture_holds(into, B, PAGES, 31));
	ASSERT_FALSE(fixture_entry(map, A)->is_shared);
	ASSERT_EQ(remap(into, &at, map, A, PAGES * P, false, VM_FLAGS_OVERWRITE), KERN_SUCCESS);
	ASSERT_EQ(fixture_entry(into, B)->user_wired_count, 1);
	ASSERT_TRUE(fixture_holds(into, B, PAGES, 1));
	ASSERT_TRUE(sound(NULL));
	end();
}

TEST(vm_map_remap, memory_moves_page_by_page_without_many_entries)
{
	begin();
	ASSERT_TRUE(fixture_fill(map, A, 32, 1));
	ASSERT_EQ(remap(into, &(vm_offset_t){ B }, map, A, 32 * P, false, VM_FLAGS_FIXED), KERN_SUCCESS);
	for (unsigned i = 0; i < 32; i++)
		ASSERT_EQ(remap(map, &(vm_offset_t){ B + i * P }, into, B + i * P, P, false, VM_FLAGS_FIXED), KERN_SUCCESS);
	ASSERT_EQ(vm_deallocate(map, vm_address_u(A), vm_size_u(32 * P)), KERN_SUCCESS);
	ASSERT_TRUE(fixture_holds(map, B, 32, 1));
	ASSERT_EQ(fixture_entries(map), 1);
	ASSERT_EQ(fixture_entries(into), 1);
	ASSERT_TRUE(sound(NULL));
	end();
}

TEST(vm_map_remap, extracted_entries_are_detached)
{
	struct vm_map_header h;
	vm_map_entry_t e, next;

	begin();
	ASSERT_TRUE(fixture_fill(map, A, PAGES, 1));
	ASSERT_EQ(vm_protect(map, vm_address_u(A + P), vm_size_u(P), false, VM_PROT_READ), KERN_SUCCESS);
	ASSERT_EQ(vm_remap_extract(map, A, 3 * P, false, &h, &cur, &max, VM_INHERIT_SHARE, true), KERN_SUCCESS);
	ASSERT_EQ(h.nentries, 3);
	ASSERT_EQ(cur, VM_PROT_READ);
	ASSERT_TRUE(fixture_entry(map, A)->is_shared);
	for (e = h.links.next; e != (vm_map_entry_t)(void *)&h.links; e = next) {
		next = e->vme_next;
		ASSERT_EQ(e->inheritance, VM_INHERIT_SHARE);
		ASSERT_TRUE(e->object.vm_object == fixture_entry(map, A + e->vme_start)->object.vm_object);
		vm_object_deallocate(e->object.vm_object);
		vm_map_entry_dispose(e);
	}
	ASSERT_EQ(vm_remap_extract(map, A, (PAGES + 1) * P, false, &h, &cur, &max, VM_INHERIT_SHARE, true), KERN_INVALID_ADDRESS);
	ASSERT_TRUE(sound(NULL));
	end();
}

/* --- through submaps --- */

static vm_map_t
behind_window(bool copy)
{
	struct vm_map_enter_args args = {
		.size = PAGES * P, .offset = B, .needs_copy = copy, .cur = VM_PROT_DEFAULT, .max = VM_PROT_ALL,
		.inheritance = VM_INHERIT_SHARE,
	};
	vm_map_t sub = vm_map_create(PMAP_NULL, 0, 2 * B, true);
	vm_offset_t at = A;

	if (sub == NULL || !fixture_allocate(sub, B, PAGES * P) ||
	    vm_map_enter_submap(map, &at, &args, sub, false) != KERN_SUCCESS)
		return NULL;
	for (unsigned i = 0; i < PAGES; i++)
		if (vm_map_write_user(sub, &(uint8_t){ (uint8_t)(i + 1) }, B + i * P, 1) != KERN_SUCCESS)
			return NULL;
	return sub;
}

TEST(vm_map_remap, a_share_of_a_window_is_the_submaps_memory)
{
	vm_offset_t at = A;
	uint8_t v = 0;
	vm_map_t sub;

	begin();
	sub = behind_window(false);
	ASSERT_STORE(map, A + P, 2);
	ASSERT_EQ(remap(into, &at, map, A + P, 3 * P, false, VM_FLAGS_FIXED), KERN_SUCCESS);
	ASSERT_FALSE(fixture_entry(into, A)->is_sub_map);
	ASSERT_STORE(into, A, 60);
	ASSERT_LOAD(map, A + P, 60);
	ASSERT_EQ(vm_map_read_user(sub, B + P, &v, 1), KERN_SUCCESS);
	ASSERT_EQ(v, 60);
	ASSERT_STORE(map, A + 2 * P, 61);
	ASSERT_LOAD(into, A + P, 61);
	ASSERT_TRUE(fixture_entry(sub, B + P)->is_shared);
	ASSERT_FALSE(fixture_entry(sub, B)->is_shared);
	ASSERT_TRUE(fixture_sound(map, into, sub, NULL));
	vm_map_deallocate(sub);
	end();
}

TEST(vm_map_remap, a_share_of_a_copied_window_is_a_copy)
{
	vm_offset_t at = A;
	uint8_t v = 0;
	vm_map_t sub;

	begin();
	sub = behind_window(true);
	ASSERT_EQ(remap(into, &at, map, A, PAGES * P, false, VM_FLAGS_FIXED), KERN_SUCCESS);
	ASSERT_STORE(into, A, 60);
	ASSERT_EQ(vm_map_read_user(sub, B, &v, 1), KERN_SUCCESS);
	ASSERT_EQ(v, 1);
	ASSERT_LOAD(map, A, 1);
	ASSERT_EQ(vm_map_write_user(sub, &(uint8_t){ 70 }, B + P, 1), KERN_SUCCESS);
	ASSERT_LOAD(into, A + P, 2);
	ASSERT_TRUE(fixture_sound(map, into, sub, NULL));
	vm_map_deallocate(sub);
	end();
}

TEST(vm_map_remap, a_submap_may_be_the_target_of_what_it_shows)
{
	vm_offset_t at = B + 16 * P;
	vm_map_t sub;

	begin();
	sub = behind_window(false);
	ASSERT_EQ(remap(sub, &at, map, A, 2 * P, false, VM_FLAGS_FIXED), KERN_SUCCESS);
	ASSERT_STORE(map, A, 60);
	ASSERT_EQ(fixture_entry(sub, B)->object.vm_object, fixture_entry(sub, at)->object.vm_object);
	ASSERT_TRUE(fixture_sound(map, into, sub, NULL));
	vm_map_deallocate(sub);
	end();
}
