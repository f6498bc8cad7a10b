/*
 * driver.c: performs operations on mm and on the model. See driver.h.
 *
 *	16 bytes ──decode──> d ──op_x──> mm and model ──> agree? ──> sample, audit, check_everything
 *
 * After each operation: its result code and outputs; what harts reach at pages
 * that the operation named and at others, with every kind of access, byte for
 * byte; TLBs against tables. From time to time, or always: every leaf of every
 * page table, the regions that vm_region lists, the invariants of vm_check.
 */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <arch/tlb.h>
#include "driver_impl.h"

const char *const driver_kind_name[DRV_KINDS] = {
	"access", "touch", "megapage", "renew", "passing fork", "vm_allocate", "vm_map", "vm_deallocate", "vm_protect", "vm_inherit",
	"vm_read", "vm_read_overwrite", "vm_write", "vm_copy", "vm_region", "fork", "end", "create",
	"switch", "kernel read", "kernel write", "refill", "asids",
	"vm_remap", "vm_wire", "vm_behavior_set", "vm_msync", "make memory entry", "map memory entry", "drop memory entry",
	"take a copy", "use a copy", "map a pager", "map a submap", "stack",
	"vm_map_protect", "vm_map_madvise", "vm_map_wire", "vm_map_sync"
};

uint64_t
driver_calls(const struct driver_counts *n)
{
	uint64_t all = 0;

	for (unsigned k = 0; k < DRV_KINDS; k++)
		all += n->done[k] + n->refused[k] + n->shortage[k] + n->skipped[k];
	return all;
}

struct driver_counts driver_counts;
bool driver_verbose;
char driver_failure[1024];

struct driver d;

void
fail(const char *fmt, ...)
{
	va_list ap;
	int n;

	if (driver_failure[0] != '\0')
		return;
	n = snprintf(driver_failure, sizeof(driver_failure), "operation %lu (%s): ", d.step,
	    driver_kind_name[d.kind]);
	va_start(ap, fmt);
	vsnprintf(driver_failure + n, sizeof(driver_failure) - (size_t)n, fmt, ap);
	va_end(ap);
}

void
say(const char *fmt, ...)
{
	va_list ap;

	if (!driver_verbose)
		return;
	printf("# %3lu hart %u: ", d.step, d.hart);
	va_start(ap, fmt);
	vprintf(fmt, ap);
	va_end(ap);
	printf("\n");
	fflush(stdout);
}

uint64_t
dice(uint64_t n)
{
	d.random = d.random * 6364136223846793005ul + 1442695040888963407ul;
	return (d.random >> 33) % n;
}

/* --- start --- */

static void
windows(vm_offset_t max, bool small, struct window *w)
{
	vm_size_t wide = small ? 24 * P : 40 * P;

	w[0] = (struct window){ P, 64 * P };
	w[1] = (struct window){ M - wide, 2 * M + wide };
	w[2] = (struct window){ GIGAPAGE_SIZE - M - wide, GIGAPAGE_SIZE + wide };
	w[3] = (struct window){ max - M - wide, max };
}

void
refill(unsigned t)
{
	for (unsigned i = 0; i < space.nunits && !failed(); i++) {
		vm_offset_t at = space.start[i];
		vm_size_t size = space.start[i + 1] - at;
		vm_address_ut a = vm_address_u(at);
		kern_return_t kr;

		if (!space.gap[i] || model_task[t].unit[i].cell != NULL)
			continue;
		kr = vm_allocate(d.map[t], &a, vm_size_u(size), VM_FLAGS_FIXED | VM_MAKE_TAG(99));
		driver_counts.code[kr & 63]++;
		if (kr == KERN_SUCCESS)
			model_allocate(t, &at, size, VM_FLAGS_FIXED | VM_MAKE_TAG(99), true);
		else if (kr != KERN_RESOURCE_SHORTAGE && !(kr == KERN_NO_SPACE && model_task[t].limit != MODEL_LIMIT_NONE))
			fail("gap of 0x%lx at 0x%lx: %s", size, at, kern_return_name(kr));
	}
}

void
create_task(unsigned t)
{
	pmap_t pmap = pmap_create();

	if (pmap == PMAP_NULL)
		return;
	d.map[t] = vm_map_create(pmap, VM_MIN_ADDRESS, vm_max_address, true);
	if (d.map[t] == VM_MAP_NULL) {
		pmap_destroy(pmap);
		return;
	}
	model_create(t);
	refill(t);
}

void
driver_boot(const struct driver_config *c)
{
	struct window w[MODEL_WINDOWS];

	memset(&d, 0, sizeof(d));
	d.config = *c;
	tlb_sim_next = (struct tlb_sim_config){ c->levels, c->asid_bits, c->fault_ad,
	    c->full_fences_only, 12345, c->sticky, c->napot };
	host_boot(c->memory);
	windows(vm_max_address, c->memory < (16u << 20), w);
	model_init(VM_MIN_ADDRESS, vm_max_address, w, 4);
	for (unsigned h = 0; h < HARTS; h++)
		d.on[h] = NOBODY;
	d.free_pages = host_free_pages();
}

void
driver_start(void)
{
	driver_failure[0] = '\0';
	d.step = 0;
	d.hart = 0;
	pagers_start();
	submaps_start();
	create_task(0);
	create_task(1);
}

/* --- one operation --- */

/* FreeBSD's calls go in place of some of Mach's. */
static void
choose_kind(void)
{
	static const struct {
		uint8_t kind, other, of;        /* one in `of` */
	} row[] = {
		{ DRV_PROTECT, DRV_PROTECT_RANGE, 3 }, { DRV_BEHAVIOR, DRV_MADVISE, 2 }, { DRV_WIRE, DRV_WIRE_RANGE, 2 },
		{ DRV_MSYNC, DRV_SYNC, 2 },
	};

	for (unsigned i = 0; i < nitems(row); i++)
		if (d.kind == row[i].kind && (d.random >> 44) % row[i].of == 0) {
			d.kind = row[i].other;
			return;
		}
}

static void
perform(uint8_t inject)
{
	choose_kind();
	switch (d.kind) {
	case DRV_ACCESS: op_access(inject); break;
	case DRV_TOUCH: op_touch(inject); break;
	case DRV_MEGA: op_megapage(inject); break;
	case DRV_RENEW: op_renew(inject); break;
	case DRV_PASSING: op_passing_fork(inject); break;
	case DRV_ALLOCATE: op_allocate(inject); break;
	case DRV_MAP: d.random >> 40 & 1 ? op_find(inject) : op_map(inject); break;
	case DRV_DEALLOCATE: op_deallocate(inject); break;
	case DRV_PROTECT: op_protect(inject); break;
	case DRV_INHERIT: op_inherit(inject); break;
	case DRV_READ: op_read(inject); break;
	case DRV_READ_OVERWRITE:
	case DRV_WRITE:
	case DRV_COPY: op_copy(inject); break;
	case DRV_REGION: op_region(); break;
	case DRV_FORK: op_fork(inject); break;
	case DRV_END: op_end(); break;
	case DRV_CREATE: op_create(inject); break;
	case DRV_SWITCH: run_on(d.hart, d.arg & 1 ? d.t : d.arg & 2 ? d.t2 : NOBODY); break;
	case DRV_KREAD:
	case DRV_KWRITE: op_kernel_access(inject); break;
	case DRV_REFILL: refill(d.t); break;
	case DRV_REMAP: op_remap(inject); break;
	case DRV_WIRE: op_wire(inject); break;
	case DRV_BEHAVIOR: op_behavior(inject); break;
	case DRV_MSYNC: op_msync(inject); break;
	case DRV_ENTRY_MAKE: op_entry_make(inject); break;
	case DRV_ENTRY_MAP: op_entry_map(inject); break;
	case DRV_ENTRY_DROP: op_entry_drop(); break;
	case DRV_COPY_TAKE: op_copy_take(inject); break;
	case DRV_COPY_USE: op_copy_use(inject); break;
	case DRV_PAGER_MAP: op_pager_map(inject); break;
	case DRV_WINDOW: op_window(inject); break;
	case DRV_STACK: op_stack(inject); break;
	case DRV_PROTECT_RANGE: op_protect_range(inject); break;
	case DRV_MADVISE: op_madvise(inject); break;
	case DRV_WIRE_RANGE: op_wire_range(inject); break;
	case DRV_SYNC: op_sync(inject); break;
	default: tlb_exhaust_asids(); break;
	}
}

bool
driver_op(const struct op *op)
{
	d.step++;
	decode(op);
	if (d.t == NOBODY) {            /* no memory even for one task */
		create_task(0);
		return !failed();
	}
	perform(op->b[15]);
	vm_alloc_fail_at(0, false);
	if (!failed())
		sample();
	audit(d.t);
	audit(d.t2);
	if (model_wrote_through)
		fail("a copy-on-write window was written through");
	if (!failed() && d.step % d.config.check_every == 0)
		check_everything();
	return !failed();
}

/* Every page that can be made readable is read. */
static void
read_all(unsigned t)
{
	static uint8_t buffer[P];

	for (unsigned i = 0; i < space.nunits && !failed(); i++) {
		const struct unit *u = &model_task[t].unit[i];
		struct unit seen = model_seen(t, (int)i);
		vm_offset_t va = space.start[i];
		kern_return_t kr;

		if (seen.cell == NULL || space.gap[i] || !((u->sub != 0 ? seen.prot : u->max) & VM_PROT_READ))
			continue;
		if (!(u->prot & VM_PROT_READ) &&
		    vm_protect(d.map[t], vm_address_u(va), vm_size_u(P), false, VM_PROT_READ) != KERN_SUCCESS)
			continue;
		kr = vm_map_read_user(d.map[t], va, buffer, P);
		if (kr == KERN_RESOURCE_SHORTAGE)
			continue;
		driver_counts.pages_compared++;
		if (kr != KERN_SUCCESS || memcmp(buffer, model_bytes(u), P) != 0)
			fail("task %u at the end: page 0x%lx: %s", t, va,
			    kr != KERN_SUCCESS ? kern_return_name(kr) : "other bytes");
	}
}

bool
driver_finish(void)
{
	struct vm_page_counts c;
	uint64_t left;

	if (failed())
		return false;
	d.step++;
	check_everything();
	for (unsigned t = 0; t < MODEL_MAPS && !failed(); t++)
		if (model_task[t].live)
			read_all(t);
	for (unsigned t = 0; t < MODEL_TASKS && !failed(); t++)
		if (model_task[t].live)
			end_task(t);
	share_finish();
	submaps_finish();
	pagers_finish();
	if (failed())
		return false;
	left = host_free_pages();
	if (left != d.free_pages)
		fail("%ld pages leaked", (long)(d.free_pages - left));
	else if (vm_page_census(&c) != NULL)
		fail("the census of pages does not agree");
	for (unsigned h = 0; h < HARTS; h++)
		run_on(h, NOBODY);
	tlb_sim_become(0);
	return !failed();
}
