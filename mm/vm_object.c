/*
 * vm_object.c: life of memory objects.
 *
 * An object is referenced by the entries that map it, by the objects that
 * shadow it, and by whoever holds it for the moment. ref_count is atomic;
 * additions need nothing but an existing reference, the step from 1 to 0 is
 * taken only under the object's lock, so whoever holds that lock and sees 1
 * knows the only reference.
 *
 * The mappings of an object's pages are the business of those who made them:
 * a map removes its PTEs before it drops its reference (vm_map_remove), so at
 * the last reference no PTE leads to its pages, and they can be freed without
 * a fence.
 *
 * one_mapping: set as long as each page can be reached by one entry at the
 * most (clipping an entry keeps that). Then a part that is unmapped can be
 * freed at once, although the object lives on for the rest.
 */
#include <mm/memory_object.h>
#include <mm/vm_object.h>
#include <mm/pmap.h>
#include <mm/zone.h>
#include "vm_object_impl.h"
#include "vm_page_impl.h"

static struct zone vm_object_zone;
static struct spinlock vm_object_list_lock = SPINLOCK_INIT(OBJLIST);
static struct list vm_object_list = { &vm_object_list, &vm_object_list };
static uint64_t vm_object_next_id = 1;
static struct list vm_object_swept;     /* where a sweep stands, in the list among the objects */

void
vm_object_bootstrap(void)
{
	zone_init(&vm_object_zone, "vm_object", sizeof(struct vm_object));
	list_init(&vm_object_list);
	vm_chunk_bootstrap();
}

/*
 * A new object, but for what depends on its size, and its place in the list. Word by
 * word: the library call that a structure of this size becomes costs four times as much.
 */
static inline void
object_clear(vm_object_t object)
{
	uint64_t *w = (uint64_t *)(void *)object;

	_Static_assert(sizeof(*object) % sizeof(*w) == 0, "whole words");
#pragma GCC unroll 32
	for (unsigned i = 0; i < sizeof(*object) / sizeof(*w); i++) {
		w[i] = 0;
		__asm__ volatile("" : : : "memory");
	}
	spin_init(&object->lock, LOCK_OBJECT);
	object->ref_count = 1;
	object->copy_strategy = MEMORY_OBJECT_COPY_SYMMETRIC;
	object->internal = object->alive = object->one_mapping = true;
}

vm_object_t
vm_object_allocate(vm_size_t size, vm_offset_t color)
{
	vm_object_t object = zalloc(&vm_object_zone);

	if (object == NULL)
		return NULL;
	object_clear(object);
	object->size = size > VM_OBJECT_SIZE_MAX ? VM_OBJECT_SIZE_MAX : round_page(size);
	/* No sum of offset and colour wraps. */
	object->color = size <= VM_OBJECT_SIZE_MAX / 2 ? (uint32_t)(color & MEGAPAGE_MASK) : 0;
	spin_lock(&vm_object_list_lock);
	object->id = vm_object_next_id++;
	list_push_back(&vm_object_list, &object->link);
	spin_unlock(&vm_object_list_lock);
	return object;
}

void
vm_object_reference(vm_object_t object)
{
	if (object != NULL)
		__atomic_add_fetch(&object->ref_count, 1, __ATOMIC_RELAXED);
}

void
vm_object_free_locked(vm_object_t object)
{
	KASSERT(object->ref_count == 0, ("object %lu freed with %u references",
	    object->id, object->ref_count));
	object->alive = false;
	object->terminating = true;
	(void)vm_object_page_remove(object, 0, object->size);
	KASSERT(object->resident_page_count == 0, ("object %lu of %lu bytes: %lu pages beyond its size",
	    object->id, object->size,
	    object->resident_page_count));
	spin_unlock(&object->lock);
	spin_lock(&vm_object_list_lock);
	list_remove(&object->link);
	spin_unlock(&vm_object_list_lock);
	zfree(&vm_object_zone, object);
}

/* The same for one with a pager, which gets back what was changed. */
static noinline void
external_free_locked(vm_object_t object)
{
	memory_object_t mo = object->pager;

	object->terminating = true;
	spin_unlock(&object->lock);
	if (ATLAS_DEBUG)
		lock_order_none();      /* the pager may be slow, or call back: no map may be locked, either */
	memory_object_terminate(mo, object);
	spin_lock(&object->lock);
	vm_object_free_locked(object);
	memory_object_release(mo);
}

void
vm_object_deallocate(vm_object_t object)
{
	while (object != NULL) {
		uint32_t refs = __atomic_load_n(&object->ref_count, __ATOMIC_RELAXED);
		vm_object_t shadow;

		if (refs == 2 && unlikely(__atomic_load_n(&object->older, __ATOMIC_RELAXED) != NULL) &&
		    vm_object_deallocate_copy(object))
			return;
		while (refs > 1)
			if (__atomic_compare_exchange_n(&object->ref_count, &refs, refs - 1,
			    true, __ATOMIC_RELEASE, __ATOMIC_RELAXED))
				return;
		spin_lock(&object->lock);
		if (__atomic_sub_fetch(&object->ref_count, 1, __ATOMIC_ACQ_REL) != 0) {
			spin_unlock(&object->lock);
			return;
		}
		shadow = object->shadow;
		if (unlikely(shadow != NULL && vm_object_knows(shadow, object)))
			vm_object_forget_copy(object);
		object->shadow = NULL;
		if (unlikely(object->pager != NULL))
			external_free_locked(object);
		else
			vm_object_free_locked(object);
		object = shadow;
	}
}

void
vm_object_paging_end(vm_object_t object)
{
	spin_lock(&object->lock);
	object->paging_in_progress--;
	spin_unlock(&object->lock);
	vm_object_deallocate(object);
}

/*
 * May o get new zero-fill pages in [start, end), which no entry shows? The
 * caller's entries hold `users` references. What is there was left by an earlier
 * unmapping, and would show old data: it goes.
 */
static bool
take_range(vm_object_t o, vm_object_offset_t start, vm_object_offset_t end, unsigned users)
{
	bool ok;

	spin_lock(&o->lock);
	ok = o->ref_count <= users && o->shadow == NULL && o->copy == NULL && !o->true_share && o->internal &&
	    o->paging_in_progress == 0 && end <= VM_OBJECT_SIZE_MAX - o->color;
	if (ok) {
		(void)vm_object_page_remove(o, start, end);
		if (end > o->size)
			o->size = end;
	}
	spin_unlock(&o->lock);
	return ok;
}

bool
vm_object_coalesce(vm_object_t prev, vm_object_offset_t prev_offset, vm_size_t prev_size,
    vm_size_t next_size, unsigned users)
{
	vm_object_offset_t end = prev_offset + prev_size;

	return prev == NULL || (end + next_size > end && take_range(prev, end, end + next_size, users));
}

bool
vm_object_coalesce_below(vm_object_t next, vm_object_offset_t next_offset, vm_size_t size)
{
	return next == NULL || (next_offset >= size && take_range(next, next_offset - size, next_offset, 1));
}

static bool
protect_slots(struct vm_chunk *c, unsigned first, unsigned last, void *arg)
{
	vm_prot_t prot = *(vm_prot_t *)arg;

	if (first == 0 && last == VM_CHUNK_PAGES)
		pmap_chunk_protect(c, prot);
	else
		for (unsigned slot = vm_chunk_next(c, first); slot < last; slot = vm_chunk_next(c, slot + 1))
			pmap_page_protect(vm_chunk_page(c, slot), prot);
	return true;
}

void
vm_object_pmap_protect(vm_object_t object, vm_object_offset_t offset, vm_size_t size, pmap_t pmap,
    vm_offset_t start, vm_prot_t prot)
{
	/* Pages below are never mapped for writing through this object. */
	bool top_only = (~prot & VM_PROT_ALL) == VM_PROT_WRITE;
	vm_object_t next;

	if (object == NULL)
		return;
	if (pmap != NULL) {
		pmap_protect(pmap, start, start + size, prot);
		return;
	}
	spin_lock(&object->lock);
	for (;;) {
		vm_object_offset_t end = offset + size;

		(void)vm_chunk_visit(object, offset, end > offset ? end : object->size, protect_slots, &prot);
		next = top_only ? NULL : object->shadow;
		if (next == NULL)
			break;
		spin_lock(&next->lock);
		offset += object->shadow_offset;
		spin_unlock(&object->lock);
		object = next;
	}
	spin_unlock(&object->lock);
}

void
vm_object_foreach(bool (*fn)(vm_object_t, void *), void *arg)
{
	struct list *l;

	spin_lock(&vm_object_list_lock);
	list_foreach(l, &vm_object_list)
		if (l != &vm_object_swept && !fn(list_entry(l, struct vm_object, link), arg))
			break;
	spin_unlock(&vm_object_list_lock);
}

/* The count is read without the object's lock: a new page more or less is the caller's to miss. */
VM_PAGE_RACY static inline bool
has_pages(const struct vm_object *object)
{
	return object->resident_page_count != 0;
}

void
vm_object_sweep(bool (*fn)(vm_object_t, void *), void *arg)
{
	bool more = true;

	spin_lock(&vm_object_list_lock);
	list_push_front(&vm_object_list, &vm_object_swept);
	while (more && vm_object_swept.next != &vm_object_list) {
		struct list *l = vm_object_swept.next;
		vm_object_t object = list_entry(l, struct vm_object, link);

		list_remove(&vm_object_swept);
		list_insert_after(l, &vm_object_swept);
		/* It cannot be freed before it has left the list; against the order of locks, only a try. */
		if (!has_pages(object) || !spin_trylock(&object->lock))
			continue;
		spin_unlock(&vm_object_list_lock);
		more = fn(object, arg);
		spin_unlock(&object->lock);
		spin_lock(&vm_object_list_lock);
	}
	list_remove(&vm_object_swept);
	spin_unlock(&vm_object_list_lock);
}
