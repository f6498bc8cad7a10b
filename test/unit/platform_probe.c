/*
 * platform_probe.c: probing memory that is missing, seen twice, or broken.
 *
 * A machine in numbers: what is real, at which distance addresses wrap, which
 * bits stick. The simulation judges, too: a store that reaches a cell of anything
 * that is in use, from whatever address, or a load from such an address, is
 * counted, and afterwards every cell must hold what it held.
 */
#include <string.h>
#include <base/test.h>
#include <drivers/platform.h>

#define MB      (1024ull * 1024)
#define GB      (1024 * MB)
#define BASE    0x80000000ull
#define WORDS   512

static struct {
	struct phys_range real[2];      /* what answers */
	uint64_t wrap;                  /* cells repeat after so many bytes; 0: never */
	uint64_t stuck_pa, stuck;       /* these bits of this word are 1 */
	bool     cached;                /* stores reach the cells only by settle, in any order */
	struct phys_range used[8];
	unsigned used_count;
	unsigned trespasses, loads, stores;
	uint64_t dice;
} sim;

/* Words that differ from what they were at first, by cell; and lines, by address. */
static struct word { uint64_t at, v; bool dirty; } cells[WORDS], lines[WORDS];
static unsigned cell_count, line_count;
static struct platform p;

static uint64_t
draw(uint64_t below)
{
	sim.dice = sim.dice * 6364136223846793005ull + 1442695040888963407ull;
	return (sim.dice >> 20) % below;
}

static uint64_t
cell(uint64_t pa)
{
	return sim.wrap != 0 && pa >= BASE ? BASE + (pa - BASE) % sim.wrap : pa;
}

static uint64_t first_value(uint64_t at) { return at * 3 + 1; }

static bool
real(uint64_t pa)
{
	unsigned i;

	for (i = 0; i < nitems(sim.real); i++)
		if (pa >= sim.real[i].base && pa - sim.real[i].base < sim.real[i].size)
			return true;
	return false;
}

static struct word *
word(struct word *w, unsigned *count, uint64_t at, uint64_t v)
{
	unsigned i;

	for (i = 0; i < *count; i++)
		if (w[i].at == at)
			return &w[i];
	if (*count == WORDS)
		return NULL;
	w[*count] = (struct word){ at, v, false };
	return &w[(*count)++];
}

static uint64_t *
cell_word(uint64_t pa)
{
	struct word *w = word(cells, &cell_count, cell(pa), first_value(cell(pa)));

	return w != NULL ? &w->v : &cells[0].v;
}

static uint64_t *
sim_word(uint64_t pa, bool dirty)
{
	struct word *w;

	if (!sim.cached)
		return cell_word(pa);
	w = word(lines, &line_count, pa, 0);
	if (w == NULL)
		return cell_word(pa);
	if (!w->dirty)
		w->v = *cell_word(pa);
	w->dirty |= dirty;
	return &w->v;
}

static bool
sim_load(void *arg, uint64_t pa, uint64_t *v)
{
	unsigned i;

	(void)arg;
	sim.loads++;
	for (i = 0; i < sim.used_count; i++)
		sim.trespasses += pa >= sim.used[i].base && pa - sim.used[i].base < sim.used[i].size;
	if (!real(pa))
		return false;
	*v = *sim_word(pa, false);
	return true;
}

static bool
sim_store(void *arg, uint64_t pa, uint64_t v)
{
	unsigned i;

	(void)arg;
	sim.stores++;
	for (i = 0; i < sim.used_count; i++) {
		uint64_t from = sim.used[i].base, distance = sim.wrap != 0 ? sim.wrap : ~0ull;

		/* The used range is seen at all multiples of the distance. */
		if (sim.wrap == 0 ? pa >= from && pa - from < sim.used[i].size :
		    sim.used[i].size >= distance ||
		    (cell(pa) + distance - cell(from)) % distance < sim.used[i].size)
			sim.trespasses++;
	}
	if (!real(pa))
		return false;
	*sim_word(pa, true) = pa == sim.stuck_pa ? v | sim.stuck : v;
	return true;
}

static void
sim_settle(void *arg)
{
	unsigned i;

	(void)arg;
	while (line_count > 0) {
		i = (unsigned)draw(line_count);
		if (lines[i].dirty)
			*cell_word(lines[i].at) = lines[i].v;
		lines[i] = lines[--line_count];
	}
}

static const struct probe_access access = { sim_load, sim_store, sim_settle, NULL };

/* The usual machine: one bank, kernel behind 2 MiB, tree at 160 MiB. */
static struct phys_range kernel, tree;

static void
use(uint64_t base, uint64_t size)
{
	sim.used[sim.used_count++] = (struct phys_range){ base, size };
}

static void
begin(uint64_t claimed, uint64_t there)
{
	memset(&sim, 0, sizeof(sim));
	memset(&p, 0, sizeof(p));
	cell_count = line_count = 0;
	sim.dice = 1;
	sim.real[0] = (struct phys_range){ BASE, there };
	p.bank[0] = (struct phys_range){ BASE, claimed };
	p.bank_count = 1;
	kernel = (struct phys_range){ BASE + 2 * MB, 5 * MB + 64 };
	tree = (struct phys_range){ BASE + 160 * MB + 8, 8000 };
	use(BASE, 7 * MB + 64);
	use(tree.base, tree.size);
}

static bool
restored(void)
{
	unsigned i;

	sim_settle(NULL);
	for (i = 0; i < cell_count; i++)
		if (cells[i].v != first_value(cells[i].at) && cells[i].at != sim.stuck_pa)
			return false;
	return true;
}

static void
probe(uint64_t limit)
{
	platform_probe(&p, kernel, tree, limit, &access);
}

TEST(platform_probe, leaves_good_memory_alone)
{
	begin(GB, GB);
	probe(128 * GB);
	ASSERT_EQ(p.bank_count, 1);
	ASSERT_EQ(p.bank[0].size, GB);
	ASSERT_EQ(p.log_len, 0);
	ASSERT_EQ(sim.trespasses, 0);
	ASSERT_TRUE(restored());
	ASSERT_GE(sim.stores, 24);
	ASSERT_LE(sim.loads + sim.stores, 200);
}

TEST(platform_probe, cuts_off_what_does_not_answer)
{
	begin(4 * GB, GB + 5 * MB + 3 * PAGE_SIZE);
	probe(128 * GB);
	ASSERT_EQ(p.bank[0].size, GB + 5 * MB + 3 * PAGE_SIZE);
	ASSERT_TRUE(strstr(p.log, "memory at 0xc0503000-0x180000000 cut off: 0x") != NULL);
	ASSERT_TRUE(strstr(p.log, " does not answer\n") != NULL);
	ASSERT_EQ(sim.trespasses, 0);
	ASSERT_TRUE(restored());
}

TEST(platform_probe, finds_an_end_behind_the_last_point)
{
	begin(512 * MB, 512 * MB - PAGE_SIZE);
	probe(128 * GB);
	ASSERT_EQ(p.bank[0].size, 512 * MB - PAGE_SIZE);
	ASSERT_EQ(sim.trespasses, 0);
}

TEST(platform_probe, does_not_look_beyond_the_limit)
{
	begin(8 * GB, GB);
	probe(BASE + GB);
	ASSERT_EQ(p.bank[0].size, 8 * GB);
	begin(8 * GB, GB - PAGE_SIZE);
	probe(BASE + GB);
	ASSERT_EQ(p.bank[0].size, GB - PAGE_SIZE);
}

TEST(platform_probe, recognises_memory_that_is_seen_twice)
{
	unsigned cached;

	for (cached = 0; cached < 2; cached++) {
		begin(4 * GB, 4 * GB);
		sim.wrap = 2 * GB;
		sim.cached = cached != 0;
		probe(128 * GB);
		ASSERT_EQ(p.bank[0].size, 2 * GB);
		ASSERT_TRUE(strstr(p.log, "memory at 0x100000000-0x180000000 cut off: ") != NULL);
		ASSERT_TRUE(strstr(p.log, " once more\n") != NULL);
		ASSERT_EQ(sim.trespasses, 0);
		ASSERT_TRUE(restored());
	}
}

/* The tree lies where the memory is seen again: its real place is kept. */
TEST(platform_probe, keeps_what_lies_in_a_copy)
{
	struct phys_range run[PLATFORM_RUNS];
	unsigned n, i;

	begin(4 * GB, 4 * GB);
	sim.wrap = 2 * GB;
	tree.base = BASE + 3 * GB + 5 * PAGE_SIZE;
	sim.used[1] = tree;
	probe(128 * GB);
	ASSERT_EQ(p.bank[0].size, 2 * GB);
	ASSERT_EQ(sim.trespasses, 0);
	n = platform_usable(&p, kernel, tree, 128 * GB, run, PLATFORM_RUNS);
	ASSERT_NE(n, 0);
	for (i = 0; i < n; i++)
		ASSERT_TRUE(cell(tree.base) + tree.size <= run[i].base ||
		    cell(tree.base) >= run[i].base + run[i].size);
}

TEST(platform_probe, drops_a_bank_that_is_another_once_more)
{
	begin(256 * MB, 512 * MB);
	p.bank[1] = (struct phys_range){ BASE + 256 * MB, 256 * MB };
	p.bank_count = 2;
	sim.wrap = 256 * MB;
	tree.base += 256 * MB;
	sim.used[1] = tree;
	probe(128 * GB);
	ASSERT_EQ(p.bank_count, 1);
	ASSERT_EQ(p.bank[0].size, 256 * MB);
	ASSERT_EQ(sim.trespasses, 0);
	ASSERT_EQ(p.reserved_count, 1);
	ASSERT_EQ(p.reserved[0].range.base, trunc_page(tree.base - 256 * MB));
}

TEST(platform_probe, drops_a_bank_that_is_not_there)
{
	begin(256 * MB, 256 * MB);
	p.bank[1] = (struct phys_range){ 0x240000000, 2 * GB };
	p.bank[2] = (struct phys_range){ 0x340000000, MB };
	p.bank[3] = (struct phys_range){ 0x440000000, MB };
	p.bank_count = 4;
	sim.real[1] = p.bank[3];
	probe(128 * GB);
	ASSERT_EQ(p.bank_count, 2);
	ASSERT_EQ(p.bank[1].base, 0x440000000);
	ASSERT_EQ(p.bank[1].size, MB);
	ASSERT_EQ(sim.trespasses, 0);
}

TEST(platform_probe, cuts_off_words_that_do_not_keep_what_is_stored)
{
	uint64_t stuck;
	unsigned bit;

	/* A point of the bank: h is where the kernel ends. */
	stuck = BASE + 512 * MB + 7 * MB + PAGE_SIZE;
	for (bit = 0; bit < 64; bit += 21) {
		begin(GB, GB);
		sim.stuck_pa = stuck;
		sim.stuck = 1ull << bit;
		probe(128 * GB);
		ASSERT_EQ(p.bank[0].size, 512 * MB);
		ASSERT_TRUE(strstr(p.log, "do not hold what is stored") != NULL);
	}
}

TEST(platform_probe, gives_up_an_initrd_without_memory)
{
	begin(GB, 256 * MB);
	p.initrd = (struct phys_range){ BASE + 300 * MB, MB };
	use(p.initrd.base, p.initrd.size);
	probe(128 * GB);
	ASSERT_EQ(p.bank[0].size, 256 * MB);
	ASSERT_EQ(p.initrd.size, 0);
	ASSERT_TRUE(strstr(p.log, "it lies in memory that was cut off") != NULL);
	ASSERT_EQ(sim.trespasses, 0);
}

/* An initrd of 100 MiB leaves no free residue of less than 128 MiB. */
TEST(platform_probe, works_around_much_that_is_in_use)
{
	begin(GB, GB);
	p.initrd = (struct phys_range){ BASE + 32 * MB, 100 * MB };
	use(p.initrd.base, p.initrd.size);
	sim.wrap = 512 * MB;
	probe(128 * GB);
	ASSERT_EQ(p.bank[0].size, 512 * MB);
	ASSERT_NE(p.initrd.size, 0);
	ASSERT_EQ(sim.trespasses, 0);
	begin(64 * MB, 64 * MB);
	p.reserved[0].range = (struct phys_range){ BASE, 64 * MB };
	p.reserved_count = 1;
	use(BASE, 64 * MB);
	probe(128 * GB);
	ASSERT_EQ(p.bank[0].size, 64 * MB);
	ASSERT_EQ(sim.trespasses, 0);
}

/* Any layout: nothing in use is touched, the end is found, all is restored. */
static bool
any_layout(uint64_t seed, uint64_t *bad)
{
	uint64_t there = (32 * MB) << draw(6), claimed = there << draw(4), size;
	unsigned i, n = (unsigned)draw(4);

	begin(claimed, draw(2) ? there : claimed);
	sim.dice = seed;
	if (sim.real[0].size == claimed && claimed != there)
		sim.wrap = there;
	sim.cached = draw(2);
	tree.base = BASE + 10 * MB + 8 * draw((there - 11 * MB) / 8);
	sim.used[1] = tree;
	for (i = 0; i < n; i++) {
		size = 8 + draw(2 * MB);
		p.reserved[i].range = (struct phys_range){ BASE + draw(there - size), size };
		use(p.reserved[i].range.base, size);
	}
	p.reserved_count = n;
	probe(128 * GB);
	*bad = p.bank[0].size;
	return sim.trespasses == 0 && restored() && p.bank[0].size == there;
}

TEST(platform_probe, any_layout)
{
	uint64_t seed, bad = 0;

	for (seed = 1; seed <= 100; seed++) {
		sim.dice = seed * 0x9e3779b97f4a7c15ull;
		if (!any_layout(seed, &bad))
			break;
	}
	ASSERT_EQ(bad == 0 ? 0 : seed, 101);
	ASSERT_EQ(sim.trespasses, 0);
}
