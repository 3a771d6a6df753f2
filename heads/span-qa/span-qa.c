/* SPDX-License-Identifier: Apache-2.0
 * heads/span-qa/span-qa.c - the answer to a question as a span of the text beside it: two
 * scores for each token, to begin and to end the answer.
 *
 * Source: Devlin et al., arXiv 1810.04805, sections 4.2 and 4.3.
 */
#include "span-qa.h"

#include <math.h>

static int span_qa_open(struct tn_head *self, const struct tn_head_env *env, struct tn_call *call)
{
	(void)call;
	((struct span_qa *)self)->env = env;
	return 0;
}

static tn_ref span_qa_forward(const struct tn_head *self, struct tn_graph *g)
{
	const struct tn_head_env *env = ((const struct span_qa *)self)->env;

	return tn_dense(g, tn_feature(g, env->feature ? env->feature : "tokens"),
		env->weights ? env->weights : "qa_outputs", 2);
}

static size_t context_of(const struct tn_window *w)
{
	size_t begin = 0;

	while (begin < w->n_tokens && w->tokens[begin].sequence != 1)
		begin++;
	return begin;
}

/* The tokens of the second text.  An answer begins at one that this window keeps, so that
 * overlapping windows give each span once. */
static void find_context(const struct tn_scores *scores, size_t i, struct qa_row *r)
{
	const struct tn_window *w = &scores->windows[i];
	size_t begin = context_of(w), end = begin, from = w->keep_begin, to = w->keep_end;

	while (end < w->n_tokens && w->tokens[end].sequence == 1)
		end++;
	if (from < to && w->tokens[from].sequence != 1) {
		from = begin;
		to = i == 0 ? end : begin;
	}
	from = from < begin ? begin : from;
	to = to > end ? end : to;
	r->context = begin;
	r->row.n = end - begin;
	r->row.first = from < to ? from - begin : 0;
	r->row.n_first = from < to ? to - from : 0;
}

size_t qa_no_answer(const struct span_qa *h, const struct tn_window *w)
{
	size_t cls = 0;

	while (cls < w->n_tokens && w->tokens[cls].id != h->env->tokenizer_info->cls)
		cls++;
	return cls < w->n_tokens ? cls : 0;
}

int qa_read_window(const struct span_qa *h, const struct tn_scores *scores, size_t i,
	struct qa_row *r, struct tn_call *call)
{
	const struct tn_window *w = &scores->windows[i];
	size_t cls, n = w->n_tokens + 1;

	*r = (struct qa_row){ .row.most = (size_t)h->max_answer_tokens,
		.start = tn_alloc_n(call, n, sizeof(double)), .end = tn_alloc_n(call, n,
		sizeof(double)), .sums = tn_alloc_n(call, n, 2 * sizeof(double)),
		.best = tn_alloc_n(call, n, sizeof(size_t)),
		.queue = tn_alloc_n(call, n, sizeof(size_t)) };
	if (tn_status(call))
		return tn_status(call);
	for (size_t t = 0; t < w->n_tokens * 2; t++)
		if (!isfinite(w->scores[t]))
			return tn_fail(call, TN_EDATA, "head %s: token %zu of window %zu has the "
				"score %g", h->env->name, t / 2, i, (double)w->scores[t]);
	find_context(scores, i, r);
	r->row.start = r->start;
	r->row.end = r->end;
	for (size_t t = 0; t < r->row.n; t++) {
		r->start[t] = (double)w->scores[2 * (r->context + t)];
		r->end[t] = (double)w->scores[2 * (r->context + t) + 1];
	}
	cls = qa_no_answer(h, w);
	r->null_start = (double)w->scores[2 * cls];
	r->null_end = (double)w->scores[2 * cls + 1];
	return 0;
}

static double log_add(double a, double b)
{
	double max = fmax(a, b);

	return max == -INFINITY ? max : max + log(exp(a - max) + exp(b - max));
}

/* All legal spans of all windows share one probability with "no answer", whose score is
 * the least of the windows': it must be absent from each. */
int qa_decode_best(const struct span_qa *h, const struct tn_scores *scores,
	struct qa_answer **answers, size_t *n, double *null_score, struct tn_call *call)
{
	size_t k = (size_t)h->nbest, found = 0, none;
	struct span *spans = tn_alloc_n(call, k, sizeof(*spans));
	size_t *windows = tn_alloc_n(call, k, sizeof(*windows));
	struct qa_answer *out = tn_alloc_n(call, k + 1, sizeof(*out));
	double null = INFINITY, all = -INFINITY;

	if (tn_status(call))
		return tn_status(call);
	for (size_t i = 0; i < scores->n_windows; i++) {
		struct qa_row r;

		if (qa_read_window(h, scores, i, &r, call))
			return tn_status(call);
		span_best_ends(&r.row, r.best, r.queue);
		found = span_nbest(&r.row, r.best, spans, windows, i, found, k);
		all = log_add(all, span_log_sum(&r.row, r.sums));
		null = fmin(null, r.null_start + r.null_end);
	}
	all = log_add(all, null);
	*null_score = exp(null - all);
	none = !found || (h->null_answer && null - spans[0].score > h->null_threshold);
	out[0].score = *null_score;
	for (size_t s = 0; s < found; s++) {
		const struct tn_window *w = &scores->windows[windows[s]];
		const struct tn_window_token *t = w->tokens + context_of(w);

		out[none + s] = (struct qa_answer){ .text = scores->example->pair.text,
			.begin = t[spans[s].begin].begin, .end = t[spans[s].last].end,
			.score = exp(spans[s].score - all) };
	}
	*answers = out;
	*n = found + none;
	return 0;
}

/* Sets "text", "bytes", "chars" and "score". */
static int describe(const struct tn_scores *scores, const struct qa_answer *a,
	struct tn_value *object, struct tn_call *call)
{
	struct tn_arena *arena = tn_call_arena(call);
	const struct tn_value *span = NULL;

	if (!a->text) {
		tn_set(arena, object, "text", tn_new_null(arena));
	} else {
		span = tn_span(scores->example, 1, a->begin, a->end, call);
		if (!span)
			return tn_status(call);
	}
	for (size_t i = 0; i < tn_size(span); i++)
		tn_set(arena, object, tn_key(span, i), (struct tn_value *)tn_at(span, i));
	return tn_set(arena, object, "score", tn_new_real(arena, a->score)) ? 0 :
		tn_fail(call, TN_ENOMEM, "out of memory");
}

static int span_qa_decode(const struct tn_head *self, const struct tn_scores *scores,
	struct tn_value **answer, struct tn_call *call)
{
	const struct span_qa *h = (const struct span_qa *)self;
	struct tn_arena *arena = tn_call_arena(call);
	struct tn_value *nbest = tn_new_list(arena);
	struct qa_answer *answers;
	double null_score;
	size_t n;
	int status;

	*answer = tn_new_object(arena);
	if (!scores->example->pair.text)
		return tn_fail(call, TN_EDATA, "a question needs a text beside it to answer from");
	if (!scores->example->text.len)
		return tn_fail(call, TN_EDATA, "the question is empty");
	status = (h->decode == DECODE_HF ? qa_decode_hf : qa_decode_best)(h, scores, &answers, &n,
		&null_score, call);
	if (status || describe(scores, &answers[0], *answer, call))
		return tn_status(call);
	for (size_t i = 0; i < n; i++) {
		struct tn_value *item = tn_append(arena, nbest, tn_new_object(arena));

		if (describe(scores, &answers[i], item, call))
			return tn_status(call);
	}
	tn_set(arena, *answer, "null_score", tn_new_real(arena, null_score));
	return tn_set(arena, *answer, "nbest", nbest) ? 0 :
		tn_fail(call, TN_ENOMEM, "out of memory");
}

static const char *const decodings[] = { "best", "hf", NULL };

static const struct tn_option options[] = {
	TN_OPTION_CHOICE(struct span_qa, decode, decodings, "best",
		"best: the exact best spans of all windows and their probability; hf: what "
		"transformers' pipeline gives"),
	TN_OPTION_INT(struct span_qa, max_answer_tokens, 30, 1, 1e6,
		"the longest answer, in tokens (transformers: 15)"),
	TN_OPTION_INT(struct span_qa, nbest, 3, 1, 1000, "how many answers to give"),
	TN_OPTION_BOOL(struct span_qa, null_answer, true,
		"whether there may be no answer (transformers' handle_impossible_answer)"),
	TN_OPTION_REAL(struct span_qa, null_threshold, 0.0, -1e6, 1e6,
		"best: no answer when its score is greater than the best span's by more than this"),
	{ 0 }
};

static const struct tn_head_impl span_qa_impl = {
	.task = TN_TASK_ANSWER, .on_overflow = TN_OVERFLOW_WINDOW,
	.open = span_qa_open, .forward = span_qa_forward, .loss = span_qa_loss,
	.target = span_qa_target, .decode = span_qa_decode,
};

TN_PLUGIN(span_qa, TN_HEAD, "span-qa",
	.version = "0.1.0", .licence = "Apache-2.0",
	.about = "the answer to a question as a span of a text",
	.state = sizeof(struct span_qa), .options = options, .impl.head = &span_qa_impl);
