/*
 * mm/vm_reserv.h: reservations: a physical megapage kept for 2 MiB of an object.
 *
 * The life of one, and what is counted on the way:
 *
 *   first page of a window ──┬── made ──> partly populated ──> filled: one leaf can map it
 *                            │                │    ^─ thinned ──┘
 *                            │                ├── broken: its pages go on as single ones, the others are free
 *                            └── refused      └── emptied: back to the free lists as it came
 */
#ifndef MM_VM_RESERV_H
#define MM_VM_RESERV_H

#include <mm/vm_object.h>

/* Why a window of an object got single pages instead: identifier, name, explanation. */
#define VM_RESERV_REFUSALS(X) \
	X(SMALL,    "small",    "the object is smaller than a megapage") \
	X(EDGE,     "edge",     "the window lies across the object's edge") \
	X(COPY,     "copy",     "a copy's window, of which not all is there to be copied") \
	X(OVERLAP,  "overlap",  "pages of the window came from elsewhere, one by one") \
	X(NO_BLOCK, "no_block", "no free megapage, or too little memory altogether")

/* Why a reservation was broken. */
#define VM_RESERV_CAUSES(X) \
	X(SHORTAGE, "shortage", "memory was short, and this one least useful") \
	X(OVERLAP,  "overlap",  "a page from elsewhere took a place in its window") \
	X(COMPACTION, "compaction", "it was little used, and a megapage was wanted") \
	X(COLLAPSE, "collapse", "its object was merged into another with other windows")

enum vm_reserv_refusal {
#define X(id, name, text) VM_RESERV_REFUSED_##id,
	VM_RESERV_REFUSALS(X)
#undef X
	VM_RESERV_NREFUSALS
};

enum vm_reserv_cause {
#define X(id, name, text) VM_RESERV_BROKEN_##id,
	VM_RESERV_CAUSES(X)
#undef X
	VM_RESERV_NCAUSES
};

struct vm_reserv_counts {
	/* since boot */
	uint64_t made, filled, emptied, pages_back;     /* pages_back: unpopulated pages of broken ones */
	uint64_t refused[VM_RESERV_NREFUSALS], broken[VM_RESERV_NCAUSES];
	/* now */
	uint64_t partial, full, unpopulated;            /* reservations; pages set aside in the partial ones */
};
/* Approximate while others are at work. No lock of rank RESERV or above held. */
void vm_reserv_counts(struct vm_reserv_counts *c);

/*
 * Memory shortage: breaks the least useful reservations until they have given
 * back so many pages; how many it was, 0: there is nothing to break. Of those
 * whose object somebody has locked (the caller, maybe) nothing is taken. Locks
 * of rank OBJECT and below may be held.
 */
uint64_t vm_reserv_break(uint64_t pages_wanted);

/* The same of those with at most `most` pages, for their room: somebody wants a megapage. No lock of rank OBJECT held. */
uint64_t vm_reserv_break_idle(uint64_t pages_wanted, unsigned most);

#define VM_RESERV_BAR   40
/* One object, as `show reserv` tells it. */
struct vm_reserv_info {
	uint64_t id, size;
	uint64_t chunks, partial, full;         /* 2 MiB windows with pages; with a reservation of either sort */
	uint64_t resident, unpopulated;         /* pages */
	char     bar[VM_RESERV_BAR + 1];        /* of its first windows: '#' full, '0'..'9' tenths of one, 's' single pages, '.' none */
};
/*
 * The objects with pages and ids above `after`, at most n, ascending; how many. Those that somebody has locked for
 * long are told by id and size alone.
 */
unsigned vm_reserv_list(uint64_t after, struct vm_reserv_info *info, unsigned n);

#endif
