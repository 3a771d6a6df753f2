/* SPDX-License-Identifier: Apache-2.0
 * tests/base/test_base.c - call, arena, values, JSON, UTF-8.
 */
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <tenon/value.h>

#include "base/utf8.h"
#include "check_main.h"

START_TEST(test_first_error_stays)
{
	struct tn_call *call = tn_call_create();

	ck_assert_int_eq(tn_fail(call, TN_EDATA, "a\n%d", 1), TN_EDATA);
	ck_assert_int_eq(tn_fail(call, TN_EIO, "b"), TN_EDATA);
	ck_assert_str_eq(tn_error_text(call), "a\\x0a1");
	tn_fault(call, TN_ECONFIG, "c");
	ck_assert_uint_eq(tn_n_faults(call), 2);
	ck_assert_str_eq(tn_fault_text(call, 1), "c");
	tn_call_reset(call);
	ck_assert_int_eq(tn_status(call), 0);
	tn_call_destroy(call);
}
END_TEST

/* Faults with a place stand in its order, before those without. */
START_TEST(test_faults_stand_in_order)
{
	static const char *const given[] = { "--set a=b: x", "b.cfg:2: y", "a.cfg:10:3: z",
		"no place: (a.cfg:1: here)", "a.cfg:9: 1", "a.cfg:9: 0", "a.cf:11: q" };
	static const int order[] = { 6, 4, 5, 2, 1, 0, 3 };
	size_t n = sizeof(given) / sizeof(given[0]);
	struct tn_call *call = tn_call_create();

	for (size_t i = 0; i < n; i++)
		tn_fault(call, TN_EPLUGIN, "%s", given[i]);
	ck_assert_uint_eq(tn_n_faults(call), n);
	for (size_t i = 0; i < n; i++)
		ck_assert_str_eq(tn_fault_text(call, i), given[order[i]]);
	ck_assert_str_eq(tn_error_text(call), "a.cf:11: q");
	ck_assert_int_eq(tn_status(call), TN_EPLUGIN);
	tn_fault(call, TN_ENOINPUT, "another kind");
	ck_assert_int_eq(tn_status(call), TN_ECONFIG);
	tn_fault(call, TN_ENOMEM, "memory");
	tn_fault(call, TN_EPLUGIN, "plugin");
	ck_assert_int_eq(tn_status(call), TN_ENOMEM);
	tn_call_destroy(call);
}
END_TEST

START_TEST(test_arena_is_zeroed_and_aligned)
{
	struct tn_arena *arena = tn_arena_create();
	struct tn_mark mark = tn_arena_mark(arena);

	for (size_t n = 0; n < 100000; n = n * 3 + 1) {
		unsigned char *p = tn_arena_alloc(arena, n);

		ck_assert_uint_eq((uintptr_t)p % 64, 0);
		for (size_t i = 0; i < n; i++)
			ck_assert_uint_eq(p[i], 0);
		memset(p, 0xff, n);
	}
	tn_arena_rewind(arena, mark);
	ck_assert_ptr_null(tn_arena_alloc(arena, SIZE_MAX));
	ck_assert_ptr_nonnull(tn_arena_alloc(arena, 1));
	tn_arena_destroy(arena);
}
END_TEST

START_TEST(test_json_round_trip)
{
	static const char text[] = "{\"a\":[1,-2.5,true,null,\"x\\u0000\\n\\\"é\"],\"b\":{}}";
	struct tn_call *call = tn_call_create();
	struct tn_value *v = tn_json_parse(text, strlen(text), "t", tn_call_arena(call), call);

	ck_assert_str_eq(tn_error_text(call), "");
	ck_assert_uint_eq(tn_string_length(tn_at(tn_get(v, "a"), 4)), 6);
	ck_assert_str_eq(tn_json_print(v, NULL, call), text);
	tn_call_destroy(call);
}
END_TEST

START_TEST(test_large_object_finds_its_members)
{
	struct tn_arena *arena = tn_arena_create();
	struct tn_value *v = tn_new_object(arena);
	char key[16];

	for (int i = 0; i < 300000; i++) {
		snprintf(key, sizeof(key), "k%d", i % 200000);
		tn_set(arena, v, key, tn_new_int(arena, i));
	}
	ck_assert_uint_eq(tn_size(v), 200000);
	ck_assert_int_eq(tn_int(tn_get(v, "k5"), -1), 200005);
	ck_assert_int_eq(tn_int(tn_get(v, "k150000"), -1), 150000);
	ck_assert_str_eq(tn_key(v, 7), "k7");
	ck_assert_ptr_null(tn_get(v, "k200000"));
	tn_unset(v, "k7");
	ck_assert_ptr_null(tn_get(v, "k7"));
	ck_assert_int_eq(tn_int(tn_get(v, "k9"), -1), 200009);
	tn_set(arena, v, "k7", tn_new_int(arena, 1));
	ck_assert_int_eq(tn_int(tn_get(v, "k7"), -1), 1);
	ck_assert_int_eq(tn_int(tn_get(v, "k8"), -1), 200008);
	tn_arena_destroy(arena);
}
END_TEST

START_TEST(test_json_takes_large_integers_as_reals)
{
	static const char text[] = "[1000000000000000019884624838656,-9223372036854775809,7]";
	struct tn_call *call = tn_call_create();
	struct tn_value *v = tn_json_parse(text, strlen(text), "t", tn_call_arena(call), call);

	ck_assert_str_eq(tn_error_text(call), "");
	ck_assert_int_eq(tn_value_kind(tn_at(v, 0)), TN_VALUE_REAL);
	ck_assert(tn_real(tn_at(v, 0), 0) == 1e30);
	ck_assert(tn_real(tn_at(v, 1), 0) == -9223372036854775808.0);
	ck_assert_int_eq(tn_int(tn_at(v, 2), 0), 7);
	tn_call_destroy(call);
}
END_TEST

START_TEST(test_json_refuses)
{
	static const char *const bad[] = {
		"", "{", "{\"a\":1,\"\\u0061\":2}", "[1] x", "NaN", "\"\xff\"", "1e999", "-1e+999", "1.5e999",
		"\xef\xbb\xbf{}",
	};
	struct tn_call *call = tn_call_create();

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		tn_call_reset(call);
		ck_assert_ptr_null(tn_json_parse(bad[i], strlen(bad[i]), "f.json",
			tn_call_arena(call), call));
		ck_assert_int_eq(tn_status(call), TN_EDATA);
		ck_assert_ptr_nonnull(strstr(tn_error_text(call), "f.json:1:"));
	}
	tn_call_destroy(call);
}
END_TEST

START_TEST(test_floats_print_shortest)
{
	static const float f[] = { 0.1f, 1.0f, -3.4028235e38f, 1e-45f };
	struct tn_call *call = tn_call_create();

	ck_assert_str_eq(tn_json_print(tn_new_floats(tn_call_arena(call), f, 4), NULL, call),
		"[0.1,1.0,-3.4028235e+38,1.4013e-45]");
	tn_call_destroy(call);
}
END_TEST

START_TEST(test_utf8_maximal_parts)
{
	/* Unicode 15, table 3-8: 61 F1 80 80 E1 80 C2 62 80 63 80 BF 64 */
	static const char s[] = "\x61\xF1\x80\x80\xE1\x80\xC2\x62\x80\x63\x80\xBF\x64";
	size_t wrong = 0;

	ck_assert_uint_eq(tn_utf8_count(s, 13), 10);
	ck_assert_uint_eq(tn_utf8_valid(s, 13), 1);
	/* An assertion costs a write to a pipe: one for all scalars. */
	for (uint32_t c = 0; c < 0x110000; c += c == 0xd7ff ? 0x801 : 1) {
		char out[4];
		uint32_t back;
		size_t n = tn_utf8_encode(c, out);

		wrong += tn_utf8_decode(out, n, &back) != n || back != c;
	}
	ck_assert_uint_eq(wrong, 0);
}
END_TEST

/* The fewest digits that read back to the same number, as the C library's %g writes them. */
static void assert_shortest(const char *text, float x)
{
	char expected[40];

	for (int digits = 6; digits <= 9; digits++) {
		snprintf(expected, sizeof(expected), "%.*g", digits, (double)x);
		if (strtof(expected, NULL) == x)
			break;
	}
	if (!strpbrk(expected, ".e"))
		strcat(expected, ".0");
	ck_assert_str_eq(text, expected);
}

START_TEST(test_shortest_floats)
{
	static const float odd[] = { 0, -0.0f, 1, -1, 0.1f, 0.5f, 1024, 8192, 9999.9990f, 10000,
		1e-4f, 9.9999e-5f, 0.001f, 0.00099999993f, 1.17549435e-38f, 1e-45f, 3.4028235e38f,
		0.33333334f, 16777216, 123456.7f, 999.99994f, 0.015625f, 0.0078125f };
	const size_t n_odd = sizeof(odd) / sizeof(odd[0]);
	struct tn_call *call = tn_call_create();
	uint32_t seed = 1;

	for (size_t i = 0; i < 20000; i++) {
		float x;
		char *text;

		seed = seed * 1664525u + 1013904223u;
		if (i < n_odd)
			x = odd[i];
		else if (i % 2)		/* any bits */
			memcpy(&x, &seed, sizeof(x));
		else			/* those of a vector */
			x = ((float)(seed >> 8) / 8388608.0f - 1) * (i % 4 ? 0.1f : 20.0f);
		if (x != x || x - x != 0)
			continue;
		text = tn_json_print(tn_new_floats(tn_call_arena(call), &x, 1), NULL, call);
		text[strlen(text) - 1] = '\0';
		assert_shortest(text + 1, x);
		tn_call_reset(call);
	}
	tn_call_destroy(call);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("base");

	TN_ADD(s, test_first_error_stays);
	TN_ADD(s, test_faults_stand_in_order);
	TN_ADD(s, test_arena_is_zeroed_and_aligned);
	TN_ADD(s, test_json_round_trip);
	TN_ADD(s, test_large_object_finds_its_members);
	TN_ADD(s, test_json_takes_large_integers_as_reals);
	TN_ADD(s, test_json_refuses);
	TN_ADD(s, test_floats_print_shortest);
	TN_ADD(s, test_utf8_maximal_parts);
	TN_ADD(s, test_shortest_floats);
	return tn_check_main(s);
}
