/* SPDX-License-Identifier: Apache-2.0
 * core/cli/answer_table.c - answers as one table: a row for each span or answer.
 */
#include <libsmartcols.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "cli/answer_table.h"
#include "cli/plugins.h"
#include "pipeline/writer.h"

struct tn_table {
	struct libscols_table *table;
};

static const char *const columns[] = { "INPUT", "HEAD", "LABEL", "SCORE", "BYTES", "TEXT" };
#define N_COLUMNS (sizeof(columns) / sizeof(columns[0]))

struct tn_table *tn_table_create(struct tn_call *call)
{
	struct tn_table *t = calloc(1, sizeof(*t));

	if (t)
		t->table = tn_cli_table(columns, N_COLUMNS, call);
	if (t && t->table)
		return t;
	free(t);
	tn_fail(call, TN_ENOMEM, "out of memory");
	return NULL;
}

static int add_row(struct tn_table *t, const char *input, const char *head,
	const struct tn_answer_row *row, struct tn_call *call)
{
	const char *cells[N_COLUMNS] = { input, head, row->label,
		isnan(row->score) ? "" : tn_printf(call, "%.3f", row->score),
		row->text ? tn_printf(call, "%zu-%zu", row->begin, row->end) : "", row->text };

	return tn_cli_line(t->table, cells, N_COLUMNS, call);
}

int tn_table_add(struct tn_table *t, const struct tn_value *answer, struct tn_call *call)
{
	const char *input = tn_printf(call, "%lld", (long long)tn_int(tn_get(answer, "input"), 0));
	const char *error = tn_string(tn_get(answer, "error"), NULL);

	if (error)
		return add_row(t, input, "error", &(struct tn_answer_row){ .label = error,
			.score = NAN }, call);
	for (size_t i = 0; i < tn_size(answer); i++) {
		const struct tn_answer_row *rows;
		size_t n;

		if (!tn_is_head_answer(tn_key(answer, i)))
			continue;
		rows = tn_answer_rows(tn_at(answer, i), &n, call);
		for (size_t k = 0; k < n; k++)
			if (add_row(t, input, tn_key(answer, i), &rows[k], call))
				return tn_status(call);
	}
	return tn_status(call);
}

int tn_table_print(struct tn_table *t, struct tn_call *call)
{
	char *text = NULL;
	int status;

	if (scols_print_table_to_string(t->table, &text))
		return tn_fail(call, TN_ENOMEM, "out of memory");
	status = tn_write_bytes(stdout, text, strlen(text), call);
	free(text);
	return status;
}

void tn_table_destroy(struct tn_table *t)
{
	if (!t)
		return;
	scols_unref_table(t->table);
	free(t);
}
