/*
 * mach/kern_return.h: result codes of the Mach calls, with Mach's numbers.
 */
#ifndef MACH_KERN_RETURN_H
#define MACH_KERN_RETURN_H

typedef int kern_return_t;

/* X(number, NAME, "text of mach_error_string") */
#define MACH_KERN_RETURNS(X) \
	X(0,  SUCCESS,               "successful") \
	X(1,  INVALID_ADDRESS,       "invalid address") \
	X(2,  PROTECTION_FAILURE,    "protection failure") \
	X(3,  NO_SPACE,              "no space available") \
	X(4,  INVALID_ARGUMENT,      "invalid argument") \
	X(5,  FAILURE,               "failure") \
	X(6,  RESOURCE_SHORTAGE,     "resource shortage") \
	X(7,  NOT_RECEIVER,          "not receiver") \
	X(8,  NO_ACCESS,             "no access") \
	X(9,  MEMORY_FAILURE,        "memory failure") \
	X(10, MEMORY_ERROR,          "memory error") \
	X(11, ALREADY_IN_SET,        "already in set") \
	X(12, NOT_IN_SET,            "not in set") \
	X(13, NAME_EXISTS,           "name exists") \
	X(14, ABORTED,               "aborted") \
	X(15, INVALID_NAME,          "invalid name") \
	X(16, INVALID_TASK,          "invalid task") \
	X(17, INVALID_RIGHT,         "invalid right") \
	X(18, INVALID_VALUE,         "invalid value") \
	X(19, UREFS_OVERFLOW,        "too many references") \
	X(20, INVALID_CAPABILITY,    "invalid capability") \
	X(21, RIGHT_EXISTS,          "right exists") \
	X(22, INVALID_HOST,          "invalid host") \
	X(23, MEMORY_PRESENT,        "memory present") \
	X(24, MEMORY_DATA_MOVED,     "memory data moved") \
	X(25, MEMORY_RESTART_COPY,   "restart of the copy") \
	X(26, INVALID_PROCESSOR_SET, "invalid processor set") \
	X(27, POLICY_LIMIT,          "policy limit") \
	X(28, INVALID_POLICY,        "invalid policy") \
	X(29, INVALID_OBJECT,        "invalid object") \
	X(30, ALREADY_WAITING,       "already waiting") \
	X(31, DEFAULT_SET,           "default set") \
	X(32, EXCEPTION_PROTECTED,   "exception protected") \
	X(33, INVALID_LEDGER,        "invalid ledger") \
	X(34, INVALID_MEMORY_CONTROL, "invalid memory control") \
	X(35, INVALID_SECURITY,      "invalid security") \
	X(36, NOT_DEPRESSED,         "not depressed") \
	X(37, TERMINATED,            "terminated") \
	X(38, LOCK_SET_DESTROYED,    "lock set destroyed") \
	X(39, LOCK_UNSTABLE,         "lock unstable") \
	X(40, LOCK_OWNED,            "lock owned") \
	X(41, LOCK_OWNED_SELF,       "lock owned by the caller") \
	X(42, SEMAPHORE_DESTROYED,   "semaphore destroyed") \
	X(43, RPC_SERVER_TERMINATED, "server terminated") \
	X(44, RPC_TERMINATE_ORPHAN,  "terminate the orphan") \
	X(45, RPC_CONTINUE_ORPHAN,   "the orphan goes on") \
	X(46, NOT_SUPPORTED,         "not supported") \
	X(47, NODE_DOWN,             "node down") \
	X(48, NOT_WAITING,           "not waiting") \
	X(49, OPERATION_TIMED_OUT,   "operation timed out") \
	X(50, CODESIGN_ERROR,        "code signature") \
	X(51, POLICY_STATIC,         "policy cannot be changed") \
	X(52, INSUFFICIENT_BUFFER_SIZE, "buffer too small") \
	X(53, DENIED,                "denied") \
	X(56, NOT_FOUND,             "not found") \
	X(64, OUT_OF_BOUNDS,         "out of bounds")

enum {
#define X(number, name, text) KERN_##name = number,
	MACH_KERN_RETURNS(X)
#undef X
	KERN_RETURN_MAX = 0x100
};

#endif
