/* SPDX-License-Identifier: Apache-2.0
 * core/checkpoint/weights.h - the weight store: tensors of one or several safetensors
 * files by name, converted once and shared by all who read them.
 *
 * All functions may be called by many threads at once, except close.
 */
#ifndef TN_CHECKPOINT_WEIGHTS_H
#define TN_CHECKPOINT_WEIGHTS_H

#include "checkpoint/model_dir.h"
#include "checkpoint/safetensors.h"

struct tn_weights;

/** The weights of a model directory, one store for all who open the same files while they
 *  are unchanged; its index, if there is one, must agree with the
 *  shards.  `prefix` is what may stand before the names of the trunk's tensors ("bert.";
 *  NULL: nothing): a name is found as it is, with the prefix, or without it, in this
 *  order; and LayerNorm.weight and LayerNorm.bias under their old names gamma and beta.
 *  With `own` it is a store for this caller alone, who may change it.
 *  NULL after an error: what tn_st_open gives, or TN_EDATA when two files have a tensor of
 *  the same name or the index is wrong. */
TN_PRIVATE struct tn_weights *tn_weights_open(const struct tn_model_dir *dir,
	const char *prefix, bool own, struct tn_call *call);
/** The weights of one file. */
TN_PRIVATE struct tn_weights *tn_weights_open_file(const char *path, bool own,
	struct tn_call *call);
/** A store of no file, for tensors that are made; `where` stands for it in messages. */
TN_PRIVATE struct tn_weights *tn_weights_create(const char *where, struct tn_call *call);
/** Adds a tensor of zeros that no file has, to a store that is not shared and that no other
 *  thread uses.  It is held as long as the store is open.  Errors: TN_ENOMEM. */
TN_PRIVATE int tn_weights_make(struct tn_weights *w, const char *name, const size_t dims[4],
	uint32_t n_dims, struct tn_call *call);
/** Frees the store when all who opened it have closed it, also weights that were never
 *  released; NULL is allowed. */
TN_PRIVATE void tn_weights_close(struct tn_weights *w);

/** The file or index that was opened, for messages. */
TN_PRIVATE const char *tn_weights_where(const struct tn_weights *w);
/** "__metadata__" of the first file, or NULL. */
TN_PRIVATE const struct tn_value *tn_weights_metadata(const struct tn_weights *w);
/** Whether a name leads to a tensor of at most 4 dimensions, and its shape; unused dims
 *  are 1. */
TN_PRIVATE bool tn_weights_shape(const struct tn_weights *w, const char *name, size_t dims[4],
	uint32_t *n_dims);

/** The tensor as TN_F32 or TN_F64 on the host: 64-byte aligned, TN_ROW_SLACK zeroed rows
 *  behind it, const, the same for all who load it, valid until each has released it.
 *  The bytes go with the last release and are read again when asked.  NULL after an
 *  error: TN_EDATA (no such tensor, no floats), TN_EIO, TN_ENOMEM. */
TN_PRIVATE const struct tn_tensor *tn_weight_load(struct tn_weights *w, const char *name,
	enum tn_dtype as, struct tn_call *call);
/** Copies `n` elements from `first` on as TN_F32; the tensor is not held for it.  Errors: as
 *  of tn_weight_load. */
TN_PRIVATE int tn_weight_read(struct tn_weights *w, const char *name, size_t first, size_t n,
	float *to, struct tn_call *call);
/** A tensor of another store is left alone. */
TN_PRIVATE void tn_weight_release(struct tn_weights *w, const struct tn_tensor *tensor);
/** What stands for a tensor, the same as long as the store is open, and its version; NULL
 *  when there is none of that name. */
TN_PRIVATE const void *tn_weight_identity(struct tn_weights *w, const char *name,
	uint64_t *version);
/** A loaded weight's version, from 1; raised by tn_weight_changed, after which what was
 *  made of an older version is remade before use. */
TN_PRIVATE uint64_t tn_weight_version(struct tn_weights *w, const struct tn_tensor *tensor);
TN_PRIVATE void tn_weight_changed(struct tn_weights *w, const struct tn_tensor *tensor);
/** Whether tn_weights_make made a loaded weight. */
TN_PRIVATE bool tn_weight_made(const struct tn_tensor *tensor);

/** Tensors of the store by number, file by file in the order of their data. */
TN_PRIVATE size_t tn_weights_count(const struct tn_weights *w);
TN_PRIVATE const struct tn_st_tensor *tn_weights_at(const struct tn_weights *w, size_t i);
/** The i-th tensor's file. */
TN_PRIVATE const struct tn_safetensors *tn_weights_file(const struct tn_weights *w, size_t i);
/** Whether the i-th tensor was ever loaded: for the list of unused ones. */
TN_PRIVATE bool tn_weights_used(struct tn_weights *w, size_t i);
/** Bytes of tensors that are held now. */
TN_PRIVATE size_t tn_weights_bytes(struct tn_weights *w);

#endif
