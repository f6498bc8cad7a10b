/*
 * model_range.c: the meaning of FreeBSD's operations on ranges: protection with
 * flags, advice, wiring with flags, writing back; and of the limits of a map.
 *
 * Where they are unlike Mach's: holes are passed over or refused with a code of
 * their own, a range is cut to the map, a window is refused or passed over, and
 * users' wirings do not nest. Written from FreeBSD's manual pages.
 *
 * All ranges are [start, end).
 */
#include <mm/vm_map_range.h>
#include "model_impl.h"

/* What every such call does first: whole pages, cut to the map. FALSE: *codes says how the call ends; TRUE: OK so far. */
static bool
cut(vm_offset_t start, vm_offset_t end, struct range *r, model_codes *codes)
{
	*r = (struct range){ .start = start < space.min ? space.min : start, .end = end > space.max ? space.max : end };
	*codes = OK;
	if ((start | end) % PAGE_SIZE != 0)
		*codes = CODE(KERN_INVALID_ARGUMENT);
	else if (r->start < r->end && !range_units(r))
		*codes = MODEL_SKIP;
	return *codes == OK && r->start < r->end;
}

/* --- limits --- */

/* Pages that users have wired in t. */
vm_size_t
model_wired(unsigned t)
{
	vm_size_t n = 0;

	for (unsigned i = 0; i < space.nunits; i++)
		n += model_task[t].unit[i].cell != NULL && model_task[t].unit[i].wired != 0;
	return n * PAGE_SIZE;
}

/* May those of [first, last) that are not wired yet, and are to be, come to what t's users have wired? */
model_codes
within_wired_limit(unsigned t, int first, int last, bool (*passes)(const struct unit *u, unsigned flags), unsigned flags)
{
	vm_size_t limit = model_task[t].limit_wired, more = 0, now;

	if (limit == MODEL_LIMIT_NONE)
		return OK;
	for (int i = first; i < last; i++) {
		const struct unit *u = &model_task[t].unit[i];

		more += u->cell != NULL && u->wired == 0 && (passes == NULL || !passes(u, flags)) ? PAGE_SIZE : 0;
	}
	now = model_wired(t);
	return more <= limit - (now < limit ? now : limit) ? OK : CODE(KERN_RESOURCE_SHORTAGE);
}

model_codes
within_stack_limit(unsigned t, vm_offset_t addr, vm_offset_t low, vm_offset_t high, bool up, int need, int *most)
{
	const struct model_task *m = &model_task[t];
	vm_size_t now, left;

	if (addr < m->main_start || addr >= m->main_end)
		return OK;
	now = up ? low - m->main_start : m->main_end - high;
	left = m->limit_stack > now ? m->limit_stack / PAGE_SIZE - now / PAGE_SIZE : 0;
	if ((vm_size_t)need > left)
		return CODE(KERN_NO_SPACE);
	if ((vm_size_t)*most > left)
		*most = (int)left;
	return OK;
}

/* --- protection --- */

/* Where the stack begins that has a part at, or first of all after, unit `first`; its gap belongs to it. */
static int
bottom(const struct unit *u, int first, int last)
{
	int i = first;

	while (i < last && u[i].cell == NULL)
		i++;
	if (i == last || !u[i].down)
		return first;
	while (i > 0 && u[i - 1].cell != NULL && u[i - 1].down)
		i--;
	if (i > 0 && u[i - 1].cell != NULL && u[i - 1].guard == GUARD_GAP && !u[i - 1].up)
		for (i--; i > 0 && same_gap(&u[i], &u[i - 1]); i--)
			;
	return i < first ? i : first;
}

static void
set_rights(struct unit *u, vm_prot_t prot, vm_prot_t max, unsigned flags)
{
	bool gap = u->guard == GUARD_GAP;
	uint8_t *now = gap ? &u->stack_prot : &u->prot, *most = gap ? &u->stack_max : &u->max;

	if (u->guard == GUARD_PLAIN)
		return;
	if (flags & VM_MAP_PROTECT_SET_MAXPROT) {
		*most = (uint8_t)max;
		*now &= (uint8_t)max;
	}
	if (flags & VM_MAP_PROTECT_SET_PROT)
		*now = (uint8_t)prot;
}

model_codes
model_protect_range(unsigned t, const struct model_rights *a, bool commit)
{
	const unsigned both = VM_MAP_PROTECT_SET_PROT | VM_MAP_PROTECT_SET_MAXPROT;
	struct unit *u = model_task[t].unit;
	vm_prot_t asked = (a->flags & VM_MAP_PROTECT_SET_PROT ? a->prot : 0) | (a->flags & VM_MAP_PROTECT_SET_MAXPROT ? a->max : 0);
	model_codes codes;
	struct range r;
	bool inside;

	inside = cut(a->start, a->end, &r, &codes);
	if (codes == CODE(KERN_INVALID_ARGUMENT))
		return codes;
	if ((a->flags & ~VM_MAP_PROTECT_FLAGS) || ((a->prot | a->max) & ~VM_PROT_ALL))
		return CODE(KERN_INVALID_ARGUMENT);
	if ((a->flags & both) == both && (a->prot & ~a->max))
		return CODE(KERN_OUT_OF_BOUNDS);
	if (!inside || !(a->flags & both))
		return codes;
	if (a->flags & VM_MAP_PROTECT_GROWSDOWN)
		r.first = bottom(u, r.first, r.last);
	for (int i = r.first; i < r.last; i++)
		if (u[i].cell == NULL || u[i].guard == GUARD_PLAIN)
			continue;
		else if (u[i].sub != 0)
			return CODE(KERN_INVALID_ARGUMENT);
		else if (asked & ~(u[i].guard == GUARD_GAP ? u[i].stack_max : u[i].max))
			return CODE(KERN_PROTECTION_FAILURE);
	for (int i = r.first; commit && i < r.last; i++)
		if (u[i].cell != NULL)
			set_rights(&u[i], a->prot, a->max, a->flags);
	return OK;
}

/* --- advice --- */

model_codes
model_madvise(unsigned t, vm_offset_t start, vm_offset_t end, unsigned advice, bool commit)
{
	static const uint8_t behavior[] = { [MADV_NORMAL] = VM_BEHAVIOR_DEFAULT, [MADV_RANDOM] = VM_BEHAVIOR_RANDOM,
	    [MADV_SEQUENTIAL] = VM_BEHAVIOR_SEQUENTIAL };
	model_codes codes;
	struct range r;

	if (advice > MADV_CORE)
		return CODE(KERN_INVALID_ARGUMENT);
	if (!cut(start, end, &r, &codes))
		return codes;
	for (int i = r.first; commit && i < r.last; i++) {
		struct unit *u = &model_task[t].unit[i];

		if (u->cell == NULL || u->sub != 0)
			continue;
		if (advice < nitems(behavior))
			u->behavior = behavior[advice];
		else if (advice == MADV_NOSYNC || advice == MADV_AUTOSYNC)
			u->no_sync = advice == MADV_NOSYNC;
		else if (advice == MADV_NOCORE || advice == MADV_CORE)
			u->no_core = advice == MADV_NOCORE;
	}
	return OK;
}

/* --- wiring --- */

static bool
cannot_be_wired(const struct unit *u, unsigned flags)
{
	return !(u->prot & (VM_PROT_READ | VM_PROT_EXECUTE)) || ((flags & VM_MAP_WIRE_WRITE) && !(u->prot & VM_PROT_WRITE));
}

/* Something that the model does not wire: what lies in a gap, and what shows a submap. */
static bool
unwirable(unsigned t, const struct range *r)
{
	for (int i = r->first; i < r->last; i++)
		if (model_task[t].unit[i].cell != NULL && (space.gap[i] || model_task[t].unit[i].sub != 0))
			return true;
	return false;
}

model_codes
model_wire_range(unsigned t, vm_offset_t start, vm_offset_t end, unsigned flags, bool commit)
{
	struct unit *u = model_task[t].unit;
	bool holes = flags & VM_MAP_WIRE_HOLESOK;
	model_codes codes;
	struct range r;

	if (flags & ~VM_MAP_WIRE_FLAGS)
		return CODE(KERN_INVALID_ARGUMENT);
	if (!cut(start, end, &r, &codes))
		return codes;
	if (unwirable(t, &r))
		return MODEL_SKIP;
	for (int i = r.first; !holes && i < r.last; i++)
		if (u[i].cell == NULL || cannot_be_wired(&u[i], flags))
			return CODE(KERN_INVALID_ADDRESS);
	codes = within_wired_limit(t, r.first, r.last, cannot_be_wired, flags);
	for (int i = r.first; codes == OK && commit && i < r.last; i++)
		if (u[i].cell != NULL && u[i].wired == 0 && !cannot_be_wired(&u[i], flags))
			u[i].wired = 1;
	return codes;
}

model_codes
model_unwire_range(unsigned t, vm_offset_t start, vm_offset_t end, unsigned flags, bool commit)
{
	struct unit *u = model_task[t].unit;
	model_codes codes;
	struct range r;

	if (flags & ~(VM_MAP_WIRE_USER | VM_MAP_WIRE_HOLESOK))
		return CODE(KERN_INVALID_ARGUMENT);
	if (!cut(start, end, &r, &codes))
		return codes;
	if (unwirable(t, &r))
		return MODEL_SKIP;
	for (int i = r.first; !(flags & VM_MAP_WIRE_HOLESOK) && i < r.last; i++)
		if (u[i].cell == NULL)
			return CODE(KERN_INVALID_ADDRESS);
	for (int i = r.first; commit && i < r.last; i++)
		u[i].wired = 0;
	return OK;
}

/* --- writing back: contents stay --- */

model_codes
model_sync(unsigned t, vm_offset_t start, vm_offset_t end, bool invalidate)
{
	const struct unit *u = model_task[t].unit;
	model_codes codes;
	struct range r;

	if (!cut(start, end, &r, &codes)) {
		int i = model_unit(r.start);

		if (codes != OK)
			return codes;
		/* Nothing is what there is at the start. */
		if (i < 0 || u[i].cell == NULL)
			return CODE(KERN_INVALID_ADDRESS);
		return invalidate && u[i].wired != 0 ? CODE(KERN_INVALID_ARGUMENT) : OK;
	}
	for (int i = r.first; i < r.last; i++)
		if (u[i].cell == NULL)
			return CODE(KERN_INVALID_ADDRESS);
	for (int i = r.first; invalidate && i < r.last; i++)
		if (u[i].wired != 0)
			return CODE(KERN_INVALID_ARGUMENT);
	return OK;
}
