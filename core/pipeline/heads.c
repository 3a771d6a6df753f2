/* SPDX-License-Identifier: Apache-2.0
 * core/pipeline/heads.c - the heads of a pipeline: which, with what weights, labels and
 * options.
 */
#include <stdlib.h>
#include <string.h>

#include "base/config.h"
#include "pipeline/heads.h"

/* Settings of a head that the core reads itself. */
static const char *const reserved[] = { "labels", "on_overflow", "use", "weights", NULL };

static bool source_find(void *user, const char *name, size_t dims[4], uint32_t *n_dims)
{
	struct tn_head_source *s = user;

	return (s->own && tn_weights_shape(s->own, name, dims, n_dims)) ||
		tn_weights_shape(s->model, name, dims, n_dims);
}

static int source_make(void *user, const char *name, const size_t dims[4], uint32_t n_dims,
	struct tn_call *call)
{
	struct tn_head_source *s = user;

	if (s->training->missing)
		s->training->missing(s->training->user, name, dims, n_dims);
	return tn_weights_make(s->own, name, dims, n_dims, call);
}

struct tn_weights *tn_head_store(const struct tn_head_source *s, const char *name)
{
	size_t dims[4];
	uint32_t n_dims;

	return s->own && tn_weights_shape(s->own, name, dims, &n_dims) ? s->own : s->model;
}

static const struct tn_tensor *source_load(void *user, const char *name, enum tn_dtype dtype,
	struct tn_call *call)
{
	return tn_weight_load(tn_head_store(user, name), name, dtype, call);
}

static void source_release(void *user, const struct tn_tensor *weight)
{
	struct tn_head_source *s = user;

	/* A store ignores what is not its own. */
	if (s->own)
		tn_weight_release(s->own, weight);
	tn_weight_release(s->model, weight);
}

static const void *source_identity(void *user, const char *name, uint64_t *version)
{
	return tn_weight_identity(tn_head_store(user, name), name, version);
}

/* tn_head_env.tensor */
static const float *env_tensor(const struct tn_head_env *env, const char *name, size_t rows,
	size_t cols, struct tn_call *call)
{
	const struct tn_pipeline_head *h = env->core;
	struct tn_head_source *s = (struct tn_head_source *)&h->weights;
	const struct tn_tensor *t;
	size_t dims[4];
	uint32_t n_dims;
	float *copy;

	if (!source_find(s, name, dims, &n_dims))
		return NULL;
	if (n_dims != (cols ? 2u : 1u) || dims[0] != rows || (cols && dims[1] != cols)) {
		tn_fail(call, TN_EDATA, "%s: tensor \"%s\" is not [%zu%s%.0zu], which head %s needs",
			s->source.where, name, rows, cols ? "," : "", cols, h->name);
		return NULL;
	}
	t = source_load(s, name, TN_F32, call);
	copy = t ? tn_alloc_n(call, rows * (cols ? cols : 1), sizeof(*copy)) : NULL;
	if (copy)
		memcpy(copy, tn_host_data(t), rows * (cols ? cols : 1) * sizeof(*copy));
	if (t)
		source_release(s, t);
	return copy;
}

/* What a head's file says of itself: {"labels": [...], "options": {...}} as JSON under
 * "tenon" in its metadata. */
static const struct tn_value *file_notes(struct tn_pipeline *p, struct tn_pipeline_head *h,
	struct tn_call *call)
{
	const struct tn_value *text = tn_get(tn_weights_metadata(h->weights.own), "tenon");

	return text ? tn_json_parse(tn_string(text, ""), tn_string_length(text),
		h->weights.source.where, p->arena, call) : NULL;
}

/* A copy of `over` with the members of `under` that it lacks. */
static struct tn_value *merge(struct tn_arena *arena, const struct tn_value *over,
	const struct tn_value *under)
{
	struct tn_value *merged = tn_new_object(arena);

	for (size_t i = 0; i < tn_size(under); i++)
		tn_set(arena, merged, tn_key(under, i), (struct tn_value *)tn_at(under, i));
	for (size_t i = 0; i < tn_size(over); i++)
		tn_set(arena, merged, tn_key(over, i), (struct tn_value *)tn_at(over, i));
	return merged;
}

/* The head's own weights file, if the configuration or the class of the model names one. */
static int open_weights(struct tn_pipeline *p, struct tn_pipeline_head *h, bool of_class,
	struct tn_call *call)
{
	struct tn_head_source *s = &h->weights;
	const char *file = h->config->weights ? h->config->weights :
		of_class ? p->dir->head_weights : NULL;

	s->model = p->weights;
	s->training = p->training;
	s->source = (struct tn_weight_source){ .user = s, .find = source_find, .load = source_load,
		.release = source_release, .identity = source_identity,
		.where = tn_weights_where(p->weights) };
	if (p->training)
		s->source.make = source_make;
	if (file)
		s->own = tn_weights_open_file(file, p->training, call);
	else if (p->training)
		s->own = tn_weights_create(h->config->where, call);
	else
		return 0;
	if (!s->own)
		return tn_status(call);
	s->source.where = tn_weights_where(s->own);
	return 0;
}

/* The index of a choice among the head's options, by the option's name; -1: it has none. */
static const char *choice_of(const struct tn_pipeline_head *h, const char *name)
{
	for (const struct tn_option *o = h->plugin->options; o && o->name; o++)
		if (!strcmp(o->name, name) && o->type == TN_OPT_CHOICE)
			return o->choices[*(const int32_t *)((const char *)h->state + o->offset)];
	return NULL;
}

/* All heads read the same words. */
static int choose_words(struct tn_pipeline *p, struct tn_pipeline_head *h, struct tn_call *call)
{
	const char *choice = choice_of(h, "words");
	enum tn_words_mode mode;

	if (!choice)
		return 0;
	mode = !strcmp(choice, "pretokenizer") ? TN_WORDS_PRETOKENIZER : TN_WORDS_SPACE;
	if (p->words_mode != TN_WORDS_NONE && p->words_mode != mode)
		return tn_fault(call, TN_ECONFIG, "%s: heads of one pipeline must agree on words: %s "
			"wants \"%s\", a head before it does not", h->config->place ?
			tn_value_where(h->config->place, call) : p->config->path, h->config->where,
			choice);
	p->words_mode = mode;
	return 0;
}

/* Labels of the head's file, else of the configuration, else of the model.  A file
 * without labels may have an empty list. */
static int choose_labels(struct tn_pipeline *p, struct tn_pipeline_head *h,
	const struct tn_value *of_file, struct tn_call *call)
{
	const size_t given = h->config->labels ? h->config->n_labels : 0, n = tn_size(of_file);

	if (!n && given) {
		h->env.labels = h->config->labels;
		h->env.n_labels = given;
	}
	if (!n)
		return 0;
	h->env.labels = tn_config_labels(of_file, h->config->where, p->arena, call);
	h->env.n_labels = n;
	for (size_t i = 0; i < given && h->env.labels; i++)
		if (given != n || strcmp(h->config->labels[i], h->env.labels[i]))
			return tn_fault(call, TN_ECONFIG, "%s: %s.labels are not the %zu labels "
				"that stand in %s; leave them out",
				tn_value_where(tn_get(h->config->group, "labels"), call),
				h->config->where, n, tn_weights_where(h->weights.own));
	return tn_status(call);
}

/* The configuration's options, over those of the head's file or of the class. */
static int choose_options(struct tn_pipeline *p, struct tn_pipeline_head *h,
	const struct tn_value *under, struct tn_call *call)
{
	if (h->impl->config_only && tn_size(under))
		return tn_fault(call, TN_ECONFIG, "%s: it states options of head %s, which the "
			"configuration alone may state, for they say what code runs",
			h->weights.source.where, h->name);
	h->options = merge(p->arena, h->config->group, under);
	return tn_options_store(h->plugin, h->state, h->options, reserved, h->config->where, call);
}

/* What the examples say of a head without weights; labels that the configuration states stay. */
static int learn_labels(const struct tn_pipeline *p, struct tn_pipeline_head *h,
	struct tn_call *call)
{
	struct tn_gold_labels found = { .n = 0 };

	if (p->training->labels && p->training->labels(p->training->user, h->name, h->impl->task,
			&found, call))
		return tn_status(call);
	h->env.gold = found.kind;
	if (!h->env.n_labels) {
		h->env.labels = found.items;
		h->env.n_labels = found.n;
	}
	return 0;
}

/* The class that a model with this head alone is of, once the head is trained; NULL: there is
 * none, or the model stays as it is.  Layers of the family before the last one are made too. */
static const struct tn_model_class *class_to_be(const struct tn_pipeline *p,
	const struct tn_pipeline_head *h)
{
	const struct tn_model_class *c = p->model->plugin->impl.model->classes;

	if (!h->env.untrained || p->training->frozen_features || p->config->n_heads > 1)
		return NULL;
	while (c && c->name && (strcmp(c->head, h->config->use) || !c->weights))
		c++;
	return c && c->name ? c : NULL;
}

static int open_head(struct tn_pipeline *p, struct tn_pipeline_head *h, struct tn_call *call)
{
	const struct tn_model_class *to_be;
	const struct tn_value *notes, *options;
	bool of_class = p->class && !strcmp(p->class->head, h->config->use);
	bool of_model, has_labels;

	h->plugin = tn_plugin_load(TN_HEAD, h->config->use, &p->config->plugins, call);
	if (!h->plugin)
		return tn_status(call);
	h->impl = h->plugin->impl.head;
	h->on_overflow = h->config->on_overflow < 0 ? h->impl->on_overflow :
		(enum tn_overflow)h->config->on_overflow;
	h->state = tn_plugin_new(h->plugin, call);
	if (!h->state || open_weights(p, h, of_class, call))
		return tn_status(call);
	of_model = of_class && !h->config->weights;
	has_labels = of_model && h->impl->task <= TN_TASK_SPANS;	/* id2label is always there */
	h->env = (struct tn_head_env){ .name = h->name, .config = p->dir->config,
		.feature = of_class ? p->class->feature : NULL,
		.weights = of_model ? p->class->weights : NULL,
		.labels = has_labels ? p->dir->labels : NULL,
		.n_labels = has_labels ? p->dir->n_labels : 0,
		.tokenizer = p->tokenizer, .tokenizer_info = p->tokenizer_info,
		.tensor = env_tensor, .core = h,
		.untrained = p->training && !of_class && !h->config->weights };
	to_be = class_to_be(p, h);
	if (to_be) {
		h->env.feature = to_be->feature;
		h->env.weights = to_be->weights;
	}
	if (p->config->n_heads == 1 && (to_be || h->config->weights))
		p->feature_source = h->weights.source;
	notes = h->config->weights ? file_notes(p, h, call) : NULL;
	if (choose_labels(p, h, tn_get(notes, "labels"), call))
		return tn_status(call);
	if (h->env.untrained && learn_labels(p, h, call))
		return tn_status(call);
	options = h->config->weights ? tn_get(notes, "options") :
		of_class ? p->dir->head_options : NULL;
	if (choose_options(p, h, options, call) || choose_words(p, h, call))
		return tn_status(call);
	h->opened = true;
	if (h->impl->open && h->impl->open(h->state, &h->env, call))
		return tn_status(call);
	p->windows |= h->on_overflow == TN_OVERFLOW_WINDOW;
	p->pair_is_long |= h->impl->task == TN_TASK_ANSWER;
	return 0;
}

/* Without any head there is one, that of the model's class. */
static int add_deduced(struct tn_pipeline *p, struct tn_call *call)
{
	struct tn_component_config *c = tn_arena_alloc(p->arena, sizeof(*c));

	if (!c)
		return tn_fail(call, TN_ENOMEM, "out of memory");
	*c = (struct tn_component_config){ .name = TN_DEDUCED_HEAD,
		.where = "heads." TN_DEDUCED_HEAD, .on_overflow = -1 };
	p->config->heads = c;
	p->config->n_heads = 1;
	return 0;
}

/* The plugin of a head that names none. */
static int deduce_use(struct tn_pipeline *p, struct tn_component_config *c, struct tn_call *call)
{
	if (!p->class)
		return tn_fail(call, TN_ECONFIG, "%s: the class %s is not one that model %s knows a head "
			"for; name the heads in a configuration file", p->dir->config_path,
			p->dir->class ? p->dir->class : "(none)", p->model->plugin->names[0]);
	c->use = p->class->head;
	return 0;
}

int tn_heads_open(struct tn_pipeline *p, struct tn_call *call)
{
	if (!p->config->n_heads && add_deduced(p, call))
		return tn_status(call);
	p->heads = tn_arena_alloc(p->arena, p->config->n_heads * sizeof(*p->heads));
	if (!p->heads)
		return tn_fail(call, TN_ENOMEM, "out of memory");
	p->n_heads = p->config->n_heads;
	p->feature_source = p->model_source;
	for (size_t i = 0; i < p->n_heads; i++) {
		struct tn_component_config *c = &p->config->heads[i];

		if (!c->use && deduce_use(p, c, call))
			return tn_status(call);
		p->heads[i].config = c;
		p->heads[i].name = c->name;
		open_head(p, &p->heads[i], call);
		if (tn_status(call) && tn_status(call) != TN_ECONFIG)
			return tn_status(call);
	}
	return tn_status(call);
}

void tn_heads_close(struct tn_pipeline *p)
{
	for (size_t i = 0; p->heads && i < p->n_heads; i++) {
		struct tn_pipeline_head *h = &p->heads[i];

		if (h->opened && h->impl->close)
			h->impl->close(h->state);
		tn_plugin_free(h->state);
		tn_weights_close(h->weights.own);
	}
}
