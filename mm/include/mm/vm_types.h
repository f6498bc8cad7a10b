/*
 * mm/vm_types.h: Mach's names for what the VM deals in.
 *
 * Values are Mach's (osfmk/mach/vm_prot.h, vm_inherit.h, vm_behavior.h,
 * vm_statistics.h): programs compiled against <mach/mach.h> use the same.
 */
#ifndef MM_VM_TYPES_H
#define MM_VM_TYPES_H

#include <base/types.h>
#include <base/kern_return.h>

typedef struct vm_map        *vm_map_t;
typedef struct vm_map_entry  *vm_map_entry_t;
typedef struct vm_map_copy   *vm_map_copy_t;
typedef struct vm_object     *vm_object_t;
typedef struct vm_page       *vm_page_t;
typedef struct vm_chunk      *vm_chunk_t;
typedef struct pmap          *pmap_t;
typedef struct vm_named_entry *vm_named_entry_t;
typedef struct memory_object *memory_object_t;
typedef struct shared_region_mapping *shared_region_mapping_t;

#define VM_MAP_NULL         ((vm_map_t)NULL)
#define VM_MAP_ENTRY_NULL   ((vm_map_entry_t)NULL)
#define VM_MAP_COPY_NULL    ((vm_map_copy_t)NULL)
#define VM_OBJECT_NULL      ((vm_object_t)NULL)
#define VM_PAGE_NULL        ((vm_page_t)NULL)
#define PMAP_NULL           ((pmap_t)NULL)

typedef uint32_t vm_prot_t;
#define VM_PROT_NONE        0x00u
#define VM_PROT_READ        0x01u
#define VM_PROT_WRITE       0x02u
#define VM_PROT_EXECUTE     0x04u
#define VM_PROT_DEFAULT     (VM_PROT_READ | VM_PROT_WRITE)
#define VM_PROT_ALL         (VM_PROT_READ | VM_PROT_WRITE | VM_PROT_EXECUTE)
#define VM_PROT_NO_CHANGE   0x08u       /* memory_object_lock_request: leave the pages' locks alone */
#define VM_PROT_COPY        0x10u       /* vm_protect: make it a private, writable copy */
#define VM_PROT_FAULT_LOOKUP 0x20u      /* vm_map_lookup: stacks grow */
#define VM_PROT_IS_MASK     0x40u       /* mach_make_memory_entry: grant what is possible of these */

typedef uint32_t vm_inherit_t;
#define VM_INHERIT_SHARE    0u
#define VM_INHERIT_COPY     1u
#define VM_INHERIT_NONE     2u
#define VM_INHERIT_ZERO     3u          /* FreeBSD's: zero-fill memory instead; not for Mach's calls */
#define VM_INHERIT_DEFAULT  VM_INHERIT_COPY
#define VM_INHERIT_LAST_VALID VM_INHERIT_NONE

typedef uint32_t vm_behavior_t;
#define VM_BEHAVIOR_DEFAULT     0u
#define VM_BEHAVIOR_RANDOM      1u
#define VM_BEHAVIOR_SEQUENTIAL  2u
#define VM_BEHAVIOR_RSEQNTL     3u
#define VM_BEHAVIOR_STORED_LAST 3u      /* those above are kept by the entry; those below act at once */
#define VM_BEHAVIOR_WILLNEED    4u
#define VM_BEHAVIOR_DONTNEED    5u
#define VM_BEHAVIOR_FREE        6u
#define VM_BEHAVIOR_ZERO_WIRED_PAGES 7u
#define VM_BEHAVIOR_REUSABLE    8u
#define VM_BEHAVIOR_REUSE       9u
#define VM_BEHAVIOR_CAN_REUSE   10u
#define VM_BEHAVIOR_PAGEOUT     11u
#define VM_BEHAVIOR_ZERO        12u
#define VM_BEHAVIOR_LAST_VALID  12u
/*
 * Ours, kept by the entry beside the four: does the first touch of 2 MiB clear them all, the first write copy them all?
 * Numbers far from Mach's: 1000 + those of madvise(2).
 */
#define VM_BEHAVIOR_MEGAPAGES   1014u
#define VM_BEHAVIOR_SMALL_PAGES 1015u
static inline bool
vm_behavior_is_valid(vm_behavior_t b)
{
	return b <= VM_BEHAVIOR_LAST_VALID || b == VM_BEHAVIOR_MEGAPAGES || b == VM_BEHAVIOR_SMALL_PAGES;
}

/* vm_allocate, vm_map: flags. A plain boolean "anywhere" is compatible. */
#define VM_FLAGS_FIXED          0x0u
#define VM_FLAGS_ANYWHERE       0x1u
#define VM_FLAGS_RANDOM_ADDR    0x8u
#define VM_FLAGS_NO_CACHE       0x10u
#define VM_FLAGS_PERMANENT      0x80u
#define VM_FLAGS_OVERWRITE      0x4000u
#define VM_FLAGS_SUPERPAGE_MASK 0x70000u
#define VM_FLAGS_SUPERPAGE_SIZE_ANY (1u << 16)
#define VM_FLAGS_SUPERPAGE_SIZE_2MB (2u << 16)
#define VM_FLAGS_SUPERPAGE_SIZE_1GB (3u << 16)
#define VM_FLAGS_RETURN_DATA_ADDR 0x100000u
#define VM_FLAGS_ALIAS_MASK     0xFF000000u
#define VM_MAKE_TAG(t)          ((uint32_t)(t) << 24)
#define VM_GET_TAG(f)           ((f) >> 24)

#define VM_MEMORY_SHARED_PMAP   32      /* tag: map a submap with its page tables */

#define MAX_WIRE_COUNT          65535u

/* vm_map_remove: flags. */
#define VM_MAP_NO_FLAGS             0u
#define VM_MAP_REMOVE_KUNWIRE       1u  /* drop one kernel wiring */
#define VM_MAP_REMOVE_INTERRUPTIBLE 2u  /* KERN_ABORTED when the thread is to end while it waits */
#define VM_MAP_REMOVE_WAIT_FOR_KWIRE 4u /* sleep until kernel wirings are gone */
#define VM_MAP_REMOVE_ALL           0x100u /* the end of a task: permanent and wired entries, too */

/* vm_msync: flags. */
#define VM_SYNC_ASYNCHRONOUS    0x01u
#define VM_SYNC_SYNCHRONOUS     0x02u
#define VM_SYNC_INVALIDATE      0x04u
#define VM_SYNC_KILLPAGES       0x08u
#define VM_SYNC_DEACTIVATE      0x10u
#define VM_SYNC_CONTIGUOUS      0x20u
#define VM_SYNC_ALL             0x3fu

/* vm_machine_attribute: attributes and values. */
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

/* mach_make_memory_entry: bits of the permission beside the protection (low byte). */
#define MAP_MEM_PROT_MASK       0xffu
#define MAP_MEM_CACHE_MASK      0x0f000000u     /* caching attribute: (x >> 24) & 15 */
#define MAP_MEM_NOOP            0u              /* as it is */
#define MAP_MEM_COPYBACK        1u
#define MAP_MEM_IO              2u
#define MAP_MEM_WTHRU           3u
#define MAP_MEM_WCOMB           4u
#define MAP_MEM_ONLY            0x010000u       /* only set the caching attribute of the parent */
#define MAP_MEM_NAMED_CREATE    0x020000u
#define MAP_MEM_PURGABLE        0x040000u
#define MAP_MEM_NAMED_REUSE     0x080000u
#define MAP_MEM_USE_DATA_ADDR   0x100000u
#define MAP_MEM_VM_COPY         0x200000u
#define MAP_MEM_VM_SHARE        0x400000u

/* vm_map_page_query: disposition. */
#define VM_PAGE_QUERY_PAGE_PRESENT   0x1
#define VM_PAGE_QUERY_PAGE_FICTITIOUS 0x2
#define VM_PAGE_QUERY_PAGE_REF       0x4
#define VM_PAGE_QUERY_PAGE_DIRTY     0x8

/* Kinds of copies, and what a page-list copyin may be told. */
#define VM_MAP_COPY_ENTRY_LIST      1
#define VM_MAP_COPY_OBJECT          2
#define VM_MAP_COPY_PAGE_LIST       3
#define VM_MAP_COPY_KERNEL_BUFFER   4
#define VM_MAP_COPY_PAGE_LIST_MAX   20
#define VM_MAP_COPY_PAGE_LIST_MAX_SIZE (VM_MAP_COPY_PAGE_LIST_MAX * PAGE_SIZE)
#define VM_MAP_COPYIN_OPT_VM_PROT       VM_PROT_ALL     /* mask: access to check */
#define VM_MAP_COPYIN_OPT_SRC_DESTROY   0x08u
#define VM_MAP_COPYIN_OPT_STEAL_PAGES   0x10u
#define VM_MAP_COPYIN_OPT_PMAP_ENTER    0x20u
#define VM_MAP_COPYIN_OPT_NO_ZERO_FILL  0x40u

/* vm_region flavors and share modes. */
#define VM_REGION_BASIC_INFO_64 9       /* later Mach's numbers for two of them */
#define VM_REGION_BASIC_INFO    10
#define VM_REGION_EXTENDED_INFO 11
#define VM_REGION_TOP_INFO      12
#define VM_REGION_EXTENDED_INFO_NEW 13
#define SM_COW                  1
#define SM_PRIVATE              2
#define SM_EMPTY                3
#define SM_SHARED               4
#define SM_TRUESHARED           5
#define SM_PRIVATE_ALIASED      6
#define SM_SHARED_ALIASED       7

#endif
