/* SPDX-License-Identifier: Apache-2.0
 * core/checkpoint/st_check.c - what must hold of the tensors of a safetensors header.
 */
#define _GNU_SOURCE	/* qsort_r */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "checkpoint/st_check.h"

#define LENGTH_BYTES 8	/* before the header */

int st_fail(struct reader *r, size_t at, const char *format, ...)
{
	char text[512];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	if (r->name)
		return tn_fail(r->call, TN_EDATA, "%s: byte %zu: %s%s: %s", r->path,
			LENGTH_BYTES + at, strcmp(r->name, "__metadata__") ? "tensor " : "",
			tn_quote(r->call, r->name, r->name_len), text);
	return tn_fail(r->call, TN_EDATA, "%s: byte %zu: %s", r->path, LENGTH_BYTES + at, text);
}

int st_check_dtype(struct reader *r, size_t at, const char *name, size_t len,
	struct tn_st_tensor *t)
{
	static const char *const others[] = {
		"C64", "F4", "F6_E2M3", "F6_E3M2", "F8_E4M3", "F8_E4M3FNUZ", "F8_E5M2",
		"F8_E5M2FNUZ", "F8_E8M0", "U16", "U32", "U64"
	};

	for (enum tn_dtype d = TN_F32; tn_dtype_name(d); d++) {
		if (strcmp(name, tn_dtype_name(d)))
			continue;
		t->dtype = d;
		return 0;
	}
	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++)
		if (!strcmp(name, others[i]))
			return st_fail(r, at, "the dtype %s is unsupported; F32, F64, F16, BF16, "
				"I64, I32, I16, I8, U8 and BOOL are read", name);
	return st_fail(r, at, "unknown dtype %s", tn_quote(r->call, name, len));
}

/* "[2,3]" */
static const char *shape_text(const struct tn_st_tensor *t, char *out, size_t room)
{
	size_t n = (size_t)snprintf(out, room, "[");

	for (uint32_t i = 0; i < t->n_dims; i++)
		n += (size_t)snprintf(out + n, room - n, "%s%" PRIu64, i ? "," : "", t->dims[i]);
	snprintf(out + n, room - n, "]");
	return out;
}

int st_check_size(struct reader *r, size_t at, const struct tn_st_tensor *t)
{
	uint64_t bytes = tn_dtype_size(t->dtype);
	char shape[TN_ST_MAX_DIMS * 21 + 3];
	bool large = false;

	for (uint32_t i = 0; i < t->n_dims; i++)
		large |= __builtin_mul_overflow(bytes, t->dims[i], &bytes);
	shape_text(t, shape, sizeof(shape));
	if (large)
		return st_fail(r, at, "the shape %s takes more bytes than 64 bits count", shape);
	if (t->begin > t->end)
		return st_fail(r, at, "data_offsets begin at %" PRIu64 " and end before, at %"
			PRIu64, t->begin, t->end);
	if (t->end > r->data_size)
		return st_fail(r, at, "data_offsets end at byte %" PRIu64 " of the data, which "
			"has %" PRIu64, t->end, r->data_size);
	if (t->end - t->begin != bytes)
		return st_fail(r, at, "the shape %s of %s takes %" PRIu64 " bytes, data_offsets "
			"give %" PRIu64, shape, tn_dtype_name(t->dtype), bytes,
			t->end - t->begin);
	return 0;
}

static int compare_place(const void *a, const void *b)
{
	const struct tn_st_tensor *x = a, *y = b;

	if (x->begin != y->begin)
		return x->begin < y->begin ? -1 : 1;
	if (x->end != y->end)
		return x->end < y->end ? -1 : 1;
	return x->name < y->name ? -1 : x->name > y->name;	/* the header's order */
}

static int compare_name(const void *a, const void *b, void *tensors)
{
	const struct tn_st_tensor *t = tensors;

	return strcmp(t[*(const uint32_t *)a].name, t[*(const uint32_t *)b].name);
}

static int check_names(struct reader *r, struct st_header *h)
{
	if (h->n > UINT32_MAX)
		return st_fail(r, 0, "the header has %zu tensors", h->n);
	h->by_name = calloc(h->n + 1, sizeof(*h->by_name));
	if (!h->by_name)
		return tn_fail(r->call, TN_ENOMEM, "%s: out of memory", r->path);
	for (size_t i = 0; i < h->n; i++)
		h->by_name[i] = (uint32_t)i;
	qsort_r(h->by_name, h->n, sizeof(*h->by_name), compare_name, h->tensors);
	for (size_t i = 1; i < h->n; i++) {
		const char *a = h->tensors[h->by_name[i - 1]].name;
		const char *b = h->tensors[h->by_name[i]].name;

		if (strcmp(a, b))
			continue;
		r->name = a;
		r->name_len = strlen(a);
		return st_fail(r, (size_t)((a > b ? a : b) - r->text) - 1,
			"the name is there twice");
	}
	return 0;
}

int st_check_layout(struct reader *r, struct st_header *h)
{
	uint64_t end = 0;

	if (h->n)
		qsort(h->tensors, h->n, sizeof(*h->tensors), compare_place);
	if (check_names(r, h))
		return tn_status(r->call);
	for (size_t i = 0; i < h->n; i++) {
		const struct tn_st_tensor *t = &h->tensors[i];

		r->name = t->name;
		r->name_len = strlen(t->name);
		if (t->begin < end)
			return st_fail(r, r->n + t->begin, "begins at byte %" PRIu64 " of the data "
				"and overlaps tensor %s, which ends at %" PRIu64, t->begin,
				tn_quote(r->call, t[-1].name, strlen(t[-1].name)), end);
		if (t->begin > end)
			return st_fail(r, r->n + end, "begins at byte %" PRIu64 " of the data; the "
				"%" PRIu64 " bytes before it belong to no tensor", t->begin,
				t->begin - end);
		end = t->end;
	}
	r->name = NULL;
	if (end != r->data_size)
		return st_fail(r, r->n + end, "%" PRIu64 " bytes behind the last tensor belong to "
			"no tensor", r->data_size - end);
	return 0;
}
