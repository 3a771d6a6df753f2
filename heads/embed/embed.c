/* SPDX-License-Identifier: Apache-2.0
 * heads/embed/embed.c - a vector for each text: the mean, the first or the maximum of its
 * tokens' rows, through a linear layer or not, of length 1 if wanted.
 * Source: Reimers & Gurevych, arXiv 1908.10084, section 3 (pooling strategies).
 */
#include <math.h>
#include <tenon/impl/head.h>

struct embed {
	struct tn_base base;
	int64_t dense;
	int32_t pooling, activation;
	bool normalize, bias;
};

enum { POOL_MEAN, POOL_CLS, POOL_MAX };
static const char *const poolings[] = { "mean", "cls", "max", NULL };

static const char *const activations[] = { "none", "tanh", "relu", "gelu", "silu", "sigmoid", NULL };
static const enum tn_act acts[] = { TN_ACT_NONE, TN_ACT_TANH, TN_ACT_RELU, TN_ACT_GELU, TN_ACT_SILU,
	TN_ACT_SIGMOID };

static int embed_open(struct tn_head *self, const struct tn_head_env *env, struct tn_call *call)
{
	struct embed *h = (struct embed *)self;

	h->bias = h->dense && (env->untrained ||
		env->tensor(env, "linear.bias", (size_t)h->dense, 0, call));
	return tn_status(call);
}

static tn_ref embed_forward(const struct tn_head *self, struct tn_graph *g)
{
	const struct embed *h = (const struct embed *)self;
	int texts = tn_axis(g, "texts");
	tn_ref begin = tn_input(g, "text_begin", texts, TN_I32, 0);
	tn_ref end = tn_input(g, "text_end", texts, TN_I32, 0);
	tn_ref x = tn_feature(g, "tokens");

	if (h->pooling == POOL_CLS)
		x = tn_gather(g, x, begin);
	else
		x = tn_segment(g, x, begin, end, h->pooling == POOL_MAX ? TN_MAX : TN_MEAN);
	if (h->dense) {
		size_t width = (size_t)h->dense;

		x = tn_linear(g, x, tn_weight(g, "linear.weight", width, tn_width(g, x)),
			h->bias ? tn_weight(g, "linear.bias", width, 0) : TN_NONE);
		x = tn_act(g, x, acts[h->activation]);
	}
	return h->normalize ? tn_l2norm(g, x, 1e-12) : x;
}

static int embed_decode(const struct tn_head *self, const struct tn_scores *scores,
	struct tn_value **answer, struct tn_call *call)
{
	const struct embed *h = (const struct embed *)self;
	float *row = tn_alloc_n(call, scores->cols, sizeof(*row));
	double sum = 0, length = 1;

	if (!row)
		return tn_status(call);
	for (size_t c = 0; c < scores->cols; c++)
		sum += (double)scores->joined[c] * (double)scores->joined[c];
	/* The mean over windows is shorter than they are. */
	if (h->normalize && scores->n_windows > 1 && sum > 0)
		length = sqrt(sum);
	for (size_t c = 0; c < scores->cols; c++)
		row[c] = (float)((double)scores->joined[c] / length);
	*answer = tn_new_floats(tn_call_arena(call), row, scores->cols);
	return *answer ? 0 : tn_fail(call, TN_ENOMEM, "out of memory");
}

static const struct tn_option options[] = {
	TN_OPTION_CHOICE(struct embed, pooling, poolings, "mean",
		"which rows make the vector: the mean of all tokens, the first, or the maximum"),
	TN_OPTION_INT(struct embed, dense, 0, 0, 1000000,
		"width of a linear layer behind the pooling, linear.weight and linear.bias; 0: none"),
	TN_OPTION_CHOICE(struct embed, activation, activations, "tanh", "what follows that layer"),
	TN_OPTION_BOOL(struct embed, normalize, true, "scale the vector to length 1"),
	{ 0 }
};

static const struct tn_head_impl embed_impl = {
	.task = TN_TASK_VECTOR,
	.on_overflow = TN_OVERFLOW_TRUNCATE,
	.open = embed_open,
	.forward = embed_forward,
	.decode = embed_decode,
};

TN_PLUGIN(embed, TN_HEAD, "embed",
	.version = "0.1.0", .licence = "Apache-2.0", .about = "a vector for each text",
	.state = sizeof(struct embed), .options = options, .impl.head = &embed_impl);
