/* SPDX-License-Identifier: Apache-2.0
 * core/cli/bench_explain.c - tenon bench --explain: what the time goes into, op by op, and
 * why each op runs where it does.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "cli/bench.h"

#define LEAST_SECONDS 0.25	/* that the steps are watched */

/* Steps of one kind: the same op, in layers that differ by number alone. */
struct group {
	const struct tn_node *node;	/* the first of them */
	char *where;			/* its name, numbers as * */
	const char *why;
	size_t backend, steps;
	double seconds, flops, bytes;	/* of one pass */
};

struct groups {
	struct group *items;
	size_t n;
};

/* A name with each number that stands between points as a star. */
static char *general(const char *name, struct tn_call *call)
{
	char *text = tn_printf(call, "%s", name), *to = text;

	while (text && *name) {
		size_t digits = strspn(name, "0123456789"), part = strcspn(name, ".");

		if (digits && digits == part) {
			*to++ = '*';
		} else {
			memcpy(to, name, part);
			to += part;
		}
		name += part;
		if (*name)
			*to++ = *name++;
	}
	if (text)
		*to = 0;
	return text;
}

static bool same_node(const struct tn_node *a, const struct tn_node *b)
{
	return a->op == b->op && a->version == b->version && a->n_in == b->n_in &&
		!memcmp(&a->attr, &b->attr, sizeof(a->attr));
}

static struct group *group_of(struct groups *g, const struct tn_node *node, const char *where,
	size_t backend, const char *why)
{
	for (size_t i = 0; i < g->n; i++)
		if (same_node(g->items[i].node, node) && !strcmp(g->items[i].where, where) &&
				g->items[i].backend == backend && !strcmp(g->items[i].why, why))
			return &g->items[i];
	return NULL;
}

static int collect(struct groups *g, const struct bench_run *r, struct tn_call *call)
{
	const struct bench_counts *c = &r->counts;

	for (size_t i = 0; i < tn_plan_n_steps(r->p->plan); i++) {
		const char *why;
		size_t backend;
		const struct tn_node *node = tn_plan_step(r->p->plan, i, &backend, &why);
		char *where = general(node->name ? node->name : "", call);
		struct group *group = where ? group_of(g, node, where, backend, why) : NULL;

		if (!where)
			return tn_status(call);
		if (!group) {
			group = &g->items[g->n++];
			*group = (struct group){ .node = node, .where = where, .why = why,
				.backend = backend };
		}
		group->steps++;
		group->seconds += 1e-9 * (double)c->profile.steps[i].ns / (double)c->profiled;
		group->flops += (double)c->profile.steps[i].flops / (double)c->profiled;
		group->bytes += (double)c->profile.steps[i].bytes / (double)c->profiled;
	}
	return 0;
}

static int by_seconds(const void *a, const void *b)
{
	const struct group *x = a, *y = b;

	return (x->seconds < y->seconds) - (x->seconds > y->seconds);
}

/* What a backend runs together with the op; NULL: nothing, or out of memory. */
static const char *joined_with(const struct tn_node *node, struct tn_call *call)
{
	if (node->op == TN_OP_LAYER_NORM)
		return node->attr.norm.residual ? "sum" : NULL;
	if (node->op != TN_OP_LINEAR)
		return NULL;
	if (node->attr.linear.parts > 1)
		return tn_printf(call, "%u side by side", (unsigned)node->attr.linear.parts);
	if (node->attr.linear.act)
		return tn_act_name(node->attr.linear.act);
	return node->attr.linear.residual ? "sum" : NULL;
}

/* The precision that the products of a step have, and the peak for it. */
static const char *precision_of(const struct tn_node *node, const struct bench_peaks *peaks,
	double *peak)
{
	uint32_t precision = tn_node_precision(node);

	*peak = precision == TN_I8 && peaks->int8 > 0 ? peaks->int8 :
		precision == TN_BF16 && peaks->bf16 > 0 ? peaks->bf16 : peaks->fp32;
	return precision == TN_I8 ? "int8" : precision == TN_BF16 ? "bf16" : "fp32";
}

static struct tn_value *op_row(struct bench *b, size_t way, const struct bench_run *r,
	const struct group *g, double pass)
{
	const struct bench_peaks *peaks = &b->peaks[way];
	struct tn_value *row = bench_new_row(b, "op", &b->ways[way], r->work);
	double peak, work, read = peaks->read > 0 ? g->bytes / peaks->read / 1e9 : 0;

	eval_set_text(b->arena, row, "precision", precision_of(g->node, peaks, &peak));
	work = g->flops / peak / 1e9;
	eval_set_text(b->arena, row, "op", tn_op_name(g->node->op));
	eval_set_text(b->arena, row, "joined", joined_with(g->node, b->call));
	eval_set_text(b->arena, row, "where", g->where);
	eval_set_text(b->arena, row, "backend",
		r->p->chain.items[g->backend]->plugin->names[0]);
	eval_set_int(b->arena, row, "steps", (int64_t)g->steps);
	eval_set_real(b->arena, row, "time_share", g->seconds / pass);
	eval_set_real(b->arena, row, "ms", 1e3 * g->seconds);
	eval_set_int(b->arena, row, "flop", (int64_t)llround(g->flops));
	eval_set_int(b->arena, row, "bytes", (int64_t)llround(g->bytes));
	eval_set_real(b->arena, row, "gflop_per_s", g->flops > 0 ? g->flops / g->seconds / 1e9 : NAN);
	eval_set_real(b->arena, row, "peak_share", g->flops > 0 ? work / g->seconds : NAN);
	eval_set_real(b->arena, row, "flop_per_byte", g->flops > 0 ? g->flops / g->bytes : NAN);
	eval_set_real(b->arena, row, "roofline_share", (work > read ? work : read) / g->seconds);
	return eval_set_text(b->arena, row, "why", *g->why ? g->why : NULL) ? row : NULL;
}

/* What is not in any step: tokens, batches and answers. */
static struct tn_value *rest_row(struct bench *b, size_t way, const struct bench_run *r,
	double seconds, double pass)
{
	static const char *const nothing[] = { "flop", "bytes", "gflop_per_s", "peak_share",
		"flop_per_byte", "roofline_share", "why" };
	struct tn_value *row = bench_new_row(b, "op", &b->ways[way], r->work);

	eval_set_text(b->arena, row, "op", "rest");
	eval_set_text(b->arena, row, "joined", NULL);
	eval_set_text(b->arena, row, "where", r->encoded ? "batches, answers" :
		"tokens, batches, answers");
	eval_set_text(b->arena, row, "backend", NULL);
	eval_set_int(b->arena, row, "steps", 0);
	eval_set_real(b->arena, row, "time_share", seconds / pass);
	eval_set_real(b->arena, row, "ms", 1e3 * seconds);
	for (size_t i = 0; i < sizeof(nothing) / sizeof(nothing[0]); i++)
		if (!eval_set_text(b->arena, row, nothing[i], NULL))
			return NULL;
	return row;
}

static int add_rows(struct bench *b, size_t way, const struct bench_run *r, struct groups *g)
{
	double pass = r->counts.profiled_s / (double)r->counts.profiled, steps = 0;

	qsort(g->items, g->n, sizeof(*g->items), by_seconds);
	for (size_t i = 0; i < g->n; i++) {
		steps += g->items[i].seconds;
		if (bench_add_row(b, &b->ops, op_row(b, way, r, &g->items[i], pass)))
			return tn_status(b->call);
	}
	return bench_add_row(b, &b->ops, rest_row(b, way, r, pass - steps, pass));
}

int bench_explain(struct bench *b, size_t way, struct bench_run *r)
{
	double seconds = b->a->seconds / 4;
	struct groups g = { .n = 0 };

	if (bench_run_profile(r, seconds < LEAST_SECONDS ? seconds : LEAST_SECONDS, b->call))
		return tn_status(b->call);
	g.items = tn_alloc_n(b->call, tn_plan_n_steps(r->p->plan) + 1, sizeof(*g.items));
	if (!g.items || collect(&g, r, b->call))
		return tn_status(b->call);
	return add_rows(b, way, r, &g);
}
