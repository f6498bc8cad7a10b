/*
 * shell_args.c: from words to typed arguments, by the command's declaration.
 *
 * Every command declares its arguments; nothing else reads words. Required ones
 * come in order, optional ones as name=value in any order or, after the
 * required ones, by position. What is missing, left over, given twice or of the
 * wrong kind is an error that points at the word.
 *
 * Pure but for the environment's callbacks. Task references taken on the way
 * are given back by the caller (`struct cmd_ctx` holds them); when binding
 * fails half way the caller does the same.
 */
#include <stdio.h>
#include <string.h>
#include "shell_lang.h"

struct binder {
	const struct shell_env *env;
	const struct command   *cmd;
	struct shell_words     *w;
	struct cmd_ctx         *c;
	struct shell_error     *e;
};

static bool
is_rest(enum cmd_type type)
{
	return type == CMD_REST || type == CMD_LINE || type == CMD_TOPIC;
}

static const char *
type_text(enum cmd_type type)
{
	switch (type) {
	case CMD_BOOL:
		return "a truth value (0 or 1, false or true, no or yes)";
	case CMD_PROT:
		return "a protection (rwx, r--, none, or rw-/rwx for current and maximum)";
	case CMD_INHERIT:
		return "an inheritance (share, copy, none or zero)";
	case CMD_CODE:
		return "a result code (KERN_SUCCESS, ...)";
	case CMD_TASK:
		return "the name of a task (see `task list`)";
	case CMD_MAP:
		return "a task, or the name of a map or of a named entry with a submap";
	case CMD_COPY:
		return "the name of a copy (see `show copy`)";
	case CMD_NAMED:
		return "the name of a named entry (see `show named`)";
	case CMD_OBJECT:
		return "the name of a memory object (see `show memory_object`)";
	case CMD_REGION:
		return "the name of a shared region (see `show region`)";
	case CMD_HELD:
		return "a name that the shell holds (see `show names`)";
	default:
		return "a word";
	}
}

/* e holds a place in the word's text from `skip` on: makes it a place in the line. */
static void
point_at(struct shell_error *e, const struct shell_word *word, size_t skip)
{
	size_t col = skip + e->col;

	if (col + e->len > word->plain) {       /* quoted or expanded there: mark the whole word */
		e->col = word->col;
		e->len = word->len;
		return;
	}
	e->col = word->col + (unsigned)col;
	if (e->len == 0)
		e->len = 1;
}

static bool
refused(struct binder *b, const struct cmd_arg *a, const struct shell_word *word)
{
	char words[120];

	if (a->words != NULL)
		shell_word_list(a->words, words, sizeof(words));
	else
		snprintf(words, sizeof(words), "%s", type_text(a->type));
	shell_error_set(b->e, word->col, word->len, "%s: %s is expected", a->name, words);
	return false;
}

/* text: the value, `skip` characters into the word. */
static bool
convert(struct binder *b, unsigned i, const struct shell_word *word, const char *text)
{
	const struct cmd_arg *a = &b->cmd->arg[i];
	struct cmd_value *v = &b->c->arg[i];
	bool ok = true;

	v->word = text;
	v->col = word->col;
	v->len = word->len;
	switch (a->type) {
	case CMD_NUM:
	case CMD_SIZE:
		if (a->words != NULL && shell_word_value(a->words, false, text, &v->num))
			return true;
		if (shell_expr(text, &v->num, b->e))
			return true;
		point_at(b->e, word, (size_t)(text - word->text));
		return false;
	case CMD_BOOL:
		ok = shell_bool(text, &v->num);
		break;
	case CMD_PROT:
		ok = shell_prot(text, &v->num, &v->num2, &v->given2);
		break;
	case CMD_INHERIT:
		ok = shell_inherit(text, &v->num);
		break;
	case CMD_CODE:
		ok = shell_code(text, &v->num);
		break;
	case CMD_TASK:
		v->task = b->env->task(text);
		ok = v->task != NULL;
		break;
	case CMD_MAP:
	case CMD_COPY:
	case CMD_NAMED:
	case CMD_OBJECT:
	case CMD_REGION:
	case CMD_HELD:
		ok = b->env->object != NULL && b->env->object(a->type, text, v);
		break;
	case CMD_ENUM:
	case CMD_FLAGS:
		ok = shell_word_value(a->words, a->type == CMD_FLAGS, text, &v->num);
		break;
	default:
		break;
	}
	return ok || refused(b, a, word);
}

/* The argument that `name=` at the start of the word names; -1: none. */
static int
named(const struct command *cmd, const struct shell_word *word, size_t *length)
{
	size_t n = shell_name_length(word->text);
	int i;

	if (n == 0 || word->text[n] != '=' || n >= word->plain)
		return -1;
	*length = n;
	for (i = 0; cmd->arg[i].type != CMD_END; i++)
		if (strlen(cmd->arg[i].name) == n && memcmp(cmd->arg[i].name, word->text, n) == 0)
			return i;
	return -1;
}

static bool
give(struct binder *b, unsigned i, const struct shell_word *word, const char *text)
{
	if (b->c->arg[i].given) {
		shell_error_set(b->e, word->col, word->len, "%s is given twice", b->cmd->arg[i].name);
		return false;
	}
	if (!convert(b, i, word, text))
		return false;
	b->c->arg[i].given = true;
	return true;
}

/* Does the word look like name=value where the next argument by position is not free text? */
static bool
unknown_name(const struct command *cmd, unsigned next, const struct shell_word *word)
{
	size_t n = shell_name_length(word->text);
	enum cmd_type type = cmd->arg[next].type;

	return n != 0 && word->text[n] == '=' && n < word->plain && type != CMD_WORD && type != CMD_FILE;
}

/* Takes words from *at on until a REST argument begins; *next: that argument. */
static bool
bind_words(struct binder *b, unsigned *at, unsigned *next)
{
	const struct cmd_arg *arg = b->cmd->arg;
	const struct shell_word *word;
	size_t n;
	int i;

	for (*next = 0; *at < b->w->n; (*at)++) {
		word = &b->w->word[*at];
		while (arg[*next].type != CMD_END && b->c->arg[*next].given)
			(*next)++;
		if (word->plain == 2 && strcmp(word->text, "-j") == 0 && arg[*next].type != CMD_REST) {
			b->c->json = true;
			continue;
		}
		if (is_rest(arg[*next].type))
			return true;
		i = named(b->cmd, word, &n);
		if (i >= 0 && !is_rest(arg[i].type)) {
			if (!give(b, (unsigned)i, word, word->text + n + 1))
				return false;
			continue;
		}
		if (unknown_name(b->cmd, *next, word)) {
			n = shell_name_length(word->text);
			shell_error_set(b->e, word->col, n, "%s has no argument of this name", b->cmd->name);
			return false;
		}
		if (arg[*next].type == CMD_END) {
			shell_error_set(b->e, word->col, word->len, "one word too many");
			return false;
		}
		if (!give(b, *next, word, word->text))
			return false;
	}
	return true;
}

/* Defaults for what was not given; an error for what is required. */
static bool
bind_defaults(struct binder *b)
{
	const struct cmd_arg *arg = b->cmd->arg;
	const struct shell_word *last = &b->w->word[b->w->n - 1];
	struct shell_word none = { (char *)(uintptr_t)"", last->col + last->len + 1, 1, 0 };
	unsigned i;

	for (i = 0; arg[i].type != CMD_END; i++) {
		if (b->c->arg[i].given || is_rest(arg[i].type))
			continue;
		b->c->arg[i].word = "";
		if (arg[i].def == NULL) {
			shell_error_set(b->e, none.col, 1, "%s is missing", arg[i].name);
			return false;
		}
		if (arg[i].def[0] != '\0' && !convert(b, i, &none, arg[i].def))
			return false;
	}
	return true;
}

bool
shell_bind(const struct shell_env *env, const struct command *cmd, struct shell_words *w,
    unsigned at, struct cmd_ctx *c, struct shell_error *e)
{
	struct binder b = { env, cmd, w, c, e };
	unsigned next;

	memset(c, 0, sizeof(*c));
	c->cmd = cmd;
	c->words = w;
	if (!bind_words(&b, &at, &next))
		return false;
	c->rest = at;
	c->argc = (int)(w->n - at);
	c->argv = &w->argv[at];
	if (!bind_defaults(&b))
		return false;
	for (next = 0; cmd->arg[next].type != CMD_END; next++)
		if (cmd->arg[next].type == CMD_LINE && c->argc == 0) {
			e->col = w->word[w->n - 1].col + w->word[w->n - 1].len + 1;
			e->len = 1;
			snprintf(e->text, sizeof(e->text), "a command is missing");
			return false;
		}
	return true;
}

/* Words of `name` that the words from `at` on match from the start; 0: they differ. */
static unsigned
match(const char *name, const struct shell_words *w, unsigned at)
{
	unsigned n = 0;
	size_t len;

	while (*name != '\0') {
		len = strcspn(name, " ");
		if (at + n >= w->n || strlen(w->word[at + n].text) != len ||
		    memcmp(w->word[at + n].text, name, len) != 0)
			return 0;
		n++;
		name += len;
		name += *name == ' ';
	}
	return n;
}

const struct command *
shell_find(const struct shell_env *env, const struct shell_words *w, unsigned at,
    unsigned *used, struct shell_error *e)
{
	const struct shell_word *word = &w->word[at];
	const struct command *best = NULL;
	bool family = false;
	size_t len = strlen(word->text);
	unsigned i, n;

	*used = 0;
	for (i = 0; i < env->ncommands; i++) {
		const char *name = env->commands[i]->name;

		n = match(name, w, at);
		if (n > *used) {
			*used = n;
			best = env->commands[i];
		}
		family |= strncmp(name, word->text, len) == 0 && name[len] == ' ';
	}
	if (best != NULL)
		return best;
	if (family && at + 1 < w->n)
		shell_error_set(e, word[1].col, word[1].len, "%s has no such sub-command (see `help %s`)",
		    word->text, word->text);
	else if (family)
		shell_error_set(e, word->col + word->len + 1, 1, "a sub-command is missing (see `help %s`)",
		    word->text);
	else
		shell_error_set(e, word->col, word->len, "no such command (see `help`)");
	return NULL;
}

static const char *
type_placeholder(enum cmd_type type)
{
	switch (type) {
	case CMD_PROT:
		return "rwx";
	case CMD_INHERIT:
		return "copy";
	case CMD_BOOL:
		return "0";
	default:
		return "...";
	}
}

void
shell_synopsis(const struct command *cmd, char *buf, size_t size)
{
	const struct cmd_arg *a;
	size_t n;
	char upper[24];
	unsigned i;

	snprintf(buf, size, "%s", cmd->name);
	for (a = cmd->arg; a->type != CMD_END; a++) {
		n = strlen(buf);
		for (i = 0; a->name[i] != '\0' && i < sizeof(upper) - 1; i++)
			upper[i] = a->name[i] >= 'a' && a->name[i] <= 'z' ? (char)(a->name[i] - 32) : a->name[i];
		upper[i] = '\0';
		if (a->type == CMD_LINE)
			snprintf(buf + n, size - n, " COMMAND...");
		else if (is_rest(a->type))
			snprintf(buf + n, size - n, " [%s...]", upper);
		else if (a->def == NULL)
			snprintf(buf + n, size - n, " %s", upper);
		else
			snprintf(buf + n, size - n, " [%s=%s]", a->name,
			    a->def[0] != '\0' ? a->def : type_placeholder(a->type));
	}
}
