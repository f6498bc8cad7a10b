/*
 * mm/vm_map_copy.h: memory in flight between maps (vm_map_copy*.c).
 *
 *   ENTRY_LIST      detached entries, addresses rebased: the first starts at
 *                   trunc(offset) - trunc(offset) = 0
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
			bool            page_loose;             /* the copy owns the pages; else they are wired in their objects */
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
static inline bool vm_map_copy_has_cont(vm_map_copy_t c) { return c->cont != NULL; }
/* Pages that [offset, offset + size) touches. */
static inline uint64_t
vm_map_copy_page_count(vm_map_copy_t c)
{
	return (round_page((c->offset & PAGE_MASK) + c->size)) >> PAGE_SHIFT;
}

/*
 * [addr, addr + len) of src. *copy is NULL for len 0. src_destroy: the source
 * range is removed on success. src_volatile: the source may change meanwhile.
 * use_maxprot: READ in the maximum protection is enough (fork). Map unlocked.
 * KERN_INVALID_ADDRESS (hole, wrap, and everything that a small copy through a
 * kernel buffer fails with), KERN_PROTECTION_FAILURE, KERN_MEMORY_ERROR,
 * KERN_RESOURCE_SHORTAGE; nothing gathered is kept on failure.
 */
kern_return_t vm_map_copyin_common(vm_map_t src, vm_offset_t addr, vm_size_t len, bool src_destroy,
    bool src_volatile, vm_map_copy_t *copy, bool use_maxprot);
kern_return_t vm_map_copyin(vm_map_t src, vm_offset_t addr, vm_size_t len, bool src_destroy, vm_map_copy_t *copy);
kern_return_t vm_map_copyin_maxprot(vm_map_t src, vm_offset_t addr, vm_size_t len, bool src_destroy, vm_map_copy_t *copy);
/* An object (the caller's reference is consumed) as an OBJECT copy. KERN_RESOURCE_SHORTAGE: reference still the caller's. */
kern_return_t vm_map_copyin_object(vm_object_t object, vm_object_offset_t offset, vm_size_t size, vm_map_copy_t *copy);
/* Up to 20 pages now, the rest by continuation. options: VM_MAP_COPYIN_OPT_*. Codes as vm_map_copyin. */
kern_return_t vm_map_copyin_page_list(vm_map_t src, vm_offset_t addr, vm_size_t len, unsigned options,
    vm_map_copy_t *copy, bool is_cont);
/* Consumes copy on success; *addr: of the first byte. KERN_NO_SPACE, KERN_RESOURCE_SHORTAGE; copy NULL: addr 0. */
kern_return_t vm_map_copyout(vm_map_t dst, vm_offset_t *addr, vm_map_copy_t copy);
kern_return_t vm_map_copyout_page_list(vm_map_t dst, vm_offset_t *addr, vm_map_copy_t copy);
/*
 * Over mapped memory that may be written; consumes copy on success. interruptible: KERN_FAILURE
 * where it could wait for a pager. KERN_INVALID_ADDRESS, KERN_PROTECTION_FAILURE: before
 * anything changed. KERN_RESOURCE_SHORTAGE, KERN_MEMORY_ERROR.
 */
kern_return_t vm_map_copy_overwrite(vm_map_t dst, vm_offset_t addr, vm_map_copy_t copy, bool interruptible);
/* The contents in a new copy; the old one is an empty OBJECT copy. NULL: shortage, or copy NULL. */
vm_map_copy_t vm_map_copy_copy(vm_map_copy_t copy);
void vm_map_copy_discard(vm_map_copy_t copy);           /* NULL allowed; a continuation is aborted */
/* Discard as a continuation: cont_args is the copy. */
kern_return_t vm_map_copy_discard_cont(vm_map_copyin_args_t cont_args, vm_map_copy_t *next);
void vm_map_copy_page_discard(vm_map_copy_t copy);      /* only the pages of a PAGE_LIST */
/* Busy pages of a PAGE_LIST become loose private ones. KERN_RESOURCE_SHORTAGE: as it was. */
kern_return_t vm_map_copy_steal_pages(vm_map_copy_t copy);
bool vm_map_copy_cont_is_valid(vm_map_copy_t copy);
/* Each clears the continuation, so that it runs once. */
void vm_map_copy_invoke_cont(vm_map_copy_t old, vm_map_copy_t *next, kern_return_t *result);
void vm_map_copy_invoke_extend_cont(vm_map_copy_t old, vm_map_copy_t *next, kern_return_t *result);
void vm_map_copy_abort_cont(vm_map_copy_t copy);
/* Visits every copy; fn returns FALSE to stop. Holds the list lock: fn must not sleep. */
void vm_map_copy_foreach(bool (*fn)(vm_map_copy_t, void *), void *arg);
extern struct zone vm_map_copy_zone;

#endif
