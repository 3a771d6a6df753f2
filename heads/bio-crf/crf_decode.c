/* SPDX-License-Identifier: Apache-2.0
 * heads/bio-crf/crf_decode.c - the best paths of tags over words, as spans with their
 * probabilities.
 */
#include <math.h>
#include <string.h>

#include "bio-crf.h"

/* One text on its way. */
struct lattice {
	const struct bio_crf *h;
	const struct tn_example *example;
	size_t n, L;
	double *e, *alpha, *beta;	/* [n][L] */
	double log_z;
	uint32_t *paths;		/* [n_paths][n] */
	size_t n_paths;
	uint8_t *not_before, *not_after; /* [L] */
};

static int read_scores(struct lattice *l, const struct tn_scores *scores, struct tn_call *call)
{
	size_t cells = l->n * l->L;	/* the scores are in memory: no overflow */

	l->e = tn_alloc_n(call, cells, sizeof(*l->e));
	l->alpha = tn_alloc_n(call, cells, sizeof(*l->alpha));
	l->beta = tn_alloc_n(call, cells, sizeof(*l->beta));
	l->not_before = tn_alloc(call, l->L);
	l->not_after = tn_alloc(call, l->L);
	if (tn_status(call))
		return tn_status(call);
	for (size_t i = 0; i < cells; i++) {
		l->e[i] = (double)scores->joined[i];
		if (!isfinite(l->e[i]))
			return tn_fail(call, TN_EDATA, "head %s: word %zu has the score %g for label "
				"%s", l->h->env->name, i / l->L, l->e[i],
				l->h->env->labels[i % l->L]);
	}
	return 0;
}

static int search(struct lattice *l, struct tn_call *call)
{
	const struct crf *c = &l->h->crf;
	size_t k = (size_t)l->h->nbest;
	double *scores = tn_alloc_n(call, k, sizeof(*scores));
	double *doubles = tn_alloc_n(call, crf_best_doubles(c, k), sizeof(*doubles));
	uint32_t *links = tn_alloc_n(call, crf_best_links(c, l->n, k), sizeof(*links));

	l->paths = tn_alloc_n(call, l->n, k * sizeof(*l->paths));
	if (tn_status(call))
		return tn_status(call);
	l->n_paths = crf_best(c, l->e, l->n, k, l->paths, scores, doubles, links);
	if (!l->n_paths)
		return tn_fail(call, TN_EDATA, "head %s: its labels allow no tags for %zu words",
			l->h->env->name, l->n);
	l->log_z = crf_forward(c, l->e, l->n, l->alpha);
	crf_backward(c, l->e, l->n, l->beta);
	return 0;
}

/* Where the span that begins at word t of a path ends. */
static size_t span_end(const struct lattice *l, const uint32_t *path, size_t t)
{
	const struct tag *tags = l->h->tags;

	for (t++; t < l->n && tag_continues(&tags[path[t - 1]], &tags[path[t]]); t++)
		;
	return t;
}

/* Whether a better path has the same span. */
static bool said_before(const struct lattice *l, size_t p, size_t begin, size_t end)
{
	const struct tag *tags = l->h->tags;

	for (size_t q = 0; q < p; q++) {
		const uint32_t *path = l->paths + q * l->n;

		if (!memcmp(path + begin, l->paths + p * l->n + begin,
				(end - begin) * sizeof(*path)) &&
				span_end(l, path, begin) == end &&
				!(begin && tag_continues(&tags[path[begin - 1]], &tags[path[begin]])))
			return true;
	}
	return false;
}

/* The probability that the text has exactly this span. */
static double span_score(struct lattice *l, const uint32_t *path, size_t begin, size_t end)
{
	const struct tag *tags = l->h->tags;
	struct crf_clamp clamp = { .tags = path + begin, .begin = begin, .len = end - begin,
		.not_before = l->not_before, .not_after = l->not_after };

	for (size_t i = 0; i < l->L; i++) {
		l->not_before[i] = tag_continues(&tags[i], &tags[path[begin]]);
		l->not_after[i] = tag_continues(&tags[path[end - 1]], &tags[i]);
	}
	return fmin(exp(crf_span(&l->h->crf, l->alpha, l->beta, l->e, l->n, l->log_z, &clamp)), 1);
}

static int add_path(struct lattice *l, size_t p, struct tn_value *list, struct tn_call *call)
{
	const uint32_t *path = l->paths + p * l->n;
	struct tn_arena *arena = tn_call_arena(call);
	size_t end;

	for (size_t t = 0; t < l->n; t = end) {
		const struct tag *tag = &l->h->tags[path[t]];
		struct tn_word bytes = { .begin = l->example->words[t].begin };
		double score;

		end = span_end(l, path, t);
		if (tag->place == 'O' || said_before(l, p, t, end))
			continue;
		bytes.end = l->example->words[end - 1].end;
		score = span_score(l, path, t, end);
		if (score < l->h->min_score)
			continue;
		if (add_span(l->example, list, tag->name, bytes, score, call))
			return TN_ENOMEM;
		if (l->h->nbest > 1)
			tn_set(arena, (struct tn_value *)tn_at(list, tn_size(list) - 1), "rank",
				tn_new_int(arena, (int64_t)p + 1));
	}
	return 0;
}

int crf_decode(const struct bio_crf *h, const struct tn_scores *scores, struct tn_value *list,
	struct tn_call *call)
{
	struct lattice l = { .h = h, .example = scores->example, .n = scores->rows,
		.L = scores->cols };

	if (l.n == 0)
		return 0;
	if (read_scores(&l, scores, call) || search(&l, call))
		return tn_status(call);
	for (size_t p = 0; p < l.n_paths; p++)
		if (add_path(&l, p, list, call))
			return tn_status(call);
	return 0;
}
