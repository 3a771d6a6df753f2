/* SPDX-License-Identifier: Apache-2.0
 * core/checkpoint/weights_load.c - the weight store: tensors in memory, and those that are made.
 */
#include <stdlib.h>
#include <string.h>
#include <tenon/impl/backend.h>

#include "base/pages.h"
#include "checkpoint/weights_impl.h"

#define ALIGN 64
#define LARGE ((size_t)32 << 20)	/* from here on malloc would map fresh pages each time */

static void *take_memory(size_t bytes)
{
	return bytes >= LARGE ? tn_pages_alloc(bytes) : aligned_alloc(ALIGN, bytes);
}

static void give_memory(const struct tn_buffer *b)
{
	if (b->bytes >= LARGE)
		tn_pages_free(b->data, b->bytes);
	else
		free(b->data);
}

void weights_free_copy(struct weight_copy *c)
{
	give_memory(&c->buffer);
}

/* Bytes of a tensor with its slack rows, or 0 when they cannot be counted. */
static size_t bytes_of(const struct tn_st_tensor *t, enum tn_dtype as, size_t *used)
{
	size_t row = tn_dtype_size(as), bytes, all;

	for (uint32_t i = 1; i < t->n_dims; i++)
		if (__builtin_mul_overflow(row, t->dims[i], &row))
			return 0;
	if (__builtin_mul_overflow(row, t->n_dims ? t->dims[0] : 1, &bytes) ||
			__builtin_mul_overflow(row, TN_ROW_SLACK, &all) ||
			__builtin_add_overflow(all, bytes, &all) ||
			__builtin_add_overflow(all, ALIGN, &all))
		return 0;
	*used = bytes;
	return all & ~(size_t)(ALIGN - 1);
}

/* Reads a weight into memory. */
static int read_copy(struct weight_copy *c, enum tn_dtype as, struct tn_call *call)
{
	const struct tn_st_tensor *t = c->weight->t;
	size_t used = 0, bytes = bytes_of(t, as, &used);
	struct tn_buffer b = { .data = bytes ? take_memory(bytes) : NULL, .bytes = bytes };

	if (!b.data)
		return tn_fail(call, TN_ENOMEM, "out of memory for tensor %s",
			tn_quote(call, t->name, strlen(t->name)));
	memset((char *)b.data + used, 0, bytes - used);
	if (!c->weight->file)
		memset(b.data, 0, used);
	else if (tn_st_read_float(c->weight->file, t, as, b.data, call)) {
		give_memory(&b);
		return tn_status(call);
	}
	c->buffer = b;
	c->tensor = (struct tn_tensor){ .buffer = &c->buffer, .dtype = as, .n_dims = t->n_dims };
	for (int i = 0; i < 4; i++)
		c->tensor.dims[i] = (size_t)t->dims[i];
	c->tensor.row_stride = tn_row_size(&c->tensor);
	return 0;
}

static struct weight *find(const struct tn_weights *w, const char *name, struct tn_call *call)
{
	struct weight *item = weights_find(w, name);

	if (!item)
		tn_fail(call, TN_EDATA, "%s: there is no tensor %s", w->where,
			tn_quote(call, name, strlen(name)));
	return item;
}

int tn_weight_read(struct tn_weights *w, const char *name, size_t first, size_t n, float *to,
	struct tn_call *call)
{
	struct weight *item = find(w, name, call);

	if (!item)
		return tn_status(call);
	pthread_mutex_lock(&w->lock);
	if (item->as_f32.buffer.data)	/* it may have been changed there */
		memcpy(to, (float *)item->as_f32.buffer.data + first, n * sizeof(*to));
	else if (!item->file)
		memset(to, 0, n * sizeof(*to));
	else
		tn_st_read_part(item->file, item->t, TN_F32, first, n, to, call);
	item->used = true;
	pthread_mutex_unlock(&w->lock);
	return tn_status(call);
}

const struct tn_tensor *tn_weight_load(struct tn_weights *w, const char *name, enum tn_dtype as,
	struct tn_call *call)
{
	struct weight *item = find(w, name, call);
	struct weight_copy *c;
	bool held;

	if (!item)
		return NULL;
	c = as == TN_F64 ? &item->as_f64 : &item->as_f32;
	pthread_mutex_lock(&w->lock);
	if (!c->buffer.data && !read_copy(c, as, call))
		w->bytes += c->buffer.bytes;
	held = c->buffer.data;
	c->readers += held;
	item->used = true;
	pthread_mutex_unlock(&w->lock);
	return held ? &c->tensor : NULL;
}

static struct weight_copy *copy_of(const struct tn_tensor *tensor)
{
	return (struct weight_copy *)tensor;
}

void tn_weight_release(struct tn_weights *w, const struct tn_tensor *tensor)
{
	struct weight_copy *c = copy_of(tensor);

	if (!tensor || c->weight < w->items || c->weight >= w->items + w->n)
		return;
	pthread_mutex_lock(&w->lock);
	if (!--c->readers) {
		w->bytes -= c->buffer.bytes;
		give_memory(&c->buffer);
		c->buffer = (struct tn_buffer){ 0 };
	}
	pthread_mutex_unlock(&w->lock);
}

const void *tn_weight_identity(struct tn_weights *w, const char *name, uint64_t *version)
{
	const struct weight *item = weights_find(w, name);

	if (!item)
		return NULL;
	pthread_mutex_lock(&w->lock);
	*version = item->version;
	pthread_mutex_unlock(&w->lock);
	return item;
}

uint64_t tn_weight_version(struct tn_weights *w, const struct tn_tensor *tensor)
{
	uint64_t version;

	pthread_mutex_lock(&w->lock);
	version = copy_of(tensor)->weight->version;
	pthread_mutex_unlock(&w->lock);
	return version;
}

void tn_weight_changed(struct tn_weights *w, const struct tn_tensor *tensor)
{
	pthread_mutex_lock(&w->lock);
	copy_of(tensor)->weight->version++;
	pthread_mutex_unlock(&w->lock);
}

bool tn_weight_made(const struct tn_tensor *tensor)
{
	return !copy_of(tensor)->weight->file;
}

/* The description of a tensor that no file has; NULL when memory ran out. */
static struct tn_st_tensor *describe(const char *name, const size_t dims[4], uint32_t n_dims)
{
	struct tn_st_tensor *t = calloc(1, sizeof(*t));
	char *copy = t ? strdup(name) : NULL;

	if (!copy) {
		free(t);
		return NULL;
	}
	*t = (struct tn_st_tensor){ .name = copy, .dtype = TN_F32, .n_dims = n_dims };
	for (uint32_t i = 0; i < TN_ST_MAX_DIMS; i++)
		t->dims[i] = i < n_dims ? dims[i] : 1;
	return t;
}

int tn_weights_make(struct tn_weights *w, const char *name, const size_t dims[4], uint32_t n_dims,
	struct tn_call *call)
{
	struct weight *made = calloc(1, sizeof(*made)), **at = &w->made;

	if (made)
		made->t = describe(name, dims, n_dims);
	if (!made || !made->t) {
		free(made);
		return tn_fail(call, TN_ENOMEM, "out of memory for tensor %s",
			tn_quote(call, name, strlen(name)));
	}
	made->version = 1;
	made->as_f32.weight = made->as_f64.weight = made;
	while (*at)
		at = &(*at)->next;
	*at = made;
	return 0;
}
