/* SPDX-License-Identifier: Apache-2.0
 * native/native.c - the backend `native`: everything by our own kernels, no library.
 */
#include "../kernels/gemm.h"
#include "../kernels/gemm_packed.h"
#include "../kernels/lower.h"

struct native {
	struct tn_backend base;
	const struct kernels *kernels;
};

static const struct native *native_of(const struct tn_backend *base)
{
	return (const struct native *)base;
}

static int native_open(struct tn_backend *base, int threads, struct tn_call *call)
{
	struct native *self = (struct native *)base;

	self->kernels = kernels_choose(call);
	return tn_status(call);
}

static int native_supports(const struct tn_backend *base, const struct tn_node *node,
	struct tn_offer *offer)
{
	const struct native *self = native_of(base);

	if (tn_node_precision(node))
		return lower_supports(self->kernels, node, offer);
	if (node->op == TN_OP_LINEAR)
		return packed_linear_supports(self->kernels, node, offer);
	if (node->op == TN_OP_MATMUL)
		return packed_matmul_supports(self->kernels, node, offer);
	return kernels_supports(self->kernels, node, offer);
}

static int native_pack(const struct tn_backend *base, const struct tn_node *node,
	const struct tn_tensor *weights, size_t n, void **packed, size_t *bytes,
	struct tn_call *call)
{
	const struct native *self = native_of(base);

	if (tn_node_precision(node))
		return lower_pack(self->kernels, node, weights, packed, bytes, call);
	return packed_linear_create((struct packed_linear **)packed, self->kernels, node, weights,
		bytes, call);
}

static void native_unpack(const struct tn_backend *base, void *packed)
{
	lower_unpack(packed);
}

static int native_run(const struct tn_backend *base, const struct tn_step *steps, size_t n,
	struct tn_call *call)
{
	const struct native *self = native_of(base);
	int status = 0;

	for (size_t i = 0; i < n && !status; i++) {
		if (tn_node_precision(steps[i].node))
			status = lower_run(self->kernels, &steps[i], call);
		else if (steps[i].node->op == TN_OP_LINEAR)
			packed_linear_run(steps[i].packed, &steps[i]);
		else if (steps[i].node->op == TN_OP_MATMUL)
			packed_matmul_run(self->kernels, &steps[i]);
		else
			status = kernels_run(self->kernels, &steps[i], call);
	}
	return status;
}

static const uint8_t ops[TN_N_OPS] = {
	KERNELS_OPS,
	[TN_OP_LINEAR] = 4,
	[TN_OP_MATMUL] = 2,
};

static const struct tn_backend_impl native_impl = {
	.open = native_open,
	.supports = native_supports,
	.pack = native_pack,
	.unpack = native_unpack,
	.run = native_run,
	.ops = ops,
};

TN_PLUGIN(native, TN_BACKEND, "native",
	.version = "0.1.0", .licence = "Apache-2.0",
	.about = "everything by SIMD kernels of our own",
	.state = sizeof(struct native), .rank = 30,
	.impl.backend = &native_impl);
