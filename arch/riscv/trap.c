/*
 * trap.c: what a trap means.
 *
 *	trap.S ──> trap_user ──> user_fault (kernel/, then vm_fault): resolved, back
 *	              │  └─ code ──> trap_user_slow ──> user_exception
 *	              └─ interrupt ──> timer, IPI, PLIC
 *	trap.S ──> trap_kernel: a copy routine's fault, resolved or recovered;
 *	              an interrupt in the idle loop; a kernel address that became
 *	              valid unseen; else the crash report
 *
 * trap_user is the hot path of every page fault: the fault is decoded with as
 * few instructions as possible, and a resolved one returns straight to trap.S.
 * A refusal travels as its KERN_* code; cause and address stay readable in
 * scause and stval only until the next trap, so they are put into the frame.
 *
 * Locks: none here. A trap of the kernel that may resolve a fault must come
 * from code that holds no spinlock, which lock_order_none checks in debug builds.
 */
#include <arch/trap.h>
#include <arch/copy_recover.h>
#include <arch/crash.h>
#include <arch/csr.h>
#include <arch/hart_start.h>
#include <base/lock.h>
#include <drivers/plic.h>
#include <mm/pmap.h>
#include <machine/vmparam.h>

_Static_assert(sizeof(struct trapframe) == TF_SIZE, "trap.S");
_Static_assert(TF_SIZE % 16 == 0, "the stack stays aligned");
_Static_assert(offsetof(struct trapframe, sepc) == TF_SEPC, "trap.S");
_Static_assert(offsetof(struct trapframe, sstatus) == TF_SSTATUS, "trap.S");
_Static_assert(offsetof(struct trapframe, scause) == TF_SCAUSE, "trap.S");
_Static_assert(offsetof(struct trapframe, stval) == TF_STVAL, "trap.S");
_Static_assert(offsetof(struct trapframe, full) == TF_FULL, "trap.S");
_Static_assert(offsetof(struct hart, kstack) == H_KSTACK, "trap.S");
_Static_assert(offsetof(struct hart, scratch) == H_SCRATCH, "trap.S");
_Static_assert(offsetof(struct hart, emergency_sp) == H_EMERGENCY, "trap.S");
_Static_assert(offsetof(struct hart, need_resched) == H_NEED_RESCHED, "trap.S");

extern char trap_entry[];

void
trap_init_hart(void)
{
	csr_write(sscratch, 0);
	csr_clear(sstatus, SSTATUS_SIE | SSTATUS_SPP | SSTATUS_SUM | SSTATUS_MXR |
	    SSTATUS_FS | SSTATUS_VS);
	csr_write(stvec, (uint64_t)trap_entry);
}

void
trap_window(void)
{
	csr_set(sstatus, SSTATUS_SIE);
	csr_clear(sstatus, SSTATUS_SIE);
}

/* VM_PROT_* of an exception that is a memory access, else 0. */
static vm_prot_t
trap_access(uint64_t cause)
{
	static const uint8_t access[16] = {
		[EXC_INST_MISALIGNED] = VM_PROT_EXECUTE, [EXC_LOAD_MISALIGNED] = VM_PROT_READ,
		[EXC_STORE_MISALIGNED] = VM_PROT_WRITE,
		[EXC_INST_ACCESS] = VM_PROT_EXECUTE, [EXC_LOAD_ACCESS] = VM_PROT_READ,
		[EXC_STORE_ACCESS] = VM_PROT_WRITE,
		[EXC_INST_PAGE] = VM_PROT_EXECUTE, [EXC_LOAD_PAGE] = VM_PROT_READ,
		[EXC_STORE_PAGE] = VM_PROT_WRITE,
	};

	return cause < nitems(access) ? access[cause] : VM_PROT_NONE;
}

static void
trap_interrupt(uint64_t irq)
{
	switch (irq) {
	case IRQ_S_TIMER:
		sched_tick();
		break;
	case IRQ_S_SOFT:
		hart_ipi();
		/* Whoever sends one wants the running thread to look around. */
		hart_self()->need_resched = 1;
		break;
	case IRQ_S_EXT:
		plic_interrupt(hart_index());
		break;
	default:
		panic("interrupt %lu: nobody asked for it", irq);
	}
}

/* An exception of U-mode that no map can resolve: its code. */
static noinline kern_return_t
trap_user_other(struct trapframe *tf, uint64_t cause, uint64_t value)
{
	switch (cause) {
	case EXC_ILLEGAL_INST:
		if (user_fp_fault())
			return KERN_SUCCESS;
		return KERN_FAIL(KERN_FAILURE, "illegal instruction 0x%lx at 0x%lx", value,
		    tf->sepc);
	case EXC_BREAKPOINT:
		return KERN_FAIL(KERN_FAILURE, "breakpoint at 0x%lx", tf->sepc);
	case EXC_INST_MISALIGNED:
	case EXC_LOAD_MISALIGNED:
	case EXC_STORE_MISALIGNED:
		return KERN_FAIL(KERN_INVALID_ARGUMENT, "misaligned access to 0x%lx at 0x%lx",
		    value, tf->sepc);
	case EXC_INST_ACCESS:
	case EXC_LOAD_ACCESS:
	case EXC_STORE_ACCESS:
		return KERN_FAIL(KERN_MEMORY_ERROR, "no memory answers at 0x%lx", value);
	case EXC_INST_PAGE:
	case EXC_LOAD_PAGE:
	case EXC_STORE_PAGE:
		return KERN_FAIL(KERN_INVALID_ADDRESS, "0x%lx is outside of user space", value);
	default:
		return KERN_FAIL(KERN_FAILURE, "exception %lu at 0x%lx", cause, tf->sepc);
	}
}

static noinline kern_return_t
trap_user_refused(struct trapframe *tf, uint64_t cause, uint64_t value, kern_return_t kr)
{
	tf->scause = cause;
	tf->stval = value;
	return kr;
}

/* Anything but an ecall. 0: back to U-mode; else the code of the exception. */
kern_return_t
trap_user(struct trapframe *tf, uint64_t cause, uint64_t value)
{
	kern_return_t kr;

	if (likely(cause - EXC_INST_PAGE <= EXC_STORE_PAGE - EXC_INST_PAGE &&
	    value < vm_max_address)) {
		vm_prot_t access = cause == EXC_STORE_PAGE ? VM_PROT_WRITE :
		    cause == EXC_LOAD_PAGE ? VM_PROT_READ : VM_PROT_EXECUTE;

		kr = user_fault(value, access);
		if (likely(kr == KERN_SUCCESS))
			return kr;
	} else if ((cause & SCAUSE_INTERRUPT) != 0) {
		trap_interrupt(cause & ~SCAUSE_INTERRUPT);
		return KERN_SUCCESS;
	} else {
		kr = trap_user_other(tf, cause, value);
		if (kr == KERN_SUCCESS)
			return kr;
	}
	return trap_user_refused(tf, cause, value, kr);
}

void
trap_user_slow(struct trapframe *tf, kern_return_t code)
{
	user_exception(tf, code, trap_access(tf->scause));
}

/* need_resched is set. */
void
trap_work(void)
{
	user_return_work();
}

void
trap_check_return(void)
{
	lock_order_none();
	KASSERT((csr_read(sstatus) & (SSTATUS_SUM | SSTATUS_SPP | SSTATUS_SIE)) == 0,
	    ("return to U-mode with sstatus 0x%lx", csr_read(sstatus)));
}

/* Resolves or recovers a fault of the copy routines. FALSE: it is none. */
static bool
trap_copy_fault(struct trapframe *tf)
{
	vm_prot_t access = trap_access(tf->scause);
	kern_return_t kr;

	if (access == VM_PROT_NONE || access == VM_PROT_EXECUTE || !copy_pc(tf->sepc) ||
	    tf->stval >= vm_max_address)
		return false;
	if (tf->scause != EXC_LOAD_PAGE && tf->scause != EXC_STORE_PAGE)
		return copy_recover(tf, KERN_FAIL(KERN_MEMORY_ERROR,
		    "no memory answers at 0x%lx", tf->stval));
	if (ATLAS_DEBUG)
		lock_order_none();
	kr = user_fault(tf->stval, access);
	return kr == KERN_SUCCESS || copy_recover(tf, kr);
}

/*
 * A kernel address that another hart has mapped since this one last looked
 * (tlb.c): the leaf is there. Takes no lock, since any may be held here.
 */
static bool
trap_kernel_page(const struct trapframe *tf)
{
	uint64_t cause = tf->scause;

	return cause - EXC_INST_PAGE <= EXC_STORE_PAGE - EXC_INST_PAGE &&
	    tf->stval >= DIRECT_BASE && pmap_fault(pmap_kernel(), tf->stval, trap_access(cause));
}

/* Returns when the kernel can go on where tf says. */
void
trap_kernel(struct trapframe *tf)
{
	if ((tf->scause & SCAUSE_INTERRUPT) != 0)
		trap_interrupt(tf->scause & ~SCAUSE_INTERRUPT);
	else if (!trap_copy_fault(tf) && !trap_kernel_page(tf))
		crash_trap(tf);
}

void
trap_frame_result(struct trapframe *tf, uint64_t a0, uint64_t a1)
{
	uint64_t *x = tf->x;

	x[5] = x[6] = x[7] = x[28] = x[29] = x[30] = x[31] = 0;        /* t0-t6 */
	x[12] = x[13] = x[14] = x[15] = x[16] = x[17] = 0;             /* a2-a7 */
	x[10] = a0;
	x[11] = a1;
}
