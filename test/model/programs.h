/*
 * programs.h: random programs, run by child processes.
 *
 *   main.c        options; one test for each machine
 *   soak.c        all machines for hours, in several processes
 *   programs.c    makes programs and runs them
 *   shrink.c      what is left of those that fail
 */
#ifndef PROGRAMS_H
#define PROGRAMS_H

#include <sys/types.h>
#include "driver.h"

#define PROGRAM_OPS     1500u
#define LONG_OPS        6000u           /* of a program of the soak */
#define BATCH_PROGRAMS  16u             /* at most, one after the other in one child */
#define BATCH_OPS       (BATCH_PROGRAMS * LONG_OPS)
#define PROGRAM_SECONDS 600             /* a program that takes longer hangs */
#define MACHINES_MAX    64u

extern const struct driver_config machines[];
extern const unsigned nmachines;
extern uint64_t seed;                   /* of all programs */

/* The machine of that name; ends the process if there is none. */
unsigned find_machine(const char *name);

/* What a child tells while it runs: shared memory. */
struct report {
	struct driver_counts counts;
	uint64_t program;               /* that it is at */
	unsigned length, op;            /* of its operations */
	char     failure[1024];         /* "": none */
};
struct report *report_new(void);

/* A step of a program to be replayed. */
struct step {
	struct op op;
	bool      ends;                 /* tasks end after it, and all is read; the next step begins anew */
};

/* The first n operations of a program. */
void program_ops(unsigned machine, uint64_t program, struct op *ops, unsigned n);
/* Runs n ops, then the end. FALSE: r->failure says why. */
bool program_run(const struct op *ops, unsigned n, struct report *r);

/*
 * fn(arg) in a child, which tells *r; it is ended after `seconds`. FALSE from
 * fn is a failure, and so is a child that dies. quiet: its words are nobody's
 * business. child_end waits for it, completes r->failure, and says whether it
 * ended well.
 */
pid_t child_start(bool (*fn)(const void *arg, struct report *r), const void *arg, struct report *r, unsigned seconds, bool quiet);
bool  child_end(pid_t pid, struct report *r);
/* What waitpid said of a child of child_start's. */
bool  child_ended(int status, struct report *r);

/* --- shrink.c --- */

extern bool shrinks;                    /* --no-shrink: failures are only told */

/*
 * Program r->program of the machine failed, in a child that had run those from
 * `first` on before it. Says so; finds a shorter one that fails; keeps it in
 * build/test. Boots this process's machine.
 */
void explain(unsigned machine, uint64_t first, const struct report *r, unsigned seconds);
/* Exit status. */
int  replay(const char *file, const char *machine);

/* --- soak.c --- */

/*
 * `total` operations of the machines in only (NULL: all), the first program of each being `first`. What is told stands
 * in the file `kept`, too (NULL: none). Exit status.
 */
int  soak(uint64_t total, uint64_t first, unsigned processes, const bool *only, const char *kept);

#endif
