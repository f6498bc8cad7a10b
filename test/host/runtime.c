/*
 * runtime.c: what the kernel supplies to base and mm, on the host: printing,
 * panic, reasons, lock traces, sleeping, and harts that are threads.
 *
 * Sleeping: one mutex and one condition variable for all events, and a list of
 * the sleepers; few threads sleep here. A sleeper is on the list before it
 * gives up the interlock, so a waker that changed the condition under the
 * interlock finds it.
 */
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>
#include <base/kern_return.h>
#include <base/lock.h>
#include <base/wait.h>
#include <mm/vm_page.h>
#include <host.h>

struct hart harts[MAXHARTS];
unsigned    hart_count = 8;
_Thread_local unsigned host_hart;

static _Thread_local struct kern_reason reason;
static _Thread_local struct lock_trace  trace;

struct kern_reason *kern_reason(void) { return &reason; }
struct lock_trace *lock_trace(void) { return &trace; }

/* --- words --- */

int
kvprintf(const char *fmt, va_list ap)
{
	return vfprintf(stderr, fmt, ap);
}

int
kprintf(const char *fmt, ...)
{
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = kvprintf(fmt, ap);
	va_end(ap);
	return n;
}

sigjmp_buf host_panic_jump;
bool       host_panic_armed;
char       host_panic_text[512];
void     (*host_panic_hook)(const char *text);

void
panic(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(host_panic_text, sizeof(host_panic_text), fmt, ap);
	va_end(ap);
	if (host_panic_armed) {
		host_panic_armed = false;
		trace.n = 0;
		siglongjmp(host_panic_jump, 1);
	}
	fprintf(stderr, "panic: %s\n", host_panic_text);
	if (host_panic_hook != NULL)
		host_panic_hook(host_panic_text);
	abort();
}

#define WAIT_FOREVER    UINT64_MAX

/* --- sleeping --- */

struct sleeper {
	struct list link;
	const void *event;
	bool        woken;
};

static pthread_mutex_t sleep_mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t  sleep_cond;
static struct list     sleepers = { &sleepers, &sleepers };
static bool            host_abort_waits;

__attribute__((constructor)) static void
sleep_clock(void)
{
	pthread_condattr_t a;

	pthread_condattr_init(&a);
	pthread_condattr_setclock(&a, CLOCK_MONOTONIC);
	pthread_cond_init(&sleep_cond, &a);
	pthread_condattr_destroy(&a);
}

uint64_t
wait_clock_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000 + (uint64_t)t.tv_nsec / 1000;
}

enum wait_end
wait_on_until(const void *event, struct spinlock *interlock, bool interruptible, uint64_t deadline)
{
	struct timespec until = { (time_t)(deadline / 1000000), (long)(deadline % 1000000 * 1000) };
	struct sleeper s = { .event = event };
	enum wait_end end = WAIT_WOKEN;

	pthread_mutex_lock(&sleep_mutex);
	list_push_back(&sleepers, &s.link);
	spin_unlock(interlock);
	lock_order_sleep();
	while (!s.woken && end == WAIT_WOKEN)
		if (interruptible && host_abort_waits)
			end = WAIT_ABORTED;
		else if (deadline == WAIT_FOREVER)
			pthread_cond_wait(&sleep_cond, &sleep_mutex);
		else if (pthread_cond_timedwait(&sleep_cond, &sleep_mutex, &until) == ETIMEDOUT)
			end = WAIT_TIMED_OUT;
	list_remove(&s.link);
	pthread_mutex_unlock(&sleep_mutex);
	return end;
}

bool
wait_on(const void *event, struct spinlock *interlock, bool interruptible)
{
	return wait_on_until(event, interlock, interruptible, WAIT_FOREVER) == WAIT_WOKEN;
}

void
host_abort(bool on)
{
	pthread_mutex_lock(&sleep_mutex);
	host_abort_waits = on;
	pthread_cond_broadcast(&sleep_cond);
	pthread_mutex_unlock(&sleep_mutex);
}

void
wake_all(const void *event)
{
	struct list *l;

	pthread_mutex_lock(&sleep_mutex);
	list_foreach(l, &sleepers)
		if (list_entry(l, struct sleeper, link)->event == event)
			list_entry(l, struct sleeper, link)->woken = true;
	pthread_cond_broadcast(&sleep_cond);
	pthread_mutex_unlock(&sleep_mutex);
}

unsigned
host_sleepers(void)
{
	unsigned n = 0;
	struct list *l;

	pthread_mutex_lock(&sleep_mutex);
	list_foreach(l, &sleepers)
		n += !list_entry(l, struct sleeper, link)->woken;
	pthread_mutex_unlock(&sleep_mutex);
	return n;
}

/* --- harts --- */

struct hart_run {
	pthread_t thread;
	unsigned  hart;
	void    (*fn)(unsigned, void *);
	void     *arg;
};

static void *
hart_main(void *p)
{
	struct hart_run *r = p;

	host_hart = r->hart;
	r->fn(r->hart, r->arg);
	lock_order_none();
	return NULL;
}

bool host_jitter;

/* One call in 16 gives way, one in 256 sleeps. */
void
host_pause(void)
{
	static _Thread_local uint64_t seed;

	seed = (seed + host_hart + 1) * 6364136223846793005ul + 1442695040888963407ul;
	if ((seed >> 60) != 0)
		return;
	if ((seed >> 56) != 0)
		sched_yield();
	else
		usleep((unsigned)(seed >> 40) % 64);
}

void
host_run_harts(unsigned n, void (*fn)(unsigned hart, void *arg), void *arg)
{
	struct hart_run run[MAXHARTS];

	for (unsigned i = 0; i < n; i++) {
		run[i] = (struct hart_run){ .hart = i, .fn = fn, .arg = arg };
		if (pthread_create(&run[i].thread, NULL, hart_main, &run[i]) != 0)
			panic("no thread for hart %u", i);
	}
	for (unsigned i = 0; i < n; i++)
		pthread_join(run[i].thread, NULL);
}

__attribute__((constructor)) static void
harts_number(void)
{
	for (unsigned i = 0; i < MAXHARTS; i++) {
		harts[i].index = harts[i].hartid = i;
		harts[i].online = i < hart_count;
	}
}

/* --- allocation sites --- */

struct host_site host_site[HOST_SITES_MAX];
unsigned         host_nsites;

static void
site_seen(const void *address, bool fails)
{
	unsigned i;

	for (i = 0; i < host_nsites && host_site[i].address != address; i++)
		;
	if (i == HOST_SITES_MAX)
		panic("more than %u allocation sites", HOST_SITES_MAX);
	if (i == host_nsites)
		host_site[host_nsites++] = (struct host_site){ .address = address };
	host_site[i].asked++;
	host_site[i].failed += fails;
}

void
host_sites_record(void)
{
	host_nsites = 0;
	vm_alloc_fail_report = site_seen;
}
