/*
 * driver_decode.c: what 16 bytes mean: kind, tasks, hart, addresses, sizes.
 *
 * Any bytes mean something, so that random numbers and a fuzzer's bytes will
 * do. Addresses and sizes are drawn to where calls differ: borders of what the
 * model has, runs of present pages, megapages, ends of windows, numbers that
 * wrap. The same bytes mean the same, as long as the model's state is the same.
 */
#include "driver_impl.h"

/* Of 256. */
static const uint8_t weight[DRV_KINDS] = {
	[DRV_ACCESS] = 24, [DRV_TOUCH] = 19, [DRV_MEGA] = 2, [DRV_RENEW] = 3, [DRV_PASSING] = 3, [DRV_ALLOCATE] = 15, [DRV_MAP] = 11, [DRV_DEALLOCATE] = 12,
	[DRV_PROTECT] = 20, [DRV_INHERIT] = 8, [DRV_READ] = 8, [DRV_READ_OVERWRITE] = 8,
	[DRV_WRITE] = 9, [DRV_COPY] = 10, [DRV_REGION] = 3, [DRV_FORK] = 8, [DRV_END] = 5,
	[DRV_CREATE] = 1, [DRV_SWITCH] = 10, [DRV_KREAD] = 3, [DRV_KWRITE] = 4, [DRV_REFILL] = 4,
	[DRV_ASIDS] = 1, [DRV_REMAP] = 12, [DRV_WIRE] = 7, [DRV_BEHAVIOR] = 5, [DRV_MSYNC] = 3, [DRV_ENTRY_MAKE] = 4,
	[DRV_ENTRY_MAP] = 7, [DRV_ENTRY_DROP] = 2, [DRV_COPY_TAKE] = 3, [DRV_COPY_USE] = 4, [DRV_PAGER_MAP] = 5, [DRV_WINDOW] = 6, [DRV_STACK] = 7,
};

static const uint64_t extreme_address[] = {
	0, 1, P - 1, P, P + 1, M - 1, M, 1ul << 38, 1ul << 47, 1ul << 63,
	0 - M, 0 - P - 1, 0 - P, 0 - P + 1, -2ul, -1ul
};
static const uint64_t extreme_size[] = {
	0, 0, 1, 2, P - 1, P, P + 1, 2 * P, M - 1, M, M + 1, 1ul << 38, 1ul << 63,
	0 - M, 0 - P - 1, 0 - P, 0 - P + 1, -1ul
};

/* The n-th place where two neighbouring pages of t's windows differ in anything but contents. */
vm_offset_t
border(unsigned t, unsigned n)
{
	static vm_offset_t found[MODEL_UNITS];
	const struct unit *u = model_task[t].unit;
	unsigned k = 0;

	for (unsigned i = 1; i < space.nunits; i++)
		if ((u[i].cell == NULL) != (u[i - 1].cell == NULL) || !model_same(&u[i], &u[i - 1]))
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

unsigned
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

void
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

vm_prot_t
decode_prot(uint8_t b)
{
	static const uint8_t some[] = { 3, 3, 3, 1, 1, 7, 7, 5, 0, 2, 4, 6, 1, 3, 7, 3 };

	return b >= 250 ? 8u << b % 8 : b >= 230 ? VM_PROT_COPY | some[b & 15] : some[b & 15];
}
