/* SPDX-License-Identifier: Apache-2.0
 * tests/tokenizers/test_wordpiece.c - the tokenizer wordpiece against what Hugging Face
 * tokenizers 0.22.2 made of the same text (tests/golden/wordpiece.py), and on broken files.
 */
#include "tokenizers/tokenizer.h"

#include "check_main.h"

static const char *const names[] = { "uncased", "cased", "added" };

static char *golden(const char *name, char path[PATH_MAX])
{
	snprintf(path, PATH_MAX, "%s/tests/golden/%s", getenv("top_srcdir"), name);
	return path;
}

static char *plugin_file(char path[PATH_MAX])
{
	snprintf(path, PATH_MAX, "%s/plugins/.libs/tokenizer-wordpiece.so",
		getenv("top_builddir"));
	return path;
}

static int open_dir(struct tokenizer *t, const char *dir, struct tn_call *call)
{
	char so[PATH_MAX];

	memset(t, 0, sizeof(*t));
	return tokenizer_open(t, plugin_file(so), dir, call);
}

static void open_golden(struct tokenizer *t, const char *name, struct tn_call *call)
{
	char relative[64], path[PATH_MAX];

	snprintf(relative, sizeof(relative), "wordpiece/%s", name);
	open_dir(t, golden(relative, path), call);
	ck_assert_str_eq(tn_error_text(call), "");
}

#define FIVE "[PAD]\n[UNK]\n[CLS]\n[SEP]\n[MASK]\n"
#define MODEL(members) "{\"pre_tokenizer\":{\"type\":\"BertPreTokenizer\"}," members "}"
#define WORDS "\"model\":{\"type\":\"WordPiece\",\"unk_token\":\"[UNK]\"," \
	"\"vocab\":{\"[UNK]\":0,\"a\":1}}"

static void write_file(const char *dir, const char *name, const char *text, size_t len)
{
	char path[PATH_MAX];
	FILE *file;

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	file = fopen(path, "wb");
	ck_assert_ptr_nonnull(file);
	fwrite(text, 1, len, file);
	fclose(file);
}

static uint32_t fnv(const struct tn_tokens *tokens)
{
	uint32_t h = 0x811c9dc5;

	for (size_t i = 0; i < tokens->n; i++) {
		const struct tn_token *t = &tokens->items[i];
		uint32_t row[4] = { (uint32_t)t->id, (uint32_t)t->word, t->begin, t->end };

		for (int k = 0; k < 16; k++)
			h = (h ^ (row[k / 4] >> k % 4 * 8 & 255)) * 0x01000193;
	}
	return h;
}

START_TEST(test_sample_is_as_recorded)
{
	struct tn_call *call = tn_call_create(), *work = tn_call_create();
	char path[PATH_MAX], name[64], *line = NULL, recorded[16];
	size_t size = 0, n = 0;
	struct tokenizer t;
	FILE *text, *hashes;
	ssize_t len;

	open_golden(&t, names[_i], call);
	text = fopen(golden("wordpiece/sample.txt", path), "rb");
	snprintf(name, sizeof(name), "wordpiece/%s.fnv", names[_i]);
	hashes = fopen(golden(name, path), "r");
	ck_assert(text && hashes);
	while ((len = getline(&line, &size, text)) > 0) {
		struct tn_tokens out = { 0 };

		tn_call_reset(work);
		ck_assert_int_eq(t.impl->encode(t.self, (struct tn_text){ line, (size_t)len - 1 },
			&out, work), 0);
		ck_assert_ptr_nonnull(fgets(recorded, sizeof(recorded), hashes));
		ck_assert_msg(strtoul(recorded, NULL, 16) == fnv(&out), "line %zu: %.60s", n + 1,
			line);
		n++;
	}
	ck_assert_uint_eq(n, 10579);
	ck_assert_ptr_null(fgets(recorded, sizeof(recorded), hashes));
	fclose(text);
	fclose(hashes);
	free(line);
	tokenizer_close(&t);
	tn_call_destroy(work);
	tn_call_destroy(call);
}
END_TEST

static struct tn_text from_hex(const char *hex, struct tn_call *call)
{
	size_t n = strlen(hex) / 2;
	char *text = tn_alloc(call, n + 1);

	for (size_t i = 0; i < n; i++) {
		unsigned byte;

		sscanf(hex + 2 * i, "%2x", &byte);
		text[i] = (char)byte;
	}
	return (struct tn_text){ text, n };
}

static void check_tokens(const struct tn_tokens *out, const struct tn_value *want,
	const char *name)
{
	ck_assert_msg(out->n == tn_size(want), "%s: %zu tokens, expected %zu", name, out->n,
		tn_size(want));
	for (size_t i = 0; i < out->n; i++) {
		const struct tn_token *t = &out->items[i];
		int64_t row[4] = { t->id, t->word, t->begin, t->end };

		for (size_t k = 0; k < 4; k++)
			ck_assert_msg(row[k] == tn_int(tn_at(tn_at(want, i), k), -2),
				"%s: token %zu", name, i);
	}
}

/* Splits at ASCII space as Python's bytes.split() does. */
static size_t split(struct tn_text text, struct tn_text *words)
{
	size_t n = 0;

	for (size_t i = 0; i < text.len;) {
		size_t begin = i;

		while (i < text.len && !strchr(" \t\n\r\v\f", text.text[i] ? text.text[i] : 'x'))
			i++;
		if (i > begin)
			words[n++] = (struct tn_text){ text.text + begin, i - begin };
		i += i == begin;
	}
	return n;
}

static void check_decoded(const struct tokenizer *t, const struct tn_tokens *tokens,
	const struct tn_value *want, struct tn_call *call)
{
	int32_t *ids = tn_alloc_n(call, tokens->n + 2, sizeof(*ids));
	struct tn_text text;

	/* The recorder framed the ids with 0 and 3. */
	for (size_t i = 0; i < tokens->n; i++)
		ids[i + 1] = tokens->items[i].id;
	ids[tokens->n + 1] = 3;
	ck_assert_int_eq(t->impl->decode(t->self, ids, tokens->n + 2, 0, &text, call), 0);
	ck_assert_str_eq(text.text, tn_string(tn_get(want, "decoded"), ""));
	ck_assert_int_eq(t->impl->decode(t->self, ids, tokens->n + 2, 1, &text, call), 0);
	ck_assert_str_eq(text.text, tn_string(tn_get(want, "skipped"), ""));
}

START_TEST(test_hostile_strings_are_as_recorded)
{
	struct tn_call *call = tn_call_create();
	char path[PATH_MAX];
	struct tokenizer t;
	const struct tn_value *all = tokenizer_tree(golden("wordpiece", path), "strings.json",
		tn_call_arena(call), call);

	ck_assert_str_eq(tn_error_text(call), "");
	ck_assert_uint_eq(tn_size(all), 55);
	open_golden(&t, names[_i], call);
	for (size_t i = 0; i < tn_size(all); i++) {
		const struct tn_value *record = tn_at(all, i), *want = tn_get(record, names[_i]);
		const char *name = tn_string(tn_get(record, "name"), "");
		struct tn_text text = from_hex(tn_string(tn_get(record, "hex"), ""), call);
		struct tn_text *words = tn_alloc_n(call, text.len + 1, sizeof(*words));
		struct tn_tokens out = { 0 }, by_word = { 0 };

		ck_assert_int_eq(t.impl->encode(t.self, text, &out, call), 0);
		check_tokens(&out, tn_get(want, "tokens"), name);
		ck_assert_int_eq(t.impl->encode_words(t.self, words, split(text, words), &by_word,
			call), 0);
		check_tokens(&by_word, tn_get(want, "words"), name);
		check_decoded(&t, &out, want, call);
	}
	tokenizer_close(&t);
	tn_call_destroy(call);
}
END_TEST

/* A quadratic step would take hours on these. */
START_TEST(test_time_is_linear)
{
	static const char *const units[] = { "a", "\xcc\x81", "\xcc\xa3\xcc\x81", "[", "[MASK",
		"\xe1\xb7\xb9\xcc\xb4", "\xe2\x80\x8d", "\xff", "Sir ", " " };
	struct tn_call *call = tn_call_create();
	struct tokenizer t;

	open_golden(&t, names[_i], call);
	for (size_t u = 0; u < sizeof(units) / sizeof(units[0]); u++) {
		size_t len = strlen(units[u]), n = 1000000;
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

/* A token that takes the spaces behind it takes all of them, once, in linear time. */
START_TEST(test_stripped_spaces_are_walked_once)
{
	static const char json[] = MODEL(WORDS ",\"added_tokens\":[{\"content\":\" \","
		"\"rstrip\":true,\"lstrip\":true,\"normalized\":false}]");
	char dir[] = "/tmp/tenon-wordpiece-XXXXXX", path[PATH_MAX];
	struct tn_call *call = tn_call_create();
	struct tn_tokens out = { 0 };
	struct tokenizer t;
	size_t n = 1000000;
	char *text = malloc(n);

	ck_assert_ptr_nonnull(mkdtemp(dir));
	write_file(dir, "tokenizer.json", json, strlen(json));
	ck_assert_int_eq(open_dir(&t, dir, call), 0);
	memset(text, ' ', n);
	ck_assert_int_eq(t.impl->encode(t.self, (struct tn_text){ text, n }, &out, call), 0);
	ck_assert_uint_eq(out.n, 1);
	ck_assert_int_eq(out.items[0].id, 2);
	ck_assert_uint_eq(out.items[0].end, n);
	free(text);
	tokenizer_close(&t);
	tn_call_destroy(call);
	snprintf(path, sizeof(path), "%s/tokenizer.json", dir);
	unlink(path);
	rmdir(dir);
}
END_TEST

START_TEST(test_info)
{
	struct tn_call *call = tn_call_create();
	const struct tn_tokenizer_info *info;
	struct tokenizer t;

	open_golden(&t, "uncased", call);
	info = t.impl->info(t.self);
	ck_assert_uint_eq(info->vocab_size, 5000);
	ck_assert_str_eq(t.impl->piece(t.self, info->unk), "[UNK]");
	ck_assert_str_eq(t.impl->piece(t.self, info->cls), "[CLS]");
	ck_assert_str_eq(t.impl->piece(t.self, info->sep), "[SEP]");
	ck_assert_str_eq(t.impl->piece(t.self, info->pad), "[PAD]");
	ck_assert_str_eq(t.impl->piece(t.self, info->mask), "[MASK]");
	ck_assert_int_eq(info->bos, -1);
	ck_assert_ptr_null(t.impl->piece(t.self, -1));
	ck_assert_ptr_null(t.impl->piece(t.self, 5000));
	ck_assert_uint_eq(info->max_length, 512);
	ck_assert_uint_eq(info->n_single, 3);
	ck_assert_uint_eq(info->n_pair, 5);
	ck_assert_int_eq(info->pair[3].type, 1);
	tokenizer_close(&t);
	tn_call_destroy(call);
}
END_TEST

struct broken {
	const char *file, *text;	/* NULL text: made by the test */
	const char *message;		/* a part of it; NULL: accepted */
};

static const struct broken files[] = {
	{ "vocab.txt", "", "vocab.txt: empty, expected one piece a line" },
	{ "vocab.txt", "a\nb\n", "no piece \"[UNK]\", the unk_token" },
	{ "vocab.txt", "[UNK]\n[CLS]\n[PAD]\n", "no piece \"[SEP]\", the sep_token" },
	{ "vocab.txt", "[UNK]\n[SEP]\n[PAD]\n", "no piece \"[CLS]\", the cls_token" },
	{ "vocab.txt", "[UNK]\n[SEP]\n[CLS]\n", "no piece \"[PAD]\", the pad_token" },
	{ "vocab.txt", FIVE "a\nb\na\n", "vocab.txt:8: the piece \"a\" stands on line 6 too" },
	{ "vocab.txt", FIVE "\nb\n", NULL },
	{ "vocab.txt", "[PAD]\r\n[UNK]\r\n[CLS]\r\n[SEP]\r\na\r\n", NULL },
	{ "vocab.txt", FIVE "a", NULL },
	{ "vocab.txt", "\xef\xbb\xbf" FIVE, NULL },
	{ "vocab.txt", FIVE "a\xff\n", "vocab.txt:6: byte 1 of the line is not UTF-8" },
	{ "tokenizer.json", "", "byte 0: expected an object" },
	{ "tokenizer.json", "\xef\xbb\xbf{}", "byte 0: expected an object" },
	{ "tokenizer.json", "{} {}", "byte 3: text behind the end of the value" },
	{ "tokenizer.json", "{}", "no model with a vocabulary" },
	{ "tokenizer.json", MODEL(WORDS), NULL },
	{ "tokenizer.json", MODEL(WORDS ",\"a\":[{},[],0.5e-3,\"\\ud83d\\ude00\",true,null]"),
		NULL },
	{ "tokenizer.json", MODEL(WORDS ",\"a\":[1,]"), "expected a value" },
	{ "tokenizer.json", MODEL(WORDS ",\"a\":01"), "expected , or }" },
	{ "tokenizer.json", MODEL(WORDS ",\"a\":{1:2}"), "expected a string" },
	{ "tokenizer.json", MODEL(WORDS ",\"a\":\"\\ud83d\""), "half of a surrogate pair" },
	{ "tokenizer.json", MODEL(WORDS ",\"a\":\"\\x\""), "an unknown escape in a string" },
	{ "tokenizer.json", MODEL(WORDS ",\"a\":\"\n\""), "a control character in a string" },
	{ "tokenizer.json", MODEL(WORDS ",\"a\":\"\xc0\x80\""), "not UTF-8" },
	{ "tokenizer.json", MODEL(WORDS ",\"a\":\""), "a string without end" },
	{ "tokenizer.json", MODEL("\"model\":{\"type\":\"BPE\"}"),
		"type \"BPE\" is not known to the tokenizer wordpiece" },
	{ "tokenizer.json", MODEL(WORDS ",\"normalizer\":{\"type\":\"NFKC\"}"),
		"tokenizer.json: normalizer: type \"NFKC\" is not known" },
	{ "tokenizer.json", "{" WORDS ",\"pre_tokenizer\":{\"type\":\"ByteLevel\"}}",
		"tokenizer.json: pre_tokenizer: type \"ByteLevel\" is not known" },
	{ "tokenizer.json", MODEL(WORDS ",\"decoder\":{\"type\":\"Odd\"}"),
		"tokenizer.json: decoder: type \"Odd\" is not known" },
	{ "tokenizer.json", MODEL(WORDS ",\"post_processor\":{\"type\":\"Nowhere\"}"),
		"tokenizer.json: post_processor: type \"Nowhere\" is not known" },
	{ "tokenizer.json", MODEL(WORDS ",\"post_processor\":{\"type\":\"TemplateProcessing\","
		"\"single\":[{\"SpecialToken\":{\"id\":\"[CLS]\",\"type_id\":0}}]}"),
		"the template has \"[CLS]\", which is not among the special tokens" },
	{ "tokenizer.json", MODEL(WORDS ",\"post_processor\":{\"type\":\"TemplateProcessing\","
		"\"single\":[{\"Sequence\":{\"id\":\"A\"}},{\"Sequence\":{\"id\":\"A\"}}]}"),
		"\"single\" has sequence A 2 times" },
	{ "tokenizer.json", MODEL(WORDS ",\"post_processor\":{\"type\":\"BertProcessing\","
		"\"cls\":[\"[CLS]\",2],\"sep\":[\"[SEP]\",1]}"), "\"cls\" names no token" },
	{ "tokenizer.json", MODEL("\"model\":{\"unk_token\":\"[UNK]\",\"vocab\":{\"[UNK]\":-1}}"),
		"\"-1\" is no integer" },
	{ "tokenizer.json", MODEL("\"model\":{\"unk_token\":\"[UNK]\",\"vocab\":{\"[UNK]\":1.5}}"),
		"\"1.5\" is no integer" },
	{ "tokenizer.json", MODEL("\"model\":{\"vocab\":{\"[UNK]\":2147483648}}"),
		"\"2147483648\" is no integer" },
	{ "tokenizer.json", MODEL("\"model\":{\"vocab\":{\"[UNK]\":0,\"a\":7}}"),
		"\"a\" has id 7, but there are only 2 pieces" },
	{ "tokenizer.json", MODEL("\"model\":{\"vocab\":{\"[UNK]\":0,\"a\":1,\"b\":1}}"),
		"both have id 1" },
	{ "tokenizer.json", MODEL("\"model\":{\"vocab\":{\"a\":0}}"),
		"no piece \"[UNK]\", the unk_token" },
	{ "tokenizer.json", MODEL(WORDS ",\"added_tokens\":[{\"id\":5}]"),
		"added_tokens: item 0 has no text" },
};

static void check_file(const char *name, const char *text, size_t len, const char *message)
{
	char dir[] = "/tmp/tenon-wordpiece-XXXXXX", path[PATH_MAX];
	struct tn_call *call = tn_call_create();
	struct tokenizer t;

	ck_assert_ptr_nonnull(mkdtemp(dir));
	write_file(dir, name, text, len);
	open_dir(&t, dir, call);
	if (message)
		ck_assert_msg(tn_status(call) == TN_EDATA &&
			strstr(tn_error_text(call), message), "%s: %s", message,
			tn_error_text(call));
	else
		ck_assert_str_eq(tn_error_text(call), "");
	tokenizer_close(&t);
	tn_call_destroy(call);
	snprintf(path, sizeof(path), "%s/%s", dir, name);
	unlink(path);
	rmdir(dir);
}

START_TEST(test_broken_files_are_refused)
{
	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++)
		check_file(files[i].file, files[i].text, strlen(files[i].text), files[i].message);
}
END_TEST

START_TEST(test_long_lines_and_nul_are_refused)
{
	char text[2048] = FIVE;
	size_t at = strlen(text);

	memset(text + at, 'x', 1025);
	check_file("vocab.txt", text, at + 1024, NULL);
	check_file("vocab.txt", text, at + 1025, "vocab.txt:6: a piece of 1025 bytes");
	text[at + 2] = '\0';
	check_file("vocab.txt", text, at + 20, "vocab.txt:6: byte 2 of the line is NUL");
}
END_TEST

START_TEST(test_deep_json_is_refused)
{
	char text[400];

	memset(text, '[', sizeof(text));
	memcpy(text, "{\"a\":", 5);
	check_file("tokenizer.json", text, sizeof(text), "more than 128 levels");
}
END_TEST

START_TEST(test_vocab_size_of_the_model)
{
	char dir[] = "/tmp/tenon-wordpiece-XXXXXX", path[PATH_MAX];
	static const char config[] = "{\"vocab_size\":4}";
	struct tn_call *call = tn_call_create();
	struct tokenizer t;

	ck_assert_ptr_nonnull(mkdtemp(dir));
	write_file(dir, "vocab.txt", FIVE, strlen(FIVE));
	write_file(dir, "config.json", config, strlen(config));
	ck_assert_int_eq(open_dir(&t, dir, call), TN_EDATA);
	ck_assert_ptr_nonnull(strstr(tn_error_text(call),
		"5 pieces, but config.json has a vocab_size of 4"));
	tokenizer_close(&t);
	tn_call_destroy(call);
	snprintf(path, sizeof(path), "%s/vocab.txt", dir);
	unlink(path);
	snprintf(path, sizeof(path), "%s/config.json", dir);
	unlink(path);
	rmdir(dir);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("wordpiece");
	TCase *recorded = tcase_create("recorded");

	tcase_set_timeout(recorded, 300);
	tcase_add_loop_test(recorded, test_sample_is_as_recorded, 0, 3);
	tcase_add_loop_test(recorded, test_hostile_strings_are_as_recorded, 0, 3);
	tcase_add_loop_test(recorded, test_time_is_linear, 0, 3);
	suite_add_tcase(suite, recorded);
	TN_ADD(suite, test_stripped_spaces_are_walked_once);
	TN_ADD(suite, test_info);
	TN_ADD(suite, test_broken_files_are_refused);
	TN_ADD(suite, test_long_lines_and_nul_are_refused);
	TN_ADD(suite, test_deep_json_is_refused);
	TN_ADD(suite, test_vocab_size_of_the_model);
	return tn_check_main(suite);
}
