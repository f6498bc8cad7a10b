/*
 * driver_stack.c: stacks, guards and limits.
 *
 * Limits are set to a little more than what is mapped, so that they are met,
 * and soon lifted again.
 */
#include <mm/vm_map_stack.h>
#include "driver_impl.h"

void
follow_growth(unsigned t, vm_offset_t va)
{
	int i = model_unit(va);
	vm_map_entry_t e;

	if (i >= 0 && model_task[t].unit[i].cell != NULL && model_task[t].unit[i].guard == GUARD_GAP &&
	    vm_map_lookup_entry(d.map[t], va, &e) && !e->guard)
		model_growstack(t, va, true);
}

static void
op_make(uint8_t inject)
{
	bool up = d.arg & 8;
	vm_offset_t at = d.arg & 0x60 ? trunc_page(d.addr) : d.addr;
	vm_size_t size = d.arg & 0x60 ? round_page(d.size) * (1 + d.arg2 % 4u) : d.size;
	model_codes codes = model_stack(d.t, at, size, up, false);

	say("task %u: vm_map_stack(0x%lx, 0x%lx, %s)", d.t, at, size, up ? "up" : "down");
	if (!may_run(codes, inject))
		return;
	if (agree(codes, vm_map_stack_user(d.map[d.t], vm_address_u(at), vm_size_u(size), VM_PROT_DEFAULT, VM_PROT_ALL,
	    up ? MAP_STACK_GROWS_UP : MAP_STACK_GROWS_DOWN)))
		model_stack(d.t, at, size, up, true);
	spots(at, size);
}

static void
op_guard(uint8_t inject)
{
	const struct vm_map_new guard = { .cow = MAP_CREATE_GUARD };
	vm_offset_t at = trunc_page(d.addr);
	vm_size_t size = round_page(d.size) % (8 * P) + P;
	model_codes codes = model_guard(d.t, at, size, false);

	say("task %u: a guard at 0x%lx, 0x%lx bytes", d.t, at, size);
	if (!may_run(codes, inject))
		return;
	if (agree(codes, vm_map_fixed(d.map[d.t], at, size, &guard)))
		model_guard(d.t, at, size, true);
	spots(at, size);
}

static void
op_grow(uint8_t inject)
{
	model_codes codes = model_growstack(d.t, d.addr, false);

	say("task %u: vm_map_growstack(0x%lx)", d.t, d.addr);
	if (!may_run(codes, inject))
		return;
	if (agree(codes, vm_map_growstack_user(d.map[d.t], vm_address_u(d.addr))))
		model_growstack(d.t, d.addr, true);
	spots(d.addr, P);
}

static void
op_limit(void)
{
	struct vm_map_limits l = { VM_LIMIT_NONE, VM_LIMIT_NONE, VM_LIMIT_NONE };
	struct model_task *m = &model_task[d.t];

	if (d.arg2 % 4 == 0)
		l.size = model_size(d.t) + (d.arg2 >> 2) * P;
	if (d.arg2 % 4 == 1)
		l.wired = model_wired(d.t) + (d.arg2 >> 2) % 16u * P;
	say("task %u: at most 0x%lx bytes, 0x%lx wired", d.t, l.size, l.wired);
	vm_map_set_limits(d.map[d.t], &l);
	m->limit = l.size;
	m->limit_wired = l.wired;
	m->limit_stack = l.stack;
}

/* A stack, perhaps, becomes the main one; it is met again soon. */
static void
op_main(void)
{
	struct model_task *m = &model_task[d.t];

	m->main_start = trunc_page(d.addr);
	m->main_end = m->main_start + round_page(d.size % M);
	m->limit_stack = d.arg2 & 3 ? (d.arg2 >> 2) * 4ul * P + d.size % P : MODEL_LIMIT_NONE;
	say("task %u: [0x%lx, 0x%lx) is the main stack, of at most 0x%lx bytes", d.t, m->main_start, m->main_end, m->limit_stack);
	vm_map_set_main_stack(d.map[d.t], m->main_start, m->main_end, m->limit_stack);
}

void
op_stack(uint8_t inject)
{
	/* Submaps stay as they are: what the kernel enters through windows has no stack. */
	if (d.t >= MODEL_TASKS)
		d.t = live_task(d.arg);
	if (d.t == NOBODY)
		return;
	switch (d.arg & 7) {
	case 0: case 1: case 2: case 3:
		op_make(inject);
		break;
	case 4:
		op_guard(inject);
		break;
	case 5:
		if (d.arg & 0x40)
			op_main();
		else
			op_limit();
		break;
	default:
		op_grow(inject);
		break;
	}
}
