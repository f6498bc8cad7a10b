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
 * All invariants over these maps (every map that exists: references are
 * recounted). Nobody else may be at work on them. FALSE: *f says which broke.
 * extra_refs(object) counts references held outside entries and shadows; may be NULL.
 */
bool vm_check_all(vm_map_t const *maps, unsigned n, struct vm_check_failure *f);
/* One map alone: M1 to M7 and its pmap, M18 to M22. Takes the lock itself. */
bool vm_check_map(vm_map_t map, struct vm_check_failure *f);

#endif
