/*
 * driver_vm.c: the operations on one map: accesses, allocating, protecting,
 * copying, forking, ending.
 *
 * Each asks the model first what may come of the call, makes the call, and lets
 * the model follow where it succeeded (may_run, agree).
 */
#include <string.h>
#include <arch/tlb.h>
#include "driver_impl.h"

/* The hart runs the task from now on. */
void
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

void
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
void
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
void
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
void
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

void
placed(vm_offset_t got, vm_offset_t want, vm_size_t size)
{
	if (got != want)
		fail("placed at 0x%lx instead of 0x%lx", got, want);
	spots(want, size);
}

void
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

void
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

void
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

void
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

/* FreeBSD's: children have zeros. */
static void
inherit_zero(uint8_t inject)
{
	vm_offset_t start = trunc_page(d.addr), end = round_page(d.addr + d.size);
	model_codes codes = model_inherit_zero(d.t, d.addr, d.size, false);

	say("task %u: vm_map_inherit(0x%lx, 0x%lx, zero)", d.t, start, end);
	if (!may_run(codes, inject))
		return;
	if (agree(codes, vm_map_inherit_user(d.map[d.t], vm_address_u(start), vm_address_u(d.size != 0 ? end : start), VM_INHERIT_ZERO)))
		model_inherit_zero(d.t, d.addr, d.size, true);
	spots(d.addr, d.size);
}

void
op_inherit(uint8_t inject)
{
	static const vm_inherit_t some[] = { VM_INHERIT_SHARE, VM_INHERIT_SHARE, VM_INHERIT_SHARE,
	    VM_INHERIT_COPY, VM_INHERIT_COPY, VM_INHERIT_COPY, VM_INHERIT_NONE, 3 };
	vm_inherit_t inheritance = some[d.arg & 7];
	model_codes codes = model_inherit(d.t, d.addr, d.size, inheritance, false);

	if (inheritance == VM_INHERIT_ZERO && (d.arg & 8)) {
		inherit_zero(inject);
		return;
	}
	say("task %u: vm_inherit(0x%lx, 0x%lx, %u)", d.t, d.addr, d.size, inheritance);
	if (!may_run(codes, inject))
		return;
	if (agree(codes, vm_inherit(d.map[d.t], vm_address_u(d.addr), vm_size_u(d.size), inheritance)))
		model_inherit(d.t, d.addr, d.size, inheritance, true);
	spots(d.addr, d.size);
}

void
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
void
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

void
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

void
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
	pagers_forked(d.t, (unsigned)child);
	for (unsigned i = 0; i < nitems(d.spot); i++)
		spot(border(d.t, (unsigned)dice(1000)));
	run_on((unsigned)dice(HARTS), (unsigned)child);
	run_on((unsigned)dice(HARTS), d.t);
}

void
end_task(unsigned t)
{
	struct pmap_stats s;

	pmap_stats(d.map[t]->pmap, &s);
	driver_counts.promotions += s.mega.promotions;
	driver_counts.demotions += s.mega.demotions;
	driver_counts.megapages += s.megapages;
	driver_counts.joined += s.mega.joined;
	driver_counts.broken += s.mega.broken;
	for (unsigned h = 0; h < HARTS; h++)
		if (d.on[h] == t)
			run_on(h, NOBODY);
	tlb_sim_become(d.hart);
	vm_map_deallocate(d.map[t]);
	d.map[t] = VM_MAP_NULL;
	model_end(t);
}

/* A child that ends before anybody does anything else. */
void
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

		if (u->cell != NULL && u->sub == 0 && u->guard == GUARD_NONE && u->inherit == VM_INHERIT_SHARE)
			u->shared = SHARED_YES;
	}
}

void
op_end(void)
{
	say("task %u ends", d.t);
	end_task(d.t);
	if (live_task(0) == NOBODY)
		create_task(d.t);
	driver_counts.done[d.kind]++;
}

void
op_create(uint8_t inject)
{
	int t = dead_task();

	say("task %d is created", t);
	if (!may_run(t < 0 ? MODEL_SKIP : OK, inject))
		return;
	create_task((unsigned)t);
	agree(OK, model_task[t].live ? KERN_SUCCESS : KERN_RESOURCE_SHORTAGE);
}

static uint8_t kernel_buffer[16 * P];
static vm_size_t kernel_done;

static void
apply_kernel_write(void)
{
	model_store(d.t, d.addr, kernel_buffer, kernel_done);
}

void
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
