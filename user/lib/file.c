/*
 * file.c: files, as far as programs that map memory need them.
 *
 *   fd ──> open file (offset, access) ──> file ──> window: all of it, mapped
 *          descriptor.c                    └────> state: one page, shared with forks
 *
 * A file of the initrd is a memory object of the kernel's; here it is one
 * private, read-only mapping of the whole, its window. A file that a program
 * creates (open with O_CREAT, shm_open, memfd_create) is nothing but memory: a
 * window of FILE_MAX bytes that children share, of which the first `size` are
 * the file. It is gone with the last process that has it. read and write copy
 * from and to the window; mmap maps a part of the window once more, shared or
 * copied (mman.c). So children can use and map the files that their parent
 * opened, though they inherit none of its handles. A pipe is a file, too: its
 * window is the memory that pipe.c manages.
 *
 * Names are the process's own (and its children's, as of the fork).
 * What lies behind the end of a file in its last page reads as zero. Whole pages
 * behind the end are mapped to an object whose manager fails, which is SIGBUS;
 * mman_grow.c follows files that grow and shrink.
 *
 * Windows are the library's: mlockall goes around them, and they come without
 * rights first, so that memory which must be wired when it is made is not.
 * /dev/zero is a file whose mappings are new memory, each its own.
 *
 * Lock: __atlas_files_lock, over descriptors, files' uses and the lists of files.
 */
#include "libatlas.h"
#include <atlas/memory_object.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
#include <vm/vm_map.h>
#include "file_impl.h"

#define ZEROS       (64ull << 10)       /* what one read of /dev/zero is made of */
#define WINDOWS_AT  (128ull << 30)      /* out of the way of first-fit placement and the heap */

atlas_mutex_t __atlas_files_lock;
static struct file *named, *made;
static vm_address_t nothing;            /* NOTHING_MAX bytes; 0: not made yet */

/* --- making and dropping files; __atlas_files_lock held --- */

void
__atlas_file_hold(struct file *f)
{
	f->uses++;
}

void
__atlas_file_drop(struct file *f)
{
	struct file **link = &made;

	if (--f->uses > 0)
		return;
	while (*link != f)
		link = &(*link)->next_made;
	*link = f->next_made;
	if (f->window != 0)
		vm_deallocate(mach_task_self(), f->window, f->window_size);
	if (f->state != NULL)
		vm_deallocate(mach_task_self(), (vm_address_t)f->state, PAGE_SIZE);
	free(f);
}

/* One use; NULL: ENOMEM. */
static struct file *
file_new(void)
{
	struct file *f = calloc(1, sizeof(*f));

	if (f == NULL)
		return NULL;
	f->uses = 1;
	f->next_made = made;
	made = f;
	return f;
}

/* size bytes of the object (none: zero-fill) that children share, not wired whatever comes; 0: none. */
static vm_address_t
shared_memory(vm_size_t size, memory_object_t object, vm_prot_t prot)
{
	vm_address_t addr = WINDOWS_AT;

	/* FreeBSD's call wires what has rights; later ones change nothing of that. */
	if (vm_map_find(mach_task_self(), object, 0, &addr, size, 0, VMFS_ANY_SPACE, VM_PROT_NONE, VM_PROT_ALL,
	    MAP_INHERIT_SHARE) != KERN_SUCCESS)
		return 0;
	(void)vm_protect(mach_task_self(), addr, size, FALSE, prot);
	return addr;
}

/* A file of memory; NULL with errno. */
static struct file *
file_create(const char *name)
{
	struct file *f = file_new();

	if (f == NULL)
		return NULL;
	f->window_size = FILE_MAX;
	f->window = shared_memory(FILE_MAX, MACH_PORT_NULL, VM_PROT_DEFAULT);
	f->state = (struct file_state *)shared_memory(PAGE_SIZE, MACH_PORT_NULL, VM_PROT_DEFAULT);
	if (f->window == 0 || f->state == NULL) {
		__atlas_file_drop(f);
		errno = ENOSPC;
		return NULL;
	}
	strcpy(f->name, name);
	return f;
}

struct file *
__atlas_file_memory(void)
{
	return file_create("");
}

struct file *
__atlas_file_pipe(void)
{
	struct file *f = file_new();

	if (f == NULL)
		return NULL;
	f->window_size = round_page(__atlas_pipe_size);
	f->window = shared_memory(f->window_size, MACH_PORT_NULL, VM_PROT_DEFAULT);
	f->pipe = (struct pipe *)f->window;
	if (f->window == 0) {
		__atlas_file_drop(f);
		errno = ENOMEM;
		return NULL;
	}
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
	f = file_new();
	kr = KERN_SUCCESS;
	if (f != NULL && size != 0)
		kr = vm_map(mach_task_self(), &addr, round_page(size), 0, VM_FLAGS_ANYWHERE, object, 0, TRUE,
		    VM_PROT_READ | VM_PROT_EXECUTE, VM_PROT_ALL, VM_INHERIT_COPY);
	if (object != MACH_PORT_NULL)
		mach_port_deallocate(mach_task_self(), object);
	if (f == NULL || kr != KERN_SUCCESS) {
		if (f != NULL)
			__atlas_file_drop(f);
		errno = ENOMEM;
		return NULL;
	}
	f->size = size;
	f->window = size != 0 ? addr : 0;
	f->window_size = round_page(size);
	return f;
}

/* A window of zeros, which nobody writes, to be read from. */
static struct file *
file_of_zeros(void)
{
	struct file *f = file_new();

	if (f == NULL)
		return NULL;
	f->zero = true;
	f->window_size = ZEROS;
	f->window = shared_memory(ZEROS, MACH_PORT_NULL, VM_PROT_READ);
	if (f->window == 0) {
		__atlas_file_drop(f);
		errno = ENOMEM;
		return NULL;
	}
	return f;
}

/* --- windows --- */

bool
__atlas_next_window(vm_address_t addr, vm_address_t *start, vm_address_t *end)
{
	bool found = nothing >= addr && nothing != 0;

	*start = nothing;
	*end = nothing + NOTHING_MAX;
	for (struct file *f = made; f != NULL; f = f->next_made)
		if (f->window != 0 && f->window >= addr && (!found || f->window < *start)) {
			found = true;
			*start = f->window;
			*end = f->window + f->window_size;
		}
	return found;
}

/* --- the end of a file --- */

uint64_t
__atlas_file_end(const struct file *f)
{
	return round_page(file_size(f));
}

void
__atlas_file_set_size(struct file *f, uint64_t size)
{
	uint64_t old = f->state->size;

	f->state->size = size;
	__atlas_mapped_resize(f, f->window, old, size);
}

void
__atlas_file_truncate(struct file *f, uint64_t size)
{
	uint64_t end = round_page(size), old = f->state->size;

	__atlas_file_set_size(f, size);
	if (size >= old)
		return;
	memset((void *)(f->window + size), 0, (old < end ? old : end) - size);
	if (end < old && vm_behavior_set(mach_task_self(), f->window + end, old - end, VM_BEHAVIOR_ZERO) != KERN_SUCCESS)
		memset((void *)(f->window + end), 0, old - end);
}

/* --- names --- */

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

/* There is one directory, so "./name" is "name". */
static const char *
without_directory(const char *path)
{
	while (path[0] == '.' && path[1] == '/')
		path += 2 + strspn(path + 2, "/");
	return path;
}

const char *
__atlas_file_name(const char *path, int flags)
{
	const char *name = without_directory(path);
	size_t n = strlen(name);

	if (n != 0 && (n < NAME_BYTES || !(flags & O_CREAT)))
		return name;
	errno = n == 0 ? ENOENT : ENAMETOOLONG;
	return NULL;
}

struct file *
__atlas_file_open(const char *name, int flags)
{
	bool writes = (flags & O_ACCMODE) != O_RDONLY || (flags & O_TRUNC) != 0;
	struct file *f = file_named(name);

	if (f != NULL && (flags & O_CREAT) && (flags & O_EXCL)) {
		errno = EEXIST;
		return NULL;
	}
	if (f != NULL) {
		f->uses++;
		return f;
	}
	if (strcmp(name, "/dev/zero") == 0)
		return file_of_zeros();
	f = file_of_initrd(name);
	if (f != NULL && (writes || ((flags & O_CREAT) && (flags & O_EXCL)))) {
		__atlas_file_drop(f);
		errno = writes ? EROFS : EEXIST;
		return NULL;
	}
	if (f != NULL || errno != ENOENT || !(flags & O_CREAT))
		return f;
	f = file_create(name);
	if (f != NULL)
		file_link(f);
	return f;
}

int
unlink(const char *path)
{
	struct file **link, *f;

	path = without_directory(path);
	atlas_mutex_lock(&__atlas_files_lock);
	for (link = &named; (f = *link) != NULL && strcmp(f->name, path) != 0; )
		link = &f->next;
	if (f != NULL) {
		*link = f->next;
		__atlas_file_drop(f);
	}
	atlas_mutex_unlock(&__atlas_files_lock);
	return f != NULL ? 0 : fail(ENOENT);
}

/* There are no permissions but the initrd's; a name that is there will do. */
int
chmod(const char *path, mode_t mode)
{
	struct stat st;

	(void)mode;
	return stat(path, &st);
}

int
shm_unlink(const char *name)
{
	return unlink(name);
}

/* --- behind the end --- */

/* A memory object whose manager has an error for every page; mapped here once, for vm_remap. */
vm_address_t
__atlas_nothing_locked(void)
{
	memory_object_t object;

	if (nothing == 0 && atlas_memory_object_test(NOTHING_MAX, &object) == KERN_SUCCESS) {
		if (atlas_memory_object_tell(object, ATLAS_PAGER_FAIL, KERN_MEMORY_ERROR) == KERN_SUCCESS)
			nothing = shared_memory(NOTHING_MAX, object, VM_PROT_ALL);
		mach_port_deallocate(mach_task_self(), object);
	}
	return nothing;
}

vm_address_t
__atlas_nothing(void)
{
	vm_address_t addr;

	atlas_mutex_lock(&__atlas_files_lock);
	addr = __atlas_nothing_locked();
	atlas_mutex_unlock(&__atlas_files_lock);
	return addr;
}
