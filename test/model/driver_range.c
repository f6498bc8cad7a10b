/*
 * driver_range.c: FreeBSD's operations on ranges.
 *
 * They go in place of some of Mach's, with the same range, mostly in whole
 * pages. MADV_FREE, which may change contents as it likes, is left to its own
 * tests; so are the kernel's wirings, which users cannot make.
 */
#include <mm/vm_map_range.h>
#include "driver_impl.h"

/* [start, end) of the operation. */
static void
decode_range(vm_offset_t *start, vm_offset_t *end)
{
	bool pages = d.random >> 20 & 31;

	*start = pages ? trunc_page(d.addr) : d.addr;
	*end = pages ? round_page(d.addr + d.size) : d.addr + d.size;
}

static bool
is_stack(const struct unit *u)
{
	return u->down;
}

static bool
is_wired(const struct unit *u)
{
	return u->wired != 0;
}

/* The operation's range begins at some page of its task that is so, if there is one. */
static void
begin_at(bool (*so)(const struct unit *u))
{
	static vm_offset_t found[MODEL_UNITS];
	unsigned k = 0;

	for (unsigned i = 0; i < space.nunits; i++)
		if (model_task[d.t].unit[i].cell != NULL && so(&model_task[d.t].unit[i]))
			found[k++] = space.start[i];
	if (k != 0)
		d.addr = found[(d.random >> 8) % k];
}

void
op_protect_range(uint8_t inject)
{
	static const uint8_t some[] = { VM_MAP_PROTECT_SET_PROT, VM_MAP_PROTECT_SET_PROT, VM_MAP_PROTECT_SET_PROT,
	    VM_MAP_PROTECT_SET_PROT | VM_MAP_PROTECT_GROWSDOWN, VM_MAP_PROTECT_SET_PROT | VM_MAP_PROTECT_SET_MAXPROT,
	    VM_MAP_PROTECT_SET_MAXPROT, VM_MAP_PROTECT_SET_PROT | VM_MAP_PROTECT_GROWSDOWN, VM_MAP_PROTECT_GROWSDOWN };
	struct model_rights m = { .prot = decode_prot(d.arg2) & (d.arg2 < 250 ? VM_PROT_ALL : ~0u), .flags = some[d.arg & 7] };
	model_codes codes;

	if (m.flags & VM_MAP_PROTECT_GROWSDOWN)
		begin_at(is_stack);
	decode_range(&m.start, &m.end);
	/* Maxima never grow back: keep most of them wide. */
	m.max = d.arg & 0x70 ? VM_PROT_ALL : decode_prot(d.arg2 >> 4);
	m.flags |= d.arg == 0xff ? 8 : 0;
	codes = model_protect_range(d.t, &m, false);
	say("task %u: vm_map_protect(0x%lx, 0x%lx, %u, %u, flags %u)", d.t, m.start, m.end, m.prot, m.max, m.flags);
	if (!may_run(codes, inject))
		return;
	if (agree(codes, vm_map_protect_user(d.map[d.t], vm_address_u(m.start), vm_address_u(m.end), m.prot, m.max, m.flags)))
		model_protect_range(d.t, &m, true);
	spots(d.addr, d.size);
}

void
op_madvise(uint8_t inject)
{
	static const uint8_t some[] = { MADV_NORMAL, MADV_RANDOM, MADV_SEQUENTIAL, MADV_WILLNEED, MADV_DONTNEED, MADV_NOSYNC,
	    MADV_AUTOSYNC, MADV_NOCORE, MADV_CORE, MADV_NOSYNC, MADV_WILLNEED, MADV_CORE + 1 };
	unsigned advice = some[d.arg % nitems(some)];
	vm_offset_t start, end;
	model_codes codes;

	decode_range(&start, &end);
	codes = model_madvise(d.t, start, end, advice, false);
	say("task %u: vm_map_madvise(0x%lx, 0x%lx, %u)", d.t, start, end, advice);
	if (!may_run(codes, inject))
		return;
	if (agree(codes, vm_map_madvise_user(d.map[d.t], vm_address_u(start), vm_address_u(end), advice)))
		model_madvise(d.t, start, end, advice, true);
	spots(d.addr, d.size);
}

void
op_wire_range(uint8_t inject)
{
	enum vm_user_wire how = d.arg & 1 ? VM_USER_WIRE : VM_USER_UNWIRE;
	uint32_t flags = VM_MAP_WIRE_USER | (d.arg & 2 ? VM_MAP_WIRE_HOLESOK : 0) | ((d.arg & 12) == 12 ? VM_MAP_WIRE_WRITE : 0) |
	    (d.arg == 0xff ? 8 : 0);
	vm_offset_t start, end;
	model_codes codes;

	if (d.arg & 0x10)
		begin_at(is_wired);
	decode_range(&start, &end);
	codes = how == VM_USER_WIRE ? model_wire_range(d.t, start, end, flags, false) : model_unwire_range(d.t, start, end, flags, false);
	say("task %u: vm_map_%swire(0x%lx, 0x%lx, flags %u)", d.t, how == VM_USER_WIRE ? "" : "un", start, end, flags);
	if (!may_run(codes, inject))
		return;
	if (agree(codes, vm_map_wire_user(d.map[d.t], vm_address_u(start), vm_address_u(end), flags, how))) {
		if (how == VM_USER_WIRE)
			model_wire_range(d.t, start, end, flags, true);
		else
			model_unwire_range(d.t, start, end, flags, true);
	}
	spots(d.addr, d.size);
}

void
op_sync(uint8_t inject)
{
	bool syncio = d.arg & 1, invalidate = (d.arg & 6) == 6;
	vm_offset_t start, end;
	model_codes codes;
	kern_return_t kr;

	decode_range(&start, &end);
	if ((d.arg & 0x38) == 0x38)
		end = start;
	codes = model_sync(d.t, start, end, invalidate);
	say("task %u: vm_map_sync(0x%lx, 0x%lx, syncio %d, invalidate %d)", d.t, start, end, syncio, invalidate);
	if (!may_run(codes, inject))
		return;
	kr = vm_map_sync_user(d.map[d.t], vm_address_u(start), vm_address_u(end), syncio, invalidate);
	(void)agree(codes, kr);
	/* What the pagers have got by now; of an empty range, its first page. */
	if (kr == KERN_SUCCESS && start < end) {
		d.addr = start;
		d.size = end - start;
		pagers_synced(syncio ? VM_SYNC_SYNCHRONOUS : VM_SYNC_ASYNCHRONOUS, kr);
	}
	spots(start, P);
}
