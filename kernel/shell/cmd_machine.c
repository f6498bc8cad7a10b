/*
 * cmd_machine.c: poweroff, reboot, crash.
 */
#include <string.h>
#include <base/print.h>
#include <kernel/power.h>
#include <machine/vmparam.h>
#include "shell.h"

static int
do_poweroff(struct cmd_ctx *c)
{
	if (c->arg[0].num > 255)
		return cmd_usage(c, 0, "code: a number up to 255 is expected");
	power_off((int)c->arg[0].num);
}

COMMAND(poweroff, do_poweroff, "machine", "end the run with this exit status",
    "The launcher's exit status is CODE: through the test finisher where the machine has one,\n"
    "and through the last line on the console.",
    OPT(NUM, "code", "0"));

static int
do_reboot(struct cmd_ctx *c)
{
	(void)c;
	power_reboot();
}

COMMAND(reboot, do_reboot, "machine", "start the machine anew", "");

/* Not inlined, so that the report's backtrace has something to show. */
static noinline void
crash_page(uint64_t addr, bool write)
{
	volatile uint64_t *p = (volatile uint64_t *)(uintptr_t)addr;

	if (write)
		*p = 1;
	else
		(void)*p;
}

static noinline unsigned
crash_stack(unsigned depth)
{
	volatile char frame[512];

	if (depth == ~0u)
		return 0;
	frame[0] = (char)depth;
	return crash_stack(depth + 1) + (unsigned)frame[0];
}

static int
do_crash(struct cmd_ctx *c)
{
	const char *how = c->arg[0].word;

	if (strcmp(how, "read") == 0)
		crash_page(c->arg[1].given ? c->arg[1].num : DEVMAP_BASE + DEVMAP_SIZE, false);
	else if (strcmp(how, "write") == 0)
		crash_page(c->arg[1].given ? c->arg[1].num : (uint64_t)(uintptr_t)crash_page, true);
	else if (strcmp(how, "assert") == 0)
		panic("the command `crash assert` was given");
	else if (strcmp(how, "stack") == 0)
		kprintf("%u\n", crash_stack(0));
	else if (strcmp(how, "illegal") == 0)
		__asm__ volatile(".4byte 0");
	else
		return cmd_usage(c, 0, "how: read, write, assert, stack or illegal is expected");
	kprintf("crash: the kernel survived it\n");
	return 1;
}

COMMAND(crash, do_crash, "test", "crash the kernel on purpose, to see the report",
    "read, write: of an address the kernel may not use (unmapped; its own code);\n"
    "assert: a failed assertion; stack: endless recursion; illegal: an illegal instruction.\n"
    "The run ends with status 3.",
    OPT(WORD, "how", "read"), OPT(NUM, "addr", "0"));
