/* SPDX-License-Identifier: Apache-2.0
 * core/checkpoint/st_check.h - what must hold of the tensors of a safetensors header.
 */
#ifndef TN_CHECKPOINT_ST_CHECK_H
#define TN_CHECKPOINT_ST_CHECK_H

#include "checkpoint/st_header.h"

/** A place in a header that is being read. */
struct reader {
	char *text;
	size_t n, at;			/* bytes of the header; the next one */
	size_t line, line_start;	/* for messages; lines from 1 */
	const char *name;		/* the entry that is being read, or NULL */
	size_t name_len;
	uint64_t data_size;
	const char *path;
	struct tn_call *call;
};

/** TN_EDATA with the byte of the file and the entry being read; `at` is a byte of the
 *  header. */
int st_fail(struct reader *r, size_t at, const char *format, ...) TN_PRINTF(3, 4);
/** Sets the type by its name. */
int st_check_dtype(struct reader *r, size_t at, const char *name, size_t len,
	struct tn_st_tensor *t);
/** The shape, type and offsets of one tensor agree and lie in the data. */
int st_check_size(struct reader *r, size_t at, const struct tn_st_tensor *t);
/** Sorts the tensors; no name is there twice, and they fill the data without a hole or
 *  an overlap. */
int st_check_layout(struct reader *r, struct st_header *h);

#endif
