/* SPDX-License-Identifier: Apache-2.0
 * backends/reference/cast.c - casts between F64, F32, F16 and BF16, rounding to the
 * nearest, ties to even; F64 goes to the short types by way of F32.
 */
#include <math.h>

#include "ops.h"

static uint32_t bits_of(float x)
{
	uint32_t bits;

	memcpy(&bits, &x, sizeof(bits));
	return bits;
}

static float float_of(uint32_t bits)
{
	float x;

	memcpy(&x, &bits, sizeof(x));
	return x;
}

/* BF16 is the upper half of F32. */
static uint16_t bf16_of(float x)
{
	uint32_t bits = bits_of(x);

	if (isnan(x))
		return (uint16_t)(bits >> 16 | 0x40);
	return (uint16_t)((bits + 0x7fff + (bits >> 16 & 1)) >> 16);
}

static float bf16_to_float(uint16_t h)
{
	return float_of((uint32_t)h << 16);
}

static float f16_to_float(uint16_t h)
{
	uint32_t sign = (uint32_t)(h & 0x8000) << 16, exponent = h >> 10 & 0x1f;
	uint32_t fraction = h & 0x3ff;
	float small;

	if (exponent == 0x1f)
		return float_of(sign | 0x7f800000u | fraction << 13);
	if (exponent)
		return float_of(sign | (exponent + 112) << 23 | fraction << 13);
	small = (float)fraction * 0x1p-24f;
	return float_of(sign | bits_of(small));
}

/* Small numbers: multiples of 2^-24 are what a subnormal can be, and adding 0.5,
 * whose last bit is worth that, rounds to one.  Others: the exponent moves by 112
 * and the fraction loses 13 bits. */
static uint16_t f16_of(float x)
{
	uint32_t bits = bits_of(x), sign = bits >> 16 & 0x8000;

	bits &= 0x7fffffff;
	if (bits > 0x7f800000)
		return (uint16_t)(sign | 0x7e00);
	if (bits >= 0x47800000)
		return (uint16_t)(sign | 0x7c00);
	if (bits < 0x38800000)
		return (uint16_t)(sign | (bits_of(float_of(bits) + 0.5f) - bits_of(0.5f)));
	bits += 0xfff + (bits >> 13 & 1);
	return (uint16_t)(sign | (bits - (112u << 23)) >> 13);
}

static double load(const struct tn_tensor *t, size_t i)
{
	const char *data = tn_host_data(t);

	switch (t->dtype) {
	case TN_F64:
		return ((const double *)data)[i];
	case TN_F16:
		return f16_to_float(((const uint16_t *)data)[i]);
	case TN_BF16:
		return bf16_to_float(((const uint16_t *)data)[i]);
	default:
		return ((const float *)data)[i];
	}
}

static void store(const struct tn_tensor *t, size_t i, double x)
{
	char *data = tn_host_data(t);

	switch (t->dtype) {
	case TN_F64:
		((double *)data)[i] = x;
		break;
	case TN_F16:
		((uint16_t *)data)[i] = f16_of((float)x);
		break;
	case TN_BF16:
		((uint16_t *)data)[i] = bf16_of((float)x);
		break;
	default:
		((float *)data)[i] = (float)x;
	}
}

/* x -> y, the same values in y's type */
int ref_cast(const struct tn_step *step, struct tn_call *call)
{
	const struct tn_tensor *x = &step->in[0], *y = &step->out[0];
	size_t cols = tn_row_size(x);

	for (size_t r = 0; r < x->dims[0]; r++)
		for (size_t c = 0; c < cols; c++)
			store(y, r * y->row_stride + c, load(x, r * x->row_stride + c));
	return 0;
}
