/*
 * mm/vm_check.h: the invariants, one function each (mm/README.md numbers them).
 */
#ifndef MM_VM_CHECK_H
#define MM_VM_CHECK_H

#include <mm/vm_map.h>

struct vm_check_failure {
	const char *id;                 /* "M2" */
	char        text[160];          /* with values */
};

/*
 * All invariants over these maps, which must be all maps with user entries
 * (references of objects are counted anew). Nobody else may be at work on them:
 * what others change meanwhile shows as a failure, though never as a crash.
 * FALSE: *f says which broke first.
 */
bool vm_check_all(vm_map_t const *maps, unsigned n, struct vm_check_failure *f);
/* One map alone, without counting references. Takes the read lock. */
bool vm_check_map(vm_map_t map, struct vm_check_failure *f);
/* M16, a statistic: shadows that are alone with what they shadow, and could take it in. */
uint64_t vm_check_missed_collapses(void);

#endif
