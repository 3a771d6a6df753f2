/* SPDX-License-Identifier: Apache-2.0
 * onednn/onednn.c - the backend `onednn`: linear and matmul by oneDNN, all else by
 * the kernels.
 */
#include "../kernels/kernels.h"
#include "linear.h"

struct onednn {
	struct tn_backend base;
	const struct kernels *kernels;
	dnnl_engine_t engine;
};

static const struct onednn *onednn_of(const struct tn_backend *base)
{
	return (const struct onednn *)base;
}

static int onednn_open(struct tn_backend *base, int threads, struct tn_call *call)
{
	struct onednn *self = (struct onednn *)base;
	dnnl_status_t status;

	(void)threads;
	self->kernels = kernels_choose(call);
	if (!self->kernels)
		return tn_status(call);
	status = dnnl_engine_create(&self->engine, dnnl_cpu, 0);
	return status == dnnl_success ? 0 : onednn_fail(call, "onednn", "engine", status);
}

static void onednn_close(struct tn_backend *base)
{
	struct onednn *self = (struct onednn *)base;

	if (self->engine)
		dnnl_engine_destroy(self->engine);
}

static int supports_linear(const struct tn_node *node, struct tn_offer *offer)
{
	const uint32_t step = node->attr.linear.bias ? 2 : 1;
	const uint32_t weights = ((1u << (node->attr.linear.parts * step)) - 1) << 1;

	if (node->in[0]->dtype != TN_F32 || node->in[0]->n_dims != 2)
		return kernel_refuse(offer, "its input is no matrix of F32");
	if ((node->weight_in & weights) != weights)
		return kernel_refuse(offer, "its weights are computed");
	offer->pack = weights;
	offer->workspace = linear_workspace(node);
	return 1;
}

static int supports_matmul(const struct tn_node *node, struct tn_offer *offer)
{
	for (int i = 0; i < 2; i++)
		if (node->in[i]->dtype != TN_F32 || node->in[i]->n_dims != 2)
			return kernel_refuse(offer, "input %d is no matrix of F32", i);
	offer->strided = 3;
	return 1;
}

static int onednn_supports(const struct tn_backend *base, const struct tn_node *node,
	struct tn_offer *offer)
{
	if (node->op == TN_OP_LINEAR)
		return supports_linear(node, offer);
	if (node->op == TN_OP_MATMUL)
		return supports_matmul(node, offer);
	return kernels_supports(onednn_of(base)->kernels, node, offer);
}

static int onednn_pack(const struct tn_backend *base, const struct tn_node *node,
	const struct tn_tensor *weights, size_t n, void **packed, size_t *bytes,
	struct tn_call *call)
{
	return linear_create((struct linear **)packed, onednn_of(base)->engine, node, weights, n,
		bytes, call);
}

static void onednn_unpack(const struct tn_backend *base, void *packed)
{
	(void)base;
	linear_destroy(packed);
}

static int run_matmul(const struct tn_step *step, struct tn_call *call)
{
	const struct tn_tensor *a = &step->in[0], *b = &step->in[1], *y = &step->out[0];
	const int ta = step->node->attr.matmul.transpose_a != 0;
	const int tb = step->node->attr.matmul.transpose_b != 0;
	dnnl_status_t status = dnnl_sgemm(ta ? 'T' : 'N', tb ? 'T' : 'N',
		(dnnl_dim_t)y->dims[0], (dnnl_dim_t)y->dims[1],
		(dnnl_dim_t)(ta ? a->dims[0] : a->dims[1]), 1.0f, tn_host_data(a),
		(dnnl_dim_t)a->row_stride, tn_host_data(b), (dnnl_dim_t)b->row_stride, 0.0f,
		tn_host_data(y), (dnnl_dim_t)y->row_stride);

	return status == dnnl_success ? 0 :
		onednn_fail(call, step->node->name, "matrix product", status);
}

static int onednn_run(const struct tn_backend *base, const struct tn_step *steps, size_t n,
	struct tn_call *call)
{
	int status = 0;

	for (size_t i = 0; i < n && !status; i++) {
		const struct tn_step *step = &steps[i];

		if (step->node->op == TN_OP_LINEAR)
			status = linear_run((struct linear *)step->packed, step, call);
		else if (step->node->op == TN_OP_MATMUL)
			status = run_matmul(step, call);
		else
			status = kernels_run(onednn_of(base)->kernels, step, call);
	}
	return status;
}

static const uint8_t ops[TN_N_OPS] = {
	KERNELS_OPS,
	[TN_OP_LINEAR] = 3,
	[TN_OP_MATMUL] = 1,
};

static const struct tn_backend_impl onednn_impl = {
	.open = onednn_open,
	.supports = onednn_supports,
	.pack = onednn_pack,
	.unpack = onednn_unpack,
	.run = onednn_run,
	.ops = ops,
	.close = onednn_close,
};

TN_PLUGIN(onednn, TN_BACKEND, "onednn",
	.version = "0.1.0", .licence = "Apache-2.0",
	.about = "linear layers by oneDNN, the rest by SIMD kernels",
	.state = sizeof(struct onednn), .rank = 20,
	.impl.backend = &onednn_impl);
