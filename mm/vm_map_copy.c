/*
 * vm_map_copy.c: memory in flight between maps.
 *
 *   copyin ──> vm_map_copy ──> copyout        linked in at a free place
 *                    │     └─> copy_overwrite replaces what is mapped
 *                    └───────> discard
 *
 *   ENTRY_LIST     header <-> [0, a) <-> [a, b) <-> header   entries as of a map,
 *                  addresses rebased to 0 = the page of the first byte
 *   OBJECT         object, offset
 *   PAGE_LIST      page_list[20], and cont(cont_args) for the rest
 *   KERNEL_BUFFER  kdata ──> a page with the bytes
 *
 * Contents are as of copyin. Who has a copy owns it; there is no lock in it. All
 * filled copies are on a list, for `show copy` and for the count of references
 * (M9); a copy is taken off the list before its contents move on.
 *
 * This file: life of copies, and their lists of entries. vm_map_copyin.c makes
 * copies from a gathered range (vm_map_gather.c), vm_map_copyout.c and
 * vm_map_copy_overwrite.c put them to use, vm_map_copy_pages.c has page lists.
 *
 * Locks: vm_map_copy_lock for the list of copies only. Failure: shortage.
 */
#include <mm/zone.h>
#include "vm_map_copy_impl.h"

struct zone vm_map_copy_zone;
static struct spinlock vm_map_copy_lock = SPINLOCK_INIT(NAMELST);
static struct list vm_map_copies = { &vm_map_copies, &vm_map_copies };
static uint64_t vm_map_copy_next_id = 1;

void
vm_map_copy_bootstrap(void)
{
	zone_init(&vm_map_copy_zone, "vm_map_copy", sizeof(struct vm_map_copy));
	list_init(&vm_map_copies);
	vm_map_copy_pages_bootstrap();
}

/* --- lists of entries --- */

void
vm_map_header_move(struct vm_map_header *to, struct vm_map_header *from)
{
	vm_map_header_init(to);
	if (from->nentries == 0)
		return;
	*to = *from;
	to->links.next->vme_prev = vm_map_header_entry(to);
	to->links.prev->vme_next = vm_map_header_entry(to);
	vm_map_header_init(from);
}

void
vm_map_header_free(struct vm_map_header *h)
{
	vm_map_entry_t e, next;

	for (e = h->links.next; e != vm_map_header_entry(h); e = next) {
		next = e->vme_next;
		vm_object_deallocate(e->object.vm_object);
		vm_map_entry_dispose(e);
	}
	vm_map_header_init(h);
}

vm_map_entry_t
vm_map_header_link(vm_map_t map, vm_map_entry_t after, struct vm_map_header *h, vm_offset_t base)
{
	vm_map_entry_t first = h->links.next, e, next;

	for (e = h->links.next; e != vm_map_header_entry(h); e = next) {
		next = e->vme_next;
		e->vme_start += base;
		e->vme_end += base;
		vm_map_store_link(map, after, e);
		after = e;
	}
	vm_map_header_init(h);
	return first;
}

void
vm_map_header_detach(vm_map_t map, vm_offset_t start, vm_offset_t end, struct vm_map_header *h)
{
	vm_map_entry_t e, next;

	if (map->pmap != NULL && map->submap_level == 0)
		pmap_remove(map->pmap, start, end);
	vm_map_header_init(h);
	for (e = vm_map_entry_at_or_after(map, start); e != vm_map_to_entry(map) && e->vme_start < end; e = next) {
		next = e->vme_next;
		DASSERT(e->vme_start >= start && e->vme_end <= end && !e->is_sub_map && !e->in_transition &&
		    e->wired_count == 0, ("entry 0x%lx cannot be detached", e->vme_start));
		if (unlikely(map->submap_level != 0))
			vm_map_protect_leaves(map, e, VM_PROT_NONE);
		vm_map_store_unlink(map, e);
		e->vme_start -= start;
		e->vme_end -= start;
		vm_map_header_append(h, e);
	}
	if (unlikely(map->wait_for_space))
		vm_map_space_wakeup(map);
}

/* --- life --- */

vm_map_copy_t
vm_map_copy_create(int type, vm_object_offset_t offset, vm_size_t size)
{
	vm_map_copy_t copy = zalloc(&vm_map_copy_zone);

	if (copy == NULL)
		return NULL;
	copy->type = type;
	copy->offset = offset;
	copy->size = size;
	copy->id = 0;
	list_init(&copy->link);
	if (type == VM_MAP_COPY_ENTRY_LIST)
		vm_map_header_init(&copy->hdr);
	return copy;
}

void
vm_map_copy_publish(vm_map_copy_t copy)
{
	spin_lock(&vm_map_copy_lock);
	if (copy->id == 0)
		copy->id = vm_map_copy_next_id++;
	list_push_back(&vm_map_copies, &copy->link);
	spin_unlock(&vm_map_copy_lock);
}

void
vm_map_copy_withdraw(vm_map_copy_t copy)
{
	spin_lock(&vm_map_copy_lock);
	list_remove(&copy->link);
	list_init(&copy->link);
	spin_unlock(&vm_map_copy_lock);
}

void
vm_map_copy_free(vm_map_copy_t copy)
{
	zfree(&vm_map_copy_zone, copy);
}

void
vm_map_copy_discard(vm_map_copy_t copy)
{
	if (copy == NULL)
		return;
	vm_map_copy_withdraw(copy);
	switch (copy->type) {
	case VM_MAP_COPY_ENTRY_LIST:
		vm_map_header_free(&copy->hdr);
		break;
	case VM_MAP_COPY_OBJECT:
		vm_object_deallocate(copy->object);
		break;
	case VM_MAP_COPY_PAGE_LIST:
		vm_map_copy_page_discard(copy);
		vm_map_copy_abort_cont(copy);
		break;
	case VM_MAP_COPY_KERNEL_BUFFER:
		vm_page_free(vm_page_of_pfn((pfn_t)(virt_to_phys(copy->kdata) >> PAGE_SHIFT)));
		break;
	}
	vm_map_copy_free(copy);
}

kern_return_t
vm_map_copy_discard_cont(vm_map_copyin_args_t cont_args, vm_map_copy_t *next)
{
	vm_map_copy_discard((vm_map_copy_t)(void *)cont_args);
	if (next != NULL)
		*next = NULL;
	return KERN_SUCCESS;
}

vm_map_copy_t
vm_map_copy_copy(vm_map_copy_t copy)
{
	vm_map_copy_t new;

	if (copy == NULL || (new = vm_map_copy_create(copy->type, copy->offset, copy->size)) == NULL)
		return NULL;
	vm_map_copy_withdraw(copy);
	switch (copy->type) {
	case VM_MAP_COPY_ENTRY_LIST:
		vm_map_header_move(&new->hdr, &copy->hdr);
		break;
	case VM_MAP_COPY_OBJECT:
		new->object = copy->object;
		new->index = copy->index;
		break;
	case VM_MAP_COPY_PAGE_LIST:
		for (unsigned i = 0; i < copy->npages; i++)
			new->page_list[i] = copy->page_list[i];
		new->npages = copy->npages;
		new->page_loose = copy->page_loose;
		new->cont = copy->cont;
		new->cont_args = copy->cont_args;
		break;
	case VM_MAP_COPY_KERNEL_BUFFER:
		new->kdata = copy->kdata;
		new->kalloc_size = copy->kalloc_size;
		break;
	}
	copy->type = VM_MAP_COPY_OBJECT;
	copy->object = NULL;
	copy->index = copy->offset = copy->size = 0;
	vm_map_copy_publish(copy);
	vm_map_copy_publish(new);
	return new;
}

kern_return_t
vm_map_copyin_object(vm_object_t object, vm_object_offset_t offset, vm_size_t size, vm_map_copy_t *result)
{
	vm_object_offset_t end = offset + size;
	vm_map_copy_t copy;

	if (end < offset || end > object->size)
		return KERN_FAIL(KERN_INVALID_ARGUMENT, "0x%lx bytes at 0x%lx are not within the 0x%lx of object %lu",
		    size, offset, object->size, object->id);
	copy = vm_map_copy_create(VM_MAP_COPY_OBJECT, offset, size);
	if (copy == NULL)
		return KERN_FAIL(KERN_RESOURCE_SHORTAGE, "no memory for a copy");
	copy->object = object;
	copy->index = 0;
	vm_map_copy_publish(copy);
	*result = copy;
	return KERN_SUCCESS;
}

/* An OBJECT copy as an entry of a list: the object's reference moves into it. */
static kern_return_t
object_to_entries(vm_map_copy_t copy)
{
	vm_map_entry_t e = vm_map_entry_create();
	vm_object_t object = copy->object;

	if (e == NULL)
		return KERN_FAIL(KERN_RESOURCE_SHORTAGE, "no memory for an entry of the copy");
	*e = (struct vm_map_entry){
		.vme_end = vm_map_copy_span(copy),
		.object.vm_object = object,
		.offset = trunc_page(copy->offset),
		.protection = VM_PROT_DEFAULT,
		.max_protection = VM_PROT_ALL,
		.inheritance = VM_INHERIT_DEFAULT,
	};
	spin_lock(&object->lock);
	object->one_mapping = false;    /* whoever made the copy may have other ways to its pages */
	spin_unlock(&object->lock);
	copy->type = VM_MAP_COPY_ENTRY_LIST;
	vm_map_header_init(&copy->hdr);
	vm_map_header_append(&copy->hdr, e);
	return KERN_SUCCESS;
}

kern_return_t
vm_map_copy_to_entries(vm_map_copy_t copy)
{
	kern_return_t kr;

	if (copy->type == VM_MAP_COPY_PAGE_LIST) {
		kr = vm_map_copy_pages_to_object(copy);
		if (kr != KERN_SUCCESS)
			return kr;
	}
	return copy->type == VM_MAP_COPY_OBJECT ? object_to_entries(copy) : KERN_SUCCESS;
}

void
vm_map_copy_foreach(bool (*fn)(vm_map_copy_t, void *), void *arg)
{
	struct list *l;

	spin_lock(&vm_map_copy_lock);
	list_foreach(l, &vm_map_copies)
		if (!fn(list_entry(l, struct vm_map_copy, link), arg))
			break;
	spin_unlock(&vm_map_copy_lock);
}
