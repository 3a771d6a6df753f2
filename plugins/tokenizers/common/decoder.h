/* SPDX-License-Identifier: Apache-2.0
 * plugins/tokenizers/common/decoder.h - the decoders of tokenizer.json, alone or in a
 * Sequence: from the pieces of ids to text.
 */
#ifndef TOK_DECODER_H
#define TOK_DECODER_H

#include <stddef.h>
#include <tenon/value.h>

#include "pattern.h"

enum tok_decoder_kind {
	TOK_DECODE_BYTE_LEVEL,
	TOK_DECODE_BYTE_FALLBACK,
	TOK_DECODE_METASPACE,
	TOK_DECODE_FUSE,
	TOK_DECODE_STRIP,
	TOK_DECODE_REPLACE,
	TOK_DECODE_BPE
};

struct tok_decoder_step {
	enum tok_decoder_kind kind;
	struct tok_pattern pattern;	/* REPLACE */
	struct tn_text text;		/* REPLACE: what is put in; METASPACE, STRIP: a character;
					 * BPE: the suffix.  Borrowed */
	size_t start, stop;		/* STRIP: at most so many at either end */
	bool drops;			/* METASPACE: marks of the first piece go */
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
/** Puts n pieces together; `pieces` is overwritten.  *out is in the call's arena.  Error:
 *  TN_ENOMEM. */
int tok_decoder_run(const struct tok_decoder *d, struct tn_text *pieces, size_t n,
	struct tn_text *out, struct tn_call *call);

#endif
