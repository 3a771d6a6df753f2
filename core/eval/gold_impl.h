/* SPDX-License-Identifier: Apache-2.0
 * core/eval/gold_impl.h - what the readers of labelled data share.
 */
#ifndef TN_EVAL_GOLD_IMPL_H
#define TN_EVAL_GOLD_IMPL_H

#include "eval/gold.h"

/** Appends an example.  Errors: TN_ENOMEM. */
int eval_append(struct eval_data *data, const struct eval_example *example,
	struct tn_call *call);
/** After an example was wrong: with drop_bad it is counted, TN_EDATA and its message are taken
 *  from the call, and 0 is returned; else the call's status. */
int eval_bad(struct eval_data *data, const struct eval_source *source, struct tn_arena *arena,
	struct tn_call *call);

/** What stands in a column. */
enum eval_role { EVAL_WORD, EVAL_LABEL, EVAL_TEXT_1, EVAL_PAIR, EVAL_ID, EVAL_N_ROLES };

/** Which column has which role. */
struct eval_columns {
	size_t at[EVAL_N_ROLES];	/* from 0; SIZE_MAX: none */
	size_t n;			/* how many a line has; 0: not known, as nothing was said */
	const char *names[EVAL_N_ROLES];	/* in the header; NULL: not by name */
	bool by_name;
};

/** The columns that a source states, or its format's.  Returns NULL, or what is wrong, in the
 *  call's arena; also NULL after TN_ENOMEM. */
const char *eval_columns_open(struct eval_columns *c, const struct eval_source *s,
	struct tn_call *call);
/** tsv and csv: takes the first row of a file.  1: it is a header, and c->at is set by it;
 *  0: it is not; TN_EDATA, which begins with `where`: a column that was named is not in it. */
int eval_columns_header(struct eval_columns *c, const struct eval_source *s,
	const struct tn_text *cells, size_t n, const char *where, struct tn_call *call);
/** tsv and csv: makes an example of a row.  Errors: TN_EDATA, which begins with e->where,
 *  TN_ENOMEM. */
int eval_columns_row(const struct eval_columns *c, const struct tn_text *cells, size_t n,
	struct eval_example *e, struct tn_arena *arena, struct tn_call *call);

/** Reads "answers" and where they are in e->input.pair.  Errors: TN_EDATA, which begins with
 *  e->where, TN_ENOMEM. */
int eval_read_answers(const struct tn_value *v, struct eval_example *e, struct tn_arena *arena,
	struct tn_call *call);

/** eval_read of the format squad. */
int eval_read_squad(struct eval_data *data, const struct eval_source *source,
	struct tn_arena *arena, struct tn_call *call);

#endif
