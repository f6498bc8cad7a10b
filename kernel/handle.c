/*
 * handle.c: the names that a task has for kernel objects.
 *
 *	handle = generation << 12 | index        index 1..4095, generation 20 bits
 *
 *	task->handles ──> page[0] ─> 256 entries: object, type, generation | next free
 *	                  page[1] ...  made when the ones before are full
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
	uint16_t next_free;             /* index, 0: none */
};

struct handle_table {
	unsigned             count;
	unsigned             used;      /* entries below were handed out at least once */
	unsigned             capacity;
	uint16_t             free;      /* first free entry, 0: none */
	struct handle_entry *page[HANDLE_PAGES];
};

static struct zone handle_table_zone;

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
	m = vm_page_alloc(VM_PAGE_ZERO | VM_PAGE_USER);
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

struct task *
handle_task(struct task *t, uint32_t handle)
{
	struct task *found = NULL;
	struct handle_entry *e;

	if (handle == ATLAS_TASK_SELF) {
		task_reference(t);
		return t;
	}
	spin_lock(&t->lock);
	e = handle_lookup(t, handle);
	if (e != NULL && e->type == HANDLE_TASK) {
		found = e->object;
		task_reference(found);
	}
	spin_unlock(&t->lock);
	if (found == NULL)
		(void)KERN_FAIL(KERN_INVALID_ARGUMENT, "handle 0x%x names no task", handle);
	return found;
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
	struct handle_entry *e;
	struct task *named = NULL;

	spin_lock(&t->lock);
	e = handle_lookup(t, handle);
	if (e != NULL)
		named = handle_clear(t->handles, e, handle & HANDLE_INDEX_MASK);
	spin_unlock(&t->lock);
	if (named == NULL)
		return KERN_FAIL(KERN_INVALID_NAME, "handle 0x%x names nothing", handle);
	task_deallocate(named);
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

		if (e->object != NULL)
			task_deallocate(handle_clear(ht, e, i));
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
