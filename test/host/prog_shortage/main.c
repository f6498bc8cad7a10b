/*
 * shortage: every allocation of every call fails once.
 *
 *	shortage [--full] [GLOB...]     tests whose state.call matches
 *
 * For each start state and each call: the state is built anew, the n-th
 * allocation of the call fails (in a second round: that and all later ones),
 * n = 1, 2, ... until the call does not come that far. Each time: the code is
 * KERN_RESOURCE_SHORTAGE, or the failure was absorbed and all is as without it;
 * after a refusal nothing has changed that a user could see; the invariants
 * hold; the call, repeated, succeeds; and when all maps are gone every page is
 * free. In the end every place in the sources that allocates must have failed,
 * or stand in a list here with a reason.
 *
 * What a user sees of a map, as one number: for each page its rights,
 * inheritance, sharing and bytes; taken without faults.
 */
#include <ctype.h>
#include <fnmatch.h>
#include <glob.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include <kernel/pager.h>
#include <mm/vm_check.h>
#include <mm/vm_map_copy.h>
#include <mm/vm_map_range.h>
#include <mm/vm_map_stack.h>
#include <mm/vm_user.h>
#include <mm/zone.h>
#include <arch/tlb.h>
#include <host.h>

#define P       PAGE_SIZE
#define M       MEGAPAGE_SIZE
#define A       (64 * M)                /* the region that states are about */
#define B       (96 * M + 5 * P)        /* a region of 12 pages in every map, some of them written */
#define STACK   (80 * M)                /* where there is one in state `stack`, and there is nothing in the others */
#define MAPS    70
#define N_MAX   600

static vm_map_t map[MAPS];              /* the call works on map[0], takes from and gives to map[1] */
static unsigned nmaps;
static vm_map_t result;                 /* a map that the call made */

/* --- what a user sees --- */

static uint64_t
mix(uint64_t h, uint64_t v)
{
	h = (h ^ v) * 0x9e3779b97f4a7c15ul;
	return h ^ h >> 29;
}

static uint64_t
page_view(vm_map_entry_t e, vm_offset_t va)
{
	vm_object_offset_t offset = e->offset + (va - e->vme_start);
	struct vm_page *m;
	uint64_t h = 0, any = 0;

	if (e->is_sub_map) {
		vm_map_entry_t below;

		return vm_map_lookup_entry(e->object.sub_map, offset, &below) ? page_view(below, offset) : 0;
	}
	for (vm_object_t o = e->object.vm_object; o != NULL; offset += o->shadow_offset, o = o->shadow)
		if (offset < o->size && (m = vm_page_lookup(o, offset)) != NULL) {
			const uint64_t *w = vm_page_va(m);

			for (unsigned i = 0; i < P / 8; i++) {
				h = (h + w[i]) * 0xd1342543de82ef95ul;
				any |= w[i];
			}
			return any == 0 ? 0 : h;
		}
	return 0;
}

/* [from, to) of map[k]: without its bytes. */
static uint64_t
map_view(vm_map_t m, vm_offset_t from, vm_offset_t to)
{
	uint64_t h = 0;

	for (vm_map_entry_t e = vm_map_first_entry(m); e != vm_map_to_entry(m); e = e->vme_next)
		for (vm_offset_t va = e->vme_start; va < e->vme_end; va += P) {
			h = mix(h, va);
			h = mix(h, e->protection | e->max_protection << 4 | e->inheritance << 8 | e->is_shared << 12 |
			    e->alias << 16);
			if (va < from || va >= to)
				h = mix(h, page_view(e, va));
		}
	return h;
}

/* --- building states --- */

#define MUST(c) \
	do { \
		if (!(c)) { \
			fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #c); \
			abort(); \
		} \
	} while (0)

static vm_map_t
new_map(void)
{
	vm_map_t m = vm_map_create(pmap_create(), VM_MIN_ADDRESS, vm_max_address, true);

	MUST(m != NULL);
	return map[nmaps++] = m;
}

static void
allocate(vm_map_t m, vm_offset_t at, vm_size_t size)
{
	vm_address_ut a = vm_address_u(at);

	MUST(vm_allocate(m, &a, vm_size_u(size), VM_FLAGS_FIXED) == KERN_SUCCESS);
}

/* A store to each of n pages, as a program does it. */
static void
store(vm_map_t m, vm_offset_t at, unsigned n, uint8_t value)
{
	for (unsigned i = 0; i < n; i++) {
		paddr_t pa;

		MUST(vm_fault(m, at + i * P, VM_PROT_WRITE) == KERN_SUCCESS);
		MUST(pmap_extract(m->pmap, at + i * P, &pa));
		memset(phys_to_virt(pa), value + (int)i, 64);
	}
}

static void
fork_map(vm_map_t m)
{
	MUST((map[nmaps] = vm_map_fork(m)) != NULL);
	nmaps++;
}

static void
common(void)
{
	for (unsigned k = 0; k < 2; k++) {
		new_map();
		allocate(map[k], B, 12 * P);
		store(map[k], B + P, 4, (uint8_t)(50 + k));
		store(map[k], B + 8 * P, 2, (uint8_t)(60 + k));
	}
}

static void
state_small(void)
{
	common();
	allocate(map[0], A, 8 * P);
	store(map[0], A, 2, 1);
	store(map[0], A + 5 * P, 1, 5);
}

static void
state_untouched(void)
{
	common();
	allocate(map[0], A, 8 * P);
}

static void
state_untouched_megapage(void)
{
	common();
	allocate(map[0], A, M);
}

static void
state_deep(void)
{
	common();
	allocate(map[0], A, 8 * P);
	store(map[0], A, 8, 1);
	/* map[0] is at the end of the chain, its ancestors live on */
	for (unsigned i = 0; i < 64; i++) {
		vm_map_t child = vm_map_fork(map[0]);

		MUST(child != NULL);
		store(child, A + i % 8 * P, 1, (uint8_t)(100 + i));
		map[nmaps++] = map[0];
		map[0] = child;
	}
}

static void
state_forked(void)
{
	common();
	allocate(map[0], A, 8 * P);
	store(map[0], A, 6, 1);
	fork_map(map[0]);
	store(map[2], A + P, 2, 9);
}

static void
state_megapage(void)
{
	common();
	allocate(map[0], A, M);
	store(map[0], A, 512, 1);
}

static void
state_forked_megapage(void)
{
	state_megapage();
	fork_map(map[0]);
}

static void
state_shared(void)
{
	common();
	allocate(map[0], A, 8 * P);
	store(map[0], A, 3, 1);
	MUST(vm_inherit(map[0], vm_address_u(A), vm_size_u(8 * P), VM_INHERIT_SHARE) == KERN_SUCCESS);
	fork_map(map[0]);
	store(map[2], A + 2 * P, 2, 9);
}

/* To be shared at the next fork: whole, in part, and as a copy of something. */
static void
state_to_share(void)
{
	state_forked();
	allocate(map[0], A + M, 8 * P);
	store(map[0], A + M, 8, 30);
	MUST(vm_inherit(map[0], vm_address_u(A), vm_size_u(4 * P), VM_INHERIT_SHARE) == KERN_SUCCESS);
	MUST(vm_inherit(map[0], vm_address_u(A + M + 2 * P), vm_size_u(3 * P), VM_INHERIT_SHARE) == KERN_SUCCESS);
	allocate(map[0], A + 2 * M, 4 * P);
	MUST(vm_inherit(map[0], vm_address_u(A + 2 * M), vm_size_u(4 * P), VM_INHERIT_SHARE) == KERN_SUCCESS);
}

/* A stack in each form, grown a little and forked. */
static void
state_stack(void)
{
	static const struct vm_map_new rw = { .prot = VM_PROT_DEFAULT, .max = VM_PROT_ALL };

	state_small();
	MUST(vm_map_stack(map[0], STACK, M, &rw) == KERN_SUCCESS);
	store(map[0], STACK + M - 2 * VM_STACK_GROW, 2, 1);
	fork_map(map[0]);
	vm_map_set_stack_rules(map[0], VM_STACK_CLASSIC, true);
	MUST(vm_map_stack(map[0], STACK + 2 * M, M, &rw) == KERN_SUCCESS);
	store(map[0], STACK + 3 * M - 2 * P, 2, 3);
	vm_map_set_stack_rules(map[0], VM_STACK_GAP, true);
}

static const struct state {
	const char *name;
	void      (*build)(void);
} states[] = {
	{ "small", state_small }, { "untouched", state_untouched },
	{ "untouched_megapage", state_untouched_megapage }, { "deep", state_deep },
	{ "forked", state_forked }, { "megapage", state_megapage },
	{ "forked_megapage", state_forked_megapage }, { "shared", state_shared },
	{ "to_share", state_to_share }, { "stack", state_stack },
};

static void
tear_down(void)
{
	if (result != NULL)
		vm_map_deallocate(result);
	result = NULL;
	for (unsigned i = 0; i < nmaps; i++)
		vm_map_deallocate(map[i]);
	nmaps = 0;
}

/* --- calls --- */

#define U(a)    vm_address_u(a)
#define S(n)    vm_size_u(n)

static kern_return_t
allocate_flags(vm_offset_t at, vm_size_t size, uint32_t flags)
{
	vm_address_ut a = U(at);

	return vm_allocate(map[0], &a, S(size), flags);
}

static kern_return_t call_allocate_fixed(void) { return allocate_flags(A - 16 * P, 3 * P, VM_FLAGS_FIXED | VM_MAKE_TAG(2)); }
static kern_return_t call_allocate_anywhere(void) { return allocate_flags(0, 3 * P, VM_FLAGS_ANYWHERE); }
static kern_return_t call_allocate_overwrite(void) { return allocate_flags(A + 2 * P, 3 * P, VM_FLAGS_FIXED | VM_FLAGS_OVERWRITE); }

static kern_return_t
call_map(void)
{
	struct vm_map_user_args args = { .size = S(3 * P), .mask = M - 1, .flags = VM_FLAGS_ANYWHERE,
	    .cur = VM_PROT_READ, .max = VM_PROT_ALL, .inheritance = VM_INHERIT_SHARE };
	vm_address_ut a = U(A);

	return vm_map_user(map[0], &a, &args);
}

static kern_return_t
call_stack(void)
{
	static const struct vm_map_new rw = { .prot = VM_PROT_DEFAULT, .max = VM_PROT_ALL };

	return vm_map_stack(map[0], STACK + 8 * M, 2 * M, &rw);
}

/* All that is new is wired: the stack too. */
static kern_return_t
call_stack_wired(void)
{
	kern_return_t kr;

	map[0]->wiring_required = true;
	kr = call_stack();
	map[0]->wiring_required = false;
	return kr;
}

static kern_return_t call_growstack(void) { return vm_map_growstack(map[0], STACK + P); }

static kern_return_t
call_growstack_wired(void)
{
	kern_return_t kr;

	map[0]->wiring_required = true;
	kr = vm_map_growstack(map[0], STACK + M - 3 * VM_STACK_GROW);
	map[0]->wiring_required = false;
	return kr;
}

static kern_return_t
call_growstack_classic(void)
{
	kern_return_t kr;

	vm_map_set_stack_rules(map[0], VM_STACK_CLASSIC, true);
	kr = vm_map_growstack(map[0], STACK + 2 * M + P);
	vm_map_set_stack_rules(map[0], VM_STACK_GAP, true);
	return kr;
}

static kern_return_t call_fault_in_gap(void) { return vm_fault(map[0], STACK + 2 * P, VM_PROT_WRITE); }

static kern_return_t call_deallocate_middle(void) { return vm_deallocate(map[0], U(A + 2 * P), S(3 * P)); }
static kern_return_t call_deallocate_start(void) { return vm_deallocate(map[0], U(A - P), S(3 * P)); }
static kern_return_t call_deallocate_all(void) { return vm_deallocate(map[0], U(P), S(vm_max_address - P)); }
static kern_return_t call_protect_middle(void) { return vm_protect(map[0], U(A + 2 * P), S(3 * P), false, VM_PROT_READ); }
static kern_return_t call_protect_none(void) { return vm_protect(map[0], U(A + P), S(P), false, VM_PROT_NONE); }
static kern_return_t call_protect_max(void) { return vm_protect(map[0], U(A + 2 * P), S(3 * P), true, VM_PROT_READ); }
static kern_return_t call_protect_copy(void) { return vm_protect(map[0], U(A + 2 * P), S(3 * P), false, VM_PROT_DEFAULT | VM_PROT_COPY); }
static kern_return_t call_inherit_middle(void) { return vm_inherit(map[0], U(A + 2 * P), S(3 * P), VM_INHERIT_NONE); }

static kern_return_t
call_bsd_protect(void)
{
	static const struct vm_map_rights r = {
		.prot = VM_PROT_READ, .max = VM_PROT_DEFAULT, .flags = VM_MAP_PROTECT_SET_PROT | VM_MAP_PROTECT_SET_MAXPROT,
	};

	return vm_map_bsd_protect(map[0], A + 2 * P, A + M + 3 * P, &r);
}

static kern_return_t call_madvise_nosync(void) { return vm_map_madvise(map[0], A + 2 * P, A + M + 3 * P, MADV_NOSYNC); }

/* Children have zeros in the middle. */
static kern_return_t
call_fork_zero(void)
{
	kern_return_t kr = vm_map_inherit(map[0], A + 2 * P, A + M + 3 * P, VM_INHERIT_ZERO);
	vm_map_t child;

	if (kr != KERN_SUCCESS)
		return kr;
	child = vm_map_fork(map[0]);
	vm_map_deallocate(child);
	if (child == NULL) {
		(void)vm_map_inherit(map[0], A + 2 * P, A + M + 3 * P, VM_INHERIT_COPY);
		return KERN_RESOURCE_SHORTAGE;
	}
	return KERN_SUCCESS;
}

/* Several runs with holes between them; and all of it back again. */
static kern_return_t
call_bsd_wire(void)
{
	kern_return_t kr = vm_map_bsd_wire(map[0], A + P, A + 2 * M + 3 * P, VM_MAP_WIRE_USER | VM_MAP_WIRE_HOLESOK);

	if (kr == KERN_SUCCESS)
		kr = vm_map_bsd_unwire(map[0], A + P, A + 2 * M + 3 * P, VM_MAP_WIRE_USER | VM_MAP_WIRE_HOLESOK);
	return kr;
}

static kern_return_t
call_lookup_copy(void)
{
	struct vm_map_lookup l;
	kern_return_t kr = vm_map_lookup(map[0], A + 2 * P, VM_PROT_READ | VM_PROT_COPY, &l);

	if (kr == KERN_SUCCESS)
		vm_map_lookup_done(map[0], &l);
	return kr;
}

static kern_return_t
read_from(vm_offset_t at, vm_size_t size, vm_map_t into)
{
	vm_address_ut data;
	vm_size_ut count;

	return vm_read(map[0], U(at), S(size), into, &data, &count);
}

static kern_return_t call_read(void) { return read_from(A + P, 4 * P, map[1]); }
static kern_return_t call_read_bytes(void) { return read_from(A + P + 100, 3000, map[1]); }
static kern_return_t call_read_self(void) { return read_from(A + P - 8, 2 * P, map[0]); }

static kern_return_t
read_over(vm_offset_t at, vm_size_t size, vm_offset_t to)
{
	vm_size_ut count;

	return vm_read_overwrite(map[0], U(at), S(size), map[1], U(to), &count);
}

static kern_return_t call_read_overwrite(void) { return read_over(A + P, 4 * P, B + P); }
static kern_return_t call_read_overwrite_unaligned(void) { return read_over(A + P + 8, 4 * P, B + P - 16); }
static kern_return_t call_write(void) { return vm_write(map[0], U(A + P), map[1], U(B), S(5 * P)); }
static kern_return_t call_write_unaligned(void) { return vm_write(map[0], U(A + P + 24), map[1], U(B), S(5 * P)); }
static kern_return_t call_write_edges(void) { return vm_write(map[0], U(A + P + 24), map[1], U(B + 24), S(5 * P)); }
static kern_return_t call_copy(void) { return vm_copy(map[0], U(A), S(6 * P), U(B)); }
static kern_return_t call_copy_back(void) { return vm_copy(map[0], U(B), S(6 * P), U(A)); }
static kern_return_t call_copy_overlap(void) { return vm_copy(map[0], U(A), S(5 * P), U(A + 2 * P)); }
static kern_return_t call_copy_unaligned(void) { return vm_copy(map[0], U(A + 1), S(5 * P), U(B + 7)); }

static kern_return_t
remap(vm_offset_t at, vm_size_t size, vm_offset_t to, bool copy, uint32_t flags)
{
	struct vm_remap_user_args a = { .size = S(size), .flags = flags, .src = map[0], .src_addr = U(at), .copy = copy,
	    .inheritance = VM_INHERIT_DEFAULT };
	vm_address_ut addr = U(to);
	vm_prot_t cur, max;

	return vm_remap(map[1], &addr, &a, &cur, &max);
}

static kern_return_t call_remap_share(void) { return remap(A + P, 5 * P, 0, false, VM_FLAGS_ANYWHERE); }
static kern_return_t call_remap_copy(void) { return remap(A + P, 5 * P, A, true, VM_FLAGS_FIXED); }
static kern_return_t call_remap_over(void) { return remap(A + 2 * P, 4 * P, B + 6 * P, false, VM_FLAGS_FIXED | VM_FLAGS_OVERWRITE); }

/* A copy out of map[0] goes to map[1], at a free place or over what is there. */
static kern_return_t
deliver(kern_return_t kr, vm_map_copy_t copy, vm_offset_t over)
{
	vm_offset_t at;

	if (kr != KERN_SUCCESS)
		return kr;
	kr = over != 0 ? vm_map_copy_overwrite(map[1], over, copy, false) : vm_map_copyout(map[1], &at, copy);
	if (kr != KERN_SUCCESS)
		vm_map_copy_discard(copy);
	return kr;
}

static kern_return_t
call_copy_pages(void)
{
	vm_map_copy_t copy = NULL;
	kern_return_t kr = vm_map_copyin_page_list(map[0], A, 7 * P, VM_PROT_READ, &copy, false);

	return deliver(kr, copy, 0);
}

static kern_return_t
call_steal_pages(void)
{
	vm_map_copy_t copy = NULL;
	kern_return_t kr = vm_map_copyin_page_list(map[0], A, 7 * P, VM_PROT_READ | VM_MAP_COPYIN_OPT_STEAL_PAGES, &copy, false);

	return deliver(kr, copy, B + 8);
}

/* Beyond one list. */
static kern_return_t
call_long_page_list(void)
{
	vm_map_copy_t copy = NULL;
	kern_return_t kr = vm_map_copyin_page_list(map[0], A, 24 * P, VM_PROT_READ, &copy, false);

	return deliver(kr, copy, 0);
}

static kern_return_t
call_destroy(void)
{
	vm_map_copy_t copy;
	kern_return_t kr = vm_map_copyin(map[0], A + P, 4 * P, true, &copy);

	if (kr == KERN_SUCCESS)
		vm_map_copy_discard(copy);
	return kr;
}

static kern_return_t
call_object(void)
{
	vm_object_t object = vm_object_allocate(4 * P, 0);
	vm_map_copy_t copy = NULL;
	kern_return_t kr;

	if (object == NULL)
		return KERN_RESOURCE_SHORTAGE;
	kr = vm_map_copyin_object(object, 0, 4 * P, &copy);
	if (kr != KERN_SUCCESS)
		vm_object_deallocate(object);
	return deliver(kr, copy, B);
}

static kern_return_t
call_region(void)
{
	struct vm_region_basic_info info;
	vm_address_ut a = U(0);
	vm_size_ut size;

	return vm_region_basic(map[0], &a, &size, &info);
}

static kern_return_t
call_fork(void)
{
	result = vm_map_fork(map[0]);
	return result != NULL ? KERN_SUCCESS : KERN_RESOURCE_SHORTAGE;
}

static kern_return_t
call_create(void)
{
	pmap_t pmap = pmap_create();

	if (pmap == NULL)
		return KERN_RESOURCE_SHORTAGE;
	result = vm_map_create(pmap, VM_MIN_ADDRESS, vm_max_address, true);
	if (result == NULL)
		pmap_destroy(pmap);
	return result != NULL ? KERN_SUCCESS : KERN_RESOURCE_SHORTAGE;
}

static kern_return_t call_fault_read(void) { return vm_fault(map[0], A + 3 * P, VM_PROT_READ); }
static kern_return_t call_fault_write(void) { return vm_fault(map[0], A + 3 * P, VM_PROT_WRITE); }
static kern_return_t call_fault_write_present(void) { return vm_fault(map[0], A, VM_PROT_WRITE); }

static kern_return_t
call_fault_fetch(void)
{
	kern_return_t kr = vm_protect(map[0], U(A + P), S(P), false, VM_PROT_READ | VM_PROT_EXECUTE);

	return kr != KERN_SUCCESS ? kr : vm_fault(map[0], A + P, VM_PROT_EXECUTE);
}

static kern_return_t
call_fault_after_collect(void)
{
	pmap_collect(map[0]->pmap);
	return vm_fault(map[0], A, VM_PROT_READ);
}

/* The page tables only, and not for long: no entry says that they are nested. */
static kern_return_t
call_nest_tables(void)
{
	kern_return_t kr = pmap_nest(map[0]->pmap, map[1]->pmap, 1024 * M, A, 2 * M);

	if (kr == KERN_SUCCESS)
		pmap_unnest(map[0]->pmap, 1024 * M, 2 * M);
	return kr;
}

/* --- handles and submaps: calls of several steps, undone by hand --- */

#define C   (512 * M)           /* where they are mapped, in both maps */
#define D   (576 * M)

static kern_return_t
map_handle(vm_map_t m, vm_offset_t at, vm_named_entry_t ne, vm_size_t size, bool copy)
{
	struct vm_map_user_args a = {
		.size = S(size), .flags = VM_MAKE_TAG(VM_MEMORY_SHARED_PMAP), .copy = copy,
		.cur = VM_PROT_DEFAULT, .max = VM_PROT_DEFAULT, .inheritance = VM_INHERIT_SHARE, .entry = ne,
	};
	vm_address_ut place = U(at);

	return vm_map_user(m, &place, &a);
}

/* Mapped shared at C of map[1], and copied at D of map[0]: both or none. */
static kern_return_t
map_both(vm_named_entry_t ne, vm_size_t size)
{
	kern_return_t kr = map_handle(map[1], C, ne, size, false);

	if (kr != KERN_SUCCESS)
		return kr;
	kr = map_handle(map[0], D, ne, size, true);
	if (kr != KERN_SUCCESS)
		(void)vm_deallocate(map[1], U(C), S(size));
	return kr;
}

static kern_return_t
name_and_map(uint32_t permission)
{
	vm_named_entry_t ne, child;
	vm_size_ut size = S(5 * P), part = S(2 * P);
	kern_return_t kr = mach_make_memory_entry(map[0], &size, U(A + P), VM_PROT_DEFAULT | permission, &ne, NULL);

	if (kr != KERN_SUCCESS)
		return kr;
	kr = map_both(ne, size.v);
	if (kr == KERN_SUCCESS && !(permission & MAP_MEM_VM_COPY)) {
		kr = mach_make_memory_entry(NULL, &part, U(P), VM_PROT_READ, &child, ne);
		if (kr == KERN_SUCCESS)
			vm_named_entry_release(child);
		else {
			(void)vm_deallocate(map[1], U(C), size);
			(void)vm_deallocate(map[0], U(D), size);
		}
	}
	vm_named_entry_release(ne);
	return kr;
}

/* Placement: new memory, and what map[1] has at A + P: shared, or a copy. */
static kern_return_t
find_call(enum vm_find_call call, vm_offset_t at, uint32_t space, uint32_t cow, bool object)
{
	struct vm_find_user_args a = { .length = S(3 * P), .find_space = space, .cow = cow, .prot = VM_PROT_DEFAULT,
	    .max = object ? VM_PROT_DEFAULT : VM_PROT_ALL, .min_addr = U(P) };
	vm_address_ut where = U(at);
	vm_size_ut size = S(4 * P);
	kern_return_t kr = KERN_SUCCESS;

	if (object)
		kr = mach_make_memory_entry(map[0], &size, U(A + P), VM_PROT_DEFAULT, &a.entry, NULL);
	if (kr == KERN_SUCCESS)
		kr = vm_map_find_user(map[0], &where, &a, call);
	vm_named_entry_release(a.entry);
	return kr;
}

static kern_return_t call_find_super(void) { return find_call(VM_MAP_FIND, A + P, VMFS_SUPER_SPACE, MAP_DISABLE_COREDUMP, false); }
static kern_return_t call_find_min(void) { return find_call(VM_MAP_FIND_MIN, vm_max_address - P, VMFS_ALIGNED_SPACE(16), 0, false); }
static kern_return_t call_find_object(void) { return find_call(VM_MAP_FIND, A + P, VMFS_OPTIMAL_SPACE, MAP_PREFAULT, true); }
static kern_return_t call_find_copy(void) { return find_call(VM_MAP_FIND, A + P, VMFS_ANY_SPACE, MAP_COPY_ON_WRITE | MAP_PREFAULT_PARTIAL, true); }
static kern_return_t call_find_remap(void) { return find_call(VM_MAP_FIND, A + 2 * P, VMFS_NO_SPACE, MAP_REMAP, false); }
static kern_return_t call_fixed(void) { return find_call(VM_MAP_FIXED, A + 3 * P, 0, MAP_INHERIT_SHARE, false); }
static kern_return_t call_fixed_object(void) { return find_call(VM_MAP_FIXED, B + P, 0, MAP_COPY_ON_WRITE, true); }
static kern_return_t call_insert(void) { return find_call(VM_MAP_INSERT, A - 16 * P, 0, 0, false); }
static kern_return_t call_named_object(void) { return name_and_map(0); }
static kern_return_t call_named_share(void) { return name_and_map(MAP_MEM_VM_SHARE); }
static kern_return_t call_named_copy(void) { return name_and_map(MAP_MEM_VM_COPY); }
static kern_return_t call_named_create(void) { return name_and_map(MAP_MEM_NAMED_CREATE); }

/* A submap with some memory. */
static kern_return_t
make_submap(vm_size_t size, vm_named_entry_t *ne)
{
	vm_address_ut at = U(3 * P);
	kern_return_t kr = vm_region_object_create(S(size), ne);

	if (kr != KERN_SUCCESS)
		return kr;
	kr = vm_allocate((*ne)->backing.map, &at, S(size - 3 * P), VM_FLAGS_FIXED);
	if (kr != KERN_SUCCESS)
		vm_named_entry_release(*ne);
	return kr;
}

/* A nested window, a copied one; a cut and a write in each, and a fault through the first. */
static kern_return_t
call_submap(void)
{
	vm_named_entry_t ne;
	kern_return_t kr = make_submap(4 * M, &ne);

	if (kr != KERN_SUCCESS)
		return kr;
	kr = map_both(ne, 4 * M);
	if (kr == KERN_SUCCESS) {
		kr = vm_protect(map[1], U(C + 5 * P), S(P), false, VM_PROT_READ);
		if (kr == KERN_SUCCESS)
			kr = vm_fault(map[1], C + M + P, VM_PROT_WRITE);
		if (kr == KERN_SUCCESS)
			kr = vm_fault(map[0], D + M + P, VM_PROT_READ);
		if (kr == KERN_SUCCESS)
			kr = vm_fault(map[0], D + M + P, VM_PROT_WRITE);
		if (kr != KERN_SUCCESS) {
			(void)vm_deallocate(map[1], U(C), S(4 * M));
			(void)vm_deallocate(map[0], U(D), S(4 * M));
		}
	}
	vm_named_entry_release(ne);
	return kr;
}

static kern_return_t
make_shared_region(shared_region_mapping_t *r)
{
	struct shared_region_mapping_args a = { .text_size = 2 * M, .data_size = M, .client_base = C };
	kern_return_t kr = make_submap(2 * M, &a.text_region);

	if (kr != KERN_SUCCESS)
		return kr;
	kr = make_submap(M, &a.data_region);
	if (kr == KERN_SUCCESS) {
		kr = shared_region_mapping_create(&a, r);
		if (kr != KERN_SUCCESS)
			vm_named_entry_release(a.data_region);
	}
	if (kr != KERN_SUCCESS)
		vm_named_entry_release(a.text_region);
	return kr;
}

static kern_return_t
call_shared_region(void)
{
	shared_region_mapping_t r, parent;
	kern_return_t kr = make_shared_region(&r);

	if (kr != KERN_SUCCESS)
		return kr;
	kr = make_shared_region(&parent);
	if (kr == KERN_SUCCESS) {
		kr = shared_region_object_chain_attach(r, parent);
		if (kr != KERN_SUCCESS)
			shared_region_mapping_dealloc(parent);
	}
	if (kr == KERN_SUCCESS)
		kr = shared_region_mapping_map(r, map[0]);
	shared_region_mapping_dealloc(r);
	return kr;
}

/* A pager's memory, shared in one map and private in the other; written, written back. */
static kern_return_t
map_pager(memory_object_t mo)
{
	vm_address_ut c = U(C), d = U(D);
	struct vm_map_user_args a = { .size = S(4 * P), .cur = VM_PROT_DEFAULT, .max = VM_PROT_ALL, .inheritance = VM_INHERIT_SHARE, .pager = mo };
	kern_return_t kr = vm_map_user(map[0], &c, &a);

	if (kr != KERN_SUCCESS)
		return kr;
	kr = vm_fault(map[0], C, VM_PROT_WRITE);
	a.copy = true;
	if (kr == KERN_SUCCESS)
		kr = vm_map_user(map[1], &d, &a);
	if (kr == KERN_SUCCESS)
		kr = vm_fault(map[1], D + P, VM_PROT_WRITE);
	if (kr == KERN_SUCCESS)
		kr = vm_fault(map[0], C + P, VM_PROT_WRITE);
	if (kr == KERN_SUCCESS)
		kr = vm_msync(map[0], c, S(4 * P), VM_SYNC_SYNCHRONOUS | VM_SYNC_INVALIDATE);
	if (kr != KERN_SUCCESS) {
		(void)vm_deallocate(map[0], U(C), S(4 * P));
		(void)vm_deallocate(map[1], U(D), S(4 * P));
	}
	return kr;
}

static kern_return_t
call_pager(void)
{
	memory_object_t mo;
	kern_return_t kr = pager_test_create(4 * P, &mo);

	if (kr != KERN_SUCCESS)
		return kr;
	kr = map_pager(mo);
	memory_object_release(mo);
	return kr;
}

static uint8_t bytes[4 * P];

static kern_return_t call_kernel_read(void) { return vm_map_read_user(map[0], A + P + 5, bytes, 3 * P); }
static kern_return_t call_kernel_write(void) { return vm_map_write_user(map[0], bytes, A + P + 5, 3 * P); }

/* What may have changed in part after a shortage, as documented: bytes only. */
enum { WHOLE, PART_A, STEPS };

static const struct call {
	const char    *name;
	kern_return_t (*run)(void);
	int            partial;
} calls[] = {
	{ "allocate_fixed", call_allocate_fixed, WHOLE }, { "allocate_anywhere", call_allocate_anywhere, WHOLE },
	{ "allocate_overwrite", call_allocate_overwrite, WHOLE }, { "map", call_map, WHOLE },
	{ "deallocate_middle", call_deallocate_middle, WHOLE }, { "deallocate_start", call_deallocate_start, WHOLE },
	{ "deallocate_all", call_deallocate_all, WHOLE }, { "protect_middle", call_protect_middle, WHOLE },
	{ "protect_none", call_protect_none, WHOLE }, { "protect_max", call_protect_max, WHOLE },
	{ "protect_copy", call_protect_copy, WHOLE }, { "inherit_middle", call_inherit_middle, WHOLE }, { "read", call_read, WHOLE },
	{ "read_bytes", call_read_bytes, WHOLE }, { "read_self", call_read_self, WHOLE },
	{ "read_overwrite", call_read_overwrite, WHOLE },
	{ "read_overwrite_unaligned", call_read_overwrite_unaligned, WHOLE },
	{ "write", call_write, WHOLE }, { "write_unaligned", call_write_unaligned, WHOLE },
	{ "write_edges", call_write_edges, WHOLE }, { "copy", call_copy, WHOLE },
	{ "copy_back", call_copy_back, WHOLE }, { "copy_overlap", call_copy_overlap, WHOLE },
	{ "copy_unaligned", call_copy_unaligned, WHOLE }, { "remap_share", call_remap_share, WHOLE },
	{ "remap_copy", call_remap_copy, WHOLE }, { "remap_over", call_remap_over, WHOLE },
	{ "copy_pages", call_copy_pages, WHOLE }, { "steal_pages", call_steal_pages, WHOLE },
	{ "long_page_list", call_long_page_list, WHOLE }, { "destroy", call_destroy, WHOLE }, { "object", call_object, WHOLE }, { "region", call_region, WHOLE },
	{ "fork", call_fork, WHOLE }, { "create", call_create, WHOLE }, { "fault_read", call_fault_read, WHOLE },
	{ "fault_write", call_fault_write, WHOLE }, { "fault_write_present", call_fault_write_present, WHOLE },
	{ "fault_fetch", call_fault_fetch, STEPS }, { "fault_after_collect", call_fault_after_collect, WHOLE },
	{ "nest_tables", call_nest_tables, WHOLE },
	{ "named_object", call_named_object, STEPS }, { "named_share", call_named_share, STEPS },
	{ "named_copy", call_named_copy, WHOLE }, { "named_create", call_named_create, WHOLE },
	{ "submap", call_submap, WHOLE }, { "shared_region", call_shared_region, WHOLE }, { "pager", call_pager, WHOLE },
	{ "kernel_read", call_kernel_read, WHOLE }, { "kernel_write", call_kernel_write, PART_A },
	{ "find_super", call_find_super, WHOLE }, { "find_min", call_find_min, WHOLE }, { "find_object", call_find_object, STEPS },
	{ "find_copy", call_find_copy, STEPS }, { "find_remap", call_find_remap, WHOLE }, { "fixed", call_fixed, WHOLE },
	{ "fixed_object", call_fixed_object, STEPS }, { "insert", call_insert, WHOLE },
	{ "stack", call_stack, WHOLE }, { "stack_wired", call_stack_wired, WHOLE }, { "growstack", call_growstack, WHOLE },
	{ "growstack_wired", call_growstack_wired, WHOLE }, { "growstack_classic", call_growstack_classic, WHOLE },
	{ "fault_in_gap", call_fault_in_gap, STEPS }, { "bsd_protect", call_bsd_protect, WHOLE },
	{ "madvise_nosync", call_madvise_nosync, WHOLE }, { "bsd_wire", call_bsd_wire, STEPS },
	{ "lookup_copy", call_lookup_copy, WHOLE }, { "fork_zero", call_fork_zero, STEPS },
};

/* Repeating it after a part was done need not give the same: the source has changed. */
static bool
repeatable(const struct call *c)
{
	return c->run != call_copy_overlap;
}

/* --- judging --- */

static char text[600];

static bool __attribute__((format(printf, 1, 2)))
wrong(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	return false;
}

static uint64_t
view(int partial)
{
	uint64_t h = 0;

	/* Others may share what is written. */
	for (unsigned k = 0; k < nmaps; k++)
		h = mix(h, partial == PART_A ? map_view(map[k], A, A + M) : map_view(map[k], 0, 0));
	return h;
}

static bool
sound(unsigned n, const char *when)
{
	struct vm_check_failure f;
	vm_map_t all[MAPS + 1];
	unsigned k = nmaps;

	memcpy(all, map, sizeof(map));
	if (result != NULL)
		all[k++] = result;
	if (vm_check_all(all, k, &f))
		return true;
	return wrong("allocation %u, %s: %s: %s", n, when, f.id, f.text);
}

static uint64_t
end_view(void)
{
	return mix(view(WHOLE), result != NULL ? map_view(result, 0, 0) : 0);
}

/* One failure. *reached: the call came to its n-th allocation. */
static bool
one(const struct state *s, const struct call *c, unsigned n, bool later, kern_return_t expect,
    uint64_t expect_view, bool *reached)
{
	uint64_t before, after;
	kern_return_t kr;
	bool failed;

	s->build();
	before = view(c->partial);
	vm_alloc_fail_at(n, later);
	kr = c->run();
	*reached = vm_alloc_fail_countdown == 0;        /* means nothing with `later` */
	failed = kr == KERN_RESOURCE_SHORTAGE;
	vm_alloc_fail_at(0, false);
	after = view(c->partial);
	if (kr != expect && !failed)
		return wrong("allocation %u: %s", n, kern_return_name(kr));
	if (!sound(n, "failed"))
		return false;
	if (failed && before != after && c->partial != STEPS)
		return wrong("allocation %u: a user sees that something changed", n);
	if (failed) {
		kr = c->run();
		if (kr != expect)
			return wrong("allocation %u: again: %s", n, kern_return_name(kr));
		if (!sound(n, "again"))
			return false;
	}
	if ((!failed || repeatable(c)) && end_view() != expect_view)
		return wrong("allocation %u%s: the result is not that of an undisturbed call", n,
		    failed ? ", again" : ", absorbed");
	return true;
}

static unsigned failures_made;

static bool
sweep(const struct state *s, const struct call *c)
{
	kern_return_t expect;
	uint64_t expect_view, free_before = host_free_pages(), left;
	unsigned n, last = 0;
	bool reached = true;

	s->build();
	expect = c->run();
	expect_view = end_view();
	if (!sound(0, "undisturbed"))
		return false;
	tear_down();
	for (int later = 0; later < 2; later++) {
		for (n = 1; later ? n <= last : reached; n++) {
			if (n > N_MAX)
				break;
			if (!one(s, c, n, later, expect, expect_view, &reached))
				return false;
			failures_made++;
			tear_down();
			left = host_free_pages();
			if (left != free_before)
				return wrong("allocation %u%s: %ld pages leaked", n, later ? " and later" : "",
				    (long)(free_before - left));
		}
		if (!later)
			last = n - 2;
	}
	return true;
}

/* --- places that allocate --- */

/* Places that cannot be reached from these calls. */
static const struct exception {
	const char *file, *function, *why;
} exceptions[] = {
	{ "mm/vm_kern.c", NULL, "the kernel's own memory: test/unit/vm_kern.c" },
	{ "mm/zone.c", "zalloc", "the allocator itself" },
	{ "mm/vm_page.c", NULL, "the allocator itself" },
	{ "mm/vm_page_compact.c", NULL, "where memory is scattered: test/host/compact.c" },
	{ "arch/riscv/pmap_kernel.c", NULL, "the kernel's own tables: test/unit/pmap.c" },
};

struct place {
	char     file[64];
	unsigned line;
	char     code[96];
	bool     failed;
};
static struct place places[128];
static unsigned nplaces;

static void
find_places(const char *pattern)
{
	glob_t g;

	if (glob(pattern, 0, NULL, &g) != 0)
		return;
	for (size_t i = 0; i < g.gl_pathc; i++) {
		FILE *f = fopen(g.gl_pathv[i], "r");
		char line[256];

		for (unsigned n = 1; f != NULL && fgets(line, sizeof(line), f) != NULL; n++) {
			char *at = line;

			while (isspace((unsigned char)*at))
				at++;
			if (line[0] != '\t' || *at == '*' || strncmp(at, "/*", 2) == 0 || nplaces == 128 ||
			    (strstr(at, "zalloc(") == NULL && strstr(at, "vm_page_alloc(") == NULL &&
			    strstr(at, "vm_page_alloc_order(") == NULL))
				continue;
			struct place *p = &places[nplaces++];

			at[strcspn(at, "\n")] = '\0';
			snprintf(p->file, sizeof(p->file), "%s", g.gl_pathv[i]);
			snprintf(p->code, sizeof(p->code), "%.90s", at);
			p->line = n;
		}
		if (f != NULL)
			fclose(f);
	}
	globfree(&g);
}

static const struct exception *
excepted(const struct place *p)
{
	for (unsigned i = 0; i < nitems(exceptions); i++)
		if (strcmp(p->file, exceptions[i].file) == 0)
			return &exceptions[i];
	return NULL;
}

extern const char __executable_start[];

/* Marks the places that failed: addr2line knows a return address's line. */
static bool
mark_places(void)
{
	char command[24 * HOST_SITES_MAX + 200], line[512];
	size_t n = (size_t)snprintf(command, sizeof(command), "addr2line -i -e /proc/%d/exe", getpid());
	FILE *f;

	for (unsigned i = 0; i < host_nsites; i++)
		if (host_site[i].failed > 0)
			n += (size_t)snprintf(command + n, sizeof(command) - n, " 0x%lx",
			    (uint64_t)((const char *)host_site[i].address - __executable_start) - 1);
	f = popen(command, "r");
	if (f == NULL)
		return false;
	while (fgets(line, sizeof(line), f) != NULL) {
		if (getenv("SHORTAGE_SITES") != NULL)
			printf("# site %s", line);
		for (unsigned i = 0; i < nplaces; i++) {
			char *at = strstr(line, places[i].file);
			size_t len = strlen(places[i].file);

			/* A call may span two lines. */
			if (at != NULL && at[len] == ':') {
				unsigned number = (unsigned)atoi(at + len + 1);

				places[i].failed |= number == places[i].line || number == places[i].line + 1;
			}
		}
	}
	return pclose(f) == 0;
}

static bool
all_places_failed(void)
{
	unsigned missing = 0, hit = 0;

	find_places("mm/*.c");
	find_places("arch/riscv/pmap*.c");
	find_places("arch/riscv/sv.c");
	if (!mark_places())
		return wrong("addr2line cannot be run");
	for (unsigned i = 0; i < nplaces; i++) {
		hit += places[i].failed;
		if (!places[i].failed && excepted(&places[i]) == NULL) {
			missing++;
			printf("# never failed: %s:%u: %s\n", places[i].file, places[i].line, places[i].code);
		}
	}
	printf("# %u places allocate, %u of them failed, %u sites as the compiler made them\n", nplaces, hit, host_nsites);
	return missing == 0 || wrong("%u places never failed", missing);
}

/* --- running --- */

static unsigned number;

static void
report(const char *name, const char *what, bool good)
{
	if (!good)
		printf("# %s\n", text);
	printf("%sok %u shortage.%s%s%s\n", good ? "" : "not ", ++number, name, *what ? "." : "", what);
	fflush(stdout);
}

static void
bail(const char *message)
{
	printf("# panic: %s\nBail out! panic\n", message);
	fflush(stdout);
}

static bool
wanted(const char *state, const char *call, int n, char **globs)
{
	char name[128];

	snprintf(name, sizeof(name), "%s.%s", state, call);
	for (int i = 0; i < n; i++)
		if (fnmatch(globs[i], name, 0) == 0)
			return true;
	return n == 0;
}

int
main(int argc, char **argv)
{
	bool full = argc > 1 && strcmp(argv[1], "--full") == 0, good = true;
	int n = argc - 1 - full;
	char **globs = argv + 1 + full;
	unsigned count = 0;

	for (unsigned i = 0; i < nitems(states); i++)
		for (unsigned k = 0; k < nitems(calls); k++)
			count += wanted(states[i].name, calls[k].name, n, globs);
	printf("KTAP version 1\n1..%u\n", count + (n == 0));
	host_panic_hook = bail;
	host_boot(48ul << 20);
	host_sites_record();
	for (unsigned i = 0; i < nitems(states); i++)
		for (unsigned k = 0; k < nitems(calls); k++) {
			bool ok;

			if (!wanted(states[i].name, calls[k].name, n, globs))
				continue;
			alarm(60);
			ok = sweep(&states[i], &calls[k]);
			report(states[i].name, calls[k].name, ok);
			good &= ok;
			if (!ok) {
				nmaps = 0;
				result = NULL;
				host_boot(48ul << 20);
			}
		}
	printf("# %u failures made\n", failures_made);
	if (n == 0) {
		bool ok = all_places_failed();

		report("every_place", "", ok);
		good &= ok;
	}
	return !good;
}
