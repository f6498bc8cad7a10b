/*
 * vm_fixture.c: see vm_fixture.h.
 */
#include <stdarg.h>
#include "vm_fixture.h"

vm_map_t
fixture_map(void)
{
	return vm_map_create(pmap_create(), VM_MIN_ADDRESS, vm_max_address, true);
}

bool
fixture_allocate(vm_map_t map, vm_offset_t addr, vm_size_t size)
{
	vm_address_ut a = vm_address_u(addr);

	return vm_allocate(map, &a, vm_size_u(size), VM_FLAGS_FIXED) == KERN_SUCCESS && a.v == addr;
}

vm_map_entry_t
fixture_entry(vm_map_t map, vm_offset_t va)
{
	vm_map_entry_t e;

	return vm_map_lookup_entry(map, va, &e) ? e : NULL;
}

paddr_t
fixture_page(vm_map_t map, vm_offset_t va)
{
	paddr_t pa = 0;

	(void)pmap_extract(map->pmap, va, &pa);
	return pa;
}

/* The byte behind va for this access; faults as a hart would, at most a few times. */
static kern_return_t
access(vm_map_t map, vm_offset_t va, vm_prot_t kind, uint8_t **byte)
{
	struct pmap_walk w;
	kern_return_t kr;

	for (int i = 0; i < 4; i++) {
		pmap_walk(map->pmap, va, &w);
		if (w.leaf && (w.prot & kind) && w.accessed && (w.dirty || kind != VM_PROT_WRITE)) {
			*byte = phys_to_virt(w.pa);
			return KERN_SUCCESS;
		}
		kr = vm_fault(map, va, kind);
		if (kr != KERN_SUCCESS)
			return kr;
	}
	return KERN_FAILURE;
}

kern_return_t
fixture_load(vm_map_t map, vm_offset_t va, uint8_t *value)
{
	uint8_t *byte, *again;
	kern_return_t kr = access(map, va, VM_PROT_READ, &byte);

	/*
	 * A hart's load comes before or after the fence that ends its leaf. Ours may come long after it, when the page is
	 * another's already: then it does not count.
	 */
	while (kr == KERN_SUCCESS) {
		*value = *(volatile uint8_t *)byte;
		kr = access(map, va, VM_PROT_READ, &again);
		if (kr != KERN_SUCCESS || again == byte)
			break;
		byte = again;
	}
	return kr;
}

kern_return_t
fixture_store(vm_map_t map, vm_offset_t va, uint8_t value)
{
	uint8_t *byte;
	kern_return_t kr = access(map, va, VM_PROT_WRITE, &byte);

	if (kr == KERN_SUCCESS)
		*byte = value;
	return kr;
}

bool
fixture_fill(vm_map_t map, vm_offset_t va, unsigned n, uint8_t first)
{
	bool ok = fixture_allocate(map, va, n * P);

	for (unsigned i = 0; ok && i < n; i++)
		ok = fixture_store(map, va + i * P, (uint8_t)(first + i)) == KERN_SUCCESS;
	return ok;
}

bool
fixture_holds(vm_map_t map, vm_offset_t va, unsigned n, uint8_t first)
{
	for (unsigned i = 0; i < n; i++) {
		uint8_t v = 0;

		if (fixture_load(map, va + i * P, &v) != KERN_SUCCESS || v != (uint8_t)(first + i)) {
			kprintf("# page %u at 0x%lx holds %u\n", i, (unsigned long)va, v);
			return false;
		}
	}
	return true;
}

static bool
sound(bool ok, const struct vm_check_failure *f)
{
	if (!ok)
		kprintf("# %s: %s\n", f->id, f->text);
	return ok;
}

bool
fixture_sound(vm_map_t first, ...)
{
	struct vm_check_failure f;
	bool ok = true;
	va_list ap;

	va_start(ap, first);
	for (vm_map_t map = first; map != NULL && ok; map = va_arg(ap, vm_map_t))
		ok = vm_check_map(map, &f);
	va_end(ap);
	return sound(ok, &f);
}

bool
fixture_sound_all(vm_map_t first, ...)
{
	struct vm_check_failure f;
	vm_map_t all[8];
	unsigned n = 0;
	va_list ap;

	va_start(ap, first);
	for (vm_map_t map = first; map != NULL; map = va_arg(ap, vm_map_t)) {
		KASSERT(n < nitems(all), ("a test with more than %u maps", n));
		all[n++] = map;
	}
	va_end(ap);
	return sound(vm_check_all(all, n, &f), &f);
}

uint64_t
fixture_entries(vm_map_t map)
{
	return map->hdr.nentries;
}

vm_prot_t
fixture_leaf(vm_map_t map, vm_offset_t va)
{
	struct pmap_walk w;

	pmap_walk(map->pmap, va, &w);
	return w.leaf ? w.prot : VM_PROT_NONE;
}

unsigned
fixture_chain(vm_map_t map, vm_offset_t va)
{
	vm_map_entry_t e;
	unsigned n = 0;

	if (vm_map_lookup_entry(map, va, &e))
		for (vm_object_t o = e->object.vm_object; o != NULL; o = o->shadow)
			n++;
	return n;
}
