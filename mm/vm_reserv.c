/*
 * vm_reserv.c: which windows of objects get a physical megapage, and which
 * give it back.
 *
 * Made: when an object needs its first page in a 2 MiB window that lies wholly
 * inside it, and a megapage is free. Nothing is cleared or mapped then: that is
 * the faults' business, page by page.
 *
 * Broken: when memory is short, the least useful first. Least useful is who has
 * the fewest pages: it gives most back, and is farthest from becoming a
 * megapage. Among those alike it is the one that got no page for the longest
 * time. A full one is never broken for shortage.
 *
 *   queue[0]  1 page         ──> c ──> c        each queue: longest without a new page first
 *   queue[1]  2, 3           ──> c
 *   ...
 *   queue[8]  256 .. 511     ──> c ──> c ──> c
 *
 * The queues are right only when somebody looks: a fault that populates a page
 * does not touch them. Whoever looks for the least useful compares what a chunk
 * has now with what it had when it was put there (c->seen); if that differs, it
 * goes to the end of the queue where it belongs. So a fault pays nothing for the
 * order, and each move is paid for by a page that came or went since.
 *
 * Invariants: queued is who has a reservation and lacks a page (I26); its
 * unpopulated pages belong to no one else (vm_page_census).
 *
 * Locks: a chunk's fields by its object's lock; the queues by vm_reserv_lock,
 * above it, so vm_reserv_break only tries object locks. c->resident is read
 * under the queues' lock alone, as a guess.
 *
 * Failure: no megapage: single pages. Breaking needs memory for the page
 * numbers; without, the chunk stays as it is.
 */
#include <mm/vm_page_compact.h>
#include <mm/vm_reserv.h>
#include "vm_object_impl.h"
#include "vm_page_impl.h"

#define RANKS       9u          /* by the logarithm of the pages populated: 1 .. 511 */
#define LOOKS       1024u       /* chunks that one search may look at */

static struct spinlock vm_reserv_lock = SPINLOCK_INIT(RESERV);
static struct list vm_reserv_queue[RANKS];

/* What each hart counted: no line is shared, and nothing is atomic. */
static struct vm_reserv_hart {
	uint64_t made, filled, emptied, pages_back;
	uint64_t refused[VM_RESERV_NREFUSALS], broken[VM_RESERV_NCAUSES];
} __attribute__((aligned(64))) vm_reserv_hart[MAXHARTS];

void
vm_reserv_bootstrap(void)
{
	for (unsigned i = 0; i < RANKS; i++)
		list_init(&vm_reserv_queue[i]);
	for (unsigned i = 0; i < MAXHARTS; i++)
		vm_reserv_hart[i] = (struct vm_reserv_hart){ 0 };
}

static inline struct vm_reserv_hart *
counts(void)
{
	return &vm_reserv_hart[hart_index()];
}

void
vm_reserv_refused(enum vm_reserv_refusal why)
{
	counts()->refused[why]++;
}

/* --- the queues --- */

static inline unsigned
rank_of(unsigned resident)
{
	return 31u - (unsigned)__builtin_clz(resident | 1);
}

/* Queue locked. */
static inline void
enqueue(struct vm_chunk *c, unsigned resident)
{
	c->seen = (uint16_t)resident;
	list_push_back(&vm_reserv_queue[rank_of(resident)], &c->rsvp_link);
}

static inline void
dequeue(struct vm_chunk *c)
{
	spin_lock(&vm_reserv_lock);
	list_remove(&c->rsvp_link);
	list_init(&c->rsvp_link);       /* not queued: linked to itself */
	spin_unlock(&vm_reserv_lock);
}

void
vm_reserv_filled(struct vm_chunk *c)
{
	dequeue(c);
	counts()->filled++;
}

void
vm_reserv_thinned(struct vm_chunk *c)
{
	spin_lock(&vm_reserv_lock);
	enqueue(c, c->resident);
	spin_unlock(&vm_reserv_lock);
}

void
vm_reserv_renamed(struct vm_chunk *c, vm_object_t to)
{
	spin_lock(&vm_reserv_lock);
	c->object = to;
	spin_unlock(&vm_reserv_lock);
}

/* --- making and giving back --- */

void
vm_reserv_attach(struct vm_chunk *c, struct vm_page *m)
{
	c->zeroed = (m->flags & VM_PAGE_ZEROED) != 0;   /* told to who asked for it */
	m->flags = 0;
	m->kind = VM_PAGE_RSVP;
	m->o.chunk = c;
	c->base = m->pfn;
	c->head = m;
	spin_lock(&vm_reserv_lock);
	enqueue(c, 0);
	spin_unlock(&vm_reserv_lock);
	counts()->made++;
}

bool
vm_reserv_make(struct vm_chunk *c, unsigned flags)
{
	vm_object_t object = c->object;
	uint64_t start = c->index << VM_CHUNK_SHIFT;
	struct vm_page *m;

	if (object->size < MEGAPAGE_SIZE) {
		vm_reserv_refused(VM_RESERV_REFUSED_SMALL);
		return true;
	}
	if (start < object->color || start - object->color > object->size - MEGAPAGE_SIZE) {
		vm_reserv_refused(VM_RESERV_REFUSED_EDGE);
		return true;
	}
	if (object->shadow != NULL && !(flags & VM_OBJECT_DENSE)) {
		vm_reserv_refused(VM_RESERV_REFUSED_COPY);
		return true;
	}
	/* What is written over at once need not be clear. */
	m = vm_page_alloc_order(VM_PAGE_ORDER_MEGA, VM_PAGE_USER | (flags & VM_OBJECT_ZERO ? VM_PAGE_PREFER_ZERO : 0));
	if (unlikely(m == NULL)) {
		if ((flags & VM_OBJECT_PATIENT) && vm_page_compact_is_due())
			return false;
		vm_page_compact_missed();
		vm_reserv_refused(VM_RESERV_REFUSED_NO_BLOCK);
		return true;
	}
	vm_reserv_attach(c, m);
	return true;
}

void
vm_reserv_detach(struct vm_chunk *c)
{
	vm_page_describe(c->head, VM_PAGE_KERNEL, VM_PAGE_ORDER_MEGA, 0);
	c->base = 0;
	counts()->emptied++;
}

void
vm_reserv_release(struct vm_chunk *c, bool full)
{
	if (!full)
		dequeue(c);
	vm_page_free_order(c->head, VM_PAGE_ORDER_MEGA);
	c->base = 0;
	counts()->emptied++;
}

/* Pages [slot, end) of the megapage at head, nobody's: free, in blocks as large as they come. */
static void
free_run(struct vm_page *head, unsigned slot, unsigned end, bool zeroed)
{
	while (slot < end) {
		unsigned order = (unsigned)__builtin_ctz(slot | VM_CHUNK_PAGES);

		while (slot + (1u << order) > end)
			order--;
		vm_page_describe(&head[slot], VM_PAGE_KERNEL, order, zeroed ? VM_PAGE_ZEROED : 0);
		vm_page_free_order(&head[slot], order);
		slot += 1u << order;
	}
}

void
vm_reserv_dissolve(struct vm_chunk *c, enum vm_reserv_cause cause)
{
	struct vm_page *head = c->head;
	unsigned slot = 0, next;

	if (c->resident < VM_CHUNK_PAGES)
		dequeue(c);
	c->base = 0;
	counts()->broken[cause]++;
	counts()->pages_back += VM_CHUNK_PAGES - c->resident;
	/* From a block to pages of their own: the allocator knows blocks by their head's order. */
	vm_chunk_foreach(slot, c)
		vm_page_describe(&head[slot], VM_PAGE_OBJECT, 0, head[slot].flags);
	for (slot = 0; slot < VM_CHUNK_PAGES; slot = next + 1) {
		next = vm_chunk_next(c, slot);
		free_run(head, slot, next, c->zeroed);
	}
}

/* --- shortage --- */

/* How many pages c had a moment ago: its object is not locked. */
VM_PAGE_RACY static inline unsigned
resident_now(const struct vm_chunk *c)
{
	return c->resident;
}

/* The least useful reservation with at most `most` pages, of those whose objects are to be had. Its object is locked; NULL: none. */
static struct vm_chunk *
least_useful(unsigned most)
{
	unsigned rank = 0, looks = LOOKS, busy = 0;

	spin_lock(&vm_reserv_lock);
	while (rank <= rank_of(most) && looks-- > 0) {
		struct vm_chunk *c;
		unsigned now;

		if (list_empty(&vm_reserv_queue[rank])) {
			rank++;
			busy = 0;
			continue;
		}
		c = list_first(&vm_reserv_queue[rank], struct vm_chunk, rsvp_link);
		now = resident_now(c);
		if (now == c->seen && now <= most && spin_trylock(&c->object->lock)) {
			/* The object cannot go away: it cannot lose this chunk without its lock. */
			spin_unlock(&vm_reserv_lock);
			return c;
		}
		list_remove(&c->rsvp_link);
		if (now == c->seen && ++busy > 16) {
			/* They have too many pages, or whoever has their objects locked has them for long, or is our caller. */
			rank++;
			busy = 0;
		}
		enqueue(c, now);
		if (rank_of(now) < rank)
			rank = rank_of(now);
	}
	spin_unlock(&vm_reserv_lock);
	return NULL;
}

static uint64_t
break_some(uint64_t pages_wanted, unsigned most, enum vm_reserv_cause cause)
{
	uint64_t given = 0;

	while (given < pages_wanted) {
		struct vm_chunk *c = least_useful(most);
		vm_object_t object;
		uint64_t gain;

		if (c == NULL)
			break;
		object = c->object;
		gain = VM_CHUNK_PAGES - c->resident;
		if (!vm_chunk_make_single(c, cause)) {
			spin_unlock(&object->lock);
			break;
		}
		spin_unlock(&object->lock);
		given += gain;
	}
	return given;
}

uint64_t
vm_reserv_break(uint64_t pages_wanted)
{
	return break_some(pages_wanted, VM_CHUNK_PAGES - 1, VM_RESERV_BROKEN_SHORTAGE);
}

uint64_t
vm_reserv_break_idle(uint64_t pages_wanted, unsigned most)
{
	return break_some(pages_wanted, most, VM_RESERV_BROKEN_COMPACTION);
}

/* --- what people want to see --- */

void
vm_reserv_counts(struct vm_reserv_counts *c)
{
	uint64_t gone;

	*c = (struct vm_reserv_counts){ 0 };
	for (unsigned i = 0; i < MAXHARTS; i++) {
		const struct vm_reserv_hart *h = &vm_reserv_hart[i];

		c->made += h->made;
		c->filled += h->filled;
		c->emptied += h->emptied;
		c->pages_back += h->pages_back;
		for (unsigned k = 0; k < VM_RESERV_NREFUSALS; k++)
			c->refused[k] += h->refused[k];
		for (unsigned k = 0; k < VM_RESERV_NCAUSES; k++)
			c->broken[k] += h->broken[k];
	}
	spin_lock(&vm_reserv_lock);
	for (unsigned rank = 0; rank < RANKS; rank++) {
		struct list *l;

		list_foreach(l, &vm_reserv_queue[rank]) {
			c->partial++;
			c->unpopulated += VM_CHUNK_PAGES - resident_now(list_entry(l, struct vm_chunk, rsvp_link));
		}
	}
	spin_unlock(&vm_reserv_lock);
	gone = c->emptied + c->partial;
	for (unsigned k = 0; k < VM_RESERV_NCAUSES; k++)
		gone += c->broken[k];
	c->full = c->made > gone ? c->made - gone : 0;
}

static char
bar_of(const struct vm_chunk *c)
{
	if (c->base == 0)
		return 's';
	return c->resident == VM_CHUNK_PAGES ? '#' : (char)('0' + c->resident * 10 / VM_CHUNK_PAGES);
}

/* o, locked. */
static void
describe(vm_object_t o, struct vm_reserv_info *info)
{
	struct vm_chunk *c = vm_chunk_at_or_after(o, 0);
	uint64_t first = o->color >> VM_CHUNK_SHIFT, windows = (o->size + o->color + MEGAPAGE_MASK) >> VM_CHUNK_SHIFT;

	for (unsigned i = 0; i < VM_RESERV_BAR && i < windows; i++)
		info->bar[i] = '.';
	info->resident = o->resident_page_count;
	for (; c != NULL; c = vm_chunk_at_or_after(o, c->index + 1)) {
		info->chunks++;
		if (c->index - first < VM_RESERV_BAR)
			info->bar[c->index - first] = bar_of(c);
		if (c->base == 0)
			continue;
		if (c->resident == VM_CHUNK_PAGES)
			info->full++;
		else {
			info->partial++;
			info->unpopulated += VM_CHUNK_PAGES - c->resident;
		}
	}
}

struct search {
	uint64_t               after;
	struct vm_reserv_info *info;
	unsigned               n, room;
};

static bool
list_one(vm_object_t o, void *arg)
{
	struct search *s = arg;
	struct vm_reserv_info *info = &s->info[s->n];

	if (o->id <= s->after)
		return true;
	*info = (struct vm_reserv_info){ .id = o->id, .size = o->size };
	/* Against the order of locks: only a try. */
	if (spin_trylock(&o->lock)) {
		bool empty = o->resident_page_count == 0;

		if (!empty)
			describe(o, info);
		spin_unlock(&o->lock);
		if (empty)
			return true;
	}
	return ++s->n < s->room;
}

unsigned
vm_reserv_list(uint64_t after, struct vm_reserv_info *info, unsigned n)
{
	struct search s = { after, info, 0, n };

	if (n > 0)
		vm_object_foreach(list_one, &s);
	return s.n;
}
