/*
 * memory_object.c: the kernel's memory objects, one system call each.
 *
 * Outputs pass through locals and are stored on success only.
 */
#include "libatlas.h"
#include <atlas/memory_object.h>

kern_return_t
atlas_memory_object_file(const char *path, memory_object_t *object, memory_object_size_t *size)
{
	uint64_t bytes;
	uint32_t name;
	kern_return_t kr = atlas_syscall3(ATLAS_SYS_memory_object_file, (uintptr_t)path, (uintptr_t)&name,
	    (uintptr_t)&bytes);

	if (kr == KERN_SUCCESS) {
		*object = name;
		*size = bytes;
	}
	return kr;
}

kern_return_t
atlas_memory_object_device(const char *device, uint64_t address, memory_object_size_t size, memory_object_t *object,
    uint64_t *start)
{
	uint64_t first;
	uint32_t name;
	kern_return_t kr = atlas_syscall5(ATLAS_SYS_memory_object_device, (uintptr_t)device, address, size,
	    (uintptr_t)&name, (uintptr_t)&first);

	if (kr == KERN_SUCCESS) {
		*object = name;
		*start = first;
	}
	return kr;
}

kern_return_t
atlas_memory_object_test(memory_object_size_t size, memory_object_t *object)
{
	uint32_t name;
	kern_return_t kr = atlas_syscall2(ATLAS_SYS_memory_object_test, size, (uintptr_t)&name);

	if (kr == KERN_SUCCESS)
		*object = name;
	return kr;
}

kern_return_t
atlas_memory_object_tell(memory_object_t object, enum atlas_pager_verb verb, uint64_t value)
{
	return atlas_syscall3(ATLAS_SYS_memory_object_tell, object, verb, value);
}

kern_return_t
atlas_memory_object_counts(memory_object_t object, struct atlas_pager_counts *counts)
{
	return atlas_syscall2(ATLAS_SYS_memory_object_counts, object, (uintptr_t)counts);
}

kern_return_t
atlas_memory_object_read(memory_object_t object, memory_object_offset_t offset, void *data, vm_size_t size)
{
	return atlas_syscall5(ATLAS_SYS_memory_object_store, object, offset, (uintptr_t)data, size, 0);
}

kern_return_t
atlas_memory_object_write(memory_object_t object, memory_object_offset_t offset, const void *data, vm_size_t size)
{
	return atlas_syscall5(ATLAS_SYS_memory_object_store, object, offset, (uintptr_t)data, size, 1);
}
