/*
 * shell_edit: keys in, line and screen out. A small terminal plays the other
 * end: one row, \r, \b and printable characters, and a column beyond which the
 * editor must not write.
 */
#include <string.h>
#include <base/test.h>
#include <shell_edit.h>

#define KEYS(s) keys(s, sizeof(s) - 1)

static struct edit     e;
static enum edit_event last;
static char            row[EDIT_COLUMNS + 2];   /* what the terminal shows */
static size_t          at;
static unsigned        bells, overruns, rows;

static void
terminal(const char *s, size_t n)
{
	for (; n > 0; s++, n--) {
		if (*s == '\r') {
			at = 0;
		} else if (*s == '\b') {
			at -= at > 0;
		} else if (*s == '\a') {
			bells++;
		} else if (*s == '\n') {
			memset(row, ' ', sizeof(row) - 1);
			at = 0;
			rows++;
		} else if (at < sizeof(row) - 1 && *s >= ' ' && *s <= '~') {
			row[at++] = *s;
		} else {
			overruns++;
		}
	}
}

/* Three names and a family, as completion might find them. */
static void
completer(const char *line, size_t cursor, struct shell_completion *c)
{
	size_t from = cursor;

	while (from > 0 && line[from - 1] != ' ')
		from--;
	c->start = from;
	c->prefix = line + from;
	c->prefix_len = cursor - from;
	shell_candidate(c, "alpha");
	shell_candidate(c, "alpine");
	shell_candidate(c, "beta");
	shell_candidate(c, "prot=");
}

static void
start(void)
{
	memset(&e, 0, sizeof(e));
	memset(row, ' ', sizeof(row) - 1);
	at = 0;
	bells = overruns = rows = 0;
	e.write = terminal;
	e.complete = completer;
	edit_begin(&e, "> ");
}

static void
keys(const char *s, size_t n)
{
	for (; n > 0; s++, n--)
		last = edit_key(&e, (unsigned char)*s);
}

/* Line, cursor and screen agree, and the line is `text`. */
static bool
line_is(const char *text, size_t cursor)
{
	size_t n = strlen(text), shown = n - e.left, i;

	if (strcmp(e.line, text) != 0 || e.len != n || e.cursor != cursor || overruns != 0)
		return false;
	if (memcmp(row, "> ", 2) != 0 || at != 2 + e.cursor - e.left)
		return false;
	if (shown > EDIT_COLUMNS - 2)
		shown = EDIT_COLUMNS - 2;
	for (i = 0; i < shown; i++)
		if (row[2 + i] != text[e.left + i])
			return false;
	for (i += 2; i < sizeof(row) - 1; i++)
		if (row[i] != ' ')
			return false;
	return true;
}

TEST(shell_edit, typing_and_moving)
{
	start();
	KEYS("hello");
	ASSERT_TRUE(line_is("hello", 5));
	KEYS("\001X");
	ASSERT_TRUE(line_is("Xhello", 1));
	KEYS("\005Y");
	ASSERT_TRUE(line_is("XhelloY", 7));
	KEYS("\033[D\033[D\033[Cz\x7f");
	ASSERT_TRUE(line_is("XhelloY", 6));
	KEYS("\033[H\033[3~");
	ASSERT_TRUE(line_is("helloY", 0));
	KEYS("\033OF\b");
	ASSERT_TRUE(line_is("hello", 5));
	KEYS("\033[1~\033[C\004");
	ASSERT_TRUE(line_is("hllo", 1));
	KEYS("\013");
	ASSERT_TRUE(line_is("h", 1));
	KEYS("\001\004\004");
	ASSERT_EQ(last, EDIT_EOF);
}

TEST(shell_edit, killing)
{
	start();
	KEYS("one two  three");
	KEYS("\027");
	ASSERT_TRUE(line_is("one two  ", 9));
	KEYS("\027");
	ASSERT_TRUE(line_is("one ", 4));
	KEYS("two\033[D\025");
	ASSERT_TRUE(line_is("o", 0));
	KEYS("\033[F four\033[1;5D!");
	ASSERT_TRUE(line_is("o !four", 3));
	KEYS("\033b\033b\033f|");
	ASSERT_TRUE(line_is("o| !four", 2));
}

TEST(shell_edit, ends_of_a_line)
{
	start();
	KEYS("ab\r");
	ASSERT_EQ(last, EDIT_LINE);
	ASSERT_EQ(strcmp(e.line, "ab"), 0);
	edit_begin(&e, "> ");
	KEYS("\n");
	ASSERT_EQ(last, EDIT_MORE);             /* the \n of \r\n */
	KEYS("\n");
	ASSERT_EQ(last, EDIT_LINE);
	edit_begin(&e, "> ");
	KEYS("abc\003");
	ASSERT_EQ(last, EDIT_CANCEL);
	edit_begin(&e, "> ");
	ASSERT_EQ(e.len, 0);
}

TEST(shell_edit, junk)
{
	start();
	KEYS("a\xc3\xa9\xff\x80" "b");
	ASSERT_TRUE(line_is("ab", 2));
	ASSERT_EQ(bells, 4);
	/* Unknown, cut and endless sequences leave nothing behind. */
	KEYS("\033[99;1Q\033[?25h\033Ox\033zc");
	ASSERT_TRUE(line_is("abc", 3));
	KEYS("\033[12345678901234567890~d");
	ASSERT_TRUE(line_is("abcd", 4));
	KEYS("\033\001e");
	ASSERT_TRUE(line_is("eabcd", 1));
	KEYS("\000\016\020\002\006");
	ASSERT_EQ(e.len, 5);
}

TEST(shell_edit, long_lines_scroll)
{
	unsigned i;

	start();
	for (i = 0; i < 300; i++) {
		char c = (char)('a' + i % 26);

		keys(&c, 1);
		ASSERT_EQ(overruns, 0);
		ASSERT_EQ(at, 2 + e.cursor - e.left);
	}
	for (i = 0; i < 300; i++) {
		ASSERT_TRUE(row[at] == e.line[e.cursor] || e.line[e.cursor] == '\0');
		KEYS("\033[D");
		ASSERT_EQ(at, 2 + e.cursor - e.left);
		ASSERT_EQ(overruns, 0);
	}
	ASSERT_EQ(e.cursor, 0);
	ASSERT_EQ(row[2], 'a');
	for (i = 0; i < 150; i++)
		KEYS("\033[C");
	ASSERT_EQ(row[at], 'a' + 150 % 26);
	KEYS("\013");
	ASSERT_EQ(e.len, 150);
	KEYS("\025");
	ASSERT_TRUE(line_is("", 0));
}

TEST(shell_edit, full_line_rings)
{
	unsigned i;

	start();
	for (i = 0; i < SHELL_LINE_MAX + 10; i++)
		KEYS("x");
	ASSERT_EQ(e.len, SHELL_LINE_MAX - 1);
	ASSERT_EQ(bells, 11);
	ASSERT_EQ(e.line[e.len], '\0');
}

TEST(shell_edit, history)
{
	start();
	edit_remember(&e, "first");
	edit_remember(&e, "second");
	edit_remember(&e, "second");
	edit_remember(&e, "   ");
	ASSERT_EQ(e.history_lines, 2);
	KEYS("typed\033[A");
	ASSERT_TRUE(line_is("second", 6));
	KEYS("\020");
	ASSERT_TRUE(line_is("first", 5));
	KEYS("\033[A");
	ASSERT_EQ(bells, 1);
	ASSERT_TRUE(line_is("first", 5));
	KEYS("\033[B\033[B");
	ASSERT_TRUE(line_is("typed", 5));
	KEYS("\016");
	ASSERT_EQ(bells, 2);
}

TEST(shell_edit, history_forgets_the_oldest)
{
	char line[600];
	unsigned i;

	start();
	for (i = 0; i < EDIT_HISTORY_LINES + 10; i++) {
		line[0] = (char)('A' + i % 26);
		line[1] = (char)('a' + i / 26);
		line[2] = '\0';
		edit_remember(&e, line);
	}
	ASSERT_EQ(e.history_lines, EDIT_HISTORY_LINES);
	ASSERT_EQ(e.history[0], 'A' + 10);
	memset(line, 'x', sizeof(line) - 1);
	line[sizeof(line) - 1] = '\0';
	for (i = 0; i < 40; i++) {
		line[0] = (char)('A' + i % 26);
		edit_remember(&e, line);
		ASSERT_LE(e.history_used, sizeof(e.history));
	}
	ASSERT_EQ(e.history_lines, EDIT_HISTORY_TEXT / sizeof(line));
	KEYS("\033[A");
	ASSERT_EQ(strcmp(e.line, line), 0);
}

TEST(shell_edit, completion)
{
	start();
	KEYS("x be\t");
	ASSERT_TRUE(line_is("x beta ", 7));
	KEYS("al\t");
	ASSERT_TRUE(line_is("x beta alp", 10));
	KEYS("\t");
	ASSERT_EQ(rows, 2);                     /* the candidates, on a row of their own */
	ASSERT_TRUE(line_is("x beta alp", 10));
	KEYS("q\t");
	ASSERT_EQ(bells, 1);
	KEYS("\025pr\t");
	ASSERT_TRUE(line_is("prot=", 5));       /* no blank behind it */
	KEYS("\025zz\033[D\033[Dbe\t");
	ASSERT_TRUE(line_is("beta zz", 5));
	e.complete = NULL;
	KEYS("\t");
	ASSERT_EQ(bells, 2);
}
