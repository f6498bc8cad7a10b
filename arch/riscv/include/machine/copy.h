/*
 * machine/copy.h: between kernel memory and the memory of the running task.
 *
 * The only code that sets SUM; faults inside are resolved by vm_fault on the
 * running thread's map, and one that cannot be resolved makes the copy return
 * its code. May sleep (a fault may wait for a pager): no spinlock, no map lock.
 */
#ifndef MACHINE_COPY_H
#define MACHINE_COPY_H

#include <base/kern_return.h>

/* KERN_SUCCESS, or KERN_INVALID_ADDRESS / the fault's code; a prefix may have been copied. */
kern_return_t copyin(uint64_t user_src, void *dst, size_t size);
kern_return_t copyout(const void *src, uint64_t user_dst, size_t size);
/* Copies a string with its NUL; KERN_INSUFFICIENT_BUFFER_SIZE when it does not fit. *len: without NUL. */
kern_return_t copyinstr(uint64_t user_src, char *dst, size_t size, size_t *len);

#endif
