/*
 * hart.c: starting harts, waking them, stopping them.
 *
 *	hart_add ──> hart_start_all: stacks, HSM start ──┐     state: WAITED
 *	  new hart: hart_entry (entry.S) ─> hart_main: claims its state: ARRIVED
 *	  boot hart: waits, bounded; who did not come: ABANDONED, and parks if it
 *	  ever does.
 *
 * A hart may come to _start instead of hart_entry, or be there already when it
 * is asked for: then it finds its entry of hart_boot[] itself (entry.S).
 *
 * The handshake is one compare-and-swap a side, so a hart that comes late never
 * runs half known. harts[] and hart_count are set before any hart starts;
 * harts_online only grows.
 *
 * Where firmware has no remote fences, harts fence each other: who needs it
 * raises fence_asked of the others, sends them software interrupts and waits
 * for fence_done to follow. Harts in the kernel have interrupts off, and may
 * wait for a lock that the asker holds: so whoever spins answers meanwhile
 * (hart_relax), two that ask each other too. Without software interrupts a hart
 * cannot be reached, and only the boot hart runs.
 */
#include <arch/hart_start.h>
#include <arch/hart_boot.h>
#include <arch/csr.h>
#include <arch/paging.h>
#include <arch/sbi.h>
#include <arch/timer.h>
#include <base/print.h>
#include <mm/vm_kern.h>

#define HART_STACK_SIZE     (2 * PAGE_SIZE)     /* until its first thread */
#define HART_EMERGENCY_SIZE PAGE_SIZE
#define HART_GUARD_PAGES    4
#define HART_START_US       2000000             /* since the last one that came */
#define HART_STOP_US        100000

enum { HART_WAITED, HART_ARRIVED, HART_ABANDONED };

struct hart harts[MAXHARTS];
unsigned    hart_count;
bool        hart_full_fences_only;
bool        hart_fence_by_ipi;
uint64_t    harts_online;

struct hart_boot hart_boot[MAXHARTS];
uint32_t         hart_calls_closed;
static uint64_t         hart_stopping;          /* 1 once a panic wants silence */
static uint64_t         harts_stopped;
static char             boot_emergency[HART_EMERGENCY_SIZE] __attribute__((aligned(16)));

extern char hart_entry[];
void hart_main(void);

void
hart_init_boot(uint64_t hartid)
{
	struct hart *h = &harts[0];

	h->hartid = hartid;
	h->index = 0;
	h->emergency_sp = (uint64_t)(boot_emergency + sizeof(boot_emergency));
	hart_count = 1;
	sbi_init_calls();
	hart_fence_by_ipi = !sbi_has(SBI_CAN_RFENCE);
	hart_full_fences_only = sbi_info.mvendorid == 0x489 &&
	    (sbi_info.marchid & 0xffff) == 7 && sbi_info.marchid >> 63 != 0;
}

bool
hart_add(uint64_t hartid)
{
	struct hart *h = &harts[hart_count];

	if (hart_count == MAXHARTS || hartid == harts[0].hartid)
		return false;
	h->hartid = hartid;
	h->index = hart_count++;
	return true;
}

void
hart_init_local(void)
{
	csr_write(scounteren, 7);       /* cycle, time and instret for U-mode */
	csr_write(sip, 0);
	csr_write(sie, SIE_SSIE | SIE_STIE | SIE_SEIE);
	if (hart_fence_by_ipi)
		hart_fence_answer();    /* who asked may have been cleared from sip */
	__atomic_or_fetch(&harts_online, 1ul << hart_index(), __ATOMIC_RELEASE);
	__atomic_store_n(&hart_self()->online, 1, __ATOMIC_RELEASE);
}

/* First C code of every hart but the boot hart; tp and stack are its own. */
void
hart_main(void)
{
	struct hart_boot *b = &hart_boot[hart_index()];
	uint32_t waited = HART_WAITED;

	if (!__atomic_compare_exchange_n(&b->state, &waited, HART_ARRIVED, false,
	    __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE))
		for (;;)
			wfi();
	kernel_hart_main();
}

/* FALSE: the hart has come. */
static bool
hart_give_up(unsigned i)
{
	uint32_t waited = HART_WAITED;

	return __atomic_compare_exchange_n(&hart_boot[i].state, &waited, HART_ABANDONED, false,
	    __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE);
}

/* Asks the firmware for one hart. FALSE: no memory, or it refused; reported. */
static bool
hart_start(struct hart *h)
{
	struct hart_boot *b = &hart_boot[h->index];
	vm_offset_t stack, emergency;
	long error;

	if (kmem_alloc(&stack, HART_STACK_SIZE, HART_GUARD_PAGES) != KERN_SUCCESS) {
		kprintf("hart %lu: left out: no memory for its stack\n", h->hartid);
		return false;
	}
	if (kmem_alloc(&emergency, HART_EMERGENCY_SIZE, 1) != KERN_SUCCESS) {
		kmem_free(stack, HART_STACK_SIZE, HART_GUARD_PAGES);
		kprintf("hart %lu: left out: no memory for its stack\n", h->hartid);
		return false;
	}
	h->emergency_sp = emergency + HART_EMERGENCY_SIZE;
	b->satp = kernel_satp;
	b->sp = stack + HART_STACK_SIZE;
	b->hart = h;
	b->hartid = h->hartid;
	b->state = HART_WAITED;
	__atomic_store_n(&b->called, 1, __ATOMIC_RELEASE);
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	error = sbi_hart_start(h->hartid, image_to_phys(hart_entry), image_to_phys(b));
	/* Already running: then it waits at _start for its entry, or is lost. */
	if (error == SBI_SUCCESS || error == SBI_ERR_ALREADY_AVAILABLE ||
	    error == SBI_ERR_ALREADY_STARTED)
		return true;
	/* Its stacks stay: it may have found them by itself. */
	if (!hart_give_up(h->index))
		return true;
	kprintf("hart %lu: left out: the firmware cannot start it (error %ld)\n", h->hartid, error);
	return false;
}

/* TRUE: the hart came before the deadline; else it is given up, and reported. */
static bool
hart_wait(unsigned i, uint64_t deadline)
{
	const uint32_t *state = &hart_boot[i].state;

	while (__atomic_load_n(state, __ATOMIC_ACQUIRE) == HART_WAITED && timer_now() < deadline)
		hart_relax();
	if (!hart_give_up(i))
		return true;
	kprintf("hart %lu: left out: started, but did not arrive within two seconds\n",
	    harts[i].hartid);
	return false;
}

/* Why no other hart can be started or talked to; NULL: they can. */
static const char *
hart_alone(void)
{
	if (!sbi_has(SBI_HAS_HSM))
		return "the firmware cannot start any (no HSM)";
	return sbi_has(SBI_CAN_IPI) ? NULL : "the firmware cannot interrupt them (no IPI)";
}

/* Calls all that can be called, and waits for them; how many are online then. */
static unsigned
hart_call_all(void)
{
	uint64_t ticks = timer_us_to_ticks(HART_START_US), deadline, started = 0;
	unsigned online = 1;

	if (hart_fence_by_ipi && hart_count > 1)
		kprintf("harts    fence each other: the firmware does not (no RFENCE)\n");
	for (unsigned i = 1; i < hart_count; i++)
		if (hart_start(&harts[i]))
			started |= 1ul << i;
	deadline = timer_now() + ticks;
	for (; started != 0; started &= started - 1)
		if (hart_wait((unsigned)__builtin_ctzl(started), deadline)) {
			online++;
			deadline = timer_now() + ticks;
		}
	return online;
}

unsigned
hart_start_all(void)
{
	unsigned online = 1;

	if (hart_count > 1 && hart_alone() != NULL)
		kprintf("harts    %u left out: %s\n", hart_count - 1, hart_alone());
	else
		online = hart_call_all();
	__atomic_store_n(&hart_calls_closed, 1, __ATOMIC_RELEASE);
	return online;
}

void
hart_kick(unsigned index)
{
	hart_kick_set(1ul << index);
}

void
hart_kick_set(uint64_t set)
{
	if (set != 0)
		sbi_send_ipi(set);
}

void
hart_fence_answer(void)
{
	struct hart *h = hart_self();
	uint64_t asked = __atomic_load_n(&h->fence_asked, __ATOMIC_SEQ_CST);

	if (asked == h->fence_done)
		return;
	sfence_vma_all();
	fence_i();
	__atomic_store_n(&h->fence_done, asked, __ATOMIC_RELEASE);
}

void
hart_fence_set(uint64_t set)
{
	uint64_t want[MAXHARTS], s;
	unsigned i;

	for (s = set; s != 0; s &= s - 1) {
		i = (unsigned)__builtin_ctzl(s);
		want[i] = __atomic_add_fetch(&harts[i].fence_asked, 1, __ATOMIC_SEQ_CST);
	}
	hart_kick_set(set);
	for (s = set; s != 0; s &= s - 1) {
		i = (unsigned)__builtin_ctzl(s);
		while (__atomic_load_n(&harts[i].fence_done, __ATOMIC_ACQUIRE) < want[i])
			hart_relax();
	}
}

uint64_t
hart_stop_others(void)
{
	uint64_t others, deadline = timer_now() + timer_us_to_ticks(HART_STOP_US);

	others = __atomic_load_n(&harts_online, __ATOMIC_ACQUIRE) & ~(1ul << hart_index());
	__atomic_store_n(&hart_stopping, 1, __ATOMIC_SEQ_CST);
	hart_kick_set(others);
	while ((__atomic_load_n(&harts_stopped, __ATOMIC_ACQUIRE) & others) != others &&
	    timer_now() < deadline)
		hart_relax();
	return __atomic_load_n(&harts_stopped, __ATOMIC_ACQUIRE);
}

void
hart_ipi(void)
{
	csr_clear(sip, SIE_SSIE);
	if (unlikely(hart_fence_by_ipi))
		hart_fence_answer();
	if (__atomic_load_n(&hart_stopping, __ATOMIC_SEQ_CST) == 0)
		return;
	csr_write(sie, 0);
	__atomic_or_fetch(&harts_stopped, 1ul << hart_index(), __ATOMIC_RELEASE);
	for (;;)
		wfi();
}
