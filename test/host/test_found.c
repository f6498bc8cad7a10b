/*
 * test_found.c: what the model found that only hostile TLBs show. Each test
 * failed before its fix.
 */
#include <arch/tlb.h>
#include <mm/vm_map.h>
#include <mm/vm_object.h>
#include <mm/vm_user.h>
#include <host.h>
#include <tlb_sim.h>

/*
 * A hart remembers that there is no entry of level 1; another one makes a
 * megapage leaf there. The fault of the first must not repeat for ever.
 */
TEST(found, megapage_that_a_tlb_remembers_as_absent)
{
	static const struct tlb_sim_config sticky = { 3, 16, false, false, 1, true, false };
	vm_offset_t va = 4 * MEGAPAGE_SIZE;
	vm_map_t map;
	vm_address_ut a = vm_address_u(va);
	paddr_t pa;
	bool ok = false;

	tlb_sim_next = sticky;
	host_boot(HOST_MEM_DEFAULT);
	map = vm_map_create(pmap_create(), VM_MIN_ADDRESS, vm_max_address, true);
	ASSERT_EQ(vm_allocate(map, &a, vm_size_u(MEGAPAGE_SIZE), VM_FLAGS_FIXED), KERN_SUCCESS);
	for (vm_offset_t at = 0; at < MEGAPAGE_SIZE; at += PAGE_SIZE)
		ASSERT_EQ(vm_fault(map, va + at, VM_PROT_WRITE), KERN_SUCCESS);
	pmap_remove(map->pmap, va, va + MEGAPAGE_SIZE);
	for (unsigned h = 0; h < 2; h++) {
		tlb_sim_become(h);
		pmap_switch(map->pmap);
		ASSERT_FALSE(tlb_sim_access(h, va, VM_PROT_READ, &pa));
	}
	tlb_sim_become(0);
	ASSERT_EQ(vm_fault(map, va, VM_PROT_READ), KERN_SUCCESS);
	tlb_sim_become(1);
	for (unsigned i = 0; i < 4 && !ok; i++) {
		ASSERT_EQ(vm_fault(map, va, VM_PROT_READ), KERN_SUCCESS);
		ok = tlb_sim_access(1, va, VM_PROT_READ, &pa);
	}
	ASSERT_TRUE(ok);
	for (unsigned h = 0; h < 2; h++) {
		tlb_sim_become(h);
		pmap_switch(pmap_kernel());
	}
	tlb_sim_become(0);
	vm_map_deallocate(map);
}
