/*
 * pmap_white.c: the pmap from the inside: what pmap_check must notice, what
 * fences cost, what happens without memory, and harts at work side by side.
 */
#include <unistd.h>
#include <machine/tlb.h>
#include <arch/sv.h>
#include <arch/tlb.h>
#include <mm/vm_object.h>
#include <mm/zone.h>
#include <host.h>
#include <tlb_sim.h>

#define W0  (16 * MEGAPAGE_SIZE)

static vm_object_t object;
static pmap_t      pmap;

static struct vm_page *page(unsigned i) { return vm_page_lookup(object, i * PAGE_SIZE); }
static struct vm_chunk *chunk(void) { return vm_chunk_find(object, 0); }

static bool
setup(void)
{
	object = vm_object_allocate(MEGAPAGE_SIZE, 0);
	pmap = pmap_create();
	for (unsigned i = 0; i < 512; i++)
		if (vm_object_page_alloc(object, i * PAGE_SIZE, false) == NULL)
			return false;
	return vm_chunk_is_megapage(chunk());
}

/* As setup, on a machine of this kind. */
static bool
setup_on(unsigned levels, unsigned asid_bits, bool fault_ad)
{
	tlb_sim_next = (struct tlb_sim_config){ levels, asid_bits, fault_ad, .seed = 7 };
	host_boot(HOST_MEM_DEFAULT);
	return setup();
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
on(unsigned hart, pmap_t p)
{
	tlb_sim_become(hart);
	pmap_switch(p);
}

static pte_t *
leaf(vm_offset_t va)
{
	unsigned level;

	return sv_find(pmap->root, pmap->levels, va, &level);
}

static kern_return_t
enter(unsigned i, vm_prot_t prot, unsigned flags)
{
	return pmap_enter(pmap, W0 + i * PAGE_SIZE, page(i), prot, flags);
}

/* --- tables --- */

TEST(sv, split_makes_512_leaves_of_equal_rights)
{
	struct vm_page *t = sv_table_alloc(0, false);
	pte_t mega = pte_make(6 * MEGAPAGE_SIZE, PTE_R | PTE_X | PTE_U | PTE_A | PTE_WIRED);

	sv_split(mega, 1, t);
	for (unsigned i = 0; i < SV_ENTRIES; i++) {
		ASSERT_EQ(pte_pa(sv_entries(t)[i]), 6 * MEGAPAGE_SIZE + i * PAGE_SIZE);
		ASSERT_EQ(sv_entries(t)[i] & ~PTE_PPN_MASK, mega & ~PTE_PPN_MASK);
	}
	sv_table_free(t, false);
}

TEST(sv, make_and_unhook_in_every_mode)
{
	for (unsigned levels = 3; levels <= SV_MAX_LEVELS; levels++) {
		struct vm_page *root = sv_table_alloc(levels - 1, true), *dead = NULL;
		vm_offset_t va = (1ul << (sv_va_bits(levels) - 1)) - PAGE_SIZE;
		unsigned level, made, n;
		pte_t *e = sv_make(sv_entries(root), levels, va, 0, &level, &made);

		ASSERT_TRUE(e != NULL);
		ASSERT_EQ(level, 0);
		ASSERT_EQ(made, levels - 1);
		ASSERT_EQ(sv_find(sv_entries(root), levels, va, &level), e);
		ASSERT_EQ(root->slot, 1);
		n = sv_unhook(sv_entries(root), levels, va, 0, &dead);
		ASSERT_EQ(n, levels - 1);
		ASSERT_EQ(root->slot, 0);
		while (dead != NULL)
			sv_table_free(sv_pop(&dead), true);
		sv_table_free(root, true);
	}
}

TEST(sv, make_without_memory_changes_nothing)
{
	struct vm_page *root = sv_table_alloc(4, true);
	unsigned level, made;

	for (unsigned n = 1; n <= 4; n++) {
		vm_alloc_fail_at(n, false);
		ASSERT_EQ(sv_make(sv_entries(root), 5, W0, 0, &level, &made), NULL);
		ASSERT_EQ(root->slot, 0);
		ASSERT_EQ(sv_or_all(sv_entries(root)), 0);
	}
	vm_alloc_fail_at(0, false);
	sv_table_free(root, true);
}

/* --- what pmap_check must notice --- */

#define SEED(statement, undo, text) \
	do { \
		vm_offset_t at_ = 0; \
		const char *was_; \
		statement; \
		was_ = pmap_check(pmap, &at_); \
		undo; \
		ASSERT_TRUE(was_ != NULL); \
		if (strstr(was_, text) == NULL) \
			test_fail(__FILE__, __LINE__, "\"%s\" lacks \"%s\"", was_, text); \
		ASSERT_EQ(pmap_check(pmap, &at_), NULL); \
	} while (0)

TEST(pmap_check, notices_what_is_wrong_with_leaves)
{
	pte_t *e, old;

	ASSERT_TRUE(setup());
	ASSERT_EQ(enter(0, VM_PROT_DEFAULT, 0), KERN_SUCCESS);
	ASSERT_EQ(enter(1, VM_PROT_DEFAULT, PMAP_WIRED), KERN_SUCCESS);
	e = leaf(W0);
	old = *e;
	SEED(*e = old & ~PTE_R, *e = old, "W and without R");
	SEED(*e = old & ~PTE_U, *e = old, "kernel leaf");
	SEED(*e = old & ~PTE_MANAGED, *e = old, "without a reverse mapping");
	SEED(page(0)->kind = VM_PAGE_KERNEL, page(0)->kind = VM_PAGE_OBJECT, "no object's page");
	SEED(*e = old & ~(PTE_R | PTE_W) & ~PTE_MANAGED, *e = old, "only leaves have");
	SEED(*e = (old & ~PTE_RWX) | PTE_X, *e = old, "execute-only");
	SEED(*e = old & ~PTE_V, *e = old, "invalid entry");
	SEED(*e = old | PTE_WIRED, *e = old, "count of wired");
	SEED(*e = pte_make(vm_page_pa(page(9)), old & ~PTE_PPN_MASK), *e = old, "without a reverse mapping");
	SEED(page(0)->slot = 8, vm_page_of_pfn(pte_pfn(old))->slot = 0, "not its chunk's");
	SEED(e[3] = old, e[3] = 0, "without a reverse mapping");
	teardown();
}

TEST(pmap_check, notices_wrong_counts_and_records)
{
	struct vm_page *t;
	struct pv *pv, *list;

	ASSERT_TRUE(setup());
	ASSERT_EQ(enter(0, VM_PROT_DEFAULT, 0), KERN_SUCCESS);
	ASSERT_EQ(enter(1, VM_PROT_DEFAULT, PMAP_WIRED), KERN_SUCCESS);
	t = sv_table_page(leaf(W0));
	pv = t->t.pv;
	SEED(t->slot++, t->slot--, "count of entries");
	SEED(t->t.md++, t->t.md--, "count of wired");
	SEED(t->level = 1, t->level = 0, "wrong kind or level");
	SEED(pv->count++, pv->count--, "wrong count");
	SEED(pv->pmap = NULL, pv->pmap = pmap, "wrong table");
	SEED(pv->window += MEGAPAGE_SIZE, pv->window -= MEGAPAGE_SIZE, "wrong table");
	list = chunk()->pv;
	SEED(chunk()->pv = NULL, chunk()->pv = list, "not on its chunk's list");
	SEED(pmap->resident++, pmap->resident--, "resident");
	SEED(pmap->wired++, pmap->wired--, "statistics: wired");
	SEED(pmap->tables++, pmap->tables--, "statistics: tables");
	SEED(pmap->megapages++, pmap->megapages--, "megapages");
	SEED(pmap->nspares++, pmap->nspares--, "in reserve");
	SEED(pmap->leaf_window++, pmap->leaf_window--, "leaf cache");
	pmap_remove(pmap, W0 + MEGAPAGE_SIZE, W0 + 2 * MEGAPAGE_SIZE);  /* walks, and so knows the directory */
	SEED(pmap->dir_window++, pmap->dir_window--, "directory cache");
	SEED(pmap->dir += 512, pmap->dir -= 512, "directory cache");
	SEED(pmap->root[511] ^= PTE_G, pmap->root[511] ^= PTE_G, "kernel half");
	teardown();
}

TEST(pmap_check, notices_wrong_megapages)
{
	pte_t *e, old;

	ASSERT_TRUE(setup());
	ASSERT_EQ(pmap_enter_mega(pmap, W0, chunk(), VM_PROT_DEFAULT, 0), KERN_SUCCESS);
	e = leaf(W0);
	old = *e;
	SEED(*e = old & ~PTE_D, *e = old, "without D");
	SEED(*e = old + (1ul << PTE_PPN_SHIFT), *e = old, "misaligned");
	SEED(sv_table_page(e)->t.pv->count = 1, sv_table_page(e)->t.pv->count = 512, "wrong count");
	teardown();
}

/* --- fences --- */

#define COUNT(field) (tlb_sim_counts.field)

TEST(tlb, a_leaf_that_becomes_valid_owes_no_fence)
{
	struct tlb_sim_counts before;

	ASSERT_TRUE(setup());
	on(1, pmap);
	on(0, pmap);
	before = tlb_sim_counts;
	for (unsigned i = 0; i < 8; i++)
		ASSERT_EQ(enter(i, VM_PROT_DEFAULT, 0), KERN_SUCCESS);
	ASSERT_EQ(memcmp(&before, &tlb_sim_counts, sizeof(before)), 0);
	on(1, pmap_kernel());
	on(0, pmap_kernel());
	teardown();
}

TEST(tlb, one_call_one_batch)
{
	uint64_t calls;

	ASSERT_TRUE(setup());
	on(1, pmap);
	on(2, pmap);
	on(0, pmap);
	for (unsigned i = 0; i < 200; i++)
		ASSERT_EQ(enter(i, VM_PROT_DEFAULT, 0), KERN_SUCCESS);
	calls = COUNT(remote);
	pmap_protect(pmap, W0, W0 + 200 * PAGE_SIZE, VM_PROT_READ);
	ASSERT_EQ(COUNT(remote), calls + 1);
	pmap_protect(pmap, W0, W0 + 200 * PAGE_SIZE, VM_PROT_READ);     /* takes nothing */
	ASSERT_EQ(COUNT(remote), calls + 1);
	pmap_remove(pmap, W0, W0 + 10 * PAGE_SIZE);
	ASSERT_EQ(COUNT(remote), calls + 2);
	pmap_remove(pmap, W0, W0 + 10 * PAGE_SIZE);
	ASSERT_EQ(COUNT(remote), calls + 2);
	pmap_remove_dead(pmap, 0, vm_max_address);
	ASSERT_EQ(COUNT(remote), calls + 3);
	for (unsigned h = 0; h < 3; h++)
		on(2 - h, pmap_kernel());
	teardown();
}

TEST(tlb, a_hart_that_left_is_not_fenced_but_drops_later)
{
	uint64_t calls;
	paddr_t pa;

	ASSERT_TRUE(setup());
	ASSERT_EQ(enter(0, VM_PROT_DEFAULT, 0), KERN_SUCCESS);
	on(1, pmap);
	ASSERT_TRUE(tlb_sim_access(1, W0, VM_PROT_READ, &pa));
	on(1, pmap_kernel());
	on(0, pmap);
	calls = COUNT(remote);
	pmap_remove(pmap, W0, W0 + PAGE_SIZE);
	ASSERT_EQ(COUNT(remote), calls);
	on(1, pmap);
	for (unsigned i = 0; i < 50; i++)
		ASSERT_FALSE(tlb_sim_access(1, W0, VM_PROT_READ, &pa));
	on(1, pmap_kernel());
	on(0, pmap_kernel());
	teardown();
}

/* What the hook below saw at the fences of one call. */
static struct {
	pte_t          *entry;
	struct vm_page *table;
	unsigned        fences;
	bool            entry_valid, table_freed, record_gone;
} seen;

static void
look(void)
{
	seen.fences++;
	seen.entry_valid |= *seen.entry != 0;
	seen.table_freed |= seen.table->kind != VM_PAGE_TABLE;
	seen.record_gone |= chunk()->pv == NULL;
}

static void
watch(vm_offset_t va)
{
	memset(&seen, 0, sizeof(seen));
	seen.entry = leaf(va);
	seen.table = sv_table_page(seen.entry);
	tlb_sim_at_fence = look;
}

TEST(tlb, another_page_comes_after_all_have_dropped_the_old)
{
	ASSERT_TRUE(setup());
	on(1, pmap);
	on(0, pmap);
	ASSERT_EQ(enter(0, VM_PROT_DEFAULT, 0), KERN_SUCCESS);
	watch(W0);
	ASSERT_EQ(pmap_enter(pmap, W0, page(1), VM_PROT_DEFAULT, 0), KERN_SUCCESS);
	tlb_sim_at_fence = NULL;
	ASSERT_EQ(seen.fences, 2);
	ASSERT_FALSE(seen.entry_valid);
	on(1, pmap_kernel());
	on(0, pmap_kernel());
	teardown();
}

TEST(tlb, tables_and_records_last_until_the_fence)
{
	ASSERT_TRUE(setup());
	on(1, pmap);
	on(0, pmap);
	for (unsigned how = 0; how < 5; how++) {
		vm_offset_t end = W0 + (how & 1 ? MEGAPAGE_SIZE : PAGE_SIZE);

		ASSERT_EQ(enter(0, VM_PROT_DEFAULT, 0), KERN_SUCCESS);
		watch(W0);
		if (how < 2)
			pmap_remove(pmap, W0, end);
		else if (how < 4)
			pmap_remove_dead(pmap, W0, end);
		else
			pmap_page_protect(page(0), VM_PROT_NONE);
		tlb_sim_at_fence = NULL;
		ASSERT_EQ(seen.fences, 2);
		ASSERT_FALSE(seen.table_freed);
		ASSERT_FALSE(seen.record_gone);
		ASSERT_EQ(chunk()->pv, NULL);
	}
	on(1, pmap_kernel());
	on(0, pmap_kernel());
	teardown();
}

TEST(tlb, a_remembered_absence_costs_one_fault)
{
	paddr_t pa;

	for (unsigned by_enter = 0; by_enter < 2; by_enter++) {
		tlb_sim_next = (struct tlb_sim_config){ 4, 16, .sticky = true, .seed = 3 };
		host_boot(HOST_MEM_DEFAULT);
		ASSERT_TRUE(setup());
		on(0, pmap);
		/* The hart learns that there is no table; then there is one. */
		ASSERT_FALSE(tlb_sim_access(0, W0, VM_PROT_READ, &pa));
		ASSERT_EQ(enter(0, VM_PROT_DEFAULT, 0), KERN_SUCCESS);
		ASSERT_FALSE(tlb_sim_access(0, W0, VM_PROT_READ, &pa));
		if (by_enter)
			ASSERT_EQ(enter(0, VM_PROT_DEFAULT, VM_PROT_READ), KERN_SUCCESS);
		else
			ASSERT_TRUE(pmap_fault(pmap, W0, VM_PROT_READ));
		ASSERT_TRUE(tlb_sim_access(0, W0, VM_PROT_READ, &pa));
		on(0, pmap_kernel());
		teardown();
	}
}

TEST(tlb, without_asids_the_same_pmap_returns_without_a_fence)
{
	pmap_t second;
	uint64_t fences;

	ASSERT_TRUE(setup_on(3, 0, true));
	second = pmap_create();
	on(0, pmap);
	fences = COUNT(fence_all);
	on(0, pmap_kernel());
	on(0, pmap);
	ASSERT_EQ(COUNT(fence_all), fences);
	on(0, second);
	ASSERT_EQ(COUNT(fence_all), fences + 1);
	on(0, pmap);
	ASSERT_EQ(COUNT(fence_all), fences + 2);
	on(0, pmap_kernel());
	pmap_destroy(second);
	teardown();
}

TEST(tlb, asids_are_not_reused_before_a_new_generation)
{
	pmap_t p[8];
	uint64_t generations = 0;

	ASSERT_TRUE(setup_on(3, 2, false));
	for (unsigned i = 0; i < nitems(p); i++) {
		p[i] = pmap_create();
		on(0, p[i]);
		ASSERT_NE(p[i]->tlb.ctx & 3, 0);
		for (unsigned j = 0; j < i; j++)
			ASSERT_NE(p[i]->tlb.ctx, p[j]->tlb.ctx);
		generations |= 1ul << (p[i]->tlb.ctx >> 16);
	}
	ASSERT_TRUE(__builtin_popcountl(generations) >= 3);    /* 3 numbers a generation */
	on(0, pmap_kernel());
	for (unsigned i = 0; i < nitems(p); i++)
		pmap_destroy(p[i]);
	teardown();
}

TEST(tlb, code_is_fresh_on_every_hart_that_runs_it)
{
	ASSERT_TRUE(setup());
	on(1, pmap);
	on(0, pmap);
	tlb_sim_code_written();
	ASSERT_EQ(enter(0, VM_PROT_READ, 0), KERN_SUCCESS);
	ASSERT_FALSE(tlb_sim_code_fresh(0));
	ASSERT_EQ(enter(1, VM_PROT_READ | VM_PROT_EXECUTE, 0), KERN_SUCCESS);
	ASSERT_TRUE(tlb_sim_code_fresh(0));
	ASSERT_TRUE(tlb_sim_code_fresh(1));
	ASSERT_FALSE(tlb_sim_code_fresh(2));
	on(2, pmap);
	ASSERT_TRUE(tlb_sim_code_fresh(2));
	for (unsigned h = 0; h < 3; h++)
		on(2 - h, pmap_kernel());
	teardown();
}

TEST(tlb, kernel_leaves_reach_all_harts)
{
	vm_offset_t va = KERNEL_MAP_MIN + 5 * MEGAPAGE_SIZE;
	uint64_t calls;

	ASSERT_EQ(pmap_growkernel(va + MEGAPAGE_SIZE), KERN_SUCCESS);
	host_free_pages();
	tlb_sim_become(0);
	pmap_kenter(va, HOST_MEM_HIGH + MEGAPAGE_SIZE, VM_PROT_DEFAULT, 0);
	ASSERT_EQ(tlb_kernel_stale & 7, 6);
	tlb_sim_become(1);
	tlb_kernel_sync();
	ASSERT_EQ(tlb_kernel_stale & 7, 4);
	tlb_sim_become(0);
	calls = COUNT(remote);
	pmap_kremove(va, PAGE_SIZE);
	ASSERT_EQ(COUNT(remote), calls + 1);
	pmap_kremove(va, PAGE_SIZE);
	ASSERT_EQ(COUNT(remote), calls + 1);
	host_boot(HOST_MEM_DEFAULT);            /* the tables of kernel_map stay */
}

/* --- fences of nested tables --- */

#define P0  (GIGAPAGE_SIZE - MEGAPAGE_SIZE)

static pmap_t sub;

/* sub lends two windows to pmap; page 0 is mapped in both windows. Hart 1 runs pmap, and has seen all. */
static void
lend(void)
{
	paddr_t pa;

	sub = pmap_create();
	ASSERT_EQ(pmap_nest(pmap, sub, P0, W0, 2 * MEGAPAGE_SIZE), KERN_SUCCESS);
	for (unsigned i = 0; i < 2; i++)
		ASSERT_EQ(pmap_enter(sub, W0 + i * MEGAPAGE_SIZE, page(0), VM_PROT_DEFAULT, VM_PROT_WRITE), KERN_SUCCESS);
	on(1, pmap);
	for (unsigned i = 0; i < 2; i++)
		while (!tlb_sim_access(1, P0 + i * MEGAPAGE_SIZE, VM_PROT_WRITE, &pa))
			tlb_fence_all();
	tlb_sim_become(0);
}

static bool
audit_is_clean(void)
{
	vm_offset_t at = 0;

	return tlb_sim_audit(pmap, &at) == NULL;
}

TEST(tlb_nest, fences_of_the_submap_reach_the_parents_harts)
{
	uint64_t calls;

	ASSERT_TRUE(setup());
	lend();
	calls = COUNT(remote);
	pmap_protect(sub, W0, W0 + PAGE_SIZE, VM_PROT_READ);
	ASSERT_EQ(COUNT(remote), calls + 1);
	ASSERT_TRUE(audit_is_clean());
	pmap_page_protect(page(0), VM_PROT_NONE);
	ASSERT_TRUE(audit_is_clean());
	on(1, pmap_kernel());
	tlb_sim_become(0);
	pmap_destroy(sub);
	teardown();
}

TEST(tlb_nest, a_window_that_is_not_lent_costs_the_parents_nothing)
{
	uint64_t calls;

	ASSERT_TRUE(setup());
	lend();
	/* Two leaves, so that no table goes (that would drop everything everywhere). */
	ASSERT_EQ(pmap_enter(sub, W0 + 3 * MEGAPAGE_SIZE, page(0), VM_PROT_READ, 0), KERN_SUCCESS);
	ASSERT_EQ(pmap_enter(sub, W0 + 3 * MEGAPAGE_SIZE + PAGE_SIZE, page(1), VM_PROT_READ, 0), KERN_SUCCESS);
	calls = COUNT(remote);
	pmap_remove(sub, W0 + 3 * MEGAPAGE_SIZE, W0 + 3 * MEGAPAGE_SIZE + PAGE_SIZE);
	ASSERT_EQ(COUNT(remote), calls);
	on(1, pmap_kernel());
	tlb_sim_become(0);
	pmap_destroy(sub);
	teardown();
}

TEST(tlb_nest, a_parents_hart_that_left_drops_before_it_returns)
{
	paddr_t pa;

	ASSERT_TRUE(setup());
	lend();
	on(1, pmap_kernel());
	on(0, pmap);
	pmap_remove(sub, W0, W0 + PAGE_SIZE);
	/* The parent's own shootdown must not forgive hart 1 what sub's asked of it. */
	ASSERT_EQ(enter(0, VM_PROT_READ, 0), KERN_SUCCESS);
	pmap_remove(pmap, W0, W0 + PAGE_SIZE);
	on(1, pmap);
	for (unsigned i = 0; i < 50; i++)
		ASSERT_FALSE(tlb_sim_access(1, P0, VM_PROT_READ, &pa));
	on(1, pmap_kernel());
	on(0, pmap_kernel());
	pmap_destroy(sub);
	teardown();
}

/* At hart 2's fence, hart 1's being done: 1 walks once more and leaves; sub takes away what it saw. */
static void
leave_meanwhile(void)
{
	unsigned was = host_hart;
	paddr_t pa;

	if (!(pmap->tlb.active & 2) || tlb_sim_access(1, W0, VM_PROT_READ, &pa))
		return;
	tlb_sim_at_fence = NULL;
	on(1, pmap);
	while (!tlb_sim_access(1, P0, VM_PROT_WRITE, &pa))
		tlb_fence_all();
	on(1, pmap_kernel());
	tlb_sim_become(was);
	pmap_remove(sub, W0, W0 + PAGE_SIZE);
}

TEST(tlb_nest, overlapping_shootdowns_do_not_forgive_each_other)
{
	paddr_t pa;

	ASSERT_TRUE(setup());
	lend();
	ASSERT_EQ(enter(0, VM_PROT_READ, 0), KERN_SUCCESS);
	ASSERT_EQ(enter(1, VM_PROT_READ, 0), KERN_SUCCESS);
	on(1, pmap);
	while (!tlb_sim_access(1, W0, VM_PROT_READ, &pa))
		tlb_fence_all();
	on(2, pmap);
	on(0, pmap_kernel());
	tlb_sim_at_fence = leave_meanwhile;
	pmap_remove(pmap, W0, W0 + PAGE_SIZE);
	ASSERT_EQ(tlb_sim_at_fence, NULL);      /* it came to that */
	on(1, pmap);
	ASSERT_TRUE(audit_is_clean());
	ASSERT_FALSE(tlb_sim_access(1, P0, VM_PROT_READ, &pa));
	for (unsigned h = 0; h < 3; h++)
		on(2 - h, pmap_kernel());
	pmap_destroy(sub);
	teardown();
}

TEST(tlb_nest, unnesting_is_fenced)
{
	paddr_t pa;

	ASSERT_TRUE(setup());
	lend();
	pmap_unnest(pmap, P0, MEGAPAGE_SIZE);
	ASSERT_TRUE(audit_is_clean());
	ASSERT_FALSE(tlb_sim_access(1, P0, VM_PROT_READ, &pa));
	pmap_unnest(pmap, P0, 2 * MEGAPAGE_SIZE);
	ASSERT_EQ(sub->parents, NULL);
	ASSERT_EQ(sub->ref_count, 1);
	ASSERT_TRUE(audit_is_clean());
	on(1, pmap_kernel());
	tlb_sim_become(0);
	pmap_destroy(sub);
	teardown();
}

TEST(tlb_nest, code_of_the_submap_is_fresh_on_the_parents_harts)
{
	ASSERT_TRUE(setup());
	lend();
	on(2, pmap);
	on(2, pmap_kernel());
	tlb_sim_become(0);
	tlb_sim_code_written();
	ASSERT_EQ(pmap_enter(sub, W0, page(0), VM_PROT_READ | VM_PROT_EXECUTE, 0), KERN_SUCCESS);
	ASSERT_TRUE(tlb_sim_code_fresh(1));
	ASSERT_FALSE(tlb_sim_code_fresh(2));
	on(2, pmap);
	ASSERT_TRUE(tlb_sim_code_fresh(2));
	tlb_sim_code_written();
	pmap_sync_icache(sub);
	ASSERT_TRUE(tlb_sim_code_fresh(1));
	on(2, pmap_kernel());
	on(1, pmap_kernel());
	tlb_sim_become(0);
	pmap_destroy(sub);
	teardown();
}

TEST(pmap_check, notices_wrong_nested_tables)
{
	pte_t *e, old;
	unsigned level;

	ASSERT_TRUE(setup());
	lend();
	e = leaf(P0);
	old = *e;
	SEED(*e = old & ~PTE_NESTED, *e = old, "without a reverse mapping");
	SEED(*e = pte_make(vm_page_pa(page(3)), PTE_NESTED), *e = old, "no pinned leaf table");
	SEED(*e = *leaf(P0 + MEGAPAGE_SIZE), *e = old, "not the submap's");
	SEED(pmap->nests->map[0] ^= 2, pmap->nests->map[0] ^= 2, "nested");
	SEED(pmap->nested++, pmap->nested--, "statistics: nested");
	on(1, pmap_kernel());
	on(0, pmap_kernel());
	pmap_unnest(pmap, P0, MEGAPAGE_SIZE);
	/* The rest is wrong with sub. */
	pmap_destroy(pmap);
	pmap = sub;
	e = sv_find(sub->root, sub->levels, W0, &level);
	SEED(sv_table_page(e)->slot--, sv_table_page(e)->slot++, "count of entries");
	SEED(sv_table_page(e)->t.pv->count++, sv_table_page(e)->t.pv->count--, "wrong count");
	teardown();
}

TEST(pmap_memory, nesting_without_memory_leaves_the_parent_as_it_was)
{
	for (unsigned n = 1, failed = 1; failed && n < 40; n++) {
		vm_offset_t at = 0;
		kern_return_t kr;
	
		ASSERT_TRUE(setup());
		sub = pmap_create();
		ASSERT_EQ(pmap_enter_mega(sub, W0, chunk(), VM_PROT_READ, 0), KERN_SUCCESS);
		zone_gc();
		vm_alloc_fail_at(n, false);
		kr = pmap_nest(pmap, sub, P0, W0, 2 * MEGAPAGE_SIZE);
		failed = vm_alloc_fail_countdown == 0;
		vm_alloc_fail_at(0, false);
		ASSERT_EQ(kr, failed ? KERN_RESOURCE_SHORTAGE : KERN_SUCCESS);
		ASSERT_EQ(pmap_check(sub, &at), NULL);
		if (failed) {
			ASSERT_EQ(pmap->tables, 1);
			ASSERT_EQ(sub->parents, NULL);
		}
		pmap_destroy(sub);
		teardown();
	}
}

TEST(tlb, a_dead_pmap_lasts_as_long_as_a_hart_has_it_loaded)
{
	uint64_t with, without;

	ASSERT_TRUE(setup());
	ASSERT_EQ(enter(0, VM_PROT_DEFAULT, 0), KERN_SUCCESS);
	on(1, pmap);
	tlb_sim_become(0);
	pmap_destroy(pmap);
	with = host_free_pages();
	on(1, pmap_kernel());
	without = host_free_pages();
	ASSERT_GE(without, with + 1);
	tlb_sim_become(0);
	vm_object_deallocate(object);
}

/* --- without memory --- */

TEST(pmap_memory, every_failing_allocation_leaves_a_sound_pmap)
{
	for (unsigned what = 0; what < 4; what++)
		for (unsigned n = 1, failed = 1; failed && n < 20; n++) {
			kern_return_t kr;
			vm_offset_t at = 0;

			ASSERT_TRUE(setup());
			if (what == 2)          /* a table of other pages is in the way */
				ASSERT_EQ(pmap_enter(pmap, W0 + PAGE_SIZE, page(9), VM_PROT_READ, 0), KERN_SUCCESS);
			if (what == 3)
				ASSERT_EQ(pmap_enter_mega(pmap, W0, chunk(), VM_PROT_READ, 0), KERN_SUCCESS);
			zone_gc();
			vm_alloc_fail_at(n, false);
			kr = what == 0 || what == 3 ? enter(3, VM_PROT_DEFAULT, 0) :
			    pmap_enter_mega(pmap, W0, chunk(), VM_PROT_READ, PMAP_WIRED);
			failed = vm_alloc_fail_countdown == 0;
			vm_alloc_fail_at(0, false);
			ASSERT_EQ(kr, failed ? KERN_RESOURCE_SHORTAGE : KERN_SUCCESS);
			ASSERT_EQ(pmap_check(pmap, &at), NULL);
			if (failed && what < 2)
				ASSERT_EQ(pmap->tables, 1);
			ASSERT_EQ(enter(3, VM_PROT_DEFAULT, 0), KERN_SUCCESS);
			teardown();
		}
}

TEST(pmap_memory, a_wired_megapage_splits_without_memory)
{
	paddr_t pa;

	ASSERT_TRUE(setup());
	ASSERT_EQ(pmap_enter_mega(pmap, W0, chunk(), VM_PROT_DEFAULT, PMAP_WIRED), KERN_SUCCESS);
	vm_alloc_fail_at(1, true);
	pmap_protect(pmap, W0, W0 + PAGE_SIZE, VM_PROT_READ);
	vm_alloc_fail_at(0, false);
	ASSERT_EQ(pmap->resident, 512);
	ASSERT_EQ(pmap->wired, 512);
	ASSERT_TRUE(pmap_extract(pmap, W0 + 7 * PAGE_SIZE, &pa));
	teardown();
}

TEST(pmap_memory, no_pmap_without_memory)
{
	zone_gc();
	for (unsigned n = 1; n <= 2; n++) {
		vm_alloc_fail_at(n, true);
		ASSERT_EQ(pmap_create(), NULL);
		vm_alloc_fail_at(0, false);
	}
}

/* --- harts side by side --- */

static pmap_t      par_pmap[4];
static unsigned    par_rounds;
static unsigned    par_missed;          /* mappings that a walk over the chunk's records left behind */

/* Harts 0 and 1 map and unmap, each in its own pmap; 2 and 3 go after the pages. */
static void
par_hart(unsigned hart, void *arg)
{
	paddr_t pa;

	(void)arg;
	if (hart < 2)
		pmap_switch(par_pmap[hart]);
	for (unsigned r = 0; r < par_rounds; r++) {
		unsigned i = (r * 7 + hart * 3) % 16;

		if (hart < 2) {
			spin_lock(&object->lock);
			if (r % 31 == 0)
				pmap_enter_mega(par_pmap[hart], W0, chunk(), VM_PROT_DEFAULT, 0);
			else
				pmap_enter(par_pmap[hart], W0 + i * PAGE_SIZE, page(i), VM_PROT_DEFAULT, 0);
			spin_unlock(&object->lock);
			if (r % 3 == 0)
				pmap_remove(par_pmap[hart], W0 + i * PAGE_SIZE, W0 + (i + 2) * PAGE_SIZE);
			if (r % 50 == 0)
				pmap_remove_dead(par_pmap[hart], W0, W0 + MEGAPAGE_SIZE);
			continue;
		}
		spin_lock(&object->lock);
		if (hart == 2) {
			pmap_page_protect(page(i), r & 1 ? VM_PROT_NONE : VM_PROT_READ);
			/* The object is locked: no mapping can have come back. */
			for (unsigned k = 0; k < 2; k++)
				par_missed += (r & 1) && pmap_extract(par_pmap[k], W0 + i * PAGE_SIZE, &pa);
		} else if (r % 16 == 0)
			pmap_chunk_protect(chunk(), VM_PROT_NONE);
		else if (pmap_is_modified(page(i)))
			pmap_clear_modify(page(i));
		spin_unlock(&object->lock);
	}
	pmap_switch(pmap_kernel());
}

TEST(pmap_parallel, mapping_and_reverse_mapping_meet)
{
	vm_offset_t at = 0;

	ASSERT_TRUE(setup());
	par_rounds = 3000;
	par_missed = 0;
	for (unsigned i = 0; i < 2; i++)
		ASSERT_TRUE((par_pmap[i] = pmap_create()) != NULL);
	host_run_harts(4, par_hart, NULL);
	for (unsigned i = 0; i < 2; i++) {
		ASSERT_EQ(pmap_check(par_pmap[i], &at), NULL);
		ASSERT_EQ(tlb_sim_audit(par_pmap[i], &at), NULL);
		pmap_destroy(par_pmap[i]);
	}
	ASSERT_EQ(par_missed, 0);
	ASSERT_EQ(chunk()->pv, NULL);
	teardown();
}

/* Pmaps are made and destroyed while a page is taken away from all of them. */
static void
par_life(unsigned hart, void *arg)
{
	(void)arg;
	for (unsigned r = 0; r < par_rounds; r++) {
		pmap_t p;

		if (hart == 0) {
			spin_lock(&object->lock);
			pmap_page_protect(page(r % 8), VM_PROT_NONE);
			spin_unlock(&object->lock);
			continue;
		}
		p = pmap_create();
		pmap_switch(p);
		for (unsigned i = 0; i < 8; i++) {
			spin_lock(&object->lock);
			pmap_enter(p, W0 + i * PAGE_SIZE, page(i), VM_PROT_READ, 0);
			spin_unlock(&object->lock);
		}
		pmap_destroy(p);
	}
	pmap_switch(pmap_kernel());
}

TEST(pmap_parallel, pmaps_die_while_their_pages_are_taken)
{
	ASSERT_TRUE(setup_on(3, 2, false));
	par_rounds = 800;
	host_run_harts(4, par_life, NULL);
	ASSERT_EQ(chunk()->pv, NULL);
	teardown();
}

/* Harts 0 and 1 have sub's table and lose it, and read through it; 2 fills and clears it; 3 takes the pages. */
static void
par_nest(unsigned hart, void *arg)
{
	pmap_t p = par_pmap[hart & 1];
	paddr_t pa;

	(void)arg;
	if (hart < 2)
		pmap_switch(p);
	for (unsigned r = 0; r < par_rounds; r++) {
		unsigned i = r % 8;

		if (hart < 2) {
			ASSERT_EQ(pmap_nest(p, sub, P0, W0, MEGAPAGE_SIZE), KERN_SUCCESS);
			for (unsigned k = 0; k < 8; k++)
				if (!tlb_sim_access(hart, P0 + k * PAGE_SIZE, VM_PROT_WRITE, &pa))
					pmap_fault(p, P0 + k * PAGE_SIZE, VM_PROT_WRITE);
			pmap_unnest(p, P0, MEGAPAGE_SIZE);
			if (tlb_sim_access(hart, P0 + i * PAGE_SIZE, VM_PROT_READ, &pa))
				__atomic_fetch_add(&par_missed, 1, __ATOMIC_RELAXED);
			continue;
		}
		spin_lock(&object->lock);
		if (hart == 2)
			pmap_enter(sub, W0 + i * PAGE_SIZE, page(i), VM_PROT_DEFAULT, 0);
		else
			pmap_page_protect(page(i), r & 1 ? VM_PROT_READ : VM_PROT_NONE);
		spin_unlock(&object->lock);
		if (hart == 2 && r % 5 == 0)
			pmap_remove(sub, W0, W0 + 4 * PAGE_SIZE);
	}
	if (hart < 2)
		pmap_switch(pmap_kernel());
}

TEST(pmap_parallel, tables_are_nested_while_their_leaves_come_and_go)
{
	vm_offset_t at = 0;

	ASSERT_TRUE(setup_on(4, 2, true));
	par_rounds = 400;
	par_missed = 0;
	sub = pmap_create();
	for (unsigned i = 0; i < 2; i++)
		par_pmap[i] = pmap_create();
	host_run_harts(4, par_nest, NULL);
	ASSERT_EQ(tlb_sim_violation, NULL);
	ASSERT_EQ(par_missed, 0);
	ASSERT_EQ(sub->parents, NULL);
	ASSERT_EQ(pmap_check(sub, &at), NULL);
	for (unsigned i = 0; i < 2; i++) {
		ASSERT_EQ(pmap_check(par_pmap[i], &at), NULL);
		ASSERT_EQ(tlb_sim_audit(par_pmap[i], &at), NULL);
		pmap_destroy(par_pmap[i]);
	}
	pmap_destroy(sub);
	ASSERT_EQ(chunk()->pv, NULL);
	teardown();
}

/* Hart 1 keeps the pmap locked for a while, hart 0 takes a page away meanwhile. */
static void
par_contended(unsigned hart, void *arg)
{
	unsigned *held = arg;

	if (hart == 1) {
		spin_lock(&pmap->lock);
		__atomic_store_n(held, 1, __ATOMIC_SEQ_CST);
		usleep(20000);
		spin_unlock(&pmap->lock);
		return;
	}
	while (!__atomic_load_n(held, __ATOMIC_SEQ_CST))
		hart_relax();
	spin_lock(&object->lock);
	pmap_page_protect(page(0), VM_PROT_NONE);
	spin_unlock(&object->lock);
}

TEST(pmap_parallel, a_locked_pmap_is_waited_for)
{
	unsigned held = 0, users;
	pmap_t second;
	paddr_t pa;

	ASSERT_TRUE(setup());
	second = pmap_create();
	ASSERT_EQ(enter(0, VM_PROT_DEFAULT, 0), KERN_SUCCESS);
	ASSERT_EQ(pmap_enter(pmap, W0 + GIGAPAGE_SIZE, page(0), VM_PROT_READ, 0), KERN_SUCCESS);
	ASSERT_EQ(pmap_enter(second, W0, page(0), VM_PROT_READ, 0), KERN_SUCCESS);
	users = pmap->users;
	host_run_harts(2, par_contended, &held);
	ASSERT_FALSE(pmap_extract(pmap, W0, &pa));
	ASSERT_FALSE(pmap_extract(pmap, W0 + GIGAPAGE_SIZE, &pa));
	ASSERT_FALSE(pmap_extract(second, W0, &pa));
	ASSERT_EQ(pmap->users, users);
	pmap_destroy(second);
	teardown();
}
