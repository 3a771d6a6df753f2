/* SPDX-License-Identifier: Apache-2.0
 * core/eval/baseline.c - answers without a model.
 */
#include "eval/baseline.h"

#include <ctype.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define LONGEST_SPAN 8		/* words */

const char *eval_baseline_name(enum eval_baseline kind)
{
	static const char *const names[] = { "majority", "naive Bayes", "frequent tag",
		"gazetteer", "sliding window" };

	return names[kind];
}

bool eval_baseline_is_plain(enum eval_baseline kind)
{
	return kind == EVAL_MAJORITY || kind == EVAL_SLIDING_WINDOW;
}

/* What is counted: names, and for each how often it has which label. */
struct table {
	struct eval_tally names, labels;
	uint32_t *counts;		/* [room][MOST labels] */
	size_t room, width;
	struct tn_arena *arena;
	struct tn_call *call;
};

static int count(struct table *t, struct tn_text name, struct tn_text label)
{
	size_t i, k;

	if (eval_tally_add(&t->names, name, 1, t->arena, t->call) ||
			eval_tally_add(&t->labels, label, 1, t->arena, t->call))
		return tn_status(t->call);
	i = eval_tally_find(&t->names, name);
	k = eval_tally_find(&t->labels, label);
	if (i >= t->room || k >= t->width) {
		size_t room = i >= t->room ? 2 * i + 1024 : t->room;
		size_t width = k >= t->width ? 2 * k + 16 : t->width;
		uint32_t *grown = tn_arena_alloc(t->arena, room * width * sizeof(*grown));

		if (!grown)
			return tn_fail(t->call, TN_ENOMEM, "out of memory");
		memset(grown, 0, room * width * sizeof(*grown));
		for (size_t row = 0; row < t->room; row++)
			memcpy(grown + row * width, t->counts + row * t->width,
				t->width * sizeof(*grown));
		t->counts = grown;
		t->room = room;
		t->width = width;
	}
	t->counts[i * t->width + k]++;
	return 0;
}

/* The label that a name has most often; of a name that is not there, that all have. */
static struct tn_text most_frequent(const struct table *t, struct tn_text name)
{
	size_t i = eval_tally_find(&t->names, name), best = 0;

	if (i == SIZE_MAX) {
		for (size_t k = 0; k < t->labels.n; k++)
			if (t->labels.items[k].n > t->labels.items[best].n)
				best = k;
		return t->labels.n ? t->labels.items[best].name : (struct tn_text){ "O", 1 };
	}
	for (size_t k = 0; k < t->labels.n; k++)
		if (t->counts[i * t->width + k] > t->counts[i * t->width + best])
			best = k;
	return t->labels.items[best].name;
}

/* The words of an example in lower case, in the arena; none after TN_ENOMEM. */
static size_t words_of(const struct eval_example *e, struct tn_text **words, const struct table *t)
{
	const struct tn_text parts[2] = { e->input.text, e->input.pair };
	size_t len = parts[0].len + parts[1].len, n = 0;
	char *copy = tn_arena_alloc(t->arena, len + 2);

	*words = tn_arena_alloc(t->arena, (len / 2 + 2) * sizeof(**words));
	if (!copy || !*words) {
		tn_fail(t->call, TN_ENOMEM, "out of memory");
		return 0;
	}
	for (size_t p = 0; p < 2; p++)
		for (size_t i = 0; i < parts[p].len;) {
			size_t begin;
			char *at = copy;

			while (i < parts[p].len && isspace((unsigned char)parts[p].text[i]))
				i++;
			begin = i;
			while (i < parts[p].len && !isspace((unsigned char)parts[p].text[i]))
				*copy++ = (char)tolower((unsigned char)parts[p].text[i++]);
			if (i > begin)
				(*words)[n++] = (struct tn_text){ at, i - begin };
		}
	return n;
}

static int add_label(struct eval_records *r, const struct eval_example *e, struct tn_text label,
	struct table *t)
{
	struct tn_value *v = tn_new_string(t->arena, label.text, label.len);

	/* Data whose labels are numbers have their names as numbers, too. */
	if (v && tn_value_kind(e->gold.label) == TN_VALUE_INT)
		v = tn_new_int(t->arena, strtoll(tn_string(v, "0"), NULL, 10));
	return v ? eval_records_add_label(r, e, v, t->call) :
		tn_fail(t->call, TN_ENOMEM, "out of memory");
}

/* log p(label) + sum over words of log p(word | label), both with one added. */
static size_t likeliest(const struct table *t, const struct tn_text *words, size_t n,
	const struct eval_tally *priors)
{
	size_t best = 0;
	double best_score = -INFINITY;

	for (size_t k = 0; k < t->labels.n; k++) {
		double score = log((double)eval_tally_count(priors, t->labels.items[k].name) + 1);
		double all = (double)(t->labels.items[k].n + t->names.n);

		for (size_t w = 0; w < n; w++) {
			size_t i = eval_tally_find(&t->names, words[w]);

			if (i != SIZE_MAX)
				score += log(((double)t->counts[i * t->width + k] + 1) / all);
		}
		if (score > best_score) {
			best = k;
			best_score = score;
		}
	}
	return best;
}

static int run_labels(enum eval_baseline kind, struct eval_records *r,
	const struct eval_data *train, const struct eval_data *data, struct table *t)
{
	struct eval_tally priors = { NULL };
	struct tn_text *words;

	for (size_t i = 0; i < train->n; i++) {
		const struct eval_example *e = &train->items[i];
		struct tn_text label = e->gold.label ?
			eval_label_text(e->gold.label, t->arena) : (struct tn_text){ NULL, 0 };
		size_t n = kind == EVAL_NAIVE_BAYES && label.text ? words_of(e, &words, t) : 0;

		if (tn_status(t->call) || (label.text &&
				eval_tally_add(&priors, label, 1, t->arena, t->call)))
			return tn_status(t->call);
		if (kind == EVAL_MAJORITY && label.text && count(t, (struct tn_text){ "", 0 }, label))
			return tn_status(t->call);
		for (size_t w = 0; w < n; w++)
			if (count(t, words[w], label))
				return tn_status(t->call);
	}
	for (size_t i = 0; i < data->n && t->labels.n; i++) {
		const struct eval_example *e = &data->items[i];
		struct tn_text label = most_frequent(t, (struct tn_text){ "", 0 });

		if (!e->gold.label)
			continue;
		if (kind == EVAL_NAIVE_BAYES) {
			size_t n = words_of(e, &words, t);

			label = t->labels.items[likeliest(t, words, n, &priors)].name;
		}
		if (add_label(r, e, label, t))
			return tn_status(t->call);
	}
	return t->labels.n > 0;
}

/* Words first..first+n-1 as one text; NULL after TN_ENOMEM. */
static struct tn_text join(const struct eval_example *e, size_t first, size_t n,
	const struct table *t)
{
	size_t len = 0;
	char *copy;

	for (size_t i = 0; i < n; i++)
		len += e->input.words[first + i].len + 1;
	copy = tn_arena_alloc(t->arena, len + 1);
	if (!copy)
		tn_fail(t->call, TN_ENOMEM, "out of memory");
	len = 0;
	for (size_t i = 0; copy && i < n; i++) {
		memcpy(copy + len, e->input.words[first + i].text, e->input.words[first + i].len);
		len += e->input.words[first + i].len;
		copy[len++] = ' ';
	}
	return (struct tn_text){ copy, len };
}

static int learn_tags(enum eval_baseline kind, const struct eval_example *e, struct table *t)
{
	struct eval_span *spans = tn_arena_alloc(t->arena, (e->input.n_words + 1) * sizeof(*spans));
	size_t n = spans && kind == EVAL_GAZETTEER ? eval_spans_of_tags(e->gold.tags,
		e->input.n_words, spans) : 0;

	if (!spans)
		return tn_fail(t->call, TN_ENOMEM, "out of memory");
	for (size_t i = 0; i < n; i++) {
		size_t many = spans[i].end - spans[i].begin;
		struct tn_text name = many <= LONGEST_SPAN ? join(e, spans[i].begin, many, t) :
			(struct tn_text){ NULL, 0 };

		if (tn_status(t->call) || (name.text && count(t, name, spans[i].label)))
			return tn_status(t->call);
	}
	for (size_t i = 0; kind != EVAL_GAZETTEER && i < e->input.n_words; i++)
		if (count(t, kind == EVAL_MAJORITY ? (struct tn_text){ "", 0 } : e->input.words[i],
				e->gold.tags[i]))
			return tn_status(t->call);
	return 0;
}

static int put_tag(struct tn_text *tag, char letter, struct tn_text label, struct tn_arena *arena)
{
	char *text = tn_arena_alloc(arena, label.len + 3);

	if (!text)
		return TN_ENOMEM;
	text[0] = letter;
	text[1] = '-';
	memcpy(text + 2, label.text, label.len);
	*tag = (struct tn_text){ text, label.len + 2 };
	return 0;
}

/* The longest spans of the table from the left. */
static int find_spans(const struct eval_example *e, struct tn_text *tags, const struct table *t)
{
	for (size_t i = 0; i < e->input.n_words;) {
		size_t n = e->input.n_words - i < LONGEST_SPAN ? e->input.n_words - i : LONGEST_SPAN;
		struct tn_text name = join(e, i, n, t), label;

		/* A shorter name is the beginning of the longest, with the space behind its end. */
		while (n && name.text && eval_tally_find(&t->names, name) == SIZE_MAX)
			name.len -= e->input.words[i + --n].len + 1;
		if (!name.text)
			return tn_status(t->call);
		if (!n) {
			tags[i++] = (struct tn_text){ "O", 1 };
			continue;
		}
		label = most_frequent(t, name);
		for (size_t k = 0; k < n; k++)
			if (put_tag(&tags[i + k], k ? 'I' : 'B', label, t->arena))
				return tn_fail(t->call, TN_ENOMEM, "out of memory");
		i += n;
	}
	return 0;
}

static int run_tags(enum eval_baseline kind, struct eval_records *r, const struct eval_data *train,
	const struct eval_data *data, struct table *t)
{
	if (kind == EVAL_GAZETTEER && r->scheme == EVAL_LABELS)
		return 0;
	for (size_t i = 0; i < train->n; i++)
		if (train->items[i].gold.tags && learn_tags(kind, &train->items[i], t))
			return tn_status(t->call);
	for (size_t i = 0; i < data->n; i++) {
		const struct eval_example *e = &data->items[i];
		struct tn_text *tags = tn_arena_alloc(t->arena,
			(e->input.n_words + 1) * sizeof(*tags));

		if (!tags)
			return tn_fail(t->call, TN_ENOMEM, "out of memory");
		if (!e->gold.tags)
			continue;
		for (size_t w = 0; kind != EVAL_GAZETTEER && w < e->input.n_words; w++)
			tags[w] = most_frequent(t, kind == EVAL_MAJORITY ?
				(struct tn_text){ "", 0 } : e->input.words[w]);
		if (kind == EVAL_GAZETTEER && find_spans(e, tags, t))
			return tn_status(t->call);
		if (eval_records_add_tags(r, e, tags, t->call))
			return tn_status(t->call);
	}
	return 1;
}

/* --- the same answer to everything, as a head would give it --- */

static int answer_all(struct eval_records *r, const struct eval_data *data, struct tn_value *mine,
	struct table *t)
{
	struct tn_value *answer = tn_new_object(t->arena);

	if (!tn_set(t->arena, answer, r->head, mine))
		return tn_fail(t->call, TN_ENOMEM, "out of memory");
	for (size_t i = 0; i < data->n; i++)
		if (eval_records_wants(r, &data->items[i]) &&
				eval_records_add(r, &data->items[i], answer, t->call))
			return tn_status(t->call);
	return r->n > 0;
}

/* The mean number. */
static int run_mean(struct eval_records *r, const struct eval_data *train,
	const struct eval_data *data, struct table *t)
{
	struct tn_value *mine = tn_new_object(t->arena);
	double sum = 0, value;
	size_t n = 0;

	for (size_t i = 0; i < train->n; i++) {
		if (!train->items[i].gold.label)
			continue;
		if (eval_records_number(r, &train->items[i], &value, t->call))
			return tn_status(t->call);
		sum += value;
		n++;
	}
	tn_set(t->arena, mine, "value", tn_new_real(t->arena, n ? sum / (double)n : 0));
	return answer_all(r, data, mine, t);
}

/* The labels that half of the examples have, or the most frequent one. */
static int run_sets(struct eval_records *r, const struct eval_data *train,
	const struct eval_data *data, struct table *t)
{
	struct tn_value *mine = tn_new_object(t->arena), *list = tn_new_list(t->arena);
	size_t *counts = tn_arena_alloc(t->arena, (r->n_labels + 1) * sizeof(*counts)), n = 0;
	size_t best = 0;

	if (!counts)
		return tn_fail(t->call, TN_ENOMEM, "out of memory");
	for (size_t i = 0; i < train->n; i++) {
		const struct tn_value *labels = train->items[i].gold.labels;

		n += labels != NULL;
		for (size_t k = 0; k < tn_size(labels); k++)
			counts[eval_records_label(r, tn_at(labels, k))]++;
	}
	for (size_t k = 1; k < r->n_labels; k++)
		best = counts[k] > counts[best] ? k : best;
	for (size_t k = 0; k < r->n_labels; k++)
		if (k == best || 2 * counts[k] >= n)
			tn_append(t->arena, list, tn_new_text(t->arena, r->labels[k]));
	tn_set(t->arena, mine, "labels", list);
	return answer_all(r, data, mine, t);
}

/* No answer, where that is right for some; or that of the sliding window. */
static int run_answers(enum eval_baseline kind, struct eval_records *r,
	const struct eval_data *data, struct tn_call *call)
{
	bool some_none = false;

	for (size_t i = 0; i < data->n; i++)
		some_none |= data->items[i].gold.has_answers && !data->items[i].gold.n_answers;
	for (size_t i = 0; i < data->n && (some_none || kind != EVAL_MAJORITY); i++) {
		struct tn_mark mark = tn_arena_mark(tn_call_arena(call));
		struct tn_text answer = { "", 0 };

		if (!data->items[i].gold.has_answers)
			continue;
		if ((kind != EVAL_MAJORITY && eval_window_answer(&data->items[i], &answer, call)) ||
				eval_records_add_text(r, &data->items[i], answer, call))
			return tn_status(call);
		tn_arena_rewind(tn_call_arena(call), mark);
	}
	return r->n > 0;
}

int eval_baseline_run(enum eval_baseline kind, struct eval_records *r,
	const struct eval_data *train, const struct eval_data *data, struct tn_arena *arena,
	struct tn_call *call)
{
	struct table t = { .arena = arena, .call = call };

	if (r->numbers || r->several)
		return kind != EVAL_MAJORITY ? 0 : r->numbers ? run_mean(r, train, data, &t) :
			run_sets(r, train, data, &t);
	if (r->task == TN_TASK_LABEL && (kind == EVAL_MAJORITY || kind == EVAL_NAIVE_BAYES))
		return run_labels(kind, r, train, data, &t);
	if (r->task == TN_TASK_ANSWER && eval_baseline_is_plain(kind))
		return run_answers(kind, r, data, call);
	if (r->task == TN_TASK_SPANS && kind != EVAL_NAIVE_BAYES && kind != EVAL_SLIDING_WINDOW)
		return run_tags(kind, r, train, data, &t);
	return 0;
}
