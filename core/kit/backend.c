/* SPDX-License-Identifier: Apache-2.0
 * sample-name.c - a backend: computes linear layers in plain C, and leaves the rest to the next of
 * the chain.
 *
 * A backend says which ops it knows, is asked about each node of a graph, and runs those that it
 * took.  <tenon/impl/backend.h> describes each slot, <tenon/impl/op.h> each op.
 */
#include <stdio.h>
#include <tenon/impl/backend.h>

struct sample {
	struct tn_backend base;		/* first in every backend */
};

/* Asked once for each node when a pipeline opens: 1, or 0 with a reason that `tenon check` shows. */
static int sample_supports(const struct tn_backend *self, const struct tn_node *node,
	struct tn_offer *offer)
{
	for (uint32_t i = 0; i < node->n_in; i++)
		if (node->in[i]->dtype != TN_F32) {
			snprintf(offer->reason, sizeof(offer->reason), "only single precision");
			return 0;
		}
	return 1;
}

/* In eight sums side by side, which a compiler makes vectors of. */
static float dot(const float *a, const float *b, size_t n)
{
	float sums[8] = { 0 }, sum = 0;
	size_t i = 0;

	for (; i + 8 <= n; i += 8)
		for (size_t lane = 0; lane < 8; lane++)
			sums[lane] += a[i + lane] * b[i + lane];
	for (; i < n; i++)
		sum += a[i] * b[i];
	for (size_t lane = 0; lane < 8; lane++)
		sum += sums[lane];
	return sum;
}

/* x [R][I], weight [O][I], bias [O] or NULL -> y [R][O] = x weight^T + bias */
static void linear(size_t R, size_t I, size_t O, const float *x, const float *weight,
	const float *bias, float *y)
{
	for (size_t r = 0; r < R; r++)
		for (size_t o = 0; o < O; o++)
			y[r * O + o] = dot(x + r * I, weight + o * I, I) + (bias ? bias[o] : 0);
}

/* Any number of threads may run steps at once.  A row's bits must not depend on the rows beside
 * it: so each sum has one order. */
static int sample_run(const struct tn_backend *self, const struct tn_step *steps, size_t n,
	struct tn_call *call)
{
	for (const struct tn_step *s = steps; s < steps + n; s++) {
		const struct tn_tensor *x = &s->in[0], *weight = &s->in[1];

		linear(x->dims[0], x->dims[1], weight->dims[0], tn_host_data(x), tn_host_data(weight),
			s->node->attr.linear.bias ? tn_host_data(&s->in[2]) : NULL,
			tn_host_data(&s->out[0]));
	}
	return 0;
}

/* The highest version of each op that is known here; no node above it is offered.  The core asks
 * for an activation after a linear (version 2) in two nodes, then. */
static const uint8_t ops[TN_N_OPS] = { [TN_OP_LINEAR] = 1 };

static const struct tn_backend_impl sample_impl = {
	.supports = sample_supports, .run = sample_run, .ops = ops,
};

TN_PLUGIN(sample, TN_BACKEND, "sample-name",
	.version = "0.1.0", .licence = "Apache-2.0", .about = "linear layers in plain C",
	.state = sizeof(struct sample), .rank = -1,	/* below 0: used when a pipeline names it */
	.impl.backend = &sample_impl);
