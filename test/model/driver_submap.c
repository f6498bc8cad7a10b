/*
 * driver_submap.c: submaps, and windows on them in tasks' maps.
 *
 * A submap is one more map of driver and model, behind the tasks: the calls
 * that need no hart go to it directly, and what they change must show through
 * every window at once, and in no leaf too many. Windows are plain or
 * copy-on-write, and share page tables where both sides lie on megapages.
 *
 * How much of a copy-on-write window a write turns into memory depends on the
 * submap's entries, of which the model knows nothing: it is told afterwards,
 * page by page, before the write takes place there. What such a page holds,
 * and which rights it has, the model knows.
 */
#include "driver_impl.h"

/* Some memory to begin with, so that windows have something to show. */
static void
populate(unsigned t)
{
	for (unsigned w = 0; w < space.nwindows; w++) {
		vm_offset_t at = space.window[w].start + (t - MODEL_TASKS) * 8 * P;
		vm_size_t size = (space.window[w].end - at) / P / 2 * P;
		vm_address_ut a = vm_address_u(at);

		if (vm_allocate(d.map[t], &a, vm_size_u(size), VM_FLAGS_FIXED) == KERN_SUCCESS)
			model_allocate(t, &at, size, VM_FLAGS_FIXED, true);
	}
}

void
submaps_start(void)
{
	for (unsigned t = MODEL_TASKS; t < MODEL_MAPS; t++) {
		d.map[t] = vm_map_create(PMAP_NULL, VM_MIN_ADDRESS, vm_max_address, true);
		if (d.map[t] == VM_MAP_NULL)
			continue;
		model_create(t);
		refill(t);
		populate(t);
	}
}

void
submaps_finish(void)
{
	for (unsigned t = MODEL_TASKS; t < MODEL_MAPS; t++)
		if (model_task[t].live) {
			vm_map_deallocate(d.map[t]);
			d.map[t] = VM_MAP_NULL;
			model_end(t);
		}
}

void
op_window(uint8_t inject)
{
	vm_offset_t at = trunc_page(d.addr), from = trunc_page(d.addr2), want;
	bool nest = d.arg & 1, copy = (d.arg & 0x0c) == 0x0c;
	struct model_map_args m = { .size = round_page(d.size), .mask = d.arg2 & 0x40 ? M - 1 : 0,
	    .flags = decode_flags() & (VM_FLAGS_ANYWHERE | VM_FLAGS_OVERWRITE | VM_FLAGS_ALIAS_MASK),
	    .max = VM_PROT_ALL, .inheritance = d.arg % 3 };
	struct vm_map_enter_args a;
	model_codes codes;

	if (d.arg2 & 0x80)
		m.flags |= VM_FLAGS_OVERWRITE;
	if (d.arg & 0x40) {             /* a whole megapage of both */
		at = (at + M / 2) & ~MEGAPAGE_MASK;
		from = (from + M / 2) & ~MEGAPAGE_MASK;
		m.size = M;
		m.flags &= ~VM_FLAGS_ANYWHERE;
	}
	m.cur = d.arg & 0x80 ? VM_PROT_DEFAULT : decode_prot(d.arg2 >> 4) & VM_PROT_ALL;
	if ((d.arg & 0x30) == 0x30)
		m.max = m.cur;
	want = at;
	codes = d.t2 < MODEL_TASKS ? MODEL_SKIP : model_window(d.t, &want, &m, d.t2, from, copy, false);
	say("task %u: [0x%lx, +0x%lx) of submap %u at 0x%lx, flags 0x%x, %u of %u, inherit %u%s%s", d.t, from, m.size, d.t2, at, m.flags,
	    m.cur, m.max, m.inheritance, copy ? ", copy" : "", nest ? ", nested" : "");
	if (!may_run(codes, inject))
		return;
	a = (struct vm_map_enter_args){ .size = m.size, .mask = m.mask, .flags = m.flags, .offset = from, .needs_copy = copy,
	    .cur = m.cur, .max = m.max, .inheritance = m.inheritance };
	want = at;
	codes = model_window(d.t, &want, &m, d.t2, from, copy, false);
	spot(at);
	if (agree(codes, vm_map_enter_submap(d.map[d.t], &at, &a, d.map[d.t2], nest))) {
		placed(at, want, m.size);
		want = d.arg & 0x40 ? (trunc_page(d.addr) + M / 2) & ~MEGAPAGE_MASK : trunc_page(d.addr);
		model_window(d.t, &want, &m, d.t2, from, copy, true);
	}
}

void
follow_windows(unsigned t)
{
	vm_map_entry_t e;

	if (!model_task[t].live || !d.map[t]->has_submaps)
		return;
	for (unsigned i = 0; i < space.nunits; i++)
		if (model_task[t].unit[i].copy && vm_map_lookup_entry(d.map[t], space.start[i], &e) && !e->is_sub_map)
			model_unnest(t, (int)i);
}
