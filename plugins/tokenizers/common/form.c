/* SPDX-License-Identifier: Apache-2.0
 * plugins/tokenizers/common/form.c - Unicode normalization forms with alignment.
 * Source: The Unicode Standard 15.0, section 3.11 and 3.12; the alignment is that of the
 * crate unicode-normalization-alignments 0.1.12.
 */
#include "form.h"

#include <string.h>

#include "unicode/unicode.h"

#define SMALL_RUN 16

static bool has_form(const struct tok_piece *p, bool compatible, bool compose)
{
	unsigned moves = TOK_COMBINES | TOK_DECOMPOSES | (compatible ? TOK_COMPATIBLE : 0) |
		(compose ? TOK_JOINS : 0);

	for (size_t i = 0; i < p->len;) {
		uint64_t eight;
		uint32_t c;
		unsigned flags;

		if (p->len - i >= 8) {
			memcpy(&eight, p->text + i, 8);
			if (!(eight & 0x8080808080808080u)) {
				i += 8;
				continue;
			}
		}
		i += tok_decode(p->text + i, p->len - i, &c);
		flags = tok_flags(c);
		if (compose && flags & TOK_COMPOSED)
			flags &= ~(unsigned)TOK_DECOMPOSES;
		if (flags & moves)
			return false;
	}
	return true;
}

/* --- decomposing --- */

static size_t decompose_char(bool compatible, uint32_t c, struct tok_form_char *out)
{
	uint32_t parts[TOK_MAX_COMPATIBLE];
	unsigned flags = tok_flags(c), n = 1;

	parts[0] = c;
	if (compatible && flags & TOK_COMPATIBLE)
		n = tok_decompose_compatible(c, parts);
	else if (flags & TOK_DECOMPOSES)
		n = tok_decompose(c, parts);
	for (unsigned i = 0; i < n; i++) {
		bool combines = tok_flags(parts[i]) & TOK_COMBINES;

		out[i] = (struct tok_form_char){ parts[i], i > 0,
			combines ? tok_ccc(parts[i]) : 0 };
	}
	return n;
}

/* A stable sort by combining class. */
static void sort_run(struct tok_form_char *run, size_t n, struct tok_form_char *sorted)
{
	size_t start[257] = { 0 };

	if (n <= SMALL_RUN) {
		for (size_t i = 1; i < n; i++) {
			struct tok_form_char x = run[i];
			size_t k = i;

			for (; k && run[k - 1].ccc > x.ccc; k--)
				run[k] = run[k - 1];
			run[k] = x;
		}
		return;
	}
	for (size_t i = 0; i < n; i++)
		start[run[i].ccc + 1]++;
	for (int c = 0; c < 256; c++)
		start[c + 1] += start[c];
	for (size_t i = 0; i < n; i++)
		sorted[start[run[i].ccc]++] = run[i];
	memcpy(run, sorted, n * sizeof(*run));
}

static void reorder(struct tok_form_char *chars, size_t n, struct tok_form_char *sorted)
{
	for (size_t i = 0; i < n; i++) {
		size_t from = i;

		while (i < n && chars[i].ccc)
			i++;
		if (i - from > 1)
			sort_run(chars + from, i - from, sorted);
	}
}

/* --- composing --- */

static uint32_t compose_hangul(uint32_t a, uint32_t b)
{
	if (a >= 0x1100 && a < 0x1113 && b >= 0x1161 && b < 0x1176)
		return TOK_HANGUL + ((a - 0x1100) * 21 + (b - 0x1161)) * 28;
	if (a >= TOK_HANGUL && a < TOK_HANGUL_END && !((a - TOK_HANGUL) % 28) && b > 0x11a7 &&
		b < 0x11c3)
		return a + (b - 0x11a7);
	return 0;
}

/* What two characters make, or 0. */
static uint32_t compose_pair(uint32_t first, uint32_t second)
{
	size_t low = 0, high = tok_n_pairs;

	if (!(tok_flags(second) & TOK_JOINS))
		return 0;
	while (low < high) {
		size_t mid = (low + high) / 2;
		const uint32_t *pair = tok_pairs[mid];

		if (pair[0] == second && pair[1] == first)
			return pair[2];
		if (pair[0] < second || (pair[0] == second && pair[1] < first))
			low = mid + 1;
		else
			high = mid;
	}
	return compose_hangul(first, second);
}

static size_t compose(struct tok_form_char *chars, size_t n)
{
	size_t kept = 0, starter = SIZE_MAX;
	int last = -1;	/* class of what came last behind the starter; -1: nothing */

	for (size_t i = 0; i < n; i++) {
		struct tok_form_char c = chars[i];
		uint32_t whole = starter != SIZE_MAX && last < c.ccc ?
			compose_pair(chars[starter].code, c.code) : 0;

		if (whole) {
			chars[starter].code = whole;
			chars[starter].change += c.change - 1;
			continue;
		}
		if (!c.ccc)
			starter = kept;
		last = c.ccc ? c.ccc : -1;
		chars[kept++] = c;
	}
	return kept;
}

/* --- alignment --- */

struct reader {
	const struct tok_piece *p;
	size_t at;
	struct tok_span last;	/* of the character before `at` */
};

static void pass_over(struct reader *r)
{
	uint32_t c;
	unsigned width;

	if (r->at == r->p->len)
		return;
	width = tok_decode(r->p->text + r->at, r->p->len - r->at, &c);
	r->last = tok_piece_span(r->p, r->at, r->at + width);
	r->at += width;
}

/* Characters change places, the order of their sources does not. */
static void write_chars(const struct tok_form_char *chars, size_t n, const struct tok_piece *p,
	struct tok_buffer *b)
{
	uint32_t from = tok_piece_span(p, 0, 1).begin;
	struct reader r = { p, 0, { from, from } };

	for (size_t i = 0; i < n; i++) {
		char text[4];
		unsigned width = tok_encode(chars[i].code, text);
		struct tok_span span;

		if (chars[i].change <= 0)
			pass_over(&r);
		span = r.last;
		for (int32_t k = chars[i].change; k < 0; k++)
			pass_over(&r);
		tok_buffer_put(b, text, width, span);
	}
}

static int reserve(struct tok_scratch *s, size_t n, struct tn_call *call)
{
	if (s->max_chars >= n)
		return 0;
	s->chars = tn_alloc_n(call, n, 2 * sizeof(*s->chars));
	if (!s->chars)
		return TN_ENOMEM;
	s->sorted = s->chars + n;
	s->max_chars = n;
	return 0;
}

int tok_form(bool compatible, bool compose_them, struct tok_piece *p, struct tok_scratch *s,
	struct tn_call *call)
{
	struct tok_buffer *b;
	size_t n = 0;

	if (has_form(p, compatible, compose_them))
		return 0;
	/* Bytes never become more than 6 characters each: U+FDFA, 3 bytes, becomes 18. */
	if (reserve(s, 6 * p->len, call))
		return TN_ENOMEM;
	for (size_t i = 0; i < p->len;) {
		uint32_t c;

		i += tok_decode(p->text + i, p->len - i, &c);
		n += decompose_char(compatible, c, s->chars + n);
	}
	reorder(s->chars, n, s->sorted);
	if (compose_them)
		n = compose(s->chars, n);
	b = tok_scratch_next(s, 4 * n, call);
	if (!b)
		return TN_ENOMEM;
	write_chars(s->chars, n, p, b);
	*p = tok_buffer_piece(b);
	return 1;
}
