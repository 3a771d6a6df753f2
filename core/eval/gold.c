/* SPDX-License-Identifier: Apache-2.0
 * core/eval/gold.c - labelled data of the formats that have a line, a record or a sentence for
 * each example.
 */
#include <stdlib.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "eval/gold_impl.h"
#include "eval/tags.h"

static const char *const names[] = {
	[EVAL_TEXT] = "text", [EVAL_TSV] = "tsv", [EVAL_CSV] = "csv", [EVAL_JSONL] = "jsonl",
	[EVAL_CONLL] = "conll", [EVAL_CONLLU] = "conllu", [EVAL_SQUAD] = "squad",
};

int eval_format_of(const char *name)
{
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (!strcmp(names[i], name))
			return (int)i;
	return -1;
}

const char *eval_format_name(enum eval_format format)
{
	return names[format];
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

const char *eval_source_wrong(const struct eval_source *s, struct tn_call *call)
{
	struct eval_columns columns;

	return eval_columns_open(&columns, s, call);
}

const char *eval_word_where(const struct eval_example *e, size_t word, struct tn_call *call)
{
	return e->lines ? tn_printf(call, "%s:%zu", e->file, e->lines[word]) : e->where;
}

struct tn_text eval_label_text(const struct tn_value *label, struct tn_arena *arena)
{
	char digits[32];
	int n;

	if (tn_value_kind(label) == TN_VALUE_STRING)
		return (struct tn_text){ tn_string(label, ""), tn_string_length(label) };
	n = tn_value_kind(label) == TN_VALUE_INT ?
		snprintf(digits, sizeof(digits), "%lld", (long long)tn_int(label, 0)) :
		snprintf(digits, sizeof(digits), "%.15g", tn_real(label, 0));
	return (struct tn_text){ tn_arena_dup(arena, digits, (size_t)n), (size_t)n };
}

int eval_bad(struct eval_data *data, const struct eval_source *source, struct tn_arena *arena,
	struct tn_call *call)
{
	const char *text = tn_error_text(call);

	if (!source->drop_bad || tn_status(call) != TN_EDATA)
		return tn_status(call);
	if (data->dropped < EVAL_MOST_BAD)
		data->bad[data->dropped] = tn_arena_dup(arena, text, strlen(text));
	tn_clear(call);
	if (data->dropped < EVAL_MOST_BAD && !data->bad[data->dropped])
		return tn_fail(call, TN_ENOMEM, "out of memory");
	data->dropped++;
	return 0;
}

/* What the functions below share: one file, and the item that is being read. */
struct reading {
	const struct eval_source *source;
	struct eval_columns columns;
	const char *name;
	struct eval_data *data;
	const struct tn_item *item;
	struct eval_example *e;
	bool begun;			/* behind the first row */
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
	return tn_value_kind(v) == TN_VALUE_STRING || tn_value_kind(v) == TN_VALUE_INT ||
		tn_value_kind(v) == TN_VALUE_REAL;
}

static int read_labels(const struct reading *r)
{
	const struct tn_value *label = tn_get(r->item->object, "label");
	const struct tn_value *labels = tn_get(r->item->object, "labels");
	const struct tn_value *scores = tn_get(r->item->object, "scores");

	if (label && !is_label(label))
		return wrong_kind(r, "label", label, "a string or a number");
	if (labels && tn_value_kind(labels) != TN_VALUE_LIST)
		return wrong_kind(r, "labels", labels, "a list of strings or numbers");
	for (size_t i = 0; i < tn_size(labels); i++)
		if (!is_label(tn_at(labels, i)))
			return wrong_kind(r, "labels", tn_at(labels, i), "strings or numbers");
	if (scores && tn_value_kind(scores) != TN_VALUE_OBJECT)
		return wrong_kind(r, "scores", scores, "an object of probabilities by label");
	for (size_t i = 0; i < tn_size(scores); i++)
		if (isnan(tn_real(tn_at(scores, i), NAN)))
			return wrong_kind(r, "scores", tn_at(scores, i), "numbers");
	r->e->gold.label = label;
	r->e->gold.labels = labels;
	r->e->gold.scores = scores;
	return 0;
}

static int read_jsonl(const struct reading *r)
{
	const struct tn_value *tags = tn_get(r->item->object, "tags");
	const struct tn_value *answers = tn_get(r->item->object, "answers");

	if (read_labels(r) || (tags && read_tags(r, tags)))
		return tn_status(r->call);
	return answers ? eval_read_answers(answers, r->e, r->arena, r->call) : 0;
}

/* The cells of a line with tabs between them. */
static struct tn_text *split(const struct reading *r, size_t *n)
{
	const char *at = r->item->text.text, *end = at + r->item->text.len, *tab;
	struct tn_text *cells;

	*n = 1;
	for (tab = at; (tab = memchr(tab, '\t', (size_t)(end - tab))); tab++)
		++*n;
	cells = tn_alloc_n(r->call, *n, sizeof(*cells));
	for (size_t i = 0; i < *n && cells; i++, at = tab + 1) {
		tab = memchr(at, '\t', (size_t)(end - at));
		cells[i] = (struct tn_text){ at, (size_t)((tab ? tab : end) - at) };
	}
	return cells;
}

/* 1: an example; 0: a header. */
static int read_row(struct reading *r)
{
	size_t n = r->item->n_columns;
	const struct tn_text *cells = r->item->columns ? r->item->columns : split(r, &n);
	bool first = !r->begun;
	int header;

	r->begun = true;
	if (!cells)
		return tn_status(r->call);
	header = first ? eval_columns_header(&r->columns, r->source, cells, n, r->e->where,
		r->call) : 0;
	if (header)
		return header < 0 ? header : 0;
	return eval_columns_row(&r->columns, cells, n, r->e, r->arena, r->call) ?
		tn_status(r->call) : 1;
}

/* The tags in a column, the last one where nothing was stated. */
static int read_conll(const struct reading *r)
{
	size_t n = r->item->n_words, columns = r->item->n_columns;
	size_t column = r->columns.at[EVAL_LABEL];
	struct tn_text *tags;

	if (r->columns.n && columns != r->columns.n)
		return tn_fail(r->call, TN_EDATA, "%s: %zu columns, expected %zu", r->e->where,
			columns, r->columns.n);
	if (!r->columns.n && columns < 2)
		return tn_fail(r->call, TN_EDATA, "%s: one column, expected words and, in the last "
			"one, their tags", r->e->where);
	if (r->source->last_is_found && columns < 3)
		return tn_fail(r->call, TN_EDATA, "%s: %zu columns, expected words and, in the last "
			"two, their tags and those that were found", r->e->where, columns);
	if (!r->columns.n)
		column = columns - 1 - r->source->last_is_found;
	if (column == SIZE_MAX)
		return 0;
	tags = new_texts(n, r->arena, r->call);
	for (size_t i = 0; i < n && tags; i++) {
		tags[i] = r->item->columns[i * columns + column];
		if (!tags[i].len)
			return tn_fail(r->call, TN_EDATA, "%s:%zu: the tag is empty", r->name,
				r->item->lines[i]);
	}
	r->e->gold.tags = tags;
	return tn_status(r->call);
}

/* The reader's own tags, so they can be changed. */
static int from_iob1(const struct reading *r)
{
	struct tn_text *tags = (struct tn_text *)r->e->gold.tags;
	struct tn_call *attempt = tn_call_create();
	const char *where;
	size_t word = 0;

	if (!attempt)
		return tn_fail(r->call, TN_ENOMEM, "out of memory");
	if (eval_tags_from_iob1(tags, r->e->input.n_words, &word, r->arena, attempt)) {
		where = eval_word_where(r->e, word, r->call);
		tn_fail(r->call, tn_status(attempt), "%s: %s", where, tn_error_text(attempt));
	}
	tn_call_destroy(attempt);
	return tn_status(r->call);
}

/* 1: *r->e is an example; 0: there is none. */
static int read_example(struct reading *r)
{
	enum eval_format format = r->source->format;
	const struct tn_item *item = r->item;
	int status = 0;

	if (item->error)
		return tn_fail(r->call, TN_EDATA, "%s", item->error);
	if (format != EVAL_JSONL && !item->columns && !item->text.len)
		return 0;
	if (format == EVAL_TSV || format == EVAL_CSV)
		return read_row(r);
	if (format == EVAL_JSONL)
		status = read_jsonl(r);
	else if (format != EVAL_TEXT && item->n_words)
		status = read_conll(r);
	if (!status && r->source->iob1 && r->e->gold.tags)
		status = from_iob1(r);
	return status ? status : item->n_words || !item->lines;
}

static int add_item(struct reading *r)
{
	const struct tn_item *item = r->item;
	struct eval_example e = { .input = { .text = item->text, .pair = item->pair,
		.words = item->words, .n_words = item->n_words, .id = item->id },
		.file = r->name, .lines = item->lines };
	const char *where = tn_printf(r->call, "%s:%zu", r->name, item->line);
	bool begun = r->begun;
	int got;

	e.where = where ? tn_arena_dup(r->arena, where, strlen(where)) : NULL;
	if (!e.where)
		return tn_fail(r->call, TN_ENOMEM, "out of memory");
	r->e = &e;
	got = read_example(r);
	if (got > 0)
		return eval_append(r->data, &e, r->call);
	/* Without its header a file cannot be read at all. */
	if (got < 0 && (begun || !r->columns.by_name))
		return eval_bad(r->data, r->source, r->arena, r->call);
	return got;
}

static enum tn_input_format input_format(enum eval_format format)
{
	switch (format) {
	case EVAL_JSONL:
		return TN_INPUT_JSONL;
	case EVAL_CONLL:
		return TN_INPUT_CONLL;
	case EVAL_CONLLU:
		return TN_INPUT_CONLLU;
	case EVAL_CSV:
		return TN_INPUT_CSV;
	default:
		return TN_INPUT_TEXT;
	}
}

static int read_lines(struct reading *r)
{
	struct tn_reader_options options = { .format = input_format(r->source->format) };
	struct tn_reader *reader;
	struct tn_item item;

	if (r->columns.at[EVAL_WORD] != SIZE_MAX)
		options.word_column = r->columns.at[EVAL_WORD];
	reader = tn_reader_open(r->source->path, &options, r->call);
	if (!reader)
		return tn_status(r->call);
	r->name = tn_arena_dup(r->arena, tn_reader_name(reader), strlen(tn_reader_name(reader)));
	r->item = &item;
	if (!r->name)
		tn_fail(r->call, TN_ENOMEM, "out of memory");
	while (r->name && tn_reader_next(reader, &item, r->arena, r->call) > 0)
		if (add_item(r))
			break;
	tn_reader_close(reader);
	return tn_status(r->call);
}

int eval_read(struct eval_data *data, const struct eval_source *source, struct tn_arena *arena,
	struct tn_call *call)
{
	struct reading r = { .source = source, .data = data, .arena = arena, .call = call };
	size_t before = data->n, dropped = data->dropped;
	const char *wrong = eval_columns_open(&r.columns, source, call);

	if (wrong)
		tn_fail(call, TN_EUSAGE, "%s: %s", source->path, wrong);
	if (tn_status(call))
		return tn_status(call);
	if (source->format == EVAL_SQUAD ? eval_read_squad(data, source, arena, call) :
			read_lines(&r))
		return tn_status(call);
	if (data->n > before)
		return 0;
	if (data->dropped == dropped)
		return tn_fail(call, TN_EDATA, "%s holds no example", source->path);
	return tn_fail(call, TN_EDATA, "%s holds no example: %zu are wrong%s%s", source->path,
		data->dropped - dropped, dropped < EVAL_MOST_BAD ? ", the first being " : "",
		dropped < EVAL_MOST_BAD ? data->bad[dropped] : "");
}
