/* SPDX-License-Identifier: Apache-2.0
 * core/text/words.c - words of raw text: between spaces, or those of the tokenizer.
 */
#include <stdint.h>

#include "base/utf8.h"
#include "text/text.h"

bool tn_is_space(uint32_t c)
{
	if (c < 0x80)
		return c == ' ' || (c >= '\t' && c <= '\r');
	return c == 0x85 || c == 0xa0 || c == 0x1680 || (c >= 0x2000 && c <= 0x200a) ||
		c == 0x2028 || c == 0x2029 || c == 0x202f || c == 0x205f || c == 0x3000;
}

/* Finds words and counts them; stores them where `items` is not NULL. */
static size_t split_spaces(struct tn_text text, struct tn_word *items)
{
	size_t n = 0, i = 0;
	bool inside = false;

	while (i < text.len) {
		uint32_t c;
		size_t width = tn_utf8_decode(text.text + i, text.len - i, &c);
		bool space = tn_is_space(c);

		if (items && !space && !inside)
			items[n].begin = (uint32_t)i;
		if (items && !space)
			items[n].end = (uint32_t)(i + width);
		n += space && inside;
		inside = !space;
		i += width;
	}
	return n + inside;
}

int tn_words_by_space(struct tn_text text, struct tn_words *out, struct tn_call *call)
{
	*out = (struct tn_words){ 0 };
	if (text.len > UINT32_MAX)
		return tn_fail(call, TN_EDATA, "a text has %zu bytes, at most %u are possible",
			text.len, UINT32_MAX);
	out->n = split_spaces(text, NULL);
	out->items = tn_alloc_n(call, out->n, sizeof(*out->items));
	if (!out->items)
		return TN_ENOMEM;
	split_spaces(text, out->items);
	return 0;
}

int tn_words_by_tokens(struct tn_tokens *tokens, struct tn_words *out, struct tn_call *call)
{
	int32_t last = -1;

	*out = (struct tn_words){ 0 };
	out->items = tn_alloc_n(call, tokens->n, sizeof(*out->items));
	if (!out->items)
		return TN_ENOMEM;
	for (size_t i = 0; i < tokens->n; i++) {
		struct tn_token *t = &tokens->items[i];

		if (!i || t->word != last)
			out->items[out->n++].begin = t->begin;
		out->items[out->n - 1].end = t->end;
		last = t->word;
		t->word = (int32_t)(out->n - 1);
	}
	return 0;
}
