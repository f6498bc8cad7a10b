/*
 * pmap_giga.c: gigapage leaves: folding and splitting keep what they map and
 * what is known of its use; splits need no memory; making one without memory
 * leaves sound tables; no hart keeps a translation that has gone.
 *
 * One object of 1 GiB in one run; the runner gives the suite such memory.
 */
#include <arch/sv.h>
#include <arch/tlb.h>
#include <machine/hart.h>
#include <mm/pmap.h>
#include <mm/vm_object.h>
#include <mm/vm_page_compact.h>
#include <host.h>
#include <tlb_sim.h>

#define P       PAGE_SIZE
#define M       MEGAPAGE_SIZE
#define G       GIGAPAGE_SIZE
#define AT      (4 * G)
#define PAGES   (G / P)

static vm_object_t object, scattered;
static pmap_t      pmap, other;

static struct vm_page *
page(uint64_t i)
{
	struct vm_page *m;

	spin_lock(&object->lock);
	m = vm_page_lookup(object, i * P);
	spin_unlock(&object->lock);
	return m;
}

static void
setup(void)
{
	object = vm_object_allocate(G, 0);
	scattered = vm_object_allocate(P, 0);
	pmap = pmap_create();
	other = pmap_create();
	ASSERT_TRUE(object != NULL && scattered != NULL && pmap != NULL && other != NULL);
	ASSERT_EQ(vm_object_populate_run(object, 0, VM_PAGE_ORDER_GIGA), KERN_SUCCESS);
	ASSERT_TRUE(vm_object_page_alloc(scattered, 0, VM_OBJECT_ZERO) != NULL);
}

static void
sound(void)
{
	vm_offset_t at = 0;

	ASSERT_EQ(pmap_check(pmap, &at), NULL);
	ASSERT_EQ(pmap_check(other, &at), NULL);
}

static void
teardown(void)
{
	sound();
	pmap_destroy(pmap);
	pmap_destroy(other);
	vm_object_deallocate(object);
	vm_object_deallocate(scattered);
}

static kern_return_t
enter_giga(pmap_t p, vm_offset_t va, vm_prot_t prot, unsigned flags)
{
	kern_return_t kr;

	spin_lock(&object->lock);
	kr = pmap_enter_giga(p, va, vm_chunk_find(object, 0), prot, flags);
	spin_unlock(&object->lock);
	return kr;
}

static kern_return_t
enter_mega(pmap_t p, vm_offset_t va, unsigned i, vm_prot_t prot, unsigned flags)
{
	kern_return_t kr;

	spin_lock(&object->lock);
	kr = pmap_enter_mega(p, va + i * M, vm_chunk_find(object, i), prot, flags);
	spin_unlock(&object->lock);
	return kr;
}

static kern_return_t
enter(pmap_t p, vm_offset_t va, struct vm_page *m, vm_prot_t prot, unsigned flags)
{
	vm_object_t o = m->o.chunk->object;
	kern_return_t kr;

	spin_lock(&o->lock);
	kr = pmap_enter(p, va, m, prot, flags);
	spin_unlock(&o->lock);
	return kr;
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

static bool
asked(bool (*question)(struct vm_page *), uint64_t i)
{
	struct vm_page *m = page(i);
	bool yes;

	spin_lock(&object->lock);
	yes = question(m);
	spin_unlock(&object->lock);
	return yes;
}

static void
page_op(uint64_t i, int what)
{
	struct vm_page *m = page(i);

	spin_lock(&object->lock);
	if (what == 0)
		pmap_page_protect(m, VM_PROT_READ);
	else if (what == 1)
		pmap_clear_modify(m);
	else if (what == 2)
		pmap_chunk_protect(m->o.chunk, VM_PROT_READ);
	else
		pmap_clear_reference(m);
	spin_unlock(&object->lock);
}

/* --- what splits one --- */

enum change { PROTECT, REMOVE, ADVISED, WIRE, OTHER_PAGE, ONE_PAGE, CLEAN, CHUNK, NEST, CHANGES };

/* Page 1000, in the second megapage, loses something. */
static void
change(enum change how)
{
	vm_offset_t va = AT + 1000 * P;

	switch (how) {
	case PROTECT:
		pmap_protect(pmap, va, va + P, VM_PROT_READ);
		break;
	case REMOVE:
		pmap_remove(pmap, va, va + P);
		break;
	case ADVISED:
		pmap_remove_advised(pmap, va, va + P, false);
		break;
	case WIRE:
		ASSERT_EQ(pmap_wire_range(pmap, va, va + P, true), KERN_SUCCESS);
		break;
	case OTHER_PAGE:
		ASSERT_EQ(enter(pmap, va, vm_page_lookup(scattered, 0), VM_PROT_READ, 0), KERN_SUCCESS);
		break;
	case ONE_PAGE:
		page_op(1000, 0);
		break;
	case CLEAN:
		page_op(1000, 1);
		break;
	case CHUNK:
		page_op(1000, 2);
		break;
	default:
		ASSERT_EQ(pmap_nest(other, pmap, AT, AT + M, M), KERN_SUCCESS);
	}
}

TEST(pmap_giga, each_change_of_a_part_splits_it_and_is_counted_by_its_reason)
{
	static const enum pmap_split reason[CHANGES] = {
		PMAP_SPLIT_PROTECT, PMAP_SPLIT_REMOVE, PMAP_SPLIT_ADVICE, PMAP_SPLIT_WIRE, PMAP_SPLIT_COPY, PMAP_SPLIT_PAGE,
		PMAP_SPLIT_CLEAN, PMAP_SPLIT_PROTECT, PMAP_SPLIT_NEST,
	};
	uint64_t tables;

	setup();
	for (enum change how = 0; how < CHANGES; how++) {
		struct pmap_stats s, before = stats(pmap);

		ASSERT_EQ(enter_giga(pmap, AT, VM_PROT_DEFAULT, 0), KERN_SUCCESS);
		tables = stats(pmap).tables;
		ASSERT_EQ(stats(pmap).gigapages, 1);
		ASSERT_EQ(stats(pmap).resident, PAGES);
		ASSERT_EQ(walk(pmap, AT + 1000 * P).size, G);
		ASSERT_EQ(walk(pmap, AT + 1000 * P).pa, vm_page_pa(page(1000)));
		change(how);
		s = stats(pmap);
		ASSERT_EQ(s.gigapages, 0);
		ASSERT_EQ(s.megapages, how == CHUNK ? 512 : 511);
		ASSERT_EQ(s.giga.split[reason[how]], before.giga.split[reason[how]] + 1);
		ASSERT_EQ(s.giga.demotions, before.giga.demotions + 1);
		ASSERT_EQ(s.tables, tables + (how != CHUNK));   /* the directory was there */
		ASSERT_EQ(s.resident, how == REMOVE || how == ADVISED ? PAGES - 1 : PAGES);
		ASSERT_EQ(walk(pmap, AT + 999 * P).size, how == CHUNK ? M : P);
		ASSERT_EQ(walk(pmap, AT + 1024 * P).size, M);
		ASSERT_EQ(walk(pmap, AT + 1024 * P).pa, vm_page_pa(page(1024)));
		ASSERT_EQ(walk(pmap, AT + G - P).pa, vm_page_pa(page(PAGES - 1)));
		ASSERT_EQ(walk(pmap, AT + G - P).prot, VM_PROT_DEFAULT);
		ASSERT_TRUE(walk(pmap, AT + G - P).dirty);
		sound();
		if (how == NEST)
			break;          /* what is pinned stays */
		pmap_remove(pmap, AT, AT + G);
		ASSERT_EQ(stats(pmap).resident, 0);
		ASSERT_EQ(stats(pmap).tables, 1);
		sound();
	}
	ASSERT_EQ(enter_giga(pmap, AT, VM_PROT_DEFAULT, 0), KERN_NOT_SUPPORTED);
	pmap_unnest(other, AT, M);
	teardown();
}

TEST(pmap_giga, a_change_of_all_of_it_splits_nothing)
{
	setup();
	ASSERT_EQ(enter_giga(pmap, AT, VM_PROT_DEFAULT, 0), KERN_SUCCESS);
	ASSERT_EQ(enter_giga(other, 9 * G, VM_PROT_DEFAULT, 0), KERN_SUCCESS);
	ASSERT_EQ(enter_giga(other, 7 * G, VM_PROT_READ, 0), KERN_SUCCESS);
	pmap_write_protect(pmap, AT - G, AT + 2 * G, VM_PROT_DEFAULT);
	ASSERT_EQ(walk(pmap, AT).prot, VM_PROT_READ);
	ASSERT_EQ(walk(other, 9 * G).prot, VM_PROT_DEFAULT);
	ASSERT_EQ(enter_giga(pmap, AT, VM_PROT_DEFAULT, 0), KERN_SUCCESS);
	ASSERT_EQ(walk(pmap, AT).prot, VM_PROT_DEFAULT);
	ASSERT_EQ(pmap_wire_range(pmap, AT, AT + G, true), KERN_SUCCESS);
	ASSERT_EQ(stats(pmap).wired, PAGES);
	pmap_collect(pmap);
	ASSERT_EQ(stats(pmap).gigapages, 1);
	sound();
	ASSERT_EQ(pmap_wire_range(pmap, AT, AT + G, false), KERN_SUCCESS);
	ASSERT_EQ(stats(pmap).wired, 0);
	pmap_clear_reference_range(pmap, AT, AT + G);
	ASSERT_FALSE(walk(pmap, AT + M).accessed);
	ASSERT_TRUE(pmap_fault(pmap, AT + 5 * M, VM_PROT_READ));
	ASSERT_TRUE(walk(pmap, AT + M).accessed);
	/* A page or megapage that is there as wanted: nothing to do. */
	ASSERT_EQ(enter(pmap, AT + 700 * P, page(700), VM_PROT_DEFAULT, 0), KERN_SUCCESS);
	ASSERT_EQ(enter_mega(pmap, AT, 5, VM_PROT_DEFAULT, 0), KERN_SUCCESS);
	ASSERT_EQ(stats(pmap).giga.demotions, 0);
	ASSERT_EQ(stats(other).gigapages, 2);
	pmap_collect(pmap);
	ASSERT_EQ(stats(pmap).resident, 0);
	pmap_protect(other, 9 * G, 10 * G, VM_PROT_NONE);
	ASSERT_EQ(stats(other).gigapages, 1);
	teardown();
}

TEST(pmap_giga, a_page_of_several_mappings_is_found_in_all)
{
	setup();
	ASSERT_EQ(enter_giga(pmap, AT, VM_PROT_DEFAULT, 0), KERN_SUCCESS);
	ASSERT_EQ(enter_giga(other, 9 * G, VM_PROT_DEFAULT, 0), KERN_SUCCESS);
	ASSERT_EQ(enter_mega(other, 8 * G, 3, VM_PROT_DEFAULT, 0), KERN_SUCCESS);
	page_op(3 * 512 + 7, 0);
	ASSERT_EQ(walk(pmap, AT + 3 * M + 7 * P).prot, VM_PROT_READ);
	ASSERT_EQ(walk(other, 9 * G + 3 * M + 7 * P).prot, VM_PROT_READ);
	ASSERT_EQ(walk(other, 8 * G + 3 * M + 7 * P).prot, VM_PROT_READ);
	ASSERT_EQ(walk(other, 9 * G + 3 * M + 8 * P).prot, VM_PROT_DEFAULT);
	ASSERT_EQ(walk(other, 9 * G + 4 * M).size, M);
	page_op(3 * 512 + 7, 0);                /* nothing to lose any more */
	ASSERT_EQ(stats(other).giga.demotions, 1);
	teardown();
}

/* --- referenced and modified --- */

TEST(pmap_giga, folding_gathers_what_was_written_and_a_split_spreads_it)
{
	setup();
	for (unsigned i = 0; i < 512; i++)
		if (i != 9)
			ASSERT_EQ(enter_mega(pmap, AT, i, VM_PROT_READ, 0), KERN_SUCCESS);
	ASSERT_EQ(enter(pmap, AT + 9 * M + 5 * P, page(9 * 512 + 5), VM_PROT_DEFAULT, VM_PROT_WRITE), KERN_SUCCESS);
	pmap_protect(pmap, AT, AT + G, VM_PROT_READ);
	ASSERT_FALSE(asked(pmap_is_modified, 77));
	ASSERT_EQ(enter_giga(pmap, AT, VM_PROT_READ, 0), KERN_SUCCESS);
	ASSERT_EQ(stats(pmap).giga.promotions, 1);
	ASSERT_EQ(stats(pmap).giga.entered, 0);
	ASSERT_TRUE(walk(pmap, AT).dirty);
	ASSERT_TRUE(asked(pmap_is_modified, 9 * 512 + 5));
	pmap_remove(pmap, AT, AT + P);
	ASSERT_TRUE(walk(pmap, AT + 9 * M).dirty);
	ASSERT_TRUE(walk(pmap, AT + 9 * M).accessed);
	ASSERT_TRUE(asked(pmap_is_modified, 0));        /* harvested */
	pmap_remove(pmap, AT, AT + G);
	ASSERT_TRUE(asked(pmap_is_modified, 9 * 512 + 5));
	teardown();
}

TEST(pmap_giga, nothing_is_modified_that_nobody_wrote)
{
	setup();
	ASSERT_EQ(enter_giga(pmap, AT, VM_PROT_READ, 0), KERN_SUCCESS);
	ASSERT_FALSE(walk(pmap, AT).dirty);
	ASSERT_FALSE(asked(pmap_is_modified, 12345));
	ASSERT_TRUE(asked(pmap_is_referenced, 12345));
	page_op(512, 3);                        /* the first of a megapage is not the first of the leaf */
	ASSERT_TRUE(asked(pmap_is_referenced, 12345));
	page_op(0, 3);
	ASSERT_FALSE(asked(pmap_is_referenced, 12345));
	pmap_remove(pmap, AT, AT + G);
	ASSERT_FALSE(asked(pmap_is_modified, 0));
	ASSERT_FALSE(asked(pmap_is_referenced, 12345));
	/* Taken away whole, a written one leaves its mark on each page. */
	ASSERT_EQ(enter_giga(pmap, AT, VM_PROT_DEFAULT, 0), KERN_SUCCESS);
	pmap_remove(pmap, AT, AT + G);
	ASSERT_TRUE(asked(pmap_is_modified, PAGES - 1));
	page_op(PAGES - 1, 1);
	ASSERT_FALSE(asked(pmap_is_modified, PAGES - 1));
	teardown();
}

/* --- folding --- */

TEST(pmap_giga, it_takes_the_place_of_all_that_was_there)
{
	setup();
	/* Pages and megapages of its own, a table put aside, others' pages, an empty table, nothing. */
	for (unsigned i = 0; i < 200; i++)
		ASSERT_EQ(enter(pmap, AT + i * P, page(i), VM_PROT_DEFAULT, 0), KERN_SUCCESS);
	ASSERT_EQ(enter_mega(pmap, AT, 1, VM_PROT_DEFAULT, 0), KERN_SUCCESS);
	pmap_write_protect(pmap, AT, AT + 2 * M, VM_PROT_DEFAULT);
	ASSERT_TRUE(walk(pmap, AT).parked);
	ASSERT_EQ(enter_mega(pmap, AT, 2, VM_PROT_READ, 0), KERN_SUCCESS);
	ASSERT_EQ(enter_mega(pmap, AT + M, 3, VM_PROT_DEFAULT, 0), KERN_SUCCESS);       /* at another's place */
	ASSERT_EQ(enter(pmap, AT + 9 * M, vm_page_lookup(scattered, 0), VM_PROT_READ, 0), KERN_SUCCESS);
	ASSERT_EQ(enter(pmap, AT + 10 * M, page(10 * 512), VM_PROT_READ, 0), KERN_SUCCESS);
	pmap_remove(pmap, AT + 10 * M, AT + 10 * M + P);
	sound();
	ASSERT_EQ(enter_giga(pmap, AT, VM_PROT_DEFAULT, 0), KERN_SUCCESS);
	ASSERT_EQ(stats(pmap).resident, PAGES);
	ASSERT_EQ(stats(pmap).gigapages, 1);
	ASSERT_EQ(stats(pmap).megapages, 0);
	sound();
	pmap_remove(pmap, AT, AT + G);
	/* One page of another's is all there is: directory and upper tables go, and come again. */
	ASSERT_EQ(enter(pmap, AT, vm_page_lookup(scattered, 0), VM_PROT_READ, 0), KERN_SUCCESS);
	ASSERT_EQ(enter_giga(pmap, AT, VM_PROT_DEFAULT, 0), KERN_SUCCESS);
	ASSERT_EQ(stats(pmap).resident, PAGES);
	ASSERT_EQ(enter_giga(pmap, AT, VM_PROT_NONE, 0), KERN_SUCCESS);
	ASSERT_EQ(stats(pmap).resident, 0);
	teardown();
}

TEST(pmap_giga, wired_megapages_become_a_wired_gigapage_and_back)
{
	uint64_t tables;

	setup();
	for (unsigned i = 0; i < 512; i++)
		ASSERT_EQ(enter_mega(pmap, AT, i, VM_PROT_DEFAULT, PMAP_WIRED), KERN_SUCCESS);
	tables = stats(pmap).tables;
	vm_alloc_fail_at(1, true);
	ASSERT_EQ(enter_giga(pmap, AT, VM_PROT_DEFAULT, PMAP_WIRED), KERN_SUCCESS);     /* folding takes no memory */
	vm_alloc_fail_at(0, false);
	ASSERT_EQ(stats(pmap).tables, tables);
	ASSERT_EQ(stats(pmap).wired, PAGES);
	sound();
	ASSERT_EQ(enter_giga(pmap, AT, VM_PROT_DEFAULT, 0), KERN_SUCCESS);
	ASSERT_EQ(stats(pmap).wired, 0);
	ASSERT_EQ(stats(pmap).tables, tables - 512);
	ASSERT_EQ(enter_giga(pmap, AT, VM_PROT_DEFAULT, PMAP_WIRED), KERN_SUCCESS);
	pmap_collect(pmap);
	ASSERT_EQ(stats(pmap).wired, PAGES);
	pmap_change_wiring(pmap, AT + 5 * P, false);
	ASSERT_EQ(stats(pmap).wired, PAGES - 1);
	sound();
	pmap_collect(pmap);
	ASSERT_EQ(stats(pmap).wired, PAGES - 1);
	ASSERT_EQ(walk(pmap, AT + 2 * M).size, M);
	teardown();
}

/* --- memory --- */

TEST(pmap_giga, no_split_needs_memory_when_wired_either)
{
	setup();
	for (unsigned wired = 0; wired < 2; wired++) {
		ASSERT_EQ(enter_giga(pmap, AT, VM_PROT_DEFAULT, wired ? PMAP_WIRED : 0), KERN_SUCCESS);
		vm_alloc_fail_at(1, true);
		/* Of a wired one, each megapage: more than any reserve. */
		for (unsigned i = 0; i < (wired ? 512 : 3); i++)
			pmap_protect(pmap, AT + i * M + P, AT + i * M + 2 * P, VM_PROT_READ);
		vm_alloc_fail_at(0, false);
		ASSERT_EQ(stats(pmap).resident, PAGES);
		ASSERT_EQ(stats(pmap).wired, wired ? PAGES : 0);
		ASSERT_EQ(stats(pmap).mega.dropped, 0);
		ASSERT_EQ(stats(pmap).megapages, wired ? 0 : 509);
		ASSERT_EQ(walk(pmap, AT + P).prot, VM_PROT_READ);
		sound();
		pmap_remove_dead(pmap, AT, AT + G);
	}
	teardown();
}

/* What is there before: nothing, a page of its own, megapages, a gigapage. */
static void
prepare(unsigned kind)
{
	if (kind == 1)
		ASSERT_EQ(enter(pmap, AT + 300 * P, page(300), VM_PROT_DEFAULT, 0), KERN_SUCCESS);
	for (unsigned i = 0; kind == 2 && i < 510; i++)
		ASSERT_EQ(enter_mega(pmap, AT, i, VM_PROT_DEFAULT, 0), KERN_SUCCESS);
	if (kind == 3)
		ASSERT_EQ(enter_giga(pmap, AT, VM_PROT_DEFAULT, 0), KERN_SUCCESS);
}

TEST(pmap_giga, any_allocation_may_fail)
{
	unsigned refused = 0;

	setup();
	for (unsigned kind = 0; kind < 4; kind++)
		for (unsigned flags = 0; flags <= PMAP_WIRED; flags += PMAP_WIRED) {
			unsigned n = 1;
			kern_return_t kr;

			for (;; n = n < 4 ? n + 1 : 2 * n) {
				prepare(kind);
				vm_alloc_fail_at(n, false);
				kr = enter_giga(pmap, AT, VM_PROT_DEFAULT, flags);
				vm_alloc_fail_at(0, false);
				sound();
				if (kr == KERN_SUCCESS)
					break;
				ASSERT_EQ(kr, KERN_RESOURCE_SHORTAGE);
				ASSERT_EQ(stats(pmap).giga.refused[PMAP_REFUSED_SHORTAGE] + stats(pmap).mega.refused[PMAP_REFUSED_SHORTAGE],
				    ++refused);
				if (kind == 0)
					ASSERT_EQ(stats(pmap).tables, 1);
				if (kind == 3)
					ASSERT_EQ(stats(pmap).gigapages, 1);
				pmap_remove_dead(pmap, AT, AT + G);
				ASSERT_EQ(stats(pmap).tables, 1);
			}
			ASSERT_TRUE(n > 1 || (kind == 3 && flags == 0));
			ASSERT_EQ(walk(pmap, AT).size, G);
			pmap_remove_dead(pmap, AT, AT + G);
		}
	teardown();
}

/* --- the checker --- */

/* pmap_check finds `wrong` while `seed` is done, and nothing after `undo`. */
#define SEED(seed, undo, wrong) \
	do { \
		vm_offset_t where_ = 0; \
		const char *found_; \
		seed; \
		found_ = pmap_check(pmap, &where_); \
		undo; \
		ASSERT_TRUE(found_ != NULL && strstr(found_, wrong) != NULL); \
		ASSERT_EQ(pmap_check(pmap, &where_), NULL); \
	} while (0)

TEST(pmap_giga, the_checker_sees_what_is_wrong)
{
	struct vm_page *dir;
	struct vm_chunk *c;
	pte_t *e;
	unsigned level;

	setup();
	ASSERT_EQ(enter_giga(pmap, AT, VM_PROT_DEFAULT, 0), KERN_SUCCESS);
	dir = pmap->dirs;
	e = sv_find(pmap->root, pmap->levels, AT, &level);
	c = vm_chunk_find(object, 99);
	ASSERT_EQ(level, 2);
	SEED(pmap->gigapages++, pmap->gigapages--, "directories laid aside");
	SEED(pmap->dirs = NULL, pmap->dirs = dir, "without a directory");
	SEED(dir->slot--, dir->slot++, "without a directory");
	SEED(c->pv->count--, c->pv->count++, "wrong reverse mapping");
	SEED(c->pv->mega = false, c->pv->mega = true, "wrong reverse mapping");
	SEED(*e &= ~PTE_D, *e |= PTE_D, "without D");
	SEED(*e ^= 1ul << 20, *e ^= 1ul << 20, "misaligned");
	SEED(c->resident--, c->resident++, "512 full reservations");
	SEED(pmap->nspares++, pmap->nspares--, "in reserve");
	teardown();
}

/* --- translations --- */

static uint64_t seed;

static unsigned
pick(unsigned n)
{
	seed = seed * 6364136223846793005ul + 1442695040888963407ul;
	return (unsigned)(seed >> 33) % n;
}

/* Something random to the gigabyte at AT or a part of it; sometimes it is made whole again. */
static void
disturb(void)
{
	vm_offset_t va = AT + pick(512) * M + pick(512) * P, end = va + (1 + pick(3)) * P;
	unsigned what = pick(12);

	if (pick(4) == 0) {
		va &= ~MEGAPAGE_MASK;
		end = va + M;
	}
	if (end > AT + G)
		end = AT + G;
	if (what < 4) {
		(void)enter_giga(pmap, AT, pick(3) != 0 ? VM_PROT_DEFAULT : VM_PROT_READ, pick(5) == 0 ? PMAP_WIRED : 0);
		return;
	}
	switch (what) {
	case 4:
		pmap_protect(pmap, va, end, VM_PROT_READ);
		break;
	case 5:
		pmap_remove(pmap, va, end);
		break;
	case 6:
		(void)pmap_wire_range(pmap, va, end, pick(2));
		break;
	case 7:
		page_op((va - AT) / P, (int)pick(4));
		break;
	case 8:
		pmap_write_protect(pmap, AT, AT + G, VM_PROT_DEFAULT);
		break;
	case 9:
		pmap_remove(pmap, AT, AT + G);
		break;
	case 10:
		(void)enter(pmap, va, page((va - AT) / P), VM_PROT_DEFAULT, VM_PROT_WRITE);
		break;
	default:
		pmap_clear_reference_range(pmap, va, end);
	}
}

/* Each hart reaches the right page, or none. */
static void
look(vm_offset_t va)
{
	for (unsigned h = 0; h < 3; h++) {
		vm_prot_t access = pick(2) ? VM_PROT_READ : VM_PROT_WRITE;
		struct pmap_walk w = walk(pmap, va);
		paddr_t pa = 0;

		if (!tlb_sim_access(h, va, access, &pa))
			continue;
		ASSERT_TRUE(w.leaf && (w.prot & access));
		ASSERT_EQ(pa, w.pa);
		ASSERT_EQ(pa, vm_page_pa(page((va - AT) / P)));
	}
}

static void
storm(const struct tlb_sim_config *config, unsigned rounds)
{
	vm_offset_t where = 0;
	uint64_t splits = 0;

	tlb_sim_next = *config;
	host_boot(HOST_MEM_GIGA);
	setup();
	seed = config->seed;
	for (unsigned h = 0; h < 3; h++) {
		tlb_sim_become(h);
		pmap_switch(pmap);
	}
	for (unsigned i = 0; i < rounds; i++) {
		tlb_sim_become(pick(3));
		disturb();
		for (unsigned j = 0; j < 6; j++)
			look(AT + pick(512) * M + pick(512) * P);
		ASSERT_EQ(tlb_sim_audit(pmap, &where), NULL);
		ASSERT_EQ(tlb_sim_violation, NULL);
		if (i % 8 == 0)
			sound();
		if (test_failed())
			return;
	}
	splits = stats(pmap).giga.demotions;
	ASSERT_TRUE(splits > rounds / 16);
	for (unsigned h = 0; h < 3; h++) {
		tlb_sim_become(h);
		pmap_switch(pmap_kernel());
	}
	tlb_sim_become(0);
	teardown();
}

TEST(pmap_giga, no_hart_keeps_what_has_gone_sv39)
{
	struct tlb_sim_config c = TLB_SIM_DEFAULT;

	c.levels = 3;
	c.seed = 11;
	storm(&c, 120);
}

TEST(pmap_giga, no_hart_keeps_what_has_gone_sv48_ad_by_fault)
{
	struct tlb_sim_config c = TLB_SIM_DEFAULT;

	c.levels = 4;
	c.fault_ad = true;
	c.seed = 12;
	storm(&c, 120);
}

TEST(pmap_giga, no_hart_keeps_what_has_gone_sv57_without_asids)
{
	struct tlb_sim_config c = TLB_SIM_DEFAULT;

	c.levels = 5;
	c.asid_bits = 0;
	c.seed = 13;
	storm(&c, 120);
}
