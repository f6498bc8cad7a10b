/*
 * main.c: random programs over several machines; failures are shrunk.
 *
 *	model [--full] [--seed S] [--ops N] [--slow] [--no-shrink] [NAME...]
 *	model --soak OPS [--seed S] [--first P] [--processes N] [--keep FILE] [--no-shrink] [NAME...]
 *	model --replay FILE NAME
 *
 * One test for each machine of the table: some programs, each from a fresh
 * machine. --ops: operations in all for each machine; --slow: all checks after each
 * operation. NAME: only these machines. Programs run in a child process, since
 * a panic or a sanitizer's report ends it; all children start from one boot. When one fails, operations are
 * deleted while it still fails, and what is left is printed, in words and as
 * the 16 bytes an operation that --replay reads.
 *
 * --soak: OPS operations in all, over all machines, in as many processes as
 * there are cores, with a line of progress now and then; a machine that failed
 * is left out from then on. The last line is the sum, the exit status 0 when
 * nothing failed. Without --seed, the clock's. --first: the number of each
 * machine's first program; --keep: all that is told stands in FILE, too. Full checks are less frequent
 * (soak.c says how); make check and make test have them as the table says.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include "programs.h"

#define SHRINK_SECONDS  40

static uint64_t ops_each = 3000;        /* for each machine */
static bool slow;
static struct report *report;

static bool
run_program(const void *ops, struct report *r)
{
	bool good = program_run(ops, PROGRAM_OPS, r);

	memcpy(&r->counts, &driver_counts, sizeof(driver_counts));
	return good;
}

static void
print_counts(void)
{
	const struct driver_counts *n = &report->counts;

	for (unsigned k = 0; k < DRV_KINDS && getenv("MODEL_COUNTS") != NULL; k++)
		printf("#   %-18s %8lu done %8lu refused %8lu shortage %8lu skipped\n", driver_kind_name[k],
		    n->done[k], n->refused[k], n->shortage[k], n->skipped[k]);
	printf("#   %lu calls, %lu accesses, %lu pages compared, %lu regions, %lu full checks\n", driver_calls(n),
	    n->accesses, n->pages_compared, n->regions, n->checks);
	if (n->partial > 0)
		printf("#   %lu writes of the kernel were stopped half way by a shortage\n", n->partial);
	printf("#   %lu megapages made, %lu broken, %lu whole at the end; shadow chains: longest %lu, mean %.2f\n",
	    n->promotions, n->demotions, n->megapages, n->chain_max,
	    n->chain_samples ? (double)n->chain_sum / (double)n->chain_samples : 0);
	if (n->joined > 0)
		printf("#   %lu groups of 64 KiB joined, %lu broken\n", n->joined, n->broken);
}

static bool
run_machine(unsigned m)
{
	static struct op ops[PROGRAM_OPS];
	struct driver_config c = machines[m];
	time_t start = time(NULL);
	uint64_t programs;

	if (slow)
		c.check_every = 1;
	programs = (ops_each / (c.check_every == 1 ? 8 : 1) + PROGRAM_OPS - 1) / PROGRAM_OPS;
	memset(report, 0, sizeof(*report));
	memset(&driver_counts, 0, sizeof(driver_counts));
	driver_boot(&c);
	printf("# %s: %lu programs of %u operations\n", c.name, programs, PROGRAM_OPS);
	for (; report->program < programs; report->program++) {
		program_ops(m, report->program, ops, PROGRAM_OPS);
		if (!child_end(child_start(run_program, ops, report, PROGRAM_SECONDS, false), report)) {
			explain(m, report->program, report, SHRINK_SECONDS);
			return false;
		}
		memcpy(&driver_counts, &report->counts, sizeof(driver_counts));
	}
	print_counts();
	printf("#   %ld s\n", (long)(time(NULL) - start));
	return true;
}

static unsigned
run_machines(unsigned wanted, const bool *only)
{
	unsigned failures = 0, number = 0;

	printf("KTAP version 1\n1..%u\n# seed 0x%lx (ATLAS_SEED)\n", wanted ? wanted : nmachines, seed);
	for (unsigned m = 0; m < nmachines; m++) {
		bool good;

		if (wanted && !only[m])
			continue;
		good = run_machine(m);
		failures += !good;
		printf("%sok %u model.%s\n", good ? "" : "not ", ++number, machines[m].name);
		fflush(stdout);
	}
	return failures;
}

int
main(int argc, char **argv)
{
	const char *kept = NULL;
	uint64_t soaked = 0, first = 0;
	static bool only[MACHINES_MAX];
	unsigned wanted = 0, processes = (unsigned)sysconf(_SC_NPROCESSORS_ONLN);

	if (argc > 1 && strcmp(argv[1], "--soak") == 0)
		seed = (uint64_t)time(NULL) * 0x9e3779b97f4a7c15ul >> 16;
	if (getenv("ATLAS_SEED") != NULL)
		seed = strtoull(getenv("ATLAS_SEED"), NULL, 0);
	for (int i = 1; i < argc; i++) {
		if (strcmp(argv[i], "--full") == 0)
			ops_each = 130000;
		else if (strcmp(argv[i], "--slow") == 0)
			slow = true;
		else if (strcmp(argv[i], "--no-shrink") == 0)
			shrinks = false;
		else if (strcmp(argv[i], "--seed") == 0 && i + 1 < argc)
			seed = strtoull(argv[++i], NULL, 0);
		else if (strcmp(argv[i], "--ops") == 0 && i + 1 < argc)
			ops_each = strtoull(argv[++i], NULL, 0);
		else if (strcmp(argv[i], "--soak") == 0 && i + 1 < argc)
			soaked = strtoull(argv[++i], NULL, 0);
		else if (strcmp(argv[i], "--first") == 0 && i + 1 < argc)
			first = strtoull(argv[++i], NULL, 0);
		else if (strcmp(argv[i], "--keep") == 0 && i + 1 < argc)
			kept = argv[++i];
		else if (strcmp(argv[i], "--processes") == 0 && i + 1 < argc)
			processes = (unsigned)strtoul(argv[++i], NULL, 0);
		else if (strcmp(argv[i], "--replay") == 0 && i + 2 < argc)
			return replay(argv[i + 1], argv[i + 2]);
		else {
			only[find_machine(argv[i])] = true;
			wanted++;
		}
	}
	if (soaked != 0)
		return soak(soaked, first, processes, wanted ? only : NULL, kept);
	report = report_new();
	return run_machines(wanted, only) != 0;
}
