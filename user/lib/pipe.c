/*
 * pipe.c: pipes between processes, in memory that they share.
 *
 *   head ──┐        ┌── head + count
 *          v        v
 *   [......bytes....]..............   PIPE_BYTES, a ring
 *
 * A pipe is one piece of memory that children share: a lock, the ring, and how
 * many descriptors of all processes can read and write it. descriptor.c counts
 * those at open, dup, fork and close, and when a process exits or dies of a
 * signal of its own. One that is killed from outside cannot: its ends stay open.
 *
 * Who must wait sleeps on `changes`, which every transfer and every change of
 * an end increments, after it has looked and before the lock is dropped.
 *
 * The kernel copies to and from the program, so a bad address is EFAULT.
 */
#include "libatlas.h"
#include <errno.h>
#include <signal.h>
#include "file.h"

#define PIPE_BYTES  (64u << 10)
#define PIPE_ATOMIC 4096u               /* a write of so much is not torn */

struct pipe {
	atlas_mutex_t lock;
	uint32_t      changes;          /* futex */
	uint32_t      ends[2];          /* descriptors that read, that write */
	uint32_t      head, count;
	char          ring[PIPE_BYTES];
};

const size_t __atlas_pipe_size = sizeof(struct pipe);

static void
changed(struct pipe *p)
{
	__atomic_fetch_add(&p->changes, 1, __ATOMIC_RELEASE);
	atlas_futex_wake(&p->changes, UINT32_MAX);
}

void
__atlas_pipe_hold(struct pipe *p, bool writes, int n)
{
	if (__atomic_add_fetch(&p->ends[writes], (uint32_t)n, __ATOMIC_ACQ_REL) == 0)
		changed(p);
}

/* Locked; sleeps until something has changed, and locks again. */
static void
wait_change(struct pipe *p)
{
	uint32_t seen = __atomic_load_n(&p->changes, __ATOMIC_ACQUIRE);

	atlas_mutex_unlock(&p->lock);
	atlas_futex_wait(&p->changes, seen);
	atlas_mutex_lock(&p->lock);
}

static uint32_t
ends(const struct pipe *p, bool writes)
{
	return __atomic_load_n(&p->ends[writes], __ATOMIC_ACQUIRE);
}

/* n bytes, at most what there is, or room for: to or from the ring at `at`. Bytes done, or -1 with EFAULT. */
static ssize_t
transfer(struct pipe *p, uint32_t at, vm_address_t user, uint32_t n, bool writes)
{
	uint32_t first = n < PIPE_BYTES - at ? n : PIPE_BYTES - at;
	vm_address_t ring = (vm_address_t)p->ring;

	if ((writes ? __atlas_copy_bytes(ring + at, user, first) : __atlas_copy_bytes(user, ring + at, first)) < 0)
		return -1;
	if (first < n && (writes ? __atlas_copy_bytes(ring, user + first, n - first) :
	    __atlas_copy_bytes(user + first, ring, n - first)) < 0)
		return -1;
	return n;
}

ssize_t
__atlas_pipe_read(struct pipe *p, void *buf, size_t n, bool wait)
{
	ssize_t r = 0;

	if (n == 0)
		return 0;
	atlas_mutex_lock(&p->lock);
	while (p->count == 0 && ends(p, true) > 0 && wait)
		wait_change(p);
	if (p->count > 0) {
		r = transfer(p, p->head, (vm_address_t)buf, n < p->count ? (uint32_t)n : p->count, false);
		if (r > 0) {
			p->head = (p->head + (uint32_t)r) % PIPE_BYTES;
			p->count -= (uint32_t)r;
			changed(p);
		}
	} else if (ends(p, true) > 0) {
		errno = EAGAIN;
		r = -1;
	}
	atlas_mutex_unlock(&p->lock);
	return r;
}

/* One piece of a write; locked. 0: the pipe is full. */
static ssize_t
write_some(struct pipe *p, vm_address_t from, size_t left, bool atomic)
{
	uint32_t room = PIPE_BYTES - p->count;
	ssize_t r;

	if (room == 0 || (atomic && room < left))
		return 0;
	r = transfer(p, (p->head + p->count) % PIPE_BYTES, from, left < room ? (uint32_t)left : room, true);
	if (r > 0) {
		p->count += (uint32_t)r;
		changed(p);
	}
	return r;
}

ssize_t
__atlas_pipe_write(struct pipe *p, const void *buf, size_t n, bool wait)
{
	bool atomic = n <= PIPE_ATOMIC;
	size_t done = 0;
	ssize_t r = 0;

	atlas_mutex_lock(&p->lock);
	while (done < n) {
		if (ends(p, false) == 0) {
			errno = EPIPE;
			r = -1;
			break;
		}
		r = write_some(p, (vm_address_t)buf + done, n - done, atomic);
		if (r < 0 || (r == 0 && !wait))
			break;
		if (r == 0)
			wait_change(p);
		done += (size_t)r;
	}
	atlas_mutex_unlock(&p->lock);
	if (done > 0 || n == 0)
		return (ssize_t)done;
	if (r == 0)
		errno = EAGAIN;
	else if (errno == EPIPE) {
		raise(SIGPIPE);
		errno = EPIPE;
	}
	return -1;
}
