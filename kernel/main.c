/*
 * main.c: boot, from the first line at linked addresses to the scheduler.
 *
 * The order, and why:
 *
 *	firmware, boot hart     everything below prints
 *	device tree             says where memory is, which harts, which mode
 *	paging mode, probe      memory is there
 *	direct map              pages can be touched
 *	page allocator          tables and kernel objects can be made
 *	zones, pmap, maps, kmem kernel memory with guard pages
 *	traps, interrupt controller, devices: console by UART
 *	threads, tasks          then the other harts have something to run
 *	shell                   the rest happens there
 *
 * Until the scheduler starts there is one thread of execution, on the boot
 * hart, with interrupts off. What cannot work is said and left out if the
 * machine can do without it, else it ends the run with a sentence.
 */
#include <string.h>
#include <arch/csr.h>
#include <arch/hart_start.h>
#include <arch/paging.h>
#include <arch/pmap_boot.h>
#include <arch/probe.h>
#include <arch/sbi.h>
#include <arch/sv.h>
#include <arch/timer.h>
#include <arch/tlb.h>
#include <arch/trap.h>
#include <base/print.h>
#include <drivers/driver.h>
#include <drivers/plic.h>
#include <kernel/boot.h>
#include <kernel/cmd.h>
#include <kernel/console.h>
#include <kernel/initrd.h>
#include <kernel/pager.h>
#include <kernel/power.h>
#include <kernel/thread.h>
#include <kernel/version.h>
#include <mm/vm_kern.h>
#include <mm/vm_map.h>
#include <mm/vm_object.h>
#include <mm/vm_page.h>

#define DTB_SIZE_MAX    (16ul << 20)
#define FDT_MAGIC       0xd00dfeedu

struct platform boot_platform;

void kernel_main(uint64_t hartid, paddr_t dtb);

/* Boot cannot go on: says why and ends the run. */
static noreturn_fn void
boot_stop(const char *why)
{
	kprintf("boot: %s\n", why);
	power_off(3);
}

static uint32_t
big_endian(const uint8_t *p)
{
	return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

/*
 * Maps the tree in whole megapages: first where its size stands, then the rest.
 * Returns its size. Memory that is not there ends in early_trap.
 */
static uint64_t
boot_map_dtb(paddr_t dtb)
{
	paddr_t start = dtb & ~MEGAPAGE_MASK;
	const uint8_t *blob = phys_to_virt(dtb);
	uint64_t size;

	if (dtb == 0 || dtb % 8 != 0)
		boot_stop("a1 does not hold the address of a device tree");
	if (dtb >= DIRECT_SIZE - DTB_SIZE_MAX - MEGAPAGE_SIZE)
		boot_stop("the device tree lies beyond the direct map");
	if (!paging_direct_map(start, start + 2 * MEGAPAGE_SIZE))
		boot_stop("no table to map the device tree");
	if (big_endian(blob) != FDT_MAGIC)
		boot_stop("a1 does not point to a device tree");
	size = big_endian(blob + 4);
	if (size > DTB_SIZE_MAX)
		boot_stop("the device tree claims more than 16 MiB");
	if (!paging_direct_map(start, (dtb + size + MEGAPAGE_MASK) & ~MEGAPAGE_MASK))
		boot_stop("no table to map the device tree");
	return size;
}

/* Prints what the decoder logged since the last time. */
static void
boot_platform_log(void)
{
	static size_t said;

	kprintf("%s", boot_platform.log + said);
	said = boot_platform.log_len;
}

static void
boot_decode(uint64_t hartid, paddr_t dtb, uint64_t size)
{
	struct platform *p = &boot_platform;

	if (!platform_decode(p, phys_to_virt(dtb), size, hartid)) {
		boot_platform_log();
		boot_stop(p->error);
	}
	kprintf("machine  %s: %u hart%s, %lu Hz timebase, boot hart %lu\n",
	    p->model[0] != '\0' ? p->model : "(no model)", p->hart_count,
	    p->hart_count == 1 ? "" : "s", p->timebase, hartid);
	if (p->bootargs[0] != '\0')
		kprintf("bootargs %s\n", p->bootargs);
	boot_platform_log();
	for (unsigned i = 1; i < p->hart_count; i++)
		hart_add(p->hart[i].hartid);
}

/* What device memory has in its leaves, the kernel's windows and a task's alike. */
static const char *
boot_attributes(void)
{
	if ((boot_platform.isa_common & ISA_SVPBMT) == 0)
		return "";
	if (!probe_pbmt())
		return "; Svpbmt is there, but the firmware has not switched it on";
	pmap_uncached_bits = PTE_PBMT_IO;
	return "; device memory by Svpbmt";
}

/* Leaves of 64 KiB where every hart has Svnapot, but for svnapot=0. */
static void
boot_napot(void)
{
	char word[8];
	bool given = boot_arg("svnapot", word, sizeof(word));

	if (given && strcmp(word, "0") != 0 && strcmp(word, "1") != 0)
		kprintf("paging   svnapot=%s is neither 0 nor 1: ignored\n", word);
	pmap_napot = (boot_platform.isa_common & ISA_SVNAPOT) && !(given && strcmp(word, "0") == 0);
}

static void
boot_mode(void)
{
	char mode[8];
	unsigned max = 5;

	if (boot_arg("mode", mode, sizeof(mode))) {
		max = strcmp(mode, "sv57") == 0 ? 5 : strcmp(mode, "sv48") == 0 ? 4 :
		    strcmp(mode, "sv39") == 0 ? 3 : 0;
		if (max == 0) {
			kprintf("paging   mode=%s is none of sv39, sv48, sv57: ignored\n", mode);
			max = 5;
		}
	}
	paging_choose_mode(max);
	boot_napot();
	kprintf("paging   %s, %u ASID bits%s%s%s%s\n", paging_mode_name(), asid_bits,
	    max < 5 ? " (mode limited by the boot argument)" : "",
	    hart_full_fences_only ? "; SiFive U7: full fences only" : "", boot_attributes(),
	    pmap_napot ? "; leaves of 64 KiB by Svnapot" : "");
}

static struct phys_range
boot_image(void)
{
	return (struct phys_range){ kernel_pa, (uint64_t)(_image_end - _start) };
}

static void
boot_probe(paddr_t dtb, uint64_t dtb_size)
{
	probe_memory(&boot_platform, boot_image(), (struct phys_range){ dtb, dtb_size });
	boot_platform_log();
}

/* The first no-map range that overlaps [start, end), or NULL. */
static const struct phys_range *
boot_no_map(paddr_t start, paddr_t end)
{
	const struct platform *p = &boot_platform;
	const struct phys_range *first = NULL;

	for (unsigned i = 0; i < p->reserved_count; i++) {
		const struct phys_range *r = &p->reserved[i].range;

		if (p->reserved[i].no_map && r->base < end && r->base + r->size > start &&
		    (first == NULL || r->base < first->base))
			first = r;
	}
	return first;
}

/* All banks but firmware's part and what must not be mapped. */
static void
boot_direct_map(void)
{
	const struct platform *p = &boot_platform;

	for (unsigned i = 0; i < p->bank_count; i++) {
		paddr_t start = p->bank[i].base, end = start + p->bank[i].size;

		if (kernel_pa >= start && kernel_pa < end)
			start = kernel_pa;
		if (end > DIRECT_SIZE) {
			kprintf("memory   0x%lx-0x%lx: what lies above 128 GiB is ignored\n",
			    start, end);
			end = DIRECT_SIZE;
		}
		while (start < end) {
			const struct phys_range *hole = boot_no_map(start, end);
			paddr_t stop = hole != NULL ? hole->base : end;

			if (round_page(start) < trunc_page(stop) && !paging_direct_map(start, stop))
				boot_stop("memory is in too many pieces for the boot page tables");
			if (hole == NULL)
				break;
			start = hole->base + hole->size;
		}
	}
}

/*
 * The initrd's part of the memory below the kernel, which boot_direct_map left
 * to firmware: it is there to be read, and never becomes free.
 */
static bool
boot_map_initrd(void)
{
	const struct platform *p = &boot_platform;

	for (unsigned i = 0; i < p->bank_count; i++) {
		paddr_t bank = p->bank[i].base, start, end;

		if (kernel_pa < bank || kernel_pa - bank >= p->bank[i].size)
			continue;
		start = trunc_page(p->initrd.base > bank ? p->initrd.base : bank);
		end = round_page(p->initrd.base + p->initrd.size);
		if (end > kernel_pa)
			end = kernel_pa;
		if (start < end && !paging_direct_map(start, end))
			return false;
	}
	return true;
}

/* Before memory is given out: what is no initrd is free. */
static void
boot_initrd(void)
{
	struct platform *p = &boot_platform;
	paddr_t start = p->initrd.base, end = start + p->initrd.size;

	if (p->initrd.size == 0)
		return;
	if (end > DIRECT_SIZE)
		platform_drop_initrd(p, "it lies above 128 GiB");
	else if (!boot_map_initrd())
		platform_drop_initrd(p, "memory is in too many pieces for the boot page tables");
	else if (!initrd_begins(phys_to_virt(start), p->initrd.size))
		platform_drop_initrd(p, "it is not a cpio archive (newc)");
}

/* Pages that the structures of `pages` pages fill, when they lie in front of those pages. */
static uint64_t
boot_array_pages(uint64_t pages)
{
	/* n pages need n structures: n + ceil(n * s / 4096) <= pages. */
	return howmany(pages * sizeof(struct vm_page), PAGE_SIZE + sizeof(struct vm_page));
}

/* Gives one run to the page allocator, its vm_page array at its own beginning; pages managed. */
static uint64_t
boot_add_run(struct phys_range run)
{
	uint64_t pages = run.size >> PAGE_SHIFT, array = boot_array_pages(pages);

	if (array >= pages)
		return 0;
	vm_page_add_seg(run.base + (array << PAGE_SHIFT), run.base + run.size, phys_to_virt(run.base));
	return pages - array;
}

/* Puts [start, end), as whole pages, into the sorted runs; how many they are then. */
static unsigned
boot_insert_run(struct phys_range *run, unsigned n, paddr_t start, paddr_t end)
{
	unsigned i;

	start = round_page(start);
	end = trunc_page(end);
	if (start >= end)
		return n;
	for (i = n; i > 0 && run[i - 1].base > start; i--)
		run[i] = run[i - 1];
	run[i] = (struct phys_range){ start, end - start };
	return n + 1;
}

/*
 * Gives n runs, sorted by address, to the page allocator with one array of
 * structures for all, holes included, at the beginning of the largest: so
 * vm_page_of_pfn finds every page by one look. Only where the holes are few;
 * pages managed, or 0.
 */
static uint64_t
boot_add_together(struct phys_range *run, unsigned n)
{
	paddr_t lo = n != 0 ? run[0].base : 0, hi = n != 0 ? run[n - 1].base + run[n - 1].size : 0, at = lo;
	uint64_t usable = 0, bytes = round_page(((hi - lo) >> PAGE_SHIFT) * sizeof(struct vm_page)), pages = 0;
	struct vm_page *array;
	unsigned largest = 0;

	for (unsigned i = 0; i < n; i++) {
		usable += run[i].size;
		if (run[i].size > run[largest].size)
			largest = i;
	}
	if (n == 0 || hi - lo - usable > usable / 8 || bytes >= run[largest].size)
		return 0;
	array = phys_to_virt(run[largest].base);
	run[largest].base += bytes;
	run[largest].size -= bytes;
	for (unsigned i = 0; i < n; i++) {
		struct vm_page *first = array + ((run[i].base - lo) >> PAGE_SHIFT);
		struct vm_page *hole = array + ((at - lo) >> PAGE_SHIFT);

		memset(hole, 0, (size_t)((char *)first - (char *)hole));
		at = run[i].base + run[i].size;
		vm_page_add_seg(run[i].base, at, first);
		pages += run[i].size >> PAGE_SHIFT;
	}
	return pages;
}

/* All memory that is nobody's; the padding between read-only data and data is a run of its own. */
static void
boot_memory(paddr_t dtb, uint64_t dtb_size)
{
	static struct phys_range run[VM_PHYS_SEGS];
	struct phys_range kernel = boot_image();
	struct phys_range tree = { dtb, dtb_size };
	uint64_t pages = 0;
	unsigned n, whole = 0;

	n = platform_usable(&boot_platform, kernel, tree, DIRECT_SIZE, run, VM_PHYS_SEGS - 1);
	boot_platform_log();
	if (n == 0)
		boot_stop(boot_platform.error);
	for (unsigned i = 0; i < n; i++)
		whole = boot_insert_run(run, whole, run[i].base, run[i].base + run[i].size);
	n = boot_insert_run(run, whole, image_to_phys(_rodata_end), image_to_phys(_data_start));
	pages = boot_add_together(run, n);
	if (pages == 0)
		for (unsigned i = 0; i < n; i++)
			pages += boot_add_run(run[i]);
	vm_page_init();
	kprintf("memory   %lu MiB in %u run%s, kernel image %lu KiB at 0x%lx\n",
	    pages >> (20 - PAGE_SHIFT), n, n == 1 ? "" : "s", kernel.size >> 10, kernel_pa);
}

static void
boot_firmware(uint64_t hartid)
{
	hart_init_boot(hartid);
	kprintf("version  %s\n", ATLAS_VERSION);
	kprintf("firmware SBI %lu.%lu, implementation %lu version 0x%lx%s%s%s%s%s%s\n",
	    sbi_info.spec_version >> 24, sbi_info.spec_version & 0xffffff, sbi_info.impl_id,
	    sbi_info.impl_version, sbi_has(SBI_HAS_TIME) ? " TIME" : "",
	    sbi_has(SBI_HAS_IPI) ? " IPI" : "", sbi_has(SBI_HAS_RFENCE) ? " RFENCE" : "",
	    sbi_has(SBI_HAS_HSM) ? " HSM" : "", sbi_has(SBI_HAS_SRST) ? " SRST" : "",
	    sbi_has(SBI_HAS_DBCN) ? " DBCN" : "");
}

static void
boot_devices(void)
{
	struct console_device *d;

	plic_init(&boot_platform);
	drivers_attach(&boot_platform);
	boot_platform_log();
	d = drivers_console();
	if (d != NULL)
		console_attach(d);
	kprintf("console  %s, %s\n", d != NULL ? d->name : "by firmware",
	    d == NULL || d->irq == 0 ? "polled" : "interrupts");
}

static void
boot_files(void)
{
	const struct phys_range *r = &boot_platform.initrd;

	if (r->size != 0)
		kprintf("initrd   %lu KiB at 0x%lx\n", r->size >> 10, r->base);
	initrd_init(r->base, r->base + r->size);
}

static void
boot_harts(void)
{
	unsigned online = hart_start_all();

	kprintf("harts    %u of %u online, timer by %s, %lu us\n", online, hart_count,
	    timer_sstc ? "Sstc" : timer_silent ? "idle harts only: nothing is preempted" : "SBI",
	    timer_us());
}

void
kernel_hart_main(void)
{
	trap_init_hart();
	tlb_hart_online();
	hart_init_local();
	plic_hart_online(hart_index());
	sched_start();
}

void
kernel_main(uint64_t hartid, paddr_t dtb)
{
	uint64_t dtb_size;

	sbi_init();
	boot_firmware(hartid);
	dtb_size = boot_map_dtb(dtb);
	boot_decode(hartid, dtb, dtb_size);
	timer_init(boot_platform.timebase, (boot_platform.isa_common & ISA_SSTC) != 0);
	boot_mode();
	boot_probe(dtb, dtb_size);
	boot_direct_map();
	boot_initrd();
	boot_memory(dtb, dtb_size);
	pmap_bootstrap(kernel_root, paging_levels, asid_bits);
	vm_object_bootstrap();
	vm_map_init();
	vm_map_random_seed(timer_now());
	kmem_init();
	trap_init_hart();
	hart_init_local();
	boot_devices();
	plic_hart_online(0);
	pager_file_bootstrap();
	pager_test_bootstrap();
	task_init();
	thread_init();
	boot_files();
	boot_harts();
	console_start_input();
	if (kthread_create("shell", shell_main, NULL) == NULL)
		boot_stop("no memory for the shell");
	sched_start();
}
