/* SPDX-License-Identifier: Apache-2.0
 * kernels/int8.c - linear layers and tables in eight bits: packing, and the work shared among
 * the threads of the team.
 */
#include <math.h>
#include <omp.h>
#include <stdlib.h>
#include <string.h>

#include "gemm.h"
#include "int8.h"
#include "isa.h"

#define NARROW 32	/* outputs: fewer gain nothing */
#define DEEPEST 65536	/* inputs: 127 * 127 * 65536 < 2^31 */

struct int8_linear {
	enum linear_kind kind;
	const struct int8_kernels *int8;
	size_t ins, outs;
	size_t groups, panels;
	int act;
	int8_t *w;			/* [panels][groups][cols][group] */
	float *w_scale;			/* [panels * cols] */
	int32_t *w_sum;			/* [panels * cols] */
	float *bias;			/* [panels * cols]; zeros without */
};

/** The weights of a table. */
struct int8_table {
	enum linear_kind kind;
	size_t cols;
	size_t filled;			/* rows so far */
	int8_t *q;			/* [rows][cols] */
	float *scale;			/* [rows] */
};

const struct int8_kernels *int8_choose(const struct kernels *kernels)
{
#ifdef KERNELS_X86
	if (kernels == &kernels_table_avx512)
		return __builtin_cpu_supports("avx512vnni") ? &kernels_int8_vnni :
			&kernels_int8_avx512;
	if (kernels == &kernels_table_avx2)
		return &kernels_int8_avx2;
#endif
	return &kernels_int8_plain;
}

/* Bytes of one quantized row, a whole number of cache lines. */
static size_t row_bytes(const struct int8_kernels *int8, size_t ins)
{
	return ((ins + 3) / 4 * 4 * int8->x_bytes + 63) & ~(size_t)63;
}

static size_t space_of(const struct int8_kernels *int8, size_t ins)
{
	return (INT8_BLOCK * (row_bytes(int8, ins) + sizeof(float)) + 63) & ~(size_t)63;
}

static int linear_int8_supports(const struct int8_kernels *int8, const struct tn_node *node,
	struct tn_offer *offer)
{
	const struct tn_spec *x = node->in[0], *y = node->out[0];

	if (y->dims[1] < NARROW)
		return kernel_refuse(offer, "%zu outputs gain nothing from int8", y->dims[1]);
	if (x->dims[1] > DEEPEST)
		return kernel_refuse(offer, "sums of %zu products do not fit in 32 bits", x->dims[1]);
	if (!linear_supports(node, 1, offer))
		return 0;
	offer->workspace = space_of(int8, x->dims[1]);
	return 1;
}

/* One output's weights into lane `lane` of its panel. */
static void pack_output(struct int8_linear *l, size_t out, const float *w, int8_t *q)
{
	const size_t group = l->int8->group, cols = l->int8->cols;
	int8_t *to = l->w + out / cols * l->groups * cols * group + out % cols * group;
	int32_t sum = 0;

	tn_quantize_row(w, l->ins, q, &l->w_scale[out]);
	for (size_t i = 0; i < l->ins; i++) {
		to[i / group * cols * group + i % group] = q[i];
		sum += q[i];
	}
	l->w_sum[out] = sum;
}

static void linear_destroy(struct int8_linear *l)
{
	tn_pack_free(l->w);
	free(l->w_scale);
	free(l->w_sum);
	free(l->bias);
	free(l);
}

/* Room for the outputs of all parts; NULL: there is none. */
static struct int8_linear *linear_create(const struct int8_kernels *int8,
	const struct tn_node *node)
{
	struct int8_linear *l = calloc(1, sizeof(*l));
	size_t all;

	if (!l)
		return NULL;
	*l = (struct int8_linear){ .kind = LINEAR_INT8, .int8 = int8, .ins = node->in[0]->dims[1],
		.outs = node->out[0]->dims[1], .act = (int)node->attr.linear.act };
	l->groups = (l->ins + int8->group - 1) / int8->group;
	l->panels = (l->outs + int8->cols - 1) / int8->cols;
	all = l->panels * int8->cols;
	l->w = tn_pack_alloc(all * l->groups * int8->group);
	l->w_scale = calloc(all, sizeof(*l->w_scale));
	l->w_sum = calloc(all, sizeof(*l->w_sum));
	l->bias = calloc(all, sizeof(*l->bias));
	if (l->w && l->w_scale && l->w_sum && l->bias) {
		memset(l->w, 0, all * l->groups * int8->group);
		return l;
	}
	linear_destroy(l);
	return NULL;
}

static int linear_pack(void **made, const struct int8_kernels *int8,
	const struct tn_node *node, const struct tn_tensor *weights, size_t *bytes,
	struct tn_call *call)
{
	const size_t step = node->attr.linear.bias ? 2 : 1;
	struct int8_linear *l = linear_create(int8, node);
	int8_t *q = malloc(node->in[0]->dims[1] + 1);
	size_t at = 0;

	if (!l || !q) {
		if (l)
			linear_destroy(l);
		free(q);
		return tn_fail(call, TN_ENOMEM, "out of memory for the weights of %s", node->name);
	}
	for (size_t p = 0; p < node->attr.linear.parts; p++) {
		const struct tn_tensor *w = &weights[p * step];

		if (step == 2)
			memcpy(l->bias + at, tn_host_data(w + 1), w->dims[0] * sizeof(float));
		for (size_t r = 0; r < w->dims[0]; r++, at++)
			pack_output(l, at, (const float *)tn_host_data(w) + r * w->row_stride, q);
	}
	*bytes = l->panels * int8->cols * (l->groups * int8->group + 3 * sizeof(float));
	*made = l;
	free(q);
	return 0;
}

/* What a thread works on: a block of rows, quantized, against some panels. */
struct job {
	const struct int8_linear *l;
	const struct kernels *kernels;
	struct kernel_rows x, y, residual;
	size_t rows;
	char *q;
	float *scale;
};

static void quantize_block(const struct job *j, size_t from, size_t n)
{
	const struct int8_linear *l = j->l;
	const size_t bytes = row_bytes(l->int8, l->ins);

	for (size_t r = 0; r < n; r++)
		l->int8->quantize(j->q + r * bytes, &j->scale[r],
			j->x.at + (from + r) * j->x.stride, l->ins, l->groups * l->int8->group);
}

static void run_panel(const struct job *j, size_t from, size_t n, size_t panel)
{
	const struct int8_linear *l = j->l;
	const size_t first = panel * l->int8->cols;
	const size_t width = l->outs - first < l->int8->cols ? l->outs - first : l->int8->cols;
	const struct kernel_rows y = { j->y.at + from * j->y.stride + first, j->y.stride };
	const struct kernel_rows residual = { j->residual.at ?
		j->residual.at + from * j->residual.stride + first : NULL, j->residual.stride };
	const struct int8_panel p = { .x = j->q, .x_stride = row_bytes(l->int8, l->ins),
		.x_scale = j->scale, .w = l->w + first * l->groups * l->int8->group,
		.w_scale = l->w_scale + first, .bias = l->bias + first,
		.w_sum = l->w_sum + first, .groups = l->groups, .y = y, .rows = n, .n = width,
		.act = l->act, .residual = residual, .kernels = j->kernels };

	l->int8->panel(&p);
}

/* Tasks from .. to: blocks of rows, each with all panels. */
static void run_tasks(const struct job *j, size_t from, size_t to)
{
	size_t held = SIZE_MAX;

	for (size_t t = from; t < to; t++) {
		const size_t block = t / j->l->panels, first = block * INT8_BLOCK;
		const size_t n = j->rows - first < INT8_BLOCK ? j->rows - first : INT8_BLOCK;

		if (block != held)
			quantize_block(j, first, n);
		held = block;
		run_panel(j, first, n, t % j->l->panels);
	}
}

static void linear_run(const struct int8_linear *l, const struct kernels *kernels,
	const struct tn_step *step)
{
	const size_t space = space_of(l->int8, l->ins);
	const struct tn_tensor *residual = step->node->attr.linear.residual ?
		&step->in[step->node->n_in - 1] : NULL;
	const struct job all = { .l = l, .kernels = kernels, .x = kernel_rows_of(&step->in[0]),
		.y = kernel_rows_of(&step->out[0]),
		.residual = residual ? kernel_rows_of(residual) : (struct kernel_rows){ 0 },
		.rows = kernel_n_rows(&step->out[0]) };
	const size_t tasks = (all.rows + INT8_BLOCK - 1) / INT8_BLOCK * l->panels;

#pragma omp parallel
	{
		const size_t team = (size_t)omp_get_num_threads(), me = (size_t)omp_get_thread_num();
		struct job mine = all;

		mine.q = (char *)step->workspace + me * space;
		mine.scale = (float *)(mine.q + INT8_BLOCK * row_bytes(l->int8, l->ins));
		run_tasks(&mine, tasks * me / team, tasks * (me + 1) / team);
	}
}

static struct int8_table *table_create(size_t rows, size_t cols)
{
	struct int8_table *t = calloc(1, sizeof(*t));

	if (!t)
		return NULL;
	*t = (struct int8_table){ TABLE_INT8, cols, 0, tn_pack_alloc(rows * cols),
		malloc(rows * sizeof(*t->scale)) };
	if (t->q && t->scale)
		return t;
	int8_unpack(t);
	return NULL;
}

/* The next rows of the table. */
static int table_pack(void **made, const struct tn_node *node, const struct tn_tensor *weights,
	size_t *bytes, struct tn_call *call)
{
	const size_t rows = node->in[0]->dims[0], cols = node->in[0]->dims[1];
	const float *w = tn_host_data(weights);
	struct int8_table *t = *made ? *made : table_create(rows, cols);

	if (!t)
		return tn_fail(call, TN_ENOMEM, "out of memory for the weights of %s", node->name);
	*made = t;
	for (size_t r = 0; r < weights->dims[0] && t->filled < rows; r++, t->filled++)
		tn_quantize_row(w + r * weights->row_stride, cols, t->q + t->filled * cols,
			&t->scale[t->filled]);
	*bytes = rows * (cols + sizeof(*t->scale));
	return 0;
}

static void table_run(const struct int8_table *t, const struct tn_step *step)
{
	const struct kernel_rows y = kernel_rows_of(&step->out[0]);
	const int32_t *index = tn_host_data(&step->in[1]);

	for (size_t r = 0; r < kernel_n_rows(&step->out[0]); r++) {
		const int known = index[r] >= 0;
		const int8_t *q = t->q + (known ? (size_t)index[r] * t->cols : 0);
		const float scale = known ? t->scale[index[r]] : 0;
		float *to = y.at + r * y.stride;

		for (size_t c = 0; c < t->cols; c++)
			to[c] = (float)q[c] * scale;
	}
}

int int8_supports(const struct int8_kernels *int8, const struct tn_node *node,
	struct tn_offer *offer)
{
	if (node->op == TN_OP_LINEAR)
		return linear_int8_supports(int8, node, offer);
	if (node->in[0]->dtype != TN_F32)
		return kernel_refuse(offer, "the table is not F32");
	offer->pack = 1;
	offer->by_rows = 256;
	offer->strided = 0;
	return 1;
}

int int8_pack(const struct int8_kernels *int8, const struct tn_node *node,
	const struct tn_tensor *weights, void **packed, size_t *bytes, struct tn_call *call)
{
	return node->op == TN_OP_LINEAR ? linear_pack(packed, int8, node, weights, bytes, call) :
		table_pack(packed, node, weights, bytes, call);
}

bool int8_unpack(void *packed)
{
	struct int8_table *t = packed;

	if (t->kind == LINEAR_INT8) {
		linear_destroy(packed);
	} else if (t->kind == TABLE_INT8) {
		tn_pack_free(t->q);
		free(t->scale);
		free(t);
	} else {
		return false;
	}
	return true;
}

void int8_run(const void *packed, const struct kernels *kernels, const struct tn_step *step)
{
	if (step->node->op == TN_OP_LINEAR)
		linear_run(packed, kernels, step);
	else
		table_run(packed, step);
}
