/* SPDX-License-Identifier: Apache-2.0
 * core/train/mean.c - a sum over its count, as an op of its own: so heads with unequal counts
 * of targets weigh the same.
 */
#include "train/mean.h"

#include <tenon/impl/backend.h>

static double get(const struct tn_tensor *t)
{
	return t->dtype == TN_F64 ? *(const double *)tn_host_data(t) :
		(double)*(const float *)tn_host_data(t);
}

static void put(const struct tn_tensor *t, double x)
{
	if (t->dtype == TN_F64)
		*(double *)tn_host_data(t) = x;
	else
		*(float *)tn_host_data(t) = (float)x;
}

static int mean_infer(const void *data, const struct tn_spec *in, size_t n_in, struct tn_spec *out,
	struct tn_call *call)
{
	*out = in[0];
	return 0;
}

/* sum [], count [] -> sum / count [], or 0 when nothing was counted */
static int mean_forward(const void *data, const struct tn_step *step, struct tn_call *call)
{
	double count = get(&step->in[1]);

	put(&step->out[0], count > 0 ? get(&step->in[0]) / count : 0);
	return 0;
}

/* count, dy -> dsum, dcount (which depends on no parameter) */
static int mean_backward(const void *data, const struct tn_step *step, struct tn_call *call)
{
	double count = get(&step->in[0]);

	put(&step->out[0], count > 0 ? get(&step->in[1]) / count : 0);
	put(&step->out[1], 0);
	return 0;
}

static const struct tn_custom_op mean_op = {
	.size = sizeof(mean_op), .n_out = 1, .name = "mean_loss", .infer = mean_infer,
	.forward = mean_forward, .backward = mean_backward, .keep_in = 1u << 1,
};

tn_ref tn_mean_loss(struct tn_graph *g, tn_ref sum, tn_ref count)
{
	const tn_ref in[2] = { sum, count };

	return tn_custom(g, &mean_op, NULL, in, 2);
}
