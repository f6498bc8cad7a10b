/*
 * held.c: what the shell holds under names.
 *
 *	name ──> held ──one reference──> copy | named entry | memory object | region | map
 *
 * One space of names for all kinds, shared with tasks: wherever a map is asked
 * for, t1, m1 and the submap of a named entry e1 will do. Held things live
 * until they are dropped, or consumed by the call that takes them over.
 *
 * A new one is made in two steps, so that a call that cannot fail any more is
 * the last to be made: held_new finds name and memory, held_keep fills in.
 * A held whose `any` is not filled in yet is on no list.
 *
 * Everything here belongs to the shell's thread; no locks.
 */
#include <stdio.h>
#include <string.h>
#include <base/list.h>
#include <mm/zone.h>
#include "held.h"

static struct zone held_zone;
static struct list held_list = { &held_list, &held_list };

static const struct {
	enum cmd_type kind;
	const char   *prefix, *name;
} kinds[] = {
	{ CMD_COPY, "c", "copy" }, { CMD_NAMED, "e", "named entry" }, { CMD_OBJECT, "o", "memory object" },
	{ CMD_REGION, "r", "shared region" }, { CMD_MAP, "m", "map" },
};

const char *
held_kind_name(enum cmd_type kind)
{
	unsigned i;

	for (i = 0; i < nitems(kinds); i++)
		if (kinds[i].kind == kind)
			return kinds[i].name;
	return "?";
}

struct held *
held_nth(unsigned i)
{
	struct list *l;

	list_foreach(l, &held_list)
		if (i-- == 0)
			return list_entry(l, struct held, link);
	return NULL;
}

struct held *
held_find(enum cmd_type kind, const char *name)
{
	struct held *h;
	struct list *l;

	list_foreach(l, &held_list) {
		h = list_entry(l, struct held, link);
		if ((kind == CMD_HELD || h->kind == kind) && strcmp(h->name, name) == 0)
			return h;
	}
	return NULL;
}

struct held *
held_named(enum cmd_type kind, const void *any)
{
	struct held *h;
	struct list *l;

	list_foreach(l, &held_list) {
		h = list_entry(l, struct held, link);
		if (h->kind == kind && h->any == any)
			return h;
	}
	return NULL;
}

static bool
is_taken(const char *name)
{
	struct task *t = shell_task(name);

	if (t == NULL)
		return held_find(CMD_HELD, name) != NULL;
	task_deallocate(t);
	return true;
}

static void
make_up(enum cmd_type kind, char name[SHELL_NAME_MAX])
{
	unsigned k, i;

	for (k = 0; kinds[k].kind != kind; k++)
		continue;
	i = 0;
	do
		snprintf(name, SHELL_NAME_MAX, "%s%u", kinds[k].prefix, ++i);
	while (is_taken(name));
}

kern_return_t
held_new(enum cmd_type kind, const char *name, struct held **h)
{
	size_t n = strlen(name);

	if (held_zone.name == NULL)
		zone_init(&held_zone, "shell.held", sizeof(struct held));
	if (n != 0 && (shell_name_length(name) != n || n >= SHELL_NAME_MAX))
		return KERN_FAIL(KERN_INVALID_ARGUMENT, "a name is a letter, then letters, digits and _, %d in all at most",
		    SHELL_NAME_MAX - 1);
	if (n != 0 && is_taken(name))
		return KERN_FAIL(KERN_NAME_EXISTS, "the name is taken");
	*h = zalloc(&held_zone);
	if (*h == NULL)
		return KERN_FAIL(KERN_RESOURCE_SHORTAGE, "no memory for a name");
	memset(*h, 0, sizeof(**h));
	(*h)->kind = kind;
	if (n != 0)
		strcpy((*h)->name, name);
	else
		make_up(kind, (*h)->name);
	return KERN_SUCCESS;
}

kern_return_t
held_keep(struct held *h, kern_return_t kr, void *any)
{
	if (kr != KERN_SUCCESS) {
		zfree(&held_zone, h);
		return kr;
	}
	h->any = any;
	list_push_back(&held_list, &h->link);
	return KERN_SUCCESS;
}

void
held_forget(struct held *h)
{
	list_remove(&h->link);
	zfree(&held_zone, h);
}

/* Of its references on being resident at most as many stay as there are references. */
static void
drop_map(vm_map_t map, bool resident)
{
	spin_lock(&map->s_lock);
	if (map->res_count != 0 && (resident || map->res_count >= map->ref_count))
		vm_map_res_deallocate(map);
	spin_unlock(&map->s_lock);
	vm_map_deallocate(map);
}

void
held_drop(struct held *h)
{
	struct held last = *h;

	held_forget(h);
	switch (last.kind) {
	case CMD_COPY:
		vm_map_copy_discard(last.copy);
		break;
	case CMD_NAMED:
		vm_named_entry_release(last.named);
		break;
	case CMD_OBJECT:
		memory_object_release(last.object);
		break;
	case CMD_REGION:
		shared_region_mapping_dealloc(last.region);
		break;
	default:
		drop_map(last.map, last.resident);
		break;
	}
}

/* A map by whatever has one. */
static bool
find_map(const char *name, struct cmd_value *v)
{
	v->task = shell_task(name);
	if (v->task != NULL) {
		v->map = v->task == kernel_task ? NULL : v->task->map;
		return true;
	}
	v->held = held_find(CMD_MAP, name);
	if (v->held != NULL) {
		v->map = v->held->map;
		return true;
	}
	v->held = held_find(CMD_NAMED, name);
	if (v->held == NULL || v->held->named->type != NAMED_SUBMAP)
		return false;
	v->map = v->held->named->backing.map;
	return true;
}

bool
shell_object(enum cmd_type type, const char *name, struct cmd_value *v)
{
	if (type == CMD_MAP)
		return find_map(name, v);
	v->held = held_find(type, name);
	return v->held != NULL;
}

void
held_names(enum cmd_type type, struct shell_completion *c)
{
	struct held *h;
	struct list *l;

	list_foreach(l, &held_list) {
		h = list_entry(l, struct held, link);
		if (type == CMD_HELD || h->kind == type ||
		    (type == CMD_MAP && h->kind == CMD_NAMED && h->named->type == NAMED_SUBMAP))
			shell_candidate(c, h->name);
	}
}

/* --- arguments that the map layer trusts --- */

kern_return_t
cmd_map(const struct cmd_value *v)
{
	if (v->map != VM_MAP_NULL)
		return KERN_SUCCESS;
	return KERN_FAIL(KERN_INVALID_ARGUMENT, "the kernel's map is only to be looked at");
}

kern_return_t
cmd_map_range(const struct cmd_value *v, vm_offset_t start, vm_offset_t end)
{
	kern_return_t kr = cmd_map(v);

	if (kr != KERN_SUCCESS)
		return kr;
	if (((start | end) & PAGE_MASK) != 0)
		return KERN_FAIL(KERN_INVALID_ARGUMENT, "0x%lx to 0x%lx is not whole pages", start, end);
	if (start > end || start < vm_map_min(v->map) || end > vm_map_max(v->map))
		return KERN_FAIL(KERN_INVALID_ARGUMENT, "0x%lx to 0x%lx is not a range of 0x%lx to 0x%lx", start, end,
		    vm_map_min(v->map), vm_map_max(v->map));
	return KERN_SUCCESS;
}

bool
cmd_is_task_map(vm_map_t map)
{
	struct task *t;
	bool found = false;
	unsigned i;

	for (i = 0; !found && (t = task_nth(i)) != NULL; i++) {
		found = t->map == map;
		task_deallocate(t);
	}
	return found;
}

kern_return_t
cmd_kernel_wires(vm_map_t map)
{
	if (cmd_is_task_map(map))
		return KERN_SUCCESS;
	return KERN_FAIL(KERN_INVALID_ARGUMENT, "map %lu is no task's: kernel wirings there belong to its windows", map->id);
}

kern_return_t
cmd_rights(vm_prot_t cur, vm_prot_t max)
{
	if ((max & ~VM_PROT_ALL) == 0 && (cur & ~max) == 0)
		return KERN_SUCCESS;
	return KERN_FAIL(KERN_INVALID_ARGUMENT, "rights 0x%x within 0x%x within rwx are expected", cur, max);
}
