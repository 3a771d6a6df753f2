/* SPDX-License-Identifier: Apache-2.0
 * openblas/openblas.c - the backend `openblas`: matrix products by OpenBLAS, all else by
 * the kernels.
 *
 * So are linear layers where the kernels have AVX2 or AVX-512: OpenBLAS packs the weights
 * anew in each call, and what it takes to keep a row's bits costs more (15-50 % of the FMA
 * peak at 8 rows of BERT's shapes and 50-65 % at 512, against 78 and 85).
 *
 * The three builds of OpenBLAS (pthread, OpenMP, serial) share one file name, so the
 * one that is found at run time decides.  Each is told to use one thread; the team is
 * ours and calls it from several threads.
 */
#include <cblas.h>
#include <pthread.h>
#include <string.h>

#include "../kernels/gemm.h"
#include "../kernels/gemm_packed.h"
#include "../kernels/lower.h"

#define GUARD 8
#define FEW_ROWS 32
#define GUARDED_ROWS 240

struct openblas {
	struct tn_backend base;
	const struct kernels *kernels;
	struct gemm gemm;
	int wide;		/* the kernels' own products are the fast ones */
	int threads_before;	/* of OpenBLAS, to be given back */
};

static const struct openblas *openblas_of(const struct tn_backend *base)
{
	return (const struct openblas *)base;
}

/* A serial build may have been made without locks around its buffers (OpenBLAS issues
 * 1755 and 2126): one call at a time. */
static pthread_mutex_t serial = PTHREAD_MUTEX_INITIALIZER;

static void sgemm(bool ta, bool tb, size_t m, size_t n, size_t k, const float *a, size_t lda,
	const float *b, size_t ldb, float *y, size_t ldy)
{
	const int alone = openblas_get_parallel() == 0;

	if (alone)
		pthread_mutex_lock(&serial);
	cblas_sgemm(CblasRowMajor, ta ? CblasTrans : CblasNoTrans, tb ? CblasTrans : CblasNoTrans,
		(blasint)m, (blasint)n, (blasint)k, 1.0f, a, (blasint)lda, b, (blasint)ldb, 0.0f,
		y, (blasint)ldy);
	if (alone)
		pthread_mutex_unlock(&serial);
}

static int run_plain(bool ta, bool tb, size_t m, size_t n, size_t k, const float *a, size_t lda,
	const float *b, size_t ldb, float *y, size_t ldy, float *work)
{
	sgemm(ta, tb, m, n, k, a, lda, b, ldb, y, ldy);
	return 0;
}

/* y [m][n] = t [n][ldt] transposed, by squares that stay in the first cache. */
static void transpose(float *y, size_t ldy, const float *t, size_t ldt, size_t m, size_t n)
{
	for (size_t r = 0; r < m; r += 16)
		for (size_t c = 0; c < n; c++)
			for (size_t i = r; i < m && i < r + 16; i++)
				y[i * ldy + c] = t[c * ldt + i];
}

/* The product transposed, rows of a being columns there, between GUARD columns that do
 * not count: on Haswell and Zen the kernels give the outermost 8 columns other bits, unless
 * there are no others, and in the product as it stands rows get theirs by their number
 * modulo 12.  Few rows are faster by eights than with guards. */
static int run_guarded(bool ta, bool tb, size_t m, size_t n, size_t k, const float *a, size_t lda,
	const float *b, size_t ldb, float *y, size_t ldy, float *work)
{
	const size_t rows = m + 2 * GUARD;
	float *x = work, *t = work + rows * k;

	if (ta)
		return run_plain(ta, tb, m, n, k, a, lda, b, ldb, y, ldy, work);
	if (m <= FEW_ROWS) {
		for (size_t r = 0; r < m; r += 8) {
			sgemm(!tb, true, n, 8, k, b, ldb, a + r * lda, lda, t, 8);
			transpose(y + r * ldy, ldy, t, 8, 8, n);
		}
		return 0;
	}
	memset(x, 0, GUARD * k * sizeof(*x));
	memset(x + (rows - GUARD) * k, 0, GUARD * k * sizeof(*x));
	for (size_t r = 0; r < m; r++)
		memcpy(x + (GUARD + r) * k, a + r * lda, k * sizeof(*x));
	sgemm(!tb, true, n, rows, k, b, ldb, x, k, t, rows);
	transpose(y, ldy, t + GUARD, rows, m, n);
	return 0;
}

static size_t guarded_floats(size_t n, size_t k)
{
	return (GUARDED_ROWS + 2 * GUARD) * (n + k);
}

/* Ways to call OpenBLAS, the fastest first; its kernels promise no bits, so they are
 * asked. */
static const struct gemm ways[] = {
	{ .run = run_plain, .grain = 8, .rows = TN_ROW_BLOCK, .width = 240, .name = "OpenBLAS" },
	{ .run = run_guarded, .work_floats = guarded_floats, .grain = 8, .rows = GUARDED_ROWS,
		.width = 240, .name = "OpenBLAS" },
	{ .run = run_plain, .grain = 8, .rows = 8, .width = 240, .name = "OpenBLAS" },
};
/* Cores whose OpenBLAS runs products of at most 100^3 by kernels of their own. */
static int has_small_kernels(const char *core)
{
	return !strcmp(core, "SkylakeX") || !strcmp(core, "Cooperlake") ||
		!strcmp(core, "Sapphirerapids");
}

static int openblas_open(struct tn_backend *base, int threads, struct tn_call *call)
{
	struct openblas *self = (struct openblas *)base;

	self->kernels = kernels_choose(call);
	if (!self->kernels)
		return tn_status(call);
	self->wide = self->kernels->lanes > 4;
	self->threads_before = openblas_get_num_threads();
	openblas_set_num_threads(1);
	if (gemm_choose(&self->gemm, ways, sizeof(ways) / sizeof(ways[0]), call))
		return tn_status(call);
	if (has_small_kernels(openblas_get_corename()))
		self->gemm.small = 1000000;
	return 0;
}

static void openblas_close(struct tn_backend *base)
{
	if (openblas_of(base)->threads_before)
		openblas_set_num_threads(openblas_of(base)->threads_before);
}

static int openblas_supports(const struct tn_backend *base, const struct tn_node *node,
	struct tn_offer *offer)
{
	const struct openblas *self = openblas_of(base);

	if (tn_node_precision(node))
		return lower_supports(self->kernels, node, offer);
	if (node->op == TN_OP_LINEAR && self->wide)
		return packed_linear_supports(self->kernels, node, offer);
	if (node->op == TN_OP_LINEAR)
		return gemm_linear_supports(&self->gemm, node, offer);
	if (node->op == TN_OP_MATMUL)
		return gemm_matmul_supports(&self->gemm, node, offer);
	return kernels_supports(self->kernels, node, offer);
}

static int openblas_pack(const struct tn_backend *base, const struct tn_node *node,
	const struct tn_tensor *weights, size_t n, void **packed, size_t *bytes,
	struct tn_call *call)
{
	const struct openblas *self = openblas_of(base);

	if (tn_node_precision(node))
		return lower_pack(self->kernels, node, weights, packed, bytes, call);
	if (self->wide)
		return packed_linear_create((struct packed_linear **)packed, self->kernels, node,
			weights, bytes, call);
	return gemm_linear_create((struct gemm_linear **)packed, &self->gemm, node, weights, bytes,
		call);
}

static void openblas_unpack(const struct tn_backend *base, void *packed)
{
	if (!lower_unpack(packed))
		gemm_linear_destroy(packed);
}

static int openblas_run(const struct tn_backend *base, const struct tn_step *steps, size_t n,
	struct tn_call *call)
{
	const struct openblas *self = openblas_of(base);
	int status = 0;

	for (size_t i = 0; i < n && !status; i++) {
		if (tn_node_precision(steps[i].node))
			status = lower_run(self->kernels, &steps[i], call);
		else if (steps[i].node->op == TN_OP_LINEAR && self->wide)
			packed_linear_run(steps[i].packed, &steps[i]);
		else if (steps[i].node->op == TN_OP_LINEAR)
			status = gemm_linear_run(steps[i].packed, self->kernels, &steps[i], call);
		else if (steps[i].node->op == TN_OP_MATMUL)
			status = gemm_matmul_run(&self->gemm, &steps[i], call);
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

static const struct tn_backend_impl openblas_impl = {
	.open = openblas_open,
	.supports = openblas_supports,
	.pack = openblas_pack,
	.unpack = openblas_unpack,
	.run = openblas_run,
	.ops = ops,
	.close = openblas_close,
};

TN_PLUGIN(openblas, TN_BACKEND, "openblas",
	.version = "0.1.0", .licence = "Apache-2.0",
	.about = "matrix products by OpenBLAS, the rest by SIMD kernels",
	.state = sizeof(struct openblas), .rank = 10,
	.impl.backend = &openblas_impl);
