/* SPDX-License-Identifier: Apache-2.0
 * kernels/mask.h - which keys a query sees and what their distance adds to the score: for
 * attention and its gradient.
 */
#ifndef TN_KERNELS_MASK_H
#define TN_KERNELS_MASK_H

#include <math.h>

#include "kernels.h"
#include "panels.h"
#include "philox.h"

/* Whether key j may be seen from query i, and what its distance adds to the score,
 * times log2(e). */
static float by_distance(const struct kernel_attention *a, ptrdiff_t i, ptrdiff_t j)
{
	const ptrdiff_t span = (ptrdiff_t)a->span;
	ptrdiff_t far = j - i;
	float add = 0;

	if ((a->causal && far > 0) || (a->left != UINT32_MAX && far < -(ptrdiff_t)a->left) ||
		(a->right != UINT32_MAX && far > (ptrdiff_t)a->right))
		return -INFINITY;
	if (a->rel.at) {
		far = far < 1 - span ? 1 - span : far > span - 1 ? span - 1 : far;
		add = a->rel.at[(size_t)(far + span - 1) * a->rel.stride];
	} else {
		add = -a->slope * (float)(far < 0 ? -far : far);
	}
	return add * 1.44269504f;
}

/* Masks and biases depend on the distance of query and key alone: line[t] is for
 * i - j = i0 - (j0 + keys - 1) + t.  Returns where key j0 begins, lanes upwards. */
static const float *distance_line(const struct kernel_attention *a, float *line, size_t i0,
	size_t j0, size_t keys)
{
	for (size_t t = 0; t < keys + PANEL - 1; t++)
		line[t] = by_distance(a, (ptrdiff_t)(i0 + t), (ptrdiff_t)(j0 + keys - 1));
	return line + keys - 1;
}

/* What the probabilities of queries i0 .. i0 + PANEL - 1 and `keys` keys from j0 on are multiplied
 * by, [keys][PANEL].  Word j % 4 of the counter (j / 4, row of the query, head, 0) is that of key j. */
static void drop_factors(const struct kernel_attention *a, float *factors, size_t i0, size_t j0,
	size_t keys)
{
	const struct drop drop = drop_at(a->dropout);

	for (size_t four = j0 / 4; four * 4 < j0 + keys; four++)
		for (size_t i = 0; i < PANEL; i += LANES) {
			vu words[4] = { vset_u((uint32_t)four), vcount((uint32_t)(a->row + i0 + i)),
				vset_u((uint32_t)a->head), vset_u(0) };

			vphilox(words, a->key);
			for (size_t t = 0; t < 4; t++)
				if (four * 4 + t >= j0 && four * 4 + t < j0 + keys)
					vstore(factors + (four * 4 + t - j0) * PANEL + i,
						vdrop(words[t], drop));
		}
}

/* Keys begin .. end - 1 are all that queries i0 .. i0 + n - 1 may see. */
static void seen(const struct kernel_attention *a, size_t i0, size_t n, size_t *begin, size_t *end)
{
	size_t right = a->causal ? 0 : a->right;

	*begin = a->left != UINT32_MAX && i0 > a->left ? i0 - a->left : 0;
	*end = right == UINT32_MAX || i0 + n + right > a->n_k ? a->n_k : i0 + n + right;
	if (*begin > *end)
		*begin = *end;
}

#endif
