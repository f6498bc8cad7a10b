/*
 * bench_share: instructions of the calls that join maps: copies, remap, named
 * entries, submaps; of wiring, advice and walks over regions (bench.h).
 *
 * "resident": memory that was written, the last page of each megapage left out
 * ("4K pages"), or all of it ("megapages"). "first write after": what a store to
 * a page costs while somebody else still holds the copy, clearing and copying
 * of the page included.
 */
#include "bench.h"

#define SELF    mach_task_self()

/* --- copies --- */

/* Writes n pages, one in each megapage, and then again: the faults of the first round. */
static uint64_t
store_each(vm_address_t addr, unsigned n, vm_size_t stride)
{
	uint64_t start = now(), first;

	for (unsigned i = 0; i < n; i++)
		store(addr + i * stride);
	first = since(start);
	start = now();
	for (unsigned i = 0; i < n; i++)
		store(addr + i * stride);
	return first - since(start);
}

static void
bench_read_copy(vm_size_t size, const char *read, const char *copy, const char *after, unsigned repeat)
{
	vm_size_t span = size < MEGA ? MEGA : size, stride = size < MEGA ? 16 * PAGE_SIZE : MEGA / 2;
	unsigned pages = (unsigned)(size / stride);
	uint64_t start, read_cost = 0, copy_cost = 0, write_cost = 0;

	for (unsigned i = 0; i < repeat; i++) {
		vm_address_t addr = fresh(span), to = fresh(span), data;
		mach_msg_type_number_t n;

		touch(addr, size, false);
		start = now();
		MUST(vm_read(SELF, addr, size, &data, &n));
		read_cost += since(start);
		write_cost += store_each(addr, pages, stride);
		drop(data, size);
		start = now();
		MUST(vm_copy(SELF, addr, size, to));
		copy_cost += since(start);
		drop(addr, span);
		drop(to, span);
	}
	row(read, read_cost, repeat, "call");
	row(copy, copy_cost, repeat, "call");
	row(after, write_cost, repeat * pages, "page");
}

/* --- remap --- */

static void
bench_remap(const char *name, const char *move, bool whole)
{
	vm_size_t size = 32 * MEGA;
	uint64_t start, share = 0, moved = 0;
	vm_prot_t cur, max;

	for (unsigned i = 0; i < 3; i++) {
		vm_address_t addr = fresh(size), to = 0;

		touch(addr, size, whole);
		start = now();
		MUST(vm_remap(SELF, &to, size, MEGA - 1, VM_FLAGS_ANYWHERE, SELF, addr, FALSE, &cur, &max, VM_INHERIT_COPY));
		share += since(start);
		vm_deallocate(SELF, addr, size);
		moved += since(start);
		if (*(volatile char *)to != 1)
			MUST(KERN_FAILURE);
		drop(to, size);
	}
	row(name, share, 3, "call");
	row(move, moved, 3, "call");
}

/* --- wiring and advice --- */

static void
bench_wire(void)
{
	uint64_t start, populated = 0, untouched = 0, unwire = 0, pages;
	vm_address_t addr;

	for (unsigned i = 0; i < 5; i++) {
		addr = fresh(MEGA);
		touch(addr, MEGA, false);
		store(addr + MEGA - PAGE_SIZE);
		start = now();
		MUST(vm_wire(mach_host_self(), SELF, addr, MEGA, VM_PROT_DEFAULT));
		populated += since(start);
		start = now();
		MUST(vm_wire(mach_host_self(), SELF, addr, MEGA, VM_PROT_NONE));
		unwire += since(start);
		drop(addr, MEGA);
		addr = fresh(MEGA);
		start = now();
		MUST(vm_wire(mach_host_self(), SELF, addr, MEGA, VM_PROT_DEFAULT));
		untouched += since(start);
		drop(addr, MEGA);
	}
	row("wire.2M populated", populated, 5, "call");
	row("wire.2M untouched", untouched, 5, "call");
	row("unwire.2M", unwire, 5, "call");
	addr = fresh(MEGA);
	start = now();
	MUST(vm_wire(mach_host_self(), SELF, addr, MEGA - PAGE_SIZE, VM_PROT_DEFAULT));
	row("populate.4K", since(start), 511, "page");
	drop(addr, MEGA);

	addr = fresh(32 * MEGA);
	pages = touch(addr, 32 * MEGA, false);
	start = now();
	MUST(vm_behavior_set(SELF, addr, 32 * MEGA, VM_BEHAVIOR_DONTNEED));
	row("advise.dontneed 64M", since(start), pages, "page");
	drop(addr, 32 * MEGA);
}

/* --- named entries and submaps --- */

static void
bench_entry(void)
{
	vm_size_t size = 32 * MEGA, entry_size = size;
	vm_address_t addr = fresh(size), there;
	mem_entry_name_port_t entry;
	uint64_t start, total = 0;
	task_t child;

	touch(addr, size, true);
	MUST(mach_make_memory_entry(SELF, &entry_size, addr, VM_PROT_DEFAULT, &entry, MACH_PORT_NULL));
	for (unsigned i = 0; i < 5; i++) {
		MUST(task_create(SELF, NULL, 0, FALSE, &child));
		there = 0;
		start = now();
		MUST(vm_map(child, &there, size, MEGA - 1, VM_FLAGS_ANYWHERE, entry, 0, FALSE, VM_PROT_DEFAULT,
		    VM_PROT_DEFAULT, VM_INHERIT_COPY));
		total += since(start);
		MUST(task_terminate(child));
		MUST(mach_port_deallocate(SELF, child));
	}
	row("map a named entry of 64M in a second task", total, 5, "call");
	MUST(mach_port_deallocate(SELF, entry));
	drop(addr, size);
}

/* Maps the submap anew and reads its pages: what that costs, and the faults alone. */
static void
bench_window(mem_entry_name_port_t region, vm_size_t size, int tag, const char *map, const char *fault)
{
	vm_address_t addr = 0;
	uint64_t start = now(), first, pages = size / PAGE_SIZE - size / MEGA;
	volatile char *p;

	MUST(vm_map(SELF, &addr, size, MEGA - 1, VM_FLAGS_ANYWHERE | VM_MAKE_TAG(tag), region, 0, FALSE,
	    VM_PROT_DEFAULT, VM_PROT_ALL, VM_INHERIT_SHARE));
	row(map, since(start), 1, "call");
	p = (volatile char *)addr;
	start = now();
	for (vm_size_t at = 0; at < size; at += PAGE_SIZE)
		if ((at & (MEGA - 1)) != MEGA - PAGE_SIZE)
			(void)p[at];
	first = since(start);
	start = now();
	for (vm_size_t at = 0; at < size; at += PAGE_SIZE)
		if ((at & (MEGA - 1)) != MEGA - PAGE_SIZE)
			(void)p[at];
	row(fault, first - since(start), pages, "page");
	drop(addr, size);
}

static void
bench_submap(void)
{
	vm_size_t size = 32 * MEGA;
	mem_entry_name_port_t region;
	vm_address_t inside = 0, addr = 0;

	MUST(vm_region_object_create(SELF, size, &region));
	MUST(vm_allocate(region, &inside, size, VM_FLAGS_FIXED));
	MUST(vm_map(SELF, &addr, size, MEGA - 1, VM_FLAGS_ANYWHERE | VM_MAKE_TAG(VM_MEMORY_SHARED_PMAP), region, 0, FALSE,
	    VM_PROT_DEFAULT, VM_PROT_ALL, VM_INHERIT_SHARE));
	touch(addr, size, false);
	bench_window(region, size, VM_MEMORY_SHARED_PMAP, "map a submap of 64M, nested", "submap.read.4K, nested");
	bench_window(region, size, 0, "map a submap of 64M, not nested", "submap.read.4K, not nested");
	drop(addr, size);
	MUST(mach_port_deallocate(SELF, region));
}

/* --- regions --- */

static void
bench_regions(void)
{
	vm_address_t field = fresh(20000 * PAGE_SIZE), at;
	vm_region_basic_info_data_t info;
	mach_msg_type_number_t n;
	uint64_t start, count = 0;
	vm_size_t size;

	for (unsigned i = 0; i < 10000; i++)
		drop(field + (2 * i + 1) * PAGE_SIZE, PAGE_SIZE);
	start = now();
	for (at = field; at < field + 20000 * PAGE_SIZE; at += size, count++) {
		n = VM_REGION_BASIC_INFO_COUNT;
		MUST(vm_region(SELF, &at, &size, VM_REGION_BASIC_INFO, (vm_region_info_t)&info, &n, NULL));
	}
	row("vm_region walk over 10000 entries", since(start), count, "call");
	drop(field, 20000 * PAGE_SIZE);
}

int
main(void)
{
	calibrate();
	bench_read_copy(1ul << 20, "vm_read 1M resident", "vm_copy 1M resident", "first write after vm_read of 1M", 10);
	bench_read_copy(64ul << 20, "vm_read 64M resident", "vm_copy 64M resident", "first write after vm_read of 64M", 3);
	bench_remap("remap.share.64M, 4K pages", "remap.move.64M, 4K pages", false);
	bench_remap("remap.share.64M, megapages", "remap.move.64M, megapages", true);
	bench_wire();
	bench_entry();
	bench_submap();
	bench_regions();
	print_rows();
	return 0;
}
