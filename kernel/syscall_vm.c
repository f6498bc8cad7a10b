/*
 * syscall_vm.c: the VM's calls, from registers and user memory to mm/vm_user.h.
 *
 * No checking of addresses and sizes here: they stay of their outside types
 * until vm_user.c has looked at them. A task is named by handle; the calling
 * one, the usual case, costs no reference. A task that has ended names no map
 * any more, though its empty one still exists.
 *
 * Results that are addresses are read in before the call, so that a pointer
 * that leads nowhere changes nothing; one that can be read but not written is
 * found afterwards, and what was made is taken back where that is possible.
 */
#include <kernel/task.h>
#include <kernel/thread.h>
#include <atlas/abi.h>
#include <machine/copy.h>
#include <mm/vm_user.h>
#include <string.h>
#include "syscall.h"

/* The map that a call works on. other: referenced, or NULL for the calling task. */
struct target {
	vm_map_t     map;
	struct task *other;
};

static bool
target_other(uint32_t handle, struct target *t)
{
	t->other = handle_task(current_task(), handle);
	if (t->other == NULL)
		return false;
	if (t->other->ended) {
		(void)KERN_FAIL(KERN_INVALID_ARGUMENT, "task %lu has ended", t->other->id);
		task_deallocate(t->other);
		return false;
	}
	t->map = t->other->map;
	return true;
}

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
		task_deallocate(t->other);
	return kr;
}

kern_return_t
sys_vm_allocate(uint64_t task, uint64_t addr, uint64_t size, uint64_t flags)
{
	struct target t;
	vm_address_ut a;
	kern_return_t kr;

	if (!target_get(task, &t))
		return KERN_INVALID_ARGUMENT;
	kr = copyin(addr, &a.v, sizeof(a.v));
	if (kr == KERN_SUCCESS)
		kr = vm_allocate(t.map, &a, vm_size_u(size), (uint32_t)flags);
	if (kr == KERN_SUCCESS) {
		kr = copyout(&a.v, addr, sizeof(a.v));
		if (unlikely(kr != KERN_SUCCESS))
			vm_deallocate(t.map, a, vm_size_u(size));
	}
	return target_put(&t, kr);
}

kern_return_t
sys_vm_deallocate(uint64_t task, uint64_t addr, uint64_t size)
{
	struct target t;

	if (!target_get(task, &t))
		return KERN_INVALID_ARGUMENT;
	return target_put(&t, vm_deallocate(t.map, vm_address_u(addr), vm_size_u(size)));
}

kern_return_t
sys_vm_protect(uint64_t task, uint64_t addr, uint64_t size, uint64_t set_max, uint64_t prot)
{
	struct target t;

	if (!target_get(task, &t))
		return KERN_INVALID_ARGUMENT;
	return target_put(&t, vm_protect(t.map, vm_address_u(addr), vm_size_u(size),
	    (uint32_t)set_max != 0, (vm_prot_t)prot));
}

kern_return_t
sys_vm_inherit(uint64_t task, uint64_t addr, uint64_t size, uint64_t inherit)
{
	struct target t;

	if (!target_get(task, &t))
		return KERN_INVALID_ARGUMENT;
	return target_put(&t, vm_inherit(t.map, vm_address_u(addr), vm_size_u(size),
	    (vm_inherit_t)inherit));
}

kern_return_t
sys_vm_read(uint64_t task, uint64_t addr, uint64_t size, uint64_t data_out, uint64_t count_out)
{
	vm_map_t self = current_task()->map;
	struct target t;
	vm_address_ut data = vm_address_u(0);
	vm_size_ut count;
	kern_return_t kr;

	if (!target_get(task, &t))
		return KERN_INVALID_ARGUMENT;
	kr = copyout(&data.v, data_out, sizeof(data.v));
	if (kr == KERN_SUCCESS)
		kr = copyout(&data.v, count_out, sizeof(data.v));
	if (kr == KERN_SUCCESS)
		kr = vm_read(t.map, vm_address_u(addr), vm_size_u(size), self, &data, &count);
	if (kr == KERN_SUCCESS) {
		kr = copyout(&data.v, data_out, sizeof(data.v));
		if (kr == KERN_SUCCESS)
			kr = copyout(&count.v, count_out, sizeof(count.v));
		if (kr != KERN_SUCCESS)
			vm_deallocate(self, data, count);
	}
	return target_put(&t, kr);
}

kern_return_t
sys_vm_write(uint64_t task, uint64_t addr, uint64_t data, uint64_t count)
{
	struct target t;

	if (!target_get(task, &t))
		return KERN_INVALID_ARGUMENT;
	return target_put(&t, vm_write(t.map, vm_address_u(addr), current_task()->map,
	    vm_address_u(data), vm_size_u(count)));
}

kern_return_t
sys_vm_copy(uint64_t task, uint64_t src, uint64_t size, uint64_t dst)
{
	struct target t;

	if (!target_get(task, &t))
		return KERN_INVALID_ARGUMENT;
	return target_put(&t, vm_copy(t.map, vm_address_u(src), vm_size_u(size), vm_address_u(dst)));
}

kern_return_t
sys_vm_map(uint64_t args_inout)
{
	struct atlas_vm_map_args u;
	struct vm_map_user_args args;
	struct target t;
	vm_address_ut addr;
	kern_return_t kr = copyin(args_inout, &u, sizeof(u));

	if (kr != KERN_SUCCESS)
		return kr;
	if (u.object != 0)
		return KERN_FAIL(KERN_INVALID_ARGUMENT, "0x%x names no memory object", u.object);
	if (!target_get(u.task, &t))
		return KERN_INVALID_ARGUMENT;
	args.size = vm_size_u(u.size);
	args.mask = u.mask;
	args.flags = u.flags;
	args.offset = vm_address_u(u.offset);
	args.copy = u.copy != 0;
	args.cur = u.cur;
	args.max = u.max;
	args.inheritance = u.inherit;
	addr = vm_address_u(u.addr);
	kr = vm_map_user(t.map, &addr, &args);
	if (kr == KERN_SUCCESS) {
		kr = copyout(&addr.v, args_inout + offsetof(struct atlas_vm_map_args, addr),
		    sizeof(addr.v));
		if (kr != KERN_SUCCESS)
			vm_deallocate(t.map, addr, args.size);
	}
	return target_put(&t, kr);
}

/* Writes what vm_region found; a bad pointer changes nothing but what was written before it. */
static kern_return_t
region_copyout(vm_address_ut addr, vm_size_ut size, const struct vm_region_basic_info *info,
    uint64_t addr_out, uint64_t size_out, uint64_t info_out, uint64_t count_out)
{
	uint32_t count = sizeof(*info) / sizeof(uint32_t);
	kern_return_t kr = copyout(info, info_out, sizeof(*info));

	if (kr == KERN_SUCCESS)
		kr = copyout(&count, count_out, sizeof(count));
	if (kr == KERN_SUCCESS)
		kr = copyout(&size.v, size_out, sizeof(size.v));
	if (kr == KERN_SUCCESS)
		kr = copyout(&addr.v, addr_out, sizeof(addr.v));
	return kr;
}

kern_return_t
sys_vm_region(uint64_t task, uint64_t addr, uint64_t size_out, uint64_t flavor,
    uint64_t info_out, uint64_t count_inout)
{
	struct vm_region_basic_info info;
	struct target t;
	vm_address_ut a;
	vm_size_ut size;
	uint32_t count;
	kern_return_t kr;

	memset(&info, 0, sizeof(info));
	if ((uint32_t)flavor != VM_REGION_BASIC_INFO)
		return KERN_FAIL(KERN_INVALID_ARGUMENT, "vm_region has no flavor %u", (uint32_t)flavor);
	kr = copyin(count_inout, &count, sizeof(count));
	if (kr != KERN_SUCCESS)
		return kr;
	if (count < sizeof(info) / sizeof(uint32_t))
		return KERN_FAIL(KERN_INVALID_ARGUMENT, "vm_region: %u words are too few, %lu are needed",
		    count, sizeof(info) / sizeof(uint32_t));
	kr = copyin(addr, &a.v, sizeof(a.v));
	if (kr != KERN_SUCCESS)
		return kr;
	if (!target_get(task, &t))
		return KERN_INVALID_ARGUMENT;
	kr = vm_region_basic(t.map, &a, &size, &info);
	if (kr == KERN_SUCCESS)
		kr = region_copyout(a, size, &info, addr, size_out, info_out, count_inout);
	return target_put(&t, kr);
}

kern_return_t
sys_vm_read_overwrite(uint64_t task, uint64_t addr, uint64_t size, uint64_t data, uint64_t count_out)
{
	struct target t;
	vm_size_ut count = vm_size_u(0);
	kern_return_t kr;

	if (!target_get(task, &t))
		return KERN_INVALID_ARGUMENT;
	kr = copyout(&count.v, count_out, sizeof(count.v));
	if (kr == KERN_SUCCESS)
		kr = vm_read_overwrite(t.map, vm_address_u(addr), vm_size_u(size), current_task()->map,
		    vm_address_u(data), &count);
	if (kr == KERN_SUCCESS)
		kr = copyout(&count.v, count_out, sizeof(count.v));
	return target_put(&t, kr);
}
