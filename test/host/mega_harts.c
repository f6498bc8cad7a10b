/*
 * mega_harts.c: megapages made and split by several harts in one map.
 *
 * Windows of 2 MiB lie side by side, so they share directories, and their
 * objects' chunks are whole blocks. Each hart takes a window for a while and
 * does to it, or to a part, what makes megapages of it or splits them; forks of
 * the whole map are looked at, written and ended in between. A model knows a
 * byte of each page. (pmap_random.c judges what TLBs remember meanwhile.)
 */
#include <stdlib.h>
#include <arch/tlb.h>
#include <host.h>
#include "../unit/vm_fixture.h"

#define WINDOWS 6u
#define BASE    (32 * M)

static struct window {
	struct spinlock lock;           /* held only to look at `taken` */
	bool            taken;
	uint8_t         model[MEGAPAGE_PAGES];
} window[WINDOWS];

static vm_map_t map;
static unsigned rounds, wrong_loads, wrong_calls;

static void
count(unsigned *counter)
{
	__atomic_fetch_add(counter, 1, __ATOMIC_RELAXED);
}

static void
must(kern_return_t kr)
{
	if (kr != KERN_SUCCESS)
		count(&wrong_calls);
}

static vm_offset_t
page_at(const struct window *w, unsigned i)
{
	return BASE + (vm_offset_t)(w - window) * M + i * P;
}

static void
store(struct window *w, unsigned i, uint8_t v)
{
	must(fixture_store(map, page_at(w, i), v));
	w->model[i] = v;
}

/* Every step-th page of what m, the map or a fork of it, shows of the window. */
static void
look(vm_map_t m, const struct window *w, unsigned first, unsigned step)
{
	for (unsigned i = first; i < MEGAPAGE_PAGES; i += step) {
		uint8_t v = 0;

		must(fixture_load(m, page_at(w, i), &v));
		if (v != w->model[i])
			count(&wrong_loads);
	}
}

static void
fill(struct window *w, uint8_t v)
{
	for (unsigned i = 0; i < MEGAPAGE_PAGES; i++)
		store(w, i, (uint8_t)(v + i));
}

static void
renew(struct window *w, unsigned first, unsigned n)
{
	vm_address_ut at = vm_address_u(page_at(w, first));

	must(vm_allocate(map, &at, vm_size_u(n * P), VM_FLAGS_FIXED | VM_FLAGS_OVERWRITE));
	memset(&w->model[first], 0, n);
}

static void
protect(struct window *w, unsigned first, unsigned n)
{
	vm_address_ut at = vm_address_u(page_at(w, first));

	must(vm_protect(map, at, vm_size_u(n * P), false, VM_PROT_READ));
	if (fixture_store(map, page_at(w, first), 1) != KERN_PROTECTION_FAILURE)
		count(&wrong_calls);
	look(map, w, first % 64, 64);
	must(vm_protect(map, at, vm_size_u(n * P), false, VM_PROT_DEFAULT));
}

static void
wire(struct window *w, unsigned first, unsigned n)
{
	vm_offset_t start = page_at(w, first), end = start + n * P;

	must(vm_map_wire(map, start, end, VM_PROT_DEFAULT, true));
	must(vm_map_unwire(map, start, start + P, true));
	must(vm_map_unwire(map, start, end, true));
}

static void
with_a_fork(struct window *w, unsigned first, unsigned n)
{
	vm_map_t child = vm_map_fork(map);

	if (child == NULL) {
		count(&wrong_calls);
		return;
	}
	look(child, w, first % 32, 32);
	store(w, first, 200);
	for (unsigned i = 0; i < n; i++)
		must(fixture_store(child, page_at(w, first + i), 77));
	vm_map_deallocate(child);
}

static void
one_thing(struct window *w, uint64_t r)
{
	unsigned first = (r >> 8) % MEGAPAGE_PAGES, n = 1 + (r >> 20) % 24;

	if (n > MEGAPAGE_PAGES - first)
		n = MEGAPAGE_PAGES - first;
	switch (r % 8) {
	case 0:
		renew(w, 0, MEGAPAGE_PAGES);
		fill(w, (uint8_t)(r >> 32));
		break;
	case 1:
		fill(w, (uint8_t)(r >> 32));
		break;
	case 2:
		renew(w, first, n);
		break;
	case 3:
		protect(w, first, n);
		break;
	case 4:
		wire(w, first, n);
		break;
	case 5:
		with_a_fork(w, first, n);
		break;
	case 6:
		must(vm_behavior_set(map, vm_address_u(page_at(w, first)), vm_size_u(n * P), VM_BEHAVIOR_FREE));
		for (unsigned i = first; i < first + n; i++)
			store(w, i, (uint8_t)i);        /* whatever it was */
		break;
	default:
		/* All leaves are forgotten, as under shortage; wired ones stay. */
		pmap_collect(map->pmap);
		break;
	}
	look(map, w, (r >> 40) % 16, 16);
}

static void
storm_hart(unsigned hart, void *arg)
{
	uint64_t s = (uint64_t)(uintptr_t)arg * 0x9e3779b97f4a7c15ul + hart * 0x1234567ul + 1;

	pmap_switch(map->pmap);
	for (unsigned i = 0; i < rounds; i++) {
		uint64_t r = host_random(&s);
		struct window *w = &window[(r >> 50) % WINDOWS];
		bool mine;

		spin_lock(&w->lock);
		mine = !w->taken;
		w->taken = true;
		spin_unlock(&w->lock);
		if (!mine)
			continue;
		one_thing(w, r);
		spin_lock(&w->lock);
		w->taken = false;
		spin_unlock(&w->lock);
	}
	pmap_switch(pmap_kernel());
}

TEST(vm_parallel, megapages_are_made_and_split)
{
	const char *more = getenv("ATLAS_MEGAPAGES");   /* rounds, for longer runs */
	struct pmap_stats s;

	rounds = more != NULL ? (unsigned)atoi(more) : 200;
	wrong_loads = wrong_calls = 0;
	map = fixture_map();
	ASSERT_TRUE(fixture_allocate(map, BASE, WINDOWS * M));
	for (unsigned i = 0; i < WINDOWS; i++) {
		spin_init(&window[i].lock, LOCK_TASK);
		window[i].taken = false;
		memset(window[i].model, 0, sizeof(window[i].model));
		fill(&window[i], (uint8_t)i);
	}
	host_jitter = true;
	host_run_harts(4, storm_hart, (void *)1);
	host_jitter = false;
	for (unsigned i = 0; i < WINDOWS; i++)
		look(map, &window[i], 0, 1);
	pmap_stats(map->pmap, &s);
	ASSERT_EQ(wrong_loads, 0);
	ASSERT_EQ(wrong_calls, 0);
	ASSERT_TRUE(s.mega.promotions > rounds / 16 && s.mega.demotions > rounds / 32);
	ASSERT_TRUE(fixture_sound(map, NULL));
	vm_map_deallocate(map);
}
