/* SPDX-License-Identifier: Apache-2.0
 * plugins/tokenizers/wordpiece/open.c - reading tokenizer.json, or vocab.txt and
 * tokenizer_config.json.
 */
#include <stdlib.h>

#include "document.h"
#include "file.h"
#include "wordpiece.h"

#define MAX_CHARS 100
#define MAX_LENGTH 1000000	/* of a model; a larger model_max_length means "unknown" */

/* The model of tokenizer.json. */
struct reading {
	struct wordpiece *w;
	struct tn_text unk;	/* text NULL: none */
};

static int unknown(const char *path, const char *part, const struct tn_value *type,
	const char *known, struct tn_call *call)
{
	return tn_fail(call, TN_EDATA, "%s: %s: type %s is not known to the tokenizer wordpiece, "
		"which knows %s", path, part, tn_string(type, NULL) ? tn_quote(call,
		tn_string(type, NULL), tn_string_length(type)) : "(none)", known);
}

/* A copy of a text that outlives the parser. */
static struct tn_text keep(struct wordpiece *w, const char *text, size_t len)
{
	return (struct tn_text){ tn_arena_dup(w->arena, text, len), len };
}

static int read_member(void *user, struct tok_json *j, struct tn_text key)
{
	struct reading *r = user;

	if (tok_equal(key, "vocab"))
		return tok_vocab_read_json(&r->w->vocab, j);
	if (tok_equal(key, "unk_token"))
		return tok_json_string(j, &r->unk);
	if (tok_equal(key, "continuing_subword_prefix"))
		return tok_json_string(j, &r->w->prefix);
	if (tok_equal(key, "max_input_chars_per_word"))
		return tok_json_count(j, SIZE_MAX / 2, &r->w->max_chars);
	return tok_json_skip(j, NULL);
}

static int read_normalizer(struct wordpiece *w, const struct tok_document *d, struct tn_call *call)
{
	const struct tn_value *v = d->parts[TOK_PART_NORMALIZER], *type = tn_get(v, "type"), *strip;

	if (tn_value_kind(v) == TN_VALUE_NULL)
		return 0;
	if (strcmp(tn_string(type, ""), "BertNormalizer"))
		return unknown(d->path, "normalizer", type, "BertNormalizer", call);
	w->bert.clean = tn_bool(tn_get(v, "clean_text"), true);
	w->bert.cjk = tn_bool(tn_get(v, "handle_chinese_chars"), true);
	w->bert.lower = tn_bool(tn_get(v, "lowercase"), true);
	strip = tn_get(v, "strip_accents");
	w->bert.strip = tn_bool(strip, w->bert.lower);
	return 0;
}

static int missing_token(const char *path, const char *role, const char *text,
	struct tn_call *call)
{
	return tn_fail(call, TN_EDATA, "%s: no piece %s, the %s", path,
		tn_quote(call, text, strlen(text)), role);
}

/* The trie of pieces, and what is derived from it. */
static int index_pieces(struct wordpiece *w, const char *path, const char *unk, size_t extra,
	struct tn_call *call)
{
	int rc = tok_vocab_build(&w->vocab, path, extra, call);

	if (rc)
		return rc;
	w->info.unk = tok_vocab_id(&w->vocab, unk);
	if (w->info.unk < 0)
		return missing_token(path, "unk_token", unk, call);
	w->inside = tok_trie_walk(&w->vocab.trie, TOK_ROOT, w->prefix.text, w->prefix.len);
	return tok_words_build(&w->words, w->vocab.keys, w->vocab.n, call);
}

static void note_disagreement(const struct wordpiece *w, const struct tn_tokenizer_files *files,
	struct tn_call *call)
{
	const struct tn_value *lower = tn_get(files->tokenizer_config, "do_lower_case");

	if (lower && tn_bool(lower, w->bert.lower) != w->bert.lower)
		tn_note(call, "%s: lowercase is %s, tokenizer_config.json says otherwise: "
			"tokenizer.json counts", files->tokenizer_json,
			w->bert.lower ? "true" : "false");
}

static int read_parts(struct wordpiece *w, const struct tok_document *d, struct tn_text unk,
	struct tn_call *call)
{
	const struct tn_value *type = tn_get(d->parts[TOK_PART_PRE_TOKENIZER], "type");
	const struct tn_value *added = d->parts[TOK_PART_ADDED];
	int rc;

	if (!w->vocab.n)
		return tn_fail(call, TN_EDATA, "%s: no model with a vocabulary", d->path);
	if (strcmp(tn_string(type, ""), "BertPreTokenizer"))
		return unknown(d->path, "pre_tokenizer", type, "BertPreTokenizer", call);
	rc = index_pieces(w, d->path, unk.text ? unk.text : "[UNK]", tn_size(added), call);
	if (!rc)
		rc = tok_added_read(&w->added, &w->vocab, added, d->path, call);
	if (!rc)
		rc = read_normalizer(w, d, call);
	if (!rc)
		rc = tok_decoder_read(&w->decoder, d->parts[TOK_PART_DECODER], d->path, w->arena,
			call);
	if (!rc)
		rc = tok_post_read(&w->post, d->parts[TOK_PART_POST_PROCESSOR], w->vocab.n_ids,
			d->path, call);
	if (!rc && w->post.trim && !(w->blanks = tok_blanks_of(&w->vocab, call)))
		rc = TN_ENOMEM;
	return rc;
}

static int build_added(struct wordpiece *w, const char *path, struct tn_call *call)
{
	struct tok_normal_step step = { .kind = TOK_NORMAL_BERT };
	const struct tok_normalizer normalize = { &step, 1 };

	tok_bert_init(&w->bert);
	step.bert = w->bert;
	return tok_added_build(&w->added, &normalize, path, call);
}

static int open_json(struct wordpiece *w, const struct tn_tokenizer_files *files,
	struct tn_call *call)
{
	struct reading r = { .w = w };
	struct tok_document d = { .path = files->tokenizer_json, .plugin = "wordpiece",
		.type = "WordPiece", .member = read_member, .user = &r };
	size_t len;
	int rc;

	w->text = tok_read_file(d.path, &len, call);
	if (!w->text)
		return tn_status(call);
	rc = tok_document_read(&d, w->text, len, w->arena, call);
	if (!rc)
		rc = read_parts(w, &d, r.unk, call);
	if (rc)
		return rc;
	note_disagreement(w, files, call);
	return build_added(w, d.path, call);
}

/* Of vocab.txt: each piece has its line, so equal ones can be named. */
static int check_lines(const struct tok_vocab *v, const char *path, struct tn_call *call)
{
	struct tok_key *keys = malloc((v->n + 1) * sizeof(*keys));
	int rc = 0;

	if (!keys)
		return tn_fail(call, TN_ENOMEM, "memory ran out for a vocabulary");
	memcpy(keys, v->keys, v->n * sizeof(*keys));
	tok_keys_sort(keys, v->n);
	for (size_t i = 1; i < v->n && !rc; i++)
		if (keys[i].len == keys[i - 1].len &&
			!memcmp(keys[i].text, keys[i - 1].text, keys[i].len))
			rc = tn_fail(call, TN_EDATA, "%s:%d: the piece %s stands on line %d too",
				path, keys[i].id + 1, tn_quote(call, keys[i].text, keys[i].len),
				keys[i - 1].id + 1);
	free(keys);
	return rc;
}

/* The special tokens of BERT as the slow tokenizers name them. */
static const struct special {
	const char *name, *text;
	bool required;
} specials[] = {
	{ "unk_token", "[UNK]", true }, { "sep_token", "[SEP]", true },
	{ "pad_token", "[PAD]", true }, { "cls_token", "[CLS]", true },
	{ "mask_token", "[MASK]", false },
};

static int add_special(struct wordpiece *w, const char *text, struct tn_call *call)
{
	struct tok_added_token token = { .content = keep(w, text, strlen(text)), .special = true };

	return token.content.text ? tok_added_add(&w->added, &w->vocab, token, call) :
		tn_fail(call, TN_ENOMEM, "memory ran out for added tokens");
}

static int add_specials(struct wordpiece *w, const struct tn_tokenizer_files *files,
	struct tn_call *call)
{
	const struct tn_value *more = tn_get(files->special_tokens, "additional_special_tokens");
	int rc = tok_added_read(&w->added, &w->vocab,
		tn_get(files->tokenizer_config, "added_tokens_decoder"), "tokenizer_config.json",
		call);

	for (size_t i = 0; i < sizeof(specials) / sizeof(specials[0]) && !rc; i++) {
		const struct special *s = &specials[i];
		const char *text = tok_special_text(files->special_tokens, files->tokenizer_config,
			s->name, s->text);

		if (tok_vocab_id(&w->vocab, text) >= 0)
			rc = add_special(w, text, call);
		else if (s->required)
			rc = missing_token(files->vocab_txt, s->name, text, call);
	}
	if (!more)
		more = tn_get(files->tokenizer_config, "additional_special_tokens");
	for (size_t i = 0; i < tn_size(more) && !rc; i++)
		if (tn_string(tn_at(more, i), NULL))
			rc = add_special(w, tn_string(tn_at(more, i), NULL), call);
	return rc;
}

static int open_lines(struct wordpiece *w, const struct tn_tokenizer_files *files,
	struct tn_call *call)
{
	const struct tn_value *config = files->tokenizer_config;
	const char *unk = tok_special_text(files->special_tokens, config, "unk_token", "[UNK]");
	size_t len;
	int rc;

	w->text = tok_read_file(files->vocab_txt, &len, call);
	if (!w->text)
		return tn_status(call);
	rc = tok_vocab_read_lines(&w->vocab, files->vocab_txt, w->text, len, call);
	if (!rc)
		rc = check_lines(&w->vocab, files->vocab_txt, call);
	if (!rc)
		rc = index_pieces(w, files->vocab_txt, unk, 0, call);
	if (!rc)
		rc = add_specials(w, files, call);
	if (rc)
		return rc;
	w->bert.clean = true;
	w->bert.lower = tn_bool(tn_get(config, "do_lower_case"), true);
	w->bert.strip = tn_bool(tn_get(config, "strip_accents"), w->bert.lower);
	w->bert.cjk = tn_bool(tn_get(config, "tokenize_chinese_chars"), true);
	rc = tok_decoder_word_piece(&w->decoder, w->prefix, w->arena, call);
	if (rc)
		return rc;
	tok_post_bert(&w->post,
		tok_vocab_id(&w->vocab, tok_special_text(files->special_tokens, config,
			"cls_token", "[CLS]")),
		tok_vocab_id(&w->vocab, tok_special_text(files->special_tokens, config,
			"sep_token", "[SEP]")));
	return build_added(w, files->vocab_txt, call);
}

/* The id of a special token: of a piece, or of an added token beyond the vocabulary. */
static int32_t special_id(const struct wordpiece *w, const struct tn_tokenizer_files *files,
	const char *name, const char *otherwise)
{
	const char *text = tok_special_text(files->special_tokens, files->tokenizer_config, name,
		otherwise);
	int32_t id = tok_vocab_id(&w->vocab, text);

	for (size_t i = 0; text && id < 0 && i < w->added.n; i++)
		if (tok_equal(w->added.items[i].content, text))
			id = w->added.items[i].id;
	return id;
}

static int fill_info(struct wordpiece *w, const struct tn_tokenizer_files *files,
	struct tn_call *call)
{
	struct tn_tokenizer_info *info = &w->info;
	int64_t rows = tn_int(tn_get(files->config, "vocab_size"), 0);
	int64_t length = tn_int(tn_get(files->tokenizer_config, "model_max_length"), 0);

	info->vocab_size = w->vocab.n_ids;
	info->cls = special_id(w, files, "cls_token", "[CLS]");
	info->sep = special_id(w, files, "sep_token", "[SEP]");
	info->pad = special_id(w, files, "pad_token", "[PAD]");
	info->mask = special_id(w, files, "mask_token", "[MASK]");
	info->bos = special_id(w, files, "bos_token", NULL);
	info->eos = special_id(w, files, "eos_token", NULL);
	info->single = w->post.single;
	info->n_single = w->post.n_single;
	info->pair = w->post.pair;
	info->n_pair = w->post.n_pair;
	info->max_length = length > 0 && length <= MAX_LENGTH ? (size_t)length : 0;
	if (rows > 0 && info->vocab_size > (uint64_t)rows)
		return tn_fail(call, TN_EDATA, "%s: %zu pieces, but config.json has a vocab_size of "
			"%lld", files->tokenizer_json ? files->tokenizer_json : files->vocab_txt,
			info->vocab_size, (long long)rows);
	if (rows > 0 && info->vocab_size < (uint64_t)rows)
		tn_note(call, "%s: %zu pieces, fewer than config.json's vocab_size of %lld",
			files->tokenizer_json ? files->tokenizer_json : files->vocab_txt,
			info->vocab_size, (long long)rows);
	return 0;
}

int wordpiece_open(struct tn_tokenizer *self, const struct tn_tokenizer_files *files,
	struct tn_call *call)
{
	struct wordpiece *w = (struct wordpiece *)self;
	int rc;

	w->prefix = (struct tn_text){ "##", 2 };
	w->max_chars = MAX_CHARS;
	w->arena = tn_arena_create();
	if (!w->arena)
		return tn_fail(call, TN_ENOMEM, "memory ran out for a tokenizer");
	if (files->tokenizer_json)
		rc = open_json(w, files, call);
	else if (files->vocab_txt)
		rc = open_lines(w, files, call);
	else
		rc = tn_fail(call, TN_EDATA, "%s: no tokenizer.json and no vocab.txt",
			files->directory);
	return rc ? rc : fill_info(w, files, call);
}
