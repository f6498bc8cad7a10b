/* mach/thread_policy.h: programs written for Mach name it; what there is of it is in mach/mach.h. */
#include <mach/mach.h>
