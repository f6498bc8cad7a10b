/*
 * vm_object_impl.h: what the files of the object layer tell each other.
 */
#ifndef MM_VM_OBJECT_IMPL_H
#define MM_VM_OBJECT_IMPL_H

#include <mm/vm_object.h>

/* vm_chunk.c; object(s) locked */
void vm_chunk_bootstrap(void);
struct vm_chunk *vm_chunk_at_or_after(vm_object_t object, uint64_t index);
bool vm_chunk_make_single(struct vm_chunk *c);
bool vm_chunk_move_all(vm_object_t to, vm_object_t from, vm_object_offset_t delta);
bool vm_chunk_covered(vm_object_t top, vm_object_t below, vm_object_offset_t delta);

/* vm_object.c: frees an object that nobody references any more; locked on entry, gone on return. */
void vm_object_free_locked(vm_object_t object);

#endif
