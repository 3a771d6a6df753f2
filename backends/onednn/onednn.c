/* SPDX-License-Identifier: Apache-2.0
 * onednn/onednn.c - the backend `onednn`: linear and matmul by oneDNN, all else by
 * the kernels.
 *
 * With oneDNN 2.x on AVX-512 a linear layer is an inner product by brgemm, activation and
 * residual as post-ops.  Elsewhere (AVX2; oneDNN 3.2) the bits of an inner product change
 * with the row count; there we call dnnl_sgemm ourselves, slice by slice.
 *
 * Layer norm, softmax and activations that are not part of a linear layer go to the
 * kernels too.  For 128 rows on one Zen 3 core, in microseconds, oneDNN 2.6.3's primitive
 * and the kernel: softmax of 384 columns 41 and 27; of 1536 columns GELU 155 and 117, by
 * tanh 734 and 112, SiLU 130 and 83, tanh 620 and 117; layer norm of 384 columns after an
 * addition 22 (in two passes) and 21.
 */
#include "../kernels/gemm.h"
#include "../kernels/lower.h"
#include "inner.h"

struct onednn {
	struct tn_backend base;
	const struct kernels *kernels;
	dnnl_engine_t engine;
	struct gemm gemm;
	int brgemm;		/* a packing is a struct inner, else a struct gemm_linear */
};

static int run_sgemm(bool ta, bool tb, size_t m, size_t n, size_t k, const float *a, size_t lda,
	const float *b, size_t ldb, float *y, size_t ldy, float *work)
{
	return (int)dnnl_sgemm(ta ? 'T' : 'N', tb ? 'T' : 'N', (dnnl_dim_t)m, (dnnl_dim_t)n,
		(dnnl_dim_t)k, 1.0f, a, (dnnl_dim_t)lda, b, (dnnl_dim_t)ldb, 0.0f, y,
		(dnnl_dim_t)ldy);
}

/* Ways to call it, the fastest first.  In 2.6 the AVX2 sgemm works on 6 rows at a time; rows
 * left over go another way and get other bits, also inside when it cuts more than 72 rows
 * in halves.  Slices of up to 256 columns keep it from copying its operands, a third way;
 * 144 was the fastest of 48 .. 256 (90-98 % of the FMA peak from 18 rows on). */
static const struct gemm ways[] = {
	{ .run = run_sgemm, .grain = 6, .rows = 72, .width = 144, .name = "oneDNN" },
	{ .run = run_sgemm, .grain = 8, .rows = 64, .width = 144, .name = "oneDNN" },
	{ .run = run_sgemm, .grain = 8, .rows = 8, .width = 144, .name = "oneDNN" },
};

static const struct onednn *onednn_of(const struct tn_backend *base)
{
	return (const struct onednn *)base;
}

static int onednn_open(struct tn_backend *base, int threads, struct tn_call *call)
{
	struct onednn *self = (struct onednn *)base;
	dnnl_status_t status;

	self->kernels = kernels_choose(call);
	if (!self->kernels)
		return tn_status(call);
	status = dnnl_engine_create(&self->engine, dnnl_cpu, 0);
	if (status != dnnl_success)
		return onednn_fail(call, "onednn", "engine", status);
	self->brgemm = inner_by_brgemm(self->engine);
	return gemm_choose(&self->gemm, ways, sizeof(ways) / sizeof(ways[0]), call);
}

static void onednn_close(struct tn_backend *base)
{
	struct onednn *self = (struct onednn *)base;

	if (self->engine)
		dnnl_engine_destroy(self->engine);
}

static int onednn_supports(const struct tn_backend *base, const struct tn_node *node,
	struct tn_offer *offer)
{
	const struct onednn *self = onednn_of(base);

	if (tn_node_precision(node))
		return lower_supports(self->kernels, node, offer);
	if (node->op == TN_OP_LINEAR)
		return self->brgemm ? linear_supports(node, INNER_GRAIN, offer) :
			gemm_linear_supports(&self->gemm, node, offer);
	if (node->op == TN_OP_MATMUL)
		return gemm_matmul_supports(&self->gemm, node, offer);
	return kernels_supports(self->kernels, node, offer);
}

static int onednn_pack(const struct tn_backend *base, const struct tn_node *node,
	const struct tn_tensor *weights, size_t n, void **packed, size_t *bytes,
	struct tn_call *call)
{
	const struct onednn *self = onednn_of(base);

	if (tn_node_precision(node))
		return lower_pack(self->kernels, node, weights, packed, bytes, call);
	return self->brgemm ? inner_create((struct inner **)packed, self->engine, node, weights,
		bytes, call) : gemm_linear_create((struct gemm_linear **)packed, &self->gemm, node,
		weights, bytes, call);
}

static void onednn_unpack(const struct tn_backend *base, void *packed)
{
	if (lower_unpack(packed))
		return;
	if (onednn_of(base)->brgemm)
		inner_destroy(packed);
	else
		gemm_linear_destroy(packed);
}

static int run_step(const struct onednn *self, const struct tn_step *step, struct tn_call *call)
{
	if (tn_node_precision(step->node))
		return lower_run(self->kernels, step, call);
	if (step->node->op == TN_OP_MATMUL)
		return gemm_matmul_run(&self->gemm, step, call);
	if (step->node->op != TN_OP_LINEAR)
		return kernels_run(self->kernels, step, call);
	if (self->brgemm)
		return inner_run((struct inner *)step->packed, step, call);
	return gemm_linear_run(step->packed, self->kernels, step, call);
}

static int onednn_run(const struct tn_backend *base, const struct tn_step *steps, size_t n,
	struct tn_call *call)
{
	int status = 0;

	for (size_t i = 0; i < n && !status; i++)
		status = run_step(onednn_of(base), &steps[i], call);
	return status;
}

static const uint8_t ops[TN_N_OPS] = {
	KERNELS_OPS,
	[TN_OP_LINEAR] = 4,
	[TN_OP_MATMUL] = 2,
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
