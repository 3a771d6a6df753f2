/* SPDX-License-Identifier: Apache-2.0
 * core/pipeline/pipeline.c - opening and closing a pipeline: its directory, plugins,
 * heads, backends, and the plan that they make together.
 */
#include <config.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/config.h"
#include "pipeline/heads.h"
#include "pipeline/pipeline_impl.h"

#define DEFAULT_OVERLAP 128
#define DEFAULT_BATCH 512
#define SMALL_BATCH 400000000u	/* floating-point operations: some milliseconds of one core */
#define LARGEST_SCORES (16u << 20)	/* floats of one batch */

/* The model's weights, of a pipeline. */
static struct tn_weights *weights_of(void *user)
{
	return ((struct tn_pipeline *)user)->weights;
}

static bool weight_find(void *user, const char *name, size_t dims[4], uint32_t *n_dims)
{
	return tn_weights_shape(weights_of(user), name, dims, n_dims);
}

static const struct tn_tensor *weight_load(void *user, const char *name, enum tn_dtype dtype,
	struct tn_call *call)
{
	return tn_weight_load(weights_of(user), name, dtype, call);
}

static void weight_release(void *user, const struct tn_tensor *weight)
{
	tn_weight_release(weights_of(user), weight);
}

static int weight_read(void *user, const char *name, size_t first, size_t n, float *to,
	struct tn_call *call)
{
	return tn_weight_read(weights_of(user), name, first, n, to, call);
}

static const void *weight_identity(void *user, const char *name, uint64_t *version)
{
	return tn_weight_identity(weights_of(user), name, version);
}

static int weight_make(void *user, const char *name, const size_t dims[4], uint32_t n_dims,
	struct tn_call *call)
{
	const struct tn_pipeline *p = user;

	p->training->missing(p->training->user, name, dims, n_dims);
	return tn_weights_make(p->weights, name, dims, n_dims, call);
}

static int open_model(struct tn_pipeline *p, struct tn_call *call)
{
	const struct tn_plugin *plugin = tn_plugin_load(TN_MODEL, p->dir->model_type,
		&p->config->plugins, call);
	const struct tn_model_impl *impl;

	if (!plugin)
		return tn_status(call);
	impl = plugin->impl.model;
	p->model = tn_plugin_new(plugin, call);
	if (!p->model || tn_options_store(plugin, p->model, NULL, NULL, "model", call) ||
			impl->open(p->model, p->dir->config, p->dir->config_path, &p->info, call))
		return tn_status(call);
	for (const struct tn_model_class *c = impl->classes; c && c->name; c++)
		if (p->dir->class && !strcmp(c->name, p->dir->class))
			p->class = c;
	p->weights = tn_weights_open(p->dir, impl->prefix, p->training, call);
	if (!p->weights)
		return tn_status(call);
	p->model_source = (struct tn_weight_source){ .user = p, .find = weight_find,
		.load = weight_load, .release = weight_release, .read = weight_read,
		.identity = weight_identity, .where = tn_weights_where(p->weights),
		.make = p->training && p->training->missing ? weight_make : NULL };
	return 0;
}

/* What tokenizer.json names, else what the family reads its plain files with. */
static const char *tokenizer_name(const struct tn_pipeline *p)
{
	const struct tn_plugin *plugin = p->model->plugin;
	const struct tn_tokenizer_files *files = &p->dir->files;

	if (p->dir->tokenizer_type)
		return p->dir->tokenizer_type;
	if (!files->tokenizer_json && !files->vocab_txt && !files->merges_txt &&
			files->sentencepiece && plugin->impl.model->sentencepiece)
		return plugin->impl.model->sentencepiece;
	return plugin->impl.model->tokenizer;
}

static int open_tokenizer(struct tn_pipeline *p, struct tn_call *call)
{
	const struct tn_plugin *plugin = tn_plugin_load(TN_TOKENIZER, tokenizer_name(p),
		&p->config->plugins, call);

	if (!plugin)
		return tn_status(call);
	p->tokenizer = tn_plugin_new(plugin, call);
	if (!p->tokenizer || tn_options_store(plugin, p->tokenizer, NULL, NULL, "tokenizer", call) ||
			plugin->impl.tokenizer->open(p->tokenizer, &p->dir->files, call))
		return tn_status(call);
	p->tokenizer_info = plugin->impl.tokenizer->info(p->tokenizer);
	if (p->info.vocab_size && p->tokenizer_info->vocab_size > p->info.vocab_size)
		return tn_fail(call, TN_EDATA, "%s: the tokenizer has %zu tokens, the model's "
			"vocabulary %zu", p->dir->path, p->tokenizer_info->vocab_size,
			p->info.vocab_size);
	return 0;
}

tn_ref tn_pipeline_feature(struct tn_pipeline *p, struct tn_graph *g, const char *name)
{
	tn_graph_scope(g, strcmp(name, "tokens") ? &p->feature_source : &p->model_source, "the model");
	return p->model->plugin->impl.model->feature(p->model, g, name);
}

/* The graph on its way: each head's scores. */
struct building {
	struct tn_pipeline *p;
	tn_ref *scores;			/* [n_heads]; TN_NONE before, BEGUN meanwhile */
	struct tn_call *call;
};
#define BEGUN ((tn_ref)-3)

static tn_ref scores_of(struct building *b, struct tn_graph *g, size_t i)
{
	struct tn_pipeline_head *h = &b->p->heads[i];
	const char *scope;

	if (b->scores[i] == BEGUN)
		return tn_graph_fail(g, TN_ECONFIG, "heads.%s needs its own scores", h->name);
	if (b->scores[i] != TN_NONE)
		return b->scores[i];
	b->scores[i] = BEGUN;
	scope = tn_printf(b->call, "head %s", h->name);
	if (!scope)
		return tn_graph_fail(g, TN_ENOMEM, "out of memory");
	tn_graph_scope(g, &h->weights.source, scope);
	return b->scores[i] = h->impl->forward(h->state, g);
}

static tn_ref build_feature(void *user, struct tn_graph *g, const char *name)
{
	struct building *b = user;

	if (strncmp(name, "head:", 5))
		return tn_pipeline_feature(b->p, g, name);
	for (size_t i = 0; i < b->p->n_heads; i++)
		if (!strcmp(b->p->heads[i].name, name + 5))
			return scores_of(b, g, i);
	return tn_graph_fail(g, TN_ECONFIG, "%s asks for the scores of head \"%s\", which is not "
		"there", g->scope, name + 5);
}

/* The rows that a head's scores lie on. */
static int score_axis(struct tn_pipeline_head *h, const struct tn_graph *g, tn_ref scores,
	struct tn_call *call)
{
	static const char *const names[] = { "texts", "words", "tokens" };
	int axis = g->values[scores].spec.axis;

	for (int i = 0; i < 3; i++) {
		if (axis < 0 || strcmp(g->axes[axis], names[i]))
			continue;
		h->axis = (enum tn_score_axis)i;
		h->cols = tn_width(g, scores);
		return 0;
	}
	return tn_fail(call, TN_EINTERNAL, "head %s: its scores lie on no axis of texts, words or "
		"tokens", h->name);
}

/* A feature of the model as an output. */
static void keep_feature(struct tn_pipeline *p, struct tn_graph *g, size_t i)
{
	static const char *const names[TN_MAX_KEPT] = { "tokens", "pooled" };
	tn_ref x = tn_feature(g, names[i]);

	if (x == TN_NONE)
		tn_graph_fail(g, TN_EDATA, "%s: the model has no feature \"%s\"", p->dir->path,
			names[i]);
	tn_graph_output(g, names[i], x);
	if (tn_graph_status(g))
		return;
	p->kept[i].axis = i ? TN_ON_TEXTS : TN_ON_TOKENS;
	p->kept[i].cols = tn_width(g, x);
}

/* The graph of the model and all heads. */
static struct tn_graph *build_graph(struct tn_pipeline *p, struct tn_call *call)
{
	struct tn_graph *g = tn_graph_create(TN_F32, false, call);
	struct building b = { p, tn_alloc_n(call, p->n_heads, sizeof(*b.scores)), call };

	if (!g || !b.scores) {
		tn_graph_destroy(g);
		return NULL;
	}
	tn_graph_features(g, build_feature, &b);
	for (size_t i = 0; i < p->n_heads; i++)
		b.scores[i] = TN_NONE;
	for (size_t i = 0; i < p->n_heads; i++) {
		tn_ref scores = scores_of(&b, g, i);

		tn_graph_output(g, p->heads[i].name, scores);
		if (tn_graph_status(g) || score_axis(&p->heads[i], g, scores, call))
			break;
	}
	tn_graph_scope(g, &p->model_source, "the model");
	for (size_t i = 0; i < p->n_kept && !tn_graph_status(g); i++)
		keep_feature(p, g, i);
	if (tn_graph_status(g) || tn_status(call)) {
		tn_graph_destroy(g);
		return NULL;
	}
	return g;
}

/* Operations of a full batch by backend of the chain; returns their sum. */
static uint64_t batch_flops(const struct tn_pipeline *p, uint64_t flops[TN_MOST_BACKENDS])
{
	uint32_t start[2] = { 0, (uint32_t)p->batch_tokens };
	struct tn_axis axes[TN_MAX_AXES];
	uint64_t total = 0;

	for (size_t i = 0; i < TN_MAX_AXES; i++)
		axes[i] = (struct tn_axis){ .rows = p->batch_tokens, .seqs = 1, .start = start };
	tn_plan_flops(p->plan, axes, flops);
	for (size_t i = 0; i < p->chain.n; i++)
		total += flops[i];
	return total;
}

/* Says it when much of the work falls to a backend although a faster one is listed. */
static void note_fallback(const struct tn_pipeline *p, const uint64_t *flops, uint64_t total,
	struct tn_call *call)
{
	int best = p->chain.items[0]->plugin->rank;
	size_t slow = 0;

	for (size_t i = 0; i < p->chain.n; i++) {
		if (p->chain.items[i]->plugin->rank > best)
			best = p->chain.items[i]->plugin->rank;
		if (p->chain.items[i]->plugin->rank < p->chain.items[slow]->plugin->rank)
			slow = i;
	}
	if (p->chain.items[slow]->plugin->rank == best || flops[slow] * 20 <= total)
		return;
	tn_note(call, "%.0f %% of the work runs on backend %s, the slowest of the chain: "
		"`tenon check` says why for each op", 100.0 * (double)flops[slow] / (double)total,
		p->chain.items[slow]->plugin->names[0]);
}

/* Says it when no linear runs at the precision that was asked for. */
static void note_precision(const struct tn_pipeline *p, struct tn_call *call)
{
	for (size_t i = 0; i < tn_plan_n_steps(p->plan); i++) {
		size_t backend;
		const char *why;
		const struct tn_node *node = tn_plan_step(p->plan, i, &backend, &why);

		if (node->op == TN_OP_LINEAR && node->attr.linear.precision)
			return;
	}
	if (strcmp(p->config->precision, "fp32"))
		tn_note(call, "precision %s: no backend of the chain runs linears at it, so they run "
			"at fp32", p->config->precision);
}

void tn_pipeline_precision(const struct tn_pipeline *p, struct tn_graph *g)
{
	if (!strcmp(p->config->precision, "int8"))
		g->precision = TN_I8;
	else if (!strcmp(p->config->precision, "bf16"))
		g->precision = TN_BF16;
}

int tn_pipeline_plan(struct tn_pipeline *p, struct tn_call *call)
{
	uint64_t flops[TN_MOST_BACKENDS] = { 0 }, total;
	struct tn_graph *g;
	size_t widest = 1;

	g = build_graph(p, call);
	if (!g)
		return tn_status(call);
	tn_pipeline_precision(p, g);
	p->tokens_axis = tn_graph_axis(g, "tokens");
	p->words_axis = tn_graph_axis(g, "words");
	p->texts_axis = tn_graph_axis(g, "texts");
	p->plan = tn_plan_create(g, (const struct tn_backend *const *)p->chain.items, p->chain.n,
		(int)p->threads_per_call, call);
	for (size_t i = 0; i < p->n_heads; i++)
		if (p->heads[i].axis == TN_ON_TOKENS && p->heads[i].cols > widest)
			widest = p->heads[i].cols;
	p->batch_tokens = LARGEST_SCORES / widest < DEFAULT_BATCH ? LARGEST_SCORES / widest :
		DEFAULT_BATCH;
	if (!p->plan)
		return tn_status(call);
	tn_chain_note(&p->chain, call);
	note_precision(p, call);
	total = batch_flops(p, flops);
	note_fallback(p, flops, total, call);
	/* Waking a team costs more than it gives to a little work.  This is asked of the plan
	 * and never of a batch, so that bits do not depend on the batch. */
	if (total < SMALL_BATCH)
		tn_plan_set_threads(p->plan, 1);
	return 0;
}

static const char *window_place(const struct tn_pipeline_config *c, const char *key,
	struct tn_call *call)
{
	return tn_value_where(tn_get(tn_get(c->tree, "window"), key), call);
}

/* The longest window, and how far windows overlap. */
static int choose_window(struct tn_pipeline *p, struct tn_call *call)
{
	struct tn_pipeline_config *c = p->config;

	p->max_tokens = p->info.max_positions;
	if (p->dir->max_tokens && (!p->max_tokens || p->dir->max_tokens < p->max_tokens))
		p->max_tokens = p->dir->max_tokens;
	if (c->window_tokens) {
		if (p->info.max_positions && c->window_tokens > p->info.max_positions)
			return tn_fail(call, TN_ECONFIG, "%s: window.tokens is %zu, the model takes at "
				"most %zu", window_place(c, "tokens", call), c->window_tokens,
				p->info.max_positions);
		p->max_tokens = c->window_tokens;
	}
	p->limit = p->max_tokens;
	p->overlap = c->window_overlap;
	if (p->overlap == SIZE_MAX)
		p->overlap = p->max_tokens && p->max_tokens / 4 < DEFAULT_OVERLAP ?
			p->max_tokens / 4 : DEFAULT_OVERLAP;
	else if (p->max_tokens && p->overlap >= p->max_tokens)
		return tn_fail(call, TN_ECONFIG, "%s: window.overlap is %zu, expected less than the "
			"%zu tokens of a window", window_place(c, "overlap", call), p->overlap,
			p->max_tokens);
	return 0;
}

static void choose_threads(struct tn_pipeline *p)
{
	p->threads = p->config->threads ? p->config->threads : tn_machine_threads();
	p->threads_per_call = p->config->threads_per_call ? p->config->threads_per_call : p->threads;
	if (p->threads_per_call > p->threads)
		p->threads_per_call = p->threads;
}

int tn_pipeline_refresh(struct tn_pipeline *p, struct tn_call *call)
{
	for (size_t i = 0; i < p->n_heads; i++)
		if (p->heads[i].impl->refresh &&
				p->heads[i].impl->refresh(p->heads[i].state, call))
			return tn_status(call);
	return tn_plan_refresh(p->plan, call);
}

/* How much of a pipeline is opened. */
enum extent { TOKENS, HEADS, ALL };

static struct tn_pipeline *open_parts(const char *path, const char *const *settings, size_t n_kept,
	enum extent extent, const struct tn_training *training, struct tn_call *call)
{
	struct tn_pipeline *p = calloc(1, sizeof(*p));

	if (!p) {
		tn_fail(call, TN_ENOMEM, "out of memory");
		return NULL;
	}
	pthread_mutex_init(&p->lock, NULL);
	pthread_cond_init(&p->free_slot, NULL);
	p->n_kept = n_kept;
	p->training = training;
	p->arena = tn_arena_create();
	if (!p->arena) {
		tn_fail(call, TN_ENOMEM, "out of memory");
		goto failed;
	}
	p->config = tn_pipeline_config_read(path, settings, p->arena, call);
	if (!p->config || tn_pipeline_config_check(p->config, call))
		goto failed;
	choose_threads(p);
	p->dir = tn_model_dir_open(p->config->model, p->arena, call);
	if (!p->dir || open_model(p, call) || open_tokenizer(p, call) || choose_window(p, call))
		goto failed;
	if (extent == TOKENS)
		return p;
	if (tn_heads_open(p, call) || tn_chain_open(&p->chain, p->config, p->threads, call))
		goto failed;
	if (extent == ALL && tn_pipeline_plan(p, call))
		goto failed;
	return p;
failed:
	tn_pipeline_close(p);
	return NULL;
}

struct tn_pipeline *tn_pipeline_open_with(const char *path, const char *const *settings,
	size_t n_kept, struct tn_call *call)
{
	return open_parts(path, settings, n_kept, ALL, NULL, call);
}

struct tn_pipeline *tn_pipeline_open_tokens(const char *path, const char *const *settings,
	struct tn_call *call)
{
	struct tn_pipeline *p = open_parts(path, settings, 0, TOKENS, NULL, call);

	if (p)
		p->max_tokens = 0;
	return p;
}

struct tn_pipeline *tn_pipeline_open_training(const char *path, const char *const *settings,
	const struct tn_training *training, struct tn_call *call)
{
	return open_parts(path, settings, 0, HEADS, training, call);
}

struct tn_pipeline *tn_pipeline_open(const char *path, const char *const *settings,
	struct tn_call *call)
{
	return tn_pipeline_open_with(path, settings, 0, call);
}

void tn_pipeline_close(struct tn_pipeline *p)
{
	if (!p)
		return;
	while (p->idle) {
		struct tn_session *s = p->idle;

		p->idle = s->next;
		session_destroy(s);
	}
	tn_plan_destroy(p->plan);
	tn_heads_close(p);
	if (p->tokenizer && p->tokenizer->plugin->impl.tokenizer->close)
		p->tokenizer->plugin->impl.tokenizer->close(p->tokenizer);
	tn_plugin_free(p->tokenizer);
	if (p->model && p->model->plugin->impl.model->close)
		p->model->plugin->impl.model->close(p->model);
	tn_plugin_free(p->model);
	tn_weights_close(p->weights);
	tn_chain_close(&p->chain);
	pthread_mutex_destroy(&p->lock);
	pthread_cond_destroy(&p->free_slot);
	tn_arena_destroy(p->arena);
	free(p);
}

size_t tn_pipeline_n_heads(const struct tn_pipeline *p)
{
	return p->n_heads;
}

const char *tn_pipeline_head(const struct tn_pipeline *p, size_t i)
{
	return i < p->n_heads ? p->heads[i].name : NULL;
}

const char *tn_version(void)
{
	return PACKAGE_VERSION;
}
