/*
 * mach/mach.h: Mach's virtual memory and task calls for U-mode programs.
 *
 * Names, values and argument orders are Mach's, so that programs written for
 * it compile unchanged. Calls exist for what the kernel has; a call that is
 * not declared here is not there. Result codes, down to the boundary cases of
 * each argument, are the kernel's.
 *
 * vm_* and mach_vm_* are the same calls: addresses are 64 bits in both.
 */
#ifndef MACH_MACH_H
#define MACH_MACH_H

#include <stdint.h>
#include <mach/kern_return.h>

#ifdef __cplusplus
extern "C" {
#endif

/* --- words --- */

typedef unsigned int natural_t;
typedef int          integer_t;
typedef int          boolean_t;
#ifndef TRUE
#define TRUE  1
#define FALSE 0
#endif

typedef uintptr_t vm_offset_t, vm_address_t, vm_size_t;
typedef uint64_t  mach_vm_address_t, mach_vm_offset_t, mach_vm_size_t;
typedef uint64_t  memory_object_offset_t, memory_object_size_t;
typedef uint64_t  vm_map_offset_t, vm_map_address_t, vm_map_size_t, vm_object_offset_t, vm_object_size_t;

typedef uintptr_t       pointer_t;

typedef uint32_t        mach_port_name_t, mach_port_t, port_t;
typedef mach_port_t     task_t, task_name_t, task_read_t, task_inspect_t, task_port_t;
typedef mach_port_t     vm_map_t, vm_map_read_t, vm_map_inspect_t, vm_task_entry_t, ledger_t;
typedef mach_port_t     mem_entry_name_port_t, memory_object_t, memory_object_default_t, ipc_space_t;
typedef mach_port_t     host_t, host_name_t, host_priv_t, host_name_port_t, host_priv_port_t;
typedef natural_t       mach_msg_type_number_t;
typedef kern_return_t   mach_msg_return_t, mach_error_t;
typedef mach_port_t    *ledger_array_t;
#define MACH_PORT_NULL  ((mach_port_t)0)
#define MACH_PORT_DEAD  ((mach_port_t)0xFFFFFFFFu)
#define MACH_PORT_VALID(name) ((name) != MACH_PORT_NULL && (name) != MACH_PORT_DEAD)
#define IP_NULL         MACH_PORT_NULL
typedef natural_t       mach_port_right_t;
typedef int             mach_port_delta_t;
#define MACH_PORT_RIGHT_SEND 0u         /* all that a handle can be */
#define TASK_NULL       ((task_t)0)
#define VM_MAP_NULL     ((vm_map_t)0)
#define HOST_NULL       ((host_t)0)
#define HOST_PRIV_NULL  ((host_priv_t)0)
#define MEMORY_OBJECT_NULL ((memory_object_t)0)

/* --- pages --- */

#define PAGE_SHIFT      12
#define PAGE_SIZE       4096ul
#define PAGE_MASK       4095ul
/* The same numbers, as Mach's programs know them. */
extern vm_size_t vm_page_size, vm_page_mask, vm_kernel_page_size, vm_kernel_page_mask;
extern int vm_page_shift, vm_kernel_page_shift;
#define trunc_page(a)   ((vm_offset_t)(a) & ~PAGE_MASK)
#define round_page(a)   (((vm_offset_t)(a) + PAGE_MASK) & ~PAGE_MASK)
#define page_aligned(a) (((vm_offset_t)(a) & PAGE_MASK) == 0)
#define atop(a)         ((vm_offset_t)(a) >> PAGE_SHIFT)
#define ptoa(n)         ((vm_offset_t)(n) << PAGE_SHIFT)
#define mach_vm_trunc_page(a) trunc_page(a)
#define mach_vm_round_page(a) round_page(a)
#define trunc_page_64(a) trunc_page(a)
#define round_page_64(a) round_page(a)
#define trunc_page_kernel(a) trunc_page(a)
#define round_page_kernel(a) round_page(a)
#define MACH_VM_MIN_ADDRESS VM_MIN_ADDRESS
#define VM_MIN_ADDRESS  ((vm_address_t)PAGE_SIZE)   /* page 0 is never mapped */
/* The end of the task's address space: what the machine's paging mode gives it. */
uint64_t __atlas_address_limit(void);
#define VM_MAX_ADDRESS  ((vm_address_t)__atlas_address_limit())
#define MACH_VM_MAX_ADDRESS VM_MAX_ADDRESS

/* --- protection, inheritance, behaviour, flags --- */

typedef int vm_prot_t;
#define VM_PROT_NONE    0x00
#define VM_PROT_READ    0x01
#define VM_PROT_WRITE   0x02
#define VM_PROT_EXECUTE 0x04
#define VM_PROT_DEFAULT (VM_PROT_READ | VM_PROT_WRITE)
#define VM_PROT_ALL     (VM_PROT_READ | VM_PROT_WRITE | VM_PROT_EXECUTE)
#define VM_PROT_NO_CHANGE 0x08  /* pagers' word: no call here takes it */
#define VM_PROT_COPY    0x10    /* vm_protect: make it a private, writable copy */
#define VM_PROT_WANTS_COPY VM_PROT_COPY
#define VM_PROT_IS_MASK 0x40    /* mach_make_memory_entry: as many of these as there are */

typedef unsigned int vm_inherit_t;
#define VM_INHERIT_SHARE        0u
#define VM_INHERIT_COPY         1u
#define VM_INHERIT_NONE         2u
#define VM_INHERIT_DONATE_COPY  3u      /* a name only: no call takes it */
#define VM_INHERIT_DEFAULT      VM_INHERIT_COPY
#define VM_INHERIT_LAST_VALID   VM_INHERIT_NONE

typedef int vm_behavior_t;
#define VM_BEHAVIOR_DEFAULT     0
#define VM_BEHAVIOR_RANDOM      1
#define VM_BEHAVIOR_SEQUENTIAL  2
#define VM_BEHAVIOR_RSEQNTL     3
/* These act at once, and are not kept. */
#define VM_BEHAVIOR_WILLNEED    4
#define VM_BEHAVIOR_DONTNEED    5
#define VM_BEHAVIOR_FREE        6
#define VM_BEHAVIOR_ZERO_WIRED_PAGES 7
#define VM_BEHAVIOR_REUSABLE    8
#define VM_BEHAVIOR_REUSE       9
#define VM_BEHAVIOR_CAN_REUSE   10
#define VM_BEHAVIOR_PAGEOUT     11
#define VM_BEHAVIOR_ZERO        12
#define VM_BEHAVIOR_LAST_VALID  VM_BEHAVIOR_ZERO
/* Of this system: the first touch of 2 MiB, aligned and wholly in the range, fills them at once; or page by page again */
#define VM_BEHAVIOR_MEGAPAGES   1014
#define VM_BEHAVIOR_SMALL_PAGES 1015

#define VM_FLAGS_FIXED          0x0
#define VM_FLAGS_ANYWHERE       0x1
#define VM_FLAGS_PURGABLE       0x2     /* a name only: refused */
#define VM_FLAGS_RANDOM_ADDR    0x8
#define VM_FLAGS_NO_CACHE       0x10
#define VM_FLAGS_PERMANENT      0x80
#define VM_FLAGS_OVERWRITE      0x4000
#define VM_FLAGS_SUPERPAGE_MASK 0x70000
#define VM_FLAGS_SUPERPAGE_SHIFT 16
#define SUPERPAGE_NONE          0
#define SUPERPAGE_SIZE_ANY      1
#define SUPERPAGE_SIZE_2MB      2
#define SUPERPAGE_SIZE_1GB      3
#define VM_FLAGS_SUPERPAGE_NONE (SUPERPAGE_NONE << VM_FLAGS_SUPERPAGE_SHIFT)
#define VM_FLAGS_SUPERPAGE_SIZE_ANY (SUPERPAGE_SIZE_ANY << VM_FLAGS_SUPERPAGE_SHIFT)
#define VM_FLAGS_SUPERPAGE_SIZE_2MB (SUPERPAGE_SIZE_2MB << VM_FLAGS_SUPERPAGE_SHIFT)
#define VM_FLAGS_SUPERPAGE_SIZE_1GB (SUPERPAGE_SIZE_1GB << VM_FLAGS_SUPERPAGE_SHIFT)
#define VM_FLAGS_RETURN_DATA_ADDR 0x100000
#define VM_FLAGS_ALIAS_MASK     0xFF000000
/* All that vm_allocate, vm_map, vm_remap take; any other bit is refused. */
#define VM_FLAGS_USER_ALLOCATE  (VM_FLAGS_ANYWHERE | VM_FLAGS_RANDOM_ADDR | VM_FLAGS_NO_CACHE | VM_FLAGS_PERMANENT | \
	VM_FLAGS_OVERWRITE | VM_FLAGS_SUPERPAGE_MASK | VM_FLAGS_ALIAS_MASK)
#define VM_FLAGS_USER_MAP       (VM_FLAGS_USER_ALLOCATE | VM_FLAGS_RETURN_DATA_ADDR)
#define VM_FLAGS_USER_REMAP     (VM_FLAGS_ANYWHERE | VM_FLAGS_RANDOM_ADDR | VM_FLAGS_OVERWRITE | VM_FLAGS_RETURN_DATA_ADDR)
#define VM_MAKE_TAG(tag)        ((int)((unsigned)(tag) << 24))
#define VM_GET_FLAGS_ALIAS(flags, alias) ((alias) = ((flags) >> 24) & 0xff)

/* Tags: reported by vm_region, never interpreted but for one. */
#define VM_MEMORY_MALLOC        1
#define VM_MEMORY_MALLOC_SMALL  2
#define VM_MEMORY_MALLOC_LARGE  3
#define VM_MEMORY_MALLOC_HUGE   4
#define VM_MEMORY_SBRK          5
#define VM_MEMORY_REALLOC       6
#define VM_MEMORY_MALLOC_TINY   7
#define VM_MEMORY_MALLOC_LARGE_REUSABLE 8
#define VM_MEMORY_MALLOC_LARGE_REUSED 9
#define VM_MEMORY_ANALYSIS_TOOL 10
#define VM_MEMORY_MALLOC_NANO   11
#define VM_MEMORY_MACH_MSG      20
#define VM_MEMORY_IOKIT         21
#define VM_MEMORY_STACK         30
#define VM_MEMORY_GUARD         31
#define VM_MEMORY_SHARED_PMAP   32      /* vm_map of a submap: with its page tables */
#define VM_MEMORY_DYLIB         33
#define VM_MEMORY_OBJC_DISPATCHERS 34
#define VM_MEMORY_UNSHARED_PMAP 35
#define VM_MEMORY_APPKIT        40
#define VM_MEMORY_FOUNDATION    41
#define VM_MEMORY_COREGRAPHICS  42
#define VM_MEMORY_CORESERVICES  43
#define VM_MEMORY_JAVA          44
#define VM_MEMORY_COREDATA      45
#define VM_MEMORY_ATS           50
#define VM_MEMORY_LAYERKIT      51
#define VM_MEMORY_CGIMAGE       52
#define VM_MEMORY_TCMALLOC      53
#define VM_MEMORY_DYLD          60
#define VM_MEMORY_DYLD_MALLOC   61
#define VM_MEMORY_SQLITE        62
#define VM_MEMORY_JAVASCRIPT_CORE 63
#define VM_MEMORY_OS_ALLOC_ONCE 73
#define VM_MEMORY_LIBDISPATCH   74
#define VM_MEMORY_SWIFT_RUNTIME 82
#define VM_MEMORY_SCENEKIT      86
#define VM_MEMORY_SKYWALK       87
#define VM_MEMORY_APPLICATION_SPECIFIC_1  240
#define VM_MEMORY_APPLICATION_SPECIFIC_2  241
#define VM_MEMORY_APPLICATION_SPECIFIC_16 255
#define VM_MEMORY_COUNT         256

/* --- wiring, caches, writing back --- */

typedef unsigned vm_sync_t;
#define VM_SYNC_ASYNCHRONOUS    0x01u
#define VM_SYNC_SYNCHRONOUS     0x02u
#define VM_SYNC_INVALIDATE      0x04u
#define VM_SYNC_KILLPAGES       0x08u
#define VM_SYNC_DEACTIVATE      0x10u
#define VM_SYNC_CONTIGUOUS      0x20u

typedef unsigned int vm_machine_attribute_t;
typedef int          vm_machine_attribute_val_t;
#define MATTR_CACHE             1u
#define MATTR_MIGRATE           2u
#define MATTR_REPLICATE         4u
#define MATTR_VAL_OFF           0
#define MATTR_VAL_ON            1
#define MATTR_VAL_GET           2
#define MATTR_VAL_CACHE_FLUSH   6
#define MATTR_VAL_DCACHE_FLUSH  7
#define MATTR_VAL_ICACHE_FLUSH  8
#define MATTR_VAL_CACHE_SYNC    9
#define MATTR_VAL_GET_INFO      10

/* --- memory entries --- */

#define MAP_MEM_NOOP            0
#define MAP_MEM_COPYBACK        1
#define MAP_MEM_IO              2
#define MAP_MEM_WTHRU           3
#define MAP_MEM_WCOMB           4
#define GET_MAP_MEM(flags)      (((unsigned)(flags) >> 24) & 0xf)
#define SET_MAP_MEM(cache, flags) ((flags) = ((cache) << 24) | ((flags) & 0xf0ffffff))
#define MAP_MEM_ONLY            0x010000
#define MAP_MEM_NAMED_CREATE    0x020000
#define MAP_MEM_PURGABLE        0x040000        /* a name only: refused */
#define MAP_MEM_NAMED_REUSE     0x080000
#define MAP_MEM_USE_DATA_ADDR   0x100000
#define MAP_MEM_VM_COPY         0x200000
#define MAP_MEM_VM_SHARE        0x400000

/* --- pages --- */

#define VM_PAGE_QUERY_PAGE_PRESENT   0x1
#define VM_PAGE_QUERY_PAGE_FICTITIOUS 0x2
#define VM_PAGE_QUERY_PAGE_REF       0x4
#define VM_PAGE_QUERY_PAGE_DIRTY     0x8

/* --- lists of ranges --- */

#define VM_MAP_ENTRY_MAX        256
typedef struct vm_read_entry {
	vm_address_t address;
	vm_size_t    size;
} vm_read_entry_t[VM_MAP_ENTRY_MAX];
typedef vm_read_entry_t mach_vm_read_entry_t;

/* --- regions --- */

typedef int  vm_region_flavor_t;
typedef int *vm_region_info_t, *vm_region_recurse_info_t, *vm_region_info_64_t, *vm_region_recurse_info_64_t;
#define VM_REGION_BASIC_INFO_64 9       /* the same as 10: offsets have 64 bits */
#define VM_REGION_BASIC_INFO    10
#define VM_REGION_EXTENDED_INFO 11
#define VM_REGION_EXTENDED_INFO__legacy VM_REGION_EXTENDED_INFO
#define VM_REGION_TOP_INFO      12

#define SM_COW                  1
#define SM_PRIVATE              2
#define SM_EMPTY                3
#define SM_SHARED               4
#define SM_TRUESHARED           5
#define SM_PRIVATE_ALIASED      6
#define SM_SHARED_ALIASED       7
#define SM_LARGE_PAGE           8       /* a name only: superpages are as private as other memory */

struct vm_region_basic_info {
	vm_prot_t      protection;
	vm_prot_t      max_protection;
	vm_inherit_t   inheritance;
	boolean_t      shared;
	boolean_t      reserved;                /* a submap */
	memory_object_offset_t offset;
	vm_behavior_t  behavior;
	unsigned short user_wired_count;
	unsigned short pad;
};
typedef struct vm_region_basic_info *vm_region_basic_info_t;
typedef struct vm_region_basic_info  vm_region_basic_info_data_t;
typedef struct vm_region_basic_info *vm_region_basic_info_64_t;
typedef struct vm_region_basic_info  vm_region_basic_info_data_64_t;
#define vm_region_basic_info_64 vm_region_basic_info
#define VM_REGION_BASIC_INFO_COUNT \
	((mach_msg_type_number_t)(sizeof(vm_region_basic_info_data_t) / sizeof(natural_t)))
#define VM_REGION_BASIC_INFO_COUNT_64 VM_REGION_BASIC_INFO_COUNT

struct vm_region_extended_info {
	vm_prot_t      protection;
	unsigned int   user_tag;
	unsigned int   pages_resident;
	unsigned int   pages_shared_now_private;
	unsigned int   pages_swapped_out;
	unsigned int   pages_referenced;
	unsigned int   ref_count;
	unsigned short shadow_depth;
	unsigned char  external_pager;
	unsigned char  share_mode;
	unsigned int   pages_dirtied;
	unsigned int   pages_reusable;
};
typedef struct vm_region_extended_info *vm_region_extended_info_t;
typedef struct vm_region_extended_info  vm_region_extended_info_data_t;
#define VM_REGION_EXTENDED_INFO_COUNT \
	((mach_msg_type_number_t)(sizeof(vm_region_extended_info_data_t) / sizeof(natural_t)))

struct vm_region_top_info {
	unsigned int  obj_id;
	unsigned int  ref_count;
	unsigned int  private_pages_resident;
	unsigned int  shared_pages_resident;
	unsigned char share_mode;
	unsigned char pad[3];
};
typedef struct vm_region_top_info *vm_region_top_info_t;
typedef struct vm_region_top_info  vm_region_top_info_data_t;
#define VM_REGION_TOP_INFO_COUNT \
	((mach_msg_type_number_t)(sizeof(vm_region_top_info_data_t) / sizeof(natural_t)))

struct vm_region_submap_info {
	vm_prot_t      protection;
	vm_prot_t      max_protection;
	vm_inherit_t   inheritance;
	unsigned int   user_tag;
	memory_object_offset_t offset;
	unsigned int   pages_resident;
	unsigned int   pages_shared_now_private;
	unsigned int   pages_swapped_out;
	unsigned int   pages_dirtied;
	unsigned int   pages_referenced;
	unsigned int   ref_count;
	unsigned short shadow_depth;
	unsigned char  external_pager;
	unsigned char  share_mode;
	unsigned char  is_submap;               /* the descent stopped at one */
	unsigned char  pad[3];
	vm_behavior_t  behavior;
	unsigned int   object_id;
	unsigned short user_wired_count;
	unsigned short pad2;
};
typedef struct vm_region_submap_info *vm_region_submap_info_t;
typedef struct vm_region_submap_info  vm_region_submap_info_data_t;
typedef struct vm_region_submap_info *vm_region_submap_info_64_t;
typedef struct vm_region_submap_info  vm_region_submap_info_data_64_t;
typedef struct vm_region_submap_info *vm_region_submap_short_info_64_t;
typedef struct vm_region_submap_info  vm_region_submap_short_info_data_64_t;
#define vm_region_submap_info_64 vm_region_submap_info
#define vm_region_submap_short_info_64 vm_region_submap_info
typedef struct vm_region_submap_info *vm_region_submap_short_info_t;
#define VM_REGION_SUBMAP_INFO_COUNT \
	((mach_msg_type_number_t)(sizeof(vm_region_submap_info_data_t) / sizeof(natural_t)))
#define VM_REGION_SUBMAP_INFO_COUNT_64 VM_REGION_SUBMAP_INFO_COUNT
#define VM_REGION_SUBMAP_SHORT_INFO_COUNT_64 VM_REGION_SUBMAP_INFO_COUNT

/* --- tasks and handles --- */

#define mach_task_self_         ((task_t)0xFFFFFFFFu)
#define mach_task_self()        mach_task_self_
#define current_task()          mach_task_self()
/* The host, and the right to wire memory: every program has it. */
#define mach_host_self()        ((host_t)0xFFFFFFFEu)
#define mach_host_priv_self()   mach_host_self()
#define host_priv()             mach_host_self()

/* A task without threads; its memory as each entry's inheritance says, or empty. */
kern_return_t task_create(task_t parent, ledger_array_t ledgers,
    mach_msg_type_number_t ledgers_count, boolean_t inherit_memory, task_t *child);
kern_return_t task_terminate(task_t task);
/* must_wire: all memory that the task maps from now on is wired. */
kern_return_t task_wire(vm_map_t task, boolean_t must_wire);
kern_return_t host_page_size(host_t host, vm_size_t *size);
kern_return_t mach_port_deallocate(ipc_space_t space, mach_port_name_t name);
/* delta -1 of MACH_PORT_RIGHT_SEND is mach_port_deallocate; KERN_INVALID_VALUE: all else. */
kern_return_t mach_port_mod_refs(ipc_space_t space, mach_port_name_t name, mach_port_right_t right,
    mach_port_delta_t delta);

/* --- memory --- */

kern_return_t vm_allocate(vm_map_t task, vm_address_t *addr, vm_size_t size, int flags);
kern_return_t vm_deallocate(vm_map_t task, vm_address_t addr, vm_size_t size);
kern_return_t vm_protect(vm_map_t task, vm_address_t addr, vm_size_t size,
    boolean_t set_maximum, vm_prot_t protection);
kern_return_t vm_inherit(vm_map_t task, vm_address_t addr, vm_size_t size,
    vm_inherit_t inheritance);
/* *data: a new region of the caller, who frees it with vm_deallocate. */
kern_return_t vm_read(vm_map_t task, vm_address_t addr, vm_size_t size,
    vm_offset_t *data, mach_msg_type_number_t *count);
kern_return_t vm_read_overwrite(vm_map_t task, vm_address_t addr, vm_size_t size,
    vm_address_t data, vm_size_t *count);
kern_return_t vm_write(vm_map_t task, vm_address_t addr, vm_offset_t data,
    mach_msg_type_number_t count);
kern_return_t vm_copy(vm_map_t task, vm_address_t source, vm_size_t size,
    vm_address_t destination);
/* Every range is read, in place: address becomes that of a new region; or none is. */
kern_return_t vm_read_list(vm_map_t task, vm_read_entry_t list, natural_t count);
/* object: a memory entry, a memory object, or MACH_PORT_NULL for memory that reads as zero. */
kern_return_t vm_map(vm_map_t task, vm_address_t *addr, vm_size_t size,
    vm_address_t mask, int flags, mem_entry_name_port_t object, vm_offset_t offset,
    boolean_t copy, vm_prot_t cur_protection, vm_prot_t max_protection,
    vm_inherit_t inheritance);
/* The entry at *addr, or the next above. *object_name is always MACH_PORT_NULL. */
kern_return_t vm_region(vm_map_t task, vm_address_t *addr, vm_size_t *size,
    vm_region_flavor_t flavor, vm_region_info_t info, mach_msg_type_number_t *count,
    mach_port_t *object_name);

/* *depth: submaps to enter at most; those entered. Addresses are the task's. */
kern_return_t vm_region_recurse(vm_map_t task, vm_address_t *addr, vm_size_t *size,
    natural_t *depth, vm_region_recurse_info_t info, mach_msg_type_number_t *count);
/* Another mapping of source's memory: shared, or copied. cur, max: the rights that all of it has. */
kern_return_t vm_remap(vm_map_t target, vm_address_t *addr, vm_size_t size, vm_address_t mask,
    int flags, vm_map_t source, vm_address_t source_addr, boolean_t copy,
    vm_prot_t *cur_protection, vm_prot_t *max_protection, vm_inherit_t inheritance);
/* cur, max: also the most that is asked. */
kern_return_t vm_remap_new(vm_map_t target, vm_address_t *addr, vm_size_t size, vm_address_t mask,
    int flags, vm_map_t source, vm_address_t source_addr, boolean_t copy,
    vm_prot_t *cur_protection, vm_prot_t *max_protection, vm_inherit_t inheritance);
/* access VM_PROT_NONE: unwires. */
kern_return_t vm_wire(host_priv_t host, vm_map_t task, vm_address_t addr, vm_size_t size, vm_prot_t access);
/* GNU Mach's: all of the task's memory, that of now, of later, or both; VM_WIRE_NONE undoes both. */
#define VM_WIRE_NONE            0
#define VM_WIRE_CURRENT         1
#define VM_WIRE_FUTURE          2
#define VM_WIRE_ALL             (VM_WIRE_CURRENT | VM_WIRE_FUTURE)
typedef int vm_wire_t;
kern_return_t vm_wire_all(host_priv_t host, vm_map_t task, vm_wire_t flags);
kern_return_t vm_behavior_set(vm_map_t task, vm_address_t addr, vm_size_t size, vm_behavior_t behavior);
kern_return_t vm_msync(vm_map_t task, vm_address_t addr, vm_size_t size, vm_sync_t flags);
kern_return_t vm_machine_attribute(vm_map_t task, vm_address_t addr, vm_size_t size,
    vm_machine_attribute_t attribute, vm_machine_attribute_val_t *value);
/* VM_PAGE_QUERY_* of the page that shows at addr; 0: none is resident. */
kern_return_t vm_map_page_query(vm_map_t task, vm_offset_t addr, integer_t *disposition, integer_t *ref_count);
/* dispositions: address of one int for each page, *count of them at most; *count: those written. */
kern_return_t mach_vm_page_range_query(vm_map_t task, mach_vm_offset_t addr, mach_vm_size_t size,
    mach_vm_address_t dispositions, mach_vm_size_t *count);

/* A handle for memory of the task at offset, for part of parent, or (MAP_MEM_NAMED_CREATE) for new memory. */
kern_return_t mach_make_memory_entry(vm_map_t task, vm_size_t *size, vm_offset_t offset,
    vm_prot_t permission, mem_entry_name_port_t *handle, mem_entry_name_port_t parent);
kern_return_t mach_destroy_memory_entry(mem_entry_name_port_t handle);
/* A handle for an empty map of its own, which others map as a window. */
kern_return_t vm_region_object_create(vm_map_t task, vm_size_t size, mem_entry_name_port_t *handle);
kern_return_t mach_memory_object_memory_entry(host_t host, boolean_t internal, vm_size_t size,
    vm_prot_t permission, memory_object_t pager, mem_entry_name_port_t *handle);

#define vm_region_64            vm_region
#define vm_region_recurse_64    vm_region_recurse
#define vm_map_64               vm_map
#define mach_make_memory_entry_64 mach_make_memory_entry
#define mach_memory_object_memory_entry_64 mach_memory_object_memory_entry
#define mach_vm_allocate        vm_allocate
#define mach_vm_deallocate      vm_deallocate
#define mach_vm_protect         vm_protect
#define mach_vm_inherit         vm_inherit
#define mach_vm_read            vm_read
#define mach_vm_read_overwrite  vm_read_overwrite
#define mach_vm_write           vm_write
#define mach_vm_copy            vm_copy
#define mach_vm_map             vm_map
#define mach_vm_region          vm_region
#define mach_vm_region_recurse  vm_region_recurse
#define mach_vm_remap           vm_remap
#define mach_vm_remap_new       vm_remap_new
#define mach_vm_wire            vm_wire
#define mach_vm_behavior_set    vm_behavior_set
#define mach_vm_msync           vm_msync
#define mach_vm_machine_attribute vm_machine_attribute
#define mach_vm_page_query      vm_map_page_query
#define mach_vm_read_list       vm_read_list

/* --- errors --- */

#define MACH_MSG_SUCCESS        KERN_SUCCESS
/* No message carries a call, so the call itself answers: for a null task, for data that cannot be read. */
#define MACH_SEND_INVALID_DEST  KERN_INVALID_ARGUMENT
#define MACH_SEND_INVALID_MEMORY KERN_INVALID_ADDRESS

/* "(os/kern) no space available" */
const char *mach_error_string(kern_return_t kr);
/* "KERN_NO_SPACE"; "KERN_?" for a number without a name. */
const char *mach_error_name(kern_return_t kr);
void mach_error(const char *what, kern_return_t kr);

#ifdef __cplusplus
}
#endif

#endif
