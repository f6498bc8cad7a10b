/*
 * test_relock.c: forced schedules. Wherever an operation has given up a map's
 * lock in its middle (VM_RELOCK_POINT), another one happens just there.
 *
 *   hart 0   victim ──────── point ┐            ┌ goes on, must check everything anew
 *   hart 1          waits          └─ intruder ─┘ to its end, or until it sleeps for the victim
 *
 * Every victim meets every intruder. Whatever comes first: no panic, invariants
 * hold, bytes are old, new or zero, and all memory comes back (the runner counts
 * it). `points` must name every relock point (test/static compares), and each
 * must have been reached.
 */
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include <mm/memory_object.h>
#include <mm/vm_map_copy.h>
#include <mm/vm_map_range.h>
#include <mm/vm_map_stack.h>
#include <vm_map_impl.h>
#include <host.h>
#include "../unit/vm_fixture.h"

#define R       (64 * M)        /* what victims and intruders are about */
#define N       8               /* pages of it */
#define SPARE   (96 * M)        /* bytes to copy from; there for ever */
#define OLD     0x11
#define NEW     0x22

static const char *const points[] = {
	"vm_fault.pager", "vm_fault_wire.page", "vm_map_behavior.zero", "vm_map_copy_overwrite.prepared",
	"vm_map_copy_overwrite.unnest", "vm_map_enter.space", "vm_map_fork.copy", "vm_map_gather.slow",
	"vm_map_lookup.again", "vm_map_lookup.copy_window", "vm_map_lookup.grown", "vm_map_msync.pager", "vm_map_msync.submap",
	"vm_map_remove.unwired", "vm_map_stack.fault", "vm_map_submap.last_reference", "vm_map_submap.unnest_copy",
	"vm_map_transition.settle", "vm_map_wire.pages", "vm_map_wire.runs", "vm_named_entry_range.cure",
};
static bool reached[nitems(points)];

/* One meeting of the two. */
static struct {
	vm_map_t    map;
	vm_map_t    child;              /* of a victim that forks */
	memory_object_t mo;
	const struct victim *victim;
	const struct intruder *intruder;
	int         at_point, over, done;       /* atomic */
} now;

/* --- what there is to meet on --- */

static vm_offset_t page(unsigned i) { return R + i * P; }

static uint32_t strategy;

static void
own_init(memory_object_t mo)
{
	struct memory_object_attr_info info = { strategy, P, 0, 0 };

	(void)memory_object_change_attributes(mo, MEMORY_OBJECT_ATTRIBUTE_INFO, &info, MEMORY_OBJECT_ATTR_INFO_COUNT);
}

static void
own_request(memory_object_t mo, vm_object_offset_t offset, vm_size_t length, vm_prot_t access)
{
	uint8_t data[P];

	(void)length;
	(void)access;
	memset(data, OLD, P);
	(void)memory_object_data_supply(mo, offset, data, P, VM_PROT_NONE, false);
}

static const struct memory_object_ops own_ops = {
	.name = "own", .init = own_init, .data_request = own_request,
};

static bool
store_all(vm_offset_t addr, uint8_t value)
{
	for (unsigned i = 0; i < N; i++)
		if (fixture_store(now.map, addr + i * P, value) != KERN_SUCCESS)
			return false;
	return true;
}

static bool plain(void) { return fixture_allocate(now.map, R, N * P) && store_all(R, OLD); }

/* Three runs to wire: a hole, and a page without rights. */
static bool
runs(void)
{
	return plain() && vm_deallocate(now.map, vm_address_u(page(2)), vm_size_u(P)) == KERN_SUCCESS &&
	    vm_protect(now.map, vm_address_u(page(5)), vm_size_u(P), false, VM_PROT_NONE) == KERN_SUCCESS;
}

static bool
kernel_wired(void)
{
	return plain() && vm_map_wire(now.map, page(2), page(4), VM_PROT_READ, false) == KERN_SUCCESS;
}

static kern_return_t
remap(vm_offset_t from, bool copy)
{
	struct vm_remap_user_args a = { .size = vm_size_u(N * P), .flags = VM_FLAGS_ANYWHERE, .src = now.map,
	    .src_addr = vm_address_u(from), .copy = copy, .inheritance = VM_INHERIT_COPY };
	vm_address_ut at = vm_address_u(128 * M);
	vm_prot_t cur, max;

	return vm_remap(now.map, &at, &a, &cur, &max);
}

static bool
pager_of(uint32_t copies)
{
	struct vm_map_user_args a = { .size = vm_size_u(N * P), .flags = VM_FLAGS_FIXED, .cur = VM_PROT_DEFAULT,
	    .max = VM_PROT_ALL, .inheritance = VM_INHERIT_COPY };
	vm_address_ut at = vm_address_u(R);

	strategy = copies;
	a.pager = now.mo = memory_object_create(&own_ops, NULL, N * P, VM_PROT_ALL);
	return now.mo != NULL && vm_map_user(now.map, &at, &a) == KERN_SUCCESS;
}

static bool pager(void) { return pager_of(MEMORY_OBJECT_COPY_DELAY); }
/* Copies of it are made at once, with every page fetched. */
static bool pager_at_once(void) { return pager_of(MEMORY_OBJECT_COPY_NONE); }

static bool
pager_dirty(void)
{
	return pager() && fixture_store(now.map, page(2), OLD) == KERN_SUCCESS;
}

/* A window on a submap whose entry is wired there, so that a copy of it takes the slow way. */
static bool
window_of(bool copy, bool slow, bool keep)
{
	struct vm_map_enter_args args = { .size = N * P, .needs_copy = copy, .cur = VM_PROT_DEFAULT, .max = VM_PROT_ALL,
	    .inheritance = VM_INHERIT_SHARE };
	vm_map_t sub = vm_map_create(PMAP_NULL, 0, N * P, true);
	vm_offset_t at = R;
	bool good;

	good = sub != NULL && fixture_allocate(sub, 0, N * P);
	for (unsigned i = 0; good && i < N; i++) {
		static const uint8_t old = OLD;

		good = vm_map_write_user(sub, &old, i * P, 1) == KERN_SUCCESS;
	}
	if (good && slow)       /* shared there: an asymmetric copy, outside of the locks */
		good = vm_inherit(sub, vm_address_u(0), vm_size_u(N * P), VM_INHERIT_SHARE) == KERN_SUCCESS &&
		    vm_map_wire(sub, 0, N * P, VM_PROT_READ, false) == KERN_SUCCESS;
	good = good && vm_map_enter_submap(now.map, &at, &args, sub, false) == KERN_SUCCESS;
	if (good && slow && !keep)
		good = vm_map_unwire(sub, 0, N * P, false) == KERN_SUCCESS;
	vm_map_deallocate(sub);
	return good;
}

static bool window(void) { return window_of(false, false, false); }
static bool copied_window(void) { return window_of(true, false, false); }
static bool slow_window(void) { return window_of(true, true, true); }

/* Nothing is free in the map any more, and whoever wants space waits for it. */
static bool
full(void)
{
	vm_address_ut at;

	if (!plain())
		return false;
	for (vm_size_t size = 1ul << 47; size >= P; size /= 2)
		while (at = vm_address_u(0), vm_allocate(now.map, &at, vm_size_u(size), VM_FLAGS_ANYWHERE) == KERN_SUCCESS)
			;
	now.map->wait_for_space = true;
	return true;
}

/* The pages are the far end of a stack's gap; the first is its guard. */
static bool
stack(void)
{
	static const struct vm_map_new rw = { .prot = VM_PROT_DEFAULT, .max = VM_PROT_ALL };

	return plain() && vm_map_remove(now.map, R, page(N), VM_MAP_NO_FLAGS) == KERN_SUCCESS &&
	    vm_map_stack(now.map, R, M, &rw) == KERN_SUCCESS;
}

/* --- victims --- */

struct victim {
	const char *point;
	bool      (*setup)(void);
	kern_return_t (*run)(void);
	void      (*wake)(void);        /* the victim sleeps before its point: what lets it go on */
};

static kern_return_t read_fault(void) { return vm_fault(now.map, page(1), VM_PROT_READ); }
static kern_return_t write_fault(void) { return vm_fault(now.map, page(3), VM_PROT_WRITE); }
static kern_return_t wire(void) { return vm_wire(now.map, vm_address_u(page(1)), vm_size_u(4 * P), VM_PROT_READ); }
static kern_return_t
wire_runs(void)
{
	return vm_map_bsd_wire(now.map, R, page(N + 4), VM_MAP_WIRE_USER | VM_MAP_WIRE_HOLESOK);
}

static kern_return_t
lookup_grown(void)
{
	struct vm_map_lookup l;
	kern_return_t kr = vm_map_lookup(now.map, page(3), VM_PROT_WRITE | VM_PROT_FAULT_LOOKUP, &l);

	if (kr == KERN_SUCCESS)
		vm_map_lookup_done(now.map, &l);
	return kr;
}

static kern_return_t zero(void) { return vm_behavior_set(now.map, vm_address_u(page(1)), vm_size_u(4 * P), VM_BEHAVIOR_ZERO); }
static kern_return_t copy_over(void) { return vm_copy(now.map, vm_address_u(SPARE), vm_size_u(3 * P), vm_address_u(page(1))); }
/* Whole pages go by reference, the edges by bytes. */
static kern_return_t copy_edges(void) { return vm_copy(now.map, vm_address_u(SPARE + 8), vm_size_u(5 * P), vm_address_u(page(1) + 8)); }

static kern_return_t
read_out(void)
{
	vm_address_ut data;
	vm_size_ut count;

	return vm_read(now.map, vm_address_u(page(1)), vm_size_u(5 * P), now.map, &data, &count);
}

static kern_return_t
fork_it(void)
{
	now.child = vm_map_fork(now.map);
	return now.child != NULL ? KERN_SUCCESS : KERN_RESOURCE_SHORTAGE;
}

static kern_return_t
allocate(void)
{
	vm_address_ut at = vm_address_u(0);

	return vm_allocate(now.map, &at, vm_size_u(2 * P), VM_FLAGS_ANYWHERE);
}
static void make_room(void) { (void)vm_deallocate(now.map, vm_address_u(page(4)), vm_size_u(4 * P)); }

static kern_return_t sync_pages(void) { return vm_msync(now.map, vm_address_u(R), vm_size_u(N * P), VM_SYNC_SYNCHRONOUS); }
static kern_return_t remove_wired(void) { return vm_map_remove(now.map, R, page(N), VM_MAP_REMOVE_WAIT_FOR_KWIRE); }
static void unwire_kernel(void) { (void)vm_map_unwire(now.map, page(2), page(4), false); }

static kern_return_t
entry_of_range(void)
{
	vm_size_ut size = vm_size_u(4 * P);
	vm_named_entry_t ne;
	kern_return_t kr;

	kr = mach_make_memory_entry(now.map, &size, vm_address_u(page(1)), VM_PROT_DEFAULT, &ne, NULL);
	if (kr == KERN_SUCCESS)
		vm_named_entry_release(ne);
	return kr;
}

static const struct victim victims[] = {
	{ "vm_fault.pager", pager, read_fault, NULL },
	{ "vm_fault_wire.page", pager, wire, NULL },
	{ "vm_map_wire.pages", plain, wire, NULL },
	{ "vm_map_wire.pages", window, wire, NULL },
	{ "vm_map_wire.runs", runs, wire_runs, NULL },
	{ "vm_map_lookup.grown", stack, lookup_grown, NULL },
	{ "vm_map_behavior.zero", plain, zero, NULL },
	{ "vm_map_copy_overwrite.prepared", plain, copy_edges, NULL },
	{ "vm_map_copy_overwrite.unnest", copied_window, copy_over, NULL },
	{ "vm_map_enter.space", full, allocate, make_room },
	{ "vm_map_fork.copy", pager_at_once, fork_it, NULL },
	{ "vm_map_gather.slow", pager_at_once, read_out, NULL },
	{ "vm_map_lookup.again", copied_window, write_fault, NULL },
	{ "vm_map_lookup.copy_window", copied_window, write_fault, NULL },
	{ "vm_map_submap.unnest_copy", slow_window, write_fault, NULL },
	{ "vm_map_submap.last_reference", copied_window, copy_over, NULL },
	{ "vm_map_msync.pager", pager_dirty, sync_pages, NULL },
	{ "vm_map_msync.submap", window, sync_pages, NULL },
	{ "vm_map_remove.unwired", kernel_wired, remove_wired, unwire_kernel },
	{ "vm_map_stack.fault", stack, write_fault, NULL },
	{ "vm_named_entry_range.cure", copied_window, entry_of_range, NULL },
};

/* --- intruders --- */

struct intruder {
	const char *name;
	void      (*run)(void);
};

static void nothing(void) { }
static void unmap(void) { (void)vm_deallocate(now.map, vm_address_u(R), vm_size_u(N * P)); }
static void unmap_part(void) { (void)vm_deallocate(now.map, vm_address_u(page(2)), vm_size_u(P)); }
static void protect_none(void) { (void)vm_protect(now.map, vm_address_u(R), vm_size_u(N * P), false, VM_PROT_NONE); }
static void protect_read(void) { (void)vm_protect(now.map, vm_address_u(page(1)), vm_size_u(2 * P), true, VM_PROT_READ); }
static void private_copy(void) { (void)vm_protect(now.map, vm_address_u(page(1)), vm_size_u(3 * P), false, VM_PROT_DEFAULT | VM_PROT_COPY); }
static void copy_here(void) { (void)vm_copy(now.map, vm_address_u(SPARE), vm_size_u(3 * P), vm_address_u(page(1))); }
static void wire_more(void) { (void)vm_wire(now.map, vm_address_u(R), vm_size_u(N * P), VM_PROT_READ); }
static void wire_with_holes(void) { (void)wire_runs(); }
static void unwire_all(void) { (void)vm_wire(now.map, vm_address_u(R), vm_size_u(N * P), VM_PROT_NONE); }
static void share_again(void) { (void)remap(R, false); }
static void write_it(void) { (void)vm_fault(now.map, page(3), VM_PROT_WRITE); }

static void
overwrite(void)
{
	vm_address_ut at = vm_address_u(R);

	(void)vm_allocate(now.map, &at, vm_size_u(N * P), VM_FLAGS_FIXED | VM_FLAGS_OVERWRITE);
}

static void
fork_and_end(void)
{
	vm_map_deallocate(vm_map_fork(now.map));
}

/* As the end of a task empties its map. */
static void
terminate(void)
{
	(void)vm_map_remove(now.map, now.map->min_offset, now.map->max_offset, VM_MAP_NO_FLAGS);
}

static const struct intruder intruders[] = {
	{ "nothing", nothing }, { "unmap", unmap }, { "unmap part", unmap_part }, { "protect none", protect_none },
	{ "protect, maximum", protect_read }, { "private copy", private_copy }, { "overwrite", overwrite }, { "copy", copy_here },
	{ "fork", fork_and_end }, { "wire", wire_more }, { "wire, with holes", wire_with_holes }, { "unwire", unwire_all }, { "share", share_again },
	{ "write", write_it }, { "terminate", terminate },
};

/* --- the meeting --- */

static void
hook(const char *where, vm_map_t map)
{
	(void)map;
	for (unsigned i = 0; i < nitems(points); i++)
		if (strcmp(points[i], where) == 0)
			reached[i] = true;
	if (host_hart != 0 || strcmp(where, now.victim->point) != 0 || __atomic_exchange_n(&now.at_point, 1, __ATOMIC_SEQ_CST))
		return;
	for (unsigned i = 0; i < 2000 && !__atomic_load_n(&now.done, __ATOMIC_ACQUIRE) && host_sleepers() == 0; i++)
		usleep(10);
}

static void
meet(unsigned hart, void *arg)
{
	kern_return_t *kr = arg;

	if (hart == 0) {
		*kr = now.victim->run();
		__atomic_store_n(&now.over, 1, __ATOMIC_RELEASE);
		return;
	}
	if (now.victim->wake != NULL) {
		while (host_sleepers() == 0 && !__atomic_load_n(&now.over, __ATOMIC_ACQUIRE))
			sched_yield();
		now.victim->wake();
	}
	while (!__atomic_load_n(&now.at_point, __ATOMIC_ACQUIRE) && !__atomic_load_n(&now.over, __ATOMIC_ACQUIRE))
		sched_yield();
	now.intruder->run();
	__atomic_store_n(&now.done, 1, __ATOMIC_RELEASE);
	/* The intruder may have taken what the victim was woken for. */
	while (now.victim->wake != NULL && !__atomic_load_n(&now.over, __ATOMIC_ACQUIRE)) {
		if (host_sleepers() != 0)
			now.victim->wake();
		sched_yield();
	}
}

/* Every byte that can be read is one that somebody put there. */
static bool
bytes_are_known(vm_map_t map)
{
	for (unsigned i = 0; i < N; i++) {
		uint8_t b = 0;

		if (vm_map_read_user(map, page(i), &b, 1) == KERN_SUCCESS && b != OLD && b != NEW && b != 0)
			return false;
	}
	return true;
}

static void
schedule(const struct victim *v, const struct intruder *i)
{
	kern_return_t kr = KERN_SUCCESS;

	memset(&now, 0, sizeof(now));
	now.victim = v;
	now.intruder = i;
	if (getenv("RELOCK_TRACE") != NULL)
		fprintf(stderr, "# %s, %s\n", v->point, i->name);
	now.map = fixture_map();
	ASSERT_TRUE(now.map != NULL && fixture_allocate(now.map, SPARE, N * P) && store_all(SPARE, NEW));
	ASSERT_TRUE(v->setup());
	vm_relock_hook = hook;
	host_run_harts(2, meet, &kr);
	vm_relock_hook = NULL;
	if (!now.at_point)
		test_fail(__FILE__, __LINE__, "%s: not reached (%s), intruder %s", v->point, kern_return_name(kr), i->name);
	if (kr == KERN_RESOURCE_SHORTAGE || !bytes_are_known(now.map) || !fixture_sound(now.map, now.child, NULL))
		test_fail(__FILE__, __LINE__, "%s and %s: %s", v->point, i->name, kern_return_name(kr));
	test_count_assertion();
	now.map->wait_for_space = false;
	if (v->wake == unwire_kernel)   /* what it left wired must not outlive the test */
		(void)vm_map_remove(now.map, R, page(N), VM_MAP_REMOVE_KUNWIRE);
	vm_map_deallocate(now.child);
	vm_map_deallocate(now.map);
	memory_object_release(now.mo);
}

TEST(relock, every_victim_meets_every_intruder)
{
	for (unsigned v = 0; v < nitems(victims); v++)
		for (unsigned i = 0; i < nitems(intruders) && !test_failed(); i++)
			schedule(&victims[v], &intruders[i]);
}

/* A protection waits while the range is being wired: what happens between its waking and its next look is anybody's. */
static kern_return_t protect_result;

static void
settle_hook(const char *where, vm_map_t map)
{
	hook(where, map);
	if (host_hart == 1 && strcmp(where, "vm_map_wire.pages") == 0) {
		__atomic_store_n(&now.over, 1, __ATOMIC_RELEASE);
		while (host_sleepers() == 0)
			sched_yield();
	} else if (host_hart == 0 && strcmp(where, "vm_map_transition.settle") == 0) {
		while (!__atomic_load_n(&now.done, __ATOMIC_ACQUIRE))
			sched_yield();
		now.intruder->run();
	}
}

static void
settle(unsigned hart, void *arg)
{
	(void)arg;
	if (hart == 1) {
		(void)wire();
		__atomic_store_n(&now.done, 1, __ATOMIC_RELEASE);
		return;
	}
	while (!__atomic_load_n(&now.over, __ATOMIC_ACQUIRE))
		sched_yield();
	protect_result = vm_protect(now.map, vm_address_u(page(2)), vm_size_u(P), false, VM_PROT_READ);
}

TEST(relock, protection_waits_for_wiring_and_looks_again)
{
	static const struct victim waits = { .point = "none" };

	for (unsigned i = 0; i < nitems(intruders); i++) {
		memset(&now, 0, sizeof(now));
		now.victim = &waits;
		now.intruder = &intruders[i];
		now.map = fixture_map();
		ASSERT_TRUE(now.map != NULL && fixture_allocate(now.map, SPARE, N * P) && store_all(SPARE, NEW) && plain());
		vm_relock_hook = settle_hook;
		host_run_harts(2, settle, NULL);
		vm_relock_hook = NULL;
		ASSERT_TRUE(bytes_are_known(now.map) && fixture_sound(now.map, NULL));
		ASSERT_TRUE(protect_result == KERN_SUCCESS || protect_result == KERN_INVALID_ADDRESS);
		vm_map_deallocate(now.map);
	}
}

/* Sorted last: the tests above have been everywhere. */
TEST(relock, tests_reach_every_point)
{
	for (unsigned i = 0; i < nitems(points); i++)
		if (!reached[i])
			test_fail(__FILE__, __LINE__, "%s was not reached", points[i]);
	test_count_assertion();
}
