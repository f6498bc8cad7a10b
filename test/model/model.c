/*
 * model.c: the meaning of the user calls, page by page. See model.h.
 *
 * Written from the description of Mach's calls, not from mm: arguments are
 * judged in the order of its tables, then pages in the order of addresses.
 */
#include <stdlib.h>
#include <string.h>
#include "model_impl.h"

struct model_space space;
struct model_task model_task[MODEL_MAPS];
bool model_wrote_through;

static struct cell    *free_cells;
static struct content *free_contents;
static const uint8_t   zeros[PAGE_SIZE];

/* --- bytes --- */

static struct content *
content_new(const uint8_t *b)
{
	struct content *c = free_contents;

	if (c != NULL)
		free_contents = c->next;
	else if ((c = malloc(sizeof(*c))) == NULL)
		abort();
	c->refs = 1;
	memcpy(c->b, b, PAGE_SIZE);
	return c;
}

static void
content_release(struct content *c)
{
	if (c != NULL && --c->refs == 0) {
		c->next = free_contents;
		free_contents = c;
	}
}

struct content *
content_hold(struct content *c)
{
	if (c != NULL)
		c->refs++;
	return c;
}

struct cell *
cell_new(struct content *content)
{
	struct cell *c = free_cells;

	if (c != NULL)
		free_cells = c->next;
	else if ((c = malloc(sizeof(*c))) == NULL)
		abort();
	c->refs = 1;
	c->content = content;
	return c;
}

void
cell_release(struct cell *c)
{
	if (--c->refs == 0) {
		content_release(c->content);
		c->next = free_cells;
		free_cells = c;
	}
}

void
cell_set(struct cell *c, struct content *content)
{
	content_release(c->content);
	c->content = content;
}

/* The cell's bytes, to be changed. */
uint8_t *
cell_bytes(struct cell *c)
{
	if (c->content == NULL)
		c->content = content_new(zeros);
	else if (c->content->refs > 1)
		cell_set(c, content_new(c->content->b));
	return c->content->b;
}

const uint8_t *
model_bytes(const struct unit *u)
{
	const struct cell *c = u->sub != 0 ? model_task[u->sub].unit[u->below].cell : u->cell;

	return c != NULL && c->content != NULL ? c->content->b : zeros;
}

void
unit_clear(struct unit *u)
{
	if (u->cell != NULL)
		cell_release(u->cell);
	memset(u, 0, sizeof(*u));
}

struct unit
unit_new(vm_prot_t cur, vm_prot_t max, vm_inherit_t inheritance, uint32_t flags, enum model_shared shared)
{
	return (struct unit){ .prot = (uint8_t)cur, .max = (uint8_t)max, .inherit = (uint8_t)inheritance,
	    .tag = (uint8_t)VM_GET_TAG(flags), .shared = (uint8_t)shared };
}

/* --- the address space --- */

static void
add_unit(vm_offset_t start, bool gap)
{
	if (space.nunits == MODEL_UNITS)
		abort();
	space.start[space.nunits] = start;
	space.gap[space.nunits++] = gap;
}

void
model_init(vm_offset_t min, vm_offset_t max, const struct window *w, unsigned n)
{
	vm_offset_t at = min;

	for (unsigned t = 0; t < MODEL_MAPS; t++)
		model_end(t);
	memset(&space, 0, sizeof(space));
	space.min = min;
	space.max = max;
	space.nwindows = n;
	for (unsigned i = 0; i < n; i++) {
		if (at < w[i].start)
			add_unit(at, true);
		space.window[i] = w[i];
		space.first[i] = space.nunits;
		for (at = w[i].start; at < w[i].end; at += PAGE_SIZE)
			add_unit(at, false);
	}
	if (at < max)
		add_unit(at, true);
	space.start[space.nunits] = max;
}

void
model_create(unsigned t)
{
	model_end(t);
	model_task[t].live = true;
	model_task[t].limit = model_task[t].limit_wired = model_task[t].limit_stack = MODEL_LIMIT_NONE;
	model_task[t].main_start = model_task[t].main_end = 0;
}

void
model_end(unsigned t)
{
	for (unsigned i = 0; i < space.nunits; i++)
		unit_clear(&model_task[t].unit[i]);
	model_task[t].live = false;
}

int
model_unit(vm_offset_t addr)
{
	static unsigned last;           /* found: mostly it is that one again, or the next */
	unsigned lo = 0, hi = space.nunits;

	if (addr < space.min || addr >= space.max)
		return -1;
	for (unsigned i = last; i < hi && i < last + 2; i++)
		if (addr >= space.start[i] && addr < space.start[i + 1])
			return (int)(last = i);
	while (hi - lo > 1) {
		unsigned mid = (lo + hi) / 2;

		if (space.start[mid] <= addr)
			lo = mid;
		else
			hi = mid;
	}
	return (int)(last = lo);
}

int
model_border(vm_offset_t addr)
{
	int i;

	if (addr == space.max)
		return (int)space.nunits;
	i = model_unit(addr);
	return i >= 0 && space.start[i] == addr ? i : -1;
}

/* --- ranges --- */

/* addr + size overflows, or its end, rounded up, does. */
bool
wraps(vm_offset_t addr, vm_size_t size)
{
	vm_offset_t end = round_page(addr + size);

	return addr + size < addr || end == 0 || end <= trunc_page(addr);
}

/* The pages of [addr, addr+size), which does not wrap. FALSE: it cuts a gap. */
bool
range_units(struct range *r)
{
	r->first = model_border(r->start);
	r->last = model_border(r->end);
	return r->first >= 0 && r->last >= 0;
}

/* The part of the pages of [addr, addr+size) inside the map. */
bool
range_clamped(vm_offset_t addr, vm_size_t size, struct range *r)
{
	r->start = trunc_page(addr);
	r->end = round_page(addr + size);
	if (r->start < space.min)
		r->start = space.min;
	if (r->end > space.max)
		r->end = space.max;
	if (r->start >= r->end) {
		r->first = r->last = 0;
		return true;
	}
	return range_units(r);
}

/*
 * Judges the pages of [addr, addr+size) in the order of addresses: a page that
 * is not there is INVALID_ADDRESS, one that `refuses` is PROTECTION_FAILURE. A
 * range that leaves the map and holds a page that refuses may be either: the
 * specification does not say which comes first.
 */
model_codes
judge(unsigned t, vm_offset_t addr, vm_size_t size, struct range *r,
    bool (*refuses)(const struct unit *, vm_prot_t), vm_prot_t prot)
{
	const struct unit *u = model_task[t].unit;
	bool outside, cut;
	int i;

	r->start = trunc_page(addr);
	r->end = round_page(addr + size);
	outside = r->start < space.min || r->end > space.max;
	i = model_unit(r->start);
	if (i < 0)
		return CODE(KERN_INVALID_ADDRESS);
	cut = space.start[i] != r->start;
	for (; i < (int)space.nunits && space.start[i] < r->end; i++) {
		if (u[i].cell == NULL)
			return CODE(KERN_INVALID_ADDRESS);
		if (refuses(&u[i], prot))
			return CODE(KERN_PROTECTION_FAILURE) | (outside ? CODE(KERN_INVALID_ADDRESS) : 0);
	}
	if (outside)
		return CODE(KERN_INVALID_ADDRESS);
	if (cut || !range_units(r))
		return MODEL_SKIP;
	return OK;
}

struct unit
model_seen(unsigned t, int i)
{
	struct unit u = model_task[t].unit[i], below;

	if (u.cell == NULL || u.sub == 0)
		return u;
	below = model_seen(u.sub, u.below);
	u.cell = below.cell;
	u.prot &= below.prot;
	u.max &= below.max;
	u.behavior = below.behavior;
	u.tag = below.tag;
	return u;
}

/* Windows among the units of [addr, addr+size), and whether all are copy-on-write. */
static unsigned
count_windows(unsigned t, vm_offset_t addr, vm_size_t size, unsigned *copies, unsigned *units)
{
	vm_offset_t end = round_page(addr + size);
	int i = addr < space.min ? 0 : model_unit(addr);
	unsigned n = 0;

	*copies = *units = 0;
	for (; i >= 0 && i < (int)space.nunits && space.start[i] < end; i++) {
		const struct unit *u = &model_task[t].unit[i];

		++*units;
		n += u->cell != NULL && u->sub != 0;
		*copies += u->cell != NULL && u->copy;
	}
	return n;
}

bool
has_windows(unsigned t, vm_offset_t addr, vm_size_t size)
{
	unsigned copies, units;

	return count_windows(t, addr, size, &copies, &units) != 0;
}

bool
has_mixed_windows(unsigned t, vm_offset_t addr, vm_size_t size)
{
	unsigned copies, units;

	(void)count_windows(t, addr, size, &copies, &units);
	return copies != 0 && copies != units;
}

model_codes
judge_contents(unsigned t, vm_offset_t addr, vm_size_t size, struct range *r,
    bool (*refuses)(const struct unit *, vm_prot_t), vm_prot_t prot)
{
	model_codes codes = judge(t, addr, size, r, refuses, prot), bad = codes & ~OK;
	int i = model_unit(r->start);

	if ((codes & MODEL_SKIP) || !has_windows(t, addr, size))
		return codes;
	for (; i >= 0 && i < (int)space.nunits && space.start[i] < r->end; i++) {
		struct unit u = model_seen(t, i);

		if (u.cell == NULL)
			bad |= CODE(KERN_INVALID_ADDRESS);
		else if (refuses(&u, prot))
			bad |= CODE(KERN_PROTECTION_FAILURE);
	}
	return bad != 0 ? bad : OK;
}

bool
lacks(const struct unit *u, vm_prot_t prot)
{
	return (u->prot & prot) != prot;
}

bool
max_lacks(const struct unit *u, vm_prot_t prot)
{
	return (u->max & prot) != prot;
}

/* --- placing --- */

static void
fill(unsigned t, int first, int last, const struct unit *like)
{
	for (int i = first; i < last; i++) {
		struct unit *u = &model_task[t].unit[i];

		unit_clear(u);
		*u = *like;
		u->cell = cell_new(NULL);
	}
}

/* First fit at or above lower and below end: the address, or the code. */
static model_codes
first_fit(unsigned t, vm_offset_t lower, vm_size_t size, uint64_t mask, vm_offset_t end, vm_offset_t *addr)
{
	const struct unit *u = model_task[t].unit;
	vm_offset_t start = lower < space.min ? space.min : lower, at;
	unsigned i, next;

	for (;;) {
		if (start >= space.max)
			return CODE(KERN_NO_SPACE);
		for (i = (unsigned)model_unit(start); i < space.nunits && u[i].cell != NULL; i++)
			;
		if (i == space.nunits)
			return CODE(KERN_NO_SPACE);
		if (start < space.start[i])
			start = space.start[i];
		for (next = i; next < space.nunits && u[next].cell == NULL; next++)
			;
		at = (start + mask) & ~mask;            /* Mach's rule */
		if (at < start || at + size < at || at + size > end)
			return CODE(KERN_NO_SPACE);
		if (at + size <= space.start[next])
			break;
		start = space.start[next];
	}
	*addr = at;
	return OK;
}

vm_size_t
model_size(unsigned t)
{
	const struct unit *u = model_task[t].unit;
	vm_size_t sum = 0;

	for (unsigned i = 0; i < space.nunits; i++)
		if (u[i].cell != NULL && u[i].guard == GUARD_NONE)
			sum += space.start[i + 1] - space.start[i];
	return sum;
}

/* May t have size bytes more, with [r->first, r->last) gone? */
static model_codes
within_limit(unsigned t, vm_size_t size, int first, int last)
{
	vm_size_t sum = size;

	if (model_task[t].limit == MODEL_LIMIT_NONE)
		return OK;
	sum += model_size(t);
	for (int i = first; i < last; i++)
		if (model_task[t].unit[i].cell != NULL && model_task[t].unit[i].guard == GUARD_NONE)
			sum -= space.start[i + 1] - space.start[i];
	return sum <= model_task[t].limit ? OK : CODE(KERN_NO_SPACE);
}

/* A place of size (rounded, not 0) with mask 0 where addr (truncated) says; a wrap is `wrap`. */
model_codes
place(unsigned t, vm_offset_t *addr, vm_size_t size, uint64_t mask, uint32_t flags,
    kern_return_t wrap, struct range *r)
{
	model_codes codes;

	if (flags & VM_FLAGS_ANYWHERE) {
		codes = first_fit(t, *addr, size, mask, space.max, &r->start);
		if (codes == OK)
			codes = within_limit(t, size, 0, 0);
		if (codes != OK)
			return codes;
		r->end = r->start + size;
		*addr = r->start;
		return range_units(r) ? OK : MODEL_SKIP;
	}
	r->start = *addr;
	r->end = *addr + size;
	if (r->end <= r->start)
		return CODE(wrap);
	if (r->start & mask)
		return CODE(KERN_NO_SPACE);
	if (r->start < space.min || r->end > space.max)
		return CODE(KERN_INVALID_ADDRESS);
	if (!range_units(r))
		return MODEL_SKIP;
	for (int i = r->first; i < r->last; i++)
		if (model_task[t].unit[i].cell != NULL && !(flags & VM_FLAGS_OVERWRITE))
			return CODE(KERN_NO_SPACE);
	for (int i = r->first; i < r->last; i++) {
		const struct unit *u = &model_task[t].unit[i], *below = &model_task[u->sub].unit[u->below];

		/* What is mapped copy-on-write and must not be written may not be replaced, either. */
		if (u->copy && below->cell != NULL && !(below->max & VM_PROT_WRITE))
			return CODE(KERN_PROTECTION_FAILURE);
	}
	return within_limit(t, size, r->first, r->last);
}

model_codes
model_allocate(unsigned t, vm_offset_t *addr, vm_size_t size, uint32_t flags, bool commit)
{
	vm_offset_t at = flags & VM_FLAGS_ANYWHERE ? space.min : trunc_page(*addr);
	struct unit new = unit_new(VM_PROT_DEFAULT, VM_PROT_ALL, VM_INHERIT_DEFAULT, flags, SHARED_NO);
	model_codes codes;
	struct range r;

	if (flags & ~FLAGS_KNOWN)
		return CODE(KERN_INVALID_ARGUMENT);
	if (size == 0) {
		*addr = 0;
		return OK;
	}
	if (round_page(size) == 0)
		return CODE(KERN_INVALID_ARGUMENT);
	codes = place(t, &at, round_page(size), 0, flags, KERN_INVALID_ADDRESS, &r);
	if (codes != OK)
		return codes;
	*addr = at;
	if (commit)
		fill(t, r.first, r.last, &new);
	return OK;
}

model_codes
model_map(unsigned t, vm_offset_t *addr, const struct model_map_args *a, bool commit)
{
	vm_offset_t at = trunc_page(*addr);
	struct unit new = unit_new(a->cur & a->max, a->max, a->inheritance, a->flags, SHARED_NO);
	model_codes codes;
	struct range r;

	if (((a->cur | a->max) & ~VM_PROT_ALL) || a->inheritance > VM_INHERIT_LAST_VALID ||
	    (a->flags & ~FLAGS_KNOWN) || round_page(a->size) == 0)
		return CODE(KERN_INVALID_ARGUMENT);
	codes = place(t, &at, round_page(a->size), a->mask, a->flags, KERN_INVALID_ARGUMENT, &r);
	if (codes != OK)
		return codes;
	*addr = at;
	if (commit)
		fill(t, r.first, r.last, &new);
	return OK;
}

model_codes
model_find(unsigned t, vm_offset_t *addr, const struct model_find_args *a, bool commit)
{
	struct unit new = unit_new(a->cur, a->max, a->share ? VM_INHERIT_SHARE : VM_INHERIT_COPY, 0, SHARED_NO);
	vm_offset_t at = *addr, end = a->max_addr != 0 && a->max_addr < space.max ? a->max_addr : space.max;
	model_codes codes;
	struct range r;

	if (a->size == 0 || (at | a->size | a->min_addr) % PAGE_SIZE != 0 || (a->max & ~VM_PROT_ALL) || (a->cur & ~a->max))
		return CODE(KERN_INVALID_ARGUMENT);
	if (!a->searches)
		codes = place(t, &at, a->size, 0, a->replaces ? VM_FLAGS_OVERWRITE : 0, KERN_INVALID_ADDRESS, &r);
	else {
		if (a->again && at == 0)
			at = a->min_addr;
		codes = first_fit(t, at, a->size, a->mask, end, &r.start);
		if (codes != OK && a->again && a->min_addr < at)
			codes = first_fit(t, a->min_addr, a->size, a->mask, end, &r.start);
		r.end = r.start + a->size;
		at = r.start;
		if (codes == OK)
			codes = !range_units(&r) ? MODEL_SKIP : within_limit(t, a->size, 0, 0);
	}
	if (codes != OK)
		return codes;
	*addr = at;
	if (commit)
		fill(t, r.first, r.last, &new);
	return OK;
}

/* --- changing what is there --- */

model_codes
model_deallocate(unsigned t, vm_offset_t addr, vm_size_t size, bool commit)
{
	struct range r;

	if (size == 0)
		return OK;
	if (wraps(addr, size))
		return CODE(KERN_INVALID_ARGUMENT);
	if (!range_clamped(addr, size, &r))
		return MODEL_SKIP;
	for (int i = r.first; commit && i < r.last; i++)
		unit_clear(&model_task[t].unit[i]);
	return OK;
}

static void
make_private(struct unit *u)
{
	struct cell *c = cell_new(content_hold(u->cell->content));

	cell_release(u->cell);
	u->cell = c;
	u->shared = SHARED_NO;
	u->max |= VM_PROT_WRITE;
}

/* What lies in the gap of a stack counts as the stack. */
static bool
stack_lacks(const struct unit *u, vm_prot_t prot)
{
	return ((u->guard == GUARD_GAP ? u->stack_max : u->max) & prot) != prot;
}

static void
protect_guard(struct unit *u, bool set_max, uint8_t prot)
{
	if (u->guard != GUARD_GAP)
		return;
	if (set_max) {
		u->stack_max = prot;
		u->stack_prot &= prot;
	} else
		u->stack_prot = prot;
}

model_codes
model_protect(unsigned t, vm_offset_t addr, vm_size_t size, bool set_max, vm_prot_t prot, bool commit)
{
	bool copy = prot & VM_PROT_COPY;        /* a private copy, writable whatever the maximum was */
	model_codes codes;
	struct range r;

	prot &= ~VM_PROT_COPY;
	if (prot & ~VM_PROT_ALL)
		return CODE(KERN_INVALID_ARGUMENT);
	if (size == 0)
		return OK;
	if (wraps(addr, size))
		return CODE(trunc_page(addr) == 0 && addr + size >= addr ?
		    KERN_INVALID_ADDRESS : KERN_INVALID_ARGUMENT);
	if (copy && has_windows(t, addr, size))
		return MODEL_SKIP;
	codes = judge(t, addr, size, &r, copy ? max_lacks : stack_lacks, copy ? prot & ~VM_PROT_WRITE : prot);
	if (codes != OK)
		return codes;
	for (int i = r.first; copy && i < r.last; i++)
		if (model_task[t].unit[i].guard != GUARD_NONE)
			return CODE(KERN_PROTECTION_FAILURE);
	for (int i = r.first; copy && i < r.last; i++)
		if (model_task[t].unit[i].wired != 0)
			return MODEL_SKIP;      /* whether the private copy is wired nobody says */
	for (int i = r.first; commit && i < r.last; i++) {
		struct unit *u = &model_task[t].unit[i];

		if (u->guard != GUARD_NONE) {
			protect_guard(u, set_max, (uint8_t)prot);
			continue;
		}
		if (copy)
			make_private(u);
		if (set_max) {
			u->max = (uint8_t)prot;
			u->prot &= (uint8_t)prot;
		} else
			u->prot = (uint8_t)prot;
	}
	return OK;
}

model_codes
model_inherit(unsigned t, vm_offset_t addr, vm_size_t size, vm_inherit_t inheritance, bool commit)
{
	struct range r;

	if (inheritance > VM_INHERIT_LAST_VALID)
		return CODE(KERN_INVALID_ARGUMENT);
	if (size == 0)
		return OK;
	if (wraps(addr, size))
		return CODE(KERN_INVALID_ARGUMENT);
	if (!range_clamped(addr, size, &r))
		return MODEL_SKIP;
	for (int i = r.first; i < r.last; i++)
		if (model_task[t].unit[i].sub != 0 && inheritance == VM_INHERIT_COPY)
			return CODE(KERN_INVALID_ARGUMENT);
	for (int i = r.first; commit && i < r.last; i++)
		if (model_task[t].unit[i].cell != NULL)
			model_task[t].unit[i].inherit = (uint8_t)inheritance;
	return OK;
}

model_codes
model_inherit_zero(unsigned t, vm_offset_t addr, vm_size_t size, bool commit)
{
	struct range r;

	if (size == 0)
		return OK;
	if (wraps(addr, size) || !range_clamped(addr, size, &r))
		return MODEL_SKIP;
	for (int i = r.first; i < r.last; i++)
		if (model_task[t].unit[i].sub != 0)
			return CODE(KERN_INVALID_ARGUMENT);
	for (int i = r.first; commit && i < r.last; i++)
		if (model_task[t].unit[i].cell != NULL && model_task[t].unit[i].guard == GUARD_NONE)
			model_task[t].unit[i].inherit = VM_INHERIT_ZERO;
	return OK;
}

/* --- copying --- */

static struct content *snapshot[MODEL_PAGES_MAX];

/* Is it small enough, and free of gaps? Contents of gaps are nobody's business. */
bool
copyable(const struct range *r)
{
	if (r->last - r->first > MODEL_PAGES_MAX)
		return false;
	for (int i = r->first; i < r->last; i++)
		if (space.gap[i])
			return false;
	return true;
}

static void
take_snapshot(unsigned t, const struct range *r)
{
	for (int i = r->first; i < r->last; i++)
		snapshot[i - r->first] = content_hold(model_seen(t, i).cell->content);
}

static void
drop_snapshot(const struct range *r)
{
	for (int i = r->first; i < r->last; i++)
		content_release(snapshot[i - r->first]);
}

static const uint8_t *
snapshot_bytes(vm_size_t at)
{
	struct content *c = snapshot[at / PAGE_SIZE];

	return (c != NULL ? c->b : zeros) + at % PAGE_SIZE;
}

/* The cell behind unit i, to be written. */
static struct cell *
written(unsigned t, int i)
{
	model_wrote_through |= model_task[t].unit[i].copy;
	return model_seen(t, i).cell;
}

/* Bytes [from, from+n) of the snapshot go to dst, inside one page. */
static void
put(unsigned t, vm_offset_t dst, vm_size_t from, vm_size_t n)
{
	struct cell *c = written(t, model_unit(dst));

	if (n == PAGE_SIZE && from % PAGE_SIZE == 0) {
		cell_set(c, content_hold(snapshot[from / PAGE_SIZE]));
		return;
	}
	while (n > 0) {
		vm_size_t k = PAGE_SIZE - from % PAGE_SIZE < n ? PAGE_SIZE - from % PAGE_SIZE : n;

		memcpy(cell_bytes(c) + dst % PAGE_SIZE, snapshot_bytes(from), k);
		dst += k;
		from += k;
		n -= k;
	}
}

model_codes
model_read(unsigned t, vm_offset_t addr, vm_size_t size, unsigned into, vm_offset_t *data, bool commit)
{
	struct unit new = unit_new(VM_PROT_DEFAULT, VM_PROT_ALL, VM_INHERIT_DEFAULT, 0, SHARED_NO);
	struct range r, to;
	model_codes codes;

	*data = 0;
	if (size == 0)
		return OK;
	if (wraps(addr, size))
		return CODE(KERN_INVALID_ADDRESS);
	codes = judge_contents(t, addr, size, &r, lacks, VM_PROT_READ);
	if (codes != OK)
		return codes;
	if (!copyable(&r))
		return MODEL_SKIP;
	to.start = space.min;
	codes = place(into, &to.start, r.end - r.start, 0, VM_FLAGS_ANYWHERE, 0, &to);
	if (codes != OK)
		return codes;
	if (!copyable(&to))
		return MODEL_SKIP;
	*data = to.start + addr % PAGE_SIZE;
	if (commit) {
		take_snapshot(t, &r);
		fill(into, to.first, to.last, &new);
		for (int i = 0; i < to.last - to.first; i++)
			cell_set(model_task[into].unit[to.first + i].cell, content_hold(snapshot[i]));
		drop_snapshot(&r);
	}
	return OK;
}

model_codes
model_copy(unsigned t, vm_offset_t src, vm_size_t size, unsigned d, vm_offset_t dst, bool commit)
{
	model_codes from, to;
	struct range r, w;

	if (size == 0)
		return OK;
	from = wraps(src, size) ? CODE(KERN_INVALID_ADDRESS) : judge_contents(t, src, size, &r, lacks, VM_PROT_READ);
	to = wraps(dst, size) ? CODE(KERN_INVALID_ADDRESS) : judge_contents(d, dst, size, &w, lacks, VM_PROT_WRITE);
	if (from == MODEL_SKIP || to == MODEL_SKIP || (!wraps(dst, size) && has_mixed_windows(d, dst, size)))
		return MODEL_SKIP;
	if (from != OK)                 /* arguments before pages: a wrap of dst may come first */
		return from | (wraps(dst, size) ? to : 0);
	if (to != OK)
		return copyable(&r) ? to : MODEL_SKIP;
	if (!copyable(&r) || !copyable(&w))
		return MODEL_SKIP;
	if (!commit)
		return OK;
	take_snapshot(t, &r);
	for (vm_size_t done = 0; done < size; ) {
		vm_size_t n = PAGE_SIZE - (dst + done) % PAGE_SIZE;

		if (n > size - done)
			n = size - done;
		put(d, dst + done, src % PAGE_SIZE + done, n);
		done += n;
	}
	drop_snapshot(&r);
	return OK;
}

/* --- fork --- */

void
model_fork(unsigned parent, unsigned child)
{
	model_create(child);
	model_task[child].limit = model_task[parent].limit;
	model_task[child].limit_wired = model_task[parent].limit_wired;
	model_task[child].limit_stack = model_task[parent].limit_stack;
	model_task[child].main_start = model_task[parent].main_start;
	model_task[child].main_end = model_task[parent].main_end;
	for (unsigned i = 0; i < space.nunits; i++) {
		struct unit *p = &model_task[parent].unit[i], *c = &model_task[child].unit[i];

		if (p->cell == NULL || p->inherit == VM_INHERIT_NONE)
			continue;
		if (p->guard != GUARD_NONE) {
			*c = *p;
			c->cell = cell_new(NULL);
			continue;
		}
		if (p->sub != 0) {              /* a copy of a window is one that is copied on write */
			*c = *p;
			c->cell = cell_new(NULL);
			c->copy |= p->inherit == VM_INHERIT_COPY;
			continue;
		}
		/* A wired entry is copied by reading it, which must be possible. */
		if (p->inherit == VM_INHERIT_COPY && p->wired != 0 && !(p->max & VM_PROT_READ))
			continue;
		if (p->inherit == VM_INHERIT_SHARE) {
			p->shared = SHARED_YES;
			p->cell->refs++;
			*c = *p;
			c->wired = 0;
		} else {
			*c = *p;
			c->wired = 0;
			c->shared = SHARED_NO;
			c->cell = cell_new(p->inherit == VM_INHERIT_ZERO ? NULL : content_hold(p->cell->content));
		}
	}
}

/* --- accesses --- */

/* Without what a stack may grow. */
static model_codes
plain_access(unsigned t, vm_offset_t va, vm_prot_t access)
{
	int i = model_unit(va);
	struct unit u, own;

	if (i < 0)
		return CODE(KERN_INVALID_ADDRESS);
	u = model_seen(t, i);
	own = model_task[t].unit[i];
	if (u.cell == NULL)             /* the window itself is looked at first */
		return CODE(own.cell != NULL && !(own.prot & access) ? KERN_PROTECTION_FAILURE : KERN_INVALID_ADDRESS);
	if (space.gap[i])
		return MODEL_SKIP;
	if (u.prot & access)
		return OK;
	/* A leaf that may be written may be read: it depends on whether there is one. */
	if (access == VM_PROT_READ && (u.prot & VM_PROT_WRITE))
		return OK | CODE(KERN_PROTECTION_FAILURE);
	return CODE(KERN_PROTECTION_FAILURE);
}

model_codes
model_access(unsigned t, vm_offset_t va, vm_prot_t access)
{
	int i = model_unit(va);
	const struct unit *u = i < 0 ? NULL : &model_task[t].unit[i];

	if (u != NULL && u->cell != NULL && u->guard == GUARD_GAP) {
		if ((u->stack_prot & access) == 0 || model_growstack(t, va, false) != OK)
			return CODE(KERN_PROTECTION_FAILURE);
		return OK;
	}
	return plain_access(t, va, access);
}

model_codes
model_kernel_access(unsigned t, vm_offset_t va, vm_size_t size, vm_prot_t access, vm_size_t *done)
{
	*done = 0;
	if (access == VM_PROT_WRITE && va + size >= va && has_mixed_windows(t, va, size))
		return MODEL_SKIP;
	while (*done < size) {
		vm_offset_t at = va + *done;
		vm_size_t n = PAGE_SIZE - at % PAGE_SIZE;
		int i = at < va ? -1 : model_unit(at);
		model_codes codes = i < 0 ? CODE(KERN_INVALID_ADDRESS) : plain_access(t, at, access);

		if (codes & MODEL_SKIP)
			return codes;
		if (!(codes & OK) || !(model_seen(t, i).prot & access))
			return codes & ~OK;
		*done += n < size - *done ? n : size - *done;
	}
	return OK;
}

void
model_store(unsigned t, vm_offset_t va, const void *bytes, vm_size_t size)
{
	const uint8_t *b = bytes;

	while (size > 0) {
		vm_size_t n = PAGE_SIZE - va % PAGE_SIZE < size ? PAGE_SIZE - va % PAGE_SIZE : size;

		memcpy(cell_bytes(written(t, model_unit(va))) + va % PAGE_SIZE, b, n);
		va += n;
		b += n;
		size -= n;
	}
}

void
model_load(unsigned t, vm_offset_t va, void *bytes, vm_size_t size)
{
	uint8_t *b = bytes;

	while (size > 0) {
		vm_size_t n = PAGE_SIZE - va % PAGE_SIZE < size ? PAGE_SIZE - va % PAGE_SIZE : size;

		memcpy(b, model_bytes(&model_task[t].unit[model_unit(va)]) + va % PAGE_SIZE, n);
		va += n;
		b += n;
		size -= n;
	}
}

/* --- windows --- */

model_codes
model_window(unsigned t, vm_offset_t *addr, const struct model_map_args *a, unsigned sub, vm_offset_t from, bool copy, bool commit)
{
	struct range r, below = { .start = from, .end = from + a->size };
	vm_offset_t at = *addr;
	model_codes codes;

	if (a->size == 0 || from < space.min || from > space.max || a->size > space.max - from)
		return CODE(KERN_INVALID_ARGUMENT);
	if (!(a->flags & VM_FLAGS_ANYWHERE) && at + a->size <= at)
		return MODEL_SKIP;              /* the users' calls see to that */
	codes = place(t, &at, a->size, a->mask, a->flags, KERN_INVALID_ADDRESS, &r);
	if (codes != OK)
		return codes;
	if (!copyable(&r) || !range_units(&below) || !copyable(&below))
		return MODEL_SKIP;
	*addr = at;
	for (int i = r.first; commit && i < r.last; i++) {
		struct unit *u = &model_task[t].unit[i];

		unit_clear(u);
		*u = (struct unit){ .cell = cell_new(NULL), .prot = (uint8_t)a->cur, .max = (uint8_t)a->max,
		    .inherit = (uint8_t)a->inheritance, .tag = (uint8_t)VM_GET_TAG(a->flags), .sub = (uint8_t)sub,
		    .copy = copy, .below = (uint16_t)(below.first + (i - r.first)) };
	}
	return OK;
}

void
model_unnest(unsigned t, int i)
{
	struct unit seen = model_seen(t, i), *u = &model_task[t].unit[i];

	cell_release(u->cell);
	u->cell = cell_new(seen.cell != NULL ? content_hold(seen.cell->content) : NULL);
	u->prot = seen.prot;
	u->max = seen.max;
	u->behavior = seen.behavior;
	if (u->inherit == VM_INHERIT_SHARE)
		u->inherit = VM_INHERIT_COPY;
	u->sub = 0;
	u->copy = false;
	u->below = 0;
}

/* --- guards and stacks --- */

#define GROW_UNITS 32           /* 128 KiB */

static uint32_t last_stack;

model_codes
model_guard(unsigned t, vm_offset_t addr, vm_size_t size, bool commit)
{
	vm_size_t limit = model_task[t].limit;
	struct unit new = { .inherit = VM_INHERIT_COPY, .guard = GUARD_PLAIN };
	model_codes codes;
	struct range r;

	if (size == 0 || addr % PAGE_SIZE != 0 || size % PAGE_SIZE != 0)
		return CODE(KERN_INVALID_ARGUMENT);
	model_task[t].limit = MODEL_LIMIT_NONE;
	codes = place(t, &addr, size, 0, VM_FLAGS_OVERWRITE, KERN_INVALID_ADDRESS, &r);
	model_task[t].limit = limit;
	if (codes != OK)
		return codes;
	if (!copyable(&r))
		return MODEL_SKIP;
	if (commit)
		fill(t, r.first, r.last, &new);
	return OK;
}

model_codes
model_stack(unsigned t, vm_offset_t addr, vm_size_t size, bool up, bool commit)
{
	struct unit part = unit_new(VM_PROT_DEFAULT, VM_PROT_ALL, VM_INHERIT_COPY, 0, SHARED_NO);
	struct unit gap = { .inherit = VM_INHERIT_COPY, .guard = GUARD_GAP, .up = up, .stack_prot = VM_PROT_DEFAULT,
	    .stack_max = VM_PROT_ALL, .stack = last_stack + 1 };
	struct range r = { .start = addr, .end = addr + size };
	model_codes codes;
	int init;

	if (addr % PAGE_SIZE != 0 || size % PAGE_SIZE != 0)
		return CODE(KERN_INVALID_ARGUMENT);
	if (addr < space.min || addr > space.max || size > space.max - addr)
		return CODE(KERN_NO_SPACE);
	if (size == 0)
		return CODE(KERN_INVALID_ADDRESS);
	for (int i = model_unit(addr); i < (int)space.nunits && space.start[i] < r.end; i++)
		if (model_task[t].unit[i].cell != NULL)
			return CODE(KERN_NO_SPACE);
	if (size == PAGE_SIZE)
		return CODE(KERN_INVALID_ARGUMENT);
	if (!range_units(&r) || !copyable(&r))
		return MODEL_SKIP;
	init = r.last - r.first - 1 < GROW_UNITS ? r.last - r.first - 1 : GROW_UNITS;
	codes = within_limit(t, (vm_size_t)init * PAGE_SIZE, 0, 0);
	if (codes != OK || !commit)
		return codes;
	part.up = up;
	part.down = !up;
	last_stack++;
	fill(t, r.first, r.last, &gap);
	fill(t, up ? r.first : r.last - init, up ? r.first + init : r.last, &part);
	return OK;
}

bool
same_gap(const struct unit *a, const struct unit *b)
{
	return b->cell != NULL && b->guard == GUARD_GAP && a->stack == b->stack && a->stack_prot == b->stack_prot &&
	    a->stack_max == b->stack_max && a->inherit == b->inherit && a->behavior == b->behavior && a->tag == b->tag &&
	    a->no_sync == b->no_sync && a->no_core == b->no_core;
}

model_codes
model_growstack(unsigned t, vm_offset_t addr, bool commit)
{
	struct unit *u = model_task[t].unit, new;
	int i = model_unit(addr), low, high, stack, need, most, size;
	model_codes codes;

	if (i < 0 || u[i].cell == NULL || u[i].guard == GUARD_NONE)
		return OK;
	for (low = i; low > 0 && same_gap(&u[i], &u[low - 1]); low--)
		;
	for (high = i + 1; high < (int)space.nunits && same_gap(&u[i], &u[high]); high++)
		;
	stack = u[i].up ? low - 1 : high;
	if (u[i].guard != GUARD_GAP || stack < 0 || stack >= (int)space.nunits || u[stack].cell == NULL ||
	    u[stack].guard != GUARD_NONE || u[stack].sub != 0 || !(u[i].up ? u[stack].up : u[stack].down))
		return CODE(KERN_FAILURE);
	need = u[i].up ? i + 1 - low : high - i;
	most = high - low - 1;          /* the last page is the guard page */
	if (need > most)
		return CODE(KERN_NO_SPACE);
	codes = within_stack_limit(t, addr, space.start[low], space.start[high], u[i].up, need, &most);
	if (codes != OK)
		return codes;
	size = (need + GROW_UNITS - 1) / GROW_UNITS * GROW_UNITS;
	if (size > most)
		size = most;
	codes = within_limit(t, (vm_size_t)size * PAGE_SIZE, 0, 0);
	if (codes != OK || !commit)
		return codes;
	new = unit_new(u[i].stack_prot, u[i].stack_max, u[stack].inherit, 0, SHARED_NO);
	new.tag = u[stack].tag;
	new.behavior = u[stack].behavior;
	new.no_sync = u[stack].no_sync;
	new.no_core = u[stack].no_core;
	new.down = u[stack].down;
	new.up = u[stack].up;
	fill(t, u[i].up ? low : high - size, u[i].up ? low + size : high, &new);
	return OK;
}

/* --- regions --- */

static bool
alike(const struct unit *a, const struct unit *b)
{
	if (b->cell == NULL || a->copy != b->copy || a->guard != b->guard)
		return false;
	if (a->no_sync != b->no_sync || a->no_core != b->no_core)
		return false;
	return model_same(a, b) || (a->sub == b->sub && a->prot == b->prot && a->max == b->max && a->inherit == b->inherit &&
	    a->tag == b->tag && a->behavior == b->behavior && a->wired == b->wired &&
	    (a->shared == b->shared || a->shared == SHARED_PERHAPS || b->shared == SHARED_PERHAPS));
}

bool
model_region(unsigned t, vm_offset_t addr, struct model_region *r)
{
	const struct unit *u = model_task[t].unit;
	unsigned i, j, k;

	if (addr >= space.max)
		return false;
	i = addr < space.min ? 0 : (unsigned)model_unit(addr);
	for (; i < space.nunits && u[i].cell == NULL; i++)
		;
	if (i == space.nunits)
		return false;
	for (j = i; j > 0 && alike(&u[i], &u[j - 1]); j--)
		;
	for (k = i + 1; k < space.nunits && alike(&u[i], &u[k]); k++)
		;
	*r = (struct model_region){ space.start[j], space.start[k], &u[i] };
	return true;
}
