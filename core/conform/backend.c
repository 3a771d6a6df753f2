/* SPDX-License-Identifier: Apache-2.0
 * core/conform/backend.c - the conformance suite of backends.
 */
#include "conform/backend.h"

#include <omp.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "conform/suite.h"

void suite_result(struct suite *s, int ok, const char *format, ...)
{
	char line[400];
	va_list args;

	va_start(args, format);
	vsnprintf(line, sizeof(line), format, args);
	va_end(args);
	s->to->passed += ok != 0;
	s->to->failed += ok == 0;
	s->to->receive(s->to->user, ok, line);
}

void suite_doing(struct suite *s, const struct conform_node *n, const char *what)
{
	if (s->to->doing)
		s->to->doing(s->to->user, n->node.name, what);
}

/* |a - b| <= tolerance * max(1, |b|) for values and weights of -1..1.  Sums of k
 * products in another order differ by about 1e-7 sqrt(k). */
static double tolerance(uint32_t op)
{
	switch (op) {
	case TN_OP_LINEAR:
	case TN_OP_MATMUL:
	case TN_OP_ATTENTION:
	case TN_OP_LAYER_NORM:
	case TN_OP_RMS_NORM:
	case TN_OP_SOFTMAX:
	case TN_OP_REDUCE:
	case TN_OP_ACT_GRAD:
	case TN_OP_CROSS_ENTROPY:
	case TN_OP_ATTENTION_GRAD:
	case TN_OP_ATTENTION_BIAS_GRAD:
	case TN_OP_LAYER_NORM_GRAD:
	case TN_OP_RMS_NORM_GRAD:
	case TN_OP_SOFTMAX_GRAD:
		return 2e-5;
	case TN_OP_CONCAT:
	case TN_OP_GATHER:
	case TN_OP_WHERE:
	case TN_OP_CAST:
		return 0;
	default:
		return 2e-6;
	}
}

/* One node against the reference. */
static void compare(struct suite *s, struct conform_node *n, const char *what)
{
	struct conform_node exact = *n;
	struct tn_offer offer, plain = { 0 };
	struct tn_call *call = s->call;
	void *packed = NULL;
	double distance = 0;

	suite_doing(s, n, what);
	if (!conform_offered(s->tested, n, &offer))
		return;
	if (conform_copy(n, &exact) || conform_run(s->reference, &exact, &plain, NULL, call)) {
		suite_result(s, 0, "%s %s: the reference: %s", n->node.name, what, tn_error_text(call));
		tn_clear(call);
		return;
	}
	for (int views = 0; views < 2 && !tn_status(call); views++) {
		for (uint32_t i = 0; views && i < n->node.n_in; i++)
			if (offer.strided >> i & 1 && n->in_spec[i].n_dims == 2 &&
			    n->in_spec[i].axis != TN_NO_AXIS)
				conform_widen(n, i);
		if (conform_pack(s->tested, n, &offer, &packed) ||
		    conform_run(s->tested, n, &offer, packed, call))
			break;
		for (uint32_t o = 0; o < n->node.n_out; o++) {
			double d = conform_distance(n, &exact, o);

			distance = d > distance ? d : distance;
		}
		if (packed)
			s->tested->plugin->impl.backend->unpack(s->tested, packed);
		packed = NULL;
	}
	if (tn_status(call)) {
		suite_result(s, 0, "%s %s: %s", n->node.name, what, tn_error_text(call));
		tn_clear(call);
		return;
	}
	suite_result(s, distance <= tolerance(n->node.op), "%s %s: off by %.2g of %.2g",
		n->node.name, what, distance, tolerance(n->node.op));
}

void suite_compare(struct suite *s, struct conform_node *n, uint32_t op, size_t rows,
	const char *what)
{
	if (!conform_finish(n, op, rows)) {
		compare(s, n, what);
		return;
	}
	suite_result(s, 0, "%s %s: %s", n->node.name, what, tn_error_text(s->call));
	tn_clear(s->call);
}

struct conform_node suite_node(struct suite *s)
{
	tn_call_reset(s->call);
	return (struct conform_node){ .call = s->call, .seed = 7 };
}

static const size_t row_counts[] = { 1, 3, 8, 21, 300 };
static const size_t widths[] = { 1, 3, 25, 96, 384 };

/* Puts together a node of [rows][cols] inputs for an op; 0 when the op is no such. */
static int row_op(struct conform_node *n, uint32_t op, int variant, size_t rows, size_t cols)
{
	conform_rows(n, 0, rows, op == TN_OP_GLU ? 2 * cols : cols);
	switch (op) {
	case TN_OP_CONCAT:
		conform_rows(n, 0, rows, 7);
		conform_rows(n, 0, rows, cols);
		return variant == 0;
	case TN_OP_ADD:
	case TN_OP_MUL:
		if (variant == 0)
			conform_rows(n, 0, rows, cols);
		else if (variant == 1)
			conform_weight(n, cols, 0);
		else
			conform_rows(n, 0, rows, 1);
		return variant < 3;
	case TN_OP_SCALE:
		n->node.attr.scale.by = -0.25;
		n->node.attr.scale.plus = 2;
		return variant == 0;
	case TN_OP_ACT:
	case TN_OP_GLU:
		n->node.attr.act.kind = (uint32_t)variant + 1;
		return variant + 1 <= TN_ACT_SIGMOID;
	case TN_OP_LAYER_NORM:
		n->node.attr.norm.eps = 1e-5;
		n->node.attr.norm.bias = variant & 1;
		n->node.attr.norm.residual = variant >> 1 & 1;
		conform_weight(n, cols, 0);
		if (variant & 1)
			conform_weight(n, cols, 0);
		if (variant & 2)
			conform_rows(n, 0, rows, cols);
		return variant < 4;
	case TN_OP_RMS_NORM:
		n->node.attr.norm.eps = 1e-6;
		conform_weight(n, cols, 0);
		return variant == 0;
	case TN_OP_L2NORM:
		n->node.attr.norm.eps = 1e-12;
		return variant == 0;
	case TN_OP_SOFTMAX:
		n->node.attr.softmax.log = (uint32_t)variant;
		return variant < 2;
	case TN_OP_REDUCE:
		n->node.attr.reduce.kind = (uint32_t)variant;
		n->node.attr.reduce.over = 1;
		return variant <= TN_MAX;
	default:
		return 0;
	}
}

/* A linear node: parts of cols, cols + 3, ... columns, by the bits of variant. */
static void linear(struct conform_node *n, int variant, size_t rows, size_t ins, size_t outs)
{
	size_t sum = 0;

	n->node.attr.linear.bias = variant & 1;
	n->node.attr.linear.act = variant & 2 ? 1 + (uint32_t)variant / 16 % 6 : TN_ACT_NONE;
	n->node.attr.linear.residual = variant >> 2 & 1;
	n->node.attr.linear.parts = variant & 8 ? 3 : 1;
	conform_rows(n, 0, rows, ins);
	for (uint32_t p = 0; p < n->node.attr.linear.parts; p++) {
		conform_weight(n, outs + 3 * p, ins);
		if (variant & 1)
			conform_weight(n, outs + 3 * p, 0);
		sum += outs + 3 * p;
	}
	if (variant & 4)
		conform_rows(n, 0, rows, sum);
}

/* Each op, from the `from`-th row count on. */
static void run_row_ops(struct suite *s, size_t from)
{
	char what[100];

	for (uint32_t op = 0; op < TN_OP_ACT_GRAD; op++)
		for (int variant = 0; variant < 6; variant++)
			for (size_t i = from; i < N_OF(row_counts); i++) {
				struct conform_node n = suite_node(s);
				size_t cols = widths[(i + (size_t)variant) % N_OF(widths)];

				if (!row_op(&n, op, variant, row_counts[i], cols))
					continue;
				snprintf(what, sizeof(what), "[%zu][%zu] variant %d",
					row_counts[i], cols, variant);
				suite_compare(s, &n, op, row_counts[i], what);
			}
}

/* precision: 0, or what the factors of the products are rounded to.  By the rules of eight
 * bits and of bf16 all backends have the same factors, so the tolerance is the same. */
static void run_linear(struct suite *s, size_t from, enum tn_dtype precision)
{
	char what[100];

	for (int variant = 0; variant < 96; variant += variant < 16 ? 1 : 16)
		for (size_t i = from; i < N_OF(row_counts); i++) {
			struct conform_node n = suite_node(s);
			size_t ins = widths[(i + (size_t)variant) % N_OF(widths)];
			size_t outs = widths[(i * 2 + (size_t)variant / 3) % N_OF(widths)];

			linear(&n, variant | (variant < 16 ? 0 : 7), row_counts[i], ins, outs);
			n.node.attr.linear.precision = precision;
			snprintf(what, sizeof(what), "[%zu][%zu] to %zu variant %d%s%s",
				row_counts[i], ins, outs, variant, precision ? " in " : "",
				precision ? tn_dtype_name(precision) : "");
			suite_compare(s, &n, TN_OP_LINEAR, row_counts[i], what);
		}
}

/* Rows of a constant have no slack: what lies behind them stays. */
static void run_linear_of_constant(struct suite *s)
{
	struct conform_node n = suite_node(s);
	const unsigned char *behind;
	int ok = 1;

	conform_weight(&n, 5, 25);
	conform_weight(&n, 33, 25);
	n.node.weight_in = 2;
	n.node.attr.linear.parts = 1;
	suite_compare(s, &n, TN_OP_LINEAR, 5, "of a constant");
	behind = (const unsigned char *)((float *)tn_host_data(&n.in[0]) + 5 * 25);
	for (size_t i = 0; i < TN_ROW_SLACK * 25 * sizeof(float); i++)
		ok &= behind[i] == 0xff;
	suite_result(s, ok, "linear of a constant: what lies behind it stays");
}

static void run_matmul(struct suite *s, enum tn_dtype precision)
{
	for (uint32_t variant = 0; variant < 4; variant++) {
		struct conform_node n = suite_node(s);
		char what[100];

		n.node.attr.matmul.transpose_a = variant & 1;
		n.node.attr.matmul.transpose_b = variant >> 1;
		n.node.attr.matmul.precision = precision;
		conform_weight(&n, variant & 1 ? 25 : 33, variant & 1 ? 33 : 25);
		conform_weight(&n, variant & 2 ? 41 : 25, variant & 2 ? 25 : 41);
		n.node.weight_in = 0;
		snprintf(what, sizeof(what), "[33][25][41] variant %u%s", variant,
			precision ? " in BF16" : "");
		suite_compare(s, &n, TN_OP_MATMUL, 33, what);
	}
	/* A weight's gradient: sums over more rows than a slab has. */
	for (size_t i = 0; i < 2; i++) {
		const size_t rows = i ? 700 : 512;
		struct conform_node n = suite_node(s);

		char what[100];

		n.node.attr.matmul.transpose_a = 1;
		n.node.attr.matmul.precision = precision;
		conform_rows(&n, 0, rows, 70);
		conform_rows(&n, 0, rows, 41);
		snprintf(what, sizeof(what), "over %zu rows%s", rows, precision ? " in BF16" : "");
		suite_compare(s, &n, TN_OP_MATMUL, 70, what);
	}
}

static void run_gather(struct suite *s)
{
	static const int32_t index[] = { 4, 0, -1, 4, 16, 9, 3 };
	static const int32_t begin[] = { 0, 3, 3, 16, 5, 0, 9 }, end[] = { 17, 3, 5, 17, 16, 1, 2 };

	static const struct { uint32_t precision; const char *what; } tables[] = {
		[TN_SUM] = { 0, "rows" }, [TN_MEAN] = { TN_BF16, "rows in BF16" },
		[TN_MAX] = { TN_I8, "rows in I8" } };

	for (size_t i = 0; i < N_OF(widths); i++)
		for (uint32_t kind = TN_SUM; kind <= TN_MAX; kind++) {
			struct conform_node n = suite_node(s);

			n.node.attr.reduce.kind = kind;
			conform_rows(&n, 0, 17, widths[i]);
			conform_index(&n, 1, begin, 7);
			conform_index(&n, 1, end, 7);
			suite_compare(s, &n, TN_OP_SEGMENT, 7,
				kind == TN_MAX ? "max" : kind ? "mean" : "sum");
			n = suite_node(s);
			conform_weight(&n, 17, widths[i]);
			conform_index(&n, 0, index, 7);
			n.node.attr.gather.precision = tables[kind].precision;
			suite_compare(s, &n, TN_OP_GATHER, 7, tables[kind].what);
		}
}

/* The batch `n` has been run; runs other batches of its rows and compares bits. */
static int rows_stay(struct suite *s, struct conform_node *n, const struct tn_offer *offer,
	const void *packed, size_t rows)
{
	static const size_t counts[] = { 1, 2, 3, 7, 8, 9, 16, 40, 100, 511 };
	struct conform_node some;
	size_t picked[600];
	uint64_t seed = 3;

	for (size_t i = 0; i < N_OF(counts); i++) {
		const size_t count = counts[i] < rows ? counts[i] : rows;
		struct tn_mark mark = tn_arena_mark(tn_call_arena(s->call));

		for (size_t r = 0; r < count; r++)
			picked[r] = (size_t)((conform_number(&seed) + 1) / 2 * (double)rows);
		if (conform_pick(n, picked, count, &some) ||
		    conform_run(s->tested, &some, offer, packed, s->call))
			return -1;
		for (size_t r = 0; r < count; r++)
			if (!conform_same_row(&some, r, n, picked[r]))
				return (int)count;
		tn_arena_rewind(tn_call_arena(s->call), mark);
	}
	return 0;
}

void suite_rows_stay(struct suite *s, struct conform_node *n, size_t rows, const char *what)
{
	struct tn_offer offer;
	void *packed;
	int at;

	suite_doing(s, n, what);
	if (tn_status(s->call) || !conform_offered(s->tested, n, &offer))
		return;
	at = conform_pack(s->tested, n, &offer, &packed) ||
		conform_run(s->tested, n, &offer, packed, s->call) ? -1 :
		rows_stay(s, n, &offer, packed, rows);
	if (packed)
		s->tested->plugin->impl.backend->unpack(s->tested, packed);
	if (at < 0)
		suite_result(s, 0, "%s %s: %s", n->node.name, what, tn_error_text(s->call));
	else if (at > 0)
		suite_result(s, 0, "%s %s: among %d rows other bits than among %zu", n->node.name, what,
			at, rows);
	else
		suite_result(s, 1, "%s %s: bits do not depend on the batch", n->node.name, what);
	tn_clear(s->call);
}

static void run_rows_stay(struct suite *s)
{
	static const size_t shapes[][2] = { { 384, 384 }, { 384, 1536 }, { 1536, 384 }, { 96, 2 },
		{ 25, 312 }, { 768, 1 }, { 312, 312 }, { 768, 2304 } };
	static const uint32_t precisions[] = { 0, TN_BF16, TN_I8 };
	const size_t rows = 600;
	char what[100];

	for (size_t i = 0; i < N_OF(precisions) * N_OF(shapes); i++) {
		const uint32_t precision = precisions[i % N_OF(precisions)];
		struct conform_node n = suite_node(s);
		const size_t variant = i / N_OF(precisions), *shape = shapes[variant];

		linear(&n, (int)variant, rows, shape[0], shape[1]);
		n.node.attr.linear.precision = precision;
		snprintf(what, sizeof(what), "%zu to %zu%s%s", shape[0], shape[1],
			precision ? " in " : "",
			precision ? tn_dtype_name((enum tn_dtype)precision) : "");
		if (!conform_finish(&n, TN_OP_LINEAR, rows))
			suite_rows_stay(s, &n, rows, what);
	}
	struct conform_node product = suite_node(s);

	conform_rows(&product, 0, rows, 96);
	conform_weight(&product, 96, 50);
	if (!conform_finish(&product, TN_OP_MATMUL, rows))
		suite_rows_stay(s, &product, rows, "96 to 50");
	for (uint32_t op = 0; op < TN_OP_ACT_GRAD; op++) {
		struct conform_node n = suite_node(s);

		if (row_op(&n, op, 0, rows, 384) && !conform_finish(&n, op, rows))
			suite_rows_stay(s, &n, rows, "of 384");
	}
}

/* What one of several threads does: its own rows through the shared packing. */
struct worker {
	pthread_t thread;
	const struct tn_backend *backend;
	const struct tn_offer *offer;
	const void *packed;
	struct conform_node node;
	const struct conform_node *expected;
	struct tn_call *call;
	int ok;
};

static void *work(void *data)
{
	struct worker *w = data;

	omp_set_num_threads(1);
	for (int i = 0; i < 20 && w->ok; i++) {
		w->ok = !conform_run(w->backend, &w->node, w->offer, w->packed, w->call);
		for (size_t r = 0; w->ok && r < w->node.in[0].dims[0]; r++)
			w->ok = conform_same_row(&w->node, r, w->expected, r);
		tn_call_reset(w->call);
	}
	return NULL;
}

static void run_threads(struct suite *s)
{
	struct worker workers[4] = { 0 };
	struct conform_node n = suite_node(s);
	struct tn_offer offer;
	void *packed = NULL;
	size_t rows[90];
	int ok = 1;

	for (size_t r = 0; r < 90; r++)
		rows[r] = r;
	omp_set_num_threads(1);
	linear(&n, 7, 90, 384, 96);
	if (conform_finish(&n, TN_OP_LINEAR, 90) || !conform_offered(s->tested, &n, &offer) ||
	    conform_pack(s->tested, &n, &offer, &packed) ||
	    conform_run(s->tested, &n, &offer, packed, s->call))
		return;
	for (int i = 0; i < 4; i++) {
		workers[i] = (struct worker){ .backend = s->tested, .offer = &offer,
			.packed = packed, .expected = &n, .call = tn_call_create(), .ok = 1 };
		ok &= workers[i].call && !conform_pick(&n, rows, 70 + 5 * (size_t)i,
			&workers[i].node);
	}
	for (int i = 0; ok && i < 4; i++)
		ok = !pthread_create(&workers[i].thread, NULL, work, &workers[i]);
	for (int i = 0; i < 4; i++) {
		if (workers[i].thread)
			pthread_join(workers[i].thread, NULL);
		ok &= workers[i].ok;
		tn_call_destroy(workers[i].call);
	}
	if (packed)
		s->tested->plugin->impl.backend->unpack(s->tested, packed);
	suite_result(s, ok, "linear: four threads at once give the bits of one");
}

static double seconds(clockid_t clock)
{
	struct timespec t;

	clock_gettime(clock, &t);
	return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* No more threads at work than the team has: CPU time against the wall clock. */
static void run_budget(struct suite *s)
{
	struct conform_node n = suite_node(s);
	const double team = (double)omp_get_max_threads();
	double wall, cpu;
	struct tn_offer offer;
	void *packed = NULL;

	linear(&n, 0, 512, 768, 1536);
	if (conform_finish(&n, TN_OP_LINEAR, 512) || !conform_offered(s->tested, &n, &offer) ||
	    conform_pack(s->tested, &n, &offer, &packed))
		return;
	wall = seconds(CLOCK_MONOTONIC);
	cpu = seconds(CLOCK_PROCESS_CPUTIME_ID);
	for (int i = 0; i < 8 && !tn_status(s->call) && seconds(CLOCK_MONOTONIC) < wall + 0.5; i++)
		conform_run(s->tested, &n, &offer, packed, s->call);
	cpu = seconds(CLOCK_PROCESS_CPUTIME_ID) - cpu;
	wall = seconds(CLOCK_MONOTONIC) - wall;
	if (packed)
		s->tested->plugin->impl.backend->unpack(s->tested, packed);
	suite_result(s, !tn_status(s->call) && cpu <= wall * (team + 0.2),
		"linear: %.2f threads at work, the team has %.0f", cpu / wall, team);
}

int tn_conform_backend(const struct tn_backend *tested, const struct tn_backend *reference,
	struct tn_conform *to, struct tn_call *call)
{
	struct suite s = { tested, reference, to, call };
	const int team = omp_get_max_threads();

	for (int threads = 1; threads <= 2; threads++) {
		omp_set_num_threads(threads);
		run_row_ops(&s, threads == 1 ? 0 : N_OF(row_counts) - 1);
		run_linear(&s, threads == 1 ? 0 : N_OF(row_counts) - 1, 0);
		run_linear(&s, threads == 1 ? 0 : N_OF(row_counts) - 1, TN_BF16);
		run_linear(&s, threads == 1 ? 0 : N_OF(row_counts) - 1, TN_I8);
		run_linear_of_constant(&s);
		run_matmul(&s, 0);
		run_matmul(&s, TN_BF16);
		run_gather(&s);
		suite_gradients(&s);
		run_rows_stay(&s);
		suite_positions(&s);
		run_budget(&s);
	}
	run_threads(&s);
	omp_set_num_threads(team);
	return tn_status(call);
}
