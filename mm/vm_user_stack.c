/*
 * vm_user_stack.c: the users' calls for stacks and limits.
 *
 * A stack's range is checked by vm_map_stack itself, whose codes tell of every
 * way it can be wrong: only what has another type outside is looked at here.
 */
#include <mm/vm_map_stack.h>
#include "vm_user_impl.h"

kern_return_t
vm_map_stack_user(vm_map_t map, vm_address_ut addrbos, vm_size_ut max_ssize, vm_prot_t prot, vm_prot_t max, uint32_t cow)
{
	const struct vm_map_new what = { .prot = prot, .max = max, .cow = cow };

	if (map == NULL)
		return vm_user_no_map();
	return vm_map_stack(map, addrbos.v, max_ssize.v, &what);
}

kern_return_t
vm_map_growstack_user(vm_map_t map, vm_address_ut addr)
{
	return map != NULL ? vm_map_growstack(map, addr.v) : vm_user_no_map();
}

kern_return_t
vm_map_stack_rules_user(vm_map_t map, uint32_t rules, bool guard)
{
	if (map == NULL)
		return vm_user_no_map();
	if (rules > VM_STACK_CLASSIC)
		return KERN_FAIL(KERN_INVALID_ARGUMENT, "stack rules %u are not gap (0) or classic (1)", rules);
	vm_map_set_stack_rules(map, (enum vm_stack_rules)rules, guard);
	return KERN_SUCCESS;
}

kern_return_t
vm_map_main_stack_user(vm_map_t map, vm_address_ut start, vm_size_ut size)
{
	struct vm_map_limits l;

	if (map == NULL)
		return vm_user_no_map();
	if (start.v + size.v < start.v)
		return vm_user_wraps(KERN_INVALID_ARGUMENT, start, size);
	vm_map_get_limits(map, &l);
	vm_map_set_main_stack(map, start.v, start.v + size.v, l.stack);
	return KERN_SUCCESS;
}

kern_return_t
task_limits(vm_map_t map, uint32_t which, struct vm_map_limits *l)
{
	struct vm_map_limits now;

	if (map == NULL)
		return vm_user_no_map();
	if (which & ~VM_LIMIT_ALL)
		return KERN_FAIL(KERN_INVALID_ARGUMENT, "limits 0x%x: size (1), wired (2) and stack (4) are known", which);
	vm_map_get_limits(map, &now);
	if (which != 0) {
		if (which & VM_LIMIT_SIZE)
			now.size = l->size;
		if (which & VM_LIMIT_WIRED)
			now.wired = l->wired;
		if (which & VM_LIMIT_STACK)
			now.stack = l->stack;
		vm_map_set_limits(map, &now);
	}
	*l = now;
	return KERN_SUCCESS;
}
