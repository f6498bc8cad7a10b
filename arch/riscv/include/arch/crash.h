/*
 * arch/crash.h: the report that a dying kernel leaves.
 */
#ifndef ARCH_CRASH_H
#define ARCH_CRASH_H

#include <stdarg.h>
#include <base/types.h>
#include <machine/trapframe.h>

/*
 * An exception of the kernel itself that nothing resolves (trap.c): stops the
 * other harts, prints cause, registers (s0-s11 when tf->full), backtrace, page
 * tables and map entry of the bad address, and ends the machine with status 3.
 */
void crash_trap(struct trapframe *tf) noreturn_fn;
/* The same from panic: no trap, but a sentence. */
void crash_panic(const char *fmt, va_list ap) noreturn_fn;

/* Physical "scause" in words, e.g. "load page fault". */
const char *trap_cause_name(uint64_t scause);

#endif
