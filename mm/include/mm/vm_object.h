/*
 * mm/vm_object.h: memory objects: pages by offset, and the shadow chain.
 *
 * An object keeps its resident pages in chunks of 512, keyed by offset >> 21.
 *
 *   vm_object ──tree──> vm_chunk (index)      popmap: 512 bits, which slots are resident
 *                         │  base != 0: a reservation: 2 MiB of contiguous memory,
 *                         │             slot i is page base + i
 *                         └─ base == 0: slot i is leaf[i / 64][i % 64] (a pfn);
 *                                       leaves of 64 are made when needed
 *
 * A full chunk with a reservation is what one megapage leaf can map, so the
 * fault path asks the chunk and never compares 512 PTEs.
 *
 * Colour: a page at `offset` lies in chunk (offset + color) >> 21. The colour of
 * an anonymous object is the address of its first entry mod 2 MiB, so that
 * addresses and chunks agree and megapages are possible wherever the entry
 * happens to start; a shadow takes over colour and offset. Everything outside
 * vm_object*.c and vm_chunk.c speaks of offsets only.
 *
 * Shadow chain: a page that an object lacks is looked for in `shadow` at
 * offset + shadow_offset. Writers never change a page of an object that
 * somebody else reaches through needs_copy or a shadow: they copy it up.
 *
 * Asymmetric copies: an object that several entries share is copied by putting
 * copy objects in front of it (vm_object_copy.c). Then every change of a page
 * must be preceded by vm_object_push, and no leaf may be writable before.
 *
 * Locks: `lock` (spinlock, rank OBJECT, from the top of a chain downwards)
 * protects everything in the object and its chunks, and the `kind`, chunk,
 * slot, wire_count and flags of its pages. ref_count is atomic, and goes from 1 to 0
 * only under the lock.
 */
#ifndef MM_VM_OBJECT_H
#define MM_VM_OBJECT_H

#include <base/list.h>
#include <base/lock.h>
#include <base/tree.h>
#include <mm/vm_types.h>
#include <mm/vm_page.h>

#define VM_CHUNK_SHIFT      MEGAPAGE_SHIFT
#define VM_CHUNK_PAGES      512u
#define VM_OBJECT_SIZE_MAX  (~0ul & ~PAGE_MASK)
#define VM_CHUNK_LEAF       64u         /* slots per leaf array */

struct pv;

/*
 * What a pmap knows about who maps a chunk: the machine's business
 * (arch/riscv/pmap_pv.c); mm only initialises it to NULL and asserts that it
 * is NULL when a chunk dies. Protected by pv_lock.
 */
struct vm_chunk {
	struct tree_node node;          /* in object->chunks, by index */
	vm_object_t      object;
	uint64_t         index;         /* (offset + color) >> VM_CHUNK_SHIFT */
	struct pv       *pv;            /* leaf tables and megapage leaves that map pages of this chunk */
	struct spinlock  pv_lock;
	uint16_t         resident;      /* bits set in popmap */
	uint16_t         wired;         /* pages with wire_count > 0 */
	pfn_t            base;          /* first page of the reservation, or 0 */
	struct vm_page  *head;          /* its structure: page i is head + i */
	bool             zeroed;        /* the unpopulated pages of the reservation are clear */
	bool             run;           /* a hint: the reservation is, or was, part of a run of 1 GiB (vm_fault_giga.c) */
	uint16_t         seen;          /* resident, when it was last put into a queue of vm_reserv.c */
	struct list      rsvp_link;     /* there, while the reservation lacks a page */
	uint64_t         popmap[VM_CHUNK_PAGES / 64];
	pfn_t           *leaf[VM_CHUNK_PAGES / VM_CHUNK_LEAF];
};

enum memory_object_copy_strategy {
	MEMORY_OBJECT_COPY_NONE = 0,
	MEMORY_OBJECT_COPY_CALL = 1,
	MEMORY_OBJECT_COPY_DELAY = 2,
	MEMORY_OBJECT_COPY_TEMPORARY = 3,
	MEMORY_OBJECT_COPY_SYMMETRIC = 4,
	MEMORY_OBJECT_COPY_INVALID = 5,
};

struct vm_object {
	struct spinlock  lock;
	uint32_t         ref_count;     /* entries + shadows pointing here + copies + holders */
	vm_size_t        size;          /* bytes, page multiple; pages at or beyond it must not be used */
	vm_object_t      shadow;        /* owns one reference */
	vm_object_offset_t shadow_offset;
	vm_object_t      copy;          /* newest asymmetric copy object; no reference */
	vm_object_t      older;         /* of a copy object: the next older copy, whose shadow it is; no reference */
	struct tree      chunks;
	struct vm_chunk *hint;          /* last chunk used, or NULL */
	struct vm_chunk *last;          /* the one with the highest index, or NULL: not known, or none */
	uint64_t         resident_page_count;
	uint32_t         paging_in_progress;
	uint32_t         absent_count;
	uint8_t          copy_strategy; /* enum memory_object_copy_strategy */
	bool             special;       /* a fault must look closer: vm_object_classify */
	bool             internal;      /* made by the kernel: zero-fill */
	bool             shadowed;      /* a symmetric copy may exist */
	bool             true_share;    /* mapped in several places on purpose */
	bool             alive;
	bool             terminating;
	bool             phys_contiguous; /* device memory at phys: leaves without pages */
	bool             uncached;
	bool             one_mapping;   /* every page is within reach of at most one entry */
	bool             can_persist;   /* kept with its pages when nobody refers to it */
	bool             shadow_severed; /* what lay below (shadow, pager) is lost: absent pages are errors, not zeros */
	bool             no_zero_fill;  /* made for a map of the kernel's that wants it so: fresh pages hold anything */
	bool             named;         /* a named entry refers to it */
	bool             filling;       /* somebody makes a gigabyte of it resident (vm_fault_giga.c) */
	memory_object_t  pager;         /* one reference; NULL: zero-fill */
	paddr_t          phys;
	bool             pushed_only;   /* a copy object that nobody writes: it changes by pushes alone */
	uint32_t         locked_pages;  /* pages with page_lock != 0 */
	uint32_t         wired_pages;   /* pages with wire_count != 0 */
	uint32_t         color;         /* bytes < 2 MiB: offset 0 lies this far into a chunk */
	uint64_t         id;            /* small number for people, never reused */
	uint32_t         holders;       /* references held by kernel code, outside entries and shadows */
	uint32_t         recount;       /* vm_check.c's */
	struct list      link;          /* all objects, for check and show */
};

/* Offset in its object of a chunk's slot. */
static inline vm_object_offset_t
vm_chunk_offset(const struct vm_chunk *c, unsigned slot)
{
	return (c->index << VM_CHUNK_SHIFT) + ((uint64_t)slot << PAGE_SHIFT) - c->object->color;
}

/*
 * The one thing a fault asks of an object first: is there anything but pages, zeros and a shadow? To be called whenever
 * one of these has changed. object locked, or not yet known to others.
 */
static inline void
vm_object_classify(vm_object_t object)
{
	object->special = object->pager != NULL || object->copy != NULL || object->phys_contiguous || object->uncached ||
	    object->shadow_severed || object->no_zero_fill;
}

void vm_object_bootstrap(void);

/*
 * New internal zero-fill object, one reference, or NULL (shortage). size:
 * bytes, rounded up (to VM_OBJECT_SIZE_MAX at most); color: where it will be mapped (any address; taken mod 2 MiB).
 */
vm_object_t vm_object_allocate(vm_size_t size, vm_offset_t color);
/* NULL is allowed and does nothing. */
void vm_object_reference(vm_object_t object);
/*
 * Drops a reference; at 0 frees pages, then follows the shadow (a loop, chains
 * may be long). A copy object whose one remaining user is the next older copy
 * is merged into that. (Where a symmetric shadow is the one remaining user, its
 * next fault that copies a page up collapses the chain.) No lock held. The
 * caller has removed the PTEs it made.
 */
void vm_object_deallocate(vm_object_t object);

/* Gives up a paging reference and a reference of the caller's. No lock held. */
void vm_object_paging_end(vm_object_t object);

/*
 * Replaces *object by a new object of `length` that shadows it at *offset;
 * *offset becomes 0. The caller's reference moves into the shadow link. When
 * the caller holds the only reference and there is nothing to hide, the object
 * stays as it is. FALSE: no memory, nothing changed. (Mach: vm_object_shadow.)
 */
bool vm_object_shadow(vm_object_t *object, vm_object_offset_t *offset, vm_size_t length);

/* Collapse and bypass along the chain below `object` (locked). Mach: vm_object_collapse. */
void vm_object_collapse(vm_object_t object);

/* Symmetric copy: TRUE when made; then both sides need needs_copy as told. */
bool vm_object_copy_quickly(vm_object_t *object, vm_object_offset_t offset, vm_size_t size,
    bool *src_needs_copy, bool *dst_needs_copy);
/*
 * Asymmetric copy of [offset, offset + size) of src (strategy DELAY): a copy
 * object in front of src; whoever changes a page of src first hands the old one
 * up (vm_object_push). The result, at the same offset, is mapped needs_copy.
 * NULL: shortage, a wired page below offset + size, or another strategy (copy slowly then); nothing changed.
 * Unlocked; one new reference. (Mach: vm_object_copy_delayed.)
 */
vm_object_t vm_object_copy_delayed(vm_object_t src, vm_object_offset_t offset, vm_size_t size);
/*
 * A copy by whatever way src's strategy asks for. Unlocked, map unlocked: may wait for a pager.
 * On KERN_SUCCESS *dst has one reference, and is mapped at *dst_offset with *needs_copy.
 * KERN_MEMORY_ERROR, KERN_RESOURCE_SHORTAGE; KERN_MEMORY_RESTART_COPY: symmetric after all, copy quickly;
 * KERN_NOT_SUPPORTED: device memory is not copied.
 */
kern_return_t vm_object_copy_strategically(vm_object_t src, vm_object_offset_t offset, vm_size_t size,
    vm_object_t *dst, vm_object_offset_t *dst_offset, bool *needs_copy);
enum vm_push { PUSH_DONE, PUSH_AGAIN, PUSH_SHORTAGE };
/*
 * The push rule: before the page m of object (locked, with a copy) at offset is
 * changed by anybody, the copy gets the old contents, and the mappings of m go.
 * PUSH_DONE: the page may be changed. PUSH_AGAIN: the copy's lock was not to be had: unlock, start over.
 */
enum vm_push vm_object_push(vm_object_t object, vm_object_offset_t offset, struct vm_page *m);
/* Would a write to offset owe a push? object locked. Then no leaf may be writable. */
bool vm_object_owes_push(vm_object_t object, vm_object_offset_t offset);
/*
 * Leaves of [offset, offset + size) keep at most prot, fenced: through pmap at start where given, else page by page in
 * all pmaps; where more than WRITE goes, of the pages below that the object shows, too. Device memory has no reverse
 * mappings: a pmap must be given. Unlocked. (Mach: vm_object_pmap_protect.)
 */
void vm_object_pmap_protect(vm_object_t object, vm_object_offset_t offset, vm_size_t size, pmap_t pmap,
    vm_offset_t start, vm_prot_t prot);
/*
 * A new object (offset 0 = offset in src) with copies of the pages of [offset, offset + size) as seen through the chain;
 * one reference. The caller holds one on src. may_wait: absent pages are asked of their pagers, no lock may be held;
 * else map locks may, and KERN_MEMORY_RESTART_COPY says that somebody has to be asked. KERN_RESOURCE_SHORTAGE,
 * KERN_MEMORY_ERROR, KERN_ABORTED; KERN_NOT_SUPPORTED: device memory. (Mach: vm_object_copy_slowly.)
 */
kern_return_t vm_object_copy_slowly(vm_object_t src, vm_object_offset_t offset, vm_size_t size, bool may_wait,
    vm_object_t *dst);
/*
 * May prev, mapped up to prev_offset + prev_size by an entry, show next_size more bytes of zero-fill after that? Does it
 * if so: its size grows, and what was left there goes. users: the references of the caller's entries, the one at
 * prev_offset and perhaps one that shows what comes after: there may be no other. NULL: yes. Map write lock.
 * (Mach: vm_object_coalesce.)
 */
bool vm_object_coalesce(vm_object_t prev, vm_object_offset_t prev_offset, vm_size_t prev_size, vm_size_t next_size,
    unsigned users);
/* The same downwards: may next, mapped from next_offset on by the one entry that refers to it, show size bytes more before that? */
bool vm_object_coalesce_below(vm_object_t next, vm_object_offset_t next_offset, vm_size_t size);

/*
 * Caching attribute of an object's memory (vm_map_attribute.c): leaves go, and come back by fault with the new one. FALSE:
 * pages are wired, nothing changed. Unlocked.
 */
bool vm_object_set_cache(vm_object_t object, bool cached);

/* --- pages of an object; `object` locked --- */

struct vm_chunk *vm_chunk_find_slow(vm_object_t object, uint64_t index);

static inline struct vm_chunk *
vm_chunk_find(vm_object_t object, uint64_t index)
{
	struct vm_chunk *c = object->hint;

	if (likely(c != NULL && c->index == index))
		return c;
	return vm_chunk_find_slow(object, index);
}

static inline bool
vm_chunk_populated(const struct vm_chunk *c, unsigned slot)
{
	return (c->popmap[slot / 64] >> (slot % 64)) & 1;
}

/* The first populated slot at or after `slot`; VM_CHUNK_PAGES when there is none. */
static inline unsigned
vm_chunk_next(const struct vm_chunk *c, unsigned slot)
{
	unsigned w = slot / 64;
	uint64_t bits;

	if (slot >= VM_CHUNK_PAGES)
		return VM_CHUNK_PAGES;
	bits = c->popmap[w] & (~0ul << (slot % 64));
	while (bits == 0) {
		if (++w == VM_CHUNK_PAGES / 64)
			return VM_CHUNK_PAGES;
		bits = c->popmap[w];
	}
	return w * 64 + (unsigned)__builtin_ctzl(bits);
}
#define vm_chunk_foreach(slot, c) \
	for ((slot) = vm_chunk_next(c, 0); (slot) < VM_CHUNK_PAGES; (slot) = vm_chunk_next(c, (slot) + 1))

/* pfn of a populated slot. */
static inline pfn_t
vm_chunk_pfn(const struct vm_chunk *c, unsigned slot)
{
	return c->base != 0 ? c->base + slot : c->leaf[slot / VM_CHUNK_LEAF][slot % VM_CHUNK_LEAF];
}

/* The page of a populated slot. */
static inline struct vm_page *
vm_chunk_page(const struct vm_chunk *c, unsigned slot)
{
	return c->base != 0 ? c->head + slot :
	    vm_page_of_pfn(c->leaf[slot / VM_CHUNK_LEAF][slot % VM_CHUNK_LEAF]);
}

/* The resident page at offset (page aligned), or NULL. */
static inline struct vm_page *
vm_page_lookup(vm_object_t object, vm_object_offset_t offset)
{
	uint64_t at = offset + object->color;
	struct vm_chunk *c = vm_chunk_find(object, at >> VM_CHUNK_SHIFT);
	unsigned slot = (unsigned)(at >> PAGE_SHIFT) % VM_CHUNK_PAGES;

	if (c == NULL || !vm_chunk_populated(c, slot))
		return NULL;
	return vm_chunk_page(c, slot);
}

#define VM_OBJECT_ZERO  0x1u            /* the page is clear */
#define VM_OBJECT_DENSE 0x2u            /* of a copy: all of the window is there below, so all of it may be written */
#define VM_OBJECT_PATIENT 0x4u          /* NULL where vm_page_compact may make a megapage: call it, then ask again, not patient */
/*
 * A page for object at offset, resident, kind OBJECT. Where the whole chunk lies within the object and memory allows, it
 * comes from a reservation (vm_reserv.c). NULL: shortage. Nothing must be resident there yet.
 */
struct vm_page *vm_object_page_alloc(vm_object_t object, vm_object_offset_t offset, unsigned flags);
/* Makes the pages of a reservation in slots [slot, slot+n) resident and clear, those that are not. object locked. */
void vm_chunk_fill(struct vm_chunk *c, unsigned slot, unsigned n);
/* The other pages of a reservation become copies of those of from, which has them all; both objects locked. */
void vm_chunk_fill_copy(struct vm_chunk *c, const struct vm_chunk *from);
/*
 * n zeroed pages from offset on, all in one chunk, where none are resident. FALSE: shortage; those made by then stay,
 * which nobody can see.
 */
bool vm_object_populate(vm_object_t object, vm_object_offset_t offset, unsigned n);
/*
 * 2^order pages of the object from offset on, aligned to their size (colour included), become resident and clear, in one
 * run of physical memory (vm_page_alloc_contig: order above a megapage's, up to a gigabyte's). Unlocked; long: clearing
 * a gigabyte. Each 2 MiB of it are a full reservation, to be split and freed like any other.
 * KERN_INVALID_ARGUMENT: not aligned, or not inside the object; KERN_MEMORY_PRESENT: pages are there already;
 * KERN_RESOURCE_SHORTAGE: no such run can be had, or no memory for chunks. Nothing changed then.
 */
kern_return_t vm_object_populate_run(vm_object_t object, vm_object_offset_t offset, unsigned order);
/* Is all of such a part one run, full? Then one leaf may map it. object locked. */
bool vm_object_is_run(vm_object_t object, vm_object_offset_t offset, unsigned order);
/* Frees the resident pages in [start, end); their mappings must be gone. Returns pages freed. */
uint64_t vm_object_page_remove(vm_object_t object, vm_object_offset_t start, vm_object_offset_t end);
/* A page gets, or loses, one wiring; object locked. At most MAX_WIRE_COUNT: the caller has looked. */
static inline void
vm_page_wire(struct vm_page *m)
{
	if (m->wire_count++ == 0) {
		m->o.chunk->wired++;
		m->o.chunk->object->wired_pages++;
	}
}

static inline void
vm_page_unwire(struct vm_page *m)
{
	if (--m->wire_count == 0) {
		m->o.chunk->wired--;
		m->o.chunk->object->wired_pages--;
	}
}

/*
 * The caller's page m (kind KERNEL) becomes resident at offset, where nothing is, contents and all. FALSE: shortage,
 * the page is still the caller's.
 */
bool vm_object_page_insert(vm_object_t object, vm_object_offset_t offset, struct vm_page *m);
/* The reverse: m, unwired and mapped nowhere, leaves its object. FALSE: it is part of a reservation, and stays. */
bool vm_object_page_take(struct vm_page *m);
/* TRUE when the chunk is a full reservation: one leaf may map it all. */
static inline bool
vm_chunk_is_megapage(const struct vm_chunk *c)
{
	return c->base != 0 && c->resident == VM_CHUNK_PAGES;
}

/* Visits every object; fn returns FALSE to stop. Holds the list lock: fn must not (de)allocate objects. */
void vm_object_foreach(bool (*fn)(vm_object_t, void *), void *arg);

#endif
