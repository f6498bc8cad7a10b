/*
 * platform.c: from the device tree to struct platform.
 *
 *	/memory@...            bank[]
 *	/reserved-memory/...   reserved[]        (and /memreserve/)
 *	/chosen                bootargs, initrd, stdout_node
 *	/cpus/cpu@N            hart[], excluded[], timebase
 *	plic nodes             plic[] with each hart's S context
 *	syscon-poweroff, ...   poweroff, reboot
 *
 * fdt.c guarantees that reading cannot go wrong; this file guards against
 * contents that make no sense. What would make the kernel use memory or a hart
 * that it must not is either left out with a line in the log or, where leaving
 * it out is the danger (a reservation too many), refuses the whole tree. All
 * loops are bounded by the size of the tree times a small constant.
 *
 * Rules that come from real machines:
 *  - memory is what has device_type "memory"; node names lie (memory-controller@,
 *    memory@80000000 with reg 0x40000000);
 *  - everything from the start of the kernel's bank to the kernel belongs to the
 *    firmware, whether it says so or not;
 *  - `boot_cpuid_phys` lies; the boot hart is the one we run on, and whatever the
 *    tree says of it, it works;
 *  - hart 0 of SiFive's designs is a monitor core without S mode, which some
 *    trees call "okay" and even give an mmu-type; starting it can crash the
 *    firmware. It has the smaller isa;
 *  - the S context of a hart in a PLIC follows from interrupts-extended only;
 *  - an initrd address can be left over from another boot.
 */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <drivers/platform.h>

#define PLIC_CONTEXTS       0x200000u   /* offset of the contexts' registers */
#define PLIC_CONTEXT_SIZE   0x1000u
#define PLIC_SOURCES        1023u
#define CAUSE_S_EXTERNAL    9u

/* What kernel code is compiled for. */
#define ISA_KERNEL          (ISA_I | ISA_M | ISA_A | ISA_C)

/* Entries of one reg, PLICs and syscons that are looked at: a bound for hostile trees. */
#define ENTRIES_MAX         256u
#define DEVICES_MAX         16u

static const char too_many_reserved[] =
    "the device tree reserves more ranges than the kernel can keep";

static uint64_t range_end(const struct phys_range *r) { return r->base + r->size; }

static bool
ranges_overlap(const struct phys_range *a, const struct phys_range *b)
{
	return a->base < range_end(b) && b->base < range_end(a);
}

/* Text from the tree must not move the cursor of whoever reads it. */
static void
make_printable(char *s)
{
	for (; *s != '\0'; s++)
		if (*s < ' ' || *s > '~')
			*s = '?';
}

void
platform_logf(struct platform *p, const char *fmt, ...)
{
	char *at = p->log + p->log_len;
	size_t room = sizeof(p->log) - p->log_len;
	va_list ap;
	int n;

	if (room < 3)
		return;
	va_start(ap, fmt);
	n = vsnprintf(at, room - 1, fmt, ap);   /* the last byte is the newline's */
	va_end(ap);
	if (n < 0)
		return;
	make_printable(at);
	p->log_len += strlen(at);
	p->log[p->log_len++] = '\n';
	p->log[p->log_len] = '\0';
}

static bool
refuse(struct platform *p, const char *why)
{
	p->error = why;
	return false;
}

/* Cuts r to physical addresses; FALSE when nothing is left. Never wraps afterwards. */
static bool
clip(struct phys_range *r)
{
	if (r->base >= PLATFORM_PA_END || r->size == 0)
		return false;
	if (r->size > PLATFORM_PA_END - r->base)
		r->size = PLATFORM_PA_END - r->base;
	return true;
}

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

static bool
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
static bool
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

/* Is all of r in memory? Banks are sorted; adjacent ones count as one. */
static bool
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

static void
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

/* ---- /chosen ---- */

static void
copy_string(struct platform *p, char *to, size_t size, const char *from, size_t len,
    const char *what)
{
	if (len >= size) {
		platform_logf(p, "%s cut: longer than %lu bytes", what, (unsigned long)size - 1);
		len = size - 1;
	}
	memcpy(to, from, len);
	to[len] = '\0';
}

static void
decode_stdout(struct platform *p, fdt_node_t chosen)
{
	static const char *const names[] = { "stdout-path", "linux,stdout-path", "stdout" };
	const char *path = NULL, *colon;
	size_t i, len;

	for (i = 0; i < nitems(names) && path == NULL; i++)
		path = fdt_prop_string(&p->fdt, chosen, names[i]);
	if (path != NULL) {
		colon = strchr(path, ':');
		len = colon != NULL ? (size_t)(colon - path) : strlen(path);
		p->stdout_node = fdt_find_path_len(&p->fdt, path, len);
		if (colon != NULL)
			copy_string(p, p->stdout_options, sizeof(p->stdout_options), colon + 1,
			    strlen(colon + 1), "options of stdout-path");
		make_printable(p->stdout_options);
		if (p->stdout_node == FDT_NO_NODE)
			platform_logf(p, "stdout-path names no node: %s", path);
	}
	if (p->stdout_node == FDT_NO_NODE)
		p->stdout_node = fdt_find_path(&p->fdt, "serial0");
}

static void
decode_chosen(struct platform *p)
{
	const struct fdt *f = &p->fdt;
	fdt_node_t chosen = fdt_child(f, f->root, "chosen");
	const char *s;

	s = fdt_prop_string(f, f->root, "model");
	if (s == NULL)
		s = fdt_prop_string(f, f->root, "compatible");
	if (s != NULL)
		snprintf(p->model, sizeof(p->model), "%s", s);
	make_printable(p->model);

	s = fdt_prop_string(f, chosen, "bootargs");
	if (s != NULL)
		copy_string(p, p->bootargs, sizeof(p->bootargs), s, strlen(s), "bootargs");
	else if (fdt_prop_present(f, chosen, "bootargs"))
		platform_logf(p, "bootargs ignored: no string");
	decode_initrd(p, chosen);
	decode_stdout(p, chosen);
}

/* ---- harts ---- */

static const struct isa_name {
	const char *name;
	uint32_t    bit;
} isa_names[] = {
	{ "i", ISA_I }, { "e", 0 }, { "m", ISA_M }, { "a", ISA_A }, { "f", ISA_F },
	{ "d", ISA_D }, { "c", ISA_C }, { "h", ISA_H }, { "v", ISA_V },
	{ "g", ISA_I | ISA_M | ISA_A | ISA_F | ISA_D },
	{ "sstc", ISA_SSTC }, { "svpbmt", ISA_SVPBMT }, { "svnapot", ISA_SVNAPOT },
	{ "svinval", ISA_SVINVAL }, { "zicboz", ISA_ZICBOZ }, { "zicbom", ISA_ZICBOM },
	{ "svade", ISA_SVADE }, { "svadu", ISA_SVADU }, { "zba", ISA_ZBA }, { "zbb", ISA_ZBB },
};

static char
lower(char c)
{
	return c >= 'A' && c <= 'Z' ? (char)(c + ('a' - 'A')) : c;
}

/* The bits of the extension whose name is s, len bytes; 0: not one of ours. */
static uint32_t
isa_extension(const char *s, size_t len)
{
	size_t i, k;

	for (i = 0; i < nitems(isa_names); i++) {
		for (k = 0; k < len && lower(s[k]) == isa_names[i].name[k]; k++)
			continue;
		if (k == len && isa_names[i].name[k] == '\0')
			return isa_names[i].bit;
	}
	return 0;
}

/* Length of the word at s: up to '_' or the end. */
static size_t
word_len(const char *s)
{
	return strcspn(s, "_");
}

/*
 * "rv64imafdc_zba_sstc". Single letters come first; z, or s and x where more
 * than the dialect's "sux" follows, begin a long name also without an underscore.
 * Version numbers ("i2p1") are skipped: p is no extension of ours.
 */
uint32_t
platform_isa(const char *s)
{
	uint32_t isa = 0;
	size_t len;

	if (lower(s[0]) != 'r' || lower(s[1]) != 'v' || s[2] != '6' || s[3] != '4')
		return 0;
	for (s += 4; *s != '\0' && *s != '_'; s++) {
		len = word_len(s);
		if (lower(*s) == 'z' || (len > 1 && isa_extension(s, len) != 0))
			break;
		isa |= isa_extension(s, 1);
	}
	for (; *s != '\0'; s += len) {
		while (*s == '_')
			s++;
		len = word_len(s);
		isa |= isa_extension(s, len);
	}
	return isa;
}

/* New trees list the extensions as strings; older ones have one string. */
static uint32_t
decode_isa(const struct fdt *f, fdt_node_t cpu)
{
	const char *base = fdt_prop_string(f, cpu, "riscv,isa-base"), *s;
	struct fdt_prop p;
	uint32_t isa, i;

	if (base != NULL && fdt_prop_get(f, cpu, "riscv,isa-extensions", &p)) {
		isa = platform_isa(base);
		if (isa == 0)
			return 0;
		for (i = 0; (s = fdt_string_at(&p, i)) != NULL && i < 256; i++)
			isa |= isa_extension(s, strlen(s));
		return isa;
	}
	s = fdt_prop_string(f, cpu, "riscv,isa");
	return s != NULL ? platform_isa(s) : 0;
}

static uint32_t
decode_mmu(const struct fdt *f, fdt_node_t cpu)
{
	const char *s = fdt_prop_string(f, cpu, "mmu-type");

	if (s == NULL)
		return 0;
	if (strcmp(s, "riscv,sv39") == 0)
		return 39;
	if (strcmp(s, "riscv,sv48") == 0)
		return 48;
	return strcmp(s, "riscv,sv57") == 0 ? 57 : 0;
}

/* FALSE: n is no cpu node, or has no id. */
static bool
decode_cpu(const struct fdt *f, fdt_node_t cpus, fdt_node_t n, struct platform_hart *h)
{
	const char *type = fdt_prop_string(f, n, "device_type");
	struct phys_range id;
	fdt_node_t c;

	if (type != NULL ? strcmp(type, "cpu") != 0 : strncmp(fdt_node_name(f, n), "cpu@", 4) != 0)
		return false;
	if (!fdt_reg_bus(f, n, cpus, 0, &id))
		return false;
	memset(h, 0, sizeof(*h));
	h->node = n;
	h->hartid = id.base;
	h->isa = decode_isa(f, n);
	h->va_bits = decode_mmu(f, n);
	if (!fdt_prop_u32(f, n, "riscv,cboz-block-size", &h->zicboz_size))
		h->zicboz_size = 0;
	for (c = fdt_first_child(f, n); c != FDT_NO_NODE; c = fdt_next_sibling(f, c))
		if (fdt_prop_present(f, c, "interrupt-controller")) {
			h->intc = fdt_node_phandle(f, c);
			break;
		}
	return true;
}

/* NULL: the hart can be started. */
static const char *
why_not(const struct platform *p, const struct platform_hart *h)
{
	static const char *const monitors[] = {
		"sifive,s7", "sifive,s76", "sifive,s51", "sifive,e51", "sifive,e31", "sifive,e24",
	};
	size_t i;

	if (!fdt_node_okay(&p->fdt, h->node))
		return "disabled";
	for (i = 0; i < nitems(monitors); i++)
		if (fdt_node_compatible(&p->fdt, h->node, monitors[i]))
			return "a monitor core";
	if (h->va_bits == 0)
		return "no MMU";
	if ((h->isa & ISA_KERNEL) != ISA_KERNEL)
		return "its isa is not RV64IMAC";
	if ((p->hart[0].isa & ~h->isa) != 0)
		return "its isa is smaller than the boot hart's";
	for (i = 0; i < p->hart_count; i++)
		if (p->hart[i].hartid == h->hartid)
			return "another node has its id";
	if (p->hart_count == MAXHARTS)
		return "too many harts";
	return NULL;
}

static void
exclude_hart(struct platform *p, uint64_t hartid, const char *why)
{
	platform_logf(p, "hart %lu left out: %s", hartid, why);
	if (p->excluded_count == nitems(p->excluded))
		return;
	p->excluded[p->excluded_count].hartid = hartid;
	p->excluded[p->excluded_count++].why = why;
}

/* hart[0]: the one that runs this, with what the tree knows of it. */
static void
decode_boot_hart(struct platform *p, fdt_node_t cpus, uint64_t boot_hartid)
{
	const struct fdt *f = &p->fdt;
	struct platform_hart *h = &p->hart[0];
	fdt_node_t n;

	p->hart_count = 1;
	for (n = fdt_first_child(f, cpus); n != FDT_NO_NODE; n = fdt_next_sibling(f, n))
		if (decode_cpu(f, cpus, n, h) && h->hartid == boot_hartid)
			return;
	platform_logf(p, "the boot hart, %lu, is not in the device tree", boot_hartid);
	memset(h, 0, sizeof(*h));
	h->hartid = boot_hartid;
	h->node = FDT_NO_NODE;
}

static bool
decode_harts(struct platform *p, uint64_t boot_hartid)
{
	const struct fdt *f = &p->fdt;
	fdt_node_t cpus = fdt_child(f, f->root, "cpus"), n;
	struct platform_hart h;
	const char *why;
	unsigned i;

	decode_boot_hart(p, cpus, boot_hartid);
	for (n = fdt_first_child(f, cpus); n != FDT_NO_NODE; n = fdt_next_sibling(f, n)) {
		if (n == p->hart[0].node || !decode_cpu(f, cpus, n, &h))
			continue;
		why = why_not(p, &h);
		if (why != NULL)
			exclude_hart(p, h.hartid, why);
		else
			p->hart[p->hart_count++] = h;
	}
	p->isa_common = p->hart[0].isa;
	for (i = 1; i < p->hart_count; i++)
		p->isa_common &= p->hart[i].isa;
	if (!fdt_prop_u64(f, cpus, "timebase-frequency", &p->timebase) &&
	    !fdt_prop_u64(f, p->hart[0].node, "timebase-frequency", &p->timebase))
		return refuse(p, "the device tree does not give the timebase frequency");
	if (p->timebase == 0 || p->timebase > 1000000000000ull)
		return refuse(p, "the timebase frequency makes no sense");
	return true;
}

/* ---- devices that the kernel itself needs ---- */

/* Context k of a PLIC is entry k of interrupts-extended: (hart's controller, cause). */
static void
decode_contexts(struct platform *p, struct platform_plic *c, fdt_node_t n)
{
	struct fdt_prop prop;
	uint32_t k, limit;
	unsigned h;

	for (h = 0; h < MAXHARTS; h++)
		c->context[h] = -1;
	if (!fdt_prop_get(&p->fdt, n, "interrupts-extended", &prop))
		return;
	limit = (uint32_t)((c->reg.size - PLIC_CONTEXTS) / PLIC_CONTEXT_SIZE);
	if (limit > fdt_cells(&prop) / 2)
		limit = fdt_cells(&prop) / 2;
	for (k = 0; k < limit; k++) {
		if (fdt_cell(&prop, 2 * k + 1) != CAUSE_S_EXTERNAL)
			continue;
		for (h = 0; h < p->hart_count; h++)
			if (p->hart[h].intc != 0 && p->hart[h].intc == fdt_cell(&prop, 2 * k))
				break;
		if (h < p->hart_count && c->context[h] < 0)
			c->context[h] = (int32_t)k;
	}
}

static void
add_plic(struct platform *p, fdt_node_t n)
{
	struct platform_plic *c;

	if (p->plic_count == PLATFORM_PLICS) {
		platform_logf(p, "%s ignored: too many PLICs", fdt_node_name(&p->fdt, n));
		return;
	}
	c = &p->plic[p->plic_count];
	memset(c, 0, sizeof(*c));
	/* All contexts that the specification allows take 64 MiB. */
	if (!fdt_reg(&p->fdt, n, 0, &c->reg) || !clip(&c->reg) || c->reg.base % 8 != 0 ||
	    c->reg.size < PLIC_CONTEXTS + PLIC_CONTEXT_SIZE || c->reg.size > (64u << 20)) {
		platform_logf(p, "%s ignored: its registers make no sense",
		    fdt_node_name(&p->fdt, n));
		return;
	}
	c->phandle = fdt_node_phandle(&p->fdt, n);
	if (!fdt_prop_u32(&p->fdt, n, "riscv,ndev", &c->ndev) || c->ndev == 0 ||
	    c->ndev > PLIC_SOURCES) {
		platform_logf(p, "%s ignored: it does not say how many sources it has",
		    fdt_node_name(&p->fdt, n));
		return;
	}
	decode_contexts(p, c, n);
	p->plic_count++;
}

/*
 * The register is in the node that regmap points to, or in the parent. Without
 * `value` the mask is what is stored: the binding's first version.
 */
static void
decode_syscon(struct platform *p, fdt_node_t n, struct platform_syscon *s)
{
	const struct fdt *f = &p->fdt;
	struct phys_range r;
	uint32_t regmap, offset, value, mask;
	bool has_mask = fdt_prop_u32(f, n, "mask", &mask);
	bool has_value = fdt_prop_u32(f, n, "value", &value);
	fdt_node_t at;

	at = fdt_prop_u32(f, n, "regmap", &regmap) ? fdt_find_phandle(f, regmap) : fdt_parent(f, n);
	if (s->pa != 0 || (!has_mask && !has_value) || !fdt_prop_u32(f, n, "offset", &offset) ||
	    !fdt_reg(f, at, 0, &r) || !clip(&r))
		return;
	if (offset % 4 != 0 || r.base % 4 != 0 || r.size < 4 || offset > r.size - 4)
		return;
	s->pa = r.base + offset;
	s->value = has_value ? value : mask;
	s->mask = has_value && has_mask ? mask : ~0u;
}

static void
decode_devices(struct platform *p)
{
	static const char *const plics[] = {
		"sifive,plic-1.0.0", "riscv,plic0", "thead,c900-plic", "starfive,jh7110-plic",
	};
	const struct fdt *f = &p->fdt;
	struct fdt_prop c;
	fdt_node_t n;
	unsigned depth = 1, seen = 0;   /* each costs a search of the tree */
	size_t i;

	for (n = f->root; n != FDT_NO_NODE && seen < DEVICES_MAX;
	    n = fdt_walk_okay(f, n, &depth)) {
		if (!fdt_prop_get(f, n, "compatible", &c))
			continue;
		for (i = 0; i < nitems(plics) && !fdt_string_in(&c, plics[i]); i++)
			continue;
		if (i < nitems(plics))
			add_plic(p, n);
		else if (fdt_string_in(&c, "syscon-poweroff"))
			decode_syscon(p, n, &p->poweroff);
		else if (fdt_string_in(&c, "syscon-reboot"))
			decode_syscon(p, n, &p->reboot);
		else
			continue;
		seen++;
	}
}

bool
platform_decode(struct platform *p, const void *blob, size_t max_size, uint64_t boot_hartid)
{
	memset(p, 0, sizeof(*p));
	p->stdout_node = FDT_NO_NODE;
	if (!fdt_open(blob, max_size, &p->fdt))
		return refuse(p, p->fdt.error);
	if (!decode_memory(p) || !decode_reserved(p) || !decode_harts(p, boot_hartid))
		return false;
	decode_chosen(p);
	decode_devices(p);
	return true;
}

/* ---- interrupts ---- */

/* The phandle of the controller that n's `interrupts` go to; 0: none. */
static uint32_t
interrupt_parent(const struct fdt *f, fdt_node_t n)
{
	fdt_node_t path[FDT_DEPTH_MAX];
	unsigned depth = fdt_ancestors(f, n, path);
	uint32_t phandle;

	while (depth-- > 0)
		if (fdt_prop_u32(f, path[depth], "interrupt-parent", &phandle))
			return phandle;
	return 0;
}

/* Cells that one interrupt of this controller takes; 0: it is none. */
static uint32_t
interrupt_cells(const struct fdt *f, uint32_t phandle)
{
	uint32_t v;

	return fdt_prop_u32(f, fdt_find_phandle(f, phandle), "#interrupt-cells", &v) &&
	    v <= 4 ? v : 0;
}

static bool
plic_source(const struct platform *p, uint32_t phandle, uint32_t number, unsigned *plic,
    uint32_t *source)
{
	unsigned i;

	for (i = 0; i < p->plic_count; i++) {
		if (phandle == 0 || p->plic[i].phandle != phandle)
			continue;
		*plic = i;
		*source = number;
		return number >= 1 && number <= p->plic[i].ndev;
	}
	return false;
}

bool
platform_irq(const struct platform *p, fdt_node_t n, unsigned i, unsigned *plic, uint32_t *source)
{
	const struct fdt *f = &p->fdt;
	struct fdt_prop prop;
	uint32_t phandle, cells, at = 0;

	if (!fdt_prop_get(f, n, "interrupts-extended", &prop)) {
		phandle = interrupt_parent(f, n);
		cells = interrupt_cells(f, phandle);
		if (cells == 0 || !fdt_prop_get(f, n, "interrupts", &prop) ||
		    i >= fdt_cells(&prop) / cells)
			return false;
		return plic_source(p, phandle, fdt_cell(&prop, i * cells), plic, source);
	}
	for (;; i--) {
		if (at >= fdt_cells(&prop))
			return false;
		phandle = fdt_cell(&prop, at);
		cells = interrupt_cells(f, phandle);
		if (cells == 0 || cells >= fdt_cells(&prop) - at)
			return false;
		if (i == 0)
			return plic_source(p, phandle, fdt_cell(&prop, at + 1), plic, source);
		at += 1 + cells;
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
