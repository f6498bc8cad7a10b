/*
 * shell_edit.h: the line editor: keys in, a line out.
 *
 * Pure: one key at a time goes in, what the terminal must show goes out through
 * a callback. See shell_edit.c.
 */
#ifndef SHELL_EDIT_H
#define SHELL_EDIT_H

#include "shell_lang.h"

#define EDIT_HISTORY_LINES  64
#define EDIT_HISTORY_TEXT   8192        /* characters of all lines kept */
#define EDIT_COLUMNS        79          /* of the terminal that are used */

/* What could stand at the cursor. */
struct shell_completion {
	size_t   start;                 /* where the partial word begins in the line */
	unsigned n;                     /* candidates */
	char     common[96];            /* longest beginning that all have */
	char     list[1024];            /* the candidates, a blank behind each; may be cut */
	/* internal to shell_complete */
	const char *prefix;
	size_t   prefix_len;
};

enum edit_event {
	EDIT_MORE,                      /* give me more keys */
	EDIT_LINE,                      /* a line is in e->line */
	EDIT_CANCEL,                    /* Ctrl-C */
	EDIT_EOF,                       /* Ctrl-D on an empty line */
};

struct edit {
	void       (*write)(const char *s, size_t n);
	/* May be NULL. Fills c for the text before the cursor. */
	void       (*complete)(const char *line, size_t cursor, struct shell_completion *c);
	const char *prompt;
	char        line[SHELL_LINE_MAX];
	size_t      len, cursor;
	size_t      left;               /* first character of the line that is shown */
	char        screen[EDIT_COLUMNS];       /* what the terminal shows behind the prompt */
	size_t      drawn;              /* characters of it */
	size_t      column;             /* the terminal's cursor in it */
	/* escape sequence being read */
	uint8_t     escape;             /* 0 none, 1 after ESC, 2 after ESC [, 3 after ESC O */
	unsigned    parameter;
	bool        was_return;         /* a \n right behind a \r is the same key */
	/* history: NUL-terminated lines, oldest first */
	char        history[EDIT_HISTORY_TEXT];
	size_t      history_used;
	unsigned    history_lines;
	unsigned    browse;             /* 0: the line being typed; k: k-th newest */
	char        typed[SHELL_LINE_MAX];
	struct shell_completion completion;
};

/* Shows the prompt and starts an empty line; history stays. */
void edit_begin(struct edit *e, const char *prompt);
/* One key (a byte). */
enum edit_event edit_key(struct edit *e, int c);
/* Remembers a line (not a blank one, not the newest again). */
void edit_remember(struct edit *e, const char *line);

/* --- completion (shell_complete.c) --- */

/* Where names come from; each calls shell_candidate for every name it knows. */
struct shell_names {
	void (*tasks)(struct shell_completion *c);
	void (*files)(struct shell_completion *c);
	void (*variables)(struct shell_completion *c);
	void (*tests)(struct shell_completion *c);
	void (*objects)(enum cmd_type type, struct shell_completion *c);
};

/* Offers a name: counted when it begins with the prefix. */
void shell_candidate(struct shell_completion *c, const char *name);
/* What can stand at the cursor of the line. */
void shell_complete(const struct shell_env *env, const struct shell_names *names, const char *line,
    size_t cursor, struct shell_completion *c);

#endif
