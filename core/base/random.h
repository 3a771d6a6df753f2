/* SPDX-License-Identifier: Apache-2.0
 * core/base/random.h - numbers that look random and depend on a seed alone.
 *
 * Source: Steele, Lea and Flood 2014, Fast Splittable Pseudorandom Number Generators, figure
 * 15 (SplitMix64).
 */
#ifndef TN_BASE_RANDOM_H
#define TN_BASE_RANDOM_H

#include <stdint.h>

/** 64 bits that depend on all bits of x. */
static inline uint64_t tn_mix(uint64_t x)
{
	x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9u;
	x = (x ^ x >> 27) * 0x94d049bb133111ebu;
	return x ^ x >> 31;
}

/** The next word of the generator with this state, which any seed begins. */
static inline uint64_t tn_random(uint64_t *state)
{
	return tn_mix(*state += 0x9e3779b97f4a7c15u);
}

/** A number below n, which is not 0; the bias is below n / 2^64. */
static inline uint64_t tn_random_below(uint64_t *state, uint64_t n)
{
	return (uint64_t)((unsigned __int128)tn_random(state) * n >> 64);
}

#endif
