/* SPDX-License-Identifier: Apache-2.0
 * core/text/span.c - spans of a text as answers give them: bytes and code points.
 */
#include <tenon/impl/head.h>

#include "base/place.h"
#include "base/utf8.h"

static struct tn_value *range(struct tn_arena *arena, size_t begin, size_t end)
{
	struct tn_value *list = tn_new_list(arena);

	tn_append(arena, list, tn_new_int(arena, (int64_t)begin));
	return tn_append(arena, list, tn_new_int(arena, (int64_t)end)) ? list : NULL;
}

/* Code points before byte `at`: counted on from the last place where that is possible. */
static size_t chars_before(const struct tn_text *text, size_t at, struct tn_place *place)
{
	size_t chars;

	if (place->text != text->text || place->byte > at)
		*place = (struct tn_place){ .text = text->text };
	chars = place->chars + tn_utf8_count(text->text + place->byte, at - place->byte);
	/* Only a byte that continues no character surely begins one. */
	if (at < text->len && ((unsigned char)text->text[at] & 0xc0) != 0x80)
		*place = (struct tn_place){ text->text, at, chars };
	return chars;
}

struct tn_value *tn_span(const struct tn_example *example, int sequence, uint32_t begin,
	uint32_t end, struct tn_call *call)
{
	const struct tn_text *text = sequence ? &example->pair : &example->text;
	struct tn_arena *arena = tn_call_arena(call);
	struct tn_value *span = tn_new_object(arena);
	size_t first, chars;

	if (begin > end || end > text->len) {
		tn_fail(call, TN_EINTERNAL, "a span of bytes %u to %u of a text with %zu", begin, end,
			text->len);
		return NULL;
	}
	first = chars_before(text, begin, tn_call_place(call));
	chars = tn_utf8_count(text->text + begin, end - begin);
	tn_set(arena, span, "text", tn_new_string(arena, text->text + begin, end - begin));
	tn_set(arena, span, "bytes", range(arena, begin, end));
	if (!tn_set(arena, span, "chars", range(arena, first, first + chars))) {
		tn_fail(call, TN_ENOMEM, "out of memory");
		return NULL;
	}
	return span;
}
