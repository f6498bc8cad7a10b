/*
 * bench [boot | N]: instructions per operation (bench.h); scripts/bench runs it
 * and sets other systems' figures beside it.
 *
 * Each row is a mean over enough repetitions that caches refilled and timer
 * ticks taken on the way are in it in proportion.
 *
 * "4K pages": memory in which the last page of every megapage is left
 * untouched, so that the kernel never makes a megapage of it.
 * "cleared ahead": after a sleep, in which idle harts may clear free pages;
 * other rows begin with that stock used up.
 *
 * N: entries of the largest map (1000000; less saves time). boot: only the
 * count at the start of the program.
 */
#include "bench.h"

static unsigned entries_max = 1000000;

/* Uses up the pages that were cleared ahead. */
static void
use_up_clear_pages(void)
{
	vm_address_t addr = fresh(96ul << 20);

	touch(addr, 96ul << 20, true);
	drop(addr, 96ul << 20);
}

/* --- calls and exceptions --- */

static void
bench_null(void)
{
	uint64_t start;
	unsigned n = 10000;

	start = now();
	for (unsigned i = 0; i < n; i++)
		atlas_syscall0(ATLAS_SYS_null);
	row("syscall.null", since(start) - 3 * n, n, "call");   /* li, addi, bnez */
}

void bench_exception_entry(void);
void bench_fault(volatile char *page);
__asm__(
	".text\n"
	".option push\n.option norvc\n"
	"bench_exception_entry:\n"              /* a0: frame; skip the instruction */
	"ld t0, 32(a0)\naddi t0, t0, 4\nsd t0, 32(a0)\n"
	"li a7, 10\necall\n"                    /* exception_return */
	"bench_fault: lb t0, 0(a0)\nret\n"
	".option pop\n");

static void
bench_exception(void)
{
	static char stack[4096] __attribute__((aligned(16)));
	vm_address_t page = fresh(PAGE_SIZE);
	unsigned n = 1000;
	uint64_t start, total;

	MUST(vm_protect(mach_task_self(), page, PAGE_SIZE, FALSE, VM_PROT_NONE));
	MUST(atlas_syscall2(ATLAS_SYS_exception_handler, (uintptr_t)bench_exception_entry,
	    (uintptr_t)stack + sizeof(stack)));
	bench_fault((volatile char *)page);
	start = now();
	for (unsigned i = 0; i < n; i++)
		bench_fault((volatile char *)page);
	total = since(start);
	MUST(atlas_syscall2(ATLAS_SYS_exception_handler, 0, 0));
	row("exception to handler and back", total - 5 * n, n, "fault");
	drop(page, PAGE_SIZE);
}

/* --- map and unmap --- */

static void
bench_map(void)
{
	static const struct { vm_size_t size; const char *name; } untouched[] = {
		{ PAGE_SIZE, "map.allocate+deallocate.4K untouched" },
		{ MEGA, "map.allocate+deallocate.2M untouched" },
		{ 1ul << 30, "map.allocate+deallocate.1G untouched" },
	};
	vm_address_t addr;
	uint64_t start, total;

	for (unsigned k = 0; k < 3; k++) {
		total = 0;
		for (unsigned i = 0; i < REPEAT; i++) {
			start = now();
			vm_allocate(mach_task_self(), &addr, untouched[k].size, VM_FLAGS_ANYWHERE);
			vm_deallocate(mach_task_self(), addr, untouched[k].size);
			total += since(start);
		}
		row(untouched[k].name, total, REPEAT, "pair");
	}
	total = 0;
	for (unsigned i = 0; i < 5 * REPEAT; i++) {
		start = now();
		vm_allocate(mach_task_self(), &addr, PAGE_SIZE, VM_FLAGS_ANYWHERE);
		store(addr);
		vm_deallocate(mach_task_self(), addr, PAGE_SIZE);
		total += since(start);
	}
	row("map.allocate+touch+deallocate.4K", total, 5 * REPEAT, "life");
}

static void
bench_deallocate(const char *name, vm_size_t size, bool whole, unsigned repeat)
{
	uint64_t start, total = 0;

	for (unsigned i = 0; i < repeat; i++) {
		vm_address_t addr = fresh(size);

		touch(addr, size, whole);
		start = now();
		vm_deallocate(mach_task_self(), addr, size);
		total += since(start);
	}
	row(name, total, repeat, "call");
}

/* --- faults --- */

static void
bench_faults(void)
{
	vm_address_t addr = fresh(4 * MEGA);
	volatile char *read;
	uint64_t start, total, pages;

	total = touch_faults(addr, 4 * MEGA, false, &pages);
	row("fault.anon.write.4K", total, pages, "page");
	drop(addr, 4 * MEGA);

	addr = fresh(4 * MEGA);
	read = (volatile char *)addr;
	start = now();
	for (pages = 0; pages < 500; pages++)
		(void)read[pages * PAGE_SIZE];
	total = since(start);
	start = now();
	for (pages = 0; pages < 500; pages++)
		(void)read[pages * PAGE_SIZE];
	row("fault.anon.read.4K", total - since(start), pages, "page");
	drop(addr, 4 * MEGA);

	addr = fresh(256 * MEGA);
	start = now();
	for (pages = 0; pages < 256; pages++)
		store(addr + pages * MEGA + pages * PAGE_SIZE);
	total = since(start);
	start = now();
	for (pages = 0; pages < 256; pages++)
		store(addr + pages * MEGA + pages * PAGE_SIZE);
	row("fault.sparse.write.4K", total - since(start), pages, "page");
	drop(addr, 256 * MEGA);

	addr = fresh(8 * MEGA);
	total = touch_faults(addr, 8 * MEGA, true, &pages);
	row("fault.megapage.write.2M", total, pages / 512, "megapage");
	drop(addr, 8 * MEGA);
}

static void
bench_faults_cleared_ahead(void)
{
	vm_address_t addr = fresh(2 * MEGA);
	uint64_t total, pages;

	usleep(2000000);
	total = touch_faults(addr, 2 * MEGA, false, &pages);
	row("fault.anon.write.4K, cleared ahead", total, pages, "page");
	drop(addr, 2 * MEGA);
	usleep(2000000);
	addr = fresh(2 * MEGA);
	total = touch_faults(addr, 2 * MEGA, true, &pages);
	row("fault.megapage.write.2M, cleared ahead", total, pages / 512, "megapage");
	drop(addr, 2 * MEGA);
}

/* --- protect --- */

static void
protect(vm_address_t addr, vm_size_t size, vm_prot_t prot)
{
	vm_protect(mach_task_self(), addr, size, FALSE, prot);
}

/* Takes WRITE away and gives it back; memory is written in between. */
static void
bench_protect(const char *ro, const char *rw, vm_size_t size, bool whole, unsigned repeat)
{
	vm_address_t addr = fresh(size < MEGA ? MEGA : size);
	uint64_t start, total_ro = 0, total_rw = 0;

	for (unsigned i = 0; i < repeat; i++) {
		touch(addr, size, whole);
		start = now();
		protect(addr, size, VM_PROT_READ);
		total_ro += since(start);
		start = now();
		protect(addr, size, VM_PROT_DEFAULT);
		total_rw += since(start);
	}
	row(ro, total_ro, repeat, "call");
	if (rw != NULL)
		row(rw, total_rw, repeat, "call");
	drop(addr, size < MEGA ? MEGA : size);
}

/*
 * What a split and a promotion add to the call, or the fault, that they come
 * with: a page of a megapage loses WRITE and gets it back by a fault, beside
 * one of memory in which no megapage is.
 */
static void
bench_demotion(void)
{
	uint64_t call[2] = { 0, 0 }, fault[2] = { 0, 0 }, start;

	for (unsigned whole = 0; whole < 2; whole++)
		for (unsigned i = 0; i < 20; i++) {
			vm_address_t addr = fresh(MEGA), page = addr + 100 * PAGE_SIZE;

			touch(addr, MEGA, whole);
			start = now();
			protect(page, PAGE_SIZE, VM_PROT_READ);
			call[whole] += since(start);
			protect(page, PAGE_SIZE, VM_PROT_DEFAULT);
			start = now();
			store(page);
			fault[whole] += since(start);
			drop(addr, MEGA);
		}
	row("protect.4K inside a megapage", call[1], 20, "call");
	row("demotion", call[1] - call[0], 20, "split");
	row("promotion", fault[1] > fault[0] ? fault[1] - fault[0] : 0, 20, "fault");
}

/* --- fork and copies --- */

static long
task_fork(uint32_t *child)
{
	register uint64_t a0 __asm__("a0") = (uintptr_t)child;
	register uint64_t a1 __asm__("a1");
	register long a7 __asm__("a7") = ATLAS_SYS_task_fork;

	__asm__ volatile("ecall" : "+r"(a0), "=r"(a1), "+r"(a7)
	    :: "a2", "a3", "a4", "a5", ATLAS_CLOBBERS);
	must(a0, "task_fork");
	return a1;
}

static void
task_exit(void)
{
	for (;;)
		atlas_syscall1(ATLAS_SYS_task_exit, 0);
}

static void
wait_for(uint32_t child)
{
	struct atlas_task_status status;

	MUST(atlas_syscall3(ATLAS_SYS_task_wait, child, (uintptr_t)&status, 0));
	MUST(atlas_syscall1(ATLAS_SYS_handle_deallocate, child));
}

static uint64_t
fork_exit_wait(void)
{
	uint64_t start = now();
	uint32_t child;

	if (task_fork(&child) != 0)
		task_exit();
	wait_for(child);
	return since(start);
}

/* New memory each time: what was forked once is cheaper to fork again. */
static void
bench_fork(const char *name, vm_size_t size, bool whole, unsigned repeat)
{
	uint64_t total = 0;

	fork_exit_wait();
	for (unsigned i = 0; i < repeat; i++) {
		vm_address_t addr = size > 0 ? fresh(size) : 0;

		touch(addr, size, whole);
		total += fork_exit_wait();
		if (size > 0)
			drop(addr, size);
	}
	row(name, total, repeat, "life");
}

static void
bench_cow(void)
{
	vm_size_t size = 2 * MEGA;
	vm_address_t addr = fresh(size);
	uint64_t pages, copies, reuses;
	task_t child;

	touch(addr, size, false);
	MUST(task_create(mach_task_self(), NULL, 0, TRUE, &child));
	copies = touch_faults(addr, size, false, &pages);
	MUST(task_terminate(child));
	MUST(mach_port_deallocate(mach_task_self(), child));
	row("cow.write_copies.4K", copies, pages, "page");
	drop(addr, size);

	addr = fresh(size);
	touch(addr, size, false);
	MUST(task_create(mach_task_self(), NULL, 0, TRUE, &child));
	MUST(task_terminate(child));
	MUST(mach_port_deallocate(mach_task_self(), child));
	reuses = touch_faults(addr, size, false, &pages);
	row("cow.write_reuses.4K", reuses, pages, "page");
	drop(addr, size);
}

/* A child writes what its parent has made resident in shared memory. */
static void
bench_shared(void)
{
	vm_address_t addr = fresh(MEGA), result = fresh(PAGE_SIZE);
	volatile uint64_t *total = (volatile uint64_t *)result;
	uint32_t child;

	MUST(vm_inherit(mach_task_self(), addr, MEGA, VM_INHERIT_SHARE));
	MUST(vm_inherit(mach_task_self(), result, PAGE_SIZE, VM_INHERIT_SHARE));
	touch(addr, MEGA, false);
	total[0] = 0;
	if (task_fork(&child) != 0) {
		uint64_t pages;

		total[1] = touch_faults(addr, MEGA, false, &pages);
		total[0] = pages;
		task_exit();
	}
	wait_for(child);
	row("fault.shared.write.cached.4K", total[1], total[0], "page");
	drop(addr, MEGA);
	drop(result, PAGE_SIZE);
}

static void
bench_copy(void)
{
	vm_size_t size = 1ul << 20, count;
	vm_address_t addr = fresh(MEGA), back = fresh(MEGA), there = 0, data;
	mach_msg_type_number_t n;
	uint64_t start, contents = 0, entries = 0;
	unsigned repeat = 10;
	task_t child;

	MUST(task_create(mach_task_self(), NULL, 0, FALSE, &child));
	MUST(vm_allocate(child, &there, MEGA, VM_FLAGS_ANYWHERE));
	touch(addr, MEGA, false);
	touch(back, MEGA, false);
	MUST(vm_write(child, there, addr, MEGA));
	for (unsigned i = 0; i < repeat; i++) {
		start = now();          /* not page to page: it must be copied */
		MUST(vm_read_overwrite(child, there + 8, size, back, &count));
		contents += since(start);
	}
	row("copy.1M between tasks, contents copied", contents, repeat, "copy");
	for (unsigned i = 0; i < repeat; i++) {
		start = now();
		MUST(vm_read(child, there, size, &data, &n));
		entries += since(start);
		drop(data, size);
	}
	row("copy.1M between tasks by vm_read", entries, repeat, "copy");
	MUST(task_terminate(child));
	MUST(mach_port_deallocate(mach_task_self(), child));
	drop(addr, MEGA);
	drop(back, MEGA);
}

static void
bench_switch(void)
{
	vm_address_t addr = fresh(PAGE_SIZE);
	volatile uint32_t *stop = (volatile uint32_t *)addr;
	unsigned n = 2000;
	uint64_t start, total;
	uint32_t child;

	MUST(vm_inherit(mach_task_self(), addr, PAGE_SIZE, VM_INHERIT_SHARE));
	*stop = 0;
	if (task_fork(&child) != 0) {
		while (*stop == 0)
			atlas_syscall0(ATLAS_SYS_thread_yield);
		task_exit();
	}
	for (unsigned i = 0; i < 10; i++)
		atlas_syscall0(ATLAS_SYS_thread_yield);
	start = now();
	for (unsigned i = 0; i < n; i++)
		atlas_syscall0(ATLAS_SYS_thread_yield);
	total = since(start);
	*stop = 1;
	wait_for(child);
	row("switch, threads of two tasks", total, n, "round trip");
	drop(addr, PAGE_SIZE);
}

/* --- maps of many entries --- */

/*
 * From FIELD up, one page, three free, one page, ...: no hole takes four
 * pages, and first-fit placement has nothing below FIELD. One slot in the
 * middle is an entry of three pages, to be split.
 */
#define STRIDE          (4 * PAGE_SIZE)

static vm_address_t field;
static unsigned entries;

static vm_address_t
slot(unsigned i)
{
	return field + (vm_address_t)i * STRIDE;
}

/* Fills every hole below the heap with one entry each; the field begins above. */
static void
begin_field(void)
{
	vm_address_t at = 0, end = VM_MIN_ADDRESS, hole;
	vm_size_t size;
	vm_region_basic_info_data_t info;
	mach_msg_type_number_t n = VM_REGION_BASIC_INFO_COUNT;

	while (vm_region(mach_task_self(), &at, &size, VM_REGION_BASIC_INFO,
	    (vm_region_info_t)&info, &n, NULL) == KERN_SUCCESS && at < 64ul << 30) {
		hole = end;
		if (at > hole)
			MUST(vm_allocate(mach_task_self(), &hole, at - hole, VM_FLAGS_FIXED));
		end = at + size;
		at = end;
	}
	field = ((end + MEGA - 1) & ~(MEGA - 1)) + MEGA;
	hole = end;
	MUST(vm_allocate(mach_task_self(), &hole, field - PAGE_SIZE - hole, VM_FLAGS_FIXED));
}

static void
grow_field(unsigned n)
{
	for (; entries < n; entries++) {
		vm_address_t addr = slot(entries);

		MUST(vm_allocate(mach_task_self(), &addr, PAGE_SIZE, VM_FLAGS_FIXED));
	}
}

static unsigned random_state = 12345;

static unsigned
random_slot(void)
{
	random_state = random_state * 1103515245 + 12345;
	return (random_state >> 8) % entries;
}

static void
entry_row(const char *what, uint64_t total, uint64_t count, const char *unit)
{
	char name[64];

	snprintf(name, sizeof(name), "%s, %u entries", what, entries);
	row(name, total, count, unit);
}

static void
bench_entries(unsigned n)
{
	uint64_t start, split = 0, insert = 0, find = 0, fault = 0;
	unsigned repeat = 300, faults = n < repeat ? n : repeat;
	vm_address_t addr;

	grow_field(n);
	for (unsigned i = 0; i < repeat; i++) {
		unsigned s = random_slot();

		addr = slot(s) + PAGE_SIZE;     /* makes it an entry of three pages */
		MUST(vm_allocate(mach_task_self(), &addr, 2 * PAGE_SIZE, VM_FLAGS_FIXED));
		start = now();
		protect(slot(s) + PAGE_SIZE, PAGE_SIZE, VM_PROT_READ);
		protect(slot(s) + PAGE_SIZE, PAGE_SIZE, VM_PROT_DEFAULT);
		split += since(start);
		drop(addr, 2 * PAGE_SIZE);
		addr = slot(s) + 2 * PAGE_SIZE;
		start = now();
		vm_allocate(mach_task_self(), &addr, PAGE_SIZE, VM_FLAGS_FIXED);
		vm_deallocate(mach_task_self(), addr, PAGE_SIZE);
		insert += since(start);
		start = now();
		vm_allocate(mach_task_self(), &addr, 4 * PAGE_SIZE, VM_FLAGS_ANYWHERE);
		find += since(start);
		if (addr < slot(entries - 1)) {
			printf("bench: first fit found 0x%lx\n", addr);
			exit(1);
		}
		drop(addr, 4 * PAGE_SIZE);
	}
	entry_row("entry split or merge by protect", split, 2 * repeat, "call");
	entry_row("insert + delete of an entry", insert, repeat, "pair");
	entry_row("find space, fragmented worst case", find, repeat, "call");
	for (unsigned i = 0; i < faults; i++) {
		addr = slot(random_slot());
		drop(addr, PAGE_SIZE);
		MUST(vm_allocate(mach_task_self(), &addr, PAGE_SIZE, VM_FLAGS_FIXED));
		start = now();
		store(addr);
		fault += since(start);
	}
	entry_row("fault in a map", fault, faults, "page");
}

int
main(int argc, char **argv)
{
	if (argc > 1 && strcmp(argv[1], "boot") == 0) {
		uint64_t n = now();

		printf("boot to first program\t%lu\tinstr\n", n);
		return 0;
	}
	if (argc > 1)
		entries_max = strtoul(argv[1], NULL, 0);
	calibrate();
	bench_fork("fork+exit+wait base", 0, false, 50);
	bench_null();
	bench_exception();
	use_up_clear_pages();
	bench_map();
	bench_deallocate("map.deallocate touched 4K", PAGE_SIZE, false, REPEAT);
	bench_deallocate("map.deallocate touched 2M in 4K pages", MEGA, false, 20);
	bench_deallocate("map.deallocate touched 64M in 4K pages", 32 * MEGA, false, 3);
	bench_deallocate("map.deallocate touched 2M in megapages", MEGA, true, 20);
	bench_deallocate("map.deallocate touched 64M in megapages", 32 * MEGA, true, 3);
	bench_faults();
	bench_protect("protect.4K", NULL, PAGE_SIZE, false, REPEAT);
	bench_protect("protect.2M ro, 4K pages", "protect.2M rw, 4K pages", MEGA, false, 10);
	bench_protect("protect.64M ro, 4K pages", "protect.64M rw, 4K pages", 32 * MEGA, false, 3);
	bench_protect("protect.2M, megapage", NULL, MEGA, true, 20);
	bench_demotion();
	bench_cow();
	bench_shared();
	bench_copy();
	bench_switch();
	bench_fork("fork+exit+wait 1M touched, 4K pages", 1ul << 20, false, 20);
	bench_fork("fork+exit+wait 64M touched, 4K pages", 32 * MEGA, false, 5);
	bench_fork("fork+exit+wait 1G touched, 4K pages", 512 * MEGA, false, 2);
	bench_fork("fork+exit+wait 64M in megapages", 32 * MEGA, true, 5);
	bench_fork("fork+exit+wait 1G in megapages", 512 * MEGA, true, 2);
	bench_faults_cleared_ahead();
	begin_field();
	for (unsigned n = 10; n <= entries_max; n *= n == 1000000 ? 2 : n == 100000 ? 10 : 100)
		bench_entries(n);
	print_rows();
	return 0;
}
