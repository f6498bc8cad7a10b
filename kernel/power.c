/*
 * power.c: the end of a run.
 *
 * The verdict is the console's last line, always; then the test finisher, which
 * hands it to the emulator's exit status; then firmware; then what the device
 * tree names, each after a line that says so; and where nothing can switch the
 * machine off it stands still, and says that. Each way has a limit of time, but
 * firmware that never returns: there only a switch helps.
 */
#include <arch/csr.h>
#include <arch/hart_start.h>
#include <arch/sbi.h>
#include <base/print.h>
#include <drivers/finisher.h>
#include <drivers/reset.h>
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

/* All ways that the tree names; returns when none worked. */
static void
power_by_tree(enum reset_what what)
{
	const struct reset_way *way;

	for (unsigned i = 0; (way = reset_way(what, i)) != NULL; i++) {
		kprintf("atlas: the machine still runs: trying %s\n", way->name);
		console_flush();
		way->run(way->arg);
	}
}

void
power_off(int status)
{
	kprintf("atlas: exit status %d\n", status);
	finisher_exit(status);
	hart_stop_others();
	console_flush();
	sbi_shutdown();
	power_by_tree(RESET_OFF);
	stand_still("switch off");
}

void
power_reboot(void)
{
	kprintf("atlas: reboot\n");
	hart_stop_others();
	console_flush();
	sbi_reboot();
	power_by_tree(RESET_RESTART);
	stand_still("restart");
}
