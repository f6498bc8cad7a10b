/*
 * arch/trap.h: into the kernel and back: what trap.S, trap.c and kernel/ agree on.
 *
 * Constants for assembly first; trap.c asserts that they match the structures.
 */
#ifndef ARCH_TRAP_H
#define ARCH_TRAP_H

/* struct trapframe */
#define TF_X(n)             ((n) * 8)
#define TF_SEPC             256
#define TF_SSTATUS          264
#define TF_SCAUSE           272
#define TF_STVAL            280
#define TF_FULL             288
#define TF_SIZE             304

/* struct hart */
#define H_KSTACK            104
#define H_SCRATCH           112
#define H_EMERGENCY         144
#define H_NEED_RESCHED      152

#define TRAP_KSTACK_BYTES   16384       /* size of every thread's kernel stack */
#define TRAP_EMERGENCY_BYTES 4096
#define TRAP_SYSCALLS       128         /* entries of syscall_table */

#ifndef __ASSEMBLER__

#include <base/kern_return.h>
#include <machine/trapframe.h>
#include <machine/hart.h>
#include <mm/vm_types.h>

/* stvec, and sstatus as trap.S expects it, on this hart. From here on traps work. */
void trap_init_hart(void);

/* Restores every register from tf, which lies at the top of the calling thread's kernel stack. */
void trap_return_user(struct trapframe *tf) noreturn_fn;

/* A moment with interrupts on: those that are pending are taken. No locks held. */
void trap_window(void);

/* --- called by trap.S --- */

kern_return_t trap_user(struct trapframe *tf, uint64_t cause, uint64_t value);
void trap_user_slow(struct trapframe *tf, kern_return_t code);
void trap_kernel(struct trapframe *tf);
void trap_work(void);
void trap_check_return(void);

/*
 * --- upcalls: kernel/ supplies them ---
 */

/* By number; an entry takes up to six words in registers and returns one. Never NULL. */
extern const void *const syscall_table[TRAP_SYSCALLS];

/* Resolves an access of the running thread's task; va is below vm_max_address. */
kern_return_t user_fault(vm_offset_t va, vm_prot_t access);
/*
 * An exception of U-mode that is nobody's but the program's: delivers it to
 * the thread's handler (tf changed) or ends the task (no return). tf is full.
 */
void user_exception(struct trapframe *tf, kern_return_t code, vm_prot_t access);
/* An instruction was illegal: was it only that the FPU was off? TRUE: try again. */
bool user_fp_fault(void);
/* need_resched is set, and the thread is about to return to U-mode: ends it, or lets others run. */
void user_return_work(void);
/* The timer interrupt. */
void sched_tick(void);

/*
 * A system call that needs all registers of its caller: table entries made by
 * SYSCALL_FULL name (trap.S) call name_full(tf) with the complete frame; it
 * leaves the result in the frame (trap_frame_result, or all of it). The last
 * entry of the table answers every number out of range.
 */
void trap_frame_result(struct trapframe *tf, uint64_t a0, uint64_t a1);

#endif /* __ASSEMBLER__ */
#endif
