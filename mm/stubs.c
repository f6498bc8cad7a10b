/*
 * stubs.c: temporary weak definitions; each goes when its real one lands.
 */
#include <mm/vm_user.h>
#include <mm/zone.h>
#include "vm_map_impl.h"
#include "vm_object_impl.h"
#pragma GCC diagnostic ignored "-Wunused-parameter"
#define W __attribute__((weak))

W kern_return_t shared_region_mapping_create(const struct shared_region_mapping_args *a, shared_region_mapping_t *region) { return KERN_NOT_SUPPORTED; }
W void shared_region_mapping_ref(shared_region_mapping_t region) { }
W void shared_region_mapping_dealloc(shared_region_mapping_t region) { }
W kern_return_t shared_region_object_chain_attach(shared_region_mapping_t target, shared_region_mapping_t parent) { return KERN_NOT_SUPPORTED; }
W kern_return_t shared_region_mapping_map(shared_region_mapping_t region, vm_map_t map) { return KERN_NOT_SUPPORTED; }
