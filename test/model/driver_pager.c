/*
 * driver_pager.c: memory whose contents come from a pager.
 *
 *   model_held.cell[] ── what everybody who maps the memory object must see
 *   store[]           ── what the pager was given back: the same, once written
 *                        back (vm_msync) or when nobody maps it any more
 *
 * There are a few memory objects, which live as long as the program. Their pager
 * answers at once, each in its own manner (`manner`): page by page or for
 * clusters, with data or by saying that there are none, with pages that are
 * locked against stores at first, copied by a copy object or at once, kept or
 * forgotten when the last mapping goes.
 */
#include <string.h>
#include "driver_impl.h"

#define PAGERS  4

static const struct manner {
	unsigned  pages;
	vm_prot_t max;                  /* no mapping may have more */
	uint32_t  copy_strategy, cluster;
	bool      may_cache;
	bool      fills;                /* data from the start; else none until something was returned */
	vm_prot_t lock;                 /* accesses that pages are supplied without */
} manner[PAGERS] = {
	{ 12, VM_PROT_ALL, MEMORY_OBJECT_COPY_DELAY, P, false, true, VM_PROT_NONE },
	{ 40, VM_PROT_DEFAULT, MEMORY_OBJECT_COPY_NONE, 4 * P, false, true, VM_PROT_NONE },
	{ 64, VM_PROT_ALL, MEMORY_OBJECT_COPY_DELAY, 16 * P, true, false, VM_PROT_NONE },
	{ 20, VM_PROT_ALL, MEMORY_OBJECT_COPY_DELAY, 2 * P, false, true, VM_PROT_WRITE },
};

static struct pager {
	memory_object_t   mo;
	struct model_held model;
	bool              has[MODEL_HELD_PAGES];        /* the store has something there */
	uint8_t           store[MODEL_HELD_PAGES][P];
} pagers[PAGERS];

/* --- the pager --- */

static void
pager_init(memory_object_t mo)
{
	const struct manner *m = &manner[(struct pager *)mo->pager - pagers];
	struct memory_object_attr_info info = { m->copy_strategy, m->cluster, m->may_cache, 0 };

	(void)memory_object_change_attributes(mo, MEMORY_OBJECT_ATTRIBUTE_INFO, &info, MEMORY_OBJECT_ATTR_INFO_COUNT);
}

static void
pager_request(memory_object_t mo, vm_object_offset_t offset, vm_size_t length, vm_prot_t access)
{
	struct pager *p = mo->pager;

	for (vm_size_t done = 0; done < length; done += P) {
		unsigned page = (unsigned)((offset + done) / P);

		if (page >= p->model.pages)
			fail("pager %ld is asked for page %u of %u", p - pagers, page, p->model.pages);
		else if (p->has[page])
			(void)memory_object_data_supply(mo, page * P, p->store[page], P, manner[p - pagers].lock & ~access, false);
		else
			(void)memory_object_data_unavailable(mo, page * P, P);
	}
}

static void
pager_return(memory_object_t mo, vm_object_offset_t offset, const void *data, vm_size_t length, bool dirty, bool kernel_copy)
{
	struct pager *p = mo->pager;

	(void)dirty;
	(void)kernel_copy;
	if (offset % P != 0 || length % P != 0 || offset + length > p->model.pages * P) {
		fail("pager %ld gets 0x%lx bytes at 0x%lx back", p - pagers, length, offset);
		return;
	}
	for (vm_size_t done = 0; done < length; done += P) {
		memcpy(p->store[(offset + done) / P], (const uint8_t *)data + done, P);
		p->has[(offset + done) / P] = true;
	}
}

static const struct memory_object_ops pager_ops = {
	.name = "model", .init = pager_init, .data_request = pager_request, .data_return = pager_return,
};

/* --- start and end --- */

void
pagers_start(void)
{
	for (unsigned i = 0; i < PAGERS; i++) {
		const struct manner *m = &manner[i];
		struct pager *p = &pagers[i];

		p->mo = memory_object_create(&pager_ops, p, m->pages * P, m->max);
		if (p->mo == NULL) {            /* only where all memory is small: then there is none of these */
			p->model.live = false;
			continue;
		}
		model_held_new(&p->model, m->pages * P, m->max);
		for (unsigned page = 0; page < m->pages; page++) {
			p->has[page] = m->fills;
			memset(p->store[page], m->fills ? (int)(0x40 * i + page) : 0, P);
			if (m->fills)
				model_held_set(&p->model, page, p->store[page]);
		}
	}
}

/*
 * What is copied at once must be readable, if only by the maximum, or the child
 * has a hole there.
 */
void
pagers_forked(unsigned parent, unsigned child)
{
	for (unsigned i = 0; i < space.nunits; i++) {
		const struct unit *u = &model_task[parent].unit[i];

		if (u->cell == NULL || u->sub != 0 || u->inherit != VM_INHERIT_COPY || (u->max & VM_PROT_READ))
			continue;
		for (unsigned p = 0; p < PAGERS; p++)
			if (manner[p].copy_strategy == MEMORY_OBJECT_COPY_NONE && pagers[p].model.live &&
			    model_held_page(&pagers[p].model, parent, i) >= 0)
				model_deallocate(child, space.start[i], P, true);
	}
}

const uint8_t *
pagers_stored(memory_object_t mo, vm_object_offset_t offset)
{
	const struct pager *p = mo->pager;

	return p->has[offset / P] ? p->store[offset / P] : NULL;
}

bool
pagers_mapped(void)
{
	for (unsigned i = 0; i < PAGERS; i++)
		if (pagers[i].model.live && pagers[i].mo->control != NULL)
			return true;
	return false;
}

/* The store holds what everybody should have seen last. */
static void
check_store(const struct pager *p, unsigned page, const char *when)
{
	static const uint8_t zeros[P];
	const uint8_t *want = model_held_bytes(&p->model, page), *got = p->has[page] ? p->store[page] : zeros;
	unsigned i = 0;

	driver_counts.pages_compared++;
	if (failed() || memcmp(want, got, P) == 0)
		return;
	while (want[i] == got[i])
		i++;
	fail("pager %ld, %s: byte 0x%x of page %u is 0x%02x instead of 0x%02x", p - pagers, when, i, page, got[i], want[i]);
}

void
check_pagers(void)
{
	for (unsigned i = 0; i < PAGERS; i++)
		for (unsigned page = 0; pagers[i].model.live && pagers[i].mo->control == NULL && page < pagers[i].model.pages; page++)
			check_store(&pagers[i], page, "which nobody maps");
}

void
pagers_finish(void)
{
	(void)memory_object_trim();
	for (unsigned i = 0; i < PAGERS && !failed(); i++)
		if (pagers[i].model.live && pagers[i].mo->control != NULL)
			fail("pager %u is mapped although there is no task left", i);
	if (!failed())
		check_pagers();
	for (unsigned i = 0; i < PAGERS; i++)
		if (pagers[i].model.live) {
			memory_object_release(pagers[i].mo);
			model_drop(&pagers[i].model);
		}
}

/* --- operations --- */

void
op_pager_map(uint8_t inject)
{
	static const uint64_t masks[] = { 0, 0, 0, M - 1 };
	struct pager *p = &pagers[d.arg2 % PAGERS];
	const struct model_held *h = &p->model;
	unsigned pages = manner[p - pagers].pages;
	vm_offset_t offset = d.addr2 / P % (pages + 1u) * P, want = d.addr;
	struct vm_map_user_args a;
	struct model_map_args m;
	vm_address_ut at = vm_address_u(d.addr);
	bool copy = (d.arg & 0x81) == 0x81;
	model_codes codes;

	m = (struct model_map_args){ .size = 1 + d.addr2 % (pages * P), .mask = masks[d.arg >> 6], .flags = decode_flags(),
	    .cur = decode_prot(d.arg >> 2), .max = d.arg & 2 || !copy ? manner[p - pagers].max : VM_PROT_ALL,
	    .inheritance = d.arg % 3 };
	if (d.arg & 0x20)
		offset = 0;
	else if (d.arg & 0x10 && offset < pages * P && m.size > pages * P - offset)
		m.size = pages * P - offset;
	if (d.arg == 0x55)
		m.max = VM_PROT_ALL;    /* more than some permit */
	codes = h->live ? model_map_pager(d.t, &want, &m, offset, copy, h, false) : MODEL_SKIP;
	say("task %u: vm_map(0x%lx, 0x%lx, flags 0x%x, mask 0x%lx) of pager %ld at 0x%lx, copy %d, %u of %u", d.t, d.addr, m.size,
	    m.flags, m.mask, p - pagers, offset, copy, m.cur, m.max);
	if (!may_run(codes, inject))
		return;
	a = (struct vm_map_user_args){ .size = vm_size_u(m.size), .mask = m.mask, .flags = m.flags, .offset = vm_address_u(offset),
	    .copy = copy, .cur = m.cur, .max = m.max, .inheritance = m.inheritance, .pager = p->mo };
	if (agree(codes, vm_map_user(d.map[d.t], &at, &a))) {
		placed(at.v, want, m.size);
		want = d.addr;
		model_map_pager(d.t, &want, &m, offset, copy, h, true);
	} else if (at.v != d.addr)
		fail("a refusal wrote 0x%lx", at.v);
	spot(d.addr);
}

/* A page that was to be dropped without being written back: what is not wired is the store's again. */
static void
invalidated(struct pager *p, unsigned page, bool all)
{
	static const uint8_t zeros[P];
	vm_object_t object = p->mo->control;
	const struct vm_page *m = object != NULL ? vm_page_lookup(object, page * P) : NULL;

	if (m == NULL)
		model_held_set(&p->model, page, p->has[page] ? p->store[page] : zeros);
	else if (all && m->wire_count == 0)
		fail("pager %ld: page %u was not dropped", p - pagers, page);
}

void
pagers_synced(unsigned flags, kern_return_t kr)
{
	bool writes = flags & (VM_SYNC_SYNCHRONOUS | VM_SYNC_ASYNCHRONOUS) || !(flags & (VM_SYNC_INVALIDATE | VM_SYNC_DEACTIVATE));
	vm_offset_t end = round_page(d.addr + d.size);
	int first = model_unit(trunc_page(d.addr));

	if (kr == KERN_INVALID_ARGUMENT || d.size == 0 || end <= trunc_page(d.addr) || d.addr >= space.max)
		return;
	for (unsigned i = first < 0 ? 0 : (unsigned)first; i < space.nunits && space.start[i] < end && !failed(); i++)
		for (unsigned k = 0; k < PAGERS; k++) {
			struct pager *p = &pagers[k];
			int page = p->model.live ? model_held_page(&p->model, d.t, i) : -1;

			if (page >= 0 && (flags & VM_SYNC_INVALIDATE) && !writes)
				invalidated(p, (unsigned)page, kr == KERN_SUCCESS);
			else if (page >= 0 && writes && kr == KERN_SUCCESS)
				check_store(p, (unsigned)page, "after vm_msync");
		}
}
