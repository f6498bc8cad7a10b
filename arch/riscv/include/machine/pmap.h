/*
 * machine/pmap.h: what a pmap is on RISC-V. mm/pmap.h has the functions, and includes this.
 *
 *   pmap ──root──> tables (vm_page: slot = valid entries, t.md = wired leaves)
 *     │              └─ leaf table ──t.pv──> pv ──> pv ...     (one per chunk and origin)
 *     ├─ leaf cache: the leaf table used last                  │
 *     ├─ tlb: which harts run it, ran it, owe a flush          └── also on chunk->pv
 *     ├─ spares: a table page for every wired megapage
 *     └─ dirs: a directory, with its records, for every gigapage leaf
 *
 * Locks: `lock` (rank PMAP) protects tables, pv counts, cache and statistics.
 * The words of `tlb` and the counts of holders are atomic.
 */
#ifndef MACHINE_PMAP_H
#define MACHINE_PMAP_H

#include <base/types.h>
#include <base/lock.h>
#include <machine/param.h>

struct vm_page;
struct vm_chunk;

/*
 * Which harts may hold translations of a pmap (tlb.c has the protocol).
 * active is a subset of ran.
 */
struct pmap_tlb {
	uint64_t active;        /* harts whose satp names it */
	uint64_t ran;           /* harts that ever loaded it */
	uint64_t stale;         /* harts that must drop its translations before they run it again */
	uint64_t stale_code;    /* the same for fence.i */
	uint64_t ctx;           /* generation << 16 | ASID; 0: none yet */
	uint64_t mixed;         /* some active hart may run it under an older ASID */
};

struct pmap {
	struct spinlock  lock;
	uint32_t         ref_count;     /* atomic: maps and other holders of the name */
	uint32_t         users;         /* atomic: 1 for ref_count > 0, and one per active hart or pin; 0 frees */
	uint16_t         levels;        /* 3, 4, 5 */
	bool             execute_only;  /* a leaf with X and no R may exist */
	bool             pinned;        /* tables that serve other pmaps exist, or did */
	uint64_t        *root;          /* table, by its direct-map address */
	uint64_t         leaf_window;   /* va >> MEGAPAGE_SHIFT that the cache is about, or PMAP_NO_WINDOW */
	uint64_t        *leaf;          /* its leaf table */
	struct vm_page  *leaf_page;     /* and that table's page */
	uint64_t         dir_window;    /* va >> GIGAPAGE_SHIFT of the directory below, or PMAP_NO_WINDOW */
	uint64_t        *dir;           /* a table of level 1: the one that the last walk from the root met */
	struct vm_page  *dir_page;      /* and that table's page */
	struct vm_page  *spares;        /* table pages kept for wired megapages, linked by q.next */
	uint64_t         nspares;
	struct vm_page  *dirs;          /* directories laid aside for gigapage leaves, linked likewise */
	struct pmap_nest *nests;        /* through p_next: where others' tables serve this pmap */
	struct pmap_nest *parents;      /* through s_next: which pmaps this one's tables serve */
	uint64_t         nested;        /* windows in nests */
	struct pmap_tlb  tlb;
	uint64_t         resident, wired, megapages, gigapages, tables;
	uint64_t         enters, shootdowns;
	struct pmap_mega_counts mega, giga;     /* atomic */
};
#define PMAP_NO_WINDOW  (~0ul)

/*
 * Leaf tables of `sub` that serve `parent`, too, within one GiB of parent
 * (pmap_nest.c). Holds a reference on sub. map, p_next: parent's lock, and for
 * reading sub's is enough; s_next: sub's lock. The rest is constant.
 */
struct pmap_nest {
	struct pmap_nest *p_next, *s_next;
	struct pmap      *parent, *sub;
	vm_offset_t       va;           /* of the GiB in parent */
	vm_offset_t       delta;        /* sub's address - parent's */
	uint64_t          map[GIGAPAGE_SIZE / MEGAPAGE_SIZE / 64];     /* windows that are nested */
};

/*
 * Reverse mapping: pages of `chunk` are mapped by leaves of one table of one
 * pmap, slot s at origin + s * PAGE_SIZE, as far as that lies in the table's
 * window [window, +2M). One record, whatever the number of pages. A mapping
 * that is not congruent with its chunk modulo 2 MiB touches two tables and so
 * has two records. A megapage leaf has a record too, on the table of level 1; so
 * has each 2 MiB of a gigapage leaf, on the directory laid aside for it.
 *
 * chunk, pmap, origin: constant. count, mega, table and the table's list:
 * pmap->lock. The chunk's list: chunk->pv_lock. pass: chunk->pv_lock and the object's lock.
 */
struct pv {
	struct pv       *c_next, **c_prev;      /* chunk->pv */
	struct pv       *t_next, **t_prev;      /* table->t.pv */
	struct pmap     *pmap;
	struct vm_chunk *chunk;
	struct vm_page  *table;                 /* holds the leaves */
	vm_offset_t      origin;                /* address of slot 0; may lie outside the window, may wrap */
	vm_offset_t      window;                /* first address of the 2 MiB that the record is about */
	uint32_t         count;                 /* leaves of 4 KiB now; 512 for a megapage leaf */
	bool             mega;
	uint64_t         pass;                  /* last walk over the chunk's list that handled it */
};

#endif
