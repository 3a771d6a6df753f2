/* SPDX-License-Identifier: Apache-2.0
 * core/train/dataset.c - the examples of a job.
 */
#include "train/dataset.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "base/random.h"
#include "eval/masking.h"

#define LONGEST_LABEL 500	/* bytes */

/* A text with its length, so that no two lists of texts are one. */
static uint64_t hash_text(uint64_t h, struct tn_text text)
{
	return tn_mix(tn_hash(h, text.text, text.len) ^ text.len);
}

static uint64_t hash_label(uint64_t h, const struct tn_value *v)
{
	double number = tn_real(v, 0);

	h = hash_text(h, (struct tn_text){ tn_string(v, ""), tn_string_length(v) });
	return tn_mix(tn_hash(h, (const char *)&number, sizeof(number)));
}

static uint64_t hash_example(uint64_t h, const struct eval_example *e)
{
	h = hash_text(hash_text(h, e->input.text), e->input.pair);
	for (size_t i = 0; i < e->input.n_words; i++) {
		h = hash_text(h, e->input.words[i]);
		if (e->gold.tags)
			h = hash_text(h, e->gold.tags[i]);
	}
	for (size_t i = 0; i < tn_size(e->gold.labels); i++)
		h = hash_label(h, tn_at(e->gold.labels, i));
	for (size_t i = 0; i < e->gold.n_answers; i++) {
		h = hash_text(h, e->gold.answers[i]);
		h ^= e->gold.spans ? tn_mix((uint64_t)e->gold.spans[i].begin + 1) : 0;
	}
	return hash_label(h, e->gold.label);
}

static int read_file(struct tn_dataset *d, const struct tn_job_data *from, const char *path,
	struct tn_arena *arena, struct tn_call *call)
{
	const struct eval_source source = { .path = path,
		.format = from->format ? (enum eval_format)eval_format_of(from->format) :
			eval_format_of_path(path),
		.columns = from->columns.items, .n_columns = from->columns.n,
		.header = from->header, .iob1 = from->iob1,
		.drop_bad = from->on_bad == TN_BAD_IS_DROPPED };

	return eval_read(&d->data, &source, arena, call);
}

int tn_dataset_read(struct tn_dataset *d, const struct tn_job_file *job, bool dev,
	struct tn_arena *arena, struct tn_call *call)
{
	*d = (struct tn_dataset){ .hash = TN_HASH, .job = job, .arena = arena };
	for (size_t i = 0; i < job->n_data; i++) {
		const char *path = dev ? job->data[i].dev : job->data[i].train;
		size_t before = d->data.n, *source;

		if (!path)
			continue;
		if (read_file(d, &job->data[i], path, arena, call))
			return tn_status(call);
		source = realloc(d->source, (d->data.n + 1) * sizeof(*source));
		if (!source)
			return tn_fail(call, TN_ENOMEM, "out of memory");
		d->source = source;
		for (size_t k = before; k < d->data.n; k++) {
			source[k] = i;
			d->hash = hash_example(d->hash, &d->data.items[k]);
		}
	}
	if (d->data.n > UINT32_MAX)
		return tn_fail(call, TN_EDATA, "%zu examples are too many", d->data.n);
	return 0;
}

void tn_dataset_finish(struct tn_dataset *d)
{
	eval_data_finish(&d->data);
	free(d->source);
	free(d->tokens);
	free(d->windows);
	*d = (struct tn_dataset){ .source = NULL };
}

/* A sorted set of names. */
struct names {
	const char **items;
	size_t n, room;
	size_t words, reals, lists;	/* labels that are no numbers, that are with a fraction;
					 * examples with several labels */
	struct tn_arena *arena;
	struct tn_call *call;
};

/* Numbers by their value, before all other names. */
static int compare_names(const char *a, const char *b)
{
	size_t n = strspn(a, "0123456789"), m = strspn(b, "0123456789");
	bool first = n && !a[n], second = m && !b[m];

	if (first != second)
		return first ? -1 : 1;
	if (first && n != m)
		return n < m ? -1 : 1;
	return strcmp(a, b);
}

static int insert_name(struct names *s, size_t at, const char *name)
{
	if (s->n == s->room) {
		size_t room = 2 * s->room + 64;
		const char **grown = tn_arena_alloc(s->arena, room * sizeof(*grown));

		if (!grown)
			return tn_fail(s->call, TN_ENOMEM, "out of memory");
		if (s->n)
			memcpy(grown, s->items, s->n * sizeof(*grown));
		s->items = grown;
		s->room = room;
	}
	memmove(s->items + at + 1, s->items + at, (s->n - at) * sizeof(*s->items));
	s->items[at] = tn_arena_dup(s->arena, name, strlen(name));
	s->n++;
	return s->items[at] ? 0 : tn_fail(s->call, TN_ENOMEM, "out of memory");
}

static void add_name(struct names *s, const char *text, size_t len)
{
	char name[LONGEST_LABEL + 1];
	size_t low = 0, high = s->n;

	if (len > LONGEST_LABEL) {
		tn_fail(s->call, TN_EDATA, "the label %s has %zu bytes, expected at most %d",
			tn_quote(s->call, text, len), len, LONGEST_LABEL);
		return;
	}
	memcpy(name, text, len);
	name[len] = 0;
	while (low < high) {
		size_t middle = (low + high) / 2;
		int order = compare_names(name, s->items[middle]);

		if (!order)
			return;
		if (order < 0)
			high = middle;
		else
			low = middle + 1;
	}
	insert_name(s, low, name);
}

/* Whether a label is a number, and has a fraction or an exponent. */
static bool is_number(const struct tn_value *label, bool *real)
{
	const char *text = tn_string(label, NULL);
	char *end = NULL;

	*real = text ? strpbrk(text, ".eE") != NULL : tn_value_kind(label) == TN_VALUE_REAL;
	return !text || (isfinite(strtod(text, &end)) && end != text &&
		end == text + tn_string_length(label));
}

static void add_label(struct names *s, const struct tn_value *label)
{
	bool real;
	char number[32];

	if (!label)
		return;
	s->words += !is_number(label, &real);
	s->reals += real;
	if (tn_value_kind(label) == TN_VALUE_STRING) {
		add_name(s, tn_string(label, ""), tn_string_length(label));
	} else if (tn_value_kind(label) == TN_VALUE_INT) {
		snprintf(number, sizeof(number), "%lld", (long long)tn_int(label, 0));
		add_name(s, number, strlen(number));
	}
}

/* A tag; of one that begins a span, also those that go on with it and that stand outside. */
static void add_tag(struct names *s, struct tn_text tag)
{
	char inside[LONGEST_LABEL];

	add_name(s, tag.text, tag.len);
	if (tag.len < 3 || tag.len >= sizeof(inside) || tag.text[0] != 'B' || tag.text[1] != '-')
		return;
	memcpy(inside, tag.text, tag.len);
	inside[0] = 'I';
	add_name(s, inside, tag.len);
	add_name(s, "O", 1);
}

static void add_example(struct names *s, const struct eval_example *e, enum tn_task task)
{
	if (task == TN_TASK_SPANS && e->gold.tags)
		for (size_t i = 0; i < e->input.n_words; i++)
			add_tag(s, e->gold.tags[i]);
	if (task != TN_TASK_LABEL)
		return;
	add_label(s, e->gold.label);
	s->lists += e->gold.labels != NULL;
	for (size_t i = 0; i < tn_size(e->gold.labels); i++)
		add_label(s, tn_at(e->gold.labels, i));
}

static bool is_for(const struct tn_job_file *job, size_t source, const char *head)
{
	return !job->data[source].head || !strcmp(job->data[source].head, head);
}

int tn_dataset_labels(const struct tn_dataset *d, const struct tn_job_file *job, const char *head,
	enum tn_task task, struct tn_arena *arena, struct tn_gold_labels *found,
	struct tn_call *call)
{
	static const char *const value[] = { "value" };
	struct names s = { .arena = arena, .call = call };

	for (size_t i = 0; i < d->data.n && !tn_status(call); i++)
		if (is_for(job, d->source[i], head))
			add_example(&s, &d->data.items[i], task);
	/* O comes first, which the order of bytes does not say. */
	for (size_t i = 1; task == TN_TASK_SPANS && i < s.n; i++) {
		const char *name = s.items[i];

		if (strcmp(name, "O"))
			continue;
		memmove(s.items + 1, s.items, i * sizeof(*s.items));
		s.items[0] = name;
	}
	*found = (struct tn_gold_labels){ TN_GOLD_UNKNOWN, s.items, s.n };
	if (task == TN_TASK_LABEL && s.reals && !s.words)
		*found = (struct tn_gold_labels){ TN_GOLD_NUMBERS, value, 1 };
	else if (task == TN_TASK_LABEL)
		found->kind = s.lists ? TN_GOLD_LABELS : TN_GOLD_LABEL;
	return tn_status(call);
}

/* All windows of an example, prepared; NULL after an error. */
static struct tn_job *prepare(const struct eval_example *e, struct tn_pipeline *p,
	struct tn_call *call)
{
	struct tn_job *job = tn_alloc(call, sizeof(*job));

	if (!job || tn_job_prepare(p, &e->input, job, call))
		return NULL;
	if (job->error) {
		tn_fail(call, TN_EDATA, "%s: %s", e->where, job->error);
		return NULL;
	}
	return job;
}

static void keep_message(struct tn_dataset *d, struct tn_call *call)
{
	const char *text = tn_error_text(call);

	if (d->data.dropped < EVAL_MOST_BAD)
		d->data.bad[d->data.dropped] = tn_arena_dup(d->arena, text, strlen(text));
	d->data.dropped++;
	tn_clear(call);
}

static bool has_answer(const struct eval_gold *gold, enum tn_task task)
{
	switch (task) {
	case TN_TASK_LABEL:
		return gold->label || gold->labels;
	case TN_TASK_SPANS:
		return gold->tags;
	case TN_TASK_ANSWER:
		return gold->has_answers;
	default:
		return true;
	}
}

/* Whether a head that learns from an example sees only the beginning of its text. */
static bool loses_text(const struct tn_dataset *d, size_t i, const struct tn_job_file *job,
	const struct tn_pipeline *p)
{
	for (size_t h = 0; h < p->n_heads; h++)
		if (p->heads[h].on_overflow == TN_OVERFLOW_TRUNCATE &&
				is_for(job, d->source[i], p->heads[h].name) &&
				has_answer(&d->data.items[i].gold, p->heads[h].impl->task))
			return true;
	return false;
}

int tn_dataset_scan(struct tn_dataset *d, const struct tn_job_file *job, struct tn_pipeline *p,
	int (*check)(void *user, size_t example, struct tn_call *call), void *user,
	struct tn_call *call)
{
	size_t kept = 0;

	d->tokens = calloc(d->data.n + 1, sizeof(*d->tokens));
	d->windows = calloc(d->data.n + 1, sizeof(*d->windows));
	if (!d->tokens || !d->windows)
		return tn_fail(call, TN_ENOMEM, "out of memory");
	for (size_t i = 0; i < d->data.n; i++) {
		struct tn_mark mark = tn_arena_mark(tn_call_arena(call));
		const struct tn_job *prepared = prepare(&d->data.items[i], p, call);
		bool drop = job->data[d->source[i]].on_bad == TN_BAD_IS_DROPPED;

		if ((!prepared || (check && check(user, i, call))) &&
				(tn_status(call) != TN_EDATA || !drop))
			return tn_status(call);
		if (tn_status(call)) {
			keep_message(d, call);
			continue;
		}
		d->data.items[kept] = d->data.items[i];
		d->source[kept] = d->source[i];
		for (size_t w = 0; w < prepared->windows.n; w++)
			d->tokens[kept] += (uint32_t)prepared->windows.items[w].n_tokens;
		d->windows[kept] = (uint32_t)prepared->windows.n;
		d->n_windows += prepared->windows.n;
		d->n_truncated += prepared->example.truncated && loses_text(d, i, job, p);
		kept++;
		tn_arena_rewind(tn_call_arena(call), mark);
	}
	d->data.n = kept;
	return kept ? 0 : tn_fail(call, TN_EDATA, "no train example is left");
}

int tn_epoch_make(struct tn_epoch *e, const struct tn_dataset *d, const struct tn_job_file *job,
	uint64_t epoch, struct tn_call *call)
{
	uint64_t state = tn_mix((uint64_t)job->seed) ^ tn_mix(epoch + 1);
	size_t tokens = (size_t)job->batch.tokens, examples = (size_t)job->batch.examples;
	size_t n = d->data.n, used = 0;

	if (!e->order) {
		e->order = calloc(n + 1, sizeof(*e->order));
		e->begin = calloc(n + 1, sizeof(*e->begin));
	}
	if (!e->order || !e->begin)
		return tn_fail(call, TN_ENOMEM, "out of memory");
	e->n = n;
	/* Source: Durstenfeld 1964 (Knuth, volume 2, algorithm P). */
	for (size_t i = 0; i < n; i++)
		e->order[i] = (uint32_t)i;
	for (size_t i = n; i > 1 && job->shuffle; i--) {
		size_t k = tn_random_below(&state, i);
		uint32_t kept = e->order[k];

		e->order[k] = e->order[i - 1];
		e->order[i - 1] = kept;
	}
	e->n_batches = 0;
	for (size_t i = 0; i < n; i++) {
		size_t more = d->tokens[e->order[i]];
		bool full = i && (used + more > tokens ||
			(examples && i - e->begin[e->n_batches - 1] == examples));

		if (!i || full) {
			e->begin[e->n_batches++] = i;
			used = 0;
		}
		used += more;
	}
	e->begin[e->n_batches] = n;
	return 0;
}

void tn_epoch_finish(struct tn_epoch *e)
{
	free(e->order);
	free(e->begin);
	*e = (struct tn_epoch){ .order = NULL };
}

static int find_gold(const struct eval_example *e, struct tn_gold *gold, struct tn_call *call)
{
	*gold = (struct tn_gold){ .label = e->gold.label, .labels = e->gold.labels,
		.tags = e->gold.tags, .has_answers = e->gold.has_answers,
		.answers = e->gold.spans, .n_answers = e->gold.n_answers };
	if (gold->n_answers && !gold->answers)
		return tn_fail(call, TN_EDATA, "%s: it does not say where in the text its answer "
			"stands", e->where);
	return 0;
}

int tn_train_batch_make(struct tn_train_batch *b, const struct tn_dataset *d,
	struct tn_pipeline *p, const uint32_t *examples, size_t n,
	const struct tn_masking *masking, uint64_t draw, struct tn_call *call)
{
	struct tn_job **jobs = tn_alloc_n(call, n + 1, sizeof(*jobs));
	size_t windows = 0, at = 0;

	if (!jobs)
		return tn_status(call);
	for (size_t i = 0; i < n; i++) {
		jobs[i] = prepare(&d->data.items[examples[i]], p, call);
		if (!jobs[i])
			return tn_status(call);
		jobs[i]->number = examples[i];
		windows += jobs[i]->windows.n;
	}
	b->n = windows;
	b->tokens = 0;
	b->items = tn_alloc_n(call, windows + 1, sizeof(*b->items));
	b->golds = tn_alloc_n(call, windows + 1, sizeof(*b->golds));
	if (!b->items || !b->golds)
		return tn_status(call);
	for (size_t i = 0; i < n; i++)
		for (size_t w = 0; w < jobs[i]->windows.n; w++, at++) {
			b->items[at] = (struct tn_batch_item){ jobs[i], w,
				d->job->data[d->source[examples[i]]].head };
			b->tokens += jobs[i]->windows.items[w].n_tokens;
			if (find_gold(&d->data.items[examples[i]], &b->golds[at], call))
				return tn_status(call);
			if (masking && tn_mask_window(p, masking, tn_mix(draw) + at,
					&jobs[i]->windows.items[w], &b->golds[at], call))
				return tn_status(call);
		}
	return 0;
}
