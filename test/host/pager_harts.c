/*
 * pager_harts.c: several threads and one pager.
 *
 * Threads stand for harts (host.h). The pager holds its requests until a thread
 * answers them, dies, or is asked for what others write.
 */
#include <string.h>
#include <unistd.h>
#include <base/wait.h>
#include <kernel/pager.h>
#include <host.h>
#include "../unit/vm_fixture.h"

#define A       (64 * M)
#define SIZE    (8 * P)
#define UNSET   (-1)            /* a result that has not come */

static vm_map_t        map;
static memory_object_t mo;
static kern_return_t   result[8];
static uint8_t         value[8];
static unsigned        wrong;

static bool
setup(void)
{
	vm_address_ut a = vm_address_u(A);
	struct vm_map_user_args args = {
		.size = vm_size_u(SIZE), .cur = VM_PROT_DEFAULT, .max = VM_PROT_ALL, .inheritance = VM_INHERIT_DEFAULT,
	};

	map = fixture_map();
	if (pager_test_create(SIZE, &mo) != KERN_SUCCESS)
		return false;
	args.pager = mo;
	return vm_map_user(map, &a, &args) == KERN_SUCCESS && pager_test_control(mo, PAGER_FILL, 1) == KERN_SUCCESS;
}

static void
end(void)
{
	ASSERT_TRUE(fixture_sound(map, NULL));
	vm_map_deallocate(map);
	memory_object_release(mo);
}

static struct pager_test_counts
counts(void)
{
	struct pager_test_counts c = { 0 };

	(void)pager_test_counts(mo, &c);
	return c;
}

/* Until n threads wait for pages of the object. */
static void
until_waiting(unsigned n)
{
	while (__atomic_load_n(&mo->control->absent_count, __ATOMIC_SEQ_CST) < n)
		usleep(100);
}

/* --- one answer for all --- */

static void
hart_all_wait(unsigned hart, void *arg)
{
	unsigned waiters = *(unsigned *)arg;

	if (hart < waiters) {
		result[hart] = hart % 2 == 0 ? fixture_load(map, A + P, &value[hart]) : vm_map_read_user(map, A + P, &value[hart], 1);
		return;
	}
	until_waiting(waiters);
	(void)pager_test_control(mo, PAGER_ANSWER, 0);
}

TEST(pager_parallel, one_request_serves_all_who_wait)
{
	unsigned waiters = 5;

	ASSERT_TRUE(setup());
	ASSERT_EQ(pager_test_control(mo, PAGER_HOLD, 1), KERN_SUCCESS);
	host_run_harts(waiters + 1, hart_all_wait, &waiters);
	for (unsigned i = 0; i < waiters; i++) {
		ASSERT_EQ(result[i], KERN_SUCCESS);
		ASSERT_EQ(value[i], 2);
	}
	ASSERT_EQ(counts().requests, 1);
	end();
}

/* A request that covers many pages is answered for the first one only: the others ask for themselves. */
static void
hart_partial(unsigned hart, void *arg)
{
	static uint8_t page[PAGE_SIZE];

	(void)arg;
	if (hart < 3) {
		if (hart != 0)
			until_waiting(1);
		result[hart] = fixture_load(map, A + hart * P, &value[hart]);
		return;
	}
	until_waiting(3);
	(void)pager_test_control(mo, PAGER_HOLD, 0);
	memset(page, 90, sizeof(page));
	(void)memory_object_data_supply(mo, counts().offset, page, P, VM_PROT_NONE, false);
}

TEST(pager_parallel, half_an_answer_leaves_nobody_waiting)
{
	uint64_t began;

	ASSERT_TRUE(setup());
	ASSERT_EQ(memory_object_change_attributes(mo, MEMORY_OBJECT_PERFORMANCE_INFO,
	    &(struct memory_object_perf_info){ SIZE, 0 }, MEMORY_OBJECT_PERF_INFO_COUNT), KERN_SUCCESS);
	ASSERT_EQ(pager_test_control(mo, PAGER_HOLD, 1), KERN_SUCCESS);
	began = wait_clock_us();
	host_run_harts(4, hart_partial, NULL);
	ASSERT_TRUE(wait_clock_us() - began < memory_object_patience_us / 2);
	for (unsigned i = 0; i < 3; i++) {
		ASSERT_EQ(result[i], KERN_SUCCESS);
		ASSERT_TRUE(value[i] == 90 || value[i] == 1 + i);
	}
	end();
}

/* --- ends of waits --- */

static void
hart_die(unsigned hart, void *arg)
{
	(void)arg;
	if (hart < 3) {
		result[hart] = hart == 2 ? vm_map_write_user(map, "", A + hart * P, 1) : fixture_load(map, A + hart * P, &value[hart]);
		return;
	}
	until_waiting(3);
	(void)pager_test_control(mo, PAGER_DIE, KERN_FAILURE);
}

TEST(pager_parallel, death_ends_every_wait)
{
	uint64_t began = wait_clock_us();

	ASSERT_TRUE(setup());
	ASSERT_EQ(pager_test_control(mo, PAGER_HOLD, 1), KERN_SUCCESS);
	host_run_harts(4, hart_die, NULL);
	ASSERT_TRUE(wait_clock_us() - began < memory_object_patience_us / 2);
	for (unsigned i = 0; i < 3; i++)
		ASSERT_EQ(result[i], KERN_MEMORY_ERROR);
	end();
}

static void
hart_abort(unsigned hart, void *arg)
{
	(void)arg;
	if (hart < 2) {
		__atomic_store_n(&result[hart], fixture_load(map, A, &value[hart]), __ATOMIC_SEQ_CST);
		return;
	}
	until_waiting(2);
	host_abort(true);
	/* Not until nobody waits: whoever relied on the other's request asks again in between, and is told again. */
	while (__atomic_load_n(&result[0], __ATOMIC_SEQ_CST) == UNSET || __atomic_load_n(&result[1], __ATOMIC_SEQ_CST) == UNSET)
		usleep(100);
	host_abort(false);
	(void)pager_test_control(mo, PAGER_ANSWER, 0);
}

TEST(pager_parallel, a_thread_that_is_to_end_waits_no_longer)
{
	ASSERT_TRUE(setup());
	ASSERT_EQ(pager_test_control(mo, PAGER_HOLD, 1), KERN_SUCCESS);
	result[0] = result[1] = UNSET;
	host_run_harts(3, hart_abort, NULL);
	ASSERT_EQ(result[0], KERN_ABORTED);
	ASSERT_EQ(result[1], KERN_ABORTED);
	/* The answer came all the same, for whoever is next. */
	ASSERT_EQ(pager_test_control(mo, PAGER_NEVER, 1), KERN_SUCCESS);
	ASSERT_LOAD(map, A, 1);
	end();
}

static void
hart_ready(unsigned hart, void *arg)
{
	vm_address_ut a = vm_address_u(A);
	struct vm_map_user_args args = {
		.size = vm_size_u(SIZE), .cur = VM_PROT_DEFAULT, .max = VM_PROT_ALL, .pager = mo, .flags = VM_FLAGS_ANYWHERE,
	};

	(void)arg;
	if (hart < 3) {
		result[hart] = vm_map_user(map, &a, &args);
		return;
	}
	for (unsigned n = 0; n < 3; usleep(100)) {
		spin_lock(&mo->lock);
		n = mo->mapping;
		spin_unlock(&mo->lock);
	}
	(void)pager_test_control(mo, PAGER_READY, 1);
}

TEST(pager_parallel, all_mappings_wait_until_the_pager_is_ready)
{
	map = fixture_map();
	ASSERT_EQ(pager_test_create(SIZE, &mo), KERN_SUCCESS);
	ASSERT_EQ(pager_test_control(mo, PAGER_READY, 0), KERN_SUCCESS);
	host_run_harts(4, hart_ready, NULL);
	for (unsigned i = 0; i < 3; i++)
		ASSERT_EQ(result[i], KERN_SUCCESS);
	ASSERT_EQ(counts().inits, 1);
	end();
}

/* --- stores are never lost --- */

#define ROUNDS  400u

static unsigned flushes, stored;        /* rounds of the fourth; of the three, those that are done */

/*
 * Each of three threads counts in its own byte of every page; a fourth cleans and
 * flushes for as long. Half way each of the three waits for a round that began
 * after its store: some page is dirty then, however the harts are run.
 */
static void
hart_store(unsigned hart, void *arg)
{
	uint8_t mine[SIZE / P] = { 0 }, v;

	(void)arg;
	if (hart == 3) {
		for (unsigned i = 0; i < ROUNDS || __atomic_load_n(&stored, __ATOMIC_SEQ_CST) < 3; i++) {
			(void)pager_test_control(mo, i % 3 == 0 ? PAGER_CLEAN : PAGER_FLUSH, 0);
			__atomic_fetch_add(&flushes, 1, __ATOMIC_SEQ_CST);
		}
		return;
	}
	for (unsigned i = 0; i < ROUNDS; i++) {
		unsigned page = (i * 7 + hart) % (SIZE / P);
		vm_offset_t va = A + page * P + 8 * hart;

		if (vm_map_read_user(map, va, &v, 1) != KERN_SUCCESS || v != mine[page])
			__atomic_fetch_add(&wrong, 1, __ATOMIC_RELAXED);
		mine[page]++;
		if (vm_map_write_user(map, &mine[page], va, 1) != KERN_SUCCESS)
			__atomic_fetch_add(&wrong, 1, __ATOMIC_RELAXED);
		(void)vm_fault(map, va, i % 2 ? VM_PROT_WRITE : VM_PROT_READ);
		if (i == ROUNDS / 2)
			for (unsigned seen = __atomic_load_n(&flushes, __ATOMIC_SEQ_CST);
			    __atomic_load_n(&flushes, __ATOMIC_SEQ_CST) < seen + 2;)
				hart_relax();
	}
	__atomic_fetch_add(&stored, 1, __ATOMIC_SEQ_CST);
}

TEST(pager_parallel, no_store_is_lost_between_flushes)
{
	ASSERT_TRUE(setup());
	ASSERT_EQ(pager_test_control(mo, PAGER_FILL, 0), KERN_SUCCESS);
	wrong = flushes = stored = 0;
	host_jitter = true;
	host_run_harts(4, hart_store, NULL);
	host_jitter = false;
	ASSERT_EQ(wrong, 0);
	ASSERT_TRUE(counts().returns > 0);
	end();
}

/* Mapping and unmapping race: terminate and init alternate, and never overlap. */
static void
hart_remap(unsigned hart, void *arg)
{
	struct vm_map_user_args args = {
		.size = vm_size_u(SIZE), .cur = VM_PROT_DEFAULT, .max = VM_PROT_ALL, .pager = mo, .flags = VM_FLAGS_ANYWHERE,
	};

	(void)arg;
	for (unsigned i = 0; i < ROUNDS / 2; i++) {
		vm_address_ut a = vm_address_u(A);
		uint8_t v = (uint8_t)i;

		if (vm_map_user(map, &a, &args) != KERN_SUCCESS ||
		    vm_map_write_user(map, &v, a.v + 8 * hart, 1) != KERN_SUCCESS ||
		    vm_deallocate(map, a, vm_size_u(SIZE)) != KERN_SUCCESS ||
		    vm_map_user(map, &a, &args) != KERN_SUCCESS ||
		    vm_map_read_user(map, a.v + 8 * hart, &v, 1) != KERN_SUCCESS || v != (uint8_t)i ||
		    vm_deallocate(map, a, vm_size_u(SIZE)) != KERN_SUCCESS)
			__atomic_fetch_add(&wrong, 1, __ATOMIC_RELAXED);
	}
}

TEST(pager_parallel, the_last_mapping_and_the_next_first_one)
{
	struct pager_test_counts c;

	map = fixture_map();
	ASSERT_EQ(pager_test_create(SIZE, &mo), KERN_SUCCESS);
	wrong = 0;
	host_jitter = true;
	host_run_harts(3, hart_remap, NULL);
	host_jitter = false;
	ASSERT_EQ(wrong, 0);
	c = counts();
	ASSERT_EQ(c.inits, c.terminates);
	end();
}
