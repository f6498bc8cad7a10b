/*
 * mega_storm [ROUNDS [SEED]]: megapages made and split by four threads at once.
 *
 * The windows of 2 MiB lie side by side in one task, so all share page tables,
 * directories and TLBs; each is one thread's at a time, which does to it, or to a part of
 * it, what promotes or splits it: fills, stores, protection, unmapping, advice,
 * wiring, forks whose children look and write, moves by remapping, and sharing
 * with such a child. What the pages hold is known (a byte each) and compared.
 */
#include "check.h"
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#define MEGA    (2ul << 20)
#define PAGE    4096ul
#define PAGES   512u
#define WINDOWS 8u
#define THREADS 4u

static struct window {
	pthread_mutex_t lock;
	char           *base;
	unsigned char   holds[PAGES];           /* the first byte of each page, and its last */
} window[WINDOWS];
static unsigned rounds = 60;
static uint64_t first_seed = 1;

static uint64_t
next_random(uint64_t *s)
{
	*s ^= *s << 13;
	*s ^= *s >> 7;
	*s ^= *s << 17;
	return *s;
}

static void
put(struct window *w, unsigned page, unsigned char value)
{
	volatile char *p = w->base + page * PAGE;

	p[0] = (char)value;
	p[PAGE - 1] = (char)value;
	w->holds[page] = value;
}

static void
fill(struct window *w, unsigned char value)
{
	for (unsigned i = 0; i < PAGES; i++)
		put(w, i, (unsigned char)(value + i));
}

/* Pages first, first + step, ... hold what they should. */
static unsigned
wrong(const struct window *w, unsigned first, unsigned step)
{
	unsigned n = 0;

	for (unsigned i = first; i < PAGES; i += step) {
		const volatile unsigned char *p = (const volatile unsigned char *)w->base + i * PAGE;

		n += p[0] != w->holds[i] || p[PAGE - 1] != w->holds[i];
	}
	return n;
}

/* A part of a window: mostly small, sometimes all of it. */
struct part {
	char    *at;
	unsigned first, n;
	size_t   size;
};

static struct part
some_part(struct window *w, uint64_t r)
{
	struct part p = { .first = r % PAGES, .n = 1 + (r >> 9) % 24 };

	if ((r >> 20) % 8 == 0) {
		p.first = 0;
		p.n = PAGES;
	}
	if (p.n > PAGES - p.first)
		p.n = PAGES - p.first;
	p.at = w->base + p.first * PAGE;
	p.size = p.n * PAGE;
	return p;
}

/* New memory in place of a part. */
static void
renew(struct window *w, const struct part *p, bool hole)
{
	if (hole)
		CHECK(munmap(p->at, p->size) == 0);
	CHECK(mmap(p->at, p->size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANON | MAP_FIXED, -1, 0) == p->at);
	memset(&w->holds[p->first], 0, p->n);
}

/* What nobody wants any more is zero, or as it was. */
static void
give_up(struct window *w, const struct part *p)
{
	EXPECT(KERN_SUCCESS, vm_behavior_set(mach_task_self(), (vm_address_t)p->at, p->size, VM_BEHAVIOR_FREE));
	for (unsigned i = p->first; i < p->first + p->n; i++)
		if (*(volatile char *)(w->base + i * PAGE) == 0)
			w->holds[i] = 0;
}

/* The child sees what its parent saw, and writes its own. */
static void
in_a_child(struct window *w, const struct part *p, unsigned char value)
{
	pid_t child = fork();
	int status = 0;

	if (child == 0) {
		unsigned bad = wrong(w, p->first % 16, 16);

		for (unsigned i = 0; i < p->n; i++)
			put(w, p->first + i, (unsigned char)(value + i));
		_exit(bad + wrong(w, p->first % 8, 8) != 0);
	}
	if (child < 0)
		return;                         /* no memory for a task: nothing to see */
	/* Meanwhile the parent writes, too. */
	put(w, p->first, value);
	CHECK(waitpid(child, &status, 0) == child && status == 0, "status 0x%x", status);
}

/* The part is shared with a child, which writes it. */
static void
with_a_child(struct window *w, const struct part *p, unsigned char value)
{
	pid_t child;
	int status = 0;

	CHECK(minherit(p->at, p->size, INHERIT_SHARE) == 0);
	child = fork();
	if (child == 0) {
		for (unsigned i = 0; i < p->n; i++)
			put(w, p->first + i, (unsigned char)(value + i));
		_exit(wrong(w, p->first % 8, 8) != 0);
	}
	if (child > 0) {
		CHECK(waitpid(child, &status, 0) == child && status == 0, "status 0x%x", status);
		for (unsigned i = 0; i < p->n; i++)
			w->holds[p->first + i] = (unsigned char)(value + i);
	}
	CHECK(minherit(p->at, p->size, INHERIT_COPY) == 0);
}

/* All of the window, as it is, is mapped elsewhere (where nothing else can be put meanwhile) and back. */
static void
move(struct window *w)
{
	vm_address_t away = (vm_address_t)w->base + WINDOWS * MEGA, back = (vm_address_t)w->base;
	vm_prot_t cur, max;

	EXPECT(KERN_SUCCESS, vm_remap(mach_task_self(), &away, MEGA, 0, VM_FLAGS_FIXED | VM_FLAGS_OVERWRITE,
	    mach_task_self(), back, FALSE, &cur, &max, VM_INHERIT_COPY));
	EXPECT(KERN_SUCCESS, vm_remap(mach_task_self(), &back, MEGA, 0, VM_FLAGS_FIXED | VM_FLAGS_OVERWRITE,
	    mach_task_self(), away, FALSE, &cur, &max, VM_INHERIT_COPY));
	EXPECT(KERN_SUCCESS, vm_allocate(mach_task_self(), &away, MEGA, VM_FLAGS_FIXED | VM_FLAGS_OVERWRITE));
}

static void
one_thing(struct window *w, uint64_t r)
{
	unsigned char value = (unsigned char)(r >> 40);
	struct part p = some_part(w, r >> 8);

	switch (r % 16) {
	case 0: case 1: case 2:
		fill(w, value);
		break;
	case 3: case 4:
		for (unsigned i = 0; i < p.n; i++)
			put(w, p.first + i, (unsigned char)(value ^ i));
		break;
	case 5: case 6:
		CHECK(mprotect(p.at, p.size, PROT_READ) == 0);
		CHECK(wrong(w, p.first % 32, 32) == 0);
		CHECK(mprotect(p.at, p.size, PROT_READ | PROT_WRITE) == 0);
		break;
	case 7:
		renew(w, &p, true);
		p = (struct part){ w->base, 0, PAGES, MEGA };
		renew(w, &p, r >> 63);
		fill(w, value);
		break;
	case 8:
		renew(w, &p, false);
		break;
	case 9:
		CHECK(madvise(p.at, p.size, MADV_WILLNEED) == 0);
		break;
	case 10:
		give_up(w, &p);
		break;
	case 11:
		if (mlock(p.at, p.size) == 0) {
			put(w, p.first, value);
			CHECK(munlock(p.at, (r >> 50) % 2 ? p.size : PAGE) == 0);
			CHECK(munlock(p.at, p.size) == 0);
		}
		break;
	case 12:
		in_a_child(w, &p, value);
		break;
	case 13:
		with_a_child(w, &p, value);
		break;
	case 14:
		move(w);
		break;
	default:
		CHECK(wrong(w, 0, 1) == 0);
		break;
	}
	CHECK(wrong(w, (unsigned)(r >> 30) % 16, 16) == 0, "after %lu", (unsigned long)(r % 16));
}

static void *
storm(void *argument)
{
	uint64_t s = first_seed * 0x9e3779b97f4a7c15ul + (uintptr_t)argument * 0x1234567ul + 1;

	for (unsigned i = 0; i < rounds && check_failed == 0; i++) {
		uint64_t r = next_random(&s);
		struct window *w = &window[(r >> 56) % WINDOWS];

		pthread_mutex_lock(&w->lock);
		one_thing(w, r);
		pthread_mutex_unlock(&w->lock);
	}
	return NULL;
}

int
main(int argc, char **argv)
{
	vm_address_t base = 0;
	pthread_t thread[THREADS];

	if (argc > 1)
		rounds = (unsigned)strtoul(argv[1], NULL, 0);
	if (argc > 2)
		first_seed = strtoul(argv[2], NULL, 0);
	EXPECT(KERN_SUCCESS, vm_map(mach_task_self(), &base, 2 * WINDOWS * MEGA, MEGA - 1, VM_FLAGS_ANYWHERE, MACH_PORT_NULL, 0,
	    FALSE, VM_PROT_DEFAULT, VM_PROT_ALL, VM_INHERIT_COPY));
	for (unsigned i = 0; i < WINDOWS; i++) {
		pthread_mutex_init(&window[i].lock, NULL);
		window[i].base = (char *)base + i * MEGA;
		fill(&window[i], (unsigned char)i);
	}
	for (uintptr_t i = 0; i < THREADS; i++)
		CHECK(pthread_create(&thread[i], NULL, storm, (void *)i) == 0);
	for (unsigned i = 0; i < THREADS; i++)
		CHECK(pthread_join(thread[i], NULL) == 0);
	for (unsigned i = 0; i < WINDOWS; i++)
		CHECK(wrong(&window[i], 0, 1) == 0, "window %u", i);
	return check_result("mega_storm");
}
