/*
 * cmd_show_object.c: show object: all of them, or one with its family.
 *
 * The family of an object is a tree: at its root the object that shadows
 * nothing, above it those that shadow it, and so on. It is read level by level
 * from the list of all objects, so while others are at work a branch may show
 * that is gone a moment later; depth and number of rows are bounded.
 */
#include <string.h>
#include <stdio.h>
#include <base/print.h>
#include <mm/vm_print.h>
#include "held.h"

#define BATCH       16
#define TREE_DEPTH  24

/* --- the table --- */

static void
object_row(struct listing *l, const struct vm_object_info *o)
{
	list_num(l, o->id);
	list_num(l, o->size);
	list_num(l, o->refs);
	list_num(l, o->resident);
	list_num(l, o->wired);
	list_num(l, o->shadow);
	list_num(l, o->shadow_offset);
	list_num(l, o->copy);
	list_text(l, vm_object_strategy_name(o->strategy));
	list_text(l, o->true_share ? "yes" : "no");
	list_text(l, o->pager ? "yes" : o->phys ? "device" : "no");
}

static void
begin(struct listing *l, const struct cmd_ctx *c)
{
	static const struct column columns[] = {
		{ "id", "OBJECT", COL_COUNT, 8 }, { "size", "SIZE", COL_BYTES, 8 }, { "refs", "REFS", COL_COUNT, 6 },
		{ "resident", "RES", COL_COUNT, 8 }, { "wired", "WIRED", COL_COUNT, 6 },
		{ "shadow", "SHADOW", COL_COUNT, 8 }, { "shadow_offset", "AT", COL_HEX, 10 },
		{ "copy", "COPY", COL_COUNT, 6 }, { "strategy", "STRATEGY", COL_TEXT, -9 },
		{ "true_share", "TSHARED", COL_TEXT, -7 }, { "pager", "PAGER", COL_TEXT, -5 },
	};

	list_begin(l, c, columns, nitems(columns));
}

static int
show_all(struct cmd_ctx *c)
{
	static struct vm_object_info info[BATCH];
	struct listing l;
	uint64_t after = 0;
	unsigned i, n;

	begin(&l, c);
	do {
		n = vm_object_list(after, 0, info, BATCH);
		for (i = 0; i < n; i++)
			object_row(&l, &info[i]);
		if (n > 0)
			after = info[n - 1].id;
	} while (n == BATCH && !cmd_interrupted());
	cmd_set_num("objects", l.rows);
	return 0;
}

/* --- the tree --- */

/* The memory object whose control this is; 0: none. */
struct pager_search {
	vm_object_t object;
	uint64_t    id;
	const char *ops;
};

static bool
is_pager(memory_object_t mo, void *arg)
{
	struct pager_search *s = arg;

	if (mo->control != s->object)
		return true;
	s->id = mo->id;
	s->ops = mo->ops->name;
	return false;
}

static void
tree_text(const struct vm_object_info *o, const struct vm_object_info *below)
{
	struct pager_search pager = { o->object, 0, NULL };
	char size[24];

	kprintf("object %lu", o->id);
	if (below != NULL)
		kprintf(" at 0x%lx%s", o->shadow_offset, below->copy == o->id ? " (its copy)" : "");
	kprintf(": %s, %u reference%s, %lu resident, %s", size_text(o->size, size), o->refs, o->refs == 1 ? "" : "s",
	    o->resident, vm_object_strategy_name(o->strategy));
	if (o->wired != 0)
		kprintf(", %u wired", o->wired);
	if (o->locked != 0)
		kprintf(", %u locked", o->locked);
	if (o->paging != 0)
		kprintf(", %u waiting", o->paging);
	kprintf("%s%s%s%s", o->true_share ? ", true_share" : "", o->shadowed ? ", shadowed" : "",
	    o->named ? ", named" : "", o->severed ? ", severed" : "");
	if (o->pager || o->phys) {
		memory_object_foreach(is_pager, &pager);
		kprintf(", %s pager, memory object %lu", pager.ops != NULL ? pager.ops : "no", pager.id);
	}
	kprintf("\n");
}

static bool
get(uint64_t id, struct vm_object_info *o)
{
	return id != 0 && vm_object_list(id - 1, 0, o, 1) == 1 && o->id == id;
}

/* Where the walk over the tree stands: one object a level. */
struct family {
	struct vm_object_info path[TREE_DEPTH], next;
	bool                  more[TREE_DEPTH];         /* has a sibling that comes later */
};

static void
tree_row(struct family *t, unsigned depth, uint64_t marked)
{
	unsigned i;

	kprintf("%s", t->path[depth].id == marked ? "* " : "  ");
	for (i = 1; i < depth; i++)
		kprintf("%s", t->more[i] ? "|  " : "   ");
	if (depth > 0)
		kprintf("%s", t->more[depth] ? "|- " : "`- ");
	tree_text(&t->path[depth], depth > 0 ? &t->path[depth - 1] : NULL);
}

/* Rows of the tree that begins at path[0]; how many. */
static uint64_t
show_tree(struct family *t, uint64_t marked)
{
	uint64_t after = 0, rows = 1;
	unsigned depth = 0;

	tree_row(t, 0, marked);
	while (!cmd_interrupted()) {
		if (depth + 1 < TREE_DEPTH && vm_object_list(after, t->path[depth].id, &t->path[depth + 1], 1) == 1) {
			depth++;
			t->more[depth] = vm_object_list(t->path[depth].id, t->path[depth - 1].id, &t->next, 1) == 1;
			tree_row(t, depth, marked);
			rows++;
			after = 0;
		} else if (depth == 0) {
			break;
		} else {
			after = t->path[depth].id;
			depth--;
		}
	}
	return rows;
}

static int
show_family(struct cmd_ctx *c, uint64_t id)
{
	static struct family t;
	struct vm_object_info o;
	struct listing l;
	unsigned depth;

	if (!get(id, &o))
		return cmd_result(c, KERN_FAIL(KERN_INVALID_ARGUMENT, "no object %lu", id), NULL);
	cmd_set_num("size", o.size);
	cmd_set_num("refs", o.refs);
	cmd_set_num("resident", o.resident);
	cmd_set_num("shadow", o.shadow);
	cmd_set_num("copy", o.copy);
	if (c->json) {
		begin(&l, c);
		object_row(&l, &o);
		return 0;
	}
	t.path[0] = o;
	for (depth = 0; get(t.path[0].shadow, &o); depth++)
		t.path[0] = o;
	cmd_set_num("depth", depth);
	cmd_set_num("family", show_tree(&t, id));
	return 0;
}

/* What the word means: a number, or a memory object, named entry or copy by name; 0: nothing. */
static uint64_t
object_id(const char *word)
{
	struct held *h = held_find(CMD_HELD, word);
	struct shell_error e;
	uint64_t id = 0;
	vm_object_t object = NULL;

	if (h == NULL)
		return shell_expr(word, &id, &e) ? id : 0;
	if (h->kind == CMD_OBJECT)
		object = h->object->control;
	else if (h->kind == CMD_NAMED && h->named->type == NAMED_OBJECT)
		object = h->named->backing.object;
	else if (h->kind == CMD_COPY && h->copy != NULL && h->copy->type == VM_MAP_COPY_OBJECT)
		object = h->copy->object;
	return object != NULL ? object->id : 0;
}

static int
do_show_object(struct cmd_ctx *c)
{
	uint64_t id;

	if (!c->arg[0].given)
		return show_all(c);
	id = object_id(c->arg[0].word);
	if (id == 0)
		return cmd_result(c, KERN_FAIL(KERN_INVALID_ARGUMENT, "neither an object's number nor something with an object"),
		    NULL);
	return show_family(c, id);
}

COMMAND_NAMED(show_object, "show object", do_show_object, "show", "objects: all, or one with its family as a tree",
    "Number, size, references (entries, shadows, copies, named entries), resident and wired\n"
    "pages, the object it shadows with the offset in there, its asymmetric copy, copy strategy.\n"
    "`show object 5` or `show object e1` draws the chain below it and all that shadow the same\n"
    "objects; the one that was asked for has a *. Sets $refs $resident $shadow $copy $depth\n"
    "(objects below it) and $family (objects in the tree).",
    OPT(WORD, "object", ""));
