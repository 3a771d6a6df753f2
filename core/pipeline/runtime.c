/* SPDX-License-Identifier: Apache-2.0
 * core/pipeline/runtime.c - the machine's threads and the chain of backends.
 */
#include <config.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pipeline/runtime.h"
#include "tensor/backend.h"

/* Processors that the control group's quota pays for, rounded up; 0: no quota.
 * Source: Documentation/admin-guide/cgroup-v2.rst, "cpu.max". */
static size_t quota_threads(void)
{
	FILE *f = fopen("/sys/fs/cgroup/cpu.max", "re");
	long long quota = 0, period = 0;
	int n;

	if (!f)
		return 0;
	n = fscanf(f, "%lld %lld", &quota, &period);
	fclose(f);
	return n == 2 && quota > 0 && period > 0 ? (size_t)((quota + period - 1) / period) : 0;
}

size_t tn_machine_threads(void)
{
	cpu_set_t set;
	size_t n = 1, quota = quota_threads();

	if (!sched_getaffinity(0, sizeof(set), &set))
		n = (size_t)CPU_COUNT(&set);
	if (quota && quota < n)
		n = quota;
	return n ? n : 1;
}

/* A backend, shared by all chains that want it with as many threads and no options. */
struct opened {
	struct tn_backend_core core;	/* of the backend: leads back here */
	struct opened *next;		/* of the shared ones */
	struct tn_backend *backend;
	size_t users;
	bool shared;
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct opened *backends;

static void destroy(struct opened *o)
{
	const struct tn_backend_impl *impl = o->backend ? o->backend->plugin->impl.backend : NULL;

	if (impl && impl->close && o->core.ready != TN_NOT_ASKED)
		impl->close(o->backend);
	tn_plugin_free(o->backend);
	pthread_mutex_destroy(&o->core.lock);
	free(o);
}

static struct opened *create(const struct tn_plugin *plugin, const struct tn_value *group,
	size_t threads, struct tn_call *call)
{
	static const char *const reserved[] = { "use", NULL };
	struct opened *o = calloc(1, sizeof(*o));

	if (!o) {
		tn_fail(call, TN_ENOMEM, "out of memory");
		return NULL;
	}
	pthread_mutex_init(&o->core.lock, NULL);
	o->core.threads = (int)threads;
	o->shared = !group;
	o->backend = tn_plugin_new(plugin, call);
	if (!o->backend || tn_options_store(plugin, o->backend, group, reserved, "backends", call)) {
		destroy(o);
		return NULL;
	}
	o->backend->core = &o->core;
	return o;
}

static struct opened *find_shared(const struct tn_plugin *plugin, size_t threads)
{
	struct opened *o = backends;

	while (o && (o->backend->plugin != plugin || o->core.threads != (int)threads))
		o = o->next;
	return o;
}

static int add_one(struct tn_chain *chain, const struct tn_plugin *plugin,
	const struct tn_component_config *c, size_t threads, struct tn_call *call)
{
	const struct tn_value *group = c ? c->group : NULL;
	struct opened *o;

	pthread_mutex_lock(&lock);
	o = group ? NULL : find_shared(plugin, threads);
	if (!o) {
		o = create(plugin, group, threads, call);
		if (o && o->shared) {
			o->next = backends;
			backends = o;
		}
	}
	if (o) {
		o->users++;
		chain->items[chain->n++] = o->backend;
	}
	pthread_mutex_unlock(&lock);
	return o ? 0 : tn_status(call);
}

static void give(struct opened *o)
{
	struct opened **at = &backends;

	pthread_mutex_lock(&lock);
	if (!--o->users) {
		while (o->shared && *at != o)
			at = &(*at)->next;
		if (o->shared)
			*at = o->next;
		destroy(o);
	}
	pthread_mutex_unlock(&lock);
}

static int by_rank(const void *a, const void *b)
{
	const struct tn_plugin *x = *(const struct tn_plugin *const *)a;
	const struct tn_plugin *y = *(const struct tn_plugin *const *)b;

	return x->rank != y->rank ? (x->rank < y->rank) - (x->rank > y->rank) :
		strcmp(x->names[0], y->names[0]);
}

/* After a failure: the backend is not used, and that is said.  Running out of memory is
 * the only error. */
static int leave_out(const char *name, struct tn_call *call)
{
	if (!tn_status(call))
		return 0;
	if (tn_status(call) == TN_ENOMEM)
		return TN_ENOMEM;
	tn_note(call, "backend %s is left out: %s", name, tn_error_text(call));
	tn_clear(call);
	return 0;
}

struct found {
	const char *names[TN_MOST_BACKENDS];
	size_t n;
};

static int add_name(void *user, enum tn_plugin_kind kind, const char *name)
{
	struct found *f = user;

	if (kind != TN_BACKEND || f->n == TN_MOST_BACKENDS)
		return 0;
	for (size_t i = 0; i < f->n; i++)
		if (!strcmp(f->names[i], name))
			return 0;
	f->names[f->n++] = name;
	return 0;
}

/* All installed backends by rank; one that cannot work here is left out. */
static int open_installed(struct tn_chain *chain, const struct tn_plugin_path *path,
	size_t threads, struct tn_call *call)
{
	struct found found = { .n = 0 };
	const struct tn_plugin *plugins[TN_MOST_BACKENDS];
	size_t n = 0;

	if (tn_plugin_names(path, add_name, &found, call))
		return tn_status(call);
	chain->items = calloc(found.n + 1, sizeof(*chain->items));
	if (!chain->items)
		return tn_fail(call, TN_ENOMEM, "out of memory");
	for (size_t i = 0; i < found.n; i++) {
		const struct tn_plugin *plugin = tn_plugin_load(TN_BACKEND, found.names[i], path,
			call);

		if (plugin && plugin->rank >= 0)
			plugins[n++] = plugin;
		if (leave_out(found.names[i], call))
			return TN_ENOMEM;
	}
	qsort(plugins, n, sizeof(*plugins), by_rank);
	for (size_t i = 0; i < n; i++) {
		add_one(chain, plugins[i], NULL, threads, call);
		if (leave_out(plugins[i]->names[0], call))
			return TN_ENOMEM;
	}
	return chain->n ? 0 : tn_fail(call, TN_EPLUGIN, "no backend is installed that works here");
}

static const struct tn_backend_core *core_of(const struct tn_chain *chain, size_t i)
{
	return chain->items[i]->core;
}

int tn_chain_open(struct tn_chain *chain, const struct tn_pipeline_config *config, size_t threads,
	struct tn_call *call)
{
	memset(chain, 0, sizeof(*chain));
	if (!config->n_backends)
		return open_installed(chain, &config->plugins, threads, call);
	chain->items = calloc(config->n_backends, sizeof(*chain->items));
	if (!chain->items)
		return tn_fail(call, TN_ENOMEM, "out of memory");
	for (size_t i = 0; i < config->n_backends; i++) {
		const struct tn_component_config *c = &config->backends[i];
		const struct tn_plugin *plugin = tn_plugin_load(TN_BACKEND, c->use,
			&config->plugins, call);

		if (!plugin || add_one(chain, plugin, c, threads, call))
			return tn_status(call);
		if (tn_backend_ready(chain->items[i]))
			return tn_fail(call, core_of(chain, i)->code, "%s", core_of(chain, i)->why);
	}
	return 0;
}

void tn_chain_note(const struct tn_chain *chain, struct tn_call *call)
{
	for (size_t i = 0; i < chain->n; i++)
		if (core_of(chain, i)->ready == TN_CANNOT)
			tn_note(call, "backend %s is left out: %s",
				chain->items[i]->plugin->names[0], core_of(chain, i)->why);
}

void tn_chain_close(struct tn_chain *chain)
{
	for (size_t i = 0; i < chain->n; i++)
		give((struct opened *)chain->items[i]->core);
	free(chain->items);
	memset(chain, 0, sizeof(*chain));
}
