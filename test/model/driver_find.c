/*
 * driver_find.c: FreeBSD's placement: vm_map_find by each strategy, vm_map_find_min,
 * vm_map_fixed; now and then the map gets an index for some alignment, which nobody
 * may notice but the clock.
 */
#include "driver_impl.h"
#include "../../mm/vm_map_impl.h"

struct question {
	struct model_find_args   m;
	struct vm_find_user_args a;
	enum vm_find_call        call;
};

/* Strategy and call, by arg2; the place is in whole pages, mostly. */
static void
decode_question(struct question *q)
{
	unsigned n = 12 + d.arg % 12u;

	q->m = (struct model_find_args){ .size = d.size, .searches = true, .cur = decode_prot(d.arg), .max = VM_PROT_ALL,
	    .share = d.arg & 0x80 };
	q->call = VM_MAP_FIND;
	switch (d.arg2 & 7) {
	case 0: case 1:
		q->a.find_space = d.arg2 & 8 ? VMFS_ANY_SPACE : VMFS_OPTIMAL_SPACE;
		break;
	case 2: case 3:
		q->a.find_space = VMFS_SUPER_SPACE;
		q->m.mask = d.size >= M ? M - 1 : 0;
		break;
	case 4: case 5:
		q->a.find_space = VMFS_ALIGNED_SPACE(n);
		q->m.mask = (1ul << n) - 1;
		break;
	default:
		q->call = d.arg2 & 0x80 ? VM_MAP_FIXED : VM_MAP_FIND;
		q->a.find_space = VMFS_NO_SPACE;
		q->m.searches = false;
		q->m.replaces = d.arg2 & 0x10;
		q->a.cow = q->call == VM_MAP_FIND ? (q->m.replaces ? MAP_REMAP : 0) : q->m.replaces ? 0 : MAP_CHECK_EXCL;
	}
	if (q->m.searches && (d.arg2 & 0x30) == 0x30)
		q->m.max_addr = d.addr + d.size * (1 + d.arg % 8u);
	if (q->m.searches && (d.arg2 & 0xc0) == 0xc0) {
		q->call = VM_MAP_FIND_MIN;
		q->m.again = true;
		q->m.min_addr = trunc_page(d.addr2);
	}
	if (q->m.share)
		q->a.cow |= MAP_INHERIT_SHARE;
	q->a.length = vm_size_u(q->m.size);
	q->a.min_addr = vm_address_u(q->m.min_addr);
	q->a.max_addr = vm_address_u(q->m.max_addr);
	q->a.prot = q->m.cur;
	q->a.max = q->m.max;
}

void
op_find(uint8_t inject)
{
	struct vm_map_align align = { .mask = (1ul << (13 + d.random % 10)) - 1 };
	struct question q = { .a = { .trace = NULL } };
	vm_offset_t want, at;
	vm_address_ut a;
	model_codes codes;

	if (d.random >> 16 & 7) {
		d.addr = trunc_page(d.addr);
		d.size = round_page(d.size);
	}
	decode_question(&q);
	want = at = d.addr;
	codes = model_find(d.t, &want, &q.m, false);
	say("task %u: vm_map_find(0x%lx, 0x%lx, strategy 0x%x, cow 0x%x, from 0x%lx, to 0x%lx, prot %u), call %u", d.t, at, q.m.size,
	    q.a.find_space, q.a.cow, q.m.min_addr, q.m.max_addr, q.m.cur, q.call);
	if (!may_run(codes, inject))
		return;
	if ((d.random >> 24) % 8 == 0) {
		vm_map_lock(d.map[d.t]);
		vm_map_store_index(d.map[d.t], &align);
		vm_map_unlock(d.map[d.t]);
	}
	a = vm_address_u(at);
	if (agree(codes, vm_map_find_user(d.map[d.t], &a, &q.a, q.call))) {
		placed(a.v, want, q.m.size);
		model_find(d.t, &at, &q.m, true);
	}
	spot(d.addr);
}
