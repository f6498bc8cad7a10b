/*
 * platform_harts.c: the harts the tree describes, and which of them can be used.
 *
 * Rules that come from real machines:
 *  - `boot_cpuid_phys` lies; the boot hart is the one we run on, and whatever the
 *    tree says of it, it works;
 *  - hart 0 of SiFive's designs is a monitor core without S mode, which some
 *    trees call "okay" and even give an mmu-type; starting it can crash the
 *    firmware. It has the smaller isa.
 */
#include <string.h>
#include "platform_impl.h"

/* What kernel code is compiled for. */
#define ISA_KERNEL          (ISA_I | ISA_M | ISA_A | ISA_C)
#define TIMEBASE_MIN        10000u          /* Hz */

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
	/* Leaves of 64 KiB are made where all harts have them, so no hart is left out for them. */
	if ((p->hart[0].isa & ~h->isa & ~ISA_SVNAPOT) != 0)
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

bool
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
	/* A slice of time must be more than no tick. */
	if (p->timebase < TIMEBASE_MIN || p->timebase > 1000000000000ull)
		return refuse(p, "the timebase frequency makes no sense");
	return true;
}
