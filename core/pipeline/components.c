/* SPDX-License-Identifier: Apache-2.0
 * core/pipeline/components.c - checks all that a configuration names before anything is
 * opened, so that its faults come together.
 */
#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include "base/config.h"
#include "pipeline/config.h"

static const char *const head_reserved[] = { "labels", "on_overflow", "use", "weights", NULL };
static const char *const backend_reserved[] = { "use", NULL };

/* What `probe` has against a component becomes a fault at the place that names it. */
static void pass_on(struct tn_call *call, const struct tn_call *probe, const char *place)
{
	for (size_t i = 0; i < tn_n_faults(probe); i++)
		tn_fault(call, (enum tn_error)tn_status(probe), "%s%s%s", place, *place ? ": " : "",
			tn_fault_text(probe, i));
}

static void check_component(const struct tn_pipeline_config *config, enum tn_plugin_kind kind,
	const struct tn_component_config *c, const char *const *reserved, struct tn_call *call,
	struct tn_call *probe)
{
	const struct tn_plugin *plugin;
	void *state;

	if (!c->use)
		return;
	tn_clear(probe);
	plugin = tn_plugin_load(kind, c->use, &config->plugins, probe);
	if (!plugin) {
		pass_on(call, probe, tn_printf(call, "%s: %s", tn_value_where(c->place, call),
			c->where));
		return;
	}
	state = tn_plugin_new(plugin, probe);
	if (state)
		tn_options_store(plugin, state, c->group, reserved, c->where, probe);
	pass_on(call, probe, "");
	tn_plugin_free(state);
}

static void check_path(const struct tn_value *v, const char *path, const char *name, bool directory,
	struct tn_call *call)
{
	struct stat st;

	if (stat(path, &st))
		tn_fault(call, errno == ENOENT || errno == ENOTDIR ? TN_ENOINPUT : TN_EIO,
			"%s: %s: %s: %s", tn_value_where(v, call), name, path, strerror(errno));
	else if (directory && !S_ISDIR(st.st_mode))
		tn_fault(call, TN_ENOINPUT, "%s: %s: %s is not a directory", tn_value_where(v, call),
			name, path);
}

int tn_pipeline_config_check(const struct tn_pipeline_config *config, struct tn_call *call)
{
	struct tn_call *probe = tn_call_create();

	if (!probe)
		return tn_fail(call, TN_ENOMEM, "out of memory");
	if (config->model)
		check_path(config->model_place, config->model, "model", true, call);
	for (size_t i = 0; i < config->n_heads; i++) {
		const struct tn_component_config *c = &config->heads[i];

		check_component(config, TN_HEAD, c, head_reserved, call, probe);
		if (c->weights)
			check_path(tn_get(c->group, "weights"), c->weights,
				tn_printf(call, "%s.weights", c->where), false, call);
	}
	for (size_t i = 0; i < config->n_backends; i++)
		check_component(config, TN_BACKEND, &config->backends[i], backend_reserved, call,
			probe);
	tn_call_destroy(probe);
	return tn_status(call);
}
