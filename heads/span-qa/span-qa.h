/* SPDX-License-Identifier: Apache-2.0
 * heads/span-qa/span-qa.h - the head's state, and its two ways to an answer.
 */
#ifndef SPAN_QA_SPAN_QA_H
#define SPAN_QA_SPAN_QA_H

#include <tenon/impl/head.h>

#include "spans.h"

enum decoding { DECODE_BEST, DECODE_HF };

struct span_qa {
	struct tn_head base;
	int32_t decode;			/* enum decoding */
	int64_t max_answer_tokens, nbest;
	bool null_answer;
	double null_threshold;
	const struct tn_head_env *env;
};

/** A window as a row of spans: the tokens of the second text in it.  The arrays have room
 *  for one element more than tokens. */
struct qa_row {
	struct span_row row;
	size_t context;			/* token that row element 0 is */
	double null_start, null_end;	/* scores of [CLS] */
	double *start, *end, *sums;	/* what row points at; [2 n] scratch */
	size_t *best, *queue;
};

/** A candidate, or no answer with text NULL. */
struct qa_answer {
	const char *text;
	uint32_t begin, end;		/* bytes of the second text */
	double score;			/* probability */
};

/** The token of a window that stands for no answer: [CLS]. */
size_t qa_no_answer(const struct span_qa *h, const struct tn_window *w);

/** The slots of training: nll.c. */
tn_ref span_qa_loss(const struct tn_head *self, struct tn_graph *g, tn_ref scores, tn_ref *count);
int span_qa_target(const struct tn_head *self, const struct tn_target *t, struct tn_call *call);

/** Fills the row for window i; TN_EDATA for a score that is not finite, TN_ENOMEM. */
int qa_read_window(const struct span_qa *h, const struct tn_scores *scores, size_t i,
	struct qa_row *row, struct tn_call *call);

/** The answers, best first, at most nbest (and one more for no answer), in the call's
 *  arena.  *null_score: the probability of no answer. */
int qa_decode_best(const struct span_qa *h, const struct tn_scores *scores,
	struct qa_answer **answers, size_t *n, double *null_score, struct tn_call *call);
/** The same as transformers' QuestionAnsweringPipeline gives them: hf.c. */
int qa_decode_hf(const struct span_qa *h, const struct tn_scores *scores,
	struct qa_answer **answers, size_t *n, double *null_score, struct tn_call *call);

#endif
