/* SPDX-License-Identifier: Apache-2.0
 * backends/reference/position.c - rotary embedding and relative position tables.
 */
#include <math.h>

#include "ops.h"

/* One head of a row: the first `rotary` columns turn in pairs, pair p by the angle
 * position theta^(-2p / rotary), or back by it; the rest stay. */
static void turn_head(const union tn_attr *attr, const real *x, double position, real *y)
{
	size_t rotary = attr->rope.rotary, half = rotary / 2;

	for (size_t p = 0; p < half; p++) {
		double angle = position * pow(attr->rope.theta, -2.0 * (double)p / (double)rotary);
		double s = attr->rope.inverse ? -sin(angle) : sin(angle), c = cos(angle);
		size_t i = attr->rope.interleaved ? 2 * p : p;
		size_t j = attr->rope.interleaved ? 2 * p + 1 : p + half;
		double a = x[i], b = x[j];

		y[i] = (real)(a * c - b * s);
		y[j] = (real)(b * c + a * s);
	}
	memcpy(y + rotary, x + rotary, (attr->rope.head_size - rotary) * sizeof(*y));
}

/* x [R][H*D], position [R] -> y [R][H*D]: each head's pairs turned; pairs are columns
 * (p, p + rotary/2), or (2p, 2p + 1) when interleaved.
 * Source: Su et al., arXiv 2104.09864, section 3.2. */
int REF(rope)(const struct tn_step *step, struct tn_call *call)
{
	const union tn_attr *attr = &step->node->attr;
	const struct tn_tensor *x = &step->in[0], *y = &step->out[0];
	size_t size = attr->rope.head_size;

#pragma omp parallel for if (ref_big(40 * x->dims[0] * x->dims[1]))
	for (size_t r = 0; r < x->dims[0]; r++)
		for (size_t h = 0; h < attr->rope.heads; h++)
			turn_head(attr, ref_row(x, r) + h * size, *ref_index(&step->in[1], r),
				ref_row(y, r) + h * size);
	return 0;
}

/* T5's bucket of a key `distance` places behind the query (negative: before it).
 * Half of the buckets hold one distance each, the others grow with the logarithm
 * up to max_distance; with `bidirectional` keys behind the query have their own.
 * The logarithm is taken in float: the buckets are those of trained models. */
static size_t bucket_of(const union tn_attr *attr, int64_t distance)
{
	size_t n = attr->rel_table.buckets, first = 0, exact, large;
	int64_t away = distance < 0 ? -distance : distance;
	float ratio, range;

	if (attr->rel_table.bidirectional) {
		n /= 2;
		first = distance > 0 ? n : 0;
	} else if (distance > 0) {
		away = 0;
	}
	exact = n / 2;
	if ((size_t)away < exact)
		return first + (size_t)away;
	ratio = logf((float)away / (float)exact);
	range = (float)log((double)attr->rel_table.max_distance / (double)exact);
	large = exact + (size_t)(ratio / range * (float)(n - exact));
	return first + (large < n ? large : n - 1);
}

/* table [buckets][H] -> y [2 span - 1][H]: row (j - i) + span - 1 is the table's row
 * for a key j seen from i.  Source: Raffel et al., arXiv 1910.10683, section 2.1. */
int REF(rel_table)(const struct tn_step *step, struct tn_call *call)
{
	const union tn_attr *attr = &step->node->attr;
	const struct tn_tensor *table = &step->in[0], *y = &step->out[0];
	int64_t span = attr->rel_table.span;

	for (size_t r = 0; r < y->dims[0]; r++)
		memcpy(ref_row(y, r), ref_row(table, bucket_of(attr, (int64_t)r - span + 1)),
			y->dims[1] * sizeof(real));
	return 0;
}

/* dy [2 span - 1][H] -> dtable [buckets][H]: each row of the table gets the sum of the rows
 * that were it, in order. */
int REF(rel_table_grad)(const struct tn_step *step, struct tn_call *call)
{
	const union tn_attr *attr = &step->node->attr;
	const struct tn_tensor *dy = &step->in[0], *dx = &step->out[0];
	int64_t span = attr->rel_table.span;

	for (size_t r = 0; r < dx->dims[0]; r++)
		memset(ref_row(dx, r), 0, dx->dims[1] * sizeof(real));
	for (size_t r = 0; r < dy->dims[0]; r++) {
		real *to = ref_row(dx, bucket_of(attr, (int64_t)r - span + 1));

		for (size_t h = 0; h < dx->dims[1]; h++)
			to[h] += ref_row(dy, r)[h];
	}
	return 0;
}
