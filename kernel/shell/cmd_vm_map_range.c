/*
 * cmd_vm_map_range.c: FreeBSD's operations on ranges: vm_map_madvise,
 * vm_map_sync, vm_map_lookup, vm_map_range_valid, vm_map_check_boundary.
 *
 * Those that have a namesake of Mach's are a form of that command
 * (cmd_map_entry.c: vm_map_protect, vm_map_inherit; cmd_vm_range.c: vm_map_wire,
 * vm_map_unwire), chosen by their arguments.
 */
#include <mm/vm_map_range.h>
#include <mm/vm_print.h>
#include <mm/vm_user.h>
#include "held.h"

static const struct cmd_word advice_words[] = {
	{ "normal", MADV_NORMAL }, { "random", MADV_RANDOM }, { "sequential", MADV_SEQUENTIAL },
	{ "willneed", MADV_WILLNEED }, { "dontneed", MADV_DONTNEED }, { "free", MADV_FREE }, { "nosync", MADV_NOSYNC },
	{ "autosync", MADV_AUTOSYNC }, { "nocore", MADV_NOCORE }, { "core", MADV_CORE }, { NULL, 0 },
};
static const struct cmd_word access_words[] = {
	{ "none", VM_PROT_NONE }, { "read", VM_PROT_READ }, { "write", VM_PROT_WRITE }, { "execute", VM_PROT_EXECUTE },
	{ "copy", VM_PROT_COPY }, { "fault", VM_PROT_FAULT_LOOKUP }, { NULL, 0 },
};

static int
do_madvise(struct cmd_ctx *c)
{
	uint64_t advice = c->arg[3].num;
	kern_return_t kr = cmd_map(&c->arg[0]);

	if (kr == KERN_SUCCESS)
		kr = vm_map_madvise_user(c->arg[0].map, vm_address_u(c->arg[1].num), vm_address_u(c->arg[2].num),
		    advice > UINT32_MAX ? UINT32_MAX : (uint32_t)advice);
	return cmd_result(c, kr, NULL);
}

COMMAND(vm_map_madvise, do_madvise, "map", "advice about [START, END), as FreeBSD takes it",
    "Kept by the entries: normal, random, sequential; nosync or autosync; nocore or core (show map\n"
    "tells). Done at once: willneed; dontneed (contents stay); free (contents may go, unless older\n"
    "ones would show). Holes and submaps are passed over.\n"
    "  vm_map_madvise t1 $a $a+64K free\n"
    "KERN_INVALID_ARGUMENT (no such advice, not whole pages), KERN_RESOURCE_SHORTAGE",
    ARG(MAP, "map"), ARG(NUM, "start"), ARG(NUM, "end"), ARGW(ENUM, "behav", advice_words));

static int
do_sync(struct cmd_ctx *c)
{
	kern_return_t kr = cmd_map(&c->arg[0]);

	if (kr == KERN_SUCCESS)
		kr = vm_map_sync_user(c->arg[0].map, vm_address_u(c->arg[1].num), vm_address_u(c->arg[2].num),
		    c->arg[3].num != 0, c->arg[4].num != 0);
	return cmd_result(c, kr, NULL);
}

COMMAND(vm_map_sync, do_sync, "map", "write changed pages of [START, END) back to their pagers",
    "syncio: waits for that; invalidate: drops the pages. START equal to END: the whole entry there.\n"
    "  vm_map_sync t1 $a $a+64K 1 0\n"
    "KERN_INVALID_ADDRESS (a hole), KERN_INVALID_ARGUMENT (invalidate, and the user has wired\n"
    "something; not whole pages), KERN_FAILURE (a pager has failed), KERN_RESOURCE_SHORTAGE",
    ARG(MAP, "map"), ARG(NUM, "start"), ARG(NUM, "end"), OPT(BOOL, "syncio", "1"), OPT(BOOL, "invalidate", "0"));

static int
do_lookup(struct cmd_ctx *c)
{
	const vm_prot_t known = VM_PROT_ALL | VM_PROT_COPY | VM_PROT_FAULT_LOOKUP;
	vm_map_t map = c->arg[0].map;
	struct vm_map_lookup l;
	uint64_t in, object, start, end, lo;
	kern_return_t kr = cmd_map(&c->arg[0]);

	if (kr == KERN_SUCCESS && (c->arg[2].num & ~(uint64_t)known))
		kr = KERN_FAIL(KERN_INVALID_ARGUMENT, "type 0x%lx has unknown bits", c->arg[2].num);
	if (kr == KERN_SUCCESS)
		kr = vm_map_lookup(map, c->arg[1].num, (vm_prot_t)c->arg[2].num, &l);
	if (kr != KERN_SUCCESS)
		return cmd_result(c, kr, NULL);
	in = l.map->id;
	object = l.object->id;
	start = l.entry->vme_start;
	end = l.entry->vme_end;
	lo = l.offset >> PAGE_SHIFT;
	vm_map_lookup_done(map, &l);
	return cmd_result(c, kr, "map=%lu start=0x%lx end=0x%lx object=%lu pindex=%lu prot=%s wired=%u", in, start, end, object,
	    lo, vm_prot_name(l.prot), l.wired);
}

COMMAND(vm_map_lookup, do_lookup, "map", "the object and page behind an address, for an access",
    "What FreeBSD's fault handler asks: $map and its entry [$start, $end), $object, $pindex (the page\n"
    "in it), $prot that may be granted now, $wired. A write makes the copy that was put off; copy does\n"
    "so for a debugger; fault lets a stack grow. (vm_map_lookup_locked: Mach's.)\n"
    "  vm_map_lookup t1 $a write;  assert $prot == rw-\n"
    "KERN_INVALID_ADDRESS, KERN_PROTECTION_FAILURE (or no right at all), KERN_FAILURE (copy in a\n"
    "submap), KERN_RESOURCE_SHORTAGE, KERN_MEMORY_ERROR, KERN_INVALID_ARGUMENT",
    ARG(MAP, "map"), ARG(NUM, "vaddr"), OPTW(FLAGS, "fault_type", "read", access_words));

static int
do_range_valid(struct cmd_ctx *c)
{
	kern_return_t kr = cmd_map(&c->arg[0]);
	bool valid = kr == KERN_SUCCESS &&
	    vm_map_range_valid_user(c->arg[0].map, vm_address_u(c->arg[1].num), vm_address_u(c->arg[2].num));

	return cmd_result(c, kr, "valid=%u", valid);
}

COMMAND(vm_map_range_valid, do_range_valid, "map", "is [START, END) within the map's addresses, and not empty?",
    "Sets $valid. Whether anything is mapped there does not matter.\n"
    "  vm_map_range_valid t1 0x10000 0x20000;  assert $valid == 1",
    ARG(MAP, "map"), ARG(NUM, "start"), ARG(NUM, "end"));
COMMAND(vm_map_check_boundary, do_range_valid, "map", "the older name of vm_map_range_valid",
    "Sets $valid.",
    ARG(MAP, "map"), ARG(NUM, "start"), ARG(NUM, "end"));
