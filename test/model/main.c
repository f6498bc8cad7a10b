/*
 * main.c: random programs over several machines; failures are shrunk.
 *
 *	model [--full] [--seed S] [--ops N] [--slow] [--no-shrink] [NAME...]
 *	model --soak OPS [--seed S]
 *	model --replay FILE NAME
 *
 * One test for each machine of the table: some programs, each from a fresh
 * machine. --ops: operations in all for each machine; --slow: all checks after each
 * operation. NAME: only these machines. Programs run in a child process, since
 * a panic or a sanitizer's report ends it; all children start from one boot. When one fails, operations are
 * deleted while it still fails, and what is left is printed, in words and as
 * the 16 bytes an operation that --replay reads.
 *
 * --soak: OPS operations in all, on one machine after the other in rounds, with
 * a line of progress now and then; a machine that failed is left out from
 * then on. The last line is the sum. Without --seed, the clock's.
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include "driver.h"

#define PROGRAM_OPS     1500u
#define SHRINK_SECONDS  40
#define MB(n)           ((size_t)(n) << 20)

static const struct driver_config machines[] = {
	{ "sv39_asid16", 3, 16, false, false, false, MB(48), false, 64 },
	{ "sv39_asid2_fault_ad", 3, 2, true, false, false, MB(48), false, 64 },
	{ "sv39_no_asid_full_fences_fault_ad", 3, 0, true, true, true, MB(48), false, 64 },
	{ "sv48_asid2", 4, 2, false, false, true, MB(48), false, 64 },
	{ "sv57_asid16_fault_ad", 5, 16, true, false, false, MB(48), false, 64 },
	{ "sv39_shortage", 3, 16, false, false, false, MB(7), false, 64 },
	{ "sv39_allocations_fail", 3, 2, false, false, false, MB(40), true, 32 },
	{ "sv48_shortage_allocations_fail", 4, 0, true, false, false, MB(7), true, 32 },
	{ "sv39_every_check", 3, 2, false, false, true, MB(32), false, 1 },
};
#define MACHINES (sizeof(machines) / sizeof(machines[0]))

/* What parent and children share. */
static struct {
	struct driver_counts counts;
	uint64_t program;               /* that the child is at */
	unsigned op;
	char     failure[1024];
} *shared;

static uint64_t seed = 0x41746c6173ul;
static struct op ops[PROGRAM_OPS];

static uint64_t
mix(uint64_t x)
{
	x ^= x >> 30;
	x *= 0xbf58476d1ce4e5b9ul;
	x ^= x >> 27;
	x *= 0x94d049bb133111ebul;
	return x ^ x >> 31;
}

static void
generate(unsigned machine, uint64_t program)
{
	uint64_t x = mix(seed + machine * 0x9e3779b97f4a7c15ul) + program * 0xd1342543de82ef95ul;

	for (unsigned i = 0; i < PROGRAM_OPS; i++) {
		uint64_t w[2] = { mix(x += 0x9e3779b97f4a7c15ul), mix(x += 0x9e3779b97f4a7c15ul) };

		memcpy(ops[i].b, w, 16);
	}
}

static bool
run_program(unsigned n)
{
	bool good = true;

	driver_start();
	for (unsigned i = 0; good && i < n; i++) {
		shared->op = i;
		good = driver_op(&ops[i]);
	}
	good = good && driver_finish();
	memcpy(shared->failure, driver_failure, sizeof(shared->failure));
	return good;
}

/* fn in a child; TRUE: it ended well. quiet: its words are nobody's business. */
static bool
in_child(bool (*fn)(uint64_t), uint64_t n, unsigned seconds, bool quiet)
{
	int status;
	pid_t pid;

	fflush(stdout);
	shared->failure[0] = '\0';
	pid = fork();
	if (pid == 0) {
		alarm(seconds);
		if (quiet && (freopen("/dev/null", "w", stdout) == NULL || freopen("/dev/null", "w", stderr) == NULL))
			_exit(2);
		status = fn(n) ? 0 : 1;
		fflush(stdout);
		_exit(status);
	}
	if (pid < 0 || waitpid(pid, &status, 0) != pid) {
		perror("fork");
		exit(2);
	}
	if (shared->failure[0] == '\0' && status != 0)
		snprintf(shared->failure, sizeof(shared->failure), WIFSIGNALED(status) ?
		    WTERMSIG(status) == SIGALRM ? "took too long" : "ended by signal %d" : "ended with status %d",
		    WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status));
	return status == 0;
}

/* --- shrinking --- */

static unsigned nops;
static bool     shrinks = true;

static bool
child_replay(uint64_t n)
{
	return run_program((unsigned)n);
}

static bool
still_fails(void)
{
	return !in_child(child_replay, nops, 20, true);
}

/* Deletes ops[at, at+n) if the rest still fails. */
static bool
without(unsigned at, unsigned n)
{
	static struct op saved[PROGRAM_OPS];
	unsigned before = nops;

	memcpy(saved, ops, sizeof(ops));
	memmove(&ops[at], &ops[at + n], (nops - at - n) * sizeof(ops[0]));
	nops -= n;
	if (still_fails())
		return true;
	memcpy(ops, saved, sizeof(ops));
	nops = before;
	return false;
}

static void
shrink(void)
{
	time_t limit = time(NULL) + SHRINK_SECONDS;
	unsigned n, at;

	for (n = nops / 2; n > 0 && time(NULL) < limit; ) {
		bool any = false;

		for (at = 0; at + n <= nops && time(NULL) < limit; )
			if (without(at, n))
				any = true;
			else
				at += n;
		if (!any || n > 1)
			n = n > 1 ? n / 2 : 0;
	}
}

static void
print_program(const struct driver_config *c)
{
	FILE *f;
	char name[256];

	driver_verbose = true;
	in_child(child_replay, nops, 20, false);
	driver_verbose = false;
	printf("# %s\n", shared->failure);
	snprintf(name, sizeof(name), "build/test/model-%s.program", c->name);
	f = fopen(name, "w");
	if (f == NULL)
		return;
	for (unsigned i = 0; i < nops; i++) {
		for (unsigned k = 0; k < 16; k++)
			fprintf(f, "%02x", ops[i].b[k]);
		fprintf(f, "\n");
	}
	fclose(f);
	printf("# %u operations; again: build/host/model --replay %s %s\n", nops, name, c->name);
}

static void
explain(const struct driver_config *c, unsigned machine)
{
	printf("# seed 0x%lx, machine %s, program %lu, operation %u: %s\n", seed, c->name,
	    shared->program, shared->op, shared->failure);
	if (!shrinks)
		return;
	generate(machine, shared->program);
	nops = shared->op + 1 < PROGRAM_OPS ? shared->op + 1 : PROGRAM_OPS;
	if (!still_fails())
		nops = PROGRAM_OPS;     /* it was the end that failed */
	if (nops == PROGRAM_OPS && !still_fails()) {
		printf("# it does not fail again\n");
		return;
	}
	shrink();
	print_program(c);
}

/* --- running --- */

static uint64_t ops_each, first, programs;      /* for each machine; the first program, and how many */

static bool
child_program(uint64_t n)
{
	bool good = run_program(PROGRAM_OPS);

	(void)n;
	memcpy(&shared->counts, &driver_counts, sizeof(driver_counts));
	return good;
}

static bool
run_programs(unsigned machine)
{
	for (shared->program = first; shared->program < first + programs; shared->program++) {
		generate(machine, shared->program);
		if (!in_child(child_program, 0, 120, false))
			return false;
		memcpy(&driver_counts, &shared->counts, sizeof(driver_counts));
	}
	return true;
}

static uint64_t
calls(const struct driver_counts *n)
{
	uint64_t all = 0;

	for (unsigned k = 0; k < DRV_KINDS; k++)
		all += n->done[k] + n->refused[k] + n->shortage[k] + n->skipped[k];
	return all;
}

static void
print_counts(void)
{
	const struct driver_counts *n = &shared->counts;

	for (unsigned k = 0; k < DRV_KINDS && getenv("MODEL_COUNTS") != NULL; k++)
		printf("#   %-18s %8lu done %8lu refused %8lu shortage %8lu skipped\n", driver_kind_name[k],
		    n->done[k], n->refused[k], n->shortage[k], n->skipped[k]);
	printf("#   %lu calls, %lu accesses, %lu pages compared, %lu regions, %lu full checks\n", calls(n),
	    n->accesses, n->pages_compared, n->regions, n->checks);
	if (n->partial > 0)
		printf("#   %lu writes of the kernel were stopped half way by a shortage\n", n->partial);
	printf("#   %lu megapages made, %lu broken, %lu whole at the end; shadow chains: longest %lu, mean %.2f\n",
	    n->promotions, n->demotions, n->megapages, n->chain_max,
	    n->chain_samples ? (double)n->chain_sum / (double)n->chain_samples : 0);
}

static bool
run_machine(unsigned m, bool slow)
{
	struct driver_config c = machines[m];
	time_t start = time(NULL);

	if (slow)
		c.check_every = 1;
	programs = (ops_each / (c.check_every == 1 ? 8 : 1) + PROGRAM_OPS - 1) / PROGRAM_OPS;
	memset(shared, 0, sizeof(*shared));
	memset(&driver_counts, 0, sizeof(driver_counts));
	driver_boot(&c);
	printf("# %s: %lu programs of %u operations\n", c.name, programs, PROGRAM_OPS);
	if (run_programs(m)) {
		print_counts();
		printf("#   %ld s\n", (long)(time(NULL) - start));
		return true;
	}
	explain(&c, m);
	return false;
}

/* --- for hours --- */

#define SOAK_ROUND      16u             /* programs of a machine at a time */
#define SOAK_TELLS      60              /* seconds */

/* programs programs from first on, from a fresh boot; what they counted goes to *sum. */
static bool
soak_machine(unsigned m, struct driver_counts *sum)
{
	memset(shared, 0, sizeof(*shared));
	memset(&driver_counts, 0, sizeof(driver_counts));
	driver_boot(&machines[m]);
	programs = machines[m].check_every == 1 ? SOAK_ROUND / 8 : SOAK_ROUND;
	if (!run_programs(m)) {
		explain(&machines[m], m);
		return false;
	}
	for (unsigned k = 0; k < DRV_KINDS; k++) {
		sum->done[k] += shared->counts.done[k];
		sum->refused[k] += shared->counts.refused[k];
		sum->shortage[k] += shared->counts.shortage[k];
		sum->skipped[k] += shared->counts.skipped[k];
	}
	sum->pages_compared += shared->counts.pages_compared;
	sum->checks += shared->counts.checks;
	return true;
}

static unsigned
soak(uint64_t total)
{
	time_t start = time(NULL), told = start;
	bool failed[MACHINES] = { 0 };
	struct driver_counts sum = { 0 };
	unsigned failures = 0;

	for (uint64_t round = 0; calls(&sum) < total && failures < MACHINES; round++)
		for (unsigned m = 0; m < MACHINES && calls(&sum) < total; m++) {
			first = round * SOAK_ROUND;
			if (failed[m])
				continue;
			failed[m] = !soak_machine(m, &sum);
			failures += failed[m];
			if (failed[m])
				printf("not ok model.%s\n", machines[m].name);
			if (time(NULL) - told >= SOAK_TELLS) {
				told = time(NULL);
				printf("# %lu of %lu operations, %ld s, %lu a second\n", calls(&sum), total, (long)(told - start),
				    calls(&sum) / (uint64_t)(told - start));
			}
			fflush(stdout);
		}
	for (unsigned k = 0; k < DRV_KINDS; k++)
		printf("#   %-18s %8lu done %8lu refused %8lu shortage %8lu skipped\n", driver_kind_name[k],
		    sum.done[k], sum.refused[k], sum.shortage[k], sum.skipped[k]);
	printf("soak: seed 0x%lx: %lu operations, %lu pages compared, %lu full checks in %ld s on %zu machines: %u failed\n", seed,
	    calls(&sum), sum.pages_compared, sum.checks, (long)(time(NULL) - start), MACHINES, failures);
	return failures;
}

static unsigned
find_machine(const char *name)
{
	for (unsigned m = 0; m < MACHINES; m++)
		if (strcmp(machines[m].name, name) == 0)
			return m;
	fprintf(stderr, "model: no machine %s; there are:", name);
	for (unsigned m = 0; m < MACHINES; m++)
		fprintf(stderr, " %s", machines[m].name);
	fprintf(stderr, "\n");
	exit(2);
}

static int
replay(const char *file, const char *name)
{
	FILE *f = fopen(file, "r");
	char line[64];

	if (f == NULL) {
		perror(file);
		return 2;
	}
	for (nops = 0; nops < PROGRAM_OPS && fgets(line, sizeof(line), f) != NULL; nops++)
		for (unsigned k = 0; k < 16; k++)
			if (sscanf(line + 2 * k, "%2hhx", &ops[nops].b[k]) != 1) {
				fprintf(stderr, "%s:%u: 32 hex digits are due\n", file, nops + 1);
				return 2;
			}
	fclose(f);
	driver_boot(&machines[find_machine(name)]);
	print_program(&machines[find_machine(name)]);
	return shared->failure[0] != '\0';
}

int
main(int argc, char **argv)
{
	uint64_t total = 3000, soaked = 0;
	bool slow = false, only[MACHINES] = { 0 };
	unsigned wanted = 0, failures = 0, number = 0;

	if (argc > 1 && strcmp(argv[1], "--soak") == 0)
		seed = mix((uint64_t)time(NULL)) >> 16;
	shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (getenv("ATLAS_SEED") != NULL)
		seed = strtoull(getenv("ATLAS_SEED"), NULL, 0);
	for (int i = 1; i < argc; i++) {
		if (strcmp(argv[i], "--full") == 0)
			total = 145000;
		else if (strcmp(argv[i], "--slow") == 0)
			slow = true;
		else if (strcmp(argv[i], "--no-shrink") == 0)
			shrinks = false;
		else if (strcmp(argv[i], "--seed") == 0 && i + 1 < argc)
			seed = strtoull(argv[++i], NULL, 0);
		else if (strcmp(argv[i], "--ops") == 0 && i + 1 < argc)
			total = strtoull(argv[++i], NULL, 0);
		else if (strcmp(argv[i], "--soak") == 0 && i + 1 < argc)
			soaked = strtoull(argv[++i], NULL, 0);
		else if (strcmp(argv[i], "--replay") == 0 && i + 2 < argc)
			return replay(argv[i + 1], argv[i + 2]);
		else {
			only[find_machine(argv[i])] = true;
			wanted++;
		}
	}
	if (soaked != 0)
		return soak(soaked) != 0;
	ops_each = total;
	printf("KTAP version 1\n1..%zu\n# seed 0x%lx (ATLAS_SEED)\n", wanted ? wanted : MACHINES, seed);
	for (unsigned m = 0; m < MACHINES; m++) {
		bool good;

		if (wanted && !only[m])
			continue;
		good = run_machine(m, slow);
		failures += !good;
		printf("%sok %u model.%s\n", good ? "" : "not ", ++number, machines[m].name);
		fflush(stdout);
	}
	return failures != 0;
}
