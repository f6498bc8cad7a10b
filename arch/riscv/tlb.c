/*
 * arch/riscv/tlb.c: address space identifiers, shootdown, and the switch.
 *
 * A pmap keeps four sets of harts (struct pmap_tlb):
 *
 *   active  satp names it now: must be fenced at once
 *   ran     loaded it at some time: may hold its translations under its ASID
 *   stale   must drop them before running it again (instead of a remote fence now)
 *   stale_code   the same for instruction fetch
 *
 * The protocol, with every step a full fence apart:
 *
 *   shootdown (pmap locked)              switch to the pmap on hart h
 *     store PTEs                           ran, active |= h
 *     stale |= ran                         find the ASID
 *     read active                          load satp
 *     fence the active harts               stale had h? clear it, THEN drop
 *     stale &= ~those                      from.active &= ~h
 *
 * Either the shootdown reads h in active and fences it, or h's bit went in
 * after that read, so h walks after the PTE stores and, if it ran before, sees
 * its stale bit. A hart leaves `active` of the old pmap only when satp names
 * the new one. A hart that never ran the pmap holds nothing of it, so a pmap
 * that only ever lived on the calling hart costs one local fence and no atomic.
 *
 * Nested tables (pmap_nest.c): leaves of a pmap whose tables serve others are
 * held under those others' ASIDs. Its shootdowns do the above for each of them,
 * without their locks, so that two shootdowns of one parent may overlap. Then
 * one must not clear what another has set: in `stale` of a pmap that has nested
 * tables only the hart concerned clears its bit, when it next loads the pmap.
 *
 * ASIDs: handed out upwards, never reused within a generation. When they are
 * used up the generation rises; each hart drops everything when it first
 * switches to a pmap of the new one (hart->asid_generation), and every pmap
 * gets a new number at its next switch. A hart that goes on running a pmap
 * under its old number is safe (its TLB cannot hold another use of it), but
 * fences that name the new number would miss it: such a pmap is `mixed` and
 * fenced by address for all ASIDs, until its next number.
 *
 * Without ASIDs a hart remembers whose translations it holds (the pmap's ctx in
 * hart->asid_generation) and drops all when another user pmap is loaded. The
 * kernel's pmap may lie in between: its leaves are global and it has no user
 * addresses.
 *
 * The kernel's leaves are global. Its `active` set is the harts that are up. New
 * kernel leaves are fenced locally at once; other harts do so at their next
 * thread switch (tlb_kernel_sync), before they could touch a new stack; anything
 * else they might meet earlier is a spurious fault.
 *
 * Locks: shootdowns of one pmap are serialised by its lock, but for those by way of
 * nested tables, which hold the other pmap's; numbers by asid_lock.
 */
#include <arch/tlb.h>
#include <machine/tlb.h>
#include "pmap_impl.h"

#define CTX_ASID(ctx)   ((unsigned)((ctx) & 0xffff))
#define CTX_GEN(ctx)    ((ctx) >> 16)

static struct spinlock asid_lock = SPINLOCK_INIT(ASID);
static uint64_t        asid_generation;         /* from 1 on */
static uint64_t        asid_next;
static uint64_t        asid_max;                /* highest number; 0: no ASIDs */
uint64_t               tlb_kernel_stale;        /* harts that have not fenced since a kernel leaf was made */

static inline uint64_t load_all(const uint64_t *p) { return __atomic_load_n(p, __ATOMIC_SEQ_CST); }
static inline void set_bits(uint64_t *p, uint64_t b) { __atomic_fetch_or(p, b, __ATOMIC_SEQ_CST); }
static inline void clear_bits(uint64_t *p, uint64_t b) { __atomic_fetch_and(p, ~b, __ATOMIC_SEQ_CST); }
static inline void full_fence(void) { __atomic_thread_fence(__ATOMIC_SEQ_CST); }
static inline uint64_t self_bit(const struct hart *h) { return 1ul << h->index; }

void
tlb_init(struct pmap *kernel, unsigned asid_bits)
{
	asid_max = (1ul << asid_bits) - 1;
	asid_generation = 1;
	asid_next = 1;
	kernel->tlb.active = 0;
	tlb_kernel_stale = 0;
}

void
tlb_hart_online(void)
{
	struct hart *h = hart_self();

	h->pmap = &pmap_kernel_store;
	h->asid_generation = 0;
	set_bits(&pmap_kernel_store.tlb.active, self_bit(h));
	tlb_fence_all();
}

void
tlb_exhaust_asids(void)
{
	spin_lock(&asid_lock);
	if (asid_max != 0)
		asid_next = asid_max + 1;
	spin_unlock(&asid_lock);
}

/* A number of this generation for p, which is active here already. asid_lock held. */
static uint64_t
tlb_new_context(struct pmap *p, uint64_t self)
{
	uint64_t ctx;

	if (asid_max == 0) {
		ctx = asid_next++ << 16;
	} else {
		if (asid_next > asid_max) {
			__atomic_store_n(&asid_generation, asid_generation + 1, __ATOMIC_SEQ_CST);
			asid_next = 1;
		}
		ctx = asid_generation << 16 | asid_next++;
	}
	/* mixed before ctx: who reads the new number knows that others may run the old. */
	__atomic_store_n(&p->tlb.mixed, 1, __ATOMIC_SEQ_CST);
	__atomic_store_n(&p->tlb.ctx, ctx, __ATOMIC_SEQ_CST);
	full_fence();
	if ((load_all(&p->tlb.active) & ~self) == 0)
		__atomic_store_n(&p->tlb.mixed, 0, __ATOMIC_SEQ_CST);
	return ctx;
}

/* The context to run p under on h; *drop: the hart must first drop everything. */
static uint64_t
tlb_context(struct pmap *p, struct hart *h, bool *drop)
{
	uint64_t ctx = load_all(&p->tlb.ctx);
	uint64_t gen;

	if (asid_max == 0) {
		if (unlikely(ctx == 0)) {
			spin_lock(&asid_lock);
			ctx = p->tlb.ctx != 0 ? p->tlb.ctx : tlb_new_context(p, self_bit(h));
			spin_unlock(&asid_lock);
		}
		gen = CTX_GEN(ctx);
	} else {
		gen = load_all(&asid_generation);
		if (unlikely(CTX_GEN(ctx) != gen)) {
			spin_lock(&asid_lock);
			ctx = p->tlb.ctx;
			if (CTX_GEN(ctx) != asid_generation)
				ctx = tlb_new_context(p, self_bit(h));
			gen = CTX_GEN(ctx);
			spin_unlock(&asid_lock);
		}
	}
	*drop = h->asid_generation != gen;
	h->asid_generation = gen;
	return ctx;
}

/* This hart drops what it may hold of ctx. */
static void
tlb_drop_context(uint64_t ctx)
{
	if (asid_max == 0 || hart_full_fences_only)
		tlb_fence_all();
	else
		tlb_fence_asid(CTX_ASID(ctx));
}

/* Makes `to` (not the kernel's) active on h and loads it. */
static void
tlb_load_user(struct pmap *to, struct hart *h)
{
	uint64_t self = self_bit(h), ctx;
	bool drop;

	__atomic_fetch_add(&to->users, 1, __ATOMIC_RELAXED);
	if ((to->tlb.ran & self) == 0)
		set_bits(&to->tlb.ran, self);
	set_bits(&to->tlb.active, self);
	full_fence();
	ctx = tlb_context(to, h, &drop);
	tlb_load_root(to->levels, virt_to_phys(to->root), CTX_ASID(ctx));
	if (unlikely(load_all(&to->tlb.stale) & self)) {
		clear_bits(&to->tlb.stale, self);
		if (!drop)
			tlb_drop_context(ctx);
	}
	if (drop)
		tlb_fence_all();
	if (unlikely(load_all(&to->tlb.stale_code) & self)) {
		clear_bits(&to->tlb.stale_code, self);
		tlb_fence_code();
	}
}

void
tlb_kernel_sync_slow(void)
{
	clear_bits(&tlb_kernel_stale, self_bit(hart_self()));
	tlb_fence_all();
}

void
pmap_switch(struct pmap *to)
{
	struct hart *h = hart_self();
	struct pmap *from = h->pmap;
	uint64_t self = self_bit(h);

	tlb_kernel_sync();
	if (from == to)
		return;
	if (pmap_is_kernel(to))
		tlb_load_root(to->levels, virt_to_phys(to->root), 0);
	else
		tlb_load_user(to, h);
	h->pmap = to;
	if (!pmap_is_kernel(from)) {
		clear_bits(&from->tlb.active, self);
		pmap_unpin(from);
	}
}

/* This hart drops [start, end) of a context; end TLB_ALL: all of it. */
static void
tlb_local(vm_offset_t start, vm_offset_t end, uint64_t ctx, bool any_asid)
{
	vm_offset_t va;

	if (hart_full_fences_only || (end == TLB_ALL && any_asid)) {
		tlb_fence_all();
		return;
	}
	if (end == TLB_ALL) {
		tlb_fence_asid(CTX_ASID(ctx));
		return;
	}
	for (va = start; va < end; va += PAGE_SIZE)
		if (any_asid)
			tlb_fence_va(va);
		else
			tlb_fence_va_asid(va, CTX_ASID(ctx));
}

static void
tlb_remote(uint64_t set, vm_offset_t start, vm_offset_t end, uint64_t ctx, bool any_asid)
{
	vm_size_t size = end - start;

	if (hart_full_fences_only) {
		any_asid = true;
		end = TLB_ALL;
	}
	if (end == TLB_ALL) {
		start = 0;
		size = ~0ul;
	}
	if (any_asid)
		tlb_remote_fence(set, start, size);
	else
		tlb_remote_fence_asid(set, start, size, CTX_ASID(ctx));
}

static void
tlb_shootdown_kernel(vm_offset_t start, vm_offset_t end)
{
	uint64_t self = self_bit(hart_self());
	uint64_t others = load_all(&pmap_kernel_store.tlb.active) & ~self;

	tlb_local(start, end, 0, true);
	if (others != 0)
		tlb_remote(others, start, end, 0, true);
}

/* After full_fence. own: pmap is locked; else one whose tables serve it. */
static inline void
tlb_shootdown_user(struct pmap *pmap, vm_offset_t start, vm_offset_t end, bool own)
{
	uint64_t self = self_bit(hart_self()), ran, active, ctx;
	bool any_asid;

	ran = load_all(&pmap->tlb.ran);
	if (ran == 0)
		return;
	if (ran == self) {
		/* Only this hart: it drops now what it may hold, running the pmap or not. */
		if (asid_max != 0 || hart_self()->asid_generation == CTX_GEN(pmap->tlb.ctx))
			tlb_local(start, end, pmap->tlb.ctx, asid_max == 0);
		return;
	}
	set_bits(&pmap->tlb.stale, ran);
	active = load_all(&pmap->tlb.active);
	ctx = load_all(&pmap->tlb.ctx);
	any_asid = asid_max == 0 || load_all(&pmap->tlb.mixed) != 0;
	if (active & self)
		tlb_local(start, end, ctx, any_asid);
	if (active & ~self)
		tlb_remote(active & ~self, start, end, ctx, any_asid);
	if (active != 0 && own && pmap->nests == NULL)
		clear_bits(&pmap->tlb.stale, active);
}

/* [start, end) of sub, or all, as the pmaps know it that its tables serve. sub locked. */
static noinline void
tlb_shootdown_parents(struct pmap *sub, vm_offset_t start, vm_offset_t end)
{
	struct pmap_nest *n;

	for (n = sub->parents; n != NULL; n = n->s_next) {
		vm_offset_t from = start - n->delta, to = end - n->delta;

		if (end == TLB_ALL)
			tlb_shootdown_user(n->parent, 0, TLB_ALL, false);
		else if (pmap_nest_has(n, from) || pmap_nest_has(n, to - 1))    /* no range is longer than a window */
			tlb_shootdown_user(n->parent, from, to, false);
	}
}

/* After full_fence. */
static noinline void
tlb_shootdown_any(struct pmap *pmap, vm_offset_t start, vm_offset_t end)
{
	if (end - start > TLB_RANGE_PAGES * PAGE_SIZE)
		end = TLB_ALL;
	if (pmap_is_kernel(pmap)) {
		tlb_shootdown_kernel(start, end);
		return;
	}
	if (unlikely(pmap->parents != NULL))
		tlb_shootdown_parents(pmap, start, end);
	tlb_shootdown_user(pmap, start, end, true);
}

/* One page that only this hart may know is the common case; the kernel's pmap has no `ran`. */
void
tlb_shootdown(struct pmap *pmap, vm_offset_t start, vm_offset_t end)
{
	pmap->shootdowns++;
	full_fence();
	if (likely(end - start == PAGE_SIZE && load_all(&pmap->tlb.ran) == self_bit(hart_self())) &&
	    asid_max != 0 && !hart_full_fences_only && pmap->parents == NULL)
		tlb_fence_va_asid(start, CTX_ASID(pmap->tlb.ctx));
	else
		tlb_shootdown_any(pmap, start, end);
}

static void
tlb_code_shootdown_parents(struct pmap *sub, uint64_t self)
{
	uint64_t others = 0;
	struct pmap_nest *n;

	for (n = sub->parents; n != NULL; n = n->s_next) {
		set_bits(&n->parent->tlb.stale_code, ~self);
		others |= load_all(&n->parent->tlb.active);
	}
	if ((others & ~self) != 0)
		tlb_remote_fence_code(others & ~self);
}

void
tlb_code_shootdown(struct pmap *pmap)
{
	uint64_t self = self_bit(hart_self()), others;

	set_bits(&pmap->tlb.stale_code, ~self);
	tlb_fence_code();
	others = load_all(&pmap->tlb.active) & ~self;
	if (others != 0)
		tlb_remote_fence_code(others);
	if (unlikely(pmap->parents != NULL))
		tlb_code_shootdown_parents(pmap, self);
}

void
tlb_drop_local(vm_offset_t va)
{
	if (hart_full_fences_only)
		tlb_fence_all();
	else
		tlb_fence_va(va);
}

void
tlb_kernel_valid(vm_offset_t va)
{
	uint64_t others = load_all(&pmap_kernel_store.tlb.active) & ~self_bit(hart_self());

	/* The leaf, then the look: a hart that clears its bit after that walks to the leaf. */
	full_fence();
	if (others & ~__atomic_load_n(&tlb_kernel_stale, __ATOMIC_RELAXED))
		set_bits(&tlb_kernel_stale, others);
	tlb_drop_local(va);
}
