/*
 * memory_object.c: external memory objects: life, mapping, attributes, the end.
 *
 *   not mapped ──map: control made──> init ──ready──> used ──last reference──> terminate ──> not mapped
 *        └──────────────── destroy, at any time: dead, for ever ─────────────────┘
 *
 * control is the vm_object and no reference: whoever wants it takes one with
 * memory_object_control, unless the last one is gone already. A dying object
 * stays control until its dirty pages are returned and terminate was said; who
 * would map anew waits for that.
 *
 * Kept objects (may_cache) have one reference of the kernel's, from ready on;
 * the oldest is given up when there are too many, and all unused ones for want
 * of memory.
 *
 * What is asked of pagers and what they answer: memory_object_request.c. Pages
 * that go back, and accesses that pagers forbid: memory_object_lock.c.
 *
 * Locks: object, then mo->lock; the list of all under its own, above both.
 * Operations are called with none. Failure: a pager that is not ready in time
 * is not mapped; everything else here is decided before anything is changed.
 */
#include <base/wait.h>
#include <mm/memory_object.h>
#include <mm/zone.h>
#include "memory_object_impl.h"
#include "vm_object_impl.h"

#define MEMORY_OBJECTS_KEPT 16u

uint64_t memory_object_patience_us = MEMORY_OBJECT_PATIENCE_US;

static struct zone     memory_object_zone;
static struct spinlock memory_object_list_lock = SPINLOCK_INIT(NAMELST);
static struct list     memory_object_list = { &memory_object_list, &memory_object_list };
static struct list     memory_object_kept = { &memory_object_kept, &memory_object_kept };       /* oldest first */
static unsigned        memory_objects_kept;
static uint64_t        memory_object_next_id = 1;

void
memory_object_bootstrap(void)
{
	zone_init(&memory_object_zone, "memory_object", sizeof(struct memory_object));
	list_init(&memory_object_list);
	list_init(&memory_object_kept);
	memory_objects_kept = 0;
}

/* --- life --- */

memory_object_t
memory_object_create(const struct memory_object_ops *ops, void *pager, vm_size_t size, vm_prot_t max_prot)
{
	memory_object_t mo;

	if (size == 0 || size > MEMORY_OBJECT_SIZE_MAX || (mo = zalloc(&memory_object_zone)) == NULL)
		return NULL;
	*mo = (struct memory_object){
		.lock = SPINLOCK_INIT(PAGER),
		.ref_count = 1,
		.ops = ops,
		.pager = pager,
		.size = round_page(size),
		.max_prot = max_prot,
		.copy_strategy = MEMORY_OBJECT_COPY_INVALID,
		.cluster_size = PAGE_SIZE,
	};
	list_init(&mo->requests);
	list_init(&mo->syncs);
	spin_lock(&memory_object_list_lock);
	mo->id = memory_object_next_id++;
	list_push_back(&memory_object_list, &mo->link);
	spin_unlock(&memory_object_list_lock);
	return mo;
}

void
memory_object_reference(memory_object_t mo)
{
	if (mo != NULL)
		__atomic_add_fetch(&mo->ref_count, 1, __ATOMIC_RELAXED);
}

/* One more, unless there is none left. */
static bool
count_up(uint32_t *count)
{
	uint32_t n = __atomic_load_n(count, __ATOMIC_RELAXED);

	while (n != 0)
		if (__atomic_compare_exchange_n(count, &n, n + 1, true, __ATOMIC_ACQUIRE, __ATOMIC_RELAXED))
			return true;
	return false;
}

bool
memory_object_reference_try(memory_object_t mo)
{
	return count_up(&mo->ref_count);
}

void
memory_object_release(memory_object_t mo)
{
	if (mo == NULL || __atomic_sub_fetch(&mo->ref_count, 1, __ATOMIC_ACQ_REL) != 0)
		return;
	spin_lock(&memory_object_list_lock);
	list_remove(&mo->link);
	spin_unlock(&memory_object_list_lock);
	if (mo->ops->free != NULL)
		mo->ops->free(mo);
	zfree(&memory_object_zone, mo);
}

void
memory_object_foreach(bool (*fn)(memory_object_t, void *), void *arg)
{
	struct list *l;

	spin_lock(&memory_object_list_lock);
	list_foreach(l, &memory_object_list)
		if (!fn(list_entry(l, struct memory_object, link), arg))
			break;
	spin_unlock(&memory_object_list_lock);
}

vm_object_t
memory_object_control(memory_object_t mo)
{
	vm_object_t object;

	spin_lock(&mo->lock);
	object = mo->control;
	if (object != NULL && !count_up(&object->ref_count))
		object = NULL;
	spin_unlock(&mo->lock);
	return object;
}

kern_return_t
memory_object_not_mapped(memory_object_t mo)
{
	return KERN_FAIL(KERN_INVALID_ARGUMENT, "memory object %lu is not mapped, or dead", mo->id);
}

/* --- kept objects --- */

/* Gives up what the kernel keeps of mo, if anything. No lock held. */
static void
keep_end(memory_object_t mo)
{
	vm_object_t object;

	spin_lock(&memory_object_list_lock);
	object = mo->kept;
	if (object != NULL) {
		mo->kept = NULL;
		list_remove(&mo->kept_link);
		memory_objects_kept--;
	}
	spin_unlock(&memory_object_list_lock);
	if (object != NULL) {
		spin_lock(&object->lock);
		object->can_persist = false;
		object->holders--;
		spin_unlock(&object->lock);
		vm_object_deallocate(object);
	}
}

/* object, of which the caller has a reference, is kept from now on; or becomes the youngest. */
static void
keep(memory_object_t mo, vm_object_t object)
{
	memory_object_t oldest = NULL;
	bool add;

	spin_lock(&memory_object_list_lock);
	add = mo->kept == NULL;
	if (add) {
		mo->kept = object;
		memory_objects_kept++;
		vm_object_reference(object);
	} else
		list_remove(&mo->kept_link);
	list_push_back(&memory_object_kept, &mo->kept_link);
	if (memory_objects_kept > MEMORY_OBJECTS_KEPT) {
		oldest = list_first(&memory_object_kept, struct memory_object, kept_link);
		memory_object_reference(oldest);
	}
	spin_unlock(&memory_object_list_lock);
	if (add) {
		spin_lock(&object->lock);
		object->can_persist = true;
		object->holders++;
		spin_unlock(&object->lock);
	}
	if (oldest != NULL) {
		keep_end(oldest);
		memory_object_release(oldest);
	}
}

bool
memory_object_trim(void)
{
	memory_object_t mo;
	bool any = false;

	for (;;) {
		struct list *l;

		mo = NULL;
		spin_lock(&memory_object_list_lock);
		list_foreach(l, &memory_object_kept) {
			memory_object_t k = list_entry(l, struct memory_object, kept_link);

			if (__atomic_load_n(&k->kept->ref_count, __ATOMIC_RELAXED) == 1) {
				mo = k;
				memory_object_reference(mo);
				break;
			}
		}
		spin_unlock(&memory_object_list_lock);
		if (mo == NULL)
			return any;
		any = true;
		keep_end(mo);
		memory_object_release(mo);
	}
}

/* --- mapping --- */

static vm_object_t
control_make(memory_object_t mo)
{
	vm_object_t object = vm_object_allocate(mo->size, 0);

	if (object == NULL)
		return NULL;
	memory_object_reference(mo);
	object->internal = object->one_mapping = false;
	object->copy_strategy = MEMORY_OBJECT_COPY_INVALID;
	object->pager = mo;
	object->phys_contiguous = mo->phys_contiguous;
	object->uncached = mo->uncached;
	object->phys = mo->phys;
	vm_object_classify(object);
	return object;
}

/* One that lost the race to be control. */
static void
control_unmake(vm_object_t object)
{
	memory_object_t mo = object->pager;

	object->pager = NULL;
	vm_object_deallocate(object);
	memory_object_release(mo);
}

/*
 * The control with a reference: an older one, or a new one (*made). mo->lock
 * held, and again on return. KERN_INVALID_OBJECT, KERN_ABORTED, KERN_RESOURCE_SHORTAGE.
 */
static kern_return_t
control_attach(memory_object_t mo, uint64_t deadline, vm_object_t *control, bool *made)
{
	vm_object_t mine = NULL;
	kern_return_t kr;
	enum wait_end end;

	*made = false;
	for (;;) {
		kr = KERN_SUCCESS;
		if (mo->dead) {
			kr = KERN_FAIL(KERN_INVALID_OBJECT, "the pager of memory object %lu is dead", mo->id);
			break;
		}
		if (mo->control == NULL && mine != NULL) {
			*control = mo->control = mine;
			mo->ready = false;
			*made = mo->initialized = true;
			return kr;
		}
		if (mo->control != NULL && count_up(&mo->control->ref_count)) {
			*control = mo->control;
			break;
		}
		if (mo->control == NULL) {
			spin_unlock(&mo->lock);
			mine = control_make(mo);
			spin_lock(&mo->lock);
			if (mine == NULL)
				return KERN_FAIL(KERN_RESOURCE_SHORTAGE, "no memory for an object of memory object %lu", mo->id);
			continue;
		}
		/* The last mapping is just going: terminate comes before the next init. */
		end = wait_on_until(&mo->control, &mo->lock, true, deadline);
		spin_lock(&mo->lock);
		if (end == WAIT_WOKEN)
			continue;
		kr = end == WAIT_ABORTED ? KERN_ABORTED :
		    KERN_FAIL(KERN_INVALID_OBJECT, "memory object %lu is still being unmapped", mo->id);
		break;
	}
	if (mine != NULL) {
		spin_unlock(&mo->lock);
		control_unmake(mine);
		spin_lock(&mo->lock);
	}
	return kr;
}

/* The first mapping is told; no lock held. */
static void
control_init(memory_object_t mo)
{
	if (mo->ops->init != NULL)
		mo->ops->init(mo);
	else
		(void)memory_object_change_attributes(mo, MEMORY_OBJECT_ATTRIBUTE_INFO, mo->ops->attributes,
		    MEMORY_OBJECT_ATTR_INFO_COUNT);
}

/* Until the pager is ready; mo->lock held, and again on return. */
static kern_return_t
control_wait(memory_object_t mo, uint64_t deadline)
{
	enum wait_end end = WAIT_WOKEN;

	while (!mo->ready && !mo->dead && end == WAIT_WOKEN) {
		mo->mapping++;
		end = wait_on_until(&mo->ready, &mo->lock, true, deadline);
		spin_lock(&mo->lock);
		mo->mapping--;
	}
	if (mo->dead)
		return KERN_FAIL(KERN_INVALID_OBJECT, "the pager of memory object %lu has died", mo->id);
	if (mo->ready)
		return KERN_SUCCESS;
	return end == WAIT_ABORTED ? KERN_FAIL(KERN_ABORTED, "the thread was ended while it mapped memory object %lu", mo->id) :
	    KERN_FAIL(KERN_INVALID_OBJECT, "the pager of memory object %lu does not answer", mo->id);
}

kern_return_t
memory_object_map(memory_object_t mo, vm_object_t *object)
{
	uint64_t deadline = wait_clock_us() + memory_object_patience_us;
	vm_object_t control = NULL;
	kern_return_t kr;
	bool made, keeps;

	spin_lock(&mo->lock);
	kr = control_attach(mo, deadline, &control, &made);
	if (made) {
		spin_unlock(&mo->lock);
		control_init(mo);
		spin_lock(&mo->lock);
	}
	if (kr == KERN_SUCCESS)
		kr = control_wait(mo, deadline);
	keeps = mo->may_cache;
	spin_unlock(&mo->lock);
	if (kr != KERN_SUCCESS) {
		vm_object_deallocate(control);
		return kr;
	}
	if (keeps)
		keep(mo, control);
	*object = control;
	return KERN_SUCCESS;
}

/* --- attributes --- */

/* How long the values of a flavor are; 0: there is no such flavor. */
static unsigned
attribute_words(int flavor)
{
	switch (flavor) {
	case MEMORY_OBJECT_ATTRIBUTE_INFO:
		return MEMORY_OBJECT_ATTR_INFO_COUNT;
	case MEMORY_OBJECT_PERFORMANCE_INFO:
		return MEMORY_OBJECT_PERF_INFO_COUNT;
	case MEMORY_OBJECT_BEHAVIOR_INFO:
		return MEMORY_OBJECT_BEHAVIOR_INFO_COUNT;
	default:
		return 0;
	}
}

/* Of the three flavors' values those that one has; the others as they are. */
static kern_return_t
decode_attributes(memory_object_t mo, int flavor, const void *info, unsigned count, struct memory_object_attr_info *a)
{
	const struct memory_object_perf_info *perf = info;
	const struct memory_object_behavior_info *behavior = info;
	unsigned want = attribute_words(flavor);

	if (want == 0 || count != want)
		return KERN_FAIL(KERN_INVALID_ARGUMENT, "attributes of flavor %d with %u words", flavor, count);
	*a = (struct memory_object_attr_info){ mo->copy_strategy, (uint32_t)mo->cluster_size, mo->may_cache, mo->temporary };
	if (a->copy_strategy == MEMORY_OBJECT_COPY_INVALID)
		a->copy_strategy = MEMORY_OBJECT_COPY_DELAY;
	if (flavor == MEMORY_OBJECT_ATTRIBUTE_INFO)
		*a = *(const struct memory_object_attr_info *)info;
	else if (flavor == MEMORY_OBJECT_PERFORMANCE_INFO) {
		a->cluster_size = perf->cluster_size;
		a->may_cache = perf->may_cache;
	} else {
		a->copy_strategy = behavior->copy_strategy;
		a->temporary = behavior->temporary;
	}
	if (a->copy_strategy == MEMORY_OBJECT_COPY_TEMPORARY) {
		a->copy_strategy = MEMORY_OBJECT_COPY_DELAY;
		a->temporary = 1;
	}
	if (a->copy_strategy != MEMORY_OBJECT_COPY_NONE && a->copy_strategy != MEMORY_OBJECT_COPY_DELAY)
		return KERN_FAIL(KERN_INVALID_ARGUMENT, "copy strategy %u: not NONE, DELAY or TEMPORARY", a->copy_strategy);
	if (!page_aligned(a->cluster_size) || a->cluster_size == 0 || (a->cluster_size & (a->cluster_size - 1)))
		return KERN_FAIL(KERN_INVALID_ARGUMENT, "a cluster of 0x%x bytes is not a power of two of pages", a->cluster_size);
	return KERN_SUCCESS;
}

kern_return_t
memory_object_change_attributes(memory_object_t mo, int flavor, const void *info, unsigned count)
{
	struct memory_object_attr_info a;
	vm_object_t object;
	kern_return_t kr = decode_attributes(mo, flavor, info, count, &a);

	if (kr != KERN_SUCCESS)
		return kr;
	object = memory_object_control(mo);
	if (object == NULL)
		return memory_object_not_mapped(mo);
	spin_lock(&object->lock);
	spin_lock(&mo->lock);
	mo->copy_strategy = object->copy_strategy = (uint8_t)a.copy_strategy;
	mo->cluster_size = a.cluster_size;
	mo->may_cache = a.may_cache != 0;
	mo->temporary = a.temporary != 0;
	mo->ready = true;
	wake_all(&mo->ready);
	spin_unlock(&mo->lock);
	spin_unlock(&object->lock);
	if (!a.may_cache)
		keep_end(mo);
	vm_object_deallocate(object);
	return KERN_SUCCESS;
}

kern_return_t
memory_object_get_attributes(memory_object_t mo, int flavor, void *info, unsigned *count)
{
	struct memory_object_attr_info a;
	unsigned want = attribute_words(flavor);

	spin_lock(&mo->lock);
	a = (struct memory_object_attr_info){ mo->copy_strategy, (uint32_t)mo->cluster_size, mo->may_cache, mo->temporary };
	spin_unlock(&mo->lock);
	if (want == 0 || *count < want)
		return KERN_FAIL(KERN_INVALID_ARGUMENT, "attributes of flavor %d in %u words", flavor, *count);
	if (flavor == MEMORY_OBJECT_ATTRIBUTE_INFO)
		*(struct memory_object_attr_info *)info = a;
	else if (flavor == MEMORY_OBJECT_PERFORMANCE_INFO)
		*(struct memory_object_perf_info *)info = (struct memory_object_perf_info){ a.cluster_size, a.may_cache };
	else
		*(struct memory_object_behavior_info *)info = (struct memory_object_behavior_info){ a.copy_strategy, a.temporary };
	*count = want;
	return KERN_SUCCESS;
}

/* --- the end --- */

kern_return_t
memory_object_destroy(memory_object_t mo, kern_return_t reason)
{
	vm_object_t object = memory_object_control(mo);

	if (object != NULL) {
		spin_lock(&object->lock);
		object->shadow_severed = true;
		vm_object_classify(object);
	}
	spin_lock(&mo->lock);
	mo->dead = true;
	mo->reason = reason;
	memory_object_requests_fail(mo);
	memory_object_syncs_fail(mo);
	wake_all(&mo->ready);
	spin_unlock(&mo->lock);
	if (object != NULL) {
		spin_unlock(&object->lock);
		vm_object_deallocate(object);
	}
	keep_end(mo);
	return KERN_SUCCESS;
}

void
memory_object_terminate(memory_object_t mo, vm_object_t object)
{
	bool dead;

	spin_lock(&mo->lock);
	dead = mo->dead;
	spin_unlock(&mo->lock);
	if (!dead) {
		if (!mo->temporary && !object->phys_contiguous)
			memory_object_return_all(object);
		if (mo->ops->terminate != NULL)
			mo->ops->terminate(mo);
	}
	spin_lock(&mo->lock);
	mo->control = NULL;
	mo->initialized = mo->ready = false;
	wake_all(&mo->control);
	spin_unlock(&mo->lock);
}
