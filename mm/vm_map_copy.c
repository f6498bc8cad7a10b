/*
 * vm_map_copy.c: memory in flight between maps.
 *
 * A copy holds detached entries with private references on objects, addresses
 * rebased to 0 = the page of the first byte:
 *
 *   source map   [ e1 )[  e2   )[ e3 )            copyin: cut at the borders,
 *                   |--------------|              both sides needs_copy
 *   copy            [ c1)[ c2  )[c3)              offset: of the first byte
 *   destination  [    d1     )[  d2     )         copyout: linked in at a free place
 *                     |--------------|            overwrite: replaces what was there
 *
 * Contents are as of copyin: later stores on either side go to shadows. What
 * cannot be copied lazily is copied at once: a shared source object by
 * copyin, partial pages, other alignment and shared destinations by overwrite.
 *
 * A copy is used by one thread at a time and has no lock.
 *
 * Overwrite, aligned and private: for every piece of a destination entry that
 * one copy entry covers, an entry with the destination's attributes and the
 * copy's object is made first; then the range is deleted and they are linked,
 * under one hold of the write lock: all or nothing.
 * Overwrite, otherwise: every page is checked to be writable first, then
 * copied through the destination's objects, so that others who share them see
 * it. A shortage of memory can stop that between two pages.
 */
#include <string.h>
#include <mm/zone.h>
#include "vm_map_impl.h"

struct zone vm_map_copy_zone;

void
vm_map_copy_bootstrap(void)
{
	zone_init(&vm_map_copy_zone, "vm_map_copy", sizeof(struct vm_map_copy));
}

static vm_size_t
copy_pages_size(vm_map_copy_t copy)
{
	return round_page((copy->offset & PAGE_MASK) + copy->size);
}

static void
entries_free(vm_map_entry_t e)
{
	vm_map_entry_t next;

	for (; e != NULL; e = next) {
		next = e->vme_next;
		vm_object_deallocate(e->object.vm_object);
		vm_map_entry_dispose(e);
	}
}

void
vm_map_copy_discard(vm_map_copy_t copy)
{
	if (copy == NULL)
		return;
	entries_free(copy->hdr.links.next);
	zfree(&vm_map_copy_zone, copy);
}

/* --- copyin --- */

/* One source entry, already cut to the range, as an entry of the copy. */
static kern_return_t
copyin_entry(vm_map_t src, vm_map_entry_t e, vm_offset_t base, vm_map_copy_t copy)
{
	vm_map_entry_t n = vm_map_entry_create();

	if (n == NULL)
		return KERN_FAIL(KERN_RESOURCE_SHORTAGE, "no memory for an entry of the copy");
	*n = *e;
	n->vme_start -= base;
	n->vme_end -= base;
	n->is_shared = n->in_transition = n->needs_wakeup = false;
	n->wired_count = n->user_wired_count = 0;
	if (e->object.vm_object != NULL && vm_map_entry_copy(src, e, n) != KERN_SUCCESS) {
		vm_map_entry_dispose(n);
		return KERN_FAIL(KERN_RESOURCE_SHORTAGE, "no memory to copy the entry at 0x%lx", e->vme_start);
	}
	n->vme_next = NULL;
	if (copy->hdr.links.prev != NULL)
		copy->hdr.links.prev->vme_next = n;
	else
		copy->hdr.links.next = n;
	copy->hdr.links.prev = n;
	return KERN_SUCCESS;
}

static kern_return_t
copyin_locked(vm_map_t src, vm_offset_t start, vm_offset_t end, vm_map_copy_t copy)
{
	vm_map_entry_t first, last, e;
	struct vm_map_spare spare;
	kern_return_t kr;

	kr = vm_map_check_range(src, start, end, VM_PROT_READ, false, &first, &last);
	if (kr != KERN_SUCCESS)
		return kr;
	for (e = first;; e = e->vme_next) {
		if (e->is_sub_map)
			return KERN_FAIL(KERN_INVALID_ADDRESS, "the entry at 0x%lx is a submap", e->vme_start);
		if (e == last)
			break;
	}
	if (!vm_map_spare_take(&spare, src, first, last, start, end))
		return KERN_FAIL(KERN_RESOURCE_SHORTAGE, "no memory to cut an entry at 0x%lx or 0x%lx", start, end);
	e = vm_map_clip_start(src, first, start, &spare);
	if (first == last)
		last = e;
	first = e;
	vm_map_clip_end(src, last, end, &spare);
	for (e = first; kr == KERN_SUCCESS && e != vm_map_to_entry(src) && e->vme_start < end; e = e->vme_next)
		kr = copyin_entry(src, e, start, copy);
	vm_map_merge_range(src, start, end);
	return kr;
}

kern_return_t
vm_map_copyin(vm_map_t src, vm_offset_t addr, vm_size_t len, bool src_destroy, vm_map_copy_t *result)
{
	vm_offset_t start = trunc_page(addr), end = round_page(addr + len);
	vm_map_copy_t copy;
	kern_return_t kr;

	if (len == 0) {
		*result = NULL;
		return KERN_SUCCESS;
	}
	if (addr + len < addr || end <= start)
		return KERN_FAIL(KERN_INVALID_ADDRESS, "0x%lx bytes at 0x%lx wrap", len, addr);
	copy = zalloc(&vm_map_copy_zone);
	if (copy == NULL)
		return KERN_FAIL(KERN_RESOURCE_SHORTAGE, "no memory for a copy");
	*copy = (struct vm_map_copy){ .type = VM_MAP_COPY_ENTRY_LIST, .offset = addr, .size = len };
	vm_map_lock(src);
	kr = copyin_locked(src, start, end, copy);
	vm_map_unlock(src);
	if (kr == KERN_SUCCESS && src_destroy)
		kr = vm_map_remove(src, start, end, 0);
	if (kr != KERN_SUCCESS) {
		vm_map_copy_discard(copy);
		return kr;
	}
	*result = copy;
	return KERN_SUCCESS;
}

/* --- copyout --- */

/* What an entry of a copy gets in a map where it is new. */
static void
fresh_attributes(vm_map_entry_t e, vm_offset_t base)
{
	e->vme_start += base;
	e->vme_end += base;
	e->protection = VM_PROT_DEFAULT;
	e->max_protection = VM_PROT_ALL;
	e->inheritance = VM_INHERIT_DEFAULT;
	e->behavior = VM_BEHAVIOR_DEFAULT;
	e->alias = 0;
	e->permanent = e->use_pmap = false;
}

kern_return_t
vm_map_copyout(vm_map_t dst, vm_offset_t *addr, vm_map_copy_t copy)
{
	vm_map_entry_t after, e, next;
	vm_offset_t base;
	kern_return_t kr;

	if (copy == NULL) {
		*addr = 0;
		return KERN_SUCCESS;
	}
	vm_map_lock(dst);
	kr = vm_map_find_first_fit(dst, dst->min_offset, copy_pages_size(copy), 0, &base, &after);
	if (kr != KERN_SUCCESS) {
		vm_map_unlock(dst);
		return kr;
	}
	for (e = copy->hdr.links.next; e != NULL; e = next) {
		next = e->vme_next;
		fresh_attributes(e, base);
		vm_map_store_link(dst, after, e);
		after = e;
	}
	vm_map_unlock(dst);
	*addr = base + (copy->offset & PAGE_MASK);
	zfree(&vm_map_copy_zone, copy);
	return KERN_SUCCESS;
}

/* --- overwrite --- */

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

/*
 * n bytes of the copy from byte `at` of its first page on, within one page of
 * entry e, to buf. held: NULL, or an object that the caller has locked and
 * that may be anywhere in relation to the copy's chain, so that other locks
 * are only tried. FALSE: one was not to be had, nothing copied.
 */
static bool
copy_read(vm_map_entry_t e, vm_offset_t at, uint8_t *buf, size_t n, vm_object_t held)
{
	vm_object_t object = e->object.vm_object, next;
	vm_object_offset_t offset = trunc_page(at) - e->vme_start + e->offset;
	struct vm_page *m;

	if (object == NULL) {
		memset(buf, 0, n);
		return true;
	}
	if (!chain_lock(object, held))
		return false;
	while ((m = offset < object->size ? vm_page_lookup(object, offset) : NULL) == NULL &&
	    (next = object->shadow) != NULL) {
		bool got = chain_lock(next, held);

		if (got)
			offset += object->shadow_offset;
		chain_unlock(object, held);
		if (!got)
			return false;
		object = next;
	}
	if (m != NULL)
		vm_page_copy_part(buf, (uint8_t *)vm_page_va(m) + (at & PAGE_MASK), n);
	else
		memset(buf, 0, n);
	chain_unlock(object, held);
	return true;
}

/* How far a physical overwrite has come. */
struct overwrite {
	vm_map_entry_t e;               /* of the copy */
	vm_offset_t    from;            /* in the copy */
	vm_offset_t    to;              /* in the destination */
	vm_size_t      left;
};

static inline void
overwrite_advance(struct overwrite *o, size_t n)
{
	o->from += n;
	o->to += n;
	o->left -= n;
}

/* The bytes that lie in one page of source and destination alike; moves o->e on. */
static inline size_t
overwrite_piece(struct overwrite *o)
{
	size_t n = PAGE_SIZE - (o->from & PAGE_MASK);

	while (o->from >= o->e->vme_end)
		o->e = o->e->vme_next;
	if (n > PAGE_SIZE - (o->to & PAGE_MASK))
		n = PAGE_SIZE - (o->to & PAGE_MASK);
	return n > o->left ? o->left : n;
}

/* From page to page, for one destination page (its object locked). FALSE: done, or a lock is not to be had. */
static bool
overwrite_page(struct vm_page *m, void *arg)
{
	struct overwrite *o = arg;
	vm_offset_t page = trunc_page(o->to);
	uint8_t *va = vm_page_va(m);

	while (o->left > 0 && trunc_page(o->to) == page) {
		size_t n = overwrite_piece(o);

		if (!copy_read(o->e, o->from, va + (o->to & PAGE_MASK), n, m->o.chunk->object))
			return false;
		overwrite_advance(o, n);
	}
	return o->left > 0;
}

/*
 * Copies [from, from + len) of the copy to dst_addr, page by page; by way of a
 * buffer where somebody holds a lock of the chain.
 */
static kern_return_t
overwrite_physically(vm_map_t dst, vm_offset_t dst_addr, vm_map_copy_t copy, vm_offset_t from,
    vm_size_t len)
{
	struct overwrite o = { copy->hdr.links.next, from, dst_addr, len };
	struct vm_page *buffer = vm_page_alloc(0);
	kern_return_t kr = KERN_SUCCESS;

	if (buffer == NULL)
		return KERN_FAIL(KERN_RESOURCE_SHORTAGE, "no page for a copy buffer");
	while (o.left > 0 && kr == KERN_SUCCESS) {
		vm_offset_t before = o.to;
		size_t n;

		kr = vm_fault_with(dst, o.to, VM_PROT_WRITE, overwrite_page, &o);
		if (kr != KERN_SUCCESS || o.to != before)
			continue;
		n = overwrite_piece(&o);
		(void)copy_read(o.e, o.from, vm_page_va(buffer), n, NULL);
		kr = vm_map_write_user(dst, vm_page_va(buffer), o.to, n);
		overwrite_advance(&o, n);
	}
	vm_page_free(buffer);
	return kr;
}

/*
 * The entries that shall replace [start, end) of dst (locked): destination's
 * attributes, copy's objects (references moved later). Linked by vme_next.
 * KERN_NOT_SUPPORTED: some part must be written through its object.
 */
static kern_return_t
make_replacement(vm_map_t dst, vm_offset_t start, vm_offset_t end, vm_map_copy_t copy,
    vm_offset_t from, vm_map_entry_t *list)
{
	vm_map_entry_t d, c = copy->hdr.links.next, n, *tail = list;
	vm_offset_t at = start, stop;

	*list = NULL;
	(void)vm_map_lookup_entry(dst, start, &d);
	while (at < end) {
		vm_offset_t in_copy = at - start + from;

		while (at >= d->vme_end)
			d = d->vme_next;
		while (in_copy >= c->vme_end)
			c = c->vme_next;
		if (d->is_shared || d->is_sub_map || d->wired_count != 0 || d->in_transition || d->permanent)
			return KERN_NOT_SUPPORTED;
		stop = d->vme_end < end ? d->vme_end : end;
		if (c->vme_end - in_copy < stop - at)
			stop = at + (c->vme_end - in_copy);
		n = vm_map_entry_create();
		if (n == NULL)
			return KERN_FAIL(KERN_RESOURCE_SHORTAGE, "no memory for a map entry");
		*n = *d;
		n->vme_start = at;
		n->vme_end = stop;
		n->object = c->object;
		n->offset = c->offset + (in_copy - c->vme_start);
		n->needs_copy = c->needs_copy;
		n->vme_next = NULL;
		vm_object_reference(n->object.vm_object);
		*tail = n;
		tail = &n->links.next;
		at = stop;
	}
	return KERN_SUCCESS;
}

/* Whole pages, equally aligned: by reference. KERN_NOT_SUPPORTED: nothing done, copy physically. */
static kern_return_t
overwrite_by_reference(vm_map_t dst, vm_offset_t start, vm_offset_t end, vm_map_copy_t copy,
    vm_offset_t from)
{
	vm_map_entry_t list = NULL, dead = NULL, first, last, after, next;
	kern_return_t kr;

	vm_map_lock(dst);
	kr = vm_map_check_range(dst, start, end, VM_PROT_WRITE, false, &first, &last);
	if (kr == KERN_SUCCESS)
		kr = make_replacement(dst, start, end, copy, from, &list);
	if (kr == KERN_SUCCESS)
		kr = vm_map_delete(dst, start, end, &dead);
	if (kr == KERN_SUCCESS) {
		(void)vm_map_lookup_entry(dst, start, &after);
		for (; list != NULL; list = next) {
			next = list->vme_next;
			vm_map_store_link(dst, after, list);
			after = list;
		}
	}
	vm_map_unlock(dst);
	entries_free(list);
	vm_map_free_dead(dst, dead);
	return kr;
}

kern_return_t
vm_map_copy_overwrite(vm_map_t dst, vm_offset_t addr, vm_map_copy_t copy, bool interruptible)
{
	vm_offset_t start, end, from, whole_start, whole_end;
	vm_map_entry_t first, last;
	kern_return_t kr;

	(void)interruptible;
	if (copy == NULL)
		return KERN_SUCCESS;
	start = trunc_page(addr);
	end = round_page(addr + copy->size);
	if (addr + copy->size < addr || end <= start)
		return KERN_FAIL(KERN_INVALID_ADDRESS, "0x%lx bytes at 0x%lx wrap", copy->size, addr);
	vm_map_lock_read(dst);
	kr = vm_map_check_range(dst, start, end, VM_PROT_WRITE, false, &first, &last);
	vm_map_unlock_read(dst);
	if (kr != KERN_SUCCESS)
		return kr;

	from = copy->offset & PAGE_MASK;
	whole_start = round_page(addr);
	whole_end = trunc_page(addr + copy->size);
	if (from == (addr & PAGE_MASK) && whole_start < whole_end) {
		kr = overwrite_by_reference(dst, whole_start, whole_end, copy, from + (whole_start - addr));
		if (kr == KERN_SUCCESS && whole_start > addr)
			kr = overwrite_physically(dst, addr, copy, from, whole_start - addr);
		if (kr == KERN_SUCCESS && addr + copy->size > whole_end)
			kr = overwrite_physically(dst, whole_end, copy, from + (whole_end - addr),
			    addr + copy->size - whole_end);
	} else
		kr = KERN_NOT_SUPPORTED;
	if (kr == KERN_NOT_SUPPORTED)
		kr = overwrite_physically(dst, addr, copy, from, copy->size);
	if (kr == KERN_SUCCESS)
		vm_map_copy_discard(copy);
	return kr;
}

/* --- kernel memory and a task's memory --- */

struct transfer {
	uint8_t    *kernel;
	vm_offset_t user;
	size_t      left;
};

/* The part of the transfer that lies in the page; moves t on. */
static inline size_t
transfer_piece(const struct transfer *t)
{
	size_t n = PAGE_SIZE - (t->user & PAGE_MASK);

	return n < t->left ? n : t->left;
}

static inline bool
transfer_advance(struct transfer *t, size_t n)
{
	t->kernel += n;
	t->user += n;
	t->left -= n;
	return t->left > 0;
}

static bool
transfer_out_of_page(struct vm_page *m, void *arg)
{
	struct transfer *t = arg;
	size_t n = transfer_piece(t);

	vm_page_copy_part(t->kernel, (uint8_t *)vm_page_va(m) + (t->user & PAGE_MASK), n);
	return transfer_advance(t, n);
}

static bool
transfer_into_page(struct vm_page *m, void *arg)
{
	struct transfer *t = arg;
	size_t n = transfer_piece(t);

	vm_page_copy_part((uint8_t *)vm_page_va(m) + (t->user & PAGE_MASK), t->kernel, n);
	return transfer_advance(t, n);
}

static kern_return_t
transfer(vm_map_t map, vm_offset_t user, uint8_t *kernel, size_t size, vm_prot_t access,
    bool (*fn)(struct vm_page *, void *))
{
	struct transfer t = { kernel, user, size };

	if (user + size < user)
		return KERN_FAIL(KERN_INVALID_ADDRESS, "0x%lx bytes at 0x%lx wrap", size, user);
	return size == 0 ? KERN_SUCCESS : vm_fault_with(map, user, access, fn, &t);
}

kern_return_t
vm_map_read_user(vm_map_t map, vm_offset_t src, void *dst, size_t size)
{
	return transfer(map, src, dst, size, VM_PROT_READ, transfer_out_of_page);
}

kern_return_t
vm_map_write_user(vm_map_t map, const void *src, vm_offset_t dst, size_t size)
{
	return transfer(map, dst, (uint8_t *)(uintptr_t)src, size, VM_PROT_WRITE, transfer_into_page);
}
