/*
 * vm_object_copy.c: asymmetric copies: copies of objects that are shared.
 *
 * needs_copy (vm_object_shadow.c) works when every entry that maps an object can
 * be told. An object S that many share (strategy DELAY) gets a copy object in
 * front of it instead, and whoever changes a page of S first hands the old page
 * up, if the copy lacks it (a push):
 *
 *   entry (shared) ───────────────┐          entry (shared) ────────────────────┐
 *   entry (shared) ─────────────┐ │          entry (shared) ──────────────────┐ │
 *                               v v                                           v v
 *   entry (needs_copy) ──> C ──> S           first copy ──> C ──> N ─────────> S
 *                          ^─copy─┘                 second ──────^^───copy─────┘
 *
 * Absence of a page in C means "as in S". The next copy is C itself as long as
 * nothing was pushed (then C still equals S) and nobody writes C; else N is put
 * between: pushes go to N, and C sees them through its shadow link. When N's
 * own users are gone, N is merged into C (N->older == C says where), so that a
 * loop of copy, write and discard leaves nothing behind.
 *
 * Invariants: S->copy == C implies C->shadow == S, C->shadow_offset == 0, S is
 * DELAY; N->older == C implies C->shadow == N, C->shadow_offset == 0; neither
 * holds a reference. A leaf of a page of S is writable only if no push is owed
 * for it: the offset is not below C's size, or C has a page there. So taking
 * the copy takes WRITE from all leaves below its size, and a copy object never
 * gives single pages back (one_mapping is false). A wired page owes nothing:
 * copies that would need its leaf's WRITE are refused, and wiring pushes first.
 *
 * Locks: objects, top of the chain first; C is above S. From S, C is only
 * tried: PUSH_AGAIN makes the caller unlock and start over. The end of C locks
 * C, then S, and clears S->copy before C is freed: with S locked, S->copy is
 * memory that one may try to lock.
 *
 * Failure: a copy that cannot be made is NULL, a page that cannot be pushed is
 * PUSH_SHORTAGE, and nothing changed.
 */
#include <mm/vm_object.h>
#include <mm/pmap.h>
#include "vm_object_impl.h"
#include "vm_page_impl.h"

#define NO_WRITE (VM_PROT_ALL & ~VM_PROT_WRITE)

/* --- the links --- */

static inline void
set_copy(vm_object_t s, vm_object_t c)
{
	__atomic_store_n(&s->copy, c, __ATOMIC_RELAXED);
	vm_object_classify(s);
}

static inline void
set_older(vm_object_t n, vm_object_t c)
{
	__atomic_store_n(&n->older, c, __ATOMIC_RELAXED);
}

void
vm_object_replace_copy(vm_object_t s, vm_object_t c, vm_object_t by)
{
	if (s->copy == c) {
		set_copy(s, by);
		if (by != NULL)
			by->one_mapping = false;
	}
	if (s->older == c)
		set_older(s, by != NULL && by->shadow_offset == 0 ? by : NULL);
}

void
vm_object_forget_copy(vm_object_t c)
{
	vm_object_t s = c->shadow;

	spin_lock(&s->lock);
	vm_object_replace_copy(s, c, NULL);
	spin_unlock(&s->lock);
}

/* --- making a copy --- */

static bool
has_no_wired(struct vm_chunk *c, unsigned first, unsigned last, void *arg)
{
	(void)arg;
	if (c->wired != 0)
		for (unsigned slot = vm_chunk_next(c, first); slot < last; slot = vm_chunk_next(c, slot + 1))
			if (vm_chunk_page(c, slot)->wire_count != 0)
				return false;
	return true;
}

/* A little too much is no harm: a fault gives it back. But not to wired leaves, which do not fault. */
static bool
take_write(struct vm_chunk *c, unsigned first, unsigned last, void *arg)
{
	(void)arg;
	if (c->wired == 0)
		pmap_chunk_protect(c, NO_WRITE);
	else
		for (unsigned slot = vm_chunk_next(c, first); slot < last; slot = vm_chunk_next(c, slot + 1))
			if (vm_chunk_page(c, slot)->wire_count == 0)
				pmap_page_protect(vm_chunk_page(c, slot), NO_WRITE);
	return true;
}

void
vm_object_write_protect(vm_object_t o, vm_object_offset_t start, vm_object_offset_t end)
{
	(void)vm_chunk_visit(o, start, end, take_write, NULL);
}

/* Nothing was pushed to it, and nobody writes it: it is what its source is now. */
static inline bool
is_as_new(const struct vm_object *c)
{
	return c->pushed_only && c->resident_page_count == 0 && c->pager == NULL;
}

/* Links n, which nobody knows yet, between s and its copy c (or NULL). s and c locked. */
static void
insert_copy(vm_object_t s, vm_object_t c, vm_object_t n)
{
	n->shadow = s;
	n->shadowed = n->pushed_only = true;
	n->one_mapping = false;
	if (c != NULL) {                /* c's reference on s becomes n's, and c has one on n instead */
		c->shadow = n;
		n->ref_count = 2;
		set_older(n, c);
		if (n->size < c->size)
			n->size = c->size;
	} else
		vm_object_reference(s);
	set_copy(s, n);
}

enum attempt { MADE, REFUSED, NEEDS_OBJECT, TRY_AGAIN };

/*
 * One attempt, s locked. *n: an object to use, or NULL; the result on MADE.
 * The test for wired pages comes before any change.
 */
static enum attempt
try_copy(vm_object_t s, vm_size_t need, vm_object_t *n)
{
	vm_object_t c = s->copy, made = *n;
	vm_object_offset_t from = 0;

	if (s->copy_strategy != MEMORY_OBJECT_COPY_DELAY || s->phys_contiguous || need > s->size)
		return REFUSED;
	if (c != NULL && !spin_trylock(&c->lock))
		return TRY_AGAIN;
	if (c != NULL && is_as_new(c)) {
		made = c;
		from = c->size;
	} else if (c != NULL && need < c->size)
		need = c->size;
	if (s->wired_pages != 0 && !vm_chunk_visit(s, from, need, has_no_wired, NULL)) {
		if (c != NULL)
			spin_unlock(&c->lock);
		return REFUSED;
	}
	if (made != NULL && made == c) {
		vm_object_reference(c);
		if (c->size < need)
			c->size = need;
	} else if (made != NULL)
		insert_copy(s, c, made);
	if (c != NULL)
		spin_unlock(&c->lock);
	if (made == NULL)
		return NEEDS_OBJECT;
	vm_object_write_protect(s, from, need);
	*n = made;
	return MADE;
}

vm_object_t
vm_object_copy_delayed(vm_object_t src, vm_object_offset_t offset, vm_size_t size)
{
	vm_size_t need = offset + size;
	vm_object_t spare = NULL, made;
	enum attempt a;

	if (need < size)
		return NULL;
	do {
		made = spare;
		spin_lock(&src->lock);
		a = try_copy(src, need, &made);
		spin_unlock(&src->lock);
		if (a == NEEDS_OBJECT && (spare = vm_object_allocate(need, src->color)) == NULL)
			return NULL;
	} while (a == NEEDS_OBJECT || a == TRY_AGAIN);
	if (spare != NULL && (a != MADE || made != spare))
		vm_object_deallocate(spare);
	return a == MADE ? made : NULL;
}

/* --- pushes --- */

bool
vm_object_owes_push(vm_object_t object, vm_object_offset_t offset)
{
	vm_object_t c = object->copy;
	bool owes;

	if (c == NULL || offset >= c->size)
		return false;
	if (!spin_trylock(&c->lock))
		return true;            /* somebody is at it: say the more careful */
	owes = vm_page_lookup(c, offset) == NULL;
	spin_unlock(&c->lock);
	return owes;
}

enum vm_push
vm_object_push(vm_object_t object, vm_object_offset_t offset, struct vm_page *m)
{
	vm_object_t c = object->copy;
	enum vm_push result = PUSH_DONE;
	struct vm_page *old;

	if (c == NULL || offset >= c->size)
		return PUSH_DONE;
	if (!spin_trylock(&c->lock))
		return PUSH_AGAIN;
	if (vm_page_lookup(c, offset) == NULL) {
		old = vm_object_page_alloc(c, offset, false);
		if (old != NULL) {
			vm_page_copy(old, m);
			old->flags |= VM_PAGE_DIRTY;
			/* The copy's readers had m: from now on they find `old`. */
			pmap_page_protect(m, VM_PROT_NONE);
		} else
			result = PUSH_SHORTAGE;
	}
	spin_unlock(&c->lock);
	return result;
}

/* --- the end of a copy --- */

bool
vm_object_deallocate_copy(vm_object_t n)
{
	vm_object_t o;
	uint32_t left;

	spin_lock(&n->lock);
	o = n->older;
	/* Upwards: only a try. What is missed stays right, and the next fault of o's users may make up for it. */
	if (o == NULL || !spin_trylock(&o->lock)) {
		spin_unlock(&n->lock);
		return false;
	}
	left = __atomic_sub_fetch(&n->ref_count, 1, __ATOMIC_ACQ_REL);
	spin_unlock(&n->lock);
	/* o's reference is left at least. Each level may become the only user of the next. */
	while (left == 1) {
		vm_object_t below = o;

		vm_object_collapse(o);
		o = below->older;
		if (o == NULL || !spin_trylock(&o->lock)) {
			o = below;
			break;
		}
		left = __atomic_load_n(&below->ref_count, __ATOMIC_ACQUIRE);
		spin_unlock(&below->lock);
	}
	spin_unlock(&o->lock);
	return true;
}
