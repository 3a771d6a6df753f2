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

/* What an input loses. */
struct loss {
	size_t words, spans;
};

static bool is_tagged(const struct eval_gold *gold, size_t word)
{
	return gold->tags && (gold->tags[word].len != 1 || gold->tags[word].text[0] != 'O');
}

/* By the windows as they are.  Words begin in some window, in order: behind the last of these
 * all are lost. */
static struct loss loss_of_windows(const struct tn_job *job, const struct eval_gold *gold)
{
	struct loss loss = { 0, 0 };
	size_t end = 0;

	for (size_t i = 0; job->word_range && i < job->windows.n; i++)
		if (job->word_range[i][1] && job->word_range[i][0] + job->word_range[i][1] > end)
			end = job->word_range[i][0] + job->word_range[i][1];
	for (size_t i = end; job->word_range && i < job->example.n_words; i++)
		loss.words += is_tagged(gold, i);
	for (size_t i = 0; gold->spans && i < gold->n_answers; i++) {
		size_t w = 0;

		while (w < job->windows.n && !holds(&job->windows.items[w], &gold->spans[i]))
			w++;
		loss.spans += w == job->windows.n;
	}
	return loss;
}

/* The byte of a sequence where its first token begins that a cut of `more` tokens takes. */
static uint32_t cut_at(const struct tn_window *w, int32_t sequence, size_t more)
{
	size_t t = w->n_tokens;
	uint32_t at = 0;

	while (t-- > 0 && more)
		if (w->tokens[t].sequence == sequence) {
			at = w->tokens[t].begin;
			more--;
		}
	return at;
}

/* By a cut that leaves `more` tokens less of the only window. */
static struct loss loss_of_cut(const struct tn_job *job, const struct eval_gold *gold, size_t more)
{
	const struct tn_window *w = &job->windows.items[0];
	uint32_t words_end = cut_at(w, 0, more), spans_end = cut_at(w, 1, more);
	struct loss loss = { 0, 0 };

	for (size_t i = 0; job->word_token && i < job->example.n_words; i++)
		loss.words += job->word_token[i] >= words_end && is_tagged(gold, i);
	for (size_t i = 0; gold->spans && i < gold->n_answers; i++)
		loss.spans += gold->spans[i].end > spans_end;
	return loss;
}

static void count_job(struct eval_token_audit *t, const struct tn_pipeline *p,
	const struct tn_job *job, const struct eval_gold *gold, size_t length)
{
	bool longer = t->limit && length > t->limit;
	struct loss loss = { 0, 0 };

	/* Without a cut all is there, also where a tokenizer drops characters. */
	if (job->windows.n > 1 || job->windows.truncated)
		loss = loss_of_windows(job, gold);
	else if (longer)
		loss = loss_of_cut(job, gold, length - t->limit);
	t->longer += longer;
	t->tokens += job->n_tokens;
	t->unknown += unknown_tokens(p, job);
	t->lost_words += loss.words;
	t->lost_spans += loss.spans;
	t->lost_inputs += loss.words || loss.spans;
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
