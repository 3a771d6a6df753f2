/* SPDX-License-Identifier: Apache-2.0
 * core/cli/verify.h - what a pipeline gives, beside what was recorded.
 */
#ifndef TN_CLI_VERIFY_H
#define TN_CLI_VERIFY_H

#include "checkpoint/safetensors.h"
#include "pipeline/pipeline_impl.h"

/** What a file of recorded values may hold: KIND.I for case I. */
enum tn_recorded {
	TN_REC_IDS, TN_REC_TYPE_IDS, TN_REC_OFFSETS, TN_REC_HIDDEN, TN_REC_POOLED, TN_REC_LOGITS,
	TN_REC_EMBED, TN_N_REC
};

/** One kind over all cases. */
struct tn_comparison {
	uint64_t n;			/* numbers compared */
	double max;			/* largest absolute difference; infinite for NaN and for
					 * values that cannot be compared */
	char where[160];		/* of the largest */
};

/** A verification under way. */
struct tn_verify {
	const struct tn_pipeline *p;
	const struct tn_safetensors *file;
	struct tn_comparison of[TN_N_REC];
};

/** The first *len bytes are "ids", "type_ids" ... */
const char *tn_recorded_name(enum tn_recorded kind, int *len);
/** Splits "KIND.I"; false for another form. */
bool tn_recorded_parse(const char *name, enum tn_recorded *kind, size_t *number);
/** Compares a finished job with all that was recorded of case `number`.  Errors: TN_EDATA
 *  (the file's types), TN_EIO, TN_ENOMEM; a difference is none. */
int tn_verify_case(struct tn_verify *v, const struct tn_job *job, size_t number,
	struct tn_call *call);

#endif
