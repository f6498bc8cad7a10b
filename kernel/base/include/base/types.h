/*
 * base/types.h: the words that every layer shares.
 */
#ifndef BASE_TYPES_H
#define BASE_TYPES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <machine/param.h>

typedef uint64_t vm_offset_t;           /* a virtual address, bytes */
typedef uint64_t vm_size_t;             /* a length, bytes */
typedef uint64_t vm_object_offset_t;    /* an offset in an object, bytes */
typedef uint64_t paddr_t;               /* a physical address, bytes */
typedef uint32_t pfn_t;                 /* a physical page number (16 TiB) */

#define container_of(p, type, member) \
	((type *)(void *)((char *)(p) - offsetof(type, member)))
#define nitems(a)       (sizeof(a) / sizeof((a)[0]))
#define howmany(x, y)   (((x) + ((y) - 1)) / (y))
#define likely(x)       __builtin_expect(!!(x), 1)
#define unlikely(x)     __builtin_expect(!!(x), 0)
#define noinline        __attribute__((noinline))
#define always_inline   inline __attribute__((always_inline))
#define noreturn_fn     __attribute__((noreturn))
#define printf_like(f, a) __attribute__((format(printf, f, a)))

/* To pages. round_page of the last page of 2^64 is 0: check before use. */
static inline uint64_t trunc_page(uint64_t a) { return a & ~PAGE_MASK; }
static inline uint64_t round_page(uint64_t a) { return (a + PAGE_MASK) & ~PAGE_MASK; }
static inline bool page_aligned(uint64_t a) { return (a & PAGE_MASK) == 0; }

#endif
