/* SPDX-License-Identifier: Apache-2.0
 * plugins/tokenizers/bpe/marked.c - text of which spaces become marks, as Llama 2 and Phi-3 have
 * it: from the text to the table of words in one pass.
 *
 * The normal form is never made of all of a text, for merges do not see what stands before a run
 * of marks: each word with the marks before it is cut on its own.
 */
#include "encode.h"
#include "unicode/unicode.h"

static bool is_space(const struct tok_piece *p, size_t at)
{
	return p->text[at] == ' ' || bpe_is_mark(p->text + at, p->len - at);
}

static size_t word_end(const struct tok_piece *p, size_t at)
{
	while (at < p->len && p->text[at] != ' ' && (p->text[at] != BPE_MARK[0] || !is_space(p, at)))
		at++;
	return at;
}

/* What a word becomes that is not one piece; `lead` is the source of the mark before it. */
static int merge_word(struct bpe_run *r, const struct tok_piece *body, struct tok_span lead)
{
	struct tok_buffer *b = tok_scratch_next(&r->normal, BPE_MARK_LEN + body->len, r->call);
	struct tok_piece word;
	size_t at = 0;
	int rc;

	if (!b)
		return TN_ENOMEM;
	memcpy(b->text, BPE_MARK, BPE_MARK_LEN);
	memcpy(b->text + BPE_MARK_LEN, body->text, body->len);
	/* The mark seems to stand before the body: what reaches into it is put right. */
	word = (struct tok_piece){ b->text, BPE_MARK_LEN + body->len, NULL,
		body->offset - BPE_MARK_LEN };
	rc = bpe_word(&r->t->model, word.text, word.len, &r->work, r->call);
	for (size_t i = 0; i < r->work.n && !rc; i++) {
		struct bpe_symbol s = r->work.symbols[i];
		struct tok_span span = bpe_source_of(r, &word, at, at + s.len);

		if (!i) {
			span.begin = lead.begin;
			span.end = s.len > BPE_MARK_LEN ? span.end : lead.end;
		}
		rc = bpe_emit(r, s.id, span);
		at += s.len;
	}
	return rc;
}

static int32_t find_body(const struct bpe_tokenizer *t, const struct tok_piece *body, size_t room)
{
	struct tok_word key;

	if (body->len > TOK_MAX_WORD)
		return -1;
	key = tok_word_key(body->text, body->len, room);
	return tok_words_find(&t->bodies, &key);
}

/* A word with one mark before it. */
static int emit_simple(struct bpe_run *r, const struct tok_piece *p, size_t begin, size_t end,
	struct tok_span lead)
{
	struct tok_piece body = tok_piece_slice(p, begin, end), rest;
	int32_t id = find_body(r->t, &body, p->len - begin);
	size_t cut = body.len;
	int rc;

	if (id < 0) {
		cut = bpe_next_cut(r->t, &body, 0);
		rest = tok_piece_slice(&body, cut, body.len);
		body.len = cut;
		if (rest.len)
			id = find_body(r->t, &body, p->len - begin);
	}
	rc = id >= 0 ? bpe_emit(r, id, (struct tok_span){ lead.begin,
		tok_piece_span(&body, 0, body.len).end }) : merge_word(r, &body, lead);
	return rc || begin + cut == end ? rc : bpe_emit_cuts(r, &rest);
}

/* Marks and what follows them, after the normal form was made of it. */
static int emit_general(struct bpe_run *r, const struct tok_piece *p, size_t begin, size_t end,
	bool first)
{
	struct tok_buffer *b = tok_scratch_next(&r->normal, (end - begin + 1) * BPE_MARK_LEN,
		r->call);
	struct tok_piece normal;
	unsigned width;
	uint32_t c;

	if (!b)
		return TN_ENOMEM;
	if (first)
		tok_buffer_put(b, BPE_MARK, BPE_MARK_LEN, tok_piece_span(p, 0,
			tok_decode(p->text, p->len, &c)));
	for (size_t i = begin; i < end; i += width) {
		width = tok_decode(p->text + i, p->len - i, &c);
		if (c == ' ')
			tok_buffer_put(b, BPE_MARK, BPE_MARK_LEN, tok_piece_span(p, i, i + 1));
		else
			tok_buffer_put(b, p->text + i, width, tok_piece_span(p, i, i + width));
	}
	normal = tok_buffer_piece(b);
	return bpe_emit_cuts(r, &normal);
}

int bpe_emit_marked(struct bpe_run *r, const struct tok_piece *p)
{
	size_t end;
	uint32_t c;
	int rc = 0;

	for (size_t at = 0; at < p->len && !rc; at = end) {
		size_t body = at;

		while (body < p->len && is_space(p, body))
			body += p->text[body] == ' ' ? 1 : BPE_MARK_LEN;
		end = word_end(p, body);
		if (!at && !body)
			rc = emit_simple(r, p, 0, end, tok_piece_span(p, 0,
				tok_decode(p->text, p->len, &c)));
		else if (at && body == at + 1 && body < end)
			rc = emit_simple(r, p, body, end, tok_piece_span(p, at, body));
		else
			rc = emit_general(r, p, at, end, !at);
	}
	r->word += !r->given;
	return rc;
}
