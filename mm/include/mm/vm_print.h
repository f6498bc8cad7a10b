/*
 * mm/vm_print.h: what people want to see of maps and objects.
 */
#ifndef MM_VM_PRINT_H
#define MM_VM_PRINT_H

#include <mm/vm_map.h>

/* One entry, as `show map` tells it. Copied out under the read lock. */
struct vm_entry_info {
	vm_offset_t  start, end;
	vm_prot_t    cur, max;
	vm_inherit_t inheritance;
	int          share_mode;                /* SM_* */
	bool         needs_copy, is_sub_map, is_shared, in_transition, permanent, use_pmap;
	bool         guard, stack_gap, grows_down, grows_up, nofault, no_sync, no_core;
	vm_prot_t    stack_cur, stack_max;      /* stack_gap: what grows into it may do */
	unsigned     split;                     /* cut at: 0 pages, 1 megapages, 2 gigapages */
	unsigned     alias, behavior, wired_count, user_wired_count;
	uint64_t     resident;                  /* pages of the top object in this window */
	uint64_t     megapages;                 /* windows of 2 MiB in the range that leaves of the map's pmap of that size, or larger, map */
	uint64_t     gigapages;                 /* gigapage leaves wholly in the range */
	uint64_t     megapages_possible;        /* whole aligned 2 MiB windows, congruent with the object */
	uint64_t     groups;                    /* groups of 64 KiB (Svnapot) of the map's pmap in the range */
	uint64_t     object_id;                 /* 0: none */
	uint64_t     submap_id;                 /* 0: none */
	vm_object_offset_t offset;              /* in the object or submap */
	unsigned     shadow_depth, object_refs;
};
/* The entry at or after *addr; FALSE: none. *addr becomes its end. */
bool vm_entry_info(vm_map_t map, vm_offset_t *addr, struct vm_entry_info *info);
/* The submap at addr with one reference; NULL: no submap there. */
vm_map_t vm_entry_submap(vm_map_t map, vm_offset_t addr);
const char *vm_share_mode_name(int mode);
/* "rwx" with dashes, into buf[4]; returns buf. */
const char *vm_prot_text(vm_prot_t prot, char buf[4]);
/* The same as a constant string: what a refusal's sentence may hold. */
const char *vm_prot_name(vm_prot_t prot);
/* "share", "copy", "none" */
const char *vm_inherit_name(vm_inherit_t inheritance);

/* One object, as `show object` tells it; read without its lock, so each fact for itself. */
struct vm_object_info {
	uint64_t     id, size, resident;
	uint64_t     shadow, copy;              /* their ids; 0: none */
	vm_object_offset_t shadow_offset;
	vm_object_t  object;                    /* to compare, not to look into */
	uint32_t     refs, paging;
	uint32_t     wired, locked;             /* pages */
	int          strategy;                  /* MEMORY_OBJECT_COPY_* */
	bool         internal, pager, true_share, shadowed, named, severed, phys;
};
/*
 * The objects with the smallest ids above `after`, at most n, ascending; those
 * that shadow the object with id `below`, where that is not 0. How many.
 */
unsigned vm_object_list(uint64_t after, uint64_t below, struct vm_object_info *info, unsigned n);
/* "symmetric", "delay", ... */
const char *vm_object_strategy_name(int strategy);

#endif
