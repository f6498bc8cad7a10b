/*
 * memory_object_impl.h: what the files of memory objects tell each other.
 */
#ifndef MM_MEMORY_OBJECT_IMPL_H
#define MM_MEMORY_OBJECT_IMPL_H

#include <base/wait.h>
#include <mm/memory_object.h>

/* memory_object.c: the control with a reference for the caller, or NULL: not mapped. For as long as no wait is possible. */
vm_object_t memory_object_control(memory_object_t mo);
/* The refusal that says so: KERN_INVALID_ARGUMENT. */
kern_return_t memory_object_not_mapped(memory_object_t mo);

/* memory_object_request.c: why a wait for the pager that ended so, not WOKEN, failed: KERN_ABORTED, KERN_MEMORY_ERROR. */
kern_return_t memory_object_wait_failed(memory_object_t mo, vm_object_offset_t offset, enum wait_end end);
/*
 * Who waits for an access to a page of [start, end) looks again: it is allowed, the page is gone, or he asks once more.
 * No lock held, or the object's.
 */
void memory_object_unlocks_end(memory_object_t mo, vm_object_offset_t start, vm_object_offset_t end);
/* The pager is dead: whoever waits for a page or an unlock gets KERN_MEMORY_ERROR. mo->lock held. */
void memory_object_requests_fail(memory_object_t mo);

/*
 * memory_object_lock.c: all pages go, those that are dirty or precious to the pager. object has no reference left, but
 * others may still lock it for a look. No lock held.
 */
void memory_object_return_all(vm_object_t object);
/* The pager is dead: whoever waits for it to synchronize gets KERN_MEMORY_ERROR. mo->lock held. */
void memory_object_syncs_fail(memory_object_t mo);

#endif
