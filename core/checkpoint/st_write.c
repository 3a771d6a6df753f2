/* SPDX-License-Identifier: Apache-2.0
 * core/checkpoint/st_write.c - writing safetensors files.
 */
#include <endian.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/utf8.h"
#include "checkpoint/safetensors.h"

#define ALIGN 8

/* The items in the order of their data, and where each begins. */
struct layout {
	const struct tn_st_item **items;
	uint64_t *begin;	/* [n + 1] */
	size_t n;
};

/* The reference library's order, so that wide elements are aligned. */
static int compare(const void *a, const void *b)
{
	const struct tn_st_item *x = *(const struct tn_st_item *const *)a;
	const struct tn_st_item *y = *(const struct tn_st_item *const *)b;
	size_t size_x = tn_dtype_size(x->dtype), size_y = tn_dtype_size(y->dtype);

	if (size_x != size_y)
		return size_x > size_y ? -1 : 1;
	return strcmp(x->name, y->name);
}

static int check_item(const struct tn_st_item *item, const struct tn_st_item *before,
	const char *path, struct tn_call *call)
{
	size_t len = strlen(item->name);

	if (tn_utf8_valid(item->name, len) < len || !strcmp(item->name, "__metadata__"))
		return tn_fail(call, TN_EINTERNAL, "%s: no tensor can be named %s", path,
			tn_quote(call, item->name, len));
	if (!tn_dtype_size(item->dtype) || item->n_dims > TN_ST_MAX_DIMS)
		return tn_fail(call, TN_EINTERNAL, "%s: tensor %s has type %d and %u dimensions",
			path, tn_quote(call, item->name, len), (int)item->dtype, item->n_dims);
	if (before && !strcmp(before->name, item->name))
		return tn_fail(call, TN_EINTERNAL, "%s: tensor %s is given twice", path,
			tn_quote(call, item->name, len));
	return 0;
}

static int item_bytes(const struct tn_st_item *item, uint64_t *bytes)
{
	*bytes = tn_dtype_size(item->dtype);
	for (uint32_t i = 0; i < item->n_dims; i++)
		if (__builtin_mul_overflow(*bytes, item->dims[i], bytes))
			return -1;
	return 0;
}

static int make_layout(struct layout *l, const struct tn_st_item *items, size_t n,
	const char *path, struct tn_call *call)
{
	l->n = n;
	l->items = tn_alloc_n(call, n, sizeof(*l->items));
	l->begin = tn_alloc_n(call, n + 1, sizeof(*l->begin));
	if (!l->items || !l->begin)
		return TN_ENOMEM;
	for (size_t i = 0; i < n; i++)
		l->items[i] = &items[i];
	if (n)
		qsort(l->items, n, sizeof(*l->items), compare);
	for (size_t i = 0; i < n; i++) {
		uint64_t bytes;

		if (check_item(l->items[i], i ? l->items[i - 1] : NULL, path, call))
			return tn_status(call);
		if (item_bytes(l->items[i], &bytes) ||
				__builtin_add_overflow(l->begin[i], bytes, &l->begin[i + 1]))
			return tn_fail(call, TN_EINTERNAL, "%s: the tensors are too large", path);
	}
	return 0;
}

static struct tn_value *entry(const struct layout *l, size_t i, struct tn_arena *arena)
{
	const struct tn_st_item *item = l->items[i];
	struct tn_value *shape = tn_new_list(arena), *offsets = tn_new_list(arena);
	struct tn_value *v = tn_new_object(arena);

	for (uint32_t d = 0; d < item->n_dims; d++)
		if (!tn_append(arena, shape, tn_new_int(arena, (int64_t)item->dims[d])))
			return NULL;
	tn_append(arena, offsets, tn_new_int(arena, (int64_t)l->begin[i]));
	if (!tn_append(arena, offsets, tn_new_int(arena, (int64_t)l->begin[i + 1])) ||
			!tn_set(arena, v, "dtype", tn_new_text(arena,
				tn_dtype_name(item->dtype))) ||
			!tn_set(arena, v, "shape", shape) ||
			!tn_set(arena, v, "data_offsets", offsets))
		return NULL;
	return v;
}

static char *header_text(const struct layout *l, const struct tn_value *metadata, size_t *len,
	struct tn_call *call)
{
	struct tn_arena *arena = tn_call_arena(call);
	struct tn_value *header = tn_new_object(arena), *copy = tn_new_object(arena);
	bool good = header && copy;

	for (size_t i = 0; i < tn_size(metadata) && good; i++) {
		const struct tn_value *text = tn_at(metadata, i);

		good = tn_set(arena, copy, tn_key(metadata, i), tn_new_string(arena,
			tn_string(text, ""), tn_string_length(text)));
	}
	if (metadata && good)
		good = tn_set(arena, header, "__metadata__", copy);
	for (size_t i = 0; i < l->n && good; i++)
		good = tn_set(arena, header, l->items[i]->name, entry(l, i, arena));
	if (!good) {
		tn_fail(call, TN_ENOMEM, "out of memory for the header of a safetensors file");
		return NULL;
	}
	return tn_json_print(header, len, call);
}

static int write_all(struct tn_file_writer *w, const struct layout *l, const char *text,
	size_t len, struct tn_call *call)
{
	static const char spaces[ALIGN + 1] = "        ";
	size_t padding = (ALIGN - len % ALIGN) % ALIGN;
	uint64_t length = htole64(len + padding);

	if (tn_file_write(w, &length, sizeof(length), call) ||
			tn_file_write(w, text, len, call) ||
			tn_file_write(w, spaces, padding, call))
		return tn_status(call);
	for (size_t i = 0; i < l->n; i++)
		if (tn_file_write(w, l->items[i]->data, (size_t)(l->begin[i + 1] - l->begin[i]),
				call))
			return tn_status(call);
	return tn_file_commit(w, call);
}

int tn_st_write(const char *path, const struct tn_st_item *items, size_t n,
	const struct tn_value *metadata, struct tn_call *call)
{
	struct tn_mark mark = tn_arena_mark(tn_call_arena(call));
	struct tn_file_writer w = { 0 };
	struct layout l;
	char *text = NULL;
	size_t len = 0;
	int status = make_layout(&l, items, n, path, call);

	if (!status) {
		text = header_text(&l, metadata, &len, call);
		status = text ? tn_file_create(&w, path, call) : tn_status(call);
	}
	if (!status)
		status = write_all(&w, &l, text, len, call);
	tn_file_abandon(&w);
	tn_arena_rewind(tn_call_arena(call), mark);
	return status;
}
