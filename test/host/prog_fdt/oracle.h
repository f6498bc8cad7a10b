/*
 * oracle.h: our device tree reader against libfdt, over one tree.
 *
 * Included by the program that reads real trees and by the fuzz target. Every
 * function of drivers/fdt.h is asked about every node and property, and must
 * say what libfdt says. libfdt translates no addresses, so that part is done
 * here a second time, above libfdt's accessors and in another way (from the
 * node upwards, by recursion).
 */
#ifndef TEST_FDT_ORACLE_H
#define TEST_FDT_ORACLE_H

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <libfdt.h>
#include <drivers/fdt.h>
#include <drivers/platform.h>

/* The first disagreement, as text; "" while there is none. */
static char oracle_said[512];

static bool __attribute__((format(printf, 1, 2)))
disagree(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(oracle_said, sizeof(oracle_said), fmt, ap);
	va_end(ap);
	return false;
}

/* libfdt counts from the start of the structure block, we from that of the blob. */
static fdt_node_t
ours(const void *blob, int offset)
{
	return offset < 0 ? FDT_NO_NODE : (fdt_node_t)offset + fdt_off_dt_struct(blob);
}

static uint64_t
oracle_cells(const fdt32_t *c, int n)
{
	uint64_t v = 0;

	while (n-- > 0)
		v = v << 32 | fdt32_to_cpu(*c++);
	return v;
}

static int
oracle_cell_count(const void *blob, int node, const char *name, int absent)
{
	int len;
	const fdt32_t *c = fdt_getprop(blob, node, name, &len);

	if (c == NULL || len != 4)
		return absent;
	return fdt32_to_cpu(*c) > 4 ? -1 : (int)fdt32_to_cpu(*c);
}

/* addr, on the children's side of bus, as the root sees it. */
static bool
oracle_translate(const void *blob, int bus, uint64_t addr, uint64_t *out)
{
	int parent = fdt_parent_offset(blob, bus), len, ac, pac, sc, i, step;
	const fdt32_t *c;
	uint64_t base, to, size;

	if (parent < 0) {
		*out = addr;
		return true;
	}
	c = fdt_getprop(blob, bus, "ranges", &len);
	if (c == NULL)
		return false;
	if (len == 0)
		return oracle_translate(blob, parent, addr, out);
	ac = oracle_cell_count(blob, bus, "#address-cells", 2);
	sc = oracle_cell_count(blob, bus, "#size-cells", 1);
	pac = oracle_cell_count(blob, parent, "#address-cells", 2);
	if (ac < 1 || ac > 2 || pac < 1 || pac > 2 || sc < 0 || sc > 2)
		return false;
	step = ac + pac + sc;
	for (i = 0; (i + step) * 4 <= len; i += step) {
		base = oracle_cells(c + i, ac);
		to = oracle_cells(c + i + ac, pac);
		size = oracle_cells(c + i + ac + pac, sc);
		if (addr >= base && addr - base < size)
			return to + (addr - base) >= to &&
			    oracle_translate(blob, parent, to + (addr - base), out);
	}
	return false;
}

static bool
oracle_reg(const void *blob, int node, int i, struct phys_range *r)
{
	int parent = fdt_parent_offset(blob, node), len, ac, sc;
	const fdt32_t *c = fdt_getprop(blob, node, "reg", &len);

	if (parent < 0 || c == NULL)
		return false;
	ac = oracle_cell_count(blob, parent, "#address-cells", 2);
	sc = oracle_cell_count(blob, parent, "#size-cells", 1);
	if (ac < 1 || ac > 2 || sc < 0 || sc > 2 || (i + 1) * (ac + sc) * 4 > len)
		return false;
	r->size = oracle_cells(c + i * (ac + sc) + ac, sc);
	r->base = oracle_cells(c + i * (ac + sc), ac);
	if (r->size != 0 && r->base + (r->size - 1) < r->base)
		return false;
	if (!oracle_translate(blob, parent, r->base, &r->base))
		return false;
	return r->size == 0 || r->base + (r->size - 1) >= r->base;
}

/* Entries of reg up to and including the first that does not exist. */
static bool
compare_reg(const struct fdt *f, const void *blob, int node)
{
	struct phys_range a, b;
	unsigned i, count = fdt_reg_count(f, ours(blob, node), FDT_NO_NODE);
	bool found_a, found_b;

	for (i = 0; i <= count && i < 40; i++) {
		found_a = fdt_reg(f, ours(blob, node), i, &a);
		found_b = oracle_reg(blob, node, (int)i, &b);
		if (found_a != found_b)
			return disagree("reg[%u] of %s: %d, libfdt %d", i,
			    fdt_get_name(blob, node, NULL), found_a, found_b);
		if (found_a && (a.base != b.base || a.size != b.size))
			return disagree("reg[%u] of %s: %lx+%lx, libfdt %lx+%lx", i,
			    fdt_get_name(blob, node, NULL), a.base, a.size, b.base, b.size);
	}
	return true;
}

static bool
compare_strings(const struct fdt_prop *p, const void *blob, int node)
{
	int count = fdt_stringlist_count(blob, node, p->name), i;
	const char *a, *b;

	for (i = 0; i < count && i < 40; i++) {
		a = fdt_string_at(p, (uint32_t)i);
		b = fdt_stringlist_get(blob, node, p->name, i, NULL);
		if (a != b || !fdt_string_in(p, b))
			return disagree("string %d of %s differs", i, p->name);
	}
	if (count >= 0 && count < 40 && fdt_string_at(p, (uint32_t)count) != NULL)
		return disagree("%s has more strings than libfdt's %d", p->name, count);
	return true;
}

static bool
compare_properties(const struct fdt *f, const void *blob, int node)
{
	struct fdt_prop p, q;
	const char *name;
	const void *data;
	int at, len;
	uint32_t v;
	bool more = fdt_prop_first(f, ours(blob, node), &p);

	fdt_for_each_property_offset(at, blob, node) {
		data = fdt_getprop_by_offset(blob, at, &name, &len);
		if (!more || p.name != name || p.data != data || p.len != (uint32_t)len)
			return disagree("property %s of %s differs", name,
			    fdt_get_name(blob, node, NULL));
		data = fdt_getprop(blob, node, name, &len);
		if (!fdt_prop_get(f, ours(blob, node), name, &q) || q.data != data ||
		    q.len != (uint32_t)len)
			return disagree("looking up %s finds another", name);
		if (fdt_prop_u32(f, ours(blob, node), name, &v) != (len == 4) ||
		    (len == 4 && v != fdt32_to_cpu(*(const fdt32_t *)data)))
			return disagree("%s as a cell differs", name);
		/* Of two properties with one name, libfdt's list is that of the first. */
		if (q.data == p.data && !compare_strings(&p, blob, node))
			return false;
		more = fdt_prop_next(f, &p);
	}
	return more ? disagree("libfdt does not see property %s", p.name) : true;
}

/*
 * libfdt's fdt_get_path finds its way back over a name by looking for the '/'
 * before it, so one name with a '/' in it, or an empty one, spoils the paths of
 * the nodes that follow.
 */
static bool
names_spoil_paths(const void *blob)
{
	const char *name;
	int node, depth = 0;

	for (node = fdt_next_node(blob, 0, &depth); node >= 0 && depth >= 0;
	    node = fdt_next_node(blob, node, &depth)) {
		name = fdt_get_name(blob, node, NULL);
		if (*name == '\0' || strchr(name, '/') != NULL)
			return true;
	}
	return false;
}

/* By path: with and without unit addresses, and through aliases. */
static bool
compare_paths(const struct fdt *f, const void *blob, int node)
{
	char a[1024], b[1024], *from, *to;

	if (fdt_get_path(blob, node, b, sizeof(b)) != 0)
		return true;                    /* longer than we print */
	if (!fdt_node_path(f, ours(blob, node), a, sizeof(a)))
		return disagree("no path for %s", b);
	if (strcmp(a, b) != 0)
		return disagree("path %s, libfdt %s", a, b);
	if (fdt_find_path(f, b) != ours(blob, fdt_path_offset(blob, b)))
		return disagree("path %s leads elsewhere", b);
	for (from = to = b; *from != '\0'; from++) {
		if (*from == '@')
			from += strcspn(from, "/");
		*to++ = *from;
		if (*from == '\0')
			break;
	}
	*to = '\0';
	if (fdt_find_path(f, b) != ours(blob, fdt_path_offset(blob, b)))
		return disagree("path %s leads elsewhere", b);
	return true;
}

static bool
compare_node(const struct fdt *f, const void *blob, int node, bool paths)
{
	fdt_node_t n = ours(blob, node);
	const char *name = fdt_get_name(blob, node, NULL);
	uint32_t phandle = fdt_get_phandle(blob, node);

	if (fdt_node_name(f, n) != name)
		return disagree("name %s, libfdt %s", fdt_node_name(f, n), name);
	if (fdt_first_child(f, n) != ours(blob, fdt_first_subnode(blob, node)))
		return disagree("first child of %s", name);
	if (node != 0 && fdt_next_sibling(f, n) != ours(blob, fdt_next_subnode(blob, node)))
		return disagree("sibling of %s", name);
	if (fdt_parent(f, n) != ours(blob, fdt_parent_offset(blob, node)))
		return disagree("parent of %s", name);
	if (phandle != 0 && phandle != ~0u && (fdt_node_phandle(f, n) != phandle ||
	    fdt_find_phandle(f, phandle) != ours(blob, fdt_node_offset_by_phandle(blob, phandle))))
		return disagree("phandle %u of %s", phandle, name);
	return compare_properties(f, blob, node) && compare_reg(f, blob, node) &&
	    (!paths || compare_paths(f, blob, node));
}

static bool
compare_aliases(const struct fdt *f, const void *blob)
{
	int node = fdt_path_offset(blob, "/aliases"), at, len;
	const char *name, *path;

	if (node < 0)
		return true;
	fdt_for_each_property_offset(at, blob, node) {
		fdt_getprop_by_offset(blob, at, &name, NULL);
		path = fdt_getprop(blob, node, name, &len);
		/*
		 * An alias of an alias, one with a '/', and one whose value does not end
		 * (libfdt reads on behind it): ours has no such thing.
		 */
		if (path == NULL || len == 0 || path[0] != '/' || *name == '\0' ||
		    strchr(name, '/') != NULL || memchr(path, '\0', (size_t)len) == NULL)
			continue;
		if (fdt_find_path(f, name) != ours(blob, fdt_path_offset(blob, name)))
			return disagree("alias %s leads elsewhere", name);
	}
	return true;
}

/*
 * libfdt takes what stands first in the structure block for the root, and finds
 * nothing at all where that is a NOP; yet the format allows NOPs before any
 * node, and fdt_check_full accepts them. So, for libfdt, the block begins behind
 * them. What we have opened says where nodes are by their place in the blob, and
 * stays right.
 */
static bool
begin_at_root(void *blob)
{
	uint32_t start = fdt_off_dt_struct(blob), at = start;

	while (fdt32_ld((const fdt32_t *)((const char *)blob + at)) == FDT_NOP)
		at += FDT_TAGSIZE;
	if (at == start)
		return true;
	fdt_set_off_dt_struct(blob, at);
	if (fdt_version(blob) >= 17)
		fdt_set_size_dt_struct(blob, fdt_size_dt_struct(blob) - (at - start));
	return fdt_check_full(blob, fdt_totalsize(blob)) == 0 ||
	    disagree("libfdt refuses the tree without the NOPs before its root");
}

/*
 * TRUE: all is as libfdt has it. The tree must have passed fdt_open and
 * fdt_check_full; its header may be changed.
 */
static bool
compare_tree(const struct fdt *f, void *blob)
{
	struct phys_range r;
	uint64_t base, size;
	unsigned depth = 1;
	bool paths;
	int node = 0, depth2 = 0, i, count = fdt_num_mem_rsv(blob);
	fdt_node_t n = f->root;

	oracle_said[0] = '\0';
	if (!begin_at_root(blob))
		return false;
	paths = !names_spoil_paths(blob);
	for (i = 0; i < count; i++)
		if (fdt_get_mem_rsv(blob, i, &base, &size) != 0 ||
		    !fdt_reservation(f, (uint32_t)i, &r) || r.base != base || r.size != size)
			return disagree("reservation %d differs", i);
	/* libfdt's list ends at the first empty one, ours as the specification says. */
	if (fdt_reservation(f, (uint32_t)count, &r) && r.size != 0)
		return disagree("%u reservations, libfdt %d", f->reserve_count, count);
	for (; node >= 0 && depth2 >= 0; node = fdt_next_node(blob, node, &depth2)) {
		if (n != ours(blob, node) || depth != (unsigned)depth2 + 1)
			return disagree("node at %x, depth %u, libfdt %x, %d", n, depth,
			    ours(blob, node), depth2 + 1);
		if (!compare_node(f, blob, node, paths))
			return false;
		n = fdt_walk(f, n, &depth);
	}
	if (n != FDT_NO_NODE)
		return disagree("libfdt does not see node %s", fdt_node_name(f, n));
	return compare_aliases(f, blob);
}

/* What platform_usable promises, whatever the tree. */
static bool
check_usable(struct platform *p)
{
	static struct phys_range run[PLATFORM_RUNS];
	struct phys_range kernel = { p->bank[0].base + 0x200000, 0x123456 };
	struct phys_range dtb = { 0x82200010, 0x4567 };
	unsigned i, k, n = platform_usable(p, kernel, dtb, 1ull << 37, run, PLATFORM_RUNS);
	uint64_t end;

	for (i = 0; i < n; i++) {
		end = run[i].base + run[i].size;
		if (run[i].size == 0 || !page_aligned(run[i].base) || !page_aligned(run[i].size))
			return disagree("run %u is not made of pages", i);
		if (end > 1ull << 37 || (i > 0 && run[i - 1].base + run[i - 1].size >= run[i].base))
			return disagree("run %u is out of order or reach", i);
		if ((run[i].base < kernel.base + kernel.size && kernel.base < end) ||
		    (run[i].base < dtb.base + dtb.size && dtb.base < end))
			return disagree("run %u overlaps kernel or tree", i);
		for (k = 0; k < p->reserved_count; k++)
			if (p->reserved[k].range.base < end &&
			    run[i].base < p->reserved[k].range.base + p->reserved[k].range.size)
				return disagree("run %u overlaps reserved range %u", i, k);
	}
	return true;
}

/* Reads everything there is, to see that nothing is touched outside the blob. */
static bool
exercise(const void *blob, size_t size)
{
	static struct platform p;
	struct fdt f;
	struct fdt_prop q;
	fdt_node_t n;
	unsigned depth = 1, plic, i;
	uint32_t source, sum = 0;
	bool more;

	oracle_said[0] = '\0';
	if (!fdt_open(blob, size, &f))
		return f.error != NULL && !platform_decode(&p, blob, size, 1);
	for (n = f.root; n != FDT_NO_NODE; n = fdt_walk(&f, n, &depth)) {
		if (depth < 1 || depth > FDT_DEPTH_MAX)
			return disagree("depth %u", depth);
		for (more = fdt_prop_first(&f, n, &q); more; more = fdt_prop_next(&f, &q)) {
			for (i = 0; i < q.len; i++)
				sum += q.data[i];
			sum += (uint32_t)strlen(q.name) + fdt_string_in(&q, "okay");
		}
		sum += fdt_node_okay(&f, n);
	}
	if (!platform_decode(&p, blob, size, 1))
		return p.error != NULL;
	for (n = f.root; n != FDT_NO_NODE; n = fdt_walk_okay(&f, n, &depth))
		sum += platform_irq(&p, n, sum % 3, &plic, &source);
	if (p.log_len >= sizeof(p.log) || strlen(p.log) != p.log_len)
		return disagree("the log is broken (%u)", sum);
	return check_usable(&p);
}

#endif
