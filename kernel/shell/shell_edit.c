/*
 * shell_edit.c: the line editor.
 *
 * The terminal is a serial line to nobody knows what: no size, no answers, maybe
 * a pipe. So the editor writes only printable characters, \b, \a and \n
 * (and the clear-screen sequence on Ctrl-L), keeps everything on one row of
 * EDIT_COLUMNS, and shows a window of a longer line:
 *
 *	line:    vm_map t1 0 4M anywhere=1 cur=rw- max=rwx inherit=copy tag=7
 *	                ^left                    ^cursor
 *	row:     atlas> [ left ........ cursor ......... left + drawn )
 *	screen:         what the row shows behind the prompt, column: the terminal's cursor
 *
 * After each key the row is compared with what it should show, and written
 * from the first difference on. Characters typed at the end of a line that fits
 * are so echoed as they are, and the prompt is not written again: whoever types
 * through a pipe reads back what was sent.
 *
 * Bytes outside printable ASCII are refused with a bell: what is shown and what
 * is in the line can then never differ.
 *
 * Pure but for the write callback. Invariants: cursor <= len < SHELL_LINE_MAX,
 * line[len] is NUL, left <= cursor <= left + window.
 */
#include <string.h>
#include "shell_edit.h"

#define CTRL(c)         ((c) & 0x1f)
#define ESCAPE_MODIFIED 0x40000u        /* in edit.parameter: there was a second one */

static void
put(struct edit *e, const char *s)
{
	e->write(s, strlen(s));
}

static void
bell(struct edit *e)
{
	put(e, "\a");
}

static size_t
window(const struct edit *e)
{
	size_t prompt = strlen(e->prompt);

	return prompt + 16 < EDIT_COLUMNS ? EDIT_COLUMNS - prompt : 16;
}

static void
repeat(struct edit *e, char c, size_t n)
{
	for (; n > 0; n--)
		e->write(&c, 1);
}

/* Puts the terminal's cursor in a column whose left neighbours show what `screen` says. */
static void
go_to(struct edit *e, size_t column)
{
	if (column < e->column)
		repeat(e, '\b', e->column - column);
	else
		e->write(e->screen + e->column, column - e->column);
	e->column = column;
}

/* Makes the terminal show the line as it is now, writing only from the first difference on. */
static void
update(struct edit *e)
{
	size_t w = window(e), n, first = 0, old = e->drawn;
	const char *text;

	if (e->cursor < e->left || e->cursor > e->left + w)
		e->left = e->cursor > w / 2 ? e->cursor - w / 2 : 0;
	text = e->line + e->left;
	n = e->len - e->left < w ? e->len - e->left : w;
	while (first < n && first < old && text[first] == e->screen[first])
		first++;
	if (first < n || old > n) {
		go_to(e, first);
		e->write(text + first, n - first);
		repeat(e, ' ', old > n ? old - n : 0);
		e->column = old > n ? old : n;
		memcpy(e->screen, text, n);
		memset(e->screen + n, ' ', old > n ? old - n : 0);
		e->drawn = n;
	}
	go_to(e, e->cursor - e->left);
}

/* Shows prompt and line on a row of which nothing is known but that it is empty. */
static void
redraw(struct edit *e)
{
	put(e, e->prompt);
	e->drawn = e->column = 0;
	update(e);
}

void
edit_begin(struct edit *e, const char *prompt)
{
	e->prompt = prompt;
	e->line[0] = '\0';
	e->len = e->cursor = e->left = 0;
	e->escape = 0;
	e->browse = 0;
	redraw(e);
}

static void
insert(struct edit *e, const char *s, size_t n)
{
	if (n >= SHELL_LINE_MAX - e->len) {
		bell(e);
		return;
	}
	memmove(e->line + e->cursor + n, e->line + e->cursor, e->len - e->cursor + 1);
	memcpy(e->line + e->cursor, s, n);
	e->len += n;
	e->cursor += n;
	update(e);
}

/* Removes line[from, to) and puts the cursor there. */
static void
erase(struct edit *e, size_t from, size_t to)
{
	if (from == to) {
		bell(e);
		return;
	}
	memmove(e->line + from, e->line + to, e->len - to + 1);
	e->len -= to - from;
	e->cursor = from;
	update(e);
}

static void
move(struct edit *e, size_t to)
{
	e->cursor = to;
	update(e);
}

static size_t
word_left(const struct edit *e)
{
	size_t i = e->cursor;

	while (i > 0 && e->line[i - 1] == ' ')
		i--;
	while (i > 0 && e->line[i - 1] != ' ')
		i--;
	return i;
}

static size_t
word_right(const struct edit *e)
{
	size_t i = e->cursor;

	while (i < e->len && e->line[i] == ' ')
		i++;
	while (i < e->len && e->line[i] != ' ')
		i++;
	return i;
}

/* --- history --- */

/* The k-th newest line, k from 1. */
static const char *
history_line(const struct edit *e, unsigned k)
{
	const char *s = e->history;
	unsigned i;

	for (i = e->history_lines; i > k; i--)
		s += strlen(s) + 1;
	return s;
}

void
edit_remember(struct edit *e, const char *line)
{
	size_t n = strlen(line) + 1, first;

	if (line[strspn(line, " ")] == '\0' || n > sizeof(e->history) ||
	    (e->history_lines > 0 && strcmp(history_line(e, 1), line) == 0))
		return;
	while (e->history_lines == EDIT_HISTORY_LINES || e->history_used + n > sizeof(e->history)) {
		first = strlen(e->history) + 1;
		e->history_used -= first;
		memmove(e->history, e->history + first, e->history_used);
		e->history_lines--;
	}
	memcpy(e->history + e->history_used, line, n);
	e->history_used += n;
	e->history_lines++;
}

static void
browse(struct edit *e, unsigned k)
{
	const char *s;

	if (k > e->history_lines || k == e->browse) {
		bell(e);
		return;
	}
	if (e->browse == 0)
		memcpy(e->typed, e->line, e->len + 1);
	e->browse = k;
	s = k == 0 ? e->typed : history_line(e, k);
	e->len = e->cursor = strlen(s);
	memcpy(e->line, s, e->len + 1);
	update(e);
}

/* --- completion --- */

static void
show_candidates(struct edit *e)
{
	const char *s = e->completion.list;
	size_t col = 0, n;

	put(e, "\n");
	while (*s != '\0') {
		n = strcspn(s, " ");
		if (col > 0 && col + n > EDIT_COLUMNS) {
			put(e, "\n");
			col = 0;
		}
		e->write(s, n);
		put(e, "  ");
		col += n + 2;
		s += n;
		s += *s == ' ';
	}
	put(e, "\n");
	redraw(e);
}

static void
complete(struct edit *e)
{
	struct shell_completion *c = &e->completion;
	size_t have, n;

	if (e->complete == NULL) {
		bell(e);
		return;
	}
	memset(c, 0, sizeof(*c));
	e->complete(e->line, e->cursor, c);
	have = e->cursor - c->start;
	n = strlen(c->common);
	if (c->n == 0) {
		bell(e);
	} else if (c->n == 1) {
		insert(e, c->common + have, n - have);
		if (n > 0 && c->common[n - 1] != '=')
			insert(e, " ", 1);
	} else if (n > have) {
		insert(e, c->common + have, n - have);
	} else {
		show_candidates(e);
	}
}

/* --- keys --- */

enum edit_key { KEY_NONE, KEY_UP, KEY_DOWN, KEY_RIGHT, KEY_LEFT, KEY_HOME, KEY_END, KEY_DELETE,
	KEY_WORD_LEFT, KEY_WORD_RIGHT };

static enum edit_key
csi_key(int c, unsigned parameter)
{
	bool modified = (parameter & ESCAPE_MODIFIED) != 0;     /* 1;5C: with Ctrl or Alt */

	switch (c) {
	case 'A':
		return KEY_UP;
	case 'B':
		return KEY_DOWN;
	case 'C':
		return modified ? KEY_WORD_RIGHT : KEY_RIGHT;
	case 'D':
		return modified ? KEY_WORD_LEFT : KEY_LEFT;
	case 'H':
		return KEY_HOME;
	case 'F':
		return KEY_END;
	case '~':
		return parameter == 1 || parameter == 7 ? KEY_HOME :
		    parameter == 4 || parameter == 8 ? KEY_END :
		    parameter == 3 ? KEY_DELETE : KEY_NONE;
	}
	return KEY_NONE;
}

/* One byte of an escape sequence; KEY_NONE until it is complete, or unknown. */
static enum edit_key
escape_byte(struct edit *e, int c)
{
	switch (e->escape) {
	case 1:
		e->escape = c == '[' ? 2 : c == 'O' ? 3 : 0;
		e->parameter = 0;
		return c == 'b' ? KEY_WORD_LEFT : c == 'f' ? KEY_WORD_RIGHT : KEY_NONE;
	case 2:
		if (c >= '0' && c <= '9')
			e->parameter = (e->parameter & ESCAPE_MODIFIED) |
			    ((e->parameter & ~ESCAPE_MODIFIED) % 100 * 10 + (unsigned)(c - '0'));
		else if (c == ';')
			e->parameter = ESCAPE_MODIFIED;
		if (c >= 0x20 && c < 0x40)
			return KEY_NONE;
		break;
	}
	e->escape = 0;
	return csi_key(c, e->parameter);
}

static void
special_key(struct edit *e, enum edit_key key)
{
	switch (key) {
	case KEY_UP:
		browse(e, e->browse + 1);
		break;
	case KEY_DOWN:
		browse(e, e->browse > 0 ? e->browse - 1 : 0);
		break;
	case KEY_RIGHT:
		move(e, e->cursor < e->len ? e->cursor + 1 : e->len);
		break;
	case KEY_LEFT:
		move(e, e->cursor > 0 ? e->cursor - 1 : 0);
		break;
	case KEY_HOME:
		move(e, 0);
		break;
	case KEY_END:
		move(e, e->len);
		break;
	case KEY_DELETE:
		erase(e, e->cursor, e->cursor < e->len ? e->cursor + 1 : e->cursor);
		break;
	case KEY_WORD_LEFT:
		move(e, word_left(e));
		break;
	case KEY_WORD_RIGHT:
		move(e, word_right(e));
		break;
	case KEY_NONE:
		break;
	}
}

/* Ctrl-A and friends; FALSE: not an editing key. */
static bool
control_key(struct edit *e, int c)
{
	switch (c) {
	case CTRL('A'):
		move(e, 0);
		return true;
	case CTRL('E'):
		move(e, e->len);
		return true;
	case CTRL('B'):
		special_key(e, KEY_LEFT);
		return true;
	case CTRL('F'):
		special_key(e, KEY_RIGHT);
		return true;
	case CTRL('P'):
		special_key(e, KEY_UP);
		return true;
	case CTRL('N'):
		special_key(e, KEY_DOWN);
		return true;
	case CTRL('K'):
		erase(e, e->cursor, e->len);
		return true;
	case CTRL('U'):
		erase(e, 0, e->cursor);
		return true;
	case CTRL('W'):
		erase(e, word_left(e), e->cursor);
		return true;
	case CTRL('L'):
		put(e, "\033[H\033[2J");
		redraw(e);
		return true;
	case CTRL('H'):
	case 0x7f:
		erase(e, e->cursor > 0 ? e->cursor - 1 : 0, e->cursor);
		return true;
	case '\t':
		complete(e);
		return true;
	}
	return false;
}

enum edit_event
edit_key(struct edit *e, int c)
{
	bool was_return = e->was_return;
	char ch = (char)c;

	e->was_return = c == '\r';
	if (e->escape != 0 && c >= 0x20) {
		special_key(e, escape_byte(e, c));
		return EDIT_MORE;
	}
	e->escape = 0;
	if (c == '\n' && was_return)
		return EDIT_MORE;
	if (c == '\r' || c == '\n') {
		put(e, "\n");
		return EDIT_LINE;
	}
	if (c == CTRL('C')) {
		put(e, "^C\n");
		return EDIT_CANCEL;
	}
	if (c == CTRL('D') && e->len == 0) {
		put(e, "\n");
		return EDIT_EOF;
	}
	if (c == CTRL('D'))
		special_key(e, KEY_DELETE);
	else if (c == '\033')
		e->escape = 1;
	else if (c >= ' ' && c <= '~')
		insert(e, &ch, 1);
	else if (!control_key(e, c))
		bell(e);
	return EDIT_MORE;
}
