/*
 * syscall_find.c: system calls for FreeBSD's placement, to mm/vm_user.h.
 *
 * As in syscall_vm.c: nothing is checked here but handles and pointers.
 */
#include <kernel/task.h>
#include <kernel/thread.h>
#include <atlas/abi.h>
#include <machine/copy.h>
#include <mm/vm_user.h>
#include "syscall.h"
#include "syscall_target.h"

/* The address goes out after failures, too, where the call has changed it (vm_map_find(9)). */
static kern_return_t
find(uint64_t args_inout, enum vm_find_call call)
{
	const uint64_t addr_out = args_inout + offsetof(struct atlas_vm_find_args, addr);
	enum handle_type type = HANDLE_NONE;
	struct vm_find_user_args args = { .trace = NULL };
	struct atlas_vm_find_args u;
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
	args.length = vm_size_u(u.length);
	args.offset = vm_address_u(u.offset);
	args.min_addr = vm_address_u(u.min_addr);
	args.max_addr = vm_address_u(u.max_addr);
	args.find_space = u.find_space;
	args.cow = u.cow;
	args.prot = u.prot;
	args.max = u.max;
	args.entry = type == HANDLE_NAMED_ENTRY ? object : NULL;
	args.pager = type == HANDLE_MEMORY_OBJECT ? object : NULL;
	addr = vm_address_u(u.addr);
	kr = vm_map_find_user(t.map, &addr, &args, call);
	handle_release(type, object);
	if (addr.v != u.addr && copyout(&addr.v, addr_out, sizeof(addr.v)) != KERN_SUCCESS && kr == KERN_SUCCESS) {
		vm_deallocate(t.map, addr, args.length);
		kr = KERN_INVALID_ADDRESS;
	}
	return target_put(&t, kr);
}

kern_return_t
sys_vm_map_find(uint64_t args_inout)
{
	return find(args_inout, VM_MAP_FIND);
}

kern_return_t
sys_vm_map_find_min(uint64_t args_inout)
{
	return find(args_inout, VM_MAP_FIND_MIN);
}

kern_return_t
sys_vm_map_fixed(uint64_t args_inout)
{
	return find(args_inout, VM_MAP_FIXED);
}

kern_return_t
sys_vm_map_insert(uint64_t args_inout)
{
	return find(args_inout, VM_MAP_INSERT);
}

kern_return_t
sys_vm_map_findspace(uint64_t task, uint64_t start, uint64_t length, uint64_t addr_out)
{
	struct target t;
	vm_address_ut addr;
	kern_return_t kr;

	if (!target_get(task, &t))
		return KERN_INVALID_ARGUMENT;
	kr = vm_map_findspace_user(t.map, vm_address_u(start), vm_size_u(length), &addr);
	if (kr == KERN_SUCCESS)
		kr = copyout(&addr.v, addr_out, sizeof(addr.v));
	return target_put(&t, kr);
}

kern_return_t
sys_vm_map_find_aligned(uint64_t task, uint64_t addr_inout, uint64_t length, uint64_t max_addr, uint64_t alignment)
{
	struct target t;
	vm_address_ut addr;
	kern_return_t kr;

	if (!target_get(task, &t))
		return KERN_INVALID_ARGUMENT;
	kr = copyin(addr_inout, &addr.v, sizeof(addr.v));
	if (kr == KERN_SUCCESS)
		kr = vm_map_find_aligned_user(t.map, &addr, vm_size_u(length), vm_address_u(max_addr), alignment);
	if (kr == KERN_SUCCESS)
		kr = copyout(&addr.v, addr_inout, sizeof(addr.v));
	return target_put(&t, kr);
}

kern_return_t
sys_vm_map_set_options(uint64_t task, uint64_t options, uint64_t seed)
{
	struct target t;

	if (!target_get(task, &t))
		return KERN_INVALID_ARGUMENT;
	return target_put(&t, vm_map_set_options_user(t.map, (uint32_t)options, seed));
}
