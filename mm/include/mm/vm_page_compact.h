/*
 * mm/vm_page_compact.h: free megapages made by moving pages out of the way, and
 * runs of them.
 */
#ifndef MM_VM_PAGE_COMPACT_H
#define MM_VM_PAGE_COMPACT_H

#include <mm/vm_page.h>

/* Before the first call: nothing has failed yet. */
void vm_page_compact_init(void);

/*
 * Makes up to `wanted` (at most VM_PAGE_COMPACT_MOST) free megapages where memory is ample but scattered: by moving
 * objects' pages elsewhere, and by breaking reservations that are little used. How many there
 * are now; they are on the free lists, anybody's. 0 also when another hart is at it. Tries less often the more often it
 * failed, but for `force`, which goes to work at any rate. No lock held; bounded work; does not sleep.
 */
unsigned vm_page_compact(unsigned wanted, bool force);
#define VM_PAGE_COMPACT_MOST    8u

/*
 * Is it worth to ask? No, for a while, after it failed. Who needs a megapage, finds none and hears no says so by
 * vm_page_compact_missed, which counts the while.
 */
bool vm_page_compact_is_due(void);
void vm_page_compact_missed(void);

/*
 * 2^order pages (order above VM_PAGE_ORDER_MEGA, at most VM_PAGE_ORDER_GIGA) that follow each other, aligned to their size,
 * moving what can be moved. Kind KERNEL, as blocks of a megapage each: the head of each is described. NULL: no such run
 * is free or can be emptied, or somebody else is at it. No lock held.
 */
struct vm_page *vm_page_alloc_contig(unsigned order);
/* Gives such a run back. (Or megapage by megapage, vm_page_free_order.) */
void vm_page_free_contig(struct vm_page *m, unsigned order);
#define VM_PAGE_ORDER_GIGA      18u

struct vm_page_compact_counts {
	uint64_t tries, made;           /* calls that went to work; megapages that became free */
	uint64_t moved, left;           /* pages; frames given up because a page stayed */
	uint64_t deferred;              /* times that nobody tried because it had failed before */
};
void vm_page_compact_counts(struct vm_page_compact_counts *c);

#endif
