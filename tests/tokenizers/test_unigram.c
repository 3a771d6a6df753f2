/* SPDX-License-Identifier: Apache-2.0
 * tests/tokenizers/test_unigram.c - the tokenizers unigram and wordlevel against what Hugging
 * Face tokenizers 0.22.2, sentencepiece 0.2.3 and transformers 4.57.6 made of the same text
 * (tests/golden/unigram.py), and on broken files.
 */
#include "tokenizers/recorded.h"

/* "level" is one of the plugin wordlevel. */
static const char *const names[] = { "words", "marks", "model", "merged", "folded", "stripped",
	"general", "level", "word", "char" };
#define N_NAMES (sizeof(names) / sizeof(names[0]))

static void open_golden(struct tokenizer *t, const char *name, struct tn_call *call)
{
	char relative[64];

	snprintf(relative, sizeof(relative), "unigram/%s", name);
	recorded_open_golden(t, strcmp(name, "level") ? "unigram" : "wordlevel", relative, call);
}

START_TEST(test_sample_is_as_recorded)
{
	struct tn_call *call = tn_call_create();
	struct tokenizer t;
	char hashes[64];

	open_golden(&t, names[_i], call);
	snprintf(hashes, sizeof(hashes), "unigram/%s.fnv", names[_i]);
	ck_assert_uint_eq(recorded_check_lines(&t, "wordpiece/sample.txt", hashes), 10579);
	tokenizer_close(&t);
	tn_call_destroy(call);
}
END_TEST

/* The recorder framed the ids of the tokenizers with 1 and 2. */
static void check_decoded(const struct tokenizer *t, const struct tn_tokens *tokens,
	const struct tn_value *want, struct tn_call *call)
{
	int32_t *ids = tn_alloc_n(call, tokens->n + 2, sizeof(*ids));
	const struct tn_value *decoded = tn_get(want, "decoded");
	struct tn_text text;

	ids[0] = 1;
	for (size_t i = 0; i < tokens->n; i++)
		ids[i + 1] = tokens->items[i].id;
	ids[tokens->n + 1] = 2;
	ck_assert_int_eq(t->impl->decode(t->self, ids, tokens->n + 2, 1, &text, call), 0);
	ck_assert_str_eq(text.text, tn_string(tn_get(want, "skipped"), ""));
	if (!decoded)
		return;
	ck_assert_int_eq(t->impl->decode(t->self, ids, tokens->n + 2, 0, &text, call), 0);
	ck_assert_str_eq(text.text, tn_string(decoded, ""));
}

START_TEST(test_hostile_strings_are_as_recorded)
{
	struct tn_call *call = tn_call_create();
	char path[PATH_MAX];
	struct tokenizer t;
	const struct tn_value *all = tokenizer_tree(recorded_path("unigram", path), "strings.json",
		tn_call_arena(call), call);

	ck_assert_str_eq(tn_error_text(call), "");
	ck_assert_uint_eq(tn_size(all), 52);
	open_golden(&t, names[_i], call);
	for (size_t i = 0; i < tn_size(all); i++) {
		const struct tn_value *record = tn_at(all, i), *want = tn_get(record, names[_i]);
		const char *name = tn_string(tn_get(record, "name"), "");
		struct tn_text text = recorded_from_hex(tn_string(tn_get(record, "hex"), ""), call);
		struct tn_text *words = tn_alloc_n(call, text.len + 1, sizeof(*words));
		struct tn_tokens out = { 0 }, by_word = { 0 };

		if (!want)
			continue;
		ck_assert_int_eq(t.impl->encode(t.self, text, &out, call), 0);
		recorded_check_tokens(&out, tn_get(want, "tokens"), name);
		check_decoded(&t, &out, want, call);
		if (!tn_get(want, "words"))
			continue;
		ck_assert_int_eq(t.impl->encode_words(t.self, words, recorded_split(text, words),
			&by_word, call), 0);
		recorded_check_tokens(&by_word, tn_get(want, "words"), name);
	}
	tokenizer_close(&t);
	tn_call_destroy(call);
}
END_TEST

/* A quadratic step would take hours on these. */
START_TEST(test_time_is_linear)
{
	static const char *const units[] = { "a", "^", "\xcc\x81", "\xcc\xa3\xcc\x81", "<", "<mask",
		"\xe2\x96\x81", "\xe2\x80\x8d", "\xff", "Sir ", " ", "\x01" };
	struct tn_call *call = tn_call_create();
	struct tokenizer t;

	open_golden(&t, names[_i], call);
	for (size_t u = 0; u < sizeof(units) / sizeof(units[0]); u++) {
		size_t len = strlen(units[u]), n = TN_MANY(100000);
		char *text = malloc(n * len);
		struct tn_tokens out = { 0 };

		for (size_t i = 0; i < n; i++)
			memcpy(text + i * len, units[u], len);
		tn_call_reset(call);
		ck_assert_int_eq(t.impl->encode(t.self, (struct tn_text){ text, n * len }, &out,
			call), 0);
		free(text);
	}
	tokenizer_close(&t);
	tn_call_destroy(call);
}
END_TEST

START_TEST(test_info)
{
	struct tn_call *call = tn_call_create();
	const struct tn_tokenizer_info *info;
	struct tokenizer t;

	open_golden(&t, names[_i], call);
	info = t.impl->info(t.self);
	ck_assert_uint_eq(info->vocab_size, _i ? 1800 : 1546);
	ck_assert_str_eq(t.impl->piece(t.self, info->unk), "<unk>");
	ck_assert_str_eq(t.impl->piece(t.self, 1), "<s>");
	ck_assert_ptr_null(t.impl->piece(t.self, -1));
	ck_assert_ptr_null(t.impl->piece(t.self, 1800));
	ck_assert_str_eq(t.impl->piece(t.self, info->mask), "<mask>");
	ck_assert_str_eq(t.impl->piece(t.self, info->pad), "<pad>");
	ck_assert_uint_eq(info->n_single, _i < 2 ? 3 : 1);
	ck_assert_uint_eq(info->n_pair, _i < 2 ? 6 : 2);
	tokenizer_close(&t);
	tn_call_destroy(call);
}
END_TEST

static const char *const families[] = { "xlm-roberta", "camembert", "deberta-v2", "albert",
	"xlnet", "t5" };
#define N_FAMILIES (sizeof(families) / sizeof(families[0]))

/* The golden model as if it were one of a family. */
static void open_family(struct tokenizer *t, const char *dir, const char *family,
	struct tn_call *call)
{
	char path[PATH_MAX], relative[PATH_MAX], target[PATH_MAX], config[64];
	int n = snprintf(config, sizeof(config), "{\"model_type\":\"%s\"}", family);

	recorded_write(dir, "config.json", config, (size_t)n);
	snprintf(path, sizeof(path), "%s/spiece.model", dir);
	recorded_path("unigram/model/spiece.model", relative);
	ck_assert_ptr_nonnull(realpath(relative, target));
	ck_assert_int_eq(symlink(target, path), 0);
	recorded_open(t, "unigram", dir, call);
	ck_assert_str_eq(tn_error_text(call), "");
	unlink(path);
	snprintf(path, sizeof(path), "%s/config.json", dir);
	unlink(path);
	rmdir(dir);
}

static void check_ids(const struct tokenizer *t, const struct tn_value *text,
	const struct tn_value *ids, struct tn_call *call)
{
	struct tn_tokens out = { 0 };

	ck_assert_int_eq(t->impl->encode(t->self, (struct tn_text){ tn_string(text, NULL),
		tn_string_length(text) }, &out, call), 0);
	ck_assert_msg(out.n == tn_size(ids), "%s: %zu tokens, expected %zu", tn_string(text, ""),
		out.n, tn_size(ids));
	for (size_t i = 0; i < out.n; i++)
		ck_assert_msg(out.items[i].id == tn_int(tn_at(ids, i), -1), "%s: token %zu",
			tn_string(text, ""), i);
}

/* The recorder stood 7 for the first text, 8 for the second. */
static void check_template(const struct tn_template_item *items, size_t n,
	const struct tn_value *ids, const struct tn_value *types)
{
	ck_assert_uint_eq(n, tn_size(ids));
	for (size_t i = 0; i < n; i++) {
		ck_assert_int_eq(items[i].id < 0 ? 7 + items[i].sequence : items[i].id,
			tn_int(tn_at(ids, i), -1));
		if (types)
			ck_assert_int_eq(items[i].type, tn_int(tn_at(types, i), -1));
	}
}

START_TEST(test_families_are_as_recorded)
{
	char dir[] = "/tmp/tenon-tokenizer-XXXXXX", path[PATH_MAX];
	struct tn_call *call = tn_call_create();
	const struct tn_value *all = tokenizer_tree(recorded_path("unigram", path),
		"families.json", tn_call_arena(call), call);
	const struct tn_value *texts = tn_get(all, "texts");
	const struct tn_value *want = tn_get(tn_get(all, "families"), families[_i]);
	const struct tn_tokenizer_info *info;
	struct tokenizer t;

	ck_assert_ptr_nonnull(mkdtemp(dir));
	open_family(&t, dir, families[_i], call);
	ck_assert_uint_ge(tn_size(texts), 50);
	for (size_t i = 0; i < tn_size(texts); i++)
		check_ids(&t, tn_at(texts, i), tn_at(tn_get(want, "ids"), i), call);
	info = t.impl->info(t.self);
	check_template(info->single, info->n_single, tn_get(want, "single"), NULL);
	check_template(info->pair, info->n_pair, tn_get(want, "pair"), tn_get(want, "types"));
	tokenizer_close(&t);
	tn_call_destroy(call);
}
END_TEST

struct broken {
	const char *text;
	size_t len;		/* 0: to the NUL */
	const char *message;	/* a part of it; NULL: accepted */
};

#define MODEL(members) "{\"pre_tokenizer\":{\"type\":\"Metaspace\",\"replacement\":" \
	"\"\xe2\x96\x81\"},\"model\":{\"type\":\"Unigram\"," members "}"
#define WORDS "\"unk_id\":0,\"vocab\":[[\"<unk>\",0],[\"a\",-1.5]]}"
#define CHARSMAP(base64) MODEL(WORDS ",\"normalizer\":{\"type\":\"Precompiled\"," \
	"\"precompiled_charsmap\":\"" base64 "\"}")

static const struct broken json[] = {
	{ MODEL(WORDS), 0, NULL },
	{ MODEL("\"vocab\":[]}"), 0, "no model with a vocabulary" },
	{ MODEL("\"vocab\":{\"a\":1}}"), 0, "byte 92: expected a list" },
	{ MODEL("\"vocab\":[[]]}"), 0, "byte 95: expected a piece and its score" },
	{ MODEL("\"vocab\":[\"a\"]}"), 0, "byte 93: expected a list" },
	{ MODEL("\"vocab\":[[\"a\"]]}"), 0, "expected the score of \"a\"" },
	{ MODEL("\"vocab\":[[1,\"a\"]]}"), 0, "byte 94: expected a string" },
	{ MODEL("\"vocab\":[[\"a\",\"b\"]]}"), 0, "expected a number" },
	{ MODEL("\"vocab\":[[\"a\",NaN]]}"), 0, "expected a number" },
	{ MODEL("\"vocab\":[[\"a\",-1e999]]}"), 0, "the score \"-1e999\" is out of range" },
	{ MODEL("\"vocab\":[[\"a\",1,2]]}"), 0, "expected ] behind the score of \"a\"" },
	{ MODEL("\"unk_id\":1,\"vocab\":[[\"a\",0]]}"), 0,
		"byte 93: unk_id is 1, but there are only 1 pieces" },
	{ MODEL("\"unk_id\":-1,\"vocab\":[[\"a\",0]]}"), 0, "\"-1\" is no integer" },
	{ MODEL("\"unk_id\":null,\"vocab\":[[\"a\",0]]}"), 0, NULL },
	{ MODEL("\"byte_fallback\":1,\"vocab\":[[\"a\",0]]}"), 0, "expected true or false" },
	{ "{\"model\":{\"type\":\"BPE\"}}", 0, "type \"BPE\" is not known" },
	{ "{\"model\":{" WORDS ",\"pre_tokenizer\":{\"type\":\"Odd\"}}", 0,
		"pre_tokenizer: type \"Odd\" is not known" },
	{ MODEL(WORDS ",\"normalizer\":{\"type\":\"Odd\"}"), 0,
		"normalizer: type \"Odd\" is not known" },
	{ CHARSMAP(""), 0, "charsmap: byte 0: the base64 ends within a group" },
	{ CHARSMAP("AAA*"), 0, "charsmap: byte 3: not base64" },
	{ CHARSMAP("AAAA"), 0, "charsmap: 3 bytes, expected 8 at least" },
	{ CHARSMAP("CAAAAAAAAAAAAAA="), 0, "byte 0: a double array of 8 bytes in a table of 11" },
	{ CHARSMAP("BAAAAAAFAABh"), 0,
		"byte 4: unit 0 of the double array leads to unit 1 of 1" },
	{ CHARSMAP("BAAAAAABAABh"), 0,
		"byte 4: unit 0 of the double array leads to byte 256 of 1 of the replacements" },
	{ CHARSMAP("BAAAAAAAAAD/"), 0, "byte 8: a replacement is not UTF-8" },
};

START_TEST(test_broken_json_is_refused)
{
	for (size_t i = 0; i < sizeof(json) / sizeof(json[0]); i++)
		recorded_check_file("unigram", "tokenizer.json", json[i].text,
			strlen(json[i].text), json[i].message);
}
END_TEST

/* Pieces: "a" unknown, and "b" with a score. */
#define A "\x0a\x05\x0a\x01\x61\x18\x02"
#define B "\x0a\x08\x0a\x01\x62\x15\x00\x00\x80\xbf"
#define BINARY(text) (text), sizeof(text) - 1

static const struct broken models[] = {
	{ BINARY(A B), NULL },
	{ BINARY(A B "\x12\x02\x18\x01" "\x1a\x00" "\x22\x00" "\x2a\x00"), NULL },
	{ BINARY(""), "none of its 0 pieces is of the type unknown" },
	{ BINARY(B), "none of its 1 pieces is of the type unknown" },
	{ BINARY(A "\x0a\x08\x0a"), "byte 7: a value goes beyond byte 10" },
	{ BINARY("\x0a\x05\x0a\x09\x61\x18\x02"), "byte 2: a value goes beyond byte 7" },
	{ BINARY(A "\x0a"), "byte 8: a number goes beyond byte 8" },
	{ BINARY(A "\x80\x80"), "byte 7: a number goes beyond byte 9" },
	{ BINARY(A "\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff"),
		"a number of more than 10 bytes" },
	{ BINARY(A "\x0d\x00\x00"), "byte 7: a number goes beyond byte 10" },
	{ BINARY(A "\x0b"), "byte 7: field 1 has the wire type 3" },
	{ BINARY(A "\x02\x00"), "byte 7: no field has this number" },
	{ BINARY(A "\x08\x01"), "byte 7: a piece has the wire type 0, expected 2" },
	{ BINARY(A "\x0a\x00"), "byte 7: an empty piece" },
	{ BINARY(A "\x0a\x03\x0a\x01\xff"), "byte 11: a piece is not UTF-8" },
	{ BINARY(A "\x0a\x05\x0a\x01\x62\x18\x07"), "byte 12: a piece of the type 7" },
	{ BINARY(A "\x0a\x08\x0a\x01\x62\x15\x00\x00\xc0\x7f"),
		"byte 12: the score nan, expected -1e+20 to 1e+20" },
	{ BINARY(A B B), "the pieces 1 and 2 are both \"b\"" },
	{ BINARY(A B "\x12\x02\x18\x05"), "byte 19: a model of the type 5, expected 1 to 4" },
	{ BINARY(A B "\x12\x02\x18\x02" "\x0a\x05\x0a\x01\x63\x18\x05"),
		"piece 2, \"c\", is of the type unused" },
	{ BINARY(A B "\x12\x03\x98\x02\x01"), "0 pieces for bytes, expected 256" },
	{ BINARY(A B "\x1a\x03\x12\x01x"), "precompiled_charsmap: 1 bytes, expected 8" },
};

static void check_pieces(const struct tokenizer *t, const char *text, size_t n,
	const int32_t *ids, struct tn_call *call)
{
	struct tn_tokens out = { 0 };

	ck_assert_int_eq(t->impl->encode(t->self, (struct tn_text){ text, strlen(text) }, &out,
		call), 0);
	ck_assert_uint_eq(out.n, n);
	for (size_t i = 0; i < n; i++)
		ck_assert_int_eq(out.items[i].id, ids[i]);
}

/* As sentencepiece 0.2.3 has it: "a" is unknown, "b" user-defined, "c", "bc" and "cc" normal. */
START_TEST(test_user_defined_pieces_are_not_merged)
{
	static const char model[] = A "\x0a\x05\x0a\x01\x62\x18\x04"
		"\x0a\x08\x0a\x01\x63\x15\x00\x00\x80\xbf"
		"\x0a\x09\x0a\x02\x62\x63\x15\x00\x00\x00\xc0"
		"\x0a\x09\x0a\x02\x63\x63\x15\x00\x00\x40\xc0"
		"\x12\x02\x18\x02" "\x1a\x02\x18\x00";
	struct tn_call *call = tn_call_create();
	struct tokenizer t;

	recorded_open_file(&t, "unigram", "spiece.model", BINARY(model), call);
	ck_assert_str_eq(tn_error_text(call), "");
	check_pieces(&t, "bccc", 3, (int32_t[]){ 1, 4, 2 }, call);
	check_pieces(&t, "ccbc", 3, (int32_t[]){ 4, 1, 2 }, call);
	check_pieces(&t, "xybc", 3, (int32_t[]){ 0, 1, 2 }, call);
	tokenizer_close(&t);
	tn_call_destroy(call);
}
END_TEST

START_TEST(test_pieces_that_begin_alike_are_found)
{
	static const char *const pieces[] = { "abcdefghx", "abcdefghyy", "abcdefgh", "abcdefghxz",
		"abcdefghy", "abcdefg", "abcdefghxa" };
	static const char file[] = "{\"model\":{\"type\":\"Unigram\",\"unk_id\":7,"
		"\"vocab\":[[\"abcdefghx\",-1],[\"abcdefghyy\",-1],[\"abcdefgh\",-1],[\"abcdefghxz\",-1],"
		"[\"abcdefghy\",-1],[\"abcdefg\",-1],[\"abcdefghxa\",-1],[\"?\",-9]]}}";
	struct tn_call *call = tn_call_create();
	struct tokenizer t;

	recorded_open_file(&t, "unigram", "tokenizer.json", file, strlen(file), call);
	ck_assert_str_eq(tn_error_text(call), "");
	for (int32_t i = 0; i < 7; i++)
		check_pieces(&t, pieces[i], 1, &i, call);
	tokenizer_close(&t);
	tn_call_destroy(call);
}
END_TEST

START_TEST(test_broken_words_are_refused)
{
	static const struct broken words[] = {
		{ "{\"model\":{\"type\":\"WordLevel\",\"vocab\":{\"a\":0,\"<unk>\":1}}}", 0, NULL },
		{ "{\"model\":{\"type\":\"WordLevel\",\"vocab\":{\"a\":0}}}", 0, NULL },
		{ "{\"model\":{\"type\":\"WordLevel\",\"vocab\":{}}}", 0,
			"no model with a vocabulary" },
		{ "{\"model\":{\"type\":\"WordLevel\",\"vocab\":[]}}", 0,
			"byte 37: expected an object" },
		{ "{\"model\":{\"type\":\"Odd\"}}", 0,
			"byte 22: model: type \"Odd\" is not known" },
		{ "{\"model\":{\"vocab\":{\"a\":0}},\"pre_tokenizer\":{\"type\":\"Odd\"}}", 0,
			"pre_tokenizer: type \"Odd\" is not known" },
	};

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		recorded_check_file("wordlevel", "tokenizer.json", words[i].text,
			strlen(words[i].text), words[i].message);
}
END_TEST

#define TRIM "\"post_processor\":{\"type\":\"ByteLevel\",\"trim_offsets\":true}"
#define ADDED "\"added_tokens\":[{\"id\":9,\"content\":\"<m>\",\"lstrip\":true,\"rstrip\":true," \
	"\"special\":true}]"
#define G "\xc4\xa0"	/* the character that stands for a space */
#define PIECES "\"model\":{\"type\":\"Unigram\",\"unk_id\":0,\"vocab\":[[\"<unk>\",0]," \
	"[\" a\",-1],[\"b  \",-2],[\"" G "c\",-1],[\"\xe2\x96\x81x" G "\",-3],[\"a\",-9]]}"

/* What tokenizers 0.22.2 makes of these. */
static const struct trimmed {
	const char *plugin, *file, *text;
	size_t n;
	int32_t rows[10][4];	/* id, word, begin, end (bytes) */
} trimmed[] = {
	{ "unigram", "{" PIECES "," TRIM "," ADDED "}", " ab   a" G "c ? <m> \xe2\x96\x81x" G " ab", 9,
		{ { 1, 0, 0, 2 }, { 2, 0, 2, 3 }, { 1, 0, 6, 7 }, { 3, 0, 9, 10 },
		{ 0, 0, 11, 12 }, { 6, 1, 13, 16 }, { 4, 2, 17, 21 }, { 1, 2, 24, 25 },
		{ 0, 2, 25, 26 } } },
	{ "unigram", "{" PIECES "," TRIM "," ADDED ",\"pre_tokenizer\":{\"type\":\"Metaspace\"}}",
		"a x" G " c", 4, { { 0, 0, 0, 1 }, { 5, 0, 0, 1 }, { 4, 1, 1, 3 },
		{ 0, 2, 5, 7 } } },
	{ "wordlevel", "{\"model\":{\"type\":\"WordLevel\",\"vocab\":{\" a\":0,\"b\":1,\"<unk>\":2,"
		"\" " G "\":3}}," TRIM "," ADDED ",\"pre_tokenizer\":{\"type\":\"Split\",\"pattern\":"
		"{\"String\":\" \"},\"behavior\":\"MergedWithNext\"}}",
		" a b a " G "  <m> a", 6, { { 0, 0, 0, 2 }, { 2, 1, 2, 4 }, { 0, 2, 5, 6 },
		{ 3, 3, 9, 9 }, { 4, 4, 11, 14 }, { 2, 5, 15, 16 } } },
	{ "wordpiece", "{\"model\":{\"type\":\"WordPiece\",\"vocab\":{\"[UNK]\":0,\"" G "a\":1,"
		"\"##b" G "\":2,\"<s>\":3,\"</s>\":4}}," ADDED ",\"pre_tokenizer\":{\"type\":"
		"\"BertPreTokenizer\"},\"post_processor\":{\"type\":\"RobertaProcessing\",\"sep\":"
		"[\"</s>\",4],\"cls\":[\"<s>\",3],\"add_prefix_space\":false}}",
		G "a " G "ab" G " <m> " G, 5, { { 1, 0, 2, 3 }, { 1, 1, 6, 7 }, { 2, 1, 7, 8 },
		{ 5, 2, 11, 14 }, { 0, 3, 15, 17 } } },
};

START_TEST(test_spaces_belong_to_no_offsets)
{
	const struct trimmed *e = &trimmed[_i];

	recorded_check_rows(e->plugin, e->file, e->text, e->rows, e->n);
}
END_TEST

START_TEST(test_broken_models_are_refused)
{
	for (size_t i = 0; i < sizeof(models) / sizeof(models[0]); i++)
		recorded_check_file("unigram", "spiece.model", models[i].text, models[i].len,
			models[i].message);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("unigram");
	TCase *recorded = tcase_create("recorded");

	tcase_set_timeout(recorded, 300);
	tcase_add_loop_test(recorded, test_sample_is_as_recorded, 0, N_NAMES);
	tcase_add_loop_test(recorded, test_hostile_strings_are_as_recorded, 0, N_NAMES);
	tcase_add_loop_test(recorded, test_time_is_linear, 0, N_NAMES);
	tcase_add_loop_test(recorded, test_families_are_as_recorded, 0, N_FAMILIES);
	tcase_add_loop_test(recorded, test_info, 0, 3);
	tcase_add_loop_test(recorded, test_spaces_belong_to_no_offsets, 0,
		sizeof(trimmed) / sizeof(trimmed[0]));
	suite_add_tcase(suite, recorded);
	TN_ADD(suite, test_broken_json_is_refused);
	TN_ADD(suite, test_user_defined_pieces_are_not_merged);
	TN_ADD(suite, test_pieces_that_begin_alike_are_found);
	TN_ADD(suite, test_broken_words_are_refused);
	TN_ADD(suite, test_broken_models_are_refused);
	return tn_check_main(suite);
}
