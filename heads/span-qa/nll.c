/* SPDX-License-Identifier: Apache-2.0
 * heads/span-qa/nll.c - training: cross entropy over the tokens of a window, of where the
 * answer begins and of where it ends, as an op of its own; and the tokens to learn.
 *
 * Source: Devlin et al., arXiv 1810.04805, section 4.2; the mean of the two is what
 * transformers' BertForQuestionAnswering takes.
 */
#include <math.h>
#include <string.h>
#include <tenon/impl/backend.h>

#include "span-qa.h"

enum { OUT_LOSS, OUT_COUNT, OUT_D_SCORES };

static double number(const struct tn_tensor *t, size_t i)
{
	const void *data = tn_host_data(t);

	return t->dtype == TN_F64 ? ((const double *)data)[i] : (double)((const float *)data)[i];
}

static void store(const struct tn_tensor *t, size_t i, double x)
{
	if (t->dtype == TN_F64)
		((double *)tn_host_data(t))[i] = x;
	else
		((float *)tn_host_data(t))[i] = (float)x;
}

/* scores f [tokens][2], first and last I32 [texts] -> loss [], count []; saved: the gradient
 * by scores. */
static int nll_infer(const void *data, const struct tn_spec *in, size_t n_in, struct tn_spec *out,
	struct tn_call *call)
{
	if (n_in != 3 || in->n_dims != 2 || in->axis == TN_NO_AXIS || in->dims[1] != 2)
		return tn_fail(call, TN_EINTERNAL, "span_nll: its scores are no pairs on an axis");
	out[OUT_LOSS] = out[OUT_COUNT] = (struct tn_spec){ .dtype = in->dtype, .axis = TN_NO_AXIS,
		.dims = { 1, 1, 1, 1 } };
	out[OUT_D_SCORES] = *in;
	return 0;
}

/* -log softmax(z)[target] over column c of rows begin .. end-1; adds half of the gradient to
 * d when it is asked for. */
static double column_loss(const struct tn_tensor *z, size_t begin, size_t end, size_t c,
	size_t target, const struct tn_tensor *d)
{
	double max = -INFINITY, sum = 0;

	for (size_t r = begin; r < end; r++)
		max = fmax(max, number(z, r * z->row_stride + c));
	for (size_t r = begin; r < end; r++)
		sum += exp(number(z, r * z->row_stride + c) - max);
	for (size_t r = begin; d && r < end; r++)
		store(d, 2 * r + c, (exp(number(z, r * z->row_stride + c) - max) / sum -
			(r == begin + target)) / 2);
	return max + log(sum) - number(z, (begin + target) * z->row_stride + c);
}

static int nll_forward(const void *data, const struct tn_step *step, struct tn_call *call)
{
	const struct tn_tensor *z = &step->in[0];
	const struct tn_tensor *d = step->node->n_out > OUT_D_SCORES ? &step->out[OUT_D_SCORES] :
		NULL;
	const struct tn_axis *axis = step->axis;
	double loss = 0, count = 0;

	for (size_t i = 0; d && i < 2 * z->dims[0]; i++)
		store(d, i, 0);
	for (size_t s = 0; s < axis->seqs; s++) {
		size_t begin = axis->start[s], end = axis->start[s + 1];
		int32_t targets[2];

		for (int c = 0; c < 2; c++)
			targets[c] = ((const int32_t *)tn_host_data(&step->in[1 + c]))[s];
		if (targets[0] < 0 || targets[1] < 0)
			continue;
		for (size_t c = 0; c < 2; c++) {
			if ((size_t)targets[c] >= end - begin)
				return tn_fail(call, TN_EINTERNAL, "%s: window %zu has the target %d "
					"of %zu tokens", step->node->name, s, targets[c],
					end - begin);
			loss += column_loss(z, begin, end, c, (size_t)targets[c], d) / 2;
		}
		count++;
	}
	store(&step->out[OUT_LOSS], 0, loss);
	store(&step->out[OUT_COUNT], 0, count);
	return 0;
}

/* in: the saved gradient, then those of loss and count; out: the gradient by scores. */
static int nll_backward(const void *data, const struct tn_step *step, struct tn_call *call)
{
	double by = number(&step->in[1], 0);

	for (size_t i = 0; i < 2 * step->in[0].dims[0]; i++)
		store(&step->out[0], i, by * number(&step->in[0], i));
	return 0;
}

static const struct tn_custom_op span_nll = {
	.size = sizeof(span_nll), .n_out = 2, .n_saved = 1, .name = "span_nll",
	.infer = nll_infer, .forward = nll_forward, .backward = nll_backward,
	.keep_out = 1u << OUT_D_SCORES,
};

tn_ref span_qa_loss(const struct tn_head *self, struct tn_graph *g, tn_ref scores, tn_ref *count)
{
	const char *name = ((const struct span_qa *)self)->env->name;
	int texts = tn_axis(g, "texts");
	tn_ref in[3] = { scores, tn_inputf(g, texts, TN_I32, 0, "%s.first", name),
		tn_inputf(g, texts, TN_I32, 0, "%s.last", name) };
	tn_ref loss = tn_custom(g, &span_nll, NULL, in, 3);

	*count = tn_output(g, loss, 1);
	return loss;
}

/* The tokens that hold the answer, cut outward to whole tokens; false when the window does
 * not have all of it. */
static bool find_answer(const struct tn_window *w, const struct tn_word *answer, int32_t *first,
	int32_t *last)
{
	bool begins = false, ends = false;

	for (size_t t = 0; t < w->n_tokens; t++) {
		const struct tn_window_token *token = &w->tokens[t];

		if (token->sequence != 1 || token->end <= answer->begin ||
				token->begin >= answer->end)
			continue;
		if (*first < 0)
			*first = (int32_t)t;
		*last = (int32_t)t;
	}
	if (*first < 0)
		return false;
	/* A neighbour in the text on each side, or the answer's own end inside the token. */
	begins = w->tokens[*first].begin <= answer->begin || (*first > 0 &&
		w->tokens[*first - 1].sequence == 1);
	ends = w->tokens[*last].end >= answer->end || ((size_t)*last + 1 < w->n_tokens &&
		w->tokens[*last + 1].sequence == 1);
	return begins && ends;
}

int span_qa_target(const struct tn_head *self, const struct tn_target *t, struct tn_call *call)
{
	const struct tn_gold *gold = t->gold;
	int32_t *first = t->rows(t, "first"), *last = t->rows(t, "last");
	const size_t len = t->example->pair.len;

	if (!first || !last)
		return 0;
	*first = *last = -1;
	if (!gold->has_answers)
		return 0;
	if (gold->n_answers && (gold->answers->begin >= gold->answers->end ||
			gold->answers->end > len))
		return tn_fail(call, TN_EDATA, "the answer is bytes %u to %u of a text of %zu",
			gold->answers->begin, gold->answers->end, len);
	if (!gold->n_answers || !find_answer(t->window, gold->answers, first, last))
		*first = *last = (int32_t)qa_no_answer((const struct span_qa *)self, t->window);
	return 0;
}
