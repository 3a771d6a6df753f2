/* SPDX-License-Identifier: Apache-2.0
 * heads/bio-crf/bio-crf.c - labelled spans of a text: a linear layer over words and a CRF
 * over its scores, or the token classifiers of transformers, which have no CRF.
 */
#include "bio-crf.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

bool kept_token(const struct tn_scores *scores, size_t i, size_t t)
{
	const struct tn_window *w = &scores->windows[i];

	if (w->tokens[t].sequence != 0)
		return false;
	/* Windows over the second text hold the first one whole: it counts once. */
	if (w->keep_begin < w->keep_end && w->tokens[w->keep_begin].sequence != 0)
		return i == 0;
	return t >= w->keep_begin && t < w->keep_end;
}

int add_span(const struct tn_example *example, struct tn_value *list, const char *label,
	struct tn_word bytes, double score, struct tn_call *call)
{
	struct tn_arena *arena = tn_call_arena(call);
	struct tn_value *span = tn_new_object(arena);
	const struct tn_value *place = tn_span(example, 0, bytes.begin, bytes.end, call);

	tn_set(arena, span, "label", tn_new_text(arena, label));
	for (size_t i = 0; i < tn_size(place); i++)
		tn_set(arena, span, tn_key(place, i), (struct tn_value *)tn_at(place, i));
	tn_set(arena, span, "score", tn_new_real(arena, score));
	return place && tn_append(arena, list, span) ? 0 :
		tn_fail(call, TN_ENOMEM, "out of memory: a span");
}

/* Copies a tensor of the CRF; *found counts those that are there. */
static int read_tensor(const struct tn_head_env *env, const char *name, size_t cols, double *to,
	int *found, struct tn_call *call)
{
	size_t n = env->n_labels * (cols ? cols : 1);
	const float *from = env->tensor(env, name, env->n_labels, cols, call);

	if (!from)
		return tn_status(call);
	for (size_t i = 0; i < n; i++) {
		to[i] = (double)from[i];
		if (!isfinite(to[i]))
			return tn_fail(call, TN_EDATA, "head %s: tensor \"%s\" holds %g at %zu, "
				"expected finite numbers", env->name, name, to[i], i);
	}
	++*found;
	return 0;
}

void crf_forbid(const struct bio_crf *h, double *start, double *end, double *transition)
{
	size_t L = h->env->n_labels;

	for (size_t i = 0; i < L; i++) {
		if (!tag_may_begin(h->tagging, &h->tags[i]))
			start[i] = -INFINITY;
		if (!tag_may_end(h->tagging, &h->tags[i]))
			end[i] = -INFINITY;
		for (size_t j = 0; j < L; j++)
			if (!tag_may_follow(h->tagging, &h->tags[i], &h->tags[j]))
				transition[i * L + j] = -INFINITY;
	}
}

static int read_crf(struct bio_crf *h, struct tn_call *call)
{
	size_t L = h->env->n_labels, wrong = 0;
	double *start = h->memory, *end = start + L, *transition = end + L;
	int found = 0;

	if (read_tensor(h->env, "crf.start_transitions", 0, start, &found, call) ||
			read_tensor(h->env, "crf.end_transitions", 0, end, &found, call) ||
			read_tensor(h->env, "crf.transitions", L, transition, &found, call))
		return tn_status(call);
	if (found % 3)
		return tn_fail(call, TN_EDATA, "head %s: %d of the tensors crf.start_transitions, "
			"crf.end_transitions and crf.transitions are there, expected all or none",
			h->env->name, found);
	h->how = (enum aggregation)h->aggregation;
	if (h->how == AGGREGATE_AUTO)
		h->how = found || h->env->untrained ? AGGREGATE_CRF : AGGREGATE_SIMPLE;
	if (h->how != AGGREGATE_CRF)
		return 0;
	h->tagging = tags_read(h->env->labels, L, (enum scheme)h->scheme, h->tags, &wrong);
	if (h->tagging == SCHEME_AUTO)
		return tn_fail(call, TN_ECONFIG, "head %s: the label %s is none of the scheme, "
			"expected O or a letter of it with a hyphen and a type", h->env->name,
			tn_quote(call, h->env->labels[wrong], strlen(h->env->labels[wrong])));
	crf_forbid(h, start, end, transition);
	h->crf = (struct crf){ .tags = L, .start = start, .end = end, .transition = transition };
	return 0;
}

/* Whether the vocabulary marks pieces inside a word as WordPiece does. */
static bool has_prefixed(const struct tn_head_env *env)
{
	for (size_t id = 0; env->tokenizer && id < env->tokenizer_info->vocab_size; id++) {
		const char *piece = env->tokenizer->plugin->impl.tokenizer->piece(env->tokenizer,
			(int32_t)id);

		if (piece && !strncmp(piece, "##", 2) && piece[2] && piece[2] != '#')
			return true;
	}
	return false;
}

static int bio_crf_open(struct tn_head *self, const struct tn_head_env *env, struct tn_call *call)
{
	struct bio_crf *h = (struct bio_crf *)self;
	size_t L = env->n_labels, cells;

	h->env = env;
	if (!L)
		return tn_fail(call, TN_ECONFIG, "head %s: no labels are known; name them by `labels` "
			"in the configuration", env->name);
	if (L > UINT32_MAX || __builtin_mul_overflow(L, L + 2, &cells))
		return tn_fail(call, TN_EDATA, "head %s: %zu labels are too many", env->name, L);
	h->memory = calloc(cells, sizeof(*h->memory));
	h->tags = calloc(L, sizeof(*h->tags));
	if (!h->memory || !h->tags)
		return tn_fail(call, TN_ENOMEM, "head %s: out of memory for %zu labels", env->name, L);
	h->prefixed = has_prefixed(env);
	return read_crf(h, call);
}

static int bio_crf_refresh(struct tn_head *self, struct tn_call *call)
{
	return read_crf((struct bio_crf *)self, call);
}

static void bio_crf_close(struct tn_head *self)
{
	struct bio_crf *h = (struct bio_crf *)self;

	free(h->memory);
	free(h->tags);
}

/* The row of each word. */
static tn_ref pool_words(const struct bio_crf *h, struct tn_graph *g, tn_ref x)
{
	int words = tn_axis(g, "words");

	if (h->word_pool == POOL_MEAN)
		return tn_segment(g, x, tn_input(g, "word_begin", words, TN_I32, 0),
			tn_input(g, "word_end", words, TN_I32, 0), TN_MEAN);
	return tn_gather(g, x, tn_input(g, h->word_pool == POOL_FIRST ? "word_first" : "word_last",
		words, TN_I32, 0));
}

static tn_ref bio_crf_forward(const struct tn_head *self, struct tn_graph *g)
{
	const struct bio_crf *h = (const struct bio_crf *)self;
	tn_ref x = tn_feature(g, h->env->feature ? h->env->feature : "tagged");

	if (h->how == AGGREGATE_CRF)
		x = pool_words(h, g, x);
	return tn_dense(g, x, h->env->weights ? h->env->weights : "classifier", h->env->n_labels);
}

static int bio_crf_decode(const struct tn_head *self, const struct tn_scores *scores,
	struct tn_value **answer, struct tn_call *call)
{
	const struct bio_crf *h = (const struct bio_crf *)self;

	*answer = tn_new_list(tn_call_arena(call));
	if (!*answer)
		return tn_fail(call, TN_ENOMEM, "out of memory");
	return h->how == AGGREGATE_CRF ? crf_decode(h, scores, *answer, call) :
		aggregate(h, scores, *answer, call);
}

static const char *const words_names[] = { "space", "pretokenizer", NULL };
static const char *const pools[] = { "first", "mean", "last", NULL };
static const char *const schemes[] = { "auto", "bio", "bioes", "io", NULL };
static const char *const aggregations[] = { "auto", "crf", "none", "simple", "first", "average",
	"max", NULL };

static const struct tn_option options[] = {
	TN_OPTION_CHOICE(struct bio_crf, aggregation, aggregations, "auto",
		"crf over words, or a strategy of transformers over tokens; auto: crf when the "
		"weights have transitions, else simple"),
	TN_OPTION_REAL(struct bio_crf, min_score, 0.0, 0.0, 1.0,
		"leave out spans that are less likely"),
	TN_OPTION_INT(struct bio_crf, nbest, 1, 1, 1000,
		"also give the spans of the 2nd to n-th best path, with their rank"),
	TN_OPTION_CHOICE(struct bio_crf, scheme, schemes, "auto",
		"how labels make spans, U and L being S and E of bioes; auto: by their letters"),
	TN_OPTION_CHOICE(struct bio_crf, word_pool, pools, "first",
		"which of a word's tokens stand for it"),
	TN_OPTION_CHOICE(struct bio_crf, words, words_names, "space",
		"what splits raw text into words: white space, or the tokenizer"),
	{ 0 }
};

static const struct tn_head_impl bio_crf_impl = {
	.task = TN_TASK_SPANS, .on_overflow = TN_OVERFLOW_WINDOW,
	.open = bio_crf_open, .forward = bio_crf_forward, .decode = bio_crf_decode,
	.loss = bio_crf_loss, .target = bio_crf_target, .close = bio_crf_close,
	.refresh = bio_crf_refresh,
};

TN_PLUGIN(bio_crf, TN_HEAD, "bio-crf",
	.version = "0.1.0", .licence = "Apache-2.0",
	.about = "labelled spans of a text, by a CRF over words or by token",
	.state = sizeof(struct bio_crf), .options = options, .impl.head = &bio_crf_impl);
