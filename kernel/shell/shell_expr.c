/*
 * shell_expr.c: numbers, expressions and the other typed values of the shell.
 *
 *	expr   := term (('+' | '-') term)*
 *	term   := factor (('*' | '/' | '%') factor)*
 *	factor := ('-' | '~' | '+') factor | '(' expr ')' | number | KERN_NAME
 *	number := C notation, then perhaps one of K M G T P
 *
 * Blanks may stand between the parts (inside quotes). Nothing is guessed: `2Q`,
 * `0x`, `12abc`, `09` and whatever does not fit in 64 bits are errors that
 * point at the character, because a number silently read as another one is an
 * address silently changed. A leading minus is two's complement, so that -4K
 * names the last page of the address space; a subtraction below zero is an
 * error.
 *
 * Pure: no state. The recursion is bounded by SHELL_EXPR_DEPTH.
 */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include "shell_lang.h"

struct parser {
	const char         *s;          /* the whole */
	const char         *p;          /* next character */
	struct shell_error *e;
	unsigned            depth;
};

void
shell_error_set(struct shell_error *e, size_t col, size_t len, const char *fmt, ...)
{
	va_list ap;

	e->col = (unsigned)col;
	e->len = (unsigned)len;
	va_start(ap, fmt);
	vsnprintf(e->text, sizeof(e->text), fmt, ap);
	va_end(ap);
}

static bool
is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static bool
is_name_start(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}

static bool
is_name(char c)
{
	return is_name_start(c) || is_digit(c);
}

size_t
shell_name_length(const char *s)
{
	size_t n = 0;

	if (!is_name_start(s[0]))
		return 0;
	while (is_name(s[n]))
		n++;
	return n;
}

/* The digit's value in any base up to 16, or 16. */
static unsigned
digit_value(char c)
{
	if (is_digit(c))
		return (unsigned)(c - '0');
	if (c >= 'a' && c <= 'f')
		return (unsigned)(c - 'a') + 10;
	if (c >= 'A' && c <= 'F')
		return (unsigned)(c - 'A') + 10;
	return 16;
}

/* The factor that a suffix letter stands for; 0: it is none. */
static uint64_t
suffix_factor(char c)
{
	switch (c) {
	case 'K':
		return 1ull << 10;
	case 'M':
		return 1ull << 20;
	case 'G':
		return 1ull << 30;
	case 'T':
		return 1ull << 40;
	case 'P':
		return PAGE_SIZE;
	}
	return 0;
}

/* What shows in a message for one character. */
static const char *
visible(char c, char buf[8])
{
	if (c >= ' ' && c <= '~')
		snprintf(buf, 8, "%c", c);
	else
		snprintf(buf, 8, "\\x%02x", (unsigned char)c);
	return buf;
}

static unsigned
number_base(const char **p)
{
	const char *s = *p;

	if (s[0] != '0')
		return 10;
	if (s[1] == 'x' || s[1] == 'X') {
		*p = s + 2;
		return 16;
	}
	if (s[1] == 'b' || s[1] == 'B') {
		*p = s + 2;
		return 2;
	}
	return 8;       /* the 0 itself is its first digit */
}

bool
shell_number(const char *s, const char **end, uint64_t *value, struct shell_error *e)
{
	const char *p = s, *digits;
	unsigned base = number_base(&p), d;
	uint64_t v = 0, factor;
	bool over = false;
	char c[8];

	for (digits = p; (d = digit_value(*p)) < base; p++)
		over |= __builtin_mul_overflow(v, base, &v) || __builtin_add_overflow(v, d, &v);
	if (p == digits) {
		shell_error_set(e, 0, (size_t)(p - s) + (*p != '\0'), "a number has no digits");
		return false;
	}
	factor = suffix_factor(*p);
	if (factor != 0) {
		over |= __builtin_mul_overflow(v, factor, &v);
		p++;
	}
	if (is_name(*p)) {
		if (is_digit(*p))
			shell_error_set(e, (size_t)(p - s), 1, "%s is no digit in base %u", visible(*p, c), base);
		else
			shell_error_set(e, (size_t)(p - s), 1,
			    "'%s' after a number (suffixes are K M G T, and P for pages)", visible(*p, c));
		return false;
	}
	if (over) {
		shell_error_set(e, 0, (size_t)(p - s), "a number does not fit in 64 bits");
		return false;
	}
	*end = p;
	*value = v;
	return true;
}

static void
skip_blanks(struct parser *ps)
{
	while (*ps->p == ' ' || *ps->p == '\t')
		ps->p++;
}

static bool
fail_at(struct parser *ps, const char *from, const char *to, const char *what)
{
	shell_error_set(ps->e, (size_t)(from - ps->s), (size_t)(to - from), "%s", what);
	return false;
}

static bool parse_sum(struct parser *ps, uint64_t *v);

static bool
parse_name(struct parser *ps, uint64_t *v)
{
	size_t n = shell_name_length(ps->p);
	char name[48];
	int kr;

	if (n < sizeof(name)) {
		memcpy(name, ps->p, n);
		name[n] = '\0';
		kr = kern_return_value(name);
		if (kr >= 0) {
			*v = (uint64_t)kr;
			ps->p += n;
			return true;
		}
	}
	return fail_at(ps, ps->p, ps->p + n, "neither a number nor a KERN_ name (a variable is $name)");
}

static bool
parse_factor(struct parser *ps, uint64_t *v)
{
	const char *at;
	char sign;

	skip_blanks(ps);
	at = ps->p;
	if (++ps->depth > SHELL_EXPR_DEPTH)
		return fail_at(ps, at, at + 1, "an expression nests too deeply");
	sign = *at;
	if (sign == '-' || sign == '~' || sign == '+') {
		ps->p++;
		if (!parse_factor(ps, v))
			return false;
		*v = sign == '-' ? -*v : sign == '~' ? ~*v : *v;
	} else if (*at == '(') {
		ps->p++;
		if (!parse_sum(ps, v))
			return false;
		skip_blanks(ps);
		if (*ps->p != ')')
			return fail_at(ps, at, ps->p, "a ( without its )");
		ps->p++;
	} else if (is_digit(*at)) {
		if (!shell_number(at, &ps->p, v, ps->e)) {
			ps->e->col += (unsigned)(at - ps->s);
			return false;
		}
	} else if (is_name_start(*at)) {
		if (!parse_name(ps, v))
			return false;
	} else {
		return fail_at(ps, at, at + (*at != '\0'), "a number is expected here");
	}
	ps->depth--;
	return true;
}

/* *a = *a op b; FALSE: overflow or division by 0. */
static const char *
apply(char op, uint64_t *a, uint64_t b)
{
	switch (op) {
	case '+':
		return __builtin_add_overflow(*a, b, a) ? "a sum does not fit in 64 bits" : NULL;
	case '-':
		return __builtin_sub_overflow(*a, b, a) ? "a difference is below zero" : NULL;
	case '*':
		return __builtin_mul_overflow(*a, b, a) ? "a product does not fit in 64 bits" : NULL;
	}
	if (b == 0)
		return "division by zero";
	*a = op == '/' ? *a / b : *a % b;
	return NULL;
}

static bool
parse_product(struct parser *ps, uint64_t *v)
{
	const char *from = ps->p, *wrong;
	uint64_t b;
	char op;

	if (!parse_factor(ps, v))
		return false;
	for (;;) {
		skip_blanks(ps);
		op = *ps->p;
		if (op != '*' && op != '/' && op != '%')
			return true;
		ps->p++;
		if (!parse_factor(ps, &b))
			return false;
		wrong = apply(op, v, b);
		if (wrong != NULL)
			return fail_at(ps, from, ps->p, wrong);
	}
}

static bool
parse_sum(struct parser *ps, uint64_t *v)
{
	const char *from = ps->p, *wrong;
	uint64_t b;
	char op;

	if (!parse_product(ps, v))
		return false;
	for (;;) {
		skip_blanks(ps);
		op = *ps->p;
		if (op != '+' && op != '-')
			return true;
		ps->p++;
		if (!parse_product(ps, &b))
			return false;
		wrong = apply(op, v, b);
		if (wrong != NULL)
			return fail_at(ps, from, ps->p, wrong);
	}
}

bool
shell_expr(const char *s, uint64_t *value, struct shell_error *e)
{
	struct parser ps = { s, s, e, 0 };
	uint64_t v;

	if (!parse_sum(&ps, &v))
		return false;
	if (*ps.p != '\0')
		return fail_at(&ps, ps.p, ps.p + strlen(ps.p), "an operator is expected here");
	*value = v;
	return true;
}

bool
shell_bool(const char *s, uint64_t *value)
{
	static const char *const yes[] = { "1", "true", "yes", "on", "TRUE" };
	static const char *const no[] = { "0", "false", "no", "off", "FALSE" };
	unsigned i;

	for (i = 0; i < nitems(yes); i++)
		if (strcmp(s, yes[i]) == 0 || strcmp(s, no[i]) == 0) {
			*value = strcmp(s, yes[i]) == 0;
			return true;
		}
	return false;
}

/* Rights of the n characters at s: "rwx" with dashes, "none", or a number of bits. */
static bool
rights(const char *s, size_t n, uint64_t *value)
{
	static const char letters[] = "rwx";
	struct shell_error e;
	char number[24];
	unsigned i;

	if (n > 0 && is_digit(s[0]) && n < sizeof(number)) {
		memcpy(number, s, n);
		number[n] = '\0';
		return shell_expr(number, value, &e) && *value <= UINT32_MAX;
	}
	*value = 0;
	if (n == 4 && memcmp(s, "none", 4) == 0)
		return true;
	if (n != 3)
		return false;
	for (i = 0; i < 3; i++) {
		if (s[i] == letters[i])
			*value |= 1u << i;
		else if (s[i] != '-')
			return false;
	}
	return true;
}

/* One of the words that the n characters at s are, or a number. */
static bool
word_value(const struct cmd_word *words, const char *s, size_t n, uint64_t *value)
{
	const struct cmd_word *w;
	struct shell_error e;
	char number[40];

	for (w = words; w->name != NULL; w++)
		if (strlen(w->name) == n && memcmp(w->name, s, n) == 0) {
			*value = w->value;
			return true;
		}
	if (n == 0 || !is_digit(s[0]) || n >= sizeof(number))
		return false;
	memcpy(number, s, n);
	number[n] = '\0';
	return shell_expr(number, value, &e) && *value <= UINT32_MAX;
}

bool
shell_word_value(const struct cmd_word *words, bool several, const char *s, uint64_t *value)
{
	uint64_t bits;
	size_t n;

	for (*value = 0; ; s += n + 1) {
		n = several ? strcspn(s, "|,") : strlen(s);
		if (!word_value(words, s, n, &bits))
			return false;
		*value |= bits;
		if (s[n] == '\0')
			return true;
	}
}

void
shell_word_list(const struct cmd_word *words, char *buf, size_t size)
{
	size_t n = 0;

	buf[0] = '\0';
	for (; words->name != NULL && n + 1 < size; words++, n = strlen(buf))
		snprintf(buf + n, size - n, "%s%s", words->name, words[1].name != NULL ? ", " : " or a number");
}

bool
shell_prot(const char *s, uint64_t *cur, uint64_t *max, bool *has_max)
{
	const char *slash = strchr(s, '/');
	size_t n = slash != NULL ? (size_t)(slash - s) : strlen(s);

	if (!rights(s, n, cur))
		return false;
	*has_max = slash != NULL;
	*max = *cur;
	return slash == NULL || rights(slash + 1, strlen(slash + 1), max);
}

bool
shell_inherit(const char *s, uint64_t *value)
{
	static const char *const names[] = { "share", "copy", "none", "zero" };
	struct shell_error e;
	unsigned i;

	for (i = 0; i < nitems(names); i++)
		if (strcmp(s, names[i]) == 0) {
			*value = i;
			return true;
		}
	return is_digit(s[0]) && shell_expr(s, value, &e);
}

bool
shell_code(const char *s, uint64_t *value)
{
	struct shell_error e;
	int kr = kern_return_value(s);

	if (kr >= 0) {
		*value = (uint64_t)kr;
		return true;
	}
	if (strcmp(s, "USAGE") == 0) {
		*value = SHELL_CODE_USAGE;
		return true;
	}
	return is_digit(s[0]) && shell_expr(s, value, &e);
}
