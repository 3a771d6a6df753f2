/* SPDX-License-Identifier: Apache-2.0
 * core/eval/report.c - verdicts as tables.
 */
#include "eval/report.h"

#include <math.h>
#include <string.h>

#define SCORE(key, heading) { key, heading, 1, 2 }
#define NAME(key) { key, key, 1, -1 }

static const struct eval_column scores[] = { NAME("head"), NAME("score"), NAME("n"),
	SCORE("value", "value"), SCORE("low", "2.5 %"), SCORE("high", "97.5 %") };
static const struct eval_column baselines[] = { NAME("head"), NAME("baseline"), NAME("score"),
	SCORE("value", "value") };
static const struct eval_column classes[] = { NAME("head"), NAME("label"), NAME("gold"),
	NAME("found"), SCORE("precision", "precision"), SCORE("recall", "recall"),
	SCORE("f1", "f1") };
static const struct eval_column calibrations[] = { NAME("head"), NAME("of"), NAME("n"),
	{ "temperature", "temperature", 1, 3 }, { "nll", "nll", 1, 4 }, { "brier", "brier", 1, 4 },
	{ "ece", "ece", 1, 4 }, { "ece_mass", "ece (mass)", 1, 4 } };
static const struct eval_column thresholds[] = { NAME("head"), SCORE("best_f1", "best f1"),
	{ "best_f1_thresh", "above", 1, 3 }, SCORE("best_exact", "best exact"),
	{ "best_exact_thresh", "above", 1, 3 } };
static const struct eval_column curves[] = { NAME("head"), { "threshold", "threshold", 1, 3 },
	SCORE("f1", "f1"), SCORE("exact", "exact") };
static const struct eval_column transitions[] = { NAME("head"),
	{ "gold", "misplaced in data", 1, -1 }, { "found", "in answers", 1, -1 } };

static const struct {
	const char *row, *title;
	const struct eval_column *columns;
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
	struct tn_call *call;
	enum eval_table kind;
	const struct tn_value **items;
	size_t n, room;
};

static struct tn_value *new_row(struct rows *r, const struct eval_verdict *v)
{
	struct tn_arena *arena = tn_call_arena(r->call);
	struct tn_value *row = tn_new_object(arena);

	if (r->n == r->room) {
		size_t room = 2 * r->room + 32;
		const struct tn_value **grown = tn_alloc_n(r->call, room, sizeof(*grown));

		if (!grown)
			return NULL;
		if (r->n)
			memcpy(grown, r->items, r->n * sizeof(*grown));
		r->items = grown;
		r->room = room;
	}
	r->items[r->n++] = row;
	eval_set_text(arena, row, "row", kinds[r->kind].row);
	return eval_set_text(arena, row, "head", v->records.head) ? row : NULL;
}

static void add_scores(struct rows *r, const struct eval_verdict *v)
{
	struct tn_arena *arena = tn_call_arena(r->call);

	for (size_t i = 0; i < v->n_scores; i++) {
		struct tn_value *row = new_row(r, v);

		eval_set_text(arena, row, "score", v->scores[i].name);
		eval_set_int(arena, row, "n", (int64_t)v->records.n);
		eval_set_real(arena, row, "value", v->scores[i].value);
		eval_set_real(arena, row, "low", v->scores[i].low);
		eval_set_real(arena, row, "high", v->scores[i].high);
	}
}

static void add_baselines(struct rows *r, const struct eval_verdict *v)
{
	struct tn_arena *arena = tn_call_arena(r->call);

	for (size_t i = 0; i < v->n_baselines; i++) {
		struct tn_value *row = new_row(r, v);

		eval_set_text(arena, row, "baseline", v->baselines[i].name);
		eval_set_text(arena, row, "score", v->baselines[i].score);
		eval_set_real(arena, row, "value", v->baselines[i].value);
	}
}

static void add_class(struct rows *r, const struct eval_verdict *v, const char *label,
	const struct eval_counts *c)
{
	struct tn_arena *arena = tn_call_arena(r->call);
	struct tn_value *row = new_row(r, v);

	eval_set_text(arena, row, "label", label);
	eval_set_int(arena, row, "gold", (int64_t)c->gold);
	eval_set_int(arena, row, "found", (int64_t)c->found);
	eval_set_real(arena, row, "precision", 100 * eval_precision(c));
	eval_set_real(arena, row, "recall", 100 * eval_recall(c));
	eval_set_real(arena, row, "f1", 100 * eval_f1(c));
}

static void add_classes(struct rows *r, const struct eval_verdict *v)
{
	for (size_t i = 0; v->records.task == TN_TASK_LABEL && !v->records.numbers &&
			i < v->records.n_labels; i++) {
		struct eval_counts c = eval_records_of_label(&v->records, i);

		add_class(r, v, v->records.labels[i], &c);
	}
	for (size_t i = 0; i < v->records.types.n; i++)
		add_class(r, v, tn_printf(r->call, "%.*s", (int)v->records.types.items[i].name.len,
			v->records.types.items[i].name.text), &v->records.by_type[i]);
}

static void add_calibration(struct rows *r, const struct eval_verdict *v,
	const struct eval_calibration *c, double temperature)
{
	struct tn_arena *arena = tn_call_arena(r->call);
	struct tn_value *row;

	if (!c->n)
		return;
	row = new_row(r, v);
	eval_set_text(arena, row, "of", v->records.task == TN_TASK_SPANS ? "spans" :
		v->records.task == TN_TASK_TOKENS ? "masked tokens" :
		v->records.task == TN_TASK_ANSWER ? "answers" : "labels");
	eval_set_int(arena, row, "n", (int64_t)c->n);
	eval_set_real(arena, row, "temperature", temperature);
	eval_set_real(arena, row, "nll", c->nll);
	eval_set_real(arena, row, "brier", c->brier);
	eval_set_real(arena, row, "ece", c->ece);
	eval_set_real(arena, row, "ece_mass", c->ece_mass);
}

static void add_threshold(struct rows *r, const struct eval_verdict *v)
{
	struct tn_arena *arena = tn_call_arena(r->call);
	struct tn_value *row;

	if (isnan(v->thresholds.best_exact))
		return;
	row = new_row(r, v);
	eval_set_real(arena, row, "best_f1", v->thresholds.best_f1);
	eval_set_real(arena, row, "best_f1_thresh", v->thresholds.best_f1_thresh);
	eval_set_real(arena, row, "best_exact", v->thresholds.best_exact);
	eval_set_real(arena, row, "best_exact_thresh", v->thresholds.best_exact_thresh);
}

static void add_curve(struct rows *r, const struct eval_verdict *v)
{
	struct tn_arena *arena = tn_call_arena(r->call);

	for (size_t i = 0; i < v->n_curve; i++) {
		struct tn_value *row = new_row(r, v);

		eval_set_real(arena, row, "threshold", v->curve[i].threshold);
		eval_set_real(arena, row, "f1", v->curve[i].f1);
		eval_set_real(arena, row, "exact", v->curve[i].exact);
	}
}

static void add_transitions(struct rows *r, const struct eval_verdict *v)
{
	struct tn_arena *arena = tn_call_arena(r->call);
	struct tn_value *row;

	if (v->records.task != TN_TASK_SPANS || v->records.scheme == EVAL_LABELS)
		return;
	row = new_row(r, v);
	eval_set_int(arena, row, "gold", (int64_t)v->records.illegal_gold);
	eval_set_int(arena, row, "found", (int64_t)v->records.illegal_found);
}

static void add(struct rows *r, const struct eval_verdict *v)
{
	switch (r->kind) {
	case EVAL_SCORES:
		add_scores(r, v);
		break;
	case EVAL_BASELINES:
		add_baselines(r, v);
		break;
	case EVAL_CLASSES:
		add_classes(r, v);
		break;
	case EVAL_CALIBRATION:
		add_calibration(r, v, &v->calibration, NAN);
		if (!isnan(v->temperature))
			add_calibration(r, v, &v->warmed, v->temperature);
		break;
	case EVAL_THRESHOLDS:
		add_threshold(r, v);
		break;
	case EVAL_CURVES:
		add_curve(r, v);
		break;
	default:
		add_transitions(r, v);
	}
}

int eval_table_make(struct eval_rows *table, enum eval_table kind, const struct eval_verdict *v,
	size_t n, struct tn_call *call)
{
	struct rows r = { .call = call, .kind = kind };

	for (size_t i = 0; i < n; i++)
		add(&r, &v[i]);
	*table = (struct eval_rows){ kinds[kind].columns, kinds[kind].n, r.items, r.n };
	for (size_t i = 0; i < r.n; i++)
		if (!r.items[i])
			return tn_fail(call, TN_ENOMEM, "out of memory");
	return tn_status(call);
}

int eval_report_print(FILE *out, enum eval_row_format format, const struct eval_verdict *v,
	size_t n, struct tn_call *call)
{
	bool first = true;

	for (int kind = 0; kind < EVAL_N_TABLES; kind++) {
		struct eval_rows table;

		if (eval_table_make(&table, (enum eval_table)kind, v, n, call))
			return tn_status(call);
		if (!table.n)
			continue;
		if (!first && format != EVAL_ROWS_JSONL)
			putc('\n', out);
		first = false;
		if (eval_rows_print(out, format, &table, call))
			return tn_status(call);
	}
	return 0;
}
