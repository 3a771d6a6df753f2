/* SPDX-License-Identifier: Apache-2.0
 * core/cli/bench_ways.c - tenon bench: the chains and threads that are compared, and what
 * opening them costs in a process of their own.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bench/clock.h"
#include "cli/bench.h"

/* What is written by a process of its own that `work` runs in, as far as it came: for a
 * process of one thread. */
static size_t in_child(int (*work)(struct bench *b, struct bench_way *w, int out), struct bench *b,
	struct bench_way *w, void *to, size_t bytes)
{
	size_t n = 0;
	ssize_t got = 1;
	int ends[2];
	pid_t child;

	if (pipe(ends))
		return 0;
	child = fork();
	if (!child) {
		close(ends[0]);
		tn_on_note(b->call, NULL, NULL);
		_exit(work(b, w, ends[1]) ? 1 : 0);
	}
	close(ends[1]);
	while (child > 0 && n < bytes && got) {
		got = read(ends[0], (char *)to + n, bytes - n);
		if (got < 0 && errno != EINTR)
			break;
		n += got > 0 ? (size_t)got : 0;
	}
	close(ends[0]);
	if (child > 0)
		waitpid(child, NULL, 0);
	return n;
}

/* The installed backend of the lowest rank: plain, and the measure of the others. */
struct lowest {
	struct tn_call *call;
	const char *name;
	int rank;
};

static int look_at(void *user, enum tn_plugin_kind kind, const char *name)
{
	static const struct tn_plugin_path nowhere = { NULL, 0 };
	struct lowest *l = user;
	const struct tn_plugin *plugin;

	if (kind != TN_BACKEND)
		return 0;
	plugin = tn_plugin_load(kind, name, &nowhere, l->call);
	tn_clear(l->call);
	if (plugin && plugin->rank >= 0 && (!l->name || plugin->rank < l->rank)) {
		l->name = plugin->names[0];
		l->rank = plugin->rank;
	}
	return 0;
}

static int find_reference(struct bench *b, struct bench_way *w, int out)
{
	static const struct tn_plugin_path nowhere = { NULL, 0 };
	struct lowest l = { .call = b->call };

	if (tn_plugin_names(&nowhere, look_at, &l, b->call) || !l.name)
		return TN_EPLUGIN;
	return write(out, l.name, strlen(l.name)) < 0 ? TN_EIO : 0;
}

const char *bench_reference(struct bench *b)
{
	char name[128] = "";

	/* To know the ranks is to load all of them, which is part of what opening costs. */
	if (!b->reference_name && !in_child(find_reference, b, NULL, name, sizeof(name) - 1))
		tn_fail(b->call, TN_EPLUGIN, "no backend is installed that can be loaded");
	else if (!b->reference_name)
		b->reference_name = tn_arena_dup(b->arena, name, strlen(name));
	return b->reference_name;
}

/* The setting that gives a chain: the backends of "a+b", then the reference. */
static const char *chain_setting(const char *names, const char *reference, struct tn_call *call)
{
	const char *setting = tn_printf(call, "backends=["), *at = names, *comma = "";
	bool has_reference = false;

	while (setting && *at) {
		int n = (int)strcspn(at, "+");

		if (n == (int)strlen(reference) && !memcmp(at, reference, (size_t)n))
			has_reference = true;
		setting = tn_printf(call, "%s%s\"%.*s\"", setting, comma, n, at);
		comma = ",";
		at += n + (at[n] == '+');
	}
	if (!setting)
		return NULL;
	return has_reference ? tn_printf(call, "%s]", setting) :
		tn_printf(call, "%s%s\"%s\"]", setting, comma, reference);
}

static int add_setting(struct bench *b, struct bench_way *w, const char *setting)
{
	size_t n = 0;

	if (!setting)
		return tn_status(b->call);
	while (w->settings[n])
		n++;
	w->settings[n] = tn_arena_dup(b->arena, setting, strlen(setting));
	return w->settings[n] ? 0 : tn_fail(b->call, TN_ENOMEM, "out of memory");
}

static int set_way(struct bench *b, struct bench_way *w, const char *backends, size_t threads)
{
	const char *reference;

	memcpy(w->settings, b->a->settings, sizeof(b->a->settings));
	w->backends = backends;
	if (threads && add_setting(b, w, tn_printf(b->call, "threads=%zu", threads)))
		return tn_status(b->call);
	if (!backends)
		return 0;
	reference = bench_reference(b);
	return reference ? add_setting(b, w, chain_setting(backends, reference, b->call)) :
		tn_status(b->call);
}

int bench_ways(struct bench *b)
{
	const struct bench_arguments *a = b->a;
	size_t n_backends = a->n_backends ? a->n_backends : 1;
	size_t n_threads = a->n_threads ? a->n_threads : 1;

	b->n_ways = n_backends * n_threads;
	b->ways = tn_arena_alloc(b->arena, b->n_ways * sizeof(*b->ways));
	b->peaks = tn_arena_alloc(b->arena, b->n_ways * sizeof(*b->peaks));
	if (!b->ways || !b->peaks)
		return tn_fail(b->call, TN_ENOMEM, "out of memory");
	for (size_t i = 0; i < b->n_ways; i++)
		if (set_way(b, &b->ways[i], a->n_backends ? a->backends[i % n_backends] : NULL,
				a->n_threads ? a->threads[i / n_backends] : 0))
			return tn_status(b->call);
	return 0;
}

int bench_way_open(struct bench *b, struct bench_way *w)
{
	static const char text[] = "The ferry leaves at seven.";
	struct tn_input input = { .text = { text, sizeof(text) - 1 } };
	const struct tn_value *answer;
	double start = bench_now(), ready;

	w->p = tn_pipeline_open(b->a->pipeline, w->settings, b->call);
	if (!w->p)
		return tn_status(b->call);
	ready = bench_now();
	if (w->p->pair_is_long)
		input.pair = input.text;
	if (tn_pipeline_run(w->p, &input, 1, &answer, b->call))
		return tn_status(b->call);
	w->open_s = ready - start;
	w->first_s = bench_now() - ready;
	return 0;
}

/* Runs each work once, as a fresh process does, and writes what it took. */
static int probe(struct bench *b, struct bench_way *w, int out)
{
	double *found;

	if (bench_way_open(b, w) || bench_works(b, w->p))
		return tn_status(b->call);
	found = tn_arena_alloc(b->arena, (b->n_works + 2) * sizeof(*found));
	if (!found)
		return TN_ENOMEM;
	found[0] = w->open_s;
	found[1] = w->first_s;
	for (size_t i = 0; i < b->n_works; i++) {
		struct bench_run r = { .p = w->p, .work = &b->works[i], .encoded = b->a->encoded };

		if (bench_run_begin(&r, b->arena, b->call))
			return tn_status(b->call);
		bench_run_end(&r);
		found[2 + i] = bench_peak_memory();
	}
	return write(out, found, (b->n_works + 2) * sizeof(*found)) < 0 ? TN_EIO : 0;
}

int bench_way_probe(struct bench *b, struct bench_way *w)
{
	const size_t most = (2 + BENCH_MOST * BENCH_MOST) * sizeof(double);
	double *found = tn_alloc(b->call, most);
	size_t n;

	if (!found)
		return tn_status(b->call);
	n = in_child(probe, b, w, found, most);
	if (n < 2 * sizeof(*found))
		return 0;
	w->open_s = found[0];
	w->first_s = found[1];
	w->memory = tn_arena_alloc(b->arena, n);
	if (!w->memory)
		return tn_fail(b->call, TN_ENOMEM, "out of memory");
	memcpy(w->memory, found + 2, n - 2 * sizeof(*found));
	return 0;
}

int bench_way_threads(const struct bench_way *w)
{
	return tn_plan_threads(w->p->plan);
}

const char *bench_way_chain(const struct bench_way *w, struct tn_call *call)
{
	const char *text = "";

	for (size_t i = 0; text && i < w->p->chain.n; i++)
		text = tn_printf(call, "%s%s%s", text, i ? "+" : "",
			w->p->chain.items[i]->plugin->names[0]);
	return text;
}
