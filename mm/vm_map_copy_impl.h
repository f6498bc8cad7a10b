/*
 * vm_map_copy_impl.h: what the files of copies and remaps tell each other.
 */
#ifndef MM_VM_MAP_COPY_IMPL_H
#define MM_VM_MAP_COPY_IMPL_H

#include "vm_map_impl.h"

/* --- lists of detached entries, circular through their header (vm_map_copy.c) --- */

static inline vm_map_entry_t
vm_map_header_entry(struct vm_map_header *h)
{
	return (vm_map_entry_t)(void *)&h->links;
}

static inline void
vm_map_header_init(struct vm_map_header *h)
{
	h->links.prev = h->links.next = vm_map_header_entry(h);
	h->nentries = 0;
}

static inline void
vm_map_header_append(struct vm_map_header *h, vm_map_entry_t e)
{
	e->vme_prev = h->links.prev;
	e->vme_next = vm_map_header_entry(h);
	h->links.prev->vme_next = e;
	h->links.prev = e;
	h->nentries++;
}

/* The list of `from`, which is left empty, becomes that of `to`. */
void vm_map_header_move(struct vm_map_header *to, struct vm_map_header *from);
/*
 * Links the entries of h, addresses moved up by base, into map after `after`; h is left empty. The first of them. Write
 * lock held.
 */
vm_map_entry_t vm_map_header_link(vm_map_t map, vm_map_entry_t after, struct vm_map_header *h, vm_offset_t base);
/*
 * Takes the entries of [start, end) of map out of it, rebased to 0, references and all; their leaves go. Entries are
 * whole (cut at both ends), none a submap, wired or in transition. Write lock held.
 */
void vm_map_header_detach(vm_map_t map, vm_offset_t start, vm_offset_t end, struct vm_map_header *h);

/* --- copies (vm_map_copy.c) --- */

/* A copy of this kind, empty and not yet among all copies; NULL: shortage. */
vm_map_copy_t vm_map_copy_create(int type, vm_object_offset_t offset, vm_size_t size);
/* A filled copy is shown and checked from publish on; withdraw comes before its contents are touched again. */
void vm_map_copy_publish(vm_map_copy_t copy);
void vm_map_copy_withdraw(vm_map_copy_t copy);
/* The structure alone: contents have been handed on. Withdrawn. */
void vm_map_copy_free(vm_map_copy_t copy);
/* Bytes of the pages that the copy touches. */
static inline vm_size_t
vm_map_copy_span(vm_map_copy_t copy)
{
	return round_page((copy->offset & PAGE_MASK) + copy->size);
}
/* An OBJECT or PAGE_LIST copy (withdrawn) becomes an ENTRY_LIST. Its continuations' codes; KERN_RESOURCE_SHORTAGE. */
kern_return_t vm_map_copy_to_entries(vm_map_copy_t copy);

/* --- bytes over mapped memory (vm_map_copy_write.c); no lock held; addr: where the copy's first byte would go --- */

/*
 * All that writing [start, end) of map will need: its pages are made resident and writable, and what the copy has there
 * is fetched from pagers. KERN_INVALID_ADDRESS, KERN_PROTECTION_FAILURE, KERN_RESOURCE_SHORTAGE, KERN_MEMORY_ERROR.
 */
kern_return_t vm_map_copy_prepare(vm_map_t map, vm_offset_t addr, vm_map_copy_t copy, vm_offset_t start, vm_offset_t end);
/* [to, to + size) gets its part of the copy. Prepared, it fails only if others take it away meanwhile: the same codes. */
kern_return_t vm_map_copy_write(vm_map_t map, vm_offset_t addr, vm_map_copy_t copy, vm_offset_t to, vm_size_t size);

/* --- page lists (vm_map_copy_pages.c) --- */

void vm_map_copy_pages_bootstrap(void);

/*
 * A PAGE_LIST (withdrawn) becomes an OBJECT copy with all its pages, those of its continuations too. A continuation's
 * code; KERN_RESOURCE_SHORTAGE: the list is as it was, or has lost its first pages to a continuation that ran.
 */
kern_return_t vm_map_copy_pages_to_object(vm_map_copy_t copy);

/* --- gathering (vm_map_gather.c) --- */

struct vm_map_gather {
	/* What is asked. */
	vm_map_t    map;
	vm_offset_t start, end;         /* whole pages, not empty */
	vm_prot_t   need, need_max;     /* rights that every piece must have, now and at most */
	bool        share;              /* the source's objects themselves, else copies of them */
	bool        mark;               /* share: the source's entries are told (is_shared) */
	/* The result: pieces rebased to 0, with their effective rights. */
	struct vm_map_header hdr;
	vm_prot_t   cur, max;           /* AND over the pieces */
	/* How far it is. */
	vm_offset_t at;
	struct {
		vm_object_t        object;      /* one reference: what cannot be copied with locks held */
		vm_object_offset_t offset;
		vm_size_t          size;
		bool               wired;
		bool               done;
		vm_object_t        copy;        /* done: one reference */
		vm_object_offset_t copy_offset;
		bool               needs_copy;
		vm_map_t           busy;        /* instead: a submap, referenced, with entries in transition... */
		vm_offset_t        busy_start, busy_end;        /* ...here */
	} slow;
};

/* Field by field: a library call that clears it all costs as much as a lookup. */
static inline void
vm_map_gather_init(struct vm_map_gather *g, vm_map_t map, vm_offset_t start, vm_offset_t end, bool share)
{
	g->map = map;
	g->start = start;
	g->end = end;
	g->need = g->need_max = VM_PROT_NONE;
	g->share = share;
	g->mark = false;
}

/*
 * Gathers [start, end) of the map, through its submaps. The map is unlocked before; on KERN_SUCCESS it is write-locked.
 * On any failure it is unlocked, and the result is empty. KERN_INVALID_ADDRESS: a hole; KERN_PROTECTION_FAILURE;
 * KERN_RESOURCE_SHORTAGE; KERN_MEMORY_ERROR; KERN_NOT_SUPPORTED: device memory; KERN_ABORTED: the thread is to end.
 */
kern_return_t vm_map_gather(struct vm_map_gather *g);
/* After success: unlocks the map. The result is the caller's. */
void vm_map_gather_unlock(struct vm_map_gather *g);

#endif
