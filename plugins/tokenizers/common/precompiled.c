/* SPDX-License-Identifier: Apache-2.0
 * plugins/tokenizers/common/precompiled.c - replacements that sentencepiece compiled.
 * Source: Hugging Face tokenizers 0.22.2, normalizers/precompiled.rs; the crate
 * spm_precompiled 0.1.4; S. Yata, Darts-clone 0.32.
 */
#include "precompiled.h"

#include <endian.h>
#include <stdlib.h>
#include <string.h>

#include "unicode/graphemes.h"
#include "unicode/unicode.h"

#define MAX_CLUSTER 6	/* bytes: a longer cluster is never looked up whole */
#define VALUE 0x7fffffffu

/* --- reading --- */

/* A unit: bit 31 marks a value; else bits 0-7 label, 8 has a value, 9-30 offset. */
static size_t unit_offset(uint32_t unit)
{
	return (size_t)(unit >> 10) << ((unit & 1u << 9) >> 6);
}

static bool unit_has_value(uint32_t unit)
{
	return unit >> 8 & 1;
}

static uint32_t unit_label(uint32_t unit)
{
	return unit & (1u << 31 | 0xff);
}

/* No unit may lead out of the array, no value out of the pool or into a character. */
static int check_units(const struct tok_precompiled *p, const char *what, struct tn_call *call)
{
	for (size_t i = 0; i < p->n_units; i++) {
		size_t to = i ^ unit_offset(p->units[i]), value;

		if (p->units[i] >> 31 || !unit_has_value(p->units[i]))
			continue;
		if (to >= p->n_units)
			return tn_fail(call, TN_EDATA, "%s: byte %zu: unit %zu of the double array "
				"leads to unit %zu of %zu", what, 4 + 4 * i, i, to, p->n_units);
		value = p->units[to] & VALUE;
		if (value >= p->pool_size || ((unsigned char)p->pool[value] & 0xc0) == 0x80)
			return tn_fail(call, TN_EDATA, "%s: byte %zu: unit %zu of the double array "
				"leads to byte %zu of %zu of the replacements, which is no start "
				"of a character", what, 4 + 4 * to, to, value, p->pool_size);
	}
	return 0;
}

static int check_pool(const struct tok_precompiled *p, const char *what, struct tn_call *call)
{
	for (size_t i = 0; i < p->pool_size;) {
		uint32_t c;
		unsigned width = tok_decode(p->pool + i, p->pool_size - i, &c);

		if (c == TOK_REPLACEMENT && (width < 3 || memcmp(p->pool + i, "\xef\xbf\xbd", 3)))
			return tn_fail(call, TN_EDATA, "%s: byte %zu: a replacement is not UTF-8",
				what, 4 + 4 * p->n_units + i);
		i += width;
	}
	return 0;
}

static void find_plain(struct tok_precompiled *p)
{
	for (int c = 0x20; c < 0x7f; c++) {
		char byte = (char)c;
		struct tn_text to;

		p->plain[c] = !tok_precompiled_find(p, &byte, 1, false, &to);
	}
}

int tok_precompiled_read(struct tok_precompiled *p, struct tn_text table, const char *what,
	struct tn_arena *arena, struct tn_call *call)
{
	uint32_t bytes;
	int rc;

	*p = (struct tok_precompiled){ 0 };
	if (table.len < 8)
		return tn_fail(call, TN_EDATA, "%s: %zu bytes, expected 8 at least", what,
			table.len);
	memcpy(&bytes, table.text, 4);
	bytes = le32toh(bytes);
	if (bytes % 4 || bytes < 4 || bytes >= table.len - 4)
		return tn_fail(call, TN_EDATA, "%s: byte 0: a double array of %u bytes in a table "
			"of %zu", what, bytes, table.len);
	p->n_units = bytes / 4;
	p->pool_size = table.len - 4 - bytes;
	p->units = tn_arena_alloc(arena, bytes);
	p->pool = tn_arena_alloc(arena, p->pool_size + 1);
	if (!p->units || !p->pool)
		return tn_fail(call, TN_ENOMEM, "%s: memory ran out for %zu bytes", what,
			table.len);
	memcpy(p->units, table.text + 4, bytes);
	for (size_t i = 0; i < p->n_units; i++)
		p->units[i] = le32toh(p->units[i]);
	memcpy(p->pool, table.text + 4 + bytes, p->pool_size);
	p->pool[p->pool_size] = '\0';
	rc = check_pool(p, what, call);
	if (!rc)
		rc = check_units(p, what, call);
	if (!rc)
		find_plain(p);
	return rc;
}

static int digit_of(char c)
{
	return c >= 'A' && c <= 'Z' ? c - 'A' : c >= 'a' && c <= 'z' ? c - 'a' + 26 :
		c >= '0' && c <= '9' ? c - '0' + 52 : c == '+' ? 62 : c == '/' ? 63 : -1;
}

int tok_precompiled_read_base64(struct tok_precompiled *p, struct tn_text text,
	const char *what, struct tn_arena *arena, struct tn_call *call)
{
	size_t pad = 0, n = 0, len = text.len;
	char *bytes;
	uint32_t bits = 0;
	int rc;

	while (pad < 2 && pad < len && text.text[len - 1 - pad] == '=')
		pad++;
	if (len % 4 || !len)
		return tn_fail(call, TN_EDATA, "%s: byte %zu: the base64 ends within a group of "
			"four", what, len);
	bytes = malloc(len / 4 * 3);
	if (!bytes)
		return tn_fail(call, TN_ENOMEM, "%s: memory ran out for %zu bytes", what, len);
	for (size_t i = 0; i < len; i++) {
		int digit = i < len - pad ? digit_of(text.text[i]) : 0;

		if (digit < 0) {
			free(bytes);
			return tn_fail(call, TN_EDATA, "%s: byte %zu: not base64", what, i);
		}
		bits = bits << 6 | (uint32_t)digit;
		if (i % 4 == 3) {
			bytes[n++] = (char)(bits >> 16);
			bytes[n++] = (char)(bits >> 8);
			bytes[n++] = (char)bits;
		}
	}
	rc = tok_precompiled_read(p, (struct tn_text){ bytes, n - pad }, what, arena, call);
	free(bytes);
	return rc;
}

/* --- looking up --- */

size_t tok_precompiled_find(const struct tok_precompiled *p, const char *text, size_t len,
	bool longest, struct tn_text *to)
{
	size_t at = unit_offset(p->units[0]), found = 0;

	for (size_t i = 0; i < len && text[i]; i++) {
		unsigned char byte = (unsigned char)text[i];
		uint32_t unit;

		at ^= byte;
		if (at >= p->n_units)
			break;
		unit = p->units[at];
		if (unit_label(unit) != byte)
			break;
		at ^= unit_offset(unit);
		if (!unit_has_value(unit))
			continue;
		to->text = p->pool + (p->units[at] & VALUE);
		found = i + 1;
		if (!longest)
			break;
	}
	if (found)
		to->len = strlen(to->text);
	return found;
}

/* --- normalizing --- */

/* Characters of a new text, each with what it does to the old one: 1: it is inserted; 0: it
 * takes the place of a character; -n: of n + 1 characters.  A deletion counts for the
 * character that came last, so each waits until the next is known. */
struct change {
	const struct tok_piece *in;
	struct tok_buffer *out;
	struct tn_call *call;
	size_t at;			/* the old text is used up to here */
	uint32_t code;
	long how;
	bool waits;
};

static int reserve(struct tok_buffer *b, size_t more, struct tn_call *call)
{
	size_t capacity = b->capacity ? b->capacity : 256;
	char *text;
	struct tok_span *spans;

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

static unsigned width_at(const struct tok_piece *in, size_t at)
{
	uint32_t c;

	return at < in->len ? tok_decode(in->text + at, in->len - at, &c) : 0;
}

/* The source of the character at `at`, or of the one that ends there. */
static struct tok_span source(const struct tok_piece *in, size_t at, bool before)
{
	size_t begin = at;

	if (!before)
		return tok_piece_span(in, at, at + width_at(in, at));
	if (!at)
		return (struct tok_span){ in->offset, in->offset };
	do
		begin--;
	while (begin && ((unsigned char)in->text[begin] & 0xc0) == 0x80);
	return in->spans ? in->spans[at - 1] : tok_piece_span(in, begin, at);
}

/* Source: tokenizers 0.22.2, tokenizer/normalizer.rs, transform_range(). */
static int flush(struct change *t)
{
	struct tok_buffer *b = t->out;
	struct tok_span span;
	unsigned width;

	if (!t->waits)
		return 0;
	t->waits = false;
	if (reserve(b, 4, t->call))
		return TN_ENOMEM;
	span = source(t->in, t->at, t->how > 0);
	for (long left = t->how; left <= 0; left++)
		t->at += width_at(t->in, t->at);
	width = tok_encode(t->code, b->text + b->n);
	for (unsigned i = 0; i < width; i++)
		b->spans[b->n++] = span;
	return 0;
}

static int put(struct change *t, uint32_t code, long how)
{
	if (flush(t))
		return TN_ENOMEM;
	t->code = code;
	t->how = how;
	t->waits = true;
	return 0;
}

static size_t count_chars(const char *text, size_t len)
{
	size_t n = 0;

	for (size_t i = 0; i < len; i++)
		n += ((unsigned char)text[i] & 0xc0) != 0x80;
	return n;
}

static int replace(struct change *t, const char *text, size_t len, struct tn_text to)
{
	size_t n_old = count_chars(text, len), n_new = count_chars(to.text, to.len), k = 0;

	for (size_t i = 0; i < to.len; k++) {
		uint32_t c;

		i += tok_decode(to.text + i, to.len - i, &c);
		if (put(t, c, k >= n_old))
			return TN_ENOMEM;
	}
	/* With nothing before it a deletion is forgotten. */
	if (n_new < n_old && t->waits)
		t->how -= (long)(n_old - n_new);
	return 0;
}

static int put_chars(const struct tok_precompiled *p, struct change *t, const char *text,
	size_t len)
{
	for (size_t i = 0; i < len;) {
		struct tn_text to;
		uint32_t c;
		unsigned width = tok_decode(text + i, len - i, &c);

		if (tok_precompiled_find(p, text + i, width, false, &to) ?
			replace(t, text + i, width, to) : put(t, c, 0))
			return TN_ENOMEM;
		i += width;
	}
	return 0;
}

static int put_cluster(const struct tok_precompiled *p, struct change *t, const char *text,
	size_t len)
{
	struct tn_text to;

	if (len < MAX_CLUSTER && tok_precompiled_find(p, text, len, false, &to))
		return replace(t, text, len, to);
	return put_chars(p, t, text, len);
}

/* How many bytes from `at` on are plain, each a cluster of its own. */
static size_t plain_run(const struct tok_precompiled *p, const char *text, size_t len)
{
	size_t n = 0;

	while (n < len && p->plain[(unsigned char)text[n]])
		n++;
	return n < len && n && (unsigned char)text[n] >= 0x80 ? n - 1 : n;
}

static int put_plain(struct change *t, const char *text, size_t len)
{
	struct tok_buffer *b = t->out;

	if (flush(t) || reserve(b, len, t->call))
		return TN_ENOMEM;
	/* After a forgotten deletion the old text lags behind: by characters. */
	if (t->in->text + t->at != text) {
		for (size_t i = 0; i < len; i++)
			if (put(t, (unsigned char)text[i], 0))
				return TN_ENOMEM;
		return 0;
	}
	memcpy(b->text + b->n, text, len - 1);
	for (size_t i = 0; i + 1 < len; i++, t->at++)
		b->spans[b->n++] = tok_piece_span(t->in, t->at, t->at + 1);
	return put(t, (unsigned char)text[len - 1], 0);
}

int tok_precompiled_normalize(const struct tok_precompiled *p, const struct tok_piece *in,
	struct tok_buffer *out, struct tn_call *call)
{
	struct change t = { .in = in, .out = out, .call = call };
	struct tok_clusters clusters = { 0 };
	const char *text = in->text;
	size_t i = plain_run(p, text, in->len), n = i;

	if (i == in->len)
		return 0;
	out->n = 0;
	for (i = 0; i < in->len; n = plain_run(p, text + i, in->len - i)) {
		size_t end = i + n;
		uint32_t c;

		if (n && put_plain(&t, text + i, n))
			return TN_ENOMEM;
		i = end;
		if (i == in->len)
			break;
		clusters = (struct tok_clusters){ 0 };
		end += tok_decode(text + end, in->len - end, &c);
		tok_cluster_begins(&clusters, c);
		while (end < in->len) {
			unsigned width = tok_decode(text + end, in->len - end, &c);

			if (tok_cluster_begins(&clusters, c))
				break;
			end += width;
		}
		if (put_cluster(p, &t, text + i, end - i))
			return TN_ENOMEM;
		i = end;
	}
	return flush(&t) ? TN_ENOMEM : 1;
}
