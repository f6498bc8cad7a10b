/*
 * descriptor.c: descriptors: open, what they do to files and pipes, and what
 * becomes of them at fork and exit.
 *
 *   fd ──> open_files[fd] (offset, access) ──one use──> file (file.c)
 *
 * Each process has its own table; a child has what its parent had at the fork,
 * and offsets are not shared. An open file of a pipe is one of its ends.
 * Descriptors 0 to 2 are the console (stdio.c), and stay.
 *
 * The kernel does the copying for read and write, so that a bad pointer is
 * EFAULT.
 *
 * Lock: __atlas_files_lock, over the table; not held where a pipe may sleep.
 */
#include "libatlas.h"
#include <fcntl.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>
#include "file_impl.h"

#define FD_FIRST    3
#define FD_LIMIT    64

struct open_file {
	struct file *file;              /* NULL: free */
	uint64_t     offset;
	int          flags;             /* O_* */
};

static struct open_file open_files[FD_LIMIT];

/* o is one end more, or less, of the pipe that it may be. */
static void
end_held(const struct open_file *o, int n)
{
	if (o->file != NULL && o->file->pipe != NULL)
		__atlas_pipe_hold(o->file->pipe, (o->flags & O_ACCMODE) == O_WRONLY, n);
}

/* The lowest free descriptor from first on, for a file whose use is consumed; __atlas_files_lock held. */
static int
fd_make_from(int first, struct open_file o)
{
	for (int fd = first < FD_FIRST ? FD_FIRST : first; fd < FD_LIMIT; fd++)
		if (open_files[fd].file == NULL) {
			open_files[fd] = o;
			end_held(&o, 1);
			return fd;
		}
	__atlas_file_drop(o.file);
	return fail(EMFILE);
}

static int
fd_make(struct file *f, int flags)
{
	return fd_make_from(FD_FIRST, (struct open_file){ .file = f, .flags = flags });
}

/* __atlas_files_lock held. */
static void
fd_close(struct open_file *o)
{
	end_held(o, -1);
	__atlas_file_drop(o->file);
	o->file = NULL;
}

/* NULL: EBADF. __atlas_files_lock held. */
static struct open_file *
fd_get(int fd)
{
	if (fd < FD_FIRST || fd >= FD_LIMIT || open_files[fd].file == NULL) {
		errno = EBADF;
		return NULL;
	}
	return &open_files[fd];
}

int
open(const char *path, int flags, ...)
{
	const char *name = __atlas_file_name(path, flags);
	struct file *f;
	int fd = -1;

	if (name == NULL)
		return -1;
	atlas_mutex_lock(&__atlas_files_lock);
	f = __atlas_file_open(name, flags);
	if (f != NULL)
		fd = fd_make(f, flags);
	if (fd >= 0 && (flags & O_TRUNC) && f->state != NULL)
		__atlas_file_truncate(f, 0);
	atlas_mutex_unlock(&__atlas_files_lock);
	return fd;
}

int
creat(const char *path, mode_t mode)
{
	return open(path, O_CREAT | O_WRONLY | O_TRUNC, mode);
}

/* The last six characters, which are X, become those of a file that is not there yet. */
int
mkstemp(char *path)
{
	static const char digits[] = "0123456789abcdefghijklmnopqrstuv";
	size_t n = strlen(path);
	int fd;

	if (n < 6 || strcmp(path + n - 6, "XXXXXX") != 0)
		return fail(EINVAL);
	do {
		uint64_t random = (uint64_t)atlas_syscall0(ATLAS_SYS_random);

		for (unsigned i = 1; i <= 6; i++, random >>= 5)
			path[n - i] = digits[random & 31];
		fd = open(path, O_RDWR | O_CREAT | O_EXCL, 0600);
	} while (fd < 0 && errno == EEXIST);
	return fd;
}

int
shm_open(const char *name, int flags, mode_t mode)
{
	return name == SHM_ANON ? memfd_create("", 0) : open(name, flags, mode);
}

int
memfd_create(const char *name, unsigned flags)
{
	struct file *f;
	int fd = -1;

	(void)name;                     /* for people who look at a list of files; there is none */
	if ((flags & ~MFD_CLOEXEC) != 0)
		return fail(EINVAL);
	atlas_mutex_lock(&__atlas_files_lock);
	f = __atlas_file_memory();
	if (f != NULL)
		fd = fd_make(f, O_RDWR);
	atlas_mutex_unlock(&__atlas_files_lock);
	return fd;
}

int
close(int fd)
{
	struct open_file *o;

	if (fd >= 0 && fd < FD_FIRST)
		return 0;               /* the console stays */
	atlas_mutex_lock(&__atlas_files_lock);
	o = fd_get(fd);
	if (o != NULL)
		fd_close(o);
	atlas_mutex_unlock(&__atlas_files_lock);
	return o != NULL ? 0 : -1;
}

/* A copy of fd at first, or above. */
static int
dup_from(int fd, int first)
{
	struct open_file *o;
	int copy = -1;

	atlas_mutex_lock(&__atlas_files_lock);
	o = fd_get(fd);
	if (o != NULL) {
		__atlas_file_hold(o->file);
		copy = fd_make_from(first, *o);
	}
	atlas_mutex_unlock(&__atlas_files_lock);
	return copy;
}

int
dup(int fd)
{
	return dup_from(fd, FD_FIRST);
}

int
dup2(int fd, int to)
{
	struct open_file *o;

	if (to < FD_FIRST || to >= FD_LIMIT)
		return fail(EBADF);     /* the console stays */
	atlas_mutex_lock(&__atlas_files_lock);
	o = fd_get(fd);
	if (o != NULL && fd != to) {
		if (open_files[to].file != NULL)
			fd_close(&open_files[to]);
		__atlas_file_hold(o->file);
		to = fd_make_from(to, *o);
	}
	atlas_mutex_unlock(&__atlas_files_lock);
	return o != NULL ? to : -1;
}

int
pipe(int fds[2])
{
	int from = -1, to = -1, error;
	struct file *f;

	atlas_mutex_lock(&__atlas_files_lock);
	f = __atlas_file_pipe();
	if (f != NULL)
		from = fd_make(f, O_RDONLY);
	if (from >= 0) {
		__atlas_file_hold(f);
		to = fd_make(f, O_WRONLY);
	}
	if (from >= 0 && to < 0) {
		error = errno;
		fd_close(&open_files[from]);
		errno = error;
	}
	atlas_mutex_unlock(&__atlas_files_lock);
	if (to < 0)
		return -1;
	fds[0] = from;
	fds[1] = to;
	return 0;
}

int
fcntl(int fd, int command, ...)
{
	struct open_file *o;
	va_list arguments;
	int value, r = -1;

	va_start(arguments, command);
	value = va_arg(arguments, int);
	va_end(arguments);
	if (command == F_DUPFD)
		return value < 0 || value >= FD_LIMIT ? fail(EINVAL) : dup_from(fd, value);
	atlas_mutex_lock(&__atlas_files_lock);
	o = fd_get(fd);
	if (o == NULL)
		r = -1;
	else if (command == F_GETFL)
		r = o->flags & (O_ACCMODE | O_APPEND | O_NONBLOCK);
	else if (command == F_SETFL)
		o->flags = (o->flags & ~(O_APPEND | O_NONBLOCK)) | (value & (O_APPEND | O_NONBLOCK)), r = 0;
	else
		r = command == F_GETFD || command == F_SETFD ? 0 : fail(EINVAL);        /* there is no exec to close at */
	atlas_mutex_unlock(&__atlas_files_lock);
	return r;
}

/* --- fork and exit --- */

void
__atlas_files_fork(void)
{
	atlas_mutex_lock(&__atlas_files_lock);
	for (int fd = FD_FIRST; fd < FD_LIMIT; fd++)
		end_held(&open_files[fd], 1);   /* the child's, before it can close them */
}

void
__atlas_files_forked(bool made)
{
	for (int fd = FD_FIRST; fd < FD_LIMIT && !made; fd++)
		end_held(&open_files[fd], -1);
	atlas_mutex_unlock(&__atlas_files_lock);
}

void
__atlas_files_leave(void)
{
	static uint32_t left;

	if (__atomic_exchange_n(&left, 1, __ATOMIC_RELAXED) == 0)
		for (int fd = FD_FIRST; fd < FD_LIMIT; fd++)
			end_held(&open_files[fd], -1);
}

/* --- reading and writing --- */

ssize_t
__atlas_copy_bytes(vm_address_t to, vm_address_t from, size_t n)
{
	vm_size_t done;

	if (n == 0)
		return 0;
	if (vm_read_overwrite(mach_task_self(), from, n, to, &done) != KERN_SUCCESS)
		return fail(EFAULT);
	return (ssize_t)n;
}

/* n bytes of zeros, out of a window of them. */
static ssize_t
read_zeros(vm_address_t zeros, size_t piece, char *buf, size_t n)
{
	ssize_t done = 0;

	for (size_t at = 0; at < n && done >= 0; at += piece)
		done = __atlas_copy_bytes((vm_address_t)buf + at, zeros, n - at < piece ? n - at : piece);
	return done < 0 ? done : (ssize_t)n;
}

/* __atlas_files_lock held. */
static ssize_t
read_at(struct open_file *o, void *buf, size_t n, uint64_t offset)
{
	uint64_t size = file_size(o->file);

	if ((o->flags & O_ACCMODE) == O_WRONLY)
		return fail(EBADF);
	if (o->file->pipe != NULL)
		return fail(ESPIPE);
	if (o->file->zero)
		return read_zeros(o->file->window, o->file->window_size, buf, n);
	if (offset >= size)
		return 0;
	if (n > size - offset)
		n = size - offset;
	return __atlas_copy_bytes((vm_address_t)buf, o->file->window + offset, n);
}

static ssize_t
write_at(struct open_file *o, const void *buf, size_t n, uint64_t offset)
{
	struct file *f = o->file;
	ssize_t done;

	if ((o->flags & O_ACCMODE) == O_RDONLY)
		return fail(EBADF);
	if (f->pipe != NULL)
		return fail(ESPIPE);
	if (f->zero)
		return (ssize_t)n;
	if (offset >= FILE_MAX && n > 0)
		return fail(EFBIG);
	if (n > FILE_MAX - offset)
		n = FILE_MAX - offset;
	done = __atlas_copy_bytes(f->window + offset, (vm_address_t)buf, n);
	if (done > 0 && offset + n > f->state->size)
		__atlas_file_set_size(f, offset + n);
	return done;
}

/* A transfer of a pipe, which may sleep: without __atlas_files_lock, but with one use. FALSE: fd is none, or not for this. */
static bool
pipe_transfer(int fd, void *buf, size_t n, bool writes, ssize_t *r)
{
	struct open_file *o;
	struct file *f = NULL;
	bool wait;

	atlas_mutex_lock(&__atlas_files_lock);
	o = fd >= FD_FIRST && fd < FD_LIMIT ? &open_files[fd] : NULL;
	if (o != NULL && o->file != NULL && o->file->pipe != NULL &&
	    (o->flags & O_ACCMODE) == (writes ? O_WRONLY : O_RDONLY)) {
		f = o->file;
		__atlas_file_hold(f);
		wait = (o->flags & O_NONBLOCK) == 0;
	}
	atlas_mutex_unlock(&__atlas_files_lock);
	if (f == NULL)
		return false;
	__atlas_stdout_flush();         /* in the order a reader expects */
	*r = writes ? __atlas_pipe_write(f->pipe, buf, n, wait) : __atlas_pipe_read(f->pipe, buf, n, wait);
	atlas_mutex_lock(&__atlas_files_lock);
	__atlas_file_drop(f);
	atlas_mutex_unlock(&__atlas_files_lock);
	return true;
}

/* A transfer of a file, at offset; NULL: where the descriptor stands, which moves on. */
static ssize_t
file_transfer(int fd, void *buf, size_t n, bool writes, const off_t *offset)
{
	struct open_file *o;
	uint64_t at;
	ssize_t r = -1;

	if (offset != NULL && *offset < 0)
		return fail(EINVAL);
	atlas_mutex_lock(&__atlas_files_lock);
	o = fd_get(fd);
	if (o != NULL) {
		if (offset == NULL && writes && (o->flags & O_APPEND))
			o->offset = file_size(o->file);
		at = offset != NULL ? (uint64_t)*offset : o->offset;
		r = writes ? write_at(o, buf, n, at) : read_at(o, buf, n, at);
		if (offset == NULL && r > 0)
			o->offset += (uint64_t)r;
	}
	atlas_mutex_unlock(&__atlas_files_lock);
	return r;
}

ssize_t
__atlas_file_read(int fd, void *buf, size_t n)
{
	ssize_t r;

	return pipe_transfer(fd, buf, n, false, &r) ? r : file_transfer(fd, buf, n, false, NULL);
}

ssize_t
__atlas_file_write(int fd, const void *buf, size_t n)
{
	void *from = (void *)(uintptr_t)buf;
	ssize_t r;

	return pipe_transfer(fd, from, n, true, &r) ? r : file_transfer(fd, from, n, true, NULL);
}

ssize_t
pread(int fd, void *buf, size_t n, off_t offset)
{
	return file_transfer(fd, buf, n, false, &offset);
}

ssize_t
pwrite(int fd, const void *buf, size_t n, off_t offset)
{
	return file_transfer(fd, (void *)(uintptr_t)buf, n, true, &offset);
}

off_t
lseek(int fd, off_t offset, int whence)
{
	struct open_file *o;
	off_t from, at = -1;

	if (fd >= 0 && fd < FD_FIRST)
		return fail(ESPIPE);
	atlas_mutex_lock(&__atlas_files_lock);
	o = fd_get(fd);
	if (o != NULL && o->file->pipe != NULL)
		at = fail(ESPIPE);
	else if (o != NULL) {
		from = whence == SEEK_SET ? 0 : whence == SEEK_CUR ? (off_t)o->offset : (off_t)file_size(o->file);
		if ((whence != SEEK_SET && whence != SEEK_CUR && whence != SEEK_END) ||
		    __builtin_add_overflow(from, offset, &at) || at < 0)
			at = fail(EINVAL);
		else
			o->offset = (uint64_t)at;
	}
	atlas_mutex_unlock(&__atlas_files_lock);
	return at;
}

int
ftruncate(int fd, off_t length)
{
	struct open_file *o;
	int r = -1;

	if (length < 0)
		return fail(EINVAL);
	atlas_mutex_lock(&__atlas_files_lock);
	o = fd_get(fd);
	if (o != NULL && ((o->flags & O_ACCMODE) == O_RDONLY || o->file->state == NULL))
		r = fail(EINVAL);
	else if (o != NULL && (uint64_t)length > FILE_MAX)
		r = fail(EFBIG);
	else if (o != NULL) {
		__atlas_file_truncate(o->file, (uint64_t)length);
		r = 0;
	}
	atlas_mutex_unlock(&__atlas_files_lock);
	return r;
}

int
fsync(int fd)
{
	struct open_file *o;

	atlas_mutex_lock(&__atlas_files_lock);
	o = fd_get(fd);
	atlas_mutex_unlock(&__atlas_files_lock);
	return o != NULL ? 0 : -1;      /* memory is where it is kept */
}

int
fdatasync(int fd)
{
	return fsync(fd);
}

int
fstat(int fd, struct stat *st)
{
	struct open_file *o;

	memset(st, 0, sizeof(*st));
	st->st_blksize = PAGE_SIZE;
	st->st_nlink = 1;
	st->st_mode = S_IFCHR | 0600;
	if (fd >= 0 && fd < FD_FIRST)
		return 0;
	atlas_mutex_lock(&__atlas_files_lock);
	o = fd_get(fd);
	if (o != NULL) {
		if (!o->file->zero)
			st->st_mode = o->file->pipe != NULL ? S_IFIFO | 0600 : S_IFREG | (o->file->state != NULL ? 0600 : 0400);
		st->st_size = (off_t)file_size(o->file);
		st->st_blocks = (st->st_size + 511) / 512;
	}
	atlas_mutex_unlock(&__atlas_files_lock);
	return o != NULL ? 0 : -1;
}

int
stat(const char *path, struct stat *st)
{
	int fd = open(path, O_RDONLY), r, error;

	if (fd < 0)
		return -1;
	r = fstat(fd, st);
	error = errno;
	close(fd);
	errno = error;
	return r;
}

int
access(const char *path, int mode)
{
	struct stat st;

	if (stat(path, &st) != 0)
		return -1;
	return (mode & W_OK) != 0 && (st.st_mode & 0200) == 0 ? fail(EROFS) : 0;
}

int
truncate(const char *path, off_t length)
{
	int fd = open(path, O_RDWR), r, error;

	if (fd < 0)
		return -1;
	r = ftruncate(fd, length);
	error = errno;
	close(fd);
	errno = error;
	return r;
}

/* --- several pieces --- */

static ssize_t
each_piece(int fd, const struct iovec *pieces, int n, bool writes)
{
	ssize_t total = 0, r;

	if (n < 0 || n > IOV_MAX)
		return fail(EINVAL);
	for (int i = 0; i < n; i++) {
		r = writes ? write(fd, pieces[i].iov_base, pieces[i].iov_len) : read(fd, pieces[i].iov_base, pieces[i].iov_len);
		if (r < 0)
			return total > 0 ? total : r;
		total += r;
		if ((size_t)r < pieces[i].iov_len)
			break;
	}
	return total;
}

ssize_t
readv(int fd, const struct iovec *pieces, int n)
{
	return each_piece(fd, pieces, n, false);
}

ssize_t
writev(int fd, const struct iovec *pieces, int n)
{
	return each_piece(fd, pieces, n, true);
}

/* --- mapping --- */

int
__atlas_file_window(int fd, struct file_window *w)
{
	struct open_file *o;

	if (fd >= 0 && fd < FD_FIRST)
		return ENODEV;
	atlas_mutex_lock(&__atlas_files_lock);
	o = fd_get(fd);
	if (o != NULL && o->file->pipe != NULL) {
		atlas_mutex_unlock(&__atlas_files_lock);
		return ENODEV;
	}
	if (o != NULL) {
		w->addr = o->file->window;
		w->file = o->file;
		__atlas_file_hold(o->file);
		w->zero = o->file->zero;
		w->readable = (o->flags & O_ACCMODE) != O_WRONLY;
		w->writable = (o->flags & O_ACCMODE) == O_RDWR;
	}
	atlas_mutex_unlock(&__atlas_files_lock);
	return o != NULL ? 0 : EBADF;
}
