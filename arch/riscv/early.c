/*
 * early.c: words before there is anything to say them with.
 *
 * Runs at physical addresses as well as at linked ones: only PC-relative
 * references, no tables of pointers. One hart at a time.
 */
#include <arch/early.h>
#include <arch/csr.h>
#include <arch/sbi.h>

void
early_puts(const char *s)
{
	for (; *s != '\0'; s++) {
		if (*s == '\n')
			sbi_putchar('\r');
		sbi_putchar(*s);
	}
}

void
early_puthex(uint64_t v)
{
	int shift = 60;

	early_puts("0x");
	while (shift > 0 && v >> shift == 0)
		shift -= 4;
	for (; shift >= 0; shift -= 4) {
		unsigned d = (unsigned)(v >> shift) & 15;

		sbi_putchar((char)(d < 10 ? '0' + d : 'a' + d - 10));
	}
}

void
early_stop(const char *why)
{
	early_puts("atlas: stopped: ");
	early_puts(why);
	early_puts("\natlas: exit status 3\n");
	sbi_init();
	sbi_shutdown();
	for (;;)
		wfi();
}

void
early_trap_report(uint64_t scause, uint64_t sepc, uint64_t stval)
{
	early_puts("\natlas: trap during early boot: scause ");
	early_puthex(scause);
	early_puts(" sepc ");
	early_puthex(sepc);
	early_puts(" stval ");
	early_puthex(stval);
	early_puts("\n");
	early_stop("a trap before the kernel could handle one");
}
