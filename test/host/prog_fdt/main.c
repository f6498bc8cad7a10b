/*
 * main.c: reads whole device trees, beside libfdt and damaged.
 *
 *	fdt [--full]            --full: more damage
 *
 * The trees: QEMU's own (dumpdtb, in several shapes) and those of test/fdt,
 * written after the trees that real boards hand over, compiled by dtc. For each:
 *
 *	agree       every node, property, path and translated address is libfdt's
 *	describe    the platform made of it, as text, is test/fdt/<name>.expect;
 *	            QEMU's must have the memory and harts that were asked for
 *	truncate    cut at every 64th byte, with and without a header that says so
 *	nops        with NOPs before every token, the root's first: it reads the same
 *	flip        random bits inverted; what both readers accept they read alike
 *
 * Reports KTAP. ATLAS_SEED chooses the damage; the seed is printed.
 */
#include <unistd.h>
#include <sys/stat.h>
#include "oracle.h"

#define WORK "build/test/fdt"

struct tree {
	const char *name;
	const char *qemu;               /* options of QEMU; NULL: test/fdt/<name>.dts */
	unsigned    harts;              /* usable, QEMU's trees only; 0: do not ask */
	uint64_t    memory;             /* bytes */
	const char *source;             /* test/fdt/<source>.dts, with `memory` from the board's base on */
};

#define MB (1024ull * 1024)

static const struct tree trees[] = {
	{ "virt-1", "-M virt -smp 1 -m 32M", 1, 32 * MB, NULL },
	{ "virt-4", "-M virt -smp 4 -m 2G", 4, 2048 * MB, NULL },
	{ "virt-64", "-M virt -smp 64 -m 9G", 64, 9216 * MB, NULL },
	{ "virt-100", "-M virt -smp 100 -m 128M", 64, 128 * MB, NULL },
	{ "virt-aplic", "-M virt,aia=aplic-imsic -smp 2 -m 256M", 2, 256 * MB, NULL },
	{ "virt-numa", "-M virt -smp 4,sockets=2,cores=2 -m 1G"
	    " -object memory-backend-ram,id=m0,size=256M"
	    " -object memory-backend-ram,id=m1,size=768M"
	    " -numa node,memdev=m0,nodeid=0,cpus=0-1 -numa node,memdev=m1,nodeid=1,cpus=2-3",
	    4, 1024 * MB, NULL },
	{ "sifive_u", "-M sifive_u -smp 5 -m 256M", 4, 256 * MB, NULL },
	{ "spike", "-M spike -smp 2 -m 256M", 2, 256 * MB, NULL },
	{ "vf2-linux", NULL, 0, 0, NULL },
	{ "vf2-mainline", NULL, 0, 0, NULL },
	{ "vf2-vendor", NULL, 0, 0, NULL },
	/* The board has 2, 4 or 8 GiB: the other two sizes of each dialect. */
	{ "vf2-linux-2g", NULL, 0, 2048 * MB, "vf2-linux" },
	{ "vf2-linux-4g", NULL, 0, 4096 * MB, "vf2-linux" },
	{ "vf2-mainline-2g", NULL, 0, 2048 * MB, "vf2-mainline" },
	{ "vf2-mainline-8g", NULL, 0, 8192 * MB, "vf2-mainline" },
	{ "vf2-vendor-2g", NULL, 0, 2048 * MB, "vf2-vendor" },
	{ "vf2-vendor-8g", NULL, 0, 8192 * MB, "vf2-vendor" },
	{ "mpfs", NULL, 0, 0, NULL },
	{ "hostile", NULL, 0, 0, NULL },
};

static unsigned tests;
static unsigned failures;
static uint64_t seed = 1;

static void
report(const char *tree, const char *what, bool good, const char *why)
{
	if (!good) {
		printf("# %s\n", why);
		failures++;
	}
	printf("%sok %u fdt.%s %s\n", good ? "" : "not ", ++tests, tree, what);
	fflush(stdout);
}

/* xorshift64*: the damage must be the same on every machine. */
static uint64_t
random64(void)
{
	seed ^= seed >> 12;
	seed ^= seed << 25;
	seed ^= seed >> 27;
	return seed * 0x2545f4914f6cdd1dull;
}

/* ---- getting the trees ---- */

static bool
make_tree(const struct tree *t)
{
	char cmd[1024];

	if (t->qemu != NULL)
		snprintf(cmd, sizeof(cmd), "timeout -k 5 30 qemu-system-riscv64 %s -display none"
		    " -machine dumpdtb=" WORK "/%s.dtb </dev/null >" WORK "/%s.out 2>&1",
		    t->qemu, t->name, t->name);
	else
		snprintf(cmd, sizeof(cmd), "dtc -q -f -I dts -O dtb -o " WORK "/%s.dtb"
		    " test/fdt/%s.dts >" WORK "/%s.out 2>&1", t->name,
		    t->source != NULL ? t->source : t->name, t->name);
	return system(cmd) == 0;
}

/* The one bank of a board's tree, whatever its node is called, is this large. */
static bool
resize_bank(void *blob, uint64_t size)
{
	int node = fdt_node_offset_by_prop_value(blob, -1, "device_type", "memory", sizeof("memory"));
	fdt32_t cell[2] = { cpu_to_fdt32((uint32_t)(size >> 32)), cpu_to_fdt32((uint32_t)size) };

	return node >= 0 && fdt_setprop_inplace_namelen_partial(blob, node, "reg", 3, sizeof(cell),
	    cell, sizeof(cell)) == 0;
}

/* The tree without the empty space that QEMU leaves in it. */
static void *
load_tree(const struct tree *t, size_t *size)
{
	char file[256];
	FILE *in;
	void *blob;
	size_t room = 4 << 20, got;

	snprintf(file, sizeof(file), WORK "/%s.dtb", t->name);
	in = fopen(file, "rb");
	if (in == NULL)
		return NULL;
	blob = malloc(room);
	got = fread(blob, 1, room, in);
	fclose(in);
	if (fdt_check_full(blob, got) != 0 || fdt_open_into(blob, blob, (int)room) != 0 ||
	    fdt_pack(blob) != 0 || (t->source != NULL && !resize_bank(blob, t->memory))) {
		free(blob);
		return NULL;
	}
	*size = fdt_totalsize(blob);
	return realloc(blob, *size);
}

/* ---- the platform as text ---- */

static struct platform plat;

static void
describe_harts(FILE *out)
{
	unsigned i, k;

	for (i = 0; i < plat.hart_count; i++) {
		fprintf(out, "hart %lu: isa %05x sv%u", plat.hart[i].hartid, plat.hart[i].isa,
		    plat.hart[i].va_bits);
		for (k = 0; k < plat.plic_count; k++)
			fprintf(out, " context %d", plat.plic[k].context[i]);
		fprintf(out, "\n");
	}
	for (i = 0; i < plat.excluded_count; i++)
		fprintf(out, "not hart %lu: %s\n", plat.excluded[i].hartid, plat.excluded[i].why);
}

static void
describe_memory(FILE *out)
{
	static struct phys_range run[PLATFORM_RUNS];
	struct phys_range kernel = { plat.bank[0].base + 0x200000, 0x180000 };
	struct phys_range dtb = { plat.bank[0].base + 0x6000000, 0x8000 };
	unsigned i, n;

	for (i = 0; i < plat.bank_count; i++)
		fprintf(out, "bank %lx+%lx\n", plat.bank[i].base, plat.bank[i].size);
	for (i = 0; i < plat.reserved_count; i++)
		fprintf(out, "reserved %lx+%lx%s\n", plat.reserved[i].range.base,
		    plat.reserved[i].range.size, plat.reserved[i].no_map ? " no-map" : "");
	fprintf(out, "initrd %lx+%lx\n", plat.initrd.base, plat.initrd.size);
	n = platform_usable(&plat, kernel, dtb, 1ull << 37, run, PLATFORM_RUNS);
	for (i = 0; i < n; i++)
		fprintf(out, "usable %lx+%lx\n", run[i].base, run[i].size);
}

static void
describe(FILE *out)
{
	char path[256];
	unsigned i, plic = 0;
	uint32_t irq = 0;

	fprintf(out, "model %s\ntimebase %lu\nbootargs %s\n", plat.model, plat.timebase,
	    plat.bootargs);
	if (!fdt_node_path(&plat.fdt, plat.stdout_node, path, sizeof(path)))
		snprintf(path, sizeof(path), "none");
	(void)platform_irq(&plat, plat.stdout_node, 0, &plic, &irq);
	fprintf(out, "stdout %s [%s] irq %u\n", path, plat.stdout_options, irq);
	describe_memory(out);
	for (i = 0; i < plat.plic_count; i++)
		fprintf(out, "plic %lx+%lx ndev %u\n", plat.plic[i].reg.base,
		    plat.plic[i].reg.size, plat.plic[i].ndev);
	describe_harts(out);
	fprintf(out, "%s", plat.log);
}

/* Line by line against the expected file; the text is left in WORK to look at. */
static bool
same_text(const char *name)
{
	char file[256], a[512], b[512], *x, *y;
	FILE *got, *want;
	bool same = true;
	unsigned line = 0;

	snprintf(file, sizeof(file), WORK "/%s.txt", name);
	got = fopen(file, "w+");
	if (got == NULL)
		return disagree("cannot write %s", file);
	describe(got);
	rewind(got);
	snprintf(file, sizeof(file), "test/fdt/%s.expect", name);
	want = fopen(file, "r");
	if (want == NULL) {
		fclose(got);
		return disagree("cannot open %s", file);
	}
	do {
		line++;
		x = fgets(a, sizeof(a), got);
		y = fgets(b, sizeof(b), want);
		same = (x == NULL) == (y == NULL) && (x == NULL || strcmp(a, b) == 0);
	} while (same && x != NULL);
	if (!same)
		disagree("line %u is `%.200s', not `%.200s'", line, x ? a : "(end)\n",
		    y ? b : "(end)\n");
	fclose(got);
	fclose(want);
	return same;
}

/* QEMU's own trees: what was asked for on the command line is what we find. */
static bool
check_qemu(const struct tree *t)
{
	bool plic = strncmp(t->name, "virt", 4) == 0 && strcmp(t->name, "virt-aplic") != 0;
	uint64_t memory = 0;
	unsigned i, k, found;

	for (i = 0; i < plat.bank_count; i++)
		memory += plat.bank[i].size;
	if (memory != t->memory || plat.hart_count != t->harts)
		return disagree("%lx bytes, %u harts", memory, plat.hart_count);
	for (i = 0; plic && i < plat.hart_count; i++) {
		for (k = found = 0; k < plat.plic_count; k++)
			found += plat.plic[k].context[i] >= 0;
		if (found != 1)
			return disagree("hart %lu has %u contexts", plat.hart[i].hartid, found);
	}
	if (strcmp(t->name, "virt-4") == 0 && (plat.plic[0].context[0] != 3 ||
	    plat.plic[0].context[3] != 7 || plat.timebase != 10000000 || plat.poweroff.value != 0x5555))
		return disagree("context %d, timebase %lu", plat.plic[0].context[0], plat.timebase);
	if (strcmp(t->name, "sifive_u") == 0 && (plat.excluded_count != 1 ||
	    plat.plic[0].context[0] != 2 || plat.timebase != 1000000))
		return disagree("context %d, timebase %lu", plat.plic[0].context[0], plat.timebase);
	return true;
}

static bool
check_platform(const struct tree *t, const void *blob, size_t size)
{
	if (!platform_decode(&plat, blob, size, 1) && !(t->harts == 1 &&
	    platform_decode(&plat, blob, size, 0)))
		return disagree("refused: %s", plat.error);
	if (t->qemu == NULL)
		return same_text(t->name);
	if (t->harts == 1 && !platform_decode(&plat, blob, size, 0))
		return disagree("refused: %s", plat.error);
	return check_qemu(t);
}

/* ---- damage ---- */

/* A copy that ends where its allocation ends. */
static uint8_t *
copy_of(const void *blob, size_t size)
{
	uint8_t *copy = malloc(size);

	memcpy(copy, blob, size);
	return copy;
}

static bool
survives_truncation(const void *blob, size_t size)
{
	size_t n;
	uint8_t *copy;
	bool good = true;

	for (n = 0; n < size && good; n += 64) {
		copy = copy_of(blob, n == 0 ? 1 : n);
		good = exercise(copy, n);
		if (n >= sizeof(struct fdt_header) && good) {
			fdt_set_totalsize(copy, (uint32_t)n);
			good = exercise(copy, n);
		}
		free(copy);
	}
	return good;
}

static bool
survives_flips(const void *blob, size_t size, unsigned rounds)
{
	uint64_t began = seed;
	unsigned i, k, accepted = 0;
	uint8_t *copy;
	struct fdt f;
	size_t bit;
	bool good = true;

	for (i = 0; i < rounds && good; i++) {
		copy = copy_of(blob, size);
		for (k = (unsigned)(random64() >> 32) % 8 + 1; k > 0; k--) {
			bit = (size_t)random64() % (8 * size);
			copy[bit / 8] ^= (uint8_t)(1 << bit % 8);
		}
		good = exercise(copy, size);
		if (good && i % 8 == 0 && fdt_open(copy, size, &f) &&
		    fdt_check_full(copy, size) == 0) {
			accepted++;
			good = compare_tree(&f, copy);
		}
		free(copy);
	}
	if (!good)
		printf("# round %u of ATLAS_SEED=%lu\n", i - 1, began);
	else if (accepted == 0)
		good = disagree("no damaged tree was compared: the test tests nothing");
	return good;
}

/* ---- NOPs ---- */

/*
 * The tree with one to three NOPs before each token, so that every way from one
 * to the next meets them; but none before the END, where libfdt refuses them.
 * At most 12 bytes for each of 4, hence the room.
 */
static void *
with_nops(const void *blob, size_t *size)
{
	uint8_t *out = calloc(1, 4 * *size), *to = out + fdt_off_dt_struct(blob);
	const char *structure = (const char *)blob + fdt_off_dt_struct(blob);
	uint32_t strings = fdt_size_dt_strings(blob), tag;
	uint64_t n;
	int at = 0, next;

	memcpy(out, blob, fdt_off_dt_struct(blob));
	do {
		tag = fdt_next_tag(blob, at, &next);
		for (n = tag == FDT_END ? 0 : random64() % 3 + 1; n > 0; n--, to += FDT_TAGSIZE)
			fdt32_st(to, FDT_NOP);
		memcpy(to, structure + at, (size_t)(next - at));
		to += next - at;
		at = next;
	} while (tag != FDT_END);
	fdt_set_size_dt_struct(out, (uint32_t)(to - out) - fdt_off_dt_struct(blob));
	fdt_set_off_dt_strings(out, (uint32_t)(to - out));
	memcpy(to, (const char *)blob + fdt_off_dt_strings(blob), strings);
	*size = (size_t)(to - out) + strings;
	fdt_set_totalsize(out, (uint32_t)*size);
	return out;
}

static bool
ignores_nops(const struct tree *t, const void *blob, size_t size)
{
	void *out = with_nops(blob, &size);
	struct fdt f;
	bool good = fdt_open(out, size, &f);

	if (!good)
		disagree("refused: %s", f.error);
	else if (fdt_check_full(out, size) != 0)
		good = disagree("libfdt refuses it");
	good = good && check_platform(t, out, size) && compare_tree(&f, out);
	free(out);
	return good;
}

static void
run_tree(const struct tree *t, bool full)
{
	struct fdt f;
	size_t size = 0;
	void *blob = make_tree(t) ? load_tree(t, &size) : NULL;
	bool good = blob != NULL && fdt_open(blob, size, &f);

	if (blob == NULL)
		disagree("the tree cannot be made; see " WORK "/%s.out", t->name);
	else if (!good)
		disagree("refused: %s", f.error);
	else
		good = compare_tree(&f, blob);
	report(t->name, "agree", good, oracle_said);
	report(t->name, "describe", good && check_platform(t, blob, size), oracle_said);
	report(t->name, "nops", good && ignores_nops(t, blob, size), oracle_said);
	report(t->name, "truncate", good && survives_truncation(blob, size), oracle_said);
	report(t->name, "flip", good && survives_flips(blob, size,
	    strcmp(t->name, "virt-4") == 0 ? 10000 : full ? 3000 : 1000), oracle_said);
	free(blob);
}

int
main(int argc, char **argv)
{
	bool full = argc > 1 && strcmp(argv[1], "--full") == 0;
	size_t i;

	if (getenv("ATLAS_SEED") != NULL)
		seed = strtoull(getenv("ATLAS_SEED"), NULL, 0) | 1;
	(void)mkdir("build", 0777);
	(void)mkdir("build/test", 0777);
	(void)mkdir(WORK, 0777);
	printf("KTAP version 1\n1..%zu\n# ATLAS_SEED=%lu\n", 5 * nitems(trees), seed);
	for (i = 0; i < nitems(trees); i++)
		run_tree(&trees[i], full);
	return failures != 0;
}
