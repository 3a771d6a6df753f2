/* SPDX-License-Identifier: Apache-2.0
 * core/eval/page.c - verdicts as a page with pictures.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "eval/report.h"

#define MOST_BARS 40

static const char head[] = "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\n"
	"<meta name=\"viewport\" content=\"width=device-width\">\n<style>body { font-family: sans-serif; "
	"margin: 2em; color: #222 } table { border-collapse: collapse } td, th { padding: 0.2em 0.8em; "
	"border-bottom: 1px solid #ddd; text-align: left } .n { text-align: right } svg { max-width: "
	"100%; height: auto }</style>\n<title>";

static void put_text(FILE *out, const char *s)
{
	for (; *s; s++) {
		if (*s == '<')
			fputs("&lt;", out);
		else if (*s == '>')
			fputs("&gt;", out);
		else if (*s == '&')
			fputs("&amp;", out);
		else
			putc(*s, out);
	}
}

static void put_cell(FILE *out, const struct eval_column *c, const struct tn_value *v)
{
	enum tn_value_kind kind = tn_value_kind(v);

	fputs(kind == TN_VALUE_STRING ? "<td>" : "<td class=\"n\">", out);
	if (kind == TN_VALUE_STRING)
		put_text(out, tn_string(v, ""));
	else if (kind == TN_VALUE_INT)
		fprintf(out, "%lld", (long long)tn_int(v, 0));
	else if (kind == TN_VALUE_REAL)
		fprintf(out, "%.*f", c->digits < 0 ? 3 : c->digits, tn_real(v, 0) * c->scale);
	fputs("</td>", out);
}

static void put_table(FILE *out, enum eval_table kind, const struct eval_rows *t)
{
	fprintf(out, "<h2>%s</h2>\n<table>\n<tr>", eval_table_title(kind));
	for (size_t c = 0; c < t->n_columns; c++)
		fprintf(out, "<th>%s</th>", t->columns[c].heading);
	fputs("</tr>\n", out);
	for (size_t i = 0; i < t->n; i++) {
		fputs("<tr>", out);
		for (size_t c = 0; c < t->n_columns; c++)
			put_cell(out, &t->columns[c], tn_get(t->rows[i], t->columns[c].key));
		fputs("</tr>\n", out);
	}
	fputs("</table>\n", out);
}

static int by_count(const void *a, const void *b)
{
	const struct tn_value *x = *(const struct tn_value *const *)a;
	const struct tn_value *y = *(const struct tn_value *const *)b;
	int64_t n = tn_int(tn_get(x, "gold"), 0), m = tn_int(tn_get(y, "gold"), 0);

	return n != m ? n < m ? 1 : -1 : strcmp(tn_string(tn_get(x, "label"), ""),
		tn_string(tn_get(y, "label"), ""));
}

/* F1 of the most frequent classes. */
static int put_bars(FILE *out, const struct eval_verdict *v, struct tn_call *call)
{
	struct tn_bar bars[MOST_BARS];
	const struct tn_value **rows;
	struct eval_rows t;
	size_t n;

	if (eval_table_make(&t, EVAL_CLASSES, v, 1, call))
		return tn_status(call);
	rows = tn_alloc_n(call, t.n + 1, sizeof(*rows));
	if (!rows)
		return tn_status(call);
	if (t.n) {
		memcpy(rows, t.rows, t.n * sizeof(*rows));
		qsort(rows, t.n, sizeof(*rows), by_count);
	}
	n = t.n < MOST_BARS ? t.n : MOST_BARS;
	for (size_t i = 0; i < n; i++)
		bars[i] = (struct tn_bar){ tn_string(tn_get(rows[i], "label"), ""),
			tn_real(tn_get(rows[i], "f1"), 0) };
	if (n)
		tn_bars(out, tn_printf(call, "%s: F1 of %s", v->records.head, n < t.n ?
			"the most frequent classes" : "each class"), bars, n, 100);
	return tn_status(call);
}

static void put_thresholds(FILE *out, const struct eval_verdict *v)
{
	double x[EVAL_CURVE], y[2][EVAL_CURVE];
	struct tn_series series[2] = { { "F1", x, y[0], v->n_curve, false },
		{ "exact", x, y[1], v->n_curve, false } };
	struct tn_panel panel = { .title = v->records.head, .x_label = "threshold for no answer",
		.y_label = "points", .linear_x = true, .series = series, .n_series = 2 };

	for (size_t i = 0; i < v->n_curve; i++) {
		x[i] = v->curve[i].threshold;
		y[0][i] = v->curve[i].f1;
		y[1][i] = v->curve[i].exact;
	}
	if (v->n_curve)
		tn_plot_inline(out, eval_table_title(EVAL_CURVES), &panel, 1, 1);
}

/* How often answers were right, by how sure they were. */
static void put_reliability(FILE *out, const struct eval_verdict *v)
{
	static const double ends[2] = { 0, 1 };
	const struct eval_calibration *both[2] = { &v->calibration, &v->warmed };
	double x[2][EVAL_BINS], y[2][EVAL_BINS];
	struct tn_series series[3];
	struct tn_panel panel = { .title = v->records.head, .x_label = "how sure",
		.y_label = "share that is right", .linear_x = true, .series = series };

	for (int k = 0; v->calibration.n && k < (isnan(v->temperature) ? 1 : 2); k++) {
		size_t n = 0;

		for (size_t b = 0; b < EVAL_BINS; b++) {
			if (!both[k]->bins[b].n)
				continue;
			x[k][n] = both[k]->bins[b].sure;
			y[k][n++] = both[k]->bins[b].right;
		}
		series[panel.n_series++] = (struct tn_series){ k ? "at the temperature" : "as it is",
			x[k], y[k], n, false };
	}
	series[panel.n_series++] = (struct tn_series){ "as it should be", ends, ends, 2, true };
	if (v->calibration.n)
		tn_plot_inline(out, "Reliability", &panel, 1, 1);
}

static int put_page(FILE *out, const struct eval_page *page, struct tn_call *call)
{
	fputs(head, out);
	put_text(out, page->title);
	fputs("</title></head><body>\n<h1>", out);
	put_text(out, page->title);
	fputs("</h1>\n<p>", out);
	put_text(out, page->about);
	fputs("</p>\n", out);
	for (int kind = 0; kind < EVAL_N_TABLES; kind++) {
		struct eval_rows table;

		if (eval_table_make(&table, (enum eval_table)kind, page->verdicts, page->n, call))
			return tn_status(call);
		if (table.n)
			put_table(out, (enum eval_table)kind, &table);
		for (size_t i = 0; i < page->n; i++) {
			if (kind == EVAL_CLASSES && put_bars(out, &page->verdicts[i], call))
				return tn_status(call);
			if (kind == EVAL_CALIBRATION)
				put_reliability(out, &page->verdicts[i]);
			if (kind == EVAL_CURVES)
				put_thresholds(out, &page->verdicts[i]);
		}
	}
	if (page->n_curves)
		tn_plot_inline(out, "How it was made", page->curves, page->n_curves, 2);
	fputs("</body></html>\n", out);
	return 0;
}

int eval_page_write(const char *path, const struct eval_page *page, struct tn_call *call)
{
	struct tn_file_writer w = { 0 };
	char *text = NULL;
	size_t len = 0;
	FILE *out = open_memstream(&text, &len);
	int status;

	if (!out)
		return tn_fail(call, TN_ENOMEM, "out of memory");
	status = put_page(out, page, call);
	if (fclose(out))
		status = tn_fail(call, TN_ENOMEM, "out of memory");
	if (!status)
		status = tn_file_create(&w, path, call);
	if (!status)
		status = tn_file_write(&w, text, len, call);
	if (!status)
		status = tn_file_commit(&w, call);
	tn_file_abandon(&w);
	free(text);
	return status;
}
