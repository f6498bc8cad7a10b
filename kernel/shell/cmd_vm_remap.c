/*
 * cmd_vm_remap.c: vm_remap, vm_remap_new, vm_remap_range_allocate.
 *
 * The source's protections are outputs: $cur and $max, the rights that every
 * piece of the new range has.
 */
#include <mm/vm_print.h>
#include <mm/vm_user.h>
#include "held.h"

enum { REMAP_TARGET, REMAP_ADDR, REMAP_SIZE, REMAP_SRC, REMAP_SRC_ADDR, REMAP_COPY, REMAP_MASK, REMAP_FLAGS,
	REMAP_INHERIT, REMAP_CUR, REMAP_MAX };

static int
remap(struct cmd_ctx *c, bool bounded)
{
	vm_address_ut addr = vm_address_u(c->arg[REMAP_ADDR].num);
	struct vm_remap_user_args a = {
		.size = vm_size_u(c->arg[REMAP_SIZE].num),
		.mask = c->arg[REMAP_MASK].num,
		.flags = (uint32_t)c->arg[REMAP_FLAGS].num,
		.src = c->arg[REMAP_SRC].map,
		.src_addr = vm_address_u(c->arg[REMAP_SRC_ADDR].num),
		.copy = c->arg[REMAP_COPY].num != 0,
		.bounded = bounded,
		.inheritance = (vm_inherit_t)c->arg[REMAP_INHERIT].num,
	};
	vm_prot_t cur = bounded ? (vm_prot_t)c->arg[REMAP_CUR].num : 0, max = bounded ? (vm_prot_t)c->arg[REMAP_MAX].num : 0;
	kern_return_t kr;

	if (bounded && c->arg[REMAP_CUR].given2 && !c->arg[REMAP_MAX].given)
		max = (vm_prot_t)c->arg[REMAP_CUR].num2;
	kr = vm_remap(c->arg[REMAP_TARGET].map, &addr, &a, &cur, &max);
	return cmd_result(c, kr, "addr=0x%lx size=0x%lx cur=%s max=%s", addr.v, round_page(c->arg[REMAP_SIZE].num),
	    vm_prot_name(cur), vm_prot_name(max));
}

static int
do_vm_remap(struct cmd_ctx *c)
{
	return remap(c, false);
}

#define REMAP_ARGS \
	ARG(MAP, "target"), ARG(NUM, "addr"), ARG(SIZE, "size"), ARG(MAP, "src"), ARG(NUM, "src_addr"), \
	OPT(BOOL, "copy", "0"), OPT(NUM, "mask", "0"), OPTW(FLAGS, "flags", "anywhere", map_flag_words), \
	OPT(INHERIT, "inherit", "share")

COMMAND(vm_remap, do_vm_remap, "vm", "map memory of a task once more, shared or copied, in any task",
    "At or above ADDR, or with flags=fixed exactly there. Sets $cur and $max, the rights that all\n"
    "of it has.\n"
    "  vm_remap t2 0 4M t1 $a\n"
    "  vm_remap t1 $b 64K t1 $a copy=1 flags=fixed|overwrite\n"
    "KERN_INVALID_ADDRESS (the source, or a place outside), KERN_NO_SPACE, KERN_INVALID_ARGUMENT,\n"
    "KERN_RESOURCE_SHORTAGE",
    REMAP_ARGS);

static int
do_vm_remap_new(struct cmd_ctx *c)
{
	return remap(c, true);
}

COMMAND(vm_remap_new, do_vm_remap_new, "vm", "vm_remap that says how many rights it wants",
    "cur=r--/rw- gives both. What the source lacks is refused.\n"
    "  vm_remap_new t2 0 64K t1 $a cur=r-- max=r--\n"
    "KERN_PROTECTION_FAILURE (the source lacks them), KERN_INVALID_ARGUMENT (cur beyond max), and\n"
    "those of vm_remap",
    REMAP_ARGS, OPT(PROT, "cur", "r--"), OPT(PROT, "max", "r--"));

static int
do_range_allocate(struct cmd_ctx *c)
{
	vm_map_t map = c->arg[0].map;
	vm_offset_t addr = c->arg[1].num;
	vm_size_t size = c->arg[2].num;
	vm_map_entry_t after = VM_MAP_ENTRY_NULL;
	uint64_t before = 0;
	kern_return_t kr = cmd_map(&c->arg[0]);

	if (kr == KERN_SUCCESS && (size == 0 || ((addr | size) & PAGE_MASK) != 0))
		kr = KERN_FAIL(KERN_INVALID_ARGUMENT, "0x%lx bytes at 0x%lx are not whole pages", size, addr);
	if (kr == KERN_SUCCESS && map->wait_for_space)
		kr = KERN_FAIL(KERN_INVALID_ARGUMENT, "map %lu waits for space: the shell cannot", map->id);
	if (kr != KERN_SUCCESS)
		return cmd_result(c, kr, NULL);
	vm_map_lock(map);
	kr = vm_remap_range_allocate(map, &addr, size, c->arg[3].num, (uint32_t)c->arg[4].num & VM_FLAGS_ANYWHERE, &after);
	if (kr == KERN_SUCCESS && after != vm_map_to_entry(map))
		before = after->vme_end;
	vm_map_unlock(map);
	return cmd_result(c, kr, "addr=0x%lx size=0x%lx after=0x%lx", addr, size, before);
}

COMMAND(vm_remap_range_allocate, do_range_allocate, "map", "the place that vm_remap would choose",
    "Nothing is entered. Sets $addr, and $after: the end of the entry in front of it (0: none).\n"
    "  vm_remap_range_allocate t1 0 4M mask=0x1fffff\n"
    "KERN_NO_SPACE, KERN_INVALID_ADDRESS, KERN_INVALID_ARGUMENT",
    ARG(MAP, "map"), ARG(NUM, "addr"), ARG(SIZE, "size"), OPT(NUM, "mask", "0"),
    OPTW(FLAGS, "flags", "anywhere", map_flag_words));
