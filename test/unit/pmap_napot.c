/*
 * pmap_napot.c: groups of 16 leaves (Svnapot): when they are made, what breaks
 * them, and that nothing else can be told from them.
 *
 * The tests run on every machine. Where leaves cannot be groups, all is the
 * same but that there are none: `full` is the number of groups where 16 leaves
 * could be one.
 */
#include <base/test.h>
#include <mm/pmap.h>
#include <mm/vm_object.h>

#define P       PAGE_SIZE
#define M       MEGAPAGE_SIZE
#define G       PMAP_GROUP_SIZE
#define W0      (16 * MEGAPAGE_SIZE)

static vm_object_t object;
static pmap_t      pmap;
static uint64_t    full;

static struct vm_page *
page(unsigned i)
{
	struct vm_page *m;

	spin_lock(&object->lock);
	m = vm_page_lookup(object, i * P);
	spin_unlock(&object->lock);
	return m;
}

/* FALSE, skipped: no memory in one block. */
static bool
setup(void)
{
	object = vm_object_allocate(M, 0);
	pmap = pmap_create();
	if (object == NULL || pmap == NULL)
		return false;
	full = pmap_has_groups();
	spin_lock(&object->lock);
	for (unsigned i = 0; i < VM_CHUNK_PAGES; i++)
		if (vm_object_page_alloc(object, i * P, false) == NULL) {
			spin_unlock(&object->lock);
			return false;
		}
	spin_unlock(&object->lock);
	if (vm_chunk_is_megapage(vm_chunk_find(object, 0)))
		return true;
	test_skip("no free megapage");
	pmap_destroy(pmap);
	vm_object_deallocate(object);
	return false;
}

static void
teardown(void)
{
	vm_offset_t at = 0;

	ASSERT_EQ(pmap_check(pmap, &at), NULL);
	pmap_destroy(pmap);
	vm_object_deallocate(object);
}

static void
enter(vm_offset_t va, unsigned i, vm_prot_t prot, unsigned flags)
{
	struct vm_page *m = page(i);
	kern_return_t kr;

	spin_lock(&object->lock);
	kr = pmap_enter(pmap, va, m, prot, flags);
	spin_unlock(&object->lock);
	ASSERT_EQ(kr, KERN_SUCCESS);
}

static unsigned
enter_run(vm_offset_t va, unsigned slot, unsigned n, vm_prot_t prot)
{
	unsigned made;

	spin_lock(&object->lock);
	made = pmap_enter_run(pmap, va, vm_chunk_find(object, 0), slot, n, prot);
	spin_unlock(&object->lock);
	return made;
}

static bool
modified(unsigned i)
{
	struct vm_page *m = page(i);
	bool yes;

	spin_lock(&object->lock);
	yes = pmap_is_modified(m);
	spin_unlock(&object->lock);
	return yes;
}

static struct pmap_walk
walk(vm_offset_t va)
{
	struct pmap_walk w;

	pmap_walk(pmap, va, &w);
	return w;
}

/* The groups that pmap has, in units of what it could have. */
static uint64_t
groups(void)
{
	struct pmap_stats s;

	pmap_stats(pmap, &s);
	return s.groups;
}

/* Pages [first, first + 16) at va.. one by one. */
static void
fill(vm_offset_t va, unsigned first, vm_prot_t prot)
{
	for (unsigned i = 0; i < 16; i++)
		enter(va + i * P, first + i, prot, 0);
}

/* n pages from page `slot` on are mapped at va.., one after another. */
static void
expect_pages(vm_offset_t va, unsigned slot, unsigned n, vm_prot_t prot)
{
	for (unsigned i = 0; i < n; i++) {
		struct pmap_walk w = walk(va + i * P + 24);

		ASSERT_TRUE(w.leaf);
		ASSERT_EQ(w.size, P);
		ASSERT_EQ(w.pa, vm_page_pa(page(slot + i)) + 24);
		ASSERT_EQ(w.prot, prot);
	}
}

/* --- made --- */

TEST(pmap_napot, sixteen_leaves_become_a_group)
{
	if (!setup())
		return;
	for (unsigned i = 0; i < 15; i++)
		enter(W0 + i * P, i, VM_PROT_DEFAULT, 0);
	ASSERT_EQ(groups(), 0);
	ASSERT_FALSE(walk(W0).group);
	enter(W0 + 15 * P, 15, VM_PROT_DEFAULT, 0);
	ASSERT_EQ(groups(), full);
	ASSERT_EQ(walk(W0 + 7 * P).group, full);
	expect_pages(W0, 0, 16, VM_PROT_DEFAULT);
	/* Downwards, and in any order. */
	for (unsigned i = 32; i-- > 16;)
		enter(W0 + i * P, i, VM_PROT_READ, 0);
	for (unsigned i = 0; i < 16; i++)
		enter(W0 + (32 + i * 7 % 16) * P, 32 + i * 7 % 16, VM_PROT_READ | VM_PROT_EXECUTE, 0);
	ASSERT_EQ(groups(), 3 * full);
	expect_pages(W0 + G, 16, 16, VM_PROT_READ);
	expect_pages(W0 + 2 * G, 32, 16, VM_PROT_READ | VM_PROT_EXECUTE);
	teardown();
}

TEST(pmap_napot, what_is_not_alike_stays_apart)
{
	if (!setup())
		return;
	fill(W0, 0, VM_PROT_READ);
	fill(W0 + G, 16 + 1, VM_PROT_READ);             /* not congruent */
	for (unsigned i = 0; i < 16; i++)               /* rights */
		enter(W0 + 2 * G + i * P, 32 + i, i == 3 ? VM_PROT_READ : VM_PROT_DEFAULT, 0);
	for (unsigned i = 0; i < 16; i++)               /* the wrong order */
		enter(W0 + 3 * G + i * P, 48 + (i ^ 1), VM_PROT_READ, 0);
	for (unsigned i = 0; i < 16; i++)               /* over a border */
		enter(W0 + 4 * G + 8 * P + i * P, 64 + 8 + i, VM_PROT_READ, 0);
	for (unsigned i = 0; i < 16; i++)               /* read-only, of which one was written */
		enter(W0 + 6 * G + i * P, 96 + i, VM_PROT_DEFAULT, i == 5 ? VM_PROT_WRITE : 0);
	pmap_protect(pmap, W0 + 6 * G, W0 + 7 * G, VM_PROT_READ);
	enter(W0 + 6 * G, 96, VM_PROT_READ, 0);
	ASSERT_EQ(groups(), full + full);               /* the last one was made when it could be written */
	expect_pages(W0 + G, 17, 16, VM_PROT_READ);
	expect_pages(W0 + 4 * G + 8 * P, 72, 16, VM_PROT_READ);
	teardown();
}

TEST(pmap_napot, runs_make_groups)
{
	struct pmap_stats s;

	if (!setup())
		return;
	enter(W0, 0, VM_PROT_DEFAULT, VM_PROT_WRITE);
	ASSERT_EQ(enter_run(W0 + P, 1, 99, VM_PROT_DEFAULT), 99);
	ASSERT_EQ(groups(), 6 * full);
	expect_pages(W0, 0, 100, VM_PROT_DEFAULT);
	/* At addresses that are congruent modulo 64 KiB only, over two tables. */
	enter(W0 + 3 * M - G, 480, VM_PROT_READ, 0);
	enter(W0 + 3 * M, 496, VM_PROT_READ, 0);
	ASSERT_EQ(enter_run(W0 + 3 * M - G, 480, 32, VM_PROT_READ), 30);
	ASSERT_EQ(groups(), 8 * full);
	/* WRITE comes to all of a group, or to a part. */
	ASSERT_EQ(enter_run(W0 + 3 * M - G, 480, 16 + 4, VM_PROT_DEFAULT), 0);
	ASSERT_EQ(groups(), 7 * full);
	expect_pages(W0 + 3 * M - G, 480, 20, VM_PROT_DEFAULT);
	expect_pages(W0 + 3 * M + 4 * P, 500, 12, VM_PROT_READ);
	pmap_stats(pmap, &s);
	ASSERT_EQ(s.resident, 132);
	ASSERT_EQ(s.mega.joined, 8 * full);
	ASSERT_EQ(s.mega.broken, full);
	teardown();
}

/* --- broken --- */

TEST(pmap_napot, a_part_that_changes_breaks_its_group_only)
{
	if (!setup())
		return;
	enter(W0, 0, VM_PROT_DEFAULT, 0);
	ASSERT_EQ(enter_run(W0, 0, 128, VM_PROT_DEFAULT), 127);
	ASSERT_EQ(groups(), 8 * full);
	pmap_protect(pmap, W0 + 3 * P, W0 + 4 * P, VM_PROT_READ);
	ASSERT_EQ(groups(), 7 * full);
	pmap_remove(pmap, W0 + G + 15 * P, W0 + 2 * G + P);
	ASSERT_EQ(groups(), 5 * full);
	pmap_remove_dead(pmap, W0 + 3 * G + 5 * P, W0 + 3 * G + 6 * P);
	ASSERT_EQ(groups(), 4 * full);
	spin_lock(&object->lock);
	pmap_page_protect(vm_page_lookup(object, 4 * G), VM_PROT_NONE);
	spin_unlock(&object->lock);
	ASSERT_EQ(groups(), 3 * full);
	expect_pages(W0, 0, 3, VM_PROT_DEFAULT);
	expect_pages(W0 + 3 * P, 3, 1, VM_PROT_READ);
	expect_pages(W0 + 4 * P, 4, 12 + 15, VM_PROT_DEFAULT);
	ASSERT_FALSE(walk(W0 + G + 15 * P).leaf);
	ASSERT_FALSE(walk(W0 + 2 * G).leaf);
	expect_pages(W0 + 2 * G + P, 33, 15 + 5, VM_PROT_DEFAULT);
	ASSERT_FALSE(walk(W0 + 3 * G + 5 * P).leaf);
	expect_pages(W0 + 4 * G + P, 65, 15 + 48, VM_PROT_DEFAULT);
	/* What comes back joins again. */
	enter(W0 + 3 * P, 3, VM_PROT_DEFAULT, 0);
	enter(W0 + 4 * G, 64, VM_PROT_DEFAULT, 0);
	ASSERT_EQ(groups(), 5 * full);
	teardown();
}

TEST(pmap_napot, whole_groups_change_as_they_are)
{
	if (!setup())
		return;
	enter(W0, 0, VM_PROT_DEFAULT, 0);
	(void)enter_run(W0, 0, 64, VM_PROT_DEFAULT);
	pmap_protect(pmap, W0 + G, W0 + 3 * G, VM_PROT_READ);
	ASSERT_EQ(groups(), 4 * full);
	expect_pages(W0 + G, 16, 32, VM_PROT_READ);
	expect_pages(W0 + 3 * G, 48, 16, VM_PROT_DEFAULT);
	/* Of all pages of the object, and wiring, which the hardware does not see. */
	spin_lock(&object->lock);
	pmap_chunk_protect(vm_chunk_find(object, 0), VM_PROT_READ);
	spin_unlock(&object->lock);
	ASSERT_EQ(pmap_wire_range(pmap, W0 + P, W0 + 2 * P, true), KERN_SUCCESS);
	ASSERT_EQ(groups(), 4 * full);
	expect_pages(W0, 0, 64, VM_PROT_READ);
	ASSERT_TRUE(walk(W0 + P).wired);
	ASSERT_FALSE(walk(W0 + 2 * P).wired);
	pmap_collect(pmap);
	ASSERT_TRUE(walk(W0 + P).leaf);
	ASSERT_FALSE(walk(W0).leaf);
	ASSERT_EQ(groups(), 0);
	pmap_remove_dead(pmap, W0, W0 + G);
	teardown();
}

/* --- referenced and modified --- */

TEST(pmap_napot, what_one_leaf_knows_all_know_when_broken)
{
	if (!setup())
		return;
	enter(W0, 0, VM_PROT_DEFAULT, 0);
	(void)enter_run(W0, 0, 32, VM_PROT_DEFAULT);
	ASSERT_FALSE(modified(3));
	ASSERT_TRUE(pmap_fault(pmap, W0 + 5 * P, VM_PROT_WRITE));       /* by a hart that does not set D */
	ASSERT_TRUE(modified(5));
	ASSERT_EQ(modified(3), full);
	ASSERT_FALSE(modified(16));
	pmap_protect(pmap, W0, W0 + P, VM_PROT_READ);
	ASSERT_TRUE(modified(5));
	ASSERT_EQ(modified(3), full);
	/* Clean is one page. */
	spin_lock(&object->lock);
	pmap_clear_modify(vm_page_lookup(object, 5 * P));
	spin_unlock(&object->lock);
	ASSERT_FALSE(modified(5));
	ASSERT_EQ(modified(3), full);
	pmap_remove(pmap, W0, W0 + 2 * G);
	ASSERT_FALSE(modified(5));
	ASSERT_EQ(modified(3), full);
	ASSERT_FALSE(modified(16));
	teardown();
}

/* --- megapages, copies --- */

TEST(pmap_napot, groups_give_way_to_a_megapage_and_come_back)
{
	kern_return_t kr;

	if (!setup())
		return;
	enter(W0, 0, VM_PROT_DEFAULT, 0);
	ASSERT_EQ(enter_run(W0, 0, 512, VM_PROT_DEFAULT), 511);
	ASSERT_EQ(groups(), 32 * full);
	spin_lock(&object->lock);
	kr = pmap_enter_mega(pmap, W0, vm_chunk_find(object, 0), VM_PROT_DEFAULT, 0);
	spin_unlock(&object->lock);
	ASSERT_EQ(kr, KERN_SUCCESS);
	ASSERT_EQ(groups(), 0);
	ASSERT_EQ(walk(W0 + 5 * P).size, M);
	pmap_remove(pmap, W0 + 17 * P, W0 + 18 * P);
	ASSERT_EQ(groups(), 31 * full);
	expect_pages(W0, 0, 17, VM_PROT_DEFAULT);
	expect_pages(W0 + 18 * P, 18, 494, VM_PROT_DEFAULT);
	teardown();
}

TEST(pmap_napot, a_table_that_is_put_aside_keeps_its_groups)
{
	if (!setup())
		return;
	enter(W0, 0, VM_PROT_DEFAULT, VM_PROT_WRITE);
	(void)enter_run(W0, 0, 256, VM_PROT_DEFAULT);
	pmap_write_protect(pmap, W0, W0 + M, VM_PROT_DEFAULT);
	ASSERT_EQ(groups(), 16 * full);
	pmap_remove(pmap, W0 + 8 * P, W0 + 9 * P);
	ASSERT_TRUE(pmap_fault(pmap, W0 + 100 * P, VM_PROT_READ));
	ASSERT_EQ(groups(), 15 * full);
	expect_pages(W0, 0, 8, VM_PROT_READ);
	expect_pages(W0 + 9 * P, 9, 247, VM_PROT_READ);
	ASSERT_TRUE(modified(0));
	teardown();
}
