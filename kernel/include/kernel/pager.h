/*
 * kernel/pager.h: the memory managers that this kernel brings along.
 *
 *   file     a file of the initial ramdisk, read-only; its last page ends in zeros
 *   device   physical memory that belongs to a node of the device tree, uncached
 *   test     memory of its own, and a manager that misbehaves when told to
 *
 * Each of the functions that open gives a memory object with one reference for
 * the caller (memory_object_release). Map it with vm_map. No lock held.
 */
#ifndef KERNEL_PAGER_H
#define KERNEL_PAGER_H

#include <mm/memory_object.h>

/* Boot, once. */
void pager_file_bootstrap(void);
void pager_test_bootstrap(void);

/*
 * The plain file at path; the same memory object for as long as anybody has it. r-x. *bytes: its
 * length, NULL allowed. KERN_NOT_FOUND: no such file; KERN_INVALID_ARGUMENT: it is empty;
 * KERN_RESOURCE_SHORTAGE.
 */
kern_return_t pager_file_open(const char *path, memory_object_t *mo, vm_size_t *bytes);

/*
 * The registers of a device, in whole pages, rw-. name: a path or an alias of
 * the device tree ("/soc/serial@10000000", "serial0"), of which the first `reg` counts; or NULL, then address
 * and size lie within some node's reg. size 0: all of that reg; *start: what the first byte of the object stands for, NULL allowed.
 * KERN_NOT_FOUND: no such node, or no node's; KERN_INVALID_ARGUMENT: more than the reg; KERN_PROTECTION_FAILURE: memory, firmware's
 * or the kernel's own (interrupt controllers); KERN_RESOURCE_SHORTAGE.
 */
kern_return_t pager_device_open(const char *name, uint64_t address, vm_size_t size, memory_object_t *mo, uint64_t *start);

/* What a test pager may be told; the value's meaning beside it. All but the first five are 0 at first. */
enum pager_test_verb {
	PAGER_READY,            /* 1: answers init; 0: does not; 1 later: answers it then (1) */
	PAGER_UNLOCKS,          /* 1: lifts locks when asked to (1) */
	PAGER_SYNCS,            /* 1: completes synchronize (1) */
	PAGER_STRATEGY,         /* MEMORY_OBJECT_COPY_* said with ready (DELAY) */
	PAGER_CLUSTER,          /* bytes, said with ready (a page) */
	PAGER_CACHE,            /* may_cache, said with ready */
	PAGER_DELAY,            /* milliseconds before an answer */
	PAGER_HOLD,             /* 1: answers only when told to */
	PAGER_ANSWER,           /* now: so many of the requests that wait, oldest first; 0: all */
	PAGER_FAIL,             /* KERN_* code: answers with an error; 0: does not */
	PAGER_UNAVAILABLE,      /* 1: has nothing */
	PAGER_NEVER,            /* 1: forgets requests */
	PAGER_TWICE,            /* 1: answers, and answers again */
	PAGER_SHIFT,            /* bytes: answers for so much further up */
	PAGER_LOCK,             /* VM_PROT_*: what it forbids in what it supplies */
	PAGER_PRECIOUS,         /* 1: wants its pages back in any case */
	PAGER_FILL,             /* n: unwritten page i is full of bytes n + i; 0: zeros */
	PAGER_CLEAN,            /* now: has dirty pages returned (1: all) */
	PAGER_FLUSH,            /* now: has them returned, and drops all (1: without return) */
	PAGER_DIE,              /* now: destroys the object, for this reason */
	PAGER_VERBS
};

struct pager_test_counts {
	uint64_t inits, terminates, requests, unlocks, returns, dirty, syncs;
	uint64_t held;                  /* requests that wait for an answer */
	uint64_t lost;                  /* returned pages that there was no memory for */
	vm_object_offset_t offset;      /* of the last request */
	vm_size_t length;
	vm_prot_t access;
};

/* KERN_INVALID_ARGUMENT: size 0 or too large; KERN_RESOURCE_SHORTAGE. */
kern_return_t pager_test_create(vm_size_t size, memory_object_t *mo);
/* KERN_INVALID_ARGUMENT: no test pager's, unknown verb or value; those of memory_object_lock_request. */
kern_return_t pager_test_control(memory_object_t mo, enum pager_test_verb verb, uint64_t value);
/* "delay" for PAGER_DELAY; NULL behind the last. */
const char *pager_test_verb_name(unsigned verb);
/* FALSE: no test pager's. */
bool pager_test_counts(memory_object_t mo, struct pager_test_counts *counts);
/* n bytes of its own memory within one page, at offset. FALSE: no test pager's, outside, or no memory. */
bool pager_test_store(memory_object_t mo, vm_object_offset_t offset, void *data, size_t n, bool write);
/* Gives the answers that are due at `now` (wait_clock_us). The clock time when to call again, ~0: not before something is held. */
uint64_t pager_test_run(uint64_t now);
/* Something is held with a time: supplied by kernel/pager_clock.c, which calls pager_test_run in time, and by the host rig. */
void pager_test_clock(void);

#endif
