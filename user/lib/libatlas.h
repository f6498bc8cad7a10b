/*
 * libatlas.h: what the files of the U-mode library share among themselves.
 *
 * Picture of a thread's memory, made by thread.c as one stack (vm_map_find):
 *
 *   guard page | stack ... | exception stack | struct atlas_thread | TLS block
 *   no access    grows down  4 KiB                                   tp -> start
 *
 * The main thread has the kernel's stack, and the rest in its own data.
 */
#ifndef LIBATLAS_H
#define LIBATLAS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <mach/mach.h>
#include <atlas/syscall.h>
#include <atlas/thread.h>

#define EXC_STACK_SIZE  4096u
#define THREAD_STACK_DEFAULT (256u << 10)

struct atlas_thread {
	void                *tp;        /* first: crt0.S loads it */
	void              *(*start)(void *);
	void                *argument, *result;
	vm_address_t         base;      /* of the allocation; 0: main thread */
	vm_size_t            size;
	char                *exc_stack_top;
	uint32_t             id;
	uint32_t             done;      /* futex: 1 when it will not touch its memory again */
	struct atlas_thread *next;      /* of the detached ones */
};

extern __thread struct atlas_thread *__atlas_self;

/* Linker script. */
extern char __tdata_start[], __tdata_size[], __tls_size[], __tls_main[], _end[];

/* Fills a thread-local block from the template. */
void __atlas_tls_init(void *block);
/* Makes signal.c's entry the calling thread's exception handler. */
void __atlas_signal_thread_init(char *stack_top);
void __atlas_exception_entry(void);

/* What this thread has printed and not yet written. */
void __atlas_stdout_flush(void);

/* Locks that fork must own, so that the child finds them free. */
void __atlas_libc_lock(void);
void __atlas_libc_unlock(void);

/* errno for a result code, and -1 (0 for KERN_SUCCESS). */
int __atlas_errno(kern_return_t kr);

/* [*addr, *addr + *len) to whole pages; FALSE: it wraps, or is not user space (mman.c). */
bool __atlas_range(uint64_t *addr, size_t *len);

/* Is there a limit of what may be locked? */
bool __atlas_limits_locking(void);

/* Ends the task as if by this signal; waitpid of the parent sees WIFSIGNALED. */
void __atlas_die(int signo) __attribute__((noreturn));

#endif
