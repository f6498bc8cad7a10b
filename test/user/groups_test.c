/*
 * groups_test: memory in which leaves of 64 KiB come and go where harts have
 * Svnapot: filled, forked, protected, unmapped and written in parts.
 *
 * Prints a sum for each step, which must be the same with groups and without
 * (test/qemu/test_svnapot.py compares): what groups are for is not to be seen.
 */
#include "check.h"
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#define PAGE    4096ul
#define PAGES   (3 * 512ul - 1)         /* the last page of a megapage is left out, so there is no megapage leaf */
#define GROUP   16ul

static unsigned char *memory;

/* Pages [first, end) hold what follows from `salt`. */
static void
fill(unsigned long first, unsigned long end, unsigned long salt)
{
	for (unsigned long i = first; i < end; i++)
		if (i % 512 != 511)
			for (unsigned long at = 0; at < PAGE; at += 512)
				memory[i * PAGE + at] = (unsigned char)(i * 7 + at / 512 + salt);
}

static unsigned long
sum(unsigned long first, unsigned long end)
{
	unsigned long all = 0;

	for (unsigned long i = first; i < end; i++)
		if (i % 512 != 511)
			for (unsigned long at = 0; at < PAGE; at += 512)
				all = all * 31 + memory[i * PAGE + at];
	return all;
}

static void
say(const char *step)
{
	printf("sum %s %016lx\n", step, sum(0, PAGES));
}

/* Runs fn in a child, waits, and says what became of memory here. */
static void
in_child(const char *step, void (*fn)(void))
{
	int status = -1;
	pid_t pid = fork();

	CHECK(pid >= 0);
	if (pid == 0) {
		fn();
		_exit((int)check_failed);
	}
	CHECK(waitpid(pid, &status, 0) == pid && status == 0, "status %d", status);
	say(step);
}

/* Every 5th page, then all of some groups. */
static void
writes(void)
{
	for (unsigned long i = 0; i < PAGES; i += 5)
		fill(i, i + 1, 3);
	fill(10 * GROUP, 14 * GROUP, 4);
	say("child wrote");
}

static void
protects(void)
{
	CHECK(mprotect(memory + 35 * PAGE, 3 * PAGE, PROT_READ) == 0);
	CHECK(mprotect(memory + 64 * PAGE, 32 * PAGE, PROT_READ) == 0);
	CHECK(munmap(memory + 200 * PAGE, PAGE) == 0);
	CHECK(mmap(memory + 200 * PAGE, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANON | MAP_FIXED, -1, 0) ==
	    memory + 200 * PAGE);
	fill(0, 35, 5);
	CHECK(mprotect(memory + 32 * PAGE, 64 * PAGE, PROT_READ | PROT_WRITE) == 0);
	fill(60, 90, 6);
	say("child protected");
}

int
main(void)
{
	memory = mmap(NULL, 512 * PAGE * 4, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANON, -1, 0);
	CHECK(memory != MAP_FAILED);
	if (memory == MAP_FAILED)
		return check_result("groups_test");
	memory = (unsigned char *)(((unsigned long)memory + 512 * PAGE - 1) & ~(512 * PAGE - 1));
	fill(0, PAGES, 1);
	say("filled");
	in_child("after a writer", writes);
	in_child("after a protector", protects);
	for (unsigned long i = PAGES; i-- > 0;)         /* in another order, of which each page is there once */
		fill(i * 101 % PAGES, i * 101 % PAGES + 1, 2);
	say("filled out of order");
	CHECK(mprotect(memory + 17 * PAGE, PAGE, PROT_NONE) == 0);
	CHECK(madvise(memory + 300 * PAGE, 40 * PAGE, MADV_DONTNEED) == 0);     /* contents stay: only leaves go */
	CHECK(mprotect(memory + 17 * PAGE, PAGE, PROT_READ | PROT_WRITE) == 0);
	in_child("after both", protects);
	return check_result("groups_test");
}
