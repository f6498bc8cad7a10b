/*
 * sbi.c: calls to the firmware below us.
 *
 * One function makes the call; the rest are names and checks. Extensions are
 * probed once, by the boot hart (sbi_init), into sbi_info, which is read only
 * afterwards. The console calls come earlier than that, before paging, and
 * probe by themselves.
 *
 * The firmware knows harts by id, and takes a set as a base and a 64-bit mask
 * above it; ids may be sparse, so a set of indices may need several calls
 * (sbi_for_masks). A call that must not fail (a remote fence, a timer) panics
 * when it does. Legacy calls cannot be probed but by making them: sbi_init_calls
 * does so once, and what neither answers is done without (hart.c, timer.c).
 *
 * No locks: calls are independent, and the firmware serialises where it must.
 */
#include <arch/sbi.h>
#include <arch/csr.h>
#include <arch/hart_start.h>
#include <base/print.h>
#include <machine/hart.h>

#define BASE_SPEC_VERSION   0
#define BASE_IMPL_ID        1
#define BASE_IMPL_VERSION   2
#define BASE_PROBE          3
#define BASE_MVENDORID      4
#define BASE_MARCHID        5
#define BASE_MIMPID         6

#define LEGACY_SET_TIMER    0
#define LEGACY_PUTCHAR      1
#define LEGACY_GETCHAR      2
#define LEGACY_SEND_IPI     4
#define LEGACY_FENCE_I      5
#define LEGACY_SFENCE       6
#define LEGACY_SFENCE_ASID  7
#define LEGACY_SHUTDOWN     8

#define DBCN_WRITE_BYTE     2

#define RFENCE_FENCE_I      0
#define RFENCE_SFENCE       1
#define RFENCE_SFENCE_ASID  2

#define SRST_SHUTDOWN       0
#define SRST_COLD_REBOOT    1

struct sbi_info sbi_info;

struct sbiret
sbi_call(uint64_t ext, uint64_t fid, uint64_t a0, uint64_t a1, uint64_t a2,
    uint64_t a3, uint64_t a4, uint64_t a5)
{
	register uint64_t r0 __asm__("a0") = a0;
	register uint64_t r1 __asm__("a1") = a1;
	register uint64_t r2 __asm__("a2") = a2;
	register uint64_t r3 __asm__("a3") = a3;
	register uint64_t r4 __asm__("a4") = a4;
	register uint64_t r5 __asm__("a5") = a5;
	register uint64_t r6 __asm__("a6") = fid;
	register uint64_t r7 __asm__("a7") = ext;

	__asm__ volatile("ecall"
	    : "+r"(r0), "+r"(r1)
	    : "r"(r2), "r"(r3), "r"(r4), "r"(r5), "r"(r6), "r"(r7)
	    : "memory");
	return (struct sbiret){ (long)r0, r1 };
}

static struct sbiret
sbi_call1(uint64_t ext, uint64_t fid, uint64_t a0)
{
	return sbi_call(ext, fid, a0, 0, 0, 0, 0, 0);
}

static uint64_t
sbi_base(uint64_t fid)
{
	struct sbiret r = sbi_call1(SBI_EXT_BASE, fid, 0);

	return r.error == SBI_SUCCESS ? r.value : 0;
}

static bool
sbi_probe(uint64_t ext)
{
	struct sbiret r = sbi_call1(SBI_EXT_BASE, BASE_PROBE, ext);

	return r.error == SBI_SUCCESS && r.value != 0;
}

void
sbi_init(void)
{
	sbi_info.spec_version = sbi_base(BASE_SPEC_VERSION);
	if (sbi_info.spec_version == 0)
		return;                 /* 0.1: legacy calls only */
	sbi_info.impl_id = sbi_base(BASE_IMPL_ID);
	sbi_info.impl_version = sbi_base(BASE_IMPL_VERSION);
	sbi_info.mvendorid = sbi_base(BASE_MVENDORID);
	sbi_info.marchid = sbi_base(BASE_MARCHID);
	sbi_info.mimpid = sbi_base(BASE_MIMPID);
	sbi_info.has = (sbi_probe(SBI_EXT_TIME) ? SBI_HAS_TIME : 0) |
	    (sbi_probe(SBI_EXT_IPI) ? SBI_HAS_IPI : 0) |
	    (sbi_probe(SBI_EXT_RFENCE) ? SBI_HAS_RFENCE : 0) |
	    (sbi_probe(SBI_EXT_HSM) ? SBI_HAS_HSM : 0) |
	    (sbi_probe(SBI_EXT_SRST) ? SBI_HAS_SRST : 0) |
	    (sbi_probe(SBI_EXT_DBCN) ? SBI_HAS_DBCN : 0);
}

/* ---- console: no state but this, which is 0 until the first character ---- */

static enum { CONSOLE_UNKNOWN, CONSOLE_DBCN, CONSOLE_LEGACY } sbi_console;

static bool
sbi_console_dbcn(void)
{
	if (sbi_console == CONSOLE_UNKNOWN)
		sbi_console = sbi_base(BASE_SPEC_VERSION) >= (2u << 24) &&
		    sbi_probe(SBI_EXT_DBCN) ? CONSOLE_DBCN : CONSOLE_LEGACY;
	return sbi_console == CONSOLE_DBCN;
}

void
sbi_putchar(char c)
{
	if (sbi_console_dbcn())
		sbi_call1(SBI_EXT_DBCN, DBCN_WRITE_BYTE, (uint8_t)c);
	else
		sbi_call1(LEGACY_PUTCHAR, 0, (uint8_t)c);
}

/*
 * The legacy call also where DBCN exists: DBCN reads into physical memory, and
 * all firmware that has it still has the legacy one. -1 or an SBI error: nothing.
 */
int
sbi_getchar(void)
{
	long c = sbi_call1(LEGACY_GETCHAR, 0, 0).error;

	return c >= 0 && c <= 0xff ? (int)c : -1;
}

/* ---- timer, harts, power ---- */

void
sbi_set_timer(uint64_t deadline)
{
	if (sbi_has(SBI_HAS_TIME))
		sbi_call1(SBI_EXT_TIME, 0, deadline);
	else
		sbi_call1(LEGACY_SET_TIMER, 0, deadline);
}

long
sbi_hart_start(uint64_t hartid, uint64_t pc, uint64_t opaque)
{
	if (!sbi_has(SBI_HAS_HSM))
		return SBI_ERR_NOT_SUPPORTED;
	return sbi_call(SBI_EXT_HSM, 0, hartid, pc, opaque, 0, 0, 0).error;
}

long
sbi_hart_status(uint64_t hartid)
{
	struct sbiret r;

	if (!sbi_has(SBI_HAS_HSM))
		return SBI_ERR_NOT_SUPPORTED;
	r = sbi_call1(SBI_EXT_HSM, 2, hartid);
	return r.error != SBI_SUCCESS ? r.error : (long)r.value;
}

void
sbi_shutdown(void)
{
	if (sbi_has(SBI_HAS_SRST))
		sbi_call1(SBI_EXT_SRST, 0, SRST_SHUTDOWN);
	sbi_call1(LEGACY_SHUTDOWN, 0, 0);
}

void
sbi_reboot(void)
{
	if (sbi_has(SBI_HAS_SRST))
		sbi_call1(SBI_EXT_SRST, 0, SRST_COLD_REBOOT);
}

/* ---- sets of harts ---- */

struct remote {
	uint64_t ext, fid;              /* standard call: (mask, base, start, size, asid) */
	uint64_t legacy;                /* legacy call: (&mask, start, size, asid) */
	uint32_t has;                   /* SBI_HAS_* of the standard call */
	uint64_t start, size, asid;
};

static bool
sbi_remote_call(const struct remote *r, uint64_t mask, uint64_t base)
{
	if (sbi_has(r->has))
		return sbi_call(r->ext, r->fid, mask, base, r->start, r->size, r->asid,
		    0).error == SBI_SUCCESS;
	/* The legacy calls read the mask at our virtual address, from id 0 on. */
	if (base != 0)
		return false;
	return sbi_call(r->legacy, 0, (uint64_t)&mask, r->start, r->size, r->asid, 0,
	    0).error == 0;
}

/*
 * One call for each window of 64 hart ids that has members of the set. The
 * legacy calls take ids below 64 only, so their window is the first.
 */
static bool
sbi_for_masks(const struct remote *r, uint64_t set)
{
	bool ok = true;

	while (set != 0) {
		uint64_t base = ~0ul, mask = 0, left = set, s;

		for (s = set; s != 0; s &= s - 1)
			if (harts[__builtin_ctzl(s)].hartid < base)
				base = harts[__builtin_ctzl(s)].hartid;
		if (!sbi_has(r->has) && base < 64)
			base = 0;
		for (s = set; s != 0; s &= s - 1) {
			uint64_t id = harts[__builtin_ctzl(s)].hartid - base;

			if (id < 64) {
				mask |= 1ul << id;
				left &= ~(s & -s);
			}
		}
		ok &= sbi_remote_call(r, mask, base);
		set = left;
	}
	return ok;
}

bool
sbi_send_ipi(uint64_t hart_set)
{
	return sbi_for_masks(&(struct remote){ .ext = SBI_EXT_IPI, .fid = 0,
	    .legacy = LEGACY_SEND_IPI, .has = SBI_HAS_IPI }, hart_set);
}

static void
sbi_remote_fence(const struct remote *r, uint64_t hart_set)
{
	if (unlikely(hart_fence_by_ipi))
		hart_fence_set(hart_set);
	else if (!sbi_for_masks(r, hart_set))
		panic("firmware refused remote fence %lu for harts 0x%lx", r->fid, hart_set);
}

void
sbi_remote_fence_i(uint64_t hart_set)
{
	sbi_remote_fence(&(struct remote){ .ext = SBI_EXT_RFENCE, .fid = RFENCE_FENCE_I,
	    .legacy = LEGACY_FENCE_I, .has = SBI_HAS_RFENCE }, hart_set);
}

void
sbi_remote_sfence_vma(uint64_t hart_set, uint64_t start, uint64_t size)
{
	sbi_remote_fence(&(struct remote){ .ext = SBI_EXT_RFENCE, .fid = RFENCE_SFENCE,
	    .legacy = LEGACY_SFENCE, .has = SBI_HAS_RFENCE,
	    .start = start, .size = size }, hart_set);
}

void
sbi_remote_sfence_vma_asid(uint64_t hart_set, uint64_t start, uint64_t size, uint64_t asid)
{
	sbi_remote_fence(&(struct remote){ .ext = SBI_EXT_RFENCE, .fid = RFENCE_SFENCE_ASID,
	    .legacy = LEGACY_SFENCE_ASID, .has = SBI_HAS_RFENCE,
	    .start = start, .size = size, .asid = asid }, hart_set);
}

void
sbi_init_calls(void)
{
	struct remote fence = { .legacy = LEGACY_SFENCE, .has = SBI_HAS_RFENCE };
	uint64_t self = 1ul << hart_index();

	/* The oldest firmware returns nothing, so that a0 is what it was: only this error counts. */
	if (sbi_has(SBI_HAS_TIME) ||
	    sbi_call1(LEGACY_SET_TIMER, 0, ~0ul).error != SBI_ERR_NOT_SUPPORTED)
		sbi_info.has |= SBI_CAN_TIME;
	if (sbi_has(SBI_HAS_IPI) || sbi_send_ipi(self))
		sbi_info.has |= SBI_CAN_IPI;
	if (sbi_has(SBI_HAS_RFENCE) || sbi_for_masks(&fence, self))
		sbi_info.has |= SBI_CAN_RFENCE;
}
