/*
 * mman.c: mmap and its family over the Mach calls.
 *
 * The checks are those of FreeBSD's system calls, in its order; the work is
 * one Mach call each. MAP_SHARED is inheritance SHARE, MAP_PRIVATE is COPY.
 */
#include "libatlas.h"
#include <errno.h>
#include <stdbool.h>
#include <sys/mman.h>

#define PROT_ALL_BITS   (PROT_READ | PROT_WRITE | PROT_EXEC)
#define MAP_KNOWN       (MAP_SHARED | MAP_PRIVATE | MAP_FIXED | MAP_NORESERVE | \
	MAP_NOSYNC | MAP_ANON | MAP_EXCL | MAP_NOCORE | MAP_ALIGNMENT_MASK)
#define MEGAPAGE        (2ull << 20)

int
__atlas_errno(kern_return_t kr)
{
	switch (kr) {
	case KERN_SUCCESS:
		return 0;
	case KERN_INVALID_ADDRESS:
	case KERN_NO_SPACE:
	case KERN_RESOURCE_SHORTAGE:
		errno = ENOMEM;
		return -1;
	case KERN_PROTECTION_FAILURE:
		errno = EACCES;
		return -1;
	default:
		errno = EINVAL;
		return -1;
	}
}

static int
fail(int code)
{
	errno = code;
	return -1;
}

uint64_t
__atlas_address_limit(void)
{
	static uint64_t limit;
	static const unsigned bits[] = { 38, 47 };
	vm_address_t addr;
	kern_return_t kr;

	if (limit != 0)
		return limit;
	for (unsigned i = 0; i < 2; i++) {
		addr = 1ull << bits[i];
		kr = vm_allocate(mach_task_self(), &addr, PAGE_SIZE, VM_FLAGS_FIXED);
		if (kr == KERN_INVALID_ADDRESS)
			return limit = 1ull << bits[i];
		if (kr == KERN_SUCCESS)
			vm_deallocate(mach_task_self(), addr, PAGE_SIZE);
	}
	return limit = 1ull << 56;
}

/* [addr, addr+len) to pages; FALSE: it wraps, or is not user space. */
static bool
range_ok(uint64_t *addr, size_t *len)
{
	uint64_t start = trunc_page(*addr), end;

	if (__builtin_add_overflow(*addr, *len, &end) || end > UINT64_MAX - PAGE_MASK)
		return false;
	end = round_page(end);
	if (end > __atlas_address_limit())
		return false;
	*addr = start;
	*len = end - start;
	return true;
}

/* Checks that need nothing but the arguments; *mask is vm_map's. */
static int
mmap_check(int prot, int flags, int fd, off_t offset, uint64_t *mask)
{
	int max = prot >> 16, align = (unsigned)flags >> MAP_ALIGNMENT_SHIFT;

	if ((flags & ~MAP_KNOWN) != 0 || ((prot | max) & ~(PROT_ALL_BITS | 0xffff0000)) != 0 ||
	    (max & ~PROT_ALL_BITS) != 0)
		return EINVAL;
	if (max != 0 && (prot & PROT_ALL_BITS & ~max) != 0)
		return ENOTSUP;
	if ((flags & MAP_SHARED) != 0 && (flags & MAP_PRIVATE) != 0)
		return EINVAL;
	if ((flags & MAP_ANON) == 0)
		return fd < 0 ? EBADF : ENODEV; /* there are no files */
	if (fd != -1 || offset != 0)
		return EINVAL;
	if ((flags & MAP_EXCL) != 0 && (flags & MAP_FIXED) == 0)
		return EINVAL;
	*mask = 0;
	if (align == 1)
		*mask = MEGAPAGE - 1;
	else if (align != 0 && (align < PAGE_SHIFT || align >= 64))
		return EINVAL;
	else if (align != 0)
		*mask = (1ull << align) - 1;
	return 0;
}

void *
mmap(void *where, size_t len, int prot, int flags, int fd, off_t offset)
{
	uint64_t start = (uintptr_t)where, mask;
	vm_prot_t max = (prot >> 16) != 0 ? prot >> 16 : VM_PROT_ALL;
	vm_inherit_t inherit = (flags & MAP_SHARED) ? VM_INHERIT_SHARE : VM_INHERIT_COPY;
	vm_prot_t cur = prot & PROT_ALL_BITS;
	vm_address_t addr = trunc_page(start);
	kern_return_t kr;
	int error;

	if (len == 0 || (error = mmap_check(prot, flags, fd, offset, &mask)) != 0) {
		errno = len == 0 ? EINVAL : error;
		return MAP_FAILED;
	}
	if (len > UINT64_MAX - PAGE_MASK) {
		errno = ENOMEM;
		return MAP_FAILED;
	}
	len = round_page(len);
	if ((flags & MAP_FIXED) != 0) {
		uint64_t checked = start;

		if ((start & PAGE_MASK) != 0 || !range_ok(&checked, &len)) {
			errno = EINVAL;
			return MAP_FAILED;
		}
		kr = vm_map(mach_task_self(), &addr, len, 0,
		    VM_FLAGS_FIXED | ((flags & MAP_EXCL) ? 0 : VM_FLAGS_OVERWRITE),
		    MACH_PORT_NULL, 0, FALSE, cur, max, inherit);
		if ((flags & MAP_EXCL) != 0 && kr == KERN_NO_SPACE)
			kr = KERN_INVALID_ARGUMENT;
	} else {
		/* A hint is tried as it is, then any place will do. */
		kr = KERN_NO_SPACE;
		if (addr != 0 && (addr & mask) == 0)
			kr = vm_map(mach_task_self(), &addr, len, 0, VM_FLAGS_FIXED,
			    MACH_PORT_NULL, 0, FALSE, cur, max, inherit);
		if (kr != KERN_SUCCESS) {
			addr = 0;
			kr = vm_map(mach_task_self(), &addr, len, mask, VM_FLAGS_ANYWHERE,
			    MACH_PORT_NULL, 0, FALSE, cur, max, inherit);
		}
	}
	return __atlas_errno(kr) == 0 ? (void *)addr : MAP_FAILED;
}

int
munmap(void *where, size_t len)
{
	uint64_t addr = (uintptr_t)where;

	if (len == 0 || !range_ok(&addr, &len))
		return fail(EINVAL);
	return __atlas_errno(vm_deallocate(mach_task_self(), addr, len));
}

int
mprotect(void *where, size_t len, int prot)
{
	uint64_t addr = (uintptr_t)where;
	int max = prot >> 16, cur = prot & 0xffff;
	kern_return_t kr;

	if ((cur & ~PROT_ALL_BITS) != 0 || (max & ~PROT_ALL_BITS) != 0 || prot < 0)
		return fail(EINVAL);
	if (max != 0 && (cur & ~max) != 0)
		return fail(ENOTSUP);
	if (len == 0)
		return 0;
	if (!range_ok(&addr, &len))
		return fail(EINVAL);
	kr = vm_protect(mach_task_self(), addr, len, FALSE, cur);
	if (kr == KERN_SUCCESS && max != 0)
		kr = vm_protect(mach_task_self(), addr, len, TRUE, max);
	return __atlas_errno(kr);
}

int
minherit(void *where, size_t len, int inherit)
{
	uint64_t addr = (uintptr_t)where;

	if (inherit < INHERIT_SHARE || inherit > INHERIT_NONE || !range_ok(&addr, &len))
		return fail(EINVAL);
	return __atlas_errno(vm_inherit(mach_task_self(), addr, len, inherit));
}

int
madvise(void *where, size_t len, int advice)
{
	uint64_t addr = (uintptr_t)where;

	if (advice < MADV_NORMAL || advice > MADV_CORE || !range_ok(&addr, &len))
		return fail(EINVAL);
	return 0;
}

int
posix_madvise(void *where, size_t len, int advice)
{
	return madvise(where, len, advice) == 0 ? 0 : errno;
}
