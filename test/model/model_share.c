/*
 * model_share.c: the meaning of the calls that join maps: remap, named
 * entries, copies that are held for a while; and of wiring and advice.
 *
 * Sharing is a reference on a cell; whatever mm does with objects to get there
 * does not show. A call that is refused after it looked at its source may have
 * made the source ready to be shared, which nobody sees but vm_region's
 * `shared`: SHARED_PERHAPS.
 */
#include <string.h>
#include "model_impl.h"

static bool
lacks_nothing(const struct unit *u, vm_prot_t prot)
{
	(void)u;
	(void)prot;
	return false;
}

static struct cell *
cell_share(struct cell *c)
{
	c->refs++;
	return c;
}

static struct cell *
cell_snapshot(struct cell *c)
{
	return cell_new(content_hold(c->content));
}

/* Puts a unit in place of what is there; the new one's cell goes to it. */
static void
replace(unsigned t, int i, const struct unit *new)
{
	struct unit *u = &model_task[t].unit[i];

	unit_clear(u);
	*u = *new;
}

/* May they lie in one entry, but for what sharing shows? */
static bool
one_entry(const struct unit *a, const struct unit *b)
{
	return a->cell != NULL && b->cell != NULL && a->sub == 0 && b->sub == 0 && a->prot == b->prot && a->max == b->max && a->inherit == b->inherit &&
	    a->tag == b->tag && a->behavior == b->behavior && a->wired == b->wired;
}

static void
perhaps(struct unit *u)
{
	if (u->cell != NULL && u->sub == 0 && u->guard == GUARD_NONE && u->shared == SHARED_NO)
		u->shared = SHARED_PERHAPS;
}

/* Units [first, last) of t were shared: whole entries may be, beyond both ends. */
static void
spread(unsigned t, int first, int last)
{
	struct unit *u = model_task[t].unit;

	for (int i = first; i > 0 && one_entry(&u[i], &u[i - 1]); i--)
		perhaps(&u[i - 1]);
	for (int i = last - 1; i + 1 < (int)space.nunits && one_entry(&u[i], &u[i + 1]); i++)
		perhaps(&u[i + 1]);
}

/* --- remap --- */

static struct unit moved[MODEL_PAGES_MAX];

static void
remap_commit(unsigned t, unsigned d, const struct range *from, const struct range *to,
    const struct model_remap_args *a)
{
	int n = from->last - from->first;

	for (int i = 0; i < n; i++) {
		struct unit *u = &model_task[t].unit[from->first + i], seen = model_seen(t, from->first + i), *below;
		bool copy = a->copy || u->copy; /* nothing is shared through a window that is copied on write */

		moved[i] = seen;
		moved[i].sub = moved[i].below = 0;
		moved[i].copy = false;
		moved[i].guard = GUARD_NONE;    /* memory without rights */
		moved[i].down = moved[i].up = moved[i].no_sync = moved[i].no_core = false;
		moved[i].wired = 0;
		moved[i].inherit = (uint8_t)a->inheritance;
		moved[i].shared = copy ? SHARED_NO : SHARED_YES;
		moved[i].cell = copy ? cell_snapshot(seen.cell) : cell_share(seen.cell);
		if (copy)
			continue;
		if (u->sub != 0) {
			spread(u->sub, u->below, u->below + 1);
			below = &model_task[u->sub].unit[u->below];
			/* Over the window itself: it is gone before what lies below is told. */
			below->shared = t == d && to->first < from->last && from->first < to->last ? SHARED_PERHAPS : SHARED_YES;
			u = below;
		} else
			u->shared = SHARED_YES;
		/* A reservation, which nobody can ever use, is not worth an object. */
		if (u->max == VM_PROT_NONE)
			u->shared = moved[i].shared = SHARED_PERHAPS;
	}
	if (!a->copy)
		spread(t, from->first, from->last);
	for (int i = 0; i < n; i++)
		replace(d, to->first + i, &moved[i]);
}

model_codes
model_remap(unsigned t, unsigned d, vm_offset_t *addr, const struct model_remap_args *a, vm_prot_t *cur,
    vm_prot_t *max, bool commit)
{
	vm_offset_t src = trunc_page(a->src), at = trunc_page(*addr);
	vm_size_t size = round_page(a->size);
	struct range from, to;
	model_codes codes;

	if (a->inheritance > VM_INHERIT_LAST_VALID || size == 0 || (a->flags & ~(FLAGS_KNOWN & ~VM_FLAGS_ALIAS_MASK)) || src + size < src)
		return CODE(KERN_INVALID_ARGUMENT);
	codes = judge_contents(t, src, size, &from, lacks_nothing, 0);
	if (codes == MODEL_SKIP || (codes == OK && !copyable(&from)))
		return MODEL_SKIP;
	/* A place that wraps is seen by the arguments, or when it is looked for. */
	if (!(a->flags & VM_FLAGS_ANYWHERE) && at + size <= at)
		return codes == OK ? CODE(KERN_INVALID_ARGUMENT) | CODE(KERN_INVALID_ADDRESS) :
		    codes | CODE(KERN_INVALID_ARGUMENT);
	if (codes != OK)
		return codes;
	codes = place(d, &at, size, a->mask, a->flags, KERN_INVALID_ADDRESS, &to);
	if (codes != OK)
		return codes;
	if (!copyable(&to))
		return MODEL_SKIP;
	*addr = at;
	*cur = *max = VM_PROT_ALL;
	for (int i = from.first; i < from.last; i++) {
		*cur &= model_seen(t, i).prot;
		*max &= model_seen(t, i).max;
	}
	if (commit)
		remap_commit(t, d, &from, &to, a);
	return OK;
}

void
model_perhaps_shared(unsigned t, vm_offset_t addr, vm_size_t size)
{
	struct range r;

	if (size == 0 || wraps(addr, size) || !range_clamped(addr, size, &r))
		return;
	if (r.first >= r.last)
		return;
	for (int i = r.first; i < r.last; i++) {
		struct unit *u = &model_task[t].unit[i];

		perhaps(u);
		if (u->cell != NULL && u->sub != 0) {
			perhaps(&model_task[u->sub].unit[u->below]);
			spread(u->sub, u->below, u->below + 1);
		}
	}
	spread(t, r.first, r.last);
}

/* --- wiring and advice --- */

model_codes
model_wire(unsigned t, vm_offset_t addr, vm_size_t size, vm_prot_t access, bool commit)
{
	struct unit *u = model_task[t].unit;
	model_codes codes;
	struct range r;

	if (access & ~VM_PROT_ALL)
		return CODE(KERN_INVALID_ARGUMENT);
	if (size == 0)
		return OK;
	if (wraps(addr, size))
		return CODE(KERN_INVALID_ARGUMENT);
	/* Wiring a gap would take all memory; outside the map, clamping and refusing are both right. */
	if (!range_clamped(addr, size, &r) || r.start != trunc_page(addr) || r.end != round_page(addr + size) ||
	    !copyable(&r) || has_windows(t, addr, size))
		return MODEL_SKIP;
	if (access != VM_PROT_NONE) {
		codes = judge(t, addr, size, &r, lacks, access);
		if (codes == OK)
			codes = within_wired_limit(t, r.first, r.last, NULL, 0);
		if (codes != OK)
			return codes;
	} else if (u[r.first].cell == NULL)
		return CODE(KERN_INVALID_ADDRESS);
	for (int i = r.first; commit && i < r.last; i++)
		if (access != VM_PROT_NONE)
			u[i].wired++;
		else if (u[i].cell != NULL && u[i].wired > 0)
			u[i].wired--;
	return OK;
}

model_codes
model_behavior(unsigned t, vm_offset_t addr, vm_size_t size, vm_behavior_t b, bool commit)
{
	model_codes codes;
	struct range r;

	if (b > VM_BEHAVIOR_LAST_VALID)
		return CODE(KERN_INVALID_ARGUMENT);
	if (size == 0)
		return OK;
	if (addr + size < addr)
		return CODE(KERN_INVALID_ARGUMENT);
	if (wraps(addr, size))
		return CODE(KERN_INVALID_ARGUMENT) | CODE(KERN_NO_SPACE);
	if (has_windows(t, addr, size))
		return MODEL_SKIP;
	codes = judge(t, addr, size, &r, lacks_nothing, 0);
	if (trunc_page(addr) < space.min || round_page(addr + size) > space.max)
		return CODE(KERN_INVALID_ADDRESS) | CODE(KERN_NO_SPACE);
	if (codes != OK || !copyable(&r))
		return codes != OK ? codes : MODEL_SKIP;
	for (int i = r.first; commit && b <= VM_BEHAVIOR_STORED_LAST && i < r.last; i++)
		model_task[t].unit[i].behavior = (uint8_t)b;
	return OK;
}

model_codes
model_msync(unsigned t, vm_offset_t addr, vm_size_t size, unsigned flags)
{
	model_codes codes;
	struct range r;

	if ((flags & VM_SYNC_SYNCHRONOUS) && (flags & VM_SYNC_ASYNCHRONOUS))
		return CODE(KERN_INVALID_ARGUMENT);
	if (size == 0)
		return OK;
	if (wraps(addr, size))
		return CODE(KERN_INVALID_ADDRESS);
	if ((flags & VM_SYNC_CONTIGUOUS) && has_windows(t, addr, size))
		return MODEL_SKIP;              /* a hole may be below */
	codes = judge(t, addr, size, &r, lacks_nothing, 0);
	if (codes == MODEL_SKIP || codes == OK)
		return codes;
	return flags & VM_SYNC_CONTIGUOUS ? CODE(KERN_INVALID_ADDRESS) : OK;
}

/* --- cells that are held --- */

void
model_drop(struct model_held *h)
{
	for (unsigned i = 0; h->live && i < h->pages; i++)
		cell_release(h->cell[i]);
	h->live = false;
}

void
model_held_new(struct model_held *h, vm_size_t size, vm_prot_t prot)
{
	*h = (struct model_held){ .live = true, .pages = (unsigned)(round_page(size) / PAGE_SIZE), .prot = prot,
	    .size = size };
	for (unsigned i = 0; i < h->pages; i++)
		h->cell[i] = cell_new(NULL);
}

model_codes
model_hold(unsigned t, vm_offset_t addr, vm_size_t size, vm_prot_t need, bool maximum, bool copy,
    struct model_held *h, bool commit)
{
	model_codes codes;
	struct range r;

	if (wraps(addr, size))
		return CODE(KERN_INVALID_ADDRESS) | CODE(KERN_INVALID_ARGUMENT);
	if (!copy && has_windows(t, addr, size))
		return MODEL_SKIP;
	codes = judge_contents(t, addr, size, &r, maximum ? max_lacks : lacks, need);
	if (codes != OK)
		return codes;
	if (!copyable(&r) || r.last - r.first > MODEL_HELD_PAGES)
		return MODEL_SKIP;
	if (!commit)
		return OK;
	*h = (struct model_held){ .live = true, .copy = copy, .range = true, .pages = (unsigned)(r.last - r.first), .prot = need,
	    .offset = addr % PAGE_SIZE, .size = size };
	for (int i = r.first; i < r.last; i++) {
		struct unit seen = model_seen(t, i);

		h->behavior[i - r.first] = seen.behavior;
		h->tag[i - r.first] = seen.tag;
		h->cell[i - r.first] = copy ? cell_snapshot(seen.cell) : cell_share(seen.cell);
		if (!copy)
			model_task[t].unit[i].shared = SHARED_YES;
	}
	if (!copy)
		spread(t, r.first, r.last);
	return OK;
}

/* Puts cells of h, from offset on, into r: units like `new`. */
static void
map_cells(unsigned t, const struct range *r, struct unit *new, const struct model_held *h, vm_offset_t offset, bool copy)
{
	uint8_t tag = new->tag;

	for (int i = r->first; i < r->last; i++) {
		unsigned page = (unsigned)(offset / PAGE_SIZE) + (unsigned)(i - r->first);

		new->cell = copy ? cell_snapshot(h->cell[page]) : cell_share(h->cell[page]);
		new->behavior = h->behavior[page];
		new->tag = tag != 0 ? tag : h->tag[page];
		replace(t, i, new);
	}
}

model_codes
model_map_held(unsigned t, vm_offset_t *addr, const struct model_map_args *a, vm_offset_t offset, bool copy,
    const struct model_held *h, bool commit)
{
	vm_offset_t at = trunc_page(*addr);
	vm_size_t size = round_page(a->size), whole = h->pages * PAGE_SIZE;
	struct unit new = unit_new(a->cur & a->max, a->max, a->inheritance, a->flags, copy ? SHARED_NO : SHARED_YES);
	vm_prot_t beyond = copy ? 0 : a->max & ~h->prot;       /* cur is cut to max first */
	model_codes codes;
	struct range r;

	if (((a->cur | a->max) & ~VM_PROT_ALL) || a->inheritance > VM_INHERIT_LAST_VALID ||
	    (a->flags & ~FLAGS_KNOWN) || size == 0 || offset % PAGE_SIZE != 0)
		return CODE(KERN_INVALID_ARGUMENT);
	if (beyond || (copy && !(h->prot & VM_PROT_READ)))
		return CODE(KERN_INVALID_RIGHT) | (offset > whole || size > whole - offset ||
		    (!(a->flags & VM_FLAGS_ANYWHERE) && at + size <= at) ? CODE(KERN_INVALID_ARGUMENT) : 0);
	if (offset > whole || size > whole - offset)
		return CODE(KERN_INVALID_ARGUMENT);
	/* Such a handle is mapped whole: what wraps only then comes after the mask. */
	if (h->range) {
		if (!(a->flags & VM_FLAGS_ANYWHERE) && at + size > at && (at & a->mask) != 0)
			return CODE(KERN_NO_SPACE);
		size = whole;
		offset = 0;
	}
	codes = place(t, &at, size, a->mask, a->flags, KERN_INVALID_ARGUMENT, &r);
	if (codes == CODE(KERN_INVALID_ARGUMENT))
		codes |= CODE(KERN_INVALID_ADDRESS);
	if (codes != OK)
		return codes;
	if (!copyable(&r))
		return MODEL_SKIP;
	*addr = at;
	if (commit)
		map_cells(t, &r, &new, h, offset, copy);
	return OK;
}

model_codes
model_map_pager(unsigned t, vm_offset_t *addr, const struct model_map_args *a, vm_offset_t offset, bool copy,
    const struct model_held *h, bool commit)
{
	vm_offset_t at = trunc_page(*addr);
	vm_size_t size = round_page(a->size), whole = h->pages * PAGE_SIZE;
	struct unit new = unit_new(a->cur & a->max, a->max, a->inheritance, a->flags, SHARED_NO);
	model_codes codes;
	struct range r;

	if (((a->cur | a->max) & ~VM_PROT_ALL) || a->inheritance > VM_INHERIT_LAST_VALID ||
	    (a->flags & ~FLAGS_KNOWN) || size == 0 || offset % PAGE_SIZE != 0 ||
	    (!(a->flags & VM_FLAGS_ANYWHERE) && at + size <= at))
		return CODE(KERN_INVALID_ARGUMENT);
	if ((copy ? VM_PROT_READ : a->max) & ~h->prot)
		return CODE(KERN_PROTECTION_FAILURE);
	if (offset >= whole || size > whole - offset)
		return CODE(KERN_INVALID_ARGUMENT);
	codes = place(t, &at, size, a->mask, a->flags, KERN_INVALID_ARGUMENT, &r);
	if (codes != OK)
		return codes;
	if (!copyable(&r))
		return MODEL_SKIP;
	*addr = at;
	if (commit)
		map_cells(t, &r, &new, h, offset, copy);
	return OK;
}

int
model_held_page(const struct model_held *h, unsigned t, unsigned i)
{
	const struct cell *c = model_seen(t, (int)i).cell;

	for (unsigned page = 0; c != NULL && page < h->pages; page++)
		if (h->cell[page] == c)
			return (int)page;
	return -1;
}

const uint8_t *
model_held_bytes(const struct model_held *h, unsigned page)
{
	struct unit u = { .cell = h->cell[page] };

	return model_bytes(&u);
}

void
model_held_set(struct model_held *h, unsigned page, const uint8_t *bytes)
{
	memcpy(cell_bytes(h->cell[page]), bytes, PAGE_SIZE);
}

model_codes
model_copyout(unsigned t, vm_offset_t *addr, struct model_held *h, bool commit)
{
	struct unit new = unit_new(VM_PROT_DEFAULT, VM_PROT_ALL, VM_INHERIT_DEFAULT, 0, SHARED_NO);
	vm_offset_t at = space.min;
	model_codes codes;
	struct range r;

	codes = place(t, &at, h->pages * PAGE_SIZE, 0, VM_FLAGS_ANYWHERE, 0, &r);
	if (codes != OK)
		return codes;
	if (!copyable(&r))
		return MODEL_SKIP;
	*addr = at + h->offset;
	if (!commit)
		return OK;
	for (int i = r.first; i < r.last; i++) {
		new.cell = cell_share(h->cell[i - r.first]);
		replace(t, i, &new);
	}
	model_drop(h);
	return OK;
}

model_codes
model_overwrite(unsigned t, vm_offset_t addr, struct model_held *h, bool commit)
{
	model_codes codes;
	struct range r;

	if (wraps(addr, h->size))
		return CODE(KERN_INVALID_ADDRESS);
	codes = judge_contents(t, addr, h->size, &r, lacks, VM_PROT_WRITE);
	if (has_mixed_windows(t, addr, h->size))
		return MODEL_SKIP;
	if (codes != OK)
		return codes;
	if (!copyable(&r))
		return MODEL_SKIP;
	for (vm_size_t done = 0; commit && done < h->size; ) {
		vm_offset_t from = h->offset + done;
		vm_size_t n = PAGE_SIZE - from % PAGE_SIZE;
		struct unit page = { .cell = h->cell[from / PAGE_SIZE] };

		if (n > h->size - done)
			n = h->size - done;
		model_store(t, addr + done, model_bytes(&page) + from % PAGE_SIZE, n);
		done += n;
	}
	if (commit)
		model_drop(h);
	return OK;
}
