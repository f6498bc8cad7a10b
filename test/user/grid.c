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

static uint32_t target, object[GRID_OBJECTS];
static const char *rows;                /* call whose rows are printed, to be compared with the host's */

#define SYS2(name, a, b)                atlas_syscall2(ATLAS_SYS_##name, a, b)
#define SYS3(name, a, b, c)             atlas_syscall3(ATLAS_SYS_##name, a, b, c)
#define SYS4(name, a, b, c, d)          atlas_syscall4(ATLAS_SYS_##name, a, b, c, d)
#define SYS5(name, a, b, c, d, e)       atlas_syscall5(ATLAS_SYS_##name, a, b, c, d, e)
#define SYS6(name, a, b, c, d, e, f)    atlas_syscall6(ATLAS_SYS_##name, a, b, c, d, e, f)
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
	    .mask = g->mask, .object = object[g->object], .copy = g->copy, .offset = g->offset, .cur = g->prot,
	    .max = g->max, .inherit = g->inherit };
	int kr = atlas_syscall1(ATLAS_SYS_vm_map, PTR(&a));

	*addr = a.addr;
	return kr;
}

static int
g_region(uint64_t *addr, uint64_t *size, uint32_t word[4])
{
	struct vm_region_basic_info info;
	uint32_t count = VM_REGION_BASIC_INFO_COUNT;
	int kr = SYS6(vm_region, target, PTR(addr), PTR(size), VM_REGION_BASIC_INFO,
	    PTR(&info), PTR(&count));

	if (kr == KERN_SUCCESS) {
		word[0] = (uint32_t)info.protection;
		word[1] = (uint32_t)info.max_protection;
		word[2] = info.inheritance;
		word[3] = (uint32_t)info.shared | (uint32_t)info.behavior << 4 | (uint32_t)info.user_wired_count << 8;
	}
	return kr;
}

static int
more_remap(const struct grid_args *g, uint64_t out[2])
{
	struct atlas_vm_remap_args a = { .task = target, .src = target, .addr = g->addr, .size = g->size,
	    .mask = g->mask, .src_addr = g->dst, .flags = g->flags, .copy = g->copy, .cur = g->prot, .max = g->max,
	    .inherit = g->inherit };
	int kr = atlas_syscall1(g->call == GRID_REMAP ? ATLAS_SYS_vm_remap : ATLAS_SYS_vm_remap_new, PTR(&a));

	if (kr == KERN_SUCCESS) {
		out[0] = a.addr;
		out[1] = a.cur | a.max << 4;
	}
	return kr;
}

static int
more_region(const struct grid_args *g, uint64_t out[2])
{
	static uint32_t info[1024];
	uint64_t addr = g->addr, size;
	uint32_t count = g->flags, depth = g->word;
	int kr = g->call == GRID_FLAVOR ?
	    SYS6(vm_region, target, PTR(&addr), PTR(&size), g->word, PTR(info), PTR(&count)) :
	    SYS6(vm_region_recurse, target, PTR(&addr), PTR(&size), PTR(&depth), PTR(info), PTR(&count));

	if (kr == KERN_SUCCESS) {
		out[0] = addr;
		out[1] = size << 8 | count;
	}
	return kr;
}

static int
more_pages(const struct grid_args *g, uint64_t out[2])
{
	static int disposition[64];
	uint64_t n = 64;
	int one, refs, kr;

	if (g->call == GRID_PAGE)
		return SYS4(vm_map_page_query, target, g->addr, PTR(&one), PTR(&refs));
	kr = SYS5(vm_map_page_range_query, target, g->addr, g->size, PTR(disposition), PTR(&n));
	if (kr == KERN_SUCCESS)
		out[1] = n;
	return kr;
}

static int
more_read_list(const struct grid_args *g)
{
	struct atlas_vm_range list[3] = { { G_R, GP }, { g->addr, g->size }, { G_Q, 5 } };
	int kr = SYS3(vm_read_list, target, PTR(list), 3);

	if (kr == KERN_SUCCESS)
		for (unsigned i = 0; i < 3; i++)
			SYS3(vm_deallocate, SELF, list[i].addr, list[i].size);
	return kr;
}

/* Calls that make a handle: it goes again. */
static int
more_handle(const struct grid_args *g, uint64_t out[2])
{
	uint64_t size = g->size;
	uint32_t handle = 0;
	int kr;

	switch (g->call) {
	case GRID_MAKE_ENTRY:
		kr = SYS6(mach_make_memory_entry, target, PTR(&size), g->addr, g->flags, PTR(&handle), object[g->object]);
		break;
	case GRID_OBJECT_CREATE:
		kr = SYS3(vm_region_object_create, target, size, PTR(&handle));
		break;
	default:
		kr = SYS6(mach_memory_object_memory_entry, g->word & 1 ? ATLAS_HOST_SELF : 0, g->word >> 1, size, g->prot, 0,
		    PTR(&handle));
	}
	if (kr == KERN_SUCCESS)
		out[1] = size;
	if (kr == KERN_SUCCESS && handle != 0)
		atlas_syscall1(ATLAS_SYS_handle_deallocate, handle);
	return kr;
}

static int
g_more(const struct grid_args *g, uint64_t out[2])
{
	int value = (int)g->flags, kr;

	switch (g->call) {
	case GRID_REMAP:
	case GRID_REMAP_NEW: return more_remap(g, out);
	case GRID_WIRE: return SYS5(vm_wire, g->word ? ATLAS_HOST_SELF : 0, target, g->addr, g->size, g->prot);
	case GRID_TASK_WIRE:
		kr = SYS2(task_wire, target, g->word);
		SYS2(task_wire, target, 0);
		return kr;
	case GRID_BEHAVIOR: return SYS4(vm_behavior_set, target, g->addr, g->size, g->word);
	case GRID_MSYNC: return SYS4(vm_msync, target, g->addr, g->size, g->flags);
	case GRID_ATTRIBUTE: return SYS5(vm_machine_attribute, target, g->addr, g->size, g->word, PTR(&value));
	case GRID_FLAVOR:
	case GRID_RECURSE: return more_region(g, out);
	case GRID_PAGE:
	case GRID_PAGES: return more_pages(g, out);
	case GRID_READ_LIST: return more_read_list(g);
	case GRID_MAP_ENTRY: return g_map(&out[0], g);
	default: return more_handle(g, out);
	}
}

static void
g_renew(void)
{
	EXPECT(KERN_SUCCESS, task_terminate(target));
	EXPECT(KERN_SUCCESS, mach_port_deallocate(SELF, target));
	EXPECT(KERN_SUCCESS, task_create(SELF, NULL, 0, FALSE, &target));
}

static void
make_objects(void)
{
	vm_size_t size;

	for (unsigned i = 1; i <= 2; i++) {
		size = grid_object_size[i];
		EXPECT(KERN_SUCCESS, mach_make_memory_entry(SELF, &size, 0, (int)(MAP_MEM_NAMED_CREATE | grid_object_prot[i]),
		    &object[i], 0));
	}
	size = grid_object_size[3];
	EXPECT(KERN_SUCCESS, mach_make_memory_entry(SELF, &size, g_data, (int)(MAP_MEM_VM_COPY | grid_object_prot[3]),
	    &object[3], 0));
	EXPECT(KERN_SUCCESS, vm_region_object_create(SELF, grid_object_size[4], &object[4]));
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
	make_objects();
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
