/*
 * cmd_show_reserv.c: show reserv: physical megapages set aside for objects.
 *
 * Totals first (with -j one object of its own), then a row for each object that
 * has pages. Each row is true for itself.
 */
#include <base/print.h>
#include <mm/vm_page_compact.h>
#include <mm/vm_reserv.h>
#include "shell.h"

#define BATCH   8

static const struct {
	const char *name, *text;
} refusals[] = {
#define X(id, name, text) { name, text },
	VM_RESERV_REFUSALS(X)
#undef X
}, causes[] = {
#define X(id, name, text) { name, text },
	VM_RESERV_CAUSES(X)
#undef X
};

static uint64_t
sum(const uint64_t *n, unsigned of)
{
	uint64_t all = 0;

	while (of > 0)
		all += n[--of];
	return all;
}

static void
totals_json(const struct vm_reserv_counts *n, const struct vm_page_compact_counts *k)
{
	unsigned i;

	kprintf("{\"partial\":%lu,\"full\":%lu,\"unpopulated\":%lu,\"made\":%lu,\"filled\":%lu,\"emptied\":%lu,\"pages_back\":%lu",
	    n->partial, n->full, n->unpopulated, n->made, n->filled, n->emptied, n->pages_back);
	for (i = 0; i < nitems(refusals); i++)
		kprintf(",\"refused_%s\":%lu", refusals[i].name, n->refused[i]);
	for (i = 0; i < nitems(causes); i++)
		kprintf(",\"broken_%s\":%lu", causes[i].name, n->broken[i]);
	kprintf(",\"compaction_tries\":%lu,\"compaction_moved\":%lu,\"compaction_made\":%lu,\"compaction_left\":%lu,"
	    "\"compaction_deferred\":%lu}\n", k->tries, k->moved, k->made, k->left, k->deferred);
}

static void
totals_text(const struct vm_reserv_counts *n, const struct vm_page_compact_counts *k)
{
	unsigned i;

	kprintf("now %lu partly populated (%lu pages to come), %lu full\n", n->partial, n->unpopulated, n->full);
	kprintf("since boot %lu made, %lu filled, %lu emptied, %lu broken (%lu pages back), %lu not made:\n", n->made,
	    n->filled, n->emptied, sum(n->broken, nitems(causes)), n->pages_back, sum(n->refused, nitems(refusals)));
	for (i = 0; i < nitems(causes); i++)
		kprintf("%10lu broken: %s\n", n->broken[i], causes[i].text);
	for (i = 0; i < nitems(refusals); i++)
		kprintf("%10lu not made: %s\n", n->refused[i], refusals[i].text);
	kprintf("compaction: %lu tries moved %lu pages and made %lu megapages, %lu could not be emptied, %lu requests passed over\n",
	    k->tries, k->moved, k->made, k->left, k->deferred);
}

static void
objects(struct cmd_ctx *c)
{
	static const struct column columns[] = {
		{ "id", "OBJECT", COL_COUNT, 8 }, { "size", "SIZE", COL_BYTES, 8 }, { "windows", "WINDOWS", COL_COUNT, 7 },
		{ "partial", "PARTIAL", COL_COUNT, 7 }, { "full", "FULL", COL_COUNT, 6 }, { "resident", "RES", COL_COUNT, 8 },
		{ "unpopulated", "TO COME", COL_COUNT, 8 }, { "bar", "POPULATION", COL_TEXT, -VM_RESERV_BAR },
	};
	static struct vm_reserv_info info[BATCH];
	struct listing l;
	uint64_t after = 0;
	unsigned i, n;

	list_begin(&l, c, columns, nitems(columns));
	do {
		n = vm_reserv_list(after, info, BATCH);
		for (i = 0; i < n; i++) {
			list_num(&l, info[i].id);
			list_num(&l, info[i].size);
			list_num(&l, info[i].chunks);
			list_num(&l, info[i].partial);
			list_num(&l, info[i].full);
			list_num(&l, info[i].resident);
			list_num(&l, info[i].unpopulated);
			list_text(&l, info[i].bar);
		}
		if (n > 0)
			after = info[n - 1].id;
	} while (n == BATCH && l.rows < c->arg[0].num && !cmd_interrupted());
	cmd_set_num("objects", l.rows);
}

static int
do_show_reserv(struct cmd_ctx *c)
{
	struct vm_page_compact_counts k;
	struct vm_reserv_counts n;

	vm_reserv_counts(&n);
	vm_page_compact_counts(&k);
	cmd_set_num("partial", n.partial);
	cmd_set_num("full", n.full);
	cmd_set_num("made", n.made);
	cmd_set_num("moved", k.moved);
	cmd_set_num("broken", sum(n.broken, nitems(causes)));
	cmd_set_num("refused", sum(n.refused, nitems(refusals)));
	if (c->json)
		totals_json(&n, &k);
	else
		totals_text(&n, &k);
	objects(c);
	return 0;
}

COMMAND_NAMED(show_reserv, "show reserv", do_show_reserv, "show", "megapages of memory set aside for objects",
    "How many there are, what became of them, and why others were not made; then about `rows`\n"
    "objects with pages. POPULATION has a character for each of the first 2 MiB windows of an object: '#' a\n"
    "full megapage, '0' to '9' tenths of one, 's' single pages, '.' nothing.\n"
    "`Compaction' is what was done to get free megapages out of scattered memory.\n"
    "Sets $moved, $partial, $full, $made, $broken, $refused, $objects.",
    OPT(NUM, "rows", "1000"));
