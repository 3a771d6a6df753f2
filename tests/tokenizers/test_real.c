/* SPDX-License-Identifier: Apache-2.0
 * tests/tokenizers/test_real.c - numbers of JSON against the scores that Hugging Face
 * tokenizers 0.22.2 made of them (a Unigram model with these scores, written back).
 */
#include <string.h>

#include "check_main.h"
#include "real.h"

static const struct real {
	const char *text;
	uint64_t bits;
	bool odd;	/* strtod, which rounds once, gives another double */
} reals[] = {
	{ "0", 0x0000000000000000u, false },
	{ "-0.0", 0x8000000000000000u, false },
	{ "1", 0x3ff0000000000000u, false },
	{ "-100", 0xc059000000000000u, false },
	{ "18446744073709551615", 0x43f0000000000000u, false },
	{ "18446744073709551616", 0x43f0000000000000u, false },
	{ "123456789012345678901234567890", 0x45f8ee90ff6c373eu, false },
	{ "-2.0122928619384766", 0xc000192d00000001u, true },
	{ "0.1", 0x3fb999999999999au, false },
	{ "3.14159265358979323846264338327950288", 0x400921fb54442d18u, false },
	{ "1e22", 0x4480f0cf064dd592u, false },
	{ "1e23", 0x44b52d02c7e14af6u, false },
	{ "-1.7976931348623157e308", 0xffefffffffffffffu, false },
	{ "5e-324", 0x0000000000000001u, false },
	{ "2.2250738585072011e-308", 0x0010000000000000u, true },
	{ "1e-400", 0x0000000000000000u, false },
	{ "0.000001", 0x3eb0c6f7a0b5ed8du, false },
	{ "12345.678901234567890123", 0x40c81cd6e63c53d7u, false },
	{ "-9.999999999999999999e-5", 0xbf1a36e2eb1c432du, false },
	{ "-9.657636642456055", 0xc02350b5c0000001u, true },
	{ "-9.617259979248047", 0xc0233c0980000001u, true },
	{ "-9.841273307800293", 0xc023aebb5fffffffu, true },
	{ "-9.201992034912109", 0xc022676b7fffffffu, true },
	{ "-9.656661033630371", 0xc0235035e0000001u, true },
};

START_TEST(test_numbers_are_as_recorded)
{
	for (size_t i = 0; i < sizeof(reals) / sizeof(reals[0]); i++) {
		const char *text = reals[i].text;
		double got, once = strtod(text, NULL);
		uint64_t bits;

		ck_assert(tok_real((struct tn_text){ text, strlen(text) }, &got));
		memcpy(&bits, &got, sizeof(bits));
		ck_assert_msg(bits == reals[i].bits, "%s is %.17g", text, got);
		ck_assert_int_eq(memcmp(&got, &once, sizeof(got)) != 0, reals[i].odd);
	}
}
END_TEST

START_TEST(test_numbers_out_of_range_are_refused)
{
	static const char *const texts[] = { "1e309", "-1e309", "1e999999999999", "1.8e308" };
	double got;

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		ck_assert(!tok_real((struct tn_text){ texts[i], strlen(texts[i]) }, &got));
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("real");

	TN_ADD(suite, test_numbers_are_as_recorded);
	TN_ADD(suite, test_numbers_out_of_range_are_refused);
	return tn_check_main(suite);
}
