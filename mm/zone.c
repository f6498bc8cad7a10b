/*
 * zone.c: fixed-size kernel objects.
 *
 *	slab: 2^slab_order pages, aligned to their size
 *	+------+---------+---------+---------+-- ... --+---+
 *	| head | element | element | element |         |   |
 *	+------+---------+---------+---------+-- ... --+---+
 *	   free ─> element ─> element ─> NULL     fresh: the rest, not linked yet
 *
 *	hart's cache  <-16->  slabs of the zone  <-1->  page allocator
 *
 * The head of an element's slab is found by rounding its address down. A new
 * slab is not cut up ahead: `fresh` says how far it has been used. Slabs are
 * kept by filling: partial ones serve first, one or two empty ones are kept so
 * that a zone that breathes does not trade pages at every breath.
 *
 * Invariants: slab->taken = per_slab - free elements - fresh ones; a slab is on
 * `full`, `partial` or `empty` as taken is all, some or none; zone->taken is
 * the sum, and the caches hold part of it.
 *
 * Debug builds fill a freed element with ZONE_POISON (but for the first word,
 * the link), and check that when it is handed out again, now filled with
 * ZONE_UNDEFINED; and at each free that the element is one of this zone and was
 * not free already.
 *
 * Locks (rank ZONE): zone_list_lock, then one hart's cache, then the zone's.
 * Failure: NULL; nothing sleeps here.
 */
#include <zone_impl.h>
#include <mm/vm_page.h>

static struct list     zone_list = { &zone_list, &zone_list };
static struct spinlock zone_list_lock = SPINLOCK_INIT(ZONE);

void (*zone_shadow)(void *element, size_t size, bool is_free);

static inline size_t
slab_bytes(const struct zone *z)
{
	return PAGE_SIZE << z->slab_order;
}

static inline struct slab *
slab_of(const struct zone *z, const void *element)
{
	return (struct slab *)((uintptr_t)element & ~(slab_bytes(z) - 1));
}

static inline void *
slab_element(const struct zone *z, struct slab *s, uint32_t i)
{
	return (char *)(s + 1) + (size_t)i * z->size;
}

/* The smallest slab that holds eight elements, or the largest that may be. */
static void
zone_set_slab(struct zone *z)
{
	z->slab_order = 0;
	while (z->slab_order < ZONE_ORDER_MAX && (slab_bytes(z) - sizeof(struct slab)) / z->size < 8)
		z->slab_order++;
	z->per_slab = (uint32_t)((slab_bytes(z) - sizeof(struct slab)) / z->size);
	KASSERT(z->per_slab > 0, ("zone %s: elements of %u bytes are too large", z->name, z->size));
}

/* A zone that is initialised again (all elements back, zone_gc called) is listed once. */
static void
zone_unlist(struct zone *z)
{
	struct list *l, *n;

	list_foreach_safe(l, n, &zone_list)
		if (l == &z->link)
			list_remove(l);
}

void
zone_init(struct zone *z, const char *name, size_t size)
{
	z->name = name;
	z->size = (uint32_t)((size + 7) & ~7ul);
	spin_init(&z->lock, LOCK_ZONE);
	list_init(&z->partial);
	list_init(&z->empty);
	list_init(&z->full);
	z->nempty = 0;
	z->slabs = z->taken = 0;
	zone_set_slab(z);
	for (unsigned i = 0; i < MAXHARTS; i++) {
		spin_init(&z->cache[i].lock, LOCK_ZONE);
		z->cache[i].count = 0;
		z->cache[i].free = NULL;
		z->cache[i].refilled = 0;
	}
	spin_lock(&zone_list_lock);
	zone_unlist(z);
	list_push_back(&zone_list, &z->link);
	spin_unlock(&zone_list_lock);
}

/* --- poison --- */

static inline uint64_t *
element_words(void *e)
{
	return e;
}

static void
element_poison(struct zone *z, void *e)
{
	uint64_t *w = element_words(e);

	for (unsigned i = 1; i < z->size / 8; i++)
		w[i] = ZONE_POISON;
	if (zone_shadow != NULL && z->size > 8)
		zone_shadow(w + 1, z->size - 8, true);
}

static bool
element_is_poisoned(struct zone *z, void *e)
{
	for (unsigned i = 1; i < z->size / 8; i++)
		if (element_words(e)[i] != ZONE_POISON)
			return false;
	return z->size > 8;
}

static void
element_unpoison(struct zone *z, void *e)
{
	if (zone_shadow != NULL && z->size > 8)
		zone_shadow(element_words(e) + 1, z->size - 8, false);
	if (z->size > 8 && !element_is_poisoned(z, e))
		panic("zone %s: element %p was written after it was freed", z->name, e);
	for (unsigned i = 0; i < z->size / 8; i++)
		element_words(e)[i] = ZONE_UNDEFINED;
}

/* Debug: e is an element of z, and in use. */
static void
element_check(struct zone *z, void *e)
{
	struct slab *s = slab_of(z, e);
	uint64_t at = (uint64_t)((char *)e - (char *)(s + 1));
	bool mine;

	spin_lock(&z->lock);
	mine = s->zone == z && at % z->size == 0 && at / z->size < s->fresh;
	spin_unlock(&z->lock);
	KASSERT(mine, ("zone %s: %p is no element of it", z->name, e));
	KASSERT(z->size < 24 || element_words(e)[1] != ZONE_POISON || !element_is_poisoned(z, e),
	    ("zone %s: %p freed twice", z->name, e));
}

/* --- slabs; zone locked --- */

static void
slab_file(struct zone *z, struct slab *s)
{
	list_remove(&s->link);
	list_push_front(s->taken == z->per_slab ? &z->full : &z->partial, &s->link);
}

static struct slab *
slab_create(struct zone *z)
{
	struct vm_page *m = z->slab_order == 0 ? vm_page_alloc(0) :
	    vm_page_alloc_order(z->slab_order, 0);
	struct slab *s;

	if (m == NULL)
		return NULL;
	s = vm_page_va(m);
	s->zone = z;
	s->free = NULL;
	s->taken = s->fresh = 0;
	list_push_front(&z->empty, &s->link);
	z->nempty++;
	z->slabs++;
	return s;
}

static void
slab_destroy(struct zone *z, struct slab *s)
{
	struct vm_page *m = vm_page_of_pfn((pfn_t)(virt_to_phys(s) >> PAGE_SHIFT));

	list_remove(&s->link);
	z->nempty--;
	z->slabs--;
	if (ATLAS_DEBUG && zone_shadow != NULL)
		zone_shadow(s + 1, slab_bytes(z) - sizeof(*s), false);
	if (z->slab_order == 0)
		vm_page_free(m);
	else
		vm_page_free_order(m, z->slab_order);
}

/* A slab with something to give, or NULL. */
static struct slab *
slab_with_room(struct zone *z)
{
	if (!list_empty(&z->partial))
		return list_first(&z->partial, struct slab, link);
	if (!list_empty(&z->empty))
		return list_first(&z->empty, struct slab, link);
	return slab_create(z);
}

/* Up to n elements of s, which has some, go in front of *chain; how many. */
static uint32_t
slab_take(struct zone *z, struct slab *s, uint32_t n, void **chain)
{
	void *e, *first = *chain;
	uint32_t got = 0;
	char *fresh;

	for (; got < n && (e = s->free) != NULL; got++) {
		s->free = *(void **)e;
		*(void **)e = first;
		first = e;
	}
	if (n - got > z->per_slab - s->fresh)
		n = got + z->per_slab - s->fresh;
	fresh = slab_element(z, s, s->fresh);
	s->fresh += n - got;
	for (; got < n; got++, fresh += z->size) {
		if (ATLAS_DEBUG)
			element_poison(z, fresh);
		*(void **)(void *)fresh = first;
		first = fresh;
	}
	*chain = first;
	if (s->taken == 0)
		z->nempty--;
	s->taken += got;
	z->taken += got;
	slab_file(z, s);
	return got;
}

static void
slab_give(struct zone *z, void *e)
{
	struct slab *s = slab_of(z, e);

	*(void **)e = s->free;
	s->free = e;
	z->taken--;
	s->taken--;
	if (s->taken == 0) {
		list_remove(&s->link);
		list_push_front(&z->empty, &s->link);
		if (++z->nempty > ZONE_EMPTY_MAX)
			slab_destroy(z, s);
	} else if (s->taken == z->per_slab - 1) {
		slab_file(z, s);
	}
}

/* --- caches; cache locked --- */

static void
cache_fill(struct zone *z, struct zone_cache *c)
{
	spin_lock(&z->lock);
	while (c->count < ZONE_BATCH) {
		/* For the first element only, a page may be asked for. */
		struct slab *s = c->count == 0 || !list_empty(&z->partial) || !list_empty(&z->empty) ?
		    slab_with_room(z) : NULL;
		uint32_t n;

		if (s == NULL)
			break;
		n = slab_take(z, s, ZONE_BATCH - c->count, &c->free);
		c->count += n;
		c->refilled += n;
	}
	spin_unlock(&z->lock);
}

static void
cache_drain(struct zone *z, struct zone_cache *c, uint32_t keep)
{
	spin_lock(&z->lock);
	while (c->count > keep) {
		void *e = c->free;

		c->free = *(void **)e;
		c->count--;
		slab_give(z, e);
	}
	spin_unlock(&z->lock);
}

/* --- the calls --- */

static inline void *
cache_pop(struct zone_cache *c)
{
	void *e = c->free;

	c->free = *(void **)e;
	c->count--;
	return e;
}

/* c locked and empty. */
static noinline void *
zalloc_fill(struct zone *z, struct zone_cache *c)
{
	void *e = NULL;

	if (c->free == NULL)
		cache_fill(z, c);
	if (c->free != NULL)
		e = cache_pop(c);
	spin_unlock(&c->lock);
	if (ATLAS_DEBUG && e != NULL)
		element_unpoison(z, e);
	return e;
}

/* The common case spelt out, for contention, the failure hook and debug builds. */
static noinline void *
zalloc_contended(struct zone *z, const void *site)
{
	struct zone_cache *c = &z->cache[hart_index()];

	if (unlikely(vm_alloc_fail_countdown != 0) && vm_alloc_fails(site))
		return NULL;
	spin_lock(&c->lock);
	return zalloc_fill(z, c);
}

void *
zalloc(struct zone *z)
{
	struct zone_cache *c = &z->cache[hart_index()];
	void *e;

	if (ATLAS_DEBUG || unlikely(vm_alloc_fail_countdown != 0) ||
	    unlikely(!spin_trylock(&c->lock)))
		return zalloc_contended(z, ATLAS_DEBUG ? __builtin_return_address(0) : NULL);
	if (unlikely(c->free == NULL))
		return zalloc_fill(z, c);
	e = cache_pop(c);
	spin_unlock(&c->lock);
	return e;
}

/* c locked and over-full. */
static noinline void
zfree_drain(struct zone *z, struct zone_cache *c)
{
	cache_drain(z, c, ZONE_CACHE_MAX - ZONE_BATCH);
	spin_unlock(&c->lock);
}

static inline void
zfree_push(struct zone *z, struct zone_cache *c, void *e)
{
	*(void **)e = c->free;
	c->free = e;
	if (unlikely(++c->count > ZONE_CACHE_MAX))
		zfree_drain(z, c);
	else
		spin_unlock(&c->lock);
}

static noinline void
zfree_contended(struct zone *z, void *e)
{
	struct zone_cache *c = &z->cache[hart_index()];

	if (ATLAS_DEBUG) {
		element_check(z, e);
		element_poison(z, e);
	}
	spin_lock(&c->lock);
	zfree_push(z, c, e);
}

void
zfree(struct zone *z, void *element)
{
	struct zone_cache *c = &z->cache[hart_index()];

	if (ATLAS_DEBUG || unlikely(!spin_trylock(&c->lock)))
		zfree_contended(z, element);
	else
		zfree_push(z, c, element);
}

void
zfree_chain(struct zone *z, void *first, void *last, uint32_t n)
{
	struct zone_cache *c = &z->cache[hart_index()];
	void *next;

	if (ATLAS_DEBUG || unlikely(!spin_trylock(&c->lock))) {
		for (; n > 0; n--, first = next) {
			next = *(void **)first;
			zfree(z, first);
		}
		return;
	}
	*(void **)last = c->free;
	c->free = first;
	c->count += n;
	if (unlikely(c->count > ZONE_CACHE_MAX))
		zfree_drain(z, c);
	else
		spin_unlock(&c->lock);
}

static void
zone_empty(struct zone *z)
{
	for (unsigned i = 0; i < MAXHARTS; i++) {
		spin_lock(&z->cache[i].lock);
		if (z->cache[i].count != 0)
			cache_drain(z, &z->cache[i], 0);
		spin_unlock(&z->cache[i].lock);
	}
	spin_lock(&z->lock);
	while (!list_empty(&z->empty))
		slab_destroy(z, list_first(&z->empty, struct slab, link));
	spin_unlock(&z->lock);
}

void
zone_gc(void)
{
	struct list *l;

	spin_lock(&zone_list_lock);
	list_foreach(l, &zone_list)
		zone_empty(list_entry(l, struct zone, link));
	spin_unlock(&zone_list_lock);
}

void
zone_forget(void)
{
	list_init(&zone_list);
}

bool
zone_info(unsigned i, struct zone_info *info)
{
	struct list *l;
	struct zone *z;

	spin_lock(&zone_list_lock);
	for (l = zone_list.next; l != &zone_list && i > 0; l = l->next)
		i--;
	spin_unlock(&zone_list_lock);
	if (l == &zone_list)
		return false;
	z = list_entry(l, struct zone, link);
	*info = (struct zone_info){ .name = z->name, .size = z->size };
	spin_lock(&z->lock);
	info->slabs = z->slabs;
	info->pages = z->slabs << z->slab_order;
	info->in_use = z->taken;
	spin_unlock(&z->lock);
	for (unsigned h = 0; h < MAXHARTS; h++) {
		info->cached += z->cache[h].count;
		info->refilled += z->cache[h].refilled;
	}
	info->in_use -= info->cached < info->in_use ? info->cached : info->in_use;
	return true;
}
