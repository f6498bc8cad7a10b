/*
 * vm_map_copy: copies of every kind: how they are made, what they hold, and
 * what overwriting with them changes. vm_copy.* (vm_fault.c) tests the users' calls.
 */
#include <string.h>
#include <mm/memory_object.h>
#include <mm/vm_map_stack.h>
#include "vm_fixture.h"
#include "vm_map_impl.h"

#define A       (64 * M)
#define B       (96 * M)
#define PAGES   6u              /* more bytes than go by a kernel buffer */

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

static bool
share(vm_map_t m, vm_offset_t va, vm_size_t size)
{
	return vm_inherit(m, vm_address_u(va), vm_size_u(size), VM_INHERIT_SHARE) == KERN_SUCCESS;
}

/* All invariants, references of copies in flight included. */
static bool
sound(void)
{
	return fixture_sound_all(map, into, NULL);
}

/* --- copyin and copyout --- */

TEST(vm_map_copy, nothing_is_the_null_copy)
{
	vm_map_copy_t copy = (vm_map_copy_t)&copy;
	vm_offset_t at = 1;

	begin();
	ASSERT_EQ(vm_map_copyin(map, A, 0, false, &copy), KERN_SUCCESS);
	ASSERT_TRUE(copy == NULL);
	ASSERT_EQ(vm_map_copyout(into, &at, copy), KERN_SUCCESS);
	ASSERT_EQ(at, 0);
	ASSERT_EQ(vm_map_copy_overwrite(into, A, copy, false), KERN_SUCCESS);
	ASSERT_TRUE(vm_map_copy_copy(copy) == NULL);
	vm_map_copy_discard(copy);
	end();
}

TEST(vm_map_copy, a_copy_is_as_of_copyin_and_gets_fresh_attributes)
{
	vm_map_copy_t copy;
	vm_map_entry_t e;
	vm_offset_t at;

	begin();
	ASSERT_TRUE(fixture_fill(map, A, PAGES, 1));
	ASSERT_EQ(vm_protect(map, vm_address_u(A), vm_size_u(PAGES * P), true, VM_PROT_READ), KERN_SUCCESS);
	ASSERT_EQ(vm_inherit(map, vm_address_u(A), vm_size_u(PAGES * P), VM_INHERIT_NONE), KERN_SUCCESS);
	ASSERT_EQ(vm_map_copyin(map, A + 5, (PAGES - 1) * P, false, &copy), KERN_SUCCESS);
	ASSERT_EQ(copy->type, VM_MAP_COPY_ENTRY_LIST);
	ASSERT_EQ(copy->offset & PAGE_MASK, 5);
	ASSERT_EQ(vm_map_copy_page_count(copy), PAGES);
	ASSERT_TRUE(sound());
	ASSERT_EQ(vm_deallocate(map, vm_address_u(A), vm_size_u(PAGES * P)), KERN_SUCCESS);
	ASSERT_TRUE(sound());
	ASSERT_EQ(vm_map_copyout(into, &at, copy), KERN_SUCCESS);
	ASSERT_EQ(at & PAGE_MASK, 5);
	ASSERT_TRUE(fixture_holds(into, at - 5, PAGES, 1));
	e = fixture_entry(into, at);
	ASSERT_EQ(e->protection, VM_PROT_DEFAULT);
	ASSERT_EQ(e->max_protection, VM_PROT_ALL);
	ASSERT_EQ(e->inheritance, VM_INHERIT_DEFAULT);
	ASSERT_TRUE(sound());
	end();
}

TEST(vm_map_copy, few_bytes_go_by_a_kernel_buffer)
{
	vm_map_copy_t copy;
	vm_offset_t at;

	begin();
	ASSERT_TRUE(fixture_fill(map, A, 2, 1));
	ASSERT_STORE(map, A + P - 1, 77);
	ASSERT_EQ(vm_map_copyin(map, A + P - 1, 2, false, &copy), KERN_SUCCESS);
	ASSERT_EQ(copy->type, VM_MAP_COPY_KERNEL_BUFFER);
	ASSERT_STORE(map, A + P, 99);
	ASSERT_EQ(fixture_leaf(map, A), VM_PROT_DEFAULT);       /* the source is not disturbed */
	ASSERT_EQ(vm_map_copyout(into, &at, copy), KERN_SUCCESS);
	ASSERT_LOAD(into, at, 77);
	ASSERT_LOAD(into, at + 1, 2);
	ASSERT_TRUE(sound());
	end();
}

TEST(vm_map_copy, holes_and_missing_rights_leave_nothing)
{
	vm_size_t sizes[] = { 2 * P, (PAGES + 2) * P };         /* by buffer, and by entries */
	vm_map_copy_t copy = NULL;

	begin();
	ASSERT_TRUE(fixture_fill(map, A, PAGES, 1));
	ASSERT_TRUE(fixture_fill(map, A + (PAGES + 1) * P, 1, 1));
	for (unsigned i = 0; i < 2; i++) {
		ASSERT_EQ(vm_map_copyin(map, A + (PAGES + 2) * P - sizes[i], sizes[i], false, &copy), KERN_INVALID_ADDRESS);
		ASSERT_EQ(vm_map_copyin(map, A + (PAGES + 2) * P - sizes[i], sizes[i], true, &copy), KERN_INVALID_ADDRESS);
	}
	ASSERT_EQ(vm_map_copyin(map, -P, 2 * P, false, &copy), KERN_INVALID_ADDRESS);
	ASSERT_EQ(vm_protect(map, vm_address_u(A + 4 * P), vm_size_u(P), false, VM_PROT_NONE), KERN_SUCCESS);
	ASSERT_EQ(vm_map_copyin(map, A, PAGES * P, false, &copy), KERN_PROTECTION_FAILURE);
	ASSERT_EQ(vm_map_copyin(map, A + 4 * P, P, false, &copy), KERN_PROTECTION_FAILURE);
	ASSERT_EQ(vm_map_copyin(map, A, PAGES * P, true, &copy), KERN_PROTECTION_FAILURE);
	ASSERT_EQ(vm_map_copyin_maxprot(map, A, PAGES * P, false, &copy), KERN_SUCCESS);
	ASSERT_TRUE(sound());
	vm_map_copy_discard(copy);
	ASSERT_TRUE(fixture_holds(map, A, 4, 1));
	ASSERT_TRUE(sound());
	end();
}

TEST(vm_map_copy, a_destroyed_private_source_moves)
{
	vm_map_copy_t copy;
	vm_offset_t at;
	paddr_t pa;

	begin();
	ASSERT_TRUE(fixture_fill(map, A, PAGES + 2, 1));
	pa = fixture_page(map, A + 2 * P);
	ASSERT_EQ(vm_map_copyin(map, A + P, PAGES * P, true, &copy), KERN_SUCCESS);
	ASSERT_TRUE(fixture_entry(map, A + P) == NULL && fixture_entry(map, A + PAGES * P) == NULL);
	ASSERT_TRUE(sound());
	ASSERT_LOAD(map, A, 1);
	ASSERT_LOAD(map, A + (PAGES + 1) * P, PAGES + 2);
	ASSERT_EQ(vm_map_copyout(into, &at, copy), KERN_SUCCESS);
	ASSERT_TRUE(fixture_holds(into, at, PAGES, 2));
	ASSERT_EQ(fixture_page(into, at + P), pa);
	/* Each side frees what only it can reach. */
	ASSERT_EQ(vm_deallocate(map, vm_address_u(A), vm_size_u(P)), KERN_SUCCESS);
	ASSERT_EQ(vm_deallocate(into, vm_address_u(at), vm_size_u(2 * P)), KERN_SUCCESS);
	ASSERT_TRUE(fixture_holds(into, at + 2 * P, PAGES - 2, 4));
	ASSERT_STORE(into, at + 2 * P, 50);
	ASSERT_LOAD(map, A + (PAGES + 1) * P, PAGES + 2);
	ASSERT_TRUE(sound());
	end();
}

/* What a stack, a map's owner or advice made of it stays behind: it arrives as plain memory. */
TEST(vm_map_copy, what_moves_is_plain_memory_where_it_arrives)
{
	static const uint32_t cow[] = { MAP_STACK_GROWS_DOWN, MAP_STACK_GROWS_UP, MAP_DISABLE_SYNCER | MAP_DISABLE_COREDUMP,
	    MAP_NOFAULT };
	vm_map_entry_t plain;
	vm_map_copy_t copy;
	vm_offset_t at;

	for (unsigned i = 0; i <= nitems(cow); i++) {
		begin();
		if (i < nitems(cow)) {
			const struct vm_map_new w = { .prot = VM_PROT_DEFAULT, .max = VM_PROT_ALL, .cow = cow[i] };

			ASSERT_EQ(vm_map_fixed(map, A, VM_STACK_GROW, &w), KERN_SUCCESS);
		} else {
			ASSERT_TRUE(fixture_allocate(map, A, VM_STACK_GROW));
			ASSERT_EQ(vm_map_behavior_set(map, A, A + VM_STACK_GROW, VM_BEHAVIOR_MEGAPAGES), KERN_SUCCESS);
		}
		at = A + VM_STACK_GROW - P - (i == 1 ? VM_STACK_GROW - P : 0);  /* mapped, whichever way it grows */
		if (cow[i % nitems(cow)] != MAP_NOFAULT || i == nitems(cow))
			ASSERT_STORE(map, at, 7);
		ASSERT_EQ(vm_map_copyin(map, at, P, true, &copy), KERN_SUCCESS);
		ASSERT_TRUE(fixture_allocate(into, B, P));
		ASSERT_EQ(vm_map_copyout(into, &at, copy), KERN_SUCCESS);
		plain = fixture_entry(into, B);
		ASSERT_EQ(fixture_entry(into, at)->attributes, plain->attributes);
		ASSERT_EQ(fixture_entry(into, at)->stack, plain->stack);
		ASSERT_EQ(vm_map_growstack(into, at - P), KERN_SUCCESS);
		ASSERT_LOAD(into, at, cow[i % nitems(cow)] != MAP_NOFAULT || i == nitems(cow) ? 7 : 0);
		ASSERT_TRUE(sound());
		end();
	}
}

TEST(vm_map_copy, a_destroyed_shared_source_stays_with_its_sharers)
{
	vm_map_copy_t copy;
	vm_map_t peer;
	vm_offset_t at;

	begin();
	ASSERT_TRUE(fixture_fill(map, A, PAGES, 1));
	ASSERT_TRUE(share(map, A, PAGES * P));
	peer = vm_map_fork(map);
	ASSERT_EQ(vm_map_copyin(map, A, PAGES * P, true, &copy), KERN_SUCCESS);
	ASSERT_TRUE(fixture_entry(map, A) == NULL);
	ASSERT_STORE(peer, A, 99);
	ASSERT_EQ(vm_map_copyout(into, &at, copy), KERN_SUCCESS);
	ASSERT_TRUE(fixture_holds(into, at, PAGES, 1));
	ASSERT_STORE(into, at + P, 88);
	ASSERT_LOAD(peer, A + P, 2);
	ASSERT_TRUE(fixture_sound(map, into, peer, NULL));
	vm_map_deallocate(peer);
	end();
}

TEST(vm_map_copy, a_wired_source_is_copied_at_once_and_stays_wired)
{
	vm_map_copy_t copy;
	vm_offset_t at;
	paddr_t pa;

	begin();
	ASSERT_TRUE(fixture_fill(map, A, PAGES, 1));
	ASSERT_EQ(vm_map_wire(map, A + P, A + 3 * P, VM_PROT_DEFAULT, true), KERN_SUCCESS);
	pa = fixture_page(map, A + P);
	ASSERT_EQ(vm_map_copyin(map, A, PAGES * P, false, &copy), KERN_SUCCESS);
	ASSERT_EQ(fixture_leaf(map, A + P), VM_PROT_DEFAULT);
	ASSERT_STORE(map, A + P, 99);
	ASSERT_STORE(map, A, 98);
	ASSERT_EQ(fixture_page(map, A + P), pa);
	ASSERT_EQ(vm_map_copyout(into, &at, copy), KERN_SUCCESS);
	ASSERT_TRUE(fixture_holds(into, at, PAGES, 1));
	ASSERT_TRUE(sound());
	end();
}

TEST(vm_map_copy, no_space_leaves_the_copy)
{
	vm_map_copy_t copy;
	vm_offset_t at = 7;
	vm_map_t small;

	begin();
	small = vm_map_create(pmap_create(), VM_MIN_ADDRESS, VM_MIN_ADDRESS + 2 * P, true);
	ASSERT_TRUE(fixture_fill(map, A, PAGES, 1));
	ASSERT_EQ(vm_map_copyin(map, A, PAGES * P, false, &copy), KERN_SUCCESS);
	ASSERT_EQ(vm_map_copyout(small, &at, copy), KERN_NO_SPACE);
	ASSERT_EQ(at, 7);
	ASSERT_EQ(fixture_entries(small), 0);
	ASSERT_TRUE(sound());
	ASSERT_EQ(vm_map_copyout(into, &at, copy), KERN_SUCCESS);
	ASSERT_TRUE(fixture_holds(into, at, PAGES, 1));
	vm_map_deallocate(small);
	end();
}

TEST(vm_map_copy, copyout_wires_where_the_map_wants_it)
{
	vm_map_copy_t copy;
	vm_offset_t at;

	begin();
	ASSERT_TRUE(fixture_fill(map, A, PAGES, 1));
	ASSERT_EQ(vm_map_copyin(map, A, PAGES * P, false, &copy), KERN_SUCCESS);
	into->wiring_required = true;
	vm_map_wire_limit = 1;
	ASSERT_EQ(vm_map_copyout(into, &at, copy), KERN_RESOURCE_SHORTAGE);
	ASSERT_EQ(fixture_entries(into), 0);
	vm_map_wire_limit = 0;
	ASSERT_EQ(vm_map_copyout(into, &at, copy), KERN_SUCCESS);
	ASSERT_EQ(fixture_entry(into, at)->user_wired_count, 1);
	ASSERT_EQ(fixture_leaf(into, at), VM_PROT_DEFAULT);
	ASSERT_TRUE(fixture_holds(into, at, PAGES, 1));
	ASSERT_TRUE(sound());
	end();
}

TEST(vm_map_copy, an_object_is_handed_over)
{
	vm_object_t object = vm_object_allocate(PAGES * P, 0);
	vm_map_copy_t copy, moved;
	vm_offset_t at;

	begin();
	vm_object_reference(object);
	ASSERT_EQ(vm_map_copyin_object(object, P, PAGES * P, &copy), KERN_INVALID_ARGUMENT);
	ASSERT_EQ(vm_map_copyin_object(object, P, -P, &copy), KERN_INVALID_ARGUMENT);
	ASSERT_EQ(vm_map_copyin_object(object, P, 3 * P, &copy), KERN_SUCCESS);
	object->holders = 1;            /* ours */
	ASSERT_EQ(copy->type, VM_MAP_COPY_OBJECT);
	ASSERT_TRUE(sound());
	moved = vm_map_copy_copy(copy);
	ASSERT_EQ(copy->type, VM_MAP_COPY_OBJECT);
	ASSERT_EQ(copy->size, 0);
	vm_map_copy_discard(copy);
	ASSERT_TRUE(sound());
	ASSERT_EQ(vm_map_copyout(into, &at, moved), KERN_SUCCESS);
	ASSERT_TRUE(fixture_entry(into, at)->object.vm_object == object);
	ASSERT_EQ(fixture_entry(into, at)->offset, P);
	ASSERT_EQ(fixture_entry(into, at)->vme_end - fixture_entry(into, at)->vme_start, 3 * P);
	ASSERT_STORE(into, at, 5);
	ASSERT_EQ(object->resident_page_count, 1);
	/* Over memory: its contents, physically or by reference. */
	vm_object_reference(object);
	ASSERT_EQ(vm_map_copyin_object(object, P, 2 * P, &copy), KERN_SUCCESS);
	ASSERT_TRUE(fixture_fill(map, A, PAGES, 1));
	ASSERT_EQ(vm_map_copy_overwrite(map, A + P + 100, copy, false), KERN_SUCCESS);
	ASSERT_LOAD(map, A + P, 2);
	ASSERT_LOAD(map, A + P + 100, 5);
	ASSERT_LOAD(map, A + 2 * P + 100, 0);
	ASSERT_TRUE(sound());
	object->holders = 0;
	vm_object_deallocate(object);
	end();
}

TEST(vm_map_copy, contents_move_to_another_header)
{
	vm_map_copy_t copy, moved;
	vm_offset_t at;

	begin();
	ASSERT_TRUE(fixture_fill(map, A, PAGES, 1));
	ASSERT_EQ(vm_protect(map, vm_address_u(A + P), vm_size_u(P), false, VM_PROT_READ), KERN_SUCCESS);
	ASSERT_EQ(vm_map_copyin(map, A, PAGES * P, false, &copy), KERN_SUCCESS);
	ASSERT_EQ(copy->hdr.nentries, 3);
	moved = vm_map_copy_copy(copy);
	vm_map_copy_discard(copy);
	ASSERT_EQ(moved->hdr.nentries, 3);
	ASSERT_TRUE(vm_map_copy_first_entry(moved)->vme_prev == vm_map_copy_to_entry(moved));
	ASSERT_TRUE(vm_map_copy_last_entry(moved)->vme_next == vm_map_copy_to_entry(moved));
	ASSERT_TRUE(sound());
	ASSERT_EQ(vm_map_copyout(into, &at, moved), KERN_SUCCESS);
	ASSERT_TRUE(fixture_holds(into, at, PAGES, 1));
	end();
}

static bool
count_copy(vm_map_copy_t copy, void *arg)
{
	(void)copy;
	++*(unsigned *)arg;
	return true;
}

static unsigned
copies(void)
{
	unsigned n = 0;

	vm_map_copy_foreach(count_copy, &n);
	return n;
}

TEST(vm_map_copy, every_copy_is_listed_while_it_lives)
{
	vm_map_copy_t a, b, c;
	unsigned before = copies();
	vm_offset_t at;

	begin();
	ASSERT_TRUE(fixture_fill(map, A, PAGES, 1));
	ASSERT_EQ(vm_map_copyin(map, A, PAGES * P, false, &a), KERN_SUCCESS);
	ASSERT_EQ(vm_map_copyin(map, A, 100, false, &b), KERN_SUCCESS);
	ASSERT_EQ(vm_map_copyin_page_list(map, A, PAGES * P, 0, &c, false), KERN_SUCCESS);
	ASSERT_EQ(copies(), before + 3);
	ASSERT_NE(a->id, b->id);
	ASSERT_EQ(vm_map_copyout(into, &at, a), KERN_SUCCESS);
	ASSERT_EQ(vm_map_copy_overwrite(into, at, b, false), KERN_SUCCESS);
	vm_map_copy_discard(c);
	ASSERT_EQ(copies(), before);
	end();
}

/* --- races: somebody changes the source while a slow copy is made --- */

static void
hook_removes(const char *where, vm_map_t m)
{
	(void)where;
	vm_relock_hook = NULL;
	(void)vm_map_remove(m, A + P, A + 2 * P, VM_MAP_NO_FLAGS);
}

static void
hook_replaces(const char *where, vm_map_t m)
{
	hook_removes(where, m);
	(void)fixture_fill(m, A + P, 1, 70);
}

TEST(vm_map_copy, a_source_that_changes_under_a_slow_copy_is_looked_up_again)
{
	vm_map_copy_t copy = NULL;
	vm_offset_t at;

	begin();
	ASSERT_TRUE(fixture_fill(map, A, PAGES, 1));
	ASSERT_EQ(vm_map_wire(map, A + P, A + 2 * P, VM_PROT_READ, true), KERN_SUCCESS);
	vm_relock_hook = hook_replaces;
	ASSERT_EQ(vm_map_copyin(map, A, PAGES * P, false, &copy), KERN_SUCCESS);
	ASSERT_TRUE(vm_relock_hook == NULL);
	ASSERT_EQ(vm_map_copyout(into, &at, copy), KERN_SUCCESS);
	ASSERT_LOAD(into, at, 1);
	ASSERT_LOAD(into, at + P, 70);
	ASSERT_LOAD(into, at + 2 * P, 3);
	ASSERT_EQ(vm_map_wire(map, A + P, A + 2 * P, VM_PROT_READ, true), KERN_SUCCESS);
	vm_relock_hook = hook_removes;
	ASSERT_EQ(vm_map_copyin(map, A, PAGES * P, false, &copy), KERN_INVALID_ADDRESS);
	ASSERT_TRUE(vm_relock_hook == NULL);
	ASSERT_TRUE(sound());
	end();
}

/* --- overwrite --- */

/* A copy of PAGES pages that hold 101, 102, ... from byte `offset` of a page on. */
static vm_map_copy_t
make_copy(vm_offset_t offset)
{
	vm_map_copy_t copy = NULL;

	if (fixture_entry(map, B) == NULL && !fixture_fill(map, B, PAGES + 1, 101))
		return NULL;
	return vm_map_copyin(map, B + offset, PAGES * P - offset, false, &copy) == KERN_SUCCESS ? copy : NULL;
}

TEST(vm_map_copy, private_pages_are_replaced_by_reference)
{
	vm_map_copy_t copy;
	vm_map_entry_t e;

	begin();
	ASSERT_TRUE(fixture_fill(into, A, PAGES + 2, 1));
	ASSERT_EQ(vm_protect(into, vm_address_u(A + P), vm_size_u(P), true, VM_PROT_DEFAULT), KERN_SUCCESS);
	ASSERT_EQ(vm_inherit(into, vm_address_u(A + 2 * P), vm_size_u(P), VM_INHERIT_NONE), KERN_SUCCESS);
	copy = make_copy(0);
	ASSERT_EQ(vm_map_copy_overwrite(into, A + P, copy, false), KERN_SUCCESS);
	ASSERT_TRUE(fixture_entry(into, A + 3 * P)->object.vm_object == fixture_entry(map, B)->object.vm_object);
	ASSERT_TRUE(fixture_holds(into, A + P, PAGES, 101));
	ASSERT_LOAD(into, A, 1);
	ASSERT_LOAD(into, A + (PAGES + 1) * P, PAGES + 2);
	ASSERT_STORE(into, A + 3 * P, 9);
	ASSERT_TRUE(fixture_holds(map, B, PAGES, 101));
	e = fixture_entry(into, A + P);
	ASSERT_EQ(e->max_protection, VM_PROT_DEFAULT);
	ASSERT_EQ(fixture_entry(into, A + 2 * P)->inheritance, VM_INHERIT_NONE);
	ASSERT_EQ(fixture_entry(into, A + 3 * P)->inheritance, VM_INHERIT_COPY);
	ASSERT_TRUE(sound());
	end();
}

TEST(vm_map_copy, pages_that_others_see_are_written_in_place)
{
	vm_map_t peer, old;

	begin();
	ASSERT_TRUE(fixture_fill(into, A, PAGES, 1));
	ASSERT_TRUE(share(into, A + P, 2 * P));         /* private, shared, private */
	peer = vm_map_fork(into);
	ASSERT_EQ(vm_inherit(into, vm_address_u(A + P), vm_size_u(2 * P), VM_INHERIT_COPY), KERN_SUCCESS);
	old = vm_map_fork(into);
	ASSERT_EQ(vm_map_copy_overwrite(into, A, make_copy(0), false), KERN_SUCCESS);
	ASSERT_TRUE(fixture_holds(into, A, PAGES, 101));
	ASSERT_LOAD(peer, A, 1);
	ASSERT_TRUE(fixture_holds(peer, A + P, 2, 102));
	ASSERT_LOAD(peer, A + 3 * P, 4);
	ASSERT_TRUE(fixture_holds(old, A, PAGES, 1));           /* copies made before have the old pages */
	ASSERT_TRUE(fixture_sound(map, into, peer, old, NULL));
	vm_map_deallocate(old);
	vm_map_deallocate(peer);
	end();
}

TEST(vm_map_copy, wired_pages_are_written_in_place)
{
	paddr_t pa;

	begin();
	ASSERT_TRUE(fixture_fill(into, A, PAGES, 1));
	ASSERT_EQ(vm_map_wire(into, A + P, A + 2 * P, VM_PROT_DEFAULT, true), KERN_SUCCESS);
	pa = fixture_page(into, A + P);
	ASSERT_EQ(vm_map_copy_overwrite(into, A, make_copy(0), false), KERN_SUCCESS);
	ASSERT_EQ(fixture_page(into, A + P), pa);
	ASSERT_EQ(fixture_entry(into, A + P)->user_wired_count, 1);
	ASSERT_TRUE(fixture_holds(into, A, PAGES, 101));
	ASSERT_TRUE(sound());
	end();
}

TEST(vm_map_copy, edges_and_other_alignments_are_written_by_bytes)
{
	vm_offset_t from[] = { 0, 0, 8, 8, 3, 4095 }, to[] = { 8, 1, 0, 8, 2000, 1 };

	begin();
	for (unsigned i = 0; i < nitems(from); i++) {
		ASSERT_TRUE(fixture_fill(into, A, PAGES + 2, 1));
		for (unsigned k = 0; k <= PAGES; k++)
			ASSERT_TRUE(fixture_entry(map, B) == NULL ||
			    fixture_store(map, B + k * P, (uint8_t)(101 + k)) == KERN_SUCCESS);
		ASSERT_EQ(vm_map_copy_overwrite(into, A + to[i], make_copy(from[i]), false), KERN_SUCCESS);
		for (unsigned k = 1; k < PAGES; k++)    /* where page k's first byte went */
			ASSERT_LOAD(into, A + to[i] + k * P - from[i], 101 + k);
		if (to[i] != 0)
			ASSERT_LOAD(into, A, 1);
		ASSERT_LOAD(into, A + (PAGES + 1) * P, PAGES + 2);
		ASSERT_TRUE(sound());
		ASSERT_EQ(vm_deallocate(into, vm_address_u(A), vm_size_u((PAGES + 2) * P)), KERN_SUCCESS);
	}
	end();
}

TEST(vm_map_copy, a_refused_overwrite_changes_nothing_and_keeps_the_copy)
{
	vm_map_copy_t copy;

	begin();
	ASSERT_TRUE(fixture_fill(into, A, PAGES, 1));
	copy = make_copy(0);
	ASSERT_EQ(vm_map_copy_overwrite(into, A + P, copy, false), KERN_INVALID_ADDRESS);
	ASSERT_EQ(vm_map_copy_overwrite(into, A - P, copy, false), KERN_INVALID_ADDRESS);
	ASSERT_EQ(vm_map_copy_overwrite(into, -2 * P, copy, false), KERN_INVALID_ADDRESS);
	ASSERT_EQ(vm_protect(into, vm_address_u(A + 5 * P), vm_size_u(P), false, VM_PROT_READ), KERN_SUCCESS);
	ASSERT_EQ(vm_map_copy_overwrite(into, A, copy, false), KERN_PROTECTION_FAILURE);
	ASSERT_TRUE(fixture_holds(into, A, PAGES, 1));
	ASSERT_EQ(vm_protect(into, vm_address_u(A + 5 * P), vm_size_u(P), false, VM_PROT_DEFAULT), KERN_SUCCESS);
	ASSERT_EQ(vm_map_copy_overwrite(into, A, copy, false), KERN_SUCCESS);
	ASSERT_TRUE(fixture_holds(into, A, PAGES, 101));
	ASSERT_TRUE(sound());
	end();
}

TEST(vm_map_copy, overlapping_copies_are_as_of_the_start)
{
	vm_map_copy_t copy;

	begin();
	for (unsigned byte = 0; byte < 2; byte++) {     /* by reference, and by bytes */
		ASSERT_TRUE(fixture_fill(map, A, PAGES + 2, 1));
		ASSERT_EQ(vm_map_copyin(map, A, PAGES * P, false, &copy), KERN_SUCCESS);
		ASSERT_EQ(vm_map_copy_overwrite(map, A + 2 * P + byte, copy, false),
		    byte == 0 ? KERN_SUCCESS : KERN_INVALID_ADDRESS);
		if (byte != 0) {
			vm_map_copy_discard(copy);
			ASSERT_EQ(vm_map_copyin(map, A, PAGES * P - 1, false, &copy), KERN_SUCCESS);
			ASSERT_EQ(vm_map_copy_overwrite(map, A + 2 * P + byte, copy, false), KERN_SUCCESS);
		}
		ASSERT_TRUE(fixture_holds(map, A, 2, 1));
		for (unsigned i = 0; i < PAGES; i++)
			ASSERT_LOAD(map, A + (2 + i) * P + byte, i + 1);
		/* Onto itself. */
		ASSERT_EQ(vm_map_copyin(map, A, PAGES * P, false, &copy), KERN_SUCCESS);
		ASSERT_EQ(vm_map_copy_overwrite(map, A, copy, false), KERN_SUCCESS);
		ASSERT_TRUE(fixture_holds(map, A, 2, 1));
		ASSERT_TRUE(sound());
		ASSERT_EQ(vm_deallocate(map, vm_address_u(A), vm_size_u((PAGES + 2) * P)), KERN_SUCCESS);
	}
	end();
}

static void
hook_forbids(const char *where, vm_map_t m)
{
	(void)where;
	vm_relock_hook = NULL;
	(void)vm_map_protect(m, A + 2 * P, A + 3 * P, VM_PROT_READ, false);
}

TEST(vm_map_copy, a_destination_that_changes_after_the_check_is_checked_again)
{
	vm_map_copy_t copy;

	begin();
	ASSERT_TRUE(fixture_fill(into, A, PAGES + 1, 1));
	copy = make_copy(8);
	vm_relock_hook = hook_forbids;
	ASSERT_EQ(vm_map_copy_overwrite(into, A + 8, copy, false), KERN_PROTECTION_FAILURE);
	ASSERT_TRUE(vm_relock_hook == NULL);
	ASSERT_TRUE(fixture_holds(into, A, PAGES + 1, 1));
	vm_map_copy_discard(copy);
	end();
}

TEST(vm_map_copy, many_small_overwrites_do_not_leave_many_entries)
{
	vm_map_copy_t copy;

	begin();
	ASSERT_TRUE(fixture_fill(map, A, 32, 1));
	ASSERT_TRUE(fixture_allocate(into, A, 32 * P));
	for (unsigned i = 0; i < 32; i += 4) {
		ASSERT_EQ(vm_map_copyin(map, A + i * P, 4 * P, false, &copy), KERN_SUCCESS);
		ASSERT_EQ(vm_map_copy_overwrite(into, A + i * P, copy, false), KERN_SUCCESS);
	}
	ASSERT_EQ(fixture_entries(into), 1);
	ASSERT_EQ(fixture_entries(map), 1);
	ASSERT_TRUE(fixture_holds(into, A, 32, 1));
	end();
}

/* --- page lists --- */

#define LONG    45u             /* pages: three lists */

TEST(vm_map_copy, page_lists_reach_far_by_continuation)
{
	vm_map_copy_t copy, next;
	vm_offset_t at;
	kern_return_t kr;

	begin();
	ASSERT_TRUE(fixture_fill(map, A, LONG, 1));
	ASSERT_EQ(vm_map_copyin_page_list(map, A + 9, LONG * P - 9, VM_PROT_READ, &copy, false), KERN_SUCCESS);
	ASSERT_EQ(copy->type, VM_MAP_COPY_PAGE_LIST);
	ASSERT_EQ(copy->npages, VM_MAP_COPY_PAGE_LIST_MAX);
	ASSERT_TRUE(vm_map_copy_has_cont(copy) && vm_map_copy_cont_is_valid(copy));
	ASSERT_EQ(*(uint8_t *)vm_page_va(copy->page_list[19]), 20);
	ASSERT_TRUE(sound());
	vm_map_copy_invoke_cont(copy, &next, &kr);
	ASSERT_EQ(kr, KERN_SUCCESS);
	ASSERT_EQ(copy->npages, 0);
	ASSERT_FALSE(vm_map_copy_has_cont(copy));
	ASSERT_EQ(*(uint8_t *)vm_page_va(next->page_list[0]), 21);
	vm_map_copy_discard(next);      /* aborts the third */
	vm_map_copy_discard(copy);
	ASSERT_TRUE(sound());
	ASSERT_EQ(vm_map_copyin_page_list(map, A + 9, LONG * P - 9, VM_PROT_READ, &copy, false), KERN_SUCCESS);
	ASSERT_EQ(vm_map_copyout_page_list(into, &at, copy), KERN_SUCCESS);
	ASSERT_EQ(at & PAGE_MASK, 9);
	ASSERT_TRUE(fixture_holds(into, at - 9, LONG, 1));
	ASSERT_TRUE(fixture_holds(map, A, LONG, 1));
	ASSERT_TRUE(sound());
	end();
}

TEST(vm_map_copy, pinned_pages_outlive_their_mapping)
{
	vm_map_copy_t copy;
	vm_offset_t at;

	begin();
	ASSERT_TRUE(fixture_fill(map, A, PAGES, 1));
	ASSERT_EQ(vm_map_copyin_page_list(map, A, PAGES * P, 0, &copy, false), KERN_SUCCESS);
	ASSERT_EQ(copy->page_list[0]->wire_count, 1);
	ASSERT_EQ(vm_deallocate(map, vm_address_u(A), vm_size_u(PAGES * P)), KERN_SUCCESS);
	ASSERT_TRUE(sound());
	/* Nobody else has them: they are not copied. */
	struct vm_page *first = copy->page_list[0];
	bool reserved = first->o.chunk->base != 0;

	ASSERT_EQ(vm_map_copy_steal_pages(copy), KERN_SUCCESS);
	ASSERT_TRUE(copy->page_loose);
	ASSERT_TRUE(reserved || copy->page_list[0] == first);
	ASSERT_EQ(vm_map_copyout(into, &at, copy), KERN_SUCCESS);
	ASSERT_TRUE(fixture_holds(into, at, PAGES, 1));
	ASSERT_TRUE(sound());
	end();
}

TEST(vm_map_copy, stolen_pages_are_a_snapshot)
{
	vm_map_copy_t copy;

	begin();
	ASSERT_TRUE(fixture_fill(map, A, LONG, 1));
	ASSERT_TRUE(fixture_fill(into, A, LONG, 1));
	ASSERT_EQ(vm_map_copyin_page_list(map, A, 20 * P, VM_MAP_COPYIN_OPT_STEAL_PAGES, &copy, false), KERN_SUCCESS);
	ASSERT_TRUE(copy->page_loose);
	ASSERT_STORE(map, A, 99);
	ASSERT_EQ(vm_map_copy_overwrite(into, A + 4, copy, false), KERN_SUCCESS);
	ASSERT_LOAD(into, A, 1);
	for (unsigned i = 0; i < 20; i++)
		ASSERT_LOAD(into, A + 4 + i * P, i + 1);
	ASSERT_TRUE(sound());
	end();
}

TEST(vm_map_copy, pinned_pages_of_a_copy_do_not_follow_the_original)
{
	vm_map_t peer, child;
	vm_map_copy_t copy;
	vm_offset_t at;

	begin();
	ASSERT_TRUE(fixture_fill(map, A, PAGES, 1));
	ASSERT_TRUE(share(map, A, PAGES * P));
	peer = vm_map_fork(map);
	ASSERT_EQ(vm_inherit(map, vm_address_u(A), vm_size_u(PAGES * P), VM_INHERIT_COPY), KERN_SUCCESS);
	child = vm_map_fork(map);
	ASSERT_EQ(vm_map_copyin_page_list(child, A, PAGES * P, 0, &copy, false), KERN_SUCCESS);
	for (unsigned i = 0; i < PAGES; i++)
		ASSERT_STORE(peer, A + i * P, 99);
	ASSERT_EQ(vm_map_copyout(into, &at, copy), KERN_SUCCESS);
	ASSERT_TRUE(fixture_holds(into, at, PAGES, 1));
	ASSERT_TRUE(fixture_holds(child, A, PAGES, 1));
	/* Who shares it sees its stores in the list, too. */
	ASSERT_EQ(vm_map_copyin_page_list(map, A, PAGES * P, 0, &copy, false), KERN_SUCCESS);
	ASSERT_STORE(peer, A, 98);
	ASSERT_EQ(vm_map_copyout(into, &at, copy), KERN_SUCCESS);
	ASSERT_LOAD(into, at, 98);
	ASSERT_TRUE(fixture_sound(map, into, peer, child, NULL));
	vm_map_deallocate(child);
	vm_map_deallocate(peer);
	end();
}

TEST(vm_map_copy, the_source_of_a_page_list_is_removed_at_its_end)
{
	unsigned options = VM_MAP_COPYIN_OPT_SRC_DESTROY;
	vm_map_copy_t copy;
	vm_offset_t at;

	begin();
	for (unsigned round = 0; round < 3; round++) {
		ASSERT_TRUE(fixture_fill(map, A, LONG, 1));
		if (round == 1)
			options |= VM_MAP_COPYIN_OPT_STEAL_PAGES;
		ASSERT_EQ(vm_map_copyin_page_list(map, A, LONG * P, options, &copy, false), KERN_SUCCESS);
		ASSERT_TRUE(fixture_entry(map, A + 44 * P) != NULL);
		if (round == 2)
			vm_map_copy_discard(copy);
		else {
			ASSERT_EQ(vm_map_copyout(into, &at, copy), KERN_SUCCESS);
			ASSERT_TRUE(fixture_holds(into, at, LONG, 1));
		}
		ASSERT_TRUE(fixture_entry(map, A) == NULL && fixture_entry(map, A + 44 * P) == NULL);
		ASSERT_TRUE(sound());
	}
	end();
}

TEST(vm_map_copy, absent_pages_may_stay_absent)
{
	vm_map_copy_t copy;
	vm_offset_t at;

	begin();
	ASSERT_TRUE(fixture_allocate(map, A, PAGES * P));
	ASSERT_STORE(map, A + P, 2);
	ASSERT_EQ(vm_map_copyin_page_list(map, A, PAGES * P,
	    VM_PROT_READ | VM_MAP_COPYIN_OPT_NO_ZERO_FILL | VM_MAP_COPYIN_OPT_PMAP_ENTER, &copy, false), KERN_SUCCESS);
	ASSERT_EQ(copy->npages, PAGES);
	ASSERT_TRUE(copy->page_list[0] == NULL && copy->page_list[1] != NULL && copy->page_list[2] == NULL);
	ASSERT_EQ(fixture_entry(map, A)->object.vm_object->resident_page_count, 1);
	ASSERT_EQ(vm_map_copy_steal_pages(copy), KERN_SUCCESS);
	ASSERT_EQ(vm_map_copyout(into, &at, copy), KERN_SUCCESS);
	ASSERT_LOAD(into, at, 0);
	ASSERT_LOAD(into, at + P, 2);
	ASSERT_TRUE(sound());
	end();
}

TEST(vm_map_copy, page_lists_are_refused_like_other_copies)
{
	vm_map_copy_t copy = NULL;
	vm_offset_t at;

	begin();
	ASSERT_TRUE(fixture_fill(map, A, LONG, 1));
	ASSERT_EQ(vm_map_copyin_page_list(map, A, 0, 0, &copy, false), KERN_SUCCESS);
	ASSERT_TRUE(copy == NULL);
	ASSERT_EQ(vm_map_copyin_page_list(map, A - P, 2 * P, 0, &copy, false), KERN_INVALID_ADDRESS);
	ASSERT_EQ(vm_map_copyin_page_list(map, A, -P, 0, &copy, false), KERN_INVALID_ADDRESS);
	ASSERT_EQ(vm_protect(map, vm_address_u(A + 30 * P), vm_size_u(P), false, VM_PROT_READ), KERN_SUCCESS);
	ASSERT_EQ(vm_map_copyin_page_list(map, A + 20 * P, 20 * P, VM_PROT_WRITE, &copy, false), KERN_PROTECTION_FAILURE);
	ASSERT_TRUE(sound());
	/* A continuation that fails: its code, and nothing is placed. */
	ASSERT_EQ(vm_map_copyin_page_list(map, A, LONG * P, VM_PROT_WRITE, &copy, false), KERN_SUCCESS);
	ASSERT_EQ(vm_map_copyout(into, &at, copy), KERN_PROTECTION_FAILURE);
	ASSERT_EQ(fixture_entries(into), 0);
	vm_map_copy_discard(copy);
	ASSERT_TRUE(sound());
	end();
}

TEST(vm_map_copy, discarding_can_be_a_continuation)
{
	vm_map_copy_t list, other, next = (vm_map_copy_t)&next;
	unsigned before = copies();
	kern_return_t kr;

	begin();
	ASSERT_TRUE(fixture_fill(map, A, PAGES, 1));
	ASSERT_EQ(vm_map_copyin(map, A, PAGES * P, false, &other), KERN_SUCCESS);
	ASSERT_EQ(vm_map_copyin_page_list(map, A, PAGES * P, 0, &list, false), KERN_SUCCESS);
	ASSERT_FALSE(vm_map_copy_cont_is_valid(list));
	list->cont = vm_map_copy_discard_cont;
	list->cont_args = (vm_map_copyin_args_t)(void *)other;
	ASSERT_TRUE(vm_map_copy_cont_is_valid(list));
	vm_map_copy_invoke_extend_cont(list, &next, &kr);
	ASSERT_EQ(kr, KERN_SUCCESS);
	ASSERT_TRUE(next == NULL);
	ASSERT_EQ(list->npages, PAGES);
	vm_map_copy_discard(list);
	ASSERT_EQ(copies(), before);
	ASSERT_TRUE(sound());
	end();
}

/* --- through submaps --- */

/* A submap with PAGES pages at B (1, 2, ...), and a window on them in map at A; with page 0 before it private. */
static vm_map_t
behind_window(bool copy, vm_prot_t prot)
{
	struct vm_map_enter_args args = {
		.size = PAGES * P, .offset = B, .needs_copy = copy, .cur = prot, .max = VM_PROT_ALL,
		.inheritance = VM_INHERIT_SHARE,
	};
	vm_map_t sub = vm_map_create(PMAP_NULL, 0, 2 * B, true);
	vm_offset_t at = A;

	if (sub == NULL || !fixture_allocate(sub, B, PAGES * P) || !fixture_fill(map, A - P, 1, 0) ||
	    vm_map_enter_submap(map, &at, &args, sub, false) != KERN_SUCCESS)
		return NULL;
	for (unsigned i = 0; i < PAGES; i++)
		if (vm_map_write_user(sub, &(uint8_t){ (uint8_t)(i + 1) }, B + i * P, 1) != KERN_SUCCESS)
			return NULL;
	return sub;
}

TEST(vm_map_copy, copyin_goes_through_windows)
{
	for (unsigned copied = 0; copied < 2; copied++) {
		vm_map_copy_t copy;
		vm_offset_t at;
		vm_map_t sub;

		begin();
		sub = behind_window(copied, VM_PROT_DEFAULT);
		ASSERT_TRUE(sub != NULL);
		ASSERT_TRUE(fixture_holds(map, A, PAGES, 1));
		if (!copied)
			ASSERT_STORE(map, A, 1);        /* a writable leaf at the window's address */
		ASSERT_EQ(vm_map_copyin(map, A - P, (PAGES + 1) * P, false, &copy), KERN_SUCCESS);
		ASSERT_EQ(vm_map_write_user(sub, &(uint8_t){ 99 }, B + P, 1), KERN_SUCCESS);
		ASSERT_STORE(map, A, 98);
		ASSERT_EQ(vm_map_copyout(into, &at, copy), KERN_SUCCESS);
		ASSERT_TRUE(fixture_holds(into, at, PAGES + 1, 0));
		ASSERT_STORE(into, at + 3 * P, 97);
		ASSERT_LOAD(map, A + 2 * P, 3);
		ASSERT_TRUE(fixture_sound(map, into, sub, NULL));
		vm_map_deallocate(sub);
		end();
	}
}

TEST(vm_map_copy, rights_of_window_and_submap_both_count)
{
	vm_map_copy_t copy;
	vm_map_t sub;

	begin();
	sub = behind_window(false, VM_PROT_READ);
	ASSERT_TRUE(fixture_fill(into, A, PAGES, 50));
	ASSERT_EQ(vm_map_copyin(into, A, PAGES * P, false, &copy), KERN_SUCCESS);
	ASSERT_EQ(vm_map_copy_overwrite(map, A, copy, false), KERN_PROTECTION_FAILURE);
	ASSERT_EQ(vm_protect(map, vm_address_u(A), vm_size_u(PAGES * P), false, VM_PROT_DEFAULT), KERN_SUCCESS);
	ASSERT_EQ(vm_protect(sub, vm_address_u(B + P), vm_size_u(P), false, VM_PROT_READ), KERN_SUCCESS);
	ASSERT_EQ(vm_map_copy_overwrite(map, A, copy, false), KERN_PROTECTION_FAILURE);
	ASSERT_EQ(vm_protect(sub, vm_address_u(B + P), vm_size_u(P), false, VM_PROT_NONE), KERN_SUCCESS);
	ASSERT_EQ(vm_map_copyin(map, A, PAGES * P, false, &(vm_map_copy_t){ NULL }), KERN_PROTECTION_FAILURE);
	ASSERT_EQ(vm_deallocate(sub, vm_address_u(B + P), vm_size_u(P)), KERN_SUCCESS);
	ASSERT_EQ(vm_map_copyin(map, A, PAGES * P, false, &(vm_map_copy_t){ NULL }), KERN_INVALID_ADDRESS);
	ASSERT_EQ(vm_map_copy_overwrite(map, A, copy, false), KERN_INVALID_ADDRESS);
	ASSERT_LOAD(map, A, 1);
	vm_map_copy_discard(copy);
	ASSERT_TRUE(fixture_sound(map, into, sub, NULL));
	vm_map_deallocate(sub);
	end();
}

TEST(vm_map_copy, overwriting_a_window_writes_the_submap_or_makes_it_private)
{
	for (unsigned copied = 0; copied < 2; copied++) {
		vm_map_copy_t copy;
		uint8_t v = 0;
		vm_map_t sub;

		begin();
		sub = behind_window(copied, VM_PROT_DEFAULT);
		ASSERT_TRUE(fixture_fill(into, A, PAGES, 50));
		ASSERT_EQ(vm_map_copyin(into, A, (PAGES - 1) * P, false, &copy), KERN_SUCCESS);
		ASSERT_EQ(vm_map_copy_overwrite(map, A, copy, false), KERN_SUCCESS);
		ASSERT_TRUE(fixture_holds(map, A, PAGES - 1, 50));
		ASSERT_LOAD(map, A + (PAGES - 1) * P, PAGES);
		ASSERT_EQ(vm_map_read_user(sub, B, &v, 1), KERN_SUCCESS);
		ASSERT_EQ(v, copied ? 1 : 50);
		ASSERT_TRUE(fixture_sound(map, into, sub, NULL));
		vm_map_deallocate(sub);
		end();
	}
}

TEST(vm_map_copy, a_destroyed_window_leaves_the_submap_alone)
{
	vm_map_copy_t copy;
	vm_offset_t at;
	uint8_t v = 0;
	vm_map_t sub;

	begin();
	sub = behind_window(false, VM_PROT_DEFAULT);
	ASSERT_EQ(vm_map_copyin(map, A, PAGES * P, true, &copy), KERN_SUCCESS);
	ASSERT_TRUE(fixture_entry(map, A) == NULL);
	ASSERT_EQ(vm_map_read_user(sub, B, &v, 1), KERN_SUCCESS);
	ASSERT_EQ(v, 1);
	ASSERT_EQ(vm_map_copyout(into, &at, copy), KERN_SUCCESS);
	ASSERT_TRUE(fixture_holds(into, at, PAGES, 1));
	ASSERT_TRUE(fixture_sound(map, into, sub, NULL));
	vm_map_deallocate(sub);
	end();
}

/* --- what a pager has --- */

static uint32_t pager_strategy;
static vm_object_offset_t pager_bad;    /* the page that it cannot give; ~0: none */
static unsigned pager_asked;

static void
pager_init(memory_object_t mo)
{
	struct memory_object_attr_info a = { .copy_strategy = pager_strategy, .cluster_size = P };

	(void)memory_object_change_attributes(mo, MEMORY_OBJECT_ATTRIBUTE_INFO, &a, MEMORY_OBJECT_ATTR_INFO_COUNT);
}

/* Page i is full of 150 + i. */
static void
pager_request(memory_object_t mo, vm_object_offset_t offset, vm_size_t length, vm_prot_t access)
{
	(void)access;
	pager_asked++;
	for (vm_object_offset_t end = offset + length; offset < end; offset += P) {
		struct vm_page *m = vm_page_alloc(0);

		if (offset == pager_bad || m == NULL)
			(void)memory_object_data_error(mo, offset, P, KERN_MEMORY_ERROR);
		else {
			memset(vm_page_va(m), (int)(150 + offset / P), P);
			(void)memory_object_data_supply(mo, offset, vm_page_va(m), P, VM_PROT_NONE, false);
		}
		if (m != NULL)
			vm_page_free(m);
	}
}

static const struct memory_object_ops pager_ops = {
	.name = "copies", .init = pager_init, .data_request = pager_request,
};

/* PAGES pages of a pager at A of m. */
static memory_object_t
map_pager(vm_map_t m, uint32_t strategy)
{
	memory_object_t mo = memory_object_create(&pager_ops, NULL, PAGES * P, VM_PROT_ALL);
	struct vm_map_enter_args args = {
		.size = PAGES * P, .cur = VM_PROT_DEFAULT, .max = VM_PROT_ALL, .inheritance = VM_INHERIT_DEFAULT,
	};
	vm_offset_t at = A;

	pager_strategy = strategy;
	pager_bad = ~0ul;
	pager_asked = 0;
	if (mo == NULL || memory_object_map(mo, &args.object) != KERN_SUCCESS ||
	    vm_map_enter(m, &at, &args) != KERN_SUCCESS)
		return NULL;
	return mo;
}

TEST(vm_map_copy, pagers_are_asked_when_the_copy_needs_it)
{
	uint32_t strategies[] = { MEMORY_OBJECT_COPY_DELAY, MEMORY_OBJECT_COPY_NONE };

	for (unsigned i = 0; i < 2; i++) {
		vm_map_copy_t copy;
		memory_object_t mo;
		vm_offset_t at;

		begin();
		mo = map_pager(map, strategies[i]);
		ASSERT_TRUE(mo != NULL);
		ASSERT_TRUE(fixture_fill(into, A, PAGES + 1, 1));
		ASSERT_EQ(vm_map_copyin(map, A, PAGES * P, false, &copy), KERN_SUCCESS);
		ASSERT_EQ(pager_asked, i == 0 ? 0 : PAGES);     /* NONE: a copy is made at once */
		ASSERT_STORE(map, A, 99);
		ASSERT_EQ(vm_map_copy_overwrite(into, A + 100, copy, false), KERN_SUCCESS);
		for (unsigned k = 0; k < PAGES; k++)
			ASSERT_LOAD(into, A + 100 + k * P, 150 + k);
		ASSERT_LOAD(into, A, 1);
		ASSERT_LOAD(map, A, 99);
		ASSERT_EQ(vm_map_copyin(map, A, PAGES * P, false, &copy), KERN_SUCCESS);
		ASSERT_EQ(vm_map_copyout(into, &at, copy), KERN_SUCCESS);
		ASSERT_LOAD(into, at, 99);
		ASSERT_TRUE(fixture_holds(into, at + P, PAGES - 1, 151));
		ASSERT_TRUE(fixture_sound(map, into, NULL));
		end();
		memory_object_release(mo);
	}
}

TEST(vm_map_copy, a_pager_that_fails_changes_nothing)
{
	vm_map_copy_t copy;
	memory_object_t mo;

	begin();
	mo = map_pager(map, MEMORY_OBJECT_COPY_DELAY);
	ASSERT_TRUE(fixture_fill(into, A, PAGES + 1, 1));
	ASSERT_EQ(vm_map_copyin(map, A, PAGES * P, false, &copy), KERN_SUCCESS);
	pager_bad = 4 * P;
	ASSERT_EQ(vm_map_copy_overwrite(into, A + 100, copy, false), KERN_MEMORY_ERROR);
	ASSERT_TRUE(fixture_holds(into, A, PAGES + 1, 1));
	ASSERT_LOAD(into, A + 100, 0);
	vm_map_copy_discard(copy);
	/* The other way round: where it should go cannot be had. */
	ASSERT_EQ(vm_map_copyin(into, A, PAGES * P, false, &copy), KERN_SUCCESS);
	ASSERT_EQ(vm_map_copy_overwrite(map, A, copy, true), KERN_FAILURE);
	ASSERT_EQ(vm_map_copy_overwrite(map, A, copy, false), KERN_MEMORY_ERROR);
	ASSERT_TRUE(fixture_holds(map, A, 4, 150));
	vm_map_copy_discard(copy);
	ASSERT_EQ(vm_map_copyin_page_list(map, A, PAGES * P, 0, &copy, false), KERN_MEMORY_ERROR);
	ASSERT_TRUE(fixture_sound(map, into, NULL));
	end();
	memory_object_release(mo);
}

TEST(vm_map_copy, a_pagers_memory_is_written_in_place)
{
	vm_map_copy_t copy;
	memory_object_t mo;
	vm_offset_t at;

	begin();
	mo = map_pager(map, MEMORY_OBJECT_COPY_DELAY);
	ASSERT_TRUE(fixture_fill(into, A, PAGES, 1));
	ASSERT_EQ(vm_map_copyin_page_list(map, A, PAGES * P, 0, &copy, false), KERN_SUCCESS);
	ASSERT_EQ(vm_map_copyout(into, &at, copy), KERN_SUCCESS);
	ASSERT_TRUE(fixture_holds(into, at, PAGES, 150));
	ASSERT_EQ(vm_map_copyin(into, A, PAGES * P, false, &copy), KERN_SUCCESS);
	ASSERT_EQ(vm_map_copy_overwrite(map, A, copy, false), KERN_SUCCESS);
	ASSERT_FALSE(fixture_entry(map, A)->object.vm_object->internal);
	ASSERT_TRUE(fixture_holds(map, A, PAGES, 1));
	ASSERT_TRUE(fixture_sound(map, into, NULL));
	end();
	memory_object_release(mo);
}
