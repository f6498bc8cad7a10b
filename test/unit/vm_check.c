/*
 * vm_check: each invariant, broken on purpose, is seen and named; repaired, it
 * is quiet again.
 */
#include <string.h>
#include <kernel/pager.h>
#include "vm_fixture.h"
#include "vm_map_impl.h"

#define A (64 * M)

static vm_map_t map;
static vm_map_entry_t entry;    /* at A, 4 pages, two of them touched */

static bool
setup(void)
{
	map = fixture_map();
	return fixture_allocate(map, A, 4 * P) && fixture_allocate(map, A + 8 * P, P) &&
	    fixture_store(map, A, 1) == KERN_SUCCESS && fixture_store(map, A + P, 2) == KERN_SUCCESS &&
	    vm_map_lookup_entry(map, A, &entry);
}

/* Nothing is wrong now. */
static bool
quiet(void)
{
	struct vm_check_failure f;

	return vm_check_map(map, &f);
}

static bool
seen(const char *id)
{
	struct vm_check_failure f = { .id = "none" };

	return !vm_check_map(map, &f) && strcmp(f.id, id) == 0;
}

#define BREAKS(id, lvalue, wrong) \
	do { \
		__typeof__(lvalue) saved_ = (lvalue); \
		ASSERT_TRUE(quiet()); \
		(lvalue) = (wrong); \
		ASSERT_TRUE(seen(id)); \
		(lvalue) = saved_; \
		ASSERT_TRUE(quiet()); \
	} while (0)

/* The same for bit-fields, which have no type of their own to save in. */
#define BREAKS_BIT(id, lvalue, wrong) \
	do { \
		uint32_t saved_ = (lvalue); \
		ASSERT_TRUE(quiet()); \
		(lvalue) = (wrong); \
		ASSERT_TRUE(seen(id)); \
		(lvalue) = saved_ & 7; \
		ASSERT_TRUE(quiet()); \
	} while (0)

TEST(vm_check, M1_order_bounds_count_and_gaps)
{
	ASSERT_TRUE(setup());
	BREAKS("M1", map->hdr.nentries, 7);
	BREAKS("M1", entry->vme_end, A + 9 * P);
	BREAKS("M1", entry->vme_start, A + 1);
	BREAKS("M1", entry->max_gap, 1);
	BREAKS("M1", entry->vme_next->vme_prev, entry->vme_next);
	BREAKS("M1", entry->node.left, &entry->node);
	vm_map_deallocate(map);
}

TEST(vm_check, M2_size_and_hint)
{
	struct vm_map_entry stray;

	ASSERT_TRUE(setup());
	BREAKS("M2", map->size, P);
	BREAKS("M2", map->hint, &stray);
	vm_map_deallocate(map);
}

TEST(vm_check, M3_references)
{
	ASSERT_TRUE(setup());
	BREAKS("M3", map->ref_count, 0);
	BREAKS("M3", map->sw_in, false);
	vm_map_deallocate(map);
}

TEST(vm_check, M4_fields_at_rest)
{
	ASSERT_TRUE(setup());
	BREAKS_BIT("M4", entry->max_protection, VM_PROT_READ);
	BREAKS_BIT("M4", entry->in_transition, 1);
	BREAKS_BIT("M4", entry->needs_wakeup, 1);
	BREAKS("M4", entry->user_wired_count, 1);
	BREAKS("M4", map->user_wired_pages, 1);
	BREAKS("M4", map->transitions, 1);
	BREAKS("M4", map->unwire_waiters, 1);
	BREAKS_BIT("M4", entry->permanent, 1);
	vm_map_deallocate(map);
}

TEST(vm_check, M21_wired_pages_and_leaves)
{
	struct vm_page *m;

	ASSERT_TRUE(setup());
	ASSERT_EQ(vm_map_wire(map, A, A + 4 * P, VM_PROT_READ, false), KERN_SUCCESS);
	m = vm_page_lookup(entry->object.vm_object, entry->offset);
	BREAKS("M21", m->wire_count, 0);
	BREAKS("M21", entry->wired_count, 0);
	ASSERT_EQ(pmap_wire_range(map->pmap, A + P, A + 2 * P, false), KERN_SUCCESS);
	ASSERT_TRUE(seen("M21"));
	ASSERT_EQ(pmap_wire_range(map->pmap, A + P, A + 2 * P, true), KERN_SUCCESS);
	ASSERT_EQ(pmap_wire_range(map->pmap, A + 8 * P, A + 9 * P, true), KERN_SUCCESS);
	ASSERT_TRUE(quiet());           /* no leaf there, no mark */
	pmap_remove(map->pmap, A + P, A + 2 * P);
	ASSERT_TRUE(quiet());           /* as after a change of protection: the next access brings it back */
	ASSERT_EQ(vm_map_unwire(map, A, A + 4 * P, false), KERN_SUCCESS);
	ASSERT_TRUE(quiet());
	vm_map_deallocate(map);
}

TEST(vm_check, M5_submap_window)
{
	vm_object_t object;

	ASSERT_TRUE(setup());
	BREAKS_BIT("M5", entry->use_pmap, 1);
	object = entry->object.vm_object;
	entry->is_sub_map = 1;
	entry->object.sub_map = map;
	ASSERT_TRUE(seen("M5"));
	entry->object.vm_object = object;
	entry->is_sub_map = 0;
	ASSERT_TRUE(quiet());
	vm_map_deallocate(map);
}

TEST(vm_check, M5_levels_of_windows)
{
	vm_map_t sub = vm_map_create(PMAP_NULL, 0, 16 * M, true);
	struct vm_map_enter_args args = { .size = 4 * P, .cur = VM_PROT_DEFAULT, .max = VM_PROT_ALL };
	vm_offset_t at = 2 * A;

	ASSERT_TRUE(setup());
	ASSERT_EQ(vm_map_enter_submap(map, &at, &args, sub, false), KERN_SUCCESS);
	ASSERT_TRUE(vm_map_lookup_entry(map, at, &entry));
	BREAKS("M5", entry->offset, 16 * M);
	BREAKS("M5", sub->submap_level, 0);
	BREAKS("M5", map->submap_level, 1);
	BREAKS("M5", map->has_submaps, false);
	map->special = true;            /* or M4 would notice first */
	BREAKS_BIT("M5", entry->use_pmap, 1);
	vm_map_deallocate(map);
	vm_map_deallocate(sub);
}

TEST(vm_check, M6_object_window_and_sharing)
{
	ASSERT_TRUE(setup());
	BREAKS("M6", entry->offset, P);
	BREAKS("M6", entry->offset, 1);
	BREAKS("M6", entry->object.vm_object->alive, false);
	BREAKS_BIT("M6", entry->is_shared, 1);
	vm_map_deallocate(map);
}

TEST(vm_check, M7_no_object_no_leaf)
{
	ASSERT_TRUE(setup());
	BREAKS("M7", entry->object.vm_object, NULL);
	BREAKS_BIT("M7", entry->vme_next->needs_copy, 1);
	vm_map_deallocate(map);
}

/* --- over all maps: references, pages, chains --- */

static vm_map_t peer, child;            /* more maps, which share with `map`; NULL: none */

static void
end_all(void)
{
	vm_map_deallocate(map);
	if (peer != NULL) {
		vm_map_deallocate(peer);
		vm_map_deallocate(child);
	}
	peer = child = NULL;
}

static bool
check_all(struct vm_check_failure *f)
{
	vm_map_t maps[3] = { map, peer, child };

	return vm_check_all(maps, peer != NULL ? 3 : 1, f);
}

/*
 * Can all be counted? At boot other maps' objects exist, which are not in our
 * list: then the maps are released and the test is skipped.
 */
static bool
countable(void)
{
	struct vm_check_failure f;

	if (check_all(&f))
		return true;
	end_all();
	test_skip("objects of other maps exist");
	return false;
}

/* Does this invariant fail, and no other before it? NULL: none does. */
static bool
all_seen(const char *id)
{
	struct vm_check_failure f = { .id = "none" };
	bool ok = check_all(&f), as_meant = id == NULL ? ok : !ok && strcmp(f.id, id) == 0;

	if (!as_meant)
		kprintf("# %s: %s\n", ok ? "quiet" : f.id, ok ? "" : f.text);
	return as_meant;
}

#define BREAKS_ALL(id_, lvalue, wrong) \
	do { \
		__typeof__(lvalue) saved_ = (lvalue); \
		(lvalue) = (wrong); \
		ASSERT_TRUE(all_seen(id_)); \
		(lvalue) = saved_; \
		ASSERT_TRUE(all_seen(NULL)); \
	} while (0)

TEST(vm_check, M9_references_of_objects)
{
	ASSERT_TRUE(setup());
	if (!countable())
		return;
	BREAKS_ALL("M9", entry->object.vm_object->ref_count, saved_ + 1);
	end_all();
}

TEST(vm_check, M24_references_of_maps)
{
	vm_map_t sub = vm_map_create(PMAP_NULL, 0, 16 * M, true);
	struct vm_map_enter_args args = { .size = 4 * P, .cur = VM_PROT_DEFAULT, .max = VM_PROT_ALL };
	vm_offset_t at = 2 * A;

	ASSERT_TRUE(setup());
	ASSERT_TRUE(fixture_allocate(sub, 0, 4 * P));
	ASSERT_EQ(vm_map_enter_submap(map, &at, &args, sub, false), KERN_SUCCESS);
	ASSERT_STORE(map, at, 1);
	vm_map_deallocate(sub);         /* the window's reference is left, and nobody handed the submap in */
	if (!countable())
		return;
	BREAKS_ALL("M24", sub->ref_count, saved_ + 1);
	/* The submap's own entries are looked at, too. */
	vm_map_first_entry(sub)->in_transition = true;
	ASSERT_TRUE(all_seen("M4"));
	vm_map_first_entry(sub)->in_transition = false;
	ASSERT_TRUE(all_seen(NULL));
	end_all();
}

TEST(vm_check, M10_and_M11_pages_and_chains)
{
	struct vm_page *m;
	vm_object_t o;

	ASSERT_TRUE(setup());
	o = entry->object.vm_object;
	if (!countable())
		return;
	BREAKS_ALL("M10", o->resident_page_count, saved_ + 1);
	/* Unmapped, or M23 would notice first. */
	pmap_remove(map->pmap, A + P, A + 2 * P);
	m = vm_page_lookup(o, P);
	BREAKS_ALL("M10", m->slot, saved_ + 1);
	BREAKS_ALL("M11", o->shadow_offset, 1);
	end_all();
}

/* --- M12 to M16: copies. The map's memory is shared, and a child has an asymmetric copy of it. --- */

static vm_object_t source, copy;

/* FALSE, and nothing is left: see countable. */
static bool
setup_copy(void)
{
	vm_map_entry_t e;

	if (!setup() || vm_inherit(map, vm_address_u(A), vm_size_u(4 * P), VM_INHERIT_SHARE) != KERN_SUCCESS) {
		test_fail(__FILE__, __LINE__, "no map to copy");
		return false;
	}
	peer = vm_map_fork(map);
	(void)vm_inherit(map, vm_address_u(A), vm_size_u(4 * P), VM_INHERIT_COPY);
	child = vm_map_fork(map);
	(void)vm_map_lookup_entry(map, A, &entry);
	(void)vm_map_lookup_entry(child, A, &e);
	source = entry->object.vm_object;
	copy = e->object.vm_object;
	return countable();
}

TEST(vm_check, M12_a_copy_and_its_source)
{
	if (!setup_copy())
		return;
	ASSERT_EQ(source->copy, copy);
	BREAKS_ALL("M12", copy->shadow_offset, P);
	BREAKS_ALL("M12", source->copy_strategy, MEMORY_OBJECT_COPY_NONE);
	BREAKS_ALL("M12", source->special, false);
	BREAKS_ALL("M12", copy->special, true);
	BREAKS_ALL("M12", source->older, source);
	end_all();
}

TEST(vm_check, M13_copy_objects_keep_pages_and_have_no_writers)
{
	vm_map_entry_t e;

	if (!setup_copy())
		return;
	BREAKS_ALL("M13", copy->one_mapping, true);
	ASSERT_TRUE(vm_map_lookup_entry(child, A, &e));
	e->needs_copy = false;
	ASSERT_TRUE(all_seen("M13"));
	e->needs_copy = true;
	ASSERT_TRUE(all_seen(NULL));
	end_all();
}

TEST(vm_check, M14_shared_on_purpose)
{
	if (!setup_copy())
		return;
	BREAKS_ALL("M14", copy->true_share, true);
	end_all();
}

TEST(vm_check, M15_written_in_place_and_shown_elsewhere)
{
	vm_map_entry_t e;

	if (!setup_copy())
		return;
	/* Two pages with an object of their own: copied symmetrically, then marked as if they were not. */
	ASSERT_TRUE(fixture_allocate(map, A + 16 * P, 2 * P));
	ASSERT_STORE(map, A + 16 * P, 1);
	ASSERT_STORE(map, A + 17 * P, 1);
	vm_map_deallocate(child);
	child = vm_map_fork(map);
	ASSERT_TRUE(vm_map_lookup_entry(map, A + 16 * P, &e));
	ASSERT_TRUE(all_seen(NULL));
	e->needs_copy = false;
	ASSERT_TRUE(all_seen("M15"));           /* an entry */
	e->needs_copy = true;
	ASSERT_STORE(child, A + 16 * P, 2);
	ASSERT_TRUE(all_seen(NULL));
	e->needs_copy = false;
	ASSERT_TRUE(all_seen("M15"));           /* a shadow */
	e->needs_copy = true;
	ASSERT_TRUE(all_seen(NULL));
	end_all();
}

TEST(vm_check, M20_no_writable_leaf_while_a_push_is_owed)
{
	uint64_t size;

	if (!setup_copy())
		return;
	size = copy->size;
	copy->size = 0;                 /* nothing is owed beyond its size */
	ASSERT_STORE(map, A, 9);
	ASSERT_EQ(fixture_leaf(map, A) & VM_PROT_WRITE, VM_PROT_WRITE);
	pmap_remove(child->pmap, A, A + 4 * P);
	copy->size = size;
	ASSERT_TRUE(seen("M20"));
	pmap_protect(map->pmap, A, A + P, VM_PROT_READ);
	ASSERT_TRUE(all_seen(NULL));
	end_all();
}

TEST(vm_check, M18_the_page_behind_a_leaf)
{
	vm_object_t o;
	struct vm_chunk *c;
	pfn_t *first;

	ASSERT_TRUE(setup());
	o = entry->object.vm_object;
	c = vm_page_lookup(o, 0)->o.chunk;
	ASSERT_EQ(c->base, 0);
	first = &c->leaf[vm_page_lookup(o, 0)->slot / VM_CHUNK_LEAF][vm_page_lookup(o, 0)->slot % VM_CHUNK_LEAF];
	BREAKS("M18", *first, first[1]);
	vm_map_deallocate(map);
}

TEST(vm_check, M19_rights_of_a_leaf)
{
	ASSERT_TRUE(setup());
	BREAKS_BIT("M19", entry->protection, VM_PROT_READ);
	vm_map_deallocate(map);
}

TEST(vm_check, M20_writable_only_in_the_top_object)
{
	ASSERT_TRUE(setup());
	BREAKS_BIT("M20", entry->needs_copy, 1);
	vm_map_deallocate(map);
}

TEST(vm_check, M18_to_M20_through_a_window)
{
	vm_map_t sub = vm_map_create(PMAP_NULL, 0, 16 * M, true);
	struct vm_map_enter_args args = { .size = 4 * P, .offset = P, .cur = VM_PROT_DEFAULT, .max = VM_PROT_ALL };
	vm_offset_t at = 2 * A;

	ASSERT_TRUE(setup());
	ASSERT_TRUE(fixture_allocate(sub, 0, 8 * P));
	ASSERT_EQ(vm_map_enter_submap(map, &at, &args, sub, false), KERN_SUCCESS);
	ASSERT_STORE(map, at, 1);
	ASSERT_STORE(map, at + P, 1);
	ASSERT_TRUE(vm_map_lookup_entry(map, at, &entry));
	BREAKS("M18", entry->offset, 2 * P);
	BREAKS_BIT("M19", entry->protection, VM_PROT_READ);
	BREAKS_BIT("M20", entry->needs_copy, 1);
	entry = vm_map_first_entry(sub);
	BREAKS_BIT("M19", entry->protection, VM_PROT_READ);
	BREAKS_BIT("M20", entry->needs_copy, 1);
	vm_map_deallocate(map);
	vm_map_deallocate(sub);
}

TEST(vm_check, M22_megapages_lie_in_one_entry)
{
	struct pmap_walk w;
	vm_map_entry_t e;

	ASSERT_TRUE(setup());
	ASSERT_TRUE(fixture_allocate(map, A + M, M));
	for (uint64_t i = 0; i < MEGAPAGE_PAGES; i++)
		ASSERT_STORE(map, A + M + i * P, 1);
	pmap_walk(map->pmap, A + M, &w);
	if (!w.leaf || w.size != M) {
		vm_map_deallocate(map);
		test_skip("no megapage of physical memory was free");
		return;
	}
	ASSERT_TRUE(vm_map_lookup_entry(map, A + M, &e));
	ASSERT_TRUE(quiet());
	vm_map_store_resize(map, e, e->vme_start, e->vme_end - P);
	ASSERT_TRUE(seen("M22"));
	vm_map_store_resize(map, e, e->vme_start, e->vme_end + P);
	ASSERT_TRUE(quiet());
	vm_map_deallocate(map);
}

TEST(vm_check, M25_pages_that_a_pager_has_locked)
{
	vm_object_t o;

	ASSERT_TRUE(setup());
	o = entry->object.vm_object;
	if (!countable())
		return;
	BREAKS_ALL("M25", o->locked_pages, 1);
	end_all();
}

TEST(vm_check, M26_what_a_pager_must_get_back)
{
	vm_address_ut a = vm_address_u(A);
	struct vm_map_user_args args = { .size = vm_size_u(P), .cur = VM_PROT_DEFAULT, .max = VM_PROT_DEFAULT };
	memory_object_t mo;
	struct vm_page *m;

	map = fixture_map();
	ASSERT_EQ(pager_test_create(P, &mo), KERN_SUCCESS);
	args.pager = mo;
	ASSERT_EQ(vm_map_user(map, &a, &args), KERN_SUCCESS);
	ASSERT_STORE(map, A, 1);
	m = vm_page_lookup(mo->control, 0);
	BREAKS("M26", m->flags, (uint8_t)(m->flags & ~VM_PAGE_DIRTY));
	vm_map_deallocate(map);
	memory_object_release(mo);
}

TEST(vm_check, M27_guards_are_nothing_but_their_range)
{
	vm_map_entry_t other;

	ASSERT_TRUE(setup());
	ASSERT_TRUE(vm_map_lookup_entry(map, A + 8 * P, &other));
	other->protection = other->max_protection = VM_PROT_NONE;
	other->guard = true;
	ASSERT_TRUE(seen("M2"));        /* guards are not counted */
	map->size -= P;
	BREAKS_BIT("M27", other->max_protection, 1);
	BREAKS_BIT("M27", other->grows_down, 1);
	BREAKS_BIT("M27", other->stack_max, 1);
	BREAKS_BIT("M27", entry->stack_gap, 1);
	BREAKS_BIT("M4", other->inheritance, VM_INHERIT_ZERO);
	vm_map_deallocate(map);
}

TEST(vm_check, M28_split_boundaries_and_memory_without_faults)
{
	ASSERT_TRUE(setup());
	BREAKS_BIT("M28", entry->split, 1);
	BREAKS_BIT("M28", entry->nofault, 1);
	map->splits = true;
	BREAKS_BIT("M28", entry->split, 2);
	vm_map_deallocate(map);
}

TEST(vm_check, M1_the_index_of_an_alignment)
{
	struct vm_map_align align = { .mask = M - 1 };

	ASSERT_TRUE(setup());
	/* To the map's end: a gap of 2^32 pages and more counts as that many, wherever it begins. */
	ASSERT_TRUE(fixture_allocate(map, A + 16 * M, vm_max_address - (A + 16 * M)));
	vm_map_lock(map);
	vm_map_store_index(map, &align);
	vm_map_unlock(map);
	BREAKS("M1", entry->max_aligned, entry->max_aligned + 1);
	BREAKS("M1", map->align.phase, 3 * P);
	vm_map_deallocate(map);
}

/* M30, M31: a map with a partly populated reservation. Skips where there is no free megapage, or other maps are at work. */
TEST(vm_check, M30_and_M31_reservations)
{
	struct vm_check_failure f = { .id = "none" };
	vm_map_t maps[1];
	struct vm_chunk *c;
	struct list link;

	ASSERT_TRUE(setup());
	maps[0] = map;
	ASSERT_TRUE(fixture_allocate(map, 2 * A, 2 * M));
	ASSERT_STORE(map, 2 * A + P, 1);
	ASSERT_TRUE(vm_map_lookup_entry(map, 2 * A, &entry));
	c = entry->object.vm_object->hint;
	if (!vm_check_all(maps, 1, &f) || c->base == 0) {
		vm_map_deallocate(map);
		test_skip("objects of other maps exist, or no free megapage");
		return;
	}
#define BREAKS_IT(number, lvalue, wrong) \
	do { \
		__typeof__(lvalue) saved_ = (lvalue); \
		(lvalue) = (wrong); \
		ASSERT_FALSE(vm_check_all(maps, 1, &f)); \
		ASSERT_EQ(strcmp(f.id, number), 0); \
		(lvalue) = saved_; \
		ASSERT_TRUE(vm_check_all(maps, 1, &f)); \
	} while (0)
	BREAKS_IT("M30", c->head->order, 0);
	BREAKS_IT("M30", c->head->kind, VM_PAGE_TABLE);
	/* In the middle of a queue, and in none. */
	link = c->rsvp_link;
	list_init(&c->rsvp_link);
	ASSERT_FALSE(vm_check_all(maps, 1, &f));
	ASSERT_EQ(strcmp(f.id, "M30"), 0);
	c->rsvp_link = link;
	ASSERT_TRUE(vm_check_all(maps, 1, &f));
	list_remove(&c->rsvp_link);
	ASSERT_FALSE(vm_check_all(maps, 1, &f));
	ASSERT_EQ(strcmp(f.id, "M30"), 0);
	c->rsvp_link.next->prev = c->rsvp_link.prev->next = &c->rsvp_link;
	ASSERT_TRUE(vm_check_all(maps, 1, &f));
	/* A page that nobody accounts for. */
	{
		struct vm_page *stray = vm_page_alloc(0);

		BREAKS_IT("M31", stray->kind, VM_PAGE_RSVP);
		vm_page_free(stray);
	}
	vm_map_deallocate(map);
}
