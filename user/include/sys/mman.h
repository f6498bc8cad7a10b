/*
 * sys/mman.h: POSIX's, FreeBSD's and Linux's view of the same map.
 *
 * Anonymous memory, files of the initrd (read-only), and memory files
 * (memfd_create, shm_open, open with O_CREAT). What is not declared here is not
 * there. Flag values are FreeBSD's where it has the flag.
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
#define PROT_EXTRACT(prot) ((prot) & (PROT_READ | PROT_WRITE | PROT_EXEC))
#define PROT_MAX_EXTRACT(prot) (((prot) >> 16) & (PROT_READ | PROT_WRITE | PROT_EXEC))

#define MAP_SHARED      0x0001          /* children share it */
#define MAP_PRIVATE     0x0002
#define MAP_FIXED       0x0010          /* replaces what is there, in one step */
#define MAP_NORESERVE   0x0040          /* memory is never reserved: no effect */
#define MAP_FILE        0
#define MAP_STACK       0x0400          /* a stack that grows down on access, its lowest page never */
#define MAP_NOSYNC      0x0800          /* about files: no effect */
#define MAP_ANON        0x1000
#define MAP_ANONYMOUS   MAP_ANON
#define MAP_GUARD       0x2000          /* nobody gets at it: PROT_NONE for ever */
#define MAP_EXCL        0x4000          /* with MAP_FIXED: EINVAL if anything is there */
#define MAP_NOCORE      0x00020000      /* about core dumps: no effect */
#define MAP_POPULATE    0x00040000      /* faulted in at once */
#define MAP_PREFAULT_READ MAP_POPULATE
#define MAP_FIXED_NOREPLACE 0x00100000  /* as FIXED; EEXIST if anything is there */
#define MAP_LOCKED      0x00200000      /* as by mlock */
#define MAP_ALIGNMENT_SHIFT 24
#define MAP_ALIGNMENT_MASK  0xff000000
#define MAP_ALIGNED(n)  ((int)((unsigned)(n) << MAP_ALIGNMENT_SHIFT))   /* 2^n bytes, 12 <= n < 64 */
#define MAP_ALIGNED_SUPER MAP_ALIGNED(1)                        /* a megapage */
/* What others ask for and nothing here depends on: no effect. */
#define MAP_TYPE        0x000f
#define MAP_COPY        MAP_PRIVATE
#define MAP_RENAME      0
#define MAP_INHERIT     0
#define MAP_NOEXTEND    0
#define MAP_HASSEMAPHORE 0
#define MAP_NOCACHE     0
#define MAP_JIT         0               /* all memory may be made executable */
#define MAP_DENYWRITE   0
#define MAP_EXECUTABLE  0
#define MAP_NONBLOCK    0
#define MAP_FAILED      ((void *)-1)

#define INHERIT_SHARE   0
#define INHERIT_COPY    1
#define INHERIT_NONE    2
#define INHERIT_ZERO    3               /* children find zeros there */
#ifndef MAP_INHERIT_SHARE                /* vm/vm_map.h has another */
#define MAP_INHERIT_SHARE INHERIT_SHARE /* NetBSD's names */
#endif
#define MAP_INHERIT_COPY  INHERIT_COPY
#define MAP_INHERIT_NONE  INHERIT_NONE
#define MAP_INHERIT_ZERO  INHERIT_ZERO

#define MADV_NORMAL     0
#define MADV_RANDOM     1
#define MADV_SEQUENTIAL 2
#define MADV_WILLNEED   3
#define MADV_DONTNEED   4               /* unlikely to be used soon: FreeBSD's; contents stay */
#define MADV_FREE       5               /* contents may become zero */
#define MADV_NOSYNC     6               /* about files on disks: no effect, as the next three */
#define MADV_AUTOSYNC   7
#define MADV_NOCORE     8
#define MADV_CORE       9
#define MADV_DONTDUMP   MADV_NOCORE
#define MADV_DODUMP     MADV_CORE
/* Linux's. */
#define MADV_WIPEONFORK 18              /* children find zeros there; private memory */
#define MADV_KEEPONFORK 19              /* as DOFORK */
#define MADV_DONTFORK   20              /* children do not have it */
#define MADV_DOFORK     21              /* they have a copy again, or share what is shared */
#define MADV_COLD       22              /* as DONTNEED */
#define MADV_PAGEOUT    23
#define MADV_REMOVE     24              /* reads as zero from now on */
#define MADV_POPULATE_READ  25          /* faulted in now */
#define MADV_POPULATE_WRITE 26
#define MADV_HUGEPAGE   27              /* 2 MiB at a time from the first touch on, where they fit */
#define MADV_NOHUGEPAGE 28              /* page by page; full megapages are still mapped as such */
#define MADV_COLLAPSE   29              /* no effect: what is full and alike is a megapage already */
/* Darwin's. */
#define MADV_ZERO_WIRED_PAGES 30
#define MADV_FREE_REUSABLE  31
#define MADV_FREE_REUSE     32
#define MADV_CAN_REUSE      33
#define MADV_ZERO           MADV_REMOVE
#define POSIX_MADV_NORMAL     MADV_NORMAL
#define POSIX_MADV_RANDOM     MADV_RANDOM
#define POSIX_MADV_SEQUENTIAL MADV_SEQUENTIAL
#define POSIX_MADV_WILLNEED   MADV_WILLNEED
#define POSIX_MADV_DONTNEED   MADV_DONTNEED

#define MS_ASYNC        1
#define MS_INVALIDATE   2
#define MS_SYNC         4
/* Darwin's; no other with them. */
#define MS_KILLPAGES    0x10            /* what is in memory only is dropped */
#define MS_DEACTIVATE   0x20

#define MCL_CURRENT     1
#define MCL_FUTURE      2

/* mincore: bits of the byte for each page. */
#define MINCORE_INCORE          0x1
#define MINCORE_REFERENCED      0x2
#define MINCORE_MODIFIED        0x4
#define MINCORE_REFERENCED_OTHER 0x8
#define MINCORE_MODIFIED_OTHER  0x10

#define MREMAP_MAYMOVE  1
#define MREMAP_FIXED    2
#define MREMAP_DONTUNMAP 4

#define MFD_CLOEXEC     1               /* there is no exec: no effect */

void *mmap(void *addr, size_t len, int prot, int flags, int fd, off_t offset);
int munmap(void *addr, size_t len);
int mprotect(void *addr, size_t len, int prot);
int minherit(void *addr, size_t len, int inherit);
int madvise(void *addr, size_t len, int advice);
/* Returns the error; errno stays. */
int posix_madvise(void *addr, size_t len, int advice);
int msync(void *addr, size_t len, int flags);
int mlock(const void *addr, size_t len);
int munlock(const void *addr, size_t len);
int mlockall(int flags);
int munlockall(void);
int mincore(const void *addr, size_t len, char *vec);
/* Linux's. MREMAP_FIXED: the new address is the fifth argument. */
void *mremap(void *addr, size_t old_len, size_t new_len, int flags, ...);

/* Files that are nothing but memory (file.c). */
int memfd_create(const char *name, unsigned flags);
#define SHM_ANON        ((const char *)1)       /* FreeBSD's: a file without a name */
int shm_open(const char *name, int flags, mode_t mode);
int shm_unlink(const char *name);

#ifdef __cplusplus
}
#endif

#endif
