/* SPDX-License-Identifier: Apache-2.0
 * heads/bio-crf/aggregate.c - spans from the softmax of single tokens, by the strategies
 * of transformers' TokenClassificationPipeline and equal to it, its quirks included.
 *
 * Source: transformers, pipelines/token_classification.py: gather_pre_entities,
 * aggregate_word, group_entities.
 */
#include <math.h>
#include <string.h>

#include "bio-crf.h"

/* A token, or a word made of several; later a group of them. */
struct piece {
	double *p;			/* [L] probabilities */
	struct tn_word bytes;
	size_t label;
	double score;
	bool inside;			/* a token that continues the word before it */
};

struct pieces {
	const struct bio_crf *h;
	const struct tn_example *example;
	size_t L, n;
	struct piece *items;
};

static size_t best_of(const double *p, size_t n)
{
	size_t best = 0;

	for (size_t i = 1; i < n; i++)
		if (p[i] > p[best])
			best = i;
	return best;
}

/* False when a score is no finite number. */
static bool softmax(const float *x, size_t n, double *p)
{
	double max = -INFINITY, sum = 0;

	for (size_t i = 0; i < n; i++) {
		if (!isfinite(x[i]))
			return false;
		max = fmax(max, (double)x[i]);
	}
	for (size_t i = 0; i < n; i++)
		sum += p[i] = exp((double)x[i] - max);
	for (size_t i = 0; i < n; i++)
		p[i] /= sum;
	return true;
}

static size_t code_points(const char *text, size_t len)
{
	size_t n = 0;

	for (size_t i = 0; i < len; i++)
		n += ((unsigned char)text[i] & 0xc0) != 0x80;
	return n;
}

/* Whether a token continues a word: its piece is longer than the text it covers ("##"),
 * or, without such pieces, no space stands at or before its beginning. */
static bool is_inside(const struct bio_crf *h, struct tn_text text,
	const struct tn_window_token *token)
{
	const struct tn_tokenizer *t = h->env->tokenizer;
	const char *piece;

	if (h->env->tokenizer_info && token->id == h->env->tokenizer_info->unk)
		return false;
	if (!h->prefixed)
		return token->begin > 0 && text.text[token->begin - 1] != ' ' &&
			(token->begin >= text.len || text.text[token->begin] != ' ');
	piece = t->plugin->impl.tokenizer->piece(t, token->id);
	return piece && code_points(piece, strlen(piece)) !=
		code_points(text.text + token->begin, token->end - token->begin);
}

static int read_tokens(struct pieces *all, const struct tn_scores *scores, struct tn_call *call)
{
	size_t most = 0;
	double *p;

	for (size_t i = 0; i < scores->n_windows; i++)
		most += scores->windows[i].n_tokens;
	all->items = tn_alloc_n(call, most, sizeof(*all->items));
	p = tn_alloc_n(call, most * all->L, sizeof(*p));
	if (tn_status(call))
		return tn_status(call);
	for (size_t i = 0; i < scores->n_windows; i++) {
		const struct tn_window *w = &scores->windows[i];

		for (size_t t = 0; t < w->n_tokens; t++) {
			const struct tn_window_token *token = &w->tokens[t];

			if (!kept_token(scores, i, t))
				continue;
			if (!softmax(w->scores + t * w->cols, all->L, p))
				return tn_fail(call, TN_EDATA, "head %s: the scores of token %zu of "
					"window %zu are no finite numbers", all->h->env->name, t, i);
			all->items[all->n++] = (struct piece){ .p = p, .label = best_of(p, all->L),
				.score = p[best_of(p, all->L)], .bytes = { token->begin, token->end },
				.inside = is_inside(all->h, scores->example->text, token) };
			p += all->L;
		}
	}
	return 0;
}

/* One piece for the tokens first .. end-1 of a word. */
static struct piece make_word(const struct pieces *all, size_t first, size_t end)
{
	const struct piece *tokens = all->items;
	struct piece word = tokens[first];

	word.bytes.end = tokens[end - 1].bytes.end;
	for (size_t t = first + 1; t < end; t++) {
		if (all->h->how == AGGREGATE_MAX && tokens[t].score > word.score) {
			word.label = tokens[t].label;
			word.score = tokens[t].score;
		}
		for (size_t i = 0; i < all->L && all->h->how == AGGREGATE_AVERAGE; i++)
			word.p[i] += tokens[t].p[i];
	}
	if (all->h->how == AGGREGATE_AVERAGE) {
		word.label = best_of(word.p, all->L);
		word.score = word.p[word.label] / (double)(end - first);
	}
	return word;
}

/* Joins the tokens of each word, in place. */
static void join_words(struct pieces *all)
{
	size_t n = 0, end;

	for (size_t t = 0; t < all->n; t = end) {
		for (end = t + 1; end < all->n && all->items[end].inside; end++)
			;
		all->items[n++] = make_word(all, t, end);
	}
	all->n = n;
}

/* The label without "B-" or "I-"; *begins is set for "B-". */
static const char *type_of(const char *label, bool *begins)
{
	*begins = !strncmp(label, "B-", 2);
	return *begins || !strncmp(label, "I-", 2) ? label + 2 : label;
}

static bool joins(const struct pieces *all, size_t i)
{
	const char *const *labels = all->h->env->labels;
	bool begins, unused;
	const char *type = type_of(labels[all->items[i].label], &begins);

	return !begins && !strcmp(type, type_of(labels[all->items[i - 1].label], &unused));
}

/* Groups neighbours of one type; their score is the mean. */
static int add_groups(const struct pieces *all, struct tn_value *list, struct tn_call *call)
{
	size_t end;

	for (size_t i = 0; i < all->n; i = end) {
		const char *label = all->h->env->labels[all->items[i].label];
		const char *hyphen = strchr(label, '-');
		struct tn_word bytes = all->items[i].bytes;
		double sum = all->items[i].score;

		for (end = i + 1; end < all->n && all->h->how != AGGREGATE_NONE &&
				joins(all, end); end++)
			sum += all->items[end].score;
		bytes.end = all->items[end - 1].bytes.end;
		sum /= (double)(end - i);
		if (hyphen && all->h->how != AGGREGATE_NONE)
			label = hyphen + 1;
		if (strcmp(label, "O") && sum >= all->h->min_score &&
				add_span(all->example, list, label, bytes, sum, call))
			return TN_ENOMEM;
	}
	return 0;
}

int aggregate(const struct bio_crf *h, const struct tn_scores *scores, struct tn_value *list,
	struct tn_call *call)
{
	struct pieces all = { .h = h, .example = scores->example, .L = scores->cols };

	if (read_tokens(&all, scores, call))
		return tn_status(call);
	if (h->how != AGGREGATE_NONE && h->how != AGGREGATE_SIMPLE)
		join_words(&all);
	return add_groups(&all, list, call);
}
