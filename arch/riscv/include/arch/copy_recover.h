/*
 * arch/copy_recover.h: what a fault inside copyin/copyout/copyinstr becomes.
 *
 * trap.c first tries to resolve a fault of the kernel on a user address with
 * vm_fault and the running thread's map. When that fails and copy_recover
 * says TRUE, it resumes at the changed sepc and the copy returns `kr`.
 */
#ifndef ARCH_COPY_RECOVER_H
#define ARCH_COPY_RECOVER_H

#include <stdbool.h>
#include <stdint.h>
#include <base/kern_return.h>
#include <machine/trapframe.h>

/* pc lies in the copy routines: only there may the kernel touch user addresses. */
bool copy_pc(uint64_t pc);
/*
 * tf->sepc inside the copy routines: sets it to their recovery label, a0 to kr
 * (which must not be KERN_SUCCESS); TRUE. Otherwise nothing changes; FALSE.
 */
bool copy_recover(struct trapframe *tf, kern_return_t kr);

#endif
