/*
 * boot.c: brings mm up on the host, in the order of kernel/main.c.
 *
 * host_pmap_boot is the simulated machine's part: kernel tables, TLBs.
 */
#include <mm/vm_kern.h>
#include <mm/vm_map.h>
#include <mm/vm_object.h>
#include <host.h>

void host_pmap_boot(void);

void
host_boot(size_t size)
{
	host_mem_init(size);
	host_pmap_boot();
	vm_object_bootstrap();
	vm_map_init();
	kmem_init();
}
