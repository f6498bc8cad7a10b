/*
 * forkloop [N]: forks, lets the child end and waits for it, N times (10000).
 *
 * Each child changes one page that the parent changes too before the next
 * round, so that copies are made and must go away again. Whether anything
 * leaked is for the kernel's counters to say; here only results are checked.
 */
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

static volatile unsigned page[1024];

int
main(int argc, char **argv)
{
	unsigned n = argc > 1 ? strtoul(argv[1], NULL, 0) : 10000;

	for (unsigned i = 0; i < n; i++) {
		int status;
		pid_t pid;

		page[0] = i;
		pid = fork();
		if (pid == 0) {
			if (page[0] != i)
				_exit(255);
			page[0] = ~i;
			_exit(i % 251);
		}
		if (pid < 0) {
			printf("forkloop: fork %u failed\n", i);
			return 1;
		}
		if (waitpid(pid, &status, 0) != pid || !WIFEXITED(status) ||
		    WEXITSTATUS(status) != (int)(i % 251)) {
			printf("forkloop: child %u ended with status 0x%x\n", i, status);
			return 1;
		}
		if (page[0] != i) {
			printf("forkloop: child %u wrote into its parent\n", i);
			return 1;
		}
	}
	printf("forkloop: %u forks, exits and waits\n", n);
	return 0;
}
