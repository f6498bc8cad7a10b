/*
 * shell_words: separators, comments, quotes, expansion; globs and JSON strings.
 */
#include <stdio.h>
#include <string.h>
#include <base/test.h>
#include <shell_lang.h>

static struct shell_words words;        /* too large for a kernel stack */
static char               long_line[SHELL_LINE_MAX * 3];

static bool
variable(const char *name, char *buf, size_t size)
{
	if (strcmp(name, "a") == 0)
		snprintf(buf, size, "0x1000");
	else if (strcmp(name, "?") == 0)
		snprintf(buf, size, "1");
	else if (strcmp(name, "blank") == 0)
		snprintf(buf, size, "x y;# \"'$a");
	else if (strcmp(name, "empty") == 0)
		buf[0] = '\0';
	else if (strcmp(name, "big") == 0)
		snprintf(buf, size, "%0200d", 7);
	else
		return false;
	return true;
}

static struct task *
no_task(const char *name)
{
	(void)name;
	return NULL;
}

static const struct shell_env env = { variable, no_task, NULL, 0, NULL };

/* The words of the first command of the line joined by |, or "!col" of the error. */
static const char *
split(const char *line)
{
	static char out[SHELL_TEXT_MAX + SHELL_WORDS_MAX];
	struct shell_error e;
	size_t pos = 0, start, end;
	unsigned i;

	if (!shell_next(line, &pos, &start, &end))
		return "(none)";
	if (!shell_split(&env, line, start, end, &words, &e)) {
		snprintf(out, sizeof(out), "!%u+%u", e.col, e.len);
		return out;
	}
	out[0] = '\0';
	for (i = 0; i < words.n; i++) {
		if (i > 0)
			strcat(out, "|");
		strcat(out, words.word[i].text);
	}
	return out;
}

TEST(shell_words, split)
{
	static const struct {
		const char *line, *words;
	} cases[] = {
		{ "", "(none)" }, { "  \t ", "(none)" }, { "# all comment", "(none)" }, { " ; ;; # x", "(none)" },
		{ "a b", "a|b" }, { "  a\tb  ", "a|b" }, { "a;b", "a" }, { "a#b", "a#b" }, { "a #b", "a" },
		{ "'a b'", "a b" }, { "\"a b\"", "a b" }, { "a'b c'd", "ab cd" }, { "'a'\"b\"c", "abc" },
		{ "''", "" }, { "a '' b", "a||b" }, { "'#' b", "#|b" }, { "'a;b' c", "a;b|c" }, { "\"a;b\"", "a;b" },
		{ "a\\ b", "a b" }, { "a\\;b", "a;b" }, { "\\#a", "#a" }, { "a\\ #b", "a #b" }, { "\\'", "'" },
		{ "a\\", "a\\" }, { "\"a\\\"b\"", "a\"b" }, { "\"a\\b\"", "a\\b" }, { "'a\\'", "a\\" },
		{ "$a", "0x1000" }, { "$a+2M", "0x1000+2M" }, { "\"$a b\"", "0x1000 b" }, { "'$a'", "$a" },
		{ "\\$a", "$a" }, { "\"\\$a\"", "$a" }, { "$?", "1" }, { "x$?y", "x1y" }, { "$", "$" }, { "$ a", "$|a" },
		{ "$1", "$1" }, { "$blank", "x y;# \"'$a" }, { "$empty", "" }, { "a $empty b", "a||b" },
		{ "addr=$a", "addr=0x1000" }, { "$$a", "$0x1000" },
	};
	unsigned i;

	for (i = 0; i < nitems(cases); i++)
		ASSERT_EQ(strcmp(split(cases[i].line), cases[i].words), 0);
}

TEST(shell_words, errors)
{
	static const struct {
		const char *line, *error;
	} cases[] = {
		{ "a 'b", "!2+2" }, { "\"", "!0+1" }, { "x $nope", "!2+5" }, { "\"y $nope\"", "!3+5" },
		{ "a \"b\\\"", "!2+4" }, { "$a_name_that_is_longer_than_any_can_be", "!0+38" },
	};
	unsigned i;

	for (i = 0; i < nitems(cases); i++)
		ASSERT_EQ(strcmp(split(cases[i].line), cases[i].error), 0);
}

TEST(shell_words, commands_of_a_line)
{
	const char *line = "one 'x;y' ; two\\;z ;;three # four ; five";
	static const char *const expect[] = { "one 'x;y'", "two\\;z", "three" };
	size_t pos = 0, start, end;
	unsigned i;

	for (i = 0; i < nitems(expect); i++) {
		ASSERT_TRUE(shell_next(line, &pos, &start, &end));
		ASSERT_EQ(end - start, strlen(expect[i]));
		ASSERT_EQ(memcmp(line + start, expect[i], end - start), 0);
	}
	ASSERT_FALSE(shell_next(line, &pos, &start, &end));
	ASSERT_FALSE(shell_next(line, &pos, &start, &end));
}

TEST(shell_words, columns)
{
	ASSERT_EQ(strcmp(split("  ab  c'd'$a end"), "ab|cd0x1000|end"), 0);
	ASSERT_EQ(words.word[0].col, 2);
	ASSERT_EQ(words.word[0].len, 2);
	ASSERT_EQ(words.word[0].plain, 2);
	ASSERT_EQ(words.word[1].col, 6);
	ASSERT_EQ(words.word[1].len, 6);
	ASSERT_EQ(words.word[1].plain, 1);
	ASSERT_EQ(words.word[2].col, 13);
	ASSERT_TRUE(words.argv[3] == NULL);
}

TEST(shell_words, too_much)
{
	unsigned i;

	/* One word too many. */
	for (i = 0; i < SHELL_WORDS_MAX; i++)
		memcpy(long_line + 2 * i, "w ", 2);
	long_line[2 * i] = '\0';
	split(long_line);
	ASSERT_EQ(words.n, SHELL_WORDS_MAX);
	memcpy(long_line + 2 * i, "w", 2);
	ASSERT_EQ(split(long_line)[0], '!');
	/* Expansion that outgrows the text. */
	for (i = 0; i < SHELL_TEXT_MAX / 200 + 1; i++)
		memcpy(long_line + 4 * i, "$big", 4);
	long_line[4 * i] = '\0';
	ASSERT_EQ(split(long_line)[0], '!');
	/* A word as long as there is room, and one longer. */
	memset(long_line, 'x', SHELL_TEXT_MAX);
	long_line[SHELL_TEXT_MAX - 2] = '\0';
	ASSERT_EQ(split(long_line)[0], 'x');
	long_line[SHELL_TEXT_MAX - 2] = 'x';
	long_line[SHELL_TEXT_MAX - 1] = '\0';
	ASSERT_EQ(split(long_line)[0], '!');
}

TEST(shell_words, glob)
{
	ASSERT_TRUE(shell_glob("*", ""));
	ASSERT_TRUE(shell_glob("a*c", "abbbc"));
	ASSERT_TRUE(shell_glob("a*b*c", "axbxbxc"));
	ASSERT_TRUE(shell_glob("?.x", "a.x"));
	ASSERT_TRUE(shell_glob("vm_map.*", "vm_map.clip"));
	ASSERT_FALSE(shell_glob("vm_map.*", "vm_mapx.clip"));
	ASSERT_FALSE(shell_glob("a*c", "abbbcd"));
	ASSERT_FALSE(shell_glob("", "a"));
	ASSERT_TRUE(shell_glob("", ""));
	ASSERT_FALSE(shell_glob("?", ""));
	ASSERT_TRUE(shell_glob("**a**", "bab"));
}

TEST(shell_words, json_strings)
{
	char buf[64];

	shell_json_string("a\"b\\c\n\x01", buf, sizeof(buf));
	ASSERT_EQ(strcmp(buf, "\"a\\\"b\\\\c\\u000a\\u0001\""), 0);
	shell_json_string("\xc3\xa9 \xe2\x82\xac \xf0\x9f\x98\x80", buf, sizeof(buf));
	ASSERT_EQ(strcmp(buf, "\"\xc3\xa9 \xe2\x82\xac \xf0\x9f\x98\x80\""), 0);
	/* No UTF-8: lone bytes, overlong, surrogates, cut off. */
	shell_json_string("\xff\xc0\xaf\xed\xa0\x80\xe2\x82", buf, sizeof(buf));
	ASSERT_EQ(strcmp(buf, "\"\\u00ff\\u00c0\\u00af\\u00ed\\u00a0\\u0080\\u00e2\\u0082\""), 0);
	/* Cut, but still a string. */
	ASSERT_EQ(shell_json_string("abcdef", buf, 6), 5);
	ASSERT_EQ(strcmp(buf, "\"abc\""), 0);
	ASSERT_EQ(shell_json_string("a\nb", buf, 8), 3);
	ASSERT_EQ(strcmp(buf, "\"a\""), 0);
}
