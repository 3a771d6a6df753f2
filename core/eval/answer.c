/* SPDX-License-Identifier: Apache-2.0
 * core/eval/answer.c - answers, compared as the SQuAD script does.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/utf8.h"
#include "eval/answer.h"
#include "eval/unicode_table.h"
#include "text/text.h"

#define CAPITAL_I_WITH_DOT 0x130
#define COMBINING_DOT_ABOVE 0x307

static uint32_t lower(uint32_t c)
{
	size_t low = 0, high = sizeof(lower_runs) / sizeof(lower_runs[0]);

	if (c < 0x80)
		return c >= 'A' && c <= 'Z' ? c + 32 : c;
	while (low < high) {
		size_t i = (low + high) / 2;

		if (c < lower_runs[i].first)
			high = i;
		else if (c > lower_runs[i].last)
			low = i + 1;
		else
			return (c - lower_runs[i].first) % (uint32_t)lower_runs[i].step ? c :
				(uint32_t)((int32_t)c + lower_runs[i].difference);
	}
	return c;
}

/* Letters, digits; the underscore is punctuation and gone before this is asked. */
static bool is_word(uint32_t c)
{
	size_t low = 0, high = sizeof(word_runs) / sizeof(word_runs[0]);

	if (c < 0x80)
		return (c >= '0' && c <= '9') || ((c | 32) >= 'a' && (c | 32) <= 'z');
	while (low < high) {
		size_t i = (low + high) / 2;

		if (c < word_runs[i][0])
			high = i;
		else if (c > word_runs[i][1])
			low = i + 1;
		else
			return true;
	}
	return false;
}

static bool is_punctuation(uint32_t c)
{
	return c > ' ' && c < 0x7f && !is_word(c);
}

/* Python's str.split also splits at the four separators of ASCII. */
static bool is_space(uint32_t c)
{
	return tn_is_space(c) || (c >= 0x1c && c <= 0x1f);
}

/* Lower case without punctuation; a character grows from two bytes to three at most. */
static size_t lower_text(struct tn_text text, char *out)
{
	size_t n = 0;

	for (size_t i = 0; i < text.len;) {
		uint32_t c;

		i += tn_utf8_decode(text.text + i, text.len - i, &c);
		if (c == CAPITAL_I_WITH_DOT) {
			out[n++] = 'i';
			c = COMBINING_DOT_ABOVE;
		}
		if (!is_punctuation(c))
			n += tn_utf8_encode(lower(c == TN_UTF8_BAD ? 0xfffd : c), out + n);
	}
	return n;
}

static bool is_article(const char *word, size_t len)
{
	return (len == 1 && word[0] == 'a') || (len == 2 && !memcmp(word, "an", 2)) ||
		(len == 3 && !memcmp(word, "the", 3));
}

/* Takes out articles and all but single spaces, in place. */
static size_t squeeze(char *text, size_t len)
{
	size_t n = 0;
	bool gap = false;

	for (size_t i = 0; i < len;) {
		uint32_t c;
		size_t end = i + tn_utf8_decode(text + i, len - i, &c);

		if (is_word(c)) {
			for (size_t width; end < len; end += width) {
				width = tn_utf8_decode(text + end, len - end, &c);
				if (!is_word(c))
					break;
			}
			c = 'a';
		}
		if (is_space(c) || is_article(text + i, end - i)) {
			gap = n > 0;
		} else {
			if (gap)
				text[n++] = ' ';
			gap = false;
			memmove(text + n, text + i, end - i);
			n += end - i;
		}
		i = end;
	}
	return n;
}

struct tn_text eval_normal_answer(struct tn_text text, struct tn_call *call)
{
	/* A bad byte is replaced by three. */
	char *out = tn_alloc_n(call, text.len + 1, 3);
	size_t len = out ? squeeze(out, lower_text(text, out)) : 0;

	if (out)
		out[len] = '\0';
	return (struct tn_text){ out, len };
}

static int compare_words(const void *left, const void *right)
{
	const struct tn_text *a = left, *b = right;
	int order = memcmp(a->text, b->text, a->len < b->len ? a->len : b->len);

	return order ? order : (a->len > b->len) - (a->len < b->len);
}

/* The words of a normal text, sorted.  NULL after TN_ENOMEM. */
static struct tn_text *sorted_words(struct tn_text text, size_t *n, struct tn_call *call)
{
	struct tn_text *words = tn_alloc_n(call, text.len / 2 + 1, sizeof(*words));
	const char *at = text.text, *end = at + text.len;

	for (*n = 0; words && at < end; (*n)++) {
		const char *space = memchr(at, ' ', (size_t)(end - at));

		words[*n] = (struct tn_text){ at, (size_t)((space ? space : end) - at) };
		at = space ? space + 1 : end;
	}
	if (words)
		qsort(words, *n, sizeof(*words), compare_words);
	return words;
}

static size_t count_common(const struct tn_text *a, size_t n_a, const struct tn_text *b,
	size_t n_b)
{
	size_t i = 0, k = 0, common = 0;

	while (i < n_a && k < n_b) {
		int order = compare_words(&a[i], &b[k]);

		common += !order;
		i += order <= 0;
		k += order >= 0;
	}
	return common;
}

int eval_answer(struct tn_text found, const struct tn_text *gold, size_t n_gold, double *exact,
	double *f1, struct tn_call *call)
{
	struct tn_text normal = eval_normal_answer(found.text ? found : (struct tn_text){ "", 0 },
		call);
	size_t n_words = 0;
	struct tn_text *words = normal.text ? sorted_words(normal, &n_words, call) : NULL;

	*exact = *f1 = n_gold ? 0 : !normal.len;
	for (size_t i = 0; i < n_gold && words; i++) {
		struct tn_text other = eval_normal_answer(gold[i], call);
		size_t n, common;
		struct tn_text *theirs = other.text ? sorted_words(other, &n, call) : NULL;

		if (!theirs)
			return tn_status(call);
		if (!compare_words(&normal, &other))
			*exact = 1;
		common = count_common(words, n_words, theirs, n);
		if (common && 2 * (double)common / (double)(n_words + n) > *f1)
			*f1 = 2 * (double)common / (double)(n_words + n);
	}
	return tn_status(call);
}
