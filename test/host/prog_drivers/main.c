/*
 * main.c: the drivers above models of their devices.
 *
 * Emulators do not have the quirks that real UARTs have; the models here do.
 * They also judge: an access of the wrong width, to a register that must be left
 * alone or to no register at all fails the test. Drivers keep their state in
 * static variables, so each test is a process of its own. Reports KTAP.
 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <sys/wait.h>
#include <drivers/delay.h>
#include <drivers/devmap.h>
#include <drivers/driver.h>
#include <drivers/finisher.h>
#include <drivers/mmio.h>
#include <drivers/plic.h>
#include <drivers/reset.h>
#include "../../unit/fdt_blob.h"

#define UART_PA     0x10000000ull
#define SIFIVE_PA   0x10010000ull
#define TEST_PA     0x100000ull
#define PLIC_PA     0xc000000ull
#define PLIC_BYTES  0x4000000ull
#define REGS_PA     0x13000000ull
#define UART_IRQ    32u
#define NDEV        136u

static struct platform plat;

static void __attribute__((format(printf, 1, 2), noreturn))
fail(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	printf("# ");
	vprintf(fmt, ap);
	printf("\n");
	va_end(ap);
	fflush(stdout);
	_exit(1);
}

#define CHECK(c) \
	do { \
		if (!(c)) \
			fail("%s:%d: %s", __FILE__, __LINE__, #c); \
	} while (0)

/* ---- the UART: a DW APB one, or a plain one with byte registers ---- */

static struct {
	unsigned shift, bits;           /* how it is wired */
	char     in[64], out[64];
	unsigned in_at, in_len, out_len;
	bool     full;                  /* transmitter never has room */
	bool     busy, timeout;         /* pending quirks */
	uint8_t  ier, fcr, mcr;
	unsigned lsr_reads, usr_reads;
} uart;

static uint32_t
uart_iir(void)
{
	if (uart.busy)
		return 7;
	if (uart.timeout)
		return 0xc;
	if ((uart.ier & 1) && uart.in_at < uart.in_len)
		return 4;
	return 1;
}

static uint32_t
uart_model_read(unsigned reg)
{
	switch (reg) {
	case 0:
		uart.timeout = false;
		return uart.in_at < uart.in_len ? (uint8_t)uart.in[uart.in_at++] : 0;
	case 1:
		return uart.ier;
	case 2:
		return 0xc0 | uart_iir();
	case 4:
		return uart.mcr;
	case 5:
		uart.lsr_reads++;
		return (uart.full ? 0 : 0x60) | (uart.in_at < uart.in_len ? 1 : 0);
	case 6:
		return 0;
	case 0x1f:
		uart.usr_reads++;
		uart.busy = false;
		return 0;
	default:
		fail("UART register %u is read", reg);
	}
}

static void
uart_model_write(unsigned reg, uint32_t v)
{
	switch (reg) {
	case 0:
		if (uart.full)
			fail("written without room");
		uart.out[uart.out_len++] = (char)v;
		break;
	case 1:
		uart.ier = (uint8_t)v;
		break;
	case 2:
		uart.fcr = (uint8_t)v;
		break;
	case 4:
		uart.mcr = (uint8_t)v;
		break;
	default:
		fail("UART register %u is written", reg);       /* LCR: 3 */
	}
}

static unsigned
uart_register(uint64_t pa, unsigned bits)
{
	uint64_t at = pa - UART_PA;

	if (bits != uart.bits || at % (1u << uart.shift) != 0)
		fail("UART accessed with %u bits at %lx", bits, at);
	return (unsigned)(at >> uart.shift);
}

/* ---- SiFive's UART ---- */

static struct {
	uint32_t txctrl, rxctrl, ie;
	char     in[8], out[8];
	unsigned in_at, in_len, out_len;
} sifive;

static uint32_t
sifive_read(uint64_t at)
{
	switch (at) {
	case 0x00:
		return 0;
	case 0x04:
		return sifive.in_at < sifive.in_len ? (uint8_t)sifive.in[sifive.in_at++] : 1u << 31;
	case 0x08:
		return sifive.txctrl;
	case 0x0c:
		return sifive.rxctrl;
	default:
		fail("SiFive UART read at %lx", at);
	}
}

static void
sifive_write(uint64_t at, uint32_t v)
{
	switch (at) {
	case 0x00:
		sifive.out[sifive.out_len++] = (char)v;
		break;
	case 0x08:
		sifive.txctrl = v;
		break;
	case 0x0c:
		sifive.rxctrl = v;
		break;
	case 0x10:
		sifive.ie = v;
		break;
	default:
		fail("SiFive UART written at %lx", at);
	}
}

/* ---- the PLIC: five contexts, M and S of two harts behind one of a monitor ---- */

#define CONTEXTS 5u

static struct {
	uint32_t priority[NDEV + 1];
	uint32_t enable[CONTEXTS][32];
	uint32_t threshold[CONTEXTS];
	bool     pending[NDEV + 1], claimed[NDEV + 1];
	unsigned completions;
} plic;

static uint32_t
plic_claim(unsigned context)
{
	uint32_t i;

	for (i = 1; i <= NDEV; i++) {
		if (!plic.pending[i] || plic.claimed[i] || plic.priority[i] == 0 ||
		    !(plic.enable[context][i / 32] >> i % 32 & 1))
			continue;
		plic.claimed[i] = true;
		plic.pending[i] = false;
		return i;
	}
	return 0;
}

static void
plic_complete(uint32_t source)
{
	if (source > NDEV || !plic.claimed[source])
		fail("source %u completed, but not claimed", source);
	plic.claimed[source] = false;
	plic.completions++;
}

/* The word at `at`, NULL for claim/complete. M-mode's contexts must be left alone. */
static uint32_t *
plic_word(uint64_t at, unsigned *context)
{
	if (at <= 4 * NDEV && at >= 4)
		return &plic.priority[at / 4];
	if (at >= 0x2000 && at < 0x2000 + CONTEXTS * 0x80) {
		*context = (unsigned)(at - 0x2000) / 0x80;
		if (*context == 2 || *context == 4)
			return &plic.enable[*context][at % 0x80 / 4];
	} else if (at >= 0x200000 && at < 0x200000 + CONTEXTS * 0x1000) {
		*context = (unsigned)(at - 0x200000) / 0x1000;
		if ((*context == 2 || *context == 4) && at % 0x1000 == 0)
			return &plic.threshold[*context];
		if ((*context == 2 || *context == 4) && at % 0x1000 == 4)
			return NULL;
	}
	fail("PLIC accessed at %lx", at);
}

/* ---- the bus ---- */

/* Registers that keep what is stored, and the list of the stores: gpio, watchdog, clocks. */
static uint32_t regs[0x3000 / 4];
static uint32_t log_at[32], log_value[32];
static uint64_t log_us[32];             /* when */
static unsigned log_count;
static uint64_t waited_us;

static uint32_t test_written[4];
static unsigned test_writes;
static bool     no_windows;

uint32_t
model_read(uint64_t pa, unsigned bits)
{
	unsigned context;
	uint32_t *w;

	if (pa >= PLIC_PA && pa < PLIC_PA + PLIC_BYTES) {
		CHECK(bits == 32);
		w = plic_word(pa - PLIC_PA, &context);
		return w != NULL ? *w : plic_claim(context);
	}
	if (pa >= SIFIVE_PA && pa < SIFIVE_PA + 0x1000)
		return sifive_read(pa - SIFIVE_PA);
	if (pa >= UART_PA && pa < UART_PA + 0x1000)
		return uart_model_read(uart_register(pa, bits));
	if (pa >= REGS_PA && pa < REGS_PA + sizeof(regs)) {
		CHECK(bits == 32);
		return regs[(pa - REGS_PA) / 4];
	}
	fail("read at %lx", pa);
}

void
model_write(uint64_t pa, unsigned bits, uint32_t v)
{
	unsigned context;
	uint32_t *w;

	if (pa >= PLIC_PA && pa < PLIC_PA + PLIC_BYTES) {
		CHECK(bits == 32);
		w = plic_word(pa - PLIC_PA, &context);
		if (w != NULL)
			*w = v;
		else
			plic_complete(v);
	} else if (pa >= SIFIVE_PA && pa < SIFIVE_PA + 0x1000) {
		sifive_write(pa - SIFIVE_PA, v);
	} else if (pa >= UART_PA && pa < UART_PA + 0x1000) {
		uart_model_write(uart_register(pa, bits), v);
	} else if (pa >= REGS_PA && pa < REGS_PA + sizeof(regs) && bits == 32) {
		regs[(pa - REGS_PA) / 4] = v;
		CHECK(log_count < nitems(log_at));
		log_at[log_count] = (uint32_t)(pa - REGS_PA);
		log_us[log_count] = waited_us;
		log_value[log_count++] = v;
	} else if (pa == TEST_PA && bits == 32 && test_writes < nitems(test_written)) {
		test_written[test_writes++] = v;
	} else {
		fail("write of %x at %lx", v, pa);
	}
}

void
delay_us(uint64_t us)
{
	waited_us += us;
}

volatile void *
devmap(uint64_t pa, size_t size)
{
	CHECK(size > 0);
	return no_windows ? NULL : (volatile void *)(uintptr_t)pa;
}

static char     typed[64];
static unsigned typed_len;

void
console_input(char c)
{
	CHECK(typed_len < sizeof(typed) - 1);
	typed[typed_len++] = c;
}

/* ---- the machine ---- */

static void
put_cpu(unsigned id, const char *mmu)
{
	blob_node("cpu");
	blob_string("device_type", "cpu");
	blob_cells("reg", 1, id);
	blob_string("riscv,isa", "rv64imac");
	if (mmu != NULL)
		blob_string("mmu-type", mmu);
	blob_node("interrupt-controller");
	blob_bytes("interrupt-controller", NULL, 0);
	blob_cells("#interrupt-cells", 1, 1);
	blob_cells("phandle", 1, 100 + id);
	blob_end();
	blob_end();
}

static void
put_board(void)
{
	blob_start();
	blob_node("");
	blob_cells("#address-cells", 1, 2);
	blob_cells("#size-cells", 1, 2);
	blob_cells("interrupt-parent", 1, 9);
	blob_node("memory");
	blob_string("device_type", "memory");
	blob_reg64(0x40000000, 0x8000000);
	blob_end();
	blob_node("cpus");
	blob_cells("#address-cells", 1, 1);
	blob_cells("#size-cells", 1, 0);
	blob_cells("timebase-frequency", 1, 4000000);
	put_cpu(0, NULL);
	put_cpu(1, "riscv,sv39");
	put_cpu(2, "riscv,sv39");
	blob_end();
	blob_node("plic");
	blob_string("compatible", "riscv,plic0");
	blob_reg64(PLIC_PA, PLIC_BYTES);
	blob_cells("phandle", 1, 9);
	blob_cells("#interrupt-cells", 1, 1);
	blob_cells("riscv,ndev", 1, NDEV);
	blob_cells("interrupts-extended", 10, 100, 11, 101, 11, 101, 9, 102, 11, 102, 9);
	blob_end();
}

static void
put_uart(const char *name, const char *compatible, uint64_t pa, unsigned irq, unsigned shift,
    unsigned width)
{
	blob_node(name);
	blob_string("compatible", compatible);
	blob_reg64(pa, 0x1000);
	blob_cells("interrupts", 1, irq);
	blob_cells("reg-shift", 1, shift);
	blob_cells("reg-io-width", 1, width);
	blob_end();
}

/* Decodes, and attaches as the kernel does. */
static struct console_device *
start(void)
{
	size_t size;
	uint8_t *blob;

	blob_end();
	blob = blob_finish(&size);
	if (!platform_decode(&plat, blob, size, 1))
		fail("%s", plat.error);
	plic_init(&plat);
	drivers_attach(&plat);
	return drivers_console();
}

static struct console_device *
start_dw(void)
{
	struct console_device *d;

	uart.shift = 2;
	uart.bits = 32;
	put_board();
	put_uart("serial", "snps,dw-apb-uart", UART_PA, UART_IRQ, 2, 4);
	d = start();
	CHECK(d != NULL && d->irq == UART_IRQ && d->irq_enable != NULL);
	return d;
}

static void
type(const char *s)
{
	uart.in_len = uart.in_at;
	while (*s != '\0')
		uart.in[uart.in_len++] = *s++;
}

static void
raise_uart(void)
{
	plic.pending[UART_IRQ] = true;
	CHECK(plic_interrupt(0) == 1);
	CHECK(plic.completions == 1);
}

/* ---- tests ---- */

static void
dw_uart_polled(void)
{
	struct console_device *d = start_dw();

	d->putc(d, 'h');
	d->putc(d, 'i');
	CHECK(uart.out_len == 2 && memcmp(uart.out, "hi", 2) == 0);
	CHECK(d->getc(d) == -1);
	type("x\xff");
	CHECK(d->getc(d) == 'x' && d->getc(d) == 0xff && d->getc(d) == -1);
	CHECK(uart.ier == 0);
}

static void
dw_uart_interrupts(void)
{
	struct console_device *d = start_dw();

	d->irq_enable(d);
	plic_hart_online(0);
	CHECK(d->irq == UART_IRQ && uart.ier == 1 && uart.fcr == 1);
	CHECK(plic.priority[UART_IRQ] == 1 && plic.enable[2][1] == 1 && plic.enable[4][1] == 0);
	type("abc");
	raise_uart();
	CHECK(strcmp(typed, "abc") == 0 && uart.usr_reads == 0);
	CHECK(plic_interrupt(0) == 0 && plic_interrupt(1) == 0);
}

static void
dw_uart_busy_interrupt(void)
{
	struct console_device *d = start_dw();

	d->irq_enable(d);
	uart.busy = true;
	type("k");
	raise_uart();
	CHECK(!uart.busy && uart.usr_reads == 1 && strcmp(typed, "k") == 0);
}

static void
dw_uart_timeout_without_data(void)
{
	struct console_device *d = start_dw();

	d->irq_enable(d);
	uart.timeout = true;
	raise_uart();
	CHECK(!uart.timeout && typed_len == 0);
	uart.timeout = true;
	type("z");
	plic.pending[UART_IRQ] = true;
	CHECK(plic_interrupt(0) == 1 && strcmp(typed, "z") == 0);
}

static void
stuck_transmitter(void)
{
	struct console_device *d = start_dw();
	unsigned before;

	uart.full = true;
	d->putc(d, 'a');
	before = uart.lsr_reads;
	CHECK(before > 1000);
	d->putc(d, 'b');
	CHECK(uart.lsr_reads == before + 1);
	uart.full = false;
	d->putc(d, 'c');
	CHECK(uart.out_len == 1 && uart.out[0] == 'c');
}

/* A plain 16550: bytes side by side; interrupt 7 is none of its, and it has no USR. */
static void
byte_wide_uart(void)
{
	struct console_device *d;

	uart.bits = 8;
	put_board();
	put_uart("serial", "ns16550a", UART_PA, 10, 0, 1);
	d = start();
	CHECK(d != NULL && d->irq == 10);
	d->putc(d, '!');
	CHECK(uart.out_len == 1);
	d->irq_enable(d);
	uart.busy = true;
	plic.pending[10] = true;
	CHECK(plic_interrupt(0) == 1 && uart.usr_reads == 0);
}

static void
senseless_uarts(void)
{
	put_board();
	put_uart("a", "ns16550a", UART_PA + 2, 10, 2, 4);
	put_uart("b", "ns16550a", UART_PA, 10, 1, 4);
	put_uart("c", "ns16550a", UART_PA, 10, 40, 1);
	put_uart("d", "ns16550a", UART_PA, 10, 2, 3);
	CHECK(start() == NULL);
	CHECK(strstr(plat.log, "d: ns16550 cannot drive it") != NULL);
}

static void
stdout_path_chooses(void)
{
	struct console_device *d;

	uart.shift = 2;
	uart.bits = 32;
	put_board();
	put_uart("serial@1", "ns16550", UART_PA, 10, 2, 4);
	blob_node("serial@2");
	blob_string("compatible", "sifive,uart0");
	blob_reg64(SIFIVE_PA, 0x1000);
	blob_cells("interrupts", 1, 39);
	blob_end();
	blob_node("chosen");
	blob_string("stdout-path", "/serial@2:115200n8");
	blob_end();
	d = start();
	CHECK(d != NULL && strcmp(d->name, "sifive-uart") == 0 && d->irq == 39);
	d->putc(d, 's');
	CHECK(sifive.out_len == 1 && sifive.out[0] == 's');
	sifive.rxctrl = 5u << 16;
	d->irq_enable(d);
	CHECK(sifive.rxctrl == 1 && sifive.txctrl == 1 && sifive.ie == 2);
	memcpy(sifive.in, "in", 2);
	sifive.in_len = 2;
	plic.pending[39] = true;
	CHECK(plic_interrupt(0) == 1 && strcmp(typed, "in") == 0);
}

static void
disabled_nodes_are_left_alone(void)
{
	put_board();
	blob_node("bus");
	blob_cells("#address-cells", 1, 2);
	blob_cells("#size-cells", 1, 2);
	blob_bytes("ranges", NULL, 0);
	blob_string("status", "disabled");
	put_uart("serial", "ns16550a", UART_PA, 10, 0, 1);
	blob_end();
	CHECK(start() == NULL);
}

static unsigned handled;

static void
count(void *arg)
{
	handled += *(unsigned *)arg;
}

static void
plic_silences_and_routes(void)
{
	unsigned i, k, three = 3;

	for (i = 1; i <= NDEV; i++)
		plic.priority[i] = 7;
	for (k = 0; k < CONTEXTS; k++)
		memset(plic.enable[k], 0xff, sizeof(plic.enable[k]));
	plic.threshold[2] = plic.threshold[4] = 7;
	put_board();
	CHECK(start() == NULL);
	for (i = 1; i <= NDEV; i++)
		CHECK(plic.priority[i] == 0);
	for (i = 0; i <= NDEV / 32; i++)
		CHECK(plic.enable[2][i] == 0 && plic.enable[4][i] == 0 &&
		    plic.enable[1][i] == ~0u);
	plic_hart_online(1);
	CHECK(plic.threshold[2] == 7 && plic.threshold[4] == 0);

	CHECK(plic_register(0, NDEV, count, &three));
	CHECK(!plic_register(0, NDEV, count, &three));
	CHECK(!plic_register(0, NDEV + 1, count, &three) && !plic_register(0, 0, count, &three));
	CHECK(!plic_register(1, 1, count, &three));
	CHECK(plic_enable(0, NDEV, 1) && !plic_enable(0, NDEV, 2) && !plic_enable(0, NDEV, MAXHARTS));
	CHECK(plic.enable[4][NDEV / 32] == 1u << NDEV % 32);
	plic.pending[NDEV] = true;
	CHECK(plic_interrupt(0) == 0 && plic_interrupt(1) == 1 && handled == 3);
	plic_disable(0, NDEV, 1);
	plic.pending[NDEV] = true;
	CHECK(plic_interrupt(1) == 0);
}

static void
stray_interrupt_is_switched_off(void)
{
	put_board();
	CHECK(start() == NULL);
	plic.priority[5] = 1;
	plic.pending[5] = true;
	CHECK(plic_enable(0, 5, 0));
	CHECK(plic_interrupt(0) == 1 && plic.completions == 1);
	CHECK(plic.priority[5] == 0);
}

static void
put_finisher(const char *compatible, size_t len)
{
	put_board();
	blob_node("test");
	blob_bytes("compatible", compatible, len);
	blob_reg64(TEST_PA, 0x1000);
	blob_cells("phandle", 1, 77);
	blob_end();
}

/* Runs all ways, as the kernel does when none works; how many there are. */
static unsigned
run_ways(enum reset_what what)
{
	unsigned i;

	for (i = 0; reset_way(what, i) != NULL; i++)
		reset_way(what, i)->run(reset_way(what, i)->arg);
	return i;
}

static void
finisher_carries_the_status(void)
{
	static const char both[] = "sifive,test1\0sifive,test0";

	put_finisher(both, sizeof(both));
	(void)start();
	CHECK(finisher_present());
	finisher_exit(0);
	finisher_exit(3);
	CHECK(run_ways(RESET_RESTART) == 1 && run_ways(RESET_OFF) == 0);
	CHECK(test_writes == 3 && test_written[0] == 0x5555 && test_written[1] == 0x33333 &&
	    test_written[2] == 0x7777);
}

static void
old_finisher_cannot_reboot(void)
{
	put_finisher("sifive,test0", 13);
	(void)start();
	CHECK(finisher_present() && run_ways(RESET_RESTART) == 0 && test_writes == 0);
}

static void
syscon_powers_off(void)
{
	put_finisher("syscon", 7);
	blob_node("poweroff");
	blob_string("compatible", "syscon-poweroff");
	blob_cells("regmap", 1, 77);
	blob_cells("offset", 1, 0);
	blob_cells("value", 1, 0x5555);
	blob_end();
	(void)start();
	CHECK(!finisher_present());
	finisher_exit(3);
	CHECK(test_writes == 0 && run_ways(RESET_RESTART) == 0);
	CHECK(run_ways(RESET_OFF) == 1 && waited_us <= 5000000);
	CHECK(test_writes == 1 && test_written[0] == 0x5555);
}

/* A device of some registers; open, so that more can be said of it. */
static void
put_regs(const char *compatible, uint64_t at, uint64_t size, unsigned phandle)
{
	blob_node("regs");
	blob_string("compatible", compatible);
	blob_reg64(REGS_PA + at, size);
	blob_cells("phandle", 1, phandle);
}

static void
put_gpio(const char *compatible, unsigned controller, unsigned pin, unsigned flags)
{
	blob_node(compatible);
	blob_string("compatible", compatible);
	blob_cells("gpios", 3, controller, pin, flags);
	blob_end();
}

/* Bits of a pin: high, low, high, with time between; each store keeps the others'. */
static void
sifive_pin_restarts(void)
{
	put_board();
	put_regs("sifive,gpio0", 0, 0x1000, 80);
	blob_cells("#gpio-cells", 1, 2);
	blob_end();
	put_gpio("gpio-restart", 80, 10, 0);
	(void)start();
	CHECK(log_count == 0);
	regs[2] = 0xf0;
	regs[3] = 0x0f;
	CHECK(run_ways(RESET_OFF) == 0 && log_count == 0);
	CHECK(run_ways(RESET_RESTART) == 1 && log_count == 6);
	CHECK(log_at[0] == 0x0c && log_value[0] == 0x40f);
	CHECK(log_at[1] == 0x08 && log_value[1] == 0x4f0);
	CHECK(log_at[2] == 0x0c && log_value[2] == 0x00f && log_us[2] == 100000);
	CHECK(log_at[4] == 0x0c && log_value[4] == 0x40f && log_us[4] == 200000);
	CHECK(waited_us == 3200000);
}

/* The board's: pin 35 is byte 3 of word 8; active low here, with delays of its own. */
static void
starfive_pin_powers_off(void)
{
	put_board();
	put_regs("starfive,jh7110-sys-pinctrl", 0, 0x10000, 80);
	blob_cells("#gpio-cells", 1, 2);
	blob_end();
	blob_node("off");
	blob_string("compatible", "gpio-poweroff");
	blob_cells("gpios", 3, 80, 35, 1);
	blob_cells("active-delay-ms", 1, 7);
	blob_cells("timeout-ms", 1, ~0u);
	blob_end();
	(void)start();
	regs[0x20 / 4] = 0x01223344;
	regs[0x60 / 4] = 0x05667788;
	CHECK(run_ways(RESET_OFF) == 1 && log_count == 6);
	CHECK(log_at[0] == 0x60 && log_value[0] == 0x00667788);
	CHECK(log_at[1] == 0x20 && log_value[1] == 0x00223344);
	CHECK(log_at[2] == 0x60 && log_value[2] == 0x01667788 && log_us[2] == 7000);
	CHECK(log_at[4] == 0x60 && log_value[4] == 0x00667788);
	CHECK(waited_us == 7000 + 100000 + 10000000);
}

static void
watchdog_restarts(void)
{
	put_board();
	put_regs("starfive,jh7110-syscrg", 0x1000, 0x1000, 90);
	blob_end();
	put_regs("starfive,jh7110-wdt", 0, 0x1000, 91);
	blob_cells("clocks", 4, 90, 122, 90, 123);
	blob_cells("resets", 4, 90, 109, 90, 110);
	blob_end();
	(void)start();
	CHECK(log_count == 0);
	regs[(0x1000 + 0x2f8 + 12) / 4] = ~0u;
	CHECK(run_ways(RESET_OFF) == 0 && run_ways(RESET_RESTART) == 1 && log_count == 8);
	CHECK(log_at[0] == 0x1000 + 4 * 122 && log_value[0] >> 31 == 1);
	CHECK(log_at[1] == 0x1000 + 4 * 123 && log_value[1] >> 31 == 1);
	CHECK(log_at[3] == 0x1000 + 0x2f8 + 12 && log_value[3] == (uint32_t)~(3u << 13));
	CHECK(log_at[4] == 0xc00 && log_value[4] == 0x1acce551);
	CHECK(log_at[6] == 0 && log_value[6] != 0);
	CHECK(log_at[7] == 8 && log_value[7] == 3);
	CHECK(waited_us <= 5000000);
}

static void
ways_are_tried_in_order(void)
{
	put_board();
	put_regs("starfive,jh7110-syscrg", 0x1000, 0x1000, 90);
	blob_end();
	put_regs("starfive,jh7110-wdt", 0, 0x1000, 91);
	blob_cells("clocks", 2, 90, 122);
	blob_cells("resets", 2, 90, 109);
	blob_end();
	put_regs("sifive,gpio0", 0x2000, 0x1000, 80);
	blob_cells("#gpio-cells", 1, 2);
	blob_end();
	put_gpio("gpio-restart", 80, 1, 0);
	put_gpio("gpio-restart", 80, 2, 0);
	blob_node("reboot");
	blob_string("compatible", "syscon-reboot");
	blob_cells("regmap", 1, 91);
	blob_cells("offset", 1, 4);
	blob_cells("value", 1, 1);
	blob_end();
	(void)start();
	CHECK(strcmp(reset_way(RESET_RESTART, 0)->name, "syscon-reboot") == 0);
	CHECK(strcmp(reset_way(RESET_RESTART, 1)->name, "gpio-restart") == 0);
	CHECK(strcmp(reset_way(RESET_RESTART, 2)->name, "the watchdog") == 0);
	CHECK(reset_way(RESET_RESTART, 3) == NULL);
	CHECK(strstr(plat.log, "gpio-restart cannot drive it") != NULL);
}

/* Nodes that make no sense: each costs a line, and nothing is ever accessed. */
static void
hostile_ways(void)
{
	unsigned n = 0;
	const char *at;

	put_board();
	put_regs("sifive,gpio0", 0, 8, 80);             /* too short */
	blob_cells("#gpio-cells", 1, 2);
	blob_end();
	put_regs("sifive,gpio0", 0, 0x1000, 81);        /* no cells */
	blob_end();
	put_regs("sifive,gpio0", 0, 0x1000, 82);
	blob_cells("#gpio-cells", 1, 2);
	blob_end();
	put_regs("other,gpio", 0, 0x1000, 83);
	blob_cells("#gpio-cells", 1, 2);
	blob_end();
	put_gpio("gpio-restart", 80, 1, 0);
	put_gpio("gpio-restart", 81, 1, 0);
	put_gpio("gpio-restart", 82, 32, 0);            /* no such pin */
	put_gpio("gpio-restart", 83, 1, 0);
	put_gpio("gpio-restart", 99, 1, 0);             /* nobody */
	blob_node("loop");
	blob_string("compatible", "gpio-poweroff");
	blob_cells("phandle", 1, 84);
	blob_cells("gpios", 3, 84, 0, 0);               /* itself */
	blob_end();
	blob_node("bare");
	blob_string("compatible", "gpio-poweroff");
	blob_end();
	blob_node("off");
	blob_string("compatible", "syscon-poweroff");
	blob_cells("phandle", 1, 85);
	blob_cells("regmap", 1, 85);                    /* itself: no reg */
	blob_cells("offset", 1, 0);
	blob_cells("value", 1, 1);
	blob_end();
	blob_node("reboot");
	blob_string("compatible", "syscon-reboot");
	blob_cells("regmap", 1, 82);
	blob_cells("offset", 1, 0xffc);                 /* the last word is the last that counts */
	blob_cells("mask", 1, 0);
	blob_end();
	blob_node("reboot2");
	blob_string("compatible", "syscon-reboot");
	blob_cells("regmap", 1, 82);
	blob_cells("offset", 1, 0x1000);
	blob_cells("value", 1, 1);
	blob_end();
	put_regs("starfive,jh7110-wdt", 0, 0x1000, 91);
	blob_cells("clocks", 2, 91, 1);                 /* itself is no generator */
	blob_cells("resets", 2, 91, 1);
	blob_end();
	(void)start();
	for (at = plat.log; (at = strstr(at, "cannot drive it")) != NULL; at++)
		n++;
	CHECK(n == 10 && log_count == 0);
	CHECK(reset_way(RESET_OFF, 0) == NULL);
	CHECK(strcmp(reset_way(RESET_RESTART, 0)->name, "syscon-reboot") == 0);
	CHECK(reset_way(RESET_RESTART, 1) == NULL);
}

static void
no_room_for_windows(void)
{
	no_windows = true;
	uart.bits = 8;
	put_finisher("sifive,test1", 13);
	put_uart("serial", "ns16550a", UART_PA, 10, 0, 1);
	CHECK(start() == NULL && !finisher_present());
	CHECK(!plic_register(0, 10, count, NULL) && !plic_enable(0, 10, 0));
	CHECK(plic_interrupt(0) == 0);
	finisher_exit(0);
	CHECK(strstr(plat.log, "no room to map the PLIC") != NULL);
}

#define T(f) { #f, f }
static const struct {
	const char *name;
	void      (*run)(void);
} tests[] = {
	T(dw_uart_polled), T(dw_uart_interrupts), T(dw_uart_busy_interrupt),
	T(dw_uart_timeout_without_data), T(stuck_transmitter), T(byte_wide_uart),
	T(senseless_uarts), T(stdout_path_chooses), T(disabled_nodes_are_left_alone),
	T(plic_silences_and_routes), T(stray_interrupt_is_switched_off),
	T(finisher_carries_the_status), T(old_finisher_cannot_reboot), T(syscon_powers_off),
	T(sifive_pin_restarts), T(starfive_pin_powers_off), T(watchdog_restarts),
	T(ways_are_tried_in_order), T(hostile_ways),
	T(no_room_for_windows),
};

int
main(void)
{
	size_t i;
	int status, failures = 0;
	pid_t child;

	printf("KTAP version 1\n1..%zu\n", nitems(tests));
	for (i = 0; i < nitems(tests); i++) {
		fflush(stdout);
		child = fork();
		if (child == 0) {
			alarm(60);
			tests[i].run();
			_exit(0);
		}
		if (child < 0 || waitpid(child, &status, 0) != child)
			status = 1;
		failures += status != 0;
		printf("%sok %zu drivers.%s\n", status == 0 ? "" : "not ", i + 1, tests[i].name);
	}
	return failures != 0;
}
