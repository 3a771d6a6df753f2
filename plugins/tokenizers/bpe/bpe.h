/* SPDX-License-Identifier: Apache-2.0
 * plugins/tokenizers/bpe/bpe.h - the state of the plugin and its parts.
 */
#ifndef BPE_H
#define BPE_H

#include <string.h>
#include <tenon/impl/tokenizer.h>

#include "added.h"
#include "decoder.h"
#include "merge.h"
#include "normalizer.h"
#include "post.h"
#include "pretok.h"
#include "vocab.h"
#include "words.h"

#define BPE_MARK "\xe2\x96\x81"	/* U+2581, which stands for a space */
#define BPE_MARK_LEN 3

/** Whether U+2581 stands here. */
static inline bool bpe_is_mark(const char *at, size_t len)
{
	return len >= BPE_MARK_LEN && !memcmp(at, BPE_MARK, BPE_MARK_LEN);
}

struct bpe_tokenizer {
	struct tn_tokenizer base;
	struct tn_arena *arena;		/* trees of small parts, contents of added tokens */
	char *text, *merges;		/* the files that the pieces are in */
	struct tok_vocab vocab;
	struct tok_trie raw;		/* pieces as bytes, when symbols are bytes */
	struct tok_words words;		/* words that are one piece */
	struct tok_added added;
	struct tok_normalizer normalizer;
	struct tok_pretok pretok;
	struct tok_decoder decoder;
	struct tok_post post;
	struct tn_tokenizer_info info;
	struct bpe_model model;
	struct tok_blank *blanks;	/* of each id; NULL: offsets are not trimmed */
	bool ignore_merges;		/* a word that is a piece stays whole */
	const struct tok_pattern *tiles; /* all of pre-tokenizing is this pattern; or NULL */
	/* Where nothing makes words: [256 * before + behind], whether something may be merged
	 * across two bytes; NULL: all may be. */
	bool *joins;
	bool cuts_marks;		/* and nothing joins U+2581 to another character before */
	/* Where normalizing is to put U+2581 before the text and for its spaces: words that are one
	 * piece with U+2581 before, and the first bytes of added tokens behind such. */
	struct tok_words bodies;
	char begins[257];
};

/** Reads the files of a model directory. */
int bpe_open(struct tn_tokenizer *self, const struct tn_tokenizer_files *files,
	struct tn_call *call);
int bpe_encode(const struct tn_tokenizer *self, struct tn_text text, struct tn_tokens *out,
	struct tn_call *call);
int bpe_encode_words(const struct tn_tokenizer *self, const struct tn_text *words,
	size_t n_words, struct tn_tokens *out, struct tn_call *call);

#endif
