/* SPDX-License-Identifier: Apache-2.0
 * core/tensor/quantize.c - rows in eight bits, numbers in sixteen.
 */
#include <string.h>
#include <tenon/impl/op.h>

/* The largest magnitude; a NaN is larger than all, as its bits are. */
static float magnitude(const float *x, size_t n)
{
	int32_t most = 0;
	float of;

	for (size_t i = 0; i < n; i++) {
		int32_t bits;

		memcpy(&bits, &x[i], sizeof(bits));
		bits &= 0x7fffffff;
		most = bits > most ? bits : most;
	}
	memcpy(&of, &most, sizeof(of));
	return of;
}

void tn_quantize_row(const float *x, size_t n, int8_t *q, float *scale)
{
	const float most = magnitude(x, n), by = most > 0 ? 127.0f / most : 0.0f;
	const float magic = 12582912.0f;	/* 1.5 * 2^23: the sum is rounded half to even */

	*scale = most / 127.0f;
	for (size_t i = 0; i < n; i++) {
		float sum = x[i] * by + magic;
		int32_t bits;

		memcpy(&bits, &sum, sizeof(bits));
		q[i] = (int8_t)(bits - 0x4b400000);
	}
}

void tn_round_bf16(const float *x, size_t n, uint16_t *to)
{
	for (size_t i = 0; i < n; i++) {
		uint32_t bits;

		memcpy(&bits, &x[i], sizeof(bits));
		/* Rounding a NaN up could end at zero; its quiet bit keeps it one. */
		if ((bits & 0x7fffffff) > 0x7f800000)
			bits |= 0x400000;
		else
			bits += 0x7fff + (bits >> 16 & 1);
		to[i] = (uint16_t)(bits >> 16);
	}
}
