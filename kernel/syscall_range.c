/*
 * syscall_range.c: system calls for FreeBSD's operations on ranges, to mm/vm_user.h.
 *
 * As in syscall_vm.c: nothing is checked here but handles; and that programs
 * wire for the user only, since the kernel's wirings keep a range from going away.
 */
#include <kernel/task.h>
#include <atlas/abi.h>
#include <mm/vm_map_range.h>
#include <mm/vm_user.h>
#include "syscall.h"
#include "syscall_target.h"

kern_return_t
sys_vm_map_protect(uint64_t task, uint64_t start, uint64_t end, uint64_t prot, uint64_t max, uint64_t flags)
{
	struct target t;

	if (!target_get(task, &t))
		return KERN_INVALID_ARGUMENT;
	return target_put(&t, vm_map_protect_user(t.map, vm_address_u(start), vm_address_u(end), (vm_prot_t)prot,
	    (vm_prot_t)max, (uint32_t)flags));
}

kern_return_t
sys_vm_map_inherit(uint64_t task, uint64_t start, uint64_t end, uint64_t inherit)
{
	struct target t;

	if (!target_get(task, &t))
		return KERN_INVALID_ARGUMENT;
	return target_put(&t, vm_map_inherit_user(t.map, vm_address_u(start), vm_address_u(end), (vm_inherit_t)inherit));
}

kern_return_t
sys_vm_map_madvise(uint64_t task, uint64_t start, uint64_t end, uint64_t advice)
{
	struct target t;

	if (!target_get(task, &t))
		return KERN_INVALID_ARGUMENT;
	return target_put(&t, vm_map_madvise_user(t.map, vm_address_u(start), vm_address_u(end), (uint32_t)advice));
}

kern_return_t
sys_vm_map_sync(uint64_t task, uint64_t start, uint64_t end, uint64_t syncio, uint64_t invalidate)
{
	struct target t;

	if (!target_get(task, &t))
		return KERN_INVALID_ARGUMENT;
	return target_put(&t, vm_map_sync_user(t.map, vm_address_u(start), vm_address_u(end), syncio != 0, invalidate != 0));
}

static kern_return_t
wire(uint64_t task, uint64_t start, uint64_t end, uint64_t flags, enum vm_user_wire how)
{
	struct target t;

	if (!(flags & VM_MAP_WIRE_USER))
		return KERN_FAIL(KERN_NO_ACCESS, "flags 0x%lx: programs wire for the user (1)", flags);
	if (!target_get(task, &t))
		return KERN_INVALID_ARGUMENT;
	return target_put(&t, vm_map_wire_user(t.map, vm_address_u(start), vm_address_u(end), (uint32_t)flags, how));
}

kern_return_t
sys_vm_map_wire(uint64_t task, uint64_t start, uint64_t end, uint64_t flags)
{
	return wire(task, start, end, flags, VM_USER_WIRE);
}

kern_return_t
sys_vm_map_unwire(uint64_t task, uint64_t start, uint64_t end, uint64_t flags)
{
	return wire(task, start, end, flags, VM_USER_UNWIRE);
}

uint64_t
sys_vm_map_check_protection(uint64_t task, uint64_t start, uint64_t end, uint64_t prot)
{
	struct target t;
	bool allowed;

	if (!target_get(task, &t))
		return 0;
	allowed = vm_map_check_protection_user(t.map, vm_address_u(start), vm_address_u(end), (vm_prot_t)prot);
	(void)target_put(&t, KERN_SUCCESS);
	return allowed;
}

uint64_t
sys_vm_map_range_valid(uint64_t task, uint64_t start, uint64_t end)
{
	struct target t;
	bool valid;

	if (!target_get(task, &t))
		return 0;
	valid = vm_map_range_valid_user(t.map, vm_address_u(start), vm_address_u(end));
	(void)target_put(&t, KERN_SUCCESS);
	return valid;
}
