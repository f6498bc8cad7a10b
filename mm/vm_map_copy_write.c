/*
 * vm_map_copy_write.c: a copy's bytes into what is mapped: the physical part of
 * overwriting.
 *
 *   copy    [ e1        )[ e2    )       entry -> object -> ... -> page: a span of bytes that lie
 *               | span | span |          behind one another in memory (a few pages, in a reservation)
 *   map         [  d: object  )          the same of the destination; both locked, one memcpy
 *
 * Prepared memory is resident and may be written: nothing that copy-on-write,
 * pushes or a pager would ask for is left to do. Copying to it takes the short
 * way (write_run); what is not ready any more goes through the fault path, page
 * by page (write_slowly).
 *
 * Stores go through the destination's objects, so all who share them see them.
 *
 * Locks: the destination map's read lock, some pages long; the destination's
 * object, some pages of it long, and within it the copy's objects, which are
 * only tried: one of them may be above it in a chain. Where that fails, some
 * bytes go by a buffer.
 *
 * Failure: preparing changes nothing that a user could see. Writing fails only
 * if others have taken the memory away since; a part is done then.
 */
#include <string.h>
#include "vm_map_copy_impl.h"

#define HOLD_PAGES  64u         /* pages copied under one hold of the map lock */
#define SPAN_PAGES  16u         /* pages copied under one hold of their object's lock */

/* --- reading the copy --- */

/* Where in the copy the next byte comes from. */
struct source {
	vm_map_copy_t  copy;
	vm_map_entry_t e;
	vm_offset_t    at;              /* from the start of the copy's first page */
};

/* Bytes of the source that lie in memory in one piece. */
struct span {
	const uint8_t *va;              /* NULL: zeros */
	size_t         n;
	vm_object_t    level;           /* holds the pages, locked; NULL: nothing is locked, or by the caller */
};

static struct source
source_at(vm_map_copy_t copy, vm_offset_t at)
{
	return (struct source){ copy, copy->type == VM_MAP_COPY_ENTRY_LIST ? copy->hdr.links.next : NULL, at };
}

/*
 * The page at offset of object (locked), and how many from there on, at most
 * SPAN_PAGES, are resident and lie behind one another in memory.
 */
static inline struct vm_page *
resident_run(vm_object_t object, vm_object_offset_t offset, unsigned *n)
{
	struct vm_page *m = offset < object->size ? vm_page_lookup(object, offset) : NULL;
	struct vm_chunk *c;
	unsigned slot, end;

	*n = 1;
	if (m == NULL || (c = m->o.chunk)->base == 0)
		return m;
	slot = m->slot;
	end = slot + SPAN_PAGES < VM_CHUNK_PAGES ? slot + SPAN_PAGES : VM_CHUNK_PAGES;
	while (slot + *n < end && vm_chunk_populated(c, slot + *n))
		++*n;
	return m;
}

/* Locks an object of a copy's chain. With `held`, a lock the caller has, it is only tried. */
static inline bool
chain_lock(vm_object_t object, vm_object_t held)
{
	if (held == NULL) {
		spin_lock(&object->lock);
		return true;
	}
	return object == held || spin_trylock(&object->lock);
}

static inline void
chain_unlock(vm_object_t object, vm_object_t held)
{
	if (object != held)
		spin_unlock(&object->lock);
}

/* The span in the objects below entry s->e, which has one. */
static bool
source_pages(const struct source *s, vm_object_t held, struct span *span)
{
	vm_object_t object = s->e->object.vm_object, next;
	vm_object_offset_t offset = trunc_page(s->at) - s->e->vme_start + s->e->offset;
	struct vm_page *m;
	unsigned n;

	if (!chain_lock(object, held))
		return false;
	m = resident_run(object, offset, &n);
	while (m == NULL && (next = object->shadow) != NULL) {
		bool got = chain_lock(next, held);

		if (got)
			offset += object->shadow_offset;
		chain_unlock(object, held);
		if (!got)
			return false;
		object = next;
		m = resident_run(object, offset, &n);
		n = 1;          /* of the next page, something above may be in front */
	}
	span->va = m != NULL ? (uint8_t *)vm_page_va(m) + (s->at & PAGE_MASK) : NULL;
	span->n = ((size_t)n << PAGE_SHIFT) - (s->at & PAGE_MASK);
	span->level = object != held ? object : NULL;
	return true;
}

/*
 * What the source has to give next. held: NULL, or an object that the caller
 * has locked, anywhere in relation to the copy's chain. FALSE: a lock was not
 * to be had. TRUE: source_done comes after.
 */
static bool
source_span(struct source *s, vm_object_t held, struct span *span)
{
	if (s->copy->type == VM_MAP_COPY_KERNEL_BUFFER) {
		vm_size_t at = s->at - (s->copy->offset & PAGE_MASK);

		*span = (struct span){ (uint8_t *)s->copy->kdata + at, s->copy->size - at, NULL };
		return true;
	}
	while (s->at >= s->e->vme_end)
		s->e = s->e->vme_next;
	if (s->e->object.vm_object == NULL)
		*span = (struct span){ NULL, s->e->vme_end - s->at, NULL };
	else if (!source_pages(s, held, span))
		return false;
	if (span->n > s->e->vme_end - s->at)
		span->n = s->e->vme_end - s->at;
	return true;
}

static inline void
source_done(const struct span *span)
{
	if (span->level != NULL)
		spin_unlock(&span->level->lock);
}

/* --- writing --- */

struct write {
	struct source from;
	vm_offset_t   to;
	vm_size_t     left;
};

/* At most n bytes to va, all of one span. Returns how many; 0: a lock is not to be had. */
static size_t
write_span(struct write *w, uint8_t *va, size_t n, vm_object_t held)
{
	struct span span;

	if (!source_span(&w->from, held, &span))
		return 0;
	if (n > span.n)
		n = span.n;
	if (span.va != NULL)
		vm_page_copy_part(va, span.va, n);
	else
		memset(va, 0, n);
	source_done(&span);
	w->from.at += n;
	w->to += n;
	w->left -= n;
	return n;
}

/* n pages from m on, whose object is locked, get their part from w->to on. FALSE: a lock is not to be had. */
static bool
write_pages(struct vm_page *m, unsigned pages, struct write *w)
{
	uint8_t *va = (uint8_t *)vm_page_va(m) + (w->to & PAGE_MASK);
	size_t left = ((size_t)pages << PAGE_SHIFT) - (w->to & PAGE_MASK), n;

	if (left > w->left)
		left = w->left;
	for (; left > 0; va += n, left -= n) {
		n = write_span(w, va, left, m->o.chunk->object);
		if (n == 0)
			return false;
	}
	return true;
}

/* The same for vm_fault_with: one page only. */
static bool
write_one_page(struct vm_page *m, void *arg)
{
	(void)write_pages(m, 1, arg);
	return false;
}

/*
 * The page at offset of object (locked), if a store may go to it as it is, and
 * how many from there on may be written in one piece.
 */
static inline struct vm_page *
writable_run(vm_object_t object, vm_object_offset_t offset, unsigned *n)
{
	struct vm_page *m = resident_run(object, offset, n);

	if (likely(!object->special) || m == NULL)
		return m;
	*n = 1;
	if ((m->flags & (VM_PAGE_BUSY | VM_PAGE_ABSENT | VM_PAGE_ERROR)) || m->page_lock != 0 ||
	    vm_object_owes_push(object, offset))
		return NULL;
	return m;
}

/* The entry's pages from va on, where they are ready: *n of them from the page returned on. l->object is locked. */
static inline struct vm_page *
next_run(const struct vm_map_lookup *l, vm_offset_t va, unsigned *n)
{
	struct vm_page *m = writable_run(l->object, l->offset, n);

	if (*n > (l->hi - trunc_page(va)) >> PAGE_SHIFT)
		*n = (unsigned)((l->hi - trunc_page(va)) >> PAGE_SHIFT);
	return m;
}

/* Copies to pages that are ready, within one entry, some at a time. Returns at the first that is not. */
static void
write_run(vm_map_t map, struct write *w)
{
	struct vm_map_lookup l;
	unsigned n, done;
	bool ok = true;

	vm_map_lock_read(map);
	if (vm_map_lookup_locked(map, w->to, VM_PROT_WRITE, &l) != KERN_SUCCESS)
		return;
	for (done = 0; ok && done < HOLD_PAGES && w->left > 0 && w->to < l.hi; done += n) {
		struct vm_page *m;

		spin_lock(&l.object->lock);
		m = next_run(&l, w->to, &n);
		ok = m != NULL && write_pages(m, n, w);
		for (unsigned i = 0; m != NULL && i < n; i++)
			m[i].flags |= VM_PAGE_DIRTY;
		spin_unlock(&l.object->lock);
		l.offset += (vm_object_offset_t)n << PAGE_SHIFT;
	}
	vm_map_lookup_done(map, &l);
}

/* The long way round: a page that is not ready; some bytes where somebody holds a lock of the chain. */
static noinline kern_return_t
write_slowly(vm_map_t map, struct write *w)
{
	uint8_t buffer[256];
	vm_offset_t before = w->to;
	kern_return_t kr = vm_fault_with(map, w->to, VM_PROT_WRITE, write_one_page, w);
	size_t n = w->left < sizeof(buffer) ? w->left : sizeof(buffer);

	if (kr != KERN_SUCCESS || w->to != before)
		return kr;
	n = write_span(w, buffer, n, NULL);
	return vm_map_write_user(map, buffer, before, n);
}

kern_return_t
vm_map_copy_write(vm_map_t map, vm_offset_t addr, vm_map_copy_t copy, vm_offset_t to, vm_size_t size)
{
	struct write w = { source_at(copy, (copy->offset & PAGE_MASK) + (to - addr)), to, size };
	kern_return_t kr = KERN_SUCCESS;

	while (w.left > 0 && kr == KERN_SUCCESS) {
		vm_offset_t before = w.to;

		write_run(map, &w);
		if (w.to == before)
			kr = write_slowly(map, &w);
	}
	return kr;
}

/* --- preparing --- */

struct prepare {
	vm_offset_t at, end;
	unsigned    left;
};

static bool
prepare_page(struct vm_page *m, void *arg)
{
	struct prepare *p = arg;

	(void)m;
	p->at += PAGE_SIZE;
	return p->at < p->end && --p->left > 0;
}

/* Passes over the pages from p->at on that are ready, within one entry. */
static void
prepare_skip(vm_map_t map, struct prepare *p)
{
	struct vm_map_lookup l;
	unsigned n;

	vm_map_lock_read(map);
	if (vm_map_lookup_locked(map, p->at, VM_PROT_WRITE, &l) != KERN_SUCCESS)
		return;
	spin_lock(&l.object->lock);
	while (p->at < p->end && p->at < l.hi && next_run(&l, p->at, &n) != NULL) {
		p->at += (vm_offset_t)n << PAGE_SHIFT;
		l.offset += (vm_object_offset_t)n << PAGE_SHIFT;
	}
	spin_unlock(&l.object->lock);
	vm_map_lookup_done(map, &l);
}

/* Each page of [start, end) is resident and may be written from now on. */
static kern_return_t
prepare_destination(vm_map_t map, vm_offset_t start, vm_offset_t end)
{
	struct prepare p = { start, end, 0 };
	kern_return_t kr = KERN_SUCCESS;

	while (p.at < end && kr == KERN_SUCCESS) {
		prepare_skip(map, &p);
		p.left = HOLD_PAGES;
		if (p.at < end)
			kr = vm_fault_with(map, p.at, VM_PROT_WRITE, prepare_page, &p);
	}
	return kr;
}

/* Must some of what the object shows be fetched from a pager, or is it lost? */
static bool
is_fetched(vm_object_t object)
{
	vm_object_t next;
	bool external;

	if (object == NULL)
		return false;
	spin_lock(&object->lock);
	while (!(external = !object->internal || object->shadow_severed) && (next = object->shadow) != NULL) {
		spin_lock(&next->lock);
		spin_unlock(&object->lock);
		object = next;
	}
	spin_unlock(&object->lock);
	return external;
}

/* Pieces of the copy in [start, end) that a pager has a part in become copies that are all there. */
static kern_return_t
prepare_source(vm_map_copy_t copy, vm_offset_t start, vm_offset_t end)
{
	kern_return_t kr;
	vm_map_entry_t e;

	if (copy->type != VM_MAP_COPY_ENTRY_LIST)
		return KERN_SUCCESS;
	for (e = vm_map_copy_first_entry(copy); e != vm_map_copy_to_entry(copy) && e->vme_start < end; e = e->vme_next) {
		vm_object_t object = e->object.vm_object, fetched;

		if (e->vme_end <= start || !is_fetched(object))
			continue;
		kr = vm_object_copy_slowly(object, e->offset, e->vme_end - e->vme_start, true, &fetched);
		if (kr != KERN_SUCCESS)
			return kr;
		e->object.vm_object = fetched;
		e->offset = 0;
		e->needs_copy = false;
		vm_object_deallocate(object);
	}
	return KERN_SUCCESS;
}

kern_return_t
vm_map_copy_prepare(vm_map_t map, vm_offset_t addr, vm_map_copy_t copy, vm_offset_t start, vm_offset_t end)
{
	vm_offset_t base = addr - (copy->offset & PAGE_MASK);   /* where the copy's first page would begin */
	kern_return_t kr = prepare_source(copy, start - base, end - base);

	return kr == KERN_SUCCESS ? prepare_destination(map, trunc_page(start), round_page(end)) : kr;
}
