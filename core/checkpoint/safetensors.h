/* SPDX-License-Identifier: Apache-2.0
 * core/checkpoint/safetensors.h - reading and writing safetensors files.
 *
 * A file is never trusted: every length, offset, shape and name is checked when it is
 * opened, before anything of that size is allocated, and a fault is told with its
 * byte in the file and its tensor.  Data are read by pread, never mapped: a file that
 * shrinks while it is open is an error and no signal.
 * Source: https://github.com/huggingface/safetensors, section "Format".
 */
#ifndef TN_CHECKPOINT_SAFETENSORS_H
#define TN_CHECKPOINT_SAFETENSORS_H

#include <tenon/tensor.h>
#include <tenon/value.h>

#define TN_ST_MAX_HEADER 100000000u	/* bytes; the same cap as the reference library */
#define TN_ST_MAX_DIMS 8

/** One tensor of a file; owned by the file.  begin and end are bytes of the data
 *  section, and end - begin equals the elements of dims times their size. */
struct tn_st_tensor {
	const char *name;
	enum tn_dtype dtype;
	uint32_t n_dims;
	uint64_t dims[TN_ST_MAX_DIMS];	/* unused ones are 1 */
	uint64_t begin, end;
};

/** An open file; const once open, so any number of threads read from it. */
struct tn_safetensors;

/** Opens a file and reads its header.  NULL after TN_ENOINPUT (no such file), TN_EDATA
 *  (what was found and what was expected, with the byte of the file), TN_EIO,
 *  TN_ENOMEM. */
TN_PRIVATE struct tn_safetensors *tn_st_open(const char *path, struct tn_call *call);
/** NULL is allowed. */
TN_PRIVATE void tn_st_close(struct tn_safetensors *f);
TN_PRIVATE const char *tn_st_path(const struct tn_safetensors *f);
TN_PRIVATE size_t tn_st_count(const struct tn_safetensors *f);
/** The i-th tensor in the order of the data; NULL beyond the end. */
TN_PRIVATE const struct tn_st_tensor *tn_st_at(const struct tn_safetensors *f, size_t i);
/** The tensor of that name or NULL; in logarithmic time. */
TN_PRIVATE const struct tn_st_tensor *tn_st_find(const struct tn_safetensors *f,
	const char *name);
/** "__metadata__": an object of strings; NULL when there is none.  Lives with the file. */
TN_PRIVATE const struct tn_value *tn_st_metadata(const struct tn_safetensors *f);
/** Elements of a tensor. */
TN_PRIVATE uint64_t tn_st_elements(const struct tn_st_tensor *t);

/** Reads a tensor's end - begin bytes as they are (little-endian).  Errors: TN_EIO,
 *  also when the file has shrunk. */
TN_PRIVATE int tn_st_read(const struct tn_safetensors *f, const struct tn_st_tensor *t, void *to,
	struct tn_call *call);
/** Reads an F32, F64, F16 or BF16 tensor as TN_F32 or TN_F64.  Errors: TN_EDATA (another
 *  type), TN_EIO. */
TN_PRIVATE int tn_st_read_float(const struct tn_safetensors *f, const struct tn_st_tensor *t,
	enum tn_dtype as, void *to, struct tn_call *call);
/** The same for `n` elements from `first` on. */
TN_PRIVATE int tn_st_read_part(const struct tn_safetensors *f, const struct tn_st_tensor *t,
	enum tn_dtype as, uint64_t first, uint64_t n, void *to, struct tn_call *call);
/** Counts the infinite values and NaN of a tensor of floats (0 for other types). */
TN_PRIVATE int tn_st_count_nonfinite(const struct tn_safetensors *f,
	const struct tn_st_tensor *t, uint64_t *n, struct tn_call *call);

/** A tensor to be written: dense, little-endian, as tn_st_read gives it. */
struct tn_st_item {
	const char *name;
	enum tn_dtype dtype;
	uint32_t n_dims;
	uint64_t dims[TN_ST_MAX_DIMS];
	const void *data;
};

/** Writes a file: beside it, synced, renamed, so that it is the old or the new one at
 *  any time and no part of one is left after an error.  The tensors lie in the order
 *  of falling element size, then name; the data start at a multiple of 8.  `metadata`
 *  is an object of strings, or NULL.  Errors: TN_EIO with the reason, TN_EINTERNAL for
 *  items that no file can hold (a name twice, bad UTF-8, more than 8 dims). */
TN_PRIVATE int tn_st_write(const char *path, const struct tn_st_item *items, size_t n,
	const struct tn_value *metadata, struct tn_call *call);

#endif
