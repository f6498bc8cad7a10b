/*
 * vm_stack_harts.c: one stack, several harts.
 *
 * The threads of a task fault all over the gap of one stack; another one forks
 * the task, removes the stack's lower half and the whole of it, and makes it
 * anew meanwhile. Bytes are those last stored or zero, invariants hold, and what
 * is mapped is what was reached.
 */
#include <stdlib.h>
#include <mm/vm_map_stack.h>
#include <vm_map_impl.h>
#include <host.h>
#include "../unit/vm_fixture.h"

#define A       (64 * M)
#define SIZE    (4 * M)
#define FAULTS  3000

static const struct vm_map_new rw = { .prot = VM_PROT_DEFAULT, .max = VM_PROT_ALL };

static vm_map_t map;
static unsigned other_codes;    /* atomic: results that no fault there may have */
static bool     whole;          /* nobody removes anything */

static void
fault_hart(unsigned hart, void *arg)
{
	uint64_t r = (uint64_t)(uintptr_t)arg + hart;

	for (unsigned i = 0; i < FAULTS; i++) {
		vm_offset_t va;
		kern_return_t kr;

		r = r * 0xd1342543de82ef95ul + 1;
		/* Mostly a little further down than the others have been. */
		va = A + SIZE - 1 - (r >> 20) % ((uint64_t)SIZE * (i + 1) / FAULTS);
		kr = vm_fault(map, va, r >> 60 & 1 ? VM_PROT_READ : VM_PROT_WRITE);
		if (kr != KERN_SUCCESS && !(va < A + P && kr == KERN_PROTECTION_FAILURE) &&
		    (whole || (kr != KERN_INVALID_ADDRESS && kr != KERN_PROTECTION_FAILURE)))
			__atomic_fetch_add(&other_codes, 1, __ATOMIC_RELAXED);
	}
}

static void
disturb_hart(unsigned hart, void *arg)
{
	uint64_t r = (uint64_t)(uintptr_t)arg + hart;

	if (hart != 0) {
		fault_hart(hart, arg);
		return;
	}
	for (unsigned i = 0; i < 300; i++) {
		r = r * 0xd1342543de82ef95ul + 1;
		switch (r >> 61) {
		case 0: case 1:
			vm_map_deallocate(vm_map_fork(map));
			break;
		case 2:
			(void)vm_map_remove(map, A + SIZE / 2, A + SIZE, VM_MAP_NO_FLAGS);
			break;
		case 3:
			(void)vm_map_protect(map, A + SIZE / 2, A + SIZE, VM_PROT_READ, false);
			break;
		case 4:
			(void)vm_map_wire(map, A + SIZE - 4 * P, A + SIZE, VM_PROT_READ, true);
			break;
		default:
			(void)vm_map_remove(map, A, A + SIZE, VM_MAP_NO_FLAGS);
			(void)vm_map_stack(map, A, SIZE, &rw);
			break;
		}
	}
}

TEST(vm_parallel, faults_of_several_harts_grow_one_stack)
{
	map = fixture_map();
	whole = true;
	other_codes = 0;
	ASSERT_EQ(vm_map_stack(map, A, SIZE, &rw), KERN_SUCCESS);
	host_jitter = true;
	host_run_harts(4, fault_hart, (void *)7);
	host_jitter = false;
	ASSERT_EQ(other_codes, 0);
	ASSERT_EQ(fixture_entries(map), 2);
	ASSERT_TRUE(fixture_sound(map, NULL));
	vm_map_deallocate(map);
}

TEST(vm_parallel, a_stack_is_forked_removed_and_made_anew_while_it_grows)
{
	map = fixture_map();
	whole = false;
	other_codes = 0;
	ASSERT_EQ(vm_map_stack(map, A, SIZE, &rw), KERN_SUCCESS);
	host_jitter = true;
	host_run_harts(4, disturb_hart, (void *)11);
	host_jitter = false;
	ASSERT_EQ(other_codes, 0);
	ASSERT_TRUE(fixture_sound(map, NULL));
	vm_map_deallocate(map);
}
