/*
 * syscall_memory.c: system calls that make memory which handles name: named
 * entries, and the memory objects of the kernel's own pagers.
 *
 * A call that gives a handle writes to its output first, so that a pointer that
 * leads nowhere is found before anything is made; what is made and cannot be
 * handed over is taken back.
 */
#include <kernel/task.h>
#include <kernel/thread.h>
#include <atlas/abi.h>
#include <kernel/pager.h>
#include <machine/copy.h>
#include <mm/vm_user.h>
#include "syscall.h"
#include "syscall_target.h"

/* Writes a handle that the task has; if that cannot be done it goes again. */
static kern_return_t
handle_hand_over(uint32_t handle, uint64_t handle_out)
{
	kern_return_t kr = copyout(&handle, handle_out, sizeof(handle));

	if (kr != KERN_SUCCESS && handle != 0)
		handle_remove(current_task(), handle);
	return kr;
}

/* *handle: a handle for object, whose reference is consumed in any case; 0 for NULL. */
static kern_return_t
handle_make(enum handle_type type, void *object, uint32_t *handle)
{
	kern_return_t kr;

	*handle = 0;
	if (object == NULL)
		return KERN_SUCCESS;
	kr = handle_insert(current_task(), type, object, handle);
	if (kr != KERN_SUCCESS)
		handle_release(type, object);
	return kr;
}

static kern_return_t
handle_give(enum handle_type type, void *object, uint64_t handle_out)
{
	uint32_t handle;
	kern_return_t kr = handle_make(type, object, &handle);

	return kr == KERN_SUCCESS ? handle_hand_over(handle, handle_out) : kr;
}

/*
 * A handle for the entry, whose reference is consumed: the parent's own once
 * more when the entry is the parent (MAP_MEM_NAMED_REUSE).
 */
static kern_return_t
entry_handle(vm_named_entry_t entry, uint32_t parent_handle, vm_named_entry_t parent, uint32_t *handle)
{
	if (entry == NULL || entry != parent)
		return handle_make(HANDLE_NAMED_ENTRY, entry, handle);
	vm_named_entry_release(entry);          /* the parent has the caller's */
	*handle = parent_handle;
	return handle_again(current_task(), parent_handle);
}

static kern_return_t
make_entry(vm_map_t map, uint64_t size_inout, uint64_t offset, uint32_t permission, uint64_t handle_out,
    uint32_t parent_handle, vm_named_entry_t parent)
{
	vm_named_entry_t entry;
	vm_size_ut size;
	uint32_t handle;
	kern_return_t kr = copyin(size_inout, &size.v, sizeof(size.v));

	if (kr == KERN_SUCCESS)
		kr = copyout(&size.v, size_inout, sizeof(size.v));
	if (kr == KERN_SUCCESS)
		kr = output_probe(handle_out, sizeof(uint32_t));
	if (kr == KERN_SUCCESS)
		kr = mach_make_memory_entry(map, &size, vm_address_u(offset), permission, &entry, parent);
	if (kr == KERN_SUCCESS)
		kr = entry_handle(entry, parent_handle, parent, &handle);
	if (kr == KERN_SUCCESS)
		kr = handle_hand_over(handle, handle_out);
	/* Writable a moment ago; if another thread took it away, the caller did not want to know. */
	return kr == KERN_SUCCESS ? copyout(&size.v, size_inout, sizeof(size.v)) : kr;
}

kern_return_t
sys_mach_make_memory_entry(uint64_t task, uint64_t size_inout, uint64_t offset, uint64_t permission,
    uint64_t handle_out, uint64_t parent)
{
	vm_named_entry_t from = NULL;
	struct target t;
	kern_return_t kr;

	if (!target_get(task, &t))
		return KERN_INVALID_ARGUMENT;
	if ((uint32_t)parent != 0) {
		from = handle_object(current_task(), (uint32_t)parent, HANDLE_NAMED_ENTRY);
		if (from == NULL)
			return target_put(&t, KERN_INVALID_ARGUMENT);
	}
	kr = make_entry(t.map, size_inout, offset, (uint32_t)permission, handle_out, (uint32_t)parent, from);
	vm_named_entry_release(from);
	return target_put(&t, kr);
}

kern_return_t
sys_vm_region_object_create(uint64_t task, uint64_t size, uint64_t handle_out)
{
	vm_named_entry_t entry;
	struct target t;
	kern_return_t kr;

	if (!target_get(task, &t))
		return KERN_INVALID_ARGUMENT;
	kr = output_probe(handle_out, sizeof(uint32_t));
	if (kr == KERN_SUCCESS)
		kr = vm_region_object_create(vm_size_u(size), &entry);
	if (kr == KERN_SUCCESS)
		kr = handle_give(HANDLE_NAMED_ENTRY, entry, handle_out);
	return target_put(&t, kr);
}

kern_return_t
sys_mach_memory_object_memory_entry(uint64_t host, uint64_t internal, uint64_t size, uint64_t permission,
    uint64_t pager, uint64_t handle_out)
{
	memory_object_t mo = NULL;
	vm_named_entry_t entry;
	kern_return_t kr;

	if ((uint32_t)host != ATLAS_HOST_SELF)
		return KERN_FAIL(KERN_INVALID_HOST, "0x%x is not the host", (uint32_t)host);
	if ((uint32_t)pager != 0) {
		mo = handle_object(current_task(), (uint32_t)pager, HANDLE_MEMORY_OBJECT);
		if (mo == NULL)
			return KERN_INVALID_ARGUMENT;
	}
	kr = output_probe(handle_out, sizeof(uint32_t));
	if (kr == KERN_SUCCESS)
		kr = mach_memory_object_memory_entry((uint32_t)internal != 0, vm_size_u(size), (vm_prot_t)permission, mo, &entry);
	if (kr == KERN_SUCCESS)
		kr = handle_give(HANDLE_NAMED_ENTRY, entry, handle_out);
	memory_object_release(mo);
	return kr;
}

/* --- memory objects --- */

/* A path or name from user memory, terminated, byte by byte: what follows it need not be mapped. */
static kern_return_t
copyin_name(uint64_t from, char name[ATLAS_PATH_MAX])
{
	for (unsigned i = 0; i < ATLAS_PATH_MAX; i++) {
		kern_return_t kr = copyin(from + i, &name[i], 1);

		if (kr != KERN_SUCCESS || name[i] == '\0')
			return kr;
	}
	return KERN_FAIL(KERN_INVALID_ARGUMENT, "a name has less than %u bytes", ATLAS_PATH_MAX);
}

kern_return_t
sys_memory_object_file(uint64_t path, uint64_t object_out, uint64_t bytes_out)
{
	char name[ATLAS_PATH_MAX];
	memory_object_t mo;
	vm_size_t bytes = 0;
	kern_return_t kr = copyin_name(path, name);

	if (kr == KERN_SUCCESS)
		kr = output_probe(object_out, sizeof(uint32_t));
	if (kr == KERN_SUCCESS)
		kr = output_probe(bytes_out, sizeof(bytes));
	if (kr == KERN_SUCCESS)
		kr = pager_file_open(name, &mo, &bytes);
	if (kr == KERN_SUCCESS)
		kr = handle_give(HANDLE_MEMORY_OBJECT, mo, object_out);
	return kr == KERN_SUCCESS ? copyout(&bytes, bytes_out, sizeof(bytes)) : kr;
}

kern_return_t
sys_memory_object_device(uint64_t name, uint64_t address, uint64_t size, uint64_t object_out, uint64_t start_out)
{
	char text[ATLAS_PATH_MAX];
	memory_object_t mo;
	uint64_t start = 0;
	kern_return_t kr = name != 0 ? copyin_name(name, text) : KERN_SUCCESS;

	if (kr == KERN_SUCCESS)
		kr = output_probe(object_out, sizeof(uint32_t));
	if (kr == KERN_SUCCESS)
		kr = output_probe(start_out, sizeof(start));
	if (kr == KERN_SUCCESS)
		kr = pager_device_open(name != 0 ? text : NULL, address, size, &mo, &start);
	if (kr == KERN_SUCCESS)
		kr = handle_give(HANDLE_MEMORY_OBJECT, mo, object_out);
	return kr == KERN_SUCCESS ? copyout(&start, start_out, sizeof(start)) : kr;
}

kern_return_t
sys_memory_object_test(uint64_t size, uint64_t object_out)
{
	memory_object_t mo;
	kern_return_t kr = output_probe(object_out, sizeof(uint32_t));

	if (kr == KERN_SUCCESS)
		kr = pager_test_create(size, &mo);
	return kr == KERN_SUCCESS ? handle_give(HANDLE_MEMORY_OBJECT, mo, object_out) : kr;
}

_Static_assert((int)PAGER_VERBS == (int)ATLAS_PAGER_VERBS && (int)PAGER_DIE == (int)ATLAS_PAGER_DIE &&
    (int)PAGER_ANSWER == (int)ATLAS_PAGER_ANSWER && (int)PAGER_FILL == (int)ATLAS_PAGER_FILL, "the same verbs");

kern_return_t
sys_memory_object_tell(uint64_t object, uint64_t verb, uint64_t value)
{
	memory_object_t mo = handle_object(current_task(), (uint32_t)object, HANDLE_MEMORY_OBJECT);
	kern_return_t kr;

	if (mo == NULL)
		return KERN_INVALID_ARGUMENT;
	if ((uint32_t)verb >= PAGER_VERBS)
		kr = KERN_FAIL(KERN_INVALID_ARGUMENT, "a test pager knows no verb %u", (uint32_t)verb);
	else
		kr = pager_test_control(mo, (enum pager_test_verb)(uint32_t)verb, value);
	memory_object_release(mo);
	return kr;
}

kern_return_t
sys_memory_object_counts(uint64_t object, uint64_t counts_out)
{
	memory_object_t mo = handle_object(current_task(), (uint32_t)object, HANDLE_MEMORY_OBJECT);
	struct pager_test_counts c;
	struct atlas_pager_counts u;
	bool found;

	if (mo == NULL)
		return KERN_INVALID_ARGUMENT;
	found = pager_test_counts(mo, &c);
	memory_object_release(mo);
	if (!found)
		return KERN_FAIL(KERN_INVALID_ARGUMENT, "handle 0x%x names no test pager's memory object", (uint32_t)object);
	u = (struct atlas_pager_counts){
		.inits = c.inits, .terminates = c.terminates, .requests = c.requests, .unlocks = c.unlocks,
		.returns = c.returns, .dirty = c.dirty, .syncs = c.syncs, .held = c.held, .lost = c.lost,
		.offset = c.offset, .length = c.length, .access = c.access,
	};
	return copyout(&u, counts_out, sizeof(u));
}

/* One step of at most n bytes, within one page of the object; through the kernel's stack. */
static kern_return_t
store_step(memory_object_t mo, uint64_t offset, uint64_t data, size_t n, bool write)
{
	char chunk[256];
	kern_return_t kr = KERN_SUCCESS;

	if (write)
		kr = copyin(data, chunk, n);
	if (kr == KERN_SUCCESS && !pager_test_store(mo, offset, chunk, n, write))
		kr = KERN_FAIL(KERN_INVALID_ARGUMENT, "0x%lx bytes at 0x%lx: no test pager's, outside, or no memory", n, offset);
	if (kr == KERN_SUCCESS && !write)
		kr = copyout(chunk, data, n);
	return kr;
}

kern_return_t
sys_memory_object_store(uint64_t object, uint64_t offset, uint64_t data, uint64_t size, uint64_t write)
{
	memory_object_t mo = handle_object(current_task(), (uint32_t)object, HANDLE_MEMORY_OBJECT);
	kern_return_t kr = KERN_SUCCESS;
	uint64_t done, n;

	if (mo == NULL)
		return KERN_INVALID_ARGUMENT;
	for (done = 0; done < size && kr == KERN_SUCCESS; done += n) {
		n = PAGE_SIZE - (offset + done) % PAGE_SIZE;
		n = n < 256 ? n : 256;
		n = n < size - done ? n : size - done;
		kr = store_step(mo, offset + done, data + done, n, (uint32_t)write != 0);
		thread_checkpoint();
	}
	memory_object_release(mo);
	return kr;
}
