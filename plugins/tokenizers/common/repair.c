/* SPDX-License-Identifier: Apache-2.0
 * plugins/tokenizers/common/repair.c - text that is not UTF-8.
 */
#include "repair.h"

#include <string.h>

#include "unicode/unicode.h"

static bool is_bad(const char *at, unsigned width, uint32_t c)
{
	return c == TOK_REPLACEMENT && (width < 3 || memcmp(at, "\xef\xbf\xbd", 3));
}

/* The first bad part at or behind i, or the end. */
static size_t next_bad(const char *text, size_t len, size_t i)
{
	while (i < len) {
		uint64_t eight;
		uint32_t c;
		unsigned width;

		if (len - i >= 8) {
			memcpy(&eight, text + i, 8);
			if (!(eight & 0x8080808080808080u)) {
				i += 8;
				continue;
			}
		}
		width = tok_decode(text + i, len - i, &c);
		if (is_bad(text + i, width, c))
			return i;
		i += width;
	}
	return len;
}

/* A bad part of one byte becomes three; there is room for that. */
static void copy(const struct tok_piece *in, struct tok_buffer *out)
{
	for (size_t i = 0; i < in->len;) {
		uint32_t c;
		unsigned width = tok_decode(in->text + i, in->len - i, &c), n;
		struct tok_span span = tok_piece_span(in, i, i + width);

		n = tok_encode(c, out->text + out->n);
		for (unsigned k = 0; k < n; k++)
			out->spans[out->n++] = span;
		i += width;
	}
}

int tok_repair(const struct tok_piece *in, struct tok_buffer *out, struct tn_call *call)
{
	if (next_bad(in->text, in->len, 0) == in->len)
		return 0;
	if (out->capacity < 3 * in->len) {
		out->text = tn_alloc_n(call, in->len, 3);
		out->spans = tn_alloc_n(call, in->len, 3 * sizeof(*out->spans));
		if (!out->text || !out->spans)
			return TN_ENOMEM;
		out->capacity = 3 * in->len;
	}
	out->n = 0;
	copy(in, out);
	return 1;
}
