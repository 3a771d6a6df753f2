/* SPDX-License-Identifier: Apache-2.0
 * core/eval/audit_tokens.c - labelled data in the tokens of a pipeline, and what its cuts take
 * away.
 */
#include <string.h>

#include "eval/audit.h"

static size_t special_tokens(const struct tn_window *w)
{
	size_t n = 0;

	for (size_t i = 0; i < w->n_tokens; i++)
		n += w->tokens[i].sequence < 0;
	return n;
}

/* Each token once, whatever windows it is in: of the sequence that is cut those that a window
 * keeps, of the other those of the first. */
static size_t unknown_tokens(const struct tn_pipeline *p, const struct tn_job *job)
{
	size_t n = 0;

	for (size_t i = 0; i < job->windows.n && p->tokenizer_info->unk >= 0; i++) {
		const struct tn_window *w = &job->windows.items[i];

		for (size_t t = 0; t < w->n_tokens; t++) {
			int32_t sequence = w->tokens[t].sequence;
			bool once = sequence == job->windows.long_sequence ?
				t >= w->keep_begin && t < w->keep_end : sequence >= 0 && !i;

			n += once && w->tokens[t].id == p->tokenizer_info->unk;
		}
	}
	return n;
}

/* Whether one window holds both ends of a stretch of the second text. */
static bool holds(const struct tn_window *w, const struct tn_word *span)
{
	bool begin = false, end = false;

	for (size_t t = 0; t < w->n_tokens; t++) {
		const struct tn_window_token *token = &w->tokens[t];

		if (token->sequence != 1)
			continue;
		begin |= token->begin <= span->begin && span->begin < token->end;
		end |= token->begin < span->end && span->end <= token->end;
	}
	return begin && end;
}

static size_t lost_spans(const struct tn_job *job, const struct eval_gold *gold)
{
	size_t lost = 0;

	for (size_t i = 0; gold->spans && i < gold->n_answers; i++) {
		size_t w = 0;

		while (w < job->windows.n && !holds(&job->windows.items[w], &gold->spans[i]))
			w++;
		lost += w == job->windows.n;
	}
	return lost;
}

/* Words begin in some window, in order: behind the last of these all are lost. */
static size_t lost_words(const struct tn_job *job, const struct eval_gold *gold)
{
	size_t end = 0, lost = 0;

	for (size_t i = 0; job->word_range && i < job->windows.n; i++)
		if (job->word_range[i][1] && job->word_range[i][0] + job->word_range[i][1] > end)
			end = job->word_range[i][0] + job->word_range[i][1];
	for (size_t i = end; gold->tags && job->word_range && i < job->example.n_words; i++)
		lost += gold->tags[i].len != 1 || gold->tags[i].text[0] != 'O';
	return lost;
}

static void count_job(struct eval_token_audit *t, const struct tn_pipeline *p,
	const struct tn_job *job, const struct eval_gold *gold, size_t length)
{
	size_t words = lost_words(job, gold), spans = 0;

	/* Without a cut all is there, also where a tokenizer drops characters. */
	if (job->windows.n > 1 || job->windows.truncated)
		spans = lost_spans(job, gold);
	t->longer += t->limit && length > t->limit;
	t->tokens += job->n_tokens;
	t->unknown += unknown_tokens(p, job);
	t->lost_words += words;
	t->lost_spans += spans;
	t->lost_inputs += words || spans;
}

int eval_audit_tokens(struct eval_token_audit *t, struct tn_pipeline *p,
	const struct eval_data *data, void (*step)(void *user, size_t done), void *user,
	struct tn_arena *arena, struct tn_call *call)
{
	size_t *lengths = tn_arena_alloc(arena, data->n * sizeof(*lengths)), n = 0;
	struct tn_mark mark = tn_arena_mark(tn_call_arena(call));

	*t = (struct eval_token_audit){ .limit = p->limit };
	if (!lengths)
		return tn_fail(call, TN_ENOMEM, "out of memory");
	for (size_t i = 0; i < data->n; i++) {
		struct tn_job job;

		if (tn_job_prepare(p, &data->items[i].input, &job, call))
			return tn_status(call);
		if (job.error) {
			t->wrong++;
		} else {
			lengths[n] = job.n_tokens + special_tokens(&job.windows.items[0]);
			count_job(t, p, &job, &data->items[i].gold, lengths[n]);
			n++;
		}
		tn_arena_rewind(tn_call_arena(call), mark);
		if (step)
			step(user, i + 1);
	}
	t->lengths = eval_lengths_of(lengths, n);
	return 0;
}
