/*
 * cmd_pager.c: memory objects and the pagers behind them: files, devices, and
 * the test pager, which misbehaves when told to.
 *
 * What is opened is held under a name by one reference (held.c). A fault on
 * memory whose pager does not answer keeps the task's agent waiting, and with it
 * the command, until the pager is told to answer (by its delay), or the
 * kernel's patience ends; Ctrl-C ends the task.
 */
#include <kernel/pager.h>
#include <mm/vm_print.h>
#include "held.h"

static int
made(struct cmd_ctx *c, kern_return_t kr, struct held *h, memory_object_t mo)
{
	kr = held_keep(h, kr, mo);
	if (kr != KERN_SUCCESS)
		return cmd_result(c, kr, NULL);
	return cmd_result(c, kr, "name=%s id=%lu size=0x%lx prot=%s", h->name, mo->id, mo->size, vm_prot_name(mo->max_prot));
}

static int
do_file(struct cmd_ctx *c)
{
	memory_object_t mo = NULL;
	vm_size_t bytes = 0;
	struct held *h;
	kern_return_t kr = held_new(CMD_OBJECT, c->arg[1].word, &h);

	if (kr != KERN_SUCCESS)
		return cmd_result(c, kr, NULL);
	kr = pager_file_open(c->arg[0].word, &mo, &bytes);
	cmd_set_num("bytes", bytes);
	return made(c, kr, h, mo);
}

COMMAND_NAMED(memory_object_file, "memory_object file", do_file, "object", "a file of the initial ramdisk as a memory object",
    "Read-only: map it r--/r-x, or with copy=1 privately. $bytes is its length.\n"
    "  memory_object file hello name=f;  vm_map t1 0 4K object=f cur=r-- max=r--\n"
    "KERN_NOT_FOUND, KERN_INVALID_ARGUMENT (empty), KERN_RESOURCE_SHORTAGE, KERN_NAME_EXISTS",
    ARG(FILE, "path"), OPT(NEW, "name", ""));

static int
do_device(struct cmd_ctx *c)
{
	const char *node = c->arg[0].word;
	bool is_address = node[0] >= '0' && node[0] <= '9';
	struct shell_error e;
	memory_object_t mo = NULL;
	uint64_t address = 0, start = 0;
	struct held *h;
	kern_return_t kr;

	if (is_address && !shell_expr(node, &address, &e))
		return cmd_usage(c, 0, "node: a path, an alias or an address is expected");
	kr = held_new(CMD_OBJECT, c->arg[2].word, &h);
	if (kr != KERN_SUCCESS)
		return cmd_result(c, kr, NULL);
	kr = pager_device_open(is_address ? NULL : node, address, c->arg[1].num, &mo, &start);
	cmd_set_num("start", start);
	return made(c, kr, h, mo);
}

COMMAND_NAMED(memory_object_device, "memory_object device", do_device, "object", "registers of a device as a memory object",
    "NODE: a path or alias of the device tree, or an address within some node's reg. Uncached,\n"
    "rw-; never memory, firmware's or the kernel's own. $start is the physical address.\n"
    "  memory_object device serial0 name=uart\n"
    "KERN_NOT_FOUND, KERN_INVALID_ARGUMENT, KERN_PROTECTION_FAILURE, KERN_RESOURCE_SHORTAGE",
    ARG(WORD, "node"), OPT(SIZE, "size", "0"), OPT(NEW, "name", ""));

/* --- the test pager --- */

static const struct cmd_word verb_words[] = {
	{ "ready", PAGER_READY }, { "unlocks", PAGER_UNLOCKS }, { "syncs", PAGER_SYNCS }, { "strategy", PAGER_STRATEGY },
	{ "cluster", PAGER_CLUSTER }, { "cache", PAGER_CACHE }, { "delay", PAGER_DELAY }, { "hold", PAGER_HOLD },
	{ "answer", PAGER_ANSWER }, { "fail", PAGER_FAIL }, { "unavailable", PAGER_UNAVAILABLE },
	{ "never", PAGER_NEVER }, { "twice", PAGER_TWICE }, { "shift", PAGER_SHIFT }, { "lock", PAGER_LOCK },
	{ "precious", PAGER_PRECIOUS }, { "fill", PAGER_FILL }, { "clean", PAGER_CLEAN }, { "flush", PAGER_FLUSH },
	{ "die", PAGER_DIE }, { NULL, 0 },
};

static int
do_test(struct cmd_ctx *c)
{
	/* By position behind name. */
	static const enum pager_test_verb told[] = { PAGER_READY, PAGER_STRATEGY, PAGER_FILL, PAGER_DELAY, PAGER_FAIL, PAGER_CACHE };
	memory_object_t mo = NULL;
	struct held *h;
	unsigned i;
	kern_return_t kr = held_new(CMD_OBJECT, c->arg[1].word, &h);

	if (kr != KERN_SUCCESS)
		return cmd_result(c, kr, NULL);
	kr = pager_test_create(c->arg[0].num, &mo);
	for (i = 0; i < nitems(told); i++) {
		if (kr == KERN_SUCCESS && c->arg[2 + i].given) {
			kr = pager_test_control(mo, told[i], c->arg[2 + i].num);
			if (kr != KERN_SUCCESS)
				memory_object_release(mo);
		}
	}
	return made(c, kr, h, mo);
}

COMMAND_NAMED(memory_object_test, "memory_object test", do_test, "object", "a pager that can be told to misbehave",
    "SIZE bytes of its own, rwx; page i reads as zeros, or with fill=N as bytes N+i. More by\n"
    "`memory_object tell`.\n"
    "  memory_object test 64K fill=1 delay=20 name=p1;  vm_map t1 0 64K object=p1\n"
    "KERN_INVALID_ARGUMENT, KERN_RESOURCE_SHORTAGE, KERN_NAME_EXISTS",
    ARG(SIZE, "size"), OPT(NEW, "name", ""), OPT(BOOL, "ready", ""), OPT(NUM, "strategy", ""), OPT(NUM, "fill", ""),
    OPT(NUM, "delay", ""), OPT(CODE, "fail", ""), OPT(BOOL, "cache", ""));

static int
do_tell(struct cmd_ctx *c)
{
	if (c->arg[1].num >= PAGER_VERBS)
		return cmd_usage(c, 1, "verb: there is none of this number");
	return cmd_result(c, pager_test_control(c->arg[0].held->object, (enum pager_test_verb)c->arg[1].num, c->arg[2].num), NULL);
}

COMMAND_NAMED(memory_object_tell, "memory_object tell", do_tell, "object", "tell a test pager how to behave",
    "ready 0/1 (answers init), delay MS, hold 0/1 (answers when told), answer N (now; 0: all),\n"
    "fail KERN_*, unavailable, never, twice, shift BYTES (answers elsewhere), lock PROT (forbids in\n"
    "what it supplies), unlocks 0/1, syncs 0/1, strategy, cluster BYTES, cache, precious, fill N,\n"
    "clean, flush, die KERN_*.\n"
    "  memory_object tell p1 fail KERN_FAILURE;  expect KERN_MEMORY_ERROR peek t1 $a\n"
    "KERN_INVALID_ARGUMENT: no test pager, or a value",
    ARG(OBJECT, "object"), ARGW(ENUM, "verb", verb_words), OPT(NUM, "value", "1"));

static int
do_counts(struct cmd_ctx *c)
{
	struct pager_test_counts n;

	if (!pager_test_counts(c->arg[0].held->object, &n))
		return cmd_result(c, KERN_FAIL(KERN_INVALID_ARGUMENT, "the pager is no test pager"), NULL);
	return cmd_result(c, KERN_SUCCESS, "inits=%lu terminates=%lu requests=%lu unlocks=%lu returns=%lu dirty=%lu syncs=%lu "
	    "held=%lu lost=%lu offset=0x%lx length=0x%lx access=%s", n.inits, n.terminates, n.requests, n.unlocks, n.returns,
	    n.dirty, n.syncs, n.held, n.lost, n.offset, n.length, vm_prot_name(n.access));
}

COMMAND_NAMED(memory_object_counts, "memory_object counts", do_counts, "object", "what a test pager was asked so far",
    "Each count is a variable, too; $offset $length $access: of the last request.\n"
    "KERN_INVALID_ARGUMENT: no test pager",
    ARG(OBJECT, "object"));

static int
store(struct cmd_ctx *c, uint64_t value, uint64_t width, bool write)
{
	bool ok = width >= 1 && width <= sizeof(value) &&
	    pager_test_store(c->arg[0].held->object, c->arg[1].num, &value, width, write);

	if (width < sizeof(value))
		value &= (1ul << 8 * width) - 1;
	return cmd_result(c, ok ? KERN_SUCCESS : KERN_FAIL(KERN_INVALID_ARGUMENT, "no test pager, or not within one page of it"),
	    "value=0x%lx", value);
}

static int
do_load(struct cmd_ctx *c)
{
	return store(c, 0, c->arg[2].num, false);
}

COMMAND_NAMED(memory_object_load, "memory_object load", do_load, "object", "a value of a test pager's own memory",
    "What it has, not what the kernel has of it.\n"
    "  memory_object load p1 0\n"
    "KERN_INVALID_ARGUMENT",
    ARG(OBJECT, "object"), ARG(NUM, "offset"), OPT(NUM, "width", "8"));

static int
do_store(struct cmd_ctx *c)
{
	return store(c, c->arg[2].num, c->arg[3].num, true);
}

COMMAND_NAMED(memory_object_store, "memory_object store", do_store, "object", "change a test pager's own memory",
    "Pages that the kernel has do not change with it.\n"
    "  memory_object store p1 4K 0x1234 width=2\n"
    "KERN_INVALID_ARGUMENT",
    ARG(OBJECT, "object"), ARG(NUM, "offset"), ARG(NUM, "value"), OPT(NUM, "width", "8"));
