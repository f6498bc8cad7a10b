/*
 * driver_share.c: operations that join maps: vm_remap, named entries, copies
 * that are held for a while; and wiring, advice, vm_msync.
 *
 * Entries and copies are held by the driver as a task's handles would be. A
 * call that is refused half way may have made its source ready to be shared:
 * the model is told so.
 */
#include <string.h>
#include <mm/vm_map_copy.h>
#include "driver_impl.h"

#define HELD    4

static struct {
	vm_named_entry_t  entry;
	struct model_held model;
} entries[HELD];

static struct {
	vm_map_copy_t     copy;
	struct model_held model;
} copies[HELD];

/* --- remap --- */

void
op_remap(uint8_t inject)
{
	struct model_remap_args m = { d.addr, d.size, d.arg2 & 0x40 ? M - 1 : 0, decode_flags(), d.arg & 1,
	    (d.arg >> 1) % 4u };
	struct vm_remap_user_args a;
	vm_prot_t cur = 99, max = 99, want_cur = 0, want_max = 0;
	vm_offset_t want = d.addr2;
	vm_address_ut at = vm_address_u(d.addr2);
	model_codes codes;

	if (m.inheritance == 3 && d.arg & 8)    /* mostly a valid one */
		m.inheritance = VM_INHERIT_SHARE;
	a = (struct vm_remap_user_args){ .size = vm_size_u(m.size), .mask = m.mask, .flags = m.flags,
	    .src = d.map[d.t], .src_addr = vm_address_u(m.src), .copy = m.copy, .inheritance = m.inheritance };
	codes = model_remap(d.t, d.t2, &want, &m, &want_cur, &want_max, false);
	say("vm_remap(0x%lx of task %u, 0x%lx, to 0x%lx of task %u, flags 0x%x, mask 0x%lx, copy %d, inherit %u)", m.src, d.t,
	    m.size, d.addr2, d.t2, m.flags, m.mask, m.copy, m.inheritance);
	if (!may_run(codes, inject))
		return;
	if (agree(codes, vm_remap(d.map[d.t2], &at, &a, &cur, &max))) {
		placed(at.v, want, m.size);
		if (cur != want_cur || max != want_max)
			fail("vm_remap says %u of %u instead of %u of %u", cur, max, want_cur, want_max);
		want = d.addr2;
		model_remap(d.t, d.t2, &want, &m, &want_cur, &want_max, true);
	} else {
		if (at.v != d.addr2 || cur != 99 || max != 99)
			fail("a refusal wrote 0x%lx, %u, %u", at.v, cur, max);
		if (!m.copy)
			model_perhaps_shared(d.t, trunc_page(m.src), round_page(m.size));
	}
	spots(d.addr, d.size);
	spot(d.addr2);
}

/* --- wiring and advice --- */

void
op_wire(uint8_t inject)
{
	static const uint8_t some[] = { 0, 0, 0, 1, 1, 3, 1, 8 };
	vm_prot_t access = some[d.arg & 7];
	model_codes codes = model_wire(d.t, d.addr, d.size, access, false);

	say("task %u: vm_wire(0x%lx, 0x%lx, access %u)", d.t, d.addr, d.size, access);
	if (!may_run(codes, inject))
		return;
	if (agree(codes, vm_wire(d.map[d.t], vm_address_u(d.addr), vm_size_u(d.size), access)))
		model_wire(d.t, d.addr, d.size, access, true);
	spots(d.addr, d.size);
}

/* Actions that may change contents as they like are left to their own tests. */
void
op_behavior(uint8_t inject)
{
	static const uint8_t some[] = { VM_BEHAVIOR_DEFAULT, VM_BEHAVIOR_DEFAULT, VM_BEHAVIOR_RANDOM,
	    VM_BEHAVIOR_SEQUENTIAL, VM_BEHAVIOR_RSEQNTL, VM_BEHAVIOR_WILLNEED, VM_BEHAVIOR_DONTNEED,
	    VM_BEHAVIOR_PAGEOUT, VM_BEHAVIOR_LAST_VALID + 1, VM_BEHAVIOR_WILLNEED };
	vm_behavior_t b = some[d.arg % nitems(some)];
	model_codes codes = model_behavior(d.t, d.addr, d.size, b, false);

	say("task %u: vm_behavior_set(0x%lx, 0x%lx, %u)", d.t, d.addr, d.size, b);
	if (!may_run(codes, inject))
		return;
	if (agree(codes, vm_behavior_set(d.map[d.t], vm_address_u(d.addr), vm_size_u(d.size), b)))
		model_behavior(d.t, d.addr, d.size, b, true);
	spots(d.addr, d.size);
}

void
op_msync(uint8_t inject)
{
	static const uint8_t some[] = { VM_SYNC_SYNCHRONOUS, VM_SYNC_ASYNCHRONOUS, VM_SYNC_SYNCHRONOUS | VM_SYNC_INVALIDATE,
	    VM_SYNC_SYNCHRONOUS | VM_SYNC_ASYNCHRONOUS, VM_SYNC_SYNCHRONOUS | VM_SYNC_CONTIGUOUS, VM_SYNC_DEACTIVATE, 0, VM_SYNC_INVALIDATE };
	unsigned flags = some[d.arg & 7];
	model_codes codes = model_msync(d.t, d.addr, d.size, flags);
	kern_return_t kr;

	say("task %u: vm_msync(0x%lx, 0x%lx, 0x%x)", d.t, d.addr, d.size, flags);
	if (!may_run(codes, inject))
		return;
	kr = vm_msync(d.map[d.t], vm_address_u(d.addr), vm_size_u(d.size), flags);
	(void)agree(codes, kr);
	pagers_synced(flags, kr);
	spots(d.addr, d.size);
}

/* --- named entries --- */

static void
entry_drop(unsigned i)
{
	if (!entries[i].model.live)
		return;
	vm_named_entry_release(entries[i].entry);
	entries[i].entry = NULL;
	model_drop(&entries[i].model);
}

void
op_entry_drop(void)
{
	say("named entry %u is dropped", d.arg % HELD);
	tlb_sim_become(d.hart);
	entry_drop(d.arg % HELD);
	driver_counts.done[d.kind]++;
}

static void
entry_new(unsigned i, vm_prot_t prot, uint8_t inject)
{
	vm_size_ut size = vm_size_u(1 + d.size % (16 * P));
	vm_size_t asked = size.v;
	kern_return_t kr;

	say("named entry %u: 0x%lx bytes of new memory, %u", i, asked, prot);
	if (!may_run(OK, inject))
		return;
	kr = mach_make_memory_entry(d.map[d.t], &size, vm_address_u(0), prot | MAP_MEM_NAMED_CREATE, &entries[i].entry, NULL);
	if (!agree(OK, kr))
		return;
	if (size.v != round_page(asked))
		fail("an entry of 0x%lx bytes instead of 0x%lx", size.v, round_page(asked));
	model_held_new(&entries[i].model, asked, prot);
}

void
op_entry_make(uint8_t inject)
{
	static const uint32_t how[] = { MAP_MEM_NAMED_CREATE, MAP_MEM_VM_SHARE, MAP_MEM_VM_COPY, MAP_MEM_VM_SHARE };
	unsigned i = d.arg2 % HELD, form = d.arg & 3;
	vm_prot_t prot = (d.arg & 0x10) ? VM_PROT_DEFAULT : (d.arg & 0x20) ? VM_PROT_READ : VM_PROT_ALL;
	bool copy = form == 2;
	vm_size_ut size = vm_size_u(d.size);
	model_codes codes;
	kern_return_t kr;

	entry_drop(i);
	if (form == 0) {
		entry_new(i, prot, inject);
		return;
	}
	if (copy)
		prot = VM_PROT_READ;    /* of what else a snapshot demands, texts differ */
	codes = d.size == 0 ? MODEL_SKIP : model_hold(d.t, d.addr, d.size, prot, !copy, copy, &entries[i].model, false);
	say("named entry %u: %s of 0x%lx, 0x%lx of task %u, %u", i, copy ? "snapshot" : "share", d.addr, d.size, d.t, prot);
	if (!may_run(codes, inject))
		return;
	kr = mach_make_memory_entry(d.map[d.t], &size, vm_address_u(d.addr), prot | how[form], &entries[i].entry, NULL);
	if (agree(codes, kr)) {
		if (size.v != round_page(d.addr + d.size) - trunc_page(d.addr))
			fail("an entry of 0x%lx bytes", size.v);
		model_hold(d.t, d.addr, d.size, prot, !copy, copy, &entries[i].model, true);
	} else {
		if (size.v != d.size)
			fail("a refusal wrote 0x%lx", size.v);
		if (!copy)
			model_perhaps_shared(d.t, d.addr, d.size);
	}
	spots(d.addr, d.size);
}

void
op_entry_map(uint8_t inject)
{
	static const uint64_t masks[] = { 0, 0, 0, M - 1 };
	unsigned i = d.arg2 % HELD;
	const struct model_held *h = &entries[i].model;
	vm_offset_t offset, want = d.addr;
	struct vm_map_user_args a;
	struct model_map_args m;
	vm_address_ut at = vm_address_u(d.addr);
	bool copy = d.arg & 1;
	model_codes codes;

	if (!h->live || h->copy != copy)        /* of a snapshot only copies: what sharing one means, texts differ */
		copy = h->copy;
	m = (struct model_map_args){ .size = 1 + d.addr2 % ((h->pages ? h->pages : 1) * P), .mask = masks[d.arg >> 6], .flags = decode_flags(),
	    .cur = decode_prot(d.arg >> 2), .max = d.arg & 2 ? h->prot : VM_PROT_ALL, .inheritance = d.arg % 3 };
	offset = h->pages == 0 ? 0 : d.addr2 / P % (h->pages + 1u) * P;
	if (d.arg & 0x20)
		offset = 0;
	m.cur &= d.arg & 4 ? m.max : VM_PROT_ALL;
	say("task %u: vm_map(0x%lx, 0x%lx, flags 0x%x, mask 0x%lx) of entry %u at 0x%lx, copy %d, %u of %u", d.t, d.addr, m.size, m.flags,
	    m.mask, i, offset, copy, m.cur, m.max);
	if (!may_run(h->live ? model_map_held(d.t, &want, &m, offset, copy, h, false) : MODEL_SKIP, inject))
		return;
	want = d.addr;
	codes = model_map_held(d.t, &want, &m, offset, copy, h, false);
	a = (struct vm_map_user_args){ .size = vm_size_u(m.size), .mask = m.mask, .flags = m.flags, .offset = vm_address_u(offset),
	    .copy = copy, .cur = m.cur, .max = m.max, .inheritance = m.inheritance, .entry = entries[i].entry };
	if (agree(codes, vm_map_user(d.map[d.t], &at, &a))) {
		placed(at.v, want, m.size);
		want = d.addr;
		model_map_held(d.t, &want, &m, offset, copy, h, true);
	} else if (at.v != d.addr)
		fail("a refusal wrote 0x%lx", at.v);
	spot(d.addr);
}

/* --- copies under way --- */

static void
copy_drop(unsigned i)
{
	if (!copies[i].model.live)
		return;
	vm_map_copy_discard(copies[i].copy);
	model_drop(&copies[i].model);
}

void
op_copy_take(uint8_t inject)
{
	unsigned i = d.arg2 % HELD;
	bool destroy = d.arg & 1, maximum = d.arg & 2;
	model_codes codes;
	kern_return_t kr;

	copy_drop(i);
	codes = d.size == 0 ? MODEL_SKIP : model_hold(d.t, d.addr, d.size, VM_PROT_READ, maximum, true, &copies[i].model, false);
	codes &= ~CODE(KERN_INVALID_ARGUMENT);
	/* What is destroyed goes by pages, and small copies say INVALID_ADDRESS whatever it was. */
	if (codes & CODE(KERN_PROTECTION_FAILURE))
		codes |= CODE(KERN_INVALID_ADDRESS);
	say("copy %u is taken: 0x%lx, 0x%lx of task %u%s%s", i, d.addr, d.size, d.t, destroy ? ", destroyed" : "",
	    maximum ? ", maximum" : "");
	if (!may_run(codes, inject))
		return;
	kr = vm_map_copyin_common(d.map[d.t], d.addr, d.size, destroy, false, &copies[i].copy, maximum);
	if (agree(codes, kr)) {
		model_hold(d.t, d.addr, d.size, VM_PROT_READ, maximum, true, &copies[i].model, true);
		if (destroy)
			model_deallocate(d.t, d.addr, d.size, true);
	}
	spots(d.addr, d.size);
}


void
op_copy_use(uint8_t inject)
{
	unsigned i = d.arg2 % HELD;
	struct model_held *h = &copies[i].model;
	vm_offset_t want = 0, at = 99;
	model_codes codes;
	kern_return_t kr;

	if (d.arg < 20) {
		say("copy %u is discarded", i);
		tlb_sim_become(d.hart);
		copy_drop(i);
	} else if (d.arg < 130) {
		codes = h->live ? model_copyout(d.t, &want, h, false) : MODEL_SKIP;
		say("copy %u goes out to task %u", i, d.t);
		if (!may_run(codes, inject))
			return;
		kr = vm_map_copyout(d.map[d.t], &at, copies[i].copy);
		if (agree(codes, kr)) {
			vm_size_t size = h->size;

			placed(at, want, size);
			model_copyout(d.t, &want, h, true);
			adopt_edges(d.t, want, size);
		} else if (at != 99)
			fail("a refusal wrote 0x%lx", at);
	} else {
		if (d.arg & 1)          /* the same place in the page: whole pages move */
			d.addr = trunc_page(d.addr) + h->offset;
		codes = h->live ? model_overwrite(d.t, d.addr, h, false) : MODEL_SKIP;
		say("copy %u overwrites 0x%lx, 0x%lx of task %u", i, d.addr, h->size, d.t);
		if (!may_run(codes, inject))
			return;
		kr = vm_map_copy_overwrite(d.map[d.t], d.addr, copies[i].copy, false);
		spots(d.addr, h->size);
		if (agree(codes, kr))
			model_overwrite(d.t, d.addr, h, true);
	}
}

void
share_finish(void)
{
	for (unsigned i = 0; i < HELD; i++) {
		entry_drop(i);
		copy_drop(i);
	}
}
