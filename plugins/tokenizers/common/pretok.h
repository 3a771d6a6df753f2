/* SPDX-License-Identifier: Apache-2.0
 * plugins/tokenizers/common/pretok.h - the pre-tokenizers of tokenizer.json, alone or in a
 * Sequence: a normalized piece becomes the list of its words.
 */
#ifndef TOK_PRETOK_H
#define TOK_PRETOK_H

#include "normalizer.h"
#include "pattern.h"

enum tok_pretok_kind {
	TOK_PRETOK_BERT,
	TOK_PRETOK_BYTE_LEVEL,
	TOK_PRETOK_METASPACE,
	TOK_PRETOK_SPLIT,
	TOK_PRETOK_DIGITS,
	TOK_PRETOK_FIXED_LENGTH,
	TOK_PRETOK_PUNCTUATION,
	TOK_PRETOK_SCRIPTS,
	TOK_PRETOK_WHITESPACE,
	TOK_PRETOK_WHITESPACE_SPLIT
};

/** What becomes of the matches of a splitting step. */
enum tok_behavior {
	TOK_REMOVED, TOK_ISOLATED, TOK_MERGED_WITH_PREVIOUS, TOK_MERGED_WITH_NEXT, TOK_CONTIGUOUS
};

enum tok_prepend { TOK_PREPEND_NEVER, TOK_PREPEND_FIRST, TOK_PREPEND_ALWAYS };

struct tok_pretok_step {
	enum tok_pretok_kind kind;
	enum tok_behavior behavior;	/* of a step that only splits */
	bool invert;			/* its matches are what lies between */
	bool prefix;			/* BYTE_LEVEL: a space before, if there is none */
	bool split;			/* BYTE_LEVEL: by the pattern; METASPACE: at all */
	enum tok_prepend prepend;	/* METASPACE */
	struct tn_text mark;		/* METASPACE: what a space becomes; borrowed */
	struct tok_pattern pattern;	/* SPLIT, BYTE_LEVEL with split */
	size_t length;			/* FIXED_LENGTH: characters */
};

/** Steps in order; none: a piece is one word.  Const after reading. */
struct tok_pretok {
	struct tok_pretok_step *steps;
	size_t n;
	/* Set by the owner: a ByteLevel that comes last leaves bytes as they are. */
	bool raw_bytes;
};

/** Words.  Starts zeroed; items are in the call's arena, used again and again. */
struct tok_pieces {
	struct tok_piece *items, *spare;
	size_t n, capacity, max_spare;
};

/** Reads "pre_tokenizer" (NULL or null: no steps); memory is the arena's, texts are borrowed
 *  from the value.  Error: TN_EDATA, a type or a regular expression that is not known. */
int tok_pretok_read(struct tok_pretok *t, const struct tn_value *v, const char *path,
	struct tn_arena *arena, struct tn_call *call);
/** Cuts a normalized piece (valid UTF-8) into words, none of them empty.  They live until
 *  the scratch is used for the next piece.  Where *p is part of what is to be cut, it must
 *  lie elsewhere than in the scratch.  Error: TN_ENOMEM. */
int tok_pretok_run(const struct tok_pretok *t, const struct tok_piece *p, struct tok_scratch *s,
	struct tok_pieces *out, struct tn_call *call);

/** Whether a ByteLevel comes last. */
static inline bool tok_pretok_ends_in_bytes(const struct tok_pretok *t)
{
	return t->n && t->steps[t->n - 1].kind == TOK_PRETOK_BYTE_LEVEL;
}

#endif
