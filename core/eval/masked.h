/* SPDX-License-Identifier: Apache-2.0
 * core/eval/masked.h - how well a masked language model finds tokens that are hidden from it.
 *
 * Hidden together, as in training: the share of them that is found, and their mean negative
 * log-likelihood.  Hidden one at a time, each in its turn, special tokens never: the
 * pseudo-perplexity, exp of the mean negative log-likelihood.  It is not the perplexity of a
 * causal model, which does not see what follows, and is not to be compared with one.
 *
 * Source: Salazar et al., arXiv 1910.14659, section 2 and equation 3 (pseudo-perplexity).
 */
#ifndef TN_EVAL_MASKED_H
#define TN_EVAL_MASKED_H

#include "eval/masking.h"
#include "eval/records.h"

struct tn_session;

struct eval_masker_options {
	struct tn_masking masking;
	uint64_t seed;			/* of the tokens that are hidden together */
	bool alone;			/* also each token by itself */
	/** After each text; NULL: nobody listens. */
	void (*step)(void *user, size_t done);
	void *user;
};

/** A model with a head that fills masks, planned to give scores for the hidden tokens alone. */
struct eval_masker {
	struct tn_pipeline *p;
	const struct tn_pipeline_head *head;
	struct eval_masker_options options;
	struct tn_plan *plan;
	struct tn_exec *exec;
	int tokens_axis, places_axis;
	size_t vocabulary;
	/* How often each token was to be found: of those hidden together, of those alone. */
	uint64_t *together, *alone;	/* [vocabulary] */
	uint64_t drawn;			/* windows so far */
	struct eval_queue *queue;
};

/** To be closed also after an error.  Errors: TN_EDATA, the head's scores are no pieces of
 *  tokens, or depend on more than tokens; TN_ENOMEM; what plans give. */
int eval_masker_open(struct eval_masker *m, struct tn_pipeline *p, size_t head,
	const struct eval_masker_options *options, struct tn_call *call);
void eval_masker_close(struct eval_masker *m);
/** Hides tokens of all texts and adds a record for each, in their order.  Masks that stand in a
 *  text are never hidden: what was there is not known.  Of a head that truncates, what it cuts
 *  off counts nothing.  The same texts, options and order give the same records.
 *  Errors: TN_EDATA, a text is wrong; TN_ENOMEM. */
int eval_masker_run(struct eval_masker *m, struct eval_records *r, const struct eval_data *data,
	struct tn_call *call);

/** What the tokens of texts give without a model: the share of the tokens hidden together that
 *  are the most frequent one in `train`; the perplexity of the tokens hidden alone by their
 *  frequencies there, one added to each. */
struct eval_masked_floor {
	double accuracy, perplexity;	/* NAN: nothing was hidden */
};
/** After runs.  `train` NULL: of the texts themselves.  Errors: TN_EDATA, TN_ENOMEM. */
int eval_masker_floor(struct eval_masker *m, const struct eval_data *train,
	struct eval_masked_floor *floor, struct tn_call *call);

#endif
