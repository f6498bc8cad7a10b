/*
 * cmd_show_machine.c: show pages, zones, harts, locks; check.
 */
#include <string.h>
#include <stdio.h>
#include <base/lock.h>
#include <base/print.h>
#include <kernel/hold.h>
#include <kernel/thread.h>
#include <machine/hart.h>
#include <mm/vm_check.h>
#include <mm/vm_kern.h>
#include <mm/vm_page.h>
#include <mm/zone.h>
#include "held.h"

static const char *const kind_names[] = {
	[VM_PAGE_RESERVED] = "reserved", [VM_PAGE_FREE] = "free", [VM_PAGE_CACHED] = "cached",
	[VM_PAGE_OBJECT] = "object", [VM_PAGE_RSVP] = "set aside", [VM_PAGE_TABLE] = "page table",
	[VM_PAGE_KERNEL] = "kernel", [VM_PAGE_ISOLATED] = "isolated",
};

static void
pages_json(const struct vm_page_counts *n)
{
	unsigned i;

	kprintf("{\"total\":%lu,\"free\":%lu,\"reserved\":%lu,\"cached\":%lu,\"zeroed\":%lu", n->total, n->free,
	    n->reserved, n->cached, n->zeroed);
	for (i = 0; i < nitems(kind_names); i++)
		kprintf(",\"kind_%s\":%lu", i == VM_PAGE_RSVP ? "set_aside" : i == VM_PAGE_TABLE ? "page_table" :
		    kind_names[i], n->kind[i]);
	kprintf(",\"free_blocks\":[");
	for (i = 0; i < VM_PAGE_ORDERS; i++)
		kprintf("%s%lu", i > 0 ? "," : "", n->free_blocks[i]);
	kprintf("]}\n");
}

static int
do_show_pages(struct cmd_ctx *c)
{
	struct vm_page_counts n, census;
	unsigned i;

	vm_page_counts(&n);
	vm_page_census(&census);
	memcpy(n.kind, census.kind, sizeof(n.kind));
	cmd_set_num("free", n.free);
	if (c->json) {
		pages_json(&n);
		return 0;
	}
	kprintf("%lu pages (%lu MiB): %lu free (%lu MiB), %lu of them in caches, %lu cleared; %lu kept for the kernel\n",
	    n.total, n.total >> 8, n.free, n.free >> 8, n.cached, n.zeroed, n.reserved);
	kprintf("owners:");
	for (i = 0; i < nitems(kind_names); i++)
		kprintf("%s %s %lu", i > 0 ? "," : "", kind_names[i], n.kind[i]);
	kprintf("\nfree blocks:");
	for (i = 0; i < VM_PAGE_ORDERS; i++) {
		char size[24];

		kprintf(" %s:%lu", size_text(PAGE_SIZE << i, size), n.free_blocks[i]);
	}
	kprintf("\n");
	return 0;
}

COMMAND_NAMED(show_pages, "show pages", do_show_pages, "show", "physical memory by owner and block size",
    "Sets $free; $free_pages is the same with all caches emptied first.");

static int
do_show_zones(struct cmd_ctx *c)
{
	static const struct column columns[] = {
		{ "name", "ZONE", COL_TEXT, -20 }, { "size", "BYTES", COL_COUNT, 6 }, { "in_use", "IN USE", COL_COUNT, 8 },
		{ "cached", "CACHED", COL_COUNT, 7 }, { "slabs", "SLABS", COL_COUNT, 6 }, { "pages", "PAGES", COL_COUNT, 6 },
		{ "refilled", "REFILLED", COL_COUNT, 12 },
	};
	struct zone_info z;
	struct listing l;
	unsigned i;

	list_begin(&l, c, columns, nitems(columns));
	for (i = 0; zone_info(i, &z); i++) {
		list_text(&l, z.name);
		list_num(&l, z.size);
		list_num(&l, z.in_use);
		list_num(&l, z.cached);
		list_num(&l, z.slabs);
		list_num(&l, z.pages);
		list_num(&l, z.refilled);
	}
	return 0;
}

COMMAND_NAMED(show_zones, "show zones", do_show_zones, "show", "fixed-size kernel objects",
    "Bytes an element, elements in use and in caches, slabs and pages held, elements\n"
    "that no hart's cache had at hand.");

static int
do_show_harts(struct cmd_ctx *c)
{
	static const struct column columns[] = {
		{ "index", "HART", COL_COUNT, 4 }, { "id", "ID", COL_COUNT, 6 }, { "state", "STATE", COL_TEXT, -8 },
		{ "ticks", "TICKS", COL_COUNT, 10 }, { "thread", "THREAD", COL_COUNT, 7 }, { "name", "NAME", COL_TEXT, -16 },
		{ "task", "TASK", COL_TEXT, -16 },
	};
	struct listing l;
	struct thread *th;
	unsigned i;

	list_begin(&l, c, columns, nitems(columns));
	for (i = 0; i < hart_count; i++) {
		/* Threads' memory stays a zone element: a stale name may show, nothing worse. */
		th = __atomic_load_n(&harts[i].thread, __ATOMIC_RELAXED);
		list_num(&l, i);
		list_num(&l, harts[i].hartid);
		list_text(&l, !harts[i].online ? "off" : th == harts[i].idle ? "idle" : "running");
		list_num(&l, harts[i].heartbeat);
		if (th == NULL || !harts[i].online) {
			list_end_row(&l);
			continue;
		}
		list_num(&l, th->id);
		list_text(&l, th->name);
		list_text(&l, th->task != NULL ? th->task->name : "");
	}
	return 0;
}

COMMAND_NAMED(show_harts, "show harts", do_show_harts, "show", "harts and what they run",
    "Index, the firmware's id, state, timer ticks, the running thread and its task.");

static int
do_show_locks(struct cmd_ctx *c)
{
	static const struct {
		const char *name;
		unsigned    rank;
		bool        chain;
	} ranks[] = {
#define X(name, rank, chain) { #name, rank, chain },
		LOCK_RANKS(X)
#undef X
	};
	static const struct column columns[] = {
		{ "rank", "RANK", COL_COUNT, 4 }, { "name", "NAME", COL_TEXT, -10 }, { "nests", "EQUAL RANKS NEST", COL_TEXT, -16 },
	};
	struct listing l;
	unsigned i;

	list_begin(&l, c, columns, nitems(columns));
	for (i = 0; i < nitems(ranks); i++) {
		list_num(&l, ranks[i].rank);
		list_text(&l, ranks[i].name);
		list_text(&l, ranks[i].chain ? "yes" : "no");
	}
	return 0;
}

COMMAND_NAMED(show_locks, "show locks", do_show_locks, "show", "the order in which locks are taken",
    "A thread takes locks of rising rank only; debug builds check every acquisition.");

/* --- check --- */

/* Adds a map, referenced, that is not there yet. */
static void
add_map(vm_map_t *maps, unsigned *n, unsigned room, vm_map_t map)
{
	unsigned i;

	for (i = 0; i < *n; i++)
		if (maps[i] == map)
			return;
	if (*n == room)
		return;
	vm_map_reference(map);
	maps[(*n)++] = map;
}

/*
 * All maps of tasks and under names, in a block of 2^*order pages of their own: by
 * the direct map, so that no other hart has to hear of it.
 */
static kern_return_t
collect_maps(struct vm_page **block, unsigned *n, unsigned *order)
{
	unsigned i, room = task_count() + 16;
	vm_map_t *maps;
	struct held *h;
	struct task *t;

	for (i = 0; held_nth(i) != NULL; i++)
		room++;
	for (*order = 0; (PAGE_SIZE << *order) < room * sizeof(vm_map_t); (*order)++)
		continue;
	*block = *order < VM_PAGE_ORDERS ? vm_page_alloc_order(*order, 0) : NULL;
	if (*block == NULL)
		return KERN_FAIL(KERN_RESOURCE_SHORTAGE, "no %u pages in one run for the list of maps", 1u << *order);
	maps = vm_page_va(*block);
	*n = 0;
	maps[(*n)++] = kernel_map;
	for (i = 0; (t = task_nth(i)) != NULL; i++) {
		if (t->map != NULL && !t->ended)
			add_map(maps, n, room, t->map);
		task_deallocate(t);
	}
	for (i = 0; (h = held_nth(i)) != NULL; i++)
		if (h->kind == CMD_MAP)
			add_map(maps, n, room, h->map);
	return KERN_SUCCESS;
}

static kern_return_t
check_pmaps(vm_map_t const *maps, unsigned n)
{
	const char *wrong;
	vm_offset_t where = 0;
	unsigned i;

	for (i = 0; i < n; i++) {
		wrong = maps[i]->pmap != NULL ? pmap_check(maps[i]->pmap, &where) : NULL;
		if (wrong != NULL)
			return KERN_FAIL(KERN_FAILURE, "pmap of map %lu at 0x%lx: %s", maps[i]->id, where, wrong);
	}
	return KERN_SUCCESS;
}

static kern_return_t
check_pages(void)
{
	struct vm_page_counts counts;
	struct vm_page *m = vm_page_census(&counts);

	if (m == NULL)
		return KERN_SUCCESS;
	return KERN_FAIL(KERN_FAILURE, "M17: page 0x%lx is where its kind (%s) cannot be", vm_page_pa(m),
	    m->kind < nitems(kind_names) ? kind_names[m->kind] : "none");
}

#define SETTLE_TRIES    100u

/* Others at rest, and what ended is gone, not half gone. */
static void
hold_others(void)
{
	uint64_t missing = 0;

	for (unsigned i = 0; i < SETTLE_TRIES; i++) {
		task_settle();
		missing = harts_hold();
		if (missing != 0 || !task_settling())
			break;
		if (i < SETTLE_TRIES - 1)
			harts_release();
	}
	for (; missing != 0; missing &= missing - 1)
		kprintf("hart %u did not come to rest: what changes meanwhile may look wrong\n",
		    (unsigned)__builtin_ctzl(missing));
}

/* All invariants, once, over the *n maps that there are. */
static kern_return_t
check_once(unsigned *n)
{
	struct vm_check_failure f;
	struct vm_page *block;
	vm_map_t *maps;
	kern_return_t kr;
	unsigned i, order;

	hold_others();
	kr = collect_maps(&block, n, &order);
	if (kr != KERN_SUCCESS) {
		harts_release();
		return kr;
	}
	maps = vm_page_va(block);
	if (!vm_check_all(maps, *n, &f))
		kr = KERN_FAIL(KERN_FAILURE, "%s: %s", f.id, f.text);
	if (kr == KERN_SUCCESS)
		kr = check_pmaps(maps, *n);
	if (kr == KERN_SUCCESS)
		kr = check_pages();
	harts_release();
	for (i = 1; i < *n; i++)
		vm_map_deallocate(maps[i]);
	vm_page_free_order(block, order);
	return kr;
}

#define LOOKS           10u
#define LOOK_AGAIN_US   2000u

/* Who sleeps in the middle of a call, for a pager say, may have left an entry half done: what is wrong stays so. */
static int
do_check(struct cmd_ctx *c)
{
	unsigned n = 0, look = 0;
	kern_return_t kr;

	do {
		kr = check_once(&n);
	} while (kr == KERN_FAILURE && ++look < LOOKS && thread_sleep_us(look * LOOK_AGAIN_US));
	return cmd_result(c, kr, "maps=%u", n);
}

COMMAND(check, do_check, "test", "verify the invariants of all maps, page tables and pages",
    "Recounts references from all maps, compares page tables with the maps, asks every page for\n"
    "its owner. Programs in the background, on whatever harts, wait meanwhile: each goes on until it\n"
    "returns to U-mode or sleeps. What one may have left half done that sleeps in the middle of a call\n"
    "(for a pager, say) is looked at again, up to ten times.\n"
    "KERN_FAILURE: the invariant that does not hold, and where");
