/* SPDX-License-Identifier: Apache-2.0
 * core/eval/baseline_answer.c - answers to questions without a model: the words among which those
 * of the question stand closest.
 */
#include <math.h>
#include <string.h>

#include "eval/answer.h"
#include "eval/baseline.h"
#include "eval/tally.h"
#include "text/text.h"

#define LONGEST_ANSWER 4	/* words */

/* A word of the context. */
struct word {
	size_t begin, end;
	double weight;			/* of a word of the question; else 0 */
	bool last;			/* it ends a phrase */
};

/* Words of a text that its normal form keeps, with their normal forms. */
static int take_words(struct tn_text text, struct word **words, struct tn_text **normal, size_t *n,
	struct tn_call *call)
{
	struct tn_words found;

	if (tn_words_by_space(text, &found, call))
		return tn_status(call);
	*words = tn_alloc_n(call, found.n + 1, sizeof(**words));
	*normal = tn_alloc_n(call, found.n + 1, sizeof(**normal));
	if (!*words || !*normal)
		return tn_status(call);
	for (*n = 0; *n < found.n; ++*n) {
		const struct tn_word *w = &found.items[*n];

		(*words)[*n] = (struct word){ w->begin, w->end, 0,
			strchr(".,;:!?", text.text[w->end - 1]) != NULL };
		(*normal)[*n] = eval_normal_answer((struct tn_text){ text.text + w->begin,
			w->end - w->begin }, call);
	}
	return tn_status(call);
}

/* log(1 + 1/c) for a word that stands c times in the context and somewhere in the question. */
static int weigh(struct word *words, const struct tn_text *normal, size_t n,
	const struct tn_text *asked, size_t n_asked, struct tn_call *call)
{
	struct tn_arena *arena = tn_call_arena(call);
	struct eval_tally question = { NULL }, context = { NULL };

	for (size_t i = 0; i < n_asked; i++)
		if (asked[i].len && eval_tally_add(&question, asked[i], 1, arena, call))
			return tn_status(call);
	for (size_t i = 0; i < n; i++)
		if (normal[i].len && eval_tally_add(&context, normal[i], 1, arena, call))
			return tn_status(call);
	for (size_t i = 0; i < n; i++)
		if (normal[i].len && eval_tally_count(&question, normal[i]))
			words[i].weight = log1p(1 / (double)eval_tally_count(&context, normal[i]));
	return 0;
}

/* Weights of the words around begin..end-1, each over its distance. */
static double nearness(const struct word *words, size_t n, size_t begin, size_t end, size_t window)
{
	double sum = 0;

	for (size_t d = 1; d <= window; d++) {
		sum += begin >= d ? words[begin - d].weight / (double)d : 0;
		sum += end + d - 1 < n ? words[end + d - 1].weight / (double)d : 0;
	}
	return sum;
}

int eval_window_answer(const struct eval_example *e, struct tn_text *answer, struct tn_call *call)
{
	struct word *words, *asked;
	struct tn_text *normal, *question;
	size_t n, n_asked;
	double best = -1;

	*answer = (struct tn_text){ "", 0 };
	if (take_words(e->input.pair, &words, &normal, &n, call) ||
			take_words(e->input.text, &asked, &question, &n_asked, call) ||
			weigh(words, normal, n, question, n_asked, call))
		return tn_status(call);
	for (size_t i = 0; i < n; i++)
		for (size_t end = i + 1; end <= n && end - i <= LONGEST_ANSWER; end++) {
			double near;

			if (words[end - 1].weight > 0)
				break;
			near = nearness(words, n, i, end, n_asked);
			if (normal[i].len && near > best) {
				best = near;
				*answer = (struct tn_text){ e->input.pair.text + words[i].begin,
					words[end - 1].end - words[i].begin };
			}
			if (words[end - 1].last)
				break;
		}
	return 0;
}
