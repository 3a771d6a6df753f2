/* SPDX-License-Identifier: Apache-2.0
 * plugins/tokenizers/unigram/encode.c - text to tokens.
 */
#include "repair.h"
#include "unicode/unicode.h"
#include "unigram.h"

#define MARK 0x2581u

struct run {
	const struct unigram_tokenizer *t;
	struct tn_tokens *out;
	struct tn_call *call;
	struct unigram_trim trim;	/* of the text; post NULL: offsets are not trimmed */
	struct tok_buffer repaired, normal;
	struct tok_scratch scratch;
	struct tok_pieces pieces;
	struct unigram_steps steps;
	struct spm_merging merging;
	int32_t word;		/* number of the next word */
	bool given;		/* words are given: the number stays */
};

static int push(struct run *r, int32_t id, struct tok_span span)
{
	return tn_tokens_push(r->out, (struct tn_token){ id, r->word, span.begin, span.end },
		r->call);
}

static int push_added(struct run *r, const struct tok_piece *p, const struct tok_match *m)
{
	struct tok_span span = tok_piece_span(p, m->begin, m->end);
	int rc;

	if (r->trim.post)
		span = tok_trim(r->trim.post, r->trim.text, r->out->n == r->trim.first, span,
			tok_blank_of((struct tn_text){ p->text + m->begin, m->end - m->begin }));
	rc = push(r, m->token->id, span);
	r->word += !r->given;
	return rc;
}

/* --- words --- */

/* What ends a word at byte i: 0 (nothing), a space, or what becomes the mark of the next
 * word. */
enum stop { STOP_NONE, STOP_SPACE, STOP_MARK };

static enum stop stop_at(const struct unigram_tokenizer *t, const struct tok_piece *p, size_t i,
	unsigned *width)
{
	uint32_t c;

	if (!t->stops[(unsigned char)p->text[i]])
		return STOP_NONE;
	*width = tok_decode(p->text + i, p->len - i, &c);
	if (c == MARK)
		return STOP_MARK;
	if (t->split == UNIGRAM_METASPACE)
		return c == ' ' ? STOP_MARK : STOP_NONE;
	return tok_flags(c) & TOK_SPACE ? STOP_SPACE : STOP_NONE;
}

static size_t word_end(const struct unigram_tokenizer *t, const struct tok_piece *p, size_t i)
{
	unsigned width;

	for (;; i++) {
		while (i < p->len && !t->stops[(unsigned char)p->text[i]])
			i++;
		if (i == p->len || stop_at(t, p, i, &width) != STOP_NONE)
			return i;
	}
}

static int32_t find_whole(const struct unigram_tokenizer *t, const char *body, size_t len,
	size_t room)
{
	struct tok_word key;

	if (!len || len > TOK_MAX_WORD)
		return -1;
	key = tok_word_key(body, len, room);
	return tok_words_find(&t->words, &key);
}

/* Where a body parts in two that are cut on their own, or its length. */
static size_t find_part(const struct unigram *u, const struct tok_piece *body)
{
	const unsigned char *text = (const unsigned char *)body->text;
	size_t i = 1;

	while (i < body->len && !unigram_parts(u, text[i - 1], text[i]))
		i++;
	return i;
}

/* A word of which the first part, or all of it, may be one piece. */
static int encode_marked(struct run *r, struct unigram_word *w, size_t room)
{
	const struct unigram_tokenizer *t = r->t;
	size_t len = w->body.len;
	int32_t id = find_whole(t, w->body.text, len, room);

	if (id < 0) {
		len = find_part(&t->model, &w->body);
		if (len < w->body.len)
			id = find_whole(t, w->body.text, len, room);
		if (id < 0)
			return unigram_segment(&t->model, w, &r->steps, r->out, r->call);
	}
	if (push(r, id, (struct tok_span){ w->lead.begin, tok_piece_span(&w->body, 0, len).end }))
		return TN_ENOMEM;
	if (len == w->body.len)
		return 0;
	w->body = tok_piece_slice(&w->body, len, w->body.len);
	w->marked = false;
	w->so_far = t->model.scores[id];
	return unigram_segment(&t->model, w, &r->steps, r->out, r->call);
}

static int encode_word(struct run *r, struct unigram_word *w, size_t room)
{
	int rc;

	w->number = r->word;
	w->trim = r->trim.post ? &r->trim : NULL;
	rc = w->marked && w->body.len && !w->trim ? encode_marked(r, w, room) :
		unigram_segment(&r->t->model, w, &r->steps, r->out, r->call);
	r->word += !r->given;
	return rc;
}

/* Where the next word of sentencepiece's BPE begins, for no merge goes across. */
static size_t next_mark(const struct tok_piece *p, size_t at)
{
	bool inside = false;

	for (; at < p->len; at++) {
		bool mark = p->len - at >= UNIGRAM_MARK_LEN &&
			!memcmp(p->text + at, UNIGRAM_MARK, UNIGRAM_MARK_LEN);

		if (mark && inside)
			break;
		inside = !mark;
		at += mark ? UNIGRAM_MARK_LEN - 1 : 0;
	}
	return at;
}

static int encode_merged(struct run *r, const struct tok_piece *p)
{
	const struct unigram_tokenizer *t = r->t;
	int rc = 0;

	for (size_t at = 0, end; at < p->len && !rc; at = end) {
		struct unigram_word w = { .number = r->word };
		int32_t id;

		end = t->spm->cuts ? next_mark(p, at) : p->len;
		w.body = tok_piece_slice(p, at, end);
		id = find_whole(t, w.body.text, w.body.len, p->len - at);
		rc = id >= 0 ? push(r, id, tok_piece_span(&w.body, 0, w.body.len)) :
			spm_merge(t->spm, &t->model, &w, &r->merging, r->out, r->call);
	}
	r->word += !r->given;
	return rc;
}

/* Whether the pre-tokenizer puts a mark before the text that begins with byte i. */
static bool prepends(const struct unigram_tokenizer *t, const struct tok_piece *p, size_t i)
{
	return t->prepend == TOK_PREPEND_ALWAYS ||
		(t->prepend == TOK_PREPEND_FIRST && !tok_piece_span(p, i, i + 1).begin);
}

/* Source: tokenizers 0.22.2, pre_tokenizers/metaspace.rs and whitespace.rs. */
static int encode_split(struct run *r, const struct tok_piece *p)
{
	const struct unigram_tokenizer *t = r->t;
	bool fresh = true;
	int rc = 0;

	for (size_t i = 0, end; i < p->len && !rc; i = end) {
		struct unigram_word w = { .marked = false };
		unsigned width;
		enum stop stop = stop_at(t, p, i, &width);
		uint32_t c;

		if (stop == STOP_SPACE) {
			end = i + width;
			fresh = true;
			continue;
		}
		if (stop == STOP_MARK) {
			w.marked = true;
			w.lead = tok_piece_span(p, i, i + width);
			i += width;
		} else if (fresh && prepends(t, p, i)) {
			w.marked = true;
			w.lead = tok_piece_span(p, i, i + tok_decode(p->text + i, p->len - i, &c));
		}
		fresh = false;
		end = word_end(t, p, i);
		w.body = tok_piece_slice(p, i, end);
		rc = encode_word(r, &w, p->len - i);
	}
	return rc;
}

/* --- text --- */

static int encode_general(struct run *r, const struct tok_piece *p)
{
	int rc = tok_pretok_run(&r->t->pretok, p, &r->scratch, &r->pieces, r->call);

	for (size_t i = 0; i < r->pieces.n && !rc; i++) {
		struct unigram_word w = { .body = r->pieces.items[i] };

		rc = encode_word(r, &w, 0);
	}
	return rc;
}

/* Normalized text without added tokens in it. */
static int encode_normal(struct run *r, const struct tok_piece *p)
{
	struct unigram_word w = { .body = *p };

	if (!p->len)
		return 0;
	if (r->t->spm && r->t->spm->model != SPM_UNIGRAM)
		return encode_merged(r, p);
	switch (r->t->split) {
	case UNIGRAM_WHOLE:
		return encode_word(r, &w, p->len);
	case UNIGRAM_GENERAL:
		return encode_general(r, p);
	default:
		return encode_split(r, p);
	}
}

/* Copies a piece that lies in the scratch. */
static int keep(struct run *r, struct tok_piece *p)
{
	char *text = tn_alloc(r->call, p->len + 1);
	struct tok_span *spans = p->spans ? tn_alloc_n(r->call, p->len + 1, sizeof(*spans)) : NULL;

	if (!text || (p->spans && !spans))
		return TN_ENOMEM;
	if (p->len)
		memcpy(text, p->text, p->len);
	if (spans)
		memcpy(spans, p->spans, p->len * sizeof(*spans));
	p->text = text;
	p->spans = spans;
	return 0;
}

/* Cuts out the added tokens of normalized text.  What general pre-tokenizers write may lie
 * where it does: then it is kept first. */
static int encode_matched(struct run *r, struct tok_piece all)
{
	const struct tok_added *added = &r->t->added;
	struct tok_piece part;
	size_t search = 0, done = 0;
	struct tok_match m;
	int rc = 0;

	if (!added->normal.any)
		return encode_normal(r, &all);
	if (r->t->split == UNIGRAM_GENERAL && keep(r, &all))
		return TN_ENOMEM;
	while (!rc && tok_added_find(added, &added->normal, all.text, all.len, &search, done, &m)) {
		if (m.begin > done) {
			part = tok_piece_slice(&all, done, m.begin);
			rc = encode_normal(r, &part);
		}
		if (!rc)
			rc = push_added(r, &all, &m);
		done = m.end;
	}
	if (rc)
		return rc;
	part = tok_piece_slice(&all, done, all.len);
	return encode_normal(r, &part);
}

/* Raw text without added tokens in it. */
static int encode_piece(struct run *r, struct tok_piece p)
{
	const struct unigram_tokenizer *t = r->t;
	int rc = tok_repair(&p, &r->repaired, r->call);

	if (rc < 0)
		return rc;
	if (rc > 0)
		p = tok_buffer_piece(&r->repaired);
	rc = tok_normalize(&t->normalizer, &p, &r->scratch, r->call);
	if (rc || !t->spm)
		return rc ? rc : encode_matched(r, p);
	if (spm_normalize(t->spm, &p, &r->normal, r->call))
		return TN_ENOMEM;
	p = tok_buffer_piece(&r->normal);
	return encode_matched(r, p);
}

static int encode_text(struct run *r, struct tn_text text)
{
	const struct tok_added *added = &r->t->added;
	struct tok_piece all = { text.text, text.len, NULL, 0 };
	size_t search = 0, done = 0;
	struct tok_match m;
	int rc = 0;

	if (text.len > UINT32_MAX - 2)
		return tn_fail(r->call, TN_EDATA, "a text has %zu bytes, at most %u are possible",
			text.len, UINT32_MAX - 2);
	r->trim.text = text;
	while (!rc && tok_added_find(added, &added->raw, text.text, text.len, &search, done, &m)) {
		rc = encode_piece(r, tok_piece_slice(&all, done, m.begin > done ? m.begin : done));
		if (!rc)
			rc = push_added(r, &all, &m);
		done = m.end;
	}
	return rc ? rc : encode_piece(r, tok_piece_slice(&all, done, text.len));
}

static struct run start(const struct tn_tokenizer *self, struct tn_tokens *out,
	struct tn_call *call)
{
	const struct unigram_tokenizer *t = (const struct unigram_tokenizer *)self;

	return (struct run){ .t = t, .out = out, .call = call,
		.trim = { t->post.trim ? &t->post : NULL, { NULL, 0 }, out->n } };
}

int unigram_encode(const struct tn_tokenizer *self, struct tn_text text,
	struct tn_tokens *out, struct tn_call *call)
{
	struct run r = start(self, out, call);

	return encode_text(&r, text);
}

int unigram_encode_words(const struct tn_tokenizer *self, const struct tn_text *words,
	size_t n_words, struct tn_tokens *out, struct tn_call *call)
{
	struct run r = start(self, out, call);
	int rc = 0;

	r.given = true;
	for (size_t i = 0; i < n_words && !rc; i++) {
		r.word = (int32_t)i;
		rc = encode_text(&r, words[i]);
	}
	return rc;
}
