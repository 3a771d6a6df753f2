/* SPDX-License-Identifier: Apache-2.0
 * plugins/tokenizers/wordlevel/wordlevel.c - each word of the pre-tokenizer is one piece, or
 * unknown.
 * Source: Hugging Face tokenizers 0.22.2, models/wordlevel/mod.rs.
 */
#include <stdlib.h>
#include <tenon/impl/tokenizer.h>

#include "added.h"
#include "decoder.h"
#include "document.h"
#include "file.h"
#include "normalizer.h"
#include "post.h"
#include "pretok.h"
#include "repair.h"
#include "vocab.h"

#define MAX_LENGTH 1000000	/* of a model; a larger model_max_length means "unknown" */

struct wordlevel {
	struct tn_tokenizer base;
	struct tn_arena *arena;		/* trees of small parts, contents of added tokens */
	char *text;			/* the file that the pieces are in */
	struct tok_vocab vocab;
	struct tok_added added;
	struct tok_normalizer normalizer;
	struct tok_pretok pretok;
	struct tok_decoder decoder;
	struct tok_post post;
	struct tok_blank *blanks;	/* of each id; NULL: offsets are not trimmed */
	struct tn_tokenizer_info info;
	struct tn_text unk;
};

/* --- opening --- */

static int read_member(void *user, struct tok_json *j, struct tn_text key)
{
	struct wordlevel *t = user;

	return tok_equal(key, "vocab") ? tok_vocab_read_json(&t->vocab, j) :
		tok_equal(key, "unk_token") ? tok_json_string(j, &t->unk) : tok_json_skip(j, NULL);
}

static int read_parts(struct wordlevel *t, const struct tok_document *d, struct tn_call *call)
{
	const struct tn_value *added = d->parts[TOK_PART_ADDED];
	int rc = tok_vocab_build(&t->vocab, d->path, tn_size(added), call);

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
		rc = tok_added_read(&t->added, &t->vocab, added, d->path, call);
	if (!rc)
		rc = tok_post_read(&t->post, d->parts[TOK_PART_POST_PROCESSOR], t->vocab.n_ids,
			d->path, call);
	if (!rc && t->post.trim && !(t->blanks = tok_blanks_of(&t->vocab, call)))
		rc = TN_ENOMEM;
	return rc ? rc : tok_added_build(&t->added, &t->normalizer, d->path, call);
}

static int32_t role(const struct wordlevel *t, const struct tn_tokenizer_files *files,
	const char *name, const char *otherwise)
{
	const char *text = tok_special_text(files->special_tokens, files->tokenizer_config, name,
		otherwise);
	int32_t id = tok_vocab_id(&t->vocab, text);

	for (size_t i = 0; text && id < 0 && i < t->added.n; i++)
		if (tok_equal(t->added.items[i].content, text))
			id = t->added.items[i].id;
	return id;
}

static void fill_info(struct wordlevel *t, const struct tn_tokenizer_files *files)
{
	int64_t length = tn_int(tn_get(files->tokenizer_config, "model_max_length"), 0);

	t->info = (struct tn_tokenizer_info){
		.vocab_size = t->vocab.n_ids,
		.unk = tok_trie_find(&t->vocab.trie, t->unk.text, t->unk.len),
		.cls = role(t, files, "cls_token", "[CLS]"),
		.sep = role(t, files, "sep_token", "[SEP]"),
		.pad = role(t, files, "pad_token", "[PAD]"),
		.mask = role(t, files, "mask_token", "[MASK]"),
		.bos = role(t, files, "bos_token", NULL),
		.eos = role(t, files, "eos_token", NULL),
		.single = t->post.single, .n_single = t->post.n_single,
		.pair = t->post.pair, .n_pair = t->post.n_pair,
		.max_length = length > 0 && length <= MAX_LENGTH ? (size_t)length : 0,
	};
}

static int wordlevel_open(struct tn_tokenizer *self, const struct tn_tokenizer_files *files,
	struct tn_call *call)
{
	struct wordlevel *t = (struct wordlevel *)self;
	struct tok_document d = { .path = files->tokenizer_json, .plugin = "wordlevel",
		.type = "WordLevel", .member = read_member, .user = t };
	size_t len;
	int rc;

	t->unk = (struct tn_text){ "<unk>", 5 };
	t->arena = tn_arena_create();
	if (!t->arena)
		return tn_fail(call, TN_ENOMEM, "memory ran out for a tokenizer");
	if (!d.path)
		return tn_fail(call, TN_EDATA, "%s: no tokenizer.json", files->directory);
	t->text = tok_read_file(d.path, &len, call);
	if (!t->text)
		return tn_status(call);
	rc = tok_document_read(&d, t->text, len, t->arena, call);
	if (!rc && !t->vocab.n)
		rc = tn_fail(call, TN_EDATA, "%s: no model with a vocabulary", d.path);
	if (!rc)
		rc = read_parts(t, &d, call);
	if (!rc)
		fill_info(t, files);
	return rc;
}

/* --- encoding --- */

struct run {
	const struct wordlevel *t;
	struct tn_tokens *out;
	struct tn_call *call;
	struct tn_text text;	/* the original */
	size_t first;		/* index of the first token in `out` */
	struct tok_buffer repaired;
	struct tok_scratch scratch;
	struct tok_pieces pieces;
	int32_t word;		/* number of the next word */
	bool given;		/* words are given: the number stays */
};

static int push(struct run *r, int32_t id, struct tok_span span, const struct tok_blank *blank)
{
	int rc;

	if (blank)
		span = tok_trim(&r->t->post, r->text, r->out->n == r->first, span, *blank);
	rc = tn_tokens_push(r->out, (struct tn_token){ id, r->word, span.begin, span.end },
		r->call);

	r->word += !r->given;
	return rc;
}

static int push_added(struct run *r, const struct tok_piece *p, const struct tok_match *m)
{
	struct tok_blank blank = tok_blank_of((struct tn_text){ p->text + m->begin,
		m->end - m->begin });

	return push(r, m->token->id, tok_piece_span(p, m->begin, m->end),
		r->t->blanks ? &blank : NULL);
}

static int encode_normal(struct run *r, const struct tok_piece *p)
{
	int rc = tok_pretok_run(&r->t->pretok, p, &r->scratch, &r->pieces, r->call);

	for (size_t i = 0; i < r->pieces.n && !rc; i++) {
		const struct tok_piece *w = &r->pieces.items[i];
		int32_t id = tok_trie_find(&r->t->vocab.trie, w->text, w->len);

		if (id < 0)
			id = r->t->info.unk;
		rc = id >= 0 ? push(r, id, tok_piece_span(w, 0, w->len),
				r->t->blanks ? &r->t->blanks[id] : NULL) :
			tn_fail(r->call, TN_EDATA, "byte %zu: the word %s is no piece, and neither is "
				"%s, the unk_token", (size_t)tok_piece_span(w, 0, w->len).begin,
				tn_quote(r->call, w->text, w->len),
				tn_quote(r->call, r->t->unk.text, r->t->unk.len));
	}
	return rc;
}

/* A copy of a piece, as pre-tokenizers write where normalizers wrote. */
static int keep(struct run *r, struct tok_piece *p)
{
	struct tok_buffer b = { .text = tn_alloc(r->call, p->len + 1),
		.spans = tn_alloc_n(r->call, p->len + 1, sizeof(*b.spans)), .capacity = p->len };

	if (!b.text || !b.spans)
		return TN_ENOMEM;
	tok_buffer_copy(&b, p, 0, p->len);
	*p = tok_buffer_piece(&b);
	return 0;
}

/* Raw text without added tokens in it. */
static int encode_piece(struct run *r, struct tok_piece p)
{
	const struct tok_added *added = &r->t->added;
	struct tok_piece part;
	size_t search = 0, done = 0;
	struct tok_match m;
	int rc = tok_repair(&p, &r->repaired, r->call);

	if (rc < 0)
		return rc;
	if (rc > 0)
		p = tok_buffer_piece(&r->repaired);
	rc = tok_normalize(&r->t->normalizer, &p, &r->scratch, r->call);
	if (!rc && added->normal.any)
		rc = keep(r, &p);
	while (!rc && tok_added_find(added, &added->normal, p.text, p.len, &search, done, &m)) {
		part = tok_piece_slice(&p, done, m.begin > done ? m.begin : done);
		rc = encode_normal(r, &part);
		if (!rc)
			rc = push_added(r, &p, &m);
		done = m.end;
	}
	if (rc)
		return rc;
	part = tok_piece_slice(&p, done, p.len);
	return encode_normal(r, &part);
}

static int encode_text(struct run *r, struct tn_text text)
{
	const struct tok_added *added = &r->t->added;
	struct tok_piece all = { text.text, text.len, NULL, 0 };
	size_t search = 0, done = 0;
	struct tok_match m;
	int rc = 0;

	if (text.len > UINT32_MAX)
		return tn_fail(r->call, TN_EDATA, "a text has %zu bytes, at most %u are possible",
			text.len, UINT32_MAX);
	r->text = text;
	while (!rc && tok_added_find(added, &added->raw, text.text, text.len, &search, done, &m)) {
		rc = encode_piece(r, tok_piece_slice(&all, done, m.begin > done ? m.begin : done));
		if (!rc)
			rc = push_added(r, &all, &m);
		done = m.end;
	}
	return rc ? rc : encode_piece(r, tok_piece_slice(&all, done, text.len));
}

static int wordlevel_encode(const struct tn_tokenizer *self, struct tn_text text,
	struct tn_tokens *out, struct tn_call *call)
{
	struct run r = { .t = (const struct wordlevel *)self, .out = out, .call = call,
		.first = out->n };

	return encode_text(&r, text);
}

static int wordlevel_encode_words(const struct tn_tokenizer *self, const struct tn_text *words,
	size_t n_words, struct tn_tokens *out, struct tn_call *call)
{
	struct run r = { .t = (const struct wordlevel *)self, .out = out, .call = call,
		.first = out->n, .given = true };
	int rc = 0;

	for (size_t i = 0; i < n_words && !rc; i++) {
		r.word = (int32_t)i;
		rc = encode_text(&r, words[i]);
	}
	return rc;
}

/* --- the rest --- */

static int wordlevel_decode(const struct tn_tokenizer *self, const int32_t *ids, size_t n,
	int skip_special, struct tn_text *out, struct tn_call *call)
{
	const struct wordlevel *t = (const struct wordlevel *)self;

	return tok_decoder_ids(&t->decoder, &t->vocab, &t->added, ids, n, skip_special, out, call);
}

static const char *wordlevel_piece(const struct tn_tokenizer *self, int32_t id)
{
	return tok_vocab_piece(&((const struct wordlevel *)self)->vocab, id).text;
}

static const struct tn_tokenizer_info *wordlevel_info(const struct tn_tokenizer *self)
{
	return &((const struct wordlevel *)self)->info;
}

static void wordlevel_close(struct tn_tokenizer *self)
{
	struct wordlevel *t = (struct wordlevel *)self;

	tok_added_free(&t->added);
	tok_vocab_free(&t->vocab);
	tn_arena_destroy(t->arena);
	free(t->blanks);
	free(t->text);
}

static const struct tn_tokenizer_impl wordlevel_impl = {
	.open = wordlevel_open,
	.encode = wordlevel_encode,
	.encode_words = wordlevel_encode_words,
	.decode = wordlevel_decode,
	.piece = wordlevel_piece,
	.info = wordlevel_info,
	.close = wordlevel_close,
};

TN_PLUGIN(wordlevel, TN_TOKENIZER, "wordlevel",
	.version = "0.1.0", .licence = "Apache-2.0",
	.about = "one piece for each word, from tokenizer.json",
	.state = sizeof(struct wordlevel), .impl.tokenizer = &wordlevel_impl);
