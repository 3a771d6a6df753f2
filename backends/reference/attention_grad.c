/* SPDX-License-Identifier: Apache-2.0
 * backends/reference/attention_grad.c - the gradient of attention.
 * Source: Dao et al., arXiv 2205.14135, appendix B.2 (probabilities from the saved
 * log-sum-exp, and the sum over a row from dy and y).
 */
#include <math.h>

#include "attention.h"

/* Tensors of the step by name; those of the bias may be NULL. */
struct grads {
	const struct tn_tensor *y, *lse, *dy;
	const struct tn_tensor *dq, *dk, *dv, *drel;
	const struct tn_tensor *dc2p, *dp2c;
};

static void clear(const struct tn_tensor *t)
{
	for (size_t r = 0; t && r < t->dims[0]; r++)
		memset(ref_row(t, r), 0, tn_row_size(t) * sizeof(real));
}

static void add_scaled(real *y, double factor, const real *x, size_t n)
{
	for (size_t i = 0; i < n; i++)
		y[i] += (real)(factor * x[i]);
}

/* A pair of a query and a key: its probability p_j = exp(score_j - lse) times m_j, which is what
 * dropout made of 1, and the gradient of its score, ds_j = exp(score_j - lse) (m_j dy . v_j - dy . y),
 * `row` being dy . y. */
static double pair_grad(const struct ref_attention *a, const struct grads *g,
	const struct ref_head *head, size_t i, size_t j, double row, double *p)
{
	size_t r = head->q_first + i, size = a->attr->head_size;
	const real *dy = ref_row(g->dy, r) + head->h * size;
	const double whole = exp(ref_score(a, head, i, j) - (double)ref_row(g->lse, r)[head->h]);
	const double kept = ref_kept(a, head, i, j);

	*p = whole * kept;
	return whole * (kept * ref_dot(dy, ref_v(a, head, j), size) - row);
}

static double row_sum(const struct ref_attention *a, const struct grads *g,
	const struct ref_head *head, size_t i)
{
	size_t r = head->q_first + i, size = a->attr->head_size;

	return ref_dot(ref_row(g->dy, r) + head->h * size, ref_row(g->y, r) + head->h * size, size);
}

/* The row of the position tables that a pair reads. */
static size_t position_of(const struct ref_attention *a, const struct ref_head *head, size_t i,
	size_t j)
{
	return (size_t)*ref_index(&a->bias[2], ref_distance_row((int64_t)(head->past + i) -
		(int64_t)j, a->attr->span));
}

/* One query of one head:
 *   dv_j += p_j dy, dq += scale ds_j k_j, dk_j += scale ds_j q, drel += ds_j,
 * and with the position tables dq += scale ds_j c2p, dk_j += scale ds_j p2c. */
static void query_grad(const struct ref_attention *a, const struct grads *g,
	const struct ref_head *head, size_t i)
{
	size_t size = a->attr->head_size, r = head->q_first + i, begin, end;
	size_t column = head->h * size, kv_column = head->kv_h * size;
	double row = row_sum(a, g, head, i), p;
	real *dq = ref_row(g->dq, r) + column;

	ref_visible(a->attr, head->past + i, head->n_kv, &begin, &end);
	for (size_t j = begin; j < end; j++) {
		double ds = pair_grad(a, g, head, i, j, row, &p), scaled = ds * a->attr->scale;
		size_t kv_r = head->kv_first + j;
		real *dk = ref_row(g->dk, kv_r) + kv_column;

		add_scaled(ref_row(g->dv, kv_r) + kv_column, p, ref_row(g->dy, r) + column, size);
		add_scaled(dq, scaled, ref_k(a, head, j), size);
		add_scaled(dk, scaled, ref_q(a, head, i), size);
		if (g->drel)
			ref_row(g->drel, ref_distance_row((int64_t)j - (int64_t)i,
				a->attr->span))[head->h] += (real)ds;
		if (a->attr->bias != TN_BIAS_DISENTANGLED)
			continue;
		if (a->attr->c2p)
			add_scaled(dq, scaled, ref_row(&a->bias[0], position_of(a, head, i, j)) +
				column, size);
		if (a->attr->p2c)
			add_scaled(dk, scaled, ref_row(&a->bias[1], position_of(a, head, i, j)) +
				column, size);
	}
}

/* dc2p_p += scale ds_j q, dp2c_p += scale ds_j k_j, p the position of the pair. */
static void table_grad(const struct ref_attention *a, const struct grads *g,
	const struct ref_head *head, size_t i)
{
	size_t size = a->attr->head_size, column = head->h * size, begin, end;
	double row = row_sum(a, g, head, i), p;

	ref_visible(a->attr, head->past + i, head->n_kv, &begin, &end);
	for (size_t j = begin; j < end; j++) {
		double scaled = pair_grad(a, g, head, i, j, row, &p) * a->attr->scale;
		size_t position = position_of(a, head, i, j);

		if (g->dc2p)
			add_scaled(ref_row(g->dc2p, position) + column, scaled, ref_q(a, head, i),
				size);
		if (g->dp2c)
			add_scaled(ref_row(g->dp2c, position) + column, scaled, ref_k(a, head, j),
				size);
	}
}

/* Each thread owns whole key heads, so sums have one order. */
static void each_query(const struct ref_attention *a, const struct grads *g,
	void (*run)(const struct ref_attention *a, const struct grads *g,
		const struct ref_head *head, size_t i))
{
	size_t group = a->attr->heads / a->attr->kv_heads;

#pragma omp parallel for if (ref_big(20 * a->q->dims[0] * a->q->dims[1]))
	for (size_t kv_h = 0; kv_h < a->attr->kv_heads; kv_h++)
		for (size_t h = kv_h * group; h < (kv_h + 1) * group; h++)
			for (size_t s = 0; s < a->q_axis->seqs; s++) {
				struct ref_head head = ref_head_of(a, s, h);

				for (size_t i = 0; i < head.n_q; i++)
					run(a, g, &head, i);
			}
}

static struct ref_attention open_step(const struct tn_step *step, struct grads *g)
{
	g->y = &step->in[3];
	g->lse = &step->in[4];
	g->dy = &step->in[5];
	return (struct ref_attention){
		.attr = &step->node->attr.attention,
		.q_axis = step->axis, .kv_axis = step->kv_axis ? step->kv_axis : step->axis,
		.q = &step->in[0], .k = &step->in[1], .v = &step->in[2], .bias = &step->in[6],
	};
}

/* q, k, v, y, lse [Rq][Hq], dy, bias -> dq, dk, dv, and with TN_BIAS_REL drel. */
int REF(attention_grad)(const struct tn_step *step, struct tn_call *call)
{
	struct grads g = { .dq = &step->out[0], .dk = &step->out[1], .dv = &step->out[2] };
	struct ref_attention a = open_step(step, &g);

	if (REF(check_bias)(&a, step, call))
		return tn_status(call);
	if (a.attr->bias == TN_BIAS_REL && step->node->n_out > 3)
		g.drel = &step->out[3];
	clear(g.dq);
	clear(g.dk);
	clear(g.dv);
	clear(g.drel);
	each_query(&a, &g, query_grad);
	return 0;
}

/* The same -> dc2p, dp2c [P][Hq*D]. */
int REF(attention_bias_grad)(const struct tn_step *step, struct tn_call *call)
{
	struct grads g = { 0 };
	struct ref_attention a = open_step(step, &g);

	if (REF(check_bias)(&a, step, call))
		return tn_status(call);
	g.dc2p = a.attr->c2p ? &step->out[0] : NULL;
	g.dp2c = a.attr->p2c ? &step->out[1] : NULL;
	clear(g.dc2p);
	clear(g.dp2c);
	each_query(&a, &g, table_grad);
	return 0;
}
