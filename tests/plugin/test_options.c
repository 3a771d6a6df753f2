/* SPDX-License-Identifier: Apache-2.0
 * tests/plugin/test_options.c - options: defaults, values, and a sentence for each fault.
 */
#include <stdint.h>
#include <string.h>
#include <tenon/impl/plugin.h>

#include "base/nearest.h"
#include "check_main.h"
#include "plugin/plugin.h"

struct state {
	struct tn_base base;
	bool exact;
	int64_t top_k;
	double min_score;
	const char *note, *weights, *unset;
	int32_t pool;
	struct tn_strings labels;
	int64_t any;
};

static const char *const pools[] = { "first", "mean", "last", NULL };
static const struct tn_option options[] = {
	TN_OPTION_BOOL(struct state, exact, true, "compare exactly"),
	TN_OPTION_INT(struct state, top_k, 5, 1, 100, "labels in an answer"),
	TN_OPTION_REAL(struct state, min_score, 0.5, 0, 1, "the least score"),
	TN_OPTION_STRING(struct state, note, "none", "a text"),
	TN_OPTION_PATH(struct state, weights, "a file"),
	TN_OPTION_STRING(struct state, unset, NULL, "a text without default"),
	TN_OPTION_CHOICE(struct state, pool, pools, "mean", "how words are pooled"),
	TN_OPTION_STRINGS(struct state, labels, "the labels"),
	TN_OPTION_INT(struct state, any, -1, INT64_MIN, (double)INT64_MAX, "any number"),
	{ 0 }
};
static const char *const names[] = { "tagger", NULL };
static const char *const reserved[] = { "use", "weights_of", NULL };
static const struct tn_plugin plugin = {
	.kind = TN_HEAD, .names = names, .state = sizeof(struct state), .options = options,
};

static struct tn_call *call;
static struct state *state;

static void set_up(void)
{
	call = tn_call_create();
	state = tn_plugin_new(&plugin, call);
}

static void tear_down(void)
{
	tn_plugin_free(state);
	tn_call_destroy(call);
}

/* Stores a group written as JSON whose members stand on the lines 1, 2, ... of FILE. */
static int store_from(const char *file, const char *json)
{
	struct tn_value *group = tn_json_parse(json, strlen(json), "json", tn_call_arena(call),
		call);

	ck_assert_str_eq(tn_error_text(call), "");
	for (size_t i = 0; i < tn_size(group); i++) {
		struct tn_value *v = (struct tn_value *)tn_at(group, i);

		tn_value_set_place(v, file, (int)i + 1);
		for (size_t k = 0; k < tn_size(v); k++)
			tn_value_set_place((struct tn_value *)tn_at(v, k), file, 100 + (int)k);
	}
	return tn_options_store(&plugin, state, group, reserved, "heads.x", call);
}

START_TEST(test_defaults)
{
	ck_assert_int_eq(tn_options_store(&plugin, state, NULL, NULL, "heads.x", call), 0);
	ck_assert(state->exact);
	ck_assert_int_eq(state->top_k, 5);
	ck_assert_double_eq(state->min_score, 0.5);
	ck_assert_str_eq(state->note, "none");
	ck_assert_ptr_null(state->weights);
	ck_assert_ptr_null(state->unset);
	ck_assert_int_eq(state->pool, 1);
	ck_assert_uint_eq(state->labels.n, 0);
	ck_assert_int_eq(state->any, -1);
}
END_TEST

START_TEST(test_values)
{
	ck_assert_int_eq(store_from("conf/ner.cfg", "{\"exact\":false,\"top_k\":100,\"min_score\":1,"
		"\"note\":\"\",\"weights\":\"a/b.bin\",\"pool\":\"last\",\"labels\":[\"A\",\"B\"],"
		"\"use\":\"tagger\",\"any\":-9223372036854775807}"), 0);
	ck_assert_str_eq(tn_error_text(call), "");
	ck_assert(!state->exact);
	ck_assert_int_eq(state->top_k, 100);
	ck_assert_double_eq(state->min_score, 1.0);
	ck_assert_str_eq(state->note, "");
	ck_assert_str_eq(state->weights, "conf/a/b.bin");
	ck_assert_int_eq(state->pool, 2);
	ck_assert_uint_eq(state->labels.n, 2);
	ck_assert_str_eq(state->labels.items[1], "B");
	ck_assert_int_eq(state->any, -INT64_MAX);
	/* The texts are the state's own. */
	tn_call_reset(call);
	ck_assert_str_eq(state->labels.items[0], "A");
	/* Again: what is not given is as by default. */
	ck_assert_int_eq(store_from("x.cfg", "{\"labels\":\"one\"}"), 0);
	ck_assert_int_eq(state->top_k, 5);
	ck_assert_uint_eq(state->labels.n, 1);
	ck_assert_str_eq(state->labels.items[0], "one");
}
END_TEST

START_TEST(test_paths_are_relative_to_their_file)
{
	static const struct { const char *file, *json, *path; } cases[] = {
		{ "ner.cfg", "{\"weights\":\"w\"}", "w" },
		{ "/etc/ner.cfg", "{\"weights\":\"w\"}", "/etc/w" },
		{ "/etc/ner.cfg", "{\"weights\":\"/w\"}", "/w" },
		{ "../a/ner.cfg", "{\"weights\":\"../w\"}", "../a/../w" },
		{ NULL, "{\"weights\":\"w\"}", "w" },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		ck_assert_int_eq(store_from(cases[i].file, cases[i].json), 0);
		ck_assert_str_eq(state->weights, cases[i].path);
	}
}
END_TEST

static const struct { const char *json, *text; } faults[] = {
	{ "{\"min_scor\":1}", "ner.cfg:1: heads.x.min_scor: no such option of head \"tagger\"; did "
	  "you mean \"min_score\"? (options: exact, top_k, min_score, note, weights, unset, pool, "
	  "labels, any, use, weights_of)" },
	{ "{\"zzzzzz\":1}", "ner.cfg:1: heads.x.zzzzzz: no such option of head \"tagger\" (options: "
	  "exact, top_k, min_score, note, weights, unset, pool, labels, any, use, weights_of)" },
	{ "{\"exact\":1}", "ner.cfg:1: heads.x.exact: found 1, expected true or false" },
	{ "{\"top_k\":0}", "ner.cfg:1: heads.x.top_k: found 0, expected an integer, 1 to 100" },
	{ "{\"top_k\":101}", "ner.cfg:1: heads.x.top_k: found 101, expected an integer, 1 to 100" },
	{ "{\"top_k\":2.0}", "ner.cfg:1: heads.x.top_k: found 2.0, expected an integer, 1 to 100" },
	{ "{\"top_k\":\"2\"}",
	  "ner.cfg:1: heads.x.top_k: found the text \"2\", expected an integer, 1 to 100" },
	{ "{\"any\":true}", "ner.cfg:1: heads.x.any: found true, expected an integer" },
	{ "{\"min_score\":1.5}",
	  "ner.cfg:1: heads.x.min_score: found 1.5, expected a real number, 0 to 1" },
	{ "{\"min_score\":\"high\"}",
	  "ner.cfg:1: heads.x.min_score: found the text \"high\", expected a real number, 0 to 1" },
	{ "{\"note\":3}", "ner.cfg:1: heads.x.note: found 3, expected a text" },
	{ "{\"note\":\"a\\u0000b\"}",
	  "ner.cfg:1: heads.x.note: found the text \"a\\x00b\", expected a text without NUL bytes" },
	{ "{\"weights\":{}}", "ner.cfg:1: heads.x.weights: found an object, expected a text" },
	{ "{\"pool\":\"frist\"}", "ner.cfg:1: heads.x.pool: found the text \"frist\", expected one of "
	  "first, mean, last; did you mean \"first\"?" },
	{ "{\"pool\":1}", "ner.cfg:1: heads.x.pool: found 1, expected one of first, mean, last" },
	{ "{\"labels\":7}", "ner.cfg:1: heads.x.labels: found 7, expected a list of texts" },
	{ "{\"labels\":[\"A\",7]}",
	  "ner.cfg:101: heads.x.labels: found 7, expected a list of texts" },
};
#define N_FAULTS (int)(sizeof(faults) / sizeof(faults[0]))

START_TEST(test_each_fault_has_its_sentence)
{
	ck_assert_int_eq(store_from("ner.cfg", faults[_i].json), TN_ECONFIG);
	ck_assert_str_eq(tn_error_text(call), faults[_i].text);
	ck_assert_uint_eq(tn_n_faults(call), 1);
}
END_TEST

START_TEST(test_all_faults_are_named)
{
	ck_assert_int_eq(store_from("a.cfg", "{\"exact\":1,\"top_k\":7,\"pol\":1,\"note\":1}"),
		TN_ECONFIG);
	ck_assert_uint_eq(tn_n_faults(call), 3);
	ck_assert_ptr_nonnull(strstr(tn_fault_text(call, 0), "a.cfg:1: "));
	ck_assert_ptr_nonnull(strstr(tn_fault_text(call, 1), "a.cfg:3: "));
	ck_assert_ptr_nonnull(strstr(tn_fault_text(call, 2), "a.cfg:4: "));
	ck_assert_int_eq(state->top_k, 7);
}
END_TEST

START_TEST(test_group_of_another_kind)
{
	struct tn_value *v = tn_new_int(tn_call_arena(call), 1);

	tn_value_set_place(v, "a.cfg", 9);
	ck_assert_int_eq(tn_options_store(&plugin, state, v, NULL, "heads.x", call), TN_ECONFIG);
	ck_assert_str_eq(tn_error_text(call),
		"a.cfg:9: heads.x: found 1, expected a group of options");
}
END_TEST

START_TEST(test_nearest)
{
	static const char *const known[] = { "bio-crf", "cls", "embed", NULL, "span-qa" };

	/* One edit of each sort: insert, remove, change, swap. */
	ck_assert_str_eq(tn_nearest("bio-crff", known, 5), "bio-crf");
	ck_assert_str_eq(tn_nearest("bio-cr", known, 5), "bio-crf");
	ck_assert_str_eq(tn_nearest("cla", known, 5), "cls");
	ck_assert_str_eq(tn_nearest("csl", known, 5), "cls");
	ck_assert_str_eq(tn_nearest("embde", known, 5), "embed");
	ck_assert_str_eq(tn_nearest("spanqa", known, 5), "span-qa");
	ck_assert_ptr_null(tn_nearest("fill-mask", known, 5));
	ck_assert_ptr_null(tn_nearest("", known, 5));
	ck_assert_ptr_null(tn_nearest("x", known, 5));
	ck_assert_ptr_null(tn_nearest("cls", known, 0));
}
END_TEST

static void add(Suite *s, const char *name, const TTest *test, int n)
{
	TCase *c = tcase_create(name);

	tcase_add_checked_fixture(c, set_up, tear_down);
	tcase_add_loop_test(c, test, 0, n);
	suite_add_tcase(s, c);
}

int main(void)
{
	Suite *s = suite_create("options");

	add(s, "defaults", test_defaults, 1);
	add(s, "values", test_values, 1);
	add(s, "paths", test_paths_are_relative_to_their_file, 1);
	add(s, "faults", test_each_fault_has_its_sentence, N_FAULTS);
	add(s, "all", test_all_faults_are_named, 1);
	add(s, "group", test_group_of_another_kind, 1);
	add(s, "nearest", test_nearest, 1);
	return tn_check_main(s);
}
