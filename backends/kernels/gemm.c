/* SPDX-License-Identifier: Apache-2.0
 * kernels/gemm.c - linear layers and matrix products over somebody's sgemm.
 */
#include "gemm.h"

#include <omp.h>
#include <stdlib.h>
#include <string.h>

/* Outputs up to this many columns are dot products. */
#define NARROW 4
/* Rows of the output of one call of sgemm when its sums are made in slabs. */
#define SLAB_ROWS 64

struct gemm_linear {
	enum linear_kind kind;
	const struct gemm *gemm;
	size_t ins, outs;
	int act;
	size_t width;		/* of all slices but the last */
	size_t rows;		/* at most, of one call of sgemm */
	float *bias;		/* [outs], or NULL */
	float *w;		/* slice after slice, each [ins][its width]; narrow: [outs][ins] */
};

static size_t slices(size_t outs, size_t width)
{
	return (outs + width - 1) / width;
}

static size_t slice_width(size_t outs, size_t width, size_t slice)
{
	return outs - slice * width < width ? outs - slice * width : width;
}

/* Slices and chunks such that all products lie on the same side of gemm->small. */
static void choose_sizes(struct gemm_linear *l)
{
	const struct gemm *gemm = l->gemm;
	const size_t grain = gemm->grain, most = gemm->rows;
	size_t least = gemm->small / (grain * l->ins) + 1, n = l->outs / gemm->width;

	l->rows = most;
	l->width = gemm->width;
	if (!gemm->small)
		return;
	if (l->outs >= least) {
		/* As many slices as are wide enough; the last takes the remainder. */
		n = l->outs / (least > gemm->width ? least : gemm->width);
		l->width = n ? (l->outs + n - 1) / n : l->outs;
		while (slice_width(l->outs, l->width, slices(l->outs, l->width) - 1) < least)
			l->width++;
		return;
	}
	l->width = l->outs;
	l->rows = gemm->small / (l->outs * l->ins) / grain * grain;
	l->rows = l->rows < grain ? grain : l->rows > most ? most : l->rows;
}

static void pack_slices(struct gemm_linear *l, const float *w)
{
	float *to = l->w;

	for (size_t s = 0; s < slices(l->outs, l->width); s++) {
		const size_t width = slice_width(l->outs, l->width, s);

		for (size_t o = 0; o < width; o++)
			for (size_t i = 0; i < l->ins; i++)
				to[i * width + o] = w[(s * l->width + o) * l->ins + i];
		to += width * l->ins;
	}
}

int gemm_linear_create(struct gemm_linear **made, const struct gemm *gemm,
	const struct tn_node *node, const struct tn_tensor *weights, size_t *bytes,
	struct tn_call *call)
{
	struct gemm_linear *l = calloc(1, sizeof(*l));
	float *w;

	if (!l)
		return tn_fail(call, TN_ENOMEM, "out of memory for the weights of %s", node->name);
	l->gemm = gemm;
	l->act = (int)node->attr.linear.act;
	if (linear_collect(node, weights, &w, &l->bias, &l->outs, &l->ins, call)) {
		free(l);
		return tn_status(call);
	}
	*bytes = l->outs * (l->ins + (l->bias != NULL)) * sizeof(float);
	*made = l;
	if (l->outs <= NARROW) {
		l->w = w;
		return 0;
	}
	choose_sizes(l);
	l->w = aligned_alloc(64, (l->outs * l->ins * sizeof(float) + 63) / 64 * 64);
	if (l->w)
		pack_slices(l, w);
	free(w);
	if (l->w)
		return 0;
	gemm_linear_destroy(l);
	*made = NULL;
	return tn_fail(call, TN_ENOMEM, "out of memory for the weights of %s", node->name);
}

void gemm_linear_destroy(struct gemm_linear *l)
{
	if (!l)
		return;
	free(l->w);
	free(l->bias);
	free(l);
}

/* Floats that one thread works in, a multiple of 16. */
static size_t work_floats(const struct gemm *gemm, size_t n, size_t k)
{
	return gemm->work_floats ? (gemm->work_floats(n, k) + 15) / 16 * 16 : 0;
}

int gemm_linear_supports(const struct gemm *gemm, const struct tn_node *node,
	struct tn_offer *offer)
{
	if (!linear_supports(node, gemm->grain, offer))
		return 0;
	offer->workspace = (offer->workspace + 63) / 64 * 64 +
		work_floats(gemm, gemm->width, node->in[0]->dims[1]) * sizeof(float);
	return 1;
}

struct run {
	const struct gemm_linear *l;
	const struct kernels *kernels;
	float *work;		/* of all threads */
};

/* Rows of a chunk: enough chunks to keep the team busy, else as long as allowed. */
static size_t chunk_rows(const struct gemm_linear *l, size_t padded)
{
	const size_t grain = l->gemm->grain, team = (size_t)omp_get_max_threads();
	const size_t across = slices(l->outs, l->width);
	size_t rows = l->rows;

	while (team > 1 && rows > 8 * grain && across * ((padded + rows - 1) / rows) < 4 * team)
		rows = (rows / 2 + grain - 1) / grain * grain;
	return rows;
}

/* Chunk `from` .. `from + n` of slice s; `rows` of it count. */
static int run_slice(const struct run *r, size_t s, float *y, const float *x, float *residual,
	size_t n, size_t rows)
{
	const struct gemm_linear *l = r->l;
	const size_t first = s * l->width, width = slice_width(l->outs, l->width, s);
	const struct kernel_rows to = { y + first, l->outs };
	const struct kernel_rows add = { residual ? residual + first : NULL, l->outs };
	int status = l->gemm->run(false, false, n, width, l->ins, x, l->ins, l->w + first * l->ins,
		width, to.at, l->outs, r->work + (size_t)omp_get_thread_num() *
		work_floats(l->gemm, l->gemm->width, l->ins));

	if (!status && (l->bias || residual || l->act != TN_ACT_NONE))
		r->kernels->finish(l->act, to, to, l->bias ? l->bias + first : NULL, add, rows,
			width);
	return status;
}

static int run_rows(void *user, float *y, float *x, float *residual, size_t padded, size_t rows)
{
	const struct run *r = user;
	const struct gemm_linear *l = r->l;
	const size_t chunk = chunk_rows(l, padded), across = slices(l->outs, l->width);
	const size_t tasks = (padded + chunk - 1) / chunk * across;
	int failed = 0;

#pragma omp parallel for schedule(dynamic) reduction(| : failed)
	for (size_t t = 0; t < tasks; t++) {
		const size_t from = t / across * chunk;
		const size_t n = padded - from < chunk ? padded - from : chunk;
		const size_t count = rows > from ? rows - from : 0;

		failed |= run_slice(r, t % across, y + from * l->outs, x + from * l->ins,
			residual ? residual + from * l->outs : NULL, n, count < n ? count : n);
	}
	return failed;
}

static int run_narrow(const struct run *r, const struct tn_step *step)
{
	const struct gemm_linear *l = r->l;
	const struct kernel_rows x = kernel_rows_of(&step->in[0]), y = kernel_rows_of(&step->out[0]);
	struct kernel_rows add = { NULL, 0 };

	if (step->node->attr.linear.residual)
		add = kernel_rows_of(&step->in[step->node->n_in - 1]);
	r->kernels->narrow(y, x, (struct kernel_rows){ l->w, l->ins }, l->bias,
		kernel_n_rows(&step->out[0]), l->ins, l->outs);
	r->kernels->finish(l->act, y, y, NULL, add, kernel_n_rows(&step->out[0]), l->outs);
	return 0;
}

int gemm_linear_run(const struct gemm_linear *l, const struct kernels *kernels,
	const struct tn_step *step, struct tn_call *call)
{
	const size_t tail = (l->gemm->grain * (l->ins + 2 * l->outs) + 15) / 16 * 16;
	struct run r = { l, kernels, (float *)step->workspace + tail };
	int status = l->outs <= NARROW ? run_narrow(&r, step) :
		linear_by_rows(step, l->gemm->grain, run_rows, &r);

	return status ? tn_fail(call, TN_EINTERNAL, "%s: sgemm of %s gave status %d",
		step->node->name, l->gemm->name, status) : 0;
}

/* What product_slice needs for k columns of a. */
static size_t spare_floats(const struct gemm *gemm, size_t k)
{
	return (gemm->grain * (k + gemm->width) + 15) / 16 * 16 + work_floats(gemm, gemm->width, k);
}

/* Floats that one thread works in for a TN_OP_MATMUL. */
static size_t matmul_floats(const struct gemm *gemm, const struct tn_node *node)
{
	return node->attr.matmul.transpose_a ? SLAB_ROWS * gemm->width + 16 :
		spare_floats(gemm, node->in[0]->dims[1]);
}

int gemm_matmul_supports(const struct gemm *gemm, const struct tn_node *node,
	struct tn_offer *offer)
{
	for (int i = 0; i < 2; i++)
		if (node->in[i]->dtype != TN_F32 || node->in[i]->n_dims != 2)
			return kernel_refuse(offer, "input %d is no matrix of F32", i);
	offer->strided = 3;
	offer->workspace = matmul_floats(gemm, node) * sizeof(float);
	return 1;
}

static void add_rows(float *y, size_t ldy, const float *x, size_t rows, size_t n)
{
	for (size_t r = 0; r < rows; r++)
		for (size_t c = 0; c < n; c++)
			y[r * ldy + c] += x[r * n + c];
}

/* Columns first .. first + n of y = a^T op(b), a gradient by weights: the sum over rows of a
 * is made in slabs of TN_ROW_BLOCK, added in their order.  spare holds [SLAB_ROWS][n]. */
static int slab_slice(const struct gemm *gemm, const struct tn_step *step, size_t first, size_t n,
	float *spare)
{
	const struct tn_tensor *a = &step->in[0], *b = &step->in[1], *y = &step->out[0];
	const bool tb = step->node->attr.matmul.transpose_b;
	const size_t m = y->dims[0], k = a->dims[0], ldb = b->row_stride;
	const float *x = tn_host_data(a), *w = tn_host_data(b);
	int status = 0;

	w += tb ? first * ldb : first;
	for (size_t r = 0; r < m; r += SLAB_ROWS) {
		const size_t rows = m - r < SLAB_ROWS ? m - r : SLAB_ROWS;
		float *to = (float *)tn_host_data(y) + first + r * y->row_stride;

		for (size_t i = 0; k == 0 && i < rows; i++)
			memset(to + i * y->row_stride, 0, n * sizeof(*to));
		for (size_t at = 0; at < k; at += TN_ROW_BLOCK) {
			const size_t depth = k - at < TN_ROW_BLOCK ? k - at : TN_ROW_BLOCK;

			status |= gemm->run(true, tb, rows, n, depth, x + at * a->row_stride + r,
				a->row_stride, w + (tb ? at : at * ldb), ldb, at ? spare : to,
				at ? n : y->row_stride, spare + SLAB_ROWS * n);
			if (at)
				add_rows(to, y->row_stride, spare, rows, n);
		}
	}
	return status;
}

/* Columns first .. first + n of y = a op(b).  Rows are run by multiples of the grain, the last ones
 * in copies: spare holds [grain][k] and [grain][width]. */
static int product_slice(const struct gemm *gemm, const struct tn_step *step, size_t first,
	size_t n, float *spare)
{
	const struct tn_tensor *a = &step->in[0], *b = &step->in[1], *y = &step->out[0];
	const bool tb = step->node->attr.matmul.transpose_b;
	const size_t m = y->dims[0], k = a->dims[1];
	const size_t over = m % gemm->grain, direct = m - over;
	const size_t rows = gemm->small ? gemm->grain : gemm->rows;
	const float *x = tn_host_data(a), *w = tn_host_data(b);
	float *to = (float *)tn_host_data(y) + first, *out = spare + gemm->grain * k;
	float *work = spare + (gemm->grain * (k + gemm->width) + 15) / 16 * 16;
	int status = 0;

	w += tb ? first * b->row_stride : first;
	for (size_t r = 0; r < direct; r += rows)
		status |= gemm->run(false, tb, direct - r < rows ? direct - r : rows, n, k,
			x + r * a->row_stride, a->row_stride, w, b->row_stride,
			to + r * y->row_stride, y->row_stride, work);
	if (!over)
		return status;
	memset(spare, 0, gemm->grain * k * sizeof(*spare));
	for (size_t r = 0; r < over; r++)
		memcpy(spare + r * k, x + (direct + r) * a->row_stride, k * sizeof(*spare));
	status |= gemm->run(false, tb, gemm->grain, n, k, spare, k, w, b->row_stride, out, n,
		work);
	for (size_t r = 0; r < over; r++)
		memcpy(to + (direct + r) * y->row_stride, out + r * n, n * sizeof(*out));
	return status;
}

int gemm_matmul_run(const struct gemm *gemm, const struct tn_step *step, struct tn_call *call)
{
	const size_t n = step->out[0].dims[1], across = slices(n, gemm->width);
	int (*slice)(const struct gemm *, const struct tn_step *, size_t, size_t, float *) =
		step->node->attr.matmul.transpose_a ? slab_slice : product_slice;
	int failed = 0;

#pragma omp parallel for schedule(dynamic) reduction(| : failed)
	for (size_t s = 0; s < across; s++)
		failed |= slice(gemm, step, s * gemm->width, slice_width(n, gemm->width, s),
			(float *)step->workspace +
			(size_t)omp_get_thread_num() * matmul_floats(gemm, step->node));
	return failed ? tn_fail(call, TN_EINTERNAL, "%s: sgemm of %s gave status %d",
		step->node->name, gemm->name, failed) : 0;
}
