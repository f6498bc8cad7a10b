/*
 * cmd_map.c: maps from inside: life, entries, submaps.
 *
 * The calls that the kernel's parts make among themselves, which trust their
 * caller. What they take for granted (whole pages, free ranges, rights in
 * order) is checked here and refused with KERN_INVALID_ARGUMENT.
 *
 * A map is held under a name by one reference: a new one, a fork of a task's,
 * or one more on a task's own, which then outlives the task (empty).
 */
#include <string.h>
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
	held_drop(c->arg[0].held);
	return cmd_result(c, KERN_SUCCESS, NULL);
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

/* --- entries --- */

static int
do_lookup_entry(struct cmd_ctx *c)
{
	vm_map_t map = cmd_map_to_show(&c->arg[0]);
	vm_offset_t start = 0, end = 0;
	vm_map_entry_t e;
	bool found;

	vm_map_lock_read(map);
	found = vm_map_lookup_entry(map, c->arg[1].num, &e);
	if (e != vm_map_to_entry(map)) {
		start = e->vme_start;
		end = e->vme_end;
	}
	vm_map_unlock_read(map);
	return cmd_result(c, KERN_SUCCESS, "found=%u start=0x%lx end=0x%lx", found, start, end);
}

COMMAND(vm_map_lookup_entry, do_lookup_entry, "map", "the entry that holds an address, or the one before it",
    "$found says which; $start $end: its range, both 0: there is none before.\n"
    "  vm_map_lookup_entry t1 $a",
    ARG(MAP, "map"), ARG(NUM, "addr"));

static int
do_first_free(struct cmd_ctx *c)
{
	vm_map_t map = cmd_map_to_show(&c->arg[0]);
	vm_offset_t addr;
	vm_map_entry_t e;

	vm_map_lock_read(map);
	e = vm_map_first_free(map);
	addr = e == vm_map_to_entry(map) ? vm_map_min(map) : e->vme_end;
	vm_map_unlock_read(map);
	return cmd_result(c, KERN_SUCCESS, "addr=0x%lx", addr);
}

COMMAND(vm_map_first_free, do_first_free, "map", "where the first hole of a map begins",
    "Sets $addr: the end of the entry before it, or the map's minimum.",
    ARG(MAP, "map"));

static int
do_check_protection(struct cmd_ctx *c)
{
	kern_return_t kr = cmd_map_range(&c->arg[0], c->arg[1].num, c->arg[2].num);
	bool allowed = false;

	if (kr == KERN_SUCCESS)
		allowed = vm_map_check_protection(c->arg[0].map, c->arg[1].num, c->arg[2].num, (vm_prot_t)c->arg[3].num);
	return cmd_result(c, kr, "allowed=%u", allowed);
}

COMMAND(vm_map_check_protection, do_check_protection, "map", "does all of [START, END) allow these rights?",
    "Sets $allowed; a hole allows nothing.",
    ARG(MAP, "map"), ARG(NUM, "start"), ARG(NUM, "end"), ARG(PROT, "prot"));

static int
do_simplify(struct cmd_ctx *c)
{
	kern_return_t kr = cmd_map(&c->arg[0]);

	if (kr == KERN_SUCCESS)
		vm_map_simplify(c->arg[0].map, c->arg[1].num);
	return cmd_result(c, kr, NULL);
}

COMMAND(vm_map_simplify, do_simplify, "map", "merge the entry at an address with equal neighbours",
    "  vm_map_clip t1 $a+4K;  vm_map_simplify t1 $a+4K",
    ARG(MAP, "map"), ARG(NUM, "addr"));

static int
do_clip(struct cmd_ctx *c)
{
	kern_return_t kr = cmd_map_range(&c->arg[0], c->arg[1].num, c->arg[1].num);

	if (kr == KERN_SUCCESS)
		kr = vm_map_clip(c->arg[0].map, c->arg[1].num);
	return cmd_result(c, kr, NULL);
}

COMMAND(vm_map_clip, do_clip, "map", "cut the entry that holds an address in two there",
    "Nothing else changes: both pieces map what the whole did.\n"
    "  vm_map_clip t1 $a+4K;  show map t1\n"
    "KERN_INVALID_ADDRESS: not mapped; KERN_INVALID_ARGUMENT; KERN_RESOURCE_SHORTAGE",
    ARG(MAP, "map"), ARG(NUM, "addr"));

enum { ENTER_MAP, ENTER_ADDR, ENTER_SIZE, ENTER_MASK, ENTER_FLAGS, ENTER_OBJECT, ENTER_OFFSET, ENTER_NEEDS_COPY,
	ENTER_CUR, ENTER_MAX, ENTER_INHERIT };

/*
 * The object to enter, with a reference that vm_map_enter consumes: a memory
 * object's, a named entry's, or with "new" a fresh one. Rights and extent are
 * checked as vm_map checks them; a symmetric copy is only made of the fresh one.
 */
static kern_return_t
object_to_enter(const struct cmd_value *v, struct vm_map_enter_args *a)
{
	struct held *h = held_find(CMD_HELD, v->word);
	bool pager = h != NULL && h->kind == CMD_OBJECT;
	vm_prot_t prot;
	vm_size_t limit;

	if (h == NULL || (!pager && (h->kind != CMD_NAMED || h->named->type != NAMED_OBJECT)))
		return KERN_FAIL(KERN_INVALID_ARGUMENT, "object: new, a memory object or a named entry of an object is expected");
	prot = pager ? h->object->max_prot : h->named->protection;
	limit = pager ? h->object->size : h->named->size;
	if (a->max & ~prot)
		return KERN_FAIL(KERN_PROTECTION_FAILURE, "maximum %s: the object gives %s", vm_prot_name(a->max), vm_prot_name(prot));
	if (a->offset > limit || a->size > limit - a->offset)
		return KERN_FAIL(KERN_INVALID_ARGUMENT, "0x%lx bytes at 0x%lx of 0x%lx", a->size, a->offset, limit);
	if (a->needs_copy)
		return KERN_FAIL(KERN_INVALID_ARGUMENT, "needs_copy is for new objects: vm_map copy=1 copies others");
	if (pager)
		return memory_object_map(h->object, &a->object);
	a->object = h->named->backing.object;
	a->offset += h->named->offset;
	vm_object_reference(a->object);
	return KERN_SUCCESS;
}

static int
do_enter(struct cmd_ctx *c)
{
	const struct cmd_value *object = &c->arg[ENTER_OBJECT];
	vm_offset_t addr = c->arg[ENTER_ADDR].num;
	struct vm_map_enter_args a = {
		.size = c->arg[ENTER_SIZE].num,
		.mask = c->arg[ENTER_MASK].num,
		.flags = (uint32_t)c->arg[ENTER_FLAGS].num,
		.offset = c->arg[ENTER_OFFSET].num,
		.needs_copy = c->arg[ENTER_NEEDS_COPY].num != 0,
		.cur = (vm_prot_t)c->arg[ENTER_CUR].num,
		.max = (vm_prot_t)c->arg[ENTER_MAX].num,
		.inheritance = (vm_inherit_t)c->arg[ENTER_INHERIT].num,
	};
	kern_return_t kr = cmd_map(&c->arg[ENTER_MAP]);

	if (kr == KERN_SUCCESS)
		kr = cmd_rights(a.cur, a.max);
	if (kr == KERN_SUCCESS && (a.size == 0 || ((addr | a.size | a.offset) & PAGE_MASK) != 0))
		kr = KERN_FAIL(KERN_INVALID_ARGUMENT, "0x%lx bytes at 0x%lx, offset 0x%lx: not whole pages", a.size, addr, a.offset);
	if (kr == KERN_SUCCESS && a.inheritance > VM_INHERIT_LAST_VALID)
		kr = KERN_FAIL(KERN_INVALID_ARGUMENT, "inheritance %u is not share, copy or none", a.inheritance);
	if (kr == KERN_SUCCESS && !object->given && (a.needs_copy || a.offset != 0))
		kr = KERN_FAIL(KERN_INVALID_ARGUMENT, "without an object there is nothing to copy, and no offset");
	if (kr == KERN_SUCCESS && object->given && strcmp(object->word, "placeholder") == 0) {
		a.object = vm_submap_object;
		a.offset = 0;
		vm_object_reference(a.object);
	} else if (kr == KERN_SUCCESS && object->given && strcmp(object->word, "new") == 0) {
		a.object = a.offset + a.size >= a.size ? vm_object_allocate(a.offset + a.size, addr) : VM_OBJECT_NULL;
		kr = a.object != VM_OBJECT_NULL ? KERN_SUCCESS : KERN_FAIL(KERN_RESOURCE_SHORTAGE, "no memory for an object");
	} else if (kr == KERN_SUCCESS && object->given) {
		kr = object_to_enter(object, &a);
	}
	if (kr == KERN_SUCCESS) {
		kr = vm_map_enter(c->arg[ENTER_MAP].map, &addr, &a);
		if (kr != KERN_SUCCESS)
			vm_object_deallocate(a.object);
	}
	return cmd_result(c, kr, "addr=0x%lx size=0x%lx", addr, a.size);
}

COMMAND(vm_map_enter, do_enter, "map", "a new entry, as the map layer makes it",
    "Whole pages. object=new is a fresh object (its number then shows in `show map`), placeholder\n"
    "what vm_map_submap replaces; a memory object or a named entry is mapped from offset on.\n"
    "  vm_map_enter t1 0x10000 64K flags=fixed object=new\n"
    "KERN_NO_SPACE, KERN_INVALID_ADDRESS, KERN_INVALID_ARGUMENT, KERN_RESOURCE_SHORTAGE,\n"
    "KERN_PROTECTION_FAILURE",
    ARG(MAP, "map"), ARG(NUM, "addr"), ARG(SIZE, "size"), OPT(NUM, "mask", "0"),
    OPTW(FLAGS, "flags", "anywhere", map_flag_words), OPT(WORD, "object", ""), OPT(NUM, "offset", "0"),
    OPT(BOOL, "needs_copy", "0"), OPT(PROT, "cur", "rw-"), OPT(PROT, "max", "rwx"), OPT(INHERIT, "inherit", "copy"));

static int
do_find_space(struct cmd_ctx *c)
{
	vm_map_t map = c->arg[0].map;
	vm_size_t size = c->arg[1].num;
	vm_map_entry_t entry;
	vm_offset_t addr = 0;
	kern_return_t kr = cmd_map(&c->arg[0]);

	if (kr == KERN_SUCCESS && (size == 0 || (size & PAGE_MASK) != 0))
		kr = KERN_FAIL(KERN_INVALID_ARGUMENT, "0x%lx bytes are not whole pages", size);
	if (kr == KERN_SUCCESS)
		kr = vm_map_find_space(map, &addr, size, c->arg[2].num, &entry);
	if (kr == KERN_SUCCESS)
		vm_map_unlock(map);
	return cmd_result(c, kr, "addr=0x%lx size=0x%lx", addr, size);
}

COMMAND(vm_map_find_space, do_find_space, "map", "find and take a place, without an object",
    "  vm_map_find_space t1 64K mask=0xffff\n"
    "KERN_NO_SPACE, KERN_RESOURCE_SHORTAGE, KERN_INVALID_ARGUMENT",
    ARG(MAP, "map"), ARG(SIZE, "size"), OPT(NUM, "mask", "0"));

/* The entry after which [start, end) is free; write lock held. NULL: it is not. */
static vm_map_entry_t
free_after(vm_map_t map, vm_offset_t start, vm_offset_t end)
{
	vm_map_entry_t after;

	if (vm_map_lookup_entry(map, start, &after))
		return VM_MAP_ENTRY_NULL;
	if (after->vme_next != vm_map_to_entry(map) && after->vme_next->vme_start < end)
		return VM_MAP_ENTRY_NULL;
	return after;
}

static int
do_entry_insert(struct cmd_ctx *c)
{
	vm_offset_t start = c->arg[1].num, end = c->arg[2].num;
	struct vm_map_entry e = {
		.links = { .start = start, .end = end },
		.protection = c->arg[3].num & VM_PROT_ALL,
		.max_protection = c->arg[4].num & VM_PROT_ALL,
		.inheritance = c->arg[5].num & 3,
		.behavior = c->arg[6].num & 3,
		.alias = c->arg[7].num & 255,
	};
	vm_map_t map = c->arg[0].map;
	vm_map_entry_t after;
	kern_return_t kr = cmd_map_range(&c->arg[0], start, end);

	if (kr == KERN_SUCCESS)
		kr = cmd_rights((vm_prot_t)c->arg[3].num, (vm_prot_t)c->arg[4].num);
	if (kr == KERN_SUCCESS && (start == end || c->arg[5].num > VM_INHERIT_LAST_VALID ||
	    c->arg[6].num > VM_BEHAVIOR_STORED_LAST || c->arg[7].num > 255))
		kr = KERN_FAIL(KERN_INVALID_ARGUMENT, "an empty range, or a value that no entry holds");
	if (kr != KERN_SUCCESS)
		return cmd_result(c, kr, NULL);
	vm_map_lock(map);
	after = free_after(map, start, end);
	if (after == VM_MAP_ENTRY_NULL)
		kr = KERN_FAIL(KERN_NO_SPACE, "0x%lx to 0x%lx is taken", start, end);
	else if (vm_map_entry_insert(map, after, &e) == VM_MAP_ENTRY_NULL)
		kr = KERN_FAIL(KERN_RESOURCE_SHORTAGE, "no memory for an entry");
	vm_map_unlock(map);
	return cmd_result(c, kr, "addr=0x%lx size=0x%lx", start, end - start);
}

COMMAND(vm_map_entry_insert, do_entry_insert, "map", "link a zero-filled entry, not merged with its neighbours",
    "  vm_map_entry_insert t1 0x10000 0x20000 cur=r-- behavior=2\n"
    "KERN_NO_SPACE, KERN_INVALID_ARGUMENT, KERN_RESOURCE_SHORTAGE",
    ARG(MAP, "map"), ARG(NUM, "start"), ARG(NUM, "end"), OPT(PROT, "cur", "rw-"), OPT(PROT, "max", "rwx"),
    OPT(INHERIT, "inherit", "copy"), OPT(NUM, "behavior", "0"), OPT(NUM, "tag", "0"));

static int
do_protect(struct cmd_ctx *c)
{
	kern_return_t kr = cmd_map_range(&c->arg[0], c->arg[1].num, c->arg[2].num);

	if (kr == KERN_SUCCESS)
		kr = cmd_rights((vm_prot_t)c->arg[3].num & ~VM_PROT_COPY, VM_PROT_ALL);
	if (kr == KERN_SUCCESS)
		kr = vm_map_protect(c->arg[0].map, c->arg[1].num, c->arg[2].num, (vm_prot_t)c->arg[3].num, c->arg[4].num != 0);
	return cmd_result(c, kr, NULL);
}

COMMAND(vm_map_protect, do_protect, "map", "vm_protect of [START, END)",
    "KERN_PROTECTION_FAILURE, KERN_INVALID_ADDRESS, KERN_INVALID_ARGUMENT, KERN_RESOURCE_SHORTAGE",
    ARG(MAP, "map"), ARG(NUM, "start"), ARG(NUM, "end"), ARG(PROT, "prot"), OPT(BOOL, "set_max", "0"));

static int
do_inherit(struct cmd_ctx *c)
{
	kern_return_t kr = cmd_map_range(&c->arg[0], c->arg[1].num, c->arg[2].num);

	if (kr == KERN_SUCCESS && c->arg[3].num > VM_INHERIT_LAST_VALID)
		kr = KERN_FAIL(KERN_INVALID_ARGUMENT, "inheritance %lu is not share, copy or none", c->arg[3].num);
	if (kr == KERN_SUCCESS)
		kr = vm_map_inherit(c->arg[0].map, c->arg[1].num, c->arg[2].num, (vm_inherit_t)c->arg[3].num);
	return cmd_result(c, kr, NULL);
}

COMMAND(vm_map_inherit, do_inherit, "map", "vm_inherit of [START, END)",
    "KERN_INVALID_ARGUMENT, KERN_RESOURCE_SHORTAGE",
    ARG(MAP, "map"), ARG(NUM, "start"), ARG(NUM, "end"), ARG(INHERIT, "inheritance"));

/* --- submaps --- */

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
