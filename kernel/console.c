/*
 * console.c: the one console.
 *
 *	output:  kprintf, console_write ──console_lock──> UART, or SBI until there is one
 *	input:   UART interrupt ─┐
 *	         poll thread ────┴─> console_input ──> ring ──> console_getc
 *
 * Output is polled: a character is out, or dropped by the driver after a bounded
 * wait, when console_write returns. The output lock (rank CONSOLE) is the
 * highest of all. A crash breaks it: from then on nobody locks.
 *
 * Input that nobody reads waits in a ring; when that is full, new characters
 * are dropped. The ring's lock is the interlock of console_getc's sleep, so a
 * character that comes between test and sleep wakes the reader.
 */
#include <arch/sbi.h>
#include <arch/timer.h>
#include <base/lock.h>
#include <base/wait.h>
#include <kernel/console.h>
#include <kernel/thread.h>

#define RING_SIZE       1024            /* power of two */
#define CTRL_C          '\003'
#define POLL_US         10000
#define FLUSH_US        10000           /* 64 characters at 115200 baud take 6 ms */

static struct console_device *device;   /* NULL: SBI */
static struct spinlock output_lock = SPINLOCK_INIT(CONSOLE);
static bool            broken;          /* a crash writes now */

static struct spinlock ring_lock = SPINLOCK_INIT(RWLOCK);
static char            ring[RING_SIZE];
static void          (*interrupt_fn)(void);     /* NULL: Ctrl-C is a key like any other */
static unsigned        ring_head, ring_tail;    /* put at head, taken at tail; free running */

static void
console_putc(char c)
{
	if (device != NULL)
		device->putc(device, c);
	else
		sbi_putchar(c);
}

void
console_lock(void)
{
	if (!__atomic_load_n(&broken, __ATOMIC_RELAXED))
		spin_lock(&output_lock);
}

void
console_unlock(void)
{
	if (!__atomic_load_n(&broken, __ATOMIC_RELAXED))
		spin_unlock(&output_lock);
}

void
console_write_locked(const char *s, size_t n)
{
	for (; n > 0; s++, n--) {
		if (*s == '\n')
			console_putc('\r');
		console_putc(*s);
	}
}

void
console_write(const char *s, size_t n)
{
	console_lock();
	console_write_locked(s, n);
	console_unlock();
}

void
console_attach(struct console_device *d)
{
	console_lock();
	device = d;
	console_unlock();
	if (d->irq != 0 && d->irq_enable != NULL)
		d->irq_enable(d);
}

void
console_break_lock(void)
{
	__atomic_store_n(&broken, true, __ATOMIC_SEQ_CST);
}

void
console_flush(void)
{
	uint64_t end = timer_now() + timer_us_to_ticks(FLUSH_US);

	if (device != NULL)
		while (timer_now() < end)
			hart_relax();
}

void
console_set_interrupt(void (*fn)(void))
{
	__atomic_store_n(&interrupt_fn, fn, __ATOMIC_RELEASE);
}

void
console_input(char c)
{
	void (*fn)(void) = __atomic_load_n(&interrupt_fn, __ATOMIC_ACQUIRE);

	if (c == CTRL_C && fn != NULL) {
		fn();
		return;
	}
	spin_lock(&ring_lock);
	if (ring_head - ring_tail < RING_SIZE)
		ring[ring_head++ % RING_SIZE] = c;
	spin_unlock(&ring_lock);
	wake_all(ring);
}

bool
console_pending(void)
{
	return __atomic_load_n(&ring_head, __ATOMIC_ACQUIRE) !=
	    __atomic_load_n(&ring_tail, __ATOMIC_RELAXED);
}

int
console_getc(void)
{
	int c;

	for (;;) {
		spin_lock(&ring_lock);
		if (ring_head != ring_tail)
			break;
		if (!wait_on(ring, &ring_lock, true))
			return -1;
	}
	c = (unsigned char)ring[ring_tail++ % RING_SIZE];
	spin_unlock(&ring_lock);
	return c;
}

static int
console_poll_char(void)
{
	return device != NULL ? device->getc(device) : sbi_getchar();
}

static void
console_poll_thread(void *arg)
{
	(void)arg;
	do {
		int c;

		while ((c = console_poll_char()) >= 0)
			console_input((char)c);
	} while (thread_sleep_us(POLL_US));
	thread_exit();
}

void
console_start_input(void)
{
	if (device != NULL && device->irq != 0)
		return;
	if (kthread_create("console", console_poll_thread, NULL) == NULL)
		kprintf("console: no memory for the thread that polls for input\n");
}
