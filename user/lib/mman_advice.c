/*
 * mman_advice.c: madvise, msync, mlock and mincore over the Mach calls.
 *
 * Advice is Mach's vm_behavior_set, and FreeBSD's vm_map_madvise for what Mach
 * has not. Locking is FreeBSD's wiring, which does not count, as POSIX's:
 * munlock undoes all. Ranges with a hole are ENOMEM, as all systems say.
 */
#include "libatlas.h"
#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <vm/vm_map_range.h>
#include "file.h"

#define PIECE   256u                    /* pages asked for at once */

static int
fail(int code)
{
	errno = code;
	return -1;
}

/* --- regions --- */

/* The region at or above addr; FALSE: none. */
static bool
region_at(uint64_t addr, vm_address_t *start, vm_size_t *size, vm_region_basic_info_data_64_t *info)
{
	mach_msg_type_number_t count = VM_REGION_BASIC_INFO_COUNT_64;

	*start = addr;
	return vm_region(mach_task_self(), start, size, VM_REGION_BASIC_INFO_64, (vm_region_info_t)info, &count,
	    NULL) == KERN_SUCCESS;
}

/* Calls fn on each piece of [addr, addr + len) that lies in one region; FALSE: there is a hole, or fn said so. */
static bool
each_region(uint64_t addr, size_t len, bool (*fn)(uint64_t, size_t, const vm_region_basic_info_data_64_t *))
{
	uint64_t end = addr + len, stop;
	vm_region_basic_info_data_64_t info;
	vm_address_t start;
	vm_size_t size;

	for (; addr < end; addr = stop) {
		if (!region_at(addr, &start, &size, &info) || start > addr)
			return false;
		stop = start + size < end ? start + size : end;
		if (fn != NULL && !fn(addr, stop - addr, &info))
			return false;
	}
	return true;
}

/* --- madvise --- */

static bool
is_readable(uint64_t addr, size_t len, const vm_region_basic_info_data_64_t *info)
{
	(void)addr;
	(void)len;
	return (info->protection & VM_PROT_READ) != 0;
}

static bool
is_writable(uint64_t addr, size_t len, const vm_region_basic_info_data_64_t *info)
{
	(void)addr;
	(void)len;
	return (info->protection & VM_PROT_WRITE) != 0;
}

/* Touches each page, for reading or for writing back what is there. */
static int
populate(uint64_t addr, size_t len, bool write)
{
	if (!each_region(addr, len, NULL))
		return fail(ENOMEM);
	if (!each_region(addr, len, write ? is_writable : is_readable))
		return fail(EINVAL);
	for (uint64_t p = addr; p < addr + len; p += PAGE_SIZE) {
		if (write)
			__atomic_fetch_or((uint32_t *)p, 0, __ATOMIC_RELAXED);
		else
			(void)*(volatile char *)p;
	}
	return 0;
}

static bool
is_private(uint64_t addr, size_t len, const vm_region_basic_info_data_64_t *info)
{
	(void)addr;
	(void)len;
	return info->inheritance != VM_INHERIT_SHARE;
}

static bool
inherit_again(uint64_t addr, size_t len, const vm_region_basic_info_data_64_t *info)
{
	return vm_inherit(mach_task_self(), addr, len, info->shared ? VM_INHERIT_SHARE : VM_INHERIT_COPY) ==
	    KERN_SUCCESS;
}

/* Those that are not a behaviour of Mach's: 0, -1, or 1 for one that is. */
static int
advise_otherwise(uint64_t addr, size_t len, int advice)
{
	switch (advice) {
	case MADV_NOSYNC:
	case MADV_AUTOSYNC:
	case MADV_NOCORE:
	case MADV_CORE:
		if (!each_region(addr, len, NULL))
			return fail(ENOMEM);
		return __atlas_errno(vm_map_madvise(mach_task_self(), addr, addr + len, advice));
	case MADV_COLLAPSE:
		return each_region(addr, len, NULL) ? 0 : fail(ENOMEM);
	case MADV_DONTFORK:
		if (!each_region(addr, len, NULL))
			return fail(ENOMEM);
		return __atlas_errno(vm_inherit(mach_task_self(), addr, len, VM_INHERIT_NONE));
	case MADV_WIPEONFORK:
		if (!each_region(addr, len, NULL))
			return fail(ENOMEM);
		if (!each_region(addr, len, is_private))
			return fail(EINVAL);
		return __atlas_errno(vm_map_inherit(mach_task_self(), addr, addr + len, INHERIT_ZERO));
	case MADV_KEEPONFORK:
	case MADV_DOFORK:
		return each_region(addr, len, inherit_again) ? 0 : fail(ENOMEM);
	case MADV_POPULATE_READ:
	case MADV_POPULATE_WRITE:
		return populate(addr, len, advice == MADV_POPULATE_WRITE);
	default:
		return 1;
	}
}

int
madvise(void *where, size_t len, int advice)
{
	static const struct { int advice, behavior; } table[] = {
		{ MADV_NORMAL, VM_BEHAVIOR_DEFAULT }, { MADV_RANDOM, VM_BEHAVIOR_RANDOM },
		{ MADV_SEQUENTIAL, VM_BEHAVIOR_SEQUENTIAL }, { MADV_WILLNEED, VM_BEHAVIOR_WILLNEED },
		{ MADV_DONTNEED, VM_BEHAVIOR_DONTNEED }, { MADV_FREE, VM_BEHAVIOR_FREE },
		{ MADV_COLD, VM_BEHAVIOR_DONTNEED }, { MADV_PAGEOUT, VM_BEHAVIOR_PAGEOUT },
		{ MADV_REMOVE, VM_BEHAVIOR_ZERO }, { MADV_ZERO_WIRED_PAGES, VM_BEHAVIOR_ZERO_WIRED_PAGES },
		{ MADV_FREE_REUSABLE, VM_BEHAVIOR_REUSABLE }, { MADV_FREE_REUSE, VM_BEHAVIOR_REUSE },
		{ MADV_CAN_REUSE, VM_BEHAVIOR_CAN_REUSE }, { MADV_HUGEPAGE, VM_BEHAVIOR_MEGAPAGES },
		{ MADV_NOHUGEPAGE, VM_BEHAVIOR_SMALL_PAGES },
	};
	uint64_t addr = (uintptr_t)where;
	int done;

	if ((addr & PAGE_MASK) != 0 || !__atlas_range(&addr, &len))
		return fail(EINVAL);
	done = advise_otherwise(addr, len, advice);
	if (done <= 0)
		return done;
	for (unsigned i = 0; i < sizeof(table) / sizeof(table[0]); i++)
		if (table[i].advice == advice)
			return __atlas_errno(vm_behavior_set(mach_task_self(), addr, len, table[i].behavior));
	return fail(EINVAL);
}

int
posix_madvise(void *where, size_t len, int advice)
{
	int saved = errno, error = 0;

	if (advice < POSIX_MADV_NORMAL || advice > POSIX_MADV_DONTNEED)
		return EINVAL;
	if (madvise(where, len, advice) != 0)
		error = errno;
	errno = saved;
	return error;
}

/* --- msync --- */

static bool
is_unlocked(uint64_t addr, size_t len, const vm_region_basic_info_data_64_t *info)
{
	(void)addr;
	(void)len;
	return info->user_wired_count == 0;
}

int
msync(void *where, size_t len, int flags)
{
	uint64_t addr = (uintptr_t)where;
	vm_sync_t sync = VM_SYNC_CONTIGUOUS;

	if (flags == MS_KILLPAGES || flags == MS_DEACTIVATE) {
		sync |= flags == MS_KILLPAGES ? VM_SYNC_KILLPAGES : VM_SYNC_DEACTIVATE;
		flags = MS_SYNC;
	}
	if ((flags & ~(MS_ASYNC | MS_INVALIDATE | MS_SYNC)) != 0 || (flags & (MS_ASYNC | MS_SYNC)) == (MS_ASYNC | MS_SYNC) ||
	    (flags & (MS_ASYNC | MS_INVALIDATE)) == (MS_ASYNC | MS_INVALIDATE) ||
	    (addr & PAGE_MASK) != 0)
		return fail(EINVAL);
	if (!__atlas_range(&addr, &len))
		return fail(ENOMEM);
	if (!each_region(addr, len, NULL))
		return fail(ENOMEM);
	if ((flags & MS_INVALIDATE) != 0 && !each_region(addr, len, is_unlocked))
		return fail(EBUSY);
	sync |= (flags & MS_ASYNC) != 0 ? VM_SYNC_ASYNCHRONOUS : VM_SYNC_SYNCHRONOUS;
	sync |= (flags & MS_INVALIDATE) != 0 ? VM_SYNC_INVALIDATE : 0;
	switch (vm_msync(mach_task_self(), addr, len, sync)) {
	case KERN_SUCCESS:
		return 0;
	case KERN_INVALID_ADDRESS:
		return fail(ENOMEM);
	default:
		return fail(EIO);
	}
}

/* --- locking --- */

/* What a refused wiring is to POSIX. */
static int
lock_failed(kern_return_t kr)
{
	switch (kr) {
	case KERN_SUCCESS:
		return 0;
	case KERN_RESOURCE_SHORTAGE:
	case KERN_FAILURE:
		return fail(__atlas_limits_locking() ? ENOMEM : EAGAIN);
	default:
		return fail(ENOMEM);
	}
}

int
mlock(const void *where, size_t len)
{
	uint64_t addr = (uintptr_t)where;

	if (!__atlas_range(&addr, &len) || (addr < VM_MIN_ADDRESS && len > 0))
		return fail(ENOMEM);            /* wiring would clamp to the task's addresses */
	return lock_failed(vm_map_wire(mach_task_self(), addr, addr + len, VM_MAP_WIRE_USER));
}

int
munlock(const void *where, size_t len)
{
	uint64_t addr = (uintptr_t)where;

	if (!__atlas_range(&addr, &len) || (addr < VM_MIN_ADDRESS && len > 0))
		return fail(ENOMEM);
	return lock_failed(vm_map_unwire(mach_task_self(), addr, addr + len, VM_MAP_WIRE_USER));
}

/* All but the library's windows, of which a file's user has mappings of his own. */
static kern_return_t
lock_all(void)
{
	vm_address_t addr = 0, start, end;
	kern_return_t kr = KERN_SUCCESS;
	bool more = true;

	atlas_mutex_lock(&__atlas_files_lock);
	for (; more && kr == KERN_SUCCESS; addr = end) {
		more = __atlas_next_window(addr, &start, &end);
		if (!more)
			start = __atlas_address_limit();
		kr = vm_map_wire(mach_task_self(), addr, start, VM_MAP_WIRE_USER | VM_MAP_WIRE_HOLESOK);
	}
	atlas_mutex_unlock(&__atlas_files_lock);
	return kr;
}

int
mlockall(int flags)
{
	if (flags == 0 || (flags & ~(MCL_CURRENT | MCL_FUTURE)) != 0)
		return fail(EINVAL);
	if ((flags & MCL_FUTURE) != 0 && task_wire(mach_task_self(), TRUE) != KERN_SUCCESS)
		return fail(ENOMEM);
	if ((flags & MCL_CURRENT) == 0)
		return 0;
	return lock_failed(lock_all());
}

int
munlockall(void)
{
	task_wire(mach_task_self(), FALSE);
	return lock_failed(vm_map_unwire(mach_task_self(), 0, __atlas_address_limit(), VM_MAP_WIRE_USER | VM_MAP_WIRE_HOLESOK));
}

/* --- mincore --- */

int
mincore(const void *where, size_t len, char *vec)
{
	uint64_t addr = (uintptr_t)where;
	int disposition[PIECE];
	char bits[PIECE];

	if ((addr & PAGE_MASK) != 0)
		return fail(EINVAL);
	if (!__atlas_range(&addr, &len) || !each_region(addr, len, NULL))
		return fail(ENOMEM);
	while (len > 0) {
		mach_vm_size_t n = PIECE;
		vm_size_t done;

		if (mach_vm_page_range_query(mach_task_self(), addr, len, (uintptr_t)disposition, &n) != KERN_SUCCESS)
			return fail(ENOMEM);
		for (unsigned i = 0; i < n; i++) {
			int d = disposition[i];

			bits[i] = (char)((d & VM_PAGE_QUERY_PAGE_PRESENT ? MINCORE_INCORE : 0) |
			    (d & VM_PAGE_QUERY_PAGE_REF ? MINCORE_REFERENCED | MINCORE_REFERENCED_OTHER : 0) |
			    (d & VM_PAGE_QUERY_PAGE_DIRTY ? MINCORE_MODIFIED | MINCORE_MODIFIED_OTHER : 0));
		}
		/* By the kernel: a bad vec is an error, not a fault. */
		if (vm_read_overwrite(mach_task_self(), (vm_address_t)bits, n, (vm_address_t)vec, &done) != KERN_SUCCESS)
			return fail(EFAULT);
		addr += n * PAGE_SIZE;
		len -= n * PAGE_SIZE;
		vec += n;
	}
	return 0;
}
