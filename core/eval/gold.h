/* SPDX-License-Identifier: Apache-2.0
 * core/eval/gold.h - labelled data: inputs with the answers they should get.
 *
 *	text	one text a line, no answers
 *	tsv	text TAB label, or text TAB pair TAB label; nothing is quoted
 *	csv	the same with commas, quoted as RFC 4180 has it
 *	jsonl	the inputs of core/data/input.h, with "label" (a label's name, or its number
 *		from 0), "labels" (a list of these), "tags" (of "words", one for each),
 *		"scores" (an object of probabilities by label, as another system gives them),
 *		"answers" (texts, objects with "text", or an object with the list "text";
 *		none: there is no answer)
 *	conll	words in the first column, their tags in the last
 *	conllu	CoNLL-U: words are FORM, tags UPOS
 *	squad	the JSON of SQuAD 1.1 and 2.0, one file
 *
 * An example may have several kinds of answers, for heads of several tasks.
 *
 * Answers may say where in the context they stand: objects by "answer_start" or "start", in
 * code points, or by "bytes": [begin, end]; an object of lists by the list "answer_start".
 */
#ifndef TN_EVAL_GOLD_H
#define TN_EVAL_GOLD_H

#include <tenon/impl/head.h>

#include "data/input.h"

enum eval_format {
	EVAL_TEXT, EVAL_TSV, EVAL_CSV, EVAL_JSONL, EVAL_CONLL, EVAL_CONLLU, EVAL_SQUAD
};

/** All formats in words, for messages and --help. */
#define EVAL_FORMATS "jsonl, conll, conllu, tsv, csv, squad or text"

/** The format of that name, or -1. */
int eval_format_of(const char *name);
const char *eval_format_name(enum eval_format format);
/** The format that the ending of a path stands for: its name, or json for squad; text for
 *  all others. */
enum eval_format eval_format_of_path(const char *path);

/**
 * A file and how to read it; zero means the default of each.
 *
 * The columns of a file have roles: "text", "pair", "label" and "id" in tsv and csv; "word" and
 * "label" (its tag) in conll and conllu.  `columns` says which, in one of two ways:
 *
 *	"id", "text", "-", "label"	one role for each column, in order, "-" or "" for one
 *					that is not used; a first line of these very names is
 *					a header
 *	"text=sentence", "label=class"	by name: the first line is a header, and the columns
 *					may stand in any order among others
 *
 * In conllu the names are those of CoNLL-U: "label=XPOS"; a role alone means its default.
 * Without `columns`, a first line of tsv or csv that holds nothing but roles, "text" among
 * them, is a header and says their order.
 */
struct eval_source {
	const char *path;		/* "-": standard input (not of squad) */
	enum eval_format format;
	const char *const *columns;	/* of tsv, csv, conll, conllu; NULL: as the format has them */
	size_t n_columns;
	bool header;			/* tsv, csv: the first line names the columns, whatever it
					 * says */
	bool last_is_found;		/* conll: the last column is what another system found; the
					 * tags stand before it */
	bool iob1;			/* tags are IOB1: they become BIO */
	bool drop_bad;			/* go on behind what is bad: see eval_data */
};

/** What is wrong with the columns of a source, one sentence in the call's arena; NULL when all
 *  is well, or after TN_ENOMEM. */
const char *eval_source_wrong(const struct eval_source *s, struct tn_call *call);

/** What is right for one input; NULL and false where it does not say. */
struct eval_gold {
	const struct tn_value *label;	/* a string or an integer */
	const struct tn_value *labels;	/* a list of these, where there may be several */
	const struct tn_value *scores;	/* of another system: an object of probabilities by label */
	const struct tn_text *tags;	/* one for each word of the input */
	const struct tn_text *answers;
	const struct tn_word *spans;	/* of each answer, bytes of the input's pair, whose text is
					 * the answer's; NULL: the data do not say where */
	size_t n_answers;		/* 0: there is none to this question */
	bool has_answers;
};

struct eval_example {
	struct tn_input input;
	struct eval_gold gold;
	const char *where;		/* "FILE:LINE", or "FILE: question ID", for messages */
	const char *file;
	const size_t *lines;		/* of each word; NULL: they are all at `where` */
};

/** How many messages of bad lines are kept. */
#define EVAL_MOST_BAD 10

/** Examples of one or more files; begin with a zeroed one. */
struct eval_data {
	struct eval_example *items;
	size_t n, room;
	size_t dropped;			/* bad lines, sentences or questions */
	const char *bad[EVAL_MOST_BAD];	/* what was wrong with the first of them */
};

/** Appends all examples of a file.  What they point to is in the arena.  With drop_bad an
 *  example that is wrong is dropped, counted and its message kept; a file that cannot be read
 *  on remains an error.
 *  Errors: those of the reader; TN_EDATA, an example is wrong, which is said with its line,
 *  or there is none; TN_EUSAGE, the columns are wrong; TN_ENOMEM. */
int eval_read(struct eval_data *data, const struct eval_source *source, struct tn_arena *arena,
	struct tn_call *call);
/** Frees the array. */
void eval_data_finish(struct eval_data *data);
/** "FILE:LINE" of a word, or what `where` is.  In the call's arena; NULL after TN_ENOMEM. */
const char *eval_word_where(const struct eval_example *e, size_t word, struct tn_call *call);

/** A label as text: of a number its digits.  In the arena; text NULL: out of memory. */
struct tn_text eval_label_text(const struct tn_value *label, struct tn_arena *arena);

/** The texts of a JSON value: strings, or objects with the string "text".  NULL after
 *  TN_EDATA, which begins with `where`. */
const struct tn_text *eval_answer_texts(const struct tn_value *v, const char *where, size_t *n,
	struct tn_arena *arena, struct tn_call *call);

#endif
