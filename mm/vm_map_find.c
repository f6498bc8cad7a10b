/*
 * vm_map_find.c: where a new range goes.
 *
 * Placement is a pure function over the store: it looks at gaps and changes
 * nothing, so that it can be tested without objects and explained to people.
 *
 *   strategy    the lowest address a >= from such that [a, a + size) is free and
 *   ANY           nothing else
 *   SUPER         a is congruent to the object's superpages: a = phase mod 2 MiB
 *   OPTIMAL       SUPER; failing that ANY
 *   ALIGNED(n)    a = 0 mod 2^n
 *   Mach's mask   a has none of these bits; for a mask that is not 2^n - 1 the
 *                 first such address in a gap is Mach's (at + mask) & ~mask
 *
 * All but ANY are first fit with an alignment (struct vm_map_align). Only gaps
 * of at least `size` are visited, each found in O(log n) by the gap tree. A gap
 * may be large enough and yet hold no aligned place. Where many are passed over
 * for that (MISSES, and an eighth of the entries, over all searches), the map
 * gets an index of its gaps for this alignment (vm_map_store.c): from then on
 * each step finds the next gap that fits, and a search that must fail is told so
 * at the root, as it is for ANY. A map has one index: what alternates
 * between alignments that are hard pays O(n) at each change, and the same then.
 * An index that no search has used for as many changes is given up.
 * An index for a coarser demand (fewer bits, the same phase) serves as well as
 * it can.
 *
 * A new strategy is a function and its line in the table `strategies`.
 *
 * Around one search vm_map_choose has those that a map may ask for: near the
 * anonymous memory there is (VM_MAP_CLUSTER), or at random (VM_MAP_ASLR); failing
 * that the plain one follows.
 *
 * Random places need random numbers from outside: the machine's owner seeds a
 * generator once (vm_map_random_seed), and mixes in more whenever it likes; a
 * map with VM_MAP_ASLR has one of its own, seeded by whoever asked for that.
 *
 * Locks: the map's; for writing where there is an alignment, since an index may
 * be made.
 */
#include <mm/vm_map_find.h>
#include "vm_map_impl.h"

#define MISSES          32      /* gaps that a search passes over before it thinks of an index */
#define ASLR_PAGES      0x1000u /* places that ASLR chooses from: so many pages apart, */
#define ASLR_MEGAPAGES  0x10u   /* or megapages, for what may use them */

static uint64_t vm_map_random_state;

void
vm_map_random_seed(uint64_t seed)
{
	__atomic_fetch_xor(&vm_map_random_state, seed, __ATOMIC_RELAXED);
}

/* The state is a counter in steps of the golden ratio; its bits are mixed so that each depends on all. */
#define RANDOM_STEP     0x9e3779b97f4a7c15ul

static inline uint64_t
mix(uint64_t x)
{
	x = (x ^ x >> 32) * 0xd6e8feb86659fd93ul;
	x = (x ^ x >> 29) * 0xd6e8feb86659fd93ul;
	return x ^ x >> 32;
}

uint64_t
vm_map_random(void)
{
	return mix(__atomic_add_fetch(&vm_map_random_state, RANDOM_STEP, __ATOMIC_RELAXED));
}

vm_map_entry_t
vm_map_first_free(vm_map_t map)
{
	vm_map_entry_t header = vm_map_to_entry(map), e;

	if (vm_map_gap_after(map, header) != 0)
		return header;
	e = vm_map_store_next_gap(map, header, 1);
	return e != NULL ? e : vm_map_last_entry(map);
}

/* --- one search --- */

static inline vm_offset_t
gap_start(vm_map_t map, vm_map_entry_t e)
{
	return e == vm_map_to_entry(map) ? map->min_offset : e->vme_end;
}

static inline vm_offset_t
gap_end(vm_map_t map, vm_map_entry_t e)
{
	return e->vme_next == vm_map_to_entry(map) ? map->max_offset : e->vme_next->vme_start;
}

/* For whoever asked: the gap after e (NULL: there is none) was judged so. */
static noinline void
record(vm_map_t map, const struct vm_map_search *s, vm_map_entry_t e, vm_offset_t at, enum vm_map_verdict verdict)
{
	struct vm_map_trace *t = s->trace;

	if (e != NULL)
		t->looked++;
	if (t->n == VM_MAP_TRACE_MAX) {
		if (verdict == GAP_MISALIGNED || verdict == GAP_TOO_SMALL)
			return;
		t->n--;                         /* how it ended is worth more than the last one passed over */
	}
	t->look[t->n++] = (struct vm_map_look){
		.start = e != NULL ? gap_start(map, e) : 0, .end = e != NULL ? gap_end(map, e) : 0, .at = at,
		.try = s->try, .verdict = verdict, .strategy = s->strategy,
	};
}

static inline void
look(vm_map_t map, const struct vm_map_search *s, vm_map_entry_t e, vm_offset_t at, enum vm_map_verdict verdict)
{
	if (unlikely(s->trace != NULL))
		record(map, s, e, at, verdict);
}

/* Does the map's index know something of this alignment? */
static inline bool
index_serves(const struct vm_map_align *index, const struct vm_map_align *want)
{
	if (!vm_map_align_is_plain(want) || !vm_map_align_is_plain(index))
		return index->mask == want->mask && index->mask != 0;
	return index->mask != 0 && index->mask <= want->mask && ((index->phase ^ want->phase) & index->mask) == 0;
}

/* The next gap after e's that may do; missed: those passed over in this search. */
static vm_map_entry_t
next_gap(vm_map_t map, vm_map_entry_t e, const struct vm_map_search *s, uint64_t missed)
{
	if (s->align.mask == 0)
		return vm_map_store_next_gap(map, e, s->size);
	if (missed >= MISSES && ++map->align_missed > map->hdr.nentries / 8 &&
	    (map->align.mask != s->align.mask || map->align.phase != s->align.phase))
		vm_map_store_index(map, &s->align);
	if (index_serves(&map->align, &s->align))
		return vm_map_store_next_aligned(map, e, s->size);
	return vm_map_store_next_gap(map, e, s->size);
}

/* All first fits. */
static bool
first_fit(vm_map_t map, struct vm_map_search *s)
{
	vm_offset_t at = s->from > map->min_offset ? s->from : map->min_offset, limit, a;
	vm_map_entry_t e;

	if (vm_map_lookup_entry(map, at, &e))
		at = e->vme_end;
	for (uint64_t missed = 0; ; missed++) {
		limit = gap_end(map, e);
		if (!vm_map_align(at, &s->align, &a) || s->size > s->end || a > s->end - s->size) {
			look(map, s, e, at, GAP_BEYOND);
			return false;
		}
		if (a <= limit && s->size <= limit - a)
			break;
		look(map, s, e, a, limit - at < s->size ? GAP_TOO_SMALL : GAP_MISALIGNED);
		e = next_gap(map, e, s, missed);
		if (e == NULL) {
			look(map, s, NULL, limit, GAP_NONE_LEFT);
			return false;
		}
		at = e->vme_end;
	}
	look(map, s, e, a, GAP_TAKEN);
	s->at = a;
	s->after = e;
	return true;
}

/* ANY and a mask, without ado: what vm_map_enter asks for. */
kern_return_t
vm_map_find_first_fit(vm_map_t map, vm_offset_t from, vm_size_t size, vm_offset_t mask,
    vm_offset_t *addr, vm_map_entry_t *after)
{
	vm_offset_t min = map->min_offset, max = map->max_offset, at, limit;
	vm_map_entry_t e, below;        /* below: no gap that will do ends before this one does */

	if (from < min)
		from = min;
	if (from >= max || size > max - from)
		return KERN_FAIL(KERN_NO_SPACE, "0x%lx bytes from 0x%lx on do not fit below 0x%lx",
		    size, from, max);
	if (unlikely((mask & ~PAGE_MASK) != 0)) {
		struct vm_map_search s = { .from = from, .size = size, .end = max, .align.mask = mask | PAGE_MASK };

		if (first_fit(map, &s)) {
			*addr = s.at;
			*after = s.after;
			return KERN_SUCCESS;
		}
		return KERN_FAIL(KERN_NO_SPACE, "no gap of 0x%lx bytes (address mask 0x%lx) from 0x%lx to 0x%lx",
		    size, mask, from, max);
	}
	/* Most searches begin at the bottom: the tree is not asked where that is, and is searched from its root. */
	at = from;
	e = map->hdr.links.next;
	if (likely(from >= e->vme_start && from < e->vme_end && e != vm_map_to_entry(map))) {
		at = e->vme_end;
		below = vm_map_to_entry(map);
	} else {
		if (vm_map_lookup_entry(map, from, &e))
			at = e->vme_end;
		below = e;
	}
	limit = gap_end(map, e);
	if (size > limit - at) {
		e = vm_map_store_next_gap(map, below, size);
		if (e == NULL)
			return KERN_FAIL(KERN_NO_SPACE, "no gap of 0x%lx bytes from 0x%lx to 0x%lx", size, from, max);
		at = e->vme_end;
	}
	*addr = at;
	*after = e;
	return KERN_SUCCESS;
}

/* --- strategies --- */

static bool
any_space(vm_map_t map, struct vm_map_search *s)
{
	s->strategy = "any";
	s->align = (struct vm_map_align){ 0, 0 };
	return first_fit(map, s);
}

/* Where no whole superpage of the object lies in the range there is nothing to align. */
static bool
super_space(vm_map_t map, struct vm_map_search *s)
{
	vm_size_t before = -s->phase & MEGAPAGE_MASK;

	s->strategy = "super";
	s->align = (struct vm_map_align){ 0, 0 };
	if (s->size >= before && s->size - before >= MEGAPAGE_SIZE)
		s->align = (struct vm_map_align){ .mask = MEGAPAGE_MASK, .phase = s->phase };
	return first_fit(map, s);
}

static bool
optimal_space(vm_map_t map, struct vm_map_search *s)
{
	return (s->colored && super_space(map, s)) || any_space(map, s);
}

static bool
aligned_space(vm_map_t map, struct vm_map_search *s)
{
	s->strategy = "aligned";
	s->align = (struct vm_map_align){ .mask = s->mask };
	return first_fit(map, s);
}

/* By VMFS_*, and the last one for VMFS_ALIGNED_SPACE and Mach's mask. */
static bool (*const strategies[])(vm_map_t map, struct vm_map_search *s) = {
	[VMFS_ANY_SPACE] = any_space,
	[VMFS_OPTIMAL_SPACE] = optimal_space,
	[VMFS_SUPER_SPACE] = super_space,
	[VM_MAP_ALIGNED_STRATEGY] = aligned_space,
};

bool
vm_map_strategy_known(uint32_t find_space)
{
	uint32_t n = find_space >> 8;

	if (n == 0)
		return find_space <= VMFS_SUPER_SPACE;
	return (find_space & 0xff) == 0 && n >= PAGE_SHIFT && n < 64;
}

/* --- a place, by the map's options --- */

/* The strategy from `from` on. */
static bool
try_from(vm_map_t map, struct vm_map_search *s, vm_offset_t from)
{
	s->try++;
	s->from = from;
	return strategies[s->method](map, s);
}

/*
 * At random: a gap that has room for some pages more, as first fit finds it, and of these pages one. FALSE: none has.
 */
static bool
try_random(vm_map_t map, struct vm_map_search *s, vm_offset_t start)
{
	bool mega = s->size >= MEGAPAGE_SIZE && (s->method == VMFS_SUPER_SPACE || s->method == VMFS_OPTIMAL_SPACE);
	uint64_t places = mega ? ASLR_MEGAPAGES : ASLR_PAGES;
	vm_size_t unit = mega ? MEGAPAGE_SIZE : PAGE_SIZE;
	struct vm_map_search wide = { .from = start, .size = s->size + places * unit, .end = map->max_offset,
		.trace = s->trace, .try = s->try + 1 };

	if (wide.size < s->size || !any_space(map, &wide))
		return false;
	map->random += RANDOM_STEP;
	return try_from(map, s, wide.at + mix(map->random) % places * unit);
}

/* Is this memory that is put near other anonymous memory? */
static bool
clusters(vm_map_t map, const struct vm_map_find_args *a, vm_offset_t start)
{
	if (!(map->options & (VM_MAP_CLUSTER | VM_MAP_CLUSTER_ALWAYS)))
		return false;
	if (!(map->options & VM_MAP_CLUSTER_ALWAYS) && !(a->what.cow & MAP_NO_HINT) && start != 0)
		return false;
	return a->max_addr == 0 && a->what.object == NULL && a->what.prot != VM_PROT_NONE &&
	    !(a->what.cow & (MAP_INHERIT_SHARE | MAP_STACK_GROWS_DOWN | MAP_STACK_GROWS_UP));
}

static kern_return_t
no_space(const struct vm_map_search *s, vm_offset_t start)
{
	if (s->align.mask == 0)
		return KERN_FAIL(KERN_NO_SPACE, "no gap of 0x%lx bytes from 0x%lx to 0x%lx", s->size, start, s->end);
	if (s->align.phase != 0)
		return KERN_FAIL(KERN_NO_SPACE, "no gap from 0x%lx to 0x%lx holds 0x%lx bytes at an address congruent to 0x%lx, mod 2M",
		    start, s->end, s->size, s->align.phase);
	if ((s->align.mask & (s->align.mask + 1)) == 0)
		return KERN_FAIL(KERN_NO_SPACE, "no gap from 0x%lx to 0x%lx holds 0x%lx bytes at a multiple of 0x%lx", start,
		    s->end, s->size, s->align.mask + 1);
	return KERN_FAIL(KERN_NO_SPACE, "no gap from 0x%lx to 0x%lx holds 0x%lx bytes at an address without the bits 0x%lx", start,
	    s->end, s->size, s->align.mask);
}

static void
search_init(struct vm_map_search *s, vm_map_t map, const struct vm_map_find_args *a)
{
	vm_object_t object = a->what.object;
	uint32_t n = a->find_space >> 8;

	*s = (struct vm_map_search){ .size = a->length, .end = map->max_offset, .trace = a->trace };
	if (a->max_addr != 0 && a->max_addr < s->end)
		s->end = a->max_addr;
	s->method = n != 0 ? VM_MAP_ALIGNED_STRATEGY : a->find_space;
	s->mask = n != 0 ? (1ul << n) - 1 : 0;
	s->colored = object != NULL && !object->phys_contiguous;
	s->phase = (a->what.offset + (s->colored ? object->color : 0)) & MEGAPAGE_MASK;
}

static kern_return_t
choose(vm_map_t map, const struct vm_map_find_args *a, vm_offset_t start, struct vm_map_search *s)
{
	bool cluster = clusters(map, a, start), found = false;
	vm_offset_t plain = start;

	s->clustered = cluster;
	if (unlikely(map->options & VM_MAP_ASLR) && (map->options & VM_MAP_ASLR_IGNSTART))
		plain = map->min_offset;
	if (unlikely(cluster) && map->anon_loc != 0)
		found = try_from(map, s, map->anon_loc);
	else if (unlikely(map->options & VM_MAP_ASLR))
		found = try_random(map, s, start == 0 ? plain : start);
	if (found || try_from(map, s, plain))
		return KERN_SUCCESS;
	return no_space(s, start);
}

kern_return_t
vm_map_choose(vm_map_t map, const struct vm_map_find_args *a, vm_offset_t start, struct vm_map_search *s)
{
	search_init(s, map, a);
	return choose(map, a, start, s);
}

kern_return_t
vm_map_choose_masked(vm_map_t map, const struct vm_map_find_args *a, vm_offset_t start, vm_offset_t mask,
    struct vm_map_search *s)
{
	search_init(s, map, a);
	if ((mask & ~PAGE_MASK) != 0) {
		s->method = VM_MAP_ALIGNED_STRATEGY;
		s->mask = mask | PAGE_MASK;
	}
	return choose(map, a, start, s);
}

/* --- the calls that only look --- */

vm_offset_t
vm_map_findspace(vm_map_t map, vm_offset_t start, vm_size_t length)
{
	vm_offset_t addr;
	vm_map_entry_t after;

	if (vm_map_find_first_fit(map, start, length, 0, &addr, &after) == KERN_SUCCESS)
		return addr;
	return map->max_offset - length + 1;
}

kern_return_t
vm_map_find_aligned(vm_map_t map, vm_offset_t *addr, vm_size_t length, vm_offset_t max_addr, vm_offset_t alignment)
{
	struct vm_map_search s = { .from = *addr, .size = length, .end = map->max_offset };

	if ((alignment & (alignment - 1)) != 0 || length == 0 || !page_aligned(length | *addr))
		return KERN_FAIL(KERN_INVALID_ARGUMENT, "0x%lx bytes from 0x%lx on, aligned to 0x%lx", length, *addr, alignment);
	if (max_addr != 0 && max_addr < s.end)
		s.end = max_addr;
	s.mask = alignment > PAGE_SIZE ? alignment - 1 : 0;
	if (!aligned_space(map, &s))
		return no_space(&s, *addr);
	*addr = s.at;
	return KERN_SUCCESS;
}

void
vm_map_entry_resize_free(vm_map_t map, vm_map_entry_t entry)
{
	vm_map_store_gap_changed(map, entry);
}

void
vm_map_entry_resize(vm_map_t map, vm_map_entry_t entry, int64_t grow)
{
	KASSERT((grow < 0 ? (vm_size_t)-grow < entry->vme_end - entry->vme_start :
	    (vm_size_t)grow <= gap_end(map, entry) - entry->vme_end),
	    ("entry [0x%lx, 0x%lx) grows by %ld", (unsigned long)entry->vme_start, (unsigned long)entry->vme_end, (long)grow));
	vm_map_store_resize(map, entry, entry->vme_start, entry->vme_end + (uint64_t)grow);
}

/* --- options --- */

kern_return_t
vm_map_check_wxorx(vm_map_t map, vm_prot_t prot)
{
	if ((map->options & VM_MAP_WXORX) && (~prot & (VM_PROT_WRITE | VM_PROT_EXECUTE)) == 0)
		return KERN_FAIL(KERN_PROTECTION_FAILURE, "map %lu has no memory that is writable and executable", map->id);
	return KERN_SUCCESS;
}

kern_return_t
vm_map_set_options(vm_map_t map, uint32_t options, uint64_t seed)
{
	if (options & ~VM_MAP_OPTIONS)
		return KERN_FAIL(KERN_INVALID_ARGUMENT, "options 0x%x: unknown bits 0x%x", options, options & ~VM_MAP_OPTIONS);
	vm_map_lock(map);
	map->options = options;
	map->random = seed;
	map->anon_loc = 0;
	if (options & (VM_MAP_CLUSTER | VM_MAP_CLUSTER_ALWAYS | VM_MAP_WXORX))
		map->special = true;    /* removals look at anon_loc, protections at the option */
	vm_map_unlock(map);
	return KERN_SUCCESS;
}
