/* SPDX-License-Identifier: Apache-2.0
 * core/train/features.c - features of a model that stays as it is.
 */
#include "train/features.h"

#include <stdlib.h>
#include <string.h>

static tn_ref build_feature(void *user, struct tn_graph *g, const char *name)
{
	return tn_pipeline_feature(((struct tn_features *)user)->p, g, name);
}

/* All heads that are trained build onto the features. */
static void build_heads(struct tn_features *f, struct tn_graph *g)
{
	for (size_t h = 0; h < f->p->n_heads; h++) {
		struct tn_pipeline_head *head = &f->p->heads[h];

		if (!head->impl->loss || (f->trains && !f->trains(f->user, head->name)))
			continue;
		tn_graph_scope(g, &head->weights.source, head->name);
		head->impl->forward(head->state, g);
	}
}

/* The features as outputs, and what is known of them. */
static int keep_features(struct tn_features *f, struct tn_graph *g, struct tn_call *call)
{
	int tokens = tn_graph_axis(g, "tokens");

	for (size_t i = 0; i < g->n_features; i++) {
		const struct tn_graph_feature *from = &g->features[i];
		struct tn_kept_feature *k = &f->items[f->n];
		const char *input = tn_printf(call, "feature:%s", from->name);

		if (!from->asked)
			continue;
		k->name = tn_arena_dup(f->arena, from->name, strlen(from->name));
		k->input = input ? tn_arena_dup(f->arena, input, strlen(input)) : NULL;
		if (!k->name || !k->input)
			return tn_fail(call, TN_ENOMEM, "out of memory");
		k->width = tn_width(g, from->value);
		k->on_tokens = g->values[from->value].spec.axis == tokens;
		f->n++;
		tn_graph_output(g, from->name, from->value);
	}
	return tn_graph_status(g);
}

int tn_features_open(struct tn_features *f, struct tn_pipeline *p,
	bool (*trains)(void *user, const char *head), void *user, struct tn_call *call)
{
	struct tn_graph *g;

	*f = (struct tn_features){ .p = p, .trains = trains, .user = user };
	f->arena = tn_arena_create();
	g = f->arena ? tn_graph_create(TN_F32, false, call) : NULL;
	if (!g)
		return tn_fail(call, TN_ENOMEM, "out of memory");
	tn_graph_features(g, build_feature, f);
	build_heads(f, g);
	if (tn_graph_status(g) || keep_features(f, g, call)) {
		tn_graph_destroy(g);
		return tn_status(call);
	}
	f->session.tokens_axis = tn_graph_axis(g, "tokens");
	f->session.words_axis = tn_graph_axis(g, "words");
	f->session.texts_axis = tn_graph_axis(g, "texts");
	f->plan = tn_plan_create(g, (const struct tn_backend *const *)p->chain.items, p->chain.n,
		(int)p->threads_per_call, call);
	if (f->plan)
		f->session.exec = tn_exec_create(f->plan, call);
	return tn_status(call);
}

void tn_features_close(struct tn_features *f)
{
	tn_exec_destroy(f->session.exec);
	free(f->session.starts);
	tn_plan_destroy(f->plan);
	tn_arena_destroy(f->arena);
}

tn_ref tn_features_input(const struct tn_features *f, struct tn_graph *g, const char *name)
{
	for (size_t i = 0; i < f->n; i++)
		if (!strcmp(f->items[i].name, name))
			return tn_input(g, f->items[i].input, tn_axis(g, f->items[i].on_tokens ?
				"tokens" : "texts"), TN_F32, f->items[i].width);
	return TN_NONE;
}

int tn_feature_rows_make(struct tn_feature_rows *r, const struct tn_features *f, size_t n,
	const uint32_t *tokens, const uint32_t *windows, struct tn_call *call)
{
	*r = (struct tn_feature_rows){ .first_token = calloc(n + 1, sizeof(*r->first_token)),
		.first_window = calloc(n + 1, sizeof(*r->first_window)) };
	if (!r->first_token || !r->first_window)
		return tn_fail(call, TN_ENOMEM, "out of memory");
	for (size_t i = 0; i < n; i++) {
		r->first_token[i + 1] = r->first_token[i] + tokens[i];
		r->first_window[i + 1] = r->first_window[i] + windows[i];
	}
	for (size_t k = 0; k < f->n; k++) {
		size_t rows = f->items[k].on_tokens ? r->first_token[n] : r->first_window[n];

		r->rows[k] = calloc(rows + 1, f->items[k].width * sizeof(float));
		if (!r->rows[k])
			return tn_fail(call, TN_ENOMEM, "out of memory: %zu rows of the feature %s",
				rows, f->items[k].name);
	}
	return 0;
}

void tn_feature_rows_finish(struct tn_feature_rows *r)
{
	for (size_t k = 0; k < TN_MOST_FEATURES; k++)
		free(r->rows[k]);
	free(r->first_token);
	free(r->first_window);
	*r = (struct tn_feature_rows){ .first_token = NULL };
}

/* Where the rows of an item lie, and how many they are. */
static float *rows_of(const struct tn_kept_feature *k, const struct tn_feature_rows *r, size_t i,
	const struct tn_batch_item *item, size_t *n)
{
	const struct tn_windows *w = &item->job->windows;
	size_t at = r->first_window[item->job->number] + item->window;

	*n = 1;
	if (k->on_tokens) {
		at = r->first_token[item->job->number];
		for (size_t before = 0; before < item->window; before++)
			at += w->items[before].n_tokens;
		*n = w->items[item->window].n_tokens;
	}
	return r->rows[i] + at * k->width;
}

int tn_features_compute(struct tn_features *f, struct tn_feature_rows *r,
	const struct tn_batch_item *items, size_t n, struct tn_call *call)
{
	if (tn_batch_bind(&f->session, items, n, call))
		return tn_status(call);
	tn_batch_fill(&f->session, items, n);
	if (tn_exec_run(f->session.exec, call))
		return tn_status(call);
	for (size_t k = 0; k < f->n; k++) {
		const struct tn_tensor *t = tn_exec_output(f->session.exec, k);
		const float *from = tn_host_data(t);

		for (size_t i = 0; i < n; i++) {
			size_t rows;
			float *to = rows_of(&f->items[k], r, k, &items[i], &rows);

			for (size_t row = 0; row < rows; row++, from += t->row_stride)
				memcpy(to + row * f->items[k].width, from,
					f->items[k].width * sizeof(*to));
		}
	}
	return 0;
}

void tn_features_fill(const struct tn_features *f, const struct tn_feature_rows *r,
	struct tn_session *s, const struct tn_batch_item *items, size_t n)
{
	for (size_t k = 0; k < f->n; k++) {
		float *to = tn_exec_input(s->exec, f->items[k].input);

		for (size_t i = 0; i < n && to; i++) {
			size_t rows;
			const float *from = rows_of(&f->items[k], r, k, &items[i], &rows);

			memcpy(to, from, rows * f->items[k].width * sizeof(*to));
			to += rows * f->items[k].width;
		}
	}
}
