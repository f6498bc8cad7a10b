/*
 * shrink.c: failing programs become short ones. See programs.h.
 *
 *	found       program n failed after others had run in its process
 *	before      does it fail alone? if not, after which of the programs before it?
 *	sooner      with all checks after each operation it may fail earlier
 *	shrunk      operations are deleted, many at a time, then few, while it still fails
 *	kept        the rest, in words and as a file that --replay reads: the 16
 *	            bytes of an operation a line, "end" behind them where a program ends
 *
 * All of it from one fresh boot in this process, of which each trial is a child.
 * A replay has all checks after each operation.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include "programs.h"

#define TRIAL_SECONDS   20      /* for each program of it */

bool shrinks = true;

static struct step steps[BATCH_OPS];
static unsigned    nsteps, nprograms;
static struct report *trial;

static bool
run_steps(const void *arg, struct report *r)
{
	bool good = true;

	(void)arg;
	driver_start();
	for (r->op = 0; good && r->op < nsteps; r->op++) {
		good = driver_op(&steps[r->op].op);
		if (good && steps[r->op].ends && r->op + 1 < nsteps) {
			good = driver_finish();
			driver_start();
		}
	}
	if (!good)
		r->op--;
	good = good && driver_finish();
	memcpy(r->failure, driver_failure, sizeof(r->failure));
	return good;
}

static bool
try(bool quiet)
{
	if (trial == NULL)
		trial = report_new();
	return child_end(child_start(run_steps, NULL, trial, TRIAL_SECONDS * (nprograms + 1), quiet), trial);
}

static bool
still_fails(void)
{
	return !try(true);
}

/* Programs of length n, from `first` to `last`, the last one up to operation `op`. */
static void
gather(unsigned machine, uint64_t first, uint64_t last, unsigned n, unsigned op)
{
	static struct op ops[LONG_OPS];

	nsteps = 0;
	nprograms = (unsigned)(last - first) + 1;
	for (uint64_t program = first; program <= last; program++) {
		program_ops(machine, program, ops, n);
		for (unsigned i = 0; i < n && (program < last || i <= op); i++)
			steps[nsteps++] = (struct step){ ops[i], i == n - 1 };
	}
}

/* Deletes steps[at, at+n) if the rest still fails. */
static bool
without(unsigned at, unsigned n)
{
	static struct step saved[BATCH_OPS];
	unsigned before = nsteps;
	bool ends = false;

	memcpy(saved, steps, nsteps * sizeof(steps[0]));
	for (unsigned i = at; i < at + n; i++)
		ends |= steps[i].ends;
	memmove(&steps[at], &steps[at + n], (nsteps - at - n) * sizeof(steps[0]));
	nsteps -= n;
	if (ends && at > 0)             /* what was before still ends there */
		steps[at - 1].ends = true;
	if (still_fails())
		return true;
	memcpy(steps, saved, before * sizeof(steps[0]));
	nsteps = before;
	return false;
}

static void
shrink(unsigned seconds)
{
	time_t limit = time(NULL) + seconds;
	unsigned n, at;

	for (n = nsteps / 2; n > 0 && time(NULL) < limit; ) {
		bool any = false;

		for (at = 0; at + n <= nsteps && time(NULL) < limit; )
			if (without(at, n))
				any = true;
			else
				at += n;
		if (!any || n > 1)
			n = n > 1 ? n / 2 : 0;
	}
}

static void
keep(const char *machine)
{
	char name[256];
	FILE *f;

	driver_verbose = true;
	try(false);
	driver_verbose = false;
	printf("# %s\n", trial->failure);
	snprintf(name, sizeof(name), "build/test/model-%s.program", machine);
	f = fopen(name, "w");
	if (f == NULL)
		return;
	for (unsigned i = 0; i < nsteps; i++) {
		for (unsigned k = 0; k < 16; k++)
			fprintf(f, "%02x", steps[i].op.b[k]);
		fprintf(f, steps[i].ends ? " end\n" : "\n");
	}
	fclose(f);
	printf("# %u operations; again: build/host/model --replay %s %s\n", nsteps, name, machine);
}

/* The failing program alone, or with those before it that it needs. */
static bool
fails_again(unsigned machine, uint64_t first, const struct report *r)
{
	uint64_t most = r->program - first;

	for (uint64_t before = 0;; before = 2 * before + 1 < most ? 2 * before + 1 : most) {
		gather(machine, r->program - before, r->program, r->length, r->length);
		if (still_fails())
			return true;
		if (before == most)
			return false;
	}
}

void
explain(unsigned machine, uint64_t first, const struct report *r, unsigned seconds)
{
	struct driver_config c = machines[machine];

	printf("# seed 0x%lx, machine %s, program %lu of those from %lu on, operation %u: %s\n", seed, c.name,
	    r->program, first, r->op, r->failure);
	if (!shrinks)
		return;
	c.check_every = 1;
	driver_boot(&c);
	gather(machine, r->program, r->program, r->length, r->op);
	if (c.check_every == machines[machine].check_every || !still_fails()) {
		driver_boot(&machines[machine]);
		if (!fails_again(machine, first, r)) {
			printf("# it does not fail again\n");
			return;
		}
	}
	if (trial->op + 1 < nsteps)
		nsteps = trial->op + 1;
	if (!still_fails()) {
		printf("# it does not fail each time\n");
		return;
	}
	shrink(seconds);
	keep(c.name);
}

int
replay(const char *file, const char *machine)
{
	struct driver_config c = machines[find_machine(machine)];
	FILE *f = fopen(file, "r");
	char line[64];

	c.check_every = 1;
	if (f == NULL) {
		perror(file);
		return 2;
	}
	for (nsteps = 0; nsteps < BATCH_OPS && fgets(line, sizeof(line), f) != NULL; nsteps++) {
		for (unsigned k = 0; k < 16; k++)
			if (sscanf(line + 2 * k, "%2hhx", &steps[nsteps].op.b[k]) != 1) {
				fprintf(stderr, "%s:%u: 32 hex digits are due\n", file, nsteps + 1);
				return 2;
			}
		steps[nsteps].ends = strstr(line, "end") != NULL;
		nprograms += steps[nsteps].ends;
	}
	fclose(f);
	driver_boot(&c);
	keep(machine);
	return trial->failure[0] != '\0';
}
