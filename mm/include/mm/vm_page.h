/*
 * mm/vm_page.h: physical pages, and who owns each.
 *
 * Every page of memory that the kernel may use has a struct vm_page (32 bytes)
 * in the array of its segment. A page has exactly one owner, which `kind`
 * names (invariant M17). Free pages are on buddy lists of order 0..9 (a block
 * of order 9 is a megapage, 2 MiB aligned) or in a hart's cache; freed blocks
 * coalesce. Of a block of several pages, free or handed out, only the first
 * structure (its head) is described: a megapage costs as much as a page. The
 * structures of the other pages hold whatever their last use left. Allocation never sleeps and never calls the pageout: it fails, and
 * the caller returns KERN_RESOURCE_SHORTAGE.
 *
 * A reserve of pages is kept for the kernel's own use (VM_PAGE_RESERVE), so
 * that the shell works when user memory is gone.
 */
#ifndef MM_VM_PAGE_H
#define MM_VM_PAGE_H

#include <base/list.h>
#include <mm/vm_types.h>
#include <machine/vmparam.h>

#define VM_PAGE_ORDERS      10          /* 0..9 */
#define VM_PAGE_ORDER_MEGA  9
#define VM_PHYS_SEGS        32

enum vm_page_kind {
	VM_PAGE_RESERVED = 0,   /* firmware, kernel image, never given out */
	VM_PAGE_FREE,           /* heads a free block on a buddy list */
	VM_PAGE_CACHED,         /* in a hart's cache, loose, or in the zero pool: free, but on no buddy list */
	VM_PAGE_OBJECT,         /* resident in chunk->object at chunk->index, slot */
	VM_PAGE_RSVP,           /* in a chunk's reservation, not populated */
	VM_PAGE_TABLE,          /* page table page of a pmap */
	VM_PAGE_KERNEL,         /* kernel data: slabs, stacks, buffers */
	VM_PAGE_ISOLATED,       /* of a megapage that is being emptied (vm_page_compact.c) */
};

/* flags */
#define VM_PAGE_ZEROED      0x01u       /* contents known to be zero (free pages) */
#define VM_PAGE_BUSY        0x02u       /* exclusive holder; others wait */
#define VM_PAGE_WANTED      0x04u
#define VM_PAGE_DIRTY       0x08u       /* harvested from PTEs, or written by the kernel */
#define VM_PAGE_REFERENCED  0x10u
#define VM_PAGE_ABSENT      0x20u
#define VM_PAGE_ERROR       0x40u
#define VM_PAGE_PRECIOUS    0x80u

struct vm_page {
	union {
		struct list link;                               /* FREE: buddy list */
		struct { struct vm_page *next, *prev; } q;      /* CACHED: chain through next */
		struct { vm_chunk_t chunk; uint64_t ad; } o; /* OBJECT, RSVP: object lock; ad: see pmap_is_modified */
		struct { struct pv *pv; uint64_t md; } t;       /* TABLE: pmap lock */
	};
	pfn_t    pfn;           /* constant */
	uint16_t slot;          /* OBJECT: index in the chunk; TABLE: valid entries */
	uint16_t wire_count;
	union {
		struct {
			uint8_t order;  /* of the block this page heads, free or not; 0xff: heads none */
			uint8_t kind;   /* enum vm_page_kind */
			uint8_t flags;
			uint8_t level;  /* TABLE: level of the table, 0 = leaves of 4 KiB */
		};
		uint32_t described;     /* the four in one store (vm_page_impl.h) */
	};
	union {
		uint32_t poison;        /* free; debug: VM_PAGE_POISONED while the contents are the poison */
		uint32_t page_lock;     /* OBJECT: accesses that the pager forbids (VM_PROT_*); object lock; 0 when freed */
	};
};
_Static_assert(sizeof(struct vm_page) == 32, "a page costs 32 bytes");

struct vm_phys_seg {
	paddr_t         start, end;     /* page aligned */
	struct vm_page *pages;          /* one per page of [start, end) */
};

extern struct vm_phys_seg vm_phys_seg[VM_PHYS_SEGS];
extern unsigned           vm_phys_nsegs;
/* Segments whose structures are one array, taken together with the holes between them; the largest first. */
extern struct vm_phys_seg vm_phys_bank[VM_PHYS_SEGS];
extern unsigned           vm_phys_nbanks;

/* vm_page_alloc flags */
#define VM_PAGE_ZERO        0x1u        /* contents must be zero */
#define VM_PAGE_USER        0x2u        /* for an object of a task: may not dip into the reserve */
#define VM_PAGE_TASK        0x8u        /* for the kernel, on a task's behalf: may not, either */
#define VM_PAGE_PREFER_ZERO 0x4u        /* alloc_order: a cleared block if there is one; flags of the head say */

/*
 * Boot: announces one run of usable memory; `pages` must hold
 * (end - start) / PAGE_SIZE structures. All pages become free. Called once per
 * run, single-hart, before the first allocation. `start`, `end` page aligned.
 * The arrays of several runs may be parts of one, at the distance of their
 * pages, so that vm_page_of_pfn finds them by one look; then the structures
 * between them must be zero.
 */
void vm_page_add_seg(paddr_t start, paddr_t end, struct vm_page *pages);
/* After the last vm_page_add_seg: sets the reserve. */
void vm_page_init(void);

/*
 * One page, kind VM_PAGE_KERNEL, wire_count 0, flags 0. NULL when there is
 * none (the caller says KERN_RESOURCE_SHORTAGE). Any lock of rank < PAGE may
 * be held.
 */
struct vm_page *vm_page_alloc(unsigned flags);
/*
 * Gives one page back. Its wire count is 0, nothing maps it and no fence is
 * owed for it. VM_PAGE_ZEROED in its flags is the caller's word that it is
 * clear; other flags are ignored.
 */
void vm_page_free(struct vm_page *m);
/*
 * 2^order pages, physically contiguous and aligned to their size; NULL when
 * there are none. The head gets kind KERNEL, the order and flags 0 (with
 * PREFER_ZERO: VM_PAGE_ZEROED when the whole block is clear); the structures
 * of the other pages are the caller's to use, and hold garbage. Whoever turns
 * the block into single pages sets each page's kind, and the head's order to 0.
 */
struct vm_page *vm_page_alloc_order(unsigned order, unsigned flags);
/* Gives back a block by its head; the other pages' structures do not matter. */
void vm_page_free_order(struct vm_page *m, unsigned order);
/*
 * Frees n pages in one go (order 0 each; all of them objects', or none), as vm_page_free. The cheapest way to
 * give back many: they are chained and coalesce later.
 */
void vm_page_free_batch(struct vm_page *const *m, unsigned n);

/*
 * Idle harts call this: clears a page into the zero pool, or a page's worth of
 * a free megapage. One short step each time; FALSE: nothing left to do, or
 * another hart is at it. Never touches the last free memory.
 */
bool vm_page_clear_ahead(void);

/* Gives all cached, loose and cleared pages back to the buddy lists (for large blocks and shortage). */
void vm_page_drain(void);

struct vm_page_counts {
	uint64_t total, free, reserved;         /* pages; free includes caches and zero pool */
	uint64_t cached, zeroed;                /* of the free ones: on no buddy list; known to be clear */
	uint64_t free_blocks[VM_PAGE_ORDERS];   /* blocks on the list of each order */
	uint64_t kind[8];                       /* pages of each kind: filled by vm_page_census only */
};
/* Cheap, approximate while others allocate. */
void vm_page_counts(struct vm_page_counts *c);
/*
 * Walks every page: exact when nobody allocates, slow; for checks (M17). Pages
 * of a block count as their head's kind. Returns the first page whose kind and
 * place disagree, or NULL.
 */
struct vm_page *vm_page_census(struct vm_page_counts *c);

/*
 * Test hook: the n-th allocation from now on fails (1 = next), or all from
 * there on; 0 = off. Shared by pages and zones, each of which calls
 * vm_alloc_fails once per allocation with the address that asked (NULL outside
 * debug builds). The report function, when set, hears of every allocation while the hook is armed.
 */
void vm_alloc_fail_at(uint64_t n, bool and_all_later);
bool vm_alloc_fails(const void *site);
extern uint64_t vm_alloc_fail_countdown;        /* 0 = off: hot paths test only this */
extern void (*vm_alloc_fail_report)(const void *site, bool fails);

struct vm_page *vm_page_lookup_slow(pfn_t pfn);

/* The page with this number; when it is in no segment, NULL or a structure of kind RESERVED. */
static inline struct vm_page *
vm_page_of_pfn(pfn_t pfn)
{
	paddr_t pa = (paddr_t)pfn << PAGE_SHIFT;
	const struct vm_phys_seg *s = &vm_phys_bank[0];

	if (likely(pa - s->start < s->end - s->start))
		return &s->pages[(pa - s->start) >> PAGE_SHIFT];
	return vm_page_lookup_slow(pfn);
}

static inline paddr_t vm_page_pa(const struct vm_page *m) { return (paddr_t)m->pfn << PAGE_SHIFT; }
static inline void *vm_page_va(const struct vm_page *m) { return phys_to_virt(vm_page_pa(m)); }

/* Contents, through the direct map. */
void vm_page_zero(struct vm_page *m);
void vm_page_copy(struct vm_page *dst, const struct vm_page *src);
/* n bytes that do not overlap, by kernel addresses; quick where both are aligned to 8. */
void vm_page_copy_part(void *dst, const void *src, size_t n);

#endif
