/*
 * pmap_impl.h: what the files of the pmap tell each other.
 *
 *   pmap.c          life, and making mappings of 4 KiB
 *   pmap_mega.c     megapage leaves: entering, promotion, demotion
 *   pmap_giga.c     gigapage leaves
 *   pmap_napot.c    groups of 16 leaves: joining and breaking
 *   pmap_remove.c   removing and protecting ranges
 *   pmap_wire.c     wiring, and clearing referenced bits, by range
 *   pmap_pv.c       reverse mappings, and operations on a page's or chunk's mappings
 *   pmap_park.c     write protection put off
 *   pmap_nest.c     tables that serve several pmaps
 *   pmap_kernel.c   the kernel's own pmap
 *   pmap_query.c    walks, statistics, the checker
 *
 * A batch gathers what one call owes: the range to fence, tables to free and
 * pv records to let go after the fence. Order matters: a record stays on its
 * chunk's list until the fence is complete, so that whoever asks for a page's
 * mappings waits for this pmap's lock instead of finding none too early; and
 * a table page is freed only when no walker can be in it any more.
 */
#ifndef PMAP_IMPL_H
#define PMAP_IMPL_H

#include <mm/pmap.h>
#include <mm/zone.h>
#include <machine/tlb.h>
#include <arch/sv.h>
#include <arch/tlb.h>

struct pmap_batch {
	vm_offset_t     start, end;     /* leaves that lost something; start >= end: none */
	bool            all;            /* drop everything: non-leaf entries or megapages changed */
	bool            harvest;        /* tables below still hold A and D worth keeping */
	struct vm_page *tables;         /* unhooked; those with slot != 0 still hold leaves */
	bool            pv_locked;      /* the caller holds the pv_lock of the one chunk concerned */
	uint8_t         cause;          /* enum pmap_split: what the call is, should it split a megapage */
	struct pv      *pvs;            /* count 0, off their table, linked by t_next */
};

static inline void
pmap_batch_init(struct pmap_batch *b, bool pv_locked, enum pmap_split cause)
{
	*b = (struct pmap_batch){ .start = ~0ul, .pv_locked = pv_locked, .cause = (uint8_t)cause };
}

static inline void
batch_leaf(struct pmap_batch *b, vm_offset_t va)
{
	if (va < b->start)
		b->start = va;
	if (va + PAGE_SIZE > b->end)
		b->end = va + PAGE_SIZE;
}

extern struct pmap pmap_kernel_store;
/* Root entries below this one are empty in the kernel's half: in Sv48 and Sv57 all but the last. */
extern unsigned pmap_kernel_first;
extern uint64_t    pmap_uncached_bits;          /* PTE bits for device memory; 0 without Svpbmt */
extern bool        pmap_napot;                  /* Svnapot: leaves may become groups */

static inline bool pmap_is_kernel(const struct pmap *p) { return p == &pmap_kernel_store; }

/* pmap.c */
/* Fences, then lets go what b holds; b is empty afterwards. */
void pmap_flush_slow(struct pmap *pmap, struct pmap_batch *b);
static inline void
pmap_flush(struct pmap *pmap, struct pmap_batch *b)
{
	/* Tables and records come with something to fence, but for spares. */
	if (b->start < b->end || b->all || b->tables != NULL)
		pmap_flush_slow(pmap, b);
}
void pmap_unpin(struct pmap *pmap);                       /* drops a pin; the last one frees */
/* The leaf table for va, made or split out of a megapage if need be, and cached; NULL: no memory, nothing changed. */
struct vm_page *pmap_leaf_table(struct pmap *pmap, vm_offset_t va, struct pmap_batch *b);
/* The bits of a user leaf. D only where W is: a write fault on a page that stays read-only sets none. */
static inline pte_t
pmap_leaf_bits(vm_prot_t prot, unsigned flags)
{
	pte_t b = sv_prot_bits(prot) | PTE_U | PTE_A | PTE_MANAGED;

	b |= (b & (pte_t)(flags & VM_PROT_WRITE) << 1) << 5;
	if (flags & (PMAP_WIRED | PMAP_UNCACHED)) {
		if (flags & PMAP_WIRED)
			b |= PTE_WIRED;
		if (flags & PMAP_UNCACHED)
			b |= pmap_uncached_bits;
	}
	return b;
}
_Static_assert(VM_PROT_WRITE << 1 == PTE_W && PTE_W << 5 == PTE_D, "W and D by shifts");
/* The object's page that leaf v maps; NULL: device memory, which has none. */
static inline struct vm_page *
pmap_leaf_page(pte_t v)
{
	return likely(v & PTE_MANAGED) ? vm_page_of_pfn(pte_pfn(v)) : NULL;
}
/* Adds to the page's harvested A and D. m NULL: nobody asks. */
static inline void
pmap_harvest(struct vm_page *m, pte_t old)
{
	if (m == NULL)
		return;
	if (old & (PTE_A | PTE_D) & ~__atomic_load_n(&m->o.ad, __ATOMIC_RELAXED))
		__atomic_fetch_or(&m->o.ad, old & (PTE_A | PTE_D), __ATOMIC_RELAXED);
}
/*
 * The table in the cache may be empty: memory that is touched, given back and
 * had again at the same place needs no table anew. It is unhooked when another
 * table comes into the cache, and whenever its whole window is removed.
 */
static inline bool
pmap_cached_is_empty(const struct pmap *pmap)
{
	return pmap->leaf_window != PMAP_NO_WINDOW && pmap->leaf_page->slot == 0;
}
static inline void
pmap_cache_leaf(struct pmap *pmap, vm_offset_t va, struct vm_page *table)
{
	pmap->leaf_window = va >> MEGAPAGE_SHIFT;
	pmap->leaf_page = table;
	pmap->leaf = sv_entries(table);
}
static inline void
pmap_uncache_leaf(struct pmap *pmap, vm_offset_t va)
{
	if (pmap->leaf_window == va >> MEGAPAGE_SHIFT)
		pmap->leaf_window = PMAP_NO_WINDOW;
}
/* Unhooks the (leaf) table that holds va's entry of `level`, and those above that get empty. */
void pmap_unhook(struct pmap *pmap, vm_offset_t va, unsigned level, struct pmap_batch *b);
/* The leaf table `table` of va has lost its last entry. */
static inline void
pmap_table_emptied(struct pmap *pmap, vm_offset_t va, struct vm_page *table, struct pmap_batch *b)
{
	if (table != pmap->leaf_page || pmap->leaf_window == PMAP_NO_WINDOW)
		pmap_unhook(pmap, va, 0, b);
}
/* The cache's table goes if it is empty. */
static inline void
pmap_unhook_cached(struct pmap *pmap, struct pmap_batch *b)
{
	if (pmap_cached_is_empty(pmap))
		pmap_unhook(pmap, pmap->leaf_window << MEGAPAGE_SHIFT, 0, b);
}
/* Does the large leaf over va at e map the page of `new`, with just these rights, wired alike? Then it gets A and D of new, and stays. */
bool pmap_large_suffices(vm_offset_t va, unsigned level, pte_t *e, pte_t new);
/* pmap_find past the cache of leaf tables. */
pte_t *pmap_find_far(struct pmap *pmap, vm_offset_t va, unsigned *level);
/* The leaf for va: its entry and level, through the cache. Entry may be invalid. */
static inline pte_t *
pmap_find(struct pmap *pmap, vm_offset_t va, unsigned *level)
{
	if (likely(pmap->leaf_window == va >> MEGAPAGE_SHIFT)) {
		*level = 0;
		return &pmap->leaf[sv_index(va, 0)];
	}
	return pmap_find_far(pmap, va, level);
}

/* pmap_park.c */
extern unsigned pmap_park_leaves;       /* a table with fewer is changed at once: two faults would cost as much */
/*
 * The leaf table that the directory's entry v points to, over va, loses its V, until somebody needs it. FALSE: better to
 * take WRITE from its leaves now. The caller owes a fence of everything.
 */
static inline bool
pmap_park(struct pmap *pmap, vm_offset_t va, pte_t *entry, pte_t v)
{
	struct vm_page *table = vm_page_of_pfn(pte_pfn(v));

	if (table->slot < pmap_park_leaves || table->t.md != 0 || (table->flags & SV_PINNED))
		return false;
	pmap_uncache_leaf(pmap, va);
	pte_store(entry, v ^ (PTE_V | PTE_PARKED));
	return true;
}
/* The parked table at `entry`: its leaves lose WRITE, and it is there again. */
void pmap_unpark(pte_t *entry);
/* pmap_fault where va lies in a parked table: it is no more. pmap locked. */
bool pmap_fault_parked(struct pmap *pmap, vm_offset_t va, vm_prot_t access, pte_t need);
/* pmap_find, and into parked tables: for who takes away. */
static inline pte_t *
pmap_find_parked(struct pmap *pmap, vm_offset_t va, unsigned *level)
{
	pte_t *e = pmap_find(pmap, va, level), v;

	if (*level == 1 && unlikely((v = pte_load(e)) & PTE_PARKED)) {
		*level = 0;
		e = &pte_table(v)[sv_index(va, 0)];
	}
	return e;
}

/* pmap_napot.c; pmap locked. All but pmap_group_break: only where pmap_napot. */
/* The leaves around e, which was just made or changed and maps a page of c, become a group if they can. */
void pmap_group_join(struct pmap *pmap, pte_t *e, const struct vm_chunk *c);
/* The same for the leaves of the n pages from va on, in one table, if that is there. */
void pmap_groups_join(struct pmap *pmap, vm_offset_t va, unsigned n, const struct vm_chunk *c);
/* Nothing is at e and in its neighbours, e is the first, and c's pages from `slot` on can be mapped there as a group. */
bool pmap_group_is_free(const pte_t *e, const struct vm_chunk *c, unsigned slot);
/* There: leaves for them, the first of which is v. */
void pmap_group_make(struct pmap *pmap, pte_t *e, pte_t v);
/* The group that e lies in becomes 16 leaves by themselves, which all know its A and D. pmap NULL: not counted. */
void pmap_group_break(struct pmap *pmap, pte_t *e);
/* All groups that the n leaves from e on meet, in one table. */
void pmap_groups_break(struct pmap *pmap, pte_t *e, unsigned n);
/* Only those that lie there in part: what happens to the others happens to all of their leaves alike. */
void pmap_groups_cut(struct pmap *pmap, pte_t *e, unsigned n);
/* Groups in pmap now. */
uint64_t pmap_groups(struct pmap *pmap);
/* Before the leaf at e changes by itself. */
static inline void
pmap_break_at(struct pmap *pmap, pte_t *e)
{
	if (unlikely(pte_load(e) & PTE_N))
		pmap_group_break(pmap, e);
}
/* A, or A and D, for the leaf v at e, and for all its group. */
void pmap_group_or(pte_t *e, pte_t bits);
/*
 * The leaf at e, of a group, gets `write` (PTE_W or 0) if it is that of c's page `slot`, and so will the n - 1 after it: the
 * whole group does, where it is among them.
 */
void pmap_group_add_write(struct pmap *pmap, pte_t *e, const struct vm_chunk *c, unsigned slot, unsigned n, pte_t write);
static inline void
pmap_set_ad(pte_t *e, pte_t v, pte_t bits)
{
	if (unlikely(v & PTE_N))
		pmap_group_or(e, bits);
	else
		pte_or(e, bits);
}

/* pmap_nest.c */
void pmap_nest_init(void);
/* Does n nest the window that holds va of its parent? */
bool pmap_nest_has(const struct pmap_nest *n, vm_offset_t va);
/* pmap has lost its last reference: tables that served others go with the leaves. */
void pmap_drop_pins(struct pmap *sub);
/* pmap_fault where va lies in a nested window; pmap locked. */
bool pmap_fault_nested(struct pmap *pmap, vm_offset_t va, vm_prot_t access, pte_t need);
/* tlb_drop_local for a leaf of pmap that changed for the better: a hart may know it by a parent's address. */
static inline void
pmap_drop_local(const struct pmap *pmap, vm_offset_t va)
{
	if (unlikely(pmap->parents != NULL))
		tlb_fence_all();
	else
		tlb_drop_local(va);
}

/* pmap_mega.c */
/* Counts an event of pmap, and of all. */
#define PMAP_COUNT(pmap, what) pmap_count(&(pmap)->mega.what, &pmap_all.what)
#define PMAP_COUNT_GIGA(pmap, what) pmap_count(&(pmap)->giga.what, &pmap_all_giga.what)
extern struct pmap_mega_counts pmap_all, pmap_all_giga; /* atomic */
static inline void
pmap_count(uint64_t *one, uint64_t *all)
{
	__atomic_fetch_add(one, 1, __ATOMIC_RELAXED);
	__atomic_fetch_add(all, 1, __ATOMIC_RELAXED);
}
/*
 * Splits the megapage leaf at `entry` (level 1) for a caller that can refuse:
 * the new leaf table, or NULL, nothing changed, when memory is out (never for a wired one).
 */
struct vm_page *pmap_demote(struct pmap *pmap, vm_offset_t va, pte_t *entry, struct pmap_batch *b);
/*
 * The same for one that cannot: with the reserve; when that is used up, the leaf is taken away whole (NULL).
 * pv: its record, or NULL to look it up.
 */
struct vm_page *pmap_demote_or_drop(struct pmap *pmap, vm_offset_t va, pte_t *entry, struct pv *pv, struct pmap_batch *b);
/* Takes the megapage leaf at `entry` away; its table is pruned when empty. */
void pmap_remove_mega(struct pmap *pmap, vm_offset_t va, pte_t *entry, struct pv *pv, struct pmap_batch *b);
/* pmap_enter_mega's work; va aligned, new a leaf. */
kern_return_t pmap_enter_mega_locked(struct pmap *pmap, vm_offset_t va, struct vm_chunk *c, pte_t new,
    struct pmap_batch *b);
/* The megapage leaf at entry becomes wired or not. FALSE: no memory to wire it, nothing changed. */
bool pmap_wire_mega(struct pmap *pmap, pte_t *entry, bool wired, struct pmap_batch *b);

/* A spare for a megapage leaf that is to be wired; FALSE: no memory. And one less, freed by b. */
bool pmap_add_spare(struct pmap *pmap);
void pmap_drop_spare(struct pmap *pmap, struct pmap_batch *b);

/* pmap_giga.c; entry: of level 2, the leaf over va */
/* Splits the leaf into 512 megapage leaves. Never fails. The entry of va at level 1. */
pte_t *pmap_split_giga(struct pmap *pmap, vm_offset_t va, pte_t *entry, struct pmap_batch *b);
/* From what a search said: where it ended at a gigapage leaf, that is split. */
static inline pte_t *
pmap_open_giga(struct pmap *pmap, vm_offset_t va, pte_t *entry, unsigned *level, struct pmap_batch *b)
{
	if (likely(*level != 2 || !pte_leaf(pte_load(entry))))
		return entry;
	*level = 1;
	return pmap_split_giga(pmap, va, entry, b);
}
/* [start, end), within the leaf, is removed, or keeps `keep` at most. FALSE: the leaf is split now, and nothing done yet. */
bool pmap_remove_from_giga(struct pmap *pmap, vm_offset_t start, vm_offset_t end, pte_t *entry, unsigned how,
    struct pmap_batch *b);
bool pmap_protect_giga(struct pmap *pmap, vm_offset_t start, vm_offset_t end, pte_t *entry, pte_t keep,
    struct pmap_batch *b);
/* [start, end), within the leaf, becomes wired or not. SPLIT: nothing done yet but that; SHORTAGE: no tables to keep, nothing changed. */
enum pmap_giga_wired { PMAP_GIGA_DONE, PMAP_GIGA_SPLIT, PMAP_GIGA_SHORTAGE };
enum pmap_giga_wired pmap_wire_from_giga(struct pmap *pmap, vm_offset_t start, vm_offset_t end, pte_t *entry, bool wired,
    struct pmap_batch *b);
/* Is the gigapage leaf v over va accounted for? NULL: yes. */
const char *pmap_check_giga(struct pmap *pmap, vm_offset_t va, pte_t v);

/* pmap_remove.c */
#define PMAP_REMOVE_HARVEST 1u          /* keep A and D in the pages */
#define PMAP_KEEP_WIRED     2u          /* leave wired leaves */
#define PMAP_REMOVE_ADVISED 4u          /* by advice: for the counts */
void pmap_remove_locked(struct pmap *pmap, vm_offset_t start, vm_offset_t end, unsigned how, struct pmap_batch *b);
/* The end of the piece of [va, end) that one entry of `level` (leaf table: the table) decides. */
static inline vm_offset_t
pmap_piece_end(vm_offset_t va, vm_offset_t end, unsigned level)
{
	vm_offset_t last = va | (sv_size(level != 0 ? level : 1) - 1);

	return last < end - 1 ? last + 1 : end;
}
/* Takes the leaf at e (valid) away with its A and D; pv: its record, or NULL to look it up. Prunes. */
void pmap_clear_leaf(struct pmap *pmap, vm_offset_t va, pte_t *e, struct pv *pv, struct pmap_batch *b);
/* The RWX bits that leaves keep under prot: no W without R. 0: they go. */
static inline pte_t
pmap_keep_bits(vm_prot_t prot)
{
	return prot & VM_PROT_READ ? sv_prot_bits(prot) : sv_prot_bits(prot & VM_PROT_EXECUTE);
}

/* pmap_pv.c; pmap locked */
void pv_init(void);
/*
 * The chunk of what has none. Its records count, table by table, the leaves of
 * device memory, so that every table with leaves has a record and no leaf is
 * without one. No page names it, so no page-wise operation meets them.
 */
extern struct vm_chunk pv_no_chunk;
/* The record for page m (NULL: device memory) at va in `table`, counted one more; NULL: shortage. */
struct pv *pv_get(struct pmap *pmap, struct vm_page *table, struct vm_page *m, vm_offset_t va);
/* The record of chunk c with this origin in `table`, or NULL. */
struct pv *pv_find(struct vm_page *table, struct vm_chunk *c, vm_offset_t origin);
/* A new record with this count. */
struct pv *pv_new(struct pmap *pmap, struct vm_page *table, struct vm_chunk *c, vm_offset_t origin,
    vm_offset_t window, unsigned count, bool mega);
/* n leaves less; at 0 the record leaves its table for b->pvs. */
void pv_drop(struct pv *pv, unsigned n, struct pmap_batch *b);
/* The record of the leaf v that is or was at va in `table`. */
struct pv *pv_of_leaf(struct vm_page *table, vm_offset_t va, pte_t v);
/* The record of the megapage leaf over va that maps c, in directory `dir`. c->pv_lock is not held. */
struct pv *pv_of_mega(struct vm_page *dir, struct vm_chunk *c, vm_offset_t va);
/* To another table's list (demotion, promotion). */
void pv_move(struct pv *pv, struct vm_page *table);
/* After the fence: off the chunks' lists, freed. */
void pv_release(struct pv *list, bool pv_locked);
/* One record, whose count is 0 and which is on its table's list; after the fence. */
void pv_release_last(struct pv *pv, bool pv_locked);
/* All records of a dead table onto the list of b. */
void pv_drop_table(struct vm_page *table, struct pmap_batch *b);

#endif
