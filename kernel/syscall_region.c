/*
 * syscall_region.c: the VM's calls that only ask: regions and pages; and
 * vm_read_list, which reads many ranges at once.
 *
 * What comes back is written to user memory last, the address and the size after
 * everything else: a pointer that leads nowhere leaves at most some outputs
 * written. Long answers go out piece by piece, through the kernel's stack.
 */
#include <kernel/task.h>
#include <kernel/thread.h>
#include <atlas/abi.h>
#include <machine/copy.h>
#include <mm/vm_page.h>
#include <mm/vm_user.h>
#include <string.h>
#include "syscall.h"
#include "syscall_target.h"

#define QUERY_PIECE     256u            /* dispositions on the kernel stack */

/* Any flavour's answer. */
union region_info {
	struct vm_region_basic_info    basic;
	struct vm_region_extended_info extended;
	struct vm_region_top_info      top;
	struct vm_region_submap_info   submap;
};

struct region_out {
	vm_address_ut addr;
	vm_size_ut    size;
	uint32_t      count;            /* words of info */
};

static kern_return_t
region_copyout(const struct region_out *r, const union region_info *info, uint64_t addr_out, uint64_t size_out,
    uint64_t info_out, uint64_t count_out)
{
	kern_return_t kr = copyout(info, info_out, r->count * sizeof(uint32_t));

	if (kr == KERN_SUCCESS)
		kr = copyout(&r->count, count_out, sizeof(r->count));
	if (kr == KERN_SUCCESS)
		kr = copyout(&r->size.v, size_out, sizeof(r->size.v));
	if (kr == KERN_SUCCESS)
		kr = copyout(&r->addr.v, addr_out, sizeof(r->addr.v));
	return kr;
}

kern_return_t
sys_vm_region(uint64_t task, uint64_t addr, uint64_t size_out, uint64_t flavor, uint64_t info_out, uint64_t count_inout)
{
	union region_info info;
	struct region_out r;
	struct target t;
	kern_return_t kr;

	if (!target_get(task, &t))
		return KERN_INVALID_ARGUMENT;
	memset(&info, 0, sizeof(info));
	kr = copyin(count_inout, &r.count, sizeof(r.count));
	if (kr == KERN_SUCCESS)
		kr = copyin(addr, &r.addr.v, sizeof(r.addr.v));
	if (kr == KERN_SUCCESS)
		kr = vm_region(t.map, &r.addr, &r.size, (int)flavor, &info, &r.count);
	if (kr == KERN_SUCCESS)
		kr = region_copyout(&r, &info, addr, size_out, info_out, count_inout);
	return target_put(&t, kr);
}

kern_return_t
sys_vm_region_recurse(uint64_t task, uint64_t addr, uint64_t size_out, uint64_t depth_inout, uint64_t info_out,
    uint64_t count_inout)
{
	union region_info info;
	struct region_out r;
	struct target t;
	uint32_t depth;
	kern_return_t kr;

	if (!target_get(task, &t))
		return KERN_INVALID_ARGUMENT;
	memset(&info, 0, sizeof(info));
	kr = copyin(count_inout, &r.count, sizeof(r.count));
	if (kr == KERN_SUCCESS)
		kr = copyin(depth_inout, &depth, sizeof(depth));
	if (kr == KERN_SUCCESS)
		kr = copyin(addr, &r.addr.v, sizeof(r.addr.v));
	if (kr == KERN_SUCCESS)
		kr = vm_region_recurse(t.map, &r.addr, &r.size, &depth, &info.submap, &r.count);
	if (kr == KERN_SUCCESS)
		kr = copyout(&depth, depth_inout, sizeof(depth));
	if (kr == KERN_SUCCESS)
		kr = region_copyout(&r, &info, addr, size_out, info_out, count_inout);
	return target_put(&t, kr);
}

kern_return_t
sys_vm_map_page_query(uint64_t task, uint64_t addr, uint64_t disposition_out, uint64_t ref_out)
{
	int disposition, refs;
	struct target t;
	kern_return_t kr;

	if (!target_get(task, &t))
		return KERN_INVALID_ARGUMENT;
	kr = vm_map_page_query(t.map, vm_address_u(addr), &disposition, &refs);
	if (kr == KERN_SUCCESS)
		kr = copyout(&disposition, disposition_out, sizeof(disposition));
	if (kr == KERN_SUCCESS)
		kr = copyout(&refs, ref_out, sizeof(refs));
	return target_put(&t, kr);
}

/* The range is asked for from its first byte on, so that each piece has the call's own checks. */
static kern_return_t
range_query(vm_map_t map, uint64_t addr, uint64_t size, uint64_t dispositions_out, uint64_t *count)
{
	int disposition[QUERY_PIECE];
	uint64_t room = *count, done = 0;
	kern_return_t kr;

	do {
		uint64_t n = room - done < QUERY_PIECE ? room - done : QUERY_PIECE;
		uint64_t skip = done == 0 ? 0 : trunc_page(addr) + (done << PAGE_SHIFT) - addr;

		kr = vm_map_page_range_query(map, vm_address_u(addr + skip), vm_size_u(skip < size ? size - skip : 0),
		    disposition, &n);
		if (kr != KERN_SUCCESS)
			return kr;
		if (n == 0)
			break;
		kr = copyout(disposition, dispositions_out + done * sizeof(int), n * sizeof(int));
		if (kr != KERN_SUCCESS)
			return kr;
		done += n;
		thread_checkpoint();
	} while (done < room);
	*count = done;
	return KERN_SUCCESS;
}

kern_return_t
sys_vm_map_page_range_query(uint64_t task, uint64_t addr, uint64_t size, uint64_t dispositions_out, uint64_t count_inout)
{
	struct target t;
	uint64_t count;
	kern_return_t kr;

	if (!target_get(task, &t))
		return KERN_INVALID_ARGUMENT;
	kr = copyin(count_inout, &count, sizeof(count));
	if (kr == KERN_SUCCESS)
		kr = range_query(t.map, addr, size, dispositions_out, &count);
	if (kr == KERN_SUCCESS)
		kr = copyout(&count, count_inout, sizeof(count));
	return target_put(&t, kr);
}

_Static_assert(ATLAS_VM_READ_LIST_MAX * sizeof(struct atlas_vm_range) <= PAGE_SIZE, "the list is kept in one page");
_Static_assert(ATLAS_VM_READ_LIST_MAX == VM_READ_LIST_MAX && sizeof(struct atlas_vm_range) == sizeof(struct vm_read_range),
    "one list for both");

kern_return_t
sys_vm_read_list(uint64_t task, uint64_t list_inout, uint64_t count)
{
	uint32_t n = (uint32_t)count;
	vm_map_t self = current_task()->map;
	struct vm_read_range *list;
	struct vm_page *m;
	struct target t;
	kern_return_t kr;

	if (!target_get(task, &t))
		return KERN_INVALID_ARGUMENT;
	if (n > ATLAS_VM_READ_LIST_MAX)
		return target_put(&t, KERN_FAIL(KERN_INVALID_ARGUMENT, "%u ranges: at most %u are read at once", n,
		    ATLAS_VM_READ_LIST_MAX));
	m = vm_page_alloc(VM_PAGE_TASK);
	if (m == NULL)
		return target_put(&t, KERN_FAIL(KERN_RESOURCE_SHORTAGE, "no page for the list of %u ranges", n));
	list = vm_page_va(m);
	kr = copyin(list_inout, list, n * sizeof(*list));
	if (kr == KERN_SUCCESS)
		kr = vm_read_list(t.map, list, n, self);
	if (kr == KERN_SUCCESS) {
		kr = copyout(list, list_inout, n * sizeof(*list));
		for (unsigned i = 0; i < n && kr != KERN_SUCCESS; i++)
			vm_deallocate(self, list[i].addr, list[i].size);
	}
	vm_page_free(m);
	return target_put(&t, kr);
}
