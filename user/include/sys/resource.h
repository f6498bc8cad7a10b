/*
 * sys/resource.h: limits of the process (lib/limits.c).
 *
 * RLIMIT_AS, RLIMIT_MEMLOCK and RLIMIT_STACK can be set; the kernel keeps them,
 * for whatever maps or locks memory. Children have them too.
 */
#ifndef _SYS_RESOURCE_H_
#define _SYS_RESOURCE_H_

#include <sys/types.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define RLIMIT_CPU      0
#define RLIMIT_FSIZE    1
#define RLIMIT_DATA     2
#define RLIMIT_STACK    3
#define RLIMIT_CORE     4
#define RLIMIT_RSS      5
#define RLIMIT_MEMLOCK  6
#define RLIMIT_NPROC    7
#define RLIMIT_NOFILE   8
#define RLIMIT_AS       10
#define RLIMIT_VMEM     RLIMIT_AS
#define RLIM_NLIMITS    11

typedef uint64_t rlim_t;
#define RLIM_INFINITY   ((rlim_t)INT64_MAX)

struct rlimit {
	rlim_t rlim_cur, rlim_max;
};

int getrlimit(int which, struct rlimit *limit);
/* EINVAL: cur above max, or a limit that nobody here would keep. */
int setrlimit(int which, const struct rlimit *limit);

#ifdef __cplusplus
}
#endif

#endif
