/*
 * sched.h: one call; there are no scheduling policies to choose from.
 */
#ifndef ATLAS_SCHED_H
#define ATLAS_SCHED_H

#ifdef __cplusplus
extern "C"
#endif
int sched_yield(void);

#endif
