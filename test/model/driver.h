/*
 * driver.h: the same operations to mm and to the model, and what differs.
 *
 * An operation is 16 bytes, and every 16 bytes are an operation: random
 * programs, the fuzzer's inputs and shrunk failures are the same thing. What
 * the bytes mean depends on the state (there are three tasks, so "task 5" is
 * one of them), so that a program stays a program when operations are deleted.
 */
#ifndef DRIVER_H
#define DRIVER_H

#include <base/types.h>

struct op {
	uint8_t b[16];
};

struct driver_config {
	const char *name;
	unsigned    levels;             /* Sv39: 3, Sv48: 4, Sv57: 5 */
	unsigned    asid_bits;
	bool        fault_ad;           /* A and D by fault */
	bool        full_fences_only;
	bool        sticky;             /* no walk where anything is cached */
	size_t      memory;
	bool        inject;             /* allocations fail on purpose */
	unsigned    check_every;        /* operations from one full check to the next; 1: after each */
	bool        napot;              /* Svnapot */
};

enum driver_kind {
	DRV_ACCESS, DRV_TOUCH, DRV_MEGA, DRV_RENEW, DRV_PASSING, DRV_ALLOCATE, DRV_MAP, DRV_DEALLOCATE, DRV_PROTECT, DRV_INHERIT,
	DRV_READ, DRV_READ_OVERWRITE, DRV_WRITE, DRV_COPY, DRV_REGION, DRV_FORK, DRV_END, DRV_CREATE,
	DRV_SWITCH, DRV_KREAD, DRV_KWRITE, DRV_REFILL, DRV_ASIDS,
	DRV_REMAP, DRV_WIRE, DRV_BEHAVIOR, DRV_MSYNC, DRV_ENTRY_MAKE, DRV_ENTRY_MAP, DRV_ENTRY_DROP,
	DRV_COPY_TAKE, DRV_COPY_USE, DRV_PAGER_MAP, DRV_WINDOW, DRV_STACK,
	DRV_PROTECT_RANGE, DRV_MADVISE, DRV_WIRE_RANGE, DRV_SYNC, DRV_KINDS
};
extern const char *const driver_kind_name[DRV_KINDS];

struct driver_counts {
	uint64_t done[DRV_KINDS], refused[DRV_KINDS], shortage[DRV_KINDS], skipped[DRV_KINDS];
	uint64_t partial;               /* writes of the kernel that memory stopped half way */
	uint64_t accesses, pages_compared, checks, regions;
	uint64_t promotions, demotions, megapages, joined, broken;
	uint64_t chain_max, chain_sum, chain_samples;
	uint64_t code[64];              /* how often each result code came */
};
extern struct driver_counts driver_counts;
/* Operations of all kinds, however they ended. */
uint64_t driver_calls(const struct driver_counts *n);

extern bool driver_verbose;             /* says what each operation is */
extern char driver_failure[1024];       /* "": all agree so far */

/* A fresh machine. Its state after driver_finish is as before driver_start, but for caches. */
void driver_boot(const struct driver_config *c);
void driver_start(void);
/* FALSE: mm and model disagree. */
bool driver_op(const struct op *op);
/* Reads all memory a last time, ends all tasks, counts the pages. */
bool driver_finish(void);

#endif
