/* SPDX-License-Identifier: Apache-2.0
 * core/eval/squad.c - questions of the SQuAD's JSON.
 */
#include <string.h>

#include "base/file.h"
#include "eval/gold_impl.h"

#define LARGEST ((size_t)1 << 30)

/* What the functions below share. */
struct reading {
	struct eval_data *data;
	const struct eval_source *source;
	const char *path;
	size_t question;		/* from 1, in the order of the file */
	struct tn_arena *arena;
	struct tn_call *call;
};

/* The list `key` of a value; a member that is no list is TN_EDATA. */
static const struct tn_value *list_of(const struct reading *r, const struct tn_value *v,
	const char *key)
{
	const struct tn_value *list = tn_get(v, key);

	if (tn_value_kind(list) == TN_VALUE_LIST)
		return list;
	tn_fail(r->call, TN_EDATA, "%s: \"%s\" is %s, expected a list (data, paragraphs and qas, "
		"as SQuAD has them)", r->path, key, list ?
		tn_value_kind_name(tn_value_kind(list)) : "missing");
	return NULL;
}

static int string_of(const struct reading *r, const char *where, const struct tn_value *v,
	const char *key, struct tn_text *out)
{
	const struct tn_value *s = tn_get(v, key);

	if (tn_value_kind(s) != TN_VALUE_STRING)
		return tn_fail(r->call, TN_EDATA, "%s: \"%s\" is %s, expected a string", where, key,
			s ? tn_value_kind_name(tn_value_kind(s)) : "missing");
	*out = (struct tn_text){ tn_string(s, ""), tn_string_length(s) };
	return 0;
}

/* "FILE: question ID", or the question's number where the ID is no string. */
static const char *where_of(const struct reading *r, const struct tn_value *qa)
{
	const struct tn_value *id = tn_get(qa, "id");
	const char *where = tn_value_kind(id) == TN_VALUE_STRING ?
		tn_printf(r->call, "%s: question %.80s", r->path, tn_string(id, "")) :
		tn_printf(r->call, "%s: question %zu", r->path, r->question);

	where = where ? tn_arena_dup(r->arena, where, strlen(where)) : NULL;
	if (!where)
		tn_fail(r->call, TN_ENOMEM, "out of memory");
	return where;
}

static int read_question(struct reading *r, const struct tn_value *qa, struct tn_text context)
{
	struct eval_example e = { .input = { .pair = context, .id = tn_get(qa, "id") },
		.file = r->path };

	r->question++;
	e.where = where_of(r, qa);
	if (!e.where)
		return tn_status(r->call);
	if (!string_of(r, e.where, qa, "question", &e.input.text) &&
			!eval_read_answers(tn_get(qa, "answers"), &e, r->arena, r->call))
		return eval_append(r->data, &e, r->call);
	return eval_bad(r->data, r->source, r->arena, r->call);
}

static int read_paragraph(struct reading *r, const struct tn_value *paragraph)
{
	const struct tn_value *qas = list_of(r, paragraph, "qas");
	struct tn_text context;

	if (!qas || string_of(r, r->path, paragraph, "context", &context))
		return tn_status(r->call);
	for (size_t i = 0; i < tn_size(qas); i++)
		if (read_question(r, tn_at(qas, i), context))
			return tn_status(r->call);
	return 0;
}

static int read_article(struct reading *r, const struct tn_value *article)
{
	const struct tn_value *paragraphs = list_of(r, article, "paragraphs");

	for (size_t i = 0; i < tn_size(paragraphs); i++)
		if (read_paragraph(r, tn_at(paragraphs, i)))
			break;
	return tn_status(r->call);
}

int eval_read_squad(struct eval_data *data, const struct eval_source *source,
	struct tn_arena *arena, struct tn_call *call)
{
	struct reading r = { .data = data, .source = source, .path = source->path, .arena = arena,
		.call = call };
	size_t len;
	const struct tn_value *tree, *articles;
	char *text = tn_file_read(r.path, LARGEST, &len, arena, call);

	tree = text ? tn_json_parse(text, len, r.path, arena, call) : NULL;
	articles = tree ? list_of(&r, tree, "data") : NULL;
	for (size_t i = 0; i < tn_size(articles); i++)
		if (read_article(&r, tn_at(articles, i)))
			return tn_status(call);
	return tn_status(call);
}
