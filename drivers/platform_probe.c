/*
 * platform_probe.c: is the memory there that the tree describes?
 *
 * Trees claim too much: a board comes with half the memory of the tree's, and
 * what lies beyond its end does not answer, or is the same memory once more
 * (addresses wrap). So before anything is given out, some words of each bank are
 * written, read back, and put back:
 *
 *	granule    |----h---|----h---|----h---| ... |----h---|   h: one page
 *	points          0        1        2     4, 8, ...  last
 *
 * Writing is dangerous where addresses wrap: the word may be the kernel's, seen
 * a second time. Therefore all points have one residue h modulo a granule, and h
 * is chosen so that nothing of the kernel, the firmware, the tree, the initrd or
 * a reservation has it. Wherever a point is seen again, at a distance of any
 * number of granules, it is nobody's. Granules start at 16 MiB and double until
 * there is such an h; memory that wraps at less than that is not recognised.
 *
 * Points: the first, those 1, 2, 4, ... granules behind it, then each `stride`
 * (512 MiB, or more in large banks), and the last. All hold patterns of their
 * own at one time, each its own address in disguise, so a wrong value tells which
 * other point it is. Of two that are one, the higher is the copy. Between
 * storing and looking the caches are displaced (settle), since two views of one
 * word are two lines in them.
 *
 * The first point of a bank that fails ends the bank: bisected, by granules with
 * patterns, then by pages with loads alone. Loads go to free pages only, too.
 *
 * Pure: all accesses go through struct probe_access. Once, on the boot hart,
 * before memory is given out. No locks; the table of points is static.
 */
#include <string.h>
#include "platform_impl.h"

#define GRANULE_MIN     (16ull << 20)
#define GRANULE_MAX     (1ull << 36)
#define STRIDE_MIN      (512ull << 20)
#define POINTS          256u            /* of all banks */
#define BANK_POINTS     48u             /* of one, at most */

enum state { GOOD, MISSING, COPY, FAULTY };

struct point {
	uint64_t   pa;
	uint64_t   saved, read;
	uint64_t   got;                 /* FAULTY: the wrong bits; COPY: the lowest that it is */
	enum state state;
};

struct probe {
	struct platform *p;
	const struct probe_access *access;
	struct phys_range kernel, dtb;
	uint64_t limit;
	uint64_t granule, residue;
	struct point point[POINTS];
	unsigned first[PLATFORM_BANKS + 1];     /* points of bank b: first[b] .. first[b + 1] - 1 */
};

static struct probe probe;

/* ---- what must not be touched ---- */

/* Ranges that may be somebody's: kernel, tree, initrd, reservations. */
static unsigned
taken_count(const struct probe *c)
{
	return c->p->reserved_count + 3;
}

/* Range i of them, in whole pages. FALSE: it is empty. */
static bool
taken_range(const struct probe *c, unsigned i, struct phys_range *r)
{
	const struct platform *p = c->p;
	uint64_t end;

	switch (i) {
	case 0:
		*r = c->kernel;
		break;
	case 1:
		*r = c->dtb;
		break;
	case 2:
		*r = p->initrd;
		break;
	default:
		*r = p->reserved[i - 3].range;
	}
	if (r->size == 0)
		return false;
	end = range_end(r) > PLATFORM_PA_END ? PLATFORM_PA_END : round_page(range_end(r));
	r->base = trunc_page(r->base);
	r->size = end - r->base;
	return true;
}

/* The part of r in bank b; below the kernel in its bank all is firmware's. */
static bool
taken_in_bank(const struct probe *c, const struct phys_range *bank, unsigned i, struct phys_range *r)
{
	if (!taken_range(c, i, r) || !ranges_overlap(bank, r))
		return false;
	if (i == 0 && r->base >= bank->base) {
		r->size += r->base - bank->base;
		r->base = bank->base;
	}
	if (r->base < bank->base) {
		r->size -= bank->base - r->base;
		r->base = bank->base;
	}
	if (range_end(r) > range_end(bank))
		r->size = range_end(bank) - r->base;
	return true;
}

static bool
page_taken(const struct probe *c, const struct phys_range *bank, uint64_t pa)
{
	struct phys_range r;
	unsigned i;

	for (i = 0; i < taken_count(c); i++)
		if (taken_in_bank(c, bank, i, &r) && pa + PAGE_SIZE > r.base && pa < range_end(&r))
			return true;
	return false;
}

/* No page with this residue is taken, in any bank. */
static bool
residue_free(const struct probe *c, uint64_t h)
{
	struct phys_range r;
	unsigned b, i;

	for (b = 0; b < c->p->bank_count; b++)
		for (i = 0; i < taken_count(c); i++)
			if (taken_in_bank(c, &c->p->bank[b], i, &r) &&
			    (((h - r.base) & (c->granule - 1)) < r.size ||
			    ((r.base - h) & (c->granule - 1)) < PAGE_SIZE))
				return false;
	return true;
}

/* What is free modulo the granule begins at 0 or where something taken ends. */
static bool
choose_residue(struct probe *c)
{
	struct phys_range r;
	unsigned b, i;

	for (b = 0; b < c->p->bank_count; b++)
		for (i = 0; i < taken_count(c); i++) {
			if (!taken_in_bank(c, &c->p->bank[b], i, &r))
				continue;
			c->residue = round_page(range_end(&r)) & (c->granule - 1);
			if (residue_free(c, c->residue))
				return true;
		}
	c->residue = 0;
	return residue_free(c, 0);
}

/* ---- points ---- */

static uint64_t
next_point(uint64_t k, uint64_t stride)
{
	return k >= stride ? k + stride : k == 0 ? 1 : 2 * k;
}

static unsigned
count_points(uint64_t n, uint64_t stride)
{
	unsigned count = 1;
	uint64_t k;

	for (k = 0; k + 1 < n; k = next_point(k, stride))
		count++;
	return count;
}

/* The points of one bank, ascending, behind those of the banks before. */
static void
bank_points(struct probe *c, unsigned b)
{
	const struct phys_range *bank = &c->p->bank[b];
	uint64_t g = c->granule, end = range_end(bank), first, n, k, stride;
	unsigned room = POINTS / c->p->bank_count, at = c->first[b];

	if (end > c->limit)
		end = c->limit;
	first = round_page(bank->base);
	first += (c->residue - first) & (g - 1);
	n = end >= PAGE_SIZE && first <= end - PAGE_SIZE ? (end - PAGE_SIZE - first) / g + 1 : 0;
	stride = g < STRIDE_MIN ? STRIDE_MIN / g : 1;
	while (count_points(n, stride) > (room < BANK_POINTS ? room : BANK_POINTS))
		stride *= 2;
	for (k = 0; n != 0; k = next_point(k, stride) < n ? next_point(k, stride) : n - 1) {
		c->point[at++] = (struct point){ .pa = first + k * g };
		if (k == n - 1)
			break;
	}
	c->first[b + 1] = at;
}

/* An odd factor: no two points share a pattern. */
static uint64_t
pattern(const struct point *q, bool inverse)
{
	uint64_t v = q->pa * 0x9e3779b97f4a7c15ull;

	return inverse ? ~v : v;
}

static bool
load(const struct probe *c, uint64_t pa, uint64_t *v)
{
	return c->access->load(c->access->arg, pa, v);
}

static bool
store(const struct probe *c, uint64_t pa, uint64_t v)
{
	return c->access->store(c->access->arg, pa, v);
}

/* A point holds something else than was stored: is it another one? */
static void
judge(struct probe *c, struct point *q, bool inverse)
{
	unsigned i, all = c->first[c->p->bank_count];
	struct point *other, *lowest = NULL;
	bool known = false;

	for (i = 0; i < all; i++)
		known |= pattern(&c->point[i], inverse) == q->read;
	if (!known) {
		q->state = FAULTY;
		q->got = q->read ^ pattern(q, inverse);
		return;
	}
	/* Those that read alike are one. Banks ascend, so the lowest is the first. */
	for (i = 0; i < all; i++) {
		other = &c->point[i];
		if (other->state == MISSING || other->read != q->read)
			continue;
		if (lowest == NULL) {
			lowest = other;
			continue;
		}
		other->state = COPY;
		other->got = lowest->pa;
	}
}

/* All points at one time: store a pattern, from the top down, then look at each. */
static void
try_points(struct probe *c, bool inverse)
{
	unsigned i, all = c->first[c->p->bank_count];
	struct point *q;

	for (i = all; i-- > 0; ) {
		q = &c->point[i];
		if (q->state == MISSING)
			continue;
		if ((!inverse && !load(c, q->pa, &q->saved)) || !store(c, q->pa, pattern(q, inverse)))
			q->state = MISSING;
	}
	c->access->settle(c->access->arg);
	for (i = 0; i < all; i++) {
		q = &c->point[i];
		if (q->state != MISSING && !load(c, q->pa, &q->read))
			q->state = MISSING;
	}
	for (i = 0; i < all; i++) {
		q = &c->point[i];
		if (q->state == GOOD && q->read != pattern(q, inverse))
			judge(c, q, inverse);
	}
}

/* From the bottom up: the reverse of storing. A copy must not come out of a cache later. */
static void
restore_points(struct probe *c)
{
	unsigned i, all = c->first[c->p->bank_count];
	bool copies = false;

	for (i = 0; i < all; i++) {
		if (c->point[i].state != MISSING)
			(void)store(c, c->point[i].pa, c->point[i].saved);
		copies |= c->point[i].state == COPY;
	}
	if (copies)
		c->access->settle(c->access->arg);
}

/* ---- where a bank ends ---- */

static bool
holds(const struct probe *c, uint64_t pa)
{
	struct point q = { .pa = pa };
	uint64_t saved, v = 0, w = 0;
	bool ok;

	if (!load(c, pa, &saved))
		return false;
	ok = store(c, pa, pattern(&q, false)) && load(c, pa, &v) &&
	    store(c, pa, pattern(&q, true)) && load(c, pa, &w);
	(void)store(c, pa, saved);
	return ok && v == pattern(&q, false) && w == pattern(&q, true);
}

/* Does the page answer? What is taken is not asked: who put it there knew. */
static bool
answers(const struct probe *c, const struct phys_range *bank, uint64_t pa)
{
	uint64_t v;

	return page_taken(c, bank, pa) || load(c, pa, &v);
}

/* The first page in (good, bad] that does not answer; bad does not. */
static uint64_t
bisect_pages(const struct probe *c, const struct phys_range *bank, uint64_t good, uint64_t bad)
{
	uint64_t middle;

	while (bad - good > PAGE_SIZE) {
		middle = good + trunc_page((bad - good) / 2);
		if (answers(c, bank, middle))
			good = middle;
		else
			bad = middle;
	}
	return bad;
}

/* Points first .. bad - 1 of the bank are good, bad is not: where the bank's end is. */
static uint64_t
bank_end(const struct probe *c, const struct phys_range *bank, const struct point *first,
    const struct point *bad)
{
	uint64_t good = round_page(bank->base), end = bad->pa, middle;

	if (bad->state == COPY && bad->got >= bank->base)
		return bank->base + (bad->pa - bad->got);
	if (bad > first) {
		good = bad[-1].pa;
		while (bad->state != COPY && end - good > c->granule) {
			middle = good + ((end - good) / 2 & ~(c->granule - 1));
			if (holds(c, middle))
				good = middle;
			else
				end = middle;
		}
	} else if (!answers(c, bank, good) || bad->state == COPY) {
		return bank->base;
	}
	if (!answers(c, bank, end))
		return bisect_pages(c, bank, good, end);
	/* It answers, wrongly: all of its granule is suspect. */
	middle = bank->base + ((end - bank->base) & ~(c->granule - 1));
	return middle > good ? middle : good + PAGE_SIZE;
}

/* What lies in a copy of low memory lies there too: its low addresses are taken. */
static void
reserve_originals(struct probe *c, const struct phys_range *bank, uint64_t end, uint64_t distance)
{
	unsigned i, all = taken_count(c);
	struct phys_range r;

	for (i = 1; i < all; i++) {
		/* The initrd is given up where its memory is cut off. */
		if (i == 2 || !taken_in_bank(c, bank, i, &r) || range_end(&r) <= end)
			continue;
		if (r.base < end) {
			r.size -= end - r.base;
			r.base = end;
		}
		do
			r.base -= distance;
		while (r.base >= end);
		if (c->p->reserved_count == PLATFORM_RESERVED)
			platform_logf(c->p, "memory at %#lx is not kept: too many reservations", r.base);
		else
			c->p->reserved[c->p->reserved_count++].range = r;
	}
}

static void
say_why(struct platform *p, const struct phys_range *bank, uint64_t end, const struct point *bad)
{
	if (bad->state == COPY)
		platform_logf(p, "memory at %#lx-%#lx cut off: %#lx is the memory at %#lx once more",
		    end, range_end(bank), bad->pa, bad->got);
	else if (bad->state == FAULTY)
		platform_logf(p, "memory at %#lx-%#lx cut off: at %#lx bits %#lx do not hold what is stored",
		    end, range_end(bank), bad->pa, bad->got);
	else
		platform_logf(p, "memory at %#lx-%#lx cut off: %#lx does not answer", end,
		    range_end(bank), bad->pa);
}

/* The first failure of bank b; NULL: none. */
static struct point *
first_failure(struct probe *c, unsigned b)
{
	unsigned i;

	for (i = c->first[b]; i < c->first[b + 1]; i++)
		if (c->point[i].state != GOOD)
			return &c->point[i];
	return NULL;
}

/* A bank whose points are good: does its last page answer? TRUE: *end is where it ends. */
static bool
short_bank(const struct probe *c, unsigned b, uint64_t *end)
{
	const struct phys_range *bank = &c->p->bank[b];
	uint64_t top = range_end(bank) < c->limit ? range_end(bank) : c->limit;
	uint64_t good = round_page(bank->base), last = trunc_page(top) - PAGE_SIZE;

	if (top < good + PAGE_SIZE)
		return false;
	if (c->first[b + 1] > c->first[b])
		good = c->point[c->first[b + 1] - 1].pa;
	else if (!answers(c, bank, good)) {
		*end = bank->base;
		return true;
	}
	if (answers(c, bank, last))
		return false;
	*end = bisect_pages(c, bank, good, last);
	return true;
}

static void
cut_bank(struct probe *c, unsigned b)
{
	struct phys_range *bank = &c->p->bank[b];
	struct point *bad = first_failure(c, b), page = { .state = MISSING };
	uint64_t end;

	if (bad != NULL) {
		end = bank_end(c, bank, &c->point[c->first[b]], bad);
	} else if (short_bank(c, b, &end)) {
		page.pa = end;
		bad = &page;
	} else {
		return;
	}
	if (c->kernel.base >= bank->base && c->kernel.base < range_end(bank) &&
	    end < range_end(&c->kernel))
		end = range_end(&c->kernel);    /* it runs, so that much is there */
	if (end >= range_end(bank))
		return;
	say_why(c->p, bank, end, bad);
	if (bad->state == COPY)
		reserve_originals(c, bank, end, bad->pa - bad->got);
	bank->size = end - bank->base;
}

static void
drop_empty_banks(struct platform *p)
{
	unsigned b, kept = 0;

	for (b = 0; b < p->bank_count; b++)
		if (p->bank[b].size != 0)
			p->bank[kept++] = p->bank[b];
	p->bank_count = kept;
}

void
platform_probe(struct platform *p, struct phys_range kernel, struct phys_range dtb, uint64_t limit,
    const struct probe_access *access)
{
	struct probe *c = &probe;
	unsigned b;

	c->p = p;
	c->access = access;
	c->kernel = kernel;
	c->dtb = dtb;
	c->limit = limit;
	for (c->granule = GRANULE_MIN; !choose_residue(c); c->granule *= 2)
		if (c->granule == GRANULE_MAX) {
			platform_logf(p, "memory is not probed: too much of it is in use");
			return;
		}
	c->first[0] = 0;
	for (b = 0; b < p->bank_count; b++)
		bank_points(c, b);
	try_points(c, false);
	try_points(c, true);
	restore_points(c);
	for (b = 0; b < p->bank_count; b++)
		cut_bank(c, b);
	drop_empty_banks(p);
	if (p->initrd.size != 0 && !in_memory(p, &p->initrd))
		platform_drop_initrd(p, "it lies in memory that was cut off");
}
