/*
 * probe.c: accesses that may trap: to memory that may be missing, for
 * platform_probe, and through leaves that the hart may refuse.
 *
 * Each access has a trap vector of its own, as stimecmp_works has in timer.c: a
 * trap lands behind it. Memory is reached through one page of the device windows,
 * not through the direct map, which is made afterwards of what is really there.
 *
 * settle: the image is read until four times the tree's largest cache has gone
 * by, so that lines of the points are displaced. Where the tree names no cache
 * there is nothing to displace (emulators). A cache that is as large as the image
 * may keep some: then memory that is seen twice may stay unrecognised.
 *
 * Boot, one hart, interrupts off.
 */
#include <arch/csr.h>
#include <arch/paging.h>
#include <arch/probe.h>
#include <arch/sv.h>

#define CACHE_LINE  64
#define SETTLE_MAX  (64ul << 20)

/* FALSE: it trapped, or there is no window. Interrupts are off. */
static bool
recovered_load(const volatile uint64_t *w, uint64_t *v)
{
	uint64_t worked, vector, value;

	if (w == NULL)
		return false;
	__asm__ volatile(
	    "	lla	%1, 1f\n"
	    "	csrrw	%1, stvec, %1\n"
	    "	li	%0, 0\n"
	    "	ld	%2, 0(%3)\n"
	    "	fence	r, rw\n"
	    "	li	%0, 1\n"
	    "	.balign	4\n"
	    "1:	csrw	stvec, %1\n"
	    : "=&r"(worked), "=&r"(vector), "=&r"(value) : "r"(w) : "memory");
	*v = value;
	return worked != 0;
}

static bool
probe_load(void *arg, uint64_t pa, uint64_t *v)
{
	(void)arg;
	return recovered_load(paging_window(pa, 0), v);
}

static bool
probe_store(void *arg, uint64_t pa, uint64_t v)
{
	volatile uint64_t *w = paging_window(pa, 0);
	uint64_t worked, vector;

	(void)arg;
	if (w == NULL)
		return false;
	__asm__ volatile(
	    "	lla	%1, 1f\n"
	    "	csrrw	%1, stvec, %1\n"
	    "	li	%0, 0\n"
	    "	sd	%2, 0(%3)\n"
	    "	fence	rw, rw\n"
	    "	li	%0, 1\n"
	    "	.balign	4\n"
	    "1:	csrw	stvec, %1\n"
	    : "=&r"(worked), "=&r"(vector) : "r"(v), "r"(w) : "memory");
	return worked != 0;
}

static void
probe_settle(void *arg)
{
	const struct platform *p = arg;
	size_t image = (size_t)(_image_end - _start), bytes = 4 * p->cache_size, done, at = 0;

	if (bytes > SETTLE_MAX)
		bytes = SETTLE_MAX;
	for (done = 0; done < bytes; done += CACHE_LINE) {
		(void)*(volatile const char *)(_start + at);
		at = at + CACHE_LINE < image ? at + CACHE_LINE : 0;
	}
	__asm__ volatile("fence rw, rw" ::: "memory");
}

void
probe_memory(struct platform *p, struct phys_range kernel, struct phys_range dtb)
{
	struct probe_access access = { probe_load, probe_store, probe_settle, p };

	platform_probe(p, kernel, dtb, DIRECT_SIZE, &access);
	paging_window(~0ul, 0);
}

bool
probe_pbmt(void)
{
	uint64_t v;
	bool ok = recovered_load(paging_window(kernel_pa, PTE_PBMT_NC), &v);

	paging_window(~0ul, 0);
	return ok;
}
