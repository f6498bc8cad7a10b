/*
 * bench.h: counting and rows, for the programs that scripts/bench runs.
 *
 * Counted with `instret`, which under `qemu -icount shift=0` is exact and the
 * same in every run; anywhere else the figures mean nothing. The cost of
 * reading the counter is calibrated and taken off. Rows are collected and
 * printed at the end, `row<TAB>value<TAB>unit`: console output is interrupt
 * work after the print.
 */
#ifndef BENCH_H
#define BENCH_H

#include <atlas/syscall.h>
#include <mach/mach.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define MEGA            (2ul << 20)
#define ROWS_MAX        128
#define REPEAT          200u

static struct row {
	char        name[64];
	uint64_t    value;
	const char *unit;
} rows[ROWS_MAX];
static unsigned nrows;
static uint64_t overhead;               /* of one pair of readings */

static inline uint64_t
now(void)
{
	uint64_t n;

	__asm__ volatile("rdinstret %0" : "=r"(n) :: "memory");
	return n;
}

/* Instructions since `start`, without those of the measurement. */
static inline uint64_t
since(uint64_t start)
{
	return now() - start - overhead;
}

static inline void
calibrate(void)
{
	uint64_t least = ~0ul;

	for (int i = 0; i < 100; i++) {
		uint64_t start = now(), n = now() - start;

		if (n < least)
			least = n;
	}
	overhead = least;
}

static inline void
row(const char *name, uint64_t total, uint64_t count, const char *unit)
{
	struct row *r = &rows[nrows++];

	snprintf(r->name, sizeof(r->name), "%s", name);
	r->value = (total + count / 2) / count;
	r->unit = unit;
}

static inline void
must(kern_return_t kr, const char *what)
{
	if (kr == KERN_SUCCESS)
		return;
	printf("bench: %s: %s\n", what, mach_error_string(kr));
	exit(1);
}
#define MUST(call)      must((call), #call)

static inline void
store(vm_address_t addr)
{
	*(volatile char *)addr = 1;
}

/* Fresh memory, aligned to megapages. */
static inline vm_address_t
fresh(vm_size_t size)
{
	vm_address_t addr = 0;

	MUST(vm_map(mach_task_self(), &addr, size, MEGA - 1, VM_FLAGS_ANYWHERE, MACH_PORT_NULL,
	    0, FALSE, VM_PROT_DEFAULT, VM_PROT_ALL, VM_INHERIT_COPY));
	return addr;
}

static inline void
drop(vm_address_t addr, vm_size_t size)
{
	MUST(vm_deallocate(mach_task_self(), addr, size));
}

/* Writes all pages; whole: also the last one of each megapage. Pages written. */
static inline uint64_t
touch(vm_address_t addr, vm_size_t size, bool whole)
{
	uint64_t n = 0;

	for (vm_size_t at = 0; at < size; at += PAGE_SIZE) {
		if (whole || (at & (MEGA - 1)) != MEGA - PAGE_SIZE) {
			store(addr + at);
			n++;
		}
	}
	return n;
}

/*
 * Instructions of the faults when all pages are written: those of a first
 * round less those of a second, which takes no faults.
 */
static inline uint64_t
touch_faults(vm_address_t addr, vm_size_t size, bool whole, uint64_t *pages)
{
	uint64_t start = now(), first, second;

	*pages = touch(addr, size, whole);
	first = since(start);
	start = now();
	touch(addr, size, whole);
	second = since(start);
	return first - second;
}

static inline void
print_rows(void)
{
	for (unsigned i = 0; i < nrows; i++)
		printf("%s\t%lu\t%s\n", rows[i].name, rows[i].value, rows[i].unit);
}

#endif
