/* SPDX-License-Identifier: Apache-2.0
 * plugins/tokenizers/unigram/spm_text.c - text as sentencepiece normalizes and decodes it.
 */
#include "spm.h"
#include "unicode/unicode.h"

#define SPACE "\xe2\x96\x81"	/* U+2581, which stands for a space */
#define SPACE_LEN 3

/* --- normalizing --- */

struct writer {
	const struct spm *s;
	const struct tok_piece *in;
	struct tok_buffer *out;
	struct tn_call *call;
	uint32_t source;	/* of the bytes that are written */
};

static uint32_t source_at(const struct tok_piece *in, size_t at)
{
	if (!in->spans)
		return in->offset + (uint32_t)at;
	return at < in->len ? in->spans[at].begin : at ? in->spans[at - 1].end : in->offset;
}

/* What the bytes from `at` on begin with becomes *to; returns how many bytes that is. */
static size_t next_part(const struct spm *s, const struct tok_piece *in, size_t at,
	struct tn_text *to)
{
	const char *text = in->text + at;
	size_t len = in->len - at, found = 0;
	int32_t node = TOK_ROOT;
	uint32_t c;

	for (size_t i = 0; i < len; i++) {
		node = tok_trie_step(&s->user, node, (unsigned char)text[i]);
		if (node == TOK_NOWHERE)
			break;
		if (s->user.cells[node].id >= 0)
			found = i + 1;
	}
	if (!found && s->charsmap.n_units) {
		found = tok_precompiled_find(&s->charsmap, text, len, true, to);
		if (found)
			return found;
	}
	if (!found)
		found = tok_decode(text, len, &c);
	*to = (struct tn_text){ text, found };
	return found;
}

static int reserve(struct tok_buffer *b, size_t more, struct tn_call *call)
{
	size_t capacity = b->capacity ? b->capacity : 256;
	struct tok_span *spans;
	char *text;

	if (b->capacity - b->n >= more)
		return 0;
	while (capacity - b->n < more)
		capacity *= 2;
	text = tn_alloc_n(call, capacity, 1);
	spans = tn_alloc_n(call, capacity, sizeof(*spans));
	if (!text || !spans)
		return TN_ENOMEM;
	if (b->n) {
		memcpy(text, b->text, b->n);
		memcpy(spans, b->spans, b->n * sizeof(*spans));
	}
	b->text = text;
	b->spans = spans;
	b->capacity = capacity;
	return 0;
}

static int write_text(struct writer *w, const char *text, size_t len)
{
	struct tok_buffer *b = w->out;

	if (reserve(b, len * SPACE_LEN, w->call))
		return TN_ENOMEM;
	for (size_t i = 0; i < len; i++) {
		if (text[i] == ' ' && w->s->rules.escape) {
			for (int k = 0; k < SPACE_LEN; k++) {
				b->spans[b->n].begin = w->source;
				b->text[b->n++] = SPACE[k];
			}
		} else {
			b->spans[b->n].begin = w->source;
			b->text[b->n++] = text[i];
		}
	}
	return 0;
}

/* Takes spaces from the end; what comes last then reaches to the first of them. */
static void strip_end(struct writer *w)
{
	const char *space = w->s->rules.escape ? SPACE : " ";
	size_t width = w->s->rules.escape ? SPACE_LEN : 1;
	struct tok_buffer *b = w->out;

	while (b->n >= width && !memcmp(b->text + b->n - width, space, width)) {
		b->n -= width;
		w->source = b->spans[b->n].begin;
	}
}

int spm_normalize(const struct spm *s, const struct tok_piece *in, struct tok_buffer *out,
	struct tn_call *call)
{
	struct writer w = { s, in, out, call, source_at(in, 0) };
	bool was_space = s->rules.remove_extra;
	struct tn_text to;
	size_t at = 0, next;

	out->n = 0;
	while (s->rules.remove_extra && at < in->len) {
		next = at + next_part(s, in, at, &to);
		if (to.len != 1 || *to.text != ' ')
			break;
		at = next;
	}
	if (at == in->len)
		return 0;
	w.source = source_at(in, at);
	if (s->rules.dummy_prefix && !s->suffix && write_text(&w, " ", 1))
		return TN_ENOMEM;
	for (; at < in->len; at = next) {
		next = at + next_part(s, in, at, &to);
		while (was_space && to.len && *to.text == ' ') {
			to.text++;
			to.len--;
		}
		w.source = source_at(in, at);
		if (to.len && write_text(&w, to.text, to.len))
			return TN_ENOMEM;
		if (to.len)
			was_space = to.text[to.len - 1] == ' ';
		was_space &= s->rules.remove_extra;
	}
	w.source = source_at(in, in->len);
	if (s->rules.remove_extra)
		strip_end(&w);
	if (s->rules.dummy_prefix && s->suffix && write_text(&w, " ", 1))
		return TN_ENOMEM;
	for (size_t i = 0; i < out->n; i++)
		out->spans[i].end = i + 1 < out->n ? out->spans[i + 1].begin : w.source;
	return 0;
}

/* --- decoding --- */

int spm_byte(const struct spm_piece *piece)
{
	int value = 0;

	if (piece->type != SPM_BYTE || piece->text.len != 6 || memcmp(piece->text.text, "<0x", 3))
		return -1;
	for (int i = 3; i < 5; i++) {
		char c = piece->text.text[i];

		value = value * 16 + (c >= 'A' && c <= 'F' ? c - 'A' + 10 : c - '0');
	}
	return value & 0xff;
}

/* Appends a piece with its spaces; those that begin a text are dropped. */
static size_t add_piece(const struct spm *s, struct tn_text piece, bool *first, char *to)
{
	bool seen = false;
	size_t n = 0, i = 0;

	if (*first && (s->rules.dummy_prefix || s->rules.remove_extra) &&
		piece.len >= SPACE_LEN && !memcmp(piece.text, SPACE, SPACE_LEN)) {
		i = SPACE_LEN;
		seen = !s->rules.remove_extra;
	}
	while (i < piece.len) {
		if (piece.len - i >= SPACE_LEN && !memcmp(piece.text + i, SPACE, SPACE_LEN)) {
			to[n++] = ' ';
			i += SPACE_LEN;
		} else {
			to[n++] = piece.text[i++];
		}
	}
	*first = *first && !seen && !n;
	return n;
}

/* Bytes in a row are characters, or U+FFFD for each byte that is none. */
static size_t add_bytes(const char *bytes, size_t n_bytes, char *to)
{
	size_t n = 0;

	for (size_t i = 0; i < n_bytes;) {
		uint32_t c;
		unsigned width = tok_decode(bytes + i, n_bytes - i, &c);

		if (c == TOK_REPLACEMENT && (width < 3 || memcmp(bytes + i, "\xef\xbf\xbd", 3)))
			width = 1;
		n += tok_encode(c, to + n);
		i += width;
	}
	return n;
}

int spm_decode(const struct spm *s, const int32_t *ids, size_t n, bool skip, struct tn_text *out,
	struct tn_call *call)
{
	size_t len = 0, n_bytes = 0;
	bool first = true;
	char *text, *bytes = tn_alloc(call, n + 1);

	for (size_t i = 0; i < n; i++)
		if (ids[i] >= 0 && (size_t)ids[i] < s->n_pieces)
			len += ids[i] == s->unk ? s->unk_surface.len : s->pieces[ids[i]].text.len;
	text = tn_alloc(call, len + 1);
	if (!text || !bytes)
		return TN_ENOMEM;
	len = 0;
	for (size_t i = 0; i <= n; i++) {
		const struct spm_piece *piece = i < n && ids[i] >= 0 &&
			(size_t)ids[i] < s->n_pieces ? &s->pieces[ids[i]] : NULL;

		if (piece && spm_byte(piece) >= 0) {
			bytes[n_bytes++] = (char)spm_byte(piece);
			continue;
		}
		if (n_bytes) {
			len += add_bytes(bytes, n_bytes, text + len);
			first = false;
			n_bytes = 0;
		}
		if (piece && ids[i] == s->unk) {
			memcpy(text + len, s->unk_surface.text, s->unk_surface.len);
			len += s->unk_surface.len;
			first = first && !s->unk_surface.len;
		} else if (piece && (piece->type != SPM_CONTROL || !skip)) {
			len += add_piece(s, piece->text, &first, text + len);
		}
	}
	text[len] = '\0';
	*out = (struct tn_text){ text, len };
	return 0;
}
