/*
 * mm/zone.h: fixed-size kernel objects.
 *
 * A zone cuts slabs of whole pages into elements. Each hart keeps a short list
 * of free elements (its own lock, so that zone_gc may empty it); slabs whose
 * elements are all free go back to the page allocator in zone_gc and when the
 * zone holds more than a few of them. Never sleeps. Elements are not cleared;
 * debug builds poison freed ones and check the poison on hand-out.
 */
#ifndef MM_ZONE_H
#define MM_ZONE_H

#include <base/types.h>
#include <base/list.h>
#include <base/lock.h>

#define ZONE_CACHE_MAX  32      /* free elements a hart keeps at most */

struct zone_cache {
	struct spinlock lock;
	uint32_t        count;
	void           *free;           /* singly linked through the first word */
	uint64_t        refilled;       /* elements that came from slabs, ever */
} __attribute__((aligned(64)));

struct zone {
	const char       *name;
	uint32_t          size;         /* bytes an element, multiple of 8 */
	uint32_t          slab_order;
	struct spinlock   lock;         /* slabs */
	struct list       partial, empty, full; /* slabs by how many elements are taken */
	uint32_t          per_slab, nempty;
	uint64_t          slabs;        /* slabs held now */
	uint64_t          taken;        /* elements outside the slabs: in use or in a cache */
	struct zone_cache cache[MAXHARTS];
	struct list       link;         /* all zones, for show zones and gc */
};

/* name must be constant; size > 0. Zones are never destroyed. */
void  zone_init(struct zone *z, const char *name, size_t size);
/* An element with undefined contents, or NULL. */
void *zalloc(struct zone *z);
void  zfree(struct zone *z, void *element);
/* n > 0 elements at once, each one's first word the address of the next; the last one's does not matter. */
void  zfree_chain(struct zone *z, void *first, void *last, uint32_t n);
/* Empties all caches of all zones and frees all wholly free slabs. */
void  zone_gc(void);
/* Debug, when set: hears of memory that becomes free (TRUE) or used, so that a sanitizer may watch it. */
extern void (*zone_shadow)(void *element, size_t size, bool is_free);

struct zone_info {
	const char *name;
	uint64_t    size, in_use, cached, slabs, pages;
	uint64_t    refilled;           /* allocations that no hart's cache could serve, in elements */
};
/* The i-th zone; FALSE past the last. */
bool  zone_info(unsigned i, struct zone_info *info);

#endif
