/* SPDX-License-Identifier: Apache-2.0
 * core/train/features.h - what heads read of a model that stays as it is: computed once for each
 * example, and kept.
 */
#ifndef TN_TRAIN_FEATURES_H
#define TN_TRAIN_FEATURES_H

#include "pipeline/batch.h"

#define TN_MOST_FEATURES 16

/** A feature of the model that a head asks for. */
struct tn_kept_feature {
	const char *name;		/* "pooled" */
	const char *input;		/* what the heads' graph calls it */
	bool on_tokens;			/* a row for each token; else for each window */
	size_t width;
};

/** Features and the plan that computes them. */
struct tn_features {
	struct tn_pipeline *p;
	struct tn_kept_feature items[TN_MOST_FEATURES];
	size_t n;
	struct tn_plan *plan;
	struct tn_session session;
	struct tn_arena *arena;
	bool (*trains)(void *user, const char *head);
	void *user;
};

/** The rows of all features of a list of examples. */
struct tn_feature_rows {
	float *rows[TN_MOST_FEATURES];
	size_t *first_token, *first_window;	/* of each example */
};

/** Finds what the heads that are trained ask for, and makes the plan.  The pipeline outlives it.
 *  To be closed also after an error. */
TN_PRIVATE int tn_features_open(struct tn_features *f, struct tn_pipeline *p,
	bool (*trains)(void *user, const char *head), void *user, struct tn_call *call);
TN_PRIVATE void tn_features_close(struct tn_features *f);
/** The value that stands for a feature in the heads' graph: an input. */
TN_PRIVATE tn_ref tn_features_input(const struct tn_features *f, struct tn_graph *g,
	const char *name);
/** Memory for n examples of the given tokens and windows. */
TN_PRIVATE int tn_feature_rows_make(struct tn_feature_rows *r, const struct tn_features *f,
	size_t n, const uint32_t *tokens, const uint32_t *windows, struct tn_call *call);
TN_PRIVATE void tn_feature_rows_finish(struct tn_feature_rows *r);
/** Computes the features of a batch and keeps them; the `number` of an item's job is that of its
 *  example. */
TN_PRIVATE int tn_features_compute(struct tn_features *f, struct tn_feature_rows *r,
	const struct tn_batch_item *items, size_t n, struct tn_call *call);
/** Fills the inputs of a batch that is bound. */
TN_PRIVATE void tn_features_fill(const struct tn_features *f, const struct tn_feature_rows *r,
	struct tn_session *s, const struct tn_batch_item *items, size_t n);

#endif
