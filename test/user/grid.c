/*
 * grid: the parameter grid through system calls, on an empty child task.
 *
 *	grid [CALL]     prints a hash for each row of that call, as GRID_ROWS=CALL does on the host
 *
 * The hash of each call's results must be what the host build found
 * (test/grid/hashes.h, beside test/golden/vm_user_errors.txt).
 */
#include "check.h"
#include <stdlib.h>
#include <atlas/syscall.h>
#include "../grid/grid.h"
#include "../grid/hashes.h"

static uint32_t target;
static const char *rows;                /* call whose rows are printed, to be compared with the host's */

#define SYS2(name, a, b)                atlas_syscall2(ATLAS_SYS_##name, a, b)
#define SYS3(name, a, b, c)             atlas_syscall3(ATLAS_SYS_##name, a, b, c)
#define SYS4(name, a, b, c, d)          atlas_syscall4(ATLAS_SYS_##name, a, b, c, d)
#define SYS5(name, a, b, c, d, e)       atlas_syscall5(ATLAS_SYS_##name, a, b, c, d, e)
#define PTR(p)                          ((uint64_t)(uintptr_t)(p))

static int g_allocate(uint64_t *addr, uint64_t size, uint32_t flags) { return SYS4(vm_allocate, target, PTR(addr), size, flags); }
static int g_deallocate(uint64_t addr, uint64_t size) { return SYS3(vm_deallocate, target, addr, size); }

static int
g_protect(uint64_t addr, uint64_t size, bool set_max, uint32_t prot)
{
	return SYS5(vm_protect, target, addr, size, set_max, prot);
}

static int g_inherit(uint64_t addr, uint64_t size, uint32_t inherit) { return SYS4(vm_inherit, target, addr, size, inherit); }

/* The kernel clears both outputs early, to see that they can be written. */
static int
g_read(uint64_t addr, uint64_t size, uint64_t *data, uint64_t *count)
{
	uint64_t d, n;
	int kr = SYS5(vm_read, target, addr, size, PTR(&d), PTR(&n));

	if (kr == KERN_SUCCESS) {
		*data = d;
		*count = n;
	}
	return kr;
}

static int
g_read_overwrite(uint64_t addr, uint64_t size, uint64_t data, uint64_t *count)
{
	uint64_t n;
	int kr = SYS5(vm_read_overwrite, target, addr, size, data, PTR(&n));

	if (kr == KERN_SUCCESS)
		*count = n;
	return kr;
}

static int g_write(uint64_t addr, uint64_t data, uint64_t count) { return SYS4(vm_write, target, addr, data, count); }
static int g_copy(uint64_t src, uint64_t size, uint64_t dst) { return SYS4(vm_copy, target, src, size, dst); }

static int
g_map(uint64_t *addr, const struct grid_args *g)
{
	struct atlas_vm_map_args a = { .task = target, .flags = g->flags, .addr = *addr, .size = g->size,
	    .mask = g->mask, .copy = g->copy, .offset = g->offset, .cur = g->prot, .max = g->max,
	    .inherit = g->inherit };
	int kr = atlas_syscall1(ATLAS_SYS_vm_map, PTR(&a));

	*addr = a.addr;
	return kr;
}

static int
g_region(uint64_t *addr, uint64_t *size, uint32_t word[4])
{
	struct vm_region_basic_info info;
	uint32_t count = VM_REGION_BASIC_INFO_COUNT;
	int kr = atlas_syscall6(ATLAS_SYS_vm_region, target, PTR(addr), PTR(size), VM_REGION_BASIC_INFO,
	    PTR(&info), PTR(&count));

	if (kr == KERN_SUCCESS) {
		word[0] = (uint32_t)info.protection;
		word[1] = (uint32_t)info.max_protection;
		word[2] = info.inheritance;
		word[3] = (uint32_t)info.shared;
	}
	return kr;
}

static void g_free(uint64_t data, uint64_t size) { SYS3(vm_deallocate, SELF, data, size); }

static void
g_tuple(const char *line, const struct grid_args *a, const struct grid_result *r)
{
	(void)r;
	if (rows != NULL && strcmp(rows, grid_call_name[a->call]) == 0)
		grid_print_row(line, a);
}

int
main(int argc, char **argv)
{
	uint64_t limit = check_limit(), addr = 0, size;
	unsigned mode = limit == 1ul << 38 ? 0 : limit == 1ul << 47 ? 1 : 2, tuples = 0;
	uint32_t word[4];

	rows = argc > 1 ? argv[1] : NULL;
	EXPECT(KERN_SUCCESS, task_create(SELF, NULL, 0, FALSE, &target));
	CHECK(g_region(&addr, &size, word) == KERN_INVALID_ADDRESS, "a new task has memory at 0x%lx", addr);
	g_max = limit;
	g_data = check_memory(48 * P);
	EXPECT(KERN_SUCCESS, vm_deallocate(SELF, g_data + 32 * P, 16 * P));
	grid_run();
	for (unsigned c = 0; c < GRID_CALLS; c++) {
		CHECK(grid_hash[c] == grid_golden[mode][c], "%s: 0x%lx instead of 0x%lx", grid_call_name[c],
		    grid_hash[c], grid_golden[mode][c]);
		tuples += grid_tuples[c];
	}
	printf("grid: %u tuples\n", tuples);
	EXPECT(KERN_SUCCESS, task_terminate(target));
	return check_result("grid");
}
