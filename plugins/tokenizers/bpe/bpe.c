/* SPDX-License-Identifier: Apache-2.0
 * plugins/tokenizers/bpe/bpe.c - the tokenizer of GPT-2, RoBERTa, ModernBERT, Llama ...:
 * byte pair encoding, of bytes or of characters.
 */
#include "bpe.h"

#include <stdlib.h>

static int bpe_decode(const struct tn_tokenizer *self, const int32_t *ids, size_t n,
	int skip_special, struct tn_text *out, struct tn_call *call)
{
	const struct bpe_tokenizer *t = (const struct bpe_tokenizer *)self;

	return tok_decoder_ids(&t->decoder, &t->vocab, &t->added, ids, n, skip_special, out, call);
}

static const char *bpe_piece(const struct tn_tokenizer *self, int32_t id)
{
	return tok_vocab_piece(&((const struct bpe_tokenizer *)self)->vocab, id).text;
}

static const struct tn_tokenizer_info *bpe_info(const struct tn_tokenizer *self)
{
	return &((const struct bpe_tokenizer *)self)->info;
}

static void bpe_close(struct tn_tokenizer *self)
{
	struct bpe_tokenizer *t = (struct bpe_tokenizer *)self;

	bpe_model_free(&t->model);
	tok_added_free(&t->added);
	tok_words_free(&t->words);
	tok_words_free(&t->bodies);
	tok_trie_free(&t->raw);
	tok_vocab_free(&t->vocab);
	tn_arena_destroy(t->arena);
	free(t->blanks);
	free(t->joins);
	free(t->text);
	free(t->merges);
}

static const struct tn_tokenizer_impl bpe_impl = {
	.open = bpe_open,
	.encode = bpe_encode,
	.encode_words = bpe_encode_words,
	.decode = bpe_decode,
	.piece = bpe_piece,
	.info = bpe_info,
	.close = bpe_close,
};

TN_PLUGIN(bpe, TN_TOKENIZER, "bpe",
	.version = "0.1.0", .licence = "Apache-2.0",
	.about = "byte pair encoding, from tokenizer.json or vocab.json and merges.txt",
	.state = sizeof(struct bpe_tokenizer), .impl.tokenizer = &bpe_impl);
