/*
 * platform_impl.h: what the files of the decoder share.
 *
 * Each decode_ function fills its part of struct platform; FALSE: the tree is
 * refused and p->error says why. Order: memory, reserved, harts, then the rest.
 */
#ifndef DRIVERS_PLATFORM_IMPL_H
#define DRIVERS_PLATFORM_IMPL_H

#include <drivers/platform.h>

/* Entries of one reg that are looked at: a bound for hostile trees. */
#define ENTRIES_MAX         256u

static inline uint64_t range_end(const struct phys_range *r) { return r->base + r->size; }

static inline bool
ranges_overlap(const struct phys_range *a, const struct phys_range *b)
{
	return a->base < range_end(b) && b->base < range_end(a);
}

/* Cuts r to physical addresses; FALSE when nothing is left. Never wraps afterwards. */
static inline bool
clip(struct phys_range *r)
{
	if (r->base >= PLATFORM_PA_END || r->size == 0)
		return false;
	if (r->size > PLATFORM_PA_END - r->base)
		r->size = PLATFORM_PA_END - r->base;
	return true;
}

/* Sets p->error; FALSE. why must stay. */
bool refuse(struct platform *p, const char *why);
/* Text from the tree must not move the cursor of whoever reads it. */
void make_printable(char *s);

/* Is all of r in memory? */
bool in_memory(const struct platform *p, const struct phys_range *r);

bool decode_memory(struct platform *p);
bool decode_reserved(struct platform *p);
void decode_initrd(struct platform *p, fdt_node_t chosen);
bool decode_harts(struct platform *p, uint64_t boot_hartid);
void decode_devices(struct platform *p);

#endif
