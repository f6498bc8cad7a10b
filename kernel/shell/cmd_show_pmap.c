/*
 * cmd_show_pmap.c: show pmap, walk: what the page tables hold.
 *
 * Nothing is locked while a row is printed: each is true for itself.
 */
#include <string.h>
#include <base/print.h>
#include <machine/vmparam.h>
#include <mm/vm_kern.h>
#include <mm/vm_print.h>
#include "held.h"

static void
pmap_row(struct listing *l, const char *name, pmap_t pmap)
{
	struct pmap_stats s;

	pmap_stats(pmap, &s);
	list_text(l, name);
	list_num(l, s.resident);
	list_num(l, s.wired);
	list_num(l, s.megapages);
	list_num(l, s.tables);
	list_num(l, s.nested);
	list_num(l, s.promotions);
	list_num(l, s.demotions);
	list_num(l, s.enters);
	list_num(l, s.shootdowns);
	list_num(l, s.harts);
	list_num(l, s.asid);
	cmd_set_num("resident", s.resident);
	cmd_set_num("wired", s.wired);
	cmd_set_num("megapages", s.megapages);
	cmd_set_num("tables", s.tables);
	cmd_set_num("nested", s.nested);
	cmd_set_num("promotions", s.promotions);
	cmd_set_num("demotions", s.demotions);
	cmd_set_num("enters", s.enters);
	cmd_set_num("fences", s.shootdowns);
}

static void
all_rows(struct listing *l)
{
	struct held *h;
	struct task *t;
	unsigned i;

	pmap_row(l, "kernel", pmap_kernel());
	for (i = 0; (t = task_nth(i)) != NULL; i++) {
		pmap_row(l, t->name, t->map->pmap);
		task_deallocate(t);
	}
	for (i = 0; (h = held_nth(i)) != NULL; i++)
		if (h->kind == CMD_MAP && h->map->pmap != PMAP_NULL)
			pmap_row(l, h->name, h->map->pmap);
		else if (h->kind == CMD_NAMED && h->named->type == NAMED_SUBMAP && h->named->backing.map->pmap != PMAP_NULL)
			pmap_row(l, h->name, h->named->backing.map->pmap);
}

static int
do_show_pmap(struct cmd_ctx *c)
{
	static const struct column columns[] = {
		{ "map", "MAP", COL_TEXT, -12 }, { "resident", "RES", COL_COUNT, 9 }, { "wired", "WIRED", COL_COUNT, 7 },
		{ "megapages", "MEGA", COL_COUNT, 5 }, { "tables", "TABLES", COL_COUNT, 6 },
		{ "nested", "NESTED", COL_COUNT, 6 },
		{ "promotions", "PROMO", COL_COUNT, 6 }, { "demotions", "DEMO", COL_COUNT, 6 },
		{ "enters", "ENTERS", COL_COUNT, 9 }, { "fences", "FENCES", COL_COUNT, 8 },
		{ "harts", "HARTS", COL_HEX, 6 }, { "asid", "ASID", COL_COUNT, 5 },
	};
	const struct cmd_value *v = &c->arg[0];
	pmap_t pmap = v->task == kernel_task ? pmap_kernel() : v->map != VM_MAP_NULL ? v->map->pmap : PMAP_NULL;
	struct listing l;

	if (v->given && pmap == PMAP_NULL)
		return cmd_result(c, KERN_FAIL(KERN_INVALID_ARGUMENT, "map %lu has no page tables of its own", v->map->id), NULL);
	list_begin(&l, c, columns, nitems(columns));
	if (v->given)
		pmap_row(&l, v->word, pmap);
	else
		all_rows(&l);
	return 0;
}

COMMAND_NAMED(show_pmap, "show pmap", do_show_pmap, "show", "page tables: counts and fences",
    "Resident and wired pages, megapage leaves, table pages of its own, leaf tables of submaps\n"
    "that serve it (nested); since it was made: promotions, demotions, leaves entered, batches of\n"
    "remote fences; now: harts (a set, hex), ASID. Sets $resident $wired $megapages $tables\n"
    "$nested $promotions $demotions $enters $fences.",
    OPT(MAP, "map", ""));

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
	bool kernel = c->arg[0].task == kernel_task;
	vm_map_t map = cmd_map_to_show(&c->arg[0]);
	vm_offset_t addr = c->arg[1].num;
	struct pmap_walk w;
	/* User space is the lower half of what the tables translate. */
	unsigned top = ((unsigned)__builtin_ctzll(vm_max_address) + 1 - PAGE_SHIFT) / 9 - 1, i;

	if (!kernel && addr >= vm_max_address)
		return cmd_result(c, KERN_FAIL(KERN_INVALID_ADDRESS, "0x%lx is not in user space, which ends at 0x%lx",
		    addr, vm_max_address), NULL);
	if (!kernel && map->pmap == PMAP_NULL)
		return cmd_result(c, KERN_FAIL(KERN_INVALID_ARGUMENT, "the map has no page tables of its own"), NULL);
	pmap_walk(kernel ? pmap_kernel() : map->pmap, addr, &w);
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
    ARG(MAP, "map"), ARG(NUM, "addr"));
