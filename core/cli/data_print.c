/* SPDX-License-Identifier: Apache-2.0
 * core/cli/data_print.c - tenon data: the tables of what data hold.
 */
#include <math.h>
#include <string.h>

#include "cli/data.h"

#define SHOWN 25		/* names of a table for people */

/* Prints rows, with a blank line before all tables but the first. */
static int print(struct data_check *c, const struct eval_column *columns, size_t n_columns,
	const struct tn_value *const *rows, size_t n)
{
	struct eval_rows table = { columns, n_columns, rows, n };

	for (size_t i = 0; i < n; i++)
		if (!rows[i])
			return tn_fail(c->call, TN_ENOMEM, "out of memory");
	return eval_rows_print(stdout, c->a->format, &table, c->call);
}

static void gap(const struct data_check *c)
{
	if (c->a->format == EVAL_ROWS_TEXT)
		putchar('\n');
}

static int print_files(struct data_check *c)
{
	static const struct eval_column columns[] = {
		{ "set", "set", 1, -1 }, { "file", "file", 1, -1 }, { "format", "format", 1, -1 },
		{ "examples", "examples", 1, -1 }, { "bad", "bad", 1, -1 },
	};
	struct tn_arena *arena = tn_call_arena(c->call);
	const struct tn_value *rows[DATA_SETS * DATA_MOST];
	size_t n = 0;

	for (size_t i = 0; i < c->n_sets; i++)
		for (size_t k = 0; k < c->sets[i].n_files; k++) {
			const struct data_file *file = &c->sets[i].files[k];
			struct tn_value *row = tn_new_object(arena);

			eval_set_text(arena, row, "row", "file");
			eval_set_text(arena, row, "set", c->sets[i].name);
			eval_set_text(arena, row, "file", file->path);
			eval_set_text(arena, row, "format", eval_format_name(file->format));
			eval_set_int(arena, row, "examples", (int64_t)file->examples);
			rows[n++] = eval_set_int(arena, row, "bad", (int64_t)file->dropped) ?
				row : NULL;
		}
	return print(c, columns, sizeof(columns) / sizeof(columns[0]), rows, n);
}

/* Sets a number that a table leaves out where it is 0. */
static struct tn_value *set_some(struct tn_arena *arena, struct tn_value *row, const char *key,
	size_t n)
{
	return n ? eval_set_int(arena, row, key, (int64_t)n) :
		eval_set_text(arena, row, key, NULL);
}

static int print_sets(struct data_check *c)
{
	static const struct eval_column columns[] = {
		{ "set", "set", 1, -1 }, { "labelled", "labelled", 1, -1 },
		{ "tagged", "tagged", 1, -1 }, { "scheme", "tags are", 1, -1 },
		{ "asked", "questions", 1, -1 }, { "unanswered", "unanswered", 1, -1 },
		{ "located", "answers with places", 1, -1 },
	};
	struct tn_arena *arena = tn_call_arena(c->call);
	const struct tn_value *rows[DATA_SETS];
	bool any = false;

	for (size_t i = 0; i < c->n_sets; i++) {
		const struct eval_audit *a = &c->sets[i].audit;
		struct tn_value *row = tn_new_object(arena);

		eval_set_text(arena, row, "row", "set");
		eval_set_text(arena, row, "set", c->sets[i].name);
		eval_set_int(arena, row, "examples", (int64_t)a->data->n);
		set_some(arena, row, "labelled", a->labelled);
		set_some(arena, row, "tagged", a->tagged);
		eval_set_text(arena, row, "scheme", a->tagged ? eval_scheme_name(a->scheme) : NULL);
		set_some(arena, row, "asked", a->asked);
		set_some(arena, row, "unanswered", a->unanswered);
		rows[i] = set_some(arena, row, "located", a->located) ? row : NULL;
		any |= a->labelled || a->tagged || a->asked;
	}
	if (!any && c->a->format == EVAL_ROWS_TEXT)
		return 0;
	gap(c);
	return print(c, columns, sizeof(columns) / sizeof(columns[0]), rows, c->n_sets);
}

static struct tn_value *count_row(struct data_check *c, const char *kind, struct tn_text name,
	const struct eval_tally *const tallies[DATA_SETS])
{
	static const char *const counts[] = { "n", "dev_n" };
	static const char *const shares[] = { "share", "dev_share" };
	struct tn_arena *arena = tn_call_arena(c->call);
	struct tn_value *row = tn_new_object(arena), *last;

	eval_set_text(arena, row, "row", kind);
	last = tn_set(arena, row, "name", tn_new_string(arena, name.text, name.len));
	for (size_t i = 0; i < DATA_SETS; i++) {
		size_t n = tallies[i] ? eval_tally_count(tallies[i], name) : 0;

		if (tallies[i])
			eval_set_int(arena, row, counts[i], (int64_t)n);
		else
			eval_set_text(arena, row, counts[i], NULL);
		last = eval_set_real(arena, row, shares[i], tallies[i] && tallies[i]->total ?
			(double)n / (double)tallies[i]->total : NAN);
	}
	return last ? row : NULL;
}

/* The names of the first set, the most frequent before others, then what only the second has. */
static int print_counts(struct data_check *c, const char *kind,
	const struct eval_tally *const tallies[DATA_SETS])
{
	const struct eval_column columns[] = {
		{ "name", kind, 1, -1 }, { "n", c->n_sets > 1 ? "train" : "n", 1, -1 },
		{ "share", "%", 100, 1 }, { "dev_n", "dev", 1, -1 }, { "dev_share", "%", 100, 1 },
	};
	const struct eval_tally *train = tallies[DATA_TRAIN], *dev = tallies[DATA_DEV];
	size_t most = train->n + (dev ? dev->n : 0), n = 0, shown;
	const struct tn_value **rows = tn_alloc_n(c->call, most + 1, sizeof(*rows));

	if (!most || !rows)
		return tn_status(c->call);
	for (size_t i = 0; i < train->n; i++)
		rows[n++] = count_row(c, kind, train->items[i].name, tallies);
	for (size_t i = 0; dev && i < dev->n; i++)
		if (!eval_tally_count(train, dev->items[i].name))
			rows[n++] = count_row(c, kind, dev->items[i].name, tallies);
	shown = c->a->format == EVAL_ROWS_TEXT && n > SHOWN + 1 ? SHOWN : n;
	gap(c);
	if (print(c, columns, sizeof(columns) / sizeof(columns[0]), rows, shown))
		return tn_status(c->call);
	if (shown < n)
		printf("and %zu more\n", n - shown);
	return 0;
}

static struct tn_value *lengths_row(struct data_check *c, const char *set, const char *unit,
	const struct eval_lengths *l)
{
	struct tn_arena *arena = tn_call_arena(c->call);
	struct tn_value *row = tn_new_object(arena);

	eval_set_text(arena, row, "row", "lengths");
	eval_set_text(arena, row, "set", set);
	eval_set_text(arena, row, "unit", unit);
	eval_set_int(arena, row, "min", (int64_t)l->min);
	eval_set_int(arena, row, "median", (int64_t)l->median);
	eval_set_int(arena, row, "p90", (int64_t)l->p90);
	eval_set_int(arena, row, "p99", (int64_t)l->p99);
	return eval_set_int(arena, row, "max", (int64_t)l->max) ? row : NULL;
}

static int print_lengths(struct data_check *c)
{
	static const struct eval_column columns[] = {
		{ "set", "lengths", 1, -1 }, { "unit", "in", 1, -1 }, { "min", "min", 1, -1 },
		{ "median", "median", 1, -1 }, { "p90", "p90", 1, -1 }, { "p99", "p99", 1, -1 },
		{ "max", "max", 1, -1 },
	};
	const struct tn_value *rows[2 * DATA_SETS];
	size_t n = 0;

	for (size_t i = 0; i < c->n_sets; i++)
		rows[n++] = lengths_row(c, c->sets[i].name, "words", &c->sets[i].audit.words);
	for (size_t i = 0; i < c->n_sets && c->a->pipeline; i++)
		rows[n++] = lengths_row(c, c->sets[i].name, "tokens", &c->sets[i].tokens.lengths);
	gap(c);
	return print(c, columns, sizeof(columns) / sizeof(columns[0]), rows, n);
}

static int print_tokens(struct data_check *c)
{
	static const struct eval_column columns[] = {
		{ "set", "set", 1, -1 }, { "tokens", "tokens", 1, -1 },
		{ "unknown", "unknown", 1, -1 }, { "unknown_share", "%", 100, 3 },
		{ "window", "window", 1, -1 }, { "longer", "longer texts", 1, -1 },
		{ "lost_words", "lost tags", 1, -1 }, { "lost_spans", "lost answers", 1, -1 },
	};
	struct tn_arena *arena = tn_call_arena(c->call);
	const struct tn_value *rows[DATA_SETS];

	for (size_t i = 0; i < c->n_sets; i++) {
		const struct eval_token_audit *t = &c->sets[i].tokens;
		struct tn_value *row = tn_new_object(arena);

		eval_set_text(arena, row, "row", "tokens");
		eval_set_text(arena, row, "set", c->sets[i].name);
		eval_set_int(arena, row, "tokens", (int64_t)t->tokens);
		eval_set_int(arena, row, "unknown", (int64_t)t->unknown);
		eval_set_real(arena, row, "unknown_share", (double)t->unknown / (double)t->tokens);
		set_some(arena, row, "window", t->limit);
		eval_set_int(arena, row, "longer", (int64_t)t->longer);
		set_some(arena, row, "lost_words", t->lost_words);
		rows[i] = set_some(arena, row, "lost_spans", t->lost_spans) ? row : NULL;
	}
	gap(c);
	return print(c, columns, sizeof(columns) / sizeof(columns[0]), rows, c->n_sets);
}

int data_print(struct data_check *c)
{
	const struct eval_audit *train = &c->sets[DATA_TRAIN].audit;
	const struct eval_audit *dev = c->n_sets > 1 ? &c->sets[DATA_DEV].audit : NULL;
	const struct eval_tally *labels[] = { &train->labels, dev ? &dev->labels : NULL };
	const struct eval_tally *tags[] = { &train->tags, dev ? &dev->tags : NULL };
	const struct eval_tally *spans[] = { &train->spans, dev ? &dev->spans : NULL };

	if (print_files(c) || print_sets(c) || print_counts(c, "label", labels) ||
			print_counts(c, "tag", tags) || print_counts(c, "span", spans) ||
			print_lengths(c) || (c->a->pipeline && print_tokens(c)))
		return tn_status(c->call);
	return data_print_findings(c);
}
