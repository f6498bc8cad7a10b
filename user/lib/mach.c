/*
 * mach.c: the Mach calls, one system call each.
 *
 * Wrappers only move arguments: every check is the kernel's. Outputs pass
 * through locals of the ABI's width and are stored on success only.
 */
#include "libatlas.h"
#include <mach/mach_time.h>
#include <stdio.h>

_Static_assert(sizeof(struct vm_region_basic_info) == 40, "the kernel writes ten words");
_Static_assert(sizeof(struct vm_region_extended_info) == 40, "the kernel writes ten words");
_Static_assert(sizeof(struct vm_region_top_info) == 20, "the kernel writes five words");
_Static_assert(sizeof(struct vm_region_submap_info) == 72, "the kernel writes 18 words");
_Static_assert(VM_MAP_ENTRY_MAX == ATLAS_VM_READ_LIST_MAX &&
    sizeof(vm_read_entry_t) == ATLAS_VM_READ_LIST_MAX * sizeof(struct atlas_vm_range), "one list for both");

kern_return_t
task_create(task_t parent, ledger_array_t ledgers, mach_msg_type_number_t ledgers_count,
    boolean_t inherit_memory, task_t *child)
{
	(void)ledgers;                  /* there are no ledgers to draw from */
	(void)ledgers_count;
	return atlas_syscall3(ATLAS_SYS_task_create, parent, inherit_memory != 0,
	    (uintptr_t)child);
}

kern_return_t
task_terminate(task_t task)
{
	return atlas_syscall1(ATLAS_SYS_task_terminate, task);
}

kern_return_t
mach_port_deallocate(ipc_space_t space, mach_port_name_t name)
{
	if (space != mach_task_self())
		return KERN_INVALID_TASK;       /* handles of others are out of reach */
	if (!MACH_PORT_VALID(name))
		return KERN_SUCCESS;            /* no right, so none to give up */
	return atlas_syscall1(ATLAS_SYS_handle_deallocate, name);
}

kern_return_t
vm_allocate(vm_map_t task, vm_address_t *addr, vm_size_t size, int flags)
{
	return atlas_syscall4(ATLAS_SYS_vm_allocate, task, (uintptr_t)addr, size,
	    (uint32_t)flags);
}

kern_return_t
vm_deallocate(vm_map_t task, vm_address_t addr, vm_size_t size)
{
	return atlas_syscall3(ATLAS_SYS_vm_deallocate, task, addr, size);
}

kern_return_t
vm_protect(vm_map_t task, vm_address_t addr, vm_size_t size, boolean_t set_maximum,
    vm_prot_t protection)
{
	return atlas_syscall5(ATLAS_SYS_vm_protect, task, addr, size, set_maximum != 0,
	    (uint32_t)protection);
}

kern_return_t
vm_inherit(vm_map_t task, vm_address_t addr, vm_size_t size, vm_inherit_t inheritance)
{
	return atlas_syscall4(ATLAS_SYS_vm_inherit, task, addr, size, inheritance);
}

kern_return_t
vm_read(vm_map_t task, vm_address_t addr, vm_size_t size, vm_offset_t *data,
    mach_msg_type_number_t *count)
{
	uint64_t where, n;
	kern_return_t kr;

	if (size > UINT32_MAX && addr + size > addr)
		return KERN_INVALID_ARGUMENT;   /* Mach's count cannot say it */
	kr = atlas_syscall5(ATLAS_SYS_vm_read, task, addr, size, (uintptr_t)&where,
	    (uintptr_t)&n);
	if (kr != KERN_SUCCESS)
		return kr;
	*data = where;
	*count = n;
	return KERN_SUCCESS;
}

kern_return_t
vm_read_overwrite(vm_map_t task, vm_address_t addr, vm_size_t size, vm_address_t data,
    vm_size_t *count)
{
	return atlas_syscall5(ATLAS_SYS_vm_read_overwrite, task, addr, size, data,
	    (uintptr_t)count);
}

kern_return_t
vm_write(vm_map_t task, vm_address_t addr, vm_offset_t data, mach_msg_type_number_t count)
{
	return atlas_syscall4(ATLAS_SYS_vm_write, task, addr, data, count);
}

kern_return_t
vm_copy(vm_map_t task, vm_address_t source, vm_size_t size, vm_address_t destination)
{
	return atlas_syscall4(ATLAS_SYS_vm_copy, task, source, size, destination);
}

kern_return_t
vm_map(vm_map_t task, vm_address_t *addr, vm_size_t size, vm_address_t mask, int flags,
    mem_entry_name_port_t object, vm_offset_t offset, boolean_t copy,
    vm_prot_t cur_protection, vm_prot_t max_protection, vm_inherit_t inheritance)
{
	struct atlas_vm_map_args a = {
		.task = task, .flags = flags, .addr = *addr, .size = size, .mask = mask,
		.object = object, .copy = copy != 0, .offset = offset,
		.cur = cur_protection, .max = max_protection, .inherit = inheritance,
	};
	kern_return_t kr = atlas_syscall1(ATLAS_SYS_vm_map, (uintptr_t)&a);

	if (kr == KERN_SUCCESS)
		*addr = a.addr;
	return kr;
}

kern_return_t
vm_region(vm_map_t task, vm_address_t *addr, vm_size_t *size, vm_region_flavor_t flavor,
    vm_region_info_t info, mach_msg_type_number_t *count, mach_port_t *object_name)
{
	kern_return_t kr;

	kr = atlas_syscall6(ATLAS_SYS_vm_region, task, (uintptr_t)addr, (uintptr_t)size,
	    (uint32_t)flavor, (uintptr_t)info, (uintptr_t)count);
	if (kr == KERN_SUCCESS && object_name != NULL)
		*object_name = MACH_PORT_NULL;
	return kr;
}

kern_return_t
vm_region_recurse(vm_map_t task, vm_address_t *addr, vm_size_t *size, natural_t *depth,
    vm_region_recurse_info_t info, mach_msg_type_number_t *count)
{
	return atlas_syscall6(ATLAS_SYS_vm_region_recurse, task, (uintptr_t)addr, (uintptr_t)size,
	    (uintptr_t)depth, (uintptr_t)info, (uintptr_t)count);
}

kern_return_t
vm_read_list(vm_map_t task, vm_read_entry_t list, natural_t count)
{
	return atlas_syscall3(ATLAS_SYS_vm_read_list, task, (uintptr_t)list, count);
}

static kern_return_t
remap(long number, struct atlas_vm_remap_args *a, vm_address_t *addr, vm_prot_t *cur, vm_prot_t *max)
{
	kern_return_t kr;

	a->addr = *addr;
	a->cur = (uint32_t)*cur;
	a->max = (uint32_t)*max;
	kr = atlas_syscall1(number, (uintptr_t)a);
	if (kr == KERN_SUCCESS) {
		*addr = a->addr;
		*cur = (vm_prot_t)a->cur;
		*max = (vm_prot_t)a->max;
	}
	return kr;
}

kern_return_t
vm_remap(vm_map_t target, vm_address_t *addr, vm_size_t size, vm_address_t mask, int flags, vm_map_t source,
    vm_address_t source_addr, boolean_t copy, vm_prot_t *cur_protection, vm_prot_t *max_protection,
    vm_inherit_t inheritance)
{
	struct atlas_vm_remap_args a = {
		.task = target, .src = source, .size = size, .mask = mask, .src_addr = source_addr,
		.flags = (uint32_t)flags, .copy = copy != 0, .inherit = inheritance,
	};

	return remap(ATLAS_SYS_vm_remap, &a, addr, cur_protection, max_protection);
}

kern_return_t
vm_remap_new(vm_map_t target, vm_address_t *addr, vm_size_t size, vm_address_t mask, int flags, vm_map_t source,
    vm_address_t source_addr, boolean_t copy, vm_prot_t *cur_protection, vm_prot_t *max_protection,
    vm_inherit_t inheritance)
{
	struct atlas_vm_remap_args a = {
		.task = target, .src = source, .size = size, .mask = mask, .src_addr = source_addr,
		.flags = (uint32_t)flags, .copy = copy != 0, .inherit = inheritance,
	};

	return remap(ATLAS_SYS_vm_remap_new, &a, addr, cur_protection, max_protection);
}

kern_return_t
vm_wire(host_priv_t host, vm_map_t task, vm_address_t addr, vm_size_t size, vm_prot_t access)
{
	return atlas_syscall5(ATLAS_SYS_vm_wire, host, task, addr, size, (uint32_t)access);
}

kern_return_t
task_wire(vm_map_t task, boolean_t must_wire)
{
	return atlas_syscall2(ATLAS_SYS_task_wire, task, must_wire != 0);
}

kern_return_t
vm_behavior_set(vm_map_t task, vm_address_t addr, vm_size_t size, vm_behavior_t behavior)
{
	return atlas_syscall4(ATLAS_SYS_vm_behavior_set, task, addr, size, (uint32_t)behavior);
}

kern_return_t
vm_msync(vm_map_t task, vm_address_t addr, vm_size_t size, vm_sync_t flags)
{
	return atlas_syscall4(ATLAS_SYS_vm_msync, task, addr, size, flags);
}

kern_return_t
vm_machine_attribute(vm_map_t task, vm_address_t addr, vm_size_t size, vm_machine_attribute_t attribute,
    vm_machine_attribute_val_t *value)
{
	return atlas_syscall5(ATLAS_SYS_vm_machine_attribute, task, addr, size, attribute, (uintptr_t)value);
}

kern_return_t
vm_map_page_query(vm_map_t task, vm_offset_t addr, integer_t *disposition, integer_t *ref_count)
{
	return atlas_syscall4(ATLAS_SYS_vm_map_page_query, task, addr, (uintptr_t)disposition, (uintptr_t)ref_count);
}

kern_return_t
mach_vm_page_range_query(vm_map_t task, mach_vm_offset_t addr, mach_vm_size_t size, mach_vm_address_t dispositions,
    mach_vm_size_t *count)
{
	return atlas_syscall5(ATLAS_SYS_vm_map_page_range_query, task, addr, size, dispositions, (uintptr_t)count);
}

kern_return_t
mach_make_memory_entry(vm_map_t task, vm_size_t *size, vm_offset_t offset, vm_prot_t permission,
    mem_entry_name_port_t *handle, mem_entry_name_port_t parent)
{
	uint64_t n = *size;
	uint32_t name;
	kern_return_t kr = atlas_syscall6(ATLAS_SYS_mach_make_memory_entry, task, (uintptr_t)&n, offset,
	    (uint32_t)permission, (uintptr_t)&name, parent);

	if (kr == KERN_SUCCESS) {
		*size = n;
		*handle = name;
	}
	return kr;
}

kern_return_t
mach_destroy_memory_entry(mem_entry_name_port_t handle)
{
	return atlas_syscall1(ATLAS_SYS_handle_deallocate, handle);
}

kern_return_t
vm_region_object_create(vm_map_t task, vm_size_t size, mem_entry_name_port_t *handle)
{
	uint32_t name;
	kern_return_t kr = atlas_syscall3(ATLAS_SYS_vm_region_object_create, task, size, (uintptr_t)&name);

	if (kr == KERN_SUCCESS)
		*handle = name;
	return kr;
}

kern_return_t
mach_memory_object_memory_entry(host_t host, boolean_t internal, vm_size_t size, vm_prot_t permission,
    memory_object_t pager, mem_entry_name_port_t *handle)
{
	uint32_t name;
	kern_return_t kr = atlas_syscall6(ATLAS_SYS_mach_memory_object_memory_entry, host, internal != 0, size,
	    (uint32_t)permission, pager, (uintptr_t)&name);

	if (kr == KERN_SUCCESS)
		*handle = name;
	return kr;
}

kern_return_t
host_page_size(host_t host, vm_size_t *size)
{
	if (host != mach_host_self())
		return KERN_INVALID_HOST;
	*size = PAGE_SIZE;
	return KERN_SUCCESS;
}

uint64_t
mach_absolute_time(void)
{
	return atlas_syscall0(ATLAS_SYS_clock_us);
}

kern_return_t
mach_timebase_info(mach_timebase_info_t info)
{
	info->numer = 1000;
	info->denom = 1;
	return KERN_SUCCESS;
}

static const struct {
	const char *name, *text;
} kern_returns[] = {
#define X(number, kr, string) [number] = { "KERN_" #kr, "(os/kern) " string },
	MACH_KERN_RETURNS(X)
#undef X
};

const char *
mach_error_name(kern_return_t kr)
{
	if (kr < 0 || kr >= (int)(sizeof(kern_returns) / sizeof(kern_returns[0])) ||
	    kern_returns[kr].name == NULL)
		return "KERN_?";
	return kern_returns[kr].name;
}

const char *
mach_error_string(kern_return_t kr)
{
	if (kr < 0 || kr >= (int)(sizeof(kern_returns) / sizeof(kern_returns[0])) ||
	    kern_returns[kr].text == NULL)
		return "unknown error code";
	return kern_returns[kr].text;
}

void
mach_error(const char *what, kern_return_t kr)
{
	fprintf(stderr, "%s %s (%d)\n", what, mach_error_string(kr), kr);
}
