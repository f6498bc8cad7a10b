/*
 * vm_fixture.h: a map to test on, and accesses to it as a U-mode program makes
 * them: through the pmap, with vm_fault where the leaf is missing or too weak.
 */
#ifndef TEST_VM_FIXTURE_H
#define TEST_VM_FIXTURE_H

#include <base/test.h>
#include <mm/vm_check.h>
#include <mm/vm_map.h>
#include <mm/vm_user.h>
#include <machine/vmparam.h>

#define P PAGE_SIZE
#define M MEGAPAGE_SIZE

vm_map_t fixture_map(void);
/* Allocates [addr, addr + size) zero-fill, rw-/rwx; FALSE: refused. */
bool fixture_allocate(vm_map_t map, vm_offset_t addr, vm_size_t size);
/* The entry at va; NULL: none. */
vm_map_entry_t fixture_entry(vm_map_t map, vm_offset_t va);
/* The physical address behind va; 0: no leaf. */
paddr_t fixture_page(vm_map_t map, vm_offset_t va);
/* One byte, as a load or store at va. */
kern_return_t fixture_load(vm_map_t map, vm_offset_t va, uint8_t *value);
kern_return_t fixture_store(vm_map_t map, vm_offset_t va, uint8_t value);
/* Allocates n pages at va; the first byte of page i holds first + i. FALSE: refused. */
bool fixture_fill(vm_map_t map, vm_offset_t va, unsigned n, uint8_t first);
/* Do n pages at va hold first, first + 1, ...? Prints the one that does not. */
bool fixture_holds(vm_map_t map, vm_offset_t va, unsigned n, uint8_t first);
/* Every invariant of each of these maps (NULL-terminated list); prints the one that fails. */
bool fixture_sound(vm_map_t first, ...);
/* The same, and those over all of them and the copies in flight, when they are all the maps that share anything. */
bool fixture_sound_all(vm_map_t first, ...);
/* Entries of the map, and the rights of the leaf at va (0: none). */
uint64_t fixture_entries(vm_map_t map);
vm_prot_t fixture_leaf(vm_map_t map, vm_offset_t va);
unsigned fixture_chain(vm_map_t map, vm_offset_t va);   /* objects in the chain at va */

#define ASSERT_LOAD(map, va, expect) \
	do { \
		uint8_t got_ = 0; \
		ASSERT_EQ(fixture_load(map, va, &got_), KERN_SUCCESS); \
		ASSERT_EQ(got_, expect); \
	} while (0)
#define ASSERT_STORE(map, va, value) ASSERT_EQ(fixture_store(map, va, value), KERN_SUCCESS)

#endif
