/*
 * vm_harts.c: maps, objects and pmaps under several harts.
 *
 * Families: harts fork address spaces, write, read, unmap, copy and end them,
 * while others fault in the same maps and take memory back, so that chains of
 * shadows collapse, are bypassed and die under everybody's hands. Each member
 * has a model of its contents; what it reads must agree. What all share is
 * written all the time, and members take snapshots of it, which must not change:
 * so copy objects are made, pushed to, merged and die, too.
 *
 * The rest are single meetings of two harts, one of which stands still at the
 * point that matters.
 */
#include <stdlib.h>
#include <unistd.h>
#include <arch/tlb.h>
#include <mm/vm_map_copy.h>
#include <mm/vm_page_compact.h>
#include <mm/vm_reserv.h>
#include <mm/zone.h>
#include <host.h>
#include "../unit/vm_fixture.h"

/* --- families --- */

#define PAGES   36u     /* of a member: three regions of 12 */
#define REGION  12u
#define SLOTS   6u

#define SNAPSHOTS 2u

struct member {
	vm_map_t    map;
	uint8_t     model[PAGES];
	vm_offset_t snapshot[SNAPSHOTS];        /* of SHARED; 0: none */
	uint8_t     seen[SNAPSHOTS][4];         /* its first reading, and own stores since */
};

static struct slot {
	struct spinlock lock;
	vm_map_t        map;            /* for visitors; NULL: empty */
	struct member  *m;              /* NULL: empty, or some hart has it */
} slots[SLOTS];

static unsigned rounds, wrong_loads, wrong_calls;
static uint64_t loads, forks;

/*
 * Region 0 lies inside one megapage; 1 is spread over a whole one, which a
 * reservation serves; 2 crosses from one to the next. 3 is shared.
 */
static vm_offset_t
page_address(unsigned i)
{
	switch (i / REGION) {
	case 0:
		return 8 * M + (3 + i) * P;
	case 1:
		return 16 * M + (i - REGION) * 40 * P;
	default:
		return 25 * M + (i - 2 * REGION) * P - 5 * P;
	}
}
#define SHARED  (40 * M)

static void
count(unsigned *counter)
{
	__atomic_fetch_add(counter, 1, __ATOMIC_RELAXED);
}

static struct member *
member_create(void)
{
	struct member *m = calloc(1, sizeof(*m));

	m->map = fixture_map();
	if (!fixture_allocate(m->map, page_address(0), REGION * P) ||
	    !fixture_allocate(m->map, 16 * M, M) ||
	    !fixture_allocate(m->map, page_address(2 * REGION), REGION * P) ||
	    !fixture_allocate(m->map, SHARED, 4 * P) ||
	    vm_map_inherit(m->map, SHARED, SHARED + 4 * P, VM_INHERIT_SHARE) != KERN_SUCCESS)
		count(&wrong_calls);
	return m;
}

static void
member_end(struct member *m)
{
	vm_map_deallocate(m->map);
	free(m);
}

static struct member *
member_fork(struct member *m)
{
	struct member *child = malloc(sizeof(*child));

	*child = *m;
	child->map = vm_map_fork(m->map);
	if (child->map == NULL) {
		free(child);
		return NULL;
	}
	__atomic_fetch_add(&forks, 1, __ATOMIC_RELAXED);
	return child;
}

static void
member_load(struct member *m, unsigned i)
{
	uint8_t v = 0;
	kern_return_t kr = fixture_load(m->map, page_address(i), &v);

	__atomic_fetch_add(&loads, 1, __ATOMIC_RELAXED);
	if (kr == KERN_SUCCESS && v != m->model[i])
		count(&wrong_loads);
	else if (kr != KERN_SUCCESS && kr != KERN_RESOURCE_SHORTAGE)
		count(&wrong_calls);
}

/* Pages move, so it is the kernel that stores, as in store_shared: the page of a leaf looked up before may be another's. */
static void
member_store(struct member *m, unsigned i, uint8_t v)
{
	kern_return_t kr = vm_fault(m->map, page_address(i), VM_PROT_WRITE);

	if (kr == KERN_SUCCESS)
		kr = vm_map_write_user(m->map, &v, page_address(i), 1);
	if (kr == KERN_SUCCESS)
		m->model[i] = v;
	else if (kr != KERN_RESOURCE_SHORTAGE)
		count(&wrong_calls);
}

/* Some pages of region 0 become new. */
static void
member_renew(struct member *m, unsigned first, unsigned n)
{
	vm_offset_t at = page_address(first);

	if (vm_map_remove(m->map, at, at + n * P, 0) != KERN_SUCCESS)
		return;
	while (!fixture_allocate(m->map, at, n * P))
		vm_reserv_break(1);
	memset(&m->model[first], 0, n);
}

/* Region 0 is gone: new memory takes its place. */
static void
member_refill(struct member *m)
{
	while (!fixture_allocate(m->map, page_address(0), REGION * P))
		vm_reserv_break(1);
	memset(m->model, 0, REGION);
}

/*
 * Region 0 is copied over region 2, which lies elsewhere in its megapages: by
 * entries, by pages, as what is taken out of the map, or remapped.
 */
static void
member_copy(struct member *m, uint64_t r)
{
	vm_offset_t from = page_address(0), to = page_address(2 * REGION);
	struct vm_map_remap_args a = {
		.size = REGION * P, .flags = VM_FLAGS_OVERWRITE, .src = m->map, .src_addr = from, .copy = true,
		.inheritance = VM_INHERIT_COPY,
	};
	unsigned how = (unsigned)(r >> 8) % 4;
	vm_map_copy_t copy;
	vm_prot_t cur, max;
	kern_return_t kr;

	if (how == 3) {
		if (vm_map_remap(m->map, &to, &a, &cur, &max) == KERN_SUCCESS)
			memcpy(&m->model[2 * REGION], m->model, REGION);
		return;
	}
	kr = how == 2 ? vm_map_copyin_page_list(m->map, from, REGION * P, VM_MAP_COPYIN_OPT_STEAL_PAGES, &copy, false) :
	    vm_map_copyin(m->map, from, REGION * P, how == 1, &copy);
	if (kr != KERN_SUCCESS)
		return;
	if (vm_map_copy_overwrite(m->map, to, copy, false) == KERN_SUCCESS)
		memcpy(&m->model[2 * REGION], m->model, REGION);
	else
		vm_map_copy_discard(copy);
	if (how == 1)
		member_refill(m);
}

/* Region 0 moves away and back: its object is a shared one from then on. */
static void
member_move(struct member *m)
{
	vm_offset_t at = page_address(0), away = 44 * M;
	struct vm_map_remap_args a = {
		.size = REGION * P, .src = m->map, .src_addr = at, .inheritance = VM_INHERIT_COPY,
	};
	vm_prot_t cur, max;

	if (vm_map_remap(m->map, &away, &a, &cur, &max) != KERN_SUCCESS)
		return;
	a.src_addr = away;
	a.flags = VM_FLAGS_OVERWRITE;
	(void)vm_map_remap(m->map, &at, &a, &cur, &max);        /* refused: it is in its place still */
	while (vm_map_remove(m->map, away, away + REGION * P, 0) != KERN_SUCCESS)
		vm_reserv_break(1);
}

static void
member_protect(struct member *m)
{
	vm_offset_t at = page_address(0);

	(void)vm_map_protect(m->map, at, at + REGION * P, VM_PROT_READ, false);
	while (vm_map_protect(m->map, at, at + REGION * P, VM_PROT_DEFAULT, false) != KERN_SUCCESS)
		vm_reserv_break(1);
}

/*
 * The kernel's accesses: a store through a leaf that was looked up before would
 * come after the fence that a copy waits for, as no hart's does.
 */
static void
store_shared(struct member *m, uint64_t r)
{
	uint8_t v = (uint8_t)(r >> 32);
	kern_return_t kr = vm_map_write_user(m->map, &v, SHARED + (r >> 8) % 4 * P, 1);

	if (kr != KERN_SUCCESS && kr != KERN_RESOURCE_SHORTAGE)
		count(&wrong_calls);
}

/* One of the member's snapshots is taken, read again, written, or given up. */
static void
member_snapshot(struct member *m, uint64_t r)
{
	unsigned k = (unsigned)(r >> 8) % SNAPSHOTS, i = (unsigned)(r >> 12) % 4;
	vm_offset_t at = m->snapshot[k];
	vm_map_copy_t copy;
	uint8_t v[4];

	if (at == 0) {
		if (vm_map_copyin(m->map, SHARED, 4 * P, false, &copy) != KERN_SUCCESS)
			return;
		if (vm_map_copyout(m->map, &at, copy) != KERN_SUCCESS) {
			vm_map_copy_discard(copy);
			return;
		}
		for (unsigned n = 0; n < 4; n++)
			while (vm_map_read_user(m->map, at + n * P, &m->seen[k][n], 1) != KERN_SUCCESS)
				vm_reserv_break(1);
		m->snapshot[k] = at;
	} else if (r >> 16 & 7) {
		for (unsigned n = 0; n < 4; n++)
			if (vm_map_read_user(m->map, at + n * P, &v[n], 1) == KERN_SUCCESS && v[n] != m->seen[k][n])
				count(&wrong_loads);
		v[0] = (uint8_t)(r >> 40);
		if ((r >> 20 & 3) == 0 && vm_map_write_user(m->map, v, at + i * P, 1) == KERN_SUCCESS)
			m->seen[k][i] = v[0];
	} else if (vm_map_remove(m->map, at, at + 4 * P, 0) == KERN_SUCCESS)
		m->snapshot[k] = 0;
}

static void
member_act(struct member *m, uint64_t *s)
{
	uint64_t r = host_random(s);
	unsigned i = (unsigned)(r >> 8) % PAGES;

	switch (r % 20) {
	case 0: case 1: case 2: case 3: case 4:
		member_store(m, i, (uint8_t)(r >> 16));
		break;
	case 5:
		member_renew(m, i % 8, 1 + (unsigned)(r >> 16) % 4);
		break;
	case 6:
		if (r >> 40 & 7)
			member_copy(m, r);
		else
			member_move(m);
		break;
	case 7:
		member_protect(m);
		break;
	case 8:
		pmap_switch(m->map->pmap);
		break;
	case 16: case 17:
		store_shared(m, r);
		break;
	case 18: case 19:
		member_snapshot(m, r);
		break;
	case 9:
		(void)vm_fault(m->map, SHARED + i % 4 * P, r & 0x10000 ? VM_PROT_READ : VM_PROT_WRITE);
		break;
	default:
		member_load(m, i);
	}
}

/* --- slots --- */

static struct member *
slot_take(unsigned i)
{
	struct member *m;

	spin_lock(&slots[i].lock);
	m = slots[i].m;
	slots[i].m = NULL;
	spin_unlock(&slots[i].lock);
	return m;
}

/* Back, or into an empty slot (m new): FALSE when it is not empty. */
static bool
slot_put(unsigned i, struct member *m)
{
	bool ok;

	spin_lock(&slots[i].lock);
	ok = slots[i].map == NULL || slots[i].map == m->map;
	if (ok) {
		slots[i].map = m->map;
		slots[i].m = m;
	}
	spin_unlock(&slots[i].lock);
	return ok;
}

static void
slot_empty(unsigned i)
{
	spin_lock(&slots[i].lock);
	slots[i].map = NULL;
	spin_unlock(&slots[i].lock);
}

/* Into the first empty slot from i on; without one it ends. */
static void
child_settles(struct member *child, unsigned i)
{
	for (unsigned n = 0; n < SLOTS; n++)
		if (slot_put((i + n) % SLOTS, child))
			return;
	member_end(child);
}

/* Faults in somebody else's map, which may end meanwhile. */
static void
slot_visit(unsigned i, uint64_t *s)
{
	vm_map_t map;

	spin_lock(&slots[i].lock);
	map = slots[i].map;
	vm_map_reference(map);
	spin_unlock(&slots[i].lock);
	if (map == NULL)
		return;
	for (unsigned n = 0; n < 6; n++) {
		uint64_t r = host_random(s);

		(void)vm_fault(map, page_address((unsigned)(r >> 8) % PAGES),
		    r & 1 ? VM_PROT_WRITE : VM_PROT_READ);
	}
	vm_map_deallocate(map);
}

static void
family_hart(unsigned hart, void *arg)
{
	uint64_t s = hart * 7919 + 1 + (uint64_t)(uintptr_t)arg;

	for (unsigned round = 0; round < rounds; round++) {
		uint64_t r = host_random(&s);
		unsigned i = (unsigned)(r >> 8) % SLOTS;
		struct member *m, *child;

		if (r % 8 == 0) {
			slot_visit(i, &s);
			continue;
		}
		if (r % 32 == 1)
			(void)vm_reserv_break(1);
		if (r % 64 == 33)
			(void)vm_page_compact(VM_PAGE_COMPACT_MOST, true);
		m = slot_take(i);
		if (m == NULL)
			continue;
		for (unsigned n = 0; n < 12; n++)
			member_act(m, &s);
		child = r & 0x10000 ? member_fork(m) : NULL;
		if (child != NULL) {
			for (unsigned n = 0; n < 8; n++) {
				member_act(child, &s);
				member_act(m, &s);
			}
			child_settles(child, (unsigned)(r >> 20) % SLOTS);
		}
		if (r % 5 == 0 && i != 0) {
			slot_empty(i);
			member_end(m);
		} else
			(void)slot_put(i, m);
	}
	pmap_switch(pmap_kernel());
}

static void
families(unsigned n, uint64_t seed)
{
	rounds = n;
	wrong_loads = wrong_calls = 0;
	loads = forks = 0;
	for (unsigned i = 0; i < SLOTS; i++) {
		spin_init(&slots[i].lock, LOCK_TASK);
		slots[i].m = NULL;
		slots[i].map = NULL;
	}
	(void)slot_put(0, member_create());
	host_jitter = true;
	host_run_harts(4, family_hart, (void *)(uintptr_t)seed);
	host_jitter = false;
	for (unsigned i = 0; i < SLOTS; i++) {
		struct member *m = slot_take(i);

		if (m == NULL)
			continue;
		ASSERT_TRUE(fixture_sound(m->map, NULL));
		for (unsigned k = 0; k < PAGES; k++)
			member_load(m, k);
		member_end(m);
	}
	ASSERT_EQ(wrong_loads, 0);
	ASSERT_EQ(wrong_calls, 0);
	ASSERT_TRUE(loads > n && forks > n / 16);
}

TEST(vm_parallel, families_fork_write_and_end)
{
	const char *more = getenv("ATLAS_FAMILIES");    /* rounds, for longer runs */

	families(more != NULL ? (unsigned)atoi(more) : 1000, 1);
}

#define BALLAST (1ul << 30)
#define STONE   16u             /* pages of an object of the ballast; every other one is thrown out */

/*
 * Free memory in pieces of 16 pages: families live all over it, and their pages
 * are moved to make megapages while they use them.
 */
TEST(vm_parallel, families_in_scattered_memory)
{
	struct vm_page_compact_counts before, after;
	vm_map_t map = fixture_map();
	struct vm_page_counts c;
	uint64_t stones = 0;

	for (vm_page_counts(&c); c.free > c.reserved + 1024; vm_page_counts(&c), stones++)
		ASSERT_TRUE(fixture_fill(map, BALLAST + stones * 2 * STONE * P, STONE, (uint8_t)stones));
	for (uint64_t i = 0; i < stones; i += 2)
		ASSERT_EQ(vm_map_remove(map, BALLAST + i * 2 * STONE * P, BALLAST + (i * 2 + 1) * STONE * P, 0), KERN_SUCCESS);
	vm_page_compact_counts(&before);
	families(2000, 2);
	vm_page_compact_counts(&after);
	ASSERT_TRUE(after.moved - before.moved > 1000 && after.made - before.made > 4);
	for (uint64_t i = 1; i < stones; i += 2)
		ASSERT_TRUE(fixture_holds(map, BALLAST + i * 2 * STONE * P, STONE, (uint8_t)i));
	ASSERT_TRUE(fixture_sound(map, NULL));
	vm_map_deallocate(map);
}

/* --- meetings --- */

static vm_object_t object;
static pmap_t      pmap;

struct meeting {
	struct spinlock *lock;          /* hart 1 holds it for a while */
	void           (*fn)(void);     /* hart 0 does this meanwhile */
	unsigned         held, done, early;
};

static void
meeting_hart(unsigned hart, void *arg)
{
	struct meeting *m = arg;

	if (hart == 1) {
		spin_lock(m->lock);
		__atomic_store_n(&m->held, 1, __ATOMIC_SEQ_CST);
		usleep(20000);
		m->early = __atomic_load_n(&m->done, __ATOMIC_SEQ_CST);
		spin_unlock(m->lock);
		return;
	}
	while (!__atomic_load_n(&m->held, __ATOMIC_SEQ_CST))
		hart_relax();
	m->fn();
	__atomic_store_n(&m->done, 1, __ATOMIC_SEQ_CST);
}

/* fn must wait for whoever holds the lock. */
static void
meet(struct spinlock *lock, void (*fn)(void))
{
	struct meeting m = { .lock = lock, .fn = fn };

	host_run_harts(2, meeting_hart, &m);
	ASSERT_EQ(m.done, 1);
	ASSERT_EQ(m.early, 0);
}

static void
free_pages(void)
{
	spin_lock(&object->lock);
	(void)vm_object_page_remove(object, 0, object->size);
	spin_unlock(&object->lock);
}

/* Whoever unlinked the chunk's last record has still to release pv_lock. */
TEST(vm_parallel, a_chunk_waits_for_who_unmapped_it_last)
{
	object = vm_object_allocate(16 * P, 0);
	ASSERT_TRUE(vm_object_page_alloc(object, 0, true) != NULL);
	meet(&vm_chunk_find(object, 0)->pv_lock, free_pages);
	ASSERT_EQ(object->resident_page_count, 0);
	vm_object_deallocate(object);
}

static void
destroy_pmap(void)
{
	pmap_destroy(pmap);
}

/* A walk over a chunk's records may have taken its last leaf, and be about to unlock it. */
TEST(vm_parallel, an_empty_pmap_waits_for_who_has_it_locked)
{
	pmap = pmap_create();
	meet(&pmap->lock, destroy_pmap);
}

static void
protect_pmap(void)
{
	pmap_protect(pmap, 0, vm_max_address, VM_PROT_READ);
}

/* Its last leaf may be gone, and still be in a hart's TLB. */
TEST(vm_parallel, protecting_an_empty_pmap_waits_for_the_fence)
{
	pmap = pmap_create();
	meet(&pmap->lock, protect_pmap);
	pmap_destroy(pmap);
}
