/* SPDX-License-Identifier: Apache-2.0
 * core/train/optimizer.c - AdamW, its groups and its schedule.
 */
#include "train/optimizer.h"

#include <ctype.h>
#include <fnmatch.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { M, V, SUM };

static int new_tensor(struct tn_tensor *t, struct tn_buffer *b, const struct tn_tensor *like,
	struct tn_call *call)
{
	*t = *like;
	t->offset = 0;
	t->row_stride = tn_row_size(like);
	b->bytes = (like->dims[0] + TN_ROW_SLACK) * tn_row_size(like) * tn_dtype_size(like->dtype);
	b->bytes = (b->bytes + 63) / 64 * 64;
	b->data = aligned_alloc(64, b->bytes);
	if (!b->data)
		return tn_fail(call, TN_ENOMEM, "out of memory for the optimizer");
	memset(b->data, 0, b->bytes);
	t->buffer = b;
	return 0;
}

static struct tn_spec spec_of(const struct tn_tensor *t)
{
	struct tn_spec spec = { .dtype = t->dtype, .axis = TN_NO_AXIS, .n_dims = t->n_dims };

	memcpy(spec.dims, t->dims, sizeof(spec.dims));
	return spec;
}

static int open_ops(struct tn_optimizer *o, struct tn_moments *k, const struct tn_tensor *p,
	struct tn_call *call)
{
	const struct tn_chain *chain = &o->objective->p->chain;
	const struct tn_backend *const *items = (const struct tn_backend *const *)chain->items;
	int threads = (int)o->objective->p->threads_per_call;
	struct tn_spec one = { .dtype = p->dtype, .axis = TN_NO_AXIS, .dims = { 1, 1, 1, 1 } };

	k->adamw.node = (struct tn_node){ .op = TN_OP_ADAMW, .version = 1, .n_in = 5, .n_out = 3 };
	for (int i = 0; i < 4; i++)
		k->adamw.in[i] = spec_of(p);
	k->adamw.in[4] = one;
	k->adamw.in[4].n_dims = 1;
	k->adamw.in[4].dims[0] = 8;
	for (int i = 0; i < 3; i++)
		k->adamw.out[i] = spec_of(p);
	k->squares.node = (struct tn_node){ .op = TN_OP_SUM_SQUARES, .version = 1, .n_in = 1,
		.n_out = 1 };
	k->squares.in[0] = spec_of(p);
	k->squares.out[0] = one;
	k->add.node = (struct tn_node){ .op = TN_OP_ADD, .version = 1, .n_in = 2, .n_out = 1 };
	k->add.in[0] = k->add.in[1] = k->add.out[0] = spec_of(p);
	if (tn_single_open(&k->adamw, items, chain->n, threads, call) ||
			tn_single_open(&k->squares, items, chain->n, threads, call))
		return tn_status(call);
	return tn_single_open(&k->add, items, chain->n, threads, call);
}

size_t tn_layer_of(const char *name, size_t layers)
{
	const char *at = name;

	if (!strncmp(name, "embeddings.", 11))
		return 0;
	if (!strncmp(name, "heads.", 6))
		return layers + 1;
	for (; at; at = strchr(at, '.') ? strchr(at, '.') + 1 : NULL) {
		size_t word = !strncmp(at, "layer.", 6) ? 6 : !strncmp(at, "layers.", 7) ? 7 : 0;

		if (word && isdigit((unsigned char)at[word]))
			return strtoul(at + word, NULL, 10) + 1;
	}
	return layers + 1;
}

static void choose_group(struct tn_optimizer *o, struct tn_moments *k, const char *name,
	bool *matched)
{
	const struct tn_job_optim *options = o->options;
	size_t layers = o->objective->p->info.layers;

	k->rate_scale = 1;
	k->decay = o->objective->items[k->parameter].tensor->n_dims > 1 ? options->weight_decay : 0;
	for (size_t i = 0; i < options->n_groups; i++) {
		const struct tn_job_group *g = &options->groups[i];

		if (fnmatch(g->match, name, 0))
			continue;
		matched[i] = true;
		if (!isnan(g->lr))
			k->rate_scale = options->lr > 0 ? g->lr / options->lr : 0;
		if (!isnan(g->lr_scale))
			k->rate_scale = g->lr_scale;
		if (!isnan(g->weight_decay))
			k->decay = g->weight_decay;
	}
	k->rate_scale *= pow(options->layer_decay, (double)(layers + 1 - tn_layer_of(name, layers)));
}

static int open_items(struct tn_optimizer *o, bool accumulate, bool *matched, struct tn_call *call)
{
	for (size_t i = 0; i < o->objective->n; i++) {
		const struct tn_parameter *p = &o->objective->items[i];
		struct tn_moments *k = &o->items[o->n];

		if (p->frozen || !tn_objective_gradient(o->objective, i))
			continue;
		k->parameter = i;
		o->n++;
		choose_group(o, k, p->name, matched);
		if (new_tensor(&k->m, &k->buffers[M], p->tensor, call) ||
				new_tensor(&k->v, &k->buffers[V], p->tensor, call) ||
				open_ops(o, k, p->tensor, call))
			return tn_status(call);
		if (accumulate && new_tensor(&k->sum, &k->buffers[SUM], p->tensor, call))
			return tn_status(call);
	}
	return 0;
}

int tn_optimizer_open(struct tn_optimizer *o, struct tn_objective *objective,
	const struct tn_job_optim *options, bool accumulate, struct tn_call *call)
{
	bool matched[TN_MOST_GROUPS] = { false };

	*o = (struct tn_optimizer){ .objective = objective, .options = options, .first = true };
	o->items = calloc(objective->n + 1, sizeof(*o->items));
	if (!o->items)
		return tn_fail(call, TN_ENOMEM, "out of memory");
	if (open_items(o, accumulate, matched, call))
		return tn_status(call);
	for (size_t i = 0; i < options->n_groups; i++)
		if (!matched[i])
			tn_fault(call, TN_ECONFIG, "optim.groups: no parameter that is trained "
				"matches %s", tn_quote(call, options->groups[i].match,
				strlen(options->groups[i].match)));
	return tn_status(call);
}

void tn_optimizer_close(struct tn_optimizer *o)
{
	for (size_t i = 0; o->items && i < o->n; i++) {
		for (int b = 0; b < 3; b++)
			free(o->items[i].buffers[b].data);
		tn_single_close(&o->items[i].adamw);
		tn_single_close(&o->items[i].squares);
		tn_single_close(&o->items[i].add);
	}
	free(o->items);
	o->items = NULL;
}

int tn_optimizer_add(struct tn_optimizer *o, struct tn_call *call)
{
	for (size_t i = 0; i < o->n; i++) {
		struct tn_moments *k = &o->items[i];
		const struct tn_tensor *g = tn_objective_gradient(o->objective, k->parameter);
		const struct tn_tensor in[2] = { k->sum, *g };

		if (o->first)
			memcpy(tn_host_data(&k->sum), tn_host_data(g), g->dims[0] *
				tn_row_size(g) * tn_dtype_size(g->dtype));
		else if (tn_single_run(&k->add, in, &k->sum, call))
			return tn_status(call);
	}
	o->first = false;
	return 0;
}

static const struct tn_tensor *gradient(const struct tn_optimizer *o, const struct tn_moments *k)
{
	return k->sum.buffer ? &k->sum : tn_objective_gradient(o->objective, k->parameter);
}

/* The Euclidean norm of all gradients. */
static int measure_norm(struct tn_optimizer *o, struct tn_call *call)
{
	float square;
	struct tn_buffer b = { .data = &square, .bytes = sizeof(square) };
	const struct tn_tensor out = { .buffer = &b, .dtype = TN_F32, .dims = { 1, 1, 1, 1 },
		.row_stride = 1 };
	double sum = 0;

	for (size_t i = 0; i < o->n; i++) {
		if (tn_single_run(&o->items[i].squares, gradient(o, &o->items[i]), &out, call))
			return tn_status(call);
		sum += (double)square;
	}
	o->norm = sqrt(sum);
	return 0;
}

int tn_optimizer_step(struct tn_optimizer *o, uint64_t t, double rate, double count,
	struct tn_call *call)
{
	const struct tn_job_optim *options = o->options;
	float h[8];
	struct tn_buffer b = { .data = h, .bytes = sizeof(h) };
	struct tn_tensor numbers = { .buffer = &b, .dtype = TN_F32, .n_dims = 1,
		.dims = { 8, 1, 1, 1 }, .row_stride = 1 };
	double factor = 1 / count;

	o->first = true;
	if (measure_norm(o, call))
		return tn_status(call);
	o->norm *= factor;
	if (!isfinite(o->norm))
		return 0;
	if (options->clip > 0 && o->norm > options->clip)
		factor *= options->clip / (o->norm + 1e-6);	/* as PyTorch has it */
	for (size_t i = 0; i < o->n; i++) {
		struct tn_moments *k = &o->items[i];
		const struct tn_tensor *p = o->objective->items[k->parameter].tensor;
		const struct tn_tensor in[5] = { *p, *gradient(o, k), k->m, k->v, numbers };
		const struct tn_tensor out[3] = { *p, k->m, k->v };
		const double now[8] = { rate * k->rate_scale, options->beta1, options->beta2,
			options->eps, k->decay, 1 - pow(options->beta1, (double)t),
			1 - pow(options->beta2, (double)t), factor };

		for (int j = 0; j < 8; j++)
			h[j] = (float)now[j];
		if (tn_single_run(&k->adamw, in, out, call))
			return tn_status(call);
	}
	return tn_objective_changed(o->objective, call) ? tn_status(call) : 1;
}

double tn_schedule_at(const struct tn_job_optim *options, uint64_t step, uint64_t steps)
{
	double warm = options->warmup < 1 ? ceil(options->warmup * (double)steps) : options->warmup;
	double at = (double)step - 1, rest = fmax(1, (double)steps - warm);

	if (at < warm)
		return at / warm;
	if (options->schedule == TN_CONSTANT_RATE)
		return 1;
	at = fmin(1, (at - warm) / rest);
	return options->schedule == TN_COSINE_RATE ? 0.5 * (1 + cos(M_PI * at)) : 1 - at;
}
