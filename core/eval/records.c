/* SPDX-License-Identifier: Apache-2.0
 * core/eval/records.c - records of a head's answers.
 */
#include "eval/records_impl.h"

#include <float.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "eval/answer.h"

int eval_records_open(struct eval_records *r, const char *head, enum tn_task task,
	const char *const *labels, size_t n_labels, enum eval_scheme scheme,
	struct tn_arena *arena, struct tn_call *call)
{
	*r = (struct eval_records){ .head = head, .task = task, .labels = labels,
		.n_labels = n_labels, .scheme = scheme, .arena = arena };
	if (task != TN_TASK_LABEL && task != TN_TASK_SPANS && task != TN_TASK_ANSWER &&
			task != TN_TASK_TOKENS && task != TN_TASK_VECTOR)
		return tn_fail(call, TN_EDATA, "head %s: there are no scores for what it gives", head);
	return 0;
}

bool eval_records_wants(const struct eval_records *r, const struct eval_example *e)
{
	return r->task == TN_TASK_LABEL ? e->gold.label || e->gold.labels :
		r->task == TN_TASK_SPANS ? e->gold.tags != NULL :
		r->task == TN_TASK_TOKENS || r->task == TN_TASK_VECTOR || e->gold.has_answers;
}

/* Room for one more in an array of the records; NULL after TN_ENOMEM. */
static void *grow(const struct eval_records *r, void *items, size_t room, size_t size,
	struct tn_call *call)
{
	char *grown = tn_arena_alloc(r->arena, room * size);

	if (!grown)
		tn_fail(call, TN_ENOMEM, "out of memory");
	else if (r->n)
		memcpy(grown, items, r->n * size);
	return grown;
}

int eval_records_room(struct eval_records *r, struct tn_call *call)
{
	size_t room = 2 * r->room + 256, L = r->n_labels;

	if (r->n < r->room)
		return 0;
	if (r->task == TN_TASK_LABEL) {
		r->gold = grow(r, r->gold, room, sizeof(*r->gold), call);
		r->found = grow(r, r->found, room, sizeof(*r->found), call);
		r->p = grow(r, r->p, room, (L + 1) * sizeof(*r->p), call);
		r->gold_set = grow(r, r->gold_set, room, L + 1, call);
		r->found_set = grow(r, r->found_set, room, L + 1, call);
		r->gold_value = grow(r, r->gold_value, room, sizeof(double), call);
		r->found_value = grow(r, r->found_value, room, sizeof(double), call);
	} else if (r->task == TN_TASK_SPANS) {
		r->tagged = grow(r, r->tagged, room, sizeof(*r->tagged), call);
	} else if (r->task == TN_TASK_TOKENS) {
		r->hidden = grow(r, r->hidden, room, sizeof(*r->hidden), call);
	} else if (r->task == TN_TASK_VECTOR) {
		r->cosine = grow(r, r->cosine, room, sizeof(*r->cosine), call);
	} else {
		r->asked = grow(r, r->asked, room, sizeof(*r->asked), call);
	}
	r->room = room;
	return tn_status(call);
}

/* --- labels --- */

/* A number from 0, which may be written as a text; SIZE_MAX: it is none. */
static size_t index_of(const struct tn_value *v)
{
	const char *text = tn_string(v, NULL);
	size_t len = tn_string_length(v);

	if (!text)
		return tn_int(v, -1) >= 0 ? (size_t)tn_int(v, -1) : SIZE_MAX;
	return len && len <= 9 && strspn(text, "0123456789") == len ? strtoul(text, NULL, 10) : SIZE_MAX;
}

/* By name, which may be digits; else by number. */
static uint32_t label_number(const struct eval_records *r, const struct tn_value *v)
{
	const char *name = tn_string(v, NULL);
	char digits[32];

	snprintf(digits, sizeof(digits), "%lld", (long long)tn_int(v, -1));
	for (size_t i = 0; i < r->n_labels; i++)
		if (!strcmp(r->labels[i], name ? name : digits))
			return (uint32_t)i;
	return (uint32_t)(index_of(v) < r->n_labels ? index_of(v) : r->n_labels);
}

static int gold_number(const struct eval_records *r, const struct eval_example *e,
	const struct tn_value *v, uint32_t *number, struct tn_call *call)
{
	const char *known = "", *shown;

	*number = label_number(r, v);
	if (*number < r->n_labels)
		return 0;
	shown = tn_json_print(v, NULL, call);
	for (size_t i = 0; i < r->n_labels && i < 20 && known; i++)
		known = tn_printf(call, "%s%s%s", known, i ? ", " : "", r->labels[i]);
	return tn_fail(call, TN_EDATA, "%s: the label %.120s is none of head %s, which has %s%s",
		e->where, shown ? shown : "", r->head, known ? known : "",
		r->n_labels > 20 ? ", ..." : "");
}

/* A head with one label gives a number, unless it may give that label or none. */
static bool gives_number(const struct eval_records *r, const struct eval_example *e)
{
	return r->n_labels == 1 && e->gold.label && !e->gold.labels;
}

int eval_records_number(const struct eval_records *r, const struct eval_example *e, double *value,
	struct tn_call *call)
{
	const char *text = tn_string(e->gold.label, NULL);
	char *end = NULL;

	*value = text ? strtod(text, &end) : tn_real(e->gold.label, NAN);
	if (isfinite(*value) && (!text || (end != text &&
			end == text + tn_string_length(e->gold.label))))
		return 0;
	return tn_fail(call, TN_EDATA, "%s: the label %s is no number, which head %s gives", e->where,
		text ? tn_quote(call, text, strlen(text)) : "", r->head);
}

size_t eval_records_label(const struct eval_records *r, const struct tn_value *label)
{
	return label_number(r, label);
}

int eval_records_check(const struct eval_records *r, const struct eval_example *e,
	struct tn_call *call)
{
	uint32_t number;
	double value;

	if (!eval_records_wants(r, e))
		return 0;
	if (r->task == TN_TASK_LABEL && gives_number(r, e))
		return eval_records_number(r, e, &value, call) ? tn_status(call) : 1;
	if (r->task == TN_TASK_LABEL && e->gold.label &&
			gold_number(r, e, e->gold.label, &number, call))
		return tn_status(call);
	for (size_t i = 0; r->task == TN_TASK_LABEL && i < tn_size(e->gold.labels); i++)
		if (gold_number(r, e, tn_at(e->gold.labels, i), &number, call))
			return tn_status(call);
	return 1;
}

static int set_labels(const struct eval_records *r, const struct eval_example *e,
	const struct tn_value *list, uint8_t *set, bool gold, struct tn_call *call)
{
	memset(set, 0, r->n_labels);
	for (size_t i = 0; i < tn_size(list); i++) {
		uint32_t k = label_number(r, tn_at(list, i));

		if (gold && gold_number(r, e, tn_at(list, i), &k, call))
			return tn_status(call);
		if (k < r->n_labels)
			set[k] = 1;
	}
	return 0;
}

int eval_records_add_label(struct eval_records *r, const struct eval_example *e,
	const struct tn_value *label, struct tn_call *call)
{
	if (eval_records_room(r, call) || gold_number(r, e, e->gold.label, &r->gold[r->n], call))
		return tn_status(call);
	r->found[r->n++] = label ? label_number(r, label) : (uint32_t)r->n_labels;
	return 0;
}

static int add_value(struct eval_records *r, const struct eval_example *e,
	const struct tn_value *value, struct tn_call *call)
{
	if (!gives_number(r, e))
		return tn_fail(call, TN_EDATA, "%s: \"label\" is missing, the number that head %s gives",
			e->where, r->head);
	if (eval_records_room(r, call) || eval_records_number(r, e, &r->gold_value[r->n], call))
		return tn_status(call);
	r->found_value[r->n++] = tn_real(value, NAN);
	r->numbers = true;
	return 0;
}

static int add_labels(struct eval_records *r, const struct eval_example *e,
	const struct tn_value *answer, struct tn_call *call)
{
	const struct tn_value *scores = tn_get(answer, "scores"), *list = tn_get(answer, "labels");
	size_t L = r->n_labels, known = 0;

	if (tn_get(answer, "value"))
		return add_value(r, e, tn_get(answer, "value"), call);
	if (eval_records_room(r, call))
		return tn_status(call);
	r->several = list != NULL;
	for (size_t i = 0; i < L; i++) {
		const struct tn_value *p = tn_get(scores, r->labels[i]);

		r->p[r->n * L + i] = (float)tn_real(p, 0);
		known += p != NULL;
	}
	r->has_p = known == L && !r->several && (r->has_p || !r->n);
	if (!list && !tn_get(answer, "label"))
		return tn_fail(call, TN_EDATA, "head %s: there are no scores for the values that it "
			"gives", r->head);
	if (list ? !e->gold.labels : !e->gold.label)
		return tn_fail(call, TN_EDATA, "%s: \"%s\" is missing, which head %s gives", e->where,
			list ? "labels" : "label", r->head);
	if (!list)
		return eval_records_add_label(r, e, tn_get(answer, "label"), call);
	if (set_labels(r, e, e->gold.labels, r->gold_set + r->n * L, true, call) ||
			set_labels(r, e, list, r->found_set + r->n * L, false, call))
		return tn_status(call);
	r->n++;
	return 0;
}

struct eval_counts eval_records_of_label(const struct eval_records *r, size_t i)
{
	struct eval_counts c = { 0, 0, 0 };

	for (size_t k = 0; k < r->n; k++) {
		bool gold = r->several ? r->gold_set[k * r->n_labels + i] : r->gold[k] == i;
		bool found = r->several ? r->found_set[k * r->n_labels + i] : r->found[k] == i;

		c.gold += gold;
		c.found += found;
		c.right += gold && found;
	}
	return c;
}

/* --- questions --- */

int eval_records_add_sure(struct eval_records *r, double score, bool right, struct tn_call *call)
{
	if (r->n_sure == r->sure_room) {
		size_t room = 2 * r->sure_room + 256;
		struct eval_sure *grown = tn_arena_alloc(r->arena, room * sizeof(*grown));

		if (!grown)
			return tn_fail(call, TN_ENOMEM, "out of memory");
		if (r->n_sure)
			memcpy(grown, r->sure, r->n_sure * sizeof(*grown));
		r->sure = grown;
		r->sure_room = room;
	}
	r->sure[r->n_sure++] = (struct eval_sure){ (float)score, right };
	return 0;
}

int eval_records_add_text(struct eval_records *r, const struct eval_example *e,
	struct tn_text text, struct tn_call *call)
{
	struct eval_asked *a;

	if (eval_records_room(r, call))
		return tn_status(call);
	a = &r->asked[r->n++];
	*a = (struct eval_asked){ .answerable = e->gold.n_answers, .margin = NAN,
		.spoke = text.len };
	if (eval_answer(text, e->gold.answers, e->gold.n_answers, &a->exact, &a->f1, call))
		return tn_status(call);
	a->best_exact = a->exact;
	a->best_f1 = a->f1;
	return 0;
}

void eval_records_set_margin(struct eval_records *r, double margin)
{
	r->asked[r->n - 1].margin = margin;
}

static struct tn_text text_of(const struct tn_value *v)
{
	return (struct tn_text){ tn_string(v, NULL), tn_string_length(v) };
}

/* Of a probability, which may have become 0. */
static double log_of(const struct tn_value *p)
{
	return log(fmax(tn_real(p, 0), DBL_MIN));
}

/* What is answered, and the best of the list, whether or not that is answered in the end. */
static int add_answer(struct eval_records *r, const struct eval_example *e,
	const struct tn_value *answer, struct tn_call *call)
{
	const struct tn_value *none = tn_get(answer, "null_score"), *best = NULL;
	const struct tn_value *list = tn_get(answer, "nbest"), *score = tn_get(answer, "score");
	struct eval_asked *a;

	if (eval_records_add_text(r, e, text_of(tn_get(answer, "text")), call))
		return tn_status(call);
	a = &r->asked[r->n - 1];
	if (score && eval_records_add_sure(r, tn_real(score, 0), a->exact > 0, call))
		return tn_status(call);
	for (size_t i = 0; i < tn_size(list) && !best; i++)
		if (tn_string(tn_get(tn_at(list, i), "text"), NULL))
			best = tn_at(list, i);
	if (!none)
		return 0;
	/* Scores of span-qa are probabilities, of which the ratio is what is compared. */
	a->margin = log_of(none) - log_of(tn_get(best, "score"));
	a->spoke = tn_string_length(tn_get(best, "text")) > 0;
	return eval_answer(text_of(tn_get(best, "text")), e->gold.answers, e->gold.n_answers,
		&a->best_exact, &a->best_f1, call);
}

int eval_records_add_vector(struct eval_records *r, const struct tn_value *vector,
	const struct tn_value *other, struct tn_call *call)
{
	const float *a = tn_floats(vector), *b = tn_floats(other);
	double ab = 0, aa = 0, bb = 0;

	if (!a || !b || tn_size(vector) != tn_size(other))
		return tn_fail(call, TN_EDATA, "head %s: its answers are no vectors of one width",
			r->head);
	for (size_t i = 0; i < tn_size(vector); i++) {
		ab += (double)a[i] * (double)b[i];
		aa += (double)a[i] * (double)a[i];
		bb += (double)b[i] * (double)b[i];
	}
	if (eval_records_room(r, call))
		return tn_status(call);
	r->cosine[r->n++] = aa > 0 && bb > 0 ? ab / sqrt(aa * bb) : aa == bb;
	return 0;
}

int eval_records_add_hidden(struct eval_records *r, struct tn_call *call)
{
	if (eval_records_room(r, call))
		return tn_status(call);
	r->hidden[r->n++] = (struct eval_hidden){ .together = 0 };
	return 0;
}

int eval_records_add(struct eval_records *r, const struct eval_example *e,
	const struct tn_value *answer, struct tn_call *call)
{
	const struct tn_value *error = tn_get(answer, "error"), *mine = tn_get(answer, r->head);

	if (error)
		return tn_fail(call, TN_EDATA, "%s: %s", e->where, tn_string(error, ""));
	if (r->task == TN_TASK_LABEL)
		return add_labels(r, e, mine, call);
	if (r->task == TN_TASK_SPANS)
		return eval_records_add_spans(r, e, mine, call);
	if (r->task == TN_TASK_TOKENS || r->task == TN_TASK_VECTOR)
		return tn_fail(call, TN_EDATA, "%s: what head %s gives is not judged by an answer "
			"alone", e->where, r->head);
	return add_answer(r, e, mine, call);
}
