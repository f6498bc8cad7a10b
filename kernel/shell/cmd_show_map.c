/*
 * cmd_show_map.c: show map, entry: what a map holds, and what is behind it.
 *
 * Each row is true for itself: a map may change between two rows, and nothing
 * is locked while a row is printed. A submap is shown as the one entry that it
 * is to its parent; with submaps=N what lies inside the window follows,
 * indented, at the addresses that the parent gives it, N levels deep.
 */
#include <string.h>
#include <stdio.h>
#include <base/print.h>
#include <mm/vm_kern.h>
#include <mm/vm_print.h>
#include "shell.h"

#define DEPTH_MAX   8           /* levels of submaps that are followed */

/* "rw-/rwx" */
static const char *
both_prots(const struct vm_entry_info *e, char buf[8])
{
	vm_prot_text(e->cur, buf);
	buf[3] = '/';
	vm_prot_text(e->max, buf + 4);
	return buf;
}

/* One letter each for what is true of the entry; "-": nothing special. */
static const char *
flags_text(const struct vm_entry_info *e, char buf[16])
{
	static const char behavior[] = " RQB";
	char *p = buf;

	if (e->needs_copy)
		*p++ = 'c';
	if (e->is_shared)
		*p++ = 's';
	if (e->in_transition)
		*p++ = 't';
	if (e->permanent)
		*p++ = 'p';
	if (e->use_pmap)
		*p++ = 'n';
	if (e->grows_down)
		*p++ = 'd';
	if (e->grows_up)
		*p++ = 'u';
	if (e->nofault)
		*p++ = 'f';
	if (e->no_sync)
		*p++ = 'y';
	if (e->no_core)
		*p++ = 'z';
	if (e->split != 0)
		*p++ = e->split == 1 ? 'm' : 'g';
	if (e->behavior != VM_BEHAVIOR_DEFAULT && !e->is_sub_map)
		*p++ = behavior[e->behavior & 3];
	if (p == buf)
		*p++ = '-';
	*p = '\0';
	return buf;
}

/* What the memory is, as seen from this entry. */
static const char *
kind_text(const struct vm_entry_info *e)
{
	if (e->guard)
		return e->stack_gap ? "gap" : "guard";
	return e->is_sub_map ? "submap" : vm_share_mode_name(e->share_mode);
}

/* Hex digits that addresses below `max` have. */
static int
digits(uint64_t max)
{
	return (int)(64 - (unsigned)__builtin_clzll((max - 1) | 1) + 3) / 4;
}

#define COLUMNS         13u
#define COLUMNS_JSON    (COLUMNS + 6)

struct map_total {
	uint64_t entries, size, resident, megapages, possible, gigapages, groups;
};

static void
map_row(struct listing *l, const struct vm_entry_info *e, unsigned depth)
{
	char text[24];

	list_num(l, e->start);
	list_num(l, e->end);
	list_num(l, e->end - e->start);
	list_text(l, both_prots(e, text));
	list_text(l, vm_inherit_name(e->inheritance));
	list_text(l, kind_text(e));
	list_text(l, flags_text(e, text));
	list_num(l, e->resident);
	snprintf(text, sizeof(text), "%lu/%lu", e->megapages, e->megapages_possible);
	if (l->json)
		list_num(l, e->megapages);
	else
		list_text(l, text);
	list_num(l, e->wired_count);
	list_num(l, e->is_sub_map ? e->submap_id : e->object_id);
	list_num(l, e->offset);
	list_num(l, e->alias);
	if (!l->json)
		return;
	list_num(l, e->megapages_possible);
	list_num(l, e->gigapages);
	list_num(l, e->user_wired_count);
	list_num(l, e->behavior);
	list_num(l, depth);
	list_num(l, e->groups);
}

/* The columns of a map whose addresses have `width` digits; as JSON with more. */
static unsigned
map_columns(struct column column[COLUMNS_JSON], int width, bool json)
{
	static const struct column all[COLUMNS_JSON] = {
		{ "start", "START", COL_HEX, 0 }, { "end", "END", COL_HEX, 0 }, { "size", "SIZE", COL_BYTES, 6 },
		{ "prot", "PROT", COL_TEXT, -7 }, { "inherit", "INH", COL_TEXT, -5 }, { "share", "SHARE", COL_TEXT, -7 },
		{ "flags", "FLAGS", COL_TEXT, -5 }, { "resident", "RES", COL_COUNT, 7 },
		{ "megapages", "MEGA", COL_TEXT, 7 }, { "wired", "WIRED", COL_COUNT, 5 },
		{ "object", "OBJECT", COL_COUNT, 6 }, { "offset", "OFFSET", COL_HEX, 8 }, { "tag", "TAG", COL_COUNT, 3 },
		{ "megapages_possible", "", COL_COUNT, 0 }, { "gigapages", "", COL_COUNT, 0 }, { "user_wired", "", COL_COUNT, 0 },
		{ "behavior", "", COL_COUNT, 0 }, { "depth", "", COL_COUNT, 0 },
		{ "groups", "", COL_COUNT, 0 },
	};

	memcpy(column, all, sizeof(all));
	column[0].width = column[1].width = width;
	if (json)
		column[8].kind = COL_COUNT;
	return json ? COLUMNS_JSON : COLUMNS;
}

/* Of a submap: what lies in [from, to) of it, at addresses that are `shift` higher. */
static void
submap_rows(struct listing *l, vm_map_t map, const struct vm_entry_info *window, unsigned depth, unsigned levels)
{
	vm_offset_t at = window->offset, end = window->offset + (window->end - window->start);
	uint64_t shift = window->start - window->offset;
	struct vm_entry_info e, shown;
	vm_map_t inner;

	while (at < end && vm_entry_info(map, &at, &e) && e.start < end && !cmd_interrupted()) {
		shown = e;
		shown.start = (e.start > window->offset ? e.start : window->offset) + shift;
		shown.end = (e.end < end ? e.end : end) + shift;
		shown.offset += shown.start - shift - e.start;
		if (!l->json)
			kprintf("%*s", (int)(2 * depth), "");
		map_row(l, &shown, depth);
		inner = depth < levels && e.is_sub_map ? vm_entry_submap(map, e.start) : VM_MAP_NULL;
		if (inner != VM_MAP_NULL)
			submap_rows(l, inner, &shown, depth + 1, levels);
		vm_map_deallocate(inner);
	}
}

static void
show_total(bool json, const struct map_total *total)
{
	char size[24];

	if (json)
		kprintf("{\"total\":true,\"entries\":%lu,\"size\":%lu,\"resident\":%lu,\"megapages\":%lu,"
		    "\"megapages_possible\":%lu,\"gigapages\":%lu,\"groups\":%lu}\n", total->entries, total->size, total->resident,
		    total->megapages, total->possible, total->gigapages, total->groups);
	else {
		kprintf("total: %lu entr%s, %s bytes, %lu pages resident, %lu of %lu possible megapages",
		    total->entries, total->entries == 1 ? "y" : "ies", size_text(total->size, size), total->resident,
		    total->megapages, total->possible);
		if (total->gigapages != 0)
			kprintf(", in %lu gigapage%s", total->gigapages, total->gigapages == 1 ? "" : "s");
		if (total->groups != 0)
			kprintf(", %lu group%s of 64K", total->groups, total->groups == 1 ? "" : "s");
		kprintf("\n");
	}
	cmd_set_num("entries", total->entries);
	cmd_set_num("size", total->size);
	cmd_set_num("resident", total->resident);
	cmd_set_num("megapages", total->megapages);
	cmd_set_num("megapages_possible", total->possible);
	cmd_set_num("gigapages", total->gigapages);
	cmd_set_num("groups", total->groups);
}

static void
show_map(struct cmd_ctx *c, vm_map_t map, const char *name, unsigned levels)
{
	struct map_total total = { .entries = 0 };
	struct vm_entry_info e;
	struct column column[COLUMNS_JSON];
	struct listing l;
	vm_offset_t at = vm_map_min(map);
	unsigned n = map_columns(column, digits(vm_map_max(map)), c->json);
	vm_map_t submap;

	if (!c->json)
		kprintf("map %lu of %s: 0x%lx to 0x%lx, version %lu, %u reference%s%s%s\n", map->id, name,
		    vm_map_min(map), vm_map_max(map), map->timestamp, map->ref_count, map->ref_count == 1 ? "" : "s",
		    map->sw_in ? "" : ", swapped out", map->wiring_required ? ", wires what is new" : "");
	list_begin(&l, c, column, n);
	while (vm_entry_info(map, &at, &e) && !cmd_interrupted()) {
		map_row(&l, &e, 0);
		total.entries++;
		total.size += e.guard ? 0 : e.end - e.start;
		total.resident += e.resident;
		total.megapages += e.megapages;
		total.possible += e.megapages_possible;
		total.gigapages += e.gigapages;
		total.groups += e.groups;
		submap = levels > 0 && e.is_sub_map ? vm_entry_submap(map, e.start) : VM_MAP_NULL;
		if (submap != VM_MAP_NULL)
			submap_rows(&l, submap, &e, 1, levels);
		vm_map_deallocate(submap);
	}
	show_total(c->json, &total);
}

static int
do_show_map(struct cmd_ctx *c)
{
	const struct cmd_value *v = &c->arg[0];

	if (c->arg[1].num > DEPTH_MAX)
		return cmd_usage(c, 1, "submaps: a number of levels up to %d is expected", DEPTH_MAX);
	show_map(c, cmd_map_to_show(v), v->task == kernel_task ? "the kernel" : v->word, (unsigned)c->arg[1].num);
	return 0;
}

COMMAND_NAMED(show_map, "show map", do_show_map, "show", "the entries of a map",
    "Range, size, protection current/maximum, inheritance, sharing mode, flags, resident pages\n"
    "of the entry's own object, megapage leaves used/possible, wirings, object (of a submap: the\n"
    "map), offset in it, tag. submaps=N: also what lies in submaps, N levels deep, indented.\n"
    "Sharing: empty (never touched), private, cow (copied on write), shared and tshared (with\n"
    "others), p-alias and s-alias (several entries of this map), submap; guard (keeps its range\n"
    "free), gap (a guard that the stack beside it grows into): both not counted in the total.\n"
    "Flags: c copied at the next write, s shared on purpose, t in transition, p permanent, n page\n"
    "tables nested, d u a stack that grows down, up, f never faulted in, y not written back, z not\n"
    "dumped, m g cut at megapages, gigapages only; R random, Q sequential, B backwards. Sets\n"
    "$entries $size $resident $megapages $megapages_possible $gigapages, $groups (16 leaves of 4K that\n"
    "are one of 64K, by Svnapot). `kernel` is the kernel's own map.",
    ARG(MAP, "map"), OPT(NUM, "submaps", "0"));

/* The chain of objects behind an entry, top first; copied out object by object. */
static void
show_chain(vm_object_t object, vm_object_offset_t offset)
{
	struct vm_page *m;
	vm_object_t next;
	unsigned depth;

	spin_lock(&object->lock);
	for (depth = 0; ; depth++) {
		m = offset < object->size ? vm_page_lookup(object, trunc_page(offset)) : NULL;
		kprintf("  %*sobject %lu: offset 0x%lx of 0x%lx, %u reference%s, %lu resident, ", (int)(depth < 16 ? depth : 16),
		    "", object->id, offset, object->size, object->ref_count, object->ref_count == 1 ? "" : "s",
		    object->resident_page_count);
		if (m != NULL)
			kprintf("page at 0x%lx%s\n", vm_page_pa(m), m->wire_count > 0 ? " (wired)" : "");
		else if (object->phys_contiguous)
			kprintf("device memory at 0x%lx\n", object->phys + offset);
		else
			kprintf("not there%s\n", object->pager != NULL ? ", the pager is asked" : "");
		next = object->shadow;
		if (next == NULL)
			break;
		offset += object->shadow_offset;
		spin_lock(&next->lock);
		spin_unlock(&object->lock);
		object = next;
	}
	spin_unlock(&object->lock);
}

static void
show_entry(const struct vm_entry_info *e)
{
	char prots[8];

	kprintf("entry 0x%lx to 0x%lx: %s, inherit %s, %s%s, %u wiring%s, tag %u\n", e->start, e->end,
	    both_prots(e, prots), vm_inherit_name(e->inheritance), kind_text(e),
	    e->needs_copy ? ", copied at the next write" : "", e->wired_count,
	    e->wired_count == 1 ? "" : "s", e->alias);
}

/* The entry at addr and its chain; a submap there: *submap, referenced, to go on with at *addr. FALSE: a hole. */
static bool
show_level(vm_map_t map, vm_offset_t *addr, vm_map_t *submap)
{
	struct vm_entry_info info;
	vm_map_entry_t e;
	vm_offset_t at = *addr;

	*submap = VM_MAP_NULL;
	if (!vm_entry_info(map, &at, &info) || info.start > *addr) {
		kprintf("no entry\n");
		return false;
	}
	show_entry(&info);
	if (info.guard) {
		if (info.stack_gap)
			kprintf("  the stack %s it grows into it with %s/%s\n", info.grows_up ? "below" : "above",
			    vm_prot_name(info.stack_cur), vm_prot_name(info.stack_max));
		else
			kprintf("  nothing is ever mapped there\n");
		return true;
	}
	if (info.is_sub_map) {
		*submap = vm_entry_submap(map, *addr);
		*addr = *addr - info.start + info.offset;
		kprintf("  map %lu at 0x%lx%s: ", info.submap_id, *addr, info.use_pmap ? ", page tables nested" : "");
		return true;
	}
	vm_map_lock_read(map);
	if (vm_map_lookup_entry(map, *addr, &e) && !e->is_sub_map && e->object.vm_object != NULL)
		show_chain(e->object.vm_object, e->offset + (*addr - e->vme_start));
	else
		kprintf("  no object: zero-filled at the first touch\n");
	vm_map_unlock_read(map);
	return true;
}

bool
show_behind(vm_map_t map, vm_offset_t addr)
{
	vm_map_t next;
	unsigned depth;
	bool found = false;

	vm_map_reference(map);
	for (depth = 0; depth <= DEPTH_MAX && map != VM_MAP_NULL; depth++) {
		found = show_level(map, &addr, &next);
		vm_map_deallocate(map);
		map = next;
	}
	vm_map_deallocate(map);
	return found;
}

static int
do_show_entry(struct cmd_ctx *c)
{
	vm_map_t map = cmd_map_to_show(&c->arg[0]);
	vm_offset_t at = c->arg[1].num;
	struct vm_entry_info e;
	struct column column[COLUMNS_JSON];
	struct listing l;

	if (!vm_entry_info(map, &at, &e))
		return cmd_result(c, KERN_FAIL(KERN_INVALID_ADDRESS, "no entry at or above 0x%lx", c->arg[1].num), NULL);
	if (!c->json)
		return !show_behind(map, e.start > c->arg[1].num ? e.start : c->arg[1].num);
	list_begin(&l, c, column, map_columns(column, 0, true));
	map_row(&l, &e, 0);
	return 0;
}

COMMAND_NAMED(show_entry, "show entry", do_show_entry, "show", "the entry at or above an address, with its objects",
    "The entry as `show map` has it, and the chain of objects in which the page is looked for.\n"
    "Where the entry is a submap, the one inside it, too.",
    ARG(MAP, "map"), ARG(NUM, "addr"));
