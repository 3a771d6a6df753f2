/* SPDX-License-Identifier: Apache-2.0
 * core/pipeline/batch.c - windows of jobs as one packed batch: no padding, each axis
 * with the start of every window.
 */
#include <stdlib.h>
#include <string.h>

#include "pipeline/batch.h"

static const struct tn_window *window_of(const struct tn_batch_item *item)
{
	return &item->job->windows.items[item->window];
}

static size_t words_of(const struct tn_batch_item *item)
{
	return item->job->word_range ? item->job->word_range[item->window][1] : 0;
}

static int make_room(struct tn_session *s, size_t n, struct tn_call *call)
{
	uint32_t *starts;

	if (n <= s->room && s->starts)
		return 0;
	starts = realloc(s->starts, 3 * (n + 1) * sizeof(*starts));
	if (!starts)
		return tn_fail(call, TN_ENOMEM, "out of memory");
	s->starts = starts;
	s->room = n;
	return 0;
}

int tn_batch_bind(struct tn_session *s, const struct tn_batch_item *items, size_t n,
	struct tn_call *call)
{
	struct tn_axis axes[TN_MAX_AXES] = { { 0 } };
	uint32_t *tokens, *words, *texts;

	if (make_room(s, n, call))
		return tn_status(call);
	tokens = s->starts;
	words = tokens + n + 1;
	texts = words + n + 1;
	tokens[0] = words[0] = texts[0] = 0;
	for (size_t i = 0; i < n; i++) {
		tokens[i + 1] = tokens[i] + (uint32_t)window_of(&items[i])->n_tokens;
		words[i + 1] = words[i] + (uint32_t)words_of(&items[i]);
		texts[i + 1] = (uint32_t)i + 1;
	}
	if (s->tokens_axis >= 0)
		axes[s->tokens_axis] = (struct tn_axis){ .rows = tokens[n], .seqs = n,
			.start = tokens };
	if (s->words_axis >= 0)
		axes[s->words_axis] = (struct tn_axis){ .rows = words[n], .seqs = n,
			.start = words };
	if (s->texts_axis >= 0)
		axes[s->texts_axis] = (struct tn_axis){ .rows = n, .seqs = n, .start = texts };
	return tn_exec_bind(s->exec, axes, call);
}

static void fill_tokens(struct tn_session *s, const struct tn_batch_item *items, size_t n)
{
	int32_t *ids = tn_exec_input(s->exec, "ids");
	int32_t *position = tn_exec_input(s->exec, "position");
	int32_t *segment = tn_exec_input(s->exec, "segment");
	size_t row = 0;

	for (size_t i = 0; i < n; i++) {
		const struct tn_window *w = window_of(&items[i]);

		for (size_t t = 0; t < w->n_tokens; t++, row++) {
			if (ids)
				ids[row] = w->tokens[t].id;
			if (position)
				position[row] = (int32_t)t;
			if (segment)
				segment[row] = w->tokens[t].type;
		}
	}
}

static void fill_texts(struct tn_session *s, size_t n)
{
	int32_t *begin = tn_exec_input(s->exec, "text_begin");
	int32_t *end = tn_exec_input(s->exec, "text_end");

	for (size_t i = 0; i < n; i++) {
		if (begin)
			begin[i] = (int32_t)s->starts[i];
		if (end)
			end[i] = (int32_t)s->starts[i + 1];
	}
}

/* Rows of tokens of each word that begins in a window.  A word without tokens reads no
 * row: -1. */
static void fill_words(struct tn_session *s, const struct tn_batch_item *items, size_t n)
{
	int32_t *first = tn_exec_input(s->exec, "word_first");
	int32_t *last = tn_exec_input(s->exec, "word_last");
	int32_t *begin = tn_exec_input(s->exec, "word_begin");
	int32_t *end = tn_exec_input(s->exec, "word_end");
	const uint32_t *start = s->starts + n + 1;

	for (size_t i = 0; i < n; i++) {
		const struct tn_window *w = window_of(&items[i]);
		size_t count = words_of(&items[i]);
		size_t from = count ? items[i].job->word_range[items[i].window][0] : 0;

		for (size_t k = 0; k < count; k++) {
			size_t row = start[i] + k;

			if (first)
				first[row] = -1;
			if (last)
				last[row] = -1;
			if (begin)
				begin[row] = 0;
			if (end)
				end[row] = 0;
		}
		for (size_t t = 0; count && t < w->n_tokens; t++) {
			const struct tn_window_token *token = &w->tokens[t];
			int32_t at = (int32_t)(s->starts[i] + t);
			size_t k = (size_t)token->word - from, row = start[i] + k;
			bool is_first;

			if (token->sequence != 0 || token->word < 0 || (size_t)token->word < from ||
					k >= count)
				continue;
			is_first = t == 0 || w->tokens[t - 1].sequence != 0 ||
				w->tokens[t - 1].word != token->word;
			if (first && is_first)
				first[row] = at;
			if (begin && is_first)
				begin[row] = at;
			if (last)
				last[row] = at;
			if (end)
				end[row] = at + 1;
		}
	}
}

/* Copies dense or strided rows of an output into a job's array. */
static void copy_rows(float *to, const struct tn_tensor *t, size_t first, size_t rows, size_t cols)
{
	const float *from = (const float *)tn_host_data(t) + first * t->row_stride;

	if (t->row_stride == cols) {
		memcpy(to, from, rows * cols * sizeof(*to));
		return;
	}
	for (size_t i = 0; i < rows; i++)
		memcpy(to + i * cols, from + i * t->row_stride, cols * sizeof(*to));
}

void tn_batch_fill(struct tn_session *s, const struct tn_batch_item *items, size_t n)
{
	fill_tokens(s, items, n);
	if (s->texts_axis >= 0)
		fill_texts(s, n);
	if (s->words_axis >= 0)
		fill_words(s, items, n);
}

static void take_scores(struct tn_pipeline *p, struct tn_session *s,
	const struct tn_batch_item *items, size_t n)
{
	for (size_t h = 0; h < p->n_heads + p->n_kept; h++) {
		const struct tn_tensor *t = tn_exec_output(s->exec, h);
		size_t cols = tn_pipeline_cols(p, h), row = 0;

		for (size_t i = 0; i < n; i++) {
			struct tn_job *job = items[i].job;
			size_t rows = tn_job_rows(p, job, h, items[i].window);

			copy_rows(job->scores[h] + job->n_scores[h], t, row, rows, cols);
			job->n_scores[h] += rows * cols;
			row += rows;
		}
	}
}

int tn_batch_run(struct tn_pipeline *p, struct tn_session *s, const struct tn_batch_item *items,
	size_t n, struct tn_call *call)
{
	if (tn_batch_bind(s, items, n, call))
		return tn_status(call);
	tn_batch_fill(s, items, n);
	if (tn_exec_run(s->exec, call))
		return tn_status(call);
	take_scores(p, s, items, n);
	return 0;
}
