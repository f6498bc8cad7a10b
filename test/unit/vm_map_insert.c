/*
 * vm_map_find, vm_map_fixed, vm_map_insert: who owns the object's reference, the
 * order of checks, what the flags make of an entry, and what a failure leaves.
 */
#include <mm/vm_map_find.h>
#include <mm/vm_page.h>
#include "vm_fixture.h"
#include "vm_map_impl.h"

#define A       (512 * M)

static struct vm_map_new
new_of(vm_object_t object, vm_prot_t prot, uint32_t cow)
{
	return (struct vm_map_new){ .object = object, .prot = prot, .max = cow & MAP_CREATE_GUARD ? VM_PROT_NONE : VM_PROT_ALL, .cow = cow };
}

static kern_return_t
insert(vm_map_t map, vm_offset_t start, vm_offset_t end, const struct vm_map_new *w)
{
	kern_return_t kr;

	vm_map_lock(map);
	kr = vm_map_insert(map, start, end, w);
	vm_map_unlock(map);
	return kr;
}

static kern_return_t
insert_zero(vm_map_t map, vm_offset_t start, vm_offset_t end, vm_prot_t prot, uint32_t cow)
{
	struct vm_map_new w = new_of(NULL, prot, cow);

	return insert(map, start, end, &w);
}

static kern_return_t
find_at(vm_map_t map, vm_offset_t at, vm_size_t length, const struct vm_map_new *w)
{
	struct vm_map_find_args a = { .what = *w, .length = length, .find_space = VMFS_NO_SPACE };

	return vm_map_find(map, &at, &a);
}

/* --- references --- */

TEST(vm_map_insert, success_consumes_the_reference_and_failure_does_not)
{
	vm_map_t map = fixture_map();
	vm_object_t object = vm_object_allocate(4 * M, 0);
	struct vm_map_new w = new_of(object, VM_PROT_DEFAULT, 0);
	vm_offset_t at = 0;
	struct vm_map_find_args a = { .what = w, .length = 4 * P, .find_space = VMFS_ANY_SPACE, .max_addr = A };

	object->holders++;
	vm_object_reference(object);            /* ours, to look at it with */
	ASSERT_EQ(insert(map, A, A + 4 * P, &w), KERN_SUCCESS);
	ASSERT_EQ(object->ref_count, 2);
	vm_object_reference(object);            /* for the next call */
	ASSERT_EQ(insert(map, A, A + 4 * P, &w), KERN_NO_SPACE);
	ASSERT_EQ(insert(map, A, A, &w), KERN_INVALID_ADDRESS);
	ASSERT_EQ(vm_map_fixed(map, A, P + 1, &w), KERN_INVALID_ARGUMENT);
	ASSERT_EQ(vm_map_fixed(map, 0, P, &w), KERN_INVALID_ADDRESS);
	w.cow = MAP_CHECK_EXCL;
	ASSERT_EQ(vm_map_fixed(map, A, P, &w), KERN_NO_SPACE);
	w.cow = MAP_CREATE_GUARD;
	ASSERT_EQ(insert(map, A + M, A + M + P, &w), KERN_INVALID_ARGUMENT);
	w.cow = MAP_NOFAULT;
	ASSERT_EQ(insert(map, A + M, A + M + P, &w), KERN_INVALID_ARGUMENT);
	at = A;
	ASSERT_EQ(vm_map_find(map, &at, &a), KERN_NO_SPACE);
	a.find_space = 77;
	ASSERT_EQ(vm_map_find(map, &at, &a), KERN_INVALID_ARGUMENT);
	ASSERT_EQ(object->ref_count, 3);
	a.find_space = VMFS_SUPER_SPACE;
	at = 0;
	ASSERT_EQ(vm_map_find(map, &at, &a), KERN_SUCCESS);
	ASSERT_EQ(object->ref_count, 3);
	vm_object_reference(object);
	w.cow = 0;
	ASSERT_EQ(vm_map_fixed(map, at, 4 * P, &w), KERN_SUCCESS);      /* in place of the one before */
	ASSERT_EQ(object->ref_count, 3);
	ASSERT_TRUE(fixture_sound_all(map, NULL));
	vm_map_deallocate(map);
	ASSERT_EQ(object->ref_count, 1);
	object->holders--;
	vm_object_deallocate(object);
}

/* The next part of an object, mapped behind the one before, becomes part of that entry: one reference for both. */
TEST(vm_map_insert, an_entry_that_joins_its_neighbour_gives_its_reference_up)
{
	vm_map_t map = fixture_map();
	vm_object_t object = vm_object_allocate(4 * M, A);
	struct vm_map_new w = new_of(object, VM_PROT_DEFAULT, 0);

	object->holders++;
	vm_object_reference(object);
	ASSERT_EQ(insert(map, A, A + 4 * P, &w), KERN_SUCCESS);
	ASSERT_EQ(object->ref_count, 2);
	w.offset = 8 * P;
	vm_object_reference(object);
	ASSERT_EQ(insert(map, A + 8 * P, A + 12 * P, &w), KERN_SUCCESS);
	ASSERT_EQ(object->ref_count, 3);
	w.offset = 4 * P;
	vm_object_reference(object);
	ASSERT_EQ(insert(map, A + 4 * P, A + 8 * P, &w), KERN_SUCCESS);
	ASSERT_EQ(fixture_entries(map), 1);
	ASSERT_EQ(object->ref_count, 2);
	w.offset = 0;                   /* next to it, but not what comes next */
	vm_object_reference(object);
	ASSERT_EQ(insert(map, A + 12 * P, A + 16 * P, &w), KERN_SUCCESS);
	ASSERT_EQ(fixture_entries(map), 2);
	ASSERT_EQ(object->ref_count, 3);
	ASSERT_TRUE(fixture_sound_all(map, NULL));
	vm_map_deallocate(map);
	object->holders--;
	vm_object_deallocate(object);
}

/* --- the order of checks --- */

TEST(vm_map_insert, checks_range_wxorx_overlap_guard_boundary_in_this_order)
{
	vm_map_t map = fixture_map();
	struct vm_map_new bad = new_of(NULL, VM_PROT_ALL, MAP_CREATE_GUARD | 1u << MAP_SPLIT_BOUNDARY_SHIFT);

	bad.max = VM_PROT_ALL;
	ASSERT_TRUE(fixture_allocate(map, A, P));
	ASSERT_EQ(vm_map_set_options(map, VM_MAP_WXORX, 0), KERN_SUCCESS);
	ASSERT_EQ(insert(map, A, A, &bad), KERN_INVALID_ADDRESS);
	ASSERT_EQ(insert(map, vm_map_max(map) - P, vm_map_max(map) + P, &bad), KERN_INVALID_ADDRESS);
	ASSERT_EQ(insert(map, 0, P, &bad), KERN_INVALID_ADDRESS);
	ASSERT_EQ(insert(map, A, A + P, &bad), KERN_PROTECTION_FAILURE);
	bad.prot = VM_PROT_READ;
	ASSERT_EQ(insert(map, A, A + P, &bad), KERN_NO_SPACE);
	ASSERT_EQ(insert(map, A - P, A + P, &bad), KERN_NO_SPACE);
	ASSERT_EQ(insert(map, A + P, A + 2 * P, &bad), KERN_INVALID_ARGUMENT);  /* a guard with rights */
	bad.prot = bad.max = VM_PROT_NONE;
	ASSERT_EQ(insert(map, A + P, A + 2 * P, &bad), KERN_INVALID_ARGUMENT);  /* not on the boundary */
	ASSERT_EQ(insert(map, A + M, A + 2 * M, &bad), KERN_SUCCESS);
	bad = new_of(NULL, VM_PROT_READ, 1u << 22);
	ASSERT_EQ(insert(map, A + 4 * M, A + 5 * M, &bad), KERN_INVALID_ARGUMENT);
	bad = new_of(NULL, VM_PROT_DEFAULT, 0);
	bad.max = VM_PROT_READ;
	ASSERT_EQ(insert(map, A + 4 * M, A + 5 * M, &bad), KERN_INVALID_ARGUMENT);
	bad.max = 0x10 | VM_PROT_ALL;
	ASSERT_EQ(insert(map, A + 4 * M, A + 5 * M, &bad), KERN_INVALID_ARGUMENT);
	ASSERT_EQ(fixture_entries(map), 2);
	ASSERT_TRUE(fixture_sound(map, NULL));
	vm_map_deallocate(map);
}

/* --- what the flags make of an entry --- */

TEST(vm_map_insert, flags_become_attributes)
{
	vm_map_t map = fixture_map();
	vm_map_entry_t e;

	ASSERT_EQ(insert_zero(map, A, A + P, VM_PROT_READ, MAP_INHERIT_SHARE | MAP_DISABLE_SYNCER | MAP_DISABLE_COREDUMP |
	    MAP_WRITECOUNT | MAP_ACC_CHARGED | MAP_VN_EXEC | MAP_NO_HINT), KERN_SUCCESS);
	e = fixture_entry(map, A);
	ASSERT_TRUE(e->no_sync && e->no_core && !e->guard && !e->nofault);
	ASSERT_EQ(e->inheritance, VM_INHERIT_SHARE);
	ASSERT_EQ(insert_zero(map, A + M, A + M + P, VM_PROT_DEFAULT, MAP_NOFAULT), KERN_SUCCESS);
	ASSERT_TRUE(fixture_entry(map, A + M)->nofault);
	ASSERT_EQ(fixture_store(map, A + M, 1), KERN_FAILURE);
	ASSERT_EQ(insert_zero(map, A + 2 * M, A + 4 * M, VM_PROT_DEFAULT, 1u << MAP_SPLIT_BOUNDARY_SHIFT), KERN_SUCCESS);
	ASSERT_EQ(fixture_entry(map, A + 2 * M)->split, 1);
	ASSERT_EQ(vm_map_remove(map, A + 2 * M + P, A + 3 * M, 0), KERN_INVALID_ARGUMENT);
	ASSERT_EQ(vm_map_remove(map, A + 3 * M, A + 4 * M, 0), KERN_SUCCESS);
	ASSERT_EQ(map->size, 2 * P + M);
	ASSERT_EQ(insert_zero(map, A + 5 * M, A + 6 * M, VM_PROT_NONE, MAP_CREATE_GUARD), KERN_SUCCESS);
	ASSERT_TRUE(fixture_entry(map, A + 5 * M)->guard);
	ASSERT_EQ(map->size, 2 * P + M);
	ASSERT_EQ(fixture_store(map, A + 5 * M, 1), KERN_PROTECTION_FAILURE);
	ASSERT_TRUE(fixture_sound(map, NULL));
	vm_map_deallocate(map);
}

TEST(vm_map_insert, zero_fill_memory_grows_its_neighbour)
{
	vm_map_t map = fixture_map();

	ASSERT_EQ(insert_zero(map, A, A + P, VM_PROT_DEFAULT, 0), KERN_SUCCESS);
	ASSERT_STORE(map, A, 3);
	ASSERT_EQ(insert_zero(map, A + P, A + 2 * P, VM_PROT_DEFAULT, 0), KERN_SUCCESS);
	ASSERT_EQ(fixture_entries(map), 1);
	ASSERT_EQ(insert_zero(map, A + 3 * P, A + 4 * P, VM_PROT_DEFAULT, 0), KERN_SUCCESS);
	ASSERT_EQ(insert_zero(map, A + 2 * P, A + 3 * P, VM_PROT_DEFAULT, 0), KERN_SUCCESS);
	ASSERT_EQ(fixture_entries(map), 2);     /* what comes after was never touched, and has no object */
	ASSERT_LOAD(map, A + 2 * P, 0);
	/* Not what differs. */
	ASSERT_EQ(insert_zero(map, A + 4 * P, A + 5 * P, VM_PROT_READ, 0), KERN_SUCCESS);
	ASSERT_EQ(insert_zero(map, A + 5 * P, A + 6 * P, VM_PROT_READ, MAP_DISABLE_COREDUMP), KERN_SUCCESS);
	ASSERT_EQ(insert_zero(map, A + 6 * P, A + 7 * P, VM_PROT_READ, MAP_INHERIT_SHARE), KERN_SUCCESS);
	ASSERT_EQ(insert_zero(map, A + 7 * P, A + 8 * P, VM_PROT_NONE, MAP_CREATE_GUARD), KERN_SUCCESS);
	ASSERT_EQ(fixture_entries(map), 6);
	ASSERT_EQ(insert_zero(map, A + 8 * P, A + 9 * P, VM_PROT_NONE, MAP_CREATE_GUARD), KERN_SUCCESS);
	ASSERT_EQ(fixture_entries(map), 6);
	/* Pieces of stacks stay what they are. */
	ASSERT_EQ(insert_zero(map, A + M, A + M + P, VM_PROT_DEFAULT, MAP_STACK_GROWS_DOWN), KERN_SUCCESS);
	ASSERT_EQ(insert_zero(map, A + M + P, A + M + 2 * P, VM_PROT_DEFAULT, MAP_STACK_GROWS_DOWN), KERN_SUCCESS);
	ASSERT_EQ(fixture_entries(map), 8);
	ASSERT_EQ(map->size, 9 * P);
	ASSERT_TRUE(fixture_sound(map, NULL));
	vm_map_deallocate(map);
}

/* --- copies --- */

static vm_object_t
filled_object(vm_map_t with, unsigned pages)
{
	vm_object_t object = vm_object_allocate(pages * P, 0);
	struct vm_map_new w = new_of(object, VM_PROT_DEFAULT, 0);

	vm_object_reference(object);
	if (insert(with, 8 * A, 8 * A + pages * P, &w) != KERN_SUCCESS)
		kprintf("# not inserted\n");
	for (unsigned i = 0; i < pages; i++)
		if (fixture_store(with, 8 * A + i * P, (uint8_t)(i + 1)) != KERN_SUCCESS)
			kprintf("# not filled\n");
	return object;
}

TEST(vm_map_insert, a_copy_of_what_others_map_is_private)
{
	vm_map_t other = fixture_map(), map = fixture_map();
	vm_object_t object = filled_object(other, 4);
	struct vm_map_new w = new_of(object, VM_PROT_DEFAULT, MAP_COPY_ON_WRITE);

	ASSERT_EQ(object->ref_count, 2);
	ASSERT_EQ(insert(map, A, A + 4 * P, &w), KERN_INVALID_ARGUMENT);        /* locked, no copy can be made */
	ASSERT_EQ(find_at(map, A, 4 * P, &w), KERN_SUCCESS);                    /* our reference is gone */
	ASSERT_TRUE(fixture_holds(map, A, 4, 1));
	ASSERT_STORE(map, A, 70);
	ASSERT_LOAD(other, 8 * A, 1);
	ASSERT_STORE(other, 8 * A + P, 80);
	ASSERT_LOAD(map, A + P, 2);
	ASSERT_TRUE(fixture_sound_all(map, other, NULL));
	vm_map_deallocate(map);
	ASSERT_LOAD(other, 8 * A + 3 * P, 4);
	vm_map_deallocate(other);
}

TEST(vm_map_insert, a_copy_of_the_callers_own_object_is_the_object)
{
	vm_map_t map = fixture_map();
	vm_object_t object = vm_object_allocate(4 * P, 0);
	struct vm_map_new w = new_of(object, VM_PROT_DEFAULT, MAP_COPY_ON_WRITE);

	ASSERT_EQ(insert(map, A, A + 4 * P, &w), KERN_SUCCESS);
	ASSERT_TRUE(fixture_entry(map, A)->needs_copy);
	ASSERT_STORE(map, A, 1);
	ASSERT_LOAD(map, A + P, 0);
	ASSERT_TRUE(fixture_sound_all(map, NULL));
	vm_map_deallocate(map);
}

/* Mapped in two places, an object is never copied by marks on entries: a fork sees to both. */
TEST(vm_map_insert, an_object_mapped_twice_is_shared_and_forks_right)
{
	vm_map_t map = fixture_map(), child;
	vm_object_t object = filled_object(map, 2);
	struct vm_map_new w = new_of(object, VM_PROT_DEFAULT, 0);

	ASSERT_EQ(find_at(map, A, 2 * P, &w), KERN_SUCCESS);
	ASSERT_STORE(map, A, 9);
	ASSERT_LOAD(map, 8 * A, 9);
	child = vm_map_fork(map);
	ASSERT_TRUE(child != NULL);
	ASSERT_STORE(map, 8 * A, 10);
	ASSERT_LOAD(map, A, 10);
	ASSERT_LOAD(child, A, 9);
	ASSERT_LOAD(child, 8 * A, 9);
	ASSERT_TRUE(fixture_sound_all(map, child, NULL));
	vm_map_deallocate(child);
	vm_map_deallocate(map);
}

/* --- prefault --- */

TEST(vm_map_insert, prefault_maps_what_is_resident_for_reading)
{
	vm_map_t other = fixture_map(), map = fixture_map();
	vm_object_t object = filled_object(other, 8);
	struct vm_map_new w = new_of(object, VM_PROT_DEFAULT, MAP_PREFAULT);

	ASSERT_EQ(vm_map_remove(other, 8 * A + 3 * P, 8 * A + 4 * P, 0), KERN_SUCCESS);
	ASSERT_EQ(find_at(map, A + 5 * P, 8 * P, &w), KERN_SUCCESS);
	for (unsigned i = 0; i < 8; i++)
		ASSERT_EQ(fixture_leaf(map, A + (5 + i) * P), VM_PROT_READ);
	ASSERT_STORE(map, A + 5 * P, 100);
	ASSERT_LOAD(other, 8 * A, 100);
	ASSERT_TRUE(fixture_sound_all(map, other, NULL));
	vm_map_deallocate(map);
	vm_map_deallocate(other);
}

TEST(vm_map_insert, prefault_partial_stops_after_its_number)
{
	vm_map_t other = fixture_map(), map = fixture_map();
	vm_object_t object = filled_object(other, 2 * VM_MAP_PREFAULT_MAX);
	struct vm_map_new w = new_of(object, VM_PROT_READ, MAP_PREFAULT_PARTIAL);
	struct pmap_stats s;

	ASSERT_EQ(find_at(map, A + M - 40 * P, 2 * VM_MAP_PREFAULT_MAX * P, &w), KERN_SUCCESS);
	pmap_stats(map->pmap, &s);
	ASSERT_EQ(s.resident, VM_MAP_PREFAULT_MAX);
	ASSERT_EQ(fixture_leaf(map, A + M - 40 * P), VM_PROT_READ);
	ASSERT_TRUE(fixture_sound_all(map, other, NULL));
	vm_map_deallocate(map);
	vm_map_deallocate(other);
}

TEST(vm_map_insert, prefault_of_a_megapage_is_one_leaf)
{
	vm_map_t other = fixture_map(), map = fixture_map();
	vm_object_t object = filled_object(other, 512);
	struct vm_map_new w = new_of(object, VM_PROT_READ, MAP_PREFAULT);
	struct pmap_stats s;

	ASSERT_EQ(find_at(map, A, M, &w), KERN_SUCCESS);
	pmap_stats(map->pmap, &s);
	ASSERT_EQ(s.megapages, 1);
	ASSERT_LOAD(map, A + 5 * P, 6);
	ASSERT_TRUE(fixture_sound_all(map, other, NULL));
	vm_map_deallocate(map);
	vm_map_deallocate(other);
}

/* --- in place of what is there --- */

TEST(vm_map_insert, fixed_replaces_in_one_step)
{
	vm_map_t map = fixture_map();
	struct vm_map_new w = new_of(NULL, VM_PROT_READ, 0);

	ASSERT_TRUE(fixture_fill(map, A, 8, 1));
	ASSERT_EQ(vm_map_fixed(map, A + 2 * P, 3 * P, &w), KERN_SUCCESS);
	ASSERT_LOAD(map, A + P, 2);
	ASSERT_LOAD(map, A + 2 * P, 0);
	ASSERT_LOAD(map, A + 5 * P, 6);
	ASSERT_EQ(fixture_entry(map, A + 2 * P)->protection, VM_PROT_READ);
	ASSERT_EQ(map->size, 8 * P);
	w.cow = MAP_CHECK_EXCL;
	ASSERT_EQ(vm_map_fixed(map, A + 7 * P, 2 * P, &w), KERN_NO_SPACE);
	ASSERT_LOAD(map, A + 7 * P, 8);
	ASSERT_EQ(vm_map_fixed(map, A + 8 * P, 2 * P, &w), KERN_SUCCESS);
	w.cow = MAP_REMAP;
	ASSERT_EQ(find_at(map, A + 7 * P, 2 * P, &w), KERN_SUCCESS);
	ASSERT_LOAD(map, A + 7 * P, 0);
	ASSERT_EQ(find_at(map, vm_map_max(map) - P, 2 * P, &w), KERN_INVALID_ADDRESS);
	ASSERT_TRUE(fixture_sound(map, NULL));
	vm_map_deallocate(map);
}

TEST(vm_map_insert, what_cannot_be_replaced_stays_whole)
{
	vm_map_t map = fixture_map();
	struct vm_map_new w = new_of(NULL, VM_PROT_READ, 0);

	ASSERT_TRUE(fixture_fill(map, A, 4, 1));
	ASSERT_EQ(vm_map_wire(map, A + 2 * P, A + 3 * P, VM_PROT_READ, false), KERN_SUCCESS);
	ASSERT_EQ(vm_map_fixed(map, A, 4 * P, &w), KERN_FAILURE);
	ASSERT_TRUE(fixture_holds(map, A, 4, 1));
	ASSERT_EQ(vm_map_unwire(map, A + 2 * P, A + 3 * P, false), KERN_SUCCESS);
	w.cow = MAP_CREATE_GUARD;                       /* with rights: refused before anything goes */
	ASSERT_EQ(vm_map_fixed(map, A, 4 * P, &w), KERN_INVALID_ARGUMENT);
	ASSERT_TRUE(fixture_holds(map, A, 4, 1));
	ASSERT_EQ(insert_zero(map, A + M, A + 2 * M, VM_PROT_DEFAULT, 1u << MAP_SPLIT_BOUNDARY_SHIFT), KERN_SUCCESS);
	w.cow = 0;
	ASSERT_EQ(vm_map_fixed(map, A + M, 4 * P, &w), KERN_INVALID_ARGUMENT);
	ASSERT_EQ(vm_map_fixed(map, A + M, M, &w), KERN_SUCCESS);
	ASSERT_TRUE(fixture_sound(map, NULL));
	vm_map_deallocate(map);
}

/* --- shortage --- */

/* Each allocation of the call fails once: the map and the references are as before, and then it works. */
static void
with_shortage(vm_map_t map, vm_object_t object, uint32_t cow, bool fixed)
{
	struct vm_map_new w = new_of(object, VM_PROT_READ, cow);
	uint32_t refs = object != NULL ? object->ref_count : 0;
	uint64_t entries = map->hdr.nentries, n;
	kern_return_t kr;

	for (n = 1; ; n++) {
		vm_alloc_fail_at(n, true);
		kr = fixed ? vm_map_fixed(map, A + P, 2 * P, &w) : find_at(map, A + M, 2 * P, &w);
		vm_alloc_fail_at(0, false);
		if (kr == KERN_SUCCESS)
			break;
		ASSERT_EQ(kr, KERN_RESOURCE_SHORTAGE);
		ASSERT_EQ(map->hdr.nentries, entries);
		ASSERT_EQ(object != NULL ? object->ref_count : 0, refs);
		ASSERT_TRUE(fixture_holds(map, A, 4, 1));
		ASSERT_TRUE(n < 50);
	}
	ASSERT_TRUE(fixture_sound(map, NULL));
}

TEST(vm_map_insert, shortage_leaves_all_as_it_was)
{
	vm_map_t map = fixture_map(), other = fixture_map();
	vm_object_t object = filled_object(other, 4);

	ASSERT_TRUE(fixture_fill(map, A, 4, 1));
	with_shortage(map, NULL, MAP_DISABLE_COREDUMP, false);
	ASSERT_EQ(vm_map_remove(map, A + M, A + M + 2 * P, 0), KERN_SUCCESS);
	vm_object_reference(object);
	with_shortage(map, object, MAP_COPY_ON_WRITE | MAP_PREFAULT, false);
	with_shortage(map, object, 0, true);
	vm_map_deallocate(map);
	vm_map_deallocate(other);
}

/* --- where memory must be wired --- */

TEST(vm_map_insert, new_memory_is_wired_where_the_map_wants_that)
{
	vm_map_t map = fixture_map();
	struct vm_map_new w = new_of(NULL, VM_PROT_DEFAULT, 0);

	map->wiring_required = true;
	ASSERT_EQ(find_at(map, A, 2 * P, &w), KERN_SUCCESS);
	ASSERT_EQ(fixture_entry(map, A)->user_wired_count, 1);
	ASSERT_TRUE(fixture_leaf(map, A + P) != VM_PROT_NONE);
	w = new_of(NULL, VM_PROT_NONE, MAP_CREATE_GUARD);
	ASSERT_EQ(find_at(map, A + M, 2 * P, &w), KERN_SUCCESS);
	ASSERT_EQ(fixture_entry(map, A + M)->wired_count, 0);
	ASSERT_TRUE(fixture_sound(map, NULL));
	vm_map_deallocate(map);
}

/* Whatever the strategy and the flags; what has no pages or no rights is not. */
TEST(vm_map_insert, each_kind_is_wired_that_can_be_accessed)
{
	static const uint32_t space[] = { VMFS_ANY_SPACE, VMFS_OPTIMAL_SPACE, VMFS_SUPER_SPACE, VMFS_ALIGNED_SPACE(21) };
	static const struct {
		vm_prot_t prot;
		uint32_t  cow;
		bool      wired;
	} row[] = {
		{ VM_PROT_DEFAULT, 0, true }, { VM_PROT_READ, MAP_INHERIT_SHARE, true }, { VM_PROT_DEFAULT, MAP_DISABLE_SYNCER, true },
		{ VM_PROT_READ, MAP_DISABLE_COREDUMP, true }, { VM_PROT_DEFAULT, 1u << MAP_SPLIT_BOUNDARY_SHIFT, true },
		{ VM_PROT_NONE, 0, false }, { VM_PROT_NONE, MAP_DISABLE_COREDUMP, false }, { VM_PROT_DEFAULT, MAP_NOFAULT, false },
		{ VM_PROT_NONE, MAP_CREATE_GUARD, false },
	};

	for (unsigned i = 0; i < nitems(row) * nitems(space); i++) {
		vm_map_t map = fixture_map();
		struct vm_map_find_args a = { .what = new_of(NULL, row[i / nitems(space)].prot, row[i / nitems(space)].cow),
		    .length = 2 * M, .find_space = space[i % nitems(space)] };
		bool wired = row[i / nitems(space)].wired;
		vm_offset_t at = A;
		struct pmap_stats s;

		map->wiring_required = true;
		ASSERT_EQ(vm_map_find(map, &at, &a), KERN_SUCCESS);
		pmap_stats(map->pmap, &s);
		ASSERT_EQ(fixture_entry(map, at)->wired_count, wired);
		ASSERT_EQ(map->user_wired_pages, wired ? 2 * M / P : 0);
		ASSERT_EQ(s.wired, wired ? 2 * M / P : 0);
		ASSERT_EQ(s.megapages, wired ? 2 : 0);
		ASSERT_TRUE(fixture_sound(map, NULL));
		vm_map_deallocate(map);
	}
}
