/* SPDX-License-Identifier: Apache-2.0
 * core/eval/gold_answers.c - the answers to a question, and where its context has them.
 */
#include <string.h>

#include "base/utf8.h"
#include "eval/gold_impl.h"

const struct tn_text *eval_answer_texts(const struct tn_value *v, const char *where, size_t *n,
	struct tn_arena *arena, struct tn_call *call)
{
	const struct tn_value *list = tn_value_kind(v) == TN_VALUE_OBJECT ? tn_get(v, "text") : v;
	struct tn_text *texts;

	*n = tn_size(list);
	if (tn_value_kind(list) != TN_VALUE_LIST) {
		tn_fail(call, TN_EDATA, "%s: \"answers\" is %s, expected a list of texts or of "
			"objects with \"text\"", where, tn_value_kind_name(tn_value_kind(v)));
		return NULL;
	}
	texts = tn_arena_alloc(arena, (*n + 1) * sizeof(*texts));
	if (!texts)
		tn_fail(call, TN_ENOMEM, "out of memory");
	for (size_t i = 0; i < *n && texts; i++) {
		const struct tn_value *item = tn_at(list, i), *text = item;

		if (tn_value_kind(item) == TN_VALUE_OBJECT)
			text = tn_get(item, "text");
		if (tn_value_kind(text) != TN_VALUE_STRING) {
			tn_fail(call, TN_EDATA, "%s: an answer is %s, expected a text or an object "
				"with \"text\"", where, tn_value_kind_name(tn_value_kind(item)));
			return NULL;
		}
		texts[i] = (struct tn_text){ tn_string(text, ""), tn_string_length(text) };
	}
	return texts;
}

/* The byte where code point `number` begins, or SIZE_MAX. */
static size_t byte_of(struct tn_text text, int64_t number)
{
	size_t at = 0;
	uint32_t code;

	while (number > 0 && at < text.len) {
		at += tn_utf8_decode(text.text + at, text.len - at, &code);
		number--;
	}
	return number ? SIZE_MAX : at;
}

/* Where an answer is said to stand; both NULL: nowhere. */
struct place {
	const struct tn_value *start, *bytes;
};

static struct place place_of(const struct tn_value *v, size_t i)
{
	const struct tn_value *item = tn_at(v, i), *start;

	if (tn_value_kind(v) == TN_VALUE_OBJECT)
		return (struct place){ .start = tn_at(tn_get(v, "answer_start"), i) };
	start = tn_get(item, "answer_start");
	return (struct place){ start ? start : tn_get(item, "start"), tn_get(item, "bytes") };
}

/* The first byte that a place states, or SIZE_MAX. */
static size_t begin_of(const struct place *place, struct tn_text context, size_t len)
{
	int64_t begin = tn_int(tn_at(place->bytes, 0), -1), end = tn_int(tn_at(place->bytes, 1), -1);

	if (place->start)
		return byte_of(context, tn_int(place->start, -1));
	if (tn_size(place->bytes) != 2 || begin < 0 || end < begin || (uint64_t)end > context.len ||
			(size_t)(end - begin) != len)
		return SIZE_MAX;
	return (size_t)begin;
}

static int not_there(const struct place *place, struct tn_text answer, struct tn_text context,
	size_t begin, const char *where, struct tn_call *call)
{
	const char *stated = tn_json_print(place->start ? place->start : place->bytes, NULL, call);
	const char *expected = tn_quote(call, answer.text, answer.len);

	if (!stated || begin == SIZE_MAX)
		return tn_fail(call, TN_EDATA, "%s: the answer %s cannot stand at %s %.40s of a "
			"context of %zu bytes", where, expected, place->start ? "character" :
			"bytes", stated ? stated : "", context.len);
	return tn_fail(call, TN_EDATA, "%s: at %s %.40s the context has %s, expected the answer %s",
		where, place->start ? "character" : "bytes", stated,
		tn_quote(call, context.text + begin, answer.len < context.len - begin ?
			answer.len : context.len - begin), expected);
}

static int locate(const struct place *place, struct tn_text answer, const struct eval_example *e,
	struct tn_word *span, struct tn_call *call)
{
	struct tn_text context = e->input.pair;
	size_t begin;

	if (!context.text)
		return tn_fail(call, TN_EDATA, "%s: an answer says where it stands, but there is no "
			"context", e->where);
	begin = begin_of(place, context, answer.len);
	if (begin == SIZE_MAX || !answer.len || answer.len > context.len - begin ||
			memcmp(context.text + begin, answer.text, answer.len))
		return not_there(place, answer, context, begin, e->where, call);
	*span = (struct tn_word){ (uint32_t)begin, (uint32_t)(begin + answer.len) };
	return 0;
}

static int locate_all(const struct tn_value *v, struct eval_example *e, struct tn_arena *arena,
	struct tn_call *call)
{
	size_t n = e->gold.n_answers, located = 0;
	struct tn_word *spans;

	for (size_t i = 0; i < n; i++) {
		struct place place = place_of(v, i);

		located += place.start || place.bytes;
	}
	if (!located)
		return 0;
	if (located < n)
		return tn_fail(call, TN_EDATA, "%s: %zu of %zu answers say where they stand, "
			"expected all or none", e->where, located, n);
	spans = tn_arena_alloc(arena, n * sizeof(*spans));
	if (!spans)
		return tn_fail(call, TN_ENOMEM, "out of memory");
	for (size_t i = 0; i < n; i++) {
		struct place place = place_of(v, i);

		if (locate(&place, e->gold.answers[i], e, &spans[i], call))
			return tn_status(call);
	}
	e->gold.spans = spans;
	return 0;
}

int eval_read_answers(const struct tn_value *v, struct eval_example *e, struct tn_arena *arena,
	struct tn_call *call)
{
	e->gold.has_answers = true;
	e->gold.answers = eval_answer_texts(v, e->where, &e->gold.n_answers, arena, call);
	return e->gold.answers ? locate_all(v, e, arena, call) : tn_status(call);
}
