/* SPDX-License-Identifier: Apache-2.0
 * plugins/tokenizers/common/pretok.c - the steps of pre-tokenizers.
 * Source: Hugging Face tokenizers 0.22.2, pre_tokenizers/ and tokenizer/normalizer.rs.
 */
#include "pretok.h"

#include <string.h>

#include "unicode/unicode.h"

#define MAX_STEPS 32
#define MAX_DEPTH 8

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
	case TOK_PRETOK_METASPACE:
		return metaspace(step, p, b, out, call);
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

/* --- reading --- */

struct reader {
	struct tok_pretok *t;
	const char *what;	/* for messages */
	struct tn_call *call;
};

static int read_behavior(const struct reader *r, const struct tn_value *v, const char *otherwise,
	enum tok_behavior *out)
{
	static const char *const names[] = {
		"Removed", "Isolated", "MergedWithPrevious", "MergedWithNext", "Contiguous",
	};
	const char *name = tn_string(tn_get(v, "behavior"), otherwise);

	for (int i = 0; i < 5; i++) {
		if (strcmp(name, names[i]))
			continue;
		*out = (enum tok_behavior)i;
		return 0;
	}
	return tn_fail(r->call, TN_EDATA, "%s: behavior %s is not known; known are Removed, "
		"Isolated, MergedWithPrevious, MergedWithNext and Contiguous", r->what,
		tn_quote(r->call, name, strlen(name)));
}

static int read_byte_level(struct tok_pretok_step *step, const struct tn_value *v)
{
	step->kind = TOK_PRETOK_BYTE_LEVEL;
	step->prefix = tn_bool(tn_get(v, "add_prefix_space"), true);
	step->split = tn_bool(tn_get(v, "use_regex"), true);
	step->pattern.kind = TOK_PATTERN_GPT2;
	return 0;
}

static int read_metaspace(const struct reader *r, struct tok_pretok_step *step,
	const struct tn_value *v)
{
	const struct tn_value *mark = tn_get(v, "replacement");
	const char *scheme = tn_string(tn_get(v, "prepend_scheme"), "always");

	step->kind = TOK_PRETOK_METASPACE;
	step->behavior = TOK_MERGED_WITH_NEXT;
	step->split = tn_bool(tn_get(v, "split"), true);
	step->mark = (struct tn_text){ tn_string(mark, "\xe2\x96\x81"),
		tn_string(mark, NULL) ? tn_string_length(mark) : 3 };
	step->pattern = (struct tok_pattern){ .kind = TOK_PATTERN_TEXT, .text = step->mark };
	if (strcmp(scheme, "always") && strcmp(scheme, "first") && strcmp(scheme, "never"))
		return tn_fail(r->call, TN_EDATA, "%s: prepend_scheme %s is not known; known are "
			"always, first and never", r->what,
			tn_quote(r->call, scheme, strlen(scheme)));
	step->prepend = *scheme == 'a' ? TOK_PREPEND_ALWAYS : *scheme == 'f' ?
		TOK_PREPEND_FIRST : TOK_PREPEND_NEVER;
	if (!tn_bool(tn_get(v, "add_prefix_space"), true))
		step->prepend = TOK_PREPEND_NEVER;
	return step->mark.len ? 0 : tn_fail(r->call, TN_EDATA, "%s: replacement is empty", r->what);
}

static int read_split(const struct reader *r, struct tok_pretok_step *step,
	const struct tn_value *v)
{
	int rc = tok_pattern_read(&step->pattern, tn_get(v, "pattern"), r->what, r->call);

	step->kind = TOK_PRETOK_SPLIT;
	step->invert = tn_bool(tn_get(v, "invert"), false);
	return rc ? rc : read_behavior(r, v, "", &step->behavior);
}

static int read_delimiter(const struct reader *r, struct tok_pretok_step *step,
	const struct tn_value *v)
{
	const struct tn_value *text = tn_get(v, "delimiter");
	size_t len = tn_string_length(text);
	uint32_t c;

	step->kind = TOK_PRETOK_SPLIT;
	step->behavior = TOK_REMOVED;
	step->pattern = (struct tok_pattern){ .kind = TOK_PATTERN_TEXT,
		.text = { tn_string(text, ""), len } };
	return len && tok_decode(step->pattern.text.text, len, &c) == len ? 0 :
		tn_fail(r->call, TN_EDATA, "%s: delimiter is %s, expected one character", r->what,
		tn_quote(r->call, step->pattern.text.text, len));
}

static int read_step(const struct reader *r, struct tok_pretok_step *step,
	const struct tn_value *v, const char *type)
{
	if (!strcmp(type, "ByteLevel"))
		return read_byte_level(step, v);
	if (!strcmp(type, "Metaspace"))
		return read_metaspace(r, step, v);
	if (!strcmp(type, "Split"))
		return read_split(r, step, v);
	if (!strcmp(type, "CharDelimiterSplit"))
		return read_delimiter(r, step, v);
	if (!strcmp(type, "Punctuation")) {
		step->kind = TOK_PRETOK_PUNCTUATION;
		return read_behavior(r, v, "Isolated", &step->behavior);
	}
	if (!strcmp(type, "Digits")) {
		step->kind = TOK_PRETOK_DIGITS;
		step->behavior = tn_bool(tn_get(v, "individual_digits"), false) ? TOK_ISOLATED :
			TOK_CONTIGUOUS;
	} else if (!strcmp(type, "Whitespace")) {
		step->kind = TOK_PRETOK_WHITESPACE;
		step->invert = true;
		step->behavior = TOK_REMOVED;
	} else if (!strcmp(type, "WhitespaceSplit")) {
		step->kind = TOK_PRETOK_WHITESPACE_SPLIT;
		step->behavior = TOK_REMOVED;
	} else if (!strcmp(type, "BertPreTokenizer")) {
		step->kind = TOK_PRETOK_BERT;
	} else {
		return tn_fail(r->call, TN_EDATA, "%s: type %s is not known; known are "
			"BertPreTokenizer, ByteLevel, CharDelimiterSplit, Digits, Metaspace, "
			"Punctuation, Sequence, Split, Whitespace and WhitespaceSplit", r->what,
			*type ? tn_quote(r->call, type, strlen(type)) : "(none)");
	}
	return 0;
}

static int read_steps(const struct reader *r, const struct tn_value *v, int depth)
{
	const char *type = tn_string(tn_get(v, "type"), "");
	const struct tn_value *items = tn_get(v, "pretokenizers");
	struct tok_pretok *t = r->t;
	int rc = 0;

	if (depth > MAX_DEPTH || t->n == MAX_STEPS)
		return tn_fail(r->call, TN_EDATA, "%s: more than %d steps, or Sequences in one "
			"another %d deep", r->what, MAX_STEPS, MAX_DEPTH);
	if (strcmp(type, "Sequence"))
		return read_step(r, &t->steps[t->n++], v, type);
	for (size_t i = 0; i < tn_size(items) && !rc; i++)
		rc = read_steps(r, tn_at(items, i), depth + 1);
	return rc;
}

int tok_pretok_read(struct tok_pretok *t, const struct tn_value *v, const char *path,
	struct tn_arena *arena, struct tn_call *call)
{
	struct reader r = { t, tn_printf(call, "%s: pre_tokenizer", path), call };

	t->n = 0;
	if (tn_value_kind(v) == TN_VALUE_NULL)
		return 0;
	t->steps = tn_arena_alloc(arena, MAX_STEPS * sizeof(*t->steps));
	if (!t->steps || !r.what)
		return tn_fail(call, TN_ENOMEM, "memory ran out for pre-tokenizers");
	return read_steps(&r, v, 0);
}
