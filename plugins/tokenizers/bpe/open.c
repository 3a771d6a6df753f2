/* SPDX-License-Identifier: Apache-2.0
 * plugins/tokenizers/bpe/open.c - opening a model directory's tokenizer.
 */
#include "open.h"

#include <stdlib.h>

#include "file.h"

#define MAX_LENGTH 1000000	/* of a model; a larger model_max_length means "unknown" */

static int read_unk(const struct bpe_reading *r, struct tn_call *call)
{
	struct bpe_tokenizer *t = r->t;

	t->model.unk = r->unk.text ? tok_trie_find(&t->vocab.trie, r->unk.text, r->unk.len) : -1;
	return !r->unk.text || t->model.unk >= 0 ? 0 : tn_fail(call, TN_EDATA,
		"%s: no piece %s, the unk_token", r->path,
		tn_quote(call, r->unk.text, r->unk.len));
}

/* All but pieces and merges. */
static int read_parts(struct bpe_tokenizer *t, const struct tok_document *d, struct tn_call *call)
{
	int rc = tok_added_read(&t->added, &t->vocab, d->parts[TOK_PART_ADDED], d->path, call);

	if (!rc)
		rc = tok_normalizer_read(&t->normalizer, d->parts[TOK_PART_NORMALIZER], d->path,
			t->arena, call);
	if (!rc)
		rc = tok_pretok_read(&t->pretok, d->parts[TOK_PART_PRE_TOKENIZER], d->path,
			t->arena, call);
	if (!rc)
		rc = tok_decoder_read(&t->decoder, d->parts[TOK_PART_DECODER], d->path, t->arena,
			call);
	if (!rc)
		rc = tok_post_read(&t->post, d->parts[TOK_PART_POST_PROCESSOR], t->vocab.n_ids,
			d->path, call);
	return rc ? rc : tok_added_build(&t->added, &t->normalizer, d->path, call);
}

static int make_model(const struct bpe_reading *r, size_t extra, struct tn_call *call)
{
	int rc;

	if (!r->t->vocab.n)
		return tn_fail(call, TN_EDATA, "%s: no model with a vocabulary", r->path);
	if (!r->merges)
		return tn_fail(call, TN_EDATA, "%s: model: no merges", r->path);
	rc = tok_vocab_build(&r->t->vocab, r->path, extra, call);
	if (!rc)
		rc = bpe_add_pairs(r, call);
	return rc ? rc : read_unk(r, call);
}

static int open_json(struct bpe_tokenizer *t, const struct tn_tokenizer_files *files,
	struct tn_call *call)
{
	struct bpe_reading r = { .t = t, .path = files->tokenizer_json };
	struct tok_document d = { .path = r.path, .plugin = "bpe", .type = "BPE",
		.member = bpe_read_member, .user = &r };
	size_t len;
	int rc;

	t->text = tok_read_file(d.path, &len, call);
	if (!t->text)
		return tn_status(call);
	rc = tok_document_read(&d, t->text, len, t->arena, call);
	if (!rc)
		rc = make_model(&r, tn_size(d.parts[TOK_PART_ADDED]), call);
	free(r.pairs);
	return rc ? rc : read_parts(t, &d, call);
}

/* --- vocab.json and merges.txt --- */

/* The roles that transformers gives to GPT-2's or RoBERTa's pieces. */
static const struct special {
	const char *role, *gpt2, *roberta;
} specials[] = {
	{ "bos_token", "<|endoftext|>", "<s>" }, { "eos_token", "<|endoftext|>", "</s>" },
	{ "unk_token", "<|endoftext|>", "<unk>" }, { "sep_token", NULL, "</s>" },
	{ "pad_token", NULL, "<pad>" }, { "cls_token", NULL, "<s>" },
	{ "mask_token", NULL, "<mask>" },
};

static int add_special(struct bpe_tokenizer *t, const char *role, const char *text,
	struct tn_call *call)
{
	struct tok_added_token token = { .special = true, .lstrip = !strcmp(role, "mask_token") };

	token.content = (struct tn_text){ tn_arena_dup(t->arena, text, strlen(text)),
		strlen(text) };
	return token.content.text ? tok_added_add(&t->added, &t->vocab, token, call) :
		tn_fail(call, TN_ENOMEM, "memory ran out for added tokens");
}

static int add_specials(struct bpe_tokenizer *t, const struct tn_tokenizer_files *files,
	bool roberta, struct tn_call *call)
{
	int rc = tok_added_read(&t->added, &t->vocab,
		tn_get(files->tokenizer_config, "added_tokens_decoder"), "tokenizer_config.json",
		call);

	for (size_t i = 0; i < sizeof(specials) / sizeof(specials[0]) && !rc; i++) {
		const struct special *s = &specials[i];
		const char *text = tok_special_text(files->special_tokens, files->tokenizer_config,
			s->role, roberta ? s->roberta : s->gpt2);

		if (text && tok_vocab_id(&t->vocab, text) >= 0)
			rc = add_special(t, s->role, text, call);
	}
	return rc;
}

/* As GPT-2's and RoBERTa's tokenizers are. */
static int fill_byte_level(struct bpe_tokenizer *t, const struct tn_tokenizer_files *files,
	bool roberta, struct tn_call *call)
{
	struct tok_pretok_step *step = tn_arena_alloc(t->arena, sizeof(*step));
	struct tok_decoder_step *decode = tn_arena_alloc(t->arena, sizeof(*decode));
	bool prefix = tn_bool(tn_get(files->tokenizer_config, "add_prefix_space"), false);
	int rc;

	if (!step || !decode)
		return tn_fail(call, TN_ENOMEM, "memory ran out for a tokenizer");
	*step = (struct tok_pretok_step){ .kind = TOK_PRETOK_BYTE_LEVEL, .split = true,
		.prefix = prefix, .pattern.kind = TOK_PATTERN_GPT2 };
	t->pretok = (struct tok_pretok){ .steps = step, .n = 1 };
	decode->kind = TOK_DECODE_BYTE_LEVEL;
	t->decoder = (struct tok_decoder){ decode, 1, true };
	rc = tok_post_read(&t->post, NULL, t->vocab.n_ids, files->vocab_json, call);
	if (rc || !roberta)
		return rc;
	tok_post_roberta(&t->post, tok_vocab_id(&t->vocab, "<s>"),
		tok_vocab_id(&t->vocab, "</s>"));
	t->post.trim = true;
	t->post.keep_first = prefix;
	return 0;
}

static int read_vocab_json(struct bpe_tokenizer *t, const char *path, struct tn_call *call)
{
	struct tok_json j;
	size_t len;
	int rc;

	t->text = tok_read_file(path, &len, call);
	if (!t->text)
		return tn_status(call);
	rc = tok_json_open(&j, path, t->text, len, call);
	if (!rc)
		rc = tok_vocab_read_json(&t->vocab, &j);
	if (!rc)
		rc = tok_json_finish(&j);
	if (!rc && !t->vocab.n)
		rc = tn_fail(call, TN_EDATA, "%s: no pieces", path);
	return rc ? rc : tok_vocab_build(&t->vocab, path, 0, call);
}

static int open_plain(struct bpe_tokenizer *t, const struct tn_tokenizer_files *files,
	struct tn_call *call)
{
	bool roberta;
	size_t len;
	int rc = read_vocab_json(t, files->vocab_json, call);

	if (rc)
		return rc;
	t->merges = tok_read_file(files->merges_txt, &len, call);
	if (!t->merges)
		return tn_status(call);
	rc = bpe_read_merges_txt(t, files->merges_txt, t->merges, len, call);
	roberta = tok_vocab_id(&t->vocab, "<s>") >= 0 && tok_vocab_id(&t->vocab, "</s>") >= 0;
	t->model.unk = -1;
	if (!rc)
		rc = add_specials(t, files, roberta, call);
	if (!rc)
		rc = fill_byte_level(t, files, roberta, call);
	return rc ? rc : tok_added_build(&t->added, NULL, files->vocab_json, call);
}

/* --- what the core must know --- */

static int32_t id_of(const struct bpe_tokenizer *t, const char *text)
{
	int32_t id = tok_vocab_id(&t->vocab, text);

	for (size_t i = 0; text && id < 0 && i < t->added.n; i++)
		if (tok_equal(t->added.items[i].content, text))
			id = t->added.items[i].id;
	return id;
}

/* The token with a role in the files, else the first of two usual ones that is there. */
static int32_t role_of(const struct bpe_tokenizer *t, const struct tn_tokenizer_files *files,
	const char *role, const char *usual, const char *other)
{
	const char *text = tok_special_text(files->special_tokens, files->tokenizer_config, role,
		NULL);
	int32_t id;

	if (text)
		return id_of(t, text);
	id = id_of(t, usual);
	return id >= 0 ? id : id_of(t, other);
}

static int fill_info(struct bpe_tokenizer *t, const struct tn_tokenizer_files *files,
	struct tn_call *call)
{
	const char *path = files->tokenizer_json ? files->tokenizer_json : files->vocab_json;
	struct tn_tokenizer_info *info = &t->info;
	int64_t rows = tn_int(tn_get(files->config, "vocab_size"), 0);
	int64_t length = tn_int(tn_get(files->tokenizer_config, "model_max_length"), 0);

	info->vocab_size = t->vocab.n_ids;
	info->unk = t->model.unk >= 0 ? t->model.unk :
		role_of(t, files, "unk_token", "<unk>", "[UNK]");
	info->cls = role_of(t, files, "cls_token", "<s>", "[CLS]");
	info->sep = role_of(t, files, "sep_token", "</s>", "[SEP]");
	info->pad = role_of(t, files, "pad_token", "<pad>", "[PAD]");
	info->mask = role_of(t, files, "mask_token", "<mask>", "[MASK]");
	info->bos = role_of(t, files, "bos_token", "<s>", "<|endoftext|>");
	info->eos = role_of(t, files, "eos_token", "</s>", "<|endoftext|>");
	info->single = t->post.single;
	info->n_single = t->post.n_single;
	info->pair = t->post.pair;
	info->n_pair = t->post.n_pair;
	info->max_length = length > 0 && length <= MAX_LENGTH ? (size_t)length : 0;
	if (rows > 0 && info->vocab_size > (uint64_t)rows)
		return tn_fail(call, TN_EDATA, "%s: %zu pieces, but config.json has a vocab_size of "
			"%lld", path, info->vocab_size, (long long)rows);
	return 0;
}

int bpe_open(struct tn_tokenizer *self, const struct tn_tokenizer_files *files,
	struct tn_call *call)
{
	struct bpe_tokenizer *t = (struct bpe_tokenizer *)self;
	int rc;

	t->arena = tn_arena_create();
	if (!t->arena)
		return tn_fail(call, TN_ENOMEM, "memory ran out for a tokenizer");
	if (files->tokenizer_json)
		rc = open_json(t, files, call);
	else if (files->vocab_json && files->merges_txt)
		rc = open_plain(t, files, call);
	else
		rc = tn_fail(call, TN_EDATA, "%s: no tokenizer.json, and not both of vocab.json and "
			"merges.txt", files->directory);
	if (!rc)
		rc = bpe_index(t, call);
	return rc ? rc : fill_info(t, files, call);
}
