/*
 * vm_copy_test: vm_read, vm_write, vm_copy and vm_read_overwrite: contents,
 * independence of the copies, odd offsets, overlaps, other tasks.
 */
#include "check.h"
#include <stdlib.h>
#include <string.h>

#define SIZE (2 * MEGA + 3 * P)

static unsigned char *model;            /* what the source should hold */

static void
fill(unsigned char *m, size_t n, unsigned seed)
{
	for (size_t i = 0; i < n; i++)
		m[i] = seed + i * 7 + (i >> 12) * 13;
}

/* The copy is as the source was, whoever writes afterwards. */
static void
read_is_a_snapshot(unsigned char *source)
{
	vm_address_t data;
	mach_msg_type_number_t n;
	static const struct { size_t offset, size; } range[] = {
		{ 0, SIZE }, { 0, P }, { 5, 20 }, { P - 1, 2 }, { P + 17, 3 * P }, { 1, MEGA },
		{ 3 * P, MEGA },
	};

	for (unsigned i = 0; i < sizeof(range) / sizeof(range[0]); i++) {
		unsigned char *from = source + range[i].offset;

		fill(source, SIZE, i);
		memcpy(model, source, SIZE);
		EXPECT(KERN_SUCCESS, vm_read(SELF, (vm_address_t)from, range[i].size, &data, &n));
		CHECK(n == range[i].size, "%u", n);
		for (size_t at = 0; at < SIZE; at += P)
			source[at]++;
		CHECK(memcmp((void *)data, model + range[i].offset, n) == 0, "range %u", i);
		memset((void *)data, 0xee, n);
		for (size_t at = 0; at < SIZE; at += P)
			source[at]--;
		CHECK(memcmp(source, model, SIZE) == 0, "range %u", i);
		EXPECT(KERN_SUCCESS, vm_deallocate(SELF, data, n));
	}
}

/* vm_copy as memmove, over every pair of a few offsets and sizes. */
static void
copy_like_memmove(unsigned char *a)
{
	static const size_t offset[] = { 0, 1, P - 1, P, P + 9, 2 * P, 9 * P };
	static const size_t size[] = { 1, 8, P, P + 1, 4 * P, 6 * P + 100, MEGA };
	unsigned n = sizeof(offset) / sizeof(offset[0]);

	for (unsigned s = 0; s < n; s++) {
		for (unsigned d = 0; d < n; d++) {
			for (unsigned k = 0; k < sizeof(size) / sizeof(size[0]); k++) {
				size_t from = offset[s], to = offset[d] + (s + d) % 2 * 4 * P;

				if (from + size[k] > SIZE / 2 || to + size[k] > SIZE / 2)
					continue;
				fill(a, SIZE / 2, s * 31 + d * 7 + k);
				memcpy(model, a, SIZE / 2);
				memmove(model + to, model + from, size[k]);
				EXPECT(KERN_SUCCESS, vm_copy(SELF, (vm_address_t)a + from, size[k],
				    (vm_address_t)a + to));
				CHECK(memcmp(model, a, SIZE / 2) == 0, "from %zu to %zu size %zu",
				    from, to, size[k]);
			}
		}
	}
}

/* A chain of copies: each stays what it was when its ancestor changes. */
static void
copies_of_copies(unsigned char *a)
{
	unsigned char *copy[6];

	for (unsigned i = 0; i < 6; i++) {
		copy[i] = (unsigned char *)check_memory(MEGA);
		memset(a, i + 1, MEGA);
		EXPECT(KERN_SUCCESS, vm_copy(SELF, (vm_address_t)(i % 2 ? copy[i - 1] : a), MEGA,
		    (vm_address_t)copy[i]));
		copy[i][P] = 100 + i;
	}
	for (unsigned i = 0; i < 6; i++) {
		unsigned char expect = i % 2 ? i : i + 1;

		CHECK(copy[i][0] == expect && copy[i][MEGA - 1] == expect, "copy %u: %u %u", i,
		    copy[i][0], copy[i][MEGA - 1]);
		CHECK(copy[i][P] == 100 + i, "copy %u: %u", i, copy[i][P]);
	}
	for (unsigned i = 0; i < 6; i++)
		EXPECT(KERN_SUCCESS, vm_deallocate(SELF, (vm_address_t)copy[i], MEGA));
}

static void
destination_keeps_its_attributes(unsigned char *a)
{
	vm_region_basic_info_data_t info;
	mach_msg_type_number_t n = VM_REGION_BASIC_INFO_COUNT;
	vm_address_t to = check_memory(4 * P), at;
	vm_size_t size;

	EXPECT(KERN_SUCCESS, vm_inherit(SELF, to, 4 * P, VM_INHERIT_NONE));
	EXPECT(KERN_SUCCESS, vm_protect(SELF, to, 4 * P, TRUE, VM_PROT_DEFAULT));
	EXPECT(KERN_SUCCESS, vm_copy(SELF, (vm_address_t)a, 4 * P, to));
	at = to;
	EXPECT(KERN_SUCCESS, vm_region(SELF, &at, &size, VM_REGION_BASIC_INFO,
	    (vm_region_info_t)&info, &n, NULL));
	CHECK(at == to && info.inheritance == VM_INHERIT_NONE &&
	    info.protection == VM_PROT_DEFAULT && info.max_protection == VM_PROT_DEFAULT,
	    "0x%lx %d %d %d", at, info.inheritance, info.protection, info.max_protection);
	CHECK(memcmp((void *)to, a, 4 * P) == 0);
	EXPECT(KERN_SUCCESS, vm_deallocate(SELF, to, 4 * P));
}

static void
other_task(unsigned char *a)
{
	task_t child;
	vm_address_t there = 0, back = check_memory(SIZE);
	vm_size_t n = 0;

	EXPECT(KERN_SUCCESS, task_create(SELF, NULL, 0, FALSE, &child));
	EXPECT(KERN_SUCCESS, vm_allocate(child, &there, SIZE, VM_FLAGS_ANYWHERE));
	fill(a, SIZE, 77);
	EXPECT(KERN_SUCCESS, vm_write(child, there + 3, (vm_address_t)a, SIZE - 3));
	/* one byte too far is refused as a whole */
	EXPECT(KERN_INVALID_ADDRESS, vm_copy(child, there, MEGA, there + SIZE - MEGA + 1));
	EXPECT(KERN_SUCCESS, vm_copy(child, there, P, there + MEGA));
	EXPECT(KERN_SUCCESS, vm_read_overwrite(child, there, SIZE, back, &n));
	CHECK(n == SIZE, "%zu", n);
	memset(model, 0, 3);
	memcpy(model + 3, a, SIZE - 3);
	memcpy(model + MEGA, model, P);
	CHECK(memcmp((void *)back, model, SIZE) == 0);
	EXPECT(KERN_SUCCESS, task_terminate(child));
	EXPECT(KERN_SUCCESS, mach_port_deallocate(SELF, child));
	EXPECT(KERN_SUCCESS, vm_deallocate(SELF, back, SIZE));
}

int
main(void)
{
	unsigned char *a = (unsigned char *)check_memory(SIZE);

	model = malloc(SIZE);
	CHECK(model != NULL);
	if (model == NULL)
		return check_result("vm_copy_test");
	read_is_a_snapshot(a);
	copy_like_memmove(a);
	copies_of_copies(a);
	destination_keeps_its_attributes(a);
	other_task(a);
	EXPECT(KERN_SUCCESS, vm_deallocate(SELF, (vm_address_t)a, SIZE));
	return check_result("vm_copy_test");
}
