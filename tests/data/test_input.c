/* SPDX-License-Identifier: Apache-2.0
 * tests/data/test_input.c - reading texts, JSON lines, sentences in columns and comma-separated
 * values.
 */
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/file.h"
#include "check_main.h"
#include "data/input.h"

static struct tn_call *call;
static char file[32];

static void set_up(void)
{
	int fd;

	call = tn_call_create();
	strcpy(file, "test-input-XXXXXX");
	fd = mkstemp(file);
	ck_assert_int_ge(fd, 0);
	close(fd);
}

static void tear_down(void)
{
	unlink(file);
	tn_call_destroy(call);
}

static struct tn_reader *open_text(const char *text, size_t len, enum tn_input_format format,
	size_t longest)
{
	struct tn_reader_options o = { .format = format, .longest = longest };
	FILE *f = fopen(file, "w");

	ck_assert_uint_eq(fwrite(text, 1, len, f), len);
	fclose(f);
	return tn_reader_open(file, &o, call);
}

/* All of a text's items in one line: words and columns in [ ], text|pair, !error. */
static const char *items_of(const char *text, size_t len, enum tn_input_format format,
	size_t longest)
{
	struct tn_reader *r = open_text(text, len, format, longest);
	static char out[4096];
	struct tn_item item;
	size_t n = 0;
	int got;

	out[0] = '\0';
	while ((got = tn_reader_next(r, &item, tn_call_arena(call), call)) == 1) {
		n += (size_t)sprintf(out + n, "%zu ", item.line);
		if (item.id)
			n += (size_t)sprintf(out + n, "id=%s ", tn_json_print(item.id, NULL, call));
		if (item.error) {
			n += (size_t)sprintf(out + n, "!%s\n", item.error + strlen(file) + 1);
			continue;
		}
		for (size_t i = 0; i < item.n_words; i++)
			n += (size_t)sprintf(out + n, "[%.*s]", (int)item.words[i].len,
				item.words[i].text);
		if (item.words && !item.n_words)
			n += (size_t)sprintf(out + n, "[]");
		for (size_t i = 0; i < item.n_words * item.n_columns; i++)
			n += (size_t)sprintf(out + n, "%s%.*s", i ? "," : " ",
				(int)item.columns[i].len, item.columns[i].text);
		if (item.text.text)
			n += (size_t)sprintf(out + n, "%.*s", (int)item.text.len, item.text.text);
		if (item.pair.text)
			n += (size_t)sprintf(out + n, "|%.*s", (int)item.pair.len, item.pair.text);
		n += (size_t)sprintf(out + n, "\n");
	}
	ck_assert_int_eq(got, 0);
	ck_assert_int_eq(tn_reader_next(r, &item, tn_call_arena(call), call), 0);
	tn_reader_close(r);
	return out;
}

#define ITEMS(text, format) items_of(text, strlen(text), format, 0)

START_TEST(test_text_lines)
{
	ck_assert_str_eq(ITEMS("one\ntwo\r\n\n \nlast", TN_INPUT_TEXT),
		"1 one\n2 two\n3 \n4  \n5 last\n");
	ck_assert_str_eq(ITEMS("", TN_INPUT_TEXT), "");
	ck_assert_str_eq(ITEMS("\n", TN_INPUT_TEXT), "1 \n");
	ck_assert_str_eq(ITEMS("\xef\xbb\xbfx\n", TN_INPUT_TEXT), "1 x\n");
	ck_assert_str_eq(ITEMS("a\nb\xc3\nc\n", TN_INPUT_TEXT),
		"1 a\n2 !2: byte 1: 0xc3 is not UTF-8\n3 c\n");
}
END_TEST

START_TEST(test_text_keeps_nul)
{
	struct tn_reader *r = open_text("a\0b\nc", 5, TN_INPUT_TEXT, 0);
	struct tn_item item;

	ck_assert_int_eq(tn_reader_next(r, &item, tn_call_arena(call), call), 1);
	ck_assert_uint_eq(item.text.len, 3);
	ck_assert_mem_eq(item.text.text, "a\0b", 4);
	tn_reader_close(r);
}
END_TEST

START_TEST(test_line_that_is_too_long)
{
	char text[400001];

	memset(text, 'x', sizeof(text));
	memcpy(text, "ab\n", 3);
	memcpy(text + 399990, "\r\ncd\nefgh\n", 10);
	ck_assert_str_eq(items_of(text, 400000, TN_INPUT_TEXT, 100),
		"1 ab\n2 !2: the line has more than 100 bytes\n3 cd\n4 efgh\n");
	ck_assert_str_eq(items_of(text, 3000, TN_INPUT_TEXT, 100),
		"1 ab\n2 !2: the line has more than 100 bytes\n");
	ck_assert_str_eq(items_of("abc\nabcd\nabc", 12, TN_INPUT_TEXT, 3),
		"1 abc\n2 !2: the line has more than 3 bytes\n3 abc\n");
}
END_TEST

START_TEST(test_jsonl_forms)
{
	ck_assert_str_eq(ITEMS(
		"{\"text\":\"a\"}\r\n"
		"\n \t\n"
		"{\"id\":[1,\"x\"],\"words\":[\"a b\",\"\"],\"more\":{}}\n"
		"{\"words\":[]}\n"
		"{\"question\":\"q\",\"context\":\"c\",\"id\":7}\n"
		"{\"text\":\"a\",\"pair\":\"b\"}", TN_INPUT_JSONL),
		"1 a\n4 id=[1,\"x\"] [a b][]\n5 []\n6 id=7 q|c\n7 a|b\n");
}
END_TEST

START_TEST(test_jsonl_errors_stop_nothing)
{
	ck_assert_str_eq(ITEMS(
		"{\"text\":1,\"id\":\"k\"}\n"
		"{}\n"
		"[1]\n"
		"{\"text\":\"a\",\"words\":[]}\n"
		"{\"question\":\"q\"}\n"
		"{\"words\":\"a\"}\n"
		"{\"words\":[\"a\",null]}\n"
		"{\"text\":\"a\",\"pair\":2}\n"
		"{\"text\":\"\xff\"}\n"
		"{\"text\":\"good\"}\n", TN_INPUT_JSONL),
		"1 id=\"k\" !1: \"text\" is an integer, expected a string\n"
		"2 !2: expected \"text\", \"words\", or \"question\" and \"context\"\n"
		"3 !3: byte 0: a list, expected an object\n"
		"4 !4: more than one of \"text\", \"words\" and \"question\" is given\n"
		"5 !5: \"context\" is missing, expected a string\n"
		"6 !6: \"words\" is a string, expected a list of strings\n"
		"7 !7: \"words\" holds null, expected strings\n"
		"8 !8: \"pair\" is an integer, expected a string\n"
		"9 !9: byte 9: 0xff is not UTF-8\n"
		"10 good\n");
}
END_TEST

START_TEST(test_jsonl_bad_json_has_its_byte)
{
	const char *text = ITEMS("{\"text\":\"a\"}\n{\"text\": x}\n{\"text\":\"b\"} "
		"c\n{\"text\":\"c\"}",
		TN_INPUT_JSONL);

	ck_assert_ptr_nonnull(strstr(text, "2 !2: byte 1"));
	ck_assert_ptr_nonnull(strstr(text, "3 !3: byte 1"));
	ck_assert_ptr_nonnull(strstr(text, "4 c\n"));
}
END_TEST

START_TEST(test_conll_sentences)
{
	ck_assert_str_eq(ITEMS(
		"-DOCSTART- -X- -X- O\n\n"
		"EU NNP B-ORG\r\n"
		"rejects  VBZ O\n"
		" \n\n"
		"a\tx y\t\n"
		"b c\tz\tw\n"
		"\n"
		"last", TN_INPUT_CONLL),
		"3 [EU][rejects] EU,NNP,B-ORG,rejects,VBZ,O\n"
		"7 [a][b c] a,x y,,b c,z,w\n"
		"10 [last] last\n");
	ck_assert_str_eq(ITEMS("\n\n", TN_INPUT_CONLL), "");
}
END_TEST

START_TEST(test_conll_errors_stop_nothing)
{
	ck_assert_str_eq(ITEMS("a X\nb\nc X\n\nd\n\n\tx\n\ne\n\xff\nf\n\ng\n", TN_INPUT_CONLL),
		"1 !2: 1 columns, the first line of the sentence has 2\n"
		"5 [d] d\n"
		"7 !7: the word is empty\n"
		"9 !10: byte 0: 0xff is not UTF-8\n"
		"13 [g] g\n");
	ck_assert_str_eq(items_of("aaaa\nb\n\nc\n", 10, TN_INPUT_CONLL, 3),
		"1 !1: the line has more than 3 bytes\n4 [c] c\n");
}
END_TEST

START_TEST(test_conll_column)
{
	struct tn_reader_options o = { .format = TN_INPUT_CONLL, .word_column = 1 };
	struct tn_reader *r = open_text("1 a\n2 b\n\n1\n", 12, TN_INPUT_CONLL, 0);
	struct tn_item item;

	tn_reader_close(r);
	r = tn_reader_open(file, &o, call);
	ck_assert_int_eq(tn_reader_next(r, &item, tn_call_arena(call), call), 1);
	ck_assert_uint_eq(item.n_words, 2);
	ck_assert_mem_eq(item.words[1].text, "b", 1);
	ck_assert_int_eq(tn_reader_next(r, &item, tn_call_arena(call), call), 1);
	ck_assert_ptr_nonnull(strstr(item.error, ":4: 1 columns, the words should be in number 2"));
	tn_reader_close(r);
}
END_TEST

#define UNDER "\t_\t_\t_\t_\t_\t_\t_\t_"

START_TEST(test_conllu_words)
{
	struct tn_reader *r;
	struct tn_item item;
	const char *text = "# text = It's done\n# a\tb\n"
		"1-2\tIt's" UNDER "\n1\tIt" UNDER "\n2\t's" UNDER "\n2.1\tbeen" UNDER "\n"
		"2.2\tx" UNDER "\n3\tdone" UNDER "\n\n\n# no words\n\n"
		"0.1\tx" UNDER "\n1\t10 000" UNDER "\r\n2\t#" UNDER "\r\n";
	struct tn_reader_options o = { .format = TN_INPUT_CONLLU, .word_column = 1 };

	tn_reader_close(open_text(text, strlen(text), TN_INPUT_CONLLU, 0));
	r = tn_reader_open(file, &o, call);
	ck_assert_int_eq(tn_reader_next(r, &item, tn_call_arena(call), call), 1);
	ck_assert_uint_eq(item.n_words, 3);
	ck_assert_uint_eq(item.n_columns, 10);
	ck_assert_uint_eq(item.line, 3);
	ck_assert_str_eq(tn_printf(call, "%.*s %zu %zu %zu", (int)item.words[2].len,
		item.words[2].text, item.lines[0], item.lines[1], item.lines[2]), "done 4 5 8");
	ck_assert_int_eq(tn_reader_next(r, &item, tn_call_arena(call), call), 1);
	ck_assert_uint_eq(item.n_words, 2);
	ck_assert_mem_eq(item.words[0].text, "10 000", 6);
	ck_assert_int_eq(tn_reader_next(r, &item, tn_call_arena(call), call), 0);
	tn_reader_close(r);
	/* A sentence of nothing but an empty node. */
	ck_assert_str_eq(ITEMS("0.1\tx" UNDER "\n", TN_INPUT_CONLLU), "1 []\n");
}
END_TEST

START_TEST(test_conllu_errors_stop_nothing)
{
	ck_assert_str_eq(ITEMS("2\ta" UNDER "\n\n1\ta" UNDER "\n3\tb" UNDER "\n\n"
		"1 a _ _ _ _ _ _ _ _\n\n1\ta\tb\n\n1\ta" UNDER "\n# x\n\n3-4\ta" UNDER "\n\n"
		"1.1\ta" UNDER "\n\nx\ta" UNDER "\n\n99999999999999999999\ta" UNDER "\n\n"
		"1-x\ta" UNDER "\n\n1\t" UNDER "\n", TN_INPUT_CONLLU),
		"1 !1: the id is \"2\", expected 1, a range from there or an empty node 0.1\n"
		"3 !4: the id is \"3\", expected 2, a range from there or an empty node 1.1\n"
		"6 !6: 1 columns with tabs between, expected the 10 of CoNLL-U\n"
		"8 !8: 3 columns with tabs between, expected the 10 of CoNLL-U\n"
		"10 !11: a comment inside a sentence, expected it before one, behind a blank line\n"
		"13 !13: the id is \"3-4\", expected 1, a range from there or an empty node 0.1\n"
		"15 !15: the id is \"1.1\", expected 1, a range from there or an empty node 0.1\n"
		"17 !17: the id is \"x\", expected 1, a range from there or an empty node 0.1\n"
		"19 !19: the id is \"99999999999999999999\", expected 1, a range from there or an "
		"empty node 0.1\n"
		"21 !21: the id is \"1-x\", expected 1, a range from there or an empty node 0.1\n"
		"23 [1] 1,,_,_,_,_,_,_,_,_\n");
}
END_TEST

/* What Python's csv module reads. */
START_TEST(test_csv_recorded)
{
	char *path = tn_printf(call, "%s/tests/golden/csv.json", getenv("top_srcdir"));
	size_t len;
	char *json = tn_file_read(path, 1 << 24, &len, tn_call_arena(call), call);
	const struct tn_value *all = json ? tn_json_parse(json, len, path, tn_call_arena(call),
		call) : NULL;

	ck_assert_uint_gt(tn_size(all), 100);
	for (size_t i = 0; i < tn_size(all); i++) {
		const struct tn_value *text = tn_get(tn_at(all, i), "csv");
		const struct tn_value *rows = tn_get(tn_at(all, i), "rows");
		struct tn_reader *r = open_text(tn_string(text, ""), tn_string_length(text),
			TN_INPUT_CSV, 0);
		struct tn_item item;

		for (size_t k = 0; k < tn_size(rows); k++) {
			const struct tn_value *row = tn_at(rows, k);

			ck_assert_int_eq(tn_reader_next(r, &item, tn_call_arena(call), call), 1);
			ck_assert_msg(!item.error, "%s: %s", tn_string(text, ""), item.error);
			ck_assert_uint_eq(item.n_columns, tn_size(row));
			for (size_t c = 0; c < item.n_columns; c++) {
				ck_assert_uint_eq(item.columns[c].len,
					tn_string_length(tn_at(row, c)));
				ck_assert_mem_eq(item.columns[c].text,
					tn_string(tn_at(row, c), ""), item.columns[c].len);
			}
		}
		ck_assert_int_eq(tn_reader_next(r, &item, tn_call_arena(call), call), 0);
		tn_reader_close(r);
	}
}
END_TEST

START_TEST(test_csv_errors)
{
	static const char text[] = "a,\"b\nc\" d\nok\n\"x\n\xff\n\",z\n\"y\",\"open\nto the end\n";
	static const char *const errors[] = {
		":2: byte 2: \" \" behind a closing quote, expected a comma or the end of the line",
		NULL, ":5: byte 0: 0xff is not UTF-8", ":7: the quote that begins here is never closed" };
	static const size_t lines[] = { 1, 3, 4, 7 };
	struct tn_reader *r = open_text(text, sizeof(text) - 1, TN_INPUT_CSV, 0);
	struct tn_item item;

	for (size_t i = 0; i < 4; i++) {
		ck_assert_int_eq(tn_reader_next(r, &item, tn_call_arena(call), call), 1);
		ck_assert_uint_eq(item.line, lines[i]);
		if (errors[i])
			ck_assert_str_eq(item.error + strlen(file), errors[i]);
		else
			ck_assert_ptr_null(item.error);
	}
	ck_assert_int_eq(tn_reader_next(r, &item, tn_call_arena(call), call), 0);
	tn_reader_close(r);
	/* A record is as long as its cells, however many lines it has. */
	r = open_text("\"a\nb\nc\",d\ne\n", 12, TN_INPUT_CSV, 5);
	ck_assert_int_eq(tn_reader_next(r, &item, tn_call_arena(call), call), 1);
	ck_assert_str_eq(item.error + strlen(file), ":1: the record has more than 5 bytes");
	ck_assert_int_eq(tn_reader_next(r, &item, tn_call_arena(call), call), 1);
	ck_assert_mem_eq(item.columns[0].text, "e", 1);
	tn_reader_close(r);
}
END_TEST

START_TEST(test_open_refuses)
{
	struct tn_reader_options o = { .format = TN_INPUT_TEXT };

	ck_assert_ptr_null(tn_reader_open("no/such/file", &o, call));
	ck_assert_int_eq(tn_status(call), TN_ENOINPUT);
	tn_clear(call);
	ck_assert_ptr_null(tn_reader_open(".", &o, call));
	ck_assert_int_eq(tn_status(call), TN_EDATA);
	tn_clear(call);
	tn_reader_close(NULL);
	ck_assert_int_eq(tn_input_format("jsonl"), TN_INPUT_JSONL);
	ck_assert_int_eq(tn_input_format("csv"), -1);
}
END_TEST

/* A pipe in the place of standard input; returns the end to write to. */
static int pipe_to_stdin(void)
{
	int fds[2];

	ck_assert_int_eq(pipe(fds), 0);
	ck_assert_int_eq(dup2(fds[0], 0), 0);
	close(fds[0]);
	return fds[1];
}

static void send(int fd, const char *text)
{
	ck_assert_int_eq(write(fd, text, strlen(text)), (int)strlen(text));
}

/* After each item `ready` must be true exactly while another one is complete. */
START_TEST(test_ready_never_lies)
{
	static const struct {
		enum tn_input_format format;
		const char *sent;
		int complete;
	} cases[] = {
		{ TN_INPUT_TEXT, "a\nb\nc", 2 },
		{ TN_INPUT_TEXT, "a\n\n", 2 },
		{ TN_INPUT_JSONL, "{\"text\":\"a\"}\n \n\n", 1 },
		{ TN_INPUT_JSONL, "{\"text\":\"a\"}\n\n{}\n{\"te", 2 },
		{ TN_INPUT_CONLL, "a\nb\n\n\n\nc\n", 1 },
		{ TN_INPUT_CONLL, "a\n\n-DOCSTART-\n\nc\n\n", 2 },
	};
	struct tn_reader_options o = { .format = cases[_i].format };
	int fd = pipe_to_stdin();
	struct tn_reader *r = tn_reader_open("-", &o, call);
	struct tn_item item;

	ck_assert_str_eq(tn_reader_name(r), "standard input");
	ck_assert(!tn_reader_ready(r));
	send(fd, cases[_i].sent);
	for (int i = 0; i < cases[_i].complete; i++) {
		ck_assert(i == 0 || tn_reader_ready(r));
		ck_assert_int_eq(tn_reader_next(r, &item, tn_call_arena(call), call), 1);
	}
	ck_assert(!tn_reader_ready(r));
	close(fd);
	while (tn_reader_next(r, &item, tn_call_arena(call), call) == 1)
		;
	ck_assert(tn_reader_ready(r));
	tn_reader_close(r);
}
END_TEST

static void on_alarm(int signal)
{
}

START_TEST(test_signals_and_slow_writers)
{
	struct tn_reader_options o = { .format = TN_INPUT_TEXT };
	struct sigaction action = { .sa_handler = on_alarm };
	struct itimerval timer = { { 0, 2000 }, { 0, 2000 } };
	int fd = pipe_to_stdin();
	struct tn_reader *r = tn_reader_open("-", &o, call);
	struct tn_item item;
	pid_t child = fork();

	if (child == 0) {
		for (int i = 0; i < 20; i++) {
			usleep(5000);
			if (write(fd, "ab\n" + i % 3, 1) != 1)
				_exit(1);
		}
		_exit(0);
	}
	close(fd);
	sigaction(SIGALRM, &action, NULL);
	setitimer(ITIMER_REAL, &timer, NULL);
	for (int i = 0; i < 7; i++) {
		ck_assert_int_eq(tn_reader_next(r, &item, tn_call_arena(call), call), 1);
		ck_assert_uint_eq(item.text.len, 2);
	}
	ck_assert_int_eq(tn_reader_next(r, &item, tn_call_arena(call), call), 0);
	timer = (struct itimerval){ 0 };
	setitimer(ITIMER_REAL, &timer, NULL);
	waitpid(child, NULL, 0);
	tn_reader_close(r);
}
END_TEST

START_TEST(test_million_lines_in_bounded_memory)
{
	struct tn_reader_options o = { .format = TN_INPUT_JSONL };
	int fd = pipe_to_stdin();
	struct tn_reader *r = tn_reader_open("-", &o, call);
	struct rusage before, after;
	struct tn_item item;
	size_t n = 0;
	pid_t child = fork();

	if (child == 0) {
		FILE *f = fdopen(fd, "w");

		for (int i = 0; i < TN_MANY(1000000); i++)
			fputs("{\"text\":\"a line of a long file\",\"id\":1}\n", f);
		_exit(fclose(f) != 0);
	}
	close(fd);
	getrusage(RUSAGE_SELF, &before);
	while (tn_reader_next(r, &item, tn_call_arena(call), call) == 1) {
		ck_assert_ptr_null(item.error);
		if (++n % 100 == 0)
			tn_call_reset(call);
	}
	getrusage(RUSAGE_SELF, &after);
	waitpid(child, NULL, 0);
	ck_assert_uint_eq(n, TN_MANY(1000000));
#ifndef __SANITIZE_ADDRESS__	/* which keeps freed memory for a while */
	ck_assert_int_lt(after.ru_maxrss - before.ru_maxrss, 4096);
#endif
	tn_reader_close(r);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("input");
	TCase *c = tcase_create("input");

	tcase_set_timeout(c, 120);
	tcase_add_checked_fixture(c, set_up, tear_down);
	tcase_add_test(c, test_text_lines);
	tcase_add_test(c, test_text_keeps_nul);
	tcase_add_test(c, test_line_that_is_too_long);
	tcase_add_test(c, test_jsonl_forms);
	tcase_add_test(c, test_jsonl_errors_stop_nothing);
	tcase_add_test(c, test_jsonl_bad_json_has_its_byte);
	tcase_add_test(c, test_conll_sentences);
	tcase_add_test(c, test_conll_errors_stop_nothing);
	tcase_add_test(c, test_conll_column);
	tcase_add_test(c, test_conllu_words);
	tcase_add_test(c, test_conllu_errors_stop_nothing);
	tcase_add_test(c, test_csv_recorded);
	tcase_add_test(c, test_csv_errors);
	tcase_add_test(c, test_open_refuses);
	tcase_add_loop_test(c, test_ready_never_lies, 0, 6);
	tcase_add_test(c, test_signals_and_slow_writers);
	tcase_add_test(c, test_million_lines_in_bounded_memory);
	suite_add_tcase(s, c);
	return tn_check_main(s);
}
