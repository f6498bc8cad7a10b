/*
 * vm_map_impl.h: what the files of the map layer tell each other.
 */
#ifndef MM_VM_MAP_IMPL_H
#define MM_VM_MAP_IMPL_H

#include <mm/vm_map.h>
#include <mm/vm_map_copy.h>
#include <mm/vm_map_find.h>

/* --- vm_map_store.c: links, tree, gaps; write lock held unless said otherwise --- */

void vm_map_store_bootstrap(void);
void vm_map_store_init(vm_map_t map);
/* An entry with undefined contents, or NULL. */
vm_map_entry_t vm_map_entry_create(void);
void vm_map_entry_dispose(vm_map_entry_t entry);
/* Links a filled entry after `after`; the range must be free. map->size grows. */
void vm_map_store_link(vm_map_t map, vm_map_entry_t after, vm_map_entry_t entry);
/* Unlinks; the entry's own fields stay. map->size shrinks, the hint is repaired. */
void vm_map_store_unlink(vm_map_t map, vm_map_entry_t entry);
/* Cuts entry at `at`, inside it: entry ends there, back (filled) begins there. */
void vm_map_store_split(vm_map_t map, vm_map_entry_t entry, vm_offset_t at, vm_map_entry_t back);
/* entry and the adjacent next one, alike but for range and offset, become one; the other of the two is unlinked and returned. */
vm_map_entry_t vm_map_store_join(vm_map_t map, vm_map_entry_t entry);
/* Moves the entry's borders within the free space and itself; map->size follows. */
void vm_map_store_resize(vm_map_t map, vm_map_entry_t entry, vm_offset_t start, vm_offset_t end);
/* The gap after entry (maybe the header) has changed under the tree's hands: it knows now. */
void vm_map_store_gap_changed(vm_map_t map, vm_map_entry_t entry);
/*
 * The first gap of at least size bytes that begins after `after` in address
 * order (any lock): the entry it follows, or NULL. after = header: the gap
 * below the first entry is the caller's to look at.
 */
vm_map_entry_t vm_map_store_next_gap(vm_map_t map, vm_map_entry_t after, vm_size_t size);
/*
 * The same of the index for map->align, whose mask is not 0: the first gap with room for size bytes from its first
 * aligned address on (if size is not beyond 2^32 pages: else perhaps).
 */
vm_map_entry_t vm_map_store_next_aligned(vm_map_t map, vm_map_entry_t after, vm_size_t size);
/* Makes that index, in time O(entries); mask 0: from now on there is none. Write lock. */
void vm_map_store_index(vm_map_t map, const struct vm_map_align *align);

/* 2^n - 1, or 0. */
static inline bool
vm_map_align_is_plain(const struct vm_map_align *align)
{
	return (align->mask & (align->mask + 1)) == 0;
}

/*
 * The lowest address at or above `at` that is aligned: that, less phase, has no bit of mask. FALSE: there is none below
 * 2^64. A phase other than 0 is for masks 2^n - 1 only, and less than that. For other masks it is Mach's rule that counts,
 * which gives an aligned address, not always the lowest.
 */
static inline bool
vm_map_align(vm_offset_t at, const struct vm_map_align *align, vm_offset_t *aligned)
{
	vm_offset_t over;

	if (likely(vm_map_align_is_plain(align))) {
		over = (at - align->phase) & align->mask;
		*aligned = over == 0 ? at : at + (align->mask + 1 - over);
		return *aligned >= at;
	}
	*aligned = (at + align->mask) & ~align->mask;
	return *aligned >= at && at + align->mask >= at;
}

/* Free bytes between the entry (or the header: min) and the next one (or max). */
static inline vm_size_t
vm_map_gap_after(vm_map_t map, vm_map_entry_t entry)
{
	vm_map_entry_t next = entry->vme_next;
	vm_offset_t from = entry == vm_map_to_entry(map) ? map->min_offset : entry->vme_end;

	return (next == vm_map_to_entry(map) ? map->max_offset : next->vme_start) - from;
}

/* TRUE when the tree's order, balance and gaps agree with the list; any lock. (M1) */
bool vm_map_store_check(vm_map_t map);

/*
 * Marks a place where an operation has given up a map's lock in its middle:
 * stands just before the lock is taken again, with no lock held. Everything
 * looked up before is void. scripts/relock-points lists them, each with its
 * own name; tests set the hook to let something else happen just there.
 */
extern void (*vm_relock_hook)(const char *where, vm_map_t map);
#define VM_RELOCK_POINT(map, where) \
	do { \
		if (unlikely(vm_relock_hook != NULL)) \
			vm_relock_hook(where, map); \
	} while (0)

/* --- vm_map_transition.c: entries worked on without the lock; write lock held --- */

/*
 * All entries of [start, end), cut at its borders and at rest, are in transition from now on: the lock may be dropped,
 * and nobody else removes, wires, protects or overwrites them. The range may be cut by others meanwhile, not joined.
 */
void vm_map_transition_begin(vm_map_t map, vm_offset_t start, vm_offset_t end);
/* The same range at rest again, on all pieces; waiters are woken. */
void vm_map_transition_end(vm_map_t map, vm_offset_t start, vm_offset_t end);
/*
 * Wirings of the kernel may have gone, with their entries or without: removals that wait for that look again. They are
 * counted by the map, and not marked at entries, which are cut, joined and removed while somebody waits. Write lock.
 */
static inline void
vm_map_unwired(vm_map_t map)
{
	if (unlikely(map->unwire_waiters != 0))
		vm_map_entry_wakeup(map);
}
kern_return_t vm_map_settle_slow(vm_map_t map, vm_offset_t start, vm_offset_t end, bool interruptible);
/*
 * Sleeps, without the lock, until no entry of [start, end) is in transition. The lock is held again on return, and if
 * there was a wait, everything looked up before is void. KERN_ABORTED: interruptible, and the thread is to end.
 */
static inline kern_return_t
vm_map_settle(vm_map_t map, vm_offset_t start, vm_offset_t end, bool interruptible)
{
	if (likely(map->transitions == 0))
		return KERN_SUCCESS;
	return vm_map_settle_slow(map, start, end, interruptible);
}

/* --- vm_map_find.c: placement; any lock --- */

/*
 * First fit from `from` on: the lowest address a >= max(from, min) with
 * a & mask == 0 and [a, a+size) free and below max. *after: the entry before.
 */
kern_return_t vm_map_find_first_fit(vm_map_t map, vm_offset_t from, vm_size_t size,
    vm_offset_t mask, vm_offset_t *addr, vm_map_entry_t *after);

uint64_t vm_map_random(void);

/* A search for a place: what strategies are given, and find. */
struct vm_map_search {
	/* asked */
	vm_offset_t from;               /* the lowest address */
	vm_size_t   size;
	vm_offset_t end;                /* the range ends there at most */
	unsigned    method;             /* VMFS_*, or */
#define VM_MAP_ALIGNED_STRATEGY 4
	vm_offset_t mask;               /* ALIGNED: bits that are 0 in the address */
	bool        colored;            /* the object's superpages have a place: */
	vm_offset_t phase;              /* an address of the range's start, less than 2 MiB, that would suit them */
	struct vm_map_trace *trace;     /* NULL: not asked for */
	/* worked out */
	struct vm_map_align align;
	const char *strategy;
	uint32_t    try;
	bool        clustered;          /* vm_map_choose: a success moves map->anon_loc */
	/* found */
	vm_offset_t    at;
	vm_map_entry_t after;           /* the entry before it */
};
struct vm_map_find_args;
bool vm_map_strategy_known(uint32_t find_space);
/*
 * The place for a, whose strategy is known and not NO_SPACE, at or above start, by the map's options: s->at and s->after. Write
 * lock; only options' state and the index for alignments change. KERN_NO_SPACE.
 */
kern_return_t vm_map_choose(vm_map_t map, const struct vm_map_find_args *a, vm_offset_t start, struct vm_map_search *s);
/* The same for Mach's calls: a->find_space is ANY, and the address has no bit of mask (those below a page mean nothing). */
kern_return_t vm_map_choose_masked(vm_map_t map, const struct vm_map_find_args *a, vm_offset_t start, vm_offset_t mask,
    struct vm_map_search *s);
/* What s found has been taken, or is about to be. Write lock. */
static inline void
vm_map_note_cluster(vm_map_t map, const struct vm_map_search *s)
{
	if (s->clustered && (map->anon_loc == 0 || s->at < map->anon_loc))
		map->anon_loc = s->at;
}
/* KERN_PROTECTION_FAILURE: the map forbids memory with these rights. Any lock. */
kern_return_t vm_map_check_wxorx(vm_map_t map, vm_prot_t prot);

/* --- vm_map_copy.c --- */

void vm_map_copy_bootstrap(void);

/* --- vm_map_residence.c --- */

/*
 * An entry of map became (or stops being) a window of sub: it holds a residence reference on it while map is resident.
 * Linking and unlinking entries does this; who turns a linked entry into a window, or back, calls it himself. Write lock.
 */
void vm_map_window_linked(vm_map_t map, vm_map_t sub, bool linked);

/* --- vm_map_clip.c --- */

/* The entries that the cuts of a range take, where they are taken beforehand; NULL: no cut at that end. */
struct vm_map_spare {
	vm_map_entry_t low, high;
};
/*
 * Takes what cutting [start, end) out of first and last will need, which hold its ends or lie inside it. FALSE:
 * shortage, nothing taken.
 */
bool vm_map_spare_take(struct vm_map_spare *spare, const struct vm_map_entry *first, const struct vm_map_entry *last,
    vm_offset_t start, vm_offset_t end);
void vm_map_spare_release(struct vm_map_spare *spare);
/*
 * Cuts the entry at start, if that is inside it: entry keeps the part before.
 * Returns the entry that begins at start, or entry when nothing was cut.
 */
vm_map_entry_t vm_map_clip_start(vm_map_t map, vm_map_entry_t entry, vm_offset_t start, const struct vm_map_spare *spare);
/* entry keeps [..., end); the part after becomes a new entry after it. */
void vm_map_clip_end(vm_map_t map, vm_map_entry_t entry, vm_offset_t end, const struct vm_map_spare *spare);
kern_return_t vm_map_check_split_slow(vm_map_t map, vm_offset_t start, vm_offset_t end);
/* Before a cut: KERN_INVALID_ARGUMENT: start or end lies inside an entry that is not to be cut there (`split`). Any lock. */
static inline kern_return_t
vm_map_check_split(vm_map_t map, vm_offset_t start, vm_offset_t end)
{
	return likely(!map->splits) ? KERN_SUCCESS : vm_map_check_split_slow(map, start, end);
}
bool vm_map_cut_slow(vm_map_t map, vm_map_entry_t *first, vm_map_entry_t *last, vm_offset_t start, vm_offset_t end);
/*
 * Cuts [start, end) out of first and last, which hold its ends or lie inside it: afterwards they are its first and last
 * entries. FALSE: shortage, nothing changed.
 */
static inline bool
vm_map_cut(vm_map_t map, vm_map_entry_t *first, vm_map_entry_t *last, vm_offset_t start, vm_offset_t end)
{
	return ((*first)->vme_start >= start && (*last)->vme_end <= end) || vm_map_cut_slow(map, first, last, start, end);
}
/*
 * The same for whatever there is in [start, end), not empty; nested windows at its ends are given up first. *first: the
 * first entry that lies in it, or what comes after it. Write lock. KERN_RESOURCE_SHORTAGE: nobody can tell a difference.
 */
kern_return_t vm_map_cut_range(vm_map_t map, vm_offset_t start, vm_offset_t end, vm_map_entry_t *first);
/* Merges entry with its predecessor when nothing tells them apart; returns the survivor. Write lock. */
vm_map_entry_t vm_map_merge_prev_slow(vm_map_t map, vm_map_entry_t entry);
static inline vm_map_entry_t
vm_map_merge_prev(vm_map_t map, vm_map_entry_t entry)
{
	const struct vm_map_entry *prev = entry->vme_prev;

	/* The header ends where no entry begins, and begins where none ends. */
	if (prev->vme_end != entry->vme_start || prev->attributes != entry->attributes)
		return entry;
	return vm_map_merge_prev_slow(map, entry);
}
/* Merges entry and those after it, up to and with the one that begins at end, each with its predecessor. Write lock. */
void vm_map_merge_from(vm_map_t map, vm_map_entry_t entry, vm_offset_t end);
/* The same from the entry at start on. */
void vm_map_merge_range(vm_map_t map, vm_offset_t start, vm_offset_t end);

/* The entry that holds addr or, if none does, the first one above (maybe the header). */
static inline vm_map_entry_t
vm_map_entry_at_or_after(vm_map_t map, vm_offset_t addr)
{
	vm_map_entry_t e;

	return vm_map_lookup_entry(map, addr, &e) ? e : e->vme_next;
}

/* --- vm_map_protect.c --- */

/* The most that may be asked of an entry: of the gap of a stack, what the stack may have there. */
static inline vm_prot_t
vm_map_entry_max(const struct vm_map_entry *e)
{
	return unlikely(e->stack_gap) ? e->stack_max : e->max_protection;
}

/*
 * Is [start, end), not empty, mapped without a hole, and is prot within each
 * entry's protection (maximum: its max_protection)? Any lock. On KERN_SUCCESS
 * first and last are the entries that hold start and end - 1.
 * KERN_INVALID_ADDRESS: a hole; KERN_PROTECTION_FAILURE: a right is missing.
 */
kern_return_t vm_map_check_range(vm_map_t map, vm_offset_t start, vm_offset_t end, vm_prot_t prot,
    bool maximum, vm_map_entry_t *first, vm_map_entry_t *last);

/* --- vm_map_enter.c --- */

#define VM_FLAGS_ALONE  0x8000u         /* internal, beside VM_FLAGS_*: never part of a neighbour */

/*
 * vm_map_enter's last step: args->size bytes at start, the place chosen: after is the entry before it; NULL: what is there
 * goes (it may, vm_map_find_place says). Write lock. What went hangs on *dead. Nothing changed on failure.
 */
kern_return_t vm_map_enter_placed(vm_map_t map, vm_offset_t start, vm_map_entry_t after, const struct vm_map_enter_args *args,
    vm_map_entry_t *dead);
/* The same at a fixed start, which is checked: codes of vm_map_enter. */
kern_return_t vm_map_enter_fixed(vm_map_t map, vm_offset_t start, const struct vm_map_enter_args *args, vm_map_entry_t *dead);
/* After either: wires what is new where the map wants that, dropping the lock meanwhile; undoes all if that fails. */
kern_return_t vm_map_enter_wired(vm_map_t map, vm_offset_t start, const struct vm_map_enter_args *args, vm_map_entry_t *dead);

/*
 * May [start, end), which overlaps entries, be overwritten? Write lock, range settled. KERN_PROTECTION_FAILURE: a
 * copy-on-write submap window that forbids it; KERN_NO_SPACE: a permanent entry, which loses its rights.
 */
kern_return_t vm_map_check_overwrite(vm_map_t map, vm_offset_t start, vm_offset_t end);
/*
 * No space for size bytes: sleeps until something is removed, if the map wants that and it could help. Write lock held
 * before and after, dropped meanwhile when TRUE. FALSE: give up (nothing to wait for, or interrupted).
 */
bool vm_map_wait_for_space(vm_map_t map, vm_size_t size);
/*
 * The place that vm_map_enter would take for args, *addr as there; *after: the entry before it, NULL: something is to be
 * overwritten (and may be). Write lock held, dropped while it waits for space or for a transition to end.
 */
kern_return_t vm_map_find_place(vm_map_t map, const struct vm_map_enter_args *args, vm_offset_t *addr, vm_map_entry_t *after);
void vm_map_space_wakeup(vm_map_t map);

/* --- vm_map_limit.c; write lock held --- */

/* KERN_SUCCESS after all, since what lies in [start, end) (may be empty) goes; or KERN_NO_SPACE. */
kern_return_t vm_map_over_size(vm_map_t map, vm_size_t size, vm_offset_t start, vm_offset_t end);
/* May the map grow by size bytes, if [start, end) (empty: nothing) is unmapped for it? KERN_NO_SPACE. */
static inline kern_return_t
vm_map_check_size(vm_map_t map, vm_size_t size, vm_offset_t start, vm_offset_t end)
{
	return likely(map->size + size <= map->limit.size) ? KERN_SUCCESS : vm_map_over_size(map, size, start, end);
}

/* --- vm_map_stack.c --- */

/* vm_map_stack under the write lock; it is dropped while memory is wired (map->wiring_required), and held again on return. */
kern_return_t vm_map_stack_locked(vm_map_t map, vm_offset_t addrbos, vm_size_t max_ssize, const struct vm_map_new *what);
/*
 * A fault of the map's own task at va (page aligned) was refused with kr. KERN_SUCCESS: a stack has grown there, or
 * somebody has mapped something: try again. Else what the fault comes to: kr, or KERN_RESOURCE_SHORTAGE. No lock held.
 */
kern_return_t vm_map_fault_growstack(vm_map_t map, vm_offset_t va, vm_prot_t access, kern_return_t kr);
/* Bytes below entry e, of a stack, that it may come to grow into. */
vm_size_t vm_map_stack_room(vm_map_entry_t e);

/* --- vm_map_remove.c --- */

/* Superpages are only taken whole: start and end, not equal, move outwards to the borders of those they lie in. */
void vm_map_widen(vm_map_t map, vm_offset_t *start, vm_offset_t *end);
/* Of an entry of superpages, or with nested page tables: where it may not be cut. */
static inline vm_offset_t
vm_map_superpage_mask(const struct vm_map_entry *e)
{
	return e->superpage && e->gigapages ? GIGAPAGE_MASK : MEGAPAGE_MASK;
}
/* vm_map_delete with VM_MAP_REMOVE_KUNWIRE or VM_MAP_REMOVE_ALL; other flags mean nothing here. */
kern_return_t vm_map_delete_with(vm_map_t map, vm_offset_t start, vm_offset_t end, unsigned flags, vm_map_entry_t *dead);
/* Frees the pages of [start, end) of an internal object but those that are wired; their leaves are gone. Object locked. */
void vm_map_free_pages(vm_object_t object, vm_object_offset_t start, vm_object_offset_t end);
/* Puts entries back where they were; their range is free. Write lock, the same hold as vm_map_delete's but for its own. */
void vm_map_undelete(vm_map_t map, vm_map_entry_t dead);

/*
 * Removes [start, end), settled (vm_map_settle), under the caller's write lock; the removed entries hang on *dead, to
 * be given to vm_map_free_dead after the lock is dropped. Users' wirings go; permanent entries stay and lose their
 * rights. KERN_RESOURCE_SHORTAGE; KERN_FAILURE: an entry is wired by the kernel. Nothing is removed then.
 */
kern_return_t vm_map_delete(vm_map_t map, vm_offset_t start, vm_offset_t end, vm_map_entry_t *dead);
/* Drops what removed entries refer to and frees them. No map lock held. */
void vm_map_free_dead(vm_map_t map, vm_map_entry_t dead);

/* --- vm_map_share.c: several entries on one object, on purpose --- */

/*
 * Makes the entry's object fit to be shared (fork_share's three cases): a NULL
 * object is allocated, a symmetric one that others copy is shadowed first.
 * Then is_shared, strategy DELAY. Write lock. FALSE: shortage, nothing changed.
 */
bool vm_map_entry_make_shared(vm_map_t map, vm_map_entry_t entry);
/* A NULL object becomes a real one. Write lock. FALSE: shortage. */
bool vm_map_entry_allocate_object(vm_map_entry_t entry);
/*
 * What entry maps (not NULL, no submap), as a copy: fills object, offset and needs_copy of `copy`, a structure copy of
 * entry. Write lock, kept: never waits. KERN_RESOURCE_SHORTAGE; KERN_NOT_SUPPORTED: device memory;
 * KERN_MEMORY_RESTART_COPY: a pager has to be asked: with the map unlocked, vm_object_copy_strategically. Nothing
 * changed on failure.
 */
kern_return_t vm_map_entry_copy(vm_map_t map, vm_map_entry_t entry, vm_map_entry_t copy);

/* --- vm_map_lookup.c --- */

/*
 * What must change before entry e, no submap, can serve this access: a NULL object is allocated; for VM_PROT_WRITE, a
 * needs_copy entry gets an object of its own. Write lock. KERN_RESOURCE_SHORTAGE: e serves what it did before.
 */
kern_return_t vm_map_entry_settle(vm_map_t map, vm_map_entry_t e, vm_prot_t access);

/* --- vm_map_wire.c --- */

/* The pages below entry e, of any kind, lose the wiring that its counts stood for. Leaves are not touched; no object lock. */
void vm_map_unwire_pages(const struct vm_map_entry *e);
/* vm_map_wire for the user, write lock held: dropped while pages come, held again on return. The range is settled. */
kern_return_t vm_map_wire_locked(vm_map_t map, vm_offset_t start, vm_offset_t end, vm_prot_t access);
extern uint64_t vm_map_user_wired_all;  /* of all maps; atomic */
/* The entry's pages enter (+1) or leave (-1) the count of what users have wired. Write lock. */
static inline void
vm_map_count_user_wired(vm_map_t map, const struct vm_map_entry *e, int sign)
{
	uint64_t pages;

	if (likely(e->user_wired_count == 0))
		return;
	pages = (e->vme_end - e->vme_start) >> PAGE_SHIFT;
	map->user_wired_pages += sign > 0 ? pages : -pages;
	__atomic_fetch_add(&vm_map_user_wired_all, sign > 0 ? pages : -pages, __ATOMIC_RELAXED);
}

/* --- vm_fault_wire.c --- */

/* The most that leaves in map's own tables may grant, at the entries' addresses: nested, they serve windows of one protection. */
static inline vm_prot_t
vm_map_tables_prot(const struct vm_map *map)
{
	return map->own_tables ? map->nest_prot : VM_PROT_ALL;
}

/* Where the leaves of a wired range go: addresses of `map` are those of `top`, less shift. */
struct vm_wire_view {
	vm_map_t map;           /* holds the entries */
	vm_map_t top;           /* holds the pmap; map itself, or one that it is a submap of */
	uint64_t shift;
	vm_prot_t prot;         /* the most that the windows on the way allow */
};
/*
 * Makes the pages of [start, end), which lies in one object entry of v->map that is in transition, resident in the
 * entry's own object, with one wiring more each, and maps them wired for `access` in v->top's pmap, if it has one. No
 * lock held. *done: the address up to which that was done. KERN_RESOURCE_SHORTAGE, KERN_MEMORY_ERROR, KERN_ABORTED.
 */
kern_return_t vm_fault_wire(const struct vm_wire_view *v, vm_offset_t start, vm_offset_t end, vm_prot_t access, vm_offset_t *done);
/* Clears the pages of object entry e, all wired. */
void vm_fault_zero_wired(const struct vm_map_entry *e);
/* The pages of object entry e (a part of one, if the fields say so), all wired, lose one wiring. Leaves are not touched. */
void vm_fault_unwire_pages(const struct vm_map_entry *e);
/*
 * Wired leaves for the pages of [start, end), part of object entry e of v->map, all wired, as its protection allows.
 * Map locked. FALSE: shortage, some are missing.
 */
bool vm_fault_wire_leaves(const struct vm_wire_view *v, const struct vm_map_entry *e, vm_offset_t start, vm_offset_t end);

/* --- vm_fault_giga.c; the object of l (and level) locked --- */

/* A fault has found no page at va of an entry that asked for gigapages: shall the GiB around it be made first? */
bool vm_fault_giga_is_due(const struct vm_map_lookup *l, vm_offset_t va);
/*
 * Makes the GiB of object around offset resident, in one run, or waits until whoever is at it already has done so. No lock
 * held; the caller has a reference. pmap: counts a refusal. *filled: look again; else there is no such run, do without.
 * KERN_SUCCESS, KERN_ABORTED.
 */
kern_return_t vm_fault_giga_fill(vm_object_t object, vm_object_offset_t offset, pmap_t pmap, bool *filled);
/* One leaf for the run that m of level, whose chunk is marked, is part of. FALSE: megapages must do. */
bool vm_fault_giga_enter(const struct vm_map_lookup *l, struct vm_page *m, vm_object_t level, vm_offset_t va, vm_prot_t prot,
    unsigned flags);
/* [start, end) has been wired, as vm_fault_wire has it: whole runs in it become one leaf each. No lock held. */
void vm_fault_giga_wired(const struct vm_wire_view *v, vm_offset_t start, vm_offset_t end);

/* --- vm_map_submap.c, vm_map_nest.c --- */

void vm_map_submap_bootstrap(void);
/* Out of line part of the next two. write_only: no other right than WRITE goes. */
void vm_map_protect_leaves_slow(vm_map_t map, vm_map_entry_t e, vm_prot_t keep, bool write_only);
/*
 * Leaves made through entry e of map keep at most `keep`, NONE removes them: in map's pmap, and if map is a submap in
 * every pmap, since who maps it is not known (leaves that others made of the same pages may go, too, and come back by
 * fault). THE way to take rights from what an entry has mapped. e may be a submap window. Write lock held.
 */
static inline void
vm_map_protect_leaves(vm_map_t map, vm_map_entry_t e, vm_prot_t keep)
{
	if (unlikely(map->submap_level != 0))
		vm_map_protect_leaves_slow(map, e, keep, false);
	else if (map->pmap != NULL)
		pmap_protect(map->pmap, e->vme_start, e->vme_end, keep);
}
/* The same, before a copy is made of what e maps: they lose WRITE. */
static inline void
vm_map_write_protect_leaves(vm_map_t map, vm_map_entry_t e)
{
	if (unlikely(map->submap_level != 0))
		vm_map_protect_leaves_slow(map, e, e->protection & ~VM_PROT_WRITE, true);
	else if (map->pmap != NULL)
		pmap_write_protect(map->pmap, e->vme_start, e->vme_end, e->protection);
}
/* Removes the leaves that submap window e has in map (and above it), nested or not. Write lock held. */
void vm_map_submap_remove_leaves(vm_map_t map, vm_map_entry_t e);
/*
 * Copy-on-write of the part of submap window e that holds va: e is cut, and the piece becomes an ordinary needs_copy
 * entry (or a needs_copy window of the next submap down: look again). e is neither wired nor in transition. access: what
 * the submap's entry must allow; with VM_PROT_COPY, its maximum. map write-locked, held on return. KERN_PROTECTION_FAILURE,
 * KERN_RESOURCE_SHORTAGE, KERN_INVALID_ADDRESS, KERN_MEMORY_ERROR; KERN_ABORTED: the lock was dropped, look again.
 */
kern_return_t vm_map_unnest_copy(vm_map_t map, vm_map_entry_t e, vm_offset_t va, vm_prot_t access);
/*
 * May [start, end) be overwritten? KERN_PROTECTION_FAILURE: not what lies behind a needs_copy window and can never be
 * written. Any lock on map.
 */
kern_return_t vm_map_submap_check_overwrite(vm_map_t map, vm_offset_t start, vm_offset_t end);

/*
 * Before entries are cut at start and end: a window with nested tables that would be cut inside a 2 MiB piece loses
 * them for that piece. Write lock held; what was looked up before may have been cut. KERN_RESOURCE_SHORTAGE: nobody can
 * tell a difference. map->special is set where there are such windows.
 */
kern_return_t vm_map_unnest_borders(vm_map_t map, vm_offset_t start, vm_offset_t end);
/* A window with nested tables gets its own from now on. Write lock held. Cannot fail. */
void vm_map_unnest_entry(vm_map_t map, vm_map_entry_t e);
/* Both: all windows in [start, end). Write lock held. KERN_RESOURCE_SHORTAGE as above. */
kern_return_t vm_map_unnest_range(vm_map_t map, vm_offset_t start, vm_offset_t end);
/*
 * Window e of map, not nested and without leaves, shares page tables with its submap from now on. Write lock held.
 * KERN_INVALID_ARGUMENT: not possible for these two; KERN_RESOURCE_SHORTAGE; the window stays as it is.
 */
kern_return_t vm_map_nest_entry(vm_map_t map, vm_map_entry_t e);

/* --- vm_fault.c --- */

/*
 * For copies by the kernel: resolves access to the page at va and calls fn on
 * it while it cannot change hands (object locked), then on the next page, and
 * so on until fn returns FALSE. fn must not sleep. A code other than
 * KERN_SUCCESS (those of vm_fault): fn was called for all pages before the one that failed. Device
 * memory has no pages: KERN_MEMORY_ERROR.
 */
kern_return_t vm_fault_with(vm_map_t map, vm_offset_t va, vm_prot_t access,
    bool (*fn)(struct vm_page *m, void *arg), void *arg);
/* vm_fault for a map that may have no page tables (a submap): there the page is made resident, and that is all. */
kern_return_t vm_fault_resident(vm_map_t map, vm_offset_t va, vm_prot_t access);

#endif
