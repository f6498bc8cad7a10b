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
 * Lock: __atlas_files_lock, over descriptors, files' uses and the list of names.
 */
#include "libatlas.h"
#include <atlas/memory_object.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include "file_impl.h"

#define WINDOWS_AT  (128ull << 30)      /* out of the way of first-fit placement and the heap */

atlas_mutex_t __atlas_files_lock;
static struct file *named;

/* --- making and dropping files; __atlas_files_lock held --- */

void
__atlas_file_hold(struct file *f)
{
	f->uses++;
}

void
__atlas_file_drop(struct file *f)
{
	if (--f->uses > 0)
		return;
	if (f->window != 0)
		vm_deallocate(mach_task_self(), f->window, f->window_size);
	if (f->state != NULL)
		vm_deallocate(mach_task_self(), (vm_address_t)f->state, PAGE_SIZE);
	free(f);
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
	struct file *f = calloc(1, sizeof(*f));

	if (f == NULL)
		return NULL;
	f->uses = 1;
	f->window_size = round_page(__atlas_pipe_size);
	f->window = shared_memory(f->window_size);
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
