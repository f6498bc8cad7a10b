/*
 * pager_file.c: files of the initial ramdisk as memory objects.
 *
 *   pager_file_open ──> list of open files ──> struct file ──> bytes in the archive
 *                            (no references)     │ memory object
 *
 * One memory object per file, as long as anybody refers to it: so everybody who maps a
 * file shares its pages. They are read-only; who wants to write takes a private copy
 * (vm_map with copy). A page is copied from the archive when it is first
 * asked for; what follows the file's end in its last page is zeros.
 *
 * The archive is not trusted, but it never changes, and initrd_lookup has
 * checked the file's place in it.
 *
 * Lock: files_lock, for the list. A file that is being freed is still on it, but
 * gives no reference any more. Failure: without a page for the last piece, who waits gets a shortage.
 */
#include <string.h>
#include <kernel/initrd.h>
#include <kernel/pager.h>
#include <mm/zone.h>

#define FILE_CLUSTER    (16 * PAGE_SIZE)

struct file {
	struct list     link;
	memory_object_t mo;
	const uint8_t  *data;
	vm_size_t       size;           /* bytes */
};

static struct zone     file_zone;
static struct spinlock files_lock = SPINLOCK_INIT(NAMED);
static struct list     files = { &files, &files };

/* The last page, which the file does not fill. */
static void
supply_tail(const struct file *f, vm_object_offset_t offset)
{
	struct vm_page *m = vm_page_alloc(VM_PAGE_ZERO);

	if (m == NULL) {
		(void)memory_object_data_error(f->mo, offset, PAGE_SIZE, KERN_RESOURCE_SHORTAGE);
		return;
	}
	memcpy(vm_page_va(m), f->data + offset, f->size - offset);
	(void)memory_object_data_supply(f->mo, offset, vm_page_va(m), PAGE_SIZE, VM_PROT_NONE, false);
	vm_page_free(m);
}

static const struct memory_object_attr_info file_attributes = {
	.copy_strategy = MEMORY_OBJECT_COPY_DELAY, .cluster_size = FILE_CLUSTER,
};

static void
file_data_request(memory_object_t mo, vm_object_offset_t offset, vm_size_t length, vm_prot_t access)
{
	const struct file *f = mo->pager;
	vm_size_t whole = trunc_page(f->size);

	(void)access;
	if (offset < whole) {
		vm_size_t n = length < whole - offset ? length : whole - offset;

		(void)memory_object_data_supply(mo, offset, f->data + offset, n, VM_PROT_NONE, false);
		offset += n;
		length -= n;
	}
	if (length > 0 && offset < f->size)
		supply_tail(f, offset);
}

static void
file_free(memory_object_t mo)
{
	struct file *f = mo->pager;

	spin_lock(&files_lock);
	list_remove(&f->link);
	spin_unlock(&files_lock);
	zfree(&file_zone, f);
}

/* Nobody may write, so nothing changes, and nothing is locked. */
static const struct memory_object_ops pager_file_ops = {
	.name = "file",
	.attributes = &file_attributes,
	.data_request = file_data_request,
	.free = file_free,
};

void
pager_file_bootstrap(void)
{
	zone_init(&file_zone, "pager_file", sizeof(struct file));
}

/* The memory object of an open file, with a reference, or NULL. files_lock held. */
static memory_object_t
file_find(const uint8_t *data)
{
	struct list *l;

	list_foreach(l, &files) {
		struct file *f = list_entry(l, struct file, link);

		if (f->data == data && memory_object_reference_try(f->mo))
			return f->mo;
	}
	return NULL;
}

kern_return_t
pager_file_open(const char *path, memory_object_t *mo, vm_size_t *bytes)
{
	memory_object_t mine = NULL, found;
	struct initrd_file i;
	struct file *f;

	if (!initrd_lookup(path, &i))
		return KERN_FAIL(KERN_NOT_FOUND, "the initrd has no such file");
	if (i.size == 0)
		return KERN_FAIL(KERN_INVALID_ARGUMENT, "the file is empty: there is nothing to map");
	f = zalloc(&file_zone);
	if (f != NULL)
		mine = memory_object_create(&pager_file_ops, f, i.size, VM_PROT_READ | VM_PROT_EXECUTE);
	if (mine == NULL) {
		if (f != NULL)
			zfree(&file_zone, f);
		return KERN_FAIL(KERN_RESOURCE_SHORTAGE, "no memory to open a file");
	}
	*f = (struct file){ .mo = mine, .data = i.data, .size = i.size };
	spin_lock(&files_lock);
	found = file_find(i.data);
	list_push_back(&files, &f->link);
	spin_unlock(&files_lock);
	*mo = found != NULL ? found : mine;
	if (found != NULL)
		memory_object_release(mine);
	if (bytes != NULL)
		*bytes = i.size;
	return KERN_SUCCESS;
}
