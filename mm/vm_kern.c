/*
 * vm_kern.c: the kernel's own address space above the direct map.
 *
 *	kernel_map:   ... | guard | pages ... | guard | guard | pages ... | guard | ...
 *	                  '--------- entry ----------'
 *
 * Every range has one entry of kernel_map, guards included; the entry has no
 * object, for the pages are known from the page tables alone. Entries must
 * never merge: then removing a range needs no clipping, and kmem_free cannot
 * fail. vm_map_find_space sees to that.
 *
 * Order: addresses, tables, pages on the way up, each of which may fail; on
 * the way down the leaves go and the fence is complete before the pages are
 * freed, and the addresses are given back last.
 *
 * Locks: kernel_map's (sleepable, inside vm_map_*), the pmap's. Two ranges
 * never meet, so nothing here needs a lock of its own.
 */
#include <mm/pmap.h>
#include <mm/vm_kern.h>
#include <mm/vm_map.h>
#include <mm/vm_page.h>

vm_map_t kernel_map;

void
kmem_init(void)
{
	pmap_reference(pmap_kernel());
	kernel_map = vm_map_create(pmap_kernel(), KERNEL_MAP_MIN, KERNEL_MAP_MAX, false);
	KASSERT(kernel_map != NULL, ("no memory for kernel_map"));
}

/* Takes the pages of [addr, addr+size) out of the tables and frees them. */
static void
kmem_unback(vm_offset_t addr, vm_size_t size)
{
	struct vm_page *chain = NULL, *m;
	paddr_t pa;

	if (size == 0)
		return;
	for (vm_offset_t va = addr; va < addr + size; va += PAGE_SIZE) {
		if (!pmap_extract(pmap_kernel(), va, &pa))
			panic("kmem: nothing is mapped at 0x%lx", va);
		m = vm_page_of_pfn((pfn_t)(pa >> PAGE_SHIFT));
		m->q.next = chain;
		chain = m;
	}
	pmap_kremove(addr, size);
	while ((m = chain) != NULL) {
		chain = m->q.next;
		vm_page_free(m);
	}
}

/* Pages and leaves for [addr, addr+size), or nothing. */
static kern_return_t
kmem_back(vm_offset_t addr, vm_size_t size)
{
	kern_return_t kr = pmap_growkernel(addr + size);

	if (kr != KERN_SUCCESS)
		return kr;
	for (vm_size_t at = 0; at < size; at += PAGE_SIZE) {
		struct vm_page *m = vm_page_alloc(VM_PAGE_ZERO);

		if (m == NULL) {
			kmem_unback(addr, at);
			return KERN_FAIL(KERN_RESOURCE_SHORTAGE, "no page for kernel memory at 0x%lx",
			    addr + at);
		}
		pmap_kenter(addr + at, vm_page_pa(m), VM_PROT_READ | VM_PROT_WRITE, 0);
	}
	return KERN_SUCCESS;
}

static void
kmem_release_addresses(vm_offset_t start, vm_offset_t end)
{
	kern_return_t kr = vm_map_remove(kernel_map, start, end, 0);

	KASSERT(kr == KERN_SUCCESS, ("kernel_map: [0x%lx, 0x%lx) is no single entry", start, end));
}

kern_return_t
kmem_alloc(vm_offset_t *addr, vm_size_t size, unsigned guard)
{
	vm_size_t margin = (vm_size_t)guard << PAGE_SHIFT;
	vm_size_t whole;
	vm_offset_t start;
	vm_map_entry_t e;
	kern_return_t kr;

	if (size == 0 || size > KERNEL_MAP_MAX - KERNEL_MAP_MIN ||
	    margin > KERNEL_MAP_MAX - KERNEL_MAP_MIN)
		return KERN_FAIL(KERN_RESOURCE_SHORTAGE, "kernel memory of 0x%lx bytes", size);
	size = round_page(size);
	whole = size + 2 * margin;
	kr = vm_map_find_space(kernel_map, &start, whole, 0, &e);
	if (kr == KERN_NO_SPACE)
		return KERN_FAIL(KERN_RESOURCE_SHORTAGE, "no kernel addresses for 0x%lx bytes", size);
	if (kr != KERN_SUCCESS)
		return kr;
	e->max_protection = VM_PROT_DEFAULT;
	e->inheritance = VM_INHERIT_NONE;
	vm_map_unlock(kernel_map);
	kr = kmem_back(start + margin, size);
	if (kr != KERN_SUCCESS) {
		kmem_release_addresses(start, start + whole);
		return kr;
	}
	*addr = start + margin;
	return KERN_SUCCESS;
}

void
kmem_free(vm_offset_t addr, vm_size_t size, unsigned guard)
{
	vm_size_t margin = (vm_size_t)guard << PAGE_SHIFT;

	size = round_page(size);
	kmem_unback(addr, size);
	kmem_release_addresses(addr - margin, addr + size + margin);
}

bool
kmem_mapped(vm_offset_t addr)
{
	paddr_t pa;

	return addr >= KERNEL_MAP_MIN && addr < KERNEL_MAP_MAX &&
	    pmap_extract(pmap_kernel(), addr, &pa);
}
