/*
 * vm_giga_more.c: gigapages of user memory, where it takes harts, shortages and
 * many gigabytes to see: who touches first, what is shared, what fails.
 * (test/unit/vm_giga.c has the tests that run at boot, too.)
 */
#include <mm/vm_map_find.h>
#include <mm/vm_map_range.h>
#include <mm/vm_page_compact.h>
#include <sched.h>
#include <arch/tlb.h>
#include <base/wait.h>
#include <vm_map_impl.h>
#include <host.h>
#include "../unit/vm_fixture.h"

#define G       GIGAPAGE_SIZE
#define PAGES   (G / P)
#define HARTS   4u

static vm_map_t    map;
static vm_offset_t at;

static vm_size_t
leaf(vm_map_t m, vm_offset_t va)
{
	struct pmap_walk w;

	pmap_walk(m->pmap, va, &w);
	return w.leaf ? w.size : 0;
}

static struct pmap_stats
stats(vm_map_t m)
{
	struct pmap_stats s;

	pmap_stats(m->pmap, &s);
	return s;
}

static void
setup(void)
{
	struct vm_map_find_args a = {
		.what = { .prot = VM_PROT_DEFAULT, .max = VM_PROT_ALL }, .length = G,
		.find_space = VMFS_ALIGNED_SPACE(30),
	};

	map = fixture_map();
	at = 0;
	ASSERT_EQ(vm_map_find(map, &at, &a), KERN_SUCCESS);
	ASSERT_EQ(at % G, 0);
}

/* --- several at once --- */

static unsigned wrong;

static vm_offset_t
place(unsigned hart, unsigned i)
{
	return at + (hart * 97 + i * 61) % 512 * M + hart * P + i;
}

static void
touch(unsigned hart, void *arg)
{
	(void)arg;
	pmap_switch(map->pmap);
	for (unsigned i = 0; i < 8; i++)
		if (fixture_store(map, place(hart, i), (uint8_t)(hart * 8 + i + 1)) != KERN_SUCCESS)
			__atomic_fetch_add(&wrong, 1, __ATOMIC_RELAXED);
	pmap_switch(pmap_kernel());
}

TEST(vm_giga, several_harts_touch_it_first_and_it_is_made_once)
{
	setup();
	wrong = 0;
	host_run_harts(HARTS, touch, NULL);
	ASSERT_EQ(wrong, 0);
	/* Nobody was refused: whoever came while it was made has waited, and found it. */
	for (unsigned i = 0; i < PMAP_REFUSALS; i++)
		ASSERT_EQ(stats(map).giga.refused[i], 0);
	ASSERT_EQ(stats(map).giga.entered, 1);
	ASSERT_EQ(stats(map).resident, PAGES);
	ASSERT_EQ(leaf(map, at), G);
	for (unsigned h = 0; h < HARTS; h++)
		for (unsigned i = 0; i < 8; i++)
			ASSERT_LOAD(map, place(h, i), h * 8 + i + 1);
	ASSERT_TRUE(fixture_sound(map, NULL));
	vm_map_deallocate(map);
}

static vm_object_t object;

/* Hart 0 is the one that makes it, and does so when hart 1 sleeps. */
static void
wait_for_it(unsigned hart, void *arg)
{
	(void)arg;
	if (hart == 1) {
		wrong += fixture_store(map, at + 3 * M, 7) != KERN_SUCCESS;
		return;
	}
	while (host_sleepers() == 0)
		sched_yield();
	wrong += vm_object_populate_run(object, 0, VM_PAGE_ORDER_GIGA) != KERN_SUCCESS;
	spin_lock(&object->lock);
	object->filling = false;
	spin_unlock(&object->lock);
	wake_all(&object->filling);
}

TEST(vm_giga, who_comes_while_it_is_made_sleeps_and_who_comes_too_late_finds_it)
{
	bool filled = false;
	vm_map_entry_t e;

	setup();
	e = fixture_entry(map, at);
	object = e->object.vm_object = vm_object_allocate(G, at);
	ASSERT_TRUE(object != NULL);
	object->filling = true;
	wrong = 0;
	host_run_harts(2, wait_for_it, NULL);
	ASSERT_EQ(wrong, 0);
	ASSERT_EQ(leaf(map, at), G);
	ASSERT_LOAD(map, at + 3 * M, 7);
	/* Looked when nothing was there, came when it was. */
	ASSERT_EQ(vm_fault_giga_fill(object, 5 * P, map->pmap, &filled), KERN_SUCCESS);
	ASSERT_TRUE(filled);
	ASSERT_EQ(stats(map).giga.refused[PMAP_REFUSED_SHORTAGE], 0);
	/* A thread that is to end does not wait. */
	object->filling = true;
	host_abort(true);
	ASSERT_EQ(vm_fault_giga_fill(object, 5 * P, map->pmap, &filled), KERN_ABORTED);
	host_abort(false);
	object->filling = false;
	ASSERT_TRUE(fixture_sound(map, NULL));
	vm_map_deallocate(map);
}

/* Hart h has each 2 MiB whose number is h modulo HARTS; all change rights, wire and fork, and look at what is theirs. */
static void
storm(unsigned hart, void *arg)
{
	uint64_t s = hart * 77 + 5;

	(void)arg;
	pmap_switch(map->pmap);
	for (unsigned i = 0; i < 40; i++) {
		vm_offset_t va = at + (host_random(&s) % (512 / HARTS) * HARTS + hart) * M + host_random(&s) % 512 * P;
		uint8_t v = (uint8_t)host_random(&s), got = 0;
		bool ok = fixture_store(map, va, v) == KERN_SUCCESS;

		switch (i % 3) {
		case 0:
			ok &= vm_protect(map, vm_address_u(va), vm_size_u(P), false, VM_PROT_READ) == KERN_SUCCESS;
			ok &= fixture_load(map, va, &got) == KERN_SUCCESS && got == v;
			ok &= vm_protect(map, vm_address_u(va), vm_size_u(P), false, VM_PROT_DEFAULT) == KERN_SUCCESS;
			break;
		case 1:
			ok &= vm_map_wire(map, va, va + P, VM_PROT_READ, true) == KERN_SUCCESS;
			ok &= fixture_load(map, va, &got) == KERN_SUCCESS && got == v;
			ok &= vm_map_unwire(map, va, va + P, true) == KERN_SUCCESS;
			break;
		default:
			pmap_collect(map->pmap);
			ok &= fixture_load(map, va, &got) == KERN_SUCCESS && got == v;
		}
		if (!ok)
			__atomic_fetch_add(&wrong, 1, __ATOMIC_RELAXED);
	}
	pmap_switch(pmap_kernel());
}

TEST(vm_giga, harts_split_it_and_make_it_whole_again)
{
	setup();
	wrong = 0;
	ASSERT_STORE(map, at, 1);
	host_run_harts(HARTS, storm, NULL);
	ASSERT_EQ(wrong, 0);
	ASSERT_TRUE(stats(map).giga.demotions != 0);
	pmap_collect(map->pmap);
	ASSERT_STORE(map, at + 5 * P, 1);
	ASSERT_EQ(leaf(map, at), G);
	ASSERT_TRUE(fixture_sound(map, NULL));
	vm_map_deallocate(map);
}

/* --- sharing --- */

TEST(vm_giga, tasks_share_it_where_addresses_are_congruent)
{
	struct vm_map_remap_args again = { .size = G, .mask = G - 1, .flags = VM_FLAGS_ANYWHERE, .inheritance = VM_INHERIT_SHARE };
	vm_offset_t there = 0, askew = 7 * G + M;
	vm_prot_t cur, max;
	vm_map_t other;

	setup();
	ASSERT_STORE(map, at + 5, 1);
	other = fixture_map();
	again.src = map;
	again.src_addr = at;
	ASSERT_EQ(vm_map_remap(other, &there, &again, &cur, &max), KERN_SUCCESS);
	ASSERT_EQ(there % G, 0);
	ASSERT_LOAD(other, there + 5, 1);
	ASSERT_EQ(leaf(other, there), G);
	ASSERT_STORE(other, there + 9 * M, 2);
	ASSERT_LOAD(map, at + 9 * M, 2);
	ASSERT_EQ(leaf(map, at), G);
	/* Elsewhere it is megapages, and why is known. */
	again.flags = VM_FLAGS_FIXED;
	again.mask = 0;
	ASSERT_EQ(vm_map_remap(other, &askew, &again, &cur, &max), KERN_SUCCESS);
	ASSERT_LOAD(other, askew + 9 * M, 2);
	ASSERT_EQ(leaf(other, askew + 9 * M), M);
	ASSERT_EQ(stats(other).giga.refused[PMAP_REFUSED_PLACE], 1);
	/* One gives a page up: the others keep theirs whole. */
	ASSERT_EQ(vm_deallocate(other, vm_address_u(there), vm_size_u(P)), KERN_SUCCESS);
	ASSERT_EQ(leaf(other, there + M), M);
	ASSERT_EQ(leaf(map, at), G);
	ASSERT_TRUE(fixture_sound_all(map, other, NULL));
	vm_map_deallocate(map);
	ASSERT_LOAD(other, there + 9 * M, 2);
	vm_map_deallocate(other);
}

TEST(vm_giga, a_child_reads_the_rest_in_megapages_when_it_has_written)
{
	vm_map_t child;

	setup();
	for (unsigned i = 0; i < 512; i += 100)
		ASSERT_STORE(map, at + i * M, (uint8_t)(i + 1));
	child = vm_map_fork(map);
	ASSERT_TRUE(child != NULL);
	ASSERT_STORE(child, at + 100 * M, 7);
	ASSERT_LOAD(child, at + 200 * M, 201);
	ASSERT_EQ(leaf(child, at + 200 * M), M);
	ASSERT_EQ(stats(child).giga.entered, 0);
	/* The parent writes: its own copy of 2 MiB, as it asked for megapages, the rest is read where it was. */
	ASSERT_STORE(map, at + 300 * M, 8);
	ASSERT_LOAD(child, at + 300 * M, 301 % 256);
	ASSERT_LOAD(map, at + 100 * M, 101);
	ASSERT_EQ(stats(map).giga.split[PMAP_SPLIT_REMOVE] + stats(map).giga.split[PMAP_SPLIT_COPY], 1);
	ASSERT_TRUE(fixture_sound_all(map, child, NULL));
	vm_map_deallocate(map);
	ASSERT_LOAD(child, at + 100 * M, 7);
	vm_map_deallocate(child);
}

/* --- wiring, advice --- */

TEST(vm_giga, wired_whole_it_stays_whole_wired_in_part_it_does_not)
{
	setup();
	ASSERT_STORE(map, at + 3 * M, 9);
	ASSERT_EQ(vm_map_wire(map, at, at + G, VM_PROT_DEFAULT, true), KERN_SUCCESS);
	ASSERT_EQ(leaf(map, at), G);
	ASSERT_EQ(stats(map).wired, PAGES);
	ASSERT_TRUE(fixture_sound(map, NULL));
	pmap_collect(map->pmap);
	ASSERT_EQ(leaf(map, at), G);
	ASSERT_EQ(vm_map_unwire(map, at + M, at + 2 * M, true), KERN_SUCCESS);
	ASSERT_EQ(leaf(map, at), M);
	ASSERT_EQ(stats(map).wired, PAGES - 512);
	ASSERT_TRUE(fixture_sound(map, NULL));
	ASSERT_EQ(vm_map_unwire(map, at, at + M, true), KERN_SUCCESS);
	ASSERT_EQ(vm_map_unwire(map, at + 2 * M, at + G, true), KERN_SUCCESS);
	ASSERT_EQ(stats(map).wired, 0);
	ASSERT_LOAD(map, at + 3 * M, 9);
	vm_map_deallocate(map);
}

TEST(vm_giga, pages_given_back_by_advice_come_back_and_it_is_whole_again)
{
	setup();
	ASSERT_STORE(map, at + 3 * M, 9);
	ASSERT_EQ(vm_behavior_set(map, vm_address_u(at + 5 * P), vm_size_u(2 * P), VM_BEHAVIOR_FREE), KERN_SUCCESS);
	ASSERT_STORE(map, at + 5 * P, 1);
	ASSERT_STORE(map, at + 6 * P, 2);
	ASSERT_STORE(map, at + 7 * P, 3);
	pmap_collect(map->pmap);
	ASSERT_LOAD(map, at + 3 * M, 9);
	ASSERT_EQ(leaf(map, at), G);
	ASSERT_LOAD(map, at + 5 * P, 1);
	ASSERT_TRUE(fixture_sound(map, NULL));
	vm_map_deallocate(map);
}

/* --- no memory --- */

TEST(vm_giga, without_a_run_it_is_megapages_and_counted_once)
{
	struct vm_page *run = vm_page_alloc_contig(VM_PAGE_ORDER_GIGA);
	vm_address_ut super = vm_address_u(0);

	ASSERT_TRUE(run != NULL);
	setup();
	ASSERT_STORE(map, at + 5 * M + P, 1);
	ASSERT_STORE(map, at + 9 * M + P, 2);
	ASSERT_EQ(leaf(map, at + 5 * M), M);
	ASSERT_EQ(leaf(map, at + 9 * M), M);
	ASSERT_EQ(stats(map).resident, 2 * 512);
	ASSERT_EQ(stats(map).giga.refused[PMAP_REFUSED_SHORTAGE], 1);
	ASSERT_EQ(vm_allocate(map, &super, vm_size_u(G), VM_FLAGS_ANYWHERE | VM_FLAGS_SUPERPAGE_SIZE_1GB), KERN_RESOURCE_SHORTAGE);
	ASSERT_EQ(fixture_entries(map), 1);
	ASSERT_TRUE(fixture_sound(map, NULL));
	vm_map_deallocate(map);
	vm_page_free_contig(run, VM_PAGE_ORDER_GIGA);
}

TEST(vm_giga, superpages_want_sizes_and_places_of_theirs)
{
	const uint32_t flags = VM_FLAGS_SUPERPAGE_SIZE_1GB;
	vm_address_ut a = vm_address_u(G + M);

	map = fixture_map();
	ASSERT_EQ(vm_allocate(map, &a, vm_size_u(G), flags), KERN_INVALID_ARGUMENT);
	ASSERT_EQ(vm_allocate(map, &a, vm_size_u(G - M), flags | VM_FLAGS_ANYWHERE), KERN_INVALID_ARGUMENT);
	ASSERT_EQ(vm_allocate(map, &a, vm_size_u(G), VM_FLAGS_ANYWHERE | (4u << 16)), KERN_INVALID_ARGUMENT);
	ASSERT_TRUE(fixture_allocate(map, 2 * G + M, P));
	a = vm_address_u(2 * G);
	ASSERT_EQ(vm_allocate(map, &a, vm_size_u(G), flags), KERN_NO_SPACE);
	ASSERT_EQ(vm_allocate(map, &a, vm_size_u(G), flags | VM_FLAGS_OVERWRITE), KERN_SUCCESS);
	ASSERT_EQ(leaf(map, 2 * G), G);
	ASSERT_EQ(fixture_entries(map), 1);
	vm_map_deallocate(map);
}

/* Which allocations fail: the first, and some on the way. */
static const unsigned failing[] = { 1, 2, 3, 4, 5, 300, 516, 700, 1300 };

TEST(vm_giga, any_allocation_of_the_first_touch_may_fail)
{
	for (unsigned i = 0; i < 8; i += i == 0 || i >= 5 ? 1 : 2) {
		kern_return_t kr;

		setup();
		vm_alloc_fail_at(failing[i], false);
		kr = fixture_store(map, at + 3 * M, 9);
		vm_alloc_fail_at(0, false);
		ASSERT_TRUE(kr == KERN_SUCCESS || kr == KERN_RESOURCE_SHORTAGE);
		ASSERT_STORE(map, at + 4 * M, 8);
		ASSERT_LOAD(map, at + 3 * M, kr == KERN_SUCCESS ? 9 : 0);
		ASSERT_TRUE(fixture_sound(map, NULL));
		vm_map_deallocate(map);
	}
}

TEST(vm_giga, any_allocation_of_superpages_may_fail)
{
	uint64_t before;

	map = fixture_map();
	before = host_free_pages();
	for (unsigned i = 0; i < nitems(failing); i += 2) {
		vm_address_ut a = vm_address_u(0);
		kern_return_t kr;

		vm_alloc_fail_at(failing[i], false);
		kr = vm_allocate(map, &a, vm_size_u(G), VM_FLAGS_ANYWHERE | VM_FLAGS_SUPERPAGE_SIZE_1GB);
		vm_alloc_fail_at(0, false);
		ASSERT_TRUE(kr == KERN_SUCCESS || kr == KERN_RESOURCE_SHORTAGE);
		ASSERT_EQ(fixture_entries(map), kr == KERN_SUCCESS);
		if (kr == KERN_SUCCESS)
			ASSERT_EQ(vm_deallocate(map, a, vm_size_u(G)), KERN_SUCCESS);
		ASSERT_EQ(stats(map).tables, 1);
		ASSERT_EQ(host_free_pages(), before);
	}
	vm_map_deallocate(map);
}
