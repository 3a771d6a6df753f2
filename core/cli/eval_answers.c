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

/* The labels of the data and of the answers. */
static int collect_labels(struct eval_run *e, const struct eval_data *found,
	const char *const **labels, size_t *n)
{
	const struct eval_data *both[2] = { &e->data, found };
	struct eval_tally tally = { NULL };
	const char **names;

	for (size_t b = 0; b < 2; b++)
		for (size_t i = 0; i < both[b]->n; i++) {
			const struct tn_value *v = both[b]->items[i].gold.label;
			struct tn_text name = { tn_string(v, NULL), tn_string_length(v) };

			if (!name.text)
				return tn_fail(e->call, TN_EDATA, "%s: there is no label",
					both[b]->items[i].where);
			if (eval_tally_add(&tally, name, 1, e->arena, e->call))
				return tn_status(e->call);
		}
	names = tn_arena_alloc(e->arena, (tally.n + 1) * sizeof(*names));
	for (size_t i = 0; names && i < tally.n; i++)
		names[i] = tn_arena_dup(e->arena, tally.items[i].name.text, tally.items[i].name.len);
	*labels = names;
	*n = tally.n;
	return names ? 0 : tn_fail(e->call, TN_ENOMEM, "out of memory");
}

static int differ(struct eval_run *e, const struct eval_data *found, size_t i, size_t here,
	size_t there, const char *what)
{
	return tn_fail(e->call, TN_EDATA, "%s: %zu %s, expected %zu as at %s",
		i < found->n ? found->items[i].where : e->a->answers, there, what, here,
		i < e->data.n ? e->data.items[i].where : e->a->data[0]);
}

/* Labels or tags, example by example. */
static int add_found(struct eval_run *e, struct eval_records *r, const struct eval_data *found)
{
	if (found->n != e->data.n)
		return differ(e, found, found->n, e->data.n, found->n, "examples");
	for (size_t i = 0; i < found->n; i++) {
		const struct eval_example *gold = &e->data.items[i], *f = &found->items[i];

		if (r->task == TN_TASK_SPANS && gold->input.n_words != f->input.n_words)
			return differ(e, found, i, gold->input.n_words, f->input.n_words, "words");
		if (r->task == TN_TASK_SPANS ? eval_records_add_tags(r, gold, f->gold.tags, e->call) :
				eval_records_add_label(r, gold, f->gold.label, e->call))
			return tn_status(e->call);
	}
	return 0;
}

/* Answers by the ids of questions, as the SQuAD scripts take them. */
static int add_by_id(struct eval_run *e, struct eval_records *r)
{
	size_t len, missing = 0;
	char *text = tn_file_read(e->a->answers, LARGEST_ANSWERS, &len, e->arena, e->call);
	const struct tn_value *answers = text ? tn_json_parse(text, len, e->a->answers, e->arena,
		e->call) : NULL;
	struct eval_tally ids = { NULL };

	if (answers && tn_value_kind(answers) != TN_VALUE_OBJECT)
		return tn_fail(e->call, TN_EDATA, "%s: found %s, expected an object of answers by "
			"the ids of questions", e->a->answers,
			tn_value_kind_name(tn_value_kind(answers)));
	for (size_t i = 0; i < tn_size(answers); i++)
		if (eval_tally_add(&ids, (struct tn_text){ tn_key(answers, i),
				strlen(tn_key(answers, i)) }, 1, e->arena, e->call))
			return tn_status(e->call);
	for (size_t i = 0; answers && i < e->data.n; i++) {
		const struct tn_value *id = e->data.items[i].input.id, *v;
		size_t at = eval_tally_find(&ids, (struct tn_text){ tn_string(id, ""),
			tn_string_length(id) });

		v = at == SIZE_MAX ? NULL : tn_at(answers, at);
		missing += !v;
		if (eval_records_add_text(r, &e->data.items[i], (struct tn_text){ tn_string(v, NULL),
				tn_string_length(v) }, e->call))
			return tn_status(e->call);
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
		eval_read_file(e, &found, e->a->answers);
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
