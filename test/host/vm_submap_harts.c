/*
 * vm_submap_harts.c: one submap in the maps of several harts.
 *
 * Every hart has a map with three windows of the same submap: one whose page
 * tables are nested, a plain one, and one that is copied when written. Harts
 * read, write and fault through all of them, cut, protect and replace windows,
 * fork, and take snapshots through them, while all of them change the
 * upper half of the submap itself. In the lower half only bytes change, so what
 * is read there is known: a page holds 0 or one of the bytes ever written to
 * it, a private copy just what its owner wrote, a snapshot what it held first.
 *
 * Bytes are read and written by the kernel's copies (which lock what they look
 * at); leaves are made by faults, and judged by the invariants at the end.
 *
 * Then a meeting of two harts, one of which stands still where it matters.
 */
#include <stdlib.h>
#include <unistd.h>
#include <arch/tlb.h>
#include <mm/vm_named_entry.h>
#include <host.h>
#include "../unit/vm_fixture.h"

#define HARTS   4
#define HALF    (2 * M)                 /* of the submap */
#define PAGES   16u                     /* of each half that are used, spread over it */
#define NESTED  (64 * M)
#define PLAIN   (128 * M + P)
#define COPIED  (192 * M)

static vm_named_entry_t region;
static struct hart_map {
	vm_map_t map;
	uint8_t  own[PAGES];            /* written through the copied window; 0: not yet */
} maps[HARTS];
static unsigned wrong, rounds;
static uint64_t private_writes, snapshots;

static void
count(bool bad)
{
	if (bad)
		__atomic_fetch_add(&wrong, 1, __ATOMIC_RELAXED);
}

/* Where page i of the lower half is, and with PAGES more of the upper. */
static vm_offset_t
page_offset(unsigned i)
{
	return (i / PAGES) * HALF + (i % PAGES) * 31 * P;
}

static bool
map_window(vm_map_t map, vm_offset_t at, bool copy)
{
	struct vm_map_user_args a = {
		.size = vm_size_u(2 * HALF), .flags = VM_FLAGS_OVERWRITE | VM_MAKE_TAG(VM_MEMORY_SHARED_PMAP), .copy = copy,
		.cur = VM_PROT_DEFAULT, .max = VM_PROT_DEFAULT, .inheritance = VM_INHERIT_SHARE, .entry = region,
	};
	vm_address_ut place = vm_address_u(at);

	return vm_map_user(map, &place, &a) == KERN_SUCCESS;
}

/* A byte that may lie on page i of the lower half: all bytes of it are of the same kind. */
static inline uint8_t
byte_for(unsigned i, uint64_t r)
{
	return (uint8_t)(i + 1 + PAGES * (r % 15));
}

static inline bool
is_for(unsigned i, uint8_t v)
{
	return v == 0 || (v - 1) % PAGES == i;
}

static void
check_shared(vm_map_t map, vm_offset_t at, unsigned i)
{
	uint8_t v = 0;

	count(vm_map_read_user(map, at + page_offset(i), &v, 1) != KERN_SUCCESS || !is_for(i, v));
}

static void
check_own(const struct hart_map *h, unsigned i)
{
	uint8_t v = 0;

	count(vm_map_read_user(h->map, COPIED + page_offset(i), &v, 1) != KERN_SUCCESS ||
	    (h->own[i] != 0 ? v != h->own[i] : !is_for(i, v)));
}

static void
write_own(struct hart_map *h, unsigned i, uint64_t r)
{
	uint8_t v = byte_for(i, r);

	count(vm_map_write_user(h->map, &v, COPIED + page_offset(i), 1) != KERN_SUCCESS);
	h->own[i] = v;
	__atomic_fetch_add(&private_writes, 1, __ATOMIC_RELAXED);
}

/* A copy of some of the lower half, taken through a window, stays as it is. */
static void
snapshot(struct hart_map *h, vm_offset_t at, unsigned i, uint64_t *s)
{
	vm_address_ut data = vm_address_u(0);
	vm_size_ut size;
	uint8_t first = 0, v = 0;

	if (vm_read(h->map, vm_address_u(at + page_offset(i)), vm_size_u(8 * P), h->map, &data, &size) != KERN_SUCCESS) {
		count(true);
		return;
	}
	count(vm_map_read_user(h->map, data.v, &first, 1) != KERN_SUCCESS || !is_for(i, first));
	for (unsigned n = 0; n < 4; n++) {
		uint64_t r = host_random(s);

		v = byte_for(i, r);
		count(vm_map_write_user(h->map, &v, NESTED + page_offset(i), 1) != KERN_SUCCESS);
		(void)vm_fault(h->map, data.v, VM_PROT_READ);
		count(vm_map_read_user(h->map, data.v, &v, 1) != KERN_SUCCESS || v != first);
	}
	count(vm_deallocate(h->map, data, vm_size_u(8 * P)) != KERN_SUCCESS);
	__atomic_fetch_add(&snapshots, 1, __ATOMIC_RELAXED);
}

/* The child's private pages are its own; it ends at once. */
static void
fork_and_write(struct hart_map *h, unsigned i, uint64_t r)
{
	struct hart_map child = *h;

	child.map = vm_map_fork(h->map);
	if (child.map == NULL)
		return;
	/* What the parent has made private was inherited by copy, the rest of the window is the window. */
	write_own(&child, i, r);
	check_own(&child, i);
	check_own(h, i);
	vm_map_deallocate(child.map);
}

/* The submap itself: memory that comes, goes and changes its rights. */
static void
change_upper_half(uint64_t r)
{
	vm_map_t sub = region->backing.map;
	vm_offset_t at = HALF + (r >> 8) % 500 * P;
	vm_size_t size = ((r >> 20) % 40 + 1) * P;
	vm_address_ut a = vm_address_u(at);

	if (at + size > 2 * HALF)
		return;
	switch (r % 4) {
	case 0:
		(void)vm_deallocate(sub, a, vm_size_u(size));
		break;
	case 1:
		(void)vm_allocate(sub, &a, vm_size_u(size), VM_FLAGS_FIXED);
		break;
	case 2:
		(void)vm_protect(sub, a, vm_size_u(size), false, VM_PROT_READ);
		break;
	default:
		(void)vm_protect(sub, a, vm_size_u(size), false, VM_PROT_DEFAULT);
	}
}

/* Cuts, rights and replacement of one's own windows. */
static void
change_windows(struct hart_map *h, uint64_t r)
{
	vm_offset_t at = (r & 1 ? NESTED : PLAIN) + HALF + (r >> 8) % 400 * P;
	vm_size_t size = ((r >> 20) % 30 + 1) * P;

	switch ((r >> 2) % 8) {
	case 0:
		count(!map_window(h->map, r & 1 ? NESTED : PLAIN, false));
		break;
	case 1:
		count(!map_window(h->map, COPIED, true));
		memset(h->own, 0, sizeof(h->own));
		break;
	case 2:
		count(vm_deallocate(h->map, vm_address_u(at), vm_size_u(size)) != KERN_SUCCESS);
		break;
	case 3:
		(void)vm_protect(h->map, vm_address_u(at), vm_size_u(size), false, VM_PROT_READ);
		break;
	default:
		(void)vm_protect(h->map, vm_address_u(at), vm_size_u(size), false, VM_PROT_DEFAULT);
	}
}

static void
submap_hart(unsigned hart, void *arg)
{
	struct hart_map *h = &maps[hart];
	uint64_t s = hart * 104729 + 1 + (uint64_t)(uintptr_t)arg;

	for (unsigned n = 0; n < rounds; n++) {
		uint64_t r = host_random(&s);
		unsigned i = (unsigned)(r >> 12) % PAGES;
		vm_offset_t window = r & 0x400 ? NESTED : PLAIN;
		uint8_t v = byte_for(i, r >> 40);

		switch (r % 12) {
		case 0:
			change_upper_half(r >> 16);
			break;
		case 1:
			change_windows(h, r >> 16);
			break;
		case 2:
			snapshot(h, window, i, &s);
			break;
		case 3:
			if ((r >> 30) % 4 == 0)
				fork_and_write(h, i, r >> 16);
			break;
		case 4:
			write_own(h, i, r >> 16);
			break;
		case 5:
			check_own(h, i);
			break;
		case 6:
			count(vm_map_write_user(h->map, &v, window + page_offset(i), 1) != KERN_SUCCESS);
			break;
		case 7:
			check_shared(h->map, window, i);
			break;
		default:
			/* Somebody else's map, too. */
			(void)vm_fault(maps[(r >> 24) % HARTS].map, (r & 0x800 ? COPIED : window) + page_offset((unsigned)(r >> 30) % (2 * PAGES)),
			    r & 0x1000000 ? VM_PROT_READ : VM_PROT_WRITE);
		}
	}
	pmap_switch(pmap_kernel());
}

TEST(vm_parallel, harts_share_a_submap)
{
	const char *more = getenv("ATLAS_FAMILIES");
	vm_address_ut a = vm_address_u(0);

	rounds = more != NULL ? (unsigned)atoi(more) : 1500;
	wrong = 0;
	private_writes = snapshots = 0;
	ASSERT_EQ(vm_named_entry_submap(2 * HALF, &region), KERN_SUCCESS);
	ASSERT_EQ(vm_allocate(region->backing.map, &a, vm_size_u(2 * HALF), VM_FLAGS_FIXED), KERN_SUCCESS);
	for (unsigned i = 0; i < HARTS; i++) {
		maps[i] = (struct hart_map){ .map = fixture_map() };
		ASSERT_TRUE(map_window(maps[i].map, NESTED, false) && map_window(maps[i].map, PLAIN, false) &&
		    map_window(maps[i].map, COPIED, true));
	}
	host_jitter = true;
	host_run_harts(HARTS, submap_hart, NULL);
	host_jitter = false;
	ASSERT_EQ(wrong, 0);
	for (unsigned i = 0; i < HARTS; i++)
		for (unsigned k = 0; k < PAGES; k++) {
			check_shared(maps[i].map, NESTED, k);
			check_own(&maps[i], k);
		}
	ASSERT_EQ(wrong, 0);
	ASSERT_TRUE(fixture_sound(maps[0].map, maps[1].map, maps[2].map, maps[3].map, region->backing.map, NULL));
	ASSERT_TRUE(private_writes > rounds / 16 && snapshots > rounds / 16);
	for (unsigned i = 0; i < HARTS; i++)
		vm_map_deallocate(maps[i].map);
	vm_named_entry_release(region);
}

/* --- a fault on its way down --- */

static vm_map_t outer, inner, lowest;
static vm_object_t object;
static bool held, kept;

static void
meet(unsigned hart, void *arg)
{
	(void)arg;
	if (hart == 0) {
		spin_lock(&object->lock);
		__atomic_store_n(&held, true, __ATOMIC_RELEASE);
		/* From the lowest map on the other one goes no further than to the object. */
		while (!rw_held(&lowest->lock))
			hart_relax();
		for (unsigned look = 0; look < 10000; look++)
			kept &= rw_held(&outer->lock) && rw_held(&inner->lock) && rw_held(&lowest->lock);
		spin_unlock(&object->lock);
	} else {
		while (!__atomic_load_n(&held, __ATOMIC_ACQUIRE))
			usleep(100);
		(void)vm_fault(outer, NESTED, VM_PROT_WRITE);
	}
	pmap_switch(pmap_kernel());
}

/*
 * Its leaf goes to the outermost map. Who takes away a window on any level must
 * find it: so all maps stay locked until it is made.
 */
TEST(vm_parallel, a_fault_keeps_all_maps_on_its_way)
{
	struct vm_map_enter_args args = { .size = 4 * P, .cur = VM_PROT_DEFAULT, .max = VM_PROT_ALL };
	vm_offset_t at = NESTED;

	outer = fixture_map();
	inner = vm_map_create(PMAP_NULL, 0, M, true);
	lowest = vm_map_create(PMAP_NULL, 0, M, true);
	object = vm_object_allocate(4 * P, 0);
	held = false;
	kept = true;
	ASSERT_EQ(vm_map_enter_submap(outer, &at, &args, inner, false), KERN_SUCCESS);
	at = 0;
	ASSERT_EQ(vm_map_enter_submap(inner, &at, &args, lowest, false), KERN_SUCCESS);
	args.object = object;
	ASSERT_EQ(vm_map_enter(lowest, &at, &args), KERN_SUCCESS);
	host_run_harts(2, meet, NULL);
	ASSERT_TRUE(kept);
	ASSERT_TRUE(fixture_leaf(outer, NESTED) & VM_PROT_WRITE);
	ASSERT_TRUE(fixture_sound(outer, inner, lowest, NULL));
	vm_map_deallocate(outer);
	vm_map_deallocate(inner);
	vm_map_deallocate(lowest);
}
