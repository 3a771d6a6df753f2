/* SPDX-License-Identifier: Apache-2.0
 * plugins/tokenizers/bpe/encode.c - text to tokens.
 *
 * Most text is one piece as it stands and is cut by one pattern: it goes from the pattern
 * to the table of whole words in one pass.  All else takes the general way.
 */
#include "encode.h"
#include "repair.h"
#include "unicode/unicode.h"

/* --- offsets --- */

/* Beyond the end, where byte pieces of a prefix lead, Hugging Face counts bytes of the word as if
 * they were those of the text. */
struct tok_span bpe_source_of(const struct bpe_run *r, const struct tok_piece *p, size_t begin,
	size_t end)
{
	size_t most = r->text.len;

	if (end > p->len)
		return (struct tok_span){ (uint32_t)(begin < most ? begin : most),
			(uint32_t)(end < most ? end : most) };
	if (!p->spans) {
		while (begin && ((unsigned char)p->text[begin] & 0xc0) == 0x80)
			begin--;
		while (end < p->len && ((unsigned char)p->text[end] & 0xc0) == 0x80)
			end++;
	}
	return tok_piece_span(p, begin, end);
}

/* --- words --- */

static int emit_symbols(struct bpe_run *r, const struct tok_piece *p, size_t begin, size_t end)
{
	struct tok_piece word = tok_piece_slice(p, begin, end);
	int rc = bpe_word(&r->t->model, word.text, word.len, &r->work, r->call);
	size_t at = 0;

	for (size_t i = 0; i < r->work.n && !rc; i++) {
		struct bpe_symbol s = r->work.symbols[i];

		rc = bpe_emit(r, s.id, bpe_source_of(r, &word, at, at + s.len));
		at += s.len;
	}
	return rc;
}

/* The id of a word that is one token, or -1; `room` bytes may be read. */
static inline int32_t whole(const struct bpe_tokenizer *t, const char *text, size_t len,
	size_t room)
{
	struct tok_word key;

	if (len <= TOK_MAX_WORD) {
		key = tok_word_key(text, len, room);
		return tok_words_find(&t->words, &key);
	}
	return t->ignore_merges ? tok_trie_find(t->model.raw ? &t->raw : &t->vocab.trie, text,
		len) : -1;
}

static inline int emit_word(struct bpe_run *r, const struct tok_piece *p, size_t begin, size_t end)
{
	int32_t id = whole(r->t, p->text + begin, end - begin, p->len - begin);
	int rc = id >= 0 ? bpe_emit(r, id, tok_piece_span(p, begin, end)) :
		emit_symbols(r, p, begin, end);

	r->word += !r->given;
	return rc;
}

static int emit_tiles(struct bpe_run *r, const struct tok_piece *p)
{
	int rc = 0;

	for (size_t at = 0, end; at < p->len && !rc; at = end) {
		end = tok_pattern_next(r->t->tiles, p->text, p->len, at);
		rc = emit_word(r, p, at, end);
	}
	return rc;
}

size_t bpe_next_cut(const struct bpe_tokenizer *t, const struct tok_piece *p, size_t at)
{
	const unsigned char *text = (const unsigned char *)p->text;

	for (size_t i = at + 1; i < p->len; i++) {
		if (!t->joins[text[i - 1] << 8 | text[i]])
			return i;
		if (t->cuts_marks && text[i] == (unsigned char)BPE_MARK[0] &&
			bpe_is_mark(p->text + i, p->len - i) && !(i >= at + BPE_MARK_LEN &&
			bpe_is_mark(p->text + i - BPE_MARK_LEN, BPE_MARK_LEN)))
			return i;
	}
	return p->len;
}

int bpe_emit_cuts(struct bpe_run *r, const struct tok_piece *p)
{
	bool given = r->given;
	int rc = 0;

	r->given = true;
	for (size_t at = 0, end; at < p->len && !rc; at = end) {
		end = bpe_next_cut(r->t, p, at);
		rc = emit_word(r, p, at, end);
	}
	r->given = given;
	return rc;
}

/* --- text --- */

/* Normalized text without added tokens in it. */
static int encode_normal(struct bpe_run *r, const struct tok_piece *p)
{
	const struct bpe_tokenizer *t = r->t;
	int rc;

	if (!p->len)
		return 0;
	if (t->tiles)
		return emit_tiles(r, p);
	if (t->joins) {
		rc = bpe_emit_cuts(r, p);
		r->word += !r->given;
		return rc;
	}
	rc = tok_pretok_run(&t->pretok, p, &r->split, &r->pieces, r->call);
	for (size_t i = 0; i < r->pieces.n && !rc; i++)
		rc = emit_word(r, &r->pieces.items[i], 0, r->pieces.items[i].len);
	return rc;
}

static int emit_added(struct bpe_run *r, const struct tok_piece *p, const struct tok_match *m)
{
	struct tok_span span = tok_piece_span(p, m->begin, m->end);
	struct tn_text token = { p->text + m->begin, m->end - m->begin };
	int rc;

	if (r->t->blanks)
		span = bpe_trim(r, span, tok_blank_of(token));
	rc = tn_tokens_push(r->out, (struct tn_token){ m->token->id, r->word, span.begin,
		span.end }, r->call);
	r->word += !r->given;
	return rc;
}

/* Whether an added token may stand in the normal form of a text with marks. */
static bool may_match(const struct bpe_tokenizer *t, const struct tok_piece *p)
{
	if (!t->begins[1])
		return *t->begins && memchr(p->text, *t->begins, p->len);
	for (size_t i = 0; i < p->len; i++)
		if (strchr(t->begins, p->text[i]))
			return true;
	return false;
}

/* A part of the original: normalizes it and cuts out the added tokens of its normal form. */
static int encode_piece(struct bpe_run *r, struct tok_piece p)
{
	const struct tok_added *added = &r->t->added;
	struct tok_piece part, all;
	size_t search = 0, done = 0;
	struct tok_match m;
	int rc = tok_repair(&p, &r->repaired, r->call);

	if (!rc && p.len && r->t->bodies.slots && !may_match(r->t, &p))
		return bpe_emit_marked(r, &p);
	if (rc > 0)
		p = tok_buffer_piece(&r->repaired);
	rc = rc < 0 ? rc : tok_normalize(&r->t->normalizer, &p, &r->normal, r->call);
	all = p;
	while (!rc && tok_added_find(added, &added->normal, all.text, all.len, &search, done, &m)) {
		part = tok_piece_slice(&all, done, m.begin > done ? m.begin : done);
		rc = encode_normal(r, &part);
		if (!rc)
			rc = emit_added(r, &all, &m);
		done = m.end;
	}
	if (rc)
		return rc;
	part = tok_piece_slice(&all, done, all.len);
	return encode_normal(r, &part);
}

static int encode_text(struct bpe_run *r, struct tn_text text)
{
	const struct tok_added *added = &r->t->added;
	struct tok_piece all = { text.text, text.len, NULL, 0 };
	size_t search = 0, done = 0;
	struct tok_match m;
	int rc = 0;

	if (text.len > INT32_MAX)
		return tn_fail(r->call, TN_EDATA, "a text has %zu bytes, at most %d are possible",
			text.len, INT32_MAX);
	r->text = text;
	while (!rc && tok_added_find(added, &added->raw, text.text, text.len, &search, done, &m)) {
		rc = encode_piece(r, tok_piece_slice(&all, done, m.begin > done ? m.begin : done));
		if (!rc)
			rc = emit_added(r, &all, &m);
		done = m.end;
	}
	return rc ? rc : encode_piece(r, tok_piece_slice(&all, done, text.len));
}

int bpe_encode(const struct tn_tokenizer *self, struct tn_text text, struct tn_tokens *out,
	struct tn_call *call)
{
	struct bpe_run r = { .t = (const struct bpe_tokenizer *)self, .out = out, .call = call,
		.first = out->n };

	return encode_text(&r, text);
}

int bpe_encode_words(const struct tn_tokenizer *self, const struct tn_text *words,
	size_t n_words, struct tn_tokens *out, struct tn_call *call)
{
	struct bpe_run r = { .t = (const struct bpe_tokenizer *)self, .out = out, .call = call,
		.first = out->n, .given = true };
	int rc = 0;

	for (size_t i = 0; i < n_words && !rc; i++) {
		r.word = (int32_t)i;
		rc = encode_text(&r, words[i]);
	}
	return rc;
}
