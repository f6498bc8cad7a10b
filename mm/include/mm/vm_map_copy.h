/*
 * mm/vm_map_copy.h: memory in flight between maps (vm_map_copy*.c).
 *
 *   ENTRY_LIST      detached entries, addresses rebased: the first starts at 0,
 *                   which is trunc(offset)
 *   OBJECT          one object reference; data = [offset, offset + size)
 *   PAGE_LIST       up to 20 pages and a continuation for the rest
 *   KERNEL_BUFFER   the bytes themselves
 *
 * A copy is used by one thread at a time and has no lock.
 */
#ifndef MM_VM_MAP_COPY_H
#define MM_VM_MAP_COPY_H

#include <mm/vm_map.h>

struct vm_map_copyin_args;
typedef struct vm_map_copyin_args *vm_map_copyin_args_t;
/*
 * Continues a page list: called once, with the saved arguments and a place for
 * the next copy; the place NULL: abort.
 */
typedef kern_return_t (*vm_map_copy_cont_t)(vm_map_copyin_args_t args, vm_map_copy_t *next);
#define VM_MAP_COPY_CONT_NULL       ((vm_map_copy_cont_t)NULL)
#define VM_MAP_COPYIN_ARGS_NULL     ((vm_map_copyin_args_t)NULL)

struct vm_map_copyin_args {
	vm_map_t    map;                /* one reference */
	vm_offset_t src_addr;
	vm_size_t   src_len;
	vm_offset_t destroy_addr;
	vm_size_t   destroy_len;
	unsigned    options;
	bool        steal_pages;
};

struct vm_map_copy {
	int                type;        /* VM_MAP_COPY_* */
	vm_object_offset_t offset;      /* of the first byte; ENTRY_LIST, KERNEL_BUFFER: only its in-page part matters */
	vm_size_t          size;        /* bytes, exact */
	uint64_t           id;          /* small number for people */
	struct list        link;        /* all copies, for show copy and check */
	union {
		struct vm_map_header hdr;                       /* ENTRY_LIST: circular through it, as a map's */
		struct {
			vm_object_t object;
			uint64_t    index;
		};
		struct {
			struct vm_page *page_list[VM_MAP_COPY_PAGE_LIST_MAX];
			unsigned        npages;
			bool            page_loose;             /* the copy owns the pages; else they are pinned in their objects */
			vm_map_copy_cont_t   cont;
			vm_map_copyin_args_t cont_args;
		};
		struct {
			void      *kdata;
			vm_size_t  kalloc_size;
		};
	};
};

static inline vm_map_entry_t vm_map_copy_to_entry(vm_map_copy_t c) { return (vm_map_entry_t)(void *)&c->hdr.links; }
static inline vm_map_entry_t vm_map_copy_first_entry(vm_map_copy_t c) { return c->hdr.links.next; }
static inline vm_map_entry_t vm_map_copy_last_entry(vm_map_copy_t c) { return c->hdr.links.prev; }
static inline bool
vm_map_copy_has_cont(vm_map_copy_t c)
{
	return c->type == VM_MAP_COPY_PAGE_LIST && c->cont != VM_MAP_COPY_CONT_NULL;
}
/* Pages that [offset, offset + size) touches. */
static inline uint64_t
vm_map_copy_page_count(vm_map_copy_t c)
{
	return (round_page((c->offset & PAGE_MASK) + c->size)) >> PAGE_SHIFT;
}

/*
 * [addr, addr + len) of src. *copy is NULL for len 0. src_destroy: the source
 * range is removed on success. src_volatile: the source may change meanwhile.
 * use_maxprot: READ in the maximum protection is enough (fork), and the copy is
 * an ENTRY_LIST however small. Map unlocked.
 * KERN_INVALID_ADDRESS: a hole, or it wraps; KERN_PROTECTION_FAILURE;
 * KERN_RESOURCE_SHORTAGE; KERN_MEMORY_ERROR: a pager's; KERN_NOT_SUPPORTED: device
 * memory; KERN_FAILURE: to be removed, but wired by the kernel; KERN_ABORTED: the
 * thread is to end. Nothing gathered is kept on failure, and the source is as it was.
 */
kern_return_t vm_map_copyin_common(vm_map_t src, vm_offset_t addr, vm_size_t len, bool src_destroy,
    bool src_volatile, vm_map_copy_t *copy, bool use_maxprot);
kern_return_t vm_map_copyin(vm_map_t src, vm_offset_t addr, vm_size_t len, bool src_destroy, vm_map_copy_t *copy);
kern_return_t vm_map_copyin_maxprot(vm_map_t src, vm_offset_t addr, vm_size_t len, bool src_destroy, vm_map_copy_t *copy);
/*
 * [offset, offset + size), bytes, of an object as an OBJECT copy; the caller's reference is consumed on success.
 * KERN_INVALID_ARGUMENT: beyond the object; KERN_RESOURCE_SHORTAGE.
 */
kern_return_t vm_map_copyin_object(vm_object_t object, vm_object_offset_t offset, vm_size_t size, vm_map_copy_t *copy);
/*
 * Up to 20 pages now, the rest by continuation; size of the copy is that of all.
 * options: access to check and fault for (none: READ), and
 *   SRC_DESTROY     the whole source goes when its last part was gathered, or the continuation is aborted
 *   STEAL_PAGES     the pages are the copy's own (page_loose), a snapshot; else they stay in their objects,
 *                   pinned, and stores of others show
 *   PMAP_ENTER      leaves are made in the source's map
 *   NO_ZERO_FILL    pages that nobody has made yet stay absent (NULL)
 * is_cont: called by a continuation: the source is not removed. Codes as vm_map_copyin, as far as the list reaches;
 * a continuation has its own. (Mach: vm_map_copyin_page_list.)
 */
kern_return_t vm_map_copyin_page_list(vm_map_t src, vm_offset_t addr, vm_size_t len, unsigned options,
    vm_map_copy_t *copy, bool is_cont);
/*
 * New memory of dst, with the attributes of vm_allocate's, at the first place that fits; *addr: of the first byte. The
 * copy is consumed on success. KERN_NO_SPACE; KERN_RESOURCE_SHORTAGE, also where dst wires; a continuation's code. Then
 * the copy is the caller's as before, except for what a failed continuation had given. copy NULL: addr 0.
 */
kern_return_t vm_map_copyout(vm_map_t dst, vm_offset_t *addr, vm_map_copy_t copy);
kern_return_t vm_map_copyout_page_list(vm_map_t dst, vm_offset_t *addr, vm_map_copy_t copy);
/*
 * Over mapped memory that may be written, whose attributes stay; consumes the copy on success. Private memory is
 * replaced, shared memory changed in place for all. interruptible: KERN_FAILURE where it could wait for a pager.
 * KERN_INVALID_ADDRESS, KERN_PROTECTION_FAILURE, KERN_RESOURCE_SHORTAGE, KERN_MEMORY_ERROR, KERN_ABORTED, a
 * continuation's code: nothing has changed, and the copy is the caller's. Only if others take the destination away
 * (unmap, protect, fork it) while it is written may a part be done. (Mach: vm_map_copy_overwrite.)
 */
kern_return_t vm_map_copy_overwrite(vm_map_t dst, vm_offset_t addr, vm_map_copy_t copy, bool interruptible);
/* The contents in a new copy; the old one is an empty OBJECT copy. NULL: shortage, or copy NULL. */
vm_map_copy_t vm_map_copy_copy(vm_map_copy_t copy);
void vm_map_copy_discard(vm_map_copy_t copy);           /* NULL allowed; a continuation is aborted */
/* Discard as a continuation: cont_args is the copy. */
kern_return_t vm_map_copy_discard_cont(vm_map_copyin_args_t cont_args, vm_map_copy_t *next);
void vm_map_copy_page_discard(vm_map_copy_t copy);      /* only the pages of a PAGE_LIST */
/* Pinned pages of a PAGE_LIST become the copy's own. KERN_RESOURCE_SHORTAGE: as it was. */
kern_return_t vm_map_copy_steal_pages(vm_map_copy_t copy);
/* A PAGE_LIST with a continuation that is one of ours. */
bool vm_map_copy_cont_is_valid(vm_map_copy_t copy);
/*
 * The next list, in *next, from a copy that has a continuation; NULL: there is nothing more. invoke: old's pages go
 * first; extend: they stay; abort: they go, and so does the rest of the source if it was to be destroyed. Each clears
 * the continuation, so that it runs once; *result is its code.
 */
void vm_map_copy_invoke_cont(vm_map_copy_t old, vm_map_copy_t *next, kern_return_t *result);
void vm_map_copy_invoke_extend_cont(vm_map_copy_t old, vm_map_copy_t *next, kern_return_t *result);
void vm_map_copy_abort_cont(vm_map_copy_t copy);
/* Visits every copy; fn returns FALSE to stop. Holds the list lock: fn must not sleep. */
void vm_map_copy_foreach(bool (*fn)(vm_map_copy_t, void *), void *arg);
extern struct zone vm_map_copy_zone;

#endif
