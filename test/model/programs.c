/*
 * programs.c: makes random programs and runs them in children. See programs.h.
 *
 * An operation's bytes follow from seed, machine, program and place, so any
 * program can be made again alone. A child is used since a panic or a
 * sanitizer's report ends the process; how far it came stands in shared memory.
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>
#include "programs.h"

#define MB(n)           ((size_t)(n) << 20)

const struct driver_config machines[] = {
	{ "sv39_asid16", 3, 16, false, false, false, MB(48), false, 64, false },
	{ "sv39_asid2_fault_ad", 3, 2, true, false, false, MB(48), false, 64, false },
	{ "sv39_no_asid_full_fences_fault_ad", 3, 0, true, true, true, MB(48), false, 64, false },
	{ "sv48_asid2", 4, 2, false, false, true, MB(48), false, 64, false },
	{ "sv57_asid16_fault_ad", 5, 16, true, false, false, MB(48), false, 64, false },
	{ "sv39_shortage", 3, 16, false, false, false, MB(7), false, 64, false },
	{ "sv39_allocations_fail", 3, 2, false, false, false, MB(40), true, 32, false },
	{ "sv48_shortage_allocations_fail", 4, 0, true, false, false, MB(7), true, 32, false },
	{ "sv39_every_check", 3, 2, false, false, true, MB(32), false, 1, false },
	{ "sv39_svnapot", 3, 16, false, false, false, MB(48), false, 64, true },
	{ "sv48_svnapot_fault_ad", 4, 2, true, false, true, MB(48), false, 64, true },
};
const unsigned nmachines = sizeof(machines) / sizeof(machines[0]);

uint64_t seed = 0x41746c6173ul;

unsigned
find_machine(const char *name)
{
	for (unsigned m = 0; m < nmachines; m++)
		if (strcmp(machines[m].name, name) == 0)
			return m;
	fprintf(stderr, "model: no machine %s; there are:", name);
	for (unsigned m = 0; m < nmachines; m++)
		fprintf(stderr, " %s", machines[m].name);
	fprintf(stderr, "\n");
	exit(2);
}

/* --- programs --- */

static uint64_t
mix(uint64_t x)
{
	x ^= x >> 30;
	x *= 0xbf58476d1ce4e5b9ul;
	x ^= x >> 27;
	x *= 0x94d049bb133111ebul;
	return x ^ x >> 31;
}

void
program_ops(unsigned machine, uint64_t program, struct op *ops, unsigned n)
{
	uint64_t x = mix(seed + machine * 0x9e3779b97f4a7c15ul) + program * 0xd1342543de82ef95ul;

	for (unsigned i = 0; i < n; i++) {
		uint64_t w[2] = { mix(x += 0x9e3779b97f4a7c15ul), mix(x += 0x9e3779b97f4a7c15ul) };

		memcpy(ops[i].b, w, 16);
	}
}

bool
program_run(const struct op *ops, unsigned n, struct report *r)
{
	bool good = true;

	r->length = n;
	driver_start();
	for (r->op = 0; good && r->op < n; r->op++)
		good = driver_op(&ops[r->op]);
	if (!good)
		r->op--;                /* it is this one */
	good = good && driver_finish();
	memcpy(r->failure, driver_failure, sizeof(r->failure));
	return good;
}

/* --- children --- */

struct report *
report_new(void)
{
	struct report *r = mmap(NULL, sizeof(*r), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	if (r == MAP_FAILED) {
		perror("mmap");
		exit(2);
	}
	return r;
}

pid_t
child_start(bool (*fn)(const void *arg, struct report *r), const void *arg, struct report *r, unsigned seconds, bool quiet)
{
	int status;
	pid_t pid;

	fflush(stdout);
	r->failure[0] = '\0';
	pid = fork();
	if (pid < 0) {
		perror("fork");
		exit(2);
	}
	if (pid > 0)
		return pid;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	alarm(seconds);
	if (quiet && (freopen("/dev/null", "w", stdout) == NULL || freopen("/dev/null", "w", stderr) == NULL))
		_exit(2);
	status = fn(arg, r) ? 0 : 1;
	fflush(stdout);
	_exit(status);
}

bool
child_ended(int status, struct report *r)
{
	if (r->failure[0] == '\0' && status != 0)
		snprintf(r->failure, sizeof(r->failure), WIFSIGNALED(status) ?
		    WTERMSIG(status) == SIGALRM ? "took too long" : "ended by signal %d" : "ended with status %d",
		    WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status));
	return status == 0;
}

bool
child_end(pid_t pid, struct report *r)
{
	int status;

	while (waitpid(pid, &status, 0) != pid)
		;
	return child_ended(status, r);
}
