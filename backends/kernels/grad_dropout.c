/* SPDX-License-Identifier: Apache-2.0
 * kernels/grad_dropout.c - dropout by random words from a counter, LANES counters at once.
 *
 * Element e of the rows, counted row after row, has word e % 4 of counter e / 4, whoever
 * asks for it.
 */
#include "isa.h"
#include "philox.h"

#define BLOCK (4 * LANES)	/* elements of LANES counters */

/* What BLOCK elements are multiplied by. */
static void make_factors(float *factors, uint64_t block, uint64_t key, struct drop drop)
{
	vu words[4] = { vcount((uint32_t)(block * LANES)), vset_u((uint32_t)(block * LANES >> 32)),
		vset_u(0), vset_u(0) };
	float by_word[BLOCK];

	vphilox(words, key);
	for (int i = 0; i < 4; i++)
		vstore(by_word + i * LANES, vdrop(words[i], drop));
	transpose(factors, 4, by_word, LANES, 4, LANES, 1.0f);
}

void KERNEL_SYMBOL(grad_dropout)(struct kernel_rows y, struct kernel_rows x, double rate,
	uint64_t key, size_t first, size_t rows, size_t cols)
{
	const struct drop drop = drop_at(rate);
	uint64_t made = UINT64_MAX;
	float factors[BLOCK];

	for (size_t r = 0; r < rows; r++) {
		const float *from = x.at + r * x.stride;
		float *to = y.at + r * y.stride;

		for (size_t c = 0, n; c < cols; c += n) {
			const uint64_t e = (uint64_t)(first + r) * cols + c;
			const size_t at = e % BLOCK, left = cols - c;

			if (e / BLOCK != made) {
				made = e / BLOCK;
				make_factors(factors, made, key, drop);
			}
			n = BLOCK - at < left ? BLOCK - at : left;
			for (size_t i = 0; i < n; i++)
				to[c + i] = from[c + i] * factors[at + i];
		}
	}
}
