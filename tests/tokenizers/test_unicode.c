/* SPDX-License-Identifier: Apache-2.0
 * tests/tokenizers/test_unicode.c - the Unicode tables against what Hugging Face tokenizers
 * 0.22.2 said of every scalar value (tests/parity/compare_unicode.py), and reordering.
 */
#include <stdio.h>
#include <string.h>

#include "check_main.h"
#include "normal.h"
#include "unicode/unicode.h"

static uint32_t fnv(uint32_t h, uint32_t number)
{
	for (int i = 0; i < 4; i++, number >>= 8)
		h = (h ^ (number & 255)) * 0x01000193;
	return h;
}

static uint32_t hash_char(uint32_t h, uint32_t c)
{
	unsigned flags = tok_flags(c);
	uint32_t nfd[4] = { c }, nfkd[TOK_MAX_COMPATIBLE] = { 0 };

	h = fnv(h, flags & ~(unsigned)(TOK_COMBINES | TOK_JOINS));
	h = fnv(h, flags & TOK_LOWER ? tok_lower(c) : c);
	h = fnv(h, c == 0x130 ? 0x307 : 0);
	if (flags & TOK_DECOMPOSES)
		tok_decompose(c, nfd);
	for (int i = 0; i < 4; i++)
		h = fnv(h, nfd[i]);
	if (flags & TOK_COMPATIBLE)
		tok_decompose_compatible(c, nfkd);
	for (int i = 0; i < TOK_MAX_COMPATIBLE; i++)
		h = fnv(h, nfkd[i]);
	return h;
}

START_TEST(test_tables_are_as_probed)
{
	char path[4096], line[16];
	FILE *file;

	snprintf(path, sizeof(path), "%s/tests/golden/unicode.fnv", getenv("top_srcdir"));
	file = fopen(path, "r");
	ck_assert_ptr_nonnull(file);
	for (uint32_t block = 0; block < 0x110; block++) {
		uint32_t h = 0x811c9dc5, c = block << 12;
		bool any = false;

		for (uint32_t i = 0; i < 4096; i++, c++)
			if (c < 0xd800 || c >= 0xe000) {
				h = hash_char(h, c);
				any = true;
			}
		if (!any)
			continue;
		ck_assert_ptr_nonnull(fgets(line, sizeof(line), file));
		ck_assert_msg(strtoul(line, NULL, 16) == h, "U+%X000", block);
	}
	ck_assert_ptr_null(fgets(line, sizeof(line), file));
	fclose(file);
}
END_TEST

START_TEST(test_utf8_round_trip)
{
	size_t wrong = 0;

	/* An assertion costs a write to a pipe: one for all scalars. */
	for (uint32_t c = 0; c < 0x110000; c++) {
		char text[4];
		uint32_t back;
		unsigned width;

		if (c >= 0xd800 && c < 0xe000)
			continue;
		width = tok_encode(c, text);
		wrong += tok_decode(text, width, &back) != width || back != c;
	}
	ck_assert_uint_eq(wrong, 0);
}
END_TEST

/* The Unicode Standard 15.0, table 3-8 and its neighbours. */
START_TEST(test_bad_parts_are_maximal)
{
	static const struct { const char *text; unsigned width; } bad[] = {
		{ "\xc0\xaf", 1 }, { "\xe0\x80\xbf", 1 }, { "\xf0\x81\x82\x41", 1 },
		{ "\xed\xa0\x80", 1 }, { "\xf4\x91\x92\x93", 1 }, { "\xff", 1 }, { "\x80", 1 },
		{ "\xe1\x80\xe2", 2 }, { "\xf0\x91\x92\xf1", 3 }, { "\xf1\xbf", 2 }, { "\xe1", 1 },
	};

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		uint32_t c;

		ck_assert_uint_eq(tok_decode(bad[i].text, strlen(bad[i].text), &c), bad[i].width);
		ck_assert_uint_eq(c, TOK_REPLACEMENT);
	}
}
END_TEST

/* U+08D4 (class 230) and U+1E94A (7) came with Unicode 9: they are reordered, and stay
 * because Unicode 8 has no category for them.  The accent of U+00C9 goes.  Recorded from
 * Hugging Face: characters change places, their spans do not. */
START_TEST(test_reordering_keeps_spans)
{
	struct tok_bert bert = { .clean = true, .strip = true, .lower = true };
	struct tn_call *call = tn_call_create();
	struct tok_buffer out = { 0 };
	static const char text[] = "\xc3\x89\xe0\xa3\x94\xf0\x9e\xa5\x8az";
	static const char normal[] = "e\xf0\x9e\xa5\x8a\xe0\xa3\x94z";
	static const struct { size_t at; uint32_t begin, end; } spans[] = {
		{ 0, 10, 12 }, { 1, 12, 15 }, { 5, 15, 19 }, { 8, 19, 20 },
	};

	tok_bert_init(&bert);
	ck_assert_int_eq(tok_bert_normalize(&bert, text, strlen(text), 10, &out, call), 0);
	ck_assert_uint_eq(out.n, strlen(normal));
	ck_assert_int_eq(memcmp(out.text, normal, out.n), 0);
	for (size_t i = 0; i < sizeof(spans) / sizeof(spans[0]); i++) {
		ck_assert_uint_eq(out.spans[spans[i].at].begin, spans[i].begin);
		ck_assert_uint_eq(out.spans[spans[i].at].end, spans[i].end);
	}
	tn_call_destroy(call);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("unicode");

	TN_ADD(suite, test_tables_are_as_probed);
	TN_ADD(suite, test_utf8_round_trip);
	TN_ADD(suite, test_bad_parts_are_maximal);
	TN_ADD(suite, test_reordering_keeps_spans);
	return tn_check_main(suite);
}
