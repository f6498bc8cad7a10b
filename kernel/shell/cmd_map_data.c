/*
 * cmd_map_data.c: removing ranges as the map layer does, moving bytes between
 * the kernel and any map, and running on another map.
 *
 * A removal that waits for the kernel's wirings could wait for ever, and only
 * the shell can undo them: so a thread of its own does it, and the command
 * waits for that thread as long as it was told.
 */
#include <base/print.h>
#include <kernel/thread.h>
#include <machine/copy.h>
#include <mm/zone.h>
#include "held.h"

static const struct cmd_word remove_words[] = {
	{ "none", VM_MAP_NO_FLAGS }, { "kunwire", VM_MAP_REMOVE_KUNWIRE },
	{ "interruptible", VM_MAP_REMOVE_INTERRUPTIBLE }, { "wait_for_kwire", VM_MAP_REMOVE_WAIT_FOR_KWIRE }, { NULL, 0 },
};

/* Between the command and the thread; freed by whoever lets go last. */
struct removal {
	vm_map_t      map;              /* one reference, the thread's */
	vm_offset_t   start, end;
	unsigned      flags;
	uint32_t      holders;          /* atomic */
	bool          done;             /* atomic */
	kern_return_t kr;
};
static struct zone removal_zone;

static void
let_go(struct removal *r)
{
	if (__atomic_sub_fetch(&r->holders, 1, __ATOMIC_ACQ_REL) == 0)
		zfree(&removal_zone, r);
}

static void
remove_thread(void *arg)
{
	struct removal *r = arg;

	r->kr = vm_map_remove(r->map, r->start, r->end, r->flags);
	vm_map_deallocate(r->map);
	__atomic_store_n(&r->done, true, __ATOMIC_RELEASE);
	let_go(r);
	thread_exit();
}

static struct removal *
start_removal(vm_map_t map, vm_offset_t start, vm_offset_t end, unsigned flags)
{
	struct removal *r;

	if (removal_zone.name == NULL)
		zone_init(&removal_zone, "shell.removal", sizeof(struct removal));
	r = zalloc(&removal_zone);
	if (r == NULL)
		return NULL;
	*r = (struct removal){ map, start, end, flags, 2, false, KERN_SUCCESS };
	vm_map_reference(map);
	if (kthread_create("vm_map_remove", remove_thread, r) != NULL)
		return r;
	vm_map_deallocate(map);
	zfree(&removal_zone, r);
	return NULL;
}

static kern_return_t
remove_patiently(vm_map_t map, vm_offset_t start, vm_offset_t end, unsigned flags, uint64_t ms)
{
	struct removal *r = start_removal(map, start, end, flags);
	kern_return_t kr;

	if (r == NULL)
		return KERN_FAIL(KERN_RESOURCE_SHORTAGE, "no memory for a thread that waits");
	while (!__atomic_load_n(&r->done, __ATOMIC_ACQUIRE) && ms-- > 0 && !cmd_interrupted())
		thread_sleep_us(1000);
	if (__atomic_load_n(&r->done, __ATOMIC_ACQUIRE))
		kr = r->kr == KERN_SUCCESS ? r->kr : KERN_FAIL(r->kr, "the removal of 0x%lx to 0x%lx failed", start, end);
	else
		kr = KERN_FAIL(KERN_OPERATION_TIMED_OUT, "0x%lx to 0x%lx goes when the kernel has unwired it", start, end);
	let_go(r);
	return kr;
}

static int
do_remove(struct cmd_ctx *c)
{
	vm_offset_t start = c->arg[1].num, end = c->arg[2].num;
	unsigned flags = (unsigned)c->arg[3].num;
	kern_return_t kr = cmd_map_range(&c->arg[0], start, end);

	if (kr == KERN_SUCCESS && (flags & ~(VM_MAP_REMOVE_KUNWIRE | VM_MAP_REMOVE_INTERRUPTIBLE | VM_MAP_REMOVE_WAIT_FOR_KWIRE)))
		kr = KERN_FAIL(KERN_INVALID_ARGUMENT, "flags 0x%x are not all known", flags);
	if (kr == KERN_SUCCESS && (flags & VM_MAP_REMOVE_KUNWIRE))
		kr = cmd_kernel_wires(c->arg[0].map);
	if (kr != KERN_SUCCESS)
		return cmd_result(c, kr, NULL);
	if (flags & VM_MAP_REMOVE_WAIT_FOR_KWIRE)
		kr = remove_patiently(c->arg[0].map, start, end, flags, c->arg[4].num);
	else
		kr = vm_map_remove(c->arg[0].map, start, end, flags);
	return cmd_result(c, kr, NULL);
}

COMMAND(vm_map_remove, do_remove, "map", "remove [START, END), also where the kernel has wired it",
    "flags: kunwire drops one of the kernel's wirings of each entry; wait_for_kwire waits until\n"
    "they are gone, this command for at most `patience` ms: then the removal goes on by itself.\n"
    "  vm_map_remove t1 $a $a+64K flags=kunwire\n"
    "KERN_FAILURE (wired by the kernel), KERN_ABORTED, KERN_RESOURCE_SHORTAGE,\n"
    "KERN_INVALID_ARGUMENT, KERN_OPERATION_TIMED_OUT (it still waits)",
    ARG(MAP, "map"), ARG(NUM, "start"), ARG(NUM, "end"), OPTW(FLAGS, "flags", "none", remove_words),
    OPT(NUM, "patience", "100"));

/* --- bytes --- */

#define BYTES_MAX 256

static int
do_read_user(struct cmd_ctx *c)
{
	uint8_t buf[BYTES_MAX] = { 0 };
	uint64_t value = 0;
	kern_return_t kr = cmd_map(&c->arg[0]);
	size_t n = c->arg[2].num, i;

	if (n == 0 || n > BYTES_MAX)
		return cmd_usage(c, 2, "size: 1 to %d bytes are expected", BYTES_MAX);
	if (kr == KERN_SUCCESS)
		kr = vm_map_read_user(c->arg[0].map, c->arg[1].num, buf, n);
	for (i = 0; i < n && i < sizeof(value); i++)
		value |= (uint64_t)buf[i] << 8 * i;
	for (i = 0; kr == KERN_SUCCESS && !c->json && i < n; i++)
		kprintf("%s%02x%s", i % 32 == 0 ? "  " : " ", buf[i], i % 32 == 31 || i + 1 == n ? "\n" : "");
	return cmd_result(c, kr, "value=0x%lx", value);
}

COMMAND(vm_map_read_user, do_read_user, "map", "bytes of any map, read by the kernel",
    "Up to 256, faulted in through the map; the first 8 are $value.\n"
    "  vm_map_read_user t1 $a 64\n"
    "KERN_INVALID_ADDRESS, KERN_PROTECTION_FAILURE, KERN_MEMORY_ERROR, KERN_RESOURCE_SHORTAGE",
    ARG(MAP, "map"), ARG(NUM, "src"), OPT(SIZE, "size", "8"));

static int
do_write_user(struct cmd_ctx *c)
{
	uint64_t value = c->arg[2].num;
	kern_return_t kr = cmd_map(&c->arg[0]);

	if (c->arg[3].num == 0 || c->arg[3].num > sizeof(value))
		return cmd_usage(c, 3, "width: 1 to 8 bytes are expected");
	if (kr == KERN_SUCCESS)
		kr = vm_map_write_user(c->arg[0].map, &value, c->arg[1].num, c->arg[3].num);
	return cmd_result(c, kr, NULL);
}

COMMAND(vm_map_write_user, do_write_user, "map", "a value into any map, written by the kernel",
    "  vm_map_write_user t1 $a 0x1234 width=2\n"
    "KERN_INVALID_ADDRESS, KERN_PROTECTION_FAILURE, KERN_MEMORY_ERROR, KERN_RESOURCE_SHORTAGE",
    ARG(MAP, "map"), ARG(NUM, "dst"), ARG(NUM, "value"), OPT(NUM, "width", "8"));

/* --- the map that the shell's thread runs on --- */

static int
do_current_map(struct cmd_ctx *c)
{
	return cmd_result(c, KERN_SUCCESS, "map=%lu", current_map()->id);
}

COMMAND(current_map, do_current_map, "map", "the map that the shell's thread runs on",
    "Its number in $map: the kernel's, for a thread of the kernel.");

static int
do_switch(struct cmd_ctx *c)
{
	vm_map_t map = c->arg[0].map, old;
	uint64_t value = 0, was, is;
	kern_return_t kr = cmd_map(&c->arg[0]);

	/* Tables that are nested bear only leaves made through the windows. */
	if (kr == KERN_SUCCESS && (map->pmap == PMAP_NULL || map->own_tables))
		kr = KERN_FAIL(KERN_INVALID_ARGUMENT, "map %lu has no page tables to run on", map->id);
	if (kr != KERN_SUCCESS)
		return cmd_result(c, kr, NULL);
	old = vm_map_switch(map);
	was = old->id;
	is = current_map()->id;
	thread_yield();                 /* whoever runs meanwhile has another one loaded */
	if (c->arg[1].given)
		kr = copyin(c->arg[1].num, &value, sizeof(value));
	(void)vm_map_switch(old);
	return cmd_result(c, kr, "old=%lu map=%lu value=0x%lx", was, is, value);
}

COMMAND(vm_map_switch, do_switch, "map", "run on a task's map for a moment, and read a value there",
    "The shell's thread makes MAP its own, loads 8 bytes at addr by the hart's translation (with\n"
    "faults, as a system call does), and goes back. Sets $old $map $value.\n"
    "  vm_map_switch t1 $a\n"
    "KERN_INVALID_ADDRESS, KERN_PROTECTION_FAILURE (addr), KERN_INVALID_ARGUMENT",
    ARG(MAP, "map"), OPT(NUM, "addr", ""));
