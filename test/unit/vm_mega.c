/*
 * vm_mega: megapages as tasks see them: shared by several, kept by a fork until
 * somebody writes, and refused for a reason that is counted.
 */
#include "vm_fixture.h"

#define A (64 * M)

static struct pmap_stats
stats(vm_map_t map)
{
	struct pmap_stats s;

	pmap_stats(map->pmap, &s);
	return s;
}

static vm_size_t
leaf_size(vm_map_t map, vm_offset_t va)
{
	struct pmap_walk w;

	pmap_walk(map->pmap, va, &w);
	return w.leaf ? w.size : 0;
}

/* n megapages at A, filled, each mapped by one leaf; NULL, skipped: there is no such memory. */
static vm_map_t
filled(unsigned n)
{
	vm_map_t map = fixture_map();

	if (fixture_fill(map, A, n * MEGAPAGE_PAGES, 1) &&
	    stats(map).megapages == n)
		return map;
	test_skip("no free megapages");
	vm_map_deallocate(map);
	return NULL;
}

TEST(vm_mega, a_fork_keeps_megapages_until_one_side_writes)
{
	vm_map_t map = filled(2), child;
	uint64_t entered;

	if (map == NULL)
		return;
	child = vm_map_fork(map);
	ASSERT_EQ(leaf_size(map, A), M);                /* the parent's stay, without WRITE */
	ASSERT_EQ(fixture_leaf(map, A), VM_PROT_READ);
	ASSERT_EQ(leaf_size(child, A), 0);
	ASSERT_LOAD(child, A + 5 * P, 6);
	ASSERT_LOAD(child, A + M, 1);
	ASSERT_EQ(leaf_size(child, A), M);
	ASSERT_EQ(leaf_size(child, A + M), M);
	ASSERT_EQ(stats(child).megapages, 2);
	entered = stats(child).mega.entered;
	ASSERT_EQ(entered, 2);
	/* The child's write splits its own leaf over that place, and no other. */
	ASSERT_STORE(child, A + 5 * P, 99);
	ASSERT_EQ(leaf_size(child, A), P);
	ASSERT_EQ(leaf_size(child, A + M), M);
	ASSERT_EQ(stats(child).mega.split[PMAP_SPLIT_COPY], 1);
	ASSERT_EQ(stats(child).resident, 2 * 512);      /* the others stay mapped */
	ASSERT_EQ(leaf_size(map, A), M);
	ASSERT_EQ(stats(map).mega.demotions, 0);
	ASSERT_LOAD(map, A + 5 * P, 6);
	/* And the parent's write its own. */
	ASSERT_STORE(map, A + M, 77);
	ASSERT_EQ(leaf_size(map, A + M), P);
	ASSERT_EQ(leaf_size(child, A + M), M);
	ASSERT_LOAD(child, A + M, 1);
	ASSERT_TRUE(fixture_holds(child, A + 6 * P, 506, 7));
	ASSERT_TRUE(fixture_sound(map, child, NULL));
	vm_map_deallocate(child);
	ASSERT_TRUE(fixture_holds(map, A, MEGAPAGE_PAGES, 1));
	ASSERT_LOAD(map, A + M, 77);
	vm_map_deallocate(map);
}

TEST(vm_mega, shared_memory_is_one_leaf_in_each_task)
{
	vm_map_t map = filled(1), child;
	paddr_t here, there;

	if (map == NULL)
		return;
	ASSERT_EQ(vm_inherit(map, vm_address_u(A), vm_size_u(M), VM_INHERIT_SHARE), KERN_SUCCESS);
	child = vm_map_fork(map);
	ASSERT_LOAD(child, A + 3 * P, 4);
	ASSERT_STORE(child, A + 4 * P, 200);
	ASSERT_EQ(leaf_size(child, A), M);
	ASSERT_EQ(fixture_leaf(child, A), VM_PROT_DEFAULT);
	ASSERT_STORE(map, A + 5 * P, 201);
	ASSERT_EQ(leaf_size(map, A), M);
	ASSERT_TRUE(pmap_extract(map->pmap, A, &here) && pmap_extract(child->pmap, A, &there));
	ASSERT_EQ(here, there);
	ASSERT_LOAD(map, A + 4 * P, 200);
	ASSERT_LOAD(child, A + 5 * P, 201);
	/* What one does to its part of the map is no business of the other's. */
	ASSERT_EQ(vm_protect(child, vm_address_u(A), vm_size_u(P), false, VM_PROT_READ), KERN_SUCCESS);
	ASSERT_EQ(leaf_size(child, A + P), P);
	ASSERT_EQ(stats(child).mega.split[PMAP_SPLIT_PROTECT], 1);
	ASSERT_EQ(leaf_size(map, A), M);
	ASSERT_TRUE(fixture_sound(map, child, NULL));
	vm_map_deallocate(child);
	vm_map_deallocate(map);
}

/* The memory at A at another address of a second map. */
static bool
remapped(vm_map_t from, vm_map_t to, vm_offset_t at)
{
	struct vm_remap_user_args a = {
		.size = vm_size_u(M), .flags = VM_FLAGS_FIXED, .src = from, .src_addr = vm_address_u(A),
		.copy = false, .inheritance = VM_INHERIT_SHARE,
	};
	vm_address_ut where = vm_address_u(at);
	vm_prot_t cur, max;

	return vm_remap(to, &where, &a, &cur, &max) == KERN_SUCCESS;
}

TEST(vm_mega, congruent_places_share_and_others_are_refused)
{
	vm_map_t map = filled(1), second = fixture_map();

	if (map == NULL) {
		vm_map_deallocate(second);
		return;
	}
	ASSERT_TRUE(remapped(map, second, A + 5 * M));
	ASSERT_TRUE(remapped(map, second, A + 8 * M + 3 * P));
	ASSERT_LOAD(second, A + 5 * M + 9 * P, 10);
	ASSERT_EQ(leaf_size(second, A + 5 * M), M);
	ASSERT_LOAD(second, A + 8 * M + 12 * P, 10);
	ASSERT_EQ(leaf_size(second, A + 8 * M + 12 * P), P);
	ASSERT_EQ(stats(second).mega.refused[PMAP_REFUSED_PLACE], 1);
	ASSERT_STORE(second, A + 8 * M + 12 * P, 55);
	ASSERT_LOAD(map, A + 9 * P, 55);
	ASSERT_LOAD(second, A + 5 * M + 9 * P, 55);
	ASSERT_TRUE(fixture_sound(map, second, NULL));
	vm_map_deallocate(second);
	vm_map_deallocate(map);
}

TEST(vm_mega, refusals_say_why)
{
	vm_map_t map = filled(1), child;
	const uint64_t *refused;
	struct pmap_stats s;
	uint64_t not_full;

	if (map == NULL)
		return;
	/* Of memory touched upwards, the last page: not full if one is missing. */
	ASSERT_TRUE(fixture_allocate(map, A + M, M));
	s = stats(map);
	not_full = s.mega.refused[PMAP_REFUSED_NOT_FULL];
	ASSERT_STORE(map, A + M, 1);
	ASSERT_STORE(map, A + M + 511 * P, 1);
	s = stats(map);
	ASSERT_EQ(s.mega.refused[PMAP_REFUSED_NOT_FULL], not_full + 1);

	/* The entry is cut: the rest of the megapage comes back by single pages. */
	ASSERT_EQ(vm_protect(map, vm_address_u(A), vm_size_u(P), false, VM_PROT_READ), KERN_SUCCESS);
	pmap_remove(map->pmap, A, A + M);
	ASSERT_LOAD(map, A + 40 * P, 41);
	ASSERT_EQ(leaf_size(map, A + 40 * P), P);
	s = stats(map);
	ASSERT_EQ(s.mega.refused[PMAP_REFUSED_ENTRY], 1);
	ASSERT_EQ(vm_protect(map, vm_address_u(A), vm_size_u(P), false, VM_PROT_DEFAULT), KERN_SUCCESS);
	pmap_remove(map->pmap, A, A + M);
	ASSERT_LOAD(map, A + 40 * P, 41);
	ASSERT_EQ(leaf_size(map, A + 40 * P), M);

	/* Copied in part: pages of two objects. */
	child = vm_map_fork(map);
	ASSERT_STORE(child, A, 9);
	pmap_remove(child->pmap, A, A + M);
	ASSERT_LOAD(child, A + 40 * P, 41);
	ASSERT_EQ(leaf_size(child, A + 40 * P), P);
	s = stats(child);
	refused = s.mega.refused;
	ASSERT_EQ(refused[PMAP_REFUSED_COPY], 1);
	ASSERT_EQ(refused[PMAP_REFUSED_ENTRY], 0);
	ASSERT_TRUE(fixture_sound(map, child, NULL));
	vm_map_deallocate(child);
	vm_map_deallocate(map);
}

TEST(vm_mega, advice_and_wiring_split_and_say_so)
{
	vm_map_t map = filled(3);

	if (map == NULL)
		return;
	ASSERT_EQ(vm_behavior_set(map, vm_address_u(A + P), vm_size_u(P), VM_BEHAVIOR_FREE), KERN_SUCCESS);
	ASSERT_EQ(stats(map).mega.split[PMAP_SPLIT_ADVICE], 1);
	ASSERT_LOAD(map, A + P, 0);
	ASSERT_EQ(vm_map_wire(map, A + M, A + M + P, VM_PROT_READ, true), KERN_SUCCESS);
	ASSERT_EQ(stats(map).mega.split[PMAP_SPLIT_WIRE], 1);
	ASSERT_EQ(vm_map_wire(map, A + 2 * M, A + 3 * M, VM_PROT_READ, true), KERN_SUCCESS);
	ASSERT_EQ(leaf_size(map, A + 2 * M), M);
	ASSERT_EQ(vm_map_unwire(map, A + 2 * M + 7 * P, A + 2 * M + 8 * P, true), KERN_SUCCESS);
	ASSERT_EQ(stats(map).mega.split[PMAP_SPLIT_UNWIRE], 1);
	ASSERT_EQ(stats(map).wired, 512);               /* 511 here, one in the second megapage */
	ASSERT_TRUE(fixture_holds(map, A + M, 2 * MEGAPAGE_PAGES, 1));
	ASSERT_TRUE(fixture_sound(map, NULL));
	vm_map_deallocate(map);
}

/* With all memory gone: what is left of a megapage stays mapped, and what it holds. */
TEST(vm_mega, parts_go_without_memory)
{
	vm_map_t map = filled(1);

	if (map == NULL)
		return;
	/* Its entry is cut while there is memory. */
	ASSERT_EQ(vm_inherit(map, vm_address_u(A + 9 * P), vm_size_u(P), VM_INHERIT_NONE), KERN_SUCCESS);
	vm_alloc_fail_at(1, true);
	ASSERT_EQ(vm_deallocate(map, vm_address_u(A + 9 * P), vm_size_u(P)), KERN_SUCCESS);
	vm_alloc_fail_at(0, false);
	ASSERT_EQ(stats(map).mega.dropped, 0);
	ASSERT_EQ(leaf_size(map, A + 8 * P), P);
	ASSERT_EQ(leaf_size(map, A + 9 * P), 0);
	ASSERT_TRUE(fixture_holds(map, A, 9, 1));
	ASSERT_TRUE(fixture_sound(map, NULL));
	vm_map_deallocate(map);
}
