/* SPDX-License-Identifier: Apache-2.0
 * tests/parity/metrics.c - scores the outputs of other systems, for tests/parity/metrics.sh:
 *
 *	metrics spans GOLD FOUND	two files in columns, tags in the last
 *	metrics answers GOLD FOUND	SQuAD's JSON and an object of answers by id
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "eval/answer.h"
#include "eval/gold.h"
#include "eval/spans.h"

static struct tn_call *call;
static struct tn_arena *arena;

static void fail(const char *text)
{
	fprintf(stderr, "metrics: %s\n", text);
	exit(1);
}

static struct eval_data read_data(const char *path, enum eval_format format)
{
	struct eval_source source = { .path = path, .format = format };
	struct eval_data data = { 0 };

	if (eval_read(&data, &source, arena, call))
		fail(tn_error_text(call));
	return data;
}

/* The tags of all sentences, one behind the other. */
static struct tn_text *all_tags(const struct eval_data *data, size_t *n)
{
	struct tn_text *tags;
	size_t at = 0;

	for (size_t i = *n = 0; i < data->n; i++)
		*n += data->items[i].input.n_words;
	tags = tn_alloc_n(call, *n + 1, sizeof(*tags));
	for (size_t i = 0; i < data->n && tags; at += data->items[i++].input.n_words)
		memcpy(tags + at, data->items[i].gold.tags,
			data->items[i].input.n_words * sizeof(*tags));
	if (!tags)
		fail(tn_error_text(call));
	return tags;
}

/* Sentences are those of the gold file. */
static void score_spans(const char *gold_path, const char *found_path)
{
	struct eval_data gold = read_data(gold_path, EVAL_CONLL);
	struct eval_data found = read_data(found_path, EVAL_CONLL);
	struct eval_counts c = { 0 };
	size_t n, n_found, at = 0;
	struct tn_text *a = all_tags(&gold, &n), *b = all_tags(&found, &n_found);
	struct eval_span *left = tn_alloc_n(call, n + 1, sizeof(*left));
	struct eval_span *right = tn_alloc_n(call, n + 1, sizeof(*right));

	if (n != n_found || !left || !right)
		fail("the files have different numbers of words");
	for (size_t i = 0; i < gold.n; at += gold.items[i++].input.n_words) {
		size_t words = gold.items[i].input.n_words;

		eval_count_spans(&c, left, eval_spans_of_tags(a + at, words, left), right,
			eval_spans_of_tags(b + at, words, right));
	}
	printf("%zu %zu %zu %.10f %.10f %.10f\n", c.gold, c.found, c.right,
		100 * eval_precision(&c), 100 * eval_recall(&c), 100 * eval_f1(&c));
	eval_data_finish(&gold);
	eval_data_finish(&found);
}

static void score_answers(const char *gold_path, const char *found_path)
{
	struct eval_data gold = read_data(gold_path, EVAL_SQUAD);
	struct tn_call *each = tn_call_create();
	size_t len;
	char *text = tn_file_read(found_path, (size_t)1 << 30, &len, arena, call);
	const struct tn_value *answers = text ? tn_json_parse(text, len, found_path, arena, call) :
		NULL;
	double exact = 0, f1 = 0;

	if (!answers || !each)
		fail(tn_error_text(call));
	for (size_t i = 0; i < gold.n; i++) {
		const struct eval_example *e = &gold.items[i];
		const struct tn_value *v = tn_get(answers, tn_string(e->input.id, ""));
		struct tn_text answer = { tn_string(v, NULL), tn_string_length(v) };
		double one_exact, one_f1;

		/* The script gives nothing to a question that was left out. */
		if (!v)
			continue;
		if (eval_answer(answer, e->gold.answers, e->gold.n_answers, &one_exact, &one_f1,
				each))
			fail(tn_error_text(each));
		exact += one_exact;
		f1 += one_f1;
		tn_call_reset(each);
	}
	printf("%zu %.10f %.10f\n", gold.n, 100 * exact / (double)gold.n,
		100 * f1 / (double)gold.n);
	tn_call_destroy(each);
	eval_data_finish(&gold);
}

int main(int argc, char **argv)
{
	call = tn_call_create();
	arena = tn_arena_create();
	if (argc != 4 || !call || !arena)
		fail("expected spans GOLD FOUND or answers GOLD FOUND");
	if (!strcmp(argv[1], "spans"))
		score_spans(argv[2], argv[3]);
	else
		score_answers(argv[2], argv[3]);
	tn_call_destroy(call);
	tn_arena_destroy(arena);
	return 0;
}
