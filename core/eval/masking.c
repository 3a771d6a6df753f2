/* SPDX-License-Identifier: Apache-2.0
 * core/eval/masking.c - hiding tokens of a text.
 */
#include "eval/masking.h"

#include "base/random.h"

/* From 0 to 1, by what is to be decided. */
static double chance(uint64_t draw, uint64_t what)
{
	return (double)(tn_mix(tn_mix(draw) + what * 0x9e3779b97f4a7c15u) >> 11) * 0x1p-53;
}

enum { CHOOSE, REPLACE, OTHER, N_DECISIONS };

/* What decides of a token: itself, or its word. */
static uint64_t unit_of(const struct tn_masking *m, const struct tn_window_token *token,
	size_t t)
{
	return m->whole_words && token->word >= 0 ? (uint64_t)token->word << 1 |
		(uint64_t)(token->sequence & 1) : (uint64_t)t;
}

static void hide(const struct tn_pipeline *p, uint64_t draw, size_t t,
	struct tn_window_token *token)
{
	double how = chance(draw, t * N_DECISIONS + REPLACE);
	double which = chance(draw, t * N_DECISIONS + OTHER);

	if (how < 0.8)
		token->id = p->tokenizer_info->mask;
	else if (how < 0.9)
		token->id = (int32_t)(which * (double)p->tokenizer_info->vocab_size);
}

int tn_mask_window(const struct tn_pipeline *p, const struct tn_masking *masking,
	uint64_t draw, struct tn_window *window, struct tn_gold *gold, struct tn_call *call)
{
	struct tn_window_token *tokens = tn_alloc_n(call, window->n_tokens + 1, sizeof(*tokens));
	int32_t *ids = tn_alloc_n(call, window->n_tokens + 1, sizeof(*ids));
	size_t chosen = 0;

	if (!tokens || !ids)
		return tn_status(call);
	for (size_t t = 0; t < window->n_tokens; t++) {
		tokens[t] = window->tokens[t];
		ids[t] = -1;
		if (tokens[t].sequence < 0 || chance(draw, unit_of(masking, &tokens[t], t) *
				N_DECISIONS + CHOOSE) >= masking->probability)
			continue;
		ids[t] = tokens[t].id;
		hide(p, draw, t, &tokens[t]);
		chosen++;
	}
	for (size_t t = 0; t < window->n_tokens && !chosen; t++)
		if (tokens[t].sequence >= 0) {
			ids[t] = tokens[t].id;
			hide(p, draw, t, &tokens[t]);
			chosen++;
		}
	window->tokens = tokens;
	gold->ids = ids;
	return 0;
}
