/* mach/mach_interface.h: programs written for Mach name it; all of it is in mach/mach.h. */
#include <mach/mach.h>
