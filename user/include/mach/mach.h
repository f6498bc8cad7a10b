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

typedef uint32_t        mach_port_name_t, mach_port_t;
typedef mach_port_t     task_t, task_name_t, vm_map_t, vm_task_entry_t, ledger_t;
typedef mach_port_t     mem_entry_name_port_t, memory_object_t, ipc_space_t;
typedef natural_t       mach_msg_type_number_t;
typedef mach_port_t    *ledger_array_t;
#define MACH_PORT_NULL  ((mach_port_t)0)
#define TASK_NULL       ((task_t)0)
#define VM_MAP_NULL     ((vm_map_t)0)

/* --- pages --- */

#define PAGE_SHIFT      12
#define PAGE_SIZE       4096ul
#define PAGE_MASK       4095ul
#define vm_page_size    PAGE_SIZE
#define trunc_page(a)   ((vm_offset_t)(a) & ~PAGE_MASK)
#define round_page(a)   (((vm_offset_t)(a) + PAGE_MASK) & ~PAGE_MASK)
#define mach_vm_trunc_page(a) trunc_page(a)
#define mach_vm_round_page(a) round_page(a)
#define VM_MIN_ADDRESS  ((vm_address_t)PAGE_SIZE)   /* page 0 is never mapped */

/* --- protection, inheritance, behaviour, flags --- */

typedef int vm_prot_t;
#define VM_PROT_NONE    0x00
#define VM_PROT_READ    0x01
#define VM_PROT_WRITE   0x02
#define VM_PROT_EXECUTE 0x04
#define VM_PROT_DEFAULT (VM_PROT_READ | VM_PROT_WRITE)
#define VM_PROT_ALL     (VM_PROT_READ | VM_PROT_WRITE | VM_PROT_EXECUTE)
#define VM_PROT_COPY    0x10    /* vm_protect: make it a private, writable copy */

typedef unsigned int vm_inherit_t;
#define VM_INHERIT_SHARE        0u
#define VM_INHERIT_COPY         1u
#define VM_INHERIT_NONE         2u
#define VM_INHERIT_DEFAULT      VM_INHERIT_COPY
#define VM_INHERIT_LAST_VALID   VM_INHERIT_NONE

typedef int vm_behavior_t;
#define VM_BEHAVIOR_DEFAULT     0
#define VM_BEHAVIOR_RANDOM      1
#define VM_BEHAVIOR_SEQUENTIAL  2
#define VM_BEHAVIOR_RSEQNTL     3

#define VM_FLAGS_FIXED          0x0
#define VM_FLAGS_ANYWHERE       0x1
#define VM_FLAGS_OVERWRITE      0x4000
#define VM_FLAGS_ALIAS_MASK     0xFF000000
#define VM_MAKE_TAG(tag)        ((int)((unsigned)(tag) << 24))
#define VM_GET_FLAGS_ALIAS(flags, alias) ((alias) = ((flags) >> 24) & 0xff)

/* --- regions --- */

typedef int  vm_region_flavor_t;
typedef int *vm_region_info_t;
#define VM_REGION_BASIC_INFO    10
#define VM_REGION_BASIC_INFO_64 VM_REGION_BASIC_INFO

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
#define VM_REGION_BASIC_INFO_COUNT \
	((mach_msg_type_number_t)(sizeof(vm_region_basic_info_data_t) / sizeof(natural_t)))
#define VM_REGION_BASIC_INFO_COUNT_64 VM_REGION_BASIC_INFO_COUNT

/* --- tasks and handles --- */

#define mach_task_self()        ((task_t)0xFFFFFFFFu)
#define current_task()          mach_task_self()

/* A task without threads; its memory as each entry's inheritance says, or empty. */
kern_return_t task_create(task_t parent, ledger_array_t ledgers,
    mach_msg_type_number_t ledgers_count, boolean_t inherit_memory, task_t *child);
kern_return_t task_terminate(task_t task);
kern_return_t mach_port_deallocate(ipc_space_t space, mach_port_name_t name);

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
/* object: MACH_PORT_NULL, for memory that reads as zero. */
kern_return_t vm_map(vm_map_t task, vm_address_t *addr, vm_size_t size,
    vm_address_t mask, int flags, mem_entry_name_port_t object, vm_offset_t offset,
    boolean_t copy, vm_prot_t cur_protection, vm_prot_t max_protection,
    vm_inherit_t inheritance);
/* The entry at *addr, or the next above. *object_name is always MACH_PORT_NULL. */
kern_return_t vm_region(vm_map_t task, vm_address_t *addr, vm_size_t *size,
    vm_region_flavor_t flavor, vm_region_info_t info, mach_msg_type_number_t *count,
    mach_port_t *object_name);

#define vm_region_64            vm_region
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

/* --- errors --- */

/* "(os/kern) no space available" */
const char *mach_error_string(kern_return_t kr);
/* "KERN_NO_SPACE"; "KERN_?" for a number without a name. */
const char *mach_error_name(kern_return_t kr);
void mach_error(const char *what, kern_return_t kr);

#ifdef __cplusplus
}
#endif

#endif
