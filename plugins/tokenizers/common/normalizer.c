/* SPDX-License-Identifier: Apache-2.0
 * plugins/tokenizers/common/normalizer.c - the steps of normalizers.
 * Source: Hugging Face tokenizers 0.22.2, normalizers/ and tokenizer/normalizer.rs.
 */
#include "normalizer.h"

#include <string.h>

#include "form.h"
#include "unicode/unicode.h"

#define MAX_STEPS 32
#define MAX_DEPTH 8

/* --- buffers --- */

struct tok_buffer *tok_scratch_next(struct tok_scratch *s, size_t capacity, struct tn_call *call)
{
	struct tok_buffer *b = &s->buffers[s->turn];

	s->turn ^= 1;
	b->n = 0;
	if (b->capacity < capacity) {
		size_t room = capacity < 256 ? 256 : capacity + capacity / 2;

		b->text = tn_alloc(call, room);
		b->spans = tn_alloc_n(call, room, sizeof(*b->spans));
		if (!b->text || !b->spans)
			return NULL;
		b->capacity = room;
	}
	return b;
}

void tok_buffer_copy(struct tok_buffer *b, const struct tok_piece *p, size_t begin, size_t end)
{
	size_t n = end - begin;

	if (!n)
		return;
	memcpy(b->text + b->n, p->text + begin, n);
	if (p->spans) {
		memcpy(b->spans + b->n, p->spans + begin, n * sizeof(*b->spans));
		b->n += n;
		return;
	}
	for (size_t i = begin; i < end;) {
		uint32_t c;
		unsigned width = tok_decode(p->text + i, p->len - i, &c);
		struct tok_span span = tok_piece_span(p, i, i + width);

		for (unsigned k = 0; k < width; k++)
			b->spans[b->n++] = span;
		i += width;
	}
}

uint32_t tok_byte_char(unsigned char byte)
{
	/* The bytes that are no visible characters of Latin-1 follow U+0100 in order. */
	if (byte <= ' ')
		return 0x100u + byte;
	if (byte >= 0x7f && byte <= 0xa0)
		return 0x121u + (byte - 0x7fu);
	return byte == 0xad ? 0x143u : byte;
}

int tok_char_byte(uint32_t c)
{
	if (c >= 0x100 && c <= 0x120)
		return (int)(c - 0x100);
	if (c >= 0x121 && c <= 0x142)
		return (int)(c - 0x121 + 0x7f);
	if (c == 0x143)
		return 0xad;
	return c > 0xff || tok_byte_char((unsigned char)c) != c ? -1 : (int)c;
}

void tok_buffer_put_bytes(struct tok_buffer *b, const struct tok_piece *p, size_t at,
	unsigned width)
{
	struct tok_span span = tok_piece_span(p, at, at + width);

	for (unsigned i = 0; i < width; i++) {
		char text[4];
		unsigned n = tok_encode(tok_byte_char((unsigned char)p->text[at + i]), text);

		tok_buffer_put(b, text, n, span);
	}
}

/* --- the steps: 1 with the new piece in *p, 0 when it stays as it is --- */

static int finish(struct tok_piece *p, const struct tok_buffer *b)
{
	*p = tok_buffer_piece(b);
	return 1;
}

static int normalize_bert(const struct tok_normal_step *step, struct tok_piece *p,
	struct tok_scratch *s, struct tn_call *call)
{
	struct tok_buffer *b = tok_scratch_next(s, 0, call);
	int rc = tok_bert_normalize(&step->bert, p->text, p->len, 0, b, call);

	for (size_t i = 0; i < b->n && !rc; i++)
		b->spans[i] = tok_piece_span(p, b->spans[i].begin, b->spans[i].end);
	return rc ? rc : finish(p, b);
}

static int lowercase(struct tok_piece *p, struct tok_scratch *s, struct tn_call *call)
{
	struct tok_buffer *b;
	size_t i = 0;

	while (i < p->len && (unsigned char)p->text[i] < 0x80 &&
		(unsigned char)(p->text[i] - 'A') >= 26)
		i++;
	if (i == p->len)
		return 0;
	/* No character's lower case has more than 1.5 times its bytes. */
	b = tok_scratch_next(s, 2 * p->len, call);
	if (!b)
		return TN_ENOMEM;
	for (i = 0; i < p->len;) {
		char text[8];
		uint32_t c;
		unsigned width = tok_decode(p->text + i, p->len - i, &c), n;

		n = tok_encode(tok_flags(c) & TOK_LOWER ? tok_lower(c) : c, text);
		if (c == 0x130)
			n += tok_encode(0x307, text + n);
		tok_buffer_put(b, text, n, tok_piece_span(p, i, i + width));
		i += width;
	}
	return finish(p, b);
}

static int strip_accents(struct tok_piece *p, struct tok_scratch *s, struct tn_call *call)
{
	struct tok_buffer *b = NULL;
	size_t kept = 0;

	for (size_t i = 0; i < p->len;) {
		uint32_t c;
		unsigned width = tok_decode(p->text + i, p->len - i, &c);

		if (tok_flags(c) & TOK_ACCENT) {
			if (!b && !(b = tok_scratch_next(s, p->len, call)))
				return TN_ENOMEM;
			tok_buffer_copy(b, p, kept, i);
			kept = i + width;
		}
		i += width;
	}
	if (!b)
		return 0;
	tok_buffer_copy(b, p, kept, p->len);
	return finish(p, b);
}

/* What sentencepiece's rules for translation drop, and what they make a space. */
static bool nmt_drops(uint32_t c)
{
	return (c && c <= 8) || c == 0xb || (c >= 0xe && c <= 0x1f) || c == 0x7f || c == 0x8f ||
		c == 0x9f;
}

static bool nmt_spaces(uint32_t c)
{
	return c == 9 || c == 0xa || c == 0xc || c == 0xd || c == 0x1680 ||
		(c >= 0x200b && c <= 0x200f) || c == 0x2028 || c == 0x2029 || c == 0x2581 ||
		c == 0xfeff || c == 0xfffd;
}

static int nmt(struct tok_piece *p, struct tok_scratch *s, struct tn_call *call)
{
	struct tok_buffer *b = tok_scratch_next(s, p->len, call);

	if (!b)
		return TN_ENOMEM;
	for (size_t i = 0; i < p->len;) {
		uint32_t c;
		unsigned width = tok_decode(p->text + i, p->len - i, &c);

		if (nmt_spaces(c))
			tok_buffer_put(b, " ", 1, tok_piece_span(p, i, i + width));
		else if (!nmt_drops(c))
			tok_buffer_copy(b, p, i, i + width);
		i += width;
	}
	return finish(p, b);
}

static int strip(const struct tok_normal_step *step, struct tok_piece *p)
{
	size_t begin = p->len, end = 0;

	for (size_t i = 0; i < p->len;) {
		uint32_t c;
		unsigned width = tok_decode(p->text + i, p->len - i, &c);

		if (!(tok_flags(c) & TOK_SPACE)) {
			begin = begin < i ? begin : i;
			end = i + width;
		}
		i += width;
	}
	begin = step->left ? begin : 0;
	end = step->right ? end : p->len;
	*p = tok_piece_slice(p, begin, end > begin ? end : begin);
	return 1;
}

/* What is put in has the source of the last character that it replaces. */
static int replace(const struct tok_normal_step *step, struct tok_piece *p,
	struct tok_scratch *s, struct tn_call *call)
{
	size_t n = 0, kept = 0, begin, end;
	struct tok_buffer *b;

	for (size_t at = 0; tok_pattern_find(&step->pattern, p->text, p->len, at, &begin, &end);
		at = end)
		n++;
	if (!n)
		return 0;
	b = tok_scratch_next(s, p->len + n * step->text.len, call);
	if (!b)
		return TN_ENOMEM;
	while (tok_pattern_find(&step->pattern, p->text, p->len, kept, &begin, &end)) {
		size_t last = end - 1;

		while (last > begin && ((unsigned char)p->text[last] & 0xc0) == 0x80)
			last--;
		tok_buffer_copy(b, p, kept, begin);
		tok_buffer_put(b, step->text.text, step->text.len, tok_piece_span(p, last, end));
		kept = end;
	}
	tok_buffer_copy(b, p, kept, p->len);
	return finish(p, b);
}

/* What is put before has the source of the first character. */
static int prepend(const struct tok_normal_step *step, struct tok_piece *p,
	struct tok_scratch *s, struct tn_call *call)
{
	struct tok_buffer *b;
	uint32_t c;

	if (!p->len || !step->text.len)
		return 0;
	b = tok_scratch_next(s, p->len + step->text.len, call);
	if (!b)
		return TN_ENOMEM;
	tok_buffer_put(b, step->text.text, step->text.len,
		tok_piece_span(p, 0, tok_decode(p->text, p->len, &c)));
	tok_buffer_copy(b, p, 0, p->len);
	return finish(p, b);
}

static int byte_level(struct tok_piece *p, struct tok_scratch *s, struct tn_call *call)
{
	struct tok_buffer *b = tok_scratch_next(s, 2 * p->len, call);

	if (!b)
		return TN_ENOMEM;
	for (size_t i = 0; i < p->len;) {
		uint32_t c;
		unsigned width = tok_decode(p->text + i, p->len - i, &c);

		tok_buffer_put_bytes(b, p, i, width);
		i += width;
	}
	return finish(p, b);
}

static int precompiled(const struct tok_normal_step *step, struct tok_piece *p,
	struct tok_scratch *s, struct tn_call *call)
{
	struct tok_buffer *b = &s->buffers[s->turn];
	int rc = tok_precompiled_normalize(&step->charsmap, p, b, call);

	if (rc <= 0)
		return rc;
	s->turn ^= 1;
	return finish(p, b);
}

static int run_step(const struct tok_normal_step *step, struct tok_piece *p,
	struct tok_scratch *s, struct tn_call *call)
{
	switch (step->kind) {
	case TOK_NORMAL_BERT:
		return normalize_bert(step, p, s, call);
	case TOK_NORMAL_FORM:
		return tok_form(step->compatible, step->compose, p, s, call);
	case TOK_NORMAL_LOWERCASE:
		return lowercase(p, s, call);
	case TOK_NORMAL_STRIP_ACCENTS:
		return strip_accents(p, s, call);
	case TOK_NORMAL_STRIP:
		return strip(step, p);
	case TOK_NORMAL_REPLACE:
		return replace(step, p, s, call);
	case TOK_NORMAL_PREPEND:
		return prepend(step, p, s, call);
	case TOK_NORMAL_BYTE_LEVEL:
		return byte_level(p, s, call);
	case TOK_NORMAL_NMT:
		return nmt(p, s, call);
	case TOK_NORMAL_PRECOMPILED:
		return precompiled(step, p, s, call);
	}
	return 0;
}

int tok_normalize(const struct tok_normalizer *n, struct tok_piece *p, struct tok_scratch *s,
	struct tn_call *call)
{
	int rc = 0;

	for (size_t i = 0; i < n->n && rc >= 0; i++)
		rc = run_step(&n->steps[i], p, s, call);
	return rc < 0 ? rc : 0;
}

/* --- reading --- */

static void read_bert(struct tok_bert *b, const struct tn_value *v)
{
	b->clean = tn_bool(tn_get(v, "clean_text"), true);
	b->cjk = tn_bool(tn_get(v, "handle_chinese_chars"), true);
	b->lower = tn_bool(tn_get(v, "lowercase"), true);
	b->strip = tn_bool(tn_get(v, "strip_accents"), b->lower);
	tok_bert_init(b);
}

static int read_text(struct tn_text *out, const struct tn_value *v, const char *key,
	const char *path, struct tn_call *call)
{
	const struct tn_value *text = tn_get(v, key);

	*out = (struct tn_text){ tn_string(text, NULL), tn_string_length(text) };
	return out->text ? 0 : tn_fail(call, TN_EDATA, "%s: normalizer: no text \"%s\"", path, key);
}

static int read_charsmap(struct tok_normal_step *step, const struct tn_value *v,
	const char *path, struct tn_arena *arena, struct tn_call *call)
{
	const struct tn_value *map = tn_get(v, "precompiled_charsmap");
	const char *what = tn_printf(call, "%s: normalizer: precompiled_charsmap", path);

	return what ? tok_precompiled_read_base64(&step->charsmap,
		(struct tn_text){ tn_string(map, ""), tn_string_length(map) }, what, arena, call) :
		TN_ENOMEM;
}

static int read_step(struct tok_normal_step *step, const struct tn_value *v, const char *type,
	const char *path, struct tn_arena *arena, struct tn_call *call)
{
	const char *what = tn_printf(call, "%s: normalizer", path);
	int rc;

	if (!what)
		return TN_ENOMEM;
	if (!strcmp(type, "BertNormalizer")) {
		step->kind = TOK_NORMAL_BERT;
		read_bert(&step->bert, v);
	} else if (!strcmp(type, "NFC") || !strcmp(type, "NFD") || !strcmp(type, "NFKC") ||
		!strcmp(type, "NFKD")) {
		step->kind = TOK_NORMAL_FORM;
		step->compatible = type[2] == 'K';
		step->compose = type[strlen(type) - 1] == 'C';
	} else if (!strcmp(type, "Lowercase")) {
		step->kind = TOK_NORMAL_LOWERCASE;
	} else if (!strcmp(type, "StripAccents")) {
		step->kind = TOK_NORMAL_STRIP_ACCENTS;
	} else if (!strcmp(type, "Strip")) {
		step->kind = TOK_NORMAL_STRIP;
		step->left = tn_bool(tn_get(v, "strip_left"), true);
		step->right = tn_bool(tn_get(v, "strip_right"), true);
	} else if (!strcmp(type, "Replace")) {
		step->kind = TOK_NORMAL_REPLACE;
		rc = tok_pattern_read(&step->pattern, tn_get(v, "pattern"), what, call);
		return rc ? rc : read_text(&step->text, v, "content", path, call);
	} else if (!strcmp(type, "Prepend")) {
		step->kind = TOK_NORMAL_PREPEND;
		return read_text(&step->text, v, "prepend", path, call);
	} else if (!strcmp(type, "ByteLevel")) {
		step->kind = TOK_NORMAL_BYTE_LEVEL;
	} else if (!strcmp(type, "Nmt")) {
		step->kind = TOK_NORMAL_NMT;
	} else if (!strcmp(type, "Precompiled")) {
		step->kind = TOK_NORMAL_PRECOMPILED;
		return read_charsmap(step, v, path, arena, call);
	} else {
		return tn_fail(call, TN_EDATA, "%s: normalizer: type %s is not known; known are "
			"BertNormalizer, NFC, NFD, NFKC, NFKD, Lowercase, StripAccents, Strip, "
			"Replace, Prepend, ByteLevel, Nmt, Precompiled and Sequence", path,
			*type ? tn_quote(call, type, strlen(type)) : "(none)");
	}
	return 0;
}

static int read_steps(struct tok_normalizer *n, const struct tn_value *v, const char *path,
	int depth, struct tn_arena *arena, struct tn_call *call)
{
	const char *type = tn_string(tn_get(v, "type"), "");
	const struct tn_value *items = tn_get(v, "normalizers");
	int rc = 0;

	if (depth > MAX_DEPTH || n->n == MAX_STEPS)
		return tn_fail(call, TN_EDATA, "%s: normalizer: more than %d steps, or Sequences in "
			"one another %d deep", path, MAX_STEPS, MAX_DEPTH);
	if (strcmp(type, "Sequence")) {
		rc = read_step(&n->steps[n->n], v, type, path, arena, call);
		n->n++;
		return rc;
	}
	for (size_t i = 0; i < tn_size(items) && !rc; i++)
		rc = read_steps(n, tn_at(items, i), path, depth + 1, arena, call);
	return rc;
}

int tok_normalizer_read(struct tok_normalizer *n, const struct tn_value *v, const char *path,
	struct tn_arena *arena, struct tn_call *call)
{
	n->n = 0;
	if (tn_value_kind(v) == TN_VALUE_NULL)
		return 0;
	n->steps = tn_arena_alloc(arena, MAX_STEPS * sizeof(*n->steps));
	if (!n->steps)
		return tn_fail(call, TN_ENOMEM, "memory ran out for normalizers");
	return read_steps(n, v, path, 0, arena, call);
}
