/* SPDX-License-Identifier: Apache-2.0
 * core/pipeline/writer.c - answers as JSON lines and CoNLL columns; what all formats share.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "pipeline/writer_impl.h"
#include "text/text.h"

int tn_output_format(const char *name)
{
	static const char *const names[] = {
		[TN_OUTPUT_TEXT] = "text", [TN_OUTPUT_JSONL] = "jsonl",
		[TN_OUTPUT_CONLL] = "conll", [TN_OUTPUT_TABLE] = "table",
	};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (!strcmp(names[i], name))
			return (int)i;
	return -1;
}

bool tn_is_head_answer(const char *key)
{
	static const char *const others[] = { "input", "id", "text", "words", "truncated",
		"error" };

	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++)
		if (!strcmp(others[i], key))
			return false;
	return true;
}

bool tn_is_span_list(const struct tn_value *v)
{
	return tn_value_kind(v) == TN_VALUE_LIST &&
		(tn_size(v) == 0 || tn_get(tn_at(v, 0), "bytes"));
}

static int by_place(const void *a, const void *b)
{
	const struct tn_answer_row *x = a, *y = b;

	if (x->rank != y->rank)
		return x->rank < y->rank ? -1 : 1;
	if (x->begin != y->begin)
		return x->begin < y->begin ? -1 : 1;
	return (x->end > y->end) - (x->end < y->end);
}

struct tn_answer_row *tn_sorted_spans(const struct tn_value *answer, size_t *n,
	struct tn_call *call)
{
	struct tn_answer_row *rows = (struct tn_answer_row *)tn_answer_rows(answer, n, call);

	if (rows)
		qsort(rows, *n, sizeof(*rows), by_place);
	return rows;
}

/* A word in its column: what would break the line becomes a space. */
static void put_word(FILE *out, const char *text, size_t n)
{
	for (size_t i = 0; i < n; i++)
		putc(strchr("\t\n\r\v\f", text[i]) ? ' ' : text[i], out);
	if (!n)
		putc('_', out);
}

/* The tags of one head; spans are sorted, and a word has the first that it touches. */
struct tagger {
	const struct tn_answer_row *spans;
	size_t n, next, last;		/* last: the span of the word before, or n */
};

static void put_tag(FILE *out, struct tagger *t, const struct tn_word *word)
{
	size_t i;

	while (t->next < t->n && t->spans[t->next].end <= word->begin)
		t->next++;
	i = t->next;
	if (i == t->n || t->spans[i].begin >= word->end) {
		fputs("\tO", out);
		t->last = t->n;
		return;
	}
	fprintf(out, "\t%c-%s", i == t->last ? 'I' : 'B', t->spans[i].label);
	t->last = i;
}

static int put_conll(FILE *out, const struct tn_value *answer, const struct tn_word *words,
	size_t n_words, struct tn_call *call)
{
	struct tn_text text = { tn_string(tn_get(answer, "text"), ""),
		tn_string_length(tn_get(answer, "text")) };
	struct tagger *taggers = tn_alloc_n(call, tn_size(answer), sizeof(*taggers));
	struct tn_words split;
	size_t n = 0;

	for (size_t i = 0; taggers && i < tn_size(answer); i++) {
		struct tagger *t = &taggers[n];

		if (!tn_is_head_answer(tn_key(answer, i)) || !tn_is_span_list(tn_at(answer, i)))
			continue;
		t->spans = tn_sorted_spans(tn_at(answer, i), &t->n, call);
		while (t->n && t->spans[t->n - 1].rank > 1)
			t->n--;
		t->last = t->n;
		n++;
	}
	if (!words && !tn_words_by_space(text, &split, call)) {
		words = split.items;
		n_words = split.n;
	}
	if (tn_status(call))
		return tn_status(call);
	for (size_t i = 0; i < n_words; i++) {
		put_word(out, text.text + words[i].begin, words[i].end - words[i].begin);
		for (size_t k = 0; k < n; k++)
			put_tag(out, &taggers[k], &words[i]);
		putc('\n', out);
	}
	putc('\n', out);
	return 0;
}

static int put_jsonl(FILE *out, const struct tn_value *answer, struct tn_call *call)
{
	size_t len;
	const char *line = tn_json_print(answer, &len, call);

	if (!line)
		return tn_status(call);
	if (fwrite(line, 1, len, out) != len || putc('\n', out) == EOF)
		return tn_fail(call, TN_ENOMEM, "out of memory");
	return 0;
}

int tn_write_bytes(FILE *out, const char *bytes, size_t n, struct tn_call *call)
{
	if (fwrite(bytes, 1, n, out) == n && !fflush(out))
		return 0;
	if (errno == EPIPE) {
		clearerr(out);
		return 1;
	}
	return tn_fail(call, TN_EIO, "writing the answers: %s", strerror(errno));
}

int tn_write_answer(struct tn_writer *w, const struct tn_value *answer,
	const struct tn_word *words, size_t n_words, struct tn_call *call)
{
	const char *error = tn_string(tn_get(answer, "error"), NULL);
	char *text = NULL;
	size_t len = 0;
	bool failed;
	FILE *out;
	int status;

	if (error && w->format != TN_OUTPUT_JSONL) {
		tn_note(call, "input %lld: %s", (long long)tn_int(tn_get(answer, "input"), 0), error);
		return 0;
	}
	/* Made in memory first: an answer is written whole, and errno is the reason when that
	 * fails. */
	out = open_memstream(&text, &len);
	if (!out)
		return tn_fail(call, TN_ENOMEM, "out of memory");
	if (w->format == TN_OUTPUT_JSONL)
		status = put_jsonl(out, answer, call);
	else if (w->format == TN_OUTPUT_CONLL)
		status = put_conll(out, answer, words, n_words, call);
	else
		status = tn_put_text(out, w, answer, call);
	/* Where memory runs out as it closes glibc says so by the text alone. */
	failed = ferror(out);
	failed |= fclose(out) || !text;
	if (failed && !status)
		status = tn_fail(call, TN_ENOMEM, "out of memory");
	if (!status)
		status = tn_write_bytes(w->out, text, len, call);
	free(text);
	w->started = true;
	return status;
}
