/* SPDX-License-Identifier: Apache-2.0
 * plugins/tokenizers/common/pattern.h - what "Split" and "Replace" look for: a string, or
 * one of the regular expressions that tokenizers really use, each matched by hand.
 *
 * Classes are those of Oniguruma with Unicode 16, which Hugging Face uses.
 */
#ifndef TOK_PATTERN_H
#define TOK_PATTERN_H

#include <stdbool.h>
#include <stddef.h>
#include <tenon/pipeline.h>
#include <tenon/value.h>

/** Patterns that cut all of a text: each match begins where the one before ended. */
enum tok_pattern_kind {
	TOK_PATTERN_NONE,
	TOK_PATTERN_GPT2,	/* GPT-2, RoBERTa */
	TOK_PATTERN_CL100K,	/* GPT-4, Llama 3, Qwen2: numbers have at most `digits` digits */
	TOK_PATTERN_O200K,	/* GPT-4o: words end where a capital follows a small letter */
	TOK_PATTERN_TEXT,	/* a string */
	TOK_PATTERN_RUN,	/* at least `least` and at most `most` characters of a class */
	TOK_PATTERN_CLIP	/* CLIP: words, single digits, runs of the rest; no spaces */
};

struct tok_pattern {
	enum tok_pattern_kind kind;
	unsigned digits;
	unsigned flags;		/* RUN: enum tok_flag; 0: the characters of `text` */
	size_t least, most;
	struct tn_text text;	/* borrowed from the value */
};

/** Reads {"String": ...} or {"Regex": ...}.  `what` names it in messages.  Error: TN_EDATA,
 *  an expression that is not among the known ones. */
int tok_pattern_read(struct tok_pattern *p, const struct tn_value *v, const char *what,
	struct tn_call *call);
/** Whether the pattern cuts all of a text. */
static inline bool tok_pattern_tiles(const struct tok_pattern *p)
{
	return p->kind >= TOK_PATTERN_GPT2 && p->kind <= TOK_PATTERN_O200K;
}
/** Where the match that begins at `at` < len ends, of a pattern that tiles.  Valid UTF-8. */
size_t tok_pattern_next(const struct tok_pattern *p, const char *text, size_t len, size_t at);
/** The first match at or behind `at`, never an empty one; false: there is none. */
bool tok_pattern_find(const struct tok_pattern *p, const char *text, size_t len, size_t at,
	size_t *begin, size_t *end);

#endif
