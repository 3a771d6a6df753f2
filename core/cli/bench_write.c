/* SPDX-License-Identifier: Apache-2.0
 * core/cli/bench_write.c - tenon bench: the tables that people read, and all rows.
 */
#include <stdlib.h>
#include <string.h>

#include "cli/bench.h"

static const struct eval_column work_columns[] = {
	{ "source", "texts", 1, -1 },
	{ "length", "tokens", 1, -1 },
	{ "batch", "batch", 1, -1 },
	{ "backends", "backends", 1, -1 },
	{ "threads", "threads", 1, -1 },
	{ "tokens_per_s", "tokens/s", 1, 0 },
	{ "texts_per_s", "texts/s", 1, 1 },
	{ "batch_ms_p50", "batch ms", 1, 2 },
	{ "batch_ms_p90", "p90", 1, 2 },
	{ "batch_ms_p99", "p99", 1, 2 },
	{ "text_ms_p50", "text ms", 1, 2 },
	{ "text_ms_p90", "p90", 1, 2 },
	{ "text_ms_p99", "p99", 1, 2 },
	{ "gflop_per_s", "GFLOP/s", 1, 1 },
	{ "peak_share", "of peak %", 100, 1 },
	{ "peak_mb", "MB", 1, 0 },
	{ "ratio", "ratio", 1, 2 },
	{ "largest_difference", "difference", 1, -2 },
};

static const struct eval_column op_columns[] = {
	{ "op", "op", 1, -1 },
	{ "joined", "with", 1, -1 },
	{ "precision", "in", 1, -1 },
	{ "where", "where", 1, -1 },
	{ "backend", "backend", 1, -1 },
	{ "steps", "steps", 1, -1 },
	{ "time_share", "time %", 100, 1 },
	{ "ms", "ms", 1, -2 },
	{ "flop", "GFLOP", 1e-9, -2 },
	{ "bytes", "MB", 1e-6, -2 },
	{ "gflop_per_s", "GFLOP/s", 1, -2 },
	{ "peak_share", "of peak %", 100, 1 },
	{ "flop_per_byte", "flop/byte", 1, -2 },
	{ "roofline_share", "of roofline %", 100, 1 },
	{ "why", "not", 1, -1 },
};

static const struct eval_column growth_columns[] = {
	{ "at", "", 1, -1 },
	{ "tokens", "tokens", 1, -1 },
	{ "seconds", "seconds", 1, -2 },
	{ "us_per_token", "us/token", 1, 1 },
	{ "tokens_per_s", "tokens/s", 1, 0 },
	{ "gflop_per_s", "GFLOP/s", 1, 1 },
	{ "peak_share", "of peak %", 100, 1 },
	{ "relative", "relative", 1, 3 },
	{ "predicted", "predicted", 1, 3 },
};

#define N(array) (sizeof(array) / sizeof((array)[0]))

/* The machine, and what opening took: what tables say in front of their rows. */
static void print_head(const struct bench *b)
{
	const char *end = b->a->format == EVAL_ROWS_MARKDOWN ? "\n\n" : "\n";

	for (size_t i = 0; i < b->n_ways; i++) {
		const struct bench_peaks *p = &b->peaks[i];
		bool said = false;

		for (size_t k = 0; k < i; k++)
			said |= b->peaks[k].threads == p->threads;
		if (said)
			continue;
		printf("the processor, %d thread%s, %s: fp32 %.1f GFLOP/s", p->threads,
			p->threads == 1 ? "" : "s", p->isa, p->fp32);
		if (p->bf16 > 0)
			printf(", bf16 %.1f", p->bf16);
		if (p->int8 > 0)
			printf(", int8 %.1f Gop/s", p->int8);
		if (p->int8_exact > 0 && p->int8_exact < p->int8)
			printf(" (%.1f where no sum saturates)", p->int8_exact);
		if (p->read > 0)
			printf("; reads %.1f GB/s", p->read);
		fputs(end, stdout);
	}
	for (size_t i = 0; i < b->n_ways; i++)
		printf("%s: ready after %.1f ms, first answer after %.1f ms more%s",
			bench_way_chain(&b->ways[i], b->call), b->ways[i].open_s * 1e3,
			b->ways[i].first_s * 1e3, end);
	if (b->a->format == EVAL_ROWS_TEXT)
		putchar('\n');
}

static bool same(const struct tn_value *a, const struct tn_value *b, const char *key)
{
	const struct tn_value *x = tn_get(a, key), *y = tn_get(b, key);

	return tn_int(x, -1) == tn_int(y, -1) && !strcmp(tn_string(x, ""), tn_string(y, ""));
}

static bool same_work(const struct tn_value *a, const struct tn_value *b)
{
	return same(a, b, "backends") && same(a, b, "threads") && same(a, b, "source") &&
		same(a, b, "length") && same(a, b, "batch");
}

size_t bench_same_work(const struct bench_rows *rows, size_t first)
{
	size_t n = 1;

	while (first + n < rows->n && same_work(rows->items[first], rows->items[first + n]))
		n++;
	return n;
}

/* Ops of one work in one way as a table with a line above it; n of them, from `first`. */
static int print_ops(struct bench *b, size_t first, size_t n)
{
	struct eval_rows t = { op_columns, N(op_columns), b->ops.items + first, n };
	const struct tn_value *row = b->ops.items[first];
	const struct tn_value *length = tn_get(row, "length");
	int threads = (int)tn_int(tn_get(row, "threads"), 0);

	printf("\n%s, %d at a time", tn_string(tn_get(row, "source"), ""),
		(int)tn_int(tn_get(row, "batch"), 0));
	if (tn_int(length, 0))
		printf(", %d tokens each", (int)tn_int(length, 0));
	printf("; %s, %d thread%s:%s", tn_string(tn_get(row, "backends"), ""), threads,
		threads == 1 ? "" : "s", b->a->format == EVAL_ROWS_MARKDOWN ? "\n\n" : "\n");
	return eval_rows_print(stdout, b->a->format, &t, b->call);
}

/* A table for each thing that was varied, below what it says. */
static int write_growth(struct bench *b)
{
	struct eval_column columns[N(growth_columns)];
	size_t first = 0;

	memcpy(columns, growth_columns, sizeof(columns));
	for (size_t i = 0; i < b->findings.n; i++) {
		const struct tn_value *finding = b->findings.items[i];
		struct eval_rows t = { columns, N(columns), b->points.items + first, 0 };

		while (first + t.n < b->points.n && same(t.rows[t.n], finding, "by"))
			t.n++;
		first += t.n;
		columns[0].heading = tn_string(tn_get(finding, "by"), "");
		printf("\n%s\n%s", tn_string(tn_get(finding, "text"), ""),
			b->a->format == EVAL_ROWS_MARKDOWN ? "\n" : "");
		if (eval_rows_print(stdout, b->a->format, &t, b->call))
			return tn_status(b->call);
	}
	return 0;
}

static int write_tables(struct bench *b)
{
	struct eval_rows works = { work_columns, N(work_columns), b->works_done.items,
		b->works_done.n };

	print_head(b);
	if (b->a->growth)
		return write_growth(b);
	if (eval_rows_print(stdout, b->a->format, &works, b->call))
		return tn_status(b->call);
	for (size_t i = 0, n; i < b->ops.n; i += n) {
		n = bench_same_work(&b->ops, i);
		if (print_ops(b, i, n))
			return tn_status(b->call);
	}
	return 0;
}

int bench_save_plot(struct bench *b, const char *title, const struct tn_panel *panels, size_t n,
	size_t columns)
{
	char *text = NULL;
	size_t len = 0;
	FILE *out = open_memstream(&text, &len);

	if (!out)
		return tn_fail(b->call, TN_ENOMEM, "out of memory");
	tn_plot(out, title, panels, n, columns);
	if (fclose(out))
		tn_fail(b->call, TN_ENOMEM, "out of memory");
	else if (!tn_file_write(&b->plot, text, len, b->call))
		tn_file_commit(&b->plot, b->call);
	free(text);
	return tn_status(b->call);
}

int bench_write(struct bench *b)
{
	const struct bench_rows *kinds[] = { &b->works_done, &b->ops, &b->points, &b->findings };
	bool written = false;

	if (b->a->format == EVAL_ROWS_TEXT || b->a->format == EVAL_ROWS_MARKDOWN)
		return write_tables(b);
	for (size_t i = 0; i < N(kinds); i++) {
		struct eval_rows t = { NULL, 0, kinds[i]->items, kinds[i]->n };

		if (!t.n)
			continue;
		/* Each kind has members of its own. */
		if (written && b->a->format == EVAL_ROWS_CSV)
			fputs("\r\n", stdout);
		if (eval_rows_print(stdout, b->a->format, &t, b->call))
			return tn_status(b->call);
		written = true;
	}
	return 0;
}
