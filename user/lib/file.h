/*
 * file.h: what the library's files tell mman.c and stdio.c (private to user/lib).
 */
#ifndef LIBATLAS_FILE_H
#define LIBATLAS_FILE_H

#include <stdbool.h>
#include <sys/types.h>
#include <mach/mach.h>
#include <atlas/thread.h>

struct file;

/* Where all of a file is mapped, and what may be done with it. */
struct file_window {
	vm_address_t addr;
	struct file *file;              /* held: __atlas_file_drop */
	bool         readable, writable;
	bool         zero;              /* /dev/zero: mappings are new memory */
};
/* 0, EBADF, or ENODEV (the console). The window stays while the descriptor does. */
int __atlas_file_window(int fd, struct file_window *w);

/* NOTHING_MAX bytes to be mapped where every access is SIGBUS; 0: none. */
#define NOTHING_MAX (256ul << 20)
vm_address_t __atlas_nothing(void);
vm_address_t __atlas_nothing_locked(void);

extern atlas_mutex_t __atlas_files_lock;
/* The library's lowest window at or above addr; FALSE: none. __atlas_files_lock held. */
bool __atlas_next_window(vm_address_t addr, vm_address_t *start, vm_address_t *end);
/* The range is about to be something else; __atlas_files_lock not held. */
void __atlas_mapped_gone(vm_address_t addr, vm_size_t len);
/* Where the file ends, in whole pages. */
uint64_t __atlas_file_end(const struct file *f);
/* One use more, or less; __atlas_files_lock held, as for the next two. */
void __atlas_file_hold(struct file *f);
void __atlas_file_drop(struct file *f);
/* [addr, addr + len) maps the file from offset on; FALSE: no memory. */
bool __atlas_mapped_add(struct file *file, vm_address_t addr, vm_size_t len, uint64_t offset, bool copy);
/* The file's end has moved: mappings that reach there follow. */
void __atlas_mapped_resize(struct file *file, vm_address_t window, uint64_t old, uint64_t new);

/* Another mapping of [from, +len) at addr, which is taken already (mman.c). */
kern_return_t __atlas_remap_over(vm_address_t addr, vm_size_t len, vm_address_t from, boolean_t copy,
    vm_inherit_t inherit);

/* fork: before, with the descriptors' lock taken; after, in whoever comes back, which drops it. made: there is a child. */
void __atlas_files_fork(void);
void __atlas_files_forked(bool made);
/* The process ends: others see its pipes closed. Takes no lock, may run on the exception stack. */
void __atlas_files_leave(void);

/* n bytes by the kernel, so that a bad address is found and not hit: n, or -1 with EFAULT. */
ssize_t __atlas_copy_bytes(vm_address_t to, vm_address_t from, size_t n);

/* Pipes (pipe.c): __atlas_pipe_size bytes of zeroed memory that children share. */
struct pipe;
extern const size_t __atlas_pipe_size;
/* n descriptors more, or fewer, read it or write it. */
void __atlas_pipe_hold(struct pipe *p, bool writes, int n);
ssize_t __atlas_pipe_read(struct pipe *p, void *buf, size_t n, bool wait);
ssize_t __atlas_pipe_write(struct pipe *p, const void *buf, size_t n, bool wait);

ssize_t __atlas_file_read(int fd, void *buf, size_t n);
ssize_t __atlas_file_write(int fd, const void *buf, size_t n);

#endif
