/*
 * vm_check_impl.h: what the files of the checker tell each other.
 */
#ifndef MM_VM_CHECK_IMPL_H
#define MM_VM_CHECK_IMPL_H

#include "vm_map_impl.h"

#define FAIL(f, number, ...) \
	((f)->id = (number), \
	 (void)snprintf((f)->text, sizeof((f)->text), __VA_ARGS__), false)

/* vm_check_object.c */
/* M12 to M14 of an object, locked. */
bool vm_check_object_copies(vm_object_t o, struct vm_check_failure *f);
/* M13 of an entry; map locked. */
bool vm_check_entry_copies(vm_map_t map, vm_map_entry_t e, struct vm_check_failure *f);
/* M15 over all maps, a list by check_next; unlocked. */
bool vm_check_windows(vm_map_t first, struct vm_check_failure *f);

/* vm_check_reserv.c */
struct vm_check_reserv {
	uint64_t partial, pages;        /* reservations that lack pages; pages of objects, set aside ones included */
	bool     unseen;                /* some object was not looked at */
};
/* M30 of an object, locked; adds its reservations and pages to sum. */
bool vm_check_reservations(vm_object_t o, struct vm_check_reserv *sum, struct vm_check_failure *f);
/* M31, when all objects have been looked at. Unlocked. */
bool vm_check_M31(const struct vm_check_reserv *sum, struct vm_check_failure *f);

#endif
