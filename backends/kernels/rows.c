/* SPDX-License-Identifier: Apache-2.0
 * kernels/rows.c - activations, norms, softmax and the like over rows of floats.
 */
#include <math.h>
#include <tenon/impl/op.h>

#include "isa.h"
#include "vec.h"

#define ROW(m, r) ((m).at + (r) * (m).stride)

VEC_INLINE vf act_of(int kind, vf x)
{
	switch (kind) {
	case TN_ACT_GELU:
		return vgelu(x);
	case TN_ACT_GELU_TANH:
		return vgelu_tanh(x);
	case TN_ACT_RELU:
		return vmax(vset(0.0f), x);
	case TN_ACT_SILU:
		return x * vsigmoid(x);
	case TN_ACT_TANH:
		return vtanh(x);
	case TN_ACT_SIGMOID:
		return vsigmoid(x);
	default:
		return x;
	}
}

VEC_INLINE void act_row(int kind, float *y, const float *x, size_t cols)
{
	size_t c = 0;

	for (; c + LANES <= cols; c += LANES)
		vstore(y + c, act_of(kind, vload(x + c)));
	if (c < cols)
		vstore_n(y + c, act_of(kind, vload_n(x + c, cols - c)), cols - c);
}

static void act(int kind, struct kernel_rows y, struct kernel_rows x, size_t rows, size_t cols)
{
	for (size_t r = 0; r < rows; r++)
		WITH_KIND(kind, act_row, ROW(y, r), ROW(x, r), cols);
}

VEC_INLINE void glu_row(int kind, float *y, const float *x, size_t cols)
{
	size_t c = 0;

	for (; c + LANES <= cols; c += LANES)
		vstore(y + c, act_of(kind, vload(x + c)) * vload(x + cols + c));
	if (c < cols) {
		size_t n = cols - c;

		vstore_n(y + c, act_of(kind, vload_n(x + c, n)) * vload_n(x + cols + c, n), n);
	}
}

static void glu(int kind, struct kernel_rows y, struct kernel_rows x, size_t rows, size_t cols)
{
	for (size_t r = 0; r < rows; r++)
		WITH_KIND(kind, glu_row, ROW(y, r), ROW(x, r), cols);
}

VEC_INLINE void finish_row(int kind, float *y, const float *x, const float *bias,
	const float *residual, size_t cols)
{
	size_t c = 0;

	for (; c + LANES <= cols; c += LANES) {
		vf v = vload(x + c);

		if (bias)
			v += vload(bias + c);
		v = act_of(kind, v);
		vstore(y + c, residual ? v + vload(residual + c) : v);
	}
	if (c < cols) {
		size_t n = cols - c;
		vf v = vload_n(x + c, n);

		if (bias)
			v += vload_n(bias + c, n);
		v = act_of(kind, v);
		vstore_n(y + c, residual ? v + vload_n(residual + c, n) : v, n);
	}
}

void KERNEL_SYMBOL(finish)(int kind, struct kernel_rows y, struct kernel_rows x,
	const float *bias, struct kernel_rows residual, size_t rows, size_t cols)
{
	for (size_t r = 0; r < rows; r++)
		WITH_KIND(kind, finish_row, ROW(y, r), ROW(x, r), bias,
			residual.at ? ROW(residual, r) : NULL, cols);
}

static void add(struct kernel_rows y, struct kernel_rows a, struct kernel_rows b, size_t rows,
	size_t cols)
{
	for (size_t r = 0; r < rows; r++) {
		const float *p = ROW(a, r), *q = ROW(b, r);
		float *out = ROW(y, r);
		size_t c = 0;

		for (; c + LANES <= cols; c += LANES)
			vstore(out + c, vload(p + c) + vload(q + c));
		for (; c < cols; c++)
			out[c] = p[c] + q[c];
	}
}

static void mul(struct kernel_rows y, struct kernel_rows a, struct kernel_rows b, size_t rows,
	size_t cols)
{
	for (size_t r = 0; r < rows; r++) {
		const float *p = ROW(a, r), *q = ROW(b, r);
		float *out = ROW(y, r);
		size_t c = 0;

		for (; c + LANES <= cols; c += LANES)
			vstore(out + c, vload(p + c) * vload(q + c));
		for (; c < cols; c++)
			out[c] = p[c] * q[c];
	}
}

static void scale(struct kernel_rows y, struct kernel_rows x, float by, float plus, size_t rows,
	size_t cols)
{
	for (size_t r = 0; r < rows; r++) {
		const float *p = ROW(x, r);
		float *out = ROW(y, r);
		size_t c = 0;

		for (; c + LANES <= cols; c += LANES)
			vstore(out + c, vfma(vload(p + c), vset(by), vset(plus)));
		if (c < cols)
			vstore_n(out + c, vfma(vload_n(p + c, cols - c), vset(by), vset(plus)),
				cols - c);
	}
}

/* The sum of (x - shift)^2 over a row. */
VEC_INLINE double squares(const float *x, float shift, size_t cols)
{
	vf s0 = vset(0.0f), s1 = vset(0.0f), m = vset(shift);
	double tail = 0;
	size_t c = 0;

	for (; c + 2 * LANES <= cols; c += 2 * LANES) {
		vf d0 = vload(x + c) - m, d1 = vload(x + c + LANES) - m;

		s0 = vfma(d0, d0, s0);
		s1 = vfma(d1, d1, s1);
	}
	for (; c < cols; c++)
		tail += ((double)x[c] - (double)shift) * ((double)x[c] - (double)shift);
	return vsum(s0 + s1) + tail;
}

/* u = x + x2 (or x), and the sum of u - shift: a shift amid the values keeps the sum
 * small, so that float carries it. */
VEC_INLINE double sum_row(float *u, const float *x, const float *x2, float shift, size_t cols)
{
	vf s0 = vset(0.0f), s1 = vset(0.0f), m = vset(shift);
	double tail = 0;
	size_t c = 0;

	for (; c + 2 * LANES <= cols; c += 2 * LANES) {
		vf a = vload(x + c), b = vload(x + c + LANES);

		if (x2) {
			a += vload(x2 + c);
			b += vload(x2 + c + LANES);
			vstore(u + c, a);
			vstore(u + c + LANES, b);
		}
		s0 += a - m;
		s1 += b - m;
	}
	for (; c < cols; c++) {
		float a = x[c];

		if (x2)
			u[c] = a += x2[c];
		tail += (double)a - (double)shift;
	}
	return vsum(s0 + s1) + tail;
}

/* y = (x - mean) * rstd * weight + bias; bias may be absent.  The mean is taken off
 * in two parts: where the values lie close together its rounding would show. */
VEC_INLINE void norm_row(float *y, const float *x, double mean, float rstd, const float *weight,
	const float *bias, size_t cols)
{
	vf m = vset((float)mean), rest = vset((float)(mean - (double)(float)mean));
	vf k = vset(rstd);
	size_t c = 0;

	for (; c + LANES <= cols; c += LANES) {
		vf v = (vload(x + c) - m - rest) * k;
		vf w = vload(weight + c);

		vstore(y + c, bias ? vfma(v, w, vload(bias + c)) : v * w);
	}
	if (c < cols) {
		size_t n = cols - c;
		vf v = (vload_n(x + c, n) - m - rest) * k;
		vf w = vload_n(weight + c, n);

		vstore_n(y + c, bias ? vfma(v, w, vload_n(bias + c, n)) : v * w, n);
	}
}

static void layer_norm(struct kernel_rows y, struct kernel_rows x, struct kernel_rows x2,
	const float *weight, const float *bias, double eps, float *mean, float *rstd,
	size_t rows, size_t cols)
{
	for (size_t r = 0; r < rows; r++) {
		float *out = ROW(y, r);
		const float *u = x2.at ? out : ROW(x, r);
		float shift = x2.at ? ROW(x, r)[0] + ROW(x2, r)[0] : u[0];
		double sum = x2.at ? sum_row(out, ROW(x, r), ROW(x2, r), shift, cols) :
			sum_row(NULL, u, NULL, shift, cols);
		double m = (double)shift + sum / (double)cols;
		/* The float m is off by less than an ulp, which the sum of squares
		 * around it sees only as its square. */
		double k = 1 / sqrt(squares(u, (float)m, cols) / (double)cols + eps);

		norm_row(out, u, m, (float)k, weight, bias, cols);
		if (mean)
			mean[r] = (float)m;
		if (rstd)
			rstd[r] = (float)k;
	}
}

static void rms_norm(struct kernel_rows y, struct kernel_rows x, const float *weight, double eps,
	float *rstd, size_t rows, size_t cols)
{
	for (size_t r = 0; r < rows; r++) {
		double k = 1 / sqrt(squares(ROW(x, r), 0.0f, cols) / (double)cols + eps);

		norm_row(ROW(y, r), ROW(x, r), 0.0, (float)k, weight, NULL, cols);
		if (rstd)
			rstd[r] = (float)k;
	}
}

static void l2_norm(struct kernel_rows y, struct kernel_rows x, double eps, size_t rows,
	size_t cols)
{
	for (size_t r = 0; r < rows; r++) {
		struct kernel_rows in = { ROW(x, r), 0 }, out = { ROW(y, r), 0 };
		double norm = sqrt(squares(in.at, 0.0f, cols));

		scale(out, in, (float)(1 / (norm > eps ? norm : eps)), 0.0f, 1, cols);
	}
}

static float greatest(const float *x, size_t cols)
{
	vf m = vset(-INFINITY);
	float most;
	size_t c = 0;

	for (; c + LANES <= cols; c += LANES)
		m = vmax(m, vload(x + c));
	most = vgreatest(m);
	for (; c < cols; c++)
		most = most > x[c] ? most : x[c];
	return most;
}

/* y = e^(x - shift), and its sum. */
static double exp_row(float *y, const float *x, float shift, size_t cols)
{
	vf m = vset(shift), s = vset(0.0f);
	double tail = 0;
	size_t c = 0;

	for (; c + LANES <= cols; c += LANES) {
		vf e = vexp(vload(x + c) - m);

		vstore(y + c, e);
		s += e;
	}
	if (c < cols) {
		vf e = vexp(vload_n(x + c, cols - c) - m);

		vstore_n(y + c, e, cols - c);
		for (size_t i = 0; i < cols - c; i++)
			tail += (double)e[i];
	}
	return vsum(s) + tail;
}

static void softmax(int take_log, struct kernel_rows y, struct kernel_rows x, size_t rows,
	size_t cols)
{
	for (size_t r = 0; r < rows; r++) {
		struct kernel_rows in = { ROW(x, r), 0 }, out = { ROW(y, r), 0 };
		float most = greatest(in.at, cols);

		if (!take_log) {
			double sum = exp_row(out.at, in.at, most, cols);

			scale(out, out, (float)(1 / sum), 0.0f, 1, cols);
			continue;
		}
		/* The exponentials are only summed: a strip at a time. */
		double sum = 0;

		for (size_t c = 0; c < cols; c += 256) {
			float strip[256];

			sum += exp_row(strip, in.at + c, most, cols - c < 256 ? cols - c : 256);
		}
		scale(out, in, 1.0f, (float)(-(double)most - log(sum)), 1, cols);
	}
}

static void reduce_rows(int kind, float *y, struct kernel_rows x, size_t rows, size_t cols)
{
	struct kernel_rows out = { y, 0 };

	if (rows == 0) {
		memset(y, 0, cols * sizeof(*y));
		return;
	}
	memcpy(y, x.at, cols * sizeof(*y));
	for (size_t r = 1; r < rows; r++) {
		struct kernel_rows in = { ROW(x, r), 0 };
		size_t c = 0;

		if (kind != TN_MAX) {
			add(out, out, in, 1, cols);
			continue;
		}
		for (; c + LANES <= cols; c += LANES)
			vstore(y + c, vmax(vload(y + c), vload(in.at + c)));
		for (; c < cols; c++)
			y[c] = y[c] > in.at[c] ? y[c] : in.at[c];
	}
	if (kind == TN_MEAN)
		scale(out, out, 1.0f / (float)rows, 0.0f, 1, cols);
}

static void narrow(struct kernel_rows y, struct kernel_rows x, struct kernel_rows w,
	const float *bias, size_t rows, size_t cols, size_t outs)
{
	for (size_t r = 0; r < rows; r++) {
		const float *in = ROW(x, r);

		for (size_t o = 0; o < outs; o++) {
			const float *row = ROW(w, o);
			vf s0 = vset(0.0f), s1 = vset(0.0f);
			double sum = bias ? (double)bias[o] : 0;
			size_t c = 0;

			for (; c + 2 * LANES <= cols; c += 2 * LANES) {
				s0 = vfma(vload(in + c), vload(row + c), s0);
				s1 = vfma(vload(in + c + LANES), vload(row + c + LANES), s1);
			}
			for (; c < cols; c++)
				sum += (double)in[c] * (double)row[c];
			ROW(y, r)[o] = (float)(sum + vsum(s0 + s1));
		}
	}
}

const struct kernels KERNEL_TABLE = {
	.isa = KERNEL_NAME,
	.lanes = LANES,
	.act = act,
	.glu = glu,
	.finish = KERNEL_SYMBOL(finish),
	.add = add,
	.mul = mul,
	.scale = scale,
	.layer_norm = layer_norm,
	.rms_norm = rms_norm,
	.l2_norm = l2_norm,
	.softmax = softmax,
	.reduce_rows = reduce_rows,
	.narrow = narrow,
	.rope = KERNEL_SYMBOL(rope),
	.attention = KERNEL_SYMBOL(attention),
	.attention_work = KERNEL_SYMBOL(attention_work),
	.gemm = KERNEL_SYMBOL(gemm),
	.gemm_panel = GEMM_PANEL,
	.gemm_tile = GEMM_TILE,
	.round_pair = KERNEL_SYMBOL(round_pair),
	.grad = &KERNEL_SYMBOL(grad),
};
