/* SPDX-License-Identifier: Apache-2.0
 * core/cli/tensors.c - the model's rows and the raw scores of inputs, for a safetensors
 * file.
 */
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "checkpoint/safetensors.h"
#include "cli/tensors.h"

struct tn_tensors_file {
	const char *path;
	struct tn_arena *arena;
	struct tn_st_item *items;
	size_t n, room;
};

struct tn_tensors_file *tn_tensors_open(const char *path, struct tn_call *call)
{
	struct tn_tensors_file *f = calloc(1, sizeof(*f));
	struct tn_file_writer probe;

	if (f)
		f->arena = tn_arena_create();
	if (!f || !f->arena) {
		free(f);
		tn_fail(call, TN_ENOMEM, "out of memory");
		return NULL;
	}
	f->path = path;
	/* A file that cannot be made is better said before the work than behind it. */
	if (tn_file_create(&probe, path, call)) {
		tn_tensors_close(f);
		return NULL;
	}
	tn_file_abandon(&probe);
	return f;
}

static int add(struct tn_tensors_file *f, const char *name, const float *rows, size_t n,
	size_t cols, struct tn_call *call)
{
	float *copy = tn_arena_alloc(f->arena, n * cols * sizeof(*copy));
	char *owned = name ? tn_arena_dup(f->arena, name, strlen(name)) : NULL;

	if (f->n == f->room) {
		size_t room = f->room ? f->room * 2 : 64;
		struct tn_st_item *grown = realloc(f->items, room * sizeof(*grown));

		if (grown) {
			f->items = grown;
			f->room = room;
		}
	}
	if (!copy || !owned || f->n == f->room)
		return tn_fail(call, TN_ENOMEM, "out of memory");
	memcpy(copy, rows, n * cols * sizeof(*copy));
	f->items[f->n++] = (struct tn_st_item){ .name = owned, .dtype = TN_F32, .n_dims = 2,
		.dims = { n, cols }, .data = copy };
	return 0;
}

int tn_tensors_add(struct tn_tensors_file *f, const struct tn_pipeline *p,
	const struct tn_job *job, long long number, struct tn_call *call)
{
	if (job->error)
		return 0;
	for (size_t h = 0; h < p->n_heads + (p->n_kept > 0); h++) {
		size_t rows = 0;

		for (size_t w = 0; w < job->windows.n; w++)
			rows += tn_job_rows(p, job, h, w);
		if (add(f, tn_printf(call, "%s.%lld", h < p->n_heads ? p->heads[h].name : "hidden",
				number), job->scores[h], rows, tn_pipeline_cols(p, h), call))
			return tn_status(call);
	}
	return 0;
}

int tn_tensors_write(struct tn_tensors_file *f, struct tn_call *call)
{
	return tn_st_write(f->path, f->items, f->n, NULL, call);
}

void tn_tensors_close(struct tn_tensors_file *f)
{
	if (!f)
		return;
	tn_arena_destroy(f->arena);
	free(f->items);
	free(f);
}
