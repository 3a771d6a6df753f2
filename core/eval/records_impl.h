/* SPDX-License-Identifier: Apache-2.0
 * core/eval/records_impl.h - what the files of the records share.
 */
#ifndef TN_EVAL_RECORDS_IMPL_H
#define TN_EVAL_RECORDS_IMPL_H

#include "eval/records.h"

/** Room for one record more.  Errors: TN_ENOMEM. */
int eval_records_room(struct eval_records *r, struct tn_call *call);
/** Adds a head's answer to an example with tags. */
int eval_records_add_spans(struct eval_records *r, const struct eval_example *e,
	const struct tn_value *answer, struct tn_call *call);

#endif
