/*
 * pager_test.c: a memory manager that does what a test tells it.
 *
 *	data_request ──> at once ──────────────────────────> answer ──> supply, unavailable, error,
 *	      │                                                ^        twice, elsewhere
 *	      ├── delay: held until its time ── pager_test_run ┤
 *	      ├── hold: held ──────── control(PAGER_ANSWER) ───┘
 *	      └── never: forgotten
 *
 * Its store is an internal object, filled as pages are asked for or returned.
 * What it does is decided when it answers, so a test can change its mind while a request is held.
 *
 * It is written against mm alone, so that tests on the host use the same one;
 * only the clock that calls pager_test_run is the kernel's (pager_clock.c).
 *
 * Locks: pt->lock for what it was told and its counts; held_lock for the held
 * requests of all test pagers. Neither is held while the kernel is called. A held
 * request keeps nothing alive: who takes it off the list gets a reference first. Failure: a request that cannot be held
 * is answered with an error.
 */
#include <string.h>
#include <base/wait.h>
#include <kernel/pager.h>
#include <mm/zone.h>

#define HELD_FOR_EVER   (~(uint64_t)0)
#define STORE_MAX       (1ul << 40)

struct pager_test {
	struct spinlock lock;
	vm_object_t     store;
	uint64_t        told[PAGER_VERBS];
	bool            mapped;         /* between init and terminate */
	struct pager_test_counts counts;
};

struct held {
	struct list        link;
	memory_object_t    mo;
	vm_object_offset_t offset;
	vm_size_t          length;
	vm_prot_t          access;
	bool               unlock;
	uint64_t           due;         /* wait_clock_us; HELD_FOR_EVER: when told */
};

static struct zone     pager_test_zone, held_zone;
static struct spinlock held_lock = SPINLOCK_INIT(PAGER);
static struct list     held_list = { &held_list, &held_list };

static const char *const verb_names[PAGER_VERBS] = {
	[PAGER_READY] = "ready", [PAGER_UNLOCKS] = "unlocks", [PAGER_SYNCS] = "syncs", [PAGER_STRATEGY] = "strategy",
	[PAGER_CLUSTER] = "cluster", [PAGER_CACHE] = "cache", [PAGER_DELAY] = "delay", [PAGER_HOLD] = "hold",
	[PAGER_ANSWER] = "answer", [PAGER_FAIL] = "fail", [PAGER_UNAVAILABLE] = "unavailable",
	[PAGER_NEVER] = "never", [PAGER_TWICE] = "twice", [PAGER_SHIFT] = "shift", [PAGER_LOCK] = "lock",
	[PAGER_PRECIOUS] = "precious", [PAGER_FILL] = "fill", [PAGER_CLEAN] = "clean", [PAGER_FLUSH] = "flush",
	[PAGER_DIE] = "die",
};

static inline struct pager_test *
pager_of(memory_object_t mo)
{
	return mo->pager;
}

static uint64_t
told(struct pager_test *pt, enum pager_test_verb verb)
{
	uint64_t v;

	spin_lock(&pt->lock);
	v = pt->told[verb];
	spin_unlock(&pt->lock);
	return v;
}

/* --- the store --- */

/* The page of the store at offset, made if need be; NULL: shortage. It stays until the pager is freed. */
static struct vm_page *
store_page(struct pager_test *pt, vm_object_offset_t offset, uint64_t fill)
{
	vm_object_t store = pt->store;
	struct vm_page *m;

	spin_lock(&store->lock);
	m = vm_page_lookup(store, offset);
	if (m == NULL && (m = vm_object_page_alloc(store, offset, true)) != NULL && fill != 0)
		memset(vm_page_va(m), (int)(uint8_t)(fill + (offset >> PAGE_SHIFT)), PAGE_SIZE);
	spin_unlock(&store->lock);
	return m;
}

/* --- answers --- */

static void
answer_data(memory_object_t mo, const struct held *h)
{
	struct pager_test *pt = pager_of(mo);
	uint64_t shift = told(pt, PAGER_SHIFT), fill = told(pt, PAGER_FILL);
	vm_prot_t lock = (vm_prot_t)told(pt, PAGER_LOCK);
	bool precious = told(pt, PAGER_PRECIOUS) != 0;

	for (vm_object_offset_t at = h->offset; at < h->offset + h->length; at += PAGE_SIZE) {
		struct vm_page *m = store_page(pt, at, fill);

		if (m == NULL)
			(void)memory_object_data_error(mo, at, PAGE_SIZE, KERN_RESOURCE_SHORTAGE);
		else
			(void)memory_object_data_supply(mo, at + shift, vm_page_va(m), PAGE_SIZE, lock, precious);
	}
}

static void
answer(memory_object_t mo, const struct held *h)
{
	struct pager_test *pt = pager_of(mo);
	uint64_t fail = told(pt, PAGER_FAIL);
	bool again = told(pt, PAGER_TWICE) != 0;

	do {
		if (fail != 0)
			(void)memory_object_data_error(mo, h->offset, h->length, (kern_return_t)fail);
		else if (h->unlock)
			(void)memory_object_lock_request(mo, h->offset, h->length, MEMORY_OBJECT_RETURN_NONE, 0,
			    told(pt, PAGER_UNLOCKS) != 0 ? VM_PROT_NONE : VM_PROT_NO_CHANGE);
		else if (told(pt, PAGER_UNAVAILABLE) != 0)
			(void)memory_object_data_unavailable(mo, h->offset, h->length);
		else
			answer_data(mo, h);
	} while (again && !(again = false));
}

/*
 * Takes the first held request of mo (NULL: of any) that is due, off the list.
 * Its memory object, unless it is being freed (`last`), gets a reference.
 */
static struct held *
held_take(memory_object_t mo, uint64_t due, bool last)
{
	struct held *found = NULL;
	struct list *l;

	spin_lock(&held_lock);
	list_foreach(l, &held_list) {
		struct held *h = list_entry(l, struct held, link);

		if (h->due <= due && (mo == NULL || h->mo == mo) && (last || memory_object_reference_try(h->mo))) {
			list_remove(&h->link);
			found = h;
			break;
		}
	}
	spin_unlock(&held_lock);
	return found;
}

static void
held_free(struct held *h)
{
	struct pager_test *pt = pager_of(h->mo);

	spin_lock(&pt->lock);
	pt->counts.held--;
	spin_unlock(&pt->lock);
	zfree(&held_zone, h);
}

/* Answers it. */
static void
held_answer(struct held *h)
{
	memory_object_t mo = h->mo;
	struct held copy = *h;

	held_free(h);
	answer(mo, &copy);
	memory_object_release(mo);
}

/* Forgets all of mo's. */
static void
held_forget(memory_object_t mo)
{
	struct held *h;

	while ((h = held_take(mo, HELD_FOR_EVER, true)) != NULL)
		held_free(h);
}

uint64_t
pager_test_run(uint64_t now)
{
	uint64_t next = HELD_FOR_EVER;
	struct held *h;
	struct list *l;

	while ((h = held_take(NULL, now, false)) != NULL)
		held_answer(h);
	spin_lock(&held_lock);
	list_foreach(l, &held_list)
		if (list_entry(l, struct held, link)->due < next)
			next = list_entry(l, struct held, link)->due;
	spin_unlock(&held_lock);
	return next;
}

/* A request: held, forgotten or answered. */
static void
request(memory_object_t mo, const struct held *asked)
{
	struct pager_test *pt = pager_of(mo);
	uint64_t delay = told(pt, PAGER_DELAY);
	struct held *h;

	if (told(pt, PAGER_NEVER) != 0)
		return;
	if (delay == 0 && told(pt, PAGER_HOLD) == 0) {
		answer(mo, asked);
		return;
	}
	h = zalloc(&held_zone);
	if (h == NULL) {
		(void)memory_object_data_error(mo, asked->offset, asked->length, KERN_RESOURCE_SHORTAGE);
		return;
	}
	*h = *asked;
	h->due = delay != 0 ? wait_clock_us() + delay * 1000 : HELD_FOR_EVER;
	spin_lock(&pt->lock);
	pt->counts.held++;
	spin_unlock(&pt->lock);
	spin_lock(&held_lock);
	list_push_back(&held_list, &h->link);
	spin_unlock(&held_lock);
	if (delay != 0)
		pager_test_clock();
}

/* --- operations --- */

static void
say_ready(memory_object_t mo)
{
	struct pager_test *pt = pager_of(mo);
	struct memory_object_attr_info a = {
		.copy_strategy = (uint32_t)told(pt, PAGER_STRATEGY), .cluster_size = (uint32_t)told(pt, PAGER_CLUSTER),
		.may_cache = told(pt, PAGER_CACHE) != 0,
	};

	(void)memory_object_change_attributes(mo, MEMORY_OBJECT_ATTRIBUTE_INFO, &a, MEMORY_OBJECT_ATTR_INFO_COUNT);
}

static void
test_init(memory_object_t mo)
{
	struct pager_test *pt = pager_of(mo);

	spin_lock(&pt->lock);
	pt->counts.inits++;
	pt->mapped = true;
	spin_unlock(&pt->lock);
	if (told(pt, PAGER_READY) != 0)
		say_ready(mo);
}

static void
test_data_request(memory_object_t mo, vm_object_offset_t offset, vm_size_t length, vm_prot_t access)
{
	struct held h = { .mo = mo, .offset = offset, .length = length, .access = access };
	struct pager_test *pt = pager_of(mo);

	spin_lock(&pt->lock);
	pt->counts.requests++;
	pt->counts.offset = offset;
	pt->counts.length = length;
	pt->counts.access = access;
	spin_unlock(&pt->lock);
	request(mo, &h);
}

static void
test_data_unlock(memory_object_t mo, vm_object_offset_t offset, vm_size_t length, vm_prot_t access)
{
	struct held h = { .mo = mo, .offset = offset, .length = length, .access = access, .unlock = true };
	struct pager_test *pt = pager_of(mo);

	spin_lock(&pt->lock);
	pt->counts.unlocks++;
	spin_unlock(&pt->lock);
	request(mo, &h);
}

static void
test_data_return(memory_object_t mo, vm_object_offset_t offset, const void *data, vm_size_t length, bool dirty,
    bool kernel_copy)
{
	struct pager_test *pt = pager_of(mo);
	uint64_t pages = length >> PAGE_SHIFT, lost = 0;

	(void)kernel_copy;
	for (const char *from = data; length > 0; length -= PAGE_SIZE, offset += PAGE_SIZE, from += PAGE_SIZE) {
		struct vm_page *m = store_page(pt, offset, 0);

		if (m != NULL)
			memcpy(vm_page_va(m), from, PAGE_SIZE);
		else
			lost++;
	}
	spin_lock(&pt->lock);
	pt->counts.returns += pages;
	pt->counts.dirty += dirty ? pages : 0;
	pt->counts.lost += lost;
	spin_unlock(&pt->lock);
}

static void
test_synchronize(memory_object_t mo, vm_object_offset_t offset, vm_size_t length, unsigned flags)
{
	struct pager_test *pt = pager_of(mo);

	(void)flags;
	spin_lock(&pt->lock);
	pt->counts.syncs++;
	spin_unlock(&pt->lock);
	if (told(pt, PAGER_SYNCS) != 0)
		(void)memory_object_synchronize_completed(mo, offset, length);
}

static void
test_terminate(memory_object_t mo)
{
	struct pager_test *pt = pager_of(mo);

	held_forget(mo);
	spin_lock(&pt->lock);
	pt->counts.terminates++;
	pt->mapped = false;
	spin_unlock(&pt->lock);
}

static void
test_free(memory_object_t mo)
{
	struct pager_test *pt = pager_of(mo);

	held_forget(mo);
	vm_object_deallocate(pt->store);
	zfree(&pager_test_zone, pt);
}

static const struct memory_object_ops pager_test_ops = {
	.name = "test",
	.init = test_init,
	.data_request = test_data_request,
	.data_return = test_data_return,
	.data_unlock = test_data_unlock,
	.synchronize = test_synchronize,
	.terminate = test_terminate,
	.free = test_free,
};

/* --- what tests call --- */

static bool
is_test(memory_object_t mo)
{
	return mo->ops == &pager_test_ops;
}

void
pager_test_bootstrap(void)
{
	zone_init(&pager_test_zone, "pager_test", sizeof(struct pager_test));
	zone_init(&held_zone, "pager_held", sizeof(struct held));
	list_init(&held_list);
}

kern_return_t
pager_test_create(vm_size_t size, memory_object_t *mo)
{
	struct pager_test *pt;

	if (size == 0 || size > STORE_MAX)
		return KERN_FAIL(KERN_INVALID_ARGUMENT, "a test pager has 1 byte to 0x%lx, not 0x%lx", STORE_MAX, size);
	pt = zalloc(&pager_test_zone);
	if (pt == NULL)
		return KERN_FAIL(KERN_RESOURCE_SHORTAGE, "no memory for a test pager");
	*pt = (struct pager_test){
		.lock = SPINLOCK_INIT(PAGER),
		.store = vm_object_allocate(size, 0),
		.told = { [PAGER_READY] = 1, [PAGER_UNLOCKS] = 1, [PAGER_SYNCS] = 1,
		    [PAGER_STRATEGY] = MEMORY_OBJECT_COPY_DELAY, [PAGER_CLUSTER] = PAGE_SIZE },
	};
	*mo = pt->store != NULL ? memory_object_create(&pager_test_ops, pt, size, VM_PROT_ALL) : NULL;
	if (*mo == NULL) {
		vm_object_deallocate(pt->store);
		zfree(&pager_test_zone, pt);
		return KERN_FAIL(KERN_RESOURCE_SHORTAGE, "no memory for a memory object");
	}
	pt->store->holders = 1;
	return KERN_SUCCESS;
}

const char *
pager_test_verb_name(unsigned verb)
{
	return verb < PAGER_VERBS ? verb_names[verb] : NULL;
}

/* Verbs that act at once, and keep nothing. */
static kern_return_t
act(memory_object_t mo, enum pager_test_verb verb, uint64_t value)
{
	struct held *h;

	switch (verb) {
	case PAGER_ANSWER:
		for (uint64_t n = 0; (value == 0 || n < value) && (h = held_take(mo, HELD_FOR_EVER, false)) != NULL; n++)
			held_answer(h);
		return KERN_SUCCESS;
	case PAGER_CLEAN:
		return memory_object_lock_request(mo, 0, mo->size,
		    value != 0 ? MEMORY_OBJECT_RETURN_ANYTHING : MEMORY_OBJECT_RETURN_DIRTY, 0, VM_PROT_NO_CHANGE);
	case PAGER_FLUSH:
		return memory_object_lock_request(mo, 0, mo->size,
		    value != 0 ? MEMORY_OBJECT_RETURN_NONE : MEMORY_OBJECT_RETURN_ALL, MEMORY_OBJECT_DATA_FLUSH, VM_PROT_NO_CHANGE);
	default:
		return memory_object_destroy(mo, (kern_return_t)value);
	}
}

kern_return_t
pager_test_control(memory_object_t mo, enum pager_test_verb verb, uint64_t value)
{
	struct pager_test *pt;
	bool ready;

	if (!is_test(mo))
		return KERN_FAIL(KERN_INVALID_ARGUMENT, "memory object %lu belongs to no test pager", mo->id);
	if ((unsigned)verb >= PAGER_VERBS)
		return KERN_FAIL(KERN_INVALID_ARGUMENT, "there is no verb %u", verb);
	if (verb == PAGER_ANSWER || verb == PAGER_CLEAN || verb == PAGER_FLUSH || verb == PAGER_DIE)
		return act(mo, verb, value);
	if ((verb == PAGER_SHIFT && !page_aligned(value)) || (verb == PAGER_LOCK && (value & ~(uint64_t)VM_PROT_ALL)) ||
	    (verb == PAGER_CLUSTER && (value == 0 || !page_aligned(value) || (value & (value - 1)) || value > UINT32_MAX)) ||
	    (verb == PAGER_STRATEGY && value != MEMORY_OBJECT_COPY_NONE && value != MEMORY_OBJECT_COPY_DELAY &&
	    value != MEMORY_OBJECT_COPY_TEMPORARY) || (verb == PAGER_DELAY && value > UINT32_MAX))
		return KERN_FAIL(KERN_INVALID_ARGUMENT, "0x%lx is no value for verb %u", value, verb);
	pt = pager_of(mo);
	spin_lock(&pt->lock);
	pt->told[verb] = value;
	ready = verb == PAGER_READY && value != 0 && pt->mapped;
	spin_unlock(&pt->lock);
	if (ready)
		say_ready(mo);
	return KERN_SUCCESS;
}

bool
pager_test_counts(memory_object_t mo, struct pager_test_counts *counts)
{
	if (!is_test(mo))
		return false;
	spin_lock(&pager_of(mo)->lock);
	*counts = pager_of(mo)->counts;
	spin_unlock(&pager_of(mo)->lock);
	return true;
}

bool
pager_test_store(memory_object_t mo, vm_object_offset_t offset, void *data, size_t n, bool write)
{
	struct vm_page *m;
	char *at;

	if (!is_test(mo) || offset >= mo->size || n > PAGE_SIZE - (offset & PAGE_MASK))
		return false;
	m = store_page(pager_of(mo), trunc_page(offset), told(pager_of(mo), PAGER_FILL));
	if (m == NULL)
		return false;
	at = (char *)vm_page_va(m) + (offset & PAGE_MASK);
	memcpy(write ? (void *)at : data, write ? data : (void *)at, n);
	return true;
}
