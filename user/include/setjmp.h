/*
 * setjmp.h: picolibc's, and sigsetjmp, which also keeps the signal mask.
 */
#ifndef ATLAS_SETJMP_H
#define ATLAS_SETJMP_H

#include_next <setjmp.h>
#include <signal.h>

struct __sigjmp {
	jmp_buf  registers;
	int      mask_saved;
	sigset_t mask;
};
typedef struct __sigjmp sigjmp_buf[1];

static inline void
__sigjmp_save(struct __sigjmp *env, int save_mask)
{
	env->mask_saved = save_mask;
	if (save_mask)
		sigprocmask(SIG_BLOCK, NULL, &env->mask);
}

#define sigsetjmp(env, save_mask) \
	(__sigjmp_save((env), (save_mask)), setjmp((env)->registers))

static inline void __attribute__((noreturn))
siglongjmp(sigjmp_buf env, int value)
{
	if (env->mask_saved)
		sigprocmask(SIG_SETMASK, &env->mask, NULL);
	longjmp(env->registers, value);
}

#endif
