/*
 * memory.c: simulated physical memory.
 *
 *	host_phys_zero + 0x80000000     + 0x100000000
 *	      |  [ quarter of size ] hole ... [ three quarters ] |
 *
 * One stretch of host addresses is reserved, megapage aligned, so that aligned
 * physical blocks are aligned here too; only the segments are accessible, and
 * a touch of the hole is a SIGSEGV. Memory and page structures arrive full of
 * junk, as they do at boot. Freed zone elements are poisoned for the address
 * sanitizer, where there is one.
 */
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <mm/vm_page.h>
#include <mm/zone.h>
#include <vm_page_impl.h>
#include <zone_impl.h>
#include <host.h>

#define JUNK        0xa5
#define RESERVE     (HOST_MEM_HIGH - HOST_MEM_LOW + (4ul << 30))

uint64_t host_phys_zero;
unsigned host_generation;

static bool was_giga;
static char *arena;                     /* host address of HOST_MEM_LOW */
static struct vm_page *page_array[2];

void __asan_poison_memory_region(const volatile void *addr, size_t size) __attribute__((weak));
void __asan_unpoison_memory_region(const volatile void *addr, size_t size) __attribute__((weak));

static void
asan_shadow(void *p, size_t size, bool is_free)
{
	if (is_free)
		__asan_poison_memory_region(p, size);
	else
		__asan_unpoison_memory_region(p, size);
}

static void
arena_reserve(void)
{
	void *p = mmap(NULL, RESERVE + MEGAPAGE_SIZE, PROT_NONE,
	    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	if (p == MAP_FAILED) {
		perror("mmap of simulated memory");
		exit(2);
	}
	arena = (char *)(((uint64_t)p + MEGAPAGE_MASK) & ~MEGAPAGE_MASK);
	host_phys_zero = (uint64_t)arena - HOST_MEM_LOW;
}

/* junk: its contents; else whatever is there, which costs the host nothing until it is touched. */
static void
segment(unsigned i, paddr_t start, paddr_t end, bool junk)
{
	size_t bytes = (end - start) / PAGE_SIZE * sizeof(struct vm_page);

	if (mprotect(phys_to_virt(start), end - start, PROT_READ | PROT_WRITE) != 0) {
		perror("mprotect of simulated memory");
		exit(2);
	}
	madvise(phys_to_virt(start), end - start, MADV_HUGEPAGE);
	if (junk)
		memset(phys_to_virt(start), JUNK, end - start);
	page_array[i] = malloc(bytes);
	memset(page_array[i], JUNK, bytes);
	vm_page_add_seg(start, end, page_array[i]);
}

void
host_mem_init(size_t size)
{
	bool giga = size == HOST_MEM_GIGA;
	size_t quarter = giga ? 32ul << 20 : size / 4 & ~PAGE_MASK;

	if (arena == NULL)
		arena_reserve();
	if (__asan_unpoison_memory_region != NULL) {
		zone_shadow = asan_shadow;
		__asan_unpoison_memory_region(arena, HOST_MEM_HIGH - HOST_MEM_LOW + size);
	}
	/* What was touched of a gigabyte stays for the next test that wants one: the host takes long to give it anew. */
	if (!giga || !was_giga)
		madvise(arena, RESERVE, MADV_DONTNEED);
	was_giga = giga;
	mprotect(arena, RESERVE, PROT_NONE);
	for (unsigned i = 0; i < 2; i++)
		free(page_array[i]);
	vm_page_forget();
	zone_forget();
	segment(0, HOST_MEM_LOW + 3 * PAGE_SIZE, HOST_MEM_LOW + quarter - 2 * PAGE_SIZE, true);
	segment(1, HOST_MEM_HIGH + (giga ? 0 : 5 * PAGE_SIZE), HOST_MEM_HIGH + size - quarter, !giga);
	vm_page_init();
	host_generation++;
}

uint64_t
host_free_pages(void)
{
	struct vm_page_counts c;

	zone_gc();
	vm_page_drain();
	vm_page_counts(&c);
	return c.free;
}
