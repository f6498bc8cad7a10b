/*
 * place: placement against a search by brute force over the same map.
 *
 *	place [--full]          --full: 1000000 searches instead of 200000
 *
 * Random maps of some dozens of entries, random questions: every strategy, from
 * anywhere, with and without a maximum, for objects of any colour. The oracle
 * looks at each gap in turn and knows nothing of trees. What is found is often
 * taken, and ranges are removed, so that maps are full at times and empty at
 * others; now and then the map gets an index for some alignment, wanted or not.
 *
 * Then the bounds: in maps of 1000 and of 1000000 entries whose gaps are all
 * large enough and all misaligned, a search looks at as few gaps in both, and
 * one that must fail is told so at the root.
 *
 * Reports KTAP.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <mm/vm_check.h>
#include <mm/vm_map.h>
#include <mm/vm_map_find.h>
#include <host.h>
#include "../../../mm/vm_map_impl.h"

#define P       PAGE_SIZE
#define M       MEGAPAGE_SIZE
#define BASE    (64 * M)
#define SPAN    (48 * M)
#define LARGE   1000000u
#define SMALL   1000u

static unsigned failures, number;

static void
result(bool ok, const char *name)
{
	failures += !ok;
	printf("%sok %u place.%s\n", ok ? "" : "not ", ++number, name);
}

static uint64_t state = 1;

static uint64_t
draw(uint64_t below)
{
	state = state * 6364136223846793005ul + 1442695040888963407ul;
	return (state >> 33) % below;
}

/* --- the oracle --- */

/* The lowest a in [from, end - size] with a mod unit == phase and [a, a + size) free; 0: none. */
static vm_offset_t
oracle(vm_map_t map, vm_offset_t from, vm_size_t size, vm_offset_t end, vm_size_t unit, vm_offset_t phase)
{
	vm_map_entry_t e = vm_map_first_entry(map), header = vm_map_to_entry(map);
	vm_offset_t low = vm_map_min(map), high, a;

	for (;; e = e->vme_next) {
		high = e == header ? vm_map_max(map) : e->vme_start;
		a = low > from ? low : from;
		a += (unit - (a - phase) % unit) % unit;
		if (a >= low && a + size > a && a + size <= high && a + size <= end)
			return a;
		if (e == header)
			return 0;
		low = e->vme_end;
	}
}

struct question {
	vm_offset_t from, end;
	vm_size_t   size;
	uint32_t    space;
	struct vm_object *object;
	vm_object_offset_t offset;
};

static vm_offset_t
answer(vm_map_t map, const struct question *q)
{
	vm_offset_t so = (q->offset + (q->object != NULL ? q->object->color : 0)) % M, a;
	vm_size_t before = (M - so) % M;
	bool whole = q->size >= before && q->size - before >= M;

	switch (q->space) {
	case VMFS_ANY_SPACE:
		return oracle(map, q->from, q->size, q->end, P, 0);
	case VMFS_SUPER_SPACE:
		return whole ? oracle(map, q->from, q->size, q->end, M, so) : oracle(map, q->from, q->size, q->end, P, 0);
	case VMFS_OPTIMAL_SPACE:
		a = q->object != NULL && whole ? oracle(map, q->from, q->size, q->end, M, so) : 0;
		return a != 0 ? a : oracle(map, q->from, q->size, q->end, P, 0);
	default:
		return oracle(map, q->from, q->size, q->end, 1ul << (q->space >> 8), 0);
	}
}

/* --- maps and questions --- */

static bool
take(vm_map_t map, vm_offset_t at, vm_size_t size, vm_prot_t prot)
{
	struct vm_map_new w = { .prot = prot, .max = VM_PROT_ALL };
	kern_return_t kr;

	vm_map_lock(map);
	kr = vm_map_insert(map, at, at + size, &w);
	vm_map_unlock(map);
	return kr == KERN_SUCCESS;
}

static vm_map_t
random_map(void)
{
	vm_map_t map = vm_map_create(PMAP_NULL, BASE, BASE + SPAN, true);

	for (vm_offset_t at = BASE; at < BASE + SPAN; ) {
		vm_size_t size = (1 + draw(draw(8) == 0 ? 1200 : 100)) * P;

		if (size > BASE + SPAN - at)
			size = BASE + SPAN - at;
		if (draw(2) != 0)
			(void)take(map, at, size, (vm_prot_t)draw(8));
		at += size;
		if (draw(12) == 0)
			at = (at + M - 1) & ~MEGAPAGE_MASK;
	}
	return map;
}

static void
change(vm_map_t map, vm_offset_t found, vm_size_t size)
{
	vm_offset_t at = BASE + draw(SPAN / P) * P;
	struct vm_map_align align = { .mask = (1ul << (13 + draw(10))) - 1 };

	switch (draw(8)) {
	case 0:
	case 1:
	case 2:
		if (found != 0 && !take(map, found, size, (vm_prot_t)draw(8)))
			printf("# 0x%lx bytes at 0x%lx are not free\n", (unsigned long)size, (unsigned long)found);
		break;
	case 3:
	case 4:
	case 5:
		(void)vm_map_remove(map, at, at + (1 + draw(400)) * P, 0);
		break;
	case 6:
		align.phase = draw(align.mask + 1) & ~PAGE_MASK;
		vm_map_lock(map);
		vm_map_store_index(map, &align);
		vm_map_unlock(map);
		break;
	}
}

static struct question
random_question(struct vm_object *object)
{
	static const uint32_t spaces[] = { VMFS_ANY_SPACE, VMFS_OPTIMAL_SPACE, VMFS_SUPER_SPACE };
	struct question q = { .end = draw(4) == 0 ? BASE + draw(SPAN / P + 8) * P : BASE + SPAN };

	object->color = (uint32_t)(draw(512) * P * draw(2));
	q.space = draw(2) != 0 ? spaces[draw(3)] : VMFS_ALIGNED_SPACE(12 + (uint32_t)draw(14));
	q.size = (1 + draw(draw(3) == 0 ? 1600 : 60)) * P;
	q.from = draw(3) == 0 ? 0 : BASE + draw(SPAN / P) * P;
	if (draw(2) != 0)
		q.object = object;
	q.offset = draw(2) * draw(600) * P;
	return q;
}

static void
compare(uint64_t cases)
{
	static struct vm_object object;         /* only its colour is looked at */
	vm_map_t map = NULL;
	struct vm_check_failure f;
	bool ok = true;
	uint64_t found = 0;

	for (uint64_t i = 0; i < cases && ok; i++) {
		struct question q;
		struct vm_map_find_args a;
		struct vm_map_search s;
		kern_return_t kr;
		vm_offset_t expect;

		if (i % 500 == 0) {
			ok = map == NULL || vm_check_map(map, &f);
			if (!ok)
				printf("# %s: %s\n", f.id, f.text);
			vm_map_deallocate(map);
			map = random_map();
		}
		q = random_question(&object);
		a = (struct vm_map_find_args){
			.what = { .object = q.object, .offset = q.offset }, .length = q.size, .find_space = q.space,
			.max_addr = q.end == BASE + SPAN ? 0 : q.end,
		};
		expect = answer(map, &q);
		vm_map_lock(map);
		kr = vm_map_choose(map, &a, q.from, &s);
		vm_map_unlock(map);
		if (kr != (expect != 0 ? KERN_SUCCESS : KERN_NO_SPACE) || (kr == KERN_SUCCESS && s.at != expect)) {
			printf("# case %lu: strategy 0x%x, 0x%lx bytes from 0x%lx to 0x%lx, object %u offset 0x%lx: %s 0x%lx, not 0x%lx\n",
			    (unsigned long)i, q.space, (unsigned long)q.size, (unsigned long)q.from, (unsigned long)q.end,
			    q.object != NULL, (unsigned long)q.offset, kern_return_name(kr), (unsigned long)s.at, (unsigned long)expect);
			ok = false;
		}
		found += expect != 0;
		change(map, expect, q.size);
	}
	vm_map_deallocate(map);
	printf("# %lu cases, %lu with a place\n", (unsigned long)cases, (unsigned long)found);
	result(ok && found > cases / 10 && found < cases - cases / 10, "agrees_with_brute_force");
}

/* --- bounds --- */

/* n entries of one page, behind each a gap of three that holds no two pages at a multiple of 16 K, or of 2 M. */
static vm_map_t
fragmented(unsigned n)
{
	vm_map_t map = vm_map_create(PMAP_NULL, BASE, BASE + (vm_offset_t)n * 4 * P + 64 * M, true);

	for (unsigned i = 0; i < n; i++)
		if (!take(map, BASE + i * 4ul * P, P, VM_PROT_READ))
			return NULL;
	return map;
}

/* Gaps looked at, the second time it is asked. */
static uint64_t
looks(vm_map_t map, vm_size_t size, uint32_t space, vm_offset_t max_addr, vm_offset_t *at, enum vm_map_verdict *end)
{
	struct vm_map_trace trace;
	struct vm_map_find_args a = { .length = size, .find_space = space, .max_addr = max_addr, .trace = &trace };
	struct vm_map_search s;

	for (unsigned i = 0; i < 2; i++) {
		trace.n = 0;
		trace.looked = 0;
		vm_map_lock(map);
		*at = vm_map_choose(map, &a, 0, &s) == KERN_SUCCESS ? s.at : 0;
		vm_map_unlock(map);
	}
	*end = trace.look[trace.n - 1].verdict;
	return trace.looked;
}

static bool
expect(vm_map_t map, vm_size_t size, uint32_t space, vm_offset_t max_addr, vm_offset_t where, uint64_t most)
{
	enum vm_map_verdict end;
	vm_offset_t at;
	uint64_t n = looks(map, size, space, max_addr, &at, &end);

	if (n <= most && at == where && (where != 0 || most > 1 || end != GAP_MISALIGNED))
		return true;
	printf("# %lu entries: 0x%lx bytes by strategy 0x%x: 0x%lx, %lu gaps looked at; not 0x%lx, at most %lu\n",
	    (unsigned long)map->hdr.nentries, (unsigned long)size, space, (unsigned long)at, (unsigned long)n,
	    (unsigned long)where, (unsigned long)most);
	return false;
}

static bool
bounded(vm_map_t map, unsigned n)
{
	vm_offset_t last = BASE + (vm_offset_t)n * 4 * P, super = (last - 3 * P + M - 1) & ~MEGAPAGE_MASK;

	return expect(map, 4 * P, VMFS_ANY_SPACE, 0, last - 3 * P, 2) &
	    expect(map, 3 * P, VMFS_ALIGNED_SPACE(14), 0, last, 2) &
	    expect(map, M, VMFS_SUPER_SPACE, 0, super, 3) &
	    expect(map, 3 * P, VMFS_ALIGNED_SPACE(21), 0, super, 3) &
	    expect(map, 128 * M, VMFS_ANY_SPACE, 0, 0, 1) &
	    expect(map, 128 * M, VMFS_SUPER_SPACE, 0, 0, 1) &
	    expect(map, 3 * P, VMFS_ALIGNED_SPACE(40), 0, 0, 1) &
	    expect(map, 3 * P, VMFS_ALIGNED_SPACE(14), last, 0, 2);
}

static void
bounds(unsigned n, const char *name)
{
	vm_map_t map = fragmented(n);

	result(map != NULL && map->hdr.nentries == n && bounded(map, n), name);
	vm_map_deallocate(map);
}

int
main(int argc, char **argv)
{
	printf("KTAP version 1\n1..3\n");
	host_boot(64ul << 20);
	compare(argc > 1 && strcmp(argv[1], "--full") == 0 ? 1000000 : 200000);
	bounds(SMALL, "looks_at_few_gaps_of_a_thousand");
	host_boot(192ul << 20);
	bounds(LARGE, "looks_at_few_gaps_of_a_million");
	return failures != 0;
}
