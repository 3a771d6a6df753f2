/* SPDX-License-Identifier: Apache-2.0
 * tenon/tensor.h - a row-major array in a buffer, or a view into one.
 */
#ifndef TN_TENSOR_H
#define TN_TENSOR_H

#include <stddef.h>
#include <stdint.h>
#include <tenon/call.h>

TN_BEGIN

/** Element types.  The numbers are part of the plugin ABI: append only. */
enum tn_dtype {
	TN_F32 = 1,
	TN_F64 = 2,
	TN_F16 = 3,
	TN_BF16 = 4,
	TN_I64 = 5,
	TN_I32 = 6,
	TN_I16 = 7,
	TN_I8 = 8,
	TN_U8 = 9,
	TN_BOOL = 10
};

struct tn_memory_impl;	/* tenon/impl/backend.h */

/** Storage.  `memory` NULL: host memory, `data` is its address.
 *  Frozen within an ABI major. */
struct tn_buffer {
	void *data;
	size_t bytes;
	const struct tn_memory_impl *memory;
};

/** A dense array [dims[0]][dims[1]]..., or a view of columns of one.  Rows are
 *  the first dimension; each row is dense, and `row_stride` elements lie from
 *  one row to the next (equal to the row's size when the tensor is dense).
 *  Frozen within an ABI major. */
struct tn_tensor {
	struct tn_buffer *buffer;	/* borrowed */
	size_t offset;			/* bytes from the start of the buffer */
	uint32_t dtype;			/* enum tn_dtype */
	uint32_t n_dims;		/* 0 (a single value) to 4 */
	size_t dims[4];			/* unused ones are 1 */
	size_t row_stride;		/* elements */
};

/** Address of the first element; only for host memory. */
static inline void *tn_host_data(const struct tn_tensor *t)
{
	return (char *)t->buffer->data + t->offset;
}

/** Elements of one row: the product of dims[1] onwards. */
static inline size_t tn_row_size(const struct tn_tensor *t)
{
	return t->dims[1] * t->dims[2] * t->dims[3];
}

/** Bytes of one element; 0 for an unknown type. */
TN_API size_t tn_dtype_size(enum tn_dtype dtype);
/** "F32", "BF16" ... as safetensors writes them; NULL for an unknown type. */
TN_API const char *tn_dtype_name(enum tn_dtype dtype);

TN_END
#endif
