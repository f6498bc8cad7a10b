/*
 * cmd_object.c: what a pager says to the kernel, typed by hand.
 *
 * The memory_object calls of <mm/memory_object.h> on a memory object that the
 * shell holds, as its pager would make them: also at the wrong moment, twice,
 * or for the wrong place, which must harm nobody.
 */
#include <string.h>
#include <mm/vm_print.h>
#include "held.h"

static const struct cmd_word return_words[] = {
	{ "none", MEMORY_OBJECT_RETURN_NONE }, { "dirty", MEMORY_OBJECT_RETURN_DIRTY },
	{ "all", MEMORY_OBJECT_RETURN_ALL }, { "anything", MEMORY_OBJECT_RETURN_ANYTHING }, { NULL, 0 },
};
static const struct cmd_word lock_words[] = {
	{ "none", 0 }, { "flush", MEMORY_OBJECT_DATA_FLUSH }, { "no_change", MEMORY_OBJECT_DATA_NO_CHANGE },
	{ "purge", MEMORY_OBJECT_DATA_PURGE }, { "copy_sync", MEMORY_OBJECT_COPY_SYNC },
	{ "data_sync", MEMORY_OBJECT_DATA_SYNC }, { NULL, 0 },
};
static const struct cmd_word strategy_words[] = {
	{ "none", MEMORY_OBJECT_COPY_NONE }, { "call", MEMORY_OBJECT_COPY_CALL }, { "delay", MEMORY_OBJECT_COPY_DELAY },
	{ "temporary", MEMORY_OBJECT_COPY_TEMPORARY }, { "symmetric", MEMORY_OBJECT_COPY_SYMMETRIC }, { NULL, 0 },
};

/* Device memory has no pages that could be supplied. */
static kern_return_t
want_pages(memory_object_t mo)
{
	if (!mo->phys_contiguous)
		return KERN_SUCCESS;
	return KERN_FAIL(KERN_INVALID_ARGUMENT, "memory object %lu is device memory", mo->id);
}

#define SUPPLY_MAX (1ul << 20)

static int
do_supply(struct cmd_ctx *c)
{
	static uint8_t page[PAGE_SIZE] __attribute__((aligned(8)));
	memory_object_t mo = c->arg[0].held->object;
	uint64_t offset = c->arg[1].num, size = c->arg[2].num, done;
	kern_return_t kr = want_pages(mo);

	if (c->arg[3].num > 255)
		return cmd_usage(c, 3, "value: a byte is expected");
	if (size > SUPPLY_MAX)
		return cmd_usage(c, 2, "size: 1M at most at once");
	memset(page, (int)c->arg[3].num, sizeof(page));
	/* What is not whole pages goes as it is: the kernel refuses it. */
	if (kr == KERN_SUCCESS && ((offset | size) & PAGE_MASK) != 0)
		kr = memory_object_data_supply(mo, offset, page, size < PAGE_SIZE ? size : PAGE_SIZE - 1,
		    (vm_prot_t)c->arg[4].num, c->arg[5].num != 0);
	else
		for (done = 0; kr == KERN_SUCCESS && done < size; done += PAGE_SIZE)
			kr = memory_object_data_supply(mo, offset + done, page, PAGE_SIZE, (vm_prot_t)c->arg[4].num,
			    c->arg[5].num != 0);
	return cmd_result(c, kr, NULL);
}

COMMAND(memory_object_data_supply, do_supply, "object", "contents for pages: every byte is VALUE",
    "Pages that are there stay as they are. lock: accesses that it forbids.\n"
    "  memory_object_data_supply o1 0 4K 0x5a lock=-w-\n"
    "KERN_INVALID_ARGUMENT (not whole pages, device memory), KERN_RESOURCE_SHORTAGE",
    ARG(OBJECT, "object"), ARG(NUM, "offset"), ARG(SIZE, "size"), ARG(NUM, "value"), OPT(PROT, "lock", "none"),
    OPT(BOOL, "precious", "0"));

static int
do_unavailable(struct cmd_ctx *c)
{
	kern_return_t kr = want_pages(c->arg[0].held->object);

	if (kr == KERN_SUCCESS)
		kr = memory_object_data_unavailable(c->arg[0].held->object, c->arg[1].num, c->arg[2].num);
	return cmd_result(c, kr, NULL);
}

COMMAND(memory_object_data_unavailable, do_unavailable, "object", "the pager has nothing there: who waits gets zeros",
    "KERN_INVALID_ARGUMENT",
    ARG(OBJECT, "object"), ARG(NUM, "offset"), ARG(SIZE, "size"));

static int
do_error(struct cmd_ctx *c)
{
	kern_return_t kr = want_pages(c->arg[0].held->object);

	if (kr == KERN_SUCCESS)
		kr = memory_object_data_error(c->arg[0].held->object, c->arg[1].num, c->arg[2].num,
		    (kern_return_t)c->arg[3].num);
	return cmd_result(c, kr, NULL);
}

COMMAND(memory_object_data_error, do_error, "object", "the pager cannot read it: who waits gets KERN_MEMORY_ERROR",
    "KERN_INVALID_ARGUMENT",
    ARG(OBJECT, "object"), ARG(NUM, "offset"), ARG(SIZE, "size"), OPT(CODE, "reason", "KERN_FAILURE"));

static int
do_lock_request(struct cmd_ctx *c)
{
	kern_return_t kr = want_pages(c->arg[0].held->object);

	if (kr == KERN_SUCCESS)
		kr = memory_object_lock_request(c->arg[0].held->object, c->arg[1].num, c->arg[2].num, (unsigned)c->arg[3].num,
		    (unsigned)c->arg[4].num, (vm_prot_t)c->arg[5].num);
	return cmd_result(c, kr, NULL);
}

COMMAND(memory_object_lock_request, do_lock_request, "object", "return, drop or lock the pages of a range",
    "return: which pages the pager wants back; flags=flush drops them; prot: accesses to forbid\n"
    "from now on (8: as they are; none: everything is allowed again).\n"
    "  memory_object_lock_request o1 0 64K return=dirty flags=flush\n"
    "  memory_object_lock_request o1 0 4K prot=-w-\n"
    "KERN_INVALID_ARGUMENT",
    ARG(OBJECT, "object"), ARG(NUM, "offset"), ARG(SIZE, "size"), OPTW(ENUM, "return", "none", return_words),
    OPTW(FLAGS, "flags", "none", lock_words), OPT(PROT, "prot", "8"));

static int
do_change(struct cmd_ctx *c)
{
	memory_object_t mo = c->arg[0].held->object;
	struct memory_object_attr_info info;
	unsigned count = MEMORY_OBJECT_ATTR_INFO_COUNT;
	kern_return_t kr = memory_object_get_attributes(mo, MEMORY_OBJECT_ATTRIBUTE_INFO, &info, &count);

	if (kr != KERN_SUCCESS)
		return cmd_result(c, kr, NULL);
	if (c->arg[1].given)
		info.copy_strategy = (uint32_t)c->arg[1].num;
	if (c->arg[2].given)
		info.cluster_size = c->arg[2].num < UINT32_MAX ? (uint32_t)c->arg[2].num : UINT32_MAX;
	if (c->arg[3].given)
		info.may_cache = c->arg[3].num != 0;
	if (c->arg[4].given)
		info.temporary = c->arg[4].num != 0;
	return cmd_result(c, memory_object_change_attributes(mo, (int)(c->arg[5].num & 0xffff), &info, count), NULL);
}

COMMAND(memory_object_change_attributes, do_change, "object", "how the kernel treats the object; makes it ready",
    "What is not given stays. temporary is delay, and contents need not go back.\n"
    "  memory_object_change_attributes o1 strategy=delay may_cache=1\n"
    "KERN_INVALID_ARGUMENT: a value, or the flavor",
    ARG(OBJECT, "object"), OPTW(ENUM, "strategy", "", strategy_words), OPT(SIZE, "cluster", ""),
    OPT(BOOL, "may_cache", ""), OPT(BOOL, "temporary", ""), OPT(NUM, "flavor", "14"));

static int
do_get(struct cmd_ctx *c)
{
	struct memory_object_attr_info info = { 0, 0, 0, 0 };
	unsigned count = c->arg[2].num < MEMORY_OBJECT_ATTR_INFO_COUNT ? (unsigned)c->arg[2].num : MEMORY_OBJECT_ATTR_INFO_COUNT;
	kern_return_t kr;

	kr = memory_object_get_attributes(c->arg[0].held->object, (int)(c->arg[1].num & 0xffff), &info, &count);
	return cmd_result(c, kr, "strategy=%s cluster=0x%x may_cache=%u temporary=%u",
	    vm_object_strategy_name((int)info.copy_strategy), info.cluster_size, info.may_cache, info.temporary);
}

COMMAND(memory_object_get_attributes, do_get, "object", "how the kernel treats the object",
    "Sets $strategy $cluster $may_cache $temporary.\n"
    "KERN_INVALID_ARGUMENT: flavor, or too small a count",
    ARG(OBJECT, "object"), OPT(NUM, "flavor", "14"), OPT(NUM, "count", "4"));

static int
do_destroy(struct cmd_ctx *c)
{
	return cmd_result(c, memory_object_destroy(c->arg[0].held->object, (kern_return_t)c->arg[1].num), NULL);
}

COMMAND(memory_object_destroy, do_destroy, "object", "the pager gives up: absent pages are errors from now on",
    "Resident pages and mappings stay.",
    ARG(OBJECT, "object"), OPT(CODE, "reason", "KERN_FAILURE"));

static int
do_synchronized(struct cmd_ctx *c)
{
	kern_return_t kr;

	kr = memory_object_synchronize_completed(c->arg[0].held->object, c->arg[1].num, c->arg[2].num);
	return cmd_result(c, kr, NULL);
}

COMMAND(memory_object_synchronize_completed, do_synchronized, "object", "answers a vm_msync that waits",
    "KERN_INVALID_ARGUMENT: none waits for this range",
    ARG(OBJECT, "object"), ARG(NUM, "offset"), ARG(SIZE, "size"));
