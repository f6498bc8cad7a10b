/*
 * vm_object_impl.h: what the files of the object layer tell each other.
 */
#ifndef MM_VM_OBJECT_IMPL_H
#define MM_VM_OBJECT_IMPL_H

#include <mm/vm_reserv.h>

/* vm_chunk.c; object(s) locked */
void vm_chunk_bootstrap(void);
struct vm_chunk *vm_chunk_at_or_after(vm_object_t object, uint64_t index);
/* The chunk after c, or NULL. */
struct vm_chunk *vm_chunk_after(struct vm_chunk *c);
/* Calls fn for each chunk that holds pages of [start, end), with the slots concerned: [first, last). FALSE stops, and is the result. */
typedef bool vm_chunk_visitor(struct vm_chunk *c, unsigned first, unsigned last, void *arg);
bool vm_chunk_visit(vm_object_t object, vm_object_offset_t start, vm_object_offset_t end, vm_chunk_visitor *fn, void *arg);
/* A chunk with a reservation becomes one of single pages. FALSE: no memory for their numbers, nothing changed. */
bool vm_chunk_make_single(struct vm_chunk *c, enum vm_reserv_cause cause);
bool vm_chunk_move_all(vm_object_t to, vm_object_t from, vm_object_offset_t delta);
bool vm_chunk_covered(vm_object_t top, vm_object_t below, vm_object_offset_t delta);

/* vm_reserv.c; object locked */
void vm_reserv_bootstrap(void);
/*
 * c, new and empty, gets a megapage of memory if its window deserves one. Once in its life. FALSE: none is free, but one may
 * be made by vm_page_compact (VM_OBJECT_PATIENT only).
 */
bool vm_reserv_make(struct vm_chunk *c, unsigned flags);
/* c, new and empty, has m, a megapage of the caller's, for its reservation. */
void vm_reserv_attach(struct vm_chunk *c, struct vm_page *m);
void vm_reserv_refused(enum vm_reserv_refusal why);
/* The last page has come; the first of a full one has gone; c, linked nowhere, is about to belong to another object. */
void vm_reserv_filled(struct vm_chunk *c);
void vm_reserv_thinned(struct vm_chunk *c);
void vm_reserv_renamed(struct vm_chunk *c, vm_object_t to);
/* c, full and about to be freed, gives its megapage to the caller. */
void vm_reserv_detach(struct vm_chunk *c);
/* No page is left; full: there were 512 until now. The megapage is free. */
void vm_reserv_release(struct vm_chunk *c, bool full);
/* c's pages, whose numbers have been noted, stay as single ones; the rest of its megapage is free. */
void vm_reserv_dissolve(struct vm_chunk *c, enum vm_reserv_cause cause);

/*
 * vm_object_copy.c. The links between a copy object and its source: C.shadow == S, and S.copy == C or, where S is
 * itself a copy, S.older == C. Both ends locked to change one; either lock is enough to trust what is said of these two.
 */
static inline bool
vm_object_is_copy(const struct vm_object *c)
{
	return c->shadow != NULL && __atomic_load_n(&c->shadow->copy, __ATOMIC_RELAXED) == c;
}

/* Does s know c, which has s for its shadow, by `copy` or `older`? c locked. */
static inline bool
vm_object_knows(const struct vm_object *s, const struct vm_object *c)
{
	return __atomic_load_n(&s->copy, __ATOMIC_RELAXED) == c || __atomic_load_n(&s->older, __ATOMIC_RELAXED) == c;
}
/* The shadow of c (locked), which knows c, forgets it. */
void vm_object_forget_copy(vm_object_t c);
/* s, c and by (NULL allowed) locked: where s knows c it shall know `by`, whose shadow it is going to be. */
void vm_object_replace_copy(vm_object_t s, vm_object_t c, vm_object_t by);
/*
 * Drops the caller's reference on n, a copy object with few left, and merges n into the older copy if that has the last
 * one. FALSE: nothing done, drop it in the ordinary way.
 */
bool vm_object_deallocate_copy(vm_object_t n);
/* WRITE is taken from all leaves of o's unwired pages in [start, end); fenced. o locked. */
void vm_object_write_protect(vm_object_t o, vm_object_offset_t start, vm_object_offset_t end);

/*
 * vm_object.c: calls fn for every object that has pages, locked by it and with no lock held but that; FALSE ends it. Those
 * that somebody has locked are passed over. One sweep at a time: the caller sees to that.
 */
void vm_object_sweep(bool (*fn)(vm_object_t, void *), void *arg);
/* vm_object.c: frees an object that nobody references any more; locked on entry, gone on return. */
void vm_object_free_locked(vm_object_t object);

#endif
