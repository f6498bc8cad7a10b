/*
 * limits.c: getrlimit and setrlimit.
 *
 *   RLIMIT_AS        bytes mapped         the kernel keeps the soft limits, for whatever maps,
 *   RLIMIT_MEMLOCK   bytes locked         locks, or makes the main thread's stack grow; the hard ones
 *   RLIMIT_STACK     of the main thread   are kept here, in memory that children have, too
 *
 * The main thread's stack may come to 64 MiB; its limit is 8 MiB when a program
 * begins.
 */
#include "libatlas.h"
#include <errno.h>
#include <sys/resource.h>
#include <vm/vm_map_stack.h>

static struct kept {
	int    which, kernel;           /* RLIMIT_*, TASK_LIMIT_* */
	rlim_t hard;
} kept[] = {
	{ RLIMIT_AS, TASK_LIMIT_SIZE, RLIM_INFINITY },
	{ RLIMIT_MEMLOCK, TASK_LIMIT_WIRED, RLIM_INFINITY },
	{ RLIMIT_STACK, TASK_LIMIT_STACK, RLIM_INFINITY },
};

static struct kept *
find(int which)
{
	for (unsigned i = 0; i < sizeof(kept) / sizeof(kept[0]); i++)
		if (kept[i].which == which)
			return &kept[i];
	return NULL;
}

static uint64_t *
member(struct atlas_limits *l, const struct kept *k)
{
	return k->kernel == TASK_LIMIT_SIZE ? &l->size : k->kernel == TASK_LIMIT_WIRED ? &l->wired : &l->stack;
}

int
getrlimit(int which, struct rlimit *limit)
{
	const struct kept *k = find(which);
	struct atlas_limits l = { 0, 0, 0 };

	if (which < 0 || which >= RLIM_NLIMITS) {
		errno = EINVAL;
		return -1;
	}
	*limit = (struct rlimit){ RLIM_INFINITY, RLIM_INFINITY };
	if (which == RLIMIT_CORE)
		*limit = (struct rlimit){ 0, 0 };
	if (k == NULL)
		return 0;
	(void)task_limits(mach_task_self(), 0, &l);
	limit->rlim_max = k->hard;
	if (*member(&l, k) < RLIM_INFINITY)
		limit->rlim_cur = *member(&l, k);
	return 0;
}

int
setrlimit(int which, const struct rlimit *limit)
{
	struct atlas_limits l = { 0, 0, 0 };
	struct kept *k = find(which);
	struct rlimit now;

	if (getrlimit(which, &now) != 0)
		return -1;
	if (limit->rlim_cur > limit->rlim_max ||
	    (k == NULL && (limit->rlim_cur != now.rlim_cur || limit->rlim_max != now.rlim_max))) {
		errno = EINVAL;
		return -1;
	}
	if (k == NULL)
		return 0;
	k->hard = limit->rlim_max;
	*member(&l, k) = limit->rlim_cur < RLIM_INFINITY ? limit->rlim_cur : ATLAS_LIMIT_NONE;
	(void)task_limits(mach_task_self(), k->kernel, &l);
	return 0;
}

bool
__atlas_limits_locking(void)
{
	struct rlimit r;

	return getrlimit(RLIMIT_MEMLOCK, &r) == 0 && r.rlim_cur != RLIM_INFINITY;
}
