/*
 * cmd_show_pmap.c: show pmap, walk: what the page tables hold.
 *
 * Nothing is locked while a row is printed: each is true for itself.
 */
#include <stdio.h>
#include <string.h>
#include <base/print.h>
#include <machine/vmparam.h>
#include <mm/vm_kern.h>
#include <mm/vm_print.h>
#include "held.h"

#define COLUMNS 13
#define COLUMNS_MEGA (2 + PMAP_REFUSALS + PMAP_SPLITS)
#define COLUMNS_GIGA (3 + COLUMNS_MEGA)
#define COLUMNS_GROUPS 3
#define COLUMNS_JSON (COLUMNS + COLUMNS_MEGA + COLUMNS_GIGA + COLUMNS_GROUPS)
#define KEY_MAX 32

/* "refused_not_full" */
static const char *
event_key(char key[KEY_MAX], const char *prefix, const char *name)
{
	snprintf(key, KEY_MAX, "%s_%s", prefix, name);
	for (char *p = key; *p != '\0'; p++)
		if (*p == ' ' || *p == '-')
			*p = '_';
	return key;
}

static uint64_t
sum(const uint64_t *n, unsigned count)
{
	uint64_t all = 0;

	while (count-- > 0)
		all += n[count];
	return all;
}

/* " not full 3, rights differ 1" of those that happened. */
static void
events_text(const uint64_t *n, unsigned count, const char *(*name)(unsigned i))
{
	const char *separator = " ";

	for (unsigned i = 0; i < count; i++)
		if (n[i] != 0) {
			kprintf("%s%s %lu", separator, name(i), n[i]);
			separator = ", ";
		}
}

static const char *refusal(unsigned i) { return pmap_refusal_name((enum pmap_refusal)i); }
static const char *split(unsigned i) { return pmap_split_name((enum pmap_split)i); }

static void
large_text(const char *what, const char *whose, const struct pmap_mega_counts *m)
{
	kprintf("%s of %s: %lu entered whole, %lu promoted, %lu split", what, whose, m->entered, m->promotions, m->demotions);
	if (m->demotions != 0) {
		kprintf(" (by");
		events_text(m->split, PMAP_SPLITS, split);
		kprintf(")");
	}
	kprintf(", %lu dropped; refused %lu", m->dropped, sum(m->refused, PMAP_REFUSALS));
	if (sum(m->refused, PMAP_REFUSALS) != 0) {
		kprintf(":");
		events_text(m->refused, PMAP_REFUSALS, refusal);
	}
	kprintf("\n");
}

/* Where nothing has happened to gigapages, nothing is said of them. */
static void
giga_text(const char *whose, const struct pmap_mega_counts *m)
{
	if (m->entered + m->promotions + sum(m->refused, PMAP_REFUSALS) != 0)
		large_text("gigapages", whose, m);
}

static void
giga_set(const struct pmap_stats *s)
{
	char key[KEY_MAX];

	cmd_set_num("gigapages", s->gigapages);
	cmd_set_num("giga_entered", s->giga.entered);
	cmd_set_num("giga_promotions", s->giga.promotions);
	cmd_set_num("giga_demotions", s->giga.demotions);
	for (unsigned i = 0; i < PMAP_REFUSALS; i++)
		cmd_set_num(event_key(key, "giga_refused", refusal(i)), s->giga.refused[i]);
	for (unsigned i = 0; i < PMAP_SPLITS; i++)
		cmd_set_num(event_key(key, "giga_split", split(i)), s->giga.split[i]);
}

/* Groups: now (of all since boot: that is not known), and events. */
static void
groups_text(const char *whose, const uint64_t *now, const struct pmap_mega_counts *m)
{
	if (!pmap_has_groups())
		return;
	kprintf("groups of 64K of %s: ", whose);
	if (now != NULL)
		kprintf("%lu now, ", *now);
	kprintf("%lu joined of 16 leaves, %lu broken\n", m->joined, m->broken);
}

static void
mega_set(const struct pmap_mega_counts *m)
{
	char key[KEY_MAX];

	cmd_set_num("joined", m->joined);
	cmd_set_num("broken", m->broken);
	cmd_set_num("entered", m->entered);
	cmd_set_num("promotions", m->promotions);
	cmd_set_num("demotions", m->demotions);
	cmd_set_num("dropped", m->dropped);
	cmd_set_num("refused", sum(m->refused, PMAP_REFUSALS));
	for (unsigned i = 0; i < PMAP_REFUSALS; i++)
		cmd_set_num(event_key(key, "refused", refusal(i)), m->refused[i]);
	for (unsigned i = 0; i < PMAP_SPLITS; i++)
		cmd_set_num(event_key(key, "split", split(i)), m->split[i]);
}

/* What only JSON has room for. */
static void
large_columns(struct listing *l, const struct pmap_mega_counts *m)
{
	list_num(l, m->entered);
	list_num(l, m->dropped);
	for (unsigned i = 0; i < PMAP_REFUSALS; i++)
		list_num(l, m->refused[i]);
	for (unsigned i = 0; i < PMAP_SPLITS; i++)
		list_num(l, m->split[i]);
}

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
	list_num(l, s.mega.promotions);
	list_num(l, s.mega.demotions);
	list_num(l, sum(s.mega.refused, PMAP_REFUSALS));
	list_num(l, s.enters);
	list_num(l, s.shootdowns);
	list_num(l, s.harts);
	list_num(l, s.asid);
	if (l->json)
		large_columns(l, &s.mega);
	if (l->json) {
		list_num(l, s.gigapages);
		list_num(l, s.giga.promotions);
		list_num(l, s.giga.demotions);
		large_columns(l, &s.giga);
		list_num(l, s.groups);
		list_num(l, s.mega.joined);
		list_num(l, s.mega.broken);
	}
	cmd_set_num("resident", s.resident);
	cmd_set_num("wired", s.wired);
	cmd_set_num("megapages", s.megapages);
	cmd_set_num("groups", s.groups);
	cmd_set_num("tables", s.tables);
	cmd_set_num("nested", s.nested);
	mega_set(&s.mega);
	giga_set(&s);
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

/* The i-th key beyond the columns that text has. */
static const char *
mega_key(unsigned i, char key[KEY_MAX])
{
	static const char *const giga[] = { "gigapages", "giga_promotions", "giga_demotions", "giga_entered", "giga_dropped" };
	static const char *const group[COLUMNS_GROUPS] = { "groups", "joined", "broken" };
	bool large = i >= COLUMNS_MEGA;

	if (i >= COLUMNS_MEGA + COLUMNS_GIGA)
		return group[i - COLUMNS_MEGA - COLUMNS_GIGA];
	if (large && i - COLUMNS_MEGA < nitems(giga))
		return giga[i - COLUMNS_MEGA];
	if (large)
		i -= COLUMNS_MEGA + 3;
	if (i < 2)
		return i == 0 ? "entered" : "dropped";
	return i - 2 < PMAP_REFUSALS ? event_key(key, large ? "giga_refused" : "refused", refusal(i - 2)) :
	    event_key(key, large ? "giga_split" : "split", split(i - 2 - PMAP_REFUSALS));
}

static int
do_show_pmap(struct cmd_ctx *c)
{
	static const struct column columns[COLUMNS] = {
		{ "map", "MAP", COL_TEXT, -12 }, { "resident", "RES", COL_COUNT, 9 }, { "wired", "WIRED", COL_COUNT, 7 },
		{ "megapages", "MEGA", COL_COUNT, 5 }, { "tables", "TABLES", COL_COUNT, 6 },
		{ "nested", "NESTED", COL_COUNT, 6 },
		{ "promotions", "PROMO", COL_COUNT, 6 }, { "demotions", "DEMO", COL_COUNT, 6 },
		{ "refused", "REFUSED", COL_COUNT, 7 }, { "enters", "ENTERS", COL_COUNT, 9 }, { "fences", "FENCES", COL_COUNT, 8 },
		{ "harts", "HARTS", COL_HEX, 6 }, { "asid", "ASID", COL_COUNT, 5 },
	};
	const struct cmd_value *v = &c->arg[0];
	pmap_t pmap = v->task == kernel_task ? pmap_kernel() : v->map != VM_MAP_NULL ? v->map->pmap : PMAP_NULL;
	struct column more[COLUMNS_JSON];
	char keys[COLUMNS_JSON - COLUMNS][KEY_MAX];
	struct pmap_mega_counts m;
	unsigned kept, wanted;
	struct listing l;

	if (v->given && pmap == PMAP_NULL)
		return cmd_result(c, KERN_FAIL(KERN_INVALID_ARGUMENT, "map %lu has no page tables of its own", v->map->id), NULL);
	memcpy(more, columns, sizeof(columns));
	for (unsigned i = 0; i < nitems(keys); i++)
		more[COLUMNS + i] = (struct column){ mega_key(i, keys[i]), "", COL_COUNT, 0 };
	list_begin(&l, c, more, c->json ? COLUMNS_JSON : COLUMNS);
	if (v->given)
		pmap_row(&l, v->word, pmap);
	else
		all_rows(&l);
	if (c->json)
		return 0;
	if (v->given) {
		struct pmap_stats s;

		pmap_stats(pmap, &s);
		large_text("megapages", v->word, &s.mega);
		giga_text(v->word, &s.giga);
		groups_text(v->word, &s.groups, &s.mega);
	}
	pmap_mega_totals(&m, &kept, &wanted);
	large_text("megapages", "all since boot", &m);
	groups_text("all since boot", NULL, &m);
	pmap_giga_totals(&m);
	giga_text("all since boot", &m);
	kprintf("%u of %u tables are in reserve for splits\n", kept, wanted);
	return 0;
}

COMMAND_NAMED(show_pmap, "show pmap", do_show_pmap, "show", "page tables: counts and fences",
    "Resident and wired pages, megapage leaves, table pages of its own, leaf tables of submaps\n"
    "that serve it (nested); since it was made: promotions, demotions, megapages refused, leaves\n"
    "entered, batches of remote fences; now: harts (a set, hex), ASID. Then megapages: what made\n"
    "and split them, and why places looked at got none. Sets $resident $wired $megapages $tables\n"
    "$gigapages $nested $promotions $demotions $enters $fences $entered $dropped $refused, $refused_not_full,\n"
    "$split_protect and so on, and the same of gigapages ($giga_entered), of the last row. With Svnapot also\n"
    "groups, 16 leaves of 4K that are one of 64K: $groups now, $joined and $broken since it was made.",
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
	static const char *const leaves[] = { "4K page", "2M page", "1G page (gigapage)", "512G page", "256T page" };
	unsigned level = top - i;
	char bits[10], prot[4];

	pte_text(w->step[i].pte, bits);
	kprintf("level %u (%4s each): table 0x%lx[%u] = 0x%016lx %s ", level, covers[level], w->step[i].table,
	    w->step[i].index, w->step[i].pte, bits);
	if (i + 1 < w->levels)
		kprintf("-> table\n");
	else if (!w->leaf)
		kprintf("%s\n", w->parked ? "nothing until the next access: the table was put aside by a copy" : "nothing");
	else
		kprintf("%s, %s%s%s%s: %s%s at 0x%lx\n", vm_prot_text(w->prot, prot), w->user ? "user" : "kernel only",
		    w->accessed ? ", accessed" : ", never accessed", w->dirty ? ", dirty" : ", clean",
		    w->wired ? ", wired" : "", leaves[level], w->group ? " of a 64 KiB group (Svnapot)" : "",
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
	cmd_set_num("group", w.group ? PMAP_GROUP_SIZE : 0);
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
    "(bytes the leaf maps; 0: not mapped now, which a fault may change) and $group (of a leaf of 4K,\n"
    "one of 16 that a TLB may hold as one: 64K, by Svnapot; else 0).",
    ARG(MAP, "map"), ARG(NUM, "addr"));
