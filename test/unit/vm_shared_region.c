/*
 * vm_shared_region: pairs of submaps that tasks map as one, and their chains.
 */
#include "vm_fixture.h"
#include "vm_map_impl.h"

#define BASE (64 * M)

static vm_named_entry_t text, data;

static shared_region_mapping_t
region(void)
{
	struct shared_region_mapping_args a = {
		.text_size = 2 * M, .data_size = M, .client_base = BASE, .alternate_base = 9 * M, .alternate_next = 10 * M,
		.flags = 1,
	};
	shared_region_mapping_t r;

	if (vm_named_entry_submap(2 * M, &text) != KERN_SUCCESS || vm_named_entry_submap(M, &data) != KERN_SUCCESS)
		return NULL;
	a.text_region = text;
	a.data_region = data;
	return shared_region_mapping_create(&a, &r) == KERN_SUCCESS ? r : NULL;
}

TEST(vm_shared_region, tasks_share_text_and_own_what_they_write_to_data)
{
	vm_map_t one = fixture_map(), two = fixture_map(), child;
	shared_region_mapping_t r = region();
	vm_map_entry_t e;

	ASSERT_TRUE(r != NULL && r->self == r);
	ASSERT_TRUE(fixture_allocate(text->backing.map, 0, 8 * P));
	ASSERT_TRUE(fixture_allocate(data->backing.map, 0, 8 * P));
	ASSERT_EQ(shared_region_mapping_map(r, one), KERN_SUCCESS);
	ASSERT_EQ(shared_region_mapping_map(r, two), KERN_SUCCESS);
	ASSERT_LOAD(one, BASE, 0);
	ASSERT_EQ(fixture_store(one, BASE, 1), KERN_PROTECTION_FAILURE);
	ASSERT_TRUE(vm_map_lookup_entry(one, BASE, &e) && e->is_sub_map && e->use_pmap);
	ASSERT_EQ(fixture_leaf(two, BASE) & VM_PROT_WRITE, 0);
	ASSERT_STORE(one, BASE + 2 * M, 1);
	ASSERT_LOAD(two, BASE + 2 * M, 0);
	child = vm_map_fork(one);
	ASSERT_LOAD(child, BASE + 2 * M, 1);
	ASSERT_STORE(child, BASE + 2 * M + P, 2);
	ASSERT_LOAD(one, BASE + 2 * M + P, 0);
	shared_region_mapping_dealloc(r);
	ASSERT_STORE(two, BASE + 2 * M, 3);
	ASSERT_TRUE(fixture_sound(one, two, child, NULL));
	vm_map_deallocate(one);
	vm_map_deallocate(two);
	vm_map_deallocate(child);
}

TEST(vm_shared_region, half_a_mapping_is_taken_back)
{
	vm_map_t map = fixture_map();
	shared_region_mapping_t r = region();

	ASSERT_TRUE(r != NULL);
	ASSERT_TRUE(fixture_allocate(map, BASE + 2 * M + 8 * P, P));
	ASSERT_EQ(shared_region_mapping_map(r, map), KERN_NO_SPACE);
	ASSERT_EQ(fixture_entries(map), 1);
	ASSERT_EQ(text->backing.map->ref_count, 1);
	r->client_base = ~0ul - M + 1;
	ASSERT_EQ(shared_region_mapping_map(r, map), KERN_INVALID_ADDRESS);
	shared_region_mapping_dealloc(r);
	vm_map_deallocate(map);
}

TEST(vm_shared_region, a_region_is_made_of_two_submaps)
{
	struct shared_region_mapping_args a = { .text_size = M, .data_size = M, .client_base = BASE };
	shared_region_mapping_t r = NULL;

	ASSERT_EQ(vm_named_entry_submap(M, &text), KERN_SUCCESS);
	ASSERT_EQ(vm_named_entry_pager(NULL, true, M, VM_PROT_ALL, &data), KERN_SUCCESS);
	ASSERT_EQ(shared_region_mapping_create(&a, &r), KERN_INVALID_ARGUMENT);
	a.text_region = text;
	a.data_region = data;
	ASSERT_EQ(shared_region_mapping_create(&a, &r), KERN_INVALID_ARGUMENT);
	a.data_region = text;
	a.data_size = 2 * M;
	ASSERT_EQ(shared_region_mapping_create(&a, &r), KERN_INVALID_ARGUMENT);
	ASSERT_TRUE(r == NULL);
	vm_named_entry_release(text);
	vm_named_entry_release(data);
}

static unsigned freed;

static void
count_free(void *table)
{
	freed += table == &freed;
}

TEST(vm_shared_region, chains_record_where_a_region_comes_from)
{
	shared_region_mapping_t a = region(), b = region(), c = region();

	ASSERT_TRUE(a != NULL && b != NULL && c != NULL);
	freed = 0;
	a->region_mappings = b->region_mappings = &freed;
	a->mappings_free = b->mappings_free = count_free;
	a->alternate_next = 77 * M;
	/* The parent's reference is the element's. */
	ASSERT_EQ(shared_region_object_chain_attach(b, a), KERN_SUCCESS);
	ASSERT_EQ(b->depth, 1);
	ASSERT_EQ(b->alternate_next, 77 * M);
	ASSERT_EQ(b->object_chain->depth, 0);
	ASSERT_TRUE(b->object_chain->object_chain_region == a && b->object_chain->next == NULL);
	shared_region_mapping_ref(b);
	ASSERT_EQ(shared_region_object_chain_attach(c, b), KERN_SUCCESS);
	ASSERT_EQ(c->depth, 2);
	ASSERT_TRUE(c->object_chain->next == b->object_chain);
	ASSERT_EQ(shared_region_object_chain_attach(b, c), KERN_FAILURE);
	ASSERT_EQ(shared_region_object_chain_attach(a, c), KERN_INVALID_ARGUMENT);
	ASSERT_EQ(shared_region_object_chain_attach(a, a), KERN_INVALID_ARGUMENT);
	ASSERT_EQ(shared_region_object_chain_attach(NULL, a), KERN_INVALID_ARGUMENT);
	shared_region_mapping_dealloc(b);
	ASSERT_EQ(freed, 0);
	shared_region_mapping_dealloc(c);
	ASSERT_EQ(freed, 2);
}

/* Link by link, not by recursion. */
TEST(vm_shared_region, a_long_chain_goes_in_one_loop)
{
	shared_region_mapping_t last = region(), next;

	for (int i = 0; i < 500; i++) {
		next = region();
		ASSERT_TRUE(next != NULL);
		ASSERT_EQ(shared_region_object_chain_attach(next, last), KERN_SUCCESS);
		last = next;
	}
	ASSERT_EQ(last->depth, 500);
	shared_region_mapping_dealloc(last);
}

/* Parents that get theirs after their children did. */
TEST(vm_shared_region, no_region_becomes_its_own_ancestor_link_by_link)
{
	shared_region_mapping_t a = region(), b = region(), c = region();

	ASSERT_TRUE(a != NULL && b != NULL && c != NULL);
	shared_region_mapping_ref(b);
	shared_region_mapping_ref(c);
	ASSERT_EQ(shared_region_object_chain_attach(a, b), KERN_SUCCESS);
	ASSERT_EQ(shared_region_object_chain_attach(b, c), KERN_SUCCESS);
	ASSERT_EQ(shared_region_object_chain_attach(c, a), KERN_INVALID_ARGUMENT);
	shared_region_mapping_dealloc(b);
	shared_region_mapping_dealloc(c);
	shared_region_mapping_dealloc(a);
}
