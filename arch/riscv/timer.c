/*
 * timer.c: the time counter and the next timer interrupt of this hart.
 *
 * With Sstc the comparator is a CSR; without it the firmware sets it for us.
 * The device tree says that a hart has Sstc, but firmware must have enabled it
 * too, so it is tried once under a trap vector of its own. Where firmware cannot
 * do it either, the deadline is only remembered: idle harts look at it, so that
 * sleepers wake, but a running program is not interrupted.
 */
#include <arch/timer.h>
#include <arch/csr.h>
#include <arch/sbi.h>
#include <drivers/delay.h>
#include <machine/hart.h>

#define TIMER_HZ_DEFAULT    10000000

uint64_t timer_hz = TIMER_HZ_DEFAULT;
bool     timer_sstc;
bool     timer_silent;

static uint64_t timer_start;
static uint64_t timer_deadline[MAXHARTS];       /* where timer_silent */

/* Writes the comparator; FALSE when that trapped. Interrupts are off. */
static bool
stimecmp_works(void)
{
	uint64_t worked, vector;

	__asm__ volatile(
	    "	lla	%1, 1f\n"
	    "	csrrw	%1, stvec, %1\n"
	    "	li	%0, 0\n"
	    "	csrw	" CSR_STR(CSR_STIMECMP) ", %2\n"
	    "	li	%0, 1\n"
	    "	.balign	4\n"
	    "1:	csrw	stvec, %1\n"
	    : "=&r"(worked), "=&r"(vector) : "r"(~0ul) : "memory");
	return worked != 0;
}

void
timer_init(uint64_t hz, bool isa_sstc)
{
	if (hz != 0)
		timer_hz = hz;
	timer_sstc = isa_sstc && stimecmp_works();
	timer_silent = !timer_sstc && !sbi_has(SBI_CAN_TIME);
	timer_start = timer_now();
}

uint64_t
timer_now(void)
{
	return csr_read(time);
}

uint64_t
timer_us(void)
{
	uint64_t t = timer_now() - timer_start;

	/* Whole seconds apart: t * 10^6 would overflow after days. */
	return t / timer_hz * 1000000 + t % timer_hz * 1000000 / timer_hz;
}

uint64_t
timer_us_to_ticks(uint64_t us)
{
	return us / 1000000 * timer_hz + us % 1000000 * timer_hz / 1000000;
}

void
timer_set(uint64_t deadline)
{
	if (timer_sstc)
		csr_write(CSR_STIMECMP, deadline);
	else if (timer_silent)
		timer_deadline[hart_index()] = deadline;
	else
		sbi_set_timer(deadline);
}

bool
timer_due(void)
{
	return timer_now() >= timer_deadline[hart_index()];
}

void
delay_us(uint64_t us)
{
	uint64_t deadline = timer_now() + timer_us_to_ticks(us);

	while (timer_now() < deadline)
		continue;
}
