/*
 * platform.c: tests of what is made of a device tree.
 *
 * Trees by hand, each with the trap of some real machine in it. Whole trees of
 * QEMU and of the boards are read in test/host/prog_fdt.
 */
#include <string.h>
#include <base/test.h>
#include <drivers/platform.h>
#include "fdt_blob.h"

static struct platform p;
static struct phys_range runs[PLATFORM_RUNS];

#define MB (1024ull * 1024)

static void
start(void)
{
	blob_start();
	blob_node("");
	blob_cells("#address-cells", 1, 2);
	blob_cells("#size-cells", 1, 2);
}

static void
memory(const char *name, uint64_t base, uint64_t size)
{
	blob_node(name);
	blob_string("device_type", "memory");
	blob_reg64(base, size);
	blob_end();
}

static void
cpus(void)
{
	blob_node("cpus");
	blob_cells("#address-cells", 1, 1);
	blob_cells("#size-cells", 1, 0);
	blob_cells("timebase-frequency", 1, 4000000);
}

/* A cpu node left open; its interrupt controller has the phandle 100 + id. */
static void
cpu_open(unsigned id, const char *isa, const char *mmu)
{
	blob_node("cpu");
	blob_string("device_type", "cpu");
	blob_cells("reg", 1, id);
	if (isa != NULL)
		blob_string("riscv,isa", isa);
	if (mmu != NULL)
		blob_string("mmu-type", mmu);
}

static void
cpu_close(unsigned id)
{
	blob_node("interrupt-controller");
	blob_cells("#interrupt-cells", 1, 1);
	blob_bytes("interrupt-controller", NULL, 0);
	blob_cells("phandle", 1, 100 + id);
	blob_end();
	blob_end();
}

static void
cpu(unsigned id, const char *isa, const char *mmu)
{
	cpu_open(id, isa, mmu);
	cpu_close(id);
}

static void
one_cpu(void)
{
	cpus();
	cpu(1, "rv64imafdc", "riscv,sv39");
	blob_end();
}

static bool
decode(uint64_t boot)
{
	size_t size;
	uint8_t *blob;

	blob_end();
	blob = blob_finish(&size);
	return platform_decode(&p, blob, size, boot);
}

static bool
logged(const char *words)
{
	return strstr(p.log, words) != NULL;
}

/* ---- memory ---- */

TEST(platform, sorts_banks_and_drops_empty_ones)
{
	start();
	memory("memory@1040000000", 0x1040000000, 1024 * MB);
	memory("memory@0", 0, 0);
	memory("memory@80000000", 0x40000000, 512 * MB);        /* the name lies */
	blob_node("memory-controller@15700000");
	blob_reg64(0x15700000, 0x10000);
	blob_end();
	one_cpu();
	ASSERT_TRUE(decode(1));
	ASSERT_EQ(p.bank_count, 2);
	ASSERT_EQ(p.bank[0].base, 0x40000000);
	ASSERT_EQ(p.bank[0].size, 512 * MB);
	ASSERT_EQ(p.bank[1].base, 0x1040000000);
	ASSERT_TRUE(logged("size 0"));
}

TEST(platform, unites_overlapping_banks_and_clips_them)
{
	start();
	memory("memory@1", 0x80000000, 16 * MB);
	memory("memory@2", 0x82000000, 16 * MB);
	memory("memory@3", 0x80800000, 32 * MB);
	memory("memory@4", PLATFORM_PA_END - MB, 16 * MB);
	memory("memory@5", UINT64_MAX - 10, 100);
	memory("memory@6", PLATFORM_PA_END, MB);
	one_cpu();
	ASSERT_TRUE(decode(1));
	ASSERT_EQ(p.bank_count, 2);
	ASSERT_EQ(p.bank[0].base, 0x80000000);
	ASSERT_EQ(p.bank[0].size, 48 * MB);
	ASSERT_EQ(p.bank[1].size, MB);
	ASSERT_TRUE(logged("overlap"));
	ASSERT_TRUE(logged("wraps"));
}

TEST(platform, keeps_sixteen_banks)
{
	unsigned i;

	start();
	for (i = 0; i < PLATFORM_BANKS + 1; i++)
		memory("memory", 0x80000000 + i * 4 * MB, 2 * MB);
	one_cpu();
	ASSERT_TRUE(decode(1));
	ASSERT_EQ(p.bank_count, PLATFORM_BANKS);
	ASSERT_TRUE(logged("more than 16 banks"));
}

TEST(platform, needs_memory_and_a_timebase)
{
	start();
	one_cpu();
	ASSERT_FALSE(decode(1));
	ASSERT_TRUE(strstr(p.error, "memory") != NULL);
	start();
	memory("memory", 0x80000000, MB);
	ASSERT_FALSE(decode(1));
	ASSERT_TRUE(strstr(p.error, "timebase") != NULL);
	ASSERT_FALSE(platform_decode(&p, "no tree at all, just some text, forty bytes", 43, 0));
	ASSERT_TRUE(strstr(p.error, "magic") != NULL);
}

/* The vendor kernel's /reserved-memory: a pool without reg, four ranges in one, odd sizes. */
static void
vendor_reserved(void)
{
	blob_node("reserved-memory");
	blob_cells("#address-cells", 1, 2);
	blob_cells("#size-cells", 1, 2);
	blob_bytes("ranges", NULL, 0);
	blob_node("linux,cma");
	blob_cells("size", 2, 0, 0x20000000);
	blob_end();
	blob_node("e24@c0000000");
	blob_reg64(0xc0110000, 0xf0000);
	blob_end();
	blob_node("xrpbuffer@f0000000");
	blob_cells("reg", 8, 0, 0xf0000000, 0, 0x01ffffff, 0, 0xf2000000, 0, 0x1000);
	blob_end();
	blob_node("mmode_resv0@40000000");
	blob_reg64(0x40000000, 0x80000);
	blob_bytes("no-map", NULL, 0);
	blob_end();
	blob_node("off@41000000");
	blob_reg64(0x41000000, 0x1000);
	blob_string("status", "disabled");
	blob_end();
	blob_end();
}

TEST(platform, finds_reserved_ranges)
{
	start();
	blob_reserve(0x46000000, 0x9000);
	memory("memory", 0x40000000, 4096 * MB);
	vendor_reserved();
	one_cpu();
	ASSERT_TRUE(decode(1));
	ASSERT_EQ(p.reserved_count, 5);
	ASSERT_EQ(p.reserved[0].range.base, 0x46000000);
	ASSERT_EQ(p.reserved[1].range.base, 0xc0110000);
	ASSERT_FALSE(p.reserved[1].no_map);
	ASSERT_EQ(p.reserved[3].range.base, 0xf2000000);
	ASSERT_TRUE(p.reserved[4].no_map);
}

TEST(platform, refuses_more_reserved_ranges_than_it_can_keep)
{
	unsigned i;

	start();
	memory("memory", 0x80000000, 512 * MB);
	one_cpu();
	blob_node("reserved-memory");
	blob_cells("#address-cells", 1, 2);
	blob_cells("#size-cells", 1, 2);
	for (i = 0; i <= PLATFORM_RESERVED; i++) {
		blob_node("r");
		blob_reg64(0x81000000 + i * MB, 0x1000);
		blob_end();
	}
	blob_end();
	ASSERT_FALSE(decode(1));
	ASSERT_TRUE(strstr(p.error, "reserves more") != NULL);
}

TEST(platform, usable_is_what_remains)
{
	struct phys_range kernel = { 0x40200000, 0x100800 }, dtb = { 0x46000010, 0x9000 };
	unsigned n;

	start();
	memory("memory@40000000", 0x40000000, 1024 * MB);
	memory("memory@80000000", 0x80000000, 1024 * MB);       /* goes on without a gap */
	memory("memory@200000000", 0x200000000, 64 * MB);
	vendor_reserved();
	one_cpu();
	ASSERT_TRUE(decode(1));
	n = platform_usable(&p, kernel, dtb, 1ull << 37, runs, PLATFORM_RUNS);
	ASSERT_EQ(n, 3);
	ASSERT_EQ(runs[0].base, 0x40301000);
	ASSERT_EQ(runs[0].base + runs[0].size, 0x46000000);
	ASSERT_EQ(runs[1].base, 0x4600a000);
	ASSERT_EQ(runs[1].base + runs[1].size, 0xc0000000);
	ASSERT_EQ(runs[2].base, 0x200000000);
	ASSERT_EQ(runs[2].size, 64 * MB);
}

TEST(platform, usable_respects_limit_and_room)
{
	struct phys_range kernel = { 0x80200000, 0x100000 }, dtb = { 0x82000000, 0x1000 };
	unsigned n;

	start();
	memory("memory", 0x80000000, 128 * MB);
	memory("memory", 0x4000000000, 128 * MB);
	one_cpu();
	ASSERT_TRUE(decode(1));
	n = platform_usable(&p, kernel, dtb, 0x2000000000, runs, PLATFORM_RUNS);
	ASSERT_EQ(n, 2);
	ASSERT_TRUE(logged("out of reach"));
	n = platform_usable(&p, kernel, dtb, 0x2000000000, runs, 1);
	ASSERT_EQ(n, 1);
	ASSERT_EQ(runs[0].base, 0x82001000);
	ASSERT_TRUE(logged("too many pieces"));
	kernel.base = 0x90000000;
	ASSERT_EQ(platform_usable(&p, kernel, dtb, 0x2000000000, runs, PLATFORM_RUNS), 0);
	ASSERT_TRUE(strstr(p.error, "kernel is not in") != NULL);
}

TEST(platform, usable_survives_every_bank_and_range_in_use)
{
	struct phys_range kernel = { 0x80200000, 0x100000 }, dtb = { 0x80400800, 0x1000 };
	unsigned i, n;

	start();
	for (i = 0; i < PLATFORM_BANKS; i++)
		memory("memory", 0x80000000 + i * 16 * MB, 8 * MB);
	blob_node("reserved-memory");
	blob_cells("#address-cells", 1, 2);
	blob_cells("#size-cells", 1, 2);
	for (i = 0; i < PLATFORM_RESERVED; i++) {
		blob_node("r");
		blob_reg64(0x81100800 + (i / 4) * 16 * MB + (i % 4) * MB, 0x1000);
		blob_end();
	}
	blob_end();
	one_cpu();
	ASSERT_TRUE(decode(1));
	n = platform_usable(&p, kernel, dtb, 1ull << 37, runs, PLATFORM_RUNS);
	ASSERT_EQ(n, 2 + 15 * 5);
	for (i = 1; i < n; i++)
		ASSERT_TRUE(runs[i - 1].base + runs[i - 1].size < runs[i].base);
}

/* ---- /chosen ---- */

static void
chosen_initrd(uint32_t from, uint32_t to)
{
	blob_node("chosen");
	blob_cells("linux,initrd-start", 1, from);
	blob_cells("linux,initrd-end", 2, 0, to);
	blob_end();
}

TEST(platform, takes_an_initrd_and_keeps_its_memory)
{
	struct phys_range kernel = { 0x80200000, 0x100000 }, dtb = { 0x82000000, 0x1000 };

	start();
	memory("memory", 0x80000000, 128 * MB);
	one_cpu();
	chosen_initrd(0x84000000, 0x84000801);
	ASSERT_TRUE(decode(1));
	ASSERT_EQ(p.initrd.base, 0x84000000);
	ASSERT_EQ(p.initrd.size, 0x801);
	ASSERT_EQ(platform_usable(&p, kernel, dtb, 1ull << 37, runs, PLATFORM_RUNS), 3);
	ASSERT_EQ(runs[2].base, 0x84001000);
	dtb.base = 0x84000000;
	ASSERT_EQ(platform_usable(&p, kernel, dtb, 1ull << 37, runs, PLATFORM_RUNS), 2);
	ASSERT_EQ(p.initrd.size, 0);
	ASSERT_TRUE(logged("overlaps the kernel"));
}

static void
check_initrd_ignored(uint32_t from, uint32_t to, const char *why)
{
	start();
	memory("memory", 0x40000000, 128 * MB);
	vendor_reserved();
	one_cpu();
	chosen_initrd(from, to);
	ASSERT_TRUE(decode(1));
	ASSERT_EQ(p.initrd.size, 0);
	ASSERT_TRUE(logged(why));
}

/* The pages at its ends are mapped to read it. */
TEST(platform, ignores_an_initrd_that_shares_a_page_with_firmware)
{
	unsigned unaligned;

	for (unaligned = 0; unaligned <= 0x800; unaligned += 0x800) {
		start();
		memory("memory", 0x80000000, 128 * MB);
		blob_node("reserved-memory");
		blob_cells("#address-cells", 1, 2);
		blob_cells("#size-cells", 1, 2);
		blob_node("firmware@80000000");
		blob_reg64(0x80000000, 0x80000 + unaligned);
		blob_bytes("no-map", NULL, 0);
		blob_end();
		blob_end();
		one_cpu();
		chosen_initrd(0x80080000 + unaligned, 0x80090000);
		ASSERT_TRUE(decode(1));
		ASSERT_EQ(p.initrd.size, unaligned == 0 ? 0x10000 : 0);
	}
}

TEST(platform, ignores_an_initrd_that_cannot_be)
{
	check_initrd_ignored(0x46100000, 0x4c000000, "not in memory");  /* the vendor's, stale */
	check_initrd_ignored(0x44000000, 0x43000000, "ends before");
	check_initrd_ignored(0x44000000, 0x44000000, "ends before");
	check_initrd_ignored(0x1000, 0x2000, "not in memory");
	check_initrd_ignored(0x4007f000, 0x40090000, "firmware");
}

TEST(platform, reads_bootargs_and_model)
{
	static char longest[PLATFORM_BOOTARGS + 10];

	start();
	blob_string("model", "A\nboard");
	memory("memory", 0x80000000, MB);
	one_cpu();
	blob_node("chosen");
	blob_string("bootargs", "mode=sv39 console=ttyS0");
	blob_end();
	ASSERT_TRUE(decode(1));
	ASSERT_EQ(strcmp(p.bootargs, "mode=sv39 console=ttyS0"), 0);
	ASSERT_EQ(strcmp(p.model, "A?board"), 0);

	memset(longest, 'x', sizeof(longest) - 1);
	start();
	memory("memory", 0x80000000, MB);
	one_cpu();
	blob_node("chosen");
	blob_string("bootargs", longest);
	blob_end();
	ASSERT_TRUE(decode(1));
	ASSERT_EQ(strlen(p.bootargs), PLATFORM_BOOTARGS - 1);
	ASSERT_TRUE(logged("bootargs cut"));

	start();
	memory("memory", 0x80000000, MB);
	one_cpu();
	blob_node("chosen");
	blob_bytes("bootargs", "abc", 3);
	blob_end();
	ASSERT_TRUE(decode(1));
	ASSERT_EQ(p.bootargs[0], '\0');
	ASSERT_TRUE(logged("bootargs ignored"));
}

static void
check_stdout(const char *path, const char *node, const char *options)
{
	char buf[64];

	start();
	memory("memory", 0x80000000, MB);
	one_cpu();
	blob_node("aliases");
	blob_string("serial0", "/soc/serial@10000000");
	blob_end();
	blob_node("soc");
	blob_node("serial@10000000");
	blob_end();
	blob_node("serial@20000000");
	blob_end();
	blob_end();
	blob_node("chosen");
	if (path != NULL)
		blob_string("stdout-path", path);
	blob_end();
	ASSERT_TRUE(decode(1));
	ASSERT_TRUE(fdt_node_path(&p.fdt, p.stdout_node, buf, sizeof(buf)));
	ASSERT_EQ(strcmp(buf, node), 0);
	ASSERT_EQ(strcmp(p.stdout_options, options), 0);
}

TEST(platform, resolves_stdout_path)
{
	check_stdout("serial0:115200n8", "/soc/serial@10000000", "115200n8");
	check_stdout("/soc/serial@20000000:115200", "/soc/serial@20000000", "115200");
	check_stdout("/soc/serial@20000000", "/soc/serial@20000000", "");
	check_stdout("/nowhere", "/soc/serial@10000000", "");
	check_stdout(NULL, "/soc/serial@10000000", "");
}

/* ---- harts ---- */

static const char *
why_excluded(uint64_t hartid)
{
	unsigned i;

	for (i = 0; i < p.excluded_count; i++)
		if (p.excluded[i].hartid == hartid)
			return p.excluded[i].why;
	return "";
}

TEST(platform, knows_isa_dialects)
{
	uint32_t gc = ISA_I | ISA_M | ISA_A | ISA_F | ISA_D | ISA_C;

	ASSERT_EQ(platform_isa("rv64imafdc"), gc);
	ASSERT_EQ(platform_isa("rv64gc"), gc);
	ASSERT_EQ(platform_isa("RV64IMAFDC"), gc);
	ASSERT_EQ(platform_isa("rv64imafdcsu"), gc);
	ASSERT_EQ(platform_isa("rv64imafdcbsux_zba_zbb"), gc | ISA_ZBA | ISA_ZBB);
	ASSERT_EQ(platform_isa("rv64imacu_zba_zbb"), ISA_I | ISA_M | ISA_A | ISA_C | ISA_ZBA | ISA_ZBB);
	ASSERT_EQ(platform_isa("rv64imafdch_zicsr_zifencei_zicboz_sstc_svpbmt_svnapot_svinval_svade"),
	    gc | ISA_H | ISA_ZICBOZ | ISA_SSTC | ISA_SVPBMT | ISA_SVNAPOT | ISA_SVINVAL | ISA_SVADE);
	ASSERT_EQ(platform_isa("rv64imafdczicsr_zicbom"), gc | ISA_ZICBOM);
	ASSERT_EQ(platform_isa("rv64imafdcsstc"), gc | ISA_SSTC);
	ASSERT_EQ(platform_isa("rv64i2p1m2p0a2p1"), ISA_I | ISA_M | ISA_A);
	ASSERT_EQ(platform_isa("rv64imac__sstcx_ssst_"), ISA_I | ISA_M | ISA_A | ISA_C);
	ASSERT_EQ(platform_isa("rv32imac"), 0);
	ASSERT_EQ(platform_isa("rv6"), 0);
	ASSERT_EQ(platform_isa(""), 0);
}

TEST(platform, reads_the_new_isa_properties)
{
	static const char list[] = "i\0m\0a\0f\0d\0c\0sstc\0zicboz";

	start();
	memory("memory", 0x80000000, MB);
	cpus();
	cpu_open(5, "rv64imac", "riscv,sv57");
	blob_string("riscv,isa-base", "rv64i");
	blob_bytes("riscv,isa-extensions", list, sizeof(list));
	blob_cells("riscv,cboz-block-size", 1, 64);
	cpu_close(5);
	blob_end();
	ASSERT_TRUE(decode(5));
	ASSERT_EQ(p.hart[0].isa, ISA_I | ISA_M | ISA_A | ISA_F | ISA_D | ISA_C | ISA_SSTC | ISA_ZICBOZ);
	ASSERT_EQ(p.hart[0].zicboz_size, 64);
	ASSERT_EQ(p.hart[0].va_bits, 57);
	ASSERT_EQ(p.timebase, 4000000);
}

/* Linux's tree of the VisionFive 2: the S7 is disabled, the others say nothing of status. */
TEST(platform, leaves_out_the_disabled_monitor_hart)
{
	unsigned i;

	start();
	memory("memory", 0x40000000, 128 * MB);
	cpus();
	cpu_open(0, "rv64imac_zba_zbb", NULL);
	blob_string("compatible", "sifive,s7");
	blob_string("status", "disabled");
	cpu_close(0);
	for (i = 1; i <= 4; i++)
		cpu(i, "rv64imafdc_zba_zbb", "riscv,sv39");
	blob_node("cpu-map");
	blob_end();
	blob_end();
	ASSERT_TRUE(decode(3));
	ASSERT_EQ(p.hart_count, 4);
	ASSERT_EQ(p.hart[0].hartid, 3);
	ASSERT_EQ(p.hart[0].intc, 103);
	ASSERT_EQ(p.hart[1].hartid, 1);
	ASSERT_EQ(p.hart[3].hartid, 4);
	ASSERT_EQ(p.hart[1].va_bits, 39);
	ASSERT_EQ(p.excluded_count, 1);
	ASSERT_EQ(strcmp(why_excluded(0), "disabled"), 0);
}

/* The vendor's: hart 0 is okay, has an mmu-type and calls itself a U74; only its isa is smaller. */
TEST(platform, leaves_out_a_monitor_hart_that_looks_healthy)
{
	start();
	memory("memory", 0x40000000, 128 * MB);
	cpus();
	cpu_open(0, "rv64imacu_zba_zbb", "riscv,sv39");
	blob_string("compatible", "sifive,u74-mc");
	blob_string("status", "okay");
	cpu_close(0);
	cpu(1, "rv64imafdcbsux_zba_zbb", "riscv,sv39");
	blob_end();
	ASSERT_TRUE(decode(1));
	ASSERT_EQ(p.hart_count, 1);
	ASSERT_TRUE(strstr(why_excluded(0), "smaller") != NULL);
}

TEST(platform, says_why_a_hart_is_left_out)
{
	start();
	memory("memory", 0x80000000, MB);
	cpus();
	cpu(7, "rv64imafdc", "riscv,sv48");
	cpu(0, "rv64imafdc", NULL);
	cpu(1, "rv64imafdc", "riscv,none");
	cpu(2, "rv32imafdc", "riscv,sv48");
	cpu(3, NULL, "riscv,sv48");
	cpu(7, "rv64imafdc", "riscv,sv48");
	cpu_open(4, "rv64imafdc", "riscv,sv48");
	blob_string("status", "fail");
	cpu_close(4);
	cpu_open(6, "rv64imafdc_sstc", "riscv,sv39");
	blob_string("status", "ok");
	cpu_close(6);
	blob_end();
	ASSERT_TRUE(decode(7));
	ASSERT_EQ(p.hart_count, 2);
	ASSERT_EQ(p.hart[1].hartid, 6);
	ASSERT_EQ(p.isa_common & ISA_SSTC, 0);
	ASSERT_EQ(strcmp(why_excluded(0), "no MMU"), 0);
	ASSERT_EQ(strcmp(why_excluded(1), "no MMU"), 0);
	ASSERT_TRUE(strstr(why_excluded(2), "RV64IMAC") != NULL);
	ASSERT_TRUE(strstr(why_excluded(3), "RV64IMAC") != NULL);
	ASSERT_EQ(strcmp(why_excluded(4), "disabled"), 0);
	ASSERT_TRUE(strstr(why_excluded(7), "another node") != NULL);
	ASSERT_TRUE(logged("hart 4 left out: disabled"));
}

/* Whatever the tree says of it: it runs. */
TEST(platform, keeps_the_boot_hart)
{
	start();
	memory("memory", 0x80000000, MB);
	cpus();
	cpu(0, "rv64imafdc", "riscv,sv48");
	cpu_open(1, "rv64imac", NULL);
	blob_string("status", "disabled");
	cpu_close(1);
	blob_end();
	ASSERT_TRUE(decode(1));
	ASSERT_EQ(p.hart[0].hartid, 1);
	ASSERT_EQ(p.hart_count, 2);
	start();
	memory("memory", 0x80000000, MB);
	one_cpu();
	ASSERT_TRUE(decode(42));
	ASSERT_EQ(p.hart[0].hartid, 42);
	ASSERT_EQ(p.hart[0].node, FDT_NO_NODE);
	ASSERT_EQ(p.hart_count, 2);
	ASSERT_TRUE(logged("42, is not in"));
}

/* 128 harts: the kernel takes 64, the boot hart among them. */
TEST(platform, takes_as_many_harts_as_it_can)
{
	unsigned i;

	start();
	memory("memory", 0x80000000, MB);
	cpus();
	for (i = 0; i < 80; i++) {
		cpu_open(i, "rv64gc", "riscv,sv39");
		blob_end();
	}
	blob_end();
	ASSERT_TRUE(decode(74));
	ASSERT_EQ(p.hart_count, MAXHARTS);
	ASSERT_EQ(p.hart[0].hartid, 74);
	ASSERT_EQ(p.excluded_count, 80 - MAXHARTS);
	ASSERT_EQ(strcmp(why_excluded(79), "too many harts"), 0);
}

/* ---- interrupts and power ---- */

/* The JH7110: hart 0 has one context, so S mode of hart h is context 2 * h. */
static void
jh7110(void)
{
	start();
	memory("memory", 0x40000000, 128 * MB);
	cpus();
	cpu(0, "rv64imac", NULL);
	cpu(1, "rv64imafdc", "riscv,sv39");
	cpu(2, "rv64imafdc", "riscv,sv39");
	blob_end();
	blob_node("soc");
	blob_cells("#address-cells", 1, 2);
	blob_cells("#size-cells", 1, 2);
	blob_bytes("ranges", NULL, 0);
	blob_cells("interrupt-parent", 1, 9);
	blob_node("interrupt-controller@c000000");
	blob_bytes("compatible", "starfive,jh7110-plic\0sifive,plic-1.0.0", 39);
	blob_reg64(0xc000000, 0x4000000);
	blob_cells("phandle", 1, 9);
	blob_cells("#interrupt-cells", 1, 1);
	blob_cells("riscv,ndev", 1, 136);
	blob_cells("interrupts-extended", 10, 100, 11, 101, 11, 101, 9, 102, 11, 102, 9);
	blob_end();
	blob_node("serial@10000000");
	blob_cells("interrupts", 1, 32);
	blob_end();
	blob_node("two@0");
	blob_cells("interrupts-extended", 6, 9, 40, 9, 137, 101, 5);
	blob_end();
	blob_node("none@0");
	blob_cells("interrupts", 1, 3);
	blob_cells("interrupt-parent", 1, 101);
	blob_end();
	blob_end();
}

TEST(platform, finds_plic_contexts)
{
	jh7110();
	ASSERT_TRUE(decode(2));
	ASSERT_EQ(p.plic_count, 1);
	ASSERT_EQ(p.plic[0].reg.base, 0xc000000);
	ASSERT_EQ(p.plic[0].ndev, 136);
	ASSERT_EQ(p.plic[0].context[0], 4);             /* hart 2, the boot hart */
	ASSERT_EQ(p.plic[0].context[1], 2);             /* hart 1 */
	ASSERT_EQ(p.plic[0].context[2], -1);
}

TEST(platform, routes_interrupts)
{
	unsigned plic = 9;
	uint32_t source = 0;

	jh7110();
	ASSERT_TRUE(decode(1));
	ASSERT_TRUE(platform_irq(&p, fdt_find_path(&p.fdt, "/soc/serial"), 0, &plic, &source));
	ASSERT_EQ(plic, 0);
	ASSERT_EQ(source, 32);
	ASSERT_FALSE(platform_irq(&p, fdt_find_path(&p.fdt, "/soc/serial"), 1, &plic, &source));
	ASSERT_TRUE(platform_irq(&p, fdt_find_path(&p.fdt, "/soc/two"), 0, &plic, &source));
	ASSERT_EQ(source, 40);
	ASSERT_FALSE(platform_irq(&p, fdt_find_path(&p.fdt, "/soc/two"), 1, &plic, &source));
	ASSERT_FALSE(platform_irq(&p, fdt_find_path(&p.fdt, "/soc/two"), 2, &plic, &source));
	ASSERT_FALSE(platform_irq(&p, fdt_find_path(&p.fdt, "/soc/two"), 3, &plic, &source));
	ASSERT_FALSE(platform_irq(&p, fdt_find_path(&p.fdt, "/soc/none"), 0, &plic, &source));
	ASSERT_FALSE(platform_irq(&p, p.fdt.root, 0, &plic, &source));
}

TEST(platform, ignores_a_plic_without_room_for_its_contexts)
{
	start();
	memory("memory", 0x40000000, MB);
	one_cpu();
	blob_node("plic@1");
	blob_string("compatible", "riscv,plic0");
	blob_reg64(0xc000000, 0x200000);
	blob_cells("riscv,ndev", 1, 10);
	blob_end();
	blob_node("plic@2");
	blob_string("compatible", "riscv,plic0");
	blob_reg64(0xd000000, 0x201000);
	blob_cells("riscv,ndev", 1, 10);
	blob_cells("interrupts-extended", 4, 101, 11, 101, 9);
	blob_end();
	ASSERT_TRUE(decode(1));
	ASSERT_EQ(p.plic_count, 1);
	ASSERT_EQ(p.plic[0].context[0], -1);            /* context 1 is outside */
	ASSERT_TRUE(logged("plic@1 ignored"));
}

TEST(platform, finds_syscon_power_off)
{
	start();
	memory("memory", 0x40000000, MB);
	one_cpu();
	blob_node("test@100000");
	blob_reg64(0x100000, 0x1000);
	blob_cells("phandle", 1, 3);
	blob_end();
	blob_node("poweroff");
	blob_string("compatible", "syscon-poweroff");
	blob_cells("regmap", 1, 3);
	blob_cells("offset", 1, 4);
	blob_cells("value", 1, 0x5555);
	blob_end();
	blob_node("reboot");
	blob_string("compatible", "syscon-reboot");
	blob_cells("regmap", 1, 3);
	blob_cells("offset", 1, 0xffd);
	blob_cells("value", 1, 0x7777);
	blob_end();
	ASSERT_TRUE(decode(1));
	ASSERT_EQ(p.poweroff.pa, 0x100004);
	ASSERT_EQ(p.poweroff.value, 0x5555);
	ASSERT_EQ(p.poweroff.mask, 0xffffffff);
	ASSERT_EQ(p.reboot.pa, 0);
}

TEST(platform, log_takes_what_fits_and_nothing_that_moves_the_cursor)
{
	unsigned i;

	memset(&p, 0, sizeof(p));
	platform_logf(&p, "a\033[2J%s", "\n\xff");
	ASSERT_EQ(strcmp(p.log, "a?[2J??\n"), 0);
	for (i = 0; i < 1000; i++)
		platform_logf(&p, "line %u", i);
	ASSERT_TRUE(p.log_len < sizeof(p.log));
	ASSERT_EQ(p.log[p.log_len], '\0');
	ASSERT_EQ(p.log[p.log_len - 1], '\n');
	ASSERT_EQ(strlen(p.log), p.log_len);
}
