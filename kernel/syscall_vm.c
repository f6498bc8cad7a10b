/*
 * syscall_vm.c: the VM's calls, from registers and user memory to mm/vm_user.h.
 *
 * No checking of addresses and sizes here: they stay of their outside types
 * until vm_user.c has looked at them. Tasks: syscall_target.h.
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
#include "syscall.h"
#include "syscall_target.h"

bool
target_other(uint32_t handle, struct target *t)
{
	t->other = handle_target(current_task(), handle, &t->type);
	if (t->other == NULL)
		return false;
	if (t->type == HANDLE_TASK) {
		struct task *task = t->other;

		t->map = task->map;
		if (!task->ended)
			return true;
		(void)KERN_FAIL(KERN_INVALID_ARGUMENT, "task %lu has ended", task->id);
	} else {
		vm_named_entry_t entry = t->other;

		t->map = entry->backing.map;
		if (entry->is_sub_map)
			return true;
		(void)KERN_FAIL(KERN_INVALID_ARGUMENT, "handle 0x%x names memory, not a task or a submap", handle);
	}
	handle_release(t->type, t->other);
	return false;
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
	kr = output_probe(data_out, sizeof(data.v));
	if (kr == KERN_SUCCESS)
		kr = output_probe(count_out, sizeof(count.v));
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
	enum handle_type type = HANDLE_NONE;
	void *object = NULL;
	struct target t;
	vm_address_ut addr;
	kern_return_t kr = copyin(args_inout, &u, sizeof(u));

	if (kr != KERN_SUCCESS)
		return kr;
	if (!target_get(u.task, &t))
		return KERN_INVALID_ARGUMENT;
	if (u.object != 0 && (object = handle_memory(current_task(), u.object, &type)) == NULL)
		return target_put(&t, KERN_INVALID_ARGUMENT);
	args.size = vm_size_u(u.size);
	args.mask = u.mask;
	args.flags = u.flags;
	args.offset = vm_address_u(u.offset);
	args.copy = u.copy != 0;
	args.cur = u.cur;
	args.max = u.max;
	args.inheritance = u.inherit;
	args.entry = type == HANDLE_NAMED_ENTRY ? object : NULL;
	args.pager = type == HANDLE_MEMORY_OBJECT ? object : NULL;
	addr = vm_address_u(u.addr);
	kr = vm_map_user(t.map, &addr, &args);
	handle_release(type, object);
	if (kr == KERN_SUCCESS) {
		kr = copyout(&addr.v, args_inout + offsetof(struct atlas_vm_map_args, addr),
		    sizeof(addr.v));
		if (kr != KERN_SUCCESS)
			vm_deallocate(t.map, addr, args.size);
	}
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
	kr = output_probe(count_out, sizeof(count.v));
	if (kr == KERN_SUCCESS)
		kr = vm_read_overwrite(t.map, vm_address_u(addr), vm_size_u(size), current_task()->map,
		    vm_address_u(data), &count);
	if (kr == KERN_SUCCESS)
		kr = copyout(&count.v, count_out, sizeof(count.v));
	return target_put(&t, kr);
}

/* bounded: vm_remap_new. */
static kern_return_t
remap(uint64_t args_inout, bool bounded)
{
	struct atlas_vm_remap_args u;
	struct vm_remap_user_args args;
	struct target t, from;
	vm_address_ut addr;
	kern_return_t kr = copyin(args_inout, &u, sizeof(u));

	if (kr != KERN_SUCCESS)
		return kr;
	if (!target_get(u.task, &t))
		return KERN_INVALID_ARGUMENT;
	if (!target_get(u.src, &from))
		return target_put(&t, KERN_INVALID_ARGUMENT);
	args.size = vm_size_u(u.size);
	args.mask = u.mask;
	args.flags = u.flags;
	args.src = from.map;
	args.src_addr = vm_address_u(u.src_addr);
	args.copy = u.copy != 0;
	args.bounded = bounded;
	args.inheritance = u.inherit;
	addr = vm_address_u(u.addr);
	kr = vm_remap(t.map, &addr, &args, &u.cur, &u.max);
	if (kr == KERN_SUCCESS) {
		u.addr = addr.v;
		kr = copyout(&u, args_inout, sizeof(u));
		if (kr != KERN_SUCCESS)
			vm_deallocate(t.map, addr, args.size);
	}
	return target_put(&t, target_put(&from, kr));
}

kern_return_t
sys_vm_remap(uint64_t args_inout)
{
	return remap(args_inout, false);
}

kern_return_t
sys_vm_remap_new(uint64_t args_inout)
{
	return remap(args_inout, true);
}

kern_return_t
sys_vm_wire(uint64_t host, uint64_t task, uint64_t addr, uint64_t size, uint64_t access)
{
	struct target t;

	if ((uint32_t)host != ATLAS_HOST_SELF)
		return KERN_FAIL(KERN_INVALID_HOST, "0x%x is not the host", (uint32_t)host);
	target_or_null(task, &t);
	return target_put(&t, vm_wire(t.map, vm_address_u(addr), vm_size_u(size), (vm_prot_t)access));
}

kern_return_t
sys_task_wire(uint64_t task, uint64_t must_wire)
{
	struct target t;

	if (!target_get(task, &t))
		return KERN_INVALID_ARGUMENT;
	return target_put(&t, task_wire(t.map, (uint32_t)must_wire != 0));
}

kern_return_t
sys_vm_behavior_set(uint64_t task, uint64_t addr, uint64_t size, uint64_t behavior)
{
	struct target t;

	if (!target_get(task, &t))
		return KERN_INVALID_ARGUMENT;
	return target_put(&t, vm_behavior_set(t.map, vm_address_u(addr), vm_size_u(size), (vm_behavior_t)behavior));
}

kern_return_t
sys_vm_msync(uint64_t task, uint64_t addr, uint64_t size, uint64_t flags)
{
	struct target t;

	target_or_null(task, &t);
	return target_put(&t, vm_msync(t.map, vm_address_u(addr), vm_size_u(size), (uint32_t)flags));
}

kern_return_t
sys_vm_machine_attribute(uint64_t task, uint64_t addr, uint64_t size, uint64_t attribute, uint64_t value_inout)
{
	struct target t;
	int value;
	kern_return_t kr;

	if (!target_get(task, &t))
		return KERN_INVALID_ARGUMENT;
	kr = copyin(value_inout, &value, sizeof(value));
	if (kr == KERN_SUCCESS)
		kr = vm_machine_attribute(t.map, vm_address_u(addr), vm_size_u(size), (uint32_t)attribute, &value);
	if (kr == KERN_SUCCESS)
		kr = copyout(&value, value_inout, sizeof(value));
	return target_put(&t, kr);
}
