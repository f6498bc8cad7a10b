/*
 * cmd_vm_region.c: what is mapped, as Mach's calls tell it: vm_region in all
 * flavors, vm_region_recurse.
 *
 * Each call tells of one entry. All its facts are outputs, so that scripts can
 * compare them.
 */
#include <string.h>
#include <mm/vm_print.h>
#include <mm/vm_user.h>
#include "held.h"

static const struct cmd_word flavor_words[] = {
	{ "basic", VM_REGION_BASIC_INFO }, { "extended", VM_REGION_EXTENDED_INFO }, { "top", VM_REGION_TOP_INFO },
	{ "basic_64", VM_REGION_BASIC_INFO_64 }, { "extended_new", VM_REGION_EXTENDED_INFO_NEW }, { NULL, 0 },
};

union region_info {
	struct vm_region_basic_info    basic;
	struct vm_region_extended_info extended;
	struct vm_region_top_info      top;
};

static int
extended_result(struct cmd_ctx *c, uint64_t addr, uint64_t size, const struct vm_region_extended_info *i)
{
	return cmd_result(c, KERN_SUCCESS, "addr=0x%lx size=0x%lx prot=%s tag=%u resident=%u shared_now_private=%u swapped_out=%u "
	    "referenced=%u dirtied=%u refs=%u depth=%u external=%u share=%s", addr, size, vm_prot_name(i->protection),
	    i->user_tag, i->pages_resident, i->pages_shared_now_private, i->pages_swapped_out, i->pages_referenced,
	    i->pages_dirtied, i->ref_count, i->shadow_depth, i->external_pager, vm_share_mode_name(i->share_mode));
}

static int
do_vm_region(struct cmd_ctx *c)
{
	vm_address_ut addr = vm_address_u(c->arg[1].num);
	vm_size_ut size = vm_size_u(0);
	uint32_t count = c->arg[3].given && c->arg[3].num < sizeof(union region_info) / 4 ? (uint32_t)c->arg[3].num :
	    sizeof(union region_info) / 4;
	union region_info i;
	kern_return_t kr;

	memset(&i, 0, sizeof(i));
	kr = vm_region(c->arg[0].map, &addr, &size, (int)c->arg[2].num, &i, &count);
	cmd_set_num("count", count);
	if (kr != KERN_SUCCESS)
		return cmd_result(c, kr, NULL);
	switch (c->arg[2].num) {
	case VM_REGION_EXTENDED_INFO:
	case VM_REGION_EXTENDED_INFO_NEW:
		return extended_result(c, addr.v, size.v, &i.extended);
	case VM_REGION_TOP_INFO:
		return cmd_result(c, kr, "addr=0x%lx size=0x%lx object=%u refs=%u private=%u shared=%u share=%s", addr.v, size.v,
		    i.top.obj_id, i.top.ref_count, i.top.private_pages_resident, i.top.shared_pages_resident,
		    vm_share_mode_name(i.top.share_mode));
	default:
		return cmd_result(c, kr, "addr=0x%lx size=0x%lx prot=%s max=%s inherit=%s shared=%u submap=%u "
		    "offset=0x%lx behavior=%u user_wired=%u", addr.v, size.v, vm_prot_name(i.basic.protection),
		    vm_prot_name(i.basic.max_protection), vm_inherit_name(i.basic.inheritance), i.basic.shared,
		    i.basic.reserved, i.basic.offset, i.basic.behavior, i.basic.user_wired_count);
	}
}

COMMAND(vm_region, do_vm_region, "vm", "the entry at or above an address",
    "One entry as the map holds it, not merged with neighbours: range and attributes, all as\n"
    "variables, too. flavor=extended counts its pages, top those of its object. count: words of\n"
    "room that the caller has.\n"
    "  vm_region t1 0;  assert $prot == rw-\n"
    "  vm_region t1 $a extended;  assert $share == cow\n"
    "KERN_INVALID_ADDRESS: nothing there or above; KERN_INVALID_ARGUMENT: flavor or count",
    ARG(MAP, "task"), ARG(NUM, "addr"), OPTW(ENUM, "flavor", "basic", flavor_words), OPT(NUM, "count", ""));

static int
do_recurse(struct cmd_ctx *c)
{
	vm_address_ut addr = vm_address_u(c->arg[1].num);
	vm_size_ut size = vm_size_u(0);
	uint32_t depth = c->arg[2].num < UINT32_MAX ? (uint32_t)c->arg[2].num : UINT32_MAX;
	struct vm_region_submap_info i;
	uint32_t count = sizeof(i) / 4;
	kern_return_t kr;

	memset(&i, 0, sizeof(i));
	kr = vm_region_recurse(c->arg[0].map, &addr, &size, &depth, &i, &count);
	if (kr != KERN_SUCCESS)
		return cmd_result(c, kr, NULL);
	return cmd_result(c, kr, "addr=0x%lx size=0x%lx depth=%u submap=%u prot=%s max=%s inherit=%s tag=%u offset=0x%lx "
	    "resident=%u dirtied=%u refs=%u share=%s object=%u behavior=%u user_wired=%u", addr.v, size.v, depth, i.is_submap,
	    vm_prot_name(i.protection), vm_prot_name(i.max_protection), vm_inherit_name(i.inheritance), i.user_tag, i.offset,
	    i.pages_resident, i.pages_dirtied, i.ref_count, vm_share_mode_name(i.share_mode), i.object_id, i.behavior,
	    i.user_wired_count);
}

COMMAND(vm_region_recurse, do_recurse, "vm", "the entry at or above an address, also inside submaps",
    "depth: levels of submaps that may be entered; $depth: levels that were. Addresses are the\n"
    "top map's, cut by every window passed. $submap is 1 where it stopped at a submap.\n"
    "  vm_region_recurse t1 $a depth=2\n"
    "KERN_INVALID_ADDRESS: nothing there or above; KERN_INVALID_ARGUMENT",
    ARG(MAP, "task"), ARG(NUM, "addr"), OPT(NUM, "depth", "8"));
