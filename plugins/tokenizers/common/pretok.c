/* SPDX-License-Identifier: Apache-2.0
 * plugins/tokenizers/common/pretok.c - the steps of pre-tokenizers.
 * Source: Hugging Face tokenizers 0.22.2, pre_tokenizers/ and tokenizer/normalizer.rs.
 */
#include "pretok.h"

#include <string.h>

#include "unicode/scripts.h"
#include "unicode/unicode.h"

static int push(struct tok_pieces *out, struct tok_piece p, struct tn_call *call)
{
	if (!p.len)
		return 0;
	if (out->n == out->capacity) {
		size_t capacity = out->capacity ? out->capacity * 2 : 64;
		struct tok_piece *items = tn_alloc_n(call, capacity, sizeof(*items));

		if (!items)
			return TN_ENOMEM;
		if (out->n)
			memcpy(items, out->items, out->n * sizeof(*items));
		out->items = items;
		out->capacity = capacity;
	}
	out->items[out->n++] = p;
	return 0;
}

/* --- splitting --- */

/* The stretches of a piece in turn: matches and what lies between them. */
struct matcher {
	const struct tok_pretok_step *step;
	const struct tok_piece *p;
	size_t begin, end;		/* of the next match that was found; begin == len: none */
	size_t at;
};

static bool is_digit(uint32_t c)
{
	return tok_flags(c) & TOK_NUMERIC;
}

static bool is_word(uint32_t c)
{
	return tok_flags(c) & TOK_WORD;
}

static bool is_space(uint32_t c)
{
	return tok_flags(c) & TOK_SPACE;
}

static bool is_rest(uint32_t c)
{
	return !(tok_flags(c) & (TOK_WORD | TOK_SPACE));
}

static bool is_punctuation(uint32_t c)
{
	return tok_flags(c) & TOK_PUNCTUATION;
}

/* A stretch of characters that are of a kind, or (want false) are not. */
static size_t run(const struct tok_piece *p, size_t at, bool (*kind)(uint32_t), bool want)
{
	while (at < p->len) {
		uint32_t c;
		unsigned width = tok_decode(p->text + at, p->len - at, &c);

		if (kind(c) != want)
			break;
		at += width;
	}
	return at;
}

/* The first character of a kind at or behind `at`: one match for each. */
static void find_char(struct matcher *m, size_t at, bool (*kind)(uint32_t))
{
	uint32_t c;

	m->begin = m->end = run(m->p, at, kind, false);
	if (m->begin < m->p->len)
		m->end += tok_decode(m->p->text + m->begin, m->p->len - m->begin, &c);
}

/* \w+ or [^\w\s]+ */
static void find_word(struct matcher *m, size_t at)
{
	m->begin = run(m->p, at, is_space, true);
	m->end = run(m->p, m->begin, is_word, true);
	if (m->end == m->begin)
		m->end = run(m->p, m->begin, is_rest, true);
}

static void find(struct matcher *m, size_t at)
{
	const struct tok_pretok_step *step = m->step;

	switch (step->kind) {
	case TOK_PRETOK_DIGITS:
		find_char(m, at, is_digit);
		break;
	case TOK_PRETOK_PUNCTUATION:
		find_char(m, at, is_punctuation);
		break;
	case TOK_PRETOK_WHITESPACE_SPLIT:
		find_char(m, at, is_space);
		break;
	case TOK_PRETOK_WHITESPACE:
		find_word(m, at);
		break;
	default:
		if (!tok_pattern_find(&step->pattern, m->p->text, m->p->len, at, &m->begin,
			&m->end))
			m->begin = m->end = m->p->len;
	}
}

static bool next_stretch(struct matcher *m, size_t *begin, size_t *end, bool *match)
{
	*begin = m->at;
	if (m->at == m->p->len)
		return false;
	if (m->at == m->end)
		find(m, m->at);
	*match = m->at == m->begin;
	*end = *match ? m->end : m->begin;
	m->at = *end;
	return true;
}

/* `held` waits to be lengthened: a stretch is put out when it is known to have ended. */
static int split(const struct tok_piece *p, const struct tok_pretok_step *step, bool invert,
	struct tok_pieces *out, struct tn_call *call)
{
	struct matcher m = { step, p, 0, 0, 0 };
	size_t begin, end, from = 0, to = 0;
	bool match, before = false;
	int rc = 0;

	while (!rc && next_stretch(&m, &begin, &end, &match)) {
		bool join;

		match ^= invert;
		join = step->behavior == TOK_CONTIGUOUS ? match == before :
			step->behavior == TOK_MERGED_WITH_PREVIOUS ? match && !before :
			step->behavior == TOK_MERGED_WITH_NEXT ? before && !match : false;
		if (!join) {
			rc = push(out, tok_piece_slice(p, from, to), call);
			from = begin;
		}
		to = step->behavior == TOK_REMOVED && match ? from : end;
		before = match;
	}
	return rc ? rc : push(out, tok_piece_slice(p, from, to), call);
}

static int split_bert(const struct tok_piece *p, struct tok_pieces *out, struct tn_call *call)
{
	size_t at = 0, begin, end;
	int rc = 0;

	while (!rc && tok_bert_word(p, &at, &begin, &end))
		rc = push(out, tok_piece_slice(p, begin, end), call);
	return rc;
}

static int split_tiles(const struct tok_piece *p, const struct tok_pattern *pattern,
	struct tok_pieces *out, struct tn_call *call)
{
	int rc = 0;

	for (size_t at = 0, end; at < p->len && !rc; at = end) {
		end = tok_pattern_next(pattern, p->text, p->len, at);
		rc = push(out, tok_piece_slice(p, at, end), call);
	}
	return rc;
}

static int split_length(const struct tok_piece *p, size_t length, struct tok_pieces *out,
	struct tn_call *call)
{
	int rc = 0;

	for (size_t at = 0, end; at < p->len && !rc; at = end) {
		uint32_t c;

		end = at;
		for (size_t i = 0; i < length && end < p->len; i++)
			end += tok_decode(p->text + end, p->len - end, &c);
		rc = push(out, tok_piece_slice(p, at, end), call);
	}
	return rc;
}

/* What goes with any script and stands first is dropped. */
static int split_scripts(const struct tok_piece *p, struct tok_pieces *out, struct tn_call *call)
{
	size_t begin = p->len;
	unsigned last = 0;
	int rc = 0;

	for (size_t i = 0; i < p->len && !rc;) {
		uint32_t c;
		unsigned width = tok_decode(p->text + i, p->len - i, &c), script = tok_script(c);

		if (script && script != last) {
			if (last)
				rc = push(out, tok_piece_slice(p, begin, i), call);
			begin = i;
			last = script;
		}
		i += width;
	}
	return rc ? rc : push(out, tok_piece_slice(p, begin, p->len), call);
}

/* --- steps that change text --- */

static struct tok_span first_span(const struct tok_piece *p)
{
	uint32_t c;

	return tok_piece_span(p, 0, tok_decode(p->text, p->len, &c));
}

/* What was written since `from`. */
static struct tok_piece written(const struct tok_buffer *b, size_t from)
{
	return (struct tok_piece){ b->text + from, b->n - from, b->spans + from, 0 };
}

static int metaspace(const struct tok_pretok_step *step, const struct tok_piece *p,
	struct tok_buffer *b, struct tok_pieces *out, struct tn_call *call)
{
	struct tn_text mark = step->mark;
	size_t from = b->n;
	struct tok_piece all;

	if ((step->prepend == TOK_PREPEND_ALWAYS || (step->prepend == TOK_PREPEND_FIRST &&
		!tok_piece_span(p, 0, 1).begin)) && *p->text != ' ' &&
		!(p->len >= mark.len && !memcmp(p->text, mark.text, mark.len)))
		tok_buffer_put(b, mark.text, mark.len, first_span(p));
	for (size_t i = 0; i < p->len;) {
		size_t end = i;

		while (end < p->len && p->text[end] != ' ')
			end++;
		tok_buffer_copy(b, p, i, end);
		if (end < p->len) {
			tok_buffer_put(b, mark.text, mark.len, tok_piece_span(p, end, end + 1));
			end++;
		}
		i = end;
	}
	all = written(b, from);
	return step->split ? split(&all, step, false, out, call) : push(out, all, call);
}

/* A word as its bytes: each a character. */
static int spell(const struct tok_piece *p, struct tok_buffer *b, struct tok_pieces *out,
	struct tn_call *call)
{
	size_t from = b->n;

	for (size_t i = 0; i < p->len;) {
		uint32_t c;
		unsigned width = tok_decode(p->text + i, p->len - i, &c);

		tok_buffer_put_bytes(b, p, i, width);
		i += width;
	}
	return push(out, written(b, from), call);
}

static int byte_level(const struct tok_pretok_step *step, const struct tok_piece *p, bool raw,
	struct tok_buffer *b, struct tok_pieces *out, struct tn_call *call)
{
	struct tok_piece all = *p;
	size_t from = b->n;

	if (step->prefix && *p->text != ' ') {
		tok_buffer_put(b, " ", 1, first_span(p));
		tok_buffer_copy(b, p, 0, p->len);
		all = written(b, from);
	}
	if (raw)
		return step->split ? split_tiles(&all, &step->pattern, out, call) :
			push(out, all, call);
	if (!step->split)
		return spell(&all, b, out, call);
	for (size_t at = 0, end; at < all.len; at = end) {
		struct tok_piece word;

		end = tok_pattern_next(&step->pattern, all.text, all.len, at);
		word = tok_piece_slice(&all, at, end);
		if (spell(&word, b, out, call))
			return TN_ENOMEM;
	}
	return 0;
}

/* --- running --- */

static int run_piece(const struct tok_pretok *t, const struct tok_pretok_step *step,
	const struct tok_piece *p, struct tok_buffer *b, struct tok_pieces *out,
	struct tn_call *call)
{
	switch (step->kind) {
	case TOK_PRETOK_BERT:
		return split_bert(p, out, call);
	case TOK_PRETOK_BYTE_LEVEL:
		return byte_level(step, p, t->raw_bytes && step == &t->steps[t->n - 1], b, out,
			call);
	case TOK_PRETOK_FIXED_LENGTH:
		return split_length(p, step->length, out, call);
	case TOK_PRETOK_METASPACE:
		return metaspace(step, p, b, out, call);
	case TOK_PRETOK_SCRIPTS:
		return split_scripts(p, out, call);
	default:
		if (tok_pattern_tiles(&step->pattern) && step->behavior == TOK_ISOLATED)
			return split_tiles(p, &step->pattern, out, call);
		return split(p, step, step->invert, out, call);
	}
}

/* Bytes that a step may write for pieces of so many bytes. */
static size_t room(const struct tok_pretok_step *step, const struct tok_pieces *in)
{
	size_t bytes = 0;

	if (step->kind != TOK_PRETOK_METASPACE && step->kind != TOK_PRETOK_BYTE_LEVEL)
		return 0;
	for (size_t i = 0; i < in->n; i++)
		bytes += in->items[i].len + 1;
	return step->kind == TOK_PRETOK_METASPACE ? bytes * (step->mark.len + 1) : 3 * bytes;
}

static int run_step(const struct tok_pretok *t, const struct tok_pretok_step *step,
	struct tok_scratch *s, struct tok_pieces *in, struct tok_pieces *out,
	struct tn_call *call)
{
	size_t bytes = room(step, in);
	struct tok_buffer *b = bytes ? tok_scratch_next(s, bytes, call) : NULL;
	int rc = bytes && !b ? TN_ENOMEM : 0;

	out->n = 0;
	for (size_t i = 0; i < in->n && !rc; i++)
		rc = run_piece(t, step, &in->items[i], b, out, call);
	return rc;
}

int tok_pretok_run(const struct tok_pretok *t, const struct tok_piece *p, struct tok_scratch *s,
	struct tok_pieces *out, struct tn_call *call)
{
	out->n = 0;
	if (push(out, *p, call))
		return TN_ENOMEM;
	for (size_t i = 0; i < t->n; i++) {
		struct tok_pieces in = *out;
		int rc;

		out->items = out->spare;
		out->capacity = out->max_spare;
		out->spare = in.items;
		out->max_spare = in.capacity;
		rc = run_step(t, &t->steps[i], s, &in, out, call);
		if (rc)
			return rc;
	}
	return 0;
}
