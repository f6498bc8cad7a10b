/*
 * stubs.c: temporary weak definitions; each goes when its real one lands.
 */
#include <mm/vm_user.h>
#include <mm/zone.h>
#include "vm_map_impl.h"
#include "vm_object_impl.h"
#pragma GCC diagnostic ignored "-Wunused-parameter"
#define W __attribute__((weak))

W void memory_object_bootstrap(void) { }
W memory_object_t memory_object_create(const struct memory_object_ops *ops, void *pager, vm_size_t size, vm_prot_t max_prot) { return NULL; }
W void memory_object_reference(memory_object_t mo) { }
W void memory_object_release(memory_object_t mo) { }
W kern_return_t memory_object_map(memory_object_t mo, vm_object_t *object) { return KERN_NOT_SUPPORTED; }
W kern_return_t memory_object_data_supply(memory_object_t mo, vm_object_offset_t offset, const void *data, vm_size_t size, vm_prot_t lock_value, bool precious) { return KERN_NOT_SUPPORTED; }
W kern_return_t memory_object_data_unavailable(memory_object_t mo, vm_object_offset_t offset, vm_size_t size) { return KERN_NOT_SUPPORTED; }
W kern_return_t memory_object_data_error(memory_object_t mo, vm_object_offset_t offset, vm_size_t size, kern_return_t reason) { return KERN_NOT_SUPPORTED; }
W kern_return_t memory_object_lock_request(memory_object_t mo, vm_object_offset_t offset, vm_size_t size, unsigned should_return, unsigned flags, vm_prot_t prot) { return KERN_NOT_SUPPORTED; }
W kern_return_t memory_object_change_attributes(memory_object_t mo, int flavor, const void *info, unsigned count) { return KERN_NOT_SUPPORTED; }
W kern_return_t memory_object_get_attributes(memory_object_t mo, int flavor, void *info, unsigned *count) { return KERN_NOT_SUPPORTED; }
W kern_return_t memory_object_destroy(memory_object_t mo, kern_return_t reason) { return KERN_NOT_SUPPORTED; }
W kern_return_t memory_object_synchronize_completed(memory_object_t mo, vm_object_offset_t offset, vm_size_t size) { return KERN_NOT_SUPPORTED; }
W kern_return_t memory_object_get_page(vm_object_t object, vm_object_offset_t offset, vm_prot_t access, bool unlock, struct memory_object_wait *w) { return KERN_NOT_SUPPORTED; }
W kern_return_t memory_object_sync(vm_object_t object, vm_object_offset_t offset, vm_size_t size, unsigned flags) { return KERN_NOT_SUPPORTED; }
W void memory_object_terminate(memory_object_t mo, vm_object_t object) { }
W void memory_object_foreach(bool (*fn)(memory_object_t, void *), void *arg) { }
W void vm_named_entry_bootstrap(void) { }
W void vm_named_entry_reference(vm_named_entry_t ne) { }
W void vm_named_entry_release(vm_named_entry_t ne) { }
W kern_return_t vm_named_entry_make(const struct vm_named_entry_args *a, vm_size_t *size, vm_named_entry_t *ne) { return KERN_NOT_SUPPORTED; }
W kern_return_t vm_named_entry_submap(vm_size_t size, vm_named_entry_t *ne) { return KERN_NOT_SUPPORTED; }
W kern_return_t vm_named_entry_pager(memory_object_t mo, bool internal, vm_size_t size, vm_prot_t prot, vm_named_entry_t *ne) { return KERN_NOT_SUPPORTED; }
W kern_return_t vm_named_entry_map(vm_map_t map, vm_offset_t *addr, struct vm_map_enter_args *args, vm_named_entry_t ne) { return KERN_NOT_SUPPORTED; }
W void vm_named_entry_foreach(bool (*fn)(vm_named_entry_t, void *), void *arg) { }
W kern_return_t shared_region_mapping_create(const struct shared_region_mapping_args *a, shared_region_mapping_t *region) { return KERN_NOT_SUPPORTED; }
W void shared_region_mapping_ref(shared_region_mapping_t region) { }
W void shared_region_mapping_dealloc(shared_region_mapping_t region) { }
W kern_return_t shared_region_object_chain_attach(shared_region_mapping_t target, shared_region_mapping_t parent) { return KERN_NOT_SUPPORTED; }
W kern_return_t shared_region_mapping_map(shared_region_mapping_t region, vm_map_t map) { return KERN_NOT_SUPPORTED; }
W void vm_map_reference_swap(vm_map_t map) { }
W void vm_map_res_reference(vm_map_t map) { }
W void vm_map_res_deallocate(vm_map_t map) { }
W void vm_map_swapin(vm_map_t map) { }
W void vm_map_swapout(vm_map_t map) { }
W kern_return_t vm_map_behavior_set(vm_map_t map, vm_offset_t start, vm_offset_t end, vm_behavior_t behavior) { return KERN_NOT_SUPPORTED; }
W kern_return_t vm_map_machine_attribute(vm_map_t map, vm_offset_t addr, vm_size_t size, uint32_t attribute, int *value) { return KERN_NOT_SUPPORTED; }
W kern_return_t vm_map_msync(vm_map_t map, vm_offset_t start, vm_offset_t end, unsigned flags) { return KERN_NOT_SUPPORTED; }
