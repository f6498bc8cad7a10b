/*
 * cmd_vm.c: the vm_* calls under their own names.
 *
 * Each command hands its words to the user call of mm/vm_user.h and nothing
 * else: what is refused there is refused here, with the same code and sentence.
 * The shell itself has no memory, so calls that move data between the caller
 * and a task (vm_read, vm_write) take the caller's part as a task, too.
 */
#include <mm/vm_user.h>
#include "held.h"

const struct cmd_word map_flag_words[] = {
	{ "fixed", VM_FLAGS_FIXED }, { "anywhere", VM_FLAGS_ANYWHERE }, { "overwrite", VM_FLAGS_OVERWRITE },
	{ "permanent", VM_FLAGS_PERMANENT }, { "superpage_any", VM_FLAGS_SUPERPAGE_SIZE_ANY },
	{ "superpage_2m", VM_FLAGS_SUPERPAGE_SIZE_2MB }, { "superpage_1g", VM_FLAGS_SUPERPAGE_SIZE_1GB },
	{ "random", VM_FLAGS_RANDOM_ADDR },
	{ "no_cache", VM_FLAGS_NO_CACHE }, { "return_data_addr", VM_FLAGS_RETURN_DATA_ADDR }, { NULL, 0 },
};

static int
do_vm_allocate(struct cmd_ctx *c)
{
	vm_address_ut addr = vm_address_u(c->arg[2].num);
	uint32_t flags = c->arg[2].given ? VM_FLAGS_FIXED : VM_FLAGS_ANYWHERE;
	kern_return_t kr;

	if (c->arg[3].given)
		flags = (uint32_t)c->arg[3].num;
	if (c->arg[4].num > 255)
		return cmd_usage(c, 4, "tag: a number up to 255 is expected");
	flags |= VM_MAKE_TAG(c->arg[4].num);
	kr = vm_allocate(c->arg[0].map, &addr, vm_size_u(c->arg[1].num), flags);
	return cmd_result(c, kr, "addr=0x%lx size=0x%lx", addr.v, round_page(c->arg[1].num));
}

COMMAND(vm_allocate, do_vm_allocate, "vm", "allocate zero-filled memory",
    "Without addr the kernel chooses the place; with it, the place is fixed. Current\n"
    "protection rw-, maximum rwx. flags are taken as they are: fixed|overwrite replaces what is\n"
    "there, permanent stays until the task ends, anywhere|superpage_2m is resident and wired from\n"
    "the start (superpage_1g: in gigapages), anywhere|random is somewhere.\n"
    "  vm_allocate t1 64M\n"
    "  vm_allocate t1 4K addr=0x10000 tag=7\n"
    "  vm_allocate t1 4M flags=anywhere|superpage_2m\n"
    "KERN_NO_SPACE, KERN_INVALID_ADDRESS, KERN_INVALID_ARGUMENT, KERN_RESOURCE_SHORTAGE",
    ARG(MAP, "task"), ARG(SIZE, "size"), OPT(NUM, "addr", "0"),
    OPTW(FLAGS, "flags", "", map_flag_words), OPT(NUM, "tag", "0"));

static int
do_vm_deallocate(struct cmd_ctx *c)
{
	kern_return_t kr = vm_deallocate(c->arg[0].map, vm_address_u(c->arg[1].num),
	    vm_size_u(c->arg[2].num));

	return cmd_result(c, kr, NULL);
}

COMMAND(vm_deallocate, do_vm_deallocate, "vm", "remove all pages that a range touches",
    "Holes are allowed: twice is fine.\n"
    "  vm_deallocate t1 $a+4M 2M\n"
    "KERN_INVALID_ARGUMENT",
    ARG(MAP, "task"), ARG(NUM, "addr"), ARG(SIZE, "size"));

static int
do_vm_protect(struct cmd_ctx *c)
{
	kern_return_t kr;

	if (c->arg[3].given2)
		return cmd_usage(c, 3, "one protection at a time: set_max=1 sets the maximum");
	kr = vm_protect(c->arg[0].map, vm_address_u(c->arg[1].num), vm_size_u(c->arg[2].num),
	    c->arg[4].num != 0, (vm_prot_t)c->arg[3].num);
	return cmd_result(c, kr, NULL);
}

COMMAND(vm_protect, do_vm_protect, "vm", "change protection, or with set_max=1 the maximum",
    "The maximum only ever shrinks, and takes the current protection with it.\n"
    "  vm_protect t1 $a 4K r--\n"
    "  vm_protect t1 $a 64M rw- set_max=1\n"
    "KERN_PROTECTION_FAILURE (beyond the maximum), KERN_INVALID_ADDRESS (a hole),\n"
    "KERN_INVALID_ARGUMENT",
    ARG(MAP, "task"), ARG(NUM, "addr"), ARG(SIZE, "size"), ARG(PROT, "prot"), OPT(BOOL, "set_max", "0"));

static int
do_vm_inherit(struct cmd_ctx *c)
{
	kern_return_t kr = vm_inherit(c->arg[0].map, vm_address_u(c->arg[1].num),
	    vm_size_u(c->arg[2].num), (vm_inherit_t)c->arg[3].num);

	return cmd_result(c, kr, NULL);
}

COMMAND(vm_inherit, do_vm_inherit, "vm", "what a forked task gets of a range",
    "share: the same pages; copy: a copy (made lazily); none: a hole.\n"
    "  vm_inherit t1 $a 4M share\n"
    "KERN_INVALID_ARGUMENT",
    ARG(MAP, "task"), ARG(NUM, "addr"), ARG(SIZE, "size"), ARG(INHERIT, "inheritance"));

static int
do_vm_read(struct cmd_ctx *c)
{
	vm_map_t into = c->arg[c->arg[3].given ? 3 : 0].map;
	vm_address_ut data = vm_address_u(0);
	vm_size_ut count = vm_size_u(0);
	kern_return_t kr;

	kr = vm_read(c->arg[0].map, vm_address_u(c->arg[1].num), vm_size_u(c->arg[2].num), into,
	    &data, &count);
	return cmd_result(c, kr, "addr=0x%lx size=0x%lx", data.v, count.v);
}

COMMAND(vm_read, do_vm_read, "vm", "copy a range into new memory of a task",
    "The new memory is in the task `into` (the same task when not given), at $addr.\n"
    "  vm_read t1 $a 64K into=t2\n"
    "KERN_INVALID_ADDRESS, KERN_PROTECTION_FAILURE, KERN_NO_SPACE, KERN_RESOURCE_SHORTAGE",
    ARG(MAP, "task"), ARG(NUM, "addr"), ARG(SIZE, "size"), OPT(MAP, "into", ""));

static int
do_vm_read_overwrite(struct cmd_ctx *c)
{
	vm_map_t into = c->arg[c->arg[4].given ? 4 : 0].map;
	vm_size_ut count = vm_size_u(0);
	kern_return_t kr;

	kr = vm_read_overwrite(c->arg[0].map, vm_address_u(c->arg[1].num), vm_size_u(c->arg[2].num),
	    into, vm_address_u(c->arg[3].num), &count);
	return cmd_result(c, kr, "size=0x%lx", count.v);
}

COMMAND(vm_read_overwrite, do_vm_read_overwrite, "vm", "copy a range over memory of a task",
    "The destination is in the task `into` (the same task when not given).\n"
    "  vm_read_overwrite t1 $a 64K $b into=t2\n"
    "KERN_INVALID_ADDRESS, KERN_PROTECTION_FAILURE, KERN_RESOURCE_SHORTAGE",
    ARG(MAP, "task"), ARG(NUM, "addr"), ARG(SIZE, "size"), ARG(NUM, "data"), OPT(MAP, "into", ""));

static int
do_vm_write(struct cmd_ctx *c)
{
	vm_map_t from = c->arg[c->arg[4].given ? 4 : 0].map;
	kern_return_t kr;

	kr = vm_write(c->arg[0].map, vm_address_u(c->arg[1].num), from,
	    vm_address_u(c->arg[2].num), vm_size_u(c->arg[3].num));
	return cmd_result(c, kr, NULL);
}

COMMAND(vm_write, do_vm_write, "vm", "copy memory of a task over a range",
    "The data is in the task `from` (the same task when not given).\n"
    "  vm_write t1 $a $b 64K from=t2\n"
    "KERN_INVALID_ADDRESS, KERN_PROTECTION_FAILURE, KERN_RESOURCE_SHORTAGE",
    ARG(MAP, "task"), ARG(NUM, "addr"), ARG(NUM, "data"), ARG(SIZE, "size"), OPT(MAP, "from", ""));

static int
do_vm_copy(struct cmd_ctx *c)
{
	kern_return_t kr = vm_copy(c->arg[0].map, vm_address_u(c->arg[1].num),
	    vm_size_u(c->arg[2].num), vm_address_u(c->arg[3].num));

	return cmd_result(c, kr, NULL);
}

COMMAND(vm_copy, do_vm_copy, "vm", "copy a range over another of the same task",
    "Whole pages are copied lazily; overlap is allowed. The destination keeps its protection.\n"
    "  vm_copy t1 $a 2M $b\n"
    "KERN_INVALID_ADDRESS, KERN_PROTECTION_FAILURE, KERN_RESOURCE_SHORTAGE",
    ARG(MAP, "task"), ARG(NUM, "src"), ARG(SIZE, "size"), ARG(NUM, "dst"));

enum { MAP_TASK, MAP_ADDR, MAP_SIZE, MAP_MASK, MAP_ANYWHERE, MAP_OBJECT, MAP_OFFSET, MAP_COPY, MAP_CUR, MAP_MAX,
	MAP_INHERIT, MAP_TAG, MAP_OVERWRITE, MAP_FLAGS };

static int
do_vm_map(struct cmd_ctx *c)
{
	vm_address_ut addr = vm_address_u(c->arg[MAP_ADDR].num);
	struct vm_map_user_args a = {
		.size = vm_size_u(c->arg[MAP_SIZE].num),
		.mask = c->arg[MAP_MASK].num,
		.offset = vm_address_u(c->arg[MAP_OFFSET].num),
		.copy = c->arg[MAP_COPY].num != 0,
		.cur = (vm_prot_t)c->arg[MAP_CUR].num,
		.max = (vm_prot_t)c->arg[MAP_MAX].num,
		.inheritance = (vm_inherit_t)c->arg[MAP_INHERIT].num,
	};
	struct held *object = c->arg[MAP_OBJECT].held;
	kern_return_t kr;

	if (c->arg[MAP_TAG].num > 255)
		return cmd_usage(c, MAP_TAG, "tag: a number up to 255 is expected");
	if (object != NULL && object->kind != CMD_NAMED && object->kind != CMD_OBJECT)
		return cmd_usage(c, MAP_OBJECT, "object: a named entry or a memory object is expected");
	if (c->arg[MAP_CUR].given2 && !c->arg[MAP_MAX].given)
		a.max = (vm_prot_t)c->arg[MAP_CUR].num2;
	a.flags = VM_MAKE_TAG(c->arg[MAP_TAG].num) | (c->arg[MAP_FLAGS].given ? (uint32_t)c->arg[MAP_FLAGS].num :
	    (c->arg[MAP_ANYWHERE].num != 0 ? VM_FLAGS_ANYWHERE : VM_FLAGS_FIXED) |
	    (c->arg[MAP_OVERWRITE].num != 0 ? VM_FLAGS_OVERWRITE : 0));
	if (object != NULL && object->kind == CMD_NAMED)
		a.entry = object->named;
	else if (object != NULL)
		a.pager = object->object;
	/* Nothing said of rights: as much of the usual ones as the object gives. */
	if (object != NULL && !a.copy && !c->arg[MAP_CUR].given && !c->arg[MAP_MAX].given) {
		a.max &= a.entry != NULL ? a.entry->protection : a.pager->max_prot;
		a.cur &= a.max;
	}
	kr = vm_map_user(c->arg[MAP_TASK].map, &addr, &a);
	return cmd_result(c, kr, "addr=0x%lx size=0x%lx", addr.v, round_page(c->arg[MAP_SIZE].num));
}

COMMAND(vm_map, do_vm_map, "vm", "map memory, with everything Mach's call can say",
    "Zero-filled memory, or a named entry or memory object from offset on, at or above ADDR\n"
    "(anywhere=0: exactly there; flags=...: taken as they are). mask: bits that must be 0 in the\n"
    "address: 0x1fffff asks for a 2 MiB boundary. copy=1: a private copy. cur=rw-/rwx gives both\n"
    "protections; without cur and max an object is mapped with what it permits of rw-/rwx. A submap's\n"
    "tag=32 asks for shared page tables.\n"
    "  vm_map t1 0 4M mask=0x1fffff cur=r-- max=rw- inherit=none\n"
    "  vm_map t2 0 64K object=e1 offset=4K cur=r-- max=r--\n"
    "KERN_NO_SPACE, KERN_INVALID_ADDRESS, KERN_INVALID_ARGUMENT, KERN_RESOURCE_SHORTAGE; of an\n"
    "object: KERN_INVALID_RIGHT (more than a named entry gives), KERN_PROTECTION_FAILURE,\n"
    "KERN_INVALID_OBJECT, KERN_MEMORY_ERROR (its pager)",
    ARG(MAP, "task"), ARG(NUM, "addr"), ARG(SIZE, "size"), OPT(NUM, "mask", "0"), OPT(BOOL, "anywhere", "1"),
    OPT(HELD, "object", ""), OPT(NUM, "offset", "0"), OPT(BOOL, "copy", "0"), OPT(PROT, "cur", "rw-"),
    OPT(PROT, "max", "rwx"), OPT(INHERIT, "inherit", "copy"), OPT(NUM, "tag", "0"), OPT(BOOL, "overwrite", "0"),
    OPTW(FLAGS, "flags", "", map_flag_words));
