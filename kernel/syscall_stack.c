/*
 * syscall_stack.c: system calls of stacks and limits.
 *
 * Limits are words of the kernel's; that a soft one stays below a hard one is
 * the program's library's to keep (user/lib/limits.c).
 */
#include <kernel/task.h>
#include <atlas/abi.h>
#include <machine/copy.h>
#include <mm/vm_map_stack.h>
#include <mm/vm_user.h>
#include "syscall.h"
#include "syscall_target.h"

kern_return_t
sys_vm_map_stack(uint64_t task, uint64_t addrbos, uint64_t max_ssize, uint64_t prot, uint64_t max, uint64_t cow)
{
	struct target t;

	if (!target_get(task, &t))
		return KERN_INVALID_ARGUMENT;
	return target_put(&t, vm_map_stack_user(t.map, vm_address_u(addrbos), vm_size_u(max_ssize), (vm_prot_t)prot,
	    (vm_prot_t)max, (uint32_t)cow));
}

kern_return_t
sys_vm_map_growstack(uint64_t task, uint64_t addr)
{
	struct target t;

	if (!target_get(task, &t))
		return KERN_INVALID_ARGUMENT;
	return target_put(&t, vm_map_growstack_user(t.map, vm_address_u(addr)));
}

kern_return_t
sys_vm_map_stack_rules(uint64_t task, uint64_t rules, uint64_t guard)
{
	struct target t;

	if (!target_get(task, &t))
		return KERN_INVALID_ARGUMENT;
	return target_put(&t, vm_map_stack_rules_user(t.map, (uint32_t)rules, guard != 0));
}

_Static_assert(sizeof(struct atlas_limits) == sizeof(struct vm_map_limits) &&
    offsetof(struct atlas_limits, wired) == offsetof(struct vm_map_limits, wired) &&
    offsetof(struct atlas_limits, stack) == offsetof(struct vm_map_limits, stack) &&
    ATLAS_LIMIT_NONE == VM_LIMIT_NONE, "the two are one");

kern_return_t
sys_task_limits(uint64_t task, uint64_t which, uint64_t limits_inout)
{
	struct vm_map_limits l;
	struct target t;
	kern_return_t kr;

	if (!target_get(task, &t))
		return KERN_INVALID_ARGUMENT;
	kr = copyin(limits_inout, &l, sizeof(l));
	if (kr == KERN_SUCCESS)
		kr = copyout(&l, limits_inout, sizeof(l));      /* before anything is set */
	if (kr == KERN_SUCCESS)
		kr = task_limits(t.map, (uint32_t)which, &l);
	if (kr == KERN_SUCCESS)
		kr = copyout(&l, limits_inout, sizeof(l));
	return target_put(&t, kr);
}
