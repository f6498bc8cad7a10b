/*
 * vm_named_entry_impl.h: what the files of named entries tell each other.
 */
#ifndef MM_VM_NAMED_ENTRY_IMPL_H
#define MM_VM_NAMED_ENTRY_IMPL_H

#include <mm/vm_named_entry.h>
#include "vm_map_impl.h"

/* A new one, one reference, without backing and not yet among all named entries; NULL: shortage. */
vm_named_entry_t vm_named_entry_allocate(vm_size_t size, vm_prot_t protection);
/* Complete: it is shown and checked from now on. */
void vm_named_entry_publish(vm_named_entry_t ne);
/* What allocate made, unpublished and without backing. NULL allowed. */
void vm_named_entry_discard(vm_named_entry_t ne);

/* vm_named_entry_range.c: entries for [start, end) of a->map, whole pages, by object. *ne: unpublished, or the parent. */
kern_return_t vm_named_entry_of_range(const struct vm_named_entry_args *a, vm_offset_t start, vm_offset_t end, vm_named_entry_t *ne);
/* The same by a map of their own: MAP_MEM_VM_COPY, MAP_MEM_VM_SHARE. */
kern_return_t vm_named_entry_of_entries(const struct vm_named_entry_args *a, vm_offset_t start, vm_offset_t end, vm_named_entry_t *ne);

#endif
