/* SPDX-License-Identifier: Apache-2.0
 * core/eval/records.h - what is right and what was found, example by example, for one head; and
 * the scores of it all, with intervals.
 *
 *	label	accuracy, macro_f1 (over labels that occur), mcc; of a head that gives several
 *		labels f1 (micro), precision, recall, macro_f1, exact (all labels right)
 *		Of a head that gives a number pearson, spearman (correlations times 100), rmse, mae
 *	spans	f1, precision, recall as conlleval counts them; strict_f1, strict_precision,
 *		strict_recall as seqeval does in its mode "strict" with the scheme of the tags;
 *		token_accuracy; surface_f1, surface_precision, surface_recall of the different
 *		surface forms: words with a label, found where some span of them is right.  Of
 *		tags that are labels of words, as parts of speech, only token_accuracy.
 *	answer	f1, exact as the SQuAD script has them; with questions that have no answer also
 *		answered_f1, answered_exact, unanswered_exact
 *	vector	cosine, mean, to the vectors of another run
 *	tokens	masked_accuracy and masked_nll, of tokens hidden together; pseudo_perplexity, of
 *		tokens hidden one at a time (eval/masked.h)
 *
 * Sources: Tjong Kim Sang and Buchholz 2000 (conlleval); Gorodkin 2004, Comparing Two K-category
 * Assignments by a K-category Correlation Coefficient (mcc); Rajpurkar et al. 2016 and 2018;
 * Derczynski et al. 2017, WNUT 2017, section 5 (surface forms, counted as wnuteval.py does).
 */
#ifndef TN_EVAL_RECORDS_H
#define TN_EVAL_RECORDS_H

#include <tenon/impl/head.h>

#include "eval/gold.h"
#include "eval/spans.h"
#include "eval/tags.h"
#include "eval/tally.h"

#define EVAL_MOST_SCORES 10

/** A text with tags. */
struct eval_tagged {
	struct eval_counts conll, strict;
	uint32_t words, right;
};

/** Where a surface form stands: in the gold tags, in those found, in both. */
struct eval_form {
	uint32_t record, form;
	uint8_t where;			/* 1, 2 or 4 */
};

/** A question. */
struct eval_asked {
	double exact, f1;
	bool answerable;
	/* What thresholds are judged by: the score of no answer over that of the best answer
	 * (NAN: the answer does not say), how right that one is, and whether it says anything. */
	double margin, best_exact, best_f1;
	bool spoke;
};

/** A text of which tokens were hidden: together, or each alone. */
struct eval_hidden {
	uint32_t together, right, alone;
	double together_nll, alone_nll;	/* sums of negative logarithms of probabilities */
};

/** How sure an answer was, and whether it was right. */
struct eval_sure {
	float score;
	bool right;
};

struct eval_records {
	const char *head;		/* its name in answers */
	enum tn_task task;
	const char *const *labels;
	size_t n_labels;
	struct tn_arena *arena;
	size_t n, room;
	/* Of labels; n_labels stands for none.  Of several: a row of 0 and 1 for each example. */
	uint32_t *gold, *found;
	bool several;
	uint8_t *gold_set, *found_set;	/* [n][n_labels] */
	bool numbers;
	double *gold_value, *found_value;
	float *p;			/* [n][n_labels]; NULL: answers do not say */
	bool has_p;
	struct eval_tagged *tagged;
	enum eval_scheme scheme;	/* of the gold tags */
	size_t illegal_gold, illegal_found;
	struct eval_tally types;
	struct eval_counts *by_type;	/* [types.n], conlleval's */
	size_t types_room;
	struct eval_tally form_names;	/* words and label */
	struct eval_form *forms;
	size_t n_forms, forms_room;
	struct eval_asked *asked;
	struct eval_hidden *hidden;
	double *cosine;
	struct eval_sure *sure;		/* of spans, of answers, of tokens hidden together */
	size_t n_sure, sure_room;
};

/** What was scored, with a 95 % interval: in points, 0 to 100 (mcc: -100 to 100); a negative
 *  log-likelihood in nats, a perplexity as it is. */
struct eval_score {
	const char *name;
	double value, low, high;	/* low and high NAN: not known */
};

/** No records; all memory is in the arena.  `scheme` counts for spans.  Errors: TN_EDATA, the task
 *  has no scores; TN_ENOMEM. */
int eval_records_open(struct eval_records *r, const char *head, enum tn_task task,
	const char *const *labels, size_t n_labels, enum eval_scheme scheme,
	struct tn_arena *arena, struct tn_call *call);
/** Whether an example says what is right for the task; of vectors and hidden tokens the text
 *  does, though only with another run or a masker. */
bool eval_records_wants(const struct eval_records *r, const struct eval_example *e);
/** 1: the example says what is right for the task; 0: it does not; TN_EDATA: its label is none of
 *  the head's. */
int eval_records_check(const struct eval_records *r, const struct eval_example *e,
	struct tn_call *call);
/** The number of a label, by its name or its number; n_labels: it is none of the head's. */
size_t eval_records_label(const struct eval_records *r, const struct tn_value *label);
/** The number that an example's label is.  Errors: TN_EDATA, it is none. */
int eval_records_number(const struct eval_records *r, const struct eval_example *e, double *value,
	struct tn_call *call);
/** Adds a pipeline's answer to an example.  Errors: TN_EDATA, it is an error, or the gold label
 *  is none of the head's; TN_ENOMEM. */
int eval_records_add(struct eval_records *r, const struct eval_example *e,
	const struct tn_value *answer, struct tn_call *call);
/** Adds what another system found: a label (NULL: none), tags, one for each word, or a text
 *  (NULL: no answer). */
int eval_records_add_label(struct eval_records *r, const struct eval_example *e,
	const struct tn_value *label, struct tn_call *call);
int eval_records_add_tags(struct eval_records *r, const struct eval_example *e,
	const struct tn_text *tags, struct tn_call *call);
int eval_records_add_text(struct eval_records *r, const struct eval_example *e,
	struct tn_text text, struct tn_call *call);

/** Adds how near a vector is to that of another run.  Errors: TN_EDATA, they are no vectors of one
 *  width; TN_ENOMEM. */
int eval_records_add_vector(struct eval_records *r, const struct tn_value *vector,
	const struct tn_value *other, struct tn_call *call);
/** Adds an empty one, r->hidden[r->n - 1]. */
int eval_records_add_hidden(struct eval_records *r, struct tn_call *call);
/** Adds how sure an answer was; of spans eval_records_add does it. */
int eval_records_add_sure(struct eval_records *r, double score, bool right, struct tn_call *call);

/** Says how much likelier no answer was than the text of the last eval_records_add_text. */
void eval_records_set_margin(struct eval_records *r, double margin);

/** The scores, at least one; the first judges.  Each record counts weights[i] times (NULL: once).
 *  Returns how many. */
size_t eval_records_scores(const struct eval_records *r, const uint32_t *weights,
	struct eval_score scores[EVAL_MOST_SCORES]);
/** Sets low and high by `draws` bootstrap samples of the records.  Source: Efron 1979; the
 *  percentiles 2.5 and 97.5.  Errors: TN_ENOMEM. */
int eval_records_intervals(const struct eval_records *r, struct eval_score *scores, size_t n,
	size_t draws, uint64_t seed, struct tn_call *call);
/** Counts of label i, over all records. */
struct eval_counts eval_records_of_label(const struct eval_records *r, size_t i);

#endif
