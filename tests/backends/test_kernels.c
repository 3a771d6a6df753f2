/* SPDX-License-Identifier: Apache-2.0
 * tests/backends/test_kernels.c - the SIMD loops of each ISA that this CPU has,
 * against their formulas in double precision.
 */
#include <math.h>
#include <omp.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "../../backends/kernels/gemm_packed.h"
#include "../../backends/kernels/kernels.h"
#include "check_main.h"

static const char *const isas[] = { "plain", "avx2", "avx512" };
#define N_ISAS 3
/* For products there are two more, the loops for vdpbf16ps: with multiply-adds for it, and in
 * AVX-512 with its definition. */
#define N_PRODUCTS (N_ISAS + 2)

/* The i-th ISA's kernels, or NULL when the CPU lacks it. */
static const struct kernels *isa(int i)
{
	return kernels_of(isas[i]);
}

void kernels_gemm_dot_plain(const struct kernel_gemm *g, size_t first, size_t panels);
#ifdef KERNELS_X86
void kernels_gemm_dpbf16(const struct kernel_gemm *g, size_t first, size_t panels);
#endif

static const struct kernels *products_of(int i)
{
	static struct kernels dot;

	if (i < N_ISAS)
		return isa(i);
	if (i > N_ISAS && !isa(2))
		return NULL;
	dot = *isa(i > N_ISAS ? 2 : 0);
	dot.isa = "dot";
	dot.gemm = kernels_gemm_dot_plain;
#ifdef KERNELS_X86
	if (i > N_ISAS)
		dot.gemm = kernels_gemm_dpbf16;
#endif
	return &dot;
}

static uint64_t seed;

static double uniform(void)
{
	seed = seed * 6364136223846793005u + 1442695040888963407u;
	return (double)(seed >> 11) / 9007199254740992.0;
}

/* [rows][stride] of values in [-by, by], NaN behind each row's `cols`. */
static struct kernel_rows make(size_t rows, size_t cols, size_t stride, double by)
{
	float *at = malloc((rows * stride + 1) * sizeof(float));

	for (size_t i = 0; i < rows * stride; i++)
		at[i] = i % stride < cols ? (float)(by * (2 * uniform() - 1)) : NAN;
	return (struct kernel_rows){ at, stride };
}

static double at(struct kernel_rows m, size_t r, size_t c)
{
	return (double)m.at[r * m.stride + c];
}

static void assert_near(double found, double expected, double tolerance)
{
	ck_assert_msg(fabs(found - expected) <= tolerance, "found %.9g, expected %.9g", found,
		expected);
}

static double act_exact(int kind, double x)
{
	switch (kind) {
	case TN_ACT_GELU:
		return x / 2 * (1 + erf(x / sqrt(2)));
	case TN_ACT_GELU_TANH:
		return x / 2 * (1 + tanh(sqrt(2 / acos(-1)) * (x + 0.044715 * x * x * x)));
	case TN_ACT_RELU:
		return x > 0 ? x : 0;
	case TN_ACT_SILU:
		return x / (1 + exp(-x));
	case TN_ACT_TANH:
		return tanh(x);
	case TN_ACT_SIGMOID:
		return 1 / (1 + exp(-x));
	default:
		return x;
	}
}

START_TEST(test_activations)
{
	const struct kernels *k = isa(_i);
	float x[4097], y[4097];
	double worst[8] = { 0 };
	static const double limit[8] = { [TN_ACT_GELU] = 2e-7, [TN_ACT_GELU_TANH] = 3.5e-7,
		[TN_ACT_SILU] = 2e-7, [TN_ACT_TANH] = 2e-7, [TN_ACT_SIGMOID] = 1.2e-7 };

	if (!k)
		return;
	for (int kind = TN_ACT_NONE; kind <= TN_ACT_SIGMOID; kind++) {
		for (double scale = 1e-3; scale < 200; scale *= 3) {
			for (int i = 0; i < 4097; i++)
				x[i] = (float)(scale * (i - 2048) / 2048);
			k->act(kind, (struct kernel_rows){ y, 0 }, (struct kernel_rows){ x, 0 }, 1,
				4097);
			for (int i = 0; i < 4097; i++) {
				double exact = act_exact(kind, (double)x[i]);
				double off = fabs((double)y[i] - exact) / fmax(1, fabs(exact));

				ck_assert_msg(fabs((double)x[i]) > 1 || fabs((double)y[i] - exact) <=
					2.5e-6 * fabs(exact), "%s: activation %d of %g is %g", k->isa,
					kind, (double)x[i], (double)y[i]);
				worst[kind] = fmax(worst[kind], off);
			}
		}
		ck_assert_msg(worst[kind] <= limit[kind], "%s: activation %d is off by %g", k->isa,
			kind, worst[kind]);
	}
}
END_TEST

START_TEST(test_activation_extremes)
{
	const struct kernels *k = isa(_i);
	float x[4] = { INFINITY, -1e30f, NAN, -0.0f }, y[4];

	if (!k)
		return;
	k->act(TN_ACT_GELU, (struct kernel_rows){ y, 0 }, (struct kernel_rows){ x, 0 }, 1, 4);
	ck_assert(isinf(y[0]) && y[1] == 0 && isnan(y[2]) && y[3] == 0);
	k->act(TN_ACT_TANH, (struct kernel_rows){ y, 0 }, (struct kernel_rows){ x, 0 }, 1, 4);
	ck_assert(y[0] == 1 && y[1] == -1 && isnan(y[2]) && y[3] == 0);
	k->act(TN_ACT_SIGMOID, (struct kernel_rows){ y, 0 }, (struct kernel_rows){ x, 0 }, 1, 4);
	ck_assert(y[0] == 1 && y[1] == 0 && isnan(y[2]) && y[3] == 0.5f);
}
END_TEST

static const size_t widths[] = { 1, 2, 3, 5, 7, 8, 9, 15, 16, 17, 31, 33, 47, 100, 384, 1000 };
#define N_WIDTHS (sizeof(widths) / sizeof(widths[0]))
#define ROWS 5

START_TEST(test_layer_norm)
{
	const struct kernels *k = isa(_i);

	for (size_t w = 0; k && w < N_WIDTHS; w++) {
		const size_t n = widths[w];
		struct kernel_rows x = make(ROWS, n, n + 3, 3), x2 = make(ROWS, n, n, 1);
		struct kernel_rows y = make(ROWS, n, n, 1), p = make(2, n, n, 1);
		float mean[ROWS], rstd[ROWS];

		for (size_t i = 0; i < ROWS * x.stride; i++)
			x.at[i] += 100;
		for (int residual = 0; residual < 2; residual++) {
			struct kernel_rows none = { NULL, 0 };

			k->layer_norm(y, x, residual ? x2 : none, p.at, p.at + n, 1e-5, mean, rstd,
				ROWS, n);
			for (size_t r = 0; r < ROWS; r++) {
				double m = 0, v = 0;
				float u[1000];

				for (size_t c = 0; c < n; c++) {
					u[c] = x.at[r * x.stride + c];
					if (residual)
						u[c] += x2.at[r * n + c];
					m += (double)u[c] / (double)n;
				}
				for (size_t c = 0; c < n; c++)
					v += ((double)u[c] - m) * ((double)u[c] - m) / (double)n;
				assert_near((double)mean[r], m, 1e-4);
				assert_near((double)rstd[r] * sqrt(v + 1e-5), 1, 1e-5);
				for (size_t c = 0; c < n; c++)
					assert_near(at(y, r, c), ((double)u[c] - m) /
						sqrt(v + 1e-5) * at(p, 0, c) + at(p, 1, c), 1e-5);
			}
		}
		free(x.at);
		free(x2.at);
		free(y.at);
		free(p.at);
	}
}
END_TEST

START_TEST(test_rms_and_l2_norm)
{
	const struct kernels *k = isa(_i);

	for (size_t w = 0; k && w < N_WIDTHS; w++) {
		const size_t n = widths[w];
		struct kernel_rows x = make(ROWS, n, n + 3, 3), y = make(ROWS, n, n, 1);
		struct kernel_rows z = make(ROWS, n, n, 1), p = make(1, n, n, 1);

		memset(x.at, 0, n * sizeof(float));
		k->rms_norm(y, x, p.at, 1e-6, NULL, ROWS, n);
		k->l2_norm(z, x, 1e-12, ROWS, n);
		for (size_t r = 0; r < ROWS; r++) {
			double s = 0;

			for (size_t c = 0; c < n; c++)
				s += at(x, r, c) * at(x, r, c);
			for (size_t c = 0; c < n; c++) {
				assert_near(at(y, r, c), at(x, r, c) /
					sqrt(s / (double)n + 1e-6) * at(p, 0, c), 2e-6);
				assert_near(at(z, r, c), r ? at(x, r, c) / sqrt(s) : 0, 1e-6);
			}
		}
		free(x.at);
		free(y.at);
		free(z.at);
		free(p.at);
	}
}
END_TEST

START_TEST(test_softmax)
{
	const struct kernels *k = isa(_i);

	for (size_t w = 0; k && w < N_WIDTHS; w++) {
		const size_t n = widths[w];
		struct kernel_rows x = make(ROWS, n, n + 1, 300), y = make(ROWS, n, n, 1);
		struct kernel_rows z = make(ROWS, n, n, 1);

		for (size_t c = 1; c < n; c++)
			x.at[x.stride + c] = -INFINITY;
		k->softmax(0, y, x, ROWS, n);
		k->softmax(1, z, x, ROWS, n);
		for (size_t r = 0; r < ROWS; r++) {
			double most = -INFINITY, sum = 0;

			for (size_t c = 0; c < n; c++)
				most = fmax(most, at(x, r, c));
			for (size_t c = 0; c < n; c++)
				sum += exp(at(x, r, c) - most);
			for (size_t c = 0; c < n; c++) {
				assert_near(at(y, r, c), exp(at(x, r, c) - most) / sum, 1e-6);
				if (isinf(at(x, r, c)))
					ck_assert(isinf(at(z, r, c)));
				else
					assert_near(at(z, r, c), at(x, r, c) - most - log(sum),
						1e-4);
			}
		}
		free(x.at);
		free(y.at);
		free(z.at);
	}
}
END_TEST

START_TEST(test_elementwise_and_reduce)
{
	const struct kernels *k = isa(_i);

	for (size_t w = 0; k && w < N_WIDTHS; w++) {
		const size_t n = widths[w];
		struct kernel_rows a = make(ROWS, 2 * n, 2 * n + 1, 2), b = make(ROWS, n, n + 2, 2);
		struct kernel_rows y = make(ROWS, n, n, 1), row = { b.at, 0 };

		k->add(y, a, b, ROWS, n);
		assert_near(at(y, ROWS - 1, n - 1), at(a, ROWS - 1, n - 1) + at(b, ROWS - 1, n - 1),
			1e-6);
		k->mul(y, a, row, ROWS, n);
		assert_near(at(y, ROWS - 1, n - 1), at(a, ROWS - 1, n - 1) * at(b, 0, n - 1), 1e-6);
		k->scale(y, a, -0.5f, 3.0f, ROWS, n);
		assert_near(at(y, 1, n - 1), 3 - at(a, 1, n - 1) / 2, 1e-6);
		k->glu(TN_ACT_SILU, y, a, ROWS, n);
		for (size_t c = 0; c < n; c++)
			assert_near(at(y, 2, c), act_exact(TN_ACT_SILU, at(a, 2, c)) *
				at(a, 2, n + c), 2e-6);
		k->finish(TN_ACT_TANH, y, a, b.at, b, ROWS, n);
		for (size_t c = 0; c < n; c++)
			assert_near(at(y, 3, c), tanh(at(a, 3, c) + at(b, 0, c)) + at(b, 3, c),
				2e-6);
		for (int kind = TN_SUM; kind <= TN_MAX; kind++) {
			k->reduce_rows(kind, y.at, b, ROWS, n);
			for (size_t c = 0; c < n; c++) {
				double sum = 0, most = -INFINITY;

				for (size_t r = 0; r < ROWS; r++) {
					sum += at(b, r, c);
					most = fmax(most, at(b, r, c));
				}
				assert_near((double)y.at[c], kind == TN_MAX ? most :
					kind == TN_MEAN ? sum / ROWS : sum, 2e-6);
			}
		}
		k->narrow(y, a, b, NULL, 2, n, 1);
		for (size_t r = 0; r < 2; r++) {
			double dot = 0;

			for (size_t c = 0; c < n; c++)
				dot += at(a, r, c) * at(b, 0, c);
			assert_near((double)y.at[r * y.stride], dot, 1e-4);
		}
		free(a.at);
		free(b.at);
		free(y.at);
	}
}
END_TEST

/* Attention of one head as its formula stands. */
static void attention_exact(const struct kernel_attention *a, size_t i, double *y, double *lse)
{
	const size_t D = a->head_size;
	const ptrdiff_t row = (ptrdiff_t)(a->first + i), span = (ptrdiff_t)a->span;
	double sum = 0, most = -INFINITY;
	double *score = malloc((a->n_k + 1) * sizeof(*score));

	for (size_t j = 0; j < a->n_k; j++) {
		ptrdiff_t far = (ptrdiff_t)j - row;

		score[j] = 0;
		for (size_t d = 0; d < D; d++)
			score[j] += (double)a->scale * at(a->q, i, d) * at(a->k, j, d);
		if (a->rel.at)
			score[j] += at(a->rel, (size_t)((far < 1 - span ? 1 - span :
				far >= span ? span - 1 : far) + span - 1), 0);
		score[j] -= (double)a->slope * (double)labs(far);
		if ((a->causal && far > 0) || (a->left != UINT32_MAX && -far > (long)a->left) ||
			(a->right != UINT32_MAX && far > (long)a->right))
			score[j] = -INFINITY;
		most = fmax(most, score[j]);
	}
	memset(y, 0, D * sizeof(*y));
	for (size_t j = 0; j < a->n_k; j++)
		sum += isinf(score[j]) ? 0 : exp(score[j] - most);
	for (size_t j = 0; j < a->n_k; j++)
		for (size_t d = 0; d < D; d++)
			y[d] += isinf(score[j]) ? 0 : exp(score[j] - most) / sum * at(a->v, j, d);
	*lse = most + log(sum);
	free(score);
}

/* One case: n_q queries over n_k keys, in chunks; v and k in one matrix. */
static void check_attention(const struct kernels *k, struct kernel_attention a, size_t n_q)
{
	const size_t D = a.head_size, stride = 2 * D + 1;
	struct kernel_rows q = make(n_q, D, D + 5, 2), kv = make(a.n_k, 2 * D, stride, 2);
	struct kernel_rows y = make(n_q, D, D, 1), lse = make(n_q, 1, 1, 1);
	const double rounding = 1 + fabs((double)a.slope) * (double)a.n_k / 20;
	double exact[128], exact_lse;

	a.q = q;
	a.y = y;
	a.lse = lse;
	a.k = kv;
	a.v = (struct kernel_rows){ kv.at + D, stride };
	a.scale = (float)(1 / sqrt((double)D));
	a.work = aligned_alloc(64, (k->attention_work(D, 0) + 63) / 64 * 64);
	for (size_t i = 0; i < n_q; i += KERNEL_CHUNK) {
		struct kernel_attention part = a;

		part.first = i;
		part.n_q = n_q - i < KERNEL_CHUNK ? n_q - i : KERNEL_CHUNK;
		part.q.at += i * q.stride;
		part.y.at += i * D;
		part.lse.at += i;
		k->attention(&part);
	}
	a.first = 0;
	for (size_t i = 0; i < n_q; i++) {
		attention_exact(&a, i, exact, &exact_lse);
		for (size_t d = 0; d < D; d++)
			assert_near(at(y, i, d), exact[d], 5e-6 * rounding);
		if (isinf(exact_lse))
			ck_assert(isinf(at(lse, i, 0)));
		else
			assert_near(at(lse, i, 0), exact_lse, 1e-5 * rounding);
	}
	free(a.work);
	free(q.at);
	free(kv.at);
	free(y.at);
	free(lse.at);
}

static const struct kernel_attention all = { .left = UINT32_MAX, .right = UINT32_MAX };

START_TEST(test_attention_shapes)
{
	static const size_t sizes[] = { 8, 24, 25, 32, 33, 64, 96, 128 };
	static const size_t lengths[][2] = { { 1, 1 }, { 2, 2 }, { 7, 7 }, { 16, 16 }, { 17, 17 },
		{ 33, 33 }, { 130, 130 }, { 5, 300 }, { 140, 3 }, { 1, 0 } };
	const struct kernels *k = isa(_i);

	for (size_t s = 0; k && s < sizeof(sizes) / sizeof(sizes[0]); s++)
		for (size_t l = 0; l < sizeof(lengths) / sizeof(lengths[0]); l++) {
			struct kernel_attention a = all;

			a.head_size = sizes[s];
			a.n_k = lengths[l][1];
			check_attention(k, a, lengths[l][0]);
		}
}
END_TEST

START_TEST(test_attention_masks_and_biases)
{
	static const size_t lengths[][2] = { { 1, 1 }, { 9, 9 }, { 40, 40 }, { 300, 300 },
		{ 50, 20 }, { 20, 290 } };
	const struct kernels *k = isa(_i);
	struct kernel_rows rel = make(2 * 16 - 1, 1, 3, 2);

	for (size_t l = 0; k && l < sizeof(lengths) / sizeof(lengths[0]); l++)
		for (int kind = 0; kind < 7; kind++) {
			struct kernel_attention a = all;

			a.head_size = 20;
			a.n_k = lengths[l][1];
			a.causal = kind == 1 || kind == 4;
			a.left = kind == 2 || kind == 4 ? 5 : UINT32_MAX;
			a.right = kind == 2 ? 0 : kind == 3 ? 140 : UINT32_MAX;
			if (kind >= 5)
				a.rel = rel;
			a.span = 16;
			a.slope = kind == 4 ? 0.125f : 0;
			a.left = kind == 6 ? 150 : a.left;
			check_attention(k, a, lengths[l][0]);
		}
	free(rel.at);
}
END_TEST

/* Scores that rise from block to block make the running maximum move. */
START_TEST(test_attention_large_scores)
{
	const struct kernels *k = isa(_i);
	struct kernel_attention a = all;

	if (!k)
		return;
	a.head_size = 16;
	a.n_k = 400;
	a.slope = 2;
	check_attention(k, a, 400);
	a.slope = -2;
	check_attention(k, a, 400);
}
END_TEST

/* A matrix of a step, over memory that stays the caller's. */
struct matrix {
	struct tn_buffer buffer;
	struct tn_tensor t;
};

static void lay(struct matrix *m, float *at, size_t rows, size_t cols, size_t stride)
{
	m->buffer = (struct tn_buffer){ .data = at, .bytes = rows * stride * sizeof(float) };
	m->t = (struct tn_tensor){ .buffer = &m->buffer, .dtype = TN_F32,
		.n_dims = 2, .dims = { rows, cols, 1, 1 },
		.row_stride = stride };
}

/* One linear layer of ins to outs, its weights in two parts. */
struct layer {
	const struct kernels *k;
	size_t ins, outs;
	struct kernel_rows w, bias, x, residual;
	struct tn_node node;
	struct packed_linear *packed;
	size_t workspace;
};

#define MOST_ROWS 40

static void make_layer(struct layer *l, const struct kernels *k, size_t ins, size_t outs,
	int bf16, struct tn_call *call)
{
	const size_t first = (outs + 1) / 2, parts = outs > 1 ? 2 : 1;
	static const struct tn_spec spec = { .dtype = TN_F32, .n_dims = 2 };
	struct matrix m[4];
	struct tn_tensor weights[4];
	struct tn_offer offer;
	size_t bytes;

	*l = (struct layer){ k, ins, outs, make(outs, ins, ins, 1), make(1, outs, outs, 1),
		make(MOST_ROWS, ins, ins, 1), make(MOST_ROWS, outs, outs, 1),
		{ .name = "layer", .op = TN_OP_LINEAR, .n_in = (uint32_t)(2 * parts + 2) }, NULL, 0 };
	l->node.attr.linear.parts = (uint32_t)parts;
	l->node.attr.linear.bias = l->node.attr.linear.residual = 1;
	l->node.attr.linear.act = bf16 ? TN_ACT_NONE : TN_ACT_TANH;
	l->node.attr.linear.precision = bf16 ? TN_BF16 : 0;
	lay(&m[0], l->w.at, first, ins, ins);
	lay(&m[1], l->bias.at, first, 1, 1);
	lay(&m[2], l->w.at + first * ins, outs - first, ins, ins);
	lay(&m[3], l->bias.at + first, outs - first, 1, 1);
	for (int i = 0; i < 4; i++)
		weights[i] = m[i].t;
	for (uint32_t i = 0; i < l->node.n_in; i++)
		l->node.in[i] = &spec;
	l->node.out[0] = &spec;
	l->node.weight_in = (1u << (2 * parts + 1)) - 2;
	ck_assert_int_eq(packed_linear_supports(k, &l->node, &offer), 1);
	l->workspace = offer.workspace;
	ck_assert_int_eq(packed_linear_create(&l->packed, k, &l->node, weights, &bytes, call), 0);
	ck_assert_uint_ge(bytes, outs * (ins * (bf16 ? 2 : 4) + 4));
	ck_assert_uint_le(bytes, (outs + 31) * ((ins + 1) * (bf16 ? 2 : 4) + 4));
}

static void free_layer(struct layer *l)
{
	packed_linear_destroy(l->packed);
	free(l->w.at);
	free(l->bias.at);
	free(l->x.at);
	free(l->residual.at);
}

/* A team's workspace of nodes that were offered `bytes` for a thread. */
static void *give_work(size_t bytes, int team)
{
	return aligned_alloc(64, ((size_t)team * bytes + 63) / 64 * 64);
}

/* Runs `rows` rows from row `first` on by a team; the row behind stays untouched. */
static void run_layer(const struct layer *l, float *y, size_t first, size_t rows, int team)
{
	struct matrix x, residual, out;
	struct tn_tensor in[6];
	struct tn_step step = { .node = &l->node, .in = in, .out = &out.t };

	lay(&x, l->x.at + first * l->ins, rows, l->ins, l->ins);
	lay(&residual, l->residual.at + first * l->outs, rows, l->outs, l->outs);
	lay(&out, y, rows, l->outs, l->outs);
	in[0] = x.t;
	in[l->node.n_in - 1] = residual.t;
	memset(y, 0x7f, (rows + 1) * l->outs * sizeof(*y));
	step.workspace = give_work(l->workspace, team);
	omp_set_num_threads(team);
	packed_linear_run(l->packed, &step);
	free(step.workspace);
	for (size_t i = 0; i < l->outs * sizeof(*y); i++)
		ck_assert_int_eq(((const char *)(y + rows * l->outs))[i], 0x7f);
}

static const size_t layers[][2] = { { 1, 1 }, { 3, 2 }, { 5, 7 }, { 16, 16 }, { 33, 25 },
	{ 100, 64 }, { 384, 31 }, { 1000, 97 }, { 777, 200 } };
#define N_LAYERS (sizeof(layers) / sizeof(layers[0]))

/* Factors of a product as they are, or in bf16: 8 bits of each, found by adding what pushes the
 * others out. */
static struct kernel_rows factors(struct kernel_rows m, size_t rows, size_t cols, int bf16)
{
	struct kernel_rows to = make(rows, cols, cols, 1);

	for (size_t r = 0; r < rows; r++)
		for (size_t c = 0; c < cols; c++) {
			const double x = at(m, r, c), push = ldexp(0.75, x != 0 ? ilogb(x) + 46 : 0);

			to.at[r * cols + c] = (float)(bf16 ? x + push - push : x);
		}
	return to;
}

START_TEST(test_packed_linear)
{
	const int bf16 = _i >= N_PRODUCTS;
	const struct kernels *k = products_of(_i % N_PRODUCTS);
	struct tn_call *call = tn_call_create();

	for (size_t s = 0; k && s < N_LAYERS; s++) {
		struct kernel_rows x, w;
		struct layer l;
		float *y;

		make_layer(&l, k, layers[s][0], layers[s][1], bf16, call);
		x = factors(l.x, MOST_ROWS, l.ins, bf16);
		w = factors(l.w, l.outs, l.ins, bf16);
		y = malloc((MOST_ROWS + 1) * l.outs * sizeof(*y));
		run_layer(&l, y, 0, MOST_ROWS, 1);
		for (size_t r = 0; r < MOST_ROWS; r++)
			for (size_t o = 0; o < l.outs; o++) {
				double sum = at(l.bias, 0, o);

				for (size_t i = 0; i < l.ins; i++)
					sum += at(x, r, i) * at(w, o, i);
				assert_near((double)y[r * l.outs + o], (bf16 ? sum : tanh(sum)) +
					at(l.residual, r, o), 1e-6 * (2 + sqrt((double)l.ins)));
			}
		free(x.at);
		free(w.at);
		free(y);
		free_layer(&l);
	}
	tn_call_destroy(call);
}
END_TEST

/* Alone or in any batch, by any team, a row has the same bits. */
START_TEST(test_packed_linear_bits)
{
	const struct kernels *k = products_of(_i % N_PRODUCTS);
	const size_t step = _i >= N_PRODUCTS ? 5 : 1;	/* the blocks are those of fp32 */
	struct tn_call *call = tn_call_create();

	for (size_t s = 0; k && s < N_LAYERS; s++) {
		struct layer l;
		float *all_rows, *y;

		make_layer(&l, k, layers[s][0], layers[s][1], _i >= N_PRODUCTS, call);
		all_rows = malloc((MOST_ROWS + 1) * l.outs * sizeof(*y));
		y = malloc((MOST_ROWS + 1) * l.outs * sizeof(*y));
		run_layer(&l, all_rows, 0, MOST_ROWS, 1);
		for (size_t rows = 1; rows <= MOST_ROWS; rows += step)
			for (int team = 1; team <= 3; team += 2) {
				const size_t first = MOST_ROWS - rows;

				run_layer(&l, y, first, rows, team);
				ck_assert_msg(!memcmp(y, all_rows + first * l.outs,
					rows * l.outs * sizeof(*y)), "%s: %zu to %zu, %zu rows, "
					"team of %d: other bits", l.k->isa, l.ins, l.outs, rows,
					team);
			}
		free(all_rows);
		free(y);
		free_layer(&l);
	}
	tn_call_destroy(call);
}
END_TEST

/* Products of bf16 are exact in single precision and summed in one order: all ISAs have the
 * same bits. */
START_TEST(test_bf16_has_the_bits_of_plain)
{
	struct tn_call *call = tn_call_create();

	for (size_t s = 0; products_of(_i) && s < N_LAYERS; s++) {
		float *y[2];
		struct layer l;

		for (int i = 0; i < 2; i++) {
			seed = s;
			make_layer(&l, products_of(i ? _i : 0), layers[s][0], layers[s][1], 1, call);
			y[i] = malloc((MOST_ROWS + 1) * l.outs * sizeof(*y[i]));
			run_layer(&l, y[i], 0, MOST_ROWS, 1);
			free_layer(&l);
		}
		ck_assert_mem_eq(y[0], y[1], MOST_ROWS * layers[s][1] * sizeof(**y));
		free(y[0]);
		free(y[1]);
	}
	tn_call_destroy(call);
}
END_TEST

/* y [m][n] = op(a) op(b); kind: bit 0 transposes a, bit 1 b, bit 2: in bf16. */
static void check_product(const struct kernels *k, size_t m, size_t n, size_t d, int kind)
{
	const int ta = kind & 1, tb = kind >> 1 & 1, bf16 = kind >> 2;
	struct kernel_rows a = make(ta ? d : m, ta ? m : d, (ta ? m : d) + 3, 1);
	struct kernel_rows b = make(tb ? n : d, tb ? d : n, (tb ? d : n) + 1, 1);
	struct kernel_rows y = make(m, n, n, 1);
	struct kernel_rows x = factors(a, ta ? d : m, ta ? m : d, bf16);
	struct kernel_rows w = factors(b, tb ? n : d, tb ? d : n, bf16);
	struct matrix in[2], out;
	struct tn_spec spec = { .dtype = TN_F32, .n_dims = 2 };
	struct tn_node node = { .name = "product", .op = TN_OP_MATMUL, .n_in = 2,
		.in = { &spec, &spec } };
	struct tn_tensor ins[2];
	struct tn_offer offer;
	struct tn_step step = { .node = &node, .in = ins, .out = &out.t };

	node.attr.matmul.transpose_a = (uint32_t)ta;
	node.attr.matmul.transpose_b = (uint32_t)tb;
	node.attr.matmul.precision = bf16 ? TN_BF16 : 0;
	lay(&in[0], a.at, ta ? d : m, ta ? m : d, a.stride);
	lay(&in[1], b.at, tb ? n : d, tb ? d : n, b.stride);
	lay(&out, y.at, m, n, n);
	ins[0] = in[0].t;
	ins[1] = in[1].t;
	ck_assert_int_eq(packed_matmul_supports(k, &node, &offer), 1);
	step.workspace = give_work(offer.workspace, 3);
	omp_set_num_threads(3);
	packed_matmul_run(k, &step);
	for (size_t r = 0; r < m; r++)
		for (size_t c = 0; c < n; c++) {
			double sum = 0;

			for (size_t i = 0; i < d; i++)
				sum += (ta ? at(x, i, r) : at(x, r, i)) *
					(tb ? at(w, c, i) : at(w, i, c));
			assert_near(at(y, r, c), sum, 3e-6 * (2 + sqrt((double)d)));
		}
	free(step.workspace);
	free(x.at);
	free(w.at);
	free(a.at);
	free(b.at);
	free(y.at);
}

START_TEST(test_packed_matmul)
{
	static const size_t sizes[][3] = { { 1, 1, 1 }, { 2, 3, 0 }, { 7, 20, 5 }, { 40, 33, 17 },
		{ 13, 700, 40 }, { 200, 50, 900 } };

	const struct kernels *k = products_of(_i);

	for (size_t s = 0; k && s < sizeof(sizes) / sizeof(sizes[0]); s++)
		for (int kind = 0; kind < 8; kind++)
			check_product(k, sizes[s][0], sizes[s][1], sizes[s][2], kind);
}
END_TEST

START_TEST(test_isa_cap)
{
	struct tn_call *call = tn_call_create();

	setenv("TENON_ISA", "plain", 1);
	ck_assert_str_eq(kernels_choose(call)->isa, "plain");
	setenv("TENON_ISA", "avx2", 1);
	ck_assert_ptr_ne(kernels_choose(call), kernels_of("avx512"));
	setenv("TENON_ISA", "sse", 1);
	ck_assert_ptr_null(kernels_choose(call));
	ck_assert_str_eq(tn_error_text(call),
		"TENON_ISA is \"sse\", expected plain, avx2 or avx512");
	unsetenv("TENON_ISA");
	tn_call_destroy(call);
}
END_TEST

#define ADD_LOOP(suite, test, n)				\
	do {							\
		TCase *case_ = tcase_create(#test);		\
		tcase_add_loop_test(case_, test, 0, n);		\
		tcase_set_timeout(case_, 120);			\
		suite_add_tcase(suite, case_);			\
	} while (0)

#define ADD_FOR_EACH_ISA(suite, test) ADD_LOOP(suite, test, N_ISAS)

int main(void)
{
	Suite *s = suite_create("kernels");

	ADD_FOR_EACH_ISA(s, test_activations);
	ADD_FOR_EACH_ISA(s, test_activation_extremes);
	ADD_FOR_EACH_ISA(s, test_layer_norm);
	ADD_FOR_EACH_ISA(s, test_rms_and_l2_norm);
	ADD_FOR_EACH_ISA(s, test_softmax);
	ADD_FOR_EACH_ISA(s, test_elementwise_and_reduce);
	ADD_FOR_EACH_ISA(s, test_attention_shapes);
	ADD_FOR_EACH_ISA(s, test_attention_masks_and_biases);
	ADD_FOR_EACH_ISA(s, test_attention_large_scores);
	ADD_LOOP(s, test_packed_linear, 2 * N_PRODUCTS);
	ADD_LOOP(s, test_packed_linear_bits, 2 * N_PRODUCTS);
	ADD_LOOP(s, test_bf16_has_the_bits_of_plain, N_PRODUCTS);
	ADD_LOOP(s, test_packed_matmul, N_PRODUCTS);
	TN_ADD(s, test_isa_cap);
	return tn_check_main(s);
}
