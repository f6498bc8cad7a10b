/*
 * file.c: files, as far as programs that map memory need them.
 *
 *   fd ──> open file (offset, access) ──> file ──> window: all of it, mapped
 *                                          └────> state: one page, shared with forks
 *
 * A file of the initrd is a memory object of the kernel's; here it is one
 * private, read-only mapping of the whole, its window. A file that a program
 * creates (open with O_CREAT, shm_open, memfd_create) is nothing but memory: a
 * window of FILE_MAX bytes that children share, of which the first `size` are
 * the file. It is gone with the last process that has it. read and write copy
 * from and to the window; mmap maps a part of the window once more, shared or
 * copied (mman.c). So children can use and map the files that their parent
 * opened, though they inherit none of its handles.
 *
 * The kernel does the copying for read and write, so that a bad pointer is
 * EFAULT. Names are the process's own (and its children's, as of the fork).
 * What lies behind the end of a file in its last page reads as zero. Whole pages
 * behind the end are mapped to an object whose manager fails, which is SIGBUS;
 * mman_grow.c follows files that grow and shrink.
 *
 * Lock: __atlas_files_lock, over the table of descriptors and the list of names. Offsets
 * are not shared with children.
 */
#include "libatlas.h"
#include <atlas/memory_object.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>
#include "file.h"

#define FD_FIRST    3
#define FD_LIMIT    64
#define FILE_MAX    (256ull << 20)      /* of a file made here */
#define WINDOWS_AT  (128ull << 30)      /* out of the way of first-fit placement and the heap */
#define NAME_BYTES  64

/* Of a file made here: the same page in all processes that have the file. */
struct file_state {
	uint64_t size;
};

struct file {
	struct file       *next;        /* of those with a name */
	char               name[NAME_BYTES];    /* "": none any more */
	unsigned           uses;        /* descriptors, and the name */
	vm_address_t       window;      /* 0: an empty file of the initrd */
	vm_size_t          window_size;
	uint64_t           size;        /* of the initrd's */
	struct file_state *state;       /* NULL: of the initrd, never changes; or a pipe */
	struct pipe       *pipe;        /* the window is one; size is 0 */
};

struct open_file {
	struct file *file;              /* NULL: free */
	uint64_t     offset;
	int          flags;             /* O_* */
};

atlas_mutex_t __atlas_files_lock;
static struct open_file open_files[FD_LIMIT];
static struct file *named;

static int
fail(int code)
{
	errno = code;
	return -1;
}

static uint64_t
size_of(const struct file *f)
{
	return f->state != NULL ? f->state->size : f->size;
}

/* The file's new end. __atlas_files_lock held. */
static void
set_size(struct file *f, uint64_t size)
{
	uint64_t old = f->state->size;

	f->state->size = size;
	__atlas_mapped_resize(f, f->window, old, size);
}

/* --- making and dropping files; __atlas_files_lock held --- */

static void
file_release(struct file *f)
{
	if (--f->uses > 0)
		return;
	if (f->window != 0)
		vm_deallocate(mach_task_self(), f->window, f->window_size);
	if (f->state != NULL)
		vm_deallocate(mach_task_self(), (vm_address_t)f->state, PAGE_SIZE);
	free(f);
}

uint64_t
__atlas_file_end(const struct file *f)
{
	return round_page(size_of(f));
}

void
__atlas_file_hold(struct file *f)
{
	f->uses++;
}

void
__atlas_file_drop(struct file *f)
{
	file_release(f);
}

/* Zero-fill memory that children share; 0: none. */
static vm_address_t
shared_memory(vm_size_t size)
{
	vm_address_t addr = WINDOWS_AT;

	return vm_map(mach_task_self(), &addr, size, 0, VM_FLAGS_ANYWHERE, MACH_PORT_NULL, 0, FALSE,
	    VM_PROT_DEFAULT, VM_PROT_ALL, VM_INHERIT_SHARE) == KERN_SUCCESS ? addr : 0;
}

/* A file of memory; NULL with errno. */
static struct file *
file_create(const char *name)
{
	struct file *f = calloc(1, sizeof(*f));

	if (f == NULL)
		return NULL;
	f->uses = 1;
	f->window_size = FILE_MAX;
	f->window = shared_memory(FILE_MAX);
	f->state = (struct file_state *)shared_memory(PAGE_SIZE);
	if (f->window == 0 || f->state == NULL) {
		file_release(f);
		errno = ENOSPC;
		return NULL;
	}
	strcpy(f->name, name);
	return f;
}

/* A file of the initrd; NULL with errno. */
static struct file *
file_of_initrd(const char *path)
{
	struct file *f;
	memory_object_t object = MACH_PORT_NULL;
	memory_object_size_t size = 0;
	vm_address_t addr = WINDOWS_AT;
	kern_return_t kr = atlas_memory_object_file(path, &object, &size);

	if (kr != KERN_SUCCESS && kr != KERN_INVALID_ARGUMENT) {        /* that: it is empty */
		errno = kr == KERN_NOT_FOUND ? ENOENT : kr == KERN_INVALID_ADDRESS ? EFAULT : ENOMEM;
		return NULL;
	}
	f = calloc(1, sizeof(*f));
	kr = KERN_SUCCESS;
	if (f != NULL && size != 0)
		kr = vm_map(mach_task_self(), &addr, round_page(size), 0, VM_FLAGS_ANYWHERE, object, 0, TRUE,
		    VM_PROT_READ | VM_PROT_EXECUTE, VM_PROT_ALL, VM_INHERIT_COPY);
	if (object != MACH_PORT_NULL)
		mach_port_deallocate(mach_task_self(), object);
	if (f == NULL || kr != KERN_SUCCESS) {
		free(f);
		errno = ENOMEM;
		return NULL;
	}
	f->uses = 1;
	f->size = size;
	f->window = size != 0 ? addr : 0;
	f->window_size = round_page(size);
	return f;
}

static struct file *
file_named(const char *name)
{
	struct file *f = named;

	while (f != NULL && strcmp(f->name, name) != 0)
		f = f->next;
	return f;
}

/* The file gets its name: one more use. */
static void
file_link(struct file *f)
{
	f->uses++;
	f->next = named;
	named = f;
}

/* --- descriptors --- */

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
	file_release(o.file);
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
	file_release(o->file);
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

/* What is cut off reads as zero when the file grows again. __atlas_files_lock held. */
static int
truncate_file(struct file *f, uint64_t size)
{
	uint64_t end = round_page(size), old = f->state->size;

	if (size < old) {
		set_size(f, size);
		memset((void *)(f->window + size), 0, (old < end ? old : end) - size);
		if (end < old && vm_behavior_set(mach_task_self(), f->window + end, old - end,
		    VM_BEHAVIOR_ZERO) != KERN_SUCCESS)
			memset((void *)(f->window + end), 0, old - end);
	}
	set_size(f, size);
	return 0;
}

/* A file for open, with one use for the descriptor; NULL with errno. */
static struct file *
file_open(const char *path, int flags)
{
	bool writes = (flags & O_ACCMODE) != O_RDONLY || (flags & O_TRUNC) != 0;
	struct file *f = file_named(path);

	if (f != NULL && (flags & O_CREAT) && (flags & O_EXCL)) {
		errno = EEXIST;
		return NULL;
	}
	if (f != NULL) {
		f->uses++;
		return f;
	}
	f = file_of_initrd(path);
	if (f != NULL && (writes || ((flags & O_CREAT) && (flags & O_EXCL)))) {
		file_release(f);
		errno = writes ? EROFS : EEXIST;
		return NULL;
	}
	if (f != NULL || errno != ENOENT || !(flags & O_CREAT))
		return f;
	f = file_create(path);
	if (f != NULL)
		file_link(f);
	return f;
}

/* There is one directory, so "./name" is "name". */
static const char *
file_name(const char *path)
{
	while (path[0] == '.' && path[1] == '/')
		path += 2 + strspn(path + 2, "/");
	return path;
}

int
open(const char *path, int flags, ...)
{
	struct file *f;
	size_t n;
	int fd = -1;

	path = file_name(path);
	n = strlen(path);

	if (n == 0)
		return fail(ENOENT);
	if (n >= NAME_BYTES && (flags & O_CREAT))
		return fail(ENAMETOOLONG);
	atlas_mutex_lock(&__atlas_files_lock);
	f = file_open(path, flags);
	if (f != NULL)
		fd = fd_make(f, flags);
	if (fd >= 0 && (flags & O_TRUNC) && f->state != NULL)
		(void)truncate_file(f, 0);
	atlas_mutex_unlock(&__atlas_files_lock);
	return fd;
}

int
creat(const char *path, mode_t mode)
{
	return open(path, O_CREAT | O_WRONLY | O_TRUNC, mode);
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
	f = file_create("");
	if (f != NULL)
		fd = fd_make(f, O_RDWR);
	atlas_mutex_unlock(&__atlas_files_lock);
	return fd;
}

int
unlink(const char *path)
{
	struct file **link, *f;

	path = file_name(path);
	atlas_mutex_lock(&__atlas_files_lock);
	for (link = &named; (f = *link) != NULL && strcmp(f->name, path) != 0; )
		link = &f->next;
	if (f != NULL) {
		*link = f->next;
		file_release(f);
	}
	atlas_mutex_unlock(&__atlas_files_lock);
	return f != NULL ? 0 : fail(ENOENT);
}

int
shm_unlink(const char *name)
{
	return unlink(name);
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
		o->file->uses++;
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
		o->file->uses++;
		to = fd_make_from(to, *o);
	}
	atlas_mutex_unlock(&__atlas_files_lock);
	return o != NULL ? to : -1;
}

int
pipe(int fds[2])
{
	struct file *f = calloc(1, sizeof(*f));
	int saved;

	if (f == NULL)
		return fail(ENOMEM);
	f->window_size = round_page(__atlas_pipe_size);
	f->window = shared_memory(f->window_size);
	f->pipe = (struct pipe *)f->window;
	f->uses = 2;
	atlas_mutex_lock(&__atlas_files_lock);
	fds[0] = fds[1] = -1;
	if (f->window == 0) {
		f->uses = 1;
		file_release(f);
		errno = ENOMEM;
	} else if ((fds[0] = fd_make(f, O_RDONLY)) >= 0 && (fds[1] = fd_make(f, O_WRONLY)) < 0) {
		saved = errno;
		fd_close(&open_files[fds[0]]);
		errno = saved;
	} else if (fds[0] < 0)
		file_release(f);        /* for the end that was not tried */
	atlas_mutex_unlock(&__atlas_files_lock);
	return fds[1] >= 0 ? 0 : -1;
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

/* __atlas_files_lock held. */
static ssize_t
read_at(struct open_file *o, void *buf, size_t n, uint64_t offset)
{
	uint64_t size = size_of(o->file);

	if ((o->flags & O_ACCMODE) == O_WRONLY)
		return fail(EBADF);
	if (o->file->pipe != NULL)
		return fail(ESPIPE);
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
	if (offset >= FILE_MAX && n > 0)
		return fail(EFBIG);
	if (n > FILE_MAX - offset)
		n = FILE_MAX - offset;
	done = __atlas_copy_bytes(f->window + offset, (vm_address_t)buf, n);
	if (done > 0 && offset + n > f->state->size)
		set_size(f, offset + n);
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
		f->uses++;
		wait = (o->flags & O_NONBLOCK) == 0;
	}
	atlas_mutex_unlock(&__atlas_files_lock);
	if (f == NULL)
		return false;
	__atlas_stdout_flush();         /* in the order a reader expects */
	*r = writes ? __atlas_pipe_write(f->pipe, buf, n, wait) : __atlas_pipe_read(f->pipe, buf, n, wait);
	atlas_mutex_lock(&__atlas_files_lock);
	file_release(f);
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
			o->offset = size_of(o->file);
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
		from = whence == SEEK_SET ? 0 : whence == SEEK_CUR ? (off_t)o->offset : (off_t)size_of(o->file);
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
	else if (o != NULL)
		r = truncate_file(o->file, (uint64_t)length);
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
		st->st_mode = o->file->pipe != NULL ? S_IFIFO | 0600 : S_IFREG | (o->file->state != NULL ? 0600 : 0400);
		st->st_size = (off_t)size_of(o->file);
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
		o->file->uses++;
		w->readable = (o->flags & O_ACCMODE) != O_WRONLY;
		w->writable = (o->flags & O_ACCMODE) == O_RDWR;
	}
	atlas_mutex_unlock(&__atlas_files_lock);
	return o != NULL ? 0 : EBADF;
}

/* A memory object whose manager has an error for every page; mapped here once, for vm_remap. */
vm_address_t
__atlas_nothing_locked(void)
{
	static vm_address_t nothing;
	vm_address_t addr = WINDOWS_AT;
	memory_object_t object;

	if (nothing == 0 && atlas_memory_object_test(NOTHING_MAX, &object) == KERN_SUCCESS) {
		if (atlas_memory_object_tell(object, ATLAS_PAGER_FAIL, KERN_MEMORY_ERROR) == KERN_SUCCESS &&
		    vm_map(mach_task_self(), &addr, NOTHING_MAX, 0, VM_FLAGS_ANYWHERE, object, 0, FALSE, VM_PROT_ALL,
		    VM_PROT_ALL, VM_INHERIT_SHARE) == KERN_SUCCESS)
			nothing = addr;
		mach_port_deallocate(mach_task_self(), object);
	}
	return nothing;
}

vm_address_t
__atlas_nothing(void)
{
	vm_address_t nothing;

	atlas_mutex_lock(&__atlas_files_lock);
	nothing = __atlas_nothing_locked();
	atlas_mutex_unlock(&__atlas_files_lock);
	return nothing;
}
