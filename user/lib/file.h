/*
 * file.h: what the library's files tell mman.c and stdio.c (private to user/lib).
 */
#ifndef LIBATLAS_FILE_H
#define LIBATLAS_FILE_H

#include <stdbool.h>
#include <sys/types.h>
#include <mach/mach.h>

/* Where all of a file is mapped, and what may be done with it. */
struct file_window {
	vm_address_t addr;
	vm_size_t    size;              /* whole pages; 0: an empty file */
	bool         readable, writable;
	bool         fixed;             /* never grows: what lies behind it is SIGBUS */
};
/* 0, EBADF, or ENODEV (the console). The window stays while the descriptor does. */
int __atlas_file_window(int fd, struct file_window *w);

/* NOTHING_MAX bytes to be mapped where every access is SIGBUS; 0: none. */
#define NOTHING_MAX (64ul << 20)
vm_address_t __atlas_nothing(void);

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
