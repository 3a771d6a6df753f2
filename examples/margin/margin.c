/* SPDX-License-Identifier: Apache-2.0
 * examples/margin/margin.c - a head that can be trained, as small as it can be: a label for a text
 * by the squared hinge loss, which is a plugin's own op here.
 *
 * Source: Rifkin and Klautau 2004, In Defense of One-Vs-All Classification; Tang, arXiv
 * 1306.0239, equation 5.
 */
#include <math.h>
#include <string.h>
#include <tenon/impl/backend.h>
#include <tenon/impl/head.h>

struct margin {
	struct tn_head base;
	double margin;
	const struct tn_head_env *env;
};

static int margin_open(struct tn_head *self, const struct tn_head_env *env, struct tn_call *call)
{
	((struct margin *)self)->env = env;
	return env->n_labels ? 0 : tn_fail(call, TN_ECONFIG, "head %s: no labels are known", env->name);
}

/* A score for each label, from the mean of a text's tokens. */
static tn_ref margin_forward(const struct tn_head *self, struct tn_graph *g)
{
	const struct margin *h = (const struct margin *)self;
	int texts = tn_axis(g, "texts");
	tn_ref x = tn_segment(g, tn_feature(g, "tokens"), tn_input(g, "text_begin", texts, TN_I32, 0),
		tn_input(g, "text_end", texts, TN_I32, 0), TN_MEAN);

	return tn_dense(g, x, "margin", h->env->n_labels);
}

/* --- the loss: an op with its gradient --- */

static double get(const struct tn_tensor *t, size_t i)
{
	return t->dtype == TN_F64 ? ((const double *)tn_host_data(t))[i] :
		(double)((const float *)tn_host_data(t))[i];
}

static void put(const struct tn_tensor *t, size_t i, double x)
{
	if (t->dtype == TN_F64)
		((double *)tn_host_data(t))[i] = x;
	else
		((float *)tn_host_data(t))[i] = (float)x;
}

/* scores f [T][L], target I32 [T] -> loss [], count [] */
static int hinge_infer(const void *data, const struct tn_spec *in, size_t n_in,
	struct tn_spec *out, struct tn_call *call)
{
	out[0] = out[1] = (struct tn_spec){ .dtype = in[0].dtype, .axis = TN_NO_AXIS,
		.dims = { 1, 1, 1, 1 } };
	return 0;
}

/* How far score i of a text is from its margin; 0: it is beyond it. */
static double shortage(const struct margin *h, double score, bool right)
{
	return fmax(0, h->margin - (right ? score : -score));
}

/* The sum of squared shortages over the texts that have a target, and how many these are. */
static int hinge_forward(const void *data, const struct tn_step *step, struct tn_call *call)
{
	const int32_t *target = tn_host_data(&step->in[1]);
	size_t L = step->in[0].dims[1];
	double loss = 0, count = 0;

	for (size_t t = 0; t < step->in[0].dims[0]; t++) {
		for (size_t i = 0; i < L && target[t] >= 0; i++)
			loss += pow(shortage(data, get(&step->in[0], t * L + i),
				i == (size_t)target[t]), 2);
		count += target[t] >= 0;
	}
	put(&step->out[0], 0, loss);
	put(&step->out[1], 0, count);
	return 0;
}

/* in: scores and target (keep_in), then the gradients of loss and count; out: that of the
 * scores, the only input of a float type. */
static int hinge_backward(const void *data, const struct tn_step *step, struct tn_call *call)
{
	const int32_t *target = tn_host_data(&step->in[1]);
	size_t L = step->in[0].dims[1];
	double by = get(&step->in[2], 0);

	for (size_t t = 0; t < step->in[0].dims[0]; t++)
		for (size_t i = 0; i < L; i++) {
			bool right = i == (size_t)target[t];
			double short_by = target[t] < 0 ? 0 :
				shortage(data, get(&step->in[0], t * L + i), right);

			put(&step->out[0], t * L + i, by * 2 * (right ? -short_by : short_by));
		}
	return 0;
}

static const struct tn_custom_op hinge = {
	.size = sizeof(hinge), .n_out = 2, .name = "squared_hinge", .infer = hinge_infer,
	.forward = hinge_forward, .backward = hinge_backward, .keep_in = 1u << 0 | 1u << 1,
};

static tn_ref margin_loss(const struct tn_head *self, struct tn_graph *g, tn_ref scores,
	tn_ref *count)
{
	const struct margin *h = (const struct margin *)self;
	const tn_ref in[2] = { scores, tn_inputf(g, tn_axis(g, "texts"), TN_I32, 0, "%s.target",
		h->env->name) };
	tn_ref loss = tn_custom(g, &hinge, h, in, 2);

	*count = tn_output(g, loss, 1);
	return loss;
}

/* The row of one text: its label's number, or -1 where the example says nothing. */
static int margin_target(const struct tn_head *self, const struct tn_target *t, struct tn_call *call)
{
	const struct margin *h = (const struct margin *)self;
	int32_t *row = t->rows(t, "target");
	const char *name = tn_string(t->gold->label, NULL);
	int64_t number = tn_int(t->gold->label, -1);

	for (size_t i = 0; name && i < h->env->n_labels; i++)
		if (!strcmp(h->env->labels[i], name))
			number = (int64_t)i;
	if (t->gold->label && (number < 0 || (size_t)number >= h->env->n_labels))
		return tn_fail(call, TN_EDATA, "the label is none of head %s", h->env->name);
	if (row)
		*row = (int32_t)number;
	return 0;
}

/* --- the answer --- */

static int margin_decode(const struct tn_head *self, const struct tn_scores *scores,
	struct tn_value **answer, struct tn_call *call)
{
	const struct margin *h = (const struct margin *)self;
	struct tn_arena *arena = tn_call_arena(call);
	size_t best = 0;

	for (size_t i = 1; i < h->env->n_labels; i++)
		if (scores->joined[i] > scores->joined[best])
			best = i;
	*answer = tn_new_object(arena);
	tn_set(arena, *answer, "label", tn_new_text(arena, h->env->labels[best]));
	return tn_set(arena, *answer, "margin", tn_new_real(arena, (double)scores->joined[best])) ?
		0 : tn_fail(call, TN_ENOMEM, "out of memory");
}

static const struct tn_option options[] = {
	TN_OPTION_REAL(struct margin, margin, 1.0, 0.0, 100.0,
		"training: scores beyond it on the right side cost nothing"),
	{ 0 }
};

static const struct tn_head_impl margin_impl = {
	.task = TN_TASK_LABEL, .on_overflow = TN_OVERFLOW_TRUNCATE,
	.open = margin_open, .forward = margin_forward, .loss = margin_loss,
	.target = margin_target, .decode = margin_decode,
};

TN_PLUGIN(margin, TN_HEAD, "margin",
	.version = "0.1.0", .licence = "Apache-2.0",
	.about = "a label for a text, by the squared hinge loss",
	.state = sizeof(struct margin), .options = options, .impl.head = &margin_impl);
