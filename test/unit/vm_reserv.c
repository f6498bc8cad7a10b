/*
 * vm_reserv: which windows of objects get a megapage of memory, who loses his
 * first, and what is counted.
 */
#include <string.h>
#include <mm/vm_reserv.h>
#include "vm_fixture.h"

#define A (64 * M)

static struct vm_reserv_counts
counts(void)
{
	struct vm_reserv_counts n;

	vm_reserv_counts(&n);
	return n;
}

static struct vm_chunk *
chunk_at(vm_map_t map, vm_offset_t va)
{
	vm_map_entry_t e;
	vm_object_t o;

	if (!vm_map_lookup_entry(map, va, &e) || (o = e->object.vm_object) == NULL)
		return NULL;
	return vm_chunk_find(o, (va - e->vme_start + e->offset + o->color) >> VM_CHUNK_SHIFT);
}

/* Stores into the first n pages at va. */
static bool
touch(vm_map_t map, vm_offset_t va, unsigned n)
{
	for (unsigned i = 0; i < n; i++)
		if (fixture_store(map, va + i * P, (uint8_t)(i + 1)) != KERN_SUCCESS)
			return false;
	return true;
}

TEST(vm_reserv, first_touch_reserves_and_a_full_one_is_a_megapage)
{
	vm_map_t map = fixture_map();
	struct vm_reserv_counts before = counts(), after;
	struct vm_chunk *c;

	ASSERT_TRUE(fixture_allocate(map, A, 2 * M));
	ASSERT_STORE(map, A + 5 * P, 1);
	c = chunk_at(map, A);
	if (c->base == 0) {
		vm_map_deallocate(map);
		test_skip("no free megapage");
		return;
	}
	ASSERT_EQ(c->resident, 1);
	after = counts();
	ASSERT_EQ(after.made, before.made + 1);
	ASSERT_EQ(after.partial, before.partial + 1);
	ASSERT_EQ(after.unpopulated, before.unpopulated + VM_CHUNK_PAGES - 1);
	ASSERT_TRUE(touch(map, A, VM_CHUNK_PAGES));
	after = counts();
	ASSERT_EQ(after.filled, before.filled + 1);
	ASSERT_EQ(after.partial, before.partial);
	ASSERT_EQ(after.full, before.full + 1);
	ASSERT_TRUE(fixture_sound(map, NULL));
	/* One page less, and it waits again. */
	ASSERT_EQ(vm_deallocate(map, vm_address_u(A + 7 * P), vm_size_u(P)), KERN_SUCCESS);
	ASSERT_EQ(counts().partial, before.partial + 1);
	ASSERT_EQ(counts().full, before.full);
	ASSERT_TRUE(fixture_sound(map, NULL));
	vm_map_deallocate(map);
	after = counts();
	ASSERT_EQ(after.emptied, before.emptied + 1);
	ASSERT_EQ(after.partial, before.partial);
}

TEST(vm_reserv, refusals_say_why)
{
	vm_map_t map = fixture_map(), child;
	struct vm_reserv_counts before = counts(), after;

	ASSERT_TRUE(fixture_allocate(map, A, 4 * P));
	ASSERT_STORE(map, A, 1);
	after = counts();
	ASSERT_EQ(after.refused[VM_RESERV_REFUSED_SMALL], before.refused[VM_RESERV_REFUSED_SMALL] + 1);
	ASSERT_TRUE(fixture_allocate(map, 2 * A + P, 2 * M));
	ASSERT_STORE(map, 2 * A + P, 1);
	after = counts();
	ASSERT_EQ(after.refused[VM_RESERV_REFUSED_EDGE], before.refused[VM_RESERV_REFUSED_EDGE] + 1);
	ASSERT_TRUE(fixture_allocate(map, 3 * A, 2 * M));
	ASSERT_STORE(map, 3 * A, 1);
	child = vm_map_fork(map);
	ASSERT_TRUE(child != NULL);
	before = counts();
	ASSERT_STORE(child, 3 * A, 2);
	after = counts();
	ASSERT_EQ(after.refused[VM_RESERV_REFUSED_COPY], before.refused[VM_RESERV_REFUSED_COPY] + 1);
	ASSERT_EQ(after.made, before.made);
	vm_map_deallocate(child);
	vm_map_deallocate(map);
}

/*
 * Windows with 100, 3, 40 and 512 pages, the one with 3 touched again after the
 * others: who loses is who has least, and among equals who was touched longest ago.
 */
TEST(vm_reserv, the_least_useful_is_broken_first)
{
	static const unsigned pages[5] = { 100, 3, 40, VM_CHUNK_PAGES, 3 };
	vm_map_t map = fixture_map();
	struct vm_reserv_counts before;
	uint64_t gain;

	if (counts().partial != 0) {
		vm_map_deallocate(map);
		test_skip("others have reservations");
		return;
	}
	ASSERT_TRUE(fixture_allocate(map, A, 5 * M));
	for (unsigned i = 0; i < 5; i++)
		ASSERT_TRUE(touch(map, A + i * M, pages[i]));
	before = counts();
	for (unsigned i = 0; i < 5; i++)
		if (chunk_at(map, A + i * M)->base == 0) {
			vm_map_deallocate(map);
			test_skip("no free megapages");
			return;
		}
	gain = vm_reserv_break(1);
	ASSERT_EQ(gain, VM_CHUNK_PAGES - 3);
	ASSERT_EQ(chunk_at(map, A + M)->base, 0);
	ASSERT_TRUE(chunk_at(map, A + 4 * M)->base != 0);
	/* More than one, until there is enough. */
	ASSERT_TRUE(vm_reserv_break(VM_CHUNK_PAGES) >= VM_CHUNK_PAGES);
	ASSERT_EQ(chunk_at(map, A + 4 * M)->base, 0);
	ASSERT_EQ(chunk_at(map, A + 2 * M)->base, 0);
	ASSERT_TRUE(chunk_at(map, A)->base != 0);
	ASSERT_TRUE(vm_reserv_break(1) != 0);
	ASSERT_EQ(chunk_at(map, A)->base, 0);
	/* The full one stays. */
	ASSERT_EQ(vm_reserv_break(1), 0);
	ASSERT_TRUE(vm_chunk_is_megapage(chunk_at(map, A + 3 * M)));
	ASSERT_EQ(counts().broken[VM_RESERV_BROKEN_SHORTAGE], before.broken[VM_RESERV_BROKEN_SHORTAGE] + 4);
	for (unsigned i = 0; i < 5; i++)
		for (unsigned k = 0; k < pages[i]; k++)
			ASSERT_LOAD(map, A + i * M + k * P, (uint8_t)(k + 1));
	ASSERT_TRUE(fixture_sound(map, NULL));
	vm_map_deallocate(map);
}

/* A page that came since it was looked at saves a reservation from being the next. */
TEST(vm_reserv, what_is_used_again_is_broken_later)
{
	vm_map_t map = fixture_map();

	if (counts().partial != 0) {
		vm_map_deallocate(map);
		test_skip("others have reservations");
		return;
	}
	ASSERT_TRUE(fixture_allocate(map, A, 2 * M));
	ASSERT_TRUE(touch(map, A, 8));
	ASSERT_TRUE(touch(map, A + M, 8));
	if (chunk_at(map, A)->base == 0 || chunk_at(map, A + M)->base == 0) {
		vm_map_deallocate(map);
		test_skip("no free megapages");
		return;
	}
	/* Both were looked at with 8; then the first got two more. */
	(void)counts();
	chunk_at(map, A)->seen = chunk_at(map, A + M)->seen = 8;
	ASSERT_TRUE(touch(map, A, 10));
	ASSERT_TRUE(vm_reserv_break(1) != 0);
	ASSERT_TRUE(chunk_at(map, A)->base != 0);
	ASSERT_EQ(chunk_at(map, A + M)->base, 0);
	ASSERT_TRUE(fixture_sound(map, NULL));
	vm_map_deallocate(map);
}

/* What breaking gives back is free in blocks, and the pages that stay are whole. */
TEST(vm_reserv, broken_ones_give_blocks_back)
{
	vm_map_t map = fixture_map();
	struct vm_page_counts before, after;
	vm_object_t o;
	struct vm_chunk *c;

	ASSERT_TRUE(fixture_allocate(map, A, M));
	ASSERT_STORE(map, A, 7);
	c = chunk_at(map, A);
	if (c->base == 0) {
		vm_map_deallocate(map);
		test_skip("no free megapage");
		return;
	}
	o = c->object;
	vm_page_drain();
	vm_page_counts(&before);
	/* A page from elsewhere in its window. */
	spin_lock(&o->lock);
	ASSERT_TRUE(vm_object_page_insert(o, 5 * P, vm_page_alloc(VM_PAGE_ZERO)));
	spin_unlock(&o->lock);
	ASSERT_EQ(c->base, 0);
	vm_page_drain();
	vm_page_counts(&after);
	ASSERT_TRUE(after.free > before.free + 500);
	ASSERT_TRUE(after.free_blocks[8] + after.free_blocks[9] > before.free_blocks[8] + before.free_blocks[9] ||
	    after.free_blocks[9] > before.free_blocks[9]);
	ASSERT_LOAD(map, A, 7);
	ASSERT_LOAD(map, A + 5 * P, 0);
	ASSERT_TRUE(fixture_sound(map, NULL));
	vm_map_deallocate(map);
}

TEST(vm_reserv, the_list_shows_population)
{
	vm_map_t map = fixture_map();
	struct vm_reserv_info info;
	struct vm_chunk *c;

	ASSERT_TRUE(fixture_allocate(map, A, 4 * M));
	ASSERT_TRUE(touch(map, A, VM_CHUNK_PAGES));
	ASSERT_TRUE(touch(map, A + 2 * M, 256));
	c = chunk_at(map, A);
	ASSERT_EQ(vm_reserv_list(c->object->id - 1, &info, 1), 1);
	ASSERT_EQ(info.id, c->object->id);
	ASSERT_EQ(info.chunks, 2);
	ASSERT_EQ(info.resident, c->object->resident_page_count);
	if (c->base != 0 && chunk_at(map, A + 2 * M)->base != 0) {
		ASSERT_EQ(info.full, 1);
		ASSERT_EQ(info.partial, 1);
		ASSERT_EQ(strcmp(info.bar, "#.5."), 0);
	}
	spin_lock(&c->object->lock);
	ASSERT_EQ(vm_reserv_list(c->object->id - 1, &info, 1), 1);      /* held by somebody: no more than it */
	spin_unlock(&c->object->lock);
	ASSERT_EQ(info.chunks, 0);
	ASSERT_EQ(vm_reserv_list(0, &info, 0), 0);
	vm_map_deallocate(map);
}
