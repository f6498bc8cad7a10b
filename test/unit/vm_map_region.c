/*
 * vm_map_region: what vm_region, vm_region_recurse and the page queries say of
 * entries, chains of objects, submaps and single pages.
 */
#include <string.h>
#include "vm_fixture.h"
#include "vm_map_impl.h"

#define A (64 * M)

/* What vm_region says of the first entry at or above at; FALSE: a refusal. */
static bool
region(vm_map_t map, vm_offset_t at, int flavor, void *info, size_t size)
{
	uint32_t count = (uint32_t)(size / 4);
	vm_address_ut a = vm_address_u(at);
	vm_size_ut n;

	return vm_region(map, &a, &n, flavor, info, &count) == KERN_SUCCESS;
}

static struct vm_region_extended_info
extended(vm_map_t map, vm_offset_t at)
{
	struct vm_region_extended_info info = { 0 };

	if (!region(map, at, VM_REGION_EXTENDED_INFO, &info, sizeof(info)))
		info.share_mode = 99;
	return info;
}

static struct vm_region_top_info
top(vm_map_t map, vm_offset_t at)
{
	struct vm_region_top_info info = { 0 };

	if (!region(map, at, VM_REGION_TOP_INFO, &info, sizeof(info)))
		info.share_mode = 99;
	return info;
}

TEST(vm_map_region, each_flavour_wants_its_room_and_says_what_it_wrote)
{
	static const struct { int flavor; uint32_t words; } flavors[] = {
		{ VM_REGION_BASIC_INFO, 10 }, { VM_REGION_BASIC_INFO_64, 10 }, { VM_REGION_EXTENDED_INFO, 10 },
		{ VM_REGION_EXTENDED_INFO_NEW, 10 }, { VM_REGION_TOP_INFO, 5 },
	};
	vm_map_t map = fixture_map();
	uint32_t info[32], count;
	vm_address_ut a = vm_address_u(0);
	vm_size_ut n = vm_size_u(7);

	ASSERT_TRUE(fixture_allocate(map, A, 4 * P));
	for (unsigned i = 0; i < 5; i++) {
		count = flavors[i].words - 1;
		a.v = 5;
		ASSERT_EQ(vm_region(map, &a, &n, flavors[i].flavor, info, &count), KERN_INVALID_ARGUMENT);
		ASSERT_EQ(a.v, 5);
		ASSERT_EQ(n.v, 7);
		count = 32;
		memset(info, 0x5a, sizeof(info));
		ASSERT_EQ(vm_region(map, &a, &n, flavors[i].flavor, info, &count), KERN_SUCCESS);
		ASSERT_EQ(count, flavors[i].words);
		ASSERT_EQ(info[count], 0x5a5a5a5a);
		ASSERT_EQ(a.v, A);
		ASSERT_EQ(n.v, 4 * P);
		a.v = A + 4 * P;
		ASSERT_EQ(vm_region(map, &a, &n, flavors[i].flavor, info, &count), KERN_INVALID_ADDRESS);
		ASSERT_EQ(a.v, A + 4 * P);
		n.v = 7;
	}
	count = 32;
	for (int f = -2; f < 20; f++)
		if (f < 9 || f > 13)
			ASSERT_EQ(vm_region(map, &a, &n, f, info, &count), KERN_INVALID_ARGUMENT);
	ASSERT_EQ(vm_region(NULL, &a, &n, 99, info, &count), KERN_INVALID_ARGUMENT);
	vm_map_deallocate(map);
}

/* Neighbours that differ in anything are two answers; those that do not are one. */
TEST(vm_map_region, answers_are_entries_and_do_not_outlive_a_merge)
{
	vm_map_t map = fixture_map();
	struct vm_region_basic_info info;
	vm_address_ut a = vm_address_u(A);
	vm_size_ut n;

	ASSERT_TRUE(fixture_allocate(map, A, 4 * P));
	ASSERT_EQ(vm_protect(map, vm_address_u(A + P), vm_size_u(P), false, VM_PROT_READ), KERN_SUCCESS);
	ASSERT_EQ(vm_region_basic(map, &a, &n, &info), KERN_SUCCESS);
	ASSERT_EQ(n.v, P);
	ASSERT_EQ(vm_protect(map, vm_address_u(A + P), vm_size_u(P), false, VM_PROT_DEFAULT), KERN_SUCCESS);
	ASSERT_EQ(vm_region_basic(map, &a, &n, &info), KERN_SUCCESS);
	ASSERT_EQ(n.v, 4 * P);
	vm_map_deallocate(map);
}

/* Pages of windows that begin anywhere in a chunk, and of one that spans thousands of absent chunks. */
TEST(vm_map_region, pages_are_counted_at_every_offset)
{
	vm_map_t map = fixture_map();

	for (unsigned i = 0; i < 4; i++) {
		vm_offset_t at = A + (vm_offset_t)i * 16 * M + i * 37 * P;

		ASSERT_TRUE(fixture_allocate(map, at, 5 * M));
		ASSERT_EQ(extended(map, at).share_mode, SM_EMPTY);
		for (unsigned k = 0; k < 9; k++)
			ASSERT_STORE(map, at + k * 140 * P, 1);
		ASSERT_EQ(extended(map, at).pages_dirtied, 9);
		ASSERT_GE(extended(map, at).pages_resident, 9);
		ASSERT_EQ(extended(map, at).share_mode, SM_PRIVATE);
		ASSERT_EQ(top(map, at).private_pages_resident, extended(map, at).pages_resident);
	}
	ASSERT_TRUE(fixture_allocate(map, 1ul << 36, 1ul << 35));
	ASSERT_STORE(map, 1ul << 36, 1);
	ASSERT_STORE(map, (1ul << 36) + (1ul << 35) - P, 1);
	ASSERT_EQ(extended(map, 1ul << 36).pages_dirtied, 2);
	/* A part of it shows its own pages only. */
	ASSERT_EQ(vm_protect(map, vm_address_u((1ul << 36) + P), vm_size_u(1ul << 34), false, VM_PROT_READ), KERN_SUCCESS);
	ASSERT_EQ(extended(map, 1ul << 36).pages_dirtied, 1);
	ASSERT_EQ(extended(map, (1ul << 36) + M + P).pages_dirtied, 0);
	vm_map_deallocate(map);
}

/* A page counts once, at the level that shows it; those written after the copy are the entry's own. */
TEST(vm_map_region, levels_of_a_chain_count_as_one)
{
	vm_map_t map = fixture_map(), child;
	struct vm_region_extended_info x;

	ASSERT_TRUE(fixture_allocate(map, A + 5 * P, 3 * M));
	for (unsigned i = 0; i < 600; i += 2)
		ASSERT_STORE(map, A + (5 + i) * P, 1);
	child = vm_map_fork(map);
	ASSERT_TRUE(child != NULL);
	ASSERT_EQ(extended(map, A + 5 * P).share_mode, SM_COW);
	for (unsigned i = 0; i < 30; i++)
		ASSERT_STORE(child, A + (5 + i) * P, 2);
	x = extended(child, A + 5 * P);
	ASSERT_EQ(x.share_mode, SM_COW);
	ASSERT_EQ(x.shadow_depth, 1);
	ASSERT_EQ(x.pages_shared_now_private, 30);
	ASSERT_EQ(x.pages_dirtied, 300 + 15);
	ASSERT_EQ(top(child, A + 5 * P).share_mode, SM_COW);
	ASSERT_EQ(top(child, A + 5 * P).private_pages_resident, 30);
	vm_map_deallocate(child);
	vm_map_deallocate(map);
}

TEST(vm_map_region, share_modes)
{
	vm_map_t map = fixture_map(), child;

	ASSERT_TRUE(fixture_allocate(map, A, 4 * P));
	ASSERT_STORE(map, A, 1);
	ASSERT_EQ(extended(map, A).share_mode, SM_PRIVATE);
	ASSERT_EQ(vm_protect(map, vm_address_u(A), vm_size_u(P), false, VM_PROT_READ), KERN_SUCCESS);
	ASSERT_EQ(extended(map, A).share_mode, SM_PRIVATE_ALIASED);
	ASSERT_EQ(extended(map, A + P).share_mode, SM_PRIVATE_ALIASED);
	ASSERT_EQ(vm_inherit(map, vm_address_u(A + P), vm_size_u(3 * P), VM_INHERIT_SHARE), KERN_SUCCESS);
	ASSERT_EQ(vm_deallocate(map, vm_address_u(A), vm_size_u(P)), KERN_SUCCESS);
	child = vm_map_fork(map);
	ASSERT_TRUE(child != NULL);
	ASSERT_TRUE(extended(map, A + P).share_mode == SM_TRUESHARED || extended(map, A + P).share_mode == SM_SHARED);
	ASSERT_EQ(extended(map, A + P).ref_count, 2);
	ASSERT_EQ(top(map, A + P).obj_id, top(child, A + P).obj_id);
	vm_map_deallocate(child);
	ASSERT_EQ(extended(map, A + P).share_mode, SM_PRIVATE);
	vm_map_deallocate(map);
}

/* --- submaps --- */

static kern_return_t
window(vm_map_t map, vm_offset_t at, vm_size_t size, vm_map_t sub, vm_offset_t offset)
{
	struct vm_map_enter_args args = {
		.size = size, .offset = offset, .cur = VM_PROT_DEFAULT, .max = VM_PROT_ALL, .inheritance = VM_INHERIT_SHARE,
	};

	return vm_map_enter_submap(map, &at, &args, sub, false);
}

static kern_return_t
recurse(vm_map_t map, vm_offset_t *at, vm_size_t *size, uint32_t *depth, struct vm_region_submap_info *info)
{
	uint32_t count = sizeof(*info) / 4;
	vm_address_ut a = vm_address_u(*at);
	vm_size_ut n;
	kern_return_t kr = vm_region_recurse(map, &a, &n, depth, info, &count);

	if (kr == KERN_SUCCESS) {
		*at = a.v;
		*size = n.v;
	}
	return kr;
}

#define ASSERT_REGION(map_, from, levels, start_, size_, depth_, submap_) \
	do { \
		struct vm_region_submap_info i_; \
		vm_offset_t at_ = (from); \
		vm_size_t n_ = 0; \
		uint32_t d_ = (levels); \
		ASSERT_EQ(recurse(map_, &at_, &n_, &d_, &i_), KERN_SUCCESS); \
		ASSERT_EQ(at_, start_); \
		ASSERT_EQ(n_, size_); \
		ASSERT_EQ(d_, depth_); \
		ASSERT_EQ(i_.is_submap, submap_); \
	} while (0)

/*
 *	map     [A, +16P) a window of sub from 4P on; then 2 pages of its own
 *	sub     2 pages at 2P (cut by the window), 2 pages at 8P, 6 pages at 18P (cut)
 */
TEST(vm_map_region, a_descent_is_clipped_by_every_level)
{
	vm_map_t map = fixture_map(), sub = vm_map_create(PMAP_NULL, 0, 64 * P, true);
	struct vm_region_submap_info info;
	vm_offset_t at;
	vm_size_t n;
	uint32_t depth;

	ASSERT_TRUE(fixture_allocate(sub, 2 * P, 3 * P));
	ASSERT_TRUE(fixture_allocate(sub, 8 * P, 2 * P));
	ASSERT_TRUE(fixture_allocate(sub, 18 * P, 6 * P));
	ASSERT_EQ(window(map, A, 16 * P, sub, 4 * P), KERN_SUCCESS);
	ASSERT_TRUE(fixture_allocate(map, A + 20 * P, 2 * P));
	ASSERT_REGION(map, 0, 0, A, 16 * P, 0, 1);
	ASSERT_REGION(map, 0, 1, A, P, 1, 0);                   /* sub 4P..5P */
	ASSERT_REGION(map, A + 5, 9, A, P, 1, 0);
	ASSERT_REGION(map, A + P, 9, A + 4 * P, 2 * P, 1, 0);   /* sub 8P..10P */
	ASSERT_REGION(map, A + 5 * P, 9, A + 4 * P, 2 * P, 1, 0);
	ASSERT_REGION(map, A + 6 * P, 9, A + 14 * P, 2 * P, 1, 0);      /* sub 18P..20P */
	ASSERT_REGION(map, A + 16 * P, 9, A + 20 * P, 2 * P, 0, 0);
	/* A window with nothing in it is passed over. */
	ASSERT_EQ(vm_deallocate(sub, vm_address_u(18 * P), vm_size_u(6 * P)), KERN_SUCCESS);
	ASSERT_REGION(map, A + 6 * P, 1, A + 20 * P, 2 * P, 0, 0);
	at = A + 22 * P;
	depth = 5;
	ASSERT_EQ(recurse(map, &at, &n, &depth, &info), KERN_INVALID_ADDRESS);
	ASSERT_EQ(depth, 5);
	vm_map_deallocate(sub);
	vm_map_deallocate(map);
}

/* 16 windows on each of 6 levels, and nothing below: 16^6 paths are not walked. */
TEST(vm_map_region, many_empty_windows_end_in_time)
{
	vm_map_t map = fixture_map(), level[6], last = vm_map_create(PMAP_NULL, 0, P, true), below = last;
	struct vm_region_submap_info info;
	vm_offset_t at = 0;
	vm_size_t n, size = P;
	uint32_t depth = 100;

	for (unsigned l = 0; l < 6; l++, size *= 16) {
		level[l] = vm_map_create(PMAP_NULL, 0, size * 16, true);
		for (unsigned i = 0; i < 16; i++)
			ASSERT_EQ(window(level[l], i * size, size, below, 0), KERN_SUCCESS);
		below = level[l];
	}
	ASSERT_EQ(window(map, A, size, below, 0), KERN_SUCCESS);
	ASSERT_EQ(recurse(map, &at, &n, &depth, &info), KERN_SUCCESS);
	ASSERT_EQ(info.is_submap, 1);
	ASSERT_TRUE(at >= A && at < A + size);
	vm_map_deallocate(map);
	for (unsigned l = 0; l < 6; l++)
		vm_map_deallocate(level[l]);
	vm_map_deallocate(last);
}

/* --- pages --- */

TEST(vm_map_region, page_queries_look_through_chains_and_submaps)
{
	vm_map_t map = fixture_map(), sub = vm_map_create(PMAP_NULL, 0, 64 * P, true), child;
	int d[32], one, refs;
	uint64_t n = 32;

	ASSERT_TRUE(fixture_allocate(sub, 8 * P, 4 * P));
	ASSERT_EQ(window(map, A + 8 * P, 16 * P, sub, 0), KERN_SUCCESS);
	ASSERT_TRUE(fixture_allocate(map, A, 4 * P));
	ASSERT_STORE(map, A + P, 1);
	ASSERT_STORE(map, A + 17 * P, 1);               /* sub 9P */
	child = vm_map_fork(map);
	ASSERT_TRUE(child != NULL);
	ASSERT_STORE(child, A + 2 * P, 1);
	ASSERT_EQ(vm_map_page_range_query(child, vm_address_u(A), vm_size_u(24 * P), d, &n), KERN_SUCCESS);
	ASSERT_EQ(n, 24);
	for (unsigned i = 0; i < 24; i++)
		ASSERT_EQ((d[i] & VM_PAGE_QUERY_PAGE_PRESENT) != 0, i == 1 || i == 2 || i == 17);
	ASSERT_TRUE(d[2] & VM_PAGE_QUERY_PAGE_DIRTY);
	ASSERT_EQ(vm_map_page_query(child, vm_address_u(A + P + 100), &one, &refs), KERN_SUCCESS);
	ASSERT_EQ(one, d[1]);
	ASSERT_EQ(refs, 1);
	ASSERT_EQ(vm_map_page_query(child, vm_address_u(-1ul), &one, &refs), KERN_SUCCESS);
	ASSERT_EQ(one, 0);
	ASSERT_EQ(refs, 0);
	n = 3;
	d[3] = 77;
	ASSERT_EQ(vm_map_page_range_query(child, vm_address_u(A + 1), vm_size_u(8 * P), d, &n), KERN_SUCCESS);
	ASSERT_EQ(n, 3);
	ASSERT_EQ(d[3], 77);
	n = 32;
	ASSERT_EQ(vm_map_page_range_query(child, vm_address_u(A), vm_size_u(-A + P), d, &n), KERN_INVALID_ARGUMENT);
	ASSERT_EQ(vm_map_page_range_query(child, vm_address_u(A), vm_size_u(0), d, &n), KERN_SUCCESS);
	ASSERT_EQ(n, 0);
	vm_map_deallocate(child);
	vm_map_deallocate(map);
	vm_map_deallocate(sub);
}
