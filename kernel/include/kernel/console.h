/*
 * kernel/console.h: the one console.
 *
 * Output goes to the best device found so far: SBI from the first instruction,
 * then the UART of the device tree. Input arrives by interrupt or by polling
 * and waits in a ring until somebody reads it.
 */
#ifndef KERNEL_CONSOLE_H
#define KERNEL_CONSOLE_H

#include <base/types.h>
#include <drivers/console.h>

void console_attach(struct console_device *d);          /* takes over from SBI */
void console_write(const char *s, size_t n);            /* \n becomes \r\n */
/* Several pieces in one go: console_lock, console_write_locked..., console_unlock. */
void console_lock(void);
void console_write_locked(const char *s, size_t n);
void console_unlock(void);
void console_input(char c);                             /* from the interrupt or poll */
/* Sleeps until a character is there. -1: interrupted (thread terminated). */
int  console_getc(void);
bool console_pending(void);
/*
 * While fn is set, Ctrl-C is no input: fn is called instead, perhaps from an
 * interrupt and with any thread's hart; it must not sleep. NULL: a key again.
 */
void console_set_interrupt(void (*fn)(void));
/*
 * Threads exist: input without interrupts (SBI, or a UART without a line to the
 * interrupt controller) is polled by a thread of its own from now on.
 */
void console_start_input(void);
/* Panic: no locks from here on, polled output. */
void console_break_lock(void);
void console_flush(void);

#endif
