/*
 * soak.c: the model and mm against each other for hours. See programs.h.
 *
 *	job 0: machine 0, programs 0..15 ─┐
 *	job 1: machine 1, programs 0..15 ─┼─ one process each, so many at a time
 *	...                               │   as there are cores; boots the machine,
 *	job 9: machine 0, programs 16.. ──┘   runs its programs one after the other
 *
 * Jobs are handed out in this order until enough operations are done; what the
 * jobs count is added up. So a seed names all the programs, whatever the number
 * of processes, and machine and first program name a job: --first P NAME
 * begins with it. Each failure is told with the command that has it again, also
 * in the file that is kept. A machine that failed gets no job from then on, and its
 * failure is shrunk while other jobs go on; what those of them find that are of
 * the same machine is told, not shrunk.
 *
 * Each operation is judged as in make check: its results, what harts reach
 * afterwards, the TLBs. Less often, but for the machine that has it after each
 * operation: the full check of every leaf, region and invariant (SELDOM), and
 * the poison in free pages (POISONED). Unlike there, a program is longer, and
 * finds caches, zones and tables as the one before it left them. What fails is
 * repeated with all checks after each operation.
 */
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include <vm_page_impl.h>
#include "programs.h"

#define PROCESSES_MAX   64u
#define TELL_SECONDS    60
#define SHRINK_SECONDS  600
#define SELDOM          8u              /* times the operations from one full check to the next */
#define POISONED        4u              /* of so many programs, in one are free pages poisoned */

struct job {
	pid_t          pid;             /* 0: no job */
	unsigned       machine, programs;
	uint64_t       first;
	struct report *report;
};

static struct job jobs[PROCESSES_MAX];
static struct {
	uint64_t total, done, programs;         /* operations; those of them that were done */
	unsigned processes, machines, failures, running;
	bool     left_out[MACHINES_MAX];        /* has failed, or was not asked for */
	unsigned left;                          /* machines that are not */
	uint64_t first, next;                   /* program, job */
	time_t   start, told;
	struct driver_counts counts;
	FILE    *kept;                          /* or NULL */
} state;
static volatile sig_atomic_t stopped;

static void
stop(int signal)
{
	(void)signal;
	stopped = true;
}

/* --- jobs --- */

static bool
job_main(const void *arg, struct report *r)
{
	static struct op ops[LONG_OPS];
	const struct job *j = arg;
	struct driver_config c = machines[j->machine];

	bool slow = c.check_every == 1;

	signal(SIGINT, SIG_IGN);        /* of a terminal: the job comes to its end */
	if (!slow)
		c.check_every *= SELDOM;
	driver_boot(&c);
	memset(&driver_counts, 0, sizeof(driver_counts));
	for (unsigned i = 0; i < j->programs; i++) {
		r->program = j->first + i;
		program_ops(j->machine, r->program, ops, slow ? PROGRAM_OPS : LONG_OPS);
		vm_page_poisons = slow || r->program % POISONED == 0;
		alarm(PROGRAM_SECONDS);
		if (!program_run(ops, slow ? PROGRAM_OPS : LONG_OPS, r))
			return false;
	}
	memcpy(&r->counts, &driver_counts, sizeof(driver_counts));
	return true;
}

/* The next job of a machine that is left. */
static void
job_start(struct job *j)
{
	do {
		j->machine = (unsigned)(state.next % nmachines);
		j->first = state.first + state.next / nmachines * BATCH_PROGRAMS;
		state.next++;
	} while (state.left_out[j->machine]);
	/* Slow ones get fewer. */
	j->programs = machines[j->machine].check_every == 1 ? 1 : BATCH_PROGRAMS;
	if (j->report == NULL)
		j->report = report_new();
	memset(j->report, 0, sizeof(*j->report));
	j->pid = child_start(job_main, j, j->report, PROGRAM_SECONDS, false);
	state.running++;
}

/* To the terminal and to what is kept. */
static void
tell_both(const char *fmt, ...)
{
	FILE *to[] = { stdout, state.kept };
	va_list ap;

	for (unsigned i = 0; i < nitems(to); i++) {
		if (to[i] == NULL)
			continue;
		va_start(ap, fmt);
		vfprintf(to[i], fmt, ap);
		va_end(ap);
		fflush(to[i]);
	}
}

/* Each failure is told, also that of a job which ran beside the one that failed first. */
static void
job_failed(const struct job *j)
{
	const struct report *r = j->report;
	const char *name = machines[j->machine].name;

	state.failures++;
	tell_both("not ok model.%s: program %lu of those from %lu on, operation %u: %s\n# again: build/soak/model --soak 1 --processes 1 "
	    "--seed 0x%lx --first %lu %s\n", name, r->program, j->first, r->op, r->failure, seed, j->first, name);
	if (state.left_out[j->machine])
		return;
	state.left_out[j->machine] = true;
	state.left--;
	explain(j->machine, j->first, r, SHRINK_SECONDS);
}

static void
job_ended(struct job *j, int status)
{
	const struct driver_counts *n = &j->report->counts;

	j->pid = 0;
	state.running--;
	if (!child_ended(status, j->report)) {
		job_failed(j);
		return;
	}
	for (unsigned k = 0; k < DRV_KINDS; k++) {
		state.counts.done[k] += n->done[k];
		state.counts.refused[k] += n->refused[k];
		state.counts.shortage[k] += n->shortage[k];
		state.counts.skipped[k] += n->skipped[k];
	}
	state.counts.pages_compared += n->pages_compared;
	state.counts.checks += n->checks;
	state.done += driver_calls(n);
	state.programs += j->programs;
}

static void
tell(void)
{
	time_t now = time(NULL);

	if (now - state.told < TELL_SECONDS)
		return;
	state.told = now;
	tell_both("# %lu of %lu operations, %ld s, %lu a second, %u failed\n", state.done, state.total,
	    (long)(now - state.start), state.done / (uint64_t)(now - state.start), state.failures);
}

/* Waits for any child and finds its job. */
static void
wait_for_one(void)
{
	int status;
	pid_t pid = waitpid(-1, &status, 0);

	for (unsigned i = 0; pid > 0 && i < state.processes; i++)
		if (jobs[i].pid == pid)
			job_ended(&jobs[i], status);
}

static bool
goes_on(void)
{
	return !stopped && state.done < state.total && state.left > 0;
}

static bool
sum(void)
{
	const struct driver_counts *n = &state.counts;
	bool good = state.failures == 0 && state.done >= state.total;

	for (unsigned k = 0; k < DRV_KINDS; k++)
		tell_both("#   %-18s %8lu done %8lu refused %8lu shortage %8lu skipped\n", driver_kind_name[k],
		    n->done[k], n->refused[k], n->shortage[k], n->skipped[k]);
	tell_both("soak: %s: seed 0x%lx: %lu operations in %lu programs on %u machines, %lu pages compared, %lu full checks, "
	    "%u processes, %ld s: %u failed\n", good ? "passed" : state.failures > 0 ? "FAILED" : "stopped", seed,
	    state.done, state.programs, state.machines, n->pages_compared, n->checks, state.processes,
	    (long)(time(NULL) - state.start), state.failures);
	return good;
}

int
soak(uint64_t total, uint64_t first, unsigned processes, const bool *only, const char *kept)
{
	bool good;

	state.total = total;
	state.first = first;
	for (unsigned m = 0; m < nmachines; m++) {
		state.left_out[m] = only != NULL && !only[m];
		state.machines += !state.left_out[m];
	}
	state.left = state.machines;
	state.processes = processes < 1 ? 1 : processes < PROCESSES_MAX ? processes : PROCESSES_MAX;
	state.start = state.told = time(NULL);
	if (kept != NULL && (state.kept = fopen(kept, "w")) == NULL) {
		perror(kept);
		return 2;
	}
	sigaction(SIGINT, &(struct sigaction){ .sa_handler = stop }, NULL);
	sigaction(SIGTERM, &(struct sigaction){ .sa_handler = stop }, NULL);
	tell_both("# soak: seed 0x%lx, from program %lu on, %lu operations, %u processes\n", seed, first, total, state.processes);
	while (state.running > 0 || goes_on()) {
		for (unsigned i = 0; i < state.processes && goes_on(); i++)
			if (jobs[i].pid == 0)
				job_start(&jobs[i]);
		wait_for_one();
		tell();
	}
	good = sum();
	if (state.kept != NULL)
		fclose(state.kept);
	return !good;
}
