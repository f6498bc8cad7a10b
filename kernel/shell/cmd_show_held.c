/*
 * cmd_show_held.c: show copy, named, memory_object, region, names; drop.
 *
 * The kernel's lists of copies, named entries and memory objects are read in
 * batches: under the list's lock facts are only copied out, and what is printed
 * is true for itself. A single one is shown in full only where the shell holds
 * it, because then nobody else can take it away.
 */
#include <string.h>
#include <stdio.h>
#include <base/print.h>
#include <mm/vm_print.h>
#include "held.h"

/* --- batches --- */

/* What is listed of a copy, a named entry, a memory object; pointers are to compare only. */
struct copy_row {
	uint64_t      id;
	vm_map_copy_t copy;
	uint64_t      size, offset;
	int           type;
};

struct named_row {
	uint64_t         id;
	vm_named_entry_t ne;
	uint64_t         backing, size, offset;
	vm_offset_t      data_offset;
	unsigned         type, cache;
	uint32_t         refs;
	vm_prot_t        prot;
	bool             internal, is_copy;
};

struct pager_row {
	uint64_t        id;
	memory_object_t mo;
	const char     *ops, *state;
	uint64_t        size, control, requested, supplied, returned, errors;
	uint32_t        refs;
	vm_prot_t       prot;
	int             strategy;
};

union row {
	uint64_t         id;            /* the first of each */
	struct copy_row  copy;
	struct named_row named;
	struct pager_row pager;
};

#define BATCH 32

/* The BATCH things with the lowest numbers above `after`, in their order. */
struct batch {
	uint64_t  after;
	unsigned  n;
	union row row[BATCH];
};

/* The place of thing `id` in the batch; NULL: it was in one before, or comes in one behind. */
static union row *
batch_room(struct batch *b, uint64_t id)
{
	unsigned i;

	if (id <= b->after || (b->n == BATCH && id > b->row[BATCH - 1].id))
		return NULL;
	if (b->n < BATCH)
		b->n++;
	for (i = b->n - 1; i > 0 && b->row[i - 1].id > id; i--)
		b->row[i] = b->row[i - 1];
	return &b->row[i];
}

/* All of a list of the kernel's: collect goes through it and offers each thing to batch_room. */
static void
list_batches(struct listing *l, void (*collect)(struct batch *),
    void (*list_row)(struct listing *, const union row *))
{
	static struct batch b;
	unsigned i;

	b.after = 0;
	do {
		b.n = 0;
		collect(&b);
		for (i = 0; i < b.n; i++)
			list_row(l, &b.row[i]);
		if (b.n > 0)
			b.after = b.row[b.n - 1].id;
	} while (b.n == BATCH && !cmd_interrupted());
}

static const char *
held_name(enum cmd_type kind, const void *any)
{
	struct held *h = held_named(kind, any);

	return h != NULL ? h->name : "-";
}

/* --- copies --- */

static bool
take_copy(vm_map_copy_t copy, void *arg)
{
	union row *r = batch_room(arg, copy->id);

	if (r != NULL)
		r->copy = (struct copy_row){ copy->id, copy, copy->size, copy->offset, copy->type };
	return true;
}

static void
collect_copies(struct batch *b)
{
	vm_map_copy_foreach(take_copy, b);
}

static void
list_copy(struct listing *l, const union row *r)
{
	list_num(l, r->copy.id);
	list_text(l, cmd_copy_type(r->copy.type));
	list_num(l, r->copy.size);
	list_num(l, r->copy.offset);
	list_text(l, held_name(CMD_COPY, r->copy.copy));
}

static int
show_copies(struct cmd_ctx *c)
{
	static const struct column columns[] = {
		{ "id", "COPY", COL_COUNT, 6 }, { "type", "TYPE", COL_TEXT, -13 }, { "size", "SIZE", COL_BYTES, 10 },
		{ "offset", "OFFSET", COL_HEX, 10 }, { "name", "NAME", COL_TEXT, -1 },
	};
	struct listing l;

	list_begin(&l, c, columns, nitems(columns));
	list_batches(&l, collect_copies, list_copy);
	cmd_set_num("copies", l.rows);
	return 0;
}

void
cmd_print_backing(const struct vm_map_entry *e)
{
	if (e->object.vm_object == VM_OBJECT_NULL)
		kprintf("zero-filled\n");
	else
		kprintf("object %lu at 0x%lx%s\n", e->object.vm_object->id, e->offset,
		    e->needs_copy ? ", copied at the next write" : "");
}

/* The entries of a list; how many objects they need not share with anybody is not said: `show object` does. */
static uint64_t
copy_entries(vm_map_copy_t copy)
{
	vm_map_entry_t e;
	uint64_t n = 0;

	for (e = vm_map_copy_first_entry(copy); e != vm_map_copy_to_entry(copy) && !cmd_interrupted(); e = e->vme_next, n++) {
		kprintf("  entry 0x%lx to 0x%lx: ", e->vme_start, e->vme_end);
		cmd_print_backing(e);
	}
	return n;
}

static void
copy_pages(vm_map_copy_t copy)
{
	unsigned i;

	for (i = 0; i < copy->npages; i++)
		kprintf("%s0x%lx%s", i % 6 == 0 ? "  pages " : " ", copy->page_list[i] != NULL ? vm_page_pa(copy->page_list[i]) : 0,
		    i % 6 == 5 || i + 1 == copy->npages ? "\n" : "");
	kprintf("  %u of %lu pages, %s%s\n", copy->npages, vm_map_copy_page_count(copy),
	    copy->page_loose ? "its own" : "kept in their objects",
	    vm_map_copy_has_cont(copy) ? ", more by continuation" : "");
	if (vm_map_copy_has_cont(copy) && copy->cont_args != NULL)
		kprintf("  the rest: 0x%lx bytes at 0x%lx of map %lu\n", copy->cont_args->src_len, copy->cont_args->src_addr,
		    copy->cont_args->map != NULL ? copy->cont_args->map->id : 0);
}

static int
show_copy(struct cmd_ctx *c, vm_map_copy_t copy)
{
	const char *type;
	uint64_t entries = 0;

	if (copy == VM_MAP_COPY_NULL)
		return cmd_result(c, KERN_SUCCESS, "type=null size=0x0");
	switch (c->json ? 0 : copy->type) {
	case VM_MAP_COPY_ENTRY_LIST:
		entries = copy_entries(copy);
		break;
	case VM_MAP_COPY_OBJECT:
		if (copy->object != VM_OBJECT_NULL)
			kprintf("  object %lu, %u references, %lu resident\n", copy->object->id, copy->object->ref_count,
			    copy->object->resident_page_count);
		break;
	case VM_MAP_COPY_PAGE_LIST:
		copy_pages(copy);
		break;
	case VM_MAP_COPY_KERNEL_BUFFER:
		kprintf("  buffer of %lu bytes at 0x%lx\n", copy->kalloc_size, (vm_offset_t)(uintptr_t)copy->kdata);
		break;
	default:
		break;
	}
	type = cmd_copy_type(copy->type);
	if (copy->type == VM_MAP_COPY_PAGE_LIST)
		return cmd_result(c, KERN_SUCCESS, "type=%s size=0x%lx offset=0x%lx npages=%u loose=%u cont=%u", type,
		    copy->size, copy->offset, copy->npages, copy->page_loose, vm_map_copy_has_cont(copy));
	if (copy->type == VM_MAP_COPY_ENTRY_LIST)
		return cmd_result(c, KERN_SUCCESS, "type=%s size=0x%lx offset=0x%lx entries=%lu", type, copy->size,
		    copy->offset, c->json ? copy->hdr.nentries : entries);
	return cmd_result(c, KERN_SUCCESS, "type=%s size=0x%lx offset=0x%lx", type, copy->size, copy->offset);
}

static int
do_show_copy(struct cmd_ctx *c)
{
	return c->arg[0].given ? show_copy(c, c->arg[0].held->copy) : show_copies(c);
}

COMMAND_NAMED(show_copy, "show copy", do_show_copy, "show", "memory in flight: all copies, or one in full",
    "Kinds: entry_list (entries, mostly copy-on-write), object, page_list (up to 20 pages and a\n"
    "continuation), kernel_buffer (the bytes). Of one: its entries or pages; sets $type $size\n"
    "$offset and $entries or $npages $loose $cont; a page at 0x0 is absent. Of all: $copies.",
    OPT(COPY, "copy", ""));

/* --- named entries --- */

static const char *const backings[] = {
	[NAMED_OBJECT] = "object", [NAMED_SUBMAP] = "submap", [NAMED_PAGER] = "pager", [NAMED_ENTRIES] = "entries",
};

/* Number of what the entry stands on. */
static uint64_t
backing_id(vm_named_entry_t ne)
{
	switch (ne->type) {
	case NAMED_OBJECT:
		return ne->backing.object != VM_OBJECT_NULL ? ne->backing.object->id : 0;
	case NAMED_PAGER:
		return ne->backing.pager->id;
	default:
		return ne->backing.map->id;
	}
}

static struct named_row
named_facts(vm_named_entry_t ne)
{
	return (struct named_row){ ne->id, ne, backing_id(ne), ne->size, ne->offset, ne->data_offset, ne->type, ne->cache,
		ne->ref_count, ne->protection, ne->internal, ne->is_copy };
}

static bool
take_named(vm_named_entry_t ne, void *arg)
{
	union row *r = batch_room(arg, ne->id);

	if (r != NULL)
		r->named = named_facts(ne);
	return true;
}

static void
collect_named(struct batch *b)
{
	vm_named_entry_foreach(take_named, b);
}

static void
list_named(struct listing *l, const union row *row)
{
	static const char *const caches[] = { "-", "copyback", "io", "wthru", "wcomb" };
	const struct named_row *r = &row->named;

	list_num(l, r->id);
	list_text(l, r->type < nitems(backings) ? backings[r->type] : "?");
	list_num(l, r->backing);
	list_num(l, r->size);
	list_num(l, r->offset);
	list_num(l, r->data_offset);
	list_text(l, vm_prot_name(r->prot));
	list_text(l, r->cache < nitems(caches) ? caches[r->cache] : "?");
	list_num(l, r->refs);
	list_text(l, r->is_copy ? "copy" : r->internal ? "internal" : "-");
	list_text(l, held_name(CMD_NAMED, r->ne));
}

static int
do_show_named(struct cmd_ctx *c)
{
	static const struct column columns[] = {
		{ "id", "ENTRY", COL_COUNT, 6 }, { "backing", "BACKING", COL_TEXT, -7 }, { "of", "OF", COL_COUNT, 6 },
		{ "size", "SIZE", COL_BYTES, 8 }, { "offset", "OFFSET", COL_HEX, 8 }, { "data_offset", "DATA", COL_HEX, 4 },
		{ "prot", "PROT", COL_TEXT, -4 }, { "cache", "CACHE", COL_TEXT, -8 }, { "refs", "REFS", COL_COUNT, 5 },
		{ "kind", "KIND", COL_TEXT, -8 }, { "name", "NAME", COL_TEXT, -1 },
	};
	struct listing l;
	union row r;

	list_begin(&l, c, columns, nitems(columns));
	if (c->arg[0].given) {
		r.named = named_facts(c->arg[0].held->named);
		list_named(&l, &r);
		cmd_set_num("size", r.named.size);
		cmd_set_num("refs", r.named.refs);
		cmd_set_text("prot", vm_prot_name(r.named.prot));
		cmd_set_text("backing", r.named.type < nitems(backings) ? backings[r.named.type] : "?");
		cmd_set_num("of", r.named.backing);
		return 0;
	}
	list_batches(&l, collect_named, list_named);
	cmd_set_num("named", l.rows);
	return 0;
}

COMMAND_NAMED(show_named, "show named", do_show_named, "show", "named entries (memory-entry handles), all or one",
    "What each stands on (an object, a submap, a memory object, or entries of several objects)\n"
    "and its number, size, offset in it, offset of the data in the first page, the most rights a\n"
    "mapping may have, caching, references, the shell's name. Of one: sets $size $refs $prot\n"
    "$backing $of; of all: $named.",
    OPT(NAMED, "entry", ""));

/* --- memory objects --- */

static struct pager_row
pager_facts(memory_object_t mo)
{
	struct pager_row r = { mo->id, mo, mo->ops->name, NULL, mo->size, 0, 0, 0, 0, 0, mo->ref_count, mo->max_prot,
		mo->copy_strategy };

	spin_lock(&mo->lock);
	r.state = mo->dead ? "dead" : mo->ready ? "ready" : mo->initialized ? "waiting" : "idle";
	r.control = mo->control != VM_OBJECT_NULL ? mo->control->id : 0;
	r.requested = mo->requested;
	r.supplied = mo->supplied;
	r.returned = mo->returned;
	r.errors = mo->errors;
	spin_unlock(&mo->lock);
	return r;
}

static bool
take_pager(memory_object_t mo, void *arg)
{
	union row *r = batch_room(arg, mo->id);

	if (r != NULL)
		r->pager = pager_facts(mo);
	return true;
}

static void
collect_pagers(struct batch *b)
{
	memory_object_foreach(take_pager, b);
}

static void
list_pager(struct listing *l, const union row *row)
{
	const struct pager_row *r = &row->pager;

	list_num(l, r->id);
	list_text(l, r->ops);
	list_text(l, r->state);
	list_num(l, r->size);
	list_text(l, vm_prot_name(r->prot));
	list_num(l, r->control);
	list_text(l, vm_object_strategy_name(r->strategy));
	list_num(l, r->refs);
	list_num(l, r->requested);
	list_num(l, r->supplied);
	list_num(l, r->returned);
	list_num(l, r->errors);
	list_text(l, held_name(CMD_OBJECT, r->mo));
}

static int
do_show_memory_object(struct cmd_ctx *c)
{
	static const struct column columns[] = {
		{ "id", "ID", COL_COUNT, 4 }, { "pager", "PAGER", COL_TEXT, -7 }, { "state", "STATE", COL_TEXT, -7 },
		{ "size", "SIZE", COL_BYTES, 8 }, { "prot", "PROT", COL_TEXT, -4 }, { "object", "OBJECT", COL_COUNT, 6 },
		{ "strategy", "STRATEGY", COL_TEXT, -9 }, { "refs", "REFS", COL_COUNT, 4 },
		{ "requested", "ASKED", COL_COUNT, 6 }, { "supplied", "SUPPLIED", COL_COUNT, 8 },
		{ "returned", "RETURNED", COL_COUNT, 8 }, { "errors", "ERRORS", COL_COUNT, 6 },
		{ "name", "NAME", COL_TEXT, -1 },
	};
	struct listing l;
	union row r;

	list_begin(&l, c, columns, nitems(columns));
	if (c->arg[0].given) {
		r.pager = pager_facts(c->arg[0].held->object);
		list_pager(&l, &r);
		cmd_set_num("size", r.pager.size);
		cmd_set_num("object", r.pager.control);
		cmd_set_num("requested", r.pager.requested);
		cmd_set_num("supplied", r.pager.supplied);
		cmd_set_num("returned", r.pager.returned);
		cmd_set_num("errors", r.pager.errors);
		cmd_set_text("state", r.pager.state);
		return 0;
	}
	list_batches(&l, collect_pagers, list_pager);
	cmd_set_num("pagers", l.rows);
	return 0;
}

COMMAND_NAMED(show_memory_object, "show memory_object", do_show_memory_object, "show", "memory objects and their pagers",
    "Pager, state (idle: not mapped; waiting: not ready yet; ready; dead), size, the most rights,\n"
    "the kernel's object for it while it is mapped, copy strategy, references; pages asked for,\n"
    "supplied, returned, failed. Of one: sets $size $object $state $requested $supplied $returned\n"
    "$errors; of all: $pagers.",
    OPT(OBJECT, "object", ""));

/* --- shared regions, and names --- */

static int
do_show_region(struct cmd_ctx *c)
{
	static const struct column columns[] = {
		{ "name", "NAME", COL_TEXT, -8 }, { "refs", "REFS", COL_COUNT, 4 }, { "base", "BASE", COL_HEX, 12 },
		{ "text_size", "TEXT", COL_BYTES, 8 }, { "data_size", "DATA", COL_BYTES, 8 },
		{ "alternate_base", "ALTERNATE", COL_HEX, 12 }, { "alternate_next", "NEXT", COL_HEX, 12 },
		{ "depth", "DEPTH", COL_COUNT, 5 }, { "flags", "FLAGS", COL_HEX, 5 },
		{ "chain", "CHAIN", COL_TEXT, -1 },
	};
	struct listing l;
	struct held *h;
	unsigned i;

	list_begin(&l, c, columns, nitems(columns));
	for (i = 0; (h = held_nth(i)) != NULL; i++) {
		if (h->kind != CMD_REGION || (c->arg[0].given && c->arg[0].held != h))
			continue;
		list_text(&l, h->name);
		list_num(&l, h->region->ref_count);
		list_num(&l, h->region->client_base);
		list_num(&l, h->region->text_size);
		list_num(&l, h->region->data_size);
		list_num(&l, h->region->alternate_base);
		list_num(&l, h->region->alternate_next);
		list_num(&l, (uint64_t)h->region->depth);
		list_num(&l, (uint64_t)h->region->flags);
		list_text(&l, h->region->object_chain != NULL ?
		    held_name(CMD_REGION, h->region->object_chain->object_chain_region) : "-");
		cmd_set_num("refs", h->region->ref_count);
		cmd_set_num("depth", (uint64_t)h->region->depth);
		cmd_set_num("alternate_next", h->region->alternate_next);
	}
	return 0;
}

COMMAND_NAMED(show_region, "show region", do_show_region, "show", "the shared regions that the shell holds",
    "References, where clients map it, sizes of text and data, alternate base and the next free\n"
    "place from it, depth of its chain, flags, the region it inherits from. Of one: sets $refs\n"
    "$depth $alternate_next.",
    OPT(REGION, "region", ""));

static int
do_show_names(struct cmd_ctx *c)
{
	static const struct column columns[] = {
		{ "name", "NAME", COL_TEXT, -16 }, { "kind", "KIND", COL_TEXT, -14 }, { "id", "ID", COL_COUNT, 6 },
	};
	struct listing l;
	struct held *h;
	unsigned i;

	list_begin(&l, c, columns, nitems(columns));
	for (i = 0; (h = held_nth(i)) != NULL; i++) {
		list_text(&l, h->name);
		list_text(&l, held_kind_name(h->kind));
		if (h->any == NULL || h->kind == CMD_REGION)
			list_num(&l, 0);
		else
			list_num(&l, h->kind == CMD_COPY ? h->copy->id : h->kind == CMD_NAMED ? h->named->id :
			    h->kind == CMD_OBJECT ? h->object->id : h->map->id);
	}
	cmd_set_num("names", l.rows);
	return 0;
}

COMMAND_NAMED(show_names, "show names", do_show_names, "show", "what the shell holds under names",
    "Copies, named entries, memory objects, shared regions and maps, each by one reference, which\n"
    "`drop` gives up. Sets $names.");

int
cmd_drop(struct cmd_ctx *c)
{
	held_drop(c->arg[0].held);
	return cmd_result(c, KERN_SUCCESS, NULL);
}

COMMAND(drop, cmd_drop, "language", "give up a name and what it holds",
    "One reference on a named entry, memory object, shared region or map; a copy is discarded.\n"
    "Mappings stay.\n"
    "  drop e1",
    ARG(HELD, "name"));
