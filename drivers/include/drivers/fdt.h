/*
 * drivers/fdt.h: reading a flattened device tree.
 *
 * The blob comes from firmware and is not trusted. fdt_open checks all of it
 * once; after that no function here can leave the blob, loop or fail in any
 * way but "there is no such thing", however damaged the contents are. Nothing
 * is allocated or copied: a node is a number (the offset of its begin token in
 * the structure block), and strings and property values point into the blob,
 * which must stay where it is and unchanged. (It may be reached through another
 * mapping later: set `blob` then.)
 *
 * No locks: read only.
 */
#ifndef DRIVERS_FDT_H
#define DRIVERS_FDT_H

#include <base/types.h>

#define FDT_DEPTH_MAX   32              /* root = 1; deeper trees are refused */

typedef uint32_t fdt_node_t;
#define FDT_NO_NODE     ((fdt_node_t)~0u)

struct fdt {
	const uint8_t *blob;
	const char    *error;           /* why fdt_open refused it; constant */
	uint32_t       size;            /* of the blob, bytes */
	uint32_t       version;
	uint32_t       boot_cpuid;      /* boot_cpuid_phys: often a lie */
	uint32_t       structure;       /* offset of the structure block */
	uint32_t       structure_end;   /* offset behind its FDT_END */
	uint32_t       strings;         /* offset of the strings block */
	uint32_t       reserve;         /* offset of the memory reservations */
	uint32_t       reserve_count;
	fdt_node_t     root;
};

/* A value in the blob: big endian, not aligned to more than 4. */
struct fdt_prop {
	const char    *name;
	const uint8_t *data;
	uint32_t       len;
	uint32_t       at;              /* offset of the property's token */
};

/* A range of addresses; [base, base + size) never wraps when we give it out. */
struct phys_range {
	uint64_t base, size;
};

/*
 * Checks the tree at blob, of which max_size bytes may be read. TRUE: *f is
 * ready. FALSE: f->error says why, and f must not be used otherwise.
 */
bool fdt_open(const void *blob, size_t max_size, struct fdt *f);

/* ---- nodes; each returns FDT_NO_NODE where there is none ---- */

fdt_node_t fdt_first_child(const struct fdt *f, fdt_node_t n);
fdt_node_t fdt_next_sibling(const struct fdt *f, fdt_node_t n);
/* The next node in file order. *depth (root = 1) is kept up; start with root and 1. */
fdt_node_t fdt_walk(const struct fdt *f, fdt_node_t n, unsigned *depth);
/* As fdt_walk, passing over nodes that are not okay with all that is below them. */
fdt_node_t fdt_walk_okay(const struct fdt *f, fdt_node_t n, unsigned *depth);
fdt_node_t fdt_parent(const struct fdt *f, fdt_node_t n);
/* root .. n into path[]; the number of nodes, or 0 when n is no node. */
unsigned fdt_ancestors(const struct fdt *f, fdt_node_t n, fdt_node_t path[FDT_DEPTH_MAX]);
/* The child whose name is `name`, unit address left out or not: "cpus", "cpu@1". */
fdt_node_t fdt_child(const struct fdt *f, fdt_node_t n, const char *name);
/*
 * The node at a path. "/soc/serial@10000000"; unit addresses may be left out
 * (the first match counts); without a leading '/' the first component is an
 * alias: "serial0", "pci0/eth". Only the first len bytes of path count.
 */
fdt_node_t fdt_find_path_len(const struct fdt *f, const char *path, size_t len);
fdt_node_t fdt_find_path(const struct fdt *f, const char *path);
fdt_node_t fdt_find_phandle(const struct fdt *f, uint32_t phandle);

/* "serial@10000000"; "" for the root. */
const char *fdt_node_name(const struct fdt *f, fdt_node_t n);
/* The full path, always terminated; FALSE when it was cut to fit. */
bool fdt_node_path(const struct fdt *f, fdt_node_t n, char *buf, size_t size);
/* 0: it has none. */
uint32_t fdt_node_phandle(const struct fdt *f, fdt_node_t n);
/* status is absent, "okay" or "ok". */
bool fdt_node_okay(const struct fdt *f, fdt_node_t n);
/* `compatible` contains this string. */
bool fdt_node_compatible(const struct fdt *f, fdt_node_t n, const char *compatible);

/* ---- properties; FALSE/NULL: absent, or not of this form ---- */

bool fdt_prop_first(const struct fdt *f, fdt_node_t n, struct fdt_prop *p);
bool fdt_prop_next(const struct fdt *f, struct fdt_prop *p);
bool fdt_prop_get(const struct fdt *f, fdt_node_t n, const char *name, struct fdt_prop *p);
bool fdt_prop_present(const struct fdt *f, fdt_node_t n, const char *name);
/* Exactly one cell. */
bool fdt_prop_u32(const struct fdt *f, fdt_node_t n, const char *name, uint32_t *v);
/* One cell or two. */
bool fdt_prop_u64(const struct fdt *f, fdt_node_t n, const char *name, uint64_t *v);
/* The first string; it ends inside the property. */
const char *fdt_prop_string(const struct fdt *f, fdt_node_t n, const char *name);

/* Number of whole cells in p; cell i, which must exist. */
static inline uint32_t fdt_cells(const struct fdt_prop *p) { return p->len / 4; }
uint32_t fdt_cell(const struct fdt_prop *p, uint32_t i);
/* count (0..2) cells from cell i as one number; they must exist. */
uint64_t fdt_cells_u64(const struct fdt_prop *p, uint32_t i, unsigned count);
/* String i of a list of strings, NULL behind the last or at one that has no end. */
const char *fdt_string_at(const struct fdt_prop *p, uint32_t i);
bool fdt_string_in(const struct fdt_prop *p, const char *s);

/* ---- addresses ---- */

/* What n says about the addresses of its children (2 and 1 where it is silent). */
uint32_t fdt_node_address_cells(const struct fdt *f, fdt_node_t n);
uint32_t fdt_node_size_cells(const struct fdt *f, fdt_node_t n);

/* How many entries n's `reg` has; 0 also when its cells make no sense. parent as below. */
unsigned fdt_reg_count(const struct fdt *f, fdt_node_t n, fdt_node_t parent);
/*
 * Entry i of n's `reg` as its parent's bus sees it; parent may be given to
 * save the search for it (FDT_NO_NODE: look). FALSE: there is no such entry, or
 * it has more than two cells for the address or the size, or it wraps.
 */
bool fdt_reg_bus(const struct fdt *f, fdt_node_t n, fdt_node_t parent, unsigned i, struct phys_range *r);
/*
 * The same, as a hart sees it: translated by the `ranges` of every ancestor.
 * FALSE also when a bus in between has no ranges, or none for this address.
 */
bool fdt_reg(const struct fdt *f, fdt_node_t n, unsigned i, struct phys_range *r);

/* Entry i of the memory reservations; FALSE behind the last. May wrap: not checked. */
bool fdt_reservation(const struct fdt *f, uint32_t i, struct phys_range *r);

#endif
