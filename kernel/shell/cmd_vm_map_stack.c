/*
 * cmd_vm_map_stack.c: stacks and limits: vm_map_stack, vm_map_growstack,
 * vm_map_stack_rules, task limit.
 */
#include <mm/vm_map_stack.h>
#include <mm/vm_user.h>
#include "held.h"

static const struct cmd_word cow_words[] = {
	{ "none", 0 }, { "down", MAP_STACK_GROWS_DOWN }, { "up", MAP_STACK_GROWS_UP },
	{ "stack_grows_down", MAP_STACK_GROWS_DOWN }, { "stack_grows_up", MAP_STACK_GROWS_UP },
	{ "inherit_share", MAP_INHERIT_SHARE }, { "disable_syncer", MAP_DISABLE_SYNCER },
	{ "disable_coredump", MAP_DISABLE_COREDUMP }, { NULL, 0 },
};
static const struct cmd_word rules_words[] = {
	{ "gap", VM_STACK_GAP }, { "classic", VM_STACK_CLASSIC }, { NULL, 0 },
};

static int
do_vm_map_stack(struct cmd_ctx *c)
{
	vm_map_t map = c->arg[0].map;
	vm_offset_t bos = c->arg[1].num;
	vm_size_t size = c->arg[2].num;
	kern_return_t kr = cmd_map(&c->arg[0]);

	if (kr == KERN_SUCCESS)
		kr = vm_map_stack_user(map, vm_address_u(bos), vm_size_u(size), (vm_prot_t)c->arg[3].num,
		    (vm_prot_t)c->arg[4].num, (uint32_t)c->arg[5].num);
	if (kr == KERN_SUCCESS && c->arg[6].num != 0)
		kr = vm_map_main_stack_user(map, vm_address_u(bos), vm_size_u(size));
	return cmd_result(c, kr, "addr=0x%lx size=0x%lx", bos, size);
}

COMMAND(vm_map_stack, do_vm_map_stack, "map", "a stack of at most MAX_SSIZE bytes from ADDRBOS on, which grows by faults",
    "128K of it are mapped at first, at the top (cow=down), the bottom (up), or the middle (down|up,\n"
    "by the classic rules). The rest is a gap that nothing else can take; an access to it, or\n"
    "vm_map_growstack, maps 128K more, or several times that, up to the last page, which stays\n"
    "free. vm_map_stack_rules changes this. main=1: limit `stack` is for this one (task limit).\n"
    "  vm_map_stack t1 0x40000000 8M;  touch t1 0x40000000+1M\n"
    "KERN_NO_SPACE (outside the map, something is there, or a limit), KERN_INVALID_ADDRESS (no\n"
    "bytes), KERN_INVALID_ARGUMENT (not whole pages, all guard page, both directions with a gap),\n"
    "KERN_PROTECTION_FAILURE (wxorx), KERN_RESOURCE_SHORTAGE",
    ARG(MAP, "map"), ARG(NUM, "addrbos"), ARG(SIZE, "max_ssize"), OPT(PROT, "prot", "rw-"), OPT(PROT, "max", "rwx"),
    OPTW(FLAGS, "cow", "down", cow_words), OPT(BOOL, "main", "0"));

static int
do_vm_map_growstack(struct cmd_ctx *c)
{
	kern_return_t kr = cmd_map(&c->arg[0]);

	if (kr == KERN_SUCCESS)
		kr = vm_map_growstack_user(c->arg[0].map, vm_address_u(c->arg[1].num));
	return cmd_result(c, kr, NULL);
}

COMMAND(vm_map_growstack, do_vm_map_growstack, "map", "grow the stack that ADDR lies in the gap of",
    "KERN_SUCCESS, too, where ADDR is mapped already, or outside of every stack.\n"
    "  vm_map_growstack t1 0x40000000+1M\n"
    "KERN_NO_SPACE (the guard page, beyond what the stack may come to, or a limit), KERN_FAILURE (a\n"
    "guard that is no stack's), KERN_RESOURCE_SHORTAGE",
    ARG(MAP, "map"), ARG(NUM, "addr"));

static int
do_vm_map_stack_rules(struct cmd_ctx *c)
{
	kern_return_t kr = cmd_map(&c->arg[0]);

	if (kr == KERN_SUCCESS)
		kr = vm_map_stack_rules_user(c->arg[0].map, (uint32_t)c->arg[1].num, c->arg[2].num != 0);
	return cmd_result(c, kr, NULL);
}

COMMAND(vm_map_stack_rules, do_vm_map_stack_rules, "map", "the form of stacks: gap (all is taken) or classic (what is mapped is)",
    "For stacks that are made from now on. By the classic rules, FreeBSD's until 2017, other memory\n"
    "may come to lie where a stack has not grown yet, and ends it. guard=0: no page stays free.\n"
    "  vm_map_stack_rules t1 classic guard=0\n"
    "KERN_INVALID_ARGUMENT",
    ARG(MAP, "map"), ARGW(ENUM, "rules", rules_words), OPT(BOOL, "guard", "1"));

/* "none", or a size; "same" leaves a limit alone. */
static const struct cmd_word limit_words[] = { { "same", VM_LIMIT_NONE - 1 }, { "none", VM_LIMIT_NONE }, { NULL, 0 } };

static int
do_task_limit(struct cmd_ctx *c)
{
	struct vm_map_limits l = { c->arg[1].num, c->arg[2].num, c->arg[3].num };
	uint32_t which = 0;
	char text[3][24];
	kern_return_t kr = cmd_map(&c->arg[0]);
	unsigned i;

	for (i = 0; i < 3; i++)
		if (c->arg[1 + i].num != VM_LIMIT_NONE - 1)
			which |= 1u << i;
	if (kr == KERN_SUCCESS)
		kr = task_limits(c->arg[0].map, which, &l);
	if (kr != KERN_SUCCESS)
		return cmd_result(c, kr, NULL);
	return cmd_result(c, kr, "size=%s wired=%s stack=%s", l.size == VM_LIMIT_NONE ? "none" : size_text(l.size, text[0]),
	    l.wired == VM_LIMIT_NONE ? "none" : size_text(l.wired, text[1]),
	    l.stack == VM_LIMIT_NONE ? "none" : size_text(l.stack, text[2]));
}

COMMAND_NAMED(task_limit, "task limit", do_task_limit, "task", "what a task's map may come to",
    "Bytes mapped (guards not counted), bytes wired by the user, bytes of the main stack; none: as\n"
    "it likes. What is there already stays. Children inherit them. Without arguments: says them.\n"
    "Exceeded: size and stack KERN_NO_SPACE, wired KERN_RESOURCE_SHORTAGE.\n"
    "  task limit t1 size=16M wired=1M",
    ARG(MAP, "task"), OPTW(SIZE, "size", "same", limit_words), OPTW(SIZE, "wired", "same", limit_words),
    OPTW(SIZE, "stack", "same", limit_words));
