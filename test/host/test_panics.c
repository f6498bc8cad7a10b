/*
 * test_panics.c: what debug builds must notice: one seeded mistake each.
 */
#include <base/lock.h>
#include <base/wait.h>
#include <mm/vm_page.h>
#include <mm/zone.h>
#include <vm_page_impl.h>
#include <zone_impl.h>
#include <host.h>

/* --- lock order --- */

TEST(lock_order, falling_rank_is_refused)
{
	struct spinlock page, object;

	spin_init(&page, LOCK_PAGE);
	spin_init(&object, LOCK_OBJECT);
	spin_lock(&page);
	ASSERT_PANICS(spin_lock(&object), "taking OBJECT");
}

TEST(lock_order, equal_rank_is_refused_unless_it_chains)
{
	struct spinlock a, b;

	spin_init(&a, LOCK_KMEM);
	spin_init(&b, LOCK_KMEM);
	spin_lock(&a);
	ASSERT_PANICS(spin_lock(&b), "taking KMEM");
}

TEST(lock_order, sleeping_lock_below_a_spinlock_is_refused)
{
	struct spinlock object;
	struct rwlock map;

	spin_init(&object, LOCK_OBJECT);
	rw_init(&map, LOCK_MAP);
	spin_lock(&object);
	ASSERT_PANICS(rw_read_lock(&map), "taking MAP");
}

TEST(lock_order, same_lock_twice_is_refused)
{
	struct rwlock map;
	struct spinlock l;

	rw_init(&map, LOCK_MAP);
	rw_read_lock(&map);
	ASSERT_PANICS(rw_read_lock(&map), "again MAP");
	spin_init(&l, LOCK_OBJECT);
	spin_lock(&l);
	ASSERT_PANICS(spin_lock(&l), "again OBJECT");
}

TEST(lock_order, release_of_a_lock_that_is_not_held)
{
	struct spinlock l;

	spin_init(&l, LOCK_ZONE);
	ASSERT_PANICS(spin_unlock(&l), "not held");
}

TEST(lock_order, lock_held_at_return_to_user)
{
	struct spinlock l;

	spin_init(&l, LOCK_ZONE);
	lock_order_none();
	spin_lock(&l);
	ASSERT_PANICS(lock_order_none(), "still held");
}

TEST(lock_order, sleep_with_a_spinlock_held)
{
	struct spinlock l;
	struct rwlock map;

	spin_init(&l, LOCK_ZONE);
	rw_init(&map, LOCK_MAP);
	rw_read_lock(&map);
	lock_order_sleep();
	spin_lock(&l);
	ASSERT_PANICS(lock_order_sleep(), "sleep with ZONE");
}

TEST(lock_order, hart_that_waits_for_itself)
{
	struct spinlock l;

	spin_init(&l, LOCK_ZONE);
	spin_lock(&l);
	lock_trace()->n = 0;            /* as if another thread of this hart had taken it */
	ASSERT_PANICS(spin_lock(&l), "which it holds");
}

/* --- pages --- */

TEST(page_poison, write_to_a_free_page_is_found_when_it_is_handed_out)
{
	struct vm_page *m = vm_page_alloc(0);
	uint64_t *p = vm_page_va(m);

	vm_page_free(m);
	p[100] = 5;
	ASSERT_PANICS((void)vm_page_alloc(0), "was written: 0x5 at offset 0x320");
	m->kind = VM_PAGE_KERNEL;
	m->poison = 0;
	vm_page_free(m);
}

TEST(page_poison, page_that_only_claims_to_be_clear)
{
	struct vm_page *m = vm_page_alloc(VM_PAGE_ZERO);
	uint64_t *p = vm_page_va(m);

	p[511] = 1;
	m->flags = VM_PAGE_ZEROED;
	vm_page_free(m);
	ASSERT_PANICS((void)vm_page_alloc(VM_PAGE_ZERO), "was written: 0x1 at offset 0xff8");
	vm_page_describe(m, VM_PAGE_KERNEL, 0, 0);
	vm_page_free(m);
}

TEST(page_poison, write_into_a_free_block)
{
	struct vm_page *m = vm_page_alloc_order(5, 0);
	uint64_t *p = vm_page_va(m);

	vm_page_free_order(m, 5);
	vm_page_drain();
	p[17 * 512] = 9;
	/* Whoever comes across the page first says so. */
	ASSERT_PANICS(for (;;) { if (vm_page_alloc_order(0, 0) == NULL) break; }, "was written: 0x9");
	host_boot(HOST_MEM_DEFAULT);
}

TEST(page_free, twice)
{
	struct vm_page *m = vm_page_alloc(0);

	vm_page_free(m);
	ASSERT_PANICS(vm_page_free(m), "freed twice");
	ASSERT_PANICS(vm_page_free_batch(&m, 1), "freed twice");
	ASSERT_PANICS(vm_page_free_order(m, 0), "freed twice");
}

TEST(page_free, wired_and_misaligned)
{
	struct vm_page *m = vm_page_alloc_order(1, 0);

	m->wire_count = 2;
	ASSERT_PANICS(vm_page_free_order(m, 1), "freed with 2 wirings");
	m->wire_count = 0;
	m[1].kind = VM_PAGE_KERNEL;
	ASSERT_PANICS(vm_page_free_order(m + 1, 1), "heads no block");
	vm_page_free_order(m, 1);
}

/* --- zones --- */

static struct zone panic_zone, other_zone;

static void *
zone_with_element(void)
{
	zone_gc();
	zone_init(&panic_zone, "panic", 64);
	zone_init(&other_zone, "other", 64);
	return zalloc(&panic_zone);
}

TEST(zone_poison, write_after_free)
{
	uint64_t *e = zone_with_element();
	void (*shadow)(void *, size_t, bool) = zone_shadow;

	/* The address sanitizer would notice first. */
	shadow(e, 64, false);
	zone_shadow = NULL;
	zfree(&panic_zone, e);
	e[3] = 7;
	ASSERT_PANICS((void)zalloc(&panic_zone), "written after it was freed");
	zfree(&panic_zone, e);
	zone_shadow = shadow;
	zone_gc();
}

TEST(zone_poison, double_free_and_foreign_elements)
{
	uint64_t *e = zone_with_element();
	void (*shadow)(void *, size_t, bool) = zone_shadow;

	ASSERT_PANICS(zfree(&other_zone, e), "no element of it");
	ASSERT_PANICS(zfree(&panic_zone, e + 1), "no element of it");
	zone_shadow = NULL;
	shadow(e, 64, false);
	zfree(&panic_zone, e);
	ASSERT_PANICS(zfree(&panic_zone, e), "freed twice");
	zone_shadow = shadow;
	zone_gc();
}
