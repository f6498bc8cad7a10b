/*
 * bench_mega.c: megapages: what it costs to fill, to ask for and to copy them.
 *
 * "asked": memory whose user said VM_BEHAVIOR_MEGAPAGES. "sparse": one page of
 * each window of 2 MiB. bench.h says how it is counted, scripts/bench runs it.
 */
#include "bench.h"

#define WINDOWS 8u

static vm_address_t
asked(vm_size_t size)
{
	vm_address_t addr = fresh(size);

	MUST(vm_behavior_set(mach_task_self(), addr, size, VM_BEHAVIOR_MEGAPAGES));
	return addr;
}

static void
bench_fill(void)
{
	vm_address_t addr = fresh(WINDOWS * MEGA);
	uint64_t total, pages;

	total = touch_faults(addr, WINDOWS * MEGA, true, &pages);
	row("fault.reserved.write.4K", total, pages, "page");
	drop(addr, WINDOWS * MEGA);
	addr = asked(WINDOWS * MEGA);
	total = touch_faults(addr, WINDOWS * MEGA, true, &pages);
	row("fault.megapage.asked.2M", total, WINDOWS, "megapage");
	drop(addr, WINDOWS * MEGA);
}

static void
bench_cleared_ahead(void)
{
	vm_address_t addr = asked(2 * MEGA);
	uint64_t total, pages;

	usleep(2000000);
	total = touch_faults(addr, 2 * MEGA, true, &pages);
	row("fault.megapage.asked.2M, cleared ahead", total, 2, "megapage");
	drop(addr, 2 * MEGA);
}

/* Writes to megapages that a child shares for copying; every step-th byte. Instructions of the faults. */
static uint64_t
copy_faults(vm_address_t addr, vm_size_t size, vm_size_t step)
{
	uint64_t start, first, second;
	task_t child;

	touch(addr, size, true);
	MUST(task_create(mach_task_self(), NULL, 0, TRUE, &child));
	start = now();
	for (vm_size_t at = 0; at < size; at += step)
		store(addr + at);
	first = since(start);
	start = now();
	for (vm_size_t at = 0; at < size; at += step)
		store(addr + at);
	second = since(start);
	MUST(task_terminate(child));
	MUST(mach_port_deallocate(mach_task_self(), child));
	drop(addr, size);
	return first - second;
}

int
main(void)
{
	calibrate();
	drop(fresh(MEGA), MEGA);
	bench_cleared_ahead();
	(void)touch(fresh(96ul << 20), 96ul << 20, true);       /* uses up what was cleared ahead */
	bench_fill();
	row("cow.megapage.write_copies.4K", copy_faults(fresh(WINDOWS * MEGA), WINDOWS * MEGA, PAGE_SIZE), WINDOWS * 512, "page");
	row("cow.megapage.sparse.4K", copy_faults(fresh(WINDOWS * MEGA), WINDOWS * MEGA, MEGA), WINDOWS, "page");
	row("cow.megapage.asked.2M", copy_faults(asked(WINDOWS * MEGA), WINDOWS * MEGA, MEGA), WINDOWS, "megapage");
	print_rows();
	return 0;
}
