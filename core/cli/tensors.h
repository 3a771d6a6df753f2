/* SPDX-License-Identifier: Apache-2.0
 * core/cli/tensors.h - the model's rows and the raw scores of inputs, for a safetensors
 * file.
 */
#ifndef TN_CLI_TENSORS_H
#define TN_CLI_TENSORS_H

#include "pipeline/pipeline_impl.h"

struct tn_tensors_file;

/** A file that is written when all is added; `path` is borrowed.  NULL after TN_ENOMEM, or
 *  TN_EIO when there can be no such file. */
struct tn_tensors_file *tn_tensors_open(const char *path, struct tn_call *call);
/** Adds hidden.N [tokens][width] and HEAD.N [rows][columns] of a finished job; windows lie
 *  one behind the other. */
int tn_tensors_add(struct tn_tensors_file *f, const struct tn_pipeline *p,
	const struct tn_job *job, long long n, struct tn_call *call);
int tn_tensors_write(struct tn_tensors_file *f, struct tn_call *call);
/** NULL is allowed. */
void tn_tensors_close(struct tn_tensors_file *f);

#endif
