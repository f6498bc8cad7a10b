/*
 * bench_find: instructions of FreeBSD's vm_map_find by each strategy, in maps of
 * 10 to N entries (bench.h).
 *
 *	bench_find [N]          1000000 entries at most
 *
 * The map is a child's. Behind each entry lies a gap of 3 MiB less a page:
 *
 *	[ 1M + 4K )   gap 3M - 4K   [ 1M + 4K )   gap ...   [ last )  64 MiB  [ the rest )
 *	            ^ 4 KiB behind a multiple of 4 MiB
 *
 * large enough for every question and good for none: for `any` it is a page too
 * short, for `super` and `aligned` its first aligned address leaves too little. So
 * the worst case passes over all of them, to the 64 MiB; the best one takes the
 * space below the first entry. `none` asks for more than there is. Calls are warm:
 * one of each kind goes before, and makes the index for its alignment.
 */
#include "bench.h"
#include <vm/vm_map.h>

#define FIRST   (1ul << 30)
#define STRIDE  (4ul << 20)
#define LAST    (64ul << 20)            /* the gap behind the last entry */
#define TIMES   100u

static vm_map_t child;
static mem_entry_name_port_t object;
static uint64_t limit, entries, rest;   /* rest: where the entry begins that fills the map */

static vm_address_t
slot(uint64_t i)
{
	return FIRST + i * STRIDE + 3 * (STRIDE / 4);
}

static void
allocate(vm_address_t addr, vm_size_t size)
{
	MUST(vm_allocate(child, &addr, size, VM_FLAGS_FIXED));
}

static void
grow(uint64_t n)
{
	if (rest != 0)
		MUST(vm_deallocate(child, rest, limit - rest));
	for (; entries < n; entries++)
		allocate(slot(entries), STRIDE / 4 + PAGE_SIZE);
	rest = slot(n - 1) + STRIDE / 4 + PAGE_SIZE + LAST;
	allocate(rest, limit - rest);
}

/* Instructions of TIMES calls; what is found must lie in [low, high). */
static uint64_t
find(vm_object_t what, vm_size_t length, int space, vm_address_t from, vm_address_t low, vm_address_t high)
{
	vm_prot_t most = what != 0 ? VM_PROT_DEFAULT : VM_PROT_ALL;
	uint64_t total = 0, start;

	for (unsigned i = 0; i <= TIMES; i++) {
		vm_offset_t at = from;
		kern_return_t kr;

		start = now();
		kr = vm_map_find(child, what, 0, &at, length, 0, space, VM_PROT_DEFAULT, most, 0);
		if (i > 0)
			total += since(start);
		if (kr != (high != 0 ? KERN_SUCCESS : KERN_NO_SPACE) || (kr == KERN_SUCCESS && (at < low || at >= high))) {
			printf("bench: strategy 0x%x: %s, 0x%lx\n", space, mach_error_name(kr), at);
			exit(1);
		}
		if (kr == KERN_SUCCESS)
			MUST(vm_deallocate(child, at, length));
	}
	return total;
}

static void
rows_of(const char *name, vm_object_t what, vm_size_t length, int space)
{
	char text[64];

	snprintf(text, sizeof(text), "vm_map_find %s, best case, %lu entries", name, entries);
	row(text, find(what, length, space, 0, 0, FIRST), TIMES, "call");
	snprintf(text, sizeof(text), "vm_map_find %s, worst case, %lu entries", name, entries);
	row(text, find(what, length, space, slot(0), slot(entries - 1), rest), TIMES, "call");
}

int
main(int argc, char **argv)
{
	static const uint64_t sizes[] = { 10, 1000, 100000, 1000000 };
	uint64_t most = argc > 1 ? strtoul(argv[1], NULL, 0) : 1000000;
	vm_size_t size = MEGA;
	char text[64];

	calibrate();
	MUST(task_create(mach_task_self(), NULL, 0, FALSE, &child));
	MUST(mach_make_memory_entry(child, &size, 0, MAP_MEM_NAMED_CREATE | VM_PROT_DEFAULT, &object, MACH_PORT_NULL));
	limit = vm_map_findspace(child, PAGE_SIZE, 1ul << 62) + (1ul << 62) - 1;
	for (unsigned i = 0; i < sizeof(sizes) / sizeof(sizes[0]) && sizes[i] <= most; i++) {
		grow(sizes[i]);
		rows_of("any", 0, 3 * MEGA / 2, VMFS_ANY_SPACE);
		rows_of("optimal", object, MEGA, VMFS_OPTIMAL_SPACE);
		rows_of("super", 0, MEGA, VMFS_SUPER_SPACE);
		rows_of("aligned 16K", 0, 3 * MEGA / 2 - 2 * PAGE_SIZE, VMFS_ALIGNED_SPACE(14));
		snprintf(text, sizeof(text), "vm_map_find super, none, %lu entries", entries);
		row(text, find(0, 2 * LAST, VMFS_SUPER_SPACE, slot(0), 0, 0), TIMES, "call");
	}
	print_rows();
	return 0;
}
