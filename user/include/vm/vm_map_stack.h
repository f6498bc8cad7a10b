/*
 * vm/vm_map_stack.h: FreeBSD's calls for stacks that grow, and limits.
 *
 * The prototypes are those of vm_map_stack(9); the map is the handle of a task
 * or of a submap. Codes are the kernel's (its mm/vm_map_stack.h lists them).
 */
#ifndef VM_VM_MAP_STACK_H
#define VM_VM_MAP_STACK_H

#include <mach/mach.h>
#include <atlas/abi.h>

#ifdef __cplusplus
extern "C" {
#endif

#ifndef MAP_STACK_GROWS_DOWN
#define MAP_STACK_GROWS_DOWN    0x1000
#define MAP_STACK_GROWS_UP      0x2000
#endif

/* A stack over [addrbos, addrbos + max_ssize) that is mapped as it grows; cow: MAP_STACK_GROWS_DOWN or _UP. */
kern_return_t vm_map_stack(vm_map_t map, vm_address_t addrbos, vm_size_t max_ssize, vm_prot_t prot, vm_prot_t max, int cow);
/* Grows a stack to addr, as an access there would. */
kern_return_t vm_map_growstack(vm_map_t map, vm_address_t addr);

enum { VM_STACK_GAP, VM_STACK_CLASSIC };
/* The form of stacks made from now on: with a gap, or by the classic rules; guard: a page stays free at the end. */
kern_return_t vm_map_stack_rules(vm_map_t map, int rules, boolean_t guard);

#define TASK_LIMIT_SIZE         1       /* bytes mapped */
#define TASK_LIMIT_WIRED        2       /* bytes wired */
#define TASK_LIMIT_STACK        4       /* bytes of the main thread's stack */
/* Sets the limits that `which` names from *limits, and says all of them there; UINT64_MAX: none. */
kern_return_t task_limits(task_t task, int which, struct atlas_limits *limits);

#ifdef __cplusplus
}
#endif

#endif
