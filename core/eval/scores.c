/* SPDX-License-Identifier: Apache-2.0
 * core/eval/scores.c - scores of records, and their intervals.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/random.h"
#include "eval/correlation.h"
#include "eval/records.h"

static uint32_t weight_of(const uint32_t *weights, size_t i)
{
	return weights ? weights[i] : 1;
}

static void put_number(struct eval_score *scores, size_t *n, const char *name, double value)
{
	scores[(*n)++] = (struct eval_score){ name, value, NAN, NAN };
}

static void put(struct eval_score *scores, size_t *n, const char *name, double share)
{
	put_number(scores, n, name, 100 * share);
}

static void put_counts(struct eval_score *scores, size_t *n, const char *const names[3],
	const struct eval_counts *c)
{
	put(scores, n, names[0], eval_f1(c));
	put(scores, n, names[1], eval_precision(c));
	put(scores, n, names[2], eval_recall(c));
}

/* Counts of each label, in three rows. */
static size_t count_labels(const struct eval_records *r, const uint32_t *weights, double *gold,
	double *found, double *right)
{
	size_t L = r->n_labels, total = 0;

	memset(gold, 0, (L + 1) * sizeof(*gold));
	memset(found, 0, (L + 1) * sizeof(*found));
	memset(right, 0, (L + 1) * sizeof(*right));
	for (size_t i = 0; i < r->n; i++) {
		double w = weight_of(weights, i);

		total += weight_of(weights, i);
		if (!r->several) {
			gold[r->gold[i]] += w;
			found[r->found[i]] += w;
			right[r->gold[i]] += r->gold[i] == r->found[i] ? w : 0;
			continue;
		}
		for (size_t k = 0; k < L; k++) {
			uint8_t g = r->gold_set[i * L + k], f = r->found_set[i * L + k];

			gold[k] += g ? w : 0;
			found[k] += f ? w : 0;
			right[k] += g && f ? w : 0;
		}
	}
	return total;
}

static double macro_f1(const double *gold, const double *found, const double *right, size_t n)
{
	double sum = 0;
	size_t occur = 0;

	for (size_t k = 0; k < n; k++) {
		sum += gold[k] + found[k] > 0 ? 2 * right[k] / (gold[k] + found[k]) : 0;
		occur += gold[k] > 0 || found[k] > 0;
	}
	return occur ? sum / (double)occur : 0;
}

/* Source: Gorodkin 2004, equation 8, by sums over labels. */
static double mcc(const double *gold, const double *found, double right, double n, size_t labels)
{
	double gg = 0, ff = 0, gf = 0, below;

	for (size_t k = 0; k <= labels; k++) {
		gg += gold[k] * gold[k];
		ff += found[k] * found[k];
		gf += gold[k] * found[k];
	}
	below = sqrt((n * n - gg) * (n * n - ff));
	return below > 0 ? (right * n - gf) / below : 0;
}

static double exact_share(const struct eval_records *r, const uint32_t *weights, size_t total)
{
	double exact = 0;

	for (size_t i = 0; i < r->n; i++)
		if (!memcmp(r->gold_set + i * r->n_labels, r->found_set + i * r->n_labels,
				r->n_labels))
			exact += weight_of(weights, i);
	return exact / (double)total;
}

static size_t label_scores(const struct eval_records *r, const uint32_t *weights,
	struct eval_score *scores, double *room)
{
	static const char *const names[] = { "f1", "precision", "recall" };
	size_t L = r->n_labels, n = 0, total;
	double *gold = room, *found = gold + L + 1, *right = found + L + 1, sum = 0;
	double all_gold = 0, all_found = 0;

	total = count_labels(r, weights, gold, found, right);
	for (size_t k = 0; k < L; k++) {
		sum += right[k];
		all_gold += gold[k];
		all_found += found[k];
	}
	if (r->several) {
		struct eval_counts all = { (size_t)all_gold, (size_t)all_found, (size_t)sum };

		put_counts(scores, &n, names, &all);
		put(scores, &n, "macro_f1", macro_f1(gold, found, right, L));
		put(scores, &n, "exact", exact_share(r, weights, total));
		return n;
	}
	put(scores, &n, "accuracy", sum / (double)total);
	put(scores, &n, "macro_f1", macro_f1(gold, found, right, L));
	put(scores, &n, "mcc", mcc(gold, found, sum, (double)total, L));
	return n;
}

/* `room` has place for 3 n numbers.  Source of rank correlation: Spearman 1904. */
static size_t value_scores(const struct eval_records *r, const uint32_t *weights,
	struct eval_score *scores, double *room)
{
	double *gold = room, *found = gold + r->n, square = 0, sum = 0, total = 0;
	size_t *order = (size_t *)(found + r->n), n = 0;

	for (size_t i = 0; i < r->n; i++) {
		double w = weight_of(weights, i), miss = r->found_value[i] - r->gold_value[i];

		total += w;
		square += w * miss * miss;
		sum += w * fabs(miss);
	}
	eval_ranks(r->gold_value, weights, r->n, order, gold);
	eval_ranks(r->found_value, weights, r->n, order, found);
	put(scores, &n, "pearson", eval_pearson(r->gold_value, r->found_value, weights, r->n));
	put(scores, &n, "spearman", eval_pearson(gold, found, weights, r->n));
	put(scores, &n, "rmse", sqrt(square / total) / 100);
	put(scores, &n, "mae", sum / total / 100);
	return n;
}

static void add_counts(struct eval_counts *to, const struct eval_counts *c, uint32_t weight)
{
	to->gold += weight * c->gold;
	to->found += weight * c->found;
	to->right += weight * c->right;
}

/* Different surface forms; `seen` has room for a byte of each. */
static struct eval_counts count_forms(const struct eval_records *r, const uint32_t *weights,
	uint8_t *seen)
{
	struct eval_counts c = { 0, 0, 0 };

	memset(seen, 0, r->form_names.n);
	for (size_t i = 0; i < r->n_forms; i++)
		if (weight_of(weights, r->forms[i].record))
			seen[r->forms[i].form] |= r->forms[i].where;
	for (size_t i = 0; i < r->form_names.n; i++) {
		c.gold += seen[i] & 1;
		c.found += (seen[i] & 2) > 0;
		c.right += (seen[i] & 4) > 0;
	}
	return c;
}

static size_t span_scores(const struct eval_records *r, const uint32_t *weights,
	struct eval_score *scores, double *room)
{
	static const char *const names[3][3] = { { "f1", "precision", "recall" },
		{ "strict_f1", "strict_precision", "strict_recall" },
		{ "surface_f1", "surface_precision", "surface_recall" } };
	struct eval_counts conll = { 0, 0, 0 }, strict = { 0, 0, 0 };
	double words = 0, right = 0;
	size_t n = 0;

	for (size_t i = 0; i < r->n; i++) {
		uint32_t w = weight_of(weights, i);

		add_counts(&conll, &r->tagged[i].conll, w);
		add_counts(&strict, &r->tagged[i].strict, w);
		words += (double)w * r->tagged[i].words;
		right += (double)w * r->tagged[i].right;
	}
	if (r->scheme != EVAL_LABELS) {
		put_counts(scores, &n, names[0], &conll);
		put_counts(scores, &n, names[1], &strict);
	}
	put(scores, &n, "token_accuracy", words > 0 ? right / words : 0);
	if (r->scheme != EVAL_LABELS) {
		struct eval_counts forms = count_forms(r, weights, (uint8_t *)room);

		put_counts(scores, &n, names[2], &forms);
	}
	return n;
}

static size_t answer_scores(const struct eval_records *r, const uint32_t *weights,
	struct eval_score *scores)
{
	double exact[2] = { 0, 0 }, f1[2] = { 0, 0 }, n[2] = { 0, 0 };
	size_t at = 0;

	for (size_t i = 0; i < r->n; i++) {
		uint32_t w = weight_of(weights, i);

		exact[r->asked[i].answerable] += w * r->asked[i].exact;
		f1[r->asked[i].answerable] += w * r->asked[i].f1;
		n[r->asked[i].answerable] += w;
	}
	put(scores, &at, "f1", (f1[0] + f1[1]) / (n[0] + n[1]));
	put(scores, &at, "exact", (exact[0] + exact[1]) / (n[0] + n[1]));
	for (size_t i = 0; i < r->n; i++) {
		if (r->asked[i].answerable)
			continue;
		put(scores, &at, "answered_f1", n[1] > 0 ? f1[1] / n[1] : 0);
		put(scores, &at, "answered_exact", n[1] > 0 ? exact[1] / n[1] : 0);
		put(scores, &at, "unanswered_exact", n[0] > 0 ? exact[0] / n[0] : 0);
		break;
	}
	return at;
}

/* Hidden tokens over all texts. */
static size_t hidden_scores(const struct eval_records *r, const uint32_t *weights,
	struct eval_score *scores)
{
	double together = 0, right = 0, nll = 0, alone = 0, alone_nll = 0;
	bool any_alone = false;
	size_t n = 0;

	for (size_t i = 0; i < r->n; i++) {
		const struct eval_hidden *h = &r->hidden[i];
		double w = weight_of(weights, i);

		together += w * h->together;
		right += w * h->right;
		nll += w * h->together_nll;
		alone += w * h->alone;
		alone_nll += w * h->alone_nll;
		any_alone |= h->alone > 0;
	}
	put(scores, &n, "masked_accuracy", together > 0 ? right / together : 0);
	put_number(scores, &n, "masked_nll", together > 0 ? nll / together : 0);
	if (any_alone)
		put_number(scores, &n, "pseudo_perplexity", exp(alone > 0 ? alone_nll / alone : 0));
	return n;
}

static size_t vector_scores(const struct eval_records *r, const uint32_t *weights,
	struct eval_score *scores)
{
	double sum = 0, total = 0;
	size_t n = 0;

	for (size_t i = 0; i < r->n; i++) {
		sum += weight_of(weights, i) * r->cosine[i];
		total += weight_of(weights, i);
	}
	put(scores, &n, "cosine", sum / total);
	return n;
}

static size_t scores_with(const struct eval_records *r, const uint32_t *weights,
	struct eval_score *scores, double *room)
{
	if (!r->n)
		return 0;
	if (r->numbers)
		return value_scores(r, weights, scores, room);
	if (r->task == TN_TASK_LABEL)
		return label_scores(r, weights, scores, room);
	return r->task == TN_TASK_SPANS ? span_scores(r, weights, scores, room) :
		r->task == TN_TASK_TOKENS ? hidden_scores(r, weights, scores) :
		r->task == TN_TASK_VECTOR ? vector_scores(r, weights, scores) :
		answer_scores(r, weights, scores);
}

/* What scores_with works in. */
static double *new_room(const struct eval_records *r)
{
	return calloc(3 * (r->n_labels + (r->numbers ? r->n : 0) + 1) +
		r->form_names.n / sizeof(double) + 1, sizeof(double));
}

size_t eval_records_scores(const struct eval_records *r, const uint32_t *weights,
	struct eval_score scores[EVAL_MOST_SCORES])
{
	double *room = new_room(r);
	size_t n = room ? scores_with(r, weights, scores, room) : 0;

	free(room);
	return n;
}

static int compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

int eval_records_intervals(const struct eval_records *r, struct eval_score *scores, size_t n,
	size_t draws, uint64_t seed, struct tn_call *call)
{
	uint32_t *weights = calloc(r->n + 1, sizeof(*weights));
	double *values = calloc(n * draws + 1, sizeof(*values));
	double *room = new_room(r);
	struct eval_score drawn[EVAL_MOST_SCORES];
	bool good = weights && values && room;

	for (size_t d = 0; good && r->n && d < draws; d++) {
		memset(weights, 0, r->n * sizeof(*weights));
		for (size_t i = 0; i < r->n; i++)
			weights[tn_random_below(&seed, r->n)]++;
		scores_with(r, weights, drawn, room);
		for (size_t k = 0; k < n; k++)
			values[k * draws + d] = drawn[k].value;
	}
	for (size_t k = 0; good && r->n && k < n; k++) {
		double *v = values + k * draws;

		qsort(v, draws, sizeof(*v), compare);
		scores[k].low = v[(size_t)(0.025 * (double)draws)];
		scores[k].high = v[(size_t)(0.975 * (double)draws)];
	}
	free(weights);
	free(values);
	free(room);
	return good ? 0 : tn_fail(call, TN_ENOMEM, "out of memory");
}
