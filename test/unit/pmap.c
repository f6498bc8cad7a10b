/*
 * pmap.c: what mm relies on of a pmap, one promise each; on the host and at boot.
 */
#include <base/test.h>
#include <mm/pmap.h>
#include <mm/vm_object.h>

#define W0  (16 * MEGAPAGE_SIZE)        /* a window for leaves */

static vm_object_t object;
static pmap_t      pmap, other;

static struct vm_page *
page(unsigned i)
{
	struct vm_page *m;

	spin_lock(&object->lock);
	m = vm_page_lookup(object, i * PAGE_SIZE);
	if (m == NULL)
		m = vm_object_page_alloc(object, i * PAGE_SIZE, false);
	spin_unlock(&object->lock);
	return m;
}

static kern_return_t
enter(pmap_t p, vm_offset_t va, unsigned i, vm_prot_t prot, unsigned flags)
{
	struct vm_page *m = page(i);
	kern_return_t kr;

	spin_lock(&object->lock);
	kr = pmap_enter(p, va, m, prot, flags);
	spin_unlock(&object->lock);
	return kr;
}

static kern_return_t
enter_mega(pmap_t p, vm_offset_t va, vm_prot_t prot, unsigned flags)
{
	kern_return_t kr;

	spin_lock(&object->lock);
	kr = pmap_enter_mega(p, va, vm_chunk_find(object, 0), prot, flags);
	spin_unlock(&object->lock);
	return kr;
}

static void
page_protect(unsigned i, vm_prot_t prot)
{
	spin_lock(&object->lock);
	pmap_page_protect(vm_page_lookup(object, i * PAGE_SIZE), prot);
	spin_unlock(&object->lock);
}

static bool
setup(unsigned pages)
{
	object = vm_object_allocate(MEGAPAGE_SIZE, 0);
	pmap = pmap_create();
	other = pmap_create();
	if (object == NULL || pmap == NULL || other == NULL)
		return false;
	for (unsigned i = 0; i < pages; i++)
		if (page(i) == NULL)
			return false;
	return true;
}

static void
teardown(void)
{
	vm_offset_t at = 0;

	ASSERT_EQ(pmap_check(pmap, &at), NULL);
	ASSERT_EQ(pmap_check(other, &at), NULL);
	pmap_destroy(pmap);
	pmap_destroy(other);
	vm_object_deallocate(object);
}

/* A full reservation, or skips: memory may be too broken up for one. */
static bool
have_megapage(void)
{
	if (!vm_chunk_is_megapage(vm_chunk_find(object, 0))) {
		test_skip("no free megapage");
		teardown();
		return false;
	}
	return true;
}

static uint64_t
resident(pmap_t p)
{
	struct pmap_stats s;

	pmap_stats(p, &s);
	return s.resident;
}

static uint64_t
tables(pmap_t p)
{
	struct pmap_stats s;

	pmap_stats(p, &s);
	return s.tables;
}

TEST(pmap, enter_maps_and_remove_unmaps)
{
	paddr_t pa = 0;

	ASSERT_TRUE(setup(2));
	ASSERT_FALSE(pmap_extract(pmap, W0, &pa));
	ASSERT_EQ(enter(pmap, W0, 0, VM_PROT_DEFAULT, VM_PROT_WRITE), KERN_SUCCESS);
	ASSERT_EQ(enter(pmap, W0 + PAGE_SIZE, 1, VM_PROT_READ, VM_PROT_READ), KERN_SUCCESS);
	ASSERT_TRUE(pmap_extract(pmap, W0 + 5, &pa));
	ASSERT_EQ(pa, vm_page_pa(page(0)) + 5);
	ASSERT_EQ(resident(pmap), 2);
	pmap_remove(pmap, W0, W0 + PAGE_SIZE);
	ASSERT_FALSE(pmap_extract(pmap, W0, &pa));
	ASSERT_TRUE(pmap_extract(pmap, W0 + PAGE_SIZE, &pa));
	teardown();
}

TEST(pmap, tables_go_with_their_last_leaf)
{
	uint64_t before;

	ASSERT_TRUE(setup(1));
	before = tables(pmap);
	ASSERT_EQ(enter(pmap, W0, 0, VM_PROT_READ, 0), KERN_SUCCESS);
	ASSERT_TRUE(tables(pmap) > before);
	pmap_remove(pmap, 0, vm_max_address);
	ASSERT_EQ(tables(pmap), before);
	ASSERT_EQ(enter(pmap, vm_max_address - PAGE_SIZE, 0, VM_PROT_READ, 0), KERN_SUCCESS);
	pmap_remove_dead(pmap, vm_max_address - MEGAPAGE_SIZE, vm_max_address);
	ASSERT_EQ(tables(pmap), before);
	teardown();
}

/* Memory that is touched, given back and had again at the same place: one table for all of it. */
TEST(pmap, the_table_used_last_stays_when_it_gets_empty)
{
	vm_offset_t at = 0;
	uint64_t with;

	ASSERT_TRUE(setup(2));
	ASSERT_EQ(enter(pmap, W0, 0, VM_PROT_DEFAULT, 0), KERN_SUCCESS);
	with = tables(pmap);
	pmap_remove_dead(pmap, W0, W0 + PAGE_SIZE);
	ASSERT_EQ(tables(pmap), with);
	ASSERT_EQ(pmap_check(pmap, &at), NULL);
	pmap_remove(pmap, W0, W0 + 2 * PAGE_SIZE);      /* nothing there: nothing to do */
	pmap_protect(pmap, W0, W0 + PAGE_SIZE, VM_PROT_READ);
	ASSERT_EQ(enter(pmap, W0 + PAGE_SIZE, 1, VM_PROT_DEFAULT, 0), KERN_SUCCESS);
	ASSERT_EQ(tables(pmap), with);
	page_protect(1, VM_PROT_NONE);
	ASSERT_EQ(tables(pmap), with);
	/* A leaf elsewhere: its table takes the place. */
	ASSERT_EQ(enter(pmap, W0 + MEGAPAGE_SIZE, 0, VM_PROT_DEFAULT, 0), KERN_SUCCESS);
	ASSERT_EQ(tables(pmap), with);
	ASSERT_EQ(pmap_check(pmap, &at), NULL);
	pmap_remove(pmap, W0 + MEGAPAGE_SIZE, W0 + MEGAPAGE_SIZE + PAGE_SIZE);
	ASSERT_EQ(tables(pmap), with);
	spin_lock(&object->lock);
	ASSERT_EQ(pmap_wire_run(pmap, W0 + MEGAPAGE_SIZE, vm_chunk_find(object, 0), 0, 2, VM_PROT_READ), 2);
	spin_unlock(&object->lock);
	ASSERT_EQ(pmap_check(pmap, &at), NULL);
	pmap_remove(pmap, 0, vm_max_address);
	ASSERT_EQ(tables(pmap), 1);
	ASSERT_EQ(enter(pmap, W0, 0, VM_PROT_DEFAULT, 0), KERN_SUCCESS);
	pmap_remove(pmap, W0, W0 + PAGE_SIZE);
	ASSERT_EQ(enter(other, W0, 0, VM_PROT_DEFAULT, 0), KERN_SUCCESS);
	pmap_remove(other, W0, W0 + PAGE_SIZE);
	ASSERT_EQ(pmap_nest(pmap, other, W0, W0, MEGAPAGE_SIZE), KERN_SUCCESS);
	teardown();
}

TEST(pmap, entering_another_page_replaces)
{
	paddr_t pa = 0;

	ASSERT_TRUE(setup(2));
	ASSERT_EQ(enter(pmap, W0, 0, VM_PROT_DEFAULT, VM_PROT_WRITE), KERN_SUCCESS);
	ASSERT_EQ(enter(pmap, W0, 1, VM_PROT_READ, 0), KERN_SUCCESS);
	ASSERT_TRUE(pmap_extract(pmap, W0, &pa));
	ASSERT_EQ(pa, vm_page_pa(page(1)));
	ASSERT_EQ(resident(pmap), 1);
	ASSERT_TRUE(pmap_is_modified(page(0)));
	ASSERT_FALSE(pmap_is_modified(page(1)));
	teardown();
}

TEST(pmap, protect_only_takes)
{
	struct pmap_walk w;

	ASSERT_TRUE(setup(1));
	ASSERT_EQ(enter(pmap, W0, 0, VM_PROT_DEFAULT, VM_PROT_WRITE), KERN_SUCCESS);
	pmap_protect(pmap, W0, W0 + PAGE_SIZE, VM_PROT_READ | VM_PROT_EXECUTE);
	pmap_walk(pmap, W0, &w);
	ASSERT_TRUE(w.leaf);
	ASSERT_EQ(w.prot, VM_PROT_READ);
	ASSERT_TRUE(w.dirty);                   /* written it stays, writable or not */
	pmap_protect(pmap, W0, W0 + PAGE_SIZE, VM_PROT_ALL);
	pmap_walk(pmap, W0, &w);
	ASSERT_EQ(w.prot, VM_PROT_READ);
	pmap_protect(pmap, W0, W0 + PAGE_SIZE, VM_PROT_WRITE);
	pmap_walk(pmap, W0, &w);
	ASSERT_FALSE(w.leaf);
	teardown();
}

TEST(pmap, write_brings_read_along)
{
	struct pmap_walk w;

	ASSERT_TRUE(setup(1));
	ASSERT_EQ(enter(pmap, W0, 0, VM_PROT_WRITE, VM_PROT_WRITE), KERN_SUCCESS);
	pmap_walk(pmap, W0, &w);
	ASSERT_EQ(w.prot, VM_PROT_READ | VM_PROT_WRITE);
	ASSERT_EQ(enter(pmap, W0, 0, VM_PROT_NONE, 0), KERN_SUCCESS);
	pmap_walk(pmap, W0, &w);
	ASSERT_FALSE(w.leaf);
	teardown();
}

TEST(pmap, page_protect_finds_every_mapping)
{
	struct pmap_walk w;
	paddr_t pa;

	ASSERT_TRUE(setup(4));
	/* Twice in one pmap, once not congruent with the chunk, and in another. */
	ASSERT_EQ(enter(pmap, W0, 3, VM_PROT_DEFAULT, 0), KERN_SUCCESS);
	ASSERT_EQ(enter(pmap, W0 + MEGAPAGE_SIZE - PAGE_SIZE, 3, VM_PROT_DEFAULT, 0), KERN_SUCCESS);
	ASSERT_EQ(enter(other, W0 + MEGAPAGE_SIZE, 3, VM_PROT_DEFAULT, 0), KERN_SUCCESS);
	ASSERT_EQ(enter(pmap, W0 + PAGE_SIZE, 2, VM_PROT_DEFAULT, 0), KERN_SUCCESS);
	page_protect(3, VM_PROT_READ);
	pmap_walk(other, W0 + MEGAPAGE_SIZE, &w);
	ASSERT_EQ(w.prot, VM_PROT_READ);
	pmap_walk(pmap, W0 + PAGE_SIZE, &w);
	ASSERT_EQ(w.prot, VM_PROT_DEFAULT);
	page_protect(3, VM_PROT_NONE);
	ASSERT_FALSE(pmap_extract(pmap, W0, &pa));
	ASSERT_FALSE(pmap_extract(pmap, W0 + MEGAPAGE_SIZE - PAGE_SIZE, &pa));
	ASSERT_FALSE(pmap_extract(other, W0 + MEGAPAGE_SIZE, &pa));
	ASSERT_TRUE(pmap_extract(pmap, W0 + PAGE_SIZE, &pa));
	teardown();
}

TEST(pmap, dirty_survives_the_leaf)
{
	ASSERT_TRUE(setup(2));
	ASSERT_EQ(enter(pmap, W0, 0, VM_PROT_DEFAULT, VM_PROT_WRITE), KERN_SUCCESS);
	ASSERT_EQ(enter(pmap, W0 + PAGE_SIZE, 1, VM_PROT_READ, 0), KERN_SUCCESS);
	pmap_remove(pmap, W0, W0 + 2 * PAGE_SIZE);
	ASSERT_TRUE(pmap_is_modified(page(0)));
	ASSERT_FALSE(pmap_is_modified(page(1)));
	ASSERT_TRUE(pmap_is_referenced(page(1)));
	pmap_clear_modify(page(0));
	pmap_clear_reference(page(0));
	ASSERT_FALSE(pmap_is_modified(page(0)));
	ASSERT_FALSE(pmap_is_referenced(page(0)));
	teardown();
}

TEST(pmap, dirty_survives_a_whole_table)
{
	ASSERT_TRUE(setup(2));
	ASSERT_EQ(enter(pmap, W0, 0, VM_PROT_DEFAULT, VM_PROT_WRITE), KERN_SUCCESS);
	ASSERT_EQ(enter(pmap, W0 + PAGE_SIZE, 1, VM_PROT_DEFAULT, VM_PROT_READ), KERN_SUCCESS);
	pmap_remove(pmap, W0, W0 + MEGAPAGE_SIZE);
	ASSERT_TRUE(pmap_is_modified(page(0)));
	ASSERT_FALSE(pmap_is_modified(page(1)));
	ASSERT_EQ(resident(pmap), 0);
	teardown();
}

TEST(pmap, enter_run_fills_only_holes)
{
	struct vm_chunk *c;
	unsigned n;

	ASSERT_TRUE(setup(8));
	c = vm_chunk_find(object, 0);
	spin_lock(&object->lock);
	ASSERT_EQ(pmap_enter_run(pmap, W0, c, 0, 8, VM_PROT_READ), 0);  /* no leaf table */
	spin_unlock(&object->lock);
	ASSERT_EQ(enter(pmap, W0 + 2 * PAGE_SIZE, 2, VM_PROT_DEFAULT, 0), KERN_SUCCESS);
	spin_lock(&object->lock);
	n = pmap_enter_run(pmap, W0, c, 0, 16, VM_PROT_READ);
	spin_unlock(&object->lock);
	ASSERT_EQ(n, 7);                        /* 8 are resident, one is mapped */
	ASSERT_EQ(resident(pmap), 8);
	teardown();
}

/* From several first slots, over words of the chunk's map, around missing pages, one that is busy, and leaves that are there. */
TEST(pmap, enter_run_finds_every_page_of_a_chunk)
{
	static const unsigned from[] = { 0, 1, 49, 50, 63, 64, 127, 200 };
	struct vm_chunk *c;
	paddr_t pa;

	ASSERT_TRUE(setup(1));
	for (unsigned i = 1; i < 300; i++)
		if (i % 7 != 3 && i != 127)
			ASSERT_TRUE(page(i) != NULL);
	c = vm_chunk_find(object, 0);
	page(202)->flags |= VM_PAGE_BUSY;
	for (unsigned k = 0; k < nitems(from); k++) {
		unsigned expect = 0, n;

		ASSERT_EQ(enter(pmap, W0 + 50 * PAGE_SIZE, 50, VM_PROT_READ, 0), KERN_SUCCESS);
		ASSERT_EQ(enter(pmap, W0 + 52 * PAGE_SIZE, 52, VM_PROT_DEFAULT, 0), KERN_SUCCESS);
		spin_lock(&object->lock);
		n = pmap_enter_run(pmap, W0 + from[k] * PAGE_SIZE, c, from[k], 310 - from[k], VM_PROT_DEFAULT);
		spin_unlock(&object->lock);
		for (unsigned i = 0; i < 320; i++) {
			bool there = vm_chunk_populated(c, i) && i != 202 && (i >= from[k] || i == 50 || i == 52);

			ASSERT_EQ(pmap_extract(pmap, W0 + i * PAGE_SIZE, &pa), there);
			if (there)
				ASSERT_EQ(pa, vm_page_pa(vm_chunk_page(c, i)));
			expect += there;
		}
		ASSERT_EQ(n, expect - 2);
		ASSERT_EQ(resident(pmap), expect);
		/* A run adds WRITE to what lacks it. */
		if (from[k] <= 50)
			ASSERT_TRUE(pmap_fault(pmap, W0 + 50 * PAGE_SIZE, VM_PROT_WRITE));
		ASSERT_EQ(pmap_check(pmap, &(vm_offset_t){ 0 }), NULL);
		pmap_remove(pmap, W0, W0 + MEGAPAGE_SIZE);
	}
	page(202)->flags &= ~VM_PAGE_BUSY;
	teardown();
}

TEST(pmap, megapage_is_one_leaf_and_splits)
{
	struct pmap_stats s;
	struct pmap_walk w;
	paddr_t pa;

	ASSERT_TRUE(setup(512));
	if (!have_megapage())
		return;
	ASSERT_EQ(enter_mega(pmap, W0, VM_PROT_DEFAULT, VM_PROT_WRITE), KERN_SUCCESS);
	pmap_walk(pmap, W0 + 12345, &w);
	ASSERT_EQ(w.size, MEGAPAGE_SIZE);
	ASSERT_EQ(w.pa, vm_page_pa(page(0)) + 12345);
	pmap_remove(pmap, W0 + PAGE_SIZE, W0 + 2 * PAGE_SIZE);
	pmap_stats(pmap, &s);
	ASSERT_EQ(s.resident, 511);
	ASSERT_EQ(s.megapages, 0);
	ASSERT_EQ(s.mega.demotions, 1);
	ASSERT_FALSE(pmap_extract(pmap, W0 + PAGE_SIZE, &pa));
	ASSERT_TRUE(pmap_extract(pmap, W0 + 511 * PAGE_SIZE, &pa));
	ASSERT_EQ(pa, vm_page_pa(page(511)));
	teardown();
}

TEST(pmap, promotion_takes_the_table_back_and_keeps_dirty)
{
	struct pmap_stats s;
	uint64_t before;

	ASSERT_TRUE(setup(512));
	if (!have_megapage())
		return;
	for (unsigned i = 0; i < 512; i++)
		ASSERT_EQ(enter(pmap, W0 + i * PAGE_SIZE, i, VM_PROT_DEFAULT, i == 77 ? VM_PROT_WRITE : 0), KERN_SUCCESS);
	before = tables(pmap);
	ASSERT_EQ(enter_mega(pmap, W0, VM_PROT_READ, 0), KERN_SUCCESS);
	pmap_stats(pmap, &s);
	ASSERT_EQ(s.mega.promotions, 1);
	ASSERT_EQ(s.megapages, 1);
	ASSERT_EQ(s.resident, 512);
	ASSERT_EQ(s.tables, before - 1);
	ASSERT_TRUE(pmap_is_modified(page(3))); /* the megapage has one D for all */
	teardown();
}

TEST(pmap, megapage_protect_and_page_protect)
{
	struct pmap_walk w;

	ASSERT_TRUE(setup(512));
	if (!have_megapage())
		return;
	ASSERT_EQ(enter_mega(pmap, W0, VM_PROT_DEFAULT, 0), KERN_SUCCESS);
	ASSERT_EQ(enter_mega(other, W0, VM_PROT_DEFAULT, 0), KERN_SUCCESS);
	pmap_protect(pmap, W0, W0 + MEGAPAGE_SIZE, VM_PROT_READ);
	pmap_walk(pmap, W0, &w);
	ASSERT_EQ(w.size, MEGAPAGE_SIZE);
	ASSERT_EQ(w.prot, VM_PROT_READ);
	page_protect(5, VM_PROT_READ);
	pmap_walk(pmap, W0, &w);
	ASSERT_EQ(w.size, MEGAPAGE_SIZE);       /* nothing to take here: not split */
	pmap_walk(other, W0 + 5 * PAGE_SIZE, &w);
	ASSERT_EQ(w.size, PAGE_SIZE);
	ASSERT_EQ(w.prot, VM_PROT_READ);
	pmap_walk(other, W0 + 6 * PAGE_SIZE, &w);
	ASSERT_EQ(w.prot, VM_PROT_DEFAULT);
	spin_lock(&object->lock);
	pmap_chunk_protect(vm_chunk_find(object, 0), VM_PROT_NONE);
	spin_unlock(&object->lock);
	ASSERT_EQ(resident(pmap), 0);
	ASSERT_EQ(resident(other), 0);
	teardown();
}

TEST(pmap, wired_leaves_are_counted_and_kept)
{
	struct pmap_stats s;

	ASSERT_TRUE(setup(3));
	ASSERT_EQ(enter(pmap, W0, 0, VM_PROT_DEFAULT, PMAP_WIRED), KERN_SUCCESS);
	ASSERT_EQ(enter(pmap, W0 + PAGE_SIZE, 1, VM_PROT_DEFAULT, 0), KERN_SUCCESS);
	pmap_collect(pmap);
	pmap_stats(pmap, &s);
	ASSERT_EQ(s.resident, 1);
	ASSERT_EQ(s.wired, 1);
	pmap_change_wiring(pmap, W0, false);
	pmap_collect(pmap);
	ASSERT_EQ(resident(pmap), 0);
	teardown();
}

/* --- wiring by range --- */

static struct pmap_stats
stats(pmap_t p)
{
	struct pmap_stats s;

	pmap_stats(p, &s);
	return s;
}

TEST(pmap, a_range_is_wired_and_unwired_leaf_by_leaf)
{
	struct pmap_walk w;

	ASSERT_TRUE(setup(8));
	for (unsigned i = 0; i < 8; i += 2)
		ASSERT_EQ(enter(pmap, W0 + i * PAGE_SIZE, i, VM_PROT_DEFAULT, 0), KERN_SUCCESS);
	ASSERT_EQ(enter(pmap, W0 + MEGAPAGE_SIZE, 1, VM_PROT_DEFAULT, 0), KERN_SUCCESS);
	ASSERT_EQ(pmap_wire_range(pmap, W0 + 2 * PAGE_SIZE, W0 + 2 * MEGAPAGE_SIZE, true), KERN_SUCCESS);
	ASSERT_EQ(stats(pmap).wired, 4);
	ASSERT_EQ(pmap_wire_range(pmap, W0 + 2 * PAGE_SIZE, W0 + 2 * MEGAPAGE_SIZE, true), KERN_SUCCESS);
	ASSERT_EQ(stats(pmap).wired, 4);
	pmap_walk(pmap, W0, &w);
	ASSERT_FALSE(w.wired);
	pmap_walk(pmap, W0 + 3 * PAGE_SIZE, &w);
	ASSERT_FALSE(w.leaf);                   /* no leaf: none made */
	pmap_collect(pmap);
	ASSERT_EQ(resident(pmap), 4);
	ASSERT_EQ(pmap_wire_range(pmap, W0, W0 + MEGAPAGE_SIZE, false), KERN_SUCCESS);
	ASSERT_EQ(stats(pmap).wired, 1);
	pmap_collect(pmap);
	ASSERT_EQ(resident(pmap), 1);
	teardown();
}

TEST(pmap, a_megapage_is_wired_whole_and_split_in_part)
{
	ASSERT_TRUE(setup(512));
	if (!have_megapage())
		return;
	ASSERT_EQ(enter_mega(pmap, W0, VM_PROT_DEFAULT, 0), KERN_SUCCESS);
	ASSERT_EQ(pmap_wire_range(pmap, W0, W0 + MEGAPAGE_SIZE, true), KERN_SUCCESS);
	ASSERT_EQ(stats(pmap).wired, 512);
	ASSERT_EQ(stats(pmap).megapages, 1);
	pmap_collect(pmap);
	ASSERT_EQ(resident(pmap), 512);
	ASSERT_EQ(pmap_wire_range(pmap, W0, W0 + 100 * PAGE_SIZE, false), KERN_SUCCESS);
	ASSERT_EQ(stats(pmap).wired, 412);
	ASSERT_EQ(stats(pmap).megapages, 0);
	ASSERT_EQ(pmap_wire_range(pmap, W0, W0 + MEGAPAGE_SIZE, false), KERN_SUCCESS);
	ASSERT_EQ(stats(pmap).wired, 0);
	teardown();
}

static unsigned
wire_run(vm_offset_t va, unsigned slot, unsigned n, vm_prot_t prot)
{
	unsigned done;

	spin_lock(&object->lock);
	done = pmap_wire_run(pmap, va, vm_chunk_find(object, 0), slot, n, prot);
	spin_unlock(&object->lock);
	return done;
}

TEST(pmap, wire_run_makes_leaves_rights_and_tables)
{
	struct pmap_walk w;

	ASSERT_TRUE(setup(8));
	ASSERT_EQ(enter(pmap, W0 + PAGE_SIZE, 1, VM_PROT_READ, 0), KERN_SUCCESS);
	ASSERT_EQ(enter(pmap, W0 + 2 * PAGE_SIZE, 7, VM_PROT_READ, 0), KERN_SUCCESS);
	ASSERT_EQ(wire_run(W0, 0, 16, VM_PROT_DEFAULT), 7);     /* 8 are resident, one place is another's */
	ASSERT_EQ(stats(pmap).wired, 7);
	ASSERT_EQ(resident(pmap), 8);
	pmap_walk(pmap, W0 + PAGE_SIZE, &w);
	ASSERT_EQ(w.prot, VM_PROT_DEFAULT);
	ASSERT_TRUE(w.wired);
	pmap_walk(pmap, W0 + 2 * PAGE_SIZE, &w);
	ASSERT_EQ(w.prot, VM_PROT_READ);
	ASSERT_FALSE(w.wired);
	/* Across two tables, none of which is there. */
	ASSERT_EQ(wire_run(W0 + 4 * MEGAPAGE_SIZE - 4 * PAGE_SIZE, 0, 8, VM_PROT_READ), 8);
	ASSERT_EQ(stats(pmap).wired, 15);
	ASSERT_EQ(wire_run(W0 + 8 * MEGAPAGE_SIZE, 8, 8, VM_PROT_READ), 0);     /* nothing resident: no table stays */
	teardown();
}

/* Not even the first page of a new table has a reverse mapping: that table goes again, no other. */
TEST(pmap, wire_run_without_memory_takes_no_other_table)
{
	struct pmap_walk w;
	vm_offset_t va = W0 + MEGAPAGE_SIZE, at;
	uint64_t with;
	unsigned done = 0;

	ASSERT_TRUE(setup(2));
	ASSERT_EQ(enter(pmap, va - PAGE_SIZE, 0, VM_PROT_READ, 0), KERN_SUCCESS);
	with = tables(pmap);
	for (unsigned n = 1; done != 2 && n < 100; n++) {
		vm_alloc_fail_at(n, true);
		done = wire_run(va, 0, 2, VM_PROT_READ);
		vm_alloc_fail_at(0, false);
		ASSERT_EQ(pmap_check(pmap, &at), NULL);
		pmap_walk(pmap, va - PAGE_SIZE, &w);
		ASSERT_TRUE(w.leaf);
		ASSERT_EQ(tables(pmap), with + (done != 0));
	}
	ASSERT_EQ(done, 2);
	teardown();
}

TEST(pmap, wire_run_of_a_full_chunk_is_one_leaf)
{
	ASSERT_TRUE(setup(512));
	if (!have_megapage())
		return;
	ASSERT_EQ(enter(pmap, W0, 0, VM_PROT_READ, 0), KERN_SUCCESS);
	ASSERT_EQ(wire_run(W0, 0, 512, VM_PROT_DEFAULT), 512);
	ASSERT_EQ(stats(pmap).megapages, 1);
	ASSERT_EQ(stats(pmap).wired, 512);
	ASSERT_EQ(wire_run(W0 + 10 * PAGE_SIZE, 10, 10, VM_PROT_DEFAULT), 10);
	ASSERT_EQ(stats(pmap).wired, 512);
	teardown();
}

TEST(pmap, referenced_is_cleared_by_range)
{
	struct pmap_walk w;

	ASSERT_TRUE(setup(3));
	for (unsigned i = 0; i < 3; i++)
		ASSERT_EQ(enter(pmap, W0 + i * PAGE_SIZE, i, VM_PROT_READ, 0), KERN_SUCCESS);
	pmap_clear_reference_range(pmap, W0 + PAGE_SIZE, W0 + GIGAPAGE_SIZE);
	pmap_walk(pmap, W0, &w);
	ASSERT_TRUE(w.accessed);
	pmap_walk(pmap, W0 + PAGE_SIZE, &w);
	ASSERT_FALSE(w.accessed);
	ASSERT_FALSE(pmap_is_referenced(page(2)));
	ASSERT_TRUE(pmap_fault(pmap, W0 + PAGE_SIZE, VM_PROT_READ));
	ASSERT_TRUE(pmap_is_referenced(page(1)));
	teardown();
}

/* --- device memory --- */

#define DEVICE  0x10001000ul

TEST(pmap, device_leaves_need_no_page)
{
	vm_offset_t at = 0;
	struct pmap_walk w;
	paddr_t pa;

	ASSERT_TRUE(setup(2));
	ASSERT_EQ(pmap_enter_phys(pmap, W0, DEVICE, VM_PROT_DEFAULT, PMAP_UNCACHED), KERN_SUCCESS);
	ASSERT_TRUE(pmap_extract(pmap, W0 + 8, &pa));
	ASSERT_EQ(pa, DEVICE + 8);
	pmap_walk(pmap, W0, &w);
	ASSERT_FALSE(w.managed);
	ASSERT_TRUE(w.accessed && w.dirty);     /* no fault will ever be needed to say so */
	ASSERT_EQ(w.step[w.levels - 1].pte >> 61 != 0, pmap_has_cache_attributes());
	ASSERT_EQ(pmap_check(pmap, &at), NULL);
	ASSERT_TRUE(pmap_fault(pmap, W0, VM_PROT_WRITE));
	ASSERT_FALSE(pmap_fault(pmap, W0, VM_PROT_EXECUTE));
	/* Beside an object's pages in one table, and all of them together go. */
	ASSERT_EQ(enter(pmap, W0 + PAGE_SIZE, 0, VM_PROT_DEFAULT, 0), KERN_SUCCESS);
	ASSERT_EQ(enter(pmap, W0 + 2 * PAGE_SIZE, 1, VM_PROT_DEFAULT, 0), KERN_SUCCESS);
	ASSERT_EQ(resident(pmap), 3);
	page_protect(0, VM_PROT_NONE);
	ASSERT_EQ(pmap_check(pmap, &at), NULL);
	spin_lock(&object->lock);
	pmap_chunk_protect(vm_chunk_find(object, 0), VM_PROT_NONE);
	spin_unlock(&object->lock);
	ASSERT_EQ(resident(pmap), 1);
	ASSERT_EQ(pmap_check(pmap, &at), NULL);
	pmap_remove(pmap, W0, W0 + MEGAPAGE_SIZE);
	ASSERT_EQ(resident(pmap), 0);
	ASSERT_EQ(tables(pmap), 1);
	teardown();
}

TEST(pmap, device_leaves_go_by_range)
{
	vm_offset_t at = 0;
	struct pmap_walk w;
	paddr_t pa;

	ASSERT_TRUE(setup(1));
	for (unsigned i = 0; i < 6; i++)
		ASSERT_EQ(pmap_enter_phys(pmap, W0 + i * PAGE_SIZE, DEVICE + i * PAGE_SIZE, VM_PROT_DEFAULT,
		    i == 5 ? PMAP_WIRED : 0), KERN_SUCCESS);
	pmap_protect(pmap, W0, W0 + 2 * PAGE_SIZE, VM_PROT_READ);
	pmap_walk(pmap, W0 + PAGE_SIZE, &w);
	ASSERT_EQ(w.prot, VM_PROT_READ);
	pmap_protect(pmap, W0, W0 + PAGE_SIZE, VM_PROT_NONE);
	pmap_remove(pmap, W0 + PAGE_SIZE, W0 + 2 * PAGE_SIZE);
	pmap_remove_dead(pmap, W0 + 2 * PAGE_SIZE, W0 + 3 * PAGE_SIZE);
	ASSERT_EQ(resident(pmap), 3);
	ASSERT_EQ(pmap_check(pmap, &at), NULL);
	/* A page of an object in its place, and back. */
	ASSERT_EQ(enter(pmap, W0 + 3 * PAGE_SIZE, 0, VM_PROT_READ, 0), KERN_SUCCESS);
	ASSERT_EQ(pmap_enter_phys(pmap, W0 + 3 * PAGE_SIZE, DEVICE, VM_PROT_READ, 0), KERN_SUCCESS);
	ASSERT_TRUE(pmap_extract(pmap, W0 + 3 * PAGE_SIZE, &pa));
	ASSERT_EQ(pa, DEVICE);
	ASSERT_EQ(pmap_check(pmap, &at), NULL);
	pmap_collect(pmap);
	ASSERT_EQ(resident(pmap), 1);
	ASSERT_EQ(stats(pmap).wired, 1);
	teardown();
}

/*
 * Windows beside each other: leaves, nothing, a megapage, wired leaves, another
 * pmap's table, a wired megapage, and leaves beyond the directory. All but the nested one go.
 */
TEST(pmap, windows_of_every_kind_go_by_range)
{
	vm_offset_t base = GIGAPAGE_SIZE - 6 * MEGAPAGE_SIZE, at = 0;
	struct pmap_walk w;
	uint64_t before;
	paddr_t pa;

	ASSERT_TRUE(setup(512));
	if (!have_megapage())
		return;
	for (unsigned dead = 0; dead < 2; dead++) {
		before = tables(pmap);
		ASSERT_EQ(enter(pmap, base, 0, VM_PROT_DEFAULT, 0), KERN_SUCCESS);
		ASSERT_EQ(enter(pmap, base + PAGE_SIZE, 1, VM_PROT_DEFAULT, VM_PROT_WRITE), KERN_SUCCESS);
		ASSERT_EQ(enter_mega(pmap, base + 2 * MEGAPAGE_SIZE, VM_PROT_READ, 0), KERN_SUCCESS);
		ASSERT_EQ(enter(pmap, base + 3 * MEGAPAGE_SIZE, 2, VM_PROT_DEFAULT, PMAP_WIRED), KERN_SUCCESS);
		ASSERT_EQ(pmap_nest(pmap, other, base + 4 * MEGAPAGE_SIZE, W0, MEGAPAGE_SIZE), KERN_SUCCESS);
		ASSERT_EQ(enter_mega(pmap, base + 5 * MEGAPAGE_SIZE, VM_PROT_READ, PMAP_WIRED), KERN_SUCCESS);
		ASSERT_EQ(enter(pmap, base + 6 * MEGAPAGE_SIZE, 3, VM_PROT_DEFAULT, 0), KERN_SUCCESS);
		ASSERT_EQ(enter(other, W0, 4, VM_PROT_DEFAULT, 0), KERN_SUCCESS);
		pmap_collect(pmap);
		ASSERT_EQ(resident(pmap), 513);
		ASSERT_EQ(enter(pmap, base, 0, VM_PROT_DEFAULT, 0), KERN_SUCCESS);
		ASSERT_EQ(enter_mega(pmap, base + 2 * MEGAPAGE_SIZE, VM_PROT_READ, 0), KERN_SUCCESS);
		ASSERT_EQ(enter(pmap, base + 6 * MEGAPAGE_SIZE, 3, VM_PROT_DEFAULT, 0), KERN_SUCCESS);
		ASSERT_EQ(pmap_check(pmap, &at), NULL);
		if (dead)
			pmap_remove_dead(pmap, base, base + 7 * MEGAPAGE_SIZE);
		else
			pmap_remove(pmap, base, base + 7 * MEGAPAGE_SIZE);
		ASSERT_EQ(pmap_check(pmap, &at), NULL);
		ASSERT_EQ(resident(pmap), 0);
		ASSERT_EQ(stats(pmap).wired, 0);
		ASSERT_TRUE(pmap_extract(pmap, base + 4 * MEGAPAGE_SIZE, &pa));
		at = 0;
		ASSERT_TRUE(pmap_next_leaf(pmap, &at, vm_max_address, &w));
		ASSERT_TRUE(w.nested);
		pmap_unnest(pmap, base, base + 6 * MEGAPAGE_SIZE);
		pmap_remove(other, 0, vm_max_address);
		pmap_remove(pmap, 0, vm_max_address);
		ASSERT_EQ(tables(pmap), before);
	}
	teardown();
}

/* --- nested page tables: sub is `other`, its leaves at W0, parent's window at P0 --- */

#define P0  (GIGAPAGE_SIZE - MEGAPAGE_SIZE)

TEST(pmap_nest, a_parent_sees_the_submaps_leaves)
{
	vm_offset_t at = 0;
	struct pmap_walk w;
	paddr_t pa;

	ASSERT_TRUE(setup(2));
	ASSERT_EQ(enter(other, W0, 0, VM_PROT_DEFAULT, 0), KERN_SUCCESS);
	ASSERT_EQ(pmap_nest(pmap, other, P0, W0, 2 * MEGAPAGE_SIZE), KERN_SUCCESS);     /* two directories */
	ASSERT_EQ(enter(other, W0 + MEGAPAGE_SIZE + PAGE_SIZE, 1, VM_PROT_READ, 0), KERN_SUCCESS);
	ASSERT_TRUE(pmap_extract(pmap, P0 + 8, &pa));
	ASSERT_EQ(pa, vm_page_pa(page(0)) + 8);
	at = P0 + PAGE_SIZE;
	ASSERT_TRUE(pmap_next_leaf(pmap, &at, vm_max_address, &w));
	ASSERT_EQ(at, P0 + MEGAPAGE_SIZE + PAGE_SIZE);
	ASSERT_TRUE(w.nested);
	ASSERT_EQ(w.pa, vm_page_pa(page(1)));
	ASSERT_EQ(stats(pmap).nested, 2);
	ASSERT_EQ(resident(pmap), 0);
	ASSERT_EQ(resident(other), 2);
	ASSERT_EQ(pmap_check(pmap, &at), NULL);
	ASSERT_EQ(pmap_check(other, &at), NULL);
	page_protect(0, VM_PROT_NONE);
	ASSERT_FALSE(pmap_extract(pmap, P0, &pa));
	teardown();                             /* un-nests */
}

TEST(pmap_nest, a_parents_ranges_leave_the_tables_alone)
{
	struct pmap_walk w;
	paddr_t pa;

	ASSERT_TRUE(setup(3));
	ASSERT_EQ(pmap_nest(pmap, other, P0, W0, MEGAPAGE_SIZE), KERN_SUCCESS);
	ASSERT_EQ(enter(other, W0, 0, VM_PROT_DEFAULT, VM_PROT_WRITE), KERN_SUCCESS);
	ASSERT_EQ(enter(pmap, P0 - PAGE_SIZE, 1, VM_PROT_DEFAULT, 0), KERN_SUCCESS);
	ASSERT_EQ(enter(pmap, P0 + MEGAPAGE_SIZE, 2, VM_PROT_DEFAULT, 0), KERN_SUCCESS);
	pmap_protect(pmap, 0, vm_max_address, VM_PROT_READ);
	pmap_walk(pmap, P0, &w);
	ASSERT_EQ(w.prot, VM_PROT_DEFAULT);
	pmap_walk(pmap, P0 + MEGAPAGE_SIZE, &w);
	ASSERT_EQ(w.prot, VM_PROT_READ);
	ASSERT_EQ(pmap_wire_range(pmap, 0, vm_max_address, true), KERN_SUCCESS);
	ASSERT_EQ(stats(pmap).wired, 2);
	ASSERT_EQ(stats(other).wired, 0);
	pmap_clear_reference_range(pmap, 0, vm_max_address);
	pmap_walk(pmap, P0, &w);
	ASSERT_TRUE(w.accessed);
	pmap_remove(pmap, 0, vm_max_address);
	pmap_collect(pmap);
	ASSERT_EQ(resident(pmap), 0);
	ASSERT_TRUE(pmap_extract(pmap, P0, &pa));
	ASSERT_EQ(resident(other), 1);
	teardown();
}

TEST(pmap_nest, tables_stay_when_empty_and_megapages_keep_out)
{
	uint64_t with;
	paddr_t pa;

	ASSERT_TRUE(setup(512));
	if (!have_megapage())
		return;
	ASSERT_EQ(enter_mega(other, W0, VM_PROT_DEFAULT, PMAP_WIRED), KERN_SUCCESS);
	ASSERT_EQ(pmap_nest(pmap, other, P0, W0, MEGAPAGE_SIZE), KERN_SUCCESS);
	ASSERT_EQ(stats(other).megapages, 0);   /* split */
	ASSERT_EQ(stats(other).wired, 512);
	ASSERT_TRUE(pmap_extract(pmap, P0 + 77 * PAGE_SIZE, &pa));
	ASSERT_EQ(pa, vm_page_pa(page(77)));
	ASSERT_EQ(enter_mega(other, W0, VM_PROT_READ, 0), KERN_NOT_SUPPORTED);
	ASSERT_EQ(resident(other), 512);
	with = tables(other);
	pmap_remove(other, W0, W0 + MEGAPAGE_SIZE);
	ASSERT_EQ(resident(other), 0);
	ASSERT_EQ(tables(other), with);
	ASSERT_FALSE(pmap_extract(pmap, P0, &pa));
	ASSERT_EQ(enter_mega(other, W0, VM_PROT_READ, 0), KERN_NOT_SUPPORTED);
	spin_lock(&object->lock);
	ASSERT_EQ(pmap_wire_run(other, W0, vm_chunk_find(object, 0), 0, 512, VM_PROT_READ), 512);
	spin_unlock(&object->lock);
	ASSERT_TRUE(pmap_extract(pmap, P0 + 300 * PAGE_SIZE, &pa));
	pmap_remove_dead(other, 0, vm_max_address);
	ASSERT_EQ(enter(other, W0, 5, VM_PROT_READ, 0), KERN_SUCCESS);
	ASSERT_TRUE(pmap_extract(pmap, P0, &pa));
	teardown();
}

TEST(pmap_nest, unnesting_takes_whole_windows_from_one_parent)
{
	pmap_t third = pmap_create();
	vm_offset_t at = 0;
	paddr_t pa;

	ASSERT_TRUE(setup(1));
	ASSERT_EQ(enter(other, W0 + MEGAPAGE_SIZE, 0, VM_PROT_READ, 0), KERN_SUCCESS);
	ASSERT_EQ(pmap_nest(pmap, other, P0, W0, 3 * MEGAPAGE_SIZE), KERN_SUCCESS);
	ASSERT_EQ(pmap_nest(third, other, 0, W0, 3 * MEGAPAGE_SIZE), KERN_SUCCESS);
	pmap_unnest(pmap, P0 + MEGAPAGE_SIZE, MEGAPAGE_SIZE);
	ASSERT_EQ(stats(pmap).nested, 2);
	ASSERT_FALSE(pmap_extract(pmap, P0 + MEGAPAGE_SIZE, &pa));
	ASSERT_TRUE(pmap_extract(third, MEGAPAGE_SIZE, &pa));
	ASSERT_EQ(enter(pmap, P0 + MEGAPAGE_SIZE, 0, VM_PROT_DEFAULT, 0), KERN_SUCCESS);
	ASSERT_EQ(pmap_check(pmap, &at), NULL);
	pmap_remove(pmap, P0 + MEGAPAGE_SIZE, P0 + 2 * MEGAPAGE_SIZE);
	ASSERT_EQ(pmap_nest(pmap, other, P0 + MEGAPAGE_SIZE, W0 + MEGAPAGE_SIZE, MEGAPAGE_SIZE), KERN_SUCCESS);
	pmap_unnest(pmap, P0 + MEGAPAGE_SIZE, MEGAPAGE_SIZE);
	ASSERT_EQ(pmap_check(pmap, &at), NULL);
	pmap_unnest(pmap, 0, vm_max_address);
	ASSERT_EQ(stats(pmap).nested, 0);
	ASSERT_EQ(tables(pmap), 1);
	ASSERT_EQ(pmap_check(third, &at), NULL);
	pmap_destroy(third);
	teardown();
}

TEST(pmap_nest, what_cannot_be_nested_is_refused)
{
	pmap_t third = pmap_create();
	vm_offset_t at = 0;
	uint64_t with;

	ASSERT_TRUE(setup(1));
	ASSERT_EQ(pmap_nest(pmap, other, P0 + PAGE_SIZE, W0, MEGAPAGE_SIZE), KERN_INVALID_ARGUMENT);
	ASSERT_EQ(pmap_nest(pmap, other, P0, W0, 0), KERN_INVALID_ARGUMENT);
	ASSERT_EQ(pmap_nest(pmap, other, vm_max_address - MEGAPAGE_SIZE, W0, 2 * MEGAPAGE_SIZE), KERN_INVALID_ARGUMENT);
	ASSERT_EQ(pmap_nest(pmap, other, P0, -MEGAPAGE_SIZE, MEGAPAGE_SIZE), KERN_INVALID_ARGUMENT);
	ASSERT_EQ(pmap_nest(pmap, pmap, P0, W0, MEGAPAGE_SIZE), KERN_INVALID_ARGUMENT);
	ASSERT_EQ(pmap_nest(pmap, pmap_kernel(), P0, W0, MEGAPAGE_SIZE), KERN_INVALID_ARGUMENT);
	ASSERT_EQ(enter(pmap, P0 + MEGAPAGE_SIZE, 0, VM_PROT_READ, 0), KERN_SUCCESS);
	with = tables(pmap);
	ASSERT_EQ(pmap_nest(pmap, other, P0, W0, 2 * MEGAPAGE_SIZE), KERN_INVALID_ARGUMENT);
	ASSERT_EQ(tables(pmap), with);
	ASSERT_EQ(tables(other), 1);
	ASSERT_EQ(pmap_nest(pmap, other, P0, W0, MEGAPAGE_SIZE), KERN_SUCCESS);
	ASSERT_EQ(pmap_nest(pmap, third, P0, W0, MEGAPAGE_SIZE), KERN_INVALID_ARGUMENT);
	ASSERT_EQ(pmap_nest(third, pmap, 0, P0, MEGAPAGE_SIZE), KERN_INVALID_ARGUMENT);
	ASSERT_EQ(pmap_check(third, &at), NULL);
	pmap_destroy(third);
	teardown();
}

TEST(pmap_nest, a_fault_through_a_parent_sets_accessed_and_dirty)
{
	struct pmap_walk w;

	ASSERT_TRUE(setup(1));
	ASSERT_EQ(enter(other, W0, 0, VM_PROT_DEFAULT, 0), KERN_SUCCESS);
	ASSERT_EQ(pmap_nest(pmap, other, P0, W0, MEGAPAGE_SIZE), KERN_SUCCESS);
	ASSERT_FALSE(pmap_fault(pmap, P0, VM_PROT_EXECUTE));
	ASSERT_FALSE(pmap_fault(pmap, P0 + PAGE_SIZE, VM_PROT_READ));
	ASSERT_TRUE(pmap_fault(pmap, P0, VM_PROT_WRITE));
	pmap_walk(other, W0, &w);
	ASSERT_TRUE(w.dirty);
	teardown();
}

TEST(pmap_nest, the_submap_may_lose_its_name_first)
{
	paddr_t pa;

	ASSERT_TRUE(setup(1));
	ASSERT_EQ(enter(other, W0, 0, VM_PROT_DEFAULT, 0), KERN_SUCCESS);
	ASSERT_EQ(pmap_nest(pmap, other, P0, W0, MEGAPAGE_SIZE), KERN_SUCCESS);
	pmap_destroy(other);
	ASSERT_TRUE(pmap_extract(pmap, P0, &pa));
	pmap_unnest(pmap, P0, MEGAPAGE_SIZE);
	ASSERT_FALSE(pmap_extract(pmap, P0, &pa));
	other = pmap_create();
	teardown();
}

TEST(pmap, next_leaf_visits_each_once)
{
	vm_offset_t va = 0, seen[3];
	struct pmap_walk w;
	unsigned n = 0;

	ASSERT_TRUE(setup(3));
	ASSERT_EQ(enter(pmap, W0, 0, VM_PROT_READ, 0), KERN_SUCCESS);
	ASSERT_EQ(enter(pmap, W0 + 3 * GIGAPAGE_SIZE, 1, VM_PROT_READ, 0), KERN_SUCCESS);
	ASSERT_EQ(enter(pmap, vm_max_address - PAGE_SIZE, 2, VM_PROT_READ, 0), KERN_SUCCESS);
	for (; n < 3 && pmap_next_leaf(pmap, &va, vm_max_address, &w); va += w.size)
		seen[n++] = va;
	ASSERT_EQ(n, 3);
	ASSERT_EQ(seen[0], W0);
	ASSERT_EQ(seen[1], W0 + 3 * GIGAPAGE_SIZE);
	ASSERT_EQ(seen[2], vm_max_address - PAGE_SIZE);
	ASSERT_FALSE(pmap_next_leaf(pmap, &va, vm_max_address, &w));
	teardown();
}

TEST(pmap, destroy_drops_what_is_left)
{
	ASSERT_TRUE(setup(2));
	ASSERT_EQ(enter(pmap, W0, 0, VM_PROT_READ, 0), KERN_SUCCESS);
	ASSERT_EQ(enter(pmap, W0 + GIGAPAGE_SIZE, 1, VM_PROT_READ, PMAP_WIRED), KERN_SUCCESS);
	teardown();                             /* the object asserts that nothing maps it */
}

TEST(pmap, fault_resolves_what_the_leaf_permits)
{
	struct pmap_walk w;

	ASSERT_TRUE(setup(1));
	ASSERT_FALSE(pmap_fault(pmap, W0, VM_PROT_READ));
	ASSERT_EQ(enter(pmap, W0, 0, VM_PROT_DEFAULT, VM_PROT_READ), KERN_SUCCESS);
	ASSERT_FALSE(pmap_fault(pmap, W0, VM_PROT_EXECUTE));
	pmap_walk(pmap, W0, &w);
	ASSERT_FALSE(w.dirty);
	ASSERT_TRUE(pmap_fault(pmap, W0 + 100, VM_PROT_WRITE));
	pmap_walk(pmap, W0, &w);
	ASSERT_TRUE(w.dirty);
	ASSERT_FALSE(pmap_fault(pmap, vm_max_address, VM_PROT_READ));
	teardown();
}

TEST(pmap, the_kernels_own_tables_are_sound)
{
	vm_offset_t at = 0;

	ASSERT_EQ(pmap_check(pmap_kernel(), &at), NULL);
}
