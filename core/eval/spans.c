/* SPDX-License-Identifier: Apache-2.0
 * core/eval/spans.c - spans: of tags, and counted.
 */
#include <stdlib.h>
#include <string.h>

#include "eval/spans.h"
#include "eval/tags.h"

double eval_precision(const struct eval_counts *c)
{
	return c->found ? (double)c->right / (double)c->found : 0;
}

double eval_recall(const struct eval_counts *c)
{
	return c->gold ? (double)c->right / (double)c->gold : 0;
}

double eval_f1(const struct eval_counts *c)
{
	return c->gold + c->found ? 2 * (double)c->right / (double)(c->gold + c->found) : 0;
}

static int compare_labels(struct tn_text a, struct tn_text b)
{
	int order = memcmp(a.text, b.text, a.len < b.len ? a.len : b.len);

	return order ? order : (a.len > b.len) - (a.len < b.len);
}

/* Whether `now`, behind `before`, is in the same span. */
static bool goes_on(const struct eval_tag *before, const struct eval_tag *now)
{
	return (before->place == 'B' || before->place == 'I') &&
		(now->place == 'I' || now->place == 'E') &&
		eval_same_label(before->label, now->label);
}

size_t eval_spans_of_tags(const struct tn_text *tags, size_t n, struct eval_span *spans)
{
	struct eval_tag before = { 'O', true, { "", 0 } };
	size_t n_spans = 0;

	for (size_t i = 0; i < n; i++) {
		struct eval_tag now = eval_tag_of(tags[i]);

		if (goes_on(&before, &now))
			spans[n_spans - 1].end = i + 1;
		else if (now.place != 'O')
			spans[n_spans++] = (struct eval_span){ now.label, i, i + 1 };
		before = now;
	}
	return n_spans;
}

size_t eval_strict_spans_of_tags(const struct tn_text *tags, size_t n, bool closed,
	struct eval_span *spans)
{
	struct eval_span open = { { "", 0 }, 0, 0 };	/* end 0: none */
	size_t n_spans = 0;

	for (size_t i = 0; i <= n; i++) {
		struct eval_tag now = eval_tag_of(i < n ? tags[i] : (struct tn_text){ "O", 1 });
		bool goes_on = open.end && (now.place == 'I' || now.place == 'E') &&
			eval_same_label(open.label, now.label);

		if (goes_on)
			open.end = i + 1;
		else if (open.end && !closed)
			spans[n_spans++] = open;
		if (goes_on && now.place == 'I')
			continue;
		if (goes_on || now.place == 'S')
			spans[n_spans++] = goes_on ? open :
				(struct eval_span){ now.label, i, i + 1 };
		open = (struct eval_span){ now.label, i, now.place == 'B' ? i + 1 : 0 };
	}
	return n_spans;
}

static int compare_spans(const void *left, const void *right)
{
	const struct eval_span *a = left, *b = right;

	if (a->begin != b->begin)
		return a->begin < b->begin ? -1 : 1;
	if (a->end != b->end)
		return a->end < b->end ? -1 : 1;
	return compare_labels(a->label, b->label);
}

void eval_count_spans(struct eval_counts *c, struct eval_span *gold, size_t n_gold,
	struct eval_span *found, size_t n_found)
{
	size_t g = 0, f = 0;

	qsort(gold, n_gold, sizeof(*gold), compare_spans);
	qsort(found, n_found, sizeof(*found), compare_spans);
	c->gold += n_gold;
	c->found += n_found;
	while (g < n_gold && f < n_found) {
		int order = compare_spans(&gold[g], &found[f]);

		c->right += !order;
		g += order <= 0;
		f += order >= 0;
	}
}
