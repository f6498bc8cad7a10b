/*
 * vm_check_reserv.c: the invariants of reservations: M30 and M31 of
 * mm/README.md. vm_check.c says under which conditions checks run.
 */
#include <stdio.h>
#include <mm/vm_check.h>
#include "vm_check_impl.h"
#include "vm_object_impl.h"
#include "vm_page_impl.h"

/* M30: a reservation is one aligned block that knows its chunk, and is queued while it lacks a page. c's object locked. */
static bool
chunk_ok(const struct vm_chunk *c, struct vm_check_failure *f)
{
	const struct vm_page *head = c->head;
	bool queued = c->rsvp_link.next != &c->rsvp_link;

	if (c->base % VM_CHUNK_PAGES != 0 || head != vm_page_of_pfn(c->base) || head->order != VM_PAGE_ORDER_MEGA ||
	    head->kind != (vm_chunk_populated(c, 0) ? VM_PAGE_OBJECT : VM_PAGE_RSVP) || head->o.chunk != c)
		return FAIL(f, "M30", "object %lu: the reservation of chunk %lu is no megapage of its own: page 0x%lx, kind %u, order %u",
		    c->object->id, c->index, (unsigned long)c->base << PAGE_SHIFT, head->kind, head->order);
	if (queued != (c->resident < VM_CHUNK_PAGES) || (queued && (c->rsvp_link.next->prev != &c->rsvp_link ||
	    c->rsvp_link.prev->next != &c->rsvp_link)))
		return FAIL(f, "M30", "object %lu: the reservation of chunk %lu has %u pages, and is %s", c->object->id,
		    c->index, c->resident, queued ? "queued" : "not queued");
	return true;
}

bool
vm_check_reservations(vm_object_t o, struct vm_check_reserv *sum, struct vm_check_failure *f)
{
	struct tree_node *n;

	for (n = tree_first(&o->chunks); n != NULL; n = tree_next(n)) {
		struct vm_chunk *c = container_of(n, struct vm_chunk, node);

		sum->pages += c->resident;
		if (c->base == 0)
			continue;
		if (!chunk_ok(c, f))
			return false;
		if (c->resident < VM_CHUNK_PAGES) {
			sum->partial++;
			sum->pages += VM_CHUNK_PAGES - c->resident;
		}
	}
	return true;
}

/*
 * M31: what is queued is what lacks pages; the pages of objects and their reservations are those whose kind says so,
 * and every page has a kind.
 */
bool
vm_check_M31(const struct vm_check_reserv *sum, struct vm_check_failure *f)
{
	struct vm_reserv_counts r;
	struct vm_page_counts n;
	struct vm_page *bad;
	uint64_t all = 0;

	if (sum->unseen)
		return true;
	vm_reserv_counts(&r);
	if (r.partial != sum->partial)
		return FAIL(f, "M31", "%lu reservations lack pages, %lu are queued", sum->partial, r.partial);
	bad = vm_page_census(&n);
	if (bad != NULL)
		return FAIL(f, "M17", "page 0x%lx is where its kind (%u) cannot be", vm_page_pa(bad), bad->kind);
	for (unsigned i = 0; i < nitems(n.kind); i++)
		all += n.kind[i];
	if (all != n.total || n.kind[VM_PAGE_OBJECT] + n.kind[VM_PAGE_RSVP] != sum->pages)
		return FAIL(f, "M31", "objects hold %lu pages, by kind it is %lu + %lu; %lu of %lu pages have a kind",
		    sum->pages, n.kind[VM_PAGE_OBJECT], n.kind[VM_PAGE_RSVP],
		    all, n.total);
	return true;
}
