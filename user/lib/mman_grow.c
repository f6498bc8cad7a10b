/*
 * mman_grow.c: mappings of files that grow and shrink under them.
 *
 *   file    |#######|           <- end of the file, in whole pages
 *   mapping    [####!!!!]       # the file's window once more; ! nothing: SIGBUS
 *
 * Where a mapping reaches behind the end of its file it maps the object whose
 * manager fails (file.c). When this process moves the end, the pages between
 * the old end and the new one are mapped anew, with the rights that they have.
 * A list says what is mapped where: mmap adds to it, and munmap, mmap and
 * mremap take from it what they replace. Memory that Mach's calls have put
 * there instead is known by its object, and left alone.
 *
 * Not followed: an end that another process moves, mappings that mremap has
 * moved, and, in private mappings, a file that shrinks.
 *
 * Lock: __atlas_files_lock, over the list; all callers but those of mapped_gone hold it.
 */
#include "libatlas.h"
#include <stdlib.h>
#include "file.h"

struct file_mapping {
	struct file_mapping *next;
	struct file         *file;      /* one use */
	vm_address_t         addr, end;
	uint64_t             offset;    /* in the file, of addr */
	bool                 copy;
};

static struct file_mapping *mappings;

static bool
add(struct file_mapping **link, struct file_mapping m)
{
	struct file_mapping *new = malloc(sizeof(*new));

	if (new == NULL)
		return false;
	*new = m;
	new->next = *link;
	*link = new;
	__atlas_file_hold(m.file);
	return true;
}

bool
__atlas_mapped_add(struct file *file, vm_address_t addr, vm_size_t len, uint64_t offset, bool copy)
{
	return add(&mappings, (struct file_mapping){
		.file = file, .addr = addr, .end = addr + len, .offset = offset, .copy = copy,
	});
}

/* m loses what lies in [addr, end); *link is m's. TRUE: it is gone. */
static bool
cut(struct file_mapping **link, vm_address_t addr, vm_address_t end)
{
	struct file_mapping *m = *link, tail = *m;

	tail.addr = end;
	tail.offset += end - m->addr;
	if (m->addr < addr) {
		if (m->end > end)
			(void)add(&m->next, tail);      /* no memory: it is no longer followed */
		m->end = addr;
		return false;
	}
	if (m->end > end) {
		m->addr = end;
		m->offset = tail.offset;
		return false;
	}
	*link = m->next;
	__atlas_file_drop(m->file);
	free(m);
	return true;
}

static void
forget(vm_address_t addr, vm_size_t len)
{
	struct file_mapping **link = &mappings, *m;

	while ((m = *link) != NULL)
		if (m->end <= addr || m->addr >= addr + len || !cut(link, addr, addr + len))
			link = &m->next;
}

void
__atlas_mapped_gone(vm_address_t addr, vm_size_t len)
{
	if (__atomic_load_n(&mappings, __ATOMIC_RELAXED) == NULL)
		return;                 /* programs that map no files pay nothing */
	atlas_mutex_lock(&__atlas_files_lock);
	forget(addr, len);
	atlas_mutex_unlock(&__atlas_files_lock);
}

/* The object that shows at addr, 0: none; *n: at most the bytes from there on that its region has. */
static unsigned
object_at(vm_address_t addr, vm_size_t *n)
{
	vm_region_top_info_data_t top;
	mach_msg_type_number_t count = VM_REGION_TOP_INFO_COUNT;
	vm_address_t start = addr;
	vm_size_t size;

	if (vm_region(mach_task_self(), &start, &size, VM_REGION_TOP_INFO, (vm_region_info_t)&top, &count, NULL) !=
	    KERN_SUCCESS)
		return 0;
	if (start > addr) {
		*n = start - addr < *n ? start - addr : *n;
		return 0;
	}
	*n = start + size - addr < *n ? start + size - addr : *n;
	return top.obj_id;
}

/* [addr, addr + n), one region, shows what is at from, with the rights that it has. */
static void
show(vm_address_t addr, vm_size_t n, vm_address_t from, bool copy)
{
	vm_region_basic_info_data_64_t info;
	mach_msg_type_number_t count = VM_REGION_BASIC_INFO_COUNT_64;
	vm_address_t start = addr;
	vm_size_t size;

	if (vm_region(mach_task_self(), &start, &size, VM_REGION_BASIC_INFO_64, (vm_region_info_t)&info, &count, NULL) !=
	    KERN_SUCCESS || __atlas_remap_over(addr, n, from, copy, info.inheritance) != KERN_SUCCESS)
		return;
	(void)vm_protect(mach_task_self(), addr, n, FALSE, info.protection);
	(void)vm_protect(mach_task_self(), addr, n, TRUE, info.max_protection);
}

/* The part of m that lies in [low, high) of the file, region by region: window and mapping may both have several. */
static void
resize(const struct file_mapping *m, vm_address_t window, uint64_t low, uint64_t high, bool grows)
{
	uint64_t at = low > m->offset ? low : m->offset;
	uint64_t last = high < m->offset + (m->end - m->addr) ? high : m->offset + (m->end - m->addr);
	vm_address_t nothing = __atlas_nothing_locked(), addr;
	unsigned none, file, there;
	vm_size_t n;

	for (; at < last && nothing != 0; at += n) {
		n = last - at;
		addr = m->addr + (at - m->offset);
		none = object_at(nothing, &n);
		file = object_at(window + at, &n);
		there = object_at(addr, &n);
		if (grows && there != 0 && there == none)
			show(addr, n, window + at, m->copy);
		else if (!grows && !m->copy && there != 0 && there == file)
			show(addr, n, nothing, false);
	}
}

void
__atlas_mapped_resize(struct file *file, vm_address_t window, uint64_t old, uint64_t new)
{
	uint64_t low = round_page(old < new ? old : new), high = round_page(old < new ? new : old);

	if (low == high)
		return;
	for (const struct file_mapping *m = mappings; m != NULL; m = m->next)
		if (m->file == file)
			resize(m, window, low, high, old < new);
}
