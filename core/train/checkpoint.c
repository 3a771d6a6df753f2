/* SPDX-License-Identifier: Apache-2.0
 * core/train/checkpoint.c - saving a run and going on with it.
 */
#include "train/checkpoint.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FORMAT 1

/* What a file has of each parameter. */
static const char *const kinds[] = { "", "m:", "v:" };
enum { PARAMETER, FIRST_MOMENT, SECOND_MOMENT, N_KINDS };

static const struct tn_tensor *tensor_of(const struct tn_optimizer *o, size_t i, int kind)
{
	const struct tn_moments *k = &o->items[i];

	return kind == FIRST_MOMENT ? &k->m : kind == SECOND_MOMENT ? &k->v :
		o->objective->items[k->parameter].tensor;
}

static const char *name_of(const struct tn_optimizer *o, size_t i, int kind, struct tn_call *call)
{
	return tn_printf(call, "%s%s", kinds[kind],
		o->objective->items[o->items[i].parameter].name);
}

static int write_file(const char *path, const struct tn_optimizer *o, int n_kinds,
	const struct tn_value *metadata, struct tn_call *call)
{
	struct tn_st_item *items = tn_alloc_n(call, o->n * N_KINDS + 1, sizeof(*items));
	size_t n = 0;

	for (size_t i = 0; items && i < o->n; i++)
		for (int kind = 0; kind < n_kinds; kind++, n++) {
			const struct tn_tensor *t = tensor_of(o, i, kind);

			items[n] = (struct tn_st_item){ .name = name_of(o, i, kind, call),
				.dtype = TN_F32, .n_dims = t->n_dims, .data = tn_host_data(t) };
			if (!items[n].name)
				return tn_status(call);
			for (uint32_t d = 0; d < TN_ST_MAX_DIMS; d++)
				items[n].dims[d] = d < t->n_dims ? t->dims[d] : 1;
		}
	return items ? tn_st_write(path, items, n, metadata, call) : tn_status(call);
}

static int read_tensor(const struct tn_safetensors *f, const struct tn_tensor *t, const char *name,
	struct tn_call *call)
{
	const struct tn_st_tensor *from = name ? tn_st_find(f, name) : NULL;
	bool same = from && from->dtype == TN_F32 && from->n_dims == t->n_dims;

	for (uint32_t d = 0; same && d < t->n_dims; d++)
		same = from->dims[d] == t->dims[d];
	if (!same)
		return tn_fail(call, TN_EDATA, "%s: tensor %s is %s, expected that of the job's "
			"parameter", tn_st_path(f), tn_quote(call, name ? name : "",
			name ? strlen(name) : 0), from ? "of another shape" : "missing");
	return tn_st_read(f, from, tn_host_data(t), call);
}

static int read_file(const struct tn_safetensors *f, struct tn_optimizer *o, int n_kinds,
	struct tn_call *call)
{
	for (size_t i = 0; i < o->n; i++)
		for (int kind = 0; kind < n_kinds; kind++)
			if (read_tensor(f, tensor_of(o, i, kind), name_of(o, i, kind, call), call))
				return tn_status(call);
	return tn_objective_changed(o->objective, call);
}

/* Doubles as their bits, so that they come back as they were. */
static struct tn_value *bits(struct tn_arena *arena, double x)
{
	int64_t word;

	memcpy(&word, &x, sizeof(word));
	return tn_new_int(arena, word);
}

static double from_bits(const struct tn_value *v)
{
	int64_t word = tn_int(v, 0);
	double x;

	memcpy(&x, &word, sizeof(x));
	return x;
}

static struct tn_value *state_value(const struct tn_train_state *s, const struct tn_value *job,
	struct tn_arena *arena)
{
	struct tn_value *v = tn_new_object(arena);

	tn_set(arena, v, "format", tn_new_int(arena, FORMAT));
	tn_set(arena, v, "step", tn_new_int(arena, (int64_t)s->step));
	tn_set(arena, v, "epoch", tn_new_int(arena, (int64_t)s->epoch));
	tn_set(arena, v, "batch", tn_new_int(arena, (int64_t)s->batch));
	tn_set(arena, v, "draws", tn_new_int(arena, (int64_t)s->draws));
	tn_set(arena, v, "best", bits(arena, s->best));
	tn_set(arena, v, "best_step", tn_new_int(arena, (int64_t)s->best_step));
	tn_set(arena, v, "worse", tn_new_int(arena, (int64_t)s->worse));
	tn_set(arena, v, "log_bytes", tn_new_int(arena, (int64_t)s->log_bytes));
	tn_set(arena, v, "loss", bits(arena, s->loss));
	tn_set(arena, v, "count", bits(arena, s->count));
	return tn_set(arena, v, "job", (struct tn_value *)job) ? v : NULL;
}

int tn_checkpoint_write(const char *path, const struct tn_optimizer *o,
	const struct tn_train_state *state, const struct tn_value *job, struct tn_call *call)
{
	struct tn_arena *arena = tn_call_arena(call);
	struct tn_value *metadata = tn_new_object(arena), *v = state_value(state, job, arena);
	const char *text = v ? tn_json_print(v, NULL, call) : NULL;

	if (!text || !tn_set(arena, metadata, "tenon", tn_new_text(arena, text)))
		return tn_fail(call, TN_ENOMEM, "out of memory");
	return write_file(path, o, N_KINDS, metadata, call);
}

/* The first setting in which two jobs differ, "optim.lr"; NULL: none. */
static const char *difference(const struct tn_value *a, const struct tn_value *b, const char *name,
	struct tn_call *call)
{
	const char *x, *y;

	if (tn_value_kind(a) == TN_VALUE_OBJECT && tn_value_kind(b) == TN_VALUE_OBJECT) {
		for (size_t side = 0; side < 2; side++)
			for (size_t i = 0; i < tn_size(side ? b : a); i++) {
				const char *key = tn_key(side ? b : a, i);
				const char *inner = tn_printf(call, "%s%s%s", name,
					*name ? "." : "", key);

				inner = inner ? difference(tn_get(a, key), tn_get(b, key), inner,
					call) : "";
				if (inner)
					return inner;
			}
		return NULL;
	}
	x = a ? tn_json_print(a, NULL, call) : "(not set)";
	y = b ? tn_json_print(b, NULL, call) : "(not set)";
	if (!x || !y || !strcmp(x, y))
		return NULL;
	return tn_printf(call, "%s was %.100s and is %.100s", name, x, y);
}

static int read_state(const struct tn_safetensors *f, struct tn_train_state *s,
	const struct tn_value *job, struct tn_call *call)
{
	const struct tn_value *text = tn_get(tn_st_metadata(f), "tenon"), *v;
	const char *other;

	v = text ? tn_json_parse(tn_string(text, ""), tn_string_length(text), tn_st_path(f),
		tn_call_arena(call), call) : NULL;
	if (tn_int(tn_get(v, "format"), 0) != FORMAT)
		return tn_fail(call, TN_EDATA, "%s: this is no checkpoint of this version",
			tn_st_path(f));
	other = difference(tn_get(v, "job"), job, "", call);
	if (other)
		return tn_fail(call, TN_EDATA, "%s: it is of another job: %s", tn_st_path(f), other);
	*s = (struct tn_train_state){
		.step = (uint64_t)tn_int(tn_get(v, "step"), 0),
		.epoch = (uint64_t)tn_int(tn_get(v, "epoch"), 0),
		.batch = (uint64_t)tn_int(tn_get(v, "batch"), 0),
		.draws = (uint64_t)tn_int(tn_get(v, "draws"), 0),
		.best = from_bits(tn_get(v, "best")),
		.best_step = (uint64_t)tn_int(tn_get(v, "best_step"), 0),
		.worse = (uint64_t)tn_int(tn_get(v, "worse"), 0),
		.log_bytes = (uint64_t)tn_int(tn_get(v, "log_bytes"), 0),
		.loss = from_bits(tn_get(v, "loss")), .count = from_bits(tn_get(v, "count")) };
	return tn_status(call);
}

int tn_checkpoint_read(const char *path, struct tn_optimizer *o, struct tn_train_state *state,
	const struct tn_value *job, struct tn_call *call)
{
	struct tn_safetensors *f = tn_st_open(path, call);

	if (f && !read_state(f, state, job, call))
		read_file(f, o, N_KINDS, call);
	tn_st_close(f);
	return tn_status(call);
}

int tn_parameters_write(const char *path, const struct tn_optimizer *o, struct tn_call *call)
{
	return write_file(path, o, FIRST_MOMENT, NULL, call);
}

int tn_parameters_read(const char *path, struct tn_optimizer *o, struct tn_call *call)
{
	struct tn_safetensors *f = tn_st_open(path, call);

	if (f)
		read_file(f, o, FIRST_MOMENT, call);
	tn_st_close(f);
	return tn_status(call);
}
