/* SPDX-License-Identifier: Apache-2.0
 * core/train/gradcheck.c - gradients against central differences.
 */
#include "train/gradcheck.h"

#include <math.h>
#include <string.h>

#include "base/random.h"

#define STEP 1e-5

struct check {
	struct tn_objective *o;
	const struct tn_batch_item *items;
	size_t n_items;
	const struct tn_gold *golds;
	uint64_t seed;
	double least;		/* errors are relative to this at least */
};

static double *numbers_of(struct tn_objective *o, size_t i, size_t *n)
{
	const struct tn_tensor *t = o->items[i].tensor;

	*n = t->dims[0] * tn_row_size(t);
	return tn_host_data(t);
}

static int run(struct check *c, struct tn_objective_plan *plan, double *loss, struct tn_call *call)
{
	if (tn_objective_run(c->o, plan, c->items, c->n_items, c->golds, call))
		return tn_status(call);
	*loss = *(double *)tn_host_data(tn_exec_output(plan->session.exec, 0));
	return 0;
}

/* Moves a parameter along the direction of a seed: by + or - step for each element. */
static double move(double *x, size_t n, uint64_t seed, double step, const double *gradient)
{
	double slope = 0;

	for (size_t k = 0; k < n; k++) {
		double sign = tn_random(&seed) & 1 ? 1 : -1;

		x[k] += sign * step;
		slope += sign * (gradient ? gradient[k] : 0);
	}
	return slope;
}

/* The slope of the loss along the direction; the numbers are put back from `kept`. */
static int check_direction(struct check *c, size_t i, const double *gradient, double *kept,
	double *error, struct tn_call *call)
{
	double high, low, norm = 0, slope, step;
	uint64_t seed = c->seed + i;
	size_t n;
	double *x = numbers_of(c->o, i, &n);

	memcpy(kept, x, n * sizeof(*x));
	/* A move of the same length whatever the size of the tensor. */
	step = STEP / sqrt((double)n);
	slope = move(x, n, seed, step, gradient);
	if (run(c, &c->o->forward, &high, call))
		return tn_status(call);
	memcpy(x, kept, n * sizeof(*x));
	move(x, n, seed, -step, NULL);
	if (run(c, &c->o->forward, &low, call))
		return tn_status(call);
	memcpy(x, kept, n * sizeof(*x));
	for (size_t k = 0; k < n; k++)
		norm += gradient[k] * gradient[k];
	slope -= (high - low) / (2 * step);
	*error = fabs(slope) / fmax(sqrt(norm), c->least * sqrt((double)n));
	return 0;
}

static int check_entry(struct check *c, size_t i, size_t k, double gradient, double scale,
	double *error, struct tn_call *call)
{
	double high, low, kept;
	size_t n;
	double *x = numbers_of(c->o, i, &n);

	kept = x[k];
	x[k] = kept + STEP;
	if (run(c, &c->o->forward, &high, call))
		return tn_status(call);
	x[k] = kept - STEP;
	if (run(c, &c->o->forward, &low, call))
		return tn_status(call);
	x[k] = kept;
	*error = fabs((high - low) / (2 * STEP) - gradient) / scale;
	return 0;
}

static int check_parameter(struct check *c, size_t i, const double *gradient, size_t entries,
	struct tn_grad_error *e, struct tn_call *call)
{
	struct tn_mark mark = tn_arena_mark(tn_call_arena(call));
	uint64_t seed = c->seed + 1000 * i;
	size_t n, at = 0;
	double error = 0, *kept;

	numbers_of(c->o, i, &n);
	kept = tn_alloc_n(call, n, sizeof(*kept));
	if (!kept || check_direction(c, i, gradient, kept, &e->error, call))
		return tn_status(call);
	for (size_t k = 0; k < n; k++)
		at = fabs(gradient[k]) > fabs(gradient[at]) ? k : at;
	for (e->n = 0; e->n < entries && e->n < n; e->n++) {
		size_t k = e->n ? tn_random(&seed) % n : at;

		if (check_entry(c, i, k, gradient[k], fmax(e->largest, c->least), &error, call))
			return tn_status(call);
		e->error = error > e->error || isnan(error) ? error : e->error;
	}
	tn_arena_rewind(tn_call_arena(call), mark);
	return 0;
}

int tn_gradcheck(struct tn_objective *o, const struct tn_batch_item *items, size_t n,
	const struct tn_gold *golds, size_t entries, double floor, struct tn_grad_error *errors,
	struct tn_call *call)
{
	struct check c = { o, items, n, golds, 20, 0 };
	const double **gradients = tn_alloc_n(call, o->n, sizeof(*gradients));
	double loss;

	if (!gradients || tn_objective_bind(&o->backward, items, n, call) ||
			tn_objective_bind(&o->forward, items, n, call) ||
			run(&c, &o->backward, &loss, call))
		return tn_status(call);
	for (size_t i = 0; i < o->n; i++) {
		const struct tn_tensor *t = tn_objective_gradient(o, i);
		double *zeros;
		size_t count;

		numbers_of(o, i, &count);
		zeros = t ? NULL : tn_alloc_n(call, count, sizeof(*zeros));
		gradients[i] = t ? tn_host_data(t) : zeros;
		if (!gradients[i])
			return tn_status(call);
		errors[i] = (struct tn_grad_error){ 0 };
		for (size_t k = 0; k < count; k++)
			errors[i].largest = fmax(errors[i].largest, fabs(gradients[i][k]));
		c.least = fmax(c.least, floor * errors[i].largest);
	}
	for (size_t i = 0; i < o->n; i++)
		if (check_parameter(&c, i, gradients[i], entries, &errors[i], call))
			return tn_status(call);
	return 0;
}
