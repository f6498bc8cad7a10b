/*
 * mm/vm_named_entry.h: what a memory-entry handle stands for.
 *
 *   handle ──> vm_named_entry ──> one object, from `offset` on
 *                             ──> a submap
 *                             ──> a memory object (its vm_object made at the first mapping)
 *                             ──> entries in a map of their own, without page tables
 *                                 (VM_COPY: a snapshot; VM_SHARE: several objects)
 *
 * The entry says how much may be mapped and with which rights at most; no road
 * from a handle (map, remap, protect, fork, a child handle) leads beyond
 * `protection`. Mappings outlive the handle.
 *
 * Locks: `lock` (rank NAMED) protects `cache`; everything else but the
 * reference count is constant once the entry is made.
 */
#ifndef MM_VM_NAMED_ENTRY_H
#define MM_VM_NAMED_ENTRY_H

#include <mm/vm_map.h>
#include <mm/memory_object.h>

enum vm_named_backing { NAMED_OBJECT, NAMED_SUBMAP, NAMED_PAGER, NAMED_ENTRIES };

struct vm_named_entry {
	struct spinlock       lock;
	enum vm_named_backing type;
	union {
		vm_object_t     object;
		vm_map_t        map;            /* SUBMAP; ENTRIES: [0, size), only ever mapped by copies of its entries */
		memory_object_t pager;
	} backing;
	vm_object_offset_t    offset;           /* of the first byte in the object */
	vm_size_t             size;             /* bytes, whole pages */
	vm_offset_t           data_offset;      /* in-page offset, MAP_MEM_USE_DATA_ADDR */
	vm_prot_t             protection;       /* the most that any mapping may have */
	uint32_t              cache;            /* MAP_MEM_NOOP, _IO, ... */
	uint32_t              ref_count;        /* atomic */
	bool                  internal, is_sub_map, is_copy;
	uint64_t              id;
	struct list           link;             /* all of them, for show named */
};

void vm_named_entry_bootstrap(void);
void vm_named_entry_reference(vm_named_entry_t ne);     /* NULL allowed */
void vm_named_entry_release(vm_named_entry_t ne);       /* NULL allowed; no lock held */
static inline void named_entry_lock_init(vm_named_entry_t ne) { spin_init(&ne->lock, LOCK_NAMED); }
static inline void named_entry_lock(vm_named_entry_t ne) { spin_lock(&ne->lock); }
static inline void named_entry_unlock(vm_named_entry_t ne) { spin_unlock(&ne->lock); }

struct vm_named_entry_args {
	vm_map_t          map;          /* of the range; NULL where parent or NAMED_CREATE says all */
	vm_offset_t       offset;       /* address of the range, or offset in the parent; any byte */
	vm_size_t         size;         /* bytes; checked by vm_user.c not to wrap with offset */
	uint32_t          permission;   /* protection, VM_PROT_IS_MASK, MAP_MEM_* */
	vm_named_entry_t  parent;       /* or NULL; referenced by the caller */
};
/*
 * mach_make_memory_entry in all its forms. On KERN_SUCCESS *ne has one
 * reference and *size is what it covers; else neither is written.
 * KERN_INVALID_ARGUMENT, KERN_INVALID_ADDRESS, KERN_PROTECTION_FAILURE,
 * KERN_FAILURE (too large), KERN_RESOURCE_SHORTAGE.
 */
kern_return_t vm_named_entry_make(const struct vm_named_entry_args *a, vm_size_t *size, vm_named_entry_t *ne);
/* vm_region_object_create: a fresh submap of [0, size). */
kern_return_t vm_named_entry_submap(vm_size_t size, vm_named_entry_t *ne);
/* mach_memory_object_memory_entry: mo NULL makes an anonymous object. A reference on mo is taken. */
kern_return_t vm_named_entry_pager(memory_object_t mo, bool internal, vm_size_t size, vm_prot_t prot, vm_named_entry_t *ne);

/*
 * vm_map of a named entry: args as for vm_map_enter (object NULL, offset:
 * bytes in the entry, needs_copy: copy). *addr as there. Codes: those of
 * vm_map_enter; KERN_INVALID_RIGHT: cur or max beyond the handle's;
 * KERN_INVALID_ARGUMENT: beyond its size; KERN_INVALID_OBJECT, KERN_MEMORY_ERROR: its pager.
 */
kern_return_t vm_named_entry_map(vm_map_t map, vm_offset_t *addr, struct vm_map_enter_args *args, vm_named_entry_t ne);

/* Visits every named entry; fn returns FALSE to stop. Holds the list lock: fn must not sleep. */
void vm_named_entry_foreach(bool (*fn)(vm_named_entry_t, void *), void *arg);

/* --- shared regions (vm_shared_region.c) --- */

struct shared_region_object_chain {
	shared_region_mapping_t object_chain_region;    /* one reference */
	int                     depth;
	struct shared_region_object_chain *next;
};
typedef struct shared_region_object_chain *shared_region_object_chain_t;

/* The pair of submaps, text and data, that tasks map as one shared region. */
struct shared_region_mapping {
	struct spinlock   lock;
	uint32_t          ref_count;
	vm_named_entry_t  text_region, data_region;     /* one reference each, of submaps */
	vm_size_t         text_size, data_size;
	void             *region_mappings;              /* the loader's table; freed by mappings_free */
	void            (*mappings_free)(void *);
	vm_offset_t       client_base, alternate_base, alternate_next;
	int               flags, depth;
	shared_region_object_chain_t object_chain;
	shared_region_mapping_t self, next;
};

struct shared_region_mapping_args {
	vm_named_entry_t text_region, data_region;      /* references consumed on KERN_SUCCESS */
	vm_size_t        text_size, data_size;
	vm_offset_t      client_base, alternate_base, alternate_next;
	int              flags;
};
static inline void shared_region_mapping_lock_init(shared_region_mapping_t r) { spin_init(&r->lock, LOCK_NAMED); }
static inline void shared_region_mapping_lock(shared_region_mapping_t r) { spin_lock(&r->lock); }
static inline void shared_region_mapping_unlock(shared_region_mapping_t r) { spin_unlock(&r->lock); }
void vm_shared_region_bootstrap(void);
/*
 * A region with one reference. KERN_INVALID_ARGUMENT: not two submaps, sizes or base not in pages or beyond them;
 * KERN_RESOURCE_SHORTAGE; then the named entries are still the caller's.
 */
kern_return_t shared_region_mapping_create(const struct shared_region_mapping_args *a, shared_region_mapping_t *region);
void shared_region_mapping_ref(shared_region_mapping_t region);
/* At 0: both named entries go, then the chain, link by link. */
void shared_region_mapping_dealloc(shared_region_mapping_t region);
/*
 * target inherits from parent (one reference on it is consumed on success). KERN_FAILURE: target has a chain;
 * KERN_INVALID_ARGUMENT: it would be its own ancestor; KERN_RESOURCE_SHORTAGE.
 */
kern_return_t shared_region_object_chain_attach(shared_region_mapping_t target, shared_region_mapping_t parent);
/*
 * Maps both halves into map at client_base: text, shared, r-x; then data, copied when written. Both or none.
 * KERN_INVALID_ADDRESS, KERN_NO_SPACE, KERN_RESOURCE_SHORTAGE, KERN_INVALID_RIGHT.
 */
kern_return_t shared_region_mapping_map(shared_region_mapping_t region, vm_map_t map);

#endif
