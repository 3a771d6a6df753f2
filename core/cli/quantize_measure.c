/* SPDX-License-Identifier: Apache-2.0
 * core/cli/quantize_measure.c - tenon quantize: both precisions over the data, the tables and
 * the configuration that comes out.
 */
#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/config.h"
#include "base/file.h"
#include "bench/clock.h"
#include "cli/quantize.h"
#include "pipeline/effective.h"

#define BATCH 32		/* inputs that are answered together */

/* A batch and its answers, in the call's arena. */
struct batch {
	const struct eval_example *examples;
	size_t n;
	struct tn_input inputs[BATCH];
	const struct tn_value *answers[QUANTIZE_WAYS][BATCH];
	double seconds[QUANTIZE_WAYS];
};

static int run(struct quantize *q, struct batch *b, size_t way)
{
	double start = bench_now();

	if (tn_pipeline_run(q->p[way], b->inputs, b->n, b->answers[way], q->call))
		return tn_status(q->call);
	b->seconds[way] = bench_now() - start;
	return 0;
}

/* Adds the answers to input i to the records of one head. */
static int add(struct quantize *q, const struct batch *b, size_t i, size_t way, size_t head)
{
	struct eval_records *r = &q->records[way][head];

	if (r->task == TN_TASK_VECTOR)
		return eval_records_add_vector(r, tn_get(b->answers[way][i], r->head),
			tn_get(b->answers[QUANTIZE_FP32][i], r->head), q->call);
	return eval_records_wants(r, &b->examples[i]) ?
		eval_records_add(r, &b->examples[i], b->answers[way][i], q->call) : 0;
}

static int count(struct quantize *q, const struct batch *b)
{
	for (size_t i = 0; i < b->n; i++)
		for (size_t w = 0; w < QUANTIZE_WAYS; w++)
			for (size_t h = 0; h < q->n_records; h++)
				if (add(q, b, i, w, h))
					return tn_status(q->call);
	return 0;
}

/* By turns, the first one changing, so that neither profits from a quiet moment. */
static int run_batch(struct quantize *q, struct batch *b, size_t first)
{
	b->n = q->data.n - first < BATCH ? q->data.n - first : BATCH;
	b->examples = q->data.items + first;
	for (size_t i = 0; i < b->n; i++)
		b->inputs[i] = b->examples[i].input;
	for (size_t w = 0; w < QUANTIZE_WAYS; w++)
		if (run(q, b, (q->n_batches + w) % QUANTIZE_WAYS))
			return tn_status(q->call);
	return 0;
}

int quantize_measure(struct quantize *q)
{
	struct batch *b = tn_arena_alloc(q->arena, sizeof(*b));

	q->ratios = tn_arena_alloc(q->arena, (q->data.n / BATCH + 1) * sizeof(*q->ratios));
	if (!b || !q->ratios)
		return tn_fail(q->call, TN_ENOMEM, "out of memory");
	/* Not counted: it warms both up. */
	if (run_batch(q, b, 0))
		return tn_status(q->call);
	progress_begin(&q->progress);
	for (size_t i = 0; i < q->data.n; i += BATCH) {
		tn_call_reset(q->call);
		if (run_batch(q, b, i) || count(q, b))
			break;
		q->ratios[q->n_batches++] = b->seconds[QUANTIZE_FP32] / b->seconds[QUANTIZE_LOW];
		for (size_t w = 0; w < QUANTIZE_WAYS; w++)
			q->seconds[w] += b->seconds[w];
		progress_count(&q->progress, i + b->n, (double)(i + b->n) / (double)q->data.n);
	}
	progress_clear(&q->progress);
	return tn_status(q->call);
}

struct quantize_metrics quantize_metrics(const struct quantize *q, size_t i)
{
	struct eval_score before[EVAL_MOST_SCORES], after[EVAL_MOST_SCORES];
	struct quantize_metrics m = {
		.n = eval_records_scores(&q->records[QUANTIZE_FP32][i], NULL, before) };

	if (m.n > QUANTIZE_MOST_METRICS)
		m.n = QUANTIZE_MOST_METRICS;
	if (eval_records_scores(&q->records[QUANTIZE_LOW][i], NULL, after) < m.n)
		m.n = 0;
	for (size_t k = 0; k < m.n; k++) {
		m.items[k].name = before[k].name;
		m.items[k].fp32 = before[k].value;
		m.items[k].low = after[k].value;
	}
	return m;
}

static int compare_doubles(const void *left, const void *right)
{
	double a = *(const double *)left, b = *(const double *)right;

	return (a > b) - (a < b);
}

static double median(double *x, size_t n)
{
	qsort(x, n, sizeof(*x), compare_doubles);
	return n % 2 ? x[n / 2] : (x[n / 2 - 1] + x[n / 2]) / 2;
}

/* The k-th metric of a head; only the first has a limit.  NULL when memory ran out. */
static struct tn_value *metric_row(struct quantize *q, const struct eval_records *records,
	const struct quantize_metrics *m, size_t k)
{
	struct tn_arena *arena = tn_call_arena(q->call);
	struct tn_value *row = tn_new_object(arena);
	double fp32 = m->items[k].fp32, low = m->items[k].low;

	eval_set_text(arena, row, "row", "head");
	eval_set_text(arena, row, "head", records->head);
	eval_set_text(arena, row, "metric", m->items[k].name);
	eval_set_int(arena, row, "n", (int64_t)records->n);
	eval_set_real(arena, row, "fp32", fp32);
	eval_set_real(arena, row, q->a->precision, low);
	eval_set_real(arena, row, "drop", fp32 - low);
	return eval_set_real(arena, row, "max_drop", k ? NAN : q->a->max_drop) ? row : NULL;
}

static int print_heads(struct quantize *q)
{
	const char *low = q->a->precision;
	const struct eval_column columns[] = {
		{ "head", "head", 1, -1 }, { "metric", "metric", 1, -1 }, { "n", "n", 1, -1 },
		{ "fp32", "fp32", 1, 2 }, { low, low, 1, 2 }, { "drop", "drop", 1, 2 },
		{ "max_drop", "allowed", 1, 2 },
	};
	const struct tn_value **rows = tn_alloc_n(q->call, q->n_records * QUANTIZE_MOST_METRICS + 1,
		sizeof(*rows));
	struct eval_rows table = { columns, sizeof(columns) / sizeof(columns[0]), rows, 0 };

	for (size_t i = 0; i < q->n_records && rows; i++) {
		struct quantize_metrics m = quantize_metrics(q, i);

		for (size_t k = 0; k < m.n; k++) {
			rows[table.n] = metric_row(q, &q->records[0][i], &m, k);
			if (!rows[table.n++])
				return tn_fail(q->call, TN_ENOMEM, "out of memory");
		}
	}
	return rows ? eval_rows_print(stdout, q->a->format, &table, q->call) : tn_status(q->call);
}

static int print_speed(struct quantize *q)
{
	const char *rate = tn_printf(q->call, "%s_per_s", q->a->precision);
	const char *heading = tn_printf(q->call, "%s inputs/s", q->a->precision);
	const struct eval_column columns[] = {
		{ "inputs", "inputs", 1, -1 }, { "batches", "batches", 1, -1 },
		{ "fp32_per_s", "fp32 inputs/s", 1, 1 }, { rate, heading, 1, 1 },
		{ "ratio", "ratio", 1, 2 },
	};
	struct tn_arena *arena = tn_call_arena(q->call);
	struct tn_value *row = tn_new_object(arena), *last;
	const struct tn_value *rows[1] = { row };
	struct eval_rows table = { columns, sizeof(columns) / sizeof(columns[0]), rows, 1 };
	double n = (double)q->data.n;

	if (!rate || !heading)
		return tn_status(q->call);
	eval_set_text(arena, row, "row", "speed");
	eval_set_int(arena, row, "inputs", (int64_t)q->data.n);
	eval_set_int(arena, row, "batches", (int64_t)q->n_batches);
	eval_set_real(arena, row, "fp32_per_s", n / q->seconds[QUANTIZE_FP32]);
	eval_set_real(arena, row, rate, n / q->seconds[QUANTIZE_LOW]);
	last = eval_set_real(arena, row, "ratio", median(q->ratios, q->n_batches));
	if (!last)
		return tn_fail(q->call, TN_ENOMEM, "out of memory");
	if (q->a->format != EVAL_ROWS_JSONL)
		putchar('\n');
	return eval_rows_print(stdout, q->a->format, &table, q->call);
}

int quantize_print(struct quantize *q)
{
	return print_heads(q) ? tn_status(q->call) : print_speed(q);
}

/* What was measured, in front of the settings. */
static char *comment(struct quantize *q)
{
	char *text = tn_printf(q->call, "# %s, by tenon quantize: no head may lose more than "
		"%.4g points\n", q->a->precision, q->a->max_drop);

	for (size_t i = 0; i < q->n_records && text; i++) {
		struct quantize_metrics m = quantize_metrics(q, i);

		text = tn_printf(q->call, "%s# %s: %s %.2f, of %zu inputs; in fp32 %.2f\n", text,
			q->records[0][i].head, m.items[0].name, m.items[0].low,
			q->records[0][i].n, m.items[0].fp32);
	}
	return text;
}

static struct tn_value *effective(struct quantize *q)
{
	struct tn_value *tree = tn_pipeline_effective(q->p[QUANTIZE_LOW], q->call);
	char *model = tree && q->a->model ? realpath(q->a->model, NULL) : NULL;
	struct tn_arena *arena = tn_call_arena(q->call);

	if (model && !tn_set(arena, tree, "model", tn_new_text(arena, model)))
		tree = NULL;
	free(model);
	if (!tree)
		tn_fail(q->call, TN_ENOMEM, "out of memory");
	return tree;
}

int quantize_write(struct quantize *q)
{
	struct tn_value *tree = effective(q);
	char *settings = tree ? tn_config_print(tree, NULL, q->call) : NULL;
	char *head = settings ? comment(q) : NULL;
	struct tn_file_writer w = { .path = q->a->out, .fd = -1 };

	if (!head)
		return tn_status(q->call);
	w.fd = open(w.path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
	if (w.fd < 0)
		return tn_fail(q->call, TN_EIO, "%s: %s", w.path, strerror(errno));
	if (!tn_file_write(&w, head, strlen(head), q->call) &&
			!tn_file_write(&w, settings, strlen(settings), q->call) && fsync(w.fd) &&
			errno != EINVAL)
		tn_fail(q->call, TN_EIO, "%s: %s", w.path, strerror(errno));
	if (close(w.fd) && !tn_status(q->call))
		tn_fail(q->call, TN_EIO, "%s: %s", w.path, strerror(errno));
	if (tn_status(q->call))
		unlink(w.path);
	return tn_status(q->call);
}
