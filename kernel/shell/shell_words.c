/*
 * shell_words.c: from a line to words: `;`, `#`, quotes, backslash, $name.
 *
 * Between words stand blanks. A word may be built from pieces: 'as it is',
 * "with $name and \" \\ \$", bare with $name and \c for any character c.
 * Adjacent pieces join (a'b'"c" is abc). A value is put in as it is: it is not
 * split again, and a `;` or `#` in it means nothing. `#` begins a comment at
 * the start of a word only.
 *
 * Pure. All text goes into the caller's struct shell_words; what does not fit
 * is an error, never cut.
 */
#include <stdio.h>
#include <string.h>
#include "shell_lang.h"

static bool
is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

bool
shell_next(const char *line, size_t *pos, size_t *start, size_t *end)
{
	size_t i = *pos;
	char quote = '\0';
	bool word = false;

	while (is_blank(line[i]) || line[i] == ';')
		i++;
	*start = i;
	for (; line[i] != '\0'; i++) {
		if (quote == '\0') {
			if (line[i] == ';' || (line[i] == '#' && !word))
				break;
			if (line[i] == '\'' || line[i] == '"')
				quote = line[i];
		} else if (line[i] == quote) {
			quote = '\0';
		}
		word = quote != '\0' || !is_blank(line[i]);
		if (line[i] == '\\' && quote != '\'' && line[i + 1] != '\0')
			i++;            /* what it quotes separates nothing */
	}
	*end = i;
	while (*end > *start && is_blank(line[*end - 1]))
		(*end)--;
	*pos = line[i] == '#' ? i + strlen(line + i) : i;
	return *end > *start;
}

struct splitter {
	const struct shell_env *env;
	const char             *line;
	size_t                  at, end;
	struct shell_words     *w;
	struct shell_error     *e;
};

static bool
put(struct splitter *s, char c)
{
	if (s->w->used >= SHELL_TEXT_MAX - 1) {
		shell_error_set(s->e, s->at, 1, "the command is longer than %d characters",
		    SHELL_TEXT_MAX - 1);
		return false;
	}
	s->w->text[s->w->used++] = c;
	return true;
}

/* At a $: the variable's value. A $ that no name follows stands for itself. */
static bool
put_variable(struct splitter *s)
{
	const char *name = s->line + s->at + 1;
	size_t n = *name == '?' ? 1 : shell_name_length(name), i;
	char key[SHELL_NAME_MAX], value[SHELL_VALUE_MAX];

	if (n == 0) {
		s->at++;
		return put(s, '$');
	}
	if (n < sizeof(key)) {
		memcpy(key, name, n);
		key[n] = '\0';
	}
	if (n >= sizeof(key) || !s->env->variable(key, value, sizeof(value))) {
		shell_error_set(s->e, s->at, n + 1, "no variable has this name (see `help set`)");
		return false;
	}
	for (i = 0; value[i] != '\0'; i++)
		if (!put(s, value[i]))
			return false;
	s->at += n + 1;
	return true;
}

static bool
put_quoted(struct splitter *s)
{
	size_t open = s->at;
	char quote = s->line[s->at++], c;

	for (;;) {
		if (s->at >= s->end) {
			shell_error_set(s->e, open, s->end - open, "a quote without its end");
			return false;
		}
		c = s->line[s->at];
		if (c == quote)
			break;
		if (quote == '"' && c == '$') {
			if (!put_variable(s))
				return false;
			continue;
		}
		if (quote == '"' && c == '\\' && s->at + 1 < s->end &&
		    strchr("\"\\$", s->line[s->at + 1]) != NULL)
			c = s->line[++s->at];
		if (!put(s, c))
			return false;
		s->at++;
	}
	s->at++;
	return true;
}

static bool
put_word(struct splitter *s, struct shell_word *word)
{
	bool plain = true;
	char c;

	word->text = s->w->text + s->w->used;
	word->col = (unsigned)s->at;
	word->plain = 0;
	while (s->at < s->end && !is_blank(c = s->line[s->at])) {
		if (c == '\'' || c == '"') {
			plain = false;
			if (!put_quoted(s))
				return false;
		} else if (c == '$') {
			plain = false;
			if (!put_variable(s))
				return false;
		} else {
			if (c == '\\' && s->at + 1 < s->end) {
				plain = false;
				c = s->line[++s->at];
			}
			word->plain += plain;
			if (!put(s, c))
				return false;
			s->at++;
		}
	}
	word->len = (unsigned)s->at - word->col;
	return put(s, '\0');
}

bool
shell_split(const struct shell_env *env, const char *line, size_t start, size_t end,
    struct shell_words *w, struct shell_error *e)
{
	struct splitter s = { env, line, start, end, w, e };

	w->line = line;
	w->n = 0;
	w->used = 0;
	for (;;) {
		while (s.at < end && is_blank(line[s.at]))
			s.at++;
		if (s.at >= end)
			break;
		if (w->n == SHELL_WORDS_MAX) {
			shell_error_set(e, s.at, end - s.at, "more than %d words", SHELL_WORDS_MAX);
			return false;
		}
		if (!put_word(&s, &w->word[w->n]))
			return false;
		w->argv[w->n] = w->word[w->n].text;
		w->n++;
	}
	w->argv[w->n] = NULL;
	return true;
}

bool
shell_glob(const char *pattern, const char *name)
{
	const char *star = NULL, *resume = NULL;

	/* Only the last star needs another try: what earlier ones took is settled. */
	while (*name != '\0') {
		if (*pattern == '*') {
			star = pattern++;
			resume = name;
		} else if (*pattern == '?' || *pattern == *name) {
			pattern++;
			name++;
		} else if (star != NULL) {
			pattern = star + 1;
			name = ++resume;
		} else {
			return false;
		}
	}
	while (*pattern == '*')
		pattern++;
	return *pattern == '\0';
}

/* The valid UTF-8 sequence at s: its length; 0: none. */
static size_t
utf8_length(const unsigned char *s)
{
	size_t n = s[0] < 0x80 ? 1 : s[0] >= 0xc2 && s[0] < 0xe0 ? 2 :
	    s[0] >= 0xe0 && s[0] < 0xf0 ? 3 : s[0] >= 0xf0 && s[0] < 0xf5 ? 4 : 0, i;

	for (i = 1; i < n; i++)
		if ((s[i] & 0xc0) != 0x80)
			return 0;
	if ((s[0] == 0xe0 && s[1] < 0xa0) || (s[0] == 0xed && s[1] >= 0xa0) ||
	    (s[0] == 0xf0 && s[1] < 0x90) || (s[0] == 0xf4 && s[1] >= 0x90))
		return 0;       /* overlong, surrogate, beyond Unicode */
	return n;
}

/*
 * JSON is UTF-8: a byte that is none is written as the code point with its
 * number, so that the line stays valid whatever a name holds.
 */
size_t
shell_json_string(const char *s, char *buf, size_t size)
{
	size_t n = 0, len;
	char piece[8];

	if (size < 3)
		return 0;
	buf[n++] = '"';
	while (*s != '\0') {
		len = utf8_length((const unsigned char *)s);
		if (*s == '"' || *s == '\\')
			snprintf(piece, sizeof(piece), "\\%c", *s);
		else if ((unsigned char)*s < 0x20 || *s == 0x7f || len == 0)
			snprintf(piece, sizeof(piece), "\\u%04x", (unsigned char)*s);
		else
			snprintf(piece, sizeof(piece), "%.*s", (int)len, s);
		if (n + strlen(piece) + 2 > size)
			break;
		memcpy(buf + n, piece, strlen(piece));
		n += strlen(piece);
		s += len == 0 ? 1 : len;
	}
	buf[n++] = '"';
	buf[n] = '\0';
	return n;
}
