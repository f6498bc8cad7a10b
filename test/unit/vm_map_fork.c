/*
 * vm_map_fork: what a child inherits of shared, wired, absent, forbidden and
 * uncopyable memory, and what happens when the old map changes while a copy is
 * made without its lock.
 */
#include <string.h>
#include <kernel/pager.h>
#include "vm_fixture.h"
#include "vm_map_impl.h"

#define A       (64 * M)

static vm_map_t map;            /* [A, A + 4 pages): page i holds i + 1 */

static bool
setup(void)
{
	map = fixture_map();
	if (!fixture_allocate(map, A, 4 * P))
		return false;
	for (uint64_t i = 0; i < 4; i++)
		if (fixture_store(map, A + i * P, (uint8_t)(i + 1)) != KERN_SUCCESS)
			return false;
	return true;
}

/*
 * The object is such that it must be copied with the map unlocked (as if it
 * had a pager), though all of its pages are there.
 */
static void
make_slow(void)
{
	vm_object_t o = fixture_entry(map, A)->object.vm_object;

	spin_lock(&o->lock);
	o->copy_strategy = MEMORY_OBJECT_COPY_NONE;
	o->shadow_severed = true;
	vm_object_classify(o);
	spin_unlock(&o->lock);
}

TEST(vm_map_fork, a_child_of_shared_memory_costs_no_page)
{
	vm_map_t peer, child;
	vm_object_t c;

	ASSERT_TRUE(setup());
	ASSERT_EQ(vm_inherit(map, vm_address_u(A), vm_size_u(4 * P), VM_INHERIT_SHARE), KERN_SUCCESS);
	peer = vm_map_fork(map);
	ASSERT_EQ(vm_inherit(map, vm_address_u(A), vm_size_u(4 * P), VM_INHERIT_COPY), KERN_SUCCESS);
	child = vm_map_fork(map);
	c = fixture_entry(child, A)->object.vm_object;
	ASSERT_EQ(c->resident_page_count, 0);
	ASSERT_TRUE(fixture_entry(child, A)->needs_copy);
	ASSERT_TRUE(!fixture_entry(child, A)->is_shared);
	ASSERT_STORE(peer, A, 9);
	ASSERT_LOAD(child, A, 1);
	ASSERT_TRUE(fixture_sound(map, peer, child, NULL));
	vm_map_deallocate(child);
	vm_map_deallocate(peer);
	vm_map_deallocate(map);
}

TEST(vm_map_fork, wired_memory_is_copied_at_once_and_not_wired_in_the_child)
{
	vm_map_t child;

	ASSERT_TRUE(setup());
	ASSERT_EQ(vm_map_wire(map, A + P, A + 3 * P, VM_PROT_READ, true), KERN_SUCCESS);
	child = vm_map_fork(map);
	ASSERT_TRUE(child != NULL);
	ASSERT_EQ(fixture_entry(child, A + P)->wired_count, 0);
	ASSERT_EQ(fixture_entry(child, A + P)->user_wired_count, 0);
	ASSERT_TRUE(!fixture_entry(child, A + P)->needs_copy);
	ASSERT_TRUE(!fixture_entry(map, A + P)->needs_copy);
	ASSERT_TRUE(fixture_entry(child, A + P)->object.vm_object != fixture_entry(map, A + P)->object.vm_object);
	ASSERT_EQ(fixture_leaf(map, A + P) & VM_PROT_WRITE, VM_PROT_WRITE);
	ASSERT_STORE(map, A + P, 50);
	ASSERT_LOAD(child, A + P, 2);
	ASSERT_STORE(child, A + 2 * P, 60);
	ASSERT_LOAD(map, A + 2 * P, 3);
	ASSERT_LOAD(child, A + 3 * P, 4);
	ASSERT_TRUE(fixture_sound(map, child, NULL));
	vm_map_deallocate(child);
	ASSERT_EQ(vm_map_unwire(map, A + P, A + 3 * P, true), KERN_SUCCESS);
	vm_map_deallocate(map);
}

TEST(vm_map_fork, wired_memory_that_can_never_be_read_is_a_hole)
{
	vm_map_t child;

	ASSERT_TRUE(setup());
	ASSERT_EQ(vm_map_wire(map, A + P, A + 2 * P, VM_PROT_READ, false), KERN_SUCCESS);
	fixture_entry(map, A + P)->protection = fixture_entry(map, A + P)->max_protection = VM_PROT_WRITE;
	child = vm_map_fork(map);
	ASSERT_TRUE(child != NULL);
	ASSERT_TRUE(fixture_entry(child, A + P) == NULL);
	ASSERT_LOAD(child, A, 1);
	ASSERT_LOAD(child, A + 2 * P, 3);
	ASSERT_EQ(child->size, 3 * P);
	vm_map_deallocate(child);
	fixture_entry(map, A + P)->protection = fixture_entry(map, A + P)->max_protection = VM_PROT_READ | VM_PROT_WRITE;
	ASSERT_EQ(vm_map_unwire(map, A + P, A + 2 * P, false), KERN_SUCCESS);
	vm_map_deallocate(map);
}

TEST(vm_map_fork, sharing_wired_memory_leaves_its_pages_where_they_are)
{
	vm_map_t peer, copy;
	paddr_t before, after;

	ASSERT_TRUE(setup());
	ASSERT_EQ(vm_map_wire(map, A, A + 2 * P, VM_PROT_READ | VM_PROT_WRITE, true), KERN_SUCCESS);
	copy = vm_map_fork(map);        /* the unwired half lazily: the object is `shadowed` from then on */
	ASSERT_TRUE(pmap_extract(map->pmap, A, &before));
	ASSERT_EQ(vm_inherit(map, vm_address_u(A), vm_size_u(4 * P), VM_INHERIT_SHARE), KERN_SUCCESS);
	peer = vm_map_fork(map);
	ASSERT_STORE(peer, A, 40);
	ASSERT_STORE(map, A + P, 41);
	ASSERT_TRUE(pmap_extract(map->pmap, A, &after));
	ASSERT_EQ(before, after);
	ASSERT_LOAD(map, A, 40);
	ASSERT_LOAD(peer, A + P, 41);
	ASSERT_STORE(peer, A + 3 * P, 42);
	ASSERT_LOAD(map, A + 3 * P, 42);
	ASSERT_LOAD(copy, A, 1);
	ASSERT_LOAD(copy, A + P, 2);
	ASSERT_LOAD(copy, A + 3 * P, 4);
	ASSERT_TRUE(fixture_sound(map, peer, copy, NULL));
	vm_map_deallocate(copy);
	vm_map_deallocate(peer);
	ASSERT_EQ(vm_map_unwire(map, A, A + 2 * P, true), KERN_SUCCESS);
	vm_map_deallocate(map);
}

TEST(vm_map_fork, device_memory_is_not_inherited_by_copy)
{
	vm_map_t child;
	vm_object_t o;

	ASSERT_TRUE(setup());
	o = fixture_entry(map, A)->object.vm_object;
	o->phys_contiguous = true;
	o->copy_strategy = MEMORY_OBJECT_COPY_NONE;
	child = vm_map_fork(map);
	ASSERT_TRUE(child != NULL);
	ASSERT_EQ(fixture_entries(child), 0);
	o->phys_contiguous = false;
	vm_map_deallocate(child);
	vm_map_deallocate(map);
}

TEST(vm_map_fork, a_copy_made_without_the_lock)
{
	vm_map_t child;

	ASSERT_TRUE(setup());
	ASSERT_TRUE(fixture_allocate(map, A + 8 * P, P));
	ASSERT_STORE(map, A + 8 * P, 8);
	make_slow();
	child = vm_map_fork(map);
	ASSERT_TRUE(child != NULL);
	ASSERT_STORE(map, A, 50);
	for (uint64_t i = 0; i < 4; i++)
		ASSERT_LOAD(child, A + i * P, i + 1);
	ASSERT_LOAD(child, A + 8 * P, 8);
	ASSERT_TRUE(fixture_sound(map, child, NULL));
	vm_map_deallocate(child);
	/* Something is absent and lost: that entry is a hole, the others are there. */
	spin_lock(&fixture_entry(map, A)->object.vm_object->lock);
	pmap_remove(map->pmap, A, A + P);
	ASSERT_EQ(vm_object_page_remove(fixture_entry(map, A)->object.vm_object, 0, P), 1);
	spin_unlock(&fixture_entry(map, A)->object.vm_object->lock);
	child = vm_map_fork(map);
	ASSERT_TRUE(child != NULL);
	ASSERT_TRUE(fixture_entry(child, A) == NULL && fixture_entry(child, A + 3 * P) == NULL);
	ASSERT_LOAD(child, A + 8 * P, 8);
	vm_map_deallocate(child);
	vm_map_deallocate(map);
}

/* What is done to the old map where fork takes its lock again, once. */
static void (*change)(vm_map_t);

static void
hook(const char *where, vm_map_t m)
{
	void (*fn)(vm_map_t) = change;

	if (m == map && fn != NULL && strcmp(where, "vm_map_fork.copy") == 0) {
		change = NULL;
		fn(m);
	}
}

static void
unmap_all(vm_map_t m)
{
	(void)vm_map_remove(m, A, A + 4 * P, 0);
}

static void
unmap_second(vm_map_t m)
{
	(void)vm_map_remove(m, A + P, A + 2 * P, 0);
}

static void
replace(vm_map_t m)
{
	unmap_all(m);
	(void)fixture_allocate(m, A + P, 2 * P);
	(void)fixture_store(m, A + P, 99);
}

static void
map_below(vm_map_t m)
{
	(void)fixture_allocate(m, A - 4 * P, 4 * P);
	(void)fixture_store(m, A - P, 98);
}

static void
inherit_nothing(vm_map_t m)
{
	(void)vm_inherit(m, vm_address_u(A), vm_size_u(2 * P), VM_INHERIT_NONE);
}

static void
inherit_shared(vm_map_t m)
{
	(void)vm_inherit(m, vm_address_u(A), vm_size_u(2 * P), VM_INHERIT_SHARE);
}

static void
fork_too(vm_map_t m)
{
	vm_map_deallocate(vm_map_fork(m));
}

static vm_map_t
fork_with(void (*fn)(vm_map_t))
{
	vm_map_t child;

	if (!setup())
		return NULL;
	make_slow();
	change = fn;
	vm_relock_hook = hook;
	child = vm_map_fork(map);
	vm_relock_hook = NULL;
	return change == NULL ? child : NULL;
}

TEST(vm_map_fork, the_old_map_may_change_while_a_copy_is_made)
{
	static const struct {
		void (*fn)(vm_map_t);
		uint8_t page[4];        /* what the child sees; 0: a hole */
	} row[] = {
		{ unmap_all, { 0, 0, 0, 0 } },
		{ unmap_second, { 1, 0, 3, 4 } },
		{ map_below, { 1, 2, 3, 4 } },
		{ inherit_nothing, { 0, 0, 3, 4 } },
		{ inherit_shared, { 1, 2, 3, 4 } },
		{ fork_too, { 1, 2, 3, 4 } },
	};

	for (unsigned i = 0; i < nitems(row); i++) {
		vm_map_t child = fork_with(row[i].fn);
		uint8_t v;

		ASSERT_TRUE(child != NULL);
		for (unsigned j = 0; j < 4; j++) {
			ASSERT_EQ(fixture_load(child, A + j * P, &v), row[i].page[j] != 0 ? KERN_SUCCESS : KERN_INVALID_ADDRESS);
			if (row[i].page[j] != 0)
				ASSERT_EQ(v, row[i].page[j]);
		}
		ASSERT_TRUE(fixture_sound(map, child, NULL));
		vm_map_deallocate(child);
		vm_map_deallocate(map);
	}
}

TEST(vm_map_fork, memory_put_in_place_of_what_was_being_copied_is_inherited)
{
	vm_map_t child = fork_with(replace);

	ASSERT_TRUE(child != NULL);
	ASSERT_TRUE(fixture_entry(child, A) == NULL);
	ASSERT_LOAD(child, A + P, 99);
	ASSERT_LOAD(child, A + 2 * P, 0);
	ASSERT_TRUE(fixture_entry(child, A + 3 * P) == NULL);
	ASSERT_TRUE(fixture_sound(map, child, NULL));
	vm_map_deallocate(child);
	vm_map_deallocate(map);
}

/* is_shared is told before the lock is dropped, of what was shared by then, and of nothing that came later. */
TEST(vm_map_fork, sharing_is_marked_only_where_it_happened)
{
	vm_map_t child;

	ASSERT_TRUE(setup());
	ASSERT_TRUE(fixture_allocate(map, A - 8 * P, 2 * P));
	ASSERT_EQ(vm_inherit(map, vm_address_u(A - 8 * P), vm_size_u(P), VM_INHERIT_SHARE), KERN_SUCCESS);
	make_slow();
	change = map_below;
	vm_relock_hook = hook;
	ASSERT_TRUE(fixture_store(map, A - 8 * P, 1) == KERN_SUCCESS);
	child = vm_map_fork(map);
	vm_relock_hook = NULL;
	ASSERT_TRUE(child != NULL);
	ASSERT_TRUE(fixture_entry(map, A - 8 * P)->is_shared);
	ASSERT_TRUE(!fixture_entry(map, A - P)->is_shared);
	ASSERT_TRUE(fixture_sound(map, child, NULL));
	vm_map_deallocate(child);
	vm_map_deallocate(map);
}

/* Every allocation fails once: no child, or a whole one; the old map as before. */
TEST(vm_map_fork, shortage_at_any_place_leaves_nothing_behind)
{
	vm_map_t peer, child = NULL;
	unsigned n;

	for (n = 1; child == NULL && n < 200; n++) {
		ASSERT_TRUE(setup());
		ASSERT_TRUE(fixture_allocate(map, A + 8 * P, 2 * P));
		ASSERT_EQ(vm_inherit(map, vm_address_u(A), vm_size_u(2 * P), VM_INHERIT_SHARE), KERN_SUCCESS);
		peer = vm_map_fork(map);
		ASSERT_EQ(vm_inherit(map, vm_address_u(A), vm_size_u(P), VM_INHERIT_COPY), KERN_SUCCESS);
		ASSERT_EQ(vm_inherit(map, vm_address_u(A + 8 * P), vm_size_u(2 * P), VM_INHERIT_SHARE), KERN_SUCCESS);
		vm_alloc_fail_at(n, true);
		child = vm_map_fork(map);
		vm_alloc_fail_at(0, false);
		if (child == NULL)
			ASSERT_TRUE(!fixture_entry(map, A + 8 * P)->is_shared);
		ASSERT_STORE(map, A, 70);
		ASSERT_LOAD(peer, A, 70);
		if (child != NULL)
			ASSERT_LOAD(child, A, 1);
		ASSERT_TRUE(fixture_sound(map, peer, NULL));
		vm_map_deallocate(child);
		vm_map_deallocate(peer);
		vm_map_deallocate(map);
	}
	ASSERT_TRUE(n > 3 && n < 200);
}

TEST(vm_map_fork, a_submap_window_inherited_by_copy_becomes_copy_on_write)
{
	vm_map_t sub = vm_map_create(NULL, 0, 16 * P, true), child;
	vm_map_entry_t e;

	map = fixture_map();
	ASSERT_TRUE(fixture_allocate(map, A, 4 * P));
	e = fixture_entry(map, A);
	e->is_sub_map = true;
	e->object.sub_map = sub;
	e->offset = 0;
	vm_map_reference(sub);
	child = vm_map_fork(map);
	ASSERT_TRUE(child != NULL);
	ASSERT_TRUE(fixture_entry(child, A)->is_sub_map);
	ASSERT_TRUE(fixture_entry(child, A)->needs_copy);
	ASSERT_TRUE(!e->needs_copy);
	ASSERT_EQ(sub->ref_count, 3);
	vm_map_deallocate(child);
	e->inheritance = VM_INHERIT_SHARE;
	child = vm_map_fork(map);
	ASSERT_TRUE(!fixture_entry(child, A)->needs_copy);
	vm_map_deallocate(child);
	e->inheritance = VM_INHERIT_NONE;
	child = vm_map_fork(map);
	ASSERT_EQ(fixture_entries(child), 0);
	vm_map_deallocate(child);
	vm_map_deallocate(map);
	ASSERT_EQ(sub->ref_count, 1);
	vm_map_deallocate(sub);
}

/* --- memory of a pager: at A, 4 pages; page i holds i + 1 --- */

static memory_object_t mo;

static kern_return_t
map_pager(vm_map_t m)
{
	vm_address_ut a = vm_address_u(A);
	struct vm_map_user_args args = {
		.size = vm_size_u(4 * P), .flags = VM_FLAGS_FIXED, .cur = VM_PROT_DEFAULT, .max = VM_PROT_DEFAULT,
		.inheritance = VM_INHERIT_COPY, .pager = mo,
	};

	return vm_map_user(m, &a, &args);
}

static bool
setup_pager(uint64_t strategy)
{
	map = fixture_map();
	return pager_test_create(4 * P, &mo) == KERN_SUCCESS &&
	    pager_test_control(mo, PAGER_STRATEGY, strategy) == KERN_SUCCESS &&
	    pager_test_control(mo, PAGER_FILL, 1) == KERN_SUCCESS && map_pager(map) == KERN_SUCCESS &&
	    fixture_allocate(map, A + 8 * P, P) && fixture_store(map, A + 8 * P, 8) == KERN_SUCCESS;
}

static void
end_pager(vm_map_t child)
{
	vm_map_deallocate(child);
	vm_map_deallocate(map);
	memory_object_release(mo);
}

/* Both strategies: what the child reads is of the moment of the fork, resident in the parent or not. */
TEST(vm_map_fork, a_pagers_memory_is_copied_by_its_strategy)
{
	static const uint8_t strategy[2] = { MEMORY_OBJECT_COPY_DELAY, MEMORY_OBJECT_COPY_NONE };
	struct pager_test_counts c;
	vm_map_t child;

	for (unsigned k = 0; k < 2; k++) {
		ASSERT_TRUE(setup_pager(strategy[k]));
		ASSERT_STORE(map, A + P, 50);
		child = vm_map_fork(map);
		ASSERT_TRUE(child != NULL);
		ASSERT_TRUE(pager_test_counts(mo, &c));
		ASSERT_EQ(c.requests, k == 0 ? 1 : 4);  /* a delayed copy asks for nothing */
		ASSERT_STORE(map, A, 51);
		ASSERT_STORE(map, A + P, 52);
		ASSERT_LOAD(child, A, 1);
		ASSERT_LOAD(child, A + P, 50);
		ASSERT_STORE(child, A + 2 * P, 53);
		ASSERT_LOAD(map, A + 2 * P, 3);
		ASSERT_LOAD(child, A + 3 * P, 4);
		ASSERT_LOAD(child, A + 8 * P, 8);
		ASSERT_TRUE(fixture_sound(map, child, NULL));
		/* The parent's mapping goes; the copy still has what was absent. */
		ASSERT_EQ(vm_deallocate(map, vm_address_u(A), vm_size_u(4 * P)), KERN_SUCCESS);
		ASSERT_LOAD(child, A + 3 * P, 4);
		ASSERT_LOAD(child, A + P, 50);
		end_pager(child);
	}
}

TEST(vm_map_fork, a_pager_that_fails_leaves_a_hole_and_one_without_contents_zeros)
{
	vm_map_t child;

	ASSERT_TRUE(setup_pager(MEMORY_OBJECT_COPY_NONE));
	ASSERT_LOAD(map, A, 1);
	ASSERT_EQ(pager_test_control(mo, PAGER_UNAVAILABLE, 1), KERN_SUCCESS);
	child = vm_map_fork(map);
	ASSERT_LOAD(child, A, 1);
	ASSERT_LOAD(child, A + P, 0);
	ASSERT_LOAD(child, A + 3 * P, 0);
	vm_map_deallocate(child);
	ASSERT_EQ(pager_test_control(mo, PAGER_UNAVAILABLE, 0), KERN_SUCCESS);
	ASSERT_EQ(pager_test_control(mo, PAGER_FAIL, KERN_FAILURE), KERN_SUCCESS);
	child = vm_map_fork(map);
	ASSERT_TRUE(child != NULL);
	ASSERT_TRUE(fixture_entry(child, A) == NULL);
	ASSERT_LOAD(child, A + 8 * P, 8);
	ASSERT_TRUE(fixture_sound(map, child, NULL));
	end_pager(child);
}

/* Not a fork, but the other copy of a map's own range: VM_PROT_COPY. */
TEST(vm_map, prot_copy_asks_the_pager_and_wires_where_all_is_wired)
{
	struct pager_test_counts c;

	ASSERT_TRUE(setup_pager(MEMORY_OBJECT_COPY_NONE));
	ASSERT_EQ(vm_protect(map, vm_address_u(A + P), vm_size_u(2 * P), true, VM_PROT_READ), KERN_SUCCESS);
	ASSERT_EQ(pager_test_control(mo, PAGER_FAIL, KERN_FAILURE), KERN_SUCCESS);
	ASSERT_EQ(vm_protect(map, vm_address_u(A + P), vm_size_u(2 * P), false, VM_PROT_DEFAULT | VM_PROT_COPY), KERN_MEMORY_ERROR);
	ASSERT_EQ(fixture_store(map, A + P, 1), KERN_PROTECTION_FAILURE);
	ASSERT_EQ(pager_test_control(mo, PAGER_FAIL, 0), KERN_SUCCESS);
	map->wiring_required = true;
	ASSERT_EQ(vm_protect(map, vm_address_u(A + P), vm_size_u(2 * P), false, VM_PROT_DEFAULT | VM_PROT_COPY), KERN_SUCCESS);
	map->wiring_required = false;
	ASSERT_EQ(fixture_entry(map, A + P)->wired_count, 1);
	ASSERT_EQ(fixture_entry(map, A)->wired_count, 0);
	ASSERT_LOAD(map, A + P, 2);
	ASSERT_STORE(map, A + 2 * P, 9);
	ASSERT_LOAD(map, A + 3 * P, 4);
	ASSERT_TRUE(fixture_sound(map, NULL));
	ASSERT_EQ(vm_deallocate(map, vm_address_u(A), vm_size_u(4 * P)), KERN_SUCCESS);
	ASSERT_TRUE(pager_test_counts(mo, &c));
	ASSERT_EQ(c.dirty, 0);                  /* the store was the copy's */
	end_pager(NULL);
}

TEST(vm_map_fork, an_entry_that_can_never_be_read_does_not_ask_its_pager)
{
	struct pager_test_counts c;
	vm_map_t child;

	ASSERT_TRUE(setup_pager(MEMORY_OBJECT_COPY_NONE));
	ASSERT_EQ(vm_protect(map, vm_address_u(A), vm_size_u(4 * P), true, VM_PROT_NONE), KERN_SUCCESS);
	child = vm_map_fork(map);
	ASSERT_TRUE(child != NULL && fixture_entry(child, A) == NULL);
	ASSERT_TRUE(pager_test_counts(mo, &c));
	ASSERT_EQ(c.requests, 0);
	end_pager(child);
}

/* Another map's wired page makes the copy one of pages, but not another memory for the child. */
TEST(vm_map_fork, what_can_never_be_read_is_inherited_though_another_map_has_wired_a_page_of_it)
{
	vm_map_t other, child;

	ASSERT_TRUE(setup_pager(MEMORY_OBJECT_COPY_DELAY));
	other = fixture_map();
	ASSERT_EQ(map_pager(other), KERN_SUCCESS);
	ASSERT_EQ(vm_map_wire(other, A + P, A + 2 * P, VM_PROT_READ, true), KERN_SUCCESS);
	ASSERT_EQ(vm_protect(map, vm_address_u(A), vm_size_u(4 * P), true, VM_PROT_WRITE), KERN_SUCCESS);
	child = vm_map_fork(map);
	ASSERT_TRUE(child != NULL);
	for (uint64_t i = 0; i < 4; i++)
		ASSERT_STORE(child, A + i * P, (uint8_t)(60 + i));
	ASSERT_EQ(child->size, map->size);
	for (uint64_t i = 0; i < 4; i++)
		ASSERT_LOAD(other, A + i * P, i + 1);
	ASSERT_TRUE(fixture_sound(map, child, other, NULL));
	ASSERT_EQ(vm_map_unwire(other, A + P, A + 2 * P, true), KERN_SUCCESS);
	vm_map_deallocate(other);
	end_pager(child);
}

/* A copy object of a pager's memory, copied again symmetrically, and shared: the pager stays at the end of each chain. */
TEST(vm_map_fork, children_of_children_of_a_pagers_memory)
{
	vm_map_t child, grandchild, peer;

	ASSERT_TRUE(setup_pager(MEMORY_OBJECT_COPY_DELAY));
	child = vm_map_fork(map);
	grandchild = vm_map_fork(child);
	ASSERT_STORE(child, A, 60);
	ASSERT_EQ(vm_inherit(child, vm_address_u(A), vm_size_u(4 * P), VM_INHERIT_SHARE), KERN_SUCCESS);
	peer = vm_map_fork(child);
	ASSERT_STORE(peer, A + P, 61);
	ASSERT_LOAD(child, A + P, 61);
	ASSERT_STORE(map, A + 2 * P, 62);
	ASSERT_LOAD(peer, A + 2 * P, 3);
	ASSERT_LOAD(grandchild, A, 1);
	ASSERT_LOAD(grandchild, A + P, 2);
	ASSERT_LOAD(grandchild, A + 2 * P, 3);
	ASSERT_LOAD(child, A + 3 * P, 4);
	ASSERT_LE(fixture_chain(child, A), 3);
	ASSERT_TRUE(fixture_sound(map, child, grandchild, peer, NULL));
	vm_map_deallocate(peer);
	vm_map_deallocate(child);
	ASSERT_LOAD(grandchild, A + 3 * P, 4);
	end_pager(grandchild);
}
