/*
 * compact.c: megapages where memory is scattered.
 *
 * All memory is filled in one of several patterns and half of it freed, so that
 * no free megapage is left by chance. Then a fresh region is touched: at least
 * nine tenths of it must be megapages, and what lived through it must be as it was.
 * Then the same things under several harts, and what must never move.
 */
#include <stdlib.h>
#include <mm/vm_page_compact.h>
#include <mm/vm_reserv.h>
#include <host.h>
#include "../unit/vm_fixture.h"
#include <vm_page_impl.h>

#define MEMORY  (224ul << 20)
#define FIELD   (1ul << 30)             /* where memory is filled */
#define FRESH   (8ul << 30)             /* 64 MiB to be megapages */
#define WINDOWS 32u

/* What page i holds, at a place of its own. */
static vm_offset_t
byte_at(uint64_t i)
{
	return FIELD + i * P + i * 37 % P;
}

static uint8_t
value_of(uint64_t i)
{
	return (uint8_t)(i * 11 + i / 251 + 1);
}

static uint64_t
free_pages(void)
{
	struct vm_page_counts n;

	vm_page_counts(&n);
	return n.free - n.reserved;
}

/* Fills memory from FIELD on in objects of `pages` pages, until little is left; how many pages. */
static uint64_t
fill(vm_map_t map, unsigned pages)
{
	uint64_t n = 0;

	for (; free_pages() > 64 + pages; n += pages) {
		/* A hole between, so that they stay objects of their own. */
		if (pages < 512 && !fixture_allocate(map, FIELD + n * P, pages * P))
			return 0;
		if (pages >= 512 && n % 512 == 0 && !fixture_allocate(map, FIELD + n * P, M))
			return 0;
		if (pages < 512 && vm_map_inherit(map, FIELD + n * P, FIELD + n * P + pages * P,
		    n / pages % 2 ? VM_INHERIT_NONE : VM_INHERIT_COPY) != KERN_SUCCESS)
			return 0;
		for (unsigned i = 0; i < pages; i++)
			if (fixture_store(map, byte_at(n + i), value_of(n + i)) != KERN_SUCCESS)
				return 0;
	}
	return n;
}

enum how { EVERY_OTHER_PAGE, RANDOM_PAGES, EVERY_OTHER_OBJECT, RANDOM_RUNS };

static bool
goes(enum how how, unsigned pages, uint64_t i)
{
	switch (how) {
	case EVERY_OTHER_PAGE:
		return i % 2 != 0;
	case RANDOM_PAGES:
		return (i * 2654435761u >> 16 & 1) != 0;
	case EVERY_OTHER_OBJECT:
		return i / pages % 2 != 0;
	default:
		return (i / 24 * 2654435761u >> 16 & 1) != 0;
	}
}

static uint64_t
megapages(vm_map_t map)
{
	struct pmap_stats s;

	pmap_stats(map->pmap, &s);
	return s.megapages;
}

/* The page that holds page i. */
static struct vm_page *
page_of(vm_map_t map, uint64_t i)
{
	vm_map_entry_t e = fixture_entry(map, FIELD + i * P);

	return e == NULL ? NULL : vm_page_lookup(e->object.vm_object, FIELD + i * P - e->vme_start + e->offset);
}

/* Of what stays: some pages are clean, some wired. Neither may change. */
static bool
is_clean(enum how how, unsigned pages, uint64_t i)
{
	return i % 16 == 0 && !goes(how, pages, i);
}

static bool
is_wired(enum how how, unsigned pages, uint64_t i)
{
	return i % 2048 == 130 && !goes(how, pages, i);
}

static bool
mark(vm_map_t map, enum how how, unsigned pages, uint64_t n, paddr_t *at)
{
	for (uint64_t i = 0; i < n; i++) {
		if (is_clean(how, pages, i))
			pmap_clear_modify(page_of(map, i));
		if (!is_wired(how, pages, i))
			continue;
		if (vm_map_wire(map, FIELD + i * P, FIELD + i * P + P, VM_PROT_READ, false) != KERN_SUCCESS)
			return false;
		at[i / 2048] = vm_page_pa(page_of(map, i));
	}
	return true;
}

/* Is what stayed as it was? */
static bool
survived(vm_map_t map, enum how how, unsigned pages, uint64_t n, const paddr_t *at)
{
	uint8_t v;

	for (uint64_t i = 0; i < n; i++) {
		if (goes(how, pages, i))
			continue;
		if (pmap_is_modified(page_of(map, i)) == is_clean(how, pages, i)) {
			kprintf("# page %lu: modified %u\n", (unsigned long)i, pmap_is_modified(page_of(map, i)));
			return false;
		}
		if (fixture_load(map, byte_at(i), &v) != KERN_SUCCESS || v != value_of(i) ||
		    (is_wired(how, pages, i) && at[i / 2048] != vm_page_pa(page_of(map, i)))) {
			kprintf("# page %lu: holds %u, should %u; or it moved, wired\n", (unsigned long)i, v, value_of(i));
			return false;
		}
		if (is_wired(how, pages, i) && vm_map_unwire(map, FIELD + i * P, FIELD + i * P + P, false) != KERN_SUCCESS)
			return false;
	}
	return true;
}

/* The part of the test after filling: half goes, the fresh region is touched. */
static void
fragment(enum how how, unsigned pages)
{
	struct vm_page_compact_counts before, after;
	vm_map_t map, other;
	paddr_t wired[MEMORY / P / 2048 + 1];
	struct vm_page_counts c;
	uint64_t n, made;

	host_boot(MEMORY);
	vm_page_compact_counts(&before);
	map = fixture_map();
	other = fixture_map();
	n = fill(map, pages);
	ASSERT_TRUE(n > MEMORY / P * 3 / 4);
	for (uint64_t i = 0, k; i < n; i = k) {
		for (k = i + 1; k < n && goes(how, pages, k) == goes(how, pages, i); k++)
			;
		if (goes(how, pages, i))
			ASSERT_EQ(vm_behavior_set(map, vm_address_u(FIELD + i * P), vm_size_u((k - i) * P), VM_BEHAVIOR_FREE), KERN_SUCCESS);
	}
	ASSERT_TRUE(mark(map, how, pages, n, wired));
	vm_page_drain();
	vm_page_counts(&c);
	/* The few that were left when filling stopped are used up first. */
	ASSERT_LE(c.free_blocks[VM_PAGE_ORDER_MEGA], 3);
	ASSERT_TRUE(fixture_allocate(other, FRESH, WINDOWS * M));
	for (uint64_t i = 0; i < WINDOWS * 512; i++)
		ASSERT_EQ(fixture_store(other, FRESH + i * P, (uint8_t)i), KERN_SUCCESS);
	made = megapages(other);
	vm_page_compact_counts(&after);
	kprintf("# %lu of %u megapages; %lu tries moved %lu pages, made %lu, gave up %lu\n", (unsigned long)made, WINDOWS,
	    (unsigned long)(after.tries - before.tries), (unsigned long)(after.moved - before.moved),
	    (unsigned long)(after.made - before.made), (unsigned long)(after.left - before.left));
	ASSERT_TRUE(made * 10 >= WINDOWS * 9);
	ASSERT_TRUE(survived(map, how, pages, n, wired));
	for (uint64_t i = 0; i < WINDOWS * 512; i++)
		ASSERT_LOAD(other, FRESH + i * P, (uint8_t)i);
	ASSERT_TRUE(fixture_sound(map, other, NULL));
	ASSERT_TRUE(vm_page_census(&c) == NULL);
	ASSERT_EQ(c.kind[VM_PAGE_ISOLATED], 0);
	vm_map_deallocate(map);
	vm_map_deallocate(other);
}

TEST(compact, every_other_page_of_megapages_freed)
{
	fragment(EVERY_OTHER_PAGE, 512);
}

TEST(compact, random_pages_of_megapages_freed)
{
	fragment(RANDOM_PAGES, 512);
}

TEST(compact, runs_of_pages_of_megapages_freed)
{
	fragment(RANDOM_RUNS, 512);
}

TEST(compact, runs_of_megapages_are_free_again)
{
	struct vm_page_counts before, after;
	struct vm_page *m;

	host_boot(HOST_MEM_DEFAULT);
	for (unsigned order = VM_PAGE_ORDER_MEGA + 1; order <= 12; order++) {
		vm_page_drain();
		vm_page_counts(&before);
		m = vm_page_alloc_contig(order);
		ASSERT_TRUE(m != NULL);
		ASSERT_EQ(m->pfn % (1u << order), 0);
		for (unsigned i = 0; i < 1u << order; i += VM_CHUNK_PAGES) {
			ASSERT_EQ(m[i].kind, VM_PAGE_KERNEL);
			ASSERT_EQ(m[i].order, VM_PAGE_ORDER_MEGA);
		}
		memset(vm_page_va(m), (int)order, PAGE_SIZE << order);
		ASSERT_TRUE(vm_page_census(&after) == NULL);
		vm_page_counts(&after);
		ASSERT_EQ(after.free, before.free - (1ul << order));
		vm_page_free_contig(m, order);
		vm_page_drain();
		vm_page_counts(&after);
		ASSERT_EQ(after.free, before.free);
		ASSERT_EQ(after.free_blocks[VM_PAGE_ORDER_MEGA], before.free_blocks[VM_PAGE_ORDER_MEGA]);
	}
	ASSERT_TRUE(vm_page_alloc_contig(13) == NULL);          /* there is no such run */
	vm_alloc_fail_at(1, false);
	ASSERT_TRUE(vm_page_alloc_contig(10) == NULL);
	vm_alloc_fail_at(0, false);
}

/* Small objects: what the kernel needs for so many of them must not lie in every megapage. */
TEST(compact, every_other_small_object_freed)
{
	fragment(EVERY_OTHER_OBJECT, 16);
}

TEST(compact, random_runs_of_small_objects_freed)
{
	fragment(RANDOM_RUNS, 48);
}

/* A run that has pages in it: they move, and what they hold with them. */
TEST(compact, a_run_is_emptied_of_pages)
{
	vm_map_t map;
	struct vm_page *m;
	uint64_t n;

	host_boot(HOST_MEM_DEFAULT);
	map = fixture_map();
	n = fill(map, 512);
	ASSERT_TRUE(n > 10000);
	for (uint64_t i = 0; i < n; i++)
		if (i % 4 != 0)
			ASSERT_EQ(vm_behavior_set(map, vm_address_u(FIELD + i * P), vm_size_u(P), VM_BEHAVIOR_FREE), KERN_SUCCESS);
	/* Reservations stay; broken, their pages can go. */
	ASSERT_TRUE(vm_page_alloc_contig(10) == NULL);
	while (vm_reserv_break(1) != 0)
		;
	m = vm_page_alloc_contig(10);
	ASSERT_TRUE(m != NULL);
	memset(vm_page_va(m), 0xee, PAGE_SIZE << 10);
	for (uint64_t i = 0; i < n; i += 4)
		ASSERT_LOAD(map, byte_at(i), value_of(i));
	vm_page_free_contig(m, 10);
	ASSERT_TRUE(fixture_sound(map, NULL));
	vm_map_deallocate(map);
}

/* A run for an object: clear, resident, found to be one; each refusal leaves nothing behind. */
TEST(compact, a_part_of_an_object_in_one_run)
{
	uint64_t size = PAGE_SIZE << 11, before, fails = 0;
	vm_object_t o;
	vm_map_t map;
	kern_return_t kr;

	host_boot(HOST_MEM_DEFAULT);
	map = fixture_map();
	ASSERT_TRUE(fixture_allocate(map, FIELD, 4 * size));
	ASSERT_STORE(map, FIELD, 1);
	o = fixture_entry(map, FIELD)->object.vm_object;
	before = host_free_pages();
	ASSERT_EQ(vm_object_populate_run(o, P, 11), KERN_INVALID_ARGUMENT);
	ASSERT_EQ(vm_object_populate_run(o, 4 * size, 11), KERN_INVALID_ARGUMENT);
	ASSERT_EQ(vm_object_populate_run(o, 0, 9), KERN_INVALID_ARGUMENT);
	ASSERT_EQ(vm_object_populate_run(o, 0, 11), KERN_MEMORY_PRESENT);
	do {
		ASSERT_EQ(host_free_pages(), before);
		vm_alloc_fail_at(++fails, false);
		kr = vm_object_populate_run(o, size, 11);
		vm_alloc_fail_at(0, false);
	} while (kr == KERN_RESOURCE_SHORTAGE);
	ASSERT_EQ(kr, KERN_SUCCESS);
	ASSERT_TRUE(fails > 2);
	spin_lock(&o->lock);
	ASSERT_TRUE(vm_object_is_run(o, size, 11));
	ASSERT_TRUE(vm_object_is_run(o, size, 10));
	ASSERT_FALSE(vm_object_is_run(o, 0, 11));
	spin_unlock(&o->lock);
	ASSERT_LOAD(map, FIELD + size, 0);
	ASSERT_STORE(map, FIELD + 2 * size - 1, 7);
	ASSERT_EQ(fixture_page(map, FIELD + size) + size - PAGE_SIZE, fixture_page(map, FIELD + 2 * size - PAGE_SIZE));
	ASSERT_TRUE(fixture_sound(map, NULL));
	/* A page of it goes: it is no run any more. */
	ASSERT_EQ(vm_deallocate(map, vm_address_u(FIELD + size + 5 * P), vm_size_u(P)), KERN_SUCCESS);
	spin_lock(&o->lock);
	ASSERT_FALSE(vm_object_is_run(o, size, 11));
	spin_unlock(&o->lock);
	ASSERT_LOAD(map, FIELD + 2 * size - 1, 7);
	ASSERT_TRUE(fixture_sound(map, NULL));
	vm_map_deallocate(map);
}

/* Every allocation of a compaction fails once: nothing is lost, and what moved is there. */
TEST(compact, without_a_page_to_move_to_nothing_is_lost)
{
	struct vm_page_compact_counts before, after;
	struct vm_page_counts c;
	vm_map_t map;
	uint64_t n;

	host_boot(HOST_MEM_DEFAULT);
	map = fixture_map();
	n = fill(map, 16);
	for (uint64_t i = 0; i < n; i += 32)
		ASSERT_EQ(vm_map_remove(map, FIELD + i * P, FIELD + (i + 16) * P, 0), KERN_SUCCESS);
	for (uint64_t fails = 1; fails < 400; fails = fails * 3 / 2 + 1) {
		vm_page_compact_counts(&before);
		vm_alloc_fail_at(fails, false);
		(void)vm_page_compact(1, true);
		vm_alloc_fail_at(0, false);
		vm_page_compact_counts(&after);
		ASSERT_EQ(after.left, before.left + (after.made == before.made));
		ASSERT_TRUE(vm_page_census(&c) == NULL);
		ASSERT_EQ(c.kind[VM_PAGE_ISOLATED], 0);
	}
	for (uint64_t i = 16; i < n; i++)
		if (i / 16 % 2 != 0)
			ASSERT_LOAD(map, byte_at(i), value_of(i));
	ASSERT_TRUE(fixture_sound(map, NULL));
	vm_map_deallocate(map);
}

/* In vain, it is asked less and less often; when memory was freed, at once. */
/*
 * A reservation is broken page by page without the lock of the free lists. Half
 * way its first pages are single, and those behind still look as they did inside
 * the block: FREE, but on no list.
 */
TEST(compact, a_megapage_that_is_being_broken_is_left_alone)
{
	struct vm_page *m;
	uint64_t before;

	host_boot(HOST_MEM_DEFAULT);
	m = vm_page_alloc_order(VM_PAGE_ORDER_MEGA, VM_PAGE_USER);
	ASSERT_TRUE(m != NULL);
	vm_page_drain();
	before = free_pages();
	for (unsigned i = 1; i < MEGAPAGE_PAGES; i++) {
		vm_page_describe(&m[i], VM_PAGE_FREE, VM_PAGE_NO_ORDER, 0);
		m[i].link.next = m[i].link.prev = NULL;
	}
	vm_page_describe(m, VM_PAGE_OBJECT, 0, 0);
	ASSERT_EQ(vm_page_compact(1, true), 0);
	ASSERT_EQ(m[1].kind, VM_PAGE_FREE);
	vm_page_describe(m, VM_PAGE_KERNEL, VM_PAGE_ORDER_MEGA, 0);
	ASSERT_EQ(free_pages(), before);
	vm_page_free_order(m, VM_PAGE_ORDER_MEGA);
	ASSERT_EQ(free_pages(), before + MEGAPAGE_PAGES);
}

TEST(compact, who_fails_waits_longer)
{
	struct vm_page_compact_counts c;
	vm_map_t map;
	uint64_t n;
	unsigned asked = 0;

	host_boot(HOST_MEM_DEFAULT);
	map = fixture_map();
	n = fill(map, 512);
	for (unsigned i = 0; i < 100; i++)
		if (vm_page_compact_is_due()) {
			ASSERT_EQ(vm_page_compact(1, false), 0);
			asked++;
		} else
			vm_page_compact_missed();
	ASSERT_LE(asked, 8);
	vm_page_compact_counts(&c);
	ASSERT_TRUE(c.deferred >= 90);
	ASSERT_FALSE(vm_page_compact_is_due());
	ASSERT_EQ(vm_map_remove(map, FIELD, FIELD + n * P / 2, 0), KERN_SUCCESS);
	ASSERT_TRUE(vm_page_compact_is_due());
	vm_map_deallocate(map);
}
