/* SPDX-License-Identifier: Apache-2.0
 * plugins/tokenizers/unigram/unigram.c - the tokenizer of T5, XLM-R, ALBERT ...: the most
 * likely pieces of a vocabulary.
 */
#include "unigram.h"

#include <stdlib.h>

#include "file.h"
#include "open.h"
#include "unicode/unicode.h"

#define MAX_LENGTH 1000000	/* of a model; a larger model_max_length means "unknown" */

/* The bytes that stop_at() looks at. */
static void fill_stops(struct unigram_tokenizer *t)
{
	for (uint32_t c = 0; c < 0x10000; c++) {
		char text[4];

		if (c != 0x2581 && (t->split == UNIGRAM_METASPACE ? c != ' ' :
			!(tok_flags(c) & TOK_SPACE)))
			continue;
		tok_encode(c, text);
		t->stops[(unsigned char)text[0]] = 1;
	}
}

/* The names that families give to their special tokens, the usual ones first. */
static const struct role {
	const char *name;
	size_t offset;		/* in struct tn_tokenizer_info */
	const char *texts[3];
} roles[] = {
	{ "cls_token", offsetof(struct tn_tokenizer_info, cls), { "[CLS]", "<cls>", "<s>" } },
	{ "sep_token", offsetof(struct tn_tokenizer_info, sep), { "[SEP]", "<sep>", "</s>" } },
	{ "pad_token", offsetof(struct tn_tokenizer_info, pad), { "<pad>", "[PAD]" } },
	{ "mask_token", offsetof(struct tn_tokenizer_info, mask), { "<mask>", "[MASK]" } },
	{ "bos_token", offsetof(struct tn_tokenizer_info, bos), { "<s>", "[CLS]" } },
	{ "eos_token", offsetof(struct tn_tokenizer_info, eos), { "</s>", "[SEP]" } },
};

/* The id of a piece, or of an added token beyond the vocabulary. */
static int32_t id_of(const struct unigram_tokenizer *t, const char *text)
{
	int32_t id = tok_vocab_id(&t->vocab, text);

	for (size_t i = 0; text && id < 0 && i < t->added.n; i++)
		if (tok_equal(t->added.items[i].content, text))
			id = t->added.items[i].id;
	return id;
}

static int32_t find_role(const struct unigram_tokenizer *t, const struct role *role,
	const struct tn_tokenizer_files *files)
{
	int32_t id = id_of(t, tok_special_text(files->special_tokens, files->tokenizer_config,
		role->name, NULL));

	for (size_t i = 0; i < 3 && id < 0; i++)
		id = id_of(t, role->texts[i]);
	return id;
}

static void fill_info(struct unigram_tokenizer *t, const struct tn_tokenizer_files *files)
{
	struct tn_tokenizer_info *info = &t->info;
	int64_t length = tn_int(tn_get(files->tokenizer_config, "model_max_length"), 0);

	for (size_t i = 0; i < sizeof(roles) / sizeof(roles[0]); i++)
		*(int32_t *)((char *)info + roles[i].offset) = find_role(t, &roles[i], files);
	info->vocab_size = t->vocab.n_ids;
	info->single = t->post.single;
	info->n_single = t->post.n_single;
	info->pair = t->post.pair;
	info->n_pair = t->post.n_pair;
	info->max_length = length > 0 && length <= MAX_LENGTH ? (size_t)length : 0;
}

int unigram_open(struct tn_tokenizer *self, const struct tn_tokenizer_files *files,
	struct tn_call *call)
{
	struct unigram_tokenizer *t = (struct unigram_tokenizer *)self;
	int rc;

	t->arena = tn_arena_create();
	if (!t->arena)
		return tn_fail(call, TN_ENOMEM, "memory ran out for a tokenizer");
	rc = files->tokenizer_json ? unigram_open_json(t, files, call) :
		files->sentencepiece ? unigram_open_spm(t, files, call) :
		tn_fail(call, TN_EDATA, "%s: no tokenizer.json and no model of sentencepiece",
			files->directory);
	if (rc)
		return rc;
	fill_stops(t);
	fill_info(t, files);
	return 0;
}

static int unigram_decode(const struct tn_tokenizer *self, const int32_t *ids, size_t n,
	int skip_special, struct tn_text *out, struct tn_call *call)
{
	const struct unigram_tokenizer *t = (const struct unigram_tokenizer *)self;

	return t->spm ? spm_decode(t->spm, ids, n, skip_special, out, call) :
		tok_decoder_ids(&t->decoder, &t->vocab, &t->added, ids, n, skip_special, out, call);
}

static const char *unigram_piece(const struct tn_tokenizer *self, int32_t id)
{
	return tok_vocab_piece(&((const struct unigram_tokenizer *)self)->vocab, id).text;
}

static const struct tn_tokenizer_info *unigram_info(const struct tn_tokenizer *self)
{
	return &((const struct unigram_tokenizer *)self)->info;
}

static void unigram_close(struct tn_tokenizer *self)
{
	struct unigram_tokenizer *t = (struct unigram_tokenizer *)self;

	if (t->spm)
		spm_free(t->spm);
	free(t->spm);
	tok_added_free(&t->added);
	tok_words_free(&t->words);
	tok_vocab_free(&t->vocab);
	unigram_free(&t->model);
	tn_arena_destroy(t->arena);
	free(t->text);
}

static const struct tn_tokenizer_impl unigram_impl = {
	.open = unigram_open,
	.encode = unigram_encode,
	.encode_words = unigram_encode_words,
	.decode = unigram_decode,
	.piece = unigram_piece,
	.info = unigram_info,
	.close = unigram_close,
};

TN_PLUGIN(unigram, TN_TOKENIZER, "unigram",
	.version = "0.1.0", .licence = "Apache-2.0",
	.about = "the most likely pieces, from tokenizer.json or a model of sentencepiece",
	.state = sizeof(struct unigram_tokenizer), .impl.tokenizer = &unigram_impl);
