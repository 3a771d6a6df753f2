/* SPDX-License-Identifier: Apache-2.0
 * core/train/objective.c - what training makes small: the graph of losses and gradients.
 */
#include "train/objective.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "base/random.h"
#include "pipeline/heads.h"
#include "tensor/grad.h"
#include "train/mean.h"

static struct tn_parameter *find_parameter(struct tn_objective *o, const void *identity)
{
	for (size_t i = 0; i < o->n; i++)
		if (o->items[i].identity == identity)
			return &o->items[i];
	return NULL;
}

static tn_ref build_feature(void *user, struct tn_graph *g, const char *name)
{
	struct tn_objective *o = user;

	if (o->options.features)
		return tn_features_input(o->options.features, g, name);
	return tn_pipeline_feature(o->p, g, name);
}

/* Notes whether a head's scores are a linear layer of a feature. */
static void find_plain(struct tn_objective *o, const struct tn_graph *g,
	struct tn_pipeline_head *head, tn_ref scores, struct tn_call *call)
{
	static const char end[] = ".weight";
	const struct tn_graph_node *n = scores < 0 || g->values[scores].node < 0 ? NULL :
		&g->nodes[g->values[scores].node];
	const char *name = n && n->node.op == TN_OP_LINEAR ? g->values[n->in[1]].name : NULL;
	size_t len = name ? strlen(name) : 0;

	if (len < sizeof(end) || strcmp(name + len - (sizeof(end) - 1), end))
		return;
	for (size_t i = 0; i < g->n_features; i++)
		if (g->features[i].value == n->in[0]) {
			head->plain_feature = tn_arena_dup(o->arena, g->features[i].name,
				strlen(g->features[i].name));
			head->plain_weights = tn_arena_dup(o->arena, name, len - (sizeof(end) - 1));
		}
	if (head->plain_feature && !head->plain_weights)
		tn_fail(call, TN_ENOMEM, "out of memory");
}

/* The sum of all heads' losses; loss and count of each are outputs behind it. */
static tn_ref build_losses(struct tn_objective *o, struct tn_graph *g, struct tn_call *call)
{
	tn_ref *parts = tn_alloc_n(call, 2 * o->n_trained, sizeof(*parts)), sum = TN_NONE;
	size_t n = 0;

	for (size_t h = 0; parts && h < o->p->n_heads; h++) {
		struct tn_pipeline_head *head = &o->p->heads[h];
		const char *scope = tn_printf(call, "head %s", head->name);
		tn_ref scores, part;

		if (!o->trained[h] || !scope)
			continue;
		tn_graph_scope(g, &head->weights.source, scope);
		scores = head->impl->forward(head->state, g);
		find_plain(o, g, head, scores, call);
		parts[n] = head->impl->loss(head->state, g, scores, &parts[n + 1]);
		part = o->n_trained > 1 ? tn_mean_loss(g, parts[n], parts[n + 1]) : parts[n];
		sum = sum == TN_NONE ? part : tn_add(g, sum, part);
		n += 2;
	}
	tn_graph_output(g, "loss", sum);
	for (size_t i = 0; i < n; i++)
		tn_graph_output(g, i % 2 ? "count" : "loss", parts[i]);
	return sum;
}

/* Where a weight comes from: the name that tells it from others, and its store. */
static int name_parameter(struct tn_objective *o, const struct tn_graph_value *v,
	struct tn_parameter *p, struct tn_call *call)
{
	const struct tn_pipeline *pipeline = o->p;
	const char *name = v->name;

	p->store = pipeline->weights;
	for (size_t h = 0; h < pipeline->n_heads; h++) {
		const struct tn_pipeline_head *head = &pipeline->heads[h];

		if (v->source != &head->weights.source && v->source != &pipeline->feature_source)
			continue;
		p->store = tn_head_store(&head->weights, v->name);
		if (v->source == &head->weights.source || p->store == head->weights.own)
			name = tn_printf(call, "heads.%s.%s", head->name, v->name);
	}
	p->name = name ? tn_arena_dup(o->arena, name, strlen(name)) : NULL;
	return p->name ? 0 : tn_fail(call, TN_ENOMEM, "out of memory");
}

/* The parameter that a weight of the graph is, loaded when it is new; NULL after an error. */
static struct tn_parameter *parameter_of(struct tn_objective *o, const struct tn_graph_value *v,
	struct tn_call *call)
{
	uint64_t version;
	const void *identity = v->source->identity(v->source->user, v->name, &version);
	struct tn_parameter *p = find_parameter(o, identity);

	if (p)
		return p;
	if (o->n == o->room) {
		size_t room = o->room ? 2 * o->room : 64;

		p = realloc(o->items, room * sizeof(*p));
		if (!p) {
			tn_fail(call, TN_ENOMEM, "out of memory");
			return NULL;
		}
		o->items = p;
		o->room = room;
	}
	p = &o->items[o->n];
	*p = (struct tn_parameter){ .identity = identity };
	if (name_parameter(o, v, p, call))
		return NULL;
	p->tensor = (struct tn_tensor *)v->source->load(v->source->user, v->name, o->options.real,
		call);
	if (!p->tensor)
		return NULL;
	p->frozen = o->options.frozen && o->options.frozen(o->options.user, p->name);
	o->n++;
	return p;
}

/* Normal numbers in pairs.  Source: Box and Muller 1958. */
static void fill_normal(const struct tn_tensor *t, double deviation, uint64_t seed)
{
	size_t n = t->dims[0] * tn_row_size(t);
	double pair[2] = { 0 };

	for (size_t i = 0; i < n; i++) {
		if (i % 2 == 0) {
			uint64_t a = tn_random(&seed), b = tn_random(&seed);
			double radius = sqrt(-2 * log(((double)(a >> 11) + 1) * 0x1p-53));
			double angle = 2 * M_PI * (double)(b >> 11) * 0x1p-53;

			pair[0] = deviation * radius * cos(angle);
			pair[1] = deviation * radius * sin(angle);
		}
		if (t->dtype == TN_F64)
			((double *)tn_host_data(t))[i] = pair[i % 2];
		else
			((float *)tn_host_data(t))[i] = (float)pair[i % 2];
	}
}

static void fill_ones(const struct tn_tensor *t)
{
	for (size_t i = 0; i < t->dims[0] * tn_row_size(t); i++)
		if (t->dtype == TN_F64)
			((double *)tn_host_data(t))[i] = 1;
		else
			((float *)tn_host_data(t))[i] = 1;
}

/* The first numbers of matrices of linear layers and of norms that were made; all others stay
 * zero. */
static void fill_made(struct tn_objective *o, const struct tn_graph *g, struct tn_call *call)
{
	for (size_t i = 0; i < g->n_nodes; i++) {
		const struct tn_graph_node *n = &g->nodes[i];
		const struct tn_graph_value *v = &g->values[n->in[1]];
		struct tn_parameter *p;

		if ((n->node.op != TN_OP_LINEAR && n->node.op != TN_OP_LAYER_NORM) ||
				v->origin != TN_FROM_WEIGHT)
			continue;
		p = parameter_of(o, &g->values[v->root], call);
		if (!p || !tn_weight_made(p->tensor))
			continue;
		if (n->node.op == TN_OP_LAYER_NORM)
			fill_ones(p->tensor);
		else
			fill_normal(p->tensor, 0.02, tn_mix(o->options.seed) ^
				tn_hash(TN_HASH, p->name, strlen(p->name)));
	}
}

/* Finds the parameters of a graph; with `gradients`, their gradients are its last outputs. */
static int add_parameters(struct tn_objective *o, struct tn_graph *g, tn_ref loss, bool gradients,
	struct tn_call *call)
{
	size_t n_values = g->n_values, n = 0;
	tn_ref *weights = tn_alloc_n(call, n_values + 1, sizeof(*weights));
	tn_ref *grads = tn_alloc_n(call, n_values + 1, sizeof(*grads));
	size_t *owner = tn_alloc_n(call, n_values + 1, sizeof(*owner));

	if (!weights || !grads || !owner)
		return tn_status(call);
	for (size_t i = 0; i < n_values; i++) {
		const struct tn_graph_value *v = &g->values[i];
		struct tn_parameter *p;

		if (v->origin != TN_FROM_WEIGHT || v->root != (tn_ref)i)
			continue;
		p = parameter_of(o, v, call);
		if (!p)
			return tn_status(call);
		owner[n] = (size_t)(p - o->items);
		weights[n] = (tn_ref)i;
		n += !p->frozen;
	}
	if (!gradients)
		return 0;
	fill_made(o, g, call);
	if (tn_graph_gradient(g, loss, weights, n, grads))
		return tn_status(call);
	for (size_t i = 0; i < o->n; i++) {
		tn_ref sum = TN_NONE;

		for (size_t k = 0; k < n; k++)
			if (owner[k] == i && grads[k] != TN_NONE)
				sum = sum == TN_NONE ? grads[k] : tn_add(g, sum, grads[k]);
		tn_graph_output(g, o->items[i].name, sum == TN_NONE ? loss : sum);
	}
	return tn_graph_status(g);
}

/* Inputs of the graph that are targets: those with a head's name before the last dot. */
static int find_targets(struct tn_objective *o, const struct tn_graph *g,
	struct tn_objective_plan *plan, struct tn_call *call)
{
	plan->targets = tn_arena_alloc(o->arena, (g->n_values + 1) * sizeof(*plan->targets));
	if (!plan->targets)
		return tn_fail(call, TN_ENOMEM, "out of memory");
	for (size_t i = 0; i < g->n_values; i++) {
		const struct tn_graph_value *v = &g->values[i];

		if (v->origin != TN_FROM_INPUT || v->root != (tn_ref)i || !strchr(v->name, '.'))
			continue;
		plan->targets[plan->n_targets++] = (struct tn_target_input){
			.name = tn_arena_dup(o->arena, v->name, strlen(v->name)),
			.axis = v->spec.axis,
			.row_bytes = v->spec.dims[1] * tn_dtype_size((enum tn_dtype)v->spec.dtype) };
	}
	return 0;
}

static int make_plan(struct tn_objective *o, struct tn_objective_plan *plan, bool gradients,
	struct tn_call *call)
{
	struct tn_graph *g = tn_graph_create(o->options.real, true, call);
	tn_ref loss;

	if (!g)
		return tn_status(call);
	g->precision = o->options.precision;
	g->no_dropout = !o->options.dropout || !(gradients || o->options.forward_dropout);
	tn_graph_features(g, build_feature, o);
	loss = build_losses(o, g, call);
	if (tn_graph_status(g) || tn_status(call) || find_targets(o, g, plan, call) ||
			add_parameters(o, g, loss, gradients, call)) {
		tn_graph_destroy(g);
		return tn_status(call);
	}
	plan->session.tokens_axis = tn_graph_axis(g, "tokens");
	plan->session.words_axis = tn_graph_axis(g, "words");
	plan->session.texts_axis = tn_graph_axis(g, "texts");
	plan->plan = tn_plan_create(g, (const struct tn_backend *const *)o->p->chain.items,
		o->p->chain.n, (int)o->p->threads_per_call, call);
	if (!plan->plan)
		return tn_status(call);
	plan->session.exec = tn_exec_create(plan->plan, call);
	return tn_status(call);
}

int tn_objective_open(struct tn_objective *o, struct tn_pipeline *p,
	const struct tn_objective_options *options, struct tn_call *call)
{
	*o = (struct tn_objective){ .p = p, .options = *options };
	o->arena = tn_arena_create();
	o->trained = calloc(p->n_heads + 1, sizeof(*o->trained));
	if (!o->arena || !o->trained)
		return tn_fail(call, TN_ENOMEM, "out of memory");
	for (size_t h = 0; h < p->n_heads; h++) {
		o->trained[h] = p->heads[h].impl->loss && p->heads[h].impl->target &&
			(!options->trains || options->trains(options->user, p->heads[h].name));
		o->n_trained += o->trained[h];
	}
	if (!o->n_trained)
		return tn_fail(call, TN_ECONFIG, "%s: no head can be trained: %s has no loss",
			p->config->path, p->heads[0].plugin->names[0]);
	if (make_plan(o, &o->backward, true, call) || !options->forward)
		return tn_status(call);
	return make_plan(o, &o->forward, false, call);
}

static void close_plan(struct tn_objective_plan *plan)
{
	tn_exec_destroy(plan->session.exec);
	free(plan->session.starts);
	tn_plan_destroy(plan->plan);
}

void tn_objective_close(struct tn_objective *o)
{
	close_plan(&o->forward);
	close_plan(&o->backward);
	for (size_t i = 0; i < o->n; i++)
		tn_weight_release(o->items[i].store, o->items[i].tensor);
	free(o->items);
	free(o->trained);
	tn_arena_destroy(o->arena);
}

/* What `core` of a target points to. */
struct filling {
	struct tn_objective_plan *plan;
	const char *head;
	size_t item, n_items;
	struct tn_call *scratch;	/* rows are memory of this call, not inputs */
};

/* Rows before the item's on an axis, and how many it has. */
static size_t first_row(const struct filling *f, int axis, size_t *n)
{
	const struct tn_session *s = &f->plan->session;
	const uint32_t *start = s->starts;

	if (axis == s->words_axis)
		start += f->n_items + 1;
	else if (axis != s->tokens_axis)
		start += 2 * (f->n_items + 1);
	*n = start[f->item + 1] - start[f->item];
	return start[f->item];
}

static void *target_rows(const struct tn_target *target, const char *what)
{
	const struct filling *f = target->core;
	size_t head = strlen(f->head);

	for (size_t i = 0; i < f->plan->n_targets; i++) {
		const struct tn_target_input *in = &f->plan->targets[i];
		char *rows;
		size_t n, first;

		if (strncmp(in->name, f->head, head) || in->name[head] != '.' ||
				strcmp(in->name + head + 1, what))
			continue;
		if (f->scratch) {
			n = in->axis == f->plan->session.tokens_axis ? target->window->n_tokens :
				in->axis == f->plan->session.words_axis ? target->n_words : 1;
			return tn_alloc_n(f->scratch, n + 1, in->row_bytes);
		}
		rows = tn_exec_input(f->plan->session.exec, in->name);
		if (!rows)
			return NULL;
		first = first_row(f, in->axis, &n);
		rows += first * in->row_bytes;
		memset(rows, 0, n * in->row_bytes);
		return rows;
	}
	return NULL;
}

int tn_objective_bind(struct tn_objective_plan *plan, const struct tn_batch_item *items, size_t n,
	struct tn_call *call)
{
	return tn_batch_bind(&plan->session, items, n, call);
}

static int fill_targets(struct tn_objective *o, struct filling *f, const struct tn_batch_item *item,
	const struct tn_gold *gold, struct tn_call *call)
{
	static const struct tn_gold nothing;
	const struct tn_job *job = item->job;
	struct tn_target target = { .example = &job->example,
		.window = &job->windows.items[item->window],
		.n_words = job->word_range ? job->word_range[item->window][1] : 0,
		.rows = target_rows, .core = f };

	target.last = target.window->first_word + target.n_words >= job->example.n_words;
	for (size_t h = 0; h < o->p->n_heads; h++) {
		struct tn_pipeline_head *head = &o->p->heads[h];

		f->head = head->name;
		target.gold = item->head && strcmp(item->head, head->name) ? &nothing : gold;
		if (o->trained[h] && head->impl->target(head->state, &target, call))
			return tn_status(call);
	}
	return 0;
}

int tn_objective_check(struct tn_objective *o, const struct tn_batch_item *item,
	const struct tn_gold *gold, struct tn_call *call)
{
	struct filling f = { .plan = &o->backward, .n_items = 1, .scratch = call };

	return fill_targets(o, &f, item, gold, call);
}

int tn_objective_run(struct tn_objective *o, struct tn_objective_plan *plan,
	const struct tn_batch_item *items, size_t n, const struct tn_gold *golds,
	struct tn_call *call)
{
	struct filling f = { .plan = plan, .n_items = n };

	tn_batch_fill(&plan->session, items, n);
	if (o->options.features)
		tn_features_fill(o->options.features, o->rows, &plan->session, items, n);
	for (f.item = 0; f.item < n; f.item++)
		if (fill_targets(o, &f, &items[f.item], &golds[f.item], call))
			return tn_status(call);
	return tn_exec_run(plan->session.exec, call);
}

const struct tn_tensor *tn_objective_gradient(const struct tn_objective *o, size_t i)
{
	const struct tn_tensor *t = tn_exec_output(o->backward.session.exec,
		1 + 2 * o->n_trained + i);

	return t->n_dims ? t : NULL;
}

static double number(const struct tn_tensor *t)
{
	return t->dtype == TN_F64 ? *(const double *)tn_host_data(t) :
		(double)*(const float *)tn_host_data(t);
}

void tn_objective_loss(const struct tn_objective *o, const struct tn_objective_plan *plan,
	size_t k, double *loss, double *count)
{
	*loss = number(tn_exec_output(plan->session.exec, 1 + 2 * k));
	*count = number(tn_exec_output(plan->session.exec, 2 + 2 * k));
}

int tn_objective_changed(struct tn_objective *o, struct tn_call *call)
{
	for (size_t i = 0; i < o->n; i++)
		if (!o->items[i].frozen)
			tn_weight_changed(o->items[i].store, o->items[i].tensor);
	return tn_plan_refresh(o->backward.plan, call);
}
