/*
 * mman.c: mmap, munmap, mprotect, minherit over the Mach calls.
 *
 *   mman.c           what is mapped
 *   mman_advice.c    madvise, msync, mlock, mincore
 *   mman_remap.c     mremap
 *
 * The checks are those of FreeBSD's system calls, in its order; the work is
 * one call each, for new memory FreeBSD's vm_map_find_min and vm_map_fixed.
 * MAP_SHARED is inheritance SHARE, MAP_PRIVATE is COPY. A place is first fit from
 * the hint on (none: from the bottom), then from the bottom; by MAP_ALIGNED(n) at
 * a multiple of 2^n, by MAP_ALIGNED_SUPER where the memory's superpages can be
 * used, and so for a large piece of a file, if there is such a place.
 * A mapping of a file is a second mapping (vm_remap) of the library's window on
 * it (file.c): of the same memory, or of a copy.
 */
#include "libatlas.h"
#include <errno.h>
#include <stdbool.h>
#include <sys/mman.h>
#include <vm/vm_map_range.h>
#include <vm/vm_map.h>
#include "file.h"

#define PROT_ALL_BITS   (PROT_READ | PROT_WRITE | PROT_EXEC)
#define MAP_KNOWN       (MAP_SHARED | MAP_PRIVATE | MAP_FIXED | MAP_NORESERVE | MAP_STACK | MAP_NOSYNC | \
	MAP_ANON | MAP_GUARD | MAP_EXCL | MAP_NOCORE | MAP_POPULATE | MAP_FIXED_NOREPLACE | MAP_LOCKED | \
	MAP_ALIGNMENT_MASK)
/* What may go with a guard. */
#define MAP_WITH_GUARD  (MAP_GUARD | MAP_FIXED | MAP_FIXED_NOREPLACE | MAP_EXCL | MAP_PRIVATE | MAP_ANON | \
	MAP_ALIGNMENT_MASK)
#define MEGAPAGE        (2ull << 20)

int
__atlas_errno(kern_return_t kr)
{
	switch (kr) {
	case KERN_SUCCESS:
		return 0;
	case KERN_INVALID_ADDRESS:
	case KERN_NO_SPACE:
	case KERN_RESOURCE_SHORTAGE:
		errno = ENOMEM;
		return -1;
	case KERN_PROTECTION_FAILURE:
		errno = EACCES;
		return -1;
	default:
		errno = EINVAL;
		return -1;
	}
}

static int
fail(int code)
{
	errno = code;
	return -1;
}

/* 2^38, 2^47 or 2^56; found by asking. */
uint64_t
__atlas_address_limit(void)
{
	static uint64_t limit;
	static const unsigned bits[] = { 38, 47 };
	vm_address_t addr;
	kern_return_t kr;

	if (limit != 0)
		return limit;
	for (unsigned i = 0; i < 2; i++) {
		addr = 1ull << bits[i];
		kr = vm_allocate(mach_task_self(), &addr, PAGE_SIZE, VM_FLAGS_FIXED);
		if (kr == KERN_INVALID_ADDRESS)
			return limit = 1ull << bits[i];
		if (kr == KERN_SUCCESS)
			vm_deallocate(mach_task_self(), addr, PAGE_SIZE);
	}
	return limit = 1ull << 56;
}

bool
__atlas_range(uint64_t *addr, size_t *len)
{
	uint64_t start = trunc_page(*addr), end;

	if (__builtin_add_overflow(*addr, *len, &end) || end > UINT64_MAX - PAGE_MASK)
		return false;
	end = round_page(end);
	if (end > __atlas_address_limit())
		return false;
	*addr = start;
	*len = end - start;
	return true;
}

/* What mmap has made of its arguments. */
struct mapping {
	int          space;             /* VMFS_* */
	vm_size_t    len;
	vm_prot_t    cur, max;
	vm_inherit_t inherit;           /* of a file's mapping */
	struct file *file;              /* NULL: zero-fill */
	uint64_t     offset;            /* in it */
	vm_address_t source;            /* in the library's window of the file */
	bool         copy;
	int          cow;               /* what vm_map_find is told of it */
};

/* The strategy of vm_map_find; EINVAL: there is no such alignment. */
static int
mmap_space(int flags, int *space)
{
	unsigned align = (unsigned)flags >> MAP_ALIGNMENT_SHIFT;

	if (align == 0)
		*space = VMFS_ANY_SPACE;
	else if (align == 1)
		*space = VMFS_SUPER_SPACE;
	else if (align < PAGE_SHIFT || align >= 64)
		return EINVAL;
	else
		*space = VMFS_ALIGNED_SPACE((int)align);
	return 0;
}

/* Checks that need nothing but the arguments. */
static int
mmap_check(int prot, int flags, int fd, off_t offset)
{
	int max = prot >> 16;

	if ((flags & ~MAP_KNOWN) != 0 || ((prot | max) & ~(PROT_ALL_BITS | 0xffff0000)) != 0 ||
	    (max & ~PROT_ALL_BITS) != 0)
		return EINVAL;
	if (max != 0 && (prot & PROT_ALL_BITS & ~max) != 0)
		return ENOTSUP;
	if ((flags & MAP_SHARED) != 0 && (flags & MAP_PRIVATE) != 0)
		return EINVAL;
	if ((flags & MAP_GUARD) != 0)
		return (flags & ~MAP_WITH_GUARD) != 0 || prot != PROT_NONE || fd != -1 || offset != 0 ? EINVAL : 0;
	if ((flags & MAP_STACK) != 0 && (fd != -1 || (prot & (PROT_READ | PROT_WRITE)) != (PROT_READ | PROT_WRITE)))
		return EINVAL;
	if ((flags & (MAP_ANON | MAP_STACK)) != 0)
		return fd != -1 || offset != 0 ? EINVAL : 0;
	return 0;
}

/* Bytes of m that lie behind the last page of its file. */
static vm_size_t
tail_of(const struct mapping *m)
{
	uint64_t end = __atlas_file_end(m->file);

	return m->offset >= end ? m->len : m->len > end - m->offset ? m->len - (end - m->offset) : 0;
}

/* Lets go of the file. */
static void
mapping_done(struct mapping *m)
{
	if (m->file == NULL)
		return;
	atlas_mutex_lock(&__atlas_files_lock);
	__atlas_file_drop(m->file);
	m->file = NULL;
	atlas_mutex_unlock(&__atlas_files_lock);
}

/* A mapping of a file: where its window is, and the rights that it may have. m->file is held from now on; NULL: new memory. */
static int
mmap_file(struct mapping *m, int flags, int fd, off_t offset)
{
	struct file_window w;
	int error = fd < 0 ? EBADF : __atlas_file_window(fd, &w);

	if (error != 0)
		return error;
	m->file = w.file;
	if ((offset & PAGE_MASK) != 0 || offset < 0 || (flags & (MAP_SHARED | MAP_PRIVATE)) == 0)
		return EINVAL;
	m->copy = (flags & MAP_SHARED) == 0;
	if (!m->copy && !w.writable)
		m->max &= ~VM_PROT_WRITE;
	if (!w.readable || (m->cur & ~m->max) != 0)
		return EACCES;
	if (w.zero) {
		mapping_done(m);
		return 0;
	}
	m->source = w.addr + (uint64_t)offset;
	m->offset = (uint64_t)offset;
	return tail_of(m) != 0 && (m->len > NOTHING_MAX || __atlas_nothing() == 0) ? ENXIO : 0;
}

kern_return_t
__atlas_remap_over(vm_address_t addr, vm_size_t len, vm_address_t from, boolean_t copy, vm_inherit_t inherit)
{
	vm_prot_t cur, max;

	if (len == 0)
		return KERN_SUCCESS;
	return vm_remap(mach_task_self(), &addr, len, 0, VM_FLAGS_FIXED | VM_FLAGS_OVERWRITE, mach_task_self(), from, copy,
	    &cur, &max, inherit);
}

/* The place of a mapping of a file is taken, by zero-fill memory: the file goes there, and what lies behind its end. */
static kern_return_t
mmap_over(struct mapping *m, vm_address_t addr)
{
	vm_size_t tail, head;
	kern_return_t kr;

	atlas_mutex_lock(&__atlas_files_lock);          /* the file's end stays where it is */
	tail = tail_of(m);
	head = m->len - tail;
	kr = __atlas_remap_over(addr, head, m->source, m->copy, m->inherit);
	if (kr == KERN_SUCCESS)
		kr = __atlas_remap_over(addr + head, tail, __atlas_nothing_locked(), FALSE, m->inherit);
	if (kr == KERN_SUCCESS && !__atlas_mapped_add(m->file, addr, m->len, m->offset, m->copy))
		kr = KERN_RESOURCE_SHORTAGE;
	atlas_mutex_unlock(&__atlas_files_lock);
	if (kr == KERN_SUCCESS)
		kr = vm_protect(mach_task_self(), addr, m->len, FALSE, m->cur);
	if (kr == KERN_SUCCESS)
		kr = vm_protect(mach_task_self(), addr, m->len, TRUE, m->max);
	return kr;
}

enum how { ANYWHERE, OVERWRITE, KEEP };

/* New memory at addr, or as near above as can be (ANYWHERE). */
static kern_return_t
mmap_new(struct mapping *m, vm_address_t *addr, enum how how)
{
	vm_map_t self = mach_task_self();
	vm_ooffset_t at = m->file != NULL ? (vm_ooffset_t)(m->source & (MEGAPAGE - 1)) : 0;
	vm_address_t hint = *addr;
	kern_return_t kr;

	if (how != ANYWHERE)
		return vm_map_fixed(self, VM_OBJECT_NULL, 0, *addr, m->len, m->cur, m->max,
		    m->cow | (how == KEEP ? MAP_CHECK_EXCL : 0));
	if (m->space == VMFS_ANY_SPACE && m->file != NULL && m->len >= MEGAPAGE) {
		kr = vm_map_find_min(self, VM_OBJECT_NULL, at, addr, m->len, VM_MIN_ADDRESS, 0, VMFS_SUPER_SPACE, m->cur, m->max,
		    m->cow);
		if (kr != KERN_NO_SPACE)
			return kr;
		*addr = hint;
	}
	return vm_map_find_min(self, VM_OBJECT_NULL, at, addr, m->len, VM_MIN_ADDRESS, 0, m->space, m->cur, m->max, m->cow);
}

static kern_return_t
mmap_at(struct mapping *m, vm_address_t *addr, enum how how)
{
	kern_return_t kr;

	if (how == OVERWRITE)
		__atlas_mapped_gone(*addr, m->len);
	kr = mmap_new(m, addr, how);
	if (kr != KERN_SUCCESS || m->file == NULL)
		return kr;
	kr = mmap_over(m, *addr);
	if (kr != KERN_SUCCESS)
		vm_deallocate(mach_task_self(), *addr, m->len);
	return kr;
}

/* FIXED in one of its ways; sets errno. */
static void *
mmap_fixed(struct mapping *m, uint64_t start, int flags)
{
	bool keep = (flags & (MAP_EXCL | MAP_FIXED_NOREPLACE)) != 0;
	vm_address_t addr = start;
	uint64_t checked = start;
	size_t len = m->len;
	kern_return_t kr;

	if (!__atlas_range(&checked, &len)) {
		errno = EINVAL;
		return MAP_FAILED;
	}
	kr = mmap_at(m, &addr, keep ? KEEP : OVERWRITE);
	if (keep && kr == KERN_NO_SPACE) {
		errno = (flags & MAP_EXCL) != 0 ? EINVAL : EEXIST;
		return MAP_FAILED;
	}
	return __atlas_errno(kr) == 0 ? (void *)addr : MAP_FAILED;
}

/* A hint beyond user space is none. */
static void *
mmap_anywhere(struct mapping *m, vm_address_t hint)
{
	uint64_t checked = hint;
	size_t len = m->len;
	vm_address_t addr = __atlas_range(&checked, &len) ? hint : 0;

	return __atlas_errno(mmap_at(m, &addr, ANYWHERE)) == 0 ? (void *)addr : MAP_FAILED;
}

/*
 * Each page is had now, by the kernel, which stops where one is not to be had; an access of our own would be a signal.
 * Private memory gets its pages for writing: a byte is copied onto itself, and nobody else has the address yet.
 */
static void
populate(vm_address_t addr, const struct mapping *m, bool private)
{
	bool writes = private && (m->cur & (VM_PROT_READ | VM_PROT_WRITE)) == (VM_PROT_READ | VM_PROT_WRITE);
	vm_map_t self = mach_task_self();
	kern_return_t kr = KERN_SUCCESS;
	vm_size_t done;
	char byte;

	for (vm_address_t p = addr; p < addr + m->len && kr == KERN_SUCCESS; p += PAGE_SIZE)
		kr = writes ? vm_copy(self, p, 1, p) : vm_read_overwrite(self, p, 1, (vm_address_t)&byte, &done);
	(void)vm_behavior_set(self, addr, m->len, VM_BEHAVIOR_WILLNEED);
}

void *
mmap(void *where, size_t len, int prot, int flags, int fd, off_t offset)
{
	struct mapping m = {
		.cur = prot & PROT_ALL_BITS, .max = (prot >> 16) != 0 ? prot >> 16 : VM_PROT_ALL,
		.inherit = (flags & MAP_SHARED) ? VM_INHERIT_SHARE : VM_INHERIT_COPY,
	};
	int error = len == 0 ? EINVAL : mmap_check(prot, flags, fd, offset);
	void *p;

	if (error == 0 && (flags & MAP_EXCL) != 0 && (flags & MAP_FIXED) == 0)
		error = EINVAL;
	if (error == 0)
		error = mmap_space(flags, &m.space);
	if (error == 0 && (flags & (MAP_FIXED | MAP_FIXED_NOREPLACE)) != 0 && ((uintptr_t)where & PAGE_MASK) != 0)
		error = EINVAL;
	if (error == 0 && len > UINT64_MAX - PAGE_MASK)
		error = ENOMEM;
	m.len = round_page(len);
	m.cow = (flags & MAP_SHARED ? MAP_INHERIT_SHARE : 0) | (flags & MAP_NOSYNC ? MAP_DISABLE_SYNCER : 0) |
	    (flags & MAP_NOCORE ? MAP_DISABLE_COREDUMP : 0);
	if ((flags & MAP_STACK) != 0)
		m.cow |= MAP_STACK_GROWS_DOWN;
	if ((flags & MAP_GUARD) != 0) {
		m.max = VM_PROT_NONE;
		m.cow |= MAP_CREATE_GUARD;
	}
	if (error == 0 && (flags & (MAP_ANON | MAP_STACK | MAP_GUARD)) == 0)
		error = mmap_file(&m, flags, fd, offset);
	if (error != 0) {
		mapping_done(&m);
		errno = error;
		return MAP_FAILED;
	}
	p = (flags & (MAP_FIXED | MAP_FIXED_NOREPLACE)) != 0 ? mmap_fixed(&m, (uintptr_t)where, flags) :
	    mmap_anywhere(&m, trunc_page((uintptr_t)where));
	mapping_done(&m);
	if (p == MAP_FAILED)
		return p;
	if ((flags & MAP_LOCKED) != 0 && m.cur != VM_PROT_NONE && mlock(p, m.len) != 0) {
		munmap(p, m.len);
		return MAP_FAILED;
	}
	if ((flags & MAP_POPULATE) != 0)
		populate((vm_address_t)p, &m, (flags & MAP_SHARED) == 0);
	return p;
}

int
munmap(void *where, size_t len)
{
	uint64_t addr = (uintptr_t)where;

	if (len == 0 || (addr & PAGE_MASK) != 0 || !__atlas_range(&addr, &len))
		return fail(EINVAL);
	__atlas_mapped_gone(addr, len);
	return __atlas_errno(vm_deallocate(mach_task_self(), addr, len));
}

int
mprotect(void *where, size_t len, int prot)
{
	uint64_t addr = (uintptr_t)where;
	int max = prot >> 16, cur = prot & 0xffff;
	kern_return_t kr;

	if ((cur & ~PROT_ALL_BITS) != 0 || (max & ~PROT_ALL_BITS) != 0 || prot < 0 || (addr & PAGE_MASK) != 0)
		return fail(EINVAL);
	if (max != 0 && (cur & ~max) != 0)
		return fail(ENOTSUP);
	if (len == 0)
		return 0;
	if (!__atlas_range(&addr, &len))
		return fail(EINVAL);
	kr = vm_protect(mach_task_self(), addr, len, FALSE, cur);
	if (kr == KERN_SUCCESS && max != 0)
		kr = vm_protect(mach_task_self(), addr, len, TRUE, max);
	return __atlas_errno(kr);
}

int
minherit(void *where, size_t len, int inherit)
{
	uint64_t addr = (uintptr_t)where;

	if (inherit < INHERIT_SHARE || inherit > INHERIT_ZERO || !__atlas_range(&addr, &len))
		return fail(EINVAL);
	return __atlas_errno(vm_map_inherit(mach_task_self(), addr, addr + len, inherit));
}
