/*
 * zone_impl.h: the head of a slab; for zone.c and its white-box tests.
 */
#ifndef MM_ZONE_IMPL_H
#define MM_ZONE_IMPL_H

#include <mm/zone.h>

#define ZONE_BATCH      16u     /* elements moved between a cache and the slabs at once */
#define ZONE_EMPTY_MAX  2u      /* empty slabs kept outside zone_gc */
#define ZONE_ORDER_MAX  3u
#define ZONE_POISON     0xdbf4eedbdbf4eedbul    /* debug: free; no repeated byte, as owners fill with those */
#define ZONE_UNDEFINED  0xcdcdcdcdcdcdcdcdul    /* debug: handed out, not written yet */

struct slab {
	struct list  link;      /* partial, empty or full */
	struct zone *zone;
	void        *free;      /* elements, through their first word */
	uint32_t     taken;     /* elements not in `free` */
	uint32_t     fresh;     /* elements from this one on were never handed out */
};

/* For hosts that start over with other memory: forgets all zones. */
void zone_forget(void);

#endif
