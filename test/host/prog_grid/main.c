/*
 * grid: the parameter grid on the host, against the golden file and against
 * the rules.
 *
 *	grid            compares with test/golden/vm_user_errors.txt
 *	grid --write    writes that file, and test/grid/hashes.h for U-mode
 *
 * The golden file has a line for each row of the grid: the arguments, and the
 * results over the values of the innermost one (*), equal ones run together.
 * Sv39 is written in full, Sv48 and Sv57 where they differ from it. Besides,
 * each result is judged by the rules below, which are the tables of the
 * specification in code and know nothing of the golden file: a golden line that
 * breaks a rule is an error in whoever wrote it.
 */
#include <stdio.h>
#include <stdlib.h>
#include <mm/vm_map.h>
#include <mm/vm_user.h>
#include <host.h>
#include <tlb_sim.h>
#include "../../grid/grid.h"

#define GOLDEN  "test/golden/vm_user_errors.txt"
#define HASHES  "test/grid/hashes.h"
#define LINES   16384

static vm_map_t target, caller;
static vm_named_entry_t object[GRID_OBJECTS];

/* --- the calls --- */

static int
g_allocate(uint64_t *addr, uint64_t size, uint32_t flags)
{
	vm_address_ut a = vm_address_u(*addr);
	kern_return_t kr = vm_allocate(target, &a, vm_size_u(size), flags);

	*addr = a.v;
	return kr;
}

static int g_deallocate(uint64_t addr, uint64_t size) { return vm_deallocate(target, vm_address_u(addr), vm_size_u(size)); }

static int
g_protect(uint64_t addr, uint64_t size, bool set_max, uint32_t prot)
{
	return vm_protect(target, vm_address_u(addr), vm_size_u(size), set_max, prot);
}

static int
g_inherit(uint64_t addr, uint64_t size, uint32_t inherit)
{
	return vm_inherit(target, vm_address_u(addr), vm_size_u(size), inherit);
}

static int
g_read(uint64_t addr, uint64_t size, uint64_t *data, uint64_t *count)
{
	vm_address_ut d = vm_address_u(*data);
	vm_size_ut n = vm_size_u(*count);
	kern_return_t kr = vm_read(target, vm_address_u(addr), vm_size_u(size), caller, &d, &n);

	*data = d.v;
	*count = n.v;
	return kr;
}

static int
g_read_overwrite(uint64_t addr, uint64_t size, uint64_t data, uint64_t *count)
{
	vm_size_ut n = vm_size_u(*count);
	kern_return_t kr = vm_read_overwrite(target, vm_address_u(addr), vm_size_u(size), caller, vm_address_u(data), &n);

	*count = n.v;
	return kr;
}

static int
g_write(uint64_t addr, uint64_t data, uint64_t count)
{
	return vm_write(target, vm_address_u(addr), caller, vm_address_u(data), vm_size_u(count));
}

static int
g_copy(uint64_t src, uint64_t size, uint64_t dst)
{
	return vm_copy(target, vm_address_u(src), vm_size_u(size), vm_address_u(dst));
}

static int
g_map(uint64_t *addr, const struct grid_args *g)
{
	struct vm_map_user_args args = { .size = vm_size_u(g->size), .mask = g->mask, .flags = g->flags,
	    .offset = vm_address_u(g->offset), .copy = g->copy, .cur = g->prot, .max = g->max,
	    .inheritance = g->inherit, .entry = object[g->object] };
	vm_address_ut a = vm_address_u(*addr);
	kern_return_t kr = vm_map_user(target, &a, &args);

	*addr = a.v;
	return kr;
}

static int
g_region(uint64_t *addr, uint64_t *size, uint32_t word[4])
{
	struct vm_region_basic_info info = { 0 };
	vm_address_ut a = vm_address_u(*addr);
	vm_size_ut n = vm_size_u(*size);
	kern_return_t kr = vm_region_basic(target, &a, &n, &info);

	*addr = a.v;
	*size = n.v;
	word[0] = info.protection;
	word[1] = info.max_protection;
	word[2] = info.inheritance;
	word[3] = info.shared | info.behavior << 4 | (uint32_t)info.user_wired_count << 8;
	return kr;
}

static int
more_remap(const struct grid_args *g, uint64_t out[2])
{
	struct vm_remap_user_args args = { .size = vm_size_u(g->size), .mask = g->mask, .flags = g->flags, .src = target,
	    .src_addr = vm_address_u(g->dst), .copy = g->copy, .bounded = g->call == GRID_REMAP_NEW,
	    .inheritance = g->inherit };
	vm_address_ut a = vm_address_u(g->addr);
	vm_prot_t cur = g->prot, max = g->max;
	kern_return_t kr = vm_remap(target, &a, &args, &cur, &max);

	out[0] = a.v;
	if (kr == KERN_SUCCESS)
		out[1] = cur | max << 4;
	return kr;
}

static int
more_region(const struct grid_args *g, uint64_t out[2])
{
	static uint32_t info[1024];
	vm_address_ut a = vm_address_u(g->addr);
	vm_size_ut size;
	uint32_t count = g->flags, depth = g->word;
	kern_return_t kr = g->call == GRID_FLAVOR ? vm_region(target, &a, &size, (int)g->word, info, &count) :
	    vm_region_recurse(target, &a, &size, &depth, (struct vm_region_submap_info *)info, &count);

	out[0] = a.v;
	if (kr == KERN_SUCCESS)
		out[1] = size.v << 8 | count;
	return kr;
}

static int
more_pages(const struct grid_args *g, uint64_t out[2])
{
	static int disposition[64];
	uint64_t n = 64;
	int one, refs;
	kern_return_t kr;

	if (g->call == GRID_PAGE)
		return vm_map_page_query(target, vm_address_u(g->addr), &one, &refs);
	kr = vm_map_page_range_query(target, vm_address_u(g->addr), vm_size_u(g->size), disposition, &n);
	if (kr == KERN_SUCCESS)
		out[1] = n;
	return kr;
}

static int
more_read_list(const struct grid_args *g)
{
	struct vm_read_range list[3] = { { vm_address_u(G_R), vm_size_u(GP) },
	    { vm_address_u(g->addr), vm_size_u(g->size) }, { vm_address_u(G_Q), vm_size_u(5) } };
	kern_return_t kr = vm_read_list(target, list, 3, caller);

	for (unsigned i = 0; i < 3 && kr == KERN_SUCCESS; i++)
		(void)vm_deallocate(caller, list[i].addr, list[i].size);
	return kr;
}

/* Calls that make a named entry: it goes again. */
static int
more_entry(const struct grid_args *g, uint64_t out[2])
{
	vm_size_ut size = vm_size_u(g->size);
	vm_named_entry_t made = NULL;
	kern_return_t kr;

	switch (g->call) {
	case GRID_MAKE_ENTRY:
		kr = mach_make_memory_entry(target, &size, vm_address_u(g->addr), g->flags, &made, object[g->object]);
		break;
	case GRID_OBJECT_CREATE:
		kr = vm_region_object_create(size, &made);
		break;
	default:
		kr = g->word & 1 ? mach_memory_object_memory_entry(g->word >> 1, size, g->prot, NULL, &made) :
		    KERN_INVALID_HOST;  /* the system call looks at the host */
	}
	if (kr == KERN_SUCCESS) {
		out[1] = size.v;
		vm_named_entry_release(made);
	}
	return kr;
}

static int
g_more(const struct grid_args *g, uint64_t out[2])
{
	vm_address_ut a = vm_address_u(g->addr);
	vm_size_ut size = vm_size_u(g->size);
	int value = (int)g->flags;
	kern_return_t kr;

	switch (g->call) {
	case GRID_REMAP:
	case GRID_REMAP_NEW: return more_remap(g, out);
	case GRID_WIRE: return g->word ? vm_wire(target, a, size, g->prot) : KERN_INVALID_HOST;
	case GRID_TASK_WIRE:
		kr = task_wire(target, g->word);
		(void)task_wire(target, false);
		return kr;
	case GRID_BEHAVIOR: return vm_behavior_set(target, a, size, g->word);
	case GRID_MSYNC: return vm_msync(target, a, size, g->flags);
	case GRID_ATTRIBUTE: return vm_machine_attribute(target, a, size, g->word, &value);
	case GRID_FLAVOR:
	case GRID_RECURSE: return more_region(g, out);
	case GRID_PAGE:
	case GRID_PAGES: return more_pages(g, out);
	case GRID_READ_LIST: return more_read_list(g);
	case GRID_MAP_ENTRY: return g_map(&out[0], g);
	default: return more_entry(g, out);
	}
}

static vm_map_t
new_map(void)
{
	vm_map_t m = vm_map_create(pmap_create(), VM_MIN_ADDRESS, vm_max_address, true);

	if (m == VM_MAP_NULL)
		panic("no map");
	return m;
}

static void
g_renew(void)
{
	vm_map_deallocate(target);
	target = new_map();
}

static void
make_objects(void)
{
	vm_size_ut size;
	kern_return_t kr = vm_region_object_create(vm_size_u(grid_object_size[4]), &object[4]);

	for (unsigned i = 1; i <= 3 && kr == KERN_SUCCESS; i++) {
		size = vm_size_u(grid_object_size[i]);
		kr = mach_make_memory_entry(caller, &size, vm_address_u(i < 3 ? 0 : g_data),
		    (i < 3 ? MAP_MEM_NAMED_CREATE : MAP_MEM_VM_COPY) | grid_object_prot[i], &object[i], NULL);
	}
	if (kr != KERN_SUCCESS)
		panic("no memory entries");
}

static void g_free(uint64_t data, uint64_t size) { (void)vm_deallocate(caller, vm_address_u(data), vm_size_u(size)); }

/* --- the rules --- */

#define CODE(kr)        (1u << (kr))
#define SUCCESS         CODE(KERN_SUCCESS)
#define IA              CODE(KERN_INVALID_ADDRESS)
#define PF              CODE(KERN_PROTECTION_FAILURE)
#define ARG             CODE(KERN_INVALID_ARGUMENT)
#define NOSPACE         CODE(KERN_NO_SPACE)
#define FAILED          CODE(KERN_FAILURE)
#define RIGHT           CODE(KERN_INVALID_RIGHT)
#define HOST            CODE(KERN_INVALID_HOST)
#define ANY             (~0u)

/* prot | max << 4 of the page at va; -1: nothing there. */
static int
rights(bool of_caller, uint64_t va)
{
	if (of_caller)
		return va >= g_data && va < g_data + 32 * GP ? 0x73 : -1;
	return va >= G_R && va < G_R_END ? 0x73 : va >= G_Q && va < G_N ? 0x31 :
	    va >= G_N && va < G_N_END ? 0x70 : -1;
}

static bool
wraps(uint64_t addr, uint64_t size)
{
	return addr + size < addr || round_page(addr + size) <= trunc_page(addr);
}

/* The pages of a range that does not wrap, in order: need within rights >> shift. */
static unsigned
walk(bool of_caller, uint64_t addr, uint64_t size, unsigned shift, uint32_t need)
{
	uint64_t end = round_page(addr + size);
	bool outside = end > g_max || trunc_page(addr) < GP;

	for (uint64_t va = trunc_page(addr); va < end; va += GP) {
		int r = rights(of_caller, va);

		if (r < 0)
			return IA;
		if (need & ~((unsigned)r >> shift & 7u))
			return PF | (outside ? IA : 0);
	}
	return SUCCESS;
}

/* First fit among the three gaps. */
static unsigned
fit(uint64_t lower, uint64_t size, uint64_t mask, uint64_t *addr)
{
	const uint64_t from[] = { GP, G_R_END, G_N_END }, to[] = { G_R, G_Q, g_max };

	for (unsigned i = 0; i < 3; i++) {
		uint64_t at = lower > from[i] ? lower : from[i];

		if (at >= to[i])
			continue;
		if (at + mask < at)
			return NOSPACE;
		at = (at + mask) & ~mask;
		if (at + size >= at && at + size <= to[i]) {
			*addr = at;
			return SUCCESS;
		}
	}
	return NOSPACE;
}

static unsigned
placed(const struct grid_args *a, uint64_t lower, unsigned wrap, uint64_t *addr)
{
	uint64_t start = trunc_page(a->addr), size = round_page(a->size), end = start + size;

	if (size == 0)
		return ARG;
	if (a->flags & 1)
		return fit(lower, size, a->mask, addr);
	*addr = start;
	if (end <= start)
		return wrap;
	if (start & a->mask)
		return NOSPACE;
	if (start < GP || end > g_max)
		return IA;
	return (a->flags & 0x4000) || end <= G_R || start >= G_N_END || (start >= G_R_END && end <= G_Q) ?
	    SUCCESS : NOSPACE;
}

static unsigned
copied(const struct grid_args *a, bool src_caller, uint64_t src, bool dst_caller, uint64_t dst)
{
	unsigned from, to;

	if (a->size == 0)
		return SUCCESS;
	from = wraps(src, a->size) ? IA : walk(src_caller, src, a->size, 0, 1);
	to = wraps(dst, a->size) ? IA : walk(dst_caller, dst, a->size, 0, 2);
	if (from == SUCCESS)
		return to;
	if (src_caller)                 /* data that cannot be read */
		from |= IA;
	return from | (wraps(dst, a->size) ? IA : 0);
}

static bool
outside(uint64_t addr, uint64_t size)
{
	return trunc_page(addr) < GP || round_page(addr + size) > g_max;
}

/* Placing n bytes where a says. */
static unsigned
placed_as(const struct grid_args *a, uint64_t n, uint64_t *addr)
{
	struct grid_args b = *a;

	b.size = n;
	return placed(&b, trunc_page(a->addr), ARG, addr);
}

static unsigned
rule_remap(const struct grid_args *a, uint64_t *addr)
{
	bool bounded = a->call == GRID_REMAP_NEW, exact = (a->flags & 0x100000u) != 0;
	uint64_t n = exact ? round_page(a->dst + a->size) - trunc_page(a->dst) : round_page(a->size);
	unsigned codes;

	if (a->inherit > 2 || (a->flags & ~0x104009u) ||
	    (bounded && (((a->prot | a->max) & ~7u) || (a->prot & ~a->max))) ||
	    (exact ? a->size == 0 || wraps(a->dst, a->size) : n == 0 || trunc_page(a->dst) + n < trunc_page(a->dst)) ||
	    (!(a->flags & 1) && trunc_page(a->addr) + n < trunc_page(a->addr)))
		return ARG;
	codes = walk(false, trunc_page(a->dst), n, 0, bounded ? a->prot : 0);
	if (codes == SUCCESS && bounded)
		codes = walk(false, trunc_page(a->dst), n, 4, a->max);
	if (codes != SUCCESS)
		return codes;
	codes = placed_as(a, n, addr);
	if (exact)
		*addr += a->dst % GP;
	return codes;
}

static unsigned
rule_wire(const struct grid_args *a)
{
	unsigned clamped;

	if (!a->word)
		return HOST;
	if (a->prot & ~7u)
		return ARG;
	if (a->size == 0)
		return SUCCESS;
	if (wraps(a->addr, a->size))
		return ARG;
	clamped = outside(a->addr, a->size) ? SUCCESS | IA : 0;
	if (a->prot == 0)
		return (rights(false, trunc_page(a->addr)) < 0 ? IA : SUCCESS) | clamped;
	return walk(false, a->addr, a->size, 0, a->prot) | clamped;
}

static unsigned
rule_advice(const struct grid_args *a)
{
	bool over = a->addr + a->size < a->addr, mapped;
	bool does = a->word == 1 && a->flags >= 6 && a->flags <= 9;     /* attribute and value of vm_machine_attribute */

	if (a->call == GRID_BEHAVIOR && a->word > 12)
		return ARG;
	if (a->call == GRID_MSYNC && ((a->flags & 3) == 3 || (a->flags & ~0x3fu)))
		return ARG;
	if (a->size == 0)
		return SUCCESS;
	if (wraps(a->addr, a->size))
		return a->call == GRID_MSYNC ? IA : over ? ARG : a->call == GRID_BEHAVIOR ? NOSPACE : IA;
	mapped = walk(false, a->addr, a->size, 0, 0) == SUCCESS;
	if (a->call == GRID_MSYNC)
		return mapped || !(a->flags & 0x20) ? SUCCESS : IA;
	if (a->call == GRID_BEHAVIOR)
		return !mapped ? IA | (outside(a->addr, a->size) ? NOSPACE : 0) | (a->word < 6 ? 0 : ARG | PF) :
		    a->word < 6 || a->word == 11 ? SUCCESS : SUCCESS | ARG | PF;
	if (outside(a->addr, a->size))
		return IA | (does ? 0 : ARG);
	return !mapped ? FAILED | (does ? 0 : ARG) : does ? SUCCESS : ARG;
}

static unsigned
rule_question(const struct grid_args *a, uint64_t *addr)
{
	uint32_t words = a->call == GRID_RECURSE ? 18 : a->word == 12 ? 5 : a->word >= 9 && a->word <= 13 ? 10 : 0;

	switch (a->call) {
	case GRID_PAGE:
		return SUCCESS;
	case GRID_PAGES:
		return a->size != 0 && wraps(a->addr, a->size) ? ARG : SUCCESS;
	case GRID_READ_LIST:
		return a->size == 0 ? SUCCESS : wraps(a->addr, a->size) ? IA : walk(false, a->addr, a->size, 0, 1);
	default:
		*addr = a->addr < G_R_END ? G_R : a->addr < G_N ? G_Q : G_N;
		return words == 0 || a->flags < words ? ARG : a->addr >= G_N_END ? IA : SUCCESS;
	}
}

static unsigned
rule_map_entry(const struct grid_args *a, uint64_t *addr)
{
	bool exact = (a->flags & 0x100000u) != 0;
	uint64_t n = exact ? round_page(a->offset + a->size) - trunc_page(a->offset) : round_page(a->size);
	uint32_t most = grid_object_prot[a->object];
	unsigned codes = 0;

	if ((a->flags & ~0xff104099u) || ((a->prot | a->max) & ~7u) || a->inherit > 2 || round_page(a->size) == 0 ||
	    (a->offset % GP != 0 && !exact && a->object != 3))
		return ARG;
	if ((a->max & ~most) && (!a->copy || !(most & 1)))
		codes |= RIGHT;
	if (trunc_page(a->offset) + n < n || trunc_page(a->offset) + n > grid_object_size[a->object])
		codes |= ARG;
	if (!(a->flags & 1) && trunc_page(a->addr) + n < trunc_page(a->addr))
		codes |= ARG;
	if (codes != 0)
		return codes;
	codes = placed_as(a, n, addr);
	*addr += exact ? a->offset % GP : 0;
	return codes;
}

static unsigned
rule_make_entry(const struct grid_args *a)
{
	uint32_t prot = a->flags & 7, range = a->flags & 0x600000u;
	uint64_t end = a->addr + a->size;
	int first;

	if (a->flags & ~0x0f7b0047u)
		return ARG;
	if (a->flags & 0x0f090000u)     /* caches, or about a parent's mapping: the golden file alone judges */
		return ANY;
	if (a->flags & 0x20000u)
		return (a->flags & 0x100000u) || (a->size != 0 && round_page(a->size) == 0) ? ARG :
		    a->size == 0 ? SUCCESS : SUCCESS | FAILED;
	if (a->size == 0 || wraps(a->addr, a->size))
		return ARG;
	if (a->object != 0)
		return (end > grid_object_size[a->object] || a->object == 3 ? ARG : 0) |
		    (prot & ~grid_object_prot[a->object] ? PF : 0) ?: SUCCESS;
	first = rights(false, trunc_page(a->addr));
	if (first < 0)
		return IA;
	if (range != 0)
		return walk(false, a->addr, a->size, 4, a->flags & 0x40 ? 0 : prot) |
		    (range & 0x200000u && walk(false, a->addr, a->size, 0, 1) != SUCCESS ? PF : 0);
	return (prot & ~((unsigned)first >> 4)) && !(a->flags & 0x40) ? PF : SUCCESS;
}

/* The codes that are right; *addr: the right address of a success, where there is one. */
static unsigned
rule(const struct grid_args *a, uint64_t *addr)
{
	uint32_t known = a->call == GRID_MAP ? 0xff174099u : 0xff074099u;
	bool flags_bad = (a->flags & ~known) != 0 || (a->flags & 0x70000u) > 0x20000u;

	switch (a->call) {
	case GRID_ALLOCATE:
		*addr = 0;
		return flags_bad ? ARG : a->size == 0 ? SUCCESS : placed(a, GP, IA, addr);
	case GRID_DEALLOCATE:
		return a->size != 0 && wraps(a->addr, a->size) ? ARG : SUCCESS;
	case GRID_PROTECT:
		if (a->prot & ~0x17u)
			return ARG;
		if (a->size == 0)
			return SUCCESS;
		if (wraps(a->addr, a->size))
			return trunc_page(a->addr) == 0 && a->addr + a->size >= a->addr ? IA : ARG;
		return walk(false, a->addr, a->size, 4, a->prot & 0x10 ? a->prot & 5 : a->prot);
	case GRID_INHERIT:
		return a->inherit > 2 || (a->size != 0 && wraps(a->addr, a->size)) ? ARG : SUCCESS;
	case GRID_READ:
		*addr = a->size == 0 ? 0 : a->addr % GP;
		return a->size == 0 ? SUCCESS : wraps(a->addr, a->size) ? IA : walk(false, a->addr, a->size, 0, 1);
	case GRID_READ_OVERWRITE:
		return copied(a, false, a->addr, true, a->dst);
	case GRID_WRITE:
		return copied(a, true, a->dst, false, a->addr);
	case GRID_COPY:
		return copied(a, false, a->addr, false, a->dst);
	case GRID_MAP:
		return flags_bad || ((a->prot | a->max) & ~7u) || a->inherit > 2 ? ARG :
		    placed(a, trunc_page(a->addr), ARG, addr);
	case GRID_REGION:
		*addr = a->addr < G_R_END ? G_R : a->addr < G_N ? G_Q : G_N;
		return a->addr >= G_N_END ? IA : SUCCESS;
	case GRID_REMAP:
	case GRID_REMAP_NEW:
		return rule_remap(a, addr);
	case GRID_WIRE:
		return rule_wire(a);
	case GRID_TASK_WIRE:
		return SUCCESS;
	case GRID_BEHAVIOR:
	case GRID_MSYNC:
	case GRID_ATTRIBUTE:
		return rule_advice(a);
	case GRID_MAP_ENTRY:
		return rule_map_entry(a, addr);
	case GRID_MAKE_ENTRY:
		return rule_make_entry(a);
	case GRID_OBJECT_CREATE:
		return round_page(a->size) == 0 ? ARG : SUCCESS | FAILED;
	case GRID_OBJECT_ENTRY:
		return !(a->word & 1) ? HOST : round_page(a->size) == 0 || (a->prot & ~7u) || !(a->word & 2) ? ARG :
		    SUCCESS | FAILED;
	default:
		return rule_question(a, addr);
	}
}

static unsigned broken;
static char first_broken[512];

static void
judge(const char *line, const struct grid_args *a, const struct grid_result *r)
{
	uint64_t addr = a->addr;
	unsigned codes = rule(a, &addr);
	bool maps = a->call == GRID_ALLOCATE || a->call == GRID_MAP || a->call == GRID_MAP_ENTRY || a->call == GRID_REMAP;
	bool places = maps || a->call == GRID_REMAP_NEW || a->call == GRID_READ || a->call == GRID_REGION ||
	    a->call == GRID_FLAVOR || a->call == GRID_RECURSE;
	/* Superpages, what is never removed, random, not cached: only that they are known is judged here. */
	bool special = maps && (a->flags & 0x70098u) != 0;
	const char *what = special && codes != ARG ? NULL : codes != ANY && (r->kr >= 32 || !(codes >> r->kr & 1)) ? "another code" :
	    r->wrote ? "a refusal wrote an output" :
	    r->kr != 0 && r->dump != 0 ? "a refusal changed the map" :
	    r->kr == 0 && places && r->out[0] != addr ? "another address" :
	    r->kr == 0 && (a->call == GRID_READ || a->call == GRID_READ_OVERWRITE) && r->out[1] != a->size ?
	    "another count" : NULL;

	if (what == NULL)
		return;
	broken++;
	if (getenv("GRID_BROKEN") != NULL)
		printf("# %s %s: addr 0x%lx size 0x%lx: %s, %s\n", grid_call_name[a->call], line, a->addr, a->size,
		    kern_return_name(r->kr), what);
	if (broken == 1)
		snprintf(first_broken, sizeof(first_broken), "%s: %s %s: addr 0x%lx size 0x%lx dst 0x%lx mask 0x%lx "
		    "flags 0x%x prot 0x%x max 0x%x inherit 0x%x: %s, out 0x%lx 0x%lx; right are codes 0x%x, addr 0x%lx", what,
		    grid_call_name[a->call], line, a->addr, a->size, a->dst, a->mask, a->flags, a->prot, a->max,
		    a->inherit, kern_return_name(r->kr), r->out[0], r->out[1], codes, addr);
}

/* --- lines --- */

static struct text {
	char    *s[LINES];
	unsigned n;
} now, sv39;

static char   line_text[8192], run_token[64];
static size_t line_head;                /* of line_text: call and arguments */
static unsigned run_length;

static void
end_run(void)
{
	size_t n = strlen(line_text);

	if (run_length > 0)
		snprintf(line_text + n, sizeof(line_text) - n, run_length > 1 ? " %s x%u" : " %s", run_token, run_length);
	run_length = 0;
}

static void
end_line(void)
{
	end_run();
	if (line_text[0] != '\0') {
		if (now.n == LINES)
			panic("more than %u lines", LINES);
		now.s[now.n++] = strdup(line_text);
	}
	line_text[0] = '\0';
}

static const char *
code_name(int kr)
{
	static const char *const names[] = { "OK", "ADDRESS", "PROTECTION", "SPACE", "ARGUMENT", "FAILURE", "SHORTAGE" };

	return kr >= 0 && kr < (int)nitems(names) ? names[kr] : kern_return_name(kr);
}

static void
g_tuple(const char *line, const struct grid_args *a, const struct grid_result *r)
{
	char head[256], token[64];
	size_t n;

	judge(line, a, r);
	if (getenv("GRID_ROWS") != NULL && strcmp(getenv("GRID_ROWS"), grid_call_name[a->call]) == 0)
		grid_print_row(line, a);
	snprintf(head, sizeof(head), "%s %s:", grid_call_name[a->call], line);
	if (strlen(head) != line_head || strncmp(head, line_text, line_head) != 0) {
		end_line();
		line_head = strlen(head);
		memcpy(line_text, head, line_head + 1);
	}
	n = (size_t)snprintf(token, sizeof(token), "%s%s", code_name(r->kr), r->wrote ? "!" : "");
	if (r->kr == 0 && (a->call == GRID_ALLOCATE || a->call == GRID_MAP || a->call == GRID_READ || a->call == GRID_REGION ||
	    a->call == GRID_MAP_ENTRY || a->call == GRID_REMAP || a->call == GRID_REMAP_NEW))
		n += (size_t)snprintf(token + n, sizeof(token) - n, "=0x%lx", r->out[0]);
	if (r->kr == 0 && (a->call == GRID_READ || a->call == GRID_READ_OVERWRITE || a->call == GRID_REGION ||
	    a->call == GRID_REMAP || a->call == GRID_REMAP_NEW || a->call == GRID_MAKE_ENTRY || a->call == GRID_PAGES))
		n += (size_t)snprintf(token + n, sizeof(token) - n, "+0x%lx", r->out[1]);
	if (r->dump != 0)
		snprintf(token + n, sizeof(token) - n, ":%04lx", r->dump & 0xffff);
	if (strcmp(token, run_token) != 0)
		end_run();
	memcpy(run_token, token, sizeof(token));
	run_length++;
}

static void
text_free(struct text *t)
{
	for (unsigned i = 0; i < t->n; i++)
		free(t->s[i]);
	t->n = 0;
}

/* --- modes --- */

static void
run_mode(unsigned levels)
{
	vm_address_ut a = vm_address_u(3ul << 30);

	tlb_sim_next = (struct tlb_sim_config){ levels, 16, false, false, 1, false, false };
	host_boot(16ul << 20);
	g_max = vm_max_address;
	target = new_map();
	caller = new_map();
	if (vm_allocate(caller, &a, vm_size_u(32 * GP), VM_FLAGS_FIXED) != KERN_SUCCESS)
		panic("no data");
	g_data = a.v;
	broken = 0;
	first_broken[0] = '\0';
	text_free(&now);
	make_objects();
	grid_run();
	end_line();
	for (unsigned i = 1; i < GRID_OBJECTS; i++)
		vm_named_entry_release(object[i]);
	vm_map_deallocate(target);
	vm_map_deallocate(caller);
}

static const unsigned modes[] = { 3, 4, 5 };

static bool
same_line(const char *a, const char *b)
{
	return a != NULL && b != NULL && strcmp(a, b) == 0;
}

/* The lines of this mode that the golden file has. */
static unsigned
write_mode(FILE *f, unsigned levels)
{
	unsigned tuples = 0;

	for (unsigned c = 0; c < GRID_CALLS; c++) {
		fprintf(f, "%s %s tuples %lu hash 0x%016lx\n", levels == 3 ? "sv39" : levels == 4 ? "sv48" : "sv57",
		    grid_call_name[c], grid_tuples[c], grid_hash[c]);
		tuples += (unsigned)grid_tuples[c];
	}
	for (unsigned i = 0; i < now.n; i++)
		if (levels == 3 || !same_line(now.s[i], i < sv39.n ? sv39.s[i] : NULL))
			fprintf(f, "%s\n", now.s[i]);
	if (levels == 3) {
		sv39 = now;
		now.n = 0;
	}
	return tuples;
}

static void
write_hashes(FILE *f, uint64_t hash[3][GRID_CALLS])
{
	fprintf(f, "/* hashes.h: what build/host/grid --write found, for test/user/grid.c. Made, not written. */\n"
	    "static const uint64_t grid_golden[3][GRID_CALLS] = {\n");
	for (unsigned m = 0; m < 3; m++) {
		fprintf(f, "\t{\n");
		for (unsigned c = 0; c < GRID_CALLS; c++)
			fprintf(f, "\t\t0x%016lxul,\t/* %s */\n", hash[m][c], grid_call_name[c]);
		fprintf(f, "\t},\n");
	}
	fprintf(f, "};\n");
}

static const char explanation[] =
    "# vm_user_errors.txt: result codes of the user calls over the grid of test/grid/grid.h.\n"
    "# Written by build/host/grid --write, compared by every run. A change of this file is\n"
    "# reviewed like code. A line: call, arguments, results over the values of the argument\n"
    "# marked *, \"x3\" for three alike. OK=address+count; :hash of the regions where they changed.\n"
    "# Sv39 in full, Sv48 and Sv57 where they differ. P = 4096, S = 2M, R = 1G (16 pages rw-/rwx),\n"
    "# Q = R+20P (4 pages r--/rw-), N = R+24P (2 pages ---/rwx), D = 32 pages of the caller.\n";

/* Compares two texts line by line; the first difference is shown. */
static bool
compare(FILE *is, FILE *should, char *text, size_t size)
{
	static char a[16384], b[16384];
	unsigned line = 0;

	for (;;) {
		char *x = fgets(a, sizeof(a), is), *y = fgets(b, sizeof(b), should);

		line++;
		if (x == NULL && y == NULL)
			return true;
		if (x == NULL || y == NULL || strcmp(a, b) != 0) {
			snprintf(text, size, "line %u is\n#   %.1500s# and should be\n#   %.1500s", line, x ? a : "(the end)\n",
			    y ? b : "(the end)\n");
			return false;
		}
	}
}

static unsigned number;

static bool
report(const char *name, bool good, const char *text)
{
	if (!good)
		printf("# %s\n", text);
	printf("%sok %u grid.%s\n", good ? "" : "not ", ++number, name);
	fflush(stdout);
	return good;
}

static bool
compare_file(const char *name, FILE *is, const char *file)
{
	static char text[4096];
	FILE *should = fopen(file, "r");
	bool good = false;

	rewind(is);
	if (should == NULL)
		snprintf(text, sizeof(text), "%s cannot be read", file);
	else {
		good = compare(is, should, text, sizeof(text));
		fclose(should);
	}
	return report(name, good, text);
}

int
main(int argc, char **argv)
{
	static const char *const rules[] = { "rules_sv39", "rules_sv48", "rules_sv57" };
	bool writes = argc > 1 && strcmp(argv[1], "--write") == 0, good = true;
	FILE *f = writes ? fopen(GOLDEN, "w") : tmpfile(), *h = writes ? fopen(HASHES, "w") : tmpfile();
	uint64_t hash[3][GRID_CALLS];
	unsigned tuples = 0;

	if (f == NULL || h == NULL) {
		perror(GOLDEN);
		return 2;
	}
	printf("KTAP version 1\n1..%u\n", writes ? 3 : 6);
	fputs(explanation, f);
	for (unsigned m = 0; m < nitems(modes); m++) {
		run_mode(modes[m]);
		good &= report(rules[m], broken == 0, first_broken);
		if (broken > 0)
			printf("# %u results break a rule\n", broken);
		tuples += write_mode(f, modes[m]);
		memcpy(hash[m], grid_hash, sizeof(grid_hash));
	}
	write_hashes(h, hash);
	printf("# %u tuples\n", tuples);
	if (!writes) {
		good &= report("enough_tuples", tuples >= 3 * 50000, "the grid has become too small");
		good &= compare_file("golden", f, GOLDEN);
		good &= compare_file("hashes_for_user_mode", h, HASHES);
	}
	fclose(f);
	fclose(h);
	text_free(&now);
	text_free(&sv39);
	return !good;
}
