/*
 * cmd_map.c: maps as such: making, forking, references, residence, versions.
 *
 * A map is held under a name by one reference: a new one, a fork of a task's,
 * or one more on a task's own, which then outlives the task (empty).
 */
#include <mm/vm_print.h>
#include <mm/vm_user.h>
#include "held.h"

/* --- life --- */

static int
made(struct cmd_ctx *c, kern_return_t kr, struct held *h, vm_map_t map)
{
	kr = held_keep(h, kr, map);
	return cmd_result(c, kr, "name=%s map=%lu refs=%u", kr == KERN_SUCCESS ? h->name : "",
	    kr == KERN_SUCCESS ? map->id : 0, kr == KERN_SUCCESS ? map->ref_count : 0);
}

static int
do_create(struct cmd_ctx *c)
{
	vm_offset_t min = c->arg[1].num, max = c->arg[2].num;
	bool page_tables = c->arg[3].num != 0;
	vm_map_t map = VM_MAP_NULL;
	pmap_t pmap = PMAP_NULL;
	struct held *h;
	kern_return_t kr = KERN_SUCCESS;

	if (((min | max) & PAGE_MASK) != 0 || min >= max || max > vm_max_address)
		kr = KERN_FAIL(KERN_INVALID_ARGUMENT, "0x%lx to 0x%lx is not whole pages below 0x%lx", min, max, vm_max_address);
	if (kr == KERN_SUCCESS)
		kr = held_new(CMD_MAP, c->arg[0].word, &h);
	if (kr != KERN_SUCCESS)
		return cmd_result(c, kr, NULL);
	if (page_tables)
		pmap = pmap_create();
	if (!page_tables || pmap != PMAP_NULL)
		map = vm_map_create(pmap, min, max, true);
	if (map == VM_MAP_NULL) {
		if (pmap != PMAP_NULL)
			pmap_destroy(pmap);
		kr = KERN_FAIL(KERN_RESOURCE_SHORTAGE, "no memory for a map");
	}
	return made(c, kr, h, map);
}

COMMAND(vm_map_create, do_create, "map", "an empty map [MIN, MAX), to be a submap",
    "Without page tables of its own (page_tables=1: with), so nobody can run in it.\n"
    "  vm_map_create m1 0 64M;  vm_allocate m1 4M\n"
    "KERN_INVALID_ARGUMENT, KERN_RESOURCE_SHORTAGE, KERN_NAME_EXISTS",
    ARG(NEW, "name"), ARG(NUM, "min"), ARG(NUM, "max"), OPT(BOOL, "page_tables", "0"));

static int
do_fork(struct cmd_ctx *c)
{
	vm_map_t map = VM_MAP_NULL;
	struct held *h;
	kern_return_t kr = cmd_map(&c->arg[0]);

	if (kr == KERN_SUCCESS)
		kr = held_new(CMD_MAP, c->arg[1].word, &h);
	if (kr != KERN_SUCCESS)
		return cmd_result(c, kr, NULL);
	map = vm_map_fork(c->arg[0].map);
	if (map == VM_MAP_NULL)
		kr = KERN_FAIL(KERN_RESOURCE_SHORTAGE, "no memory for a map that inherits");
	return made(c, kr, h, map);
}

COMMAND(vm_map_fork, do_fork, "map", "a map that inherits, without a task around it",
    "Entry by entry, as vm_inherit has it. (`task fork` makes a task with such a map.)\n"
    "  vm_map_fork t1 name=m1;  show map m1\n"
    "KERN_RESOURCE_SHORTAGE, KERN_NAME_EXISTS",
    ARG(MAP, "map"), OPT(NEW, "name", ""));

static int
reference(struct cmd_ctx *c, void (*take)(vm_map_t), bool resident)
{
	struct held *h;
	kern_return_t kr = cmd_map(&c->arg[0]);

	if (kr == KERN_SUCCESS)
		kr = held_new(CMD_MAP, c->arg[1].word, &h);
	if (kr != KERN_SUCCESS)
		return cmd_result(c, kr, NULL);
	take(c->arg[0].map);
	h->resident = resident;
	return made(c, kr, h, c->arg[0].map);
}

static int
do_reference(struct cmd_ctx *c)
{
	return reference(c, vm_map_reference, false);
}

COMMAND(vm_map_reference, do_reference, "map", "one more reference on a map, under a name",
    "The map lives on when its task has ended, though empty.\n"
    "  vm_map_reference t1 name=m1\n"
    "KERN_RESOURCE_SHORTAGE, KERN_NAME_EXISTS",
    ARG(MAP, "map"), OPT(NEW, "name", ""));

static int
do_reference_swap(struct cmd_ctx *c)
{
	return reference(c, vm_map_reference_swap, true);
}

COMMAND(vm_map_reference_swap, do_reference_swap, "map", "a reference that also keeps the map resident",
    "A map that was swapped out comes in. Both are given up with the name.\n"
    "  vm_map_reference_swap t1 name=m1\n"
    "KERN_RESOURCE_SHORTAGE, KERN_NAME_EXISTS",
    ARG(MAP, "map"), OPT(NEW, "name", ""));

static int
do_deallocate(struct cmd_ctx *c)
{
	if (c->arg[0].held->kind != CMD_MAP)
		return cmd_usage(c, 0, "the name of a map is expected (see `show names`)");
	return cmd_drop(c);
}

COMMAND(vm_map_deallocate, do_deallocate, "map", "give a reference on a map up, and its name",
    "With the last one the map is destroyed.",
    ARG(HELD, "name"));

static int
counts(struct cmd_ctx *c, kern_return_t kr, vm_map_t map)
{
	return cmd_result(c, kr, "refs=%u resident=%u in=%u", map->ref_count, map->res_count, map->sw_in);
}

static int
do_res_reference(struct cmd_ctx *c)
{
	vm_map_t map = c->arg[0].map;
	kern_return_t kr = cmd_map(&c->arg[0]);

	if (kr != KERN_SUCCESS)
		return cmd_result(c, kr, NULL);
	spin_lock(&map->s_lock);
	if (map->res_count >= map->ref_count)
		kr = KERN_FAIL(KERN_INVALID_ARGUMENT, "every one of its %u references keeps it resident", map->ref_count);
	else
		vm_map_res_reference(map);
	spin_unlock(&map->s_lock);
	return counts(c, kr, map);
}

COMMAND(vm_map_res_reference, do_res_reference, "map", "one more of a map's references keeps it resident",
    "The first one swaps it in. Sets $refs, $resident (references that do), $in.\n"
    "KERN_INVALID_ARGUMENT: all do",
    ARG(MAP, "map"));

static int
do_res_deallocate(struct cmd_ctx *c)
{
	vm_map_t map = c->arg[0].map;
	kern_return_t kr = cmd_map(&c->arg[0]);

	if (kr != KERN_SUCCESS)
		return cmd_result(c, kr, NULL);
	spin_lock(&map->s_lock);
	if (map->res_count == 0)
		kr = KERN_FAIL(KERN_INVALID_ARGUMENT, "none of its references keeps it resident");
	else
		vm_map_res_deallocate(map);
	spin_unlock(&map->s_lock);
	return counts(c, kr, map);
}

COMMAND(vm_map_res_deallocate, do_res_deallocate, "map", "one reference less keeps the map resident",
    "The last one swaps it out: its leaves go, and come back by fault. Sets $refs $resident $in.\n"
    "  vm_map_res_deallocate t1;  show pmap t1;  vm_map_res_reference t1\n"
    "KERN_INVALID_ARGUMENT: none did",
    ARG(MAP, "map"));

static int
swap(struct cmd_ctx *c, void (*fn)(vm_map_t))
{
	kern_return_t kr = cmd_map(&c->arg[0]);

	if (kr != KERN_SUCCESS)
		return cmd_result(c, kr, NULL);
	fn(c->arg[0].map);
	return counts(c, kr, c->arg[0].map);
}

static int
do_swapin(struct cmd_ctx *c)
{
	return swap(c, vm_map_swapin);
}

COMMAND(vm_map_swapin, do_swapin, "map", "bring a map in, if it has a residence reference and is out",
    "Does nothing otherwise. Sets $refs $resident $in.",
    ARG(MAP, "map"));

static int
do_swapout(struct cmd_ctx *c)
{
	return swap(c, vm_map_swapout);
}

COMMAND(vm_map_swapout, do_swapout, "map", "take a map out, if it has no residence reference and is in",
    "Does nothing otherwise. Sets $refs $resident $in.",
    ARG(MAP, "map"));

/* --- versions --- */

static int
do_version(struct cmd_ctx *c)
{
	vm_map_t map = cmd_map_to_show(&c->arg[0]);
	uint64_t version;

	vm_map_lock_read(map);
	version = map->timestamp;
	vm_map_unlock_read(map);
	return cmd_result(c, KERN_SUCCESS, "version=%lu", version);
}

COMMAND(vm_map_version, do_version, "map", "the map's version, to be verified later",
    "  vm_map_version t1;  set v $version;  vm_map_verify t1 $v",
    ARG(MAP, "map"));

static int
do_verify(struct cmd_ctx *c)
{
	vm_map_t map = cmd_map_to_show(&c->arg[0]);
	vm_map_version_t version = { c->arg[1].num };
	bool same = vm_map_verify(map, &version);

	if (same)
		vm_map_verify_done(map);
	return cmd_result(c, KERN_SUCCESS, "same=%u", same);
}

COMMAND(vm_map_verify, do_verify, "map", "has nobody changed the map since that version?",
    "Sets $same.",
    ARG(MAP, "map"), ARG(NUM, "version"));
