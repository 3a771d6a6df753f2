/* SPDX-License-Identifier: Apache-2.0
 * plugins/tokenizers/common/decoder.h - the decoders of tokenizer.json, alone or in a
 * Sequence: from the pieces of ids to text.
 */
#ifndef TOK_DECODER_H
#define TOK_DECODER_H

#include <stddef.h>
#include <tenon/value.h>

#include "added.h"
#include "pattern.h"
#include "vocab.h"

enum tok_decoder_kind {
	TOK_DECODE_BYTE_LEVEL,
	TOK_DECODE_BYTE_FALLBACK,
	TOK_DECODE_METASPACE,
	TOK_DECODE_FUSE,
	TOK_DECODE_STRIP,
	TOK_DECODE_REPLACE,
	TOK_DECODE_BPE,
	TOK_DECODE_WORD_PIECE,
	TOK_DECODE_CTC
};

struct tok_decoder_step {
	enum tok_decoder_kind kind;
	struct tok_pattern pattern;	/* REPLACE */
	struct tn_text text;		/* REPLACE: what is put in; METASPACE, STRIP: a character;
					 * BPE: the suffix; WORD_PIECE: the prefix; CTC: what
					 * stands for nothing.  Borrowed */
	struct tn_text space;		/* CTC: what stands for a space; borrowed */
	size_t start, stop;		/* STRIP: at most so many at either end */
	bool drops;			/* METASPACE: marks of the first piece go */
	bool cleanup;			/* WORD_PIECE, CTC: spaces before punctuation go */
};

/** Steps in order.  Const after reading. */
struct tok_decoder {
	struct tok_decoder_step *steps;
	size_t n;
	bool any;	/* false: pieces are joined by spaces */
};

/** Reads "decoder" (NULL or null: none); memory is the arena's, texts are borrowed from the
 *  value.  Error: TN_EDATA, a type that is not known. */
int tok_decoder_read(struct tok_decoder *d, const struct tn_value *v, const char *path,
	struct tn_arena *arena, struct tn_call *call);
/** The decoder WordPiece with a prefix, which is borrowed.  Error: TN_ENOMEM. */
int tok_decoder_word_piece(struct tok_decoder *d, struct tn_text prefix, struct tn_arena *arena,
	struct tn_call *call);
/** The text of ids, in the call's arena; ids without a piece are left out, and those of special
 *  tokens with `skip`.  Error: TN_ENOMEM. */
int tok_decoder_ids(const struct tok_decoder *d, const struct tok_vocab *vocab,
	const struct tok_added *added, const int32_t *ids, size_t n, bool skip,
	struct tn_text *out, struct tn_call *call);
/** Puts n pieces together; `pieces` is overwritten.  *out is in the call's arena.  Error:
 *  TN_ENOMEM. */
int tok_decoder_run(const struct tok_decoder *d, struct tn_text *pieces, size_t n,
	struct tn_text *out, struct tn_call *call);

/** A piece without the spaces that Hugging Face's cleanup() takes out of English; the text is
 *  changed in place. */
size_t tok_cleanup(char *text, size_t len);

#endif
