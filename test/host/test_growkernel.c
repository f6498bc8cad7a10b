/*
 * test_growkernel.c: kernel_map gets page tables for what is entered there, and
 * only then. On the host only: tables of the kernel stay for ever, so each test
 * ends with a new machine.
 */
#include <mm/vm_kern.h>
#include <mm/vm_map.h>
#include <mm/vm_map_find.h>
#include <machine/vmparam.h>
#include <host.h>

#define P       PAGE_SIZE
#define M       MEGAPAGE_SIZE
#define FAR     (KERNEL_MAP_MIN + 32 * M)

static kern_return_t
find(vm_offset_t *at, uint32_t space)
{
	struct vm_map_find_args a = {
		.what = { .prot = VM_PROT_DEFAULT, .max = VM_PROT_DEFAULT }, .length = 2 * P, .find_space = space,
	};

	return vm_map_find(kernel_map, at, &a);
}

TEST(growkernel, tables_are_there_for_what_was_entered)
{
	struct vm_page *m = vm_page_alloc(0);
	vm_offset_t at = FAR;
	uint64_t before;
	paddr_t pa;

	ASSERT_TRUE(m != NULL);
	ASSERT_EQ(find(&at, VMFS_NO_SPACE), KERN_SUCCESS);
	pmap_kenter(at, vm_page_pa(m), VM_PROT_READ | VM_PROT_WRITE, 0);
	ASSERT_TRUE(pmap_extract(pmap_kernel(), at, &pa));
	ASSERT_EQ(pa, vm_page_pa(m));
	pmap_kremove(at, P);
	/* Below what it has come to, nothing is needed. */
	before = host_free_pages();
	at = FAR - 16 * M;
	ASSERT_EQ(find(&at, VMFS_SUPER_SPACE), KERN_SUCCESS);
	ASSERT_EQ(at, FAR - 16 * M);
	ASSERT_EQ(vm_map_remove(kernel_map, at, at + 2 * P, 0), KERN_SUCCESS);
	ASSERT_EQ(host_free_pages(), before);
	host_boot(HOST_MEM_DEFAULT);
}

TEST(growkernel, shortage_enters_nothing)
{
	uint64_t entries = kernel_map->hdr.nentries;
	vm_offset_t at = FAR;

	vm_alloc_fail_at(1, true);
	ASSERT_EQ(find(&at, VMFS_NO_SPACE), KERN_RESOURCE_SHORTAGE);
	vm_alloc_fail_at(0, false);
	ASSERT_EQ(kernel_map->hdr.nentries, entries);
	at = FAR;
	ASSERT_EQ(find(&at, VMFS_NO_SPACE), KERN_SUCCESS);
	ASSERT_EQ(vm_map_remove(kernel_map, at, at + 2 * P, 0), KERN_SUCCESS);
	/* A map of a task needs no tables before it is touched. */
	at = KERNEL_MAP_MAX;
	ASSERT_EQ(find(&at, VMFS_NO_SPACE), KERN_INVALID_ADDRESS);
	host_boot(HOST_MEM_DEFAULT);
}
