/*
 * memory_object_request.c: what is asked of a pager, who waits for it, and what is answered.
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
 * that it concerns get their outcome and leave the list. A waiter looks for the
 * page and links its record under the object's lock, too: so no answer slips
 * between. A page of which another access is wanted than its lock permits is
 * asked for in the same way (unlock).
 *
 * Locks: object, then mo->lock. Operations are called with none. Failure: every
 * wait ends with memory_object_patience_us, and its record with it; what a pager
 * says of pages that nobody waits for, or says twice, harms nobody.
 */
#include <base/wait.h>
#include <mm/memory_object.h>
#include "memory_object_impl.h"

#define ASK_AHEAD           (16 * PAGE_SIZE)    /* at least, where the entry's behavior is sequential */
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

/*
 * The records of the pages in [start, end), those that wait for contents or for an unlock, get their outcome.
 * mo->lock held, inside the object's if something came.
 */
static void
requests_end(memory_object_t mo, vm_object_offset_t start, vm_object_offset_t end, bool unlock, kern_return_t outcome)
{
	struct list *l, *next;

	list_foreach_safe(l, next, &mo->requests) {
		struct memory_request *r = list_entry(l, struct memory_request, link);

		if (r->unlock == unlock && r->offset >= start && r->offset < end)
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

void
memory_object_unlocks_end(memory_object_t mo, vm_object_offset_t start, vm_object_offset_t end)
{
	spin_lock(&mo->lock);
	requests_end(mo, start, end, true, KERN_SUCCESS);
	requests_orphaned(mo);
	spin_unlock(&mo->lock);
}

void
memory_object_requests_fail(memory_object_t mo)
{
	struct list *l, *next;

	list_foreach_safe(l, next, &mo->requests)
		request_end(list_entry(l, struct memory_request, link), KERN_MEMORY_ERROR);
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

kern_return_t
memory_object_wait_failed(memory_object_t mo, vm_object_offset_t offset, enum wait_end end)
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
			*kr = memory_object_wait_failed(mo, r->offset, end);
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

/* What r covers is asked of the pager; no lock held. */
static void
request_send(memory_object_t mo, const struct memory_request *r)
{
	vm_size_t length = r->end - r->start;

	if (!r->unlock)
		mo->ops->data_request(mo, r->start, length, r->access);
	else if (mo->ops->data_unlock != NULL)
		mo->ops->data_unlock(mo, r->start, length, r->access);
	else
		(void)memory_object_lock_request(mo, r->start, length, MEMORY_OBJECT_RETURN_NONE, 0, VM_PROT_NONE);
}

/* r is linked: asks if it has a range, and waits. */
static kern_return_t
request_wait(vm_object_t object, struct memory_request *r, struct memory_object_wait *w)
{
	uint64_t deadline = wait_clock_us() + memory_object_patience_us;
	memory_object_t mo = object->pager;
	enum wait_end end = WAIT_WOKEN;
	kern_return_t kr;

	if (r->start < r->end)
		request_send(mo, r);
	spin_lock(&mo->lock);
	while (!r->done && end == WAIT_WOKEN) {
		end = wait_on_until(r, &mo->lock, true, deadline);
		spin_lock(&mo->lock);
	}
	if (!r->done) {
		kr = memory_object_wait_failed(mo, r->offset, end);
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

/* --- what pagers say --- */

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
	*object = memory_object_control(mo);
	return *object != NULL ? KERN_SUCCESS : memory_object_not_mapped(mo);
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
		kr = memory_object_not_mapped(mo);
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
	requests_end(mo, offset, offset + PAGE_SIZE, false, kr);
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
	requests_end(mo, offset, offset + size, false, outcome);
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
