/*
 * memory_object.c: external memory objects: life, requests, what pagers say.
 *
 *   fault ──get_page──> record ──data_request──> pager
 *     ^                   │                        │  now, later, twice, never
 *     └──── wakes <───────┴── supply, unavailable, error, destroy
 *
 * A record stands on its waiter's stack and on mo->requests: the page that is
 * waited for, and what was asked of the pager for it (a cluster). Who finds
 * that another's request covers his page does not ask again; he is sent back
 * to look when that request is answered without his page. An answer is
 * put into the object first; then, still under the object's lock, the records
 * that it concerns get their outcome and leave the list. A waiter looks for the page and
 * links its record under the object's lock, too: so no answer slips between.
 *
 *   not mapped ──map: control made──> init ──ready──> used ──last reference──> terminate ──> not mapped
 *        └──────────────── destroy, at any time: dead, for ever ─────────────────┘
 *
 * control is the vm_object and no reference: whoever wants it takes one with
 * control_get, unless the last one is gone already. A dying object stays control until its dirty
 * pages are returned and terminate was said; who would map anew waits for that.
 *
 * A page on its way to the pager (data_return) is BUSY: nobody writes or frees
 * it, who wants to touches it waits in get_page. What was mapped
 * writable is dirty, because leaves of such pages are only made writable for a
 * write (vm_fault.c): so dirty is a flag of the page and no matter of PTEs.
 *
 * Kept objects (may_cache) have one reference of the kernel's, from ready on;
 * the oldest is given up when there are too many, and all unused ones for want of memory.
 *
 * Locks: object, then mo->lock; the list of all under its own, above both.
 * Operations are called with none. Failure: every wait ends with MEMORY_OBJECT_PATIENCE.
 */
#include <base/wait.h>
#include <mm/memory_object.h>
#include <mm/pmap.h>
#include <mm/zone.h>
#include "vm_object_impl.h"

#define ASK_AHEAD           (16 * PAGE_SIZE)    /* at least, where the entry's behavior is sequential */
#define MEMORY_OBJECTS_KEPT 16u
#define RETURN_UNAVAILABLE  (-1)                /* outcome of a record, beside the KERN_ codes */

struct memory_request {
	struct list        link;
	vm_object_offset_t offset;
	vm_object_offset_t start, end;  /* asked of the pager; empty: another's request covers offset */
	vm_prot_t          access;
	bool               unlock;
	bool               done;        /* off the list; outcome is valid */
	kern_return_t      outcome;
};

struct memory_sync {
	struct list        link;
	vm_object_offset_t offset;
	vm_size_t          size;
	bool               done;
	kern_return_t      outcome;
};

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

/* The control with a reference for the caller, or NULL: not mapped. For as long as no wait is possible. */
static vm_object_t
control_get(memory_object_t mo)
{
	vm_object_t object;

	spin_lock(&mo->lock);
	object = mo->control;
	if (object != NULL && !count_up(&object->ref_count))
		object = NULL;
	spin_unlock(&mo->lock);
	return object;
}

/* The same with a paging reference, too (vm_object_paging_end). */
static vm_object_t
control_get_paging(memory_object_t mo)
{
	vm_object_t object = control_get(mo);

	if (object != NULL) {
		spin_lock(&object->lock);
		object->paging_in_progress++;
		spin_unlock(&object->lock);
	}
	return object;
}

static kern_return_t
not_mapped(memory_object_t mo)
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
		mo->ops->init(mo);
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

/* --- requests --- */

/* The record gets its outcome and leaves the list. mo->lock held. */
static void
request_end(struct memory_request *r, kern_return_t outcome)
{
	list_remove(&r->link);
	r->outcome = outcome;
	r->done = true;
	wake_all(r);
}

/* The records of the pages in [start, end) get their outcome. mo->lock held, inside the object's if something came. */
static void
requests_end(memory_object_t mo, vm_object_offset_t start, vm_object_offset_t end, kern_return_t outcome)
{
	struct list *l, *next;

	list_foreach_safe(l, next, &mo->requests) {
		struct memory_request *r = list_entry(l, struct memory_request, link);

		if (!r->unlock && r->offset >= start && r->offset < end)
			request_end(r, outcome);
	}
}

/*
 * After an answer, or when a waiter has left: whoever relied on a request that is
 * not open any more, and got nothing, looks again and asks for himself. mo->lock held.
 */
static void
requests_orphaned(memory_object_t mo)
{
	struct list *l, *next, *k;

	list_foreach_safe(l, next, &mo->requests) {
		struct memory_request *r = list_entry(l, struct memory_request, link);
		bool covered = r->start < r->end;

		for (k = mo->requests.next; k != &mo->requests && !covered; k = k->next) {
			struct memory_request *q = list_entry(k, struct memory_request, link);

			covered = q->unlock == r->unlock && r->offset >= q->start && r->offset < q->end;
		}
		if (!covered)
			request_end(r, KERN_SUCCESS);
	}
}

/* What to ask for: the cluster around r->offset, as far as it is absent. object locked. */
static void
request_cluster(vm_object_t object, struct memory_request *r, vm_behavior_t behavior)
{
	vm_size_t cluster = object->pager->cluster_size, more = cluster > ASK_AHEAD ? cluster : ASK_AHEAD;
	vm_object_offset_t from = r->offset, to = r->offset + PAGE_SIZE;

	if (behavior != VM_BEHAVIOR_RANDOM && !r->unlock) {
		from &= ~(cluster - 1);
		to = from + cluster;
		if (behavior == VM_BEHAVIOR_SEQUENTIAL)
			to += more;
		else if (behavior == VM_BEHAVIOR_RSEQNTL)
			from -= from < more ? from : more;
	}
	if (to > object->size)
		to = object->size;
	for (r->start = r->offset; r->start > from; r->start -= PAGE_SIZE)
		if (vm_page_lookup(object, r->start - PAGE_SIZE) != NULL)
			break;
	for (r->end = r->offset + PAGE_SIZE; r->end < to; r->end += PAGE_SIZE)
		if (vm_page_lookup(object, r->end) != NULL)
			break;
}

/* Does an open request cover r? mo->lock held. */
static bool
request_covered(memory_object_t mo, const struct memory_request *r)
{
	struct list *l;

	list_foreach(l, &mo->requests) {
		struct memory_request *q = list_entry(l, struct memory_request, link);

		if (q->unlock == r->unlock && r->offset >= q->start && r->offset < q->end &&
		    (r->access & ~q->access) == 0)
			return true;
	}
	return false;
}

static kern_return_t
wait_failed(memory_object_t mo, vm_object_offset_t offset, enum wait_end end)
{
	return end == WAIT_ABORTED ?
	    KERN_FAIL(KERN_ABORTED, "the thread was ended while it waited for the pager of memory object %lu", mo->id) :
	    KERN_FAIL(KERN_MEMORY_ERROR, "the pager of memory object %lu does not answer for offset 0x%lx", mo->id, offset);
}

/*
 * What there is to do for r, decided under the object's lock: FALSE: nothing,
 * *kr is the answer; TRUE: r is linked, and to be sent if it has a range.
 */
static bool
request_begin(vm_object_t object, struct memory_request *r, vm_behavior_t behavior, kern_return_t *kr)
{
	memory_object_t mo = object->pager;
	struct vm_page *m;

	*kr = KERN_SUCCESS;
	spin_lock(&object->lock);
	m = vm_page_lookup(object, r->offset);
	if (m != NULL && (m->flags & VM_PAGE_BUSY)) {
		enum wait_end end;

		m->flags |= VM_PAGE_WANTED;
		end = wait_on_until(m, &object->lock, true, wait_clock_us() + memory_object_patience_us);
		if (end != WAIT_WOKEN)
			*kr = wait_failed(mo, r->offset, end);
		return false;
	}
	/* It has come, or gone, meanwhile? */
	if (r->unlock ? m == NULL || !(m->page_lock & r->access) : m != NULL) {
		spin_unlock(&object->lock);
		return false;
	}
	spin_lock(&mo->lock);
	if (mo->dead) {
		*kr = KERN_FAIL(KERN_MEMORY_ERROR, "the pager of memory object %lu is dead: nothing at offset 0x%lx", mo->id, r->offset);
		spin_unlock(&mo->lock);
		spin_unlock(&object->lock);
		return false;
	}
	if (!request_covered(mo, r)) {
		request_cluster(object, r, behavior);
		mo->requested++;
	}
	list_push_back(&mo->requests, &r->link);
	object->absent_count++;
	spin_unlock(&mo->lock);
	spin_unlock(&object->lock);
	return true;
}

/* r is linked: asks if it has a range, and waits. */
static kern_return_t
request_wait(vm_object_t object, struct memory_request *r, struct memory_object_wait *w)
{
	uint64_t deadline = wait_clock_us() + memory_object_patience_us;
	memory_object_t mo = object->pager;
	enum wait_end end = WAIT_WOKEN;
	kern_return_t kr;

	if (r->start < r->end) {
		if (r->unlock)
			mo->ops->data_unlock(mo, r->start, r->end - r->start, r->access);
		else
			mo->ops->data_request(mo, r->start, r->end - r->start, r->access);
	}
	spin_lock(&mo->lock);
	while (!r->done && end == WAIT_WOKEN) {
		end = wait_on_until(r, &mo->lock, true, deadline);
		spin_lock(&mo->lock);
	}
	if (!r->done) {
		kr = wait_failed(mo, r->offset, end);
		list_remove(&r->link);
		if (end == WAIT_ABORTED)
			requests_orphaned(mo);
	} else if (r->outcome == RETURN_UNAVAILABLE) {
		w->object_id = object->id;
		w->offset = r->offset;
		w->unavailable = true;
		kr = KERN_SUCCESS;
	} else
		kr = r->outcome;
	spin_unlock(&mo->lock);
	spin_lock(&object->lock);
	object->absent_count--;
	spin_unlock(&object->lock);
	if (kr == KERN_MEMORY_ERROR && r->done)
		return KERN_FAIL(kr, "the pager of memory object %lu failed to give offset 0x%lx", mo->id, r->offset);
	return kr == KERN_RESOURCE_SHORTAGE ?
	    KERN_FAIL(kr, "no page for offset 0x%lx of memory object %lu", r->offset, mo->id) : kr;
}

kern_return_t
memory_object_get_page(vm_object_t object, vm_object_offset_t offset, vm_prot_t access, bool unlock,
    struct memory_object_wait *w)
{
	struct memory_request r = { .offset = offset, .access = access, .unlock = unlock };
	kern_return_t kr;

	w->unavailable = false;
	if (request_begin(object, &r, w->behavior, &kr))
		kr = request_wait(object, &r, w);
	vm_object_paging_end(object);
	return kr;
}

/* --- what pagers say: contents --- */

/*
 * The range of an answer: whole pages, and of a mapped object, of which a
 * reference is taken.
 */
static kern_return_t
answer_begin(memory_object_t mo, vm_object_offset_t offset, vm_size_t size, vm_object_t *object)
{
	if (!page_aligned(offset) || !page_aligned(size) || offset + size < offset)
		return KERN_FAIL(KERN_INVALID_ARGUMENT, "0x%lx bytes at offset 0x%lx of memory object %lu are not whole pages",
		    size, offset, mo->id);
	*object = control_get(mo);
	return *object != NULL ? KERN_SUCCESS : not_mapped(mo);
}

/* One page comes: into the object unless there is one; its waiters hear of it. */
static kern_return_t
supply_page(vm_object_t object, vm_object_offset_t offset, const void *data, vm_prot_t lock_value, bool precious)
{
	memory_object_t mo = object->pager;
	kern_return_t kr = KERN_SUCCESS;
	struct vm_page *m;

	spin_lock(&object->lock);
	if (mo->dead)
		kr = not_mapped(mo);
	else if (vm_page_lookup(object, offset) == NULL) {
		m = vm_object_page_alloc(object, offset, false);
		if (m != NULL) {
			vm_page_copy_part(vm_page_va(m), data, PAGE_SIZE);
			m->flags |= precious ? VM_PAGE_PRECIOUS : 0;
			m->page_lock = lock_value;
			object->locked_pages += lock_value != VM_PROT_NONE;
		} else
			kr = KERN_FAIL(KERN_RESOURCE_SHORTAGE, "no page for offset 0x%lx of memory object %lu", offset, mo->id);
	}
	spin_lock(&mo->lock);
	mo->supplied += kr == KERN_SUCCESS;
	requests_end(mo, offset, offset + PAGE_SIZE, kr);
	spin_unlock(&mo->lock);
	spin_unlock(&object->lock);
	return kr;
}

kern_return_t
memory_object_data_supply(memory_object_t mo, vm_object_offset_t offset, const void *data, vm_size_t size,
    vm_prot_t lock_value, bool precious)
{
	vm_object_offset_t end = offset + size;
	vm_object_t object;
	kern_return_t kr, first = KERN_SUCCESS;

	if (lock_value & ~VM_PROT_ALL)
		return KERN_FAIL(KERN_INVALID_ARGUMENT, "0x%x locks more than rwx", lock_value);
	kr = answer_begin(mo, offset, size, &object);
	if (kr != KERN_SUCCESS)
		return kr;
	for (const char *from = data; offset < end && offset < object->size; offset += PAGE_SIZE, from += PAGE_SIZE) {
		kr = supply_page(object, offset, from, lock_value, precious);
		if (first == KERN_SUCCESS)
			first = kr;
	}
	spin_lock(&mo->lock);
	requests_orphaned(mo);
	spin_unlock(&mo->lock);
	vm_object_deallocate(object);
	return first;
}

/* [offset, offset + size) comes to this outcome for all who wait. */
static kern_return_t
answer_all(memory_object_t mo, vm_object_offset_t offset, vm_size_t size, kern_return_t outcome)
{
	vm_object_t object;
	kern_return_t kr = answer_begin(mo, offset, size, &object);

	if (kr != KERN_SUCCESS)
		return kr;
	spin_lock(&mo->lock);
	mo->errors += outcome == KERN_MEMORY_ERROR;
	requests_end(mo, offset, offset + size, outcome);
	requests_orphaned(mo);
	spin_unlock(&mo->lock);
	vm_object_deallocate(object);
	return KERN_SUCCESS;
}

kern_return_t
memory_object_data_unavailable(memory_object_t mo, vm_object_offset_t offset, vm_size_t size)
{
	return answer_all(mo, offset, size, RETURN_UNAVAILABLE);
}

kern_return_t
memory_object_data_error(memory_object_t mo, vm_object_offset_t offset, vm_size_t size, kern_return_t reason)
{
	return answer_all(mo, offset, size, reason == KERN_RESOURCE_SHORTAGE ? reason : KERN_MEMORY_ERROR);
}

/* --- what pagers say: pages that are there --- */

/* A walk over the resident pages of [at, end). */
struct sweep {
	vm_object_t        object;
	vm_object_offset_t at, end;
	unsigned           should_return;       /* MEMORY_OBJECT_RETURN_* */
	unsigned           flags;               /* MEMORY_OBJECT_DATA_*, COPY_SYNC */
	vm_prot_t          prot;                /* accesses to forbid, or NO_CHANGE */
};

/* The first resident page at or after s->at, which becomes its offset. object locked. */
static struct vm_page *
sweep_page(struct sweep *s)
{
	uint64_t at = s->at + s->object->color;
	unsigned slot = (unsigned)(at >> PAGE_SHIFT) % VM_CHUNK_PAGES;
	struct vm_chunk *c = vm_chunk_at_or_after(s->object, at >> VM_CHUNK_SHIFT);

	for (; c != NULL; c = vm_chunk_at_or_after(s->object, c->index + 1)) {
		slot = c->index == at >> VM_CHUNK_SHIFT ? vm_chunk_next(c, slot) : vm_chunk_next(c, 0);
		if (slot == VM_CHUNK_PAGES)
			continue;
		s->at = vm_chunk_offset(c, slot);
		return s->at < s->end ? vm_chunk_page(c, slot) : NULL;
	}
	return NULL;
}

static void
set_page_lock(vm_object_t object, struct vm_page *m, vm_prot_t lock)
{
	object->locked_pages -= m->page_lock != VM_PROT_NONE;
	m->page_lock = lock;
	object->locked_pages += m->page_lock != VM_PROT_NONE;
}

/* Waits until m, which is on its way to the pager, is not; object locked, and not on return. FALSE: it takes too long. */
static bool
sweep_wait(vm_object_t object, struct vm_page *m)
{
	m->flags |= VM_PAGE_WANTED;
	return wait_on_until(m, &object->lock, false, wait_clock_us() + memory_object_patience_us) == WAIT_WOKEN;
}

/* m at s->at goes to the pager; keeps: the kernel still has it then. object locked, dropped meanwhile. */
static void
return_page(const struct sweep *s, struct vm_page *m, bool keeps)
{
	vm_object_t object = s->object;
	memory_object_t mo = object->pager;
	bool dirty = (m->flags & VM_PAGE_DIRTY) != 0;

	m->flags = (uint8_t)((m->flags & ~VM_PAGE_DIRTY) | VM_PAGE_BUSY);
	pmap_page_protect(m, keeps ? VM_PROT_READ | VM_PROT_EXECUTE : VM_PROT_NONE);
	mo->returned++;
	spin_unlock(&object->lock);
	mo->ops->data_return(mo, s->at, vm_page_va(m), PAGE_SIZE, dirty, keeps);
	spin_lock(&object->lock);
	if (m->flags & VM_PAGE_WANTED)
		wake_all(m);
	m->flags &= (uint8_t)~(VM_PAGE_BUSY | VM_PAGE_WANTED);
}

static bool
sweep_returns(const struct sweep *s, const struct vm_page *m)
{
	switch (s->should_return) {
	case MEMORY_OBJECT_RETURN_NONE:
		return false;
	case MEMORY_OBJECT_RETURN_DIRTY:
		return (m->flags & VM_PAGE_DIRTY) != 0;
	case MEMORY_OBJECT_RETURN_ALL:
		return (m->flags & (VM_PAGE_DIRTY | VM_PAGE_PRECIOUS)) != 0;
	default:
		return true;
	}
}

/* A copy of the object that lacks m gets it. object locked. FALSE: it was unlocked, look again. */
static bool
sweep_push(const struct sweep *s, struct vm_page *m, kern_return_t *kr)
{
	switch (vm_object_push(s->object, s->at, m)) {
	case PUSH_DONE:
		return true;
	case PUSH_AGAIN:
		spin_unlock(&s->object->lock);
		hart_relax();
		return false;
	default:
		spin_unlock(&s->object->lock);
		*kr = KERN_FAIL(KERN_RESOURCE_SHORTAGE, "no page for the copy of offset 0x%lx of object %lu", s->at, s->object->id);
		return false;
	}
}

/* The page m at s->at, object locked; not on return. s->at advances when it is dealt with. */
static kern_return_t
sweep_step(struct sweep *s, struct vm_page *m)
{
	bool drops = (s->flags & (MEMORY_OBJECT_DATA_FLUSH | MEMORY_OBJECT_DATA_PURGE)) && m->wire_count == 0;
	vm_object_t object = s->object;
	kern_return_t kr = KERN_SUCCESS;

	if (m->flags & VM_PAGE_BUSY) {
		if (!sweep_wait(object, m))
			s->at += PAGE_SIZE;
		return kr;
	}
	if (object->copy != NULL && !(s->flags & MEMORY_OBJECT_DATA_NO_CHANGE) &&
	    (drops || (s->flags & MEMORY_OBJECT_COPY_SYNC)) && !sweep_push(s, m, &kr))
		return kr;
	if (sweep_returns(s, m))
		return_page(s, m, !drops);
	if (drops && m->wire_count == 0) {
		pmap_page_protect(m, VM_PROT_NONE);
		set_page_lock(object, m, VM_PROT_NONE);
		(void)vm_object_page_remove(object, s->at, s->at + PAGE_SIZE);
	} else if (s->prot != VM_PROT_NO_CHANGE) {
		set_page_lock(object, m, s->prot);
		pmap_page_protect(m, VM_PROT_ALL & ~s->prot);
	}
	spin_unlock(&object->lock);
	s->at += PAGE_SIZE;
	return kr;
}

/* No lock held; the caller has a reference. Page by page, so that the object's lock is held for short. */
static kern_return_t
sweep(struct sweep *s)
{
	kern_return_t kr = KERN_SUCCESS;

	if (s->end > s->object->size)
		s->end = s->object->size;
	while (kr == KERN_SUCCESS && s->at < s->end) {
		struct vm_page *m;

		spin_lock(&s->object->lock);
		m = sweep_page(s);
		if (m == NULL) {
			spin_unlock(&s->object->lock);
			break;
		}
		kr = sweep_step(s, m);
	}
	return kr;
}

/* Who waits for an access to a page of [start, end) looks again: it is allowed, the page is gone, or he asks once more. */
static void
unlocks_end(memory_object_t mo, vm_object_offset_t start, vm_object_offset_t end)
{
	struct list *l, *next;

	spin_lock(&mo->lock);
	list_foreach_safe(l, next, &mo->requests) {
		struct memory_request *r = list_entry(l, struct memory_request, link);

		if (r->unlock && r->offset >= start && r->offset < end)
			request_end(r, KERN_SUCCESS);
	}
	requests_orphaned(mo);
	spin_unlock(&mo->lock);
}

kern_return_t
memory_object_lock_request(memory_object_t mo, vm_object_offset_t offset, vm_size_t size,
    unsigned should_return, unsigned flags, vm_prot_t prot)
{
	vm_object_offset_t start = trunc_page(offset), end;
	struct sweep s = { .at = start, .should_return = should_return, .flags = flags, .prot = prot };
	kern_return_t kr;

	if (prot != VM_PROT_NO_CHANGE && (prot & ~VM_PROT_ALL))
		return KERN_FAIL(KERN_INVALID_ARGUMENT, "0x%x is neither accesses to forbid nor NO_CHANGE", prot);
	if (should_return > MEMORY_OBJECT_RETURN_ANYTHING || (flags & ~MEMORY_OBJECT_LOCK_FLAGS))
		return KERN_FAIL(KERN_INVALID_ARGUMENT, "return %u, flags 0x%x: unknown", should_return, flags);
	s.object = control_get_paging(mo);
	if (s.object == NULL)
		return not_mapped(mo);
	end = offset + size < offset || offset + size > s.object->size ? s.object->size : round_page(offset + size);
	s.end = end;
	kr = sweep(&s);
	unlocks_end(mo, start, end);
	vm_object_paging_end(s.object);
	return kr;
}

/* --- what pagers say: attributes --- */

/* Of the three flavors' values those that one has; the others as they are. */
static kern_return_t
decode_attributes(memory_object_t mo, int flavor, const void *info, unsigned count, struct memory_object_attr_info *a)
{
	const struct memory_object_perf_info *perf = info;
	const struct memory_object_behavior_info *behavior = info;
	unsigned want = flavor == MEMORY_OBJECT_ATTRIBUTE_INFO ? MEMORY_OBJECT_ATTR_INFO_COUNT :
	    flavor == MEMORY_OBJECT_PERFORMANCE_INFO ? MEMORY_OBJECT_PERF_INFO_COUNT :
	    flavor == MEMORY_OBJECT_BEHAVIOR_INFO ? MEMORY_OBJECT_BEHAVIOR_INFO_COUNT : 0;

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
	object = control_get(mo);
	if (object == NULL)
		return not_mapped(mo);
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
	unsigned want;

	spin_lock(&mo->lock);
	a = (struct memory_object_attr_info){ mo->copy_strategy, (uint32_t)mo->cluster_size, mo->may_cache, mo->temporary };
	spin_unlock(&mo->lock);
	want = flavor == MEMORY_OBJECT_ATTRIBUTE_INFO ? MEMORY_OBJECT_ATTR_INFO_COUNT :
	    flavor == MEMORY_OBJECT_PERFORMANCE_INFO ? MEMORY_OBJECT_PERF_INFO_COUNT :
	    flavor == MEMORY_OBJECT_BEHAVIOR_INFO ? MEMORY_OBJECT_BEHAVIOR_INFO_COUNT : 0;
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

/* --- synchronize --- */

static void
sync_end(struct memory_sync *y, kern_return_t outcome)
{
	list_remove(&y->link);
	y->outcome = outcome;
	y->done = true;
	wake_all(y);
}

kern_return_t
memory_object_synchronize_completed(memory_object_t mo, vm_object_offset_t offset, vm_size_t size)
{
	struct list *l;

	spin_lock(&mo->lock);
	list_foreach(l, &mo->syncs) {
		struct memory_sync *y = list_entry(l, struct memory_sync, link);

		if (y->offset == offset && y->size == size) {
			sync_end(y, KERN_SUCCESS);
			spin_unlock(&mo->lock);
			return KERN_SUCCESS;
		}
	}
	spin_unlock(&mo->lock);
	return KERN_FAIL(KERN_INVALID_ARGUMENT, "nobody waits for 0x%lx bytes at offset 0x%lx of memory object %lu to be synchronized",
	    size, offset, mo->id);
}

/* Says synchronize and waits for its completion. */
static kern_return_t
sync_wait(memory_object_t mo, struct memory_sync *y, unsigned flags)
{
	uint64_t deadline = wait_clock_us() + memory_object_patience_us;
	enum wait_end end = WAIT_WOKEN;

	spin_lock(&mo->lock);
	if (mo->dead) {
		spin_unlock(&mo->lock);
		return KERN_FAIL(KERN_MEMORY_ERROR, "the pager of memory object %lu is dead", mo->id);
	}
	list_push_back(&mo->syncs, &y->link);
	spin_unlock(&mo->lock);
	mo->ops->synchronize(mo, y->offset, y->size, flags);
	spin_lock(&mo->lock);
	while (!y->done && end == WAIT_WOKEN) {
		end = wait_on_until(y, &mo->lock, true, deadline);
		spin_lock(&mo->lock);
	}
	if (!y->done)
		list_remove(&y->link);
	spin_unlock(&mo->lock);
	if (!y->done)
		return wait_failed(mo, y->offset, end);
	return y->outcome == KERN_SUCCESS ? KERN_SUCCESS :
	    KERN_FAIL(y->outcome, "the pager of memory object %lu died while it was to synchronize", mo->id);
}

kern_return_t
memory_object_sync(vm_object_t object, vm_object_offset_t offset, vm_size_t size, unsigned flags)
{
	bool drops = (flags & VM_SYNC_INVALIDATE) != 0;
	bool writes = (flags & (VM_SYNC_SYNCHRONOUS | VM_SYNC_ASYNCHRONOUS)) || !drops;
	struct sweep s = { .object = object, .at = offset, .end = offset + size, .prot = VM_PROT_NO_CHANGE,
	    .should_return = writes ? MEMORY_OBJECT_RETURN_ALL : MEMORY_OBJECT_RETURN_NONE,
	    .flags = drops ? MEMORY_OBJECT_DATA_FLUSH : 0 };
	struct memory_sync y = { .offset = offset, .size = size };
	kern_return_t kr;

	if (object->phys_contiguous)
		return KERN_SUCCESS;
	kr = sweep(&s);
	if (kr == KERN_SUCCESS && (flags & VM_SYNC_SYNCHRONOUS))
		kr = sync_wait(object->pager, &y, flags);
	return kr;
}

/* --- the end --- */

kern_return_t
memory_object_destroy(memory_object_t mo, kern_return_t reason)
{
	vm_object_t object = control_get(mo);
	struct list *l, *next;

	if (object != NULL) {
		spin_lock(&object->lock);
		object->shadow_severed = true;
		vm_object_classify(object);
	}
	spin_lock(&mo->lock);
	mo->dead = true;
	mo->reason = reason;
	list_foreach_safe(l, next, &mo->requests)
		request_end(list_entry(l, struct memory_request, link), KERN_MEMORY_ERROR);
	list_foreach_safe(l, next, &mo->syncs)
		sync_end(list_entry(l, struct memory_sync, link), KERN_MEMORY_ERROR);
	wake_all(&mo->ready);
	spin_unlock(&mo->lock);
	if (object != NULL) {
		spin_unlock(&object->lock);
		vm_object_deallocate(object);
	}
	keep_end(mo);
	return KERN_SUCCESS;
}

/*
 * object has no reference left, but others may still lock it for a look: what
 * is dirty goes back page by page, as in a sweep.
 */
void
memory_object_terminate(memory_object_t mo, vm_object_t object)
{
	struct sweep s = { .object = object, .end = object->size, .should_return = MEMORY_OBJECT_RETURN_ALL,
	    .flags = MEMORY_OBJECT_DATA_FLUSH | MEMORY_OBJECT_DATA_NO_CHANGE, .prot = VM_PROT_NO_CHANGE };
	bool dead;

	spin_lock(&mo->lock);
	dead = mo->dead;
	spin_unlock(&mo->lock);
	if (!dead) {
		if (!mo->temporary && !object->phys_contiguous)
			(void)sweep(&s);
		mo->ops->terminate(mo);
	}
	spin_lock(&mo->lock);
	mo->control = NULL;
	mo->initialized = mo->ready = false;
	wake_all(&mo->control);
	spin_unlock(&mo->lock);
}
