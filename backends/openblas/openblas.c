/* SPDX-License-Identifier: Apache-2.0
 * openblas/openblas.c - the backend `openblas`: linear and matmul by OpenBLAS, all
 * else by the kernels.
 *
 * The three builds of OpenBLAS (pthread, OpenMP, serial) share one file name, so the
 * one that is found at run time decides.  Each is told to use one thread; the team is
 * ours and calls it from several threads.
 */
#include <cblas.h>
#include <pthread.h>
#include <string.h>

#include "../kernels/gemm.h"

#define GUARD 8
#define GUARDED_ROWS 240

struct openblas {
	struct tn_backend base;
	const struct kernels *kernels;
	struct gemm gemm;
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
 * not count: on Haswell and Zen the kernels give the outermost 8 columns other bits, and in
 * the product as it stands rows get theirs by their number modulo 12. */
static int run_guarded(bool ta, bool tb, size_t m, size_t n, size_t k, const float *a, size_t lda,
	const float *b, size_t ldb, float *y, size_t ldy, float *work)
{
	const size_t guard = m > GUARD ? GUARD : 0, rows = m + 2 * guard;
	float *x = work, *t = work + rows * k;

	if (ta)
		return run_plain(ta, tb, m, n, k, a, lda, b, ldb, y, ldy, work);
	if (guard) {
		memset(x, 0, guard * k * sizeof(*x));
		memset(x + (rows - guard) * k, 0, guard * k * sizeof(*x));
		for (size_t r = 0; r < m; r++)
			memcpy(x + (guard + r) * k, a + r * lda, k * sizeof(*x));
		sgemm(!tb, true, n, rows, k, b, ldb, x, k, t, rows);
	} else {
		sgemm(!tb, true, n, rows, k, b, ldb, a, lda, t, rows);
	}
	transpose(y, ldy, t + guard, rows, m, n);
	return 0;
}

static size_t guarded_floats(size_t n, size_t k)
{
	return (GUARDED_ROWS + 2 * GUARD) * (n + k);
}

/* Ways to call OpenBLAS, the fastest first. */
static const struct gemm ways[] = {
	{ .run = run_plain, .grain = 8, .rows = TN_ROW_BLOCK, .width = 240, .name = "OpenBLAS" },
	{ .run = run_guarded, .work_floats = guarded_floats, .grain = 8, .rows = GUARDED_ROWS,
		.width = 240, .name = "OpenBLAS" },
	{ .run = run_plain, .grain = 8, .rows = 8, .width = 240, .name = "OpenBLAS" },
};
#define N_WAYS (sizeof(ways) / sizeof(ways[0]))

/* Whether `rows` equal rows get equal bits, those of `first` [n]; w [k][n]. */
static int gives_equal_rows(const struct gemm *way, size_t rows, size_t n, size_t k,
	const float *x, const float *w, float *y, float *work, const float *first)
{
	for (size_t r = 0, m; r < rows; r += m) {
		m = rows - r < way->rows ? rows - r : way->rows;
		if (way->run(false, false, m, n, k, x + r * k, k, w, n, y + r * n, n, work))
			return 0;
	}
	for (size_t r = 0; r < rows; r++)
		if (memcmp(y + r * n, first, n * sizeof(*y)))
			return 0;
	return 1;
}

/* Tries a way with rows that are all alike, 8 to TN_ROW_BLOCK of them. */
static int keeps_bits(const struct gemm *way, float *space)
{
	static const size_t depths[] = { 25, 384, 776 }, rows[] = { 8, 16, 24, 48, 64, 240, 512 };
	const size_t n = way->width;
	uint32_t seed = 1;

	for (size_t d = 0; d < sizeof(depths) / sizeof(depths[0]); d++) {
		const size_t k = depths[d];
		float *x = space, *w = x + TN_ROW_BLOCK * k, *y = w + n * k;
		float *first = y + TN_ROW_BLOCK * n, *work = first + n;

		for (size_t i = 0; i < (TN_ROW_BLOCK + n) * k; i++) {
			seed = seed * 1664525 + 1013904223;
			x[i] = (float)(seed >> 8) / 16777216.0f - 0.5f;
		}
		for (size_t r = 1; r < TN_ROW_BLOCK; r++)
			memcpy(x + r * k, x, k * sizeof(*x));
		if (way->run(false, false, 8, n, k, x, k, w, n, y, n, work))
			return 0;
		memcpy(first, y, n * sizeof(*y));
		for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
			if (!gives_equal_rows(way, rows[i], n, k, x, w, y, work, first))
				return 0;
	}
	return 1;
}

/* The fastest way in which a row's bits do not depend on the rows beside it; the kernels
 * of OpenBLAS promise nothing, so they are asked. */
static int choose_way(struct gemm *gemm, struct tn_call *call)
{
	const struct tn_mark mark = tn_arena_mark(tn_call_arena(call));
	const size_t floats = (TN_ROW_BLOCK + 240) * (776 + 1) + (TN_ROW_BLOCK + 1) * 240 +
		guarded_floats(240, 776);
	float *space = tn_alloc_n(call, floats, sizeof(float));
	size_t i = 0;

	if (!space)
		return TN_ENOMEM;
	while (i < N_WAYS - 1 && !keeps_bits(&ways[i], space))
		i++;
	*gemm = ways[i];
	tn_arena_rewind(tn_call_arena(call), mark);
	return 0;
}

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
	self->threads_before = openblas_get_num_threads();
	openblas_set_num_threads(1);
	if (choose_way(&self->gemm, call))
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
	return gemm_linear_create((struct gemm_linear **)packed, &openblas_of(base)->gemm, node,
		weights, bytes, call);
}

static void openblas_unpack(const struct tn_backend *base, void *packed)
{
	gemm_linear_destroy(packed);
}

static int openblas_run(const struct tn_backend *base, const struct tn_step *steps, size_t n,
	struct tn_call *call)
{
	const struct openblas *self = openblas_of(base);
	int status = 0;

	for (size_t i = 0; i < n && !status; i++) {
		if (steps[i].node->op == TN_OP_LINEAR)
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
	[TN_OP_LINEAR] = 3,
	[TN_OP_MATMUL] = 1,
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
	.about = "linear layers by OpenBLAS, the rest by SIMD kernels",
	.state = sizeof(struct openblas), .rank = 10,
	.impl.backend = &openblas_impl);
