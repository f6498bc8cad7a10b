/*
 * start.c: from the first instruction in C to main, and from main to the end.
 *
 * Order: thread-local data, exception handler, standard output's flush (first
 * registered, so last run), destructors, constructors, main, exit.
 */
#include "libatlas.h"
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "file.h"

extern int main(int argc, char **argv, char **envp);
void __atlas_start(int argc, char **argv) __attribute__((noreturn));
void __libc_init_array(void);
void __libc_fini_array(void);
/* picolibc's start code calls these; ours has nothing there. */
void _init(void);
void _fini(void);

__thread struct atlas_thread *__atlas_self;
static struct atlas_thread main_thread;
static char main_exc_stack[EXC_STACK_SIZE] __attribute__((aligned(16)));

void
_init(void)
{
}

void
_fini(void)
{
}

void
__atlas_tls_init(void *block)
{
	size_t data = (size_t)__tdata_size, all = (size_t)__tls_size;

	memcpy(block, __tdata_start, data);
	memset((char *)block + data, 0, all - data);
}

void
__atlas_start(int argc, char **argv)
{
	static char *no_environment[1];

	__atlas_tls_init(__tls_main);
	__atlas_self = &main_thread;
	main_thread.tp = __tls_main;
	main_thread.exc_stack_top = main_exc_stack + sizeof(main_exc_stack);
	__atlas_signal_thread_init(main_thread.exc_stack_top);
	atexit(__atlas_stdout_flush);
	atexit(__libc_fini_array);
	__libc_init_array();
	exit(main(argc, argv, no_environment));
}

void
_exit(int status)
{
	__atlas_files_leave();
	for (;;)
		atlas_syscall1(ATLAS_SYS_task_exit, status & 0xff);
}

void
__atlas_die(int signo)
{
	__atlas_files_leave();
	/* A negative status is ours for "by signal": exits are 0..255. */
	for (;;)
		atlas_syscall1(ATLAS_SYS_task_exit, (uint64_t)-signo);
}
