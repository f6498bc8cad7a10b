/*
 * mm/pmap.h: what mm needs from the machine's page tables.
 *
 * mm owns this header; arch/riscv supplies the functions (pmap.c), and the
 * host build compiles the same files over simulated memory. The map is the
 * truth, the pmap a cache of it: a pmap may forget anything but wired pages,
 * and a page fault brings it back.
 *
 * Rights: `prot` is what the entry allows now (VM_PROT_*). W implies R in a
 * RISC-V PTE: pmap_enter with W but no R makes a readable leaf, which mm only
 * asks for after a write fault. VM_PROT_NONE removes.
 *
 * Fences: every call that takes rights away has completed them on all harts
 * that may hold the translation when it returns; calls that only add rights
 * owe none (a hart that still holds the invalid entry faults, and pmap_fault
 * or vm_fault resolves it). One call, one batch of fences.
 *
 * Locks: the caller holds the map lock (read for enter, write for remove and
 * protect) and, for a page of an object, the object's lock, so that page,
 * chunk and PTE agree. The pmap's own lock is taken inside. Nothing here
 * sleeps. Allocation failures are results, never panics.
 */
#ifndef MM_PMAP_H
#define MM_PMAP_H

#include <mm/vm_types.h>
#include <mm/vm_object.h>

/* --- megapages: what came of them, and why --- */

/*
 * Why a place at which memory was faulted in got no megapage leaf: the first
 * of these, in this order, that applies. Looked at is each fault on a page that
 * is resident, and of memory that is touched upwards the last page of 2 MiB.
 */
enum pmap_refusal {
	PMAP_REFUSED_NOT_FULL,          /* of the 2 MiB of memory, pages are missing */
	PMAP_REFUSED_SCATTERED,         /* all there, but not one block of physical memory */
	PMAP_REFUSED_PLACE,             /* address and memory are not congruent modulo 2 MiB */
	PMAP_REFUSED_ENTRY,             /* the entry does not cover the 2 MiB: too small, or cut */
	PMAP_REFUSED_WIRED,             /* the entry is wired page by page: wired and unwired leaves would mix */
	PMAP_REFUSED_RIGHTS,            /* pages whose rights differ: the pager forbids some, a copy is owed some, uncached */
	PMAP_REFUSED_COPY,              /* copy-on-write: some pages come, or may come, from another object */
	PMAP_REFUSED_NESTED,            /* the table there serves other tasks, too */
	PMAP_REFUSED_SHORTAGE,          /* no memory for a table or a record */
	PMAP_REFUSALS
};

/* What split a megapage leaf into 512 leaves. */
enum pmap_split {
	PMAP_SPLIT_PROTECT,             /* part of it lost rights */
	PMAP_SPLIT_REMOVE,              /* part of it was unmapped */
	PMAP_SPLIT_ADVICE,              /* part of it was given back by advice */
	PMAP_SPLIT_WIRE,                /* part of it was wired */
	PMAP_SPLIT_UNWIRE,              /* part of it was unwired */
	PMAP_SPLIT_COPY,                /* another page took the place of one: copy-on-write */
	PMAP_SPLIT_PAGE,                /* one of its pages lost rights in all tasks: a copy, a push, its pager */
	PMAP_SPLIT_CLEAN,               /* the modified bit of one page was cleared */
	PMAP_SPLIT_NEST,                /* its table came to serve other tasks */
	PMAP_SPLITS
};

/* Events, since the pmap was made, or of all pmaps since boot. */
struct pmap_mega_counts {
	uint64_t promotions;            /* 4 KiB leaves gave way to a megapage leaf */
	uint64_t entered;               /* megapage leaves made where nothing was */
	uint64_t demotions;             /* split; the sum of split[] */
	uint64_t dropped;               /* to be split, but taken away whole: no table (sv_table_reserve) */
	uint64_t refused[PMAP_REFUSALS];
	uint64_t split[PMAP_SPLITS];
	uint64_t joined;                /* 16 leaves of 4 KiB became a group of 64 KiB (Svnapot) */
	uint64_t broken;                /* a group became 16 leaves, because some of them were to change */
};

#include <machine/pmap.h>       /* struct pmap */

/* pmap_enter flags: the access that faulted (VM_PROT_*), and these */
#define PMAP_WIRED          0x100u
#define PMAP_UNCACHED       0x200u      /* device memory; needs Svpbmt or the tree's PMA */

/* --- life --- */

/* An empty user pmap with one reference and the kernel's half in place; NULL: shortage. */
pmap_t pmap_create(void);
void   pmap_reference(pmap_t pmap);
/* Last reference: frees all tables. No hart may run it any more. Remaining leaves are dropped. */
void   pmap_destroy(pmap_t pmap);
pmap_t pmap_kernel(void);

/* --- making mappings --- */

/*
 * Maps the resident page m (of an object; m->o.chunk valid) at va with prot.
 * Replaces what was there. Flags: the access that asks (to preset D) and
 * PMAP_WIRED. A leaf table is made when needed.
 * KERN_SUCCESS; KERN_RESOURCE_SHORTAGE: no table page or pv; nothing changed
 * (what was mapped at va before may be gone, unless wired).
 */
kern_return_t pmap_enter(pmap_t pmap, vm_offset_t va, struct vm_page *m, vm_prot_t prot, unsigned flags);

/*
 * Maps the whole of a full reservation (vm_chunk_is_megapage) at va, 2 MiB
 * aligned, with one leaf; replaces 4 KiB leaves below it, keeping D and A.
 * KERN_SUCCESS; KERN_RESOURCE_SHORTAGE: pv or table missing, nothing changed;
 * KERN_NOT_SUPPORTED: the table there serves other pmaps (pmap_nest), nothing
 * changed: enter the pages.
 */
kern_return_t pmap_enter_mega(pmap_t pmap, vm_offset_t va, struct vm_chunk *c, vm_prot_t prot, unsigned flags);

/*
 * Maps 1 GiB, a run of full reservations of one object that begins with that of c (vm_object_is_run), at va, both 1 GiB
 * aligned, with one leaf; replaces what is there, keeping D and A of the same pages. Partial changes split it into 512
 * megapage leaves, which cannot fail. KERN_SUCCESS; KERN_RESOURCE_SHORTAGE: no table, or no reverse mappings; what was
 * there may be megapage leaves of the same memory now, or gone; KERN_NOT_SUPPORTED: a table there serves other pmaps, likewise.
 */
kern_return_t pmap_enter_giga(pmap_t pmap, vm_offset_t va, struct vm_chunk *c, vm_prot_t prot, unsigned flags);

/*
 * Maps the resident, unbusy pages of `c` with slots [slot, slot+n) at va.. read
 * or write as prot says, where a leaf table exists: makes missing leaves, and
 * adds WRITE to leaves of these very pages that lack it. Best effort. Returns the leaves made. (Fault-around and prefault.)
 */
unsigned pmap_enter_run(pmap_t pmap, vm_offset_t va, struct vm_chunk *c, unsigned slot, unsigned n, vm_prot_t prot);

/*
 * Maps the page at pa, which is no object's (a device's), at va with prot; replaces what was there. No reverse mapping,
 * no referenced or modified: the leaf goes by pmap_remove, pmap_protect, pmap_collect and pmap_destroy only.
 * Flags: PMAP_WIRED; PMAP_UNCACHED: not cached, where the hart can say so in a leaf (else as the memory there is by
 * itself). KERN_SUCCESS; KERN_RESOURCE_SHORTAGE: no table page or record; nothing changed.
 */
kern_return_t pmap_enter_phys(pmap_t pmap, vm_offset_t va, paddr_t pa, vm_prot_t prot, unsigned flags);
/* Can leaves be uncached where their memory is cached by default? (Svpbmt) */
bool pmap_has_cache_attributes(void);
/* May 16 leaves of 4 KiB, aligned and alike, be one of 64 KiB? (Svnapot, on all harts, and not turned off.) Constant since boot. */
bool pmap_has_groups(void);
#define PMAP_GROUP_SIZE     (16 * PAGE_SIZE)

/* --- nested page tables --- */

/*
 * Makes the leaf tables of sub at [sub_va, +size) serve parent at [va, +size), too: all 2 MiB aligned, size > 0. Missing
 * ones are made now, in sub, and stay until sub is destroyed; megapages of sub there are split, and none are made. Leaves
 * are entered in sub, at its addresses, and removed there; fences of sub reach every parent's harts. In parent's nested
 * windows pmap_remove, pmap_protect, pmap_collect and wiring do nothing, pmap_enter must not be called, and
 * the counts of parent leave them out; pmap_fault, pmap_extract, pmap_walk and pmap_next_leaf look through.
 * parent holds a reference on sub as long as windows are nested, and un-nests what is left when it is destroyed.
 * Both may be run by harts. KERN_INVALID_ARGUMENT: not aligned, beyond user space, the kernel's pmap, the same pmap,
 * parent has leaves or nested windows there, or sub's are nested from a third pmap. KERN_RESOURCE_SHORTAGE: parent is as
 * it was. No pmap lock held; the caller keeps faults away from parent's range (write lock of its map).
 */
kern_return_t pmap_nest(pmap_t parent, pmap_t sub, vm_offset_t va, vm_offset_t sub_va, vm_size_t size);
/*
 * parent forgets other pmaps' tables in [va, va + size), 2 MiB aligned, where there are any; fenced. May drop the last
 * reference on them. Cannot fail. No spinlock held.
 */
void pmap_unnest(pmap_t parent, vm_offset_t va, vm_size_t size);

/* --- taking away --- */

/* Removes all leaves in [start, end), wired or not; harvests A and D into the pages. */
void pmap_remove(pmap_t pmap, vm_offset_t start, vm_offset_t end);
/* As pmap_remove for pages about to be freed: A and D need not be harvested. */
void pmap_remove_dead(pmap_t pmap, vm_offset_t start, vm_offset_t end);
/* As pmap_remove (dead: as pmap_remove_dead) for what was advised, which show pmap tells apart. */
void pmap_remove_advised(pmap_t pmap, vm_offset_t start, vm_offset_t end, bool dead);
/* Only reduces: leaves in [start, end) keep at most prot; no R and no X: removed. */
void pmap_protect(pmap_t pmap, vm_offset_t start, vm_offset_t end, vm_prot_t prot);
/*
 * Before memory is copied by reference: leaves in [start, end), which have at most the rights prot, lose WRITE. Costs by
 * page tables: leaves of whole windows of 2 MiB may be put aside, and are back, without WRITE, after one fault (pmap_fault
 * resolves it, or pmap_enter); meanwhile questions find them absent.
 */
void pmap_write_protect(pmap_t pmap, vm_offset_t start, vm_offset_t end, vm_prot_t prot);
/* Every mapping of this page in every pmap keeps at most prot (NONE removes). */
void pmap_page_protect(struct vm_page *m, vm_prot_t prot);
/* The same for all pages of a chunk. */
void pmap_chunk_protect(struct vm_chunk *c, vm_prot_t prot);
/* Forgets everything but wired leaves; frees empty tables. */
void pmap_collect(pmap_t pmap);

/* --- wiring, referenced, modified --- */

void pmap_change_wiring(pmap_t pmap, vm_offset_t va, bool wired);
/*
 * All leaves in [start, end), page aligned, become wired or not; places without a leaf stay so. Unwiring cannot fail.
 * KERN_RESOURCE_SHORTAGE (wiring only): no table page to keep in reserve for a megapage; leaves below that may be
 * wired already, and unwiring the same range undoes them.
 */
kern_return_t pmap_wire_range(pmap_t pmap, vm_offset_t start, vm_offset_t end, bool wired);
/*
 * Maps and wires the resident, unbusy pages of c with slots [slot, slot + n) at va..: makes missing leaves and tables,
 * gives leaves of these very pages the rights of prot that they lack, and wires them; a whole full reservation by one
 * leaf. Leaves of other pages that are in the way may stay. Best effort: returns how many of the n pages are mapped so now.
 */
unsigned pmap_wire_run(pmap_t pmap, vm_offset_t va, struct vm_chunk *c, unsigned slot, unsigned n, vm_prot_t prot);
/*
 * Clears the referenced bits of all leaves in [start, end); a megapage's when it lies wholly inside. What the pages
 * themselves remember (VM_PAGE_REFERENCED, harvested bits) stays: pmap_clear_reference clears that too, page by page.
 */
void pmap_clear_reference_range(pmap_t pmap, vm_offset_t start, vm_offset_t end);
bool pmap_is_modified(struct vm_page *m);
void pmap_clear_modify(struct vm_page *m);
bool pmap_is_referenced(struct vm_page *m);
void pmap_clear_reference(struct vm_page *m);

/* --- questions --- */

/* Physical address behind va, or FALSE. */
bool pmap_extract(pmap_t pmap, vm_offset_t va, paddr_t *pa);
/*
 * A fault on a leaf that permits the access: sets A (and D for a write), or
 * finds that the TLB was stale; fences locally. TRUE: resolved, retry the
 * access. Called first, without locks.
 */
bool pmap_fault(pmap_t pmap, vm_offset_t va, vm_prot_t access);
/* Instruction fetches through pmap, on every hart, see all stores made before (vm_machine_attribute). No lock held. */
void pmap_sync_icache(pmap_t pmap);

#define PMAP_LEVELS 5
struct pmap_walk {
	unsigned levels;                /* levels visited, from the root down */
	struct {
		paddr_t  table;         /* physical address of the table */
		unsigned index;
		uint64_t pte;
	} step[PMAP_LEVELS];
	bool     leaf;                  /* the last step is a leaf */
	vm_size_t size;                 /* leaf: bytes it maps */
	paddr_t  pa;                    /* leaf: physical address of va */
	vm_prot_t prot;                 /* leaf: rights */
	bool     user, accessed, dirty, wired;
	bool     managed;               /* leaf: of an object's page; FALSE: a device's, or the kernel's own */
	bool     parked;                /* no leaf, but a leaf table that comes back at the next access (pmap_write_protect) */
	bool     nested;                /* reached through a submap's table (pmap_nest) */
	bool     group;                 /* one of 16 leaves of 4 KiB that map 64 KiB, aligned, as one (Svnapot) */
};
void pmap_walk(pmap_t pmap, vm_offset_t va, struct pmap_walk *w);

/* The first leaf at or above va and below end: its address in *va, the walk in w. FALSE: none. */
bool pmap_next_leaf(pmap_t pmap, vm_offset_t *va, vm_offset_t end, struct pmap_walk *w);

struct pmap_stats {
	uint64_t resident;              /* pages mapped, a megapage counts 512, a gigapage 512 times as many */
	uint64_t wired;
	uint64_t megapages, gigapages;  /* leaves of 2 MiB, of 1 GiB, now */
	uint64_t groups;                /* groups of 16 leaves now, each of 64 KiB (Svnapot) */
	uint64_t tables;                /* table pages, root included */
	uint64_t nested;                /* leaf tables of submaps that serve it, not counted in tables */
	uint64_t enters, shootdowns;    /* since creation */
	struct pmap_mega_counts mega, giga;     /* of leaves of 2 MiB, of 1 GiB */
	uint64_t harts;                 /* set of harts running it now */
	unsigned asid;
};
void pmap_stats(pmap_t pmap, struct pmap_stats *s);

/* A place of pmap (not the kernel's) was looked at for a megapage leaf, and got none. Any locks. */
void pmap_refuse(pmap_t pmap, enum pmap_refusal why);
/* The same for a gigapage leaf. */
void pmap_refuse_giga(pmap_t pmap, enum pmap_refusal why);
/*
 * Of all pmaps since boot, those that are gone included. Each number is true for itself. *kept of *wanted table pages are
 * in reserve for splits that cannot be refused.
 */
void pmap_mega_totals(struct pmap_mega_counts *c, unsigned *kept, unsigned *wanted);
/* As pmap_mega_totals, of gigapage leaves. */
void pmap_giga_totals(struct pmap_mega_counts *c);
/* Constant, a word or some: "not full", "protect". */
const char *pmap_refusal_name(enum pmap_refusal why);
const char *pmap_split_name(enum pmap_split why);

/* Checks tables against themselves and the pv records; NULL or what is wrong (constant string) and where. */
const char *pmap_check(pmap_t pmap, vm_offset_t *where);

/* --- the kernel's pmap --- */

/* Maps one page for the kernel's own use, A and D preset, no pv. Tables must exist (pmap_growkernel). */
void pmap_kenter(vm_offset_t va, paddr_t pa, vm_prot_t prot, unsigned flags);
/* Removes [va, va+size) and fences all harts. */
void pmap_kremove(vm_offset_t va, vm_size_t size);
/* Makes page tables so that kernel addresses below `end` can be entered; KERN_RESOURCE_SHORTAGE when memory is out. */
kern_return_t pmap_growkernel(vm_offset_t end);

#endif
