/* SPDX-License-Identifier: Apache-2.0
 * plugins/tokenizers/bpe/encode.c - text to tokens.
 *
 * Most text is one piece as it stands and is cut by one pattern: it goes from the pattern
 * to the table of whole words in one pass.  All else takes the general way.
 */
#include "bpe.h"
#include "repair.h"
#include "unicode/unicode.h"

#define MARK "\xe2\x96\x81"	/* U+2581, which stands for a space */
#define MARK_LEN 3

struct run {
	const struct bpe_tokenizer *t;
	struct tn_tokens *out;
	struct tn_call *call;
	struct tn_text text;	/* the original */
	size_t first;		/* index of the first token in `out` */
	struct tok_buffer repaired;
	struct tok_scratch normal, split;	/* a normal form outlives its words */
	struct tok_pieces pieces;
	struct bpe_work work;
	int32_t word;		/* number of the next word */
	bool given;		/* words are given: the number stays */
};

/* --- offsets --- */

static struct tok_span trim(const struct run *r, struct tok_span span, struct tok_blank b)
{
	return tok_trim(&r->t->post, r->text, r->out->n == r->first, span, b);
}

static inline int emit(struct run *r, int32_t id, struct tok_span span)
{
	const struct tok_blank *blanks = r->t->blanks;

	if (blanks && (blanks[id].before | blanks[id].behind))
		span = trim(r, span, blanks[id]);
	return tn_tokens_push(r->out, (struct tn_token){ id, r->word, span.begin, span.end },
		r->call);
}

/* The source of bytes that may begin or end inside of a character.  Beyond the end, where
 * byte pieces of a prefix lead, Hugging Face counts bytes of the word as if they were those
 * of the text. */
static inline struct tok_span source_of(const struct run *r, const struct tok_piece *p,
	size_t begin, size_t end)
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

static int emit_symbols(struct run *r, const struct tok_piece *p, size_t begin, size_t end)
{
	struct tok_piece word = tok_piece_slice(p, begin, end);
	int rc = bpe_word(&r->t->model, word.text, word.len, &r->work, r->call);
	size_t at = 0;

	for (size_t i = 0; i < r->work.n && !rc; i++) {
		struct bpe_symbol s = r->work.symbols[i];

		rc = emit(r, s.id, source_of(r, &word, at, at + s.len));
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

static inline int emit_word(struct run *r, const struct tok_piece *p, size_t begin, size_t end)
{
	int32_t id = whole(r->t, p->text + begin, end - begin, p->len - begin);
	int rc = id >= 0 ? emit(r, id, tok_piece_span(p, begin, end)) :
		emit_symbols(r, p, begin, end);

	r->word += !r->given;
	return rc;
}

static int emit_tiles(struct run *r, const struct tok_piece *p)
{
	int rc = 0;

	for (size_t at = 0, end; at < p->len && !rc; at = end) {
		end = tok_pattern_next(r->t->tiles, p->text, p->len, at);
		rc = emit_word(r, p, at, end);
	}
	return rc;
}

static bool is_mark(const char *at, size_t len)
{
	return len >= MARK_LEN && !memcmp(at, MARK, MARK_LEN);
}

/* The first place behind `at` that nothing is merged across, or the end. */
static size_t next_cut(const struct bpe_tokenizer *t, const struct tok_piece *p, size_t at)
{
	const unsigned char *text = (const unsigned char *)p->text;

	for (size_t i = at + 1; i < p->len; i++) {
		if (!t->joins[text[i - 1] << 8 | text[i]])
			return i;
		if (t->cuts_marks && text[i] == (unsigned char)MARK[0] &&
			is_mark(p->text + i, p->len - i) &&
			!(i >= at + MARK_LEN && is_mark(p->text + i - MARK_LEN, MARK_LEN)))
			return i;
	}
	return p->len;
}

/* One word, merged part by part. */
static int emit_cuts(struct run *r, const struct tok_piece *p)
{
	bool given = r->given;
	int rc = 0;

	r->given = true;
	for (size_t at = 0, end; at < p->len && !rc; at = end) {
		end = next_cut(r->t, p, at);
		rc = emit_word(r, p, at, end);
	}
	r->given = given;
	r->word += !given;
	return rc;
}

/* --- text --- */

/* Normalized text without added tokens in it. */
static int encode_normal(struct run *r, const struct tok_piece *p)
{
	const struct bpe_tokenizer *t = r->t;
	int rc;

	if (!p->len)
		return 0;
	if (t->tiles)
		return emit_tiles(r, p);
	if (t->joins)
		return emit_cuts(r, p);
	rc = tok_pretok_run(&t->pretok, p, &r->split, &r->pieces, r->call);
	for (size_t i = 0; i < r->pieces.n && !rc; i++)
		rc = emit_word(r, &r->pieces.items[i], 0, r->pieces.items[i].len);
	return rc;
}

static int emit_added(struct run *r, const struct tok_piece *p, const struct tok_match *m)
{
	struct tok_span span = tok_piece_span(p, m->begin, m->end);
	struct tn_text token = { p->text + m->begin, m->end - m->begin };
	int rc;

	if (r->t->blanks)
		span = trim(r, span, tok_blank_of(token));
	rc = tn_tokens_push(r->out, (struct tn_token){ m->token->id, r->word, span.begin,
		span.end }, r->call);
	r->word += !r->given;
	return rc;
}

/* A part of the original: normalizes it and cuts out the added tokens of its normal form. */
static int encode_piece(struct run *r, struct tok_piece p)
{
	const struct tok_added *added = &r->t->added;
	struct tok_piece part, all;
	size_t search = 0, done = 0;
	struct tok_match m;
	int rc = tok_repair(&p, &r->repaired, r->call);

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

static int encode_text(struct run *r, struct tn_text text)
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
	struct run r = { .t = (const struct bpe_tokenizer *)self, .out = out, .call = call,
		.first = out->n };

	return encode_text(&r, text);
}

int bpe_encode_words(const struct tn_tokenizer *self, const struct tn_text *words,
	size_t n_words, struct tn_tokens *out, struct tn_call *call)
{
	struct run r = { .t = (const struct bpe_tokenizer *)self, .out = out, .call = call,
		.first = out->n, .given = true };
	int rc = 0;

	for (size_t i = 0; i < n_words && !rc; i++) {
		r.word = (int32_t)i;
		rc = encode_text(&r, words[i]);
	}
	return rc;
}
