/* SPDX-License-Identifier: Apache-2.0
 * backends/reference/attention_grad.c - the gradient of attention.
 * Source: Dao et al., arXiv 2205.14135, appendix B.2 (probabilities from the saved
 * log-sum-exp, and the sum over a row from dy and y).
 */
#include <math.h>

#include "attention.h"

/* Outputs of the step by name. */
struct grads {
	const struct tn_tensor *y, *lse, *dy;
	const struct tn_tensor *dq, *dk, *dv, *drel;
};

static void clear(const struct tn_tensor *t)
{
	for (size_t r = 0; r < t->dims[0]; r++)
		memset(ref_row(t, r), 0, tn_row_size(t) * sizeof(real));
}

static void add_scaled(real *y, double factor, const real *x, size_t n)
{
	for (size_t i = 0; i < n; i++)
		y[i] += (real)(factor * x[i]);
}

/* One query of one head:
 *   p_j = exp(score_j - lse), ds_j = p_j (dy . v_j - dy . y)
 *   dv_j += p_j dy, dq += scale ds_j k_j, dk_j += scale ds_j q, drel += ds_j */
static void query_grad(const struct ref_attention *a, const struct grads *g,
	const struct ref_head *head, size_t i)
{
	size_t size = a->attr->head_size, r = head->q_first + i, begin, end;
	size_t column = head->h * size, kv_column = head->kv_h * size;
	const real *dy = ref_row(g->dy, r) + column;
	double lse = ref_row(g->lse, r)[head->h];
	double row = ref_dot(dy, ref_row(g->y, r) + column, size);

	ref_visible(a->attr, head->past + i, head->n_kv, &begin, &end);
	for (size_t j = begin; j < end; j++) {
		double p = exp(ref_score(a, head, i, j) - lse);
		double ds = p * (ref_dot(dy, ref_v(a, head, j), size) - row);
		double scaled = ds * a->attr->scale;
		size_t kv_r = head->kv_first + j;

		add_scaled(ref_row(g->dv, kv_r) + kv_column, p, dy, size);
		add_scaled(ref_row(g->dq, r) + column, scaled, ref_k(a, head, j), size);
		add_scaled(ref_row(g->dk, kv_r) + kv_column, scaled, ref_q(a, head, i), size);
		if (g->drel)
			ref_row(g->drel, ref_distance_row((int64_t)j - (int64_t)i,
				a->attr->span))[head->h] += (real)ds;
	}
}

/* q, k, v, y, lse [Rq][Hq], dy, bias -> dq, dk, dv, and with TN_BIAS_REL drel.  Each
 * thread owns whole key heads, so sums have one order. */
int REF(attention_grad)(const struct tn_step *step, struct tn_call *call)
{
	struct ref_attention a = {
		.attr = &step->node->attr.attention,
		.q_axis = step->axis, .kv_axis = step->kv_axis ? step->kv_axis : step->axis,
		.q = &step->in[0], .k = &step->in[1], .v = &step->in[2], .bias = &step->in[6],
	};
	struct grads g = {
		.y = &step->in[3], .lse = &step->in[4], .dy = &step->in[5],
		.dq = &step->out[0], .dk = &step->out[1], .dv = &step->out[2],
		.drel = a.attr->bias == TN_BIAS_REL && step->node->n_out > 3 ?
			&step->out[3] : NULL,
	};
	size_t group = a.attr->heads / a.attr->kv_heads;

	clear(g.dq);
	clear(g.dk);
	clear(g.dv);
	if (g.drel)
		clear(g.drel);
#pragma omp parallel for if (ref_big(20 * a.q->dims[0] * a.q->dims[1]))
	for (size_t kv_h = 0; kv_h < a.attr->kv_heads; kv_h++)
		for (size_t h = kv_h * group; h < (kv_h + 1) * group; h++)
			for (size_t s = 0; s < a.q_axis->seqs; s++) {
				struct ref_head head = ref_head_of(&a, s, h);

				for (size_t i = 0; i < head.n_q; i++)
					query_grad(&a, &g, &head, i);
			}
	return 0;
}
