/* SPDX-License-Identifier: Apache-2.0
 * core/eval/masking.h - hiding tokens of a text, for a masked language model to find.
 *
 * Source: Devlin et al., arXiv 1810.04805, section 3.1 and A.1: of the tokens that are chosen
 * 80 % become the mask, 10 % another token, 10 % stay; anew each time, as Liu et al., arXiv
 * 1907.11692, section 4.1.
 */
#ifndef TN_EVAL_MASKING_H
#define TN_EVAL_MASKING_H

#include "pipeline/pipeline_impl.h"

/** What a masked language model has to find. */
struct tn_masking {
	double probability;		/* of a token */
	bool whole_words;		/* all tokens of a word, or none */
};

/** Hides tokens of a window in a copy of it: gold->ids says which token stood where.  Both are
 *  in the call's arena.  What is chosen depends on `draw` alone.  A window of which nothing is
 *  chosen by chance has its first token chosen. */
int tn_mask_window(const struct tn_pipeline *p, const struct tn_masking *masking,
	uint64_t draw, struct tn_window *window, struct tn_gold *gold, struct tn_call *call);

#endif
