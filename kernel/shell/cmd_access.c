/*
 * cmd_access.c: touch, peek, poke, fill, sum, exec: accesses by a task itself.
 *
 * The task's agent thread carries them out in U-mode: real loads, stores and
 * fetches, real page faults. One that cannot be resolved ends the command with
 * the fault's code, and where it was. Ctrl-C ends the task: there is no other
 * way to stop code that runs on its own.
 */
#include <string.h>
#include <base/print.h>
#include "shell.h"

static kern_return_t
agent(struct task *t, struct agent_request *r)
{
	kern_return_t kr;

	if (t == kernel_task)
		return KERN_FAIL(KERN_INVALID_ARGUMENT, "the kernel's task has no U-mode");
	r->fault_addr = 0;
	r->fault_access = 0;
	interrupt_target(t);
	kr = task_agent(t, r);
	interrupt_target(NULL);
	if (kr != KERN_SUCCESS && r->fault_access != 0)
		return KERN_FAIL(kr, "%s 0x%lx", access_text(r->fault_access), r->fault_addr);
	return kr;
}

static bool
width_ok(uint64_t width)
{
	return width == 1 || width == 2 || width == 4 || width == 8;
}

static int
do_touch(struct cmd_ctx *c)
{
	struct agent_request r = {
		.op = c->arg[3].num != 0 ? AGENT_TOUCH_WRITE : AGENT_TOUCH_READ,
		.addr = c->arg[1].num,
		.size = c->arg[2].num,
	};

	return cmd_result(c, agent(c->arg[0].task, &r), NULL);
}

COMMAND(touch, do_touch, "memory", "read one byte of every page, or write it back",
    "  touch t1 $a 4M write=1\n"
    "KERN_INVALID_ADDRESS, KERN_PROTECTION_FAILURE, ...: the fault that could not be resolved",
    ARG(TASK, "task"), ARG(NUM, "addr"), OPT(SIZE, "size", "1"), OPT(BOOL, "write", "0"));

static int
peek_many(struct cmd_ctx *c, struct agent_request *r, uint64_t count)
{
	unsigned per_row = 32 / r->width, digits = r->width * 2;
	vm_offset_t at = r->addr;
	kern_return_t kr = KERN_SUCCESS;
	uint64_t i;

	for (i = 0; i < count && !cmd_interrupted(); i++, at += r->width) {
		r->addr = at;
		kr = agent(c->arg[0].task, r);
		if (kr != KERN_SUCCESS)
			break;
		if (i % per_row == 0)
			kprintf("%s0x%lx:", i == 0 ? "" : "\n", at);
		kprintf(" %0*lx", (int)digits, r->value);
	}
	if (i > 0)
		kprintf("\n");
	return cmd_result(c, kr, "value=0x%lx", r->value);
}

static int
do_peek(struct cmd_ctx *c)
{
	struct agent_request r = { .op = AGENT_LOAD, .addr = c->arg[1].num, .width = (unsigned)c->arg[2].num };

	if (!width_ok(c->arg[2].num))
		return cmd_usage(c, 2, "width: 1, 2, 4 or 8 is expected");
	if (c->arg[3].num > 1)
		return peek_many(c, &r, c->arg[3].num);
	return cmd_result(c, agent(c->arg[0].task, &r), "value=0x%lx", r.value);
}

COMMAND(peek, do_peek, "memory", "load a value ($value)",
    "  peek t1 $a;  assert $value == 0x5a5a5a5a5a5a5a5a\n"
    "  peek t1 $a width=4 count=64",
    ARG(TASK, "task"), ARG(NUM, "addr"), OPT(NUM, "width", "8"), OPT(NUM, "count", "1"));

static int
do_poke(struct cmd_ctx *c)
{
	struct agent_request r = {
		.op = AGENT_STORE,
		.addr = c->arg[1].num,
		.value = c->arg[2].num,
		.width = (unsigned)c->arg[3].num,
	};

	if (!width_ok(c->arg[3].num))
		return cmd_usage(c, 3, "width: 1, 2, 4 or 8 is expected");
	if (r.width < 8 && r.value >> (8 * r.width) != 0 && ~r.value >> (8 * r.width - 1) != 0)
		return cmd_usage(c, 2, "0x%lx does not fit in %u bytes", r.value, r.width);
	return cmd_result(c, agent(c->arg[0].task, &r), NULL);
}

COMMAND(poke, do_poke, "memory", "store a value",
    "  poke t1 $a+8 0x1234 width=2",
    ARG(TASK, "task"), ARG(NUM, "addr"), ARG(NUM, "value"), OPT(NUM, "width", "8"));

static int
do_fill(struct cmd_ctx *c)
{
	struct agent_request r = {
		.op = AGENT_FILL,
		.addr = c->arg[1].num,
		.size = c->arg[2].num,
		.value = c->arg[3].num,
	};

	if (r.value > 255)
		return cmd_usage(c, 3, "byte: a number up to 255 is expected");
	return cmd_result(c, agent(c->arg[0].task, &r), NULL);
}

COMMAND(fill, do_fill, "memory", "store a byte all over a range",
    "  fill t1 $a 64M 0x5a",
    ARG(TASK, "task"), ARG(NUM, "addr"), ARG(SIZE, "size"), ARG(NUM, "byte"));

static int
do_sum(struct cmd_ctx *c)
{
	struct agent_request r = { .op = AGENT_SUM, .addr = c->arg[1].num, .size = c->arg[2].num };

	return cmd_result(c, agent(c->arg[0].task, &r), "value=0x%lx", r.value);
}

COMMAND(sum, do_sum, "memory", "add up the bytes of a range ($value)",
    "  fill t1 $a 4K 1;  sum t1 $a 4K;  assert $value == 4096",
    ARG(TASK, "task"), ARG(NUM, "addr"), ARG(SIZE, "size"));

static int
do_exec(struct cmd_ctx *c)
{
	struct agent_request r = { .op = AGENT_EXEC, .addr = c->arg[1].num };

	return cmd_result(c, agent(c->arg[0].task, &r), "value=0x%lx", r.value);
}

COMMAND(exec, do_exec, "memory", "call code in a task; its a0 is $value",
    "  poke t1 $a 0x8082 width=2    # the instruction `ret`\n"
    "  vm_protect t1 $a 4K r-x;  exec t1 $a",
    ARG(TASK, "task"), ARG(NUM, "addr"));
