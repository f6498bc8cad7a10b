/*
 * map_switch.c: a kernel thread runs on a map, sleeps, and still runs on it.
 */
#include <base/test.h>
#include <kernel/thread.h>
#include <machine/copy.h>
#include <machine/vmparam.h>
#include <mm/vm_kern.h>
#include <mm/vm_map.h>

#define A   (64 * MEGAPAGE_SIZE)

static vm_map_t
map_with_memory(void)
{
	vm_map_t map = vm_map_create(pmap_create(), VM_MIN_ADDRESS, vm_max_address, true);
	struct vm_map_enter_args args = {
		.size = PAGE_SIZE, .cur = VM_PROT_DEFAULT, .max = VM_PROT_ALL, .inheritance = VM_INHERIT_DEFAULT,
	};
	vm_offset_t addr = A;

	return vm_map_enter(map, &addr, &args) == KERN_SUCCESS ? map : NULL;
}

TEST(map_switch, copies_reach_the_current_map_also_after_a_sleep)
{
	vm_map_t one = map_with_memory(), two = map_with_memory();
	uint32_t value = 1, got = 0;

	ASSERT_TRUE(one != NULL && two != NULL);
	ASSERT_TRUE(current_map() == kernel_map);
	ASSERT_TRUE(vm_map_switch(one) == kernel_map);
	ASSERT_TRUE(current_map_fast() == one);
	ASSERT_EQ(copyout(&value, A, sizeof(value)), KERN_SUCCESS);
	value = 2;
	ASSERT_TRUE(vm_map_switch(two) == one);
	ASSERT_EQ(copyout(&value, A, sizeof(value)), KERN_SUCCESS);
	thread_sleep_us(2000);
	ASSERT_EQ(copyin(A, &got, sizeof(got)), KERN_SUCCESS);
	ASSERT_EQ(got, 2);
	ASSERT_TRUE(vm_map_switch(kernel_map) == two);
	ASSERT_EQ(vm_map_read_user(one, A, &got, sizeof(got)), KERN_SUCCESS);
	ASSERT_EQ(got, 1);
	vm_map_deallocate(one);
	vm_map_deallocate(two);
}
