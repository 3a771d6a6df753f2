/* SPDX-License-Identifier: Apache-2.0
 * core/data/conllu.c - which lines of CoNLL-U are words.
 *
 * Source: universaldependencies.org/format.html: ids are integers from 1 in each sentence,
 * ranges of them for multiword tokens, decimals for empty nodes.
 */
#include <string.h>

#include "data/reader.h"

#define COLUMNS 10

/* Reads an unsigned number at *at and goes behind it; false without digits or beyond 9. */
static bool read_number(const char **at, const char *end, size_t *number)
{
	const char *begin = *at;

	for (*number = 0; *at < end && **at >= '0' && **at <= '9'; ++*at)
		if (*at - begin < 10)
			*number = *number * 10 + (size_t)(**at - '0');
	return *at > begin && *at - begin < 10;
}

static int wrong_id(const struct tn_reader *r, struct tn_item *item, const char *text, size_t len,
	struct tn_arena *arena, struct tn_call *call)
{
	return tn_item_fail(r, item, arena, call, "%s:%zu: the id is %s, expected %zu, a range from "
		"there or an empty node %zu.1", r->name, r->lines.line, tn_quote(call, text, len),
		item->n_words + 1, item->n_words);
}

static size_t count_tabs(const char *text, size_t len)
{
	size_t n = 0;

	for (size_t i = 0; i < len; i++)
		n += text[i] == '\t';
	return n;
}

int tn_conllu_line(const struct tn_reader *r, struct tn_item *item, const char *text, size_t len,
	struct tn_arena *arena, struct tn_call *call)
{
	const char *tab = memchr(text, '\t', len), *end = tab ? tab : text + len, *at = text;
	size_t id, second, columns = count_tabs(text, len) + 1;
	char kind;

	if (text[0] == '#')
		return tn_item_fail(r, item, arena, call, "%s:%zu: a comment inside a sentence, "
			"expected it before one, behind a blank line", r->name, r->lines.line);
	if (columns != COLUMNS)
		return tn_item_fail(r, item, arena, call, "%s:%zu: %zu columns with tabs between, "
			"expected the %d of CoNLL-U", r->name, r->lines.line, columns, COLUMNS);
	if (!read_number(&at, end, &id))
		return wrong_id(r, item, text, (size_t)(end - text), arena, call);
	if (at == end && id == item->n_words + 1)
		return TN_CONLLU_WORD;
	kind = at < end ? *at++ : '\0';
	if (read_number(&at, end, &second) && at == end) {
		if (kind == '-' && id == item->n_words + 1 && second >= id)
			return TN_CONLLU_SKIP;
		if (kind == '.' && id == item->n_words && second)
			return TN_CONLLU_SKIP;
	}
	return wrong_id(r, item, text, (size_t)(end - text), arena, call);
}
