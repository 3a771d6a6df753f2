/* SPDX-License-Identifier: Apache-2.0
 * core/pipeline/pipeline_impl.h - the pipeline from inside, and the jobs it runs.
 */
#ifndef TN_PIPELINE_IMPL_H
#define TN_PIPELINE_IMPL_H

#include <pthread.h>
#include <stdbool.h>
#include <tenon/impl/head.h>
#include <tenon/impl/model.h>
#include <tenon/pipeline.h>

#include "checkpoint/model_dir.h"
#include "checkpoint/weights.h"
#include "pipeline/config.h"
#include "pipeline/runtime.h"
#include "tensor/plan.h"
#include "text/text.h"

/** What the rows of a head's scores are. */
enum tn_score_axis { TN_ON_TEXTS, TN_ON_WORDS, TN_ON_TOKENS };

#define TN_MAX_KEPT 2

/** How a text is cut into words. */
enum tn_words_mode { TN_WORDS_NONE, TN_WORDS_SPACE, TN_WORDS_PRETOKENIZER };

struct tn_training;

/** Weights from a head's file first, then from the model's. */
struct tn_head_source {
	struct tn_weights *own;		/* NULL: none */
	struct tn_weights *model;
	struct tn_weight_source source;
	const struct tn_training *training;
};

/** What examples to learn from say of a head. */
struct tn_gold_labels {
	enum tn_gold_kind kind;
	const char *const *items;
	size_t n;			/* 0: it needs none */
};

/** What is needed where heads are to be trained that have no weights yet. */
struct tn_training {
	/** The labels of a head that has no weights.  NULL: none are known. */
	int (*labels)(void *user, const char *head, enum tn_task task,
		struct tn_gold_labels *found, struct tn_call *call);
	/** Also what the model and heads with weights lack is made, and each such tensor is told
	 *  here.  NULL: that is a fault. */
	void (*missing)(void *user, const char *name, const size_t dims[4], uint32_t n_dims);
	bool frozen_features;		/* of the model nothing is made: it stays as it is */
	void *user;
};

struct tn_pipeline_head {
	const struct tn_component_config *config;
	const char *name;
	const struct tn_plugin *plugin;
	const struct tn_head_impl *impl;
	struct tn_head *state;
	bool opened;			/* open has run, so close must */
	struct tn_head_env env;
	const struct tn_value *options;	/* of its file and the configuration */
	struct tn_head_source weights;
	enum tn_overflow on_overflow;
	enum tn_score_axis axis;
	size_t cols;			/* of its scores */
	/* In training, of a head that is one linear layer over a feature of the model: that
	 * feature and the layer's name; else NULL. */
	const char *plain_feature, *plain_weights;
};

struct tn_session;

struct tn_pipeline {
	struct tn_arena *arena;		/* what lives as long as the pipeline */
	struct tn_pipeline_config *config;
	struct tn_model_dir *dir;
	const struct tn_model_class *class;	/* of the model's table, or NULL */
	struct tn_model *model;
	struct tn_model_info info;
	struct tn_tokenizer *tokenizer;
	const struct tn_tokenizer_info *tokenizer_info;
	struct tn_chain chain;
	struct tn_weights *weights;
	struct tn_weight_source model_source;
	/* Of features behind "tokens": with weights of the only head, where it has some of its
	 * own, else as model_source. */
	struct tn_weight_source feature_source;
	struct tn_pipeline_head *heads;
	size_t n_heads;
	const struct tn_training *training;	/* NULL: the pipeline only answers */
	size_t n_kept;			/* features that are outputs behind the heads' scores */
	struct {
		enum tn_score_axis axis;
		size_t cols;
	} kept[TN_MAX_KEPT];
	struct tn_plan *plan;
	int tokens_axis, words_axis, texts_axis;	/* of the plan; -1: it has none */
	enum tn_words_mode words_mode;
	size_t max_tokens, overlap;	/* of a window; max_tokens 0: no limit */
	size_t limit;			/* max_tokens, also where jobs have no limit */
	bool windows;			/* some head wants windows */
	bool pair_is_long;		/* windows go over the second text */
	size_t threads, threads_per_call;
	size_t batch_tokens;		/* a batch holds about this many */
	pthread_mutex_t lock;		/* of what follows */
	pthread_cond_t free_slot;
	size_t running;
	struct tn_session *idle;
};

/** One input on its way.  The example, windows and words are in the call's arena. */
struct tn_job {
	const struct tn_input *input;
	size_t number;			/* the caller's, for itself */
	struct tn_example example;
	struct tn_windows windows;
	size_t n_tokens;		/* without special ones, before any cut */
	uint32_t *word_token;		/* [n_words] where each word's first token begins, or
					 * UINT32_MAX: it has none */
	size_t (*word_range)[2];	/* [windows] words that begin in each: first, count */
	float **scores;			/* [heads, then kept features] rows of all windows, one
					 * behind the other */
	size_t *n_scores;		/* as scores: how many floats the windows run so far gave;
					 * windows run in their order */
	size_t windows_left;		/* to be run */
	const char *error;		/* NULL, or what is wrong with this input */
};

/** A feature of the model, as tn_model_impl has it, from the weights that it is to have. */
TN_PRIVATE tn_ref tn_pipeline_feature(struct tn_pipeline *p, struct tn_graph *g, const char *name);
/** tn_pipeline_open; jobs also give the values of the first n_kept of these features of
 *  the model: "tokens" (its rows of tokens), "pooled" (a row for each text). */
TN_PRIVATE struct tn_pipeline *tn_pipeline_open_with(const char *path, const char *const *settings,
	size_t n_kept, struct tn_call *call);
/** A pipeline whose weights may be changed: they are its own, and heads without weights get
 *  new ones of zeros when a graph asks for them.  It has no plan until tn_pipeline_plan. */
TN_PRIVATE struct tn_pipeline *tn_pipeline_open_training(const char *path,
	const char *const *settings, const struct tn_training *training, struct tn_call *call);
/** The precision that the configuration asks for, for a graph before it is planned. */
TN_PRIVATE void tn_pipeline_precision(const struct tn_pipeline *p, struct tn_graph *g);
/** Makes the plan that answers; once. */
TN_PRIVATE int tn_pipeline_plan(struct tn_pipeline *p, struct tn_call *call);
/** Weights have changed: what was made of them is made again.  While nothing runs. */
TN_PRIVATE int tn_pipeline_refresh(struct tn_pipeline *p, struct tn_call *call);
/** A pipeline that prepares jobs and runs none: no head is opened, windows have no limit. */
TN_PRIVATE struct tn_pipeline *tn_pipeline_open_tokens(const char *path,
	const char *const *settings, struct tn_call *call);
/** Tokenizes an input and cuts it into windows.  What is wrong with it is kept in
 *  job->error.  Errors: TN_ENOMEM, TN_EINTERNAL. */
TN_PRIVATE int tn_job_prepare(struct tn_pipeline *p, const struct tn_input *input,
	struct tn_job *job, struct tn_call *call);
/** Runs n prepared jobs in batches of at most p->batch_tokens tokens, or one window: short
 *  jobs first, whatever their order.  `done` is called for each when its scores are complete,
 *  and may keep what is in the call's arena; the scores are freed after it. */
TN_PRIVATE int tn_jobs_run(struct tn_pipeline *p, struct tn_job *const *jobs, size_t n,
	int (*done)(void *user, struct tn_job *job, struct tn_call *call), void *user,
	struct tn_call *call);
/** The windows of a job with the scores of a head, and those joined over them. */
TN_PRIVATE int tn_job_scores(const struct tn_pipeline *p, const struct tn_job *job, size_t head,
	struct tn_scores *scores, struct tn_call *call);
/** The answer object of a finished job. */
TN_PRIVATE int tn_job_answer(const struct tn_pipeline *p, const struct tn_job *job,
	const struct tn_value **answer, struct tn_call *call);
/** Rows of an output in a window; outputs are the heads' scores, then kept features. */
TN_PRIVATE size_t tn_job_rows(const struct tn_pipeline *p, const struct tn_job *job, size_t output,
	size_t window);
/** Later runs add to the profile (tn_exec_profile), until NULL is given; while no call is
 *  running, and no two run at once then.  Errors: TN_ENOMEM. */
TN_PRIVATE int tn_pipeline_profile(struct tn_pipeline *p, struct tn_profile *profile,
	struct tn_call *call);
/** Columns of an output. */
TN_PRIVATE size_t tn_pipeline_cols(const struct tn_pipeline *p, size_t output);

/* session.c: what one running call holds. */
struct tn_session {
	struct tn_session *next;
	struct tn_exec *exec;
	int tokens_axis, words_axis, texts_axis;	/* of its plan; -1: it has none */
	uint32_t *starts;		/* of the axes, [3][room + 1] */
	size_t room;			/* windows */
};
/* A session, waiting while the thread budget is spent.  NULL after TN_ENOMEM. */
struct tn_session *session_take(struct tn_pipeline *p, struct tn_call *call);
void session_give(struct tn_pipeline *p, struct tn_session *s);
void session_destroy(struct tn_session *s);

#endif
