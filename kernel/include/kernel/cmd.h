/*
 * kernel/cmd.h: a shell command is one file that registers itself.
 *
 *	static int cmd_vm_allocate(struct cmd_ctx *c) { ... }
 *	COMMAND(vm_allocate, cmd_vm_allocate, "allocate zero-filled memory",
 *	    "Longer text: what it does, example, results.",
 *	    ARG(TASK, "task"), ARG(SIZE, "size"),
 *	    OPT(NUM, "addr", "0"), OPT(WORD, "flags", "anywhere"));
 *
 * The signature is declared, parsed in one place with a caret under the bad
 * word, shown by help and used for completion. Required arguments come in the
 * order of the C prototype, optional ones as name=value, in any order (given
 * positionally after the required ones they are taken in their order).
 */
#ifndef KERNEL_CMD_H
#define KERNEL_CMD_H

#include <base/linker_set.h>
#include <kernel/task.h>

enum cmd_type {
	CMD_END = 0,
	CMD_NUM,                /* 64-bit expression: $addr+2M, 0x10, 3P */
	CMD_SIZE,               /* the same, in bytes */
	CMD_BOOL,               /* 0/1, true/false, yes/no */
	CMD_PROT,               /* rwx, r--, none, or rw-/rwx: current/maximum */
	CMD_INHERIT,            /* share copy none, or 0..3 */
	CMD_TASK,               /* an existing task's name */
	CMD_WORD,               /* one word, as it is */
	CMD_REST,               /* all remaining words */
};

struct cmd_arg {
	enum cmd_type type;
	const char   *name;
	const char   *def;      /* NULL: required */
};

#define CMD_ARGS_MAX 14

struct cmd_value {
	bool         given;
	uint64_t     num;       /* NUM SIZE BOOL INHERIT; PROT: current */
	uint64_t     num2;      /* PROT: maximum, when given2 */
	bool         given2;
	const char  *word;      /* the word as typed, after expansion */
	struct task *task;      /* TASK: referenced for the duration of the command */
};

struct cmd_ctx {
	const struct command *cmd;
	struct cmd_value arg[CMD_ARGS_MAX];     /* in the order of the declaration */
	int              argc;                  /* words as typed, for REST commands */
	char           **argv;
	bool             json;                  /* -j given */
	/* results for $kr $addr $size; set by cmd_result */
	kern_return_t    kr;
	uint64_t         addr, size;
	bool             has_addr, has_size;
};

struct command {
	const char     *name;           /* "vm_allocate", or "task create" for a sub-command */
	int           (*run)(struct cmd_ctx *c);       /* 0 ok, 1 refused, 2 usage */
	const char     *brief;
	const char     *help;
	struct cmd_arg  arg[CMD_ARGS_MAX + 1];
};

#define ARG(t, n)       { CMD_##t, n, NULL }
#define OPT(t, n, d)    { CMD_##t, n, d }
#define COMMAND(id, fn, brief_, help_, ...) COMMAND_NAMED(id, #id, fn, brief_, help_, ##__VA_ARGS__)
#define COMMAND_NAMED(id, name_, fn, brief_, help_, ...) \
	static const struct command command_##id = \
	    { name_, fn, brief_, help_, { __VA_ARGS__ } }; \
	SET_ADD(commands, &command_##id)

/*
 * Prints the result line "KERN_X: reason" or "KERN_SUCCESS name=value ..." and
 * returns the status (0 or 1). fmt gives the outputs, e.g. "addr=0x%lx size=0x%lx".
 */
int cmd_result(struct cmd_ctx *c, kern_return_t kr, const char *fmt, ...) printf_like(3, 4);
void cmd_set_addr(struct cmd_ctx *c, uint64_t addr);
void cmd_set_size(struct cmd_ctx *c, uint64_t size);

/* Runs one line (may hold several commands); returns $?. */
int shell_line(const char *line);
/* Runs a script's text; prints what failed; 0 or 1. */
int shell_script(const char *name, const char *text, size_t size);
/* The shell's thread: script of the boot arguments, or interactive. Never returns. */
void shell_main(void *arg);

#endif
