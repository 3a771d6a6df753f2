/* SPDX-License-Identifier: Apache-2.0
 * plugins/tokenizers/unigram/unigram.h - the state of the plugin and its parts.
 */
#ifndef UNIGRAM_H
#define UNIGRAM_H

#include <tenon/impl/tokenizer.h>

#include "added.h"
#include "decoder.h"
#include "merge.h"
#include "normalizer.h"
#include "post.h"
#include "pretok.h"
#include "segment.h"
#include "spm.h"
#include "vocab.h"
#include "words.h"

/** How normalized text is cut into words. */
enum unigram_split {
	UNIGRAM_WHOLE,		/* not at all */
	UNIGRAM_METASPACE,	/* before each space, which becomes U+2581 */
	UNIGRAM_WHITESPACE,	/* at white space, which is dropped; then as above */
	UNIGRAM_GENERAL		/* by the steps of `pretok` */
};

struct unigram_tokenizer {
	struct tn_tokenizer base;
	struct tn_arena *arena;		/* trees of small parts, contents of added tokens */
	char *text;			/* the file that the pieces are in */
	struct tok_vocab vocab;
	struct tok_words words;		/* bodies of pieces that are whole marked words; of
					 * sentencepiece's BPE: such words themselves */
	struct tok_added added;
	struct tok_post post;
	struct tn_tokenizer_info info;
	struct unigram model;
	struct tok_normalizer normalizer;
	struct spm *spm;		/* a model of sentencepiece, which has its own ways with
					 * text; NULL: tokenizer.json, which has these: */
	struct tok_pretok pretok;
	struct tok_decoder decoder;
	enum unigram_split split;
	enum tok_prepend prepend;	/* of METASPACE and WHITESPACE */
	uint8_t stops[256];		/* bytes that may begin what ends a word */
};

/** Reads the files of a model directory. */
int unigram_open(struct tn_tokenizer *self, const struct tn_tokenizer_files *files,
	struct tn_call *call);
int unigram_encode(const struct tn_tokenizer *self, struct tn_text text,
	struct tn_tokens *out, struct tn_call *call);
int unigram_encode_words(const struct tn_tokenizer *self, const struct tn_text *words,
	size_t n_words, struct tn_tokens *out, struct tn_call *call);

#endif
