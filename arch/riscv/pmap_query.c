/*
 * arch/riscv/pmap_query.c: looking at pmaps, and checking them.
 *
 * The checker walks all tables of a pmap under its lock and compares what it
 * finds with every count and record that the other files keep (mm's invariants
 * I17, I18, I22 and I24 are this). It changes nothing. The questions walk the
 * same tables; none of them is on a hot path.
 */
#include "pmap_impl.h"

bool
pmap_extract(pmap_t pmap, vm_offset_t va, paddr_t *pa)
{
	unsigned level;
	pte_t v, *e;

	spin_lock(&pmap->lock);
	e = sv_find_through(pmap->root, pmap->levels, va, &level);
	v = level == 0 ? pte_load_own(e) : pte_load(e);
	spin_unlock(&pmap->lock);
	if (!pte_valid(v) || !pte_leaf(v))
		return false;
	*pa = pte_pa(v) + (va & (sv_size(level) - 1));
	return true;
}

static void
pmap_walk_locked(struct pmap *pmap, vm_offset_t va, struct pmap_walk *w)
{
	const pte_t *table = pmap->root;
	unsigned level = pmap->levels;
	pte_t v;

	*w = (struct pmap_walk){ .levels = 0 };
	do {
		level--;
		v = pte_load(&table[sv_index(va, level)]);
		w->step[w->levels].table = virt_to_phys(table);
		w->step[w->levels].index = sv_index(va, level);
		w->step[w->levels++].pte = v;
		w->nested |= level == 1 && !pte_leaf(v) && (v & PTE_NESTED);
		if (!pte_valid(v)) {
			w->parked = level == 1 && (v & PTE_PARKED);
			return;
		}
		table = pte_table(v);
	} while (level > 0 && !pte_leaf(v));
	if (v & PTE_N) {
		w->group = true;
		v = sv_leaf(&((const pte_t *)phys_to_virt(w->step[w->levels - 1].table))[sv_index(va, 0)]);
	}
	w->leaf = pte_leaf(v);
	w->size = sv_size(level);
	w->pa = pte_pa(v) + (va & (w->size - 1));
	w->prot = sv_bits_prot(v);
	w->user = (v & PTE_U) != 0;
	w->accessed = (v & PTE_A) != 0;
	w->dirty = (v & PTE_D) != 0;
	w->wired = (v & PTE_WIRED) != 0;
	w->managed = (v & PTE_MANAGED) != 0;
}

void
pmap_walk(pmap_t pmap, vm_offset_t va, struct pmap_walk *w)
{
	spin_lock(&pmap->lock);
	pmap_walk_locked(pmap, va, w);
	spin_unlock(&pmap->lock);
}

/* A large leaf that covers *va counts: *va becomes its first address, so *va + w->size is where to go on. */
bool
pmap_next_leaf(pmap_t pmap, vm_offset_t *va, vm_offset_t end, struct pmap_walk *w)
{
	vm_offset_t at = *va;
	unsigned level;
	pte_t *e;

	spin_lock(&pmap->lock);
	while (at < end) {
		e = sv_find_through(pmap->root, pmap->levels, at, &level);
		if (pte_valid(pte_load(e))) {
			pmap_walk_locked(pmap, at, w);
			spin_unlock(&pmap->lock);
			*va = at & ~(sv_size(level) - 1);
			return true;
		}
		at = (at | (sv_size(level) - 1)) + 1;
		if (at == 0)
			break;
	}
	spin_unlock(&pmap->lock);
	return false;
}

void
pmap_stats(pmap_t pmap, struct pmap_stats *s)
{
	spin_lock(&pmap->lock);
	*s = (struct pmap_stats){
		.resident = pmap->resident, .wired = pmap->wired, .megapages = pmap->megapages,
		.gigapages = pmap->gigapages, .giga = pmap->giga,
		.tables = pmap->tables, .nested = pmap->nested, .mega = pmap->mega,
		.enters = pmap->enters, .shootdowns = pmap->shootdowns,
		.harts = __atomic_load_n(&pmap->tlb.active, __ATOMIC_RELAXED),
		.asid = (unsigned)(__atomic_load_n(&pmap->tlb.ctx, __ATOMIC_RELAXED) & 0xffff),
		.groups = pmap_napot ? pmap_groups(pmap) : 0,
	};
	spin_unlock(&pmap->lock);
}

/* --- megapages --- */

void
pmap_refuse(pmap_t pmap, enum pmap_refusal why)
{
	PMAP_COUNT(pmap, refused[why]);
}

void
pmap_mega_totals(struct pmap_mega_counts *c, unsigned *kept, unsigned *wanted)
{
	*c = pmap_all;
	*kept = sv_reserve_tables(wanted);
}

const char *
pmap_refusal_name(enum pmap_refusal why)
{
	static const char *const name[PMAP_REFUSALS] = {
		[PMAP_REFUSED_NOT_FULL] = "not full", [PMAP_REFUSED_SCATTERED] = "scattered",
		[PMAP_REFUSED_PLACE] = "not congruent", [PMAP_REFUSED_ENTRY] = "entry too small",
		[PMAP_REFUSED_WIRED] = "wired in part", [PMAP_REFUSED_RIGHTS] = "rights differ",
		[PMAP_REFUSED_COPY] = "copy-on-write", [PMAP_REFUSED_NESTED] = "nested table",
		[PMAP_REFUSED_SHORTAGE] = "shortage",
	};

	return name[why];
}

const char *
pmap_split_name(enum pmap_split why)
{
	static const char *const name[PMAP_SPLITS] = {
		[PMAP_SPLIT_PROTECT] = "protect", [PMAP_SPLIT_REMOVE] = "remove", [PMAP_SPLIT_ADVICE] = "advice",
		[PMAP_SPLIT_WIRE] = "wire", [PMAP_SPLIT_UNWIRE] = "unwire", [PMAP_SPLIT_COPY] = "copy-on-write",
		[PMAP_SPLIT_PAGE] = "page", [PMAP_SPLIT_CLEAN] = "clean", [PMAP_SPLIT_NEST] = "nest",
	};

	return name[why];
}

/* --- the checker --- */

struct pmap_census {
	struct pmap *pmap;
	uint64_t     resident, wired, megapages, wired_megapages, gigapages, tables, nested;
	const char  *wrong;             /* first thing found */
	vm_offset_t  where;
};

static bool
census_fail(struct pmap_census *c, vm_offset_t va, const char *what)
{
	c->wrong = what;
	c->where = va;
	return false;
}

static bool
pv_on_chunk_list(struct pv *pv)
{
	struct pv *p;

	spin_lock(&pv->chunk->pv_lock);
	for (p = pv->chunk->pv; p != NULL && p != pv; p = p->c_next)
		continue;
	spin_unlock(&pv->chunk->pv_lock);
	return p != NULL;
}

/* The record that should stand for a leaf at va, or NULL. */
static struct pv *
census_record(struct vm_page *table, vm_offset_t va, pte_t v, unsigned level)
{
	struct vm_page *m = pmap_leaf_page(v);
	struct vm_chunk *chunk = m != NULL ? m->o.chunk : &pv_no_chunk;
	vm_offset_t origin = va;
	struct pv *pv;

	if (level == 0)
		origin = m != NULL ? va - ((vm_offset_t)m->slot << PAGE_SHIFT) : va & ~MEGAPAGE_MASK;
	for (pv = table->t.pv; pv != NULL; pv = pv->t_next)
		if (pv->chunk == chunk && pv->mega == (level == 1) && pv->origin == origin)
			return pv;
	return NULL;
}

/* What only leaves of 1 GiB have to answer for. */
static bool
census_giga(struct pmap_census *c, vm_offset_t va, pte_t v)
{
	const char *wrong = NULL;

	c->gigapages++;
	c->tables++;                    /* the directory laid aside */
	for (unsigned i = 0; wrong == NULL && i < SV_ENTRIES; i++) {
		struct vm_page *m = vm_page_of_pfn(pte_pfn(v) + i * VM_CHUNK_PAGES);

		if (m == NULL || m->kind != VM_PAGE_OBJECT || m->o.chunk->base != m->pfn || !vm_chunk_is_megapage(m->o.chunk))
			wrong = "gigapage whose memory is not 512 full reservations";
	}
	if (wrong == NULL)
		wrong = pmap_check_giga(c->pmap, va, v);
	return wrong == NULL || census_fail(c, va, wrong);
}

/* A leaf that maps an object's page, as it says. */
static bool
census_managed(struct pmap_census *c, vm_offset_t va, pte_t v, unsigned level)
{
	struct vm_page *m = pmap_leaf_page(v);

	if (m == NULL || m->kind != VM_PAGE_OBJECT)
		return census_fail(c, va, "leaf that maps no object's page");
	if (level != 0 ? m->o.chunk->base != m->pfn || !vm_chunk_is_megapage(m->o.chunk) :
	    !vm_chunk_populated(m->o.chunk, m->slot) || vm_chunk_pfn(m->o.chunk, m->slot) != m->pfn)
		return census_fail(c, va, "leaf whose page is not its chunk's");
	if (level != 0 && (v & (PTE_W | PTE_D)) == PTE_W)
		return census_fail(c, va, "writable large leaf without D");
	return true;
}

/* A leaf of a group, by itself: so are its neighbours, with the same rights and pages of the same chunk. */
static bool
census_group(struct pmap_census *c, vm_offset_t va, const pte_t *e)
{
	const pte_t *g = pte_group(e), same = ~(PTE_A | PTE_D | PTE_WIRED);
	struct vm_page *m = pmap_leaf_page(pte_load_own(e)), *first;
	unsigned i;

	if (!pmap_napot)
		return census_fail(c, va, "leaf with N on a machine without Svnapot");
	if ((pte_load(e) >> PTE_PPN_SHIFT) % SV_GROUP != SV_GROUP / 2)
		return census_fail(c, va, "leaf with N and a reserved size");
	for (i = 0; i < SV_GROUP; i++)
		if ((pte_load(&g[i]) ^ pte_load(e)) & same)
			return census_fail(c, va, "group whose leaves differ");
	first = pmap_leaf_page(pte_load_own(g));
	if (m == NULL || first == NULL || m->o.chunk != first->o.chunk)
		return census_fail(c, va, "group of leaves that map no object's pages, or two");
	return true;
}

static bool
census_leaf(struct pmap_census *c, struct vm_page *table, vm_offset_t va, pte_t v, unsigned level)
{
	bool kernel = pmap_is_kernel(c->pmap);
	uint64_t pages = sv_size(level) >> PAGE_SHIFT;

	if ((v & PTE_W) && !(v & PTE_R))
		return census_fail(c, va, "leaf with W and without R");
	if (pte_pa(v) & (sv_size(level) - 1))
		return census_fail(c, va, "large leaf with a misaligned address");
	if (((v & PTE_U) != 0) == kernel)
		return census_fail(c, va, kernel ? "user leaf in the kernel's pmap" : "kernel leaf in a user pmap");
	if (kernel)
		return true;
	if (level > 2)
		return census_fail(c, va, "leaf of more than 1 GiB in a user pmap");
	c->resident += pages;
	c->megapages += level == 1;
	if (v & PTE_WIRED) {
		c->wired += pages;
		if (level != 0)
			c->wired_megapages += level == 1 ? 1 : SV_ENTRIES;
	}
	if (!(v & PTE_MANAGED) && level != 0)
		return census_fail(c, va, "large leaf that maps no object's pages");
	if ((v & PTE_MANAGED) && !census_managed(c, va, v, level))
		return false;
	if ((v & (PTE_R | PTE_X)) == PTE_X && !c->pmap->execute_only)
		return census_fail(c, va, "execute-only leaf in a pmap that denies having any");
	if (level == 2)
		return census_giga(c, va, v);
	if (census_record(table, va, v, level) == NULL)
		return census_fail(c, va, "leaf without a reverse mapping");
	return true;
}

/* The records of one table of level 0 or 1 against its leaves. */
static bool
census_records(struct pmap_census *c, struct vm_page *table, vm_offset_t base)
{
	const pte_t *e = sv_entries(table);
	unsigned level = table->level, i, n;
	struct pv *pv;

	for (pv = table->t.pv; pv != NULL; pv = pv->t_next) {
		if (pv->pmap != c->pmap || pv->table != table || pv->mega != (level == 1) ||
		    (level == 0 && pv->window != base))
			return census_fail(c, pv->window, "reverse mapping on the wrong table");
		if (!pv_on_chunk_list(pv))
			return census_fail(c, pv->window, "reverse mapping not on its chunk's list");
		for (i = n = 0; i < SV_ENTRIES; i++)
			if (pte_leaf(e[i]) && census_record(table, base + i * sv_size(level),
			    level == 0 ? pte_load_own(&e[i]) : e[i], level) == pv)
				n += level == 1 ? SV_ENTRIES : 1;
		n += pv->chunk == &pv_no_chunk && (table->flags & SV_PINNED);
		if (n != pv->count)
			return census_fail(c, pv->window, "reverse mapping with a wrong count");
	}
	return true;
}

/*
 * A pointer to another pmap's table: some record says whose, and it is that
 * pmap's for the address, and pinned. Pins keep all of it in place, so that the
 * other pmap need not be locked.
 */
static bool
census_nested(struct pmap_census *c, vm_offset_t va, pte_t v)
{
	struct pmap_nest *n = c->pmap->nests;
	struct vm_page *table = sv_table_page(pte_table(v));

	c->nested++;
	while (n != NULL && !pmap_nest_has(n, va))
		n = n->p_next;
	if (n == NULL || n->parent != c->pmap)
		return census_fail(c, va, "nested table that no record names");
	if (table == NULL || table->kind != VM_PAGE_TABLE || table->level != 0 || !(table->flags & SV_PINNED))
		return census_fail(c, va, "nested table that is no pinned leaf table");
	if (pte_load(sv_entry(n->sub->root, n->sub->levels, va + n->delta, 1)) != (v & ~PTE_NESTED))
		return census_fail(c, va, "nested table that is not the submap's");
	return true;
}

/* The records of a pmap's nested windows, and of windows that it lends. */
static bool
census_nests(struct pmap_census *c)
{
	uint64_t windows = 0;
	struct pmap_nest *n;
	unsigned i, level;
	pte_t *e;

	for (n = c->pmap->nests; n != NULL; n = n->p_next)
		for (i = 0; i < nitems(n->map); i++)
			windows += (uint64_t)__builtin_popcountl(n->map[i]);
	if (windows != c->nested || windows != c->pmap->nested)
		return census_fail(c, 0, "statistics: nested");
	for (n = c->pmap->parents; n != NULL; n = n->s_next)
		for (i = 0; i < GIGAPAGE_SIZE / MEGAPAGE_SIZE; i++) {
			vm_offset_t va = n->va + i * MEGAPAGE_SIZE;

			if (!pmap_nest_has(n, va))
				continue;
			e = sv_find(c->pmap->root, c->pmap->levels, va + n->delta, &level);
			if (n->sub != c->pmap || level != 0 || !(sv_table_page(e)->flags & SV_PINNED))
				return census_fail(c, va + n->delta, "table that serves others, but is not pinned");
		}
	return true;
}

static bool census_table(struct pmap_census *c, const pte_t *entries, unsigned level, vm_offset_t base,
    unsigned first, unsigned last);

/* A table that is put aside is as sound as another, holds nothing wired and serves nobody else. */
static bool
census_parked(struct pmap_census *c, vm_offset_t va, pte_t v)
{
	struct vm_page *table = sv_table_page(pte_table(v));

	if (table == NULL || table->kind != VM_PAGE_TABLE || table->t.md != 0 || (table->flags & SV_PINNED))
		return census_fail(c, va, "parked table that is wired, pinned or none");
	if (c->pmap->leaf_window == va >> MEGAPAGE_SHIFT)
		return census_fail(c, va, "parked table in the cache");
	return census_table(c, pte_table(v), 0, va, 0, SV_ENTRIES);
}

static bool
census_table(struct pmap_census *c, const pte_t *entries, unsigned level, vm_offset_t base,
    unsigned first, unsigned last)
{
	bool user = !pmap_is_kernel(c->pmap);
	struct vm_page *table = sv_table_page(entries);
	uint64_t valid = 0, wired = 0;
	unsigned i, pin;

	c->tables++;
	if (user && (table == NULL || table->kind != VM_PAGE_TABLE || table->level != level))
		return census_fail(c, base, "table page of the wrong kind or level");
	for (i = first; i < last; i++) {
		vm_offset_t va = base + ((vm_offset_t)(i - first) << sv_shift(level));
		pte_t v = pte_load(&entries[i]);

		if (user && level == 1 && (v & ~PTE_PPN_MASK) == PTE_PARKED) {
			if (!census_parked(c, va, v))
				return false;
			valid++;
			continue;
		}
		if (!pte_valid(v)) {
			if (v != 0)
				return census_fail(c, va, "invalid entry that is not 0");
			continue;
		}
		valid++;
		wired += pte_leaf(v) && (v & PTE_WIRED);
		if (unlikely(v & PTE_N) && level == 0 && user) {
			if (!census_group(c, va, &entries[i]))
				return false;
			v = pte_load_own(&entries[i]);
		}
		if (pte_leaf(v)) {
			if (!census_leaf(c, table, va, v, level))
				return false;
		} else if (user && level == 1 && (v & ~PTE_PPN_MASK) == (PTE_V | PTE_NESTED)) {
			if (!census_nested(c, va, v))
				return false;
		} else if (level == 0 || (v & ~PTE_PPN_MASK) != PTE_V)
			return census_fail(c, va, "pointer with bits that only leaves have");
		else if (!census_table(c, pte_table(v), level - 1, va, 0, SV_ENTRIES))
			return false;
	}
	if (!user)
		return true;
	pin = level == 0 && (table->flags & SV_PINNED);
	if (table->slot != valid + pin)
		return census_fail(c, base, "table with a wrong count of entries");
	if (table->t.md != wired)
		return census_fail(c, base, "table with a wrong count of wired leaves");
	if (valid + pin == 0 && !(pmap_cached_is_empty(c->pmap) && table == c->pmap->leaf_page) && level != c->pmap->levels - 1u)
		return census_fail(c, base, "empty table");
	if (pin && pv_find(table, &pv_no_chunk, base) == NULL)
		return census_fail(c, base, "pinned table without the record of its pin");
	if (level > 1)
		return table->t.pv == NULL || census_fail(c, base, "reverse mapping on the wrong table");
	return census_records(c, table, base);
}

static bool
census_totals(struct pmap_census *c)
{
	struct pmap *p = c->pmap;
	struct vm_page *t;
	uint64_t spares = 0, dirs = 0;
	unsigned level, i;

	for (t = p->spares; t != NULL; t = sv_link(t))
		spares++;
	for (t = p->dirs; t != NULL; t = sv_link(t))
		dirs++;
	if (dirs != c->gigapages || p->gigapages != c->gigapages)
		return census_fail(c, 0, "directories laid aside do not match the gigapages");
	if (spares != p->nspares || spares != c->wired_megapages)
		return census_fail(c, 0, "tables in reserve do not match the wired megapages");
	if (c->tables + spares != p->tables)
		return census_fail(c, 0, "statistics: tables");
	if (c->resident != p->resident)
		return census_fail(c, 0, "statistics: resident");
	if (c->wired != p->wired)
		return census_fail(c, 0, "statistics: wired");
	if (c->megapages != p->megapages)
		return census_fail(c, 0, "statistics: megapages");
	for (i = SV_ENTRIES / 2; i < SV_ENTRIES; i++)
		if (p->root[i] != pmap_kernel_store.root[i])
			return census_fail(c, 0, "kernel half of the root differs from the kernel's");
	if (p->dir_window != PMAP_NO_WINDOW) {
		vm_offset_t va = p->dir_window << GIGAPAGE_SHIFT;

		if (sv_find(p->root, p->levels, va, &level), level > 1 ||
		    sv_entry(p->root, p->levels, va, 1) != p->dir || sv_table_page(p->dir) != p->dir_page)
			return census_fail(c, va, "directory cache names a dead table");
	}
	if (p->leaf_window != PMAP_NO_WINDOW) {
		pte_t *e = sv_find(p->root, p->levels, p->leaf_window << MEGAPAGE_SHIFT, &level);

		if (level != 0 || e != p->leaf || sv_table_page(e) != p->leaf_page)
			return census_fail(c, p->leaf_window << MEGAPAGE_SHIFT, "leaf cache names a dead table");
	}
	return true;
}

const char *
pmap_check(pmap_t pmap, vm_offset_t *where)
{
	struct pmap_census c = { .pmap = pmap };
	unsigned half = SV_ENTRIES / 2;
	bool ok;

	spin_lock(&pmap->lock);
	if (pmap_is_kernel(pmap))
		ok = census_table(&c, pmap->root, pmap->levels - 1,
		    -(1ul << (sv_va_bits(pmap->levels) - 1)), half, SV_ENTRIES);
	else
		ok = census_table(&c, pmap->root, pmap->levels - 1, 0, 0, half) && census_nests(&c) && census_totals(&c);
	spin_unlock(&pmap->lock);
	if (ok)
		return NULL;
	*where = c.where;
	return c.wrong;
}
