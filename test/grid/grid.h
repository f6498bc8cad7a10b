/*
 * grid.h: the parameter grid: which calls with which arguments, for the host
 * and for U-mode alike.
 *
 * The includer supplies the calls (g_allocate and so on, below) on an otherwise
 * empty task, the target, and g_line; then it calls grid_run. Each tuple is one
 * call on the same state of the target:
 *
 *	R  [1G, +16P)      rw-/rwx  copy
 *	   4 pages of nothing
 *	Q  [1G+20P, +4P)   r--/rw-  share
 *	N  [1G+24P, +2P)   ---/rwx  none
 *
 * and of the caller, who has 32 pages of data with nothing behind them. After
 * each call the target's regions are listed: a refusal must have changed
 * nothing, outputs included; what a success made is part of the result. Then
 * the state is put back. Results of one call (as table rows) are folded into a
 * hash that must be the same wherever the grid runs; it depends on the end of
 * the address space, so there is one for each paging mode.
 */
#ifndef GRID_H
#define GRID_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#define GP      4096ul
#define GS      (2ul << 20)
#define G_R     (1ul << 30)
#define G_R_END (G_R + 16 * GP)
#define G_Q     (G_R + 20 * GP)
#define G_N     (G_R + 24 * GP)
#define G_N_END (G_R + 26 * GP)

enum grid_call {
	GRID_ALLOCATE, GRID_DEALLOCATE, GRID_PROTECT, GRID_INHERIT, GRID_READ, GRID_READ_OVERWRITE,
	GRID_WRITE, GRID_COPY, GRID_MAP, GRID_REGION,
	GRID_REMAP, GRID_REMAP_NEW, GRID_WIRE, GRID_TASK_WIRE, GRID_BEHAVIOR, GRID_MSYNC, GRID_ATTRIBUTE, GRID_FLAVOR,
	GRID_RECURSE, GRID_PAGE, GRID_PAGES, GRID_READ_LIST, GRID_MAP_ENTRY, GRID_MAKE_ENTRY, GRID_OBJECT_CREATE,
	GRID_OBJECT_ENTRY, GRID_CALLS
};
static const char *const grid_call_name[GRID_CALLS] = {
	"vm_allocate", "vm_deallocate", "vm_protect", "vm_inherit", "vm_read", "vm_read_overwrite",
	"vm_write", "vm_copy", "vm_map", "vm_region",
	"vm_remap", "vm_remap_new", "vm_wire", "task_wire", "vm_behavior_set", "vm_msync", "vm_machine_attribute",
	"vm_region_flavor", "vm_region_recurse", "vm_map_page_query", "vm_map_page_range_query", "vm_read_list",
	"vm_map_entry", "mach_make_memory_entry", "vm_region_object_create", "mach_memory_object_memory_entry"
};

/* All arguments of all calls; those that a call lacks are 0. */
struct grid_args {
	enum grid_call call;
	uint64_t addr, size;
	uint64_t dst;                   /* copy: destination; caller's data for the others */
	uint64_t mask, offset;
	uint32_t flags, prot, max, inherit;
	uint32_t word;                  /* flavour, depth, behaviour, attribute, host: what only one call has */
	uint32_t object;                /* index of a memory entry, below */
	bool     set_max, copy;
};

/*
 * The memory entries: 0 none, 1 new memory of 8 pages rw-, 2 of 3 pages r--, 3 a
 * snapshot of 4 of the caller's pages rw-, 4 a submap of 8 pages.
 */
#define GRID_OBJECTS    5u
static const uint64_t grid_object_size[GRID_OBJECTS] = { 0, 8 * GP, 3 * GP, 4 * GP, 8 * GP };
static const uint32_t grid_object_prot[GRID_OBJECTS] = { 7, 3, 1, 3, 7 };

struct grid_result {
	int      kr;
	uint64_t out[2];                /* address, count: on success */
	uint64_t dump;                  /* hash of the regions, if they are not as before */
	bool     wrote;                 /* a refusal wrote an output */
};

/* --- supplied by the includer --- */

static int g_allocate(uint64_t *addr, uint64_t size, uint32_t flags);
static int g_deallocate(uint64_t addr, uint64_t size);
static int g_protect(uint64_t addr, uint64_t size, bool set_max, uint32_t prot);
static int g_inherit(uint64_t addr, uint64_t size, uint32_t inherit);
static int g_read(uint64_t addr, uint64_t size, uint64_t *data, uint64_t *count);
static int g_read_overwrite(uint64_t addr, uint64_t size, uint64_t data, uint64_t *count);
static int g_write(uint64_t addr, uint64_t data, uint64_t count);
static int g_copy(uint64_t src, uint64_t size, uint64_t dst);
static int g_map(uint64_t *addr, const struct grid_args *a);
/* word: protection, max, inheritance, shared | behaviour << 4 | user wirings << 8. */
static int g_region(uint64_t *addr, uint64_t *size, uint32_t word[4]);
/* The calls after GRID_REGION; out[0] is the address, out[1] whatever else they give. */
static int g_more(const struct grid_args *a, uint64_t out[2]);
/* The target becomes a new, empty one: memory that cannot be removed is in the old one. */
static void g_renew(void);
/* Frees what g_read made in the caller. */
static void g_free(uint64_t data, uint64_t size);
/* One result. line names the arguments but the innermost, which is *; the same pointer's text changes. */
static void g_tuple(const char *line, const struct grid_args *a, const struct grid_result *r);

static uint64_t g_data;                 /* the caller's 32 pages */
static uint64_t g_max;                  /* end of the address space */

/* --- hashes and dumps --- */

static uint64_t grid_hash[GRID_CALLS], grid_tuples[GRID_CALLS];

static uint64_t
grid_mix(uint64_t h, uint64_t v)
{
	h = (h ^ v) * 0x9e3779b97f4a7c15ul;
	return h ^ h >> 32;
}

/* For those who look for the row that differs: prints a row's hash when the next one begins. */
static void __attribute__((unused))
grid_print_row(const char *line, const struct grid_args *a)
{
	static char row[160];
	static uint64_t at;

	if (strcmp(row, line) != 0 && row[0] != '\0')
		printf("# row %s: %016lx\n", row, (unsigned long)at);
	snprintf(row, sizeof(row), "%s", line);
	at = grid_hash[a->call];
}

/* The target's regions; neighbours that are alike count as one. */
static uint64_t
grid_dump(void)
{
	uint64_t h = 1, addr = 0, size = 0, end = 0;
	uint32_t word[4], last[4] = { ~0u, 0, 0, 0 };

	while (g_region(&addr, &size, word) == 0) {
		if (addr != end || memcmp(word, last, sizeof(word)) != 0) {
			h = grid_mix(h, end);
			h = grid_mix(h, addr);
			h = grid_mix(h, word[0] | word[1] << 4 | word[2] << 8 | word[3] << 12);
		}
		end = addr += size;
		memcpy(last, word, sizeof(word));
	}
	return grid_mix(h, end);
}

static bool
grid_reset(void)
{
	uint64_t r = G_R, q = G_Q, n = G_N;

	return g_deallocate(GP, g_max - GP) == 0 && g_allocate(&r, 16 * GP, 0) == 0 &&
	    g_allocate(&q, 4 * GP, 0) == 0 && g_protect(q, 4 * GP, true, 3) == 0 &&
	    g_protect(q, 4 * GP, false, 1) == 0 && g_inherit(q, 4 * GP, 0) == 0 &&
	    g_allocate(&n, 2 * GP, 0) == 0 && g_protect(n, 2 * GP, false, 0) == 0 &&
	    g_inherit(n, 2 * GP, 2) == 0;
}

/* --- one tuple --- */

static void
grid_perform(const struct grid_args *a, struct grid_result *r)
{
	uint32_t word[4] = { 0 };

	r->out[0] = a->addr;
	r->out[1] = 7;
	switch (a->call) {
	case GRID_ALLOCATE: r->kr = g_allocate(&r->out[0], a->size, a->flags); break;
	case GRID_DEALLOCATE: r->kr = g_deallocate(a->addr, a->size); break;
	case GRID_PROTECT: r->kr = g_protect(a->addr, a->size, a->set_max, a->prot); break;
	case GRID_INHERIT: r->kr = g_inherit(a->addr, a->size, a->inherit); break;
	case GRID_READ: r->kr = g_read(a->addr, a->size, &r->out[0], &r->out[1]); break;
	case GRID_READ_OVERWRITE: r->kr = g_read_overwrite(a->addr, a->size, a->dst, &r->out[1]); break;
	case GRID_WRITE: r->kr = g_write(a->addr, a->dst, a->size); break;
	case GRID_COPY: r->kr = g_copy(a->addr, a->size, a->dst); break;
	case GRID_MAP: r->kr = g_map(&r->out[0], a); break;
	case GRID_REGION:
		r->kr = g_region(&r->out[0], &r->out[1], word);
		if (r->kr == 0)
			r->out[1] ^= grid_mix(0, word[0] | word[1] << 4 | word[2] << 8 | word[3] << 12) << 40;
		break;
	default:
		r->kr = g_more(a, r->out);
	}
	r->wrote = r->kr != 0 && (r->out[0] != a->addr || r->out[1] != 7);
	if (r->kr == 0 && a->call == GRID_READ) {
		g_free(r->out[0], r->out[1]);
		r->out[0] %= GP;                /* where the caller has room is its own affair */
	}
	if (r->kr != 0)
		r->out[0] = r->out[1] = 0;
}

static bool grid_dirty;                 /* the target is not as grid_reset makes it */

/* Takes out of a success what is not the same everywhere: a random address; memory that is not cached. */
static void
grid_neutral(const struct grid_args *a, struct grid_result *r)
{
	bool places = a->call == GRID_ALLOCATE || a->call == GRID_MAP || a->call == GRID_MAP_ENTRY ||
	    a->call == GRID_REMAP || a->call == GRID_REMAP_NEW;

	if (a->call == GRID_MAKE_ENTRY && (a->flags & 0x0f000000u) != 0 && r->kr != 4)
		*r = (struct grid_result){ .kr = 0, .dump = 1 };
	if (!places)
		return;
	if ((a->flags & 0x10) != 0 && r->kr != 4)
		*r = (struct grid_result){ .kr = 0, .dump = 1 };
	if ((a->flags & 9) == 9 && r->kr == 0)
		*r = (struct grid_result){ .kr = 0, .dump = 1 };
}

static bool grid_permanent;             /* it may hold what cannot be removed */

static void
grid_tuple(const char *line, const struct grid_args *a)
{
	static uint64_t base;
	struct grid_result r;
	uint64_t *h = &grid_hash[a->call];

	if (grid_permanent)
		g_renew();
	grid_permanent = false;
	if (grid_dirty && !grid_reset()) {
		printf("grid: the state cannot be made\n");
		base = 0;
	} else if (grid_dirty)
		base = grid_dump();
	grid_perform(a, &r);
	r.dump = grid_dump();
	grid_dirty = r.dump != base;
	r.dump = grid_dirty ? r.dump : 0;
	grid_permanent = (a->flags & 0x80) != 0 && r.dump != 0;
	grid_neutral(a, &r);
	*h = grid_mix(*h, (uint64_t)r.kr << 1 | r.wrote);
	*h = grid_mix(grid_mix(grid_mix(*h, r.out[0]), r.out[1]), r.dump);
	grid_tuples[a->call]++;
	g_tuple(line, a, &r);
}

/* --- values --- */

struct grid_value {
	const char *name;
	uint64_t    v;
};

static const struct grid_value grid_addr[] = {
	{ "0", 0 }, { "1", 1 }, { "2", 2 }, { "P-2", GP - 2 }, { "P-1", GP - 1 }, { "P", GP },
	{ "P+1", GP + 1 }, { "P+2", GP + 2 }, { "S-1", GS - 1 }, { "S", GS }, { "2^38-P", (1ul << 38) - GP },
	{ "2^38-1", (1ul << 38) - 1 }, { "2^38", 1ul << 38 }, { "2^47-P", (1ul << 47) - GP }, { "2^47", 1ul << 47 },
	{ "2^63", 1ul << 63 }, { "-S", 0 - GS }, { "-P-1", 0 - GP - 1 }, { "-P", 0 - GP },
	{ "-P+1", 0 - GP + 1 }, { "-2", -2ul }, { "-1", -1ul },
	{ "R-P", G_R - GP }, { "R-1", G_R - 1 }, { "R", G_R }, { "R+1", G_R + 1 }, { "R+8P", G_R + 8 * GP },
	{ "R+8P+5", G_R + 8 * GP + 5 }, { "Rend-P", G_R_END - GP }, { "Rend-1", G_R_END - 1 }, { "Rend", G_R_END },
	{ "Q", G_Q }, { "Q+P-1", G_Q + GP - 1 }, { "N", G_N }, { "Nend", G_N_END },
};
#define GRID_ADDRS (sizeof(grid_addr) / sizeof(grid_addr[0]))

static const struct grid_value grid_size[] = {
	{ "0", 0 }, { "1", 1 }, { "2", 2 }, { "P-2", GP - 2 }, { "P-1", GP - 1 }, { "P", GP },
	{ "P+1", GP + 1 }, { "P+2", GP + 2 }, { "4P", 4 * GP }, { "8P", 8 * GP }, { "16P-1", 16 * GP - 1 },
	{ "16P", 16 * GP }, { "16P+1", 16 * GP + 1 }, { "26P", 26 * GP }, { "S-1", GS - 1 }, { "S", GS },
	{ "2^38-P", (1ul << 38) - GP }, { "2^38-1", (1ul << 38) - 1 }, { "2^38", 1ul << 38 }, { "2^47", 1ul << 47 },
	{ "2^63", 1ul << 63 }, { "-S", 0 - GS }, { "-P-1", 0 - GP - 1 }, { "-P", 0 - GP },
	{ "-P+1", 0 - GP + 1 }, { "-2", -2ul }, { "-1", -1ul },
	/* relative to the address: to the end of space, to 2^64 */
	{ "max-a", 0 }, { "max-a+1", 1 }, { "-a-P", 2 }, { "-a-1", 3 }, { "-a", 4 },
};
#define GRID_SIZES (sizeof(grid_size) / sizeof(grid_size[0]))
#define GRID_SIZES_RELATIVE 5

static uint64_t
grid_size_value(unsigned i, uint64_t addr)
{
	if (i < GRID_SIZES - GRID_SIZES_RELATIVE)
		return grid_size[i].v;
	switch (grid_size[i].v) {
	case 0: return g_max - addr;
	case 1: return g_max - addr + 1;
	case 2: return 0 - addr - GP;
	case 3: return 0 - addr - 1;
	default: return 0 - addr;
	}
}

/* A few of each, for the crossings with other arguments. */
static const unsigned grid_few_addr[] = { 0, 5, 10, 21, 22, 24, 26, 30, 31, 33 };
static const unsigned grid_few_size[] = { 0, 1, 5, 11, 13, 23, 26 };
#define GRID_FEW_ADDRS (sizeof(grid_few_addr) / sizeof(grid_few_addr[0]))
#define GRID_FEW_SIZES (sizeof(grid_few_size) / sizeof(grid_few_size[0]))

/* Small numbers, every bit, some sums, all ones. */
#define GRID_WORDS 48u
static uint32_t
grid_word(unsigned i)
{
	return i < 12 ? i : i < 41 ? 1u << (i - 9) : i == 41 ? 0x4001 : i == 42 ? 0xff000000 :
	    i == 43 ? 0xff004001 : i == 44 ? 17 : i == 45 ? 19 : i == 46 ? ~0u - 1 : ~0u;
}

/* The caller's data: its pages, the borders, and what is mapped nowhere. */
static const struct grid_value grid_data[] = {
	{ "D", 0 }, { "D+1", 1 }, { "D+P-1", GP - 1 }, { "D+8P", 8 * GP }, { "Dend-16P", 16 * GP },
	{ "Dend-P", 31 * GP }, { "Dend-1", 32 * GP - 1 }, { "Dend", 32 * GP },
	{ "0", 0 }, { "1", 1 }, { "2^63", 1ul << 63 }, { "-S", 0 - GS }, { "-P-1", 0 - GP - 1 }, { "-P", 0 - GP },
	{ "-P+1", 0 - GP + 1 }, { "-1", -1ul },
};
#define GRID_DATA (sizeof(grid_data) / sizeof(grid_data[0]))
#define GRID_DATA_RELATIVE 8

static uint64_t
grid_data_value(unsigned i)
{
	return grid_data[i].v + (i < GRID_DATA_RELATIVE ? g_data : 0);
}

#include "grid_tables.h"

#endif
