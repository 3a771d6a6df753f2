/* SPDX-License-Identifier: Apache-2.0
 * core/pipeline/job.c - one input: words, tokens, windows before the run; scores joined
 * over windows and the answer behind it.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/place.h"
#include "base/utf8.h"
#include "pipeline/pipeline_impl.h"

#define NO_TOKEN UINT32_MAX

static int check_utf8(struct tn_text text, const char *which, struct tn_call *call)
{
	size_t good = text.len ? tn_utf8_valid(text.text, text.len) : 0;

	return good == text.len ? 0 : tn_fail(call, TN_EDATA, "%s: byte %zu: 0x%02x is not UTF-8",
		which, good, (unsigned)(unsigned char)text.text[good]);
}

/* The text that a list of words stands for: the words with single spaces between. */
static int join_words(const struct tn_input *input, struct tn_job *job, struct tn_call *call)
{
	struct tn_word *words;
	size_t len = 0, at = 0;
	char *text;

	for (size_t i = 0; i < input->n_words; i++)
		if (__builtin_add_overflow(len, input->words[i].len, &len) ||
				__builtin_add_overflow(len, (size_t)1, &len) || len >= UINT32_MAX)
			return tn_fail(call, TN_EDATA, "the words have more than the %u bytes that are "
				"taken", (unsigned)UINT32_MAX - 1);
	words = tn_alloc_n(call, input->n_words + 1, sizeof(*words));
	text = words ? tn_alloc(call, len + 1) : NULL;
	if (!text)
		return tn_fail(call, TN_ENOMEM, "out of memory: a text of %zu bytes", len);
	for (size_t i = 0; i < input->n_words; i++) {
		if (i)
			text[at++] = ' ';
		words[i].begin = (uint32_t)at;
		memcpy(text + at, input->words[i].text, input->words[i].len);
		at += input->words[i].len;
		words[i].end = (uint32_t)at;
	}
	job->example.text = (struct tn_text){ text, at };
	job->example.words = words;
	job->example.n_words = input->n_words;
	job->example.words_given = true;
	return check_utf8(job->example.text, "the words", call);
}

/* Tokens of given words: their offsets become bytes of the joined text. */
static int encode_given(struct tn_pipeline *p, struct tn_job *job, struct tn_tokens *tokens,
	struct tn_call *call)
{
	const struct tn_tokenizer_impl *impl = p->tokenizer->plugin->impl.tokenizer;
	const struct tn_input *input = job->input;

	if (impl->encode_words) {
		if (impl->encode_words(p->tokenizer, input->words, input->n_words, tokens, call))
			return tn_status(call);
	} else {
		for (size_t i = 0; i < input->n_words; i++) {
			size_t first = tokens->n;

			if (impl->encode(p->tokenizer, input->words[i], tokens, call))
				return tn_status(call);
			for (size_t t = first; t < tokens->n; t++)
				tokens->items[t].word = (int32_t)i;
		}
	}
	for (size_t t = 0; t < tokens->n; t++) {
		struct tn_token *token = &tokens->items[t];

		if (token->word < 0 || (size_t)token->word >= input->n_words)
			return tn_fail(call, TN_EINTERNAL, "the tokenizer gave word %d of %zu",
				token->word, input->n_words);
		token->begin += job->example.words[token->word].begin;
		token->end += job->example.words[token->word].begin;
	}
	return 0;
}

/* Words as the tokenizer splits them. */
static int words_of_tokens(struct tn_job *job, struct tn_tokens *tokens, struct tn_call *call)
{
	struct tn_words words;

	if (tn_words_by_tokens(tokens, &words, call))
		return tn_status(call);
	job->example.words = words.items;
	job->example.n_words = words.n;
	return 0;
}

/* Words between spaces; each token belongs to the word that it begins in. */
static int words_of_spaces(struct tn_job *job, struct tn_tokens *tokens, struct tn_call *call)
{
	struct tn_words words;
	size_t w = 0;

	if (tn_words_by_space(job->example.text, &words, call))
		return tn_status(call);
	for (size_t t = 0; t < tokens->n; t++) {
		struct tn_token *token = &tokens->items[t];

		while (w < words.n && words.items[w].end <= token->begin)
			w++;
		token->word = w < words.n && token->end > words.items[w].begin ? (int32_t)w : -1;
	}
	job->example.words = words.items;
	job->example.n_words = words.n;
	return 0;
}

/* Where each word's first token begins. */
static int find_word_tokens(struct tn_job *job, const struct tn_tokens *tokens,
	struct tn_call *call)
{
	size_t n = job->example.n_words;

	job->word_token = tn_alloc_n(call, n + 1, sizeof(*job->word_token));
	if (!job->word_token)
		return tn_status(call);
	memset(job->word_token, 0xff, (n + 1) * sizeof(*job->word_token));
	for (size_t t = tokens->n; t-- > 0;)
		if (tokens->items[t].word >= 0 && (size_t)tokens->items[t].word < n)
			job->word_token[tokens->items[t].word] = tokens->items[t].begin;
	return 0;
}

/* Which words begin in each window.  Words without tokens go with the word before them. */
static int find_word_ranges(struct tn_job *job, struct tn_call *call)
{
	size_t n = job->windows.n, n_words = job->example.n_words;

	job->word_range = tn_alloc_n(call, n + 1, sizeof(*job->word_range));
	if (!job->word_range)
		return tn_status(call);
	for (size_t i = 0; i < n; i++) {
		const struct tn_window *w = &job->windows.items[i];
		size_t first = SIZE_MAX, end = 0;

		for (size_t t = 0; t < w->n_tokens; t++) {
			const struct tn_window_token *token = &w->tokens[t];

			if (token->sequence != 0 || token->word < 0 || (size_t)token->word >= n_words ||
					token->begin != job->word_token[token->word])
				continue;
			if (first == SIZE_MAX)
				first = (size_t)token->word;
			end = (size_t)token->word + 1;
		}
		if (i == 0)
			first = 0;
		else if (first == SIZE_MAX)
			first = end = 0;
		while (end < n_words && end >= first && job->word_token[end] == NO_TOKEN)
			end++;
		job->word_range[i][0] = first;
		job->word_range[i][1] = end > first ? end - first : 0;
		job->windows.items[i].first_word = first;
	}
	return 0;
}

static int encode_text(struct tn_pipeline *p, struct tn_text text, const char *which,
	struct tn_tokens *tokens, struct tn_call *call)
{
	if (text.len >= UINT32_MAX)
		return tn_fail(call, TN_EDATA, "%s has %zu bytes, at most %u are taken", which,
			text.len, (unsigned)UINT32_MAX - 1);
	if (check_utf8(text, which, call))
		return tn_status(call);
	return p->tokenizer->plugin->impl.tokenizer->encode(p->tokenizer, text, tokens, call);
}

static int check_overflow(struct tn_pipeline *p, struct tn_job *job, struct tn_call *call)
{
	bool cut = job->windows.n > 1 || job->windows.truncated;

	for (size_t h = 0; h < p->n_heads; h++) {
		if (cut && p->heads[h].on_overflow == TN_OVERFLOW_ERROR)
			return tn_fail(call, TN_EDATA, "the input has %zu tokens, a window takes %zu "
				"with its special tokens (on_overflow = \"error\")", job->n_tokens,
				p->max_tokens);
		if (cut && p->heads[h].on_overflow == TN_OVERFLOW_TRUNCATE)
			job->example.truncated = true;
	}
	job->example.truncated |= job->windows.truncated;
	return 0;
}

static int prepare(struct tn_pipeline *p, struct tn_job *job, struct tn_call *call)
{
	struct tn_tokens a = { 0 }, b = { 0 };
	struct tn_window_options options = { .max_tokens = p->max_tokens, .overlap = p->overlap,
		.on_overflow = p->windows ? TN_OVERFLOW_WINDOW : TN_OVERFLOW_TRUNCATE,
		.cut = p->pair_is_long ? TN_CUT_SECOND : TN_CUT_LONGEST };
	const struct tn_input *input = job->input;
	bool has_pair = input->pair.text != NULL;

	job->example.pair = input->pair;
	if (input->words) {
		if (join_words(input, job, call) || encode_given(p, job, &a, call))
			return tn_status(call);
	} else {
		job->example.text = input->text;
		if (encode_text(p, input->text, "the text", &a, call))
			return tn_status(call);
		if ((p->words_mode == TN_WORDS_SPACE && words_of_spaces(job, &a, call)) ||
				(p->words_mode == TN_WORDS_PRETOKENIZER && words_of_tokens(job, &a, call)))
			return tn_status(call);
	}
	if (has_pair && encode_text(p, input->pair, "the second text", &b, call))
		return tn_status(call);
	job->n_tokens = a.n + b.n;
	if (tn_make_windows(p->tokenizer_info, &a, has_pair ? &b : NULL, &options, &job->windows,
			call) || check_overflow(p, job, call))
		return tn_status(call);
	if (job->example.words && (find_word_tokens(job, &a, call) || find_word_ranges(job, call)))
		return tn_status(call);
	job->windows_left = job->windows.n;
	return 0;
}

int tn_job_prepare(struct tn_pipeline *p, const struct tn_input *input, struct tn_job *job,
	struct tn_call *call)
{
	int status;

	memset(job, 0, sizeof(*job));
	job->input = input;
	status = prepare(p, job, call);
	if (!status || status == TN_ENOMEM || status == TN_EINTERNAL)
		return status;
	job->error = tn_printf(call, "%s", tn_error_text(call));
	job->windows.n = job->windows_left = 0;
	tn_clear(call);
	return job->error ? 0 : TN_ENOMEM;
}

size_t tn_pipeline_cols(const struct tn_pipeline *p, size_t output)
{
	return output < p->n_heads ? p->heads[output].cols : p->kept[output - p->n_heads].cols;
}

size_t tn_job_rows(const struct tn_pipeline *p, const struct tn_job *job, size_t output,
	size_t window)
{
	enum tn_score_axis axis = output < p->n_heads ? p->heads[output].axis :
		p->kept[output - p->n_heads].axis;

	if (axis == TN_ON_TEXTS)
		return 1;
	if (axis == TN_ON_TOKENS)
		return job->windows.items[window].n_tokens;
	return job->word_range ? job->word_range[window][1] : 0;
}

/* A word's scores come from the window that keeps its first token, and from the first
 * where windows go over the second text: each holds all words then. */
static void join_on_words(const struct tn_job *job, const struct tn_scores *s, float *joined,
	bool *taken)
{
	bool whole = job->windows.long_sequence != 0;

	for (size_t i = 0; i < s->n_windows; i++) {
		const struct tn_window *w = &s->windows[i];

		for (size_t t = 0; t < w->n_tokens; t++) {
			const struct tn_window_token *token = &w->tokens[t];
			size_t row = (size_t)token->word - w->first_word;

			if (token->sequence != 0 || token->word < 0 || row >= w->rows ||
					(!whole && (t < w->keep_begin || t >= w->keep_end)) ||
					taken[token->word] ||
					token->begin != job->word_token[token->word])
				continue;
			memcpy(joined + (size_t)token->word * s->cols, w->scores + row * s->cols,
				s->cols * sizeof(*joined));
			taken[token->word] = true;
		}
	}
	/* Words without tokens. */
	for (size_t i = 0; i < s->n_windows; i++) {
		const struct tn_window *w = &s->windows[i];

		for (size_t row = 0; row < w->rows; row++) {
			size_t word = w->first_word + row;

			if (taken[word] || job->word_token[word] != NO_TOKEN)
				continue;
			memcpy(joined + word * s->cols, w->scores + row * s->cols,
				s->cols * sizeof(*joined));
			taken[word] = true;
		}
	}
}

/* The mean over windows, weighted by the tokens that each keeps. */
static void join_on_texts(const struct tn_scores *s, float *joined)
{
	double total = 0;

	for (size_t i = 0; i < s->n_windows; i++)
		total += (double)(s->windows[i].keep_end - s->windows[i].keep_begin);
	for (size_t c = 0; c < s->cols; c++) {
		double sum = 0;

		for (size_t i = 0; i < s->n_windows; i++) {
			const struct tn_window *w = &s->windows[i];
			double weight = total > 0 ? (double)(w->keep_end - w->keep_begin) / total :
				1.0 / (double)s->n_windows;

			sum += weight * (double)w->scores[c];
		}
		joined[c] = s->n_windows == 1 ? s->windows[0].scores[c] : (float)sum;
	}
}

/* Behind the last token of a sequence. */
static size_t sequence_end(const struct tn_window *w, int sequence)
{
	size_t end = w->n_tokens;

	while (end > w->keep_end && w->tokens[end - 1].sequence != sequence)
		end--;
	return end;
}

/* Words up to the last one that begins in these windows: less than all after a cut. */
static size_t words_seen(const struct tn_window *windows, size_t n)
{
	size_t seen = 0;

	for (size_t i = 0; i < n; i++)
		if (windows[i].rows && windows[i].first_word + windows[i].rows > seen)
			seen = windows[i].first_word + windows[i].rows;
	return seen;
}

int tn_job_scores(const struct tn_pipeline *p, const struct tn_job *job, size_t head,
	struct tn_scores *s, struct tn_call *call)
{
	const struct tn_pipeline_head *h = &p->heads[head];
	size_t n = h->on_overflow == TN_OVERFLOW_WINDOW || job->windows.n == 0 ? job->windows.n : 1;
	struct tn_window *windows = tn_alloc_n(call, n + 1, sizeof(*windows));
	const float *rows = job->scores[head];
	float *joined;

	if (!windows)
		return tn_status(call);
	for (size_t i = 0; i < n; i++) {
		windows[i] = job->windows.items[i];
		windows[i].scores = rows;
		windows[i].rows = tn_job_rows(p, job, head, i);
		windows[i].cols = h->cols;
		rows += windows[i].rows * h->cols;
	}
	/* A head that sees the first window alone leaves nothing of it to the next. */
	if (n == 1 && job->windows.n > 1)
		windows[0].keep_end = sequence_end(&windows[0], job->windows.long_sequence);
	*s = (struct tn_scores){ .example = &job->example, .windows = windows, .n_windows = n,
		.cols = h->cols, .rows = h->axis == TN_ON_TEXTS ? 1 : h->axis == TN_ON_WORDS ?
			words_seen(windows, n) : job->example.n_words };
	if (h->axis == TN_ON_TOKENS)
		return 0;
	joined = tn_alloc_n(call, s->rows * s->cols + 1, sizeof(*joined));
	if (!joined)
		return tn_status(call);
	s->joined = joined;
	if (h->axis == TN_ON_WORDS) {
		bool *taken = tn_alloc(call, s->rows + 1);

		if (!taken)
			return tn_status(call);
		join_on_words(job, s, joined, taken);
	} else {
		join_on_texts(s, joined);
	}
	return 0;
}

int tn_job_answer(const struct tn_pipeline *p, const struct tn_job *job,
	const struct tn_value **answer, struct tn_call *call)
{
	struct tn_arena *arena = tn_call_arena(call);
	struct tn_value *object = tn_new_object(arena);

	*tn_call_place(call) = (struct tn_place){ 0 };
	if (job->input->id)
		tn_set(arena, object, "id", (struct tn_value *)job->input->id);
	if (job->error) {
		tn_set(arena, object, "error", tn_new_text(arena, job->error));
		*answer = object;
		return object ? 0 : tn_fail(call, TN_ENOMEM, "out of memory");
	}
	tn_set(arena, object, "text", tn_new_string(arena, job->example.text.text,
		job->example.text.len));
	if (!tn_set(arena, object, "truncated", tn_new_bool(arena, job->example.truncated)))
		return tn_fail(call, TN_ENOMEM, "out of memory");
	for (size_t h = 0; h < p->n_heads; h++) {
		struct tn_value *value = NULL;
		struct tn_scores scores;
		int status;

		if (tn_job_scores(p, job, h, &scores, call))
			return tn_status(call);
		status = p->heads[h].impl->decode(p->heads[h].state, &scores, &value, call);
		if (status == TN_EDATA) {
			/* The input does not suit this head: that is this input's error alone. */
			tn_unset(object, "text");
			tn_unset(object, "truncated");
			for (size_t k = 0; k < h; k++)
				tn_unset(object, p->heads[k].name);
			tn_set(arena, object, "error", tn_new_text(arena, tn_error_text(call)));
			tn_clear(call);
			break;
		}
		if (status)
			return status;
		if (!tn_set(arena, object, p->heads[h].name, value))
			return tn_fail(call, TN_ENOMEM, "out of memory");
	}
	*answer = object;
	return 0;
}
