/* SPDX-License-Identifier: Apache-2.0
 * tests/base/test_config.c - the checked reader of configurations, --set, printing.
 */
#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/config.h"
#include "check_main.h"

#define N(a) (sizeof(a) / sizeof((a)[0]))

static struct tn_call *call;
static char directory[64];

static void set_up(void)
{
	call = tn_call_create();
	strcpy(directory, "test-config-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(directory));
}

static void tear_down(void)
{
	char command[100];

	snprintf(command, sizeof(command), "rm -rf %s", directory);
	ck_assert_int_eq(system(command), 0);
	tn_call_destroy(call);
}

static struct tn_value *parse(const char *text)
{
	return tn_config_parse(text, strlen(text), "f.cfg", directory, tn_call_arena(call), call);
}

static const char *path_of(const char *name)
{
	return tn_printf(call, "%s/%s", directory, name);
}

static void write_file(const char *name, const char *text)
{
	FILE *f = fopen(path_of(name), "w");

	ck_assert_ptr_nonnull(f);
	fputs(text, f);
	fclose(f);
}

static struct tn_value *read_file(const char *name)
{
	return tn_config_read(path_of(name), tn_call_arena(call), call);
}

/* The faults so far, one a line, without the directory. */
static char *faults(void)
{
	static char text[8192];
	size_t n = 0, len = strlen(directory);

	for (size_t i = 0; i < tn_n_faults(call); i++)
		n += (size_t)snprintf(text + n, sizeof(text) - n, "%s%s", i ? "\n" : "",
			tn_fault_text(call, i));
	for (char *p; (p = strstr(text, directory));)
		memmove(p, p + len + 1, strlen(p + len + 1) + 1);
	return n ? text : strcpy(text, "");
}

START_TEST(test_values_and_places)
{
	static const char text[] =
		"# a comment\n"
		"i = 7; j : -2147483648, k = 3000000000; hex = 0xFF; big = 0x7FFFFFFFFFFFFFFFL;\n"
		"l = -9223372036854775808L\n"
		"r = 1e-3; half = .5; two = 2.; /* a\n comment */ yes = True;\n"
		"s = \"a\\n\\t\\\"\\\\\\x41\xc3\xa9 # no comment\"; empty = \"\";\n"
		"list = ( 1, \"x\",\n  { y = ( ); },\n  [ ] ); // end\n"
		"g = { a = { }; };";
	const struct tn_value *v = parse(text), *list = tn_get(v, "list");

	ck_assert_str_eq(faults(), "");
	ck_assert_int_eq(tn_int(tn_get(v, "i"), 0), 7);
	ck_assert_int_eq(tn_int(tn_get(v, "j"), 0), -2147483648LL);
	ck_assert_int_eq(tn_int(tn_get(v, "k"), 0), 3000000000LL);
	ck_assert_int_eq(tn_int(tn_get(v, "hex"), 0), 255);
	ck_assert_int_eq(tn_int(tn_get(v, "big"), 0), INT64_MAX);
	ck_assert_int_eq(tn_int(tn_get(v, "l"), 0), INT64_MIN);
	ck_assert(tn_real(tn_get(v, "r"), 0) == 1e-3);
	ck_assert(tn_real(tn_get(v, "half"), 0) == 0.5 && tn_real(tn_get(v, "two"), 0) == 2.0);
	ck_assert(tn_bool(tn_get(v, "yes"), false));
	ck_assert_str_eq(tn_string(tn_get(v, "s"), ""), "a\n\t\"\\A\xc3\xa9 # no comment");
	ck_assert_str_eq(tn_string(tn_get(v, "empty"), "no"), "");
	ck_assert_uint_eq(tn_size(list), 4);
	ck_assert_int_eq(tn_value_kind(tn_at(list, 3)), TN_VALUE_LIST);
	ck_assert_int_eq(tn_value_kind(tn_get(tn_get(v, "g"), "a")), TN_VALUE_OBJECT);
	ck_assert_str_eq(tn_value_where(tn_get(v, "l"), call), "f.cfg:3");
	ck_assert_str_eq(tn_value_where(tn_get(v, "yes"), call), "f.cfg:5");
	ck_assert_str_eq(tn_value_where(list, call), "f.cfg:7");
	ck_assert_str_eq(tn_value_where(tn_at(list, 1), call), "f.cfg:7");
	ck_assert_str_eq(tn_value_where(tn_get(tn_at(list, 2), "y"), call), "f.cfg:8");
	ck_assert_str_eq(tn_value_where(tn_at(list, 3), call), "f.cfg:9");
	ck_assert_str_eq(tn_value_where(NULL, call), "configuration");
}
END_TEST

START_TEST(test_integer_serves_as_real)
{
	const struct tn_value *v = parse("lr = 1; n = 3.7;");

	ck_assert_int_eq(tn_value_kind(tn_get(v, "lr")), TN_VALUE_INT);
	ck_assert(tn_real(tn_get(v, "lr"), 0) == 1.0);
	ck_assert_int_eq(tn_int(tn_get(v, "n"), -1), -1);
}
END_TEST

START_TEST(test_empty_is_an_empty_group)
{
	ck_assert_uint_eq(tn_size(parse("")), 0);
	ck_assert_uint_eq(tn_size(parse("\xef\xbb\xbf# nothing\r\n")), 0);
	ck_assert_str_eq(faults(), "");
}
END_TEST

/* Each way of writing it wrongly has its place and its own sentence. */
static const struct {
	const char *text, *fault;
} wrong[] = {
	{ "a = 9223372036854775808;", "f.cfg:1:5: 9223372036854775808 does not fit 64 bits: "
		"expected -9223372036854775808 to 9223372036854775807" },
	{ "a = -9223372036854775809L;", "f.cfg:1:5: -9223372036854775809L does not fit 64 bits: "
		"expected -9223372036854775808 to 9223372036854775807" },
	{ "a = 0xFFFFFFFFFFFFFFFFL;", "f.cfg:1:5: 0xFFFFFFFFFFFFFFFFL does not fit 64 bits: "
		"expected -9223372036854775808 to 9223372036854775807" },
	{ "a = 1e999;", "f.cfg:1:5: 1e999 is beyond the largest real number, "
		"1.7976931348623157e308" },
	{ "a = inf;", "f.cfg:1:5: inf is not true, false or a number; a string stands in double "
		"quotes: \"inf\"" },
	{ "model = demo;\n", "f.cfg:1:9: demo is not true, false or a number; a string stands in "
		"double quotes: \"demo\"" },
	{ "model = my dir; a = 1;", "f.cfg:1:9: my dir is not true, false or a number; a string "
		"stands in double quotes: \"my dir\"" },
	{ "model = 'demo';", "f.cfg:1:9: a string stands in double quotes: \"demo\"" },
	{ "a = 12abc;", "f.cfg:1:5: \"12abc\" is not a number; a string stands in double quotes" },
	{ "a = 1.2.3;", "f.cfg:1:5: \"1.2.3\" is not a number; a string stands in double quotes" },
	{ "a = 0x;", "f.cfg:1:5: \"0x\" is not a number; a string stands in double quotes" },
	{ "lr = 0,5;", "f.cfg:1:8: expected a setting, NAME = VALUE;, found \"5\"; names begin "
		"with a letter (the decimal sign of numbers is a point)" },
	{ "a = ( \"x\"\n \"y\" );", "f.cfg:2:2: this string stands right behind another one (on "
		"line 1): a comma or a semicolon is missing between them" },
	{ "a = \"x\" \"y\" \"z\";", "f.cfg:1:9: this string stands right behind another one (on "
		"line 1): a comma or a semicolon is missing between them" },
	{ "a = ( 1, 2, );", "f.cfg:1:11: no comma may stand behind the last value, before )" },
	{ "a = [ 1, ];", "f.cfg:1:8: no comma may stand behind the last value, before ]" },
	{ "a = ( , 1 );", "f.cfg:1:7: a value is missing before this ," },
	{ "a = ( 1;2 );", "f.cfg:1:8: a semicolon stands here while the ( of line 1 is open; "
		"expected a comma or )" },
	{ "a = ( 1 2 );", "f.cfg:1:9: expected a comma or ) behind a value, found \"2\"" },
	{ "a = ( { } { } );", "f.cfg:1:11: expected a comma or ) behind a value, found \"{\"" },
	{ "a = (\n 1 ];", "f.cfg:2:4: ] closes what ( opened on line 1; expected )" },
	{ "a = (\n1;\nb = 2;", "f.cfg:2:2: a semicolon stands here while the ( of line 1 is open; "
		"expected a comma or )" },
	{ "a = (", "f.cfg:1:5: the ( that opens here is never closed" },
	{ "a = {\nb = 1;", "f.cfg:1:5: the { that opens here is never closed" },
	{ "a = [ 1, 2.0 ];", "f.cfg:1:10: [ ] holds values of one kind, here is a real number "
		"after an integer; write ( )" },
	{ "a = [ { } ];", "f.cfg:1:7: [ ] holds plain values only, here is a group; write ( )" },
	{ "a = \"x;\nb = 1;", "f.cfg:1:5: the string that begins here is not closed on its line (a "
		"line break within a string is written \\n)" },
	{ "a = \"x\\", "f.cfg:1:7: a string has no such escape; known are \\n \\r \\t \\f "
		"\\\\ \\\" and "
		"\\xHH (a backslash alone is \\\\)\nf.cfg:1:5: the string that begins here is not "
		"closed on its line (a line break within a string is written \\n)" },
	{ "a = \"C:\\dir\";", "f.cfg:1:8: a string has no such escape; known are \\n \\r \\t \\f "
		"\\\\ \\\" and \\xHH (a backslash alone is \\\\)" },
	{ "a = \"\\x00\";", "f.cfg:1:5: this string holds \\x00; a setting cannot hold a NUL" },
	{ "a = \"\\xff\";", "f.cfg:1:5: this string is not UTF-8 once its \\x escapes are read" },
	{ "a = 1; /* b", "f.cfg:1:8: the comment that begins here is never closed by */" },
	{ "a = 1;;", "f.cfg:1:7: there is no setting before this ;" },
	{ "a = ;", "f.cfg:1:5: a value is missing before this ;" },
	{ "a = ", "f.cfg:1:5: expected a value, found the end" },
	{ "a = = 1;", "f.cfg:1:5: expected a value, found \"=\"" },
	{ "a = }", "f.cfg:1:5: expected a value, found \"}\"" },
	{ "a = 1; }", "f.cfg:1:8: nothing is open that this } could close" },
	{ "a = 1 2;", "f.cfg:1:7: expected a semicolon behind the value of \"a\", found \"2\"" },
	{ "a 1;", "f.cfg:1:3: expected = and a value behind \"a\", found \"1\"" },
	{ "a.b = 1;", "f.cfg:1:1: a setting's name has no dots: write a = { ... }" },
	{ "\"a\" = 1;", "f.cfg:1:1: expected a setting, NAME = VALUE;, found a string (names have "
		"no quotes)" },
	{ "_a = 1;", "f.cfg:1:1: expected a setting, NAME = VALUE;, found \"_a\"" },
	{ "true = 1;", "f.cfg:1:1: \"true\" is a value and cannot name a setting" },
	{ "a = 1;\nb = 2;\na = 3;", "f.cfg:3:1: \"a\" is set twice, first at f.cfg:1" },
	{ "\xc3\xa9\xc3\xa9 = \xff;", "f.cfg:1:6: byte 0xff is not UTF-8" },
	{ "\n@include", "f.cfg:2:9: expected a file in double quotes behind @include, found the "
		"end" },
	{ "\n@include \"x", "f.cfg:2:10: the string that begins here is not closed on its line (a "
		"line break within a string is written \\n)" },
	{ "@include \"\"", "f.cfg:1:1: @include names no file" },
	{ "a = 1; @include \"x\"", "f.cfg:1:8: @include begins a line of its own" },
	{ "@include_dir \"x\"", "f.cfg:1:9: expected a file in double quotes behind @include, "
		"found \"_dir\"" },
	{ "@define x", "f.cfg:1:1: expected a setting or @include \"FILE\", found \"@define\"" },
	/* Several at once. */
	{ "a = 1e999;\nb = x;\nc = ( 1, );\na = 2;", "f.cfg:1:5: 1e999 is beyond the largest real "
		"number, 1.7976931348623157e308\nf.cfg:2:5: x is not true, false or a number; a "
		"string "
		"stands in double quotes: \"x\"\nf.cfg:3:8: no comma may stand behind the last "
		"value, before )\nf.cfg:4:1: \"a\" is set twice, first at f.cfg:1" },
};

START_TEST(test_each_fault_has_its_sentence)
{
	ck_assert_ptr_null(parse(wrong[_i].text));
	ck_assert_int_eq(tn_status(call), TN_ECONFIG);
	ck_assert_str_eq(faults(), wrong[_i].fault);
}
END_TEST

START_TEST(test_nul_is_refused)
{
	ck_assert_ptr_null(tn_config_parse("a = 1;\n\0b = 2;", 14, "f.cfg", NULL,
		tn_call_arena(call), call));
	ck_assert_str_eq(faults(), "f.cfg:2:1: a NUL byte stands here");
}
END_TEST

START_TEST(test_include_keeps_places)
{
	const struct tn_value *v;

	ck_assert_int_eq(mkdir(path_of("sub"), 0700), 0);
	write_file("a.cfg", "x = 1;\n@include \"sub/b.cfg\"\nz = ( 3 );\n");
	write_file("sub/b.cfg", "\ny = 2;\ng = {\n  @include \"c.cfg\"\n};");
	write_file("sub/c.cfg", "p = \"q\"");
	v = read_file("a.cfg");
	ck_assert_str_eq(faults(), "");
	ck_assert_str_eq(tn_value_where(tn_get(v, "x"), call), path_of("a.cfg:1"));
	ck_assert_str_eq(tn_value_where(tn_get(v, "y"), call), path_of("sub/b.cfg:2"));
	ck_assert_str_eq(tn_value_where(tn_get(tn_get(v, "g"), "p"), call),
		path_of("sub/c.cfg:1"));
	ck_assert_str_eq(tn_value_where(tn_get(v, "z"), call), path_of("a.cfg:3"));
}
END_TEST

START_TEST(test_include_cites_the_included_file)
{
	write_file("a.cfg", "x = 1;\n@include \"b.cfg\"\ny = bad;\n");
	write_file("b.cfg", "x = 2;\n}\nnever = read;\n");
	ck_assert_ptr_null(read_file("a.cfg"));
	ck_assert_str_eq(faults(), "a.cfg:3:5: bad is not true, false or a number; a string "
		"stands in double quotes: \"bad\"\n"
		"b.cfg:1:1: \"x\" is set twice, first at a.cfg:1\n"
		"b.cfg:2:1: nothing is open that this } could close");
}
END_TEST

START_TEST(test_include_refuses)
{
	write_file("a.cfg", "@include \"none.cfg\"\n@include \".\"\n@include \"fifo\"\n"
		"@include \"/dev/zero\"\n@include \"a.cfg\"\n@include \"b.cfg\"\n"
		"@include \"c.cfg\";\n");
	write_file("b.cfg", "@include \"./a.cfg\"\n");
	write_file("c.cfg", "");
	ck_assert_int_eq(mkfifo(path_of("fifo"), 0600), 0);
	ck_assert_ptr_null(read_file("a.cfg"));
	ck_assert_int_eq(tn_status(call), TN_ECONFIG);
	ck_assert_str_eq(faults(),
		"a.cfg:1:1: @include: none.cfg: there is no such file\n"
		"a.cfg:2:1: @include: .: a directory, expected a regular file\n"
		"a.cfg:3:1: @include: fifo: not a regular file, expected a regular file\n"
		"a.cfg:4:1: @include: /dev/zero: not a regular file, expected a regular file\n"
		"a.cfg:5:1: @include: a.cfg includes itself\n"
		"a.cfg:7:17: no semicolon may stand behind @include\n"
		"b.cfg:1:1: @include: ./a.cfg includes itself through other files");
}
END_TEST

START_TEST(test_include_is_at_most_ten_deep)
{
	char name[16], text[64];

	for (int i = 0; i < 11; i++) {
		snprintf(name, sizeof(name), "%d.cfg", i);
		snprintf(text, sizeof(text), "@include \"%d.cfg\"\n", i + 1);
		write_file(name, text);
	}
	write_file("11.cfg", "a = 1;\n");
	ck_assert_uint_eq(tn_size(read_file("1.cfg")), 1);
	ck_assert_ptr_null(read_file("0.cfg"));
	ck_assert_str_eq(faults(), "10.cfg:1:1: @include: more than 10 files include each other");
}
END_TEST

START_TEST(test_file_that_cannot_be_read)
{
	ck_assert_ptr_null(read_file("none.cfg"));
	ck_assert_int_eq(tn_status(call), TN_ENOINPUT);
	tn_clear(call);
	ck_assert_ptr_null(read_file("."));
	ck_assert_int_eq(tn_status(call), TN_ECONFIG);
}
END_TEST

static void count_note(void *user, const char *text)
{
	*(int *)user += strstr(text, "a.cfg: anybody may write to this file") != NULL;
}

START_TEST(test_file_that_anybody_may_write_to)
{
	int n = 0;

	tn_on_note(call, count_note, &n);
	write_file("a.cfg", "a = 1;");
	ck_assert_int_eq(chmod(path_of("a.cfg"), 0664), 0);
	ck_assert_ptr_nonnull(read_file("a.cfg"));
	ck_assert_int_eq(n, 0);
	ck_assert_int_eq(chmod(path_of("a.cfg"), 0666), 0);
	ck_assert_ptr_nonnull(read_file("a.cfg"));
	ck_assert_int_eq(n, 1);
}
END_TEST

/* A group of settings "aN=1;". */
static char *many(size_t n_settings)
{
	char *text = malloc(n_settings * 16 + 1), *p = text;

	*p = '\0';
	for (size_t i = 0; i < n_settings; i++)
		p += sprintf(p, "a%zu=1;", i);
	return text;
}

static double seconds(void)
{
	struct timespec t;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

START_TEST(test_size_and_time_are_bounded)
{
	char *text = many(4096), *one;
	double begin = seconds();

	ck_assert_uint_eq(tn_size(parse(text)), 4096);
	free(text);
	text = many(4097);
	ck_assert_ptr_null(parse(text));
	ck_assert_ptr_nonnull(strstr(faults(), ": more than 4096 settings in one group"));
	tn_clear(call);
	free(text);

	one = malloc(TN_CONFIG_MAX + 2);
	memset(one, 'x', TN_CONFIG_MAX + 1);
	memcpy(one, "a=\"", 3);
	strcpy(one + TN_CONFIG_MAX - 2, "\";");
	ck_assert_uint_eq(tn_string_length(tn_get(parse(one), "a")), TN_CONFIG_MAX - 5);
	strcpy(one + TN_CONFIG_MAX - 2, "\"; ");
	ck_assert_ptr_null(parse(one));
	ck_assert_str_eq(faults(), "f.cfg: the text has 1048577 bytes, at most 1048576 are read");
	tn_clear(call);
	write_file("big.cfg", one);
	ck_assert_ptr_null(read_file("big.cfg"));
	ck_assert_int_eq(tn_status(call), TN_ECONFIG);
	tn_clear(call);

	/* A megabyte of values on one line, of words without quotes, of brackets. */
	memset(one, ',', TN_CONFIG_MAX);
	memcpy(one, "a=(", 3);
	for (size_t i = 3; i < TN_CONFIG_MAX - 2; i += 2)
		one[i] = '1';
	strcpy(one + TN_CONFIG_MAX - 2, ")");
	ck_assert_ptr_null(parse(one));
	ck_assert_str_eq(faults(), "f.cfg:1:131076: more than 65536 values in one list");
	tn_clear(call);
	memcpy(one + 3 + 2 * 65536 - 1, ");", 3);
	ck_assert_uint_eq(tn_size(tn_get(parse(one), "a")), 65536);
	one[3 + 2 * 65536 - 1] = one[3 + 2 * 65536 + 1] = ',';
	for (size_t i = 3; i < TN_CONFIG_MAX - 2; i += 2)
		one[i] = 'x';
	ck_assert_ptr_null(parse(one));
	ck_assert_uint_eq(tn_n_faults(call), 50);
	tn_clear(call);
	one[TN_CONFIG_MAX] = '\0';
	memset(one + 2, '(', TN_CONFIG_MAX - 2);
	ck_assert_ptr_null(parse(one));
	ck_assert_ptr_nonnull(strstr(faults(), "lie more than 64 deep in each other"));
	free(one);
	ck_assert_double_lt(seconds() - begin, 10);
}
END_TEST

/* Makes a locale with a decimal comma where localedef has the sources of one. */
START_TEST(test_decimal_comma_locale)
{
	const struct tn_value *v;
	char command[200];

	snprintf(command, sizeof(command), "localedef -i de_DE -f UTF-8 ./%s/de_DE.UTF-8 2>%s/log",
		directory, directory);
	setenv("LOCPATH", directory, 1);
	if (!system(command))
		ck_assert_ptr_nonnull(setlocale(LC_ALL, "de_DE.UTF-8"));
	else
		setlocale(LC_ALL, "");
	v = parse("a = 0.5; b = 1.5e3;");
	ck_assert(tn_real(tn_get(v, "a"), 0) == 0.5);
	ck_assert(tn_real(tn_get(v, "b"), 0) == 1500);
	ck_assert_str_eq(tn_config_print(v, NULL, call), "a = 0.5;\nb = 1500.0;\n");
	ck_assert_int_eq(tn_config_set((struct tn_value *)v, "c=0.25", tn_call_arena(call),
		call), 0);
	ck_assert(tn_real(tn_get(v, "c"), 0) == 0.25);
	ck_assert_str_eq(tn_json_print(v, NULL, call), "{\"a\":0.5,\"b\":1500.0,\"c\":0.25}");
	ck_assert_ptr_null(parse("a = 1.5e999;"));
}
END_TEST

static int set(struct tn_value *v, const char *assignment)
{
	return tn_config_set(v, assignment, tn_call_arena(call), call);
}

START_TEST(test_set)
{
	struct tn_value *v = parse("model = \"demo\"; heads = { a = { min = 0.5; }; };\n"
		"list = ( 1, { x = 2; } );");

	ck_assert_int_eq(set(v, "heads.a.min=0.25"), 0);
	ck_assert_int_eq(set(v, "model=other dir"), 0);
	ck_assert_int_eq(set(v, "backends=( \"x\", \"reference\" )"), 0);
	ck_assert_int_eq(set(v, "list.[1].x=\"quoted\""), 0);
	ck_assert_int_eq(set(v, "list.[0]=true"), 0);
	ck_assert_int_eq(set(v, "window.tokens=1"), 0);
	ck_assert_int_eq(set(v, "window.tokens = 12"), 0);
	ck_assert_int_eq(set(v, "two=1 2"), 0);
	ck_assert_int_eq(set(v, "none="), 0);
	ck_assert_int_eq(set(v, "path=a=b;c"), 0);
	ck_assert_int_eq(set(v, "new.g={ use = \"x\"; }"), 0);
	ck_assert_str_eq(tn_json_print(v, NULL, call), "{\"model\":\"other dir\",\"heads\":{\"a\":"
		"{\"min\":0.25}},\"list\":[true,{\"x\":\"quoted\"}],\"backends\":[\"x\",\"reference\"],"
		"\"window\":{\"tokens\":12},\"two\":\"1 2\",\"none\":\"\",\"path\":\"a=b;c\","
		"\"new\":{\"g\":{\"use\":\"x\"}}}");
	ck_assert_str_eq(tn_value_where(tn_get(v, "model"), call), "--set model=other dir");
	ck_assert_str_eq(tn_value_where(tn_get(tn_get(tn_get(v, "new"), "g"), "use"), call),
		"--set new.g={ use = \"x\"; }");
	ck_assert_int_eq(tn_value_line(tn_get(v, "model")), 0);
}
END_TEST

static const struct {
	const char *assignment;
	int status;
	const char *text;
} wrong_sets[] = {
	{ "model", TN_EUSAGE, "--set model: expected PATH=VALUE" },
	{ "=1", TN_EUSAGE, "--set =1: expected PATH=VALUE" },
	{ "a..b=1", TN_EUSAGE, "--set a..b=1: \"\" is no part of a path; expected names and [N] "
		"with dots between them, as in heads.NAME.use=VALUE" },
	{ "a.=1", TN_EUSAGE, "--set a.=1: \"a\" is no part of a path; expected names and [N] with "
		"dots between them, as in heads.NAME.use=VALUE" },
	{ "list.[x]=1", TN_EUSAGE, "--set list.[x]=1: \"[x]\" is no part of a path; expected names "
		"and [N] with dots between them, as in heads.NAME.use=VALUE" },
	{ "model.use=1", TN_ECONFIG, "--set model.use=1: use is wanted of a string (f.cfg:1), "
		"expected a group" },
	{ "list.[2]=1", TN_ECONFIG, "--set list.[2]=1: [2] is beyond the end of a list of 2 "
		"(f.cfg:1)" },
	{ "model.[0]=1", TN_ECONFIG, "--set model.[0]=1: [0] leads into a string (f.cfg:1), "
		"expected a list" },
	{ "a=99999999999999999999", TN_ECONFIG, "--set a=99999999999999999999: "
		"99999999999999999999 "
		"does not fit 64 bits: expected -9223372036854775808 to 9223372036854775807" },
};

START_TEST(test_set_refuses)
{
	struct tn_value *v = parse("model = \"demo\"; list = ( 1, 2 );");

	ck_assert_int_eq(set(v, wrong_sets[_i].assignment), wrong_sets[_i].status);
	ck_assert_str_eq(tn_error_text(call), wrong_sets[_i].text);
}
END_TEST

START_TEST(test_print_reads_back)
{
	static const char text[] =
		"a = -5; b = 3000000000; c = 0.1; d = 1e300; e = -0.0; f = 5e-324; z = 3.0;\n"
		"s = \"x\\n\\r\\t\\f\\\\\\\"\\x01\\x7f\xc3\xa9\"; t = false; n = ( );\n"
		"g = { h = { }; l = ( ( 1, 2 ), { k = \"v\"; }, [ true ] ); };\n"
		"long = ( \"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\", "
		"\"bbbbbbbbbbbbbbbbbbbbbbbbbbb\", \"cccccccccccccccccccccc\" );";
	const struct tn_value *v = parse(text), *back;
	const char *printed = tn_config_print(v, NULL, call);

	ck_assert_str_eq(faults(), "");
	back = parse(printed);
	ck_assert_str_eq(faults(), "");
	ck_assert_str_eq(tn_json_print(v, NULL, call), tn_json_print(back, NULL, call));
	ck_assert_int_eq(tn_value_kind(tn_get(back, "z")), TN_VALUE_REAL);
	ck_assert_str_eq(tn_config_print(back, NULL, call), printed);
}
END_TEST

START_TEST(test_print_refuses)
{
	static const char *const texts[] = { "{\"a\":null}", "{\"a.b\":1}",
		"{\"a\":[\"\\u0000\"]}" };

	for (size_t i = 0; i < N(texts); i++) {
		const struct tn_value *v = tn_json_parse(texts[i], strlen(texts[i]), "t",
			tn_call_arena(call), call);

		ck_assert_ptr_null(tn_config_print(v, NULL, call));
		ck_assert_int_eq(tn_status(call), TN_ECONFIG);
		tn_clear(call);
	}
}
END_TEST

/* Texts put together from pieces of the grammar at random: what passes the check must be
 * read by libconfig in the same way (else TN_EINTERNAL), and printing must keep it. */
START_TEST(test_random_texts)
{
	static const char *const pieces[] = {
		"a", "b", "c-d", "*", " = ", "=", ":", ";", ",", "\n", " ", "{", "}", "(", ")",
		"[", "]",
		"1", "-7", "0x1F", "99999999999", "1.5", ".5", "1e9", "true", "\"s\"", "\"\\n\"",
		"\"\"",
		"# c\n", "/* c */", "// c\n", "@include", "a=1;", "b={x=1;}", "c=(1,{y=2});",
		"d=[\"u\"]",
		".", "\\", "e : \"v\", ", "+1L", "1.", "-.5e-3",
	};
	unsigned state = 12345;
	size_t passed = 0;

	for (int round = 0; round < TN_MANY(100000); round++) {
		char text[256] = "";
		size_t n = 0, more = 1 + (state >> 8) % 7;
		const struct tn_value *v;

		while (more--) {
			state = state * 1664525 + 1013904223;
			n += (size_t)sprintf(text + n, "%s", pieces[(state >> 10) % N(pieces)]);
		}
		v = parse(text);
		ck_assert_msg(tn_status(call) != TN_EINTERNAL, "%s: %s", text, faults());
		if (v) {
			const char *json = tn_json_print(v, NULL, call);
			const char *again = tn_json_print(parse(tn_config_print(v, NULL, call)),
				NULL, call);

			passed++;
			ck_assert_str_eq(json, again);
		}
		tn_call_reset(call);
	}
	ck_assert_uint_gt(passed, TN_MANY(1000));
}
END_TEST

int main(void)
{
	Suite *s = suite_create("config");
	TCase *c = tcase_create("config");

	tcase_set_timeout(c, 120);
	tcase_add_checked_fixture(c, set_up, tear_down);
	tcase_add_test(c, test_values_and_places);
	tcase_add_test(c, test_integer_serves_as_real);
	tcase_add_test(c, test_empty_is_an_empty_group);
	tcase_add_loop_test(c, test_each_fault_has_its_sentence, 0, N(wrong));
	tcase_add_test(c, test_nul_is_refused);
	tcase_add_test(c, test_include_keeps_places);
	tcase_add_test(c, test_include_cites_the_included_file);
	tcase_add_test(c, test_include_refuses);
	tcase_add_test(c, test_include_is_at_most_ten_deep);
	tcase_add_test(c, test_file_that_cannot_be_read);
	tcase_add_test(c, test_file_that_anybody_may_write_to);
	tcase_add_test(c, test_size_and_time_are_bounded);
	tcase_add_test(c, test_decimal_comma_locale);
	tcase_add_test(c, test_set);
	tcase_add_loop_test(c, test_set_refuses, 0, N(wrong_sets));
	tcase_add_test(c, test_print_reads_back);
	tcase_add_test(c, test_print_refuses);
	tcase_add_test(c, test_random_texts);
	suite_add_tcase(s, c);
	return tn_check_main(s);
}
