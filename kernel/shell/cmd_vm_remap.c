/*
 * cmd_vm_remap.c: vm_remap, vm_remap_new, and its two halves: vm_remap_extract, vm_remap_range_allocate.
 *
 * The source's protections are outputs: $cur and $max, the rights that every
 * piece of the new range has.
 */
#include <base/print.h>
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

static uint64_t
show_extracted(const struct vm_map_header *h)
{
	vm_map_entry_t e;
	uint64_t n = 0;

	for (e = h->links.next; (const void *)e != (const void *)&h->links; e = e->vme_next, n++) {
		kprintf("  entry 0x%lx to 0x%lx: %s/%s, inherit %s, ", e->vme_start, e->vme_end, vm_prot_name(e->protection),
		    vm_prot_name(e->max_protection), vm_inherit_name(e->inheritance));
		cmd_print_backing(e);
	}
	return n;
}

static int
do_extract(struct cmd_ctx *c)
{
	vm_offset_t addr = c->arg[1].num;
	vm_size_t size = c->arg[2].num;
	vm_prot_t cur = 0, max = 0;
	struct vm_map_header h;
	uint64_t entries;
	kern_return_t kr = cmd_map_range(&c->arg[0], addr, addr + size);

	if (kr == KERN_SUCCESS && (size == 0 || c->arg[4].num > VM_INHERIT_LAST_VALID))
		kr = KERN_FAIL(KERN_INVALID_ARGUMENT, "an empty range, or an inheritance that is none");
	if (kr == KERN_SUCCESS)
		kr = vm_remap_extract(c->arg[0].map, addr, size, c->arg[3].num != 0, &h, &cur, &max, (vm_inherit_t)c->arg[4].num,
		    true);
	if (kr != KERN_SUCCESS)
		return cmd_result(c, kr, NULL);
	entries = show_extracted(&h);
	vm_map_header_free(&h);
	return cmd_result(c, kr, "entries=%lu cur=%s max=%s", entries, vm_prot_name(cur), vm_prot_name(max));
}

COMMAND(vm_remap_extract, do_extract, "map", "the entries that vm_remap would make of a range",
    "They are shown and given up again; shared (copy=0), the source stays marked as shared.\n"
    "  vm_remap_extract t1 $a 4M\n"
    "KERN_INVALID_ADDRESS (a hole), KERN_RESOURCE_SHORTAGE, KERN_INVALID_ARGUMENT",
    ARG(MAP, "map"), ARG(NUM, "addr"), ARG(SIZE, "size"), OPT(BOOL, "copy", "0"), OPT(INHERIT, "inherit", "share"));

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
