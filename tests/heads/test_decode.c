/* SPDX-License-Identifier: Apache-2.0
 * tests/heads/test_decode.c - the heads' answers to made-up scores.  A case is a text, its
 * pieces, scores and the answer that is expected, by the head's definition.
 */
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <tenon/impl/head.h>

#include "check_main.h"
#include "plugin/plugin.h"

#define MOST 64

/* A vocabulary: ids are places in it. */
static const char *const pieces[] = { "[UNK]", "[CLS]", "[SEP]", "[MASK]", "mic", "##ro", "##soft",
	"in", "oslo", "who", "?", NULL };

static const char *piece(const struct tn_tokenizer *self, int32_t id)
{
	(void)self;
	return id < 11 ? pieces[id] : NULL;
}

static const struct tn_tokenizer_impl tokenizer_impl = { .piece = piece };
static const struct tn_plugin tokenizer_plugin = { .impl.tokenizer = &tokenizer_impl };
static const struct tn_tokenizer tokenizer = { .plugin = &tokenizer_plugin };
static const struct tn_tokenizer_info info = { .vocab_size = 11, .unk = 0, .cls = 1, .sep = 2,
	.mask = 3, .pad = -1, .bos = -1, .eos = -1 };

/* A head with what it is given.  `crf`: start, end, then transitions; NULL: none. */
struct rig {
	struct tn_call *call;
	struct tn_head *head;
	const struct tn_head_impl *impl;
	struct tn_head_env env;
	const char *labels[8];
	const float *crf;
	struct tn_example example;
	struct tn_word words[MOST];
	struct tn_window windows[4];
	struct tn_window_token tokens[MOST];
	size_t n_tokens;
	struct tn_scores scores;
};

static const float *crf_tensor(const struct tn_head_env *env, const char *name, size_t rows,
	size_t cols, struct tn_call *call)
{
	const float *crf = ((const struct rig *)env->core)->crf;

	(void)cols;
	(void)call;
	if (!crf || !strcmp(name, "crf.start_transitions"))
		return crf;
	return crf + (strcmp(name, "crf.transitions") ? rows : 2 * rows);
}

static const struct tn_value *json(const char *text, struct tn_call *call)
{
	const struct tn_value *v = tn_json_parse(text, strlen(text), "test", tn_call_arena(call),
		call);

	ck_assert_str_eq(tn_error_text(call), "");
	return v;
}

/* Opens a head; options and config are JSON, labels stand in one text. */
static int rig_open(struct rig *rig, const char *name, const char *options, const char *labels,
	const char *config)
{
	const struct tn_plugin *plugin;
	char *at;

	rig->call = tn_call_create();
	plugin = tn_plugin_load(TN_HEAD, name, NULL, rig->call);
	ck_assert_msg(plugin != NULL, "%s", tn_error_text(rig->call));
	rig->head = tn_plugin_new(plugin, rig->call);
	rig->impl = plugin->impl.head;
	ck_assert_int_eq(tn_options_store(plugin, rig->head, json(options, rig->call), NULL,
		"heads.x", rig->call), 0);
	rig->env = (struct tn_head_env){ .name = "x", .labels = rig->labels,
		.config = json(config, rig->call), .tokenizer = &tokenizer,
		.tokenizer_info = &info, .tensor = crf_tensor, .core = rig };
	at = tn_printf(rig->call, "%s", labels);
	for (char *label; (label = strsep(&at, " "));)
		if (*label)
			rig->labels[rig->env.n_labels++] = label;
	return rig->impl->open ? rig->impl->open(rig->head, &rig->env, rig->call) : 0;
}

static void rig_close(struct rig *rig)
{
	if (rig->impl->close)
		rig->impl->close(rig->head);
	tn_plugin_free(rig->head);
	tn_call_destroy(rig->call);
}

/* The words of the text, by spaces. */
static void rig_text(struct rig *rig, const char *text, const char *pair)
{
	rig->example.text = (struct tn_text){ text, strlen(text) };
	rig->example.pair = (struct tn_text){ pair, pair ? strlen(pair) : 0 };
	rig->example.words = rig->words;
	for (size_t i = 0; text[i]; i++) {
		if (text[i] == ' ')
			continue;
		if (i == 0 || text[i - 1] == ' ')
			rig->words[rig->example.n_words++].begin = (uint32_t)i;
		rig->words[rig->example.n_words - 1].end = (uint32_t)i + 1;
	}
	rig->scores.example = &rig->example;
}

static int32_t id_of(const char *name)
{
	for (int32_t i = 0; pieces[i]; i++)
		if (!strcmp(pieces[i], name))
			return i;
	return 0;
}

/* Adds a window: its pieces, found one behind the other in the text, and behind the second
 * special token in the pair; `offset` is where in the long text it begins. */
static struct tn_window *rig_window(struct rig *rig, const char *list, size_t offset,
	const float *scores, size_t cols)
{
	struct tn_window *w = &rig->windows[rig->scores.n_windows++];
	char *copy = tn_printf(rig->call, "%s", list), *name;
	size_t at = rig->example.pair.text ? 0 : offset;
	int32_t specials = 0, word = -1;

	*w = (struct tn_window){ .tokens = rig->tokens + rig->n_tokens, .scores = scores,
		.cols = cols };
	while ((name = strsep(&copy, " "))) {
		struct tn_window_token *t = &rig->tokens[rig->n_tokens++];
		const char *text = specials > 1 ? rig->example.pair.text : rig->example.text.text;
		const char *bare = strncmp(name, "##", 2) ? name : name + 2;
		bool special = *name == '[' && strcmp(name, "[MASK]");

		word += bare == name;
		*t = (struct tn_window_token){ .id = id_of(name), .word = word,
			.sequence = special ? -1 : specials > 1 };
		w->n_tokens++;
		if (special) {
			at = ++specials > 1 ? offset : at;
			continue;
		}
		ck_assert_ptr_nonnull(strstr(text + at, bare));
		t->begin = (uint32_t)(strstr(text + at, bare) - text);
		t->end = t->begin + (uint32_t)strlen(bare);
		at = t->end;
	}
	w->rows = w->n_tokens;
	w->keep_begin = 1;
	w->keep_end = w->n_tokens - 1;
	for (size_t t = 0; t < w->n_tokens; t++)
		if (rig->example.pair.text && w->tokens[t].sequence == 1) {
			w->keep_begin = t;
			break;
		}
	rig->scores.windows = rig->windows;
	rig->scores.cols = cols;
	return w;
}

static void rig_joined(struct rig *rig, const float *joined, size_t rows, size_t cols)
{
	rig->scores.joined = joined;
	rig->scores.rows = rows;
	rig->scores.cols = cols;
}

/* Whether a value has all that is expected: numbers within 1e-6, lists of the same length,
 * objects with at least these members. */
static bool like(const struct tn_value *found, const struct tn_value *expected)
{
	enum tn_value_kind kind = tn_value_kind(expected);

	if (kind == TN_VALUE_REAL || kind == TN_VALUE_INT)
		return fabs(tn_real(found, NAN) - tn_real(expected, 0)) < 1e-6;
	if (kind == TN_VALUE_LIST && tn_value_kind(found) == TN_VALUE_FLOATS) {
		for (size_t i = 0; i < tn_size(expected); i++)
			if (!(fabs((double)tn_floats(found)[i] - tn_real(tn_at(expected, i), 0)) <
					1e-6))
				return false;
		return tn_size(found) == tn_size(expected);
	}
	if (tn_value_kind(found) != kind)
		return false;
	if (kind == TN_VALUE_STRING)
		return !strcmp(tn_string(found, ""), tn_string(expected, ""));
	for (size_t i = 0; i < tn_size(expected); i++)
		if (!like(kind == TN_VALUE_OBJECT ? tn_get(found, tn_key(expected, i)) :
				tn_at(found, i), tn_at(expected, i)))
			return false;
	return kind != TN_VALUE_LIST || tn_size(found) == tn_size(expected);
}

static void rig_expect(struct rig *rig, const char *expected)
{
	struct tn_value *answer = NULL;
	int status = rig->impl->decode(rig->head, &rig->scores, &answer, rig->call);

	ck_assert_msg(!status, "%s", tn_error_text(rig->call));
	ck_assert_msg(like(answer, json(expected, rig->call)), "found %s, expected %s",
		tn_json_print(answer, NULL, rig->call), expected);
	rig_close(rig);
}

static const struct {
	const char *options, *labels, *config;
	float scores[4];
	const char *expected;
} cls_cases[] = {
	/* The textbook's: softmax of (2, -1, -3). */
	{ "{}", "a b c", "{}", { 2, -1, -3 }, "{\"label\": \"a\", \"score\": 0.9464991, \"scores\": "
		"{\"a\": 0.9464991, \"b\": 0.0471236, \"c\": 0.0063774}}" },
	{ "{\"temperature\": 2.0}", "a b", "{}", { 0, 2 },
		"{\"label\": \"b\", \"score\": 0.7310586, \"scores\": {\"a\": 0.2689414}}" },
	{ "{\"min_score\": 0.8}", "a b", "{}", { 0, 1 }, "{\"label\": null, \"score\": 0.7310586}" },
	{ "{}", "a b", "{\"problem_type\": \"multi_label_classification\"}", { 1, -1 },
		"{\"labels\": [\"a\"], \"scores\": {\"a\": 0.7310586, \"b\": 0.2689414}}" },
	{ "{\"problem\": \"multi_label\", \"threshold\": 0.2}", "a b", "{}", { 1, -1 },
		"{\"labels\": [\"a\", \"b\"]}" },
	{ "{}", "a", "{}", { 2.5 }, "{\"value\": 2.5}" },
	{ "{}", "a b", "{\"problem_type\": \"regression\"}", { 2.5, -1 },
		"{\"values\": {\"a\": 2.5, \"b\": -1}}" },
	{ "{}", "a", "{\"problem_type\": \"single_label_classification\"}", { 3 },
		"{\"label\": \"a\", \"score\": 1}" },
	{ "{}", "a b", "{}", { 10000, -10000 }, "{\"score\": 1, \"scores\": {\"b\": 0}}" },
};

START_TEST(test_cls_answers)
{
	struct rig rig = { 0 };

	ck_assert_int_eq(rig_open(&rig, "cls", cls_cases[_i].options, cls_cases[_i].labels,
		cls_cases[_i].config), 0);
	rig_text(&rig, "x", NULL);
	rig_joined(&rig, cls_cases[_i].scores, 1, rig.env.n_labels);
	rig_expect(&rig, cls_cases[_i].expected);
}
END_TEST

START_TEST(test_cls_top_k_leaves_the_best_scores)
{
	static const float scores[4] = { 0, 3, 1, 3 };
	struct rig rig = { 0 };
	struct tn_value *answer;

	rig_open(&rig, "cls", "{\"top_k\": 2}", "a b c d", "{}");
	rig_text(&rig, "x", NULL);
	rig_joined(&rig, scores, 1, 4);
	ck_assert_int_eq(rig.impl->decode(rig.head, &rig.scores, &answer, rig.call), 0);
	ck_assert_uint_eq(tn_size(tn_get(answer, "scores")), 2);
	ck_assert_str_eq(tn_key(tn_get(answer, "scores"), 1), "d");
	ck_assert_str_eq(tn_string(tn_get(answer, "label"), ""), "b");
	rig_close(&rig);
}
END_TEST

START_TEST(test_heads_without_labels_are_refused)
{
	static const char *const heads[] = { "cls", "bio-crf" };
	struct rig rig = { 0 };

	ck_assert_int_eq(rig_open(&rig, heads[_i], "{}", "", "{}"), TN_ECONFIG);
	rig_close(&rig);
}
END_TEST

static const struct {
	const char *head, *options, *pieces;
	size_t cols;
} refusing[] = {
	{ "cls", "{}", NULL, 4 },
	{ "bio-crf", "{\"aggregation\": \"crf\"}", NULL, 4 },
	{ "bio-crf", "{}", "[CLS] in [SEP]", 4 },
	{ "span-qa", "{}", "[CLS] in [SEP] oslo [SEP]", 2 },
	{ "fill-mask", "{}", "[CLS] in [MASK] [SEP]", 4 },
};

START_TEST(test_scores_that_are_no_numbers_are_refused)
{
	struct rig rig = { 0 };
	struct tn_value *answer;
	float bad[32] = { 0 };

	for (size_t i = 3; i < 32; i++)
		bad[i] = i % 2 ? NAN : INFINITY;
	ck_assert_int_eq(rig_open(&rig, refusing[_i].head, refusing[_i].options, "O B-x I-x B-y",
		"{}"), 0);
	rig_text(&rig, "in [MASK]", strcmp(refusing[_i].head, "span-qa") ? NULL : "oslo");
	if (refusing[_i].pieces)
		rig_window(&rig, refusing[_i].pieces, 0, bad, refusing[_i].cols);
	rig_joined(&rig, bad, 1, refusing[_i].cols);
	ck_assert_int_eq(rig.impl->decode(rig.head, &rig.scores, &answer, rig.call), TN_EDATA);
	rig_close(&rig);
}
END_TEST

START_TEST(test_embed_gives_windows_the_length_1)
{
	static const float row[2] = { 0.3f, 0.4f };
	struct rig rig = { 0 };

	rig_open(&rig, "embed", _i ? "{\"normalize\": false}" : "{}", "", "{}");
	rig_text(&rig, "x", NULL);
	rig_joined(&rig, row, 1, 2);
	rig.scores.n_windows = 2;
	rig_expect(&rig, _i ? "[0.3, 0.4]" : "[0.6, 0.8]");
}
END_TEST

/* Softmax of (0, ln 2, ln 1): 1/4, 1/2, 1/4; ties to the lower id. */
START_TEST(test_fill_mask_gives_the_likeliest_pieces)
{
	static float scores[6 * 11];
	struct rig rig = { 0 };

	for (size_t i = 0; i < 66; i++)
		scores[i] = i % 11 == 0 || i % 11 == 7 || i % 11 == 8 ? 0 : -1000;
	scores[2 * 11 + 8] = logf(2);
	rig_open(&rig, "fill-mask", "{\"top_k\": 2}", "", "{}");
	rig_text(&rig, "in [MASK] ?", NULL);
	rig_window(&rig, "[CLS] in [MASK] ? [SEP]", 0, scores, 11);
	rig_expect(&rig, "[{\"label\": \"oslo\", \"text\": \"[MASK]\", \"bytes\": [3, 9], \"score\": "
		"0.5, \"pieces\": [{\"piece\": \"oslo\", \"id\": 8, \"score\": 0.5}, {\"piece\": "
		"\"[UNK]\", \"id\": 0, \"score\": 0.25}]}]");
}
END_TEST

START_TEST(test_fill_mask_wants_a_mask)
{
	static float scores[3 * 11];
	struct rig rig = { 0 };
	struct tn_value *answer;

	rig_open(&rig, "fill-mask", "{}", "", "{}");
	rig_text(&rig, "in", NULL);
	rig_window(&rig, "[CLS] in [SEP]", 0, scores, 11);
	ck_assert_int_eq(rig.impl->decode(rig.head, &rig.scores, &answer, rig.call), TN_EDATA);
	ck_assert_str_eq(tn_error_text(rig.call), "the text has no mask token, [MASK]");
	rig_close(&rig);
}
END_TEST

/* Tags O B-x I-x; the greedy path of the second word alone would be the forbidden O I-x.
 * Legal paths and their scores: OO 3, OB 3, BO 2, BB 2, BI 5. */
static const float two_words[6] = { 2, 1, 0, 1, 1, 4 };

START_TEST(test_crf_takes_legal_paths_alone)
{
	double z = 2 * exp(3) + 2 * exp(2) + exp(5);
	struct rig rig = { 0 };

	rig_open(&rig, "bio-crf", "{\"aggregation\": \"crf\"}", "O B-x I-x", "{}");
	rig_text(&rig, "mic oslo", NULL);
	rig_joined(&rig, two_words, 2, 3);
	rig_expect(&rig, tn_printf(rig.call, "[{\"label\": \"x\", \"text\": \"mic oslo\", \"bytes\": "
		"[0, 8], \"chars\": [0, 8], \"score\": %.9f}]", exp(5) / z));
}
END_TEST

/* Second best of two equals is O O, then O B: a span of the second word alone, whose
 * probability is that of all paths with B there. */
START_TEST(test_crf_nbest_adds_spans_with_their_rank)
{
	double z = 2 * exp(3) + 2 * exp(2) + exp(5);
	struct rig rig = { 0 };

	rig_open(&rig, "bio-crf", "{\"aggregation\": \"crf\", \"nbest\": 3}", "O B-x I-x", "{}");
	rig_text(&rig, "mic oslo", NULL);
	rig_joined(&rig, two_words, 2, 3);
	rig_expect(&rig, tn_printf(rig.call, "[{\"bytes\": [0, 8], \"rank\": 1}, {\"bytes\": [4, 8], "
		"\"rank\": 3, \"score\": %.9f}]", (exp(3) + exp(2)) / z));
}
END_TEST

START_TEST(test_crf_nbest_gives_a_span_once)
{
	/* Best B O O; then B O B, which has the first span too. */
	static const float scores[9] = { 0, 5, 0, 4, 0, 0, 1, 0, 0 };
	struct rig rig = { 0 };

	rig_open(&rig, "bio-crf", "{\"aggregation\": \"crf\", \"nbest\": 2}", "O B-x I-x", "{}");
	rig_text(&rig, "mic in oslo", NULL);
	rig_joined(&rig, scores, 3, 3);
	rig_expect(&rig, "[{\"bytes\": [0, 3], \"rank\": 1}, {\"bytes\": [7, 11], \"rank\": 2}]");
}
END_TEST

START_TEST(test_crf_transitions_and_min_score)
{
	/* start, end, transitions: I may hardly follow B. */
	static const float crf[3 + 3 + 9] = { 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, -3, 0, 0, 0 };
	struct rig rig = { .crf = crf };

	/* OO 3, OB 3, BO 2, BB 2, BI 2: the best is O O, so no spans. */
	rig_open(&rig, "bio-crf", "{}", "O B-x I-x", "{}");
	rig_text(&rig, "mic oslo", NULL);
	rig_joined(&rig, two_words, 2, 3);
	rig_expect(&rig, "[]");
	rig = (struct rig){ 0 };
	rig_open(&rig, "bio-crf", "{\"aggregation\": \"crf\", \"min_score\": 0.9}", "O B-x I-x", "{}");
	rig_text(&rig, "mic oslo", NULL);
	rig_joined(&rig, two_words, 2, 3);
	rig_expect(&rig, "[]");
}
END_TEST

/* In a plain scheme neighbours of one type are one span, and its score counts only the
 * paths where it is whole. */
START_TEST(test_plain_labels_join)
{
	static const float scores[6] = { 2, 0, 2, 0, 0, 2 };
	double p = exp(2) / (exp(2) + 1);
	struct rig rig = { 0 };

	rig_open(&rig, "bio-crf", "{\"aggregation\": \"crf\"}", "NOUN VERB", "{}");
	rig_text(&rig, "mic in oslo", NULL);
	rig_joined(&rig, scores, 3, 2);
	rig_expect(&rig, tn_printf(rig.call, "[{\"label\": \"NOUN\", \"bytes\": [0, 6], \"score\": "
		"%.9f}, {\"label\": \"VERB\", \"bytes\": [7, 11], \"score\": %.9f}]", p * p * p,
		p * p));
}
END_TEST

/* micro|soft oslo in: O, B-x, I-x, B-y; each row's softmax is that of logarithms. */
static const double token_p[7][4] = {
	{ 1, 0, 0, 0 }, { 0.1, 0.6, 0.2, 0.1 }, { 0.5, 0.1, 0.3, 0.1 }, { 0.1, 0.2, 0.7, 0 },
	{ 0.1, 0, 0, 0.9 }, { 0.2, 0, 0, 0.8 }, { 1, 0, 0, 0 },
};
#define Y "{\"label\": \"y\", \"bytes\": [10, 14], \"score\": 0.9}, " \
	"{\"label\": \"y\", \"bytes\": [15, 17], \"score\": 0.8}]"
static const struct {
	const char *how, *expected;
} aggregations[] = {
	{ "none", "[{\"label\": \"B-x\", \"bytes\": [0, 3], \"score\": 0.6}, {\"label\": \"I-x\", "
		"\"bytes\": [5, 9], \"score\": 0.7}, {\"label\": \"B-y\", \"bytes\": [10, 14]}, "
		"{\"label\": \"B-y\", \"bytes\": [15, 17]}]" },
	{ "simple", "[{\"label\": \"x\", \"bytes\": [0, 3], \"score\": 0.6}, {\"label\": \"x\", "
		"\"bytes\": [5, 9], \"score\": 0.7}, " Y },
	{ "first", "[{\"label\": \"x\", \"bytes\": [0, 9], \"score\": 0.6}, " Y },
	{ "max", "[{\"label\": \"x\", \"bytes\": [0, 9], \"score\": 0.7}, " Y },
	/* The mean of O is 0.233, of B-x 0.3, of I-x 0.4. */
	{ "average", "[{\"label\": \"x\", \"bytes\": [0, 9], \"score\": 0.4}, " Y },
};

START_TEST(test_aggregation_strategies)
{
	char options[64];
	float scores[28];
	struct rig rig = { 0 };

	for (size_t i = 0; i < 28; i++)
		scores[i] = (float)log(token_p[i / 4][i % 4] + 1e-30) + 3;
	snprintf(options, sizeof(options), "{\"aggregation\": \"%s\"}", aggregations[_i].how);
	rig_open(&rig, "bio-crf", options, "O B-x I-x B-y", "{}");
	rig_text(&rig, "microsoft oslo in", NULL);
	rig_window(&rig, "[CLS] mic ##ro ##soft oslo in [SEP]", 0, scores, 4);
	rig_expect(&rig, aggregations[_i].expected);
}
END_TEST

/* A question over a text in two windows that share "in": each span is counted once. */
static void two_windows(struct rig *rig, const char *options, const float *a, const float *b)
{
	struct tn_window *w;

	rig_open(rig, "span-qa", options, "", "{}");
	rig_text(rig, "who ?", "mic in oslo");
	w = rig_window(rig, "[CLS] who ? [SEP] mic in [SEP]", 0, a, 2);
	w = rig_window(rig, "[CLS] who ? [SEP] in oslo [SEP]", 4, b, 2);
	w->keep_begin = 5;
}

/* Rows: [CLS] who ? [SEP] and two of the text, [SEP]; columns: begin, end. */
static const float window_a[14] = { 1, 1, 9, 9, 9, 9, 9, 9, 4, 0, 1, 3, 9, 9 };
static const float window_b[14] = { 2, 1, 9, 9, 9, 9, 9, 9, 8, 0, 2, 3, 9, 9 };

START_TEST(test_qa_best_span_over_windows)
{
	/* mic 4, mic in 7, in 4; oslo 5; no answer 2.  "in oslo" of the second window, 11, is
	 * not its to give. */
	double z = exp(4) + exp(7) + exp(4) + exp(5) + exp(2);
	struct rig rig = { 0 };

	two_windows(&rig, "{\"nbest\": 2}", window_a, window_b);
	rig_expect(&rig, tn_printf(rig.call, "{\"text\": \"mic in\", \"bytes\": [0, 6], \"score\": "
		"%.9f, \"null_score\": %.9f, \"nbest\": [{\"text\": \"mic in\"}, {\"text\": \"oslo\", "
		"\"bytes\": [7, 11], \"score\": %.9f}]}", exp(7) / z, exp(2) / z, exp(5) / z));
}
END_TEST

START_TEST(test_qa_longest_answer)
{
	struct rig rig = { 0 };

	two_windows(&rig, "{\"max_answer_tokens\": 1}", window_a, window_b);
	rig_expect(&rig, "{\"text\": \"oslo\"}");
}
END_TEST

static const struct {
	const char *options, *expected;
} null_cases[] = {
	/* No answer scores 2, the best span 7. */
	{ "{\"null_threshold\": -5.1}", "{\"text\": null}" },
	{ "{\"null_threshold\": -4.9}", "{\"text\": \"mic in\"}" },
	{ "{\"null_threshold\": -5.1, \"null_answer\": false}", "{\"text\": \"mic in\"}" },
};

START_TEST(test_qa_threshold_of_no_answer)
{
	struct rig rig = { 0 };

	two_windows(&rig, null_cases[_i].options, window_a, window_b);
	rig_expect(&rig, null_cases[_i].expected);
}
END_TEST

/* Starts and ends are softmaxed apart, [CLS] among them; equal texts are added. */
START_TEST(test_qa_as_transformers)
{
	double sa = exp(1) + exp(4) + exp(1), ea = exp(1) + exp(0) + exp(3);
	double sb = exp(2) + exp(8) + exp(2), eb = exp(1) + exp(0) + exp(3);
	double in = exp(1 + 3) / sa / ea + exp(8 + 0) / sb / eb, both = exp(8 + 3) / sb / eb;
	struct rig rig = { 0 };

	two_windows(&rig, "{\"decode\": \"hf\", \"null_answer\": false, \"nbest\": 3}", window_a,
		window_b);
	rig_expect(&rig, tn_printf(rig.call, "{\"text\": \"in oslo\", \"score\": %.9f, \"nbest\": ["
		"{\"text\": \"in oslo\"}, {\"text\": \"mic in\", \"score\": %.9f}, {\"text\": \"in\", "
		"\"score\": %.9f}]}", both, exp(4 + 3) / sa / ea, in));
}
END_TEST

START_TEST(test_qa_needs_a_question_and_a_text)
{
	static const float scores[14];
	struct rig rig = { 0 };
	struct tn_value *answer;

	rig_open(&rig, "span-qa", "{}", "", "{}");
	rig_text(&rig, _i ? "" : "who ?", _i ? "oslo" : NULL);
	rig_window(&rig, _i ? "[CLS] [SEP] oslo [SEP]" : "[CLS] who ? [SEP]", 0, scores, 2);
	ck_assert_int_eq(rig.impl->decode(rig.head, &rig.scores, &answer, rig.call), TN_EDATA);
	ck_assert_str_eq(tn_error_text(rig.call), _i ? "the question is empty" :
		"a question needs a text beside it to answer from");
	rig_close(&rig);
}
END_TEST

START_TEST(test_qa_empty_text_has_no_answer)
{
	static const float scores[14];
	struct rig rig = { 0 };

	rig_open(&rig, "span-qa", _i ? "{\"decode\": \"hf\"}" : "{}", "", "{}");
	rig_text(&rig, "who ?", "");
	rig_window(&rig, "[CLS] who ? [SEP] [SEP]", 0, scores, 2);
	rig_expect(&rig, "{\"text\": null, \"score\": 1, \"null_score\": 1}");
}
END_TEST

/* A test of every row of a table. */
static void add_loop(Suite *suite, const char *name, const TTest *test, int n)
{
	TCase *c = tcase_create(name);

	tcase_set_timeout(c, 120);
	tcase_add_loop_test(c, test, 0, n);
	suite_add_tcase(suite, c);
}

#define ADD_ROWS(suite, test, table) \
	add_loop(suite, #test, test, (int)(sizeof(table) / sizeof((table)[0])))

int main(void)
{
	Suite *suite = suite_create("decode");

	ADD_ROWS(suite, test_cls_answers, cls_cases);
	TN_ADD(suite, test_cls_top_k_leaves_the_best_scores);
	add_loop(suite, "no labels", test_heads_without_labels_are_refused, 2);
	ADD_ROWS(suite, test_scores_that_are_no_numbers_are_refused, refusing);
	add_loop(suite, "embed", test_embed_gives_windows_the_length_1, 2);
	TN_ADD(suite, test_fill_mask_gives_the_likeliest_pieces);
	TN_ADD(suite, test_fill_mask_wants_a_mask);
	TN_ADD(suite, test_crf_takes_legal_paths_alone);
	TN_ADD(suite, test_crf_nbest_adds_spans_with_their_rank);
	TN_ADD(suite, test_crf_nbest_gives_a_span_once);
	TN_ADD(suite, test_crf_transitions_and_min_score);
	TN_ADD(suite, test_plain_labels_join);
	ADD_ROWS(suite, test_aggregation_strategies, aggregations);
	TN_ADD(suite, test_qa_best_span_over_windows);
	TN_ADD(suite, test_qa_longest_answer);
	ADD_ROWS(suite, test_qa_threshold_of_no_answer, null_cases);
	TN_ADD(suite, test_qa_as_transformers);
	add_loop(suite, "qa inputs", test_qa_needs_a_question_and_a_text, 2);
	add_loop(suite, "qa empty", test_qa_empty_text_has_no_answer, 2);
	return tn_check_main(suite);
}
