/*
 * pmap_random.c: random operations on pmaps, judged by a model and hostile TLBs.
 *
 * The model is an array of what each page of each pmap's windows maps, with
 * which rights. After every operation all harts access random pages: what they
 * reach must be what the model says, or a fault that pmap_fault resolves if and
 * only if the model permits the access. All TLBs are audited after every
 * operation, all tables every few. One of the pmaps lends leaf tables of its
 * windows to the others, who have them in place of leaves of their own; what
 * they reach there the model has under the lender. Runs over Sv39 to Sv57, ASIDs of width 0, 2
 * (so that generations roll over all the time) and 16, A/D by hardware and by
 * fault, and with selective fences that do nothing.
 */
#include <arch/sv.h>
#include <arch/tlb.h>
#include <mm/vm_object.h>
#include <host.h>
#include <tlb_sim.h>

extern unsigned pmap_park_leaves;       /* pmap_impl.h */

#define PMAPS       4
#define SUB         3                   /* of these: the one that lends the tables of windows 0 and 1 */
#define HARTS       4
#define WINDOWS     5                   /* 3 and 4: where the others may have them */
#define LENT        3
#define OBJECTS     3
#define PAGES       (WINDOWS * 512u)

struct slot {
	struct vm_page *m;
	vm_prot_t       prot;
	bool            wired;
};

static struct {
	pmap_t       pmap[PMAPS];
	struct slot  slot[PMAPS][PAGES];
	vm_offset_t  window[WINDOWS];
	vm_object_t  object[OBJECTS];
	struct vm_page *page[OBJECTS][512];
	unsigned     nested[PMAPS][WINDOWS];    /* 1 + the window of SUB that is there; 0: none */
	bool         pinned[WINDOWS];           /* of SUB: lent once */
	bool         written[OBJECTS][512];     /* through a mapping, since made clean */
	unsigned     on[HARTS];                 /* pmap that a hart runs, or PMAPS: the kernel's */
	uint64_t     seed;
	unsigned     step;
} g;

static unsigned
pick(unsigned n)
{
	g.seed = g.seed * 6364136223846793005ul + 1442695040888963407ul;
	return (unsigned)(g.seed >> 33) % n;
}

static vm_prot_t
pick_prot(void)
{
	static const vm_prot_t some[] = { 1, 1, 3, 3, 3, 5, 7, 4 };

	return some[pick(nitems(some))];
}

static vm_offset_t va_of(unsigned i) { return g.window[i / 512] + (i % 512) * PAGE_SIZE; }

/* Who owns the leaf that page i of pmap p is mapped by, and which page that is to him. */
static unsigned
owner(unsigned p, unsigned *i)
{
	unsigned from = g.nested[p][*i / 512];

	if (from == 0)
		return p;
	*i = (from - 1) * 512 + *i % 512;
	return SUB;
}

#define FAIL(...) \
	do { \
		test_fail(__FILE__, __LINE__, "step %u: " __VA_ARGS__); \
		return; \
	} while (0)

/* --- set-up --- */

static void
make_objects(void)
{
	for (unsigned o = 0; o < OBJECTS; o++) {
		/* The last one is smaller than a megapage, so it has single pages. */
		unsigned pages = o == OBJECTS - 1 ? 500 : 512;

		g.object[o] = vm_object_allocate(pages * PAGE_SIZE, 0);
		ASSERT_TRUE(g.object[o] != NULL);
		for (unsigned i = 0; i < 512; i++) {
			g.page[o][i] = NULL;
			g.written[o][i] = false;
			if (i >= pages)
				continue;
			spin_lock(&g.object[o]->lock);
			g.page[o][i] = vm_object_page_alloc(g.object[o], i * PAGE_SIZE, false);
			spin_unlock(&g.object[o]->lock);
			ASSERT_TRUE(g.page[o][i] != NULL);
		}
	}
	ASSERT_TRUE(vm_chunk_is_megapage(g.page[0][0]->o.chunk));
	ASSERT_FALSE(vm_chunk_is_megapage(g.page[OBJECTS - 1][0]->o.chunk));
}

static void
start(const struct tlb_sim_config *c)
{
	tlb_sim_next = *c;
	host_boot(HOST_MEM_DEFAULT);
	memset(&g, 0, sizeof(g));
	g.seed = c->seed;
	g.window[0] = MEGAPAGE_SIZE;
	g.window[1] = GIGAPAGE_SIZE - MEGAPAGE_SIZE;
	g.window[2] = vm_max_address - MEGAPAGE_SIZE;
	g.window[3] = 5 * GIGAPAGE_SIZE;
	g.window[4] = 5 * GIGAPAGE_SIZE - MEGAPAGE_SIZE;
	make_objects();
	for (unsigned p = 0; p < PMAPS; p++)
		ASSERT_TRUE((g.pmap[p] = pmap_create()) != NULL);
	for (unsigned h = 0; h < HARTS; h++)
		g.on[h] = PMAPS;
}

static void
finish(void)
{
	for (unsigned h = 0; h < HARTS; h++) {
		tlb_sim_become(h);
		pmap_switch(pmap_kernel());
	}
	tlb_sim_become(0);
	for (unsigned p = 0; p < PMAPS; p++)
		pmap_destroy(g.pmap[p]);
	for (unsigned o = 0; o < OBJECTS; o++)
		vm_object_deallocate(g.object[o]);
}

static bool
find_page(const struct vm_page *m, unsigned *o, unsigned *i)
{
	for (*o = 0; *o < OBJECTS; (*o)++)
		if (m->o.chunk->object == g.object[*o]) {
			*i = m->slot;
			return true;
		}
	return false;
}

/* --- judging --- */

/*
 * What the kernel does about a fault: asks the pmap, or has mm enter the page
 * again with the rights that the map gives.
 */
static bool
resolve(unsigned p, unsigned i, vm_prot_t access)
{
	unsigned at = i, o = owner(p, &at);
	struct slot *slot = &g.slot[o][at];
	vm_object_t object;
	kern_return_t kr;

	if (pick(2) || slot->m == NULL || (slot->prot & access) != access)
		return pmap_fault(g.pmap[p], va_of(i) + 8, access);
	object = slot->m->o.chunk->object;
	spin_lock(&object->lock);
	kr = pmap_enter(g.pmap[o], va_of(at), slot->m, slot->prot, access | (slot->wired ? PMAP_WIRED : 0));
	spin_unlock(&object->lock);
	return kr == KERN_SUCCESS;
}

/* One access of hart h, and what faults come of it. */
static void
check_access(unsigned h, unsigned i, vm_prot_t access)
{
	unsigned p = g.on[h], tries, o, s, at = i, whose = owner(p, &at);
	struct slot *slot = &g.slot[whose][at];
	vm_offset_t va = va_of(i);
	bool may = slot->m != NULL && (slot->prot & access) == access, ok = false;
	paddr_t pa = 0;

	for (tries = 0; tries < 8; tries++) {
		ok = tlb_sim_access(h, va + 8, access, &pa);
		if (ok)
			break;
		tlb_sim_become(h);
		if (!resolve(p, i, access))
			break;
	}
	test_count_assertion();
	if (tlb_sim_violation != NULL)
		FAIL("%s", g.step, tlb_sim_violation);
	if (ok != may)
		FAIL("hart %u, pmap %u, access %u at 0x%lx: %s, model prot %u", g.step, h, p, access,
		    (unsigned long)va, ok ? "allowed" : "refused", slot->m != NULL ? slot->prot : 0);
	if (!ok)
		return;
	if (pa != vm_page_pa(slot->m) + 8)
		FAIL("hart %u, pmap %u at 0x%lx reached pa 0x%lx, not 0x%lx", g.step, h, p,
		    (unsigned long)va, (unsigned long)pa, (unsigned long)vm_page_pa(slot->m));
	if ((access & VM_PROT_WRITE) && find_page(slot->m, &o, &s))
		g.written[o][s] = true;
}

static void
check_all(void)
{
	const char *wrong;
	vm_offset_t va = 0;

	for (unsigned p = 0; p < PMAPS && !test_failed(); p++) {
		test_count_assertion();
		if ((wrong = tlb_sim_audit(g.pmap[p], &va)) != NULL)
			FAIL("audit of pmap %u at 0x%lx: %s", g.step, p, (unsigned long)va, wrong);
		if (g.step % 8 == 0 && (wrong = pmap_check(g.pmap[p], &va)) != NULL)
			FAIL("check of pmap %u at 0x%lx: %s", g.step, p, (unsigned long)va, wrong);
	}
	for (unsigned n = 0; n < 24 && !test_failed(); n++) {
		unsigned h = pick(HARTS);

		if (g.on[h] != PMAPS)
			check_access(h, pick(4) ? pick(24) + pick(WINDOWS) * 512 : pick(PAGES), 1u << pick(3));
	}
}

/* --- operations --- */

/* Ranges prefer the beginning of windows, whole windows, and their borders. */
static void
pick_range(unsigned *first, unsigned *n)
{
	*first = pick(WINDOWS) * 512 + (pick(3) ? 0 : pick(24));
	*n = pick(3) ? 1 + pick(24) : pick(2) ? 512 : 1 + pick(600);
	if (*first + *n > PAGES)
		*n = PAGES - *first;
	/* Windows are not adjacent: one piece each. */
	if (*first / 512 != (*first + *n - 1) / 512)
		*n = 512 - *first % 512;
}

static void
op_enter(unsigned p)
{
	unsigned i = pick(WINDOWS) * 512 + pick(24), o = pick(OBJECTS), s = pick(2) ? i % 512 : pick(24);
	vm_prot_t prot = pick_prot();
	bool wired = pick(12) == 0;
	struct vm_page *m = g.page[o][s];
	unsigned flags = (pick(2) ? prot & VM_PROT_WRITE : 0) | (wired ? PMAP_WIRED : 0);

	p = owner(p, &i);
	spin_lock(&g.object[o]->lock);
	ASSERT_EQ(pmap_enter(g.pmap[p], va_of(i), m, prot, flags), KERN_SUCCESS);
	spin_unlock(&g.object[o]->lock);
	g.slot[p][i] = (struct slot){ m, prot, wired };
}

static void
op_enter_mega(unsigned p)
{
	unsigned w = pick(WINDOWS), o = pick(OBJECTS - 1);
	vm_prot_t prot = pick_prot();
	bool wired = pick(6) == 0, refused;
	unsigned i = w * 512;
	kern_return_t kr;

	p = owner(p, &i);
	w = i / 512;
	spin_lock(&g.object[o]->lock);
	kr = pmap_enter_mega(g.pmap[p], g.window[w], g.page[o][0]->o.chunk, prot, wired ? PMAP_WIRED : 0);
	spin_unlock(&g.object[o]->lock);
	refused = p == SUB && g.pinned[w];
	ASSERT_EQ(kr, refused ? KERN_NOT_SUPPORTED : KERN_SUCCESS);
	if (refused)
		return;
	for (unsigned s = 0; s < 512; s++)
		g.slot[p][w * 512 + s] = (struct slot){ g.page[o][s], prot, wired };
}

static void
op_enter_run(unsigned p)
{
	unsigned first, n, o = pick(OBJECTS), s, made, want = 0, left;
	struct vm_chunk *c = g.page[o][0]->o.chunk;
	struct pmap_walk w;
	vm_prot_t prot = pick_prot();

	pick_range(&first, &n);
	p = owner(p, &first);
	s = pick(2) ? first % 512 : pick(24);
	if (s + n > 512)
		n = 512 - s;
	pmap_walk(g.pmap[p], va_of(first), &w);
	spin_lock(&g.object[o]->lock);
	made = pmap_enter_run(g.pmap[p], va_of(first), c, s, n, prot);
	spin_unlock(&g.object[o]->lock);
	left = w.levels == g.pmap[p]->levels ? n : 0;   /* only where a leaf table is */
	for (unsigned k = 0; k < left; k++) {
		struct slot *slot = &g.slot[p][first + k];

		if (slot->m == NULL && g.page[o][s + k] != NULL) {
			*slot = (struct slot){ g.page[o][s + k], prot, false };
			want++;
		} else if (slot->m != NULL && slot->m == g.page[o][s + k] &&
		    (prot & VM_PROT_WRITE) && (slot->prot & VM_PROT_READ))
			slot->prot |= VM_PROT_WRITE;
	}
	ASSERT_EQ(made, want);
}

static void
op_remove(unsigned p, bool dead)
{
	unsigned first, n, o, s;

	pick_range(&first, &n);
	(dead ? pmap_remove_dead : pmap_remove)(g.pmap[p], va_of(first), va_of(first + n - 1) + PAGE_SIZE);
	if (g.nested[p][first / 512] != 0)
		return;
	for (unsigned i = first; i < first + n; i++) {
		if (dead && g.slot[p][i].m != NULL && find_page(g.slot[p][i].m, &o, &s))
			g.written[o][s] = false;        /* nobody asked for D */
		g.slot[p][i].m = NULL;
	}
}

static void
model_protect(struct slot *s, vm_prot_t prot)
{
	if (!(prot & VM_PROT_READ))
		prot &= ~VM_PROT_WRITE;
	s->prot &= prot;
	if (!(s->prot & (VM_PROT_READ | VM_PROT_EXECUTE)))
		s->m = NULL;
}

static void
op_protect(unsigned p)
{
	unsigned first, n;
	vm_prot_t prot = pick(8);

	pick_range(&first, &n);
	pmap_protect(g.pmap[p], va_of(first), va_of(first + n - 1) + PAGE_SIZE, prot);
	if (g.nested[p][first / 512] != 0)
		return;
	for (unsigned i = first; i < first + n; i++)
		if (g.slot[p][i].m != NULL)
			model_protect(&g.slot[p][i], prot);
}

/* As for a copy: the tables of whole windows may be parked. */
static void
op_write_protect(unsigned p)
{
	unsigned first, n;

	pick_range(&first, &n);
	if (pick(3) != 0) {
		first -= first % 512;
		n = 512;
	}
	pmap_write_protect(g.pmap[p], va_of(first), va_of(first + n - 1) + PAGE_SIZE, VM_PROT_ALL);
	if (g.nested[p][first / 512] != 0)
		return;
	for (unsigned i = first; i < first + n; i++)
		if (g.slot[p][i].m != NULL)
			model_protect(&g.slot[p][i], VM_PROT_ALL & ~VM_PROT_WRITE);
}

static void
op_page(bool whole_chunk)
{
	unsigned o = pick(OBJECTS), s = pick(24);
	vm_prot_t prot = pick(8);
	struct vm_page *m = g.page[o][s];

	spin_lock(&g.object[o]->lock);
	if (whole_chunk)
		pmap_chunk_protect(m->o.chunk, prot);
	else
		pmap_page_protect(m, prot);
	spin_unlock(&g.object[o]->lock);
	for (unsigned p = 0; p < PMAPS; p++)
		for (unsigned i = 0; i < PAGES; i++) {
			struct slot *sl = &g.slot[p][i];

			if (sl->m != NULL && (whole_chunk ? sl->m->o.chunk == m->o.chunk : sl->m == m))
				model_protect(sl, prot);
		}
}

static void
op_wiring(unsigned p)
{
	unsigned first, n;
	bool wired = pick(2);

	pick_range(&first, &n);
	if (pick(2)) {
		n = 1;
		pmap_change_wiring(g.pmap[p], va_of(first), wired);
	} else
		ASSERT_EQ(pmap_wire_range(g.pmap[p], va_of(first), va_of(first + n - 1) + PAGE_SIZE, wired), KERN_SUCCESS);
	for (unsigned i = first; i < first + n && g.nested[p][i / 512] == 0; i++)
		if (g.slot[p][i].m != NULL)
			g.slot[p][i].wired = wired;
}

static void
op_wire_run(unsigned p)
{
	unsigned first, n, o = pick(OBJECTS), done, want = 0;
	vm_prot_t prot = pick_prot();

	pick_range(&first, &n);
	p = owner(p, &first);
	if (first % 512 + n > 512)
		n = 512 - first % 512;
	/* As mm does: only where the pages in the way are the object's own or none. */
	for (unsigned i = first; i < first + n; i++)
		if (g.slot[p][i].m != NULL && g.slot[p][i].m != g.page[o][i % 512])
			return;
	spin_lock(&g.object[o]->lock);
	done = pmap_wire_run(g.pmap[p], va_of(first), g.page[o][0]->o.chunk, first % 512, n, prot);
	spin_unlock(&g.object[o]->lock);
	for (unsigned i = first; i < first + n; i++) {
		struct slot *s = &g.slot[p][i];

		if (g.page[o][i % 512] == NULL)
			continue;
		/* A whole megapage gets these rights, a leaf that was there keeps its own. */
		*s = (struct slot){ g.page[o][i % 512], s->m != NULL && !(n == 512 && vm_chunk_is_megapage(
		    g.page[o][0]->o.chunk) && !(p == SUB && g.pinned[first / 512])) ? s->prot | prot : prot, true };
		want++;
	}
	ASSERT_EQ(done, want);
}

/* Window w of p becomes one of SUB's, or is so no more. */
static void
op_nest(unsigned p)
{
	unsigned w = LENT + pick(WINDOWS - LENT), from = pick(2);

	if (p == SUB)
		return;
	if (g.nested[p][w] != 0) {
		pmap_unnest(g.pmap[p], g.window[w], MEGAPAGE_SIZE);
		g.nested[p][w] = 0;
		return;
	}
	pmap_remove(g.pmap[p], g.window[w], g.window[w] + MEGAPAGE_SIZE);
	for (unsigned i = 0; i < 512; i++)
		g.slot[p][w * 512 + i].m = NULL;
	ASSERT_EQ(pmap_nest(g.pmap[p], g.pmap[SUB], g.window[w], g.window[from], MEGAPAGE_SIZE), KERN_SUCCESS);
	g.nested[p][w] = 1 + from;
	g.pinned[from] = true;
}

static void
op_ad(void)
{
	unsigned o = pick(OBJECTS), s = pick(24);
	struct vm_page *m = g.page[o][s];

	spin_lock(&g.object[o]->lock);
	if (g.written[o][s])
		ASSERT_TRUE(pmap_is_modified(m));
	if (pick(2)) {
		pmap_clear_modify(m);
		g.written[o][s] = false;
		ASSERT_FALSE(pmap_is_modified(m));
	} else
		pmap_clear_reference(m);
	spin_unlock(&g.object[o]->lock);
}

static void
op_collect(unsigned p)
{
	pmap_collect(g.pmap[p]);
	for (unsigned i = 0; i < PAGES; i++)
		if (!g.slot[p][i].wired)
			g.slot[p][i].m = NULL;
}

static void
op_switch(unsigned h)
{
	g.on[h] = pick(PMAPS + 1);
	tlb_sim_become(h);
	pmap_switch(g.on[h] == PMAPS ? pmap_kernel() : g.pmap[g.on[h]]);
}

static void
op_renew(unsigned p)
{
	unsigned o, s;

	for (unsigned h = 0; h < HARTS; h++)    /* nobody may run it; some idle on */
		if (g.on[h] == p)
			g.on[h] = PMAPS;
	for (unsigned i = 0; i < PAGES; i++)
		if (g.slot[p][i].m != NULL && find_page(g.slot[p][i].m, &o, &s))
			g.written[o][s] = g.written[o][s] && pick(2);
	memset(g.slot[p], 0, sizeof(g.slot[p]));
	memset(g.written, 0, sizeof(g.written));
	if (p == SUB) {
		for (unsigned q = 0; q < PMAPS; q++)
			pmap_unnest(g.pmap[q], 0, vm_max_address);
		memset(g.nested, 0, sizeof(g.nested));
		memset(g.pinned, 0, sizeof(g.pinned));
	}
	memset(g.nested[p], 0, sizeof(g.nested[p]));
	pmap_destroy(g.pmap[p]);
	g.pmap[p] = pmap_create();
	ASSERT_TRUE(g.pmap[p] != NULL);
}

static void
one_op(void)
{
	unsigned p = pick(PMAPS), k = pick(100);
	/* What takes rights away needs no memory, even if it splits a megapage: the rest of that stays mapped. */
	bool starve = ((k >= 46 && k < 66) || (k >= 70 && k < 76)) && pick(3) == 0 && !sv_reserve_lacks();

	tlb_sim_become(pick(HARTS));
	if (starve)
		vm_alloc_fail_at(1, true);
	if (k < 34)
		op_enter(p);
	else if (k < 40)
		op_enter_mega(p);
	else if (k < 46)
		op_enter_run(p);
	else if (k < 52)
		op_remove(p, pick(2));
	else if (k < 60)
		op_protect(p);
	else if (k < 63)
		op_write_protect(p);
	else if (k < 66)
		op_page(pick(3) == 0);
	else if (k < 70)
		op_wiring(p);
	else if (k < 76)
		op_ad();
	else if (k < 77)
		op_collect(p);
	else if (k < 79)
		op_wire_run(p);
	else if (k < 83)
		op_nest(p);
	else if (k < 96)
		op_switch(pick(HARTS));
	else if (k < 98)
		op_renew(p);
	else
		tlb_exhaust_asids();
	vm_alloc_fail_at(0, false);
}

static void
run_on(const struct tlb_sim_config *c, unsigned steps)
{
	start(c);
	pmap_park_leaves = 1;
	for (g.step = 0; g.step < steps && !test_failed(); g.step++) {
		one_op();
		if (!test_failed())
			check_all();
	}
	if (!test_failed())
		finish();
	pmap_park_leaves = 32;
}

static void
run(unsigned levels, unsigned asid_bits, bool fault_ad, bool full_only, unsigned steps)
{
	struct tlb_sim_config c = { levels, asid_bits, fault_ad, full_only, levels * 1000 + asid_bits,
	    .sticky = levels == 4 };

	run_on(&c, steps);
}

/* With Svnapot; groups do come and go. */
static void
run_groups(unsigned levels, bool fault_ad, unsigned steps)
{
	struct tlb_sim_config c = { levels, 16, fault_ad, .seed = levels * 1000 + 64, .napot = true };
	struct pmap_mega_counts before, after;
	unsigned kept, wanted;

	pmap_mega_totals(&before, &kept, &wanted);
	run_on(&c, steps);
	pmap_mega_totals(&after, &kept, &wanted);
	ASSERT_GE(after.joined - before.joined, steps / 10);
	ASSERT_GE(after.broken - before.broken, steps / 10);
}

TEST(pmap_random, sv39_asid16)                  { run(3, 16, false, false, 3000); }
TEST(pmap_random, sv39_asid16_fault_ad)         { run(3, 16, true, false, 3000); }
TEST(pmap_random, sv39_asid2)                   { run(3, 2, false, false, 3000); }
TEST(pmap_random, sv39_no_asid)                 { run(3, 0, false, false, 3000); }
TEST(pmap_random, sv39_no_asid_fault_ad_full_fences) { run(3, 0, true, true, 3000); }
TEST(pmap_random, sv48_asid2_fault_ad)          { run(4, 2, true, false, 3000); }
TEST(pmap_random, sv48_asid16_full_fences)      { run(4, 16, false, true, 2000); }
TEST(pmap_random, sv57_asid2)                   { run(5, 2, false, false, 3000); }
TEST(pmap_random, sv39_groups)                  { run_groups(3, false, 3000); }
TEST(pmap_random, sv48_groups_fault_ad)         { run_groups(4, true, 3000); }
