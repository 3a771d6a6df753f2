/* SPDX-License-Identifier: Apache-2.0
 * heads/bio-crf/bio-crf.h - the head's state, and its two ways to an answer.
 */
#ifndef BIO_CRF_BIO_CRF_H
#define BIO_CRF_BIO_CRF_H

#include <tenon/impl/head.h>

#include "crf.h"
#include "tags.h"

/** How scores become spans: by the CRF over words, or by the softmax of each token and
 *  one of the aggregation strategies of transformers' token classification pipeline. */
enum aggregation {
	AGGREGATE_AUTO, AGGREGATE_CRF, AGGREGATE_NONE, AGGREGATE_SIMPLE, AGGREGATE_FIRST,
	AGGREGATE_AVERAGE, AGGREGATE_MAX
};
enum word_pool { POOL_FIRST, POOL_MEAN, POOL_LAST };

struct bio_crf {
	struct tn_head base;
	/* options */
	int32_t words;			/* read by the core */
	int32_t word_pool;		/* enum word_pool */
	int32_t scheme;			/* enum scheme */
	int32_t aggregation;		/* enum aggregation */
	int64_t nbest;
	double min_score;
	/* set by open */
	const struct tn_head_env *env;
	enum aggregation how;		/* never AUTO */
	enum scheme tagging;		/* never AUTO, with the CRF */
	struct tag *tags;		/* [n_labels] */
	struct crf crf;
	double *memory;			/* of crf's arrays */
	bool prefixed;			/* pieces inside a word begin with "##" */
};

/** Makes -INFINITY of what the scheme forbids; see crf.h. */
void crf_forbid(const struct bio_crf *h, double *start, double *end, double *transition);

/** The slots of training: nll.c. */
tn_ref bio_crf_loss(const struct tn_head *self, struct tn_graph *g, tn_ref scores, tn_ref *count);
int bio_crf_target(const struct tn_head *self, const struct tn_target *t, struct tn_call *call);

/** Whether a token of window i is one of the text's, and kept by this window. */
bool kept_token(const struct tn_scores *scores, size_t i, size_t t);

/** Appends a span of the text: {"label","text","bytes","chars","score"}; 0 or TN_ENOMEM. */
int add_span(const struct tn_example *example, struct tn_value *list, const char *label,
	struct tn_word bytes, double score, struct tn_call *call);

/** The spans of the best paths of words: crf_decode.c. */
int crf_decode(const struct bio_crf *h, const struct tn_scores *scores, struct tn_value *list,
	struct tn_call *call);
/** The spans of tokens: aggregate.c. */
int aggregate(const struct bio_crf *h, const struct tn_scores *scores, struct tn_value *list,
	struct tn_call *call);

#endif
