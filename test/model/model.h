/*
 * model.h: what the user calls mean, page by page.
 *
 * The reference that mm is compared with. It knows pages and nothing else: no
 * entries, no objects, no deferred copies. A task is an array of units, one a
 * page of the windows in which tests play; what lies between two windows is one
 * unit, however large (a gap), whose contents nobody looks at. A present unit
 * has a cell, the place where its bytes live; two units share memory exactly
 * when they have the same cell. Copying is copying: a new cell with the same
 * bytes, at once. (Equal bytes are stored once; no rule depends on that.)
 *
 * Some maps are no tasks' but submaps: units may be windows on units of theirs.
 * What a window shows is the unit below it, with the rights that both have; a
 * copy-on-write window only until it is written to. Then it, and what lies
 * beside it in the same entry of the submap, becomes memory: which pages that
 * are, the model is told (model_unnest).
 *
 * Each call works in two steps: asked with commit FALSE it says which result
 * codes are right in this state, and fills its outputs; with commit TRUE it
 * makes the change of a success. So a refusal for want of memory, which the
 * model cannot foresee, changes nothing here, as it must not there.
 *
 * MODEL_SKIP: the call would touch a part of a gap, which the model cannot
 * tell; the driver leaves it out.
 */
#ifndef MODEL_H
#define MODEL_H

#include <stddef.h>
#include <string.h>
#include <base/types.h>
#include <base/kern_return.h>
#include <mm/vm_types.h>

#define MODEL_TASKS     8
#define MODEL_SUBS      3               /* maps that tasks have windows on; behind the tasks */
#define MODEL_MAPS      (MODEL_TASKS + MODEL_SUBS)
#define MODEL_WINDOWS   5
#define MODEL_UNITS     2048
#define MODEL_PAGES_MAX 4096            /* of one copy */

typedef uint64_t model_codes;           /* set of result codes */
#define CODE(kr)        (1ul << ((kr) == KERN_OUT_OF_BOUNDS ? 62 : (kr)))       /* all others are below 62 */
#define MODEL_SKIP      (1ul << 63)
#define OK              CODE(KERN_SUCCESS)

struct content {                        /* bytes of a page; never changed while refs > 1 */
	uint32_t        refs;
	struct content *next;
	uint8_t         b[PAGE_SIZE];
};

struct cell {
	uint32_t        refs;           /* units that share it */
	struct cell    *next;
	struct content *content;        /* NULL: zeros */
};

struct unit {
	struct cell *cell;              /* NULL: absent */
	uint8_t      prot, max, inherit;
	uint8_t      tag;
	uint8_t      shared;            /* as vm_region tells it: enum model_shared */
	uint8_t      behavior;
	uint16_t     wired;             /* by users */
	/* A window: cell tells nothing, but that it is there. */
	uint8_t      sub;               /* the map below; 0: no window */
	bool         copy;              /* on write */
	uint16_t     below;             /* the unit there */
	/* A guard: cell is never looked at. */
	uint8_t      guard;             /* enum model_guard */
	bool         down, up;          /* part of a stack that grows; or (up) the gap of one */
	uint8_t      stack_prot, stack_max;     /* GAP: what grows into it may do */
	uint32_t     stack;             /* GAP: of which stack */
	bool         no_sync, no_core;  /* advice that is kept */
};

enum model_guard { GUARD_NONE, GUARD_PLAIN, GUARD_GAP };
#define MODEL_LIMIT_NONE (~(vm_size_t)0)

/* Is all but contents the same, of two units that are both there, or both not? */
static inline bool
model_same(const struct unit *a, const struct unit *b)
{
	uint64_t x, y;                  /* prot to wired */

	_Static_assert(offsetof(struct unit, sub) - offsetof(struct unit, prot) == sizeof(x), "they fill a word");
	memcpy(&x, (const char *)a + offsetof(struct unit, prot), sizeof(x));
	memcpy(&y, (const char *)b + offsetof(struct unit, prot), sizeof(y));
	return x == y && a->sub == b->sub;
}

/* PERHAPS: a call that would have shared it was refused half way; nothing else tells. */
enum model_shared { SHARED_NO, SHARED_YES, SHARED_PERHAPS };

struct window {
	vm_offset_t start, end;
};

/* The address space: [min, max) cut into units. */
extern struct model_space {
	vm_offset_t   min, max;
	unsigned      nwindows, nunits;
	struct window window[MODEL_WINDOWS];
	unsigned      first[MODEL_WINDOWS];     /* unit of each window's first page */
	vm_offset_t   start[MODEL_UNITS + 1];   /* of each unit; [nunits] = max */
	bool          gap[MODEL_UNITS];
} space;

struct model_task {
	bool        live;
	vm_size_t   limit;              /* bytes that may be mapped, guards not counted */
	vm_size_t   limit_wired;        /* bytes that users may wire */
	vm_offset_t main_start, main_end;       /* the main stack, */
	vm_size_t   limit_stack;        /* and what may be mapped of it */
	struct unit unit[MODEL_UNITS];
};
extern struct model_task model_task[MODEL_MAPS];
/* A write reached a submap through a copy-on-write window. */
extern bool model_wrote_through;

/* Forgets all tasks; windows ascend, disjoint, within [min, max). */
void model_init(vm_offset_t min, vm_offset_t max, const struct window *w, unsigned n);
void model_create(unsigned t);
void model_end(unsigned t);
/* The unit that holds addr, or -1 outside the map. */
int  model_unit(vm_offset_t addr);
/* The unit that begins at addr ([nunits] at max), or -1. */
int  model_border(vm_offset_t addr);

struct model_map_args {
	vm_size_t    size;
	uint64_t     mask;
	uint32_t     flags;
	vm_prot_t    cur, max;
	vm_inherit_t inheritance;
};

model_codes model_allocate(unsigned t, vm_offset_t *addr, vm_size_t size, uint32_t flags, bool commit);
model_codes model_map(unsigned t, vm_offset_t *addr, const struct model_map_args *a, bool commit);
struct model_find_args {
	vm_size_t    size;
	bool         searches;          /* or it is there, or nowhere: */
	bool         replaces;          /* with what is there gone first */
	uint64_t     mask;              /* searching: 2^n - 1, bits that are 0 in the address */
	vm_offset_t  max_addr;          /* 0: none */
	bool         again;             /* from *addr on and, if need be, from min_addr on */
	vm_offset_t  min_addr;
	vm_prot_t    cur, max;
	bool         share;
};
/* vm_map_find, vm_map_find_min, vm_map_fixed of zero-fill memory. */
model_codes model_find(unsigned t, vm_offset_t *addr, const struct model_find_args *a, bool commit);
model_codes model_deallocate(unsigned t, vm_offset_t addr, vm_size_t size, bool commit);
model_codes model_protect(unsigned t, vm_offset_t addr, vm_size_t size, bool set_max, vm_prot_t prot, bool commit);
/* FreeBSD's form, in pages. */
model_codes model_inherit_zero(unsigned t, vm_offset_t addr, vm_size_t size, bool commit);
model_codes model_inherit(unsigned t, vm_offset_t addr, vm_size_t size, vm_inherit_t inheritance, bool commit);
/* *data: where the copy lies in task `into`. */
model_codes model_read(unsigned t, vm_offset_t addr, vm_size_t size, unsigned into, vm_offset_t *data, bool commit);
/* From src in task t to dst in task d: vm_read_overwrite, vm_write, vm_copy. */
model_codes model_copy(unsigned t, vm_offset_t src, vm_size_t size, unsigned d, vm_offset_t dst, bool commit);
void        model_fork(unsigned parent, unsigned child);

/* Unit i of t, windows looked through: its cell is what is there at last, or NULL; its rights what all levels allow. */
struct unit model_seen(unsigned t, int i);
/* size bytes of map `sub` from `from` on, at *addr of t; all whole pages. */
model_codes model_window(unsigned t, vm_offset_t *addr, const struct model_map_args *a, unsigned sub, vm_offset_t from, bool copy, bool commit);
/* Unit i, a copy-on-write window, has become memory with the bytes that it showed. */
void        model_unnest(unsigned t, int i);

/* --- model_share.c --- */

struct model_remap_args {
	vm_offset_t  src;
	vm_size_t    size;
	uint64_t     mask;
	uint32_t     flags;
	bool         copy;
	vm_inherit_t inheritance;
};
/* From task t to task d. *cur, *max: the rights that all pieces have. */
model_codes model_remap(unsigned t, unsigned d, vm_offset_t *addr, const struct model_remap_args *a, vm_prot_t *cur, vm_prot_t *max, bool commit);
/* A call that shares [addr, addr+size) of t was refused or broken off: what vm_region says of shared is open now. */
void        model_perhaps_shared(unsigned t, vm_offset_t addr, vm_size_t size);
/* FreeBSD's operations on [start, end): model_range.c. */
struct model_rights {
	vm_offset_t start, end;
	vm_prot_t   prot, max;
	unsigned    flags;              /* VM_MAP_PROTECT_* */
};
model_codes model_protect_range(unsigned t, const struct model_rights *a, bool commit);
model_codes model_madvise(unsigned t, vm_offset_t start, vm_offset_t end, unsigned advice, bool commit);
/* For the user. */
model_codes model_wire_range(unsigned t, vm_offset_t start, vm_offset_t end, unsigned flags, bool commit);
model_codes model_unwire_range(unsigned t, vm_offset_t start, vm_offset_t end, unsigned flags, bool commit);
model_codes model_sync(unsigned t, vm_offset_t start, vm_offset_t end, bool invalidate);
/* Bytes that users have wired in t. */
vm_size_t   model_wired(unsigned t);
/* access NONE unwires. */
model_codes model_wire(unsigned t, vm_offset_t addr, vm_size_t size, vm_prot_t access, bool commit);
model_codes model_behavior(unsigned t, vm_offset_t addr, vm_size_t size, vm_behavior_t b, bool commit);
model_codes model_msync(unsigned t, vm_offset_t addr, vm_size_t size, unsigned flags);

/* A run of cells that somebody holds: a named entry, a copy under way, a pager's memory. */
#define MODEL_HELD_PAGES 64
struct model_held {
	bool         live;
	bool         copy;              /* a snapshot that nobody writes */
	bool         range;             /* of memory that was mapped, not made for it */
	unsigned     pages;
	vm_prot_t    prot;              /* the most that a mapping may have */
	vm_offset_t  offset;            /* in the first page */
	vm_size_t    size;              /* of a copy, in bytes */
	struct cell *cell[MODEL_HELD_PAGES];
	uint8_t      behavior[MODEL_HELD_PAGES];        /* comes along into mappings of a range */
	uint8_t      tag[MODEL_HELD_PAGES];             /* so does this, into those without a tag */
};
void        model_drop(struct model_held *h);
/* Zero-filled cells. */
void        model_held_new(struct model_held *h, vm_size_t size, vm_prot_t prot);
/* The range [addr, addr+size) of t, snapshot or shared; need: rights of the maximum (may_max) or the current protection. */
model_codes model_hold(unsigned t, vm_offset_t addr, vm_size_t size, vm_prot_t need, bool maximum, bool copy, struct model_held *h, bool commit);
/* vm_map of a named entry. */
model_codes model_map_held(unsigned t, vm_offset_t *addr, const struct model_map_args *a, vm_offset_t offset, bool copy,
    const struct model_held *h, bool commit);
/* vm_map of a memory object whose cells are h's. */
model_codes model_map_pager(unsigned t, vm_offset_t *addr, const struct model_map_args *a, vm_offset_t offset, bool copy,
    const struct model_held *h, bool commit);
/* The page of h that unit i of task t shows, or -1. */
int         model_held_page(const struct model_held *h, unsigned t, unsigned i);
/* The bytes of a held page; and new ones. */
const uint8_t *model_held_bytes(const struct model_held *h, unsigned page);
void        model_held_set(struct model_held *h, unsigned page, const uint8_t *bytes);
/* vm_map_copyout and vm_map_copy_overwrite of a held copy, which is used up. */
model_codes model_copyout(unsigned t, vm_offset_t *addr, struct model_held *h, bool commit);
model_codes model_overwrite(unsigned t, vm_offset_t addr, struct model_held *h, bool commit);

/* Bytes that t has mapped, guards not counted. */
vm_size_t   model_size(unsigned t);
/* A guard over [addr, addr+size) in place of what is there; a stack there (up: from the bottom). */
model_codes model_guard(unsigned t, vm_offset_t addr, vm_size_t size, bool commit);
model_codes model_stack(unsigned t, vm_offset_t addr, vm_size_t size, bool up, bool commit);
/* vm_map_growstack. */
model_codes model_growstack(unsigned t, vm_offset_t addr, bool commit);

/* What one access of a program gives; where a stack grows for it, model_growstack commits that. */
model_codes model_access(unsigned t, vm_offset_t va, vm_prot_t access);
/* vm_map_read_user and vm_map_write_user; *done: bytes before the one that fails. */
model_codes model_kernel_access(unsigned t, vm_offset_t va, vm_size_t size, vm_prot_t access, vm_size_t *done);
/* The bytes of a present page, or of what is below a window. */
const uint8_t *model_bytes(const struct unit *u);
/* Bytes go to or come from [va, va+size), present pages all of them. */
void model_store(unsigned t, vm_offset_t va, const void *bytes, vm_size_t size);
void model_load(unsigned t, vm_offset_t va, void *bytes, vm_size_t size);

/* What vm_region says of addr: the run of alike pages at or after it. */
struct model_region {
	vm_offset_t        start, end;  /* no entry can be larger */
	const struct unit *unit;
};
bool model_region(unsigned t, vm_offset_t addr, struct model_region *r);

#endif
