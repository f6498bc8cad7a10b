/*
 * hello: the smallest program; says where it runs and what it was given.
 */
#include <mach/mach.h>
#include <stdio.h>
#include <unistd.h>

int
main(int argc, char **argv)
{
	printf("Hello from U-mode: task %d, page size %d\n", getpid(), getpagesize());
	for (int i = 0; i < argc; i++)
		printf("argv[%d] = %s\n", i, argv[i]);
	return 0;
}
