/* SPDX-License-Identifier: Apache-2.0
 * tests/train/make_heads.c - writes files of untrained heads for a model of WIDTH columns:
 * `make_heads WIDTH DIRECTORY` makes crf.safetensors, labels.safetensors, number.safetensors.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <tenon/call.h>
#include <tenon/value.h>

#include "checkpoint/safetensors.h"

#define MOST 4096

static float numbers[8 * MOST];

static struct tn_st_item item(const char *name, size_t rows, size_t cols)
{
	return (struct tn_st_item){ .name = name, .dtype = TN_F32, .n_dims = cols ? 2 : 1,
		.dims = { rows, cols ? cols : 1 }, .data = numbers + rows };
}

static void write_head(const char *directory, const char *name, size_t width, size_t n,
	const char *notes, struct tn_call *call)
{
	const struct tn_st_item items[] = { item("classifier.weight", n, width),
		item("classifier.bias", n, 0), item("crf.start_transitions", n, 0),
		item("crf.end_transitions", n, 0), item("crf.transitions", n, n) };
	struct tn_value *metadata = tn_new_object(tn_call_arena(call));
	char path[4096];

	snprintf(path, sizeof(path), "%s/%s.safetensors", directory, name);
	tn_set(tn_call_arena(call), metadata, "tenon", tn_new_text(tn_call_arena(call), notes));
	tn_st_write(path, items, n == 5 ? 5 : 2, metadata, call);
}

int main(int argc, char **argv)
{
	struct tn_call *call = tn_call_create();
	size_t width = argc == 3 ? strtoul(argv[1], NULL, 10) : 0;
	int status;

	if (!call || !width || width > MOST / 8)
		return 2;
	for (size_t i = 0; i < 8 * MOST; i++)
		numbers[i] = (float)(0.3 * sin(1 + 1.7 * (double)i));
	write_head(argv[2], "crf", width, 5,
		"{\"labels\":[\"O\",\"B-PER\",\"I-PER\",\"B-LOC\",\"I-LOC\"]}", call);
	write_head(argv[2], "labels", width, 3, "{\"labels\":[\"a\",\"b\",\"c\"]}", call);
	write_head(argv[2], "number", width, 1, "{\"labels\":[\"x\"]}", call);
	if (tn_status(call))
		fprintf(stderr, "%s\n", tn_error_text(call));
	status = tn_status(call) != 0;
	tn_call_destroy(call);
	return status;
}
