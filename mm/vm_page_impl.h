/*
 * vm_page_impl.h: what the two halves of the page allocator share, and what
 * its white-box tests look at. Not for other code.
 *
 *	vm_page_buddy.c   segments, free blocks by order, coalescing, census
 *	vm_page.c         single pages: harts' caches, clearing ahead, poison
 */
#ifndef MM_VM_PAGE_IMPL_H
#define MM_VM_PAGE_IMPL_H

#include <base/lock.h>
#include <mm/vm_page.h>

#define VM_PAGE_BATCH       16u     /* pages moved between a cache and the stock at once */
#define VM_PAGE_CACHE_MAX   64u     /* pages of either sort that a hart keeps */
#define VM_PAGE_NO_ORDER    0xffu   /* vm_page.order: heads no block */
#define VM_PAGE_POISONED    0xdbdbdbdbu
#define VM_PAGE_POISON_WORD 0xdbdbdbdbdbdbdbdbul
/* Debug: are freed pages poisoned? A rig that does nothing else may have it done now and then. */
extern bool vm_page_poisons;

/* A chain of CACHED pages through q.next. */
struct vm_page_chain {
	struct vm_page *first;
	uint64_t        n;
};

/* Sorts of single pages, each with its chain. PAGE_ZERO: known to be clear; PAGE_USER: of objects, the others of the kernel. */
enum { PAGE_DIRTY = 0, PAGE_ZERO = 1, PAGE_USER = 2, PAGE_SORTS = 4 };

/* The stock that all harts share. */
struct vm_page_stock {
	struct spinlock      lock;
	bool                 low;                       /* near the reserve: caches are closed */
	struct list          free[VM_PAGE_ORDERS];      /* heads of free blocks */
	uint64_t             nblocks[VM_PAGE_ORDERS];
	uint64_t             nfree;                     /* pages on the lists above */
	uint64_t             nfree_zero;                /* of these, in blocks flagged ZEROED */
	struct vm_page_chain chain[PAGE_SORTS];         /* loose pages; zero pool; the same of the kernel */
	uint64_t             total, reserve;
	pfn_t                near;                      /* the GiB that megapages are cut from: its first page */
};
extern struct vm_page_stock vm_page_stock;

/* What one hart keeps at hand. */
struct vm_page_cache {
	struct spinlock      lock;
	uint32_t             cap;       /* pages of either sort; 0 while memory is low */
	struct vm_page_chain chain[PAGE_SORTS];
} __attribute__((aligned(64)));
extern struct vm_page_cache vm_page_cache[MAXHARTS];

/*
 * Looks without the lock, on purpose: a guess that a locked look follows, or
 * (vm_page_heads_free) a fact that the stock's lock keeps from changing.
 */
#define VM_PAGE_RACY    __attribute__((no_sanitize("thread")))

VM_PAGE_RACY static inline bool vm_page_is_low(void) { return vm_page_stock.low; }
VM_PAGE_RACY static inline bool vm_page_stock_has(unsigned sort) { return vm_page_stock.chain[sort].n != 0; }

/*
 * Does m head a free block of this order? Stock locked. The structure may be
 * another's who writes it right now, in one store; but only under this lock does
 * a page come to be FREE with an order, or cease to, so both read at once are true.
 */
VM_PAGE_RACY static inline bool
vm_page_heads_free(const struct vm_page *m, unsigned order)
{
	return (*(const volatile uint32_t *)&m->described & 0xffff) == (VM_PAGE_FREE << 8 | order);
}

/* --- vm_page_buddy.c; stock locked --- */

/* What is preferred: a clear block; or, for what will stay for ever, the one that is free longest, next to the one before. */
enum vm_page_choice { PAGE_ANY, PAGE_CLEAR, PAGE_OLD };
/* A free block of at least 2^order pages cut to that size, or NULL. */
struct vm_page *vm_page_buddy_take(unsigned order, enum vm_page_choice choice);
/* A free megapage to be cut, or for the kernel; there is one. */
struct vm_page *vm_page_buddy_take_near(void);
/* Puts a block on its list, coalesced with its free buddies. */
void vm_page_buddy_give(struct vm_page *m, unsigned order, bool zeroed);
/* A free block leaves its list, as it is; its owner is the caller. */
void vm_page_buddy_withdraw(struct vm_page *m);
/* Smallest order with a free block, or VM_PAGE_ORDERS. */
unsigned vm_page_buddy_smallest(void);

/* Free pages that the stock itself holds. */
static inline uint64_t
vm_page_stock_free(void)
{
	const struct vm_page_chain *c = vm_page_stock.chain;

	return vm_page_stock.nfree + c[0].n + c[1].n + c[2].n + c[3].n;
}

/* --- vm_page.c --- */

void vm_page_cache_init(void);
/* As vm_page_drain; or what is kept for the kernel stays, so that it does not spread. */
void vm_page_drain_some(bool kernel_too);
/* The megapage that is being cleared, or NULL; takes the lock that keeps it so. */
struct vm_page *vm_page_clear_lock(void);
void vm_page_clear_unlock(void);
/* For hosts that start over with other memory: forgets all segments. */
void vm_page_forget(void);

static inline void
vm_page_push(struct vm_page_chain *c, struct vm_page *m)
{
	m->q.next = c->first;
	c->first = m;
	c->n++;
}

static inline struct vm_page *
vm_page_pop(struct vm_page_chain *c)
{
	struct vm_page *m = c->first;

	c->first = m->q.next;
	c->n--;
	return m;
}

/* Kind, order, flags and level (0) in one store. */
static inline void
vm_page_describe(struct vm_page *m, enum vm_page_kind kind, unsigned order, unsigned flags)
{
	m->described = order | (uint32_t)kind << 8 | flags << 16;
}

#endif
