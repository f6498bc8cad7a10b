/*
 * atlas/memory_object.h: memory objects that the kernel serves, by name.
 *
 * Mach's vm_map takes them (copied or shared), and
 * mach_memory_object_memory_entry makes memory entries of them. A handle is
 * given back with mach_port_deallocate; mappings outlive it.
 */
#ifndef ATLAS_MEMORY_OBJECT_H
#define ATLAS_MEMORY_OBJECT_H

#include <mach/mach.h>
#include <atlas/abi.h>

#ifdef __cplusplus
extern "C" {
#endif

/*
 * A file of the initrd, r-x; *size: its bytes. KERN_NOT_FOUND; KERN_INVALID_ARGUMENT: it is empty;
 * KERN_INVALID_ADDRESS: the path cannot be read; KERN_RESOURCE_SHORTAGE.
 */
kern_return_t atlas_memory_object_file(const char *path, memory_object_t *object, memory_object_size_t *size);
/*
 * The registers of a device, rw-, uncached: by path or alias in the device tree, or (name NULL) by physical
 * address. size 0: all. *start: the physical address of its first byte. KERN_NOT_FOUND; KERN_PROTECTION_FAILURE:
 * memory, or the kernel's own; KERN_INVALID_ARGUMENT: more than there is.
 */
kern_return_t atlas_memory_object_device(const char *name, uint64_t address, memory_object_size_t size,
    memory_object_t *object, uint64_t *start);
/* Memory behind a manager that misbehaves when told to (ATLAS_PAGER_*, atlas/abi.h). */
kern_return_t atlas_memory_object_test(memory_object_size_t size, memory_object_t *object);
kern_return_t atlas_memory_object_tell(memory_object_t object, enum atlas_pager_verb verb, uint64_t value);
kern_return_t atlas_memory_object_counts(memory_object_t object, struct atlas_pager_counts *counts);
/* The manager's own memory, as nobody who maps the object sees it before it is asked for. */
kern_return_t atlas_memory_object_read(memory_object_t object, memory_object_offset_t offset, void *data, vm_size_t size);
kern_return_t atlas_memory_object_write(memory_object_t object, memory_object_offset_t offset, const void *data,
    vm_size_t size);

#ifdef __cplusplus
}
#endif

#endif
