/* SPDX-License-Identifier: Apache-2.0
 * backends/reference/attention.h - what attention and its gradient share: which
 * keys a query sees, and the score of a pair.
 */
#ifndef REF_ATTENTION_H
#define REF_ATTENTION_H

#include "dot.h"
#include "philox.h"

/** A step of attention taken apart.  Keys and values of sequence s are rows
 *  kv_first(s) .. of k and v: those of the call, or with state those of the state. */
struct ref_attention {
	const struct tn_attention_attr *attr;
	const struct tn_axis *q_axis, *kv_axis;
	const struct tn_tensor *q, *k, *v;
	const struct tn_tensor *bias;	/* the first bias input */
	const char *name;
};

/** One sequence and one head of it. */
struct ref_head {
	size_t q_first, n_q;	/* rows of q */
	size_t past;		/* position of the first of them */
	size_t kv_first, n_kv;	/* rows of k and v */
	size_t h, kv_h;		/* head of q, head of k and v */
};

static inline size_t ref_past(const struct tn_axis *axis, size_t s)
{
	return axis->past ? axis->past[s] : 0;
}

static inline struct ref_head ref_head_of(const struct ref_attention *a, size_t s, size_t h)
{
	const struct tn_axis *q = a->q_axis, *kv = a->kv_axis;
	size_t n_new = kv->start[s + 1] - kv->start[s];
	bool state = a->attr->state && kv->slot;

	return (struct ref_head){
		.q_first = q->start[s],
		.n_q = q->start[s + 1] - q->start[s],
		.past = ref_past(q, s),
		.kv_first = state ? kv->slot[s] : kv->start[s],
		.n_kv = state ? ref_past(kv, s) + n_new : n_new,
		.h = h,
		.kv_h = h / (a->attr->heads / a->attr->kv_heads),
	};
}

/** The keys that position i sees: begin .. end-1 of n. */
static inline void ref_visible(const struct tn_attention_attr *attr, size_t i, size_t n,
	size_t *begin, size_t *end)
{
	*begin = attr->left != UINT32_MAX && i > attr->left ? i - attr->left : 0;
	*end = n;
	if (attr->right != UINT32_MAX && i + attr->right + 1 < *end)
		*end = i + attr->right + 1;
	if (attr->causal && i + 1 < *end)
		*end = i + 1;
	if (*begin > *end)
		*begin = *end;
}

/** Row of a table over distances -(span-1) .. span-1. */
static inline size_t ref_distance_row(int64_t distance, int64_t span)
{
	if (distance >= span)
		distance = span - 1;
	if (distance <= -span)
		distance = 1 - span;
	return (size_t)(distance + span - 1);
}

static inline const real *ref_q(const struct ref_attention *a, const struct ref_head *head,
	size_t i)
{
	return ref_row(a->q, head->q_first + i) + head->h * a->attr->head_size;
}

static inline const real *ref_k(const struct ref_attention *a, const struct ref_head *head,
	size_t j)
{
	return ref_row(a->k, head->kv_first + j) + head->kv_h * a->attr->head_size;
}

static inline const real *ref_v(const struct ref_attention *a, const struct ref_head *head,
	size_t j)
{
	return ref_row(a->v, head->kv_first + j) + head->kv_h * a->attr->head_size;
}

/* The terms of DeBERTa: content to position and position to content.
 * Source: He et al., arXiv 2006.03654, section 3.1. */
static inline double ref_disentangled(const struct ref_attention *a, const struct ref_head *head,
	size_t i, size_t j)
{
	const struct tn_attention_attr *attr = a->attr;
	int64_t distance = (int64_t)(head->past + i) - (int64_t)j;
	size_t row = ref_distance_row(distance, attr->span), column = head->h * attr->head_size;
	size_t p = (size_t)*ref_index(&a->bias[2], row);
	double score = 0;

	if (attr->c2p)
		score += ref_dot(ref_q(a, head, i), ref_row(&a->bias[0], p) + column,
			attr->head_size);
	if (attr->p2c)
		score += ref_dot(ref_k(a, head, j), ref_row(&a->bias[1], p) + column,
			attr->head_size);
	return attr->scale * score;
}

/* What the bias adds for query i (of this call) and key j.
 * Sources: Raffel et al., arXiv 1910.10683, section 2.1 (REL); Press, Smith and
 * Lewis, arXiv 2108.12409, section 3 (ALIBI). */
static inline double ref_bias(const struct ref_attention *a, const struct ref_head *head, size_t i,
	size_t j)
{
	int64_t distance = (int64_t)j - (int64_t)(head->past + i);

	switch (a->attr->bias) {
	case TN_BIAS_REL:
		return ref_row(a->bias, ref_distance_row(distance, a->attr->span))[head->h];
	case TN_BIAS_ALIBI:
		return -(double)ref_row(a->bias, 0)[head->h] *
			(double)(distance < 0 ? -distance : distance);
	case TN_BIAS_DISENTANGLED:
		return ref_disentangled(a, head, i, j);
	case TN_BIAS_TENSOR:
		return ref_row(a->bias, head->q_first + i)[j * a->bias->dims[2] + head->h];
	default:
		return 0;
	}
}

/** scale q_i . k_j + bias, for query i of this call and key j of the sequence. */
static inline double ref_score(const struct ref_attention *a, const struct ref_head *head, size_t i,
	size_t j)
{
	double product = ref_dot(ref_q(a, head, i), ref_k(a, head, j), a->attr->head_size);

	return a->attr->scale * product + ref_bias(a, head, i, j);
}

/** What dropout multiplies the probability of query i and key j by. */
static inline double ref_kept(const struct ref_attention *a, const struct ref_head *head, size_t i,
	size_t j)
{
	const double rate = a->attr->dropout;

	if (rate <= 0)
		return 1;
	return ref_philox((uint32_t)(j / 4), (uint32_t)(head->q_first + i), (uint32_t)head->h,
		a->attr->key).v[j % 4] < rate * 4294967296.0 ? 0 : rate < 1 ? 1 / (1 - rate) : 0;
}

/** Whether the indexes of the bias lie inside its tables.  Errors: TN_EINTERNAL. */
int REF(check_bias)(const struct ref_attention *a, const struct tn_step *step,
	struct tn_call *call);

#endif
