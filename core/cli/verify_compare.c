/* SPDX-License-Identifier: Apache-2.0
 * core/cli/verify_compare.c - the values of one input beside the recorded ones.
 */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/verify.h"

/* As the names of tensors begin. */
static const char *const names[TN_N_REC] = {
	[TN_REC_IDS] = "ids.", [TN_REC_TYPE_IDS] = "type_ids.", [TN_REC_OFFSETS] = "offsets.",
	[TN_REC_HIDDEN] = "hidden.", [TN_REC_POOLED] = "pooled.", [TN_REC_LOGITS] = "logits.",
	[TN_REC_EMBED] = "embed."
};

const char *tn_recorded_name(enum tn_recorded kind, int *len)
{
	*len = (int)strlen(names[kind]) - 1;
	return names[kind];
}

bool tn_recorded_parse(const char *name, enum tn_recorded *kind, size_t *number)
{
	const char *dot = strchr(name, '.');
	char *end;

	if (!dot || dot[1] < '0' || dot[1] > '9')
		return false;
	*number = (size_t)strtoull(dot + 1, &end, 10);
	for (int k = 0; k < TN_N_REC && !*end; k++) {
		if (strncmp(name, names[k], (size_t)(dot + 1 - name)))
			continue;
		*kind = (enum tn_recorded)k;
		return true;
	}
	return false;
}

static void differ(struct tn_comparison *c, double difference, const char *format, ...)
	TN_PRINTF(3, 4);

/* Keeps the largest difference and its place. */
static void differ(struct tn_comparison *c, double difference, const char *format, ...)
{
	va_list args;

	if (isnan(difference))
		difference = INFINITY;
	if (!(difference > c->max))
		return;
	c->max = difference;
	va_start(args, format);
	vsnprintf(c->where, sizeof(c->where), format, args);
	va_end(args);
}

static const struct tn_st_tensor *recorded(const struct tn_verify *v, enum tn_recorded kind,
	size_t number)
{
	char name[40];

	snprintf(name, sizeof(name), "%s%zu", names[kind], number);
	return tn_st_find(v->file, name);
}

/* Compares n numbers, rows of `cols`, that the file has as floats. */
static int compare_floats(struct tn_verify *v, enum tn_recorded kind, size_t number,
	const float *found, size_t n, size_t cols, struct tn_call *call)
{
	const struct tn_st_tensor *t = recorded(v, kind, number);
	struct tn_comparison *c = &v->of[kind];
	double *expected;

	if (!t)
		return 0;
	if (tn_st_elements(t) != n) {
		differ(c, INFINITY, "case %zu: %zu numbers, recorded %" PRIu64, number, n,
			tn_st_elements(t));
		return 0;
	}
	expected = tn_alloc_n(call, n, sizeof(*expected));
	if (!expected || tn_st_read_float(v->file, t, TN_F64, expected, call))
		return tn_status(call);
	for (size_t i = 0; i < n; i++)
		differ(c, fabs((double)found[i] - expected[i]),
			"case %zu, row %zu, column %zu: %.6g, recorded %.6g", number, i / cols,
			i % cols, (double)found[i], expected[i]);
	c->n += n;
	return 0;
}

/* A number of a token: its id, type, or the begin and end of its bytes. */
static int64_t of_token(enum tn_recorded kind, const struct tn_window_token *token, size_t i)
{
	if (kind == TN_REC_IDS)
		return token->id;
	if (kind == TN_REC_TYPE_IDS)
		return token->type;
	return i ? token->end : token->begin;
}

/* Compares what tokens have `width` of. */
static int compare_tokens(struct tn_verify *v, enum tn_recorded kind, size_t number,
	const struct tn_window *w, size_t width, struct tn_call *call)
{
	const struct tn_st_tensor *t = recorded(v, kind, number);
	struct tn_comparison *c = &v->of[kind];
	size_t n = w->n_tokens * width;
	int64_t *expected;

	if (!t)
		return 0;
	if (t->dtype != TN_I64)
		return tn_fail(call, TN_EDATA, "%s: tensor \"%s\" is %s, expected I64",
			tn_st_path(v->file), t->name, tn_dtype_name(t->dtype));
	if (tn_st_elements(t) != n) {
		differ(c, INFINITY, "case %zu: %zu tokens, recorded %" PRIu64, number, w->n_tokens,
			tn_st_elements(t) / width);
		return 0;
	}
	expected = tn_alloc_n(call, n, sizeof(*expected));
	if (!expected || tn_st_read(v->file, t, expected, call))
		return tn_status(call);
	for (size_t i = 0; i < n; i++) {
		int64_t found = of_token(kind, &w->tokens[i / width], i % width);

		differ(c, fabs((double)found - (double)expected[i]),
			"case %zu, token %zu: %" PRId64 ", recorded %" PRId64, number, i / width,
			found, expected[i]);
	}
	c->n += n;
	return 0;
}

/* What was recorded but has nothing to be compared with. */
static void cannot_compare(struct tn_verify *v, enum tn_recorded kind, size_t number,
	const char *why)
{
	if (recorded(v, kind, number))
		differ(&v->of[kind], INFINITY, "case %zu: %s", number, why);
}

int tn_verify_case(struct tn_verify *v, const struct tn_job *job, size_t number,
	struct tn_call *call)
{
	const struct tn_pipeline *p = v->p;
	const struct tn_window *w = job->windows.items;
	bool vector = p->n_heads && p->heads[0].impl->task == TN_TASK_VECTOR;
	enum tn_recorded of_head = vector ? TN_REC_EMBED : TN_REC_LOGITS;

	for (int k = 0; k < TN_N_REC && job->error; k++)
		cannot_compare(v, (enum tn_recorded)k, number, job->error);
	if (job->error)
		return 0;
	cannot_compare(v, vector ? TN_REC_LOGITS : TN_REC_EMBED, number,
		"the pipeline's head gives no such values");
	if (compare_tokens(v, TN_REC_IDS, number, w, 1, call) ||
			compare_tokens(v, TN_REC_TYPE_IDS, number, w, 1, call) ||
			compare_tokens(v, TN_REC_OFFSETS, number, w, 2, call))
		return tn_status(call);
	for (size_t i = 0; i < p->n_heads + p->n_kept; i++) {
		size_t cols = tn_pipeline_cols(p, i), rows = tn_job_rows(p, job, i, 0);
		enum tn_recorded kind = i == 0 && p->n_heads ? of_head :
			i == p->n_heads ? TN_REC_HIDDEN : TN_REC_POOLED;

		if (i > 0 && i < p->n_heads)
			continue;
		if (compare_floats(v, kind, number, job->scores[i], rows * cols, cols, call))
			return tn_status(call);
	}
	return 0;
}
