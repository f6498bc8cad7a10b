/*
 * mach/mach_time.h: the machine's clock, in units of which numer/denom are a nanosecond each.
 */
#ifndef MACH_MACH_TIME_H
#define MACH_MACH_TIME_H

#include <mach/mach.h>

#ifdef __cplusplus
extern "C" {
#endif

struct mach_timebase_info {
	uint32_t numer, denom;
};
typedef struct mach_timebase_info *mach_timebase_info_t;
typedef struct mach_timebase_info  mach_timebase_info_data_t;

/* Microseconds since the machine was started. */
uint64_t mach_absolute_time(void);
kern_return_t mach_timebase_info(mach_timebase_info_t info);

#ifdef __cplusplus
}
#endif

#endif
