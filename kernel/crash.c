/*
 * crash.c: the report that a dying kernel leaves.
 *
 *	trap.c (crash_trap) ─┐
 *	panic (crash_panic) ─┴─> claim, stop the other harts, break the console's
 *	  lock ──> cause, registers, backtrace, page tables and map entry of the bad
 *	  address ──> power_off(3)
 *
 * The kernel's state is not trusted: no lock is taken, tables are read as they
 * are, stack words are read only where the page tables map them. What is most
 * likely to fail comes last. A crash inside the report ends the run at once; a
 * crash of another hart meanwhile waits for ever.
 *
 * The kernel keeps no frame pointers (they would cost every function), so the
 * backtrace is a scan: words of the stack that point behind a call instruction.
 * Leftovers of finished calls may appear between the true ones.
 */
#include <arch/crash.h>
#include <arch/csr.h>
#include <arch/early.h>
#include <arch/hart_start.h>
#include <arch/paging.h>
#include <arch/sbi.h>
#include <arch/sv.h>
#include <drivers/finisher.h>
#include <kernel/console.h>
#include <kernel/ksym.h>
#include <kernel/power.h>
#include <kernel/thread.h>
#include <kernel/version.h>
#include <mm/vm_map.h>
#include <mm/vm_print.h>

#define CRASH_STATUS    3
#define SCAN_WORDS      2048            /* 16 KiB of stack */
#define SCAN_LINES      40

static uint32_t    crash_owner;         /* hart index + 1 of the hart that reports */
static const char *crash_fmt;           /* a panic's sentence, until it is printed */
static va_list     crash_args;

const char *
trap_cause_name(uint64_t scause)
{
	switch (scause) {
	case EXC_INST_MISALIGNED: return "misaligned jump";
	case EXC_INST_ACCESS: return "instruction access fault";
	case EXC_ILLEGAL_INST: return "illegal instruction";
	case EXC_BREAKPOINT: return "breakpoint";
	case EXC_LOAD_MISALIGNED: return "misaligned load";
	case EXC_LOAD_ACCESS: return "load access fault";
	case EXC_STORE_MISALIGNED: return "misaligned store";
	case EXC_STORE_ACCESS: return "store access fault";
	case EXC_ECALL_U: return "system call";
	case EXC_ECALL_S: return "call to the firmware";
	case EXC_INST_PAGE: return "instruction page fault";
	case EXC_LOAD_PAGE: return "load page fault";
	case EXC_STORE_PAGE: return "store page fault";
	default: return (scause & SCAUSE_INTERRUPT) != 0 ? "interrupt" : "unknown cause";
	}
}

/* From here on this hart is alone. Returns only the first time. */
static void
crash_begin(void)
{
	uint32_t none = 0, me = hart_index() + 1;

	csr_write(sie, 0);
	if (__atomic_compare_exchange_n(&crash_owner, &none, me, false, __ATOMIC_SEQ_CST,
	    __ATOMIC_SEQ_CST)) {
		hart_stop_others();
		console_break_lock();
		return;
	}
	if (none == me) {
		early_puts("\natlas: crash inside the crash report\natlas: exit status 3\n");
		finisher_exit(CRASH_STATUS);
		sbi_shutdown();
	}
	for (;;)
		wfi();
}

/* The entry that decides about va, without locks, and its level. */
static pte_t
crash_pte(pte_t *root, uint64_t va, unsigned *level)
{
	return pte_load(sv_find(root, paging_levels, va, level));
}

static bool
crash_readable(uint64_t va)
{
	unsigned level;
	pte_t p;

	if (va < DIRECT_BASE || va % 8 != 0)
		return false;
	p = crash_pte(phys_to_virt(kernel_root), va, &level);
	return pte_valid(p) && pte_leaf(p) && (p & PTE_R) != 0;
}

/* pc points behind a call: jal or jalr with link register ra, or c.jalr. */
static bool
crash_is_return(uint64_t pc)
{
	uint32_t insn;
	uint16_t half;

	if (ksym_name(pc, NULL) == NULL || ksym_name(pc - 4, NULL) == NULL || pc % 2 != 0)
		return false;
	half = *(const uint16_t *)(pc - 2);
	insn = *(const uint16_t *)(pc - 4) | (uint32_t)half << 16;
	if ((half & 0xf07f) == 0x9002 && (half & 0x0f80) != 0)
		return true;
	return (insn & 0xfff) == 0x0ef || (insn & 0x7fff) == 0x00e7;
}

/* back: 1 for a return address, which may lie behind the last byte of its function. */
static void
crash_where(const char *what, uint64_t pc, uint64_t back)
{
	uint64_t off = 0;
	const char *name = ksym_name(pc - back, &off);

	if (name != NULL)
		kprintf("  %s 0x%016lx %s+0x%lx\n", what, pc, name, off + back);
	else
		kprintf("  %s 0x%016lx\n", what, pc);
}

/*
 * Scans upwards from sp; where sp has left the stack (overflow), from the
 * bottom of the running thread's. Recursion shows as one line and a count.
 */
static void
crash_backtrace(uint64_t pc, uint64_t ra, uint64_t sp)
{
	const struct thread *th = hart_self()->thread;
	unsigned lines = 0, repeated = 0;
	uint64_t last = ra;             /* which is often on the stack too */

	kprintf("backtrace:\n");
	if (pc != 0)
		crash_where("pc", pc, 0);
	if (ra != 0)
		crash_where("ra", ra, 1);
	sp = (sp + 7) & ~7ul;
	if (!crash_readable(sp) && th != NULL)
		sp = th->kstack_top - KSTACK_PAGES * PAGE_SIZE;
	for (unsigned i = 0; i < SCAN_WORDS && lines < SCAN_LINES && crash_readable(sp); i++, sp += 8) {
		uint64_t word = *(const uint64_t *)sp;

		if (!crash_is_return(word))
			continue;
		if (word == last) {
			repeated++;
			continue;
		}
		if (repeated > 0)
			kprintf("     (%u times more)\n", repeated);
		repeated = 0;
		crash_where("  ", word, 1);
		last = word;
		lines++;
	}
	if (repeated > 0)
		kprintf("     (%u times more)\n", repeated);
}

static void
crash_registers(const struct trapframe *tf)
{
	static const char name[32][4] = {
		"", "ra", "sp", "gp", "tp", "t0", "t1", "t2", "s0", "s1", "a0",
		"a1", "a2", "a3", "a4", "a5", "a6", "a7", "s2", "s3", "s4",
		"s5", "s6", "s7", "s8", "s9", "s10", "s11", "t3", "t4", "t5", "t6",
	};

	kprintf("registers:\n  pc  %016lx", tf->sepc);
	for (unsigned i = 1; i < 32; i++)
		kprintf("%s  %-3s %016lx", i % 4 == 0 ? "\n" : "", name[i], tf->x[i]);
	kprintf("\n  sstatus %016lx scause %016lx stval %016lx satp %016lx\n", tf->sstatus,
	    tf->scause, tf->stval, csr_read(satp));
}

/* Every level of the page tables on the way to va. */
static void
crash_walk(uint64_t va)
{
	paddr_t table = (csr_read(satp) & SATP_PPN_MASK) << PAGE_SHIFT;

	kprintf("page tables of 0x%lx (%s):\n", va, paging_mode_name());
	for (unsigned level = paging_levels; level-- > 0;) {
		const pte_t *t = phys_to_virt(table);
		unsigned i = sv_index(va, level);
		pte_t p;

		if (!crash_readable((uint64_t)t)) {
			kprintf("  level %u: table 0x%lx is not memory\n", level, table);
			return;
		}
		p = pte_load(&t[i]);
		kprintf("  level %u: table 0x%lx [%u] = 0x%016lx %c%c%c%c%c%c%c%c\n", level,
		    table, i, p, p & PTE_V ? 'v' : '-', p & PTE_R ? 'r' : '-',
		    p & PTE_W ? 'w' : '-', p & PTE_X ? 'x' : '-', p & PTE_U ? 'u' : '-',
		    p & PTE_G ? 'g' : '-', p & PTE_A ? 'a' : '-', p & PTE_D ? 'd' : '-');
		if (!pte_valid(p) || pte_leaf(p))
			return;
		table = pte_pa(p);
	}
}

/* The map entry behind a user address, read without locks: last of all. */
static void
crash_entry(uint64_t va)
{
	const struct thread *th = hart_self()->thread;
	vm_map_entry_t e;
	vm_map_t map;
	char cur[4], max[4];

	if (va >= vm_max_address || th == NULL || th->task == NULL || th->task->map == NULL)
		return;
	map = th->task->map;
	kprintf("map %lu of task %s:\n", map->id, th->task->name);
	for (e = vm_map_first_entry(map); e != vm_map_to_entry(map); e = e->vme_next)
		if (va < e->vme_end)
			break;
	if (e == vm_map_to_entry(map) || va < e->vme_start) {
		kprintf("  no entry holds 0x%lx\n", va);
		return;
	}
	kprintf("  0x%lx-0x%lx %s/%s inherit %u%s%s object %p offset 0x%lx\n", e->vme_start,
	    e->vme_end, vm_prot_text(e->protection, cur), vm_prot_text(e->max_protection, max),
	    (unsigned)e->inheritance, e->needs_copy ? " needs_copy" : "",
	    e->is_sub_map ? " submap" : "", (void *)e->object.vm_object, e->offset);
}

static void
crash_header(void)
{
	const struct hart *h = hart_self();

	kprintf("\natlas: KERNEL CRASH on hart %u (id %lu)", h->index, h->hartid);
	if (h->thread != NULL)
		kprintf(", thread %lu \"%s\"", h->thread->id, h->thread->name);
	kprintf(", Atlas %s\n", ATLAS_VERSION);
}

static bool
crash_is_access(uint64_t cause)
{
	return cause == EXC_INST_ACCESS || cause == EXC_LOAD_ACCESS ||
	    cause == EXC_STORE_ACCESS || cause == EXC_INST_PAGE ||
	    cause == EXC_LOAD_PAGE || cause == EXC_STORE_PAGE;
}

/* What may be said about a bad address at first sight. */
static const char *
crash_hint(uint64_t va)
{
	const struct thread *th = hart_self()->thread;

	if (va < PAGE_SIZE)
		return ": a null pointer";
	if (va < vm_max_address)
		return ": a user address, outside the copy routines";
	if (th != NULL && th->kstack_top - va > KSTACK_PAGES * PAGE_SIZE &&
	    th->kstack_top - va <= (KSTACK_PAGES + KSTACK_GUARD_PAGES) * PAGE_SIZE)
		return ": the guard below the kernel stack, which overflowed";
	return "";
}

static void
crash_print_panic(void)
{
	kprintf("panic: ");
	kvprintf(crash_fmt, crash_args);
	kprintf("\n");
}

void
crash_trap(struct trapframe *tf)
{
	bool is_panic = crash_owner == hart_index() + 1 && crash_fmt != NULL &&
	    tf->scause == EXC_BREAKPOINT, access = crash_is_access(tf->scause);

	if (is_panic) {
		crash_print_panic();
	} else {
		crash_begin();
		crash_header();
		kprintf("%s (%lu)", trap_cause_name(tf->scause), tf->scause);
		if (access)
			kprintf(" at address 0x%lx%s", tf->stval, crash_hint(tf->stval));
		kprintf("\n");
	}
	crash_fmt = NULL;               /* another breakpoint is a crash of its own */
	crash_registers(tf);
	crash_backtrace(tf->sepc, tf->x[1], tf->x[2]);
	if (access) {
		crash_walk(tf->stval);
		crash_entry(tf->stval);
	}
	power_off(CRASH_STATUS);
}

/*
 * A breakpoint brings the registers along, once traps work; before that the
 * sentence and the backtrace must do.
 */
void
crash_panic(const char *fmt, va_list ap)
{
	uint64_t sp;

	crash_begin();
	crash_header();
	crash_fmt = fmt;
	va_copy(crash_args, ap);
	if (hart_self()->online)
		__asm__ volatile("ebreak" ::: "memory");
	crash_print_panic();
	__asm__ volatile("mv %0, sp" : "=r"(sp));
	crash_backtrace(0, 0, sp);
	power_off(CRASH_STATUS);
}
