/*
 * vm_map_copy_pages.c: copies as lists of pages.
 *
 *   PAGE_LIST    page_list[0..npages)   up to 20 pages, in order; NULL: absent, reads as zero
 *                cont(cont_args, &next) the list of the next 20, or nothing more
 *
 * A page of a list is either the copy's own (page_loose), or it stays in its
 * object, pinned: it has a wiring and its object a reference for each such page,
 * so that it is neither freed nor moved to another object. A pinned page is
 * no snapshot: stores of those who share it show. Those of others do not: what
 * they could change in place is handed up to our copy first (a push, as for
 * wiring). vm_map_copy_steal_pages ends the sharing: a page
 * that nobody else can reach any more is taken out of its object, others are copied.
 *
 * The source is removed, where that is asked, when its last part has been
 * gathered, or when the continuation is aborted. With pages stolen, the memory
 * for copies of the last part is there before the source goes.
 *
 * size of a list with a continuation is that of all that is still to come.
 *
 * Locks: the object's, for its pages. Failure: a shortage leaves what was
 * gathered before in the copy's hands; a continuation runs once, whatever
 * comes of it.
 */
#include <mm/pmap.h>
#include <mm/zone.h>
#include "vm_map_copy_impl.h"

static struct zone copyin_args_zone;

void
vm_map_copy_pages_bootstrap(void)
{
	zone_init(&copyin_args_zone, "vm_map_copyin_args", sizeof(struct vm_map_copyin_args));
}

/* --- pins --- */

/* Unpins m, which holds one reference on its object. */
static void
unpin(struct vm_page *m)
{
	vm_object_t object = m->o.chunk->object;        /* stays: the reference keeps the page there */

	spin_lock(&object->lock);
	vm_page_unwire(m);
	spin_unlock(&object->lock);
	vm_object_deallocate(object);
}

void
vm_map_copy_page_discard(vm_map_copy_t copy)
{
	for (unsigned i = 0; i < copy->npages; i++) {
		struct vm_page *m = copy->page_list[i];

		if (m != NULL && copy->page_loose)
			vm_page_free(m);
		else if (m != NULL)
			unpin(m);
	}
	copy->npages = 0;
}

/* --- gathering --- */

struct pages {
	vm_map_copy_t copy;
	unsigned      wanted;
	/* Why it stopped early: */
	kern_return_t kr;
	vm_object_t   owing;            /* referenced: its page at owing_offset must be handed up */
	vm_object_offset_t owing_offset;
};

/*
 * For vm_fault_with: object locked. A page that an asymmetric copy still looks
 * through to is handed up first, as for wiring: then whoever sees the copy, and
 * that may be we, finds it there, unmoved by stores to the source.
 */
static bool
pin_page(struct vm_page *m, void *arg)
{
	struct pages *p = arg;
	vm_object_t object = m->o.chunk->object;
	vm_object_offset_t offset = vm_chunk_offset(m->o.chunk, m->slot);

	/* Not now: the copy may be the object that we came through, and be locked. */
	if (unlikely(object->copy != NULL) && vm_object_owes_push(object, offset)) {
		vm_object_reference(object);
		p->owing = object;
		p->owing_offset = offset;
		return false;
	}
	if (m->wire_count == MAX_WIRE_COUNT) {
		p->kr = KERN_FAIL(KERN_RESOURCE_SHORTAGE, "page 0x%lx is wired %u times already", vm_page_pa(m), MAX_WIRE_COUNT);
		return false;
	}
	vm_page_wire(m);
	object->one_mapping = false;    /* the page is in reach of the copy, too */
	vm_object_reference(object);
	p->copy->page_list[p->copy->npages++] = m;
	return p->copy->npages < p->wanted;
}

/* Hands the page that stopped pin_page up to the copy; then it is looked for again. */
static kern_return_t
hand_up(struct pages *p)
{
	vm_object_t object = p->owing;
	enum vm_push push;

	do {
		struct vm_page *m;

		spin_lock(&object->lock);
		m = vm_page_lookup(object, p->owing_offset);
		push = m != NULL ? vm_object_push(object, p->owing_offset, m) : PUSH_DONE;
		spin_unlock(&object->lock);
	} while (push == PUSH_AGAIN);
	p->owing = NULL;
	vm_object_deallocate(object);
	if (push == PUSH_SHORTAGE)
		return KERN_FAIL(KERN_RESOURCE_SHORTAGE, "no page for a copy that lacks offset 0x%lx", p->owing_offset);
	return KERN_SUCCESS;
}

/* Is there anything at va, or would a fault make a page of zeros? KERN_SUCCESS only. */
static kern_return_t
is_there(vm_map_t map, vm_offset_t va, vm_prot_t access, bool *there)
{
	struct vm_map_lookup l;
	vm_object_t object, next;
	kern_return_t kr;

	vm_map_lock_read(map);
	kr = vm_map_lookup_locked(map, va, access, &l);
	if (kr != KERN_SUCCESS)
		return kr;
	object = l.object;
	spin_lock(&object->lock);
	while (!(*there = !object->internal || (l.offset < object->size && vm_page_lookup(object, l.offset) != NULL)) &&
	    (next = object->shadow) != NULL) {
		spin_lock(&next->lock);
		l.offset += object->shadow_offset;
		spin_unlock(&object->lock);
		object = next;
	}
	spin_unlock(&object->lock);
	vm_map_lookup_done(map, &l);
	return KERN_SUCCESS;
}

/* Pins n pages from va on. On failure those before are pinned. */
static kern_return_t
gather(vm_map_t src, vm_offset_t va, unsigned n, unsigned options, vm_map_copy_t copy)
{
	vm_prot_t access = options & VM_MAP_COPYIN_OPT_VM_PROT;
	struct pages p = { .copy = copy, .wanted = n };
	kern_return_t kr = KERN_SUCCESS;

	if (access == VM_PROT_NONE)
		access = VM_PROT_READ;
	while (copy->npages < n && kr == KERN_SUCCESS) {
		vm_offset_t at = va + ((vm_offset_t)copy->npages << PAGE_SHIFT);
		bool there = true;

		if (options & VM_MAP_COPYIN_OPT_NO_ZERO_FILL) {
			p.wanted = copy->npages + 1;
			kr = is_there(src, at, access, &there);
		}
		if (kr == KERN_SUCCESS && !there)
			copy->page_list[copy->npages++] = NULL;
		else if (kr == KERN_SUCCESS)
			kr = vm_fault_with(src, at, access, pin_page, &p);
		if (kr == KERN_SUCCESS)
			kr = p.kr;
		if (unlikely(p.owing != NULL)) {
			kern_return_t pushed = hand_up(&p);

			kr = kr == KERN_SUCCESS ? pushed : kr;
		}
	}
	if (kr == KERN_SUCCESS && (options & VM_MAP_COPYIN_OPT_PMAP_ENTER))
		for (unsigned i = 0; i < n && kr == KERN_SUCCESS; i++)
			if (copy->page_list[i] != NULL)
				kr = vm_fault_resident(src, va + ((vm_offset_t)i << PAGE_SHIFT), access);
	return kr;
}

/* --- stealing --- */

struct spares {
	struct vm_page *page[VM_MAP_COPY_PAGE_LIST_MAX];
	unsigned        n;
};

static void
spares_free(struct spares *s)
{
	while (s->n > 0)
		vm_page_free(s->page[--s->n]);
}

/* A page for each of the list. FALSE: shortage, none. */
static bool
spares_take(struct spares *s, vm_map_copy_t copy)
{
	s->n = 0;
	for (unsigned i = 0; i < copy->npages; i++) {
		struct vm_page *m = copy->page_list[i] != NULL ? vm_page_alloc(VM_PAGE_USER) : NULL;

		if (m != NULL)
			s->page[s->n++] = m;
		else if (copy->page_list[i] != NULL) {
			spares_free(s);
			return false;
		}
	}
	return true;
}

/* Pins that the list, from page i on, has on the object. */
static uint32_t
pins_of(vm_map_copy_t copy, unsigned i, vm_object_t object)
{
	uint32_t n = 0;

	for (; i < copy->npages; i++)
		if (copy->page_list[i] != NULL && copy->page_list[i]->o.chunk->object == object)
			n++;
	return n;
}

/* Pinned pages become the copy's own. Cannot fail. */
static void
steal(vm_map_copy_t copy, struct spares *s)
{
	for (unsigned i = 0; i < copy->npages; i++) {
		struct vm_page *m = copy->page_list[i], *own;
		vm_object_t object;

		if (m == NULL)
			continue;
		object = m->o.chunk->object;
		spin_lock(&object->lock);
		vm_page_unwire(m);
		/* Nobody else refers to the object: no leaf can be left, and no one will miss the page. */
		if (__atomic_load_n(&object->ref_count, __ATOMIC_ACQUIRE) == pins_of(copy, i, object) &&
		    m->wire_count == 0 && vm_object_page_take(m))
			own = m;
		else {
			own = s->page[--s->n];
			vm_page_copy(own, m);
		}
		spin_unlock(&object->lock);
		vm_object_deallocate(object);
		copy->page_list[i] = own;
		KASSERT(own->kind == VM_PAGE_KERNEL, ("page 0x%lx stolen as %u", vm_page_pa(own), own->kind));
	}
	copy->page_loose = true;
}

kern_return_t
vm_map_copy_steal_pages(vm_map_copy_t copy)
{
	struct spares s;

	if (copy->page_loose)
		return KERN_SUCCESS;
	if (!spares_take(&s, copy))
		return KERN_FAIL(KERN_RESOURCE_SHORTAGE, "no memory for %u pages", copy->npages);
	vm_map_copy_withdraw(copy);
	steal(copy, &s);
	vm_map_copy_publish(copy);
	spares_free(&s);
	return KERN_SUCCESS;
}

/* --- continuations --- */

static kern_return_t page_list_cont(vm_map_copyin_args_t args, vm_map_copy_t *next);

bool
vm_map_copy_cont_is_valid(vm_map_copy_t copy)
{
	return copy->type == VM_MAP_COPY_PAGE_LIST &&
	    (copy->cont == page_list_cont || copy->cont == vm_map_copy_discard_cont);
}

void
vm_map_copy_invoke_extend_cont(vm_map_copy_t old, vm_map_copy_t *next, kern_return_t *result)
{
	vm_map_copy_cont_t cont = old->cont;

	old->cont = VM_MAP_COPY_CONT_NULL;
	*result = cont(old->cont_args, next);
}

void
vm_map_copy_invoke_cont(vm_map_copy_t old, vm_map_copy_t *next, kern_return_t *result)
{
	vm_map_copy_page_discard(old);
	vm_map_copy_invoke_extend_cont(old, next, result);
}

void
vm_map_copy_abort_cont(vm_map_copy_t copy)
{
	vm_map_copy_cont_t cont = copy->cont;

	vm_map_copy_page_discard(copy);
	copy->cont = VM_MAP_COPY_CONT_NULL;
	if (cont != VM_MAP_COPY_CONT_NULL)
		(void)cont(copy->cont_args, NULL);
}

/* --- copyin --- */

/* One part of a copyin: what is left of the source, and what is to be removed at the end. */
static kern_return_t
copyin_part(const struct vm_map_copyin_args *a, vm_map_copy_t *result)
{
	vm_offset_t start = trunc_page(a->src_addr), end = round_page(a->src_addr + a->src_len);
	unsigned n = (unsigned)((end - start) >> PAGE_SHIFT < VM_MAP_COPY_PAGE_LIST_MAX ?
	    (end - start) >> PAGE_SHIFT : VM_MAP_COPY_PAGE_LIST_MAX);
	vm_offset_t stop = start + ((vm_offset_t)n << PAGE_SHIFT);
	vm_map_copy_t copy = vm_map_copy_create(VM_MAP_COPY_PAGE_LIST, a->src_addr, a->src_len);
	vm_map_copyin_args_t rest = stop < end ? zalloc(&copyin_args_zone) : NULL;
	struct spares spares = { .n = 0 };
	kern_return_t kr = KERN_SUCCESS;

	if (copy == NULL || (stop < end && rest == NULL))
		kr = KERN_FAIL(KERN_RESOURCE_SHORTAGE, "no memory for a copy");
	if (copy != NULL) {
		copy->npages = 0;
		copy->page_loose = false;
		copy->cont = VM_MAP_COPY_CONT_NULL;
		copy->cont_args = NULL;
	}
	if (kr == KERN_SUCCESS)
		kr = gather(a->map, start, n, a->options, copy);
	if (kr == KERN_SUCCESS && a->steal_pages && !spares_take(&spares, copy))
		kr = KERN_FAIL(KERN_RESOURCE_SHORTAGE, "no memory for %u pages", n);
	if (kr == KERN_SUCCESS && stop == end && a->destroy_len != 0)
		kr = vm_map_remove(a->map, a->destroy_addr, a->destroy_addr + a->destroy_len, VM_MAP_NO_FLAGS);
	if (kr != KERN_SUCCESS) {
		spares_free(&spares);
		if (rest != NULL)
			zfree(&copyin_args_zone, rest);
		if (copy != NULL) {
			vm_map_copy_page_discard(copy);
			vm_map_copy_free(copy);
		}
		return kr;
	}
	if (a->steal_pages)
		steal(copy, &spares);
	spares_free(&spares);
	if (rest != NULL) {
		*rest = *a;
		rest->src_addr = stop;
		rest->src_len = a->src_addr + a->src_len - stop;
		vm_map_reference(rest->map);
		copy->cont = page_list_cont;
		copy->cont_args = rest;
	}
	vm_map_copy_publish(copy);
	*result = copy;
	return KERN_SUCCESS;
}

/* The next part; next NULL: no more of it, only what must be removed. Frees the arguments. */
static kern_return_t
page_list_cont(vm_map_copyin_args_t args, vm_map_copy_t *next)
{
	kern_return_t kr = KERN_SUCCESS;

	if (next != NULL)
		kr = copyin_part(args, next);
	else if (args->destroy_len != 0)
		kr = vm_map_remove(args->map, args->destroy_addr, args->destroy_addr + args->destroy_len, VM_MAP_NO_FLAGS);
	vm_map_deallocate(args->map);
	zfree(&copyin_args_zone, args);
	return kr;
}

kern_return_t
vm_map_copyin_page_list(vm_map_t src, vm_offset_t addr, vm_size_t len, unsigned options, vm_map_copy_t *copy,
    bool is_cont)
{
	vm_offset_t start = trunc_page(addr), end = round_page(addr + len);
	struct vm_map_copyin_args a = {
		.map = src, .src_addr = addr, .src_len = len, .options = options,
		.steal_pages = (options & VM_MAP_COPYIN_OPT_STEAL_PAGES) != 0,
	};

	if (len == 0) {
		*copy = NULL;
		return KERN_SUCCESS;
	}
	if (addr + len < addr || end <= start)
		return KERN_FAIL(KERN_INVALID_ADDRESS, "0x%lx bytes at 0x%lx wrap", len, addr);
	/* What a continuation leaves is removed by whoever began. */
	if ((options & VM_MAP_COPYIN_OPT_SRC_DESTROY) && !is_cont) {
		a.destroy_addr = start;
		a.destroy_len = end - start;
	}
	return copyin_part(&a, copy);
}

/* --- a list becomes an object --- */

/* Page m of a list to offset of object, which nobody else knows. FALSE: shortage. */
static bool
add_page(vm_object_t object, vm_object_offset_t offset, struct vm_page *m, bool loose)
{
	struct vm_page *n = m;
	bool ok;

	spin_lock(&object->lock);
	if (loose)
		ok = vm_object_page_insert(object, offset, m);
	else {
		n = vm_object_page_alloc(object, offset, false);
		ok = n != NULL;
		if (ok)
			vm_page_copy(n, m);
	}
	if (ok)
		n->flags |= VM_PAGE_DIRTY;
	spin_unlock(&object->lock);
	return ok;
}

/* The loose pages among the first n of the list come back out of the object. */
static void
take_back(vm_object_t object, vm_map_copy_t list, unsigned n)
{
	spin_lock(&object->lock);
	for (unsigned i = 0; list->page_loose && i < n; i++)
		if (list->page_list[i] != NULL) {
			bool taken = vm_object_page_take(list->page_list[i]);

			KASSERT(taken, ("page 0x%lx does not come back", vm_page_pa(list->page_list[i])));
		}
	spin_unlock(&object->lock);
}

/* All pages of one list to the object from *offset on, which moves along. KERN_RESOURCE_SHORTAGE: the list is whole. */
static kern_return_t
add_pages(vm_object_t object, vm_object_offset_t *offset, vm_map_copy_t list)
{
	for (unsigned i = 0; i < list->npages; i++)
		if (list->page_list[i] != NULL && !add_page(object, *offset + ((vm_object_offset_t)i << PAGE_SHIFT),
		    list->page_list[i], list->page_loose)) {
			take_back(object, list, i);
			return KERN_FAIL(KERN_RESOURCE_SHORTAGE, "no memory for page %u of a list", i);
		}
	*offset += (vm_object_offset_t)list->npages << PAGE_SHIFT;
	if (list->page_loose)
		list->npages = 0;
	else
		vm_map_copy_page_discard(list);
	return KERN_SUCCESS;
}

/* The lists after the first, one by one: `from` has given its pages. */
static kern_return_t
add_continuations(vm_object_t object, vm_object_offset_t offset, vm_map_copy_t from)
{
	kern_return_t kr = KERN_SUCCESS;
	vm_map_copy_t list = from, next;

	while (kr == KERN_SUCCESS && vm_map_copy_has_cont(list)) {
		next = NULL;
		vm_map_copy_invoke_cont(list, &next, &kr);
		if (list != from)
			vm_map_copy_discard(list);
		list = from;
		if (kr != KERN_SUCCESS || next == NULL)
			break;
		list = next;
		kr = add_pages(object, &offset, list);
	}
	if (list != from)
		vm_map_copy_discard(list);
	return kr;
}

kern_return_t
vm_map_copy_pages_to_object(vm_map_copy_t copy)
{
	vm_object_t object = vm_object_allocate(vm_map_copy_span(copy), 0);
	vm_object_offset_t offset = 0;
	kern_return_t kr;

	if (object == NULL)
		return KERN_FAIL(KERN_RESOURCE_SHORTAGE, "no memory for an object");
	kr = add_pages(object, &offset, copy);
	if (kr == KERN_SUCCESS) {
		kr = add_continuations(object, offset, copy);
		if (kr != KERN_SUCCESS)
			copy->size = 0;         /* what came first is gone with the object */
	}
	if (kr != KERN_SUCCESS) {
		vm_object_deallocate(object);
		return kr;
	}
	copy->type = VM_MAP_COPY_OBJECT;
	copy->offset &= PAGE_MASK;
	copy->object = object;
	copy->index = 0;
	return KERN_SUCCESS;
}
