/* SPDX-License-Identifier: Apache-2.0
 * core/eval/texts.c - the texts of labelled data, to be found again.
 */
#include <string.h>

#include "base/utf8.h"
#include "eval/tally.h"
#include "eval/texts.h"
#include "text/text.h"

/* The character at `at`: its bytes, and whether it is white space.  ASCII is most of what there
 * is. */
static inline size_t read_character(struct tn_text text, size_t at, bool *space)
{
	unsigned char byte = (unsigned char)text.text[at];
	uint32_t code;
	size_t width;

	if (byte < 0x80) {
		*space = byte == ' ' || (byte >= '\t' && byte <= '\r');
		return 1;
	}
	width = tn_utf8_decode(text.text + at, text.len - at, &code);
	*space = tn_is_space(code);
	return width;
}

/* The end of what is no white space from `at` on; *begin is where it begins. */
static size_t next_word(struct tn_text text, size_t at, size_t *begin)
{
	bool inside = false, space;

	*begin = text.len;
	while (at < text.len) {
		size_t width = read_character(text, at, &space);

		if (space && inside)
			break;
		if (!space && !inside) {
			inside = true;
			*begin = at;
		}
		at += width;
	}
	return at;
}

size_t eval_count_words(struct tn_text text)
{
	size_t n = 0, begin, at = next_word(text, 0, &begin);

	for (; begin < text.len; n++)
		at = next_word(text, at, &begin);
	return n;
}

/* Writes the words of a text to `out` with a space before each but the first one there. */
static size_t put_words(struct tn_text text, char *out, size_t n)
{
	size_t begin, at = next_word(text, 0, &begin);

	while (begin < text.len) {
		if (n && out[n - 1] != '\n')
			out[n++] = ' ';
		memcpy(out + n, text.text + begin, at - begin);
		n += at - begin;
		at = next_word(text, at, &begin);
	}
	return n;
}

/* No text holds a line feed then: one stands before the second text. */
static size_t normalize(const struct tn_input *input, char *out)
{
	size_t n = 0;

	if (input->words)
		for (size_t i = 0; i < input->n_words; i++)
			n = put_words(input->words[i], out, n);
	else
		n = put_words(input->text, out, n);
	if (input->pair.text) {
		out[n++] = '\n';
		n = put_words(input->pair, out, n);
	}
	return n;
}

/* What normalize writes at most. */
static size_t longest(const struct eval_data *data)
{
	size_t longest = 0;

	for (size_t i = 0; i < data->n; i++) {
		const struct tn_input *input = &data->items[i].input;
		size_t n = input->text.len + input->pair.len + 2;

		for (size_t w = 0; w < input->n_words; w++)
			n += input->words[w].len + 1;
		longest = n > longest ? n : longest;
	}
	return longest;
}

static bool same_text(const struct eval_texts *t, size_t first, const struct eval_texts *of,
	size_t i)
{
	size_t len = normalize(&of->data->items[i].input, of->own);

	return normalize(&t->data->items[first].input, t->other) == len &&
		!memcmp(t->other, of->own, len);
}

size_t eval_texts_find(const struct eval_texts *t, const struct eval_texts *of, size_t i)
{
	size_t slot = of->hashes[i] & t->mask;

	for (; t->slots[slot]; slot = (slot + 1) & t->mask) {
		size_t first = t->slots[slot] - 1;

		if (t->hashes[first] != of->hashes[i])
			continue;
		if ((t == of && first == i) || same_text(t, first, of, i))
			return first;
	}
	return SIZE_MAX;
}

static void fill(struct eval_texts *t)
{
	for (size_t i = 0; i < t->data->n; i++) {
		size_t slot;

		t->hashes[i] = eval_hash(t->own, normalize(&t->data->items[i].input, t->own));
		slot = t->hashes[i] & t->mask;
		if (eval_texts_find(t, t, i) != SIZE_MAX)
			continue;
		while (t->slots[slot])
			slot = (slot + 1) & t->mask;
		t->slots[slot] = (uint32_t)i + 1;
	}
}

int eval_texts_open(struct eval_texts *t, const struct eval_data *data, struct tn_arena *arena,
	struct tn_call *call)
{
	size_t slots = 2, bytes = longest(data);

	if (data->n > UINT32_MAX / 4)
		return tn_fail(call, TN_ENOMEM, "out of memory: %zu examples", data->n);
	while (slots < 2 * data->n)
		slots *= 2;
	*t = (struct eval_texts){ .data = data, .mask = slots - 1 };
	t->hashes = tn_arena_alloc(arena, data->n * sizeof(*t->hashes));
	t->slots = tn_arena_alloc(arena, slots * sizeof(*t->slots));
	t->own = tn_arena_alloc(arena, bytes);
	t->other = tn_arena_alloc(arena, bytes);
	if (!t->hashes || !t->slots || !t->own || !t->other)
		return tn_fail(call, TN_ENOMEM, "out of memory");
	fill(t);
	return 0;
}
