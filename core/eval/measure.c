/* SPDX-License-Identifier: Apache-2.0
 * core/eval/measure.c - the metrics of each task.
 */
#include <math.h>
#include <string.h>

#include "eval/answer.h"
#include "eval/measure.h"
#include "pipeline/writer.h"

int eval_measure_open(struct eval_measure *m, const char *head, enum tn_task task,
	const char *const *labels, size_t n_labels, struct tn_arena *arena,
	struct tn_call *call)
{
	*m = (struct eval_measure){ .head = head, .task = task, .labels = labels,
		.n_labels = n_labels };
	if (task != TN_TASK_LABEL && task != TN_TASK_SPANS && task != TN_TASK_ANSWER &&
			task != TN_TASK_VECTOR)
		return tn_fail(call, TN_EDATA, "head %s: there is no metric for what it gives",
			head);
	m->by_label = tn_arena_alloc(arena, (n_labels + 1) * sizeof(*m->by_label));
	return m->by_label ? 0 : tn_fail(call, TN_ENOMEM, "out of memory");
}

static size_t find_label(const struct eval_measure *m, const char *text, size_t len)
{
	size_t i = 0;

	while (i < m->n_labels && (strlen(m->labels[i]) != len || memcmp(m->labels[i], text, len)))
		i++;
	return i;
}

/* The index of a gold label, by its name or its number; n_labels when it is none. */
static size_t gold_label(const struct eval_measure *m, const struct tn_value *label)
{
	const char *text = tn_string(label, "");
	size_t len = tn_string_length(label), i = find_label(m, text, len), number = 0;

	if (tn_value_kind(label) == TN_VALUE_INT)
		return tn_int(label, -1) >= 0 && (uint64_t)tn_int(label, -1) < m->n_labels ?
			(size_t)tn_int(label, -1) : m->n_labels;
	if (i < m->n_labels || !len || len > 9 || strspn(text, "0123456789") != len)
		return i;
	for (size_t k = 0; k < len; k++)
		number = number * 10 + (size_t)(text[k] - '0');
	return number < m->n_labels ? number : m->n_labels;
}

static int unknown_label(const struct eval_measure *m, const char *where,
	const struct tn_value *label, struct tn_call *call)
{
	const char *found = tn_value_kind(label) == TN_VALUE_INT ?
		tn_printf(call, "%lld", (long long)tn_int(label, 0)) :
		tn_quote(call, tn_string(label, ""), tn_string_length(label));
	const char *known = "";

	for (size_t i = 0; i < m->n_labels && i < 20 && known; i++)
		known = tn_printf(call, "%s%s%s", known, i ? ", " : "", m->labels[i]);
	return tn_fail(call, TN_EDATA, "%s: the label %s is none of head %s, which has %s%s",
		where, found ? found : "", m->head, known ? known : "",
		m->n_labels > 20 ? ", ..." : "");
}

/* Whether the gold labels are all of the head's. */
static int check_labels(const struct eval_measure *m, const struct eval_example *e,
	struct tn_call *call)
{
	if (e->gold.label && gold_label(m, e->gold.label) == m->n_labels)
		return unknown_label(m, e->where, e->gold.label, call);
	for (size_t i = 0; i < tn_size(e->gold.labels); i++)
		if (gold_label(m, tn_at(e->gold.labels, i)) == m->n_labels)
			return unknown_label(m, e->where, tn_at(e->gold.labels, i), call);
	return 0;
}

static int add_label(struct eval_measure *m, const struct eval_gold *gold,
	const struct tn_value *answer)
{
	size_t right = gold_label(m, gold->label);
	size_t found = find_label(m, tn_string(answer, ""), tn_string_length(answer));

	m->by_label[right].gold++;
	if (found < m->n_labels)
		m->by_label[found].found++;
	m->by_label[right].right += found == right;
	return 0;
}

static int add_several(struct eval_measure *m, const struct eval_gold *gold,
	const struct tn_value *answer, struct tn_call *call)
{
	bool *right = tn_alloc_n(call, m->n_labels + 1, sizeof(*right));

	if (!right)
		return tn_status(call);
	for (size_t i = 0; i < tn_size(gold->labels); i++)
		right[gold_label(m, tn_at(gold->labels, i))] = true;
	for (size_t i = 0; i < m->n_labels; i++)
		m->by_label[i].gold += right[i];
	for (size_t i = 0; i < tn_size(answer); i++) {
		const struct tn_value *label = tn_at(answer, i);
		size_t found = find_label(m, tn_string(label, ""), tn_string_length(label));

		m->by_label[found].found++;
		m->by_label[found].right += right[found];
	}
	return 0;
}

static int add_labels(struct eval_measure *m, const struct eval_example *e,
	const struct tn_value *answer, struct tn_call *call)
{
	const struct tn_value *label = tn_get(answer, "label"), *labels = tn_get(answer, "labels");

	m->several = labels;
	if (!label && !labels)
		return tn_fail(call, TN_EDATA, "head %s: there is no metric for the values that it "
			"gives", m->head);
	if (labels ? !e->gold.labels : !e->gold.label)
		return tn_fail(call, TN_EDATA, "%s: \"%s\" is missing, which head %s gives",
			e->where, labels ? "labels" : "label", m->head);
	return labels ? add_several(m, &e->gold, labels, call) : add_label(m, &e->gold, label);
}

/* Spans of words become bytes of the words joined by single spaces. */
static int to_bytes(const struct tn_input *input, struct eval_span *spans, size_t n,
	struct tn_call *call)
{
	size_t *begin = tn_alloc_n(call, input->n_words + 1, sizeof(*begin));

	if (!begin)
		return tn_status(call);
	for (size_t i = 0; i < input->n_words; i++)
		begin[i + 1] = begin[i] + input->words[i].len + 1;
	for (size_t i = 0; i < n; i++) {
		spans[i].begin = begin[spans[i].begin];
		spans[i].end = begin[spans[i].end] - 1;
	}
	return 0;
}

static int add_spans(struct eval_measure *m, const struct eval_example *e,
	const struct tn_value *answer, struct tn_call *call)
{
	size_t n = e->input.n_words, n_gold, n_rows, n_found = 0;
	struct eval_span *gold = tn_alloc_n(call, n + 1, sizeof(*gold)), *found;
	const struct tn_answer_row *rows = tn_answer_rows(answer, &n_rows, call);

	found = rows ? tn_alloc_n(call, n_rows + 1, sizeof(*found)) : NULL;
	if (!gold || !found)
		return tn_status(call);
	n_gold = eval_spans_of_tags(e->gold.tags, n, gold);
	if (to_bytes(&e->input, gold, n_gold, call))
		return tn_status(call);
	for (size_t i = 0; i < n_rows; i++)
		if (rows[i].rank == 1)
			found[n_found++] = (struct eval_span){ { rows[i].label,
				strlen(rows[i].label) }, rows[i].begin, rows[i].end };
	eval_count_spans(&m->spans, gold, n_gold, found, n_found);
	return 0;
}

static int add_answer(struct eval_measure *m, const struct eval_example *e,
	const struct tn_value *answer, struct tn_call *call)
{
	const struct tn_value *text = tn_get(answer, "text");
	struct tn_text found = { tn_string(text, NULL), tn_string_length(text) };
	double exact, f1;

	if (eval_answer(found, e->gold.answers, e->gold.n_answers, &exact, &f1, call))
		return tn_status(call);
	m->exact += exact;
	m->f1 += f1;
	return 0;
}

static int add_vector(struct eval_measure *m, const struct tn_value *answer,
	const struct tn_value *reference, struct tn_call *call)
{
	const float *a = tn_floats(answer), *b = tn_floats(reference);
	double ab = 0, aa = 0, bb = 0;

	if (!a || !b || tn_size(answer) != tn_size(reference))
		return tn_fail(call, TN_EDATA, "head %s: its answers are no vectors of one width",
			m->head);
	for (size_t i = 0; i < tn_size(answer); i++) {
		ab += (double)a[i] * (double)b[i];
		aa += (double)a[i] * (double)a[i];
		bb += (double)b[i] * (double)b[i];
	}
	if (aa > 0 && bb > 0)
		m->cosine += ab / sqrt(aa * bb);
	else
		m->cosine += aa == bb;
	return 0;
}

static bool has_gold(const struct eval_measure *m, const struct eval_gold *gold)
{
	switch (m->task) {
	case TN_TASK_LABEL:
		return gold->label || gold->labels;
	case TN_TASK_SPANS:
		return gold->tags;
	case TN_TASK_ANSWER:
		return gold->has_answers;
	default:
		return true;
	}
}

int eval_measure_check(const struct eval_measure *m, const struct eval_example *example,
	struct tn_call *call)
{
	if (!has_gold(m, &example->gold))
		return 0;
	if (m->task == TN_TASK_LABEL && check_labels(m, example, call))
		return tn_status(call);
	return 1;
}

int eval_measure_add(struct eval_measure *m, const struct eval_example *example,
	const struct tn_value *answer, const struct tn_value *reference, struct tn_call *call)
{
	const struct tn_value *error = tn_get(answer, "error"), *mine = tn_get(answer, m->head);
	int status = eval_measure_check(m, example, call);

	if (status != 1)
		return status;
	if (error)
		return tn_fail(call, TN_EDATA, "%s: %s", example->where, tn_string(error, ""));
	if (m->task == TN_TASK_LABEL)
		status = add_labels(m, example, mine, call);
	else if (m->task == TN_TASK_SPANS)
		status = add_spans(m, example, mine, call);
	else if (m->task == TN_TASK_ANSWER)
		status = add_answer(m, example, mine, call);
	else
		status = add_vector(m, mine, tn_get(reference, m->head), call);
	m->n += !status;
	return status;
}

static double accuracy(const struct eval_measure *m)
{
	size_t right = 0;

	for (size_t i = 0; i < m->n_labels; i++)
		right += m->by_label[i].right;
	return (double)right / (double)m->n;
}

static double macro_f1(const struct eval_measure *m)
{
	double sum = 0;
	size_t n = 0;

	for (size_t i = 0; i < m->n_labels; i++) {
		sum += eval_f1(&m->by_label[i]);
		n += m->by_label[i].gold || m->by_label[i].found;
	}
	return n ? sum / (double)n : 0;
}

static struct eval_counts sum_labels(const struct eval_measure *m)
{
	struct eval_counts sum = { 0 };

	for (size_t i = 0; i < m->n_labels; i++) {
		sum.gold += m->by_label[i].gold;
		sum.found += m->by_label[i].found;
		sum.right += m->by_label[i].right;
	}
	return sum;
}

static size_t count_metrics(const struct eval_counts *c, struct eval_metric *metrics)
{
	metrics[0] = (struct eval_metric){ "f1", 100 * eval_f1(c) };
	metrics[1] = (struct eval_metric){ "precision", 100 * eval_precision(c) };
	metrics[2] = (struct eval_metric){ "recall", 100 * eval_recall(c) };
	return 3;
}

size_t eval_measure_metrics(const struct eval_measure *m,
	struct eval_metric metrics[EVAL_MOST_METRICS])
{
	struct eval_counts all = m->several ? sum_labels(m) : m->spans;
	double n = (double)m->n;

	if (!m->n)
		return 0;
	if (m->task == TN_TASK_SPANS || m->several)
		return count_metrics(&all, metrics);
	if (m->task == TN_TASK_LABEL) {
		metrics[0] = (struct eval_metric){ "accuracy", 100 * accuracy(m) };
		metrics[1] = (struct eval_metric){ "macro_f1", 100 * macro_f1(m) };
		return 2;
	}
	if (m->task == TN_TASK_ANSWER) {
		metrics[0] = (struct eval_metric){ "f1", 100 * m->f1 / n };
		metrics[1] = (struct eval_metric){ "exact", 100 * m->exact / n };
		return 2;
	}
	metrics[0] = (struct eval_metric){ "cosine", 100 * m->cosine / n };
	return 1;
}
