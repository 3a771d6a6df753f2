/* SPDX-License-Identifier: Apache-2.0
 * backends/reference/philox.h - random words from a counter, with no state.
 */
#ifndef REF_PHILOX_H
#define REF_PHILOX_H

#include <stdint.h>

struct ref_philox {
	uint32_t v[4];
};

/** Philox4x32-10 of the counter (a, b, c, 0).
 *  Source: Salmon et al., Parallel random numbers: as easy as 1, 2, 3 (SC 2011),
 *  section 3.3. */
static inline struct ref_philox ref_philox(uint32_t a, uint32_t b, uint32_t c, uint64_t key)
{
	uint32_t d = 0;
	uint32_t k0 = (uint32_t)key, k1 = (uint32_t)(key >> 32);

	for (int round = 0; round < 10; round++) {
		uint64_t p = (uint64_t)0xd2511f53u * a, q = (uint64_t)0xcd9e8d57u * c;

		a = (uint32_t)(q >> 32) ^ b ^ k0;
		b = (uint32_t)q;
		c = (uint32_t)(p >> 32) ^ d ^ k1;
		d = (uint32_t)p;
		k0 += 0x9e3779b9u;
		k1 += 0xbb67ae85u;
	}
	return (struct ref_philox){ { a, b, c, d } };
}

#endif
