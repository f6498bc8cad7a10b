/*
 * mm/vm_map.h: address maps (Mach's osfmk/vm/vm_map.h).
 *
 * A map is an ordered list of entries, a balanced tree over the same entries
 * that knows the largest gap of every subtree, and a pmap. The list order is
 * the truth for checkers; only vm_map_store.c touches links and tree.
 *
 * Locks: `lock` (sleepable reader/writer, rank MAP) protects list, tree,
 * entries, size, flags and timestamp; `hint` is written without it (a word,
 * atomically) and verified on use. s_lock protects ref_count and residence.
 */
#ifndef MM_VM_MAP_H
#define MM_VM_MAP_H

#include <base/list.h>
#include <base/lock.h>
#include <base/tree.h>
#include <mm/vm_types.h>
#include <mm/vm_object.h>
#include <mm/pmap.h>

struct vm_map_links {
	struct vm_map_entry *prev, *next;
	vm_offset_t          start, end;        /* entry: its range; header: the map's min and max */
};

/* What an entry maps; is_sub_map says which. */
typedef union vm_map_object {
	vm_object_t vm_object;          /* NULL: never touched zero-fill */
	vm_map_t    sub_map;
} vm_map_object_t;

struct vm_map_entry {
	struct vm_map_links links;              /* must stay first: the header is an entry to the list */
	struct tree_node    node;
	vm_size_t           max_gap;            /* largest gap that follows an entry of this subtree */
	vm_map_object_t     object;
	vm_object_offset_t  offset;             /* of links.start in the object or submap */
	uint64_t            stack;              /* of which vm_map_stack.c speaks (grows_down, grows_up, stack_gap); else undefined */
	union {
		struct {
			uint32_t    is_shared : 1,
			            is_sub_map : 1,
			            guard : 1,              /* keeps the range free of anything: no object, no rights, not in map->size */
			            in_transition : 1,
			            needs_wakeup : 1,
			            behavior : 2,
			            needs_copy : 1,
			            protection : 3,
			            max_protection : 3,
			            inheritance : 2,
			            use_pmap : 1,
			            permanent : 1,
			            superpage : 1,          /* whole megapages or gigapages, wired from the start */
			            zero_wired : 1,         /* pages wired when it is removed are cleared then */
			            alias : 8,
			            grows_down : 1,         /* the mapped part of a stack, towards its gap or what is free below, */
			            grows_up : 1,           /* or above; or the gap of such a stack */
			            stack_gap : 1,          /* a guard that the stack beside it grows into, */
			            nofault : 1;            /* pages come by other means than faults */
			uint32_t    stack_prot : 3,         /* with these rights (stack_gap only) */
			            stack_max : 3,
			            no_sync : 1,            /* pages are not written back by themselves */
			            stack_guard : 1,        /* but for one page, which stays free (stack_gap only) */
			            no_core : 1,            /* not wanted in a dump */
			            megapages : 1,          /* the first touch of 2 MiB fills them */
			            split : 2,              /* never cut finer than pages (0), megapages (1), gigapages (2) */
			            gigapages : 1;          /* the first touch of 1 GiB fills it; of a superpage entry: that is their size */
		};
		uint64_t            attributes; /* all of the above, to compare at once */
	};
	uint16_t            wired_count;
	uint16_t            user_wired_count;
	uint32_t            max_aligned;        /* as max_gap, for the map's align: pages (vm_map_store.c); else undefined */
};
_Static_assert(sizeof(struct vm_map_entry) <= 112, "an entry costs at most 112 bytes");

#define vme_prev    links.prev
#define vme_next    links.next
#define vme_start   links.start
#define vme_end     links.end

struct vm_map_header {
	struct vm_map_links links;
	uint64_t            nentries;
	bool                entries_pageable;   /* FALSE: entries must not come from a pool that faults */
};

#define VM_LIMIT_NONE   (~(vm_size_t)0)

/* What a map may come to, in bytes each; VM_LIMIT_NONE: as it likes. Inherited by fork (vm_map_limit.c). */
struct vm_map_limits {
	vm_size_t size;                 /* mapped, guards not counted */
	vm_size_t wired;                /* by users */
	vm_size_t stack;                /* mapped part of the main stack */
};

struct vm_map {
	struct rwlock        lock;
	struct vm_map_header hdr;
	struct tree          tree;
	pmap_t               pmap;
	vm_size_t            size;              /* bytes mapped, guards not counted */
	vm_map_entry_t       hint;
	struct vm_map_limits limit;
	vm_offset_t          main_stack, main_stack_end; /* range of the stack that limit.stack is for; empty: none */
	uint8_t              stack_rules;       /* enum vm_stack_rules */
	bool                 stack_open;        /* stacks get no guard page */
	uint64_t             timestamp;         /* +1 at each write lock */
	struct spinlock      s_lock;
	uint32_t             ref_count;
	uint32_t             res_count;
	bool                 sw_in;
	bool                 wait_for_space, wiring_required, no_zero_fill;
	bool                 special;           /* some entry is, or was, wired, permanent, a superpage, in transition or nested; or an option wants looks */
	bool                 splits;            /* some entry is, or was, cut at superpages only */
	uint32_t             transitions;       /* operations that have entries in transition now */
	uint32_t             unwire_waiters;    /* removals that wait for wirings of the kernel to go */
	uint64_t             user_wired_pages;  /* pages of the entries with user_wired_count != 0 */
	uint32_t             options;           /* VM_MAP_*: vm_map_find.h */
	vm_offset_t          anon_loc;          /* VM_MAP_CLUSTER: where zero-fill memory is looked for a place; 0: nowhere yet */
	uint64_t             random;            /* VM_MAP_ASLR: state of the generator */
	/* Addresses that an index of the gaps is kept for (vm_map_store.c): a - phase has no bit of mask; 0: none is. */
	struct vm_map_align {
		vm_offset_t  mask, phase;
	}                    align;
	uint64_t             align_missed;      /* gaps that searches without the index have looked at in vain, since it was made */
	uint64_t             align_unused;      /* changes that it went along with since a search used it */
	/* Submaps: vm_map_submap.c. The first three are only ever set, not cleared. */
	uint8_t              submap_level;      /* maps that may lie above this one, in a row; 0: it never was a submap */
	bool                 has_submaps;       /* an entry is, or was, a submap window */
	bool                 nests;             /* a window has, or had, nested page tables */
	bool                 own_tables;        /* pmap was made to be nested: no hart runs it */
	uint8_t              nest_prot;         /* protection of all windows that nest pmap */
	uint8_t              walk_height;       /* result of the walk walk_round */
	uint64_t             walk_round;
	uint64_t             check_round;       /* this and the next two: vm_check.c's */
	uint32_t             recount;
	struct vm_map       *check_next;
	uint64_t             id;                /* small number for people */
};
#define min_offset  hdr.links.start
#define max_offset  hdr.links.end

/* Is the map resident? (vm_map_residence.c) */
enum vm_map_sw_state { MAP_SW_IN = 1, MAP_SW_OUT = 2 };
static inline enum vm_map_sw_state vm_map_sw_state(vm_map_t m) { return m->sw_in ? MAP_SW_IN : MAP_SW_OUT; }

typedef struct vm_map_version { uint64_t main_timestamp; } vm_map_version_t;

void vm_map_init(void);

/*
 * An empty map [min, max) over pmap (may be PMAP_NULL; the map takes over the
 * caller's reference on it), one reference. NULL: shortage, pmap untouched.
 */
vm_map_t vm_map_create(pmap_t pmap, vm_offset_t min, vm_offset_t max, bool pageable);
void vm_map_reference(vm_map_t map);    /* NULL allowed */
static inline void kernel_vm_map_reference(vm_map_t map) { vm_map_reference(map); }
/* At a context switch: a map that is known to be referenced. */
static inline void vm_map_ref_fast(vm_map_t map) { __atomic_add_fetch(&map->ref_count, 1, __ATOMIC_RELAXED); }
/* Drops a reference; the last one removes everything and frees the map and its pmap. NULL allowed. */
void vm_map_deallocate(vm_map_t map);

static inline void vm_map_dealloc_fast(vm_map_t map) { vm_map_deallocate(map); }
void vm_map_destroy(vm_map_t map);      /* no reference is left */

/*
 * Residence (vm_map_residence.c): a map whose last residence reference is
 * given up is swapped out: its leaves go, they come back by fault. Each drops or
 * takes s_lock itself. A map that is out is swapped in by the next reference_swap.
 */
void vm_map_reference_swap(vm_map_t map);       /* +1 reference, +1 residence */
void vm_map_res_reference(vm_map_t map);        /* s_lock held, dropped around the swapping in */
void vm_map_res_deallocate(vm_map_t map);       /* s_lock held, dropped around the swapping out */
void vm_map_swapin(vm_map_t map);               /* no lock held */
void vm_map_swapout(vm_map_t map);

static inline vm_offset_t vm_map_min(vm_map_t m) { return m->min_offset; }
static inline vm_offset_t vm_map_max(vm_map_t m) { return m->max_offset; }
static inline pmap_t vm_map_pmap(vm_map_t m) { return m->pmap; }
static inline vm_map_entry_t vm_map_to_entry(vm_map_t m) { return (vm_map_entry_t)(void *)&m->hdr.links; }
static inline vm_map_entry_t vm_map_first_entry(vm_map_t m) { return m->hdr.links.next; }
static inline vm_map_entry_t vm_map_last_entry(vm_map_t m) { return m->hdr.links.prev; }

/* The entry before the first hole (the header: the hole is at min); any lock. */
vm_map_entry_t vm_map_first_free(vm_map_t map);

static inline void vm_map_lock_init(vm_map_t m) { rw_init(&m->lock, LOCK_MAP); m->timestamp = 0; }
static inline void vm_map_lock(vm_map_t m) { rw_write_lock(&m->lock); m->timestamp++; }
static inline void vm_map_unlock(vm_map_t m) { rw_write_unlock(&m->lock); }
static inline void vm_map_lock_read(vm_map_t m) { rw_read_lock(&m->lock); }
static inline void vm_map_unlock_read(vm_map_t m) { rw_read_unlock(&m->lock); }
/* TRUE: failed, and the read lock is gone: start over. */
bool vm_map_lock_read_to_write(vm_map_t m);
static inline void vm_map_lock_write_to_read(vm_map_t m) { rw_downgrade(&m->lock); }
/* TRUE: unchanged since v, read lock held (vm_map_verify_done releases). FALSE: no lock held. */
bool vm_map_verify(vm_map_t m, const vm_map_version_t *v);
static inline void vm_map_verify_done(vm_map_t m) { vm_map_unlock_read(m); }

/*
 * Waits until entries of the map change out of transition. Write lock held,
 * given up atomically and NOT held on return; the caller has set needs_wakeup and looks everything up
 * again. FALSE: interruptible, and the thread is to end.
 */
bool vm_map_entry_wait(vm_map_t map, bool interruptible);
void vm_map_entry_wakeup(vm_map_t map);

/* Map locked (any way). TRUE: *entry holds addr. FALSE: *entry precedes addr (maybe the header). */
bool vm_map_lookup_entry(vm_map_t map, vm_offset_t addr, vm_map_entry_t *entry);

/* What vm_map_enter is asked for. Addresses and sizes in bytes, page multiples. */
struct vm_map_enter_args {
	vm_size_t          size;
	vm_offset_t        mask;        /* bits that must be 0 in the address */
	uint32_t           flags;       /* VM_FLAGS_* */
	vm_object_t        object;      /* reference consumed on KERN_SUCCESS only */
	vm_map_t           submap;      /* instead of an object: likewise (only vm_map_submap.c fills it; it lies
	                                 * no deeper than map: KERN_MEMORY_RESTART_COPY, nothing changed) */
	vm_object_offset_t offset;
	bool               needs_copy;
	bool               is_shared;   /* the object is mapped elsewhere on purpose */
	vm_prot_t          cur, max;
	vm_inherit_t       inheritance;
	uint64_t           attributes;  /* of the entry, beside those that follow from the above (vm_map_insert.c) */
};
/*
 * Places and enters a range. *addr: lower bound (ANYWHERE) or place (FIXED);
 * written on success only. Map unlocked. Codes: mach spec of vm_map_enter:
 * KERN_NO_SPACE, KERN_INVALID_ADDRESS, KERN_INVALID_ARGUMENT,
 * KERN_RESOURCE_SHORTAGE; nothing changed on failure.
 */
kern_return_t vm_map_enter(vm_map_t map, vm_offset_t *addr, const struct vm_map_enter_args *args);

/*
 * A place for the kernel's use: an entry without object, rw-/rwx, linked; the map is write-locked on
 * KERN_SUCCESS and unlocked else (KERN_NO_SPACE, KERN_RESOURCE_SHORTAGE). Map unlocked before.
 */
kern_return_t vm_map_find_space(vm_map_t map, vm_offset_t *addr, vm_size_t size, vm_offset_t mask, vm_map_entry_t *entry);
/*
 * Links a new entry with the fields of `e` (range, object, offset, rights, counts...) after `after`. Write lock
 * held, range free; the object's reference is consumed. NULL: shortage, nothing changed.
 */
vm_map_entry_t vm_map_entry_insert(vm_map_t map, vm_map_entry_t after, const struct vm_map_entry *e);

/* Entropy for VM_FLAGS_RANDOM_ADDR, mixed into what is there. */
void vm_map_random_seed(uint64_t seed);

/* Range operations; [start, end) page aligned, start <= end; map unlocked. */
kern_return_t vm_map_remove(vm_map_t map, vm_offset_t start, vm_offset_t end, unsigned flags);
kern_return_t vm_map_protect(vm_map_t map, vm_offset_t start, vm_offset_t end, vm_prot_t prot, bool set_max);
kern_return_t vm_map_inherit(vm_map_t map, vm_offset_t start, vm_offset_t end, vm_inherit_t inheritance);
void vm_map_simplify(vm_map_t map, vm_offset_t addr);
/*
 * Cuts the entry that holds addr (page aligned) there, as any range operation would; at its start: nothing to do.
 * KERN_INVALID_ADDRESS: not mapped; KERN_INVALID_ARGUMENT: an entry that is cut at superpages only; KERN_RESOURCE_SHORTAGE.
 */
kern_return_t vm_map_clip(vm_map_t map, vm_offset_t addr);
/* FALSE on a hole or when any entry lacks a right of prot. */
bool vm_map_check_protection(vm_map_t map, vm_offset_t start, vm_offset_t end, vm_prot_t prot);

/*
 * Wires [start, end): every page resident and mapped for `access`, and kept. user_wire: counted once for all user
 * wirings of an entry. KERN_INVALID_ADDRESS: hole; KERN_PROTECTION_FAILURE; KERN_FAILURE: counts full, or interrupted;
 * KERN_RESOURCE_SHORTAGE (memory, or over the limit), KERN_MEMORY_ERROR. On failure what this call wired is undone.
 */
kern_return_t vm_map_wire(vm_map_t map, vm_offset_t start, vm_offset_t end, vm_prot_t access, bool user_wire);
/* KERN_INVALID_ADDRESS: start is not mapped. User: unwired parts and holes are skipped. */
kern_return_t vm_map_unwire(vm_map_t map, vm_offset_t start, vm_offset_t end, bool user_wire);
/* Pages that users may have wired, per map and in all; 0: no limit. */
extern uint64_t vm_map_wire_limit, vm_map_wire_limit_all;
/*
 * Advice (0..3 kept in the entries) or an action (4..12). KERN_INVALID_ADDRESS: hole; KERN_NO_SPACE: outside the map;
 * KERN_INVALID_ARGUMENT: unknown, or an action that the memory does not allow.
 */
kern_return_t vm_map_behavior_set(vm_map_t map, vm_offset_t start, vm_offset_t end, vm_behavior_t behavior);
/* Caches and attributes of a range: spec of vm_machine_attribute. addr, size in bytes, already checked not to wrap. */
kern_return_t vm_map_machine_attribute(vm_map_t map, vm_offset_t addr, vm_size_t size, uint32_t attribute, int *value);
/*
 * Writes back, drops or ages what lies in the range (VM_SYNC_*; vm_map_msync.c says what each does). No lock held; may wait for
 * pagers. KERN_INVALID_ADDRESS: CONTIGUOUS, and there is a hole; KERN_MEMORY_ERROR: a pager fails; KERN_ABORTED.
 */
kern_return_t vm_map_msync(vm_map_t map, vm_offset_t start, vm_offset_t end, unsigned flags);

/* --- submaps (vm_map_submap.c) --- */

#define VM_SUBMAP_DEPTH_MAX 8           /* maps below one another, the top one not counted */
/*
 * [start, end), which is exactly one entry with vm_submap_object, at rest, becomes a window at `offset` of submap; one
 * reference on it is taken. use_pmap: its page tables are shared, or the call fails. KERN_INVALID_ARGUMENT: no such
 * entry, a cycle, too deep, outside the submap, the kernel's map, or tables that cannot be shared (alignment to 2 MiB,
 * a submap that is a task's map, other windows with another protection); KERN_RESOURCE_SHORTAGE. Nothing changed on failure.
 */
kern_return_t vm_map_submap(vm_map_t map, vm_offset_t start, vm_offset_t end, vm_map_t submap, vm_offset_t offset, bool use_pmap);
extern vm_object_t vm_submap_object;    /* placeholder: never has pages, faults on it are KERN_MEMORY_ERROR */
/*
 * A new window at args->offset of submap in one step; args as for vm_map_enter, without object; needs_copy: writes get
 * private copies. use_pmap: page tables are shared where that is possible. Codes of vm_map_enter, and
 * KERN_INVALID_ARGUMENT as above.
 */
kern_return_t vm_map_enter_submap(vm_map_t map, vm_offset_t *addr, const struct vm_map_enter_args *args,
    vm_map_t submap, bool use_pmap);

/* --- remap (vm_map_remap.c) --- */

/*
 * Entries for [addr, addr + size) of src, detached and rebased to 0, in header. copy: copy-on-write, else shared.
 * *cur, *max: the AND over all pieces. KERN_INVALID_ADDRESS: hole; KERN_RESOURCE_SHORTAGE.
 */
kern_return_t vm_remap_extract(vm_map_t src, vm_offset_t addr, vm_size_t size, bool copy, struct vm_map_header *header,
    vm_prot_t *cur, vm_prot_t *max, vm_inherit_t inheritance, bool pageable);
/* Drops what detached entries refer to and frees them; h is left empty. No lock held. */
void vm_map_header_free(struct vm_map_header *h);
/* Place for a remap: as vm_map_enter, write lock held throughout (dropped only to wait for space), nothing entered. */
kern_return_t vm_remap_range_allocate(vm_map_t map, vm_offset_t *addr, vm_size_t size, vm_offset_t mask, uint32_t flags,
    vm_map_entry_t *after);
struct vm_map_remap_args {
	vm_size_t    size;              /* pages */
	vm_offset_t  mask;
	uint32_t     flags;             /* VM_FLAGS_* */
	vm_map_t     src;
	vm_offset_t  src_addr;          /* page aligned */
	bool         copy;
	bool         bounded;           /* cur, max are inputs: the most that is asked (vm_remap_new) */
	bool         new_alias;         /* flags have the tag; else that of the source stays */
	vm_inherit_t inheritance;
};
/*
 * Maps [src_addr, +size) of src once more, in target at *addr (as for vm_map_enter): the same memory, or with copy a
 * copy-on-write copy; through a needs_copy submap window a copy in any case. *cur, *max: out, what all pieces allow
 * (each keeps its own rights); with bounded in, what every piece must allow and gets. src may be target, and overlap.
 * Source first: KERN_INVALID_ARGUMENT: size, alignment, wrap, inheritance, bounds; KERN_INVALID_ADDRESS: a hole;
 * KERN_PROTECTION_FAILURE: less than the bounds; KERN_MEMORY_ERROR, KERN_NOT_SUPPORTED: of a copy. Then
 * KERN_PROTECTION_FAILURE: a piece is writable and executable, and target is VM_MAP_WXORX; and the codes of vm_map_enter. On failure nobody can see a difference. Maps unlocked. (Mach: vm_map_remap.)
 */
kern_return_t vm_map_remap(vm_map_t target, vm_offset_t *addr, const struct vm_map_remap_args *a, vm_prot_t *cur, vm_prot_t *max);

/* A new map that inherits from old, entry by entry; NULL: shortage, old as before. */
vm_map_t vm_map_fork(vm_map_t old);

/* Result of a lookup for a fault (vm_map_lookup_locked). */
struct vm_map_lookup {
	vm_map_t           map;         /* map that holds the entry: read-locked on success */
	vm_map_entry_t     entry;       /* with its behavior */
	vm_object_t        object;      /* not NULL; NOT locked */
	vm_object_offset_t offset;      /* of the page, page aligned */
	vm_prot_t          prot;        /* rights that may be granted now */
	bool               wired;
	bool               may_grow;    /* on failure only: a stack may grow there (vm_map_fault_growstack) */
	vm_offset_t        lo, hi;      /* entry's window, in the top map's addresses */
	vm_map_version_t   version;
	pmap_t             pmap;        /* where the leaf goes: the top map's, or a nested submap's own */
	uint64_t           pmap_shift;  /* added to the address there (0 but for a nested submap) */
	/* The maps passed on the way to l->map, read-locked too; set only if l->map is not the map asked. */
	unsigned           depth;
	vm_map_t           above[VM_SUBMAP_DEPTH_MAX];
};
/*
 * Called with map read-locked. On KERN_SUCCESS l->map (map, or the submap that
 * holds the entry) and the maps above it are read-locked, until
 * vm_map_lookup_done; on any failure nothing is. Resolves needs_copy for writes
 * (of submap windows, too), and a NULL object; the lock may be dropped and taken
 * again for that. KERN_INVALID_ADDRESS, KERN_PROTECTION_FAILURE,
 * KERN_RESOURCE_SHORTAGE, KERN_MEMORY_ERROR.
 */
kern_return_t vm_map_lookup_locked(vm_map_t map, vm_offset_t va, vm_prot_t access, struct vm_map_lookup *l);
void vm_map_lookup_unlock_above(struct vm_map_lookup *l);
/* Releases the locks of a successful lookup in `map`. */
static inline void
vm_map_lookup_done(vm_map_t map, struct vm_map_lookup *l)
{
	vm_map_unlock_read(l->map);
	if (unlikely(l->map != map))
		vm_map_lookup_unlock_above(l);
}

/*
 * Resolves a page fault: see vm_fault.c. access: VM_PROT_READ, WRITE or EXECUTE. No lock held; may wait for a pager.
 * KERN_INVALID_ADDRESS, KERN_PROTECTION_FAILURE, KERN_RESOURCE_SHORTAGE; KERN_MEMORY_ERROR: the pager has failed, or
 * has no such page; KERN_ABORTED: the thread is to end.
 */
kern_return_t vm_fault(vm_map_t map, vm_offset_t va, vm_prot_t access);

/*
 * Between kernel memory and a task's memory, through the map and not through
 * the hart's current translation: works for any map, faults pages in.
 * KERN_INVALID_ADDRESS, KERN_PROTECTION_FAILURE, KERN_RESOURCE_SHORTAGE; on
 * failure a prefix may have been copied.
 */
kern_return_t vm_map_read_user(vm_map_t map, vm_offset_t src, void *dst, size_t size);
kern_return_t vm_map_write_user(vm_map_t map, const void *src, vm_offset_t dst, size_t size);

#endif
