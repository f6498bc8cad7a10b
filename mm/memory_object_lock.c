/*
 * memory_object_lock.c: pages that go back to the pager, and accesses that it forbids.
 *
 *   lock_request, sync, terminate ──> sweep ──page by page──> push to a copy, return, drop, lock
 *                                                               │
 *                                       data_return ──> pager <─┘
 *
 * A page on its way to the pager (data_return) is BUSY: nobody writes or frees
 * it, who wants to touches it waits in get_page. What was mapped
 * writable is dirty, because leaves of such pages are only made writable for a
 * write (vm_fault.c): so dirty is a flag of the page and no matter of PTEs.
 *
 * A sweep holds the object's lock for one page at a time, and none while the
 * pager is called: it finds each page anew by its offset, and what changed
 * behind it is the pager's to ask for again.
 *
 * Synchronizing is two steps: pages go back, then the pager says that they have
 * arrived; a record of who waits for that is on mo->syncs.
 *
 * Locks: object, then mo->lock. Operations are called with none. Failure: no page
 * for a copy ends a sweep, what comes before it in the range is done; every wait
 * ends with memory_object_patience_us.
 */
#include <base/wait.h>
#include <mm/memory_object.h>
#include <mm/pmap.h>
#include "memory_object_impl.h"
#include "vm_object_impl.h"

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
	if (mo->ops->data_return != NULL)
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

/* The control with a reference and a paging reference, which vm_object_paging_end gives up; NULL: not mapped. */
static vm_object_t
control_paging(memory_object_t mo)
{
	vm_object_t object = memory_object_control(mo);

	if (object != NULL) {
		spin_lock(&object->lock);
		object->paging_in_progress++;
		spin_unlock(&object->lock);
	}
	return object;
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
	s.object = control_paging(mo);
	if (s.object == NULL)
		return memory_object_not_mapped(mo);
	end = offset + size < offset || offset + size > s.object->size ? s.object->size : round_page(offset + size);
	s.end = end;
	kr = sweep(&s);
	memory_object_unlocks_end(mo, start, end);
	vm_object_paging_end(s.object);
	return kr;
}

void
memory_object_return_all(vm_object_t object)
{
	struct sweep s = { .object = object, .end = object->size, .should_return = MEMORY_OBJECT_RETURN_ALL,
	    .flags = MEMORY_OBJECT_DATA_FLUSH | MEMORY_OBJECT_DATA_NO_CHANGE, .prot = VM_PROT_NO_CHANGE };

	(void)sweep(&s);
}

/* --- synchronize --- */

struct memory_sync {
	struct list        link;
	vm_object_offset_t offset;
	vm_size_t          size;
	bool               done;
	kern_return_t      outcome;
};

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

void
memory_object_syncs_fail(memory_object_t mo)
{
	struct list *l, *next;

	list_foreach_safe(l, next, &mo->syncs)
		sync_end(list_entry(l, struct memory_sync, link), KERN_MEMORY_ERROR);
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
	if (mo->ops->synchronize != NULL)
		mo->ops->synchronize(mo, y->offset, y->size, flags);
	else
		(void)memory_object_synchronize_completed(mo, y->offset, y->size);
	spin_lock(&mo->lock);
	while (!y->done && end == WAIT_WOKEN) {
		end = wait_on_until(y, &mo->lock, true, deadline);
		spin_lock(&mo->lock);
	}
	if (!y->done)
		list_remove(&y->link);
	spin_unlock(&mo->lock);
	if (!y->done)
		return memory_object_wait_failed(mo, y->offset, end);
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
