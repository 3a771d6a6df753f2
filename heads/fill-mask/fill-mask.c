/* SPDX-License-Identifier: Apache-2.0
 * heads/fill-mask/fill-mask.c - the likeliest pieces for each mask token of a text, each
 * mask by itself.
 */
#include <math.h>
#include <tenon/impl/head.h>

struct fill_mask {
	struct tn_head base;
	int64_t top_k;
	const struct tn_head_env *env;
};

static int fill_mask_open(struct tn_head *self, const struct tn_head_env *env,
	struct tn_call *call)
{
	struct fill_mask *h = (struct fill_mask *)self;

	h->env = env;
	if (env->tokenizer_info->mask < 0)
		return tn_fail(call, TN_EDATA, "head %s: the tokenizer has no mask token", env->name);
	return 0;
}

static tn_ref fill_mask_forward(const struct tn_head *self, struct tn_graph *g)
{
	const struct fill_mask *h = (const struct fill_mask *)self;

	return tn_feature(g, h->env->feature ? h->env->feature : "mlm");
}

/* Cross entropy over the vocabulary at the tokens that were masked. */
static tn_ref fill_mask_loss(const struct tn_head *self, struct tn_graph *g, tn_ref scores,
	tn_ref *count)
{
	const struct fill_mask *h = (const struct fill_mask *)self;
	tn_ref target = tn_inputf(g, tn_axis(g, "tokens"), TN_I32, 0, "%s.target", h->env->name);
	tn_ref loss = tn_cross_entropy(g, scores, target, TN_NONE, 0);

	*count = tn_output(g, loss, 1);
	return loss;
}

static int fill_mask_target(const struct tn_head *self, const struct tn_target *t,
	struct tn_call *call)
{
	int32_t *rows = t->rows(t, "target");

	for (size_t i = 0; rows && i < t->window->n_tokens; i++)
		rows[i] = t->gold->ids ? t->gold->ids[i] : -1;
	return 0;
}

/* The ids of the k greatest of z [n], greatest first, the lower id of equals. */
static void best_ids(const float *z, size_t n, size_t *ids, size_t k)
{
	size_t found = 0;

	for (size_t i = 0; i < n; i++) {
		size_t at = found < k ? found++ : k;

		for (; at > 0 && z[i] > z[ids[at - 1]]; at--)
			if (at < k)
				ids[at] = ids[at - 1];
		if (at < k)
			ids[at] = i;
	}
}

static double log_sum(const float *z, size_t n)
{
	double max = -INFINITY, sum = 0;

	for (size_t i = 0; i < n; i++)
		max = fmax(max, (double)z[i]);
	for (size_t i = 0; i < n; i++)
		sum += exp((double)z[i] - max);	/* NaN when a score is infinite or NaN */
	return max + log(sum);
}

static struct tn_value *pieces_of(const struct fill_mask *h, const float *z, size_t n,
	struct tn_call *call)
{
	struct tn_arena *arena = tn_call_arena(call);
	struct tn_value *list = tn_new_list(arena);
	size_t k = (size_t)h->top_k < n ? (size_t)h->top_k : n;
	size_t *ids = tn_alloc_n(call, k, sizeof(*ids));
	double all = log_sum(z, n);

	if (!isfinite(all))
		tn_fail(call, TN_EDATA, "head %s: the scores of a mask are no finite numbers",
			h->env->name);
	if (!ids || !isfinite(all))
		return NULL;
	best_ids(z, n, ids, k);
	for (size_t i = 0; i < k; i++) {
		const char *piece = h->env->tokenizer->plugin->impl.tokenizer->piece(
			h->env->tokenizer, (int32_t)ids[i]);
		struct tn_value *item = tn_append(arena, list, tn_new_object(arena));

		tn_set(arena, item, "piece", piece ? tn_new_text(arena, piece) :
			tn_new_null(arena));
		tn_set(arena, item, "id", tn_new_int(arena, (int64_t)ids[i]));
		tn_set(arena, item, "score", tn_new_real(arena, exp((double)z[ids[i]] - all)));
	}
	return list;
}

/* A mask of a sequence that all windows hold counts in the first. */
static bool kept(const struct tn_scores *scores, size_t i, size_t t)
{
	const struct tn_window *w = &scores->windows[i];

	if (t >= w->keep_begin && t < w->keep_end)
		return true;
	return i == 0 && (w->keep_begin == w->keep_end ||
		w->tokens[t].sequence != w->tokens[w->keep_begin].sequence);
}

/* {"label": best piece, "text", "bytes", "chars", "score", "pieces": [...]} */
static int add_mask(const struct fill_mask *h, const struct tn_scores *scores,
	const struct tn_window *w, size_t t, struct tn_value *answer, struct tn_call *call)
{
	struct tn_arena *arena = tn_call_arena(call);
	const struct tn_window_token *token = &w->tokens[t];
	struct tn_value *mask = tn_new_object(arena);
	struct tn_value *pieces = pieces_of(h, w->scores + t * w->cols, w->cols, call);
	struct tn_value *place = tn_span(scores->example, token->sequence, token->begin,
		token->end, call);

	if (tn_status(call))
		return tn_status(call);
	if (!pieces || !place)
		return tn_fail(call, TN_ENOMEM, "out of memory");
	tn_set(arena, mask, "label", (struct tn_value *)tn_get(tn_at(pieces, 0), "piece"));
	for (size_t i = 0; i < tn_size(place); i++)
		tn_set(arena, mask, tn_key(place, i), (struct tn_value *)tn_at(place, i));
	tn_set(arena, mask, "score", (struct tn_value *)tn_get(tn_at(pieces, 0), "score"));
	tn_set(arena, mask, "pieces", pieces);
	return tn_append(arena, answer, mask) ? 0 : tn_fail(call, TN_ENOMEM, "out of memory");
}

static int fill_mask_decode(const struct tn_head *self, const struct tn_scores *scores,
	struct tn_value **answer, struct tn_call *call)
{
	const struct fill_mask *h = (const struct fill_mask *)self;

	*answer = tn_new_list(tn_call_arena(call));
	for (size_t i = 0; i < scores->n_windows; i++) {
		const struct tn_window *w = &scores->windows[i];

		for (size_t t = 0; t < w->n_tokens; t++)
			if (w->tokens[t].id == h->env->tokenizer_info->mask &&
					w->tokens[t].sequence >= 0 && kept(scores, i, t) &&
					add_mask(h, scores, w, t, *answer, call))
				return tn_status(call);
	}
	if (!tn_size(*answer))
		return tn_fail(call, TN_EDATA, "the text has no mask token, %s", h->env->tokenizer->
			plugin->impl.tokenizer->piece(h->env->tokenizer,
			h->env->tokenizer_info->mask));
	return 0;
}

static const struct tn_option options[] = {
	TN_OPTION_INT(struct fill_mask, top_k, 5, 1, 1e6, "how many pieces to give for a mask"),
	{ 0 }
};

static const struct tn_head_impl fill_mask_impl = {
	.task = TN_TASK_TOKENS, .on_overflow = TN_OVERFLOW_TRUNCATE,
	.open = fill_mask_open, .forward = fill_mask_forward, .loss = fill_mask_loss,
	.target = fill_mask_target, .decode = fill_mask_decode,
};

TN_PLUGIN(fill_mask, TN_HEAD, "fill-mask",
	.version = "0.1.0", .licence = "Apache-2.0", .about = "pieces for the masks of a text",
	.state = sizeof(struct fill_mask), .options = options, .impl.head = &fill_mask_impl);
