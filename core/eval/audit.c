/* SPDX-License-Identifier: Apache-2.0
 * core/eval/audit.c - what labelled data hold, and what is suspect in them.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "eval/audit.h"
#include "eval/spans.h"

static void found(struct eval_finds *finds, size_t example, size_t word, size_t other)
{
	if (finds->n < EVAL_MOST_FINDS)
		finds->first[finds->n] = (struct eval_find){ example, word, other };
	finds->n++;
}

static int compare_sizes(const void *left, const void *right)
{
	size_t a = *(const size_t *)left, b = *(const size_t *)right;

	return (a > b) - (a < b);
}

/* The rank of `percent` of n, from 0. */
static size_t rank(size_t n, size_t percent)
{
	return (n / 100 * percent + (n % 100 * percent + 99) / 100) - 1;
}

struct eval_lengths eval_lengths_of(size_t *lengths, size_t n)
{
	if (!n)
		return (struct eval_lengths){ 0 };
	qsort(lengths, n, sizeof(*lengths), compare_sizes);
	return (struct eval_lengths){ .min = lengths[0], .median = lengths[rank(n, 50)],
		.p90 = lengths[rank(n, 90)], .p99 = lengths[rank(n, 99)], .max = lengths[n - 1] };
}

/* What the functions below share. */
struct auditing {
	struct eval_audit *a;
	struct eval_span *spans;	/* room for the longest sentence */
	struct tn_arena *arena;
	struct tn_call *call;
};

static int count_label(const struct auditing *x, const struct tn_value *label)
{
	struct tn_text name = eval_label_text(label, x->arena);

	if (!name.text)
		return tn_fail(x->call, TN_ENOMEM, "out of memory");
	return eval_tally_add(&x->a->labels, name, 1, x->arena, x->call);
}

static int count_gold(const struct auditing *x, const struct eval_example *e)
{
	const struct eval_gold *g = &e->gold;
	struct eval_audit *a = x->a;

	a->labelled += g->label || g->labels;
	a->tagged += g->tags != NULL;
	a->asked += g->has_answers;
	a->unanswered += g->has_answers && !g->n_answers;
	a->located += g->spans != NULL;
	if (g->label && count_label(x, g->label))
		return tn_status(x->call);
	for (size_t i = 0; i < tn_size(g->labels); i++)
		if (count_label(x, tn_at(g->labels, i)))
			return tn_status(x->call);
	for (size_t i = 0; g->tags && i < e->input.n_words; i++)
		if (eval_tally_add(&a->tags, g->tags[i], 1, x->arena, x->call))
			return tn_status(x->call);
	return 0;
}

/* By the letters of all tags. */
static void choose_scheme(struct eval_audit *a)
{
	bool spans = false, ends = false;
	size_t odd = 0, marked = 0;

	for (size_t i = 0; i < a->tags.n; i++) {
		struct tn_text name = a->tags.items[i].name;
		struct eval_tag tag = eval_tag_of(name);

		if (!tag.marked)
			odd += a->tags.items[i].n;
		else if (name.len > 2)
			marked += a->tags.items[i].n;
		spans |= tag.marked && tag.place != 'O' && tag.place != 'I';
		ends |= tag.marked && (tag.place == 'E' || tag.place == 'S');
	}
	a->scheme = odd ? EVAL_LABELS : ends ? EVAL_BIOES : spans ? EVAL_BIO : EVAL_IO;
	a->odd_tags = marked ? odd : 0;
}

/* Whether IOB1 has `now` behind `before`. */
static bool iob1_may_follow(const struct eval_tag *before, const struct eval_tag *now)
{
	if (now->place == 'B')
		return before && before->place != 'O' && eval_same_label(before->label, now->label);
	return now->place == 'O' || now->place == 'I';
}

static void find_illegal(struct eval_audit *a, size_t example)
{
	const struct eval_example *e = &a->data->items[example];
	struct eval_tag before, now;

	for (size_t i = 0; i < e->input.n_words; i++, before = now) {
		now = eval_tag_of(e->gold.tags[i]);
		if (!eval_tag_may_follow(a->scheme, i ? &before : NULL, &now))
			found(&a->illegal, example, i, 0);
		a->fits_iob1 &= iob1_may_follow(i ? &before : NULL, &now);
	}
	if (e->input.n_words && !eval_tag_may_follow(a->scheme, &before, NULL))
		found(&a->illegal, example, e->input.n_words, 0);
}

static int look_at_tags(struct auditing *x, size_t example)
{
	const struct eval_example *e = &x->a->data->items[example];
	size_t n;

	if (!e->gold.tags || x->a->scheme == EVAL_LABELS)
		return 0;
	find_illegal(x->a, example);
	n = eval_spans_of_tags(e->gold.tags, e->input.n_words, x->spans);
	for (size_t i = 0; i < n; i++)
		if (eval_tally_add(&x->a->spans, x->spans[i].label, 1, x->arena, x->call))
			return tn_status(x->call);
	return 0;
}

static bool same_label(const struct tn_value *a, const struct tn_value *b)
{
	if (tn_value_kind(a) != tn_value_kind(b))
		return false;
	if (tn_value_kind(a) == TN_VALUE_INT)
		return tn_int(a, 0) == tn_int(b, 0);
	return tn_string_length(a) == tn_string_length(b) &&
		!memcmp(tn_string(a, ""), tn_string(b, ""), tn_string_length(a));
}

static bool same_labels(const struct tn_value *a, const struct tn_value *b)
{
	if (tn_size(a) != tn_size(b))
		return false;
	for (size_t i = 0; i < tn_size(a); i++)
		if (!same_label(tn_at(a, i), tn_at(b, i)))
			return false;
	return true;
}

static bool same_texts(const struct tn_text *a, const struct tn_text *b, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (!eval_same_label(a[i], b[i]))
			return false;
	return true;
}

/* Of what both say. */
static bool same_gold(const struct eval_example *x, const struct eval_example *y)
{
	const struct eval_gold *a = &x->gold, *b = &y->gold;

	return (!a->label || !b->label || same_label(a->label, b->label)) &&
		(!a->labels || !b->labels || same_labels(a->labels, b->labels)) &&
		(!a->tags || !b->tags || x->input.n_words != y->input.n_words ||
			same_texts(a->tags, b->tags, x->input.n_words)) &&
		(!a->has_answers || !b->has_answers || (a->n_answers == b->n_answers &&
			same_texts(a->answers, b->answers, a->n_answers)));
}

static size_t count_words(const struct tn_input *input)
{
	return (input->words ? input->n_words : eval_count_words(input->text)) +
		(input->pair.text ? eval_count_words(input->pair) : 0);
}

static void look_at_text(struct eval_audit *a, size_t i, size_t n_words)
{
	size_t first = n_words ? eval_texts_find(&a->texts, &a->texts, i) : i;

	a->empty += !n_words;
	if (first == i)
		return;
	found(&a->repeats, i, 0, first);
	if (!same_gold(&a->data->items[first], &a->data->items[i]))
		found(&a->differing, i, 0, first);
}

static size_t most_words(const struct eval_data *data)
{
	size_t most = 0;

	for (size_t i = 0; i < data->n; i++)
		if (data->items[i].input.n_words > most)
			most = data->items[i].input.n_words;
	return most;
}

int eval_audit(struct eval_audit *a, const struct eval_data *data, struct tn_arena *arena,
	struct tn_call *call)
{
	struct auditing x = { .a = a, .arena = arena, .call = call };
	size_t *lengths = tn_arena_alloc(arena, data->n * sizeof(*lengths));

	*a = (struct eval_audit){ .data = data, .fits_iob1 = true };
	x.spans = tn_arena_alloc(arena, most_words(data) * sizeof(*x.spans));
	if (!lengths || !x.spans)
		return tn_fail(call, TN_ENOMEM, "out of memory");
	if (eval_texts_open(&a->texts, data, arena, call))
		return tn_status(call);
	for (size_t i = 0; i < data->n; i++) {
		lengths[i] = count_words(&data->items[i].input);
		look_at_text(a, i, lengths[i]);
		if (count_gold(&x, &data->items[i]))
			return tn_status(call);
	}
	choose_scheme(a);
	for (size_t i = 0; i < data->n; i++)
		if (look_at_tags(&x, i))
			return tn_status(call);
	a->fits_iob1 = a->fits_iob1 && a->tagged;
	a->words = eval_lengths_of(lengths, data->n);
	eval_tally_sort(&a->labels);
	eval_tally_sort(&a->tags);
	eval_tally_sort(&a->spans);
	return 0;
}

const char *eval_illegal_text(const struct eval_audit *a, const struct eval_find *find,
	struct tn_call *call)
{
	const struct eval_example *e = &a->data->items[find->example];
	const struct tn_text *tags = e->gold.tags + find->word;

	if (find->word == e->input.n_words)
		return tn_printf(call, "%.*s ends the text", (int)tags[-1].len, tags[-1].text);
	if (!find->word)
		return tn_printf(call, "%.*s begins the text", (int)tags[0].len, tags[0].text);
	return tn_printf(call, "%.*s behind %.*s", (int)tags[0].len, tags[0].text,
		(int)tags[-1].len, tags[-1].text);
}

const char *eval_illegal_where(const struct eval_audit *a, const struct eval_find *find,
	struct tn_call *call)
{
	const struct eval_example *e = &a->data->items[find->example];

	return eval_word_where(e, find->word < e->input.n_words ? find->word : find->word - 1, call);
}

/* The names of one that the other has not. */
static int subtract(struct eval_tally *out, const struct eval_tally *from,
	const struct eval_tally *known, struct tn_arena *arena, struct tn_call *call)
{
	for (size_t i = 0; i < from->n && known->n; i++)
		if (!eval_tally_count(known, from->items[i].name) &&
				eval_tally_add(out, from->items[i].name, from->items[i].n, arena, call))
			return tn_status(call);
	return 0;
}

int eval_audit_beside(struct eval_beside *b, const struct eval_audit *train,
	const struct eval_audit *dev, struct tn_arena *arena, struct tn_call *call)
{
	*b = (struct eval_beside){ 0 };
	for (size_t i = 0; i < dev->data->n; i++) {
		size_t other = count_words(&dev->data->items[i].input) ?
			eval_texts_find(&train->texts, &dev->texts, i) : SIZE_MAX;

		if (other == SIZE_MAX)
			continue;
		found(&b->shared, i, 0, other);
		b->distinct += eval_texts_find(&dev->texts, &dev->texts, i) == i;
	}
	return subtract(&b->labels, &dev->labels, &train->labels, arena, call) ||
		subtract(&b->tags, &dev->tags, &train->tags, arena, call) ? tn_status(call) : 0;
}
