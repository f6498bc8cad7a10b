/*
 * sys/param.h: picolibc's, and what BSD has besides.
 */
#ifndef ATLAS_SYS_PARAM_H
#define ATLAS_SYS_PARAM_H

#include_next <sys/param.h>
#include <sys/types.h>

#ifndef roundup
#define roundup(x, y)   ((((x) + ((y) - 1)) / (y)) * (y))
#endif
#ifndef rounddown
#define rounddown(x, y) (((x) / (y)) * (y))
#endif
#ifndef roundup2
#define roundup2(x, y)  (((x) + ((y) - 1)) & ~((y) - 1))
#define rounddown2(x, y) ((x) & ~((y) - 1))
#define powerof2(x)     ((((x) - 1) & (x)) == 0)
#endif
#ifndef nitems
#define nitems(x)       (sizeof(x) / sizeof((x)[0]))
#endif
#ifndef NBPG
#define NBPG            4096
#endif

#endif
