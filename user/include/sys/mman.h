/*
 * sys/mman.h: FreeBSD's and POSIX's view of the same map.
 *
 * Anonymous memory only: there are no files yet. What is not declared here is
 * not there. Flag values are FreeBSD's.
 */
#ifndef _SYS_MMAN_H
#define _SYS_MMAN_H

#include <stddef.h>
#include <sys/types.h>

#ifdef __cplusplus
extern "C" {
#endif

#define PROT_NONE       0
#define PROT_READ       1
#define PROT_WRITE      2
#define PROT_EXEC       4
/* The most this mapping may ever be given by mprotect. */
#define PROT_MAX(prot)  ((prot) << 16)

#define MAP_SHARED      0x0001          /* children share it */
#define MAP_PRIVATE     0x0002
#define MAP_FIXED       0x0010          /* replaces what is there, in one step */
#define MAP_NORESERVE   0x0040          /* memory is never reserved: no effect */
#define MAP_NOSYNC      0x0800          /* about files: no effect */
#define MAP_ANON        0x1000
#define MAP_ANONYMOUS   MAP_ANON
#define MAP_EXCL        0x4000          /* with MAP_FIXED: EINVAL if anything is there */
#define MAP_NOCORE      0x00020000      /* about core dumps: no effect */
#define MAP_ALIGNMENT_SHIFT 24
#define MAP_ALIGNMENT_MASK  0xff000000
#define MAP_ALIGNED(n)  ((int)((unsigned)(n) << MAP_ALIGNMENT_SHIFT))   /* 2^n bytes, 12 <= n < 64 */
#define MAP_ALIGNED_SUPER MAP_ALIGNED(1)                        /* a megapage */
#define MAP_FAILED      ((void *)-1)

#define INHERIT_SHARE   0
#define INHERIT_COPY    1
#define INHERIT_NONE    2

#define MADV_NORMAL     0
#define MADV_RANDOM     1
#define MADV_SEQUENTIAL 2
#define MADV_WILLNEED   3
#define MADV_DONTNEED   4
#define MADV_FREE       5
#define MADV_NOSYNC     6
#define MADV_AUTOSYNC   7
#define MADV_NOCORE     8
#define MADV_CORE       9
#define POSIX_MADV_NORMAL     MADV_NORMAL
#define POSIX_MADV_RANDOM     MADV_RANDOM
#define POSIX_MADV_SEQUENTIAL MADV_SEQUENTIAL
#define POSIX_MADV_WILLNEED   MADV_WILLNEED
#define POSIX_MADV_DONTNEED   MADV_DONTNEED

void *mmap(void *addr, size_t len, int prot, int flags, int fd, off_t offset);
int munmap(void *addr, size_t len);
int mprotect(void *addr, size_t len, int prot);
int minherit(void *addr, size_t len, int inherit);
/* Advice: accepted, and without effect so far (FreeBSD's allow that). */
int madvise(void *addr, size_t len, int advice);
int posix_madvise(void *addr, size_t len, int advice);

#ifdef __cplusplus
}
#endif

#endif
