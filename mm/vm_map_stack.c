/*
 * vm_map_stack.c: stacks that grow (FreeBSD: vm_map_stack, vm_map_growstack).
 *
 *   VM_STACK_GAP, growing down
 *       [ gap            )[ stack )      gap: a guard with stack_gap, its stack's rights (stack_prot, stack_max) and
 *        ^lowest page: stays              identity (`stack`: the address where the whole begins, or ends if it grows up)
 *   fault in the gap
 *       [ gap   )[ new   )[ stack )      the stack's last part is extended, or where that cannot be (it has other rights
 *                                        by now, is wired, or its object is in others' hands), a new entry made
 *   VM_STACK_CLASSIC
 *       free     [ new   )[ stack )      `stack`: bytes that this part may still grow by; the new part takes that over
 *
 * What a stack grows by goes by VM_STACK_GROW, less where gap, neighbour or limits
 * end; the whole is refused where the rounded amount exceeds the map's size
 * limit. An object made for a stack has room below the part that is mapped
 * (vm_map_entry_allocate_object), so that a deep recursion is one entry on one
 * object.
 *
 * A gap whose stack was unmapped is a plain guard from then on. Pieces of a gap
 * merge with one another only. mprotect over a gap changes the rights that it keeps
 * (vm_map_protect.c), so that PROT_NONE for a stack's last page is not
 * inherited by what grows next to it.
 *
 * Locks: the map's write lock; dropped only to wire the new part, where the map
 * wants all new memory wired. The part is in transition meanwhile, so if that
 * fails it is removed, and the gap as long as before. Failure: nothing changed.
 */
#include <mm/vm_map_stack.h>
#include <mm/vm_print.h>
#include "vm_map_impl.h"

/* A stack that is to grow. */
struct growth {
	vm_map_entry_t stack;           /* its part next to the address; NULL: there is none */
	vm_map_entry_t gap;             /* what it grows into; NULL: into what is free */
	bool           up;
	vm_size_t      need;            /* bytes, to reach the address */
	vm_size_t      most;            /* bytes that there are */
	vm_offset_t    start, end;      /* the new part */
};

void
vm_map_set_stack_rules(vm_map_t map, enum vm_stack_rules rules, bool guard)
{
	vm_map_lock(map);
	map->stack_rules = (uint8_t)rules;
	map->stack_open = !guard;
	vm_map_unlock(map);
}

void
vm_map_set_main_stack(vm_map_t map, vm_offset_t start, vm_offset_t end, vm_size_t limit)
{
	vm_map_lock(map);
	map->main_stack = start;
	map->main_stack_end = end;
	map->limit.stack = limit;
	vm_map_unlock(map);
}

vm_size_t
vm_map_stack_room(vm_map_entry_t e)
{
	const struct vm_map_entry *prev = e->vme_prev;

	/* The header ends where no entry begins. */
	if (prev->vme_end == e->vme_start && prev->stack_gap)
		return prev->vme_end - prev->vme_start;
	return e->stack < e->vme_start ? e->stack : 0;
}

/* --- limits --- */

/* May the map come to have size bytes more, of which it wires what is accessible? */
static kern_return_t
check_limits(vm_map_t map, vm_size_t size)
{
	vm_size_t wired = map->user_wired_pages << PAGE_SHIFT;

	if (map->wiring_required && (wired > map->limit.wired || size > map->limit.wired - wired))
		return KERN_FAIL(KERN_NO_SPACE, "0x%lx bytes more: 0x%lx are wired, 0x%lx may be", size, wired, map->limit.wired);
	return vm_map_check_size(map, size, 0, 0);
}

/* The main stack's part of g->most, if g is that stack. */
static kern_return_t
check_main_stack(vm_map_t map, vm_offset_t addr, struct growth *g)
{
	vm_size_t now, left;

	if (addr < map->main_stack || addr >= map->main_stack_end)
		return KERN_SUCCESS;
	now = g->up ? g->stack->vme_end - map->main_stack : map->main_stack_end - g->stack->vme_start;
	left = map->limit.stack > now ? trunc_page(map->limit.stack) - now : 0;
	if (g->need > left)
		return KERN_FAIL(KERN_NO_SPACE, "the stack has 0x%lx bytes, may have 0x%lx, and would need 0x%lx for 0x%lx",
		    now, map->limit.stack, now + g->need, addr);
	if (g->most > left)
		g->most = left;
	return KERN_SUCCESS;
}

/* --- finding the stack that grows over an address; g->stack stays NULL if nothing is to be done --- */

static kern_return_t
find_by_gap(vm_map_entry_t e, vm_offset_t addr, struct growth *g)
{
	vm_size_t guard = e->stack_guard ? PAGE_SIZE : 0, size = e->vme_end - e->vme_start;

	g->up = e->grows_up;
	g->gap = e;
	g->stack = g->up ? e->vme_prev : e->vme_next;
	if (!e->stack_gap || (g->up ? g->stack->vme_end != e->vme_start || !g->stack->grows_up || g->stack->guard :
	    g->stack->vme_start != e->vme_end || !g->stack->grows_down)) {
		g->stack = NULL;
		return KERN_FAIL(KERN_FAILURE, "0x%lx is in the guard [0x%lx, 0x%lx), which no stack grows into",
		    addr, e->vme_start, e->vme_end);
	}
	g->need = g->up ? addr + PAGE_SIZE - e->vme_start : e->vme_end - addr;
	g->most = size - guard;
	if (g->need > g->most)
		return KERN_FAIL(KERN_NO_SPACE, "0x%lx is in the guard page of the stack at 0x%lx", addr, g->stack->vme_start);
	return KERN_SUCCESS;
}

/* addr lies between prev and the next entry. */
static kern_return_t
find_classic(vm_map_t map, vm_map_entry_t prev, vm_offset_t addr, struct growth *g)
{
	vm_map_entry_t header = vm_map_to_entry(map), next = prev->vme_next;
	/* A gap of the other kind grows up, too, but is no part that is mapped. */
	bool down = next != header && next->grows_down, up = prev != header && prev->grows_up && !prev->guard;
	vm_size_t guard = map->stack_open ? 0 : PAGE_SIZE, room;

	if (down && up)
		down = next->vme_start - addr < addr - prev->vme_end;
	if (!down && !up)
		return KERN_SUCCESS;
	g->up = !down;
	g->stack = down ? next : prev;
	g->need = down ? next->vme_start - addr : addr + PAGE_SIZE - prev->vme_end;
	/* The guard page keeps stacks from others' memory, not from the map's ends. */
	room = down ? next->vme_start - (prev == header ? map->min_offset : prev->vme_end) :
	    (next == header ? map->max_offset : next->vme_start) - prev->vme_end;
	if ((down ? prev : next) == header)
		guard = 0;
	if (g->need > g->stack->stack)
		return KERN_FAIL(KERN_NO_SPACE, "the stack at 0x%lx may grow by 0x%lx bytes, not 0x%lx",
		    g->stack->vme_start, g->stack->stack, g->need);
	if (g->need + guard > room) {
		g->stack->stack = room;
		return KERN_FAIL(KERN_NO_SPACE, "the stack at 0x%lx has 0x%lx bytes left before what lies in its way",
		    g->stack->vme_start, room);
	}
	g->most = g->stack->stack < room - guard ? g->stack->stack : room - guard;
	return KERN_SUCCESS;
}

/* First half: all that growing to addr (page aligned) needs, but memory. Nothing changed. */
static kern_return_t
plan(vm_map_t map, vm_offset_t addr, struct growth *g)
{
	vm_map_entry_t e;
	vm_size_t size;
	kern_return_t kr;

	*g = (struct growth){ .stack = NULL };
	if (addr < map->min_offset || addr >= map->max_offset)
		return KERN_SUCCESS;
	if (vm_map_lookup_entry(map, addr, &e))
		kr = e->guard ? find_by_gap(e, addr, g) : KERN_SUCCESS;
	else
		kr = map->stack_rules == VM_STACK_CLASSIC ? find_classic(map, e, addr, g) : KERN_SUCCESS;
	if (kr == KERN_SUCCESS && g->stack != NULL)
		kr = check_main_stack(map, addr, g);
	if (kr != KERN_SUCCESS || g->stack == NULL)
		return kr;
	size = (g->need + VM_STACK_GROW - 1) / VM_STACK_GROW * VM_STACK_GROW;
	if (size > g->most)
		size = g->most;
	g->start = g->up ? g->stack->vme_end : g->stack->vme_start - size;
	g->end = g->start + size;
	return check_limits(map, size);
}

/* --- growing --- */

/* What the new part will be, but for its range. */
static void
new_part(const struct growth *g, struct vm_map_entry *n)
{
	const struct vm_map_entry *s = g->stack;

	*n = (struct vm_map_entry){
		.protection = g->gap != NULL ? g->gap->stack_prot : s->protection,
		.max_protection = g->gap != NULL ? g->gap->stack_max : s->max_protection,
		.inheritance = s->inheritance, .behavior = s->behavior, .alias = s->alias,
		.grows_down = s->grows_down, .grows_up = s->grows_up,
		.no_sync = s->no_sync, .no_core = s->no_core,
		.stack = g->gap != NULL ? 0 : s->stack - (g->end - g->start),
	};
}

/* Can the stack's last part simply become longer, being what `n` says? */
static bool
extends(vm_map_t map, const struct growth *g, const struct vm_map_entry *n)
{
	vm_map_entry_t s = g->stack;
	vm_size_t size = g->end - g->start;

	if (map->wiring_required || s->attributes != n->attributes || s->wired_count != 0)
		return false;
	return g->up ? vm_object_coalesce(s->object.vm_object, s->offset, s->vme_end - s->vme_start, size, 1) :
	    vm_object_coalesce_below(s->object.vm_object, s->offset, size);
}

/* The gap gives up [g->start, g->end); one that is used up is unlinked and returned. */
static vm_map_entry_t
take_from_gap(vm_map_t map, const struct growth *g)
{
	vm_map_entry_t gap = g->gap;

	if (gap == NULL)
		return NULL;
	if (gap->vme_end - gap->vme_start == g->end - g->start) {
		vm_map_store_unlink(map, gap);
		return gap;
	}
	if (g->up)
		vm_map_store_resize(map, gap, g->end, gap->vme_end);
	else
		vm_map_store_resize(map, gap, gap->vme_start, g->start);
	return NULL;
}

/*
 * The new part could not be wired, and goes; the lock is the one that wiring
 * ended with. The gap has its part again, unless somebody took it away meanwhile.
 */
static void
give_back(vm_map_t map, const struct growth *g, vm_map_entry_t used_up)
{
	vm_map_entry_t dead, e;

	(void)vm_map_delete_with(map, g->start, g->end, VM_MAP_REMOVE_ALL, &dead);
	/* Zero-fill memory of nobody else: this tells no pager anything. */
	vm_map_free_dead(map, dead);
	if (used_up != NULL) {
		(void)vm_map_lookup_entry(map, g->start, &e);
		vm_map_store_link(map, e, used_up);
	} else if (g->gap != NULL && vm_map_lookup_entry(map, g->up ? g->end : g->start - 1, &e) && e->stack_gap)
		vm_map_store_resize(map, e, g->up ? g->start : e->vme_start, g->up ? e->vme_end : g->end);
}

/* Second half. Write lock held; dropped only to wire. */
static kern_return_t
grow(vm_map_t map, struct growth *g)
{
	vm_map_entry_t n = NULL, used_up;
	struct vm_map_entry part;
	kern_return_t kr = KERN_SUCCESS;

	new_part(g, &part);
	if (extends(map, g, &part)) {
		vm_map_entry_t s = g->stack;

		used_up = take_from_gap(map, g);
		s->stack = part.stack;
		if (!g->up && s->object.vm_object != NULL)
			s->offset -= g->end - g->start;
		vm_map_store_resize(map, s, g->up ? s->vme_start : g->start, g->up ? g->end : s->vme_end);
	} else {
		n = vm_map_entry_create();
		if (n == NULL)
			return KERN_FAIL(KERN_RESOURCE_SHORTAGE, "no memory for a map entry");
		*n = part;
		n->vme_start = g->start;
		n->vme_end = g->end;
		/* By the classic rules only the last part grows. */
		if (g->gap == NULL)
			g->stack->grows_down = g->stack->grows_up = false;
		used_up = take_from_gap(map, g);
		(void)vm_map_lookup_entry(map, g->start, &n->vme_prev);
		vm_map_store_link(map, n->vme_prev, n);
		map->hint = n;
		if (map->wiring_required && part.protection != VM_PROT_NONE)
			kr = vm_map_wire_locked(map, g->start, g->end, part.protection);
		if (kr != KERN_SUCCESS)
			give_back(map, g, used_up);
	}
	if (kr == KERN_SUCCESS && used_up != NULL)
		vm_map_entry_dispose(used_up);
	return kr;
}

kern_return_t
vm_map_growstack(vm_map_t map, vm_offset_t addr)
{
	struct growth g;
	kern_return_t kr;

	vm_map_lock(map);
	kr = plan(map, trunc_page(addr), &g);
	if (kr == KERN_SUCCESS && g.stack != NULL)
		kr = grow(map, &g);
	vm_map_unlock(map);
	return kr;
}

kern_return_t
vm_map_fault_growstack(vm_map_t map, vm_offset_t va, vm_prot_t access, kern_return_t refusal)
{
	vm_prot_t allowed = VM_PROT_NONE;
	struct kern_reason why = *kern_reason();
	struct growth g;
	kern_return_t kr;

	VM_RELOCK_POINT(map, "vm_map_stack.fault");
	vm_map_lock(map);
	kr = plan(map, va, &g);
	if (kr == KERN_SUCCESS && g.stack != NULL) {
		allowed = g.gap != NULL ? g.gap->stack_prot : g.stack->protection;
		if (access & ~allowed)
			kr = KERN_FAIL(refusal, "access %s to 0x%lx: the stack that grows there allows %s", vm_prot_name(access), va,
			    vm_prot_name(allowed));
		else
			kr = grow(map, &g);
	} else if (kr == KERN_SUCCESS) {
		vm_map_entry_t e;

		/* Mapped since, or still nothing. */
		kr = vm_map_lookup_entry(map, va, &e) ? KERN_SUCCESS : refusal;
		*kern_reason() = why;
	}
	vm_map_unlock(map);
	return kr == KERN_NO_SPACE || kr == KERN_FAILURE ? refusal : kr;
}

/* --- new stacks --- */

#define STACK_COW   (MAP_INHERIT_SHARE | MAP_DISABLE_SYNCER | MAP_DISABLE_COREDUMP | MAP_STACK_GROWS_DOWN | \
	MAP_STACK_GROWS_UP | MAP_ACC_CHARGED | MAP_ACC_NO_CHARGE | MAP_NO_HINT | MAP_COPY_ON_WRITE)

static kern_return_t
check_stack(vm_map_t map, vm_offset_t bos, vm_size_t size, const struct vm_map_new *what)
{
	vm_map_entry_t e;

	if (!page_aligned(bos) || !page_aligned(size))
		return KERN_FAIL(KERN_INVALID_ARGUMENT, "a stack of 0x%lx bytes at 0x%lx is not in pages", size, bos);
	if (what->object != NULL || what->offset != 0 || (what->cow & ~STACK_COW))
		return KERN_FAIL(KERN_INVALID_ARGUMENT, "a stack is zero-fill memory: flags 0x%x", what->cow);
	if ((what->max & ~VM_PROT_ALL) || (what->prot & ~what->max))
		return KERN_FAIL(KERN_INVALID_ARGUMENT, "protection %u is beyond the maximum %u", what->prot, what->max);
	if ((map->options & VM_MAP_WXORX) && (what->prot & VM_PROT_WRITE) && (what->prot & VM_PROT_EXECUTE))
		return KERN_FAIL(KERN_PROTECTION_FAILURE, "the map has no memory that is writable and executable");
	if (bos < map->min_offset || bos > map->max_offset || size > map->max_offset - bos)
		return KERN_FAIL(KERN_NO_SPACE, "0x%lx bytes at 0x%lx are not within the map [0x%lx, 0x%lx)",
		    size, bos, map->min_offset, map->max_offset);
	if (size == 0)
		return KERN_FAIL(KERN_INVALID_ADDRESS, "a stack of no bytes at 0x%lx", bos);
	if (vm_map_lookup_entry(map, bos, &e) ||
	    (e->vme_next != vm_map_to_entry(map) && e->vme_next->vme_start < bos + size)) {
		if (e == vm_map_to_entry(map) || e->vme_end <= bos)
			e = e->vme_next;
		return KERN_FAIL(KERN_NO_SPACE, "[0x%lx, 0x%lx) overlaps the entry [0x%lx, 0x%lx)", bos, bos + size,
		    e->vme_start, e->vme_end);
	}
	return KERN_SUCCESS;
}

/* Where a stack of `size` bytes at bos is mapped first: init bytes of it. */
static vm_offset_t
first_part(const struct vm_map_new *what, vm_offset_t bos, vm_size_t size, vm_size_t init)
{
	switch (what->cow & (MAP_STACK_GROWS_DOWN | MAP_STACK_GROWS_UP)) {
	case MAP_STACK_GROWS_UP:
		return bos;
	case MAP_STACK_GROWS_DOWN | MAP_STACK_GROWS_UP:
		return bos + trunc_page((size - init) / 2);
	default:
		return bos + size - init;
	}
}

static void
fill_stack(vm_map_entry_t n, const struct vm_map_new *what)
{
	*n = (struct vm_map_entry){
		.protection = what->prot, .max_protection = what->max,
		.inheritance = what->cow & MAP_INHERIT_SHARE ? VM_INHERIT_SHARE : VM_INHERIT_COPY,
		.no_sync = (what->cow & MAP_DISABLE_SYNCER) != 0, .no_core = (what->cow & MAP_DISABLE_COREDUMP) != 0,
		.grows_up = (what->cow & MAP_STACK_GROWS_UP) != 0,
		.grows_down = (what->cow & MAP_STACK_GROWS_UP) == 0 || (what->cow & MAP_STACK_GROWS_DOWN) != 0,
	};
}

/* The range is free, after `after`: [start, start + init) of it is mapped, and the rest a gap, unless gap is NULL. */
static void
link_stack(vm_map_t map, vm_map_entry_t after, vm_map_entry_t n, vm_map_entry_t gap, vm_offset_t bos, vm_size_t size)
{
	if (gap == NULL) {
		vm_map_store_link(map, after, n);
	} else if (n->grows_up) {
		gap->vme_start = n->vme_end;
		gap->vme_end = gap->stack = bos + size;
		vm_map_store_link(map, after, n);
		vm_map_store_link(map, n, gap);
	} else {
		gap->vme_start = gap->stack = bos;
		gap->vme_end = n->vme_start;
		vm_map_store_link(map, after, gap);
		vm_map_store_link(map, gap, n);
	}
	map->hint = n;
}

/* What was made is to be wired; if that fails, it goes. */
static noinline kern_return_t
wire_stack(vm_map_t map, vm_offset_t start, vm_offset_t end, vm_offset_t bos, vm_size_t size, vm_prot_t prot)
{
	vm_map_entry_t dead;
	kern_return_t kr = vm_map_wire_locked(map, start, end, prot);

	if (kr == KERN_SUCCESS)
		return kr;
	(void)vm_map_delete_with(map, bos, bos + size, VM_MAP_REMOVE_ALL, &dead);
	vm_map_free_dead(map, dead);
	return kr;
}

kern_return_t
vm_map_stack_locked(vm_map_t map, vm_offset_t bos, vm_size_t size, const struct vm_map_new *what)
{
	const uint32_t both = MAP_STACK_GROWS_DOWN | MAP_STACK_GROWS_UP;
	bool classic = map->stack_rules == VM_STACK_CLASSIC;
	vm_size_t guard = classic || map->stack_open ? 0 : PAGE_SIZE, init;
	vm_map_entry_t after, n, gap = NULL;
	kern_return_t kr = check_stack(map, bos, size, what);

	if (kr != KERN_SUCCESS)
		return kr;
	if (!classic && (what->cow & both) == both)
		return KERN_FAIL(KERN_INVALID_ARGUMENT, "a stack with a gap grows in one direction");
	if (guard >= size)
		return KERN_FAIL(KERN_INVALID_ARGUMENT, "a stack of 0x%lx bytes is all guard page", size);
	init = size - guard < VM_STACK_GROW ? size - guard : VM_STACK_GROW;
	kr = check_limits(map, init);
	if (kr != KERN_SUCCESS)
		return kr;
	n = vm_map_entry_create();
	if (n != NULL && !classic && init < size && (gap = vm_map_entry_create()) == NULL) {
		vm_map_entry_dispose(n);
		n = NULL;
	}
	if (n == NULL)
		return KERN_FAIL(KERN_RESOURCE_SHORTAGE, "no memory for a map entry");
	fill_stack(n, what);
	n->vme_start = first_part(what, bos, size, init);
	n->vme_end = n->vme_start + init;
	n->stack = classic ? size - init : 0;
	if (gap != NULL)
		*gap = (struct vm_map_entry){
			.guard = true, .stack_gap = true, .stack_guard = guard != 0, .inheritance = n->inheritance,
			.grows_up = n->grows_up,
			.stack_prot = what->prot, .stack_max = what->max,
		};
	(void)vm_map_lookup_entry(map, bos, &after);
	link_stack(map, after, n, gap, bos, size);
	if (unlikely(map->wiring_required) && what->prot != VM_PROT_NONE)
		kr = wire_stack(map, n->vme_start, n->vme_end, bos, size, what->prot);
	return kr;
}

kern_return_t
vm_map_stack(vm_map_t map, vm_offset_t addrbos, vm_size_t max_ssize, const struct vm_map_new *what)
{
	kern_return_t kr;

	vm_map_lock(map);
	kr = vm_map_stack_locked(map, addrbos, max_ssize, what);
	vm_map_unlock(map);
	return kr;
}
