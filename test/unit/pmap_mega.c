/*
 * pmap_mega.c: megapage leaves: promotion and splits keep what they map, and
 * what is known of its use; each is counted with its reason; a split that
 * cannot be refused does not fail.
 *
 * One object of 2 MiB, mapped in any windows of two pmaps: each has its own
 * leaf over the same block.
 */
#include <base/test.h>
#include <mm/pmap.h>
#include <mm/vm_object.h>

#define P       PAGE_SIZE
#define M       MEGAPAGE_SIZE
#define W0      (16 * MEGAPAGE_SIZE)

static vm_object_t object;
static pmap_t      pmap, other;

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
	other = pmap_create();
	if (object == NULL || pmap == NULL || other == NULL)
		return false;
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
	pmap_destroy(other);
	vm_object_deallocate(object);
	return false;
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
	pmap_page_protect(vm_page_lookup(object, i * P), prot);
	spin_unlock(&object->lock);
}

static void
page_clean(unsigned i)
{
	spin_lock(&object->lock);
	pmap_clear_modify(vm_page_lookup(object, i * P));
	spin_unlock(&object->lock);
}

static void
page_unreference(unsigned i)
{
	spin_lock(&object->lock);
	pmap_clear_reference(vm_page_lookup(object, i * P));
	spin_unlock(&object->lock);
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

static bool
referenced(unsigned i)
{
	struct vm_page *m = page(i);
	bool yes;

	spin_lock(&object->lock);
	yes = pmap_is_referenced(m);
	spin_unlock(&object->lock);
	return yes;
}

static struct pmap_stats
stats(pmap_t p)
{
	struct pmap_stats s;

	pmap_stats(p, &s);
	return s;
}

static struct pmap_walk
walk(pmap_t p, vm_offset_t va)
{
	struct pmap_walk w;

	pmap_walk(p, va, &w);
	return w;
}

static unsigned
reserve(unsigned *wanted)
{
	struct pmap_mega_counts all;
	unsigned kept;

	pmap_mega_totals(&all, &kept, wanted);
	return kept;
}

/* --- sharing --- */

TEST(pmap_mega, each_pmap_has_its_own_leaf_over_one_block)
{
	if (!setup())
		return;
	ASSERT_EQ(enter_mega(pmap, W0, VM_PROT_DEFAULT, 0), KERN_SUCCESS);
	ASSERT_EQ(enter_mega(pmap, W0 + 4 * M, VM_PROT_READ, 0), KERN_SUCCESS);
	ASSERT_EQ(enter_mega(other, 7 * M, VM_PROT_DEFAULT, 0), KERN_SUCCESS);
	ASSERT_EQ(walk(pmap, W0 + P).pa, walk(other, 7 * M + P).pa);
	/* A change of one is no change of the others. */
	pmap_protect(pmap, W0 + P, W0 + 2 * P, VM_PROT_READ);
	ASSERT_EQ(walk(pmap, W0 + P).size, P);
	ASSERT_EQ(walk(pmap, W0 + 4 * M).size, M);
	ASSERT_EQ(walk(other, 7 * M).size, M);
	ASSERT_EQ(walk(other, 7 * M).prot, VM_PROT_DEFAULT);
	/* What concerns the page concerns all of them. */
	page_protect(9, VM_PROT_NONE);
	ASSERT_FALSE(walk(pmap, W0 + 9 * P).leaf);
	ASSERT_FALSE(walk(pmap, W0 + 4 * M + 9 * P).leaf);
	ASSERT_FALSE(walk(other, 7 * M + 9 * P).leaf);
	ASSERT_EQ(stats(pmap).resident, 2 * 511);
	ASSERT_EQ(stats(other).resident, 511);
	teardown();
}

/* --- referenced and modified --- */

TEST(pmap_mega, promotion_collects_and_a_split_spreads)
{
	if (!setup())
		return;
	for (unsigned i = 0; i < VM_CHUNK_PAGES; i++)
		ASSERT_EQ(enter(pmap, W0 + i * P, i, VM_PROT_DEFAULT, i == 77 ? VM_PROT_WRITE : 0), KERN_SUCCESS);
	ASSERT_FALSE(modified(5));
	/* Even where WRITE has gone meanwhile: D says that it was written. */
	pmap_protect(pmap, W0, W0 + M, VM_PROT_READ);
	ASSERT_EQ(enter_mega(pmap, W0, VM_PROT_READ, 0), KERN_SUCCESS);
	ASSERT_TRUE(walk(pmap, W0).dirty);
	ASSERT_TRUE(modified(77));
	pmap_remove(pmap, W0, W0 + P);
	ASSERT_EQ(walk(pmap, W0 + 77 * P).size, P);
	ASSERT_TRUE(walk(pmap, W0 + 77 * P).dirty);
	ASSERT_TRUE(walk(pmap, W0 + 77 * P).accessed);
	ASSERT_TRUE(modified(77));
	ASSERT_TRUE(modified(0));               /* harvested */
	pmap_remove(pmap, W0, W0 + M);
	ASSERT_TRUE(modified(77));
	ASSERT_TRUE(referenced(77));
	teardown();
}

TEST(pmap_mega, nothing_is_modified_that_nobody_wrote)
{
	if (!setup())
		return;
	for (unsigned i = 0; i < VM_CHUNK_PAGES; i++)
		ASSERT_EQ(enter(pmap, W0 + i * P, i, VM_PROT_READ, 0), KERN_SUCCESS);
	ASSERT_EQ(enter_mega(pmap, W0, VM_PROT_READ, 0), KERN_SUCCESS);
	ASSERT_FALSE(walk(pmap, W0).dirty);
	ASSERT_FALSE(modified(3));
	page_unreference(0);                    /* of the first: clears the one A there is */
	ASSERT_FALSE(referenced(3));
	pmap_protect(pmap, W0, W0 + P, VM_PROT_NONE);
	ASSERT_FALSE(walk(pmap, W0 + 3 * P).accessed);
	ASSERT_FALSE(walk(pmap, W0 + 3 * P).dirty);
	/* A hart without Svadu asks for A; then the page, and only it, was referenced. */
	ASSERT_TRUE(pmap_fault(pmap, W0 + 3 * P, VM_PROT_READ));
	ASSERT_TRUE(referenced(3));
	ASSERT_FALSE(referenced(4));
	ASSERT_FALSE(modified(3));
	teardown();
}

TEST(pmap_mega, one_page_of_a_written_megapage_is_made_clean)
{
	if (!setup())
		return;
	ASSERT_EQ(enter_mega(pmap, W0, VM_PROT_DEFAULT, VM_PROT_WRITE), KERN_SUCCESS);
	page_clean(8);
	ASSERT_FALSE(modified(8));
	ASSERT_TRUE(modified(7));
	ASSERT_TRUE(modified(9));
	ASSERT_EQ(walk(pmap, W0 + 8 * P).prot, VM_PROT_DEFAULT);
	ASSERT_TRUE(pmap_fault(pmap, W0 + 8 * P, VM_PROT_WRITE));
	ASSERT_TRUE(modified(8));
	/* Back to one leaf: writable, so D, whatever the pages knew. */
	page_clean(10);
	ASSERT_EQ(enter_mega(pmap, W0, VM_PROT_DEFAULT, 0), KERN_SUCCESS);
	ASSERT_EQ(walk(pmap, W0).size, M);
	ASSERT_TRUE(walk(pmap, W0).dirty);
	ASSERT_EQ(stats(pmap).mega.promotions, 1);
	teardown();
}

/* --- reasons --- */

/* Splits the megapage at W0 of pmap in this way. */
static kern_return_t
split_by(enum pmap_split how, vm_object_t second, pmap_t parent)
{
	vm_offset_t va = W0 + 3 * P, end = va + P;
	kern_return_t kr = KERN_SUCCESS;

	switch (how) {
	case PMAP_SPLIT_PROTECT:
		pmap_protect(pmap, va, end, VM_PROT_READ);
		break;
	case PMAP_SPLIT_REMOVE:
		pmap_remove(pmap, va, end);
		break;
	case PMAP_SPLIT_ADVICE:
		pmap_remove_advised(pmap, va, end, false);
		break;
	case PMAP_SPLIT_WIRE:
		kr = pmap_wire_range(pmap, va, end, true);
		break;
	case PMAP_SPLIT_UNWIRE:
		pmap_change_wiring(pmap, va, false);
		break;
	case PMAP_SPLIT_COPY:
		spin_lock(&second->lock);
		kr = pmap_enter(pmap, va, vm_page_lookup(second, 0), VM_PROT_DEFAULT, VM_PROT_WRITE);
		spin_unlock(&second->lock);
		break;
	case PMAP_SPLIT_PAGE:
		page_protect(3, VM_PROT_READ);
		break;
	case PMAP_SPLIT_CLEAN:
		page_clean(3);
		break;
	default:
		kr = pmap_nest(parent, pmap, W0, W0, M);
		break;
	}
	return kr;
}

/* An object with one page, for copies. */
static vm_object_t
one_page(void)
{
	vm_object_t o = vm_object_allocate(P, 0);
	struct vm_page *m = NULL;

	if (o != NULL) {
		spin_lock(&o->lock);
		m = vm_object_page_alloc(o, 0, true);
		spin_unlock(&o->lock);
	}
	return m != NULL ? o : NULL;
}

TEST(pmap_mega, splits_are_counted_by_what_caused_them)
{
	struct pmap_mega_counts before, after;
	unsigned kept, wanted;
	vm_object_t second;
	pmap_t parent;

	if (!setup())
		return;
	second = one_page();
	parent = pmap_create();
	ASSERT_TRUE(second != NULL && parent != NULL);
	pmap_mega_totals(&before, &kept, &wanted);
	for (unsigned how = 0; how < PMAP_SPLITS; how++) {
		struct pmap_stats s;

		pmap_remove(pmap, W0, W0 + M);
		ASSERT_EQ(enter_mega(pmap, W0, VM_PROT_DEFAULT,
		    VM_PROT_WRITE | (how == PMAP_SPLIT_UNWIRE ? PMAP_WIRED : 0)), KERN_SUCCESS);
		ASSERT_EQ(split_by(how, second, parent), KERN_SUCCESS);
		s = stats(pmap);
		ASSERT_EQ(s.megapages, 0);
		ASSERT_EQ(s.mega.entered, how + 1);
		ASSERT_EQ(s.mega.demotions, how + 1);
		ASSERT_EQ(s.mega.split[how], 1);
		ASSERT_TRUE(pmap_split_name(how) != NULL);
		ASSERT_EQ(s.resident, how == PMAP_SPLIT_REMOVE || how == PMAP_SPLIT_ADVICE ? 511 : 512);
		if (how == PMAP_SPLIT_UNWIRE)
			ASSERT_EQ(pmap_wire_range(pmap, W0, W0 + M, false), KERN_SUCCESS);
	}
	pmap_mega_totals(&after, &kept, &wanted);
	for (unsigned how = 0; how < PMAP_SPLITS; how++)
		ASSERT_GE(after.split[how], before.split[how] + 1);
	/* A table that serves others gives way to no megapage. */
	ASSERT_EQ(enter_mega(pmap, W0, VM_PROT_DEFAULT, 0), KERN_NOT_SUPPORTED);
	ASSERT_EQ(stats(pmap).mega.refused[PMAP_REFUSED_NESTED], 1);
	pmap_destroy(parent);
	teardown();
	vm_object_deallocate(second);
}

TEST(pmap_mega, refusals_have_names_and_numbers)
{
	if (!setup())
		return;
	for (unsigned why = 0; why < PMAP_REFUSALS; why++) {
		pmap_refuse(pmap, why);
		ASSERT_EQ(stats(pmap).mega.refused[why], 1);
		ASSERT_TRUE(pmap_refusal_name(why) != NULL);
	}
	/* Without memory for a directory, or for a record; nothing changed. */
	for (unsigned n = 1; n <= 2; n++) {
		vm_alloc_fail_at(1, true);
		ASSERT_EQ(enter_mega(pmap, W0, VM_PROT_DEFAULT, 0), KERN_RESOURCE_SHORTAGE);
		vm_alloc_fail_at(0, false);
		ASSERT_EQ(stats(pmap).mega.refused[PMAP_REFUSED_SHORTAGE], 1 + n);
		ASSERT_EQ(stats(pmap).resident, 0);
	}
	teardown();
}

/* --- without memory --- */

TEST(pmap_mega, a_split_that_cannot_be_refused_does_not_fail)
{
	static const enum pmap_split how[] = {
		PMAP_SPLIT_PROTECT, PMAP_SPLIT_REMOVE, PMAP_SPLIT_ADVICE, PMAP_SPLIT_UNWIRE, PMAP_SPLIT_PAGE, PMAP_SPLIT_CLEAN,
	};
	unsigned wanted, kept;

	if (!setup())
		return;
	for (unsigned i = 0; i < nitems(how); i++) {
		bool wired = how[i] == PMAP_SPLIT_UNWIRE;

		pmap_remove(pmap, W0, W0 + M);
		kept = reserve(&wanted);
		ASSERT_EQ(kept, wanted);
		ASSERT_EQ(enter_mega(pmap, W0, VM_PROT_DEFAULT, VM_PROT_WRITE | (wired ? PMAP_WIRED : 0)), KERN_SUCCESS);
		vm_alloc_fail_at(1, true);
		(void)split_by(how[i], NULL, NULL);
		vm_alloc_fail_at(0, false);
		ASSERT_EQ(stats(pmap).mega.split[how[i]], 1);
		ASSERT_EQ(stats(pmap).mega.dropped, 0);
		ASSERT_EQ(reserve(&wanted), wired ? kept : kept - 1);
		ASSERT_EQ(walk(pmap, W0 + 4 * P).size, P);
		ASSERT_EQ(walk(pmap, W0 + 4 * P).prot, VM_PROT_DEFAULT);
		ASSERT_EQ(walk(pmap, W0 + 4 * P).pa, vm_page_pa(page(4)));
		(void)pmap_wire_range(pmap, W0, W0 + M, false);
	}
	pmap_remove(pmap, W0, W0 + M);
	ASSERT_EQ(reserve(&wanted), wanted);    /* the tables have come back */
	teardown();
}

TEST(pmap_mega, one_that_can_be_refused_leaves_the_reserve_alone)
{
	unsigned wanted, kept;
	vm_object_t second;

	if (!setup())
		return;
	second = one_page();
	ASSERT_TRUE(second != NULL);
	ASSERT_EQ(enter_mega(pmap, W0, VM_PROT_DEFAULT, VM_PROT_WRITE), KERN_SUCCESS);
	kept = reserve(&wanted);
	vm_alloc_fail_at(1, true);
	ASSERT_EQ(split_by(PMAP_SPLIT_WIRE, second, NULL), KERN_RESOURCE_SHORTAGE);
	ASSERT_EQ(split_by(PMAP_SPLIT_COPY, second, NULL), KERN_RESOURCE_SHORTAGE);
	vm_alloc_fail_at(0, false);
	ASSERT_EQ(reserve(&wanted), kept);
	ASSERT_EQ(walk(pmap, W0).size, M);
	ASSERT_EQ(stats(pmap).mega.demotions, 0);
	teardown();
	vm_object_deallocate(second);
}

TEST(pmap_mega, beyond_the_reserve_a_leaf_is_dropped_and_its_use_remembered)
{
	unsigned wanted, kept, i;

	if (!setup())
		return;
	kept = reserve(&wanted);
	for (i = 0; i <= kept; i++)
		ASSERT_EQ(enter_mega(pmap, W0 + i * M, VM_PROT_DEFAULT, i == kept ? VM_PROT_WRITE : 0), KERN_SUCCESS);
	vm_alloc_fail_at(1, true);
	for (i = 0; i <= kept; i++)
		pmap_protect(pmap, W0 + i * M + P, W0 + i * M + 2 * P, VM_PROT_READ);
	vm_alloc_fail_at(0, false);
	ASSERT_EQ(stats(pmap).mega.split[PMAP_SPLIT_PROTECT], kept);
	ASSERT_EQ(stats(pmap).mega.dropped, 1);
	ASSERT_EQ(stats(pmap).resident, kept * 512);
	ASSERT_FALSE(walk(pmap, W0 + kept * M).leaf);
	pmap_remove_dead(pmap, 0, vm_max_address);
	ASSERT_TRUE(modified(100));
	ASSERT_TRUE(referenced(100));
	ASSERT_EQ(reserve(&wanted), wanted);
	teardown();
}

TEST(pmap_mega, a_range_that_cuts_two_megapages_keeps_both_rests)
{
	if (!setup())
		return;
	for (unsigned i = 0; i < 3; i++)
		ASSERT_EQ(enter_mega(pmap, W0 + i * M, VM_PROT_DEFAULT, 0), KERN_SUCCESS);
	vm_alloc_fail_at(1, true);
	pmap_remove(pmap, W0 + M - P, W0 + 2 * M + P);
	vm_alloc_fail_at(0, false);
	ASSERT_EQ(stats(pmap).resident, 2 * 511);
	ASSERT_EQ(stats(pmap).mega.demotions, 2);
	ASSERT_TRUE(walk(pmap, W0 + M - 2 * P).leaf);
	ASSERT_FALSE(walk(pmap, W0 + M - P).leaf);
	ASSERT_FALSE(walk(pmap, W0 + M).leaf);
	ASSERT_FALSE(walk(pmap, W0 + 2 * M).leaf);
	ASSERT_TRUE(walk(pmap, W0 + 2 * M + P).leaf);
	teardown();
}

/* Every allocation of a promotion and of a direct megapage, one after the other. */
TEST(pmap_mega, each_allocation_may_fail)
{
	for (unsigned wired = 0; wired < 2; wired++)
		for (unsigned promote = 0; promote < 2; promote++)
			for (unsigned n = 1;; n++) {
				kern_return_t kr;

				if (!setup())
					return;
				if (promote)
					for (unsigned i = 0; i < 400; i++)
						ASSERT_EQ(enter(pmap, W0 + i * P, i, VM_PROT_DEFAULT, 0), KERN_SUCCESS);
				vm_alloc_fail_at(n, true);
				kr = enter_mega(pmap, W0, VM_PROT_DEFAULT, wired ? PMAP_WIRED : 0);
				vm_alloc_fail_at(0, false);
				if (kr != KERN_SUCCESS) {
					ASSERT_EQ(kr, KERN_RESOURCE_SHORTAGE);
					ASSERT_EQ(stats(pmap).resident, promote ? 400 : 0);
					ASSERT_EQ(stats(pmap).wired, 0);
				} else
					ASSERT_EQ(stats(pmap).resident, 512);
				(void)pmap_wire_range(pmap, W0, W0 + M, false);
				teardown();
				if (kr == KERN_SUCCESS)
					break;
			}
}

/* --- write protection that is put off --- */

/* 512 leaves of 4 KiB at W0, all writable. */
static bool
small_leaves(void)
{
	for (unsigned i = 0; i < VM_CHUNK_PAGES; i++)
		if (enter(pmap, W0 + i * P, i, VM_PROT_DEFAULT, VM_PROT_WRITE) != KERN_SUCCESS)
			return false;
	return true;
}

TEST(pmap_park, a_whole_table_is_put_aside_and_comes_back_without_write)
{
	struct pmap_walk w;

	if (!setup())
		return;
	ASSERT_TRUE(small_leaves());
	pmap_write_protect(pmap, W0, W0 + M, VM_PROT_DEFAULT);
	ASSERT_FALSE(walk(pmap, W0).leaf);
	ASSERT_EQ(stats(pmap).resident, 512);
	ASSERT_TRUE(modified(5));               /* what it knows is known */
	pmap_write_protect(pmap, W0, W0 + M, VM_PROT_DEFAULT);
	ASSERT_FALSE(pmap_fault(pmap, W0 + 7 * P, VM_PROT_WRITE));
	w = walk(pmap, W0 + 8 * P);
	ASSERT_EQ(w.prot, VM_PROT_READ);
	ASSERT_EQ(w.pa, vm_page_pa(page(8)));
	pmap_write_protect(pmap, W0, W0 + M, VM_PROT_DEFAULT);
	ASSERT_TRUE(pmap_fault(pmap, W0 + 7 * P, VM_PROT_READ));
	/* Or by whoever enters a page. */
	pmap_write_protect(pmap, W0, W0 + M, VM_PROT_DEFAULT);
	ASSERT_EQ(enter(pmap, W0 + 3 * P, 3, VM_PROT_DEFAULT, VM_PROT_WRITE), KERN_SUCCESS);
	ASSERT_EQ(walk(pmap, W0 + 3 * P).prot, VM_PROT_DEFAULT);
	ASSERT_EQ(walk(pmap, W0 + 4 * P).prot, VM_PROT_READ);
	teardown();
}

TEST(pmap_park, what_is_put_aside_can_be_taken_away)
{
	if (!setup())
		return;
	ASSERT_TRUE(small_leaves());
	pmap_write_protect(pmap, W0, W0 + M, VM_PROT_DEFAULT);
	pmap_remove(pmap, W0, W0 + 2 * P);
	page_protect(9, VM_PROT_NONE);
	ASSERT_EQ(stats(pmap).resident, 509);
	page_clean(10);
	ASSERT_FALSE(modified(10));
	ASSERT_FALSE(pmap_fault(pmap, W0, VM_PROT_READ));
	ASSERT_FALSE(walk(pmap, W0 + 9 * P).leaf);
	ASSERT_TRUE(walk(pmap, W0 + 10 * P).leaf);
	pmap_write_protect(pmap, W0, W0 + M, VM_PROT_DEFAULT);
	for (unsigned i = 0; i < VM_CHUNK_PAGES; i++)
		page_protect(i, VM_PROT_NONE);  /* the last leaf takes the table along */
	ASSERT_EQ(stats(pmap).resident, 0);
	ASSERT_TRUE(small_leaves());
	pmap_write_protect(pmap, W0, W0 + M, VM_PROT_DEFAULT);
	pmap_collect(pmap);
	ASSERT_EQ(stats(pmap).resident, 0);
	ASSERT_TRUE(small_leaves());
	pmap_write_protect(pmap, W0, W0 + M, VM_PROT_DEFAULT);
	teardown();                             /* destroyed as it is */
}

TEST(pmap_park, wiring_nesting_and_a_megapage_find_the_table)
{
	pmap_t parent;

	if (!setup())
		return;
	ASSERT_TRUE(small_leaves());
	pmap_write_protect(pmap, W0, W0 + M, VM_PROT_DEFAULT);
	ASSERT_EQ(pmap_wire_range(pmap, W0, W0 + P, true), KERN_SUCCESS);
	ASSERT_TRUE(walk(pmap, W0).wired);
	ASSERT_EQ(walk(pmap, W0).prot, VM_PROT_READ);
	/* With something wired it stays in place, and loses WRITE at once. */
	ASSERT_EQ(enter(pmap, W0 + 3 * P, 3, VM_PROT_DEFAULT, VM_PROT_WRITE), KERN_SUCCESS);
	pmap_write_protect(pmap, W0, W0 + M, VM_PROT_DEFAULT);
	ASSERT_EQ(walk(pmap, W0 + 3 * P).prot, VM_PROT_READ);
	ASSERT_EQ(pmap_wire_range(pmap, W0, W0 + P, false), KERN_SUCCESS);
	pmap_write_protect(pmap, W0, W0 + M, VM_PROT_DEFAULT);
	ASSERT_FALSE(walk(pmap, W0).leaf);
	ASSERT_EQ(enter_mega(pmap, W0, VM_PROT_READ, 0), KERN_SUCCESS);
	ASSERT_EQ(walk(pmap, W0).size, M);
	ASSERT_EQ(walk(pmap, W0).prot, VM_PROT_READ);
	ASSERT_TRUE(walk(pmap, W0).dirty);
	pmap_remove(pmap, W0, W0 + M);
	ASSERT_TRUE(small_leaves());
	pmap_write_protect(pmap, W0, W0 + M, VM_PROT_DEFAULT);
	parent = pmap_create();
	ASSERT_TRUE(parent != NULL);
	ASSERT_EQ(pmap_nest(parent, pmap, 8 * M, W0, M), KERN_SUCCESS);
	ASSERT_EQ(walk(parent, 8 * M + P).prot, VM_PROT_READ);
	pmap_write_protect(pmap, W0, W0 + M, VM_PROT_DEFAULT);  /* others need it: not put aside */
	ASSERT_TRUE(walk(parent, 8 * M + P).leaf);
	pmap_destroy(parent);
	teardown();
}
