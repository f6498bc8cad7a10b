/*
 * mm/vm_map_find.h: placement of new ranges, as FreeBSD has it.
 *
 * Semantics: FreeBSD's vm_map_find(9), vm_map_findspace(9), vm_map_insert(9);
 * values are those of its sys/vm/vm_map.h, so that programs agree.
 *
 * The object's reference: the caller has one on a non-NULL object before the
 * call. On KERN_SUCCESS the new entry (or the one it became part of) owns it;
 * on every failure the caller still does.
 *
 * Where the map wants new memory wired (task_wire), it is, but for what has no rights, no faults, or is a guard's.
 *
 * Result codes, of all calls that make an entry:
 *
 *   KERN_SUCCESS             mapped; *addr is where
 *   KERN_NO_SPACE            no gap of that length from *addr on under the strategy, below the map's end and max_addr;
 *                            a fixed place: the range overlaps an entry (guards count); or the map's size limit
 *   KERN_INVALID_ADDRESS     a fixed place: not inside the map, or empty, or it wraps
 *   KERN_INVALID_ARGUMENT    lengths, addresses, offsets not in pages; an unknown strategy or flag; protection beyond its
 *                            maximum; a guard with an object or rights; NOFAULT with an object; a split boundary that the
 *                            range does not lie on
 *   KERN_PROTECTION_FAILURE  the map forbids memory that is writable and executable (VM_MAP_WXORX)
 *   KERN_RESOURCE_SHORTAGE   no memory for an entry, or to wire it; the limit of wired memory; or the entries in the way
 *                            cannot be cut
 *   KERN_FAILURE             REMAP and vm_map_fixed: the kernel has wired what is in the way
 */
#ifndef MM_VM_MAP_FIND_H
#define MM_VM_MAP_FIND_H

#include <mm/vm_map.h>

/* --- strategies: find_space --- */

#define VMFS_NO_SPACE           0       /* at *addr, and nowhere else */
#define VMFS_ANY_SPACE          1       /* first fit: the lowest address from *addr on */
#define VMFS_OPTIMAL_SPACE      2       /* as SUPER for a coloured object, and if that fails, or else, as ANY */
#define VMFS_SUPER_SPACE        3       /* the lowest where the object's superpages are superpages of the address space */
/*
 * The lowest multiple of 2^n; n from 12 to 63. From 30 on: where the entry covers a GiB of its object that nobody has
 * touched yet, the first touch fills it and maps it by one leaf, if there is such memory in one run; else megapages.
 */
#define VMFS_ALIGNED_SPACE(n)   ((n) << 8)

/* --- what is new: cow --- */

#define MAP_INHERIT_SHARE       0x00000001u     /* inheritance SHARE instead of COPY */
#define MAP_COPY_ON_WRITE       0x00000002u     /* stores make private copies */
#define MAP_NOFAULT             0x00000004u     /* no object; an access is refused: KERN_FAILURE */
#define MAP_PREFAULT            0x00000008u     /* what is resident of the object is mapped at once, for reading */
#define MAP_PREFAULT_PARTIAL    0x00000010u     /* likewise, at most VM_MAP_PREFAULT_MAX mappings */
#define MAP_DISABLE_SYNCER      0x00000020u     /* entry is no_sync */
#define MAP_CHECK_EXCL          0x00000040u     /* vm_map_fixed: replaces nothing */
#define MAP_CREATE_GUARD        0x00000080u     /* a guard: no object, maximum NONE, holds the place */
#define MAP_DISABLE_COREDUMP    0x00000100u     /* entry is no_core */
#define MAP_PREFAULT_MADVISE    0x00000200u     /* as MAP_PREFAULT, on advice: nothing when memory is short */
#define MAP_WRITECOUNT          0x00000400u     /* files': accepted, means nothing */
#define MAP_REMAP               0x00000800u     /* NO_SPACE: what is there goes, in the same step */
#define MAP_STACK_GROWS_DOWN    0x00001000u     /* vm_map_stack's */
#define MAP_STACK_GROWS_UP      0x00002000u
#define MAP_ACC_CHARGED         0x00004000u     /* swap accounting: accepted, means nothing */
#define MAP_ACC_NO_CHARGE       0x00008000u
#define MAP_CREATE_STACK_GAP_UP 0x00010000u     /* with MAP_CREATE_GUARD: the part of a stack that is not mapped yet */
#define MAP_CREATE_STACK_GAP_DN 0x00020000u
#define MAP_VN_EXEC             0x00040000u     /* files': accepted, means nothing */
#define MAP_SPLIT_BOUNDARY_MASK 0x00180000u     /* never cut finer: 1: 2 MiB, 2: 1 GiB */
#define MAP_SPLIT_BOUNDARY_SHIFT 19
#define MAP_NO_HINT             0x00200000u     /* *addr was no wish of anybody's */
#define MAP_COW_KNOWN           0x003fffffu

#define VM_MAP_PREFAULT_MAX     96

/* What a new entry maps, and how. */
struct vm_map_new {
	vm_object_t        object;      /* NULL: zero-fill */
	vm_object_offset_t offset;      /* of the start, pages */
	vm_prot_t          prot, max;   /* prot within max */
	uint32_t           cow;         /* MAP_* */
};

/* --- what a search saw --- */

enum vm_map_verdict {
	GAP_TAKEN,              /* at: the address found */
	GAP_MISALIGNED,         /* large enough, but not from the first aligned address in it (at) on */
	GAP_TOO_SMALL,          /* at: the first usable address; counted only where the search began */
	GAP_BEYOND,             /* past max_addr or the map's end from `at` on */
	GAP_NONE_LEFT,          /* no gap further up is large enough: the tree's root, or a subtree, says so */
};

#define VM_MAP_TRACE_MAX 32
/* The first gaps that a search looked at; the others are counted. */
struct vm_map_trace {
	uint64_t looked;                /* gaps looked at, in all tries */
	unsigned n;                     /* recorded */
	struct vm_map_look {
		vm_offset_t start, end; /* the gap */
		vm_offset_t at;
		uint32_t    try;        /* 1: the first search, 2: the next ... */
		enum vm_map_verdict verdict;
		const char *strategy;
	} look[VM_MAP_TRACE_MAX];
};

struct vm_map_find_args {
	struct vm_map_new    what;
	vm_size_t            length;            /* pages */
	vm_offset_t          min_addr;          /* vm_map_find_min only */
	vm_offset_t          max_addr;          /* the range ends there at most; 0: at the map's end */
	uint32_t             find_space;        /* VMFS_* */
	struct vm_map_trace *trace;             /* NULL: not asked for */
};

/* --- calls --- */

/*
 * A place for a.length bytes at or above *addr, and the new entry there. Map unlocked. *addr may have been written on
 * failure, too. VMFS_NO_SPACE looks at no max_addr. Without ASLR and clustering the result depends on the map alone.
 */
kern_return_t vm_map_find(vm_map_t map, vm_offset_t *addr, const struct vm_map_find_args *a);
/* The same from *addr on and, if that fails, from a->min_addr on; *addr 0: no wish, from min_addr on (MAP_NO_HINT). */
kern_return_t vm_map_find_min(vm_map_t map, vm_offset_t *addr, const struct vm_map_find_args *a);
/*
 * The lowest place at or above *addr that is aligned (a power of two; 0: no demand); nothing is entered. Map locked.
 * KERN_NO_SPACE, KERN_INVALID_ARGUMENT: alignment is no power of two.
 */
kern_return_t vm_map_find_aligned(vm_map_t map, vm_offset_t *addr, vm_size_t length, vm_offset_t max_addr,
    vm_offset_t alignment);
/*
 * First fit: the lowest a >= start (and the map's minimum) such that [a, a + length) is free. If there is none:
 * vm_map_max(map) - length + 1. Map locked. length > 0.
 */
vm_offset_t vm_map_findspace(vm_map_t map, vm_offset_t start, vm_size_t length);
/*
 * The new entry at [start, start + length), in place of what is there, which nobody can see missing; MAP_CHECK_EXCL:
 * only if nothing is there. Map unlocked. On failure nothing has changed.
 */
kern_return_t vm_map_fixed(vm_map_t map, vm_offset_t start, vm_size_t length, const struct vm_map_new *what);
/*
 * The new entry at [start, end), which must be free. Map write-locked. It may become part of a neighbour. Checks in this
 * order: range, WXORX, overlap, guard, split boundary, memory.
 */
kern_return_t vm_map_insert(vm_map_t map, vm_offset_t start, vm_offset_t end, const struct vm_map_new *what);
/*
 * To be called after entry->vme_end was changed in place, or, on the entry before, after vme_start was: the gaps in the
 * tree are right again. Nothing may be done to the map in between. Write lock. The map's size is the caller's.
 */
void vm_map_entry_resize_free(vm_map_t map, vm_map_entry_t entry);
/* The entry ends `grow` bytes (pages; may be negative) later, within the gap after it. Write lock. */
void vm_map_entry_resize(vm_map_t map, vm_map_entry_t entry, int64_t grow);

/* --- options of a map; all off in a new one, inherited by fork --- */

#define VM_MAP_ASLR             0x08u   /* searches for places choose among some, at random */
#define VM_MAP_ASLR_IGNSTART    0x10u   /* ... from the map's minimum on, whatever the wish */
#define VM_MAP_WXORX            0x40u   /* nothing is writable and executable */
#define VM_MAP_CLUSTER          0x100u  /* zero-fill memory without a wish goes near that which is there */
#define VM_MAP_CLUSTER_ALWAYS   0x200u  /* ... and with one */
#define VM_MAP_OPTIONS          0x358u
/* seed: of the map's own generator. KERN_INVALID_ARGUMENT: unknown option. Map unlocked. */
kern_return_t vm_map_set_options(vm_map_t map, uint32_t options, uint64_t seed);

#endif
