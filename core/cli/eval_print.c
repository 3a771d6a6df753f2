/* SPDX-License-Identifier: Apache-2.0
 * core/cli/eval_print.c - tenon eval: its tables, as text and as a page.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/plot.h"
#include "cli/eval.h"

#define SCORE(key, heading) { key, heading, 1, 2 }
#define NAME(key) { key, key, 1, -1 }

static const struct bench_column scores[] = { NAME("head"), NAME("score"), NAME("n"),
	SCORE("value", "value"), SCORE("low", "2.5 %"), SCORE("high", "97.5 %") };
static const struct bench_column baselines[] = { NAME("head"), NAME("baseline"), NAME("score"),
	SCORE("value", "value") };
static const struct bench_column classes[] = { NAME("head"), NAME("label"), NAME("gold"),
	NAME("found"), SCORE("precision", "precision"), SCORE("recall", "recall"),
	SCORE("f1", "f1") };
static const struct bench_column calibrations[] = { NAME("head"), NAME("of"), NAME("n"),
	{ "temperature", "temperature", 1, 3 }, { "nll", "nll", 1, 4 }, { "brier", "brier", 1, 4 },
	{ "ece", "ece", 1, 4 }, { "ece_mass", "ece (mass)", 1, 4 } };
static const struct bench_column thresholds[] = { NAME("head"), SCORE("best_f1", "best f1"),
	{ "best_f1_thresh", "above", 1, 3 }, SCORE("best_exact", "best exact"),
	{ "best_exact_thresh", "above", 1, 3 } };
static const struct bench_column curves[] = { NAME("head"), { "threshold", "threshold", 1, 3 },
	SCORE("f1", "f1"), SCORE("exact", "exact") };
static const struct bench_column transitions[] = { NAME("head"),
	{ "gold", "misplaced in data", 1, -1 }, { "found", "in answers", 1, -1 } };

static const struct {
	const char *row, *title;
	const struct bench_column *columns;
	size_t n;
} kinds[EVAL_N_TABLES] = {
#define KIND(row, title, columns) { row, title, columns, sizeof(columns) / sizeof(columns[0]) }
	[EVAL_SCORES] = KIND("score", "Scores, with 95 % intervals", scores),
	[EVAL_BASELINES] = KIND("baseline", "Without a model", baselines),
	[EVAL_CLASSES] = KIND("class", "By class", classes),
	[EVAL_CALIBRATION] = KIND("calibration", "Do probabilities mean what they say?", calibrations),
	[EVAL_THRESHOLDS] = KIND("thresholds", "The best thresholds for no answer", thresholds),
	[EVAL_CURVES] = KIND("threshold", "Scores by the threshold for no answer", curves),
	[EVAL_TRANSITIONS] = KIND("transitions", "Tags where they may not stand", transitions),
};

const char *eval_table_title(enum eval_table kind)
{
	return kinds[kind].title;
}

/* Rows that are being made. */
struct rows {
	struct eval_run *e;
	enum eval_table kind;
	const struct tn_value **items;
	size_t n, room;
};

static struct tn_value *new_row(struct rows *r, const struct eval_verdict *v)
{
	struct tn_arena *arena = tn_call_arena(r->e->call);
	struct tn_value *row = tn_new_object(arena);

	if (r->n == r->room) {
		size_t room = 2 * r->room + 32;
		const struct tn_value **grown = tn_alloc_n(r->e->call, room, sizeof(*grown));

		if (!grown)
			return NULL;
		if (r->n)
			memcpy(grown, r->items, r->n * sizeof(*grown));
		r->items = grown;
		r->room = room;
	}
	r->items[r->n++] = row;
	bench_set_text(arena, row, "row", kinds[r->kind].row);
	return bench_set_text(arena, row, "head", v->records.head) ? row : NULL;
}

static void add_scores(struct rows *r, const struct eval_verdict *v)
{
	struct tn_arena *arena = tn_call_arena(r->e->call);

	for (size_t i = 0; i < v->n_scores; i++) {
		struct tn_value *row = new_row(r, v);

		bench_set_text(arena, row, "score", v->scores[i].name);
		bench_set_int(arena, row, "n", (int64_t)v->records.n);
		bench_set_real(arena, row, "value", v->scores[i].value);
		bench_set_real(arena, row, "low", v->scores[i].low);
		bench_set_real(arena, row, "high", v->scores[i].high);
	}
}

static void add_baselines(struct rows *r, const struct eval_verdict *v)
{
	struct tn_arena *arena = tn_call_arena(r->e->call);

	for (size_t i = 0; i < v->n_baselines; i++) {
		struct tn_value *row = new_row(r, v);

		bench_set_text(arena, row, "baseline", v->baselines[i].name);
		bench_set_text(arena, row, "score", v->baselines[i].score);
		bench_set_real(arena, row, "value", v->baselines[i].value);
	}
}

static void add_class(struct rows *r, const struct eval_verdict *v, const char *label,
	const struct eval_counts *c)
{
	struct tn_arena *arena = tn_call_arena(r->e->call);
	struct tn_value *row = new_row(r, v);

	bench_set_text(arena, row, "label", label);
	bench_set_int(arena, row, "gold", (int64_t)c->gold);
	bench_set_int(arena, row, "found", (int64_t)c->found);
	bench_set_real(arena, row, "precision", 100 * eval_precision(c));
	bench_set_real(arena, row, "recall", 100 * eval_recall(c));
	bench_set_real(arena, row, "f1", 100 * eval_f1(c));
}

static void add_classes(struct rows *r, const struct eval_verdict *v)
{
	for (size_t i = 0; v->records.task == TN_TASK_LABEL && !v->records.numbers &&
			i < v->records.n_labels; i++) {
		struct eval_counts c = eval_records_of_label(&v->records, i);

		add_class(r, v, v->records.labels[i], &c);
	}
	for (size_t i = 0; i < v->records.types.n; i++)
		add_class(r, v, tn_printf(r->e->call, "%.*s", (int)v->records.types.items[i].name.len,
			v->records.types.items[i].name.text), &v->records.by_type[i]);
}

static void add_calibration(struct rows *r, const struct eval_verdict *v,
	const struct eval_calibration *c, double temperature)
{
	struct tn_arena *arena = tn_call_arena(r->e->call);
	struct tn_value *row;

	if (!c->n)
		return;
	row = new_row(r, v);
	bench_set_text(arena, row, "of", v->records.task == TN_TASK_SPANS ? "spans" :
		v->records.task == TN_TASK_TOKENS ? "masked tokens" :
		v->records.task == TN_TASK_ANSWER ? "answers" : "labels");
	bench_set_int(arena, row, "n", (int64_t)c->n);
	bench_set_real(arena, row, "temperature", temperature);
	bench_set_real(arena, row, "nll", c->nll);
	bench_set_real(arena, row, "brier", c->brier);
	bench_set_real(arena, row, "ece", c->ece);
	bench_set_real(arena, row, "ece_mass", c->ece_mass);
}

static void add_threshold(struct rows *r, const struct eval_verdict *v)
{
	struct tn_arena *arena = tn_call_arena(r->e->call);
	struct tn_value *row;

	if (isnan(v->thresholds.best_exact))
		return;
	row = new_row(r, v);
	bench_set_real(arena, row, "best_f1", v->thresholds.best_f1);
	bench_set_real(arena, row, "best_f1_thresh", v->thresholds.best_f1_thresh);
	bench_set_real(arena, row, "best_exact", v->thresholds.best_exact);
	bench_set_real(arena, row, "best_exact_thresh", v->thresholds.best_exact_thresh);
}

static void add_curve(struct rows *r, const struct eval_verdict *v)
{
	struct tn_arena *arena = tn_call_arena(r->e->call);

	for (size_t i = 0; i < v->n_curve; i++) {
		struct tn_value *row = new_row(r, v);

		bench_set_real(arena, row, "threshold", v->curve[i].threshold);
		bench_set_real(arena, row, "f1", v->curve[i].f1);
		bench_set_real(arena, row, "exact", v->curve[i].exact);
	}
}

static void add_transitions(struct rows *r, const struct eval_verdict *v)
{
	struct tn_arena *arena = tn_call_arena(r->e->call);
	struct tn_value *row;

	if (v->records.task != TN_TASK_SPANS || v->records.scheme == EVAL_LABELS)
		return;
	row = new_row(r, v);
	bench_set_int(arena, row, "gold", (int64_t)v->records.illegal_gold);
	bench_set_int(arena, row, "found", (int64_t)v->records.illegal_found);
}

int eval_make_table(struct eval_run *e, enum eval_table kind, struct bench_table *table)
{
	struct rows r = { .e = e, .kind = kind };

	for (size_t i = 0; i < e->n; i++) {
		const struct eval_verdict *v = &e->verdicts[i];

		switch (kind) {
		case EVAL_SCORES:
			add_scores(&r, v);
			break;
		case EVAL_BASELINES:
			add_baselines(&r, v);
			break;
		case EVAL_CLASSES:
			add_classes(&r, v);
			break;
		case EVAL_CALIBRATION:
			add_calibration(&r, v, &v->calibration, NAN);
			if (!isnan(v->temperature))
				add_calibration(&r, v, &v->warmed, v->temperature);
			break;
		case EVAL_THRESHOLDS:
			add_threshold(&r, v);
			break;
		case EVAL_CURVES:
			add_curve(&r, v);
			break;
		default:
			add_transitions(&r, v);
		}
	}
	*table = (struct bench_table){ kinds[kind].columns, kinds[kind].n, r.items, r.n };
	for (size_t i = 0; i < r.n; i++)
		if (!r.items[i])
			return tn_fail(e->call, TN_ENOMEM, "out of memory");
	return tn_status(e->call);
}

int eval_print(struct eval_run *e)
{
	bool first = true;

	for (int kind = 0; kind < EVAL_N_TABLES; kind++) {
		struct bench_table table;

		if (eval_make_table(e, (enum eval_table)kind, &table))
			return tn_status(e->call);
		if (!table.n)
			continue;
		if (!first && e->a->format != BENCH_JSONL)
			putchar('\n');
		first = false;
		if (bench_print(stdout, e->a->format, &table, e->call))
			return tn_status(e->call);
	}
	return 0;
}

/* --- the page --- */

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

static void put_cell(FILE *out, const struct bench_column *c, const struct tn_value *v)
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

static void put_table(FILE *out, enum eval_table kind, const struct bench_table *t)
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

/* How often answers were right, by how sure they were. */
static void put_reliability(FILE *out, const struct eval_verdict *v)
{
	static const double ends[2] = { 0, 1 };
	const struct eval_calibration *both[2] = { &v->calibration, &v->warmed };
	double x[2][EVAL_BINS], y[2][EVAL_BINS];
	struct tn_series series[3];
	struct tn_panel panel = { .title = v->records.head, .x_label = "how sure",
		.y_label = "share that is right", .linear_x = true, .series = series };

	for (int k = 0; k < (isnan(v->temperature) ? 1 : 2); k++) {
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
	tn_plot(out, "Reliability", &panel, 1, 1);
}

static void put_page(struct eval_run *e, FILE *out)
{
	fputs("<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><title>tenon eval</title>\n"
		"<style>body { font-family: sans-serif; margin: 2em; color: #222 } table { "
		"border-collapse: collapse } td, th { padding: 0.2em 0.8em; border-bottom: 1px solid "
		"#ddd; text-align: left } .n { text-align: right }</style></head><body>\n<h1>", out);
	put_text(out, e->a->pipeline ? e->a->pipeline : e->a->answers);
	fputs("</h1>\n<p>On", out);
	for (size_t i = 0; i < e->a->n_data; i++) {
		fputs(i ? ", " : " ", out);
		put_text(out, e->a->data[i]);
	}
	fprintf(out, ": %zu examples.</p>\n", e->data.n);
	for (int kind = 0; kind < EVAL_N_TABLES; kind++) {
		struct bench_table table;

		if (eval_make_table(e, (enum eval_table)kind, &table))
			return;
		if (table.n)
			put_table(out, (enum eval_table)kind, &table);
		for (size_t v = 0; kind == EVAL_CALIBRATION && v < e->n; v++)
			if (e->verdicts[v].calibration.n)
				put_reliability(out, &e->verdicts[v]);
	}
	fputs("</body></html>\n", out);
}

int eval_write_html(struct eval_run *e)
{
	struct tn_file_writer w = { 0 };
	char *text = NULL;
	size_t len = 0;
	FILE *out = open_memstream(&text, &len);
	int status;

	if (!out)
		return tn_fail(e->call, TN_ENOMEM, "out of memory");
	put_page(e, out);
	if (fclose(out))
		tn_fail(e->call, TN_ENOMEM, "out of memory");
	status = tn_status(e->call) ? tn_status(e->call) : tn_file_create(&w, e->a->html, e->call);
	if (!status)
		status = tn_file_write(&w, text, len, e->call);
	if (!status)
		status = tn_file_commit(&w, e->call);
	tn_file_abandon(&w);
	free(text);
	return status;
}
