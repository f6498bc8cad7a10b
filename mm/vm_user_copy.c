/*
 * vm_user_copy.c: the users' calls that move contents: vm_read, vm_write, vm_copy.
 *
 * Each is one copyin and one copyout or copy_overwrite; the copy is consumed by
 * success and discarded here else. Ranges are of bytes: no rounding, but the
 * check that the pages around them exist in 64 bits.
 *
 * Outputs are written on success only. No lock is held between the two halves:
 * the copy is the caller's alone.
 */
#include "vm_user_impl.h"

/* The copy of a user's range; size 0 gives the NULL copy. */
static inline kern_return_t
copyin_user(vm_map_t map, vm_address_ut addr, vm_size_ut size, vm_map_copy_t *copy)
{
	struct vm_user_range r;
	kern_return_t kr;

	if (map == NULL)
		return vm_user_no_map();
	kr = vm_user_range(&r, addr, size, KERN_INVALID_ADDRESS, KERN_INVALID_ADDRESS);
	if (kr != KERN_SUCCESS)
		return kr;
	if (r.start == r.end) {
		*copy = NULL;
		return KERN_SUCCESS;
	}
	return vm_map_copyin(map, addr.v, size.v, false, copy);
}

static inline kern_return_t
overwrite_user(vm_map_t map, vm_address_ut addr, vm_size_ut size, vm_map_copy_t copy)
{
	struct vm_user_range r;
	kern_return_t kr = vm_user_range(&r, addr, size, KERN_INVALID_ADDRESS, KERN_INVALID_ADDRESS);

	if (kr == KERN_SUCCESS && r.start != r.end)
		kr = vm_map_copy_overwrite(map, addr.v, copy, false);
	if (kr != KERN_SUCCESS)
		vm_map_copy_discard(copy);
	return kr;
}

kern_return_t
vm_read(vm_map_t map, vm_address_ut addr, vm_size_ut size, vm_map_t into, vm_address_ut *data,
    vm_size_ut *count)
{
	vm_map_copy_t copy;
	vm_offset_t at;
	kern_return_t kr;

	if (into == NULL)
		return vm_user_no_map();
	kr = copyin_user(map, addr, size, &copy);
	if (kr != KERN_SUCCESS)
		return kr;
	kr = vm_map_copyout(into, &at, copy);
	if (kr != KERN_SUCCESS) {
		vm_map_copy_discard(copy);
		return kr;
	}
	data->v = at;
	count->v = size.v;
	return KERN_SUCCESS;
}

kern_return_t
vm_read_list(vm_map_t map, struct vm_read_range *list, unsigned count, vm_map_t into)
{
	kern_return_t kr = KERN_SUCCESS;
	vm_address_ut data;
	vm_size_ut n;
	unsigned made;

	if (map == NULL || into == NULL)
		return vm_user_no_map();
	if (count > VM_READ_LIST_MAX)
		return KERN_FAIL(KERN_INVALID_ARGUMENT, "%u ranges: at most %u are read at once", count, VM_READ_LIST_MAX);
	for (made = 0; made < count; made++) {
		kr = vm_read(map, list[made].addr, list[made].size, into, &data, &n);
		if (kr != KERN_SUCCESS)
			break;
		list[made].addr = data;
	}
	if (kr != KERN_SUCCESS)
		while (made-- > 0)
			(void)vm_deallocate(into, list[made].addr, list[made].size);
	return kr;
}

kern_return_t
vm_read_overwrite(vm_map_t map, vm_address_ut addr, vm_size_ut size, vm_map_t into,
    vm_address_ut data, vm_size_ut *count)
{
	vm_map_copy_t copy;
	kern_return_t kr;

	if (into == NULL)
		return vm_user_no_map();
	kr = copyin_user(map, addr, size, &copy);
	if (kr == KERN_SUCCESS)
		kr = overwrite_user(into, data, size, copy);
	if (kr == KERN_SUCCESS)
		count->v = size.v;
	return kr;
}

/*
 * Data that the caller cannot read is KERN_INVALID_ADDRESS, whatever the
 * reason: in Mach the message layer refuses it.
 */
kern_return_t
vm_write(vm_map_t map, vm_address_ut addr, vm_map_t from, vm_address_ut data, vm_size_ut count)
{
	vm_map_copy_t copy;
	kern_return_t kr;

	if (map == NULL)
		return vm_user_no_map();
	kr = copyin_user(from, data, count, &copy);
	if (kr == KERN_PROTECTION_FAILURE)
		kr = KERN_FAIL(KERN_INVALID_ADDRESS, "the data at 0x%lx cannot be read", data.v);
	return kr == KERN_SUCCESS ? overwrite_user(map, addr, count, copy) : kr;
}

kern_return_t
vm_copy(vm_map_t map, vm_address_ut src, vm_size_ut size, vm_address_ut dst)
{
	vm_map_copy_t copy;
	kern_return_t kr = copyin_user(map, src, size, &copy);

	return kr == KERN_SUCCESS ? overwrite_user(map, dst, size, copy) : kr;
}
