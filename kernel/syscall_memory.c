/*
 * syscall_memory.c: system calls that make memory which handles name: named
 * entries.
 *
 * A call that gives a handle writes to its output first, so that a pointer that
 * leads nowhere is found before anything is made; what is made and cannot be
 * handed over is taken back.
 */
#include <kernel/task.h>
#include <kernel/thread.h>
#include <atlas/abi.h>
#include <machine/copy.h>
#include <mm/vm_user.h>
#include "syscall.h"
#include "syscall_target.h"

/* Is there a place for the handle? It reads 0 from now on. */
static kern_return_t
handle_clear_out(uint64_t handle_out)
{
	const uint32_t none = 0;

	return copyout(&none, handle_out, sizeof(none));
}

/* Writes a handle that the task has; if that cannot be done it goes again. */
static kern_return_t
handle_hand_over(uint32_t handle, uint64_t handle_out)
{
	kern_return_t kr = copyout(&handle, handle_out, sizeof(handle));

	if (kr != KERN_SUCCESS && handle != 0)
		handle_remove(current_task(), handle);
	return kr;
}

/* *handle: a handle for object, whose reference is consumed in any case; 0 for NULL. */
static kern_return_t
handle_make(enum handle_type type, void *object, uint32_t *handle)
{
	kern_return_t kr;

	*handle = 0;
	if (object == NULL)
		return KERN_SUCCESS;
	kr = handle_insert(current_task(), type, object, handle);
	if (kr != KERN_SUCCESS)
		handle_release(type, object);
	return kr;
}

static kern_return_t
handle_give(enum handle_type type, void *object, uint64_t handle_out)
{
	uint32_t handle;
	kern_return_t kr = handle_make(type, object, &handle);

	return kr == KERN_SUCCESS ? handle_hand_over(handle, handle_out) : kr;
}

/*
 * A handle for the entry, whose reference is consumed: the parent's own once
 * more when the entry is the parent (MAP_MEM_NAMED_REUSE).
 */
static kern_return_t
entry_handle(vm_named_entry_t entry, uint32_t parent_handle, vm_named_entry_t parent, uint32_t *handle)
{
	if (entry == NULL || entry != parent)
		return handle_make(HANDLE_NAMED_ENTRY, entry, handle);
	vm_named_entry_release(entry);          /* the parent has the caller's */
	*handle = parent_handle;
	return handle_again(current_task(), parent_handle);
}

static kern_return_t
make_entry(vm_map_t map, uint64_t size_inout, uint64_t offset, uint32_t permission, uint64_t handle_out,
    uint32_t parent_handle, vm_named_entry_t parent)
{
	vm_named_entry_t entry;
	vm_size_ut size;
	uint32_t handle;
	kern_return_t kr = copyin(size_inout, &size.v, sizeof(size.v));

	if (kr == KERN_SUCCESS)
		kr = copyout(&size.v, size_inout, sizeof(size.v));
	if (kr == KERN_SUCCESS)
		kr = handle_clear_out(handle_out);
	if (kr == KERN_SUCCESS)
		kr = mach_make_memory_entry(map, &size, vm_address_u(offset), permission, &entry, parent);
	if (kr == KERN_SUCCESS)
		kr = entry_handle(entry, parent_handle, parent, &handle);
	if (kr == KERN_SUCCESS)
		kr = handle_hand_over(handle, handle_out);
	/* Writable a moment ago; if another thread took it away, the caller did not want to know. */
	return kr == KERN_SUCCESS ? copyout(&size.v, size_inout, sizeof(size.v)) : kr;
}

kern_return_t
sys_mach_make_memory_entry(uint64_t task, uint64_t size_inout, uint64_t offset, uint64_t permission,
    uint64_t handle_out, uint64_t parent)
{
	vm_named_entry_t from = NULL;
	struct target t;
	kern_return_t kr;

	if (!target_get(task, &t))
		return KERN_INVALID_ARGUMENT;
	if ((uint32_t)parent != 0) {
		from = handle_object(current_task(), (uint32_t)parent, HANDLE_NAMED_ENTRY);
		if (from == NULL)
			return target_put(&t, KERN_INVALID_ARGUMENT);
	}
	kr = make_entry(t.map, size_inout, offset, (uint32_t)permission, handle_out, (uint32_t)parent, from);
	vm_named_entry_release(from);
	return target_put(&t, kr);
}

kern_return_t
sys_vm_region_object_create(uint64_t task, uint64_t size, uint64_t handle_out)
{
	vm_named_entry_t entry;
	struct target t;
	kern_return_t kr;

	if (!target_get(task, &t))
		return KERN_INVALID_ARGUMENT;
	kr = handle_clear_out(handle_out);
	if (kr == KERN_SUCCESS)
		kr = vm_region_object_create(vm_size_u(size), &entry);
	if (kr == KERN_SUCCESS)
		kr = handle_give(HANDLE_NAMED_ENTRY, entry, handle_out);
	return target_put(&t, kr);
}

kern_return_t
sys_mach_memory_object_memory_entry(uint64_t host, uint64_t internal, uint64_t size, uint64_t permission,
    uint64_t pager, uint64_t handle_out)
{
	memory_object_t mo = NULL;
	vm_named_entry_t entry;
	kern_return_t kr;

	if ((uint32_t)host != ATLAS_HOST_SELF)
		return KERN_FAIL(KERN_INVALID_HOST, "0x%x is not the host", (uint32_t)host);
	if ((uint32_t)pager != 0) {
		mo = handle_object(current_task(), (uint32_t)pager, HANDLE_MEMORY_OBJECT);
		if (mo == NULL)
			return KERN_INVALID_ARGUMENT;
	}
	kr = handle_clear_out(handle_out);
	if (kr == KERN_SUCCESS)
		kr = mach_memory_object_memory_entry((uint32_t)internal != 0, vm_size_u(size), (vm_prot_t)permission, mo, &entry);
	if (kr == KERN_SUCCESS)
		kr = handle_give(HANDLE_NAMED_ENTRY, entry, handle_out);
	memory_object_release(mo);
	return kr;
}
