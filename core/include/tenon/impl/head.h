/* SPDX-License-Identifier: Apache-2.0
 * tenon/impl/head.h - to be included by task heads.
 */
#ifndef TN_IMPL_HEAD_H
#define TN_IMPL_HEAD_H

#include <tenon/impl/graph.h>
#include <tenon/impl/tokenizer.h>
#include <tenon/value.h>

TN_BEGIN

/** What a head gives, and so which metrics judge it. */
enum tn_task {
	TN_TASK_LABEL = 1,	/* a label, or several */
	TN_TASK_VALUES = 2,	/* numbers */
	TN_TASK_SPANS = 3,	/* labelled spans of words */
	TN_TASK_ANSWER = 4,	/* a span of the second text */
	TN_TASK_VECTOR = 5,
	TN_TASK_TOKENS = 6	/* pieces for masked places */
};

/** What to do with a text that is longer than the model allows. */
enum tn_overflow { TN_OVERFLOW_WINDOW = 0, TN_OVERFLOW_TRUNCATE = 1, TN_OVERFLOW_ERROR = 2 };

/** What the examples that a head is to learn from have as answers. */
enum tn_gold_kind {
	TN_GOLD_UNKNOWN = 0,
	TN_GOLD_LABEL = 1,	/* one label each */
	TN_GOLD_LABELS = 2,	/* any number of labels each */
	TN_GOLD_NUMBERS = 3	/* numbers, of which some have a fraction */
};

/** What a head finds when it opens; borrowed, living as long as the head. */
struct tn_head_env {
	const char *name;		/* of the head in the pipeline */
	const char *feature;		/* of the class table, or NULL: the head's choice */
	const char *weights;		/* of the class table ("classifier"), or NULL */
	const char *const *labels;	/* from the head file, the config or id2label; in order */
	size_t n_labels;		/* 0: none are known */
	const struct tn_value *config;	/* the model's config.json */
	const struct tn_tokenizer *tokenizer;
	const struct tn_tokenizer_info *tokenizer_info;
	/** Reads a small tensor of the head's file or the model as float, [rows][cols], or
	 *  [rows] with cols 0: into the call's arena, copied by the head when it keeps it.
	 *  NULL with no error when there is no such tensor. */
	const float *(*tensor)(const struct tn_head_env *env, const char *name, size_t rows,
		size_t cols, struct tn_call *call);
	/** The head has no weights yet: those that its graph asks for are made. */
	bool untrained;
	uint32_t gold;			/* where `untrained`: enum tn_gold_kind */
	const void *core;
};

/** A word of the first text of an example (or of the second, when that is what is
 *  tagged): bytes begin..end-1 of its text.  Frozen within an ABI major. */
struct tn_word {
	uint32_t begin, end;
};

/** One input, as given.  Borrowed. */
struct tn_example {
	struct tn_text text;
	struct tn_text pair;		/* text NULL: none */
	const struct tn_word *words;	/* of text; offsets in it */
	size_t n_words;
	bool words_given;		/* the caller gave words: text is them joined by spaces */
	bool truncated;
};

/** One token of a window, special tokens included.  sequence: -1 special, 0 text,
 *  1 pair; begin and end are bytes of that text; word as in struct tn_token; type is
 *  the segment (token type) id of the template.  Frozen within an ABI major. */
struct tn_window_token {
	int32_t id, word;
	uint32_t begin, end;
	int32_t sequence, type;
};

/** One window of an example with the head's scores for it.  The rows keep_begin
 *  to keep_end-1 of the tokens are those of the long sequence for which this window
 *  gives the most context: over all windows each token is kept exactly once.
 *  Frozen within an ABI major. */
struct tn_window {
	const struct tn_window_token *tokens;
	size_t n_tokens;
	size_t keep_begin, keep_end;
	const float *scores;		/* [rows][cols], dense */
	size_t rows, cols;		/* rows: tokens, words of the window, or 1 */
	size_t first_word;		/* words axis: index of the window's first word */
};

/** All scores of one example.  `joined` is [rows][cols] for heads on words (each from
 *  the window with the most context; rows is n_words, or less after a cut), [1][cols]
 *  for heads on texts (the mean over windows, weighted by their tokens); NULL for heads
 *  on tokens. */
struct tn_scores {
	const struct tn_example *example;
	const struct tn_window *windows;
	size_t n_windows;
	const float *joined;
	size_t rows, cols;
};

/** What is right for an example; NULL and 0 where that is not known. */
struct tn_gold {
	const struct tn_value *label;	/* a label's name, or its number from 0; for regression
					 * the number */
	const struct tn_value *labels;	/* a list of these, where there may be several */
	const struct tn_text *tags;	/* one for each word of the text */
	bool has_answers;		/* the question was asked */
	const struct tn_word *answers;	/* bytes of the pair; none: there is no answer */
	size_t n_answers;
	const int32_t *ids;		/* one for each token of the window: the token that was
					 * masked there; less than 0: none was */
};

/** One window of a batch whose targets are to be filled. */
struct tn_target {
	const struct tn_example *example;
	const struct tn_window *window;	/* without scores */
	size_t n_words;			/* of the window, from window->first_word on */
	bool last;			/* the window ends the text */
	const struct tn_gold *gold;
	/** Where the window's rows of the input "HEAD.WHAT" go, zeroed: as many as the window
	 *  has tokens or words, or one.  NULL: the graph has no such input. */
	void *(*rows)(const struct tn_target *target, const char *what);
	const void *core;
};

struct tn_head {
	const struct tn_plugin *plugin;
	void *core;
};

/** A task head: builds its scores onto a model's features and turns them into
 *  answers.  forward and decode are required.  After open a head is const: many
 *  threads use it at once, each with its own call. */
struct tn_head_impl {
	uint32_t task;			/* enum tn_task */
	uint32_t on_overflow;		/* default: enum tn_overflow */
	/** Not 0: options come from the configuration alone, and a file of weights that states
	 *  some is refused: for a head whose options say what code runs. */
	uint32_t config_only;
	/** Once, after the options are stored.  `env` lives as long as the head.
	 *  Errors: TN_EDATA, TN_ECONFIG.  NULL: nothing to prepare. */
	int (*open)(struct tn_head *self, const struct tn_head_env *env, struct tn_call *call);
	/** Builds the scores, a value on the axis "texts", "words" or "tokens", float. */
	tn_ref (*forward)(const struct tn_head *self, struct tn_graph *g);
	/** Builds the summed loss of one batch, a single value, from the scores and the head's
	 *  target inputs, whose names are "HEAD.WHAT"; *count: what it is a sum over, another
	 *  single value, by which the core divides once.  NULL: the head cannot be trained. */
	tn_ref (*loss)(const struct tn_head *self, struct tn_graph *g, tn_ref scores,
		tn_ref *count);
	/** Fills the target inputs of one window.  Where gold says nothing for this head the
	 *  window counts nothing.  Errors: TN_EDATA, gold does not fit the head's labels or the
	 *  text, or a loss over all rows has no target.  NULL only with loss. */
	int (*target)(const struct tn_head *self, const struct tn_target *target,
		struct tn_call *call);
	/** Once for a whole text: the answer, made in the call's arena and put in *answer.
	 *  Spans are bytes of the text; the core adds code points. */
	int (*decode)(const struct tn_head *self, const struct tn_scores *scores,
		struct tn_value **answer, struct tn_call *call);
	/** Training has changed the weights: what open read by env->tensor is to be read again.
	 *  While nothing runs.  NULL: open reads none. */
	int (*refresh)(struct tn_head *self, struct tn_call *call);
	/** Training has ended: adds to `options` what must be stated for the head to open as it
	 *  is now, and to `config` what transformers' config.json says of such a head; both are
	 *  objects in the call's arena.  NULL: nothing.  Errors: TN_ENOMEM. */
	int (*save)(const struct tn_head *self, struct tn_value *options, struct tn_value *config,
		struct tn_call *call);
	/** Once, also after a failed open; the core frees `self`.  NULL: nothing. */
	void (*close)(struct tn_head *self);
};

/** Helps decode: a span of the example's text (sequence 0) or pair (1) as an object
 *  {"text","bytes":[b,e],"chars":[b,e]}; chars count code points. */
TN_API struct tn_value *tn_span(const struct tn_example *example, int sequence, uint32_t begin,
	uint32_t end, struct tn_call *call);

TN_END
#endif
