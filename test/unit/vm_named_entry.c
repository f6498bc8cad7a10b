/*
 * vm_named_entry: making handles in every form, mapping them, and what their
 * protection bounds.
 */
#include <string.h>
#include <kernel/pager.h>
#include "vm_fixture.h"
#include "vm_map_impl.h"

#define A (64 * M)
#define B (128 * M)

static vm_map_t map, other;

static bool
setup(void)
{
	map = fixture_map();
	other = fixture_map();
	return map != NULL && other != NULL && fixture_allocate(map, A, 8 * P);
}

static bool
teardown(void)
{
	bool ok = fixture_sound(map, other, NULL);

	vm_map_deallocate(map);
	vm_map_deallocate(other);
	return ok;
}

static kern_return_t
make(vm_offset_t addr, vm_size_t *size, uint32_t permission, vm_named_entry_t *ne)
{
	struct vm_named_entry_args a = { .map = map, .offset = addr, .size = *size, .permission = permission };

	return vm_named_entry_make(&a, size, ne);
}

/* A handle for size bytes at addr of map, which covers just as much; NULL: not made so. */
static vm_named_entry_t
handle(vm_offset_t addr, vm_size_t size, uint32_t permission)
{
	vm_size_t got = size;
	vm_named_entry_t ne;

	if (make(addr, &got, permission, &ne) != KERN_SUCCESS)
		return NULL;
	return got == size ? ne : NULL;
}

static kern_return_t
child(vm_named_entry_t parent, vm_offset_t offset, vm_size_t *size, uint32_t permission, vm_named_entry_t *ne)
{
	struct vm_named_entry_args a = { .offset = offset, .size = *size, .permission = permission, .parent = parent };

	return vm_named_entry_make(&a, size, ne);
}

struct how {
	vm_size_t   size;
	vm_offset_t offset;
	bool        copy;
	vm_prot_t   cur, max;
	uint32_t    flags;
};

static kern_return_t
map_at(vm_map_t in, vm_offset_t addr, vm_named_entry_t ne, struct how h)
{
	struct vm_map_user_args a = {
		.size = vm_size_u(h.size), .flags = h.flags, .offset = vm_address_u(h.offset), .copy = h.copy,
		.cur = h.cur, .max = h.max, .inheritance = VM_INHERIT_SHARE, .entry = ne,
	};
	vm_address_ut at = vm_address_u(addr);

	return vm_map_user(in, &at, &a);
}

static kern_return_t
map_rw(vm_map_t in, vm_offset_t addr, vm_named_entry_t ne, vm_size_t size, vm_offset_t offset, bool copy)
{
	return map_at(in, addr, ne, (struct how){ size, offset, copy, VM_PROT_DEFAULT, VM_PROT_DEFAULT, 0 });
}

static kern_return_t
protect(vm_map_t in, vm_offset_t at, vm_size_t size, vm_prot_t prot)
{
	return vm_protect(in, vm_address_u(at), vm_size_u(size), false, prot);
}

TEST(vm_named_entry, new_memory_is_shared_by_all_its_mappings)
{
	vm_named_entry_t ne;
	vm_size_t size = 5 * P - 1;

	ASSERT_TRUE(setup());
	ASSERT_EQ(make(0, &size, VM_PROT_DEFAULT | MAP_MEM_NAMED_CREATE, &ne), KERN_SUCCESS);
	ASSERT_EQ(size, 5 * P);
	ASSERT_EQ(map_rw(map, B, ne, 4 * P, P, false), KERN_SUCCESS);
	ASSERT_EQ(map_rw(other, B, ne, 5 * P, 0, false), KERN_SUCCESS);
	ASSERT_STORE(map, B, 7);
	ASSERT_LOAD(other, B + P, 7);
	ASSERT_STORE(other, B + 2 * P, 8);
	ASSERT_LOAD(map, B + P, 8);
	ASSERT_TRUE(fixture_entry(map, B)->is_shared);
	/* Mappings outlive the handle. */
	vm_named_entry_release(ne);
	ASSERT_LOAD(map, B + P, 8);
	ASSERT_TRUE(teardown());
}

TEST(vm_named_entry, new_memory_of_no_or_too_many_bytes)
{
	vm_named_entry_t ne = (vm_named_entry_t)&map;
	vm_size_t size = 0;

	ASSERT_TRUE(setup());
	ASSERT_EQ(make(0, &size, VM_PROT_DEFAULT | MAP_MEM_NAMED_CREATE, &ne), KERN_SUCCESS);
	ASSERT_TRUE(ne == NULL);
	size = vm_max_address + P;
	ASSERT_EQ(make(0, &size, VM_PROT_DEFAULT | MAP_MEM_NAMED_CREATE, &ne), KERN_FAILURE);
	size = ~0ul;
	ASSERT_EQ(make(0, &size, VM_PROT_DEFAULT | MAP_MEM_NAMED_CREATE, &ne), KERN_INVALID_ARGUMENT);
	ASSERT_EQ(size, ~0ul);
	size = P;
	ASSERT_EQ(make(0, &size, VM_PROT_DEFAULT | MAP_MEM_NAMED_CREATE | MAP_MEM_USE_DATA_ADDR, &ne), KERN_INVALID_ARGUMENT);
	ASSERT_TRUE(teardown());
}

TEST(vm_named_entry, of_a_range_shares_the_object)
{
	vm_named_entry_t ne;

	ASSERT_TRUE(setup());
	ASSERT_STORE(map, A + 2 * P, 3);
	ne = handle(A + 2 * P, 4 * P, VM_PROT_DEFAULT);
	ASSERT_TRUE(ne != NULL && ne->type == NAMED_OBJECT);
	ASSERT_EQ(map_rw(other, B, ne, 4 * P, 0, false), KERN_SUCCESS);
	ASSERT_LOAD(other, B, 3);
	ASSERT_STORE(other, B, 4);
	ASSERT_LOAD(map, A + 2 * P, 4);
	ASSERT_STORE(map, A + 5 * P, 5);
	ASSERT_LOAD(other, B + 3 * P, 5);
	vm_named_entry_release(ne);
	ASSERT_TRUE(teardown());
}

TEST(vm_named_entry, of_memory_that_was_copied_before)
{
	vm_named_entry_t ne;
	vm_map_t child_map;

	ASSERT_TRUE(setup());
	ASSERT_STORE(map, A, 1);
	child_map = vm_map_fork(map);
	ne = handle(A, 8 * P, VM_PROT_DEFAULT);
	ASSERT_TRUE(ne != NULL);
	ASSERT_EQ(map_rw(other, B, ne, 8 * P, 0, false), KERN_SUCCESS);
	ASSERT_STORE(other, B, 2);
	ASSERT_LOAD(map, A, 2);
	ASSERT_LOAD(child_map, A, 1);
	ASSERT_STORE(child_map, A, 3);
	ASSERT_LOAD(map, A, 2);
	vm_named_entry_release(ne);
	vm_map_deallocate(child_map);
	ASSERT_TRUE(teardown());
}

/* Entries that only rights set apart are still one extent; so is what the handle covers. */
TEST(vm_named_entry, one_extent_over_entries_of_one_object)
{
	vm_named_entry_t ne;
	vm_map_t child_map;

	ASSERT_TRUE(setup());
	for (vm_offset_t i = 0; i < 8; i++)
		ASSERT_STORE(map, A + i * P, (uint8_t)(i + 1));
	ASSERT_EQ(protect(map, A + 2 * P, 2 * P, VM_PROT_READ), KERN_SUCCESS);
	child_map = vm_map_fork(map);
	ASSERT_EQ(fixture_entries(map), 3);
	ne = handle(A + P, 6 * P, VM_PROT_DEFAULT);
	ASSERT_TRUE(ne != NULL);
	ASSERT_EQ(fixture_entries(map), 3);
	ASSERT_EQ(map_rw(other, B, ne, 6 * P, 0, false), KERN_SUCCESS);
	for (vm_offset_t i = 0; i < 6; i++)
		ASSERT_STORE(other, B + i * P, (uint8_t)(i + 20));
	for (vm_offset_t i = 1; i < 7; i++) {
		ASSERT_LOAD(map, A + i * P, i + 19);
		ASSERT_LOAD(child_map, A + i * P, i + 1);
	}
	ASSERT_STORE(map, A + 6 * P, 90);
	ASSERT_LOAD(other, B + 5 * P, 90);
	ASSERT_STORE(map, A, 91);
	ASSERT_LOAD(child_map, A, 1);
	ASSERT_TRUE(fixture_sound(child_map, NULL));
	vm_named_entry_release(ne);
	vm_map_deallocate(child_map);
	ASSERT_TRUE(teardown());
}

/* The object is larger than the extent: the rest of it must stay private, and what is shared must not go past the shadow. */
TEST(vm_named_entry, part_of_an_object_in_several_entries)
{
	vm_named_entry_t ne;
	vm_map_t child_map;

	ASSERT_TRUE(setup());
	for (vm_offset_t i = 0; i < 8; i++)
		ASSERT_STORE(map, A + i * P, (uint8_t)(i + 1));
	ASSERT_EQ(protect(map, A + 2 * P, 2 * P, VM_PROT_ALL), KERN_SUCCESS);
	ASSERT_EQ(fixture_entries(map), 3);
	ASSERT_STORE(map, A + 3 * P, 4);
	ne = handle(A, 4 * P, VM_PROT_DEFAULT);
	ASSERT_TRUE(ne != NULL);
	ASSERT_FALSE(fixture_entry(map, A + 4 * P)->is_shared);
	ASSERT_EQ(map_rw(other, B, ne, 4 * P, 0, false), KERN_SUCCESS);
	for (vm_offset_t i = 0; i < 4; i++) {
		ASSERT_STORE(map, A + i * P, (uint8_t)(i + 40));
		ASSERT_LOAD(other, B + i * P, i + 40);
	}
	child_map = vm_map_fork(map);
	ASSERT_STORE(map, A + 5 * P, 60);
	ASSERT_LOAD(child_map, A + 5 * P, 6);
	ASSERT_TRUE(fixture_sound(child_map, NULL));
	vm_map_deallocate(child_map);
	vm_named_entry_release(ne);
	ASSERT_TRUE(teardown());
}

TEST(vm_named_entry, the_size_is_cut_to_one_object)
{
	vm_named_entry_t ne;
	vm_size_t size = 20 * P;

	ASSERT_TRUE(setup());
	ASSERT_STORE(map, A, 1);
	ASSERT_EQ(vm_inherit(map, vm_address_u(A), vm_size_u(8 * P), VM_INHERIT_SHARE), KERN_SUCCESS);
	/* Another object behind the first. */
	ASSERT_TRUE(fixture_allocate(map, A + 8 * P, 12 * P));
	ASSERT_STORE(map, A + 8 * P, 1);
	ASSERT_EQ(fixture_entries(map), 2);
	ASSERT_EQ(make(A + 3 * P + 5, &size, VM_PROT_READ, &ne), KERN_SUCCESS);
	ASSERT_EQ(size, 5 * P);
	ASSERT_EQ(ne->size, 5 * P);
	vm_named_entry_release(ne);
	ASSERT_TRUE(teardown());
}

TEST(vm_named_entry, rights_of_a_range)
{
	vm_named_entry_t ne = NULL;
	vm_size_t size = P;

	ASSERT_TRUE(setup());
	ASSERT_EQ(vm_protect(map, vm_address_u(A), vm_size_u(P), true, VM_PROT_READ), KERN_SUCCESS);
	ASSERT_EQ(make(A, &size, VM_PROT_DEFAULT, &ne), KERN_PROTECTION_FAILURE);
	ASSERT_TRUE(ne == NULL);
	ASSERT_FALSE(fixture_entry(map, A)->is_shared);
	ASSERT_EQ(make(A, &size, VM_PROT_DEFAULT | VM_PROT_IS_MASK, &ne), KERN_SUCCESS);
	ASSERT_EQ(ne->protection, VM_PROT_READ);
	vm_named_entry_release(ne);
	/* The maximum counts, not the moment. */
	ASSERT_EQ(protect(map, A + P, P, VM_PROT_NONE), KERN_SUCCESS);
	ne = handle(A + P, P, VM_PROT_DEFAULT);
	ASSERT_TRUE(ne != NULL);
	vm_named_entry_release(ne);
	ASSERT_EQ(make(A + 8 * P, &size, VM_PROT_READ, &ne), KERN_INVALID_ADDRESS);
	ASSERT_TRUE(teardown());
}

TEST(vm_named_entry, no_mapping_gets_more_than_the_handle_permits)
{
	vm_named_entry_t ne;
	vm_map_t child_map;

	ASSERT_TRUE(setup());
	ASSERT_STORE(map, A, 1);
	ne = handle(A, 4 * P, VM_PROT_READ);
	ASSERT_TRUE(ne != NULL);
	ASSERT_EQ(map_at(other, B, ne, (struct how){ 4 * P, 0, false, VM_PROT_DEFAULT, VM_PROT_DEFAULT, 0 }), KERN_INVALID_RIGHT);
	ASSERT_EQ(map_at(other, B, ne, (struct how){ 4 * P, 0, false, VM_PROT_READ, VM_PROT_DEFAULT, 0 }), KERN_INVALID_RIGHT);
	ASSERT_EQ(fixture_entries(other), 0);
	ASSERT_EQ(map_at(other, B, ne, (struct how){ 4 * P, 0, false, VM_PROT_READ, VM_PROT_READ, 0 }), KERN_SUCCESS);
	ASSERT_EQ(protect(other, B, P, VM_PROT_DEFAULT), KERN_PROTECTION_FAILURE);
	ASSERT_EQ(fixture_store(other, B, 2), KERN_PROTECTION_FAILURE);
	child_map = vm_map_fork(other);
	ASSERT_EQ(protect(child_map, B, P, VM_PROT_DEFAULT), KERN_PROTECTION_FAILURE);
	vm_map_deallocate(child_map);
	/* A private copy is the caller's own. */
	ASSERT_EQ(map_at(other, B + M, ne, (struct how){ 4 * P, 0, true, VM_PROT_DEFAULT, VM_PROT_ALL, 0 }), KERN_SUCCESS);
	ASSERT_STORE(other, B + M, 2);
	ASSERT_LOAD(map, A, 1);
	ASSERT_LOAD(other, B, 1);
	vm_named_entry_release(ne);
	ASSERT_TRUE(teardown());
}

TEST(vm_named_entry, offsets_and_sizes_beyond_it)
{
	vm_named_entry_t ne;

	ASSERT_TRUE(setup());
	ne = handle(A, 4 * P, VM_PROT_DEFAULT);
	ASSERT_TRUE(ne != NULL);
	ASSERT_EQ(map_rw(other, B, ne, 5 * P, 0, false), KERN_INVALID_ARGUMENT);
	ASSERT_EQ(map_rw(other, B, ne, P, 4 * P, false), KERN_INVALID_ARGUMENT);
	ASSERT_EQ(map_rw(other, B, ne, 2 * P, 3 * P, false), KERN_INVALID_ARGUMENT);
	ASSERT_EQ(map_rw(other, B, ne, P, 1, false), KERN_INVALID_ARGUMENT);
	ASSERT_EQ(map_rw(other, B, ne, 2 * P, ~0ul - P + 1, false), KERN_INVALID_ARGUMENT);
	ASSERT_EQ(map_rw(other, B, ne, ~0ul - 2 * P, 3 * P, false), KERN_INVALID_ARGUMENT);
	ASSERT_EQ(map_rw(other, B, ne, P - 1, 3 * P, false), KERN_SUCCESS);
	ASSERT_EQ(map_rw(other, B, ne, P, 0, false), KERN_NO_SPACE);
	vm_named_entry_release(ne);
	ASSERT_TRUE(teardown());
}

TEST(vm_named_entry, copies_are_private_and_of_that_moment)
{
	vm_named_entry_t ne;

	ASSERT_TRUE(setup());
	ASSERT_STORE(map, A, 1);
	ne = handle(A, 4 * P, VM_PROT_DEFAULT);
	ASSERT_TRUE(ne != NULL);
	ASSERT_EQ(map_rw(other, B, ne, 4 * P, 0, true), KERN_SUCCESS);
	ASSERT_STORE(map, A, 2);
	ASSERT_STORE(map, A + P, 3);
	ASSERT_LOAD(other, B, 1);
	ASSERT_LOAD(other, B + P, 0);
	ASSERT_STORE(other, B, 4);
	ASSERT_LOAD(map, A, 2);
	vm_named_entry_release(ne);
	ASSERT_TRUE(teardown());
}

TEST(vm_named_entry, narrower_handles)
{
	vm_named_entry_t ne, kid, grandkid = NULL;
	vm_size_t size = 2 * P;

	ASSERT_TRUE(setup());
	ASSERT_STORE(map, A + 3 * P, 1);
	ne = handle(A + P, 6 * P, VM_PROT_DEFAULT);
	ASSERT_TRUE(ne != NULL);
	ASSERT_EQ(child(ne, 2 * P, &size, VM_PROT_READ, &kid), KERN_SUCCESS);
	ASSERT_EQ(size, 2 * P);
	ASSERT_EQ(child(kid, 0, &size, VM_PROT_DEFAULT, &grandkid), KERN_PROTECTION_FAILURE);
	size = P + 1;
	ASSERT_EQ(child(kid, P, &size, VM_PROT_READ, &grandkid), KERN_INVALID_ARGUMENT);
	size = P;
	ASSERT_EQ(child(kid, ~0ul - P + 1, &size, VM_PROT_READ, &grandkid), KERN_INVALID_ARGUMENT);
	ASSERT_TRUE(grandkid == NULL);
	ASSERT_EQ(child(kid, P - 1, &size, VM_PROT_DEFAULT | VM_PROT_IS_MASK, &grandkid), KERN_SUCCESS);
	ASSERT_EQ(size, 2 * P);
	ASSERT_EQ(grandkid->protection, VM_PROT_READ);
	vm_named_entry_release(ne);
	ASSERT_EQ(map_at(other, B, kid, (struct how){ 2 * P, 0, false, VM_PROT_READ, VM_PROT_READ, 0 }), KERN_SUCCESS);
	ASSERT_LOAD(other, B, 1);
	ASSERT_EQ(map_rw(other, B + M, kid, 2 * P, 0, false), KERN_INVALID_RIGHT);
	vm_named_entry_release(kid);
	ASSERT_EQ(map_at(other, B + M, grandkid, (struct how){ 2 * P, 0, false, VM_PROT_READ, VM_PROT_READ, 0 }), KERN_SUCCESS);
	ASSERT_LOAD(other, B + M, 1);
	vm_named_entry_release(grandkid);
	ASSERT_TRUE(teardown());
}

TEST(vm_named_entry, use_data_addr_keeps_the_offset_in_the_page)
{
	vm_named_entry_t ne, kid;
	vm_size_t size = P;
	vm_address_ut at = vm_address_u(B);
	struct vm_map_user_args a = {
		.size = vm_size_u(16), .flags = VM_FLAGS_RETURN_DATA_ADDR, .offset = vm_address_u(0),
		.cur = VM_PROT_READ, .max = VM_PROT_READ, .inheritance = VM_INHERIT_SHARE,
	};

	ASSERT_TRUE(setup());
	ASSERT_EQ(make(A + P + 0x100, &size, VM_PROT_READ | MAP_MEM_USE_DATA_ADDR, &ne), KERN_SUCCESS);
	ASSERT_EQ(size, P + 0x100);
	ASSERT_EQ(ne->size, 2 * P);
	ASSERT_EQ(ne->data_offset, 0x100);
	a.entry = ne;
	ASSERT_EQ(vm_map_user(other, &at, &a), KERN_SUCCESS);
	ASSERT_EQ(at.v, B + 0x100);
	size = 8;
	ASSERT_EQ(child(ne, 0xffc, &size, VM_PROT_READ | MAP_MEM_USE_DATA_ADDR, &kid), KERN_SUCCESS);
	ASSERT_EQ(kid->data_offset, 0xfc);
	ASSERT_EQ(kid->size, P);
	ASSERT_EQ(size, 0xfc + 8);
	vm_named_entry_release(kid);
	vm_named_entry_release(ne);
	ASSERT_TRUE(teardown());
}

TEST(vm_named_entry, reuse_gives_the_same_handle_for_its_own_mapping)
{
	struct vm_named_entry_args a = { .permission = VM_PROT_DEFAULT | MAP_MEM_NAMED_REUSE, .offset = B, .size = 4 * P };
	vm_named_entry_t ne, again;
	vm_size_t size;

	ASSERT_TRUE(setup());
	ne = handle(A, 4 * P, VM_PROT_DEFAULT);
	ASSERT_TRUE(ne != NULL);
	ASSERT_EQ(map_rw(other, B, ne, 4 * P, 0, false), KERN_SUCCESS);
	a.map = other;
	a.parent = ne;
	ASSERT_EQ(vm_named_entry_make(&a, &size, &again), KERN_SUCCESS);
	ASSERT_TRUE(again == ne);
	ASSERT_EQ(size, 4 * P);
	ASSERT_EQ(ne->ref_count, 2);
	vm_named_entry_release(again);
	a.size = 3 * P;
	ASSERT_EQ(vm_named_entry_make(&a, &size, &again), KERN_SUCCESS);
	ASSERT_TRUE(again != ne);
	vm_named_entry_release(again);
	vm_named_entry_release(ne);
	ASSERT_TRUE(teardown());
}

TEST(vm_named_entry, share_of_several_objects)
{
	vm_named_entry_t ne;

	ASSERT_TRUE(setup());
	ASSERT_STORE(map, A + 7 * P, 1);
	ASSERT_EQ(vm_inherit(map, vm_address_u(A), vm_size_u(8 * P), VM_INHERIT_SHARE), KERN_SUCCESS);
	ASSERT_TRUE(fixture_allocate(map, A + 8 * P, 8 * P));
	ASSERT_STORE(map, A + 8 * P, 2);
	ASSERT_EQ(fixture_entries(map), 2);
	ne = handle(A + 6 * P, 4 * P, VM_PROT_DEFAULT | MAP_MEM_VM_SHARE);
	ASSERT_TRUE(ne != NULL && ne->type == NAMED_ENTRIES && !ne->is_copy);
	ASSERT_EQ(map_rw(other, B, ne, 4 * P, 0, false), KERN_SUCCESS);
	ASSERT_LOAD(other, B + P, 1);
	ASSERT_LOAD(other, B + 2 * P, 2);
	ASSERT_STORE(other, B + 2 * P, 3);
	ASSERT_LOAD(map, A + 8 * P, 3);
	ASSERT_STORE(map, A + 7 * P, 4);
	ASSERT_LOAD(other, B + P, 4);
	ASSERT_EQ(fixture_entry(other, B)->max_protection, VM_PROT_DEFAULT);
	ASSERT_EQ(protect(other, B, P, VM_PROT_ALL), KERN_PROTECTION_FAILURE);
	/* Whole, whatever the size and the offset; never beyond it. */
	ASSERT_EQ(map_rw(other, B + M, ne, P, 0, false), KERN_SUCCESS);
	ASSERT_LOAD(other, B + M + 2 * P, 3);
	ASSERT_EQ(map_rw(other, B + 4 * M, ne, P, 3 * P, false), KERN_SUCCESS);
	ASSERT_LOAD(other, B + 4 * M + P, 4);
	ASSERT_LOAD(other, B + 4 * M + 2 * P, 3);
	ASSERT_EQ(map_rw(other, B + 5 * M, ne, 2 * P, 3 * P, false), KERN_INVALID_ARGUMENT);
	ASSERT_EQ(map_rw(other, B + 2 * M, ne, 5 * P, 0, false), KERN_INVALID_ARGUMENT);
	ASSERT_EQ(map_rw(other, B + 2 * M, ne, 4 * P, 0, true), KERN_SUCCESS);
	ASSERT_STORE(other, B + 2 * M + 2 * P, 5);
	ASSERT_LOAD(map, A + 8 * P, 3);
	vm_named_entry_release(ne);
	ASSERT_TRUE(teardown());
}

/* Tags go with the memory, unless the mapping has one of its own. */
TEST(vm_named_entry, of_several_entries_keeps_their_tags)
{
	vm_named_entry_t ne;

	ASSERT_TRUE(setup());
	for (unsigned i = 0; i < 2; i++) {
		vm_address_ut at = vm_address_u(A + 2 * i * P);

		ASSERT_EQ(vm_allocate(map, &at, vm_size_u(2 * P), VM_FLAGS_OVERWRITE | VM_MAKE_TAG(100 + i)), KERN_SUCCESS);
	}
	for (unsigned form = 0; form < 2; form++) {
		ne = handle(A, 4 * P, VM_PROT_DEFAULT | (form == 0 ? MAP_MEM_VM_SHARE : MAP_MEM_VM_COPY));
		ASSERT_TRUE(ne != NULL);
		ASSERT_EQ(map_rw(other, B + form * M, ne, 4 * P, 0, false), KERN_SUCCESS);
		ASSERT_EQ(fixture_entry(other, B + form * M)->alias, 100);
		ASSERT_EQ(fixture_entry(other, B + form * M + 2 * P)->alias, 101);
		ASSERT_EQ(map_at(other, B + (2 + form) * M, ne,
		    (struct how){ 4 * P, 0, false, VM_PROT_DEFAULT, VM_PROT_DEFAULT, VM_MAKE_TAG(200) }), KERN_SUCCESS);
		ASSERT_EQ(fixture_entry(other, B + (2 + form) * M + 2 * P)->alias, 200);
		vm_named_entry_release(ne);
	}
	ASSERT_TRUE(teardown());
}

TEST(vm_named_entry, share_without_rights_changes_nothing)
{
	vm_named_entry_t ne = NULL;
	vm_size_t size = 8 * P;

	ASSERT_TRUE(setup());
	ASSERT_EQ(vm_protect(map, vm_address_u(A + 4 * P), vm_size_u(P), true, VM_PROT_READ), KERN_SUCCESS);
	ASSERT_EQ(make(A, &size, VM_PROT_DEFAULT | MAP_MEM_VM_SHARE, &ne), KERN_PROTECTION_FAILURE);
	ASSERT_TRUE(ne == NULL);
	ASSERT_FALSE(fixture_entry(map, A)->is_shared);
	ASSERT_EQ(make(A, &size, VM_PROT_DEFAULT | VM_PROT_IS_MASK | MAP_MEM_VM_SHARE, &ne), KERN_SUCCESS);
	ASSERT_EQ(ne->protection, VM_PROT_READ);
	vm_named_entry_release(ne);
	size = 9 * P;
	ASSERT_EQ(make(A, &size, VM_PROT_READ | MAP_MEM_VM_SHARE, &ne), KERN_INVALID_ADDRESS);
	ASSERT_EQ(make(A, &size, VM_PROT_READ | MAP_MEM_VM_SHARE | MAP_MEM_VM_COPY, &ne), KERN_INVALID_ARGUMENT);
	ASSERT_TRUE(teardown());
}

TEST(vm_named_entry, a_snapshot_does_not_change)
{
	vm_named_entry_t ne, kid = NULL;
	vm_size_t size = P;

	ASSERT_TRUE(setup());
	ASSERT_STORE(map, A, 1);
	ASSERT_STORE(map, A + P, 2);
	ne = handle(A, 4 * P, VM_PROT_DEFAULT | MAP_MEM_VM_COPY);
	ASSERT_TRUE(ne != NULL && ne->is_copy);
	ASSERT_STORE(map, A, 10);
	ASSERT_EQ(map_rw(other, B, ne, 4 * P, 0, false), KERN_SUCCESS);
	ASSERT_EQ(map_rw(other, B + M, ne, 4 * P, 0, false), KERN_SUCCESS);
	ASSERT_EQ(map_rw(other, B + 2 * M, ne, 4 * P, 0, true), KERN_SUCCESS);
	ASSERT_LOAD(other, B, 1);
	ASSERT_STORE(map, A + P, 20);
	/* One snapshot for all who share it. */
	ASSERT_STORE(other, B + P, 3);
	ASSERT_LOAD(other, B + M + P, 3);
	ASSERT_LOAD(map, A + P, 20);
	ASSERT_LOAD(other, B + 2 * M + P, 2);
	ASSERT_STORE(other, B + 2 * M, 4);
	ASSERT_LOAD(other, B, 1);
	ASSERT_EQ(child(ne, 0, &size, VM_PROT_READ, &kid), KERN_INVALID_ARGUMENT);
	vm_named_entry_release(ne);
	ASSERT_LOAD(other, B + M, 1);
	ASSERT_TRUE(teardown());
}

TEST(vm_named_entry, of_a_submap)
{
	vm_named_entry_t ne, kid;
	vm_size_t size = M;

	ASSERT_TRUE(setup());
	ASSERT_EQ(vm_named_entry_submap(4 * M - 5, &ne), KERN_SUCCESS);
	ASSERT_EQ(ne->size, 4 * M);
	ASSERT_TRUE(fixture_allocate(ne->backing.map, M, 4 * P));
	ASSERT_EQ(map_rw(map, B, ne, 4 * M, 0, false), KERN_SUCCESS);
	ASSERT_EQ(child(ne, M, &size, VM_PROT_READ, &kid), KERN_SUCCESS);
	ASSERT_EQ(map_rw(other, B, kid, M, 0, false), KERN_INVALID_RIGHT);
	ASSERT_EQ(map_at(other, B, kid, (struct how){ M, 0, false, VM_PROT_READ, VM_PROT_READ, 0 }), KERN_SUCCESS);
	ASSERT_EQ(map_rw(other, B + 16 * M, kid, M, 0, true), KERN_SUCCESS);
	ASSERT_STORE(map, B + M, 1);
	ASSERT_LOAD(other, B, 1);
	ASSERT_LOAD(other, B + 16 * M, 1);
	ASSERT_STORE(other, B + 16 * M, 2);
	ASSERT_LOAD(map, B + M, 1);
	/* A handle for what lies behind a window. */
	vm_named_entry_release(kid);
	vm_named_entry_release(ne);
	size = 2 * P;
	ASSERT_EQ(make(B + M + P, &size, VM_PROT_DEFAULT, &kid), KERN_SUCCESS);
	ASSERT_EQ(size, 2 * P);
	ASSERT_EQ(map_rw(other, B + 8 * M, kid, 2 * P, 0, false), KERN_SUCCESS);
	ASSERT_STORE(other, B + 8 * M, 3);
	ASSERT_LOAD(map, B + M + P, 3);
	ASSERT_LOAD(other, B + P, 3);
	vm_named_entry_release(kid);
	ASSERT_TRUE(teardown());
}

TEST(vm_named_entry, to_write_behind_a_copied_window_un_nests_it)
{
	vm_named_entry_t ne, region;

	ASSERT_TRUE(setup());
	ASSERT_EQ(vm_named_entry_submap(M, &region), KERN_SUCCESS);
	ASSERT_TRUE(fixture_allocate(region->backing.map, 0, 8 * P));
	ASSERT_EQ(map_rw(map, B, region, 8 * P, 0, true), KERN_SUCCESS);
	ASSERT_EQ(map_rw(other, B, region, 8 * P, 0, false), KERN_SUCCESS);
	ASSERT_STORE(other, B, 1);
	ne = handle(B, 4 * P, VM_PROT_READ);
	ASSERT_TRUE(ne != NULL && fixture_entry(map, B)->is_sub_map);
	vm_named_entry_release(ne);
	ne = handle(B, 4 * P, VM_PROT_DEFAULT);
	ASSERT_TRUE(ne != NULL && !fixture_entry(map, B)->is_sub_map);
	ASSERT_EQ(map_rw(other, B + M, ne, 4 * P, 0, false), KERN_SUCCESS);
	ASSERT_STORE(other, B + M, 2);
	ASSERT_LOAD(map, B, 2);
	ASSERT_LOAD(other, B, 1);
	vm_named_entry_release(ne);
	vm_named_entry_release(region);
	ASSERT_TRUE(teardown());
}

TEST(vm_named_entry, anonymous_memory_objects)
{
	vm_named_entry_t ne;

	ASSERT_TRUE(setup());
	ASSERT_EQ(vm_named_entry_pager(NULL, false, P, VM_PROT_READ, &ne), KERN_INVALID_ARGUMENT);
	ASSERT_EQ(vm_named_entry_pager(NULL, true, 0, VM_PROT_READ, &ne), KERN_INVALID_ARGUMENT);
	ASSERT_EQ(vm_named_entry_pager(NULL, true, P + 1, VM_PROT_DEFAULT, &ne), KERN_SUCCESS);
	ASSERT_EQ(ne->size, 2 * P);
	ASSERT_EQ(map_rw(map, B, ne, 2 * P, 0, false), KERN_SUCCESS);
	ASSERT_EQ(map_rw(other, B, ne, 2 * P, 0, true), KERN_SUCCESS);
	ASSERT_STORE(map, B, 1);
	ASSERT_LOAD(other, B, 0);
	vm_named_entry_release(ne);
	ASSERT_TRUE(teardown());
}

TEST(vm_named_entry, of_a_memory_object)
{
	memory_object_t mo;
	vm_named_entry_t ne, kid;
	vm_size_t size = 2 * P;

	ASSERT_TRUE(setup());
	ASSERT_EQ(pager_test_create(8 * P, &mo), KERN_SUCCESS);
	(void)pager_test_control(mo, PAGER_FILL, 1);
	ASSERT_EQ(vm_named_entry_pager(mo, false, 9 * P, VM_PROT_READ, &ne), KERN_INVALID_ARGUMENT);
	mo->max_prot = VM_PROT_DEFAULT;
	ASSERT_EQ(vm_named_entry_pager(mo, false, 8 * P, VM_PROT_ALL, &ne), KERN_PROTECTION_FAILURE);
	ASSERT_EQ(vm_named_entry_pager(mo, false, 8 * P - 1, VM_PROT_DEFAULT, &ne), KERN_SUCCESS);
	memory_object_release(mo);
	ASSERT_EQ(child(ne, 4 * P, &size, VM_PROT_READ, &kid), KERN_SUCCESS);
	ASSERT_EQ(map_rw(map, B, ne, 8 * P, 0, false), KERN_SUCCESS);
	ASSERT_EQ(map_at(other, B, kid, (struct how){ P, P, false, VM_PROT_READ, VM_PROT_READ, 0 }), KERN_SUCCESS);
	ASSERT_EQ(map_rw(other, B + M, kid, P, P, false), KERN_INVALID_RIGHT);
	ASSERT_EQ(map_rw(other, B + M, kid, 2 * P, 0, true), KERN_SUCCESS);
	ASSERT_LOAD(other, B, 6);
	ASSERT_STORE(map, B + 5 * P, 60);
	ASSERT_LOAD(other, B, 60);
	ASSERT_LOAD(other, B + M + P, 6);
	ASSERT_LOAD(other, B + M, 5);
	ASSERT_STORE(other, B + M, 50);
	ASSERT_LOAD(map, B + 4 * P, 5);
	vm_named_entry_release(kid);
	vm_named_entry_release(ne);
	ASSERT_LOAD(map, B + P, 2);
	ASSERT_TRUE(teardown());
}

TEST(vm_named_entry, of_a_memory_object_that_does_not_answer)
{
	uint64_t patience = memory_object_patience_us;
	memory_object_t mo;
	vm_named_entry_t ne;

	ASSERT_TRUE(setup());
	memory_object_patience_us = 20000;
	ASSERT_EQ(pager_test_create(8 * P, &mo), KERN_SUCCESS);
	(void)pager_test_control(mo, PAGER_READY, 0);
	ASSERT_EQ(vm_named_entry_pager(mo, false, 8 * P, VM_PROT_DEFAULT, &ne), KERN_SUCCESS);
	ASSERT_EQ(map_rw(map, B, ne, 8 * P, 0, false), KERN_INVALID_OBJECT);
	ASSERT_EQ(fixture_entries(map), 1);
	vm_named_entry_release(ne);
	memory_object_release(mo);
	memory_object_patience_us = patience;
	ASSERT_TRUE(teardown());
}

TEST(vm_named_entry, only_the_caching_attribute)
{
	struct vm_named_entry_args a = { .permission = MAP_MEM_ONLY, .size = P };
	vm_named_entry_t ne, none = (vm_named_entry_t)&map;
	vm_size_t size = 0;

	ASSERT_TRUE(setup());
	ASSERT_EQ(vm_named_entry_make(&a, &size, &none), KERN_INVALID_ARGUMENT);
	ne = handle(A, 4 * P, VM_PROT_READ);
	ASSERT_TRUE(ne != NULL);
	a.parent = ne;
	ASSERT_EQ(vm_named_entry_make(&a, &size, &none), KERN_SUCCESS);
	ASSERT_TRUE(none == NULL);
	a.permission = MAP_MEM_ONLY | (MAP_MEM_COPYBACK << 24);
	ASSERT_EQ(vm_named_entry_make(&a, &size, &none), KERN_INVALID_RIGHT);
	a.permission = MAP_MEM_ONLY | (9u << 24);
	ASSERT_EQ(vm_named_entry_make(&a, &size, &none), KERN_INVALID_ARGUMENT);
	a.permission = MAP_MEM_ONLY | (MAP_MEM_IO << 24);
	ASSERT_EQ(vm_named_entry_make(&a, &size, &none), pmap_has_cache_attributes() ? KERN_INVALID_RIGHT : KERN_NOT_SUPPORTED);
	vm_named_entry_release(ne);
	ASSERT_TRUE(teardown());
}

TEST(vm_named_entry, a_place_for_a_submap_is_no_memory)
{
	struct vm_map_enter_args args = { .size = P, .object = vm_submap_object, .cur = VM_PROT_READ, .max = VM_PROT_ALL };
	vm_named_entry_t ne;
	vm_offset_t at = B;
	vm_size_t size = P;

	ASSERT_TRUE(setup());
	vm_object_reference(vm_submap_object);
	ASSERT_EQ(vm_map_enter(map, &at, &args), KERN_SUCCESS);
	ASSERT_EQ(make(B, &size, VM_PROT_READ, &ne), KERN_INVALID_ARGUMENT);
	ASSERT_TRUE(teardown());
}

static unsigned counted;

static bool
count(vm_named_entry_t ne, void *arg)
{
	counted += ne == arg;
	return true;
}

TEST(vm_named_entry, all_are_on_the_list)
{
	vm_named_entry_t ne;

	ASSERT_TRUE(setup());
	ne = handle(A, P, VM_PROT_READ);
	counted = 0;
	vm_named_entry_foreach(count, ne);
	ASSERT_EQ(counted, 1);
	vm_named_entry_reference(ne);
	vm_named_entry_release(ne);
	vm_named_entry_foreach(count, ne);
	ASSERT_EQ(counted, 2);
	vm_named_entry_release(ne);
	vm_named_entry_foreach(count, ne);
	ASSERT_EQ(counted, 2);
	vm_named_entry_release(NULL);
	vm_named_entry_reference(NULL);
	ASSERT_TRUE(teardown());
}
