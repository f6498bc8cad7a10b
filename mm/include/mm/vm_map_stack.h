/*
 * mm/vm_map_stack.h: stacks that grow, and what a map may come to.
 *
 * Semantics: FreeBSD's vm_map_stack(9), in two forms, chosen per map; the
 * codes are the page's in both. (16 KiB mapped of 64, growing down:)
 *
 *   VM_STACK_GAP      [guard page   gap      )[ mapped )    all of it is taken; an access to the gap grows the stack,
 *                                                           but never into the guard page
 *   VM_STACK_CLASSIC            free          [ mapped )    only what is mapped is taken: other memory may come to lie
 *                                                           in the rest, and then ends the stack
 *
 * VM_STACK_GAP is how a new map begins, and how programs are started.
 */
#ifndef MM_VM_MAP_STACK_H
#define MM_VM_MAP_STACK_H

#include <mm/vm_map_find.h>

#define VM_STACK_GROW   (128ul << 10)   /* a stack begins with that much, and grows by it or its multiples */

enum vm_stack_rules { VM_STACK_GAP, VM_STACK_CLASSIC };

/*
 * A stack over [addrbos, addrbos + max_ssize), mapped at the top (what->cow has MAP_STACK_GROWS_DOWN, or neither), at
 * the bottom (MAP_STACK_GROWS_UP), or in the middle (both; VM_STACK_CLASSIC only). Of what, object and offset are to be
 * 0; INHERIT_SHARE, DISABLE_SYNCER and DISABLE_COREDUMP mean what they mean for other memory. Map unlocked.
 *   KERN_NO_SPACE            addrbos or the end are outside of the map, or wrap; something is mapped in the range (guards count);
 *                            the map's limits of size (or, if new memory is wired, of that)
 *   KERN_INVALID_ADDRESS     max_ssize is 0
 *   KERN_INVALID_ARGUMENT    not whole pages; prot beyond max; an object; no more than the guard page; both directions
 *                            with a gap; a flag that is none
 *   KERN_PROTECTION_FAILURE  writable and executable in a VM_MAP_WXORX map
 *   KERN_RESOURCE_SHORTAGE   no memory for the entries, or to wire them
 * On failure nothing has changed.
 */
kern_return_t vm_map_stack(vm_map_t map, vm_offset_t addrbos, vm_size_t max_ssize, const struct vm_map_new *what);

/*
 * Grows a stack to addr. KERN_SUCCESS: done; or addr is mapped, or outside of every stack: nothing was to be done.
 *   KERN_NO_SPACE            addr is in the guard page, or beyond what the stack may come to; the limits of the stack, of size,
 *                            of wired memory; VM_STACK_CLASSIC: something else lies there
 *   KERN_FAILURE             addr is in a guard that no stack grows into (any more)
 *   KERN_RESOURCE_SHORTAGE   no memory for an entry, or to wire the new part
 * The new part has the rights that the stack was made with (classic: those of its last part) and its inheritance.
 * Faults do this by themselves, for accesses that those rights allow; see vm_fault.c.
 */
kern_return_t vm_map_growstack(vm_map_t map, vm_offset_t addr);

/* For stacks made from now on (rules: and grown): the form, and whether an unmapped page stays between the stack and what is below (or above). */
void vm_map_set_stack_rules(vm_map_t map, enum vm_stack_rules rules, bool guard);

/* The stack within [start, end) is the one that limit.stack is for, which becomes `limit` bytes. Empty: there is none. Inherited by fork. */
void vm_map_set_main_stack(vm_map_t map, vm_offset_t start, vm_offset_t end, vm_size_t limit);

/* --- limits (vm_map_limit.c) --- */

/*
 * From now on; what is there already stays. Exceeding them: size: KERN_NO_SPACE of whatever maps new memory, Mach's calls
 * included; wired: KERN_RESOURCE_SHORTAGE of wiring for the user; stack: KERN_NO_SPACE of growing the main stack.
 */
void vm_map_set_limits(vm_map_t map, const struct vm_map_limits *limits);
void vm_map_get_limits(vm_map_t map, struct vm_map_limits *limits);

#endif
