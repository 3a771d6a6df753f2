/* SPDX-License-Identifier: Apache-2.0
 * backends/reference/act.c - activations and their derivatives, in double.
 * Source: for GELU and its tanh form Hendrycks and Gimpel, arXiv 1606.08415,
 * section 2; SiLU is there too, with the logistic function.
 */
#include "act.h"

#include <math.h>
#include <tenon/impl/op.h>

#define SQRT_1_2 0.70710678118654752440		/* sqrt(1/2) */
#define SQRT_2_PI 0.79788456080286535588	/* sqrt(2/pi) */
#define GELU_CUBIC 0.044715

static double sigmoid(double x)
{
	return 1 / (1 + exp(-x));
}

static double gelu_tanh_inner(double x)
{
	return SQRT_2_PI * (x + GELU_CUBIC * x * x * x);
}

double ref_act_value(uint32_t kind, double x)
{
	switch (kind) {
	case TN_ACT_GELU:
		return x / 2 * (1 + erf(x * SQRT_1_2));
	case TN_ACT_GELU_TANH:
		return x / 2 * (1 + tanh(gelu_tanh_inner(x)));
	case TN_ACT_RELU:
		return x < 0 ? 0 : x;
	case TN_ACT_SILU:
		return x * sigmoid(x);
	case TN_ACT_TANH:
		return tanh(x);
	case TN_ACT_SIGMOID:
		return sigmoid(x);
	default:
		return x;
	}
}

/* gelu'(x) = Phi(x) + x phi(x), the normal distribution and its density. */
static double gelu_slope(double x)
{
	return (1 + erf(x * SQRT_1_2)) / 2 + x * exp(-x * x / 2) * SQRT_2_PI / 2;
}

static double gelu_tanh_slope(double x)
{
	double t = tanh(gelu_tanh_inner(x));

	return (1 + t) / 2 + x / 2 * (1 - t * t) * SQRT_2_PI * (1 + 3 * GELU_CUBIC * x * x);
}

double ref_act_slope(uint32_t kind, double x)
{
	double y;

	switch (kind) {
	case TN_ACT_GELU:
		return gelu_slope(x);
	case TN_ACT_GELU_TANH:
		return gelu_tanh_slope(x);
	case TN_ACT_RELU:
		return x > 0;
	case TN_ACT_SILU:
		y = sigmoid(x);
		return y * (1 + x * (1 - y));
	case TN_ACT_TANH:
		y = tanh(x);
		return 1 - y * y;
	case TN_ACT_SIGMOID:
		y = sigmoid(x);
		return y * (1 - y);
	default:
		return 1;
	}
}
