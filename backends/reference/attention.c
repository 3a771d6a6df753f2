/* SPDX-License-Identifier: Apache-2.0
 * backends/reference/attention.c - attention over the sequences of packed rows.
 * Source: Vaswani et al., arXiv 1706.03762, section 3.2; grouped queries: Ainslie
 * et al., arXiv 2305.13245, section 2.2.
 */
#include "attention.h"

#include <math.h>
#include <omp.h>

int REF(check_bias)(const struct ref_attention *a, const struct tn_step *step,
	struct tn_call *call)
{
	const struct tn_tensor *bias = a->bias;
	size_t longest = 0;

	if (a->attr->bias == TN_BIAS_TENSOR) {
		for (size_t s = 0; s < a->q_axis->seqs; s++) {
			struct ref_head head = ref_head_of(a, s, 0);

			longest = head.n_kv > longest ? head.n_kv : longest;
		}
		if (longest > bias->dims[1])
			return ref_bad_index(step, 0, (int64_t)longest - 1, bias->dims[1], call);
	}
	for (size_t r = 0; a->attr->bias == TN_BIAS_DISENTANGLED && r < bias[2].dims[0]; r++) {
		int32_t p = *ref_index(&bias[2], r);

		if (a->attr->c2p && (p < 0 || (size_t)p >= bias[0].dims[0]))
			return ref_bad_index(step, r, p, bias[0].dims[0], call);
		if (a->attr->p2c && (p < 0 || (size_t)p >= bias[1].dims[0]))
			return ref_bad_index(step, r, p, bias[1].dims[0], call);
	}
	return 0;
}

/* Puts the new keys and values behind the past ones of their sequence, and lets the
 * step read keys and values from the state. */
static int append_state(struct ref_attention *a, const struct tn_step *step, struct tn_call *call)
{
	const struct tn_tensor *state = &step->in[step->node->n_in - 2];
	const struct tn_axis *kv = a->kv_axis;

	if (!kv->slot)
		return tn_fail(call, TN_EINTERNAL, "%s: the keys' axis has no slots for its state",
			a->name);
	for (size_t s = 0; s < kv->seqs; s++) {
		size_t n = kv->start[s + 1] - kv->start[s], to = kv->slot[s] + ref_past(kv, s);

		if (to + n > state[0].dims[0] || to + n > state[1].dims[0])
			return ref_bad_index(step, s, (int64_t)(to + n) - 1, state[0].dims[0],
				call);
		for (size_t j = 0; j < n; j++) {
			memcpy(ref_row(&state[0], to + j), ref_row(a->k, kv->start[s] + j),
				a->k->dims[1] * sizeof(real));
			memcpy(ref_row(&state[1], to + j), ref_row(a->v, kv->start[s] + j),
				a->v->dims[1] * sizeof(real));
		}
	}
	a->k = &state[0];
	a->v = &state[1];
	return 0;
}

/* Query i of a head: its scores over the keys that it sees go to p, their softmax
 * weighs the values in y [D].  Returns the log-sum-exp.  A query that sees no key
 * gives zeros and -inf. */
static double attend(const struct ref_attention *a, const struct ref_head *head, size_t i,
	double *p, double *y)
{
	double max = -INFINITY, sum = 0;
	size_t begin, end;

	memset(y, 0, a->attr->head_size * sizeof(*y));
	ref_visible(a->attr, head->past + i, head->n_kv, &begin, &end);
	for (size_t j = begin; j < end; j++) {
		p[j] = ref_score(a, head, i, j);
		max = p[j] > max ? p[j] : max;
	}
	if (max == -INFINITY)
		return max;
	for (size_t j = begin; j < end; j++) {
		p[j] = exp(p[j] - max);
		sum += p[j];
	}
	for (size_t j = begin; j < end; j++)
		ref_axpy(y, ref_kept(a, head, i, j) * p[j] / sum, ref_v(a, head, j),
			a->attr->head_size);
	return max + log(sum);
}

/* All queries of one sequence and head; `room` holds n_kv + D doubles. */
static void attend_head(const struct ref_attention *a, const struct tn_step *step, size_t s,
	size_t h, double *room)
{
	struct ref_head head = ref_head_of(a, s, h);
	size_t size = a->attr->head_size;
	double *y = room, *p = room + size;

	for (size_t i = 0; i < head.n_q; i++) {
		real *out = ref_row(&step->out[0], head.q_first + i) + h * size;
		double lse = attend(a, &head, i, p, y);

		for (size_t d = 0; d < size; d++)
			out[d] = (real)y[d];
		if (step->node->n_out > 1)
			ref_row(&step->out[1], head.q_first + i)[h] = (real)lse;
	}
}

static size_t longest_kv(const struct ref_attention *a)
{
	size_t longest = 0;

	for (size_t s = 0; s < a->kv_axis->seqs; s++) {
		struct ref_head head = ref_head_of(a, s, 0);

		longest = head.n_kv > longest ? head.n_kv : longest;
	}
	return longest;
}

/* q [Rq][Hq*D], k [Rk][Hk*D], v [Rk][Hk*D], bias, state -> y [Rq][Hq*D], lse [Rq][Hq]
 * y_i = sum_j softmax_j(scale q_i . k_j + bias(i, j)) v_j over the keys j that i sees,
 * for each sequence and head, less what is dropped; query heads share key heads in groups of Hq / Hk. */
int REF(attention)(const struct tn_step *step, struct tn_call *call)
{
	struct ref_attention a = {
		.attr = &step->node->attr.attention,
		.q_axis = step->axis, .kv_axis = step->kv_axis ? step->kv_axis : step->axis,
		.q = &step->in[0], .k = &step->in[1], .v = &step->in[2], .bias = &step->in[3],
		.name = step->node->name ? step->node->name : "attention",
	};
	struct tn_mark mark = tn_arena_mark(tn_call_arena(call));
	size_t room, n_heads = a.attr->heads, work;
	double *rooms;

	if (a.q_axis->seqs != a.kv_axis->seqs)
		return tn_fail(call, TN_EINTERNAL, "%s: %zu sequences of queries, %zu of keys",
			a.name, a.q_axis->seqs, a.kv_axis->seqs);
	if ((a.attr->state && append_state(&a, step, call)) || REF(check_bias)(&a, step, call))
		return tn_status(call);
	room = longest_kv(&a) + a.attr->head_size;
	rooms = tn_alloc_n(call, room * (size_t)omp_get_max_threads(), sizeof(*rooms));
	if (!rooms)
		return tn_status(call);
	work = 20 * n_heads * a.q->dims[0] * room;
#pragma omp parallel for collapse(2) schedule(dynamic) if (ref_big(work))
	for (size_t s = 0; s < a.q_axis->seqs; s++)
		for (size_t h = 0; h < n_heads; h++)
			attend_head(&a, step, s, h, rooms + room * (size_t)omp_get_thread_num());
	tn_arena_rewind(tn_call_arena(call), mark);
	return 0;
}
