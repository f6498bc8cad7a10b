/*
 * vm_page: the page allocator, white box. Runs in a live kernel too, where
 * idle harts clear pages meanwhile: counts are compared as sums.
 */
#include <string.h>
#include <base/test.h>
#include <mm/vm_page.h>
#include <vm_page_impl.h>

#define BIG_MEMORY  (64ul << 20 >> PAGE_SHIFT)      /* more is too much to allocate one by one */

static uint64_t
free_pages(void)
{
	struct vm_page_counts c;

	vm_page_counts(&c);
	return c.free;
}

/*
 * All free pages on buddy lists: free blocks must then agree before and after.
 * Again and again, because idle harts take pages to clear them.
 */
static void
settle(struct vm_page_counts *c)
{
	unsigned tries = 0;

	do {
		vm_page_drain();
		vm_page_counts(c);
	} while (c->cached != 0 && ++tries < 10000);
}

static bool
is_clear(const struct vm_page *m)
{
	const uint64_t *p = vm_page_va(m);

	for (unsigned i = 0; i < PAGE_SIZE / 8; i++)
		if (p[i] != 0)
			return false;
	return true;
}

/* Pages on a chain of ours, through q.next. */
static void
free_chain(struct vm_page *m)
{
	struct vm_page *next;

	for (; m != NULL; m = next) {
		next = m->q.next;
		vm_page_free(m);
	}
}

static struct vm_page *
alloc_chain(uint64_t most, unsigned flags, uint64_t *n)
{
	struct vm_page *chain = NULL, *m;

	for (*n = 0; *n < most && (m = vm_page_alloc(flags)) != NULL; ++*n) {
		m->q.next = chain;
		chain = m;
	}
	return chain;
}

TEST(vm_page, alloc_describes_the_page)
{
	uint64_t before = free_pages();
	struct vm_page *m = vm_page_alloc(0);

	ASSERT_TRUE(m != NULL);
	ASSERT_EQ(m->kind, VM_PAGE_KERNEL);
	ASSERT_EQ(m->flags, 0);
	ASSERT_EQ(m->order, 0);
	ASSERT_EQ(m->wire_count, 0);
	ASSERT_TRUE(vm_page_of_pfn(m->pfn) == m);
	ASSERT_EQ(free_pages(), before - 1);
	memset(vm_page_va(m), 0x11, PAGE_SIZE);
	vm_page_free(m);
	ASSERT_EQ(m->kind, VM_PAGE_CACHED);
	ASSERT_EQ(free_pages(), before);
}

TEST(vm_page, zero_request_is_clear_after_dirty_use)
{
	struct vm_page *chain;
	uint64_t n;

	chain = alloc_chain(200, 0, &n);
	ASSERT_EQ(n, 200);
	for (struct vm_page *m = chain; m != NULL; m = m->q.next)
		memset(vm_page_va(m), 0xff, PAGE_SIZE);
	free_chain(chain);
	chain = alloc_chain(200, VM_PAGE_ZERO | VM_PAGE_USER, &n);
	ASSERT_EQ(n, 200);
	for (struct vm_page *m = chain; m != NULL; m = m->q.next)
		ASSERT_TRUE(is_clear(m));
	free_chain(chain);
}

TEST(vm_page, page_said_to_be_clear_is_kept_apart)
{
	struct vm_page *m = vm_page_alloc(VM_PAGE_ZERO);
	struct vm_page_cache *c = &vm_page_cache[hart_index()];
	uint64_t zero = c->chain[PAGE_ZERO].n;

	ASSERT_TRUE(m != NULL);
	m->flags |= VM_PAGE_ZEROED;
	vm_page_free(m);
	ASSERT_EQ(c->chain[PAGE_ZERO].n, zero + 1);
	ASSERT_TRUE(c->chain[PAGE_ZERO].first == m);
	ASSERT_TRUE(vm_page_alloc(VM_PAGE_ZERO) == m);
	ASSERT_EQ(m->flags, 0);
	vm_page_free(m);
}

TEST(vm_page, blocks_are_aligned_and_coalesce)
{
	struct vm_page_counts before, after;

	settle(&before);
	for (unsigned order = 0; order < VM_PAGE_ORDERS; order++) {
		struct vm_page *a = vm_page_alloc_order(order, 0), *b = vm_page_alloc_order(order, 0);

		ASSERT_TRUE(a != NULL && b != NULL && a != b);
		ASSERT_EQ(a->pfn & ((1u << order) - 1), 0);
		ASSERT_EQ(a->order, order);
		ASSERT_EQ(b->kind, VM_PAGE_KERNEL);
		ASSERT_TRUE(vm_page_of_pfn(a->pfn + (1u << order) - 1) == a + (1u << order) - 1);
		vm_page_free_order(a, order);
		vm_page_free_order(b, order);
	}
	settle(&after);
	ASSERT_EQ(after.free, before.free);
	ASSERT_EQ(after.free_blocks[VM_PAGE_ORDER_MEGA], before.free_blocks[VM_PAGE_ORDER_MEGA]);
}

/* The block's other structures may hold anything when it is given back. */
TEST(vm_page, stale_structures_inside_a_block_do_not_matter)
{
	struct vm_page_counts before, after;
	struct vm_page *m;

	settle(&before);
	m = vm_page_alloc_order(VM_PAGE_ORDER_MEGA, 0);
	ASSERT_TRUE(m != NULL);
	for (unsigned i = 1; i < MEGAPAGE_PAGES; i++) {
		m[i].kind = VM_PAGE_OBJECT;
		m[i].order = VM_PAGE_NO_ORDER;
		m[i].o.chunk = (vm_chunk_t)m;
	}
	vm_page_free_order(m, VM_PAGE_ORDER_MEGA);
	ASSERT_TRUE(vm_page_census(&after) == NULL);
	settle(&after);
	ASSERT_EQ(after.free, before.free);
	ASSERT_EQ(after.free_blocks[VM_PAGE_ORDER_MEGA], before.free_blocks[VM_PAGE_ORDER_MEGA]);
}

/* An odd order of freeing: multiples of 3, then the others, from above. */
static void
break_and_free(struct vm_page *m)
{
	struct vm_page_counts before, after;

	ASSERT_TRUE(vm_page_census(&before) == NULL);
	m->order = 0;
	for (unsigned i = 0; i < MEGAPAGE_PAGES; i++) {
		m[i].kind = i % 2 ? VM_PAGE_TABLE : VM_PAGE_KERNEL;
		m[i].flags = 0;
		m[i].wire_count = 0;
	}
	ASSERT_TRUE(vm_page_census(&after) == NULL);
	ASSERT_EQ(after.kind[VM_PAGE_TABLE], before.kind[VM_PAGE_TABLE] + MEGAPAGE_PAGES / 2);
	for (unsigned pass = 0; pass < 2; pass++)
		for (unsigned i = MEGAPAGE_PAGES; i-- > 0;)
			if ((i % 3 == 0) == (pass == 0))
				vm_page_free(&m[i]);
}

/* Twice: the second time the structures carry the traces of the first. */
TEST(vm_page, block_broken_into_pages_comes_together_again)
{
	struct vm_page_counts before, after;
	struct vm_page *m;

	settle(&before);
	for (unsigned round = 0; round < 2; round++) {
		m = vm_page_alloc_order(VM_PAGE_ORDER_MEGA, 0);
		ASSERT_TRUE(m != NULL);
		break_and_free(m);
		if (test_failed())
			return;
		settle(&after);
		ASSERT_EQ(after.free, before.free);
		ASSERT_EQ(after.free_blocks[VM_PAGE_ORDER_MEGA], before.free_blocks[VM_PAGE_ORDER_MEGA]);
	}
}

TEST(vm_page, batch_becomes_loose_and_coalesces_when_a_block_is_wanted)
{
	static struct vm_page *page[300];
	struct vm_page_counts before, after;

	settle(&before);
	for (unsigned i = 0; i < nitems(page); i++) {
		page[i] = vm_page_alloc(VM_PAGE_USER);
		ASSERT_TRUE(page[i] != NULL);
	}
	ASSERT_EQ(free_pages(), before.free - nitems(page));
	vm_page_free_batch(page, nitems(page));
	ASSERT_EQ(free_pages(), before.free);
	vm_page_free_batch(page, 0);
	ASSERT_TRUE(vm_page_census(&after) == NULL);
	settle(&after);
	ASSERT_EQ(after.cached, 0);
	ASSERT_EQ(after.free_blocks[VM_PAGE_ORDER_MEGA], before.free_blocks[VM_PAGE_ORDER_MEGA]);
}

TEST(vm_page, clearing_ahead_fills_the_pool_and_clears_megapages)
{
	struct vm_page_counts c;
	struct vm_page *m;
	unsigned steps = 0;
	bool pooled;

	vm_page_drain();
	while (vm_page_clear_ahead() && steps < 100000)
		steps++;
	vm_page_counts(&c);
	if (steps == 0 && c.zeroed == 0) {
		ASSERT_LE(c.free, 4 * c.reserved + MEGAPAGE_PAGES);
		return;
	}
	ASSERT_TRUE(vm_page_census(&c) == NULL);
	spin_lock(&vm_page_stock.lock);
	m = vm_page_stock.chain[PAGE_USER | PAGE_ZERO].first;
	pooled = m == NULL || m->flags == VM_PAGE_ZEROED;
	spin_unlock(&vm_page_stock.lock);
	ASSERT_TRUE(pooled);
	m = vm_page_alloc(VM_PAGE_ZERO);
	ASSERT_TRUE(m != NULL && is_clear(m));
	vm_page_free(m);
	m = vm_page_alloc_order(VM_PAGE_ORDER_MEGA, VM_PAGE_PREFER_ZERO);
	ASSERT_TRUE(m != NULL);
	if (m->flags & VM_PAGE_ZEROED)
		for (unsigned i = 0; i < MEGAPAGE_PAGES; i++)
			ASSERT_TRUE(is_clear(vm_page_of_pfn(m->pfn + i)));
	m->flags = 0;
	vm_page_free_order(m, VM_PAGE_ORDER_MEGA);
}

/* Clears ahead all that is wanted. Pages in the kernel's pool then. */
static uint64_t
clear_all_ahead(void)
{
	uint64_t n;

	for (unsigned steps = 0; vm_page_clear_ahead() && steps < 100000; steps++)
		continue;
	spin_lock(&vm_page_stock.lock);
	n = vm_page_stock.chain[PAGE_ZERO].n;
	spin_unlock(&vm_page_stock.lock);
	return n;
}

TEST(vm_page, the_kernel_has_a_pool_of_clear_pages)
{
	struct vm_page_counts before, after;
	struct vm_page *dirty, *clear;
	uint64_t pool, left, n, nclear;
	bool all_clear = true;

	settle(&before);
	pool = clear_all_ahead();
	if (before.free <= 4 * before.reserved + 8 * MEGAPAGE_PAGES) {
		test_skip("too little memory for pages cleared ahead");
		return;
	}
	ASSERT_GE(pool, 1);
	ASSERT_TRUE(vm_page_census(&after) == NULL);
	ASSERT_EQ(after.free, before.free);
	/* What need not be clear leaves the pool alone. */
	dirty = alloc_chain(MEGAPAGE_PAGES + 100, 0, &n);
	ASSERT_EQ(n, MEGAPAGE_PAGES + 100);
	spin_lock(&vm_page_stock.lock);
	left = vm_page_stock.chain[PAGE_ZERO].n;
	spin_unlock(&vm_page_stock.lock);
	ASSERT_GE(left, pool);
	/* What must be clear is clear, from the pool and when it is used up. */
	clear = alloc_chain(pool + 2 * VM_PAGE_BATCH, VM_PAGE_ZERO, &nclear);
	ASSERT_EQ(nclear, pool + 2 * VM_PAGE_BATCH);
	for (struct vm_page *m = clear; m != NULL; m = m->q.next)
		all_clear &= is_clear(m);
	ASSERT_TRUE(all_clear);
	free_chain(clear);
	free_chain(dirty);
	settle(&after);
	ASSERT_EQ(after.free, before.free);
	ASSERT_EQ(after.free_blocks[VM_PAGE_ORDER_MEGA], before.free_blocks[VM_PAGE_ORDER_MEGA]);
}

TEST(vm_page, zeroed_block_request_is_clear)
{
	struct vm_page *m = vm_page_alloc_order(3, 0);

	ASSERT_TRUE(m != NULL);
	memset(vm_page_va(m), 0xee, 8 * PAGE_SIZE);
	vm_page_free_order(m, 3);
	m = vm_page_alloc_order(3, VM_PAGE_ZERO);
	ASSERT_TRUE(m != NULL);
	ASSERT_EQ(m->flags, 0);
	for (unsigned i = 0; i < 8; i++)
		ASSERT_TRUE(is_clear(m + i));
	vm_page_free_order(m, 3);
}

TEST(vm_page, tasks_stop_at_the_reserve_and_the_kernel_goes_on)
{
	struct vm_page_counts before, after;
	struct vm_page *user, *kernel, *first;
	uint64_t nuser, nkernel;

	settle(&before);
	if (before.total > BIG_MEMORY) {
		test_skip("more memory than the test likes to use up");
		return;
	}
	(void)clear_all_ahead();        /* pools are given back, too */
	user = alloc_chain(UINT64_MAX, VM_PAGE_USER, &nuser);
	ASSERT_TRUE(vm_page_alloc_order(VM_PAGE_ORDER_MEGA, VM_PAGE_USER) == NULL);
	/* What is left is the reserve; caches are closed, so it is all at hand. */
	ASSERT_EQ(nuser, before.free - before.reserved);
	ASSERT_TRUE(vm_page_stock.low);
	ASSERT_EQ(vm_page_cache[hart_index()].cap, 0);
	kernel = alloc_chain(UINT64_MAX, 0, &nkernel);
	ASSERT_EQ(nkernel, before.reserved);
	/* A page that the kernel gives back must not reach a task. */
	first = kernel;
	kernel = kernel->q.next;
	vm_page_free(first);
	ASSERT_TRUE(vm_page_alloc(VM_PAGE_USER) == NULL);
	free_chain(kernel);
	free_chain(user);
	settle(&after);
	ASSERT_EQ(after.free, before.free);
	ASSERT_EQ(vm_page_cache[hart_index()].cap, VM_PAGE_CACHE_MAX);
	ASSERT_FALSE(vm_page_stock.low);
}

TEST(vm_page, chosen_allocation_fails)
{
	struct vm_page *a, *b, *c;

	vm_alloc_fail_at(2, false);
	a = vm_page_alloc(0);
	b = vm_page_alloc(0);
	c = vm_page_alloc(0);
	ASSERT_EQ(vm_alloc_fail_countdown, 0);
	ASSERT_TRUE(a != NULL && b == NULL && c != NULL);
	vm_page_free(c);
	vm_alloc_fail_at(1, true);
	b = vm_page_alloc(0);
	c = vm_page_alloc_order(1, 0);
	vm_alloc_fail_at(0, false);
	ASSERT_TRUE(b == NULL && c == NULL);
	vm_page_free(a);
}

TEST(vm_page, every_number_finds_its_page)
{
	ASSERT_GE(vm_phys_nsegs, 1);
	for (unsigned i = 0; i < vm_phys_nsegs; i++) {
		struct vm_phys_seg *s = &vm_phys_seg[i];
		pfn_t first = (pfn_t)(s->start >> PAGE_SHIFT), last = (pfn_t)(s->end >> PAGE_SHIFT) - 1;

		ASSERT_TRUE(vm_page_of_pfn(first) == s->pages);
		ASSERT_TRUE(vm_page_of_pfn(last) == s->pages + (last - first));
		ASSERT_EQ(s->pages[last - first].pfn, last);
		ASSERT_LE(s->end - s->start, vm_phys_seg[0].end - vm_phys_seg[0].start);
	}
	ASSERT_TRUE(vm_page_of_pfn(0) == NULL);
	ASSERT_TRUE(vm_page_of_pfn(UINT32_MAX) == NULL);
}

static bool
in_a_segment(pfn_t pfn)
{
	for (unsigned i = 0; i < vm_phys_nsegs; i++)
		if (pfn >= vm_phys_seg[i].start >> PAGE_SHIFT && pfn < vm_phys_seg[i].end >> PAGE_SHIFT)
			return true;
	return false;
}

TEST(vm_page, what_lies_between_segments_is_reserved)
{
	ASSERT_LE(vm_phys_nbanks, vm_phys_nsegs);
	for (unsigned i = 0; i < vm_phys_nsegs; i++)
		for (unsigned after = 0; after < 2; after++) {
			pfn_t pfn = (pfn_t)((after ? vm_phys_seg[i].end : vm_phys_seg[i].start - 1) >> PAGE_SHIFT);
			struct vm_page *m = vm_page_of_pfn(pfn);

			ASSERT_TRUE(m == NULL || in_a_segment(pfn) || m->kind == VM_PAGE_RESERVED);
		}
}

TEST(vm_page, zero_and_copy_touch_exactly_one_page)
{
	struct vm_page *m = vm_page_alloc_order(2, 0);
	unsigned char *p;

	ASSERT_TRUE(m != NULL);
	p = vm_page_va(m);
	memset(p, 0x77, 4 * PAGE_SIZE);
	vm_page_zero(m + 1);
	for (unsigned i = 0; i < PAGE_SIZE; i++)
		((uint8_t *)vm_page_va(m))[i] = (uint8_t)(i * 7 + (i >> 8));
	ASSERT_TRUE(is_clear(m + 1));
	ASSERT_EQ(p[2 * PAGE_SIZE], 0x77);
	vm_page_copy(m + 2, m);
	ASSERT_EQ(memcmp(p, p + 2 * PAGE_SIZE, PAGE_SIZE), 0);
	ASSERT_TRUE(is_clear(m + 1));
	ASSERT_EQ(p[3 * PAGE_SIZE], 0x77);
	ASSERT_EQ(p[4 * PAGE_SIZE - 1], 0x77);
	vm_page_free_order(m, 2);
}

/* --- the census notices --- */

TEST(vm_page, census_notices_a_page_that_claims_to_be_free)
{
	struct vm_page_counts c;
	struct vm_page *m = vm_page_alloc(0);

	ASSERT_TRUE(m != NULL);
	ASSERT_TRUE(vm_page_census(&c) == NULL);
	m->kind = VM_PAGE_FREE;
	m->link.next = m->link.prev = &m->link;
	ASSERT_TRUE(vm_page_census(&c) != NULL);
	m->order = VM_PAGE_NO_ORDER;
	ASSERT_TRUE(vm_page_census(&c) == m);
	m->order = 0;
	m->kind = VM_PAGE_CACHED;
	ASSERT_TRUE(vm_page_census(&c) != NULL);
	m->kind = 200;
	ASSERT_TRUE(vm_page_census(&c) == m);
	m->kind = VM_PAGE_KERNEL;
	ASSERT_TRUE(vm_page_census(&c) == NULL);
	vm_page_free(m);
}

TEST(vm_page, census_notices_a_lost_and_a_changed_free_page)
{
	struct vm_page_counts c;
	struct vm_page *m = vm_page_alloc(0);

	ASSERT_TRUE(m != NULL);
	vm_page_free(m);
	m->kind = VM_PAGE_OBJECT;
	ASSERT_TRUE(vm_page_census(&c) == m);
	m->kind = VM_PAGE_CACHED;
	m->pfn++;
	ASSERT_TRUE(vm_page_census(&c) == m);
	m->pfn--;
	vm_page_cache[hart_index()].chain[PAGE_DIRTY].n++;
	ASSERT_TRUE(vm_page_census(&c) != NULL);
	vm_page_cache[hart_index()].chain[PAGE_DIRTY].n--;
	ASSERT_TRUE(vm_page_census(&c) == NULL);
}

TEST(vm_page, census_counts_kinds)
{
	struct vm_page_counts before, after;
	struct vm_page *m, *t;

	ASSERT_TRUE(vm_page_census(&before) == NULL);
	m = vm_page_alloc_order(4, 0);
	t = vm_page_alloc(0);
	ASSERT_TRUE(m != NULL && t != NULL);
	t->kind = VM_PAGE_TABLE;
	ASSERT_TRUE(vm_page_census(&after) == NULL);
	ASSERT_EQ(after.kind[VM_PAGE_KERNEL], before.kind[VM_PAGE_KERNEL] + 16);
	ASSERT_EQ(after.kind[VM_PAGE_TABLE], before.kind[VM_PAGE_TABLE] + 1);
	ASSERT_EQ(after.kind[VM_PAGE_FREE] + after.kind[VM_PAGE_CACHED],
	    before.kind[VM_PAGE_FREE] + before.kind[VM_PAGE_CACHED] - 17);
	vm_page_free_order(m, 4);
	vm_page_free(t);
}

/* --- random: nothing is handed out twice --- */

#define OWNED 64

static uint64_t
next_random(uint64_t *s)
{
	*s ^= *s << 13;
	*s ^= *s >> 7;
	*s ^= *s << 17;
	return *s;
}

TEST(vm_page, random_blocks_never_overlap)
{
	static struct { struct vm_page *m; unsigned order; } own[OWNED];
	uint64_t seed = 0x9e3779b97f4a7c15ul, before = free_pages();

	memset(own, 0, sizeof(own));
	for (unsigned step = 0; step < 20000; step++) {
		unsigned i = (unsigned)(next_random(&seed) % OWNED);
		uint64_t *mark;

		if (own[i].m != NULL) {
			for (unsigned p = 0; p < 1u << own[i].order; p++) {
				mark = vm_page_va(vm_page_of_pfn(own[i].m->pfn + p));
				ASSERT_EQ(*mark, i * 1000 + p);
			}
			if (own[i].order == 0)
				vm_page_free(own[i].m);
			else
				vm_page_free_order(own[i].m, own[i].order);
			own[i].m = NULL;
			continue;
		}
		own[i].order = next_random(&seed) % 4 == 0 ? (unsigned)(next_random(&seed) % 6) : 0;
		own[i].m = own[i].order == 0 ? vm_page_alloc(0) : vm_page_alloc_order(own[i].order, 0);
		ASSERT_TRUE(own[i].m != NULL);
		for (unsigned p = 0; p < 1u << own[i].order; p++) {
			mark = vm_page_va(vm_page_of_pfn(own[i].m->pfn + p));
			*mark = i * 1000 + p;
		}
	}
	for (unsigned i = 0; i < OWNED; i++)
		if (own[i].m != NULL)
			vm_page_free_order(own[i].m, own[i].order);
	ASSERT_EQ(free_pages(), before);
}
