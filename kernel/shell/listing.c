/*
 * listing.c: tables, written once, read by people or by programs.
 *
 * A command declares its columns and hands over values row by row. As text: a
 * head, then aligned columns. With -j: one JSON object a line; addresses are
 * strings ("0x4000", a double cannot hold 64 bits), counts and sizes numbers.
 */
#include <stdio.h>
#include <string.h>
#include <base/print.h>
#include "shell.h"

void
json_key_text(const char *separator, const char *key, const char *value)
{
	char text[600];

	shell_json_string(value, text, sizeof(text));
	kprintf("%s\"%s\":%s", separator, key, text);
}

const char *
size_text(uint64_t bytes, char buf[24])
{
	static const char suffix[] = "\0KMGT";
	unsigned i = 0;

	while (i < 4 && bytes != 0 && bytes % 1024 == 0) {
		bytes /= 1024;
		i++;
	}
	snprintf(buf, 24, i == 0 ? "%lu" : "%lu%c", bytes, suffix[i]);
	return buf;
}

void
list_begin(struct listing *l, const struct cmd_ctx *c, const struct column *column, unsigned n)
{
	unsigned i;

	l->json = c->json;
	l->column = column;
	l->n = n;
	l->at = 0;
	l->rows = 0;
	if (l->json)
		return;
	for (i = 0; i < n; i++)
		kprintf("%*s%s", i + 1 == n && column[i].width < 0 ? 0 : column[i].width, column[i].head,
		    i + 1 == n ? "\n" : " ");
}

static void
next_column(struct listing *l)
{
	if (++l->at < l->n)
		return;
	kprintf(l->json ? "}\n" : "\n");
	l->at = 0;
	l->rows++;
}

void
list_text(struct listing *l, const char *s)
{
	const struct column *col = &l->column[l->at];
	bool last = l->at + 1 == l->n;

	if (l->json)
		json_key_text(l->at == 0 ? "{" : ",", col->name, s);
	else
		kprintf("%*s%s", last && col->width < 0 ? 0 : col->width, s, last ? "" : " ");
	next_column(l);
}

void
list_num(struct listing *l, uint64_t v)
{
	const struct column *col = &l->column[l->at];
	char text[24];

	if (col->kind == COL_HEX)
		snprintf(text, sizeof(text), l->json ? "\"0x%lx\"" : "%lx", v);
	else if (col->kind == COL_BYTES && !l->json)
		size_text(v, text);
	else
		snprintf(text, sizeof(text), "%lu", v);
	if (l->json)
		kprintf("%s\"%s\":%s", l->at == 0 ? "{" : ",", col->name, text);
	else
		kprintf("%*s%s", col->width, text, l->at + 1 == l->n ? "" : " ");
	next_column(l);
}

void
list_end_row(struct listing *l)
{
	l->at = l->n - 1;
	next_column(l);
}
