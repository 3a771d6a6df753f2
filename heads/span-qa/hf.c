/* SPDX-License-Identifier: Apache-2.0
 * heads/span-qa/hf.c - answers as transformers' QuestionAnsweringPipeline gives them:
 * starts and ends are softmaxed apart, for each window; candidates of all windows are
 * aligned to words and merged by their text, scores added.
 *
 * Source: transformers 4.57, pipelines/question_answering.py: select_starts_ends,
 * decode_spans, get_answer, postprocess.  Texts are compared without the case of ASCII.
 */
#include <math.h>
#include <strings.h>

#include "span-qa.h"

struct merger {
	struct qa_answer *answers;
	size_t n;
};

/* x [n], with one more score in the sum: to logarithms of probabilities. */
static double log_softmax(double *x, size_t n, double more)
{
	double max = more, sum = 0;

	for (size_t i = 0; i < n; i++)
		max = fmax(max, x[i]);
	for (size_t i = 0; i < n; i++)
		sum += exp(x[i] - max);
	sum = max + log(sum + exp(more - max));
	for (size_t i = 0; i < n; i++)
		x[i] -= sum;
	return more - sum;
}

/* From the first to the last token of the words that the span begins and ends in. */
static struct qa_answer align(const struct tn_scores *scores, const struct tn_window *w,
	size_t first, size_t last)
{
	const struct tn_window_token *t = w->tokens;
	struct qa_answer a = { .text = scores->example->pair.text };
	int32_t word = t[first].word;

	while (word >= 0 && first > 0 && t[first - 1].sequence == 1 && t[first - 1].word == word)
		first--;
	word = t[last].word;
	while (word >= 0 && last + 1 < w->n_tokens && t[last + 1].sequence == 1 &&
			t[last + 1].word == word)
		last++;
	a.begin = t[first].begin;
	a.end = t[last].end;
	return a;
}

static void merge(struct merger *m, struct qa_answer a)
{
	for (size_t i = 0; i < m->n; i++) {
		struct qa_answer *b = &m->answers[i];

		if (b->end - b->begin == a.end - a.begin &&
				!strncasecmp(a.text + a.begin, b->text + b->begin, a.end - a.begin)) {
			b->score += a.score;
			return;
		}
	}
	m->answers[m->n++] = a;
}

/* Stable, so that of equals the earlier stays first; n is small. */
static void sort(struct qa_answer *a, size_t n)
{
	for (size_t i = 1; i < n; i++)
		for (size_t k = i; k > 0 && a[k].score > a[k - 1].score; k--) {
			struct qa_answer swap = a[k];

			a[k] = a[k - 1];
			a[k - 1] = swap;
		}
}

int qa_decode_hf(const struct span_qa *h, const struct tn_scores *scores,
	struct qa_answer **answers, size_t *n, double *null_score, struct tn_call *call)
{
	size_t k = (size_t)h->nbest * 2 + 10;
	struct span *spans = tn_alloc_n(call, k, sizeof(*spans));
	size_t *unused = tn_alloc_n(call, k, sizeof(*unused));
	struct merger m = { 0 };

	m.answers = tn_alloc_n(call, scores->n_windows, (k + 1) * sizeof(*m.answers));
	if (tn_status(call))
		return tn_status(call);
	*null_score = 1;
	for (size_t i = 0; i < scores->n_windows; i++) {
		struct qa_row r;
		size_t found;
		double null;

		if (qa_read_window(h, scores, i, &r, call))
			return tn_status(call);
		null = log_softmax(r.start, r.row.n, r.null_start);
		null += log_softmax(r.end, r.row.n, r.null_end);
		*null_score = fmin(*null_score, exp(null));
		r.row.first = 0;
		r.row.n_first = r.row.n;
		span_best_ends(&r.row, r.best, r.queue);
		found = span_nbest(&r.row, r.best, spans, unused, 0, 0, k);
		for (size_t s = 0; s < found; s++) {
			struct qa_answer a = align(scores, &scores->windows[i],
				r.context + spans[s].begin, r.context + spans[s].last);

			a.score = exp(spans[s].score);
			merge(&m, a);
		}
	}
	if (h->null_answer || !m.n)
		m.answers[m.n++] = (struct qa_answer){ .score = *null_score };
	sort(m.answers, m.n);
	*answers = m.answers;
	*n = m.n < (size_t)h->nbest ? m.n : (size_t)h->nbest;
	return 0;
}
