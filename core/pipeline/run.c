/* SPDX-License-Identifier: Apache-2.0
 * core/pipeline/run.c - many inputs: windows are packed into batches, inputs of about one
 * length together, and each input is answered as soon as its last window has run.
 */
#include <stdlib.h>
#include <string.h>

#include "pipeline/batch.h"

/* Memory for a job's scores, from the heap: it is large and lives shortly. */
static int take_memory(struct tn_pipeline *p, struct tn_job *job, struct tn_call *call)
{
	job->scores = tn_alloc_n(call, p->n_heads + p->n_kept + 1, sizeof(*job->scores));
	job->n_scores = tn_alloc_n(call, p->n_heads + p->n_kept + 1, sizeof(*job->n_scores));
	if (!job->scores || !job->n_scores)
		return tn_status(call);
	for (size_t h = 0; h < p->n_heads + p->n_kept; h++) {
		size_t cols = tn_pipeline_cols(p, h), rows = 0;

		for (size_t w = 0; w < job->windows.n; w++)
			rows += tn_job_rows(p, job, h, w);
		job->scores[h] = calloc(rows * cols + 1, sizeof(float));
		if (!job->scores[h])
			return tn_fail(call, TN_ENOMEM, "out of memory: %zu x %zu scores", rows, cols);
	}
	return 0;
}

static void free_memory(struct tn_pipeline *p, struct tn_job *job)
{
	for (size_t h = 0; job->scores && h < p->n_heads + p->n_kept; h++)
		free(job->scores[h]);
	job->scores = NULL;
}

struct queue {
	struct tn_pipeline *p;
	struct tn_session *session;
	struct tn_batch_item *items;
	size_t n, room, tokens;
	int (*done)(void *user, struct tn_job *job, struct tn_call *call);
	void *user;
};

static int flush(struct queue *q, struct tn_call *call)
{
	int status = 0;

	if (!q->n)
		return 0;
	status = tn_batch_run(q->p, q->session, q->items, q->n, call);
	for (size_t i = 0; i < q->n && !status; i++) {
		struct tn_job *job = q->items[i].job;

		if (--job->windows_left)
			continue;
		status = q->done(q->user, job, call);
		free_memory(q->p, job);
	}
	q->n = q->tokens = 0;
	return status;
}

static int add_window(struct queue *q, struct tn_job *job, size_t window, struct tn_call *call)
{
	size_t tokens = job->windows.items[window].n_tokens;

	if (q->n && q->tokens + tokens > q->p->batch_tokens && flush(q, call))
		return tn_status(call);
	if (q->n == q->room) {
		size_t room = q->room ? q->room * 2 : 64;
		struct tn_batch_item *grown = realloc(q->items, room * sizeof(*grown));

		if (!grown)
			return tn_fail(call, TN_ENOMEM, "out of memory");
		q->items = grown;
		q->room = room;
	}
	q->items[q->n++] = (struct tn_batch_item){ job, window };
	q->tokens += tokens;
	return 0;
}

static int add_job(struct queue *q, struct tn_job *job, struct tn_call *call)
{
	if (job->error || !job->windows.n)
		return q->done(q->user, job, call);
	if (take_memory(q->p, job, call))
		return tn_status(call);
	for (size_t w = 0; w < job->windows.n; w++)
		if (add_window(q, job, w, call))
			return tn_status(call);
	return 0;
}

/* A job and the tokens of its longest window, the first. */
struct ordered {
	struct tn_job *job;
	size_t tokens, place;
};

static int by_length(const void *a, const void *b)
{
	const struct ordered *x = a, *y = b;

	if (x->tokens != y->tokens)
		return x->tokens < y->tokens ? -1 : 1;
	return x->place < y->place ? -1 : x->place > y->place;
}

/* The jobs in the order that they run in: short ones first, so that no short text waits for
 * long ones and sequences of a batch are about as long; those that run nothing before all.
 * NULL after TN_ENOMEM. */
static struct ordered *in_order(struct tn_job *const *jobs, size_t n, struct tn_call *call)
{
	struct ordered *list = tn_alloc_n(call, n + 1, sizeof(*list));

	for (size_t i = 0; list && i < n; i++)
		list[i] = (struct ordered){ jobs[i], jobs[i]->error || !jobs[i]->windows.n ? 0 :
			jobs[i]->windows.items[0].n_tokens, i };
	if (list)
		qsort(list, n, sizeof(*list), by_length);
	return list;
}

int tn_jobs_run(struct tn_pipeline *p, struct tn_job *const *jobs, size_t n,
	int (*done)(void *user, struct tn_job *job, struct tn_call *call), void *user,
	struct tn_call *call)
{
	struct queue q = { .p = p, .done = done, .user = user };
	const struct ordered *list = in_order(jobs, n, call);
	int status = 0;

	if (!list)
		return tn_status(call);
	q.session = session_take(p, call);
	if (!q.session)
		return tn_status(call);
	for (size_t i = 0; i < n && !status; i++)
		status = add_job(&q, list[i].job, call);
	if (!status)
		status = flush(&q, call);
	for (size_t i = 0; i < n; i++)
		free_memory(p, jobs[i]);
	free(q.items);
	session_give(p, q.session);
	return status;
}

struct answers {
	const struct tn_pipeline *p;
	struct tn_job *jobs;
	const struct tn_value **answers;
};

static int keep_answer(void *user, struct tn_job *job, struct tn_call *call)
{
	struct answers *a = user;

	return tn_job_answer(a->p, job, &a->answers[job - a->jobs], call);
}

int tn_pipeline_run(struct tn_pipeline *p, const struct tn_input *inputs, size_t n,
	const struct tn_value **answers, struct tn_call *call)
{
	struct answers a = { .p = p, .answers = answers };
	struct tn_job **jobs = tn_alloc_n(call, n + 1, sizeof(*jobs));

	a.jobs = tn_alloc_n(call, n + 1, sizeof(*a.jobs));
	if (!a.jobs || !jobs)
		return tn_status(call);
	for (size_t i = 0; i < n; i++) {
		jobs[i] = &a.jobs[i];
		if (tn_job_prepare(p, &inputs[i], jobs[i], call))
			return tn_status(call);
	}
	return tn_jobs_run(p, jobs, n, keep_answer, &a, call);
}

const struct tn_value *tn_run_text(struct tn_pipeline *p, const char *text, struct tn_call *call)
{
	struct tn_input input = { .text = { text, strlen(text) } };
	const struct tn_value *answer = NULL, *error;

	if (tn_pipeline_run(p, &input, 1, &answer, call))
		return NULL;
	error = tn_get(answer, "error");
	if (!error)
		return answer;
	tn_fail(call, TN_EDATA, "%s", tn_string(error, ""));
	return NULL;
}
