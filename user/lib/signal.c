/*
 * signal.c: signals on top of the kernel's exceptions.
 *
 *   fault -> kernel -> __atlas_exception on the exception stack (in_handler)
 *         -> writes a frame on the interrupted (or alternate) stack
 *         -> exception_return to __atlas_signal_run (no longer in_handler)
 *         -> the program's handler
 *         -> returns:    exception_return with the registers of the frame
 *         -> longjmps:   nothing to undo, the kernel knows of no handler
 *
 * A signal that has no handler, or is blocked while its cause happens, takes
 * the default: the thread gives up its exception handler and repeats the
 * access, and the kernel ends the task with the true code, address and pc.
 *
 * The code on the exception stack must not use floating point (signal.S).
 */
#include "libatlas.h"
#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <unistd.h>
#include "file.h"

struct signal_frame {
	struct atlas_exception context;         /* x and pc to resume with */
	siginfo_t              info;
	ucontext_t             uc;
};

void __atlas_exception(struct atlas_exception *e) __attribute__((noreturn));
void __atlas_signal_run(void);
void __atlas_signal_return(struct signal_frame *f) __attribute__((noreturn));

enum { CAUSE_INSN_MISALIGNED = 0, CAUSE_ILLEGAL = 2, CAUSE_BREAKPOINT = 3,
	CAUSE_LOAD_MISALIGNED = 4, CAUSE_STORE_MISALIGNED = 6 };

static struct sigaction actions[NSIG];          /* under actions_lock to change */
static atlas_mutex_t actions_lock;
static __thread sigset_t blocked;
static __thread stack_t alternate = { .ss_flags = SS_DISABLE };

void
__atlas_signal_thread_init(char *stack_top)
{
	atlas_syscall2(ATLAS_SYS_exception_handler, (uintptr_t)__atlas_exception_entry,
	    (uintptr_t)stack_top);
}

static void __attribute__((noreturn))
exception_return(struct atlas_exception *e)
{
	for (;;)
		atlas_syscall1(ATLAS_SYS_exception_return, (uintptr_t)e);
}

/* The signal for an exception, and its si_code. */
static int
classify(const struct atlas_exception *e, int *code)
{
	if (e->access == 0 && e->cause == CAUSE_BREAKPOINT) {
		*code = TRAP_BRKPT;
		return SIGTRAP;
	}
	if (e->cause == CAUSE_INSN_MISALIGNED || e->cause == CAUSE_LOAD_MISALIGNED ||
	    e->cause == CAUSE_STORE_MISALIGNED) {
		*code = BUS_ADRALN;
		return SIGBUS;
	}
	if (e->access == 0) {
		*code = ILL_ILLOPC;
		return SIGILL;
	}
	switch (e->code) {
	case KERN_INVALID_ADDRESS:
		*code = SEGV_MAPERR;
		return SIGSEGV;
	case KERN_PROTECTION_FAILURE:
		*code = SEGV_ACCERR;
		return SIGSEGV;
	default:
		*code = BUS_OBJERR;
		return SIGBUS;
	}
}

static bool
on_alternate(uint64_t sp)
{
	return (alternate.ss_flags & SS_DISABLE) == 0 &&
	    sp - (uintptr_t)alternate.ss_sp <= alternate.ss_size;
}

/* Lays the frame on the stack the handler is to run on. */
static struct signal_frame *
push_frame(const struct atlas_exception *e, const struct sigaction *action)
{
	uint64_t sp = e->x[2];
	struct signal_frame *f;

	if ((action->sa_flags & SA_ONSTACK) != 0 && !on_alternate(sp) &&
	    (alternate.ss_flags & SS_DISABLE) == 0)
		sp = (uintptr_t)alternate.ss_sp + alternate.ss_size;
	f = (struct signal_frame *)((sp - sizeof(*f)) & ~15ull);
	f->context = *e;
	f->uc.uc_sigmask = blocked;
	f->uc.uc_stack = alternate;
	f->uc.uc_mcontext.__gregs[REG_PC] = e->pc;
	for (unsigned i = 1; i < 32; i++)
		f->uc.uc_mcontext.__gregs[i] = e->x[i];
	return f;
}

/* Edits e so that returning to it runs the handler with this frame. */
static void
enter_handler(struct atlas_exception *e, struct signal_frame *f, int sig,
    const struct sigaction *action)
{
	e->pc = (uintptr_t)__atlas_signal_run;
	e->x[2] = (uintptr_t)f;
	e->x[8] = (uintptr_t)f;
	e->x[9] = (uintptr_t)action->sa_handler;
	e->x[18] = (uintptr_t)f->uc.uc_mcontext.__fpregs;
	e->x[10] = sig;
	e->x[11] = (uintptr_t)&f->info;
	e->x[12] = (uintptr_t)&f->uc;
	blocked |= action->sa_mask;
	if ((action->sa_flags & SA_NODEFER) == 0)
		blocked |= (sigset_t)1 << sig;
}

void
__atlas_exception(struct atlas_exception *e)
{
	int code, sig = classify(e, &code);
	struct sigaction action = actions[sig];
	struct signal_frame *f;

	if (action.sa_handler == SIG_DFL || action.sa_handler == SIG_IGN ||
	    (blocked >> sig & 1) != 0) {
		__atlas_files_leave();
		atlas_syscall2(ATLAS_SYS_exception_handler, 0, 0);
		exception_return(e);    /* the same access again, now for the kernel */
	}
	if ((action.sa_flags & SA_RESETHAND) != 0)
		actions[sig].sa_handler = SIG_DFL;
	f = push_frame(e, &action);
	f->info = (siginfo_t){
		.si_signo = sig, .si_code = code, .si_kern_return = e->code,
		.si_access = e->access,
		.si_addr = (void *)(e->access != 0 || sig == SIGBUS ? e->addr : e->pc),
	};
	enter_handler(e, f, sig, &action);
	exception_return(e);
}

void
__atlas_signal_return(struct signal_frame *f)
{
	blocked = f->uc.uc_sigmask;
	f->context.pc = f->uc.uc_mcontext.__gregs[REG_PC];
	for (unsigned i = 1; i < 32; i++)
		f->context.x[i] = f->uc.uc_mcontext.__gregs[i];
	exception_return(&f->context);
}

int
sigaction(int sig, const struct sigaction *action, struct sigaction *old)
{
	struct sigaction previous;

	if (sig <= 0 || sig >= NSIG || (sig == SIGKILL && action != NULL)) {
		errno = EINVAL;
		return -1;
	}
	atlas_mutex_lock(&actions_lock);
	previous = actions[sig];
	if (action != NULL)
		actions[sig] = *action;
	atlas_mutex_unlock(&actions_lock);
	if (old != NULL)
		*old = previous;
	return 0;
}

_sig_func_ptr
signal(int sig, _sig_func_ptr handler)
{
	struct sigaction action = { .sa_handler = handler, .sa_flags = SA_RESTART }, old;

	return sigaction(sig, &action, &old) == 0 ? old.sa_handler : SIG_ERR;
}

int
sigprocmask(int how, const sigset_t *set, sigset_t *old)
{
	sigset_t previous = blocked;

	if (set != NULL) {
		switch (how) {
		case SIG_BLOCK:   blocked |= *set; break;
		case SIG_UNBLOCK: blocked &= ~*set; break;
		case SIG_SETMASK: blocked = *set; break;
		default:
			errno = EINVAL;
			return -1;
		}
	}
	if (old != NULL)
		*old = previous;
	return 0;
}

int
sigaltstack(const stack_t *stack, stack_t *old)
{
	stack_t previous = alternate;
	char here;

	if (on_alternate((uintptr_t)&here))
		previous.ss_flags |= SS_ONSTACK;
	if (stack != NULL) {
		if ((previous.ss_flags & SS_ONSTACK) != 0) {
			errno = EPERM;
			return -1;
		}
		if ((stack->ss_flags & ~SS_DISABLE) != 0) {
			errno = EINVAL;
			return -1;
		}
		if ((stack->ss_flags & SS_DISABLE) == 0 && stack->ss_size < MINSIGSTKSZ) {
			errno = ENOMEM;
			return -1;
		}
		alternate = *stack;
	}
	if (old != NULL)
		*old = previous;
	return 0;
}

/* Signals that do nothing unless handled cannot be raised here; all others end the task. */
int
raise(int sig)
{
	struct sigaction action;
	sigset_t mask = blocked;
	siginfo_t info = { .si_signo = sig, .si_code = SI_USER };
	ucontext_t uc = { .uc_sigmask = mask };

	if (sigaction(sig, NULL, &action) != 0)
		return -1;
	if (action.sa_handler == SIG_IGN)
		return 0;
	if (action.sa_handler == SIG_DFL || (mask >> sig & 1) != 0)
		__atlas_die(sig);
	if ((action.sa_flags & SA_RESETHAND) != 0)
		signal(sig, SIG_DFL);
	info.si_pid = getpid();
	blocked |= action.sa_mask;
	if ((action.sa_flags & SA_NODEFER) == 0)
		blocked |= (sigset_t)1 << sig;
	action.sa_sigaction(sig, &info, &uc);
	blocked = mask;
	return 0;
}

void
abort(void)
{
	sigset_t set = (sigset_t)1 << SIGABRT;

	__atlas_stdout_flush();
	sigprocmask(SIG_UNBLOCK, &set, NULL);
	raise(SIGABRT);
	__atlas_die(SIGABRT);           /* a handler that returns does not save it */
}
