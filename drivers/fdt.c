/*
 * fdt.c: a read-only reader of flattened device trees.
 *
 * The blob, all numbers big endian:
 *
 *	header          magic, offsets and sizes of the parts
 *	reservations    (address, size) pairs up to a pair of zeros
 *	structure       tokens, each aligned to 4:
 *	                  BEGIN_NODE name\0    a node opens
 *	                  PROP len nameoff ... one of its properties
 *	                  (children)
 *	                  END_NODE             and closes
 *	                  NOP, and END at the very end
 *	strings         names of properties, each ended by NUL
 *
 * check_structure walks all tokens once and establishes what every later
 * function relies on:
 *
 *   F1  structure .. structure_end is a sequence of whole tokens, all inside the
 *       blob: one root node, everything properly nested, then END.
 *   F2  nodes are nested at most FDT_DEPTH_MAX deep.
 *   F3  every node's name ends inside the structure block.
 *   F4  every property's value lies inside the structure block, and its name
 *       ends inside the strings block.
 *   F5  a node's properties come before its children.
 *   F6  the reservations end with a pair of zeros inside the blob.
 *
 * So a later walk can trust each token and only has to count depth. There is no
 * recursion and no state but struct fdt. Finding a node's parent means walking
 * from the root, because the format has no way back; trees have a few hundred
 * nodes.
 *
 * Bytes are fetched one at a time where it matters, so that the blob may lie at
 * any address.
 */
#include <string.h>
#include <drivers/fdt.h>

#define MAGIC           0xd00dfeedu
#define BEGIN_NODE      1u
#define END_NODE        2u
#define PROP            3u
#define NOP             4u
#define END             9u

#define HEADER_V16      36u             /* bytes; v17 adds the structure's size */
#define HEADER_V17      40u

/* Offsets of the header's words. */
enum {
	H_MAGIC = 0, H_SIZE = 4, H_STRUCTURE = 8, H_STRINGS = 12, H_RESERVE = 16,
	H_VERSION = 20, H_LAST_COMPATIBLE = 24, H_BOOT_CPU = 28,
	H_STRINGS_SIZE = 32, H_STRUCTURE_SIZE = 36,
};

static uint32_t
be32(const uint8_t *p)
{
	return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

static uint64_t
be64(const uint8_t *p)
{
	return (uint64_t)be32(p) << 32 | be32(p + 4);
}

/* ---- tokens of a checked structure block ---- */

/* The offset behind the token at `at`, with its name or value and padding. */
static uint32_t
token_next(const struct fdt *f, uint32_t at)
{
	const uint8_t *p = f->blob + at;

	switch (be32(p)) {
	case BEGIN_NODE:
		return at + 4 + (((uint32_t)strlen((const char *)p + 4) + 1 + 3) & ~3u);
	case PROP:
		return at + 12 + ((be32(p + 4) + 3) & ~3u);
	default:
		return at + 4;
	}
}

static uint32_t
token(const struct fdt *f, uint32_t at)
{
	return be32(f->blob + at);
}

/* ---- opening ---- */

static bool
refuse(struct fdt *f, const char *why)
{
	f->error = why;
	return false;
}

/*
 * Lays down the parts. *structure_size and *strings_size are limits for the
 * walk; every part lies inside the blob.
 */
static bool
check_header(struct fdt *f, size_t max_size, uint32_t *structure_size, uint32_t *strings_size)
{
	const uint8_t *h = f->blob;

	if (h == NULL)
		return refuse(f, "no device tree was given");
	if (max_size < HEADER_V17)
		return refuse(f, "the device tree is smaller than its header");
	if (be32(h + H_MAGIC) != MAGIC)
		return refuse(f, "this is no device tree: the magic number is missing");
	f->version = be32(h + H_VERSION);
	if (f->version < 16 || be32(h + H_LAST_COMPATIBLE) > 17)
		return refuse(f, "the device tree's version is not supported");
	f->size = be32(h + H_SIZE);
	if (f->size > max_size || f->size > INT32_MAX)
		return refuse(f, "the device tree is larger than the memory it may take");
	if (f->size < (f->version >= 17 ? HEADER_V17 : HEADER_V16))
		return refuse(f, "the device tree is smaller than its header");

	f->boot_cpuid = be32(h + H_BOOT_CPU);
	f->structure = be32(h + H_STRUCTURE);
	f->strings = be32(h + H_STRINGS);
	f->reserve = be32(h + H_RESERVE);
	if (f->structure > f->size || f->strings > f->size || f->reserve > f->size)
		return refuse(f, "a part of the device tree lies outside it");
	if (f->structure % 4 != 0 || f->reserve % 8 != 0)
		return refuse(f, "a part of the device tree is not aligned");
	if (f->structure < HEADER_V16 || f->strings < HEADER_V16 || f->reserve < HEADER_V16)
		return refuse(f, "a part of the device tree overlaps its header");
	*structure_size = f->version >= 17 ? be32(h + H_STRUCTURE_SIZE) : f->size - f->structure;
	*strings_size = be32(h + H_STRINGS_SIZE);
	if (*structure_size > f->size - f->structure || *strings_size > f->size - f->strings)
		return refuse(f, "a part of the device tree reaches beyond its end");
	return true;
}

/* F6. */
static bool
check_reservations(struct fdt *f)
{
	uint32_t at;

	for (at = f->reserve; f->size - at >= 16; at += 16) {
		if (be64(f->blob + at) == 0 && be64(f->blob + at + 8) == 0)
			return true;
		f->reserve_count++;
	}
	return refuse(f, "the memory reservations have no end");
}

/*
 * The size of the token at `at` with what belongs to it, 0 when it does not fit
 * into `room` bytes (F3, F4). Names of properties must start below names_end,
 * where the last NUL of the strings block is.
 */
static uint32_t
token_size(const struct fdt *f, uint32_t at, uint32_t room, uint32_t names_end)
{
	const uint8_t *p = f->blob + at;
	const uint8_t *nul;
	uint32_t size, len;

	switch (be32(p)) {
	case BEGIN_NODE:
		nul = memchr(p + 4, '\0', room - 4);
		if (nul == NULL)
			return 0;
		size = (uint32_t)(nul - p) + 1;
		break;
	case PROP:
		if (room < 12)
			return 0;
		len = be32(p + 4);
		if (len > room - 12 || be32(p + 8) >= names_end)
			return 0;
		size = 12 + len;
		break;
	default:
		return 4;
	}
	size = (size + 3) & ~3u;
	return size <= room ? size : 0;
}

/* F1 to F5. */
static bool
check_structure(struct fdt *f, uint32_t limit, uint32_t names_end)
{
	uint32_t at = f->structure, end = f->structure + limit, t, size;
	unsigned depth = 0;
	bool properties = false;        /* may come here */

	f->root = FDT_NO_NODE;
	for (; end - at >= 4; at += size) {
		t = token(f, at);
		size = token_size(f, at, end - at, names_end);
		if (size == 0)
			return refuse(f, "a node or property reaches beyond its block");
		if (depth == 0 && f->root != FDT_NO_NODE && t != NOP && t != END)
			return refuse(f, "something follows the root node");
		switch (t) {
		case BEGIN_NODE:
			if (++depth > FDT_DEPTH_MAX)
				return refuse(f, "the nodes are nested too deeply");
			if (depth == 1)
				f->root = at;
			properties = true;
			break;
		case END_NODE:
			if (depth-- == 0)
				return refuse(f, "a node ends that has not begun");
			properties = false;
			break;
		case PROP:
			if (!properties)
				return refuse(f, "a property stands outside the head of a node");
			break;
		case NOP:
			break;
		case END:
			if (depth != 0 || f->root == FDT_NO_NODE)
				return refuse(f, "the tree ends inside a node");
			f->structure_end = at + 4;
			return true;
		default:
			return refuse(f, "the structure block contains an unknown token");
		}
	}
	return refuse(f, "the structure block has no end");
}

bool
fdt_open(const void *blob, size_t max_size, struct fdt *f)
{
	uint32_t structure_size, strings_size;

	memset(f, 0, sizeof(*f));
	f->blob = blob;
	if (!check_header(f, max_size, &structure_size, &strings_size) ||
	    !check_reservations(f))
		return false;
	/* A name that begins before the last NUL of the block ends inside it. */
	while (strings_size > 0 && f->blob[f->strings + strings_size - 1] != '\0')
		strings_size--;
	return check_structure(f, structure_size, strings_size);
}

/* ---- nodes ---- */

fdt_node_t
fdt_walk(const struct fdt *f, fdt_node_t n, unsigned *depth)
{
	uint32_t at = n;

	if (n == FDT_NO_NODE)
		return FDT_NO_NODE;
	for (;;) {
		at = token_next(f, at);
		switch (token(f, at)) {
		case BEGIN_NODE:
			++*depth;
			return at;
		case END_NODE:
			--*depth;
			break;
		case END:
			return FDT_NO_NODE;
		default:
			break;
		}
	}
}

fdt_node_t
fdt_walk_okay(const struct fdt *f, fdt_node_t n, unsigned *depth)
{
	unsigned off;

	n = fdt_walk(f, n, depth);
	while (n != FDT_NO_NODE && !fdt_node_okay(f, n)) {
		off = *depth;
		do
			n = fdt_walk(f, n, depth);
		while (n != FDT_NO_NODE && *depth > off);
	}
	return n;
}

fdt_node_t
fdt_first_child(const struct fdt *f, fdt_node_t n)
{
	unsigned depth = 1;
	fdt_node_t c = fdt_walk(f, n, &depth);

	return c != FDT_NO_NODE && depth == 2 ? c : FDT_NO_NODE;
}

fdt_node_t
fdt_next_sibling(const struct fdt *f, fdt_node_t n)
{
	uint32_t at = n;
	unsigned open = 1;              /* nodes entered and not left, n included */

	if (n == FDT_NO_NODE)
		return FDT_NO_NODE;
	for (;;) {
		at = token_next(f, at);
		switch (token(f, at)) {
		case BEGIN_NODE:
			if (open == 0)
				return at;
			open++;
			break;
		case END_NODE:
			if (open == 0)          /* n's parent ends */
				return FDT_NO_NODE;
			open--;
			break;
		case END:
			return FDT_NO_NODE;
		default:
			break;
		}
	}
}

unsigned
fdt_ancestors(const struct fdt *f, fdt_node_t n, fdt_node_t path[FDT_DEPTH_MAX])
{
	fdt_node_t at = f->root;
	unsigned depth = 1;

	if (n == FDT_NO_NODE)
		return 0;
	for (; at != FDT_NO_NODE && at <= n; at = fdt_walk(f, at, &depth)) {
		path[depth - 1] = at;
		if (at == n)
			return depth;
	}
	return 0;
}

fdt_node_t
fdt_parent(const struct fdt *f, fdt_node_t n)
{
	fdt_node_t path[FDT_DEPTH_MAX];
	unsigned depth = fdt_ancestors(f, n, path);

	return depth >= 2 ? path[depth - 2] : FDT_NO_NODE;
}

const char *
fdt_node_name(const struct fdt *f, fdt_node_t n)
{
	return n == FDT_NO_NODE ? "" : (const char *)f->blob + n + 4;
}

/* Is `name` the wanted one of len bytes, which may lack the unit address? */
static bool
name_matches(const char *name, const char *wanted, size_t len)
{
	if (strncmp(name, wanted, len) != 0)
		return false;
	return name[len] == '\0' ||
	    (name[len] == '@' && memchr(wanted, '@', len) == NULL);
}

static fdt_node_t
child_len(const struct fdt *f, fdt_node_t n, const char *name, size_t len)
{
	fdt_node_t c;

	for (c = fdt_first_child(f, n); c != FDT_NO_NODE; c = fdt_next_sibling(f, c))
		if (name_matches(fdt_node_name(f, c), name, len))
			return c;
	return FDT_NO_NODE;
}

fdt_node_t
fdt_child(const struct fdt *f, fdt_node_t n, const char *name)
{
	return child_len(f, n, name, strlen(name));
}

/* The node that an alias of len bytes names. An alias is a full path, so this does not nest. */
static fdt_node_t
find_alias(const struct fdt *f, const char *alias, size_t len)
{
	fdt_node_t aliases = fdt_child(f, f->root, "aliases");
	struct fdt_prop p;
	const char *path;
	bool more;

	if (aliases == FDT_NO_NODE)
		return FDT_NO_NODE;
	for (more = fdt_prop_first(f, aliases, &p); more; more = fdt_prop_next(f, &p)) {
		if (strncmp(p.name, alias, len) != 0 || p.name[len] != '\0')
			continue;
		path = fdt_string_at(&p, 0);
		return path != NULL && path[0] == '/' ? fdt_find_path(f, path) : FDT_NO_NODE;
	}
	return FDT_NO_NODE;
}

fdt_node_t
fdt_find_path_len(const struct fdt *f, const char *path, size_t len)
{
	const char *end = path + len, *stop;
	fdt_node_t n = f->root;

	if (len == 0)
		return FDT_NO_NODE;
	if (*path != '/') {
		stop = memchr(path, '/', len);
		if (stop == NULL)
			stop = end;
		n = find_alias(f, path, (size_t)(stop - path));
		path = stop;
	}
	while (n != FDT_NO_NODE) {
		while (path < end && *path == '/')
			path++;
		if (path == end)
			break;
		stop = memchr(path, '/', (size_t)(end - path));
		if (stop == NULL)
			stop = end;
		n = child_len(f, n, path, (size_t)(stop - path));
		path = stop;
	}
	return n;
}

fdt_node_t
fdt_find_path(const struct fdt *f, const char *path)
{
	return fdt_find_path_len(f, path, strlen(path));
}

uint32_t
fdt_node_phandle(const struct fdt *f, fdt_node_t n)
{
	uint32_t v;

	if (!fdt_prop_u32(f, n, "phandle", &v) && !fdt_prop_u32(f, n, "linux,phandle", &v))
		return 0;
	return v == ~0u ? 0 : v;
}

fdt_node_t
fdt_find_phandle(const struct fdt *f, uint32_t phandle)
{
	fdt_node_t n;
	unsigned depth = 1;

	if (phandle == 0 || phandle == ~0u)
		return FDT_NO_NODE;
	for (n = f->root; n != FDT_NO_NODE; n = fdt_walk(f, n, &depth))
		if (fdt_node_phandle(f, n) == phandle)
			return n;
	return FDT_NO_NODE;
}

bool
fdt_node_path(const struct fdt *f, fdt_node_t n, char *buf, size_t size)
{
	fdt_node_t path[FDT_DEPTH_MAX];
	unsigned i, depth = fdt_ancestors(f, n, path);
	size_t at = 0, len;
	const char *name;

	if (size == 0)
		return false;
	buf[0] = '\0';
	for (i = 1; i < depth || (i == 1 && depth == 1); i++) {
		name = depth == 1 ? "" : fdt_node_name(f, path[i]);     /* the root is "/" */
		len = strlen(name);
		if (len + 2 > size - at)
			return false;
		buf[at++] = '/';
		memcpy(buf + at, name, len + 1);
		at += len;
	}
	return depth > 0;
}

bool
fdt_node_okay(const struct fdt *f, fdt_node_t n)
{
	const char *status;

	if (!fdt_prop_present(f, n, "status"))
		return true;
	status = fdt_prop_string(f, n, "status");
	return status != NULL && (strcmp(status, "okay") == 0 || strcmp(status, "ok") == 0);
}

bool
fdt_node_compatible(const struct fdt *f, fdt_node_t n, const char *compatible)
{
	struct fdt_prop p;

	return fdt_prop_get(f, n, "compatible", &p) && fdt_string_in(&p, compatible);
}

/* ---- properties ---- */

/* Fills *p from the token at `at` or from the first PROP behind NOPs there. */
static bool
prop_at(const struct fdt *f, uint32_t at, struct fdt_prop *p)
{
	while (token(f, at) == NOP)
		at += 4;
	if (token(f, at) != PROP)
		return false;
	p->at = at;
	p->len = be32(f->blob + at + 4);
	p->name = (const char *)f->blob + f->strings + be32(f->blob + at + 8);
	p->data = f->blob + at + 12;
	return true;
}

bool
fdt_prop_first(const struct fdt *f, fdt_node_t n, struct fdt_prop *p)
{
	return n != FDT_NO_NODE && prop_at(f, token_next(f, n), p);
}

bool
fdt_prop_next(const struct fdt *f, struct fdt_prop *p)
{
	return prop_at(f, token_next(f, p->at), p);
}

bool
fdt_prop_get(const struct fdt *f, fdt_node_t n, const char *name, struct fdt_prop *p)
{
	bool more;

	for (more = fdt_prop_first(f, n, p); more; more = fdt_prop_next(f, p))
		if (strcmp(p->name, name) == 0)
			return true;
	return false;
}

bool
fdt_prop_present(const struct fdt *f, fdt_node_t n, const char *name)
{
	struct fdt_prop p;

	return fdt_prop_get(f, n, name, &p);
}

bool
fdt_prop_u32(const struct fdt *f, fdt_node_t n, const char *name, uint32_t *v)
{
	struct fdt_prop p;

	if (!fdt_prop_get(f, n, name, &p) || p.len != 4)
		return false;
	*v = be32(p.data);
	return true;
}

bool
fdt_prop_u64(const struct fdt *f, fdt_node_t n, const char *name, uint64_t *v)
{
	struct fdt_prop p;

	if (!fdt_prop_get(f, n, name, &p) || (p.len != 4 && p.len != 8))
		return false;
	*v = p.len == 4 ? be32(p.data) : be64(p.data);
	return true;
}

const char *
fdt_prop_string(const struct fdt *f, fdt_node_t n, const char *name)
{
	struct fdt_prop p;

	return fdt_prop_get(f, n, name, &p) ? fdt_string_at(&p, 0) : NULL;
}

uint32_t
fdt_cell(const struct fdt_prop *p, uint32_t i)
{
	return be32(p->data + 4 * (size_t)i);
}

uint64_t
fdt_cells_u64(const struct fdt_prop *p, uint32_t i, unsigned count)
{
	switch (count) {
	case 0:
		return 0;
	case 1:
		return fdt_cell(p, i);
	default:
		return be64(p->data + 4 * (size_t)i);
	}
}

const char *
fdt_string_at(const struct fdt_prop *p, uint32_t i)
{
	const char *s = (const char *)p->data, *end = s + p->len, *nul;

	while (s < end) {
		nul = memchr(s, '\0', (size_t)(end - s));
		if (nul == NULL)
			break;
		if (i-- == 0)
			return s;
		s = nul + 1;
	}
	return NULL;
}

bool
fdt_string_in(const struct fdt_prop *p, const char *wanted)
{
	const char *s = (const char *)p->data, *end = s + p->len, *nul;

	while (s < end && (nul = memchr(s, '\0', (size_t)(end - s))) != NULL) {
		if (strcmp(s, wanted) == 0)
			return true;
		s = nul + 1;
	}
	return false;
}

/* ---- addresses ---- */

uint32_t
fdt_node_address_cells(const struct fdt *f, fdt_node_t n)
{
	uint32_t v;

	return fdt_prop_u32(f, n, "#address-cells", &v) ? v : 2;
}

uint32_t
fdt_node_size_cells(const struct fdt *f, fdt_node_t n)
{
	uint32_t v;

	return fdt_prop_u32(f, n, "#size-cells", &v) ? v : 1;
}

/* The cells of n's reg: FALSE when it has none, or of a kind that is no plain address. */
static bool
reg_prop(const struct fdt *f, fdt_node_t n, fdt_node_t parent, struct fdt_prop *p, uint32_t *ac,
    uint32_t *sc)
{
	if (parent == FDT_NO_NODE)
		parent = fdt_parent(f, n);
	if (parent == FDT_NO_NODE || !fdt_prop_get(f, n, "reg", p))
		return false;
	*ac = fdt_node_address_cells(f, parent);
	*sc = fdt_node_size_cells(f, parent);
	return *ac >= 1 && *ac <= 2 && *sc <= 2;
}

unsigned
fdt_reg_count(const struct fdt *f, fdt_node_t n, fdt_node_t parent)
{
	struct fdt_prop p;
	uint32_t ac, sc;

	return reg_prop(f, n, parent, &p, &ac, &sc) ? fdt_cells(&p) / (ac + sc) : 0;
}

bool
fdt_reg_bus(const struct fdt *f, fdt_node_t n, fdt_node_t parent, unsigned i, struct phys_range *r)
{
	struct fdt_prop p;
	uint32_t ac, sc;

	if (!reg_prop(f, n, parent, &p, &ac, &sc) || i >= fdt_cells(&p) / (ac + sc))
		return false;
	r->base = fdt_cells_u64(&p, i * (ac + sc), ac);
	r->size = fdt_cells_u64(&p, i * (ac + sc) + ac, sc);
	return r->size == 0 || r->base + (r->size - 1) >= r->base;
}

/* *addr, an address on bus's children's side, becomes one on its parent's. */
static bool
translate(const struct fdt *f, fdt_node_t bus, fdt_node_t parent, uint64_t *addr)
{
	struct fdt_prop p;
	uint32_t ac, pac, sc, at, entry;
	uint64_t child, base, size;

	if (!fdt_prop_get(f, bus, "ranges", &p))
		return false;
	if (p.len == 0)
		return true;                    /* one to one */
	ac = fdt_node_address_cells(f, bus);
	pac = fdt_node_address_cells(f, parent);
	sc = fdt_node_size_cells(f, bus);
	if (ac == 0 || ac > 2 || pac == 0 || pac > 2 || sc > 2)
		return false;
	entry = ac + pac + sc;
	for (at = 0; fdt_cells(&p) - at >= entry; at += entry) {
		child = fdt_cells_u64(&p, at, ac);
		size = fdt_cells_u64(&p, at + ac + pac, sc);
		if (*addr < child || *addr - child >= size)
			continue;
		base = fdt_cells_u64(&p, at + ac, pac);
		*addr = base + (*addr - child);
		return *addr >= base;
	}
	return false;
}

bool
fdt_reg(const struct fdt *f, fdt_node_t n, unsigned i, struct phys_range *r)
{
	fdt_node_t path[FDT_DEPTH_MAX];
	unsigned depth = fdt_ancestors(f, n, path);

	if (depth < 2 || !fdt_reg_bus(f, n, path[depth - 2], i, r))
		return false;
	for (depth -= 2; depth > 0; depth--)
		if (!translate(f, path[depth], path[depth - 1], &r->base))
			return false;
	return r->size == 0 || r->base + (r->size - 1) >= r->base;
}

bool
fdt_reservation(const struct fdt *f, uint32_t i, struct phys_range *r)
{
	const uint8_t *p;

	if (i >= f->reserve_count)
		return false;
	p = f->blob + f->reserve + 16 * (size_t)i;
	r->base = be64(p);
	r->size = be64(p + 8);
	return true;
}
