/*
 * vm_map_stack.c: FreeBSD's calls for stacks, and the kernel's limits.
 */
#include "libatlas.h"
#include <vm/vm_map_stack.h>

kern_return_t
vm_map_stack(vm_map_t map, vm_address_t addrbos, vm_size_t max_ssize, vm_prot_t prot, vm_prot_t max, int cow)
{
	return atlas_syscall6(ATLAS_SYS_vm_map_stack, map, addrbos, max_ssize, prot, max, cow);
}

kern_return_t
vm_map_growstack(vm_map_t map, vm_address_t addr)
{
	return atlas_syscall2(ATLAS_SYS_vm_map_growstack, map, addr);
}

kern_return_t
vm_map_stack_rules(vm_map_t map, int rules, boolean_t guard)
{
	return atlas_syscall3(ATLAS_SYS_vm_map_stack_rules, map, rules, guard);
}

kern_return_t
task_limits(task_t task, int which, struct atlas_limits *limits)
{
	return atlas_syscall3(ATLAS_SYS_task_limits, task, which, (uintptr_t)limits);
}
