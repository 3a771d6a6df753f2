/* SPDX-License-Identifier: Apache-2.0
 * core/checkpoint/float16.h - the two 16-bit float types to float, exactly.
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

#endif
