/* SPDX-License-Identifier: Apache-2.0
 * kernels/grad_steps.c - gradient and optimizer nodes run by the kernels, shared among the
 * threads of the team.
 */
#include "grad.h"

#include <math.h>
#include <omp.h>
#include <string.h>

/* Elements below which a team costs more than it saves. */
#define ALONE 16384
/* Columns, of a thread's share, come by so many; and elements. */
#define GRAIN 64
/* Parts of a sum over elements: fixed, so that the team does not matter. */
#define PARTS 64

static const uint8_t known[TN_N_OPS] = { GRAD_OPS };

bool grad_knows(uint32_t op)
{
	return op < TN_N_OPS && known[op];
}

static int is_loss(uint32_t op)
{
	return op == TN_OP_CROSS_ENTROPY || op == TN_OP_CROSS_ENTROPY_GRAD;
}

static int supports_attention(const struct kernels *kernels, const struct tn_node *node,
	struct tn_offer *offer)
{
	const struct tn_attention_attr *a = &node->attr.attention;

	if (a->state || a->bias == TN_BIAS_TENSOR)
		return kernel_refuse(offer, "attention with bias kind %u is left to the reference",
			a->bias);
	offer->strided = UINT32_MAX;
	offer->workspace = kernels->grad->attention_work(a->head_size,
		a->bias == TN_BIAS_DISENTANGLED);
	return 1;
}

static int has_index(uint32_t op)
{
	return op == TN_OP_SCATTER_ADD || is_loss(op);
}

static int is_attention(uint32_t op)
{
	return op == TN_OP_ATTENTION_GRAD || op == TN_OP_ATTENTION_BIAS_GRAD;
}

static bool has_places(const struct tn_node *node)
{
	return is_attention(node->op) && node->attr.attention.bias == TN_BIAS_DISENTANGLED;
}

int grad_supports(const struct kernels *kernels, const struct tn_node *node,
	struct tn_offer *offer)
{
	for (uint32_t i = 0; i < node->n_in; i++) {
		const int index = has_places(node) ? i == 8 : i == 1 && has_index(node->op);

		if (node->in[i]->dtype != (index ? TN_I32 : TN_F32))
			return kernel_refuse(offer, "input %u is not %s", i,
				index ? "I32" : "F32");
	}
	if (node->op == TN_OP_REDUCE &&
	    (node->attr.reduce.over != 0 || node->attr.reduce.kind == TN_MAX))
		return kernel_refuse(offer, "only sums and means over rows have a kernel");
	if (is_loss(node->op) && (node->attr.loss.weighted || node->attr.loss.smoothing > 0))
		return kernel_refuse(offer, "class weights and smoothing are left to the "
			"reference");
	if (is_attention(node->op))
		return supports_attention(kernels, node, offer);
	if (node->op != TN_OP_ADAMW && node->op != TN_OP_SUM_SQUARES)
		offer->strided = UINT32_MAX;
	return 1;
}

/* A step and its first tensors as rows. */
struct grad_step {
	const struct grad_kernels *k;
	const struct kernels *kernels;
	const struct tn_step *step;
	struct kernel_rows x, y;
	size_t rows, cols;		/* of x */
};

static struct kernel_rows rows_from(const struct tn_tensor *t, size_t row, size_t col)
{
	return (struct kernel_rows){ (float *)tn_host_data(t) + row * t->row_stride + col,
		t->row_stride };
}

/* This thread's part of n things that come by `grain`. */
static void share(size_t n, size_t grain, size_t *from, size_t *to)
{
	const size_t team = (size_t)omp_get_num_threads(), i = (size_t)omp_get_thread_num();
	const size_t grains = (n + grain - 1) / grain;

	*from = grains * i / team * grain;
	*to = grains * (i + 1) / team * grain;
	*from = *from < n ? *from : n;
	*to = *to < n ? *to : n;
}

static void by_rows(const struct grad_step *s, size_t row, size_t n)
{
	const union tn_attr *attr = &s->step->node->attr;
	const struct tn_tensor *in = s->step->in;
	struct kernel_rows y = rows_from(&s->step->out[0], row, 0), x = rows_from(&in[0], row, 0);

	if (s->step->node->op == TN_OP_DROPOUT)
		s->k->dropout(y, x, attr->dropout.rate, attr->dropout.key, row, n, s->cols);
	else if (s->step->node->op == TN_OP_ACT_GRAD)
		s->k->act((int)attr->act.kind, y, x, rows_from(&in[1], row, 0), n, s->cols);
	else
		s->k->softmax((int)attr->softmax.log, y, x, rows_from(&in[1], row, 0), n, s->cols);
}

/* A norm: dx by rows, the gradients of its weights by columns. */
static void norm_share(const struct grad_step *s)
{
	const struct tn_step *step = s->step;
	const int centred = step->node->op == TN_OP_LAYER_NORM_GRAD;
	const float *mean = centred ? tn_host_data(&step->in[2]) : NULL;
	const float *rstd = tn_host_data(&step->in[centred ? 3 : 2]);
	const struct tn_tensor *dy = &step->in[centred ? 4 : 3];
	float *dweight = tn_host_data(&step->out[1]);
	float *dbias = centred ? tn_host_data(&step->out[2]) : NULL;
	size_t from, to;

	share(s->rows, 1, &from, &to);
	s->k->norm(rows_from(&step->out[0], from, 0), rows_from(&step->in[0], from, 0),
		rows_from(dy, from, 0), tn_host_data(&step->in[1]), mean ? mean + from : NULL,
		rstd + from, to - from, s->cols);
	share(s->cols, GRAIN, &from, &to);
	s->k->norm_weights(dweight + from, dbias ? dbias + from : NULL,
		rows_from(&step->in[0], 0, from), rows_from(dy, 0, from), mean, rstd, s->rows,
		to - from);
}

static void reduce_share(const struct grad_step *s)
{
	const int mean = s->step->node->attr.reduce.kind == TN_MEAN && s->rows;
	size_t from, to;

	share(s->cols, GRAIN, &from, &to);
	s->k->sum_rows((float *)tn_host_data(&s->step->out[0]) + from,
		rows_from(&s->step->in[0], 0, from), mean ? 1.0f / (float)s->rows : 1.0f, s->rows,
		to - from);
}

/* The rows of the table that are this thread's: what has their index is added in order. */
static void scatter_share(const struct grad_step *s)
{
	const struct tn_tensor *y = &s->step->out[0];
	const int32_t *index = tn_host_data(&s->step->in[1]);
	const struct kernel_rows table = kernel_rows_of(y);
	size_t from, to;

	share(y->dims[0], 1, &from, &to);
	memset(table.at + from * table.stride, 0, (to - from) * s->cols * sizeof(float));
	for (size_t r = 0; r < s->rows; r++) {
		struct kernel_rows to_row;

		if (index[r] < (int64_t)from || index[r] >= (int64_t)to)
			continue;
		to_row = rows_from(y, (size_t)index[r], 0);
		s->kernels->add(to_row, to_row, rows_from(&s->step->in[0], r, 0), 1, s->cols);
	}
}

static void adamw_share(const struct grad_step *s)
{
	const struct tn_tensor *in = s->step->in, *out = s->step->out;
	const float *h = tn_host_data(&in[4]);
	const double rate = (double)h[0], b1 = (double)h[1], b2 = (double)h[2];
	const struct grad_adamw a = { .factor = h[7], .keep_m = h[1], .new_m = (float)(1 - b1),
		.keep_v = h[2], .new_v = (float)(1 - b2), .by_m = (float)(rate / (double)h[5]),
		.by_v = (float)(1 / sqrt((double)h[6])), .eps = h[3],
		.decay = (float)(rate * (double)h[4]) };
	size_t from, to;

	share(s->rows * s->cols, GRAIN, &from, &to);
	s->k->adamw(&a, (float *[]){ (float *)tn_host_data(&out[0]) + from,
		(float *)tn_host_data(&out[1]) + from, (float *)tn_host_data(&out[2]) + from },
		(float *)tn_host_data(&in[0]) + from, (float *)tn_host_data(&in[1]) + from,
		(float *)tn_host_data(&in[2]) + from, (float *)tn_host_data(&in[3]) + from,
		to - from);
}

static void sum_squares(const struct grad_step *s)
{
	const size_t n = s->rows * s->cols;
	double part[PARTS], sum = 0;

#pragma omp parallel for schedule(static) if (n >= ALONE)
	for (size_t i = 0; i < PARTS; i++)
		part[i] = s->k->sum_squares(s->x.at + n * i / PARTS,
			n * (i + 1) / PARTS - n * i / PARTS);
	for (size_t i = 0; i < PARTS; i++)
		sum += part[i];
	*s->y.at = (float)sum;
}

static void clear_columns(struct kernel_rows y, size_t rows, size_t cols)
{
	for (size_t r = 0; r < rows; r++)
		memset(y.at + r * y.stride, 0, cols * sizeof(float));
}

/* The tables of places and their gradients, at a head's columns. */
static void add_places(struct grad_attention *g, const struct tn_step *step, size_t head)
{
	const struct tn_attention_attr *attr = &step->node->attr.attention;
	const size_t column = head * attr->head_size;
	const bool of_bias = step->node->op == TN_OP_ATTENTION_BIAS_GRAD;

	if (attr->c2p)
		g->forward.c2p = rows_from(&step->in[6], 0, column);
	if (attr->p2c)
		g->forward.p2c = rows_from(&step->in[7], 0, column);
	if (attr->c2p && of_bias)
		g->dc2p = rows_from(&step->out[0], 0, column);
	if (attr->p2c && of_bias)
		g->dp2c = rows_from(&step->out[1], 0, column);
	g->forward.bucket = tn_host_data(&step->in[8]);
}

/* One sequence and head of the keys, with all heads of the queries that read it. */
static void attend_back(const struct grad_kernels *k, const struct tn_step *step, size_t seq,
	size_t kv_head, int fresh, float *work)
{
	const struct tn_attention_attr *attr = &step->node->attr.attention;
	const struct tn_axis *q = step->axis, *kv = step->kv_axis ? step->kv_axis : step->axis;
	const size_t D = attr->head_size, group = attr->heads / attr->kv_heads;
	const size_t row = q->start[seq], kv_row = kv->start[seq], kv_col = kv_head * D;
	struct grad_attention g = { .forward = { .head_size = D,
		.k = rows_from(&step->in[1], kv_row, kv_col),
		.v = rows_from(&step->in[2], kv_row, kv_col),
		.n_q = q->start[seq + 1] - row, .n_k = kv->start[seq + 1] - kv_row,
		.scale = attr->scale, .causal = attr->causal, .left = attr->left,
		.right = attr->right, .span = attr->span, .dropout = attr->dropout,
		.key = attr->key, .row = row, .fresh = fresh, .work = work } };
	const bool of_bias = step->node->op == TN_OP_ATTENTION_BIAS_GRAD;

	if (!of_bias) {
		g.dk = rows_from(&step->out[1], kv_row, kv_col);
		g.dv = rows_from(&step->out[2], kv_row, kv_col);
		clear_columns(g.dk, g.forward.n_k, D);
		clear_columns(g.dv, g.forward.n_k, D);
	}
	for (size_t head = kv_head * group; head < (kv_head + 1) * group; head++) {
		g.forward.head = head;
		g.forward.q = rows_from(&step->in[0], row, head * D);
		g.forward.y = rows_from(&step->in[3], row, head * D);
		g.forward.lse = rows_from(&step->in[4], row, head);
		g.dy = rows_from(&step->in[5], row, head * D);
		if (!of_bias)
			g.dq = rows_from(&step->out[0], row, head * D);
		if (has_places(step->node))
			add_places(&g, step, head);
		if (attr->bias == TN_BIAS_ALIBI)
			g.forward.slope = ((const float *)tn_host_data(&step->in[6]))[head];
		if (attr->bias == TN_BIAS_REL) {
			g.forward.rel = rows_from(&step->in[6], 0, head);
			g.drel = rows_from(&step->out[3], 0, head);
		}
		k->attention(&g);
	}
}

/* What all sequences add to is a head's. */
static void clear_shared(const struct tn_step *step)
{
	const struct tn_node *node = step->node;
	const bool of_bias = node->op == TN_OP_ATTENTION_BIAS_GRAD;

	for (uint32_t i = of_bias ? 0 : 3; i < node->n_out; i++)
		clear_columns(kernel_rows_of(&step->out[i]), kernel_n_rows(&step->out[i]),
			tn_row_size(&step->out[i]));
}

/* A thread has all sequences of a head where they add to the same; and where a head keeps tables
 * of places, they serve the sequences that come next. */
static void attention(const struct grad_kernels *k, const struct tn_step *step)
{
	const struct tn_attention_attr *attr = &step->node->attr.attention;
	const bool places = has_places(step->node);
	const bool shared = attr->bias == TN_BIAS_REL || step->node->op == TN_OP_ATTENTION_BIAS_GRAD;
	const size_t bytes = k->attention_work(attr->head_size, places), seqs = step->axis->seqs;
	const size_t together = shared && seqs ? seqs : 1;

	clear_shared(step);
#pragma omp parallel if (step->axis->rows * attr->heads > 64)
	{
		float *work = (float *)((char *)step->workspace +
			(size_t)omp_get_thread_num() * bytes);
		int fresh = 1;

#pragma omp for schedule(dynamic)
		for (size_t t = 0; t < attr->kv_heads * seqs / together; t++)
			for (size_t i = t * together; i < (t + 1) * together; i++, fresh = 0)
				attend_back(k, step, i % seqs, i / seqs, fresh, work);
	}
}

/* Rows of a loss whose logarithms are held at once. */
#define HELD 256

/* loss = sum of lse - x[target] over the rows that have a target, in their order. */
static void cross_entropy(const struct grad_step *s)
{
	const int32_t *target = tn_host_data(&s->step->in[1]);
	float *kept = s->step->node->n_out > 2 ? tn_host_data(&s->step->out[2]) : NULL;
	double lse[HELD], loss = 0;
	size_t count = 0;

	for (size_t first = 0; first < s->rows; first += HELD) {
		const size_t n = s->rows - first < HELD ? s->rows - first : HELD;

#pragma omp parallel for schedule(static) if (n * s->cols >= ALONE)
		for (size_t r = 0; r < n; r++)
			lse[r] = s->k->log_sum_exp(s->x.at + (first + r) * s->x.stride, s->cols);
		for (size_t r = 0; r < n; r++) {
			const int32_t t = target[first + r];

			if (kept)
				kept[first + r] = (float)lse[r];
			if (t < 0)
				continue;
			loss += lse[r] - (double)s->x.at[(first + r) * s->x.stride + (size_t)t];
			count++;
		}
	}
	*s->y.at = (float)loss;
	*(float *)tn_host_data(&s->step->out[1]) = (float)count;
}

/* dx = dloss (p - 1 at the target); zeros without a target. */
static void cross_entropy_grad_share(const struct grad_step *s)
{
	const int32_t *target = tn_host_data(&s->step->in[1]);
	const float *lse = tn_host_data(&s->step->in[2]);
	const float dloss = *(const float *)tn_host_data(&s->step->in[3]);
	size_t from, to;

	share(s->rows, 1, &from, &to);
	for (size_t r = from; r < to; r++) {
		float *dx = s->y.at + r * s->y.stride;

		if (target[r] < 0) {
			memset(dx, 0, s->cols * sizeof(*dx));
			continue;
		}
		s->k->probabilities(dx, s->x.at + r * s->x.stride, lse[r], dloss, s->cols);
		dx[target[r]] -= dloss;
	}
}

/* Indexes come from other parts of the graph; a wrong one must not read or write astray. */
static int check_indexes(const struct tn_step *step, struct tn_call *call)
{
	const size_t limit = is_loss(step->node->op) ? step->in[0].dims[1] : step->out[0].dims[0];
	const int32_t *index = tn_host_data(&step->in[1]);

	for (size_t r = 0; r < step->in[0].dims[0]; r++)
		if (index[r] >= 0 && (size_t)index[r] >= limit)
			return tn_fail(call, TN_EINTERNAL, "%s: row %zu has the index %d of %zu",
				step->node->name, r, (int)index[r], limit);
	return 0;
}

static void run_share(const struct grad_step *s)
{
	size_t from, to;

	switch (s->step->node->op) {
	case TN_OP_LAYER_NORM_GRAD:
	case TN_OP_RMS_NORM_GRAD:
		norm_share(s);
		break;
	case TN_OP_REDUCE:
		reduce_share(s);
		break;
	case TN_OP_SCATTER_ADD:
		scatter_share(s);
		break;
	case TN_OP_ADAMW:
		adamw_share(s);
		break;
	case TN_OP_CROSS_ENTROPY_GRAD:
		cross_entropy_grad_share(s);
		break;
	default:
		share(s->rows, 1, &from, &to);
		by_rows(s, from, to - from);
		break;
	}
}

int grad_run(const struct kernels *kernels, const struct tn_step *step, struct tn_call *call)
{
	const struct tn_tensor *x = &step->in[0];
	const struct grad_step s = { kernels->grad, kernels, step, kernel_rows_of(x),
		kernel_rows_of(&step->out[0]), kernel_n_rows(x), tn_row_size(x) };
	const size_t out = kernel_n_rows(&step->out[0]) * tn_row_size(&step->out[0]);

	if (has_index(step->node->op) && check_indexes(step, call))
		return tn_status(call);
	switch (step->node->op) {
	case TN_OP_SUM_SQUARES:
		sum_squares(&s);
		return 0;
	case TN_OP_CROSS_ENTROPY:
		cross_entropy(&s);
		return 0;
	case TN_OP_ATTENTION_GRAD:
	case TN_OP_ATTENTION_BIAS_GRAD:
		if (has_places(step->node) && kernel_check_places(step, 6, call))
			return tn_status(call);
		attention(kernels->grad, step);
		return 0;
	}
#pragma omp parallel if (s.rows * s.cols >= ALONE || out >= ALONE)
	run_share(&s);
	return 0;
}
