/* SPDX-License-Identifier: Apache-2.0
 * plugins/tokenizers/wordpiece/encode.c - text to tokens in one pass.
 *
 * ASCII words go from the text into the trie, folded on the way.  A stretch between
 * spaces that holds anything else is normalized into a buffer first.
 */
#include "unicode/unicode.h"
#include "wordpiece.h"

struct run {
	const struct wordpiece *w;
	struct tn_tokens *out;
	struct tn_call *call;
	struct tn_text text;	/* the original */
	size_t first;		/* index of the first token in `out` */
	struct tok_buffer buffer;
	int32_t word;		/* number of the next word */
	bool given;		/* words are given: the number stays */
};

static inline int push(struct run *r, int32_t id, struct tok_span span)
{
	return tn_tokens_push(r->out, (struct tn_token){ id, r->word, span.begin, span.end },
		r->call);
}

static struct tok_span trim(const struct run *r, struct tok_span span, struct tok_blank blank)
{
	return tok_trim(&r->w->post, r->text, r->out->n == r->first, span, blank);
}

static inline int emit(struct run *r, int32_t id, struct tok_span span)
{
	const struct tok_blank *blanks = r->w->blanks;

	return push(r, id, blanks ? trim(r, span, blanks[id]) : span);
}

static int emit_added(struct run *r, const struct tok_piece *p, const struct tok_match *m)
{
	struct tok_span span = tok_piece_span(p, m->begin, m->end);
	int rc;

	if (r->w->blanks)
		span = trim(r, span, tok_blank_of((struct tn_text){ p->text + m->begin,
			m->end - m->begin }));
	rc = push(r, m->token->id, span);
	r->word += !r->given;
	return rc;
}

static size_t count_chars(const char *text, size_t len)
{
	size_t n = 0;

	for (size_t i = 0; i < len; i++)
		n += ((unsigned char)text[i] & 0xc0) != 0x80;
	return n;
}

/* A word that is no piece by longest match first; where nothing fits: [UNK].
 * Source: Hugging Face tokenizers 0.22.2, models/wordpiece/mod.rs. */
static int emit_pieces(struct run *r, const struct tok_piece *p, size_t begin, size_t end)
{
	const struct wordpiece *w = r->w;
	const struct tok_trie *trie = &w->vocab.trie;
	size_t before = r->out->n, at = begin;
	int32_t node = TOK_ROOT;
	int rc = 0;

	if (end - begin > w->max_chars && count_chars(p->text + begin, end - begin) > w->max_chars)
		node = TOK_NOWHERE;
	while (at < end && !rc) {
		size_t stop = at;
		int32_t id = -1;

		for (size_t i = at; i < end && node != TOK_NOWHERE; i++) {
			node = tok_trie_step(trie, node,
				w->bert.fold[(unsigned char)p->text[i]]);
			if (node != TOK_NOWHERE && trie->cells[node].id >= 0) {
				id = trie->cells[node].id;
				stop = i + 1;
			}
		}
		if (id < 0) {
			r->out->n = before;
			return emit(r, w->info.unk, tok_piece_span(p, begin, end));
		}
		rc = emit(r, id, tok_piece_span(p, at, stop));
		at = stop;
		node = w->inside;
	}
	return rc;
}

static inline int emit_word(struct run *r, const struct tok_piece *p, size_t begin, size_t end)
{
	const struct wordpiece *w = r->w;
	size_t len = end - begin;
	int32_t id = -1;
	int rc;

	if (len <= TOK_MAX_WORD && len <= w->max_chars) {
		struct tok_word key = tok_word_key(p->text + begin, len, p->len - begin);

		if (w->bert.lower) {
			key.low = tok_fold8(key.low);
			key.high = tok_fold8(key.high);
		}
		id = tok_words_find(&w->words, &key);
	}
	rc = id >= 0 ? emit(r, id, tok_piece_span(p, begin, end)) : emit_pieces(r, p, begin, end);
	r->word += !r->given;
	return rc;
}

/* Normalized text: BERT's words. */
static int encode_normal(struct run *r, const struct tok_piece *p)
{
	size_t at = 0, begin, end;
	int rc = 0;

	while (!rc && tok_bert_word(p, &at, &begin, &end))
		rc = emit_word(r, p, begin, end);
	return rc;
}

/* Normalizes p[begin, end) and goes on with that. */
static int encode_stretch(struct run *r, const struct tok_piece *p, size_t begin, size_t end)
{
	struct tok_piece normal;
	int rc = tok_bert_normalize(&r->w->bert, p->text + begin, end - begin,
		p->offset + (uint32_t)begin, &r->buffer, r->call);

	if (rc)
		return rc;
	normal = tok_buffer_piece(&r->buffer);
	return encode_normal(r, &normal);
}

/* Raw text without added tokens in it. */
static int encode_plain(struct run *r, const struct tok_piece *p)
{
	const uint8_t *kinds = r->w->bert.kinds;
	const unsigned char *text = (const unsigned char *)p->text;
	size_t i = 0;
	int rc = 0;

	while (i < p->len && !rc) {
		size_t begin = i;

		while (i < p->len && kinds[text[i]] == TOK_KIND_WORD)
			i++;
		if (i == p->len || kinds[text[i]] != TOK_KIND_OTHER) {
			if (i > begin)
				rc = emit_word(r, p, begin, i);
			if (i < p->len && kinds[text[i]] == TOK_KIND_PUNCTUATION && !rc)
				rc = emit_word(r, p, i, i + 1);
			i++;
			continue;
		}
		/* A space combines with nothing: what is normalized ends there. */
		while (i < p->len && kinds[text[i]] != TOK_KIND_SPACE)
			i++;
		rc = encode_stretch(r, p, begin, i);
	}
	return rc;
}

/* Normalizes all of a piece and cuts out the added tokens of its normal form. */
static int encode_matched(struct run *r, const struct tok_piece *p)
{
	const struct tok_added *added = &r->w->added;
	struct tok_piece all, part;
	size_t search = 0, done = 0;
	struct tok_match m;
	int rc = tok_bert_normalize(&r->w->bert, p->text, p->len, p->offset, &r->buffer, r->call);

	all = tok_buffer_piece(&r->buffer);
	while (!rc && tok_added_find(added, &added->normal, all.text, all.len, &search, done, &m)) {
		if (m.begin > done) {
			part = tok_piece_slice(&all, done, m.begin);
			rc = encode_normal(r, &part);
		}
		if (!rc)
			rc = emit_added(r, &all, &m);
		done = m.end;
	}
	if (rc)
		return rc;
	part = tok_piece_slice(&all, done, all.len);
	return encode_normal(r, &part);
}

static int encode_piece(struct run *r, const struct tok_piece *p)
{
	return r->w->added.normal.any ? encode_matched(r, p) : encode_plain(r, p);
}

static int encode_text(struct run *r, struct tn_text text)
{
	const struct tok_added *added = &r->w->added;
	struct tok_piece all = { text.text, text.len, NULL, 0 }, part;
	size_t search = 0, done = 0;
	struct tok_match m;
	int rc = 0;

	if (text.len > UINT32_MAX)
		return tn_fail(r->call, TN_EDATA, "a text has %zu bytes, at most %u are possible",
			text.len, UINT32_MAX);
	r->text = text;
	while (!rc && tok_added_find(added, &added->raw, text.text, text.len, &search, done, &m)) {
		part = tok_piece_slice(&all, done, m.begin > done ? m.begin : done);
		rc = encode_piece(r, &part);
		if (!rc)
			rc = emit_added(r, &all, &m);
		done = m.end;
	}
	if (rc)
		return rc;
	part = tok_piece_slice(&all, done, text.len);
	return encode_piece(r, &part);
}

int wordpiece_encode(const struct tn_tokenizer *self, struct tn_text text,
	struct tn_tokens *out, struct tn_call *call)
{
	struct run r = { .w = (const struct wordpiece *)self, .out = out, .call = call,
		.first = out->n };

	return encode_text(&r, text);
}

int wordpiece_encode_words(const struct tn_tokenizer *self, const struct tn_text *words,
	size_t n_words, struct tn_tokens *out, struct tn_call *call)
{
	struct run r = { .w = (const struct wordpiece *)self, .out = out, .call = call,
		.first = out->n, .given = true };
	int rc = 0;

	for (size_t i = 0; i < n_words && !rc; i++) {
		r.word = (int32_t)i;
		rc = encode_text(&r, words[i]);
	}
	return rc;
}
