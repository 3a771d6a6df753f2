/* SPDX-License-Identifier: Apache-2.0
 * core/eval/answer.h - how well a text answers a question.
 *
 * Source: Rajpurkar et al. 2016, section 6, counted as evaluate-v1.1.py does; for questions
 * without an answer Rajpurkar et al. 2018 (evaluate-v2.0.py).
 */
#ifndef TN_EVAL_ANSWER_H
#define TN_EVAL_ANSWER_H

#include <tenon/pipeline.h>

/** The text in lower case, without ASCII punctuation and without the words a, an and the,
 *  its words with single spaces between: what is compared.  Lower case and words are those
 *  of Python's str.lower and \b, but sigma is never written as a final one.  With a
 *  NUL behind it, in the call's arena; {NULL, 0} after TN_ENOMEM. */
struct tn_text eval_normal_answer(struct tn_text text, struct tn_call *call);

/** The best over the gold answers of: *exact, 1 where the normal texts are equal, else 0;
 *  *f1, the harmonic mean of precision and recall over the words of the normal texts.
 *  Without gold answers both are 1 when nothing is found, else 0.  found.text NULL: no
 *  answer, as the empty one.  Errors: TN_ENOMEM. */
int eval_answer(struct tn_text found, const struct tn_text *gold, size_t n_gold, double *exact,
	double *f1, struct tn_call *call);

#endif
