/* SPDX-License-Identifier: Apache-2.0
 * tests/eval/test_audit.c - what is found in labelled data, by cases counted by hand.
 */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "check_main.h"
#include "eval/audit.h"

static struct tn_call *call;
static struct eval_data data, dev_data;
static struct eval_audit audit, dev;
static char file[32];

static void set_up(void)
{
	int fd;

	call = tn_call_create();
	strcpy(file, "test-audit-XXXXXX");
	fd = mkstemp(file);
	ck_assert_int_ge(fd, 0);
	close(fd);
	data = dev_data = (struct eval_data){ 0 };
}

static void tear_down(void)
{
	unlink(file);
	ck_assert_str_eq(tn_error_text(call), "");
	eval_data_finish(&data);
	eval_data_finish(&dev_data);
	tn_call_destroy(call);
}

static void read_text(struct eval_data *to, enum eval_format format, const char *text)
{
	struct eval_source source = { .path = file, .format = format };
	FILE *f = fopen(file, "w");

	fputs(text, f);
	fclose(f);
	ck_assert_msg(!eval_read(to, &source, tn_call_arena(call), call), "%s",
		tn_error_text(call));
}

static void look(enum eval_format format, const char *text)
{
	eval_data_finish(&data);
	read_text(&data, format, text);
	ck_assert_int_eq(eval_audit(&audit, &data, tn_call_arena(call), call), 0);
}

static void look_at_dev(enum eval_format format, const char *text)
{
	eval_data_finish(&dev_data);
	read_text(&dev_data, format, text);
	ck_assert_int_eq(eval_audit(&dev, &dev_data, tn_call_arena(call), call), 0);
}

/* "a 3, b 1" */
static const char *counts(const struct eval_tally *t)
{
	const char *out = "";

	for (size_t i = 0; i < t->n; i++)
		out = tn_printf(call, "%s%s%.*s %zu", out, i ? ", " : "",
			(int)t->items[i].name.len, t->items[i].name.text, t->items[i].n);
	return out;
}

/* The lines of both places: "2=1, 3=1 of 5" where five were found and two are kept. */
static const char *pairs(const struct eval_finds *f, const struct eval_data *others)
{
	const char *out = "";

	for (size_t i = 0; i < f->n && i < EVAL_MOST_FINDS; i++)
		out = tn_printf(call, "%s%zu=%zu ", out, f->first[i].example + 1,
			f->first[i].other + 1);
	return tn_printf(call, "%sof %zu", out, f->n);
}

START_TEST(test_tally_counts_and_sorts)
{
	struct tn_arena *arena = tn_call_arena(call);
	struct eval_tally t = { 0 };
	char name[16];

	for (size_t i = 0; i < 3000; i++) {
		sprintf(name, "n%zu", i % 1000 * (i % 1000) % 1009);
		ck_assert_int_eq(eval_tally_add(&t, (struct tn_text){ tn_arena_dup(arena, name,
			strlen(name)), strlen(name) }, 1, arena, call), 0);
	}
	/* Of the squares below 1000^2, 505 are different modulo the prime 1009: 0 and half of
	 * what is left; each but 0 has two roots, of which 9 are not below 1000. */
	ck_assert_uint_eq(t.n, 505);
	ck_assert_uint_eq(t.total, 3000);
	ck_assert_uint_eq(eval_tally_count(&t, (struct tn_text){ "n0", 2 }), 3);
	ck_assert_uint_eq(eval_tally_count(&t, (struct tn_text){ "n144", 4 }), 6);
	ck_assert_uint_eq(eval_tally_count(&t, (struct tn_text){ "n1", 2 }), 3);
	ck_assert_uint_eq(eval_tally_count(&t, (struct tn_text){ "n", 1 }), 0);
	eval_tally_sort(&t);
	ck_assert_uint_eq(t.items[0].n, 6);
	ck_assert_uint_eq(t.items[504].n, 3);
	ck_assert_uint_eq(eval_tally_count(&t, (struct tn_text){ "n144", 4 }), 6);
	t = (struct eval_tally){ 0 };
	ck_assert_uint_eq(eval_tally_count(&t, (struct tn_text){ "n", 1 }), 0);
	eval_tally_sort(&t);
}
END_TEST

static void expect_lengths(size_t n, size_t median, size_t p90, size_t p99)
{
	size_t lengths[1000];
	struct eval_lengths l;

	for (size_t i = 0; i < n; i++)
		lengths[i] = n - i;
	l = eval_lengths_of(lengths, n);
	ck_assert_uint_eq(l.min, 1);
	ck_assert_uint_eq(l.median, median);
	ck_assert_uint_eq(l.p90, p90);
	ck_assert_uint_eq(l.p99, p99);
	ck_assert_uint_eq(l.max, n);
}

/* Of the lengths 1 to n the quantile q is ceil(q n). */
START_TEST(test_lengths)
{
	struct eval_lengths l = eval_lengths_of(NULL, 0);

	ck_assert(!l.max && !l.min);
	expect_lengths(1, 1, 1, 1);
	expect_lengths(2, 1, 2, 2);
	expect_lengths(10, 5, 9, 10);
	expect_lengths(11, 6, 10, 11);
	expect_lengths(100, 50, 90, 99);
	expect_lengths(101, 51, 91, 100);
	expect_lengths(1000, 500, 900, 990);
	look(EVAL_TEXT, "a b\nc\n\xc2\xa0" "d\xe2\x80\x83" "e f \n");
	ck_assert_uint_eq(audit.words.min, 1);
	ck_assert_uint_eq(audit.words.max, 3);
	look(EVAL_JSONL, "{\"text\":\"a b\",\"pair\":\"c d e\"}\n{\"words\":[\"a b\",\"c\"]}\n");
	ck_assert_uint_eq(audit.words.min, 2);
	ck_assert_uint_eq(audit.words.max, 5);
}
END_TEST

START_TEST(test_labels)
{
	struct eval_beside b;

	look(EVAL_JSONL, "{\"text\":\"a\",\"label\":\"x\"}\n{\"text\":\"b\",\"label\":2}\n"
		"{\"text\":\"c\",\"labels\":[\"x\",\"y\",2]}\n{\"text\":\" \"}\n");
	ck_assert_str_eq(counts(&audit.labels), "2 2, x 2, y 1");
	ck_assert_uint_eq(audit.labelled, 3);
	ck_assert_uint_eq(audit.empty, 1);
	look_at_dev(EVAL_TSV, "d\tx\ne\tz\nf\t2\ng\tz\nh\tw\n");
	ck_assert_int_eq(eval_audit_beside(&b, &audit, &dev, tn_call_arena(call), call), 0);
	ck_assert_str_eq(counts(&b.labels), "z 2, w 1");
	ck_assert_uint_eq(b.shared.n, 0);
	/* Where train has no labels at all, none is unseen. */
	look(EVAL_TEXT, "d\n");
	ck_assert_int_eq(eval_audit_beside(&b, &audit, &dev, tn_call_arena(call), call), 0);
	ck_assert_uint_eq(b.labels.n, 0);
	ck_assert_uint_eq(b.shared.n, 1);
}
END_TEST

START_TEST(test_texts_that_are_there_twice)
{
	struct eval_beside b;

	look(EVAL_TSV, "a b\tx\n a \xc2\xa0" "b\tx\nab\tx\na b\ty\nA b\tx\na b\tc\tx\na\tb c\tx\n"
		"a\tb  c\ty\n  \tx\n\xe2\x80\x83\ty\n");
	ck_assert_str_eq(pairs(&audit.repeats, &data), "2=1 4=1 8=7 of 3");
	ck_assert_str_eq(pairs(&audit.differing, &data), "4=1 8=7 of 2");
	ck_assert_uint_eq(audit.empty, 2);
	look_at_dev(EVAL_JSONL, "{\"text\":\"ab\"}\n{\"words\":[\"a\",\"b\"]}\n"
		"{\"text\":\"b\",\"pair\":\"c\"}\n{\"text\":\"a\\nb\",\"label\":\"q\"}\n{\"text\":\"\"}\n"
		"{\"text\":\"a\",\"pair\":\"b c\"}\n{\"text\":\"a b\",\"label\":\"q\"}\n");
	ck_assert_int_eq(eval_audit_beside(&b, &audit, &dev, tn_call_arena(call), call), 0);
	ck_assert_str_eq(pairs(&b.shared, &data), "1=3 2=1 4=1 6=7 7=1 of 5");
	ck_assert_uint_eq(b.distinct, 3);
	/* Of these one has no label, so nothing contradicts it. */
	ck_assert_str_eq(pairs(&dev.differing, &dev_data), "of 0");
}
END_TEST

START_TEST(test_answers_that_differ)
{
	look(EVAL_CONLL, "a O\nb B-x\n\na O\nb O\n\na O\nb B-x\n");
	ck_assert_str_eq(pairs(&audit.repeats, &data), "2=1 3=1 of 2");
	ck_assert_str_eq(pairs(&audit.differing, &data), "2=1 of 1");
	look(EVAL_JSONL, "{\"question\":\"q\",\"context\":\"a b\",\"answers\":[\"a\"]}\n"
		"{\"question\":\"q\",\"context\":\"a b\",\"answers\":[\"b\"]}\n"
		"{\"question\":\"q\",\"context\":\"a b\",\"answers\":[{\"text\":\"a\",\"start\":0}]}\n"
		"{\"question\":\"q\",\"context\":\"a c\",\"answers\":[]}\n"
		"{\"text\":\"t\",\"labels\":[1,2]}\n{\"text\":\"t\",\"labels\":[1]}\n"
		"{\"text\":\"t\",\"labels\":[1,\"2\"]}\n{\"text\":\"t\",\"labels\":[1,2]}\n");
	ck_assert_str_eq(pairs(&audit.repeats, &data), "2=1 3=1 6=5 7=5 8=5 of 5");
	ck_assert_str_eq(pairs(&audit.differing, &data), "2=1 6=5 7=5 of 3");
	ck_assert_uint_eq(audit.asked, 4);
	ck_assert_uint_eq(audit.unanswered, 1);
	ck_assert_uint_eq(audit.located, 1);
}
END_TEST

/* All that is illegal: "LINE TEXT; ..." */
static const char *illegal(void)
{
	const char *out = "";

	for (size_t i = 0; i < audit.illegal.n && i < EVAL_MOST_FINDS; i++)
		out = tn_printf(call, "%s%s %s; ", out,
			eval_illegal_where(&audit, &audit.illegal.first[i], call) + strlen(file) + 1,
			eval_illegal_text(&audit, &audit.illegal.first[i], call));
	return out;
}

START_TEST(test_tags_of_bio)
{
	look(EVAL_CONLL, "a B-x\nb I-x\nc I-y\nd O\n\ne I-y\nf B-y\ng I-y\n\nh B-x\ni B-x\n");
	ck_assert_int_eq(audit.scheme, EVAL_BIO);
	ck_assert_str_eq(illegal(), "3 I-y behind I-x; 6 I-y begins the text; ");
	ck_assert_str_eq(counts(&audit.tags), "B-x 3, I-y 3, B-y 1, I-x 1, O 1");
	ck_assert_str_eq(counts(&audit.spans), "x 3, y 3");
	ck_assert(!audit.fits_iob1);
	look(EVAL_CONLL, "a I-x\nb B-x\nc O\nd I-y\n");
	ck_assert_str_eq(illegal(), "1 I-x begins the text; 4 I-y behind O; ");
	ck_assert(audit.fits_iob1);
	/* More than are kept. */
	look(EVAL_CONLL, "a B-x\nb O\nc I-x\nb O\nc I-x\nb O\nc I-x\nb O\nc I-x\nb O\nc I-x\nb O\n"
		"c I-x\nb O\nc I-x\nb O\nc I-x\nb O\nc I-x\nb O\nc I-x\nb O\nc I-x\nb O\nc I-x\n");
	ck_assert_uint_eq(audit.illegal.n, 12);
}
END_TEST

START_TEST(test_tags_of_other_schemes)
{
	struct eval_beside b;

	look(EVAL_CONLL, "a B-x\nb E-x\nc S-x\nd B-x\n\ne B-x\nf O\ng E-x\n\nh U-y\n");
	ck_assert_int_eq(audit.scheme, EVAL_BIOES);
	ck_assert_str_eq(illegal(), "4 B-x ends the text; 7 O behind B-x; 8 E-x behind O; ");
	ck_assert_str_eq(counts(&audit.spans), "x 5, y 1");
	look(EVAL_CONLL, "a I-x\nb O\nc I-x\nd I-x\n");
	ck_assert_int_eq(audit.scheme, EVAL_IO);
	ck_assert_uint_eq(audit.illegal.n, 0);
	ck_assert_str_eq(counts(&audit.spans), "x 2");
	look(EVAL_CONLL, "a NOUN\nb O\nc I\n");
	ck_assert_int_eq(audit.scheme, EVAL_LABELS);
	ck_assert_uint_eq(audit.odd_tags, 0);
	ck_assert_uint_eq(audit.spans.n, 0);
	look(EVAL_CONLL, "a B-x\nb I_x\nc O\nd I_x\n");
	ck_assert_int_eq(audit.scheme, EVAL_LABELS);
	ck_assert_uint_eq(audit.odd_tags, 2);
	look_at_dev(EVAL_CONLL, "a B-x\nb B-y\nc B-y\n");
	ck_assert_int_eq(eval_audit_beside(&b, &audit, &dev, tn_call_arena(call), call), 0);
	ck_assert_str_eq(counts(&b.tags), "B-y 2");
}
END_TEST

static void steps(void *user, size_t done)
{
	ck_assert_uint_eq(++*(size_t *)user, done);
}

static struct eval_token_audit tokens_of(const char *config, const char *const *settings,
	bool whole)
{
	char *path = tn_printf(call, "%s/examples/%s", getenv("top_srcdir"), config);
	struct tn_pipeline *p = whole ? tn_pipeline_open_tokens(path, settings, call) :
		tn_pipeline_open(path, settings, call);
	struct eval_token_audit t = { 0 };
	size_t n = 0;

	ck_assert_msg(p, "%s", tn_error_text(call));
	ck_assert_int_eq(eval_audit_tokens(&t, p, &data, steps, &n, tn_call_arena(call), call), 0);
	ck_assert_uint_eq(n, data.n);
	tn_pipeline_close(p);
	return t;
}

/* Each word is one token, the snowman an unknown one; [CLS] and [SEP] are special. */
START_TEST(test_tokens)
{
	static const char *const settings[] = { "window.tokens=8", "window.overlap=2", NULL };
	struct eval_token_audit t;

	look(EVAL_JSONL, "{\"text\":\"the the the\"}\n"
		"{\"text\":\"the the the the \xe2\x98\x83 the the the\"}\n"
		"{\"text\":\"\xe2\x98\x83\",\"pair\":\"the \xe2\x98\x83\"}\n");
	t = tokens_of("ner.cfg", settings, true);
	ck_assert_uint_eq(t.limit, 8);
	ck_assert_uint_eq(t.longer, 1);
	ck_assert_uint_eq(t.tokens, 14);
	ck_assert_uint_eq(t.unknown, 3);
	ck_assert_uint_eq(t.lengths.min, 5);
	ck_assert_uint_eq(t.lengths.median, 6);
	ck_assert_uint_eq(t.lengths.max, 10);
	ck_assert_uint_eq(t.wrong + t.lost_inputs, 0);
	/* The windows hold the tokens 0 to 5 and 4 to 7, but each counts once. */
	t = tokens_of("ner.cfg", settings, false);
	ck_assert_uint_eq(t.tokens, 14);
	ck_assert_uint_eq(t.unknown, 3);
	ck_assert_uint_eq(t.lengths.max, 10);
}
END_TEST

/* A window of 8 holds 6 words; of a question of 1 and its context 4 tokens. */
START_TEST(test_what_cuts_take_away)
{
	static const char *const windows[] = { "window.tokens=8", "window.overlap=2", NULL };
	static const char *const cut[] = { "window.tokens=8", "window.overlap=2",
		"heads.entities.on_overflow=truncate", NULL };
	static const char *const cut_answers[] = { "window.tokens=8", "window.overlap=2",
		"heads.answer.on_overflow=truncate", NULL };
	struct eval_token_audit t;

	look(EVAL_CONLL, "the O\nthe B-x\nthe O\nthe O\nthe O\nthe B-x\nthe I-x\nthe O\nthe B-y\n\n"
		"the O\nthe B-x\n");
	t = tokens_of("ner.cfg", windows, false);
	ck_assert_uint_eq(t.lost_words, 0);
	/* What a cut would take. */
	t = tokens_of("ner.cfg", windows, true);
	ck_assert_uint_eq(t.lost_words, 2);
	ck_assert_uint_eq(t.lost_inputs, 1);
	t = tokens_of("ner.cfg", cut, false);
	ck_assert_uint_eq(t.lost_words, 2);
	ck_assert_uint_eq(t.lost_inputs, 1);
	look(EVAL_JSONL, "{\"question\":\"the\",\"context\":\"the the the the the cat\",\"answers\":"
		"[{\"text\":\"cat\",\"start\":20},{\"text\":\"the\",\"start\":4},{\"text\":\"the the the\","
		"\"start\":8}]}\n"
		"{\"question\":\"the\",\"context\":\"a cat\",\"answers\":[{\"text\":\"cat\",\"start\":2}]}\n");
	t = tokens_of("qa.cfg", windows, false);
	ck_assert_uint_eq(t.lost_spans, 0);
	t = tokens_of("qa.cfg", windows, true);
	ck_assert_uint_eq(t.lost_spans, 2);
	t = tokens_of("qa.cfg", cut_answers, false);
	ck_assert_uint_eq(t.lost_spans, 2);
	ck_assert_uint_eq(t.lost_inputs, 1);
	/* Windows of the tokens 0 to 3 and 2 to 5: neither holds 1 to 4. */
	look(EVAL_JSONL, "{\"question\":\"the\",\"context\":\"the the the the the cat\",\"answers\":"
		"[{\"text\":\"the the the the\",\"start\":4},{\"text\":\"the the the cat\","
		"\"start\":8}]}\n");
	t = tokens_of("qa.cfg", windows, false);
	ck_assert_uint_eq(t.lost_spans, 1);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("audit");
	TCase *c = tcase_create("audit");

	tcase_set_timeout(c, 120);
	tcase_add_checked_fixture(c, set_up, tear_down);
	tcase_add_test(c, test_tally_counts_and_sorts);
	tcase_add_test(c, test_lengths);
	tcase_add_test(c, test_labels);
	tcase_add_test(c, test_texts_that_are_there_twice);
	tcase_add_test(c, test_answers_that_differ);
	tcase_add_test(c, test_tags_of_bio);
	tcase_add_test(c, test_tags_of_other_schemes);
	tcase_add_test(c, test_tokens);
	tcase_add_test(c, test_what_cuts_take_away);
	suite_add_tcase(s, c);
	return tn_check_main(s);
}
