/*
 * cmd_submap.c: windows of one map in another.
 *
 * A task's map is nobody's submap: it is run by harts and ends with its task.
 */
#include "held.h"

/* Rights, offset and inheritance of a window; a task's map is nobody's submap. */
static kern_return_t
check_window(const struct cmd_value *submap, const struct vm_map_enter_args *a)
{
	kern_return_t kr = cmd_map(submap);

	if (kr == KERN_SUCCESS)
		kr = cmd_rights(a->cur, a->max);
	if (kr == KERN_SUCCESS && cmd_is_task_map(submap->map))
		kr = KERN_FAIL(KERN_INVALID_ARGUMENT, "map %lu is a task's: it cannot be a submap", submap->map->id);
	if (kr == KERN_SUCCESS && (a->size == 0 || ((a->size | a->offset) & PAGE_MASK) != 0))
		kr = KERN_FAIL(KERN_INVALID_ARGUMENT, "0x%lx bytes at 0x%lx are not whole pages", a->size, a->offset);
	if (kr == KERN_SUCCESS && a->inheritance > VM_INHERIT_LAST_VALID)
		kr = KERN_FAIL(KERN_INVALID_ARGUMENT, "inheritance %u is not share, copy or none", a->inheritance);
	return kr;
}

static int
do_submap(struct cmd_ctx *c)
{
	vm_offset_t start = c->arg[1].num, end = c->arg[2].num, at = start;
	struct vm_map_enter_args place = {
		.size = end - start,
		.offset = c->arg[4].num,
		.cur = (vm_prot_t)c->arg[6].num,
		.max = (vm_prot_t)(c->arg[6].given2 ? c->arg[6].num2 : VM_PROT_ALL),
		.inheritance = (vm_inherit_t)c->arg[7].num,
	};
	bool placed = false;
	kern_return_t kr = cmd_map_range(&c->arg[0], start, end);

	if (kr == KERN_SUCCESS)
		kr = check_window(&c->arg[3], &place);
	if (kr != KERN_SUCCESS)
		return cmd_result(c, kr, NULL);
	place.offset = 0;
	place.object = vm_submap_object;
	vm_object_reference(vm_submap_object);
	placed = vm_map_enter(c->arg[0].map, &at, &place) == KERN_SUCCESS;
	if (!placed)
		vm_object_deallocate(vm_submap_object);
	kr = vm_map_submap(c->arg[0].map, start, end, c->arg[3].map, c->arg[4].num, c->arg[5].num != 0);
	if (kr != KERN_SUCCESS && placed)
		(void)vm_map_remove(c->arg[0].map, start, end, VM_MAP_NO_FLAGS);
	return cmd_result(c, kr, NULL);
}

COMMAND(vm_map_submap, do_submap, "map", "make [START, END) a window to a submap, from OFFSET on",
    "The placeholder that the call replaces is entered here, if the range is free; else it must\n"
    "be there (vm_map_enter object=placeholder). use_pmap=1: with the submap's page tables.\n"
    "  vm_map_create m1 0 64M;  vm_map_submap t1 0x40000000 0x44000000 m1 0\n"
    "KERN_INVALID_ARGUMENT (taken, outside the submap, a cycle, too deep), KERN_RESOURCE_SHORTAGE",
    ARG(MAP, "map"), ARG(NUM, "start"), ARG(NUM, "end"), ARG(MAP, "submap"), ARG(NUM, "offset"),
    OPT(BOOL, "use_pmap", "0"), OPT(PROT, "prot", "rw-"), OPT(INHERIT, "inherit", "share"));

enum { WINDOW_MAP, WINDOW_ADDR, WINDOW_SIZE, WINDOW_SUBMAP, WINDOW_OFFSET, WINDOW_USE_PMAP, WINDOW_NEEDS_COPY,
	WINDOW_MASK, WINDOW_FLAGS, WINDOW_CUR, WINDOW_MAX, WINDOW_INHERIT };

static int
do_enter_submap(struct cmd_ctx *c)
{
	vm_offset_t addr = c->arg[WINDOW_ADDR].num;
	struct vm_map_enter_args a = {
		.size = c->arg[WINDOW_SIZE].num,
		.mask = c->arg[WINDOW_MASK].num,
		.flags = (uint32_t)c->arg[WINDOW_FLAGS].num,
		.offset = c->arg[WINDOW_OFFSET].num,
		.needs_copy = c->arg[WINDOW_NEEDS_COPY].num != 0,
		.cur = (vm_prot_t)c->arg[WINDOW_CUR].num,
		.max = (vm_prot_t)c->arg[WINDOW_MAX].num,
		.inheritance = (vm_inherit_t)c->arg[WINDOW_INHERIT].num,
	};
	kern_return_t kr = cmd_map(&c->arg[WINDOW_MAP]);

	if (kr == KERN_SUCCESS)
		kr = check_window(&c->arg[WINDOW_SUBMAP], &a);
	if (kr == KERN_SUCCESS && (addr & PAGE_MASK) != 0)
		kr = KERN_FAIL(KERN_INVALID_ARGUMENT, "0x%lx is no page", addr);
	if (kr == KERN_SUCCESS)
		kr = vm_map_enter_submap(c->arg[WINDOW_MAP].map, &addr, &a, c->arg[WINDOW_SUBMAP].map,
		    c->arg[WINDOW_USE_PMAP].num != 0);
	return cmd_result(c, kr, "addr=0x%lx size=0x%lx", addr, a.size);
}

COMMAND(vm_map_enter_submap, do_enter_submap, "map", "place a window to a submap: placeholder and submap in one step",
    "needs_copy=1: what is written through it becomes a private copy.\n"
    "  vm_map_enter_submap t1 0 4M m1 0 needs_copy=1\n"
    "KERN_NO_SPACE, KERN_INVALID_ADDRESS, KERN_INVALID_ARGUMENT, KERN_RESOURCE_SHORTAGE",
    ARG(MAP, "map"), ARG(NUM, "addr"), ARG(SIZE, "size"), ARG(MAP, "submap"), ARG(NUM, "offset"),
    OPT(BOOL, "use_pmap", "0"), OPT(BOOL, "needs_copy", "0"), OPT(NUM, "mask", "0"),
    OPTW(FLAGS, "flags", "anywhere", map_flag_words), OPT(PROT, "cur", "rw-"), OPT(PROT, "max", "rwx"),
    OPT(INHERIT, "inherit", "share"));
