/* SPDX-License-Identifier: Apache-2.0
 * core/conform/gradients.c - the conformance suite of backends: what training runs.
 */
#include <math.h>
#include <omp.h>
#include <stdio.h>
#include <string.h>

#include "conform/suite.h"

static const size_t row_counts[] = { 1, 3, 21, 300 };
static const size_t widths[] = { 1, 3, 25, 96, 384 };

/* Makes the numbers of the last input positive, as a variance is. */
static void make_positive(struct conform_node *n)
{
	const struct tn_tensor *t = &n->in[n->node.n_in - 1];
	float *x = t->buffer && t->buffer->data ? tn_host_data(t) : NULL;

	for (size_t i = 0; x && i < t->dims[0] * t->row_stride; i++)
		x[i] = fabsf(x[i]) + 0.001f;
}

/* Spreads the numbers of the first input over -9 .. 9, where activations bend. */
static void spread(struct conform_node *n)
{
	const struct tn_tensor *t = &n->in[0];
	float *x = t->buffer && t->buffer->data ? tn_host_data(t) : NULL;

	for (size_t i = 0; x && i < t->dims[0] * t->row_stride; i++)
		x[i] *= 9;
}

/* The inputs of a gradient of [rows][cols]; 0 when there is no such variant. */
static int row_gradient(struct conform_node *n, uint32_t op, int variant, size_t rows, size_t cols)
{
	conform_rows(n, 0, rows, cols);
	switch (op) {
	case TN_OP_ACT_GRAD:
		n->node.attr.act.kind = (uint32_t)variant + 1;
		spread(n);
		conform_rows(n, 0, rows, cols);
		return variant + 1 <= TN_ACT_SIGMOID;
	case TN_OP_LAYER_NORM_GRAD:
	case TN_OP_RMS_NORM_GRAD:
		conform_weight(n, cols, 0);
		if (op == TN_OP_LAYER_NORM_GRAD)
			conform_rows(n, 0, rows, 0);
		conform_rows(n, 0, rows, 0);
		make_positive(n);
		conform_rows(n, 0, rows, cols);
		return variant == 0;
	case TN_OP_SOFTMAX_GRAD:
		n->node.attr.softmax.log = (uint32_t)variant;
		conform_rows(n, 0, rows, cols);
		return variant < 2;
	case TN_OP_REDUCE:
		n->node.attr.reduce.kind = (uint32_t)variant;
		n->node.attr.reduce.over = 0;
		return variant <= TN_MAX;
	case TN_OP_DROPOUT:
		n->node.attr.dropout.rate = variant ? 0.9 : 0.1;
		n->node.attr.dropout.key = UINT64_C(0x123456789abcdef) << variant;
		return variant < 2;
	case TN_OP_SUM_SQUARES:
		return variant == 0;
	default:
		return 0;
	}
}

/* The bits of a node are the same with a team of one. */
static void check_team(struct suite *s, struct conform_node *n, const char *what)
{
	struct conform_node alone = *n;
	const int team = omp_get_max_threads();
	struct tn_offer offer;
	int ok;

	if (team == 1 || tn_status(s->call) || !conform_offered(s->tested, n, &offer))
		return;
	ok = !conform_copy(n, &alone) && !conform_run(s->tested, n, &offer, NULL, s->call);
	omp_set_num_threads(1);
	ok = ok && !conform_run(s->tested, &alone, &offer, NULL, s->call);
	omp_set_num_threads(team);
	for (uint32_t o = 0; ok && o < n->node.n_out; o++)
		ok = !memcmp(tn_host_data(&n->out[o]), tn_host_data(&alone.out[o]),
			(n->out[o].n_dims ? n->out[o].dims[0] : 1) * tn_row_size(&n->out[o]) *
			sizeof(float));
	suite_result(s, ok, "%s %s: bits do not depend on the team", n->node.name, what);
	tn_clear(s->call);
}

static void compare(struct suite *s, struct conform_node *n, uint32_t op, size_t rows,
	const char *what)
{
	suite_compare(s, n, op, rows, what);
	check_team(s, n, what);
}

static void run_row_gradients(struct suite *s)
{
	static const uint32_t ops[] = { TN_OP_DROPOUT, TN_OP_REDUCE, TN_OP_ACT_GRAD,
		TN_OP_LAYER_NORM_GRAD, TN_OP_SOFTMAX_GRAD, TN_OP_RMS_NORM_GRAD,
		TN_OP_SUM_SQUARES };
	char what[100];

	for (size_t k = 0; k < N_OF(ops); k++)
		for (int variant = 0; variant < 6; variant++)
			for (size_t i = 0; i < N_OF(row_counts); i++) {
				struct conform_node n = suite_node(s);
				size_t cols = widths[(i + (size_t)variant + 1) % N_OF(widths)];

				if (!row_gradient(&n, ops[k], variant, row_counts[i], cols))
					continue;
				snprintf(what, sizeof(what), "[%zu][%zu] variant %d",
					row_counts[i], cols, variant);
				compare(s, &n, ops[k], row_counts[i], what);
			}
}

static void run_scatter(struct suite *s)
{
	static const int32_t index[] = { 4, 0, -1, 4, 16, 9, 4 };

	for (size_t i = 0; i < 2 * N_OF(widths); i++) {
		struct conform_node n = suite_node(s);

		conform_rows(&n, 0, 7, widths[i / 2]);
		conform_index(&n, 0, index, 7);
		n.node.attr.scatter.rows = i % 2 ? 1000 : 17;
		compare(s, &n, TN_OP_SCATTER_ADD, 7, i % 2 ? "into 1000 rows" : "into 17 rows");
	}
}

static void run_adamw(struct suite *s)
{
	static const float numbers[] = { 0.01f, 0.9f, 0.999f, 1e-8f, 0.1f, 0.19f, 0.002f, 0.5f };

	for (size_t i = 0; i < N_OF(widths); i++) {
		struct conform_node n = suite_node(s);

		for (int k = 0; k < 4; k++)
			conform_weight(&n, row_counts[i % N_OF(row_counts)], widths[i]);
		make_positive(&n);
		conform_weight(&n, 8, 0);
		if (tn_status(s->call))
			return;
		memcpy(tn_host_data(&n.in[4]), numbers, sizeof(numbers));
		compare(s, &n, TN_OP_ADAMW, 0, "of a matrix");
	}
}

/* A loss, and its gradient by what the reference's forward kept. */
static void run_cross_entropy(struct suite *s)
{
	static const int32_t target[] = { 0, 2, -1, 1, 1, 0, 2 };
	static const size_t classes[] = { 3, 25, 1000 };

	for (size_t i = 0; i < 2 * N_OF(classes); i++) {
		struct conform_node n = suite_node(s), back = n;
		struct tn_offer plain = { 0 };

		n.training = true;
		n.node.attr.loss.weighted = i & 1;
		n.node.attr.loss.smoothing = i & 1 ? 0.1f : 0;
		conform_rows(&n, 0, 7, classes[i / 2]);
		conform_index(&n, 0, target, 7);
		if (i & 1)
			conform_weight(&n, classes[i / 2], 0);
		if (conform_finish(&n, TN_OP_CROSS_ENTROPY, 7) ||
		    conform_run(s->reference, &n, &plain, NULL, s->call))
			return;
		back.node.attr = n.node.attr;
		conform_tensor(&back, &n.in_spec[0], &n.in[0]);
		conform_tensor(&back, &n.in_spec[1], &n.in[1]);
		conform_tensor(&back, &n.out_spec[2], &n.out[2]);
		conform_tensor(&back, &n.out_spec[0], &n.out[0]);
		if (i & 1)
			conform_tensor(&back, &n.in_spec[2], &n.in[2]);
		compare(s, &back, TN_OP_CROSS_ENTROPY_GRAD, 7, i & 1 ? "smoothed" : "plain");
		suite_compare(s, &n, TN_OP_CROSS_ENTROPY, 7, i & 1 ? "smoothed" : "plain");
	}
}

/* The gradient node of an attention that ran. */
static struct conform_node attention_back(struct suite *s, const struct conform_node *n,
	uint32_t n_out)
{
	struct conform_node back = suite_node(s);

	back.node.attr = n->node.attr;
	back.node.n_out = n_out;
	back.axis = n->axis;
	back.kv_axis = n->kv_axis;
	for (uint32_t k = 0; k < 3; k++)
		conform_tensor(&back, &n->in_spec[k], &n->in[k]);
	conform_tensor(&back, &n->out_spec[0], &n->out[0]);
	conform_tensor(&back, &n->out_spec[1], &n->out[1]);
	conform_rows(&back, 0, n->axis.rows, tn_row_size(&n->out[0]));
	for (uint32_t k = 3; k < n->node.n_in; k++)
		conform_tensor(&back, &n->in_spec[k], &n->in[k]);
	return back;
}

static void run_attention_gradient(struct suite *s)
{
	static const size_t sizes[] = { 8, 25, 32, 64, 96 };
	char what[100];

	for (int variant = 0; variant < 12; variant++)
		for (size_t i = 0; i < N_OF(sizes); i++) {
			struct conform_node n = suite_node(s), back;
			struct tn_offer plain = { 0 };
			uint32_t bias;

			/* The reference is slow: each size once, each variant with one more. */
			if ((variant && (size_t)variant % N_OF(sizes) != i) ||
			    !suite_attention(&n, variant, sizes[i]))
				continue;
			n.training = true;
			if (conform_finish(&n, TN_OP_ATTENTION, n.axis.rows) ||
			    conform_run(s->reference, &n, &plain, NULL, s->call))
				return;
			bias = n.node.attr.attention.bias;
			snprintf(what, sizeof(what), "head size %zu variant %d", sizes[i], variant);
			back = attention_back(s, &n, bias == TN_BIAS_REL ? 4 : 3);
			compare(s, &back, TN_OP_ATTENTION_GRAD, n.axis.rows, what);
			if (bias != TN_BIAS_DISENTANGLED)
				continue;
			back = attention_back(s, &n, 2);
			compare(s, &back, TN_OP_ATTENTION_BIAS_GRAD, n.axis.rows, what);
		}
}

void suite_gradients(struct suite *s)
{
	run_row_gradients(s);
	run_scatter(s);
	run_adamw(s);
	run_cross_entropy(s);
	run_attention_gradient(s);
}
