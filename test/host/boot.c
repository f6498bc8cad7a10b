/*
 * boot.c: brings mm up on the host, in the order of kernel/main.c.
 *
 * host_pmap_boot is the simulated machine's part: kernel tables, TLBs. Page
 * tables of kernel addresses, once made, stay: those that tests need are made
 * here, so that they do not look like leaks.
 */
#include <kernel/pager.h>
#include <mm/vm_kern.h>
#include <mm/vm_map.h>
#include <mm/vm_object.h>
#include <host.h>

void host_pmap_boot(void);

/* Here tests call pager_test_run when they want it. */
void
pager_test_clock(void)
{
}

void
host_boot(size_t size)
{
	vm_offset_t addr;

	host_mem_init(size);
	host_pmap_boot();
	vm_object_bootstrap();
	vm_map_init();
	kmem_init();
	pager_test_bootstrap();
	if (kmem_alloc(&addr, MEGAPAGE_SIZE / 2, 0) != KERN_SUCCESS)
		panic("no kernel memory in %zu bytes", size);
	kmem_free(addr, MEGAPAGE_SIZE / 2, 0);
}
