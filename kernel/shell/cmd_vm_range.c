/*
 * cmd_vm_range.c: calls on memory that is mapped: wiring, advice, writing back,
 * caches, which pages are there.
 *
 * The users' calls take any bytes; their twins inside the map layer (vm_map_*)
 * take whole pages and trust their caller, so the ranges are checked here.
 */
#include <stdio.h>
#include <base/print.h>
#include <mm/vm_map_range.h>
#include <mm/vm_user.h>
#include "held.h"

static const struct cmd_word behavior_words[] = {
	{ "default", VM_BEHAVIOR_DEFAULT }, { "random", VM_BEHAVIOR_RANDOM }, { "sequential", VM_BEHAVIOR_SEQUENTIAL },
	{ "rseqntl", VM_BEHAVIOR_RSEQNTL }, { "willneed", VM_BEHAVIOR_WILLNEED }, { "dontneed", VM_BEHAVIOR_DONTNEED },
	{ "free", VM_BEHAVIOR_FREE }, { "zero_wired", VM_BEHAVIOR_ZERO_WIRED_PAGES },
	{ "reusable", VM_BEHAVIOR_REUSABLE }, { "reuse", VM_BEHAVIOR_REUSE }, { "can_reuse", VM_BEHAVIOR_CAN_REUSE },
	{ "pageout", VM_BEHAVIOR_PAGEOUT }, { "zero", VM_BEHAVIOR_ZERO },
	{ "megapages", VM_BEHAVIOR_MEGAPAGES }, { "small_pages", VM_BEHAVIOR_SMALL_PAGES }, { NULL, 0 },
};
static const struct cmd_word sync_words[] = {
	{ "async", VM_SYNC_ASYNCHRONOUS }, { "sync", VM_SYNC_SYNCHRONOUS }, { "invalidate", VM_SYNC_INVALIDATE },
	{ "killpages", VM_SYNC_KILLPAGES }, { "deactivate", VM_SYNC_DEACTIVATE },
	{ "contiguous", VM_SYNC_CONTIGUOUS }, { NULL, 0 },
};
static const struct cmd_word attribute_words[] = {
	{ "cache", MATTR_CACHE }, { "migrate", MATTR_MIGRATE }, { "replicate", MATTR_REPLICATE }, { NULL, 0 },
};
static const struct cmd_word attribute_values[] = {
	{ "off", MATTR_VAL_OFF }, { "on", MATTR_VAL_ON }, { "get", MATTR_VAL_GET },
	{ "cache_flush", MATTR_VAL_CACHE_FLUSH }, { "dcache_flush", MATTR_VAL_DCACHE_FLUSH },
	{ "icache_flush", MATTR_VAL_ICACHE_FLUSH }, { "cache_sync", MATTR_VAL_CACHE_SYNC },
	{ "get_info", MATTR_VAL_GET_INFO }, { NULL, 0 },
};

/* --- wiring --- */

static int
do_vm_wire(struct cmd_ctx *c)
{
	return cmd_result(c, vm_wire(c->arg[0].map, vm_address_u(c->arg[1].num), vm_size_u(c->arg[2].num),
	    (vm_prot_t)c->arg[3].num), NULL);
}

COMMAND(vm_wire, do_vm_wire, "vm", "keep a range in memory for an access, or with none let it go",
    "Every page is made resident and mapped, and stays so until it is unwired as often. The\n"
    "second wiring of an entry only counts.\n"
    "  vm_wire t1 $a 64K rw-;  vm_wire t1 $a 64K none\n"
    "KERN_INVALID_ADDRESS (a hole), KERN_PROTECTION_FAILURE, KERN_FAILURE (counts full),\n"
    "KERN_RESOURCE_SHORTAGE (memory or the limit), KERN_MEMORY_ERROR, KERN_INVALID_ARGUMENT,\n"
    "KERN_INVALID_TASK",
    ARG(MAP, "task"), ARG(NUM, "addr"), ARG(SIZE, "size"), ARG(PROT, "access"));

static int
do_task_wire(struct cmd_ctx *c)
{
	return cmd_result(c, task_wire(c->arg[0].map, c->arg[1].num != 0), NULL);
}

COMMAND(task_wire, do_task_wire, "vm", "wire what is mapped from now on",
    "  task_wire t1 1\n"
    "KERN_INVALID_ARGUMENT",
    ARG(MAP, "task"), ARG(BOOL, "must_wire"));

static const struct cmd_word wire_words[] = {
	{ "system", VM_MAP_WIRE_SYSTEM }, { "user", VM_MAP_WIRE_USER }, { "noholes", VM_MAP_WIRE_NOHOLES },
	{ "holesok", VM_MAP_WIRE_HOLESOK }, { "write", VM_MAP_WIRE_WRITE }, { NULL, 0 },
};

/* FreeBSD's forms. */
static int
do_wire_flags(struct cmd_ctx *c, uint64_t flags, enum vm_user_wire how)
{
	kern_return_t kr = cmd_map(&c->arg[0]);

	if (kr == KERN_SUCCESS && !(flags & VM_MAP_WIRE_USER))
		kr = cmd_kernel_wires(c->arg[0].map);
	if (kr == KERN_SUCCESS)
		kr = vm_map_wire_user(c->arg[0].map, vm_address_u(c->arg[1].num), vm_address_u(c->arg[2].num),
		    flags > UINT32_MAX ? UINT32_MAX : (uint32_t)flags, how);
	return cmd_result(c, kr, NULL);
}

static int
do_vm_map_wire(struct cmd_ctx *c)
{
	vm_prot_t access = (vm_prot_t)c->arg[3].num;
	kern_return_t kr;

	if (c->arg[5].given && (c->arg[3].given || c->arg[4].given))
		return cmd_usage(c, 5, "flags are of FreeBSD's form, access and user are of Mach's");
	if (c->arg[5].given)
		return do_wire_flags(c, c->arg[5].num, VM_USER_WIRE);
	kr = cmd_map_range(&c->arg[0], c->arg[1].num, c->arg[2].num);
	if (kr == KERN_SUCCESS)
		kr = cmd_rights(access, VM_PROT_ALL);
	if (kr == KERN_SUCCESS && access == VM_PROT_NONE)
		kr = KERN_FAIL(KERN_INVALID_ARGUMENT, "no access to wire for, and no flags (vm_map_unwire unwires)");
	if (kr == KERN_SUCCESS && c->arg[4].num == 0)
		kr = cmd_kernel_wires(c->arg[0].map);
	if (kr == KERN_SUCCESS)
		kr = vm_map_wire(c->arg[0].map, c->arg[1].num, c->arg[2].num, access, c->arg[4].num != 0);
	return cmd_result(c, kr, NULL);
}

COMMAND(vm_map_wire, do_vm_map_wire, "map", "wire [START, END), for the kernel or the user; or FreeBSD's form of it",
    "The kernel's wirings (user=0; tasks' maps only) keep the range from being removed, until\n"
    "vm_map_unwire. With flags it is FreeBSD's: each entry for what it allows; the user's wirings do\n"
    "not nest; holesok passes over holes and what has no rights; write: over what has no w, too.\n"
    "  vm_map_wire t1 $a $a+64K rw-;  vm_map_wire t1 $a $a+64K flags=user|holesok\n"
    "KERN_INVALID_ADDRESS (a hole; FreeBSD's: or no rights), KERN_PROTECTION_FAILURE, KERN_FAILURE\n"
    "(counts full), KERN_RESOURCE_SHORTAGE, KERN_MEMORY_ERROR, KERN_INVALID_ARGUMENT",
    ARG(MAP, "map"), ARG(NUM, "start"), ARG(NUM, "end"), OPT(PROT, "access", "none"), OPT(BOOL, "user", "0"),
    OPTW(FLAGS, "flags", "", wire_words));

static int
do_vm_map_unwire(struct cmd_ctx *c)
{
	bool user = c->arg[3].num != 0;
	kern_return_t kr;

	if (c->arg[4].given && c->arg[3].given)
		return cmd_usage(c, 4, "flags are of FreeBSD's form, user is of Mach's");
	if (c->arg[4].given)
		return do_wire_flags(c, c->arg[4].num, VM_USER_UNWIRE);
	kr = cmd_map_range(&c->arg[0], c->arg[1].num, c->arg[2].num);
	if (kr == KERN_SUCCESS && !user)
		kr = cmd_kernel_wires(c->arg[0].map);
	if (kr == KERN_SUCCESS)
		kr = vm_map_unwire(c->arg[0].map, c->arg[1].num, c->arg[2].num, user);
	return cmd_result(c, kr, NULL);
}

COMMAND(vm_map_unwire, do_vm_map_unwire, "map", "undo one wiring of [START, END), the kernel's or the user's",
    "With flags it is FreeBSD's form: flags=user undoes all of the user's.\n"
    "  vm_map_unwire t1 $a $a+64K user=1;  vm_map_unwire t1 $a $a+64K flags=user|holesok\n"
    "KERN_INVALID_ADDRESS: not mapped; KERN_FAILURE: not wired by the kernel (FreeBSD's form:\n"
    "KERN_INVALID_ARGUMENT); KERN_INVALID_ARGUMENT: not whole pages; for the kernel a map that is no\n"
    "task's",
    ARG(MAP, "map"), ARG(NUM, "start"), ARG(NUM, "end"), OPT(BOOL, "user", "0"), OPTW(FLAGS, "flags", "", wire_words));

/* --- advice, writing back, caches --- */

static int
do_vm_behavior_set(struct cmd_ctx *c)
{
	return cmd_result(c, vm_behavior_set(c->arg[0].map, vm_address_u(c->arg[1].num), vm_size_u(c->arg[2].num),
	    (vm_behavior_t)c->arg[3].num), NULL);
}

COMMAND(vm_behavior_set, do_vm_behavior_set, "vm", "how a range will be used, or what to do with it now",
    "Kept by the entries: default, random, sequential, rseqntl (they change how much a fault\n"
    "brings in); megapages, small_pages (does the first touch of 2 MiB fill them all, the first\n"
    "write to a copy copy them all?). Done at once: willneed, dontneed, free, zero, reusable, pageout...\n"
    "  vm_behavior_set t1 $a 4M willneed\n"
    "KERN_INVALID_ARGUMENT, KERN_INVALID_ADDRESS (a hole), KERN_NO_SPACE (outside the map)",
    ARG(MAP, "task"), ARG(NUM, "addr"), ARG(SIZE, "size"), ARGW(ENUM, "behavior", behavior_words));

static int
do_vm_map_behavior_set(struct cmd_ctx *c)
{
	kern_return_t kr = cmd_map_range(&c->arg[0], c->arg[1].num, c->arg[2].num);

	if (kr == KERN_SUCCESS)
		kr = vm_map_behavior_set(c->arg[0].map, c->arg[1].num, c->arg[2].num, (vm_behavior_t)c->arg[3].num);
	return cmd_result(c, kr, NULL);
}

COMMAND(vm_map_behavior_set, do_vm_map_behavior_set, "map", "vm_behavior_set of [START, END)",
    "KERN_INVALID_ADDRESS (a hole), KERN_NO_SPACE, KERN_INVALID_ARGUMENT",
    ARG(MAP, "map"), ARG(NUM, "start"), ARG(NUM, "end"), ARGW(ENUM, "behavior", behavior_words));

static int
do_vm_msync(struct cmd_ctx *c)
{
	return cmd_result(c, vm_msync(c->arg[0].map, vm_address_u(c->arg[1].num), vm_size_u(c->arg[2].num),
	    (unsigned)c->arg[3].num), NULL);
}

COMMAND(vm_msync, do_vm_msync, "vm", "write changed pages back to their pager, drop or age them",
    "sync waits for the pager; invalidate drops the pages; killpages and deactivate are for\n"
    "memory without a pager; contiguous refuses holes.\n"
    "  vm_msync t1 $a 64K sync|invalidate\n"
    "KERN_INVALID_ARGUMENT, KERN_INVALID_ADDRESS, KERN_MEMORY_ERROR, KERN_INVALID_TASK",
    ARG(MAP, "task"), ARG(NUM, "addr"), ARG(SIZE, "size"), ARGW(FLAGS, "flags", sync_words));

static int
attribute_result(struct cmd_ctx *c, kern_return_t kr, int value)
{
	return cmd_result(c, kr, "value=%d", value);
}

static int
do_vm_machine_attribute(struct cmd_ctx *c)
{
	int value = (int)c->arg[4].num;
	kern_return_t kr;

	kr = vm_machine_attribute(c->arg[0].map, vm_address_u(c->arg[1].num), vm_size_u(c->arg[2].num),
	    (uint32_t)c->arg[3].num, &value);
	return attribute_result(c, kr, value);
}

COMMAND(vm_machine_attribute, do_vm_machine_attribute, "vm", "caches of a range: synchronize, flush, switch, ask",
    "  vm_machine_attribute t1 $a 4K cache icache_flush\n"
    "KERN_INVALID_ADDRESS, KERN_INVALID_ARGUMENT (an attribute that the machine has not),\n"
    "KERN_NOT_SUPPORTED, KERN_FAILURE (a hole)",
    ARG(MAP, "task"), ARG(NUM, "addr"), ARG(SIZE, "size"), ARGW(ENUM, "attribute", attribute_words),
    ARGW(ENUM, "value", attribute_values));

static int
do_vm_map_machine_attribute(struct cmd_ctx *c)
{
	int value = (int)c->arg[4].num;
	kern_return_t kr = cmd_map_range(&c->arg[0], c->arg[1].num, c->arg[2].num);

	if (kr == KERN_SUCCESS)
		kr = vm_map_machine_attribute(c->arg[0].map, c->arg[1].num, c->arg[2].num - c->arg[1].num,
		    (uint32_t)c->arg[3].num, &value);
	return attribute_result(c, kr, value);
}

COMMAND(vm_map_machine_attribute, do_vm_map_machine_attribute, "map", "vm_machine_attribute of [START, END)",
    "KERN_INVALID_ADDRESS, KERN_INVALID_ARGUMENT, KERN_NOT_SUPPORTED, KERN_FAILURE",
    ARG(MAP, "map"), ARG(NUM, "start"), ARG(NUM, "end"), ARGW(ENUM, "attribute", attribute_words),
    ARGW(ENUM, "value", attribute_values));

/* --- pages --- */

/* "present|ref|dirty", or "none". */
static const char *
disposition_text(int bits, char buf[40])
{
	snprintf(buf, 40, "%s%s%s%s%s", bits == 0 ? "none" : "", bits & VM_PAGE_QUERY_PAGE_PRESENT ? "present" : "",
	    bits & VM_PAGE_QUERY_PAGE_FICTITIOUS ? "|fictitious" : "", bits & VM_PAGE_QUERY_PAGE_REF ? "|ref" : "",
	    bits & VM_PAGE_QUERY_PAGE_DIRTY ? "|dirty" : "");
	return buf;
}

static int
do_page_query(struct cmd_ctx *c)
{
	int disposition = 0, refs = 0;
	char text[40];
	kern_return_t kr;

	kr = vm_map_page_query(c->arg[0].map, vm_address_u(c->arg[1].num), &disposition, &refs);
	return cmd_result(c, kr, "disposition=%d ref_count=%d page=%s", disposition, refs,
	    disposition_text(disposition, text));
}

COMMAND(vm_map_page_query, do_page_query, "vm", "is the page at an address resident, referenced, dirty?",
    "Sets $disposition (1 present, 4 referenced, 8 dirty), $ref_count of the object, $page in\n"
    "words.\n"
    "  vm_map_page_query t1 $a\n"
    "KERN_INVALID_ARGUMENT",
    ARG(MAP, "task"), ARG(NUM, "addr"));

#define QUERY_PAGES 512         /* asked for at once */

static int
do_page_range_query(struct cmd_ctx *c)
{
	static int page[QUERY_PAGES];
	vm_address_ut at = vm_address_u(c->arg[1].num);
	uint64_t left = c->arg[2].num, step, count, i, pages = 0, present = 0, referenced = 0, dirty = 0;
	kern_return_t kr;

	/* The whole range is judged by the first call; the rest goes piece by piece, from page to page. */
	do {
		step = QUERY_PAGES * PAGE_SIZE - (at.v & PAGE_MASK);
		count = QUERY_PAGES;
		kr = vm_map_page_range_query(c->arg[0].map, at, vm_size_u(pages == 0 || left < step ? left : step), page, &count);
		for (i = 0; kr == KERN_SUCCESS && i < count; i++) {
			present += (page[i] & VM_PAGE_QUERY_PAGE_PRESENT) != 0;
			referenced += (page[i] & VM_PAGE_QUERY_PAGE_REF) != 0;
			dirty += (page[i] & VM_PAGE_QUERY_PAGE_DIRTY) != 0;
		}
		pages += count;
		step = left < step ? left : step;
		left -= step;
		at.v += step;
	} while (kr == KERN_SUCCESS && left > 0 && !cmd_interrupted());
	return cmd_result(c, kr, "pages=%lu present=%lu ref=%lu dirty=%lu", pages, present, referenced, dirty);
}

COMMAND(vm_map_page_range_query, do_page_range_query, "vm", "how many pages of a range are resident, referenced, dirty",
    "  vm_map_page_range_query t1 $a 4M;  assert $present == 1024\n"
    "KERN_INVALID_ARGUMENT",
    ARG(MAP, "task"), ARG(NUM, "addr"), ARG(SIZE, "size"));
