/*
 * vm_map_remap.c: memory that is mapped once more, elsewhere or in another map.
 *
 *   source   [ e1  )[ e2      )             gathered (vm_map_gather.c): new entries on the same
 *               |--------|                  objects, or on copies of them
 *   target                [ e1')[ e2' )     linked in at a place found or given
 *
 * No page is touched: the cost is that of the entries. A shared piece is another
 * reference on the object, which from then on is shared on purpose (DELAY); its
 * leaves come by fault. To move memory is to share it and to remove the source.
 *
 * The list is made first, the source unlocked, then the place: so source and
 * target may be one map, overlap, or contain each other, and one map at a time
 * is locked. That the source is shared is told to vm_region (is_shared) last,
 * when nothing can fail any more.
 *
 * Failure: the source's codes come before those of the place; the list is
 * freed, and nobody can see that anything was done.
 */
#include <mm/vm_print.h>
#include "vm_map_copy_impl.h"

/* --- the source --- */

kern_return_t
vm_remap_extract(vm_map_t src, vm_offset_t addr, vm_size_t size, bool copy, struct vm_map_header *header,
    vm_prot_t *cur, vm_prot_t *max, vm_inherit_t inheritance, bool pageable)
{
	struct vm_map_gather g;
	kern_return_t kr;
	vm_map_entry_t e;

	vm_map_gather_init(&g, src, addr, addr + size, !copy);
	g.mark = !copy;
	kr = vm_map_gather(&g);
	if (kr != KERN_SUCCESS)
		return kr;
	vm_map_gather_unlock(&g);
	header->links.start = header->links.end = 0;
	header->entries_pageable = pageable;
	vm_map_header_move(header, &g.hdr);
	for (e = header->links.next; e != vm_map_header_entry(header); e = e->vme_next)
		e->inheritance = inheritance & 3;
	*cur = g.cur;
	*max = g.max;
	return KERN_SUCCESS;
}

/* What the pieces are to be in the target. */
static void
set_attributes(struct vm_map_header *h, const struct vm_map_remap_args *a, vm_prot_t cur, vm_prot_t max)
{
	vm_map_entry_t e;

	for (e = h->links.next; e != vm_map_header_entry(h); e = e->vme_next) {
		e->inheritance = a->inheritance & 3;
		e->permanent = (a->flags & VM_FLAGS_PERMANENT) != 0;
		if (a->new_alias)
			e->alias = VM_GET_TAG(a->flags) & 0xff;
		if (a->bounded) {
			e->protection = cur & VM_PROT_ALL;
			e->max_protection = max & VM_PROT_ALL;
		}
	}
}

/* The entries of the range that share their objects by now say so; write lock held. */
static void
mark_shared(vm_map_t map, vm_offset_t start, vm_offset_t end)
{
	vm_map_entry_t e;

	for (e = vm_map_entry_at_or_after(map, start); e != vm_map_to_entry(map) && e->vme_start < end; e = e->vme_next) {
		vm_object_t object = e->object.vm_object;
		uint64_t shift = e->offset - e->vme_start;

		if (e->is_sub_map && !e->needs_copy) {
			vm_map_t sub = e->object.sub_map;

			vm_map_lock(sub);
			mark_shared(sub, (start > e->vme_start ? start : e->vme_start) + shift,
			    (end < e->vme_end ? end : e->vme_end) + shift);
			vm_map_unlock(sub);
		} else if (!e->is_sub_map && object != NULL && !e->needs_copy &&
		    object->copy_strategy != MEMORY_OBJECT_COPY_SYMMETRIC)
			e->is_shared = true;
	}
}

/* --- the target --- */

kern_return_t
vm_remap_range_allocate(vm_map_t map, vm_offset_t *addr, vm_size_t size, vm_offset_t mask, uint32_t flags,
    vm_map_entry_t *after)
{
	const struct vm_map_enter_args args = { .size = size, .mask = mask, .flags = flags };

	return vm_map_find_place(map, &args, addr, after);
}

/*
 * The memory just linked is to be wired: by address, since the lock is dropped; in transition meanwhile, so it is still
 * ours when that fails, and goes back into the list, and what was there before to its place.
 */
static noinline kern_return_t
wire_or_take_back(vm_map_t map, vm_offset_t addr, vm_size_t size, vm_prot_t access, struct vm_map_header *h,
    vm_map_entry_t *dead)
{
	kern_return_t kr = vm_map_wire_locked(map, addr, addr + size, access);

	if (kr == KERN_SUCCESS)
		return kr;
	vm_map_header_detach(map, addr, addr + size, h);
	vm_map_undelete(map, *dead);
	*dead = NULL;
	return kr;
}

/* As vm_map_insert would refuse them; the maximum may be both. */
static noinline kern_return_t
check_wxorx(vm_map_t map, struct vm_map_header *h)
{
	kern_return_t kr = KERN_SUCCESS;
	vm_map_entry_t e;

	for (e = h->links.next; kr == KERN_SUCCESS && e != vm_map_header_entry(h); e = e->vme_next)
		kr = vm_map_check_wxorx(map, e->protection);
	return kr;
}

/* Links the list at its place; what was there hangs on *dead. Write lock held. On failure the list is as it was. */
static kern_return_t
place(vm_map_t map, vm_offset_t *addr, const struct vm_map_remap_args *a, struct vm_map_header *h, vm_prot_t access,
    vm_map_entry_t *dead)
{
	vm_map_entry_t after, first;
	kern_return_t kr;

	if (unlikely(map->options & VM_MAP_WXORX)) {
		kr = check_wxorx(map, h);
		if (kr != KERN_SUCCESS)
			return kr;
	}
	kr = vm_remap_range_allocate(map, addr, a->size, a->mask, a->flags, &after);
	if (kr != KERN_SUCCESS)
		return kr;
	if (after == NULL) {
		kr = vm_map_delete(map, *addr, *addr + a->size, dead);
		if (kr != KERN_SUCCESS)
			return kr;
		(void)vm_map_lookup_entry(map, *addr, &after);
	}
	first = vm_map_header_link(map, after, h, *addr);
	if (unlikely(a->flags & VM_FLAGS_PERMANENT))
		map->special = true;
	if (unlikely(map->wiring_required))
		return wire_or_take_back(map, *addr, a->size, access, h, dead);
	vm_map_merge_from(map, first, *addr + a->size);
	return KERN_SUCCESS;
}

/* --- both --- */

static kern_return_t
check_args(const vm_offset_t *addr, const struct vm_map_remap_args *a, const vm_prot_t *cur, const vm_prot_t *max)
{
	if (a->size == 0 || !page_aligned(a->size) || !page_aligned(*addr) || !page_aligned(a->src_addr) ||
	    a->src_addr + a->size < a->src_addr)
		return KERN_FAIL(KERN_INVALID_ARGUMENT, "0x%lx bytes from 0x%lx to 0x%lx: not whole pages, or they wrap",
		    a->size, a->src_addr, *addr);
	if (a->inheritance > VM_INHERIT_LAST_VALID)
		return KERN_FAIL(KERN_INVALID_ARGUMENT, "inheritance %u is not share (0), copy (1) or none (2)", a->inheritance);
	if (a->bounded && (((*cur | *max) & ~VM_PROT_ALL) != 0 || (*cur & ~*max) != 0))
		return KERN_FAIL(KERN_INVALID_ARGUMENT, "protections 0x%x and 0x%x: bits beyond rwx, or the first exceeds the second",
		    *cur, *max);
	return KERN_SUCCESS;
}

kern_return_t
vm_map_remap(vm_map_t target, vm_offset_t *addr, const struct vm_map_remap_args *a, vm_prot_t *cur, vm_prot_t *max)
{
	struct vm_map_gather g;
	vm_map_entry_t dead = NULL;
	vm_offset_t at = *addr;
	kern_return_t kr;

	kr = check_args(addr, a, cur, max);
	if (kr != KERN_SUCCESS)
		return kr;
	vm_map_gather_init(&g, a->src, a->src_addr, a->src_addr + a->size, !a->copy);
	if (a->bounded) {
		g.need = *cur;
		g.need_max = *max;
	}
	kr = vm_map_gather(&g);
	if (kr != KERN_SUCCESS)
		return kr;
	vm_map_gather_unlock(&g);
	set_attributes(&g.hdr, a, *cur, *max);
	vm_map_lock(target);
	kr = place(target, &at, a, &g.hdr, a->bounded ? *cur : g.cur, &dead);
	if (kr == KERN_SUCCESS && !a->copy && a->src == target)
		mark_shared(target, a->src_addr, a->src_addr + a->size);
	vm_map_unlock(target);
	vm_map_free_dead(target, dead);
	if (kr != KERN_SUCCESS) {
		vm_map_header_free(&g.hdr);
		return kr;
	}
	if (!a->copy && a->src != target) {
		vm_map_lock(a->src);
		mark_shared(a->src, a->src_addr, a->src_addr + a->size);
		vm_map_unlock(a->src);
	}
	*addr = at;
	if (!a->bounded) {
		*cur = g.cur;
		*max = g.max;
	}
	return KERN_SUCCESS;
}
