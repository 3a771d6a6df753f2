/* SPDX-License-Identifier: Apache-2.0
 * kernels/grad_rows.c - gradients of what goes over rows, and the optimizer.
 */
#include <math.h>
#include <tenon/impl/op.h>

#include "isa.h"
#include "vec.h"

#define ROW(m, r) ((m).at + (r) * (m).stride)
#define SQRT_2_PI 0.797884561f		/* sqrt(2/pi) */
#define GELU_CUBIC 0.044715f

/* Phi(x) + x phi(x), the normal distribution and its density. */
VEC_INLINE vf gelu_slope(vf x)
{
	vf tail = vgelu_tail(x), one = vset(1.0f);
	vf density = vexp(x * x * vset(-0.5f)) * vset(SQRT_2_PI / 2);

	return vfma(x, density, vselect(x > vset(0.0f), one - tail, tail));
}

/* With u = sqrt(2/pi) (x + 0.044715 x^3) and s the logistic function of 2 u, which is
 * (1 + tanh u) / 2: s + 2 x s (1 - s) u'. */
VEC_INLINE vf gelu_tanh_slope(vf x)
{
	const vf c = vset(SQRT_2_PI), cubic = vset(GELU_CUBIC);
	vf square = x * x, s = vsigmoid(vset(2.0f) * c * x * vfma(cubic, square, vset(1.0f)));
	vf slope = c * vfma(vset(3.0f) * cubic, square, vset(1.0f));

	return vfma(vset(2.0f) * x * s, (vset(1.0f) - s) * slope, s);
}

VEC_INLINE vf slope_of(int kind, vf x)
{
	const vf one = vset(1.0f);
	vf y;

	switch (kind) {
	case TN_ACT_GELU:
		return gelu_slope(x);
	case TN_ACT_GELU_TANH:
		return gelu_tanh_slope(x);
	case TN_ACT_RELU:
		return vselect(x > vset(0.0f), one, vset(0.0f));
	case TN_ACT_SILU:
		y = vsigmoid(x);
		return y * vfma(x, one - y, one);
	case TN_ACT_TANH:
		y = vtanh(x);
		return one - y * y;
	case TN_ACT_SIGMOID:
		y = vsigmoid(x);
		return y * (one - y);
	default:
		return one;
	}
}

VEC_INLINE void act_row(int kind, float *dx, const float *x, const float *dy, size_t cols)
{
	size_t c = 0;

	for (; c + LANES <= cols; c += LANES)
		vstore(dx + c, slope_of(kind, vload(x + c)) * vload(dy + c));
	if (c < cols) {
		size_t n = cols - c;

		vstore_n(dx + c, slope_of(kind, vload_n(x + c, n)) * vload_n(dy + c, n), n);
	}
}

static void act(int kind, struct kernel_rows dx, struct kernel_rows x, struct kernel_rows dy,
	size_t rows, size_t cols)
{
	for (size_t r = 0; r < rows; r++)
		WITH_KIND(kind, act_row, ROW(dx, r), ROW(x, r), ROW(dy, r), cols);
}

/* With n = (x - mean) rstd and g = dy weight: dx = rstd (g - mean of g - n mean of (g n)). */
static void norm_row(float *dx, const float *x, const float *dy, const float *weight, float mean,
	float rstd, int centred, size_t cols)
{
	const vf m = vset(mean), k = vset(rstd);
	vf sum = vset(0.0f), sum_n = vset(0.0f);
	double tail = 0, tail_n = 0;
	size_t c = 0;

	for (; c + LANES <= cols; c += LANES) {
		vf g = vload(dy + c) * vload(weight + c);

		sum += g;
		sum_n = vfma(g, (vload(x + c) - m) * k, sum_n);
	}
	for (; c < cols; c++) {
		double g = (double)dy[c] * (double)weight[c];

		tail += g;
		tail_n += g * ((double)x[c] - (double)mean) * (double)rstd;
	}
	sum = vset(centred ? (float)((vsum(sum) + tail) / (double)cols) : 0.0f);
	sum_n = vset((float)((vsum(sum_n) + tail_n) / (double)cols));
	for (c = 0; c + LANES <= cols; c += LANES) {
		vf g = vload(dy + c) * vload(weight + c);

		vstore(dx + c, k * (g - vfma((vload(x + c) - m) * k, sum_n, sum)));
	}
	if (c < cols) {
		size_t n = cols - c;
		vf g = vload_n(dy + c, n) * vload_n(weight + c, n);

		vstore_n(dx + c, k * (g - vfma((vload_n(x + c, n) - m) * k, sum_n, sum)), n);
	}
}

static void norm(struct kernel_rows dx, struct kernel_rows x, struct kernel_rows dy,
	const float *weight, const float *mean, const float *rstd, size_t rows, size_t cols)
{
	for (size_t r = 0; r < rows; r++)
		norm_row(ROW(dx, r), ROW(x, r), ROW(dy, r), weight, mean ? mean[r] : 0.0f, rstd[r],
			mean != NULL, cols);
}

/* Columns of a row whose sum is made in float; a multiple of LANES. */
#define STRIP 1024

/* Rows that are summed before their sum is added to that of all. */
#define TOGETHER 8

VEC_INLINE void add_to(float *sum, vf x, size_t n)
{
	if (n == LANES)
		vstore(sum, vload(sum) + x);
	else
		vstore_n(sum, vload_n(sum, n) + x, n);
}

/* What up to TOGETHER rows add to columns c .. c + n. */
VEC_INLINE void norm_weights_of(float *dweight, float *dbias, struct kernel_rows x,
	struct kernel_rows dy, const float *mean, const float *rstd, size_t rows, size_t c,
	size_t n)
{
	vf w = vset(0.0f), b = vset(0.0f);

	for (size_t r = 0; r < rows; r++) {
		vf d = n == LANES ? vload(ROW(dy, r) + c) : vload_n(ROW(dy, r) + c, n);
		vf v = n == LANES ? vload(ROW(x, r) + c) : vload_n(ROW(x, r) + c, n);

		if (mean)
			v -= vset(mean[r]);
		w = vfma(v * vset(rstd[r]), d, w);
		b += d;
	}
	add_to(dweight + c, w, n);
	if (dbias)
		add_to(dbias + c, b, n);
}

static void norm_weights(float *dweight, float *dbias, struct kernel_rows x,
	struct kernel_rows dy, const float *mean, const float *rstd, size_t rows, size_t cols)
{
	memset(dweight, 0, cols * sizeof(*dweight));
	if (dbias)
		memset(dbias, 0, cols * sizeof(*dbias));
	for (size_t r = 0; r < rows; r += TOGETHER) {
		const size_t n = rows - r < TOGETHER ? rows - r : TOGETHER;
		const struct kernel_rows xs = { ROW(x, r), x.stride }, ds = { ROW(dy, r), dy.stride };
		const float *m = mean ? mean + r : NULL;
		size_t c = 0;

		for (; c + LANES <= cols; c += LANES)
			norm_weights_of(dweight, dbias, xs, ds, m, rstd + r, n, c, LANES);
		if (c < cols)
			norm_weights_of(dweight, dbias, xs, ds, m, rstd + r, n, c, cols - c);
	}
}

static void sum_rows(float *y, struct kernel_rows x, float by, size_t rows, size_t cols)
{
	memset(y, 0, cols * sizeof(*y));
	for (size_t r = 0; r < rows; r += TOGETHER) {
		const size_t n = rows - r < TOGETHER ? rows - r : TOGETHER;
		const float *at = ROW(x, r);

		for (size_t c = 0; c < cols; c += LANES) {
			const size_t left = cols - c < LANES ? cols - c : LANES;
			vf s = vset(0.0f);

			for (size_t i = 0; i < n; i++)
				s += left == LANES ? vload(at + i * x.stride + c) :
					vload_n(at + i * x.stride + c, left);
			add_to(y + c, s, left);
		}
	}
	for (size_t c = 0; by != 1.0f && c < cols; c++)
		y[c] *= by;
}

/* dx = y (dy - sum of dy y); of the logarithm dx = dy - exp(y) sum of dy. */
static void softmax(int log, struct kernel_rows dx, struct kernel_rows y, struct kernel_rows dy,
	size_t rows, size_t cols)
{
	for (size_t r = 0; r < rows; r++) {
		const float *out = ROW(y, r), *grad = ROW(dy, r);
		vf s = vset(0.0f), sum;

		for (size_t c = 0; c < cols; c += LANES) {
			const size_t n = cols - c < LANES ? cols - c : LANES;
			vf d = vload_n(grad + c, n);

			s = log ? s + d : vfma(d, vload_n(out + c, n), s);
		}
		sum = vset((float)vsum(s));
		for (size_t c = 0; c < cols; c += LANES) {
			const size_t n = cols - c < LANES ? cols - c : LANES;
			vf d = vload_n(grad + c, n), p = vload_n(out + c, n);

			vstore_n(ROW(dx, r) + c, log ? d - vexp(p) * sum : p * (d - sum), n);
		}
	}
}

static double log_sum_exp(const float *x, size_t cols)
{
	vf most = vset(-INFINITY), s;
	double sum = 0;
	float top;
	size_t c = 0;

	for (; c + LANES <= cols; c += LANES)
		most = vmax(most, vload(x + c));
	top = vgreatest(most);
	for (; c < cols; c++)
		top = top > x[c] ? top : x[c];
	most = vset(top);
	c = 0;
	while (c + LANES <= cols) {
		const size_t end = cols - c < STRIP ? cols : c + STRIP;

		for (s = vset(0.0f); c + LANES <= end; c += LANES)
			s += vexp(vload(x + c) - most);
		sum += vsum(s);
	}
	s = c < cols ? vexp(vload_n(x + c, cols - c) - most) : vset(0.0f);
	for (size_t i = 0; i < cols - c; i++)
		sum += (double)s[i];
	return (double)top + log(sum);
}

static void probabilities(float *dx, const float *x, float lse, float by, size_t cols)
{
	const vf shift = vset(lse), k = vset(by);
	size_t c = 0;

	for (; c + LANES <= cols; c += LANES)
		vstore(dx + c, k * vexp(vload(x + c) - shift));
	if (c < cols)
		vstore_n(dx + c, k * vexp(vload_n(x + c, cols - c) - shift), cols - c);
}

static double sum_squares(const float *x, size_t n)
{
	double sum = 0;
	size_t i = 0;

	while (i + 4 * LANES <= n) {
		vf s[4] = { vset(0.0f), vset(0.0f), vset(0.0f), vset(0.0f) };
		const size_t end = n - i < 4096 ? n - 4 * LANES + 1 : i + 4096 - 4 * LANES + 1;

		for (; i < end; i += 4 * LANES)
			for (int k = 0; k < 4; k++) {
				vf v = vload(x + i + (size_t)k * LANES);

				s[k] = vfma(v, v, s[k]);
			}
		sum += vsum((s[0] + s[1]) + (s[2] + s[3]));
	}
	for (; i < n; i++)
		sum += (double)x[i] * (double)x[i];
	return sum;
}

/* Lanes of a step of AdamW, in place. */
VEC_INLINE void adamw_of(const struct grad_adamw *a, vf *p, vf dp, vf *m, vf *v)
{
	vf g = dp * vset(a->factor);

	*m = vfma(vset(a->keep_m), *m, vset(a->new_m) * g);
	*v = vfma(vset(a->keep_v), *v, vset(a->new_v) * g * g);
	*p -= vfma(vset(a->decay), *p, vset(a->by_m) * *m /
		vfma(vsqrt(*v), vset(a->by_v), vset(a->eps)));
}

static void adamw(const struct grad_adamw *a, float *const *out, const float *p, const float *dp,
	const float *m, const float *v, size_t n)
{
	size_t i = 0;
	vf x[3];

	for (; i + LANES <= n; i += LANES) {
		x[0] = vload(p + i);
		x[1] = vload(m + i);
		x[2] = vload(v + i);
		adamw_of(a, &x[0], vload(dp + i), &x[1], &x[2]);
		for (int k = 0; k < 3; k++)
			vstore(out[k] + i, x[k]);
	}
	if (i == n)
		return;
	x[0] = vload_n(p + i, n - i);
	x[1] = vload_n(m + i, n - i);
	x[2] = vload_n(v + i, n - i);
	adamw_of(a, &x[0], vload_n(dp + i, n - i), &x[1], &x[2]);
	for (int k = 0; k < 3; k++)
		vstore_n(out[k] + i, x[k], n - i);
}

const struct grad_kernels KERNEL_SYMBOL(grad) = {
	.act = act,
	.norm = norm,
	.norm_weights = norm_weights,
	.softmax = softmax,
	.sum_rows = sum_rows,
	.log_sum_exp = log_sum_exp,
	.probabilities = probabilities,
	.sum_squares = sum_squares,
	.adamw = adamw,
	.dropout = KERNEL_SYMBOL(grad_dropout),
	.attention = KERNEL_SYMBOL(grad_attention),
	.attention_work = KERNEL_SYMBOL(grad_attention_work),
};
