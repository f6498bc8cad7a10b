/*
 * arch/riscv/sv.c: the page-table trees of Sv39, Sv48 and Sv57.
 *
 * A radix tree of 512-entry tables, three, four or five levels high; the code
 * is the same for all. Tables are reached through the direct map, so a walk is
 * shifts and loads. Every table page knows how many of its entries are valid:
 * an empty one is unhooked at once, and since entries are cleared one by one
 * it is all zero then and needs no clearing when it is used again.
 *
 * Some table pages are kept for splits that cannot be refused: two at most are
 * needed for one range, and one for each pmap that maps a page. A table for each
 * megapage leaf would do for ever, but costs 2 MiB for each GiB; this reserve is
 * a 16th of that, and fills up again from the tables that are freed.
 *
 * This file knows entries and tables, but neither pmaps, fences nor reverse
 * mappings, and touches no CSR. Failure: sv_make makes all the tables it needs
 * or none.
 */
#include <base/lock.h>
#include <arch/sv.h>

static struct {
	struct spinlock lock;
	struct vm_page *list;
	unsigned        n, want;
} sv_reserve = { .lock = SPINLOCK_INIT(TABLE) };

unsigned sv_reserve_lack;

/* Down as long as V is the only one of these bits. */
static inline pte_t *
sv_descend(pte_t *root, unsigned levels, vm_offset_t va, unsigned *level, pte_t bits)
{
	unsigned l = levels - 1, shift = sv_shift(l);
	pte_t *e = &root[(va >> shift) % SV_ENTRIES];
	pte_t v;

	while (l > 0) {
		v = pte_load(e);
		if ((v & bits) != PTE_V)
			break;
		l--;
		shift -= SV_INDEX_BITS;
		e = &pte_table(v)[(va >> shift) % SV_ENTRIES];
	}
	*level = l;
	return e;
}

pte_t *
sv_find(pte_t *root, unsigned levels, vm_offset_t va, unsigned *level)
{
	return sv_descend(root, levels, va, level, PTE_V | PTE_RWX | PTE_NESTED);
}

pte_t *
sv_find_through(pte_t *root, unsigned levels, vm_offset_t va, unsigned *level)
{
	return sv_descend(root, levels, va, level, PTE_V | PTE_RWX);
}

pte_t *
sv_entry(pte_t *root, unsigned levels, vm_offset_t va, unsigned level)
{
	unsigned l = levels - 1, shift = sv_shift(l);

	for (; l > level; l--, shift -= SV_INDEX_BITS)
		root = pte_table(pte_load(&root[(va >> shift) % SV_ENTRIES]));
	return &root[sv_index(va, level)];
}

struct vm_page *
sv_table_alloc(unsigned level, bool zero)
{
	struct vm_page *t = vm_page_alloc(zero ? VM_PAGE_ZERO : 0);

	if (t == NULL)
		return NULL;
	t->kind = VM_PAGE_TABLE;
	t->level = (uint8_t)level;
	t->slot = 0;
	t->t.pv = NULL;
	t->t.md = 0;
	return t;
}

/* A table page that was to be freed; FALSE: the reserve is full. */
static noinline bool
sv_reserve_keep(struct vm_page *table)
{
	bool wanted;

	table->t.pv = NULL;
	table->t.md = 0;
	spin_lock(&sv_reserve.lock);
	wanted = sv_reserve.n < sv_reserve.want;
	if (wanted) {
		table->level = 0;
		table->flags = 0;
		sv_push(&sv_reserve.list, table);
		sv_reserve.n++;
		__atomic_store_n(&sv_reserve_lack, sv_reserve.want - sv_reserve.n, __ATOMIC_RELAXED);
	}
	spin_unlock(&sv_reserve.lock);
	return wanted;
}

void
sv_reserve_init(void)
{
	struct vm_page_counts c;
	struct vm_page *t;

	vm_page_counts(&c);
	sv_reserve.list = NULL;
	sv_reserve.n = 0;
	sv_reserve.want = 8;
	while (sv_reserve.want < c.total * PAGE_SIZE / (32ul << 20))
		sv_reserve.want++;
	sv_reserve_lack = sv_reserve.want;
	while (sv_reserve_lack != 0 && (t = sv_table_alloc(0, false)) != NULL)
		(void)sv_reserve_keep(t);
}

struct vm_page *
sv_table_alloc_last(void)
{
	struct vm_page *t = sv_table_alloc(0, false);

	if (likely(t != NULL))
		return t;
	spin_lock(&sv_reserve.lock);
	if (sv_reserve.n != 0) {
		t = sv_pop(&sv_reserve.list);
		sv_reserve.n--;
		__atomic_store_n(&sv_reserve_lack, sv_reserve.want - sv_reserve.n, __ATOMIC_RELAXED);
		t->slot = 0;
	}
	spin_unlock(&sv_reserve.lock);
	return t;
}

unsigned
sv_reserve_tables(unsigned *want)
{
	unsigned n;

	spin_lock(&sv_reserve.lock);
	n = sv_reserve.n;
	*want = sv_reserve.want;
	spin_unlock(&sv_reserve.lock);
	return n;
}

void
sv_table_free(struct vm_page *table, bool zeroed)
{
	if (unlikely(sv_reserve_lacks()) && sv_reserve_keep(table))
		return;
	sv_table_retire(table, zeroed);
	vm_page_free(table);
}

static noinline pte_t *
sv_grow_many(pte_t *e, vm_offset_t va, unsigned want, unsigned *level, unsigned *made)
{
	struct vm_page *fresh = NULL, *t;
	unsigned l;

	for (l = want; l < *level; l++) {
		t = sv_table_alloc(l, true);
		if (t == NULL) {
			while (fresh != NULL)
				sv_table_free(sv_pop(&fresh), true);
			return NULL;
		}
		sv_push(&fresh, t);
	}
	while (*level > want) {
		t = sv_pop(&fresh);
		sv_hook(e, t);
		(*level)--;
		(*made)++;
		e = &sv_entries(t)[sv_index(va, *level)];
	}
	return e;
}

pte_t *
sv_grow(pte_t *e, vm_offset_t va, unsigned want, unsigned *level, unsigned *made)
{
	struct vm_page *t;

	*made = 0;
	if (*level == want || pte_valid(pte_load(e)))
		return e;
	if (*level != want + 1)
		return sv_grow_many(e, va, want, level, made);
	t = sv_table_alloc(want, true);
	if (t == NULL)
		return NULL;
	sv_hook(e, t);
	*level = want;
	*made = 1;
	return &sv_entries(t)[sv_index(va, want)];
}

pte_t *
sv_make(pte_t *root, unsigned levels, vm_offset_t va, unsigned want, unsigned *level, unsigned *made)
{
	pte_t *e = sv_find(root, levels, va, level);

	if (*level < want) {
		*made = 0;
		*level = want;
		return sv_entry(root, levels, va, want);
	}
	return sv_grow(e, va, want, level, made);
}

unsigned
sv_unhook(pte_t *root, unsigned levels, vm_offset_t va, unsigned level, struct vm_page **dead)
{
	pte_t *path[SV_MAX_LEVELS], *table = root;
	unsigned l, shift = sv_shift(levels - 1), n = 0;

	for (l = levels - 1; l > level; l--, shift -= SV_INDEX_BITS) {
		path[l] = &table[(va >> shift) % SV_ENTRIES];
		table = pte_table(pte_load(path[l]));
	}
	for (l = level + 1; l < levels; l++) {
		struct vm_page *holder = sv_table_page(path[l]);

		sv_push(dead, sv_table_page(pte_table(pte_load(path[l]))));
		sv_clear(holder, path[l]);
		n++;
		if (holder->slot != 0)
			break;
	}
	return n;
}

void
sv_split(pte_t leaf, unsigned level, struct vm_page *table)
{
	const pte_t step = sv_size(level - 1) >> (PAGE_SHIFT - PTE_PPN_SHIFT);
	pte_t *e = sv_entries(table), *end = e + SV_ENTRIES;

	for (; e < end; e += 8) {
		pte_t v = leaf;

		e[0] = v, v += step;
		e[1] = v, v += step;
		e[2] = v, v += step;
		e[3] = v, v += step;
		e[4] = v, v += step;
		e[5] = v, v += step;
		e[6] = v, v += step;
		e[7] = v, v += step;
		leaf = v;
	}
}

void
sv_split_groups(pte_t mega, struct vm_page *table)
{
	pte_t *e = sv_entries(table), *end = e + SV_ENTRIES;
	pte_t v = mega | PTE_N | (SV_GROUP / 2) << PTE_PPN_SHIFT;

	for (; e < end; e += SV_GROUP, v += SV_GROUP << PTE_PPN_SHIFT) {
#pragma GCC unroll 16
		for (unsigned i = 0; i < SV_GROUP; i++)
			e[i] = v;
	}
}

pte_t
sv_leaf_of_group(const pte_t *e, pte_t v)
{
	const pte_t *g = pte_group(e);
	unsigned i;

	v ^= pte_group_bits(e);
	for (i = 0; i < SV_GROUP; i++)
		v |= pte_load(&g[i]) & (PTE_A | PTE_D);
	return v;
}

pte_t
sv_or_all(const pte_t *table)
{
	pte_t or = 0;
	unsigned i;

	for (i = 0; i < SV_ENTRIES; i += 4)
		or |= table[i] | table[i + 1] | table[i + 2] | table[i + 3];
	return or;
}
