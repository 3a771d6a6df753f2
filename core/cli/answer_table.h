/* SPDX-License-Identifier: Apache-2.0
 * core/cli/answer_table.h - answers as one table: a row for each span or answer.
 */
#ifndef TN_CLI_ANSWER_TABLE_H
#define TN_CLI_ANSWER_TABLE_H

#include <tenon/value.h>

struct tn_table;

/** NULL after TN_ENOMEM. */
struct tn_table *tn_table_create(struct tn_call *call);
/** Adds the rows of an answer object; an error is a row too. */
int tn_table_add(struct tn_table *t, const struct tn_value *answer, struct tn_call *call);
/** Writes the table to stdout; returns as tn_write_answer. */
int tn_table_print(struct tn_table *t, struct tn_call *call);
/** NULL is allowed. */
void tn_table_destroy(struct tn_table *t);

#endif
