/*
 * time.h: picolibc's, and the clock and sleep that Atlas has.
 */
#ifndef ATLAS_TIME_H
#define ATLAS_TIME_H

#include_next <time.h>
#include <sys/types.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Microseconds since boot, for all clocks: there is no time of day. */
#ifndef CLOCK_MONOTONIC
#define CLOCK_MONOTONIC ((clockid_t)4)
#endif
int clock_gettime(clockid_t clock, struct timespec *t);
int clock_getres(clockid_t clock, struct timespec *t);
/* Never interrupted, so *left is never written. */
int nanosleep(const struct timespec *t, struct timespec *left);

#ifdef __cplusplus
}
#endif

#endif
