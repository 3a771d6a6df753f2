/* SPDX-License-Identifier: Apache-2.0
 * plugins/tokenizers/bpe/encode.h - an encoding on its way.
 */
#ifndef BPE_ENCODE_H
#define BPE_ENCODE_H

#include "bpe.h"

struct bpe_run {
	const struct bpe_tokenizer *t;
	struct tn_tokens *out;
	struct tn_call *call;
	struct tn_text text;	/* the original */
	size_t first;		/* index of the first token in `out` */
	struct tok_buffer repaired;
	struct tok_scratch normal, split;	/* a normal form outlives its words */
	struct tok_pieces pieces;
	struct bpe_work work;
	int32_t word;		/* number of the next word */
	bool given;		/* words are given: the number stays */
};

/** The offsets of a token without its spaces. */
static inline struct tok_span bpe_trim(const struct bpe_run *r, struct tok_span span,
	struct tok_blank b)
{
	return tok_trim(&r->t->post, r->text, r->out->n == r->first, span, b);
}

/** Appends a token.  Error, as of all here: TN_ENOMEM. */
static inline int bpe_emit(struct bpe_run *r, int32_t id, struct tok_span span)
{
	const struct tok_blank *blanks = r->t->blanks;

	if (blanks && (blanks[id].before | blanks[id].behind))
		span = bpe_trim(r, span, blanks[id]);
	return tn_tokens_push(r->out, (struct tn_token){ id, r->word, span.begin, span.end },
		r->call);
}

/** The source of bytes that may begin or end inside of a character. */
struct tok_span bpe_source_of(const struct bpe_run *r, const struct tok_piece *p, size_t begin,
	size_t end);
/** The first place behind `at` that nothing is merged across, or the end. */
size_t bpe_next_cut(const struct bpe_tokenizer *t, const struct tok_piece *p, size_t at);
/** Appends the tokens of normalized text, merged part by part; the number of the word stays. */
int bpe_emit_cuts(struct bpe_run *r, const struct tok_piece *p);
/** Appends the tokens of text before it is normalized, as one word, where `bodies` are known. */
int bpe_emit_marked(struct bpe_run *r, const struct tok_piece *p);

#endif
