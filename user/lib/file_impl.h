/*
 * file_impl.h: what file.c and descriptor.c share: what a file is made of.
 *
 * All is under __atlas_files_lock. The size of a file made here is shared with
 * other processes, and read and written as it is.
 */
#ifndef LIBATLAS_FILE_IMPL_H
#define LIBATLAS_FILE_IMPL_H

#include <errno.h>
#include "file.h"

#define FILE_MAX    (256ull << 20)      /* of a file made here */
#define NAME_BYTES  64

/* Of a file made here: the same page in all processes that have the file. */
struct file_state {
	uint64_t size;
};

struct file {
	struct file       *next;        /* of those with a name */
	struct file       *next_made;   /* of all */
	char               name[NAME_BYTES];    /* "": none */
	unsigned           uses;        /* descriptors, mappings, and the name */
	vm_address_t       window;      /* 0: an empty file of the initrd */
	vm_size_t          window_size;
	uint64_t           size;        /* of the initrd's */
	struct file_state *state;       /* NULL: of the initrd, never changes; or a pipe */
	struct pipe       *pipe;        /* the window is one; size is 0 */
	bool               zero;        /* /dev/zero: the window is zeros to read, of no end */
};

static inline int
fail(int code)
{
	errno = code;
	return -1;
}

static inline uint64_t
file_size(const struct file *f)
{
	return f->state != NULL ? f->state->size : f->size;
}

/* The name to open of a path, which it looks at without the lock (it may fault); NULL with errno. */
const char *__atlas_file_name(const char *path, int flags);
/* A file for open, with one use for the descriptor; NULL with errno. */
struct file *__atlas_file_open(const char *name, int flags);
/* The same, new: of memory, with no name; a pipe without ends. */
struct file *__atlas_file_memory(void);
struct file *__atlas_file_pipe(void);
/* The end of a file of memory moves to size, <= FILE_MAX; what is mapped follows. */
void __atlas_file_set_size(struct file *f, uint64_t size);
/* The same, and what is cut off reads as zero when the file grows again. */
void __atlas_file_truncate(struct file *f, uint64_t size);

#endif
