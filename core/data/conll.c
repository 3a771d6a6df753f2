/* SPDX-License-Identifier: Apache-2.0
 * core/data/conll.c - sentences in columns, one word a line; those of CoNLL-U are among them.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "data/reader.h"

#define MAX_WORDS ((size_t)1 << 20)	/* of a sentence */
#define MAX_COLUMNS 256

bool tn_is_conll_gap(const char *text, size_t len)
{
	static const char mark[] = "-DOCSTART-";

	return tn_is_blank(text, len) ||
		(len >= sizeof(mark) - 1 && !memcmp(text, mark, sizeof(mark) - 1));
}

int tn_reader_add_cell(struct tn_reader *r, const char *text, size_t len, struct tn_call *call)
{
	if (r->n_cells == r->capacity) {
		size_t capacity = r->capacity * 2 + 64;
		struct tn_text *grown = reallocarray(r->cells, capacity, sizeof(*grown));

		if (!grown)
			return tn_fail(call, TN_ENOMEM, "%s: out of memory", r->name);
		r->cells = grown;
		r->capacity = capacity;
	}
	r->cells[r->n_cells++] = (struct tn_text){ text, len };
	return 0;
}

/* Splits a line at its tabs, or at runs of spaces when it has none. */
static int split(struct tn_reader *r, const char *text, size_t len, struct tn_call *call)
{
	bool tabs = memchr(text, '\t', len);
	size_t i = 0, begin;

	for (;;) {
		int status;

		while (!tabs && i < len && text[i] == ' ')
			i++;
		if (!tabs && i == len)
			return 0;
		begin = i;
		while (i < len && text[i] != (tabs ? '\t' : ' '))
			i++;
		status = tn_reader_add_cell(r, text + begin, i - begin, call);
		if (status || i == len)
			return status;
		i++;
	}
}

/* Counts a word and keeps its line. */
static int add_word(struct tn_reader *r, struct tn_item *item, struct tn_call *call)
{
	if (item->n_words == r->lines_capacity) {
		size_t capacity = r->lines_capacity * 2 + 64;
		size_t *grown = reallocarray(r->word_lines, capacity, sizeof(*grown));

		if (!grown)
			return tn_fail(call, TN_ENOMEM, "%s: out of memory", r->name);
		r->word_lines = grown;
		r->lines_capacity = capacity;
	}
	r->word_lines[item->n_words++] = r->lines.line;
	return 1;
}

/* Takes one line of a sentence; the first sets the number of columns. */
static int add_line(struct tn_reader *r, struct tn_item *item, const char *text, size_t len,
	struct tn_arena *arena, struct tn_call *call)
{
	size_t before = r->n_cells, n;
	const char *copy = tn_arena_dup(arena, text, len);
	int status = copy ? split(r, copy, len, call) :
		tn_fail(call, TN_ENOMEM, "%s: out of memory", r->name);

	if (status)
		return status;
	n = r->n_cells - before;
	if (n > MAX_COLUMNS)
		return tn_item_fail(r, item, arena, call, "%s:%zu: more than %d columns", r->name,
			r->lines.line, MAX_COLUMNS);
	if (!before)
		item->n_columns = n;
	if (n != item->n_columns)
		return tn_item_fail(r, item, arena, call, "%s:%zu: %zu columns, the first line of "
			"the sentence has %zu", r->name, r->lines.line, n, item->n_columns);
	if (n <= r->options.word_column)
		return tn_item_fail(r, item, arena, call, "%s:%zu: %zu columns, the words should "
			"be in number %zu", r->name, r->lines.line, n, r->options.word_column + 1);
	if (!r->cells[before + r->options.word_column].len)
		return tn_item_fail(r, item, arena, call, "%s:%zu: the word is empty", r->name,
			r->lines.line);
	return add_word(r, item, call);
}

/* The cells and, apart, the words of a whole sentence. */
static int finish(struct tn_reader *r, struct tn_item *item, struct tn_arena *arena,
	struct tn_call *call)
{
	size_t bytes = r->n_cells * sizeof(struct tn_text);	/* no more than are held */
	struct tn_text *columns = tn_arena_alloc(arena, bytes);
	struct tn_text *words = tn_arena_alloc(arena, item->n_words * sizeof(*words));
	size_t *lines = tn_arena_alloc(arena, item->n_words * sizeof(*lines));

	if (!columns || !words || !lines)
		return tn_fail(call, TN_ENOMEM, "%s: out of memory", r->name);
	if (item->n_words) {
		memcpy(columns, r->cells, bytes);
		memcpy(lines, r->word_lines, item->n_words * sizeof(*lines));
	}
	for (size_t i = 0; i < item->n_words; i++)
		words[i] = columns[i * item->n_columns + r->options.word_column];
	item->columns = columns;
	item->words = words;
	item->lines = lines;
	return 1;
}

/* Adds a line that belongs to the sentence, unless something was wrong with it before. */
static int take_line(struct tn_reader *r, struct tn_item *item, const char *text, size_t len,
	struct tn_arena *arena, struct tn_call *call)
{
	if (item->error)
		return 1;
	if (item->n_words == MAX_WORDS)
		return tn_item_fail(r, item, arena, call, "%s:%zu: the sentence that begins here "
			"has more than %zu words", r->name, item->line, MAX_WORDS);
	if (r->options.format == TN_INPUT_CONLLU) {
		int kind = tn_conllu_line(r, item, text, len, arena, call);

		if (kind != TN_CONLLU_WORD || item->error)
			return kind;
	}
	return add_line(r, item, text, len, arena, call);
}

static bool is_gap(const struct tn_reader *r, const char *text, size_t len)
{
	return r->options.format == TN_INPUT_CONLLU ? tn_is_blank(text, len) :
		tn_is_conll_gap(text, len);
}

/* Comments stand before their sentence; what begins later is a line of it. */
static bool is_comment(const struct tn_reader *r, const struct tn_item *item, const char *text,
	size_t len)
{
	return r->options.format == TN_INPUT_CONLLU && !item->line && len && text[0] == '#';
}

int tn_next_conll(struct tn_reader *r, struct tn_item *item, struct tn_arena *arena,
	struct tn_call *call)
{
	const char *text;
	size_t len;

	r->n_cells = 0;
	for (;;) {
		int got = tn_reader_line(r, item, &text, &len, arena, call);

		if (got < 0)
			return got;
		if (got == TN_LINE_END || (got == TN_LINE && is_gap(r, text, len))) {
			if (item->line || got == TN_LINE_END)
				break;
			continue;
		}
		if (got == TN_LINE && is_comment(r, item, text, len))
			continue;
		if (!item->line)
			item->line = r->lines.line;
		if (got == TN_LINE)
			got = take_line(r, item, text, len, arena, call);
		if (got < 0)
			return got;
	}
	if (!item->line || item->error)
		return item->line > 0;
	return finish(r, item, arena, call);
}
