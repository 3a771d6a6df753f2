/* SPDX-License-Identifier: Apache-2.0
 * core/data/csv.c - records of comma-separated values.
 *
 * Source: RFC 4180, section 2.
 */
#include <stdlib.h>
#include <string.h>

#include "data/reader.h"

#define MAX_CELLS 256

/* Where in a cell the reader stands. */
enum place { BEGIN, PLAIN, QUOTED, BEHIND_QUOTE };

/* What the functions below share: one record. */
struct record {
	struct tn_reader *r;
	struct tn_item *item;
	struct tn_arena *arena;
	struct tn_call *call;
	enum place place;
	size_t cell;		/* where in r->record it begins */
	size_t quote_line;	/* where the quote began that is not closed yet */
};

/* Adds to the cell, unless something was wrong before. */
static int put(struct record *c, const char *text, size_t len)
{
	struct tn_reader *r = c->r;

	if (c->item->error)
		return 1;
	if (len > r->lines.longest - r->record_bytes)
		return tn_item_fail(r, c->item, c->arena, c->call, "%s:%zu: the record has more "
			"than %zu bytes", r->name, c->item->line, r->lines.longest);
	if (r->record_bytes + len > r->record_capacity) {
		size_t capacity = (r->record_bytes + len) * 2 + 256;
		char *grown = realloc(r->record, capacity);

		if (!grown)
			return tn_fail(c->call, TN_ENOMEM, "%s: out of memory", r->name);
		r->record = grown;
		r->record_capacity = capacity;
	}
	if (len)
		memcpy(r->record + r->record_bytes, text, len);
	r->record_bytes += len;
	return 1;
}

/* The record may move yet: cells know their lengths alone. */
static int end_cell(struct record *c)
{
	int status;

	c->place = BEGIN;
	if (c->item->error)
		return 1;
	if (c->r->n_cells == MAX_CELLS)
		return tn_item_fail(c->r, c->item, c->arena, c->call, "%s:%zu: more than %d cells",
			c->r->name, c->item->line, MAX_CELLS);
	status = tn_reader_add_cell(c->r, NULL, c->r->record_bytes - c->cell, c->call);
	c->cell = c->r->record_bytes;
	return status ? status : 1;
}

/* Adds what stands before the next `stop`, or the end; returns where that is. */
static size_t put_until(struct record *c, const char *text, size_t at, size_t len, char stop,
	int *status)
{
	const char *found = memchr(text + at, stop, len - at);
	size_t end = found ? (size_t)(found - text) : len;

	*status = put(c, text + at, end - at);
	return end;
}

/* Behind a quote that may have closed the cell, at byte `at`.  *status: 1, or an error. */
static size_t close_quote(struct record *c, const char *text, size_t at, size_t len, int *status)
{
	if (at < len && text[at] == '"') {
		c->place = QUOTED;
		*status = put(c, "\"", 1);
	} else if (at == len || text[at] == ',') {
		*status = end_cell(c);
	} else {
		c->place = PLAIN;
		*status = tn_item_fail(c->r, c->item, c->arena, c->call, "%s:%zu: byte %zu: %s "
			"behind a closing quote, expected a comma or the end of the line", c->r->name,
			c->r->lines.line, at, tn_quote(c->call, text + at, 1));
		return at;
	}
	return at + 1;
}

/* One line of the record.  1: it ends the record; 0: the record goes on; or an error. */
static int scan(struct record *c, const char *text, size_t len)
{
	size_t at = 0;
	int status = 1;

	while (status > 0 && at <= len) {
		switch (c->place) {
		case BEGIN:
			c->place = at < len && text[at] == '"' ? QUOTED : PLAIN;
			c->quote_line = c->r->lines.line;
			at += c->place == QUOTED;
			break;
		case PLAIN:
			at = put_until(c, text, at, len, ',', &status) + 1;
			if (status > 0)
				status = end_cell(c);
			break;
		case QUOTED:
			at = put_until(c, text, at, len, '"', &status);
			if (at == len)
				return status > 0 ? 0 : status;
			c->place = BEHIND_QUOTE;
			at++;
			break;
		case BEHIND_QUOTE:
			at = close_quote(c, text, at, len, &status);
			break;
		}
	}
	return status;
}

static int finish(struct record *c)
{
	struct tn_reader *r = c->r;
	const char *at = tn_arena_dup(c->arena, r->record ? r->record : "", r->record_bytes);
	struct tn_text *cells = tn_arena_alloc(c->arena, r->n_cells * sizeof(*cells));

	if (!at || !cells)
		return tn_fail(c->call, TN_ENOMEM, "%s: out of memory", r->name);
	for (size_t i = 0; i < r->n_cells; i++) {
		cells[i] = (struct tn_text){ at, r->cells[i].len };
		at += r->cells[i].len;
	}
	c->item->columns = cells;
	c->item->n_columns = r->n_cells;
	return 1;
}

/* The lines behind the first, up to the one that ends the record. */
static int go_on(struct record *c)
{
	const char *text;
	size_t len;
	int ended, got;

	do {
		static const char ends[] = "\r\n";

		got = put(c, ends + 2 - c->r->lines.end_bytes, c->r->lines.end_bytes);
		if (got > 0)
			got = tn_reader_line(c->r, c->item, &text, &len, c->arena, c->call);
		if (got < 0)
			return got;
		if (got == TN_LINE_END)
			return tn_item_fail(c->r, c->item, c->arena, c->call, "%s:%zu: the quote "
				"that begins here is never closed", c->r->name, c->quote_line);
		ended = scan(c, text, len);
	} while (!ended);
	return ended;
}

int tn_next_csv(struct tn_reader *r, struct tn_item *item, struct tn_arena *arena,
	struct tn_call *call)
{
	struct record c = { .r = r, .item = item, .arena = arena, .call = call };
	const char *text;
	size_t len;
	int got;

	r->n_cells = r->record_bytes = 0;
	do {
		got = tn_reader_line(r, item, &text, &len, arena, call);
		if (got <= 0)
			return got;
	} while (!len && got == TN_LINE);
	item->line = r->lines.line;
	got = scan(&c, text, len);
	if (!got)
		got = go_on(&c);
	if (got < 0 || item->error)
		return got < 0 ? got : 1;
	return finish(&c);
}
