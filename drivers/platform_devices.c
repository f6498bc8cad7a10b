/*
 * platform_devices.c: interrupt controllers and ways to power off, and whose
 * interrupts go where.
 *
 * The S context of a hart in a PLIC follows from interrupts-extended only.
 */
#include <string.h>
#include "platform_impl.h"

#define PLIC_CONTEXTS       0x200000u   /* offset of the contexts' registers */
#define PLIC_CONTEXT_SIZE   0x1000u
#define PLIC_SOURCES        1023u
#define APLIC_IDCS          0x4000u     /* as contexts: a hart's part each */
#define APLIC_IDC_SIZE      32u
#define CAUSE_S_EXTERNAL    9u
#define LEVEL_HIGH          4u          /* an APLIC's second cell; others have none */

/* PLICs and syscons that are looked at: a bound for hostile trees. */
#define DEVICES_MAX         16u

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
	limit = (uint32_t)(c->aplic ? (c->reg.size - APLIC_IDCS) / APLIC_IDC_SIZE :
	    (c->reg.size - PLIC_CONTEXTS) / PLIC_CONTEXT_SIZE);
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
add_plic(struct platform *p, fdt_node_t n, bool aplic)
{
	struct platform_plic *c;
	uint64_t least = aplic ? APLIC_IDCS + APLIC_IDC_SIZE : PLIC_CONTEXTS + PLIC_CONTEXT_SIZE;
	unsigned h;

	if (p->plic_count == PLATFORM_PLICS) {
		platform_logf(p, "%s ignored: too many PLICs", fdt_node_name(&p->fdt, n));
		return;
	}
	c = &p->plic[p->plic_count];
	memset(c, 0, sizeof(*c));
	c->aplic = aplic;
	/* All contexts that the specification allows take 64 MiB. */
	if (!fdt_reg(&p->fdt, n, 0, &c->reg) || !clip(&c->reg) || c->reg.base % 8 != 0 ||
	    c->reg.size < least || c->reg.size > (64u << 20)) {
		platform_logf(p, "%s ignored: its registers make no sense",
		    fdt_node_name(&p->fdt, n));
		return;
	}
	c->phandle = fdt_node_phandle(&p->fdt, n);
	if (!fdt_prop_u32(&p->fdt, n, aplic ? "riscv,num-sources" : "riscv,ndev", &c->ndev) || c->ndev == 0 ||
	    c->ndev > PLIC_SOURCES) {
		platform_logf(p, "%s ignored: it does not say how many sources it has",
		    fdt_node_name(&p->fdt, n));
		return;
	}
	decode_contexts(p, c, n);
	/* Of an APLIC for each mode only one is ours; one that sends messages is none. */
	for (h = 0; aplic && h < MAXHARTS && c->context[h] < 0; h++)
		continue;
	if (!aplic || h < MAXHARTS)
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

void
decode_devices(struct platform *p)
{
	static const char *const plics[] = {
		"sifive,plic-1.0.0", "riscv,plic0", "thead,c900-plic", "starfive,jh7110-plic",
	};
	const struct fdt *f = &p->fdt;
	struct fdt_prop c;
	fdt_node_t n;
	unsigned depth = 1, seen = 0;   /* each costs a search of the tree */
	uint32_t size;
	size_t i;

	for (n = f->root; n != FDT_NO_NODE && seen < DEVICES_MAX;
	    n = fdt_walk_okay(f, n, &depth)) {
		if (!fdt_prop_get(f, n, "compatible", &c))
			continue;
		if (fdt_prop_u32(f, n, "cache-size", &size) && size > p->cache_size)
			p->cache_size = size;
		for (i = 0; i < nitems(plics) && !fdt_string_in(&c, plics[i]); i++)
			continue;
		if (i < nitems(plics))
			add_plic(p, n, false);
		else if (fdt_string_in(&c, "riscv,aplic"))
			add_plic(p, n, true);
		else if (fdt_string_in(&c, "syscon-poweroff"))
			decode_syscon(p, n, &p->poweroff);
		else if (fdt_string_in(&c, "syscon-reboot"))
			decode_syscon(p, n, &p->reboot);
		else
			continue;
		seen++;
	}
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
		return (cells < 2 || fdt_cell(&prop, i * cells + 1) == LEVEL_HIGH) &&
		    plic_source(p, phandle, fdt_cell(&prop, i * cells), plic, source);
	}
	for (;; i--) {
		if (at >= fdt_cells(&prop))
			return false;
		phandle = fdt_cell(&prop, at);
		cells = interrupt_cells(f, phandle);
		if (cells == 0 || cells >= fdt_cells(&prop) - at)
			return false;
		if (i == 0)
			return (cells < 2 || fdt_cell(&prop, at + 2) == LEVEL_HIGH) &&
			    plic_source(p, phandle, fdt_cell(&prop, at + 1), plic, source);
		at += 1 + cells;
	}
}
