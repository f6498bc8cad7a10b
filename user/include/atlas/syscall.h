/*
 * atlas/syscall.h: the system call instruction as C functions.
 *
 * atlas_syscallN(number, N words) returns a0. Numbers and arguments are in
 * atlas/abi.h. The kernel gives a1-a7 and t0-t6 back as 0 and keeps all other
 * registers, so those are what each call clobbers.
 */
#ifndef ATLAS_SYSCALL_H
#define ATLAS_SYSCALL_H

#include <stdint.h>
#include <atlas/abi.h>

#define ATLAS_CLOBBERS \
	"t0", "t1", "t2", "t3", "t4", "t5", "t6", "a6", "memory"

static inline long
atlas_syscall6(long number, uint64_t x0, uint64_t x1, uint64_t x2, uint64_t x3,
    uint64_t x4, uint64_t x5)
{
	register uint64_t a0 __asm__("a0") = x0;
	register uint64_t a1 __asm__("a1") = x1;
	register uint64_t a2 __asm__("a2") = x2;
	register uint64_t a3 __asm__("a3") = x3;
	register uint64_t a4 __asm__("a4") = x4;
	register uint64_t a5 __asm__("a5") = x5;
	register long a7 __asm__("a7") = number;

	__asm__ volatile("ecall"
	    : "+r"(a0), "+r"(a1), "+r"(a2), "+r"(a3), "+r"(a4), "+r"(a5), "+r"(a7)
	    :: ATLAS_CLOBBERS);
	return (long)a0;
}

static inline long
atlas_syscall5(long number, uint64_t x0, uint64_t x1, uint64_t x2, uint64_t x3,
    uint64_t x4)
{
	register uint64_t a0 __asm__("a0") = x0;
	register uint64_t a1 __asm__("a1") = x1;
	register uint64_t a2 __asm__("a2") = x2;
	register uint64_t a3 __asm__("a3") = x3;
	register uint64_t a4 __asm__("a4") = x4;
	register long a7 __asm__("a7") = number;

	__asm__ volatile("ecall"
	    : "+r"(a0), "+r"(a1), "+r"(a2), "+r"(a3), "+r"(a4), "+r"(a7)
	    :: "a5", ATLAS_CLOBBERS);
	return (long)a0;
}

static inline long
atlas_syscall4(long number, uint64_t x0, uint64_t x1, uint64_t x2, uint64_t x3)
{
	register uint64_t a0 __asm__("a0") = x0;
	register uint64_t a1 __asm__("a1") = x1;
	register uint64_t a2 __asm__("a2") = x2;
	register uint64_t a3 __asm__("a3") = x3;
	register long a7 __asm__("a7") = number;

	__asm__ volatile("ecall"
	    : "+r"(a0), "+r"(a1), "+r"(a2), "+r"(a3), "+r"(a7)
	    :: "a4", "a5", ATLAS_CLOBBERS);
	return (long)a0;
}

static inline long
atlas_syscall3(long number, uint64_t x0, uint64_t x1, uint64_t x2)
{
	register uint64_t a0 __asm__("a0") = x0;
	register uint64_t a1 __asm__("a1") = x1;
	register uint64_t a2 __asm__("a2") = x2;
	register long a7 __asm__("a7") = number;

	__asm__ volatile("ecall"
	    : "+r"(a0), "+r"(a1), "+r"(a2), "+r"(a7)
	    :: "a3", "a4", "a5", ATLAS_CLOBBERS);
	return (long)a0;
}

static inline long
atlas_syscall2(long number, uint64_t x0, uint64_t x1)
{
	register uint64_t a0 __asm__("a0") = x0;
	register uint64_t a1 __asm__("a1") = x1;
	register long a7 __asm__("a7") = number;

	__asm__ volatile("ecall" : "+r"(a0), "+r"(a1), "+r"(a7)
	    :: "a2", "a3", "a4", "a5", ATLAS_CLOBBERS);
	return (long)a0;
}

static inline long
atlas_syscall1(long number, uint64_t x0)
{
	register uint64_t a0 __asm__("a0") = x0;
	register long a7 __asm__("a7") = number;

	__asm__ volatile("ecall" : "+r"(a0), "+r"(a7)
	    :: "a1", "a2", "a3", "a4", "a5", ATLAS_CLOBBERS);
	return (long)a0;
}

static inline long
atlas_syscall0(long number)
{
	register uint64_t a0 __asm__("a0");
	register long a7 __asm__("a7") = number;

	__asm__ volatile("ecall" : "=r"(a0), "+r"(a7)
	    :: "a1", "a2", "a3", "a4", "a5", ATLAS_CLOBBERS);
	return (long)a0;
}

#endif
