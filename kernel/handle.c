/*
 * handle.c: the names that a task has for kernel objects.
 *
 *	handle = generation << 12 | index        index 1..4095, generation 20 bits
 *
 *	task->handles ──> page[0] ─> 256 entries: object, type, generation, uses | next free
 *	                  page[1] ...  made when the ones before are full
 *
 * What can be named: tasks, named entries, memory objects; a handle of another
 * type than the call wants names nothing there. A handle may be in use several
 * times (Mach's user references): it goes with the last.
 *
 * A removed entry counts its generation on, so an old handle names nothing
 * until the same index was used 2^20 times. 0 and ATLAS_TASK_SELF are never
 * handles. The table is made with the first handle and grows by a page; both
 * go with the task.
 *
 * Locks: the task's. What a handle names has a reference, taken and dropped
 * outside of the lock, but copied under it: so it cannot go in between.
 */
#include <kernel/task.h>
#include <atlas/abi.h>
#include <mm/memory_object.h>
#include <mm/vm_named_entry.h>
#include <mm/vm_page.h>
#include <mm/zone.h>
#include <string.h>

#define HANDLE_INDEX_BITS   12
#define HANDLE_INDEX_MASK   ((1u << HANDLE_INDEX_BITS) - 1)
#define HANDLE_GENERATIONS  0xfffffu    /* the last value is left out: ATLAS_TASK_SELF */
#define HANDLES_PER_PAGE    (PAGE_SIZE / sizeof(struct handle_entry))
#define HANDLE_PAGES        ((HANDLE_INDEX_MASK + 1) / HANDLES_PER_PAGE)

struct handle_entry {
	void    *object;                /* NULL: free */
	uint32_t generation;
	uint16_t type;                  /* enum handle_type */
	union {
		uint16_t next_free;     /* free: index, 0: none */
		uint16_t uses;          /* in use: this often */
	};
};

struct handle_table {
	unsigned             count;
	unsigned             used;      /* entries below were handed out at least once */
	unsigned             capacity;
	uint16_t             free;      /* first free entry, 0: none */
	struct handle_entry *page[HANDLE_PAGES];
};

static struct zone handle_table_zone;

static void ref_task(void *object) { task_reference(object); }
static void release_task(void *object) { task_deallocate(object); }
static void ref_entry(void *object) { vm_named_entry_reference(object); }
static void release_entry(void *object) { vm_named_entry_release(object); }
static void ref_memory(void *object) { memory_object_reference(object); }
static void release_memory(void *object) { memory_object_release(object); }

static const struct {
	const char *name;
	void (*reference)(void *);      /* the task's lock held */
	void (*release)(void *);        /* no lock held */
} handle_types[HANDLE_TYPES] = {
	[HANDLE_TASK] = { "task", ref_task, release_task },
	[HANDLE_NAMED_ENTRY] = { "named entry", ref_entry, release_entry },
	[HANDLE_MEMORY_OBJECT] = { "memory object", ref_memory, release_memory },
};

void
handle_init(void)
{
	zone_init(&handle_table_zone, "handle table", sizeof(struct handle_table));
}

static inline struct handle_entry *
handle_entry(struct handle_table *ht, unsigned index)
{
	return &ht->page[index / HANDLES_PER_PAGE][index % HANDLES_PER_PAGE];
}

/* Task locked. Room for one more entry; FALSE: none to be had. */
static bool
handle_grow(struct task *t)
{
	struct handle_table *ht = t->handles;
	struct vm_page *m;

	if (ht == NULL) {
		ht = zalloc(&handle_table_zone);
		if (ht == NULL)
			return false;
		memset(ht, 0, sizeof(*ht));
		ht->used = 1;
		t->handles = ht;
	}
	if (ht->free != 0 || ht->used < ht->capacity)
		return true;
	if (ht->capacity > HANDLE_INDEX_MASK)
		return false;
	m = vm_page_alloc(VM_PAGE_ZERO | VM_PAGE_TASK);
	if (m == NULL)
		return false;
	ht->page[ht->capacity / HANDLES_PER_PAGE] = vm_page_va(m);
	ht->capacity += HANDLES_PER_PAGE;
	return true;
}

kern_return_t
handle_insert(struct task *t, enum handle_type type, void *object, uint32_t *handle)
{
	struct handle_table *ht;
	struct handle_entry *e;
	unsigned index;

	spin_lock(&t->lock);
	if (t->terminating || !handle_grow(t)) {
		bool ending = t->terminating;

		spin_unlock(&t->lock);
		return ending ? KERN_FAIL(KERN_TERMINATED, "task %lu is ending", t->id) :
		    KERN_FAIL(KERN_RESOURCE_SHORTAGE, "no room for another handle of task %lu", t->id);
	}
	ht = t->handles;
	if (ht->free != 0) {
		index = ht->free;
		e = handle_entry(ht, index);
		ht->free = e->next_free;
	} else {
		index = ht->used++;
		e = handle_entry(ht, index);
	}
	e->object = object;
	e->type = (uint16_t)type;
	e->uses = 1;
	ht->count++;
	*handle = e->generation << HANDLE_INDEX_BITS | index;
	spin_unlock(&t->lock);
	return KERN_SUCCESS;
}

/* Task locked. NULL: names nothing. */
static struct handle_entry *
handle_lookup(struct task *t, uint32_t handle)
{
	struct handle_table *ht = t->handles;
	unsigned index = handle & HANDLE_INDEX_MASK;
	struct handle_entry *e;

	if (ht == NULL || index == 0 || index >= ht->used)
		return NULL;
	e = handle_entry(ht, index);
	if (e->object == NULL || e->generation != handle >> HANDLE_INDEX_BITS)
		return NULL;
	return e;
}

/* What the handle names, if its type is in the set, referenced. */
static void *
handle_get(struct task *t, uint32_t handle, unsigned types, enum handle_type *type)
{
	struct handle_entry *e;
	void *found = NULL;

	spin_lock(&t->lock);
	e = handle_lookup(t, handle);
	if (e != NULL && (types >> e->type & 1)) {
		found = e->object;
		*type = e->type;
		handle_types[e->type].reference(found);
	}
	spin_unlock(&t->lock);
	return found;
}

void *
handle_object(struct task *t, uint32_t handle, enum handle_type type)
{
	void *found = handle_get(t, handle, 1u << type, &type);

	if (found == NULL)
		(void)KERN_FAIL(KERN_INVALID_ARGUMENT, "handle 0x%x names no %s", handle, handle_types[type].name);
	return found;
}

void *
handle_memory(struct task *t, uint32_t handle, enum handle_type *type)
{
	void *found = handle_get(t, handle, 1u << HANDLE_NAMED_ENTRY | 1u << HANDLE_MEMORY_OBJECT, type);

	if (found == NULL)
		(void)KERN_FAIL(KERN_INVALID_ARGUMENT, "handle 0x%x names no memory", handle);
	return found;
}

void *
handle_target(struct task *t, uint32_t handle, enum handle_type *type)
{
	void *found = handle_get(t, handle, 1u << HANDLE_TASK | 1u << HANDLE_NAMED_ENTRY, type);

	if (found == NULL)
		(void)KERN_FAIL(KERN_INVALID_ARGUMENT, "handle 0x%x names no task", handle);
	return found;
}

void
handle_release(enum handle_type type, void *object)
{
	if (object != NULL)
		handle_types[type].release(object);
}

struct task *
handle_task(struct task *t, uint32_t handle)
{
	if (handle == ATLAS_TASK_SELF) {
		task_reference(t);
		return t;
	}
	return handle_object(t, handle, HANDLE_TASK);
}

kern_return_t
handle_again(struct task *t, uint32_t handle)
{
	kern_return_t kr = KERN_SUCCESS;
	struct handle_entry *e;

	spin_lock(&t->lock);
	e = handle_lookup(t, handle);
	if (e == NULL)
		kr = KERN_FAIL(KERN_INVALID_NAME, "handle 0x%x names nothing", handle);
	else if (e->uses == UINT16_MAX)
		kr = KERN_FAIL(KERN_UREFS_OVERFLOW, "handle 0x%x is in use %u times", handle, e->uses);
	else
		e->uses++;
	spin_unlock(&t->lock);
	return kr;
}

/* Task locked. Frees the entry; the object's reference is the caller's. */
static void *
handle_clear(struct handle_table *ht, struct handle_entry *e, unsigned index)
{
	void *object = e->object;

	e->object = NULL;
	e->type = HANDLE_NONE;
	e->generation = (e->generation + 1) % HANDLE_GENERATIONS;
	e->next_free = ht->free;
	ht->free = (uint16_t)index;
	ht->count--;
	return object;
}

kern_return_t
handle_remove(struct task *t, uint32_t handle)
{
	enum handle_type type = HANDLE_NONE;
	struct handle_entry *e;
	void *named = NULL;

	spin_lock(&t->lock);
	e = handle_lookup(t, handle);
	if (e != NULL && --e->uses == 0) {
		type = e->type;
		named = handle_clear(t->handles, e, handle & HANDLE_INDEX_MASK);
	}
	spin_unlock(&t->lock);
	if (e == NULL)
		return KERN_FAIL(KERN_INVALID_NAME, "handle 0x%x names nothing", handle);
	handle_release(type, named);
	return KERN_SUCCESS;
}

void
handle_remove_all(struct task *t)
{
	struct handle_table *ht;

	spin_lock(&t->lock);
	ht = t->handles;
	t->handles = NULL;
	spin_unlock(&t->lock);
	if (ht == NULL)
		return;
	for (unsigned i = 1; i < ht->used && ht->count != 0; i++) {
		struct handle_entry *e = handle_entry(ht, i);
		enum handle_type type = e->type;

		if (e->object != NULL)
			handle_release(type, handle_clear(ht, e, i));
	}
	for (unsigned i = 0; i < ht->capacity / HANDLES_PER_PAGE; i++)
		vm_page_free(vm_page_of_pfn((pfn_t)(virt_to_phys(ht->page[i]) >> PAGE_SHIFT)));
	zfree(&handle_table_zone, ht);
}

unsigned
handle_count(struct task *t)
{
	unsigned n;

	spin_lock(&t->lock);
	n = t->handles != NULL ? t->handles->count : 0;
	spin_unlock(&t->lock);
	return n;
}
