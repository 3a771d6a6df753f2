/* SPDX-License-Identifier: Apache-2.0
 * tests/text/test_windows.c - windows, pairs and truncation against their definitions.
 */
#include "text/text.h"

#include <stdlib.h>
#include <string.h>
#include <tenon/impl/head.h>
#include <time.h>

#include "check_main.h"

#define N_SPECIAL 3

static const struct tn_template_item pair_template[] = {
	{ 101, 0, 0 }, { -1, 0, 0 }, { 102, 0, 0 }, { -1, 1, 1 }, { 102, 0, 1 },
};
static const struct tn_tokenizer_info info = {
	.single = pair_template, .n_single = 3, .pair = pair_template, .n_pair = 5,
};

/* n tokens with ids from `first`, two tokens a word. */
static struct tn_tokens numbered(size_t n, int32_t first, struct tn_call *call)
{
	struct tn_tokens tokens = { 0 };

	for (size_t i = 0; i < n; i++)
		tn_tokens_push(&tokens, (struct tn_token){ first + (int32_t)i, (int32_t)i / 2,
			(uint32_t)i * 3, (uint32_t)i * 3 + 2 }, call);
	return tokens;
}

/* The window that keeps token t, by trying all: the lesser context largest, first wins. */
static size_t best_window(size_t t, size_t n, size_t room, size_t step, size_t n_windows)
{
	size_t best = 0, most = 0;
	bool any = false;

	for (size_t w = 0; w < n_windows; w++) {
		size_t begin = w * step, end = begin + room < n ? begin + room : n, least;

		if (t < begin || t >= end)
			continue;
		least = t - begin < end - 1 - t ? t - begin : end - 1 - t;
		if (!any || least > most) {
			best = w;
			most = least;
		}
		any = true;
	}
	ck_assert(any);
	return best;
}

static void check_windows(size_t n, size_t room, size_t overlap, struct tn_call *call)
{
	struct tn_tokens text = numbered(n, 1000, call);
	struct tn_window_options o = { room + 2, overlap, TN_OVERFLOW_WINDOW, TN_CUT_LONGEST };
	size_t step = room - overlap, expected = n <= room ? 1 : 1, kept = 0;
	struct tn_windows out;

	while (n > room && (expected - 1) * step + room < n)
		expected++;
	ck_assert_int_eq(tn_make_windows(&info, &text, NULL, &o, &out, call), 0);
	ck_assert_uint_eq(out.n, expected);
	ck_assert(!out.truncated);
	for (size_t w = 0; w < out.n; w++) {
		const struct tn_window *x = &out.items[w];

		ck_assert_uint_le(x->n_tokens, room + 2);
		ck_assert_int_eq(x->tokens[0].id, 101);
		ck_assert_int_eq(x->tokens[x->n_tokens - 1].id, 102);
		ck_assert_uint_eq(x->first_word, n ? w * step / 2 : 0);
		for (size_t k = 1; k + 1 < x->n_tokens; k++)
			ck_assert_int_eq(x->tokens[k].id, 1000 + (int32_t)(w * step + k - 1));
		for (size_t k = x->keep_begin; k < x->keep_end; k++, kept++) {
			ck_assert_int_eq(x->tokens[k].id, 1000 + (int32_t)kept);
			ck_assert_uint_eq(best_window(kept, n, room, step, out.n), w);
		}
	}
	ck_assert_uint_eq(kept, n);
}

START_TEST(test_each_token_is_kept_where_its_context_is_largest)
{
	struct tn_call *call = tn_call_create();

	for (size_t room = 1; room < 9; room++)
		for (size_t overlap = 0; overlap < room; overlap++)
			for (size_t n = 0; n < 40; n++) {
				check_windows(n, room, overlap, call);
				tn_call_reset(call);
			}
	tn_call_destroy(call);
}
END_TEST

/* The rule of Hugging Face in its own words. */
static void longest_first(size_t n[2], size_t max)
{
	bool swap = n[0] > n[1];
	size_t n1 = n[swap], n2 = n[!swap];

	if (n1 + n2 <= max)
		return;
	if (n1 > max)
		n2 = n1;
	else
		n2 = n1 > max - n1 ? n1 : max - n1;
	if (n1 + n2 > max) {
		n1 = max / 2;
		n2 = n1 + max % 2;
	}
	n[swap] = n[swap] < n1 ? n[swap] : n1;
	n[!swap] = n[!swap] < n2 ? n[!swap] : n2;
}

START_TEST(test_pairs_are_cut_longest_first)
{
	struct tn_call *call = tn_call_create();

	for (size_t max = 1; max < 12; max++)
		for (size_t i = 0; i < 15 * 15; i++) {
			size_t n[2] = { i / 15, i % 15 }, all = n[0] + n[1];
			struct tn_tokens a = numbered(n[0], 1000, call);
			struct tn_tokens b = numbered(n[1], 2000, call);
			struct tn_window_options o = { max + N_SPECIAL, 0, TN_OVERFLOW_TRUNCATE,
				TN_CUT_LONGEST };
			struct tn_windows out;
			size_t seen[2] = { 0, 0 };

			ck_assert_int_eq(tn_make_windows(&info, &a, &b, &o, &out, call), 0);
			longest_first(n, max);
			ck_assert_uint_eq(out.n, 1);
			ck_assert_int_eq(out.truncated, all > max);
			for (size_t k = 0; k < out.items[0].n_tokens; k++)
				if (out.items[0].tokens[k].sequence >= 0)
					seen[out.items[0].tokens[k].sequence]++;
			ck_assert_uint_eq(seen[0], n[0]);
			ck_assert_uint_eq(seen[1], n[1]);
			tn_call_reset(call);
		}
	tn_call_destroy(call);
}
END_TEST

START_TEST(test_windows_over_the_second_text)
{
	struct tn_call *call = tn_call_create();
	struct tn_tokens a = numbered(4, 1000, call), b = numbered(9, 2000, call);
	struct tn_window_options o = { 12, 2, TN_OVERFLOW_WINDOW, TN_CUT_SECOND };
	static const int32_t second[] = { 101, 1000, 1001, 1002, 1003, 102, 2003, 2004, 2005, 2006,
		2007, 102 };
	struct tn_windows out;

	/* 12 - 3 - 4 leave 5; the next window starts 3 further. */
	ck_assert_int_eq(tn_make_windows(&info, &a, &b, &o, &out, call), 0);
	ck_assert_uint_eq(out.n, 3);
	ck_assert_int_eq(out.long_sequence, 1);
	ck_assert_uint_eq(out.items[1].n_tokens, 12);
	for (size_t k = 0; k < 12; k++) {
		ck_assert_int_eq(out.items[1].tokens[k].id, second[k]);
		ck_assert_int_eq(out.items[1].tokens[k].type, k > 5);
	}
	ck_assert_int_eq(out.items[1].tokens[0].word, -1);
	ck_assert_int_eq(out.items[1].tokens[7].sequence, 1);
	ck_assert_uint_eq(out.items[1].tokens[7].begin, 12);
	ck_assert_uint_eq(out.items[1].keep_begin, 7);
	ck_assert_uint_eq(out.items[1].keep_end, 10);
	ck_assert_uint_eq(out.items[1].first_word, 1);
	tn_call_destroy(call);
}
END_TEST

static void refused(size_t n_a, size_t n_b, struct tn_window_options o, const char *message)
{
	struct tn_call *call = tn_call_create();
	struct tn_tokens a = numbered(n_a, 1, call), b = numbered(n_b, 1, call);
	struct tn_windows out;

	ck_assert_int_lt(tn_make_windows(&info, &a, n_b ? &b : NULL, &o, &out, call), 0);
	ck_assert_msg(strstr(tn_error_text(call), message), "%s", tn_error_text(call));
	tn_call_destroy(call);
}

START_TEST(test_what_cannot_be_is_refused)
{
	refused(9, 0, (struct tn_window_options){ 8, 0, TN_OVERFLOW_ERROR, 0 },
		"the text has 11 tokens, 2 of them special, at most 8 are possible");
	refused(9, 0, (struct tn_window_options){ 2, 0, TN_OVERFLOW_WINDOW, 0 },
		"a window of 2 tokens leaves no room beside 2 special ones");
	refused(9, 0, (struct tn_window_options){ 8, 6, TN_OVERFLOW_WINDOW, 0 },
		"windows that overlap by 6 tokens need more than the 6");
	refused(9, 4, (struct tn_window_options){ 12, 0, TN_OVERFLOW_WINDOW, TN_CUT_SECOND },
		"the first text has 9 tokens, in a window of 12 they leave no room");
	refused(9, 2, (struct tn_window_options){ 10, 0, TN_OVERFLOW_TRUNCATE, TN_CUT_SECOND },
		"the second text has 2 tokens, 4 must go");
}
END_TEST

START_TEST(test_words_between_spaces)
{
	struct tn_call *call = tn_call_create();
	static const char text[] = " a\xc2\xa0" "bc\xe3\x80\x80\td\xff ";
	struct tn_words words;

	ck_assert_int_eq(tn_words_by_space((struct tn_text){ text, strlen(text) }, &words, call), 0);
	ck_assert_uint_eq(words.n, 3);
	ck_assert_uint_eq(words.items[0].begin, 1);
	ck_assert_uint_eq(words.items[0].end, 2);
	ck_assert_uint_eq(words.items[1].begin, 4);
	ck_assert_uint_eq(words.items[1].end, 6);
	ck_assert_uint_eq(words.items[2].begin, 10);
	ck_assert_uint_eq(words.items[2].end, 12);
	ck_assert_int_eq(tn_words_by_space((struct tn_text){ " ", 1 }, &words, call), 0);
	ck_assert_uint_eq(words.n, 0);
	tn_call_destroy(call);
}
END_TEST

START_TEST(test_words_of_the_tokenizer)
{
	struct tn_call *call = tn_call_create();
	struct tn_tokens tokens = numbered(5, 0, call);
	struct tn_words words;

	tokens.items[4].word = 7;
	ck_assert_int_eq(tn_words_by_tokens(&tokens, &words, call), 0);
	ck_assert_uint_eq(words.n, 3);
	ck_assert_uint_eq(words.items[1].begin, 6);
	ck_assert_uint_eq(words.items[1].end, 11);
	ck_assert_int_eq(tokens.items[4].word, 2);
	tn_call_destroy(call);
}
END_TEST

START_TEST(test_spaces_are_those_of_unicode)
{
	size_t n = 0;

	for (uint32_t c = 0; c < 0x110000; c++)
		n += tn_is_space(c);
	ck_assert_uint_eq(n, 25);
	ck_assert(!tn_is_space(0x180e) && !tn_is_space(0x200b) && tn_is_space(0x1680));
}
END_TEST

/* A text of n letters in turn of one to four bytes: byte and code point of each are known. */
static char *mixed_text(size_t n, size_t *len)
{
	static const char *const letters[] = { "a", "\xc3\xa9", "\xe2\x82\xac", "\xf0\x9f\x98\x80" };
	char *text = malloc(n * 4 + 1);

	*len = 0;
	for (size_t i = 0; i < n; i++) {
		memcpy(text + *len, letters[i % 4], i % 4 + 1);
		*len += i % 4 + 1;
	}
	return text;
}

static int64_t first_char(const struct tn_example *e, int sequence, size_t begin, size_t end,
	struct tn_call *call)
{
	const struct tn_value *span = tn_span(e, sequence, (uint32_t)begin, (uint32_t)end, call);

	ck_assert_msg(span != NULL, "%s", tn_error_text(call));
	return tn_int(tn_at(tn_get(span, "chars"), 0), -1);
}

START_TEST(test_spans_in_any_order_count_code_points)
{
	struct tn_call *call = tn_call_create();
	char pair[] = "\xc3\xa9\xc3\xa9x";
	struct tn_example e = { .pair = { pair, 5 } };
	size_t starts[] = { 0, 4, 2, 2, 7, 0, 3, 7 };
	static const size_t byte_of[] = { 0, 1, 3, 6, 10, 11, 13, 16 };
	char *text = mixed_text(8, &e.text.len);

	e.text.text = text;
	for (size_t i = 0; i < 8; i++) {
		size_t c = starts[i];

		ck_assert_int_eq(first_char(&e, 0, byte_of[c], e.text.len, call), (int64_t)c);
		/* Another text between: nothing of it is kept for this one. */
		ck_assert_int_eq(first_char(&e, 1, 4, 5, call), 2);
	}
	/* In the middle of a character: its bytes before count as one, and only for this span. */
	ck_assert_int_eq(first_char(&e, 0, 8, 10, call), 4);
	ck_assert_int_eq(first_char(&e, 0, 10, 11, call), 4);
	/* The same address with other bytes, after a reset. */
	ck_assert_int_eq(first_char(&e, 0, 16, 16, call), 7);
	tn_call_reset(call);
	memset(text, 'x', e.text.len);
	ck_assert_int_eq(first_char(&e, 0, 16, 16, call), 16);
	free(text);
	tn_call_destroy(call);
}
END_TEST

START_TEST(test_rising_spans_are_counted_in_linear_time)
{
	enum { N = 400000 };
	struct tn_call *call = tn_call_create();
	struct tn_example e = { 0 };
	char *text = mixed_text(N, &e.text.len);
	size_t byte = 0;
	clock_t before = clock();

	e.text.text = text;
	for (size_t i = 0; i < N; i++) {
		struct tn_mark mark = tn_arena_mark(tn_call_arena(call));

		ck_assert_int_eq(first_char(&e, 0, byte, byte + i % 4 + 1, call), (int64_t)i);
		tn_arena_rewind(tn_call_arena(call), mark);
		byte += i % 4 + 1;
	}
	/* Counting each from the start decodes 8e10 characters: minutes. */
	ck_assert_int_lt((clock() - before) / CLOCKS_PER_SEC, 20);
	free(text);
	tn_call_destroy(call);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("windows");

	TN_ADD(suite, test_each_token_is_kept_where_its_context_is_largest);
	TN_ADD(suite, test_pairs_are_cut_longest_first);
	TN_ADD(suite, test_windows_over_the_second_text);
	TN_ADD(suite, test_what_cannot_be_is_refused);
	TN_ADD(suite, test_words_between_spaces);
	TN_ADD(suite, test_words_of_the_tokenizer);
	TN_ADD(suite, test_spaces_are_those_of_unicode);
	TN_ADD(suite, test_spans_in_any_order_count_code_points);
	TN_ADD(suite, test_rising_spans_are_counted_in_linear_time);
	return tn_check_main(suite);
}
