/*
 * mman_remap.c: Linux's mremap over the Mach calls.
 *
 *   shrink    the tail is unmapped
 *   grow      zero-fill memory with the rights of the last page, in place if the
 *             pages behind are free; else, with MAYMOVE:
 *   move      a place is found (or given), the old memory is mapped there once
 *             more (vm_remap, shared), and unmapped where it was
 *
 * No page is touched or copied. Locked memory is locked again where it is now.
 * Memory of files grows by nothing: there is nothing behind their end.
 */
#include "libatlas.h"
#include <errno.h>
#include <stdarg.h>
#include <sys/mman.h>
#include "file.h"

struct remap {
	vm_address_t old;
	vm_size_t    old_len, new_len;
	int          flags;
	vm_region_basic_info_data_64_t last;    /* of the entry with the last old page */
	bool         external, locked;
};

static void *
fail(int code)
{
	errno = code;
	return MAP_FAILED;
}

static void *
done(kern_return_t kr, vm_address_t addr)
{
	return __atlas_errno(kr) == 0 ? (void *)addr : MAP_FAILED;
}

/* Is the old range mapped without a hole? Then r->last and what goes with it are known. */
static bool
look(struct remap *r)
{
	vm_region_extended_info_data_t extended;
	vm_address_t addr = r->old, end = r->old + r->old_len, start;
	mach_msg_type_number_t count;
	vm_size_t size;

	r->locked = false;
	do {
		start = addr;
		count = VM_REGION_BASIC_INFO_COUNT_64;
		if (vm_region(mach_task_self(), &start, &size, VM_REGION_BASIC_INFO_64, (vm_region_info_t)&r->last,
		    &count, NULL) != KERN_SUCCESS || start > addr)
			return false;
		r->locked |= r->last.user_wired_count != 0;
		addr = start + size;
	} while (addr < end);
	count = VM_REGION_EXTENDED_INFO_COUNT;
	if (vm_region(mach_task_self(), &start, &size, VM_REGION_EXTENDED_INFO, (vm_region_info_t)&extended, &count,
	    NULL) != KERN_SUCCESS)
		return false;
	r->external = extended.external_pager;
	return true;
}

/* New memory at addr, as the last page is. */
static kern_return_t
extend(const struct remap *r, vm_address_t addr, vm_size_t len, int flags)
{
	return vm_map(mach_task_self(), &addr, len, 0, flags, MACH_PORT_NULL, 0, FALSE, r->last.protection,
	    r->last.max_protection, r->last.inheritance);
}

/* The old memory, or as much of it as fits, at addr, where r->new_len bytes are mapped already. */
static void *
move_to(struct remap *r, vm_address_t addr)
{
	vm_size_t len = r->old_len < r->new_len ? r->old_len : r->new_len;
	vm_prot_t cur, max;
	kern_return_t kr;

	kr = vm_remap(mach_task_self(), &addr, len, 0, VM_FLAGS_FIXED | VM_FLAGS_OVERWRITE, mach_task_self(), r->old,
	    FALSE, &cur, &max, r->last.inheritance);
	if (kr == KERN_SUCCESS && r->locked)
		kr = vm_wire(mach_host_self(), mach_task_self(), addr, r->new_len, VM_PROT_READ);
	if (kr != KERN_SUCCESS) {
		vm_deallocate(mach_task_self(), addr, r->new_len);
		return done(kr, 0);
	}
	__atlas_mapped_gone(r->old, r->old_len);
	vm_deallocate(mach_task_self(), r->old, r->old_len);
	if ((r->flags & MREMAP_DONTUNMAP) != 0)
		extend(r, r->old, r->old_len, VM_FLAGS_FIXED);
	return (void *)addr;
}

static void *
move_anywhere(struct remap *r)
{
	vm_address_t addr = 0;
	kern_return_t kr = vm_map(mach_task_self(), &addr, r->new_len, 0, VM_FLAGS_ANYWHERE, MACH_PORT_NULL, 0, FALSE,
	    r->last.protection, r->last.max_protection, r->last.inheritance);

	return kr == KERN_SUCCESS ? move_to(r, addr) : done(kr, 0);
}

/* May new_len bytes go to where? */
static bool
target_ok(const struct remap *r, uint64_t where)
{
	uint64_t checked = where;
	size_t len = r->new_len;

	return (where & PAGE_MASK) == 0 && __atlas_range(&checked, &len) &&
	    (where >= r->old + r->old_len || r->old >= where + r->new_len);
}

static void *
move_fixed(struct remap *r, uint64_t where)
{
	kern_return_t kr;

	__atlas_mapped_gone(where, r->new_len);
	kr = extend(r, where, r->new_len, VM_FLAGS_FIXED | VM_FLAGS_OVERWRITE);

	return kr == KERN_SUCCESS ? move_to(r, where) : done(kr, 0);
}

/* A second mapping of shared memory: Linux's meaning of an old length of 0. */
static void *
duplicate(struct remap *r)
{
	vm_address_t addr = 0;
	vm_prot_t cur, max;
	kern_return_t kr;

	r->old_len = PAGE_SIZE;
	if (!look(r))
		return fail(EFAULT);
	if (r->last.inheritance != VM_INHERIT_SHARE || (r->flags & MREMAP_MAYMOVE) == 0)
		return fail(EINVAL);
	kr = vm_remap(mach_task_self(), &addr, r->new_len, 0, VM_FLAGS_ANYWHERE, mach_task_self(), r->old, FALSE,
	    &cur, &max, r->last.inheritance);
	return done(kr, addr);
}

void *
mremap(void *where, size_t old_len, size_t new_len, int flags, ...)
{
	struct remap r = { .old = (vm_address_t)where, .flags = flags };
	uint64_t target = 0, checked = r.old;
	va_list arguments;

	if ((flags & MREMAP_FIXED) != 0) {
		va_start(arguments, flags);
		target = (uintptr_t)va_arg(arguments, void *);
		va_end(arguments);
	}
	if ((flags & ~(MREMAP_MAYMOVE | MREMAP_FIXED | MREMAP_DONTUNMAP)) != 0 || (r.old & PAGE_MASK) != 0 ||
	    new_len == 0 || ((flags & MREMAP_MAYMOVE) == 0 && (flags & (MREMAP_FIXED | MREMAP_DONTUNMAP)) != 0) ||
	    ((flags & MREMAP_DONTUNMAP) != 0 && round_page(old_len) != round_page(new_len)) ||
	    new_len > __atlas_address_limit() || !__atlas_range(&checked, &old_len))
		return fail(EINVAL);
	r.old_len = old_len;
	r.new_len = round_page(new_len);
	if ((flags & MREMAP_FIXED) != 0 && !target_ok(&r, target))
		return fail(EINVAL);
	if (old_len == 0)
		return duplicate(&r);
	if (!look(&r))
		return fail(EFAULT);
	if (r.new_len > r.old_len && r.external)
		return fail(ENOMEM);
	if ((flags & MREMAP_FIXED) != 0)
		return move_fixed(&r, target);
	if ((flags & MREMAP_DONTUNMAP) != 0)
		return move_anywhere(&r);
	if (r.new_len <= r.old_len) {
		__atlas_mapped_gone(r.old + r.new_len, r.old_len - r.new_len);
		vm_deallocate(mach_task_self(), r.old + r.new_len, r.old_len - r.new_len);
		return where;
	}
	if (extend(&r, r.old + r.old_len, r.new_len - r.old_len, VM_FLAGS_FIXED) == KERN_SUCCESS) {
		if (r.locked)
			(void)vm_wire(mach_host_self(), mach_task_self(), r.old + r.old_len, r.new_len - r.old_len,
			    VM_PROT_READ);
		return where;
	}
	return (flags & MREMAP_MAYMOVE) != 0 ? move_anywhere(&r) : fail(ENOMEM);
}
