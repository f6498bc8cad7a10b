/*
 * kernel/cmd.h: a shell command is one file that registers itself.
 *
 *	static int cmd_vm_allocate(struct cmd_ctx *c) { ... }
 *	COMMAND(vm_allocate, cmd_vm_allocate, "vm", "allocate zero-filled memory",
 *	    "Longer text: what it does, example, results.",
 *	    ARG(TASK, "task"), ARG(SIZE, "size"),
 *	    OPT(NUM, "addr", "0"), OPT(WORD, "flags", ""));
 *
 * The signature is declared, parsed in one place with a caret under the bad
 * word, shown by help and used for completion. Required arguments come in the
 * order of the C prototype, optional ones as name=value, in any order (given
 * positionally after the required ones they are taken in their order).
 *
 * This header has no kernel state in it, so that the host compiles the same
 * parser for its tests and for the fuzzer.
 */
#ifndef KERNEL_CMD_H
#define KERNEL_CMD_H

#include <base/kern_return.h>
#include <base/linker_set.h>

struct task;
struct vm_map;
struct held;

enum cmd_type {
	CMD_END = 0,
	CMD_NUM,                /* 64-bit expression: $addr+2M, 0x10, 3P, (1+2)*4 */
	CMD_SIZE,               /* the same, in bytes */
	CMD_BOOL,               /* 0/1, true/false, yes/no, on/off */
	CMD_PROT,               /* rwx, r--, none, or rw-/rwx: current/maximum */
	CMD_INHERIT,            /* share copy none zero, or a number */
	CMD_TASK,               /* an existing task's name */
	CMD_MAP,                /* a map: of a task, or held by the shell (itself, or as a named entry) */
	CMD_COPY,               /* what the shell holds under a name: a copy, */
	CMD_NAMED,              /* a named entry, */
	CMD_OBJECT,             /* a memory object, */
	CMD_REGION,             /* a shared region, */
	CMD_HELD,               /* any of them */
	CMD_NEW,                /* a name for a new one; "": the shell makes one up */
	CMD_ENUM,               /* one of the argument's words, or a number */
	CMD_FLAGS,              /* several of them joined by | or a comma, or a number */
	CMD_WORD,               /* one word, as it is */
	CMD_FILE,               /* one word: a file of the initial ramdisk */
	CMD_CODE,               /* KERN_* by name or number */
	CMD_REST,               /* all remaining words, as they are (any number, also none) */
	CMD_LINE,               /* all remaining words: another command with its arguments */
	CMD_TOPIC,              /* REST that names a command or topic */
};

/* A word of an ENUM or FLAGS argument and what it stands for; a list ends with a NULL. */
struct cmd_word {
	const char *name;
	uint64_t    value;
};

struct cmd_arg {
	enum cmd_type type;
	const char   *name;
	const char   *def;      /* NULL: required; "": optional without a value */
	const struct cmd_word *words;
};

#define CMD_ARGS_MAX 16

struct cmd_value {
	bool         given;     /* typed, not the default */
	bool         given2;    /* PROT: a maximum was given */
	uint64_t     num;       /* NUM SIZE BOOL INHERIT CODE ENUM FLAGS; PROT: current */
	uint64_t     num2;      /* PROT: maximum (the current one when not given) */
	const char  *word;      /* the word after expansion; "" when absent */
	unsigned     col, len;  /* where it stands in the line */
	struct task *task;      /* TASK, MAP of a task: referenced for the duration of the command */
	struct vm_map *map;     /* MAP; NULL: the kernel's, which is only to be looked at */
	struct held *held;      /* COPY NAMED OBJECT REGION HELD, MAP of none */
};

struct shell_words;             /* kernel/shell/shell_lang.h */

struct cmd_ctx {
	const struct command *cmd;
	struct cmd_value arg[CMD_ARGS_MAX];     /* in the order of the declaration */
	int              argc;                  /* the words of REST, LINE and TOPIC */
	char           **argv;
	bool             json;                  /* -j given */
	struct shell_words *words;              /* all words of the command, for carets */
	unsigned         rest;                  /* index in words of argv[0] */
};

struct command {
	const char     *name;           /* "vm_allocate", or "task create" for a sub-command */
	int           (*run)(struct cmd_ctx *c);       /* 0 ok, 1 refused, 2 usage */
	const char     *topic;          /* "vm", "task", "memory", "show", "language", "machine" */
	const char     *brief;
	const char     *help;
	const struct cmd_arg *arg;      /* at most CMD_ARGS_MAX, then one of type CMD_END */
};

#define ARG(t, n)       { CMD_##t, n, NULL, NULL }
#define OPT(t, n, d)    { CMD_##t, n, d, NULL }
#define ARGW(t, n, w)   { CMD_##t, n, NULL, w }
#define OPTW(t, n, d, w) { CMD_##t, n, d, w }
#define COMMAND(id, fn, topic_, brief_, help_, ...) \
	COMMAND_NAMED(id, #id, fn, topic_, brief_, help_, ##__VA_ARGS__)
#define COMMAND_NAMED(id, name_, fn, topic_, brief_, help_, ...) \
	COMMAND_DEFINE(command_##id, name_, fn, topic_, brief_, help_, ##__VA_ARGS__); \
	SET_ADD(commands, &command_##id)
/* A command that is not in the set: the tests' own. */
#define COMMAND_DEFINE(var, name_, fn, topic_, brief_, help_, ...) \
	static const struct cmd_arg var##_arg[] = { \
		__VA_ARGS__ __VA_OPT__(,) { CMD_END, NULL, NULL, NULL } \
	}; \
	_Static_assert(sizeof(var##_arg) / sizeof(var##_arg[0]) <= CMD_ARGS_MAX + 1, \
	    name_ " has more than CMD_ARGS_MAX arguments"); \
	static const struct command var = { \
		.name = name_, .run = fn, .topic = topic_, .brief = brief_, \
		.help = help_, .arg = var##_arg \
	}

/*
 * Prints the result line "KERN_X: reason" or "KERN_SUCCESS name=value ..." and
 * returns the status (0 or 1). fmt gives the outputs, e.g. "addr=0x%lx size=0x%lx";
 * NULL: none. On success every output also becomes the variable of its name
 * ($addr, $size, ...); $kr is the code's name either way.
 */
int cmd_result(struct cmd_ctx *c, kern_return_t kr, const char *fmt, ...) printf_like(3, 4);
/*
 * Points at argument i, says what is wrong with it, and gives status 2: the
 * arguments cannot be meant like this. CMD_ARGS_MAX: at the end of the line.
 */
int cmd_usage(struct cmd_ctx *c, unsigned i, const char *fmt, ...) printf_like(3, 4);
/* Sets the variable $name for scripts. */
void cmd_set_num(const char *name, uint64_t value);
void cmd_set_text(const char *name, const char *value);
/* TRUE: Ctrl-C was typed since the command line began; long commands stop then. */
bool cmd_interrupted(void);

/* Runs one line (may hold several commands); returns $?. */
int shell_line(const char *line);
/* Runs a script's text; stops at the first failed line and says which; 0 or 1. */
int shell_script(const char *name, const char *text, size_t size);
/* The shell's thread: script of the boot arguments, or interactive. Never returns. */
void shell_main(void *arg);

#endif
