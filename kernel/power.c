/*
 * power.c: the end of a run.
 *
 * The verdict is the console's last line, always; then the test finisher, which
 * hands it to the emulator's exit status; then firmware; and where nothing can
 * switch the machine off it stands still, and says so.
 */
#include <arch/csr.h>
#include <arch/hart_start.h>
#include <arch/sbi.h>
#include <base/print.h>
#include <drivers/finisher.h>
#include <kernel/console.h>
#include <kernel/power.h>

static noreturn_fn void
stand_still(const char *what)
{
	kprintf("atlas: nothing here can %s the machine: it stands still\n", what);
	csr_write(sie, 0);
	for (;;)
		wfi();
}

void
power_off(int status)
{
	kprintf("atlas: exit status %d\n", status);
	finisher_exit(status);
	hart_stop_others();
	console_flush();
	sbi_shutdown();
	stand_still("switch off");
}

void
power_reboot(void)
{
	kprintf("atlas: reboot\n");
	finisher_reboot();
	hart_stop_others();
	console_flush();
	sbi_reboot();
	stand_still("restart");
}
