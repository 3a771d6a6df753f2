/* SPDX-License-Identifier: Apache-2.0
 * core/pipeline/effective.c - the configuration that a pipeline really has.
 */
#include <stdlib.h>
#include <string.h>

#include "pipeline/effective.h"

static struct tn_value *full_path(const char *path, struct tn_arena *arena)
{
	char *full = realpath(path, NULL);
	struct tn_value *v = tn_new_text(arena, full ? full : path);

	free(full);
	return v;
}

static struct tn_value *string_list(const char *const *items, size_t n, struct tn_arena *arena)
{
	struct tn_value *list = tn_new_list(arena);

	for (size_t i = 0; i < n && list; i++)
		if (!tn_append(arena, list, tn_new_text(arena, items[i])))
			list = NULL;
	return list;
}

/* An option's value as it stands in the state; NULL for a text that is not given. */
static struct tn_value *option_value(const struct tn_option *o, const void *state,
	struct tn_arena *arena)
{
	const char *field = (const char *)state + o->offset;
	const struct tn_strings *strings = (const struct tn_strings *)field;

	switch (o->type) {
	case TN_OPT_BOOL:
		return tn_new_bool(arena, *(const bool *)field);
	case TN_OPT_INT:
		return tn_new_int(arena, *(const int64_t *)field);
	case TN_OPT_REAL:
		return tn_new_real(arena, *(const double *)field);
	case TN_OPT_CHOICE:
		return tn_new_text(arena, o->choices[*(const int32_t *)field]);
	case TN_OPT_STRINGS:
		return strings->n ? string_list(strings->items, strings->n, arena) : NULL;
	case TN_OPT_PATH:
		return *(const char *const *)field ?
			full_path(*(const char *const *)field, arena) : NULL;
	default:
		return tn_new_text(arena, *(const char *const *)field);
	}
}

static struct tn_value *head_group(const struct tn_pipeline_head *h, struct tn_arena *arena)
{
	static const char *const overflow[] = { "window", "truncate", "error" };
	struct tn_value *group = tn_new_object(arena), *v = tn_new_text(arena, h->config->use);

	tn_set(arena, group, "use", v);
	if (h->config->weights)
		tn_set(arena, group, "weights", full_path(h->weights.source.where, arena));
	if (h->env.n_labels)
		tn_set(arena, group, "labels", string_list(h->env.labels, h->env.n_labels, arena));
	v = tn_set(arena, group, "on_overflow", tn_new_text(arena, overflow[h->on_overflow]));
	for (const struct tn_option *o = h->plugin->options; v && o && o->name; o++) {
		struct tn_value *value = option_value(o, h->state, arena);

		if (value)
			v = tn_set(arena, group, o->name, value);
	}
	return v ? group : NULL;
}

struct tn_value *tn_pipeline_effective(const struct tn_pipeline *p, struct tn_call *call)
{
	struct tn_arena *arena = tn_call_arena(call);
	struct tn_value *tree = tn_new_object(arena), *heads, *list, *window, *v;

	tn_set(arena, tree, "model", full_path(p->dir->path, arena));
	heads = tn_set(arena, tree, "heads", tn_new_object(arena));
	for (size_t i = 0; i < p->n_heads; i++)
		tn_set(arena, heads, p->heads[i].name, head_group(&p->heads[i], arena));
	list = tn_set(arena, tree, "backends", tn_new_list(arena));
	for (size_t i = 0; i < p->chain.n; i++)
		tn_append(arena, list, tn_new_text(arena, p->chain.items[i]->plugin->names[0]));
	if (p->config->plugins.n) {
		list = tn_set(arena, tree, "plugin_path", tn_new_list(arena));
		for (size_t i = 0; i < p->config->plugins.n; i++)
			tn_append(arena, list, full_path(p->config->plugins.dirs[i], arena));
	}
	tn_set(arena, tree, "threads", tn_new_int(arena, (int64_t)p->threads));
	tn_set(arena, tree, "threads_per_call", tn_new_int(arena, (int64_t)p->threads_per_call));
	v = tn_set(arena, tree, "precision", tn_new_text(arena, p->config->precision));
	if (p->max_tokens) {
		window = tn_set(arena, tree, "window", tn_new_object(arena));
		tn_set(arena, window, "tokens", tn_new_int(arena, (int64_t)p->max_tokens));
		v = tn_set(arena, window, "overlap", tn_new_int(arena, (int64_t)p->overlap));
	}
	if (!v)
		tn_fail(call, TN_ENOMEM, "out of memory");
	return v ? tree : NULL;
}
