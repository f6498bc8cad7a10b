/*
 * model_impl.h: what model.c, model_share.c and model_range.c tell each other.
 */
#ifndef MODEL_IMPL_H
#define MODEL_IMPL_H

#include "model.h"

#define FLAGS_KNOWN (VM_FLAGS_ANYWHERE | VM_FLAGS_OVERWRITE | VM_FLAGS_ALIAS_MASK)

struct range {
	vm_offset_t start, end;         /* pages touched; clamped where told */
	int         first, last;        /* units [first, last) */
};

struct content *content_hold(struct content *c);
struct cell *cell_new(struct content *content);
void cell_release(struct cell *c);
void cell_set(struct cell *c, struct content *content);
uint8_t *cell_bytes(struct cell *c);
void unit_clear(struct unit *u);
/* One without a cell, advice and wirings. */
struct unit unit_new(vm_prot_t cur, vm_prot_t max, vm_inherit_t inheritance, uint32_t flags, enum model_shared shared);
bool wraps(vm_offset_t addr, vm_size_t size);
bool range_units(struct range *r);
bool range_clamped(vm_offset_t addr, vm_size_t size, struct range *r);
bool copyable(const struct range *r);
model_codes judge(unsigned t, vm_offset_t addr, vm_size_t size, struct range *r,
    bool (*refuses)(const struct unit *, vm_prot_t), vm_prot_t prot);
/* The same for what windows show. With windows in the range, any of its refusals may come first. */
model_codes judge_contents(unsigned t, vm_offset_t addr, vm_size_t size, struct range *r,
    bool (*refuses)(const struct unit *, vm_prot_t), vm_prot_t prot);
/* [addr, addr+size), which does not wrap, holds a window; a copy-on-write window beside something else. */
bool has_windows(unsigned t, vm_offset_t addr, vm_size_t size);
bool has_mixed_windows(unsigned t, vm_offset_t addr, vm_size_t size);
bool lacks(const struct unit *u, vm_prot_t prot);
bool max_lacks(const struct unit *u, vm_prot_t prot);
/* One entry, as far as gaps go. */
bool same_gap(const struct unit *a, const struct unit *b);
/*
 * May users wire what is present and unwired of [first, last), but for what `passes` (NULL: nothing)? Else
 * KERN_RESOURCE_SHORTAGE.
 */
model_codes within_wired_limit(unsigned t, int first, int last, bool (*passes)(const struct unit *u, unsigned flags), unsigned flags);
/* May the stack with the gap [low, high) grow by `need` pages for addr? Lowers *most to what it may. */
model_codes within_stack_limit(unsigned t, vm_offset_t addr, vm_offset_t low, vm_offset_t high, bool up, int need, int *most);
model_codes place(unsigned t, vm_offset_t *addr, vm_size_t size, uint64_t mask, uint32_t flags,
    kern_return_t wrap, struct range *r);

#endif
