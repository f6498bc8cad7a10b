/*
 * limits.c: getrlimit and setrlimit, and what mmap and mlock ask of them.
 *
 * The kernel has no limits of processes. Two are kept here: RLIMIT_AS, bytes
 * mapped, and RLIMIT_MEMLOCK, bytes locked. What there is of either is counted
 * region by region, and only once a limit was set. They are in the program's
 * memory, so a child has its parent's.
 */
#include "libatlas.h"
#include <errno.h>
#include <sys/resource.h>

#define UNLIMITED { RLIM_INFINITY, RLIM_INFINITY }

static struct rlimit address_space = UNLIMITED, locked_memory = UNLIMITED;

static struct rlimit *
kept(int which)
{
	return which == RLIMIT_AS ? &address_space : which == RLIMIT_MEMLOCK ? &locked_memory : NULL;
}

int
getrlimit(int which, struct rlimit *limit)
{
	const struct rlimit *k = kept(which);

	if (which < 0 || which >= RLIM_NLIMITS) {
		errno = EINVAL;
		return -1;
	}
	*limit = (struct rlimit)UNLIMITED;
	if (k != NULL)
		*limit = *k;
	if (which == RLIMIT_CORE)
		*limit = (struct rlimit){ 0, 0 };
	return 0;
}

int
setrlimit(int which, const struct rlimit *limit)
{
	struct rlimit *k = kept(which), now;

	if (getrlimit(which, &now) != 0)
		return -1;
	if (limit->rlim_cur > limit->rlim_max ||
	    (k == NULL && (limit->rlim_cur != now.rlim_cur || limit->rlim_max != now.rlim_max))) {
		errno = EINVAL;
		return -1;
	}
	if (k != NULL)
		*k = *limit;
	return 0;
}

/* Bytes mapped, or locked, outside [from, to). */
static uint64_t
mapped(bool locked, uint64_t from, uint64_t to)
{
	vm_region_basic_info_data_64_t info;
	mach_msg_type_number_t count = VM_REGION_BASIC_INFO_COUNT_64;
	vm_address_t addr = 0, low, high;
	uint64_t total = 0;
	vm_size_t size;

	for (; vm_region(mach_task_self(), &addr, &size, VM_REGION_BASIC_INFO_64, (vm_region_info_t)&info, &count,
	    NULL) == KERN_SUCCESS; addr += size) {
		if (locked && info.user_wired_count == 0)
			continue;
		low = addr > from ? addr : from;
		high = addr + size < to ? addr + size : to;
		total += size - (low < high ? high - low : 0);
	}
	return total;
}

bool
__atlas_limit_map(uint64_t addr, size_t replaced, size_t len)
{
	return address_space.rlim_cur == RLIM_INFINITY ||
	    (len <= address_space.rlim_cur && mapped(false, addr, addr + replaced) <= address_space.rlim_cur - len);
}

bool
__atlas_limit_lock(uint64_t addr, size_t len)
{
	return locked_memory.rlim_cur == RLIM_INFINITY ||
	    (len <= locked_memory.rlim_cur && mapped(true, addr, addr + len) <= locked_memory.rlim_cur - len);
}
