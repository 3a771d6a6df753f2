/* SPDX-License-Identifier: Apache-2.0
 * core/cli/eval_answers.c - tenon eval: what another system found.
 */
#include <math.h>
#include <string.h>

#include "base/file.h"
#include "cli/eval.h"

#define LARGEST_ANSWERS ((size_t)1 << 30)

static enum tn_task task_of(const struct eval_data *data)
{
	const struct eval_gold *g = &data->items[0].gold;

	return g->tags ? TN_TASK_SPANS : g->has_answers ? TN_TASK_ANSWER : TN_TASK_LABEL;
}

/* --- labels --- */

/* Labels that are numbers go by what they are written as. */
static const struct tn_value *named(struct eval_run *e, const struct tn_value *v)
{
	const char *text;

	if (tn_value_kind(v) != TN_VALUE_INT)
		return v;
	text = tn_printf(e->call, "%lld", (long long)tn_int(v, 0));
	return text ? tn_new_text(e->arena, text) : NULL;
}

static int count_label(struct eval_run *e, struct eval_tally *tally, const struct tn_value *v)
{
	return eval_tally_add(tally, (struct tn_text){ tn_string(v, ""), tn_string_length(v) }, 1,
		e->arena, e->call);
}

/* Names the labels of one example, and counts them with those that have a score. */
static int count_labels(struct eval_run *e, struct eval_example *x, struct eval_tally *tally)
{
	struct tn_value *list = x->gold.labels ? tn_new_list(e->arena) : NULL;

	if (!x->gold.label && !x->gold.labels && !x->gold.scores)
		return tn_fail(e->call, TN_EDATA, "%s: there is no label", x->where);
	if (x->gold.label) {
		x->gold.label = named(e, x->gold.label);
		if (!x->gold.label || count_label(e, tally, x->gold.label))
			return tn_fail(e->call, TN_ENOMEM, "out of memory");
	}
	for (size_t i = 0; i < tn_size(x->gold.labels); i++)
		if (!tn_append(e->arena, list, (struct tn_value *)named(e, tn_at(x->gold.labels, i))) ||
				count_label(e, tally, tn_at(list, i)))
			return tn_fail(e->call, TN_ENOMEM, "out of memory");
	x->gold.labels = list;
	for (size_t i = 0; i < tn_size(x->gold.scores); i++) {
		const char *name = tn_key(x->gold.scores, i);

		if (eval_tally_add(tally, (struct tn_text){ name, strlen(name) }, 1, e->arena,
				e->call))
			return tn_status(e->call);
	}
	return 0;
}

/* The labels of the data and of the answers. */
static int collect_labels(struct eval_run *e, const struct eval_data *found,
	const char *const **labels, size_t *n)
{
	const struct eval_data *both[2] = { &e->data, found };
	struct eval_tally tally = { NULL };
	const char **names;

	for (size_t b = 0; b < 2; b++)
		for (size_t i = 0; i < both[b]->n; i++)
			if (count_labels(e, &both[b]->items[i], &tally))
				return tn_status(e->call);
	names = tn_arena_alloc(e->arena, (tally.n + 1) * sizeof(*names));
	for (size_t i = 0; names && i < tally.n; i++)
		names[i] = tn_arena_dup(e->arena, tally.items[i].name.text, tally.items[i].name.len);
	*labels = names;
	*n = tally.n;
	return names ? 0 : tn_fail(e->call, TN_ENOMEM, "out of memory");
}

/* The label of the greatest score. */
static const struct tn_value *likeliest(struct eval_run *e, const struct tn_value *scores)
{
	size_t best = 0;

	for (size_t i = 1; i < tn_size(scores); i++)
		if (tn_real(tn_at(scores, i), 0) > tn_real(tn_at(scores, best), 0))
			best = i;
	return tn_size(scores) ? tn_new_text(e->arena, tn_key(scores, best)) : NULL;
}

/* Labels as a head would give them. */
static int add_labels(struct eval_run *e, struct eval_records *r, const struct eval_example *gold,
	const struct eval_gold *found)
{
	struct tn_value *answer = tn_new_object(e->arena);
	struct tn_value *mine = tn_set(e->arena, answer, r->head, tn_new_object(e->arena));
	const struct tn_value *label = found->label ? found->label : likeliest(e, found->scores);

	if (gold->gold.labels && !gold->gold.label && !found->labels)
		return tn_fail(e->call, TN_EDATA, "%s has \"labels\", the answer to it has none",
			gold->where);
	if (gold->gold.label && !label)
		return tn_fail(e->call, TN_EDATA, "%s has \"label\", the answer to it has none",
			gold->where);
	if (gold->gold.label)
		tn_set(e->arena, mine, "label", (struct tn_value *)label);
	else
		tn_set(e->arena, mine, "labels", (struct tn_value *)found->labels);
	if (found->scores && !tn_set(e->arena, mine, "scores", (struct tn_value *)found->scores))
		return tn_fail(e->call, TN_ENOMEM, "out of memory");
	return eval_records_add(r, gold, answer, e->call);
}

/* --- examples in the order of the data --- */

static int differ(struct eval_run *e, const struct eval_data *found, size_t i, size_t here,
	size_t there, const char *what)
{
	return tn_fail(e->call, TN_EDATA, "%s: %zu %s, expected %zu as at %s",
		i < found->n ? found->items[i].where : e->a->answers, there, what, here,
		i < e->data.n ? e->data.items[i].where : e->a->data[0]);
}

static int add_tags(struct eval_run *e, struct eval_records *r, const struct eval_data *found,
	size_t i)
{
	const struct eval_example *gold = &e->data.items[i], *f = &found->items[i];

	if (!gold->gold.tags || !f->gold.tags)
		return tn_fail(e->call, TN_EDATA, "%s: there are no tags", gold->gold.tags ? f->where :
			gold->where);
	if (gold->input.n_words != f->input.n_words)
		return differ(e, found, i, gold->input.n_words, f->input.n_words, "words");
	return eval_records_add_tags(r, gold, f->gold.tags, e->call);
}

static int add_found(struct eval_run *e, struct eval_records *r, const struct eval_data *found)
{
	if (found->n != e->data.n)
		return differ(e, found, found->n, e->data.n, found->n, "examples");
	for (size_t i = 0; i < found->n; i++)
		if (r->task == TN_TASK_SPANS ? add_tags(e, r, found, i) :
				add_labels(e, r, &e->data.items[i], &found->items[i].gold))
			return tn_status(e->call);
	return 0;
}

/* --- answers to questions --- */

/* Values by the ids of questions. */
struct by_id {
	const char *path, *text;
	size_t len;
	const struct tn_value *values;
	struct eval_tally ids;
};

static int read_by_id(struct eval_run *e, struct by_id *b, const char *path)
{
	*b = (struct by_id){ .path = path };
	b->text = tn_file_read(path, LARGEST_ANSWERS, &b->len, e->arena, e->call);
	b->values = b->text ? tn_json_parse(b->text, b->len, path, e->arena, e->call) : NULL;
	if (!b->values)
		return tn_status(e->call);
	if (tn_value_kind(b->values) != TN_VALUE_OBJECT)
		return tn_fail(e->call, TN_EDATA, "%s: found %s, expected an object by the ids of "
			"questions", path, tn_value_kind_name(tn_value_kind(b->values)));
	for (size_t i = 0; i < tn_size(b->values); i++)
		if (eval_tally_add(&b->ids, (struct tn_text){ tn_key(b->values, i),
				strlen(tn_key(b->values, i)) }, 1, e->arena, e->call))
			return tn_status(e->call);
	return 0;
}

static const struct tn_value *of_id(const struct by_id *b, const struct tn_value *id)
{
	size_t at = b->values ? eval_tally_find(&b->ids, (struct tn_text){ tn_string(id, ""),
		tn_string_length(id) }) : SIZE_MAX;

	return at == SIZE_MAX ? NULL : tn_at(b->values, at);
}

/* The value of an id is no string or no number: says where. */
static int wrong_value(struct eval_run *e, const struct by_id *b, const char *id,
	const struct tn_value *v, const char *expected)
{
	const char *key = tn_printf(e->call, "\"%s\"", id);
	const char *at = key ? strstr(b->text, key) : NULL;
	size_t line = 1;

	for (const char *c = b->text; at && c < at; c++)
		line += *c == '\n';
	return tn_fail(e->call, TN_EDATA, "%s:%zu: for question %.80s stands %s, expected a %s",
		b->path, line, id, tn_value_kind_name(tn_value_kind(v)), expected);
}

/* As the SQuAD scripts take them. */
static int add_by_id(struct eval_run *e, struct eval_records *r)
{
	struct by_id answers, none = { .values = NULL };
	size_t missing = 0;

	if (read_by_id(e, &answers, e->a->answers) ||
			(e->a->no_answer && read_by_id(e, &none, e->a->no_answer)))
		return tn_status(e->call);
	for (size_t i = 0; i < e->data.n; i++) {
		const struct tn_value *id = e->data.items[i].input.id;
		const struct tn_value *v = of_id(&answers, id), *margin = of_id(&none, id);

		if (v && tn_value_kind(v) != TN_VALUE_STRING)
			return wrong_value(e, &answers, tn_string(id, ""), v, "string");
		if (margin && isnan(tn_real(margin, NAN)))
			return wrong_value(e, &none, tn_string(id, ""), margin, "number");
		missing += !v;
		if (eval_records_add_text(r, &e->data.items[i], (struct tn_text){ tn_string(v, NULL),
				tn_string_length(v) }, e->call))
			return tn_status(e->call);
		if (margin)
			eval_records_set_margin(r, tn_real(margin, NAN));
	}
	if (missing)
		tn_note(e->call, "%zu of %zu questions have no answer in %s: they count as wrong",
			missing, e->data.n, e->a->answers);
	return tn_status(e->call);
}

int eval_take_answers(struct eval_run *e, enum eval_scheme scheme)
{
	struct eval_data found = { .n = 0 };
	enum tn_task task = task_of(&e->data);
	const char *const *labels = NULL;
	struct eval_records *r;
	size_t n = 0;

	e->verdicts = tn_arena_alloc(e->arena, sizeof(*e->verdicts));
	if (!e->verdicts)
		return tn_fail(e->call, TN_ENOMEM, "out of memory");
	r = &e->verdicts[0].records;
	e->verdicts[0].temperature = NAN;
	e->n = 1;
	if (task != TN_TASK_ANSWER)
		eval_read_file(e, &found, e->a->answers, false);
	if (!tn_status(e->call) && task == TN_TASK_LABEL)
		collect_labels(e, &found, &labels, &n);
	if (!tn_status(e->call) && !eval_records_open(r, "answers", task, labels, n, scheme,
			e->arena, e->call)) {
		if (task == TN_TASK_ANSWER)
			add_by_id(e, r);
		else
			add_found(e, r, &found);
	}
	eval_data_finish(&found);
	return tn_status(e->call);
}
