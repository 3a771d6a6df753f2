/* SPDX-License-Identifier: Apache-2.0
 * core/bench/samples.c - measured values and their quantiles.
 */
#include <math.h>
#include <stdlib.h>

#include "bench/samples.h"

int bench_samples_add(struct bench_samples *s, double value, struct tn_call *call)
{
	if (s->n == s->room) {
		size_t room = s->room ? s->room * 2 : 256;
		double *grown = realloc(s->items, room * sizeof(*grown));

		if (!grown)
			return tn_fail(call, TN_ENOMEM, "out of memory");
		s->items = grown;
		s->room = room;
	}
	s->items[s->n++] = value;
	return 0;
}

static int ascending(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

double bench_quantile(struct bench_samples *s, double q)
{
	double rank;

	if (!s->n)
		return NAN;
	qsort(s->items, s->n, sizeof(*s->items), ascending);
	rank = ceil(q * (double)s->n);
	return s->items[rank < 1 ? 0 : rank > (double)s->n ? s->n - 1 : (size_t)rank - 1];
}

void bench_samples_free(struct bench_samples *s)
{
	free(s->items);
	*s = (struct bench_samples){ NULL, 0, 0 };
}
