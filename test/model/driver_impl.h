/*
 * driver_impl.h: what the files of the driver tell each other.
 *
 *   driver.c        start, one operation, end
 *   driver_decode.c what an operation's bytes mean
 *   driver_judge.c  comparing mm with the model
 *   driver_vm.c     the operations on one map
 *   driver_share.c  operations that join maps: remap, named entries, held
 *                   copies, wiring, advice
 *   driver_submap.c submaps and their windows
 *   driver_find.c   FreeBSD's placement
 *   driver_stack.c  stacks, guards, limits
 *   driver_range.c  FreeBSD's operations on ranges
 *   driver_pager.c  memory objects and their pager
 */
#ifndef DRIVER_IMPL_H
#define DRIVER_IMPL_H

#include <mm/memory_object.h>
#include <mm/vm_check.h>
#include <mm/vm_user.h>
#include <mm/zone.h>
#include <host.h>
#include <tlb_sim.h>
#include "driver.h"
#include "model.h"

#define HARTS   4
#define NOBODY  MODEL_MAPS              /* a hart runs the kernel's pmap */
#define P       PAGE_SIZE
#define M       MEGAPAGE_SIZE

struct driver {
	struct driver_config config;
	vm_map_t  map[MODEL_MAPS];      /* tasks', then submaps */
	unsigned  on[HARTS];            /* task whose pmap a hart has loaded, or NOBODY */
	uint64_t  free_pages;           /* at the start */
	uint64_t  step;
	uint64_t  random;               /* of the current operation's checks */
	/* decoded */
	enum driver_kind kind;
	unsigned  t, t2, hart;
	vm_offset_t addr, addr2;
	vm_size_t size;
	uint8_t   arg, arg2;
	/* where to look afterwards */
	vm_offset_t spot[4];
	unsigned  nspots;
};
extern struct driver d;

void fail(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
static inline bool failed(void) { return driver_failure[0] != '\0'; }
/* In words, when asked to be verbose. */
void say(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
uint64_t dice(uint64_t n);

/* driver_decode.c */
/* The operation, into d; d.t == NOBODY: no task lives. */
void decode(const struct op *op);
vm_prot_t decode_prot(uint8_t b);
uint32_t decode_flags(void);
/* The n-th of the tasks that live; NOBODY: none does. */
unsigned live_task(unsigned n);
/* The n-th place where two neighbouring pages of t's windows differ in anything but contents. */
vm_offset_t border(unsigned t, unsigned n);

/* driver_judge.c */
/* Places to look at after the operation. */
void spot(vm_offset_t at);
void spots(vm_offset_t addr, vm_size_t size);
/*
 * Before the call: FALSE when the model cannot tell (the operation is left
 * out). Arms a failing allocation where the configuration wants it.
 */
bool may_run(model_codes codes, uint8_t inject);
/* After it: TRUE when it was a success that the model has to follow. */
bool agree(model_codes codes, kern_return_t kr);
/* A few accesses, at the spots of the operation and anywhere. */
void sample(void);
/* TLBs of task t against its tables. */
void audit(unsigned t);
/* Every leaf of every table, all regions, every invariant. */
void check_everything(void);
/* One call of vm_region; the region's end, or 0 when it was the last. */
vm_offset_t check_region(unsigned t, vm_offset_t addr);
/* Fails when harts used a translation that they should no longer have. */
void violations(void);
/* An access as hart h makes it; it judges nothing. */
kern_return_t hart_access(unsigned h, unsigned t, vm_offset_t va, vm_prot_t access, paddr_t *pa);
/* An access, judged: code and whole page. TRUE: it succeeded, and *pa. */
bool judged_access(unsigned h, unsigned t, vm_offset_t va, vm_prot_t access, paddr_t *pa);
/* The page of va at pa against the model's. */
void compare_page(unsigned t, vm_offset_t va, paddr_t pa, const char *how);

/* driver_vm.c */
/* The hart runs the task from now on. */
void run_on(unsigned h, unsigned t);
void end_task(unsigned t);
void op_access(uint8_t inject);
void op_touch(uint8_t inject);
void op_megapage(uint8_t inject);
void op_renew(uint8_t inject);
void op_allocate(uint8_t inject);
void op_map(uint8_t inject);
void op_deallocate(uint8_t inject);
void op_protect(uint8_t inject);
void op_inherit(uint8_t inject);
void op_read(uint8_t inject);
void op_copy(uint8_t inject);
void op_region(void);
void op_fork(uint8_t inject);
void op_passing_fork(uint8_t inject);
void op_end(void);
void op_create(uint8_t inject);
void op_kernel_access(uint8_t inject);
/* The result of a call that places memory. */
void placed(vm_offset_t got, vm_offset_t want, vm_size_t size);
/*
 * A copy to [addr, addr+size) of task t stopped for want of memory: each byte is old or new, and what it is now
 * holds from now on. `apply` makes the whole copy in the model.
 */
void adopt_partial(unsigned t, vm_offset_t addr, vm_size_t size, void (*apply)(void));
/*
 * New memory of task t holds a copy in [addr, addr+size). What lies beside it
 * in the same pages is the source's, or zero where bytes were copied: as it is.
 */
void adopt_edges(unsigned t, vm_offset_t addr, vm_size_t size);

/* driver_share.c */
void op_remap(uint8_t inject);
void op_wire(uint8_t inject);
void op_behavior(uint8_t inject);
void op_msync(uint8_t inject);
void op_entry_make(uint8_t inject);
void op_entry_map(uint8_t inject);
void op_entry_drop(void);
void op_copy_take(uint8_t inject);
void op_copy_use(uint8_t inject);
/* driver_submap.c */
void submaps_start(void);
void op_window(uint8_t inject);
/* Copy-on-write windows of task t that mm has made memory of: the model follows, before it writes there. */
void follow_windows(unsigned t);
void submaps_finish(void);

/* driver_find.c */
void op_find(uint8_t inject);

/* driver_range.c */
void op_protect_range(uint8_t inject);
void op_madvise(uint8_t inject);
void op_wire_range(uint8_t inject);
void op_sync(uint8_t inject);

/* driver_stack.c */
void op_stack(uint8_t inject);
/* mm has perhaps grown a stack of task t at va: then the model's grows, too. */
void follow_growth(unsigned t, vm_offset_t va);

/* driver.c */
/* Fills the gaps of map t again. */
void refill(unsigned t);
/* Task t lives, if there is memory for it. */
void create_task(unsigned t);

/* driver_pager.c */
void pagers_start(void);
/* Somebody shows, or the kernel has kept, an object of theirs. */
bool pagers_mapped(void);
/* What the pager has at offset; NULL: nothing. */
const uint8_t *pagers_stored(memory_object_t mo, vm_object_offset_t offset);
void op_pager_map(uint8_t inject);
/* The child has inherited from the parent: the model learns where it has holes. */
void pagers_forked(unsigned parent, unsigned child);
/* vm_msync(d.addr, d.size) of task d.t ended with kr. */
void pagers_synced(unsigned flags, kern_return_t kr);
/* What nobody maps any more is at the pager as it was left. */
void check_pagers(void);
void pagers_finish(void);
/* Named entries and copies that are still held go. */
void share_finish(void);

#endif
