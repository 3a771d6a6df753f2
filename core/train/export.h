/* SPDX-License-Identifier: Apache-2.0
 * core/train/export.h - what was trained as a model directory.
 *
 * config.json, model.safetensors and the tokenizer's files are those of the model with the new
 * weights.  A head that transformers has a class for, by the model's table, is in them; any
 * other is in a file of its own, NAME.safetensors, with its labels and options.  pipeline.cfg
 * names them all.
 */
#ifndef TN_TRAIN_EXPORT_H
#define TN_TRAIN_EXPORT_H

#include "train/objective.h"

/** Writes it into a directory that exists; each file is the old or the new one at any time.
 *  `dtype`: TN_F32, TN_F16 or TN_BF16, of the numbers of model.safetensors; files of heads have
 *  TN_F32.  Errors: TN_EIO; TN_EDATA, a number is too large for it; TN_ENOMEM. */
TN_PRIVATE int tn_export(const char *directory, const struct tn_objective *o, enum tn_dtype dtype,
	struct tn_call *call);

#endif
