/*
 * memory_object, vm_fault, vm_map_msync: memory that a pager stands behind.
 *
 * Most tests use the kernel's test pager (kernel/pager.h). Where something must
 * happen exactly while a fault waits, a pager of our own does it in its data_request,
 * which the fault calls with no lock held.
 */
#include <string.h>
#include <base/wait.h>
#include <kernel/pager.h>
#include "vm_fixture.h"
#include "vm_map_impl.h"

#define A (64 * M)
#define B (96 * M)
#define SIZE (16 * P)
#define SHORT_US 20000

static memory_object_t mo;

/* Maps [offset, offset + size) of object at addr. */
static kern_return_t
map_at(vm_map_t map, vm_offset_t addr, memory_object_t object, vm_object_offset_t offset, vm_size_t size, bool copy)
{
	vm_address_ut a = vm_address_u(addr);
	struct vm_map_user_args args = {
		.size = vm_size_u(size), .flags = VM_FLAGS_FIXED, .offset = vm_address_u(offset), .copy = copy,
		.cur = VM_PROT_DEFAULT, .max = copy ? VM_PROT_ALL : object->max_prot & VM_PROT_ALL,
		.inheritance = VM_INHERIT_DEFAULT, .pager = object,
	};

	return vm_map_user(map, &a, &args);
}

/* A map with the whole of a new test pager at A; mo is it. */
static vm_map_t
mapped(vm_size_t size)
{
	vm_map_t map = fixture_map();

	if (pager_test_create(size, &mo) != KERN_SUCCESS || map_at(map, A, mo, 0, size, false) != KERN_SUCCESS)
		return NULL;
	return map;
}

static struct pager_test_counts
counts(void)
{
	struct pager_test_counts c = { 0 };

	(void)pager_test_counts(mo, &c);
	return c;
}

static void
tell(enum pager_test_verb verb, uint64_t value)
{
	ASSERT_EQ(pager_test_control(mo, verb, value), KERN_SUCCESS);
}

static void
done(vm_map_t map)
{
	ASSERT_TRUE(fixture_sound(map, NULL));
	vm_map_deallocate(map);
	memory_object_release(mo);
}

/* The byte that the pager has at offset. */
static uint8_t
stored(vm_object_offset_t offset)
{
	uint8_t v = 0xee;

	(void)pager_test_store(mo, offset, &v, 1, false);
	return v;
}

/* Nobody waits long in these tests. */
static uint64_t
be_impatient(void)
{
	uint64_t old = memory_object_patience_us;

	memory_object_patience_us = SHORT_US;
	return old;
}

/* --- life --- */

TEST(memory_object, first_mapping_begins_and_last_one_ends)
{
	vm_map_t map = mapped(SIZE);
	struct pager_test_counts c;

	ASSERT_TRUE(map != NULL);
	ASSERT_EQ(map_at(map, B, mo, 0, SIZE, false), KERN_SUCCESS);
	c = counts();
	ASSERT_EQ(c.inits, 1);
	ASSERT_EQ(vm_deallocate(map, vm_address_u(A), vm_size_u(SIZE)), KERN_SUCCESS);
	c = counts();
	ASSERT_EQ(c.terminates, 0);
	ASSERT_EQ(vm_deallocate(map, vm_address_u(B), vm_size_u(SIZE)), KERN_SUCCESS);
	c = counts();
	ASSERT_EQ(c.terminates, 1);
	ASSERT_EQ(map_at(map, A, mo, 0, SIZE, false), KERN_SUCCESS);
	c = counts();
	ASSERT_EQ(c.inits, 2);
	done(map);
}

TEST(memory_object, contents_come_from_the_pager_once)
{
	vm_map_t map = mapped(SIZE);

	tell(PAGER_FILL, 7);
	ASSERT_LOAD(map, A, 7);
	ASSERT_LOAD(map, A + 3 * P + 5, 10);
	ASSERT_EQ(counts().requests, 2);
	ASSERT_LOAD(map, A + P - 1, 7);
	pmap_collect(map->pmap);
	ASSERT_LOAD(map, A, 7);
	ASSERT_EQ(counts().requests, 2);
	done(map);
}

TEST(memory_object, an_offset_names_the_page)
{
	vm_map_t map = fixture_map();

	ASSERT_EQ(pager_test_create(SIZE, &mo), KERN_SUCCESS);
	tell(PAGER_FILL, 1);
	ASSERT_EQ(map_at(map, A, mo, 4 * P, 2 * P, false), KERN_SUCCESS);
	ASSERT_LOAD(map, A + P, 6);
	ASSERT_EQ(counts().offset, 5 * P);
	ASSERT_EQ(fixture_load(map, A + 2 * P, &(uint8_t){ 0 }), KERN_INVALID_ADDRESS);
	done(map);
}

TEST(memory_object, all_who_map_it_see_each_others_stores)
{
	vm_map_t map = mapped(SIZE), other = fixture_map(), child;

	ASSERT_EQ(map_at(other, B, mo, P, 4 * P, false), KERN_SUCCESS);
	ASSERT_STORE(map, A + P, 11);
	ASSERT_LOAD(other, B, 11);
	ASSERT_STORE(other, B + 2 * P, 12);
	ASSERT_LOAD(map, A + 3 * P, 12);
	ASSERT_STORE(map, A + 3 * P, 13);
	ASSERT_LOAD(other, B + 2 * P, 13);
	ASSERT_EQ(map_at(map, B, mo, P, P, false), KERN_SUCCESS);
	ASSERT_LOAD(map, B, 11);
	ASSERT_EQ(vm_inherit(map, vm_address_u(A), vm_size_u(SIZE), VM_INHERIT_SHARE), KERN_SUCCESS);
	child = vm_map_fork(map);
	ASSERT_TRUE(child != NULL);
	ASSERT_STORE(child, A + P, 14);
	ASSERT_LOAD(other, B, 14);
	ASSERT_TRUE(fixture_sound(map, other, child, NULL));
	vm_map_deallocate(child);
	vm_map_deallocate(other);
	done(map);
}

TEST(memory_object, what_was_written_comes_back_and_nothing_else)
{
	vm_map_t map = mapped(SIZE);
	struct pager_test_counts c;

	ASSERT_LOAD(map, A + 2 * P, 0);
	ASSERT_EQ(fixture_leaf(map, A + 2 * P), VM_PROT_READ);
	ASSERT_STORE(map, A, 5);
	ASSERT_LOAD(map, A + P, 0);
	ASSERT_STORE(map, A + P, 6);
	/* Neighbours came along, but not for writing. */
	ASSERT_EQ(fixture_leaf(map, A + 2 * P), VM_PROT_READ);
	ASSERT_TRUE(fixture_sound(map, NULL));
	ASSERT_EQ(vm_deallocate(map, vm_address_u(A), vm_size_u(SIZE)), KERN_SUCCESS);
	c = counts();
	ASSERT_EQ(c.returns, 2);
	ASSERT_EQ(c.dirty, 2);
	ASSERT_EQ(stored(0), 5);
	ASSERT_EQ(stored(P), 6);
	ASSERT_EQ(map_at(map, A, mo, 0, SIZE, false), KERN_SUCCESS);
	ASSERT_LOAD(map, A + P, 6);
	done(map);
}

TEST(memory_object, temporary_contents_do_not_come_back)
{
	vm_map_t map = fixture_map();

	ASSERT_EQ(pager_test_create(SIZE, &mo), KERN_SUCCESS);
	tell(PAGER_STRATEGY, MEMORY_OBJECT_COPY_TEMPORARY);
	ASSERT_EQ(map_at(map, A, mo, 0, SIZE, false), KERN_SUCCESS);
	ASSERT_STORE(map, A, 5);
	ASSERT_EQ(vm_deallocate(map, vm_address_u(A), vm_size_u(SIZE)), KERN_SUCCESS);
	ASSERT_EQ(counts().returns, 0);
	done(map);
}

TEST(memory_object, a_private_copy_is_the_data_of_the_moment)
{
	vm_map_t map = mapped(SIZE);

	tell(PAGER_FILL, 1);
	ASSERT_STORE(map, A, 50);
	ASSERT_EQ(map_at(map, B, mo, 0, SIZE, true), KERN_SUCCESS);
	/* Stores on either side, to pages that are there and to pages that are not. */
	ASSERT_STORE(map, A, 51);
	ASSERT_LOAD(map, B, 50);
	ASSERT_STORE(map, B + P, 52);
	ASSERT_LOAD(map, A + P, 2);
	ASSERT_STORE(map, A + 2 * P, 53);
	ASSERT_LOAD(map, B + 2 * P, 3);
	ASSERT_LOAD(map, B + 3 * P, 4);
	ASSERT_STORE(map, A + 3 * P, 54);
	ASSERT_LOAD(map, B + 3 * P, 4);
	ASSERT_TRUE(fixture_sound(map, NULL));
	ASSERT_EQ(vm_deallocate(map, vm_address_u(A), vm_size_u(SIZE)), KERN_SUCCESS);
	ASSERT_LOAD(map, B + 4 * P, 5);
	ASSERT_LOAD(map, B + 2 * P, 3);
	done(map);
}

TEST(memory_object, rights_beyond_the_objects_are_refused)
{
	vm_map_t map = fixture_map();
	vm_address_ut a = vm_address_u(A);
	struct vm_map_user_args args = { .size = vm_size_u(P), .cur = VM_PROT_READ, .max = VM_PROT_ALL };

	ASSERT_EQ(pager_test_create(SIZE, &mo), KERN_SUCCESS);
	mo->max_prot = VM_PROT_READ;
	args.pager = mo;
	ASSERT_EQ(vm_map_user(map, &a, &args), KERN_PROTECTION_FAILURE);
	args.copy = true;
	ASSERT_EQ(vm_map_user(map, &a, &args), KERN_SUCCESS);
	ASSERT_EQ(fixture_store(map, A, 1), KERN_PROTECTION_FAILURE);
	ASSERT_EQ(vm_protect(map, a, vm_size_u(P), false, VM_PROT_DEFAULT), KERN_SUCCESS);
	ASSERT_STORE(map, A, 1);
	done(map);
}

/* --- pagers that fail --- */

TEST(memory_object, an_error_is_the_faults)
{
	vm_map_t map = mapped(SIZE);
	uint8_t v;

	tell(PAGER_FAIL, KERN_FAILURE);
	ASSERT_EQ(fixture_load(map, A, &v), KERN_MEMORY_ERROR);
	ASSERT_EQ(fixture_store(map, A + P, 1), KERN_MEMORY_ERROR);
	ASSERT_EQ(vm_map_read_user(map, A, &v, 1), KERN_MEMORY_ERROR);
	tell(PAGER_FAIL, KERN_RESOURCE_SHORTAGE);
	ASSERT_EQ(fixture_load(map, A, &v), KERN_RESOURCE_SHORTAGE);
	tell(PAGER_FAIL, 0);
	ASSERT_LOAD(map, A, 0);
	ASSERT_EQ(mo->errors, 3);
	done(map);
}

TEST(memory_object, nothing_there_means_zeros_in_the_top_object)
{
	vm_map_t map = mapped(SIZE);

	tell(PAGER_UNAVAILABLE, 1);
	tell(PAGER_FILL, 9);
	ASSERT_LOAD(map, A, 0);
	ASSERT_STORE(map, A + P, 4);
	ASSERT_EQ(map_at(map, B, mo, 0, SIZE, true), KERN_SUCCESS);
	ASSERT_LOAD(map, B + P, 4);
	ASSERT_LOAD(map, B + 2 * P, 0);
	ASSERT_STORE(map, B + 3 * P, 5);
	tell(PAGER_UNAVAILABLE, 0);
	ASSERT_LOAD(map, A + 3 * P, 12);
	ASSERT_LOAD(map, B + 3 * P, 5);
	ASSERT_LOAD(map, A, 0);
	done(map);
}

TEST(memory_object, a_second_answer_changes_nothing)
{
	vm_map_t map = mapped(SIZE);
	static uint8_t page[PAGE_SIZE];

	tell(PAGER_TWICE, 1);
	tell(PAGER_FILL, 3);
	ASSERT_STORE(map, A, 77);
	memset(page, 99, sizeof(page));
	ASSERT_EQ(memory_object_data_supply(mo, 0, page, P, VM_PROT_NONE, false), KERN_SUCCESS);
	ASSERT_LOAD(map, A, 77);
	ASSERT_LOAD(map, A + 1, 3);
	ASSERT_EQ(memory_object_data_error(mo, 0, P, KERN_FAILURE), KERN_SUCCESS);
	ASSERT_EQ(memory_object_data_unavailable(mo, 0, P), KERN_SUCCESS);
	ASSERT_LOAD(map, A, 77);
	done(map);
}

TEST(memory_object, an_answer_for_elsewhere_is_taken_but_answers_nobody)
{
	vm_map_t map = mapped(SIZE);
	uint64_t old = be_impatient();

	tell(PAGER_FILL, 20);
	tell(PAGER_SHIFT, 2 * P);
	ASSERT_EQ(fixture_load(map, A, &(uint8_t){ 0 }), KERN_MEMORY_ERROR);
	tell(PAGER_NEVER, 1);
	ASSERT_LOAD(map, A + 2 * P, 20);
	tell(PAGER_NEVER, 0);
	tell(PAGER_SHIFT, SIZE);        /* beyond the object */
	ASSERT_EQ(fixture_load(map, A, &(uint8_t){ 0 }), KERN_MEMORY_ERROR);
	memory_object_patience_us = old;
	done(map);
}

TEST(memory_object, a_pager_that_never_answers_costs_patience_only)
{
	vm_map_t map = mapped(SIZE);
	uint64_t old = be_impatient(), began = wait_clock_us();

	tell(PAGER_NEVER, 1);
	ASSERT_EQ(fixture_load(map, A, &(uint8_t){ 0 }), KERN_MEMORY_ERROR);
	ASSERT_TRUE(wait_clock_us() - began >= SHORT_US);
	tell(PAGER_NEVER, 0);
	ASSERT_LOAD(map, A, 0);
	memory_object_patience_us = old;
	done(map);
}

TEST(memory_object, mapping_waits_for_a_ready_pager_and_not_for_ever)
{
	vm_map_t map = fixture_map();
	uint64_t old = be_impatient();

	ASSERT_EQ(pager_test_create(SIZE, &mo), KERN_SUCCESS);
	tell(PAGER_READY, 0);
	ASSERT_EQ(map_at(map, A, mo, 0, SIZE, false), KERN_INVALID_OBJECT);
	ASSERT_EQ(counts().terminates, 1);
	ASSERT_EQ(fixture_entries(map), 0);
	/* Too late for that mapping: there is nothing to be ready for. */
	tell(PAGER_READY, 1);
	ASSERT_EQ(map_at(map, A, mo, 0, SIZE, false), KERN_SUCCESS);
	ASSERT_EQ(counts().inits, 2);
	memory_object_patience_us = old;
	done(map);
}

TEST(memory_object, a_dead_pager_leaves_what_is_there)
{
	vm_map_t map = mapped(SIZE), other = fixture_map();
	static uint8_t page[PAGE_SIZE];
	uint8_t v;

	tell(PAGER_FILL, 30);
	ASSERT_LOAD(map, A, 30);
	ASSERT_EQ(map_at(map, B, mo, 0, SIZE, true), KERN_SUCCESS);
	tell(PAGER_DIE, KERN_FAILURE);
	ASSERT_LOAD(map, A, 30);
	ASSERT_STORE(map, A, 31);
	ASSERT_LOAD(map, B, 30);
	ASSERT_EQ(fixture_load(map, A + P, &v), KERN_MEMORY_ERROR);
	ASSERT_EQ(fixture_store(map, A + P, 1), KERN_MEMORY_ERROR);
	ASSERT_EQ(fixture_load(map, B + P, &v), KERN_MEMORY_ERROR);
	ASSERT_EQ(map_at(other, A, mo, 0, SIZE, false), KERN_INVALID_OBJECT);
	ASSERT_EQ(memory_object_data_supply(mo, P, page, P, VM_PROT_NONE, false), KERN_INVALID_ARGUMENT);
	ASSERT_EQ(fixture_load(map, A + P, &v), KERN_MEMORY_ERROR);
	ASSERT_EQ(memory_object_destroy(mo, KERN_FAILURE), KERN_SUCCESS);
	vm_map_deallocate(other);
	done(map);
}

/* --- what pagers say --- */

TEST(memory_object, answers_are_checked)
{
	vm_map_t map = mapped(SIZE);
	static uint8_t page[2 * PAGE_SIZE];

	ASSERT_EQ(memory_object_data_supply(mo, 1, page, P, VM_PROT_NONE, false), KERN_INVALID_ARGUMENT);
	ASSERT_EQ(memory_object_data_supply(mo, 0, page, P - 1, VM_PROT_NONE, false), KERN_INVALID_ARGUMENT);
	ASSERT_EQ(memory_object_data_supply(mo, ~PAGE_MASK, page, 2 * P, VM_PROT_NONE, false), KERN_INVALID_ARGUMENT);
	ASSERT_EQ(memory_object_data_supply(mo, 0, page, P, VM_PROT_NO_CHANGE, false), KERN_INVALID_ARGUMENT);
	ASSERT_EQ(memory_object_data_error(mo, P / 2, P, KERN_FAILURE), KERN_INVALID_ARGUMENT);
	ASSERT_EQ(memory_object_data_unavailable(mo, 0, 5), KERN_INVALID_ARGUMENT);
	/* The last page of the object is taken, what follows is dropped. */
	memset(page, 8, sizeof(page));
	ASSERT_EQ(memory_object_data_supply(mo, SIZE - P, page, 2 * P, VM_PROT_NONE, false), KERN_SUCCESS);
	tell(PAGER_NEVER, 1);
	ASSERT_LOAD(map, A + SIZE - P, 8);
	ASSERT_EQ(memory_object_lock_request(mo, 0, P, 0, 0, 0x10), KERN_INVALID_ARGUMENT);
	ASSERT_EQ(memory_object_lock_request(mo, 0, P, 4, 0, VM_PROT_NO_CHANGE), KERN_INVALID_ARGUMENT);
	ASSERT_EQ(memory_object_lock_request(mo, 0, P, 0, 0x20, VM_PROT_NO_CHANGE), KERN_INVALID_ARGUMENT);
	ASSERT_EQ(memory_object_lock_request(mo, P, ~0ul, 0, 0, VM_PROT_NO_CHANGE), KERN_SUCCESS);
	ASSERT_EQ(vm_deallocate(map, vm_address_u(A), vm_size_u(SIZE)), KERN_SUCCESS);
	ASSERT_EQ(memory_object_data_supply(mo, 0, page, P, VM_PROT_NONE, false), KERN_INVALID_ARGUMENT);
	ASSERT_EQ(memory_object_lock_request(mo, 0, P, 0, 0, VM_PROT_NO_CHANGE), KERN_INVALID_ARGUMENT);
	ASSERT_EQ(memory_object_synchronize_completed(mo, 0, P), KERN_INVALID_ARGUMENT);
	done(map);
}

TEST(memory_object, attributes_are_checked_and_told)
{
	vm_map_t map = mapped(SIZE);
	struct memory_object_attr_info a = { MEMORY_OBJECT_COPY_NONE, 2 * P, 0, 0 }, got;
	struct memory_object_perf_info perf = { 3 * P, 0 };
	struct memory_object_behavior_info behavior = { MEMORY_OBJECT_COPY_TEMPORARY, 0 };
	unsigned n = MEMORY_OBJECT_ATTR_INFO_COUNT;

	ASSERT_EQ(memory_object_change_attributes(mo, MEMORY_OBJECT_ATTRIBUTE_INFO, &a, 4), KERN_SUCCESS);
	ASSERT_EQ(memory_object_get_attributes(mo, MEMORY_OBJECT_ATTRIBUTE_INFO, &got, &n), KERN_SUCCESS);
	ASSERT_EQ(memcmp(&a, &got, sizeof(a)), 0);
	ASSERT_EQ(memory_object_change_attributes(mo, MEMORY_OBJECT_ATTRIBUTE_INFO, &a, 3), KERN_INVALID_ARGUMENT);
	ASSERT_EQ(memory_object_change_attributes(mo, 13, &a, 4), KERN_INVALID_ARGUMENT);
	ASSERT_EQ(memory_object_change_attributes(mo, MEMORY_OBJECT_PERFORMANCE_INFO, &perf, 2), KERN_INVALID_ARGUMENT);
	perf.cluster_size = 4 * P;
	ASSERT_EQ(memory_object_change_attributes(mo, MEMORY_OBJECT_PERFORMANCE_INFO, &perf, 2), KERN_SUCCESS);
	ASSERT_EQ(memory_object_change_attributes(mo, MEMORY_OBJECT_BEHAVIOR_INFO, &behavior, 2), KERN_SUCCESS);
	ASSERT_EQ(memory_object_get_attributes(mo, MEMORY_OBJECT_ATTRIBUTE_INFO, &got, &n), KERN_SUCCESS);
	ASSERT_EQ(got.copy_strategy, MEMORY_OBJECT_COPY_DELAY);
	ASSERT_EQ(got.temporary, 1);
	ASSERT_EQ(got.cluster_size, 4 * P);
	behavior.copy_strategy = MEMORY_OBJECT_COPY_SYMMETRIC;
	ASSERT_EQ(memory_object_change_attributes(mo, MEMORY_OBJECT_BEHAVIOR_INFO, &behavior, 2), KERN_INVALID_ARGUMENT);
	n = 1;
	ASSERT_EQ(memory_object_get_attributes(mo, MEMORY_OBJECT_BEHAVIOR_INFO, &got, &n), KERN_INVALID_ARGUMENT);
	done(map);
}

TEST(memory_object, a_locked_page_is_asked_for)
{
	vm_map_t map = mapped(SIZE);
	uint64_t old = be_impatient();

	tell(PAGER_LOCK, VM_PROT_WRITE);
	ASSERT_LOAD(map, A, 0);
	ASSERT_EQ(counts().unlocks, 0);
	ASSERT_STORE(map, A, 3);
	ASSERT_EQ(counts().unlocks, 1);
	ASSERT_STORE(map, A + 1, 3);
	ASSERT_EQ(counts().unlocks, 1);
	tell(PAGER_UNLOCKS, 0);
	ASSERT_EQ(fixture_store(map, A + P, 1), KERN_MEMORY_ERROR);
	ASSERT_TRUE(counts().unlocks > 2);
	ASSERT_LOAD(map, A + P, 0);
	/* Reading is forbidden, too: the leaf goes, and the kernel must not read either. */
	ASSERT_EQ(memory_object_lock_request(mo, P, P, MEMORY_OBJECT_RETURN_NONE, 0, VM_PROT_READ | VM_PROT_WRITE), KERN_SUCCESS);
	ASSERT_EQ(fixture_leaf(map, A + P), VM_PROT_NONE);
	ASSERT_EQ(fixture_load(map, A + P, &(uint8_t){ 0 }), KERN_MEMORY_ERROR);
	ASSERT_EQ(vm_map_read_user(map, A + P, &(uint8_t){ 0 }, 1), KERN_MEMORY_ERROR);
	/* A neighbour does not bring the locked page along. */
	pmap_remove(map->pmap, A, A + P);
	ASSERT_LOAD(map, A, 3);
	ASSERT_EQ(fixture_leaf(map, A + P), VM_PROT_NONE);
	tell(PAGER_NEVER, 1);
	ASSERT_EQ(fixture_load(map, A + P, &(uint8_t){ 0 }), KERN_MEMORY_ERROR);
	ASSERT_EQ(memory_object_lock_request(mo, 0, SIZE, MEMORY_OBJECT_RETURN_NONE, 0, VM_PROT_NONE), KERN_SUCCESS);
	ASSERT_STORE(map, A + P, 4);
	memory_object_patience_us = old;
	done(map);
}

/* A leaf that another access makes, or a wiring, grants nothing of what the lock forbids. */
TEST(memory_object, a_lock_is_heeded_by_the_leaves_of_others)
{
	struct vm_map_user_args args = {
		.size = vm_size_u(SIZE), .flags = VM_FLAGS_FIXED, .cur = VM_PROT_ALL, .max = VM_PROT_ALL,
		.inheritance = VM_INHERIT_DEFAULT,
	};
	vm_address_ut a = vm_address_u(A);
	vm_map_t map = fixture_map();

	ASSERT_EQ(pager_test_create(SIZE, &mo), KERN_SUCCESS);
	args.pager = mo;
	ASSERT_EQ(vm_map_user(map, &a, &args), KERN_SUCCESS);
	tell(PAGER_LOCK, VM_PROT_EXECUTE);
	ASSERT_LOAD(map, A, 0);
	ASSERT_EQ(fixture_leaf(map, A), VM_PROT_READ);
	ASSERT_EQ(vm_fault(map, A, VM_PROT_EXECUTE), KERN_SUCCESS);
	ASSERT_EQ(counts().unlocks, 1);
	ASSERT_TRUE(fixture_leaf(map, A) & VM_PROT_EXECUTE);
	tell(PAGER_LOCK, VM_PROT_WRITE | VM_PROT_EXECUTE);
	ASSERT_EQ(vm_wire(map, vm_address_u(A + P), vm_size_u(P), VM_PROT_READ), KERN_SUCCESS);
	ASSERT_EQ(fixture_leaf(map, A + P), VM_PROT_READ);
	ASSERT_EQ(counts().unlocks, 1);
	ASSERT_STORE(map, A + P, 3);
	ASSERT_EQ(counts().unlocks, 2);
	done(map);
}

TEST(memory_object, flushed_pages_are_returned_and_asked_for_again)
{
	vm_map_t map = mapped(SIZE);
	struct pager_test_counts c;

	ASSERT_STORE(map, A, 1);
	ASSERT_LOAD(map, A + P, 0);
	tell(PAGER_FLUSH, 0);
	c = counts();
	ASSERT_EQ(c.returns, 1);
	ASSERT_EQ(stored(0), 1);
	ASSERT_EQ(fixture_leaf(map, A), VM_PROT_NONE);
	ASSERT_EQ(mo->control->resident_page_count, 0);
	ASSERT_LOAD(map, A, 1);
	ASSERT_EQ(counts().requests, c.requests + 1);
	/* Cleaned, it stays; a new store is noticed. */
	ASSERT_STORE(map, A, 2);
	tell(PAGER_CLEAN, 0);
	ASSERT_EQ(stored(0), 2);
	ASSERT_EQ(fixture_leaf(map, A), VM_PROT_READ);
	ASSERT_STORE(map, A, 3);
	tell(PAGER_CLEAN, 0);
	ASSERT_EQ(stored(0), 3);
	ASSERT_EQ(counts().returns, 3);
	/* Dropped without return: the store is lost, as it was told. */
	ASSERT_STORE(map, A, 4);
	tell(PAGER_FLUSH, 1);
	ASSERT_LOAD(map, A, 3);
	done(map);
}

TEST(memory_object, a_flush_gives_a_copy_its_pages_first)
{
	vm_map_t map = mapped(SIZE);
	uint8_t v = 99;

	tell(PAGER_FILL, 40);
	ASSERT_LOAD(map, A, 40);
	ASSERT_EQ(map_at(map, B, mo, 0, SIZE, true), KERN_SUCCESS);
	ASSERT_EQ(memory_object_lock_request(mo, 0, SIZE, MEMORY_OBJECT_RETURN_NONE, MEMORY_OBJECT_DATA_FLUSH,
	    VM_PROT_NO_CHANGE), KERN_SUCCESS);
	ASSERT_TRUE(pager_test_store(mo, 0, &v, 1, true));
	ASSERT_LOAD(map, A, 99);
	ASSERT_LOAD(map, B, 40);
	done(map);
}

TEST(memory_object, precious_pages_come_back_clean)
{
	vm_map_t map = mapped(SIZE);

	tell(PAGER_PRECIOUS, 1);
	ASSERT_LOAD(map, A, 0);
	tell(PAGER_CLEAN, 0);
	ASSERT_EQ(counts().returns, 0);
	tell(PAGER_FLUSH, 0);
	ASSERT_EQ(counts().returns, 1);
	ASSERT_EQ(counts().dirty, 0);
	done(map);
}

TEST(memory_object, clusters_are_asked_for_at_once)
{
	vm_map_t map = fixture_map();
	struct pager_test_counts c;

	ASSERT_EQ(pager_test_create(64 * P, &mo), KERN_SUCCESS);
	tell(PAGER_CLUSTER, 8 * P);
	tell(PAGER_FILL, 1);
	ASSERT_EQ(map_at(map, A, mo, 0, 64 * P, false), KERN_SUCCESS);
	ASSERT_LOAD(map, A + 11 * P, 12);
	c = counts();
	ASSERT_EQ(c.offset, 8 * P);
	ASSERT_EQ(c.length, 8 * P);
	for (unsigned i = 8; i < 16; i++)
		ASSERT_LOAD(map, A + i * P, (uint8_t)(1 + i));
	ASSERT_EQ(counts().requests, 1);
	/* Pages that are there already are not asked for. */
	tell(PAGER_CLUSTER, 32 * P);
	ASSERT_EQ(vm_deallocate(map, vm_address_u(A), vm_size_u(64 * P)), KERN_SUCCESS);
	ASSERT_EQ(map_at(map, A, mo, 0, 64 * P, false), KERN_SUCCESS);
	ASSERT_EQ(vm_behavior_set(map, vm_address_u(A), vm_size_u(64 * P), VM_BEHAVIOR_RANDOM), KERN_SUCCESS);
	ASSERT_LOAD(map, A + 4 * P, 5);
	ASSERT_EQ(counts().length, P);
	ASSERT_EQ(vm_behavior_set(map, vm_address_u(A), vm_size_u(64 * P), VM_BEHAVIOR_DEFAULT), KERN_SUCCESS);
	ASSERT_LOAD(map, A, 1);
	ASSERT_EQ(counts().length, 4 * P);
	ASSERT_EQ(vm_behavior_set(map, vm_address_u(A), vm_size_u(64 * P), VM_BEHAVIOR_SEQUENTIAL), KERN_SUCCESS);
	ASSERT_LOAD(map, A + 6 * P, 7);
	ASSERT_EQ(counts().offset, 5 * P);
	ASSERT_EQ(counts().length, 59 * P);
	done(map);
}

TEST(memory_object, a_kept_object_has_its_pages_still)
{
	vm_map_t map = fixture_map();

	ASSERT_EQ(pager_test_create(SIZE, &mo), KERN_SUCCESS);
	tell(PAGER_CACHE, 1);
	ASSERT_EQ(map_at(map, A, mo, 0, SIZE, false), KERN_SUCCESS);
	ASSERT_STORE(map, A, 6);
	ASSERT_EQ(vm_deallocate(map, vm_address_u(A), vm_size_u(SIZE)), KERN_SUCCESS);
	ASSERT_EQ(counts().terminates, 0);
	ASSERT_EQ(map_at(map, A, mo, 0, SIZE, false), KERN_SUCCESS);
	ASSERT_LOAD(map, A, 6);
	ASSERT_EQ(counts().requests, 1);
	ASSERT_EQ(counts().inits, 1);
	/* In use, it is not let go. */
	ASSERT_FALSE(memory_object_trim());
	ASSERT_EQ(vm_deallocate(map, vm_address_u(A), vm_size_u(SIZE)), KERN_SUCCESS);
	ASSERT_TRUE(memory_object_trim());
	ASSERT_EQ(counts().terminates, 1);
	ASSERT_EQ(stored(0), 6);
	done(map);
}

TEST(memory_object, kept_objects_are_few)
{
	memory_object_t all[24];
	vm_map_t map = fixture_map();
	unsigned ended = 0;

	for (unsigned i = 0; i < nitems(all); i++) {
		ASSERT_EQ(pager_test_create(P, &mo), KERN_SUCCESS);
		all[i] = mo;
		tell(PAGER_CACHE, 1);
		ASSERT_EQ(map_at(map, A, mo, 0, P, false), KERN_SUCCESS);
		ASSERT_EQ(vm_deallocate(map, vm_address_u(A), vm_size_u(P)), KERN_SUCCESS);
	}
	for (unsigned i = 0; i < nitems(all); i++) {
		mo = all[i];
		ended += counts().terminates != 0;
		ASSERT_TRUE(i >= 8 || counts().terminates == 1);        /* the oldest ones */
	}
	ASSERT_EQ(ended, 8);
	ASSERT_TRUE(memory_object_trim());
	for (unsigned i = 0; i < nitems(all); i++)
		memory_object_release(all[i]);
	vm_map_deallocate(map);
}

/* --- while a fault waits --- */

static vm_map_t waiting_map;
static void (*meanwhile)(void);

static void
own_request(memory_object_t o, vm_object_offset_t offset, vm_size_t length, vm_prot_t access)
{
	static uint8_t page[PAGE_SIZE];

	(void)length;
	(void)access;
	if (meanwhile != NULL)
		meanwhile();
	memset(page, 60, sizeof(page));
	(void)memory_object_data_supply(o, offset, page, P, VM_PROT_NONE, false);
}

static const struct memory_object_attr_info own_attributes = { MEMORY_OBJECT_COPY_DELAY, PAGE_SIZE, 0, 0 };
static const struct memory_object_ops own_ops = {
	.name = "own", .attributes = &own_attributes, .data_request = own_request,
};

/* fn is called while a fault at A waits. */
static vm_map_t
waits(void (*fn)(void), bool copy)
{
	vm_map_t map = waiting_map = fixture_map();

	meanwhile = NULL;
	mo = memory_object_create(&own_ops, NULL, SIZE, VM_PROT_ALL);
	if (mo == NULL || map_at(map, A, mo, 0, SIZE, copy) != KERN_SUCCESS)
		return NULL;
	meanwhile = fn;
	return map;
}

static void
unmap(void)
{
	(void)vm_deallocate(waiting_map, vm_address_u(A), vm_size_u(SIZE));
}

static void
protect(void)
{
	(void)vm_protect(waiting_map, vm_address_u(A), vm_size_u(SIZE), false, VM_PROT_READ);
}

static void
replace(void)
{
	unmap();
	(void)fixture_allocate(waiting_map, A, SIZE);
}

static void
die(void)
{
	(void)memory_object_destroy(mo, KERN_FAILURE);
}

static vm_map_t forked;

static void
fork_it(void)
{
	if (forked == NULL)
		forked = vm_map_fork(waiting_map);
}

static unsigned supplied_and_flushed;

static void
flush(void)
{
	static uint8_t page[PAGE_SIZE];

	supplied_and_flushed++;
	(void)memory_object_data_supply(mo, 0, page, P, VM_PROT_NONE, false);
	(void)memory_object_lock_request(mo, 0, P, MEMORY_OBJECT_RETURN_NONE, MEMORY_OBJECT_DATA_FLUSH, VM_PROT_NO_CHANGE);
	/* own_request's answer comes to a record that is gone. */
}

static void
supply_locked(void)
{
	static uint8_t page[PAGE_SIZE];

	(void)memory_object_data_supply(mo, 0, page, P, VM_PROT_WRITE, false);
}

/* A pager that only has contents: what it leaves out is answered for it. */
TEST(memory_object, a_pager_with_contents_alone)
{
	vm_map_t map = waits(supply_locked, false);

	ASSERT_TRUE(map != NULL);
	ASSERT_LOAD(map, A, 0);
	ASSERT_STORE(map, A, 7);        /* the lock is lifted */
	ASSERT_EQ(vm_msync(map, vm_address_u(A), vm_size_u(P), VM_SYNC_SYNCHRONOUS | VM_SYNC_INVALIDATE), KERN_SUCCESS);
	meanwhile = NULL;
	ASSERT_LOAD(map, A, 60);        /* what was written is lost */
	done(map);
}

TEST(memory_object, a_fault_looks_again_after_its_wait)
{
	vm_map_t map = waits(unmap, false);

	ASSERT_EQ(fixture_load(map, A, &(uint8_t){ 0 }), KERN_INVALID_ADDRESS);
	ASSERT_EQ(fixture_leaf(map, A), VM_PROT_NONE);
	done(map);

	map = waits(protect, false);
	ASSERT_EQ(fixture_store(map, A, 1), KERN_PROTECTION_FAILURE);
	ASSERT_LOAD(map, A, 60);
	done(map);

	map = waits(protect, true);
	ASSERT_EQ(fixture_store(map, A, 1), KERN_PROTECTION_FAILURE);
	ASSERT_LOAD(map, A, 60);
	done(map);

	map = waits(replace, false);
	ASSERT_STORE(map, A, 1);
	ASSERT_LOAD(map, A + 1, 0);
	ASSERT_EQ(mo->control == NULL, true);
	done(map);

	map = waits(die, false);
	ASSERT_EQ(fixture_load(map, A, &(uint8_t){ 0 }), KERN_MEMORY_ERROR);
	done(map);
}

TEST(memory_object, a_fork_while_a_fault_waits_has_the_old_contents)
{
	vm_map_t map = waits(fork_it, true);

	forked = NULL;
	ASSERT_STORE(map, A, 1);
	ASSERT_TRUE(forked != NULL);
	ASSERT_LOAD(forked, A, 60);
	ASSERT_LOAD(map, A, 1);
	ASSERT_TRUE(fixture_sound(map, forked, NULL));
	vm_map_deallocate(forked);
	done(map);
}

TEST(memory_object, the_kernels_copies_look_again_too)
{
	uint8_t v = 7;
	vm_map_t map = waits(unmap, false);

	ASSERT_EQ(vm_map_read_user(map, A, &v, 1), KERN_INVALID_ADDRESS);
	done(map);
	map = waits(protect, false);
	ASSERT_EQ(vm_map_write_user(map, &v, A, 1), KERN_PROTECTION_FAILURE);
	done(map);
	map = waits(NULL, false);
	ASSERT_EQ(vm_map_write_user(map, &v, A + P, 1), KERN_SUCCESS);
	ASSERT_LOAD(map, A + P, 7);
	ASSERT_LOAD(map, A + P + 1, 60);
	done(map);
}

TEST(memory_object, a_pager_that_takes_pages_away_at_once_ends_in_an_error)
{
	vm_map_t map = waits(flush, false);
	kern_return_t kr;

	supplied_and_flushed = 0;
	kr = fixture_load(map, A, &(uint8_t){ 0 });
	/* The answer that own_request gives after all may come in time, or never is enough. */
	ASSERT_TRUE(kr == KERN_SUCCESS || kr == KERN_MEMORY_ERROR);
	ASSERT_TRUE(supplied_and_flushed >= 1);
	done(map);
}

/* --- devices --- */

TEST(memory_object, device_memory_has_leaves_and_no_pages)
{
	vm_map_t map = fixture_map();
	struct pmap_walk w;
	uint8_t v;

	meanwhile = NULL;
	mo = memory_object_create(&own_ops, NULL, 4 * P, VM_PROT_DEFAULT);
	mo->phys_contiguous = mo->uncached = true;
	mo->phys = 0x10000000;
	ASSERT_EQ(map_at(map, A, mo, P, 3 * P, false), KERN_SUCCESS);
	ASSERT_EQ(vm_fault(map, A + P, VM_PROT_WRITE), KERN_SUCCESS);
	pmap_walk(map->pmap, A + P, &w);
	ASSERT_TRUE(w.leaf);
	ASSERT_EQ(w.pa, 0x10002000);
	ASSERT_EQ(w.prot, VM_PROT_DEFAULT);
	ASSERT_EQ(vm_map_read_user(map, A, &v, 1), KERN_MEMORY_ERROR);
	ASSERT_EQ(vm_protect(map, vm_address_u(A), vm_size_u(3 * P), false, VM_PROT_READ), KERN_SUCCESS);
	ASSERT_EQ(vm_fault(map, A + P, VM_PROT_WRITE), KERN_PROTECTION_FAILURE);
	ASSERT_EQ(map_at(map, B, mo, 0, P, true), KERN_NOT_SUPPORTED);
	ASSERT_EQ(vm_msync(map, vm_address_u(A), vm_size_u(P), VM_SYNC_SYNCHRONOUS), KERN_SUCCESS);
	ASSERT_EQ(vm_deallocate(map, vm_address_u(A), vm_size_u(3 * P)), KERN_SUCCESS);
	ASSERT_EQ(fixture_leaf(map, A + P), VM_PROT_NONE);
	done(map);
}

/* --- vm_msync --- */

static kern_return_t
msync(vm_map_t map, vm_offset_t addr, vm_size_t size, unsigned flags)
{
	return vm_msync(map, vm_address_u(addr), vm_size_u(size), flags);
}

TEST(vm_msync, synchronous_waits_for_the_pager)
{
	vm_map_t map = mapped(SIZE);
	uint64_t old = be_impatient();

	ASSERT_STORE(map, A + P, 1);
	ASSERT_EQ(msync(map, A, SIZE, VM_SYNC_ASYNCHRONOUS), KERN_SUCCESS);
	ASSERT_EQ(stored(P), 1);
	ASSERT_EQ(counts().syncs, 0);
	ASSERT_STORE(map, A + P, 2);
	ASSERT_EQ(msync(map, A + P, P, VM_SYNC_SYNCHRONOUS), KERN_SUCCESS);
	ASSERT_EQ(stored(P), 2);
	ASSERT_EQ(counts().syncs, 1);
	tell(PAGER_SYNCS, 0);
	ASSERT_EQ(msync(map, A + P, P, VM_SYNC_SYNCHRONOUS), KERN_MEMORY_ERROR);
	ASSERT_EQ(memory_object_synchronize_completed(mo, P, P), KERN_INVALID_ARGUMENT);
	/* Only what lies in the range. */
	ASSERT_STORE(map, A, 3);
	ASSERT_EQ(msync(map, A + P, P, 0), KERN_SUCCESS);
	ASSERT_EQ(stored(0), 0);
	tell(PAGER_DIE, KERN_FAILURE);
	ASSERT_EQ(msync(map, A, SIZE, VM_SYNC_SYNCHRONOUS), KERN_MEMORY_ERROR);
	memory_object_patience_us = old;
	done(map);
}

TEST(vm_msync, invalidate_drops_the_pages)
{
	vm_map_t map = mapped(SIZE);

	ASSERT_STORE(map, A, 1);
	ASSERT_EQ(msync(map, A, SIZE, VM_SYNC_SYNCHRONOUS | VM_SYNC_INVALIDATE), KERN_SUCCESS);
	ASSERT_EQ(mo->control->resident_page_count, 0);
	ASSERT_LOAD(map, A, 1);
	ASSERT_STORE(map, A, 2);
	ASSERT_EQ(msync(map, A, SIZE, VM_SYNC_INVALIDATE), KERN_SUCCESS);
	ASSERT_LOAD(map, A, 1);
	done(map);
}

TEST(vm_msync, memory_without_a_pager_can_be_killed_or_aged)
{
	vm_map_t map = fixture_map(), child;
	vm_map_entry_t e;

	ASSERT_TRUE(fixture_allocate(map, A, 4 * P));
	ASSERT_STORE(map, A, 1);
	ASSERT_STORE(map, A + P, 2);
	ASSERT_EQ(msync(map, A, 4 * P, VM_SYNC_SYNCHRONOUS | VM_SYNC_INVALIDATE), KERN_SUCCESS);
	ASSERT_LOAD(map, A, 1);
	ASSERT_TRUE(vm_map_lookup_entry(map, A, &e));
	ASSERT_EQ(msync(map, A, 4 * P, VM_SYNC_DEACTIVATE), KERN_SUCCESS);
	ASSERT_FALSE(pmap_is_referenced(vm_page_lookup(e->object.vm_object, 0)));
	child = vm_map_fork(map);
	ASSERT_EQ(msync(map, A, P, VM_SYNC_KILLPAGES), KERN_SUCCESS);
	ASSERT_LOAD(map, A, 1);         /* the child has a claim on it */
	vm_map_deallocate(child);
	ASSERT_EQ(msync(map, A, P, VM_SYNC_KILLPAGES), KERN_SUCCESS);
	ASSERT_LOAD(map, A, 0);
	ASSERT_LOAD(map, A + P, 2);
	ASSERT_EQ(vm_wire(map, vm_address_u(A + P), vm_size_u(P), VM_PROT_READ), KERN_SUCCESS);
	ASSERT_EQ(msync(map, A, 4 * P, VM_SYNC_KILLPAGES), KERN_SUCCESS);
	ASSERT_LOAD(map, A + P, 2);
	ASSERT_TRUE(fixture_sound(map, NULL));
	vm_map_deallocate(map);
}

TEST(vm_msync, holes)
{
	vm_map_t map = mapped(2 * P);
	unsigned before;

	ASSERT_TRUE(fixture_allocate(map, A + 4 * P, P));
	ASSERT_STORE(map, A, 1);
	ASSERT_STORE(map, A + 4 * P, 2);
	ASSERT_EQ(msync(map, A - 8 * P, 16 * P, VM_SYNC_ASYNCHRONOUS), KERN_SUCCESS);
	ASSERT_EQ(stored(0), 1);
	ASSERT_STORE(map, A, 3);
	ASSERT_EQ(msync(map, A, 16 * P, VM_SYNC_ASYNCHRONOUS | VM_SYNC_CONTIGUOUS), KERN_INVALID_ADDRESS);
	ASSERT_EQ(stored(0), 3);        /* it is done all the same */
	ASSERT_EQ(msync(map, A, 2 * P, VM_SYNC_ASYNCHRONOUS | VM_SYNC_CONTIGUOUS), KERN_SUCCESS);
	before = (unsigned)counts().returns;
	ASSERT_EQ(msync(map, A + 2 * P, 3 * P, VM_SYNC_KILLPAGES), KERN_SUCCESS);
	ASSERT_LOAD(map, A + 4 * P, 2); /* it stopped at the hole */
	ASSERT_EQ(msync(map, A + 4 * P, P, VM_SYNC_KILLPAGES), KERN_SUCCESS);
	ASSERT_LOAD(map, A + 4 * P, 0);
	ASSERT_EQ(counts().returns, before);
	done(map);
}

static void
unmap_hook(const char *where, vm_map_t map)
{
	if (strcmp(where, "vm_map_msync.pager") == 0) {
		vm_relock_hook = NULL;
		(void)vm_deallocate(map, vm_address_u(B), vm_size_u(P));
	}
}

TEST(vm_msync, goes_on_by_address_when_the_map_changes)
{
	vm_map_t map = mapped(2 * P);

	ASSERT_EQ(map_at(map, A + 2 * P, mo, 0, 2 * P, false), KERN_SUCCESS);
	ASSERT_TRUE(fixture_allocate(map, B, P));
	ASSERT_STORE(map, A + 3 * P, 5);
	vm_relock_hook = unmap_hook;
	ASSERT_EQ(msync(map, A, B + P - A, VM_SYNC_ASYNCHRONOUS), KERN_SUCCESS);
	ASSERT_TRUE(vm_relock_hook == NULL);
	ASSERT_EQ(stored(P), 5);
	done(map);
}

/* --- other ways to a pager's pages --- */

TEST(memory_object, wiring_brings_the_pages_or_nothing)
{
	vm_map_t map = mapped(4 * P);

	tell(PAGER_FILL, 1);
	ASSERT_EQ(vm_wire(map, vm_address_u(A), vm_size_u(2 * P), VM_PROT_READ), KERN_SUCCESS);
	ASSERT_EQ(counts().requests, 2);
	ASSERT_TRUE(fixture_sound(map, NULL));
	tell(PAGER_FAIL, KERN_FAILURE);
	ASSERT_EQ(vm_wire(map, vm_address_u(A), vm_size_u(4 * P), VM_PROT_READ), KERN_MEMORY_ERROR);
	tell(PAGER_FLUSH, 1);
	ASSERT_LOAD(map, A + P, 2);     /* wired pages stay */
	ASSERT_EQ(vm_wire(map, vm_address_u(A), vm_size_u(2 * P), VM_PROT_NONE), KERN_SUCCESS);
	tell(PAGER_FLUSH, 1);
	ASSERT_EQ(mo->control->resident_page_count, 0);
	done(map);
}

/* The copy's own object copies symmetrically, but is wired; the pager is below it. */
TEST(memory_object, a_wired_private_copy_is_inherited)
{
	vm_map_t map = fixture_map(), child;

	ASSERT_EQ(pager_test_create(SIZE, &mo), KERN_SUCCESS);
	tell(PAGER_FILL, 7);
	ASSERT_EQ(map_at(map, A, mo, 0, SIZE, true), KERN_SUCCESS);
	ASSERT_EQ(vm_wire(map, vm_address_u(A + P), vm_size_u(2 * P), VM_PROT_DEFAULT), KERN_SUCCESS);
	ASSERT_STORE(map, A + P, 99);
	child = vm_map_fork(map);
	ASSERT_TRUE(child != NULL);
	ASSERT_STORE(map, A + P, 98);
	ASSERT_LOAD(child, A, 7);
	ASSERT_LOAD(child, A + P, 99);
	ASSERT_LOAD(child, A + 2 * P, 9);
	ASSERT_TRUE(fixture_sound(map, child, NULL));
	vm_map_deallocate(child);
	done(map);
}

TEST(memory_object, vm_read_and_vm_write_reach_the_pager)
{
	vm_map_t map = mapped(4 * P), into = fixture_map();
	vm_address_ut at;
	vm_size_ut n;

	tell(PAGER_FILL, 1);
	ASSERT_EQ(vm_read(map, vm_address_u(A), vm_size_u(4 * P), into, &at, &n), KERN_SUCCESS);
	ASSERT_STORE(map, A, 9);
	ASSERT_LOAD(into, at.v, 1);
	ASSERT_LOAD(into, at.v + 3 * P, 4);
	ASSERT_STORE(into, at.v + P, 77);
	ASSERT_EQ(vm_write(map, vm_address_u(A + 2 * P), into, vm_address_u(at.v + P), vm_size_u(P)), KERN_SUCCESS);
	ASSERT_LOAD(map, A + 2 * P, 77);
	ASSERT_EQ(msync(map, A, 4 * P, VM_SYNC_SYNCHRONOUS), KERN_SUCCESS);
	ASSERT_EQ(stored(2 * P), 77);
	vm_map_deallocate(into);
	done(map);
}

/* Everything that one pager is for; the n-th allocation fails. */
static kern_return_t
one_life(vm_map_t map, uint64_t n)
{
	kern_return_t kr;
	uint8_t v = 0;

	mo = NULL;
	vm_alloc_fail_at(n, false);
	kr = pager_test_create(SIZE, &mo);
	if (kr != KERN_SUCCESS)
		return kr;
	kr = map_at(map, A, mo, 0, SIZE, false);
	if (kr == KERN_SUCCESS)
		kr = fixture_load(map, A, &v);
	if (kr == KERN_SUCCESS)
		kr = fixture_store(map, A + P, 3);
	if (kr == KERN_SUCCESS)
		kr = map_at(map, B, mo, 0, SIZE, true);
	if (kr == KERN_SUCCESS)
		kr = fixture_store(map, A, 4);
	if (kr == KERN_SUCCESS)
		kr = msync(map, A, SIZE, VM_SYNC_SYNCHRONOUS | VM_SYNC_INVALIDATE);
	return kr;
}

TEST(memory_object, shortage_leaves_everything_as_it_was)
{
	vm_map_t map = fixture_map();
	unsigned failures = 0;
	bool fired = true;

	for (uint64_t n = 1; fired; n++) {
		kern_return_t kr = one_life(map, n);

		fired = vm_alloc_fail_countdown == 0;
		vm_alloc_fail_at(0, false);
		ASSERT_TRUE(kr == KERN_SUCCESS || kr == KERN_RESOURCE_SHORTAGE);
		if (kr == KERN_SUCCESS && counts().lost == 0)
			ASSERT_EQ(stored(P), 3);
		failures += kr != KERN_SUCCESS;
		ASSERT_TRUE(fixture_sound(map, NULL));
		ASSERT_EQ(vm_deallocate(map, vm_address_u(A), vm_size_u(B + SIZE - A)), KERN_SUCCESS);
		if (kr == KERN_SUCCESS || mo != NULL)
			memory_object_release(mo);
		mo = NULL;
	}
	ASSERT_TRUE(failures > 3);
	vm_map_deallocate(map);
}

TEST(memory_object, a_map_may_do_without_zeros)
{
	vm_map_t map = fixture_map();
	vm_map_entry_t e;

	map->no_zero_fill = true;
	ASSERT_TRUE(fixture_allocate(map, A, 2 * P));
	ASSERT_STORE(map, A, 1);
	ASSERT_LOAD(map, A, 1);
	ASSERT_TRUE(vm_map_lookup_entry(map, A, &e));
	ASSERT_TRUE(e->object.vm_object->no_zero_fill);
	ASSERT_TRUE(fixture_sound(map, NULL));
	vm_map_deallocate(map);
}
