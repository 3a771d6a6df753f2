/* SPDX-License-Identifier: Apache-2.0
 * core/eval/gold.c - labelled data of the formats that have a line or a sentence for each
 * example.
 */
#include <stdlib.h>
#include <string.h>

#include "eval/gold.h"

static const char *const names[] = {
	[EVAL_TEXT] = "text", [EVAL_TSV] = "tsv", [EVAL_JSONL] = "jsonl", [EVAL_CONLL] = "conll",
	[EVAL_SQUAD] = "squad",
};

int eval_format_of(const char *name)
{
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (!strcmp(names[i], name))
			return (int)i;
	return -1;
}

enum eval_format eval_format_of_path(const char *path)
{
	const char *dot = strrchr(path, '.');
	int format = dot ? eval_format_of(strcmp(dot, ".json") ? dot + 1 : "squad") : -1;

	return format < 0 ? EVAL_TEXT : (enum eval_format)format;
}

int eval_append(struct eval_data *data, const struct eval_example *example,
	struct tn_call *call)
{
	if (data->n == data->room) {
		size_t room = data->room * 2 + 256;
		struct eval_example *grown = reallocarray(data->items, room, sizeof(*grown));

		if (!grown)
			return tn_fail(call, TN_ENOMEM, "out of memory");
		data->items = grown;
		data->room = room;
	}
	data->items[data->n++] = *example;
	return 0;
}

void eval_data_finish(struct eval_data *data)
{
	free(data->items);
	*data = (struct eval_data){ 0 };
}

/* What the functions below share: one item and where it goes. */
struct reading {
	const struct tn_item *item;
	struct eval_example *e;
	struct tn_arena *arena;
	struct tn_call *call;
};

static int wrong_kind(const struct reading *r, const char *key, const struct tn_value *v,
	const char *expected)
{
	return tn_fail(r->call, TN_EDATA, "%s: \"%s\" is %s, expected %s", r->e->where, key,
		tn_value_kind_name(tn_value_kind(v)), expected);
}

static struct tn_text *new_texts(size_t n, struct tn_arena *arena, struct tn_call *call)
{
	struct tn_text *texts = n < SIZE_MAX / sizeof(*texts) ?
		tn_arena_alloc(arena, (n + 1) * sizeof(*texts)) : NULL;

	if (!texts)
		tn_fail(call, TN_ENOMEM, "out of memory");
	return texts;
}

const struct tn_text *eval_answer_texts(const struct tn_value *v, const char *where, size_t *n,
	struct tn_arena *arena, struct tn_call *call)
{
	const struct tn_value *list = tn_value_kind(v) == TN_VALUE_OBJECT ? tn_get(v, "text") : v;
	struct tn_text *texts = new_texts(tn_size(list), arena, call);

	*n = tn_size(list);
	if (tn_value_kind(list) != TN_VALUE_LIST) {
		tn_fail(call, TN_EDATA, "%s: \"answers\" is %s, expected a list of texts or of "
			"objects with \"text\"", where, tn_value_kind_name(tn_value_kind(v)));
		return NULL;
	}
	for (size_t i = 0; i < *n && texts; i++) {
		const struct tn_value *item = tn_at(list, i), *text = item;

		if (tn_value_kind(item) == TN_VALUE_OBJECT)
			text = tn_get(item, "text");
		if (tn_value_kind(text) != TN_VALUE_STRING) {
			tn_fail(call, TN_EDATA, "%s: an answer is %s, expected a text or an object "
				"with \"text\"", where, tn_value_kind_name(tn_value_kind(item)));
			return NULL;
		}
		texts[i] = (struct tn_text){ tn_string(text, ""), tn_string_length(text) };
	}
	return texts;
}

static int read_tags(const struct reading *r, const struct tn_value *v)
{
	size_t n = tn_size(v);
	struct tn_text *tags;

	if (tn_value_kind(v) != TN_VALUE_LIST)
		return wrong_kind(r, "tags", v, "a list of strings");
	if (!r->item->words || n != r->item->n_words)
		return tn_fail(r->call, TN_EDATA, "%s: %zu tags, expected one for each of the %zu "
			"\"words\"", r->e->where, n, r->item->n_words);
	tags = new_texts(n, r->arena, r->call);
	for (size_t i = 0; i < n && tags; i++) {
		const struct tn_value *tag = tn_at(v, i);

		if (tn_value_kind(tag) != TN_VALUE_STRING)
			return wrong_kind(r, "tags", tag, "strings");
		tags[i] = (struct tn_text){ tn_string(tag, ""), tn_string_length(tag) };
	}
	r->e->gold.tags = tags;
	return tn_status(r->call);
}

static bool is_label(const struct tn_value *v)
{
	return tn_value_kind(v) == TN_VALUE_STRING || tn_value_kind(v) == TN_VALUE_INT;
}

static int read_labels(const struct reading *r)
{
	const struct tn_value *label = tn_get(r->item->object, "label");
	const struct tn_value *labels = tn_get(r->item->object, "labels");

	if (label && !is_label(label))
		return wrong_kind(r, "label", label, "a string or an integer");
	if (labels && tn_value_kind(labels) != TN_VALUE_LIST)
		return wrong_kind(r, "labels", labels, "a list of strings or integers");
	for (size_t i = 0; i < tn_size(labels); i++)
		if (!is_label(tn_at(labels, i)))
			return wrong_kind(r, "labels", tn_at(labels, i), "strings or integers");
	r->e->gold.label = label;
	r->e->gold.labels = labels;
	return 0;
}

static int read_jsonl(const struct reading *r)
{
	const struct tn_value *tags = tn_get(r->item->object, "tags");
	const struct tn_value *answers = tn_get(r->item->object, "answers");

	if (read_labels(r) || (tags && read_tags(r, tags)))
		return tn_status(r->call);
	r->e->gold.has_answers = answers;
	if (answers)
		r->e->gold.answers = eval_answer_texts(answers, r->e->where,
			&r->e->gold.n_answers, r->arena, r->call);
	return tn_status(r->call);
}

/* The last column is the label. */
static int read_tsv(const struct reading *r)
{
	struct tn_text columns[3] = { { NULL, 0 } };
	const char *at = r->item->text.text, *end = at + r->item->text.len, *tab;
	size_t n = 0;

	for (;; at = tab + 1, n++) {
		tab = memchr(at, '\t', (size_t)(end - at));
		if (n < 3)
			columns[n] = (struct tn_text){ at, (size_t)((tab ? tab : end) - at) };
		if (!tab)
			break;
	}
	if (n != 1 && n != 2)
		return tn_fail(r->call, TN_EDATA, "%s: %zu columns, expected a text and its label, "
			"or two texts and their label", r->e->where, n + 1);
	r->e->input.text = columns[0];
	if (n == 2)
		r->e->input.pair = columns[1];
	r->e->gold.label = tn_new_string(r->arena, columns[n].text, columns[n].len);
	return r->e->gold.label ? 0 : tn_fail(r->call, TN_ENOMEM, "out of memory");
}

static int read_conll(const struct reading *r)
{
	size_t n = r->item->n_words, columns = r->item->n_columns;
	struct tn_text *tags = new_texts(n, r->arena, r->call);

	if (columns < 2)
		return tn_fail(r->call, TN_EDATA, "%s: one column, expected words and, in the last "
			"one, their tags", r->e->where);
	for (size_t i = 0; i < n && tags; i++)
		tags[i] = r->item->columns[i * columns + columns - 1];
	r->e->gold.tags = tags;
	return tn_status(r->call);
}

static int add_item(struct eval_data *data, const struct tn_item *item, const char *name,
	enum eval_format format, struct tn_arena *arena, struct tn_call *call)
{
	struct eval_example e = { .input = { .text = item->text, .pair = item->pair,
		.words = item->words, .n_words = item->n_words, .id = item->id } };
	struct reading r = { item, &e, arena, call };
	const char *where = tn_printf(call, "%s:%zu", name, item->line);
	int status = 0;

	e.where = where ? tn_arena_dup(arena, where, strlen(where)) : NULL;
	if (!e.where)
		return tn_fail(call, TN_ENOMEM, "out of memory");
	if (item->error)
		return tn_fail(call, TN_EDATA, "%s", item->error);
	if (!item->words && !item->text.len && format != EVAL_JSONL)
		return 0;
	if (format == EVAL_TSV)
		status = read_tsv(&r);
	else if (format == EVAL_JSONL)
		status = read_jsonl(&r);
	else if (format == EVAL_CONLL)
		status = read_conll(&r);
	return status ? status : eval_append(data, &e, call);
}

int eval_read(struct eval_data *data, const char *path, enum eval_format format,
	struct tn_arena *arena, struct tn_call *call)
{
	struct tn_reader_options options = { .format = format == EVAL_JSONL ? TN_INPUT_JSONL :
		format == EVAL_CONLL ? TN_INPUT_CONLL : TN_INPUT_TEXT };
	size_t before = data->n;
	struct tn_reader *r;
	struct tn_item item;

	if (format == EVAL_SQUAD)
		return eval_read_squad(data, path, arena, call);
	r = tn_reader_open(path, &options, call);
	if (!r)
		return tn_status(call);
	while (tn_reader_next(r, &item, arena, call) > 0)
		if (add_item(data, &item, tn_reader_name(r), format, arena, call))
			break;
	if (!tn_status(call) && data->n == before)
		tn_fail(call, TN_EDATA, "%s holds no example", tn_reader_name(r));
	tn_reader_close(r);
	return tn_status(call);
}
