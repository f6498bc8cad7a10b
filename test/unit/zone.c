/*
 * zone: elements are apart, slabs come and go, shortage leaves nothing behind.
 */
#include <string.h>
#include <base/test.h>
#include <mm/vm_page.h>
#include <mm/zone.h>
#include <zone_impl.h>

#define N 500

static struct zone test_zone;
static void *element[N];

static bool
info_of(const struct zone *z, struct zone_info *info)
{
	for (unsigned i = 0; zone_info(i, info); i++)
		if (info->name == z->name)
			return true;
	return false;
}

/* Elements of one size: marked, checked, freed in another order, all pages back. */
static void
exercise(size_t size)
{
	struct zone_info info;

	zone_gc();
	zone_init(&test_zone, "test", size);
	for (unsigned i = 0; i < N; i++) {
		element[i] = zalloc(&test_zone);
		ASSERT_TRUE(element[i] != NULL);
		ASSERT_EQ((uintptr_t)element[i] % 8, 0);
		memset(element[i], (int)i, size);
	}
	ASSERT_TRUE(info_of(&test_zone, &info));
	ASSERT_EQ(info.in_use, N);
	ASSERT_GE(info.slabs * test_zone.per_slab, N);
	ASSERT_EQ(info.pages, info.slabs << test_zone.slab_order);
	for (unsigned i = 0; i < N; i++)
		for (size_t b = 0; b < size; b++)
			ASSERT_EQ(((uint8_t *)element[i])[b], i & 0xff);
	for (unsigned i = 0; i < N; i++)
		zfree(&test_zone, element[(i * 7) % N]);
	ASSERT_TRUE(info_of(&test_zone, &info));
	ASSERT_EQ(info.in_use, 0);
	ASSERT_LE(test_zone.nempty, ZONE_EMPTY_MAX);
	zone_gc();
	ASSERT_TRUE(info_of(&test_zone, &info));
	ASSERT_EQ(info.slabs, 0);
	ASSERT_EQ(info.cached, 0);
}

TEST(zone, sizes_from_a_word_to_several_pages)
{
	static const size_t size[] = { 1, 8, 16, 24, 112, 256, 1000, 2048, 4000 };

	for (unsigned i = 0; i < nitems(size); i++) {
		exercise(size[i]);
		if (test_failed())
			return;
	}
}

TEST(zone, elements_stay_inside_their_slab)
{
	size_t bytes;

	zone_gc();
	zone_init(&test_zone, "test", 520);
	bytes = PAGE_SIZE << test_zone.slab_order;
	ASSERT_GE(test_zone.per_slab, 7);
	for (unsigned i = 0; i < 2 * test_zone.per_slab; i++) {
		uintptr_t e = (uintptr_t)(element[i] = zalloc(&test_zone));

		ASSERT_TRUE(e != 0);
		ASSERT_GE(e % bytes, sizeof(struct slab));
		ASSERT_LE(e % bytes + 520, bytes);
	}
	for (unsigned i = 0; i < 2 * test_zone.per_slab; i++)
		zfree(&test_zone, element[i]);
	zone_gc();
}

TEST(zone, last_freed_is_first_reused)
{
	void *a, *b;

	zone_gc();
	zone_init(&test_zone, "test", 64);
	a = zalloc(&test_zone);
	b = zalloc(&test_zone);
	ASSERT_TRUE(a != NULL && b != NULL && a != b);
	zfree(&test_zone, a);
	zfree(&test_zone, b);
	ASSERT_TRUE(zalloc(&test_zone) == b);
	zfree(&test_zone, b);
	zone_gc();
}

TEST(zone, slab_is_never_left_half_made_on_shortage)
{
	struct zone_info info;
	void *e;

	zone_gc();
	zone_init(&test_zone, "test", 64);
	vm_alloc_fail_at(1, false);
	e = zalloc(&test_zone);                 /* the zone itself */
	ASSERT_TRUE(e == NULL);
	vm_alloc_fail_at(2, false);
	e = zalloc(&test_zone);                 /* the page of its first slab */
	ASSERT_TRUE(e == NULL);
	ASSERT_TRUE(info_of(&test_zone, &info));
	ASSERT_EQ(info.slabs, 0);
	ASSERT_EQ(info.in_use, 0);
	e = zalloc(&test_zone);
	ASSERT_TRUE(e != NULL);
	zfree(&test_zone, e);
	zone_gc();
}

TEST(zone, breathing_zone_keeps_its_slab)
{
	void *e;
	uint64_t refilled;

	zone_gc();
	zone_init(&test_zone, "test", 64);
	e = zalloc(&test_zone);
	ASSERT_TRUE(e != NULL);
	zfree(&test_zone, e);
	refilled = test_zone.cache[hart_index()].refilled;
	for (unsigned i = 0; i < 100; i++) {
		e = zalloc(&test_zone);
		ASSERT_TRUE(e != NULL);
		zfree(&test_zone, e);
	}
	ASSERT_EQ(test_zone.cache[hart_index()].refilled, refilled);
	ASSERT_EQ(test_zone.slabs, 1);
	zone_gc();
	ASSERT_EQ(test_zone.slabs, 0);
}

TEST(zone, lists_hold_each_zone_once)
{
	struct zone_info info;
	unsigned n = 0;

	zone_gc();
	zone_init(&test_zone, "test", 64);
	zone_init(&test_zone, "test", 64);
	for (unsigned i = 0; zone_info(i, &info); i++)
		n += info.name == test_zone.name;
	ASSERT_EQ(n, 1);
}

/* Full slabs, one element back: the slab must serve again before a new one is made. */
TEST(zone, full_slab_serves_again)
{
	unsigned n = 0;

	zone_gc();
	zone_init(&test_zone, "test", 200);
	while (test_zone.taken != 2 * test_zone.per_slab || test_zone.cache[hart_index()].count != 0) {
		ASSERT_LE(n, N - 1);
		element[n] = zalloc(&test_zone);
		ASSERT_TRUE(element[n] != NULL);
		n++;
	}
	ASSERT_FALSE(list_empty(&test_zone.full));
	zfree(&test_zone, element[--n]);
	zone_gc();
	ASSERT_FALSE(list_empty(&test_zone.partial));
	element[n] = zalloc(&test_zone);
	ASSERT_TRUE(element[n] != NULL);
	ASSERT_EQ(test_zone.slabs, 2);
	for (unsigned i = 0; i <= n; i++)
		zfree(&test_zone, element[i]);
	zone_gc();
	ASSERT_TRUE(list_empty(&test_zone.full) && list_empty(&test_zone.partial));
}

TEST(zone, a_chain_goes_back_at_once)
{
	struct zone_info info;

	zone_gc();
	zone_init(&test_zone, "test", 48);
	for (unsigned round = 0; round < 2; round++)
		for (unsigned n = 1; n <= N; n += n < 3 ? 1 : 31) {
			for (unsigned i = 0; i < n; i++) {
				element[i] = zalloc(&test_zone);
				ASSERT_TRUE(element[i] != NULL);
				*(void **)element[i] = i > 0 ? element[i - 1] : NULL;
			}
			zfree_chain(&test_zone, element[n - 1], element[0], n);
			ASSERT_TRUE(info_of(&test_zone, &info));
			ASSERT_EQ(info.in_use, 0);
			ASSERT_LE(info.cached, ZONE_CACHE_MAX);
		}
	zone_gc();
	ASSERT_TRUE(info_of(&test_zone, &info));
	ASSERT_EQ(info.slabs, 0);
}
