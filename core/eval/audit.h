/* SPDX-License-Identifier: Apache-2.0
 * core/eval/audit.h - what labelled data hold, and what is suspect in them, before anything is
 * trained on them or judged by them.
 */
#ifndef TN_EVAL_AUDIT_H
#define TN_EVAL_AUDIT_H

#include "eval/gold.h"
#include "eval/tags.h"
#include "eval/tally.h"
#include "eval/texts.h"
#include "pipeline/pipeline_impl.h"

/** How many places of one kind are kept. */
#define EVAL_MOST_FINDS 10

/** Where something was found. */
struct eval_find {
	size_t example;
	size_t word;		/* of a transition: the later tag; n_words: the end of the text */
	size_t other;		/* the example that it is like */
};

/** The first of them, and how many there are. */
struct eval_finds {
	struct eval_find first[EVAL_MOST_FINDS];
	size_t n;
};

/** The distribution of lengths; q of them are at most as long as the quantile q, which is the
 *  ceil(q n)-th in their order (nearest rank).  All 0 without any. */
struct eval_lengths {
	size_t min, median, p90, p99, max;
};

/** One data set by itself. */
struct eval_audit {
	const struct eval_data *data;
	size_t labelled, tagged, asked;	/* examples that have a label or several, tags, answers */
	size_t unanswered, located;	/* of the asked: without an answer; with places of all */
	size_t empty;			/* texts without a word */
	struct eval_tally labels, tags, spans;	/* by how often they occur; spans by their label,
						 * none of a scheme without spans */
	enum eval_scheme scheme;	/* of the tags */
	size_t odd_tags;		/* tags without a letter where others have one and a label:
					 * the scheme is then EVAL_LABELS */
	struct eval_finds illegal;	/* tags that may not stand where they do */
	bool fits_iob1;			/* though all of them may in IOB1 */
	struct eval_finds repeats;	/* texts of earlier examples, not counting empty ones */
	struct eval_finds differing;	/* those of them whose answers are others: labels, tags or
					 * answers to a question, where both have them */
	struct eval_lengths words;	/* of the text and its pair together */
	struct eval_texts texts;
};

/** Looks through a data set, which stays as it is while the audit is used; all that the audit
 *  holds is in the arena.  Errors: TN_ENOMEM. */
int eval_audit(struct eval_audit *a, const struct eval_data *data, struct tn_arena *arena,
	struct tn_call *call);
/** What is wrong with a tag that was found: "I-PER behind O".  In the call's arena; NULL after
 *  TN_ENOMEM. */
const char *eval_illegal_text(const struct eval_audit *a, const struct eval_find *find,
	struct tn_call *call);
/** Where that is, "FILE:LINE". */
const char *eval_illegal_where(const struct eval_audit *a, const struct eval_find *find,
	struct tn_call *call);

/** A data set for judging beside the one that is trained on. */
struct eval_beside {
	struct eval_finds shared;	/* its texts that are in the other, too: `other` is there */
	size_t distinct;		/* how many different texts these are */
	struct eval_tally labels, tags;	/* those that the other has not, with their counts in it */
};

/** Compares dev with train.  Errors: TN_ENOMEM. */
int eval_audit_beside(struct eval_beside *b, const struct eval_audit *train,
	const struct eval_audit *dev, struct tn_arena *arena, struct tn_call *call);

/** A data set in the tokens of a pipeline. */
struct eval_token_audit {
	struct eval_lengths lengths;	/* with special tokens, before any cut */
	size_t limit;			/* that a window takes; 0: any number */
	size_t longer;			/* inputs that have more */
	size_t tokens, unknown;		/* without special ones; those the tokenizer does not know */
	size_t wrong;			/* inputs that could not be tokenized */
	size_t lost_words, lost_spans;	/* what cuts take away: words with a tag but O; places of
					 * answers, which one window must hold whole */
	size_t lost_inputs;		/* inputs that lose any of these */
};

/** Tokenizes all inputs; `step` (or NULL) is told after each how many are done.  The cuts are the
 *  pipeline's own; of one of tn_pipeline_open_tokens, which has none, they are those that would be
 *  made at `limit`: of the text, or of the context of a question.
 *  Errors: TN_ENOMEM, TN_EINTERNAL. */
int eval_audit_tokens(struct eval_token_audit *t, struct tn_pipeline *p,
	const struct eval_data *data, void (*step)(void *user, size_t done), void *user,
	struct tn_arena *arena, struct tn_call *call);

/** For both: the distribution of n lengths, which are sorted. */
struct eval_lengths eval_lengths_of(size_t *lengths, size_t n);

#endif
