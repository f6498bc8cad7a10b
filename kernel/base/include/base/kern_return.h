/*
 * base/kern_return.h: result codes, and the sentence that goes with a refusal.
 *
 * Numbers and names are Mach's (osfmk/mach/kern_return.h). A function that
 * refuses says why, with its values:
 *
 *	return KERN_FAIL(KERN_NO_SPACE, "no gap of 0x%lx bytes below 0x%lx",
 *	    size, max);
 *
 * Nothing is formatted or printed then: format and up to four words are kept
 * in the calling thread's kern_reason, and whoever asked prints them. So a
 * program that probes on purpose pays four stores, and floods nothing. Strings
 * among the arguments must be constants; integers may have any width.
 */
#ifndef BASE_KERN_RETURN_H
#define BASE_KERN_RETURN_H

#include <base/types.h>

typedef int kern_return_t;

#define KERN_SUCCESS                0
#define KERN_INVALID_ADDRESS        1   /* not (all) mapped, or outside the map */
#define KERN_PROTECTION_FAILURE     2   /* mapped, but the access is not allowed */
#define KERN_NO_SPACE               3   /* the range is taken, or no gap is large enough */
#define KERN_INVALID_ARGUMENT       4
#define KERN_FAILURE                5
#define KERN_RESOURCE_SHORTAGE      6   /* out of pages, zones or kernel addresses */
#define KERN_NOT_RECEIVER           7
#define KERN_NO_ACCESS              8
#define KERN_MEMORY_FAILURE         9
#define KERN_MEMORY_ERROR           10  /* the pager could not supply the data */
#define KERN_ALREADY_IN_SET         11
#define KERN_NOT_IN_SET             12
#define KERN_NAME_EXISTS            13
#define KERN_ABORTED                14
#define KERN_INVALID_NAME           15  /* the handle names nothing */
#define KERN_INVALID_TASK           16
#define KERN_INVALID_RIGHT          17
#define KERN_INVALID_VALUE          18
#define KERN_UREFS_OVERFLOW         19
#define KERN_INVALID_CAPABILITY     20
#define KERN_RIGHT_EXISTS           21
#define KERN_INVALID_HOST           22
#define KERN_MEMORY_PRESENT         23  /* internal */
#define KERN_MEMORY_DATA_MOVED      24
#define KERN_MEMORY_RESTART_COPY    25  /* internal */
#define KERN_INVALID_PROCESSOR_SET  26
#define KERN_POLICY_LIMIT           27
#define KERN_INVALID_POLICY         28
#define KERN_INVALID_OBJECT         29
#define KERN_ALREADY_WAITING        30
#define KERN_DEFAULT_SET            31
#define KERN_EXCEPTION_PROTECTED    32
#define KERN_INVALID_LEDGER         33
#define KERN_INVALID_MEMORY_CONTROL 34
#define KERN_INVALID_SECURITY       35
#define KERN_NOT_DEPRESSED          36
#define KERN_TERMINATED             37
#define KERN_NOT_SUPPORTED          46
#define KERN_NODE_DOWN              47
#define KERN_NOT_WAITING            48
#define KERN_OPERATION_TIMED_OUT    49
#define KERN_INSUFFICIENT_BUFFER_SIZE 52
#define KERN_DENIED                 53
#define KERN_NOT_FOUND              56
#define KERN_OUT_OF_BOUNDS          64  /* FreeBSD's, whose 9 is taken: beyond what goes with it */
#define KERN_RETURN_MAX             0x100

/* "KERN_NO_SPACE" for 3; "KERN_?" for a number without a name. */
const char *kern_return_name(kern_return_t kr);
/* The code with this name, or -1. */
int kern_return_value(const char *name);

struct kern_reason {
	const char *fmt;        /* NULL: no sentence */
	uint64_t    arg[4];
};

/* The calling thread's reason; supplied by kernel/ and by the host rig. */
struct kern_reason *kern_reason(void);

/* Writes the reason as text into buf (always terminated); "" when none. */
void kern_reason_text(const struct kern_reason *r, char *buf, size_t size);

void kern_reason_check(const char *fmt, ...) printf_like(1, 2);

static inline kern_return_t
kern_fail(kern_return_t kr, const char *fmt, uint64_t a, uint64_t b, uint64_t c,
    uint64_t d)
{
	struct kern_reason *r = kern_reason();

	r->fmt = fmt;
	r->arg[0] = a;
	r->arg[1] = b;
	r->arg[2] = c;
	r->arg[3] = d;
	return kr;
}

#define KERN_FAIL_4(kr, fmt, a, b, c, d, ...) \
	kern_fail(kr, fmt, (uint64_t)(a), (uint64_t)(b), (uint64_t)(c), (uint64_t)(d))
/* The unreachable call lets the compiler check the arguments against fmt. */
#define KERN_FAIL(kr, ...) \
	((void)(0 && (kern_reason_check(__VA_ARGS__), 0)), \
	 KERN_FAIL_4(kr, __VA_ARGS__, 0, 0, 0, 0, 0))

#endif
