/*
 * model_impl.h: what model.c and model_share.c tell each other.
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
model_codes place(unsigned t, vm_offset_t *addr, vm_size_t size, uint64_t mask, uint32_t flags,
    kern_return_t wrap, struct range *r);

#endif
