/* SPDX-License-Identifier: Apache-2.0
 * tests/tokenizers/test_bpe.c - the tokenizer bpe against what Hugging Face tokenizers 0.22.2
 * made of the same text (tests/golden/bpe.py), and on broken files.
 */
#include "tokenizers/recorded.h"

static const char *const names[] = {
	"roberta", "prefixed", "lines", "marks", "clip", "falcon",
};
#define N_NAMES ((int)(sizeof(names) / sizeof(names[0])))

static void open_golden(struct tokenizer *t, const char *name, struct tn_call *call)
{
	char relative[64];

	snprintf(relative, sizeof(relative), "bpe/%s", name);
	recorded_open_golden(t, "bpe", relative, call);
}

START_TEST(test_sample_is_as_recorded)
{
	struct tn_call *call = tn_call_create();
	struct tokenizer t;
	char hashes[64];

	open_golden(&t, names[_i], call);
	snprintf(hashes, sizeof(hashes), "bpe/%s.fnv", names[_i]);
	ck_assert_uint_eq(recorded_check_lines(&t, "wordpiece/sample.txt", hashes), 10579);
	tokenizer_close(&t);
	tn_call_destroy(call);
}
END_TEST

/* The recorder framed the ids with 1 and 2. */
static void check_decoded(const struct tokenizer *t, const struct tn_tokens *tokens,
	const struct tn_value *want, const char *name, struct tn_call *call)
{
	int32_t *ids = tn_alloc_n(call, tokens->n + 2, sizeof(*ids));
	struct tn_text text;

	ids[0] = 1;
	for (size_t i = 0; i < tokens->n; i++)
		ids[i + 1] = tokens->items[i].id;
	ids[tokens->n + 1] = 2;
	for (int skip = 0; skip < 2; skip++) {
		const struct tn_value *expected = tn_get(want, skip ? "skipped" : "decoded");

		ck_assert_int_eq(t->impl->decode(t->self, ids, tokens->n + 2, skip, &text, call),
			0);
		ck_assert_msg(text.len == tn_string_length(expected) &&
			!memcmp(text.text, tn_string(expected, ""), text.len), "%s: %s, expected %s",
			name, text.text, tn_string(expected, ""));
	}
}

START_TEST(test_hostile_strings_are_as_recorded)
{
	struct tn_call *call = tn_call_create();
	char path[PATH_MAX];
	struct tokenizer t;
	const struct tn_value *all = tokenizer_tree(recorded_path("bpe", path), "strings.json",
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

		ck_assert_int_eq(t.impl->encode(t.self, text, &out, call), 0);
		recorded_check_tokens(&out, tn_get(want, "tokens"), name);
		check_decoded(&t, &out, want, name, call);
		ck_assert_int_eq(t.impl->encode_words(t.self, words, recorded_split(text, words),
			&by_word, call), 0);
		recorded_check_tokens(&by_word, tn_get(want, "words"), name);
	}
	tokenizer_close(&t);
	tn_call_destroy(call);
}
END_TEST

/* vocab.json and merges.txt give the ids that tokenizer.json gives. */
START_TEST(test_plain_files_are_roberta)
{
	struct tn_call *call = tn_call_create();
	char path[PATH_MAX], vocab[PATH_MAX + 16], merges[PATH_MAX + 16];
	static const char sentence[] = "It's 1234  caf\xc3\xa9s </s>";
	struct tn_text text = { sentence, sizeof(sentence) - 1 };
	struct tn_tokens a = { 0 }, b = { 0 };
	struct tokenizer t, plain = { .plugin = NULL };
	struct tn_tokenizer_files files = { 0 };

	open_golden(&t, "roberta", call);
	recorded_path("bpe/plain", path);
	snprintf(vocab, sizeof(vocab), "%s/vocab.json", path);
	snprintf(merges, sizeof(merges), "%s/merges.txt", path);
	files = (struct tn_tokenizer_files){ .directory = path, .vocab_json = vocab,
		.merges_txt = merges };
	plain.self = calloc(1, t.plugin->state);
	ck_assert_int_eq(t.impl->open(plain.self, &files, call), 0);
	ck_assert_int_eq(t.impl->encode(t.self, text, &a, call), 0);
	ck_assert_int_eq(t.impl->encode(plain.self, text, &b, call), 0);
	ck_assert_uint_eq(a.n, b.n);
	ck_assert_mem_eq(a.items, b.items, a.n * sizeof(*a.items));
	ck_assert_uint_eq(t.impl->info(plain.self)->n_pair, 6);
	t.impl->close(plain.self);
	free(plain.self);
	tokenizer_close(&t);
	tn_call_destroy(call);
}
END_TEST

/* A quadratic step would take hours on these. */
START_TEST(test_time_is_linear)
{
	static const char *const units[] = { "a", "^", "\xcc\x81", "\xcc\xa3\xcc\x81", "<", "<mask",
		"\xe2\x96\x81", "\xff", "Holmes ", " ", "\x01" };
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

	open_golden(&t, "roberta", call);
	info = t.impl->info(t.self);
	ck_assert_uint_eq(info->vocab_size, 1002);
	ck_assert_str_eq(t.impl->piece(t.self, info->unk), "<unk>");
	ck_assert_str_eq(t.impl->piece(t.self, info->cls), "<s>");
	ck_assert_str_eq(t.impl->piece(t.self, info->sep), "</s>");
	ck_assert_str_eq(t.impl->piece(t.self, info->pad), "<pad>");
	ck_assert_str_eq(t.impl->piece(t.self, info->mask), "<mask>");
	ck_assert_ptr_null(t.impl->piece(t.self, -1));
	ck_assert_ptr_null(t.impl->piece(t.self, 1002));
	ck_assert_uint_eq(info->n_single, 3);
	ck_assert_uint_eq(info->n_pair, 6);
	ck_assert_int_eq(info->pair[4].type, 0);
	tokenizer_close(&t);
	tn_call_destroy(call);
}
END_TEST

struct broken {
	const char *text;
	const char *message;	/* a part of it; NULL: accepted */
};

#define WORDS "\"vocab\":{\"a\":0,\"b\":1,\"ab\":2}"
#define MODEL(members) "{\"model\":{\"type\":\"BPE\"," WORDS "," members "}}"
#define WITH(part) "{\"model\":{" WORDS ",\"merges\":[\"a b\"]}," part "}"
#define TYPE(part, type) WITH("\"" part "\":{\"type\":\"" type "\"}")

static const struct broken json[] = {
	{ MODEL("\"merges\":[\"a b\"]"), NULL },
	{ MODEL("\"merges\":[[\"a\",\"b\"]]"), NULL },
	{ "{\"model\":{\"merges\":[\"a b\"]," WORDS "}}", NULL },
	{ MODEL("\"dropout\":0.0,\"merges\":[]"), NULL },
	{ "{\"model\":{}}", "no model with a vocabulary" },
	{ "{\"model\":{" WORDS "}}", "model: no merges" },
	{ "{\"model\":{\"type\":\"Unigram\"}}", "byte 26: model: type \"Unigram\" is not known" },
	{ MODEL("\"merges\":[\"ab\"]"), "the merge \"ab\", expected two pieces with one space" },
	{ MODEL("\"merges\":[\"a b b\"]"), "the merge \"a b b\", expected two pieces" },
	{ MODEL("\"merges\":[[\"a\"]]"), "expected a merge of two pieces" },
	{ MODEL("\"merges\":[[\"a\",\"b\",\"b\"]]"), "expected a merge of two pieces" },
	{ MODEL("\"merges\":[\"a b\",\"a c\"]"), "merge 2: no piece \"c\"" },
	{ MODEL("\"merges\":[\"b a\"]"), "merge 1: no piece that \"b\" and \"a\" could become" },
	{ MODEL("\"merges\":{}"), "expected a list" },
	{ MODEL("\"dropout\":0.1,\"merges\":[]"), "dropout is \"0.1\", only null is supported" },
	{ MODEL("\"fuse_unk\":2,\"merges\":[]"), "expected true or false" },
	{ MODEL("\"unk_token\":\"u\",\"merges\":[]"), "no piece \"u\", the unk_token" },
	{ TYPE("normalizer", "Odd"), "normalizer: type \"Odd\" is not known" },
	{ TYPE("pre_tokenizer", "Odd"), "pre_tokenizer: type \"Odd\" is not known" },
	{ TYPE("post_processor", "Odd"), "post_processor: type \"Odd\" is not known" },
	{ TYPE("decoder", "Odd"), "decoder: type \"Odd\" is not known" },
	{ WITH("\"decoder\":{\"type\":\"CTC\",\"pad_token\":\"\"}"), "a CTC of no character" },
	{ WITH("\"pre_tokenizer\":{\"type\":\"CharDelimiterSplit\",\"delimiter\":\"ab\"}"),
		"delimiter is \"ab\", expected one character" },
	{ TYPE("normalizer", "Prepend"), "normalizer: no text \"prepend\"" },
	{ WITH("\"pre_tokenizer\":{\"type\":\"Split\",\"pattern\":{\"Regex\":\"a+\"},"
		"\"behavior\":\"Isolated\"}"), "the regular expression \"a+\" is not among those" },
	{ WITH("\"pre_tokenizer\":{\"type\":\"Split\",\"pattern\":{\"String\":\"a+\"},"
		"\"behavior\":\"Isolated\"}"), NULL },
	{ WITH("\"pre_tokenizer\":{\"type\":\"Split\",\"pattern\":{\"String\":\"\"},"
		"\"behavior\":\"Isolated\"}"), "an empty pattern" },
	{ WITH("\"pre_tokenizer\":{\"type\":\"Split\",\"pattern\":{\"String\":\"a\"},"
		"\"behavior\":\"Odd\"}"), "behavior \"Odd\" is not known" },
	{ WITH("\"pre_tokenizer\":{\"type\":\"Metaspace\",\"prepend_scheme\":\"odd\"}"),
		"prepend_scheme \"odd\" is not known" },
	{ WITH("\"pre_tokenizer\":{\"type\":\"FixedLength\",\"length\":0}"),
		"length of a FixedLength is no number of characters above 0" },
	{ WITH("\"decoder\":{\"type\":\"Strip\",\"content\":\"\"}"), "a Strip of no character" },
};

START_TEST(test_broken_json_is_refused)
{
	for (size_t i = 0; i < sizeof(json) / sizeof(json[0]); i++)
		recorded_check_file("bpe", "tokenizer.json", json[i].text, strlen(json[i].text),
			json[i].message);
}
END_TEST

/* What tokenizers 0.22.2 makes of these. */
static const struct decoding {
	const char *decoder;
	int32_t ids[10];
	size_t n;
	const char *text;
} decodings[] = {
	{ "\"WordPiece\",\"prefix\":\"##\",\"cleanup\":true", { 1, 0, 1, 2, 3, 1, 2 }, 7,
		"##b ab. dob." },
	{ "\"WordPiece\",\"prefix\":\"##\",\"cleanup\":false", { 1, 0, 1, 2, 3, 1, 2 }, 7,
		"##b ab . dob ." },
	{ "\"WordPiece\"", { 0, 1, 3, 4, 2 }, 5, "ab do not." },
	{ "\"CTC\"", { 6, 0, 0, 6, 0, 5, 5, 7, 6, 2 }, 10, "aa x y." },
	{ "\"CTC\",\"cleanup\":false", { 6, 0, 0, 6, 0, 5, 5, 7, 6, 2 }, 10, "aa|x|y." },
	{ "\"CTC\"", { 6, 6 }, 2, "" },
};

START_TEST(test_decoders_of_other_models_are_known)
{
	const struct decoding *d = &decodings[_i];
	struct tn_call *call = tn_call_create();
	struct tn_text text;
	struct tokenizer t;
	char file[512];

	snprintf(file, sizeof(file), "{\"model\":{\"vocab\":{\"a\":0,\"##b\":1,\".\":2,\"do\":3,"
		"\"not\":4,\"|\":5,\"<pad>\":6,\"x|<pad>y\":7},\"merges\":[]},\"decoder\":{"
		"\"type\":%s}}", d->decoder);
	recorded_open_file(&t, "bpe", "tokenizer.json", file, strlen(file), call);
	ck_assert_str_eq(tn_error_text(call), "");
	ck_assert_int_eq(t.impl->decode(t.self, d->ids, d->n, 0, &text, call), 0);
	ck_assert_str_eq(text.text, d->text);
	tokenizer_close(&t);
	tn_call_destroy(call);
}
END_TEST

#define ANY "[^\\\\r\\\\n\\\\p{L}\\\\p{N}]?"
#define CAPITAL "[\\\\p{Lu}\\\\p{Lt}\\\\p{Lm}\\\\p{Lo}\\\\p{M}]"
#define SMALL "[\\\\p{Ll}\\\\p{Lm}\\\\p{Lo}\\\\p{M}]"
#define SHORT "(?i:'s|'t|'re|'ve|'m|'ll|'d)?"
#define O200K "\"pre_tokenizer\":{\"type\":\"Split\",\"pattern\":{\"Regex\":\"" \
	ANY CAPITAL "*" SMALL "+" SHORT "|" ANY CAPITAL "+" SMALL "*" SHORT "|\\\\p{N}{1,3}" \
	"| ?[^\\\\s\\\\p{L}\\\\p{N}]+[\\\\r\\\\n/]*|\\\\s*[\\\\r\\\\n]+|\\\\s+(?!\\\\S)|\\\\s+" \
	"\"},\"behavior\":\"Isolated\",\"invert\":false}"

static const struct encoding {
	const char *part, *text;
	size_t n;
	int32_t rows[8][4];	/* id, word, begin, end (bytes) */
} encodings[] = {
	{ "\"normalizer\":{\"type\":\"Nmt\"}", "a\tb\xe2\x80\x8b\001a\xe2\x96\x81\177b\037", 7,
		{ { 0, 0, 0, 1 }, { 2, 0, 1, 2 }, { 1, 0, 2, 3 }, { 2, 0, 3, 6 }, { 0, 0, 7, 8 },
		{ 2, 0, 8, 11 }, { 1, 0, 12, 13 } } },
	{ "\"pre_tokenizer\":{\"type\":\"CharDelimiterSplit\",\"delimiter\":\"b\"}", "abba ab", 4,
		{ { 0, 0, 0, 1 }, { 0, 1, 3, 4 }, { 2, 1, 4, 5 }, { 0, 1, 5, 6 } } },
	{ "\"pre_tokenizer\":{\"type\":\"FixedLength\",\"length\":3}", "abxa\xc3\xa9 bb", 6,
		{ { 0, 0, 0, 1 }, { 1, 0, 1, 2 }, { 0, 1, 3, 4 }, { 2, 1, 4, 6 }, { 1, 2, 7, 8 },
		{ 1, 2, 8, 9 } } },
	{ "\"pre_tokenizer\":{\"type\":\"UnicodeScripts\"}", " ab \xe3\x81\x82" "a\xe3\x82\xab"
		"\xe4\xb8\x80" "b\xe3\x83\xbc" "a1b ", 8,
		{ { 0, 0, 1, 2 }, { 1, 0, 2, 3 }, { 2, 0, 3, 4 }, { 0, 2, 7, 8 }, { 1, 4, 14, 15 },
		{ 0, 6, 18, 19 }, { 1, 8, 20, 21 }, { 2, 8, 21, 22 } } },
	{ O200K, "aBab'S b", 5, { { 0, 0, 0, 1 }, { 0, 1, 1, 2 }, { 1, 1, 2, 3 }, { 2, 2, 6, 7 },
		{ 1, 2, 7, 8 } } },
	{ O200K, "BB\xe4\xb8\xad" "Ba\xcc\x81" "BB'lla", 2, { { 0, 0, 0, 1 }, { 0, 2, 14, 15 } } },
	{ O200K, "\xcc\x81" "BBa  b!/\n/a1234a\r\n a", 8, { { 0, 0, 0, 2 }, { 2, 1, 5, 6 },
		{ 2, 2, 6, 7 }, { 1, 2, 7, 8 }, { 0, 4, 12, 13 }, { 0, 7, 17, 18 }, { 2, 9, 20, 21 },
		{ 0, 9, 21, 22 } } },
	{ O200K, "\xe4\xb8\xad" "BB b", 2, { { 2, 2, 5, 6 }, { 1, 2, 6, 7 } } },
};

START_TEST(test_rare_parts_are_known)
{
	const struct encoding *e = &encodings[_i];
	char file[1024];

	snprintf(file, sizeof(file), "{\"model\":{\"vocab\":{\"a\":0,\"b\":1,\" \":2},"
		"\"merges\":[]},%s}", e->part);
	recorded_check_rows("bpe", file, e->text, e->rows, e->n);
}
END_TEST

/* What tokenizers 0.22.2 makes of a special token of Llama 2's kind: it stands behind a space. */
START_TEST(test_added_tokens_stand_behind_marks)
{
	static const char file[] = "{\"added_tokens\":[{\"id\":3,\"content\":\"<s>\",\"special\":true,"
		"\"normalized\":true}],\"normalizer\":{\"type\":\"Sequence\",\"normalizers\":["
		"{\"type\":\"Prepend\",\"prepend\":\"\xe2\x96\x81\"},{\"type\":\"Replace\",\"pattern\":"
		"{\"String\":\" \"},\"content\":\"\xe2\x96\x81\"}]},\"model\":{\"type\":\"BPE\","
		"\"unk_token\":\"<unk>\",\"fuse_unk\":true,\"vocab\":{\"\xe2\x96\x81\":0,\"a\":1,"
		"\"<unk>\":2,\"<s>\":3,\"\xe2\x96\x81" "a\":4},\"merges\":[\"\xe2\x96\x81 a\"]}}";
	static const int32_t rows[][4] = { { 3, 0, 0, 3 }, { 1, 1, 3, 4 }, { 0, 1, 4, 5 },
		{ 4, 1, 5, 7 }, { 3, 2, 7, 11 }, { 1, 3, 11, 12 }, { 2, 3, 12, 15 },
		{ 0, 3, 15, 16 }, { 2, 3, 16, 18 } };

	recorded_check_rows("bpe", file, "<s>a  a <s>a<s> bb", rows, 9);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("bpe");
	TCase *recorded = tcase_create("recorded");

	tcase_set_timeout(recorded, 300);
	tcase_add_loop_test(recorded, test_sample_is_as_recorded, 0, N_NAMES);
	tcase_add_loop_test(recorded, test_hostile_strings_are_as_recorded, 0, N_NAMES);
	tcase_add_loop_test(recorded, test_time_is_linear, 0, N_NAMES);
	tcase_add_loop_test(recorded, test_decoders_of_other_models_are_known, 0,
		sizeof(decodings) / sizeof(decodings[0]));
	tcase_add_loop_test(recorded, test_rare_parts_are_known, 0,
		sizeof(encodings) / sizeof(encodings[0]));
	suite_add_tcase(suite, recorded);
	TN_ADD(suite, test_plain_files_are_roberta);
	TN_ADD(suite, test_added_tokens_stand_behind_marks);
	TN_ADD(suite, test_info);
	TN_ADD(suite, test_broken_json_is_refused);
	return tn_check_main(suite);
}
