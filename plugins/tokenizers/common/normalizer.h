/* SPDX-License-Identifier: Apache-2.0
 * plugins/tokenizers/common/normalizer.h - the normalizers of tokenizer.json, alone or in
 * a Sequence.
 *
 * Each step takes a piece and gives a piece; a piece that a step leaves as it is costs one
 * look at each byte and no copy.
 */
#ifndef TOK_NORMALIZER_H
#define TOK_NORMALIZER_H

#include <stdbool.h>
#include <stddef.h>
#include <tenon/value.h>

#include "normal.h"
#include "pattern.h"
#include "precompiled.h"

enum tok_normal_kind {
	TOK_NORMAL_BERT,
	TOK_NORMAL_FORM,	/* NFD, NFC, NFKD, NFKC */
	TOK_NORMAL_LOWERCASE,
	TOK_NORMAL_STRIP_ACCENTS,
	TOK_NORMAL_STRIP,
	TOK_NORMAL_REPLACE,
	TOK_NORMAL_PREPEND,
	TOK_NORMAL_BYTE_LEVEL,
	TOK_NORMAL_NMT,
	TOK_NORMAL_PRECOMPILED
};

struct tok_normal_step {
	enum tok_normal_kind kind;
	bool compatible, compose;	/* FORM */
	bool left, right;		/* STRIP */
	struct tok_pattern pattern;	/* REPLACE */
	struct tn_text text;		/* REPLACE, PREPEND: what is put in; borrowed */
	struct tok_bert bert;		/* BERT */
	struct tok_precompiled charsmap;	/* PRECOMPILED; in the arena of the steps */
};

/** Steps in order; none: the identity.  Const after reading. */
struct tok_normalizer {
	struct tok_normal_step *steps;
	size_t n;
};

/** A character of text that is being decomposed or composed. */
struct tok_form_char {
	uint32_t code;
	int32_t change;		/* 1: put in behind the one before; -n: stands for n more */
	uint8_t ccc;
};

/** Memory for normalizers and pre-tokenizers, used again and again; all of it is in the
 *  call's arena.  Starts zeroed.  Pieces that come out of a step point into `buffers`. */
struct tok_scratch {
	struct tok_buffer buffers[2];
	unsigned turn;		/* the buffer that the next step writes */
	struct tok_form_char *chars, *sorted;
	size_t max_chars;
};

/** Reads "normalizer" (NULL or null: the identity); memory is the arena's, texts are
 *  borrowed from the value.  Error: TN_EDATA, a type that is not known. */
int tok_normalizer_read(struct tok_normalizer *n, const struct tn_value *v, const char *path,
	struct tn_arena *arena, struct tn_call *call);
/** Makes *p its normal form.  p: valid UTF-8; its text is left alone unless it is in the
 *  buffers.  The result lives until the scratch is used for the next piece; time is linear.
 *  Error: TN_ENOMEM. */
int tok_normalize(const struct tok_normalizer *n, struct tok_piece *p, struct tok_scratch *s,
	struct tn_call *call);

/** The buffer to be written next, empty and with room for `capacity` bytes; NULL after
 *  TN_ENOMEM. */
struct tok_buffer *tok_scratch_next(struct tok_scratch *s, size_t capacity, struct tn_call *call);
/** Appends bytes that have the same source; there must be room. */
static inline void tok_buffer_put(struct tok_buffer *b, const char *text, size_t len,
	struct tok_span span)
{
	for (size_t i = 0; i < len; i++) {
		b->text[b->n] = text[i];
		b->spans[b->n++] = span;
	}
}
/** Appends p[begin, end); there must be room. */
void tok_buffer_copy(struct tok_buffer *b, const struct tok_piece *p, size_t begin, size_t end);
/** Appends a character of p as "ByteLevel" writes bytes: each of its `width` bytes as a
 *  character of one or two bytes, so there must be room for 2 * width. */
void tok_buffer_put_bytes(struct tok_buffer *b, const struct tok_piece *p, size_t at,
	unsigned width);

/** The character, at most U+0143, that stands for a byte in vocabularies of "ByteLevel". */
uint32_t tok_byte_char(unsigned char byte);
/** The byte that a character stands for, or -1. */
int tok_char_byte(uint32_t c);

#endif
