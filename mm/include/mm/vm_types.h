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
#define VM_PROT_COPY        0x10u       /* vm_protect: make it a private, writable copy */

typedef uint32_t vm_inherit_t;
#define VM_INHERIT_SHARE    0u
#define VM_INHERIT_COPY     1u
#define VM_INHERIT_NONE     2u
#define VM_INHERIT_DEFAULT  VM_INHERIT_COPY
#define VM_INHERIT_LAST_VALID VM_INHERIT_NONE

typedef uint32_t vm_behavior_t;
#define VM_BEHAVIOR_DEFAULT     0u
#define VM_BEHAVIOR_RANDOM      1u
#define VM_BEHAVIOR_SEQUENTIAL  2u
#define VM_BEHAVIOR_RSEQNTL     3u

/* vm_allocate, vm_map: flags. A plain boolean "anywhere" is compatible. */
#define VM_FLAGS_FIXED          0x0u
#define VM_FLAGS_ANYWHERE       0x1u
#define VM_FLAGS_OVERWRITE      0x4000u
#define VM_FLAGS_ALIAS_MASK     0xFF000000u
#define VM_MAKE_TAG(t)          ((uint32_t)(t) << 24)
#define VM_GET_TAG(f)           ((f) >> 24)

#define MAX_WIRE_COUNT          65535u

/* vm_region flavors and share modes. */
#define VM_REGION_BASIC_INFO    10
#define VM_REGION_EXTENDED_INFO 11
#define VM_REGION_TOP_INFO      12
#define SM_COW                  1
#define SM_PRIVATE              2
#define SM_EMPTY                3
#define SM_SHARED               4
#define SM_TRUESHARED           5
#define SM_PRIVATE_ALIASED      6
#define SM_SHARED_ALIASED       7

#endif
