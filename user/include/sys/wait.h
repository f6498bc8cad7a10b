/*
 * sys/wait.h: picolibc's, and what programs ask besides.
 */
#ifndef ATLAS_SYS_WAIT_H
#define ATLAS_SYS_WAIT_H

#include_next <sys/wait.h>

#define WCOREDUMP(status)       ((void)(status), 0)     /* nothing dumps core */
#define WIFCONTINUED(status)    ((void)(status), 0)     /* nor stops */
#define WAIT_ANY        (-1)

#endif
