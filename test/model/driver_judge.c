/*
 * driver_judge.c: is mm as the model says?
 *
 * After each operation its code; accesses of harts, with and without a fault,
 * byte for byte; TLBs against tables. From time to time every leaf, what
 * vm_region lists, and the invariants of vm_check.
 */
#include <string.h>
#include "driver_impl.h"

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
		if (codes & CODE(KERN_RESOURCE_SHORTAGE))
			return false;           /* a limit */
		vm_page_counts(&pages);
		if (!d.config.inject && pages.free > 3000)
			fail("a shortage with %lu pages free", pages.free);
		return false;
	}
	if (!(codes & CODE(kr))) {
		kern_return_t want = 0;

		while (want < KERN_OUT_OF_BOUNDS && !(codes & CODE(want)))
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

void
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

kern_return_t
hart_access(unsigned h, unsigned t, vm_offset_t va, vm_prot_t access, paddr_t *pa)
{
	kern_return_t kr = hart_access_once_or_more(h, t, va, access, pa);
	int i = model_unit(va);

	follow_growth(t, va);
	/* Who writes elsewhere makes no memory of windows; if it does, the regions tell. */
	if (access == VM_PROT_WRITE && i >= 0 && model_task[t].unit[i].copy)
		follow_windows(t);
	return kr;
}

void
violations(void)
{
	if (tlb_sim_violation != NULL)
		fail("%s", tlb_sim_violation);
}

/* An access, judged: code and whole page. TRUE: it succeeded, and *pa. */
bool
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
	if (!(codes & CODE(kr))) {
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

void
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

void
audit(unsigned t)
{
	const char *wrong;
	vm_offset_t va = 0;

	if (t >= MODEL_TASKS || !model_task[t].live || failed())
		return;
	if ((wrong = tlb_sim_audit(d.map[t]->pmap, &va)) != NULL)
		fail("TLBs of task %u at 0x%lx: %s", t, va, wrong);
}

/* Tasks share most of their pages: in one check, a frame that must hold the same bytes is compared once. */
static uint64_t check_number;

static void
compare_leaf(unsigned t, vm_offset_t va, const struct unit *u, paddr_t pa)
{
	static struct {
		uint64_t       check;
		paddr_t        pa;
		const uint8_t *want;
	} compared[8192], *c;
	const uint8_t *want = model_bytes(u);

	c = &compared[pa / P % nitems(compared)];
	if (c->check == check_number && c->pa == pa && c->want == want)
		return;
	c->check = check_number;
	c->pa = pa;
	c->want = want;
	compare_page(t, va, pa, "a leaf");
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
				compare_leaf(t, at, &u, w.pa + (at - va));
		}
	}
}

static bool
region_agrees(unsigned t, vm_offset_t addr, const struct model_region *want, vm_offset_t start,
    vm_size_t size, const struct vm_region_basic_info *r)
{
	const struct unit *u = want->unit;
	vm_map_entry_t e;

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
	else if (!vm_map_lookup_entry(d.map[t], start, &e) || e->no_sync != u->no_sync || e->no_core != u->no_core)
		fail("task %u: the entry at 0x%lx is not no_sync %d, no_core %d", t, start, u->no_sync, u->no_core);
	else if (r->reserved != (u->sub != 0) || r->behavior != u->behavior || r->user_wired_count != u->wired || r->offset % P)
		fail("task %u: vm_region(0x%lx): reserved %u behavior %u of %u wired %u of %u offset 0x%lx", t, addr,
		    r->reserved, r->behavior, u->behavior, r->user_wired_count, u->wired, r->offset);
	return !failed();
}

/* One call of vm_region; the region's end, or 0 when it was the last. */
vm_offset_t
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

void
check_everything(void)
{
	struct vm_check_failure f;
	vm_map_t maps[MODEL_MAPS];
	unsigned n = 0;

	driver_counts.checks++;
	check_number++;
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
