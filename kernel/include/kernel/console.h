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

void console_early_init(void);                          /* SBI, before paging; no locks needed */
void console_attach(struct console_device *d);          /* takes over from SBI */
void console_write(const char *s, size_t n);            /* \n becomes \r\n */
void console_input(char c);                             /* from the interrupt or poll */
/* Sleeps until a character is there. -1: interrupted (thread terminated). */
int  console_getc(void);
bool console_pending(void);
/* Panic: no locks from here on, polled output. */
void console_break_lock(void);
void console_flush(void);

#endif
