/* SPDX-License-Identifier: Apache-2.0
 * core/data/input.h - texts from a file or a pipe, one at a time.
 *
 *	text	one text a line
 *	jsonl	one JSON object a line: {"text"}, {"words":[...]}, {"question","context"} or
 *		{"text","pair"}, with an optional "id"; other members are ignored, blank
 *		lines are skipped
 *	conll	one word a line in columns, a blank line after each sentence; lines that
 *		begin with -DOCSTART- are skipped
 *	csv	records of cells, the line ends inside of quotes kept (RFC 4180); a quote inside
 *		of an unquoted cell is a byte like others; blank lines are skipped
 *	conllu	the ten columns of CoNLL-U; comments, multiword ranges (3-4) and empty nodes
 *		(5.1) are skipped, ids are checked
 *
 * Lines end with LF or CR LF; the last may lack it.  Texts may hold NULs.  Memory is
 * bounded by the longest line (of conll: sentence), however long the file is.
 */
#ifndef TN_DATA_INPUT_H
#define TN_DATA_INPUT_H

#include <tenon/pipeline.h>

enum tn_input_format {
	TN_INPUT_TEXT, TN_INPUT_JSONL, TN_INPUT_CONLL, TN_INPUT_CSV, TN_INPUT_CONLLU
};

/** The format of that name, if inputs without labels come in it ("text", "jsonl", "conll"),
 *  or -1. */
TN_PRIVATE int tn_input_format(const char *name);

struct tn_reader_options {
	enum tn_input_format format;
	size_t word_column;	/* conll, conllu: the column of the words, from 0 */
	size_t longest;		/* bytes of a line, of csv also of a record; 0: 64 MiB */
};

/** One input; all of it is in the arena given to tn_reader_next.  When error is not
 *  NULL, this input is bad ("FILE:8: byte 12: ...", bytes of the line from 0) and only
 *  line, id (if it was readable) and error are set; the reader goes on behind it. */
struct tn_item {
	size_t line;			/* its first line, from 1 */
	const struct tn_value *id;	/* NULL: none */
	struct tn_text text, pair;	/* text NULL: words or none; a question and its context
					 * are text and pair */
	const struct tn_text *words;	/* NULL: a text was given */
	size_t n_words;
	const size_t *lines;		/* conll, conllu: of each word, else NULL */
	const struct tn_text *columns;	/* conll, conllu: [n_words][n_columns]; csv: [n_columns];
					 * else NULL */
	size_t n_columns;
	const struct tn_value *object;	/* jsonl: all of the line, else NULL */
	const char *error;
};

struct tn_reader;

/** Opens a file, FIFO or device, or standard input when path is "-" (which is not
 *  closed).  NULL after an error: TN_ENOINPUT, TN_EDATA (a directory), TN_EIO, TN_ENOMEM. */
TN_PRIVATE struct tn_reader *tn_reader_open(const char *path,
	const struct tn_reader_options *options, struct tn_call *call);
/** 1: *item is the next input; 0: there are no more; negative: TN_EIO, TN_ENOMEM. */
TN_PRIVATE int tn_reader_next(struct tn_reader *r, struct tn_item *item, struct tn_arena *arena,
	struct tn_call *call);
/** Whether tn_reader_next will return without waiting for more bytes.  While this is
 *  false, what was answered so far should be flushed: a process at the other end may be
 *  waiting for it before it writes on.  Always false before the end of csv and conllu. */
TN_PRIVATE bool tn_reader_ready(struct tn_reader *r);
/** How much of a regular file has been given, 0 to 1; negative: not known. */
TN_PRIVATE double tn_reader_share(const struct tn_reader *r);
/** What messages call it: the path, or "standard input". */
TN_PRIVATE const char *tn_reader_name(const struct tn_reader *r);
/** NULL is allowed. */
TN_PRIVATE void tn_reader_close(struct tn_reader *r);

#endif
