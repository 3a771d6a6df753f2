/* SPDX-License-Identifier: Apache-2.0
 * kernels/steps.c - nodes of a graph run by the kernels, rows shared among the
 * threads of the team.
 */
#include <math.h>
#include <omp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "grad.h"

/* Elements below which a team costs more than it saves. */
#define ALONE 16384

static const uint8_t known[TN_N_OPS] = { KERNELS_OPS };

int kernel_refuse(struct tn_offer *offer, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(offer->reason, sizeof(offer->reason), format, args);
	va_end(args);
	return 0;
}

struct kernel_rows kernel_rows_of(const struct tn_tensor *t)
{
	return (struct kernel_rows){ tn_host_data(t), t->row_stride };
}

size_t kernel_n_rows(const struct tn_tensor *t)
{
	return t->n_dims ? t->dims[0] : 1;
}

static struct kernel_rows from_row(struct kernel_rows m, size_t row)
{
	return (struct kernel_rows){ m.at ? m.at + row * m.stride : NULL, m.stride };
}

/* How a second operand meets the first. */
enum meet { MEET_EQUAL, MEET_ROW, MEET_COLUMN, MEET_VALUE, MEET_NOT };

static enum meet meet_of(const struct tn_spec *a, const struct tn_spec *b)
{
	size_t a_cols = a->dims[1] * a->dims[2] * a->dims[3];
	size_t b_cols = b->dims[1] * b->dims[2] * b->dims[3];

	if (b->n_dims == 0 || (b->n_dims == 1 && b->axis == TN_NO_AXIS && b->dims[0] == 1))
		return MEET_VALUE;
	if (a->n_dims == b->n_dims && a_cols == b_cols && a->axis == b->axis)
		return MEET_EQUAL;
	if (b->n_dims == 1 && b->axis == TN_NO_AXIS && b->dims[0] == a_cols)
		return MEET_ROW;
	if (b_cols == 1 && a->axis == b->axis)
		return MEET_COLUMN;
	return MEET_NOT;
}

static int disentangled(const struct tn_node *node)
{
	return node->attr.attention.bias == TN_BIAS_DISENTANGLED;
}

static int supports_attention(const struct kernels *kernels, const struct tn_node *node,
	struct tn_offer *offer)
{
	const struct tn_attention_attr *a = &node->attr.attention;

	if (a->state)
		return kernel_refuse(offer, "attention with state is left to the reference");
	if (a->bias == TN_BIAS_TENSOR)
		return kernel_refuse(offer, "attention with bias kind %u is left to the reference",
			a->bias);
	offer->strided = disentangled(node) ? 0x1f : 7;
	offer->workspace = kernels->attention_work(a->head_size,
		disentangled(node));
	return 1;
}

int kernels_supports(const struct kernels *kernels, const struct tn_node *node,
	struct tn_offer *offer)
{
	if (node->op >= TN_N_OPS || !known[node->op])
		return kernel_refuse(offer, "no kernel for it");
	if (grad_knows(node->op))
		return grad_supports(kernels, node, offer);
	for (uint32_t i = 0; i < node->n_in; i++) {
		int index = ((node->op == TN_OP_GATHER || node->op == TN_OP_ROPE) && i == 1) ||
			(node->op == TN_OP_SEGMENT && i > 0) ||
			(node->op == TN_OP_ATTENTION && i == 5 && disentangled(node));

		if (node->in[i]->dtype != (index ? TN_I32 : TN_F32))
			return kernel_refuse(offer, "input %u is not %s", i,
				index ? "I32" : "F32");
	}
	switch (node->op) {
	case TN_OP_ATTENTION:
		return supports_attention(kernels, node, offer);
	case TN_OP_ADD:
	case TN_OP_MUL:
		if (meet_of(node->in[0], node->in[1]) == MEET_NOT)
			return kernel_refuse(offer, "the shapes of the operands do not meet");
		offer->strided = 3;
		return 1;
	case TN_OP_LAYER_NORM:
		offer->strided = 1 | (node->attr.norm.residual ? 1u << (node->n_in - 1) : 0);
		return 1;
	case TN_OP_CONCAT:
		offer->strided = (1u << node->n_in) - 1;
		return 1;
	default:
		offer->strided = 1;
		return 1;
	}
}

/* What the loops over rows need of a step. */
struct rows_of_step {
	const struct kernels *k;
	const struct tn_step *step;
	struct kernel_rows x, y;
	size_t rows, cols;
};

static void elementwise(const struct rows_of_step *s, size_t row, size_t n)
{
	const union tn_attr *attr = &s->step->node->attr;
	struct kernel_rows x = from_row(s->x, row), y = from_row(s->y, row);

	switch (s->step->node->op) {
	case TN_OP_ACT:
		s->k->act((int)attr->act.kind, y, x, n, s->cols);
		break;
	case TN_OP_GLU:
		s->k->glu((int)attr->act.kind, y, x, n, s->cols);
		break;
	case TN_OP_SCALE:
		s->k->scale(y, x, (float)attr->scale.by, (float)attr->scale.plus, n, s->cols);
		break;
	case TN_OP_SOFTMAX:
		s->k->softmax((int)attr->softmax.log, y, x, n, s->cols);
		break;
	default:
		s->k->l2_norm(y, x, attr->norm.eps, n, s->cols);
		break;
	}
}

static void add_or_mul(const struct rows_of_step *s, size_t row, size_t n)
{
	const struct tn_step *step = s->step;
	const int add = step->node->op == TN_OP_ADD;
	enum meet meet = meet_of(step->node->in[0], step->node->in[1]);
	struct kernel_rows x = from_row(s->x, row), y = from_row(s->y, row);
	struct kernel_rows b = kernel_rows_of(&step->in[1]);

	if (meet == MEET_EQUAL || meet == MEET_ROW) {
		b = meet == MEET_ROW ? (struct kernel_rows){ b.at, 0 } : from_row(b, row);
		(add ? s->k->add : s->k->mul)(y, x, b, n, s->cols);
		return;
	}
	for (size_t r = 0; r < n; r++) {
		float value = meet == MEET_VALUE ? b.at[0] : b.at[(row + r) * b.stride];

		s->k->scale(from_row(y, r), from_row(x, r), add ? 1.0f : value,
			add ? value : 0.0f, 1, s->cols);
	}
}

static void norm(const struct rows_of_step *s, size_t row, size_t n)
{
	const struct tn_step *step = s->step;
	const struct tn_node *node = step->node;
	struct kernel_rows x2 = { NULL, 0 };
	const float *weight = tn_host_data(&step->in[1]), *bias = NULL;
	float *saved[2] = { NULL, NULL };

	for (uint32_t i = 1; i < node->n_out && i < 3; i++)
		saved[i - 1] = (float *)tn_host_data(&step->out[i]) + row;
	if (node->op == TN_OP_RMS_NORM) {
		s->k->rms_norm(from_row(s->y, row), from_row(s->x, row), weight,
			node->attr.norm.eps, saved[0], n, s->cols);
		return;
	}
	if (node->attr.norm.bias)
		bias = tn_host_data(&step->in[2]);
	if (node->attr.norm.residual)
		x2 = from_row(kernel_rows_of(&step->in[node->n_in - 1]), row);
	s->k->layer_norm(from_row(s->y, row), from_row(s->x, row), x2, weight, bias,
		node->attr.norm.eps, saved[0], saved[1], n, s->cols);
}

static void rope(const struct rows_of_step *s, size_t row, size_t n)
{
	const union tn_attr *attr = &s->step->node->attr;
	const struct kernel_rope rope = {
		.heads = attr->rope.heads, .head_size = attr->rope.head_size,
		.rotary = attr->rope.rotary, .theta = attr->rope.theta,
		.interleaved = attr->rope.interleaved != 0, .inverse = attr->rope.inverse != 0,
	};

	s->k->rope(&rope, from_row(s->y, row), from_row(s->x, row),
		(const int32_t *)tn_host_data(&s->step->in[1]) + row, n);
}

static void concat(const struct rows_of_step *s, size_t row, size_t n)
{
	size_t at = 0;

	for (uint32_t i = 0; i < s->step->node->n_in; i++) {
		const struct tn_tensor *in = &s->step->in[i];
		struct kernel_rows x = kernel_rows_of(in);
		size_t cols = tn_row_size(in);

		for (size_t r = row; r < row + n; r++)
			memcpy(s->y.at + r * s->y.stride + at, x.at + r * x.stride,
				cols * sizeof(float));
		at += cols;
	}
}

static void gather(const struct rows_of_step *s, size_t row, size_t n)
{
	const int32_t *index = tn_host_data(&s->step->in[1]);

	for (size_t r = row; r < row + n; r++) {
		float *to = s->y.at + r * s->y.stride;

		if (index[r] < 0)
			memset(to, 0, s->cols * sizeof(*to));
		else
			memcpy(to, s->x.at + (size_t)index[r] * s->x.stride,
				s->cols * sizeof(*to));
	}
}

static void segment(const struct rows_of_step *s, size_t row, size_t n)
{
	const int32_t *begin = tn_host_data(&s->step->in[1]), *end = tn_host_data(&s->step->in[2]);

	for (size_t r = row; r < row + n; r++)
		s->k->reduce_rows((int)s->step->node->attr.reduce.kind,
			s->y.at + r * s->y.stride, from_row(s->x, (size_t)begin[r]),
			end[r] > begin[r] ? (size_t)(end[r] - begin[r]) : 0, s->cols);
}

/* Indexes come from other parts of the graph; a wrong one must not read astray. */
static int check_indexes(const struct rows_of_step *s, struct tn_call *call)
{
	const struct tn_step *step = s->step;
	const size_t limit = kernel_n_rows(&step->in[0]);
	const int32_t *a = tn_host_data(&step->in[1]);

	for (size_t r = 0; r < s->rows; r++) {
		int64_t low = a[r], high = a[r];

		if (step->node->op == TN_OP_SEGMENT) {
			high = ((const int32_t *)tn_host_data(&step->in[2]))[r] - (int64_t)1;
			if (low > high)
				continue;
			if (low < 0)
				high = low;
		}
		if (high >= (int64_t)limit || (step->node->op == TN_OP_SEGMENT && low < 0))
			return tn_fail(call, TN_EINTERNAL, "%s: index %lld of %zu rows",
				step->node->name, (long long)high, limit);
	}
	return 0;
}

int kernel_check_places(const struct tn_step *step, uint32_t first, struct tn_call *call)
{
	const struct tn_attention_attr *attr = &step->node->attr.attention;
	const struct tn_tensor *bucket = &step->in[first + 2];
	const int32_t *place = tn_host_data(bucket);

	for (int part = 0; part < 2; part++) {
		const size_t limit = kernel_n_rows(&step->in[first + (uint32_t)part]);

		for (size_t r = 0; (part ? attr->p2c : attr->c2p) && r < bucket->dims[0]; r++)
			if (place[r] < 0 || (size_t)place[r] >= limit)
				return tn_fail(call, TN_EINTERNAL, "%s: place %ld of %zu",
					step->node->name, (long)place[r], limit);
	}
	return 0;
}

/* What the bias of a head adds. */
static void add_bias(struct kernel_attention *a, const struct tn_step *step, size_t head)
{
	const struct tn_attention_attr *attr = &step->node->attr.attention;
	const size_t column = head * attr->head_size;

	switch (attr->bias) {
	case TN_BIAS_REL:
		a->rel = kernel_rows_of(&step->in[3]);
		a->rel.at += head;
		break;
	case TN_BIAS_ALIBI:
		a->slope = ((const float *)tn_host_data(&step->in[3]))[head];
		break;
	case TN_BIAS_DISENTANGLED:
		if (attr->c2p)
			a->c2p = (struct kernel_rows){ (float *)tn_host_data(&step->in[3]) + column,
				step->in[3].row_stride };
		if (attr->p2c)
			a->p2c = (struct kernel_rows){ (float *)tn_host_data(&step->in[4]) + column,
				step->in[4].row_stride };
		a->bucket = tn_host_data(&step->in[5]);
		break;
	default:
		break;
	}
}

/* One chunk of queries of one sequence and head. */
static void attend(const struct kernels *k, const struct tn_step *step, size_t seq, size_t head,
	size_t first, int fresh, void *work)
{
	const struct tn_node *node = step->node;
	const struct tn_attention_attr *attr = &node->attr.attention;
	const struct tn_axis *kv = step->kv_axis ? step->kv_axis : step->axis;
	const size_t D = attr->head_size, row = step->axis->start[seq] + first;
	const size_t kv_head = head / (attr->heads / attr->kv_heads);
	const size_t left = step->axis->start[seq + 1] - row;
	struct kernel_attention a = {
		.q = from_row(kernel_rows_of(&step->in[0]), row),
		.k = from_row(kernel_rows_of(&step->in[1]), kv->start[seq]),
		.v = from_row(kernel_rows_of(&step->in[2]), kv->start[seq]),
		.y = from_row(kernel_rows_of(&step->out[0]), row),
		.head_size = D, .first = first,
		.n_q = left < KERNEL_CHUNK ? left : KERNEL_CHUNK,
		.n_k = kv->start[seq + 1] - kv->start[seq],
		.scale = attr->scale,
		.causal = attr->causal, .left = attr->left, .right = attr->right,
		.span = attr->span, .dropout = attr->dropout, .key = attr->key,
		.head = head, .row = step->axis->start[seq], .fresh = fresh, .work = work,
	};

	a.q.at += head * D;
	a.k.at += kv_head * D;
	a.v.at += kv_head * D;
	a.y.at += head * D;
	if (node->n_out > 1) {
		a.lse = from_row(kernel_rows_of(&step->out[1]), row);
		a.lse.at += head;
	}
	add_bias(&a, step, head);
	/* Heads are dealt to the team in turn. */
	if (head + (size_t)omp_get_num_threads() < attr->heads && attr->kv_heads == attr->heads)
		a.ahead = (size_t)omp_get_num_threads() * D;
	k->attention(&a);
}

/* All chunks of one sequence and head. */
static void attend_all(const struct kernels *k, const struct tn_step *step, size_t seq, size_t head,
	int *fresh, void *work)
{
	const size_t n = step->axis->start[seq + 1] - step->axis->start[seq];

	for (size_t first = 0; first < n; first += KERNEL_CHUNK, *fresh = 0)
		attend(k, step, seq, head, first, *fresh, work);
}

/* Neighbouring heads of a sequence lie side by side, but what a head keeps of its tables serves
 * all sequences. */
static void attention(const struct kernels *k, const struct tn_step *step)
{
	const size_t heads = step->node->attr.attention.heads, seqs = step->axis->seqs;
	const int places = disentangled(step->node);
	const size_t bytes = k->attention_work(step->node->attr.attention.head_size, places);

#pragma omp parallel if (step->axis->rows * heads > 64)
	{
		char *work = (char *)step->workspace + (size_t)omp_get_thread_num() * bytes;
		int fresh = 1;

#pragma omp for schedule(dynamic)
		for (size_t i = 0; i < seqs * heads; i++)
			if (places)
				attend_all(k, step, i % seqs, i / seqs, &fresh, work);
			else
				attend_all(k, step, i / heads, i % heads, &fresh, work);
	}
}

static void over_rows(const struct rows_of_step *s,
	void (*run)(const struct rows_of_step *s, size_t row, size_t n))
{
	if (s->rows * s->cols < ALONE || omp_get_max_threads() == 1) {
		run(s, 0, s->rows);
		return;
	}
#pragma omp parallel
	{
		size_t n = (size_t)omp_get_num_threads(), i = (size_t)omp_get_thread_num();
		size_t from = s->rows * i / n, to = s->rows * (i + 1) / n;

		run(s, from, to - from);
	}
}

static int run_step(const struct kernels *kernels, const struct tn_step *step,
	struct tn_call *call)
{
	struct rows_of_step s = { kernels, step, kernel_rows_of(&step->in[0]),
		kernel_rows_of(&step->out[0]), kernel_n_rows(&step->out[0]),
		tn_row_size(&step->out[0]) };

	switch (step->node->op) {
	case TN_OP_ATTENTION:
		if (disentangled(step->node) && kernel_check_places(step, 3, call))
			return tn_status(call);
		attention(kernels, step);
		return 0;
	case TN_OP_GATHER:
	case TN_OP_SEGMENT:
		if (check_indexes(&s, call))
			return tn_status(call);
		over_rows(&s, step->node->op == TN_OP_GATHER ? gather : segment);
		return 0;
	case TN_OP_CONCAT:
		over_rows(&s, concat);
		return 0;
	case TN_OP_ROPE:
		over_rows(&s, rope);
		return 0;
	case TN_OP_ADD:
	case TN_OP_MUL:
		over_rows(&s, add_or_mul);
		return 0;
	case TN_OP_LAYER_NORM:
	case TN_OP_RMS_NORM:
		over_rows(&s, norm);
		return 0;
	default:
		over_rows(&s, elementwise);
		return 0;
	}
}

int kernels_run(const struct kernels *kernels, const struct tn_step *step, struct tn_call *call)
{
	return (grad_knows(step->node->op) ? grad_run : run_step)(kernels, step, call);
}
