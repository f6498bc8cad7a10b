/*
 * pager_device.c: the registers of devices as memory objects.
 *
 *   "serial0" or an address ──> node of the device tree ──> reg ──> whole pages ──> checked
 *
 * A fault on such an object makes a leaf of the physical address, uncached; no page is
 * ever asked for (vm_fault.c). What may be mapped is what some node of
 * the tree calls its own, but never memory, firmware's reservations or the interrupt
 * controllers, through which a program would reach into the kernel. The tree is
 * data from outside: the checks are on the addresses that come of it.
 *
 * A reg smaller than a page is mapped with the rest of its page, as the hardware
 * cannot do less; that page is checked whole.
 *
 * Read only after boot; no locks.
 */
#include <drivers/platform.h>
#include <kernel/boot.h>
#include <kernel/pager.h>

static const struct memory_object_attr_info device_attributes = {
	.copy_strategy = MEMORY_OBJECT_COPY_NONE, .cluster_size = PAGE_SIZE,
};

/* Never asked by faults; whoever does ask learns that there are no pages. */
static void
device_data_request(memory_object_t mo, vm_object_offset_t offset, vm_size_t length, vm_prot_t access)
{
	(void)access;
	(void)memory_object_data_error(mo, offset, length, KERN_MEMORY_ERROR);
}

static const struct memory_object_ops pager_device_ops = {
	.name = "device",
	.attributes = &device_attributes,
	.data_request = device_data_request,
};

static bool
overlap(struct phys_range a, struct phys_range b)
{
	return a.base < b.base + b.size && b.base < a.base + a.size;
}

static bool
contains(struct phys_range a, struct phys_range b)
{
	return b.base >= a.base && b.size <= a.size && b.base - a.base <= a.size - b.size;
}

/* The whole pages of reg, which neither wrap nor pass the end of physical addresses. FALSE: they would. */
static bool
pages_of(struct phys_range reg, struct phys_range *pages)
{
	if (reg.base >= PLATFORM_PA_END || reg.size == 0 || reg.size > PLATFORM_PA_END - reg.base)
		return false;
	pages->base = trunc_page(reg.base);
	pages->size = round_page(reg.base + reg.size) - pages->base;
	return true;
}

/* May a program have these pages? */
static kern_return_t
check_pages(struct phys_range pages)
{
	const struct platform *p = &boot_platform;
	unsigned depth = 1;

	for (unsigned i = 0; i < p->bank_count; i++)
		if (overlap(pages, p->bank[i]))
			return KERN_FAIL(KERN_PROTECTION_FAILURE, "0x%lx is memory, not a device", pages.base);
	for (unsigned i = 0; i < p->reserved_count; i++)
		if (overlap(pages, p->reserved[i].range))
			return KERN_FAIL(KERN_PROTECTION_FAILURE, "0x%lx is reserved by the firmware", pages.base);
	for (fdt_node_t n = p->fdt.root; n != FDT_NO_NODE; n = fdt_walk(&p->fdt, n, &depth)) {
		struct phys_range reg, its;

		if (!fdt_prop_present(&p->fdt, n, "interrupt-controller"))
			continue;
		for (unsigned i = 0; fdt_reg(&p->fdt, n, i, &reg); i++)
			if (pages_of(reg, &its) && overlap(pages, its))
				return KERN_FAIL(KERN_PROTECTION_FAILURE, "0x%lx belongs to an interrupt controller", pages.base);
	}
	return KERN_SUCCESS;
}

/* Is there a node that owns all of r? */
static bool
is_a_device(struct phys_range r)
{
	const struct fdt *f = &boot_platform.fdt;
	struct phys_range reg;
	unsigned depth = 1;

	for (fdt_node_t n = f->root; n != FDT_NO_NODE; n = fdt_walk_okay(f, n, &depth))
		for (unsigned i = 0; fdt_reg(f, n, i, &reg); i++)
			if (contains(reg, r))
				return true;
	return false;
}

/* name or address and size to the range that is meant. */
static kern_return_t
find_range(const char *name, uint64_t address, vm_size_t size, struct phys_range *r)
{
	const struct fdt *f = &boot_platform.fdt;
	fdt_node_t n;

	if (name == NULL) {
		*r = (struct phys_range){ address, size != 0 ? size : 1 };
		return r->base + r->size >= r->base && is_a_device(*r) ? KERN_SUCCESS :
		    KERN_FAIL(KERN_NOT_FOUND, "0x%lx bytes at 0x%lx are no device's in the device tree", r->size, address);
	}
	n = fdt_find_path(f, name);
	if (n == FDT_NO_NODE || !fdt_reg(f, n, 0, r))
		return KERN_FAIL(KERN_NOT_FOUND, "the device tree has no such node with a reg");
	if (size > r->size)
		return KERN_FAIL(KERN_INVALID_ARGUMENT, "the device has 0x%lx bytes, not 0x%lx", r->size, size);
	if (size != 0)
		r->size = size;
	return KERN_SUCCESS;
}

kern_return_t
pager_device_open(const char *name, uint64_t address, vm_size_t size, memory_object_t *mo, uint64_t *start)
{
	struct phys_range range, pages;
	memory_object_t m;
	kern_return_t kr = find_range(name, address, size, &range);

	if (kr != KERN_SUCCESS)
		return kr;
	if (!pages_of(range, &pages))
		return KERN_FAIL(KERN_INVALID_ARGUMENT, "0x%lx bytes at 0x%lx pass the end of physical addresses", range.size, range.base);
	kr = check_pages(pages);
	if (kr != KERN_SUCCESS)
		return kr;
	m = memory_object_create(&pager_device_ops, NULL, pages.size, VM_PROT_DEFAULT);
	if (m == NULL)
		return KERN_FAIL(KERN_RESOURCE_SHORTAGE, "no memory for a memory object");
	m->phys_contiguous = m->uncached = true;
	m->phys = pages.base;
	*mo = m;
	if (start != NULL)
		*start = pages.base;
	return KERN_SUCCESS;
}
