/*
 * fdt.c: tests of the device tree reader on trees made by hand.
 *
 * Comparison with libfdt over real trees, and damage at random, are in
 * test/host/prog_fdt.
 */
#include <string.h>
#include <base/test.h>
#include <drivers/fdt.h>
#include "fdt_blob.h"

/* Offsets of header words. */
enum { SIZE = 4, STRUCTURE = 8, STRINGS = 12, RESERVE = 16, VERSION = 20, COMPATIBLE = 24, STRINGS_SIZE = 32,
	STRUCTURE_SIZE = 36 };

/*
 * /                    #address-cells 2, #size-cells 2
 *   aliases            serial0 = "/soc/serial@1000"
 *   soc                1/1 cells, ranges <0x0 0x1 0x0 0x10000>
 *     serial@1000      phandle 7
 *     bus@2000         1/1 cells, ranges (child 0 -> 0x2000, size 0x100)
 *       leaf@10
 *   soc@other
 */
static const uint8_t *
sample(size_t *size)
{
	blob_start();
	blob_reserve(0x1000, 0x2000);
	blob_node("");
	blob_cells("#address-cells", 1, 2);
	blob_cells("#size-cells", 1, 2);
	blob_node("aliases");
	blob_string("serial0", "/soc/serial@1000");
	blob_string("bad", "serial0");
	blob_end();
	blob_node("soc");
	blob_cells("#address-cells", 1, 1);
	blob_cells("#size-cells", 1, 1);
	blob_cells("ranges", 4, 0, 1, 0, 0x10000);
	blob_node("serial@1000");
	blob_cells("phandle", 1, 7);
	blob_bytes("compatible", "snps,dw-apb-uart\0ns16550a", 26);
	blob_cells("reg", 4, 0x1000, 0x100, 0x3000, 0x80);
	blob_string("status", "okay");
	blob_end();
	blob_token(4);                          /* NOP */
	blob_node("bus@2000");
	blob_cells("#address-cells", 1, 1);
	blob_cells("#size-cells", 1, 1);
	blob_cells("ranges", 3, 0, 0x2000, 0x100);
	blob_node("leaf@10");
	blob_cells("reg", 4, 0x10, 4, 0x100, 4);
	blob_string("status", "disabled");
	blob_end();
	blob_end();
	blob_end();
	blob_node("soc@other");
	blob_end();
	blob_end();
	return blob_finish(size);
}

static bool
open_sample(struct fdt *f)
{
	size_t size;
	const uint8_t *blob = sample(&size);

	return fdt_open(blob, size, f);
}

TEST(fdt, walks_nodes_in_order)
{
	static const char *const names[] = {
		"", "aliases", "soc", "serial@1000", "bus@2000", "leaf@10", "soc@other",
	};
	static const unsigned depths[] = { 1, 2, 2, 3, 3, 4, 2 };
	struct fdt f;
	size_t size, i;
	unsigned depth = 1;
	fdt_node_t n;

	ASSERT_TRUE(fdt_open(sample(&size), BLOB_MAX, &f));
	ASSERT_EQ(f.size, size);
	for (n = f.root, i = 0; n != FDT_NO_NODE; n = fdt_walk(&f, n, &depth), i++) {
		ASSERT_TRUE(i < nitems(names));
		ASSERT_EQ(strcmp(fdt_node_name(&f, n), names[i]), 0);
		ASSERT_EQ(depth, depths[i]);
	}
	ASSERT_EQ(i, nitems(names));
}

TEST(fdt, walk_passes_over_disabled_nodes)
{
	struct fdt f;
	unsigned depth = 3;
	fdt_node_t n;

	ASSERT_TRUE(open_sample(&f));
	n = fdt_walk_okay(&f, fdt_find_path(&f, "/soc/bus"), &depth);
	ASSERT_EQ(strcmp(fdt_node_name(&f, n), "soc@other"), 0);
	ASSERT_EQ(depth, 2);
}

TEST(fdt, knows_children_siblings_parents)
{
	struct fdt f;
	fdt_node_t soc, serial, bus, leaf, path[FDT_DEPTH_MAX];
	char buf[64];

	ASSERT_TRUE(open_sample(&f));
	soc = fdt_child(&f, f.root, "soc");
	serial = fdt_first_child(&f, soc);
	bus = fdt_next_sibling(&f, serial);
	leaf = fdt_first_child(&f, bus);
	ASSERT_EQ(strcmp(fdt_node_name(&f, bus), "bus@2000"), 0);
	ASSERT_EQ(fdt_next_sibling(&f, bus), FDT_NO_NODE);
	ASSERT_EQ(fdt_first_child(&f, leaf), FDT_NO_NODE);
	ASSERT_EQ(fdt_parent(&f, leaf), bus);
	ASSERT_EQ(fdt_parent(&f, f.root), FDT_NO_NODE);
	ASSERT_EQ(fdt_ancestors(&f, leaf, path), 4);
	ASSERT_EQ(fdt_ancestors(&f, leaf + 4, path), 0);
	ASSERT_EQ(fdt_next_sibling(&f, f.root), FDT_NO_NODE);
	ASSERT_TRUE(fdt_node_path(&f, leaf, buf, sizeof(buf)));
	ASSERT_EQ(strcmp(buf, "/soc/bus@2000/leaf@10"), 0);
	ASSERT_FALSE(fdt_node_path(&f, leaf, buf, 10));
	ASSERT_EQ(strcmp(buf, "/soc"), 0);
}

TEST(fdt, finds_paths_and_aliases)
{
	struct fdt f;
	fdt_node_t serial;

	ASSERT_TRUE(open_sample(&f));
	serial = fdt_find_path(&f, "/soc/serial@1000");
	ASSERT_NE(serial, FDT_NO_NODE);
	ASSERT_EQ(fdt_find_path(&f, "/soc/serial"), serial);
	ASSERT_EQ(fdt_find_path(&f, "//soc//serial/"), serial);
	ASSERT_EQ(fdt_find_path(&f, "serial0"), serial);
	ASSERT_EQ(fdt_find_path_len(&f, "serial0:115200", 7), serial);
	ASSERT_EQ(fdt_find_phandle(&f, 7), serial);
	ASSERT_EQ(fdt_find_path(&f, "/"), f.root);
	ASSERT_EQ(fdt_find_path(&f, "/soc@other"), fdt_next_sibling(&f, fdt_find_path(&f, "/soc")));
	ASSERT_EQ(fdt_find_path(&f, ""), FDT_NO_NODE);
	ASSERT_EQ(fdt_find_path(&f, "/soc/seria"), FDT_NO_NODE);
	ASSERT_EQ(fdt_find_path(&f, "/soc/serial@"), FDT_NO_NODE);
	ASSERT_EQ(fdt_find_path(&f, "serial1"), FDT_NO_NODE);
	ASSERT_EQ(fdt_find_path(&f, "bad"), FDT_NO_NODE);
	ASSERT_EQ(fdt_find_phandle(&f, 0), FDT_NO_NODE);
	ASSERT_EQ(fdt_find_phandle(&f, 8), FDT_NO_NODE);
}

TEST(fdt, reads_properties)
{
	struct fdt f;
	struct fdt_prop p;
	uint32_t v;
	uint64_t w;
	fdt_node_t serial;

	ASSERT_TRUE(open_sample(&f));
	serial = fdt_find_path(&f, "serial0");
	ASSERT_TRUE(fdt_prop_u32(&f, serial, "phandle", &v));
	ASSERT_EQ(v, 7);
	ASSERT_TRUE(fdt_prop_u64(&f, serial, "phandle", &w));
	ASSERT_EQ(w, 7);
	ASSERT_FALSE(fdt_prop_u32(&f, serial, "reg", &v));
	ASSERT_FALSE(fdt_prop_u64(&f, serial, "reg", &w));
	ASSERT_FALSE(fdt_prop_u32(&f, serial, "absent", &v));
	ASSERT_TRUE(fdt_prop_get(&f, serial, "compatible", &p));
	ASSERT_EQ(strcmp(fdt_string_at(&p, 1), "ns16550a"), 0);
	ASSERT_TRUE(fdt_string_at(&p, 2) == NULL);
	ASSERT_TRUE(fdt_node_compatible(&f, serial, "ns16550a"));
	ASSERT_FALSE(fdt_node_compatible(&f, serial, "ns16550"));
	ASSERT_TRUE(fdt_node_okay(&f, serial));
	ASSERT_TRUE(fdt_node_okay(&f, f.root));
	ASSERT_FALSE(fdt_node_okay(&f, fdt_find_path(&f, "/soc/bus/leaf")));
	/* A phandle is no string: it does not end in the property. */
	ASSERT_TRUE(fdt_prop_string(&f, serial, "reg") != NULL);
	ASSERT_TRUE(fdt_prop_get(&f, serial, "status", &p));
	p.len--;
	ASSERT_TRUE(fdt_string_at(&p, 0) == NULL);
	ASSERT_FALSE(fdt_string_in(&p, "okay"));
}

TEST(fdt, translates_reg_through_ranges)
{
	struct fdt f;
	struct phys_range r;
	fdt_node_t serial, leaf;

	ASSERT_TRUE(open_sample(&f));
	serial = fdt_find_path(&f, "serial0");
	leaf = fdt_find_path(&f, "/soc/bus/leaf");
	ASSERT_EQ(fdt_reg_count(&f, serial, FDT_NO_NODE), 2);
	ASSERT_TRUE(fdt_reg_bus(&f, serial, FDT_NO_NODE, 0, &r));
	ASSERT_EQ(r.base, 0x1000);
	ASSERT_TRUE(fdt_reg(&f, serial, 1, &r));
	ASSERT_EQ(r.base, 0x100003000);
	ASSERT_EQ(r.size, 0x80);
	ASSERT_FALSE(fdt_reg(&f, serial, 2, &r));
	ASSERT_TRUE(fdt_reg(&f, leaf, 0, &r));
	ASSERT_EQ(r.base, 0x100002010);
	ASSERT_FALSE(fdt_reg(&f, leaf, 1, &r));         /* outside bus's ranges */
	ASSERT_FALSE(fdt_reg(&f, f.root, 0, &r));
	ASSERT_FALSE(fdt_reg(&f, fdt_find_path(&f, "/soc"), 0, &r));
}

TEST(fdt, refuses_reg_that_wraps_or_has_strange_cells)
{
	struct fdt f;
	struct phys_range r;
	size_t size;

	blob_start();
	blob_node("");
	blob_cells("#address-cells", 1, 2);
	blob_cells("#size-cells", 1, 2);
	blob_node("a");
	blob_reg64(UINT64_MAX, 2);
	blob_cells("#address-cells", 1, 0x40000000);
	blob_cells("#size-cells", 1, 0xc0000000);
	blob_node("b");
	blob_cells("reg", 2, 1, 1);
	blob_end();
	blob_end();
	blob_end();
	ASSERT_TRUE(fdt_open(blob_finish(&size), BLOB_MAX, &f));
	ASSERT_EQ(fdt_reg_count(&f, fdt_find_path(&f, "/a"), FDT_NO_NODE), 1);
	ASSERT_FALSE(fdt_reg(&f, fdt_find_path(&f, "/a"), 0, &r));
	ASSERT_EQ(fdt_reg_count(&f, fdt_find_path(&f, "/a/b"), FDT_NO_NODE), 0);
	ASSERT_FALSE(fdt_reg_bus(&f, fdt_find_path(&f, "/a/b"), FDT_NO_NODE, 0, &r));
}

TEST(fdt, lists_reservations)
{
	struct fdt f;
	struct phys_range r;

	ASSERT_TRUE(open_sample(&f));
	ASSERT_TRUE(fdt_reservation(&f, 0, &r));
	ASSERT_EQ(r.base, 0x1000);
	ASSERT_EQ(r.size, 0x2000);
	ASSERT_FALSE(fdt_reservation(&f, 1, &r));
}

/* A sample with one header word changed must be refused. */
static void
check_header_word(unsigned at, uint32_t v)
{
	struct fdt f;
	size_t size;
	uint8_t *blob;

	(void)sample(&size);
	blob = blob_finish(&size);              /* with one END more: harmless */
	ASSERT_TRUE(fdt_open(blob, size, &f));
	blob_put32(blob + at, v);
	ASSERT_FALSE(fdt_open(blob, size, &f));
	ASSERT_TRUE(f.error != NULL);
}

TEST(fdt, refuses_damaged_headers)
{
	struct fdt f;
	const uint8_t *blob;
	size_t size;

	ASSERT_FALSE(fdt_open(NULL, 100, &f));
	blob = sample(&size);
	ASSERT_FALSE(fdt_open(blob, size - 1, &f));
	ASSERT_FALSE(fdt_open(blob, 39, &f));
	check_header_word(0, 0xedfe0dd0);
	check_header_word(SIZE, 39);
	check_header_word(SIZE, 0xffffffff);
	check_header_word(STRUCTURE, 0xfffffffc);
	check_header_word(STRUCTURE, 42);
	check_header_word(STRUCTURE, 0);
	check_header_word(STRINGS, 0x7fffffff);
	check_header_word(RESERVE, 44);
	check_header_word(RESERVE, 0x7ffffff8);
	check_header_word(VERSION, 15);
	check_header_word(COMPATIBLE, 18);
	check_header_word(STRINGS_SIZE, 0x10000);
	check_header_word(STRINGS_SIZE, 3);
	check_header_word(STRUCTURE_SIZE, 0x10000);
	check_header_word(STRUCTURE_SIZE, 64);
}

TEST(fdt, reads_version_16)
{
	struct fdt f;
	size_t size;
	uint8_t *blob;

	(void)sample(&size);
	blob = blob_finish(&size);
	blob_put32(blob + VERSION, 16);
	blob_put32(blob + STRUCTURE_SIZE, 0xffffffff);  /* not part of that header */
	ASSERT_TRUE(fdt_open(blob, size, &f));
	ASSERT_NE(fdt_find_path(&f, "serial0"), FDT_NO_NODE);
}

/* Refused, for a reason that contains this word. */
static void
check_refused(const char *word)
{
	struct fdt f;
	size_t size;
	const uint8_t *blob = blob_finish(&size);

	ASSERT_FALSE(fdt_open(blob, size, &f));
	if (strstr(f.error, word) == NULL)
		test_fail(__FILE__, __LINE__, "refused, but: %s", f.error);
}

TEST(fdt, refuses_damaged_structure)
{
	unsigned i;

	blob_start();
	check_refused("ends inside");                   /* no root */
	blob_start();
	blob_node("");
	check_refused("ends inside");
	blob_start();
	blob_node("");
	blob_end();
	blob_end();
	check_refused("follows the root");
	blob_start();
	blob_end();
	check_refused("has not begun");
	blob_start();
	blob_cells("early", 1, 1);
	blob_node("");
	blob_end();
	check_refused("outside the head");
	blob_start();
	blob_node("");
	blob_node("a");
	blob_end();
	blob_cells("late", 1, 1);
	blob_end();
	check_refused("outside the head");
	blob_start();
	blob_node("");
	blob_token(0x12345678);
	check_refused("unknown token");
	blob_start();
	blob_node("");
	blob_token(3);
	blob_token(0xfffffff0);
	blob_token(0);
	check_refused("beyond its block");
	blob_start();
	blob_node("");
	blob_token(1);
	blob_token(0x61616161);                         /* a name that only */
	blob_token(0x61616161);                         /* END's first byte ends */
	check_refused("no end");
	blob_start();
	for (i = 0; i < FDT_DEPTH_MAX + 1; i++)
		blob_node(i == 0 ? "" : "n");
	for (i = 0; i < FDT_DEPTH_MAX + 1; i++)
		blob_end();
	check_refused("too deeply");
}

/* Also where libfdt does not take them: before the root and before the END. */
TEST(fdt, nops_may_stand_before_any_token)
{
	struct fdt f;
	struct fdt_prop p;
	size_t size;
	uint32_t v;
	unsigned depth = 1;
	fdt_node_t a, b;

	blob_start();
	blob_token(4);
	blob_token(4);
	blob_node("");
	blob_token(4);
	blob_cells("x", 1, 5);
	blob_token(4);
	blob_cells("y", 1, 6);
	blob_token(4);
	blob_node("a");
	blob_token(4);
	blob_end();
	blob_token(4);
	blob_node("b");
	blob_end();
	blob_token(4);
	blob_end();
	blob_token(4);
	ASSERT_TRUE(fdt_open(blob_finish(&size), BLOB_MAX, &f));
	ASSERT_EQ(f.root, f.structure + 8);
	ASSERT_TRUE(fdt_prop_first(&f, f.root, &p));
	ASSERT_EQ(strcmp(p.name, "x"), 0);
	ASSERT_TRUE(fdt_prop_next(&f, &p));
	ASSERT_EQ(strcmp(p.name, "y"), 0);
	ASSERT_FALSE(fdt_prop_next(&f, &p));
	ASSERT_TRUE(fdt_prop_u32(&f, f.root, "y", &v) && v == 6);
	a = fdt_first_child(&f, f.root);
	b = fdt_next_sibling(&f, a);
	ASSERT_EQ(strcmp(fdt_node_name(&f, a), "a"), 0);
	ASSERT_EQ(strcmp(fdt_node_name(&f, b), "b"), 0);
	ASSERT_EQ(fdt_next_sibling(&f, b), FDT_NO_NODE);
	ASSERT_EQ(fdt_parent(&f, b), f.root);
	ASSERT_EQ(fdt_find_path(&f, "/b"), b);
	ASSERT_FALSE(fdt_prop_first(&f, a, &p));
	ASSERT_EQ(fdt_walk(&f, b, &depth), FDT_NO_NODE);
}

TEST(fdt, refuses_reservations_without_end)
{
	struct fdt f;
	size_t size;
	uint8_t *blob;

	(void)sample(&size);
	blob = blob_finish(&size);
	/* Let the list begin where only other data follow. */
	blob_put32(blob + RESERVE, (uint32_t)(size & ~(size_t)7) - 8);
	ASSERT_FALSE(fdt_open(blob, size, &f));
}
