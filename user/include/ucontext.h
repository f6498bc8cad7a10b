/* ucontext.h: what signal handlers get; all of it is in signal.h. */
#include <signal.h>
