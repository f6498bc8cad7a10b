/*
 * cmd_tlb_reach.c: tlb_reach: how far a TLB reaches over what a task has mapped.
 *
 * A pointer chase over [addr, addr + size), one load a step, each on another
 * page in an order that repeats only when all pages had their turn, is run past
 * a model of a TLB, and past the real page tables:
 *
 *   step ──> L1: 32 entries, any place ──miss──> L2: 512 entries, 4 ways ──miss──> walk
 *            (first in, first out)               (set by page number)       an access each level
 *
 * An entry stands for a whole leaf, whatever its size, and holds 2 MiB or a group
 * of 64 KiB (Svnapot) as well as 4 KiB. A walk goes from the root, as on a hart that caches no
 * directories, and its accesses are what pmap_walk went through. Nothing is
 * accessed and nothing faults: what is not mapped is counted and passed over.
 *
 * So the figures are the tables', not a machine's: they tell what megapages do
 * for reach, on any emulator.
 */
#include <string.h>
#include <machine/vmparam.h>
#include <mm/pmap.h>
#include "held.h"

#define L1_ENTRIES      32u
#define L2_SETS         128u
#define L2_WAYS         4u
#define STEPS_MAX       1000000u
#define GROUP_SHIFT     ((unsigned)__builtin_ctzl(PMAP_GROUP_SIZE))

struct entry {
	uint64_t    page;               /* va / size, + 1; 0: none */
	unsigned    shift;
};

struct reach {
	struct entry l1[L1_ENTRIES], l2[L2_SETS][L2_WAYS];
	unsigned     next1, next2[L2_SETS];
	uint64_t     hits1, hits2, walks, accesses, absent, large, groups;
};

static inline bool
covers(const struct entry *e, vm_offset_t va)
{
	return e->page == (va >> e->shift) + 1;
}

static bool
in_l2(const struct reach *r, vm_offset_t va, struct entry *found)
{
	static const unsigned char shifts[] = { PAGE_SHIFT, GROUP_SHIFT, MEGAPAGE_SHIFT, GIGAPAGE_SHIFT };

	for (unsigned i = 0; i < nitems(shifts); i++)
		for (unsigned way = 0; way < L2_WAYS; way++) {
			const struct entry *e = &r->l2[(va >> shifts[i]) % L2_SETS][way];

			if (e->shift == shifts[i] && covers(e, va)) {
				*found = *e;
				return true;
			}
		}
	return false;
}

static void
step(struct reach *r, pmap_t pmap, vm_offset_t va)
{
	struct pmap_walk w;
	struct entry e;
	unsigned set;

	for (unsigned i = 0; i < L1_ENTRIES; i++)
		if (covers(&r->l1[i], va)) {
			r->hits1++;
			return;
		}
	if (in_l2(r, va, &e))
		r->hits2++;
	else {
		pmap_walk(pmap, va, &w);
		r->walks++;
		r->accesses += w.levels;
		if (!w.leaf) {
			r->absent++;
			return;
		}
		r->large += w.size > PAGE_SIZE;
		r->groups += w.group;
		e.shift = w.group ? GROUP_SHIFT : (unsigned)__builtin_ctzl(w.size);
		e.page = (va >> e.shift) + 1;
		set = (va >> e.shift) % L2_SETS;
		r->l2[set][r->next2[set]++ % L2_WAYS] = e;
	}
	r->l1[r->next1++ % L1_ENTRIES] = e;
}

/* Odd steps over a power of two visit every place once; those beyond the pages are left out. */
static void
chase(struct reach *r, pmap_t pmap, vm_offset_t addr, uint64_t pages, uint64_t steps)
{
	uint64_t mask = 1, at = 0;

	while (mask < pages)
		mask <<= 1;
	mask--;
	for (uint64_t n = 0; n < steps && !cmd_interrupted(); n++) {
		do
			at = (at * 6364136223846793005ul + 1442695040888963407ul) & mask;
		while (at >= pages);
		step(r, pmap, addr + (at << PAGE_SHIFT));
	}
}

static int
do_tlb_reach(struct cmd_ctx *c)
{
	static struct reach r;          /* the shell runs one command at a time */
	vm_map_t map = cmd_map_to_show(&c->arg[0]);
	vm_offset_t addr = c->arg[1].num & ~PAGE_MASK;
	uint64_t size = c->arg[2].num, steps = c->arg[3].num;

	if (map == VM_MAP_NULL || map->pmap == PMAP_NULL)
		return cmd_result(c, KERN_FAIL(KERN_INVALID_ARGUMENT, "the map has no page tables of its own"), NULL);
	if (size < PAGE_SIZE || addr >= vm_max_address || size > vm_max_address - addr)
		return cmd_result(c, KERN_FAIL(KERN_INVALID_ARGUMENT, "0x%lx bytes at 0x%lx are not pages of user space",
		    size, addr), NULL);
	if (steps == 0 || steps > STEPS_MAX)
		return cmd_result(c, KERN_FAIL(KERN_INVALID_ARGUMENT, "%lu steps are not 1 to %u", steps, STEPS_MAX), NULL);
	memset(&r, 0, sizeof(r));
	chase(&r, map->pmap, addr, size >> PAGE_SHIFT, steps);
	cmd_set_num("walks", r.walks);
	cmd_set_num("accesses", r.accesses);
	cmd_set_num("absent", r.absent);
	return cmd_result(c, KERN_SUCCESS, "steps=%lu l1_hits=%lu l2_hits=%lu walks=%lu large=%lu groups=%lu absent=%lu accesses=%lu "
	    "per_step=%lu.%02lu", steps, r.hits1, r.hits2, r.walks, r.large, r.groups, r.absent, r.accesses, r.accesses / steps,
	    r.accesses % steps * 100 / steps);
}

COMMAND(tlb_reach, do_tlb_reach, "show", "accesses to page tables of a pointer chase past a model of a TLB",
    "Steps from page to page of [ADDR, ADDR+SIZE) in an order that visits each once, by a TLB of\n"
    "32 entries, behind it 512 in 4 ways, each for a leaf of any size; a miss walks the real page\n"
    "tables from the root. Counts hits, walks, walks that ended at a megapage or larger, at a leaf of\n"
    "a group of 64K (which one entry holds), pages that are not mapped (passed over, no fault), and accesses to tables. Sets $walks $accesses $absent.\n"
    "KERN_INVALID_ARGUMENT: no page tables, not in user space, or steps not of 1 to 1000000.",
    ARG(MAP, "map"), ARG(NUM, "addr"), ARG(SIZE, "size"), OPT(NUM, "steps", "100000"));
