/*
 * syscall_target.h: the map that a VM call names (private to kernel/).
 *
 * A task is named by handle; the calling one, the usual case, costs no
 * reference. A task that has ended names no map any more, though its empty one
 * still exists. The handle of a submap (vm_region_object_create) names that
 * map: so programs fill it. (Mach: vm_task_entry_t, convert_port_entry_to_map.)
 */
#ifndef KERNEL_SYSCALL_TARGET_H
#define KERNEL_SYSCALL_TARGET_H

#include <kernel/task.h>
#include <atlas/abi.h>

/* The map that a call works on. other: what the handle names, referenced, or NULL for the calling task. */
struct target {
	vm_map_t         map;
	void            *other;
	enum handle_type type;
};

/* For target_get. */
bool target_other(uint32_t handle, struct target *t);

/* FALSE: KERN_INVALID_ARGUMENT. */
static inline bool
target_get(uint64_t handle, struct target *t)
{
	if (likely((uint32_t)handle == ATLAS_TASK_SELF)) {
		t->map = current_task()->map;
		t->other = NULL;
		return true;
	}
	return target_other((uint32_t)handle, t);
}

static inline kern_return_t
target_put(struct target *t, kern_return_t kr)
{
	if (unlikely(t->other != NULL))
		handle_release(t->type, t->other);
	return kr;
}

/* Where a handle that is no task has its own code: the map is NULL then. */
static inline void
target_or_null(uint64_t handle, struct target *t)
{
	if (!target_get(handle, t))
		*t = (struct target){ 0 };
}

#endif
