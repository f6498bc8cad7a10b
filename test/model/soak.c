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
 * of processes. A machine that failed is left out from then on, and its failure
 * shrunk while other jobs go on.
 *
 * Each operation is judged as in make check: its results, what harts reach
 * afterwards, the TLBs. Less often, but for the machine that has it after each
 * operation: the full check of every leaf, region and invariant (SELDOM), and
 * the poison in free pages (POISONED). Unlike there, a program is longer, and
 * finds caches, zones and tables as the one before it left them. What fails is
 * repeated with all checks after each operation.
 */
#include <signal.h>
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
	unsigned processes, failures, running;
	bool     failed[MACHINES_MAX];
	uint64_t next;                          /* job */
	time_t   start, told;
	struct driver_counts counts;
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

/* The next job of a machine that has not failed. */
static void
job_start(struct job *j)
{
	do {
		j->machine = (unsigned)(state.next % nmachines);
		j->first = state.next / nmachines * BATCH_PROGRAMS;
		state.next++;
	} while (state.failed[j->machine]);
	/* Slow ones get fewer. */
	j->programs = machines[j->machine].check_every == 1 ? 1 : BATCH_PROGRAMS;
	if (j->report == NULL)
		j->report = report_new();
	memset(j->report, 0, sizeof(*j->report));
	j->pid = child_start(job_main, j, j->report, PROGRAM_SECONDS, false);
	state.running++;
}

static void
job_ended(struct job *j, int status)
{
	const struct driver_counts *n = &j->report->counts;

	j->pid = 0;
	state.running--;
	if (!child_ended(status, j->report)) {
		if (!state.failed[j->machine]) {
			state.failed[j->machine] = true;
			state.failures++;
			explain(j->machine, j->first, j->report, SHRINK_SECONDS);
			printf("not ok model.%s\n", machines[j->machine].name);
		}
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
	printf("# %lu of %lu operations, %ld s, %lu a second, %u failed\n", state.done, state.total,
	    (long)(now - state.start), state.done / (uint64_t)(now - state.start), state.failures);
	fflush(stdout);
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

int
soak(uint64_t total, unsigned processes)
{
	const struct driver_counts *n = &state.counts;
	bool good;

	state.total = total;
	state.processes = processes < 1 ? 1 : processes < PROCESSES_MAX ? processes : PROCESSES_MAX;
	state.start = state.told = time(NULL);
	sigaction(SIGINT, &(struct sigaction){ .sa_handler = stop }, NULL);
	sigaction(SIGTERM, &(struct sigaction){ .sa_handler = stop }, NULL);
	printf("# soak: seed 0x%lx, %lu operations, %u processes\n", seed, total, state.processes);
	while (state.running > 0 || (!stopped && state.done < total && state.failures < nmachines)) {
		for (unsigned i = 0; i < state.processes; i++)
			if (jobs[i].pid == 0 && !stopped && state.done < total && state.failures < nmachines)
				job_start(&jobs[i]);
		wait_for_one();
		tell();
	}
	for (unsigned k = 0; k < DRV_KINDS; k++)
		printf("#   %-18s %8lu done %8lu refused %8lu shortage %8lu skipped\n", driver_kind_name[k],
		    n->done[k], n->refused[k], n->shortage[k], n->skipped[k]);
	good = state.failures == 0 && state.done >= total;
	printf("soak: %s: seed 0x%lx: %lu operations in %lu programs on %u machines, %lu pages compared, %lu full checks, "
	    "%u processes, %ld s: %u failed\n", good ? "passed" : state.failures > 0 ? "FAILED" : "stopped", seed,
	    state.done, state.programs, nmachines, n->pages_compared, n->checks, state.processes,
	    (long)(time(NULL) - state.start), state.failures);
	return !good;
}
