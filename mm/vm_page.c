/*
 * vm_page.c: single pages: handing them out and taking them back.
 *
 *	hart's cache            stock (one lock)
 *	dirty  [p][p]..  <-16->  loose  [p][p][p]...   <->  buddy lists
 *	zero   [p]..     <-16->  zero pool [p][p]...        (vm_page_buddy.c)
 *
 * Nearly every allocation and every free is a push or pop on the hart's own
 * cache, under a lock that only vm_page_drain and its like contend for. Caches
 * trade with the stock in batches. Pages freed in numbers go onto the loose
 * chain as they are and coalesce later: when somebody wants a block, or when a
 * hart idles. Pages known to be clear travel apart from the others, so that a
 * request for a clear page costs no clearing when there is one.
 *
 * Pages of the kernel stay where they are, those of objects can be moved. So
 * each has its own chains: when those of the kernel are empty they get a whole
 * megapage, and a page that was the kernel's is the kernel's again. Then few
 * megapages hold what cannot move, and the others can be emptied (vm_page_compact.c);
 * and these few come from few gigabytes.
 * Only when nothing else is left does one side take from the other.
 *
 * Reserve: requests for tasks fail while the stock holds no more than
 * vm_page_stock.reserve. Near that point (`low`) all caches are closed (their
 * cap is 0), or pages freed by the kernel would reach tasks through them.
 *
 * Debug builds fill freed pages with VM_PAGE_POISON_WORD and look for it when
 * they are handed out; a page that is said to be clear is checked to be so.
 *
 * Locks (all of rank PAGE): page_clear_lock, then one cache's, then the
 * stock's. Failure: NULL; nothing sleeps here.
 */
#include <string.h>
#include <vm_page_impl.h>

struct vm_page_cache vm_page_cache[MAXHARTS];

/* The megapage that idle harts are clearing, and how far they are. */
static struct spinlock page_clear_lock = SPINLOCK_INIT(PAGE);
static struct vm_page *page_clearing;
static unsigned        page_cleared;

#define ZERO_POOL_MAX   2048ul  /* pages cleared ahead for objects */
#define ZERO_KERNEL_MAX 1024ul  /* for the kernel: page tables, mostly */
#define ZERO_MEGA_MAX   16ul    /* megapages cleared ahead */
#define CUT_ORDER       5u      /* what a hart without pages takes from the buddy lists: half of what it keeps */
#define LOOSE_MAX       64ul    /* loose pages that idle harts leave alone */
#define KERNEL_MAX      1024ul  /* loose pages kept for the kernel */

void
vm_page_cache_init(void)
{
	for (unsigned i = 0; i < MAXHARTS; i++) {
		spin_init(&vm_page_cache[i].lock, LOCK_PAGE);
		vm_page_cache[i].cap = VM_PAGE_CACHE_MAX;
		for (unsigned k = 0; k < PAGE_SORTS; k++)
			vm_page_cache[i].chain[k] = (struct vm_page_chain){ NULL, 0 };
	}
	spin_init(&page_clear_lock, LOCK_PAGE);
	page_clearing = NULL;
}

/* --- contents --- */

#define ZERO8(p, i) \
	((p)[i] = 0, (p)[i + 1] = 0, (p)[i + 2] = 0, (p)[i + 3] = 0, \
	 (p)[i + 4] = 0, (p)[i + 5] = 0, (p)[i + 6] = 0, (p)[i + 7] = 0)
#define ZERO64(p, i) \
	(ZERO8(p, i), ZERO8(p, i + 8), ZERO8(p, i + 16), ZERO8(p, i + 24), \
	 ZERO8(p, i + 32), ZERO8(p, i + 40), ZERO8(p, i + 48), ZERO8(p, i + 56))

/* The empty asm keeps the compiler from seeing a memset, which knows less. */
void
vm_page_zero(struct vm_page *m)
{
	uint64_t *p = vm_page_va(m), *end = p + PAGE_SIZE / sizeof(*p);

	_Static_assert(PAGE_SIZE / sizeof(*p) % 256 == 0, "no rest");
	do {
		ZERO64(p, 0);
		ZERO64(p, 64);
		ZERO64(p, 128);
		ZERO64(p, 192);
		p += 256;
		__asm__ volatile("" : "+r"(p) : : "memory");
	} while (p != end);
}

/* Eight loads, then eight stores: no load waits for the store before it. */
#define COPY8(d, s, i) \
	do { \
		uint64_t a = (s)[i], b = (s)[i + 1], c = (s)[i + 2], e = (s)[i + 3]; \
		uint64_t f = (s)[i + 4], g = (s)[i + 5], h = (s)[i + 6], j = (s)[i + 7]; \
		(d)[i] = a, (d)[i + 1] = b, (d)[i + 2] = c, (d)[i + 3] = e; \
		(d)[i + 4] = f, (d)[i + 5] = g, (d)[i + 6] = h, (d)[i + 7] = j; \
	} while (0)

void
vm_page_copy(struct vm_page *dst, const struct vm_page *src)
{
	uint64_t *restrict d = vm_page_va(dst);
	const uint64_t *restrict s = vm_page_va(src);

	for (const uint64_t *end = s + PAGE_SIZE / sizeof(*s); s < end; d += 64, s += 64) {
		COPY8(d, s, 0);
		COPY8(d, s, 8);
		COPY8(d, s, 16);
		COPY8(d, s, 24);
		COPY8(d, s, 32);
		COPY8(d, s, 40);
		COPY8(d, s, 48);
		COPY8(d, s, 56);
		__asm__ volatile("" : : : "memory");
	}
}

void
vm_page_copy_part(void *dst, const void *src, size_t n)
{
	uint64_t *d = dst;
	const uint64_t *s = src;

	if ((((uintptr_t)dst | (uintptr_t)src) & 7) == 0) {
		for (; n >= 256; n -= 256, d += 32, s += 32) {
			COPY8(d, s, 0);
			COPY8(d, s, 8);
			COPY8(d, s, 16);
			COPY8(d, s, 24);
			__asm__ volatile("" : : : "memory");
		}
		for (; n >= 64; n -= 64, d += 8, s += 8)
			COPY8(d, s, 0);
		for (; n >= 8; n -= 8)
			*d++ = *s++;
	}
	if (n != 0)
		memcpy(d, s, n);
}

bool vm_page_poisons = true;

/* Debug: n pages from m on become free with garbage in them. */
static inline void
page_poison(struct vm_page *m, uint64_t n)
{
	if (ATLAS_DEBUG)
		for (; n > 0; n--, m++) {
			m->poison = vm_page_poisons ? VM_PAGE_POISONED : 0;
			if (vm_page_poisons)
				memset(vm_page_va(m), 0xdb, PAGE_SIZE);
		}
}

static noinline void
page_written(const struct vm_page *m, uint64_t want)
{
	const uint64_t *p = vm_page_va(m);
	unsigned i = 0;

	while (p[i] == want)
		i++;
	panic("free page 0x%lx was written: 0x%lx at offset 0x%lx, was 0x%lx",
	    vm_page_pa(m), p[i], i * sizeof(*p), want);
}

/* No way out of the loop: so compilers read several words at a time. */
static void
page_check_word(const struct vm_page *m, uint64_t want)
{
	const uint64_t *p = vm_page_va(m);
	uint64_t differ = 0;

	for (unsigned i = 0; i < PAGE_SIZE / sizeof(*p); i++)
		differ |= p[i] ^ want;
	if (differ != 0)
		page_written(m, want);
}

/* Debug: n pages from m on stop being free; nobody may have written them meanwhile. */
static inline void
page_check(struct vm_page *m, uint64_t n, bool zeroed)
{
	if (ATLAS_DEBUG)
		for (; n > 0; n--, m++) {
			if (zeroed)
				page_check_word(m, 0);
			else if (m->poison == VM_PAGE_POISONED)
				page_check_word(m, VM_PAGE_POISON_WORD);
			m->poison = 0;
		}
}

/* --- between caches and stock --- */

/* Moves up to n pages. */
static void
chain_move(struct vm_page_chain *to, struct vm_page_chain *from, uint64_t n)
{
	struct vm_page *first = from->first, *last = first;
	uint64_t moved = 1;

	if (first == NULL || n == 0)
		return;
	for (; moved < n && last->q.next != NULL; moved++)
		last = last->q.next;
	from->first = last->q.next;
	from->n -= moved;
	last->q.next = to->first;
	to->first = first;
	to->n += moved;
}

/* Stock locked: is memory low? With room between, so that it does not flutter. */
static void
stock_watch(void)
{
	struct vm_page_stock *s = &vm_page_stock;
	uint64_t free = vm_page_stock_free();

	if (free < s->reserve + s->reserve / 2)
		s->low = true;
	else if (free > 2 * s->reserve)
		s->low = false;
}

/* A block, taken off the buddy lists, becomes CACHED pages. Stock locked. */
static void
block_to_chain(struct vm_page_chain chain[2], struct vm_page *m, unsigned order)
{
	struct vm_page *first;
	unsigned zero;

	zero = (m->flags & VM_PAGE_ZEROED) ? PAGE_ZERO : PAGE_DIRTY;
	/* The lowest page last, so that it is on top. */
	first = chain[zero].first;
	for (uint64_t i = 1ul << order; i-- > 0;) {
		vm_page_describe(&m[i], VM_PAGE_CACHED, 0, zero);
		m[i].q.next = first;
		first = &m[i];
	}
	chain[zero].first = first;
	chain[zero].n += 1ul << order;
}

/* A cut of the buddy lists, as CACHED pages; FALSE: they are empty. Stock locked. */
static bool
buddy_to_chain(struct vm_page_chain chain[2], unsigned order, enum vm_page_choice choice)
{
	unsigned k = vm_page_buddy_smallest();

	if (k == VM_PAGE_ORDERS)
		return false;
	if (order > k)
		order = k;
	block_to_chain(chain, vm_page_buddy_take(order, choice), order);
	return true;
}

/* The kernel's chains lack pages: a megapage for them, if that does not hurt. Stock locked. */
static void
kernel_megapage(void)
{
	struct vm_page_stock *s = &vm_page_stock;

	if (s->nblocks[VM_PAGE_ORDER_MEGA] != 0 && vm_page_stock_free() > 4 * s->reserve + 2 * MEGAPAGE_PAGES)
		block_to_chain(s->chain, vm_page_buddy_take_near(), VM_PAGE_ORDER_MEGA);
}

/* Cache locked. Brings it pages if the stock may give any for these flags. */
static void
cache_refill(struct vm_page_cache *c, unsigned flags)
{
	struct vm_page_stock *s = &vm_page_stock;
	unsigned side = flags & PAGE_USER;
	struct vm_page_chain *from = &s->chain[side], *to = &c->chain[side];
	bool open = c->cap != 0;
	uint64_t n = open ? VM_PAGE_BATCH : 1;

	spin_lock(&s->lock);
	if (!(flags & (VM_PAGE_USER | VM_PAGE_TASK)) || vm_page_stock_free() > s->reserve) {
		/* Clear pages wait for who wants them, if that does not hurt. */
		if (side == 0 && from[PAGE_DIRTY].n == 0 && (!(flags & VM_PAGE_ZERO) || from[PAGE_ZERO].n == 0))
			kernel_megapage();
		if ((flags & VM_PAGE_ZERO) && from[PAGE_ZERO].n != 0)
			chain_move(&to[PAGE_ZERO], &from[PAGE_ZERO], n);
		else if (from[PAGE_DIRTY].n != 0)
			chain_move(&to[PAGE_DIRTY], &from[PAGE_DIRTY], n);
		else if (side == 0 && from[PAGE_ZERO].n != 0)
			chain_move(&to[PAGE_ZERO], &from[PAGE_ZERO], n);
		else if (!buddy_to_chain(to, open ? CUT_ORDER : 0, side == 0 ? PAGE_OLD : PAGE_ANY))
			for (unsigned k = PAGE_SORTS; k-- > 0 && (to[PAGE_DIRTY].n | to[PAGE_ZERO].n) == 0;)
				chain_move(&to[k & PAGE_ZERO], &s->chain[k], n);
		stock_watch();
	}
	spin_unlock(&s->lock);
}

static inline bool
cache_is_empty(const struct vm_page_cache *c)
{
	return (c->chain[0].n | c->chain[1].n | c->chain[2].n | c->chain[3].n) == 0;
}

/* Cache locked: all but `keep` pages of each sort go to the stock. */
static void
cache_spill(struct vm_page_cache *c, uint64_t keep)
{
	spin_lock(&vm_page_stock.lock);
	for (unsigned k = 0; k < PAGE_SORTS; k++)
		if (c->chain[k].n > keep)
			chain_move(&vm_page_stock.chain[vm_page_stock.chain[k].n > KERNEL_MAX ? k | PAGE_USER : k], &c->chain[k],
			    c->chain[k].n - keep);
	stock_watch();
	spin_unlock(&vm_page_stock.lock);
}

/* Opens or closes all caches as `low` has it. No lock of ours held. */
static void
caches_follow(void)
{
	for (unsigned i = 0; i < MAXHARTS; i++) {
		struct vm_page_cache *c = &vm_page_cache[i];

		spin_lock(&c->lock);
		c->cap = vm_page_is_low() ? 0 : VM_PAGE_CACHE_MAX;
		if (c->cap == 0 && !cache_is_empty(c))
			cache_spill(c, 0);
		spin_unlock(&c->lock);
	}
}

/* Unlocks c, and lets the caches follow if memory has become low or is so no more. */
static void
cache_unlock_slow(struct vm_page_cache *c)
{
	bool differs = (c->cap == 0) != vm_page_is_low();

	spin_unlock(&c->lock);
	if (unlikely(differs))
		caches_follow();
}

static void
chain_to_buddy(struct vm_page_chain *chain, uint64_t n, bool zeroed)
{
	while (n-- > 0 && chain->first != NULL)
		vm_page_buddy_give(vm_page_pop(chain), 0, zeroed);
}

void
vm_page_drain_some(bool kernel_too)
{
	struct vm_page_stock *s = &vm_page_stock;

	spin_lock(&page_clear_lock);
	for (unsigned i = 0; i < MAXHARTS; i++) {
		spin_lock(&vm_page_cache[i].lock);
		if (!cache_is_empty(&vm_page_cache[i]))
			cache_spill(&vm_page_cache[i], 0);
		spin_unlock(&vm_page_cache[i].lock);
	}
	spin_lock(&s->lock);
	if (page_clearing != NULL)
		vm_page_buddy_give(page_clearing, VM_PAGE_ORDER_MEGA, false);
	page_clearing = NULL;
	for (unsigned k = kernel_too ? 0 : PAGE_USER; k < PAGE_SORTS; k++)
		chain_to_buddy(&s->chain[k], UINT64_MAX, (k & PAGE_ZERO) != 0);
	spin_unlock(&s->lock);
	spin_unlock(&page_clear_lock);
}

void
vm_page_drain(void)
{
	vm_page_drain_some(true);
}

/* --- one page --- */

/* Cache locked: a page of the wanted sort, or of the other, or NULL. */
static struct vm_page *
cache_take(struct vm_page_cache *c, unsigned flags)
{
	unsigned want = flags & (PAGE_ZERO | PAGE_USER), k;

	if (c->chain[want].n == 0 && (!(want & PAGE_ZERO) || c->chain[want ^ PAGE_ZERO].n == 0 || vm_page_stock_has(want)))
		cache_refill(c, flags);
	/* The other sort; then the other side's. */
	for (k = 0; k < PAGE_SORTS; k++)
		if (c->chain[want ^ k].n != 0)
			return vm_page_pop(&c->chain[want ^ k]);
	return NULL;
}

static noinline struct vm_page *
page_alloc_slow(struct vm_page_cache *c, unsigned flags)
{
	struct vm_page *m = cache_take(c, flags);
	bool zeroed;

	cache_unlock_slow(c);
	if (unlikely(m == NULL)) {
		/* Other harts' caches may hold the last pages. */
		vm_page_drain();
		spin_lock(&c->lock);
		m = cache_take(c, flags);
		cache_unlock_slow(c);
		if (m == NULL)
			return NULL;
	}
	zeroed = (m->flags & VM_PAGE_ZEROED) != 0;
	page_check(m, 1, zeroed);
	if ((flags & VM_PAGE_ZERO) && !zeroed)
		vm_page_zero(m);
	vm_page_describe(m, VM_PAGE_KERNEL, 0, 0);
	return m;
}

/*
 * The common case of vm_page_alloc spelt out: locked late, held lock, hook
 * armed, or a debug build. Kept apart so that the fast path needs no frame.
 */
static noinline struct vm_page *
page_alloc_contended(unsigned flags, const void *site)
{
	struct vm_page_cache *c = &vm_page_cache[hart_index()];

	if (unlikely(vm_alloc_fail_countdown != 0) && vm_alloc_fails(site))
		return NULL;
	spin_lock(&c->lock);
	return page_alloc_slow(c, flags);
}

/* c locked; a clear page is wanted, and the hart has none at hand. */
static noinline struct vm_page *
page_alloc_clear(struct vm_page_cache *c, unsigned flags)
{
	struct vm_page_chain *dirty = &c->chain[flags & PAGE_USER];
	struct vm_page *m = dirty->first;

	if (unlikely(m == NULL) || vm_page_stock_has(flags & (PAGE_ZERO | PAGE_USER)))
		return page_alloc_slow(c, flags);
	dirty->first = m->q.next;
	dirty->n--;
	spin_unlock(&c->lock);
	vm_page_describe(m, VM_PAGE_KERNEL, 0, 0);
	vm_page_zero(m);
	return m;
}

struct vm_page *
vm_page_alloc(unsigned flags)
{
	struct vm_page_cache *c = &vm_page_cache[hart_index()];
	struct vm_page_chain *chain = &c->chain[flags & (PAGE_ZERO | PAGE_USER)];
	struct vm_page *m;

	_Static_assert(VM_PAGE_ZERO == PAGE_ZERO && VM_PAGE_ZEROED == PAGE_ZERO && VM_PAGE_USER == PAGE_USER,
	    "flags index the chains");
	if (ATLAS_DEBUG || unlikely(vm_alloc_fail_countdown != 0) ||
	    unlikely(!spin_trylock(&c->lock)))
		return page_alloc_contended(flags, ATLAS_DEBUG ? __builtin_return_address(0) : NULL);
	m = chain->first;
	if (unlikely(m == NULL))
		return flags & VM_PAGE_ZERO ? page_alloc_clear(c, flags) : page_alloc_slow(c, flags);
	chain->first = m->q.next;
	chain->n--;
	spin_unlock(&c->lock);
	vm_page_describe(m, VM_PAGE_KERNEL, 0, 0);
	return m;
}

/* Debug: m may be given back. */
static inline void
page_free_check(const struct vm_page *m)
{
	DASSERT(vm_page_of_pfn(m->pfn) == m, ("%p is no page", (const void *)m));
	DASSERT(m->wire_count == 0, ("page 0x%lx freed with %u wirings",
	    vm_page_pa(m), m->wire_count));
}

/* c locked, and holds more than its cap. */
static noinline void
page_free_spill(struct vm_page_cache *c)
{
	cache_spill(c, c->cap != 0 ? c->cap - VM_PAGE_BATCH : 0);
	cache_unlock_slow(c);
}

/* As page_alloc_contended. */
static noinline void
page_free_contended(struct vm_page *m, uint64_t k)
{
	struct vm_page_cache *c = &vm_page_cache[hart_index()];

	page_free_check(m);
	if (ATLAS_DEBUG && !(k & PAGE_ZERO))
		page_poison(m, 1);
	spin_lock(&c->lock);
	vm_page_push(&c->chain[k], m);
	if (c->chain[k].n > c->cap)
		page_free_spill(c);
	else
		spin_unlock(&c->lock);
}

void
vm_page_free(struct vm_page *m)
{
	struct vm_page_cache *c = &vm_page_cache[hart_index()];
	uint64_t k = (m->flags & VM_PAGE_ZEROED) | (m->kind == VM_PAGE_OBJECT ? PAGE_USER : 0);

	KASSERT(m->kind > VM_PAGE_CACHED, ("page 0x%lx freed twice or never given out: kind %u",
	    vm_page_pa(m), m->kind));
	vm_page_describe(m, VM_PAGE_CACHED, 0, (unsigned)k & VM_PAGE_ZEROED);
	if (ATLAS_DEBUG || unlikely(!spin_trylock(&c->lock))) {
		page_free_contended(m, k);
		return;
	}
	vm_page_push(&c->chain[k], m);
	if (unlikely(c->chain[k].n > c->cap))
		page_free_spill(c);
	else
		spin_unlock(&c->lock);
}

void
vm_page_free_batch(struct vm_page *const *m, unsigned n)
{
	struct vm_page_stock *s = &vm_page_stock;
	struct vm_page_chain *chain;
	struct vm_page *first = NULL;

	if (n == 0)
		return;
	chain = &s->chain[m[0]->kind == VM_PAGE_OBJECT ? PAGE_USER : 0];
	for (unsigned i = 0; i < n; i++) {
		struct vm_page *p = m[i];

		DASSERT(p->kind > VM_PAGE_CACHED, ("page 0x%lx freed twice: kind %u",
		    vm_page_pa(p), p->kind));
		page_free_check(p);
		page_poison(p, 1);
		vm_page_describe(p, VM_PAGE_CACHED, 0, 0);
		p->q.next = first;
		first = p;
	}
	spin_lock(&s->lock);
	m[0]->q.next = chain->first;
	chain->first = first;
	chain->n += n;
	if (unlikely(s->low))
		stock_watch();
	spin_unlock(&s->lock);
}

/* --- blocks --- */

/* No block is big enough: loose pages may make one. A task can do without: for a few of them it is not worth it. Stock locked. */
static noinline struct vm_page *
block_coalesce(unsigned order, unsigned flags, bool zero)
{
	struct vm_page_stock *s = &vm_page_stock;

	if (s->chain[PAGE_USER].n <= ((flags & VM_PAGE_USER) ? LOOSE_MAX / 2 : 0))
		return NULL;
	chain_to_buddy(&s->chain[PAGE_USER], UINT64_MAX, false);
	return vm_page_buddy_take(order, zero ? PAGE_CLEAR : PAGE_ANY);
}

/* Stock locked. */
static inline struct vm_page *
block_take(unsigned order, unsigned flags)
{
	struct vm_page_stock *s = &vm_page_stock;
	bool zero = (flags & (VM_PAGE_ZERO | VM_PAGE_PREFER_ZERO)) != 0;
	bool plenty = vm_page_stock_free() > 2 * s->reserve + (1ul << order);
	struct vm_page *m;

	if (unlikely(!plenty) && (flags & VM_PAGE_USER) && vm_page_stock_free() < s->reserve + (1ul << order))
		return NULL;
	m = vm_page_buddy_take(order, zero ? PAGE_CLEAR : PAGE_ANY);
	if (unlikely(m == NULL))
		m = block_coalesce(order, flags, zero);
	/* With that much left there is nothing to watch. */
	if (unlikely(!plenty || s->low))
		stock_watch();
	return m;
}

static inline struct vm_page *
block_take_locked(unsigned order, unsigned flags)
{
	struct vm_page *m;

	spin_lock(&vm_page_stock.lock);
	m = block_take(order, flags);
	spin_unlock(&vm_page_stock.lock);
	return m;
}

/* Once more, with what the caches hold; not for a task's block, which it can do without. */
static noinline struct vm_page *
block_take_again(unsigned order, unsigned flags)
{
	if (order > 0 && (flags & VM_PAGE_USER))
		return NULL;
	vm_page_drain();
	return block_take_locked(order, flags);
}

static noinline void
block_zero(struct vm_page *m, unsigned order)
{
	for (uint64_t i = 0; i < 1ul << order; i++)
		vm_page_zero(vm_page_of_pfn(m->pfn + (pfn_t)i));
	m->flags = VM_PAGE_ZEROED;
}

struct vm_page *
vm_page_alloc_order(unsigned order, unsigned flags)
{
	struct vm_page *m;

	KASSERT(order < VM_PAGE_ORDERS, ("a block of order %u", order));
	if (unlikely(vm_alloc_fail_countdown != 0) && vm_alloc_fails(__builtin_return_address(0)))
		return NULL;
	m = block_take_locked(order, flags);
	if (unlikely(m == NULL) && (m = block_take_again(order, flags)) == NULL)
		return NULL;
	page_check(m, 1ul << order, (m->flags & VM_PAGE_ZEROED) != 0);
	if ((flags & VM_PAGE_ZERO) && !(m->flags & VM_PAGE_ZEROED))
		block_zero(m, order);
	if (!(flags & VM_PAGE_PREFER_ZERO))
		m->flags = 0;
	return m;
}

void
vm_page_free_order(struct vm_page *m, unsigned order)
{
	bool zeroed = (m->flags & VM_PAGE_ZEROED) != 0;

	KASSERT(m->kind > VM_PAGE_CACHED, ("block 0x%lx freed twice: kind %u",
	    vm_page_pa(m), m->kind));
	KASSERT(order < VM_PAGE_ORDERS && (m->pfn & ((1u << order) - 1)) == 0,
	    ("page 0x%lx heads no block of order %u", vm_page_pa(m), order));
	page_free_check(m);
	if (ATLAS_DEBUG && !zeroed)
		page_poison(m, 1ul << order);
	spin_lock(&vm_page_stock.lock);
	vm_page_buddy_give(m, order, zeroed);
	stock_watch();
	spin_unlock(&vm_page_stock.lock);
}

/* --- clearing ahead --- */

struct vm_page *
vm_page_clear_lock(void)
{
	spin_lock(&page_clear_lock);
	return page_clearing;
}

void
vm_page_clear_unlock(void)
{
	spin_unlock(&page_clear_lock);
}

static inline uint64_t
at_most(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

/* A page that is to join a side's pool of clear ones, on got; none: that has enough, or there is none. Stock locked. */
static void
clear_choose(struct vm_page_chain got[2], unsigned side)
{
	struct vm_page_stock *s = &vm_page_stock;
	uint64_t most = side == 0 ? at_most(ZERO_KERNEL_MAX, s->total / 64) : at_most(ZERO_POOL_MAX, s->total / 16);

	if (s->chain[side | PAGE_ZERO].n >= most || vm_page_stock_free() <= 4 * s->reserve)
		return;
	if (side == 0 && s->chain[PAGE_DIRTY].n == 0)
		kernel_megapage();
	if (s->chain[side].n != 0)
		chain_move(&got[PAGE_DIRTY], &s->chain[side], 1);
	else if (side != 0)
		(void)buddy_to_chain(got, 0, PAGE_ANY);
}

/* One page into a side's pool of clear ones. page_clear_lock held. */
static bool
clear_page(unsigned side)
{
	struct vm_page_stock *s = &vm_page_stock;
	struct vm_page_chain got[2] = { { NULL, 0 }, { NULL, 0 } };
	struct vm_page *m;

	spin_lock(&s->lock);
	clear_choose(got, side);
	spin_unlock(&s->lock);
	m = got[PAGE_DIRTY].first != NULL ? got[PAGE_DIRTY].first : got[PAGE_ZERO].first;
	if (m == NULL)
		return false;
	if (m == got[PAGE_DIRTY].first) {
		page_check(m, 1, false);
		vm_page_zero(m);
	}
	m->flags = VM_PAGE_ZEROED;
	spin_lock(&s->lock);
	vm_page_push(&s->chain[side | PAGE_ZERO], m);
	spin_unlock(&s->lock);
	return true;
}

/* page_clear_lock held: a megapage to clear, if there should be one. */
static struct vm_page *
clear_start(void)
{
	struct vm_page_stock *s = &vm_page_stock;
	struct list *l = &s->free[VM_PAGE_ORDER_MEGA];
	uint64_t most = at_most(ZERO_MEGA_MAX, s->total / (16 * MEGAPAGE_PAGES));
	struct vm_page *m = NULL;

	spin_lock(&s->lock);
	if (s->nfree_zero / MEGAPAGE_PAGES < most && s->nblocks[VM_PAGE_ORDER_MEGA] != 0 &&
	    !(list_entry(l->prev, struct vm_page, link)->flags & VM_PAGE_ZEROED) &&
	    vm_page_stock_free() > 4 * s->reserve + MEGAPAGE_PAGES) {
		m = vm_page_buddy_take(VM_PAGE_ORDER_MEGA, PAGE_ANY);
		vm_page_describe(m, VM_PAGE_CACHED, VM_PAGE_ORDER_MEGA, 0);
	}
	spin_unlock(&s->lock);
	return m;
}

/* One page of a megapage. page_clear_lock held. */
static bool
clear_megapage(void)
{
	struct vm_page *m;

	if (page_clearing == NULL) {
		page_clearing = clear_start();
		page_cleared = 0;
	}
	if (page_clearing == NULL)
		return false;
	m = vm_page_of_pfn(page_clearing->pfn + page_cleared);
	page_check(m, 1, false);
	vm_page_zero(m);
	if (++page_cleared == MEGAPAGE_PAGES) {
		spin_lock(&vm_page_stock.lock);
		vm_page_buddy_give(page_clearing, VM_PAGE_ORDER_MEGA, true);
		spin_unlock(&vm_page_stock.lock);
		page_clearing = NULL;
	}
	return true;
}

/* Loose pages, a batch at a time. */
static bool
coalesce_some(void)
{
	struct vm_page_stock *s = &vm_page_stock;
	bool some;

	spin_lock(&s->lock);
	some = s->chain[PAGE_USER].n > LOOSE_MAX;
	if (some)
		chain_to_buddy(&s->chain[PAGE_USER], VM_PAGE_BATCH, false);
	spin_unlock(&s->lock);
	return some;
}

bool
vm_page_clear_ahead(void)
{
	bool did;

	if (vm_page_is_low() || !spin_trylock(&page_clear_lock))
		return false;
	did = clear_page(PAGE_USER) || clear_page(0) || clear_megapage() || coalesce_some();
	spin_unlock(&page_clear_lock);
	return did;
}

/* --- failing on purpose --- */

uint64_t vm_alloc_fail_countdown;
void (*vm_alloc_fail_report)(const void *site, bool fails);
static bool vm_alloc_fail_all;

void
vm_alloc_fail_at(uint64_t n, bool and_all_later)
{
	vm_alloc_fail_countdown = n;
	vm_alloc_fail_all = and_all_later;
}

bool
vm_alloc_fails(const void *site)
{
	bool fails = vm_alloc_fail_countdown == 1;

	if (vm_alloc_fail_countdown > 1 || (fails && !vm_alloc_fail_all))
		vm_alloc_fail_countdown--;
	if (vm_alloc_fail_report != NULL)
		vm_alloc_fail_report(site, fails);
	return fails;
}
