/* SPDX-License-Identifier: Apache-2.0
 * core/eval/gold.h - labelled data: inputs with the answers they should get.
 *
 *	text	one text a line, no answers
 *	tsv	text TAB label, or text TAB pair TAB label
 *	jsonl	the inputs of core/data/input.h, with "label" (a label's name, or its number
 *		from 0), "labels" (a list of these), "tags" (of "words", one for each),
 *		"answers" (texts, objects with "text", or an object with the list "text";
 *		none: there is no answer)
 *	conll	words in the first column, their tags in the last
 *	squad	the JSON of SQuAD 1.1 and 2.0, one file
 *
 * An example may have several kinds of answers, for heads of several tasks.
 */
#ifndef TN_EVAL_GOLD_H
#define TN_EVAL_GOLD_H

#include "data/input.h"

enum eval_format { EVAL_TEXT, EVAL_TSV, EVAL_JSONL, EVAL_CONLL, EVAL_SQUAD };

/** The format of that name, or -1. */
int eval_format_of(const char *name);
/** The format that the ending of a path stands for: its name, or json for squad; text for
 *  all others. */
enum eval_format eval_format_of_path(const char *path);

/** What is right for one input; NULL and false where it does not say. */
struct eval_gold {
	const struct tn_value *label;	/* a string or an integer */
	const struct tn_value *labels;	/* a list of these, where there may be several */
	const struct tn_text *tags;	/* one for each word of the input */
	const struct tn_text *answers;
	size_t n_answers;		/* 0: there is none to this question */
	bool has_answers;
};

struct eval_example {
	struct tn_input input;
	struct eval_gold gold;
	const char *where;		/* "FILE:LINE", for messages */
};

/** Examples of one or more files; begin with a zeroed one. */
struct eval_data {
	struct eval_example *items;
	size_t n, room;
};

/** Appends all examples of a file; "-" is standard input (not for squad).  What they point
 *  to is in the arena.  Errors: those of the reader; TN_EDATA, an example is wrong, which
 *  is said with its line, or there is none; TN_ENOMEM. */
int eval_read(struct eval_data *data, const char *path, enum eval_format format,
	struct tn_arena *arena, struct tn_call *call);
/** Frees the array. */
void eval_data_finish(struct eval_data *data);

/** For the readers: appends an example.  Errors: TN_ENOMEM. */
int eval_append(struct eval_data *data, const struct eval_example *example,
	struct tn_call *call);
/** The texts of a JSON value: strings, or objects with the string "text".  NULL after
 *  TN_EDATA, which begins with `where`. */
const struct tn_text *eval_answer_texts(const struct tn_value *v, const char *where, size_t *n,
	struct tn_arena *arena, struct tn_call *call);
/** eval_read of the format squad. */
int eval_read_squad(struct eval_data *data, const char *path, struct tn_arena *arena,
	struct tn_call *call);

#endif
