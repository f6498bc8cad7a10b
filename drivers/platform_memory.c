/*
 * platform_memory.c: what memory the tree describes, and what of it is free.
 *
 * Rules that come from real machines:
 *  - memory is what has device_type "memory"; node names lie (memory-controller@,
 *    memory@80000000 with reg 0x40000000);
 *  - everything from the start of the kernel's bank to the kernel belongs to the
 *    firmware, whether it says so or not;
 *  - an initrd address can be left over from another boot.
 */
#include <string.h>
#include "platform_impl.h"

static const char too_many_reserved[] =
    "the device tree reserves more ranges than the kernel can keep";

/* ---- memory ---- */

/* Unites bank i with those behind it that it overlaps. */
static void
merge_banks(struct platform *p, unsigned i)
{
	struct phys_range *b = &p->bank[i];
	uint64_t end;

	while (i + 1 < p->bank_count && ranges_overlap(b, b + 1)) {
		platform_logf(p, "memory banks at %#lx and %#lx overlap", b->base, b[1].base);
		end = range_end(b) > range_end(b + 1) ? range_end(b) : range_end(b + 1);
		b->size = end - b->base;
		p->bank_count--;
		memmove(b + 1, b + 2, (p->bank_count - i - 1) * sizeof(*b));
	}
}

static void
add_bank(struct platform *p, struct phys_range r)
{
	unsigned i;

	if (!clip(&r)) {
		platform_logf(p, "memory bank at %#lx dropped: size %#lx", r.base, r.size);
		return;
	}
	if (p->bank_count == PLATFORM_BANKS) {
		platform_logf(p, "memory bank at %#lx dropped: more than %d banks", r.base,
		    PLATFORM_BANKS);
		return;
	}
	for (i = p->bank_count; i > 0 && p->bank[i - 1].base > r.base; i--)
		p->bank[i] = p->bank[i - 1];
	p->bank[i] = r;
	p->bank_count++;
	merge_banks(p, i);
	if (i > 0)
		merge_banks(p, i - 1);
}

bool
decode_memory(struct platform *p)
{
	const struct fdt *f = &p->fdt;
	struct phys_range r;
	const char *type;
	fdt_node_t n;
	unsigned i, count;

	for (n = fdt_first_child(f, f->root); n != FDT_NO_NODE; n = fdt_next_sibling(f, n)) {
		type = fdt_prop_string(f, n, "device_type");
		if (type == NULL || strcmp(type, "memory") != 0 || !fdt_node_okay(f, n))
			continue;
		count = fdt_reg_count(f, n, f->root);
		for (i = 0; i < count && i < ENTRIES_MAX; i++) {
			if (fdt_reg_bus(f, n, f->root, i, &r))
				add_bank(p, r);
			else
				platform_logf(p, "%s: entry %u of reg dropped: it wraps",
				    fdt_node_name(f, n), i);
		}
	}
	if (p->bank_count == 0)
		return refuse(p, "the device tree describes no memory");
	return true;
}

static bool
add_reserved(struct platform *p, struct phys_range r, bool no_map)
{
	if (!clip(&r))
		return true;
	if (p->reserved_count == PLATFORM_RESERVED)
		return refuse(p, too_many_reserved);
	p->reserved[p->reserved_count].range = r;
	p->reserved[p->reserved_count++].no_map = no_map;
	return true;
}

/*
 * Children of /reserved-memory without reg are pools that an operating system
 * may place itself: nothing is taken yet. The node's own ranges are required to
 * be one to one, so its addresses are taken as they are, also where the
 * property is missing.
 */
bool
decode_reserved(struct platform *p)
{
	const struct fdt *f = &p->fdt;
	fdt_node_t top = fdt_child(f, f->root, "reserved-memory"), n;
	struct phys_range r;
	unsigned i, count;

	for (i = 0; fdt_reservation(f, i, &r); i++) {
		if (r.size > UINT64_MAX - r.base)
			r.size = UINT64_MAX - r.base;
		if (!add_reserved(p, r, false))
			return false;
	}
	for (n = fdt_first_child(f, top); n != FDT_NO_NODE; n = fdt_next_sibling(f, n)) {
		if (!fdt_node_okay(f, n))
			continue;
		count = fdt_reg_count(f, n, top);
		if (count > ENTRIES_MAX)
			return refuse(p, too_many_reserved);
		for (i = 0; i < count; i++) {
			if (!fdt_reg_bus(f, n, top, i, &r))     /* it wraps: to the end */
				r.size = UINT64_MAX - r.base;
			if (!add_reserved(p, r, fdt_prop_present(f, n, "no-map")))
				return false;
		}
	}
	return true;
}

/* Banks are sorted; adjacent ones count as one. */
bool
in_memory(const struct platform *p, const struct phys_range *r)
{
	uint64_t at = r->base;
	unsigned i;

	for (i = 0; i < p->bank_count; i++) {
		if (p->bank[i].base > at)
			break;
		if (range_end(&p->bank[i]) > at)
			at = range_end(&p->bank[i]);
	}
	return at >= range_end(r);
}

void
platform_drop_initrd(struct platform *p, const char *why)
{
	platform_logf(p, "initrd at %#lx, size %#lx, ignored: %s", p->initrd.base, p->initrd.size,
	    why);
	p->initrd.base = p->initrd.size = 0;
}

void
decode_initrd(struct platform *p, fdt_node_t chosen)
{
	struct phys_range pages;
	uint64_t start, end;
	unsigned i;

	if (!fdt_prop_u64(&p->fdt, chosen, "linux,initrd-start", &start) ||
	    !fdt_prop_u64(&p->fdt, chosen, "linux,initrd-end", &end))
		return;
	if (start == 0 && end == 0)
		return;
	p->initrd.base = start;
	p->initrd.size = end - start;
	if (start >= end || end > PLATFORM_PA_END) {
		platform_drop_initrd(p, "it ends before it begins");
		return;
	}
	pages.base = trunc_page(start);         /* what the kernel maps to read it */
	pages.size = round_page(end) - pages.base;
	if (!in_memory(p, &pages)) {
		platform_drop_initrd(p, "it is not in memory");
		return;
	}
	for (i = 0; i < p->reserved_count; i++) {
		if (!p->reserved[i].no_map ||
		    !ranges_overlap(&pages, &p->reserved[i].range))
			continue;
		platform_drop_initrd(p, "it overlaps memory of the firmware");
		return;
	}
}

/* ---- usable memory ---- */

/* Runs, sorted and apart. Never full: PLATFORM_RUNS counts all that can split one. */
struct run_set {
	struct phys_range run[PLATFORM_RUNS];
	unsigned count;
};

static void
runs_drop(struct run_set *s, unsigned i)
{
	s->count--;
	memmove(&s->run[i], &s->run[i + 1], (s->count - i) * sizeof(s->run[0]));
}

/* Takes [base, end) out. */
static void
runs_remove(struct run_set *s, uint64_t base, uint64_t end)
{
	struct phys_range *r;
	uint64_t r_end;
	unsigned i = 0;

	while (i < s->count) {
		r = &s->run[i];
		r_end = range_end(r);
		if (end <= r->base || r_end <= base || base >= end) {
			i++;
		} else if (base <= r->base && r_end <= end) {
			runs_drop(s, i);
		} else if (base > r->base && end < r_end && s->count < PLATFORM_RUNS) {
			memmove(r + 1, r, (s->count - i) * sizeof(*r));
			s->count++;
			r[0].size = base - r->base;
			r[1].base = end;
			r[1].size = r_end - end;
			i += 2;
		} else if (base > r->base) {
			r->size = base - r->base;
			i++;
		} else {
			r->base = end;
			r->size = r_end - end;
			i++;
		}
	}
}

static void
runs_to_pages(struct run_set *s)
{
	struct phys_range *r;
	uint64_t end;
	unsigned i = 0;

	while (i < s->count) {
		r = &s->run[i];
		end = trunc_page(range_end(r));
		r->base = round_page(r->base);
		if (r->base >= end) {
			runs_drop(s, i);
			continue;
		}
		r->size = end - r->base;
		i++;
	}
}

/* The banks, adjacent ones united; the kernel's firmware and itself taken out. */
static bool
runs_from_banks(struct platform *p, struct run_set *s, struct phys_range kernel)
{
	const struct phys_range *b;
	bool found = false;
	unsigned i;

	s->count = 0;
	for (i = 0; i < p->bank_count; i++) {
		b = &p->bank[i];
		if (s->count > 0 && range_end(&s->run[s->count - 1]) == b->base)
			s->run[s->count - 1].size += b->size;
		else
			s->run[s->count++] = *b;
	}
	for (i = 0; i < p->bank_count; i++) {
		b = &p->bank[i];
		if (kernel.base < b->base || kernel.base >= range_end(b))
			continue;
		runs_remove(s, b->base, kernel.base);
		found = true;
	}
	runs_remove(s, kernel.base, range_end(&kernel));
	return found ? true : refuse(p, "the kernel is not in the memory that the device tree describes");
}

static unsigned
smallest_run(const struct run_set *s)
{
	unsigned i, least = 0;

	for (i = 1; i < s->count; i++)
		if (s->run[i].size < s->run[least].size)
			least = i;
	return least;
}

unsigned
platform_usable(struct platform *p, struct phys_range kernel, struct phys_range dtb, uint64_t limit,
    struct phys_range *run, unsigned max)
{
	struct run_set s;
	unsigned i;

	if (!runs_from_banks(p, &s, kernel))
		return 0;
	if (p->initrd.size != 0 &&
	    (ranges_overlap(&p->initrd, &kernel) || ranges_overlap(&p->initrd, &dtb)))
		platform_drop_initrd(p, "it overlaps the kernel or the device tree");
	runs_remove(&s, dtb.base, range_end(&dtb));
	runs_remove(&s, p->initrd.base, range_end(&p->initrd));
	for (i = 0; i < p->reserved_count; i++)
		runs_remove(&s, p->reserved[i].range.base, range_end(&p->reserved[i].range));
	if (s.count > 0 && range_end(&s.run[s.count - 1]) > limit)
		platform_logf(p, "memory from %#lx on is out of reach", limit);
	runs_remove(&s, limit, UINT64_MAX);
	runs_to_pages(&s);
	while (s.count > max) {
		i = smallest_run(&s);
		platform_logf(p, "memory at %#lx, size %#lx, dropped: too many pieces", s.run[i].base,
		    s.run[i].size);
		runs_drop(&s, i);
	}
	if (s.count == 0)
		refuse(p, "no memory is left for the kernel to use");
	memcpy(run, s.run, s.count * sizeof(*run));
	return s.count;
}
