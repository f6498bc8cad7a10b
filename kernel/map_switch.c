/*
 * map_switch.c: the map that a thread runs on.
 *
 * A thread of U-mode runs on its task's map, a kernel thread on whatever is
 * loaded when it comes to run, for it uses the kernel's half only: its current
 * map is kernel_map. Kernel code that must see a map as its task does (copyin
 * and copyout, fetches) makes it current for the running thread, and the old
 * one again when it is done; the scheduler loads it whenever the thread runs.
 *
 * The caller holds a reference on the map. A thread returns to U-mode only on
 * its task's map.
 */
#include <machine/tlb.h>
#include <arch/tlb.h>
#include <kernel/thread.h>
#include <mm/vm_kern.h>

vm_map_t
current_map(void)
{
	vm_map_t map = current_map_fast();

	return map != NULL ? map : kernel_map;
}

vm_map_t
vm_map_switch(vm_map_t map)
{
	struct thread *th = current_thread();
	vm_map_t old = current_map();

	KASSERT(map->pmap != NULL, ("map %lu has no page tables to run on", (unsigned long)map->id));
	th->map = map == kernel_map ? NULL : map;
	pmap_switch(map->pmap);
	return old;
}
