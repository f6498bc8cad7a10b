/* sys/signal.h: all of it is in signal.h. */
#include <signal.h>
