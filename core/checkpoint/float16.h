/* SPDX-License-Identifier: Apache-2.0
 * core/checkpoint/float16.h - the two 16-bit float types: to float, exactly, and from it,
 * to the nearest.
 */
#ifndef TN_CHECKPOINT_FLOAT16_H
#define TN_CHECKPOINT_FLOAT16_H

#include <stdint.h>
#include <string.h>

static inline float float_of_bits(uint32_t bits)
{
	float f;

	memcpy(&f, &bits, sizeof(f));
	return f;
}

/** The upper half of a float. */
static inline float float_of_bf16(uint16_t bits)
{
	return float_of_bits((uint32_t)bits << 16);
}

/** IEEE 754 binary16: 1 sign, 5 exponent and 10 fraction bits. */
static inline float float_of_f16(uint16_t bits)
{
	uint32_t sign = (uint32_t)(bits & 0x8000) << 16;
	uint32_t exponent = bits >> 10 & 31, fraction = bits & 0x3ff;
	float f;

	if (exponent == 31)
		return float_of_bits(sign | 0x7f800000 | fraction << 13);
	if (exponent)
		return float_of_bits(sign | (exponent + 112) << 23 | fraction << 13);
	f = (float)fraction * 0x1p-24f;		/* zero and subnormal */
	return sign ? -f : f;
}

static inline uint32_t bits_of_float(float f)
{
	uint32_t bits;

	memcpy(&bits, &f, sizeof(bits));
	return bits;
}

/** The nearest, ties to even; what is too large becomes infinite. */
static inline uint16_t bf16_of_float(float f)
{
	uint32_t bits = bits_of_float(f);

	if ((bits & 0x7fffffff) > 0x7f800000)
		return (uint16_t)(bits >> 16 | 0x40);
	return (uint16_t)((bits + 0x7fff + (bits >> 16 & 1)) >> 16);
}

/** The nearest, ties to even; what is too large becomes infinite. */
static inline uint16_t f16_of_float(float f)
{
	uint32_t bits = bits_of_float(f), sign = bits >> 16 & 0x8000, rest = bits & 0x7fffffff;

	if (rest > 0x7f800000)
		return (uint16_t)(sign | 0x7e00);
	if (rest >= 0x477ff000)			/* 65520: half way to what would follow */
		return (uint16_t)(sign | 0x7c00);
	if (rest < 0x38800000)			/* subnormal: added to 0.5, the sum is rounded to
						 * units of 2^-24 */
		return (uint16_t)(sign | (bits_of_float(float_of_bits(rest) + 0.5f) - 0x3f000000));
	return (uint16_t)(sign | (rest - 0x38000000 + 0xfff + (rest >> 13 & 1)) >> 13);
}

#endif
