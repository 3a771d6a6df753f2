/* SPDX-License-Identifier: Apache-2.0
 * core/pipeline/writer_impl.h - what the writers of the formats share.
 */
#ifndef TN_PIPELINE_WRITER_IMPL_H
#define TN_PIPELINE_WRITER_IMPL_H

#include "pipeline/writer.h"

/** Whether a head's answer is a list of spans; an empty list is one. */
bool tn_is_span_list(const struct tn_value *v);
/** tn_answer_rows of a list of spans, in the order of the text, those of the best path
 *  first. */
struct tn_answer_row *tn_sorted_spans(const struct tn_value *answer, size_t *n,
	struct tn_call *call);
/** Writes one answer as text for people; checks no writing. */
int tn_put_text(FILE *out, const struct tn_writer *w, const struct tn_value *answer,
	struct tn_call *call);

#endif
