/*
 * tlb_sim.c: simulated harts' TLBs, as hostile as the manual allows.
 *
 * Each hart keeps what any walk of it ever read: entries of every level, also
 * pointers and invalid ones, with the address and the ASID they were read for;
 * several for one address side by side. An access starts from any entry that
 * covers the address, or from the root, at random. Nothing leaves a TLB except
 * by the fences, with exactly their meaning:
 *
 *	all            everything
 *	va             leaves (and invalid entries of level 0) that cover va, any ASID, also global
 *	asid           everything of the ASID that is not global
 *	va, asid       leaves ... that cover va, of the ASID, not global
 *
 * Of a leaf with N (Svnapot) a walk may make one entry for the 64 KiB, one for
 * each of its 16 pages, or one of another page's than was asked for, all with the
 * rights, A and D of the leaf that was read; and where A or D is to be set,
 * it may set it in any of the 16, and not in the one that it read.
 *
 * So a fence that is missing, too narrow or for the wrong ASID shows as an
 * access that the tables do not justify, within some accesses; the audit looks
 * at all entries at once. Leaves with G or read under one are global.
 *
 * One mutex for all of it: harts may be threads.
 */
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <arch/pmap_boot.h>
#include <arch/sv.h>
#include <arch/tlb.h>
#include <machine/hart.h>
#include <machine/tlb.h>
#include <host.h>
#include <tlb_sim.h>

#define ENTRIES_MAX 768         /* beyond that an old one goes at random: also legal */

struct sim_entry {
	vm_offset_t va;         /* first address that it covers */
	pte_t       pte;
	uint16_t    asid;
	uint8_t     level;
	bool        group;      /* 64 KiB; pte is the first page's */
	bool        global;
};

struct sim_hart {
	struct sim_entry entry[ENTRIES_MAX];
	unsigned         n;
	unsigned         levels, asid;          /* satp */
	paddr_t          root;
	bool             code_fresh;
};

bool hart_full_fences_only;
bool tlb_sim_napot;
const char *tlb_sim_violation;
struct tlb_sim_counts tlb_sim_counts;
struct tlb_sim_config tlb_sim_next = TLB_SIM_DEFAULT;
void (*tlb_sim_at_fence)(void);

static struct tlb_sim_config config;
static struct sim_hart sim[MAXHARTS];
static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static uint64_t        random_state;

static uint64_t
random_next(void)
{
	random_state ^= random_state << 13;
	random_state ^= random_state >> 7;
	random_state ^= random_state << 17;
	return random_state;
}

void host_pmap_boot(void);

/* boot.c: the kernel's root table, and the harts as they come out of reset. */
void
host_pmap_boot(void)
{
	struct vm_page *root;

	config = tlb_sim_next;
	tlb_sim_next = (struct tlb_sim_config)TLB_SIM_DEFAULT;
	memset(sim, 0, sizeof(sim));
	memset(&tlb_sim_counts, 0, sizeof(tlb_sim_counts));
	tlb_sim_violation = NULL;
	tlb_sim_at_fence = NULL;
	random_state = config.seed * 0x9e3779b97f4a7c15ul | 1;
	hart_full_fences_only = config.full_fences_only;
	config.napot |= tlb_sim_napot;
	pmap_napot = config.napot;
	host_hart = 0;
	root = sv_table_alloc(config.levels - 1, true);
	for (unsigned i = 0; i < MAXHARTS; i++) {
		sim[i].levels = config.levels;
		sim[i].root = vm_page_pa(root);
		harts[i].pmap = NULL;
		harts[i].asid_generation = 0;
	}
	pmap_bootstrap(vm_page_pa(root), config.levels, config.asid_bits);
	for (unsigned i = 1; i < hart_count; i++) {
		tlb_sim_become(i);
		tlb_hart_online();
	}
	tlb_sim_become(0);
}

void tlb_sim_become(unsigned hart) { host_hart = hart; }
unsigned tlb_sim_entries(unsigned hart) { return sim[hart].n; }

/* --- fences --- */

static vm_size_t
entry_size(const struct sim_entry *e)
{
	return e->group ? SV_GROUP_SIZE : sv_size(e->level);
}

static bool
covers(const struct sim_entry *e, vm_offset_t va)
{
	return (va & ~(entry_size(e) - 1)) == e->va;
}

static bool
leaf_like(const struct sim_entry *e)
{
	return pte_valid(e->pte) ? pte_leaf(e->pte) : e->level == 0;
}

/* Drops what the operands name. has_va, has_asid: rs1, rs2 are not x0. */
static void
drop(unsigned hart, bool has_va, vm_offset_t va, bool has_asid, unsigned asid)
{
	struct sim_hart *h = &sim[hart];
	unsigned i, kept = 0;

	if ((has_va || has_asid) && config.full_fences_only)
		return;
	for (i = 0; i < h->n; i++) {
		struct sim_entry *e = &h->entry[i];
		bool hit = (!has_va || (leaf_like(e) && covers(e, va))) &&
		    (!has_asid || (!e->global && e->asid == asid));

		if (!hit)
			h->entry[kept++] = *e;
	}
	h->n = kept;
}

static void
fence(unsigned hart, bool has_va, vm_offset_t va, bool has_asid, unsigned asid)
{
	if (tlb_sim_at_fence != NULL)
		tlb_sim_at_fence();
	pthread_mutex_lock(&mutex);
	drop(hart, has_va, va, has_asid, asid);
	if (has_va)
		*(has_asid ? &tlb_sim_counts.fence_va_asid : &tlb_sim_counts.fence_va) += 1;
	else
		*(has_asid ? &tlb_sim_counts.fence_asid : &tlb_sim_counts.fence_all) += 1;
	pthread_mutex_unlock(&mutex);
}

void tlb_fence_all(void) { fence(host_hart, false, 0, false, 0); }
void tlb_fence_va(vm_offset_t va) { fence(host_hart, true, va, false, 0); }
void tlb_fence_asid(unsigned asid) { fence(host_hart, false, 0, true, asid); }
void tlb_fence_va_asid(vm_offset_t va, unsigned asid) { fence(host_hart, true, va, true, asid); }

static void
remote(uint64_t set, vm_offset_t va, vm_size_t size, bool has_asid, unsigned asid)
{
	pthread_mutex_lock(&mutex);
	tlb_sim_counts.remote++;
	pthread_mutex_unlock(&mutex);
	for (unsigned i = 0; i < MAXHARTS; i++) {
		if (!(set >> i & 1))
			continue;
		if (i == host_hart)
			panic("hart %u fences itself remotely", i);
		if (size == ~0ul)
			fence(i, false, 0, has_asid, asid);
		else
			for (vm_offset_t at = va; at < va + size; at += PAGE_SIZE)
				fence(i, true, at, has_asid, asid);
	}
}

void tlb_remote_fence(uint64_t set, vm_offset_t va, vm_size_t size) { remote(set, va, size, false, 0); }
void
tlb_remote_fence_asid(uint64_t set, vm_offset_t va, vm_size_t size, unsigned asid)
{
	remote(set, va, size, true, asid);
}

void
tlb_fence_code(void)
{
	pthread_mutex_lock(&mutex);
	sim[host_hart].code_fresh = true;
	tlb_sim_counts.fence_code++;
	pthread_mutex_unlock(&mutex);
}

void
tlb_remote_fence_code(uint64_t set)
{
	pthread_mutex_lock(&mutex);
	tlb_sim_counts.remote_code++;
	for (unsigned i = 0; i < MAXHARTS; i++)
		if (set >> i & 1)
			sim[i].code_fresh = true;
	pthread_mutex_unlock(&mutex);
}

void
tlb_sim_code_written(void)
{
	for (unsigned i = 0; i < MAXHARTS; i++)
		sim[i].code_fresh = false;
}

bool tlb_sim_code_fresh(unsigned hart) { return sim[hart].code_fresh; }

void
tlb_load_root(unsigned levels, paddr_t root, unsigned asid)
{
	struct sim_hart *h = &sim[host_hart];

	pthread_mutex_lock(&mutex);
	if (asid >> config.asid_bits != 0)
		panic("ASID %u on a machine with %u bits of it", asid, config.asid_bits);
	h->levels = levels;
	h->root = root;
	h->asid = asid;
	tlb_sim_counts.loads++;
	pthread_mutex_unlock(&mutex);
}

/* --- translation --- */

static void
remember(struct sim_hart *h, vm_offset_t va, unsigned level, pte_t pte, bool group, bool global)
{
	vm_size_t size = group ? SV_GROUP_SIZE : sv_size(level);
	unsigned i = h->n;

	if (h->n == ENTRIES_MAX)
		i = (unsigned)(random_next() % ENTRIES_MAX);
	else
		h->n++;
	h->entry[i] = (struct sim_entry){ va & ~(size - 1), pte, (uint16_t)h->asid, (uint8_t)level, group, global };
}

/* What a walk may make of leaf v with N, read for va. The leaf of the very page. */
static pte_t
remember_group(struct sim_hart *h, vm_offset_t va, pte_t v, bool global)
{
	const pte_t step = 1ul << PTE_PPN_SHIFT;
	vm_offset_t base = va & ~(SV_GROUP_SIZE - 1);
	unsigned own = sv_index(va, 0) % SV_GROUP, other = (unsigned)(random_next() % SV_GROUP), i;

	if (!config.napot || (v >> PTE_PPN_SHIFT) % SV_GROUP != SV_GROUP / 2) {
		tlb_sim_violation = "a leaf with N and a reserved size, or without Svnapot";
		return 0;
	}
	v = (v & ~PTE_N) - SV_GROUP / 2 * step;
	switch (random_next() % 4) {
	case 0:
		remember(h, base, 0, v, true, global);
		break;
	case 1:
		for (i = 0; i < SV_GROUP; i++)
			remember(h, base + i * PAGE_SIZE, 0, v + i * step, false, global);
		break;
	case 2:
		remember(h, base + other * PAGE_SIZE, 0, v + other * step, false, global);
		break;
	default:
		remember(h, va, 0, v + own * step, false, global);
		break;
	}
	return v + own * step;
}

static bool
is_table(paddr_t pa)
{
	struct vm_page *m = vm_page_of_pfn((pfn_t)(pa >> PAGE_SHIFT));

	return m != NULL && m->kind == VM_PAGE_TABLE;
}

/*
 * Follows memory from the table at pa of `level` down; remembers what it reads.
 * The entry that decides, by value; *place: where it lies.
 */
static pte_t
walk_from(struct sim_hart *h, paddr_t pa, unsigned level, vm_offset_t va, unsigned *at, pte_t **place)
{
	bool global = false;
	pte_t v;

	for (;;) {
		if (!is_table(pa)) {
			tlb_sim_violation = "a walker is in a page that is no table";
			return 0;
		}
		*place = (pte_t *)phys_to_virt(pa) + sv_index(va, level);
		v = pte_load(*place);
		global |= (v & PTE_G) != 0;
		*at = level;
		if (level == 0 && pte_valid(v) && (v & PTE_N))
			return remember_group(h, va, v, global);
		remember(h, va, level, v, false, global);
		if (!pte_valid(v) || pte_leaf(v) || level == 0)
			return v;
		pa = pte_pa(v);
		level--;
	}
}

/* A cached entry to start from, or NULL for the root. */
static const struct sim_entry *
choose(const struct sim_hart *h, vm_offset_t va)
{
	const struct sim_entry *pick = NULL;
	unsigned i, n = config.sticky ? 0 : 1;

	for (i = 0; i < h->n; i++) {
		const struct sim_entry *e = &h->entry[i];

		if (covers(e, va) && (e->global || e->asid == h->asid) && random_next() % ++n == 0)
			pick = e;
	}
	return pick;
}

/* Does leaf v permit the access as it stands, and are A and D as the access needs them? */
static bool
permits(pte_t v, vm_prot_t access)
{
	return pte_valid(v) && pte_leaf(v) && (v & PTE_U) && (sv_bits_prot(v) & access) == access;
}

static pte_t
needs(vm_prot_t access)
{
	return PTE_A | (access & VM_PROT_WRITE ? PTE_D : 0);
}

/*
 * Sets A and D in memory as the hardware does: only in a leaf that still permits the access, and for a group in any of
 * its leaves, as long as that is one.
 */
static bool
update_ad(struct sim_hart *h, vm_offset_t va, unsigned level, pte_t *place, vm_prot_t access, pte_t *v)
{
	bool group = level == 0 && (pte_load(place) & PTE_N) != 0;
	pte_t *at = group ? pte_group(place) + random_next() % SV_GROUP : place, old = pte_load(at);

	do {
		if (!permits(old, access) || (level == 0 && (old & PTE_N) != 0) != group)
			return false;
	} while (!__atomic_compare_exchange_n(at, &old, old | needs(access), false,
	    __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST));
	if (group)
		*v = remember_group(h, va, old | needs(access), false);
	else {
		*v = old | needs(access);
		remember(h, va, level, *v, false, false);
	}
	return true;
}

static bool
translate(struct sim_hart *h, vm_offset_t va, vm_prot_t access, paddr_t *pa)
{
	const struct sim_entry *e = choose(h, va);
	unsigned level = h->levels - 1;
	vm_size_t size = 0;             /* of the entry that v comes from; 0: it is memory's */
	paddr_t table = h->root;
	pte_t v = 0, *place = NULL;

	if (e != NULL && pte_valid(e->pte) && !pte_leaf(e->pte)) {
		table = pte_pa(e->pte);
		level = e->level - 1u;
		e = NULL;
	}
	if (e != NULL) {
		v = e->pte;
		level = e->level;
		size = entry_size(e);
	} else
		v = walk_from(h, table, level, va, &level, &place);
	if (!permits(v, access))
		return false;
	if ((v & needs(access)) != needs(access)) {
		if (config.fault_ad)
			return false;
		if (place == NULL)      /* a cached leaf: the update looks at memory again */
			walk_from(h, h->root, h->levels - 1, va, &level, &place);
		size = 0;
		if (place == NULL || !update_ad(h, va, level, place, access, &v))
			return false;
	}
	*pa = pte_pa(v) + (va & ((size != 0 ? size : sv_size(level)) - 1));
	return true;
}

bool
tlb_sim_access(unsigned hart, vm_offset_t va, vm_prot_t access, paddr_t *pa)
{
	struct vm_page *m;
	bool ok;

	pthread_mutex_lock(&mutex);
	ok = translate(&sim[hart], va, access, pa);
	if (ok) {
		m = vm_page_of_pfn((pfn_t)(*pa >> PAGE_SHIFT));
		if (m == NULL || m->kind != VM_PAGE_OBJECT)
			tlb_sim_violation = "an access reached a page that is no object's";
	}
	pthread_mutex_unlock(&mutex);
	return ok;
}

/* --- the audit --- */

/* What a walk of pmap finds for va, down to `stop` at most: value and level. */
static pte_t
fresh(struct pmap *pmap, vm_offset_t va, unsigned stop, unsigned *level)
{
	const pte_t *table = pmap->root;
	unsigned l = pmap->levels - 1u;
	pte_t v;

	for (;; l--) {
		v = pte_load(&table[sv_index(va, l)]);
		if (!pte_valid(v) || pte_leaf(v) || l == stop)
			break;
		table = pte_table(v);
	}
	*level = l;
	return l == 0 ? sv_leaf(&table[sv_index(va, 0)]) : v;
}

/* NULL: the tables justify e. */
static const char *
audit_entry(struct pmap *pmap, const struct sim_entry *e)
{
	const char *wrong = NULL;
	unsigned level;
	pte_t v;

	if (e->group) {         /* each of its pages by itself */
		for (unsigned i = 0; i < SV_GROUP && wrong == NULL; i++) {
			struct sim_entry one = { e->va + i * PAGE_SIZE, e->pte + ((pte_t)i << PTE_PPN_SHIFT), e->asid, 0, false,
			    e->global };

			wrong = audit_entry(pmap, &one);
		}
		return wrong;
	}
	if (!pte_valid(e->pte))
		return NULL;            /* costs a spurious fault at most */
	v = fresh(pmap, e->va, pte_leaf(e->pte) ? 0 : e->level, &level);
	if (!pte_leaf(e->pte))
		return level == e->level && pte_valid(v) && !pte_leaf(v) && pte_pa(v) == pte_pa(e->pte) ?
		    NULL : "a cached pointer to a table that is not there any more";
	if (!pte_valid(v) || !pte_leaf(v))
		return "a cached leaf where there is none any more";
	if (level < e->level)
		return "a cached megapage where there are pages now";
	if (pte_pa(v) + (e->va & (sv_size(level) - 1)) != pte_pa(e->pte))
		return "a cached leaf for another page";
	if (e->pte & ~v & (PTE_RWX | PTE_U))
		return "a cached leaf with rights that are gone";
	if ((e->pte & ~v & PTE_D) && (v & PTE_W))
		return "a cached leaf with a D that was cleared";
	return NULL;
}

/* May hart h use entries of pmap's without a fence? *asid: those of which ASID. */
static bool
usable(struct pmap *pmap, unsigned h, unsigned *asid)
{
	if (sim[h].root == virt_to_phys(pmap->root)) {
		*asid = sim[h].asid;
		return true;
	}
	*asid = (unsigned)(pmap->tlb.ctx & 0xffff);
	return pmap->tlb.ctx != 0 && !(pmap->tlb.stale >> h & 1) &&
	    harts[h].asid_generation == pmap->tlb.ctx >> 16;
}

const char *
tlb_sim_audit(pmap_t pmap, vm_offset_t *va)
{
	const char *wrong = NULL;
	unsigned asid;

	pthread_mutex_lock(&mutex);
	for (unsigned h = 0; h < hart_count && wrong == NULL; h++) {
		if (!usable(pmap, h, &asid))
			continue;
		for (unsigned i = 0; i < sim[h].n && wrong == NULL; i++) {
			const struct sim_entry *e = &sim[h].entry[i];

			if (e->va >= vm_max_address || (e->asid != asid && !e->global))
				continue;
			*va = e->va;
			wrong = audit_entry(pmap, e);
		}
	}
	pthread_mutex_unlock(&mutex);
	return wrong;
}
