/*
 * check.h: what the U-mode test programs share.
 *
 * A program calls CHECK for each point and ends with `return check_result()`:
 * status 0 and one line when all held, 1 otherwise. A failed point prints the
 * line, the condition and the values given; the program goes on.
 */
#ifndef CHECK_H
#define CHECK_H

#include <mach/mach.h>
#include <stdio.h>

static unsigned check_points __attribute__((unused));
static unsigned check_failed __attribute__((unused));

#define CHECK(condition, ...) do { \
	__atomic_fetch_add(&check_points, 1, __ATOMIC_RELAXED); \
	if (!(condition)) { \
		__atomic_fetch_add(&check_failed, 1, __ATOMIC_RELAXED); \
		printf("%s:%d: %s:", __FILE_NAME__, __LINE__, #condition); \
		printf(" " __VA_ARGS__); \
		printf("\n"); \
	} \
} while (0)

#ifndef __FILE_NAME__
#define __FILE_NAME__ __FILE__
#endif

/* The call must give exactly this code. */
#define EXPECT(code, call) do { \
	kern_return_t kr_ = (call); \
	__atomic_fetch_add(&check_points, 1, __ATOMIC_RELAXED); \
	if (kr_ != (code)) { \
		__atomic_fetch_add(&check_failed, 1, __ATOMIC_RELAXED); \
		printf("%s:%d: %s gave %s, not %s\n", __FILE_NAME__, __LINE__, #call, \
		    mach_error_name(kr_), mach_error_name(code)); \
	} \
} while (0)

static inline int
check_result(const char *name)
{
	if (check_failed != 0)
		printf("%s: %u of %u points failed\n", name, check_failed, check_points);
	else
		printf("%s: %u points hold\n", name, check_points);
	return check_failed != 0;
}

/* Fresh zero-filled memory, anywhere; 0 when there is none. */
static inline vm_address_t __attribute__((unused))
check_memory(vm_size_t size)
{
	vm_address_t addr = 0;

	EXPECT(KERN_SUCCESS, vm_allocate(mach_task_self(), &addr, size, VM_FLAGS_ANYWHERE));
	return addr;
}

#define SELF    mach_task_self()
#define P       PAGE_SIZE
#define MEGA    (2ul << 20)

/* What vm_region says of the memory at addr, which must be there. */
static inline vm_region_basic_info_data_64_t __attribute__((unused))
check_region(vm_address_t addr)
{
	vm_region_basic_info_data_64_t info = { 0 };
	mach_msg_type_number_t count = VM_REGION_BASIC_INFO_COUNT_64;
	vm_address_t at = addr;
	vm_size_t size = 0;

	EXPECT(KERN_SUCCESS, vm_region(SELF, &at, &size, VM_REGION_BASIC_INFO_64, (vm_region_info_t)&info, &count, NULL));
	CHECK(at <= addr, "nothing at 0x%lx, but at 0x%lx", addr, at);
	return info;
}

/* First address above user space. */
static inline uint64_t __attribute__((unused))
check_limit(void)
{
	static const unsigned bits[] = { 38, 47 };

	for (unsigned i = 0; i < 2; i++) {
		vm_address_t addr = 1ul << bits[i];

		if (vm_allocate(SELF, &addr, P, VM_FLAGS_FIXED) == KERN_INVALID_ADDRESS)
			return 1ul << bits[i];
		vm_deallocate(SELF, addr, P);
	}
	return 1ul << 56;
}

#endif
