/*
 * cmd_map_entry.c: maps from inside: looking up, cutting, merging, entering.
 *
 * The calls that the kernel's parts make among themselves, which trust their
 * caller. What they take for granted (whole pages, free ranges, rights in
 * order) is checked here and refused with KERN_INVALID_ARGUMENT.
 */
#include <string.h>
#include <mm/vm_map_range.h>
#include <mm/vm_print.h>
#include <mm/vm_user.h>
#include "held.h"

/* --- looking --- */

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

static const struct cmd_word access_words[] = {
	{ "none", VM_PROT_NONE }, { "read", VM_PROT_READ }, { "write", VM_PROT_WRITE }, { "execute", VM_PROT_EXECUTE }, { NULL, 0 },
};

static int
do_lookup_locked(struct cmd_ctx *c)
{
	vm_map_t map = c->arg[0].map;
	vm_prot_t access = (vm_prot_t)c->arg[2].num & VM_PROT_ALL;
	struct vm_map_lookup l;
	uint64_t in = 0, object = 0;
	unsigned depth = 0;
	kern_return_t kr = cmd_map(&c->arg[0]);

	if (kr == KERN_SUCCESS) {
		vm_map_lock_read(map);
		kr = vm_map_lookup_locked(map, c->arg[1].num, access, &l);
	}
	if (kr != KERN_SUCCESS)
		return cmd_result(c, kr, NULL);
	in = l.map->id;
	object = l.object->id;
	if (l.map != map)
		depth = l.depth;
	vm_map_lookup_done(map, &l);
	return cmd_result(c, kr, "map=%lu depth=%u object=%lu offset=0x%lx prot=%s wired=%u lo=0x%lx hi=0x%lx version=%lu", in, depth,
	    object, l.offset, vm_prot_name(l.prot), l.wired, l.lo, l.hi, l.version.main_timestamp);
}

COMMAND(vm_map_lookup_locked, do_lookup_locked, "map", "what a fault would find: through submaps, with what a write changes",
    "The map, object and offset behind an address, and the rights that a leaf may have now. As a\n"
    "fault does, it makes the object of untouched memory, and for a write the shadow of a copy.\n"
    "  vm_map_lookup_locked t1 $a write;  assert $prot == rw-\n"
    "KERN_INVALID_ADDRESS, KERN_PROTECTION_FAILURE, KERN_RESOURCE_SHORTAGE, KERN_MEMORY_ERROR",
    ARG(MAP, "map"), ARG(NUM, "addr"), OPTW(ENUM, "access", "read", access_words));

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

static const struct cmd_word protect_words[] = {
	{ "set_prot", VM_MAP_PROTECT_SET_PROT }, { "set_maxprot", VM_MAP_PROTECT_SET_MAXPROT },
	{ "growsdown", VM_MAP_PROTECT_GROWSDOWN }, { NULL, 0 },
};
enum { PROTECT_MAP, PROTECT_START, PROTECT_END, PROTECT_PROT, PROTECT_SET_MAX, PROTECT_MAX, PROTECT_FLAGS };

/* FreeBSD's form: flags say what is set; without them, what was given. */
static int
do_protect_flags(struct cmd_ctx *c)
{
	const struct cmd_value *max = &c->arg[PROTECT_MAX], *flags = &c->arg[PROTECT_FLAGS];
	uint64_t set = flags->given ? flags->num : VM_MAP_PROTECT_SET_PROT | VM_MAP_PROTECT_SET_MAXPROT;
	kern_return_t kr = cmd_map(&c->arg[PROTECT_MAP]);

	if (c->arg[PROTECT_SET_MAX].given)
		return cmd_usage(c, PROTECT_SET_MAX, "set_max is of Mach's form, max and flags are of FreeBSD's");
	if (kr == KERN_SUCCESS)
		kr = vm_map_protect_user(c->arg[PROTECT_MAP].map, vm_address_u(c->arg[PROTECT_START].num),
		    vm_address_u(c->arg[PROTECT_END].num), (vm_prot_t)c->arg[PROTECT_PROT].num,
		    max->given ? (vm_prot_t)max->num : VM_PROT_ALL, set > UINT32_MAX ? UINT32_MAX : (uint32_t)set);
	return cmd_result(c, kr, NULL);
}

static int
do_protect(struct cmd_ctx *c)
{
	kern_return_t kr;

	if (c->arg[PROTECT_MAX].given || c->arg[PROTECT_FLAGS].given)
		return do_protect_flags(c);
	kr = cmd_map_range(&c->arg[0], c->arg[1].num, c->arg[2].num);
	if (kr == KERN_SUCCESS)
		kr = cmd_rights((vm_prot_t)c->arg[3].num & ~VM_PROT_COPY, VM_PROT_ALL);
	if (kr == KERN_SUCCESS)
		kr = vm_map_protect(c->arg[0].map, c->arg[1].num, c->arg[2].num, (vm_prot_t)c->arg[3].num, c->arg[4].num != 0);
	return cmd_result(c, kr, NULL);
}

COMMAND(vm_map_protect, do_protect, "map", "vm_protect of [START, END), or FreeBSD's form of it",
    "With max or flags it is FreeBSD's: protection, maximum or both at once, holes and guards passed\n"
    "over; growsdown: from the bottom of the stack on that START lies in.\n"
    "  vm_map_protect t1 $a $a+64K r-- max=rw- flags=set_prot|set_maxprot\n"
    "KERN_PROTECTION_FAILURE (beyond a maximum, or wxorx), KERN_INVALID_ADDRESS (Mach's: a hole),\n"
    "KERN_OUT_OF_BOUNDS (prot beyond max), KERN_INVALID_ARGUMENT (FreeBSD's: a submap),\n"
    "KERN_RESOURCE_SHORTAGE",
    ARG(MAP, "map"), ARG(NUM, "start"), ARG(NUM, "end"), ARG(PROT, "prot"), OPT(BOOL, "set_max", "0"),
    OPT(PROT, "max", ""), OPTW(FLAGS, "flags", "", protect_words));

static int
do_inherit(struct cmd_ctx *c)
{
	kern_return_t kr = cmd_map_range(&c->arg[0], c->arg[1].num, c->arg[2].num);

	if (kr == KERN_SUCCESS && c->arg[3].num > VM_INHERIT_ZERO)
		kr = KERN_FAIL(KERN_INVALID_ARGUMENT, "inheritance %lu is not share, copy, none or zero", c->arg[3].num);
	if (kr == KERN_SUCCESS)
		kr = vm_map_inherit(c->arg[0].map, c->arg[1].num, c->arg[2].num, (vm_inherit_t)c->arg[3].num);
	return cmd_result(c, kr, NULL);
}

COMMAND(vm_map_inherit, do_inherit, "map", "vm_inherit of [START, END); zero, too: children get zero-fill memory",
    "Holes are passed over, guards stay guards.\n"
    "  vm_map_inherit t1 $a $a+64K zero\n"
    "KERN_INVALID_ARGUMENT (copy or zero of a submap, copy of superpages), KERN_RESOURCE_SHORTAGE",
    ARG(MAP, "map"), ARG(NUM, "start"), ARG(NUM, "end"), ARG(INHERIT, "inheritance"));
