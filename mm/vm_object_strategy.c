/*
 * vm_object_strategy.c: which copy an object gets, and the copy that is made at once.
 *
 *   SYMMETRIC   needs_copy on both sides         vm_object_copy_quickly (vm_object_shadow.c)
 *   DELAY       a copy object in front           vm_object_copy_delayed (vm_object_copy.c); where a
 *                                                wired page forbids it: slowly
 *   NONE        pages are copied now: slowly
 *   device      cannot be copied: its pages are not memory
 *
 * Slowly: what each level of the chain has and the levels above it lack goes to
 * a new object. A level with a pager may have pages that are not resident:
 * then the chain is gone through page by page, and what is absent is asked
 * for with no lock held. Such a copy is of one moment for each page only.
 *
 * Locks: the new object's, which nobody else knows, before those of the chain
 * from the top downwards. Failure: the new object goes, the source is as it was.
 */
#include <base/kern_return.h>
#include <mm/memory_object.h>
#include "vm_object_impl.h"

#define ASKS_MAX    64u         /* rounds of asking for one page */

/* Internal: the pager of `asked` is to be asked; object locks were given up. */
#define ASK         KERN_MEMORY_DATA_MOVED

struct slow_copy {
	vm_object_t        dst;
	vm_object_t        src;
	vm_object_offset_t from;        /* in src, of dst's offset 0 */
	vm_object_offset_t at;          /* in dst: done so far, page by page */
	vm_object_t        asked;       /* referenced, paging */
	vm_object_offset_t asked_offset;
	bool               asked_unlock;
	struct memory_object_wait said;
};

static kern_return_t
no_page(const struct slow_copy *s)
{
	return KERN_FAIL(KERN_RESOURCE_SHORTAGE, "no page to copy what object %lu has at 0x%lx into", s->src->id, s->from);
}

/* m, seen at `at` of dst: copied. Both objects locked. */
static bool
copy_page(struct slow_copy *s, vm_object_offset_t at, struct vm_page *m)
{
	struct vm_page *n = vm_object_page_alloc(s->dst, at, false);

	if (n == NULL)
		return false;
	vm_page_copy(n, m);
	n->flags |= VM_PAGE_DIRTY;
	return true;
}

/* --- chains without a pager: level by level --- */

struct level_copy {
	struct slow_copy  *s;
	vm_object_offset_t from;        /* in the level, of dst's offset 0 */
};

static bool
copy_slots(struct vm_chunk *c, unsigned first, unsigned last, void *arg)
{
	struct level_copy *l = arg;

	for (unsigned slot = vm_chunk_next(c, first); slot < last; slot = vm_chunk_next(c, slot + 1)) {
		vm_object_offset_t at = vm_chunk_offset(c, slot) - l->from;

		if (vm_page_lookup(l->s->dst, at) == NULL && !copy_page(l->s, at, vm_chunk_page(c, slot)))
			return false;
	}
	return true;
}

/* dst locked. ASK: a level has a pager; nothing is locked but dst, and what was copied stays. */
static kern_return_t
copy_levels(struct slow_copy *s)
{
	struct level_copy l = { s, s->from };
	vm_object_t level = s->src, next;
	kern_return_t kr = KERN_SUCCESS;

	spin_lock(&level->lock);
	for (;;) {
		vm_object_offset_t end = l.from + s->dst->size;

		if (level->pager != NULL || level->shadow_severed)
			kr = ASK;
		else if (!vm_chunk_visit(level, l.from, end > l.from ? end : level->size, copy_slots, &l))
			kr = no_page(s);
		next = level->shadow;
		if (kr != KERN_SUCCESS || next == NULL)
			break;
		spin_lock(&next->lock);
		l.from += level->shadow_offset;
		spin_unlock(&level->lock);
		level = next;
	}
	spin_unlock(&level->lock);
	return kr;
}

/* --- chains with a pager: page by page --- */

/*
 * Level, locked, has m (or NULL) at offset: can that be believed? ASK: not
 * before its pager was asked. Only for a level with a pager, or cut off.
 */
static kern_return_t
ask_level(struct slow_copy *s, vm_object_t level, vm_object_offset_t offset, const struct vm_page *m)
{
	if (m == NULL && (level->shadow_severed || offset >= level->size))
		return KERN_FAIL(KERN_MEMORY_ERROR, "what object %lu had at 0x%lx is lost", level->id, offset);
	if (level->pager == NULL)
		return KERN_SUCCESS;
	if (m == NULL && s->said.unavailable && s->said.object_id == level->id && s->said.offset == offset)
		return KERN_SUCCESS;
	if (m != NULL && !(m->flags & VM_PAGE_BUSY) && !(m->page_lock & VM_PROT_READ))
		return KERN_SUCCESS;
	vm_object_reference(level);
	level->paging_in_progress++;
	s->asked = level;
	s->asked_offset = offset;
	s->asked_unlock = m != NULL && !(m->flags & VM_PAGE_BUSY);
	return ASK;
}

/* The page at s->at of dst (locked), which lacks it. */
static kern_return_t
copy_one(struct slow_copy *s)
{
	vm_object_t level = s->src, next;
	vm_object_offset_t offset = s->from + s->at;
	kern_return_t kr = KERN_SUCCESS;
	struct vm_page *m;

	spin_lock(&level->lock);
	for (;;) {
		m = offset < level->size ? vm_page_lookup(level, offset) : NULL;
		if (level->pager != NULL || level->shadow_severed)
			kr = ask_level(s, level, offset, m);
		next = level->shadow;
		if (kr != KERN_SUCCESS || m != NULL || next == NULL)
			break;
		spin_lock(&next->lock);
		offset += level->shadow_offset;
		spin_unlock(&level->lock);
		level = next;
	}
	if (kr == KERN_SUCCESS && m != NULL && !copy_page(s, s->at, m))
		kr = no_page(s);
	spin_unlock(&level->lock);
	return kr;
}

static kern_return_t
copy_pages(struct slow_copy *s)
{
	kern_return_t kr = KERN_SUCCESS;

	for (; s->at < s->dst->size; s->at += PAGE_SIZE)
		if (vm_page_lookup(s->dst, s->at) == NULL && (kr = copy_one(s)) != KERN_SUCCESS)
			break;
	return kr;
}

/* With no lock held: until all pages are there. */
static kern_return_t
copy_waiting(struct slow_copy *s)
{
	vm_object_offset_t waited_at = ~0ul;
	unsigned asks = 0;
	kern_return_t kr;

	for (;;) {
		spin_lock(&s->dst->lock);
		kr = copy_pages(s);
		spin_unlock(&s->dst->lock);
		if (kr != ASK)
			return kr;
		asks = s->at == waited_at ? asks + 1 : 0;
		waited_at = s->at;
		kr = memory_object_get_page(s->asked, s->asked_offset, VM_PROT_READ, s->asked_unlock, &s->said);
		if (kr != KERN_SUCCESS)
			return kr;
		if (asks >= ASKS_MAX)
			return KERN_FAIL(KERN_MEMORY_ERROR, "the pager has answered %u times, but the page at 0x%lx is not there",
			    ASKS_MAX, s->asked_offset);
	}
}

kern_return_t
vm_object_copy_slowly(vm_object_t src, vm_object_offset_t offset, vm_size_t size, bool may_wait, vm_object_t *dst)
{
	struct slow_copy s = { .src = src, .from = offset };
	kern_return_t kr;

	if (src->phys_contiguous)
		return KERN_FAIL(KERN_NOT_SUPPORTED, "object %lu is device memory, which cannot be copied", src->id);
	s.dst = vm_object_allocate(size, src->color + offset);
	if (s.dst == NULL)
		return KERN_FAIL(KERN_RESOURCE_SHORTAGE, "no memory for a copy of object %lu", src->id);
	spin_lock(&s.dst->lock);
	kr = copy_levels(&s);
	spin_unlock(&s.dst->lock);
	if (kr == ASK)
		kr = may_wait ? copy_waiting(&s) : KERN_MEMORY_RESTART_COPY;
	if (kr != KERN_SUCCESS) {
		vm_object_deallocate(s.dst);
		return kr;
	}
	*dst = s.dst;
	return KERN_SUCCESS;
}

kern_return_t
vm_object_copy_strategically(vm_object_t src, vm_object_offset_t offset, vm_size_t size, vm_object_t *dst,
    vm_object_offset_t *dst_offset, bool *needs_copy)
{
	vm_object_t made;
	kern_return_t kr;

	spin_lock(&src->lock);
	kr = src->copy_strategy == MEMORY_OBJECT_COPY_SYMMETRIC ? KERN_MEMORY_RESTART_COPY : KERN_SUCCESS;
	spin_unlock(&src->lock);
	if (kr != KERN_SUCCESS)
		return kr;
	made = vm_object_copy_delayed(src, offset, size);       /* none, if the strategy is another */
	if (made != NULL) {
		*dst = made;
		*dst_offset = offset;
		*needs_copy = true;
		return KERN_SUCCESS;
	}
	kr = vm_object_copy_slowly(src, offset, size, true, &made);
	if (kr == KERN_SUCCESS) {
		*dst = made;
		*dst_offset = 0;
		*needs_copy = false;
	}
	return kr;
}
