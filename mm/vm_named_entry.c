/*
 * vm_named_entry.c: what memory-entry handles stand for: their life, and all
 * ways to make them but those that start from a range of addresses.
 *
 *   new memory        an object of its own (MAP_MEM_NAMED_CREATE, or a memory entry without pager)
 *   a range           vm_named_entry_range.c
 *   a parent handle   the same backing, a narrower window, perhaps fewer rights
 *   a fresh submap    vm_region_object_create
 *   a memory object   its vm_object is made at the first mapping
 *
 * A named entry is complete when it becomes known (publish) and constant from
 * then on, but for its reference count and what people are told of its
 * caching; so mapping one takes no lock of it.
 * It holds one reference on its backing. All are on a list, which the checker
 * uses to recount references (M9, M24).
 *
 * Objects behind handles are mapped in several places on purpose: they are
 * never copied symmetrically (no entry could tell the others). New memory is
 * copied physically (strategy NONE), as Mach does.
 *
 * Locks: the list lock, around the list and the last reference. Failure:
 * everything is checked before anything is made; outputs on success only.
 */
#include <mm/zone.h>
#include <mm/vm_print.h>
#include "vm_named_entry_impl.h"

static struct zone vm_named_entry_zone;
static struct spinlock vm_named_entry_lock = SPINLOCK_INIT(NAMELST);
static struct list vm_named_entries = { &vm_named_entries, &vm_named_entries };
static uint64_t vm_named_entry_next_id = 1;

void
vm_named_entry_bootstrap(void)
{
	zone_init(&vm_named_entry_zone, "vm_named_entry", sizeof(struct vm_named_entry));
	list_init(&vm_named_entries);
}

/* --- life --- */

vm_named_entry_t
vm_named_entry_allocate(vm_size_t size, vm_prot_t protection)
{
	vm_named_entry_t ne = zalloc(&vm_named_entry_zone);

	if (ne == NULL)
		return NULL;
	*ne = (struct vm_named_entry){ .size = size, .protection = protection & VM_PROT_ALL, .ref_count = 1 };
	named_entry_lock_init(ne);
	return ne;
}

void
vm_named_entry_discard(vm_named_entry_t ne)
{
	if (ne != NULL)
		zfree(&vm_named_entry_zone, ne);
}

void
vm_named_entry_publish(vm_named_entry_t ne)
{
	spin_lock(&vm_named_entry_lock);
	ne->id = vm_named_entry_next_id++;
	list_push_back(&vm_named_entries, &ne->link);
	spin_unlock(&vm_named_entry_lock);
}

void
vm_named_entry_reference(vm_named_entry_t ne)
{
	if (ne != NULL)
		__atomic_add_fetch(&ne->ref_count, 1, __ATOMIC_RELAXED);
}

void
vm_named_entry_release(vm_named_entry_t ne)
{
	uint32_t left;

	if (ne == NULL)
		return;
	/* Under the lock, so that nobody finds an entry on the list that has no reference any more. */
	spin_lock(&vm_named_entry_lock);
	left = __atomic_sub_fetch(&ne->ref_count, 1, __ATOMIC_ACQ_REL);
	if (left == 0)
		list_remove(&ne->link);
	spin_unlock(&vm_named_entry_lock);
	if (left != 0)
		return;
	switch (ne->type) {
	case NAMED_OBJECT:
		vm_object_deallocate(ne->backing.object);
		break;
	case NAMED_PAGER:
		memory_object_release(ne->backing.pager);
		break;
	default:
		vm_map_deallocate(ne->backing.map);
	}
	zfree(&vm_named_entry_zone, ne);
}

void
vm_named_entry_foreach(bool (*fn)(vm_named_entry_t, void *), void *arg)
{
	struct list *l;

	spin_lock(&vm_named_entry_lock);
	list_foreach(l, &vm_named_entries)
		if (!fn(list_entry(l, struct vm_named_entry, link), arg))
			break;
	spin_unlock(&vm_named_entry_lock);
}

/* --- caching attributes --- */

static inline uint32_t
cache_of(uint32_t permission)
{
	return (permission & MAP_MEM_CACHE_MASK) >> 24;
}

/* Can memory be cached so? */
static kern_return_t
check_cache(uint32_t cache)
{
	if (cache > MAP_MEM_WCOMB)
		return KERN_FAIL(KERN_INVALID_ARGUMENT, "%u is no caching attribute", cache);
	if (cache > MAP_MEM_COPYBACK && !pmap_has_cache_attributes())
		return KERN_FAIL(KERN_NOT_SUPPORTED, "no hart here can map memory uncached (Svpbmt)");
	return KERN_SUCCESS;
}

/* What is uncached is so for all who map it; NOOP leaves it as it is. */
static kern_return_t
set_cache(vm_object_t object, uint32_t cache)
{
	if (cache == MAP_MEM_NOOP || vm_object_set_cache(object, cache == MAP_MEM_COPYBACK))
		return KERN_SUCCESS;
	return KERN_FAIL(KERN_INVALID_ARGUMENT, "object %lu is wired: how it is cached cannot change", object->id);
}

/* MAP_MEM_ONLY: nothing but the parent's caching attribute changes; no handle is made. */
static kern_return_t
set_parents_cache(const struct vm_named_entry_args *a, vm_size_t *size, vm_named_entry_t *ne)
{
	uint32_t cache = cache_of(a->permission);
	kern_return_t kr = check_cache(cache);

	if (kr != KERN_SUCCESS)
		return kr;
	if (a->parent == NULL || a->parent->type != NAMED_OBJECT)
		return KERN_FAIL(KERN_INVALID_ARGUMENT, "a caching attribute needs a parent that stands for an object");
	if (cache != a->parent->cache && !(a->parent->protection & VM_PROT_WRITE))
		return KERN_FAIL(KERN_INVALID_RIGHT, "the parent permits %s: its caching cannot change",
		    vm_prot_name(a->parent->protection));
	kr = set_cache(a->parent->backing.object, cache);
	if (kr != KERN_SUCCESS)
		return kr;
	if (cache != MAP_MEM_NOOP) {
		named_entry_lock(a->parent);
		a->parent->cache = cache;
		named_entry_unlock(a->parent);
	}
	*size = a->size;
	*ne = NULL;
	return KERN_SUCCESS;
}

/* --- new memory --- */

/* An object of its own, with this copy strategy. Takes over nothing. */
static kern_return_t
make_anonymous(vm_size_t size, vm_prot_t protection, uint8_t strategy, vm_named_entry_t *ne)
{
	vm_object_t object;

	if (size > vm_max_address)
		return KERN_FAIL(KERN_FAILURE, "0x%lx bytes are more than any map holds", size);
	*ne = vm_named_entry_allocate(size, protection);
	object = *ne != NULL ? vm_object_allocate(size, 0) : NULL;
	if (object == NULL) {
		vm_named_entry_discard(*ne);
		return KERN_FAIL(KERN_RESOURCE_SHORTAGE, "no memory for a named entry and its object");
	}
	object->copy_strategy = strategy;
	object->true_share = object->named = true;
	object->one_mapping = false;
	(*ne)->type = NAMED_OBJECT;
	(*ne)->backing.object = object;
	(*ne)->internal = true;
	return KERN_SUCCESS;
}

static kern_return_t
make_new(const struct vm_named_entry_args *a, vm_size_t *size, vm_named_entry_t *result)
{
	vm_named_entry_t ne;
	kern_return_t kr;

	if (a->permission & MAP_MEM_USE_DATA_ADDR)
		return KERN_FAIL(KERN_INVALID_ARGUMENT, "permission 0x%x: new memory has no address to keep", a->permission);
	if (a->size == 0) {
		*result = NULL;
		*size = 0;
		return KERN_SUCCESS;
	}
	if (round_page(a->size) == 0)
		return KERN_FAIL(KERN_INVALID_ARGUMENT, "size 0x%lx rounds to 0", a->size);
	kr = make_anonymous(round_page(a->size), a->permission, MEMORY_OBJECT_COPY_NONE, &ne);
	if (kr != KERN_SUCCESS)
		return kr;
	ne->cache = cache_of(a->permission);
	(void)set_cache(ne->backing.object, ne->cache);         /* nothing of it is wired yet */
	vm_named_entry_publish(ne);
	*size = ne->size;
	*result = ne;
	return KERN_SUCCESS;
}

kern_return_t
vm_named_entry_pager(memory_object_t mo, bool internal, vm_size_t size, vm_prot_t prot, vm_named_entry_t *result)
{
	vm_named_entry_t ne;
	kern_return_t kr;

	if (size == 0 || round_page(size) == 0 || (mo == NULL && !internal) || (prot & ~VM_PROT_ALL))
		return KERN_FAIL(KERN_INVALID_ARGUMENT, "size 0x%lx, protection 0x%x, or an external object without a pager", size, prot);
	size = round_page(size);
	if (mo == NULL) {
		kr = make_anonymous(size, prot, MEMORY_OBJECT_COPY_DELAY, &ne);
		if (kr != KERN_SUCCESS)
			return kr;
	} else {
		if (size > mo->size)
			return KERN_FAIL(KERN_INVALID_ARGUMENT, "0x%lx bytes of a memory object that has 0x%lx", size, mo->size);
		if (prot & ~mo->max_prot)
			return KERN_FAIL(KERN_PROTECTION_FAILURE, "the memory object permits %s, not %s",
			    vm_prot_name(mo->max_prot), vm_prot_name(prot));
		ne = vm_named_entry_allocate(size, prot);
		if (ne == NULL)
			return KERN_FAIL(KERN_RESOURCE_SHORTAGE, "no memory for a named entry");
		ne->type = NAMED_PAGER;
		ne->backing.pager = mo;
		memory_object_reference(mo);
	}
	vm_named_entry_publish(ne);
	*result = ne;
	return KERN_SUCCESS;
}

kern_return_t
vm_named_entry_submap(vm_size_t size, vm_named_entry_t *result)
{
	vm_named_entry_t ne;
	vm_map_t map;

	if (size == 0 || round_page(size) == 0)
		return KERN_FAIL(KERN_INVALID_ARGUMENT, "a submap of 0x%lx bytes", size);
	size = round_page(size);
	ne = vm_named_entry_allocate(size, VM_PROT_ALL);
	map = ne != NULL ? vm_map_create(PMAP_NULL, 0, size, true) : NULL;
	if (map == NULL) {
		vm_named_entry_discard(ne);
		return KERN_FAIL(KERN_RESOURCE_SHORTAGE, "no memory for a submap");
	}
	ne->type = NAMED_SUBMAP;
	ne->backing.map = map;
	ne->is_sub_map = true;
	vm_named_entry_publish(ne);
	*result = ne;
	return KERN_SUCCESS;
}

/* --- a narrower handle --- */

static void
take_backing(vm_named_entry_t ne, vm_named_entry_t of)
{
	ne->type = of->type;
	ne->backing = of->backing;
	ne->internal = of->internal;
	ne->is_sub_map = of->is_sub_map;
	ne->cache = of->cache;
	switch (ne->type) {
	case NAMED_OBJECT:
		vm_object_reference(ne->backing.object);
		break;
	case NAMED_PAGER:
		memory_object_reference(ne->backing.pager);
		break;
	default:
		vm_map_reference(ne->backing.map);
	}
}

/* a->offset counts in the parent's bytes, from its first page or, with USE_DATA_ADDR, from where its data begin. */
static kern_return_t
make_child(const struct vm_named_entry_args *a, vm_named_entry_t *result)
{
	vm_named_entry_t parent = a->parent, ne;
	vm_prot_t prot = a->permission & VM_PROT_ALL;
	bool exact = (a->permission & MAP_MEM_USE_DATA_ADDR) != 0;
	uint64_t from, to;

	if (parent->is_copy)
		return KERN_FAIL(KERN_INVALID_ARGUMENT, "the parent is a snapshot: it has no parts");
	if (__builtin_add_overflow(a->offset, exact ? parent->data_offset : 0, &from) ||
	    __builtin_add_overflow(from, a->size, &to) || to > parent->size)
		return KERN_FAIL(KERN_INVALID_ARGUMENT, "0x%lx bytes from offset 0x%lx: the parent has 0x%lx", a->size,
		    a->offset, parent->size);
	if (a->permission & VM_PROT_IS_MASK)
		prot &= parent->protection;
	if (prot & ~parent->protection)
		return KERN_FAIL(KERN_PROTECTION_FAILURE, "the parent permits %s, not %s",
		    vm_prot_name(parent->protection), vm_prot_name(prot));
	ne = vm_named_entry_allocate(round_page(to) - trunc_page(from), prot);
	if (ne == NULL)
		return KERN_FAIL(KERN_RESOURCE_SHORTAGE, "no memory for a named entry");
	ne->offset = parent->offset + trunc_page(from);
	ne->data_offset = exact ? from & PAGE_MASK : 0;
	take_backing(ne, parent);
	*result = ne;
	return KERN_SUCCESS;
}

/* --- all forms --- */

static kern_return_t
make_old(const struct vm_named_entry_args *a, vm_named_entry_t *ne)
{
	bool entries = (a->permission & (MAP_MEM_VM_COPY | MAP_MEM_VM_SHARE)) != 0;
	vm_offset_t start = trunc_page(a->offset), end = round_page(a->offset + a->size);

	if (a->size == 0 || a->offset + a->size < a->offset || end <= start)
		return KERN_FAIL(KERN_INVALID_ARGUMENT, "a named entry of 0x%lx bytes from 0x%lx", a->size, a->offset);
	if (a->parent != NULL && !entries && !(a->permission & MAP_MEM_NAMED_REUSE))
		return make_child(a, ne);
	if (a->map == NULL)
		return KERN_FAIL(KERN_INVALID_ARGUMENT, "a range, but no map");
	if (entries)
		return vm_named_entry_of_entries(a, start, end, ne);
	return vm_named_entry_of_range(a, start, end, ne);
}

kern_return_t
vm_named_entry_make(const struct vm_named_entry_args *a, vm_size_t *size, vm_named_entry_t *result)
{
	bool exact = (a->permission & MAP_MEM_USE_DATA_ADDR) != 0;
	uint32_t cache = cache_of(a->permission);
	vm_named_entry_t ne;
	vm_size_t bytes;
	kern_return_t kr;

	if (a->permission & MAP_MEM_ONLY)
		return set_parents_cache(a, size, result);
	kr = check_cache(cache);
	if (kr != KERN_SUCCESS)
		return kr;
	if (a->permission & MAP_MEM_NAMED_CREATE)
		return make_new(a, size, result);
	kr = make_old(a, &ne);
	if (kr != KERN_SUCCESS)
		return kr;
	if (ne != a->parent) {
		if (ne->type == NAMED_OBJECT)
			kr = set_cache(ne->backing.object, cache);
		if (cache != MAP_MEM_NOOP)
			ne->cache = cache;
		vm_named_entry_publish(ne);
		if (kr != KERN_SUCCESS) {
			vm_named_entry_release(ne);
			return kr;
		}
	}
	bytes = ne->data_offset + a->size;
	*size = exact && bytes < ne->size ? bytes : ne->size;
	*result = ne;
	return KERN_SUCCESS;
}
