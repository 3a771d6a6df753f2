/* SPDX-License-Identifier: Apache-2.0
 * core/eval/masked.c - hidden tokens, found again.
 */
#include "eval/masked.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/random.h"

#define LARGEST_SCORES ((size_t)16 << 20)	/* floats of one batch */
#define LEAST_ROOM 1024

/* A token of the batch. */
struct row {
	int32_t id, position, segment;
};

/* A hidden token. */
struct place {
	int32_t row, id;		/* of the batch; what stood there */
	size_t record;
	bool alone;
};

/* Windows that wait to be run together. */
struct eval_queue {
	struct row *rows;
	struct place *places;
	uint32_t *starts;		/* of windows; one more */
	size_t n_rows, n_places, n_windows, rows_room, places_room, starts_room;
};

/* The model's rows of tokens are those of hidden ones: what a head makes of the vocabulary it
 * makes for these alone. */
static tn_ref build_feature(void *user, struct tn_graph *g, const char *name)
{
	struct eval_masker *m = user;
	tn_ref x = tn_pipeline_feature(m->p, g, name);

	return strcmp(name, "tokens") ? x : tn_gather(g, x, tn_input(g, "place",
		tn_axis(g, "places"), TN_I32, 0));
}

static int build(struct eval_masker *m, struct tn_graph *g, struct tn_call *call)
{
	tn_ref scores;

	tn_graph_features(g, build_feature, m);
	tn_graph_scope(g, &m->head->weights.source, m->head->name);
	scores = m->head->impl->forward(m->head->state, g);
	if (tn_graph_status(g))
		return tn_status(call);
	m->tokens_axis = tn_graph_axis(g, "tokens");
	m->places_axis = tn_graph_axis(g, "places");
	m->vocabulary = tn_width(g, scores);
	if (m->places_axis < 0 || g->values[scores].spec.axis != m->places_axis ||
			tn_graph_axis(g, "words") >= 0 || tn_graph_axis(g, "texts") >= 0 ||
			m->vocabulary < m->p->tokenizer_info->vocab_size)
		return tn_fail(call, TN_EDATA, "head %s: its scores are not those of pieces for "
			"tokens", m->head->name);
	tn_graph_output(g, m->head->name, tn_softmax(g, scores, true));
	return tn_graph_status(g);
}

int eval_masker_open(struct eval_masker *m, struct tn_pipeline *p, size_t head,
	const struct eval_masker_options *options, struct tn_call *call)
{
	struct tn_graph *g = tn_graph_create(TN_F32, false, call);

	*m = (struct eval_masker){ .p = p, .head = &p->heads[head], .options = *options };
	if (!g)
		return tn_status(call);
	if (build(m, g, call)) {
		tn_graph_destroy(g);
		return tn_status(call);
	}
	tn_pipeline_precision(p, g);
	m->plan = tn_plan_create(g, (const struct tn_backend *const *)p->chain.items, p->chain.n,
		tn_plan_threads(p->plan), call);
	m->exec = m->plan ? tn_exec_create(m->plan, call) : NULL;
	if (!m->exec)
		return tn_status(call);
	m->together = calloc(2 * m->vocabulary + 1, sizeof(*m->together));
	m->queue = calloc(1, sizeof(*m->queue));
	if (!m->together || !m->queue)
		return tn_fail(call, TN_ENOMEM, "out of memory");
	m->alone = m->together + m->vocabulary;
	return 0;
}

void eval_masker_close(struct eval_masker *m)
{
	tn_exec_destroy(m->exec);
	tn_plan_destroy(m->plan);
	free(m->together);
	if (m->queue) {
		free(m->queue->rows);
		free(m->queue->places);
		free(m->queue->starts);
	}
	free(m->queue);
}

/* --- the queue --- */

static int reserve(void *items, size_t *room, size_t n, size_t size, struct tn_call *call)
{
	size_t more = n + n / 2 + LEAST_ROOM;
	void **array = items, *grown;

	if (n <= *room)
		return 0;
	grown = reallocarray(*array, more, size);
	if (!grown)
		return tn_fail(call, TN_ENOMEM, "out of memory");
	*array = grown;
	*room = more;
	return 0;
}

/* Counts one hidden token, of whose logarithms of probabilities these are. */
static int take(struct eval_masker *m, struct eval_records *r, const struct place *place,
	const float *log_p, struct tn_call *call)
{
	struct eval_hidden *h = &r->hidden[place->record];
	size_t best = 0;

	if (!isfinite(log_p[place->id]))
		return tn_fail(call, TN_EDATA, "head %s: the scores of a token are no finite numbers",
			m->head->name);
	if (place->alone) {
		h->alone++;
		h->alone_nll -= (double)log_p[place->id];
		m->alone[place->id]++;
		return 0;
	}
	for (size_t i = 1; i < m->vocabulary; i++)
		best = log_p[i] > log_p[best] ? i : best;
	h->together++;
	h->together_nll -= (double)log_p[place->id];
	h->right += best == (size_t)place->id;
	m->together[place->id]++;
	return eval_records_add_sure(r, exp((double)log_p[best]), best == (size_t)place->id, call);
}

static int flush(struct eval_masker *m, struct eval_records *r, struct tn_call *call)
{
	struct eval_queue *q = m->queue;
	uint32_t ends[2] = { 0, (uint32_t)q->n_places };
	struct tn_axis axes[TN_MAX_AXES] = { { 0 } };
	int32_t *ids, *position, *segment, *place;
	const struct tn_tensor *out;

	if (!q->n_places)
		return 0;
	axes[m->tokens_axis] = (struct tn_axis){ .rows = q->n_rows, .seqs = q->n_windows,
		.start = q->starts };
	axes[m->places_axis] = (struct tn_axis){ .rows = q->n_places, .seqs = 1, .start = ends };
	if (tn_exec_bind(m->exec, axes, call))
		return tn_status(call);
	ids = tn_exec_input(m->exec, "ids");
	position = tn_exec_input(m->exec, "position");
	segment = tn_exec_input(m->exec, "segment");
	place = tn_exec_input(m->exec, "place");
	for (size_t i = 0; i < q->n_rows; i++) {
		if (ids)
			ids[i] = q->rows[i].id;
		if (position)
			position[i] = q->rows[i].position;
		if (segment)
			segment[i] = q->rows[i].segment;
	}
	for (size_t i = 0; i < q->n_places; i++)
		place[i] = q->places[i].row;
	if (tn_exec_run(m->exec, call))
		return tn_status(call);
	out = tn_exec_output(m->exec, 0);
	for (size_t i = 0; i < q->n_places; i++)
		if (take(m, r, &q->places[i], (const float *)tn_host_data(out) +
				i * out->row_stride, call))
			return tn_status(call);
	q->n_rows = q->n_places = q->n_windows = 0;
	return 0;
}

/* Adds a window of which `n` tokens are to be found; those places are filled behind. */
static struct place *add_window(struct eval_masker *m, struct eval_records *r,
	const struct tn_window *w, size_t n, struct tn_call *call)
{
	struct eval_queue *q = m->queue;
	struct place *places;

	if (q->n_rows && (q->n_rows + w->n_tokens > m->p->batch_tokens ||
			(q->n_places + n) * m->vocabulary > LARGEST_SCORES) && flush(m, r, call))
		return NULL;
	if (reserve(&q->rows, &q->rows_room, q->n_rows + w->n_tokens, sizeof(*q->rows), call) ||
			reserve(&q->places, &q->places_room, q->n_places + n, sizeof(*q->places),
			call) || reserve(&q->starts, &q->starts_room, q->n_windows + 2,
			sizeof(*q->starts), call))
		return NULL;
	for (size_t t = 0; t < w->n_tokens; t++)
		q->rows[q->n_rows + t] = (struct row){ w->tokens[t].id, (int32_t)t,
			w->tokens[t].type };
	q->starts[0] = 0;
	q->n_rows += w->n_tokens;
	q->starts[++q->n_windows] = (uint32_t)q->n_rows;
	places = q->places + q->n_places;
	q->n_places += n;
	return places;
}

/* --- texts --- */

/* The windows that a head sees. */
static size_t windows_of(const struct eval_masker *m, const struct tn_job *job)
{
	return m->head->on_overflow == TN_OVERFLOW_WINDOW || !job->windows.n ? job->windows.n : 1;
}

/* Whether a token counts in window i: each of a long text does once. */
static bool counts(const struct eval_masker *m, const struct tn_job *job, size_t i, size_t t)
{
	const struct tn_window *w = &job->windows.items[i];
	const struct tn_window_token *token = &w->tokens[t];

	if (token->sequence < 0 || token->id == m->p->tokenizer_info->mask)
		return false;
	if (windows_of(m, job) == 1 || (t >= w->keep_begin && t < w->keep_end))
		return true;
	return i == 0 && token->sequence != job->windows.long_sequence;
}

static int add_together(struct eval_masker *m, struct eval_records *r, const struct tn_job *job,
	size_t i, struct tn_call *call)
{
	struct tn_window w = job->windows.items[i];
	struct tn_gold gold = { .ids = NULL };
	size_t n = 0, first;
	struct place *places;

	if (tn_mask_window(m->p, &m->options.masking, tn_mix(m->options.seed) + m->drawn++, &w,
			&gold, call))
		return tn_status(call);
	for (size_t t = 0; t < w.n_tokens; t++)
		n += gold.ids[t] >= 0 && counts(m, job, i, t);
	if (!n)
		return 0;
	places = add_window(m, r, &w, n, call);
	if (!places)
		return tn_status(call);
	first = m->queue->n_rows - w.n_tokens;
	for (size_t t = 0; t < w.n_tokens; t++)
		if (gold.ids[t] >= 0 && counts(m, job, i, t))
			*places++ = (struct place){ (int32_t)(first + t), gold.ids[t], r->n - 1,
				false };
	return 0;
}

static int add_alone(struct eval_masker *m, struct eval_records *r, const struct tn_job *job,
	size_t i, struct tn_call *call)
{
	const struct tn_window *w = &job->windows.items[i];

	for (size_t t = 0; t < w->n_tokens; t++) {
		struct place *place = counts(m, job, i, t) ? add_window(m, r, w, 1, call) : NULL;
		size_t row = m->queue->n_rows - w->n_tokens + t;

		if (tn_status(call))
			return tn_status(call);
		if (!place)
			continue;
		*place = (struct place){ (int32_t)row, w->tokens[t].id, r->n - 1, true };
		m->queue->rows[row].id = m->p->tokenizer_info->mask;
	}
	return 0;
}

static int prepare(struct eval_masker *m, const struct eval_example *e, struct tn_job *job,
	struct tn_call *call)
{
	if (tn_job_prepare(m->p, &e->input, job, call))
		return tn_status(call);
	return job->error ? tn_fail(call, TN_EDATA, "%s: %s", e->where, job->error) : 0;
}

static int add_text(struct eval_masker *m, struct eval_records *r, const struct eval_example *e,
	struct tn_call *call)
{
	struct tn_job job;

	if (prepare(m, e, &job, call) || eval_records_add_hidden(r, call))
		return tn_status(call);
	for (size_t i = 0; i < windows_of(m, &job); i++)
		if (add_together(m, r, &job, i, call) ||
				(m->options.alone && add_alone(m, r, &job, i, call)))
			return tn_status(call);
	return 0;
}

int eval_masker_run(struct eval_masker *m, struct eval_records *r, const struct eval_data *data,
	struct tn_call *call)
{
	for (size_t i = 0; i < data->n; i++) {
		struct tn_mark mark = tn_arena_mark(tn_call_arena(call));

		if (add_text(m, r, &data->items[i], call))
			return tn_status(call);
		tn_arena_rewind(tn_call_arena(call), mark);
		if (m->options.step)
			m->options.step(m->options.user, i + 1);
	}
	return flush(m, r, call);
}

/* --- without a model --- */

static int count_tokens(struct eval_masker *m, const struct eval_data *data, uint64_t *counted,
	struct tn_call *call)
{
	for (size_t i = 0; i < data->n; i++) {
		struct tn_mark mark = tn_arena_mark(tn_call_arena(call));
		struct tn_job job;

		if (prepare(m, &data->items[i], &job, call))
			return tn_status(call);
		for (size_t w = 0; w < windows_of(m, &job); w++)
			for (size_t t = 0; t < job.windows.items[w].n_tokens; t++)
				if (counts(m, &job, w, t))
					counted[job.windows.items[w].tokens[t].id]++;
		tn_arena_rewind(tn_call_arena(call), mark);
	}
	return 0;
}

static void find_floor(const struct eval_masker *m, const uint64_t *train,
	struct eval_masked_floor *floor)
{
	double n_train = 0, n_together = 0, n_alone = 0, nll = 0;
	size_t best = 0;

	for (size_t i = 0; i < m->vocabulary; i++) {
		n_train += (double)train[i];
		n_together += (double)m->together[i];
		n_alone += (double)m->alone[i];
		best = train[i] > train[best] ? i : best;
	}
	for (size_t i = 0; i < m->vocabulary; i++)
		nll -= (double)m->alone[i] * log(((double)train[i] + 1) /
			(n_train + (double)m->vocabulary));
	floor->accuracy = n_together > 0 ? 100 * (double)m->together[best] / n_together : NAN;
	floor->perplexity = n_alone > 0 ? exp(nll / n_alone) : NAN;
}

int eval_masker_floor(struct eval_masker *m, const struct eval_data *train,
	struct eval_masked_floor *floor, struct tn_call *call)
{
	uint64_t *counted = calloc(m->vocabulary + 1, sizeof(*counted));

	if (!counted)
		return tn_fail(call, TN_ENOMEM, "out of memory");
	if (!train && !m->options.alone)
		memcpy(counted, m->together, m->vocabulary * sizeof(*counted));
	else if (!train)
		memcpy(counted, m->alone, m->vocabulary * sizeof(*counted));
	else
		count_tokens(m, train, counted, call);
	find_floor(m, counted, floor);
	free(counted);
	return tn_status(call);
}
