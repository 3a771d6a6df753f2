/* SPDX-License-Identifier: Apache-2.0
 * plugins/tokenizers/unigram/segment.h - the most likely pieces of a text.
 */
#ifndef UNIGRAM_SEGMENT_H
#define UNIGRAM_SEGMENT_H

#include <tenon/impl/tokenizer.h>

#include "normal.h"
#include "post.h"
#include "trie.h"

#define UNIGRAM_MARK "\xe2\x96\x81"	/* U+2581, which stands for a space */
#define UNIGRAM_MARK_LEN 3

/** How pieces are chosen; const once made. */
struct unigram {
	const struct tok_trie *trie;	/* of pieces; borrowed */
	double *scores;			/* of ids; malloc'd */
	size_t n_scores;
	double unk_score;		/* of a character that is no piece */
	int32_t unk;			/* -1: such a character is an error */
	size_t longest;			/* bytes of the longest piece */
	int32_t mark;			/* the trie's node of U+2581, or TOK_NOWHERE */
	bool narrow;			/* sums are kept as floats, as sentencepiece does */
	bool byte_fallback;		/* what is unknown becomes bytes, if all are there */
	int32_t bytes[256];		/* ids of <0x00> to <0xFF>, or -1 */
	uint64_t touches[128][2];	/* bit b of a: in some piece b follows a; ASCII */
};

/** The best way to an end: its score, where its last piece begins and what that is. */
struct unigram_step {
	double score;
	uint32_t from;
	int32_t node;		/* of the trie; -1: an unknown character */
};

/** Memory that is used again; all of it is in the call's arena.  Starts zeroed. */
struct unigram_steps {
	struct unigram_step *items;
	size_t capacity;
};

/** For offsets without spaces. */
struct unigram_trim {
	const struct tok_post *post;
	struct tn_text text;	/* the original */
	size_t first;		/* index of its first token */
};

/** A word to be cut: normalized text (valid UTF-8), before which U+2581 may stand that is
 *  not in it: the pre-tokenizer's mark of a space, with the source `lead`. */
struct unigram_word {
	struct tok_piece body;
	bool marked;
	struct tok_span lead;
	int32_t number;
	double so_far;		/* score of what stands before a word that is cut in two */
	const struct unigram_trim *trim;	/* NULL: offsets are not trimmed */
};

/** Completes a model of which trie, scores, unk and the switches are set; `least` is the
 *  lowest score that counts for the penalty of unknown characters.  The pieces are given for
 *  `touches`.  Error: TN_ENOMEM. */
int unigram_init(struct unigram *u, double least, const struct tn_text *pieces, size_t n,
	struct tn_call *call);
void unigram_free(struct unigram *u);
/** Whether no piece has the bytes a and b in a row, so that each way passes between them. */
static inline bool unigram_parts(const struct unigram *u, unsigned char a, unsigned char b)
{
	return a < 128 && b < 128 && !(u->touches[a][b >> 6] >> (b & 63) & 1);
}
/** Appends the tokens of a word.  Time is linear for pieces of bounded length.  Errors:
 *  TN_EDATA (a character is unknown and there is no unknown piece), TN_ENOMEM.
 *  Source: T. Kudo, Subword Regularization, ACL 2018, section 3.2; ties as in Hugging
 *  Face tokenizers 0.22.2, models/unigram/model.rs: the first way found stays. */
int unigram_segment(const struct unigram *u, const struct unigram_word *w,
	struct unigram_steps *steps, struct tn_tokens *out, struct tn_call *call);
/** Appends the token of the bytes [begin, end) of a word; of unknown ones it may be many. */
int unigram_emit(const struct unigram *u, const struct unigram_word *w, int32_t id, size_t begin,
	size_t end, struct tn_tokens *out, struct tn_call *call);
/** The piece that a marked body is as a whole, or -1 when it is cut or no piece.  Errors: as
 *  above, negative too. */
int32_t unigram_whole(const struct unigram *u, const char *body, size_t len,
	struct unigram_steps *steps, struct tn_call *call);

#endif
