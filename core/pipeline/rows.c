/* SPDX-License-Identifier: Apache-2.0
 * core/pipeline/rows.c - a head's answer as rows of label, text and score.
 */
#include <math.h>
#include <string.h>

#include "pipeline/writer.h"

#define SHOWN_FLOATS 4

/* What the functions below fill. */
struct rows {
	struct tn_answer_row *items;
	size_t n;
	struct tn_call *call;
};

static struct tn_answer_row *add(struct rows *r, const char *label, double score)
{
	struct tn_answer_row *row = &r->items[r->n++];

	*row = (struct tn_answer_row){ .label = label, .score = score, .rank = 1 };
	return row;
}

/* A span, an answer, or a piece: an object with a label or a text. */
static void add_object(struct rows *r, const struct tn_value *v)
{
	const struct tn_value *bytes = tn_get(v, "bytes");
	const char *text = tn_string(tn_get(v, "text"), NULL);
	const char *label = tn_string(tn_get(v, "label"), tn_string(tn_get(v, "token"), NULL));
	struct tn_answer_row *row = add(r, label ? label : "", tn_real(tn_get(v, "score"), NAN));

	if (!label && !text)
		row->label = tn_get(v, "scores") ? "(no label)" : "(no answer)";
	row->text = text;
	row->begin = (size_t)tn_int(tn_at(bytes, 0), 0);
	row->end = (size_t)tn_int(tn_at(bytes, 1), 0);
	row->rank = tn_int(tn_get(v, "rank"), 1);
}

static void add_labels(struct rows *r, const struct tn_value *v)
{
	const struct tn_value *labels = tn_get(v, "labels"), *scores = tn_get(v, "scores");

	for (size_t i = 0; i < tn_size(labels); i++) {
		const char *label = tn_string(tn_at(labels, i), "");

		add(r, label, tn_real(tn_get(scores, label), NAN));
	}
	if (!tn_size(labels))
		add(r, "(no label)", NAN);
}

/* Several values, each with its name. */
static void add_values(struct rows *r, const struct tn_value *values)
{
	for (size_t i = 0; i < tn_size(values); i++)
		add(r, tn_key(values, i), tn_real(tn_at(values, i), NAN));
}

static void add_json(struct rows *r, const struct tn_value *v)
{
	const char *json = tn_json_print(v, NULL, r->call);

	add(r, json ? json : "", NAN);
}

/* A vector: its size and how it begins. */
static void add_vector(struct rows *r, const struct tn_value *v)
{
	const char *text = tn_printf(r->call, "%zu numbers:", tn_size(v));
	const float *floats = tn_floats(v);
	size_t n = tn_size(v);

	for (size_t i = 0; text && i < n && i < SHOWN_FLOATS; i++)
		text = tn_printf(r->call, "%s %.4f", text,
			floats ? (double)floats[i] : tn_real(tn_at(v, i), 0));
	if (text && n > SHOWN_FLOATS)
		text = tn_printf(r->call, "%s ...", text);
	add(r, text ? text : "", NAN);
}

static bool is_number(const struct tn_value *v)
{
	return tn_value_kind(v) == TN_VALUE_INT || tn_value_kind(v) == TN_VALUE_REAL;
}

static bool has_score(const struct tn_value *v)
{
	return is_number(tn_get(v, "score")) || tn_get(v, "bytes");
}

static void add_rows(struct rows *r, const struct tn_value *v)
{
	enum tn_value_kind kind = tn_value_kind(v);

	if (kind == TN_VALUE_LIST && (tn_size(v) == 0 || has_score(tn_at(v, 0)))) {
		for (size_t i = 0; i < tn_size(v); i++)
			add_object(r, tn_at(v, i));
	} else if (kind == TN_VALUE_FLOATS || (kind == TN_VALUE_LIST && is_number(tn_at(v, 0)))) {
		add_vector(r, v);
	} else if (tn_get(v, "labels")) {
		add_labels(r, v);
	} else if (tn_get(v, "values")) {
		add_values(r, tn_get(v, "values"));
	} else if (tn_get(v, "value")) {
		add_json(r, tn_get(v, "value"));
	} else if (kind == TN_VALUE_OBJECT && has_score(v)) {
		add_object(r, v);
	} else {
		add_json(r, v);
	}
}

const struct tn_answer_row *tn_answer_rows(const struct tn_value *answer, size_t *n,
	struct tn_call *call)
{
	size_t most = tn_size(answer) + tn_size(tn_get(answer, "labels")) +
		tn_size(tn_get(answer, "values")) + 1;
	struct rows r = { tn_alloc_n(call, most, sizeof(*r.items)), 0, call };

	*n = 0;
	if (!r.items)
		return NULL;
	add_rows(&r, answer);
	*n = r.n;
	return tn_status(call) == TN_ENOMEM ? NULL : r.items;
}
