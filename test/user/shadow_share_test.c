/*
 * shadow_share_test: a shadow object that two processes share on purpose.
 *
 *   first ──copy──> second ══share══> third        (fourth: one more copy of first's)
 *
 * What the third writes comes up into the shadow that it shares with the second,
 * which has the pages below mapped: its leaves must go, or it reads old data
 * (FreeBSD-SA-21:08). With the first gone or waiting, with and without a fourth,
 * all or half of it written, of one page to more than a megapage, by plain
 * stores or by mlock and mprotect.
 */
#include "posix.h"

#define MEMBERS 5

struct shared {
	volatile unsigned ended[MEMBERS];       /* by that one, as it goes */
	volatile unsigned written;
	volatile unsigned wrong;                /* bits of who saw what he should not */
};

struct how {
	size_t len, written;
	bool   first_goes, fourth, locks;
};

static struct shared *s;

static void
wait_for(const volatile unsigned *flag)
{
	while (*flag == 0)
		usleep(200);
}

static void
see(unsigned who, const unsigned *p, const struct how *h, size_t changed)
{
	for (size_t i = 0; i < h->len; i += P)
		if (p[i / 4] != (i < changed ? 3 : 1))
			__atomic_fetch_or(&s->wrong, 1u << who, __ATOMIC_RELAXED);
}

static void
leave(unsigned who)
{
	s->ended[who] = 1;
	_exit(0);
}

static void
third(unsigned *p, const struct how *h)
{
	if (h->first_goes)
		wait_for(&s->ended[1]);
	if (h->locks && (mlock(p, h->len) != 0 || mprotect(p, h->len, RW) != 0))
		__atomic_fetch_or(&s->wrong, 1u << 16, __ATOMIC_RELAXED);
	for (size_t i = 0; i < h->written; i += P)
		p[i / 4] = 3;
	s->written = 1;
	leave(3);
}

static void
second(unsigned *p, const struct how *h)
{
	if (minherit(p, h->len, INHERIT_SHARE) != 0)
		__atomic_fetch_or(&s->wrong, 1u << 17, __ATOMIC_RELAXED);
	see(2, p, h, 0);
	if (fork() == 0)
		third(p, h);
	wait_for(&s->written);
	see(2, p, h, h->written);
	wait(NULL);
	leave(2);
}

static void
first(const struct how *h)
{
	unsigned *p = mmap(NULL, h->len, RW, SHARED, -1, 0);

	for (size_t i = 0; i < h->len; i += P)
		p[i / 4] = 1;
	if (h->locks && (mlock(p, h->len) != 0 || mprotect(p, h->len, PROT_READ) != 0))
		__atomic_fetch_or(&s->wrong, 1u << 18, __ATOMIC_RELAXED);
	if (h->fourth && fork() == 0) {
		wait_for(&s->written);
		see(4, p, h, 0);
		leave(4);
	}
	if (minherit(p, h->len, INHERIT_COPY) != 0)
		__atomic_fetch_or(&s->wrong, 1u << 19, __ATOMIC_RELAXED);
	if (fork() == 0)
		second(p, h);
	if (!h->first_goes) {
		wait_for(&s->written);
		see(1, p, h, 0);
	}
	leave(1);
}

static void
one(const struct how *h)
{
	int status = 0;
	pid_t pid;

	*s = (struct shared){ 0 };
	pid = fork();
	if (pid == 0)
		first(h);
	CHECK(waitpid(pid, &status, 0) == pid && status == 0, "0x%x", status);
	for (unsigned i = 2; i < (h->fourth ? 5u : 4u); i++)
		wait_for(&s->ended[i]);
	CHECK(s->wrong == 0, "0x%x: 0x%zx bytes, 0x%zx written, first goes %d, fourth %d, locks %d", s->wrong, h->len, h->written,
	    h->first_goes, h->fourth, h->locks);
}

int
main(void)
{
	static const size_t len[] = { P, 2 * P, MEGA - P, MEGA, MEGA + P };

	s = mmap(NULL, P, RW, SHARED, -1, 0);
	for (unsigned i = 0; i < 16; i++)
		for (unsigned l = 0; l < 5; l++)
			one(&(struct how){ .len = len[l], .written = i & 1 ? len[l] : len[l] / 2 / P * P, .first_goes = i & 2,
			    .fourth = i & 4, .locks = i & 8 });
	return check_result("shadow_share_test");
}
