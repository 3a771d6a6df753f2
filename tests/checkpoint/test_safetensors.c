/* SPDX-License-Identifier: Apache-2.0
 * tests/checkpoint/test_safetensors.c - files that must be refused and files that must
 * be read.  The bytes are made here; what they mean comes from the format's page.
 */
#include <fcntl.h>
#include <float.h>
#include <math.h>
#include <signal.h>
#include <sys/resource.h>
#include <time.h>

#include "check_main.h"
#include "checkpoint/float16.h"
#include "checkpoint/safetensors.h"
#include "temporary.h"

/* Header, then data of n bytes, zeroed. */
static char *make_file(const char *header, size_t len, size_t n_data, size_t *size)
{
	char *bytes = calloc(8 + len + n_data, 1);

	for (int i = 0; i < 8; i++)
		bytes[i] = (char)(len >> 8 * i & 255);
	memcpy(bytes + 8, header, len);
	*size = 8 + len + n_data;
	return bytes;
}

static void put_file(const char *header, size_t len, size_t n_data)
{
	size_t size;
	char *bytes = make_file(header, len, n_data, &size);

	temporary_write("f", bytes, size);
	free(bytes);
}

/* Opening "f" must fail with this text behind the path. */
static void refuse(const char *id, enum tn_error code, const char *message)
{
	struct tn_call *call = tn_call_create();
	char *path = temporary("f");
	struct tn_safetensors *f = tn_st_open(path, call);
	const char *text = tn_error_text(call);

	ck_assert_msg(!f, "%s: accepted, expected: %s", id, message);
	ck_assert_msg(!strncmp(text, path, strlen(path)) && !strncmp(text + strlen(path), ": ",
		2) &&
		!strcmp(text + strlen(path) + 2, message),
		"%s:\nfound    %s\nexpected %s", id, text, message);
	ck_assert_int_eq(tn_status(call), code);
	tn_call_destroy(call);
	free(path);
}

static struct tn_safetensors *accept(struct tn_call *call)
{
	char *path = temporary("f");
	struct tn_safetensors *f = tn_st_open(path, call);

	ck_assert_msg(f != NULL, "%s", tn_error_text(call));
	free(path);
	return f;
}

#define REFUSED(len) "the header length is " len ", the file has 2 bytes behind it"

START_TEST(test_lengths)	/* ST01 to ST06 */
{
	static const struct {
		const char *id;
		uint64_t length;
		const char *message;
	} cases[] = {
		{ "ST03", 3, "byte 0: " REFUSED("3") },
		{ "ST04", UINT64_MAX, "byte 0: " REFUSED("18446744073709551615") },
		{ "ST04", (uint64_t)1 << 63, "byte 0: " REFUSED("9223372036854775808") },
		{ "ST04", UINT64_MAX - 7, "byte 0: " REFUSED("18446744073709551608") },
		{ "ST06", 0, "byte 0: the header length is 0, expected a JSON object" },
		{ "ST06", 1, "byte 9: the header ends here (its line 1, column 2), "
			"expected the name of a tensor" },
	};
	char bytes[10] = { 0, 0, 0, 0, 0, 0, 0, 0, '{', '}' }, message[100];

	for (int n = 0; n < 8; n++) {
		snprintf(message, sizeof(message), "byte %d: the file ends here, expected the "
			"header length of 8 bytes", n);
		temporary_write("f", "\5\0\0\0\0\0\0\0", (size_t)n);
		refuse(n ? "ST02" : "ST01", TN_EDATA, message);
	}
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		for (int k = 0; k < 8; k++)
			bytes[k] = (char)(cases[i].length >> 8 * k & 255);
		temporary_write("f", bytes, sizeof(bytes));
		refuse(cases[i].id, TN_EDATA, cases[i].message);
	}
}
END_TEST

START_TEST(test_header_cap)	/* ST05 */
{
	char *path = temporary("f");

	/* 100,000,001, and a sparse file that is long enough for it */
	temporary_write("f", "\1\xe1\xf5\5\0\0\0\0{}", 10);
	ck_assert_int_eq(truncate(path, 100000100), 0);
	refuse("ST05", TN_EDATA, "byte 0: the header length is 100000001, at most 100000000 is "
		"read");
	free(path);
}
END_TEST

#define T(body) "{\"a\":{" body "}}"
#define OFFSETS "\"data_offsets\":[0,4]"
#define F32_1 "\"dtype\":\"F32\",\"shape\":[1],"
#define TWO(a, b) "{\"a\":{\"dtype\":\"U8\",\"shape\":[4],\"data_offsets\":" a "},"	\
	"\"b\":{\"dtype\":\"U8\",\"shape\":[4],\"data_offsets\":" b "}}"
#define A "tensor \"a\": "
#define KEYS ", expected dtype, shape and data_offsets"

static const struct {
	const char *id;
	const char *header;
	size_t n_data;
	const char *message;
} refused[] = {
	{ "ST07 bad byte", "{\"a\xff\":1}", 0, "byte 11: the header is not UTF-8" },
	{ "ST07 overlong", "{\"\xc0\xaf\":1}", 0, "byte 10: the header is not UTF-8" },
	{ "ST07 surrogate", "{\"\xed\xa0\x80\":1}", 0, "byte 10: the header is not UTF-8" },
	{ "ST07 escaped surrogate", "{\"x\\ud800\":1}", 0,
		"byte 11: an escape is half a surrogate pair" },
	{ "ST07 low surrogate", "{\"\\udc00\":1}", 0,
		"byte 10: an escape is half a surrogate pair" },
	{ "ST07 wrong pair", "{\"\\ud800\\u0041\":1}", 0,
		"byte 10: an escape is half a surrogate pair" },
	{ "ST07 escaped NUL", "{\"\\u0000\":1}", 0, "byte 10: a text holds a NUL" },
	{ "ST07 control byte", "{\"a\n\":1}", 0, "byte 11: a text holds the control byte 0x0a" },
	{ "ST08 not JSON", "hello", 0, "byte 8: expected the \"{\" of an object at line 1, "
		"column 1 of the header, found \"h\"" },
	{ "ST08 truncated", "{\"a\":{\"dtype\":\"F3", 0, "byte 25: " A "the header ends here (its "
		"line 1, column 18), expected a closing quote" },
	{ "ST08 trailing", "{}\n {}", 0, "byte 12: expected nothing but spaces at line 2, column 2 "
		"of the header, found \"{\"" },
	{ "ST08 trailing comma", "{\"__metadata__\":{},}", 0, "byte 27: expected the name of a "
		"tensor at line 1, column 20 of the header, found \"}\"" },
	{ "ST08 no colon", "{\"a\" 1}", 0, "byte 13: " A "expected \":\" at line 1, column 6 of "
		"the header, found \"1\"" },
	{ "ST08 escape", "{\"\\x41\":1}", 0, "byte 11: expected an escape of JSON at line 1, "
		"column 4 of the header, found \"x\"" },
	{ "ST08 hexadecimal", "{\"\\u00g0\":1}", 0, "byte 14: expected a hexadecimal digit at line "
		"1, column 7 of the header, found \"g\"" },
	{ "ST08 single quotes", "{'a':1}", 0, "byte 9: expected the name of a tensor at line 1, "
		"column 2 of the header, found \"'\"" },
	{ "ST09 array", "[]", 0, "byte 8: expected the \"{\" of an object at line 1, column 1 of "
		"the header, found \"[\"" },
	{ "ST09 string", "\"{}\"", 0, "byte 8: expected the \"{\" of an object at line 1, column 1 "
		"of the header, found \"\"\"" },
	{ "ST09 null", "null", 0, "byte 8: expected the \"{\" of an object at line 1, column 1 of "
		"the header, found \"n\"" },
	{ "ST11 tensor twice", "{\"a\":{" F32_1 OFFSETS "},\"\\u0061\":{" F32_1
		"\"data_offsets\":[4,8]}}", 8, "byte 62: " A "the name is there twice" },
	{ "ST11 metadata twice", "{\"__metadata__\":{},\"__metadata__\":{}}", 0,
		"byte 27: \"__metadata__\": the name is there twice" },
	{ "ST11 dtype twice", T("\"dtype\":\"F32\"," F32_1 OFFSETS), 4, "byte 28: " A
		"the key \"dtype\" is there twice" },
	{ "ST11 escaped dtype", T(F32_1 OFFSETS ",\"\\u0064type\":\"F32\""), 4, "byte 61: " A
		"the key \"dtype\" is there twice" },
	{ "ST11 metadata key twice", "{\"__metadata__\":{\"k\":\"\",\"k\":\"\"}}", 0,
		"byte 32: \"__metadata__\": the key \"k\" is there twice" },
	{ "ST12 metadata is a list", "{\"__metadata__\":[]}", 0, "byte 24: \"__metadata__\": "
		"expected an object of strings at line 1, column 17 of the header, found \"[\"" },
	{ "ST12 metadata holds a number", "{\"__metadata__\":{\"k\":1}}", 0, "byte 29: "
		"\"__metadata__\": expected a string at line 1, column 22 of the header, found "
		"\"1\"" },
	{ "ST13 no dtype", T("\"shape\":[1]," OFFSETS), 4, "byte 9: " A
		"the key \"dtype\" is missing" },
	{ "ST13 no shape", T("\"dtype\":\"F32\"," OFFSETS), 4, "byte 9: " A
		"the key \"shape\" is missing" },
	{ "ST13 no offsets", T("\"dtype\":\"F32\",\"shape\":[1]"), 4, "byte 9: " A
		"the key \"data_offsets\" is missing" },
	{ "ST13 empty", T(""), 0, "byte 9: " A "the key \"dtype\" is missing" },
	{ "ST13 extra", T(F32_1 OFFSETS ",\"x\":1"), 4, "byte 61: " A "unknown key \"x\"" KEYS },
	{ "ST13 a tensor is a number", "{\"a\":1}", 0, "byte 13: " A "expected an object at line "
		"1, column 6 of the header, found \"1\"" },
	{ "ST14 unknown", T("\"dtype\":\"F31\",\"shape\":[1]," OFFSETS), 4, "byte 22: " A
		"unknown dtype \"F31\"" },
	{ "ST14 lower case", T("\"dtype\":\"f32\",\"shape\":[1]," OFFSETS), 4, "byte 22: " A
		"unknown dtype \"f32\"" },
	{ "ST14 unsupported", T("\"dtype\":\"F8_E4M3\",\"shape\":[4]," OFFSETS), 4, "byte 22: " A
		"the dtype F8_E4M3 is unsupported; F32, F64, F16, BF16, I64, I32, I16, I8, U8 and "
		"BOOL are read" },
	{ "ST14 dtype is a number", T("\"dtype\":32,\"shape\":[1]," OFFSETS), 4, "byte 22: " A
		"expected a string at line 1, column 15 of the header, found \"3\"" },
	{ "ST15 one offset", T(F32_1 "\"data_offsets\":[0]"), 4, "byte 55: " A
		"data_offsets has 1 numbers, expected 2" },
	{ "ST15 three", T(F32_1 "\"data_offsets\":[0,4,8]"), 4, "byte 60: " A
		"data_offsets has more than 2 numbers" },
	{ "ST15 none", T(F32_1 "\"data_offsets\":[]"), 4, "byte 55: " A
		"data_offsets has 0 numbers, expected 2" },
	{ "ST15 negative", T(F32_1 "\"data_offsets\":[-4,0]"), 4, "byte 56: " A
		"expected a whole number from 0, found \"-4\"" },
	{ "ST15 real", T(F32_1 "\"data_offsets\":[0,4.0]"), 4, "byte 58: " A
		"expected a whole number from 0, found \"4.0\"" },
	{ "ST15 exponent", T(F32_1 "\"data_offsets\":[0,4e0]"), 4, "byte 58: " A
		"expected a whole number from 0, found \"4e0\"" },
	{ "ST15 2^63", T(F32_1 "\"data_offsets\":[0,9223372036854775808]"), 4, "byte 58: " A
		"the number \"9223372036854775808\" is above 9223372036854775807" },
	{ "ST15 2^64 + 4", T(F32_1 "\"data_offsets\":[0,18446744073709551620]"), 4, "byte 58: " A
		"the number \"18446744073709551620\" is above 9223372036854775807" },
	{ "ST15 string", T(F32_1 "\"data_offsets\":[0,\"4\"]"), 4, "byte 58: " A
		"expected a whole number at line 1, column 51 of the header, found \"\"\"" },
	{ "ST15 a leading zero", T(F32_1 "\"data_offsets\":[0,04]"), 4, "byte 58: " A
		"the number \"04\" begins with a zero" },
	{ "ST15 begin > end", T(F32_1 "\"data_offsets\":[4,0]"), 4, "byte 9: " A
		"data_offsets begin at 4 and end before, at 0" },
	{ "ST15 end > data", T(F32_1 "\"data_offsets\":[4,8]"), 4, "byte 9: " A
		"data_offsets end at byte 8 of the data, which has 4" },
	{ "ST16 overlap", TWO("[0,4]", "[3,7]"), 7, "byte 116: tensor \"b\": begins at byte 3 of "
		"the data and overlaps tensor \"a\", which ends at 4" },
	{ "ST16 the same", TWO("[0,4]", "[0,4]"), 4, "byte 113: tensor \"b\": begins at byte 0 of "
		"the data and overlaps tensor \"a\", which ends at 4" },
	{ "ST17 hole", TWO("[0,4]", "[5,9]"), 9, "byte 117: tensor \"b\": begins at byte 5 of the "
		"data; the 1 bytes before it belong to no tensor" },
	{ "ST18 hole at start", T(F32_1 "\"data_offsets\":[2,6]"), 6, "byte 62: " A "begins at "
		"byte 2 of the data; the 2 bytes before it belong to no tensor" },
	{ "ST19 trailing bytes", T(F32_1 OFFSETS), 5, "byte 66: 1 bytes behind the last tensor "
		"belong to no tensor" },
	{ "ST19 no tensor", "{}", 3, "byte 10: 3 bytes behind the last tensor belong to no "
		"tensor" },
	{ "ST20 one byte short", T(F32_1 OFFSETS), 3, "byte 9: " A
		"data_offsets end at byte 4 of the data, which has 3" },
	{ "ST21 wraps to 0", T("\"dtype\":\"U8\",\"shape\":[4294967296,4294967296],"
		"\"data_offsets\":[0,0]"), 0, "byte 9: " A "the shape [4294967296,4294967296] "
		"takes more bytes than 64 bits count" },
	{ "ST21 2^63 x 2", T("\"dtype\":\"U8\",\"shape\":[4611686018427387904,4],"
		"\"data_offsets\":[0,0]"), 0, "byte 9: " A "the shape [4611686018427387904,4] "
		"takes more bytes than 64 bits count" },
	{ "ST21 wraps to 4", T("\"dtype\":\"U8\",\"shape\":[4611686018427387905,4]," OFFSETS), 4,
		"byte 9: " A "the shape [4611686018427387905,4] takes more bytes than 64 bits "
		"count" },
	{ "ST21 times the size wraps", T("\"dtype\":\"F32\",\"shape\":[4611686018427387905],"
		OFFSETS), 4, "byte 9: " A "the shape [4611686018427387905] takes more bytes than "
		"64 bits count" },
	{ "ST21 empty with bytes", T("\"dtype\":\"F32\",\"shape\":[0]," OFFSETS), 4, "byte 9: " A
		"the shape [0] of F32 takes 0 bytes, data_offsets give 4" },
	{ "ST22 negative", T("\"dtype\":\"F32\",\"shape\":[-1]," OFFSETS), 4, "byte 37: " A
		"expected a whole number from 0, found \"-1\"" },
	{ "ST22 real", T("\"dtype\":\"F32\",\"shape\":[1.0]," OFFSETS), 4, "byte 37: " A
		"expected a whole number from 0, found \"1.0\"" },
	{ "ST22 2^63", T("\"dtype\":\"F32\",\"shape\":[9223372036854775808]," OFFSETS), 4,
		"byte 37: " A "the number \"9223372036854775808\" is above 9223372036854775807" },
	{ "ST22 rank 9", T("\"dtype\":\"F32\",\"shape\":[1,1,1,1,1,1,1,1,1]," OFFSETS), 4,
		"byte 53: " A "the shape has more than 8 numbers" },
	{ "ST22 the shape is a number", T("\"dtype\":\"F32\",\"shape\":1," OFFSETS), 4, "byte 36: "
		A "expected a list of whole numbers at line 1, column 29 of the header, found "
		"\"1\"" },
	{ "ST24 shape too large", T("\"dtype\":\"F32\",\"shape\":[2]," OFFSETS), 4, "byte 9: " A
		"the shape [2] of F32 takes 8 bytes, data_offsets give 4" },
	{ "ST24 shape too small", T("\"dtype\":\"F16\",\"shape\":[1]," OFFSETS), 4, "byte 9: " A
		"the shape [1] of F16 takes 2 bytes, data_offsets give 4" },
};

START_TEST(test_headers_that_are_refused)
{
	for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++) {
		put_file(refused[i].header, strlen(refused[i].header), refused[i].n_data);
		refuse(refused[i].id, TN_EDATA, refused[i].message);
	}
	put_file("{\"a\0\":1}", 8, 0);
	refuse("ST07 NUL", TN_EDATA, "byte 11: a text holds the control byte 0x00");
	put_file("{}\0", 3, 0);
	refuse("ST08 padded with NUL", TN_EDATA, "byte 10: expected nothing but spaces at line 1, "
		"column 3 of the header, found \"\\x00\"");
}
END_TEST

START_TEST(test_nesting)	/* ST10 */
{
	size_t n = 4000000;
	char *deep = malloc(n);

	memset(deep, '[', n);
	memcpy(deep, "{\"a\":", 5);
	put_file(deep, n, 0);
	refuse("ST10", TN_EDATA, "byte 13: " A "expected an object at line 1, column 6 of the "
		"header, found \"[\"");
	memcpy(deep, "{\"a\":{\"shape\":", 14);
	memset(deep + 14, '[', n - 14);
	put_file(deep, n, 0);
	refuse("ST10", TN_EDATA, "byte 23: " A "expected a whole number at line 1, column 16 of "
		"the header, found \"[\"");
	free(deep);
}
END_TEST

START_TEST(test_odd_shapes)	/* ST23 */
{
	static const char header[] = "{\"zero\":{\"dtype\":\"F32\",\"shape\":[2,0],"
		"\"data_offsets\":[4,4]},\"one\":{\"dtype\":\"F32\",\"shape\":[],"
		"\"data_offsets\":[0,4]},\"first\":{\"dtype\":\"BOOL\",\"shape\":[0],"
		"\"data_offsets\":[0,0]}}";
	struct tn_call *call = tn_call_create();
	struct tn_safetensors *f;
	const struct tn_st_tensor *t;
	float one = 1;

	put_file(header, strlen(header), 4);
	f = accept(call);
	ck_assert_uint_eq(tn_st_count(f), 3);
	ck_assert_str_eq(tn_st_at(f, 0)->name, "first");
	ck_assert_str_eq(tn_st_at(f, 1)->name, "one");
	ck_assert_str_eq(tn_st_at(f, 2)->name, "zero");
	ck_assert_ptr_null(tn_st_at(f, 3));
	t = tn_st_find(f, "zero");
	ck_assert_uint_eq(t->n_dims, 2);
	ck_assert_uint_eq(t->dims[0], 2);
	ck_assert_uint_eq(t->dims[1], 0);
	ck_assert_uint_eq(tn_st_elements(t), 0);
	ck_assert_int_eq(tn_st_read(f, t, NULL, call), 0);
	t = tn_st_find(f, "one");
	ck_assert_uint_eq(t->n_dims, 0);
	ck_assert_int_eq(tn_st_read_float(f, t, TN_F32, &one, call), 0);
	ck_assert(one == 0);
	ck_assert_ptr_null(tn_st_find(f, "two"));
	ck_assert_ptr_null(tn_st_metadata(f));
	tn_st_close(f);
	tn_call_destroy(call);
}
END_TEST

static void count_note(void *user, const char *text)
{
	ck_assert_ptr_nonnull(strstr(text, "white space"));
	++*(int *)user;
}

START_TEST(test_spaces_and_alignment)	/* ST25, ST26 */
{
	static const char *const headers[] = {
		" \n" T(F32_1 OFFSETS), T(F32_1 OFFSETS) "  \t\r\n", T(F32_1 OFFSETS) " ",
		"{ \"a\" : { \"data_offsets\" : [ 0 , 4 ] , \"shape\" : [ 1 ] , \"dtype\" : "
		"\"F32\" "
			"} }",
	};
	int notes = 0;

	for (size_t i = 0; i < sizeof(headers) / sizeof(headers[0]); i++) {
		struct tn_call *call = tn_call_create();
		struct tn_safetensors *f;
		size_t size;
		char *bytes = make_file(headers[i], strlen(headers[i]), 4, &size);
		float x = 0;

		memcpy(bytes + size - 4, "\0\0\x80\x3f", 4);
		temporary_write("f", bytes, size);
		tn_on_note(call, count_note, &notes);
		f = accept(call);
		ck_assert_int_eq(tn_st_read_float(f, tn_st_find(f, "a"), TN_F32, &x, call), 0);
		ck_assert(x == 1);
		tn_st_close(f);
		tn_call_destroy(call);
		free(bytes);
	}
	ck_assert_int_eq(notes, 1);
}
END_TEST

START_TEST(test_a_million_tensors)	/* ST27 */
{
	size_t n = TN_MANY(1000000), capacity = n * 80, len = 1;
	struct tn_call *call = tn_call_create();
	struct tn_safetensors *f;
	struct rusage before, after;
	char *header = malloc(capacity);
	clock_t start;

	header[0] = '{';
	for (size_t i = 0; i < n; i++)
		len += (size_t)sprintf(header + len, "%s\"t%zu\":{\"dtype\":\"U8\",\"shape\":[1],"
			"\"data_offsets\":[%zu,%zu]}", i ? "," : "", i, i, i + 1);
	header[len++] = '}';
	put_file(header, len, n);
	free(header);
	getrusage(RUSAGE_SELF, &before);
	start = clock();
	f = accept(call);
	ck_assert_uint_eq(tn_st_count(f), n);
	for (size_t i = 0; i < n; i++) {
		char name[16];

		snprintf(name, sizeof(name), "t%zu", i);
		ck_assert_uint_eq(tn_st_find(f, name)->begin, i);
	}
	getrusage(RUSAGE_SELF, &after);
	ck_assert_double_lt((double)(clock() - start) / CLOCKS_PER_SEC, 8);
	ck_assert_int_lt((after.ru_maxrss - before.ru_maxrss) * 1024, 20 * (long)len);
	tn_st_close(f);
	tn_call_destroy(call);
}
END_TEST

START_TEST(test_many_metadata_and_long_names)	/* ST27 */
{
	size_t n = 300000, capacity = n * 32 + 10000100, len;
	struct tn_call *call = tn_call_create();
	struct tn_safetensors *f;
	char *header = malloc(capacity);
	clock_t start;

	len = (size_t)sprintf(header, "{\"__metadata__\":{\"k\":\"v\"");
	for (size_t i = 0; i < n; i++)
		len += (size_t)sprintf(header + len, ",\"k%zu\":\"v%zu\"", i, i);
	len += (size_t)sprintf(header + len, "},\"");
	memset(header + len, 'n', 10000000);
	len += 10000000;
	len += (size_t)sprintf(header + len, "\":{" F32_1 OFFSETS "}}");
	put_file(header, len, 4);
	free(header);
	start = clock();
	f = accept(call);
	ck_assert_uint_eq(strlen(tn_st_at(f, 0)->name), 10000000);
	ck_assert_uint_eq(tn_size(tn_st_metadata(f)), n + 1);
	ck_assert_str_eq(tn_string(tn_get(tn_st_metadata(f), "k299999"), ""), "v299999");
	ck_assert_double_lt((double)(clock() - start) / CLOCKS_PER_SEC, 8);
	tn_st_close(f);
	tn_call_destroy(call);
}
END_TEST

START_TEST(test_nonfinite)	/* ST28 */
{
	static const char header[] = "{\"h\":{\"dtype\":\"F16\",\"shape\":[4],\"data_offsets\":"
		"[0,8]},\"i\":{\"dtype\":\"I64\",\"shape\":[1],\"data_offsets\":[8,16]}}";
	struct tn_call *call = tn_call_create();
	struct tn_safetensors *f;
	size_t size;
	char *bytes = make_file(header, strlen(header), 16, &size);
	double x[4];
	uint64_t n = 9;

	memcpy(bytes + size - 16, "\0\x7c\1\x7e\0\xfc\0\x3c", 8);	/* inf nan -inf 1 */
	memset(bytes + size - 8, 0xff, 8);
	temporary_write("f", bytes, size);
	f = accept(call);
	ck_assert_int_eq(tn_st_read_float(f, tn_st_find(f, "h"), TN_F64, x, call), 0);
	ck_assert(isinf(x[0]) && x[0] > 0 && isnan(x[1]) && isinf(x[2]) && x[2] < 0 && x[3] == 1);
	ck_assert_int_eq(tn_st_count_nonfinite(f, tn_st_find(f, "h"), &n, call), 0);
	ck_assert_uint_eq(n, 3);
	ck_assert_int_eq(tn_st_count_nonfinite(f, tn_st_find(f, "i"), &n, call), 0);
	ck_assert_uint_eq(n, 0);
	ck_assert_int_eq(tn_st_read_float(f, tn_st_find(f, "i"), TN_F64, x, call), TN_EDATA);
	tn_st_close(f);
	tn_call_destroy(call);
	free(bytes);
}
END_TEST

START_TEST(test_names_are_only_keys)	/* ST29 */
{
	static const char header[] = "{\"../../etc/passwd\":{\"dtype\":\"U8\",\"shape\":[1],"
		"\"data_offsets\":[0,1]},\"/\\u00e9\\ud83d\\ude00\\n\\/\":{\"dtype\":\"U8\","
		"\"shape\":[1],\"data_offsets\":[1,2]},\"\":{\"dtype\":\"U8\",\"shape\":[1],"
		"\"data_offsets\":[2,3]}}";
	struct tn_call *call = tn_call_create();
	struct tn_safetensors *f;

	put_file(header, strlen(header), 3);
	f = accept(call);
	ck_assert_ptr_nonnull(tn_st_find(f, "../../etc/passwd"));
	ck_assert_ptr_nonnull(tn_st_find(f, "/\u00e9\U0001F600\n/"));
	ck_assert_ptr_nonnull(tn_st_find(f, ""));
	tn_st_close(f);
	tn_call_destroy(call);
}
END_TEST

START_TEST(test_only_regular_files)	/* ST30 */
{
	char *path = temporary("f");

	refuse("ST30 missing", TN_ENOINPUT, "there is no such file");
	ck_assert_int_eq(mkfifo(path, 0666), 0);
	refuse("ST30 FIFO", TN_EDATA, "not a regular file, expected a regular file");
	unlink(path);
	ck_assert_int_eq(mkdir(path, 0777), 0);
	refuse("ST30 directory", TN_EDATA, "a directory, expected a regular file");
	rmdir(path);
	ck_assert_int_eq(symlink("/dev/zero", path), 0);
	refuse("ST30 /dev/zero", TN_EDATA, "not a regular file, expected a regular file");
	free(path);
}
END_TEST

START_TEST(test_shrinks_while_open)	/* ST31 */
{
	struct tn_call *call = tn_call_create();
	struct tn_safetensors *f;
	char *path = temporary("f"), message[200];
	float x;

	put_file(T(F32_1 OFFSETS), strlen(T(F32_1 OFFSETS)), 4);
	f = accept(call);
	ck_assert_int_eq(truncate(path, 65), 0);
	ck_assert_int_eq(tn_st_read_float(f, tn_st_at(f, 0), TN_F32, &x, call), TN_EIO);
	snprintf(message, sizeof(message), "%s: byte 65: the file ends here, 1 more bytes were "
		"there when it was opened", path);
	ck_assert_str_eq(tn_error_text(call), message);
	tn_st_close(f);
	tn_call_destroy(call);
	free(path);
}
END_TEST

START_TEST(test_other_kinds_of_files)
{
	static const char lfs[] = "version https://git-lfs.github.com/spec/v1\noid sha256:0\n";

	temporary_text("f", lfs);
	refuse("LFS", TN_EDATA, "byte 0: a Git LFS pointer instead of the file itself; run "
		"`git lfs pull` in its directory");
	temporary_write("f", "PK\3\4..........", 14);
	refuse("zip", TN_EDATA, "byte 0: a zip archive, as PyTorch's .bin files are; expected "
		"safetensors");
	temporary_write("f", "GGUF\3\0\0\0\0\0\0", 11);
	refuse("GGUF", TN_EDATA, "byte 0: a GGUF file; expected safetensors");
}
END_TEST

/* Each number comes back, what lies between two goes to the nearer, and half way to the even one. */
static void check_rounding(uint16_t (*to)(float), float (*from)(uint16_t), uint16_t infinity)
{
	for (uint32_t sign = 0; sign <= 0x8000; sign += 0x8000)
		for (uint32_t i = 0; i + 1 < infinity; i++) {
			uint16_t low = (uint16_t)(sign | i), high = (uint16_t)(low + 1);
			float middle = (float)(((double)from(low) + (double)from(high)) / 2);

			ck_assert_uint_eq(to(from(low)), low);
			ck_assert_uint_eq(to(middle), low & 1 ? high : low);
			ck_assert_uint_eq(to(nextafterf(middle, from(low))), low);
			ck_assert_uint_eq(to(nextafterf(middle, from(high))), high);
		}
	ck_assert_uint_eq(to(INFINITY), infinity);
	ck_assert_uint_eq(to(-INFINITY), infinity | 0x8000);
	ck_assert(isnan(from(to(NAN))));
}

/* Source: IEEE 754-2019, 4.3.1. */
START_TEST(test_rounding_to_half)
{
	check_rounding(f16_of_float, float_of_f16, 0x7c00);
	check_rounding(bf16_of_float, float_of_bf16, 0x7f80);
	ck_assert_uint_eq(f16_of_float(65519.996f), 0x7bff);
	ck_assert_uint_eq(f16_of_float(65520.0f), 0x7c00);
	ck_assert_uint_eq(f16_of_float(1e30f), 0x7c00);
	ck_assert_uint_eq(bf16_of_float(3.4e38f), 0x7f80);
}
END_TEST

/* Source: IEEE 754-2019, 3.4; values worked out from the fields. */
START_TEST(test_half_precision)
{
	static const char header[] = "{\"h\":{\"dtype\":\"F16\",\"shape\":[2,4],\"data_offsets\":"
		"[0,16]},\"b\":{\"dtype\":\"BF16\",\"shape\":[4],\"data_offsets\":[16,24]},"
		"\"d\":{\"dtype\":\"F64\",\"shape\":[1],\"data_offsets\":[24,32]}}";
	static const unsigned char data[32] = {
		0x00, 0x3c, 0x00, 0xc0, 0xff, 0x7b, 0x01, 0x00,	/* 1 -2 65504 2^-24 */
		0xff, 0x03, 0x00, 0x04, 0x00, 0x80, 0x55, 0x35,	/* subnormal, 2^-14, -0, 1/3 */
		0x80, 0x3f, 0x40, 0xc0, 0x01, 0x00, 0x7f, 0x7f,	/* 1 -3 tiny largest */
		0, 0, 0, 0, 0, 0, 0xe0, 0x3f,			/* 0.5 */
	};
	static const double h[] = { 1, -2, 65504, 0x1p-24, 1023 * 0x1p-24, 0x1p-14, -0.0,
		0x555p-12 };
	static const double b[] = { 1, -3, 0x1p-133, 0x1.fep127 };
	struct tn_call *call = tn_call_create();
	struct tn_safetensors *f;
	size_t size;
	char *bytes = make_file(header, strlen(header), sizeof(data), &size);
	double x[8], y[4], z = 0;
	float single[8];

	memcpy(bytes + size - sizeof(data), data, sizeof(data));
	temporary_write("f", bytes, size);
	f = accept(call);
	ck_assert_int_eq(tn_st_read_float(f, tn_st_find(f, "h"), TN_F64, x, call), 0);
	ck_assert_int_eq(tn_st_read_float(f, tn_st_find(f, "h"), TN_F32, single, call), 0);
	ck_assert_int_eq(tn_st_read_float(f, tn_st_find(f, "b"), TN_F64, y, call), 0);
	ck_assert_int_eq(tn_st_read_float(f, tn_st_find(f, "d"), TN_F64, &z, call), 0);
	for (int i = 0; i < 8; i++)
		ck_assert(x[i] == h[i] && single[i] == (float)h[i] &&
			!signbit(x[i]) == !signbit(h[i]));
	for (int i = 0; i < 4; i++)
		ck_assert(y[i] == b[i]);
	ck_assert(z == 0.5);
	tn_st_close(f);
	tn_call_destroy(call);
	free(bytes);
}
END_TEST

START_TEST(test_long_tensor_is_read_in_pieces)
{
	enum { N = 100003 };
	char header[128];
	struct tn_call *call = tn_call_create();
	struct tn_safetensors *f;
	size_t size, len = (size_t)snprintf(header, sizeof(header), "{\"x\":{\"dtype\":\"BF16\","
		"\"shape\":[%d],\"data_offsets\":[0,%d]}}", N, N * 2);
	char *bytes = make_file(header, len, N * 2, &size);
	float *x = malloc(N * sizeof(*x));

	for (int i = 0; i < N; i++) {
		bytes[8 + len + (size_t)i * 2] = (char)(i & 255);
		bytes[8 + len + (size_t)i * 2 + 1] = (char)(i >> 8 & 63);
	}
	temporary_write("f", bytes, size);
	f = accept(call);
	ck_assert_int_eq(tn_st_read_float(f, tn_st_at(f, 0), TN_F32, x, call), 0);
	for (int i = 0; i < N; i++) {
		uint32_t bits;

		memcpy(&bits, &x[i], 4);
		ck_assert_uint_eq(bits, (uint32_t)(i & 0x3fff) << 16);
	}
	tn_st_close(f);
	tn_call_destroy(call);
	free(bytes);
	free(x);
}
END_TEST

/* 10,000 changed copies of a good file: each is read or refused, and what is read is
 * inside the file. */
START_TEST(test_mutations)
{
	static const char header[] = "{\"__metadata__\":{\"format\":\"pt\"},\"w.weight\":"
		"{\"dtype\":"
		"\"F32\",\"shape\":[2,3],\"data_offsets\":[0,24]},\"w.bias\":{\"dtype\":\"F16\","
		"\"shape\":[4],\"data_offsets\":[24,32]}}";
	static const char hostile[] = "{}[]\",:\\u0-9.eE \n\xff\x80";
	struct tn_call *call = tn_call_create();
	char *path = temporary("f");
	size_t size, read = 0;
	char *good = make_file(header, strlen(header), 32, &size), *bad = malloc(2 * size);
	uint32_t random = 12345;

#define RANDOM() (random = random * 1664525 + 1013904223, random >> 8)
	for (int round = 0; round < TN_MANY(10000); round++) {
		size_t n = size;
		struct tn_safetensors *f;

		memcpy(bad, good, size);
		for (uint32_t k = RANDOM() % 4 + 1; k; k--) {
			size_t at = RANDOM() % n;

			switch (RANDOM() % 5) {
			case 0:
				bad[at] = (char)(bad[at] ^ 1 << RANDOM() % 8);
				break;
			case 1:
				bad[at] = hostile[RANDOM() % (sizeof(hostile) - 1)];
				break;
			case 2:
				n = at + 1;
				break;
			case 3:	/* one byte less, the header's length with it */
				memmove(bad + at, bad + at + 1, n - at - 1);
				n -= n > 1;
				bad[0]--;
				break;
			default:	/* a stretch of it again */
				memmove(bad + at + (n - at) / 2, bad + at, n - at);
				n = at + (n - at) / 2 + (n - at);
				if (n > size + 64)
					n = size + 64;
				bad[0] = (char)(n - 40);
				break;
			}
		}
		temporary_write("f", bad, n);
		f = tn_st_open(path, call);
		ck_assert_msg(f || *tn_error_text(call), "round %d: no message", round);
		for (size_t i = 0; f && i < tn_st_count(f); i++) {
			const struct tn_st_tensor *t = tn_st_at(f, i);
			char *data = malloc((size_t)(t->end - t->begin) + 1);

			ck_assert_int_eq(tn_st_read(f, t, data, call), 0);
			ck_assert_ptr_eq(tn_st_find(f, t->name), t);
			free(data);
			read++;
		}
		tn_st_close(f);
		tn_call_reset(call);
	}
	ck_assert_uint_gt(read, TN_MANY(100));
	free(good);
	free(bad);
	free(path);
	tn_call_destroy(call);
}
END_TEST

START_TEST(test_write_and_read)
{
	static const float w[6] = { 0.1f, -2, 3, 4, 5, FLT_MAX };
	static const unsigned char mask[3] = { 1, 0, 1 };
	static const int64_t ids[2] = { -1, INT64_MAX };
	const struct tn_st_item items[] = {
		{ "mask", TN_BOOL, 1, { 3 }, mask }, { "w\"\n\u00e9", TN_F32, 2, { 2, 3 }, w },
		{ "ids", TN_I64, 1, { 2 }, ids }, { "a", TN_F32, 0, { 0 }, w },
		{ "none", TN_F32, 2, { 0, 7 }, NULL },
	};
	struct tn_call *call = tn_call_create();
	struct tn_value *metadata = tn_new_object(tn_call_arena(call));
	char *path = temporary("f"), *head = malloc(16);
	struct tn_safetensors *f;
	float x[6];
	int64_t back[2];
	FILE *raw;

	tn_set(tn_call_arena(call), metadata, "format", tn_new_text(tn_call_arena(call), "pt"));
	ck_assert_int_eq(tn_st_write(path, items, 5, metadata, call), 0);
	ck_assert_str_eq(tn_error_text(call), "");
	f = accept(call);
	ck_assert_uint_eq(tn_st_count(f), 5);
	ck_assert_str_eq(tn_st_at(f, 0)->name, "ids");	/* widest first, then by name */
	ck_assert_str_eq(tn_st_at(f, 1)->name, "a");
	ck_assert_str_eq(tn_st_at(f, 2)->name, "none");
	ck_assert_str_eq(tn_st_at(f, 4)->name, "mask");
	ck_assert_int_eq(tn_st_read(f, tn_st_find(f, "w\"\n\u00e9"), x, call), 0);
	ck_assert_mem_eq(x, w, sizeof(w));
	ck_assert_int_eq(tn_st_read(f, tn_st_find(f, "ids"), back, call), 0);
	ck_assert_mem_eq(back, ids, sizeof(ids));
	ck_assert_str_eq(tn_string(tn_get(tn_st_metadata(f), "format"), ""), "pt");
	tn_st_close(f);
	raw = fopen(path, "rb");
	ck_assert_uint_eq(fread(head, 1, 9, raw), 9);
	fclose(raw);
	ck_assert_int_eq(head[0] % 8, 0);	/* the data are aligned */
	ck_assert_int_eq(head[8], '{');
	free(head);
	free(path);
	tn_call_destroy(call);
}
END_TEST

static int n_files(void)
{
	char command[128];
	FILE *p;
	int n = 0;

	snprintf(command, sizeof(command), "ls -A '%s'", temporary_path);
	p = popen(command, "r");
	for (int c; (c = getc(p)) != EOF; )
		n += c == '\n';
	pclose(p);
	return n;
}

START_TEST(test_write_errors)
{
	static const float w[2];
	const struct tn_st_item twice[] = { { "a", TN_F32, 1, { 2 }, w }, { "a", TN_F32, 1, { 2 },
		w } };
	const struct tn_st_item name = { "\xff", TN_F32, 1, { 2 }, w };
	const struct tn_st_item meta = { "__metadata__", TN_F32, 1, { 2 }, w };
	const struct tn_st_item rank = { "a", TN_F32, 9, { 2 }, w };
	const struct tn_st_item large = { "a", TN_F32, 2, { (uint64_t)1 << 40, 1 << 30 }, w };
	struct tn_call *call = tn_call_create();
	struct rlimit limit = { 64, RLIM_INFINITY };
	char *path = temporary("f"), *deep = temporary("no/such/f"), message[128];

	ck_assert_int_eq(tn_st_write(path, twice, 2, NULL, call), TN_EINTERNAL);
	tn_clear(call);
	ck_assert_int_eq(tn_st_write(path, &name, 1, NULL, call), TN_EINTERNAL);
	tn_clear(call);
	ck_assert_int_eq(tn_st_write(path, &meta, 1, NULL, call), TN_EINTERNAL);
	tn_clear(call);
	ck_assert_int_eq(tn_st_write(path, &rank, 1, NULL, call), TN_EINTERNAL);
	tn_clear(call);
	ck_assert_int_eq(tn_st_write(path, &large, 1, NULL, call), TN_EINTERNAL);
	tn_clear(call);
	ck_assert_int_eq(tn_st_write(deep, twice, 1, NULL, call), TN_EIO);
	snprintf(message, sizeof(message), "%s: No such file or directory", deep);
	ck_assert_str_eq(tn_error_text(call), message);
	tn_clear(call);
	/* A file that would grow too large: the old one stays, nothing lies beside it. */
	temporary_text("f", "old");
	signal(SIGXFSZ, SIG_IGN);
	ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &limit), 0);
	ck_assert_int_eq(tn_st_write(path, twice, 1, NULL, call), TN_EIO);
	snprintf(message, sizeof(message), "%s: File too large", path);
	ck_assert_str_eq(tn_error_text(call), message);
	ck_assert_int_eq(n_files(), 1);
	tn_clear(call);
	ck_assert_int_eq(unlink(path), 0);
	ck_assert_int_eq(mkdir(path, 0777), 0);
	limit.rlim_cur = RLIM_INFINITY;
	setrlimit(RLIMIT_FSIZE, &limit);
	ck_assert_int_eq(tn_st_write(path, twice, 1, NULL, call), TN_EIO);
	ck_assert_int_eq(n_files(), 1);
	free(path);
	free(deep);
	tn_call_destroy(call);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("safetensors");

	TN_ADD_IN_TEMPORARY(suite, test_lengths);
	TN_ADD_IN_TEMPORARY(suite, test_header_cap);
	TN_ADD_IN_TEMPORARY(suite, test_headers_that_are_refused);
	TN_ADD_IN_TEMPORARY(suite, test_nesting);
	TN_ADD_IN_TEMPORARY(suite, test_odd_shapes);
	TN_ADD_IN_TEMPORARY(suite, test_spaces_and_alignment);
	TN_ADD_IN_TEMPORARY(suite, test_a_million_tensors);
	TN_ADD_IN_TEMPORARY(suite, test_many_metadata_and_long_names);
	TN_ADD_IN_TEMPORARY(suite, test_nonfinite);
	TN_ADD_IN_TEMPORARY(suite, test_names_are_only_keys);
	TN_ADD_IN_TEMPORARY(suite, test_only_regular_files);
	TN_ADD_IN_TEMPORARY(suite, test_shrinks_while_open);
	TN_ADD_IN_TEMPORARY(suite, test_other_kinds_of_files);
	TN_ADD(suite, test_rounding_to_half);
	TN_ADD_IN_TEMPORARY(suite, test_half_precision);
	TN_ADD_IN_TEMPORARY(suite, test_long_tensor_is_read_in_pieces);
	TN_ADD_IN_TEMPORARY(suite, test_mutations);
	TN_ADD_IN_TEMPORARY(suite, test_write_and_read);
	TN_ADD_IN_TEMPORARY(suite, test_write_errors);
	return tn_check_main(suite);
}
