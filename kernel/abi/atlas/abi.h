/*
 * atlas/abi.h: system calls, as kernel and programs agree on them.
 *
 * Number in a7, up to six words in a0-a5, larger argument lists through a
 * pointer to a struct; result (kern_return_t, or a value where said) in a0.
 * A call is a call: a1-a7 and t0-t6 are not preserved (they come back 0),
 * s0-s11, sp, gp, tp, ra and the FP registers are. Handles are
 * mach_port_name_t: small integers with a generation; 0 is no handle.
 * TASK_SELF names the calling task.
 *
 * Pointers marked in/out/inout are user addresses, copied by copyin/copyout;
 * a bad one gives KERN_INVALID_ADDRESS, and outputs are written on success only.
 */
#ifndef ATLAS_ABI_H
#define ATLAS_ABI_H

#include <stdint.h>

#define ATLAS_TASK_SELF     0xFFFFFFFFu
#define ATLAS_HOST_SELF     0xFFFFFFFEu         /* the host's port, which wiring asks for */

/* X(number, name, "arguments") */
#define ATLAS_SYSCALLS(X) \
	X(0,  null,             "()") \
	X(1,  thread_exit,      "()                                  ends the thread; the last one ends the task with status 0") \
	X(2,  task_exit,        "(int status)                        ends the calling task") \
	X(3,  console_write,    "(const void *buf, size_t n)         returns bytes written, or -kern_return_t") \
	X(4,  console_read,     "(void *buf, size_t n)               waits for at least one byte; returns bytes, or -kern_return_t") \
	X(5,  thread_yield,     "()") \
	X(6,  thread_sleep,     "(uint64_t microseconds)") \
	X(7,  clock_us,         "()                                  returns microseconds since boot") \
	X(8,  thread_create,    "(pc, sp, a0, uint32_t *id /out)     a thread of the calling task; tp = 0") \
	X(9,  exception_handler,"(pc, sp)                            the calling thread's handler; pc 0: none") \
	X(10, exception_return, "(struct atlas_exception *frame)     resumes with the registers of the frame; returns only if the frame cannot be read") \
	X(11, futex_wait,       "(uint32_t *addr, uint32_t expect)   sleeps if *addr == expect; KERN_SUCCESS when woken, now and then without a reason, and at once when *addr != expect; KERN_ABORTED when the thread is to end") \
	X(12, futex_wake,       "(uint32_t *addr, uint32_t n)        returns the number woken") \
	X(13, icache_sync,      "()                                  fence.i on all harts that run the task") \
	X(14, hart_id,          "()                                  returns the dense index of the hart") \
	X(15, random,           "()                                  returns 64 bits of a seeded generator") \
	X(20, task_create,      "(parent, inherit_memory, uint32_t *child /out)   Mach's: a task without threads") \
	X(21, task_fork,        "(uint32_t *child /out)              as task_create(self, 1), and a copy of the calling thread that returns with *child = 0 (its own memory) and a0 = KERN_SUCCESS, a1 = 1") \
	X(22, task_terminate,   "(task)") \
	X(23, task_wait,        "(task or 0 = any child, struct atlas_task_status * /out, flags: 1 = do not sleep)  KERN_FAILURE: no such child; KERN_NOT_WAITING: none ended yet") \
	X(24, handle_deallocate,"(handle)") \
	X(25, task_id,          "(task)                              returns the task's id, 0 when bad") \
	X(26, task_resume,      "(task, pc, sp, a0)                  starts a thread in a task made by task_create") \
	X(27, task_parent_id,   "()                                  returns the parent's id, 0 when none") \
	X(40, vm_allocate,      "(task, uint64_t *addr /inout, size, flags)") \
	X(41, vm_deallocate,    "(task, addr, size)") \
	X(42, vm_protect,       "(task, addr, size, set_max, prot)") \
	X(43, vm_inherit,       "(task, addr, size, inherit)") \
	X(44, vm_read,          "(task, addr, size, uint64_t *data /out, uint64_t *count /out)") \
	X(45, vm_write,         "(task, addr, data, count)") \
	X(46, vm_copy,          "(task, src, size, dst)") \
	X(47, vm_map,           "(struct atlas_vm_map_args * /inout)") \
	X(48, vm_region,        "(task, uint64_t *addr /inout, uint64_t *size /out, flavor, void *info /out, uint32_t *count /inout)") \
	X(49, vm_read_overwrite,"(task, addr, size, data, uint64_t *count /out)") \
	X(50, vm_remap,         "(struct atlas_vm_remap_args * /inout)  cur, max: out") \
	X(51, vm_remap_new,     "(struct atlas_vm_remap_args * /inout)  cur, max: inout, the most that is asked") \
	X(52, vm_wire,          "(host, task, addr, size, access)    access 0 unwires") \
	X(53, task_wire,        "(task, must_wire)") \
	X(54, vm_behavior_set,  "(task, addr, size, behavior)") \
	X(55, vm_msync,         "(task, addr, size, flags)") \
	X(56, vm_machine_attribute, "(task, addr, size, attribute, int32_t *value /inout)") \
	X(57, vm_region_recurse,"(task, uint64_t *addr /inout, uint64_t *size /out, uint32_t *depth /inout, void *info /out, uint32_t *count /inout)") \
	X(58, vm_map_page_query,"(task, addr, int32_t *disposition /out, int32_t *ref_count /out)") \
	X(59, vm_map_page_range_query, "(task, addr, size, int32_t *dispositions /out, uint64_t *count /inout)") \
	X(60, vm_read_list,     "(task, struct atlas_vm_range *list /inout, count)  all or none; the caller owns the new regions") \
	X(61, mach_make_memory_entry, "(task, uint64_t *size /inout, offset, permission, uint32_t *handle /out, parent handle or 0)") \
	X(62, vm_region_object_create, "(task, size, uint32_t *handle /out)") \
	X(63, mach_memory_object_memory_entry, "(host, internal, size, permission, pager handle or 0, uint32_t *handle /out)") \
	X(64, memory_object_file, "(const char *path, uint32_t *object /out, uint64_t *bytes /out)   a file of the initrd; KERN_NOT_FOUND") \
	X(65, memory_object_device, "(const char *name or 0, address, size or 0, uint32_t *object /out, uint64_t *start /out)") \
	X(66, memory_object_test, "(size, uint32_t *object /out)") \
	X(67, memory_object_tell, "(object, verb, value)               a test pager's manager: ATLAS_PAGER_*") \
	X(68, memory_object_counts, "(object, struct atlas_pager_counts * /out)  likewise") \
	X(69, memory_object_store, "(object, offset, void *data, size, write)  likewise: its own memory") \
	X(80, vm_map_find,      "(struct atlas_vm_find_args * /inout)") \
	X(81, vm_map_find_min,  "(struct atlas_vm_find_args * /inout)") \
	X(82, vm_map_fixed,     "(struct atlas_vm_find_args *)       addr: start; min_addr, max_addr, find_space mean nothing") \
	X(83, vm_map_insert,    "(struct atlas_vm_find_args *)       likewise") \
	X(84, vm_map_findspace, "(task, start, length, uint64_t *addr /out)") \
	X(85, vm_map_find_aligned, "(task, uint64_t *addr /inout, length, max_addr, alignment)") \
	X(86, vm_map_set_options, "(task, options, seed)") \
	X(90, vm_map_stack,     "(task, addrbos, max_ssize, prot, max, cow)") \
	X(91, vm_map_growstack, "(task, addr)") \
	X(92, vm_map_stack_rules, "(task, rules: 0 gap, 1 classic; guard)") \
	X(93, task_limits,      "(task, which: 1 size, 2 wired, 4 stack are set; struct atlas_limits * /inout: all as they are then)") \
	X(100, vm_map_protect,  "(task, start, end, new_prot, new_maxprot, flags: 1 set prot, 2 set maxprot, 4 grows down)") \
	X(101, vm_map_inherit,  "(task, start, end, inheritance: 3 zero, too)") \
	X(102, vm_map_madvise,  "(task, start, end, advice)") \
	X(103, vm_map_sync,     "(task, start, end, syncio, invalidate)") \
	X(104, vm_map_wire,     "(task, start, end, flags: 1 user, 2 holes ok, 4 write)  without 1: KERN_NO_ACCESS") \
	X(105, vm_map_unwire,   "(task, start, end, flags)           likewise") \
	X(106, vm_map_check_protection, "(task, start, end, prot)    returns 1 if all of it allows that, else 0") \
	X(107, vm_map_range_valid, "(task, start, end)               returns 1 for a range of the map's addresses, else 0")

enum {
#define X(number, name, arguments) ATLAS_SYS_##name = number,
	ATLAS_SYSCALLS(X)
#undef X
	ATLAS_SYSCALL_MAX = 128         /* table size; numbers are below it */
};

struct atlas_vm_map_args {
	uint32_t task;
	uint32_t flags;                 /* VM_FLAGS_*, or a boolean anywhere */
	uint64_t addr;                  /* inout */
	uint64_t size, mask;
	uint32_t object;                /* handle, or 0: zero-fill */
	uint32_t copy;
	uint64_t offset;
	uint32_t cur, max, inherit, pad;
};

struct atlas_vm_remap_args {
	uint32_t task, src;             /* target and source */
	uint64_t addr;                  /* inout */
	uint64_t size, mask;
	uint64_t src_addr;
	uint32_t flags;                 /* VM_FLAGS_*, or a boolean anywhere */
	uint32_t copy;
	uint32_t cur, max;              /* out; vm_remap_new: inout */
	uint32_t inherit, pad;
};

#define ATLAS_LIMIT_NONE        UINT64_MAX
struct atlas_limits {
	uint64_t size;                  /* bytes mapped, guards not counted */
	uint64_t wired;                 /* bytes wired by users */
	uint64_t stack;                 /* bytes of the main thread's stack */
};

struct atlas_vm_find_args {
	uint32_t task;
	uint32_t object;                /* handle, or 0: zero-fill */
	uint64_t addr;                  /* inout */
	uint64_t offset, length;
	uint64_t min_addr, max_addr;
	uint32_t find_space;            /* VMFS_* */
	uint32_t cow;                   /* MAP_* */
	uint32_t prot, max;
};

#define ATLAS_PATH_MAX          256     /* bytes of a path or a device's name, terminated */

/* What the manager of a test pager may be told; the value's meaning beside it. */
enum atlas_pager_verb {
	ATLAS_PAGER_READY,              /* 1: answers the first mapping (1) */
	ATLAS_PAGER_UNLOCKS,            /* 1: lifts locks when asked to (1) */
	ATLAS_PAGER_SYNCS,              /* 1: completes what msync asks for (1) */
	ATLAS_PAGER_STRATEGY,           /* MEMORY_OBJECT_COPY_* (DELAY) */
	ATLAS_PAGER_CLUSTER,            /* bytes */
	ATLAS_PAGER_CACHE,              /* 1: is kept when nobody maps it */
	ATLAS_PAGER_DELAY,              /* milliseconds before an answer */
	ATLAS_PAGER_HOLD,               /* 1: answers only when told to */
	ATLAS_PAGER_ANSWER,             /* now: so many of the requests that wait; 0: all */
	ATLAS_PAGER_FAIL,               /* KERN_* code: answers with an error; 0: does not */
	ATLAS_PAGER_UNAVAILABLE,        /* 1: has nothing */
	ATLAS_PAGER_NEVER,              /* 1: forgets requests */
	ATLAS_PAGER_TWICE,              /* 1: answers, and answers again */
	ATLAS_PAGER_SHIFT,              /* bytes: answers for so much further up */
	ATLAS_PAGER_LOCK,               /* VM_PROT_*: what it forbids in what it supplies */
	ATLAS_PAGER_PRECIOUS,           /* 1: wants its pages back in any case */
	ATLAS_PAGER_FILL,               /* n: page i that was never written is full of bytes n + i */
	ATLAS_PAGER_CLEAN,              /* now: has dirty pages returned (1: all) */
	ATLAS_PAGER_FLUSH,              /* now: has them returned, and drops all (1: without return) */
	ATLAS_PAGER_DIE,                /* now: gives up, for this reason */
	ATLAS_PAGER_VERBS
};

struct atlas_pager_counts {
	uint64_t inits, terminates, requests, unlocks, returns, dirty, syncs, held, lost;
	uint64_t offset, length;        /* of the last request */
	uint32_t access, pad;
};

#define ATLAS_VM_READ_LIST_MAX  256
struct atlas_vm_range {
	uint64_t addr, size;
};

struct atlas_task_status {
	uint64_t id;
	uint32_t how;                   /* enum task_end: 1 exited, 2 killed, 3 exception */
	int32_t  status;                /* exit status, or KERN_* of the exception */
	uint64_t addr, pc;              /* exception: where */
	uint32_t access, pad;
};

/*
 * An exception as its handler sees it: handler(struct atlas_exception *) runs
 * on the registered stack (the frame lies at its top), with all registers of
 * the interrupted context in the frame. It returns by exception_return.
 */
struct atlas_exception {
	uint64_t code;                  /* KERN_INVALID_ADDRESS, KERN_PROTECTION_FAILURE, ... for memory */
	uint64_t cause;                 /* scause */
	uint64_t addr;                  /* of the access */
	uint64_t access;                /* VM_PROT_READ, WRITE or EXECUTE; 0: not a memory access */
	uint64_t pc;
	uint64_t x[32];                 /* by number; x[0] is 0 */
};

#endif
