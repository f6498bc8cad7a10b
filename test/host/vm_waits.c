/*
 * vm_waits.c: who waits for whom on a map: for entries in transition, for
 * wirings of the kernel to go, for space. Hart 0 begins an operation and stands
 * still where it has dropped the lock; hart 1 does what must wait for it.
 */
#include <unistd.h>
#include <host.h>
#include "../unit/vm_fixture.h"
#include "vm_map_impl.h"

#define A (64 * M)

static vm_map_t map;
static const char *halt_at;             /* name of the point where hart 0 stands still */
static unsigned halted, finished, early;
static kern_return_t results[2];

static unsigned
peek(unsigned *p)
{
	return __atomic_load_n(p, __ATOMIC_SEQ_CST);
}

static void
halt(const char *where, vm_map_t m)
{
	if (m != map || host_hart != 0 || halt_at == NULL || where != halt_at)
		return;
	halt_at = NULL;
	__atomic_store_n(&halted, 1, __ATOMIC_SEQ_CST);
	/* Long enough for the other to finish, if he does not wait. */
	for (int i = 0; i < 50 && !peek(&finished); i++)
		usleep(1000);
	early = peek(&finished);
}

struct meeting {
	kern_return_t (*first)(void);   /* stands still on its way */
	kern_return_t (*second)(void);
};

static void
meeting_hart(unsigned hart, void *arg)
{
	struct meeting *m = arg;

	if (hart == 0) {
		results[0] = m->first();
		return;
	}
	while (!peek(&halted))
		usleep(100);
	results[1] = m->second();
	__atomic_store_n(&finished, 1, __ATOMIC_SEQ_CST);
}

static void
meet(const char *where, kern_return_t (*first)(void), kern_return_t (*second)(void))
{
	struct meeting m = { first, second };

	halt_at = where;
	halted = finished = early = 0;
	vm_relock_hook = halt;
	host_run_harts(2, meeting_hart, &m);
	vm_relock_hook = NULL;
}

static bool
setup(void)
{
	map = fixture_map();
	return fixture_allocate(map, A, 4 * P) && fixture_store(map, A + P, 7) == KERN_SUCCESS;
}

static kern_return_t wire_all(void) { return vm_map_wire(map, A, A + 4 * P, VM_PROT_READ, true); }
static kern_return_t unwire_all(void) { return vm_map_unwire(map, A, A + 4 * P, true); }
static kern_return_t remove_part(void) { return vm_map_remove(map, A + P, A + 2 * P, 0); }
static kern_return_t protect_part(void) { return vm_map_protect(map, A + P, A + 2 * P, VM_PROT_READ, false); }
static kern_return_t protect_copy(void) { return vm_map_protect(map, A, A + 4 * P, VM_PROT_DEFAULT | VM_PROT_COPY, false); }
static kern_return_t zero_part(void) { return vm_map_behavior_set(map, A + P, A + 2 * P, VM_BEHAVIOR_ZERO); }

static kern_return_t
overwrite_part(void)
{
	vm_offset_t at = A + P;
	struct vm_map_enter_args args = {
		.size = P, .flags = VM_FLAGS_OVERWRITE, .cur = VM_PROT_DEFAULT, .max = VM_PROT_ALL,
		.inheritance = VM_INHERIT_DEFAULT,
	};

	return vm_map_enter(map, &at, &args);
}

/* The point's name as the code has it: they are compared by address. */
static const char *seen_wire;

static void
note(const char *where, vm_map_t m)
{
	(void)m;
	seen_wire = where;
}

static bool
find_point(void)
{
	vm_relock_hook = note;
	seen_wire = NULL;
	(void)wire_all();
	vm_relock_hook = NULL;
	return seen_wire != NULL && unwire_all() == KERN_SUCCESS;
}

#define WAITS_FOR_WIRING(second, after) \
	do { \
		ASSERT_TRUE(setup() && find_point()); \
		meet(seen_wire, wire_all, second); \
		ASSERT_EQ(halted, 1); \
		ASSERT_EQ(early, 0); \
		ASSERT_EQ(results[0], KERN_SUCCESS); \
		ASSERT_EQ(results[1], KERN_SUCCESS); \
		after; \
		ASSERT_EQ(map->transitions, 0); \
		ASSERT_TRUE(fixture_sound(map, NULL)); \
		vm_map_deallocate(map); \
	} while (0)

TEST(vm_waits, remove_waits_for_entries_being_wired)
{
	WAITS_FOR_WIRING(remove_part, ASSERT_EQ(map->user_wired_pages, 3));
}

TEST(vm_waits, wire_waits_for_entries_being_wired)
{
	WAITS_FOR_WIRING(wire_all, ASSERT_EQ(vm_map_first_entry(map)->user_wired_count, 2));
}

TEST(vm_waits, unwire_waits_for_entries_being_wired)
{
	WAITS_FOR_WIRING(unwire_all, ASSERT_EQ(map->user_wired_pages, 0));
}

TEST(vm_waits, protect_waits_for_entries_being_wired)
{
	WAITS_FOR_WIRING(protect_part, ASSERT_EQ(fixture_leaf(map, A + P), VM_PROT_READ));
}

TEST(vm_waits, protect_by_copy_waits_for_entries_being_wired)
{
	WAITS_FOR_WIRING(protect_copy, ASSERT_LOAD(map, A + P, 7));
}

/* The one who waits wants the first of two entries only: the other, which ends the transition, knows nothing of him. */
TEST(vm_waits, whoever_waits_for_one_entry_of_several_is_woken)
{
	ASSERT_TRUE(setup() && find_point());
	ASSERT_EQ(vm_map_inherit(map, A + 2 * P, A + 4 * P, VM_INHERIT_NONE), KERN_SUCCESS);
	meet(seen_wire, wire_all, remove_part);
	ASSERT_EQ(halted, 1);
	ASSERT_EQ(early, 0);
	ASSERT_EQ(results[1], KERN_SUCCESS);
	ASSERT_EQ(map->user_wired_pages, 3);
	ASSERT_TRUE(fixture_sound(map, NULL));
	vm_map_deallocate(map);
}

TEST(vm_waits, overwrite_waits_for_entries_being_wired)
{
	WAITS_FOR_WIRING(overwrite_part, ASSERT_LOAD(map, A + P, 0));
}

TEST(vm_waits, zeroing_waits_for_entries_being_wired)
{
	WAITS_FOR_WIRING(zero_part, ASSERT_LOAD(map, A + P, 0));
}

/* --- kernel wirings --- */

static kern_return_t
unwire_after_a_while(void)
{
	__atomic_store_n(&halted, 1, __ATOMIC_SEQ_CST);
	for (int i = 0; i < 50 && !peek(&finished); i++)
		usleep(1000);
	early = peek(&finished);
	return vm_map_unwire(map, A, A + 4 * P, false);
}

static kern_return_t
remove_when_unwired(void)
{
	return vm_map_remove(map, A, A + 4 * P, VM_MAP_REMOVE_WAIT_FOR_KWIRE);
}

TEST(vm_waits, removal_waits_for_the_kernel_to_unwire)
{
	ASSERT_TRUE(setup());
	ASSERT_EQ(vm_map_wire(map, A, A + 4 * P, VM_PROT_READ, false), KERN_SUCCESS);
	meet(NULL, unwire_after_a_while, remove_when_unwired);
	ASSERT_EQ(early, 0);
	ASSERT_EQ(results[0], KERN_SUCCESS);
	ASSERT_EQ(results[1], KERN_SUCCESS);
	ASSERT_EQ(map->size, 0);
	ASSERT_TRUE(fixture_sound(map, NULL));
	vm_map_deallocate(map);
}

/* Hart 1 waits to remove two of four pages; then `gone` takes their wirings. */
static kern_return_t (*gone)(void);

static kern_return_t
gone_after_a_while(void)
{
	__atomic_store_n(&halted, 1, __ATOMIC_SEQ_CST);
	for (int i = 0; i < 50 && !peek(&finished); i++)
		usleep(1000);
	early = peek(&finished);
	return gone();
}

static kern_return_t
remove_two_when_unwired(void)
{
	return vm_map_remove(map, A, A + 2 * P, VM_MAP_REMOVE_WAIT_FOR_KWIRE);
}

static kern_return_t unwire_two(void) { return vm_map_unwire(map, A, A + 2 * P, false); }
static kern_return_t remove_wired(void) { return vm_map_remove(map, A, A + 4 * P, VM_MAP_REMOVE_KUNWIRE); }

TEST(vm_waits, removal_waits_for_its_own_part_only)
{
	ASSERT_TRUE(setup());
	ASSERT_EQ(vm_map_wire(map, A, A + 4 * P, VM_PROT_READ, false), KERN_SUCCESS);
	gone = unwire_two;
	meet(NULL, gone_after_a_while, remove_two_when_unwired);
	ASSERT_EQ(early, 0);
	ASSERT_EQ(results[0], KERN_SUCCESS);
	ASSERT_EQ(results[1], KERN_SUCCESS);
	ASSERT_EQ(map->size, 2 * P);
	ASSERT_TRUE(fixture_sound(map, NULL));
	ASSERT_EQ(vm_map_unwire(map, A + 2 * P, A + 4 * P, false), KERN_SUCCESS);
	vm_map_deallocate(map);
}

TEST(vm_waits, removal_waits_no_more_for_what_others_removed)
{
	ASSERT_TRUE(setup());
	ASSERT_EQ(vm_map_wire(map, A, A + 4 * P, VM_PROT_READ, false), KERN_SUCCESS);
	gone = remove_wired;
	meet(NULL, gone_after_a_while, remove_two_when_unwired);
	ASSERT_EQ(early, 0);
	ASSERT_EQ(results[0], KERN_SUCCESS);
	ASSERT_EQ(results[1], KERN_SUCCESS);
	ASSERT_EQ(map->size, 0);
	ASSERT_TRUE(fixture_sound(map, NULL));
	vm_map_deallocate(map);
}

static vm_map_t above;

static kern_return_t unwire_window(void) { return vm_map_unwire(above, A, A + 4 * P, false); }

TEST(vm_waits, removal_in_a_submap_waits_for_windows_to_be_unwired)
{
	struct vm_map_enter_args args = {
		.size = 4 * P, .offset = A, .cur = VM_PROT_DEFAULT, .max = VM_PROT_ALL, .inheritance = VM_INHERIT_SHARE,
	};
	vm_offset_t at = A;

	map = vm_map_create(PMAP_NULL, 0, 2 * A, true);
	above = fixture_map();
	ASSERT_TRUE(fixture_allocate(map, A, 4 * P));
	ASSERT_EQ(vm_map_enter_submap(above, &at, &args, map, false), KERN_SUCCESS);
	ASSERT_EQ(vm_map_wire(above, A, A + 4 * P, VM_PROT_READ, false), KERN_SUCCESS);
	gone = unwire_window;
	meet(NULL, gone_after_a_while, remove_two_when_unwired);
	ASSERT_EQ(early, 0);
	ASSERT_EQ(results[0], KERN_SUCCESS);
	ASSERT_EQ(results[1], KERN_SUCCESS);
	ASSERT_EQ(map->size, 2 * P);
	ASSERT_TRUE(fixture_sound(above, map, NULL));
	vm_map_deallocate(above);
	vm_map_deallocate(map);
}

TEST(vm_waits, an_interrupted_removal_leaves_no_trace)
{
	ASSERT_TRUE(setup());
	ASSERT_EQ(vm_map_wire(map, A, A + 4 * P, VM_PROT_READ, false), KERN_SUCCESS);
	host_abort(true);
	ASSERT_EQ(vm_map_remove(map, A, A + 2 * P, VM_MAP_REMOVE_WAIT_FOR_KWIRE | VM_MAP_REMOVE_INTERRUPTIBLE), KERN_ABORTED);
	host_abort(false);
	ASSERT_EQ(map->size, 4 * P);
	ASSERT_TRUE(fixture_sound(map, NULL));
	ASSERT_EQ(vm_map_unwire(map, A, A + 4 * P, false), KERN_SUCCESS);
	vm_map_deallocate(map);
}

/* --- space --- */

static kern_return_t
remove_after_a_while(void)
{
	__atomic_store_n(&halted, 1, __ATOMIC_SEQ_CST);
	for (int i = 0; i < 50 && !peek(&finished); i++)
		usleep(1000);
	early = peek(&finished);
	return remove_part();
}

static kern_return_t
allocate_anywhere(void)
{
	vm_address_ut a = vm_address_u(0);
	kern_return_t kr = vm_allocate(map, &a, vm_size_u(P), VM_FLAGS_ANYWHERE);

	return kr == KERN_SUCCESS && a.v != A + P ? KERN_FAILURE : kr;
}

TEST(vm_waits, a_full_map_waits_for_space_if_it_is_told_to)
{
	vm_address_ut a = vm_address_u(0);

	ASSERT_TRUE(setup());
	ASSERT_TRUE(fixture_allocate(map, vm_map_min(map), A - vm_map_min(map)));
	ASSERT_TRUE(fixture_allocate(map, A + 4 * P, vm_map_max(map) - A - 4 * P));
	ASSERT_EQ(allocate_anywhere(), KERN_NO_SPACE);
	map->wait_for_space = true;
	/* What can never fit is refused all the same. */
	ASSERT_EQ(vm_allocate(map, &a, vm_size_u(vm_map_max(map)), VM_FLAGS_ANYWHERE), KERN_NO_SPACE);
	meet(NULL, remove_after_a_while, allocate_anywhere);
	ASSERT_EQ(early, 0);
	ASSERT_EQ(results[0], KERN_SUCCESS);
	ASSERT_EQ(results[1], KERN_SUCCESS);
	ASSERT_LOAD(map, A + P, 0);
	ASSERT_TRUE(fixture_sound(map, NULL));
	vm_map_deallocate(map);
}

/* --- everybody at once --- */

#define CROWD_PAGES 24u
#define CROWD_ROUNDS 400u

static unsigned crowd_wrong;

static void
crowd_step(uint64_t r)
{
	vm_offset_t start = A + (r >> 8) % CROWD_PAGES * P, end = start + (1 + (r >> 16) % 6) * P;
	vm_address_ut at = vm_address_u(start);
	vm_map_t child;
	kern_return_t kr = KERN_SUCCESS;

	switch (r % 12) {
	case 0:
	case 1:
	case 2:
		kr = vm_map_wire(map, start, end, r & 1024 ? VM_PROT_READ : VM_PROT_DEFAULT, true);
		break;
	case 3:
	case 4:
		kr = vm_map_unwire(map, start, end, true);
		break;
	case 5:
		kr = vm_map_remove(map, start, end, 0);
		break;
	case 6:
		kr = vm_allocate(map, &at, vm_size_u(end - start), VM_FLAGS_OVERWRITE);
		break;
	case 7:
		kr = vm_map_protect(map, start, end, (r >> 20) % 8, false);
		break;
	case 8:
		kr = vm_map_inherit(map, start, end, (r >> 20) % 3);
		break;
	case 9:
		child = vm_map_fork(map);
		if (child != NULL)
			(void)vm_fault(child, start, VM_PROT_WRITE);
		vm_map_deallocate(child);
		break;
	case 10:
		kr = vm_map_behavior_set(map, start, end, (r >> 20) % (VM_BEHAVIOR_LAST_VALID + 1));
		break;
	default:
		(void)vm_fault(map, start, VM_PROT_WRITE);
	}
	if (kr == KERN_FAILURE || kr == KERN_ABORTED || kr == KERN_NO_SPACE)
		__atomic_fetch_add(&crowd_wrong, 1, __ATOMIC_RELAXED);
}

static void
crowd_hart(unsigned hart, void *arg)
{
	uint64_t s = hart * 7919 + 1;

	(void)arg;
	for (unsigned i = 0; i < CROWD_ROUNDS; i++) {
		s = s * 6364136223846793005ul + 1442695040888963407ul;
		crowd_step(s >> 24);
	}
}

/* Nothing waits for ever, and all that was wired can be unwired again. */
TEST(vm_waits, a_crowd_on_one_map_leaves_it_sound)
{
	uint64_t before = vm_map_user_wired_all;
	vm_map_entry_t e;

	map = fixture_map();
	ASSERT_TRUE(fixture_allocate(map, A, CROWD_PAGES * P));
	crowd_wrong = 0;
	host_jitter = true;
	host_run_harts(4, crowd_hart, NULL);
	host_jitter = false;
	ASSERT_EQ(crowd_wrong, 0);
	ASSERT_EQ(map->transitions, 0);
	ASSERT_TRUE(fixture_sound(map, NULL));
	while (map->user_wired_pages != 0)
		for (e = vm_map_first_entry(map); e != vm_map_to_entry(map); e = e->vme_next)
			if (e->user_wired_count != 0) {
				ASSERT_EQ(vm_map_unwire(map, e->vme_start, e->vme_end, true), KERN_SUCCESS);
				break;
			}
	for (e = vm_map_first_entry(map); e != vm_map_to_entry(map); e = e->vme_next)
		ASSERT_TRUE(e->wired_count == 0 && (e->object.vm_object == NULL || e->object.vm_object->wired_pages == 0));
	ASSERT_EQ(vm_map_user_wired_all, before);
	ASSERT_TRUE(fixture_sound(map, NULL));
	vm_map_deallocate(map);
}
