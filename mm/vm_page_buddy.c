/*
 * vm_page_buddy.c: segments of memory and their free blocks.
 *
 * Memory comes in segments (runs of usable pages, vm_page_add_seg). A free
 * block is 2^order pages, aligned to its size by page number, inside one
 * segment. Its buddy is the block of the same size that differs in one bit of
 * the page number: when both are free they are one block of the next order.
 *
 *	order 2   [ .       .       .       . ]      head: kind FREE, order 2
 *	order 1   [ .       . ]                      after a split: two heads,
 *	                     [ .       . ]           order 1 each
 *
 * Invariants: a structure with kind FREE and order <= 9 heads a block that is
 * on free[order]. A page inside a block never looks like that: when a head is
 * absorbed its order becomes 0xff, and blocks are split by writing new heads.
 * So the buddy test is two bytes of one structure, and giving a megapage back
 * touches one structure of 512. ZEROED on a head says that the whole block is
 * clear; a block made of two halves is clear when both are. Clear megapages
 * are at the front of their list, others at the back.
 *
 * Segments are sorted by size, largest first, so that the buddy test mostly
 * looks at one. vm_page_of_pfn looks at banks: firmware, kernel and initrd cut
 * memory in pieces, but boot makes one array for all of them, and a look that
 * need not tell the holes is one comparison.
 *
 * Locks: vm_page_stock.lock, which callers hold.
 */
#include <mm/vm_page_compact.h>
#include <vm_page_impl.h>

#define NEAR_LOOKS      1024u
#define VM_PAGE_NOWHERE ((pfn_t)~0u)

struct vm_phys_seg vm_phys_seg[VM_PHYS_SEGS], vm_phys_bank[VM_PHYS_SEGS];
unsigned           vm_phys_nsegs, vm_phys_nbanks;
struct vm_page_stock vm_page_stock = { .lock = SPINLOCK_INIT(PAGE), .near = VM_PAGE_NOWHERE };

static struct vm_phys_seg *
seg_of_pfn(pfn_t pfn)
{
	paddr_t pa = (paddr_t)pfn << PAGE_SHIFT;

	for (unsigned i = 0; i < vm_phys_nsegs; i++) {
		struct vm_phys_seg *s = &vm_phys_seg[i];

		if (pa - s->start < s->end - s->start)
			return s;
	}
	return NULL;
}

struct vm_page *
vm_page_lookup_slow(pfn_t pfn)
{
	paddr_t pa = (paddr_t)pfn << PAGE_SHIFT;

	for (unsigned i = 0; i < vm_phys_nbanks; i++) {
		struct vm_phys_seg *b = &vm_phys_bank[i];

		if (pa - b->start < b->end - b->start)
			return &b->pages[(pa - b->start) >> PAGE_SHIFT];
	}
	return NULL;
}

static inline struct vm_page *
page_of_link(struct list *l)
{
	return list_entry(l, struct vm_page, link);
}

static void
block_insert(struct vm_page *m, unsigned order, bool zeroed)
{
	struct vm_page_stock *s = &vm_page_stock;

	vm_page_describe(m, VM_PAGE_FREE, order, zeroed ? VM_PAGE_ZEROED : 0);
	if (order == VM_PAGE_ORDER_MEGA && !zeroed)
		list_push_back(&s->free[order], &m->link);
	else
		list_push_front(&s->free[order], &m->link);
	s->nblocks[order]++;
	s->nfree += 1ul << order;
	if (zeroed)
		s->nfree_zero += 1ul << order;
}

static inline void
block_remove(struct vm_page *m, uint64_t order)
{
	struct vm_page_stock *s = &vm_page_stock;

	list_remove(&m->link);
	s->nblocks[order]--;
	s->nfree -= 1ul << order;
	if (m->flags & VM_PAGE_ZEROED)
		s->nfree_zero -= 1ul << order;
}

void
vm_page_buddy_give(struct vm_page *m, unsigned order, bool zeroed)
{
	struct vm_phys_seg *s = seg_of_pfn(m->pfn);
	uint64_t lo = s->start >> PAGE_SHIFT, hi = s->end >> PAGE_SHIFT;

	for (; order < VM_PAGE_ORDER_MEGA; order++) {
		uint64_t size = 1ul << order, b = m->pfn ^ size;
		struct vm_page *buddy, *upper;

		if (b < lo || b + size > hi)
			break;
		buddy = &s->pages[b - lo];
		if (!vm_page_heads_free(buddy, order))
			break;
		block_remove(buddy, order);
		zeroed = zeroed && (buddy->flags & VM_PAGE_ZEROED);
		upper = buddy > m ? buddy : m;
		vm_page_describe(upper, VM_PAGE_FREE, VM_PAGE_NO_ORDER, 0);
		if (buddy < m)
			m = buddy;
	}
	block_insert(m, order, zeroed);
}

void
vm_page_buddy_withdraw(struct vm_page *m)
{
	block_remove(m, m->order);
}

unsigned
vm_page_buddy_smallest(void)
{
	unsigned order = 0;

	while (order < VM_PAGE_ORDERS && vm_page_stock.nblocks[order] == 0)
		order++;
	return order;
}

/* m, a block of order k off the lists, keeps its lowest part of the given order; the rest is free again. */
static noinline void
block_cut(struct vm_page *m, unsigned k, unsigned order)
{
	bool zeroed = (m->flags & VM_PAGE_ZEROED) != 0;

	while (k > order) {
		k--;
		block_insert(m + (1ul << k), k, zeroed);
	}
	vm_page_describe(m, VM_PAGE_KERNEL, order, zeroed ? VM_PAGE_ZEROED : 0);
}

/*
 * From the GiB that the last such megapage came from, at first the lowest there is, if one of its blocks is found soon: so
 * that pages which cannot move gather in few gigabytes, and others may be had whole (vm_page_alloc_contig). Clear ones, at
 * the front, are kept for who wants them.
 */
static struct vm_page *
block_near(void)
{
	struct vm_page_stock *s = &vm_page_stock;
	struct list *head = &s->free[VM_PAGE_ORDER_MEGA], *l = head->prev;
	unsigned looks = 0;

	if (s->near == VM_PAGE_NOWHERE) {
		s->near = (pfn_t)(vm_phys_seg[0].start >> PAGE_SHIFT);
		for (unsigned i = 1; i < vm_phys_nsegs; i++)
			if (vm_phys_seg[i].start >> PAGE_SHIFT < s->near)
				s->near = (pfn_t)(vm_phys_seg[i].start >> PAGE_SHIFT);
	}
	for (; l != head && !(page_of_link(l)->flags & VM_PAGE_ZEROED) && looks < NEAR_LOOKS; l = l->prev, looks++)
		if (((page_of_link(l)->pfn ^ s->near) >> VM_PAGE_ORDER_GIGA) == 0)
			return page_of_link(l);
	s->near = page_of_link(head->prev)->pfn;
	return page_of_link(head->prev);
}

struct vm_page *
vm_page_buddy_take_near(void)
{
	struct vm_page *m = block_near();

	block_remove(m, VM_PAGE_ORDER_MEGA);
	m->kind = VM_PAGE_KERNEL;
	return m;
}

struct vm_page *
vm_page_buddy_take(unsigned order, enum vm_page_choice choice)
{
	struct vm_page_stock *s = &vm_page_stock;
	uint64_t k = order;
	struct vm_page *m;

	while (s->nblocks[k] == 0)
		if (++k == VM_PAGE_ORDERS)
			return NULL;
	/* Clear megapages are at the front: keep them for who wants them. */
	if (choice == PAGE_CLEAR || (choice == PAGE_ANY && k < VM_PAGE_ORDER_MEGA))
		m = page_of_link(s->free[k].next);
	else if (k == VM_PAGE_ORDER_MEGA && order < k)
		m = block_near();
	else
		m = page_of_link(s->free[k].prev);
	block_remove(m, k);
	if (likely(k == order))
		m->kind = VM_PAGE_KERNEL;       /* its order and flags are right */
	else
		block_cut(m, (unsigned)k, order);
	return m;
}

/* --- boot --- */

/*
 * The structures arrive with junk: each gets its number and "heads no block".
 * Two stores a page; a gigabyte has 262,144 of them.
 */
static void
seg_init_pages(const struct vm_phys_seg *s)
{
	const struct vm_page blank = { .kind = VM_PAGE_FREE, .order = VM_PAGE_NO_ORDER };
	uint64_t number = s->start >> PAGE_SHIFT, rest;
	struct vm_page *m = s->pages, *end = m + ((s->end - s->start) >> PAGE_SHIFT);

	_Static_assert(offsetof(struct vm_page, pfn) == 16 &&
	    offsetof(struct vm_page, described) == 24, "pfn, slot, wire_count in one word, the rest in one");
	__builtin_memcpy(&rest, &blank.described, sizeof(rest));
	for (; m < end; m++, number++) {
		uint64_t *word = (uint64_t *)(void *)&m->pfn;

		word[0] = number;
		word[1] = rest;
	}
}

/* Cuts [start, end) into the largest aligned blocks. */
static void
seg_free_blocks(const struct vm_phys_seg *s)
{
	uint64_t lo = s->start >> PAGE_SHIFT, hi = s->end >> PAGE_SHIFT;

	for (uint64_t p = lo; p < hi;) {
		unsigned order = p != 0 ? (unsigned)__builtin_ctzl(p) : VM_PAGE_ORDER_MEGA;

		if (order > VM_PAGE_ORDER_MEGA)
			order = VM_PAGE_ORDER_MEGA;
		while (p + (1ul << order) > hi)
			order--;
		block_insert(&s->pages[p - lo], order, false);
		p += 1ul << order;
	}
}

/* Whether s's structures are where the bank's array, in either direction, has them. */
static bool
bank_continues(const struct vm_phys_seg *bank, const struct vm_phys_seg *s)
{
	int64_t pages = (int64_t)(s->start - bank->start) >> PAGE_SHIFT;

	return (int64_t)((uintptr_t)s->pages - (uintptr_t)bank->pages) == pages * (int64_t)sizeof(struct vm_page);
}

static void
bank_add(const struct vm_phys_seg *s)
{
	struct vm_phys_seg *b = vm_phys_bank, grown;

	while (b < vm_phys_bank + vm_phys_nbanks && !bank_continues(b, s))
		b++;
	if (b == vm_phys_bank + vm_phys_nbanks) {
		vm_phys_nbanks++;
		grown = *s;
	} else {
		grown = *b;
		if (s->start < b->start) {
			grown.start = s->start;
			grown.pages = s->pages;
		}
		if (s->end > b->end)
			grown.end = s->end;
	}
	for (; b > vm_phys_bank && grown.end - grown.start > b[-1].end - b[-1].start; b--)
		*b = b[-1];
	*b = grown;
}

void
vm_page_add_seg(paddr_t start, paddr_t end, struct vm_page *pages)
{
	struct vm_page_stock *s = &vm_page_stock;
	struct vm_phys_seg seg = { start, end, pages };
	unsigned i = vm_phys_nsegs;

	KASSERT(page_aligned(start | end) && start < end, ("segment 0x%lx-0x%lx", start, end));
	KASSERT(i < VM_PHYS_SEGS, ("more than %u runs of memory", VM_PHYS_SEGS));
	if (i == 0)
		for (unsigned o = 0; o < VM_PAGE_ORDERS; o++)
			list_init(&s->free[o]);
	vm_phys_nsegs++;
	for (; i > 0 && end - start > vm_phys_seg[i - 1].end - vm_phys_seg[i - 1].start; i--)
		vm_phys_seg[i] = vm_phys_seg[i - 1];
	vm_phys_seg[i] = seg;
	bank_add(&seg);
	s->total += (end - start) >> PAGE_SHIFT;
	seg_init_pages(&seg);
	seg_free_blocks(&seg);
}

/*
 * The reserve is 1/64 of memory, at least 128 and at most 1,024 pages: tables,
 * slabs and stacks for the shell and for getting rid of tasks.
 */
void
vm_page_init(void)
{
	uint64_t r = vm_page_stock.total / 64;

	vm_page_stock.reserve = r < 128 ? 128 : r > 1024 ? 1024 : r;
	vm_page_cache_init();
	vm_page_compact_init();
}

void
vm_page_forget(void)
{
	vm_phys_nsegs = vm_phys_nbanks = 0;
	vm_page_stock = (struct vm_page_stock){ .lock = SPINLOCK_INIT(PAGE), .near = VM_PAGE_NOWHERE };
}

/* --- counting --- */

static void
count_chains(const struct vm_page_chain chain[PAGE_SORTS], struct vm_page_counts *c)
{
	for (unsigned k = 0; k < PAGE_SORTS; k++) {
		c->cached += chain[k].n;
		if (k & PAGE_ZERO)
			c->zeroed += chain[k].n;
	}
}

void
vm_page_counts(struct vm_page_counts *c)
{
	struct vm_page_stock *s = &vm_page_stock;
	struct vm_page *clearing = vm_page_clear_lock();

	*c = (struct vm_page_counts){ .total = s->total, .reserved = s->reserve };
	spin_lock(&s->lock);
	for (unsigned o = 0; o < VM_PAGE_ORDERS; o++)
		c->free_blocks[o] = s->nblocks[o];
	c->zeroed = s->nfree_zero;
	c->free = s->nfree;
	count_chains(s->chain, c);
	spin_unlock(&s->lock);
	if (clearing != NULL)
		c->cached += 1ul << VM_PAGE_ORDER_MEGA;
	for (unsigned i = 0; i < MAXHARTS; i++)
		count_chains(vm_page_cache[i].chain, c);
	c->free += c->cached;
	vm_page_clear_unlock();
}

/* The first page of a chain that is not CACHED, or that a too long chain ends at. */
static struct vm_page *
census_chain(const struct vm_page_chain *c, uint64_t *sum)
{
	struct vm_page *m = c->first, *last = m;
	uint64_t n = 0;

	for (; m != NULL && n < c->n; last = m, m = m->q.next, n++)
		if (m->kind != VM_PAGE_CACHED || m->order != 0)
			return m;
	*sum += n;
	return m != NULL || n != c->n ? last : NULL;
}

static struct vm_page *
census_chains(uint64_t *sum)
{
	struct vm_page *bad = NULL;

	for (unsigned k = 0; k < PAGE_SORTS && bad == NULL; k++) {
		bad = census_chain(&vm_page_stock.chain[k], sum);
		for (unsigned i = 0; i < MAXHARTS && bad == NULL; i++)
			bad = census_chain(&vm_page_cache[i].chain[k], sum);
	}
	return bad;
}

/* A free head must be on a list, aligned and inside its segment. */
static bool
census_free_ok(const struct vm_phys_seg *s, const struct vm_page *m)
{
	return m->order < VM_PAGE_ORDERS && (m->pfn & ((1ul << m->order) - 1)) == 0 &&
	    m->pfn + (1ul << m->order) <= s->end >> PAGE_SHIFT &&
	    m->link.next->prev == &m->link && m->link.prev->next == &m->link;
}

static struct vm_page *
census_segment(const struct vm_phys_seg *s, struct vm_page_counts *c)
{
	struct vm_page *end = s->pages + ((s->end - s->start) >> PAGE_SHIFT);
	uint64_t n;

	for (struct vm_page *m = s->pages; m < end; m += n) {
		if (m->pfn != (s->start >> PAGE_SHIFT) + (uint64_t)(m - s->pages) ||
		    m->kind >= nitems(c->kind))
			return m;
		if (m->kind == VM_PAGE_FREE) {
			if (!census_free_ok(s, m))
				return m;
			c->free_blocks[m->order]++;
		}
		n = m->order < VM_PAGE_ORDERS ? 1ul << m->order : 1;
		c->kind[m->kind] += n;
	}
	return NULL;
}

struct vm_page *
vm_page_census(struct vm_page_counts *c)
{
	struct vm_page_counts now;
	struct vm_page *bad, *clearing;
	uint64_t chained = 0;

	vm_page_counts(&now);
	*c = now;
	for (unsigned o = 0; o < VM_PAGE_ORDERS; o++)
		c->free_blocks[o] = 0;
	clearing = vm_page_clear_lock();
	spin_lock(&vm_page_stock.lock);
	bad = census_chains(&chained);
	for (unsigned i = 0; i < vm_phys_nsegs && bad == NULL; i++)
		bad = census_segment(&vm_phys_seg[i], c);
	if (bad == NULL && clearing != NULL)
		chained += 1ul << VM_PAGE_ORDER_MEGA;
	for (unsigned o = 0; o < VM_PAGE_ORDERS && bad == NULL; o++)
		if (c->free_blocks[o] != vm_page_stock.nblocks[o])
			bad = page_of_link(vm_page_stock.free[o].next);
	if (bad == NULL && chained != c->kind[VM_PAGE_CACHED])
		bad = vm_phys_seg[0].pages;     /* a CACHED page that is on no chain */
	spin_unlock(&vm_page_stock.lock);
	vm_page_clear_unlock();
	return bad;
}
