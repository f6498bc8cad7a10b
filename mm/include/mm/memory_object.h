/*
 * mm/memory_object.h: where the contents of an external object come from.
 *
 *   vm_object ──pager──> memory_object ──ops──> device | file | test | ...
 *       ^                    │  control (no reference)
 *       └────────────────────┘
 *
 * A memory object is the pager's side: its operations, a size, what it permits
 * at most. The kernel makes one vm_object for it when it is first mapped (the
 * control) and drops it with the last mapping; then terminate is called, and
 * the next mapping begins anew. The object holds one reference on its pager.
 *
 * Requests are asynchronous: an operation may answer before it returns, later
 * from any thread, twice, wrongly, or never. Whoever waits holds no lock and a
 * paging reference on the object; it wakes with an outcome (supplied,
 * unavailable, an error), with the end of its thread (KERN_ABORTED), or after
 * MEMORY_OBJECT_PATIENCE (KERN_MEMORY_ERROR), and looks everything up again.
 * No page is made before there are contents for it: what is awaited is a
 * record at the memory object, so every page in a chunk is real.
 *
 * Locks: `lock` (rank PAGER, after OBJECT) protects records, readiness and
 * control. Operations are called with no lock held and may sleep.
 *
 * Source of the semantics: Mach's memory_object interface.
 */
#ifndef MM_MEMORY_OBJECT_H
#define MM_MEMORY_OBJECT_H

#include <mm/vm_object.h>

#define MEMORY_OBJECT_PATIENCE_US   10000000u
/* How long anybody waits for a pager; the above, unless somebody has changed it (tests, `set`). */
extern uint64_t memory_object_patience_us;

#define MEMORY_OBJECT_SIZE_MAX      (1ul << 62)

struct memory_object_attr_info {
	uint32_t copy_strategy;         /* MEMORY_OBJECT_COPY_NONE, _DELAY, _TEMPORARY */
	uint32_t cluster_size;          /* bytes: a power of two of pages */
	uint32_t may_cache;             /* keep the object when nobody maps it */
	uint32_t temporary;
};

/* What is NULL is answered by the kernel, as said below. There is no answer but the pager's to data_request. */
struct memory_object_ops {
	const char *name;               /* "file", "device", "test" */
	/* First mapping. Answers, now or later, with memory_object_change_attributes (ready). NULL: ready, with `attributes`. */
	void (*init)(memory_object_t mo);
	const struct memory_object_attr_info *attributes;
	/* Contents of [offset, offset + length) are wanted, for this access. Answer: supply, unavailable or error. */
	void (*data_request)(memory_object_t mo, vm_object_offset_t offset, vm_size_t length, vm_prot_t access);
	/* A page that was changed (or is precious). kernel_copy: the kernel keeps it. data is the caller's. NULL: it is lost. */
	void (*data_return)(memory_object_t mo, vm_object_offset_t offset, const void *data, vm_size_t length,
	    bool dirty, bool kernel_copy);
	/* An access that the page's lock forbids is wanted. Answer: memory_object_lock_request. NULL: it is lifted. */
	void (*data_unlock)(memory_object_t mo, vm_object_offset_t offset, vm_size_t length, vm_prot_t access);
	/* vm_msync. Must answer memory_object_synchronize_completed. NULL: at once. */
	void (*synchronize)(memory_object_t mo, vm_object_offset_t offset, vm_size_t length, unsigned flags);
	/* The last mapping is gone: no more messages until the next init. NULL: nothing to do. */
	void (*terminate)(memory_object_t mo);
	/* The last reference is gone: frees what the pager keeps. The structure itself is freed by the caller. NULL: nothing. */
	void (*free)(memory_object_t mo);
};

struct memory_object {
	struct spinlock     lock;
	uint32_t            ref_count;          /* atomic: the object, handles, named entries, the pager's own */
	const struct memory_object_ops *ops;
	void               *pager;              /* the pager's own data */
	vm_size_t           size;               /* bytes, whole pages; mappings stay within it */
	vm_prot_t           max_prot;           /* no mapping may have more */
	bool                phys_contiguous;    /* device memory at phys: never asked for pages */
	bool                uncached;
	paddr_t             phys;
	vm_object_t         control;            /* NULL: not mapped */
	bool                initialized, ready, dead;
	uint8_t             copy_strategy;      /* what ready said */
	bool                may_cache;          /* keep the object when nobody maps it */
	bool                temporary;          /* changed pages need not come back at the end */
	vm_size_t           cluster_size;       /* bytes that a request is made for at best: a power of two of pages */
	kern_return_t       reason;             /* of its death */
	vm_object_t         kept;               /* control, with a reference of the kernel's, or NULL; list lock */
	struct list         kept_link;
	unsigned            mapping;            /* threads in memory_object_map that wait for it */
	struct list         requests;           /* records of what is awaited */
	struct list         syncs;
	uint64_t            id;
	struct list         link;               /* all memory objects, for show */
	uint64_t            requested, supplied, returned, errors;      /* statistics */
};

void memory_object_bootstrap(void);

/*
 * A memory object with one reference, or NULL (shortage, or size is 0 or above MEMORY_OBJECT_SIZE_MAX). size is rounded up.
 * For device memory set phys_contiguous, phys and uncached before it is mapped.
 */
memory_object_t memory_object_create(const struct memory_object_ops *ops, void *pager, vm_size_t size, vm_prot_t max_prot);
void memory_object_reference(memory_object_t mo);       /* NULL allowed */
/* For lists without references: one more, unless the last one is gone (FALSE). The list's lock keeps mo in place. */
bool memory_object_reference_try(memory_object_t mo);
void memory_object_release(memory_object_t mo);         /* NULL allowed; no lock held */

/*
 * The object of mo, made (and init called) when there is none, with one
 * reference for the caller; waits until the pager is ready. No lock held.
 * KERN_INVALID_OBJECT: the pager died, or was not ready in time;
 * KERN_ABORTED: the thread is to end; KERN_RESOURCE_SHORTAGE.
 */
kern_return_t memory_object_map(memory_object_t mo, vm_object_t *object);
/* Lets go of the objects that are kept without being mapped. TRUE: there were any. No lock held. */
bool memory_object_trim(void);

/*
 * --- pager to kernel; any thread, no lock held ---
 *
 * All of these, of a memory object that is not mapped (any more): KERN_INVALID_ARGUMENT.
 */

/*
 * Contents. offset, size: whole pages, else KERN_INVALID_ARGUMENT. Pages that are there stay;
 * what lies beyond the object is dropped; pages that nobody asked for are taken.
 * lock_value: accesses to forbid. KERN_RESOURCE_SHORTAGE: waiters get that.
 */
kern_return_t memory_object_data_supply(memory_object_t mo, vm_object_offset_t offset, const void *data, vm_size_t size,
    vm_prot_t lock_value, bool precious);
/* There is nothing at the pager: waiters go on to the shadow or to zeros. */
kern_return_t memory_object_data_unavailable(memory_object_t mo, vm_object_offset_t offset, vm_size_t size);
/* Waiters get KERN_MEMORY_ERROR, or KERN_RESOURCE_SHORTAGE if that is the reason. */
kern_return_t memory_object_data_error(memory_object_t mo, vm_object_offset_t offset, vm_size_t size, kern_return_t reason);

#define MEMORY_OBJECT_RETURN_NONE       0u
#define MEMORY_OBJECT_RETURN_DIRTY      1u
#define MEMORY_OBJECT_RETURN_ALL        2u
#define MEMORY_OBJECT_RETURN_ANYTHING   3u
#define MEMORY_OBJECT_DATA_FLUSH        0x01u
#define MEMORY_OBJECT_DATA_NO_CHANGE    0x02u
#define MEMORY_OBJECT_DATA_PURGE        0x04u
#define MEMORY_OBJECT_COPY_SYNC         0x08u
#define MEMORY_OBJECT_DATA_SYNC         0x10u
#define MEMORY_OBJECT_LOCK_FLAGS        0x1fu
/*
 * Returns, flushes, locks the resident pages of a range, in this order. should_return: NONE; DIRTY; ALL: also precious
 * ones; ANYTHING. FLUSH, PURGE: the kernel keeps none, wired ones excepted (dirty ones that are not returned are lost).
 * Before pages go, a copy object that is owed them gets them, unless NO_CHANGE says that the pager's data are the same;
 * COPY_SYNC: also when they stay. DATA_SYNC needs no more: all is done on return. prot: accesses to forbid from
 * now on, or VM_PROT_NO_CHANGE. Who waits for an unlock looks again. KERN_INVALID_ARGUMENT: unknown bits; KERN_RESOURCE_SHORTAGE: no
 * page for a copy: what comes before it in the range is done.
 */
kern_return_t memory_object_lock_request(memory_object_t mo, vm_object_offset_t offset, vm_size_t size,
    unsigned should_return, unsigned flags, vm_prot_t prot);

#define MEMORY_OBJECT_PERFORMANCE_INFO  11
#define MEMORY_OBJECT_ATTRIBUTE_INFO    14
#define MEMORY_OBJECT_BEHAVIOR_INFO     15
#define MEMORY_OBJECT_ATTR_INFO_COUNT   4u
struct memory_object_perf_info { uint32_t cluster_size, may_cache; };
#define MEMORY_OBJECT_PERF_INFO_COUNT   2u
struct memory_object_behavior_info { uint32_t copy_strategy, temporary; };
#define MEMORY_OBJECT_BEHAVIOR_INFO_COUNT 2u
/* Makes the object ready and wakes who waits to map it. KERN_INVALID_ARGUMENT: flavor, count or a value. */
kern_return_t memory_object_change_attributes(memory_object_t mo, int flavor, const void *info, unsigned count);
kern_return_t memory_object_get_attributes(memory_object_t mo, int flavor, void *info, unsigned *count);
/* The pager gives up, once and for ever: absent pages are errors from now on, resident ones stay. No operation but free is called any more. */
kern_return_t memory_object_destroy(memory_object_t mo, kern_return_t reason);
/* KERN_INVALID_ARGUMENT: no such request waits. */
kern_return_t memory_object_synchronize_completed(memory_object_t mo, vm_object_offset_t offset, vm_size_t size);

/* --- for the fault path and vm_msync --- */

/* Outcome of one wait, kept by the fault across its next lookup. */
struct memory_object_wait {
	vm_object_t        object;      /* asked last; only compared, together with id */
	uint64_t           object_id;
	vm_object_offset_t offset;
	bool               unavailable; /* the pager has nothing there */
	vm_behavior_t      behavior;    /* the asker's, who fills it in: how much to ask for */
};
/*
 * Asks the pager of `object` (one reference and one paging reference of the
 * caller's, both given up here) for the page at offset and waits; for an access
 * that a resident page's lock forbids, asks for the lock to be lifted. No lock
 * held. KERN_SUCCESS: look again, *w says what was learned. KERN_MEMORY_ERROR,
 * KERN_ABORTED, KERN_RESOURCE_SHORTAGE.
 */
kern_return_t memory_object_get_page(vm_object_t object, vm_object_offset_t offset, vm_prot_t access,
    bool unlock, struct memory_object_wait *w);
/*
 * Writes changed pages of [offset, offset + size) back, drops them with
 * VM_SYNC_INVALIDATE (with that alone, without writing them), and waits for the pager with VM_SYNC_SYNCHRONOUS. No lock
 * held; the caller holds a paging reference. KERN_MEMORY_ERROR, KERN_ABORTED, KERN_RESOURCE_SHORTAGE (for a copy that is owed pages).
 */
kern_return_t memory_object_sync(vm_object_t object, vm_object_offset_t offset, vm_size_t size, unsigned flags);

/* The last reference of an external object is gone: returns what is dirty and says terminate. object unlocked, unreachable. */
void memory_object_terminate(memory_object_t mo, vm_object_t object);

/* Visits every memory object; fn returns FALSE to stop. Holds the list lock: fn must not sleep. */
void memory_object_foreach(bool (*fn)(memory_object_t, void *), void *arg);

#endif
