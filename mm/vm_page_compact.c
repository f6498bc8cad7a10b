/*
 * vm_page_compact.c: free megapages out of scattered free pages.
 *
 *   before   [u.u..uu.][..u..u.u][u...u.u.]     u: an object's page, .: free
 *   chosen              ^^^^^^^^                least in use, nothing in it that must stay
 *   isolated [u.u..uu.][ooUooUoU][u...u.u.]     o: taken off the free lists
 *   moved    [uuu.Uuu.][oooooooo][u...uUu.]     to pages elsewhere
 *   free     [uuu.uuu.][  block ][u...uuu.]
 *
 * A frame is a physical megapage. What must stay: the kernel's pages, page
 * tables, wired pages, and pages that are busy. Frames are chosen by a look at
 * their page structures without any lock, which is a guess; the pages in them
 * are found from their side, by going through the objects: from a page one
 * cannot come to its object safely, but an object on the list can be locked. An
 * object that somebody has locked is passed over, and the frame perhaps lost.
 *
 * A page moves with its object locked: all its leaves go, fences completed, the
 * contents are copied, and what is known of it (referenced, modified, flags, the
 * pager's lock) goes along. Who uses it faults once, and finds it. In chunks
 * where several pages move, and none is wired, all leaves go in one batch.
 *
 * Where it is reservations that hold what is free, the least useful of them are
 * broken first; then their frames are frames like others. Full ones stay.
 *
 * Bounded: LOOKS frames are looked at, from where the last look ended; at most
 * VM_PAGE_COMPACT_MOST of them emptied, with at most VM_PAGE_COMPACT_USED pages in
 * each; the way through the objects ends when all their pages have moved. After a
 * call in vain twice as many that want a megapage pass before the next one tries,
 * or until a sixteenth of memory has become free.
 *
 * Invariants: a page of kind ISOLATED is on no list and has no owner but this
 * file; `targets` says which frames they are in; none is left after a call.
 *
 * Locks: one call at a time (an atomic flag, nobody waits). The free lists' own
 * for isolating; object locks by try (vm_object_sweep), one at a time.
 * Failure: frames that could not be emptied are given back page by page; what
 * has moved stays where it is.
 */
#include <mm/pmap.h>
#include <mm/vm_page_compact.h>
#include <mm/vm_reserv.h>
#include "vm_object_impl.h"
#include "vm_page_impl.h"

#define FRAME       VM_CHUNK_PAGES      /* pages of a frame */
#define FRAMES_MAX  65536u              /* of all memory that the direct map reaches: 128 GiB */
#define LOOKS       1024u               /* frames */
#define USED_MAX    384u                /* pages of a frame that are worth moving */
#define TOGETHER    8u                  /* pages of a chunk: from there on its leaves go at once */
#define DEFER_MAX   1024u

/* Frames that follow each other, to become one. */
struct target {
	pfn_t    base;
	uint32_t frames;
	uint32_t used;                  /* pages in use, when it was looked at */
};

static struct {
	uint32_t      busy;             /* somebody is at it */
	uint32_t      skip, penalty;    /* requests to pass over now, and after the next failure */
	uint64_t      free;             /* pages that were free when it failed */
	unsigned      segment;          /* where the next look begins */
	pfn_t         frame;
	uint64_t      in[FRAMES_MAX / 64];      /* frames that are being emptied */
	struct target target[VM_PAGE_COMPACT_MOST];
	unsigned      n;
	uint64_t      to_move;          /* pages that the targets still hold, as far as is known */
	struct vm_page_compact_counts counts;
} state;

static inline bool
is_target(pfn_t pfn)
{
	pfn_t frame = pfn / FRAME;

	return frame < FRAMES_MAX && (state.in[frame / 64] >> (frame % 64) & 1) != 0;
}

static void
mark(const struct target *t, bool on)
{
	for (pfn_t f = t->base / FRAME; f < t->base / FRAME + t->frames; f++)
		if (on)
			state.in[f / 64] |= 1ul << (f % 64);
		else
			state.in[f / 64] &= ~(1ul << (f % 64));
}

/* --- choosing --- */

enum { MUST_STAY = ~0u };

/*
 * Pages in use of the frame that begins with m, if all of them can move; MUST_STAY: they cannot, or there is nothing to do.
 * whole: a frame that is free, or a reservation, is a block like others. No lock: a guess.
 */
VM_PAGE_RACY static unsigned
frame_used(const struct vm_page *m, bool whole)
{
	unsigned used = 0, step;

	for (unsigned i = 0; i < FRAME; i += step) {
		const struct vm_page *p = m + i;

		step = p->order < VM_PAGE_ORDERS ? 1u << p->order : 1;
		switch (p->kind) {
		case VM_PAGE_FREE:
			if (step == FRAME && !whole)
				return MUST_STAY;
			break;
		case VM_PAGE_CACHED:            /* will be on the lists when it has been drained */
			used += whole ? 0 : step;
			break;
		case VM_PAGE_OBJECT:
			if (step == FRAME || p->wire_count != 0 || (p->flags & (VM_PAGE_BUSY | VM_PAGE_ABSENT | VM_PAGE_ERROR)))
				return MUST_STAY;
			used++;
			break;
		default:
			return MUST_STAY;
		}
	}
	return used;
}

/* Puts t among the targets, those with the fewest pages first; the last one may drop out. */
static void
remember(pfn_t base, unsigned used, unsigned wanted)
{
	unsigned i;

	if (state.n == wanted) {
		if (used >= state.target[wanted - 1].used)
			return;
		state.n--;
	}
	for (i = state.n++; i > 0 && state.target[i - 1].used > used; i--)
		state.target[i] = state.target[i - 1];
	state.target[i] = (struct target){ .base = base, .frames = 1, .used = used };
}

/* The next frame to look at, and where; NULL: no segment holds a whole one. */
static struct vm_page *
next_frame(void)
{
	for (unsigned tries = 0; tries <= vm_phys_nsegs; tries++) {
		const struct vm_phys_seg *s;
		pfn_t first, end;

		if (state.segment >= vm_phys_nsegs)
			state.segment = 0;
		s = &vm_phys_seg[state.segment];
		first = (pfn_t)((s->start + MEGAPAGE_MASK) >> MEGAPAGE_SHIFT) * FRAME;
		end = (pfn_t)(s->end >> MEGAPAGE_SHIFT) * FRAME;
		if (state.frame < first)
			state.frame = first;
		if (state.frame < end) {
			state.frame += FRAME;
			return &s->pages[state.frame - FRAME - (s->start >> PAGE_SHIFT)];
		}
		state.segment++;
		state.frame = 0;
	}
	return NULL;
}

/* Up to `wanted` frames, marked; those with the fewest pages of what is looked at, but no more pages than have room elsewhere. */
static void
choose(unsigned wanted)
{
	uint64_t frames = vm_page_stock.total / FRAME, room, used = 0;
	struct vm_page_counts n;
	struct vm_page *m;

	state.n = 0;
	for (unsigned looks = 0; looks < LOOKS && looks < frames && (m = next_frame()) != NULL; looks++) {
		unsigned u = frame_used(m, false);

		if (u <= USED_MAX && m->pfn / FRAME < FRAMES_MAX)
			remember(m->pfn, u, wanted);
		if (state.n == wanted && state.target[wanted - 1].used <= FRAME / 4)
			break;
	}
	vm_page_counts(&n);
	room = n.free > 2 * n.reserved ? n.free - 2 * n.reserved : 0;
	for (unsigned i = 0; i < state.n; i++) {
		/* Its own free pages are no room. */
		used += FRAME;
		if (used > room)
			state.n = i;
	}
}

/* --- isolating --- */

/*
 * The free pages of t leave the free lists. Pages in caches do not count as free,
 * nor do those that only look free: the inside of a block that its owner, who
 * needs no lock for that, is about to break has kind FREE, too, but heads nothing.
 * Returns how many pages are isolated now, with those that were before.
 */
static uint64_t
isolate(const struct target *t)
{
	struct vm_page *m = vm_page_of_pfn(t->base), *end = m + t->frames * FRAME;
	uint64_t n = 0, size;

	spin_lock(&vm_page_stock.lock);
	for (; m < end; m += size) {
		size = m->order < VM_PAGE_ORDERS ? 1ul << m->order : 1;
		if (m->order < VM_PAGE_ORDERS && vm_page_heads_free(m, m->order)) {
			vm_page_buddy_withdraw(m);
			m->kind = VM_PAGE_ISOLATED;
		}
		if (m->kind == VM_PAGE_ISOLATED)
			n += size;
	}
	spin_unlock(&vm_page_stock.lock);
	return n;
}

/* All of t is isolated: it becomes blocks of a megapage, kind KERNEL. No page inside may look isolated ever after. */
static void
join(const struct target *t)
{
	struct vm_page *m = vm_page_of_pfn(t->base);

	for (uint32_t i = 0; i < t->frames * FRAME; i++)
		vm_page_describe(m + i, VM_PAGE_KERNEL, i % FRAME == 0 ? VM_PAGE_ORDER_MEGA : VM_PAGE_NO_ORDER, 0);
}

/* Not all of t is isolated: what is goes back to the free lists. */
static void
give_up(const struct target *t)
{
	struct vm_page *m = vm_page_of_pfn(t->base), *end = m + t->frames * FRAME;
	uint64_t size;

	spin_lock(&vm_page_stock.lock);
	for (; m < end; m += size) {
		size = m->order < VM_PAGE_ORDERS ? 1ul << m->order : 1;
		if (m->kind == VM_PAGE_ISOLATED) {
			m->kind = VM_PAGE_KERNEL;
			vm_page_buddy_give(m, m->order, false);
		}
	}
	spin_unlock(&vm_page_stock.lock);
}

/* --- moving --- */

/* A page outside the targets, or NULL. Pages of targets that come along are isolated, too. */
static struct vm_page *
page_elsewhere(void)
{
	struct vm_page *m;

	while ((m = vm_page_alloc(VM_PAGE_USER)) != NULL && is_target(m->pfn)) {
		m->kind = VM_PAGE_ISOLATED;
		state.to_move -= state.to_move != 0;
	}
	return m;
}

static inline bool
can_move(const struct vm_page *m)
{
	return m->wire_count == 0 && !(m->flags & (VM_PAGE_BUSY | VM_PAGE_ABSENT | VM_PAGE_ERROR));
}

/* The page at slot of c, single, moves; no leaf maps it. FALSE: no page. Object locked. */
static bool
move_page(struct vm_chunk *c, unsigned slot)
{
	struct vm_page *m = vm_chunk_page(c, slot), *n = page_elsewhere();

	if (n == NULL)
		return false;
	vm_page_copy(n, m);
	vm_page_describe(n, VM_PAGE_OBJECT, 0, m->flags);
	n->wire_count = 0;
	n->slot = m->slot;
	n->page_lock = m->page_lock;
	n->o.chunk = c;
	n->o.ad = m->o.ad;
	c->leaf[slot / VM_CHUNK_LEAF][slot % VM_CHUNK_LEAF] = n->pfn;
	m->page_lock = 0;
	vm_page_describe(m, VM_PAGE_ISOLATED, 0, 0);
	return true;
}

/* Those of c's pages, single ones, that lie in targets and can move; as a map of slots. */
static unsigned
pages_to_move(const struct vm_chunk *c, uint64_t map[VM_CHUNK_PAGES / 64])
{
	unsigned n = 0;

	for (unsigned w = 0; w < VM_CHUNK_PAGES / 64; w++) {
		map[w] = 0;
		for (uint64_t bits = c->popmap[w]; bits != 0; bits &= bits - 1) {
			unsigned i = (unsigned)__builtin_ctzl(bits);
			pfn_t pfn = c->leaf[w][i];

			if (likely(!is_target(pfn)) || !can_move(vm_page_of_pfn(pfn)))
				continue;
			map[w] |= 1ul << i;
			n++;
		}
	}
	return n;
}
_Static_assert(VM_CHUNK_LEAF == 64, "a leaf of numbers has a word of the map");

/* FALSE: no memory to move to. Object locked. */
static bool
empty_chunk(struct vm_chunk *c)
{
	uint64_t map[VM_CHUNK_PAGES / 64];
	unsigned n = pages_to_move(c, map);
	bool together = n >= TOGETHER && c->wired == 0;

	if (n == 0)
		return true;
	if (together)
		pmap_chunk_protect(c, VM_PROT_NONE);
	for (unsigned w = 0; w < VM_CHUNK_PAGES / 64; w++)
		for (; map[w] != 0; map[w] &= map[w] - 1) {
			unsigned slot = w * 64 + (unsigned)__builtin_ctzl(map[w]);

			if (!together)
				pmap_page_protect(vm_chunk_page(c, slot), VM_PROT_NONE);
			if (!move_page(c, slot))
				return false;
			state.counts.moved++;
			state.to_move -= state.to_move != 0;
		}
	return true;
}

/* For vm_object_sweep. */
static bool
empty_object(vm_object_t o, void *arg)
{
	(void)arg;
	if (!o->alive || o->terminating)
		return true;
	for (struct vm_chunk *c = vm_chunk_at_or_after(o, 0); c != NULL; c = vm_chunk_at_or_after(o, c->index + 1))
		if (c->base == 0 && !empty_chunk(c))
			return false;
	return state.to_move != 0;
}

/* --- all of it --- */

/* The targets are chosen: they are emptied. How many of them are whole blocks now, still ours; the others are given up. */
static unsigned
empty_targets(void)
{
	unsigned whole = 0;

	state.to_move = 0;
	for (unsigned i = 0; i < state.n; i++) {
		const struct target *t = &state.target[i];

		mark(t, true);
		state.to_move += (uint64_t)t->frames * FRAME - isolate(t);
	}
	if (state.to_move != 0)
		vm_object_sweep(empty_object, NULL);
	vm_page_drain_some(false);      /* others may have freed pages of the targets */
	for (unsigned i = 0; i < state.n; i++) {
		struct target *t = &state.target[i];
		bool done = isolate(t) == (uint64_t)t->frames * FRAME;

		mark(t, false);
		if (done) {
			join(t);
			state.target[whole++] = *t;
		} else {
			give_up(t);
			state.counts.left += t->frames;
		}
	}
	state.n = whole;
	return whole;
}

static inline bool
begin(void)
{
	return __atomic_exchange_n(&state.busy, 1, __ATOMIC_ACQUIRE) == 0;
}

static inline void
end(void)
{
	__atomic_store_n(&state.busy, 0, __ATOMIC_RELEASE);
}

void
vm_page_compact_init(void)
{
	state.skip = state.penalty = 0;
	state.counts = (struct vm_page_compact_counts){ 0 };
}

VM_PAGE_RACY static inline uint64_t
free_now(void)
{
	return vm_page_stock_free();
}

VM_PAGE_RACY static bool
much_was_freed(void)
{
	return free_now() > state.free + vm_page_stock.total / 16;
}

bool
vm_page_compact_is_due(void)
{
	if (__atomic_load_n(&state.skip, __ATOMIC_RELAXED) != 0 && much_was_freed())
		__atomic_store_n(&state.skip, 0, __ATOMIC_RELAXED);
	return __atomic_load_n(&state.skip, __ATOMIC_RELAXED) == 0 && __atomic_load_n(&state.busy, __ATOMIC_RELAXED) == 0;
}

void
vm_page_compact_missed(void)
{
	uint32_t skip = __atomic_load_n(&state.skip, __ATOMIC_RELAXED);

	if (skip != 0 && __atomic_compare_exchange_n(&state.skip, &skip, skip - 1, false, __ATOMIC_RELAXED, __ATOMIC_RELAXED))
		__atomic_fetch_add(&state.counts.deferred, 1, __ATOMIC_RELAXED);
}

/* Is an eighth of memory to be had, and more than a few megapages of it? */
static bool
is_ample(void)
{
	struct vm_reserv_counts r;
	struct vm_page_counts n;

	vm_page_counts(&n);
	vm_reserv_counts(&r);
	return n.free + r.unpopulated >= n.total / 8 + 2 * n.reserved + 2 * FRAME;
}

static unsigned
compact(unsigned wanted)
{
	unsigned made;

	/* Pages in caches are on no list to be taken from. */
	vm_page_drain_some(false);
	choose(wanted);
	/* Half of what is broken becomes room for the other half. */
	if (state.n < wanted && vm_reserv_break_idle((uint64_t)2 * wanted * FRAME, USED_MAX) != 0)
		choose(wanted);
	made = empty_targets();
	for (unsigned i = 0; i < made; i++)
		vm_page_free_order(vm_page_of_pfn(state.target[i].base), VM_PAGE_ORDER_MEGA);
	state.n = 0;
	state.counts.made += made;
	return made;
}

/* What caches and loose chains held apart may be whole megapages. */
static unsigned
drained(void)
{
	struct vm_page_counts n;

	vm_page_drain_some(false);
	vm_page_counts(&n);
	return (unsigned)n.free_blocks[VM_PAGE_ORDER_MEGA];
}

unsigned
vm_page_compact(unsigned wanted, bool force)
{
	unsigned made = 0;

	if (!begin())
		return 0;
	if (wanted > VM_PAGE_COMPACT_MOST)
		wanted = VM_PAGE_COMPACT_MOST;
	if (force || state.skip == 0) {
		state.counts.tries++;
		made = force ? 0 : drained();
		if (made == 0 && is_ample())
			made = compact(wanted);
		state.penalty = made != 0 ? 0 : state.penalty < DEFER_MAX / 2 ? 2 * state.penalty + 1 : DEFER_MAX;
		state.free = free_now();
		__atomic_store_n(&state.skip, state.penalty, __ATOMIC_RELAXED);
	}
	end();
	return made;
}

/* --- runs of megapages --- */

/* Can the run that begins with m be emptied? With how many pages to move; MUST_STAY: no. */
static unsigned
run_used(const struct vm_page *m, unsigned frames)
{
	unsigned used = 0;

	for (unsigned i = 0; i < frames; i++) {
		unsigned u = frame_used(m + i * FRAME, true);

		if (u == MUST_STAY)
			return MUST_STAY;
		used += u;
	}
	return used;
}

/* The run of 2^order pages with the fewest in use, as the one target. FALSE: none. */
static bool
choose_run(unsigned order)
{
	unsigned frames = 1u << (order - VM_PAGE_ORDER_MEGA);
	pfn_t size = (pfn_t)1 << order;

	state.n = 0;
	for (unsigned i = 0; i < vm_phys_nsegs; i++) {
		const struct vm_phys_seg *s = &vm_phys_seg[i];
		pfn_t lo = (pfn_t)(s->start >> PAGE_SHIFT), hi = (pfn_t)(s->end >> PAGE_SHIFT);

		for (pfn_t p = (lo + size - 1) & ~(size - 1); p < hi && hi - p >= size; p += size) {
			unsigned used = run_used(&s->pages[p - lo], frames);

			if (used == MUST_STAY || (state.n == 1 && used >= state.target[0].used) || (p + size - 1) / FRAME >= FRAMES_MAX)
				continue;
			state.target[0] = (struct target){ .base = p, .frames = frames, .used = used };
			state.n = 1;
		}
	}
	return state.n == 1;
}

struct vm_page *
vm_page_alloc_contig(unsigned order)
{
	struct vm_page *m = NULL;
	struct vm_page_counts n;

	KASSERT(order > VM_PAGE_ORDER_MEGA && order <= VM_PAGE_ORDER_GIGA, ("a run of order %u", order));
	if (unlikely(vm_alloc_fail_countdown != 0) && vm_alloc_fails(__builtin_return_address(0)))
		return NULL;
	while (!begin())        /* whoever is at it does not sleep; a run is too much to lose by chance */
		hart_relax();
	vm_page_drain();
	vm_page_counts(&n);
	if (choose_run(order) && n.free > 2 * n.reserved + (1ul << order) && empty_targets() == 1)
		m = vm_page_of_pfn(state.target[0].base);
	state.n = 0;
	end();
	for (uint64_t i = 0; ATLAS_DEBUG && m != NULL && i < 1ul << order; i++)
		m[i].poison = 0;        /* what was free is so no more */
	return m;
}

void
vm_page_free_contig(struct vm_page *m, unsigned order)
{
	for (uint64_t i = 0; i < 1ul << order; i += FRAME)
		vm_page_free_order(vm_page_of_pfn(m->pfn + (pfn_t)i), VM_PAGE_ORDER_MEGA);
}

void
vm_page_compact_counts(struct vm_page_compact_counts *c)
{
	*c = state.counts;
}
