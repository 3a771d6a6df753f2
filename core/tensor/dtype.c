/* SPDX-License-Identifier: Apache-2.0
 * core/tensor/dtype.c - element types by size and name.
 */
#include <tenon/tensor.h>

static const struct {
	size_t size;
	const char *name;
} dtypes[] = {
	[TN_F32] = { 4, "F32" },
	[TN_F64] = { 8, "F64" },
	[TN_F16] = { 2, "F16" },
	[TN_BF16] = { 2, "BF16" },
	[TN_I64] = { 8, "I64" },
	[TN_I32] = { 4, "I32" },
	[TN_I16] = { 2, "I16" },
	[TN_I8] = { 1, "I8" },
	[TN_U8] = { 1, "U8" },
	[TN_BOOL] = { 1, "BOOL" },
};
#define N_DTYPES (sizeof(dtypes) / sizeof(dtypes[0]))

size_t tn_dtype_size(enum tn_dtype dtype)
{
	return (size_t)dtype < N_DTYPES ? dtypes[dtype].size : 0;
}

const char *tn_dtype_name(enum tn_dtype dtype)
{
	return (size_t)dtype < N_DTYPES ? dtypes[dtype].name : NULL;
}
