/*
 * shell.h: what the shell's own files share. Everything here belongs to the
 * shell's thread.
 */
#ifndef SHELL_SHELL_H
#define SHELL_SHELL_H

#include <kernel/cmd.h>
#include <kernel/task.h>
#include "shell_lang.h"
#include "shell_edit.h"

#define SHELL_PROMPT    "atlas> "
#define SHELL_DEPTH     8               /* nested source, repeat, expect */

/* The sorted table of all commands, with variables and tasks. */
extern struct shell_env shell_env;

/* How the last command ended. */
struct shell_last {
	int           status;           /* $? */
	bool          has_kr;           /* it printed a result line */
	kern_return_t kr;               /* $kr */
};
extern struct shell_last shell_last;

/* Runs the command that words from `at` on are; returns its status. */
int shell_run(struct shell_words *w, unsigned at);
/* The same, counted: what `expect` compares; SHELL_CODE_USAGE when the words were refused. */
uint64_t shell_run_code(struct shell_words *w, unsigned at);

/* --- variables (vars.c) --- */

bool vars_get(const char *name, char *buf, size_t size);
/* FALSE: no room, too long, or a name that the shell computes. */
bool vars_set(const char *name, const char *value);
/* The i-th variable; FALSE past the last. */
bool vars_nth(unsigned i, const char **name, char *value, size_t size);

/* --- listings (listing.c): one table as text or as JSON lines --- */

enum column_kind { COL_TEXT, COL_HEX, COL_COUNT, COL_BYTES };
struct column {
	const char      *name;          /* key in JSON */
	const char      *head;          /* over the column */
	enum column_kind kind;
	int              width;         /* negative: to the left */
};

struct listing {
	bool                 json;
	const struct column *column;
	unsigned             n, at;
	uint64_t             rows;
};

void list_begin(struct listing *l, const struct cmd_ctx *c, const struct column *column, unsigned n);
/* Values in the order of the columns; the last one ends the row. */
void list_text(struct listing *l, const char *s);
void list_num(struct listing *l, uint64_t v);
/* Ends the row early: what is left shows blank, and not at all in JSON. */
void list_end_row(struct listing *l);
/* "64M", "12K", "513": exact, with the largest suffix that leaves no rest. */
const char *size_text(uint64_t bytes, char buf[24]);

/* One key and value of a JSON object written by hand. */
void json_key_text(const char *separator, const char *key, const char *value);

/* --- tasks (tasks.c) --- */

/*
 * Tasks that the shell made are kept by its reference, taken over here, until
 * they are released or found to have ended. No memory for that: KERN_RESOURCE_SHORTAGE,
 * the task is ended and the reference given up.
 */
kern_return_t shell_hold(struct task *t);
/* Gives the shell's reference up, if it has one. */
void shell_release(struct task *t);
/* After every command: releases tasks that ended on their own, and says so. */
void shell_reap(void);
/*
 * The task with this name, or number; "kernel" is the kernel's own, which has
 * a map to look at and nothing to call on. Referenced; NULL: none.
 */
struct task *shell_task(const char *name);
/* What of this type has the name, for arguments (held.c). */
bool shell_object(enum cmd_type type, const char *name, struct cmd_value *v);
/* Names of that type, for completion. */
void held_names(enum cmd_type type, struct shell_completion *c);
/* The map to look at: the kernel's own where that is what is named. */
vm_map_t cmd_map_to_show(const struct cmd_value *v);
/* Prints what stands behind addr: entry, objects, through submaps (cmd_show_map.c); FALSE: a hole. */
bool show_behind(vm_map_t map, vm_offset_t addr);
/* Prints how a task ended, as a result line; returns the status. */
int  shell_report_end(struct cmd_ctx *c, struct task *t);
/* "read from", "write to", "fetch from" */
const char *access_text(vm_prot_t access);

/* Where completion gets its names (names.c). */
extern const struct shell_names shell_names;

/* --- Ctrl-C (interrupt.c) --- */

/* From now on Ctrl-C ends this task (NULL: only sets the flag); the caller holds a reference until it says NULL. */
void interrupt_target(struct task *t);
/* Ctrl-C is a key again (FALSE), or an interruption (TRUE, flag cleared). */
void interrupt_enable(bool on);
/* Once: the thread that ends tasks. */
void interrupt_init(void);

#endif
