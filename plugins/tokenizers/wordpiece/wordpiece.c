/* SPDX-License-Identifier: Apache-2.0
 * plugins/tokenizers/wordpiece/wordpiece.c - the tokenizer of BERT: normalized words,
 * each cut into the longest pieces of a vocabulary.
 */
#include "wordpiece.h"

#include <stdlib.h>

static int wordpiece_decode(const struct tn_tokenizer *self, const int32_t *ids, size_t n,
	int skip_special, struct tn_text *out, struct tn_call *call)
{
	const struct wordpiece *w = (const struct wordpiece *)self;

	return tok_decoder_ids(&w->decoder, &w->vocab, &w->added, ids, n, skip_special, out, call);
}

static const char *wordpiece_piece(const struct tn_tokenizer *self, int32_t id)
{
	return tok_vocab_piece(&((const struct wordpiece *)self)->vocab, id).text;
}

static const struct tn_tokenizer_info *wordpiece_info(const struct tn_tokenizer *self)
{
	return &((const struct wordpiece *)self)->info;
}

static void wordpiece_close(struct tn_tokenizer *self)
{
	struct wordpiece *w = (struct wordpiece *)self;

	tok_added_free(&w->added);
	tok_words_free(&w->words);
	tok_vocab_free(&w->vocab);
	tn_arena_destroy(w->arena);
	free(w->blanks);
	free(w->text);
}

static const struct tn_tokenizer_impl wordpiece_impl = {
	.open = wordpiece_open,
	.encode = wordpiece_encode,
	.encode_words = wordpiece_encode_words,
	.decode = wordpiece_decode,
	.piece = wordpiece_piece,
	.info = wordpiece_info,
	.close = wordpiece_close,
};

TN_PLUGIN(wordpiece, TN_TOKENIZER, "wordpiece",
	.version = "0.1.0", .licence = "Apache-2.0",
	.about = "BERT's words and pieces, from tokenizer.json or vocab.txt",
	.state = sizeof(struct wordpiece), .impl.tokenizer = &wordpiece_impl);
