/*
 * arch/sv.h: page tables of Sv39, Sv48 and Sv57, as data.
 *
 *   va:   | sign | index n-1 | ... | index 1 | index 0 | offset 12 |     n = levels: 3, 4, 5
 *   PTE:  63 N | 62:61 PBMT | 60:54 0 | 53:10 PPN | 9:8 RSW | 7 D | 6 A | 5 G | 4 U | 3 X | 2 W | 1 R | 0 V
 *
 * Level 0 entries map 4 KiB, level 1 a megapage, level 2 a gigapage. With
 * Svnapot 16 entries of level 0 with N map 64 KiB as one (pmap_napot.c). Table
 * pages are struct vm_page of kind VM_PAGE_TABLE: `slot` counts the valid
 * entries, `level` is the table's level, t.pv heads the pv records of leaves
 * in this table, t.md counts the wired leaves in it. A leaf table that serves
 * other pmaps, too, has SV_PINNED in `flags` and counts one entry more; a table of
 * level 1 that a gigapage leaf stands in for has SV_ASIDE. Tables
 * of the boot code lie in the kernel image and have no such page (a structure of
 * kind RESERVED at most); they are never freed.
 *
 * Rules (pmap_check verifies them): no leaf with W and without R; non-leaf
 * entries have no A, D, U; an entry that is not V is 0.
 *
 * Nothing here touches a CSR: the host tests compile this code unchanged. The
 * caller holds the pmap's lock and owes the fences.
 */
#ifndef ARCH_SV_H
#define ARCH_SV_H

#include <mm/vm_types.h>
#include <mm/vm_page.h>

typedef uint64_t pte_t;

#define PTE_V           0x001ul
#define PTE_R           0x002ul
#define PTE_W           0x004ul
#define PTE_X           0x008ul
#define PTE_U           0x010ul
#define PTE_G           0x020ul
#define PTE_A           0x040ul
#define PTE_D           0x080ul
#define PTE_WIRED       0x100ul         /* RSW: the pmap may not forget it */
#define PTE_MANAGED     0x200ul         /* RSW: page of an object; a pv record counts it */
#define PTE_NESTED      0x200ul         /* RSW of a pointer: to a leaf table of another pmap (pmap_nest.c) */
#define PTE_PARKED      (1ul << 60)     /* without V: still points to its leaf table (pmap_park.c) */
#define PTE_RWX         (PTE_R | PTE_W | PTE_X)
#define PTE_PPN_SHIFT   10
#define PTE_PPN_MASK    0x003ffffffffffc00ul
#define PTE_PBMT        (3ul << 61)     /* Svpbmt: memory type; 0: as the physical memory is by itself */
#define PTE_PBMT_NC     (1ul << 61)     /* memory, not cached */
#define PTE_PBMT_IO     (2ul << 61)     /* strongly ordered, not cached */
#define PTE_N           (1ul << 63)     /* Svnapot: one of the SV_GROUP leaves of a group; PPN[3:0] is 8 */

#define SV_ENTRIES      512u
#define SV_PINNED       0x80u           /* vm_page.flags of a leaf table: it stays, empty or not */
#define SV_ASIDE        0x40u           /* of a directory: not hooked in, but its records stand for a gigapage leaf */
#define SV_INDEX_BITS   9
#define SV_GROUP        16u             /* leaves of a group: the one size that Svnapot has */
#define SV_GROUP_SIZE   (SV_GROUP * PAGE_SIZE)
#define SV_MAX_LEVELS   5

static inline unsigned sv_shift(unsigned level) { return PAGE_SHIFT + SV_INDEX_BITS * level; }
static inline vm_size_t sv_size(unsigned level) { return 1ul << sv_shift(level); }
static inline unsigned sv_index(vm_offset_t va, unsigned level) { return (unsigned)(va >> sv_shift(level)) % SV_ENTRIES; }
/* Width of a virtual address: 39, 48, 57. */
static inline unsigned sv_va_bits(unsigned levels) { return PAGE_SHIFT + SV_INDEX_BITS * levels; }

static inline bool pte_valid(pte_t p) { return (p & PTE_V) != 0; }
static inline bool pte_leaf(pte_t p) { return (p & PTE_RWX) != 0; }
static inline paddr_t pte_pa(pte_t p) { return (p & PTE_PPN_MASK) << (PAGE_SHIFT - PTE_PPN_SHIFT); }
static inline pfn_t pte_pfn(pte_t p) { return (pfn_t)((p & PTE_PPN_MASK) >> PTE_PPN_SHIFT); }
static inline pte_t pte_make(paddr_t pa, pte_t bits) { return pa >> (PAGE_SHIFT - PTE_PPN_SHIFT) | bits | PTE_V; }
static inline pte_t *pte_table(pte_t p) { return phys_to_virt(pte_pa(p)); }
/* The vm_page of the table that an entry pointer lies in; NULL, or one of kind RESERVED: a boot table. */
static inline struct vm_page *
sv_table_page(const pte_t *entry)
{
	return vm_page_of_pfn((pfn_t)(virt_to_phys(entry) >> PAGE_SHIFT));
}

/*
 * Another hart's walker may set A or D in a leaf at any moment: these are
 * single instructions. (volatile, because GCC 12 makes an AMO of an atomic store.)
 */
static inline pte_t pte_load(const pte_t *p) { return *(const volatile pte_t *)p; }
static inline void pte_store(pte_t *p, pte_t v) { *(volatile pte_t *)p = v; }
static inline pte_t pte_swap(pte_t *p, pte_t v) { return __atomic_exchange_n(p, v, __ATOMIC_RELAXED); }
static inline pte_t pte_and(pte_t *p, pte_t mask) { return __atomic_fetch_and(p, mask, __ATOMIC_RELAXED); }
static inline pte_t pte_or(pte_t *p, pte_t bits) { return __atomic_fetch_or(p, bits, __ATOMIC_RELAXED); }

/* What differs between the leaf at e by itself and as one of a group: N, and the low bits of its PPN. */
static inline pte_t
pte_group_bits(const pte_t *e)
{
	return PTE_N | ((uintptr_t)e / sizeof(pte_t) % SV_GROUP ^ SV_GROUP / 2) << PTE_PPN_SHIFT;
}
/* The first leaf of the group that e lies in, or would. */
static inline pte_t *pte_group(const pte_t *e) { return (pte_t *)((uintptr_t)e & ~(SV_GROUP * sizeof(pte_t) - 1)); }
/* The leaf at e of a leaf table as it would be by itself: with the PPN of its own page. A and D as they lie there. */
static inline pte_t
pte_load_own(const pte_t *e)
{
	pte_t v = pte_load(e);

	return likely(!(v & PTE_N)) ? v : v ^ pte_group_bits(e);
}
/* The same with A and D as they are known: a walker may have set any of a group's. */
pte_t sv_leaf_of_group(const pte_t *e, pte_t v);
static inline pte_t
sv_leaf(const pte_t *e)
{
	pte_t v = pte_load(e);

	return likely(!(v & PTE_N)) ? v : sv_leaf_of_group(e, v);
}

/* R, W, X bits for rights; W brings R along. 0 for VM_PROT_NONE. */
static inline pte_t
sv_prot_bits(vm_prot_t prot)
{
	pte_t b = (pte_t)(prot & VM_PROT_ALL) << 1;     /* READ, WRITE, EXECUTE lie in PTE order */

	return b | (b & PTE_W) >> 1;
}
static inline vm_prot_t sv_bits_prot(pte_t p) { return (vm_prot_t)(p >> 1) & VM_PROT_ALL; }
_Static_assert(VM_PROT_READ << 1 == PTE_R && VM_PROT_WRITE << 1 == PTE_W && VM_PROT_EXECUTE << 1 == PTE_X,
    "rights are PTE bits shifted");

/*
 * The entry that decides about va: a leaf, or the first invalid entry on the
 * way down, or the level 0 entry. *level: the level of its table. A pointer to
 * another pmap's table (PTE_NESTED) ends the way, too: what lies below is not
 * this pmap's to change.
 */
pte_t *sv_find(pte_t *root, unsigned levels, vm_offset_t va, unsigned *level);
/* The same, through such pointers: to look. */
pte_t *sv_find_through(pte_t *root, unsigned levels, vm_offset_t va, unsigned *level);

/* A table page for `level`, or NULL (shortage). Zeroed if asked, else the caller writes every entry. */
struct vm_page *sv_table_alloc(unsigned level, bool zero);
/* A table page becomes a plain page again, to be freed; zeroed: every entry is 0. */
static inline void
sv_table_retire(struct vm_page *table, bool zeroed)
{
	table->t.pv = NULL;
	table->t.md = 0;
	table->slot = 0;
	table->level = 0;
	table->kind = VM_PAGE_KERNEL;
	table->flags = zeroed ? VM_PAGE_ZEROED : 0;
}
/* Gives a table page back. The caller owes no fence any more. */
void sv_table_free(struct vm_page *table, bool zeroed);

/*
 * Table pages are kept in reserve for splits that nobody can refuse: whoever
 * takes rights from a part of a megapage needs a table to keep the rest mapped.
 * One for each 32 MiB of memory, 8 at least; a page that is freed goes there
 * first. Boot, after the page allocator.
 */
void sv_reserve_init(void);
/* As sv_table_alloc(0, false), from the reserve when memory is out; NULL: that is used up, too. */
struct vm_page *sv_table_alloc_last(void);
/* Table pages in reserve now, and how many there should be. */
unsigned sv_reserve_tables(unsigned *want);
extern unsigned sv_reserve_lack;        /* atomic: so many are missing */
static inline bool sv_reserve_lacks(void) { return __atomic_load_n(&sv_reserve_lack, __ATOMIC_RELAXED) != 0; }

/* Table pages waiting for a fence are linked through t.md (their wired count is 0 by then). */
static inline struct vm_page *sv_link(const struct vm_page *t) { return (struct vm_page *)t->t.md; }
static inline void
sv_push(struct vm_page **list, struct vm_page *t)
{
	t->t.md = (uint64_t)*list;
	*list = t;
}
static inline struct vm_page *
sv_pop(struct vm_page **list)
{
	struct vm_page *t = *list;

	*list = sv_link(t);
	t->t.md = 0;
	return t;
}
static inline pte_t *sv_entries(const struct vm_page *t) { return vm_page_va(t); }

/* The entry for va in its table of `level`, which must exist. */
pte_t *sv_entry(pte_t *root, unsigned levels, vm_offset_t va, unsigned level);

/*
 * The entry for va at `want` (0, 1 or 2), making the tables above it. NULL: no
 * memory, nothing changed: tables are hooked in only when all are there.
 * *made counts tables added. A leaf met above `want` is returned as it is,
 * with its level in *level.
 */
pte_t *sv_make(pte_t *root, unsigned levels, vm_offset_t va, unsigned want, unsigned *level, unsigned *made);
/* The same from what sv_find said: its entry e, at *level >= want. */
pte_t *sv_grow(pte_t *e, vm_offset_t va, unsigned want, unsigned *level, unsigned *made);

/* Sets or clears an entry and keeps the table's count. `table`: the page that holds `entry`. */
static inline void
sv_set(struct vm_page *table, pte_t *entry, pte_t v)
{
	table->slot++;
	pte_store(entry, v);
}
static inline void
sv_clear(struct vm_page *table, pte_t *entry)
{
	table->slot--;
	pte_store(entry, 0);
}

/* Entry e, invalid, of the table whose page is holder (NULL: a boot table) comes to point to the fresh table t. */
static inline void
sv_hook_in(struct vm_page *holder, pte_t *e, const struct vm_page *t)
{
	/* A walker on another hart must see the table's zeroes before the table. */
	__atomic_thread_fence(__ATOMIC_RELEASE);
	if (holder != NULL)
		holder->slot++;
	pte_store(e, pte_make(vm_page_pa(t), 0));
}

/* The same, for who does not know the page. */
static inline void
sv_hook(pte_t *e, const struct vm_page *t)
{
	sv_hook_in(sv_table_page(e), e, t);
}

/*
 * Unhooks the table of `level` that holds va's entry, and every table above
 * that gets empty thereby (never the root), onto *dead. Returns how many. The
 * pages may only be freed after the fence.
 */
unsigned sv_unhook(pte_t *root, unsigned levels, vm_offset_t va, unsigned level, struct vm_page **dead);

/* Writes all 512 leaves that `leaf` of `level` (1, 2) stands for into a table of the level below; same rights, A and D. */
void sv_split(pte_t leaf, unsigned level, struct vm_page *table);

/* The same as groups. */
void sv_split_groups(pte_t mega, struct vm_page *table);

/* OR of all entries of a table. */
pte_t sv_or_all(const pte_t *table);

#endif
