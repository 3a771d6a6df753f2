/* SPDX-License-Identifier: Apache-2.0
 * plugins/tokenizers/wordpiece/wordpiece.h - the state of the plugin and its parts.
 */
#ifndef WORDPIECE_H
#define WORDPIECE_H

#include <tenon/impl/tokenizer.h>

#include "added.h"
#include "decoder.h"
#include "normal.h"
#include "post.h"
#include "vocab.h"
#include "words.h"

struct wordpiece {
	struct tn_tokenizer base;
	struct tn_arena *arena;		/* trees of small parts, contents of added tokens */
	char *text;			/* the file that the pieces are in */
	struct tok_vocab vocab;
	struct tok_words words;		/* pieces that are whole words */
	struct tok_added added;
	struct tok_bert bert;
	struct tok_post post;
	struct tok_blank *blanks;	/* of each id; NULL: offsets are not trimmed */
	struct tn_tokenizer_info info;
	struct tn_text prefix;		/* of a piece inside a word: "##" */
	int32_t inside;			/* the node behind the prefix, or TOK_NOWHERE */
	size_t max_chars;		/* a longer word is unknown */
	struct tok_decoder decoder;
};

/** Reads the files of a model directory. */
int wordpiece_open(struct tn_tokenizer *self, const struct tn_tokenizer_files *files,
	struct tn_call *call);
int wordpiece_encode(const struct tn_tokenizer *self, struct tn_text text,
	struct tn_tokens *out, struct tn_call *call);
int wordpiece_encode_words(const struct tn_tokenizer *self, const struct tn_text *words,
	size_t n_words, struct tn_tokens *out, struct tn_call *call);

#endif
