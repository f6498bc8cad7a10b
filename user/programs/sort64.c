/*
 * sort64 [MIB [THREADS]]: allocates 64 MiB, fills it with a generator, sorts
 * and verifies it, each step with several threads.
 *
 * In place, so the machine needs hardly more than the data: the first byte of
 * the keys splits them into 256 buckets (one thread, one pass), which the
 * threads then take one by one and sort by the next bytes, likewise. Sum and
 * exclusive or of all keys tell whether one was lost on the way.
 */
#include <atlas/thread.h>
#include <mach/mach.h>
#include <stdio.h>
#include <stdlib.h>

#define THREADS_MAX     64
#define BUCKETS         256
#define SMALL           32      /* below: insertion sort */

static uint64_t *data;
static size_t count;
static unsigned threads = 4;
static size_t bucket_start[BUCKETS + 1];
static uint32_t next_bucket;

struct part {
	atlas_thread_t thread;
	size_t   first, end;            /* keys [first, end) */
	uint64_t sum, xor;
	size_t   disorder;              /* keys smaller than the one before */
};
static struct part parts[THREADS_MAX];

/* The i-th key: a bijection of i, so that any slice can be made alone. */
static uint64_t
key(uint64_t i)
{
	i += 0x9e3779b97f4a7c15u;
	i = (i ^ i >> 30) * 0xbf58476d1ce4e5b9u;
	i = (i ^ i >> 27) * 0x94d049bb133111ebu;
	return i ^ i >> 31;
}

static void
insertion_sort(uint64_t *a, size_t n)
{
	for (size_t i = 1; i < n; i++) {
		uint64_t k = a[i];
		size_t j = i;

		for (; j > 0 && a[j - 1] > k; j--)
			a[j] = a[j - 1];
		a[j] = k;
	}
}

/* Groups a[0..n) by the byte at `shift`; start[b] is where bucket b begins. */
static void
split(uint64_t *a, size_t n, unsigned shift, size_t start[BUCKETS + 1])
{
	size_t fill[BUCKETS] = { 0 };

	for (size_t i = 0; i < n; i++)
		fill[a[i] >> shift & 255]++;
	start[0] = 0;
	for (unsigned b = 0; b < BUCKETS; b++) {
		start[b + 1] = start[b] + fill[b];
		fill[b] = start[b];
	}
	for (unsigned b = 0; b < BUCKETS; b++) {
		while (fill[b] < start[b + 1]) {
			uint64_t k = a[fill[b]];
			unsigned home = k >> shift & 255;

			a[fill[b]] = a[fill[home]];
			a[fill[home]++] = k;
		}
	}
}

static void
sort(uint64_t *a, size_t n, unsigned shift)
{
	size_t start[BUCKETS + 1];

	if (n <= SMALL) {
		insertion_sort(a, n);
		return;
	}
	split(a, n, shift, start);
	for (unsigned b = 0; b < BUCKETS && shift > 0; b++)
		sort(a + start[b], start[b + 1] - start[b], shift - 8);
}

static void *
fill_part(void *argument)
{
	struct part *p = argument;

	for (size_t i = p->first; i < p->end; i++) {
		data[i] = key(i);
		p->sum += data[i];
		p->xor ^= data[i];
	}
	return NULL;
}

static void *
sort_part(void *argument)
{
	uint32_t b;

	(void)argument;
	while ((b = __atomic_fetch_add(&next_bucket, 1, __ATOMIC_RELAXED)) < BUCKETS)
		sort(data + bucket_start[b], bucket_start[b + 1] - bucket_start[b], 48);
	return NULL;
}

static void *
verify_part(void *argument)
{
	struct part *p = argument;

	p->sum = p->xor = 0;
	for (size_t i = p->first; i < p->end; i++) {
		p->sum += data[i];
		p->xor ^= data[i];
		p->disorder += i > 0 && data[i - 1] > data[i];
	}
	return NULL;
}

/* Runs step in all threads; sum and xor of their results, and the disorder. */
static struct part
run(void *(*step)(void *))
{
	struct part total = { 0 };

	for (unsigned t = 0; t < threads; t++) {
		kern_return_t kr = atlas_thread_create(&parts[t].thread, step, &parts[t]);

		if (kr != KERN_SUCCESS) {
			mach_error("sort64: thread:", kr);
			exit(1);
		}
	}
	for (unsigned t = 0; t < threads; t++) {
		atlas_thread_join(parts[t].thread);
		total.sum += parts[t].sum;
		total.xor ^= parts[t].xor;
		total.disorder += parts[t].disorder;
	}
	return total;
}

int
main(int argc, char **argv)
{
	size_t mib = argc > 1 ? strtoul(argv[1], NULL, 0) : 64;
	struct part filled, sorted;
	vm_address_t addr = 0;
	kern_return_t kr;

	if (argc > 2)
		threads = strtoul(argv[2], NULL, 0);
	if (mib == 0 || mib > 1 << 20 || threads == 0 || threads > THREADS_MAX) {
		printf("usage: sort64 [MIB [THREADS]] (1 to %d threads)\n", THREADS_MAX);
		return 2;
	}
	kr = vm_allocate(mach_task_self(), &addr, mib << 20, VM_FLAGS_ANYWHERE);
	if (kr != KERN_SUCCESS) {
		mach_error("sort64: vm_allocate:", kr);
		return 1;
	}
	data = (uint64_t *)addr;
	count = (mib << 20) / sizeof(*data);
	for (unsigned t = 0; t < threads; t++) {
		parts[t].first = count * t / threads;
		parts[t].end = count * (t + 1) / threads;
	}
	filled = run(fill_part);
	split(data, count, 56, bucket_start);
	run(sort_part);
	sorted = run(verify_part);
	if (sorted.disorder != 0 || sorted.sum != filled.sum || sorted.xor != filled.xor) {
		printf("sort64: FAILED: %zu keys out of order, sum 0x%016lx instead of 0x%016lx\n",
		    sorted.disorder, sorted.sum, filled.sum);
		return 1;
	}
	kr = vm_deallocate(mach_task_self(), addr, mib << 20);
	if (kr != KERN_SUCCESS) {
		mach_error("sort64: vm_deallocate:", kr);
		return 1;
	}
	printf("sort64: %zu keys in %zu MiB sorted and verified by %u threads\n", count, mib,
	    threads);
	return 0;
}
