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
#include <mm/vm_map_find.h>
#include <mm/vm_named_entry.h>

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
#define VM_READ_LIST_MAX 256u
struct vm_read_range {
	vm_address_ut addr;             /* out: the new region's */
	vm_size_ut    size;
};
/*
 * Each range as by vm_read; all or none: on failure the regions that were made are gone, and the list is not
 * to be used. KERN_INVALID_ARGUMENT: more than VM_READ_LIST_MAX.
 */
kern_return_t vm_read_list(vm_map_t map, struct vm_read_range *list, unsigned count, vm_map_t into);
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
	vm_named_entry_t entry;         /* at most one of these two; NULL both: zero-fill */
	memory_object_t  pager;
};
/* Mach's vm_map: of zero-fill memory, a named entry, or a memory object. */
kern_return_t vm_map_user(vm_map_t map, vm_address_ut *addr, const struct vm_map_user_args *args);

struct vm_remap_user_args {
	vm_size_ut    size;
	uint64_t      mask;
	uint32_t      flags;            /* VM_FLAGS_*, or a boolean anywhere */
	vm_map_t      src;
	vm_address_ut src_addr;
	bool          copy;
	bool          bounded;          /* vm_remap_new: *cur and *max say the most that is asked */
	vm_inherit_t  inheritance;
};
kern_return_t vm_remap(vm_map_t target, vm_address_ut *addr, const struct vm_remap_user_args *a, vm_prot_t *cur, vm_prot_t *max);
/* access NONE unwires. A NULL map is KERN_INVALID_TASK. */
kern_return_t vm_wire(vm_map_t map, vm_address_ut addr, vm_size_ut size, vm_prot_t access);
/* must_wire: every mapping made from now on is wired. */
kern_return_t task_wire(vm_map_t map, bool must_wire);
kern_return_t vm_behavior_set(vm_map_t map, vm_address_ut addr, vm_size_ut size, vm_behavior_t behavior);
/* A NULL map is KERN_INVALID_TASK. */
kern_return_t vm_msync(vm_map_t map, vm_address_ut addr, vm_size_ut size, unsigned flags);
kern_return_t vm_machine_attribute(vm_map_t map, vm_address_ut addr, vm_size_ut size, uint32_t attribute, int *value);
/*
 * VM_PAGE_QUERY_* bits of the page that shows at addr, and the references on the object mapped there; both 0 where
 * nothing is mapped or resident. KERN_SUCCESS but for a NULL map.
 */
kern_return_t vm_map_page_query(vm_map_t map, vm_address_ut addr, int *disposition, int *ref_count);
/*
 * One int per page of the range, as vm_map_page_query says; *count: in, room; out, written (pages beyond the room are
 * left out). Size 0: none. KERN_INVALID_ARGUMENT: the range wraps.
 */
kern_return_t vm_map_page_range_query(vm_map_t map, vm_address_ut addr, vm_size_ut size, int *dispositions, uint64_t *count);
/* parent: NULL or referenced by the caller. *entry: one reference. */
kern_return_t mach_make_memory_entry(vm_map_t map, vm_size_ut *size, vm_address_ut offset, uint32_t permission,
    vm_named_entry_t *entry, vm_named_entry_t parent);
kern_return_t vm_region_object_create(vm_size_ut size, vm_named_entry_t *entry);
kern_return_t mach_memory_object_memory_entry(bool internal, vm_size_ut size, vm_prot_t prot, memory_object_t pager, vm_named_entry_t *entry);

/* --- FreeBSD's placement (vm_user_find.c) --- */

struct vm_find_user_args {
	vm_size_ut    length;
	vm_address_ut offset;           /* in the object; without one: where its superpages would begin */
	vm_address_ut min_addr, max_addr;
	uint32_t      find_space;       /* VMFS_* */
	uint32_t      cow;              /* MAP_* */
	vm_prot_t     prot, max;
	vm_named_entry_t entry;         /* at most one of these two; NULL both: zero-fill */
	memory_object_t  pager;
	struct vm_map_trace *trace;     /* NULL: not asked for */
};
enum vm_find_call { VM_MAP_FIND, VM_MAP_FIND_MIN, VM_MAP_FIXED, VM_MAP_INSERT };
/*
 * vm_map_find, vm_map_find_min, vm_map_fixed, vm_map_insert ([*addr, *addr + length)): codes of mm/vm_map_find.h, where
 * addresses, lengths and offsets that are no pages' are KERN_INVALID_ARGUMENT. The object's reference stays the caller's. A named
 * entry or memory object must give the rights (KERN_INVALID_RIGHT, KERN_PROTECTION_FAILURE; MAP_COPY_ON_WRITE needs but
 * READ) and hold the window (KERN_INVALID_ARGUMENT); a submap is none. *addr is written on success, and by the two that
 * search when they found a place that could not be used.
 */
kern_return_t vm_map_find_user(vm_map_t map, vm_address_ut *addr, const struct vm_find_user_args *a, enum vm_find_call call);
/* *addr: as vm_map_findspace returns it, found or not; so KERN_SUCCESS unless start or length are not in pages, or length is 0. */
kern_return_t vm_map_findspace_user(vm_map_t map, vm_address_ut start, vm_size_ut length, vm_address_ut *addr);
kern_return_t vm_map_find_aligned_user(vm_map_t map, vm_address_ut *addr, vm_size_ut length, vm_address_ut max_addr, uint64_t alignment);
kern_return_t vm_map_set_options_user(vm_map_t map, uint32_t options, uint64_t seed);

/* --- stacks and limits: mm/vm_map_stack.h; codes as there --- */

/* cow: MAP_STACK_GROWS_DOWN (or neither), MAP_STACK_GROWS_UP... */
kern_return_t vm_map_stack_user(vm_map_t map, vm_address_ut addrbos, vm_size_ut max_ssize, vm_prot_t prot, vm_prot_t max, uint32_t cow);
kern_return_t vm_map_growstack_user(vm_map_t map, vm_address_ut addr);
/* rules: enum vm_stack_rules; KERN_INVALID_ARGUMENT: another. */
kern_return_t vm_map_stack_rules_user(vm_map_t map, uint32_t rules, bool guard);
/* The stack in the range is the one that the limit is for; size 0: none is. KERN_INVALID_ARGUMENT: it wraps. */
kern_return_t vm_map_main_stack_user(vm_map_t map, vm_address_ut start, vm_size_ut size);
#define VM_LIMIT_SIZE   1u
#define VM_LIMIT_WIRED  2u
#define VM_LIMIT_STACK  4u
#define VM_LIMIT_ALL    7u
/* Sets those that `which` names (VM_LIMIT_*) to what *l has; *l: out, all as they are then. KERN_INVALID_ARGUMENT: unknown bits. */
kern_return_t task_limits(vm_map_t map, uint32_t which, struct vm_map_limits *l);

/* --- FreeBSD's operations on ranges: mm/vm_map_range.h; codes as there, and KERN_INVALID_ARGUMENT for what is not in pages --- */

kern_return_t vm_map_protect_user(vm_map_t map, vm_address_ut start, vm_address_ut end, vm_prot_t prot, vm_prot_t max, uint32_t flags);
/* VM_INHERIT_ZERO, too. */
kern_return_t vm_map_inherit_user(vm_map_t map, vm_address_ut start, vm_address_ut end, vm_inherit_t inheritance);
kern_return_t vm_map_madvise_user(vm_map_t map, vm_address_ut start, vm_address_ut end, uint32_t advice);
kern_return_t vm_map_sync_user(vm_map_t map, vm_address_ut start, vm_address_ut end, bool syncio, bool invalidate);
enum vm_user_wire { VM_USER_WIRE, VM_USER_UNWIRE };
/* The caller says whether the kernel's wirings are for him. */
kern_return_t vm_map_wire_user(vm_map_t map, vm_address_ut start, vm_address_ut end, uint32_t flags, enum vm_user_wire how);
/* FALSE for a NULL map. */
bool vm_map_check_protection_user(vm_map_t map, vm_address_ut start, vm_address_ut end, vm_prot_t prot);
bool vm_map_range_valid_user(vm_map_t map, vm_address_ut start, vm_address_ut end);

/* --- vm_region (vm_map_region.c) --- */

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

struct vm_region_extended_info {
	vm_prot_t protection;
	uint32_t  user_tag, pages_resident, pages_shared_now_private, pages_swapped_out, pages_referenced;
	uint32_t  ref_count;
	uint16_t  shadow_depth;
	uint8_t   external_pager, share_mode;
	uint32_t  pages_dirtied;
	uint32_t  pages_reusable;       /* always 0: such pages are freed at once */
};
struct vm_region_top_info {
	uint32_t obj_id, ref_count, private_pages_resident, shared_pages_resident;
	uint8_t  share_mode, pad[3];
};
/* What a descent into submaps finds (vm_region_recurse). */
struct vm_region_submap_info {
	vm_prot_t    protection, max_protection;
	vm_inherit_t inheritance;
	uint32_t     user_tag;
	uint64_t     offset;
	uint32_t     pages_resident, pages_shared_now_private, pages_swapped_out, pages_dirtied, pages_referenced;
	uint32_t     ref_count;
	uint16_t     shadow_depth;
	uint8_t      external_pager, share_mode, is_submap, pad[3];
	uint32_t     behavior;
	uint32_t     object_id;
	uint16_t     user_wired_count, pad2;
};
/*
 * flavor VM_REGION_BASIC_INFO, EXTENDED_INFO, TOP_INFO, or a later number of them. *count: words that info has room for; out, words written.
 * KERN_INVALID_ARGUMENT: flavor, or too little room. KERN_INVALID_ADDRESS past the last entry.
 */
kern_return_t vm_region(vm_map_t map, vm_address_ut *addr, vm_size_ut *size, int flavor, void *info, uint32_t *count);
/* *depth: levels that may be entered; out, levels entered. addr and size in the top map's addresses. */
kern_return_t vm_region_recurse(vm_map_t map, vm_address_ut *addr, vm_size_ut *size, uint32_t *depth,
    struct vm_region_submap_info *info, uint32_t *count);

#endif
