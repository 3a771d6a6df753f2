/* SPDX-License-Identifier: Apache-2.0
 * tests/pipeline/test_writer.c - the answer writers.
 */
#include <fcntl.h>
#include <math.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "check_main.h"
#include "pipeline/writer.h"

static struct tn_call *call;
static char notes[256];

static void on_note(void *user, const char *text)
{
	strcat(strcat(notes, text), "\n");
}

static void set_up(void)
{
	call = tn_call_create();
	notes[0] = '\0';
	tn_on_note(call, on_note, NULL);
}

static void tear_down(void)
{
	tn_call_destroy(call);
}

static struct tn_value *json(const char *text)
{
	struct tn_value *v = tn_json_parse(text, strlen(text), "t", tn_call_arena(call), call);

	ck_assert_str_eq(tn_error_text(call), "");
	return v;
}

/* What a writer makes of the answers. */
static char *written(enum tn_output_format format, bool colour, const char *const *answers,
	const struct tn_word *words, size_t n_words)
{
	static char out[4096];
	FILE *f = fmemopen(memset(out, 0, 1), sizeof(out), "w");
	struct tn_writer w = { .out = f, .format = format, .colour = colour };

	for (size_t i = 0; answers[i]; i++)
		ck_assert_int_eq(tn_write_answer(&w, json(answers[i]), words, n_words, call), 0);
	fclose(f);
	return out;
}

#define WRITTEN(format, colour, ...) \
	written(format, colour, (const char *const[]){ __VA_ARGS__, NULL }, NULL, 0)

#define SPANS "{\"input\":0,\"text\":\"Ada B. met Bo\",\"truncated\":false,\"who\":[" \
	"{\"label\":\"PER\",\"text\":\"Ada B.\",\"bytes\":[0,6],\"chars\":[0,6],\"score\":0.987}," \
	"{\"label\":\"PER\",\"text\":\"Bo\",\"bytes\":[11,13],\"chars\":[11,13],\"score\":0.5}]}"
#define SPANS_AND_LABEL "{\"input\":1,\"text\":\"Ada B. met Bo\",\"truncated\":true,\"who\":[" \
	"{\"label\":\"PER\",\"text\":\"Bo\",\"bytes\":[11,13],\"chars\":[11,13],\"score\":0.5}," \
	"{\"label\":\"PER\",\"text\":\"Ada " \
	"B.\",\"bytes\":[0,6],\"chars\":[0,6],\"score\":0.987}]," \
	"\"mood\":{\"label\":\"fine\",\"score\":0.75,\"scores\":{\"fine\":0.75,\"bad\":0.25}}}"

START_TEST(test_jsonl_is_the_answer)
{
	static const char error[] = "{\"input\":7,\"id\":null,\"error\":\"f:8: byte 12: bad\"}";

	ck_assert_str_eq(WRITTEN(TN_OUTPUT_JSONL, true, "{\"input\":0,\"a\\n\":[0.1,\"\\u00e9\"]}",
		error), "{\"input\":0,\"a\\n\":[0.1,\"\xc3\xa9\"]}\n"
		"{\"input\":7,\"id\":null,\"error\":\"f:8: byte 12: bad\"}\n");
	ck_assert_str_eq(notes, "");
}
END_TEST

START_TEST(test_errors_become_notes)
{
	ck_assert_str_eq(WRITTEN(TN_OUTPUT_TEXT, false, "{\"input\":7,\"error\":\"f:8: bad\"}"),
		"");
	ck_assert_str_eq(WRITTEN(TN_OUTPUT_CONLL, false, "{\"input\":8,\"error\":\"f:9: bad\"}"),
		"");
	ck_assert_str_eq(notes, "input 7: f:8: bad\ninput 8: f:9: bad\n");
}
END_TEST

START_TEST(test_text_marks_spans)
{
	ck_assert_str_eq(WRITTEN(TN_OUTPUT_TEXT, false, SPANS, SPANS),
		"[Ada B. PER 0.99] met [Bo PER 0.50]\n[Ada B. PER 0.99] met [Bo PER 0.50]\n");
	ck_assert_str_eq(WRITTEN(TN_OUTPUT_TEXT, true, SPANS),
		"[\033[1mAda B.\033[0m \033[36mPER\033[0m 0.99] met "
		"[\033[1mBo\033[0m \033[36mPER\033[0m 0.50]\n");
	ck_assert_str_eq(WRITTEN(TN_OUTPUT_TEXT, false, "{\"text\":\"nobody\",\"who\":[]}"),
		"nobody\n");
}
END_TEST

START_TEST(test_text_of_several_heads)
{
	ck_assert_str_eq(WRITTEN(TN_OUTPUT_TEXT, false, SPANS_AND_LABEL, SPANS_AND_LABEL),
		"(truncated) Ada B. met Bo\n"
		"  who   [Ada B. PER 0.99] met [Bo PER 0.50]\n"
		"  mood  fine 0.75\n"
		"\n"
		"(truncated) Ada B. met Bo\n"
		"  who   [Ada B. PER 0.99] met [Bo PER 0.50]\n"
		"  mood  fine 0.75\n");
}
END_TEST

/* One line for each kind of answer. */
static const struct {
	const char *answer, *line;
} kinds[] = {
	{ "{\"label\":\"good\",\"score\":0.875,\"scores\":{}}", "good 0.88" },
	{ "{\"labels\":[\"x\",\"y\"],\"scores\":{\"x\":0.9,\"y\":0.75,\"z\":0.1}}", "x 0.90, y "
		"0.75" },
	{ "{\"labels\":[],\"scores\":{\"x\":0.1}}", "(no label)" },
	{ "{\"label\":null,\"score\":0.25,\"scores\":{}}", "(no label) 0.25" },
	{ "{\"value\":-2.5}", "-2.5" },
	{ "{\"values\":{\"x\":1.5,\"y\":-2}}", "x 1.50, y -2.00" },
	{ "{\"text\":\"Oslo\",\"bytes\":[3,7],\"chars\":[3,7],\"score\":0.5,\"null_score\":0.1,"
		"\"nbest\":[]}", "Oslo 0.50" },
	{ "{\"text\":null,\"bytes\":null,\"score\":0.25,\"null_score\":0.75}", "(no answer) 0.25" },
	{ "[0.5,-1,0.25,3,7]", "5 numbers: 0.5000 -1.0000 0.2500 3.0000 ..." },
	{ "[{\"token\":\"cat\",\"score\":0.5},{\"token\":\"dog\",\"score\":0.25}]",
		"cat 0.50, dog 0.25" },
	{ "{\"odd\":[1]}", "{\"odd\":[1]}" },
	{ "null", "null" },
};

START_TEST(test_text_of_each_kind)
{
	char answer[512], line[256];

	snprintf(answer, sizeof(answer), "{\"input\":0,\"text\":\"t\",\"h\":%s}", kinds[_i].answer);
	snprintf(line, sizeof(line), "t\n  h  %s\n", kinds[_i].line);
	ck_assert_str_eq(WRITTEN(TN_OUTPUT_TEXT, false, answer), line);
}
END_TEST

START_TEST(test_floats_are_a_vector)
{
	static const float f[] = { 0.5f, 0.25f };
	size_t n;
	const struct tn_answer_row *rows = tn_answer_rows(tn_new_floats(tn_call_arena(call), f, 2),
		&n, call);

	ck_assert_uint_eq(n, 1);
	ck_assert_str_eq(rows[0].label, "2 numbers: 0.5000 0.2500");
	ck_assert(isnan(rows[0].score));
}
END_TEST

/* A text may hold escape sequences and characters that turn the line around. */
START_TEST(test_text_is_made_safe)
{
	ck_assert_str_eq(WRITTEN(TN_OUTPUT_TEXT, false, "{\"text\":\"a\\u001b[2J\\n\\u009b\\u202e"
		"\\u00e9\\tb\\u007f\\u0000\",\"h\":{\"label\":\"\\u001b\",\"score\":1}}"),
		"a\\x1b[2J\\n\\xc2\\x9b\\xe2\\x80\\xae\xc3\xa9\tb\\x7f\\x00\n  h  \\x1b 1.00\n");
}
END_TEST

START_TEST(test_conll_by_spaces)
{
	ck_assert_str_eq(WRITTEN(TN_OUTPUT_CONLL, false, SPANS, SPANS_AND_LABEL),
		"Ada\tB-PER\nB.\tI-PER\nmet\tO\nBo\tB-PER\n\n"
		"Ada\tB-PER\nB.\tI-PER\nmet\tO\nBo\tB-PER\n\n");
	ck_assert_str_eq(WRITTEN(TN_OUTPUT_CONLL, false, "{\"text\":\"\",\"h\":[]}"), "\n");
}
END_TEST

START_TEST(test_conll_of_given_words)
{
	/* "New York" is one word; two spans meet; a span begins inside a word. */
	static const struct tn_word words[] = { { 0, 8 }, { 9, 12 }, { 13, 16 }, { 17, 17 } };
	static const char answer[] = "{\"text\":\"New York x-y a\\tb \",\"a\":["
		"{\"label\":\"L\",\"bytes\":[0,8],\"score\":1},{\"label\":\"L\",\"bytes\":[11,12],"
		"\"score\":1},{\"label\":\"M\",\"bytes\":[13,14],\"score\":1}],\"b\":[],\"c\":{}}";

	ck_assert_str_eq(written(TN_OUTPUT_CONLL, false, (const char *const[]){ answer, NULL },
		words, 4), "New York\tB-L\tO\nx-y\tB-L\tO\na b\tB-M\tO\n_\tO\tO\n\n");
}
END_TEST

/* Spans of a second path: beside the text, and in no column. */
START_TEST(test_best_path_alone_is_marked)
{
	static const char answer[] = "{\"text\":\"a b c\",\"h\":["
		"{\"label\":\"L\",\"bytes\":[2,3],\"score\":0.5,\"rank\":1},"
		"{\"label\":\"M\",\"bytes\":[4,5],\"score\":0.25,\"rank\":2}]}";

	ck_assert_str_eq(WRITTEN(TN_OUTPUT_TEXT, false, answer),
		"a [b L 0.50] c [c M 0.25 #2]\n");
	ck_assert_str_eq(WRITTEN(TN_OUTPUT_CONLL, false, answer), "a\tO\nb\tB-L\nc\tO\n\n");
}
END_TEST

START_TEST(test_full_disk_is_an_error)
{
	FILE *full = fopen("/dev/full", "w");
	struct tn_writer w = { .out = full, .format = TN_OUTPUT_JSONL };

	ck_assert_ptr_nonnull(full);
	ck_assert_int_eq(tn_write_answer(&w, json("{\"a\":1}"), NULL, 0, call), TN_EIO);
	ck_assert_str_eq(tn_error_text(call), "writing the answers: No space left on device");
	tn_clear(call);
	setvbuf(full, NULL, _IONBF, 0);
	ck_assert_int_eq(tn_write_answer(&w, json("{\"a\":1}"), NULL, 0, call), TN_EIO);
}
END_TEST

START_TEST(test_closed_pipe_ends_quietly)
{
	int fds[2];
	struct tn_writer w = { .format = TN_OUTPUT_JSONL };

	ck_assert_int_eq(pipe(fds), 0);
	close(fds[0]);
	signal(SIGPIPE, SIG_IGN);
	w.out = fdopen(fds[1], "w");
	ck_assert_int_eq(tn_write_answer(&w, json("{\"a\":1}"), NULL, 0, call), 1);
	ck_assert_int_eq(tn_status(call), 0);
}
END_TEST

START_TEST(test_formats)
{
	ck_assert_int_eq(tn_output_format("table"), TN_OUTPUT_TABLE);
	ck_assert_int_eq(tn_output_format("csv"), -1);
	ck_assert(tn_is_head_answer("who") && !tn_is_head_answer("words"));
}
END_TEST

int main(void)
{
	Suite *s = suite_create("writer");
	TCase *c = tcase_create("writer");

	tcase_add_checked_fixture(c, set_up, tear_down);
	tcase_add_test(c, test_jsonl_is_the_answer);
	tcase_add_test(c, test_errors_become_notes);
	tcase_add_test(c, test_text_marks_spans);
	tcase_add_test(c, test_text_of_several_heads);
	tcase_add_loop_test(c, test_text_of_each_kind, 0, sizeof(kinds) / sizeof(kinds[0]));
	tcase_add_test(c, test_floats_are_a_vector);
	tcase_add_test(c, test_text_is_made_safe);
	tcase_add_test(c, test_conll_by_spaces);
	tcase_add_test(c, test_conll_of_given_words);
	tcase_add_test(c, test_best_path_alone_is_marked);
	tcase_add_test(c, test_full_disk_is_an_error);
	tcase_add_test(c, test_closed_pipe_ends_quietly);
	tcase_add_test(c, test_formats);
	suite_add_tcase(s, c);
	return tn_check_main(s);
}
