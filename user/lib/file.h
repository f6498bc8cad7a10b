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

ssize_t __atlas_file_read(int fd, void *buf, size_t n);
ssize_t __atlas_file_write(int fd, const void *buf, size_t n);

#endif
