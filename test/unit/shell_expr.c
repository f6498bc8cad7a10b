/*
 * shell_expr: numbers, expressions and typed values of the shell.
 */
#include <string.h>
#include <base/test.h>
#include <shell_lang.h>

struct expr_case {
	const char *text;
	uint64_t    value;
};

TEST(shell_expr, values)
{
	static const struct expr_case cases[] = {
		{ "0", 0 }, { "12", 12 }, { "0x10", 16 }, { "0XfF", 255 }, { "010", 8 }, { "0b101", 5 }, { "00", 0 },
		{ "2K", 2048 }, { "2M", 2ul << 20 }, { "1G", 1ul << 30 }, { "1T", 1ul << 40 }, { "3P", 3 * PAGE_SIZE },
		{ "0x10P", 16 * PAGE_SIZE }, { "0x1K", 1024 }, { "0K", 0 },
		{ "18446744073709551615", UINT64_MAX }, { "0xffffffffffffffff", UINT64_MAX },
		{ "16777215T", 16777215ul << 40 },
		{ "1+2*3", 7 }, { "(1+2)*3", 9 }, { "10-2-3", 5 }, { "100/10/2", 5 }, { "7%4", 3 },
		{ " 1 + 2 ", 3 }, { "0x1000+2M", 0x201000 }, { "-1", UINT64_MAX }, { "-4K", -4096ul },
		{ "~0", UINT64_MAX }, { "~0-1", UINT64_MAX - 1 }, { "- 1", UINT64_MAX }, { "+5", 5 }, { "--5", 5 },
		{ "KERN_SUCCESS", 0 }, { "KERN_NO_SPACE", 3 }, { "KERN_NO_SPACE+1", 4 },
		{ "((((((1))))))", 1 }, { "2*-1+2", 0 },
	};
	struct shell_error e;
	uint64_t v;
	unsigned i;

	for (i = 0; i < nitems(cases); i++) {
		/* 2*-1 and + 2 overflow on purpose. */
		if (strcmp(cases[i].text, "2*-1+2") == 0) {
			ASSERT_FALSE(shell_expr(cases[i].text, &v, &e));
			continue;
		}
		ASSERT_TRUE(shell_expr(cases[i].text, &v, &e));
		ASSERT_EQ(v, cases[i].value);
	}
}

struct error_case {
	const char *text;
	unsigned    col, len;
};

TEST(shell_expr, errors_point_at_the_character)
{
	static const struct error_case cases[] = {
		{ "", 0, 0 }, { "2Q", 1, 1 }, { "0x", 0, 2 }, { "0xg", 0, 3 }, { "12abc", 2, 1 }, { "09", 1, 1 },
		{ "2k", 1, 1 }, { "1KK", 2, 1 }, { "1K2", 2, 1 }, { "0b2", 0, 3 }, { "1_000", 1, 1 },
		{ "18446744073709551616", 0, 20 }, { "0x10000000000000000", 0, 19 }, { "16777216T", 0, 9 },
		{ "99999999999999999999999999", 0, 26 },
		{ "1+", 2, 0 }, { "*1", 0, 1 }, { "1+*2", 2, 1 }, { "(1", 0, 2 }, { "1)", 1, 1 }, { "()", 1, 1 },
		{ "1 2", 2, 1 }, { "1-2", 0, 3 }, { "1/0", 0, 3 }, { "1%0", 0, 3 }, { "~0+1", 0, 4 }, { "2*~0", 0, 4 },
		{ "abc", 0, 3 }, { "KERN_WHAT", 0, 9 }, { "$a", 0, 1 }, { "1+2Q", 3, 1 }, { "1.5", 1, 2 },
	};
	struct shell_error e;
	uint64_t v = 42;
	unsigned i;

	for (i = 0; i < nitems(cases); i++) {
		memset(&e, 0xff, sizeof(e));
		ASSERT_FALSE(shell_expr(cases[i].text, &v, &e));
		ASSERT_EQ(e.col, cases[i].col);
		ASSERT_EQ(e.len, cases[i].len);
		ASSERT_TRUE(e.text[0] != '\0');
		ASSERT_EQ(v, 42);
	}
}

TEST(shell_expr, depth_is_bounded)
{
	char text[200];
	struct shell_error e;
	uint64_t v;
	unsigned n;

	for (n = 1; n < 90; n++) {
		memset(text, '(', n);
		text[n] = '1';
		memset(text + n + 1, ')', n);
		text[2 * n + 1] = '\0';
		ASSERT_EQ(shell_expr(text, &v, &e), n < SHELL_EXPR_DEPTH);
	}
	memset(text, '-', 100);
	strcpy(text + 100, "1");
	ASSERT_FALSE(shell_expr(text, &v, &e));
	/* Depth, not length: a long sum is fine. */
	for (n = 0; n < 198; n += 2)
		memcpy(text + n, "1+", 2);
	strcpy(text + 198, "1");
	ASSERT_TRUE(shell_expr(text, &v, &e));
	ASSERT_EQ(v, 100);
}

TEST(shell_expr, number_ends_where_it_ends)
{
	struct shell_error e;
	const char *end, *s = "12+3";
	uint64_t v;

	ASSERT_TRUE(shell_number(s, &end, &v, &e));
	ASSERT_EQ(v, 12);
	ASSERT_EQ(end - s, 2);
	ASSERT_FALSE(shell_number("x", &end, &v, &e));
}

TEST(shell_expr, booleans)
{
	uint64_t v;

	ASSERT_TRUE(shell_bool("1", &v) && v == 1);
	ASSERT_TRUE(shell_bool("yes", &v) && v == 1);
	ASSERT_TRUE(shell_bool("TRUE", &v) && v == 1);
	ASSERT_TRUE(shell_bool("off", &v) && v == 0);
	ASSERT_TRUE(shell_bool("false", &v) && v == 0);
	ASSERT_FALSE(shell_bool("2", &v));
	ASSERT_FALSE(shell_bool("", &v));
	ASSERT_FALSE(shell_bool("maybe", &v));
}

TEST(shell_expr, protections)
{
	uint64_t cur, max;
	bool has_max;

	ASSERT_TRUE(shell_prot("rwx", &cur, &max, &has_max));
	ASSERT_EQ(cur, 7);
	ASSERT_EQ(max, 7);
	ASSERT_FALSE(has_max);
	ASSERT_TRUE(shell_prot("r-x", &cur, &max, &has_max) && cur == 5);
	ASSERT_TRUE(shell_prot("---", &cur, &max, &has_max) && cur == 0);
	ASSERT_TRUE(shell_prot("none", &cur, &max, &has_max) && cur == 0);
	ASSERT_TRUE(shell_prot("rw-/rwx", &cur, &max, &has_max));
	ASSERT_TRUE(cur == 3 && max == 7 && has_max);
	ASSERT_TRUE(shell_prot("none/r--", &cur, &max, &has_max));
	ASSERT_TRUE(cur == 0 && max == 1 && has_max);
	ASSERT_TRUE(shell_prot("0x13", &cur, &max, &has_max) && cur == 0x13);
	ASSERT_FALSE(shell_prot("", &cur, &max, &has_max));
	ASSERT_FALSE(shell_prot("rw", &cur, &max, &has_max));
	ASSERT_FALSE(shell_prot("wrx", &cur, &max, &has_max));
	ASSERT_FALSE(shell_prot("rwxx", &cur, &max, &has_max));
	ASSERT_FALSE(shell_prot("rwx/", &cur, &max, &has_max));
	ASSERT_FALSE(shell_prot("/rwx", &cur, &max, &has_max));
	ASSERT_FALSE(shell_prot("rwx/rwx/rwx", &cur, &max, &has_max));
	ASSERT_FALSE(shell_prot("7q", &cur, &max, &has_max));
}

TEST(shell_expr, inheritance_and_codes)
{
	uint64_t v;

	ASSERT_TRUE(shell_inherit("share", &v) && v == 0);
	ASSERT_TRUE(shell_inherit("copy", &v) && v == 1);
	ASSERT_TRUE(shell_inherit("none", &v) && v == 2);
	ASSERT_TRUE(shell_inherit("3", &v) && v == 3);
	ASSERT_FALSE(shell_inherit("all", &v));
	ASSERT_FALSE(shell_inherit("", &v));
	ASSERT_TRUE(shell_code("KERN_INVALID_ADDRESS", &v) && v == 1);
	ASSERT_TRUE(shell_code("6", &v) && v == 6);
	ASSERT_TRUE(shell_code("USAGE", &v) && v == SHELL_CODE_USAGE);
	ASSERT_FALSE(shell_code("KERN_", &v));
}
