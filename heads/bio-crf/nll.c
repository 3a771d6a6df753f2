/* SPDX-License-Identifier: Apache-2.0
 * heads/bio-crf/nll.c - training: the negative log-likelihood of the CRF as an op of its own,
 * or of each token's softmax where the head has no CRF; and the tags it is to learn.
 */
#include <math.h>
#include <string.h>
#include <tenon/impl/backend.h>

#include "bio-crf.h"

/* Which ends of a window are ends of its text: elsewhere a path may begin or end as it is. */
enum { FIRST_WINDOW = 1, LAST_WINDOW = 2 };

/* Inputs and outputs of the op by place. */
enum { IN_SCORES, IN_TAGS, IN_ENDS, IN_START, IN_END, IN_TRANSITION };
enum { OUT_LOSS, OUT_COUNT, OUT_D_SCORES, OUT_D_CRF };

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

/* scores f [words][L], tags I32 [words], ends I32 [texts], start and end f [L], transition
 * f [L][L] -> loss [], count []; saved: the gradients by scores [words][L], and by start, end
 * and the rows of transition [2 + L][L]. */
static int nll_infer(const void *data, const struct tn_spec *in, size_t n_in, struct tn_spec *out,
	struct tn_call *call)
{
	const struct tn_spec *x = &in[IN_SCORES];

	if (n_in != 6 || x->n_dims != 2 || x->axis == TN_NO_AXIS)
		return tn_fail(call, TN_EINTERNAL, "crf_nll: its scores are no rows on an axis");
	out[OUT_LOSS] = out[OUT_COUNT] = (struct tn_spec){ .dtype = x->dtype, .axis = TN_NO_AXIS,
		.dims = { 1, 1, 1, 1 } };
	out[OUT_D_SCORES] = *x;
	out[OUT_D_CRF] = *x;
	out[OUT_D_CRF].axis = TN_NO_AXIS;
	out[OUT_D_CRF].dims[0] = 2 + x->dims[1];
	return 0;
}

/* What one run works in. */
struct nll {
	const struct bio_crf *h;
	const struct tn_step *step;
	bool grad;			/* the gradients are asked for */
	double *start, *end, *transition, *open;
	double *edges, edges_max;		/* of transition, scaled */
	double *e, *alpha, *beta, *d_e;		/* [longest][L] */
	double *d_start, *d_end, *d_transition, *d_none;
	double *work;				/* of crf_loss_scaled */
	uint32_t *path;
	double loss, count;
};

static size_t longest(const struct tn_axis *axis)
{
	size_t most = 0;

	for (size_t s = 0; s < axis->seqs; s++)
		if (axis->start[s + 1] - axis->start[s] > most)
			most = axis->start[s + 1] - axis->start[s];
	return most;
}

/* The numbers of the step, what the scheme forbids being -INFINITY. */
static int read_step(struct nll *n, struct tn_call *call)
{
	size_t L = n->h->env->n_labels, rows = longest(n->step->axis);
	double *d = tn_alloc_n(call, 11 * L + 3 * L * L + 6 * rows * L + rows, sizeof(*d));

	n->path = tn_alloc_n(call, rows + 1, sizeof(*n->path));
	if (!d || !n->path)
		return tn_status(call);
	n->start = d;
	n->end = d + L;
	n->open = d + 2 * L;
	n->d_start = d + 3 * L;
	n->d_end = d + 4 * L;
	n->d_none = d + 5 * L;
	n->transition = d + 8 * L;
	n->d_transition = n->transition + L * L;
	n->e = n->d_transition + L * L;
	n->alpha = n->e + rows * L;
	n->beta = n->alpha + rows * L;
	n->d_e = n->beta + rows * L;
	n->edges = n->d_e + rows * L;
	n->work = n->edges + L * L;
	for (size_t i = 0; i < L; i++) {
		n->start[i] = number(&n->step->in[IN_START], i);
		n->end[i] = number(&n->step->in[IN_END], i);
	}
	for (size_t i = 0; i < L * L; i++)
		n->transition[i] = number(&n->step->in[IN_TRANSITION], i);
	crf_forbid(n->h, n->start, n->end, n->transition);
	n->edges_max = crf_scale(&(struct crf){ .tags = L, .transition = n->transition }, n->edges);
	return 0;
}

/* One window: its words are row first on. */
static int window_loss(struct nll *n, size_t s, size_t first, size_t words, struct tn_call *call)
{
	const int32_t *tags = tn_host_data(&n->step->in[IN_TAGS]);
	int32_t ends = ((const int32_t *)tn_host_data(&n->step->in[IN_ENDS]))[s];
	size_t L = n->h->env->n_labels, stride = n->step->in[IN_SCORES].row_stride;
	const struct crf crf = { .tags = L, .transition = n->transition,
		.start = ends & FIRST_WINDOW ? n->start : n->open,
		.end = ends & LAST_WINDOW ? n->end : n->open };
	const struct crf_gradient to = { .e = n->d_e, .transition = n->d_transition,
		.start = ends & FIRST_WINDOW ? n->d_start : n->d_none,
		.end = ends & LAST_WINDOW ? n->d_end : n->d_none };
	const struct crf_gradient none = { NULL, NULL, NULL, NULL };
	double loss;

	if (!words || tags[first] < 0)
		return 0;
	for (size_t t = 0; t < words; t++) {
		if (tags[first + t] < 0 || (size_t)tags[first + t] >= L)
			return tn_fail(call, TN_EINTERNAL, "%s: word %zu has the tag %d of %zu",
				n->step->node->name, first + t, tags[first + t], L);
		n->path[t] = (uint32_t)tags[first + t];
		for (size_t j = 0; j < L; j++)
			n->e[t * L + j] = number(&n->step->in[IN_SCORES],
				(first + t) * stride + j);
	}
	memset(n->d_e, 0, words * L * sizeof(*n->d_e));
	loss = crf_loss_scaled(&crf, n->edges, n->edges_max, n->e, words, n->path, n->work,
		n->grad ? &to : NULL);
	if (isnan(loss))
		loss = crf_loss(&crf, n->e, words, n->path, n->alpha, n->beta,
			n->grad ? &to : &none);
	if (loss == INFINITY)
		return tn_fail(call, TN_EDATA, "head %s: a window has tags that the scheme does not "
			"allow", n->h->env->name);
	n->loss += loss;
	n->count++;
	for (size_t i = 0; n->grad && i < words * L; i++)
		store(&n->step->out[OUT_D_SCORES], first * L + i, n->d_e[i]);
	return 0;
}

static void clear(const struct tn_tensor *t)
{
	memset(tn_host_data(t), 0, t->dims[0] * tn_row_size(t) * tn_dtype_size(t->dtype));
}

/* The sum over windows of -log p(tags), in their order, and how many have tags. */
static int nll_forward(const void *data, const struct tn_step *step, struct tn_call *call)
{
	struct nll n = { .h = data, .step = step, .grad = step->node->n_out > OUT_D_CRF };
	size_t L = n.h->env->n_labels;

	if (read_step(&n, call))
		return tn_status(call);
	if (n.grad)
		clear(&step->out[OUT_D_SCORES]);
	for (size_t s = 0; s < step->axis->seqs; s++)
		if (window_loss(&n, s, step->axis->start[s],
				step->axis->start[s + 1] - step->axis->start[s], call))
			return tn_status(call);
	store(&step->out[OUT_LOSS], 0, n.loss);
	store(&step->out[OUT_COUNT], 0, n.count);
	for (size_t i = 0; n.grad && i < L; i++) {
		store(&step->out[OUT_D_CRF], i, n.d_start[i]);
		store(&step->out[OUT_D_CRF], L + i, n.d_end[i]);
	}
	for (size_t i = 0; n.grad && i < L * L; i++)
		store(&step->out[OUT_D_CRF], 2 * L + i, n.d_transition[i]);
	return 0;
}

/* in: the saved gradients, then those of loss and count (which depends on nothing); out: the
 * gradients by scores, start, end and transition. */
static int nll_backward(const void *data, const struct tn_step *step, struct tn_call *call)
{
	const struct tn_tensor *d_scores = &step->in[0], *d_crf = &step->in[1];
	double by = number(&step->in[2], 0);
	size_t L = d_crf->dims[1];

	for (size_t i = 0; i < d_scores->dims[0] * L; i++)
		store(&step->out[0], i, by * number(d_scores, i));
	for (size_t i = 0; i < L; i++) {
		store(&step->out[1], i, by * number(d_crf, i));
		store(&step->out[2], i, by * number(d_crf, L + i));
	}
	for (size_t i = 0; i < L * L; i++)
		store(&step->out[3], i, by * number(d_crf, 2 * L + i));
	return 0;
}

static const struct tn_custom_op crf_nll = {
	.size = sizeof(crf_nll), .n_out = 2, .n_saved = 2, .name = "crf_nll",
	.infer = nll_infer, .forward = nll_forward, .backward = nll_backward,
	.keep_out = 1u << OUT_D_SCORES | 1u << OUT_D_CRF,
};

tn_ref bio_crf_loss(const struct tn_head *self, struct tn_graph *g, tn_ref scores, tn_ref *count)
{
	const struct bio_crf *h = (const struct bio_crf *)self;
	const char *name = h->env->name;
	size_t L = h->env->n_labels;
	tn_ref in[6] = { scores }, loss;

	if (h->how != AGGREGATE_CRF) {
		in[1] = tn_inputf(g, tn_axis(g, "tokens"), TN_I32, 0, "%s.tags", name);
		loss = tn_cross_entropy(g, scores, in[1], TN_NONE, 0);
		*count = tn_output(g, loss, 1);
		return loss;
	}
	in[IN_TAGS] = tn_inputf(g, tn_axis(g, "words"), TN_I32, 0, "%s.tags", name);
	in[IN_ENDS] = tn_inputf(g, tn_axis(g, "texts"), TN_I32, 0, "%s.ends", name);
	in[IN_START] = tn_weight(g, "crf.start_transitions", L, 0);
	in[IN_END] = tn_weight(g, "crf.end_transitions", L, 0);
	in[IN_TRANSITION] = tn_weight(g, "crf.transitions", L, L);
	loss = tn_custom(g, &crf_nll, h, in, 6);
	*count = tn_output(g, loss, 1);
	return loss;
}

/* The number of a tag; -1 after an error. */
static int32_t tag_number(const struct bio_crf *h, struct tn_text tag, struct tn_call *call)
{
	for (size_t i = 0; i < h->env->n_labels; i++)
		if (strlen(h->env->labels[i]) == tag.len &&
				!memcmp(h->env->labels[i], tag.text, tag.len))
			return (int32_t)i;
	tn_fail(call, TN_EDATA, "the tag %s is none of the labels of head %s",
		tn_quote(call, tag.text, tag.len), h->env->name);
	return -1;
}

/* Whether the scheme allows the tag of word i of the text, of which the window has some. */
static int check_tag(const struct bio_crf *h, const struct tn_target *t, size_t i, int32_t before,
	int32_t tag, struct tn_call *call)
{
	const struct tag *tags = h->tags;
	bool last = t->last && i + 1 == t->window->first_word + t->n_words;
	const char *what = NULL;

	if (before >= 0 && !tag_may_follow(h->tagging, &tags[before], &tags[tag]))
		what = h->env->labels[before];
	else if (i == 0 && !tag_may_begin(h->tagging, &tags[tag]))
		what = "the beginning of the text";
	if (what)
		return tn_fail(call, TN_EDATA, "word %zu has the tag %s, which may not stand behind "
			"%s", i + 1, h->env->labels[tag], what);
	if (last && !tag_may_end(h->tagging, &tags[tag]))
		return tn_fail(call, TN_EDATA, "word %zu, the last, has the tag %s, which may not "
			"end a text", i + 1, h->env->labels[tag]);
	return 0;
}

/* The tags of the words that begin in the window. */
static int target_words(const struct bio_crf *h, const struct tn_target *t, int32_t *rows,
	struct tn_call *call)
{
	size_t first = t->window->first_word;
	int32_t *ends = t->rows(t, "ends");

	if (ends)
		*ends = (first == 0 ? FIRST_WINDOW : 0) | (t->last ? LAST_WINDOW : 0);
	for (size_t k = 0; k < t->n_words; k++) {
		rows[k] = t->gold->tags ? tag_number(h, t->gold->tags[first + k], call) : -1;
		if (t->gold->tags && (rows[k] < 0 || check_tag(h, t, first + k,
				k ? rows[k - 1] : -1, rows[k], call)))
			return tn_status(call);
	}
	return 0;
}

int bio_crf_target(const struct tn_head *self, const struct tn_target *t, struct tn_call *call)
{
	const struct bio_crf *h = (const struct bio_crf *)self;
	const struct tn_window *w = t->window;
	int32_t *rows = t->rows(t, "tags"), before = -1;

	if (!rows)
		return 0;
	if (h->how == AGGREGATE_CRF)
		return target_words(h, t, rows, call);
	/* As transformers' examples label them: a word's first token has its tag. */
	for (size_t i = 0; i < w->n_tokens; i++) {
		const struct tn_window_token *token = &w->tokens[i];
		bool counts = t->gold->tags && token->sequence == 0 && token->word >= 0 &&
			(size_t)token->word < t->example->n_words && token->word != before;

		rows[i] = counts ? tag_number(h, t->gold->tags[token->word], call) : -1;
		if (counts && rows[i] < 0)
			return tn_status(call);
		before = token->sequence == 0 ? token->word : -1;
	}
	return 0;
}
