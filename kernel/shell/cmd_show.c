/*
 * cmd_show.c: show map, entry, object, pmap.
 *
 * Each row is true for itself: a map may change between two rows, and nothing
 * is locked while a row is printed.
 */
#include <string.h>
#include <stdio.h>
#include <base/print.h>
#include <machine/vmparam.h>
#include <mm/vm_kern.h>
#include <mm/vm_print.h>
#include "shell.h"

static const char *const inherit_names[] = { "share", "copy", "none", "?" };

/* "rw-/rwx" */
static const char *
both_prots(const struct vm_entry_info *e, char buf[8])
{
	vm_prot_text(e->cur, buf);
	buf[3] = '/';
	vm_prot_text(e->max, buf + 4);
	return buf;
}

/* Hex digits that addresses below `max` have. */
static int
digits(uint64_t max)
{
	return (int)(64 - (unsigned)__builtin_clzll((max - 1) | 1) + 3) / 4;
}

struct map_total {
	uint64_t entries, size, resident, megapages, possible;
};

static void
map_row(struct listing *l, const struct vm_entry_info *e, struct map_total *total)
{
	char text[24];

	list_num(l, e->start);
	list_num(l, e->end);
	list_num(l, e->end - e->start);
	list_text(l, both_prots(e, text));
	list_text(l, inherit_names[e->inheritance & 3]);
	list_text(l, e->is_sub_map ? "submap" : vm_share_mode_name(e->share_mode));
	list_num(l, e->resident);
	if (l->json) {
		list_num(l, e->megapages);
		list_num(l, e->megapages_possible);
	} else {
		snprintf(text, sizeof(text), "%lu/%lu", e->megapages, e->megapages_possible);
		list_text(l, text);
	}
	list_num(l, e->wired_count);
	list_num(l, e->object_id);
	list_num(l, e->offset);
	list_num(l, e->alias);
	total->entries++;
	total->size += e->end - e->start;
	total->resident += e->resident;
	total->megapages += e->megapages;
	total->possible += e->megapages_possible;
}

/* The columns of a map whose addresses have `width` digits; as JSON with one more. */
static unsigned
map_columns(struct column column[13], int width, bool json)
{
	static const struct column text[] = {
		{ "start", "START", COL_HEX, 0 }, { "end", "END", COL_HEX, 0 }, { "size", "SIZE", COL_BYTES, 6 },
		{ "prot", "PROT", COL_TEXT, -7 }, { "inherit", "INH", COL_TEXT, -5 }, { "share", "SHARE", COL_TEXT, -7 },
		{ "resident", "RES", COL_COUNT, 7 }, { "megapages", "MEGA", COL_TEXT, 7 },
		{ "wired", "WIRED", COL_COUNT, 5 }, { "object", "OBJECT", COL_COUNT, 6 },
		{ "offset", "OFFSET", COL_HEX, 8 }, { "tag", "TAG", COL_COUNT, 3 },
	};
	unsigned n = 0, i;

	for (i = 0; i < nitems(text); i++) {
		column[n++] = text[i];
		if (json && strcmp(text[i].name, "megapages") == 0) {
			column[n - 1].kind = COL_COUNT;
			column[n++] = (struct column){ "megapages_possible", "", COL_COUNT, 0 };
		}
	}
	column[0].width = column[1].width = width;
	return n;
}

static void
show_map(struct cmd_ctx *c, vm_map_t map, const char *name)
{
	struct map_total total = { 0, 0, 0, 0, 0 };
	struct vm_entry_info e;
	struct column column[13];
	struct listing l;
	vm_offset_t at = vm_map_min(map);
	char size[24];
	unsigned n = map_columns(column, digits(vm_map_max(map)), c->json);

	if (!c->json)
		kprintf("map %lu of %s: 0x%lx to 0x%lx, version %lu, %u reference%s\n", map->id, name,
		    vm_map_min(map), vm_map_max(map), map->timestamp, map->ref_count, map->ref_count == 1 ? "" : "s");
	list_begin(&l, c, column, n);
	while (vm_entry_info(map, &at, &e) && !cmd_interrupted())
		map_row(&l, &e, &total);
	if (c->json)
		kprintf("{\"total\":true,\"entries\":%lu,\"size\":%lu,\"resident\":%lu,\"megapages\":%lu,"
		    "\"megapages_possible\":%lu}\n", total.entries, total.size, total.resident, total.megapages,
		    total.possible);
	else
		kprintf("total: %lu entr%s, %s bytes, %lu pages resident, %lu of %lu possible megapages\n",
		    total.entries, total.entries == 1 ? "y" : "ies", size_text(total.size, size), total.resident,
		    total.megapages, total.possible);
	cmd_set_num("entries", total.entries);
	cmd_set_num("size", total.size);
	cmd_set_num("resident", total.resident);
	cmd_set_num("megapages", total.megapages);
	cmd_set_num("megapages_possible", total.possible);
}

static int
do_show_map(struct cmd_ctx *c)
{
	struct task *t = c->arg[0].task;

	if (t == kernel_task)
		show_map(c, kernel_map, "the kernel");
	else
		show_map(c, t->map, t->name);
	return 0;
}

COMMAND_NAMED(show_map, "show map", do_show_map, "show", "the entries of a task's map",
    "Range, size, protection current/maximum, inheritance, sharing mode, resident pages of the\n"
    "entry's own object, megapage leaves used/possible, wirings, object, offset in it, tag.\n"
    "Sharing: empty (never touched), private, cow (copied on write), shared and tshared (with\n"
    "others), p-alias and s-alias (several entries of this map). Sets $entries $size $resident\n"
    "$megapages $megapages_possible. `kernel` is the kernel's own map.",
    ARG(TASK, "task"));

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
		else
			kprintf("not there\n");
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

/* What stands behind addr in the map: entry, then objects; FALSE: a hole. */
static bool
show_behind(vm_map_t map, vm_offset_t addr)
{
	struct vm_entry_info info;
	vm_map_entry_t e;
	vm_offset_t at = addr;
	vm_object_t object = NULL;
	char prots[8];

	if (!vm_entry_info(map, &at, &info) || info.start > addr) {
		kprintf("no entry\n");
		return false;
	}
	kprintf("entry 0x%lx to 0x%lx: %s, inherit %s, %s%s, %u wiring%s, tag %u\n", info.start, info.end,
	    both_prots(&info, prots), inherit_names[info.inheritance & 3], vm_share_mode_name(info.share_mode),
	    info.needs_copy ? ", copied at the next write" : "", info.wired_count,
	    info.wired_count == 1 ? "" : "s", info.alias);
	vm_map_lock_read(map);
	if (vm_map_lookup_entry(map, addr, &e) && !e->is_sub_map)
		object = e->object.vm_object;
	if (object != NULL)
		show_chain(object, e->offset + (addr - e->vme_start));
	else
		kprintf("  no object: zero-filled at the first touch\n");
	vm_map_unlock_read(map);
	return true;
}

static int
do_show_entry(struct cmd_ctx *c)
{
	vm_map_t map = c->arg[0].task == kernel_task ? kernel_map : c->arg[0].task->map;
	struct map_total total = { 0, 0, 0, 0, 0 };
	vm_offset_t at = c->arg[1].num;
	struct vm_entry_info e;
	struct column column[13];
	struct listing l;
	unsigned n;

	if (!vm_entry_info(map, &at, &e))
		return cmd_result(c, KERN_FAIL(KERN_INVALID_ADDRESS, "no entry at or above 0x%lx", c->arg[1].num), NULL);
	if (!c->json)
		return !show_behind(map, e.start > c->arg[1].num ? e.start : c->arg[1].num);
	n = map_columns(column, 0, true);
	list_begin(&l, c, column, n);
	map_row(&l, &e, &total);
	return 0;
}

COMMAND_NAMED(show_entry, "show entry", do_show_entry, "show", "the entry at or above an address, with its objects",
    "The entry as `show map` has it, and the chain of objects in which the page is looked for.",
    ARG(TASK, "task"), ARG(NUM, "addr"));

/* --- objects --- */

#define OBJECT_BATCH 32

struct object_row {
	uint64_t id, size, resident, shadow, shadow_offset;
	uint32_t refs;
	bool     true_share;
};

/* The objects with the smallest numbers above `after`. */
struct object_batch {
	uint64_t          after;
	unsigned          n;
	struct object_row row[OBJECT_BATCH];
};

static bool
take_object(vm_object_t object, void *arg)
{
	struct object_batch *b = arg;
	unsigned i;

	if (object->id <= b->after || (b->n == OBJECT_BATCH && object->id > b->row[b->n - 1].id))
		return true;
	if (b->n < OBJECT_BATCH)
		b->n++;
	for (i = b->n - 1; i > 0 && b->row[i - 1].id > object->id; i--)
		b->row[i] = b->row[i - 1];
	b->row[i] = (struct object_row){ object->id, object->size, object->resident_page_count,
		object->shadow != NULL ? object->shadow->id : 0, object->shadow_offset, object->ref_count,
		object->true_share };
	return true;
}

static int
do_show_object(struct cmd_ctx *c)
{
	static const struct column columns[] = {
		{ "id", "OBJECT", COL_COUNT, 8 }, { "size", "SIZE", COL_BYTES, 8 }, { "refs", "REFS", COL_COUNT, 6 },
		{ "resident", "RES", COL_COUNT, 8 }, { "shadow", "SHADOW", COL_COUNT, 8 },
		{ "shadow_offset", "AT", COL_HEX, 10 }, { "true_share", "TSHARED", COL_TEXT, -7 },
	};
	static struct object_batch b;
	struct listing l;
	unsigned i;

	list_begin(&l, c, columns, nitems(columns));
	b.after = c->arg[0].given ? c->arg[0].num - 1 : 0;
	do {
		b.n = 0;
		vm_object_foreach(take_object, &b);
		for (i = 0; i < b.n; i++) {
			const struct object_row *o = &b.row[i];

			if (c->arg[0].given && o->id != c->arg[0].num)
				continue;
			list_num(&l, o->id);
			list_num(&l, o->size);
			list_num(&l, o->refs);
			list_num(&l, o->resident);
			list_num(&l, o->shadow);
			list_num(&l, o->shadow_offset);
			list_text(&l, o->true_share ? "yes" : "no");
			b.after = o->id;
		}
		if (b.n > 0)
			b.after = b.row[b.n - 1].id;
	} while (b.n == OBJECT_BATCH && !c->arg[0].given && !cmd_interrupted());
	if (c->arg[0].given && l.rows == 0)
		return cmd_result(c, KERN_FAIL(KERN_INVALID_ARGUMENT, "no object %lu", c->arg[0].num), NULL);
	return 0;
}

COMMAND_NAMED(show_object, "show object", do_show_object, "show", "memory objects, all or one by its number",
    "Number, size, references (entries, shadows, holders), resident pages, and the object it\n"
    "shadows with the offset in there.",
    OPT(NUM, "id", ""));

/* --- pmaps --- */

static void
pmap_row(struct listing *l, struct task *t)
{
	struct pmap_stats s;

	pmap_stats(t == kernel_task ? pmap_kernel() : t->map->pmap, &s);
	list_text(l, t->name);
	list_num(l, s.resident);
	list_num(l, s.wired);
	list_num(l, s.megapages);
	list_num(l, s.tables);
	list_num(l, s.promotions);
	list_num(l, s.demotions);
	list_num(l, s.enters);
	list_num(l, s.shootdowns);
	list_num(l, s.harts);
	list_num(l, s.asid);
}

static int
do_show_pmap(struct cmd_ctx *c)
{
	static const struct column columns[] = {
		{ "task", "TASK", COL_TEXT, -12 }, { "resident", "RES", COL_COUNT, 9 }, { "wired", "WIRED", COL_COUNT, 7 },
		{ "megapages", "MEGA", COL_COUNT, 5 }, { "tables", "TABLES", COL_COUNT, 6 },
		{ "promotions", "PROMO", COL_COUNT, 6 }, { "demotions", "DEMO", COL_COUNT, 6 },
		{ "enters", "ENTERS", COL_COUNT, 9 }, { "shootdowns", "FENCES", COL_COUNT, 8 },
		{ "harts", "HARTS", COL_HEX, 6 }, { "asid", "ASID", COL_COUNT, 5 },
	};
	struct listing l;
	struct task *t;
	unsigned i;

	list_begin(&l, c, columns, nitems(columns));
	if (c->arg[0].task != NULL) {
		pmap_row(&l, c->arg[0].task);
		return 0;
	}
	pmap_row(&l, kernel_task);
	for (i = 0; (t = task_nth(i)) != NULL; i++) {
		pmap_row(&l, t);
		task_deallocate(t);
	}
	return 0;
}

COMMAND_NAMED(show_pmap, "show pmap", do_show_pmap, "show", "page tables: counts and fences",
    "Resident and wired pages, megapage leaves, table pages; since the task began: promotions,\n"
    "demotions, leaves entered, batches of remote fences; now: harts (a set, hex), ASID.",
    OPT(TASK, "task", ""));

/* --- walk --- */

static void
pte_text(uint64_t pte, char buf[10])
{
	static const char letters[] = "vrwxugad";
	unsigned i;

	for (i = 0; i < 8; i++)
		buf[i] = pte >> i & 1 ? letters[i] : '-';
	buf[8] = '\0';
}

static void
walk_step(const struct pmap_walk *w, unsigned i, unsigned top)
{
	static const char *const covers[] = { "4K", "2M", "1G", "512G", "256T" };
	unsigned level = top - i;
	char bits[10], prot[4];

	pte_text(w->step[i].pte, bits);
	kprintf("level %u (%4s each): table 0x%lx[%u] = 0x%016lx %s ", level, covers[level], w->step[i].table,
	    w->step[i].index, w->step[i].pte, bits);
	if (i + 1 < w->levels)
		kprintf("-> table\n");
	else if (!w->leaf)
		kprintf("nothing\n");
	else
		kprintf("%s, %s%s%s%s: %s page at 0x%lx\n", vm_prot_text(w->prot, prot), w->user ? "user" : "kernel only",
		    w->accessed ? ", accessed" : ", never accessed", w->dirty ? ", dirty" : ", clean",
		    w->wired ? ", wired" : "", covers[level],
		    w->pa & ~((PAGE_SIZE << 9 * level) - 1));
}

static void
walk_json(const struct pmap_walk *w, unsigned top)
{
	char bits[10];
	unsigned i;

	for (i = 0; i < w->levels; i++) {
		pte_text(w->step[i].pte, bits);
		kprintf("{\"level\":%u,\"table\":\"0x%lx\",\"index\":%u,\"pte\":\"0x%lx\",\"bits\":\"%s\",\"leaf\":%s}\n",
		    top - i, w->step[i].table, w->step[i].index, w->step[i].pte, bits,
		    i + 1 == w->levels && w->leaf ? "true" : "false");
	}
}

static int
do_walk(struct cmd_ctx *c)
{
	struct task *t = c->arg[0].task;
	vm_map_t map = t == kernel_task ? kernel_map : t->map;
	vm_offset_t addr = c->arg[1].num;
	struct pmap_walk w;
	/* User space is the lower half of what the tables translate. */
	unsigned top = ((unsigned)__builtin_ctzll(vm_max_address) + 1 - PAGE_SHIFT) / 9 - 1, i;

	if (t != kernel_task && addr >= vm_max_address)
		return cmd_result(c, KERN_FAIL(KERN_INVALID_ADDRESS, "0x%lx is not in user space, which ends at 0x%lx",
		    addr, vm_max_address), NULL);
	pmap_walk(t == kernel_task ? pmap_kernel() : map->pmap, addr, &w);
	cmd_set_num("pa", w.leaf ? w.pa : 0);
	cmd_set_num("leaf", w.leaf ? w.size : 0);
	if (c->json) {
		walk_json(&w, top);
		return 0;
	}
	for (i = 0; i < w.levels; i++)
		walk_step(&w, i, top);
	show_behind(map, addr);
	return 0;
}

COMMAND(walk, do_walk, "show", "every level of the page table at an address, and what is behind",
    "Entry by entry from the root down, with its bits (valid, read, write, execute, user,\n"
    "global, accessed, dirty); then the map's entry and the chain of objects. Sets $pa and $leaf\n"
    "(bytes the leaf maps; 0: not mapped now, which a fault may change).",
    ARG(TASK, "task"), ARG(NUM, "addr"));
