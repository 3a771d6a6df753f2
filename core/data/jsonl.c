/* SPDX-License-Identifier: Apache-2.0
 * core/data/jsonl.c - inputs as JSON lines.
 */
#include <string.h>

#include "data/reader.h"

/* What the functions below share: one line. */
struct line {
	struct tn_reader *r;
	struct tn_item *item;
	const struct tn_value *object;
	struct tn_arena *arena;
	struct tn_call *call;
};

static int fail_line(const struct line *l, const char *what)
{
	return tn_item_fail(l->r, l->item, l->arena, l->call, "%s:%zu: %s", l->r->name,
		l->item->line, what);
}

/* A member that must be a string. */
static int read_string(const struct line *l, const char *key, struct tn_text *out)
{
	const struct tn_value *v = tn_get(l->object, key);

	if (tn_value_kind(v) != TN_VALUE_STRING)
		return tn_item_fail(l->r, l->item, l->arena, l->call,
			"%s:%zu: \"%s\" is %s, expected a string", l->r->name, l->item->line, key,
			v ? tn_value_kind_name(tn_value_kind(v)) : "missing");
	*out = (struct tn_text){ tn_string(v, ""), tn_string_length(v) };
	return 1;
}

static int read_words(const struct line *l)
{
	const struct tn_value *v = tn_get(l->object, "words");
	size_t n = tn_size(v);
	struct tn_text *words;

	if (tn_value_kind(v) != TN_VALUE_LIST)
		return tn_item_fail(l->r, l->item, l->arena, l->call,
			"%s:%zu: \"words\" is %s, expected a list of strings", l->r->name,
			l->item->line, tn_value_kind_name(tn_value_kind(v)));
	words = tn_arena_alloc(l->arena, n * sizeof(*words));
	if (!words)
		return tn_fail(l->call, TN_ENOMEM, "%s: out of memory", l->r->name);
	for (size_t i = 0; i < n; i++) {
		const struct tn_value *word = tn_at(v, i);

		if (tn_value_kind(word) != TN_VALUE_STRING)
			return tn_item_fail(l->r, l->item, l->arena, l->call,
				"%s:%zu: \"words\" holds %s, expected strings", l->r->name,
				l->item->line, tn_value_kind_name(tn_value_kind(word)));
		words[i] = (struct tn_text){ tn_string(word, ""), tn_string_length(word) };
	}
	l->item->words = words;
	l->item->n_words = n;
	return 1;
}

static int read_object(const struct line *l)
{
	bool text = tn_get(l->object, "text"), words = tn_get(l->object, "words");
	bool question = tn_get(l->object, "question") || tn_get(l->object, "context");
	int status;

	l->item->object = l->object;
	l->item->id = tn_get(l->object, "id");
	if (!text && !words && !question)
		return fail_line(l, "expected \"text\", \"words\", or \"question\" and "
			"\"context\"");
	if (text + words + question > 1)
		return fail_line(l, "more than one of \"text\", \"words\" and \"question\" is "
			"given");
	if (question) {
		status = read_string(l, "question", &l->item->text);
		return status < 0 ? status : read_string(l, "context", &l->item->pair);
	}
	status = words ? read_words(l) : read_string(l, "text", &l->item->text);
	if (status < 0 || !tn_get(l->object, "pair"))
		return status;
	return read_string(l, "pair", &l->item->pair);
}

/* The reason of the parser begins with ":LINE:COLUMN: byte N"; a line knows its own. */
static int fail_parse(const struct line *l)
{
	const char *text = tn_error_text(l->r->attempt), *byte = strstr(text, "byte ");
	char reason[512];

	if (tn_status(l->r->attempt) == TN_ENOMEM)
		return tn_fail(l->call, TN_ENOMEM, "%s: out of memory", l->r->name);
	strncpy(reason, byte ? byte : text, sizeof(reason) - 1);
	reason[sizeof(reason) - 1] = '\0';
	tn_clear(l->r->attempt);
	return fail_line(l, reason);
}

int tn_next_jsonl(struct tn_reader *r, struct tn_item *item, struct tn_arena *arena,
	struct tn_call *call)
{
	struct line l = { r, item, NULL, arena, call };
	const char *text;
	size_t len;
	int got;

	do {
		got = tn_reader_line(r, item, &text, &len, arena, call);
		if (got <= 0)
			return got;
		item->line = r->lines.line;
		if (got == TN_LINE_BAD)
			return 1;
	} while (tn_is_blank(text, len));
	l.object = tn_json_parse(text, len, "", arena, r->attempt);
	if (!l.object)
		got = fail_parse(&l);
	else if (tn_value_kind(l.object) != TN_VALUE_OBJECT)
		got = tn_item_fail(r, item, arena, call, "%s:%zu: byte 0: %s, expected an object",
			r->name, item->line, tn_value_kind_name(tn_value_kind(l.object)));
	else
		got = read_object(&l);
	return got;
}
