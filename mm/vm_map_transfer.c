/*
 * vm_map_transfer.c: bytes between the kernel and a task's memory.
 *
 * Through the map and not through the hart's translation: it works for any map
 * on any hart, faults pages in, and can be refused but not trap. Page by page,
 * each copied while its object is locked (vm_fault_with).
 *
 * Failure: what the fault path says; the pages before the one that failed are
 * done. Locks: none of its own.
 */
#include "vm_map_impl.h"

struct transfer {
	uint8_t    *kernel;
	vm_offset_t user;
	size_t      left;
};

/* The part of the transfer that lies in the page; moves t on. */
static inline size_t
transfer_piece(const struct transfer *t)
{
	size_t n = PAGE_SIZE - (t->user & PAGE_MASK);

	return n < t->left ? n : t->left;
}

static inline bool
transfer_advance(struct transfer *t, size_t n)
{
	t->kernel += n;
	t->user += n;
	t->left -= n;
	return t->left > 0;
}

static bool
transfer_out_of_page(struct vm_page *m, void *arg)
{
	struct transfer *t = arg;
	size_t n = transfer_piece(t);

	vm_page_copy_part(t->kernel, (uint8_t *)vm_page_va(m) + (t->user & PAGE_MASK), n);
	return transfer_advance(t, n);
}

static bool
transfer_into_page(struct vm_page *m, void *arg)
{
	struct transfer *t = arg;
	size_t n = transfer_piece(t);

	vm_page_copy_part((uint8_t *)vm_page_va(m) + (t->user & PAGE_MASK), t->kernel, n);
	return transfer_advance(t, n);
}

static kern_return_t
transfer(vm_map_t map, vm_offset_t user, uint8_t *kernel, size_t size, vm_prot_t access,
    bool (*fn)(struct vm_page *, void *))
{
	struct transfer t = { kernel, user, size };

	if (user + size < user)
		return KERN_FAIL(KERN_INVALID_ADDRESS, "0x%lx bytes at 0x%lx wrap", size, user);
	return size == 0 ? KERN_SUCCESS : vm_fault_with(map, user, access, fn, &t);
}

kern_return_t
vm_map_read_user(vm_map_t map, vm_offset_t src, void *dst, size_t size)
{
	return transfer(map, src, dst, size, VM_PROT_READ, transfer_out_of_page);
}

kern_return_t
vm_map_write_user(vm_map_t map, const void *src, vm_offset_t dst, size_t size)
{
	return transfer(map, dst, (uint8_t *)(uintptr_t)src, size, VM_PROT_WRITE, transfer_into_page);
}
