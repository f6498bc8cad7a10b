/*
 * driver.c: performs operations on mm and on the model. See driver.h.
 *
 * After each operation: its result code and outputs; what harts reach at pages
 * that the operation named and at others, with every kind of access, byte for
 * byte; TLBs against tables. From time to time, or always: every leaf of every
 * page table, the regions that vm_region lists, the invariants of vm_check.
 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <arch/tlb.h>
#include "driver_impl.h"

const char *const driver_kind_name[DRV_KINDS] = {
	"access", "touch", "megapage", "renew", "passing fork", "vm_allocate", "vm_map", "vm_deallocate", "vm_protect", "vm_inherit",
	"vm_read", "vm_read_overwrite", "vm_write", "vm_copy", "vm_region", "fork", "end", "create",
	"switch", "kernel read", "kernel write", "refill", "asids",
	"vm_remap", "vm_wire", "vm_behavior_set", "vm_msync", "make memory entry", "map memory entry", "drop memory entry",
	"take a copy", "use a copy", "map a pager", "map a submap"
};

/* Of 256. */
static const uint8_t weight[DRV_KINDS] = {
	[DRV_ACCESS] = 27, [DRV_TOUCH] = 20, [DRV_MEGA] = 2, [DRV_RENEW] = 3, [DRV_PASSING] = 3, [DRV_ALLOCATE] = 17, [DRV_MAP] = 12, [DRV_DEALLOCATE] = 12,
	[DRV_PROTECT] = 20, [DRV_INHERIT] = 8, [DRV_READ] = 8, [DRV_READ_OVERWRITE] = 8,
	[DRV_WRITE] = 9, [DRV_COPY] = 10, [DRV_REGION] = 3, [DRV_FORK] = 8, [DRV_END] = 5,
	[DRV_CREATE] = 1, [DRV_SWITCH] = 10, [DRV_KREAD] = 3, [DRV_KWRITE] = 4, [DRV_REFILL] = 4,
	[DRV_ASIDS] = 1, [DRV_REMAP] = 12, [DRV_WIRE] = 7, [DRV_BEHAVIOR] = 5, [DRV_MSYNC] = 3, [DRV_ENTRY_MAKE] = 4,
	[DRV_ENTRY_MAP] = 7, [DRV_ENTRY_DROP] = 2, [DRV_COPY_TAKE] = 3, [DRV_COPY_USE] = 4, [DRV_PAGER_MAP] = 5, [DRV_WINDOW] = 6,
};

struct driver_counts driver_counts;
bool driver_verbose;
char driver_failure[1024];

struct driver d;

void
fail(const char *fmt, ...)
{
	va_list ap;
	int n;

	if (driver_failure[0] != '\0')
		return;
	n = snprintf(driver_failure, sizeof(driver_failure), "operation %lu (%s): ", d.step,
	    driver_kind_name[d.kind]);
	va_start(ap, fmt);
	vsnprintf(driver_failure + n, sizeof(driver_failure) - (size_t)n, fmt, ap);
	va_end(ap);
}

void
say(const char *fmt, ...)
{
	va_list ap;

	if (!driver_verbose)
		return;
	printf("# %3lu hart %u: ", d.step, d.hart);
	va_start(ap, fmt);
	vprintf(fmt, ap);
	va_end(ap);
	printf("\n");
	fflush(stdout);
}

uint64_t
dice(uint64_t n)
{
	d.random = d.random * 6364136223846793005ul + 1442695040888963407ul;
	return (d.random >> 33) % n;
}

/* --- start --- */

static void
windows(vm_offset_t max, bool small, struct window *w)
{
	vm_size_t wide = small ? 24 * P : 40 * P;

	w[0] = (struct window){ P, 64 * P };
	w[1] = (struct window){ M - wide, 2 * M + wide };
	w[2] = (struct window){ GIGAPAGE_SIZE - M - wide, GIGAPAGE_SIZE + wide };
	w[3] = (struct window){ max - M - wide, max };
}

void
refill(unsigned t)
{
	for (unsigned i = 0; i < space.nunits && !failed(); i++) {
		vm_offset_t at = space.start[i];
		vm_size_t size = space.start[i + 1] - at;
		vm_address_ut a = vm_address_u(at);
		kern_return_t kr;

		if (!space.gap[i] || model_task[t].unit[i].cell != NULL)
			continue;
		kr = vm_allocate(d.map[t], &a, vm_size_u(size), VM_FLAGS_FIXED | VM_MAKE_TAG(99));
		driver_counts.code[kr & 63]++;
		if (kr == KERN_SUCCESS)
			model_allocate(t, &at, size, VM_FLAGS_FIXED | VM_MAKE_TAG(99), true);
		else if (kr != KERN_RESOURCE_SHORTAGE)
			fail("gap of 0x%lx at 0x%lx: %s", size, at, kern_return_name(kr));
	}
}

static void
create(unsigned t)
{
	pmap_t pmap = pmap_create();

	if (pmap == PMAP_NULL)
		return;
	d.map[t] = vm_map_create(pmap, VM_MIN_ADDRESS, vm_max_address, true);
	if (d.map[t] == VM_MAP_NULL) {
		pmap_destroy(pmap);
		return;
	}
	model_create(t);
	refill(t);
}

void
driver_boot(const struct driver_config *c)
{
	struct window w[MODEL_WINDOWS];

	memset(&d, 0, sizeof(d));
	d.config = *c;
	tlb_sim_next = (struct tlb_sim_config){ c->levels, c->asid_bits, c->fault_ad,
	    c->full_fences_only, 12345, c->sticky };
	host_boot(c->memory);
	windows(vm_max_address, c->memory < (16u << 20), w);
	model_init(VM_MIN_ADDRESS, vm_max_address, w, 4);
	for (unsigned h = 0; h < HARTS; h++)
		d.on[h] = NOBODY;
	d.free_pages = host_free_pages();
}

void
driver_start(void)
{
	driver_failure[0] = '\0';
	d.step = 0;
	d.hart = 0;
	pagers_start();
	submaps_start();
	create(0);
	create(1);
}

/* --- decoding --- */

static const uint64_t extreme_address[] = {
	0, 1, P - 1, P, P + 1, M - 1, M, 1ul << 38, 1ul << 47, 1ul << 63,
	0 - M, 0 - P - 1, 0 - P, 0 - P + 1, -2ul, -1ul
};
static const uint64_t extreme_size[] = {
	0, 0, 1, 2, P - 1, P, P + 1, 2 * P, M - 1, M, M + 1, 1ul << 38, 1ul << 63,
	0 - M, 0 - P - 1, 0 - P, 0 - P + 1, -1ul
};

/* The n-th place where two neighbouring pages of t's windows differ in anything but contents. */
static vm_offset_t
border(unsigned t, unsigned n)
{
	static vm_offset_t found[MODEL_UNITS];
	const struct unit *u = model_task[t].unit;
	unsigned k = 0;

	for (unsigned i = 1; i < space.nunits; i++)
		if ((u[i].cell == NULL) != (u[i - 1].cell == NULL) || u[i].prot != u[i - 1].prot ||
		    u[i].max != u[i - 1].max || u[i].inherit != u[i - 1].inherit ||
		    u[i].shared != u[i - 1].shared || u[i].tag != u[i - 1].tag ||
		    u[i].sub != u[i - 1].sub || u[i].wired != u[i - 1].wired || u[i].behavior != u[i - 1].behavior)
			found[k++] = space.start[i];
	return k == 0 ? space.min : found[n % k];
}

static vm_offset_t
offset_of(uint8_t b)
{
	static const uint16_t some[] = { 1, 8, P / 2, P - 8, P - 1, 1, 0xff0, 24 };

	return b < 160 ? 0 : b < 240 ? some[b % 8] : (vm_offset_t)b * 17 % P;
}

/* The n-th run of present pages in t's windows; FALSE: there is none. */
static bool
run(unsigned t, unsigned n, vm_offset_t *start, vm_offset_t *end)
{
	static vm_offset_t from[MODEL_UNITS], to[MODEL_UNITS];
	const struct unit *u = model_task[t].unit;
	unsigned k = 0;

	for (unsigned i = 0, j; i < space.nunits; i = j) {
		j = i + 1;
		if (space.gap[i] || u[i].cell == NULL)
			continue;
		while (j < space.nunits && !space.gap[j] && u[j].cell != NULL)
			j++;
		from[k] = space.start[i];
		to[k++] = space.start[j];
	}
	if (k == 0)
		return false;
	*start = from[n % k];
	*end = to[n % k];
	return true;
}

/* Three bytes of where and one of how far into the page. */
static vm_offset_t
decode_address(unsigned t, const uint8_t *b)
{
	unsigned n = b[1] | (unsigned)b[2] << 8, how = b[0] & 31, w = (b[0] >> 5) % space.nwindows;
	const struct window *win = &space.window[w];
	vm_offset_t at, end;

	if (how == 0)
		return (b[0] & 64 ? extreme_address[n % nitems(extreme_address)] :
		    space.max + (n % 5 - 2) * P + offset_of(b[3]));
	if (how < 6) {
		at = border(t, n >> 2);
		at += (n & 3) == 0 ? P : (n & 3) == 1 ? 0 - P : 0;
	} else if (how < 18 && run(t, n, &at, &end))
		at += (n >> 4) % ((end - at) / P) * P;
	else if (how < 21)             /* at a megapage, or near it */
		at = ((win->start + M - 1) & ~MEGAPAGE_MASK) + (how == 20 ? (n % 5 - 2) * P : 0);
	else if (how < 25)              /* few places, so that operations meet */
		at = win->start + n % 16 * P;
	else
		at = win->start + n % ((win->end - win->start) / P) * P;
	return at + offset_of(b[3]);
}

static vm_size_t
decode_size(unsigned t, vm_offset_t addr, const uint8_t *b)
{
	unsigned how = b[0] & 15, n = b[1] | (unsigned)b[2] << 8;
	vm_size_t size;
	int i;

	if (how == 0 && (b[0] & 0x80))
		return extreme_size[n % nitems(extreme_size)];
	if (how == 1 && (b[0] & 0xc0) == 0)
		return 0 - addr + (n % 4096 - 2048);    /* ends about 2^64 */
	if (how == 1)
		return 1 + n % (2 * P);
	if (how < 7)
		size = (1 + n % 16) * P;
	else if (how < 9)
		size = M;
	else if (how < 10) {
		vm_offset_t to = border(t, n);

		size = to > addr ? to - addr : (1 + n % 4) * P;
	} else if (how < 13) {          /* what is there, at most */
		unsigned most = n % 8 == 0 ? MODEL_UNITS : 1 + n % 100, first;

		i = model_unit(addr);
		first = i < 0 ? 0 : (unsigned)i;
		for (size = 0; i >= 0 && i < (int)space.nunits && !space.gap[i] && (unsigned)i < first + most &&
		    model_task[t].unit[i].cell != NULL; i++)
			size += P;
		size = size == 0 ? P : size - (n & 0x8000 ? addr % P : 0);
	} else if (how < 15)
		size = (1 + n % 64) * P;
	else {                          /* to the end of the window */
		i = model_unit(addr);
		size = P;
		for (unsigned w = 0; i >= 0 && w < space.nwindows; w++)
			if (addr >= space.window[w].start && addr < space.window[w].end)
				size = space.window[w].end - addr;
	}
	return (b[0] & 0xe0) == 0x20 ? size - addr % P + offset_of(b[2]) :
	    (b[0] & 0xe0) == 0x40 ? size + 1 : (b[0] & 0xe0) == 0x60 ? size - 1 : size;
}

static unsigned
live_task(unsigned n)
{
	unsigned k = 0, which[MODEL_TASKS];

	for (unsigned t = 0; t < MODEL_TASKS; t++)
		if (model_task[t].live)
			which[k++] = t;
	return k == 0 ? NOBODY : which[n % k];
}

static enum driver_kind
decode_kind(uint8_t b)
{
	unsigned at = 0;

	for (unsigned k = 0; k < DRV_KINDS; k++)
		if (b < (at += weight[k]))
			return (enum driver_kind)k;
	return DRV_ACCESS;
}

/* [*addr, +size) moves to where something is, if nothing is there; *size, where it is asked for, ends where that does. */
static void
move_to_run(unsigned t, unsigned n, vm_offset_t *addr, vm_size_t *size)
{
	vm_offset_t start, end;
	int i = model_unit(*addr);

	if (i >= 0 && !space.gap[i] && model_task[t].unit[i].cell != NULL) {
		for (end = space.start[i]; i < (int)space.nunits && !space.gap[i] && model_task[t].unit[i].cell != NULL; i++)
			end = space.start[i + 1];
	} else if (run(t, n, &start, &end))
		*addr = start + (n >> 3) % ((end - start) / P) * P + *addr % P;
	else
		return;
	if (size != NULL && *size > end - *addr)
		*size = end - *addr;
}

/* Calls that want memory get some, mostly: else nearly all would be refused. */
static void
decode_present(unsigned n)
{
	static const bool source[DRV_KINDS] = { [DRV_ACCESS] = true, [DRV_TOUCH] = true, [DRV_PROTECT] = true, [DRV_READ] = true,
	    [DRV_READ_OVERWRITE] = true, [DRV_WRITE] = true, [DRV_COPY] = true, [DRV_KREAD] = true, [DRV_KWRITE] = true,
	    [DRV_REMAP] = true, [DRV_WIRE] = true, [DRV_BEHAVIOR] = true, [DRV_MSYNC] = true, [DRV_ENTRY_MAKE] = true,
	    [DRV_COPY_TAKE] = true };
	static const bool target[DRV_KINDS] = { [DRV_READ_OVERWRITE] = true, [DRV_WRITE] = true, [DRV_COPY] = true, [DRV_WINDOW] = true };

	n += (unsigned)(d.random & 0xff) << 2;
	if (source[d.kind])
		move_to_run(d.t, n, &d.addr, &d.size);
	if (target[d.kind])
		move_to_run(d.kind == DRV_COPY ? d.t : d.t2, n >> 1, &d.addr2, &d.size);
}

/* Some of the calls go to a submap, directly. */
static void
decode_submaps(void)
{
	static const bool either[DRV_KINDS] = { [DRV_ALLOCATE] = true, [DRV_MAP] = true, [DRV_DEALLOCATE] = true,
	    [DRV_PROTECT] = true, [DRV_INHERIT] = true, [DRV_READ] = true, [DRV_READ_OVERWRITE] = true, [DRV_WRITE] = true,
	    [DRV_COPY] = true, [DRV_REGION] = true, [DRV_KREAD] = true, [DRV_KWRITE] = true, [DRV_REFILL] = true,
	    [DRV_REMAP] = true, [DRV_WIRE] = true, [DRV_BEHAVIOR] = true, [DRV_MSYNC] = true, [DRV_ENTRY_MAKE] = true,
	    [DRV_ENTRY_MAP] = true, [DRV_COPY_TAKE] = true, [DRV_COPY_USE] = true, [DRV_PAGER_MAP] = true };
	static const bool second[DRV_KINDS] = { [DRV_READ] = true, [DRV_READ_OVERWRITE] = true, [DRV_WRITE] = true,
	    [DRV_REMAP] = true };
	uint64_t x = d.random * 0x9e3779b97f4a7c15ul >> 32;

	if (d.kind == DRV_WINDOW || (second[d.kind] && x % 8 == 0))
		d.t2 = MODEL_TASKS + x / 8 % MODEL_SUBS;
	if (either[d.kind] && x / 64 % 8 == 0)
		d.t = MODEL_TASKS + x / 512 % MODEL_SUBS;
	/* There was no memory for them. */
	if (!model_task[d.t].live)
		d.t = live_task(0);
	if (!model_task[d.t2].live)
		d.t2 = d.t;
}

static void
decode(const struct op *op)
{
	const uint8_t *b = op->b;

	d.kind = decode_kind(b[0]);
	d.t = live_task(b[1] & 7);
	d.t2 = b[1] & 0x20 ? d.t : live_task(b[1] >> 3 & 3);
	d.hart = b[1] >> 6;
	d.nspots = 0;
	d.random = 0;
	for (unsigned i = 0; i < 16; i++)
		d.random = d.random * 257 + b[i];
	if (d.t == NOBODY)
		return;
	decode_submaps();
	d.addr = decode_address(d.t, b + 2);
	d.size = decode_size(d.t, d.addr, b + 6);
	d.addr2 = decode_address(d.t2, b + 9);
	if (b[14] >= 0xe0) {            /* a megapage, whole or nearly */
		d.addr = (d.addr + M / 2) & ~MEGAPAGE_MASK;
		d.size = M;
	}
	if (b[13] & 0x80)               /* the same place in the page: whole pages move */
		d.addr2 = trunc_page(d.addr2) + d.addr % P;
	d.arg = b[13];
	d.arg2 = b[14];
	if ((b[15] & 0xc0) != 0)        /* three of four */
		decode_present(b[15]);
}

/* --- judging --- */

void
spot(vm_offset_t at)
{
	if (d.nspots < nitems(d.spot))
		d.spot[d.nspots++] = at;
}

void
spots(vm_offset_t addr, vm_size_t size)
{
	spot(addr);
	spot(addr + size - 1);
}

bool
may_run(model_codes codes, uint8_t inject)
{
	if (codes & MODEL_SKIP) {
		driver_counts.skipped[d.kind]++;
		return false;
	}
	tlb_sim_become(d.hart);
	if (d.config.inject && (inject & 7) == 0)
		vm_alloc_fail_at(1 + (inject >> 4), inject & 8);
	return true;
}

bool
agree(model_codes codes, kern_return_t kr)
{
	static char text[256];
	struct vm_page_counts pages;

	vm_alloc_fail_at(0, false);
	/* Of the other calls, only accesses make memory of windows (hart_access, op_kernel_access). */
	if (d.kind == DRV_READ_OVERWRITE || d.kind == DRV_WRITE || d.kind == DRV_COPY || d.kind == DRV_COPY_USE)
		for (unsigned t = 0; t < MODEL_TASKS; t++)
			follow_windows(t);
	driver_counts.code[kr & 63]++;
	if (kr == KERN_RESOURCE_SHORTAGE) {
		driver_counts.shortage[d.kind]++;
		vm_page_counts(&pages);
		if (!d.config.inject && pages.free > 3000)
			fail("a shortage with %lu pages free", pages.free);
		return false;
	}
	if (!(codes >> kr & 1)) {
		kern_return_t want = 0;

		while (!(codes >> want & 1))
			want++;
		kern_reason_text(kern_reason(), text, sizeof(text));
		fail("%s instead of %s (%s)", kern_return_name(kr), kern_return_name(want), text);
		return false;
	}
	if (kr != KERN_SUCCESS) {
		driver_counts.refused[d.kind]++;
		return false;
	}
	driver_counts.done[d.kind]++;
	return true;
}

static void
compare_page(unsigned t, vm_offset_t va, paddr_t pa, const char *how)
{
	const struct unit *u = &model_task[t].unit[model_unit(va)];
	const uint8_t *got = phys_to_virt(pa & ~PAGE_MASK), *want = model_bytes(u);
	unsigned i = 0;

	driver_counts.pages_compared++;
	if (memcmp(got, want, P) == 0)
		return;
	while (got[i] == want[i])
		i++;
	fail("task %u, %s: byte 0x%lx is 0x%02x instead of 0x%02x", t, how,
	    trunc_page(va) + i, got[i], want[i]);
}

/*
 * One access of a program on hart h, which runs task t: faults as often as the
 * TLB makes it. KERN_SUCCESS: *pa.
 */
static kern_return_t
hart_access_once_or_more(unsigned h, unsigned t, vm_offset_t va, vm_prot_t access, paddr_t *pa)
{
	kern_return_t kr;

	driver_counts.accesses++;
	for (unsigned i = 0; i < 64; i++) {
		/* Addresses beyond are the kernel's, or none of Sv39's and its like. */
		if (va < space.max && tlb_sim_access(h, va, access, pa))
			return KERN_SUCCESS;
		if (tlb_sim_violation != NULL)
			return KERN_FAILURE;
		tlb_sim_become(h);
		kr = vm_fault(d.map[t], va, access);
		if (kr != KERN_SUCCESS)
			return kr;
	}
	fail("task %u, hart %u: faults without end at 0x%lx, access %u", t, h, va, access);
	return KERN_FAILURE;
}

static kern_return_t
hart_access(unsigned h, unsigned t, vm_offset_t va, vm_prot_t access, paddr_t *pa)
{
	kern_return_t kr = hart_access_once_or_more(h, t, va, access, pa);

	if (access == VM_PROT_WRITE)
		follow_windows(t);
	return kr;
}

static void
violations(void)
{
	if (tlb_sim_violation != NULL)
		fail("%s", tlb_sim_violation);
}

/* An access, judged: code and whole page. TRUE: it succeeded, and *pa. */
static bool
judged_access(unsigned h, unsigned t, vm_offset_t va, vm_prot_t access, paddr_t *pa)
{
	model_codes codes = model_access(t, va, access);
	kern_return_t kr;

	if (codes & MODEL_SKIP)
		return false;
	kr = hart_access(h, t, va, access, pa);
	violations();
	if (failed() || kr == KERN_RESOURCE_SHORTAGE)
		return false;
	if (!(codes >> kr & 1)) {
		int i = model_unit(va);

		fail("task %u, hart %u: access %u at 0x%lx: %s; the model has prot %d", t, h, access, va,
		    kern_return_name(kr), i < 0 || model_task[t].unit[i].cell == NULL ? -1 :
		    model_task[t].unit[i].prot);
		return false;
	}
	if (kr == KERN_SUCCESS)
		compare_page(t, va, *pa, "an access");
	return kr == KERN_SUCCESS && !failed();
}

/* What hart h may do now without a fault must be right. */
static void
unfaulted_access(unsigned h, vm_offset_t va, vm_prot_t access)
{
	unsigned t = d.on[h];
	paddr_t pa;

	if (va >= space.max || (model_access(t, va, access) & MODEL_SKIP))
		return;
	if (!tlb_sim_access(h, va, access, &pa)) {
		violations();
		return;
	}
	violations();
	if (!(model_access(t, va, access) & OK))
		fail("task %u, hart %u: access %u at 0x%lx is still possible", t, h, access, va);
	else
		compare_page(t, va, pa, "a TLB");
}

static vm_offset_t
random_place(void)
{
	const struct window *w;

	if (d.nspots > 0 && dice(3) != 0) {
		vm_offset_t at = d.spot[dice(d.nspots)];

		return at + (dice(3) - 1) * P;
	}
	w = &space.window[dice(space.nwindows)];
	return w->start + dice((w->end - w->start) / P) * P + dice(P);
}

static void
sample(void)
{
	paddr_t pa;

	for (unsigned i = 0; i < 6 && !failed(); i++) {
		unsigned h = (unsigned)dice(HARTS);
		vm_offset_t va = random_place();
		vm_prot_t access = 1u << dice(3);

		if (d.on[h] == NOBODY)
			continue;
		/* Stores without a new value copy what is copied on write: now and then. */
		if (dice(2) == 0 || (access == VM_PROT_WRITE && dice(4) != 0))
			unfaulted_access(h, va, access);
		else
			judged_access(h, d.on[h], va, access, &pa);
	}
}

static void
audit(unsigned t)
{
	const char *wrong;
	vm_offset_t va = 0;

	if (t >= MODEL_TASKS || !model_task[t].live || failed())
		return;
	if ((wrong = tlb_sim_audit(d.map[t]->pmap, &va)) != NULL)
		fail("TLBs of task %u at 0x%lx: %s", t, va, wrong);
}

/* Every leaf: only where there is something, no right too many, the right bytes. */
static void
check_leaves(unsigned t)
{
	struct pmap_walk w;
	vm_offset_t va = 0, end;

	for (; !failed() && pmap_next_leaf(d.map[t]->pmap, &va, space.max, &w); va = end) {
		end = (va & ~(w.size - 1)) + w.size;
		for (vm_offset_t at = va; at < end && !failed(); at += P) {
			int i = model_unit(at);
			struct unit u = i < 0 ? (struct unit){ .cell = NULL } : model_seen(t, i);
			vm_prot_t prot = u.prot | (u.prot & VM_PROT_WRITE ? VM_PROT_READ : 0u);

			if (u.copy)
				prot &= ~VM_PROT_WRITE;
			if (u.cell == NULL)
				fail("task %u: a leaf at 0x%lx, where nothing is", t, at);
			else if (w.prot & ~prot)
				fail("task %u: a leaf at 0x%lx grants %u of %u", t, at, w.prot, prot);
			else if (!space.gap[i])
				compare_page(t, at, w.pa + (at - va), "a leaf");
		}
	}
}

static bool
region_agrees(unsigned t, vm_offset_t addr, const struct model_region *want, vm_offset_t start,
    vm_size_t size, const struct vm_region_basic_info *r)
{
	const struct unit *u = want->unit;

	driver_counts.regions++;
	if (start < want->start || start + size > want->end || size == 0 || start + size <= addr ||
	    (addr < start && start != want->start && start != addr) || (start | size) % P)
		fail("task %u: vm_region(0x%lx) is [0x%lx, +0x%lx), alike are [0x%lx, 0x%lx)", t, addr,
		    start, size, want->start, want->end);
	else if (r->protection != u->prot || r->max_protection != u->max || r->inheritance != u->inherit ||
	    (u->shared != SHARED_PERHAPS && r->shared != u->shared))
		fail("task %u: vm_region(0x%lx): prot %u max %u inherit %u shared %u instead of %u %u %u %u",
		    t, addr, r->protection, r->max_protection, r->inheritance, r->shared, u->prot, u->max,
		    u->inherit, u->shared);
	else if (r->reserved != (u->sub != 0) || r->behavior != u->behavior || r->user_wired_count != u->wired || r->offset % P)
		fail("task %u: vm_region(0x%lx): reserved %u behavior %u of %u wired %u of %u offset 0x%lx", t, addr,
		    r->reserved, r->behavior, u->behavior, r->user_wired_count, u->wired, r->offset);
	return !failed();
}

/* One call of vm_region; the region's end, or 0 when it was the last. */
static vm_offset_t
check_region(unsigned t, vm_offset_t addr)
{
	struct vm_region_basic_info info;
	vm_address_ut a = vm_address_u(addr);
	vm_size_ut size;
	struct model_region want;
	bool is = model_region(t, addr, &want);
	kern_return_t kr = vm_region_basic(d.map[t], &a, &size, &info);

	if (kr != (is ? KERN_SUCCESS : KERN_INVALID_ADDRESS)) {
		fail("task %u: vm_region(0x%lx): %s", t, addr, kern_return_name(kr));
		return 0;
	}
	if (!is)
		return 0;
	return region_agrees(t, addr, &want, a.v, size.v, &info) ? a.v + size.v : 0;
}

static void
check_regions(unsigned t)
{
	vm_offset_t at = 0;

	while ((at = check_region(t, at)) != 0 && at < space.max)
		;
}

static void
check_chains(unsigned t)
{
	for (vm_map_entry_t e = vm_map_first_entry(d.map[t]); e != vm_map_to_entry(d.map[t]); e = e->vme_next) {
		uint64_t n = 0;

		if (e->is_sub_map)
			continue;
		for (vm_object_t o = e->object.vm_object; o != NULL; o = o->shadow)
			n++;
		if (n > driver_counts.chain_max)
			driver_counts.chain_max = n;
		driver_counts.chain_sum += n;
		driver_counts.chain_samples++;
	}
}

static void
check_everything(void)
{
	struct vm_check_failure f;
	vm_map_t maps[MODEL_MAPS];
	unsigned n = 0;

	driver_counts.checks++;
	for (unsigned t = 0; t < MODEL_MAPS && !failed(); t++)
		if (model_task[t].live) {
			maps[n++] = d.map[t];
			audit(t);
			if (d.map[t]->pmap != NULL)
				check_leaves(t);
			check_regions(t);
			check_chains(t);
		}
	check_pagers();
	if (!failed() && !vm_check_all(maps, n, &f))
		fail("%s: %s", f.id, f.text);
}

/* --- operations --- */

/* The hart runs the task from now on. */
static void
run_on(unsigned h, unsigned t)
{
	if (d.on[h] == t)
		return;
	d.on[h] = t;
	tlb_sim_become(h);
	pmap_switch(t == NOBODY ? pmap_kernel() : d.map[t]->pmap);
}

static void
store(unsigned t, vm_offset_t va, paddr_t pa, uint64_t value)
{
	unsigned n = va % P + 8 <= P ? 8 : 1;

	memcpy(phys_to_virt(pa), &value, n);
	model_store(t, va, &value, n);
}

static void
op_access(uint8_t inject)
{
	vm_prot_t access = d.arg < 140 ? VM_PROT_WRITE : d.arg < 220 ? VM_PROT_READ : VM_PROT_EXECUTE;
	model_codes codes = model_access(d.t, d.addr, access);
	kern_return_t kr;
	paddr_t pa = 0;

	say("task %u: access %u at 0x%lx", d.t, access, d.addr);
	run_on(d.hart, d.t);
	if (!may_run(codes, inject))
		return;
	kr = hart_access(d.hart, d.t, d.addr, access, &pa);
	violations();
	spot(d.addr);
	if (!failed() && agree(codes, kr)) {
		compare_page(d.t, d.addr, pa, "an access");
		if (!failed() && access == VM_PROT_WRITE)
			store(d.t, d.addr, pa, d.random);
	}
	vm_alloc_fail_at(0, false);
}

/* The same access to each page of a range, up to the first that is refused. */
static void
op_touch(uint8_t inject)
{
	vm_prot_t access = d.arg < 170 ? VM_PROT_WRITE : d.arg < 230 ? VM_PROT_READ : VM_PROT_EXECUTE;
	vm_offset_t end = d.addr + d.size;
	bool down = d.arg2 & 1;
	paddr_t pa;

	if (d.size > 2 * M || end < d.addr)
		end = d.addr + 64 * P;
	say("task %u: access %u to each page of [0x%lx, 0x%lx)%s", d.t, access, d.addr, end, down ? " downwards" : "");
	run_on(d.hart, d.t);
	spots(d.addr, end - d.addr);
	if (!may_run(OK, inject))
		return;
	for (vm_offset_t at = d.addr; at < end && !failed(); at += P) {
		vm_offset_t va = down ? d.addr + (end - at - 1) / P * P : at;

		if (!judged_access(d.hart, d.t, va, access, &pa))
			break;
		if (access == VM_PROT_WRITE)
			store(d.t, va, pa, d.random + at);
	}
	vm_alloc_fail_at(0, false);
	driver_counts.done[d.kind]++;
}

/* A whole megapage, freshly allocated, and each page of it written. */
static void
op_megapage(uint8_t inject)
{
	vm_offset_t at = (d.addr + M / 2) & ~MEGAPAGE_MASK, want = at;
	vm_address_ut a = vm_address_u(at);
	const uint32_t flags = VM_FLAGS_FIXED | VM_FLAGS_OVERWRITE;
	model_codes codes = model_allocate(d.t, &want, M, flags, false);

	say("task %u: vm_allocate(0x%lx, 2M, overwrite)", d.t, at);
	if (!may_run(codes, inject))
		return;
	if (!agree(codes, vm_allocate(d.map[d.t], &a, vm_size_u(M), flags)))
		return;
	model_allocate(d.t, &want, M, flags, true);
	d.addr = at;
	d.size = M;
	d.arg = 0;
	op_touch(1);
}

/*
 * Memory that goes and comes again at once, after a store just below it: the
 * new pages must be clear, whoever still knows the old ones.
 */
static void
op_renew(uint8_t inject)
{
	vm_offset_t at = trunc_page(d.addr), want;
	vm_size_t size = round_page(d.size);
	vm_address_ut a = vm_address_u(at);
	model_codes codes = model_deallocate(d.t, at, size, false);
	paddr_t pa;

	if (size == 0 || size > 4 * M || model_unit(at) < 0)
		codes = MODEL_SKIP;
	d.addr = at;
	d.size = size;
	say("task %u: vm_deallocate(0x%lx, 0x%lx), a store below, vm_allocate of it", d.t, at, size);
	if (!may_run(codes, 1))
		return;
	if (!agree(codes, vm_deallocate(d.map[d.t], vm_address_u(at), vm_size_u(size))))
		return;
	model_deallocate(d.t, at, size, true);
	run_on(d.hart, d.t);
	if (judged_access(d.hart, d.t, at - P, VM_PROT_WRITE, &pa))
		store(d.t, at - P, pa, d.random);
	want = at;
	codes = model_allocate(d.t, &want, size, VM_FLAGS_FIXED, false);
	if (failed() || !may_run(codes, inject))
		return;
	if (agree(codes, vm_allocate(d.map[d.t], &a, vm_size_u(size), VM_FLAGS_FIXED)))
		model_allocate(d.t, &want, size, VM_FLAGS_FIXED, true);
	d.arg = 200;                    /* all of it is read */
	op_touch(1);
}

uint32_t
decode_flags(void)
{
	static const uint32_t some[] = {
		VM_FLAGS_FIXED, VM_FLAGS_FIXED, VM_FLAGS_FIXED, VM_FLAGS_ANYWHERE, VM_FLAGS_ANYWHERE,
		VM_FLAGS_FIXED | VM_FLAGS_OVERWRITE, VM_FLAGS_FIXED | VM_FLAGS_OVERWRITE,
		VM_FLAGS_FIXED | VM_MAKE_TAG(3), VM_FLAGS_ANYWHERE | VM_MAKE_TAG(4),
		VM_FLAGS_FIXED | VM_MAKE_TAG(3), VM_FLAGS_ANYWHERE | VM_FLAGS_OVERWRITE, VM_FLAGS_FIXED,
		VM_FLAGS_FIXED | VM_FLAGS_OVERWRITE | VM_MAKE_TAG(255), 2, 0x8000, VM_FLAGS_FIXED,
	};

	return some[d.arg2 & 15];
}

void
placed(vm_offset_t got, vm_offset_t want, vm_size_t size)
{
	if (got != want)
		fail("placed at 0x%lx instead of 0x%lx", got, want);
	spots(want, size);
}

static void
op_allocate(uint8_t inject)
{
	uint32_t flags = decode_flags();
	vm_offset_t want = d.addr;
	model_codes codes = model_allocate(d.t, &want, d.size, flags, false);
	vm_address_ut a = vm_address_u(d.addr);
	kern_return_t kr;

	say("task %u: vm_allocate(0x%lx, 0x%lx, 0x%x)", d.t, d.addr, d.size, flags);
	if (!may_run(codes, inject))
		return;
	kr = vm_allocate(d.map[d.t], &a, vm_size_u(d.size), flags);
	if (agree(codes, kr)) {
		placed(a.v, want, d.size);
		want = d.addr;
		model_allocate(d.t, &want, d.size, flags, true);
	} else if (a.v != d.addr)
		fail("a refusal wrote 0x%lx", a.v);
	spot(d.addr);
}

vm_prot_t
decode_prot(uint8_t b)
{
	static const uint8_t some[] = { 3, 3, 3, 1, 1, 7, 7, 5, 0, 2, 4, 6, 1, 3, 7, 3 };

	return b >= 250 ? 8u << b % 8 : b >= 230 ? VM_PROT_COPY | some[b & 15] : some[b & 15];
}

static void
op_map(uint8_t inject)
{
	static const uint64_t masks[] = { 0, 0, 0, P - 1, 2 * P - 1, 16 * P - 1, M - 1, M - 1, M - 1,
	    4 * M - 1, 0x5000, 1ul << 30, -1ul, 0x801, P, 0 };
	struct model_map_args m = { d.size, masks[d.arg2 >> 4], decode_flags(), decode_prot(d.arg),
	    decode_prot((uint8_t)(d.arg >> 4 | 8)) | VM_PROT_READ * (d.arg & 1), (d.arg2 >> 2) % 4u };
	struct vm_map_user_args args = { .size = vm_size_u(m.size), .mask = m.mask, .flags = m.flags,
	    .offset = vm_address_u(d.addr2), .copy = d.arg & 2, .cur = m.cur, .max = m.max,
	    .inheritance = m.inheritance };
	vm_offset_t want = d.addr;
	model_codes codes;
	vm_address_ut a = vm_address_u(d.addr);
	kern_return_t kr;

	if (m.max & ~VM_PROT_ALL || (d.arg & 0x30))
		args.max = m.max = VM_PROT_ALL;
	codes = model_map(d.t, &want, &m, false);
	say("task %u: vm_map(0x%lx, 0x%lx, mask 0x%lx, flags 0x%x, cur %u, max %u, inherit %u)", d.t,
	    d.addr, m.size, m.mask, m.flags, m.cur, m.max, m.inheritance);
	if (!may_run(codes, inject))
		return;
	kr = vm_map_user(d.map[d.t], &a, &args);
	if (agree(codes, kr)) {
		placed(a.v, want, d.size);
		want = d.addr;
		model_map(d.t, &want, &m, true);
	} else if (a.v != d.addr)
		fail("a refusal wrote 0x%lx", a.v);
	spot(d.addr);
}

static void
op_deallocate(uint8_t inject)
{
	model_codes codes = model_deallocate(d.t, d.addr, d.size, false);

	say("task %u: vm_deallocate(0x%lx, 0x%lx)", d.t, d.addr, d.size);
	if (!may_run(codes, inject))
		return;
	if (agree(codes, vm_deallocate(d.map[d.t], vm_address_u(d.addr), vm_size_u(d.size))))
		model_deallocate(d.t, d.addr, d.size, true);
	spots(d.addr, d.size);
}

static void
op_protect(uint8_t inject)
{
	vm_prot_t prot = decode_prot(d.arg2);
	bool set_max = d.arg < 40;
	model_codes codes;

	if (set_max && d.arg < 34)      /* maxima never grow back: keep most of them wide */
		prot |= VM_PROT_DEFAULT;
	codes = model_protect(d.t, d.addr, d.size, set_max, prot, false);
	say("task %u: vm_protect(0x%lx, 0x%lx, set_max %d, %u)", d.t, d.addr, d.size, set_max, prot);
	if (!may_run(codes, inject))
		return;
	if (agree(codes, vm_protect(d.map[d.t], vm_address_u(d.addr), vm_size_u(d.size), set_max, prot)))
		model_protect(d.t, d.addr, d.size, set_max, prot, true);
	spots(d.addr, d.size);
}

static void
op_inherit(uint8_t inject)
{
	static const vm_inherit_t some[] = { VM_INHERIT_SHARE, VM_INHERIT_SHARE, VM_INHERIT_SHARE,
	    VM_INHERIT_COPY, VM_INHERIT_COPY, VM_INHERIT_COPY, VM_INHERIT_NONE, 3 };
	vm_inherit_t inheritance = some[d.arg & 7];
	model_codes codes = model_inherit(d.t, d.addr, d.size, inheritance, false);

	say("task %u: vm_inherit(0x%lx, 0x%lx, %u)", d.t, d.addr, d.size, inheritance);
	if (!may_run(codes, inject))
		return;
	if (agree(codes, vm_inherit(d.map[d.t], vm_address_u(d.addr), vm_size_u(d.size), inheritance)))
		model_inherit(d.t, d.addr, d.size, inheritance, true);
	spots(d.addr, d.size);
}

static void
op_read(uint8_t inject)
{
	vm_offset_t want;
	model_codes codes = model_read(d.t, d.addr, d.size, d.t2, &want, false);
	vm_address_ut data = vm_address_u(77);
	vm_size_ut count = vm_size_u(78);

	say("task %u: vm_read(0x%lx, 0x%lx) by task %u", d.t, d.addr, d.size, d.t2);
	if (!may_run(codes, inject))
		return;
	if (agree(codes, vm_read(d.map[d.t], vm_address_u(d.addr), vm_size_u(d.size), d.map[d.t2], &data, &count))) {
		placed(data.v, want, d.size);
		if (count.v != d.size)
			fail("count 0x%lx", count.v);
		model_read(d.t, d.addr, d.size, d.t2, &want, true);
		if (d.size > 0)
			adopt_edges(d.t2, want, d.size);
	} else if (data.v != 77 || count.v != 78)
		fail("a refusal wrote 0x%lx, 0x%lx", data.v, count.v);
	spots(d.addr, d.size);
}

/* The bytes of a page as mm has them, without a fault; NULL: zeros. */
static const uint8_t *
peek(unsigned t, vm_offset_t va)
{
	vm_object_offset_t offset;
	vm_map_entry_t e;
	struct vm_page *m;

	if (!vm_map_lookup_entry(d.map[t], va, &e))
		return NULL;
	if (e->is_sub_map)
		return peek(model_task[t].unit[model_unit(va)].sub, trunc_page(va) - e->vme_start + e->offset);
	offset = e->offset + (trunc_page(va) - e->vme_start);
	for (vm_object_t o = e->object.vm_object; o != NULL; offset += o->shadow_offset, o = o->shadow)
		if (offset < o->size && (m = vm_page_lookup(o, offset)) != NULL)
			return vm_page_va(m);
		else if (o->pager != NULL)
			return pagers_stored(o->pager, offset);
	return NULL;
}

void
adopt_edges(unsigned t, vm_offset_t addr, vm_size_t size)
{
	vm_offset_t pages[2] = { trunc_page(addr), trunc_page(addr + size - 1) };

	for (unsigned i = 0; i < 2 && !failed(); i++) {
		const uint8_t *now = peek(t, pages[i]);
		uint8_t want[P];

		model_load(t, pages[i], want, P);
		for (vm_size_t k = 0; k < P; k++) {
			vm_offset_t at = pages[i] + k;

			if ((at >= addr && at < addr + size) || want[k] == (now != NULL ? now[k] : 0))
				continue;
			if (now != NULL && now[k] != 0) {
				fail("task %u: byte 0x%lx, beside the copy, is 0x%02x", t, at, now[k]);
				return;
			}
			want[k] = 0;
		}
		model_store(t, pages[i], want, P);
	}
}

void
adopt_partial(unsigned t, vm_offset_t addr, vm_size_t size, void (*apply)(void))
{
	static uint8_t old[MODEL_UNITS][P], zero[P];
	vm_offset_t start = trunc_page(addr), end = round_page(addr + size);
	unsigned n = (unsigned)((end - start) / P), news = 0;

	if (n > MODEL_UNITS)
		return;
	model_load(t, start, old, n * P);
	apply();
	for (unsigned i = 0; i < n && !failed(); i++) {
		const uint8_t *now = peek(t, start + i * P);
		/* It stopped before a copy-on-write window became memory: nothing has changed there. */
		bool before = model_task[t].unit[model_unit(start) + (int)i].copy;
		uint8_t new[P];

		if (now == NULL)
			now = zero;
		model_load(t, start + i * P, new, P);
		news += memcmp(new, old[i], P) != 0 && memcmp(now, old[i], P) != 0;
		for (unsigned k = 0; k < P; k++)
			if ((now[k] != new[k] || before) && now[k] != old[i][k]) {
				fail("task %u: byte 0x%lx is 0x%02x, neither 0x%02x as before nor 0x%02x", t,
				    start + i * P + k, now[k], old[i][k], new[k]);
				return;
			}
		model_store(t, start + i * P, now, P);
	}
	model_wrote_through = false;
	driver_counts.partial += news > 0;
}

/* Source in task t, destination in task t2, by the three calls that do it. */
static void
op_copy(uint8_t inject)
{
	unsigned to = d.kind == DRV_COPY ? d.t : d.t2;
	model_codes codes = model_copy(d.t, d.addr, d.size, to, d.addr2, false);
	vm_address_ut src = vm_address_u(d.addr), dst = vm_address_u(d.addr2);
	vm_size_ut size = vm_size_u(d.size), count = size;
	kern_return_t kr;

	say("%s(0x%lx of task %u, 0x%lx, to 0x%lx of task %u)", driver_kind_name[d.kind], d.addr, d.t,
	    d.size, d.addr2, to);
	/* Who writes data that it cannot read is told so by the messages, in Mach. */
	if (d.kind == DRV_WRITE && (codes & CODE(KERN_PROTECTION_FAILURE)))
		codes |= CODE(KERN_INVALID_ADDRESS);
	if (!may_run(codes, inject))
		return;
	if (d.kind == DRV_COPY)
		kr = vm_copy(d.map[d.t], src, size, dst);
	else if (d.kind == DRV_WRITE)
		kr = vm_write(d.map[to], dst, d.map[d.t], src, size);
	else
		kr = vm_read_overwrite(d.map[d.t], src, size, d.map[to], dst, &count);
	if (agree(codes, kr)) {         /* a refusal, for want of memory too, has changed no byte */
		model_copy(d.t, d.addr, d.size, to, d.addr2, true);
		if (count.v != d.size)
			fail("count 0x%lx", count.v);
	}
	spots(d.addr, d.size);
	spots(d.addr2, d.size);
}

static void
op_region(void)
{
	say("task %u: vm_region(0x%lx)", d.t, d.addr);
	tlb_sim_become(d.hart);
	check_region(d.t, d.addr);
	driver_counts.done[d.kind]++;
}

static int
dead_task(void)
{
	for (int t = 0; t < MODEL_TASKS; t++)
		if (!model_task[t].live)
			return t;
	return -1;
}

/* A fork that gave its lock up, for a pager, has said by then what is shared. */
static void
fork_failed(void)
{
	for (unsigned i = 0; pagers_mapped() && i < space.nunits; i++)
		if (model_task[d.t].unit[i].cell != NULL && model_task[d.t].unit[i].inherit == VM_INHERIT_SHARE)
			model_perhaps_shared(d.t, space.start[i], space.start[i + 1] - space.start[i]);
}

static void
op_fork(uint8_t inject)
{
	int child = dead_task();
	vm_map_t map;

	say("task %u forks task %d", d.t, child);
	if (!may_run(child < 0 ? MODEL_SKIP : OK, inject))
		return;
	map = vm_map_fork(d.map[d.t]);
	if (!agree(OK, map == VM_MAP_NULL ? KERN_RESOURCE_SHORTAGE : KERN_SUCCESS)) {
		fork_failed();
		return;
	}
	d.map[child] = map;
	model_fork(d.t, (unsigned)child);
	for (unsigned i = 0; i < nitems(d.spot); i++)
		spot(border(d.t, (unsigned)dice(1000)));
	run_on((unsigned)dice(HARTS), (unsigned)child);
	run_on((unsigned)dice(HARTS), d.t);
}

static void
end(unsigned t)
{
	struct pmap_stats s;

	pmap_stats(d.map[t]->pmap, &s);
	driver_counts.promotions += s.promotions;
	driver_counts.demotions += s.demotions;
	driver_counts.megapages += s.megapages;
	for (unsigned h = 0; h < HARTS; h++)
		if (d.on[h] == t)
			run_on(h, NOBODY);
	tlb_sim_become(d.hart);
	vm_map_deallocate(d.map[t]);
	d.map[t] = VM_MAP_NULL;
	model_end(t);
}

/* A child that ends before anybody does anything else. */
static void
op_passing_fork(uint8_t inject)
{
	vm_map_t map;
	kern_return_t kr;

	say("task %u forks a task that ends", d.t);
	if (!may_run(OK, inject))
		return;
	map = vm_map_fork(d.map[d.t]);
	kr = map == VM_MAP_NULL ? KERN_RESOURCE_SHORTAGE : KERN_SUCCESS;
	if (!agree(OK, kr)) {
		fork_failed();
		return;
	}
	vm_map_deallocate(map);
	for (unsigned i = 0; i < space.nunits; i++) {
		struct unit *u = &model_task[d.t].unit[i];

		if (u->cell != NULL && u->sub == 0 && u->inherit == VM_INHERIT_SHARE)
			u->shared = SHARED_YES;
	}
}

static void
op_end(void)
{
	say("task %u ends", d.t);
	end(d.t);
	if (live_task(0) == NOBODY)
		create(d.t);
	driver_counts.done[d.kind]++;
}

static void
op_create(uint8_t inject)
{
	int t = dead_task();

	say("task %d is created", t);
	if (!may_run(t < 0 ? MODEL_SKIP : OK, inject))
		return;
	create((unsigned)t);
	agree(OK, model_task[t].live ? KERN_SUCCESS : KERN_RESOURCE_SHORTAGE);
}

static uint8_t kernel_buffer[16 * P];
static vm_size_t kernel_done;

static void
apply_kernel_write(void)
{
	model_store(d.t, d.addr, kernel_buffer, kernel_done);
}

static void
op_kernel_access(uint8_t inject)
{
	static uint8_t want[sizeof(kernel_buffer)];
	uint8_t *buffer = kernel_buffer;
	vm_prot_t access = d.kind == DRV_KREAD ? VM_PROT_READ : VM_PROT_WRITE;
	vm_size_t size = d.size < sizeof(want) ? d.size : 1 + d.size % sizeof(want), done;
	model_codes codes = model_kernel_access(d.t, d.addr, size, access, &done);
	kern_return_t kr;

	say("task %u: kernel %s 0x%lx, 0x%lx bytes", d.t, access == VM_PROT_READ ? "reads" : "writes",
	    d.addr, size);
	if (!may_run(codes, inject))
		return;
	memset(buffer, (int)d.random, size);
	kernel_done = done;
	if (access == VM_PROT_READ)
		kr = vm_map_read_user(d.map[d.t], d.addr, buffer, size);
	else
		kr = vm_map_write_user(d.map[d.t], buffer, d.addr, size);
	if (d.t < MODEL_TASKS)
		follow_windows(d.t);
	spots(d.addr, size);
	if (access == VM_PROT_WRITE && kr == KERN_RESOURCE_SHORTAGE && done > 0)
		adopt_partial(d.t, d.addr, done, apply_kernel_write);
	else if (access == VM_PROT_WRITE)
		model_store(d.t, d.addr, kernel_buffer, done);  /* a prefix, at a failure */
	if (agree(codes, kr) && access == VM_PROT_READ) {
		model_load(d.t, d.addr, want, size);
		if (memcmp(want, buffer, size) != 0)
			fail("task %u: the kernel read other bytes at 0x%lx, 0x%lx of them", d.t, d.addr, size);
	}
}

static void
perform(uint8_t inject)
{
	switch (d.kind) {
	case DRV_ACCESS: op_access(inject); break;
	case DRV_TOUCH: op_touch(inject); break;
	case DRV_MEGA: op_megapage(inject); break;
	case DRV_RENEW: op_renew(inject); break;
	case DRV_PASSING: op_passing_fork(inject); break;
	case DRV_ALLOCATE: op_allocate(inject); break;
	case DRV_MAP: op_map(inject); break;
	case DRV_DEALLOCATE: op_deallocate(inject); break;
	case DRV_PROTECT: op_protect(inject); break;
	case DRV_INHERIT: op_inherit(inject); break;
	case DRV_READ: op_read(inject); break;
	case DRV_READ_OVERWRITE:
	case DRV_WRITE:
	case DRV_COPY: op_copy(inject); break;
	case DRV_REGION: op_region(); break;
	case DRV_FORK: op_fork(inject); break;
	case DRV_END: op_end(); break;
	case DRV_CREATE: op_create(inject); break;
	case DRV_SWITCH: run_on(d.hart, d.arg & 1 ? d.t : d.arg & 2 ? d.t2 : NOBODY); break;
	case DRV_KREAD:
	case DRV_KWRITE: op_kernel_access(inject); break;
	case DRV_REFILL: refill(d.t); break;
	case DRV_REMAP: op_remap(inject); break;
	case DRV_WIRE: op_wire(inject); break;
	case DRV_BEHAVIOR: op_behavior(inject); break;
	case DRV_MSYNC: op_msync(inject); break;
	case DRV_ENTRY_MAKE: op_entry_make(inject); break;
	case DRV_ENTRY_MAP: op_entry_map(inject); break;
	case DRV_ENTRY_DROP: op_entry_drop(); break;
	case DRV_COPY_TAKE: op_copy_take(inject); break;
	case DRV_COPY_USE: op_copy_use(inject); break;
	case DRV_PAGER_MAP: op_pager_map(inject); break;
	case DRV_WINDOW: op_window(inject); break;
	default: tlb_exhaust_asids(); break;
	}
}

bool
driver_op(const struct op *op)
{
	d.step++;
	decode(op);
	if (d.t == NOBODY) {            /* no memory even for one task */
		create(0);
		return !failed();
	}
	perform(op->b[15]);
	vm_alloc_fail_at(0, false);
	if (!failed())
		sample();
	audit(d.t);
	audit(d.t2);
	if (model_wrote_through)
		fail("a copy-on-write window was written through");
	if (!failed() && d.step % d.config.check_every == 0)
		check_everything();
	return !failed();
}

/* Every page that can be made readable is read. */
static void
read_all(unsigned t)
{
	static uint8_t buffer[P];

	for (unsigned i = 0; i < space.nunits && !failed(); i++) {
		const struct unit *u = &model_task[t].unit[i];
		struct unit seen = model_seen(t, (int)i);
		vm_offset_t va = space.start[i];
		kern_return_t kr;

		if (seen.cell == NULL || space.gap[i] || !((u->sub != 0 ? seen.prot : u->max) & VM_PROT_READ))
			continue;
		if (!(u->prot & VM_PROT_READ) &&
		    vm_protect(d.map[t], vm_address_u(va), vm_size_u(P), false, VM_PROT_READ) != KERN_SUCCESS)
			continue;
		kr = vm_map_read_user(d.map[t], va, buffer, P);
		if (kr == KERN_RESOURCE_SHORTAGE)
			continue;
		driver_counts.pages_compared++;
		if (kr != KERN_SUCCESS || memcmp(buffer, model_bytes(u), P) != 0)
			fail("task %u at the end: page 0x%lx: %s", t, va,
			    kr != KERN_SUCCESS ? kern_return_name(kr) : "other bytes");
	}
}

bool
driver_finish(void)
{
	struct vm_page_counts c;
	uint64_t left;

	if (failed())
		return false;
	d.step++;
	check_everything();
	for (unsigned t = 0; t < MODEL_MAPS && !failed(); t++)
		if (model_task[t].live)
			read_all(t);
	for (unsigned t = 0; t < MODEL_TASKS && !failed(); t++)
		if (model_task[t].live)
			end(t);
	share_finish();
	submaps_finish();
	pagers_finish();
	if (failed())
		return false;
	left = host_free_pages();
	if (left != d.free_pages)
		fail("%ld pages leaked", (long)(d.free_pages - left));
	else if (vm_page_census(&c) != NULL)
		fail("the census of pages does not agree");
	for (unsigned h = 0; h < HARTS; h++)
		run_on(h, NOBODY);
	tlb_sim_become(0);
	return !failed();
}
