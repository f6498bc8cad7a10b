/*
 * mm/vm_user.h: the calls of users (shell and U-mode), arguments as they come.
 *
 * The one place where integers from outside become addresses. Every argument
 * may have any value; result codes follow the table of Mach's user calls, down
 * to the boundary cases. Outputs are written on success only. Each call takes
 * the task's map; NULL is KERN_INVALID_ARGUMENT.
 *
 * Outside integers have an outside type: arithmetic on it does not compile.
 */
#ifndef MM_VM_USER_H
#define MM_VM_USER_H

#include <mm/vm_map.h>

typedef struct { uint64_t v; } vm_address_ut;   /* an address or offset, not yet trusted */
typedef struct { uint64_t v; } vm_size_ut;      /* a length in bytes, not yet trusted */

static inline vm_address_ut vm_address_u(uint64_t v) { return (vm_address_ut){ v }; }
static inline vm_size_ut vm_size_u(uint64_t v) { return (vm_size_ut){ v }; }

kern_return_t vm_allocate(vm_map_t map, vm_address_ut *addr, vm_size_ut size, uint32_t flags);
kern_return_t vm_deallocate(vm_map_t map, vm_address_ut addr, vm_size_ut size);
kern_return_t vm_protect(vm_map_t map, vm_address_ut addr, vm_size_ut size, bool set_max, vm_prot_t prot);
kern_return_t vm_inherit(vm_map_t map, vm_address_ut addr, vm_size_ut size, vm_inherit_t inheritance);
/* data: new region in `into` (the caller's map). */
kern_return_t vm_read(vm_map_t map, vm_address_ut addr, vm_size_ut size, vm_map_t into, vm_address_ut *data, vm_size_ut *count);
kern_return_t vm_read_overwrite(vm_map_t map, vm_address_ut addr, vm_size_ut size, vm_map_t into, vm_address_ut data, vm_size_ut *count);
/* data: region of `from` (the caller's map). */
kern_return_t vm_write(vm_map_t map, vm_address_ut addr, vm_map_t from, vm_address_ut data, vm_size_ut count);
kern_return_t vm_copy(vm_map_t map, vm_address_ut src, vm_size_ut size, vm_address_ut dst);

struct vm_map_user_args {
	vm_size_ut    size;
	uint64_t      mask;
	uint32_t      flags;            /* VM_FLAGS_*; a boolean anywhere will do */
	vm_address_ut offset;           /* without an object it means nothing (Mach) */
	bool          copy;             /* likewise */
	vm_prot_t     cur, max;
	vm_inherit_t  inheritance;
};
/* Zero-fill memory: the form of vm_map without a memory object. */
kern_return_t vm_map_user(vm_map_t map, vm_address_ut *addr, const struct vm_map_user_args *args);

struct vm_region_basic_info {
	vm_prot_t    protection, max_protection;
	vm_inherit_t inheritance;
	uint32_t     shared, reserved;          /* reserved: is_submap */
	uint64_t     offset;
	uint32_t     behavior;
	uint16_t     user_wired_count;
	uint16_t     pad;
};
/* *addr: in, any address; out, start of the entry at or after it. KERN_INVALID_ADDRESS past the last. */
kern_return_t vm_region_basic(vm_map_t map, vm_address_ut *addr, vm_size_ut *size, struct vm_region_basic_info *info);

#endif
