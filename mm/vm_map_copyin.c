/*
 * vm_map_copyin.c: a range of a map as a copy.
 *
 *   a few bytes              read into a page of the kernel: cheaper than any lazy copy
 *   source to be destroyed,
 *   all of it private        the entries themselves move over, nothing is copied or marked
 *   else                     gathered (vm_map_gather.c): by needs_copy, copy objects, or physically
 *
 * The source range is removed, when that is asked, under the same hold of the
 * lock that saw the last piece: a store that came before is in the copy. Only
 * then the call is sure to succeed; on failure the source is as it was.
 *
 * src_volatile asks for nothing here: what is lazily copied does not follow the
 * source in any case.
 *
 * Locks: the source map's write lock. Failure: see vm_map_copy.h.
 */
#include "vm_map_copy_impl.h"

#define COPY_BUFFER_MAX ((vm_size_t)PAGE_SIZE)  /* bytes that go by a page of the kernel */

static kern_return_t
no_memory(void)
{
	return KERN_FAIL(KERN_RESOURCE_SHORTAGE, "no memory for a copy");
}

static kern_return_t
copyin_buffer(vm_map_t src, vm_offset_t addr, vm_size_t len, vm_map_copy_t *result)
{
	vm_map_copy_t copy = vm_map_copy_create(VM_MAP_COPY_KERNEL_BUFFER, addr, len);
	struct vm_page *m = copy != NULL ? vm_page_alloc(VM_PAGE_TASK) : NULL;
	kern_return_t kr;

	if (m == NULL) {
		if (copy != NULL)
			vm_map_copy_free(copy);
		return no_memory();
	}
	copy->kdata = vm_page_va(m);
	copy->kalloc_size = PAGE_SIZE;
	kr = vm_map_read_user(src, addr, copy->kdata, len);
	if (kr != KERN_SUCCESS) {
		vm_page_free(m);
		vm_map_copy_free(copy);
		return kr;
	}
	*result = copy;
	return KERN_SUCCESS;
}

/* May the entry itself leave the map, with its object? Its pages are in nobody else's reach then. */
static bool
movable(vm_map_entry_t e)
{
	vm_object_t object = e->object.vm_object;

	return !e->is_sub_map && !e->is_shared && e->wired_count == 0 && !e->permanent && e->split == 0 &&
	    !e->in_transition && (e->protection & VM_PROT_READ) &&
	    (object == NULL || (object->internal && !object->true_share &&
	    object->copy_strategy == MEMORY_OBJECT_COPY_SYMMETRIC));
}

/* Of what an entry was where it lay, a gathered one has the following, and no more; nor has one that moves. */
static void
make_plain(vm_map_entry_t e)
{
	struct vm_map_entry plain = {
		.protection = e->protection, .max_protection = e->max_protection, .inheritance = e->inheritance,
		.behavior = e->behavior, .alias = e->alias, .needs_copy = e->needs_copy,
	};

	e->attributes = plain.attributes;
	e->stack = 0;
}

/*
 * Moves the entries of [start, end) into the copy, if all can be. *done says whether; then, or on
 * KERN_RESOURCE_SHORTAGE, there is nothing else to do.
 */
static kern_return_t
copyin_move(vm_map_t src, vm_offset_t start, vm_offset_t end, vm_map_copy_t copy, bool *done)
{
	vm_map_entry_t first, last, e;
	kern_return_t kr = KERN_SUCCESS;

	vm_map_lock(src);
	*done = vm_map_lookup_entry(src, start, &first);
	last = first;
	for (e = first; *done; e = e->vme_next) {
		*done = e != vm_map_to_entry(src) && (e == first || e->vme_start == e->vme_prev->vme_end) && movable(e);
		last = e;
		if (*done && e->vme_end >= end)
			break;
	}
	if (*done && !vm_map_cut(src, &first, &last, start, end)) {
		*done = false;
		kr = KERN_FAIL(KERN_RESOURCE_SHORTAGE, "no memory to cut an entry at 0x%lx or 0x%lx", start, end);
	}
	if (*done)
		vm_map_header_detach(src, start, end, &copy->hdr);
	vm_map_unlock(src);
	for (e = copy->hdr.links.next; *done && e != vm_map_header_entry(&copy->hdr); e = e->vme_next)
		make_plain(e);
	return kr;
}

/* [start, end) gathered into the copy, and removed with src_destroy. */
static kern_return_t
copyin_gather(vm_map_t src, vm_offset_t start, vm_offset_t end, bool src_destroy, bool use_maxprot, vm_map_copy_t copy)
{
	struct vm_map_gather g;
	vm_map_entry_t dead = NULL;
	kern_return_t kr;

	vm_map_gather_init(&g, src, start, end, false);
	if (use_maxprot)
		g.need_max = VM_PROT_READ;
	else
		g.need = VM_PROT_READ;
	kr = vm_map_gather(&g);
	if (kr != KERN_SUCCESS)
		return kr;
	if (src_destroy)
		kr = vm_map_delete(src, start, end, &dead);
	vm_map_gather_unlock(&g);
	vm_map_free_dead(src, dead);
	if (kr == KERN_SUCCESS)
		vm_map_header_move(&copy->hdr, &g.hdr);
	else
		vm_map_header_free(&g.hdr);
	return kr;
}

kern_return_t
vm_map_copyin_common(vm_map_t src, vm_offset_t addr, vm_size_t len, bool src_destroy, bool src_volatile,
    vm_map_copy_t *result, bool use_maxprot)
{
	vm_offset_t start = trunc_page(addr), end = round_page(addr + len);
	kern_return_t kr = KERN_SUCCESS;
	vm_map_copy_t copy;
	bool done = false;

	(void)src_volatile;
	if (len == 0) {
		*result = NULL;
		return KERN_SUCCESS;
	}
	if (addr + len < addr || end <= start)
		return KERN_FAIL(KERN_INVALID_ADDRESS, "0x%lx bytes at 0x%lx wrap", len, addr);
	if (len <= COPY_BUFFER_MAX && !src_destroy && !use_maxprot) {
		kr = copyin_buffer(src, addr, len, &copy);
		if (kr != KERN_SUCCESS)
			return kr;
	} else {
		copy = vm_map_copy_create(VM_MAP_COPY_ENTRY_LIST, addr, len);
		if (copy == NULL)
			return no_memory();
		if (src_destroy)
			kr = copyin_move(src, start, end, copy, &done);
		if (kr == KERN_SUCCESS && !done)
			kr = copyin_gather(src, start, end, src_destroy, use_maxprot, copy);
		if (kr != KERN_SUCCESS) {
			vm_map_copy_free(copy);
			return kr;
		}
	}
	vm_map_copy_publish(copy);
	*result = copy;
	return KERN_SUCCESS;
}

kern_return_t
vm_map_copyin(vm_map_t src, vm_offset_t addr, vm_size_t len, bool src_destroy, vm_map_copy_t *copy)
{
	return vm_map_copyin_common(src, addr, len, src_destroy, false, copy, false);
}

kern_return_t
vm_map_copyin_maxprot(vm_map_t src, vm_offset_t addr, vm_size_t len, bool src_destroy, vm_map_copy_t *copy)
{
	return vm_map_copyin_common(src, addr, len, src_destroy, false, copy, true);
}
