/* SPDX-License-Identifier: Apache-2.0
 * core/eval/squad.c - questions of the SQuAD's JSON.
 */
#include <string.h>

#include "base/file.h"
#include "eval/gold.h"

#define LARGEST ((size_t)1 << 30)

/* What the functions below share. */
struct reading {
	struct eval_data *data;
	const char *path;
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

static int string_of(const struct reading *r, const struct tn_value *v, const char *key,
	struct tn_text *out)
{
	const struct tn_value *s = tn_get(v, key);

	if (tn_value_kind(s) != TN_VALUE_STRING)
		return tn_fail(r->call, TN_EDATA, "%s: \"%s\" is %s, expected a string", r->path,
			key, s ? tn_value_kind_name(tn_value_kind(s)) : "missing");
	*out = (struct tn_text){ tn_string(s, ""), tn_string_length(s) };
	return 0;
}

static int read_question(const struct reading *r, const struct tn_value *qa,
	struct tn_text context)
{
	struct eval_example e = { .input = { .pair = context, .id = tn_get(qa, "id") } };
	const char *where = tn_printf(r->call, "%s: question %zu", r->path, r->data->n + 1);

	e.where = where ? tn_arena_dup(r->arena, where, strlen(where)) : NULL;
	if (!e.where)
		return tn_fail(r->call, TN_ENOMEM, "out of memory");
	if (string_of(r, qa, "question", &e.input.text))
		return tn_status(r->call);
	e.gold.has_answers = true;
	e.gold.answers = eval_answer_texts(tn_get(qa, "answers"), e.where, &e.gold.n_answers,
		r->arena, r->call);
	return e.gold.answers ? eval_append(r->data, &e, r->call) : tn_status(r->call);
}

static int read_paragraph(const struct reading *r, const struct tn_value *paragraph)
{
	const struct tn_value *qas = list_of(r, paragraph, "qas");
	struct tn_text context;

	if (!qas || string_of(r, paragraph, "context", &context))
		return tn_status(r->call);
	for (size_t i = 0; i < tn_size(qas); i++)
		if (read_question(r, tn_at(qas, i), context))
			return tn_status(r->call);
	return 0;
}

static int read_article(const struct reading *r, const struct tn_value *article)
{
	const struct tn_value *paragraphs = list_of(r, article, "paragraphs");

	for (size_t i = 0; i < tn_size(paragraphs); i++)
		if (read_paragraph(r, tn_at(paragraphs, i)))
			break;
	return tn_status(r->call);
}

int eval_read_squad(struct eval_data *data, const char *path, struct tn_arena *arena,
	struct tn_call *call)
{
	struct reading r = { data, path, arena, call };
	size_t len, before = data->n;
	const struct tn_value *tree, *articles;
	char *text = tn_file_read(path, LARGEST, &len, arena, call);

	tree = text ? tn_json_parse(text, len, path, arena, call) : NULL;
	articles = tree ? list_of(&r, tree, "data") : NULL;
	for (size_t i = 0; i < tn_size(articles); i++)
		if (read_article(&r, tn_at(articles, i)))
			return tn_status(call);
	if (articles && data->n == before)
		tn_fail(call, TN_EDATA, "%s holds no question", path);
	return tn_status(call);
}
