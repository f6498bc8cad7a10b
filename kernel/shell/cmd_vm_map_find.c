/*
 * cmd_vm_map_find.c: FreeBSD's placement under its own names.
 *
 * Arguments go to the users' calls (mm/vm_user_find.c) as they come, in the
 * order of the C prototype; object and offset, which most calls lack, by name.
 */
#include <mm/vm_user.h>
#include <base/print.h>
#include "held.h"

static const struct cmd_word space_words[] = {
	{ "any", VMFS_ANY_SPACE }, { "no", VMFS_NO_SPACE }, { "optimal", VMFS_OPTIMAL_SPACE }, { "super", VMFS_SUPER_SPACE },
	{ "any_space", VMFS_ANY_SPACE }, { "no_space", VMFS_NO_SPACE }, { "optimal_space", VMFS_OPTIMAL_SPACE },
	{ "super_space", VMFS_SUPER_SPACE }, { NULL, 0 },
};

static const struct cmd_word cow_words[] = {
	{ "inherit_share", MAP_INHERIT_SHARE }, { "copy_on_write", MAP_COPY_ON_WRITE }, { "nofault", MAP_NOFAULT },
	{ "prefault", MAP_PREFAULT }, { "prefault_partial", MAP_PREFAULT_PARTIAL }, { "disable_syncer", MAP_DISABLE_SYNCER },
	{ "check_excl", MAP_CHECK_EXCL }, { "create_guard", MAP_CREATE_GUARD }, { "disable_coredump", MAP_DISABLE_COREDUMP },
	{ "prefault_madvise", MAP_PREFAULT_MADVISE }, { "writecount", MAP_WRITECOUNT }, { "remap", MAP_REMAP },
	{ "stack_grows_down", MAP_STACK_GROWS_DOWN }, { "stack_grows_up", MAP_STACK_GROWS_UP },
	{ "acc_charged", MAP_ACC_CHARGED }, { "acc_no_charge", MAP_ACC_NO_CHARGE }, { "vn_exec", MAP_VN_EXEC },
	{ "split_2m", 1ul << MAP_SPLIT_BOUNDARY_SHIFT }, { "split_1g", 2ul << MAP_SPLIT_BOUNDARY_SHIFT },
	{ "no_hint", MAP_NO_HINT }, { "down", MAP_STACK_GROWS_DOWN }, { "up", MAP_STACK_GROWS_UP }, { NULL, 0 },
};

/* The options that these commands share, from argument 3 on. */
#define WHAT_ARGS \
	OPT(PROT, "prot", "rw-/rwx"), OPT(PROT, "max", ""), OPTW(FLAGS, "cow", "0", cow_words), OPT(HELD, "object", ""), \
	OPT(NUM, "offset", "0")
enum { FIND_MAP, FIND_ADDR, FIND_LENGTH, FIND_PROT, FIND_MAX, FIND_COW, FIND_OBJECT, FIND_OFFSET, FIND_SPACE, FIND_ALIGN,
	FIND_MAX_ADDR, FIND_EXPLAIN, FIND_MIN_ADDR };

/* FALSE: usage, said. */
static bool
what_of(struct cmd_ctx *c, struct vm_find_user_args *a)
{
	struct held *object = c->arg[FIND_OBJECT].held;
	const struct cmd_value *prot = &c->arg[FIND_PROT], *max = &c->arg[FIND_MAX];
	bool both = prot->given && prot->given2;
	vm_prot_t gives = VM_PROT_ALL;

	if (object != NULL && object->kind == CMD_NAMED) {
		a->entry = object->named;
		gives = a->entry->protection;
	} else if (object != NULL && object->kind == CMD_OBJECT) {
		a->pager = object->object;
		gives = a->pager->max_prot;
	} else if (object != NULL) {
		(void)cmd_usage(c, FIND_OBJECT, "object: a named entry or a memory object is expected");
		return false;
	}
	a->offset = vm_address_u(c->arg[FIND_OFFSET].num);
	a->cow = (uint32_t)c->arg[FIND_COW].num;
	a->prot = (vm_prot_t)prot->num;
	a->max = (vm_prot_t)(max->given ? max->num : both ? prot->num2 : VM_PROT_ALL);
	/* Nothing said of rights: as much of the usual ones as there can be. */
	if (a->cow & MAP_CREATE_GUARD)
		gives = VM_PROT_NONE;
	else if (a->cow & MAP_COPY_ON_WRITE)
		gives = VM_PROT_ALL;
	if (!max->given && !both)
		a->max &= gives;
	if (!prot->given)
		a->prot &= a->max;
	return true;
}

/* --- what a search saw --- */

static struct vm_map_trace trace;       /* the shell's thread: too large for its stack */

static void
explain_gap(const struct vm_map_look *l)
{
	char size[24], wide[24];

	switch (l->verdict) {
	case GAP_TAKEN:
		kprintf("  %s: 0x%lx to 0x%lx (%s): taken at 0x%lx\n", l->strategy, l->start, l->end, size_text(l->end - l->start, size),
		    l->at);
		break;
	case GAP_MISALIGNED:
		kprintf("  %s: 0x%lx to 0x%lx (%s): refused, %s from the first aligned address 0x%lx on\n", l->strategy, l->start,
		    l->end, size_text(l->end - l->start, size), l->at < l->end ? size_text(l->end - l->at, wide) : "nothing", l->at);
		break;
	case GAP_TOO_SMALL:
		kprintf("  %s: 0x%lx to 0x%lx (%s): refused, too small from 0x%lx on\n", l->strategy, l->start, l->end,
		    size_text(l->end - l->start, size), l->at);
		break;
	case GAP_BEYOND:
		kprintf("  %s: 0x%lx to 0x%lx (%s): refused, from 0x%lx on it would pass the maximum\n", l->strategy, l->start,
		    l->end, size_text(l->end - l->start, size), l->at);
		break;
	default:
		kprintf("  %s: nothing above 0x%lx fits: the tree of gaps says so\n", l->strategy, l->at);
	}
}

static void
explain(void)
{
	uint32_t try = 1;

	for (unsigned i = 0; i < trace.n; i++) {
		const struct vm_map_look *l = &trace.look[i];

		if (l->try != try)
			kprintf("  once more:\n");
		try = l->try;
		explain_gap(l);
		if (i + 2 == trace.n && trace.looked > trace.n)
			kprintf("  ... %lu gaps were looked at\n", trace.looked);
	}
}

/*
 * align=n: the exponent of a power of two from a page on, up to 63; or that power itself, from 64 on. FALSE: refused,
 * said. What is neither goes no further, for the call knows exponents only.
 */
static bool
alignment_of(struct cmd_ctx *c, uint32_t *find_space)
{
	uint64_t n = c->arg[FIND_ALIGN].num;

	if (n < PAGE_SHIFT || (n >= 64 && (n < PAGE_SIZE || (n & (n - 1)) != 0))) {
		(void)cmd_result(c, KERN_FAIL(KERN_INVALID_ARGUMENT, "align=%s: neither an exponent from 12 to 63 nor a power of "
		    "two from 4K on", c->arg[FIND_ALIGN].word), NULL);
		return false;
	}
	*find_space = VMFS_ALIGNED_SPACE(n < 64 ? (uint32_t)n : (uint32_t)__builtin_ctzl(n));
	return true;
}

static int
do_call(struct cmd_ctx *c, enum vm_find_call call)
{
	vm_address_ut addr = vm_address_u(c->arg[FIND_ADDR].num);
	bool searches = call == VM_MAP_FIND || call == VM_MAP_FIND_MIN;
	vm_size_t length = c->arg[FIND_LENGTH].num;
	struct vm_find_user_args a = { .find_space = VMFS_NO_SPACE };
	kern_return_t kr;

	if (!what_of(c, &a))
		return 2;
	if (call == VM_MAP_INSERT)
		length = length > addr.v ? length - addr.v : 0;         /* the third argument is the end */
	a.length = vm_size_u(length);
	if (searches) {
		a.find_space = (uint32_t)c->arg[FIND_SPACE].num;
		if (c->arg[FIND_ALIGN].given && !alignment_of(c, &a.find_space))
			return 1;
		a.max_addr = vm_address_u(c->arg[FIND_MAX_ADDR].num);
		if (call == VM_MAP_FIND_MIN)
			a.min_addr = vm_address_u(c->arg[FIND_MIN_ADDR].num);
		trace.n = 0;
		trace.looked = 0;
		if (c->arg[FIND_EXPLAIN].num != 0)
			a.trace = &trace;
	}
	kr = cmd_map(&c->arg[FIND_MAP]);
	if (kr == KERN_SUCCESS && call == VM_MAP_INSERT && c->arg[FIND_LENGTH].num <= addr.v)
		kr = KERN_FAIL(KERN_INVALID_ADDRESS, "[0x%lx, 0x%lx) is empty", addr.v, c->arg[FIND_LENGTH].num);
	if (kr == KERN_SUCCESS)
		kr = vm_map_find_user(c->arg[FIND_MAP].map, &addr, &a, call);
	if (a.trace != NULL)
		explain();
	return cmd_result(c, kr, "addr=0x%lx size=0x%lx", addr.v, length);
}

static int
do_find(struct cmd_ctx *c)
{
	return do_call(c, VM_MAP_FIND);
}

COMMAND(vm_map_find, do_find, "map", "map memory at a place that a strategy finds at or above ADDR",
    "space: any (first fit), super (at a superpage of the object), optimal (super for an object, else\n"
    "any), no (at ADDR or nowhere); align=n: at a multiple of 2^n, or of n itself if that is 4K or more.\n"
    "align=1G asks for gigapages, too: the first touch fills a gigabyte, in one leaf if there is a run\n"
    "of memory for it. max_addr: the range ends there at most. Whole pages. A range that holds no whole superpage goes anywhere, with super, too.\n"
    "cow: copy_on_write (an object's private copy), remap (with space=no: instead of what is there),\n"
    "create_guard (nothing but the place), prefault, prefault_partial, inherit_share, stack_grows_down,\n"
    "split_2m, split_1g, nofault... explain=1 prints each gap that was looked at, and why it was not taken.\n"
    "  vm_map_find t1 0 4M space=super\n"
    "  vm_map_find t1 $a 64K align=16 max_addr=1G explain=1\n"
    "  vm_map_find t1 0 1G align=1G\n"
    "  vm_map_find t1 0 4M space=optimal object=e1 offset=2M cow=copy_on_write\n"
    "KERN_NO_SPACE (no gap, or the range is taken), KERN_INVALID_ADDRESS (space=no: not within the map),\n"
    "KERN_INVALID_ARGUMENT, KERN_PROTECTION_FAILURE, KERN_INVALID_RIGHT, KERN_RESOURCE_SHORTAGE",
    ARG(MAP, "map"), ARG(NUM, "addr"), ARG(SIZE, "length"), WHAT_ARGS, OPTW(ENUM, "space", "any", space_words),
    OPT(SIZE, "align", ""), OPT(NUM, "max_addr", "0"), OPT(BOOL, "explain", "0"));

static int
do_find_min(struct cmd_ctx *c)
{
	return do_call(c, VM_MAP_FIND_MIN);
}

COMMAND(vm_map_find_min, do_find_min, "map", "vm_map_find from ADDR on, and then once more from min_addr on",
    "addr=0 is no wish: from min_addr on at once.\n"
    "  vm_map_find_min t1 0x3ffff00000 64M min_addr=1G\n"
    "Codes as of vm_map_find",
    ARG(MAP, "map"), ARG(NUM, "addr"), ARG(SIZE, "length"), WHAT_ARGS, OPTW(ENUM, "space", "any", space_words),
    OPT(SIZE, "align", ""), OPT(NUM, "max_addr", "0"), OPT(BOOL, "explain", "0"), OPT(NUM, "min_addr", "0"));

static int
do_fixed(struct cmd_ctx *c)
{
	return do_call(c, VM_MAP_FIXED);
}

COMMAND(vm_map_fixed, do_fixed, "map", "map memory at START, in place of what is there",
    "In one step: nobody sees the place empty. cow=check_excl: only where nothing is.\n"
    "  vm_map_fixed t1 $a 64K prot=r-- object=e1\n"
    "KERN_NO_SPACE (check_excl: taken), KERN_INVALID_ADDRESS, KERN_INVALID_ARGUMENT,\n"
    "KERN_PROTECTION_FAILURE, KERN_INVALID_RIGHT, KERN_RESOURCE_SHORTAGE; KERN_FAILURE: wired by the kernel",
    ARG(MAP, "map"), ARG(NUM, "start"), ARG(SIZE, "length"), WHAT_ARGS);

static int
do_insert(struct cmd_ctx *c)
{
	return do_call(c, VM_MAP_INSERT);
}

COMMAND(vm_map_insert, do_insert, "map", "map memory in [START, END), which must be free",
    "  vm_map_insert t1 0x10000 0x20000 cow=create_guard\n"
    "KERN_INVALID_ADDRESS (empty, or not within the map), KERN_NO_SPACE (taken), KERN_INVALID_ARGUMENT,\n"
    "KERN_PROTECTION_FAILURE, KERN_INVALID_RIGHT, KERN_RESOURCE_SHORTAGE",
    ARG(MAP, "map"), ARG(NUM, "start"), ARG(NUM, "end"), WHAT_ARGS);

/* --- looking --- */

static int
do_findspace(struct cmd_ctx *c)
{
	vm_map_t map = cmd_map_to_show(&c->arg[0]);
	vm_address_ut addr = vm_address_u(0);
	vm_size_t length = c->arg[2].num;
	kern_return_t kr;

	kr = vm_map_findspace_user(map, vm_address_u(c->arg[1].num), vm_size_u(length), &addr);
	if (kr == KERN_SUCCESS && addr.v == vm_map_max(map) - length + 1)
		kr = KERN_FAIL(KERN_NO_SPACE, "no gap of 0x%lx bytes: the call returns 0x%lx, maximum - length + 1", length, addr.v);
	return cmd_result(c, kr, "addr=0x%lx", addr.v);
}

COMMAND(vm_map_findspace, do_findspace, "map", "the lowest free place of LENGTH bytes at or above START",
    "Nothing is mapped. The C call returns the address, or the map's maximum - length + 1.\n"
    "  vm_map_findspace t1 0 64K\n"
    "KERN_NO_SPACE, KERN_INVALID_ARGUMENT (not in pages, or none)",
    ARG(MAP, "map"), ARG(NUM, "start"), ARG(SIZE, "length"));

static int
do_find_aligned(struct cmd_ctx *c)
{
	vm_address_ut addr = vm_address_u(c->arg[1].num);
	kern_return_t kr = cmd_map(&c->arg[0]);

	if (kr == KERN_SUCCESS)
		kr = vm_map_find_aligned_user(c->arg[0].map, &addr, vm_size_u(c->arg[2].num), vm_address_u(c->arg[3].num), c->arg[4].num);
	return cmd_result(c, kr, "addr=0x%lx", addr.v);
}

COMMAND(vm_map_find_aligned, do_find_aligned, "map", "the lowest free place at or above ADDR that is a multiple of ALIGNMENT",
    "Nothing is mapped. max_addr 0: the map's end; alignment: a power of two, 0: any address.\n"
    "  vm_map_find_aligned t1 0 64K 0 64K\n"
    "KERN_NO_SPACE, KERN_INVALID_ARGUMENT",
    ARG(MAP, "map"), ARG(NUM, "addr"), ARG(SIZE, "length"), ARG(NUM, "max_addr"), ARG(SIZE, "alignment"));

/* --- options --- */

static const struct cmd_word option_words[] = {
	{ "none", 0 }, { "aslr", VM_MAP_ASLR }, { "aslr_ignstart", VM_MAP_ASLR_IGNSTART }, { "wxorx", VM_MAP_WXORX },
	{ "cluster", VM_MAP_CLUSTER }, { "cluster_always", VM_MAP_CLUSTER_ALWAYS }, { NULL, 0 },
};

static int
do_set_options(struct cmd_ctx *c)
{
	kern_return_t kr = cmd_map(&c->arg[0]);

	if (kr == KERN_SUCCESS)
		kr = vm_map_set_options_user(c->arg[0].map, (uint32_t)c->arg[1].num, c->arg[2].num);
	return cmd_result(c, kr, NULL);
}

COMMAND(vm_map_set_options, do_set_options, "map", "how a map chooses places, and what it forbids",
    "aslr: at random, from the map's own generator; aslr_ignstart: from its minimum on; cluster:\n"
    "zero-fill memory without a wish goes near that which is there, cluster_always: with one, too;\n"
    "wxorx: nothing is writable and executable. All off (none) in a new map; inherited by fork.\n"
    "  vm_map_set_options t1 aslr|wxorx seed=7\n"
    "KERN_INVALID_ARGUMENT",
    ARG(MAP, "map"), ARGW(FLAGS, "options", option_words), OPT(NUM, "seed", "0"));
