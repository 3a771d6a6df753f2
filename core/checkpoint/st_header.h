/* SPDX-License-Identifier: Apache-2.0
 * core/checkpoint/st_header.h - the header of a safetensors file, parsed and checked.
 */
#ifndef TN_CHECKPOINT_ST_HEADER_H
#define TN_CHECKPOINT_ST_HEADER_H

#include "checkpoint/safetensors.h"

/** What a header says.  Names lie in the header's text, decoded in place. */
struct st_header {
	struct tn_st_tensor *tensors;	/* malloc'd, in the order of the data */
	size_t n, capacity;
	uint32_t *by_name;		/* malloc'd: indexes of tensors, sorted by name */
	struct tn_value *metadata;	/* in the arena; NULL: none */
};

/** Parses the header's `len` bytes, which are changed, and checks all of it against the
 *  data_size bytes of data behind it.  The grammar is that of the format and no more
 *  (an object of tensors with three keys each), so that nothing nests and memory stays
 *  below a small multiple of `len`.  `path` is for messages.  After an error too, the
 *  caller frees `tensors` and `by_name`.  Errors: TN_EDATA, TN_ENOMEM.
 *  Source: RFC 8259 (JSON); https://github.com/huggingface/safetensors, "Format". */
int st_header_parse(struct st_header *h, char *text, size_t len, uint64_t data_size,
	const char *path, struct tn_arena *arena, struct tn_call *call);

#endif
