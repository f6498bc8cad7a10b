/*
 * vm_print: what is told of entries: counts, megapages, sharing modes.
 */
#include <string.h>
#include <mm/vm_print.h>
#include "vm_fixture.h"

#define A (64 * M)

/* The entry at addr; `end` of an empty one is 0. */
static struct vm_entry_info
info_at(vm_map_t map, vm_offset_t addr)
{
	struct vm_entry_info info = { .end = 0 };

	if (!vm_entry_info(map, &addr, &info))
		info.end = 0;
	return info;
}

static bool
protect(vm_map_t map, vm_offset_t addr, vm_size_t size, vm_prot_t prot)
{
	return vm_protect(map, vm_address_u(addr), vm_size_u(size), false, prot) == KERN_SUCCESS;
}

TEST(vm_print, walks_entry_by_entry)
{
	vm_map_t map = fixture_map();
	struct vm_entry_info i;
	vm_offset_t at = 0;

	ASSERT_FALSE(vm_entry_info(map, &at, &i));
	ASSERT_TRUE(fixture_allocate(map, A, 2 * P));
	ASSERT_TRUE(fixture_allocate(map, A + 4 * P, P));
	ASSERT_TRUE(protect(map, A + P, P, VM_PROT_READ));
	ASSERT_TRUE(vm_entry_info(map, &at, &i));
	ASSERT_EQ(i.start, A);
	ASSERT_EQ(i.end, A + P);
	ASSERT_EQ(at, A + P);
	ASSERT_EQ(i.cur, VM_PROT_DEFAULT);
	ASSERT_EQ(i.max, VM_PROT_ALL);
	ASSERT_EQ(i.inheritance, VM_INHERIT_COPY);
	ASSERT_EQ(i.share_mode, SM_EMPTY);
	ASSERT_EQ(i.object_id, 0);
	ASSERT_TRUE(vm_entry_info(map, &at, &i));
	ASSERT_EQ(i.start, A + P);
	ASSERT_EQ(i.cur, VM_PROT_READ);
	ASSERT_TRUE(vm_entry_info(map, &at, &i));
	ASSERT_EQ(i.start, A + 4 * P);
	ASSERT_EQ(at, A + 5 * P);
	ASSERT_FALSE(vm_entry_info(map, &at, &i));
	at = A + 4 * P + 17;                    /* inside an entry: that one */
	ASSERT_TRUE(vm_entry_info(map, &at, &i));
	ASSERT_EQ(i.start, A + 4 * P);
	vm_map_deallocate(map);
}

TEST(vm_print, resident_pages_of_the_window)
{
	vm_map_t map = fixture_map();
	vm_offset_t start = A + M - 70 * P, va;
	uint64_t n;

	/* Across a chunk's border, and then clipped in the middle of its words. */
	ASSERT_TRUE(fixture_allocate(map, start, 140 * P));
	for (va = start; va < start + 140 * P; va += P)
		ASSERT_STORE(map, va, 1);
	ASSERT_EQ(info_at(map, start).resident, 140);
	ASSERT_TRUE(protect(map, start + 3 * P, 130 * P, VM_PROT_READ));
	ASSERT_EQ(info_at(map, start).resident, 3);
	ASSERT_EQ(info_at(map, start + 3 * P).resident, 130);
	ASSERT_EQ(info_at(map, start + 133 * P).resident, 7);
	ASSERT_EQ(vm_deallocate(map, vm_address_u(start + 10 * P), vm_size_u(100 * P)), KERN_SUCCESS);
	n = info_at(map, start + 3 * P).resident + info_at(map, start + 110 * P).resident;
	ASSERT_EQ(n, 7 + 23);
	vm_map_deallocate(map);
}

TEST(vm_print, megapages_that_are_and_could_be)
{
	vm_map_t map = fixture_map();
	struct vm_entry_info i;
	vm_offset_t va;

	ASSERT_TRUE(fixture_allocate(map, A - P, 3 * M));
	i = info_at(map, A - P);
	ASSERT_EQ(i.megapages_possible, 2);     /* one window is cut at both ends */
	ASSERT_EQ(i.megapages, 0);
	for (va = A; va < A + M; va += P)
		ASSERT_STORE(map, va, 1);
	i = info_at(map, A - P);
	ASSERT_EQ(i.resident, MEGAPAGE_PAGES);
	ASSERT_EQ(i.megapages_possible, 2);
	ASSERT_EQ(i.megapages, 1);
	/* Clipped through the megapage: neither piece can have it. */
	ASSERT_TRUE(protect(map, A + 8 * P, P, VM_PROT_READ));
	ASSERT_EQ(info_at(map, A - P).megapages, 0);
	ASSERT_EQ(info_at(map, A - P).megapages_possible, 0);
	ASSERT_EQ(info_at(map, A + 8 * P).megapages, 0);
	ASSERT_EQ(info_at(map, A + 9 * P).megapages_possible, 1);
	vm_map_deallocate(map);
}

TEST(vm_print, sharing_modes)
{
	vm_map_t map = fixture_map(), child;
	struct vm_entry_info i;

	ASSERT_TRUE(fixture_allocate(map, A, 2 * P));
	ASSERT_EQ(info_at(map, A).share_mode, SM_EMPTY);
	ASSERT_STORE(map, A, 1);
	i = info_at(map, A);
	ASSERT_EQ(i.share_mode, SM_PRIVATE);
	ASSERT_EQ(i.object_refs, 1);
	ASSERT_EQ(i.shadow_depth, 0);
	/* One object behind two entries of this map alone. */
	ASSERT_TRUE(protect(map, A + P, P, VM_PROT_READ));
	ASSERT_EQ(info_at(map, A).share_mode, SM_PRIVATE_ALIASED);
	ASSERT_EQ(info_at(map, A + P).share_mode, SM_PRIVATE_ALIASED);
	ASSERT_TRUE(protect(map, A + P, P, VM_PROT_DEFAULT));
	vm_map_simplify(map, A + P);
	ASSERT_EQ(info_at(map, A).share_mode, SM_PRIVATE);

	ASSERT_STORE(map, A + P, 1);            /* a page that only the shadow has, so that it stays */
	child = vm_map_fork(map);
	ASSERT_TRUE(child != NULL);
	ASSERT_EQ(info_at(map, A).share_mode, SM_COW);
	ASSERT_EQ(info_at(child, A).share_mode, SM_COW);
	ASSERT_STORE(child, A, 2);
	i = info_at(child, A);
	ASSERT_EQ(i.share_mode, SM_COW);
	ASSERT_EQ(i.shadow_depth, 1);
	ASSERT_EQ(i.resident, 1);
	vm_map_deallocate(child);
	vm_map_deallocate(map);
}

TEST(vm_print, shared_between_maps)
{
	vm_map_t map = fixture_map(), child;
	int mode;

	ASSERT_TRUE(fixture_allocate(map, A, P));
	ASSERT_STORE(map, A, 1);
	ASSERT_EQ(vm_inherit(map, vm_address_u(A), vm_size_u(P), VM_INHERIT_SHARE), KERN_SUCCESS);
	child = vm_map_fork(map);
	ASSERT_TRUE(child != NULL);
	mode = info_at(map, A).share_mode;
	ASSERT_TRUE(mode == SM_SHARED || mode == SM_TRUESHARED);
	ASSERT_EQ(info_at(child, A).share_mode, mode);
	ASSERT_EQ(info_at(child, A).object_id, info_at(map, A).object_id);
	vm_map_deallocate(child);
	ASSERT_EQ(info_at(map, A).share_mode, SM_PRIVATE);
	vm_map_deallocate(map);
}

TEST(vm_print, words)
{
	char buf[4];
	int mode;

	ASSERT_EQ(strcmp(vm_prot_text(VM_PROT_ALL, buf), "rwx"), 0);
	ASSERT_EQ(strcmp(vm_prot_text(VM_PROT_NONE, buf), "---"), 0);
	ASSERT_EQ(strcmp(vm_prot_text(VM_PROT_READ | VM_PROT_EXECUTE, buf), "r-x"), 0);
	for (mode = SM_COW; mode <= SM_SHARED_ALIASED; mode++)
		ASSERT_TRUE(strlen(vm_share_mode_name(mode)) <= 7 && vm_share_mode_name(mode)[0] != '?');
	ASSERT_EQ(strcmp(vm_share_mode_name(0), "?"), 0);
	ASSERT_EQ(strcmp(vm_share_mode_name(99), "?"), 0);
}

TEST(vm_print, objects_by_number_and_by_what_they_shadow)
{
	vm_object_t below = vm_object_allocate(4 * P, 0), top = below, other = vm_object_allocate(P, 0);
	struct vm_object_info info[2];
	vm_object_offset_t offset = P;
	uint64_t id;

	ASSERT_TRUE(below != NULL && other != NULL);
	id = below->id;
	vm_object_reference(below);             /* so that the shadow is really made */
	ASSERT_TRUE(vm_object_shadow(&top, &offset, 2 * P));
	ASSERT_EQ(vm_object_list(id - 1, 0, info, 2), 2);
	ASSERT_EQ(info[0].id, id);
	ASSERT_EQ(info[0].refs, 2);
	ASSERT_EQ(info[0].size, 4 * P);
	ASSERT_EQ(info[0].shadow, 0);
	ASSERT_EQ(info[1].id, other->id);
	ASSERT_EQ(vm_object_list(0, id, info, 2), 1);
	ASSERT_EQ(info[0].id, top->id);
	ASSERT_EQ(info[0].shadow, id);
	ASSERT_EQ(info[0].shadow_offset, P);
	ASSERT_EQ(vm_object_list(top->id, id, info, 2), 0);
	ASSERT_EQ(strcmp(vm_object_strategy_name(info[0].strategy), "symmetric"), 0);
	ASSERT_EQ(strcmp(vm_object_strategy_name(99), "?"), 0);
	vm_object_deallocate(top);
	vm_object_deallocate(below);
	vm_object_deallocate(other);
}
