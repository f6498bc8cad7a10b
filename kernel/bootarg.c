/*
 * bootarg.c: single arguments out of the boot argument line.
 *
 * The line is blank-separated words, `name` or `name=value`; double quotes
 * anywhere in a word keep blanks inside it and are dropped.
 */
#include <string.h>
#include <kernel/boot.h>

/* One step through a word: the next character, or 0 at its end. */
static char
word_next(const char **s, bool *quoted)
{
	for (;; (*s)++) {
		if (**s == '"')
			*quoted = !*quoted;
		else
			break;
	}
	if (**s == '\0' || (!*quoted && (**s == ' ' || **s == '\t')))
		return '\0';
	return *(*s)++;
}

bool
boot_arg(const char *name, char *buf, size_t size)
{
	const char *s = boot_platform.bootargs;
	size_t len = strlen(name), n = 0;

	while (*s != '\0') {
		bool quoted = false, match;
		char c;

		while (*s == ' ' || *s == '\t')
			s++;
		match = strncmp(s, name, len) == 0 &&
		    (s[len] == '=' || s[len] == ' ' || s[len] == '\t' || s[len] == '\0');
		if (match)
			s += len + (s[len] == '=');
		while ((c = word_next(&s, &quoted)) != '\0')
			if (match && n + 1 < size)
				buf[n++] = c;
		if (match) {
			buf[n] = '\0';
			return true;
		}
	}
	return false;
}
