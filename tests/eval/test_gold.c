/* SPDX-License-Identifier: Apache-2.0
 * tests/eval/test_gold.c - labelled data of each format: the columns of files, where answers
 * stand, and what is done with what is wrong.
 */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "check_main.h"
#include "eval/gold.h"
#include "eval/tags.h"

#define MOST 8

static struct tn_call *call;
static struct eval_data data;
static struct eval_source source;
static const char *columns[MOST];
static char file[32];

static void set_up(void)
{
	int fd;

	call = tn_call_create();
	strcpy(file, "test-gold-XXXXXX");
	fd = mkstemp(file);
	ck_assert_int_ge(fd, 0);
	close(fd);
	source = (struct eval_source){ .path = file, .columns = columns };
	data = (struct eval_data){ 0 };
}

static void tear_down(void)
{
	unlink(file);
	eval_data_finish(&data);
	tn_call_destroy(call);
}

/* The columns of the source, "id,-,text". */
static void set_columns(const char *list)
{
	static char copy[256];

	source.n_columns = 0;
	strcpy(copy, list);
	for (char *at = copy, *next = copy; next; at = next + 1) {
		next = strchr(at, ',');
		if (next)
			*next = '\0';
		columns[source.n_columns++] = at;
	}
}

static int read_text(enum eval_format format, const char *text)
{
	FILE *f = fopen(file, "w");

	fputs(text, f);
	fclose(f);
	eval_data_finish(&data);
	tn_clear(call);
	source.format = format;
	return eval_read(&data, &source, tn_call_arena(call), call);
}

static size_t add(char *out, const char *before, struct tn_text t)
{
	return (size_t)sprintf(out, "%s%.*s", before, (int)t.len, t.text);
}

/* All examples: "text|pair=label #id;", "word/tag word/tag;", or the error behind its file. */
static const char *examples_of(enum eval_format format, const char *text)
{
	static char out[4096];
	size_t n = 0;

	out[0] = '\0';
	if (read_text(format, text)) {
		const char *error = tn_error_text(call);

		return strncmp(error, file, strlen(file)) ? error : error + strlen(file);
	}
	for (size_t i = 0; i < data.n; i++) {
		const struct eval_example *e = &data.items[i];

		for (size_t w = 0; w < e->input.n_words; w++) {
			n += add(out + n, w ? " " : "", e->input.words[w]);
			if (e->gold.tags)
				n += add(out + n, "/", e->gold.tags[w]);
		}
		if (e->input.text.text)
			n += add(out + n, "", e->input.text);
		if (e->input.pair.text)
			n += add(out + n, "|", e->input.pair);
		if (e->gold.label)
			n += (size_t)sprintf(out + n, "=%s", tn_string(e->gold.label, "?"));
		if (e->input.id)
			n += (size_t)sprintf(out + n, " #%s", tn_string(e->input.id, "?"));
		n += (size_t)sprintf(out + n, ";");
	}
	return out;
}

#define EXPECT(format, text, expected) \
	ck_assert_str_eq(examples_of(format, text), expected)

START_TEST(test_formats_have_names)
{
	ck_assert_int_eq(eval_format_of("csv"), EVAL_CSV);
	ck_assert_int_eq(eval_format_of("conllu"), EVAL_CONLLU);
	ck_assert_int_eq(eval_format_of("xml"), -1);
	ck_assert_int_eq(eval_format_of_path("a.b/train.conllu"), EVAL_CONLLU);
	ck_assert_int_eq(eval_format_of_path("dev.json"), EVAL_SQUAD);
	ck_assert_int_eq(eval_format_of_path("dev.csv"), EVAL_CSV);
	ck_assert_int_eq(eval_format_of_path("dev"), EVAL_TEXT);
}
END_TEST

START_TEST(test_tsv_defaults)
{
	EXPECT(EVAL_TSV, "a \"b\"\tx\n\nc\ty\r\n", "a \"b\"=x;c=y;");
	EXPECT(EVAL_TSV, "a\tb\tx\n", "a|b=x;");
	EXPECT(EVAL_TSV, "a\tx\nb\tc\td\te\n", ":2: 4 columns, expected a text and its label, "
		"or two texts and their label");
	EXPECT(EVAL_TSV, "a\tx\nb\t\n", ":2: the label is empty");
	/* A first line of roles is a header, whatever their order. */
	EXPECT(EVAL_TSV, "text\tlabel\na\tx\n", "a=x;");
	EXPECT(EVAL_TSV, "label\tid\ttext\nx\t7\ta\n", "a=x #7;");
	EXPECT(EVAL_TSV, "label\tpair\na\tx\n", "label=pair;a=x;");
	EXPECT(EVAL_TSV, "text\ttext\na\tx\n", "text=text;a=x;");
	source.header = true;
	EXPECT(EVAL_TSV, "sentence\tclass\na\tx\n", "a=x;");
}
END_TEST

START_TEST(test_columns_by_order)
{
	set_columns("id,-,text,label");
	EXPECT(EVAL_TSV, "1\t?\ta\tx\n2\t?\tb\ty\n", "a=x #1;b=y #2;");
	EXPECT(EVAL_TSV, "id\tsource\ttext\tlabel\n2\t?\tb\ty\n", "b=y #2;");
	EXPECT(EVAL_TSV, "id\tsource\ttext\tclass\n2\t?\tb\ty\n", "text=class #id;b=y #2;");
	EXPECT(EVAL_TSV, "1\ta\tx\n", ":1: 3 columns, expected 4");
	set_columns("text");
	EXPECT(EVAL_CSV, "\"a,b\"\nc\n", "a,b;c;");
	set_columns("label,,text,pair");
	EXPECT(EVAL_CSV, "x,,a,b\n", "a|b=x;");
}
END_TEST

START_TEST(test_columns_by_name)
{
	set_columns("label=category,text=the text");
	EXPECT(EVAL_CSV, "n,the text,category\n1,a,x\n2,\"b\nc\",y\n", "a=x;b\nc=y;");
	EXPECT(EVAL_CSV, "n,text,category\n1,a,x\n", ":1: no column is called the text, which is "
		"to be the text: found \"n\" and others");
	EXPECT(EVAL_CSV, "the text,category,category\n", ":1: two columns are called \"category\"");
	EXPECT(EVAL_CSV, "the text,category\na\n", ":2: 1 columns, expected 2");
	source.drop_bad = true;
	EXPECT(EVAL_CSV, "n,text,category\n1,a,x\n", ":1: no column is called the text, which is "
		"to be the text: found \"n\" and others");
}
END_TEST

START_TEST(test_columns_that_are_wrong)
{
	static const struct {
		enum eval_format format;
		const char *columns, *wrong;
	} cases[] = {
		{ EVAL_TSV, "text,lable", "no column is called \"lable\": there are text, pair, label "
			"and id, and - for one that is not used" },
		{ EVAL_CONLL, "text,label", "no column is called \"text\": there are word and label, "
			"and - for one that is not used" },
		{ EVAL_TSV, "label,id", "none of the columns is called text" },
		{ EVAL_CONLL, "label,-", "none of the columns is called word" },
		{ EVAL_CSV, "text,text", "the column text is given twice" },
		{ EVAL_CSV, "text=a,label", "label goes by its place and others by name: write "
			"label=NAME" },
		{ EVAL_CONLL, "word=FORM", "\"word=FORM\": conll has no header: its columns go by "
			"their order" },
		{ EVAL_CONLLU, "label=XPSO", "CoNLL-U has no column \"XPSO\"; did you mean XPOS: its "
			"columns are ID, FORM, LEMMA, UPOS, XPOS, FEATS, HEAD, DEPREL, DEPS and "
			"MISC" },
		{ EVAL_JSONL, "text", "columns are for tsv, csv, conll and conllu alone" },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		set_columns(cases[i].columns);
		ck_assert_int_eq(read_text(cases[i].format, ""), TN_EUSAGE);
		ck_assert_str_eq(tn_error_text(call) + strlen(file) + 2, cases[i].wrong);
		ck_assert_str_eq(eval_source_wrong(&source, call), cases[i].wrong);
	}
	set_columns("text,label");
	source.format = EVAL_TSV;
	ck_assert_ptr_null(eval_source_wrong(&source, call));
}
END_TEST

START_TEST(test_conll_columns)
{
	EXPECT(EVAL_CONLL, "a X B-P\nb Y I-P\n\nc Z O\n", "a/B-P b/I-P;c/O;");
	EXPECT(EVAL_CONLL, "a\n", ":1: one column, expected words and, in the last one, their tags");
	EXPECT(EVAL_CONLL, "a O\n\nb\t\nc\tO\n", ":3: the tag is empty");
	set_columns("-,word,label,-");
	EXPECT(EVAL_CONLL, "1 a O x\n2 b B-P y\n", "a/O b/B-P;");
	EXPECT(EVAL_CONLL, "1 a O\n", ":1: 3 columns, expected 4");
	set_columns("word,-");
	EXPECT(EVAL_CONLL, "a O\n", "a;");
}
END_TEST

#define REST "\t_\t_\t_\t_\t_\n"

START_TEST(test_conllu_columns)
{
	static const char text[] = "# c\n1-2\tdont\t_\t_\t_" REST "1\tdo\tdo\tAUX\tVBP" REST
		"2\tnt\tnot\tPART\tRB" REST "2.1\tx\tx\tX\tX" REST "\n1\tno\tno\tINTJ\tUH" REST;

	EXPECT(EVAL_CONLLU, text, "do/AUX nt/PART;no/INTJ;");
	ck_assert_str_eq(eval_word_where(&data.items[0], 1, call) + strlen(file), ":4");
	ck_assert_str_eq(data.items[0].where + strlen(file), ":2");
	set_columns("word,label=XPOS");
	EXPECT(EVAL_CONLLU, text, "do/VBP nt/RB;no/UH;");
	set_columns("label,word=LEMMA");
	EXPECT(EVAL_CONLLU, text, "do/AUX not/PART;no/INTJ;");
	set_columns("label=DEPREL");
	EXPECT(EVAL_CONLLU, text, "do/_ nt/_;no/_;");
}
END_TEST

static int squad(const char *answers)
{
	return read_text(EVAL_SQUAD, tn_printf(call, "{\"data\":[{\"paragraphs\":[{\"context\":"
		"\"\xc3\xa9t\xc3\xa9 \xf0\x9f\x98\x80 in Oslo\",\"qas\":[{\"id\":\"q1\","
		"\"question\":\"where?\",\"answers\":%s}]}]}]}", answers));
}

static void expect_span(size_t i, uint32_t begin, uint32_t end)
{
	ck_assert_ptr_nonnull(data.items[0].gold.spans);
	ck_assert_uint_eq(data.items[0].gold.spans[i].begin, begin);
	ck_assert_uint_eq(data.items[0].gold.spans[i].end, end);
}

START_TEST(test_answers_have_places)
{
	/* Code points 9 to 13: 4 of them have 1, 1, 1 and 3 more bytes. */
	ck_assert_int_eq(squad("[{\"text\":\"Oslo\",\"answer_start\":9},"
		"{\"answer_start\":0,\"text\":\"\xc3\xa9t\xc3\xa9\"}]"), 0);
	expect_span(0, 14, 18);
	expect_span(1, 0, 5);
	ck_assert_int_eq(squad("{\"text\":[\"in\",\"Oslo\"],\"answer_start\":[6,9]}"), 0);
	expect_span(0, 11, 13);
	expect_span(1, 14, 18);
	ck_assert_int_eq(squad("[{\"text\":\"Oslo\",\"bytes\":[14,18]},{\"text\":\"in\","
		"\"start\":6}]"), 0);
	expect_span(0, 14, 18);
	ck_assert_int_eq(squad("[{\"text\":\"Bergen\"},\"x\"]"), 0);
	ck_assert_ptr_null(data.items[0].gold.spans);
	ck_assert_int_eq(squad("[]"), 0);
	ck_assert(data.items[0].gold.has_answers && !data.items[0].gold.spans);
	EXPECT(EVAL_JSONL, "{\"question\":\"q\",\"context\":\"in \xc3\x98slo\",\"answers\":"
		"[{\"text\":\"slo\",\"start\":4}]}", "q|in \xc3\x98slo;");
	expect_span(0, 5, 8);
}
END_TEST

static void expect_squad_error(const char *answers, const char *error)
{
	ck_assert_int_eq(squad(answers), TN_EDATA);
	ck_assert_str_eq(tn_error_text(call) + strlen(file), error);
}

START_TEST(test_answers_elsewhere)
{
	expect_squad_error("[{\"text\":\"Oslo\",\"answer_start\":8}]", ": question q1: at character "
		"8 the context has \" Osl\", expected the answer \"Oslo\"");
	expect_squad_error("[{\"text\":\"Oslo?\",\"answer_start\":9}]", ": question q1: at character "
		"9 the context has \"Oslo\", expected the answer \"Oslo?\"");
	expect_squad_error("[{\"text\":\"x\",\"answer_start\":14}]", ": question q1: the answer "
		"\"x\" cannot stand at character 14 of a context of 18 bytes");
	expect_squad_error("[{\"text\":\"x\",\"answer_start\":-1}]", ": question q1: the answer "
		"\"x\" cannot stand at character -1 of a context of 18 bytes");
	expect_squad_error("[{\"text\":\"Oslo\",\"bytes\":[14,17]}]", ": question q1: the answer "
		"\"Oslo\" cannot stand at bytes [14,17] of a context of 18 bytes");
	expect_squad_error("[{\"text\":\"Oslo\",\"bytes\":[13,17]}]", ": question q1: at bytes "
		"[13,17] the context has \" Osl\", expected the answer \"Oslo\"");
	expect_squad_error("[{\"text\":\"Oslo\",\"answer_start\":9},{\"text\":\"Oslo\"}]",
		": question q1: 1 of 2 answers say where they stand, expected all or none");
	EXPECT(EVAL_JSONL, "{\"text\":\"q\"}\n{\"text\":\"q\",\"answers\":[{\"text\":\"a\","
		"\"start\":0}]}", ":2: an answer says where it stands, but there is no context");
}
END_TEST

START_TEST(test_bad_lines_are_dropped)
{
	EXPECT(EVAL_TSV, "a\tx\nb\nc\ty\n", ":2: 1 columns, expected a text and its label, or two "
		"texts and their label");
	source.drop_bad = true;
	EXPECT(EVAL_TSV, "a\tx\nb\nc\ty\nd\xff\tx\n", "a=x;c=y;");
	ck_assert_uint_eq(data.dropped, 2);
	ck_assert_str_eq(data.bad[1] + strlen(file), ":4: byte 1: 0xff is not UTF-8");
	EXPECT(EVAL_CONLL, "a O\nb\n\nc O\n", "c/O;");
	ck_assert_uint_eq(data.dropped, 1);
	EXPECT(EVAL_JSONL, "{\"text\":1}\n{\"text\":\"a\",\"label\":true}\n{\"text\":\"b\"}\n", "b;");
	ck_assert_uint_eq(data.dropped, 2);
	EXPECT(EVAL_TSV, "a\nb\n", tn_printf(call, " holds no example: 2 are wrong, the first being "
		"%s:1: 1 columns, expected a text and its label, or two texts and their label", file));
	ck_assert_int_eq(squad("[{\"text\":\"Oslo\",\"answer_start\":8}]"), TN_EDATA);
	ck_assert_ptr_nonnull(strstr(tn_error_text(call), " holds no example: 1 are wrong"));
	/* More than are kept. */
	EXPECT(EVAL_TSV, "1\n2\n3\n4\n5\n6\n7\n8\n9\n10\n11\n12\na\tx\n", "a=x;");
	ck_assert_uint_eq(data.dropped, 12);
	ck_assert_ptr_nonnull(strstr(data.bad[EVAL_MOST_BAD - 1], ":10: "));
}
END_TEST

START_TEST(test_iob1_becomes_bio)
{
	source.iob1 = true;
	EXPECT(EVAL_CONLL, "a I-P\nb I-P\nc B-P\nd I-Q\ne O\nf I-Q\n",
		"a/B-P b/I-P c/B-P d/B-Q e/O f/B-Q;");
	EXPECT(EVAL_CONLL, "a O\nb B-P\n", ":2: the tag \"B-P\" is not behind one of its label, as "
		"IOB1 has it: the tags may be BIO already");
	EXPECT(EVAL_CONLL, "a O\nb S-P\n", ":2: the tag \"S-P\", expected O, or I or B with a label "
		"(IOB1)");
	EXPECT(EVAL_JSONL, "{\"words\":[\"a\",\"b\"],\"tags\":[\"O\",\"I-P\"]}", "a/O b/B-P;");
}
END_TEST

/* The table of who may stand behind whom: rows are what stands before, columns what follows;
 * "^" begins and "$" ends a text. */
START_TEST(test_tags_that_may_follow)
{
	static const char *const bio[] = { "O", "B-x", "I-x", "B-y", "I-y" };
	static const char *const bio_rows[] = { "11010", "11110", "11110", "11011", "11011" };
	static const char *const all[] = { "O", "B-x", "I-x", "E-x", "S-x", "I-y", "E-y" };
	static const char *const rows[] = { "1100100", "0011000", "0011000", "1100100", "1100100",
		"0000011", "1100100" };
	static const char ends[] = "1001101";
	struct eval_tag a, b;

	for (size_t i = 0; i < 5; i++)
		for (size_t k = 0; k < 5; k++) {
			a = eval_tag_of((struct tn_text){ bio[i], strlen(bio[i]) });
			b = eval_tag_of((struct tn_text){ bio[k], strlen(bio[k]) });
			ck_assert_int_eq(eval_tag_may_follow(EVAL_BIO, &a, &b),
				bio_rows[i][k] == '1');
			ck_assert_int_eq(eval_tag_may_follow(EVAL_BIO, NULL, &b), bio[k][0] != 'I');
			ck_assert(eval_tag_may_follow(EVAL_BIO, &a, NULL));
		}
	for (size_t i = 0; i < 7; i++)
		for (size_t k = 0; k < 7; k++) {
			a = eval_tag_of((struct tn_text){ all[i], strlen(all[i]) });
			b = eval_tag_of((struct tn_text){ all[k], strlen(all[k]) });
			ck_assert_int_eq(eval_tag_may_follow(EVAL_BIOES, &a, &b),
				rows[i][k] == '1');
			ck_assert_int_eq(eval_tag_may_follow(EVAL_BIOES, NULL, &b),
				rows[0][k] == '1');
			ck_assert_int_eq(eval_tag_may_follow(EVAL_BIOES, &a, NULL),
				ends[i] == '1');
		}
	b = eval_tag_of((struct tn_text){ "NOUN", 4 });
	ck_assert(!b.marked && eval_tag_may_follow(EVAL_LABELS, NULL, &b));
}
END_TEST

int main(void)
{
	Suite *s = suite_create("gold");
	TCase *c = tcase_create("gold");

	tcase_add_checked_fixture(c, set_up, tear_down);
	tcase_add_test(c, test_formats_have_names);
	tcase_add_test(c, test_tsv_defaults);
	tcase_add_test(c, test_columns_by_order);
	tcase_add_test(c, test_columns_by_name);
	tcase_add_test(c, test_columns_that_are_wrong);
	tcase_add_test(c, test_conll_columns);
	tcase_add_test(c, test_conllu_columns);
	tcase_add_test(c, test_answers_have_places);
	tcase_add_test(c, test_answers_elsewhere);
	tcase_add_test(c, test_bad_lines_are_dropped);
	tcase_add_test(c, test_iob1_becomes_bio);
	tcase_add_test(c, test_tags_that_may_follow);
	suite_add_tcase(s, c);
	return tn_check_main(s);
}
