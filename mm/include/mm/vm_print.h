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
	bool         needs_copy, is_sub_map;
	unsigned     alias, behavior, wired_count, user_wired_count;
	uint64_t     resident;                  /* pages of the top object in this window */
	uint64_t     megapages;                 /* megapage leaves of the map's pmap in the range */
	uint64_t     megapages_possible;        /* whole aligned 2 MiB windows, congruent with the object */
	uint64_t     object_id;                 /* 0: none */
	vm_object_offset_t offset;
	unsigned     shadow_depth, object_refs;
};
/* The entry at or after *addr; FALSE: none. *addr becomes its end. */
bool vm_entry_info(vm_map_t map, vm_offset_t *addr, struct vm_entry_info *info);
const char *vm_share_mode_name(int mode);
/* "rwx" with dashes, into buf[4]; returns buf. */
/* The same as a constant string: what a refusal's sentence may hold. */
const char *vm_prot_name(vm_prot_t prot);
const char *vm_prot_text(vm_prot_t prot, char buf[4]);

#endif
