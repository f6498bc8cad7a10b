/*
 * vm_object: asymmetric copies of shared objects: pushes, copy objects in
 * chains, and that loops of copy, write and discard leave nothing behind.
 */
#include <string.h>
#include "vm_fixture.h"
#include "vm_object_impl.h"
#include "vm_map_impl.h"

#define A       (64 * M)
#define PAGES   8

static vm_map_t map, peer;      /* share [A, A + PAGES pages): page i holds i + 1 */

static vm_object_t
object_at(vm_map_t m, vm_offset_t va)
{
	vm_map_entry_t e;

	return vm_map_lookup_entry(m, va, &e) ? e->object.vm_object : NULL;
}

static bool
share(vm_size_t size)
{
	map = fixture_map();
	if (!fixture_allocate(map, A, size) ||
	    vm_inherit(map, vm_address_u(A), vm_size_u(size), VM_INHERIT_SHARE) != KERN_SUCCESS)
		return false;
	for (uint64_t i = 0; i < PAGES; i++)
		if (fixture_store(map, A + i * P, (uint8_t)(i + 1)) != KERN_SUCCESS)
			return false;
	peer = vm_map_fork(map);
	/* From here on the map's children get copies; both may write at once. */
	return peer != NULL && vm_inherit(map, vm_address_u(A), vm_size_u(size), VM_INHERIT_COPY) == KERN_SUCCESS &&
	    fixture_store(peer, A, 1) == KERN_SUCCESS && fixture_store(map, A, 1) == KERN_SUCCESS;
}

static void
unshare(void)
{
	vm_map_deallocate(map);
	vm_map_deallocate(peer);
}

/* The copy still reads as the shared memory did at first. */
static bool
is_as_first(vm_map_t copy)
{
	uint8_t v;

	for (uint64_t i = 0; i < PAGES; i++)
		if (fixture_load(copy, A + i * P, &v) != KERN_SUCCESS || v != i + 1)
			return false;
	return true;
}

TEST(vm_object, copy_of_shared_memory_copies_what_is_written_only)
{
	vm_map_t copy;
	vm_object_t s, c;

	ASSERT_TRUE(share(PAGES * P));
	copy = vm_map_fork(map);
	s = object_at(map, A);
	c = object_at(copy, A);
	ASSERT_EQ(s->copy, c);
	ASSERT_EQ(c->shadow, s);
	ASSERT_EQ(c->resident_page_count, 0);
	ASSERT_TRUE(is_as_first(copy));
	ASSERT_STORE(peer, A + P, 50);
	ASSERT_STORE(map, A + 2 * P, 60);
	ASSERT_EQ(c->resident_page_count, 2);
	ASSERT_LOAD(map, A + P, 50);
	ASSERT_TRUE(is_as_first(copy));
	ASSERT_STORE(copy, A + 3 * P, 70);
	ASSERT_LOAD(map, A + 3 * P, 4);
	ASSERT_LOAD(peer, A + 3 * P, 4);
	ASSERT_TRUE(fixture_sound(map, peer, copy, NULL));
	unshare();
	ASSERT_LOAD(copy, A + 4 * P, 5);
	ASSERT_LOAD(copy, A + P, 2);
	ASSERT_LOAD(copy, A + 3 * P, 70);
	vm_map_deallocate(copy);
}

TEST(vm_object, a_zero_page_read_first_is_pushed_before_it_is_written)
{
	vm_map_t copy;

	ASSERT_TRUE(share(2 * PAGES * P));
	copy = vm_map_fork(map);
	ASSERT_LOAD(map, A + 9 * P, 0);         /* zero-filled for a read: not writable */
	ASSERT_EQ(fixture_leaf(map, A + 9 * P) & VM_PROT_WRITE, 0);
	ASSERT_STORE(map, A + 9 * P, 1);
	ASSERT_LOAD(copy, A + 9 * P, 0);
	ASSERT_STORE(peer, A + 10 * P, 1);      /* absent, and written at once */
	ASSERT_LOAD(copy, A + 10 * P, 0);
	ASSERT_TRUE(fixture_sound(map, peer, copy, NULL));
	vm_map_deallocate(copy);
	unshare();
}

TEST(vm_object, neighbours_of_a_fault_are_not_writable_while_they_owe_a_push)
{
	vm_map_t copy;

	ASSERT_TRUE(share(PAGES * P));
	copy = vm_map_fork(map);
	pmap_remove(map->pmap, A, A + PAGES * P);
	ASSERT_LOAD(map, A + 4 * P, 5);
	for (uint64_t i = 0; i < PAGES; i++)
		ASSERT_EQ(fixture_leaf(map, A + i * P) & VM_PROT_WRITE, 0);
	ASSERT_STORE(map, A + 4 * P, 9);
	for (uint64_t i = 0; i < PAGES; i++)
		ASSERT_EQ(fixture_leaf(map, A + i * P) & VM_PROT_WRITE, i == 4 ? VM_PROT_WRITE : 0);
	ASSERT_STORE(map, A + 5 * P, 9);
	ASSERT_TRUE(is_as_first(copy));
	vm_map_deallocate(copy);
	unshare();
}

TEST(vm_object, a_shared_megapage_is_copied_a_page_at_a_time)
{
	vm_map_t copy;
	uint8_t v;

	ASSERT_TRUE(share(M));
	for (uint64_t i = PAGES; i < MEGAPAGE_PAGES; i++)
		ASSERT_STORE(map, A + i * P, (uint8_t)(i + 1));
	copy = vm_map_fork(map);
	ASSERT_LOAD(map, A + 100 * P, 101);
	ASSERT_EQ(fixture_leaf(map, A + 100 * P) & VM_PROT_WRITE, 0);
	ASSERT_LOAD(copy, A + 101 * P, 102);
	ASSERT_STORE(map, A + 100 * P, 1);
	ASSERT_STORE(peer, A + 101 * P, 2);
	ASSERT_LOAD(map, A + 101 * P, 2);
	for (uint64_t i = 0; i < MEGAPAGE_PAGES; i++) {
		ASSERT_EQ(fixture_load(copy, A + i * P, &v), KERN_SUCCESS);
		ASSERT_EQ(v, (uint8_t)(i + 1));
	}
	ASSERT_EQ(object_at(copy, A)->resident_page_count, 2);
	ASSERT_TRUE(fixture_sound(map, peer, copy, NULL));
	vm_map_deallocate(copy);
	unshare();
}

TEST(vm_object, kernel_writes_push_too)
{
	vm_map_t copy;
	uint32_t word = 0x01020304;

	ASSERT_TRUE(share(PAGES * P));
	copy = vm_map_fork(map);
	ASSERT_EQ(vm_map_write_user(map, &word, A + 2 * P - 2, 4), KERN_SUCCESS);
	ASSERT_LOAD(peer, A + 2 * P, 2);
	ASSERT_TRUE(is_as_first(copy));
	ASSERT_LOAD(copy, A + 2 * P - 1, 0);
	ASSERT_TRUE(fixture_sound(map, peer, copy, NULL));
	vm_map_deallocate(copy);
	unshare();
}

TEST(vm_object, an_untouched_copy_serves_again_but_a_touched_one_does_not)
{
	vm_map_t one, two, three;

	ASSERT_TRUE(share(PAGES * P));
	one = vm_map_fork(map);
	two = vm_map_fork(peer);        /* inherits by sharing: the same memory */
	vm_map_deallocate(two);
	two = vm_map_fork(map);
	ASSERT_EQ(object_at(one, A), object_at(two, A));
	ASSERT_STORE(map, A, 50);
	three = vm_map_fork(map);
	ASSERT_TRUE(object_at(three, A) != object_at(two, A));
	ASSERT_EQ(object_at(two, A)->shadow, object_at(three, A));
	ASSERT_EQ(object_at(map, A)->copy, object_at(three, A));
	ASSERT_STORE(map, A + P, 51);
	ASSERT_STORE(map, A, 52);
	ASSERT_TRUE(is_as_first(one));
	ASSERT_TRUE(is_as_first(two));
	ASSERT_LOAD(three, A, 50);
	ASSERT_LOAD(three, A + P, 2);
	ASSERT_EQ(object_at(one, A)->resident_page_count, 1);
	ASSERT_TRUE(fixture_sound(map, peer, one, two, three, NULL));
	vm_map_deallocate(one);
	ASSERT_STORE(two, A, 99);
	ASSERT_LOAD(three, A, 50);
	vm_map_deallocate(three);
	ASSERT_LOAD(two, A + P, 2);
	vm_map_deallocate(two);
	ASSERT_EQ(object_at(map, A)->copy, NULL);
	unshare();
}

TEST(vm_object, a_copy_with_a_writer_of_its_own_does_not_serve_again)
{
	vm_map_t one, two;

	ASSERT_TRUE(share(PAGES * P));
	one = vm_map_fork(map);
	/* The only user of the copy object: it is kept for writing, though for want of memory nothing was written yet. */
	vm_alloc_fail_at(1, true);
	ASSERT_EQ(fixture_store(one, A, 33), KERN_RESOURCE_SHORTAGE);
	vm_alloc_fail_at(0, false);
	ASSERT_EQ(object_at(one, A), object_at(map, A)->copy);
	ASSERT_EQ(object_at(one, A)->resident_page_count, 0);
	two = vm_map_fork(map);
	ASSERT_TRUE(object_at(one, A) != object_at(two, A));
	ASSERT_STORE(one, A, 34);
	ASSERT_TRUE(is_as_first(two));
	ASSERT_TRUE(fixture_sound(map, peer, one, two, NULL));
	vm_map_deallocate(one);
	vm_map_deallocate(two);
	unshare();
}

/* Copies of copies, and of parts, dying in every order of three. */
TEST(vm_object, copies_die_in_any_order)
{
	static const uint8_t order[6][3] = { { 0, 1, 2 }, { 0, 2, 1 }, { 1, 0, 2 }, { 1, 2, 0 }, { 2, 0, 1 }, { 2, 1, 0 } };

	for (unsigned k = 0; k < 6; k++) {
		vm_map_t copy[3];
		uint8_t dead[3] = { 0 };

		ASSERT_TRUE(share(PAGES * P));
		copy[0] = vm_map_fork(map);
		ASSERT_STORE(map, A, 50);
		copy[1] = vm_map_fork(copy[0]);
		copy[2] = vm_map_fork(map);
		ASSERT_STORE(map, A + P, 51);
		ASSERT_STORE(copy[0], A + 2 * P, 52);
		ASSERT_STORE(map, A + 2 * P, 53);
		for (unsigned i = 0; i < 3; i++) {
			vm_map_deallocate(copy[order[k][i]]);
			dead[order[k][i]] = 1;
			ASSERT_STORE(map, A + (3 + i) * P, 54);
			ASSERT_STORE(peer, A, (uint8_t)(55 + i));
			if (!dead[0])
				ASSERT_LOAD(copy[0], A + 2 * P, 52);
			for (unsigned j = 0; j < 3; j++)
				if (!dead[j]) {
					ASSERT_LOAD(copy[j], A, j == 2 ? 50 : 1);
					ASSERT_LOAD(copy[j], A + P, 2);
					ASSERT_LOAD(copy[j], A + 3 * P, 4);
					ASSERT_LOAD(copy[j], A + 6 * P, 7);
					ASSERT_TRUE(fixture_sound(copy[j], NULL));
				}
			ASSERT_TRUE(fixture_sound(map, peer, NULL));
		}
		unshare();
	}
}

TEST(vm_object, reading_shared_memory_in_a_loop_leaves_nothing_behind)
{
	vm_map_t old, copy;
	struct vm_page_counts before, after;
	uint64_t missed = vm_check_missed_collapses();
	vm_object_t c;

	ASSERT_TRUE(share(PAGES * P));
	old = vm_map_fork(map);
	ASSERT_STORE(map, A, 50);
	c = object_at(old, A);
	vm_page_drain();
	vm_page_counts(&before);
	for (unsigned i = 0; i < 200; i++) {
		copy = vm_map_fork(map);
		ASSERT_STORE(map, A + (i % PAGES) * P, (uint8_t)(100 + i % 50));
		ASSERT_STORE(copy, A + ((i + 1) % PAGES) * P, 3);
		vm_map_deallocate(copy);
		ASSERT_LE(fixture_chain(old, A), 2);
		ASSERT_LE(c->resident_page_count, PAGES);
	}
	vm_page_drain();
	vm_page_counts(&after);
	ASSERT_LE(before.free - after.free, 4 * PAGES);
	ASSERT_LE(vm_check_missed_collapses(), missed);
	ASSERT_TRUE(is_as_first(old));
	ASSERT_TRUE(fixture_sound(map, peer, old, NULL));
	vm_map_deallocate(old);
	unshare();
}

TEST(vm_object, a_chain_over_a_copy_object_stays_short)
{
	vm_map_t child, next;

	ASSERT_TRUE(share(PAGES * P));
	child = vm_map_fork(map);
	ASSERT_STORE(map, A + 7 * P, 77);
	for (unsigned i = 0; i < 300; i++) {
		next = vm_map_fork(child);
		ASSERT_STORE(next, A, (uint8_t)i);
		ASSERT_STORE(child, A + P, (uint8_t)i);
		ASSERT_STORE(map, A + 2 * P, (uint8_t)i);
		if (i % 2 == 0) {
			vm_map_deallocate(child);
			child = next;
		} else
			vm_map_deallocate(next);
		ASSERT_LE(fixture_chain(child, A), 5);
	}
	ASSERT_LOAD(child, A + 2 * P, 3);
	ASSERT_LOAD(child, A + 7 * P, 8);
	ASSERT_TRUE(fixture_sound(map, peer, child, NULL));
	vm_map_deallocate(child);
	unshare();
}

TEST(vm_object, a_collapsed_copy_object_leaves_its_pushes_to_its_heir)
{
	vm_map_t one, two;
	vm_object_t s, x;

	ASSERT_TRUE(share(PAGES * P));
	s = object_at(map, A);
	one = vm_map_fork(map);
	two = vm_map_fork(one);
	ASSERT_STORE(one, A, 20);               /* a shadow in front of the copy object */
	x = object_at(one, A);
	ASSERT_EQ(x->shadow->shadow, s);
	vm_map_deallocate(two);                 /* now the copy object is the shadow's alone */
	ASSERT_STORE(map, A + 4 * P, 40);       /* pushed to it */
	ASSERT_STORE(one, A + P, 21);           /* and it is taken in */
	ASSERT_EQ(x->shadow, s);
	ASSERT_EQ(s->copy, x);
	ASSERT_STORE(map, A + 5 * P, 41);
	ASSERT_LOAD(one, A, 20);
	ASSERT_LOAD(one, A + 4 * P, 5);
	ASSERT_LOAD(one, A + 5 * P, 6);
	ASSERT_TRUE(fixture_sound(map, peer, one, NULL));
	/* It may be the copy, but it has a writer: the next copy is another. */
	two = vm_map_fork(map);
	ASSERT_TRUE(object_at(two, A) != x);
	ASSERT_STORE(one, A + 6 * P, 1);
	ASSERT_LOAD(two, A + 6 * P, 7);
	vm_map_deallocate(one);
	vm_map_deallocate(two);
	unshare();
}

TEST(vm_object, the_copy_outlives_the_sharers_and_takes_their_pages)
{
	vm_map_t one;

	ASSERT_TRUE(share(PAGES * P));
	one = vm_map_fork(map);
	ASSERT_STORE(map, A, 50);
	unshare();
	ASSERT_STORE(one, A + P, 60);
	ASSERT_EQ(fixture_chain(one, A), 1);
	ASSERT_LOAD(one, A, 1);
	ASSERT_LOAD(one, A + 2 * P, 3);
	ASSERT_TRUE(fixture_sound(one, NULL));
	vm_map_deallocate(one);
}

TEST(vm_object, a_wired_page_makes_the_copy_refuse)
{
	struct vm_page *m;
	vm_object_t s, c;

	ASSERT_TRUE(share(PAGES * P));
	s = object_at(map, A);
	m = vm_page_lookup(s, 2 * P);
	m->wire_count = 1;
	m->o.chunk->wired++;
	s->wired_pages++;
	ASSERT_EQ(vm_object_copy_delayed(s, 0, PAGES * P), NULL);
	ASSERT_EQ(s->copy, NULL);
	ASSERT_EQ(fixture_leaf(map, A) & VM_PROT_WRITE, VM_PROT_WRITE);
	c = vm_object_copy_delayed(s, 0, 2 * P);        /* below the wired page: granted */
	ASSERT_TRUE(c != NULL);
	ASSERT_EQ(vm_object_copy_delayed(s, 0, 3 * P), NULL);
	ASSERT_EQ(c->size, 2 * P);
	ASSERT_EQ(fixture_leaf(map, A + 2 * P) & VM_PROT_WRITE, VM_PROT_WRITE);
	vm_object_deallocate(c);
	m->wire_count = 0;
	m->o.chunk->wired--;
	s->wired_pages--;
	ASSERT_EQ(vm_object_copy_delayed(s, 0, ~0ul), NULL);
	ASSERT_EQ(vm_object_copy_delayed(s, ~0xffful, PAGES * P), NULL);
	unshare();
}

TEST(vm_object, the_strategy_decides_how_a_copy_is_made)
{
	vm_object_t o = vm_object_allocate(4 * P, 0), copy = NULL, chain;
	vm_object_offset_t at = 0;
	bool needs_copy = false;

	ASSERT_EQ(vm_object_copy_strategically(o, P, 2 * P, &copy, &at, &needs_copy), KERN_MEMORY_RESTART_COPY);
	o->copy_strategy = MEMORY_OBJECT_COPY_DELAY;
	ASSERT_EQ(vm_object_copy_strategically(o, P, 2 * P, &copy, &at, &needs_copy), KERN_SUCCESS);
	ASSERT_EQ(at, P);
	ASSERT_TRUE(needs_copy);
	ASSERT_EQ(copy, o->copy);
	ASSERT_EQ(copy->size, 3 * P);
	vm_object_deallocate(copy);
	o->copy_strategy = MEMORY_OBJECT_COPY_NONE;
	spin_lock(&o->lock);
	memset(vm_page_va(vm_object_page_alloc(o, P, true)), 7, P);
	spin_unlock(&o->lock);
	chain = o;
	at = P;
	vm_object_reference(o);
	ASSERT_TRUE(vm_object_shadow(&chain, &at, 3 * P));
	chain->copy_strategy = MEMORY_OBJECT_COPY_NONE;
	ASSERT_EQ(vm_object_copy_strategically(chain, 0, 2 * P, &copy, &at, &needs_copy), KERN_SUCCESS);
	ASSERT_EQ(at, 0);
	ASSERT_TRUE(!needs_copy);
	ASSERT_EQ(copy->shadow, NULL);
	ASSERT_EQ(copy->resident_page_count, 1);
	ASSERT_EQ(*(uint8_t *)vm_page_va(vm_page_lookup(copy, 0)), 7);
	vm_object_deallocate(copy);
	chain->shadow_severed = true;
	ASSERT_EQ(vm_object_copy_strategically(chain, 0, 2 * P, &copy, &at, &needs_copy), KERN_MEMORY_ERROR);
	chain->shadow_severed = false;
	chain->phys_contiguous = true;
	ASSERT_EQ(vm_object_copy_strategically(chain, 0, 2 * P, &copy, &at, &needs_copy), KERN_NOT_SUPPORTED);
	chain->phys_contiguous = false;
	vm_object_deallocate(chain);
	vm_object_deallocate(o);
}

TEST(vm_object, pmap_protect_of_an_object_reaches_every_map)
{
	vm_map_t copy;

	ASSERT_TRUE(share(PAGES * P));
	vm_object_pmap_protect(object_at(map, A), 0, P, map->pmap, A, VM_PROT_READ);
	ASSERT_EQ(fixture_leaf(map, A) & VM_PROT_WRITE, 0);
	ASSERT_EQ(fixture_leaf(peer, A) & VM_PROT_WRITE, VM_PROT_WRITE);
	vm_object_pmap_protect(object_at(map, A), 0, PAGES * P, PMAP_NULL, 0, VM_PROT_ALL & ~VM_PROT_WRITE);
	ASSERT_EQ(fixture_leaf(peer, A), VM_PROT_READ);
	copy = vm_map_fork(map);
	ASSERT_LOAD(copy, A + P, 2);
	/* Through the copy object: the pages below that it shows. */
	vm_object_pmap_protect(object_at(copy, A), P, P, PMAP_NULL, 0, VM_PROT_NONE);
	ASSERT_EQ(fixture_leaf(copy, A + P), 0);
	ASSERT_EQ(fixture_leaf(map, A + P), 0);
	ASSERT_TRUE(fixture_leaf(peer, A) != 0);
	ASSERT_LOAD(copy, A + P, 2);
	vm_map_deallocate(copy);
	unshare();
}

/* Every allocation of a write that pushes fails once: refused, or done; the copy never sees the change. */
TEST(vm_object, a_push_without_memory_changes_nothing)
{
	vm_map_t copy;
	kern_return_t kr;
	unsigned n;

	for (n = 1; n < 64; n++) {
		ASSERT_TRUE(share(PAGES * P));
		copy = vm_map_fork(map);
		vm_alloc_fail_at(n, true);
		kr = fixture_store(map, A + P, 99);
		vm_alloc_fail_at(0, false);
		if (kr != KERN_SUCCESS) {
			ASSERT_EQ(kr, KERN_RESOURCE_SHORTAGE);
			ASSERT_LOAD(peer, A + P, 2);
		}
		ASSERT_LOAD(copy, A + P, 2);
		ASSERT_STORE(map, A + P, 98);
		ASSERT_LOAD(copy, A + P, 2);
		ASSERT_TRUE(fixture_sound(map, peer, copy, NULL));
		vm_map_deallocate(copy);
		unshare();
		if (kr == KERN_SUCCESS)
			break;
	}
	ASSERT_TRUE(n > 1 && n < 64);
}

/* --- sizes, neighbours --- */

static void
put(vm_object_t o, vm_object_offset_t offset, uint8_t value)
{
	spin_lock(&o->lock);
	memset(vm_page_va(vm_object_page_alloc(o, offset, true)), value, P);
	spin_unlock(&o->lock);
}

/* What a walk from o finds at offset: the page's value, or -1. */
static int
get(vm_object_t o, vm_object_offset_t offset)
{
	struct vm_page *m = NULL;

	for (; o != NULL && m == NULL; offset += o->shadow_offset, o = o->shadow)
		m = offset < o->size ? vm_page_lookup(o, offset) : NULL;
	return m != NULL ? *(uint8_t *)vm_page_va(m) : -1;
}

static void
collapse(vm_object_t o)
{
	spin_lock(&o->lock);
	vm_object_collapse(o);
	spin_unlock(&o->lock);
}

TEST(vm_object, collapse_and_bypass_of_windows_that_no_page_count_of_32_bits_holds)
{
	const vm_size_t huge = 1ul << 47;
	vm_object_t b = vm_object_allocate(huge, A + P), o = b, kept;
	vm_object_offset_t at = 1ul << 46;

	put(b, 0, 1);
	put(b, at, 2);
	put(b, at + (1ul << 44), 3);
	put(b, huge - P, 4);
	vm_object_reference(b);
	ASSERT_TRUE(vm_object_shadow(&o, &at, huge - at));
	put(o, 0, 20);
	collapse(o);                    /* others use b, and o does not hide all: nothing */
	ASSERT_EQ(o->shadow, b);
	put(o, 1ul << 44, 30);
	put(o, P, 21);                  /* as many as b has, of which one lies outside */
	put(o, huge - (1ul << 46) - P, 40);
	kept = b;
	vm_object_reference(kept);
	collapse(o);                    /* bypass */
	ASSERT_EQ(o->shadow, NULL);
	ASSERT_EQ(b->ref_count, 2);
	ASSERT_EQ(get(o, 1ul << 44), 30);
	vm_object_deallocate(kept);
	vm_object_deallocate(o);
	o = b;
	at = 1ul << 46;
	vm_object_reference(b);
	ASSERT_TRUE(vm_object_shadow(&o, &at, huge - at));
	put(o, P, 21);
	vm_object_deallocate(b);
	collapse(o);
	ASSERT_EQ(o->shadow, NULL);
	ASSERT_EQ(o->resident_page_count, 4);
	ASSERT_EQ(get(o, 0), 2);
	ASSERT_EQ(get(o, P), 21);
	ASSERT_EQ(get(o, 1ul << 44), 3);
	ASSERT_EQ(get(o, huge - (1ul << 46) - P), 4);
	vm_object_deallocate(o);
}

TEST(vm_object, sizes_up_to_the_last_page_of_64_bits)
{
	vm_object_t b = vm_object_allocate(~0ul, A + P), o = b, copy = NULL;
	vm_object_offset_t last = ~0ul & ~PAGE_MASK, at = last - 4 * P;

	ASSERT_EQ(b->size, last);
	put(b, last - P, 1);
	put(b, 0, 2);
	ASSERT_EQ(get(b, last - P), 1);
	ASSERT_EQ(get(b, 0), 2);
	ASSERT_EQ(get(b, P), -1);
	ASSERT_EQ(vm_object_copy_slowly(b, last - 2 * P, 2 * P, false, &copy), KERN_SUCCESS);
	ASSERT_EQ(get(copy, P), 1);
	ASSERT_EQ(copy->resident_page_count, 1);
	vm_object_deallocate(copy);
	b->copy_strategy = MEMORY_OBJECT_COPY_DELAY;
	copy = vm_object_copy_delayed(b, last - 2 * P, 2 * P);
	ASSERT_EQ(copy->size, last);
	ASSERT_TRUE(vm_object_owes_push(b, last - P));
	vm_object_deallocate(copy);
	ASSERT_EQ(vm_object_copy_delayed(b, last, P), NULL);
	b->copy_strategy = MEMORY_OBJECT_COPY_SYMMETRIC;
	ASSERT_FALSE(vm_object_coalesce(b, 0, last, P, 1));
	ASSERT_FALSE(vm_object_coalesce(b, 0, last - P, 2 * P, 1));
	vm_object_reference(b);
	ASSERT_TRUE(vm_object_shadow(&o, &at, 4 * P));
	vm_object_deallocate(b);
	collapse(o);
	ASSERT_EQ(o->shadow, NULL);
	ASSERT_EQ(get(o, 3 * P), 1);
	ASSERT_EQ(o->resident_page_count, 1);
	vm_object_deallocate(o);
}

TEST(vm_object, a_hole_filled_again_is_one_entry_and_reads_as_zero)
{
	map = fixture_map();
	ASSERT_TRUE(fixture_allocate(map, A, 6 * P));
	for (uint64_t i = 0; i < 6; i++)
		ASSERT_STORE(map, A + i * P, 7);
	ASSERT_EQ(vm_deallocate(map, vm_address_u(A + 2 * P), vm_size_u(2 * P)), KERN_SUCCESS);
	ASSERT_EQ(fixture_entries(map), 2);
	ASSERT_TRUE(fixture_allocate(map, A + 2 * P, 2 * P));
	ASSERT_EQ(fixture_entries(map), 1);
	ASSERT_LOAD(map, A + 2 * P, 0);
	ASSERT_LOAD(map, A + 3 * P, 0);
	ASSERT_LOAD(map, A + P, 7);
	ASSERT_LOAD(map, A + 4 * P, 7);
	/* The lower end; and not where somebody else shows the object. */
	ASSERT_EQ(vm_deallocate(map, vm_address_u(A), vm_size_u(P)), KERN_SUCCESS);
	ASSERT_TRUE(fixture_allocate(map, A, P));
	ASSERT_EQ(fixture_entries(map), 1);
	ASSERT_LOAD(map, A, 0);
	ASSERT_LOAD(map, A + P, 7);
	ASSERT_TRUE(fixture_allocate(map, A - P, P));
	ASSERT_EQ(fixture_entries(map), 2);
	peer = vm_map_fork(map);
	ASSERT_EQ(vm_deallocate(map, vm_address_u(A + P), vm_size_u(P)), KERN_SUCCESS);
	ASSERT_TRUE(fixture_allocate(map, A + P, P));
	ASSERT_LOAD(map, A + P, 0);
	ASSERT_LOAD(peer, A + P, 7);
	ASSERT_TRUE(fixture_sound(map, peer, NULL));
	vm_map_deallocate(peer);
	vm_map_deallocate(map);
}

TEST(vm_object, a_shadow_of_part_of_a_copy_object_leaves_it_there)
{
	vm_map_t one, two;
	vm_object_t s, c, x;

	ASSERT_TRUE(share(PAGES * P));
	s = object_at(map, A);
	one = vm_map_fork(map);
	two = vm_map_fork(one);
	c = object_at(one, A);
	ASSERT_EQ(vm_deallocate(one, vm_address_u(A), vm_size_u(4 * P)), KERN_SUCCESS);
	ASSERT_STORE(one, A + 4 * P, 20);
	x = object_at(one, A + 4 * P);
	ASSERT_EQ(x->shadow_offset, 4 * P);
	vm_map_deallocate(two);
	ASSERT_EQ(c->ref_count, 1);
	ASSERT_STORE(one, A + 5 * P, 21);       /* pushes come to offsets of s: x cannot take them */
	ASSERT_EQ(x->shadow, c);
	ASSERT_EQ(s->copy, c);
	ASSERT_STORE(map, A + 6 * P, 40);
	ASSERT_LOAD(one, A + 6 * P, 7);
	ASSERT_TRUE(fixture_sound(map, peer, one, NULL));
	unshare();
	ASSERT_STORE(one, A + 7 * P, 22);       /* nobody pushes any more: c takes s in, and x then c */
	ASSERT_STORE(one, A + 6 * P, 23);
	ASSERT_EQ(fixture_chain(one, A + 4 * P), 1);
	ASSERT_LOAD(one, A + 4 * P, 20);
	ASSERT_LOAD(one, A + 5 * P, 21);
	vm_map_deallocate(one);
}

TEST(vm_object, offsets_add_up_when_the_middle_of_a_chain_goes)
{
	vm_object_t p = vm_object_allocate(16 * P, 0), b = p, o;
	vm_object_offset_t at = 4 * P;

	for (uint64_t i = 0; i < 16; i++)
		put(p, i * P, (uint8_t)(100 + i));
	vm_object_reference(p);                 /* p has other users all the time */
	ASSERT_TRUE(vm_object_shadow(&b, &at, 8 * P));
	put(b, 2 * P, 1);
	o = b;
	at = 2 * P;
	vm_object_reference(b);
	ASSERT_TRUE(vm_object_shadow(&o, &at, 4 * P));
	vm_object_deallocate(b);
	ASSERT_EQ(get(o, P), 107);
	collapse(o);                            /* b goes */
	ASSERT_EQ(o->shadow, p);
	ASSERT_EQ(get(o, 0), 1);
	ASSERT_EQ(get(o, P), 107);
	ASSERT_EQ(get(o, 3 * P), 109);
	b = o;
	at = P;
	vm_object_reference(o);
	ASSERT_TRUE(vm_object_shadow(&b, &at, 2 * P));
	vm_object_reference(o);                 /* o has others, but nothing that b would show: bypass */
	put(b, 0, 50);
	collapse(b);
	ASSERT_EQ(b->shadow, p);
	ASSERT_EQ(get(b, P), 108);
	vm_object_deallocate(b);
	vm_object_deallocate(o);
	vm_object_deallocate(o);
	vm_object_deallocate(p);
}
