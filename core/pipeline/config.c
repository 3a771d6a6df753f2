/* SPDX-License-Identifier: Apache-2.0
 * core/pipeline/config.c - reads and checks a pipeline's configuration.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/config.h"
#include "base/nearest.h"
#include "pipeline/config.h"

/* What the functions below share. */
struct reading {
	struct tn_pipeline_config *config;
	struct tn_arena *arena;
	struct tn_call *call;
};

static const char *const top_keys[] = {
	"backends", "heads", "model", "plugin_path", "precision", "threads", "threads_per_call",
	"window", NULL
};
static const char *const window_keys[] = { "overlap", "tokens", NULL };
static const char *const model_keys[] = { "path", NULL };
static const char *const reserved_heads[] = { "input", "id", "text", "words", "truncated", "error",
	NULL };

static size_t count(const char *const *list)
{
	size_t n = 0;

	while (list[n])
		n++;
	return n;
}

static const char *join(struct reading *r, const char *const *list)
{
	const char *text = "";

	for (size_t i = 0; list[i] && text; i++)
		text = tn_printf(r->call, "%s%s%s", text, i ? ", " : "", list[i]);
	return text ? text : "";
}

/* Every member of a group must have a name that is known. */
static void check_keys(struct reading *r, const struct tn_value *group, const char *where,
	const char *const *known)
{
	for (size_t i = 0; i < tn_size(group); i++) {
		const char *key = tn_key(group, i), *near;
		bool found = false;

		for (size_t k = 0; known[k]; k++)
			found |= !strcmp(known[k], key);
		if (found)
			continue;
		near = tn_nearest(key, known, count(known));
		tn_fault(r->call, TN_ECONFIG, "%s: %s%s: no such setting%s%s%s (known: %s)",
			tn_value_where(tn_at(group, i), r->call), where, key,
			near ? "; did you mean \"" : "", near ? near : "", near ? "\"?" : "",
			join(r, known));
	}
}

static void wrong_kind(struct reading *r, const struct tn_value *v, const char *name,
	const char *expected)
{
	tn_fault(r->call, TN_ECONFIG, "%s: %s is %s, expected %s", tn_value_where(v, r->call), name,
		tn_value_kind_name(tn_value_kind(v)), expected);
}

static size_t read_size(struct reading *r, const struct tn_value *group, const char *where,
	const char *key, size_t otherwise, size_t min, size_t max)
{
	const struct tn_value *v = tn_get(group, key);
	const char *name = tn_printf(r->call, "%s%s", where, key);

	if (!v || !name)
		return otherwise;
	if (tn_value_kind(v) != TN_VALUE_INT) {
		wrong_kind(r, v, name, "an integer");
		return otherwise;
	}
	if (tn_int(v, -1) < (int64_t)min || tn_int(v, -1) > (int64_t)max) {
		tn_fault(r->call, TN_ECONFIG, "%s: %s is %lld, expected %zu to %zu",
			tn_value_where(v, r->call), name, (long long)tn_int(v, 0), min, max);
		return otherwise;
	}
	return (size_t)tn_int(v, 0);
}

/* The path in a string: relative to the file that states it; of --set, to the current
 * directory. */
static const char *resolve(struct reading *r, const struct tn_value *v)
{
	const char *path = tn_string(v, ""), *file = tn_value_file(v);
	const char *slash = file ? strrchr(file, '/') : NULL;
	char *full;

	if (path[0] == '/' || !slash || tn_value_line(v) == 0)
		return path;
	full = tn_arena_alloc(r->arena, (size_t)(slash - file) + strlen(path) + 2);
	if (!full) {
		tn_fail(r->call, TN_ENOMEM, "out of memory");
		return path;
	}
	sprintf(full, "%.*s/%s", (int)(slash - file), file, path);
	return full;
}

static void read_model(struct reading *r)
{
	const struct tn_value *v = tn_get(r->config->tree, "model"), *path = v;

	if (!v) {
		tn_fault(r->call, TN_ECONFIG, "%s: there is no setting \"model\", which names the "
			"model's directory", r->config->path);
		return;
	}
	if (tn_value_kind(v) == TN_VALUE_OBJECT) {
		check_keys(r, v, "model.", model_keys);
		path = tn_get(v, "path");
	}
	if (tn_value_kind(path) != TN_VALUE_STRING)
		wrong_kind(r, path ? path : v, path && path != v ? "model.path" : "model",
			"a string, the model's directory");
	else
		r->config->model = resolve(r, path);
	r->config->model_place = path;
}

/* The head of a model directory: its class says which plugin it is, settings change its
 * options. */
static bool is_deduced(const struct reading *r, const struct tn_component_config *c)
{
	return r->config->directory && c->name && !strcmp(c->name, TN_DEDUCED_HEAD);
}

/* A component is a string, or a group with `use`. */
static void read_component(struct reading *r, const struct tn_value *v,
	struct tn_component_config *c)
{
	const struct tn_value *use = v;

	if (tn_value_kind(v) == TN_VALUE_OBJECT) {
		c->group = v;
		use = tn_get(v, "use");
	}
	if (!use && is_deduced(r, c))
		use = v;
	else if (!use)
		tn_fault(r->call, TN_ECONFIG, "%s: %s has no \"use\", which names its plugin",
			tn_value_where(v, r->call), c->where);
	else if (tn_value_kind(use) != TN_VALUE_STRING)
		wrong_kind(r, use, c->where, "a plugin's name, or a group with \"use\"");
	else
		c->use = tn_string(use, "");
	c->place = use;
}

static struct tn_component_config *new_components(struct reading *r, size_t n)
{
	struct tn_component_config *c = tn_arena_alloc(r->arena, (n + 1) * sizeof(*c));

	if (!c)
		tn_fail(r->call, TN_ENOMEM, "out of memory");
	return c;
}

static bool is_head_name(const char *name)
{
	if (!((name[0] >= 'a' && name[0] <= 'z') || (name[0] >= 'A' && name[0] <= 'Z')))
		return false;
	return strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-") ==
		strlen(name);
}

/* A list of strings, or one string. */
static size_t list_size(const struct tn_value *v)
{
	return tn_value_kind(v) == TN_VALUE_LIST ? tn_size(v) : v ? 1 : 0;
}

static const struct tn_value *list_at(const struct tn_value *v, size_t i)
{
	return tn_value_kind(v) == TN_VALUE_LIST ? tn_at(v, i) : v;
}

const char *const *tn_config_labels(const struct tn_value *list, const char *where,
	struct tn_arena *arena, struct tn_call *call)
{
	size_t n = list_size(list);
	const char **labels = tn_arena_alloc(arena, (n + 1) * sizeof(*labels));

	if (!labels)
		tn_fail(call, TN_ENOMEM, "out of memory");
	else if (!n)
		tn_fault(call, TN_ECONFIG, "%s: %s.labels is empty, expected a list of names",
			tn_value_where(list, call), where);
	for (size_t i = 0; labels && i < n; i++) {
		const struct tn_value *v = list_at(list, i);

		labels[i] = tn_string(v, NULL);
		if (labels[i])
			continue;
		tn_fault(call, TN_ECONFIG, "%s: %s.labels has %s, expected a list of names",
			tn_value_where(v, call), where, tn_value_kind_name(tn_value_kind(v)));
		return NULL;
	}
	return n ? labels : NULL;
}

/* What a setting is when it is not what was expected: a text itself, the kind of others. */
static const char *found(struct reading *r, const struct tn_value *v)
{
	return tn_value_kind(v) == TN_VALUE_STRING ?
		tn_quote(r->call, tn_string(v, ""), tn_string_length(v)) :
		tn_value_kind_name(tn_value_kind(v));
}

/* One of these names; its index, or -1 after a fault. */
static int read_choice(struct reading *r, const struct tn_value *v, const char *name,
	const char *const *known)
{
	const char *near;

	for (int i = 0; known[i]; i++)
		if (!strcmp(tn_string(v, ""), known[i]))
			return i;
	near = tn_nearest(tn_string(v, ""), known, count(known));
	tn_fault(r->call, TN_ECONFIG, "%s: %s is %s, expected one of: %s%s%s%s",
		tn_value_where(v, r->call), name, found(r, v), join(r, known),
		near ? "; did you mean \"" : "", near ? near : "", near ? "\"?" : "");
	return -1;
}

/* What the core reads of a head itself. */
static void read_head_settings(struct reading *r, struct tn_component_config *head)
{
	static const char *const overflows[] = { "window", "truncate", "error", NULL };
	const struct tn_value *weights = tn_get(head->group, "weights");
	const struct tn_value *labels = tn_get(head->group, "labels");
	const struct tn_value *overflow = tn_get(head->group, "on_overflow");

	head->on_overflow = -1;
	if (overflow)
		head->on_overflow = read_choice(r, overflow,
			tn_printf(r->call, "%s.on_overflow", head->where), overflows);
	if (labels)
		head->labels = tn_config_labels(labels, head->where, r->arena, r->call);
	head->n_labels = list_size(labels);
	if (weights && tn_value_kind(weights) == TN_VALUE_STRING)
		head->weights = resolve(r, weights);
	else if (weights)
		wrong_kind(r, weights, tn_printf(r->call, "%s.weights", head->where),
			"a safetensors file");
}

static void read_heads(struct reading *r)
{
	const struct tn_value *v = tn_get(r->config->tree, "heads");
	struct tn_component_config *heads;

	if (!v)
		return;
	if (tn_value_kind(v) != TN_VALUE_OBJECT) {
		wrong_kind(r, v, "heads", "a group: heads = { NAME = { use = \"PLUGIN\"; }; }");
		return;
	}
	heads = new_components(r, tn_size(v));
	for (size_t i = 0; heads && i < tn_size(v); i++) {
		const struct tn_value *head = tn_at(v, i);

		heads[i].name = tn_key(v, i);
		heads[i].where = tn_arena_dup(r->arena, tn_printf(r->call, "heads.%s", tn_key(v, i)),
			strlen(tn_key(v, i)) + 6);
		for (size_t k = 0; reserved_heads[k]; k++)
			if (!strcmp(reserved_heads[k], heads[i].name))
				tn_fault(r->call, TN_ECONFIG, "%s: a head cannot be called \"%s\": answers "
					"have a member of that name", tn_value_where(head, r->call),
					heads[i].name);
		if (!is_head_name(heads[i].name))
			tn_fault(r->call, TN_ECONFIG, "%s: \"%s\" is no name for a head: expected letters, "
				"digits, - and _", tn_value_where(head, r->call), heads[i].name);
		read_component(r, head, &heads[i]);
		read_head_settings(r, &heads[i]);
	}
	r->config->heads = heads;
	r->config->n_heads = tn_size(v);
}

static void read_backends(struct reading *r)
{
	const struct tn_value *v = tn_get(r->config->tree, "backends");
	struct tn_component_config *c = new_components(r, list_size(v));

	if (list_size(v) > TN_MOST_BACKENDS) {
		tn_fault(r->call, TN_ECONFIG, "%s: backends names %zu, expected at most %d",
			tn_value_where(v, r->call), list_size(v), TN_MOST_BACKENDS);
		return;
	}
	for (size_t i = 0; c && i < list_size(v); i++) {
		c[i].where = "backends";
		read_component(r, list_at(v, i), &c[i]);
	}
	r->config->backends = c;
	r->config->n_backends = list_size(v);
}

static void read_plugin_path(struct reading *r)
{
	const struct tn_value *v = tn_get(r->config->tree, "plugin_path");
	const char **dirs = tn_arena_alloc(r->arena, (list_size(v) + 1) * sizeof(*dirs));

	if (!dirs) {
		tn_fail(r->call, TN_ENOMEM, "out of memory");
		return;
	}
	for (size_t i = 0; i < list_size(v); i++) {
		const struct tn_value *item = list_at(v, i);

		if (tn_value_kind(item) == TN_VALUE_STRING)
			dirs[r->config->plugins.n++] = resolve(r, item);
		else
			wrong_kind(r, item, "plugin_path", "a list of directories");
	}
	r->config->plugins.dirs = dirs;
}

static void read_precision(struct reading *r)
{
	static const char *const known[] = { "fp32", "bf16", "int8", NULL };
	const struct tn_value *v = tn_get(r->config->tree, "precision");

	int i = v ? read_choice(r, v, "precision", known) : 0;

	r->config->precision = known[i < 0 ? 0 : i];
}

static void read_window(struct reading *r)
{
	const struct tn_value *v = tn_get(r->config->tree, "window");

	r->config->window_overlap = SIZE_MAX;
	if (!v)
		return;
	if (tn_value_kind(v) != TN_VALUE_OBJECT) {
		wrong_kind(r, v, "window", "a group: window = { tokens = 384; overlap = 128; }");
		return;
	}
	check_keys(r, v, "window.", window_keys);
	r->config->window_tokens = read_size(r, v, "window.", "tokens", 0, 3, 1u << 24);
	r->config->window_overlap = read_size(r, v, "window.", "overlap", SIZE_MAX, 0, 1u << 24);
}

static void read_tree(struct reading *r)
{
	struct tn_pipeline_config *c = r->config;

	check_keys(r, c->tree, "", top_keys);
	read_model(r);
	read_heads(r);
	read_backends(r);
	read_plugin_path(r);
	read_precision(r);
	read_window(r);
	c->threads = read_size(r, c->tree, "", "threads", 0, 0, 4096);
	c->threads_per_call = read_size(r, c->tree, "", "threads_per_call", 0, 0, 4096);
}

/* A model directory is the configuration that names it and nothing else. */
static struct tn_value *tree_of_directory(const char *path, struct tn_arena *arena)
{
	struct tn_value *tree = tn_new_object(arena), *model = tn_new_text(arena, path);

	return tn_set(arena, tree, "model", model) ? tree : NULL;
}

struct tn_pipeline_config *tn_pipeline_config_read(const char *path, const char *const *settings,
	struct tn_arena *arena, struct tn_call *call)
{
	struct tn_pipeline_config *config = tn_arena_alloc(arena, sizeof(*config));
	struct reading r = { config, arena, call };
	struct stat st;

	if (!config) {
		tn_fail(call, TN_ENOMEM, "out of memory");
		return NULL;
	}
	if (stat(path, &st)) {
		tn_fail(call, errno == ENOENT || errno == ENOTDIR ? TN_ENOINPUT : TN_EIO,
			"%s: %s", path, strerror(errno));
		return NULL;
	}
	config->path = tn_arena_dup(arena, path, strlen(path));
	config->directory = S_ISDIR(st.st_mode);
	if (config->directory)
		config->tree = tree_of_directory(path, arena);
	else
		config->tree = tn_config_read(path, arena, call);
	if (!config->tree) {
		tn_fail(call, TN_ENOMEM, "out of memory");
		return NULL;
	}
	for (size_t i = 0; settings && settings[i]; i++)
		tn_config_set(config->tree, settings[i], arena, call);
	read_tree(&r);
	return config;
}
