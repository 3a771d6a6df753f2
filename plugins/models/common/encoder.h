/* SPDX-License-Identifier: Apache-2.0
 * encoder.h - what the families of BERT's shape share: embeddings by tables, blocks that norm
 * after each sum, one row for a text, scores of the vocabulary.  Linked hidden into each.
 *
 * Sources: Vaswani et al., arXiv 1706.03762, section 3; Devlin et al., arXiv 1810.04805,
 * sections 3 and A.2.
 */
#ifndef MODEL_ENCODER_H
#define MODEL_ENCODER_H

#include <tenon/impl/model.h>

#define ENCODER_MOST 1048576	/* a layer has at most 2^40 weights: sizes never overflow */

/** A model of such a family; its state begins with it. */
struct encoder {
	struct tn_model base;
	size_t width, layers, heads, inner, vocab;
	size_t embedded;		/* columns of the tables of embeddings */
	size_t positions, first;	/* rows of their table; the row of position 0 */
	size_t segments;		/* 0: they have no table */
	size_t span;			/* of the bias by distance; 0: there is none */
	enum tn_act act;
	double eps;
	double dropout, out_dropout, down_dropout;	/* of embeddings, and of names.out and .down */
	double head_dropout;		/* before a head's linear layer */
	double attention_dropout;	/* of the probabilities */
	bool tied;			/* word embeddings and the decoder of the vocabulary */
};

/** Names of the tensors of a block behind the block's own, as ".output.dense". */
struct encoder_names {
	const char *query, *key, *value, *out, *out_norm;
	const char *up, *down, *norm;
};

/** Names of the layers before the vocabulary's scores. */
struct encoder_scorer {
	const char *dense, *norm, *decoder;
	const char *bias, *other_bias;	/* the second one may be NULL; it counts when untied */
};

/** Reads config.json with BERT's keys; those of segments are the family's.  Errors are the
 *  call's. */
void encoder_read(struct encoder *e, const struct tn_value *config, const char *path,
	struct tn_call *call);
/** A rate of dropout; a missing key and null give `otherwise`. */
double encoder_rate(const struct tn_value *config, const char *path, const char *key,
	double otherwise, struct tn_call *call);
/** Checks what was read, in any way, and fills info.  Errors: TN_EDATA, or the call's. */
int encoder_open(const struct encoder *e, const struct tn_value *config, const char *path,
	struct tn_model_info *info, struct tn_call *call);

/** norm(word + segment + position), [tokens][embedded].  Of the tables' names the first part is
 *  "embeddings" in all families. */
tn_ref encoder_embed(const struct encoder *e, struct tn_graph *g);
/** The block whose tensors have names that begin with `at`: x + attention and x + dense, act,
 *  dense, each normed.  bias [2 span - 1][heads] is added to the scores of attention. */
tn_ref encoder_block(const struct encoder *e, struct tn_graph *g, tn_ref x, const char *at,
	const struct encoder_names *names, tn_ref bias);
/** e->layers blocks of BERT's names, encoder.layer.0 and so on, over the embeddings x. */
tn_ref encoder_layers(const struct encoder *e, struct tn_graph *g, tn_ref x);
/** The first row of "tokens" of each window, [texts][width]. */
tn_ref encoder_first(struct tn_graph *g);
/** dropout(act(dense layer)) of that row: BERT's pooler. */
tn_ref encoder_pool(const struct encoder *e, struct tn_graph *g, const char *dense,
	enum tn_act act);
/** "classified": RoBERTa's classifier before its last layer, dropout(act(classifier.dense)) over
 *  that row after dropout. */
tn_ref encoder_classify(const struct encoder *e, struct tn_graph *g, enum tn_act act);
/** "pooled" of such a family: what the file has of a classifier, of a pooler, or that row. */
tn_ref encoder_pool_bare(const struct encoder *e, struct tn_graph *g);
/** Scores of the whole vocabulary, [tokens][vocab].  Tied, the decoder is the table of word
 *  embeddings, and what the file has of its own is a copy. */
tn_ref encoder_score(const struct encoder *e, struct tn_graph *g, enum tn_act act,
	const struct encoder_scorer *names);
/** RoBERTa's names for it. */
extern const struct encoder_scorer encoder_lm_head;

#endif
