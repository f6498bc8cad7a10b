/*
 * shell_lang.h: the shell's language: words, expansion, expressions, arguments.
 *
 * Pure functions over text: no kernel state, no output, no allocation. What the
 * language asks of its surroundings (variables, task names) are callbacks in
 * `struct shell_env`. The same files are compiled into the kernel, into the
 * host's unit tests and into the fuzzer.
 *
 *	line ──shell_next──> one command's text ──shell_split──> words ──shell_bind──> values
 *
 * Commands of a line are cut off and expanded one after the other, because the
 * first may set what the second expands ($addr).
 *
 * Every function that can fail fills a struct shell_error: a sentence, and the
 * column of the line to put the caret under.
 */
#ifndef SHELL_LANG_H
#define SHELL_LANG_H

#include <base/types.h>
#include <kernel/cmd.h>

#define SHELL_LINE_MAX      1024    /* characters of a line, NUL included */
#define SHELL_WORDS_MAX     64      /* words of a command */
#define SHELL_TEXT_MAX      2048    /* characters of a command's words, expanded */
#define SHELL_NAME_MAX      32      /* of a variable, NUL included */
#define SHELL_VALUE_MAX     256     /* of a variable, NUL included */
#define SHELL_EXPR_DEPTH    32      /* parentheses and signs in an expression */

struct shell_error {
	unsigned col, len;              /* the bad characters of the line */
	char     text[160];
};

struct shell_word {
	char    *text;                  /* expanded, NUL-terminated */
	unsigned col, len;              /* as typed, in the line */
	unsigned plain;                 /* characters at its start that are typed as they stand in text */
};

struct shell_words {
	const char       *line;         /* as typed */
	unsigned          n;
	size_t            used;
	struct shell_word word[SHELL_WORDS_MAX];
	char             *argv[SHELL_WORDS_MAX + 1];
	char              text[SHELL_TEXT_MAX];
};

struct shell_env {
	/* Copies the value of $name; FALSE: not set. */
	bool (*variable)(const char *name, char *buf, size_t size);
	/* The task with this name, referenced; NULL: none. */
	struct task *(*task)(const char *name);
	const struct command *const *commands;
	unsigned              ncommands;
	/* What of this type has the name: fills task (referenced), map, held. FALSE: nothing. */
	bool (*object)(enum cmd_type type, const char *name, struct cmd_value *v);
};

/*
 * Finds the end of the first command of `line` at or after *pos: *start and
 * *end bound it (separator and comment excluded), *pos is moved behind it.
 * FALSE: nothing but blanks and comments is left.
 */
bool shell_next(const char *line, size_t *pos, size_t *start, size_t *end);

/*
 * Splits line[start, end) into words, with quotes removed and variables
 * expanded. FALSE: e says what is wrong. start is also where columns count from 0
 * of `line`.
 */
bool shell_split(const struct shell_env *env, const char *line, size_t start, size_t end,
    struct shell_words *w, struct shell_error *e);

/*
 * A number: C notation (decimal, 0x, 0b, leading 0 for octal) and a suffix
 * K M G T (binary) or P (pages). *end: first character not used.
 * FALSE: none there, or too large; *e says why, relative to s.
 */
bool shell_number(const char *s, const char **end, uint64_t *value, struct shell_error *e);

/*
 * An expression over 64-bit numbers: + - * / % ( ), a leading - (two's
 * complement) or ~, KERN_* names. Overflow, a difference below zero and
 * division by 0 are errors. The whole of s must be used.
 */
bool shell_expr(const char *s, uint64_t *value, struct shell_error *e);

bool shell_bool(const char *s, uint64_t *value);
/* "rwx" "r--" "none", or a number: VM_PROT_* bits; then perhaps /maximum. */
bool shell_prot(const char *s, uint64_t *cur, uint64_t *max, bool *has_max);
bool shell_inherit(const char *s, uint64_t *value);
/* One of the words (several: some, joined by |), or a number. */
bool shell_word_value(const struct cmd_word *words, bool several, const char *s, uint64_t *value);
/* The words as "fixed, anywhere or a number", cut to size. */
void shell_word_list(const struct cmd_word *words, char *buf, size_t size);
/* KERN_* by name or number; "USAGE" is SHELL_CODE_USAGE. */
bool shell_code(const char *s, uint64_t *value);
#define SHELL_CODE_USAGE    0x10000u    /* the command line itself was refused: status 2 */

/*
 * The command that words from `at` on name: the longest of "show map" and
 * "show". *used: words it took. NULL: none; *e says so, also whether the first
 * word is a family ("task").
 */
const struct command *shell_find(const struct shell_env *env, const struct shell_words *w,
    unsigned at, unsigned *used, struct shell_error *e);

/*
 * Fills c from the words from `at` on (behind the command's name). On FALSE no
 * task is referenced; on TRUE the caller gives c->arg[].task back.
 */
bool shell_bind(const struct shell_env *env, const struct command *cmd, struct shell_words *w,
    unsigned at, struct cmd_ctx *c, struct shell_error *e);

/* "vm_allocate TASK SIZE [addr=0] ...": one line into buf. */
void shell_synopsis(const struct command *cmd, char *buf, size_t size);

/* Writes s as a JSON string with its quotes (RFC 8259); returns the length, cut to size. */
size_t shell_json_string(const char *s, char *buf, size_t size);

/* Does the name fit the pattern with * and ? */
bool shell_glob(const char *pattern, const char *name);

/* A variable's name: a letter or _, then letters, digits and _. Its length at s; 0: none. */
size_t shell_name_length(const char *s);

void shell_error_set(struct shell_error *e, size_t col, size_t len, const char *fmt, ...)
    printf_like(4, 5);

#endif
