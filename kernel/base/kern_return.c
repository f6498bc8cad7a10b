/*
 * kern_return.c: the names of result codes, and reasons as text.
 *
 * A reason keeps its arguments as 64-bit words. Every variadic argument of
 * LP64 travels in a word of its own, so handing four words to a format whose
 * conversions are narrower is what the compiler itself would have done.
 */
#include <stdio.h>
#include <string.h>
#include <base/kern_return.h>

#define CODES(X) \
	X(SUCCESS) X(INVALID_ADDRESS) X(PROTECTION_FAILURE) X(NO_SPACE) \
	X(INVALID_ARGUMENT) X(FAILURE) X(RESOURCE_SHORTAGE) X(NOT_RECEIVER) \
	X(NO_ACCESS) X(MEMORY_FAILURE) X(MEMORY_ERROR) X(ALREADY_IN_SET) \
	X(NOT_IN_SET) X(NAME_EXISTS) X(ABORTED) X(INVALID_NAME) X(INVALID_TASK) \
	X(INVALID_RIGHT) X(INVALID_VALUE) X(UREFS_OVERFLOW) X(INVALID_CAPABILITY) \
	X(RIGHT_EXISTS) X(INVALID_HOST) X(MEMORY_PRESENT) X(MEMORY_DATA_MOVED) \
	X(MEMORY_RESTART_COPY) X(INVALID_PROCESSOR_SET) X(POLICY_LIMIT) \
	X(INVALID_POLICY) X(INVALID_OBJECT) X(ALREADY_WAITING) X(DEFAULT_SET) \
	X(EXCEPTION_PROTECTED) X(INVALID_LEDGER) X(INVALID_MEMORY_CONTROL) \
	X(INVALID_SECURITY) X(NOT_DEPRESSED) X(TERMINATED) X(NOT_SUPPORTED) \
	X(NODE_DOWN) X(NOT_WAITING) X(OPERATION_TIMED_OUT) \
	X(INSUFFICIENT_BUFFER_SIZE) X(DENIED) X(NOT_FOUND) X(OUT_OF_BOUNDS) X(RETURN_MAX)

static const struct {
	int         value;
	const char *name;
} codes[] = {
#define X(name) { KERN_##name, "KERN_" #name },
	CODES(X)
#undef X
};

const char *
kern_return_name(kern_return_t kr)
{
	for (unsigned i = 0; i < nitems(codes); i++)
		if (codes[i].value == kr)
			return codes[i].name;
	return "KERN_?";
}

int
kern_return_value(const char *name)
{
	for (unsigned i = 0; i < nitems(codes); i++)
		if (strcmp(codes[i].name, name) == 0)
			return codes[i].value;
	return -1;
}

void
kern_reason_text(const struct kern_reason *r, char *buf, size_t size)
{
	if (size == 0)
		return;
	buf[0] = '\0';
	if (r->fmt != NULL)
		snprintf(buf, size, r->fmt, r->arg[0], r->arg[1], r->arg[2], r->arg[3]);
}
