/* SPDX-License-Identifier: Apache-2.0
 * core/pipeline/writer.h - answers as text for people, JSON lines or CoNLL columns.
 *
 *	text	the text with its heads' answers, spans marked [Oslo LOC 0.98]
 *	jsonl	the answer object, one a line
 *	conll	word TAB tag for each head that gives spans (B-X, I-X, O; of the best path
 *		alone), a blank line after each input; other heads are left out
 *
 * An answer is an object {"input","id","text","truncated",HEAD: ...} or {"input","id",
 * "error"}.  Only jsonl writes errors; the other formats hand them to tn_note.
 */
#ifndef TN_PIPELINE_WRITER_H
#define TN_PIPELINE_WRITER_H

#include <stdio.h>
#include <tenon/impl/head.h>

enum tn_output_format { TN_OUTPUT_TEXT, TN_OUTPUT_JSONL, TN_OUTPUT_CONLL, TN_OUTPUT_TABLE };

/** The format of that name ("text", "jsonl", "conll", "table"), or -1. */
TN_PRIVATE int tn_output_format(const char *name);

/** Where answers go.  Fill it and write; nothing is to be freed. */
struct tn_writer {
	FILE *out;			/* borrowed */
	enum tn_output_format format;	/* not TABLE, which is of core/cli */
	bool colour;			/* text: mark with ANSI colours as well */
	bool started;			/* an answer was written; begin with false */
};

/** Writes one answer and flushes it.  `words` are those of its text, for conll; NULL: the
 *  text is split at white space.  Returns 0; 1 when nobody reads the other end any more
 *  (EPIPE): stop without an error; TN_EIO, TN_ENOMEM. */
TN_PRIVATE int tn_write_answer(struct tn_writer *w, const struct tn_value *answer,
	const struct tn_word *words, size_t n_words, struct tn_call *call);
/** Writes n bytes and flushes them; returns as above. */
TN_PRIVATE int tn_write_bytes(FILE *out, const char *bytes, size_t n, struct tn_call *call);

/** One line of an answer, for tables. */
struct tn_answer_row {
	const char *label;		/* label, value, "(no answer)", or compact JSON */
	const char *text;		/* of a span or answer; NULL: none */
	size_t begin, end;		/* its bytes */
	double score;			/* NAN: none */
	int64_t rank;			/* of the path that a span is on, from 1 */
};

/** A head's answer as rows in the call's arena: a row for each span, label or value, one
 *  for all other kinds.  NULL with *n 0 when memory ran out. */
TN_PRIVATE const struct tn_answer_row *tn_answer_rows(const struct tn_value *answer, size_t *n,
	struct tn_call *call);
/** Whether a member of an answer object is a head's answer (not input, id, text, words,
 *  truncated, error). */
TN_PRIVATE bool tn_is_head_answer(const char *key);

#endif
