/* SPDX-License-Identifier: Apache-2.0
 * core/data/reader.h - what the readers of the formats share.
 */
#ifndef TN_DATA_READER_H
#define TN_DATA_READER_H

#include "data/input.h"
#include "data/lines.h"

struct tn_reader {
	struct tn_reader_options options;
	struct tn_lines lines;
	char *name;
	int opened;			/* the descriptor to close, or -1 */
	struct tn_call *attempt;	/* for faults of one input */
	struct tn_text *cells;		/* of the sentence, or record, being read */
	size_t n_cells, capacity;
	size_t *word_lines;		/* conll, conllu: of its words */
	size_t lines_capacity;
	char *record;			/* csv: its cells without their quotes */
	size_t record_bytes, record_capacity;
};

enum { TN_LINE_BAD = TN_LINE_TOO_LONG };

/** The next line of an input, borrowed until the next call.  A line that is too long or
 *  not UTF-8 sets item->error (unless it is set) and is TN_LINE_BAD.  Returns TN_LINE,
 *  TN_LINE_BAD, TN_LINE_END, TN_EIO, TN_ENOMEM. */
int tn_reader_line(struct tn_reader *r, struct tn_item *item, const char **text, size_t *len,
	struct tn_arena *arena, struct tn_call *call);
/** Sets item->error, unless it is set.  Returns 1, or TN_ENOMEM. */
int tn_item_fail(const struct tn_reader *r, struct tn_item *item, struct tn_arena *arena,
	struct tn_call *call, const char *format, ...) TN_PRINTF(5, 6);

/** tn_reader_next for one format, with *item zeroed. */
int tn_next_jsonl(struct tn_reader *r, struct tn_item *item, struct tn_arena *arena,
	struct tn_call *call);
int tn_next_conll(struct tn_reader *r, struct tn_item *item, struct tn_arena *arena,
	struct tn_call *call);
int tn_next_csv(struct tn_reader *r, struct tn_item *item, struct tn_arena *arena,
	struct tn_call *call);

/** Appends a cell to r->cells.  Errors: TN_ENOMEM. */
int tn_reader_add_cell(struct tn_reader *r, const char *text, size_t len, struct tn_call *call);
/** Whether a line of CoNLL-U is a word.  One that is wrong sets item->error. */
enum { TN_CONLLU_SKIP = 0, TN_CONLLU_WORD = 1 };
int tn_conllu_line(const struct tn_reader *r, struct tn_item *item, const char *text, size_t len,
	struct tn_arena *arena, struct tn_call *call);

/** Nothing but spaces, tabs and CR. */
bool tn_is_blank(const char *text, size_t len);
/** A line between sentences: blank, or -DOCSTART-. */
bool tn_is_conll_gap(const char *text, size_t len);

#endif
