/*
 * shell_complete.c: what the Tab key offers.
 *
 * The text before the cursor is cut into blank-separated words (that is close
 * enough to the language: completion happens while quotes are still open). The
 * last one, maybe empty, is the prefix. In front of it:
 *
 *	nothing                      commands
 *	a family (`task`)            its sub-commands
 *	a command                    by its next argument: names of tasks, copies, files, ...,
 *	                             and name= for the optional ones not yet there
 *	expect CODE, repeat N        a command again
 *
 * Pure but for the name callbacks.
 */
#include <string.h>
#include "shell_edit.h"

#define COMPLETE_WORDS 24

struct cut {
	const char *word[COMPLETE_WORDS];
	size_t      len[COMPLETE_WORDS];
	unsigned    n;                  /* complete words, in front of the prefix */
};

void
shell_candidate(struct shell_completion *c, const char *name)
{
	size_t n = strlen(name), used, i;

	if (strncmp(name, c->prefix, c->prefix_len) != 0 || n >= sizeof(c->common))
		return;
	if (c->n++ == 0) {
		memcpy(c->common, name, n + 1);
	} else {
		for (i = 0; c->common[i] != '\0' && c->common[i] == name[i]; i++)
			continue;
		c->common[i] = '\0';
	}
	used = strlen(c->list);
	if (used + n + 2 <= sizeof(c->list)) {
		memcpy(c->list + used, name, n);
		memcpy(c->list + used + n, " ", 2);
	}
}

/* Cuts line[0, cursor), from the last `;` on; the prefix goes into c. */
static void
cut_line(const char *line, size_t cursor, struct cut *cut, struct shell_completion *c)
{
	size_t i = cursor, from;

	while (i > 0 && line[i - 1] != ';')
		i--;
	cut->n = 0;
	for (;;) {
		while (i < cursor && line[i] == ' ')
			i++;
		from = i;
		while (i < cursor && line[i] != ' ')
			i++;
		if (i == cursor)
			break;
		if (cut->n < COMPLETE_WORDS) {
			cut->word[cut->n] = line + from;
			cut->len[cut->n++] = i - from;
		}
	}
	c->start = from;
	c->prefix = line + from;
	c->prefix_len = cursor - from;
}

static bool
word_is(const struct cut *cut, unsigned i, const char *s, size_t n)
{
	return i < cut->n && cut->len[i] == n && memcmp(cut->word[i], s, n) == 0;
}

/* First words of all commands (skip 0), or second words of the family word[at] (skip 1). */
static void
offer_commands(const struct shell_env *env, const struct cut *cut, unsigned at, bool second,
    struct shell_completion *c)
{
	char word[48], last[48] = "";
	unsigned i;
	size_t n;

	for (i = 0; i < env->ncommands; i++) {
		const char *name = env->commands[i]->name;

		n = strcspn(name, " ");
		if (second) {
			if (name[n] == '\0' || !word_is(cut, at, name, n))
				continue;
			name += n + 1;
			n = strlen(name);
		}
		if (n >= sizeof(word))
			continue;
		memcpy(word, name, n);
		word[n] = '\0';
		if (strcmp(word, last) != 0)    /* the table is sorted: a family comes in one run */
			shell_candidate(c, word);
		memcpy(last, word, n + 1);
	}
}

/* The command named by the words from `at` on; *used: words of its name. */
static const struct command *
find(const struct shell_env *env, const struct cut *cut, unsigned at, unsigned *used)
{
	const struct command *best = NULL;
	unsigned i, words;
	size_t n;

	*used = 0;
	for (i = 0; i < env->ncommands; i++) {
		const char *name = env->commands[i]->name;

		n = strcspn(name, " ");
		words = name[n] == '\0' ? 1 : 2;
		if (words <= *used || !word_is(cut, at, name, n))
			continue;
		if (words == 2 && !word_is(cut, at + 1, name + n + 1, strlen(name + n + 1)))
			continue;
		*used = words;
		best = env->commands[i];
	}
	return best;
}

static bool
has_name(const struct cut *cut, unsigned at, const char *name)
{
	size_t n = strlen(name);

	for (; at < cut->n; at++)
		if (cut->len[at] > n && memcmp(cut->word[at], name, n) == 0 && cut->word[at][n] == '=')
			return true;
	return false;
}

static void
offer_codes(struct shell_completion *c)
{
	kern_return_t kr;

	for (kr = 0; kr < KERN_RETURN_MAX; kr++)
		if (strcmp(kern_return_name(kr), "KERN_?") != 0)
			shell_candidate(c, kern_return_name(kr));
}

/* The words of an argument; of FLAGS the one after the last |. */
static void
offer_words(const struct cmd_arg *a, struct shell_completion *c)
{
	const struct cmd_word *w;
	size_t i;

	for (i = c->prefix_len; a->type == CMD_FLAGS && i > 0; i--)
		if (c->prefix[i - 1] == '|') {
			c->start += i;
			c->prefix += i;
			c->prefix_len -= i;
			break;
		}
	for (w = a->words; w->name != NULL; w++)
		shell_candidate(c, w->name);
}

static void
offer_type(const struct shell_names *names, const struct cmd_arg *a, struct shell_completion *c)
{
	switch (a->type) {
	case CMD_MAP:
	case CMD_COPY:
	case CMD_NAMED:
	case CMD_OBJECT:
	case CMD_REGION:
	case CMD_HELD:
		names->objects(a->type, c);
		break;
	case CMD_ENUM:
	case CMD_FLAGS:
		offer_words(a, c);
		break;
	case CMD_TASK:
		names->tasks(c);
		break;
	case CMD_FILE:
		names->files(c);
		break;
	case CMD_CODE:
		offer_codes(c);
		break;
	case CMD_INHERIT:
		shell_candidate(c, "share");
		shell_candidate(c, "copy");
		shell_candidate(c, "none");
		shell_candidate(c, "zero");
		break;
	case CMD_PROT:
		shell_candidate(c, "rwx");
		shell_candidate(c, "rw-");
		shell_candidate(c, "r-x");
		shell_candidate(c, "r--");
		shell_candidate(c, "none");
		break;
	case CMD_WORD:
		if (strcmp(a->name, "glob") == 0)
			names->tests(c);
		break;
	case CMD_REST:
		if (strcmp(a->name, "program") == 0)
			names->files(c);
		break;
	default:
		break;
	}
}

/* `name=` at the start of the prefix: offers values behind it. */
static bool
offer_value(const struct shell_names *names, const struct command *cmd, struct shell_completion *c)
{
	const struct cmd_arg *a;
	size_t n;

	for (a = cmd->arg; a->type != CMD_END; a++) {
		n = strlen(a->name);
		if (c->prefix_len > n && memcmp(c->prefix, a->name, n) == 0 && c->prefix[n] == '=') {
			c->start += n + 1;
			c->prefix += n + 1;
			c->prefix_len -= n + 1;
			offer_type(names, a, c);
			return true;
		}
	}
	return false;
}

static void
offer_arguments(const struct shell_names *names, const struct command *cmd, const struct cut *cut,
    unsigned at, struct shell_completion *c)
{
	const struct cmd_arg *a;
	unsigned i, position = 0;
	char name[40];
	size_t n;

	if (offer_value(names, cmd, c))
		return;
	for (i = at; i < cut->n; i++)
		position += memchr(cut->word[i], '=', cut->len[i]) == NULL && !word_is(cut, i, "-j", 2);
	for (i = 0, a = cmd->arg; a->type != CMD_END; a++, i++) {
		n = strlen(a->name);
		if (i == position)
			offer_type(names, a, c);
		if (a->def == NULL || i < position || has_name(cut, at, a->name) || n + 2 > sizeof(name))
			continue;
		if (a->type == CMD_REST || a->type == CMD_TOPIC)
			continue;
		memcpy(name, a->name, n);
		memcpy(name + n, "=", 2);
		shell_candidate(c, name);
	}
}

void
shell_complete(const struct shell_env *env, const struct shell_names *names, const char *line,
    size_t cursor, struct shell_completion *c)
{
	const struct command *cmd;
	struct cut cut;
	unsigned at = 0, used, i;

	cut_line(line, cursor, &cut, c);
	if (c->prefix_len > 0 && c->prefix[0] == '$') {
		c->start++;
		c->prefix++;
		c->prefix_len--;
		names->variables(c);
		return;
	}
	for (;;) {
		if (at == cut.n) {
			offer_commands(env, &cut, 0, false, c);
			return;
		}
		cmd = find(env, &cut, at, &used);
		if (at + 1 == cut.n)
			offer_commands(env, &cut, at, true, c);
		if (cmd == NULL)
			return;
		for (i = 0; cmd->arg[i].type != CMD_END && cmd->arg[i].type != CMD_LINE; i++)
			continue;
		if (cmd->arg[i].type != CMD_LINE || at + used + i > cut.n)
			break;
		at += used + i;         /* `expect CODE` and `repeat N` go in front of a command */
	}
	if (cmd->arg[0].type == CMD_TOPIC) {
		if (at + used == cut.n)
			offer_commands(env, &cut, 0, false, c);
		else
			offer_commands(env, &cut, at + used, true, c);
		return;
	}
	offer_arguments(names, cmd, &cut, at + used, c);
}
