/* SPDX-License-Identifier: Apache-2.0
 * core/eval/rows.c - rows as JSON lines, CSV and tables.
 */
#include <math.h>
#include <string.h>

#include "eval/rows.h"

int eval_row_format_of(const char *name)
{
	static const char *const names[] = { "text", "markdown", "csv", "jsonl" };

	for (int i = 0; i < 4; i++)
		if (!strcmp(name, names[i]))
			return i;
	return -1;
}

struct tn_value *eval_set_text(struct tn_arena *arena, struct tn_value *row, const char *key,
	const char *text)
{
	return tn_set(arena, row, key, text ? tn_new_text(arena, text) : tn_new_null(arena));
}

struct tn_value *eval_set_int(struct tn_arena *arena, struct tn_value *row, const char *key,
	int64_t i)
{
	return tn_set(arena, row, key, tn_new_int(arena, i));
}

struct tn_value *eval_set_real(struct tn_arena *arena, struct tn_value *row, const char *key,
	double x)
{
	return tn_set(arena, row, key, isfinite(x) ? tn_new_real(arena, x) : tn_new_null(arena));
}

static int print_jsonl(FILE *out, const struct eval_rows *t, struct tn_call *call)
{
	for (size_t i = 0; i < t->n; i++) {
		char *line = tn_json_print(t->rows[i], NULL, call);

		if (!line)
			return tn_status(call);
		fprintf(out, "%s\n", line);
	}
	return 0;
}

static void print_csv_text(FILE *out, const char *s)
{
	if (!strpbrk(s, ",\"\r\n")) {
		fputs(s, out);
		return;
	}
	putc('"', out);
	for (; *s; s++) {
		if (*s == '"')
			putc('"', out);
		putc(*s, out);
	}
	putc('"', out);
}

static int print_csv(FILE *out, const struct eval_rows *t, struct tn_call *call)
{
	for (size_t k = 0; t->n && k < tn_size(t->rows[0]); k++)
		fprintf(out, "%s%s", k ? "," : "", tn_key(t->rows[0], k));
	if (t->n)
		fputs("\r\n", out);
	for (size_t i = 0; i < t->n; i++) {
		for (size_t k = 0; k < tn_size(t->rows[i]); k++) {
			const struct tn_value *v = tn_at(t->rows[i], k);
			const char *text = tn_value_kind(v) == TN_VALUE_NULL ? "" :
				tn_value_kind(v) == TN_VALUE_STRING ? tn_string(v, "") :
				tn_json_print(v, NULL, call);

			if (!text)
				return tn_status(call);
			if (k)
				putc(',', out);
			print_csv_text(out, text);
		}
		fputs("\r\n", out);
	}
	return 0;
}

/* The text of a cell; "" where there is no value. */
static const char *cell(const struct eval_rows *t, size_t row, size_t column,
	struct tn_call *call)
{
	const struct eval_column *c = &t->columns[column];
	const struct tn_value *v = tn_get(t->rows[row], c->key);
	double x;

	if (tn_value_kind(v) == TN_VALUE_NULL)
		return "";
	if (tn_value_kind(v) == TN_VALUE_STRING)
		return tn_string(v, "");
	if (c->digits == -1)
		return tn_json_print(v, NULL, call);
	x = tn_real(v, 0) * c->scale;
	return c->digits == -2 ? tn_printf(call, "%.3g", x) :
		tn_printf(call, "%.*f", c->digits, x);
}

/* Characters that a terminal shows. */
static size_t width_of(const char *s)
{
	size_t n = 0;

	for (; *s; s++)
		n += (*s & 0xc0) != 0x80;
	return n;
}

static bool is_text(const struct eval_rows *t, size_t column)
{
	for (size_t i = 0; i < t->n; i++)
		if (tn_value_kind(tn_get(t->rows[i], t->columns[column].key)) == TN_VALUE_STRING)
			return true;
	return false;
}

static void print_cell(FILE *out, const char *s, size_t width, bool left, bool last)
{
	int pad = (int)(width - width_of(s));

	if (left)
		fprintf(out, "%s%*s", s, last ? 0 : pad, "");
	else
		fprintf(out, "%*s%s", pad, "", s);
}

static int print_table(FILE *out, const struct eval_rows *t, bool markdown,
	struct tn_call *call)
{
	const char **cells = tn_alloc_n(call, t->n_columns * (t->n + 1) + 1, sizeof(*cells));
	size_t *width = tn_alloc_n(call, t->n_columns + 1, sizeof(*width)), last = 0;

	if (!cells || !width)
		return tn_status(call);
	for (size_t c = 0; c < t->n_columns; c++) {
		for (size_t i = 0; i < t->n; i++) {
			const char *s = cell(t, i, c, call);

			if (!s)
				return tn_status(call);
			cells[(i + 1) * t->n_columns + c] = s;
			if (width_of(s) > width[c])
				width[c] = width_of(s);
		}
		if (!width[c])
			continue;
		last = c;
		cells[c] = t->columns[c].heading;
		if (width_of(cells[c]) > width[c])
			width[c] = width_of(cells[c]);
	}
	for (size_t i = 0; i <= t->n; i++) {
		const char *between = markdown ? "| " : "";

		for (size_t c = 0; c < t->n_columns; c++) {
			if (!width[c])
				continue;
			fputs(between, out);
			print_cell(out, cells[i * t->n_columns + c], width[c], is_text(t, c),
				c == last && !markdown);
			between = markdown ? " | " : "  ";
		}
		fputs(markdown ? " |\n" : "\n", out);
		for (size_t c = 0; markdown && !i && c < t->n_columns; c++)
			if (width[c])
				fputs(is_text(t, c) ? "|---" : "|--:", out);
		if (markdown && !i)
			fputs("|\n", out);
	}
	return 0;
}

int eval_rows_print(FILE *out, enum eval_row_format format, const struct eval_rows *t,
	struct tn_call *call)
{
	switch (format) {
	case EVAL_ROWS_JSONL:
		return print_jsonl(out, t, call);
	case EVAL_ROWS_CSV:
		return print_csv(out, t, call);
	default:
		return print_table(out, t, format == EVAL_ROWS_MARKDOWN, call);
	}
}
