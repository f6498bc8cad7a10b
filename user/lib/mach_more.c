/*
 * mach_more.c: Mach's calls that are made of others, and what it has in variables.
 *
 * vm_wire_all goes from region to region, as mlockall does (mman_advice.c), for
 * any task. What another thread maps or unmaps meanwhile may be left out.
 */
#include "libatlas.h"

vm_size_t vm_page_size = PAGE_SIZE, vm_page_mask = PAGE_MASK;
vm_size_t vm_kernel_page_size = PAGE_SIZE, vm_kernel_page_mask = PAGE_MASK;
int vm_page_shift = PAGE_SHIFT, vm_kernel_page_shift = PAGE_SHIFT;

kern_return_t
mach_port_mod_refs(ipc_space_t space, mach_port_name_t name, mach_port_right_t right, mach_port_delta_t delta)
{
	if (right != MACH_PORT_RIGHT_SEND || delta != -1)
		return KERN_INVALID_VALUE;
	return mach_port_deallocate(space, name);
}

/* One region: all its wirings go, or it gets one, if it may be read. */
static kern_return_t
wire_region(vm_map_t task, vm_address_t addr, vm_size_t size, const vm_region_basic_info_data_64_t *info, bool wire)
{
	kern_return_t kr = KERN_SUCCESS;

	if (wire)
		return info->reserved || (info->protection & VM_PROT_READ) == 0 ? kr :
		    vm_wire(mach_host_self(), task, addr, size, VM_PROT_READ);
	for (unsigned n = info->user_wired_count; n > 0 && kr == KERN_SUCCESS; n--)
		kr = vm_wire(mach_host_self(), task, addr, size, VM_PROT_NONE);
	return kr;
}

static kern_return_t
wire_regions(vm_map_t task, bool wire)
{
	vm_region_basic_info_data_64_t info;
	mach_msg_type_number_t count = VM_REGION_BASIC_INFO_COUNT_64;
	kern_return_t kr = KERN_SUCCESS;
	vm_address_t addr = 0;
	vm_size_t size;

	while (kr == KERN_SUCCESS && vm_region(task, &addr, &size, VM_REGION_BASIC_INFO_64, (vm_region_info_t)&info,
	    &count, NULL) == KERN_SUCCESS) {
		kr = wire_region(task, addr, size, &info, wire);
		addr += size;
	}
	return kr;
}

kern_return_t
vm_wire_all(host_priv_t host, vm_map_t task, vm_wire_t flags)
{
	kern_return_t kr;

	if (host != mach_host_self())
		return KERN_INVALID_HOST;
	if (task == MACH_PORT_NULL)
		return KERN_INVALID_TASK;
	if ((flags & ~VM_WIRE_ALL) != 0)
		return KERN_INVALID_ARGUMENT;
	kr = task_wire(task, (flags & VM_WIRE_FUTURE) != 0);
	if (kr == KERN_SUCCESS && flags != VM_WIRE_FUTURE)
		kr = wire_regions(task, flags != VM_WIRE_NONE);
	return kr;
}
