/* SPDX-License-Identifier: Apache-2.0
 * core/cli/table.c - tables on stdout, by libsmartcols.
 */
#include <libsmartcols.h>

#include "cli/plugins.h"

struct libscols_table *tn_cli_table(const char *const *names, size_t n, struct tn_call *call)
{
	struct libscols_table *table = scols_new_table();

	for (size_t i = 0; table && i < n; i++) {
		/* A hint of the width keeps the column as wide as its cells. */
		if (scols_table_new_column(table, names[i], 1,
				i + 1 == n ? SCOLS_FL_WRAP : SCOLS_FL_NOEXTREMES))
			continue;
		scols_unref_table(table);
		table = NULL;
	}
	if (!table)
		tn_fail(call, TN_ENOMEM, "out of memory");
	return table;
}

int tn_cli_line(struct libscols_table *table, const char *const *cells, size_t n,
	struct tn_call *call)
{
	struct libscols_line *line = scols_table_new_line(table, NULL);

	for (size_t i = 0; line && i < n; i++)
		if (cells[i] && *cells[i] && scols_line_set_data(line, i, cells[i]))
			line = NULL;
	return line ? 0 : tn_fail(call, TN_ENOMEM, "out of memory");
}
