/*
 * signal.h: signals that a thread causes itself: its faults, raise and abort.
 *
 * An access that cannot be resolved arrives as SIGSEGV or SIGBUS, an illegal
 * instruction as SIGILL, ebreak as SIGTRAP, each with siginfo. There are no
 * asynchronous signals. Leaving a handler by siglongjmp is fine.
 * (picolibc's own signal.h has no siginfo with an address; this replaces it.)
 */
#ifndef _SIGNAL_H_
#define _SIGNAL_H_
#define _SYS_SIGNAL_H

#include <sys/types.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define SIGHUP  1
#define SIGINT  2
#define SIGQUIT 3
#define SIGILL  4
#define SIGTRAP 5
#define SIGABRT 6
#define SIGEMT  7
#define SIGFPE  8
#define SIGKILL 9
#define SIGBUS  10
#define SIGSEGV 11
#define SIGSYS  12
#define SIGPIPE 13
#define SIGALRM 14
#define SIGTERM 15
/* Names only, so that programs may say what to do about them: nobody sends them. */
#define SIGURG  16
#define SIGSTOP 17
#define SIGTSTP 18
#define SIGCONT 19
#define SIGCHLD 20
#define SIGTTIN 21
#define SIGTTOU 22
#define SIGXCPU 24
#define SIGXFSZ 25
#define SIGUSR1 30
#define SIGUSR2 31
#define NSIG    32

typedef int           sig_atomic_t;
#if !defined(_SIGSET_T_DECLARED)
#define _SIGSET_T_DECLARED
typedef unsigned long sigset_t;
#endif
typedef void        (*_sig_func_ptr)(int);
typedef _sig_func_ptr sighandler_t, sig_t;
#define SIG_DFL ((_sig_func_ptr)0)
#define SIG_IGN ((_sig_func_ptr)1)
#define SIG_ERR ((_sig_func_ptr)-1)

#define sigemptyset(set)        (*(set) = 0, 0)
#define sigfillset(set)         (*(set) = ~(sigset_t)0, 0)
#define sigaddset(set, sig)     (*(set) |= (sigset_t)1 << (sig), 0)
#define sigdelset(set, sig)     (*(set) &= ~((sigset_t)1 << (sig)), 0)
#define sigismember(set, sig)   ((int)(*(set) >> (sig) & 1))

union sigval {
	int   sival_int;
	void *sival_ptr;
};

typedef struct {
	int          si_signo, si_code, si_errno;
	int          si_kern_return;    /* Atlas: KERN_* of the access */
	int          si_access;         /* Atlas: 1 read, 2 write, 4 execute, 0 no access */
	pid_t        si_pid;
	void        *si_addr;           /* of the access; of the instruction when none */
	union sigval si_value;
} siginfo_t;

#define SI_USER         1
#define SEGV_MAPERR     1       /* nothing is mapped there */
#define SEGV_ACCERR     2       /* mapped, but not for this access */
#define BUS_ADRALN      1
#define BUS_ADRERR      2
#define BUS_OBJERR      3       /* the data could not be had */
#define ILL_ILLOPC      1
#define TRAP_BRKPT      1

struct sigaction {
	union {
		_sig_func_ptr sa_handler;
		void        (*sa_sigaction)(int, siginfo_t *, void *);
	};
	sigset_t sa_mask;
	int      sa_flags;
};
#define SA_ONSTACK      0x0001
#define SA_RESTART      0x0002
#define SA_RESETHAND    0x0004
#define SA_NOCLDSTOP    0x0008
#define SA_NODEFER      0x0010
#define SA_SIGINFO      0x0040

typedef struct sigaltstack {
	void  *ss_sp;
	size_t ss_size;
	int    ss_flags;
} stack_t;
#define SS_ONSTACK      1
#define SS_DISABLE      4
#define MINSIGSTKSZ     2048
#define SIGSTKSZ        16384

/* What the third argument of a SA_SIGINFO handler points to. */
typedef struct {
	uint64_t __gregs[32];           /* [0] is pc, [n] is x<n>; changes take effect on return */
	uint64_t __fpregs[32];
	uint64_t __fcsr;
} mcontext_t;
typedef struct ucontext {
	sigset_t   uc_sigmask;
	stack_t    uc_stack;
	mcontext_t uc_mcontext;
} ucontext_t;
#define REG_PC 0
#define REG_RA 1
#define REG_SP 2
#define REG_A0 10

#define SIG_BLOCK       1
#define SIG_UNBLOCK     2
#define SIG_SETMASK     3

int sigaction(int sig, const struct sigaction *action, struct sigaction *old);
_sig_func_ptr signal(int sig, _sig_func_ptr handler);
int raise(int sig);
/* sig 0: does it live? SIGKILL: a child; any signal: the caller itself. */
int kill(pid_t pid, int sig);
int sigprocmask(int how, const sigset_t *set, sigset_t *old);
#define pthread_sigmask(how, set, old) (sigprocmask(how, set, old) == 0 ? 0 : errno)
int sigaltstack(const stack_t *stack, stack_t *old);

#ifdef __cplusplus
}
#endif

#endif
