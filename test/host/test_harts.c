/*
 * test_harts.c: locks and allocators under several threads. Also run under
 * the thread sanitizer.
 */
#include <unistd.h>
#include <base/lock.h>
#include <base/wait.h>
#include <mm/vm_page.h>
#include <mm/zone.h>
#include <vm_page_impl.h>
#include <host.h>

#define HARTS 4

/* --- spinlock --- */

struct counter {
	struct spinlock lock;
	uint64_t        n;
};

static void
count_up(unsigned hart, void *arg)
{
	struct counter *c = arg;

	(void)hart;
	for (unsigned i = 0; i < 20000; i++) {
		spin_lock(&c->lock);
		c->n++;
		spin_unlock(&c->lock);
	}
}

TEST(harts, spinlock_excludes)
{
	struct counter c = { SPINLOCK_INIT(ZONE), 0 };

	host_run_harts(HARTS, count_up, &c);
	ASSERT_EQ(c.n, HARTS * 20000);
}

/* --- sleeping locks --- */

struct shared {
	struct rwlock lock;
	uint64_t      a, b;             /* equal whenever nobody writes */
	uint64_t      writes, torn, upgrades;
};

static void
rw_look(struct shared *s)
{
	if (s->a != s->b)
		__atomic_fetch_add(&s->torn, 1, __ATOMIC_RELAXED);
}

static void
rw_change(struct shared *s)
{
	rw_look(s);
	s->a++;
	if (s->a % 8 == 0)
		hart_relax();
	s->b++;
	s->writes++;
}

static void
rw_mix(unsigned hart, void *arg)
{
	struct shared *s = arg;
	uint64_t seed = hart * 7919 + 1;

	for (unsigned i = 0; i < 20000; i++) {
		switch (host_random(&seed) % 8) {
		case 0:
		case 1:
			rw_write_lock(&s->lock);
			rw_change(s);
			rw_write_unlock(&s->lock);
			break;
		case 2:
			rw_write_lock(&s->lock);
			rw_change(s);
			rw_downgrade(&s->lock);
			rw_look(s);
			rw_read_unlock(&s->lock);
			break;
		case 3:
			rw_read_lock(&s->lock);
			rw_look(s);
			if (rw_try_upgrade(&s->lock)) {
				rw_change(s);
				s->upgrades++;
				rw_write_unlock(&s->lock);
			} else {
				rw_read_unlock(&s->lock);
			}
			break;
		case 4:
			if (rw_write_trylock(&s->lock)) {
				rw_change(s);
				rw_write_unlock(&s->lock);
			}
			break;
		default:
			rw_read_lock(&s->lock);
			rw_look(s);
			if (i % 16 == 0)
				hart_relax();
			rw_read_unlock(&s->lock);
		}
	}
}

TEST(harts, rwlock_excludes_and_loses_no_wakeup)
{
	static struct shared s;

	s = (struct shared){ .a = 0 };
	rw_init(&s.lock, LOCK_MAP);
	host_run_harts(HARTS, rw_mix, &s);
	ASSERT_EQ(s.torn, 0);
	ASSERT_EQ(s.a, s.b);
	ASSERT_EQ(s.a, s.writes);
	ASSERT_EQ(s.lock.state, 0);
	ASSERT_EQ(s.lock.writers_waiting, 0);
}

/* A stream of readers that always overlap must not keep a writer out. */
struct stream {
	struct rwlock lock;
	uint32_t      stop, written;
};

static void
stream_run(unsigned hart, void *arg)
{
	struct stream *s = arg;

	if (hart == 0) {
		for (unsigned i = 0; i < 50; i++) {
			rw_write_lock(&s->lock);
			s->written++;
			rw_write_unlock(&s->lock);
		}
		__atomic_store_n(&s->stop, 1, __ATOMIC_RELEASE);
		return;
	}
	while (!__atomic_load_n(&s->stop, __ATOMIC_ACQUIRE)) {
		rw_read_lock(&s->lock);
		hart_relax();
		rw_read_unlock(&s->lock);
	}
}

TEST(harts, readers_do_not_starve_a_writer)
{
	static struct stream s;

	s = (struct stream){ .stop = 0 };
	rw_init(&s.lock, LOCK_MAP);
	host_run_harts(HARTS, stream_run, &s);
	ASSERT_EQ(s.written, 50);
	ASSERT_EQ(s.lock.state, 0);
}

/* Hart 0 plays a writer that waits: hart 1, a reader, must not get in before it. */
struct queue {
	struct rwlock lock;
	uint32_t      asked, in;
};

static void
queue_run(unsigned hart, void *arg)
{
	struct queue *q = arg;

	if (hart == 1) {
		__atomic_store_n(&q->asked, 1, __ATOMIC_RELEASE);
		rw_read_lock(&q->lock);
		__atomic_store_n(&q->in, 1, __ATOMIC_RELEASE);
		rw_read_unlock(&q->lock);
		return;
	}
	while (!__atomic_load_n(&q->asked, __ATOMIC_ACQUIRE))
		hart_relax();
	usleep(20000);
	if (__atomic_load_n(&q->in, __ATOMIC_ACQUIRE))
		test_fail(__FILE__, __LINE__, "a reader overtook a waiting writer");
	spin_lock(&q->lock.interlock);
	q->lock.writers_waiting = 0;
	spin_unlock(&q->lock.interlock);
	rw_wake(&q->lock);
}

TEST(harts, reader_queues_behind_a_waiting_writer)
{
	static struct queue q;

	q = (struct queue){ .asked = 0 };
	rw_init(&q.lock, LOCK_MAP);
	q.lock.state = RW_WAITERS;
	q.lock.writers_waiting = 1;
	host_run_harts(2, queue_run, &q);
	ASSERT_EQ(q.in, 1);
	ASSERT_EQ(q.lock.state, 0);
}

/* --- pages --- */

static uint64_t page_clashes;

static void
page_release(struct vm_page *m, uint64_t mark, unsigned order)
{
	uint64_t *p = vm_page_va(m);

	if (*p != mark)
		__atomic_fetch_add(&page_clashes, 1, __ATOMIC_RELAXED);
	if (order != 0)
		vm_page_free_order(m, order);
	else if (mark % 3 == 0)
		vm_page_free_batch(&m, 1);
	else
		vm_page_free(m);
}

/* Marks every page and finds the mark again; hart 0 drains, hart 1 clears ahead. */
static void
page_mix(unsigned hart, void *arg)
{
	struct { struct vm_page *m; uint64_t mark; unsigned order; } own[32] = { 0 };
	uint64_t seed = hart * 104729 + 7;

	(void)arg;
	for (unsigned i = 0; i < 4000; i++) {
		unsigned k = (unsigned)(host_random(&seed) % 32);

		if (hart == 0 && i % 64 == 0)
			vm_page_drain();
		if (hart == 1)
			(void)vm_page_clear_ahead();
		if (own[k].m != NULL) {
			page_release(own[k].m, own[k].mark, own[k].order);
			own[k].m = NULL;
			continue;
		}
		own[k].order = i % 8 == 0 ? 2 : 0;
		own[k].m = own[k].order ? vm_page_alloc_order(2, 0) : vm_page_alloc(i & VM_PAGE_ZERO);
		own[k].mark = (uint64_t)hart << 32 | i;
		if (own[k].m != NULL)
			*(uint64_t *)vm_page_va(own[k].m) = own[k].mark;
	}
	for (unsigned k = 0; k < 32; k++)
		if (own[k].m != NULL)
			page_release(own[k].m, own[k].mark, own[k].order);
}

TEST(harts, no_page_is_given_to_two)
{
	page_clashes = 0;
	host_run_harts(HARTS, page_mix, NULL);
	ASSERT_EQ(page_clashes, 0);
}

static uint64_t squeeze_got, squeeze_failed;

/* Everybody takes what there is, gives half back, takes again. */
static void
page_squeeze(unsigned hart, void *arg)
{
	struct vm_page *chain = NULL, *m;
	uint64_t n = 0;

	(void)arg;
	(void)hart;
	for (unsigned round = 0; round < 4; round++) {
		while ((m = vm_page_alloc(VM_PAGE_USER)) != NULL) {
			m->q.next = chain;
			chain = m;
			n++;
		}
		__atomic_fetch_add(&squeeze_failed, 1, __ATOMIC_RELAXED);
		for (uint64_t k = n / 2; k > 0 || (round == 3 && chain != NULL); k--) {
			m = chain;
			chain = m->q.next;
			vm_page_free(m);
			n--;
			if (chain == NULL)
				break;
		}
	}
	__atomic_fetch_add(&squeeze_got, 1, __ATOMIC_RELAXED);
}

TEST(harts, shortage_on_all_harts_leaves_the_reserve_and_recovers)
{
	struct vm_page *m;
	uint64_t before;

	host_boot(24ul << 20);
	before = host_free_pages();
	squeeze_got = squeeze_failed = 0;
	host_run_harts(HARTS, page_squeeze, NULL);
	ASSERT_EQ(squeeze_got, HARTS);
	ASSERT_EQ(squeeze_failed, 4 * HARTS);
	m = vm_page_alloc(VM_PAGE_USER);
	ASSERT_TRUE(m != NULL);
	vm_page_free(m);
	ASSERT_FALSE(vm_page_stock.low);
	ASSERT_EQ(host_free_pages(), before);
}

/* --- zones --- */

static struct zone harts_zone;
static uint64_t element_clashes;

static void
zone_mix(unsigned hart, void *arg)
{
	uint64_t *own[64] = { NULL }, seed = hart * 31337 + 11;

	(void)arg;
	for (unsigned i = 0; i < 20000; i++) {
		unsigned k = (unsigned)(host_random(&seed) % 64);

		if (hart == 0 && i % 256 == 0)
			zone_gc();
		if (own[k] == NULL) {
			own[k] = zalloc(&harts_zone);
			if (own[k] != NULL)
				own[k][2] = (uint64_t)hart << 32 | k;
			continue;
		}
		if (own[k][2] != ((uint64_t)hart << 32 | k))
			__atomic_fetch_add(&element_clashes, 1, __ATOMIC_RELAXED);
		zfree(&harts_zone, own[k]);
		own[k] = NULL;
	}
	for (unsigned k = 0; k < 64; k++)
		if (own[k] != NULL)
			zfree(&harts_zone, own[k]);
}

TEST(harts, no_element_is_given_to_two)
{
	zone_gc();
	zone_init(&harts_zone, "harts", 120);
	element_clashes = 0;
	host_run_harts(HARTS, zone_mix, NULL);
	ASSERT_EQ(element_clashes, 0);
	zone_gc();
	ASSERT_EQ(harts_zone.slabs, 0);
}
