/*
 * vm_shared_region.c: pairs of submaps, text and data, that tasks map as one.
 *
 *   task   [ text window, shared  )[ data window, needs_copy )
 *   base ->       |                        |
 *                text submap              data submap            one pair for all tasks
 *
 * A region is a descriptor: two handles of submaps, where to map them, what
 * the loader keeps (region_mappings), and a chain of the regions that it was
 * cloned from, newest first:
 *
 *   region ──chain──> {parent, depth} ──next──> {its parent, ...} ──> ...
 *
 * An element owns one reference on its region; `next` is that region's own
 * chain as it was then, borrowed, which stays as long as the region does. A region
 * may get its first chain when it has children already, and no other after that;
 * none can come to be its own ancestor.
 *
 * Locks: attach_lock, around all chains. Failure: allocation,
 * before anything changes; mapping takes the first half back if the second fails.
 */
#include <mm/zone.h>
#include <mm/vm_named_entry.h>
#include "vm_map_impl.h"

static struct zone region_zone, chain_zone;

void
vm_shared_region_bootstrap(void)
{
	zone_init(&region_zone, "shared_region", sizeof(struct shared_region_mapping));
	zone_init(&chain_zone, "shared_region_chain", sizeof(struct shared_region_object_chain));
}

kern_return_t
shared_region_mapping_create(const struct shared_region_mapping_args *a, shared_region_mapping_t *result)
{
	shared_region_mapping_t r;

	if (a->text_region == NULL || a->data_region == NULL || a->text_region->type != NAMED_SUBMAP ||
	    a->data_region->type != NAMED_SUBMAP)
		return KERN_FAIL(KERN_INVALID_ARGUMENT, "a shared region is made of two submaps");
	if (a->text_size == 0 || a->data_size == 0 || !page_aligned(a->text_size) || !page_aligned(a->data_size) ||
	    !page_aligned(a->client_base) || a->text_size > a->text_region->size || a->data_size > a->data_region->size)
		return KERN_FAIL(KERN_INVALID_ARGUMENT, "0x%lx and 0x%lx bytes at 0x%lx: not in pages, or beyond their submaps",
		    a->text_size, a->data_size, a->client_base);
	r = zalloc(&region_zone);
	if (r == NULL)
		return KERN_FAIL(KERN_RESOURCE_SHORTAGE, "no memory for a shared region");
	*r = (struct shared_region_mapping){
		.ref_count = 1, .text_region = a->text_region, .data_region = a->data_region,
		.text_size = a->text_size, .data_size = a->data_size, .client_base = a->client_base,
		.alternate_base = a->alternate_base, .alternate_next = a->alternate_next, .flags = a->flags, .self = r,
	};
	shared_region_mapping_lock_init(r);
	*result = r;
	return KERN_SUCCESS;
}

void
shared_region_mapping_ref(shared_region_mapping_t r)
{
	if (r != NULL)
		__atomic_add_fetch(&r->ref_count, 1, __ATOMIC_RELAXED);
}

void
shared_region_mapping_dealloc(shared_region_mapping_t r)
{
	while (r != NULL && __atomic_sub_fetch(&r->ref_count, 1, __ATOMIC_ACQ_REL) == 0) {
		shared_region_object_chain_t chain = r->object_chain;
		shared_region_mapping_t parent = chain != NULL ? chain->object_chain_region : NULL;

		vm_named_entry_release(r->text_region);
		vm_named_entry_release(r->data_region);
		if (r->region_mappings != NULL && r->mappings_free != NULL)
			r->mappings_free(r->region_mappings);
		if (chain != NULL)
			zfree(&chain_zone, chain);
		zfree(&region_zone, r);
		r = parent;             /* the element's reference */
	}
}

/* Regions change their chains one at a time, so that no two become each other's ancestors. */
static struct spinlock attach_lock = SPINLOCK_INIT(NAMELST);

static bool
is_ancestor(shared_region_mapping_t r, shared_region_mapping_t of)
{
	/* From region to region: `next` does not know of parents that came later. */
	while (of != r && of->object_chain != NULL)
		of = of->object_chain->object_chain_region;
	return of == r;
}

kern_return_t
shared_region_object_chain_attach(shared_region_mapping_t target, shared_region_mapping_t parent)
{
	shared_region_object_chain_t c;
	kern_return_t kr = KERN_SUCCESS;

	if (target == NULL || parent == NULL)
		return KERN_FAIL(KERN_INVALID_ARGUMENT, "no region to attach, or none to attach to");
	c = zalloc(&chain_zone);
	if (c == NULL)
		return KERN_FAIL(KERN_RESOURCE_SHORTAGE, "no memory for an element of a region's chain");
	spin_lock(&attach_lock);
	if (target->object_chain != NULL)
		kr = KERN_FAIL(KERN_FAILURE, "the region is attached already, %d deep", target->depth);
	else if (is_ancestor(target, parent))
		kr = KERN_FAIL(KERN_INVALID_ARGUMENT, "the region would be its own ancestor");
	else {
		c->object_chain_region = parent;
		c->depth = parent->depth;
		c->next = parent->object_chain;
		target->depth = parent->depth + 1;
		target->alternate_next = parent->alternate_next;
		target->object_chain = c;
	}
	spin_unlock(&attach_lock);
	if (kr != KERN_SUCCESS)
		zfree(&chain_zone, c);
	return kr;
}

/* One half. Text is shared with its page tables where that is possible; what is written to data is the task's own. */
static kern_return_t
map_half(vm_map_t map, vm_offset_t at, vm_size_t size, vm_named_entry_t half, bool text)
{
	struct vm_map_enter_args args = {
		.size = size, .needs_copy = !text, .inheritance = VM_INHERIT_SHARE,
		.flags = VM_FLAGS_FIXED | VM_MAKE_TAG(VM_MEMORY_SHARED_PMAP),
		.cur = text ? (VM_PROT_READ | VM_PROT_EXECUTE) & half->protection : VM_PROT_DEFAULT,
		.max = text ? (VM_PROT_READ | VM_PROT_EXECUTE) & half->protection : VM_PROT_ALL,
	};

	return vm_named_entry_map(map, &at, &args, half);
}

kern_return_t
shared_region_mapping_map(shared_region_mapping_t r, vm_map_t map)
{
	vm_offset_t data = r->client_base + r->text_size;
	kern_return_t kr;

	if (data < r->client_base || data + r->data_size < data)
		return KERN_FAIL(KERN_INVALID_ADDRESS, "0x%lx and 0x%lx bytes at 0x%lx pass the end of the address space",
		    r->text_size, r->data_size, r->client_base);
	kr = map_half(map, r->client_base, r->text_size, r->text_region, true);
	if (kr != KERN_SUCCESS)
		return kr;
	kr = map_half(map, data, r->data_size, r->data_region, false);
	if (kr != KERN_SUCCESS)
		(void)vm_map_remove(map, r->client_base, data, VM_MAP_NO_FLAGS);
	return kr;
}
